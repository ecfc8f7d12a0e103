/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Canaries: faults that are put in on purpose, to see that the tests find them. Only builds with
 * -DSTELE_CANARY have them, and only one at a time: tests/sim/canaries.h says what each number
 * does.
 */
#ifndef STELE_LOG_CANARY_H
#define STELE_LOG_CANARY_H

#ifdef STELE_CANARY
/* Which one; 0: none. */
extern int stele__log_canary;
#define STELE_CANARY_IS(number) (stele__log_canary == (number))
#else
#define STELE_CANARY_IS(number) 0
#endif

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the memory backend are given: a store with a clock under their control, short
 * ways to append, and reads as texts. */
#ifndef STELE_TESTS_MEMORY_GIVEN_H
#define STELE_TESTS_MEMORY_GIVEN_H

#include "support/test.h"

#include <stele/stele.h>
#include <stele/sys/clock.h>

/* Where the clock of every test begins: 2026-11-21T10:00:00Z. */
#define GIVEN_NOW ((stele_time)1795255200 * 1000000000)

/* Both clocks of the process, as the tests set them; its entropy is a counter. */
extern stele_time given_now;
extern int64_t given_monotonic;
extern const stele_clock given_clock;

/* Moves both clocks. */
void given_pass(stele_duration time);

/* Opens memory: with the clock above. `options` may be NULL; its clock is ignored. */
stele_store *given_store(const stele_options *options);

/* The id of small numbers; 0: none. */
stele_uuid given_id(unsigned number);
/* An event of type "t" without data. */
stele_event given_event(const char *stream, unsigned id);

/* Appends one event and expects that to work. */
stele_receipt given_append(stele_store *store, const char *stream, unsigned id);

/* "a@0 a@1 $$a@0": stream and revision of what a read shows, "tombstone" for one; or the detail's
 * name if it cannot be opened. Lives until the next call. */
const char *given_read(stele_store *store, stele_read read);
/* The same of an open cursor. */
const char *given_rest(stele_cursor *cursor);

/* The data of the event at a position. Lives until the next call. */
const char *given_data(stele_store *store, stele_position position);

stele_position given_head(stele_store *store);

#endif

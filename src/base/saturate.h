/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sums and differences of times that end at the limits instead of overflowing: a clock is the
 * user's, and may say whatever it likes.
 */
#ifndef STELE_BASE_SATURATE_H
#define STELE_BASE_SATURATE_H

#include <stdint.h>

static inline int64_t stele__add_saturated(int64_t a, int64_t b)
{
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum)) {
        return b > 0 ? INT64_MAX : INT64_MIN;
    }
    return sum;
}

static inline int64_t stele__subtract_saturated(int64_t a, int64_t b)
{
    int64_t difference;
    if (__builtin_sub_overflow(a, b, &difference)) {
        return b < 0 ? INT64_MAX : INT64_MIN;
    }
    return difference;
}

#endif

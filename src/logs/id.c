/* SPDX-License-Identifier: Apache-2.0 */
/* Ids of logs: 8 bytes of time, highest first, and random bytes, in base 32 with digits in the
 * order of their values. So ids sort by time. */
#include "base/base.h"
#include <stele/logs.h>
#include <stele/sys/clock.h>

#include <string.h>

enum { TIME_BYTES = 8, BYTES_MAX = TIME_BYTES + STELE_LOG_ID_ENTROPY_MAX, BITS = 5 };

static const char digits[] = "0123456789abcdefghijklmnopqrstuv";

static size_t text_size(size_t bytes)
{
    return (bytes * 8 + BITS - 1) / BITS;
}

void stele_log_id_new(const stele_clock *clock, size_t entropy,
                      char ret_id[STELE_LOG_ID_SIZE_MAX + 1])
{
    uint8_t bytes[BYTES_MAX + 1] = {0};
    if (!clock) {
        clock = stele_clock_system();
    }
    entropy = entropy == 0                         ? STELE_LOG_ID_ENTROPY_DEFAULT
              : entropy < STELE_LOG_ID_ENTROPY_MIN ? STELE_LOG_ID_ENTROPY_MIN
              : entropy > STELE_LOG_ID_ENTROPY_MAX ? STELE_LOG_ID_ENTROPY_MAX
                                                   : entropy;
    const stele_time now = clock->now(clock->context);
    const uint64_t time = now > 0 ? (uint64_t)now : 0;
    for (size_t i = 0; i < TIME_BYTES; i++) {
        bytes[i] = (uint8_t)(time >> (56 - 8 * i));
    }
    clock->entropy(clock->context, bytes + TIME_BYTES, entropy);
    const size_t size = text_size(TIME_BYTES + entropy);
    for (size_t i = 0; i < size; i++) {
        const size_t bit = i * BITS;
        const unsigned pair = (unsigned)bytes[bit / 8] << 8 | bytes[bit / 8 + 1];
        ret_id[i] = digits[pair >> (16 - BITS - bit % 8) & ((1U << BITS) - 1)];
    }
    ret_id[size] = '\0';
}

stele_log_id_problem stele_log_id_parse(const char *id, size_t size, stele_time *ret_created)
{
    uint64_t time = 0;
    if (size < text_size(TIME_BYTES + STELE_LOG_ID_ENTROPY_MIN)) {
        return STELE_LOG_ID_TOO_SHORT;
    }
    if (size > text_size(BYTES_MAX)) {
        return STELE_LOG_ID_TOO_LONG;
    }
    for (size_t i = 0; i < size; i++) {
        const char *digit = id[i] ? strchr(digits, id[i]) : NULL;
        if (!digit) {
            return STELE_LOG_ID_BAD_ENCODING;
        }
        /* 64 bits are twelve digits and four bits of the next. */
        const uint64_t value = (uint64_t)(digit - digits);
        time = i < 12 ? time << BITS | value : i == 12 ? time << 4 | value >> 1 : time;
    }
    if (time > INT64_MAX) {
        return STELE_LOG_ID_TIME_OUT_OF_RANGE;
    }
    if (ret_created) {
        *ret_created = (stele_time)time;
    }
    return STELE_LOG_ID_OK;
}

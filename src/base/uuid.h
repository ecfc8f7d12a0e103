/* SPDX-License-Identifier: Apache-2.0 */
/* Making and comparing UUIDs; parsing and printing are public (stele/types.h). */
#ifndef STELE_BASE_UUID_H
#define STELE_BASE_UUID_H

#include <stele/sys/clock.h>

#include <stdbool.h>
#include <string.h>

/* A UUIDv7 of a wall-clock time with 74 bits of the clock's entropy. Any thread. */
stele_uuid stele__uuid_v7(stele_time time, const stele_clock *clock);
/* A UUIDv4. Any thread. */
stele_uuid stele__uuid_v4(const stele_clock *clock);

static inline bool stele__uuid_is_none(const stele_uuid *uuid)
{
    static const uint8_t none[16];
    return memcmp(uuid->bytes, none, sizeof none) == 0;
}

static inline bool stele__uuid_equal(const stele_uuid *a, const stele_uuid *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

#endif

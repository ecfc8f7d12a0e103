/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unsigned integers in 1 to 9 bytes. The first byte tells how many: one more than the zero bits
 * below its lowest 1; the number stands above that bit, lowest byte first. So the size is known
 * after one look and nothing loops. A first byte of 0 is followed by all 8 bytes of the number. The
 * shortest form is what is written; longer ones are read.
 */
#ifndef STELE_BASE_VARINT_H
#define STELE_BASE_VARINT_H

#include "bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define STELE_VARINT_SIZE_MAX 9

static inline size_t stele__varint_size(uint64_t value)
{
    const unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);
    return bits > 56 ? STELE_VARINT_SIZE_MAX : (bits + 6) / 7;
}

/* Writes value and returns the place behind it. There must be room for STELE_VARINT_SIZE_MAX bytes,
 * which may all be written to. */
static inline uint8_t *stele__varint_put(uint8_t *to, uint64_t value)
{
    const size_t size = stele__varint_size(value);
    if (size == STELE_VARINT_SIZE_MAX) {
        *to = 0;
        stele__store64(to + 1, value);
    } else {
        stele__store64(to, (value << 1 | 1) << (size - 1));
    }
    return to + size;
}

/* The bits of a number of 1, 2 … 8 bytes, above its mark. */
extern const uint64_t stele__varint_masks[8] __attribute__((visibility("hidden")));

/* Decodes at *at, where STELE_VARINT_SIZE_MAX bytes can be read, and moves *at on. */
static inline __attribute__((always_inline)) uint64_t stele__varint_take(const uint8_t **at)
{
    const uint8_t *from = *at;
    const uint64_t word = stele__load64(from);
    if (__builtin_expect((uint8_t)word == 0, 0)) {
        *at = from + STELE_VARINT_SIZE_MAX;
        return stele__load64(from + 1);
    }
    const size_t more = (size_t)__builtin_ctzll(word);
    *at = from + more + 1;
    return (word & stele__varint_masks[more]) >> more >> 1;
}

/*
 * The same, for numbers whose size is mostly that of the one before at the same place. It is
 * guessed by the processor, which predicts branches, so that what follows need not wait for this
 * number to be loaded; a chain of loads would cost more than all else that is done to an event.
 */
static inline __attribute__((always_inline)) uint64_t stele__varint_take_steady(const uint8_t **at)
{
    const uint8_t *from = *at;
    const uint64_t word = stele__load64(from);
#define STELE_VARINT_CASE(size)                                                                    \
    if (word & (UINT64_C(1) << ((size)-1))) {                                                      \
        *at = from + (size);                                                                       \
        return word << (64 - 8 * (size)) >> (64 - 7 * (size));                                     \
    }
    STELE_VARINT_CASE(1)
    STELE_VARINT_CASE(2)
    STELE_VARINT_CASE(3)
    STELE_VARINT_CASE(4)
    STELE_VARINT_CASE(5)
    STELE_VARINT_CASE(6)
#undef STELE_VARINT_CASE
    return stele__varint_take(at);
}

/* As stele__varint_get(), where fewer than STELE_VARINT_SIZE_MAX bytes are left. */
bool stele__varint_get_near_end(const uint8_t **at, const uint8_t *end, uint64_t *ret_value);

/* Decodes at *at, not reading at or behind end, and moves *at on. False: truncated; then *at is
 * where it was. */
static inline bool stele__varint_get(const uint8_t **at, const uint8_t *end, uint64_t *ret_value)
{
    if (end - *at < STELE_VARINT_SIZE_MAX) {
        return stele__varint_get_near_end(at, end, ret_value);
    }
    *ret_value = stele__varint_take(at);
    return true;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Unsigned integers in 1 to 10 bytes, 7 bits a byte, lowest first (LEB128). Decoding accepts the
 * shortest form only, so that every value has one encoding. */
#ifndef STELE_BASE_VARINT_H
#define STELE_BASE_VARINT_H

#include "bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STELE_VARINT_SIZE_MAX 10

/* Writes value and returns the place behind it. There must be room for STELE_VARINT_SIZE_MAX bytes.
 */
static inline uint8_t *stele__varint_put(uint8_t *to, uint64_t value)
{
    while (value >= 0x80) {
        *to++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *to++ = (uint8_t)value;
    return to;
}

static inline size_t stele__varint_size(uint64_t value)
{
    return value < 0x80 ? 1 : (size_t)(70 - __builtin_clzll(value)) / 7;
}

/* Decodes at *at, not reading at or behind end, and moves *at on. False: truncated, too long, or
 * not the shortest form. */
static inline bool stele__varint_get(const uint8_t **at, const uint8_t *end, uint64_t *ret_value)
{
    const uint8_t *from = *at;
    uint64_t value = 0;
    if (from < end && *from < 0x80) {
        *ret_value = *from;
        *at = from + 1;
        return true;
    }
    if (end - from >= 8) {
        /* All at once: where the first byte without its highest bit is, and the sevens of bits
         * before it pushed together. */
        const uint64_t word = stele__load64(from);
        const uint64_t ends = ~word & UINT64_C(0x8080808080808080);
        if (ends) {
            const unsigned size = ((unsigned)__builtin_ctzll(ends) + 1) / 8;
            uint64_t sevens = word & (~UINT64_C(0) >> (64 - 8 * size)) &
                              UINT64_C(0x7f7f7f7f7f7f7f7f);
            sevens = (sevens & UINT64_C(0x007f007f007f007f)) |
                     (sevens & UINT64_C(0x7f007f007f007f00)) >> 1;
            sevens = (sevens & UINT64_C(0x00003fff00003fff)) |
                     (sevens & UINT64_C(0x3fff00003fff0000)) >> 2;
            *ret_value = (sevens & UINT64_C(0x000000000fffffff)) |
                         (sevens & UINT64_C(0x0fffffff00000000)) >> 4;
            *at = from + size;
            return from[size - 1] != 0; /* a zero at the end: not the shortest form */
        }
    }
    for (unsigned shift = 0; shift < 64 && from < end; shift += 7) {
        const uint8_t byte = *from++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            if ((byte == 0 && shift > 0) || (shift == 63 && byte > 1)) {
                return false;
            }
            *ret_value = value;
            *at = from;
            return true;
        }
    }
    return false;
}

#endif

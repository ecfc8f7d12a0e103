/* SPDX-License-Identifier: Apache-2.0 */
/* Unsigned integers in 1 to 10 bytes, 7 bits a byte, lowest first (LEB128). Decoding accepts the
 * shortest form only, so that every value has one encoding. */
#ifndef STELE_BASE_VARINT_H
#define STELE_BASE_VARINT_H

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

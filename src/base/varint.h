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

/* As stele__varint_get(), for numbers of two bytes and more. */
bool stele__varint_get_long(const uint8_t **at, const uint8_t *end, uint64_t *ret_value);

/* Decodes at *at, not reading at or behind end, and moves *at on. False: truncated, too long, or
 * not the shortest form; then *at is where it was. */
static inline bool stele__varint_get(const uint8_t **at, const uint8_t *end, uint64_t *ret_value)
{
    const uint8_t *from = *at;
    if (from < end && *from < 0x80) {
        *ret_value = *from;
        *at = from + 1;
        return true;
    }
    return stele__varint_get_long(at, end, ret_value);
}

#endif

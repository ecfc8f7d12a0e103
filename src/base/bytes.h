/* SPDX-License-Identifier: Apache-2.0 */
/* Little-endian loads and stores, for every integer in a format; never a cast of a struct. */
#ifndef STELE_BASE_BYTES_H
#define STELE_BASE_BYTES_H

#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define STELE__LITTLE16(value) __builtin_bswap16(value)
#define STELE__LITTLE32(value) __builtin_bswap32(value)
#define STELE__LITTLE64(value) __builtin_bswap64(value)
#else
#define STELE__LITTLE16(value) (value)
#define STELE__LITTLE32(value) (value)
#define STELE__LITTLE64(value) (value)
#endif

/* memcpy() of a constant size is one unaligned load or store. */

static inline uint16_t stele__load16(const void *bytes)
{
    uint16_t value;
    memcpy(&value, bytes, sizeof value);
    return STELE__LITTLE16(value);
}

static inline uint32_t stele__load32(const void *bytes)
{
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    return STELE__LITTLE32(value);
}

static inline uint64_t stele__load64(const void *bytes)
{
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return STELE__LITTLE64(value);
}

static inline void stele__store16(void *bytes, uint16_t value)
{
    value = STELE__LITTLE16(value);
    memcpy(bytes, &value, sizeof value);
}

static inline void stele__store32(void *bytes, uint32_t value)
{
    value = STELE__LITTLE32(value);
    memcpy(bytes, &value, sizeof value);
}

static inline void stele__store64(void *bytes, uint64_t value)
{
    value = STELE__LITTLE64(value);
    memcpy(bytes, &value, sizeof value);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Little-endian loads and stores, for every integer in a format; never a cast of a struct. */
#ifndef STELE_BASE_BYTES_H
#define STELE_BASE_BYTES_H

#include <stdint.h>
#include <string.h>

static inline uint16_t stele__load16(const void *bytes)
{
    const uint8_t *b = (const uint8_t *)bytes;
    return (uint16_t)(b[0] | b[1] << 8);
}

static inline uint32_t stele__load32(const void *bytes)
{
    const uint8_t *b = (const uint8_t *)bytes;
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static inline uint64_t stele__load64(const void *bytes)
{
    const uint8_t *b = (const uint8_t *)bytes;
    return (uint64_t)stele__load32(b) | (uint64_t)stele__load32(b + 4) << 32;
}

static inline void stele__store16(void *bytes, uint16_t value)
{
    uint8_t *b = (uint8_t *)bytes;
    b[0] = (uint8_t)value;
    b[1] = (uint8_t)(value >> 8);
}

static inline void stele__store32(void *bytes, uint32_t value)
{
    uint8_t *b = (uint8_t *)bytes;
    b[0] = (uint8_t)value;
    b[1] = (uint8_t)(value >> 8);
    b[2] = (uint8_t)(value >> 16);
    b[3] = (uint8_t)(value >> 24);
}

static inline void stele__store64(void *bytes, uint64_t value)
{
    stele__store32(bytes, (uint32_t)value);
    stele__store32((uint8_t *)bytes + 4, (uint32_t)(value >> 32));
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-1, written from RFC 3174. */
#include "sha1.h"

#include <string.h>

static uint32_t rotate_left(uint32_t value, unsigned count)
{
    return value << count | value >> (32 - count);
}

static uint32_t load_big32(const uint8_t *b)
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | (uint32_t)b[3];
}

static void store_big32(uint8_t *b, uint32_t value)
{
    b[0] = (uint8_t)(value >> 24);
    b[1] = (uint8_t)(value >> 16);
    b[2] = (uint8_t)(value >> 8);
    b[3] = (uint8_t)value;
}

static void mix_block(uint32_t state[5], const uint8_t block[64])
{
    uint32_t w[80];
    uint32_t a = state[0];
    uint32_t b = state[1];
    uint32_t c = state[2];
    uint32_t d = state[3];
    uint32_t e = state[4];

    for (size_t t = 0; t < 16; t++) {
        w[t] = load_big32(block + 4 * t);
    }
    for (size_t t = 16; t < 80; t++) {
        w[t] = rotate_left(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
    }
    for (size_t t = 0; t < 80; t++) {
        uint32_t mixed;
        if (t < 20) {
            mixed = ((b & c) | (~b & d)) + UINT32_C(0x5a827999);
        } else if (t < 40) {
            mixed = (b ^ c ^ d) + UINT32_C(0x6ed9eba1);
        } else if (t < 60) {
            mixed = ((b & c) | (b & d) | (c & d)) + UINT32_C(0x8f1bbcdc);
        } else {
            mixed = (b ^ c ^ d) + UINT32_C(0xca62c1d6);
        }
        mixed += rotate_left(a, 5) + e + w[t];
        e = d;
        d = c;
        c = rotate_left(b, 30);
        b = a;
        a = mixed;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

void stele__sha1_begin(stele__sha1 *sha1)
{
    static const uint32_t first[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};

    memset(sha1, 0, sizeof *sha1);
    memcpy(sha1->state, first, sizeof first);
}

void stele__sha1_add(stele__sha1 *sha1, const void *bytes, size_t size)
{
    const uint8_t *from = (const uint8_t *)bytes;

    while (size > 0) {
        const size_t used = (size_t)(sha1->size % sizeof sha1->block);
        const size_t room = sizeof sha1->block - used;
        const size_t count = size < room ? size : room;
        memcpy(sha1->block + used, from, count);
        sha1->size += count;
        from += count;
        size -= count;
        if (count == room) {
            mix_block(sha1->state, sha1->block);
        }
    }
}

void stele__sha1_end(stele__sha1 *sha1, uint8_t ret_digest[20])
{
    static const uint8_t padding[64] = {0x80};
    const uint64_t bits = sha1->size * 8;
    const size_t used = (size_t)(sha1->size % 64);
    uint8_t length[8];

    store_big32(length, (uint32_t)(bits >> 32));
    store_big32(length + 4, (uint32_t)bits);
    stele__sha1_add(sha1, padding, used < 56 ? 56 - used : 120 - used);
    stele__sha1_add(sha1, length, sizeof length);
    for (size_t i = 0; i < 5; i++) {
        store_big32(ret_digest + 4 * i, sha1->state[i]);
    }
}

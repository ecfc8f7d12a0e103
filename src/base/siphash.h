/* SPDX-License-Identifier: Apache-2.0 */
/* Private to base: SipHash (Aumasson and Bernstein, 2012) with any number of rounds, so that the
 * published vectors of SipHash-2-4 can test the code that SipHash-1-3 is made of. */
#ifndef STELE_BASE_SIPHASH_H
#define STELE_BASE_SIPHASH_H

#include "bytes.h"
#include "hash.h"

static inline uint64_t stele__siphash_rotate(uint64_t value, unsigned count)
{
    return value << count | value >> (64 - count);
}

static inline void stele__siphash_rounds(uint64_t v[4], int count)
{
    for (int i = 0; i < count; i++) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = stele__siphash_rotate(v[1], 13) ^ v[0];
        v[3] = stele__siphash_rotate(v[3], 16) ^ v[2];
        v[0] = stele__siphash_rotate(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = stele__siphash_rotate(v[1], 17) ^ v[2];
        v[3] = stele__siphash_rotate(v[3], 21) ^ v[0];
        v[2] = stele__siphash_rotate(v[2], 32);
    }
}

static inline uint64_t stele__siphash(const stele__hash_key *key, const void *bytes, size_t size,
                                      int rounds, int last_rounds)
{
    const uint8_t *at = (const uint8_t *)bytes;
    const size_t rest = size % 8;
    uint64_t last = (uint64_t)(size & 0xff) << 56;
    uint64_t v[4] = {
        key->k0 ^ UINT64_C(0x736f6d6570736575),
        key->k1 ^ UINT64_C(0x646f72616e646f6d),
        key->k0 ^ UINT64_C(0x6c7967656e657261),
        key->k1 ^ UINT64_C(0x7465646279746573),
    };

    for (size_t words = size / 8; words > 0; words--) {
        const uint64_t word = stele__load64(at);
        v[3] ^= word;
        stele__siphash_rounds(v, rounds);
        v[0] ^= word;
        at += 8;
    }
    for (size_t i = 0; i < rest; i++) {
        last |= (uint64_t)at[i] << (8 * i);
    }
    v[3] ^= last;
    stele__siphash_rounds(v, rounds);
    v[0] ^= last;
    v[2] ^= 0xff;
    stele__siphash_rounds(v, last_rounds);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

#endif

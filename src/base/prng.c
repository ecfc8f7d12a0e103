/* SPDX-License-Identifier: Apache-2.0 */
/* xoshiro256** by Blackman and Vigna, written from its description. */
#include "prng.h"

#include "assert.h"
#include "bytes.h"

static uint64_t rotate_left(uint64_t value, unsigned count)
{
    return value << count | value >> (64 - count);
}

void stele__prng_seed(stele__prng *prng, uint64_t seed)
{
    /* splitmix64: neighbouring seeds give unrelated states, and no seed gives the forbidden state
     * of all zeroes. */
    for (int i = 0; i < 4; i++) {
        uint64_t mixed;
        seed += UINT64_C(0x9e3779b97f4a7c15);
        mixed = seed;
        mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
        prng->state[i] = mixed ^ mixed >> 31;
    }
}

uint64_t stele__prng_next(stele__prng *prng)
{
    uint64_t *s = prng->state;
    const uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    const uint64_t shifted = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint64_t stele__prng_below(stele__prng *prng, uint64_t bound)
{
    uint64_t unfair;
    uint64_t value;

    STELE_ASSERT(bound > 0);
    /* The lowest 2^64 mod bound values would make some results more likely than others. */
    unfair = (UINT64_C(0) - bound) % bound;
    do {
        value = stele__prng_next(prng);
    } while (value < unfair);
    return value % bound;
}

int stele__prng_chance(stele__prng *prng, uint64_t numerator, uint64_t denominator)
{
    return stele__prng_below(prng, denominator) < numerator;
}

void stele__prng_fill(stele__prng *prng, void *ret_bytes, size_t size)
{
    uint8_t *bytes = (uint8_t *)ret_bytes;

    while (size > 0) {
        uint8_t chunk[8];
        const size_t count = size < sizeof chunk ? size : sizeof chunk;
        stele__store64(chunk, stele__prng_next(prng));
        memcpy(bytes, chunk, count);
        bytes += count;
        size -= count;
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* SipHash-2-4 with 128 bits, see chain.h. */
#include "chain.h"

typedef struct sip_state {
    uint64_t v0;
    uint64_t v1;
    uint64_t v2;
    uint64_t v3;
} sip_state;

static uint64_t load(const uint8_t *bytes, size_t size)
{
    uint64_t value = 0;

    for (size_t i = 0; i < size; i++) {
        value |= (uint64_t)bytes[i] << (8 * i);
    }
    return value;
}

static void store(uint8_t *bytes, uint64_t value)
{
    for (size_t i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)(value >> (8 * i));
    }
}

static inline uint64_t rotate(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

static inline void mix(sip_state *state, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        state->v0 += state->v1;
        state->v1 = rotate(state->v1, 13) ^ state->v0;
        state->v0 = rotate(state->v0, 32);
        state->v2 += state->v3;
        state->v3 = rotate(state->v3, 16) ^ state->v2;
        state->v0 += state->v3;
        state->v3 = rotate(state->v3, 21) ^ state->v0;
        state->v2 += state->v1;
        state->v1 = rotate(state->v1, 17) ^ state->v2;
        state->v2 = rotate(state->v2, 32);
    }
}

static inline void take_word(sip_state *state, uint64_t word)
{
    state->v3 ^= word;
    mix(state, 2);
    state->v0 ^= word;
}

cli_chain cli_chain_next(const cli_chain *before, const void *bytes, size_t size)
{
    const uint64_t k0 = load(before->bytes, 8);
    const uint64_t k1 = load(before->bytes + 8, 8);
    const uint8_t *at = bytes;
    size_t left = size;
    cli_chain chain;
    sip_state state = {
        .v0 = k0 ^ UINT64_C(0x736f6d6570736575),
        .v1 = k1 ^ UINT64_C(0x646f72616e646f6d) ^ 0xee,
        .v2 = k0 ^ UINT64_C(0x6c7967656e657261),
        .v3 = k1 ^ UINT64_C(0x7465646279746573),
    };

    for (; left >= 8; left -= 8, at += 8) {
        take_word(&state, load(at, 8));
    }
    take_word(&state, load(at, left) | (uint64_t)size << 56);
    state.v2 ^= 0xee;
    mix(&state, 4);
    store(chain.bytes, state.v0 ^ state.v1 ^ state.v2 ^ state.v3);
    state.v1 ^= 0xdd;
    mix(&state, 4);
    store(chain.bytes + 8, state.v0 ^ state.v1 ^ state.v2 ^ state.v3);
    return chain;
}

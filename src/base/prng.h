/* SPDX-License-Identifier: Apache-2.0 */
/* Reproducible random numbers for simulation, tests and benchmarks (xoshiro256**, seeded by
 * splitmix64). Never for ids or secrets. Confined to one thread. */
#ifndef STELE_BASE_PRNG_H
#define STELE_BASE_PRNG_H

#include <stddef.h>
#include <stdint.h>

typedef struct stele__prng {
    uint64_t state[4];
} stele__prng;

void stele__prng_seed(stele__prng *prng, uint64_t seed);
uint64_t stele__prng_next(stele__prng *prng);
/* Uniform in [0, bound), bound > 0. */
uint64_t stele__prng_below(stele__prng *prng, uint64_t bound);
/* Not 0 with probability numerator / denominator. */
int stele__prng_chance(stele__prng *prng, uint64_t numerator, uint64_t denominator);
void stele__prng_fill(stele__prng *prng, void *ret_bytes, size_t size);

#endif

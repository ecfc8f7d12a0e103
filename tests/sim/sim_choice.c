/* SPDX-License-Identifier: Apache-2.0 */
/* Decisions from a seed, from bytes, or from an enumeration. See sim_choice.h. */
#include "sim/sim_choice.h"

#include <string.h>

void sim_choice_random(sim_choice *choice, uint64_t seed)
{
    memset(choice, 0, sizeof *choice);
    choice->kind = SIM_CHOICE_RANDOM;
    stele__prng_seed(&choice->prng, seed);
}

void sim_choice_every(sim_choice *choice)
{
    memset(choice, 0, sizeof *choice);
    choice->kind = SIM_CHOICE_EVERY;
}

void sim_choice_bytes(sim_choice *choice, const uint8_t *bytes, size_t size)
{
    memset(choice, 0, sizeof *choice);
    choice->kind = SIM_CHOICE_BYTES;
    choice->bytes = bytes;
    choice->byte_count = size;
}

static uint64_t choose_next_of_all(sim_choice *choice, uint64_t bound)
{
    if (choice->at >= SIM_CHOICE_STEPS_MAX) {
        return 0;
    }
    const size_t at = choice->at++;
    if (at == choice->count) {
        choice->values[at] = 0;
        choice->bounds[at] = (uint32_t)bound;
        choice->count++;
    }
    STELE_ASSERT(choice->bounds[at] == bound);
    return choice->values[at];
}

static uint64_t choose_from_bytes(sim_choice *choice, uint64_t bound)
{
    uint64_t value = 0;
    for (uint64_t reach = 1; reach < bound && choice->at < choice->byte_count; reach <<= 8) {
        value = value << 8 | choice->bytes[choice->at++];
        if (reach >= UINT64_C(1) << 48) {
            break;
        }
    }
    return value % bound;
}

uint64_t sim_choose(sim_choice *choice, uint64_t bound)
{
    STELE_ASSERT(bound > 0);
    if (choice->kind == SIM_CHOICE_RANDOM) {
        return stele__prng_below(&choice->prng, bound);
    }
    if (bound == 1) {
        return 0;
    }
    return choice->kind == SIM_CHOICE_EVERY ? choose_next_of_all(choice, bound)
                                            : choose_from_bytes(choice, bound);
}

bool sim_chance(sim_choice *choice, uint64_t numerator, uint64_t denominator)
{
    if (choice->kind == SIM_CHOICE_EVERY) {
        return numerator > 0 && (numerator >= denominator || sim_choose(choice, 2) == 1);
    }
    return sim_choose(choice, denominator) < numerator;
}

bool sim_choice_next(sim_choice *choice)
{
    STELE_ASSERT(choice->kind == SIM_CHOICE_EVERY);
    /* Questions that the last course no longer asked belong to the past. */
    choice->count = choice->at;
    choice->at = 0;
    while (choice->count > 0) {
        const size_t last = choice->count - 1;
        if (choice->values[last] + 1 < choice->bounds[last]) {
            choice->values[last]++;
            return true;
        }
        choice->count--;
    }
    return false;
}

bool sim_choice_has_more(const sim_choice *choice)
{
    return choice->kind != SIM_CHOICE_BYTES || choice->at < choice->byte_count;
}

uint64_t sim_mix(uint64_t a, uint64_t b)
{
    uint64_t x = a + UINT64_C(0x9e3779b97f4a7c15) * (b + 1);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Reproducible random numbers. */
#include "base/base.h"
#include "support/test.h"

/* From an independent implementation of splitmix64 and xoshiro256**. */
static const uint64_t of_seed_42[] = {
    UINT64_C(0x15780b2e0c2ec716), UINT64_C(0x6104d9866d113a7e), UINT64_C(0xae17533239e499a1),
    UINT64_C(0xecb8ad4703b360a1), UINT64_C(0xfde6dc7fe2ec5e64), UINT64_C(0xc50da53101795238),
};

TEST(the_same_seed_gives_the_same_numbers_for_ever)
{
    stele__prng prng;

    stele__prng_seed(&prng, 42);
    for (size_t i = 0; i < sizeof of_seed_42 / sizeof of_seed_42[0]; i++) {
        expect_uint(stele__prng_next(&prng), of_seed_42[i]);
    }
}

TEST(numbers_below_a_bound_stay_below_it_and_reach_every_value)
{
    stele__prng prng;
    uint64_t counts[7] = {0};

    stele__prng_seed(&prng, test_seed());
    for (int i = 0; i < 7000; i++) {
        const uint64_t value = stele__prng_below(&prng, 7);
        expect_true(value < 7);
        counts[value]++;
    }
    for (size_t i = 0; i < 7; i++) {
        expect_true(counts[i] > 700 && counts[i] < 1300);
    }
    expect_uint(stele__prng_below(&prng, 1), 0);
    expect_true(stele__prng_below(&prng, UINT64_MAX) < UINT64_MAX);
}

TEST(chances_are_what_they_are_said_to_be)
{
    stele__prng prng;
    int hits = 0;

    stele__prng_seed(&prng, test_seed());
    for (int i = 0; i < 10000; i++) {
        hits += stele__prng_chance(&prng, 1, 4) != 0;
        expect_true(stele__prng_chance(&prng, 1, 1));
        expect_false(stele__prng_chance(&prng, 0, 1));
    }
    expect_true(hits > 2200 && hits < 2800);
}

TEST(filling_writes_every_byte_and_no_more)
{
    stele__prng prng;

    stele__prng_seed(&prng, test_seed());
    for (size_t size = 0; size < 40; size++) {
        uint8_t bytes[48];
        bool changed[40] = {false};
        for (int round = 0; round < 16; round++) {
            memset(bytes, 0xee, sizeof bytes);
            stele__prng_fill(&prng, bytes, size);
            for (size_t i = 0; i < size; i++) {
                changed[i] = changed[i] || bytes[i] != 0xee;
            }
            expect_uint(bytes[size], 0xee);
        }
        for (size_t i = 0; i < size; i++) {
            expect_true(changed[i]);
        }
    }
}

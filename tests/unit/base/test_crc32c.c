/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32C against published values, and the processor's instruction against the portable form. */
#include "base/base.h"
#include "support/test.h"

#include <stdlib.h>

typedef struct crc_vector {
    uint8_t first;
    int step;
    size_t size;
    uint32_t crc;
} crc_vector;

/* RFC 3720, B.4. */
static const crc_vector vectors[] = {
    {0x00, 0, 32, 0x8a9136aa},
    {0xff, 0, 32, 0x62a8ab43},
    {0x00, 1, 32, 0x46dd794e},
    {0x1f, -1, 32, 0x113fdb5c},
};

TEST_ROWS(the_values_of_rfc_3720_come_out, vectors)
{
    uint8_t bytes[32];

    for (size_t i = 0; i < vectors[row].size; i++) {
        bytes[i] = (uint8_t)(vectors[row].first + vectors[row].step * (int)i);
    }
    expect_uint(stele__crc32c(0, bytes, sizeof bytes), vectors[row].crc);
    expect_uint(stele__crc32c_portable(0, bytes, sizeof bytes), vectors[row].crc);
}

TEST(the_check_value_comes_out)
{
    expect_uint(stele__crc32c(0, "123456789", 9), 0xe3069283);
    expect_uint(stele__crc32c_portable(0, "123456789", 9), 0xe3069283);
}

TEST(nothing_leaves_the_value_as_it_is)
{
    expect_uint(stele__crc32c(0, NULL, 0), 0);
    expect_uint(stele__crc32c(0x12345678, NULL, 0), 0x12345678);
    expect_uint(stele__crc32c_portable(0x12345678, NULL, 0), 0x12345678);
}

TEST(every_size_and_alignment_agrees_with_the_portable_form)
{
    static uint8_t bytes[9000];
    stele__prng prng;

    stele__prng_seed(&prng, test_seed());
    stele__prng_fill(&prng, bytes, sizeof bytes);
    for (size_t size = 0; size < 700; size++) {
        for (size_t start = 0; start < 9; start++) {
            expect_uint(stele__crc32c(7, bytes + start, size),
                        stele__crc32c_portable(7, bytes + start, size));
        }
    }
    for (size_t size = 3000; size < sizeof bytes; size += 37) {
        expect_uint(stele__crc32c(0, bytes, size), stele__crc32c_portable(0, bytes, size));
    }
}

TEST(two_pieces_give_the_value_of_the_whole)
{
    static uint8_t bytes[5000];
    stele__prng prng;

    stele__prng_seed(&prng, test_seed());
    stele__prng_fill(&prng, bytes, sizeof bytes);
    for (size_t cut = 0; cut <= sizeof bytes; cut += 61) {
        const uint32_t first = stele__crc32c(0, bytes, cut);
        expect_uint(stele__crc32c(first, bytes + cut, sizeof bytes - cut),
                    stele__crc32c(0, bytes, sizeof bytes));
    }
}

TEST(any_flipped_bit_changes_the_value)
{
    uint8_t bytes[300];
    uint32_t crc;

    memset(bytes, 0x42, sizeof bytes);
    crc = stele__crc32c(0, bytes, sizeof bytes);
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        expect_true(stele__crc32c(0, bytes, sizeof bytes) != crc);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Integers of variable size. */
#include "base/base.h"
#include "support/test.h"

typedef struct varint_case {
    uint64_t value;
    const char *bytes;
    size_t size;
} varint_case;

static const varint_case cases[] = {
    {0, "\x00", 1},
    {1, "\x01", 1},
    {127, "\x7f", 1},
    {128, "\x80\x01", 2},
    {300, "\xac\x02", 2},
    {16383, "\xff\x7f", 2},
    {16384, "\x80\x80\x01", 3},
    {UINT32_MAX, "\xff\xff\xff\xff\x0f", 5},
    {UINT64_C(1) << 63, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 10},
    {UINT64_MAX, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10},
};

TEST_ROWS(values_have_one_form, cases)
{
    uint8_t bytes[STELE_VARINT_SIZE_MAX];
    const uint8_t *end = stele__varint_put(bytes, cases[row].value);
    const uint8_t *at = bytes;
    uint64_t value = 1;

    expect_bytes(bytes, (size_t)(end - bytes), cases[row].bytes, cases[row].size);
    expect_uint(stele__varint_size(cases[row].value), cases[row].size);
    expect_true(stele__varint_get(&at, end, &value));
    expect_uint(value, cases[row].value);
    expect_true(at == end);
}

TEST_ROWS(a_form_that_is_cut_is_refused, cases)
{
    for (size_t size = 0; size < cases[row].size; size++) {
        const uint8_t *const bytes = (const uint8_t *)cases[row].bytes;
        const uint8_t *at = bytes;
        uint64_t value = 77;
        expect_false(stele__varint_get(&at, bytes + size, &value));
        expect_true(at == bytes);
        expect_uint(value, 77);
    }
}

static const varint_case wrong[] = {
    {0, "\x80\x00", 2}, /* zero in two bytes */
    {0, "\xff\x00", 2}, /* 127 in two bytes */
    {0, "\x80\x80\x00", 3},
    {0, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10}, /* 65 bits */
    {0, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 10},
    {0, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11}, /* eleven bytes */
    {0, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 10},
};

TEST_ROWS(other_forms_are_refused, wrong)
{
    const uint8_t *at = (const uint8_t *)wrong[row].bytes;
    uint64_t value;

    expect_false(stele__varint_get(&at, at + wrong[row].size, &value));
}

TEST(random_values_come_back)
{
    stele__prng prng;

    stele__prng_seed(&prng, test_seed());
    for (int i = 0; i < 100000; i++) {
        const uint64_t value = stele__prng_next(&prng) >> stele__prng_below(&prng, 64);
        uint8_t bytes[STELE_VARINT_SIZE_MAX];
        const uint8_t *end = stele__varint_put(bytes, value);
        const uint8_t *at = bytes;
        uint64_t back;
        expect_true(stele__varint_get(&at, end, &back));
        expect_uint(back, value);
        expect_uint(stele__varint_size(value), (uint64_t)(end - bytes));
    }
}

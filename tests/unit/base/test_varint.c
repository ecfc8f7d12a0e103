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
    {0, "\x01", 1},
    {1, "\x03", 1},
    {127, "\xff", 1},
    {128, "\x02\x02", 2},
    {300, "\xb2\x04", 2},
    {16383, "\xfe\xff", 2},
    {16384, "\x04\x00\x02", 3},
    {UINT32_MAX, "\xf0\xff\xff\xff\x1f", 5},
    {(UINT64_C(1) << 56) - 1, "\x80\xff\xff\xff\xff\xff\xff\xff", 8},
    {UINT64_C(1) << 56, "\x00\x00\x00\x00\x00\x00\x00\x00\x01", 9},
    {UINT64_C(1) << 63, "\x00\x00\x00\x00\x00\x00\x00\x00\x80", 9},
    {UINT64_MAX, "\x00\xff\xff\xff\xff\xff\xff\xff\xff", 9},
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

static const varint_case longer[] = {
    {0, "\x02\x00", 2},   /* zero in two bytes */
    {127, "\xfe\x01", 2}, /* 127 in two bytes */
    {16383, "\xfc\xff\x01", 3},
    {1, "\x80\x01\x00\x00\x00\x00\x00\x00", 8},
    {(UINT64_C(1) << 56) - 1, "\x00\xff\xff\xff\xff\xff\xff\xff\x00", 9},
    {0, "\x00\x00\x00\x00\x00\x00\x00\x00\x00", 9},
};

TEST_ROWS(longer_forms_are_read, longer)
{
    /* At the end of the memory, and with more behind it. */
    for (size_t more = 0; more <= STELE_VARINT_SIZE_MAX; more += STELE_VARINT_SIZE_MAX) {
        uint8_t bytes[2 * STELE_VARINT_SIZE_MAX] = {0};
        const uint8_t *at = bytes;
        uint64_t value = 77;

        memcpy(bytes, longer[row].bytes, longer[row].size);
        expect_true(stele__varint_get(&at, at + longer[row].size + more, &value));
        expect_true(at == bytes + longer[row].size);
        expect_uint(value, longer[row].value);
    }
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
        at = bytes;
        back = ~value;
        expect_true(stele__varint_get(&at, bytes + sizeof bytes, &back));
        expect_uint(back, value);
        expect_true(at == end);
        expect_uint(stele__varint_size(value), (uint64_t)(end - bytes));
    }
}

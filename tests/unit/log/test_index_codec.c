/* SPDX-License-Identifier: Apache-2.0 */
/* The pieces that index files are made of: blocks, nodes, payloads, the filter. */
#include "index_model.h"

#include "log/index_format.h"

/* ---- blocks ---- */

/* Encodes, decodes from a piece of memory that ends right behind what may be read, and compares.
 * Returns the size. */
static size_t round_trip(const uint64_t *values, size_t count)
{
    uint8_t bytes[STELE_INDEX_BLOCK_SIZE_MAX];
    uint64_t decoded[STELE_INDEX_BLOCK_COUNT];
    const size_t size = stele__index_block_encode(values, count, bytes);
    expect_true(size >= 1 && size + STELE_INDEX_PACK_SLACK <= sizeof bytes);
    uint8_t *exact = stele__allocate(stele_alloc_default(), size + STELE_INDEX_PACK_SLACK);
    expect_not_null(exact);
    memcpy(exact, bytes, size);
    memset(exact + size, 0xff, STELE_INDEX_PACK_SLACK);
    expect_uint(stele__index_block_decode(exact, exact + size, values[0], count, decoded), size);
    expect_bytes(decoded, count * sizeof *decoded, values, count * sizeof *values);
    for (size_t shorter = 0; shorter < size; shorter++) {
        expect_uint(stele__index_block_decode(exact, exact + shorter, values[0], count, decoded),
                    0);
    }
    stele__release(stele_alloc_default(), exact, size + STELE_INDEX_PACK_SLACK);
    return size;
}

TEST(blocks_of_every_width_and_count_come_back)
{
    stele__prng prng;
    stele__prng_seed(&prng, test_seed());
    for (unsigned width = 0; width <= STELE_INDEX_WIDTH_MAX; width++) {
        for (size_t count = 1; count <= STELE_INDEX_BLOCK_COUNT; count += count < 10 ? 1 : 7) {
            uint64_t values[STELE_INDEX_BLOCK_COUNT];
            values[0] = stele__prng_below(&prng, STELE_INDEX_RANGE_MAX);
            for (size_t i = 1; i < count; i++) {
                values[i] = values[i - 1] + 1 + stele__prng_below(&prng, (uint64_t)1 << width);
            }
            const size_t size = round_trip(values, count);
            expect_true(size <= 1 + ((count - 1) * width + 7) / 8);
        }
    }
}

TEST(a_run_takes_one_byte)
{
    uint64_t values[STELE_INDEX_BLOCK_COUNT];
    for (size_t i = 0; i < STELE_INDEX_BLOCK_COUNT; i++) {
        values[i] = 1000 + i;
    }
    expect_uint(round_trip(values, STELE_INDEX_BLOCK_COUNT), 1);
}

TEST(a_few_wide_gaps_do_not_widen_the_others)
{
    stele__prng prng;
    stele__prng_seed(&prng, test_seed());
    for (unsigned exceptions = 1; exceptions <= STELE_INDEX_BLOCK_COUNT - 1; exceptions++) {
        uint64_t values[STELE_INDEX_BLOCK_COUNT] = {5};
        for (size_t i = 1; i < STELE_INDEX_BLOCK_COUNT; i++) {
            values[i] = values[i - 1] + 1 + stele__prng_below(&prng, 4);
            if (i % (STELE_INDEX_BLOCK_COUNT / exceptions) == 0) {
                values[i] += stele__prng_below(&prng, 1 << 20);
            }
        }
        const size_t size = round_trip(values, STELE_INDEX_BLOCK_COUNT);
        if (exceptions == 1) {
            expect_true(size <= 3 + 32 + 1 + 3);
        }
    }
}

/* Any bytes decode to ascending values, or to nothing. */
TEST(blocks_of_any_bytes_do_no_harm)
{
    stele__prng prng;
    stele__prng_seed(&prng, test_seed());
    uint64_t accepted = 0;
    for (uint64_t round = 0; round < test_scaled(200000); round++) {
        uint8_t bytes[200 + STELE_INDEX_PACK_SLACK];
        uint64_t values[STELE_INDEX_BLOCK_COUNT];
        stele__prng_fill(&prng, bytes, sizeof bytes);
        bytes[0] = (uint8_t)(stele__prng_below(&prng, 60) | (bytes[0] & 0x80));
        bytes[1] %= 4;
        const size_t count = 1 + (size_t)stele__prng_below(&prng, STELE_INDEX_BLOCK_COUNT);
        const size_t size = 1 + (size_t)stele__prng_below(&prng, 200);
        const size_t used = stele__index_block_decode(bytes, bytes + size, 7, count, values);
        expect_true(used <= size);
        for (size_t i = 1; used > 0 && i < count; i++) {
            if (values[i] <= values[i - 1]) {
                test_fail("value %zu of %zu does not ascend", i, count);
            }
        }
        accepted += used > 0;
    }
    expect_true(accepted > 1000);
}

/* ---- nodes ---- */

TEST(nodes_are_searched_in_place)
{
    stele__prng prng;
    stele__prng_seed(&prng, test_seed());
    for (unsigned count = 1; count <= STELE_INDEX_FAN_OUT; count++) {
        uint64_t firsts[STELE_INDEX_FAN_OUT];
        uint64_t offsets[STELE_INDEX_FAN_OUT];
        uint8_t bytes[STELE_INDEX_NODE_SIZE_MAX + STELE_INDEX_PACK_SLACK];
        const uint64_t gap = (uint64_t)1 << stele__prng_below(&prng, 49);
        firsts[0] = stele__prng_below(&prng, 1000);
        offsets[0] = stele__prng_below(&prng, (uint64_t)1 << 44);
        for (unsigned i = 1; i < count; i++) {
            firsts[i] = firsts[i - 1] + 1 + stele__prng_below(&prng, gap);
            offsets[i] = offsets[i - 1] + 1 + stele__prng_below(&prng, 1000);
        }
        const size_t size = stele__index_node_encode(3, firsts, offsets, count, bytes);
        stele__index_node node;
        expect_true(stele__index_node_decode(bytes, bytes + size, &node));
        expect_uint(node.level, 3);
        expect_uint(node.count, count);
        expect_uint(node.size, size);
        expect_false(stele__index_node_decode(bytes, bytes + size - 1, &node));
        expect_true(stele__index_node_decode(bytes, bytes + size, &node));
        for (unsigned i = 0; i < count; i++) {
            expect_uint(stele__index_node_first(&node, i), firsts[i] - firsts[0]);
            expect_uint(stele__index_node_offset(&node, i), offsets[i]);
            expect_uint(stele__index_node_search(&node, firsts[i] - firsts[0]), i);
            if (i + 1 < count) {
                expect_uint(stele__index_node_search(&node, firsts[i + 1] - firsts[0] - 1), i);
            }
        }
        expect_uint(stele__index_node_search(&node, UINT64_MAX), count - 1);
    }
}

TEST(levels_follow_from_the_number_of_blocks)
{
    expect_uint(stele__index_levels(1), 0);
    expect_uint(stele__index_levels(2), 1);
    expect_uint(stele__index_levels(128), 1);
    expect_uint(stele__index_levels(129), 2);
    expect_uint(stele__index_levels(128 * 128), 2);
    expect_uint(stele__index_levels(128 * 128 + 1), 3);
    expect_uint(stele__index_levels(stele__index_block_count(UINT32_MAX)), 4);
}

/* ---- payloads ---- */

static bool decode_payload(const uint8_t *payload, size_t size, stele__term_kind kind,
                           stele__index_entry *ret_entry)
{
    const stele__index_header header = {.first = 1000, .last = 1000000};
    return stele__index_payload_decode(payload, size, kind, &header, ret_entry);
}

typedef struct payload_case {
    stele__term_kind kind;
    stele__index_entry entry;
} payload_case;

static const payload_case payloads[] = {
    {STELE_TERM_TAG, {.count = 1, .first = 1000, .last = 1000}},
    {STELE_TERM_TAG, {.count = 1, .first = 1000000, .last = 1000000}},
    {STELE_TERM_KEY, {.count = 2, .first = 1000, .last = 1000000}},
    {STELE_TERM_TYPE, {.count = 999001, .first = 1000, .last = 1000000}},
    {STELE_TERM_TYPE, {.count = 999000, .first = 1000, .last = 1000000, .list_offset = 8192}},
    {STELE_TERM_STREAM,
     {.count = 1, .first = 5000, .last = 5000, .base_revision = STELE_REVISION_TOMBSTONE}},
    {STELE_TERM_STREAM,
     {.count = 129,
      .first = 5000,
      .last = 9000,
      .ends_in_tombstone = true,
      .list_offset = UINT64_MAX}},
    {STELE_TERM_STREAM,
     {.count = 3,
      .first = 5000,
      .last = 9000,
      .base_revision = 7,
      .list_size = 2,
      .inline_list = {1, 2}}},
    {STELE_TERM_CATEGORY,
     {.count = 128, .first = 5000, .last = 9000, .list_size = 64, .inline_list = {1, 2, [63] = 9}}},
};

TEST_ROWS(payloads_come_back, payloads)
{
    const stele__index_entry *entry = &payloads[row].entry;
    uint8_t bytes[STELE_INDEX_PAYLOAD_SIZE_MAX + 1];
    stele__index_entry decoded;
    const size_t size = stele__index_payload_encode(entry, payloads[row].kind, 1000, bytes);
    expect_true(decode_payload(bytes, size, payloads[row].kind, &decoded));
    expect_uint(decoded.count, entry->count);
    expect_uint(decoded.first, entry->first);
    expect_uint(decoded.last, entry->last);
    expect_uint(decoded.base_revision, entry->base_revision);
    expect_int(decoded.ends_in_tombstone, entry->ends_in_tombstone);
    expect_uint(decoded.list_offset, entry->list_offset);
    expect_uint(decoded.list_size, entry->list_size);
    expect_bytes(decoded.inline_list, decoded.list_size, entry->inline_list, entry->list_size);
    if (entry->list_size == 0) {
        expect_false(decode_payload(bytes, size - 1, payloads[row].kind, &decoded));
        bytes[size] = 0;
        expect_false(decode_payload(bytes, size + 1, payloads[row].kind, &decoded));
    }
}

typedef struct wrong_payload {
    stele__term_kind kind;
    size_t size;
    uint8_t bytes[80];
} wrong_payload;

static const wrong_payload wrong_payloads[] = {
    {STELE_TERM_TAG, 0, {0}},
    {STELE_TERM_TAG, 2, {0 << 2, 0}},                /* no postings */
    {STELE_TERM_TAG, 2, {1 << 2 | 1, 0}},            /* a tag with a tombstone */
    {STELE_TERM_TAG, 2, {1 << 2 | 2, 0}},            /* one posting in a list */
    {STELE_TERM_TAG, 4, {1 << 2, 0xff, 0xff, 0x7f}}, /* above the last position */
    {STELE_TERM_TAG, 5, {2 << 2, 0, 0xff, 0xff, 0x7f}},
    {STELE_TERM_TAG, 3, {2 << 2, 0x80, 0x00}},                      /* not the shortest form */
    {STELE_TERM_TAG, 3, {3 << 2, 0, 1}},                            /* a list of no bytes */
    {STELE_TERM_TAG, 4, {3 << 2, 0, 0, 1}},                         /* a list for a run */
    {STELE_TERM_TAG, 6, {0x80 | (129 << 2 & 0x7f), 4, 0, 1, 0, 0}}, /* 129 postings inline */
    {STELE_TERM_TAG, 3 + 65, {100, 0, 1}},                          /* 65 bytes inline */
    {STELE_TERM_TAG, 5, {2 << 2, 0xd8, 0xfc, 0x3c, 0}}, /* two from the last position on */
    {STELE_TERM_STREAM, 2, {1 << 2, 0}},                /* no base revision */
    {STELE_TERM_STREAM, 11, {1 << 2, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80}},
    {STELE_TERM_STREAM,
     12,
     {1 << 2, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1}}, /* 2^63 */
};

TEST_ROWS(wrong_payloads_are_recognised, wrong_payloads)
{
    stele__index_entry entry;
    expect_false(decode_payload(wrong_payloads[row].bytes, wrong_payloads[row].size,
                                wrong_payloads[row].kind, &entry));
}

/* ---- filter ---- */

/* How many of 100,000 absent hashes a filter lets through. */
static uint64_t count_false(const uint8_t *filter, uint64_t blocks, stele__prng *prng)
{
    uint64_t count = 0;
    for (size_t i = 0; i < 100000; i++) {
        const uint64_t hash = stele__prng_next(prng);
        count += stele__index_filter_test(filter + stele__index_filter_block(hash, blocks) *
                                                       STELE_INDEX_FILTER_SIZE,
                                          hash);
    }
    return count;
}

TEST(the_filter_knows_what_it_holds_and_little_else_also_when_halved)
{
    enum { TERMS = 50000 };
    const uint64_t allocated = stele__index_filter_blocks(8 * (uint64_t)TERMS);
    const size_t size = (size_t)allocated * STELE_INDEX_FILTER_SIZE;
    uint8_t *filter = stele__allocate_zero(stele_alloc_default(), size);
    stele__prng prng;
    expect_not_null(filter);
    stele__prng_seed(&prng, test_seed());
    for (size_t i = 0; i < TERMS; i++) {
        const uint64_t hash = stele__prng_next(&prng);
        stele__index_filter_add(filter + stele__index_filter_block(hash, allocated) *
                                             STELE_INDEX_FILTER_SIZE,
                                hash);
    }
    const uint64_t blocks = stele__index_filter_fold(filter, allocated, TERMS);
    expect_true(blocks <= allocated / 4);
    expect_true(blocks * STELE_INDEX_FILTER_SIZE * 8 >= TERMS * STELE_INDEX_FILTER_BITS);
    expect_true(blocks * STELE_INDEX_FILTER_SIZE * 8 <= TERMS * STELE_INDEX_FILTER_BITS * 2);
    const uint64_t false_count = count_false(filter, blocks, &prng);
    test_note("%llu blocks, %llu of 100000 absent terms pass", (unsigned long long)blocks,
              (unsigned long long)false_count);
    expect_true(false_count < 2000);
    stele__prng_seed(&prng, test_seed());
    for (size_t i = 0; i < TERMS; i++) {
        const uint64_t hash = stele__prng_next(&prng);
        expect_true(stele__index_filter_test(filter + stele__index_filter_block(hash, blocks) *
                                                          STELE_INDEX_FILTER_SIZE,
                                             hash));
    }
    stele__release(stele_alloc_default(), filter, size);
}

TEST(filters_have_at_most_an_eighth_more_than_needed)
{
    for (uint64_t terms = 1; terms < (uint64_t)1 << 40; terms += 1 + terms / 7) {
        const uint64_t blocks = stele__index_filter_blocks(terms);
        if (blocks == 0) {
            expect_true(terms > (uint64_t)1 << 36);
            continue;
        }
        const uint64_t bits = blocks * STELE_INDEX_FILTER_SIZE * 8;
        expect_true(bits >= terms * STELE_INDEX_FILTER_BITS);
        expect_true(bits <= terms * STELE_INDEX_FILTER_BITS * 9 / 8 + 1024);
        expect_true(blocks <= UINT32_MAX);
    }
    expect_uint(stele__index_filter_blocks(0), 1);
}

TEST(terms_of_different_kinds_hash_differently)
{
    const stele__hash_key key = {1, 2};
    const stele__hash_key other = {1, 3};
    const stele_text name = stele__text("account-1");
    expect_true(stele__term_hash(&key, STELE_TERM_STREAM, name) !=
                stele__term_hash(&key, STELE_TERM_TAG, name));
    expect_true(stele__term_hash(&key, STELE_TERM_STREAM, name) !=
                stele__term_hash(&other, STELE_TERM_STREAM, name));
    const stele__hash_key expected = {1, 2 ^ STELE_TERM_TAG};
    expect_uint(stele__term_hash(&key, STELE_TERM_TAG, name),
                stele__hash(&expected, name.data, name.size));
}

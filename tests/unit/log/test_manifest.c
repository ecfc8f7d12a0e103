/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manifest: what is written is read; one half heals the other, wherever it is damaged; and text
 * that makes no sense is refused, also under a right checksum.
 */
#include "index_model.h"
#include "log/manifest.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- helpers ---- */

static stele__manifest new_manifest(void)
{
    stele__manifest manifest;
    stele__manifest_init(&manifest, stele_alloc_default());
    return manifest;
}

/* A manifest with so many of everything. */
static void fill(stele__manifest *manifest, size_t count, stele__prng *prng)
{
    stele_error error;
    stele_position next = 1;
    uint64_t number = 0;
    stele_time time = INT64_C(1700000000000000000);
    stele__prng_fill(prng, manifest->store.bytes, 16);
    stele__prng_fill(prng, manifest->boot_id, 16);
    stele__prng_fill(prng, &manifest->hash_key, sizeof manifest->hash_key);
    manifest->generation = stele__prng_next(prng) >> stele__prng_below(prng, 64);
    manifest->is_clean = stele__prng_chance(prng, 1, 2);
    if (manifest->is_clean) {
        manifest->end_segment = stele__prng_below(prng, 1000);
        manifest->end_offset = stele__prng_below(prng, 1 << 30);
        manifest->end_position = stele__prng_next(prng) >> 1;
    }
    for (size_t i = 0; i < count; i++) {
        const stele_position last = next + stele__prng_below(prng, 100000);
        number += 1 + stele__prng_below(prng, 3);
        const stele_time last_time = time + (int64_t)stele__prng_below(prng, 1000000000000);
        const stele__index_segment segment = {.number = number,
                                              .first = next,
                                              .last = last,
                                              .bytes = stele__prng_below(prng, 1 << 30),
                                              .first_time = time,
                                              .last_time = last_time,
                                              .absent = stele__prng_next(prng) & STELE_ABSENT_ALL,
                                              .packed_bytes = stele__prng_below(prng, 2) * 4096};
        const stele__manifest_index index = {.number = number + 7,
                                             .level = (uint32_t)stele__prng_below(prng, 5),
                                             .first = next,
                                             .last = last,
                                             .bytes = number * 4096,
                                             .absent = segment.absent};
        expect_ok(stele__manifest_add_segment(manifest, &segment, &error), &error);
        expect_ok(stele__manifest_put_index(manifest, &index, &error), &error);
        if (i % 3 == 0) {
            expect_ok(stele__manifest_add_cut(manifest, next, &error), &error);
        }
        time = last_time;
        next = last + 1;
    }
    manifest->next_index = number + 8;
}

static bool is_same(const stele__manifest *a, const stele__manifest *b)
{
    bool same = stele__uuid_equal(&a->store, &b->store) && a->hash_key.k0 == b->hash_key.k0 &&
                a->hash_key.k1 == b->hash_key.k1 && a->generation == b->generation &&
                a->epoch == b->epoch && a->next_index == b->next_index &&
                a->is_clean == b->is_clean && memcmp(a->boot_id, b->boot_id, 16) == 0 &&
                a->end_segment == b->end_segment && a->end_offset == b->end_offset &&
                a->end_position == b->end_position && a->segment_count == b->segment_count &&
                a->index_count == b->index_count && a->cut_count == b->cut_count;
    for (size_t i = 0; same && i < a->segment_count; i++) {
        const stele__index_segment *x = &a->segments[i];
        const stele__index_segment *y = &b->segments[i];
        same = x->number == y->number && x->first == y->first && x->last == y->last &&
               x->bytes == y->bytes && x->first_time == y->first_time &&
               x->last_time == y->last_time && x->absent == y->absent;
    }
    for (size_t i = 0; same && i < a->index_count; i++) {
        const stele__manifest_index *x = &a->indexes[i];
        const stele__manifest_index *y = &b->indexes[i];
        same = x->number == y->number && x->level == y->level && x->first == y->first &&
               x->last == y->last && x->bytes == y->bytes && x->absent == y->absent;
    }
    for (size_t i = 0; same && i < a->cut_count; i++) {
        same = a->cuts[i].epoch == b->cuts[i].epoch && a->cuts[i].cut == b->cuts[i].cut;
    }
    return same;
}

static stele_status read_from(const char *folder, stele__manifest *ret_manifest, bool *ret_healed,
                              stele_error *reterr)
{
    *ret_manifest = new_manifest();
    return stele__manifest_read(stele_vfs_system(), folder, ret_manifest, ret_healed, reterr);
}

/* A folder with a manifest of some size in it; its bytes are the test's. */
static const char *written(stele__manifest *manifest, size_t count, uint64_t seed,
                           uint8_t **ret_bytes, size_t *ret_size)
{
    const char *folder = test_folder();
    stele__prng prng;
    stele_error error;
    stele__prng_seed(&prng, seed);
    *manifest = new_manifest();
    fill(manifest, count, &prng);
    expect_ok(stele__manifest_write(stele_vfs_system(), folder, manifest, &error), &error);
    *ret_bytes = test_file_load(test_path(folder, "manifest"), ret_size);
    return folder;
}

static void expect_read(const char *folder, const stele__manifest *expected, bool is_healed)
{
    stele__manifest manifest;
    bool healed;
    stele_error error;
    expect_ok(read_from(folder, &manifest, &healed, &error), &error);
    expect_true(is_same(&manifest, expected));
    expect_int(healed, is_healed);
    stele__manifest_done(&manifest);
}

/* ---- what is written is read ---- */

TEST(a_manifest_is_read_as_it_was_written)
{
    stele__prng prng;
    stele__prng_seed(&prng, test_seed());
    for (size_t count = 0; count < 40; count++) {
        stele__manifest manifest = new_manifest();
        stele_error error;
        const char *folder = test_folder();
        fill(&manifest, count, &prng);
        const uint64_t generation = manifest.generation;
        expect_ok(stele__manifest_write(stele_vfs_system(), folder, &manifest, &error), &error);
        expect_uint(manifest.generation, generation + 1);
        expect_read(folder, &manifest, false);
        /* A second one takes its place. */
        expect_ok(stele__manifest_write(stele_vfs_system(), folder, &manifest, &error), &error);
        expect_uint(manifest.generation, generation + 2);
        expect_read(folder, &manifest, false);
        stele__manifest_done(&manifest);
    }
}

TEST(a_manifest_of_10000_segments_is_read_as_it_was_written)
{
    stele__manifest manifest;
    uint8_t *bytes;
    size_t size;
    const char *folder = written(&manifest, 10000, 1, &bytes, &size);
    expect_read(folder, &manifest, false);
    test_file_release(bytes, size);
    stele__manifest_done(&manifest);
}

TEST(a_copy_is_the_same_and_stands_alone)
{
    stele__manifest manifest = new_manifest();
    stele__manifest copy = new_manifest();
    stele__prng prng;
    stele_error error;
    stele__prng_seed(&prng, 1);
    fill(&manifest, 5, &prng);
    expect_ok(stele__manifest_copy(&manifest, &copy, &error), &error);
    expect_true(is_same(&manifest, &copy));
    const stele_position last = manifest.segments[4].last;
    const stele__index_segment more = {.number = 99,
                                       .first = last + 1,
                                       .last = last + 2,
                                       .bytes = 200,
                                       .first_time = INT64_MAX - 1,
                                       .last_time = INT64_MAX - 1};
    expect_ok(stele__manifest_add_segment(&copy, &more, &error), &error);
    expect_uint(manifest.segment_count, 5);
    stele__manifest_done(&manifest);
    expect_uint(copy.segments[5].number, 99);
    stele__manifest_done(&copy);
}

TEST(a_folder_without_a_manifest_is_no_store)
{
    stele__manifest manifest;
    stele_error error;
    bool healed;
    const char *folder = test_folder();
    expect_error(read_from(folder, &manifest, &healed, &error), &error, STELE_NOT_FOUND_STORE);
    expect_contains((const char *)error.message, folder);
    expect_error(read_from(test_path(folder, "missing"), &manifest, &healed, &error), &error,
                 STELE_NOT_FOUND_STORE);
}

/* ---- damage ---- */

static void expect_damaged(const char *folder, unsigned detail, const char *what)
{
    stele__manifest manifest;
    stele_error error;
    bool healed;
    expect_error(read_from(folder, &manifest, &healed, &error), &error, detail);
    expect_contains((const char *)error.message, test_path(folder, "manifest"));
    expect_contains((const char *)error.message, what);
    stele__manifest_done(&manifest);
}

TEST_WITHIN(every_flipped_bit_is_healed_from_the_other_half, 60)
{
    stele__manifest manifest;
    uint8_t *bytes;
    size_t size;
    const char *folder = written(&manifest, 3, 1, &bytes, &size);
    for (size_t bit = 0; bit < size * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        test_file_store(test_path(folder, "manifest"), bytes, size);
        expect_read(folder, &manifest, true);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    test_file_release(bytes, size);
    stele__manifest_done(&manifest);
}

TEST_WITHIN(damage_in_both_halves_is_refused, 60)
{
    stele__manifest manifest;
    uint8_t *bytes;
    size_t size;
    stele__prng prng;
    const char *folder = written(&manifest, 3, 1, &bytes, &size);
    stele__prng_seed(&prng, test_seed());
    for (uint64_t i = 0; i < test_scaled(3000); i++) {
        /* The same place in both halves as often as not. */
        const size_t first = (size_t)stele__prng_below(&prng, size / 2);
        const size_t second =
            size / 2 +
            (stele__prng_chance(&prng, 1, 2) ? first : (size_t)stele__prng_below(&prng, size / 2));
        const uint8_t one = (uint8_t)(1 + stele__prng_below(&prng, 255));
        const uint8_t two =
            stele__prng_chance(&prng, 1, 2) ? one : (uint8_t)(1 + stele__prng_below(&prng, 255));
        bytes[first] ^= one;
        bytes[second] ^= two;
        test_file_store(test_path(folder, "manifest"), bytes, size);
        expect_damaged(folder, STELE_CORRUPT, "both halves of ");
        bytes[first] ^= one;
        bytes[second] ^= two;
    }
    test_file_release(bytes, size);
    stele__manifest_done(&manifest);
}

TEST_WITHIN(a_manifest_cut_in_its_second_half_is_healed_and_before_that_refused, 60)
{
    stele__manifest manifest;
    uint8_t *bytes;
    size_t size;
    const char *folder = written(&manifest, 3, 1, &bytes, &size);
    for (size_t cut = 0; cut < size; cut++) {
        test_file_store(test_path(folder, "manifest"), bytes, cut);
        if (cut >= size / 2) {
            expect_read(folder, &manifest, true);
        } else {
            expect_damaged(folder, STELE_CORRUPT, "both halves of ");
        }
    }
    test_file_release(bytes, size);
    stele__manifest_done(&manifest);
}

TEST(bytes_behind_the_second_half_are_healed_away)
{
    stele__manifest manifest;
    uint8_t *bytes;
    size_t size;
    const char *folder = written(&manifest, 3, 1, &bytes, &size);
    uint8_t *more = test_memory(size + 5);
    memcpy(more, bytes, size);
    memcpy(more + size, "extra", 5);
    test_file_store(test_path(folder, "manifest"), more, size + 5);
    expect_read(folder, &manifest, true);
    test_file_release(bytes, size);
    stele__manifest_done(&manifest);
}

/* Two halves that are both whole: of two writings. The first one is believed. */
TEST(of_two_whole_halves_the_first_counts)
{
    stele__manifest one;
    stele__manifest other;
    uint8_t *bytes[2];
    size_t sizes[2];
    const char *folder = written(&one, 3, 1, &bytes[0], &sizes[0]);
    (void)written(&other, 5, 2, &bytes[1], &sizes[1]);
    uint8_t *mixed = test_memory(sizes[0] + sizes[1]);
    memcpy(mixed, bytes[0], sizes[0] / 2);
    memcpy(mixed + sizes[0] / 2, bytes[1], sizes[1] / 2);
    test_file_store(test_path(folder, "manifest"), mixed, sizes[0] / 2 + sizes[1] / 2);
    expect_read(folder, &one, true);
    test_file_release(bytes[0], sizes[0]);
    test_file_release(bytes[1], sizes[1]);
    stele__manifest_done(&one);
    stele__manifest_done(&other);
}

/* ---- text under a right checksum ---- */

#define HEAD                                                                                       \
    "store 01234567-89ab-cdef-0123-456789abcdef\nkey 000102030405060708090a0b0c0d0e0f\n"           \
    "generation 5\nepoch 2\nnext-index 3\nboot 000102030405060708090a0b0c0d0e0f\n"
#define WHOLE "stele-manifest 1\n" HEAD "open\n"

typedef struct text_row {
    const char *text;
    unsigned detail; /* 0: it is read */
} text_row;

static const text_row texts[] = {
    {WHOLE, 0},
    {"stele-manifest 1\n" HEAD "closed 3 96 0\n", 0},
    {WHOLE "cut 2 17\nsegment 1 1 10 500 0 9223372036854775807\nindex 1 0 1 10 8192\n", 0},
    {WHOLE "segment 1 1 10 500 0 5\nsegment 9 11 11 600 5 5\n", 0},
    {WHOLE "segment 1 1 18446744073709551614 500 0 5\n", 0},
    /* Packed segments, which version 1 did not have. */
    {"stele-manifest 2\n" HEAD "open\n", 0},
    {"stele-manifest 2\n" HEAD "open\nsegment 1 1 10 500 0 5 0 90\n", 0},
    {"stele-manifest 2\n" HEAD "open\nsegment 1 1 10 500 0 5 0 0\n", STELE_CORRUPT},
    {WHOLE "segment 1 1 10 500 0 5 0 90\n", STELE_CORRUPT},
    /* Versions. */
    {"stele-manifest 3\n" HEAD "open\n", STELE_UNSUPPORTED_VERSION},
    {"stele-manifest 3\nnothing that we know\n", STELE_UNSUPPORTED_VERSION},
    {"stele-manifest 01\n" HEAD "open\n", STELE_UNSUPPORTED_VERSION},
    {"stele-manifest\n" HEAD "open\n", STELE_CORRUPT},
    {"stele-manifest 1 1\n" HEAD "open\n", STELE_CORRUPT},
    {"stele manifest 1\n" HEAD "open\n", STELE_CORRUPT},
    /* Lines. */
    {HEAD "open\n", STELE_CORRUPT},
    {"stele-manifest 1\n" HEAD, STELE_CORRUPT},
    {"stele-manifest 1\nopen\n", STELE_CORRUPT},
    {WHOLE "\n", STELE_CORRUPT},
    {WHOLE "something 1\n", STELE_CORRUPT},
    {WHOLE "segment  1 1 10 500 0 5\n", STELE_CORRUPT},
    {WHOLE "segment 1 1 10 500 0 5 \n", STELE_CORRUPT},
    {WHOLE " segment 1 1 10 500 0 5\n", STELE_CORRUPT},
    {WHOLE "segment 1 1 10 500 0 5 6 7 8 9\n", STELE_CORRUPT},
    {WHOLE "segment 1 1 10 500 0\n", STELE_CORRUPT},
    {WHOLE "segment\t1 1 10 500 0 5\n", STELE_CORRUPT},
    {WHOLE "segment\n", STELE_CORRUPT},
    /* Numbers. */
    {WHOLE "segment 01 1 10 500 0 5\n", STELE_CORRUPT},
    {WHOLE "segment -1 1 10 500 0 5\n", STELE_CORRUPT},
    {WHOLE "segment +1 1 10 500 0 5\n", STELE_CORRUPT},
    {WHOLE "segment 1x 1 10 500 0 5\n", STELE_CORRUPT},
    {WHOLE "segment 1 1 18446744073709551616 500 0 5\n", STELE_CORRUPT},
    {WHOLE "segment 1 1 99999999999999999999999 500 0 5\n", STELE_CORRUPT},
    {WHOLE "segment 1 1 10 500 0 9223372036854775808\n", STELE_CORRUPT},
    {WHOLE "segment 1 1 10 500 9223372036854775808 0\n", STELE_CORRUPT},
    /* Segments touch, and ascend. */
    {WHOLE "segment 1 0 10 500 0 5\n", STELE_CORRUPT},
    {WHOLE "segment 1 10 9 500 0 5\n", STELE_CORRUPT},
    {WHOLE "segment 1 1 10 500 0 5\nsegment 2 12 20 500 5 6\n", STELE_CORRUPT},
    {WHOLE "segment 1 1 10 500 0 5\nsegment 2 10 20 500 5 6\n", STELE_CORRUPT},
    {WHOLE "segment 2 1 10 500 0 5\nsegment 2 11 20 500 5 6\n", STELE_CORRUPT},
    {WHOLE "segment 2 1 10 500 0 5\nsegment 1 11 20 500 5 6\n", STELE_CORRUPT},
    /* Index files ascend. */
    {WHOLE "index 1 0 0 10 8192\n", STELE_CORRUPT},
    {WHOLE "index 1 0 11 10 8192\n", STELE_CORRUPT},
    {WHOLE "index 1 65 1 10 8192\n", STELE_CORRUPT},
    {WHOLE "index 1 0 1 10 8192\nindex 2 0 10 20 8192\n", STELE_CORRUPT},
    {WHOLE "index 1 0 11 20 8192\nindex 2 0 1 10 8192\n", STELE_CORRUPT},
    {WHOLE "index 1 0 1 10\n", STELE_CORRUPT},
    /* Identity. */
    {"stele-manifest 1\nstore nonsense\n"
     "key 000102030405060708090a0b0c0d0e0f\ngeneration 5\nepoch 2\nnext-index 3\n"
     "boot 000102030405060708090a0b0c0d0e0f\nopen\n",
     STELE_CORRUPT},
    {"stele-manifest 1\nstore 01234567-89ab-cdef-0123-456789abcdef\n"
     "key 000102030405060708090a0b0c0d0e\ngeneration 5\n"
     "epoch 2\nnext-index 3\nboot 000102030405060708090a0b0c0d0e0f\nopen\n",
     STELE_CORRUPT},
    {"stele-manifest 1\nstore 01234567-89ab-cdef-0123-456789abcdef\n"
     "key 000102030405060708090A0B0C0D0E0F\ngeneration 5\n"
     "epoch 2\nnext-index 3\nboot 000102030405060708090a0b0c0d0e0f\nopen\n",
     STELE_CORRUPT},
    {"stele-manifest 1\nstore 01234567-89ab-cdef-0123-456789abcdef\n"
     "key 000102030405060708090a0b0c0d0e0f\ngeneration 5\n"
     "epoch 0\nnext-index 3\nboot 000102030405060708090a0b0c0d0e0f\nopen\n",
     STELE_CORRUPT},
    {WHOLE "cut 1\n", STELE_CORRUPT},
    {WHOLE "open\n", STELE_CORRUPT},
    {"stele-manifest 1\n" HEAD "open now\n", STELE_CORRUPT},
    {"stele-manifest 1\n" HEAD "closed 1 2\n", STELE_CORRUPT},
};

/* Both halves, with the line of the checksum. */
static void store_text(const char *path, const char *text, size_t size)
{
    uint8_t *bytes = test_memory(2 * size + 200);
    char line[64];
    const int line_size =
        snprintf(line, sizeof line, "crc %08" PRIx32 " %zu\n", stele__crc32c(0, text, size), size);
    size_t at = 0;
    for (int half = 0; half < 2; half++) {
        memcpy(bytes + at, text, size);
        memcpy(bytes + at + size, line, (size_t)line_size);
        at += size + (size_t)line_size;
    }
    test_file_store(path, bytes, at);
}

TEST_ROWS(text_under_a_right_checksum_must_make_sense, texts)
{
    const char *folder = test_folder();
    stele__manifest manifest;
    stele_error error;
    bool healed;
    store_text(test_path(folder, "manifest"), texts[row].text, strlen(texts[row].text));
    if (texts[row].detail == 0) {
        expect_ok(read_from(folder, &manifest, &healed, &error), &error);
        expect_false(healed);
        stele__manifest_done(&manifest);
    } else {
        expect_damaged(folder, texts[row].detail,
                       texts[row].detail == STELE_UNSUPPORTED_VERSION ? "newer format"
                                                                      : "makes no sense");
    }
}

TEST(a_nul_in_the_text_ends_no_word)
{
    static const char text[] = "stele-manifest 1\n" HEAD "open\0\n";
    static const char number[] = WHOLE "segment 1\0 1 10 500 0 5\n";
    const char *folder = test_folder();
    store_text(test_path(folder, "manifest"), text, sizeof text - 1);
    expect_damaged(folder, STELE_CORRUPT, "makes no sense");
    store_text(test_path(folder, "manifest"), number, sizeof number - 1);
    expect_damaged(folder, STELE_CORRUPT, "makes no sense");
}

TEST(a_line_without_end_is_refused)
{
    enum { SIZE = 100000 };
    const char *folder = test_folder();
    char *text = test_memory(SIZE);
    memset(text, '1', SIZE);
    memcpy(text, WHOLE, strlen(WHOLE));
    text[SIZE - 1] = '\n';
    store_text(test_path(folder, "manifest"), text, SIZE);
    expect_damaged(folder, STELE_CORRUPT, "makes no sense");
}

TEST_WITHIN(random_text_is_never_read_as_something_else, 60)
{
    static const char good[] = WHOLE "cut 2 17\nsegment 1 1 10 500 0 7\nindex 1 0 1 10 8192\n";
    static const char alphabet[] = "0123456789 \n-abcdefsegmentindxkyop";
    stele__prng prng;
    stele__prng_seed(&prng, test_seed());
    for (uint64_t i = 0; i < test_scaled(50000); i++) {
        char text[sizeof good];
        stele__manifest manifest = new_manifest();
        stele_status status;
        memcpy(text, good, sizeof good);
        for (uint64_t n = 1 + stele__prng_below(&prng, 4); n > 0; n--) {
            text[stele__prng_below(&prng, sizeof good - 1)] =
                alphabet[stele__prng_below(&prng, sizeof alphabet - 1)];
        }
        if (stele__manifest_parse(text, sizeof good - 1, &manifest, &status)) {
            expect_int(status, STELE_OK);
            stele_position next = 0;
            for (size_t k = 0; k < manifest.segment_count; k++) {
                const stele__index_segment *segment = &manifest.segments[k];
                expect_true(segment->first >= 1 && segment->first <= segment->last);
                expect_true(next == 0 || segment->first == next);
                next = segment->last + 1;
            }
        } else {
            expect_true(status == STELE_CORRUPT || status == STELE_UNSUPPORTED);
        }
        stele__manifest_done(&manifest);
    }
}

/* ---- index files and epochs ---- */

TEST(an_index_file_takes_the_place_of_those_it_covers)
{
    stele__manifest manifest = new_manifest();
    stele_error error;
    for (uint64_t i = 0; i < 6; i++) {
        const stele__manifest_index index = {i + 1, 0, i * 10 + 1, i * 10 + 10, 4096, 0};
        expect_ok(stele__manifest_put_index(&manifest, &index, &error), &error);
    }
    const stele__manifest_index merged = {9, 1, 11, 40, 9000, 0};
    expect_ok(stele__manifest_put_index(&manifest, &merged, &error), &error);
    expect_uint(manifest.index_count, 4);
    const uint64_t numbers[] = {1, 9, 5, 6};
    for (size_t i = 0; i < 4; i++) {
        expect_uint(manifest.indexes[i].number, numbers[i]);
    }
    /* One for a range in the middle that has none. */
    manifest.index_count = 3;
    manifest.indexes[2] = (stele__manifest_index){6, 0, 51, 60, 4096, 0};
    const stele__manifest_index between = {10, 0, 41, 50, 4096, 0};
    expect_ok(stele__manifest_put_index(&manifest, &between, &error), &error);
    expect_uint(manifest.indexes[2].number, 10);
    expect_uint(manifest.indexes[3].number, 6);
    const stele__manifest_index all = {11, 3, 1, 60, 4096, 0};
    expect_ok(stele__manifest_put_index(&manifest, &all, &error), &error);
    expect_uint(manifest.index_count, 1);
    expect_uint(manifest.indexes[0].number, 11);
    stele__manifest_done(&manifest);
}

/* What an index file certainly has not is what none of its segments has. */
TEST(what_is_absent_is_absent_from_all_segments)
{
    enum { SEGMENTS = 12, MERGED = 5 };
    stele__prng prng;
    stele__prng_seed(&prng, test_seed());
    for (uint64_t round = 0; round < test_scaled(100); round++) {
        stele__manifest manifest = new_manifest();
        stele__manifest read;
        stele_error error;
        bool healed;
        const char *folder = test_folder();
        fill(&manifest, SEGMENTS, &prng);
        const size_t from = stele__prng_below(&prng, SEGMENTS - MERGED + 1);
        stele__manifest_index merged = {.number = manifest.next_index++,
                                        .first = manifest.segments[from].first,
                                        .last = manifest.segments[from + MERGED - 1].last,
                                        .absent = STELE_ABSENT_ALL};
        for (size_t i = from; i < from + MERGED; i++) {
            merged.absent &= manifest.segments[i].absent;
        }
        expect_ok(stele__manifest_put_index(&manifest, &merged, &error), &error);
        expect_ok(stele__manifest_write(stele_vfs_system(), folder, &manifest, &error), &error);
        expect_ok(read_from(folder, &read, &healed, &error), &error);
        expect_true(is_same(&read, &manifest));
        stele__manifest_done(&read);
        stele__manifest_done(&manifest);
    }
}

/* What a naive list of all cuts answers. */
static stele_position naive_valid_until(const stele_position *cuts, size_t count, uint64_t epoch,
                                        stele_position head)
{
    stele_position valid = head;
    for (size_t i = 0; i < count; i++) {
        /* Cut number i began epoch i + 2. */
        if (i + 2 > epoch && cuts[i] < valid) {
            valid = cuts[i];
        }
    }
    return valid;
}

TEST(an_old_epoch_is_valid_up_to_the_lowest_cut_since)
{
    enum { CUTS = 60 };
    stele__prng prng;
    stele__prng_seed(&prng, test_seed());
    for (uint64_t round = 0; round < test_scaled(200); round++) {
        stele__manifest manifest = new_manifest();
        stele_position cuts[CUTS];
        stele_error error;
        for (size_t i = 0; i < CUTS; i++) {
            cuts[i] = stele__prng_below(&prng, 1000);
            expect_ok(stele__manifest_add_cut(&manifest, cuts[i], &error), &error);
            expect_uint(manifest.epoch, i + 2);
            for (uint64_t epoch = 1; epoch <= manifest.epoch; epoch++) {
                const stele_position head = stele__prng_below(&prng, 1200);
                expect_uint(stele__manifest_valid_until(&manifest, epoch, head),
                            naive_valid_until(cuts, i + 1, epoch, head));
            }
        }
        stele__manifest_done(&manifest);
    }
}

/* However often a store crashes, the manifest stays small, and what it forgets it answers with
 * less, not more. */
TEST(the_number_of_cuts_is_bounded)
{
    stele__manifest manifest = new_manifest();
    stele_error error;
    for (stele_position i = 0; i < STELE_MANIFEST_CUTS_MAX + 100; i++) {
        expect_ok(stele__manifest_add_cut(&manifest, i * 10, &error), &error);
    }
    expect_uint(manifest.cut_count, STELE_MANIFEST_CUTS_MAX);
    expect_uint(manifest.epoch, STELE_MANIFEST_CUTS_MAX + 101);
    expect_uint(stele__manifest_valid_until(&manifest, manifest.epoch, 1000000), 1000000);
    expect_uint(stele__manifest_valid_until(&manifest, manifest.epoch - 1, 1000000),
                (STELE_MANIFEST_CUTS_MAX + 99) * 10);
    /* Forgotten epochs: the lowest of their cuts. */
    expect_uint(stele__manifest_valid_until(&manifest, 1, 1000000), 0);
    stele__manifest_done(&manifest);
}

/* ---- memory ---- */

TEST(reading_without_memory_says_so_and_leaks_nothing)
{
    stele__manifest manifest;
    uint8_t *bytes;
    size_t size;
    const char *folder = written(&manifest, 100, 1, &bytes, &size);
    test_alloc alloc;
    test_alloc_init(&alloc);
    uint64_t failures = 0;
    for (uint64_t n = 1;; n++) {
        stele__manifest read;
        stele_error error;
        bool healed;
        stele__manifest_init(&read, &alloc.alloc);
        test_alloc_fail(&alloc, n, n % 2 ? TEST_ALLOC_ONCE : TEST_ALLOC_FROM);
        const stele_status status =
            stele__manifest_read(stele_vfs_system(), folder, &read, &healed, &error);
        const bool is_through = alloc.failures == failures;
        failures = alloc.failures;
        if (is_through) {
            expect_ok(status, &error);
            expect_true(is_same(&read, &manifest));
            stele__manifest_done(&read);
            break;
        }
        expect_error(status, &error, STELE_NO_MEMORY);
        stele__manifest_done(&read);
        expect_no_leak(&alloc);
    }
    expect_true(failures > 5);
    expect_no_leak(&alloc);
    test_file_release(bytes, size);
    stele__manifest_done(&manifest);
}

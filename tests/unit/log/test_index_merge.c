/* SPDX-License-Identifier: Apache-2.0 */
/* Merging neighbouring files gives the file that would have been built at once. */
#include "index_model.h"

#include <stdio.h>

#define PARTS_MAX 8

typedef struct merge_case {
    model_shape shape;
    size_t parts;
} merge_case;

static const merge_case cases[] = {
    {{1, MODEL_NAMES_SHORT, MODEL_COUNTS_EDGES, MODEL_GAPS_EVEN, 2000, 2}, 2},
    {{200, MODEL_NAMES_SHORT, MODEL_COUNTS_EDGES, MODEL_GAPS_EVEN, 3000, 8}, 2},
    {{300, MODEL_NAMES_PREFIX, MODEL_COUNTS_MANY, MODEL_GAPS_BURSTS, 100000, 8}, 3},
    {{300, MODEL_NAMES_BYTES, MODEL_COUNTS_MANY, MODEL_GAPS_EVEN, 300000, 9}, 4},
    {{300, MODEL_NAMES_HUGE, MODEL_COUNTS_EDGES, MODEL_GAPS_RUNS, 9000, 5}, 5},
    {{5000, MODEL_NAMES_PREFIX, MODEL_COUNTS_FEW, MODEL_GAPS_EVEN, 20000, 8}, 8},
    {{4000, MODEL_NAMES_DENSE, MODEL_COUNTS_EDGES, MODEL_GAPS_EVEN, 20000, 3}, 3},
    {{200, MODEL_NAMES_SHORT, MODEL_COUNTS_MANY, MODEL_GAPS_RUNS, 150000, 8}, 8},
};

/* A model and the files of its parts. */
typedef struct part_files {
    index_model model;
    const char *folder;
    size_t count;
    stele__index *indexes[PARTS_MAX];
} part_files;

static void make_parts(part_files *parts, const merge_case *of, uint64_t seed,
                       stele_mapping mapping)
{
    model_make(&parts->model, &of->shape, seed);
    parts->folder = test_folder();
    parts->count = of->parts;
    for (size_t i = 0; i < of->parts; i++) {
        const size_t first = of->shape.segment_count * i / of->parts;
        const size_t end = of->shape.segment_count * (i + 1) / of->parts;
        char name[32];
        index_model part;
        (void)snprintf(name, sizeof name, "part%zu", i);
        const char *path = test_path(parts->folder, name);
        model_cut(&parts->model, first, end - first, &part);
        (void)model_write(&part, path);
        parts->indexes[i] = model_opened(&part, path, mapping);
        model_done(&part);
    }
}

static void free_parts(part_files *parts)
{
    for (size_t i = 0; i < parts->count; i++) {
        stele__index_unref(parts->indexes[i]);
    }
    model_done(&parts->model);
}

TEST_ROWS(merged_parts_answer_as_the_whole, cases)
{
    part_files parts;
    stele_error error;
    uint64_t bytes = 0;
    make_parts(&parts, &cases[row], test_seed() + row, row % 2 ? STELE_MAP : STELE_PREAD);
    const char *path = test_path(parts.folder, "merged");
    stele__index_params params = model_params(&parts.model, path);
    params.term_count_max = 0;
    expect_ok(stele__index_merge(&params, parts.indexes, parts.count, NULL, &bytes, &error),
              &error);
    stele__index *merged = model_opened(&parts.model, path, STELE_MAP);
    expect_uint(stele__index_bytes(merged), bytes);
    model_compare(&parts.model, merged, row);
    expect_ok(stele__index_check(merged, NULL, NULL, &error), &error);
    stele__index_unref(merged);
    free_parts(&parts);
}

TEST_ROWS(merged_parts_are_the_same_bytes_as_the_whole, cases)
{
    part_files parts;
    stele_error error;
    size_t whole_size;
    size_t merged_size;
    make_parts(&parts, &cases[row], test_seed() + row, STELE_MAP);
    const char *whole_path = test_path(parts.folder, "whole");
    const char *merged_path = test_path(parts.folder, "merged");
    (void)model_write(&parts.model, whole_path);
    const stele__index_params params = model_params(&parts.model, merged_path);
    const int stop = 0;
    expect_ok(stele__index_merge(&params, parts.indexes, parts.count, &stop, NULL, &error), &error);
    uint8_t *whole = test_file_load(whole_path, &whole_size);
    uint8_t *merged = test_file_load(merged_path, &merged_size);
    expect_bytes(merged, merged_size, whole, whole_size);
    test_file_release(whole, whole_size);
    test_file_release(merged, merged_size);
    free_parts(&parts);
}

TEST(merging_in_two_steps_is_merging_in_one)
{
    part_files parts;
    stele_error error;
    make_parts(&parts, &cases[5], test_seed(), STELE_MAP);
    index_model halves[2];
    stele__index *indexes[2];
    for (size_t i = 0; i < 2; i++) {
        const char *path = test_path(parts.folder, i ? "right" : "left");
        model_cut(&parts.model, 4 * i, 4, &halves[i]);
        const stele__index_params params = model_params(&halves[i], path);
        expect_ok(stele__index_merge(&params, parts.indexes + 4 * i, 4, NULL, NULL, &error),
                  &error);
        indexes[i] = model_opened(&halves[i], path, STELE_MAP);
        model_compare(&halves[i], indexes[i], i);
    }
    const char *path = test_path(parts.folder, "all");
    const stele__index_params params = model_params(&parts.model, path);
    expect_ok(stele__index_merge(&params, indexes, 2, NULL, NULL, &error), &error);
    stele__index *all = model_opened(&parts.model, path, STELE_MAP);
    model_compare(&parts.model, all, 7);
    stele__index_unref(all);
    for (size_t i = 0; i < 2; i++) {
        stele__index_unref(indexes[i]);
        model_done(&halves[i]);
    }
    free_parts(&parts);
}

TEST(a_stopped_merge_leaves_no_file)
{
    part_files parts;
    stele_error error;
    stele_file *file;
    make_parts(&parts, &cases[1], test_seed(), STELE_MAP);
    const char *path = test_path(parts.folder, "merged");
    const stele__index_params params = model_params(&parts.model, path);
    const int stop = 1;
    expect_error(stele__index_merge(&params, parts.indexes, parts.count, &stop, NULL, &error),
                 &error, STELE_CANCELLED);
    expect_int(params.vfs->open(params.vfs, path, STELE_FILE_READ, &file), 2 /* ENOENT */);
    free_parts(&parts);
}

TEST(only_neighbours_of_one_store_are_merged)
{
    part_files parts;
    stele_error error;
    make_parts(&parts, &cases[3], test_seed(), STELE_MAP);
    stele__index_params params = model_params(&parts.model, test_path(parts.folder, "merged"));
    stele__index *apart[2] = {parts.indexes[0], parts.indexes[2]};
    stele__index *turned[2] = {parts.indexes[1], parts.indexes[0]};
    expect_error(stele__index_merge(&params, apart, 2, NULL, NULL, &error), &error, STELE_INVALID);
    expect_error(stele__index_merge(&params, turned, 2, NULL, NULL, &error), &error, STELE_INVALID);
    expect_error(stele__index_merge(&params, parts.indexes, 0, NULL, NULL, &error), &error,
                 STELE_INVALID);
    params.store.bytes[0] ^= 1;
    expect_error(stele__index_merge(&params, parts.indexes, 2, NULL, NULL, &error), &error,
                 STELE_INVALID);
    free_parts(&parts);
}

/* ---- revisions ---- */

/* A file of one segment of 10 positions and one stream with one part. */
static stele__index *write_stream(const index_model *model, const char *folder, size_t segment,
                                  stele_revision base_revision, uint32_t count,
                                  bool ends_in_tombstone)
{
    char name[32];
    index_model part;
    stele_position positions[10];
    model_cut(model, segment, 1, &part);
    for (uint32_t i = 0; i < count; i++) {
        positions[i] = model_first(&part) + 2 * i;
    }
    model_term term = {.kind = STELE_TERM_STREAM,
                       .name_size = 1,
                       .name = (char[]){'s'},
                       .base_revision = base_revision,
                       .ends_in_tombstone = ends_in_tombstone,
                       .count = count,
                       .positions = positions};
    index_model stream = part;
    stream.terms = &term;
    stream.term_count = 1;
    (void)snprintf(name, sizeof name, "stream%zu", segment);
    const char *path = test_path(folder, name);
    (void)model_write(&stream, path);
    stele__index *index = model_opened(&stream, path, STELE_MAP);
    model_done(&part);
    return index;
}

typedef struct revision_case {
    stele_revision second_base;
    uint32_t second_count;
    bool first_ends;
    bool second_ends;
    stele_status expected;
} revision_case;

static const revision_case revisions[] = {
    {8, 2, false, false, STELE_OK},      {8, 2, false, true, STELE_OK},
    {8, 1, false, true, STELE_OK},       {0, 1, false, true, STELE_OK},
    {7, 2, false, false, STELE_CORRUPT}, {9, 2, false, true, STELE_CORRUPT},
    {8, 1, true, true, STELE_CORRUPT},   {7, 2, true, false, STELE_CORRUPT},
};

TEST_ROWS(revisions_of_parts_must_follow_on_each_other, revisions)
{
    const model_shape shape = {1, MODEL_NAMES_SHORT, MODEL_COUNTS_ONE, MODEL_GAPS_EVEN, 20, 2};
    const revision_case *of = &revisions[row];
    const char *folder = test_folder();
    index_model model;
    stele_error error;
    model_make(&model, &shape, test_seed());
    stele__index *indexes[2] = {write_stream(&model, folder, 0, 5, 3, of->first_ends),
                                write_stream(&model, folder, 1, of->second_base, of->second_count,
                                             of->second_ends)};
    const char *path = test_path(folder, "merged");
    const stele__index_params params = model_params(&model, path);
    const stele_status status = stele__index_merge(&params, indexes, 2, NULL, NULL, &error);
    if (of->expected != STELE_OK) {
        expect_error(status, &error, of->expected);
    } else {
        expect_ok(status, &error);
        stele__index *merged = model_opened(&model, path, STELE_MAP);
        stele__index_entry entry;
        bool found = false;
        const stele_text name = stele__text("s");
        const uint64_t hash = stele__term_hash(&model.key, STELE_TERM_STREAM, name);
        expect_ok(stele__index_find(merged, STELE_TERM_STREAM, name, hash, &entry, &found, &error),
                  &error);
        expect_true(found);
        expect_uint(entry.base_revision, 5);
        expect_uint(entry.count, 3 + of->second_count);
        expect_int(entry.ends_in_tombstone, of->second_ends);
        stele__index_unref(merged);
    }
    stele__index_unref(indexes[0]);
    stele__index_unref(indexes[1]);
    model_done(&model);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Index files answer what was put in, for terms of every shape, mapped and read. */
#include "index_model.h"

static const model_shape shapes[] = {
    {1, MODEL_NAMES_SHORT, MODEL_COUNTS_ONE, MODEL_GAPS_EVEN, 1, 1},
    {1, MODEL_NAMES_SHORT, MODEL_COUNTS_MANY, MODEL_GAPS_EVEN, 200000, 3},
    {16, MODEL_NAMES_SHORT, MODEL_COUNTS_FEW, MODEL_GAPS_EVEN, 100, 2},
    {17, MODEL_NAMES_BYTES, MODEL_COUNTS_EDGES, MODEL_GAPS_RUNS, 1000, 1},
    {300, MODEL_NAMES_PREFIX, MODEL_COUNTS_EDGES, MODEL_GAPS_EVEN, 5000, 4},
    {300, MODEL_NAMES_HUGE, MODEL_COUNTS_EDGES, MODEL_GAPS_BURSTS, 50000, 1},
    {400, MODEL_NAMES_BYTES, MODEL_COUNTS_MANY, MODEL_GAPS_RUNS, 300000, 9},
    {400, MODEL_NAMES_PREFIX, MODEL_COUNTS_MANY, MODEL_GAPS_EVEN, 140000, 2},
    {400, MODEL_NAMES_SHORT, MODEL_COUNTS_MANY, MODEL_GAPS_BURSTS, 400000, 5},
    {7000, MODEL_NAMES_PREFIX, MODEL_COUNTS_EDGES, MODEL_GAPS_EVEN, 20000, 4},
    {9000, MODEL_NAMES_DENSE, MODEL_COUNTS_FEW, MODEL_GAPS_EVEN, 10000, 2},
    {5000, MODEL_NAMES_BYTES, MODEL_COUNTS_FEW, MODEL_GAPS_BURSTS, 10000, 1},
    {20000, MODEL_NAMES_PREFIX, MODEL_COUNTS_FEW, MODEL_GAPS_EVEN, 60000, 1},
    {200000, MODEL_NAMES_PREFIX, MODEL_COUNTS_ONE, MODEL_GAPS_EVEN, 200000, 1},
};

TEST_ROWS(a_file_answers_what_was_put_in, shapes)
{
    const char *path = test_path(test_folder(), "index");
    index_model model;
    stele_error error;
    model_make(&model, &shapes[row], test_seed() + row);
    const uint64_t bytes = model_write(&model, path);
    test_note("%zu terms, %llu postings, %zu segments: %llu bytes", model.term_count,
              (unsigned long long)model.posting_count, model.segment_count,
              (unsigned long long)bytes);
    stele__index *index = model_opened(&model, path, STELE_MAP);
    expect_uint(stele__index_bytes(index), bytes);
    model_compare(&model, index, row);
    expect_ok(stele__index_check(index, NULL, NULL, &error), &error);
    stele__index_unref(index);
    model_done(&model);
}

TEST_ROWS(a_file_that_is_not_mapped_answers_the_same, shapes)
{
    if (shapes[row].term_count > 20000) {
        return;
    }
    const char *path = test_path(test_folder(), "index");
    index_model model;
    model_make(&model, &shapes[row], test_seed() + row);
    (void)model_write(&model, path);
    stele__index *index = model_opened(&model, path, STELE_PREAD);
    model_compare(&model, index, row);
    stele__index_unref(index);
    model_done(&model);
}

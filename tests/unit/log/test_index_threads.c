/* SPDX-License-Identifier: Apache-2.0 */
/* An open index is shared by threads: they touch its pages for the first time together, and drop it
 * in any order. */
#include "index_model.h"

#define THREADS 4

typedef struct reader_thread {
    const index_model *model;
    stele__index *index; /* a reference of its own */
    uint64_t seed;
} reader_thread;

static void read_all(void *context)
{
    reader_thread *reader = context;
    model_compare(reader->model, reader->index, reader->seed);
    stele__index_unref(reader->index);
}

static const stele_mapping mappings[] = {STELE_MAP, STELE_PREAD};

TEST_ROWS(threads_read_one_index_together, mappings)
{
    const model_shape shape = {
        400, MODEL_NAMES_PREFIX, MODEL_COUNTS_EDGES, MODEL_GAPS_BURSTS, 20000, 3};
    const char *path = test_path(test_folder(), "index");
    index_model model;
    model_make(&model, &shape, test_seed());
    (void)model_write(&model, path);
    stele__index *index = model_opened(&model, path, mappings[row]);
    stele__thread threads[THREADS];
    reader_thread readers[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        readers[i] = (reader_thread){&model, stele__index_ref(index), i};
        expect_int(stele__thread_start(&threads[i], "reader", read_all, &readers[i]), 0);
    }
    stele__index_unref(index);
    for (size_t i = 0; i < THREADS; i++) {
        stele__thread_join(&threads[i]);
    }
    model_done(&model);
}

/* Sets the flag that a merge in another thread looks at. */
static void stop_merge(void *context)
{
    __atomic_store_n((int *)context, 1, __ATOMIC_RELAXED);
}

TEST(a_merge_can_be_stopped_from_another_thread)
{
    const model_shape shape = {3000, MODEL_NAMES_SHORT, MODEL_COUNTS_EDGES, MODEL_GAPS_EVEN, 20000,
                               2};
    const char *folder = test_folder();
    index_model model;
    stele__index *indexes[2];
    stele_error error;
    model_make(&model, &shape, test_seed());
    for (size_t i = 0; i < 2; i++) {
        const char *path = test_path(folder, i ? "right" : "left");
        index_model part;
        model_cut(&model, i, 1, &part);
        (void)model_write(&part, path);
        indexes[i] = model_opened(&part, path, STELE_MAP);
        model_done(&part);
    }
    int stop = 0;
    stele__thread thread;
    const stele__index_params params = model_params(&model, test_path(folder, "merged"));
    expect_int(stele__thread_start(&thread, "stop", stop_merge, &stop), 0);
    stele_status status = STELE_OK;
    for (int i = 0; i < 10000 && status == STELE_OK; i++) {
        status = stele__index_merge(&params, indexes, 2, &stop, NULL, &error);
    }
    expect_error(status, &error, STELE_CANCELLED);
    stele__thread_join(&thread);
    stele__index_unref(indexes[0]);
    stele__index_unref(indexes[1]);
    model_done(&model);
}

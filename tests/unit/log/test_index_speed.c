/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How large and how fast index files are: a sealed segment of small events for many streams. The
 * size is an expectation; times are printed when STELE_INDEX_BENCH is set, which also makes the
 * file larger.
 */
#include "index_model.h"

#include <stele/sys/clock.h>

#include <stdio.h>
#include <stdlib.h>

#define FIRST 1000001

typedef struct sealed_segment {
    size_t stream_count;
    uint64_t event_count;
    uint32_t *stream_of;       /* of each event */
    uint32_t *counts;          /* of each stream */
    stele_position *positions; /* by stream */
    uint32_t *offsets;
    index_model model;
} sealed_segment;

static void *take(size_t count, size_t size)
{
    void *memory = stele__allocate_array(stele_alloc_default(), count, size);
    expect_not_null(memory);
    memset(memory, 0, count * size);
    return memory;
}

static int64_t now(void)
{
    const stele_clock *clock = stele_clock_system();
    return clock->monotonic(clock->context);
}

static size_t stream_name(char *name, size_t number)
{
    return (size_t)snprintf(name, 32, "account-%08zu", number);
}

static void make_bench(sealed_segment *bench, size_t stream_count, uint64_t event_count)
{
    stele__prng prng;
    uint32_t offset = 64;
    stele__prng_seed(&prng, test_seed());
    memset(bench, 0, sizeof *bench);
    bench->stream_count = stream_count;
    bench->event_count = event_count;
    bench->stream_of = take(event_count, sizeof *bench->stream_of);
    bench->counts = take(stream_count, sizeof *bench->counts);
    bench->positions = take(event_count, sizeof *bench->positions);
    bench->offsets = take(event_count, sizeof *bench->offsets);
    for (uint64_t i = 0; i < event_count; i++) {
        bench->stream_of[i] = (uint32_t)stele__prng_below(&prng, stream_count);
        bench->counts[bench->stream_of[i]]++;
        bench->offsets[i] = offset;
        offset += 280 + (uint32_t)stele__prng_below(&prng, 8);
    }
    uint64_t *places = take(stream_count, sizeof *places);
    for (size_t i = 1; i < stream_count; i++) {
        places[i] = places[i - 1] + bench->counts[i - 1];
    }
    for (uint64_t i = 0; i < event_count; i++) {
        bench->positions[places[bench->stream_of[i]]++] = FIRST + i;
    }
    stele__release(stele_alloc_default(), places, stream_count * sizeof *places);
    stele__prng_fill(&prng, &bench->model.key, sizeof bench->model.key);
    bench->model.segment_count = 1;
    bench->model.segments = take(1, sizeof *bench->model.segments);
    bench->model.segments[0] = (stele__index_segment){.number = 1,
                                                      .first = FIRST,
                                                      .last = FIRST + event_count - 1,
                                                      .bytes = offset};
}

static void free_bench(sealed_segment *bench)
{
    const stele_alloc *alloc = stele_alloc_default();
    stele__release(alloc, bench->stream_of, bench->event_count * sizeof *bench->stream_of);
    stele__release(alloc, bench->counts, bench->stream_count * sizeof *bench->counts);
    stele__release(alloc, bench->positions, bench->event_count * sizeof *bench->positions);
    stele__release(alloc, bench->offsets, bench->event_count * sizeof *bench->offsets);
    stele__release(alloc, bench->model.segments, sizeof *bench->model.segments);
}

/* A term that all events have. */
static void add_common(stele__index_builder *builder, stele__term_kind kind, const char *name,
                       uint64_t event_count)
{
    stele_error error;
    expect_ok(stele__index_add_term(builder, kind, stele__text(name), 0, false, &error), &error);
    for (stele_position position = FIRST; position < FIRST + event_count; position++) {
        expect_ok(stele__index_add_positions(builder, &position, 1, &error), &error);
    }
}

static uint64_t build_bench(const sealed_segment *bench, const char *path)
{
    stele__index_params params = model_params(&bench->model, path);
    stele__index_builder *builder;
    stele_error error;
    uint64_t bytes = 0;
    params.term_count_max = bench->stream_count + 2;
    expect_ok(stele__index_build(&params, &builder, &error), &error);
    expect_ok(stele__index_add_segment(builder, bench->model.segments, &error), &error);
    expect_ok(stele__index_add_offsets(builder, bench->offsets, bench->event_count, &error),
              &error);
    const stele_position *positions = bench->positions;
    for (size_t i = 0; i < bench->stream_count; positions += bench->counts[i++]) {
        char bytes_of_name[32];
        const stele_text name = {bytes_of_name, stream_name(bytes_of_name, i)};
        if (bench->counts[i] > 0) {
            expect_ok(stele__index_add_term(builder, STELE_TERM_STREAM, name, i, false, &error),
                      &error);
            expect_ok(stele__index_add_positions(builder, positions, bench->counts[i], &error),
                      &error);
        }
    }
    add_common(builder, STELE_TERM_CATEGORY, "account", bench->event_count);
    add_common(builder, STELE_TERM_TYPE, "MoneyDeposited", bench->event_count);
    expect_ok(stele__index_finish(builder, &bytes, &error), &error);
    return bytes;
}

/* Finds streams at random, of which every second one does not exist. */
static void time_finds(const sealed_segment *bench, const stele__index *index, uint64_t rounds,
                       bool is_told)
{
    char(*names)[32] = take(4096, sizeof *names);
    uint64_t found_count = 0;
    int64_t took = 0;
    for (int absent = 0; absent < 2; absent++) {
        stele__prng prng;
        uint64_t hashes[4096];
        size_t sizes[4096];
        stele__prng_seed(&prng, 3);
        for (size_t i = 0; i < 4096; i++) {
            sizes[i] = stream_name(names[i], stele__prng_below(&prng, bench->stream_count));
            names[i][0] = absent ? 'b' : 'a';
            hashes[i] = stele__term_hash(&bench->model.key, STELE_TERM_STREAM,
                                         (stele_text){names[i], sizes[i]});
        }
        for (uint64_t round = 0; round < rounds; round++) {
            const int64_t begin = now();
            for (size_t i = 0; i < 4096; i++) {
                stele__index_entry entry;
                bool found = false;
                const stele_text name = {names[i], sizes[i]};
                expect_ok(stele__index_find(index, STELE_TERM_STREAM, name, hashes[i], &entry,
                                            &found, NULL),
                          NULL);
                found_count += found;
            }
            took = now() - begin;
        }
        expect_true(absent ? found_count > 0 : found_count > 4000 * rounds);
        if (is_told) {
            test_note("find, %s: %lld ns", absent ? "absent" : "present", (long long)(took / 4096));
        }
    }
    expect_true(found_count <= 4096 * rounds);
    stele__release(stele_alloc_default(), names, 4096 * sizeof *names);
}

/* Walks over all postings of all streams, and all offsets. */
static void time_walks(const sealed_segment *bench, const stele__index *index, bool is_told)
{
    stele__index_terms terms;
    stele__index_postings postings;
    bool found = true;
    uint64_t sum = 0;
    uint64_t count = 0;
    int64_t begin = now();
    expect_ok(stele__index_terms_seek(&terms, index, STELE_TERM_STREAM, stele__text(""), NULL),
              NULL);
    while (found) {
        expect_ok(stele__index_terms_next(&terms, &found, NULL), NULL);
        stele__index_postings_init(&postings, index, &terms.entry);
        for (uint32_t rank = 0; found && rank < terms.entry.count; rank++, count++) {
            stele_position position = 0;
            expect_ok(stele__index_position_at(&postings, rank, &position, NULL), NULL);
            sum += position;
        }
    }
    if (is_told) {
        test_note("walk over all: %lld ns a posting",
                  (long long)(now() - begin) / (long long)count);
    }
    const uint64_t expected =
        bench->event_count * (2 * (uint64_t)FIRST + bench->event_count - 1) / 2;
    expect_uint(sum, 3 * expected);
    begin = now();
    for (uint64_t i = 0; i < bench->event_count; i++) {
        uint32_t offset = 0;
        expect_ok(stele__index_offset_of(index, FIRST + i, &offset, NULL), NULL);
        if (offset != bench->offsets[i]) {
            expect_uint(offset, bench->offsets[i]);
        }
    }
    if (is_told) {
        test_note("walk over offsets: %.1f ns each",
                  (double)(now() - begin) / (double)bench->event_count);
    }
}

TEST_WITHIN(a_posting_takes_about_two_bytes, 60)
{
    const bool is_told = getenv("STELE_INDEX_BENCH") != NULL;
    const char *path = test_path(test_folder(), "index");
    sealed_segment bench;
    make_bench(&bench, is_told ? 100000 : 10000, is_told ? 2000000 : 200000);
    int64_t begin = now();
    const uint64_t bytes = build_bench(&bench, path);
    int64_t took = now() - begin;
    /* Streams stand at random; category and type are on every event; offsets come on top. */
    expect_true(bytes <= 8 * bench.event_count); /* 4 of them for its offset */
    stele__index *index = model_opened(&bench.model, path, STELE_MAP);
    if (is_told) {
        test_note("%llu events, %llu terms, %llu postings: %.2f bytes a posting, %.2f an event",
                  (unsigned long long)bench.event_count,
                  (unsigned long long)stele__index_term_count(index),
                  (unsigned long long)stele__index_posting_count(index),
                  (double)bytes / (double)stele__index_posting_count(index),
                  (double)bytes / (double)bench.event_count);
        test_note("building: %.0f ns an event", (double)took / (double)bench.event_count);
    }
    time_finds(&bench, index, is_told ? 20 : 1, is_told);
    time_walks(&bench, index, is_told);
    begin = now();
    stele_error error;
    expect_ok(stele__index_check(index, NULL, NULL, &error), &error);
    took = now() - begin;
    if (is_told) {
        test_note("check: %.0f ms", (double)took / 1e6);
    }
    stele__index_unref(index);
    free_bench(&bench);
}

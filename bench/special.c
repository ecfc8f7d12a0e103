/* SPDX-License-Identifier: Apache-2.0 */
/* Runs that are no loop of appends or reads: a minute of full speed with seals and merges going on,
 * bytes on disk, bytes in memory. */
#include "bench.h"

#include <stele/admin.h>

#include <stdio.h>
#include <stdlib.h>

#define SUSTAINED_SECONDS 60.0
#define SUSTAINED_RAWLOG_SECONDS 10.0
#define SUSTAINED_SAMPLE ((int64_t)200000000)
#define MEMORY_EVENTS 400000
#define MEMORY_SAMPLE 500

static stele_info describe(stele_store *store)
{
    stele_info info;
    stele_error error;

    if (stele_describe(store, &info, &error) != STELE_OK) {
        bench_die("stele: %s", error.message);
    }
    return info;
}

/* ---- append-os-sustained */

typedef struct sample {
    double memory_early; /* the most in the second quarter of the time */
    double memory_late;  /* … and in the last */
    uint64_t index_files;
    uint64_t merges;
} sample;

/* A merge puts several index files into one, so that their number falls. */
static void take_sample(const bench_run *run, void *handle, double part, sample *into)
{
    const double memory = bench_private_bytes();

    if (part >= 0.25 && part < 0.5 && memory > into->memory_early) {
        into->memory_early = memory;
    }
    if (part >= 0.75 && memory > into->memory_late) {
        into->memory_late = memory;
    }
    if (run->system == &bench_stele) {
        const stele_info info = describe(handle);
        into->merges += info.index_file_count < into->index_files;
        into->index_files = info.index_file_count;
    }
}

/* rawlog gets less time: all that it does is write and fill memory with offsets. */
void bench_run_sustained(const bench_run *run, bench_result *ret_result)
{
    const bool is_stele = run->system == &bench_stele;
    const double seconds = is_stele ? SUSTAINED_SECONDS : SUSTAINED_RAWLOG_SECONDS;
    void *handle = run->system->open(run->folder, BENCH_OS);
    bench_histogram *times = bench_allocate(sizeof *times);
    int64_t *revisions = bench_revisions_new();
    bench_event events[BENCH_BATCH_MAX];
    const int64_t start = bench_now();
    int64_t sampled = start;
    int64_t before = start;
    bench_source source;
    sample samples = {0};

    bench_source_init(&source, revisions, 0, 1);
    while ((double)(before - start) < seconds * 1e9) {
        bench_source_batch(&source, events, run->workload->batch);
        run->system->append(handle, events, run->workload->batch);
        const int64_t after = bench_now();
        bench_note(times, after - before);
        before = after;
        if (after - sampled >= SUSTAINED_SAMPLE) {
            take_sample(run, handle, (double)(after - start) / (seconds * 1e9), &samples);
            sampled = after;
        }
    }
    bench_finish(times, run->workload->batch, (double)(before - start) / 1e9, ret_result);
    ret_result->rss_bytes = bench_private_bytes();
    if (is_stele) {
        const stele_info info = describe(handle);
        (void)snprintf(
            ret_result->note, sizeof ret_result->note,
            "%.1f M events, %llu segments, at least %llu merges, memory %.0f MB, then %.0f MB",
            (double)source.made / 1e6, (unsigned long long)info.segment_count,
            (unsigned long long)samples.merges, samples.memory_early / 1e6,
            samples.memory_late / 1e6);
    }
    run->system->close(handle);
    free(times);
    free(revisions);
}

/* ---- Size and memory */

/* The store that the reads use was filled and closed before. */
void bench_run_size(const bench_run *run, bench_result *ret_result)
{
    ret_result->bytes_per_event =
        bench_folder_bytes(run->system, run->prepared) / (double)bench_set.events;
}

/* Private memory when most events were unsealed, over what an empty open store has. Streams and
 * names are shared by all events, as they are in W. */
void bench_run_memory(const bench_run *run, bench_result *ret_result)
{
    void *handle = run->system->open(run->folder, BENCH_OS);
    int64_t *revisions = bench_revisions_new();
    const double before = bench_private_bytes();
    uint64_t most = 0;
    bench_source source;
    bench_event event;

    bench_source_init(&source, revisions, 0, 1);
    while (source.made < MEMORY_EVENTS) {
        bench_source_next(&source, &event);
        run->system->append(handle, &event, 1);
        if (source.made % MEMORY_SAMPLE == 0) {
            const uint64_t unsealed =
                run->system == &bench_stele ? describe(handle).unsealed_events : source.made;
            if (unsealed > most) {
                most = unsealed;
                ret_result->bytes_per_event = (bench_private_bytes() - before) / (double)unsealed;
            }
        }
    }
    ret_result->rss_bytes = bench_private_bytes();
    (void)snprintf(ret_result->note, sizeof ret_result->note, "with %llu unsealed events",
                   (unsigned long long)most);
    run->system->close(handle);
    free(revisions);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * append-os-sustained: single appends at full speed for a minute, while the threads of the store
 * seal and merge what was written. It counts those, compares the memory of the first third of the
 * time with that of the last, and is a run for correctness as well: afterwards every byte is
 * verified, and a million reads are compared with what was appended.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>

#define SUSTAINED_SECONDS_FULL 60.0
#define SUSTAINED_PER_SECONDS 8.0 /* else so many times what other runs take */
#define SAMPLE_EVERY ((int64_t)100000000)
#define READS_FULL ((size_t)1000000)
#define READS ((size_t)50000)
#define LOOK_EVERY 16 /* events between two looks at whether to sample */

double bench_sustained_seconds(void)
{
    return bench_set.is_full ? SUSTAINED_SECONDS_FULL : SUSTAINED_PER_SECONDS * bench_set.seconds;
}

typedef struct memory_facts {
    double early; /* the most in the first third */
    double late;  /* … and in the last */
} memory_facts;

static void sample_memory(double part, memory_facts *into)
{
    double *most = part < 1.0 / 3 ? &into->early : part >= 2.0 / 3 ? &into->late : NULL;
    const double now = bench_private_bytes();

    if (most && now > *most) {
        *most = now;
    }
}

/* Appends until the time is over; answers how many. */
static uint64_t append_all(const bench_run *run, void *handle, bench_model *model, double seconds,
                           memory_facts *memory, bench_result *ret_result)
{
    bench_histogram *times = bench_allocate(sizeof *times);
    const double cpu = bench_cpu_seconds();
    const int64_t start = bench_now();
    int64_t sampled = start;
    int64_t before = start;
    uint64_t number = 0;

    while ((double)(before - start) < seconds * 1e9) {
        bench_event event;
        bench_model_next(model, number++, &event);
        run->system->append(handle, &event, 1);
        const int64_t after = bench_now();
        bench_note(times, after - before);
        before = after;
        if (number % LOOK_EVERY == 0 && after - sampled >= SAMPLE_EVERY) {
            sample_memory((double)(after - start) / (seconds * 1e9), memory);
            sampled = after;
        }
    }
    bench_finish(times, 1, (double)(before - start) / 1e9, ret_result);
    ret_result->cpu_us = (bench_cpu_seconds() - cpu) * 1e6 / (double)number;
    ret_result->rss_bytes = bench_private_bytes();
    free(times);
    return number;
}

void bench_run_sustained(const bench_run *run, bench_result *ret_result)
{
    const double seconds = bench_sustained_seconds();
    void *handle = run->system->open(run->folder, BENCH_OS);
    memory_facts memory = {0};
    bench_model model;

    bench_model_init(&model, BENCH_STREAMS);
    bench_model_phase(&model, 0, BENCH_STREAMS);
    const uint64_t events = append_all(run, handle, &model, seconds, &memory, ret_result);
    if (run->system == &bench_stele) {
        const bench_upkeep upkeep = bench_stele_upkeep(run->folder);
        const uint64_t reads =
            bench_model_check(&model, handle, events, bench_set.is_full ? READS_FULL : READS);
        bench_model_verify(handle, events);
        (void)snprintf(ret_result->note, sizeof ret_result->note,
                       "%.1f M events, %llu seals, %llu merges, memory %.1f MB, then %.1f MB; "
                       "verified, %llu reads right",
                       (double)events / 1e6, (unsigned long long)upkeep.seals,
                       (unsigned long long)upkeep.merges, memory.early / 1e6, memory.late / 1e6,
                       (unsigned long long)reads);
    }
    run->system->close(handle);
    bench_model_done(&model);
}

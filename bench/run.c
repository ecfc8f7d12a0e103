/* SPDX-License-Identifier: Apache-2.0 */
/* The runs that every system does: appends in a closed loop, and reads of a store that was filled
 * before. A run begins with a tenth of its time that is not counted. */
#include "bench.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define WARM_UP 0.1
#define FLUSH_SECONDS_MAX 0.4
/* A store that is read is filled with commits of events of different streams, of which some are
 * long ones: a tenth of the events, rounded up, so that these get all of their events. */
#define LONG_EVERY 10
#define LOAD_BATCH 64
#define LOAD_LONG 7

bench_window bench_window_open(double seconds)
{
    const int64_t start = bench_now() + (int64_t)(seconds * WARM_UP * 1e9);

    return (bench_window){start, start + (int64_t)(seconds * 1e9)};
}

void bench_finish(const bench_histogram *times, double per_operation, double seconds,
                  bench_result *ret_result)
{
    ret_result->per_second = (double)times->total * per_operation / seconds;
    ret_result->p50_us = bench_percentile_us(times, 0.50);
    ret_result->p99_us = bench_percentile_us(times, 0.99);
}

/* ---- Writers */

typedef struct writer {
    pthread_t thread;
    uint32_t number;
    uint32_t batch;
    bench_append append;
    void *context;
    bench_window window;
    bench_source source;
    bench_histogram times;
} writer;

static void *write_all(void *context)
{
    writer *mine = context;
    bench_event events[BENCH_BATCH_MAX];
    int64_t before = bench_now();

    while (before < mine->window.end) {
        if (mine->batch == 1) {
            bench_source_next(&mine->source, events);
        } else {
            bench_source_batch(&mine->source, events, mine->batch);
        }
        mine->append(mine->context, mine->number, events, mine->batch);
        const int64_t after = bench_now();
        if (before >= mine->window.start && after <= mine->window.end) {
            bench_note(&mine->times, after - before);
        }
        before = after;
    }
    return NULL;
}

void bench_run_writers(const bench_run *run, bench_append append, void *context,
                       bench_result *ret_result)
{
    const bench_workload *workload = run->workload;
    const double cpu = bench_cpu_seconds();
    const bench_window window = bench_window_open(run->seconds);
    int64_t *revisions = bench_revisions_new();
    writer *writers = bench_allocate(workload->writers * sizeof *writers);
    uint64_t made = 0;

    for (uint32_t i = 0; i < workload->writers; i++) {
        writers[i].number = i;
        writers[i].batch = workload->batch;
        writers[i].append = append;
        writers[i].context = context;
        writers[i].window = window;
        bench_source_init(&writers[i].source, revisions, i, workload->writers);
        if (workload->writers > 1 &&
            pthread_create(&writers[i].thread, NULL, write_all, &writers[i]) != 0) {
            bench_die("cannot start a thread");
        }
    }
    if (workload->writers == 1) {
        (void)write_all(&writers[0]);
    }
    for (uint32_t i = 0; i < workload->writers; i++) {
        if (workload->writers > 1) {
            (void)pthread_join(writers[i].thread, NULL);
        }
        if (i > 0) {
            bench_merge(&writers[0].times, &writers[i].times);
        }
        made += writers[i].source.made;
    }
    bench_finish(&writers[0].times, workload->batch, run->seconds, ret_result);
    ret_result->cpu_us = (bench_cpu_seconds() - cpu) * 1e6 / (double)made;
    ret_result->rss_bytes = bench_private_bytes();
    free(writers);
    free(revisions);
}

typedef struct direct {
    const bench_system *system;
    void *handle;
} direct;

static void append_directly(void *context, uint32_t number, const bench_event *events, size_t count)
{
    const direct *to = context;

    (void)number;
    to->system->append(to->handle, events, count);
}

static void run_append(const bench_run *run, bench_result *ret_result)
{
    const bench_workload *workload = run->workload;
    const bench_system *system = run->system;
    direct to = {.system = system};

    if (workload->durability == BENCH_FULL) {
        bench_histogram *times = bench_allocate(sizeof *times);
        ret_result->flushes =
            bench_floor_flushes(run->seconds < 2 * FLUSH_SECONDS_MAX ? run->seconds / 2
                                                                     : FLUSH_SECONDS_MAX,
                                times);
        ret_result->flush_p50_us = bench_percentile_us(times, 0.50);
        ret_result->flush_p99_us = bench_percentile_us(times, 0.99);
        free(times);
    }
    to.handle = system->open(run->folder, workload->durability);
    if (workload->kind == BENCH_ASYNC && system->run_async) {
        system->run_async(run, to.handle, ret_result);
    } else if (workload->kind == BENCH_ASYNC) {
        bench_run_queue_async(run, to.handle, ret_result);
    } else if (workload->writers > 1 && !system->is_concurrent) {
        bench_run_queue(run, to.handle, ret_result);
    } else {
        bench_run_writers(run, append_directly, &to, ret_result);
    }
    system->close(to.handle);
}

/* ---- Reads */

uint32_t bench_long_streams(void)
{
    const uint64_t count = bench_set.events / LONG_EVERY / BENCH_LONG_EVENTS;

    return count < 1 ? 1 : count > BENCH_LONG_MAX ? BENCH_LONG_MAX : (uint32_t)count;
}

/* The long streams take turns, so that one of a hundred has its events ten thousand apart. */
void bench_prepare_reads(const bench_run *run, bench_result *ret_result)
{
    int64_t *revisions = bench_revisions_new();
    const uint32_t long_streams = bench_long_streams();
    bench_set.is_compressing = bench_is_compressed(run->workload);
    void *handle = run->system->open(run->folder, BENCH_OS);
    bench_event events[LOAD_BATCH];
    uint64_t long_count = 0;
    bench_source source;

    bench_source_init(&source, revisions, 0, 1);
    source.is_fresh = bench_is_compressed(run->workload);
    while (source.made < bench_set.events) {
        const uint64_t missing = bench_set.events - source.made;
        const size_t count = missing < LOAD_BATCH ? (size_t)missing : LOAD_BATCH;
        size_t filled = 0;
        while (filled < LOAD_LONG && filled < count &&
               long_count < long_streams * BENCH_LONG_EVENTS) {
            bench_source_for(&source, BENCH_STREAMS + (uint32_t)(long_count++ % long_streams),
                             &events[filled++]);
        }
        bench_source_batch(&source, &events[filled], count - filled);
        /* How Stele stores an event depends on its commit, which is one event in W. */
        const size_t step = run->system == &bench_stele ? 1 : count;
        for (size_t i = 0; i < count; i += step) {
            run->system->append(handle, &events[i], step);
        }
    }
    if (run->system->settle) {
        run->system->settle(handle);
    }
    run->system->close(handle);
    free(revisions);
    ret_result->bytes_per_event =
        bench_folder_bytes(run->system, run->folder) / (double)bench_set.events;
}

uint64_t bench_read_once(const bench_run *run, void *handle, uint64_t *random)
{
    const uint32_t long_streams = bench_long_streams();
    uint64_t events;

    switch (run->workload->kind) {
    case BENCH_REPLAY:
        events = run->system->replay(handle);
        if (events != bench_set.events) {
            bench_die("%s: a replay saw %llu events", run->system->name,
                      (unsigned long long)events);
        }
        return events;
    case BENCH_STREAM:
        events = run->system->read_stream(handle,
                                          BENCH_STREAMS +
                                              (uint32_t)bench_random_below(random, long_streams));
        if (events != BENCH_LONG_EVENTS) {
            bench_die("%s: a stream had %llu events", run->system->name,
                      (unsigned long long)events);
        }
        return events;
    default:
        events =
            run->system->read_last(handle, (uint32_t)bench_random_below(random, BENCH_STREAMS));
        if (events == 0 || events > BENCH_LAST_COUNT) {
            bench_die("%s: the last 10 were %llu", run->system->name, (unsigned long long)events);
        }
        return 1;
    }
}

static void run_read(const bench_run *run, bench_result *ret_result)
{
    void *handle = run->system->open(run->prepared, BENCH_OS);
    bench_histogram *times = bench_allocate(sizeof *times);
    uint64_t random = 815;
    uint64_t events = 0;
    uint64_t all = 0;
    double cpu = bench_cpu_seconds();

    /* Once everything, so that all of it is in memory and, where reads are by mapping, mapped. */
    (void)run->system->replay(handle);
    const bench_window window = bench_window_open(run->seconds);
    int64_t before = bench_now();
    int64_t counted = 0;
    /* One pass at least, however long it takes. */
    cpu = bench_cpu_seconds();
    while (before < window.end || times->total == 0) {
        const uint64_t got = bench_read_once(run, handle, &random);
        const int64_t after = bench_now();
        all += got;
        if (before >= window.start) {
            bench_note(times, after - before);
            events += got;
            counted += after - before;
        }
        before = after;
    }
    bench_finish(times, 1, run->seconds, ret_result);
    ret_result->per_second = (double)events / ((double)counted / 1e9);
    ret_result->cpu_us = (bench_cpu_seconds() - cpu) * 1e6 / (double)all;
    ret_result->rss_bytes = bench_private_bytes();
    run->system->close(handle);
    free(times);
}

/* ---- All of them */

void bench_run_workload(const bench_run *run, bench_result *ret_result)
{
    switch (run->workload->kind) {
    case BENCH_APPEND:
    case BENCH_ASYNC:
        run_append(run, ret_result);
        break;
    case BENCH_REPLAY:
    case BENCH_STREAM:
    case BENCH_LAST:
        run_read(run, ret_result);
        break;
    case BENCH_DCB:
        bench_run_dcb(run, ret_result);
        break;
    case BENCH_DCB_HOT:
        bench_run_dcb_hot(run, ret_result);
        break;
    case BENCH_SUSTAINED:
        bench_run_sustained(run, ret_result);
        break;
    case BENCH_SIZE:
        bench_run_size(run, ret_result);
        break;
    case BENCH_MEMORY:
        bench_run_memory(run, ret_result);
        break;
    }
}

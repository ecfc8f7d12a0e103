/* SPDX-License-Identifier: Apache-2.0 */
/* Stele, used as any program uses it: by its public functions, with the defaults. */
#include "bench.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ASYNC_MAX 1024

static void check(stele_status status, const stele_error *error)
{
    if (status != STELE_OK) {
        bench_die("stele: %s%s%s", error->message, error->hint[0] ? "; " : "", error->hint);
    }
}

stele_store *bench_stele_open(const char *folder, bench_durability durability)
{
    const stele_options options = {.durability = durability == BENCH_FULL ? STELE_DURABLE_FULL
                                                 : durability == BENCH_OS ? STELE_DURABLE_OS
                                                                          : STELE_DURABLE_NONE,
                                   /* Who counts steps wants the same ones each time. */
                                   .background =
                                       bench_set.steps > 0 ? STELE_NO_THREADS : STELE_THREADS,
                                   .compression = bench_set.is_compressing ? STELE_COMPRESS_FAST
                                                                           : STELE_NO_COMPRESSION};
    stele_store *store;
    stele_error error;

    check(stele_open(folder, &options, &store, &error), &error);
    return store;
}

void bench_stele_close(stele_store *store)
{
    stele_error error;

    check(stele_close(store, &error), &error);
}

stele_info bench_stele_describe(stele_store *store)
{
    stele_info info;
    stele_error error;

    check(stele_describe(store, &info, &error), &error);
    return info;
}

/* Every index file that was ever begun has a number of its own: what is not a seal was a merge. */
bench_upkeep bench_stele_upkeep(const char *folder)
{
    bench_upkeep upkeep = {0};
    char path[4096];
    char line[512];
    unsigned long long next = 1;

    bench_join(path, sizeof path, folder, "manifest");
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file)) {
        upkeep.seals += strncmp(line, "segment ", 8) == 0;
        (void)sscanf(line, "next-index %llu", &next);
        if (strncmp(line, "crc ", 4) == 0) {
            break; /* the second half says the same */
        }
    }
    if (file) {
        (void)fclose(file);
    }
    upkeep.merges = next - 1 > upkeep.seals ? next - 1 - upkeep.seals : 0;
    return upkeep;
}

void bench_stele_event(const bench_event *event, stele_event *ret_event)
{
    *ret_event = (stele_event){
        .id = event->id,
        .type = BENCH_TYPE,
        .stream = bench_stream_name(event->stream),
        .data_format = STELE_JSON,
        .metadata_format = STELE_JSON,
        .data = {(const uint8_t *)event->data, BENCH_DATA_SIZE},
        .metadata = {(const uint8_t *)event->metadata, BENCH_METADATA_SIZE},
    };
}

static void *open_store(const char *folder, bench_durability durability)
{
    return bench_stele_open(folder, durability);
}

static void close_store(void *handle)
{
    bench_stele_close(handle);
}

static void append_many(stele_store *store, const bench_event *events, size_t count)
{
    stele_event given[BENCH_BATCH_MAX];
    stele_check checks[BENCH_BATCH_MAX];
    const stele_commit commit = {.events = given,
                                 .event_count = count,
                                 .checks = checks,
                                 .check_count = count};
    stele_error error;

    for (size_t i = 0; i < count; i++) {
        bench_stele_event(&events[i], &given[i]);
        checks[i] = (stele_check){given[i].stream, events[i].expected};
    }
    check(stele_append_commit(store, &commit, NULL, NULL, &error), &error);
}

static void append(void *handle, const bench_event *events, size_t count)
{
    stele_event event;
    stele_error error;

    if (count > 1) {
        append_many(handle, events, count);
        return;
    }
    bench_stele_event(&events[0], &event);
    check(stele_append(handle, event.stream, events[0].expected, &event, 1, NULL, NULL, &error),
          &error);
}

/* ---- Reading */

uint64_t bench_stele_read(stele_store *store, const stele_read *read)
{
    const stele_record *record;
    stele_cursor *cursor;
    stele_error error;
    uint64_t count = 0;

    check(stele_read_open(store, read, &cursor, &error), &error);
    while ((record = stele_cursor_next(cursor, &error))) {
        bench_seen += bench_look(record->data.data, record->data.size);
        count++;
    }
    check(error.status, &error);
    stele_cursor_free(cursor);
    return count;
}

static uint64_t replay(void *handle)
{
    return bench_stele_read(handle, &(stele_read){0});
}

static uint64_t read_stream(void *handle, uint32_t stream)
{
    return bench_stele_read(handle, &(stele_read){.stream = bench_stream_name(stream)});
}

static uint64_t read_last(void *handle, uint32_t stream)
{
    return bench_stele_read(handle, &(stele_read){.stream = bench_stream_name(stream),
                                                  .direction = STELE_BACKWARDS,
                                                  .limit = BENCH_LAST_COUNT});
}

/* ---- Many commits in flight from one thread */

struct async;

typedef struct async_slot {
    struct async *async;
    int64_t start;
    struct async_slot *next_free;
} async_slot;

typedef struct async {
    pthread_mutex_t lock;
    pthread_cond_t some_free;
    _Atomic(async_slot *) completed; /* by completions, which run on another thread */
    atomic_bool is_waiting;
    bench_window window;
    bench_histogram times; /* of completions, which are called one after the other */
    async_slot slots[ASYNC_MAX];
} async;

static void complete(void *context, stele_status status, const stele_receipt *receipt,
                     const stele_error *error)
{
    async_slot *slot = context;
    async *all = slot->async;
    const int64_t now = bench_now();

    (void)receipt;
    if (status != STELE_OK) {
        bench_die("stele: %s", error ? error->message : stele_status_name(status));
    }
    if (slot->start >= all->window.start && now <= all->window.end) {
        bench_note(&all->times, now - slot->start);
    }
    slot->next_free = atomic_load(&all->completed);
    while (!atomic_compare_exchange_weak(&all->completed, &slot->next_free, slot)) {
    }
    /* Who waits says so before it looks a last time. */
    if (atomic_load(&all->is_waiting)) {
        (void)pthread_mutex_lock(&all->lock);
        (void)pthread_cond_signal(&all->some_free);
        (void)pthread_mutex_unlock(&all->lock);
    }
}

/* All slots that were completed meanwhile, at least one. */
static async_slot *take_completed(async *all)
{
    async_slot *slots = atomic_exchange(&all->completed, NULL);

    if (slots) {
        return slots;
    }
    (void)pthread_mutex_lock(&all->lock);
    atomic_store(&all->is_waiting, true);
    while (!(slots = atomic_exchange(&all->completed, NULL))) {
        (void)pthread_cond_wait(&all->some_free, &all->lock);
    }
    atomic_store(&all->is_waiting, false);
    (void)pthread_mutex_unlock(&all->lock);
    return slots;
}

static void submit(stele_store *store, bench_source *source, async_slot *slot)
{
    bench_event made;
    stele_event event;
    stele_error error;

    bench_source_next(source, &made);
    bench_stele_event(&made, &event);
    const stele_check expected = {event.stream, made.expected};
    const stele_commit commit = {.events = &event,
                                 .event_count = 1,
                                 .checks = &expected,
                                 .check_count = 1};
    slot->start = bench_now();
    check(stele_submit(store, &commit, complete, slot, &error), &error);
}

static void run_async(const bench_run *run, void *handle, bench_result *ret_result)
{
    async *all = bench_allocate(sizeof *all);
    int64_t *revisions = bench_revisions_new();
    const double cpu = bench_cpu_seconds();
    bench_source source;
    stele_error error;

    (void)pthread_mutex_init(&all->lock, NULL);
    (void)pthread_cond_init(&all->some_free, NULL);
    for (uint32_t i = 0; i < run->workload->writers; i++) {
        all->slots[i].async = all;
        all->slots[i].next_free = atomic_load(&all->completed);
        atomic_store(&all->completed, &all->slots[i]);
    }
    bench_source_init(&source, revisions, 0, 1);
    all->window = bench_window_open(run->seconds);
    while (bench_now() < all->window.end) {
        for (async_slot *slot = take_completed(all), *next; slot; slot = next) {
            next = slot->next_free;
            submit(handle, &source, slot);
        }
    }
    check(stele_sync(handle, &error), &error);
    bench_finish(&all->times, 1, run->seconds, ret_result);
    ret_result->cpu_us = (bench_cpu_seconds() - cpu) * 1e6 / (double)source.made;
    ret_result->rss_bytes = bench_private_bytes();
    /* The completions have all been called when the store is closed; only then may these go. */
    free(revisions);
}

const bench_system bench_stele = {
    .name = "stele",
    .open = open_store,
    .close = close_store,
    .append = append,
    .replay = replay,
    .read_stream = read_stream,
    .read_last = read_last,
    .run_async = run_async,
    .is_concurrent = true,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* Runs that are no loop of appends or reads: bytes on disk, bytes in memory. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>

/* The first segments of a store are small and are sealed; so many events fill them. */
#define MEMORY_WARM_UP 1900000
#define MEMORY_EVENTS 1000000

/* ---- Size and memory */

/* The store that the reads use was filled and closed before. */
void bench_run_size(const bench_run *run, bench_result *ret_result)
{
    ret_result->bytes_per_event =
        bench_folder_bytes(run->system, run->prepared) / (double)bench_set.events;
}

static stele_store *open_large(const char *folder)
{
    /* Large enough that nothing is sealed while it is measured. */
    const stele_options options = {.durability = STELE_DURABLE_OS,
                                   .segment_bytes = (size_t)512 << 20,
                                   .memory_bytes = (size_t)1 << 30};
    stele_store *store;
    stele_error error;

    if (stele_open(folder, &options, &store, &error) != STELE_OK) {
        bench_die("stele: %s", error.message);
    }
    return store;
}

static void append_some(const bench_system *system, void *handle, uint64_t count)
{
    int64_t *revisions = bench_revisions_new();
    bench_source source;
    bench_event event;

    bench_source_init(&source, revisions, 0, 1);
    for (uint64_t i = 0; i < count; i++) {
        bench_source_next(&source, &event);
        if (system == &bench_stele) {
            event.expected = STELE_ANY; /* the streams may have events from before */
        }
        system->append(handle, &event, 1);
    }
    free(revisions);
}

/* A new store begins with small segments; here the large ones begin. It also fills the window of
 * ids. In a process of its own, as what it frees would serve the measurement. */
static void grow_segments(const bench_run *run, bench_result *ret_result)
{
    stele_store *store = open_large(run->folder);

    (void)ret_result;
    append_some(&bench_stele, store, MEMORY_WARM_UP);
    bench_stele_close(store);
}

/* Two figures: the private memory of the process, and what the store counts itself, each over what
 * it was without these events. Streams and names are shared by many events, as they are in W. */
void bench_run_memory(const bench_run *run, bench_result *ret_result)
{
    const bool is_stele = run->system == &bench_stele;
    bench_result ignored;

    if (is_stele && !bench_in_child(grow_segments, run, &ignored)) {
        bench_die("cannot fill a store");
    }
    void *handle = is_stele ? open_large(run->folder) : run->system->open(run->folder, BENCH_OS);
    const double counted = is_stele ? (double)bench_stele_describe(handle).memory_bytes : 0;
    const double before = bench_private_bytes();
    append_some(run->system, handle, MEMORY_EVENTS);
    ret_result->rss_bytes = bench_private_bytes();
    ret_result->bytes_per_event = (ret_result->rss_bytes - before) / MEMORY_EVENTS;
    if (is_stele) {
        const stele_info info = bench_stele_describe(handle);
        (void)snprintf(ret_result->note, sizeof ret_result->note,
                       "%llu of %d events unsealed; the store counts %.1f bytes each",
                       (unsigned long long)info.unsealed_events, MEMORY_EVENTS,
                       ((double)info.memory_bytes - counted) / MEMORY_EVENTS);
    }
    run->system->close(handle);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The benchmark. It runs one workload (W, see workload.c) against Stele, against two floors and
 * against the stores that somebody would pick instead, all in one go and in rounds, so that a ratio
 * compares what ran within the same seconds of the same machine.
 *
 * A *system* is what is measured: a table of functions (bench_system). A *workload* is one row of
 * the result (bench_workload). One measurement, a *run*, is one workload on one system in one
 * round, and has a process of its own: what a run leaves behind in memory, threads or open files
 * ends with it. What cannot go on says so and ends the process (bench_die): a benchmark that
 * recovers from errors measures them.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stele/stele.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_STREAMS 10000    /* account-0 … account-9999 */
#define BENCH_LONG_EVENTS 1000 /* of each stream ledger-<n>, which only reads use */
#define BENCH_LONG_MAX 1000    /* … of which there are at most so many */
#define BENCH_BATCH_MAX 1024   /* events in one transaction */
#define BENCH_WRITERS_MAX 64
#define BENCH_ACCOUNTS 10000
#define BENCH_OWNERS 1000
#define BENCH_TYPE "MoneyDeposited"
#define BENCH_DATA_SIZE 200
#define BENCH_METADATA_SIZE 40
#define BENCH_LAST_COUNT 10

/* ---- Workload W: workload.c */

/* An event of W in no system's form. */
typedef struct bench_event {
    stele_uuid id;
    uint32_t stream;  /* index for bench_stream_name() */
    int64_t expected; /* the last revision of its stream, -1: it has none */
    const char *data; /* BENCH_DATA_SIZE bytes */
    const char *metadata;
} bench_event;

/* Where events come from. Confined to one thread; several may share `revisions` if they own
 * different streams. */
typedef struct bench_source {
    uint64_t random;
    uint64_t made;
    int64_t *revisions;    /* BENCH_STREAMS + BENCH_LONG_MAX of them */
    uint32_t stream_first; /* appends go to streams first, first + step, … */
    uint32_t stream_step;
    uint32_t stream_count;
    uint32_t run;  /* distinguishes the ids of sources */
    bool is_fresh; /* no payload comes twice; one source may have this */
} bench_source;

void bench_workload_init(void);
int64_t *bench_revisions_new(void);
void bench_source_init(bench_source *source, int64_t *revisions, uint32_t writer, uint32_t writers);
uint64_t bench_random_below(uint64_t *state, uint64_t bound);
/* The next event, for a random stream of the source; its revision is counted at once. */
void bench_source_next(bench_source *source, bench_event *ret_event);
/* `count` events of as many different streams. */
void bench_source_batch(bench_source *source, bench_event *ret_events, size_t count);
/* An event for the given stream. */
void bench_source_for(bench_source *source, uint32_t stream, bench_event *ret_event);
/* The data and metadata that belong to a random number. */
void bench_payload(uint64_t random, bench_event *event);
/* "account-<n>" for any n; answers its size without the NUL. */
#define BENCH_NAME_SIZE 24
size_t bench_account_name(uint32_t stream, char ret_name[BENCH_NAME_SIZE]);
/* Streams from BENCH_STREAMS on are the long ones. */
const char *bench_stream_name(uint32_t stream);
size_t bench_stream_name_size(uint32_t stream);

/* ---- A history that can be compared: model.c */

/* From event number `first` on, events go to streams account-0 … account-<streams - 1>. */
typedef struct bench_phase {
    uint64_t first;
    uint32_t streams;
} bench_phase;

#define BENCH_PHASES_MAX 16
typedef struct bench_model {
    bench_phase phases[BENCH_PHASES_MAX];
    size_t phase_count;
    uint32_t stream_count;
    uint32_t *counts; /* events of each stream; shared with child processes */
} bench_model;

/* One event of the history, for a read that is compared. */
typedef struct bench_sample {
    uint64_t number;
    uint32_t stream;
    uint32_t revision;
} bench_sample;

void bench_model_init(bench_model *model, uint32_t streams);
void bench_model_done(bench_model *model);
/* Phases are added in the order of their first events. */
void bench_model_phase(bench_model *model, uint64_t first, uint32_t streams);
uint32_t bench_model_stream(const bench_model *model, uint64_t number);
/* Event `number`, which has position number + 1, but for its expected revision. */
void bench_model_event(const bench_model *model, uint64_t number, bench_event *ret_event);
/* The same with its expected revision, and counts it. Numbers ascend from call to call. */
void bench_model_next(bench_model *model, uint64_t number, bench_event *ret_event);
/* At most `count` of the first `events` events, in order. The array is the caller's to free. */
size_t bench_model_sample(const bench_model *model, uint64_t events, size_t count,
                          bench_sample **ret_samples);
/* Ends the process unless the record is this event. */
void bench_model_compare(const bench_model *model, const stele_record *record, uint64_t number,
                         uint64_t revision);
/* Reads one event by stream and revision, and compares it. */
void bench_model_read(const bench_model *model, stele_store *store, const bench_sample *sample);
/* Compares the head and a sample of reads; answers how many. */
uint64_t bench_model_check(const bench_model *model, stele_store *store, uint64_t events,
                           size_t count);
void bench_model_verify(stele_store *store, uint64_t events);

/* ---- Systems */

typedef enum bench_durability { BENCH_FULL, BENCH_OS, BENCH_NONE } bench_durability;

struct bench_run;
struct bench_result;

typedef struct bench_system {
    const char *name;             /* in the JSON */
    const char *(*version)(void); /* of the library; NULL: it is ours */
    void *(*open)(const char *folder, bench_durability durability);
    void (*close)(void *handle);
    /* Appends `count` events in one transaction, checking each expectation. Any thread, one at a
     * time unless is_concurrent. */
    void (*append)(void *handle, const bench_event *events, size_t count);
    /* What is done once to a store that will be read, after it was filled; NULL: nothing. */
    void (*settle)(void *handle);
    /* These look at every byte that a reader would (bench_look) and answer how many events they
     * saw. */
    uint64_t (*replay)(void *handle);
    uint64_t (*read_stream)(void *handle, uint32_t stream);
    uint64_t (*read_last)(void *handle, uint32_t stream);
    bool (*is_overhead)(const char *file); /* a file that is not counted as data; NULL: none is */
    /* Its own way of having many commits in flight; NULL: the queue of queue.c. */
    void (*run_async)(const struct bench_run *run, void *handle, struct bench_result *ret_result);
    bool is_concurrent; /* many threads may append at once, and share flushes; else queue.c does
                           that */
} bench_system;

extern const bench_system bench_stele;
extern const bench_system bench_rawlog;
extern const bench_system bench_sqlite;
extern const bench_system bench_lmdb;
extern const bench_system bench_rocksdb;
extern const bench_system bench_wiredtiger;

/* What a reader does with an event: it looks at it. */
extern volatile uint64_t bench_seen;
static inline uint64_t bench_look(const void *data, size_t size)
{
    const unsigned char *bytes = data;
    return size > 0 ? (uint64_t)size + bytes[0] + bytes[size - 1] : 0;
}

/* Systems that this program was built with, Stele first, then rawlog. */
#define BENCH_SYSTEMS_MAX 6
extern const bench_system *const bench_systems[];
extern const size_t bench_system_count;
/* NULL, or a sentence naming the peers that are missing and how to install them. */
const char *bench_missing_peers(void);

/* ---- Workloads: what is run */

typedef enum bench_kind {
    BENCH_APPEND, /* `writers` threads, each its own commit, `batch` events a commit */
    BENCH_ASYNC,  /* one thread with `writers` commits in flight */
    BENCH_REPLAY,
    BENCH_STREAM,
    BENCH_LAST,
    BENCH_DCB, /* `events` events of history */
    BENCH_DCB_HOT,
    BENCH_SUSTAINED, /* a minute of single appends, then everything is compared */
    BENCH_SIZE,      /* bytes on disk per event */
    BENCH_MEMORY     /* memory per unsealed event */
} bench_kind;

typedef enum bench_floor { BENCH_NO_FLOOR, BENCH_BY_F, BENCH_BY_R, BENCH_BY_OS } bench_floor;

typedef struct bench_workload {
    const char *name;
    bench_kind kind;
    bench_durability durability;
    uint32_t writers;
    uint32_t batch;
    uint64_t events;
    bench_floor floor;  /* what the bar is a multiple of */
    double bar;         /* 0: none */
    bool is_only_full;  /* only in `bench full` */
    bool is_only_stele; /* and the floors */
} bench_workload;

extern const bench_workload bench_workloads[];
extern const size_t bench_workload_count;
/* Whether it is of a store with compressed segments, which only Stele has. */
bool bench_is_compressed(const bench_workload *workload);

typedef struct bench_settings {
    bool is_full;
    bool is_json;
    unsigned rounds;
    double seconds;       /* of one run */
    uint64_t events;      /* in the stores that are read */
    uint64_t history_max; /* of append-dcb-<n> */
    const char *folder;
    const char *out;     /* where lines, tables and plots go; NULL: nowhere */
    const char *only;    /* workloads whose name contains this; NULL: all */
    const char *systems; /* comma-separated; NULL: all */
    uint64_t steps;      /* 0: measure */
    uint64_t streams;    /* of the scale run */
    bool is_scale;
    bool is_compressing; /* Stele's stores are opened with compression: in the process of a run */
} bench_settings;

extern bench_settings bench_set;

/* ---- Results */

#define BENCH_STEPS 32
#define BENCH_BUCKETS ((size_t)(60 * BENCH_STEPS))

/* Times in ns, in buckets 3 % wide. */
typedef struct bench_histogram {
    uint64_t counts[BENCH_BUCKETS];
    uint64_t total;
} bench_histogram;

void bench_note(bench_histogram *histogram, int64_t nanoseconds);
void bench_merge(bench_histogram *into, const bench_histogram *from);
double bench_percentile_us(const bench_histogram *histogram, double part);

/* The outcome of one run; what does not apply is 0. */
typedef struct bench_result {
    double per_second; /* events; reads of read-last-10 */
    double p50_us;
    double p99_us;
    double bytes_per_event; /* on disk; of the memory workloads: in memory */
    double rss_bytes;       /* private memory of the process at the end of the run */
    double flushes;         /* F: fdatasync calls a second, measured right before the run */
    double flush_p50_us;
    double flush_p99_us;
    double cpu_us;             /* processor time per event */
    double other_p99_us;       /* append-dcb-hot: of the other writer */
    double other_plain_p99_us; /* … and when the first writer appends plainly */
    char note[160];            /* for people */
} bench_result;

/* ---- Running: run.c, child.c */

typedef struct bench_run {
    const bench_workload *workload;
    const bench_system *system;
    const char *folder;   /* of this run, empty at first */
    const char *prepared; /* the store to read */
    double seconds;
} bench_run;

/* Runs `body` in a process of its own; false: it failed, and said why. */
bool bench_in_child(void (*body)(const bench_run *run, bench_result *ret_result),
                    const bench_run *run, bench_result *ret_result);
void bench_run_workload(const bench_run *run, bench_result *ret_result);
/* Fills an empty folder with the events that reads are measured on. */
void bench_prepare_reads(const bench_run *run, bench_result *ret_result);
void bench_prepare_history(const bench_run *run, bench_result *ret_result);
/* One operation of a reading workload; answers its events, or reads of read-last-10. */
uint64_t bench_read_once(const bench_run *run, void *handle, uint64_t *random);
/* So many operations on Stele, here and now: steps.c. */
void bench_run_steps(const bench_run *run, uint64_t count);
uint32_t bench_long_streams(void); /* how many of them were filled */

/* What is measured lies between two moments; what comes before warms up. */
typedef struct bench_window {
    int64_t start;
    int64_t end;
} bench_window;

bench_window bench_window_open(double seconds);
/* A closed loop of workload->writers threads that each append workload->batch events a time. */
typedef void (*bench_append)(void *context, uint32_t writer, const bench_event *events,
                             size_t count);
void bench_run_writers(const bench_run *run, bench_append append, void *context,
                       bench_result *ret_result);
void bench_finish(const bench_histogram *times, double per_operation, double seconds,
                  bench_result *ret_result);

/* Many writers, or many commits in flight, on a system with one committing thread: queue.c. */
void bench_run_queue(const bench_run *run, void *handle, bench_result *ret_result);
void bench_run_queue_async(const bench_run *run, void *handle, bench_result *ret_result);

/* What only Stele does: stele.c, dcb.c, special.c. */
stele_store *bench_stele_open(const char *folder, bench_durability durability);
void bench_stele_close(stele_store *store);
/* Reads to the end, looking at the data; answers how many events there were. */
uint64_t bench_stele_read(stele_store *store, const stele_read *read);
void bench_stele_event(const bench_event *event, stele_event *ret_event);
void bench_run_dcb(const bench_run *run, bench_result *ret_result);
/* So many conditional appends on an empty store, for counting: steps.c. */
void bench_dcb_steps(const bench_run *run, uint64_t count);
void bench_run_dcb_hot(const bench_run *run, bench_result *ret_result);
void bench_run_sustained(const bench_run *run, bench_result *ret_result);
void bench_run_memory(const bench_run *run, bench_result *ret_result);
void bench_run_size(const bench_run *run, bench_result *ret_result);
stele_info bench_stele_describe(stele_store *store);
/* What the manifest of a store says was done in it. */
typedef struct bench_upkeep {
    uint64_t seals;
    uint64_t merges;
} bench_upkeep;
bench_upkeep bench_stele_upkeep(const char *folder);

/* How long append-os-sustained lasts. */
double bench_sustained_seconds(void);

/* 100 million events: scale.c. Fails if a bar is not met, but not on fewer events. */
#define BENCH_SCALE_EVENTS 100000000
int bench_run_scale(const char *root, uint64_t events, uint64_t streams);

/* Floors: floor.c. */
void bench_floor_prepare(const char *folder);
/* The file is written once and used again. */
/* fdatasync calls a second of 512 bytes each over the blocks that bench_floor_prepare() wrote. */
double bench_floor_flushes(double seconds, bench_histogram *ret_times);
/* write() calls a second of 512 bytes. */
double bench_floor_writes(const char *folder, double seconds);
/* Bytes a second of adding up a mapped file. */
double bench_floor_sum(const char *file, double seconds);

/* ---- What comes of it: output.c; results.h has the rest */

/* Creates the folder of bench_set.out, if one is wanted. */
void bench_output_begin(void);
/* Notes a result and what was measured beside it. */
void bench_record(const bench_workload *workload, const bench_system *system, unsigned round,
                  const bench_result *result);
/* The bare loop beside a run of rawlog: write() or, of its mapped file, adding up. */
void bench_record_bare(const bench_workload *workload, unsigned round, const bench_result *result);
/* Tables, plots, and where they are. */
void bench_output_end(void);

/* ---- Small things: files.c, child.c */

int64_t bench_now(void);
double bench_cpu_seconds(void);
/* Private memory of this process: anonymous pages. */
double bench_private_bytes(void);
_Noreturn void bench_die(const char *format, ...) STELE_PRINTF(1, 2);
void bench_remove(const char *folder);
void bench_copy(const char *from, const char *to);
/* Allocated bytes of the files in a folder that `system` counts. */
double bench_folder_bytes(const bench_system *system, const char *folder);
void *bench_allocate(size_t size); /* zeroed; never NULL */
void bench_join(char *ret_path, size_t size, const char *folder, const char *name);
void bench_make_folder(const char *folder);

#endif

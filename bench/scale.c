/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `bench scale`: what a store of a hundred million events in ten million streams costs, against the
 * same store when it had a million. One history (model.c) is written, measured, closed, killed,
 * read cold, stripped of its index files and written to again; each stage is a process of its own,
 * so that its memory and its caches are its own, and each compares what it reads with the model.
 *
 * The streams of the first million events are a hundredth of all, so that a stream has ten events
 * on average at both ends. Those that are measured, the warm ones, are ten thousand of them: at the
 * end they have twice as many events, most of them scattered over the whole log. Costs are
 * therefore given for an event.
 */
#define _GNU_SOURCE /* RUSAGE_THREAD */
#include "bench.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BYTES_PER_EVENT                                                                            \
    330.0              /* index files and their merging included; for the check of the disk */
#define FIRST_PART 100 /* the first measurement stands at events / FIRST_PART, … */
#define FIRST_EVENTS_MAX UINT64_C(1000000) /* … but at most here */
#define WARM_STREAMS 10000
#define PASSES 5
#define COLD_READS 300
#define COLD_WARM_UP 100
#define KILL_SECONDS 1.0
#define READS ((size_t)1000000)
#define TAG_SIZE 20

typedef enum operation { APPEND, READ_STREAM, READ_LAST, CONDITIONAL, OPERATIONS } operation;

static const char *const operation_names[OPERATIONS] = {"append", "stream read", "last-10 read",
                                                        "conditional append"};

/* What stages find out and hand on. In memory that all of them share. */
typedef struct shared_facts {
    uint64_t events; /* that there should be */
    double early_ns[OPERATIONS];
    double late_ns[OPERATIONS];
    double load_seconds;
    double memory_most;
    double open_seconds;
    double open_cold_seconds;
    double killed_open_seconds;
    _Atomic uint64_t acknowledged; /* by the process that is killed */
    double faults_over;            /* cold reads: the most disk reads beyond the events, … */
    double faults_mean;            /* … and their mean */
    uint64_t faults_failing;       /* reads with more than two */
    double bare_open_seconds;      /* without index files */
    double bare_append_seconds;
    double bare_rebuild_seconds;
    double bare_wait_ms; /* the longest of the first reads */
    uint64_t reads;
    uint64_t files;
} shared_facts;

typedef struct scale {
    bench_model model;
    shared_facts *facts;
    uint64_t total; /* events to load */
    uint32_t streams;
    uint32_t warm;
    char folder[1200];
    bool has_failed;
} scale;

static void check(stele_status status, const stele_error *error)
{
    if (status != STELE_OK) {
        bench_die("stele: %s%s%s", error->message, error->hint[0] ? "; " : "", error->hint);
    }
}

static double seconds_since(int64_t start)
{
    return (double)(bench_now() - start) / 1e9;
}

/* Runs a stage in a process of its own. */
static void run_stage(scale *state, void (*stage)(scale *state))
{
    int outcome = 0;
    (void)fflush(NULL);
    const pid_t child = fork();

    if (child < 0) {
        bench_die("cannot start a process: %s", strerror(errno));
    }
    if (child == 0) {
        stage(state);
        _exit(0);
    }
    while (waitpid(child, &outcome, 0) < 0 && errno == EINTR) {
    }
    if (!WIFEXITED(outcome) || WEXITSTATUS(outcome) != 0) {
        bench_die("a stage of the scale run failed; %s is left as it is", state->folder);
    }
}

/* ---- Memory */

typedef struct watch {
    pthread_t thread;
    _Atomic bool is_over;
    double most;
} watch;

static void *watch_main(void *context)
{
    watch *mine = context;

    while (!atomic_load(&mine->is_over)) {
        const struct timespec pause = {0, 20 * 1000 * 1000};
        const double now = bench_private_bytes();
        mine->most = now > mine->most ? now : mine->most;
        (void)nanosleep(&pause, NULL);
    }
    return NULL;
}

static void watch_begin(watch *mine)
{
    *mine = (watch){.most = 0};
    if (pthread_create(&mine->thread, NULL, watch_main, mine) != 0) {
        bench_die("cannot start a thread");
    }
}

static void watch_end(watch *mine, scale *state)
{
    atomic_store(&mine->is_over, true);
    (void)pthread_join(mine->thread, NULL);
    if (mine->most > state->facts->memory_most) {
        state->facts->memory_most = mine->most;
    }
}

/* ---- Events */

/* Number `facts->events` of the history; the name must outlive the event. */
static void next_event(scale *state, char name[BENCH_NAME_SIZE], stele_event *ret_event,
                       int64_t *ret_expected)
{
    bench_event made;

    bench_model_next(&state->model, state->facts->events++, &made);
    (void)bench_account_name(made.stream, name);
    *ret_event = (stele_event){
        .id = made.id,
        .type = BENCH_TYPE,
        .stream = name,
        .data_format = STELE_JSON,
        .metadata_format = STELE_JSON,
        .data = {(const uint8_t *)made.data, BENCH_DATA_SIZE},
        .metadata = {(const uint8_t *)made.metadata, BENCH_METADATA_SIZE},
    };
    *ret_expected = made.expected;
}

static void append_next(scale *state, stele_store *store)
{
    char name[BENCH_NAME_SIZE];
    stele_event event;
    stele_error error;
    int64_t expected;

    next_event(state, name, &event, &expected);
    check(stele_append(store, event.stream, expected, &event, 1, NULL, NULL, &error), &error);
}

static void load_to(scale *state, stele_store *store, uint64_t events)
{
    const bool is_shown = isatty(STDERR_FILENO);
    const int64_t start = bench_now();

    while (state->facts->events < events) {
        if (is_shown && state->facts->events % 500000 == 0) {
            (void)fprintf(stderr, "\r\033[K%llu M events",
                          (unsigned long long)(state->facts->events / 1000000));
        }
        append_next(state, store);
    }
    state->facts->load_seconds += seconds_since(start);
    if (is_shown) {
        (void)fputs("\r\033[K", stderr);
    }
}

/* ---- The four operations on warm streams */

/* A condition on two tags of which no event stands behind the head, as in dcb.c. */
static void append_conditionally(scale *state, stele_store *store, uint64_t number)
{
    char account[TAG_SIZE];
    char owner[TAG_SIZE];
    char name[BENCH_NAME_SIZE];
    const char *const tags[2] = {account, owner};
    stele_event event;
    stele_error error;
    int64_t expected;

    const stele_position head = state->facts->events;
    (void)snprintf(account, sizeof account, "account:%u", (unsigned)(number % BENCH_ACCOUNTS));
    (void)snprintf(owner, sizeof owner, "owner:%u", (unsigned)(number % BENCH_OWNERS));
    next_event(state, name, &event, &expected);
    event.tags = tags;
    event.tag_count = 2;
    const stele_query query = stele_query_of(stele_any_type(), ((stele_names){tags, 2}));
    const stele_condition condition = {&query, head};
    const stele_append_options options = {.conditions = &condition, .condition_count = 1};
    check(stele_append(store, event.stream, expected, &event, 1, &options, NULL, &error), &error);
}

/* Answers how many events were seen. */
static uint64_t read_warm(stele_store *store, uint32_t stream, bool is_last)
{
    char name[BENCH_NAME_SIZE];
    const stele_read read = {.stream = name,
                             .direction = is_last ? STELE_BACKWARDS : STELE_FORWARDS,
                             .limit = is_last ? BENCH_LAST_COUNT : 0};

    (void)bench_account_name(stream, name);
    return bench_stele_read(store, &read);
}

/* One pass of an operation over as many streams as are warm, at random, or one after the other (to
 * make them so: `random` is NULL); answers what it did. */
static uint64_t pass(scale *state, stele_store *store, operation what, uint64_t *random)
{
    uint64_t count = 0;

    for (uint32_t i = 0; i < state->warm; i++) {
        const uint32_t stream = random ? (uint32_t)bench_random_below(random, state->warm) : i;
        switch (what) {
        case APPEND:
            append_next(state, store);
            count++;
            break;
        case CONDITIONAL:
            append_conditionally(state, store, stream);
            count++;
            break;
        case READ_STREAM:
        case READ_LAST:
            /* A few of the warm streams may have no event yet in a small run. */
            if (state->model.counts[stream] > 0) {
                count += read_warm(store, stream, what == READ_LAST);
            }
            break;
        default:
            break;
        }
    }
    return count;
}

static int compare_costs(const void *a, const void *b)
{
    const double left = *(const double *)a;
    const double right = *(const double *)b;

    return left < right ? -1 : left > right;
}

/* Nanoseconds for an append or an event read: the median of the passes behind one that warms up. */
static void measure_warm(scale *state, stele_store *store, double ret_ns[OPERATIONS])
{
    uint64_t random = 4711;

    /* From here on events go to the warm streams. */
    bench_model_phase(&state->model, state->facts->events, state->warm);
    for (operation what = 0; what < OPERATIONS; what++) {
        double costs[PASSES];
        (void)pass(state, store, what, NULL);
        for (unsigned i = 0; i < PASSES; i++) {
            const int64_t start = bench_now();
            const uint64_t count = pass(state, store, what, &random);
            costs[i] = (double)(bench_now() - start) / (double)(count ? count : 1);
        }
        qsort(costs, PASSES, sizeof *costs, compare_costs);
        ret_ns[what] = costs[PASSES / 2];
    }
}

/* Waits until nothing is sealed or merged any more: what is measured is the store, not that. */
static void wait_for_upkeep(scale *state)
{
    for (bench_upkeep before = {UINT64_MAX, 0};;) {
        const struct timespec pause = {1, 0};
        const bench_upkeep now = bench_stele_upkeep(state->folder);
        const double cpu = bench_cpu_seconds();
        (void)nanosleep(&pause, NULL);
        if (now.seals == before.seals && now.merges == before.merges &&
            bench_cpu_seconds() - cpu < 0.1) {
            return;
        }
        before = now;
    }
}

/* ---- Stages */

/* The history goes on as a phase of its own; phases are made here, so that all stages know them. */
static void load(scale *state, uint64_t events, double ret_ns[OPERATIONS])
{
    stele_store *store = bench_stele_open(state->folder, BENCH_OS);
    watch memory;

    watch_begin(&memory);
    load_to(state, store, events);
    wait_for_upkeep(state);
    measure_warm(state, store, ret_ns);
    state->facts->files = bench_stele_describe(store).index_file_count;
    watch_end(&memory, state);
    bench_stele_close(store);
}

static uint64_t first_events(const scale *state)
{
    const uint64_t part = state->total / FIRST_PART;

    return part < FIRST_EVENTS_MAX
               ? FIRST_EVENTS_MAX < state->total / 2 ? FIRST_EVENTS_MAX : state->total / 10
               : FIRST_EVENTS_MAX;
}

static void load_first(scale *state)
{
    load(state, first_events(state), state->facts->early_ns);
}

static void load_rest(scale *state)
{
    load(state, state->total, state->facts->late_ns);
}

static double time_open(const scale *state)
{
    const int64_t start = bench_now();
    stele_store *store = bench_stele_open(state->folder, BENCH_OS);
    const double seconds = seconds_since(start);

    bench_stele_close(store);
    return seconds;
}

/* What is in the page cache of the store's files goes, as far as the system can be asked. */
static void drop_caches(const scale *state)
{
    DIR *entries = opendir(state->folder);
    const struct dirent *entry;
    char path[1500];

    sync();
    while (entries && (entry = readdir(entries))) {
        bench_join(path, sizeof path, state->folder, entry->d_name);
        const int file = open(path, O_RDONLY | O_CLOEXEC);
        if (file >= 0) {
            (void)posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
            (void)close(file);
        }
    }
    if (entries) {
        (void)closedir(entries);
    }
}

static void open_closed(scale *state)
{
    state->facts->open_seconds = time_open(state);
    drop_caches(state);
    state->facts->open_cold_seconds = time_open(state);
}

static void append_until_killed(scale *state)
{
    stele_store *store = bench_stele_open(state->folder, BENCH_OS);
    /* Its own copy: what it counts last is not certain. */
    uint32_t *counts = bench_allocate(state->streams * sizeof *counts);
    shared_facts *facts = state->facts;
    shared_facts own = *facts;

    memcpy(counts, state->model.counts, state->streams * sizeof *counts);
    state->model.counts = counts;
    state->facts = &own;
    for (;;) {
        append_next(state, store);
        atomic_store(&facts->acknowledged, own.events);
    }
}

/* Kills a process that appends, and brings the model up to what it left. */
static void kill_and_open(scale *state)
{
    const uint64_t before = state->facts->events;
    const struct timespec pause = {0, 1000 * 1000};
    int64_t start = 0;
    const pid_t child = fork();

    if (child < 0) {
        bench_die("cannot start a process: %s", strerror(errno));
    }
    if (child == 0) {
        append_until_killed(state);
        _exit(0);
    }
    while (start == 0 || seconds_since(start) < KILL_SECONDS) {
        if (start == 0 && atomic_load(&state->facts->acknowledged) > before) {
            start = bench_now();
        }
        (void)nanosleep(&pause, NULL);
    }
    (void)kill(child, SIGKILL);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {
    }
    start = bench_now();
    stele_store *store = bench_stele_open(state->folder, BENCH_OS);
    state->facts->killed_open_seconds = seconds_since(start);
    stele_position head;
    stele_error error;
    check(stele_head(store, &head, &error), &error);
    if (head < atomic_load(&state->facts->acknowledged)) {
        bench_die("stele: %llu events were acknowledged before the kill, and there are %llu",
                  (unsigned long long)atomic_load(&state->facts->acknowledged),
                  (unsigned long long)head);
    }
    while (state->facts->events < head) {
        state->model.counts[bench_model_stream(&state->model, state->facts->events++)]++;
    }
    bench_stele_close(store);
}

/* Disk reads of this thread: page faults that had to wait for the disk, each of which brings a
 * page, and requests ahead of a touch, which bring two. Whatever brings more is counted for more.
 */
static double disk_reads(void)
{
    struct rusage used;

    (void)getrusage(RUSAGE_THREAD, &used);
    const double pages = (double)used.ru_inblock * 512 / 4096;
    const double faults = (double)used.ru_majflt;
    return pages > faults ? faults + (pages - faults) / 2 : faults;
}

/* Reads of random streams of which nothing but what is common to all is in memory. */
static void read_cold(scale *state)
{
    uint64_t random = 99;
    double sum = 0;

    drop_caches(state);
    stele_store *store = bench_stele_open(state->folder, BENCH_OS);
    for (unsigned i = 0; i < COLD_WARM_UP + COLD_READS; i++) {
        const uint32_t stream = (uint32_t)bench_random_below(&random, state->streams);
        const double before = disk_reads();
        if (state->model.counts[stream] == 0) {
            continue;
        }
        const uint64_t events = read_warm(store, stream, false);
        if (i < COLD_WARM_UP) {
            continue;
        }
        const double over = disk_reads() - before - (double)events;
        sum += over;
        state->facts->faults_failing += over > 2;
        if (over > state->facts->faults_over) {
            state->facts->faults_over = over;
        }
    }
    state->facts->faults_mean = sum / COLD_READS;
    bench_stele_close(store);
}

static bool is_index(const char *name)
{
    const char *dot = strrchr(name, '.');

    return dot && strcmp(dot, ".index") == 0;
}

/* Has the system read the index files: the reads of a sample need all of them, a page here and a
 * page there. */
static void fetch_indexes(const scale *state)
{
    DIR *entries = opendir(state->folder);
    const struct dirent *entry;
    char path[1500];

    while (entries && (entry = readdir(entries))) {
        bench_join(path, sizeof path, state->folder, entry->d_name);
        const int file = is_index(entry->d_name) ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        if (file >= 0) {
            static char bytes[1 << 20];
            while (read(file, bytes, sizeof bytes) > 0) {
            }
            (void)close(file);
        }
    }
    if (entries) {
        (void)closedir(entries);
    }
}

static void compare_all(scale *state)
{
    fetch_indexes(state);
    stele_store *store = bench_stele_open(state->folder, BENCH_OS);

    state->facts->reads = bench_model_check(&state->model, store, state->facts->events,
                                            state->total / 10 < READS ? state->total / 10 : READS);
    bench_model_verify(store, state->facts->events);
    bench_stele_close(store);
}

static void remove_indexes(const scale *state)
{
    DIR *entries = opendir(state->folder);
    const struct dirent *entry;
    char path[1500];

    while (entries && (entry = readdir(entries))) {
        if (is_index(entry->d_name)) {
            bench_join(path, sizeof path, state->folder, entry->d_name);
            (void)unlink(path);
        }
    }
    if (entries) {
        (void)closedir(entries);
    }
}

/* Opens without any index file, appends at once, reads at once, waits until all are there again. */
static void open_bare(scale *state)
{
    watch memory;
    bench_sample *samples;

    remove_indexes(state);
    const size_t count = bench_model_sample(&state->model, state->facts->events, 100, &samples);
    watch_begin(&memory);
    const int64_t start = bench_now();
    stele_store *store = bench_stele_open(state->folder, BENCH_OS);
    state->facts->bare_open_seconds = seconds_since(start);
    for (uint32_t i = 0; i < state->warm; i++) {
        append_next(state, store); /* exact revisions of warm streams */
    }
    state->facts->bare_append_seconds = seconds_since(start);
    for (size_t i = 0; i < count; i++) {
        const int64_t before = bench_now();
        bench_model_read(&state->model, store, &samples[count - 1 - i]);
        const double waited = seconds_since(before) * 1e3;
        if (waited > state->facts->bare_wait_ms) {
            state->facts->bare_wait_ms = waited;
        }
    }
    while (bench_stele_describe(store).missing_index_files > 0) {
        const struct timespec pause = {0, 100 * 1000 * 1000};
        (void)nanosleep(&pause, NULL);
    }
    state->facts->bare_rebuild_seconds = seconds_since(start);
    watch_end(&memory, state);
    bench_stele_close(store);
    free(samples);
}

/* ---- The report */

/* One line: `bar` 0 has none; else `value` may be at most (or, if it is_least, must be at least)
 * that. */
static void say(scale *state, const char *name, double value, const char *unit, double bar,
                bool is_least)
{
    const bool is_met = bar == 0 || (is_least ? value >= bar : value <= bar);
    char limit[64] = "";

    state->has_failed = state->has_failed || !is_met;
    if (bench_set.is_json) {
        (void)printf("{\"scale\":\"%s\",\"events\":%llu,\"streams\":%u,\"value\":%.6g,"
                     "\"unit\":\"%s\",\"bar\":%g,\"met\":%s}\n",
                     name, (unsigned long long)state->total, state->streams, value, unit, bar,
                     is_met ? "true" : "false");
    } else {
        if (bar != 0) {
            (void)snprintf(limit, sizeof limit, "%s %g  %s", is_least ? "at least" : "at most", bar,
                           is_met ? "yes" : "NO");
        }
        (void)printf("  %-44s %12.4g %-10s %s\n", name, value, unit, limit);
    }
    (void)fflush(stdout);
}

static void say_costs(scale *state)
{
    const shared_facts *facts = state->facts;
    char name[80];

    for (operation what = 0; what < OPERATIONS; what++) {
        (void)snprintf(name, sizeof name, "%s, early", operation_names[what]);
        say(state, name, facts->early_ns[what], "ns", 0, false);
        (void)snprintf(name, sizeof name, "%s, at the end", operation_names[what]);
        say(state, name, facts->late_ns[what], "ns", 0, false);
        (void)snprintf(name, sizeof name, "%s, end / early", operation_names[what]);
        say(state, name, facts->late_ns[what] / facts->early_ns[what], "", 1.5, false);
    }
}

static void run_stages(scale *state)
{
    const shared_facts *facts = state->facts;
    const uint64_t first = first_events(state);

    bench_model_phase(&state->model, 0,
                      (uint32_t)(first / 10 < state->streams ? first / 10 : state->streams));
    run_stage(state, load_first);
    bench_model_phase(&state->model, first, state->warm);
    bench_model_phase(&state->model, facts->events, state->streams);
    run_stage(state, load_rest);
    bench_model_phase(&state->model, state->total, state->warm);
    bench_model_phase(&state->model, facts->events, state->streams);
    say(state, "loading", (double)state->total / facts->load_seconds, "events/s", 0, true);
    say(state, "private memory, at most", facts->memory_most / 1e6, "MB", 1074, false);
    say(state, "bytes on disk per event",
        bench_folder_bytes(&bench_stele, state->folder) / (double)facts->events, "", 0, false);
    say(state, "index files", (double)facts->files, "", 0, false);
    say_costs(state);
    run_stage(state, open_closed);
    say(state, "opening after a clean close", facts->open_seconds, "s", 1, false);
    say(state, "opening after a clean close, cold", facts->open_cold_seconds, "s", 1, false);
    run_stage(state, kill_and_open);
    say(state, "opening after a kill", facts->killed_open_seconds, "s", 5, false);
    run_stage(state, read_cold);
    say(state, "cold: disk reads beyond the events, mean", facts->faults_mean, "", 0, false);
    say(state, "cold: disk reads beyond the events, most", facts->faults_over, "", 2, false);
    run_stage(state, compare_all);
    say(state, "verified; reads that equal the model", (double)facts->reads, "", 0, true);
    bench_model_phase(&state->model, facts->events, state->warm);
    run_stage(state, open_bare);
    say(state, "without index files: opening", facts->bare_open_seconds, "s", 0, false);
    say(state, "without index files: appended after", facts->bare_append_seconds, "s", 5, false);
    say(state, "without index files: longest first read", facts->bare_wait_ms, "ms", 0, false);
    say(state, "without index files: rebuilt at",
        (double)facts->events / facts->bare_rebuild_seconds, "events/s", 1e6, true);
    run_stage(state, compare_all);
    say(state, "verified again; reads that equal the model", (double)facts->reads, "", 0, true);
    say(state, "private memory, at most, of all of it", facts->memory_most / 1e6, "MB", 1074,
        false);
}

int bench_run_scale(const char *root, uint64_t events, uint64_t streams)
{
    const double needed = (double)events * BYTES_PER_EVENT;
    struct statvfs disk;
    scale state = {.total = events, .streams = (uint32_t)streams};

    if (statvfs(root, &disk) != 0) {
        bench_die("cannot look at the disk of %s: %s", root, strerror(errno));
    }
    if ((double)disk.f_bavail * (double)disk.f_frsize < 1.1 * needed) {
        bench_die("%.0f GB are needed, and %.0f are free on %s; choose fewer --events or another "
                  "--folder",
                  1.1 * needed / 1e9, (double)disk.f_bavail * (double)disk.f_frsize / 1e9, root);
    }
    if (!bench_set.is_json) {
        (void)printf("%llu events in %llu streams: %.0f GB, about %.0f s\n",
                     (unsigned long long)events, (unsigned long long)streams, needed / 1e9,
                     (double)events / 1e5 + 20);
        (void)fflush(stdout);
    }
    state.warm = state.streams < 10 * WARM_STREAMS ? state.streams / 10 : WARM_STREAMS;
    state.facts =
        mmap(NULL, sizeof *state.facts, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (state.facts == MAP_FAILED) {
        bench_die("out of memory");
    }
    bench_join(state.folder, sizeof state.folder, root, "scale");
    bench_make_folder(state.folder);
    bench_model_init(&state.model, state.streams);
    run_stages(&state);
    bench_model_done(&state.model);
    /* On a small one the clock says little: it is a run for correctness. */
    return state.has_failed && events >= BENCH_SCALE_EVENTS ? 1 : 0;
}

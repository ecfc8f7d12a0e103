/* SPDX-License-Identifier: Apache-2.0 */
/* The program: its options, the list of workloads, and the rounds. */
#include "bench.h"

#include "results.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define W_BATCH 64
/* With fewer events, some streams of W would have none. */
#define LAST_EVENTS_MIN ((uint64_t)20 * BENCH_STREAMS)
#define SCALE_STREAMS 10000000

const bench_workload bench_workloads[] = {
    {"append-full-1", BENCH_APPEND, BENCH_FULL, 1, 1, 0, BENCH_BY_F, 0.87, false, false},
    {"append-full-16", BENCH_APPEND, BENCH_FULL, 16, 1, 0, BENCH_BY_F, 6, false, false},
    {"append-full-64", BENCH_APPEND, BENCH_FULL, 64, 1, 0, BENCH_BY_F, 13, false, false},
    {"append-full-async64", BENCH_ASYNC, BENCH_FULL, 64, 1, 0, BENCH_BY_F, 22, false, false},
    {"append-full-async1024", BENCH_ASYNC, BENCH_FULL, 1024, 1, 0, BENCH_BY_F, 90, false, false},
    {"append-full-batch64", BENCH_APPEND, BENCH_FULL, 1, W_BATCH, 0, BENCH_BY_F, 34, false, false},
    {"append-os-1", BENCH_APPEND, BENCH_OS, 1, 1, 0, BENCH_BY_R, 0.70, false, false},
    {"append-none-1", BENCH_APPEND, BENCH_NONE, 1, 1, 0, BENCH_BY_R, 2, false, false},
    {"append-os-batch64", BENCH_APPEND, BENCH_OS, 1, W_BATCH, 0, BENCH_BY_R, 0.60, false, false},
    {"append-os-sustained", BENCH_SUSTAINED, BENCH_OS, 1, 1, 0, BENCH_BY_R, 0.35, false, true},
    {"replay-all", BENCH_REPLAY, BENCH_OS, 1, 1, 0, BENCH_BY_R, 0.60, false, false},
    {"read-stream-1000", BENCH_STREAM, BENCH_OS, 1, 1, 0, BENCH_BY_R, 0.30, false, false},
    {"read-last-10", BENCH_LAST, BENCH_OS, 1, 1, 0, BENCH_BY_R, 0.60, false, false},
    {"replay-all-compressed", BENCH_REPLAY, BENCH_OS, 1, 1, 0, BENCH_NO_FLOOR, 0, false, true},
    {"read-stream-1000-compressed", BENCH_STREAM, BENCH_OS, 1, 1, 0, BENCH_NO_FLOOR, 0, false,
     true},
    {"read-last-10-compressed", BENCH_LAST, BENCH_OS, 1, 1, 0, BENCH_NO_FLOOR, 0, false, true},
    {"append-dcb-10000", BENCH_DCB, BENCH_OS, 1, 1, 10000, BENCH_BY_OS, 0.60, false, true},
    {"append-dcb-100000", BENCH_DCB, BENCH_OS, 1, 1, 100000, BENCH_BY_OS, 0.60, false, true},
    {"append-dcb-1000000", BENCH_DCB, BENCH_OS, 1, 1, 1000000, BENCH_BY_OS, 0.60, false, true},
    {"append-dcb-10000000", BENCH_DCB, BENCH_OS, 1, 1, 10000000, BENCH_BY_OS, 0.60, true, true},
    /* Without a floor, bars are upper bounds: the p50 in us, bytes per event. */
    {"append-dcb-hot", BENCH_DCB_HOT, BENCH_OS, 2, 1, 200000, BENCH_NO_FLOOR, 100, false, true},
    {"size", BENCH_SIZE, BENCH_OS, 1, 1, 0, BENCH_NO_FLOOR, 300, false, false},
    {"size-compressed", BENCH_SIZE, BENCH_OS, 1, 1, 0, BENCH_NO_FLOOR, 130, false, true},
    {"memory-unsealed", BENCH_MEMORY, BENCH_OS, 1, 1, 0, BENCH_NO_FLOOR, 30, false, true},
};
const size_t bench_workload_count = sizeof bench_workloads / sizeof bench_workloads[0];

/* Of its system only Stele, in a store of its own. */
bool bench_is_compressed(const bench_workload *workload)
{
    return strstr(workload->name, "-compressed") != NULL;
}

bench_settings bench_set = {.rounds = 3, .seconds = 0.5, .events = 200000, .history_max = 1000000};

static char root[1024];
static bool is_prepared[sizeof bench_workloads / sizeof bench_workloads[0]];
static bool has_failed;
static volatile sig_atomic_t is_interrupted;

/* ---- Options */

static void usage(FILE *to)
{
    (void)fputs(
        "bench [full] [OPTION...]\n"
        "bench plot FILE --out FOLDER | bench table FILE [--markdown NAME]\n"
        "bench scale [--events N] [--streams N] [--json] [--folder PATH]\n"
        "\n"
        "Measures Stele, two floors (F: fdatasync, R: a bare log) and other stores, in rounds,\n"
        "and says first how long that takes. The other words show results that were kept.\n"
        "\n"
        "  full            9 rounds of 2 s, a million events, every workload (over half an hour)\n"
        "  scale           a store of 100 million events in 10 million streams: what opening,\n"
        "                  appends and reads cost at its end and early on, cold reads, a kill,\n"
        "                  all index files deleted; everything is verified and compared\n"
        "                  (33 GB of disk, half an hour; less with --events and --streams)\n"
        "  --out FOLDER    keep results (results.jsonl), tables (report.txt), what was measured\n"
        "                  on (machine.md) and plots (*.svg) there\n"
        "  --json          one JSON object per line instead of tables\n"
        "  --only TEXT     workloads whose name contains TEXT\n"
        "  --systems A,B   only these of: stele rawlog sqlite lmdb rocksdb wiredtiger\n"
        "  --rounds N      how often (default 3)\n"
        "  --seconds S     of one run (default 0.5)\n"
        "  --events N      in the stores that are read (default 200000; read-last-10 needs them)\n"
        "  --folder PATH   measure the disk of this folder (default: here)\n",
        to);
}

static double number_of(const char *name, const char *text, double least, double most)
{
    char *end;
    const double value = strtod(text, &end);

    if (end == text || *end != '\0' || !(value >= least && value <= most)) {
        bench_die("--%s must be a number from %g to %g", name, least, most);
    }
    return value;
}

static void set_full(void)
{
    bench_set.is_full = true;
    bench_set.rounds = BENCH_QUOTED_ROUNDS;
    bench_set.seconds = BENCH_QUOTED_SECONDS;
    bench_set.events = 1000000;
    bench_set.history_max = UINT64_MAX;
}

static void read_options(int argc, char **argv)
{
    enum { JSON = 1, OUT, ONLY, SYSTEMS, ROUNDS, SECONDS, EVENTS, STREAMS, STEPS, FOLDER, HELP };
    static const struct option known[] = {
        {"json", no_argument, NULL, JSON},           {"out", required_argument, NULL, OUT},
        {"only", required_argument, NULL, ONLY},     {"systems", required_argument, NULL, SYSTEMS},
        {"rounds", required_argument, NULL, ROUNDS}, {"seconds", required_argument, NULL, SECONDS},
        {"events", required_argument, NULL, EVENTS}, {"streams", required_argument, NULL, STREAMS},
        {"folder", required_argument, NULL, FOLDER}, {"steps", required_argument, NULL, STEPS},
        {"help", no_argument, NULL, HELP},           {NULL, 0, NULL, 0}};
    int option;

    if (argc > 1 && strcmp(argv[1], "full") == 0) {
        set_full();
        optind = 2;
    } else if (argc > 1 && strcmp(argv[1], "scale") == 0) {
        bench_set.is_scale = true;
        bench_set.events = BENCH_SCALE_EVENTS;
        bench_set.streams = SCALE_STREAMS;
        optind = 2;
    }
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (option) {
        case JSON:
            bench_set.is_json = true;
            break;
        case OUT:
            bench_set.out = optarg;
            break;
        case ONLY:
            bench_set.only = optarg;
            break;
        case SYSTEMS:
            bench_set.systems = optarg;
            break;
        case ROUNDS:
            bench_set.rounds = (unsigned)number_of("rounds", optarg, 1, BENCH_ROUNDS_MAX);
            break;
        case SECONDS:
            bench_set.seconds = number_of("seconds", optarg, 0.05, 60);
            break;
        case EVENTS:
            bench_set.events =
                (uint64_t)number_of("events", optarg, bench_set.is_scale ? 200000 : 20000,
                                    bench_set.is_scale ? 1e9 : 1e8);
            break;
        case STREAMS:
            bench_set.streams = (uint64_t)number_of("streams", optarg, 10000, 1e9);
            break;
        case STEPS:
            bench_set.steps = (uint64_t)number_of("steps", optarg, 1, 1e9);
            break;
        case FOLDER:
            bench_set.folder = optarg;
            break;
        case HELP:
            usage(stdout);
            exit(0);
        default:
            usage(stderr);
            exit(2);
        }
    }
    if (optind < argc) {
        bench_die("what is %s? (\"full\" and \"scale\" come first)", argv[optind]);
    }
}

/* ---- What is run */

static bool is_listed(const char *list, const char *name)
{
    const size_t size = strlen(name);

    for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        if (strncmp(at, name, size) == 0 && (at[size] == ',' || at[size] == '\0')) {
            return true;
        }
    }
    return !list;
}

static bool is_wanted(const bench_workload *workload, const bench_system *system, unsigned round)
{
    /* What does not depend on time is measured once. */
    const bool is_once = workload->kind == BENCH_SUSTAINED || workload->kind == BENCH_SIZE ||
                         workload->kind == BENCH_MEMORY;
    const bool has_history = workload->kind == BENCH_DCB || workload->kind == BENCH_DCB_HOT;

    return (!is_once || round == 0) && (bench_set.is_full || !workload->is_only_full) &&
           (!workload->is_only_stele || system == &bench_stele ||
            (system == &bench_rawlog && !has_history && !bench_is_compressed(workload))) &&
           workload->events <= bench_set.history_max &&
           (workload->kind != BENCH_LAST || bench_set.events >= LAST_EVENTS_MIN) &&
           is_listed(bench_set.systems, system->name) &&
           (!bench_set.only || strstr(workload->name, bench_set.only));
}

static bool is_reading(bench_kind kind)
{
    return kind == BENCH_REPLAY || kind == BENCH_STREAM || kind == BENCH_LAST || kind == BENCH_SIZE;
}

/* ---- How long it takes */

/* In seconds, of one run: itself, the flushes before a durable one, a process, and copying a
 * history. */
static double run_estimate(const bench_workload *workload, const bench_system *system)
{
    const double seconds = 1.1 * bench_set.seconds + 0.2;

    switch (workload->kind) {
    case BENCH_SUSTAINED:
        return 1.2 * bench_sustained_seconds();
    case BENCH_MEMORY:
        return 8;
    case BENCH_SIZE:
        return 0;
    case BENCH_DCB:
    case BENCH_DCB_HOT:
        return seconds + 0.5;
    case BENCH_APPEND:
    case BENCH_ASYNC:
        break;
    case BENCH_REPLAY:
    case BENCH_STREAM:
    case BENCH_LAST:
        return seconds + (double)bench_set.events / 2e6 +
               (system == &bench_rawlog && workload->kind == BENCH_REPLAY ? bench_set.seconds : 0);
    }
    return seconds +
           (workload->durability != BENCH_FULL ? 0
            : bench_set.seconds < 0.8          ? bench_set.seconds / 2
                                               : 0.4) +
           (system == &bench_rawlog && strcmp(workload->name, "append-os-1") == 0
                ? bench_set.seconds
                : 0);
}

/* Of what is filled before it is used: the stores that are read, and histories. */
static double fill_estimate(const bench_workload *workload, bool is_first_read)
{
    return (is_first_read ? (double)bench_set.events / 1.2e5 : 0) + (double)workload->events / 3e5;
}

static double estimate(void)
{
    double total = 0;

    for (size_t s = 0; s < bench_system_count; s++) {
        bool has_read = false;
        for (size_t w = 0; w < bench_workload_count; w++) {
            const bench_workload *workload = &bench_workloads[w];
            for (unsigned round = 0; round < bench_set.rounds; round++) {
                if (!is_wanted(workload, bench_systems[s], round)) {
                    continue;
                }
                total += run_estimate(workload, bench_systems[s]);
                if (round == 0) {
                    total += fill_estimate(workload, is_reading(workload->kind) && !has_read);
                    has_read = has_read || is_reading(workload->kind);
                }
            }
        }
    }
    return total;
}

static void say_duration(FILE *to, double seconds)
{
    if (seconds < 100) {
        (void)fprintf(to, "%.0f s", seconds);
    } else {
        (void)fprintf(to, "%.0f minutes", seconds / 60);
    }
}

static void announce(void)
{
    const char *missing = bench_missing_peers();

    if (bench_set.is_json) {
        return;
    }
    (void)printf("%u round%s of %g s a run; this takes about ", bench_set.rounds,
                 bench_set.rounds == 1 ? "" : "s", bench_set.seconds);
    say_duration(stdout, estimate());
    (void)printf(".\n");
    if (missing) {
        (void)printf("Left out for want of a package; install:%s\n", missing);
    }
    (void)fflush(stdout);
}

/* How much of the work is done, by the estimate, and what is under way. A terminal sees each run,
 * a file each round. */
static void show_progress(unsigned round, const bench_workload *workload,
                          const bench_system *system)
{
    static double planned;
    static int64_t start;
    static double done;
    static unsigned rounds_shown;

    if (planned <= 0) {
        planned = estimate();
        start = bench_now();
    }
    /* At first the estimate is all there is; in the end what was spent says more. */
    const double part = done / planned;
    const double spent = (double)(bench_now() - start) / 1e9;
    const double pace = done > 0 ? part * spent / done + (1 - part) : 1;
    const double left = part < 1 ? (1 - part) * planned * pace : 0;
    if (!bench_set.is_json && (isatty(STDERR_FILENO) || round == rounds_shown)) {
        (void)fprintf(stderr, "%s%3.0f %%, about ", isatty(STDERR_FILENO) ? "\r\033[K" : "",
                      part * 100);
        say_duration(stderr, left);
        (void)fprintf(stderr, " left; round %u of %u", round + 1, bench_set.rounds);
        if (isatty(STDERR_FILENO)) {
            (void)fprintf(stderr, ": %s, %s", workload->name, system->name);
        } else {
            (void)fputc('\n', stderr);
        }
        rounds_shown = round + 1;
    }
    done += run_estimate(workload, system) +
            (round == 0 ? fill_estimate(workload, workload->kind == BENCH_REPLAY) : 0);
}

/* ---- Running */

static void run_one(const bench_workload *workload, const bench_system *system, unsigned round,
                    const char *prepared)
{
    bench_run run = {workload, system, NULL, prepared, bench_set.seconds};
    bench_result result;
    char folder[1200];

    bench_join(folder, sizeof folder, root, "run");
    bench_make_folder(folder);
    run.folder = folder;
    if (!bench_in_child(bench_run_workload, &run, &result)) {
        has_failed = true;
        if (!is_interrupted) {
            (void)fprintf(stderr, "bench: %s on %s failed\n", workload->name, system->name);
        }
    } else {
        bench_record(workload, system, round, &result);
    }
    bench_remove(folder);
}

/* The store that a run reads, filled when it is first needed. Reads share one for each system, and
 * one that is compressed. NULL: filling it was interrupted. */
static const char *prepared_for(size_t row, size_t column)
{
    static char folders[BENCH_SYSTEMS_MAX + 1][1200];
    static char history[1200];
    const bench_workload *workload = &bench_workloads[row];
    const bool reads = is_reading(workload->kind);
    bench_run run = {workload, bench_systems[column], NULL, NULL, 0};
    char name[64];
    char *folder = bench_is_compressed(workload) ? folders[BENCH_SYSTEMS_MAX]
                   : reads                       ? folders[column]
                                                 : history;
    bench_result result;

    if (reads && folder[0]) {
        return folder;
    }
    (void)snprintf(name, sizeof name, "%s-%s",
                   bench_is_compressed(workload) ? "compressed"
                   : reads                       ? "reads"
                                                 : workload->name,
                   run.system->name);
    bench_join(folder, 1200, root, name);
    run.folder = folder;
    if (reads || !is_prepared[row]) {
        bench_make_folder(folder);
        if (!bench_in_child(reads ? bench_prepare_reads : bench_prepare_history, &run, &result)) {
            if (is_interrupted) {
                return NULL;
            }
            bench_die("cannot fill a store for %s on %s", workload->name, run.system->name);
        }
        is_prepared[row] = true;
    }
    return folder;
}

/* What there is without any log, right after rawlog: it counts as a floor only if it comes near. */
static void measure_bare(const bench_workload *workload, unsigned round)
{
    bench_result result = {0};
    struct stat facts;
    char path[1300];

    if (strcmp(workload->name, "append-os-1") == 0) {
        result.per_second = bench_floor_writes(root, bench_set.seconds);
        result.p50_us = 1e6 / result.per_second;
        bench_record_bare(workload, round, &result);
    } else if (workload->kind == BENCH_REPLAY) {
        bench_join(path, sizeof path, root, "reads-rawlog/log");
        if (stat(path, &facts) == 0) {
            result.per_second = bench_floor_sum(path, bench_set.seconds) *
                                (double)bench_set.events / (double)facts.st_size;
            bench_record_bare(workload, round, &result);
        }
    }
}

/* Which of the systems comes first changes from round to round. */
static void run_round(unsigned round)
{
    for (size_t w = 0; w < bench_workload_count; w++) {
        const bench_workload *workload = &bench_workloads[w];
        for (size_t i = 0; i < bench_system_count; i++) {
            const size_t s = (i + round) % bench_system_count;
            if (!is_wanted(workload, bench_systems[s], round)) {
                continue;
            }
            show_progress(round, workload, bench_systems[s]);
            const bool has_store = is_reading(workload->kind) || workload->events > 0;
            const char *prepared = has_store ? prepared_for(w, s) : NULL;
            if (is_interrupted || (has_store && !prepared)) {
                return;
            }
            run_one(workload, bench_systems[s], round, prepared);
            if (bench_systems[s] == &bench_rawlog) {
                measure_bare(workload, round);
            }
        }
    }
    if (!bench_set.is_json && isatty(STDERR_FILENO)) {
        (void)fputs("\r\033[K", stderr);
    }
}

static void run_steps(void)
{
    bench_run run = {.system = &bench_stele, .folder = root};

    for (size_t w = 0; w < bench_workload_count && !run.workload; w++) {
        if (!bench_set.only || strstr(bench_workloads[w].name, bench_set.only)) {
            run.workload = &bench_workloads[w];
        }
    }
    if (!run.workload) {
        bench_die("no workload has %s in its name", bench_set.only);
    }
    bench_run_steps(&run, bench_set.steps);
}

static void interrupt(int number)
{
    (void)number;
    is_interrupted = 1;
}

/* An interruption ends the measuring; what was measured until then is shown, and the folder goes.
 */
static void measure(void)
{
    const struct sigaction action = {.sa_handler = interrupt};

    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    announce();
    bench_output_begin();
    bench_floor_prepare(root);
    for (unsigned round = 0; round < bench_set.rounds && !is_interrupted; round++) {
        run_round(round);
    }
    bench_output_end();
}

int main(int argc, char **argv)
{
    if (argc > 1 && bench_is_command(argv[1])) {
        return bench_command(argc - 1, argv + 1);
    }
    read_options(argc, argv);
    if (!bench_set.folder) {
        bench_set.folder = ".";
    }
    (void)snprintf(root, sizeof root, "%s/stele-bench-%ld", bench_set.folder, (long)getpid());
    if (mkdir(root, 0777) != 0) {
        bench_die("cannot create %s: %s", root, strerror(errno));
    }
    bench_workload_init();
    if (bench_set.is_scale) {
        has_failed = bench_run_scale(root, bench_set.events, bench_set.streams) != 0;
    } else if (bench_set.steps > 0) {
        run_steps();
    } else {
        measure();
    }
    bench_remove(root);
    return is_interrupted ? 130 : has_failed ? 1 : 0;
}

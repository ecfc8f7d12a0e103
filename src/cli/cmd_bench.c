/* SPDX-License-Identifier: Apache-2.0 */
/* stele bench: what this machine and this disk give. */
#include "bench.h"
#include "cli.h"
#include "commands.h"
#include "text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECONDS_MAX 60

static struct {
    cli_number seconds;
} given;

static const cli_option options[] = {
    CLI_OPTION(CLI_NUMBER, 0, "seconds", "N", &given.seconds, "for each measurement (default 1)"),
    CLI_OPTION_END,
};

static const cli_bench_load loads[] = {
    {STELE_DURABLE_FULL, 1, 1},   {STELE_DURABLE_FULL, 16, 1},   {STELE_DURABLE_FULL, 64, 1},
    {STELE_DURABLE_FULL, 1, 100}, {STELE_DURABLE_FULL, 1, 1000}, {STELE_DURABLE_OS, 1, 1},
    {STELE_DURABLE_OS, 16, 1},    {STELE_DURABLE_OS, 64, 1},     {STELE_DURABLE_OS, 1, 100},
    {STELE_DURABLE_NONE, 1, 1},   {STELE_DURABLE_NONE, 16, 1},   {STELE_DURABLE_NONE, 64, 1},
    {STELE_DURABLE_NONE, 1, 100},
};
static const cli_bench_reading readings[] = {CLI_BENCH_EVERYTHING, CLI_BENCH_STREAM,
                                             CLI_BENCH_LAST};

#define LOADS (sizeof loads / sizeof loads[0])
#define READINGS (sizeof readings / sizeof readings[0])

/* ---- Printing */

static const char *durability_name(stele_durability durability)
{
    return durability == STELE_DURABLE_FULL ? "full"
           : durability == STELE_DURABLE_OS ? "os"
                                            : "none";
}

static void add_right(cli_buffer *out, const cli_buffer *cell, size_t width)
{
    const size_t used = cli_text_width(cell->data ? cell->data : "", cell->size);

    cli_buffer_add_times(out, ' ', used < width ? width - used : 1);
    cli_buffer_add(out, cell->data, cell->size);
}

static void print_row(const char *what, double rate, const cli_bench_result *result)
{
    CLI_CLEANUP_BUFFER cli_buffer out = {0};
    CLI_CLEANUP_BUFFER cli_buffer cell = {0};

    cli_buffer_format(&out, "  %-32s", what);
    cli_add_count(&cell, (uint64_t)(rate + 0.5));
    add_right(&out, &cell, 12);
    cli_buffer_clear(&cell);
    cli_buffer_format(&cell, result->bytes_per_second < 9.95e6 ? "%.1f" : "%.0f",
                      result->bytes_per_second / 1e6);
    add_right(&out, &cell, 10);
    cli_buffer_clear(&cell);
    cli_add_duration(&cell, result->p50);
    add_right(&out, &cell, 10);
    cli_buffer_clear(&cell);
    cli_add_duration(&cell, result->p99);
    add_right(&out, &cell, 10);
    cli_buffer_add_byte(&out, '\n');
    cli_write(out.data, out.size);
    cli_flush();
}

static void print_titles(const char *what, const char *rate)
{
    CLI_CLEANUP_BUFFER cli_buffer out = {0};

    cli_add_style(&out, CLI_BOLD);
    cli_buffer_format(&out, "%-34s%12s%10s%10s%10s", what, rate, "MB/s", "p50", "p99");
    cli_add_style_end(&out, CLI_BOLD);
    cli_buffer_add_byte(&out, '\n');
    cli_write(out.data, out.size);
}

static void add_numbers(cli_buffer *out, const cli_bench_result *result)
{
    cli_buffer_format(
        out,
        ",\"events_per_second\":%.1f,\"operations_per_second\":%.1f,\"bytes_per_second\":%.0f,"
        "\"p50_seconds\":%.9f,\"p99_seconds\":%.9f}\n",
        result->events_per_second, result->operations_per_second, result->bytes_per_second,
        (double)result->p50 / 1e9, (double)result->p99 / 1e9);
}

static void show_append(const cli_bench_load *load, const cli_bench_result *result)
{
    CLI_CLEANUP_BUFFER cli_buffer out = {0};

    if (cli_given.json) {
        cli_buffer_format(
            &out, "{\"measure\":\"append\",\"durability\":\"%s\",\"writers\":%u,\"batch\":%u",
            durability_name(load->durability), load->writers, load->batch);
        add_numbers(&out, result);
        cli_write(out.data, out.size);
        cli_flush();
        return;
    }
    cli_buffer_format(&out, "%-4s  %2u %s", durability_name(load->durability), load->writers,
                      load->writers == 1 ? "writer" : "writers");
    if (load->batch > 1) {
        cli_buffer_add_text(&out, ", ");
        cli_add_count(&out, load->batch);
        cli_buffer_add_text(&out, " a commit");
    }
    print_row(cli_buffer_text(&out), result->events_per_second, result);
}

static void show_read(cli_bench_reading reading, const cli_bench_result *result)
{
    static const char *const names[] = {"everything", "a stream", "the last 10 of a stream"};
    static const char *const json_names[] = {"replay", "read_stream", "read_last_10"};
    CLI_CLEANUP_BUFFER cli_buffer out = {0};

    if (cli_given.json) {
        cli_buffer_format(&out, "{\"measure\":\"%s\"", json_names[reading]);
        add_numbers(&out, result);
        cli_write(out.data, out.size);
        cli_flush();
        return;
    }
    if (reading != CLI_BENCH_LAST) {
        cli_print("\n");
        print_titles(reading == CLI_BENCH_EVERYTHING ? "reading" : "reading, again and again",
                     reading == CLI_BENCH_EVERYTHING ? "events/s" : "reads/s");
    }
    print_row(names[reading],
              reading == CLI_BENCH_EVERYTHING ? result->events_per_second
                                              : result->operations_per_second,
              result);
}

/* ---- Measuring */

static stele_status measure_all(cli_bench *bench, stele_error *reterr)
{
    cli_bench_result result;
    stele_status status = STELE_OK;

    if (!cli_given.json) {
        print_titles("appending", "events/s");
    }
    for (size_t i = 0; i < LOADS && status == STELE_OK && cli_caught_signal() == 0; i++) {
        status = cli_bench_append(bench, &loads[i], &result, reterr);
        if (status == STELE_OK && cli_caught_signal() == 0) {
            show_append(&loads[i], &result);
        }
    }
    for (size_t i = 0; i < READINGS && status == STELE_OK && cli_caught_signal() == 0; i++) {
        status = cli_bench_read(bench, readings[i], &result, reterr);
        if (status == STELE_OK && cli_caught_signal() == 0) {
            show_read(readings[i], &result);
        }
    }
    return status;
}

/* The store that is measured, as long as it is open. */
static stele_store *measured;

static int run_in(const char *folder, int64_t duration)
{
    cli_bench bench = {.duration = duration};
    stele_error error;
    int result = CLI_EXIT_OK;

    cli_given.store = folder;
    if (cli_open(STELE_READ_WRITE, NULL, &bench.store, &error) != STELE_OK) {
        return cli_fail(&error);
    }
    measured = bench.store;
    bench.revisions = cli_take_zero(CLI_BENCH_STREAMS * sizeof *bench.revisions);
    for (size_t i = 0; i < CLI_BENCH_STREAMS; i++) {
        bench.revisions[i] = STELE_NO_STREAM;
    }
    if (measure_all(&bench, &error) != STELE_OK) {
        result = cli_fail(&error);
    }
    cli_give_back(bench.revisions, CLI_BENCH_STREAMS * sizeof *bench.revisions);
    measured = NULL;
    const int closed = cli_close(bench.store);
    return result != CLI_EXIT_OK ? result : closed;
}

/* ---- The folder */

/* Removes the files of the throw-away store and then its folders. Nothing but our own folder is
 * ever named here. */
static void remove_folder(int parent, const char *name)
{
    const int descriptor = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *folder = descriptor >= 0 ? fdopendir(descriptor) : NULL;
    const struct dirent *entry;

    if (!folder) {
        return;
    }
    while ((entry = readdir(folder))) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            unlinkat(descriptor, entry->d_name, 0) != 0) {
            remove_folder(descriptor, entry->d_name);
        }
    }
    (void)closedir(folder);
    (void)unlinkat(parent, name, AT_REMOVEDIR);
}

/* The folder that is to be removed however this ends. */
static char *thrown_away;

static void remove_thrown_away(void)
{
    if (measured) {
        /* We leave in the middle of it. The store's threads would go on making files. */
        stele_store *store = measured;
        measured = NULL;
        (void)stele_close(store, NULL);
    }
    if (thrown_away) {
        remove_folder(AT_FDCWD, thrown_away);
        thrown_away = NULL;
    }
}

static void announce(const char *folder, uint64_t seconds)
{
    CLI_CLEANUP_BUFFER cli_buffer out = {0};

    if (cli_given.json) {
        return;
    }
    cli_buffer_format(&out, "%zu measurements, about %zu s, in a store of its own in ",
                      LOADS + READINGS, (size_t)(seconds * (LOADS + READINGS)) + 2);
    cli_add_printable(&out, folder, strlen(folder));
    cli_buffer_add_text(&out, "\n240 bytes an event, 10,000 streams, expected revisions\n\n");
    cli_write(out.data, out.size);
    cli_flush();
}

static int run_bench(char *const *operands, size_t operand_count)
{
    const uint64_t seconds = given.seconds.is_given ? given.seconds.value : 1;
    const char *parent = operand_count > 0 ? operands[0] : ".";
    CLI_CLEANUP_BUFFER cli_buffer folder = {0};
    int result;

    if (seconds == 0 || seconds > SECONDS_MAX) {
        return cli_refuse(NULL, "--seconds must be 1 to %d", SECONDS_MAX);
    }
    cli_buffer_format(&folder, "%s/stele-bench-%ld", parent, (long)getpid());
    if (mkdir(cli_buffer_text(&folder), 0700) != 0) {
        return cli_fail_os(errno, "cannot create a folder in %s", parent);
    }
    thrown_away = cli_arena_text(&cli_forever, folder.data, folder.size);
    (void)atexit(remove_thrown_away);
    cli_catch_signals();
    cli_ignore_closed_pipes();
    announce(parent, seconds);
    result = run_in(cli_buffer_text(&folder), (int64_t)seconds * 1000000000);
    remove_thrown_away();
    return cli_caught_signal() != 0 ? CLI_EXIT_INTERRUPTED : result;
}

const cli_command cli_command_bench = {
    .name = "bench",
    .group = "look after",
    .summary = "measure appending and reading on this disk",
    .usage = "[FOLDER] [OPTIONS]",
    .about = "Makes a store in FOLDER (default: here), appends to it with one and with many "
             "writers at each durability, one event a commit and in batches, reads it back, "
             "and removes it. Says first how long that takes.\n"
             "\n"
             "full is on the disk before an append returns, os survives a crash of the "
             "process, none is written within 10 ms. p50 and p99 are the times of one append "
             "or read.",
    .examples = "  stele bench /var/lib\n"
                "  stele bench --seconds 5 --json > figures.jsonl\n",
    .tables = {options},
    .operands_min = 0,
    .operands_max = 1,
    .operand_words = {CLI_WORDS_FOLDERS},
    .needs_no_store = true,
    .run = run_bench,
};

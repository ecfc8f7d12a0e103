/* SPDX-License-Identifier: Apache-2.0 */
/* Where results go: the table in memory, lines of JSON on standard output or in a folder, and at
 * the end tables and plots. Lines are written as they come, so that a run that was interrupted is
 * not lost: `bench table` and `bench plot` show what there is. */
#include "results.h"

#include <errno.h>
#include <string.h>

static FILE *lines;

static FILE *create(const char *name)
{
    char path[4096];
    FILE *file;

    bench_join(path, sizeof path, bench_set.out, name);
    file = fopen(path, "we");
    if (!file) {
        bench_die("cannot write %s: %s", path, strerror(errno));
    }
    return file;
}

void bench_output_begin(void)
{
    bench_machine_begin(bench_set.folder);
    if (bench_set.out) {
        bench_make_folder(bench_set.out);
        lines = create("results.jsonl");
    }
}

static void write_line(size_t row, bench_column column, unsigned round, const bench_result *result)
{
    if (bench_set.is_json) {
        bench_results_write(stdout, row, column, round, result);
    }
    if (lines) {
        bench_results_write(lines, row, column, round, result);
    }
}

static void keep(size_t row, bench_column column, unsigned round, const bench_result *result)
{
    if (!bench_results_add(row, column, round, result)) {
        bench_die("too many results");
    }
    write_line(row, column, round, result);
}

void bench_record(const bench_workload *workload, const bench_system *system, unsigned round,
                  const bench_result *result)
{
    const size_t row = (size_t)(workload - bench_workloads);
    size_t column = 0;

    while (column < BENCH_STORES && strcmp(bench_column_names[column], system->name) != 0) {
        column++;
    }
    if (column == BENCH_STORES) {
        bench_die("the system %s has no column", system->name);
    }
    if (result->flushes > 0) {
        const bench_result flushes = {.per_second = result->flushes,
                                      .p50_us = result->flush_p50_us,
                                      .p99_us = result->flush_p99_us};
        write_line(row, BENCH_FSYNC, round, &flushes);
    }
    keep(row, (bench_column)column, round, result);
    if (result->other_p99_us > 0) {
        keep(row, BENCH_OTHER, round, &(bench_result){.p99_us = result->other_p99_us});
        keep(row, BENCH_OTHER_PLAIN, round, &(bench_result){.p99_us = result->other_plain_p99_us});
    }
}

void bench_record_bare(const bench_workload *workload, unsigned round, const bench_result *result)
{
    keep((size_t)(workload - bench_workloads),
         workload->kind == BENCH_REPLAY ? BENCH_SUM : BENCH_WRITE, round, result);
}

static void write_machine(void)
{
    FILE *file = create("machine.md");

    bench_machine_print(file);
    if (fclose(file) != 0) {
        bench_die("cannot write machine.md in %s: %s", bench_set.out, strerror(errno));
    }
}

static void write_report(void)
{
    FILE *file = create("report.txt");

    bench_machine_print(file);
    (void)fputc('\n', file);
    bench_print_report(file);
    if (fclose(file) != 0) {
        bench_die("cannot write report.txt in %s: %s", bench_set.out, strerror(errno));
    }
}

void bench_output_end(void)
{
    if (!bench_set.is_json) {
        bench_machine_print(stdout);
        (void)printf("\n");
        bench_print_report(stdout);
    }
    if (lines) {
        if (fclose(lines) != 0) {
            bench_die("cannot write results.jsonl in %s: %s", bench_set.out, strerror(errno));
        }
        write_machine();
        write_report();
        bench_plot_all(bench_set.out);
        (void)fprintf(bench_set.is_json ? stderr : stdout,
                      "\nresults, tables and plots are in %s\n", bench_set.out);
    }
}

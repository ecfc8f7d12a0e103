/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was measured, as a table of workloads and columns with a result for each round, and what
 * follows from it: medians, ratios, and whether a bar is reached. It is filled by runs or from the
 * lines that `--json` and `--out` write (load.c), so that tables and plots can be made again
 * without measuring again.
 */
#ifndef BENCH_RESULTS_H
#define BENCH_RESULTS_H

#include "bench.h"

#include <stdio.h>

#define BENCH_ROUNDS_MAX 64
/* Who quotes less quotes noise. */
#define BENCH_QUOTED_ROUNDS 9
#define BENCH_QUOTED_SECONDS 2.0
#define BENCH_WORKLOADS_MAX 64

/* Who did it: the word in "system" of the JSON. The stores first, Stele and then rawlog. */
typedef enum bench_column {
    BENCH_STELE,
    BENCH_RAWLOG,
    BENCH_SQLITE,
    BENCH_LMDB,
    BENCH_ROCKSDB,
    BENCH_WIREDTIGER,
    BENCH_FSYNC,       /* F, which has many values a round: one before each durable run */
    BENCH_WRITE,       /* a bare loop of write() calls, beside rawlog's append-os-1 */
    BENCH_SUM,         /* adding up rawlog's mapped file, beside its replay-all */
    BENCH_OTHER,       /* append-dcb-hot: the other writer, beside a conditional one */
    BENCH_OTHER_PLAIN, /* … and beside a plain one */
    BENCH_COLUMNS
} bench_column;

#define BENCH_STORES ((size_t)BENCH_FSYNC)
extern const char *const bench_column_names[BENCH_COLUMNS];
extern const char *const bench_column_words[BENCH_COLUMNS]; /* for people */

typedef enum bench_figure {
    BENCH_RATE,
    BENCH_P50,
    BENCH_P99,
    BENCH_BYTES,
    BENCH_CPU /* never from a file */
} bench_figure;

/* ---- Filling */

/* False: there is one already, or the round is too large. Flushes come with the run after them. */
bool bench_results_add(size_t row, bench_column column, unsigned round, const bench_result *result);
/* Reads a file of JSON lines. What is wrong with a line is said, and the line is left out; ends the
 * process if the file cannot be read or nothing is left. */
void bench_results_load(const char *path);
/* Writes one line. `round` counts from 0. */
void bench_results_write(FILE *to, size_t row, bench_column column, unsigned round,
                         const bench_result *result);

/* ---- Asking */

/* False: there is no such workload. */
bool bench_find_row(const char *name, size_t *ret_row);
bool bench_has(size_t row, bench_column column);
/* Whether anything at all was measured of it. */
bool bench_has_row(size_t row);
/* Whether its figure is events a second, not bytes. */
bool bench_has_rate(size_t row);
/* The one of the last round that has one; "": none. */
const char *bench_note_of(size_t row, bench_column column);
unsigned bench_round_count(void);

/* Of the rounds of one figure; all 0: there are none. Parts are interpolated. */
typedef struct bench_summary {
    size_t count;
    double least, p10, median, p90, most;
} bench_summary;

bench_summary bench_summarize(size_t row, bench_column column, bench_figure figure);
/* The median over the rounds of what Stele did over what was done below; 0: there is none. Below
 * may be another workload. Of BENCH_FSYNC, Stele's own floor of that round is taken. */
double bench_ratio(size_t row, size_t below_row, bench_column below, bench_figure figure);
/* The same for any two columns of one row each. */
double bench_ratio_between(size_t row, bench_column above, size_t below_row, bench_column below,
                           bench_figure figure);
/* The store but rawlog with the best median; BENCH_STELE: none was measured. */
bench_column bench_best_peer(size_t row, bench_figure figure);

/* ---- Judging: judge.c */

/* What one workload must reach. */
typedef struct bench_verdict {
    double reached; /* 0: cannot be said */
    double wanted;  /* 0: nothing */
    const char *unit;
    bool is_met;
} bench_verdict;

bench_verdict bench_judge(size_t row);

/* What must hold besides. */
typedef struct bench_condition {
    char what[160];
    char reached[48];
    char wanted[48];
    bool is_met;
} bench_condition;

#define BENCH_CONDITIONS_MAX 12
/* Those that were measured; answers how many. */
size_t bench_conditions(bench_condition ret_conditions[BENCH_CONDITIONS_MAX]);

/* ---- Showing */

#define BENCH_NUMBER_SIZE 24
/* Three digits and k, M, G, T; "-" for nothing. */
void bench_number(double value, char ret_text[BENCH_NUMBER_SIZE]);
/* Microseconds, as us or ms; with `micro` for the first. */
void bench_duration(double microseconds, const char *micro, char ret_text[BENCH_NUMBER_SIZE]);

/* The tables of the terminal: report.c. */
void bench_print_report(FILE *to);
/* One table for a page: "readme", "bars" or "systems": markdown.c. */
void bench_print_markdown(FILE *to, const char *table);
/* All plots into a folder: plot.c. */
void bench_plot_all(const char *folder);
/* What was measured on: machine.c. Begins the watch over what else the machine does. */
void bench_machine_begin(const char *folder);
void bench_machine_print(FILE *to);

/* `bench plot` and `bench table`: command.c; answers what the process answers. */
bool bench_is_command(const char *word);
int bench_command(int argc, char **argv);

#endif

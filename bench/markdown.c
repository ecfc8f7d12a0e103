/* SPDX-License-Identifier: Apache-2.0 */
/* Tables for pages. Every number in docs/performance.md and the README that a run can change comes
 * from here, so that bench/publish replaces them all. */
#include "results.h"

#include <stdio.h>
#include <string.h>

/* What stands in the README: a few workloads in words. */
static const struct {
    const char *workload;
    const char *words;
} readme_rows[] = {
    {"append-full-1", "durable appends, one writer"},
    {"append-full-64", "… 64 threads, each its own commit"},
    {"append-full-async1024", "… 1,024 in flight from one thread"},
    {"append-full-batch64", "… commits of 64 events"},
    {"append-os-1", "appends that survive the process, one writer"},
    {"append-dcb-1000000", "… with a condition on two tags, a million events before"},
    {"replay-all", "events read from the start, checksums verified"},
    {"read-stream-1000", "events of one stream of 1,000, scattered over the log"},
    {"read-last-10", "reads of the last ten events of a stream"},
};

/* What is quoted without the page around it says so itself. */
static void print_roughness(FILE *to)
{
    const unsigned rounds = bench_round_count();

    if (rounds < BENCH_QUOTED_ROUNDS) {
        (void)fprintf(to, "\n*Rough: of %u round%s; what is quoted should have %d.*\n", rounds,
                      rounds == 1 ? "" : "s", BENCH_QUOTED_ROUNDS);
    }
}

static void print_readme(FILE *to)
{
    char own[BENCH_NUMBER_SIZE];
    char other[BENCH_NUMBER_SIZE];

    (void)fputs("| per second | Stele | best other store | |\n|---|--:|--:|---|\n", to);
    for (size_t i = 0; i < sizeof readme_rows / sizeof readme_rows[0]; i++) {
        size_t row;
        if (!bench_find_row(readme_rows[i].workload, &row) || !bench_has(row, BENCH_STELE)) {
            continue;
        }
        const bench_column peer = bench_best_peer(row, BENCH_RATE);
        bench_number(bench_summarize(row, BENCH_STELE, BENCH_RATE).median, own);
        (void)fprintf(to, "| %s | **%s** | ", readme_rows[i].words, own);
        if (peer == BENCH_STELE) {
            (void)fputs("| |\n", to);
            continue;
        }
        bench_number(bench_summarize(row, peer, BENCH_RATE).median, other);
        (void)fprintf(to, "%s | %s, %.2f times |\n", other, bench_column_words[peer],
                      bench_ratio(row, row, peer, BENCH_RATE));
    }
    print_roughness(to);
}

static void print_bar(FILE *to, size_t row)
{
    const bench_verdict verdict = bench_judge(row);
    const char *unit = strcmp(verdict.unit, "us") == 0 ? "µs" : verdict.unit;

    if (verdict.reached <= 0) {
        (void)fputs("| | | ", to);
    } else if (verdict.wanted <= 0) {
        (void)fprintf(to, "| %.2f %s | | ", verdict.reached, unit);
    } else {
        (void)fprintf(to, "| %.2f %s | %g %s | %s ", verdict.reached, unit, verdict.wanted, unit,
                      verdict.is_met ? "yes" : "**no**");
    }
}

static void print_peer(FILE *to, size_t row, bench_figure figure)
{
    const bench_column peer = bench_best_peer(row, figure);

    if (peer == BENCH_STELE) {
        (void)fputs("| |\n", to);
    } else {
        (void)fprintf(to, "| %.2f × %s |\n", bench_ratio(row, row, peer, figure),
                      bench_column_words[peer]);
    }
}

static void print_conditions(FILE *to)
{
    bench_condition conditions[BENCH_CONDITIONS_MAX];
    const size_t count = bench_conditions(conditions);

    if (count > 0) {
        (void)fputs("\n| besides | reached | must be | met |\n|---|--:|--:|---|\n", to);
    }
    for (size_t i = 0; i < count; i++) {
        (void)fprintf(to, "| %s | %s | %s | %s |\n", conditions[i].what, conditions[i].reached,
                      conditions[i].wanted, conditions[i].is_met ? "yes" : "**no**");
    }
}

static void print_bars(FILE *to)
{
    char rate[BENCH_NUMBER_SIZE];
    char p50[BENCH_NUMBER_SIZE];
    char p99[BENCH_NUMBER_SIZE];

    (void)
        fputs("| workload | Stele /s | p50 | p99 | reached | must | met | beside the best peer |\n"
              "|---|--:|--:|--:|--:|--:|---|---|\n",
              to);
    for (size_t row = 0; row < bench_workload_count; row++) {
        const bench_figure figure = bench_has_rate(row) ? BENCH_RATE : BENCH_BYTES;
        if (!bench_has(row, BENCH_STELE)) {
            continue;
        }
        bench_number(bench_summarize(row, BENCH_STELE, BENCH_RATE).median, rate);
        bench_duration(bench_summarize(row, BENCH_STELE, BENCH_P50).median, " µs", p50);
        bench_duration(bench_summarize(row, BENCH_STELE, BENCH_P99).median, " µs", p99);
        (void)fprintf(to, "| `%s` | %s | %s | %s ", bench_workloads[row].name,
                      figure == BENCH_RATE ? rate : "", figure == BENCH_RATE ? p50 : "",
                      figure == BENCH_RATE ? p99 : "");
        print_bar(to, row);
        print_peer(to, row, figure);
    }
    print_conditions(to);
}

static void print_cell(FILE *to, size_t row, bench_column column, bench_figure figure)
{
    const bench_summary values = bench_summarize(row, column, figure);
    char text[BENCH_NUMBER_SIZE];
    char least[BENCH_NUMBER_SIZE];
    char most[BENCH_NUMBER_SIZE];

    bench_number(values.median, text);
    if (values.count == 0) {
        (void)fputs("| ", to);
    } else if (values.count == 1 || figure == BENCH_BYTES) {
        (void)fprintf(to, "| %s ", text);
    } else {
        bench_number(values.p10, least);
        bench_number(values.p90, most);
        (void)fprintf(to, "| %s (%s–%s) ", text, least, most);
    }
}

static void print_systems(FILE *to)
{
    static const bench_column columns[] = {BENCH_STELE,   BENCH_SQLITE,     BENCH_LMDB,
                                           BENCH_ROCKSDB, BENCH_WIREDTIGER, BENCH_RAWLOG,
                                           BENCH_FSYNC};

    (void)fputs("| | Stele | SQLite | LMDB | RocksDB | WiredTiger | bare log (R) | fsync (F) |\n"
                "|---|--:|--:|--:|--:|--:|--:|--:|\n",
                to);
    for (size_t row = 0; row < bench_workload_count; row++) {
        if (!bench_has_row(row)) {
            continue;
        }
        (void)fprintf(to, "| `%s`%s ", bench_workloads[row].name,
                      bench_has_rate(row) ? "" : " (bytes)");
        for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
            print_cell(to, row, columns[i], bench_has_rate(row) ? BENCH_RATE : BENCH_BYTES);
        }
        (void)fputs("|\n", to);
    }
}

void bench_print_markdown(FILE *to, const char *table)
{
    if (strcmp(table, "readme") == 0) {
        print_readme(to);
    } else if (strcmp(table, "bars") == 0) {
        print_bars(to);
    } else if (strcmp(table, "systems") == 0) {
        print_systems(to);
    } else {
        bench_die("there is no table %s; there are readme, bars and systems", table);
    }
}

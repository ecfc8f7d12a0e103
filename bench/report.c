/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of the terminal: Stele with the bar that each workload must reach, all systems side by
 * side, and what must hold besides. */
#include "results.h"

#include <stdio.h>
#include <string.h>

/* F, and the stores. */
static const bench_column shown[] = {BENCH_FSYNC, BENCH_STELE,   BENCH_RAWLOG,    BENCH_SQLITE,
                                     BENCH_LMDB,  BENCH_ROCKSDB, BENCH_WIREDTIGER};
#define SHOWN (sizeof shown / sizeof shown[0])

static const char *answer(bool is_met)
{
    return is_met ? "yes" : "NO";
}

static void print_verdict(FILE *to, size_t row)
{
    const bench_verdict verdict = bench_judge(row);
    char reached[40] = "-";
    char wanted[40] = "-";

    if (verdict.reached > 0) {
        (void)snprintf(reached, sizeof reached, "%.2f %s", verdict.reached, verdict.unit);
    }
    if (verdict.wanted > 0) {
        (void)snprintf(wanted, sizeof wanted, "%g %s", verdict.wanted, verdict.unit);
    }
    (void)fprintf(to, " %12s %10s %-4s", reached, wanted,
                  verdict.reached > 0 && verdict.wanted > 0 ? answer(verdict.is_met) : "");
}

static void print_peer(FILE *to, size_t row, bench_figure figure)
{
    const bench_column peer = bench_best_peer(row, figure);

    if (peer != BENCH_STELE) {
        (void)fprintf(to, " %.2f x %s", bench_ratio(row, row, peer, figure),
                      bench_column_names[peer]);
    }
    (void)fputc('\n', to);
}

static void print_row(FILE *to, size_t row)
{
    const bench_summary rate = bench_summarize(row, BENCH_STELE, BENCH_RATE);
    char text[BENCH_NUMBER_SIZE];
    char least[BENCH_NUMBER_SIZE];
    char most[BENCH_NUMBER_SIZE];
    char range[2 * BENCH_NUMBER_SIZE + 4];
    char p50[BENCH_NUMBER_SIZE];
    char p99[BENCH_NUMBER_SIZE];

    bench_number(rate.median, text);
    bench_number(rate.least, least);
    bench_number(rate.most, most);
    (void)snprintf(range, sizeof range, "%s-%s", least, most);
    bench_duration(bench_summarize(row, BENCH_STELE, BENCH_P50).median, " us", p50);
    bench_duration(bench_summarize(row, BENCH_STELE, BENCH_P99).median, " us", p99);
    (void)fprintf(to, "%-22s %7s %-13s %8s %8s", bench_workloads[row].name, text, range, p50, p99);
    print_verdict(to, row);
    print_peer(to, row, BENCH_RATE);
}

static void print_rates(FILE *to)
{
    (void)fprintf(to, "%-22s %7s %-13s %8s %8s %12s %10s %-4s %s\n", "Stele", "/s", "least-most",
                  "p50", "p99", "reached", "must", "met", "beside the best peer");
    for (size_t row = 0; row < bench_workload_count; row++) {
        if (bench_has(row, BENCH_STELE) && bench_has_rate(row)) {
            print_row(to, row);
        }
    }
    for (size_t row = 0; row < bench_workload_count; row++) {
        if (bench_has(row, BENCH_STELE) && !bench_has_rate(row)) {
            (void)fprintf(to, "%-22s %7s %-13s %8s %8s", bench_workloads[row].name, "", "", "", "");
            print_verdict(to, row);
            print_peer(to, row, BENCH_BYTES);
        }
    }
}

static bool is_in(size_t row, bench_figure figure)
{
    if ((figure == BENCH_BYTES) == bench_has_rate(row)) {
        return false;
    }
    for (size_t i = 0; i < SHOWN; i++) {
        if (bench_summarize(row, shown[i], figure).count > 0) {
            return true;
        }
    }
    return false;
}

/* All systems side by side; nothing, if there is no such figure. */
static void print_systems(FILE *to, const char *title, bench_figure figure)
{
    bool has_begun = false;
    char text[BENCH_NUMBER_SIZE];

    for (size_t row = 0; row < bench_workload_count; row++) {
        if (!is_in(row, figure)) {
            continue;
        }
        if (!has_begun) {
            (void)fprintf(to, "\n%-22s", title);
            for (size_t i = 0; i < SHOWN; i++) {
                (void)fprintf(to, " %10s",
                              shown[i] == BENCH_FSYNC ? "fsync (F)" : bench_column_names[shown[i]]);
            }
            (void)fputc('\n', to);
            has_begun = true;
        }
        (void)fprintf(to, "%-22s", bench_workloads[row].name);
        for (size_t i = 0; i < SHOWN; i++) {
            bench_number(bench_summarize(row, shown[i], figure).median, text);
            (void)fprintf(to, " %10s", text);
        }
        (void)fputc('\n', to);
    }
}

static void print_conditions(FILE *to)
{
    bench_condition conditions[BENCH_CONDITIONS_MAX];
    const size_t count = bench_conditions(conditions);

    for (size_t i = 0; i < count; i++) {
        (void)fprintf(to, "%s%s: %s, must be %s: %s\n", i == 0 ? "\n" : "", conditions[i].what,
                      conditions[i].reached, conditions[i].wanted, answer(conditions[i].is_met));
    }
}

static void print_notes(FILE *to)
{
    for (size_t row = 0; row < bench_workload_count; row++) {
        for (size_t store = 0; store < BENCH_STORES; store++) {
            const char *note = bench_note_of(row, (bench_column)store);
            if (note[0]) {
                (void)fprintf(to, "%s, %s: %s\n", bench_workloads[row].name,
                              bench_column_names[store], note);
            }
        }
    }
}

void bench_print_report(FILE *to)
{
    print_rates(to);
    print_systems(to, "per second", BENCH_RATE);
    print_systems(to, "processor us each", BENCH_CPU);
    print_systems(to, "bytes per event", BENCH_BYTES);
    print_conditions(to);
    print_notes(to);
}

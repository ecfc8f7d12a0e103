/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What came out. A ratio is formed within a round, Stele's run over its own floor or over what
 * another system did in the same round, and the median of the rounds is shown; so is the median of
 * rates.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS_MAX 64
#define WORKLOADS_MAX 32

typedef struct cell {
    bench_result rounds[ROUNDS_MAX];
    bool has[ROUNDS_MAX];
} cell;

static cell *cells[WORKLOADS_MAX][BENCH_SYSTEMS_MAX];

static size_t index_of_system(const bench_system *system)
{
    size_t index = 0;

    while (bench_systems[index] != system) {
        index++;
    }
    return index;
}

void bench_json(const char *workload, unsigned round, const char *system,
                const bench_result *result)
{
    if (!bench_set.is_json) {
        return;
    }
    (void)printf("{\"workload\":\"%s\",\"round\":%u,\"system\":\"%s\",\"per_second\":%.1f,"
                 "\"p50_us\":%.2f,\"p99_us\":%.2f,\"bytes_per_event\":%.2f,\"rss_bytes\":%.0f}\n",
                 workload, round, system, result->per_second, result->p50_us, result->p99_us,
                 result->bytes_per_event, result->rss_bytes);
    (void)fflush(stdout);
}

void bench_record(const bench_workload *workload, const bench_system *system, unsigned round,
                  const bench_result *result)
{
    const size_t row = (size_t)(workload - bench_workloads);
    const size_t column = index_of_system(system);

    if (row >= WORKLOADS_MAX || column >= BENCH_SYSTEMS_MAX || round >= ROUNDS_MAX) {
        bench_die("too many results");
    }
    if (!cells[row][column]) {
        cells[row][column] = bench_allocate(sizeof *cells[row][column]);
    }
    cells[row][column]->rounds[round] = *result;
    cells[row][column]->has[round] = true;
    bench_json(workload->name, round + 1, system->name, result);
}

/* ---- Statistics */

static int by_value(const void *a, const void *b)
{
    const double left = *(const double *)a;
    const double right = *(const double *)b;

    return (left > right) - (left < right);
}

/* 0: there are none. Sorts. */
static double median(double *values, size_t count)
{
    if (count == 0) {
        return 0;
    }
    qsort(values, count, sizeof *values, by_value);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static double per_second_of(const bench_result *result)
{
    return result->per_second;
}
static double p50_of(const bench_result *result)
{
    return result->p50_us;
}
static double p99_of(const bench_result *result)
{
    return result->p99_us;
}
static double flushes_of(const bench_result *result)
{
    return result->flushes;
}
static double cpu_of(const bench_result *result)
{
    return result->cpu_us;
}
static double size_of(const bench_result *result)
{
    return result->bytes_per_event;
}

typedef double (*figure)(const bench_result *result);

/* The rounds of one figure; answers how many there are. */
static size_t collect(size_t row, size_t column, figure get, double ret_values[ROUNDS_MAX])
{
    const cell *from = cells[row][column];
    size_t count = 0;

    for (size_t round = 0; from && round < ROUNDS_MAX; round++) {
        if (from->has[round]) {
            ret_values[count++] = get(&from->rounds[round]);
        }
    }
    return count;
}

static double median_of(size_t row, size_t column, figure get)
{
    double values[ROUNDS_MAX];
    const size_t count = collect(row, column, get, values);

    return median(values, count);
}

/* Stele over what `column` did, round by round. */
static double ratio_to(size_t row, size_t below_row, size_t column, figure get)
{
    const cell *above = cells[row][0];
    const cell *below = cells[below_row][column];
    double values[ROUNDS_MAX];
    size_t count = 0;

    for (size_t round = 0; above && below && round < ROUNDS_MAX; round++) {
        if (above->has[round] && below->has[round] && get(&below->rounds[round]) > 0) {
            values[count++] = above->rounds[round].per_second / get(&below->rounds[round]);
        }
    }
    return median(values, count);
}

/* ---- Printing */

static void number(double value, char ret_text[16])
{
    const char *unit = value >= 1e6 ? "M" : value >= 1e4 ? "k" : "";
    const double shown = value >= 1e6 ? value / 1e6 : value >= 1e4 ? value / 1e3 : value;

    if (value <= 0) {
        (void)snprintf(ret_text, 16, "-");
    } else {
        (void)snprintf(ret_text, 16,
                       shown < 10    ? "%.2f%s"
                       : shown < 100 ? "%.1f%s"
                                     : "%.0f%s",
                       shown, unit);
    }
}

static size_t row_named(const char *name)
{
    size_t row = 0;

    while (strcmp(bench_workloads[row].name, name) != 0) {
        row++;
    }
    return row;
}

/* 0: this workload has no floor, or it was not measured. */
static double floor_ratio(size_t row, const char **ret_name)
{
    switch (bench_workloads[row].floor) {
    case BENCH_BY_F:
        *ret_name = "F";
        return ratio_to(row, row, 0, flushes_of);
    case BENCH_BY_R:
        *ret_name = "R";
        return bench_system_count > 1 ? ratio_to(row, row, 1, per_second_of) : 0;
    case BENCH_BY_OS:
        *ret_name = "os-1";
        return ratio_to(row, row_named("append-os-1"), 0, per_second_of);
    case BENCH_NO_FLOOR:
        break;
    }
    *ret_name = "";
    return 0;
}

/* The peer with the highest median; 0: none was measured. */
static size_t best_peer(size_t row, double *ret_ratio)
{
    size_t best = 0;
    double most = 0;

    for (size_t column = 2; column < bench_system_count; column++) {
        const double rate = median_of(row, column, per_second_of);
        if (rate > most) {
            most = rate;
            best = column;
        }
    }
    *ret_ratio = best > 0 ? ratio_to(row, row, best, per_second_of) : 0;
    return best;
}

static void print_main_row(size_t row)
{
    const bench_workload *workload = &bench_workloads[row];
    double values[ROUNDS_MAX];
    const size_t count = collect(row, 0, per_second_of, values);
    const char *floor;
    const double ratio = floor_ratio(row, &floor);
    double peer_ratio;
    const size_t peer = best_peer(row, &peer_ratio);
    char rate[16];
    char least[16];
    char most[16];
    char reached[24] = "";
    char wanted[24] = "";
    char beside[40] = "";

    number(median(values, count), rate);
    number(values[0], least);
    number(values[count - 1], most);
    if (ratio > 0) {
        (void)snprintf(reached, sizeof reached, "%.2f %s", ratio, floor);
    }
    if (workload->bar > 0) {
        (void)snprintf(wanted, sizeof wanted, "%.2f%s", workload->bar,
                       ratio <= 0               ? ""
                       : ratio >= workload->bar ? " yes"
                                                : " no");
    }
    if (peer > 0) {
        (void)snprintf(beside, sizeof beside, "%.2f x %s", peer_ratio, bench_systems[peer]->name);
    }
    (void)printf("%-22s %7s (%s-%s)%*s%8.1f %8.1f  %10s  %9s  %s\n", workload->name, rate, least,
                 most, (int)(14 - strlen(least) - strlen(most)), "", median_of(row, 0, p50_of),
                 median_of(row, 0, p99_of), reached, wanted, beside);
}

static bool has_rates(size_t row)
{
    const bench_kind kind = bench_workloads[row].kind;

    return kind != BENCH_SIZE && kind != BENCH_MEMORY;
}

static void print_main_table(void)
{
    (void)printf("\n%-22s %7s (least-most)     %8s %8s  %10s  %9s  %s\n", "Stele", "/s", "p50 us",
                 "p99 us", "ratio", "must", "beside the best peer");
    for (size_t row = 0; row < bench_workload_count; row++) {
        if (cells[row][0] && has_rates(row)) {
            print_main_row(row);
        }
    }
}

static void print_cells(size_t row, figure get)
{
    char text[16];

    (void)printf("%-22s", bench_workloads[row].name);
    if (get == per_second_of) {
        double flushes[ROUNDS_MAX * BENCH_SYSTEMS_MAX];
        size_t count = 0;
        for (size_t column = 0; column < bench_system_count; column++) {
            count += collect(row, column, flushes_of, flushes + count);
        }
        number(median(flushes, count), text);
        (void)printf("%12s", text);
    } else {
        (void)printf("%12s", "");
    }
    for (size_t column = 0; column < bench_system_count; column++) {
        number(median_of(row, column, get), text);
        (void)printf("%12s", text);
    }
    (void)printf("\n");
}

static bool was_measured(size_t row)
{
    for (size_t column = 0; column < bench_system_count; column++) {
        if (cells[row][column]) {
            return true;
        }
    }
    return false;
}

static void print_systems(const char *title, const char *floor)
{
    (void)printf("\n%-22s%12s", title, floor);
    for (size_t column = 0; column < bench_system_count; column++) {
        (void)printf("%12s", bench_systems[column]->name);
    }
    (void)printf("\n");
}

static void print_all_systems(void)
{
    print_systems("per second", "fsync (F)");
    for (size_t row = 0; row < bench_workload_count; row++) {
        if (was_measured(row) && has_rates(row)) {
            print_cells(row, per_second_of);
        }
    }
    print_systems("processor us each", "");
    for (size_t row = 0; row < bench_workload_count; row++) {
        if (was_measured(row) && has_rates(row)) {
            print_cells(row, cpu_of);
        }
    }
    print_systems("bytes per event", "");
    for (size_t row = 0; row < bench_workload_count; row++) {
        if (was_measured(row) && !has_rates(row)) {
            print_cells(row, size_of);
        }
    }
}

static void print_notes(void)
{
    for (size_t row = 0; row < bench_workload_count; row++) {
        for (size_t column = 0; column < bench_system_count; column++) {
            const cell *from = cells[row][column];
            for (size_t round = ROUNDS_MAX; from && round-- > 0;) {
                if (from->has[round] && from->rounds[round].note[0]) {
                    (void)printf("%s, %s: %s\n", bench_workloads[row].name,
                                 bench_systems[column]->name, from->rounds[round].note);
                    break;
                }
            }
        }
    }
}

/* How much dearer a conditional append is at the worst length of history than at the best. */
static void print_dcb_spread(void)
{
    double least = 0;
    double most = 0;

    for (size_t row = 0; row < bench_workload_count; row++) {
        const double rate = median_of(row, 0, per_second_of);
        if (bench_workloads[row].kind == BENCH_DCB && rate > 0) {
            least = least > 0 && least < rate ? least : rate;
            most = most > rate ? most : rate;
        }
    }
    if (least > 0) {
        (void)printf("append-dcb: the fastest history is %.2f times as fast as the slowest\n",
                     most / least);
    }
}

void bench_print_tables(void)
{
    const char *missing = bench_missing_peers();

    if (bench_set.is_json) {
        return;
    }
    print_main_table();
    print_all_systems();
    (void)printf("\n");
    print_notes();
    print_dcb_spread();
    if (missing) {
        (void)printf("left out for want of a package; install:%s\n", missing);
    }
}

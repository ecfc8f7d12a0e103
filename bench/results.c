/* SPDX-License-Identifier: Apache-2.0 */
/* The table of results and its arithmetic. A ratio is formed within a round, from what ran within
 * the same seconds, and the median of the rounds is what counts; so is the median of rates. */
#include "results.h"

#include <stdlib.h>
#include <string.h>

/* F comes with every durable run of every store. */
#define VALUES_MAX (BENCH_ROUNDS_MAX * BENCH_STORES)

typedef struct cell {
    bench_result rounds[BENCH_ROUNDS_MAX];
    bool has[BENCH_ROUNDS_MAX];
} cell;

const char *const bench_column_names[BENCH_COLUMNS] = {
    "stele", "rawlog",   "sqlite", "lmdb",        "rocksdb",          "wiredtiger",
    "fsync", "write512", "mapsum", "stele-other", "stele-other-plain"};

const char *const bench_column_words[BENCH_COLUMNS] = {"Stele",
                                                       "bare log (R)",
                                                       "SQLite",
                                                       "LMDB",
                                                       "RocksDB",
                                                       "WiredTiger",
                                                       "fsync (F)",
                                                       "write() loop",
                                                       "mapped sum",
                                                       "other writer",
                                                       "other, beside plain"};

static cell *cells[BENCH_WORKLOADS_MAX][BENCH_COLUMNS];

/* ---- Filling */

bool bench_results_add(size_t row, bench_column column, unsigned round, const bench_result *result)
{
    if (round >= BENCH_ROUNDS_MAX || row >= BENCH_WORKLOADS_MAX) {
        return false;
    }
    if (!cells[row][column]) {
        cells[row][column] = bench_allocate(sizeof *cells[row][column]);
    }
    if (cells[row][column]->has[round]) {
        return false;
    }
    cells[row][column]->rounds[round] = *result;
    cells[row][column]->has[round] = true;
    return true;
}

void bench_results_write(FILE *to, size_t row, bench_column column, unsigned round,
                         const bench_result *result)
{
    (void)fprintf(to,
                  "{\"workload\":\"%s\",\"round\":%u,\"system\":\"%s\",\"per_second\":%.1f,"
                  "\"p50_us\":%.2f,\"p99_us\":%.2f,\"bytes_per_event\":%.2f,\"rss_bytes\":%.0f}\n",
                  bench_workloads[row].name, round + 1, bench_column_names[column],
                  result->per_second, result->p50_us, result->p99_us, result->bytes_per_event,
                  result->rss_bytes);
    (void)fflush(to);
}

/* ---- Asking */

bool bench_find_row(const char *name, size_t *ret_row)
{
    for (size_t row = 0; row < bench_workload_count && row < BENCH_WORKLOADS_MAX; row++) {
        if (strcmp(bench_workloads[row].name, name) == 0) {
            *ret_row = row;
            return true;
        }
    }
    return false;
}

static double figure_of(const bench_result *result, bench_figure figure)
{
    switch (figure) {
    case BENCH_RATE:
        return result->per_second;
    case BENCH_P50:
        return result->p50_us;
    case BENCH_P99:
        return result->p99_us;
    case BENCH_BYTES:
        return result->bytes_per_event;
    case BENCH_CPU:
        return result->cpu_us;
    }
    return 0;
}

static double flush_figure_of(const bench_result *result, bench_figure figure)
{
    switch (figure) {
    case BENCH_RATE:
        return result->flushes;
    case BENCH_P50:
        return result->flush_p50_us;
    case BENCH_P99:
        return result->flush_p99_us;
    case BENCH_BYTES:
    case BENCH_CPU:
        break;
    }
    return 0;
}

static size_t collect_cell(const cell *from, bench_figure figure, bool is_flush, double *ret_values)
{
    size_t count = 0;

    for (size_t round = 0; from && round < BENCH_ROUNDS_MAX; round++) {
        const bench_result *result = &from->rounds[round];
        const double value = !from->has[round] ? 0
                             : is_flush        ? flush_figure_of(result, figure)
                                               : figure_of(result, figure);
        if (value > 0) {
            ret_values[count++] = value;
        }
    }
    return count;
}

static size_t collect(size_t row, bench_column column, bench_figure figure,
                      double ret_values[VALUES_MAX])
{
    size_t count = 0;

    if (column != BENCH_FSYNC) {
        return collect_cell(cells[row][column], figure, false, ret_values);
    }
    for (size_t store = 0; store < BENCH_STORES; store++) {
        count += collect_cell(cells[row][store], figure, true, ret_values + count);
    }
    return count;
}

static int by_value(const void *a, const void *b)
{
    const double left = *(const double *)a;
    const double right = *(const double *)b;

    return (left > right) - (left < right);
}

/* Of sorted values. */
static double part_of(const double *values, size_t count, double part)
{
    const double place = part * (double)(count - 1);
    const size_t below = (size_t)place;
    const size_t above = below + 1 < count ? below + 1 : below;

    return values[below] + (values[above] - values[below]) * (place - (double)below);
}

static bench_summary summarize(double *values, size_t count)
{
    if (count == 0) {
        return (bench_summary){0};
    }
    qsort(values, count, sizeof *values, by_value);
    return (bench_summary){.count = count,
                           .least = values[0],
                           .p10 = part_of(values, count, 0.1),
                           .median = part_of(values, count, 0.5),
                           .p90 = part_of(values, count, 0.9),
                           .most = values[count - 1]};
}

bench_summary bench_summarize(size_t row, bench_column column, bench_figure figure)
{
    double values[VALUES_MAX];
    const size_t count = collect(row, column, figure, values);

    return summarize(values, count);
}

bool bench_has(size_t row, bench_column column)
{
    double values[VALUES_MAX];

    return column == BENCH_FSYNC ? collect(row, column, BENCH_RATE, values) > 0
                                 : cells[row][column] != NULL;
}

bool bench_has_row(size_t row)
{
    for (size_t column = 0; column < BENCH_COLUMNS; column++) {
        if (cells[row][column]) {
            return true;
        }
    }
    return false;
}

bool bench_has_rate(size_t row)
{
    const bench_kind kind = bench_workloads[row].kind;

    return kind != BENCH_SIZE && kind != BENCH_MEMORY;
}

const char *bench_note_of(size_t row, bench_column column)
{
    const cell *from = cells[row][column];

    for (size_t round = BENCH_ROUNDS_MAX; from && round-- > 0;) {
        if (from->has[round] && from->rounds[round].note[0]) {
            return from->rounds[round].note;
        }
    }
    return "";
}

unsigned bench_round_count(void)
{
    unsigned most = 0;

    for (size_t row = 0; row < bench_workload_count && row < BENCH_WORKLOADS_MAX; row++) {
        for (size_t column = 0; column < BENCH_COLUMNS; column++) {
            for (unsigned round = 0; cells[row][column] && round < BENCH_ROUNDS_MAX; round++) {
                if (cells[row][column]->has[round] && round + 1 > most) {
                    most = round + 1;
                }
            }
        }
    }
    return most;
}

double bench_ratio_between(size_t row, bench_column above, size_t below_row, bench_column below,
                           bench_figure figure)
{
    const bool is_own_floor = below == BENCH_FSYNC;
    const cell *top = cells[row][above];
    const cell *bottom = is_own_floor ? top : cells[below_row][below];
    double values[BENCH_ROUNDS_MAX];
    size_t count = 0;

    for (size_t round = 0; top && bottom && round < BENCH_ROUNDS_MAX; round++) {
        if (!top->has[round] || !bottom->has[round]) {
            continue;
        }
        const double over = figure_of(&top->rounds[round], figure);
        const double under = is_own_floor ? flush_figure_of(&bottom->rounds[round], figure)
                                          : figure_of(&bottom->rounds[round], figure);
        if (over > 0 && under > 0) {
            values[count++] = over / under;
        }
    }
    return summarize(values, count).median;
}

double bench_ratio(size_t row, size_t below_row, bench_column below, bench_figure figure)
{
    return bench_ratio_between(row, BENCH_STELE, below_row, below, figure);
}

/* Of rates the most is the best, of everything else the least. */
bench_column bench_best_peer(size_t row, bench_figure figure)
{
    bench_column best = BENCH_STELE;
    double record = 0;

    for (size_t column = BENCH_RAWLOG + 1; column < BENCH_STORES; column++) {
        const double value = bench_summarize(row, (bench_column)column, figure).median;
        if (value > 0 && (best == BENCH_STELE || (figure == BENCH_RATE) == (value > record))) {
            best = (bench_column)column;
            record = value;
        }
    }
    return best;
}

/* ---- Showing */

static void short_number(double value, const char *unit, char ret_text[BENCH_NUMBER_SIZE])
{
    (void)snprintf(ret_text, BENCH_NUMBER_SIZE, "%.*f%s",
                   value < 9.995   ? 2
                   : value < 99.95 ? 1
                                   : 0,
                   value, unit);
}

void bench_number(double value, char ret_text[BENCH_NUMBER_SIZE])
{
    static const char *const units[] = {"", "k", "M", "G", "T"};
    size_t unit = 0;

    if (!(value > 0)) {
        (void)snprintf(ret_text, BENCH_NUMBER_SIZE, "-");
        return;
    }
    /* Four digits are as short as three and a letter. */
    while (unit + 1 < sizeof units / sizeof units[0] && value >= (unit == 0 ? 9999.5 : 999.5)) {
        value /= 1000;
        unit++;
    }
    short_number(value, units[unit], ret_text);
}

void bench_duration(double microseconds, const char *micro, char ret_text[BENCH_NUMBER_SIZE])
{
    if (!(microseconds > 0)) {
        (void)snprintf(ret_text, BENCH_NUMBER_SIZE, "-");
    } else if (microseconds < 999.5) {
        short_number(microseconds, micro, ret_text);
    } else if (microseconds < 999.5e3) {
        short_number(microseconds / 1e3, " ms", ret_text);
    } else {
        short_number(microseconds / 1e6, " s", ret_text);
    }
}

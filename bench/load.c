/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results from a file of JSON lines. The file may be cut off, edited or made by a program with
 * other workloads: a line that is not understood is named and left out, and the others count.
 * Numbers are bounded, so that whoever draws them need not think of infinities.
 */
#include "results.h"

#include "base/json.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX 1e15
#define NUMBER_MIN 1e-6 /* what is less counts as nothing */
#define NUMBER_TEXT 64
#define COMPLAINTS_MAX 20

typedef struct loader {
    const char *path;
    unsigned long line;
    size_t used;
    size_t left_out;
    /* The last line of F: it belongs to the next run of its workload and round. */
    bool has_flushes;
    size_t flushes_row;
    unsigned flushes_round;
    bench_result flushes;
} loader;

typedef struct parsed_line {
    bool has_row, has_column, has_round;
    size_t row;
    bench_column column;
    unsigned round;
    bench_result result;
} parsed_line;

/* Answers false. */
STELE_PRINTF(2, 3) static bool complain(loader *all, const char *format, ...)
{
    va_list arguments;

    all->left_out++;
    if (all->left_out > COMPLAINTS_MAX) {
        return false;
    }
    (void)fprintf(stderr, "bench: %s:%lu: ", all->path, all->line);
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fputs("; the line is left out\n", stderr);
    return false;
}

static bool take_row(loader *all, const stele__json_value *value, parsed_line *into)
{
    for (size_t row = 0; row < bench_workload_count && value->kind == STELE_JSON_STRING; row++) {
        if (stele__json_is_text(value, bench_workloads[row].name)) {
            into->row = row;
            into->has_row = true;
            return true;
        }
    }
    return complain(all, "an unknown workload: %.*s", (int)(value->size > 60 ? 60 : value->size),
                    value->text);
}

static bool take_column(loader *all, const stele__json_value *value, parsed_line *into)
{
    for (size_t column = 0; column < BENCH_COLUMNS && value->kind == STELE_JSON_STRING; column++) {
        if (stele__json_is_text(value, bench_column_names[column])) {
            into->column = (bench_column)column;
            into->has_column = true;
            return true;
        }
    }
    return complain(all, "an unknown system: %.*s", (int)(value->size > 60 ? 60 : value->size),
                    value->text);
}

static bool take_round(loader *all, const stele__json_value *value, parsed_line *into)
{
    int64_t round;

    if (!stele__json_integer(value, &round) || round < 1 || round > BENCH_ROUNDS_MAX) {
        return complain(all, "a round must be a number from 1 to %d", BENCH_ROUNDS_MAX);
    }
    into->round = (unsigned)round - 1;
    into->has_round = true;
    return true;
}

static bool take_number(loader *all, const char *name, const stele__json_value *value,
                        double *ret_number)
{
    char text[NUMBER_TEXT];
    double number;

    if (value->kind != STELE_JSON_NUMBER || value->size >= sizeof text) {
        return complain(all, "%s is no number that could be one", name);
    }
    memcpy(text, value->text, value->size);
    text[value->size] = '\0';
    number = strtod(text, NULL);
    if (!isfinite(number) || number < 0 || number > NUMBER_MAX) {
        return complain(all, "%s is %s; a number from 0 to %g was expected", name, text,
                        NUMBER_MAX);
    }
    *ret_number = number < NUMBER_MIN ? 0 : number;
    return true;
}

/* Members that are not known are none of our business. */
static bool take_member(loader *all, const stele__json_value *name, const stele__json_value *value,
                        parsed_line *into)
{
    const struct {
        const char *name;
        double *to;
    } numbers[] = {{"per_second", &into->result.per_second},
                   {"p50_us", &into->result.p50_us},
                   {"p99_us", &into->result.p99_us},
                   {"bytes_per_event", &into->result.bytes_per_event},
                   {"rss_bytes", &into->result.rss_bytes}};

    if (stele__json_is_text(name, "workload")) {
        return take_row(all, value, into);
    }
    if (stele__json_is_text(name, "system")) {
        return take_column(all, value, into);
    }
    if (stele__json_is_text(name, "round")) {
        return take_round(all, value, into);
    }
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (stele__json_is_text(name, numbers[i].name)) {
            return take_number(all, numbers[i].name, value, numbers[i].to);
        }
    }
    return true;
}

static bool parse(loader *all, const char *text, size_t size, parsed_line *ret_line)
{
    stele__json_scanner scanner;
    stele__json_value name;
    stele__json_value value;
    bool is_first = true;
    int outcome = -1;

    *ret_line = (parsed_line){0};
    stele__json_begin(&scanner, text, size);
    if (stele__json_enter(&scanner, '{')) {
        while ((outcome = stele__json_next_member(&scanner, is_first, &name, &value)) == 1) {
            is_first = false;
            if (!take_member(all, &name, &value, ret_line)) {
                return false;
            }
        }
    }
    if (outcome != 0 || !stele__json_finish(&scanner)) {
        return complain(all, "no JSON object: %s at byte %zu",
                        scanner.message ? scanner.message : "something else", scanner.error_at);
    }
    if (!ret_line->has_row || !ret_line->has_column || !ret_line->has_round) {
        return complain(all, "workload, system or round is missing");
    }
    return true;
}

static void keep(loader *all, parsed_line *line)
{
    if (line->column == BENCH_FSYNC) {
        all->has_flushes = true;
        all->flushes_row = line->row;
        all->flushes_round = line->round;
        all->flushes = line->result;
        all->used++;
        return;
    }
    if (all->has_flushes && line->column < BENCH_STORES && all->flushes_row == line->row &&
        all->flushes_round == line->round) {
        line->result.flushes = all->flushes.per_second;
        line->result.flush_p50_us = all->flushes.p50_us;
        line->result.flush_p99_us = all->flushes.p99_us;
    }
    all->has_flushes = false;
    if (bench_results_add(line->row, line->column, line->round, &line->result)) {
        all->used++;
    } else {
        (void)complain(all, "this round of it stood in the file before");
    }
}

void bench_results_load(const char *path)
{
    loader all = {.path = path};
    FILE *file = fopen(path, "re");
    char *text = NULL;
    size_t capacity = 0;
    ssize_t size;

    if (!file) {
        bench_die("cannot read %s: %s", path, strerror(errno));
    }
    while ((size = getline(&text, &capacity, file)) >= 0) {
        parsed_line line;
        all.line++;
        while (size > 0 && (text[size - 1] == '\n' || text[size - 1] == '\r')) {
            size--;
        }
        if (size > 0 && parse(&all, text, (size_t)size, &line)) {
            keep(&all, &line);
        }
    }
    if (ferror(file)) {
        bench_die("cannot read %s: %s", path, strerror(errno));
    }
    free(text);
    (void)fclose(file);
    if (all.left_out > 0) {
        (void)fprintf(stderr, "bench: %s: %zu lines are used, %zu left out\n", path, all.used,
                      all.left_out);
    }
    if (all.used == 0) {
        bench_die("%s holds no results", path);
    }
}

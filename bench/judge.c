/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the bars are reached. Most are multiples of a floor, so that a slow or busy machine does
 * not decide; those of bytes and of microseconds are upper bounds. */
#include "results.h"

#include <stdio.h>
#include <string.h>

/* rawlog is a floor only if it comes so near to what there is without any log. */
#define FLOOR_PART 0.5
#define DCB_SPREAD_MAX 1.3
#define OTHER_RATIO_MAX 2.0
#define COMPRESSED_RATIO_MAX 5.0

static bench_verdict at_least(double reached, double wanted, const char *unit)
{
    return (bench_verdict){reached, wanted, unit, reached > 0 && reached >= wanted};
}

static bench_verdict at_most(double reached, double wanted, const char *unit)
{
    return (bench_verdict){reached, wanted, unit, reached > 0 && reached <= wanted};
}

static double ratio_to_plain(size_t row)
{
    size_t plain;

    return bench_find_row("append-os-1", &plain) ? bench_ratio(row, plain, BENCH_STELE, BENCH_RATE)
                                                 : 0;
}

bench_verdict bench_judge(size_t row)
{
    const bench_workload *workload = &bench_workloads[row];

    if (workload->kind == BENCH_SIZE || workload->kind == BENCH_MEMORY) {
        return at_most(bench_summarize(row, BENCH_STELE, BENCH_BYTES).median, workload->bar, "B");
    }
    if (workload->kind == BENCH_DCB_HOT) {
        return at_most(bench_summarize(row, BENCH_STELE, BENCH_P50).median, workload->bar, "us");
    }
    switch (workload->floor) {
    case BENCH_BY_F:
        return at_least(bench_ratio(row, row, BENCH_FSYNC, BENCH_RATE), workload->bar, "F");
    case BENCH_BY_R:
        return at_least(bench_ratio(row, row, BENCH_RAWLOG, BENCH_RATE), workload->bar, "R");
    case BENCH_BY_OS:
        return at_least(ratio_to_plain(row), workload->bar, "os-1");
    case BENCH_NO_FLOOR:
        break;
    }
    return (bench_verdict){.unit = ""};
}

/* ---- What must hold besides */

typedef struct condition_list {
    bench_condition *items;
    size_t count;
} condition_list;

/* The next one, to be named by the caller; `sign` is that of the wanted number. */
static bench_condition *add(condition_list *list, double reached, char sign, double wanted)
{
    bench_condition *condition = &list->items[list->count++];

    *condition = (bench_condition){.is_met = sign == '<' ? reached <= wanted : reached >= wanted};
    (void)snprintf(condition->reached, sizeof condition->reached, "%.2f", reached);
    (void)snprintf(condition->wanted, sizeof condition->wanted, "at %s %g",
                   sign == '<' ? "most" : "least", wanted);
    return condition;
}

static void judge_floor(condition_list *list, const char *name, bench_column below,
                        const char *beside)
{
    size_t row;

    if (!bench_find_row(name, &row)) {
        return;
    }
    const double ratio = bench_ratio_between(row, BENCH_RAWLOG, row, below, BENCH_RATE);
    if (ratio > 0) {
        bench_condition *condition = add(list, ratio, '>', FLOOR_PART);
        (void)snprintf(condition->what, sizeof condition->what, "R is a floor: its %s over %s",
                       name, beside);
    }
}

static void judge_peers(condition_list *list)
{
    size_t row;

    if (!bench_find_row("append-full-1", &row)) {
        return;
    }
    const bench_column peer = bench_best_peer(row, BENCH_RATE);
    const double ratio = peer == BENCH_STELE ? 0 : bench_ratio(row, row, peer, BENCH_RATE);
    if (ratio > 0) {
        bench_condition *condition = add(list, ratio, '>', 1);
        (void)snprintf(condition->what, sizeof condition->what,
                       "append-full-1 over the best peer, %s", bench_column_names[peer]);
    }
}

/* How much dearer a conditional append is at the worst length of history than at the best. */
static void judge_spread(condition_list *list)
{
    double least = 0;
    double most = 0;

    for (size_t row = 0; row < bench_workload_count; row++) {
        const double rate = bench_summarize(row, BENCH_STELE, BENCH_RATE).median;
        if (bench_workloads[row].kind == BENCH_DCB && rate > 0) {
            least = least > 0 && least < rate ? least : rate;
            most = most > rate ? most : rate;
        }
    }
    if (least > 0) {
        bench_condition *condition = add(list, most / least, '<', DCB_SPREAD_MAX);
        (void)snprintf(condition->what, sizeof condition->what,
                       "append-dcb: the fastest length of history over the slowest");
    }
}

static void judge_other(condition_list *list)
{
    size_t row;

    if (!bench_find_row("append-dcb-hot", &row)) {
        return;
    }
    const double ratio = bench_ratio_between(row, BENCH_OTHER, row, BENCH_OTHER_PLAIN, BENCH_P99);
    if (ratio > 0) {
        bench_condition *condition = add(list, ratio, '<', OTHER_RATIO_MAX);
        (void)snprintf(condition->what, sizeof condition->what,
                       "append-dcb-hot: p99 of another writer, over that beside a plain one");
    }
}

/* How much dearer reading is where segments are compressed. */
static void judge_compression(condition_list *list)
{
    static const char *const reads[] = {"replay-all", "read-stream-1000", "read-last-10"};

    for (size_t i = 0; i < sizeof reads / sizeof reads[0]; i++) {
        char name[64];
        size_t plain;
        size_t row;
        (void)snprintf(name, sizeof name, "%s-compressed", reads[i]);
        if (!bench_find_row(reads[i], &plain) || !bench_find_row(name, &row)) {
            continue;
        }
        const double ratio = bench_ratio(plain, row, BENCH_STELE, BENCH_RATE);
        if (ratio > 0) {
            bench_condition *condition = add(list, ratio, '<', COMPRESSED_RATIO_MAX);
            (void)snprintf(condition->what, sizeof condition->what, "%s over the same, compressed",
                           reads[i]);
        }
    }
}

size_t bench_conditions(bench_condition ret_conditions[BENCH_CONDITIONS_MAX])
{
    condition_list list = {.items = ret_conditions};

    judge_floor(&list, "append-os-1", BENCH_WRITE, "a bare loop of write() calls of 512 bytes");
    judge_floor(&list, "replay-all", BENCH_SUM, "adding up the mapped file");
    judge_peers(&list);
    judge_spread(&list);
    judge_other(&list);
    judge_compression(&list);
    return list.count;
}

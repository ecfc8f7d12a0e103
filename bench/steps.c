/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fixed number of operations on Stele in this very process, for profilers and for counting
 * instructions: the difference between two counts, over the difference of their instructions, is
 * the cost of one operation, whatever opening and filling cost. Time plays no part.
 */
#include "bench.h"

#include <stdlib.h>

static void append_steps(const bench_run *run, uint64_t count)
{
    const bench_workload *workload = run->workload;
    void *handle = bench_stele.open(run->folder, workload->durability);
    int64_t *revisions = bench_revisions_new();
    bench_event events[BENCH_BATCH_MAX];
    bench_source source;

    bench_source_init(&source, revisions, 0, 1);
    for (uint64_t i = 0; i < count; i++) {
        bench_source_batch(&source, events, workload->batch);
        bench_stele.append(handle, events, workload->batch);
    }
    bench_stele.close(handle);
    free(revisions);
}

static void read_steps(const bench_run *run, uint64_t count)
{
    void *handle = bench_stele.open(run->folder, BENCH_OS);
    uint64_t random = 815;

    for (uint64_t i = 0; i < count; i++) {
        bench_seen += bench_read_once(run, handle, &random);
    }
    bench_stele.close(handle);
}

void bench_run_steps(const bench_run *run, uint64_t count)
{
    bench_result result;

    switch (run->workload->kind) {
    case BENCH_APPEND:
        append_steps(run, count);
        break;
    case BENCH_REPLAY:
    case BENCH_STREAM:
    case BENCH_LAST:
        bench_prepare_reads(run, &result);
        read_steps(run, count);
        break;
    case BENCH_DCB:
        bench_dcb_steps(run, count);
        break;
    case BENCH_ASYNC:
    case BENCH_DCB_HOT:
    case BENCH_SUSTAINED:
    case BENCH_SIZE:
    case BENCH_MEMORY:
        bench_die("--steps goes with appends of one writer, and with reads");
    }
}

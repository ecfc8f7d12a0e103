/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `stele bench` measures: appends by some writers for some time, and reads, on a store of its
 * own. The workload is that of an ordinary business system: 200 bytes of JSON and 40 bytes of
 * metadata an event, ten thousand streams, every append with the expected revision.
 */
#ifndef STELE_CLI_BENCH_H
#define STELE_CLI_BENCH_H

#include "memory.h"

#include <stele/stele.h>

#define CLI_BENCH_STREAMS 10000
#define CLI_BENCH_BATCH_MAX 1000

typedef struct cli_bench {
    stele_store *store;
    int64_t *revisions; /* the last of each stream */
    int64_t duration;   /* of a measurement, in nanoseconds */
} cli_bench;

typedef struct cli_bench_load {
    stele_durability durability;
    unsigned writers;
    unsigned batch; /* events a commit */
} cli_bench_load;

typedef struct cli_bench_result {
    double events_per_second;
    double operations_per_second;
    double bytes_per_second; /* of content: names, data, metadata */
    int64_t p50;             /* nanoseconds of one operation */
    int64_t p99;
} cli_bench_result;

typedef enum cli_bench_reading {
    CLI_BENCH_EVERYTHING = 0, /* all events from the first */
    CLI_BENCH_STREAM,         /* all events of a random stream */
    CLI_BENCH_LAST            /* the last ten of a random stream */
} cli_bench_reading;

stele_status cli_bench_append(cli_bench *bench, const cli_bench_load *load,
                              cli_bench_result *ret_result, stele_error *reterr);
stele_status cli_bench_read(cli_bench *bench, cli_bench_reading reading,
                            cli_bench_result *ret_result, stele_error *reterr);

#endif

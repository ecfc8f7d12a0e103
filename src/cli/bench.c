/* SPDX-License-Identifier: Apache-2.0 */
/* The measurements of `stele bench`, see bench.h. Writers are threads that each own a part of the
 * streams, so nothing is ever refused; latencies go into histograms with sixteen steps an octave,
 * good to about six per cent. */
#include "bench.h"

#include "cli.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define STEPS 16
#define BUCKETS (64 * STEPS)
#define LAST_COUNT 10

static const char event_type[] = "MoneyDeposited";
static const char event_data[] =
    "{\"account\":\"ACC-0004711\",\"amount\":\"1250.00\",\"currency\":\"EUR\","
    "\"reference\":\"invoice 2026-118 of the joinery\",\"booked\":true,"
    "\"counterparty\":{\"name\":\"Ann Example\",\"iban\":\"XX00 0000 0000 0000 0000 00\"}}";
static const char event_metadata[] = "{\"user\":\"ann\",\"correlation\":\"8f2c51d7\"}";

/* ---- Latencies */

typedef struct bench_histogram {
    uint64_t counts[BUCKETS];
    uint64_t total;
} bench_histogram;

static size_t bucket_of(uint64_t value)
{
    unsigned octave;

    if (value < STEPS) {
        return (size_t)value;
    }
    octave = 63 - (unsigned)__builtin_clzll(value);
    return (size_t)(octave - 3) * STEPS + (size_t)(value >> (octave - 4) & (STEPS - 1));
}

static uint64_t value_of(size_t bucket)
{
    const size_t octave = bucket / STEPS + 3;

    return bucket < STEPS ? bucket : (STEPS + bucket % STEPS) << (octave - 4);
}

static void note(bench_histogram *histogram, int64_t nanoseconds)
{
    histogram->counts[bucket_of(nanoseconds > 0 ? (uint64_t)nanoseconds : 0)]++;
    histogram->total++;
}

static int64_t percentile(const bench_histogram *histogram, double part)
{
    const uint64_t wanted = (uint64_t)((double)histogram->total * part);
    uint64_t seen = 0;

    for (size_t i = 0; i < BUCKETS; i++) {
        seen += histogram->counts[i];
        if (seen > wanted) {
            return (int64_t)value_of(i);
        }
    }
    return 0;
}

static void merge(bench_histogram *into, const bench_histogram *from)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        into->counts[i] += from->counts[i];
    }
    into->total += from->total;
}

/* ---- Workers */

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void stream_name(size_t index, char ret_name[32])
{
    (void)snprintf(ret_name, 32, "account-%zu", index);
}

/* What a commit of the workload is made of. */
static uint64_t content_bytes(unsigned events)
{
    return (uint64_t)events * (sizeof event_type - 1 + sizeof event_data - 1 +
                               sizeof event_metadata - 1 + sizeof(stele_uuid) + 12);
}

typedef struct bench_writer {
    cli_bench *bench;
    const cli_bench_load *load;
    pthread_t thread;
    size_t index;
    int64_t deadline;
    uint64_t commits;
    bench_histogram latencies;
    stele_error error; /* status not ok: why it stopped */
} bench_writer;

static void write_for_a_while(bench_writer *writer, const stele_event *events)
{
    cli_bench *bench = writer->bench;
    const stele_append_options append = {.durability = writer->load->durability};
    const size_t mine = CLI_BENCH_STREAMS / writer->load->writers;
    uint64_t random = UINT64_C(88172645463325252) + writer->index * UINT64_C(0x9e3779b97f4a7c15);
    int64_t begun = cli_monotonic();
    int64_t now;

    do {
        const size_t stream = next_random(&random) % mine * writer->load->writers + writer->index;
        stele_receipt receipt;
        char name[32];

        stream_name(stream, name);
        if (stele_append(bench->store, name, bench->revisions[stream], events, writer->load->batch,
                         &append, &receipt, &writer->error) != STELE_OK) {
            return;
        }
        bench->revisions[stream] += writer->load->batch;
        writer->commits++;
        now = cli_monotonic();
        note(&writer->latencies, now - begun);
        begun = now;
    } while (now < writer->deadline && cli_caught_signal() == 0);
}

static void *run_writer(void *context)
{
    bench_writer *writer = context;
    stele_event *events = cli_take_zero(CLI_BENCH_BATCH_MAX * sizeof *events);

    writer->error.status = STELE_OK;
    for (size_t i = 0; i < CLI_BENCH_BATCH_MAX; i++) {
        events[i] = stele_json_event(event_type, event_data);
        events[i].metadata_format = STELE_JSON;
        events[i].metadata =
            (stele_bytes){(const uint8_t *)event_metadata, sizeof event_metadata - 1};
    }
    write_for_a_while(writer, events);
    cli_give_back(events, CLI_BENCH_BATCH_MAX * sizeof *events);
    return NULL;
}

static void fill_result(cli_bench_result *result, const bench_histogram *latencies, uint64_t events,
                        uint64_t bytes, int64_t elapsed)
{
    const double seconds = elapsed > 0 ? (double)elapsed / 1e9 : 1e-9;

    result->events_per_second = (double)events / seconds;
    result->operations_per_second = (double)latencies->total / seconds;
    result->bytes_per_second = (double)bytes / seconds;
    result->p50 = percentile(latencies, 0.5);
    result->p99 = percentile(latencies, 0.99);
}

stele_status cli_bench_append(cli_bench *bench, const cli_bench_load *load,
                              cli_bench_result *ret_result, stele_error *reterr)
{
    const int64_t begun = cli_monotonic();
    bench_writer *writers = cli_take_zero(load->writers * sizeof *writers);
    bench_histogram *all = cli_take_zero(sizeof *all);
    uint64_t commits = 0;
    unsigned started = 0;
    stele_status status = STELE_OK;

    for (; started < load->writers && status == STELE_OK; started++) {
        bench_writer *writer = &writers[started];

        writer->bench = bench;
        writer->load = load;
        writer->index = started;
        writer->deadline = begun + bench->duration;
        if (pthread_create(&writer->thread, NULL, run_writer, writer) != 0) {
            break;
        }
    }
    for (unsigned i = 0; i < started; i++) {
        (void)pthread_join(writers[i].thread, NULL);
        merge(all, &writers[i].latencies);
        commits += writers[i].commits;
        if (writers[i].error.status != STELE_OK && status == STELE_OK) {
            *reterr = writers[i].error;
            status = reterr->status;
        }
    }
    fill_result(ret_result, all, commits * load->batch, commits * content_bytes(load->batch),
                cli_monotonic() - begun);
    cli_give_back(writers, load->writers * sizeof *writers);
    cli_give_back(all, sizeof *all);
    return status;
}

/* ---- Reading */

static void choose_read(cli_bench_reading reading, uint64_t *random, char name[32],
                        stele_read *ret_read)
{
    *ret_read = (stele_read){0};
    if (reading != CLI_BENCH_EVERYTHING) {
        stream_name(next_random(random) % CLI_BENCH_STREAMS, name);
        ret_read->stream = name;
    }
    if (reading == CLI_BENCH_LAST) {
        ret_read->direction = STELE_BACKWARDS;
        ret_read->limit = LAST_COUNT;
    }
}

/* Reads once; adds up what was read. A stream that was never written is as good as an empty one. */
static stele_status read_once(stele_store *store, const stele_read *read, int64_t deadline,
                              uint64_t *events, uint64_t *bytes, stele_error *reterr)
{
    stele_cursor *cursor = NULL;
    const stele_record *record;
    stele_status status = stele_read_open(store, read, &cursor, reterr);

    if (status != STELE_OK) {
        return status == STELE_NOT_FOUND ? STELE_OK : status;
    }
    while ((record = stele_cursor_next(cursor, reterr))) {
        (*events)++;
        *bytes += record->data.size + record->metadata.size + record->type.size +
                  record->stream.size + sizeof record->id;
        if (*events % 4096 == 0 && (cli_monotonic() > deadline || cli_caught_signal() != 0)) {
            break;
        }
    }
    status = record ? STELE_OK : reterr->status;
    stele_cursor_free(cursor);
    return status;
}

stele_status cli_bench_read(cli_bench *bench, cli_bench_reading reading,
                            cli_bench_result *ret_result, stele_error *reterr)
{
    const int64_t begun = cli_monotonic();
    const int64_t deadline = begun + bench->duration;
    bench_histogram *latencies = cli_take_zero(sizeof *latencies);
    uint64_t random = UINT64_C(2463534242);
    uint64_t events = 0;
    uint64_t bytes = 0;
    int64_t last = begun;
    int64_t now = begun;
    stele_status status = STELE_OK;

    while (status == STELE_OK && now < deadline && cli_caught_signal() == 0) {
        stele_read read;
        char name[32];

        choose_read(reading, &random, name, &read);
        status = read_once(bench->store, &read, deadline, &events, &bytes, reterr);
        now = cli_monotonic();
        note(latencies, now - last);
        last = now;
    }
    fill_result(ret_result, latencies, events, bytes, now - begun);
    cli_give_back(latencies, sizeof *latencies);
    return status;
}

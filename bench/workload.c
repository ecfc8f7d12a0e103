/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Workload W: a 16-byte id, the type MoneyDeposited, 200 bytes of JSON, 40 bytes of JSON metadata;
 * 10,000 streams account-<n>; each append to a random stream with its exact expected revision. For
 * reads there are also streams ledger-<n> of 1,000 events each, scattered among the others.
 *
 * Making an event must cost next to nothing beside appending it, so payloads come from a pool made
 * once. They repeat their keys, as real ones do, and differ in their values. Where the size of what
 * is compressed is measured, each payload is a new one: a compressor would learn the pool by heart.
 */
#include "bench.h"

#include <stdio.h>
#include <string.h>

#define PAYLOADS 1024
#define NAME_SIZE 16
#define ALL_STREAMS (BENCH_STREAMS + BENCH_LONG_MAX)
/* Has no factor in common with numbers of streams that are divisible by 2 and 5 only. */
#define BATCH_STRIDE 157

static char payloads[PAYLOADS][BENCH_DATA_SIZE + 1];
static char metadata[PAYLOADS][BENCH_METADATA_SIZE + 1];
static char fresh_payloads[BENCH_BATCH_MAX][BENCH_DATA_SIZE + 1];
static char fresh_metadata[BENCH_BATCH_MAX][BENCH_METADATA_SIZE + 1];
static char names[ALL_STREAMS][NAME_SIZE];
static uint8_t name_sizes[ALL_STREAMS];

volatile uint64_t bench_seen;

_Static_assert(NAME_SIZE <= BENCH_NAME_SIZE, "account names fit");

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint64_t bench_random_below(uint64_t *state, uint64_t bound)
{
    return (uint64_t)(((unsigned __int128)next_random(state) * bound) >> 64);
}

/* Fills what is left of an array with blanks: JSON allows them at its end. */
static void pad(char *text, size_t size, int used)
{
    const size_t length = used < 0 || (size_t)used > size ? size : (size_t)used;

    memset(text + length, ' ', size - length);
    text[size] = '\0';
}

static void make_payload(uint64_t *random, char data[BENCH_DATA_SIZE + 1],
                         char more[BENCH_METADATA_SIZE + 1])
{
    const unsigned amount = (unsigned)bench_random_below(random, 1000000);
    const unsigned long long reference = next_random(random);
    int used = snprintf(data, BENCH_DATA_SIZE + 1,
                        "{\"amount\":\"%u.%02u\",\"currency\":\"EUR\",\"reference\":\"%016llx\","
                        "\"booked\":\"2026-%02u-%02u\",\"counterparty\":\"customer-%06u\","
                        "\"memo\":\"monthly payment for the rent of the garage\"}",
                        amount / 100, amount % 100, reference, amount % 12 + 1, amount % 28 + 1,
                        (unsigned)(reference % 1000000));
    pad(data, BENCH_DATA_SIZE, used);
    used = snprintf(more, BENCH_METADATA_SIZE + 1, "{\"user\":\"u%04u\",\"trace\":\"%012llx\"}",
                    amount % 10000, reference & 0xffffffffffffULL);
    pad(more, BENCH_METADATA_SIZE, used);
}

void bench_workload_init(void)
{
    uint64_t random = 20261121;

    for (uint32_t i = 0; i < PAYLOADS; i++) {
        make_payload(&random, payloads[i], metadata[i]);
    }
    for (uint32_t i = 0; i < ALL_STREAMS; i++) {
        const int used = i < BENCH_STREAMS
                             ? snprintf(names[i], NAME_SIZE, "account-%u", i)
                             : snprintf(names[i], NAME_SIZE, "ledger-%u", i - BENCH_STREAMS);
        name_sizes[i] = (uint8_t)used;
    }
}

const char *bench_stream_name(uint32_t stream)
{
    return names[stream];
}

size_t bench_stream_name_size(uint32_t stream)
{
    return name_sizes[stream];
}

size_t bench_account_name(uint32_t stream, char ret_name[BENCH_NAME_SIZE])
{
    static const char prefix[] = "account-";
    char digits[10];
    size_t count = 0;
    size_t size = sizeof prefix - 1;

    memcpy(ret_name, prefix, size);
    do {
        digits[count++] = (char)('0' + stream % 10);
        stream /= 10;
    } while (stream > 0);
    while (count > 0) {
        ret_name[size++] = digits[--count];
    }
    ret_name[size] = '\0';
    return size;
}

void bench_payload(uint64_t random, bench_event *event)
{
    event->data = payloads[random % PAYLOADS];
    event->metadata = metadata[random % PAYLOADS];
}

int64_t *bench_revisions_new(void)
{
    int64_t *revisions = bench_allocate(ALL_STREAMS * sizeof *revisions);

    for (size_t i = 0; i < ALL_STREAMS; i++) {
        revisions[i] = -1;
    }
    return revisions;
}

void bench_source_init(bench_source *source, int64_t *revisions, uint32_t writer, uint32_t writers)
{
    static uint32_t sources;

    *source = (bench_source){.random = 4711 + writer,
                             .revisions = revisions,
                             .stream_first = writer,
                             .stream_step = writers,
                             .stream_count = (BENCH_STREAMS - writer + writers - 1) / writers,
                             .run = (uint32_t)bench_now() * 64 + ++sources};
}

void bench_source_for(bench_source *source, uint32_t stream, bench_event *ret_event)
{
    const uint64_t random = next_random(&source->random);
    const uint64_t number = source->made++;

    /* Random bits first, as in a random UUID; the rest makes it unique. */
    memcpy(ret_event->id.bytes, &random, 8);
    memcpy(ret_event->id.bytes + 8, &number, 4);
    memcpy(ret_event->id.bytes + 12, &source->run, 4);
    ret_event->stream = stream;
    ret_event->expected = source->revisions[stream]++;
    bench_payload(random, ret_event);
    if (source->is_fresh) {
        const uint64_t place = number % BENCH_BATCH_MAX;
        make_payload(&source->random, fresh_payloads[place], fresh_metadata[place]);
        ret_event->data = fresh_payloads[place];
        ret_event->metadata = fresh_metadata[place];
    }
}

void bench_source_next(bench_source *source, bench_event *ret_event)
{
    const uint32_t chosen = (uint32_t)bench_random_below(&source->random, source->stream_count);

    bench_source_for(source, source->stream_first + chosen * source->stream_step, ret_event);
}

void bench_source_batch(bench_source *source, bench_event *ret_events, size_t count)
{
    uint32_t chosen = (uint32_t)bench_random_below(&source->random, source->stream_count);

    for (size_t i = 0; i < count; i++) {
        bench_source_for(source, source->stream_first + chosen * source->stream_step,
                         &ret_events[i]);
        chosen = (chosen + BATCH_STRIDE) % source->stream_count;
    }
}

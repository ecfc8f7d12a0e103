/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A history of W that is a function of its numbers: event n, which has position n + 1, follows from
 * n alone, so that whatever a store answers can be compared with it, however long the history is.
 * All that must be kept is how many events each stream has.
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { RUN = 100 }; /* neighbours in a large sample */

static const bench_phase *phase_of(const bench_model *model, uint64_t number)
{
    size_t i = model->phase_count;

    while (i > 1 && number < model->phases[i - 1].first) {
        i--;
    }
    return &model->phases[i - 1];
}

void bench_model_init(bench_model *model, uint32_t streams)
{
    /* Shared with the processes that are started later: it is one history that they all make. */
    void *memory = mmap(NULL, streams * sizeof *model->counts, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED) {
        bench_die("out of memory");
    }
    *model = (bench_model){.stream_count = streams, .counts = memory};
}

void bench_model_done(bench_model *model)
{
    (void)munmap(model->counts, model->stream_count * sizeof *model->counts);
}

void bench_model_phase(bench_model *model, uint64_t first, uint32_t streams)
{
    if (model->phase_count == BENCH_PHASES_MAX || streams > model->stream_count) {
        bench_die("a history has too many phases or streams");
    }
    model->phases[model->phase_count++] = (bench_phase){first, streams};
}

uint32_t bench_model_stream(const bench_model *model, uint64_t number)
{
    uint64_t state = 2 * number;

    return (uint32_t)bench_random_below(&state, phase_of(model, number)->streams);
}

void bench_model_event(const bench_model *model, uint64_t number, bench_event *ret_event)
{
    uint64_t state = ~number;
    const uint64_t random = bench_random_below(&state, UINT64_MAX);

    memset(ret_event, 0, sizeof *ret_event);
    memcpy(ret_event->id.bytes, &random, sizeof random);
    memcpy(ret_event->id.bytes + sizeof random, &number, sizeof number);
    ret_event->stream = bench_model_stream(model, number);
    bench_payload(random, ret_event);
}

void bench_model_next(bench_model *model, uint64_t number, bench_event *ret_event)
{
    bench_model_event(model, number, ret_event);
    ret_event->expected = (int64_t)model->counts[ret_event->stream]++ - 1;
}

size_t bench_model_sample(const bench_model *model, uint64_t events, size_t count,
                          bench_sample **ret_samples)
{
    bench_sample *samples = bench_allocate(count * sizeof *samples);
    uint32_t *counts = bench_allocate(model->stream_count * sizeof *counts);
    uint64_t random = 20261122;
    size_t taken = 0;

    /* Runs of neighbours, one at random of each stretch of the history, in the order of positions:
     * from a disk a run costs hardly more than one of its events would. */
    const uint64_t run = count >= 1000 * RUN ? RUN : 1;
    const uint64_t stretch = events * run / count > run ? events * run / count : run;
    uint64_t begin = bench_random_below(&random, stretch - run + 1);
    for (uint64_t number = 0; number < events && taken < count; number++) {
        const uint32_t stream = bench_model_stream(model, number);
        const uint32_t revision = counts[stream]++;
        if (number >= begin && number < begin + run) {
            samples[taken++] = (bench_sample){number, stream, revision};
        }
        if ((number + 1) % stretch == 0) {
            begin = number + 1 + bench_random_below(&random, stretch - run + 1);
        }
    }
    free(counts);
    *ret_samples = samples;
    return taken;
}

static void check(stele_status status, const stele_error *error)
{
    if (status != STELE_OK) {
        bench_die("stele: %s%s%s", error->message, error->hint[0] ? "; " : "", error->hint);
    }
}

void bench_model_compare(const bench_model *model, const stele_record *record, uint64_t number,
                         uint64_t revision)
{
    char name[BENCH_NAME_SIZE];
    bench_event event;

    bench_model_event(model, number, &event);
    const size_t size = bench_account_name(event.stream, name);
    if (record->position != number + 1 || record->revision != revision ||
        memcmp(record->id.bytes, event.id.bytes, sizeof event.id.bytes) != 0 ||
        record->stream.size != size || memcmp(record->stream.data, name, size) != 0 ||
        record->data.size != BENCH_DATA_SIZE ||
        memcmp(record->data.data, event.data, BENCH_DATA_SIZE) != 0 ||
        record->metadata.size != BENCH_METADATA_SIZE ||
        memcmp(record->metadata.data, event.metadata, BENCH_METADATA_SIZE) != 0) {
        bench_die("stele: event %llu of %s is not what was appended", (unsigned long long)revision,
                  name);
    }
}

void bench_model_read(const bench_model *model, stele_store *store, const bench_sample *sample)
{
    char name[BENCH_NAME_SIZE];
    const stele_read read = {.stream = name,
                             .from = STELE_FROM_REVISION(sample->revision),
                             .limit = 1};
    stele_cursor *cursor;
    stele_error error;

    (void)bench_account_name(sample->stream, name);
    check(stele_read_open(store, &read, &cursor, &error), &error);
    const stele_record *record = stele_cursor_next(cursor, &error);
    if (!record) {
        check(error.status, &error);
        bench_die("stele: event %u of %s is missing", sample->revision, name);
    }
    bench_model_compare(model, record, sample->number, sample->revision);
    stele_cursor_free(cursor);
}

uint64_t bench_model_check(const bench_model *model, stele_store *store, uint64_t events,
                           size_t count)
{
    bench_sample *samples;
    const size_t taken = bench_model_sample(model, events, count, &samples);
    stele_position head;
    stele_error error;

    check(stele_head(store, &head, &error), &error);
    if (head != events) {
        bench_die("stele: there are %llu events, and there should be %llu",
                  (unsigned long long)head, (unsigned long long)events);
    }
    for (size_t i = 0; i < taken; i++) {
        bench_model_read(model, store, &samples[i]);
    }
    free(samples);
    return taken;
}

void bench_model_verify(stele_store *store, uint64_t events)
{
    stele_verify_result result = {0};
    stele_error error;

    check(stele_verify(store, NULL, &result, &error), &error);
    if (result.events != events || result.damage_count > 0) {
        bench_die("stele: verify saw %llu events and %llu damages",
                  (unsigned long long)result.events, (unsigned long long)result.damage_count);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sixteen threads append and sixteen read, in a store whose segments are so small that it rolls,
 * seals and merges all the time. Readers see prefixes of one history and never anything else;
 * revisions are dense; of many who want the same name exactly one gets it.
 */
#include "base/base.h"
#include "support/test.h"

#include <stele/stele.h>
#include <stele/sys/vfs.h>

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

enum { APPENDERS = 16, READERS = 16, SHARED_STREAMS = 3, NAMES = 60, POSITIONS_MAX = 200000 };

typedef struct stress_run {
    stele_store *store;
    bool is_lazy;
    uint64_t commits;                        /* of each appender */
    _Atomic unsigned running;                /* appenders */
    _Atomic uint64_t digests[POSITIONS_MAX]; /* of each position, by whoever reads it first */
    _Atomic uint64_t taken[NAMES];           /* how often a name was given away */
    _Atomic uint64_t refused;
    _Atomic uint64_t passes; /* of readers */
} stress_run;

typedef struct worker {
    stele__thread thread;
    stress_run *stress;
    unsigned number;
    stele__prng prng;
} worker;

/* ---- appending ---- */

/* Events carry who made them and which of his they are. */
static stele_event make_event(const worker *self, uint64_t sequence, uint8_t *data, size_t size,
                              const char *stream)
{
    memset(data, (int)sequence, size);
    stele__store32(data, self->number);
    stele__store64(data + 4, sequence);
    stele_event event = stele_binary_event("stress", data, size);
    event.stream = stream;
    return event;
}

/* To the own stream at its exact revision, and to shared ones. */
static void append_commit(worker *self, uint64_t sequence)
{
    uint8_t data[3][1600];
    char own[24];
    char shared[24];
    stele_event events[3];
    stele_receipt receipt;
    stele_error error;
    const size_t count = 1 + (size_t)stele__prng_below(&self->prng, 3);
    (void)snprintf(own, sizeof own, "own-%u", self->number);
    (void)snprintf(shared, sizeof shared, "shared-%u",
                   (unsigned)stele__prng_below(&self->prng, SHARED_STREAMS));
    for (size_t i = 0; i < count; i++) {
        const size_t size = 16 + (size_t)stele__prng_below(&self->prng, sizeof data[0] - 16);
        events[i] = make_event(self, sequence, data[i], size, i == 0 ? own : shared);
    }
    const stele_check check = {own, sequence == 0 ? STELE_NO_STREAM : (stele_expected)sequence - 1};
    const stele_commit commit = {.events = events,
                                 .event_count = count,
                                 .checks = &check,
                                 .check_count = 1};
    expect_ok(stele_append_commit(self->stress->store, &commit, &receipt, NULL, &error), &error);
    expect_uint(receipt.position - receipt.first_position + 1, count);
    if (!self->stress->is_lazy) {
        /* What was answered is visible. */
        stele_position head;
        expect_ok(stele_head(self->stress->store, &head, &error), &error);
        expect_true(head >= receipt.position);
    }
}

/* A name that only one may have: a condition on a tag. */
static void take_name(worker *self, uint64_t sequence)
{
    uint8_t data[32];
    char tag[24];
    char stream[24];
    const unsigned name = (unsigned)stele__prng_below(&self->prng, NAMES);
    (void)snprintf(tag, sizeof tag, "name:%u", name);
    (void)snprintf(stream, sizeof stream, "names-%u", self->number);
    const char *tags[] = {tag};
    stele_event event = make_event(self, sequence, data, sizeof data, stream);
    event.tags = tags;
    event.tag_count = 1;
    const stele_query query = stele_query_of(stele_any_type(), stele_tags(tag));
    const stele_condition condition = {.no_event_matching = &query};
    const stele_append_options options = {.conditions = &condition, .condition_count = 1};
    stele_error error;
    const stele_status status =
        stele_append(self->stress->store, stream, STELE_ANY, &event, 1, &options, NULL, &error);
    if (status == STELE_OK) {
        atomic_fetch_add(&self->stress->taken[name], 1);
    } else {
        expect_error(status, &error, STELE_CONFLICT_CONDITION);
        expect_true(error.conflict.position > 0);
        atomic_fetch_add(&self->stress->refused, 1);
    }
}

static void append_all(void *context)
{
    worker *self = context;
    for (uint64_t sequence = 0; sequence < self->stress->commits; sequence++) {
        append_commit(self, sequence);
        if (sequence % 2 == 0) {
            take_name(self, sequence);
        }
    }
    atomic_fetch_sub(&self->stress->running, 1);
}

/* ---- reading ---- */

static uint64_t digest_of(const stele_record *record)
{
    static const stele__hash_key key = {1, 2};
    uint64_t digest = stele__hash(&key, record->data.data, record->data.size);
    digest = digest * 31 + stele__hash(&key, record->stream.data, record->stream.size);
    digest = digest * 31 + stele__hash(&key, record->id.bytes, 16) + record->revision +
             (uint64_t)record->time;
    return digest | 1;
}

/* Whoever reads a position first says what stands there; everybody else must agree. */
static void compare(stress_run *stress, const stele_record *record)
{
    expect_true(record->position < POSITIONS_MAX);
    uint64_t known = 0;
    const uint64_t digest = digest_of(record);
    if (!atomic_compare_exchange_strong(&stress->digests[record->position], &known, digest) &&
        known != digest) {
        test_fail("position %llu is not what it was", (unsigned long long)record->position);
    }
}

static void read_prefix(const worker *self)
{
    const stele_read read = {.limit = 0};
    stele_cursor *cursor;
    stele_error error;
    stele_position position = 0;
    expect_ok(stele_read_open(self->stress->store, &read, &cursor, &error), &error);
    const stele_position head = stele_cursor_head(cursor);
    for (const stele_record *record; (record = stele_cursor_next(cursor, &error)) != NULL;) {
        expect_uint(record->position, ++position);
        compare(self->stress, record);
    }
    expect_ok(error.status, &error);
    expect_uint(position, head);
    stele_cursor_free(cursor);
}

static void read_backwards(const worker *self)
{
    const stele_read read = {.direction = STELE_BACKWARDS, .limit = 500};
    stele_cursor *cursor;
    stele_error error;
    expect_ok(stele_read_open(self->stress->store, &read, &cursor, &error), &error);
    stele_position position = stele_cursor_head(cursor);
    for (const stele_record *record; (record = stele_cursor_next(cursor, &error)) != NULL;
         position--) {
        expect_uint(record->position, position);
        compare(self->stress, record);
    }
    expect_ok(error.status, &error);
    stele_cursor_free(cursor);
}

/* Revisions are dense, and each event names the stream that it is read in. */
static void read_stream(worker *self)
{
    char stream[24];
    const unsigned number = (unsigned)stele__prng_below(&self->prng, APPENDERS + SHARED_STREAMS);
    if (number < APPENDERS) {
        (void)snprintf(stream, sizeof stream, "own-%u", number);
    } else {
        (void)snprintf(stream, sizeof stream, "shared-%u", number - APPENDERS);
    }
    const stele_read read = {.stream = stream};
    stele_cursor *cursor;
    stele_error error;
    const stele_status status = stele_read_open(self->stress->store, &read, &cursor, &error);
    if (status == STELE_NOT_FOUND) {
        return; /* nothing there yet */
    }
    expect_ok(status, &error);
    stele_position last = 0;
    uint64_t revision = 0;
    for (const stele_record *record; (record = stele_cursor_next(cursor, &error)) != NULL;
         revision++) {
        expect_uint(record->revision, revision);
        expect_true(record->position > last);
        expect_text(record->stream, (const char *)stream);
        if (number < APPENDERS) {
            expect_uint(stele__load32(record->data.data), number);
            expect_uint(stele__load64(record->data.data + 4), revision);
        }
        compare(self->stress, record);
        last = record->position;
    }
    expect_ok(error.status, &error);
    stele_cursor_free(cursor);
}

/* Each name at most once, at whatever head. */
static void read_names(worker *self)
{
    char tag[24];
    (void)snprintf(tag, sizeof tag, "name:%u", (unsigned)stele__prng_below(&self->prng, NAMES));
    const stele_read read = {.tag = tag};
    stele_cursor *cursor;
    stele_error error;
    size_t count = 0;
    expect_ok(stele_read_open(self->stress->store, &read, &cursor, &error), &error);
    while (stele_cursor_next(cursor, &error)) {
        count++;
    }
    expect_ok(error.status, &error);
    expect_true(count <= 1);
    stele_cursor_free(cursor);
}

static void read_all(void *context)
{
    worker *self = context;
    while (atomic_load(&self->stress->running) > 0) {
        switch (self->number % 4) {
        case 0:
            read_prefix(self);
            break;
        case 1:
            read_backwards(self);
            break;
        case 2:
            read_stream(self);
            break;
        default:
            read_names(self);
            break;
        }
        atomic_fetch_add(&self->stress->passes, 1);
    }
}

/* Follows from the beginning to the end: every event once, in order, as it comes. */
static void follow_all(void *context)
{
    worker *self = context;
    const stele_read everything = {.limit = 0};
    stele_cursor *cursor;
    stele_error error;
    stele_position position = 0;
    expect_ok(stele_follow_open(self->stress->store, &everything, &cursor, &error), &error);
    for (bool is_last = false; !is_last;) {
        is_last = atomic_load(&self->stress->running) == 0;
        for (const stele_record *record; (record = stele_cursor_next(cursor, &error)) != NULL;) {
            expect_uint(record->position, ++position);
            compare(self->stress, record);
        }
        expect_ok(error.status, &error);
        const stele_status status = stele_cursor_wait(cursor, STELE_MILLISECONDS(20), &error);
        expect_true(status == STELE_OK || status == STELE_TIMEOUT);
    }
    stele_cursor_free(cursor);
    atomic_fetch_add(&self->stress->passes, 1);
}

/* ---- the test ---- */

static void judge(stress_run *stress)
{
    stele_verify_result result;
    stele_info info;
    stele_error error;
    worker reader = {.stress = stress};
    expect_ok(stele_sync(stress->store, &error), &error);
    read_prefix(&reader);
    uint64_t taken = 0;
    for (size_t i = 0; i < NAMES; i++) {
        expect_true(atomic_load(&stress->taken[i]) <= 1);
        taken += atomic_load(&stress->taken[i]);
    }
    expect_true(taken > NAMES / 2);
    expect_ok(stele_describe(stress->store, &info, &error), &error);
    expect_ok(stele_verify(stress->store, NULL, &result, &error), &error);
    expect_uint(result.events, info.head);
    expect_uint(info.refusals, atomic_load(&stress->refused));
    for (unsigned i = 0; i < APPENDERS; i++) {
        char stream[24];
        stele_stream_info about;
        (void)snprintf(stream, sizeof stream, "own-%u", i);
        expect_ok(stele_stream_describe(stress->store, stream, &about, &error), &error);
        expect_uint(about.event_count, stress->commits);
    }
    test_note(
        "%llu events in %llu segments and %llu index files, %llu refusals, %llu passes of readers",
        (unsigned long long)info.head, (unsigned long long)info.segment_count,
        (unsigned long long)info.index_file_count, (unsigned long long)info.refusals,
        (unsigned long long)atomic_load(&stress->passes));
    expect_true(info.segment_count > 20);
    expect_true(info.index_file_count > 1 && info.index_file_count < info.segment_count);
}

static void run(const stele_options *options, uint64_t commits)
{
    stress_run *stress = test_memory(sizeof *stress);
    worker *workers = test_memory((APPENDERS + READERS) * sizeof *workers);
    const char *folder = test_folder();
    stele_error error;
    stress->commits = commits;
    stress->is_lazy = options->durability == STELE_DURABLE_NONE;
    atomic_init(&stress->running, APPENDERS);
    expect_ok(stele_open(folder, options, &stress->store, &error), &error);
    for (unsigned i = 0; i < APPENDERS + READERS; i++) {
        worker *self = &workers[i];
        self->stress = stress;
        self->number = i < APPENDERS ? i : i - APPENDERS;
        stele__prng_seed(&self->prng, test_seed() * 1000 + i);
        void (*work)(void *) = i < APPENDERS                 ? append_all
                               : self->number >= READERS - 4 ? follow_all
                                                             : read_all;
        expect_int(stele__thread_start(&self->thread, "stress", work, self), 0);
    }
    for (unsigned i = 0; i < APPENDERS + READERS; i++) {
        stele__thread_join(&workers[i].thread);
    }
    judge(stress);
    expect_ok(stele_close(stress->store, &error), &error);
    /* The same when it is opened again. */
    expect_ok(stele_open(folder, options, &stress->store, &error), &error);
    worker reader = {.stress = stress};
    read_prefix(&reader);
    expect_ok(stele_close(stress->store, &error), &error);
}

static stele_options tiny(stele_durability durability, stele_mapping mapping)
{
    return (stele_options){.segment_bytes = 64 << 10,
                           .memory_bytes = STELE_MEMORY_MIN,
                           .durability = durability,
                           .mapping = mapping};
}

TEST_WITHIN(sixteen_append_and_sixteen_read_mapped_files, 120)
{
    const stele_options options = tiny(STELE_DURABLE_OS, STELE_MAP);
    run(&options, test_scaled(60));
}

TEST_WITHIN(sixteen_append_and_sixteen_read_unmapped_files, 120)
{
    const stele_options options = tiny(STELE_DURABLE_OS, STELE_PREAD);
    run(&options, test_scaled(60));
}

TEST_WITHIN(sixteen_append_lazily_and_sixteen_read, 120)
{
    const stele_options options = tiny(STELE_DURABLE_NONE, STELE_MAP);
    run(&options, test_scaled(60));
}

/* ---- rolling */

/* A disk that takes its time: meanwhile all others gather. */
static int sync_slowly(stele_file *file)
{
    const struct timespec span = {.tv_nsec = 100000};
    (void)file;
    (void)nanosleep(&span, NULL);
    return 0;
}

static void append_durably(void *context)
{
    worker *self = context;
    static const uint8_t data[4000];
    for (uint64_t i = 0; i < self->stress->commits; i++) {
        const stele_event event = stele_binary_event("stress", data, sizeof data);
        stele_error error;
        expect_ok(stele_append(self->stress->store, "rolling", STELE_ANY, &event, 1, NULL, NULL,
                               &error),
                  &error);
    }
}

/* Each sixteenth commit begins a segment. All who wait for room in one want everything pending to
 * be published first, and must not keep each other from it. */
TEST_WITHIN(sixteen_roll_while_syncs_are_slow, 60)
{
    const char *folder = test_folder();
    stele_vfs vfs = *stele_vfs_system();
    vfs.sync = sync_slowly;
    const stele_options options = {.segment_bytes = 64 << 10, .vfs = &vfs};
    stress_run *stress = test_memory(sizeof *stress);
    worker appenders[APPENDERS];
    stele_position head;
    stele_error error;
    stress->commits = test_scaled(400);
    expect_ok(stele_open(folder, &options, &stress->store, &error), &error);
    for (unsigned i = 0; i < APPENDERS; i++) {
        appenders[i].stress = stress;
        expect_int(stele__thread_start(&appenders[i].thread, "rolling", append_durably,
                                       &appenders[i]),
                   0);
    }
    for (unsigned i = 0; i < APPENDERS; i++) {
        stele__thread_join(&appenders[i].thread);
    }
    expect_ok(stele_head(stress->store, &head, &error), &error);
    expect_uint(head, APPENDERS * stress->commits);
    expect_ok(stele_verify(stress->store, NULL, NULL, &error), &error);
    expect_ok(stele_close(stress->store, &error), &error);
}

/* ---- failing */

static _Atomic int syncs_left;

static int sync_and_fail(stele_file *file)
{
    (void)sync_slowly(file);
    return atomic_fetch_sub(&syncs_left, 1) > 0 ? 0 : EIO;
}

/* Appends until the store takes no more, and counts what was acknowledged. */
static void append_until_it_fails(void *context)
{
    worker *self = context;
    stele_status status = STELE_OK;
    stele_error error;
    while (status == STELE_OK) {
        const stele_event event = stele_binary_event("stress", "x", 1);
        status =
            stele_append(self->stress->store, "failing", STELE_ANY, &event, 1, NULL, NULL, &error);
        (void)atomic_fetch_add(&self->stress->passes, status == STELE_OK);
    }
    expect_int(status, STELE_IO);
    expect_int(error.detail, STELE_IO_POISONED);
}

/* One sync fails. All who wait for it, and all who come later, are told; nobody is left waiting;
 * and what was acknowledged before is there. */
TEST_WITHIN(sixteen_wait_for_a_sync_that_fails, 60)
{
    const char *folder = test_folder();
    stele_vfs vfs = *stele_vfs_system();
    vfs.sync = sync_and_fail;
    const stele_options failing = {.vfs = &vfs};
    for (int round = 0; round < 10; round++) {
        stress_run *stress = test_memory(sizeof *stress);
        worker appenders[APPENDERS];
        stele_position before;
        stele_position head;
        stele_error error;
        atomic_store(&syncs_left, INT_MAX);
        expect_ok(stele_open(folder, &failing, &stress->store, &error), &error);
        expect_ok(stele_head(stress->store, &before, &error), &error);
        atomic_store(&syncs_left, 20 + round);
        for (unsigned i = 0; i < APPENDERS; i++) {
            appenders[i].stress = stress;
            expect_int(stele__thread_start(&appenders[i].thread, "failing", append_until_it_fails,
                                           &appenders[i]),
                       0);
        }
        for (unsigned i = 0; i < APPENDERS; i++) {
            stele__thread_join(&appenders[i].thread);
        }
        (void)stele_close(stress->store, &error);
        expect_ok(stele_open(folder, NULL, &stress->store, &error), &error);
        expect_ok(stele_head(stress->store, &head, &error), &error);
        expect_true(head - before >= atomic_load(&stress->passes));
        expect_true(head - before <= atomic_load(&stress->passes) + APPENDERS);
        expect_true(atomic_load(&stress->passes) > 0);
        expect_ok(stele_verify(stress->store, NULL, NULL, &error), &error);
        expect_ok(stele_close(stress->store, &error), &error);
    }
}

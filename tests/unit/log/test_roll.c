/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leaving a segment for the next one, when that goes wrong half way or happens without an append.
 */
#include "base/base.h"
#include "support/test.h"

#include <stele/stele.h>
#include <stele/sys/clock.h>
#include <stele/sys/vfs.h>

#include <stdatomic.h>
#include <stdio.h>

#define HOUR (INT64_C(3600) * 1000000000)

/* A clock that jumps ahead at one of the next calls. */
typedef struct jumping_clock {
    stele_clock clock;
    stele_time time;
    unsigned calls_left; /* 0: it does not jump */
} jumping_clock;

static stele_time now(void *context)
{
    jumping_clock *self = context;
    if (self->calls_left > 0 && --self->calls_left == 0) {
        self->time += 3 * HOUR;
    }
    return self->time += 1000;
}

static int64_t monotonic(void *context)
{
    (void)context;
    return 1;
}

static void append(stele_store *store, size_t size, stele_status expected)
{
    static uint8_t data[4 << 20];
    const stele_event event = stele_binary_event("t", data, size);
    stele_error error;
    expect_status(stele_append(store, "a", STELE_ANY, &event, 1, NULL, NULL, &error), expected);
}

static void expect_whole(stele_store *store, uint64_t events)
{
    stele_verify_result result;
    stele_error error;
    expect_ok(stele_verify(store, NULL, &result, &error), &error);
    expect_uint(result.events, events);
}

/* Whatever call of the clock it is that refuses the first append: the second needs another segment,
 * and what may have been begun for the first is no hole in history. */
TEST(a_segment_that_was_begun_in_vain_is_given_back)
{
    for (unsigned calls = 1; calls <= 4; calls++) {
        jumping_clock clock = {.clock = *stele_clock_system(),
                               .time = stele_clock_system()->now(stele_clock_system()->context)};
        clock.clock.context = &clock;
        clock.clock.now = now;
        clock.clock.monotonic = monotonic;
        const stele_options options = {.clock = &clock.clock, .background = STELE_NO_THREADS};
        const char *folder = test_folder();
        stele_store *store;
        stele_error error;
        expect_ok(stele_open(folder, &options, &store, &error), &error);
        clock.calls_left = calls;
        const stele_event event = stele_json_event("t", "{}");
        const stele_status first =
            stele_append(store, "a", STELE_ANY, &event, 1, NULL, NULL, &error);
        clock.calls_left = 0;
        expect_true(first == STELE_OK || first == STELE_INVALID);
        expect_ok(stele_accept_clock(store, &error), &error);
        append(store, 3 << 20, STELE_OK); /* the first segment has 1 MiB */
        append(store, 3 << 20, STELE_OK);
        const uint64_t events = first == STELE_OK ? 3 : 2;
        expect_whole(store, events);
        expect_ok(stele_close(store, &error), &error);
        expect_ok(stele_open(folder, &options, &store, &error), &error);
        expect_whole(store, events);
        append(store, 1, STELE_OK);
        expect_ok(stele_close(store, &error), &error);
    }
}

/* One commit may take more memory than the store shall: afterwards it is given back, although
 * nobody appends. */
TEST_WITHIN(a_heavy_segment_is_sealed_without_another_append, 60)
{
    enum { EVENTS = 2000, TAGS = 32 };
    static char names[EVENTS][TAGS][16];
    static const char *tags[EVENTS][TAGS];
    static stele_event events[EVENTS];
    const stele_options options = {.memory_bytes = STELE_MEMORY_MIN,
                                   .durability = STELE_DURABLE_OS,
                                   .background = STELE_NO_THREADS};
    stele_store *store;
    stele_info info;
    stele_error error;
    expect_ok(stele_open(test_folder(), &options, &store, &error), &error);
    for (size_t i = 0; i < EVENTS; i++) {
        events[i] = stele_json_event("t", "{}");
        for (size_t t = 0; t < TAGS; t++) {
            (void)snprintf(names[i][t], sizeof names[i][t], "%zx.%zx", i, t);
            tags[i][t] = names[i][t];
        }
        events[i].tags = tags[i];
        events[i].tag_count = TAGS;
    }
    expect_ok(stele_append(store, "a", STELE_ANY, events, EVENTS, NULL, NULL, &error), &error);
    expect_ok(stele_describe(store, &info, &error), &error);
    expect_uint(info.index_file_count, 0);
    const uint64_t before = info.memory_bytes;
    for (int more = 1; more;) {
        expect_ok(stele_step(store, &more, &error), &error);
    }
    expect_ok(stele_describe(store, &info, &error), &error);
    expect_uint(info.index_file_count, 1);
    expect_true(info.memory_bytes < before / 2);
    expect_whole(store, EVENTS);
    append(store, 10, STELE_OK);
    append(store, 10, STELE_OK);
    expect_whole(store, EVENTS + 2);
    expect_ok(stele_close(store, &error), &error);
}

static _Atomic int64_t bytes_mapped;

static int count_map(stele_file *file, size_t size, const uint8_t **ret_memory)
{
    const int error = stele_vfs_system()->map(file, size, ret_memory);
    atomic_fetch_add(&bytes_mapped, error ? 0 : (int64_t)size);
    return error;
}

static void count_unmap(const stele_vfs *vfs, const uint8_t *memory, size_t size)
{
    atomic_fetch_sub(&bytes_mapped, (int64_t)size);
    stele_vfs_system()->unmap(vfs, memory, size);
}

/* A segment is mapped as large as it was reserved while it grows, and as far as it goes once it is
 * sealed: behind that there is no file. */
TEST(a_sealed_segment_is_mapped_as_far_as_it_goes)
{
    enum { COUNT = 40, SEGMENT_SIZE = 1 << 20, EVENT_SIZE = SEGMENT_SIZE * 2 / 3, UNSEALED = 3 };
    stele_vfs vfs = *stele_vfs_system();
    vfs.map = count_map;
    vfs.unmap = count_unmap;
    const stele_options options = {.vfs = &vfs,
                                   .durability = STELE_DURABLE_OS,
                                   .background = STELE_NO_THREADS,
                                   .segment_bytes = SEGMENT_SIZE};
    stele_store *store;
    stele_error error;
    expect_ok(stele_open(test_folder(), &options, &store, &error), &error);
    for (unsigned i = 0; i < COUNT; i++) {
        append(store, EVENT_SIZE, STELE_OK);
    }
    for (int more = 1; more;) {
        expect_ok(stele_step(store, &more, &error), &error);
    }
    const int64_t mapped = atomic_load(&bytes_mapped);
    expect_true(mapped > (COUNT - UNSEALED) * EVENT_SIZE);
    expect_true(mapped < COUNT * EVENT_SIZE + UNSEALED * SEGMENT_SIZE);
    expect_whole(store, COUNT);
    expect_ok(stele_close(store, &error), &error);
    expect_int(atomic_load(&bytes_mapped), 0);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reader in a process of its own, as far as one process can show it: what he reads again and
 * again while nobody writes, and that he misses nothing of a writer who comes and goes.
 */
#include "support/test.h"

#include <stele/stele.h>
#include <stele/sys/vfs.h>

#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

enum { SEGMENT_SIZE = 64 << 10, EVENT_SIZE = 1000, EVENTS = 2000, READS = 100 };

static _Atomic uint64_t bytes_read;

static int count_read(stele_file *file, uint64_t offset, void *ret_bytes, size_t size,
                      size_t *ret_read)
{
    const int error = stele_vfs_system()->read(file, offset, ret_bytes, size, ret_read);
    atomic_fetch_add(&bytes_read, error ? 0 : *ret_read);
    return error;
}

static stele_store *open_store(const char *folder, stele_access access, const stele_vfs *vfs)
{
    const stele_options options = {.access = access,
                                   .durability = STELE_DURABLE_OS,
                                   .background = STELE_NO_THREADS,
                                   .segment_bytes = SEGMENT_SIZE,
                                   .vfs = vfs};
    stele_store *store;
    stele_error error;
    expect_ok(stele_open(folder, &options, &store, &error), &error);
    return store;
}

static void close_store(stele_store *store)
{
    stele_error error;
    expect_ok(stele_close(store, &error), &error);
}

static void append(stele_store *store, unsigned count)
{
    static uint8_t data[EVENT_SIZE];
    const stele_event event = stele_binary_event("t", data, sizeof data);
    stele_error error;
    for (unsigned i = 0; i < count; i++) {
        expect_ok(stele_append(store, "a", STELE_ANY, &event, 1, NULL, NULL, &error), &error);
    }
}

static void append_and_close(const char *folder, unsigned count)
{
    stele_store *store = open_store(folder, STELE_READ_WRITE, NULL);
    append(store, count);
    close_store(store);
}

static uint64_t last_revision(stele_store *store)
{
    const stele_read read = {.stream = "a", .direction = STELE_BACKWARDS, .limit = 1};
    stele_cursor *cursor;
    stele_error error;
    expect_ok(stele_read_open(store, &read, &cursor, &error), &error);
    const stele_record *record = stele_cursor_next(cursor, &error);
    expect_not_null(record);
    const uint64_t revision = record->revision;
    stele_cursor_free(cursor);
    return revision;
}

/* The manifest is long where there are many segments: it is not read for each read. */
TEST(while_nobody_writes_a_read_costs_a_look_at_the_manifest)
{
    enum { LOOK_SIZE = 256 };
    const char *folder = test_path(test_folder(), "store");
    stele_vfs counting = *stele_vfs_system();
    append_and_close(folder, EVENTS);
    counting.read = count_read;
    stele_store *reader = open_store(folder, STELE_READ_ONLY, &counting);
    expect_uint(last_revision(reader), EVENTS - 1);
    atomic_store(&bytes_read, 0);
    for (unsigned i = 0; i < READS; i++) {
        expect_uint(last_revision(reader), EVENTS - 1);
    }
    expect_true(atomic_load(&bytes_read) <= (uint64_t)READS * LOOK_SIZE);
    close_store(reader);
}

TEST(a_reader_sees_what_writers_did_who_came_and_went)
{
    const char *folder = test_path(test_folder(), "store");
    uint64_t count = 3;
    append_and_close(folder, (unsigned)count);
    stele_store *reader = open_store(folder, STELE_READ_ONLY, NULL);
    expect_uint(last_revision(reader), count - 1);
    for (unsigned round = 0; round < 8; round++) {
        const unsigned more = round % 2 ? 1 : 200; /* within a segment, and over several */
        append_and_close(folder, more);
        count += more;
        expect_uint(last_revision(reader), count - 1);
        expect_uint(last_revision(reader), count - 1);
    }
    close_store(reader);
}

/* While a writer is there, and without the page that he shares. */
TEST(a_reader_follows_with_and_without_the_shared_page)
{
    for (unsigned without = 0; without < 2; without++) {
        const char *folder = test_path(test_folder(), "store");
        stele_error error;
        int more = 1;
        append_and_close(folder, 3);
        if (without) {
            expect_int(unlink(test_path(folder, "live")), 0);
        }
        stele_store *reader = open_store(folder, STELE_READ_ONLY, NULL);
        expect_uint(last_revision(reader), 2);
        expect_uint(last_revision(reader), 2);
        stele_store *writer = open_store(folder, STELE_READ_WRITE, NULL);
        expect_uint(last_revision(reader), 2);
        append(writer, 1);
        expect_uint(last_revision(reader), 3);
        append(writer, 500);
        expect_uint(last_revision(reader), 503);
        while (more) { /* seals and merges */
            expect_ok(stele_step(writer, &more, &error), &error);
        }
        expect_uint(last_revision(reader), 503);
        append(writer, 1);
        close_store(writer);
        expect_uint(last_revision(reader), 504);
        append_and_close(folder, 1);
        expect_uint(last_revision(reader), 505);
        close_store(reader);
    }
}

/* A writer who only merges, or builds an index file again, leaves nothing that looks different. */
TEST(a_reader_finds_files_where_they_went_while_he_did_not_look)
{
    const char *folder = test_path(test_folder(), "store");
    stele_error error;
    int more = 1;
    append_and_close(folder, EVENTS);
    stele_store *reader = open_store(folder, STELE_READ_ONLY, NULL);
    expect_uint(last_revision(reader), EVENTS - 1);
    stele_store *writer = open_store(folder, STELE_READ_WRITE, NULL);
    while (more) {
        expect_ok(stele_step(writer, &more, &error), &error);
    }
    close_store(writer);
    expect_uint(last_revision(reader), EVENTS - 1);
    stele_verify_result result;
    expect_ok(stele_verify(reader, NULL, &result, &error), &error);
    expect_uint(result.events, EVENTS);
    close_store(reader);
}

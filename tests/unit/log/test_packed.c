/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packed segments of real stores: that they are small, that a store may have both kinds, what is
 * done about files that a crash left, and that memory is bounded. That they answer as others do,
 * whatever happens to them, is for the conformance suite, the simulator, the flips and the faults.
 */
#include "base/base.h"
#include "support/test.h"

#include <stele/stele.h>

#include <stdio.h>
#include <unistd.h>

enum { SEGMENT_BYTES = 64 << 10 };

static const stele_compression compressions[] = {STELE_COMPRESS_FAST, STELE_COMPRESS_SMALL};

static stele_store *open_store(const char *folder, stele_compression compression,
                               size_t memory_bytes)
{
    const stele_options options = {.durability = STELE_DURABLE_OS,
                                   .background = STELE_NO_THREADS,
                                   .segment_bytes = SEGMENT_BYTES,
                                   .memory_bytes = memory_bytes,
                                   .compression = compression};
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

/* Events with keys and tags, one a commit, and now and then many at once, over so many streams. */
static void append_many(stele_store *store, uint64_t from, uint64_t to, uint64_t streams)
{
    for (uint64_t number = from; number < to; number++) {
        char stream[40];
        char data[120];
        char key[40];
        stele_error error;
        const char *const tags[] = {number % 2 ? "colour:red" : "colour:blue"};
        (void)snprintf(stream, sizeof stream, "account-number-%llu",
                       (unsigned long long)(number * 7919 % streams));
        (void)snprintf(key, sizeof key, "request %llu", (unsigned long long)number);
        (void)snprintf(data, sizeof data,
                       "{\"amount\":%llu,\"currency\":\"EUR\",\"memo\":\"rent\"}",
                       (unsigned long long)(number * number % 9973));
        stele_event event = stele_json_event("MoneyDeposited", data);
        event.tags = tags;
        event.tag_count = number % 3 == 0;
        const stele_append_options options = {.key = key};
        const stele_event events[] = {event, event, event, event};
        expect_ok(stele_append(store, stream, STELE_ANY, events, number % 50 == 0 ? 4 : 1,
                               number % 4 ? NULL : &options, NULL, &error),
                  &error);
    }
}

static stele_info describe(stele_store *store)
{
    stele_info info;
    stele_error error;
    expect_ok(stele_describe(store, &info, &error), &error);
    return info;
}

/* A number for everything that the store shows. */
static uint64_t digest(stele_store *store, stele_direction direction)
{
    static const stele__hash_key key = {1, 2};
    const stele_read everything = {.direction = direction};
    stele_cursor *cursor;
    stele_error error;
    uint64_t sum = 0;
    expect_ok(stele_read_open(store, &everything, &cursor, &error), &error);
    for (const stele_record *record; (record = stele_cursor_next(cursor, &error)) != NULL;) {
        const uint64_t parts[] = {record->position,
                                  record->revision,
                                  (uint64_t)record->time,
                                  stele__hash(&key, record->data.data, record->data.size),
                                  stele__hash(&key, record->stream.data, record->stream.size),
                                  stele__hash(&key, record->type.data, record->type.size),
                                  record->tag_count > 0 ? stele__hash(&key, record->tags[0].data,
                                                                      record->tags[0].size)
                                                        : 0,
                                  stele__load64(record->id.bytes),
                                  stele__load64(record->id.bytes + 8)};
        sum += stele__hash(&key, parts, sizeof parts);
    }
    expect_ok(error.status, &error);
    stele_cursor_free(cursor);
    return sum;
}

static void expect_verified(stele_store *store)
{
    stele_error error;
    expect_ok(stele_verify(store, NULL, NULL, &error), &error);
}

TEST_ROWS(a_store_is_packed_when_it_is_closed_and_says_the_same, compressions)
{
    const char *folder = test_path(test_folder(), "store");
    stele_store *store = open_store(folder, STELE_NO_COMPRESSION, 0);
    append_many(store, 0, 6000, 100);
    const uint64_t before = digest(store, STELE_FORWARDS);
    close_store(store);
    store = open_store(folder, compressions[row], 0);
    expect_uint(describe(store).compressed_segment_count, 0);
    close_store(store);
    store = open_store(folder, STELE_NO_COMPRESSION, 0);
    const stele_info info = describe(store);
    expect_true(info.segment_count > 5 && info.compressed_segment_count >= info.segment_count - 1);
    expect_true(info.log_bytes * 2 < info.compressed_from_bytes);
    expect_uint(digest(store, STELE_FORWARDS), before);
    expect_uint(digest(store, STELE_BACKWARDS), before);
    expect_verified(store);
    close_store(store);
}

TEST(a_store_may_have_segments_of_every_kind)
{
    const char *folder = test_path(test_folder(), "store");
    for (unsigned i = 0; i < 6; i++) {
        stele_store *store = open_store(folder, (stele_compression)(i % 3), 0);
        append_many(store, i * 600, (i + 1) * 600, 40);
        /* What is sealed already is packed now, unless nobody asks for it. */
        for (int more = 1; more;) {
            stele_error error;
            expect_ok(stele_step(store, &more, &error), &error);
        }
        close_store(store);
    }
    stele_store *store = open_store(folder, STELE_NO_COMPRESSION, 0);
    append_many(store, 3600, 4800, 40);
    close_store(store);
    store = open_store(folder, STELE_NO_COMPRESSION, 0);
    const stele_info info = describe(store);
    expect_true(info.compressed_segment_count > 3 &&
                info.compressed_segment_count < info.segment_count);
    expect_uint(digest(store, STELE_FORWARDS), digest(store, STELE_BACKWARDS));
    expect_verified(store);
    close_store(store);
}

static void copy_file(const char *from, const char *to, size_t size_max)
{
    char bytes[4096];
    FILE *source = fopen(from, "rb");
    FILE *target = fopen(to, "wb");
    expect_not_null(source);
    expect_not_null(target);
    size_t size;
    while (size_max > 0 &&
           (size = fread(bytes, 1, size_max < sizeof bytes ? size_max : sizeof bytes, source)) >
               0) {
        expect_uint(fwrite(bytes, 1, size, target), size);
        size_max -= size;
    }
    (void)fclose(source);
    (void)fclose(target);
}

TEST(the_form_of_a_segment_that_the_manifest_does_not_name_is_removed)
{
    const char *folder = test_path(test_folder(), "store");
    const char *plain = test_path(folder, "0000000001.log");
    const char *packed = test_path(folder, "0000000001.packed");
    const char *kept = test_path(test_folder(), "kept");
    stele_store *store = open_store(folder, STELE_NO_COMPRESSION, 0);
    append_many(store, 0, 1500, 40);
    const uint64_t before = digest(store, STELE_FORWARDS);
    close_store(store);
    copy_file(plain, kept, SIZE_MAX);
    /* Half of a packed file, which nobody named. */
    copy_file(plain, packed, 5000);
    store = open_store(folder, STELE_NO_COMPRESSION, 0);
    expect_true(access(packed, F_OK) != 0 && access(plain, F_OK) == 0);
    close_store(store);
    /* A plain file that should have been removed. */
    close_store(open_store(folder, STELE_COMPRESS_FAST, 0));
    expect_true(access(packed, F_OK) == 0 && access(plain, F_OK) != 0);
    copy_file(kept, plain, 5000);
    store = open_store(folder, STELE_NO_COMPRESSION, 0);
    expect_true(access(packed, F_OK) == 0 && access(plain, F_OK) != 0);
    expect_uint(digest(store, STELE_FORWARDS), before);
    close_store(store);
    /* The plain one alone, though the manifest names the other. */
    copy_file(kept, plain, SIZE_MAX);
    expect_int(unlink(packed), 0);
    store = open_store(folder, STELE_NO_COMPRESSION, 0);
    expect_uint(digest(store, STELE_FORWARDS), before);
    expect_verified(store);
    close_store(store);
}

TEST(what_reading_packed_segments_loads_is_given_up_again)
{
    const char *folder = test_path(test_folder(), "store");
    stele_store *store = open_store(folder, STELE_COMPRESS_FAST, 0);
    append_many(store, 0, 40000, 3000); /* some 60 segments of 500 names */
    close_store(store);
    store = open_store(folder, STELE_NO_COMPRESSION, STELE_MEMORY_MIN);
    const stele_info before = describe(store);
    expect_true(before.compressed_segment_count > 50);
    const uint64_t sum = digest(store, STELE_FORWARDS);
    expect_uint(digest(store, STELE_BACKWARDS), sum);
    const stele_info after = describe(store);
    test_note("%llu segments: %llu bytes of memory before they were read, %llu after",
              (unsigned long long)after.segment_count, (unsigned long long)before.memory_bytes,
              (unsigned long long)after.memory_bytes);
    expect_true(after.memory_bytes < before.memory_bytes + STELE_MEMORY_MIN / 8 + (256 << 10));
    close_store(store);
}

TEST(an_unknown_compression_is_refused)
{
    const stele_options options = {.compression = (stele_compression)3};
    stele_store *store = NULL;
    stele_error error;
    expect_status(stele_open(test_path(test_folder(), "store"), &options, &store, &error),
                  STELE_INVALID);
}

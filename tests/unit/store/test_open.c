/* SPDX-License-Identifier: Apache-2.0 */
/* Opening: URLs, options, and the handle's own rules. */
#include "support/test.h"
#include "unit/store/fake.h"

#include <stele/stele.h>
#include <stele/sys/clock.h>
#include <stele/sys/vfs.h>

#include <string.h>

static const struct {
    const char *url;
    const char *location;
} urls[] = {
    {"fake:", ""},
    {"fake:there", "there"},
    {"FAKE:there", "there"},
    {"ledger", "ledger"},
    {"/var/lib/ledger", "/var/lib/ledger"},
    {"./a:b", "./a:b"},
    {"../a:b", "../a:b"},
    {"a/b:c", "a/b:c"},
    {"a:b", "a:b"},
    {"C:\\ledger", "C:\\ledger"},
    {"_x:y", "_x:y"},
    {"2024:ledger", "2024:ledger"},
    {"file:ledger", "ledger"},
    {"file:./a:b", "./a:b"},
    {"file:/var/lib/ledger", "/var/lib/ledger"},
    {"file:///var/lib/ledger", "/var/lib/ledger"},
    {"File:%20", "%20"},
};

TEST_ROWS(url_finds_backend_and_location, urls)
{
    STELE_CLEANUP(store) stele_store *store = NULL;
    stele_error error;
    expect_ok(stele_open(urls[row].url, NULL, &store, &error), &error);
    expect_text(the_fake.location, urls[row].location);
}

static const struct {
    const char *url;
    unsigned cause;
    const char *part;
    const char *hint;
} bad_urls[] = {
    {NULL, STELE_INVALID, "NULL", "folder"},
    {"", STELE_INVALID, "empty", "folder"},
    {"file:", STELE_INVALID, "names no folder", ""},
    {"file://host/ledger", STELE_INVALID, "names a host", "file:PATH"},
    {"postgres://host/db", STELE_UNSUPPORTED, "no storage 'postgres'",
     "fake: (for tests), file: (a folder)"},
    {"ledger:2024", STELE_UNSUPPORTED, "no storage 'ledger'", "./ledger:"},
    {"files:x", STELE_UNSUPPORTED, "no storage 'files'", "file:"},
    {"fak:x", STELE_UNSUPPORTED, "no storage 'fak'", "fake:"},
};

TEST_ROWS(url_that_cannot_be_opened_says_why, bad_urls)
{
    stele_store *store = (stele_store *)(void *)&the_fake;
    stele_error error;
    expect_error(stele_open(bad_urls[row].url, NULL, &store, &error), &error, bad_urls[row].cause);
    expect_contains(error.message, bad_urls[row].part);
    expect_contains(error.hint, bad_urls[row].hint);
    expect_true(store == (stele_store *)(void *)&the_fake);
    expect_uint(the_fake.opened, 0);
}

TEST(backend_gets_complete_options)
{
    STELE_CLEANUP(store) stele_store *store = NULL;
    stele_error error;
    expect_ok(stele_open("fake:", NULL, &store, &error), &error);
    expect_int(the_fake.options.durability, STELE_DURABLE_FULL);
    expect_uint(the_fake.options.memory_bytes, STELE_MEMORY_DEFAULT);
    expect_uint(the_fake.options.commit_bytes_max, STELE_COMMIT_SIZE_DEFAULT);
    expect_uint(the_fake.options.segment_bytes, (size_t)64 << 20);
    expect_true(the_fake.options.alloc == stele_alloc_default());
    expect_true(the_fake.options.vfs == stele_vfs_system());
    expect_true(the_fake.options.clock == stele_clock_system());
}

TEST(given_options_are_kept)
{
    STELE_CLEANUP(store) stele_store *store = NULL;
    stele_error error;
    test_alloc alloc;
    test_alloc_init(&alloc);
    const stele_options options = {.access = STELE_MUST_EXIST,
                                   .durability = STELE_DURABLE_NONE,
                                   .mapping = STELE_PREAD,
                                   .background = STELE_NO_THREADS,
                                   .memory_bytes = STELE_MEMORY_MIN,
                                   .commit_bytes_max = STELE_COMMIT_SIZE_MAX,
                                   .segment_bytes = 65536,
                                   .alloc = &alloc.alloc};
    expect_ok(stele_open("fake:", &options, &store, &error), &error);
    expect_int(the_fake.options.access, STELE_MUST_EXIST);
    expect_int(the_fake.options.durability, STELE_DURABLE_NONE);
    expect_int(the_fake.options.mapping, STELE_PREAD);
    expect_int(the_fake.options.background, STELE_NO_THREADS);
    expect_uint(the_fake.options.memory_bytes, STELE_MEMORY_MIN);
    expect_uint(the_fake.options.commit_bytes_max, STELE_COMMIT_SIZE_MAX);
    expect_uint(the_fake.options.segment_bytes, 65536);
    expect_ok(stele_close(store, &error), &error);
    store = NULL;
    expect_uint(the_fake.closed, 1);
    expect_no_leak(&alloc);
}

static const stele_alloc no_alloc = {.context = NULL};
static const stele_clock no_clock = {.context = NULL};

static const struct {
    stele_options options;
    unsigned cause;
    const char *part;
} bad_options[] = {
    {{.version = 1}, STELE_INVALID, "version 1"},
    {{.access = (stele_access)4}, STELE_INVALID, "'access' is 4"},
    {{.access = (stele_access)-1}, STELE_INVALID, "'access' is -1"},
    {{.durability = (stele_durability)4}, STELE_INVALID, "'durability' is 4"},
    {{.mapping = (stele_mapping)2}, STELE_INVALID, "'mapping' is 2"},
    {{.background = (stele_background)2}, STELE_INVALID, "'background' is 2"},
    {{.memory_bytes = STELE_MEMORY_MIN - 1}, STELE_INVALID_LIMIT, "memory_bytes is 8388607"},
    {{.commit_bytes_max = STELE_COMMIT_SIZE_MAX + 1}, STELE_INVALID_LIMIT, "268435457"},
    {{.segment_bytes = 65535}, STELE_INVALID_LIMIT, "segment_bytes is 65535"},
    {{.alloc = &no_alloc}, STELE_INVALID, "allocator"},
    {{.clock = &no_clock}, STELE_INVALID, "clock"},
};

TEST_ROWS(options_that_cannot_be_are_refused, bad_options)
{
    stele_store *store = NULL;
    stele_error error;
    expect_error(stele_open("fake:", &bad_options[row].options, &store, &error), &error,
                 bad_options[row].cause);
    expect_contains(error.message, bad_options[row].part);
    expect_null(store);
    expect_uint(the_fake.opened, 0);
}

TEST(without_ret_store_nothing_is_opened)
{
    stele_error error;
    expect_error(stele_open("fake:", NULL, NULL, &error), &error, STELE_INVALID);
    expect_uint(the_fake.opened, 0);
}

TEST(failure_of_the_backend_leaves_nothing_behind)
{
    stele_store *store = NULL;
    stele_error error;
    test_alloc alloc;
    test_alloc_init(&alloc);
    const stele_options options = {.alloc = &alloc.alloc};
    answer_to_open = STELE_CORRUPT;
    expect_error(stele_open("fake:", &options, &store, &error), &error, STELE_CORRUPT);
    expect_null(store);
    answer_to_open = STELE_OK;
    test_alloc_fail(&alloc, 1, TEST_ALLOC_ONCE);
    expect_error(stele_open("fake:", &options, &store, &error), &error, STELE_NO_MEMORY);
    expect_null(store);
    expect_no_leak(&alloc);
}

TEST(closing_hands_on_what_the_backend_says_and_frees_all_the_same)
{
    stele_store *store = NULL;
    stele_error error;
    test_alloc alloc;
    test_alloc_init(&alloc);
    const stele_options options = {.alloc = &alloc.alloc};
    expect_ok(stele_open("fake:", &options, &store, &error), &error);
    the_fake.answer = STELE_IO;
    expect_error(stele_close(store, &error), &error, STELE_IO);
    expect_no_leak(&alloc);
    expect_ok(stele_close(NULL, &error), &error);
    expect_ok(stele_close(NULL, NULL), NULL);
}

static const stele_access readers[] = {STELE_READ_ONLY, STELE_SALVAGE};

TEST_ROWS(read_only_store_refuses_to_append, readers)
{
    STELE_CLEANUP(store) stele_store *store = NULL;
    stele_error error;
    stele_position head;
    const stele_options options = {.access = readers[row]};
    const stele_event event = {.type = "t", .stream = "s"};
    const stele_commit commit = {.events = &event, .event_count = 1};
    expect_ok(stele_open("fake:", &options, &store, &error), &error);
    expect_error(stele_append(store, "s", STELE_ANY, &event, 1, NULL, NULL, &error), &error,
                 STELE_INVALID_READ_ONLY);
    expect_error(stele_append_commit(store, &commit, NULL, NULL, &error), &error,
                 STELE_INVALID_READ_ONLY);
    expect_error(stele_submit(store, &commit, NULL, NULL, &error), &error, STELE_INVALID_READ_ONLY);
    expect_error(stele_delete(store, "s", STELE_ANY, NULL, NULL, &error), &error,
                 STELE_INVALID_READ_ONLY);
    expect_error(stele_tombstone(store, "s", STELE_ANY, NULL, NULL, &error), &error,
                 STELE_INVALID_READ_ONLY);
    expect_error(stele_metadata_write(store, "s", STELE_ANY, "{}", 2, NULL, NULL, &error), &error,
                 STELE_INVALID_READ_ONLY);
    expect_error(stele_accept_clock(store, &error), &error, STELE_INVALID_READ_ONLY);
    expect_uint(the_fake.calls, 0);
    expect_ok(stele_head(store, &head, &error), &error);
}

static int use_in_child(void *context)
{
    stele_store *store = context;
    stele_cursor *cursor = NULL;
    stele_name_list *names = NULL;
    stele_error error;
    stele_position head;
    stele_stream_info stream;
    stele_metadata metadata;
    stele_info info;
    stele_checkpoint checkpoint = {.position = 1};
    const stele_event event = {.type = "t", .stream = "s"};
    const stele_commit commit = {.events = &event, .event_count = 1};
    const unsigned calls = the_fake.calls;
    const stele_status statuses[] = {
        stele_append(store, "s", STELE_ANY, &event, 1, NULL, NULL, &error),
        stele_append_commit(store, &commit, NULL, NULL, &error),
        stele_submit(store, &commit, NULL, NULL, &error),
        stele_sync(store, &error),
        stele_step(store, NULL, &error),
        stele_head(store, &head, &error),
        stele_wait(store, 0, 0, &head, &error),
        stele_stream_describe(store, "s", &stream, &error),
        stele_metadata_read(store, "s", &metadata, &error),
        stele_metadata_write(store, "s", STELE_ANY, "{}", 2, NULL, NULL, &error),
        stele_delete(store, "s", STELE_ANY, NULL, NULL, &error),
        stele_tombstone(store, "s", STELE_ANY, NULL, NULL, &error),
        stele_read_open(store, NULL, &cursor, &error),
        stele_follow_open(store, NULL, &cursor, &error),
        stele_names_open(store, NULL, &names, &error),
        stele_describe(store, &info, &error),
        stele_checkpoint_check(store, &checkpoint, NULL, &error),
        stele_accept_clock(store, &error),
        stele_verify(store, NULL, NULL, &error),
    };
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        if (statuses[i] != STELE_INVALID || error.detail != STELE_INVALID_FORK) {
            return (int)i + 1;
        }
    }
    (void)stele_close(store, NULL);
    return the_fake.calls == calls && the_fake.closed == 0 ? 0 : 100;
}

TEST(child_of_fork_may_only_close_the_handle)
{
    STELE_CLEANUP(store) stele_store *store = NULL;
    stele_error error;
    stele_position head;
    expect_ok(stele_open("fake:", NULL, &store, &error), &error);
    expect_int(test_in_child(use_in_child, store), 0);
    expect_ok(stele_head(store, &head, &error), &error);
}

static int use_cursor_in_child(void *context)
{
    stele_cursor *cursor = context;
    stele_error error;
    const int is_refused = stele_cursor_next(cursor, &error) == NULL &&
                           error.detail == STELE_INVALID_FORK && stele_cursor_head(cursor) == 0 &&
                           stele_cursor_wait(cursor, 0, &error) == STELE_INVALID;
    stele_cursor_free(cursor);
    return is_refused && the_fake.cursors == 1 ? 0 : 1;
}

TEST(child_of_fork_may_only_free_a_cursor)
{
    STELE_CLEANUP(store) stele_store *store = NULL;
    STELE_CLEANUP(cursor) stele_cursor *cursor = NULL;
    stele_error error;
    expect_ok(stele_open("fake:", NULL, &store, &error), &error);
    the_fake.records_left = 1;
    expect_ok(stele_read_open(store, NULL, &cursor, &error), &error);
    expect_int(test_in_child(use_cursor_in_child, cursor), 0);
    expect_not_null(stele_cursor_next(cursor, &error));
}

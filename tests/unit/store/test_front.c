/* SPDX-License-Identifier: Apache-2.0 */
/* What the front makes of a call before the backend sees it, and of the answer. */
#include "support/test.h"

#include "unit/store/fake.h"

#include <stele/stele.h>

#include <stdio.h>
#include <string.h>

static stele_store *open_fake(const stele_options *options)
{
    stele_store *store = NULL;
    stele_error error;
    expect_ok(stele_open("fake:", options, &store, &error), &error);
    return store;
}

/* ---- Appending. */

TEST(append_puts_the_stream_into_every_event_and_leaves_the_callers_alone)
{
    STELE_CLEANUP(store) stele_store *store = open_fake(NULL);
    stele_event events[100];
    stele_receipt receipt;
    stele_error error;
    for (size_t count = 1; count <= 100; count++) {
        for (size_t i = 0; i < 100; i++) {
            events[i] = (stele_event){.type = "t", .stream = "elsewhere"};
        }
        expect_ok(stele_append(store, "here", 5, events, count, NULL, &receipt, &error), &error);
        expect_uint(the_fake.event_count, count);
        expect_text(the_fake.stream, "here");
        expect_true(the_fake.all_events_go_to_stream);
        expect_text(events[count - 1].stream, "elsewhere");
    }
    expect_int(the_fake.intent, STELE_INTENT_APPEND);
    expect_uint(the_fake.check_count, 1);
    expect_text(the_fake.checked, "here");
    expect_int(the_fake.check.expected, 5);
    expect_uint(receipt.position, 9);
}

TEST(usual_appends_take_no_memory)
{
    test_alloc alloc;
    test_alloc_init(&alloc);
    const stele_options options = {.alloc = &alloc.alloc};
    STELE_CLEANUP(store) stele_store *store = open_fake(&options);
    const char *const tags[] = {"a", "b", "a"};
    const char *const types[] = {"x", "y"};
    const stele_query_item item = {.types = {types, 2}, .tags = {tags, 3}};
    const stele_query query = {.items = &item, .item_count = 1};
    const stele_condition condition = {&query, 7};
    const stele_append_options append_options = {.conditions = &condition,
                                                 .condition_count = 1,
                                                 .key = "key"};
    stele_event events[32];
    stele_check checks[16];
    char names[16][4];
    stele_error error;
    for (size_t i = 0; i < 32; i++) {
        events[i] = (stele_event){.type = "t", .stream = "s", .tags = tags, .tag_count = 3};
    }
    for (size_t i = 0; i < 16; i++) {
        names[i][0] = 'c';
        names[i][1] = (char)('a' + i);
        names[i][2] = '\0';
        checks[i] = (stele_check){names[i], STELE_IS_DELETED};
    }
    const stele_commit commit = {.events = events,
                                 .event_count = 32,
                                 .checks = checks,
                                 .check_count = 16,
                                 .options = &append_options};
    test_alloc_fail(&alloc, 1, TEST_ALLOC_FROM);
    expect_ok(stele_append(store, "s", STELE_ANY, events, 32, &append_options, NULL, &error),
              &error);
    expect_ok(stele_append_commit(store, &commit, NULL, NULL, &error), &error);
    expect_ok(stele_delete(store, "s", STELE_ANY, NULL, NULL, &error), &error);
    expect_ok(stele_tombstone(store, "s", STELE_ANY, NULL, NULL, &error), &error);
    expect_uint(alloc.calls, 0);
}

TEST(large_appends_without_memory_fail_cleanly)
{
    test_alloc alloc;
    test_alloc_init(&alloc);
    const stele_options options = {.alloc = &alloc.alloc};
    STELE_CLEANUP(store) stele_store *store = open_fake(&options);
    static stele_event events[33];
    static stele_check checks[300];
    static char names[300][8];
    stele_error error;
    for (size_t i = 0; i < 33; i++) {
        events[i] = (stele_event){.type = "t", .stream = "s"};
    }
    for (size_t i = 0; i < 300; i++) {
        (void)snprintf(names[i], sizeof names[i], "s%zu", i);
        checks[i] = (stele_check){names[i], STELE_ANY};
    }
    const stele_commit commit = {.events = events,
                                 .event_count = 1,
                                 .checks = checks,
                                 .check_count = 300};
    test_alloc_fail(&alloc, 1, TEST_ALLOC_ONCE);
    expect_error(stele_append(store, "s", STELE_ANY, events, 33, NULL, NULL, &error), &error,
                 STELE_NO_MEMORY);
    test_alloc_fail(&alloc, 1, TEST_ALLOC_ONCE);
    expect_error(stele_append_commit(store, &commit, NULL, NULL, &error), &error, STELE_NO_MEMORY);
    expect_uint(the_fake.appends, 0);
    expect_uint(alloc.live_count, 1); /* the handle */
}

TEST(durability_is_that_of_the_append_or_of_the_store)
{
    const stele_options options = {.durability = STELE_DURABLE_OS};
    STELE_CLEANUP(store) stele_store *store = open_fake(&options);
    const stele_event event = {.type = "t", .stream = "s"};
    const stele_commit commit = {.events = &event, .event_count = 1};
    const stele_append_options none = {.durability = STELE_DURABLE_NONE};
    stele_error error;
    expect_ok(stele_append(store, "s", STELE_ANY, &event, 1, NULL, NULL, &error), &error);
    expect_int(the_fake.durability, STELE_DURABLE_OS);
    expect_ok(stele_append(store, "s", STELE_ANY, &event, 1, &none, NULL, &error), &error);
    expect_int(the_fake.durability, STELE_DURABLE_NONE);
    expect_ok(stele_append_commit(store, &commit, NULL, NULL, &error), &error);
    expect_int(the_fake.durability, STELE_DURABLE_OS);
}

TEST(receipt_is_written_only_on_success)
{
    STELE_CLEANUP(store) stele_store *store = open_fake(NULL);
    const stele_event event = {.type = "t"};
    stele_receipt receipt = {.position = 1234};
    stele_error error;
    the_fake.answer = STELE_NO_SPACE;
    expect_error(stele_append(store, "s", STELE_ANY, &event, 1, NULL, &receipt, &error), &error,
                 STELE_NO_SPACE);
    expect_uint(receipt.position, 1234);
    the_fake.answer = STELE_OK;
    expect_ok(stele_append(store, "s", STELE_ANY, &event, 1, NULL, NULL, NULL), NULL);
}

/* On success only the status is written. */
static void expect_only_status(stele_status status, stele_error *error)
{
    stele_error before;
    expect_ok(status, error);
    memset(&before, 0x5a, sizeof before);
    before.status = STELE_OK;
    expect_bytes(error, sizeof *error, &before, sizeof before);
    memset(error, 0x5a, sizeof *error);
}

static void note_completion(void *context, stele_status status, const stele_receipt *receipt,
                            const stele_error *error)
{
    (void)context;
    (void)status;
    (void)receipt;
    (void)error;
}

TEST(success_writes_only_the_status_of_the_error)
{
    stele_store *store = NULL;
    stele_cursor *cursor = NULL;
    stele_name_list *names = NULL;
    const stele_event event = {.type = "t", .stream = "s"};
    const stele_commit commit = {.events = &event, .event_count = 1};
    const stele_checkpoint checkpoint = {.position = 1};
    stele_position head;
    stele_stream_info stream;
    stele_metadata metadata;
    stele_info info;
    stele_verify_result result;
    stele_error error;
    memset(&error, 0x5a, sizeof error);
    expect_only_status(stele_open("fake:", NULL, &store, &error), &error);
    expect_only_status(stele_append(store, "s", STELE_ANY, &event, 1, NULL, NULL, &error), &error);
    expect_only_status(stele_append_commit(store, &commit, NULL, NULL, &error), &error);
    expect_only_status(stele_submit(store, &commit, note_completion, NULL, &error), &error);
    expect_only_status(stele_sync(store, &error), &error);
    expect_only_status(stele_step(store, NULL, &error), &error);
    expect_only_status(stele_head(store, &head, &error), &error);
    expect_only_status(stele_wait(store, 0, 0, &head, &error), &error);
    expect_only_status(stele_stream_describe(store, "s", &stream, &error), &error);
    expect_only_status(stele_metadata_read(store, "s", &metadata, &error), &error);
    expect_only_status(stele_metadata_write(store, "s", STELE_ANY, "{}", 2, NULL, NULL, &error),
                       &error);
    expect_only_status(stele_delete(store, "s", STELE_ANY, NULL, NULL, &error), &error);
    expect_only_status(stele_tombstone(store, "s", STELE_ANY, NULL, NULL, &error), &error);
    expect_only_status(stele_read_open(store, NULL, &cursor, &error), &error);
    expect_null(stele_cursor_next(cursor, &error));
    expect_only_status(error.status, &error);
    expect_only_status(stele_cursor_wait(cursor, 0, &error), &error);
    stele_cursor_free(cursor);
    expect_only_status(stele_follow_open(store, NULL, &cursor, &error), &error);
    stele_cursor_free(cursor);
    expect_only_status(stele_names_open(store, NULL, &names, &error), &error);
    expect_null(stele_names_next(names, &error));
    expect_only_status(error.status, &error);
    stele_names_free(names);
    expect_only_status(stele_describe(store, &info, &error), &error);
    expect_only_status(stele_checkpoint_check(store, &checkpoint, NULL, &error), &error);
    expect_only_status(stele_accept_clock(store, &error), &error);
    expect_only_status(stele_verify(store, NULL, &result, &error), &error);
    expect_uint(result.events, 11);
    expect_only_status(stele_close(store, &error), &error);
    expect_uint(the_fake.cursors, 0);
}

TEST(submission_may_not_ask_for_violations)
{
    STELE_CLEANUP(store) stele_store *store = open_fake(NULL);
    const stele_event event = {.type = "t", .stream = "s"};
    stele_violation violation;
    const stele_append_options options = {.violations = &violation, .violations_capacity = 1};
    const stele_commit commit = {.events = &event, .event_count = 1, .options = &options};
    stele_error error;
    expect_error(stele_submit(store, &commit, note_completion, NULL, &error), &error,
                 STELE_INVALID);
    expect_contains(error.message, "violations");
    expect_error(stele_submit(store, &commit, NULL, NULL, &error), &error, STELE_INVALID);
    expect_contains(error.message, "completion");
    expect_uint(the_fake.submissions, 0);
}

/* ---- What belongs to streams. */

TEST(delete_appends_the_truncation_of_everything_under_the_streams_expectation)
{
    STELE_CLEANUP(store) stele_store *store = open_fake(NULL);
    stele_error error;
    expect_ok(stele_delete(store, "account-1", 4, NULL, NULL, &error), &error);
    expect_int(the_fake.intent, STELE_INTENT_DELETE);
    expect_text(the_fake.stream, "$$account-1");
    expect_text(the_fake.type, "$metadata");
    expect_text(the_fake.data, "{\"$tb\":9223372036854775807}");
    expect_text(the_fake.checked, "account-1");
    expect_int(the_fake.check.expected, 4);
}

TEST(tombstone_appends_the_last_event_of_the_stream)
{
    STELE_CLEANUP(store) stele_store *store = open_fake(NULL);
    stele_error error;
    expect_ok(stele_tombstone(store, "account-1", STELE_ANY, NULL, NULL, &error), &error);
    expect_int(the_fake.intent, STELE_INTENT_TOMBSTONE);
    expect_text(the_fake.stream, "account-1");
    expect_text(the_fake.type, "$streamDeleted");
    expect_text(the_fake.data, "");
    expect_text(the_fake.checked, "account-1");
}

TEST(metadata_is_written_to_the_metadata_stream)
{
    STELE_CLEANUP(store) stele_store *store = open_fake(NULL);
    stele_error error;
    expect_ok(stele_metadata_write(store, "$all", STELE_NO_STREAM, "{\"a\":1}x", 7, NULL, NULL,
                                   &error),
              &error);
    expect_int(the_fake.intent, STELE_INTENT_APPEND);
    expect_text(the_fake.stream, "$$$all");
    expect_text(the_fake.type, "$metadata");
    expect_text(the_fake.data, "{\"a\":1}");
    expect_text(the_fake.checked, "$$$all");
    expect_int(the_fake.check.expected, STELE_NO_STREAM);
}

TEST(metadata_is_read_from_the_end_of_the_metadata_stream)
{
    test_alloc alloc;
    test_alloc_init(&alloc);
    const stele_options options = {.alloc = &alloc.alloc};
    STELE_CLEANUP(store) stele_store *store = open_fake(&options);
    STELE_CLEANUP(metadata) stele_metadata metadata = {.revision = 0};
    stele_error error;
    expect_ok(stele_metadata_read(store, "s", &metadata, &error), &error);
    expect_text(the_fake.read_stream, "$$s");
    expect_int(the_fake.direction, STELE_BACKWARDS);
    expect_uint(the_fake.limit, 1);
    expect_int(the_fake.must_exist, 0);
    expect_int(metadata.revision, -1);
    the_fake.records_left = 1;
    expect_ok(stele_metadata_read(store, "s", &metadata, &error), &error);
    expect_int(metadata.revision, 0);
    expect_text(metadata.json, "{}");
    stele_metadata_done(&metadata);
    stele_metadata_done(&metadata);
    stele_metadata_done(NULL);
    the_fake.records_left = 1;
    test_alloc_fail(&alloc, 1, TEST_ALLOC_ONCE);
    expect_error(stele_metadata_read(store, "s", &metadata, &error), &error, STELE_NO_MEMORY);
    the_fake.answer = STELE_CORRUPT;
    expect_error(stele_metadata_read(store, "s", &metadata, &error), &error, STELE_CORRUPT);
    expect_uint(the_fake.cursors, 0);
    expect_uint(alloc.live_count, 1); /* the handle */
}

/* ---- Cursors. */

TEST(failure_of_a_cursor_is_final)
{
    STELE_CLEANUP(store) stele_store *store = open_fake(NULL);
    STELE_CLEANUP(cursor) stele_cursor *cursor = NULL;
    stele_error error;
    expect_ok(stele_read_open(store, NULL, &cursor, &error), &error);
    expect_int(the_fake.must_exist, 1);
    the_fake.records_left = 1;
    the_fake.answer = STELE_CORRUPT;
    expect_not_null(stele_cursor_next(cursor, NULL));
    expect_null(stele_cursor_next(cursor, &error));
    expect_int(error.status, STELE_CORRUPT);
    the_fake.answer = STELE_OK;
    the_fake.records_left = 1;
    expect_null(stele_cursor_next(cursor, &error));
    expect_int(error.status, STELE_CORRUPT);
    expect_error(stele_cursor_wait(cursor, 0, &error), &error, STELE_CORRUPT);
}

TEST(records_that_are_ready_are_handed_out_without_asking)
{
    STELE_CLEANUP(store) stele_store *store = open_fake(NULL);
    STELE_CLEANUP(cursor) stele_cursor *cursor = NULL;
    static const stele_record records[] = {{.position = 7}, {.position = 9}, {.position = 11}};
    stele_error error;
    expect_ok(stele_read_open(store, NULL, &cursor, &error), &error);
    the_fake.cursor = (stele_backend_cursor){records, records + 3};
    the_fake.answer = STELE_CORRUPT;
    error.status = STELE_IO;
    expect_true(stele_cursor_next(cursor, &error) == &records[0]);
    expect_int(error.status, STELE_OK);
    expect_true(stele_cursor_next(cursor, NULL) == &records[1]);
    /* What is left is not shown behind a failure. */
    the_fake.refresh_answer = STELE_DELETED;
    expect_error(stele_cursor_wait(cursor, 0, &error), &error, STELE_CORRUPT);
    the_fake.answer = STELE_OK;
    expect_error(stele_cursor_wait(cursor, 0, &error), &error, STELE_DELETED);
    expect_null(stele_cursor_next(cursor, &error));
    expect_int(error.status, STELE_DELETED);
}

TEST(end_of_a_followed_stream_is_final)
{
    STELE_CLEANUP(store) stele_store *store = open_fake(NULL);
    STELE_CLEANUP(cursor) stele_cursor *cursor = NULL;
    const stele_read read = {.stream = "s"};
    stele_error error;
    expect_ok(stele_follow_open(store, &read, &cursor, &error), &error);
    expect_int(the_fake.must_exist, 0);
    expect_ok(stele_cursor_wait(cursor, 0, &error), &error);
    the_fake.refresh_answer = STELE_DELETED;
    expect_error(stele_cursor_wait(cursor, 0, &error), &error, STELE_DELETED);
    the_fake.refresh_answer = STELE_OK;
    expect_error(stele_cursor_wait(cursor, 0, &error), &error, STELE_DELETED);
    expect_null(stele_cursor_next(cursor, &error));
    expect_int(error.status, STELE_DELETED);
}

TEST(timeout_of_a_wait_is_not_final)
{
    STELE_CLEANUP(store) stele_store *store = open_fake(NULL);
    STELE_CLEANUP(cursor) stele_cursor *cursor = NULL;
    stele_error error;
    expect_ok(stele_read_open(store, NULL, &cursor, &error), &error);
    the_fake.answer = STELE_TIMEOUT;
    expect_error(stele_cursor_wait(cursor, 0, &error), &error, STELE_TIMEOUT);
    the_fake.answer = STELE_OK;
    expect_ok(stele_cursor_wait(cursor, 0, &error), &error);
}

static const struct {
    stele_read read;
    const char *part; /* NULL: it can wait */
} waits[] = {
    {{.direction = STELE_FORWARDS}, NULL},         {{.as_of = {STELE_POINT_END, 0}}, NULL},
    {{.direction = STELE_BACKWARDS}, "backwards"}, {{.as_of = {STELE_POINT_POSITION, 3}}, "as_of"},
    {{.as_of = {STELE_POINT_START, 0}}, "as_of"},
};

TEST_ROWS(only_open_ended_forward_cursors_can_wait, waits)
{
    STELE_CLEANUP(store) stele_store *store = open_fake(NULL);
    STELE_CLEANUP(cursor) stele_cursor *cursor = NULL;
    stele_error error;
    expect_ok(stele_read_open(store, &waits[row].read, &cursor, &error), &error);
    if (waits[row].part) {
        expect_error(stele_cursor_wait(cursor, 0, &error), &error, STELE_INVALID);
        expect_contains(error.message, waits[row].part);
    } else {
        expect_ok(stele_cursor_wait(cursor, 0, &error), &error);
    }
}

TEST(cursors_and_lists_that_cannot_be_opened_leave_nothing_behind)
{
    test_alloc alloc;
    test_alloc_init(&alloc);
    const stele_options options = {.alloc = &alloc.alloc};
    STELE_CLEANUP(store) stele_store *store = open_fake(&options);
    stele_cursor *cursor = NULL;
    stele_name_list *names = NULL;
    stele_error error;
    the_fake.answer = STELE_IO;
    expect_error(stele_read_open(store, NULL, &cursor, &error), &error, STELE_IO);
    expect_error(stele_names_open(store, NULL, &names, &error), &error, STELE_IO);
    test_alloc_fail(&alloc, 1, TEST_ALLOC_FROM);
    expect_error(stele_read_open(store, NULL, &cursor, &error), &error, STELE_NO_MEMORY);
    expect_error(stele_names_open(store, NULL, &names, &error), &error, STELE_NO_MEMORY);
    expect_null(cursor);
    expect_null(names);
    expect_uint(alloc.live_count, 1); /* the handle */
    stele_cursor_free(NULL);
    stele_names_free(NULL);
}

TEST(failure_of_a_list_is_final)
{
    STELE_CLEANUP(store) stele_store *store = open_fake(NULL);
    STELE_CLEANUP(names) stele_name_list *names = NULL;
    stele_error error;
    expect_ok(stele_names_open(store, NULL, &names, &error), &error);
    the_fake.answer = STELE_CORRUPT;
    expect_null(stele_names_next(names, &error));
    expect_int(error.status, STELE_CORRUPT);
    the_fake.answer = STELE_OK;
    expect_null(stele_names_next(names, &error));
    expect_int(error.status, STELE_CORRUPT);
}

/* ---- Facts. */

TEST(refused_checkpoint_tells_how_far_it_is_valid)
{
    STELE_CLEANUP(store) stele_store *store = open_fake(NULL);
    stele_checkpoint checkpoint = {.position = 6};
    stele_position valid_until = 0;
    stele_error error;
    expect_error(stele_checkpoint_check(store, &checkpoint, &valid_until, &error), &error,
                 STELE_INVALID_CHECKPOINT);
    expect_uint(valid_until, 5);
}

TEST(damage_still_gives_a_result)
{
    STELE_CLEANUP(store) stele_store *store = open_fake(NULL);
    stele_verify_result result = {.events = 0};
    const stele_verify_options newer = {.version = 1};
    stele_error error;
    the_fake.answer = STELE_CORRUPT;
    expect_error(stele_verify(store, NULL, &result, &error), &error, STELE_CORRUPT);
    expect_uint(result.events, 11);
    expect_error(stele_verify(store, &newer, &result, &error), &error, STELE_INVALID);
}

TEST(head_step_and_wait_hand_on_what_they_are_told)
{
    STELE_CLEANUP(store) stele_store *store = open_fake(NULL);
    stele_position head = 0;
    stele_error error;
    int more = 0;
    the_fake.head = 77;
    expect_ok(stele_head(store, &head, &error), &error);
    expect_uint(head, 77);
    expect_ok(stele_step(store, &more, &error), &error);
    expect_int(more, 1);
    head = 0;
    expect_ok(stele_wait(store, 0, 0, &head, &error), &error);
    expect_uint(head, 77);
    expect_ok(stele_wait(store, 0, 0, NULL, &error), &error);
    expect_ok(stele_head(store, NULL, &error), &error);
}

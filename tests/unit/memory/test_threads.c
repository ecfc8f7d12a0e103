/* SPDX-License-Identifier: Apache-2.0 */
/* The memory backend under threads: waits that end, readers beside writers, one winner. */
#include "unit/memory/given.h"

#include "base/thread.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define WRITERS 4
#define READERS 4
#define APPENDS 300

static stele_store *the_store;
static _Atomic unsigned winners;

static void run_threads(void (*run)(void *context), size_t count)
{
    stele__thread threads[16];
    size_t numbers[16];
    for (size_t i = 0; i < count; i++) {
        numbers[i] = i;
        expect_int(stele__thread_start(&threads[i], "test", run, &numbers[i]), 0);
    }
    for (size_t i = 0; i < count; i++) {
        stele__thread_join(&threads[i]);
    }
}

static void append_some(void *context)
{
    const size_t number = *(const size_t *)context;
    char own[16];
    (void)snprintf(own, sizeof own, "own-%zu", number);
    for (size_t i = 0; i < APPENDS; i++) {
        const stele_event events[] = {given_event("shared", 0), given_event(own, 0)};
        const stele_check check = {own, (stele_expected)i - 1};
        const stele_commit commit = {events, 2, &check, 1, NULL};
        stele_receipt receipt;
        stele_error error;
        expect_ok(stele_append_commit(the_store, &commit, &receipt, NULL, &error), &error);
        expect_true(receipt.position <= given_head(the_store));
    }
}

/* Follows everything until all has come: dense, in order, nothing twice. */
static void follow_all(void)
{
    STELE_CLEANUP(cursor) stele_cursor *cursor = NULL;
    stele_position seen = 0;
    stele_error error;
    expect_ok(stele_follow_open(the_store, NULL, &cursor, &error), &error);
    while (seen < 2 * WRITERS * APPENDS) {
        for (const stele_record *record; (record = stele_cursor_next(cursor, &error)) != NULL;) {
            expect_uint(record->position, ++seen);
        }
        if (seen < 2 * WRITERS * APPENDS) {
            expect_ok(stele_cursor_wait(cursor, STELE_SECONDS(30), &error), &error);
        }
    }
}

static void follow_stream(void)
{
    STELE_CLEANUP(cursor) stele_cursor *cursor = NULL;
    const stele_read read = {.stream = "shared"};
    stele_revision next = 0;
    stele_error error;
    expect_ok(stele_follow_open(the_store, &read, &cursor, &error), &error);
    while (next < WRITERS * APPENDS) {
        for (const stele_record *record; (record = stele_cursor_next(cursor, &error)) != NULL;) {
            expect_uint(record->revision, next++);
            expect_text(record->stream, "shared");
        }
        if (next < WRITERS * APPENDS) {
            expect_ok(stele_cursor_wait(cursor, STELE_SECONDS(30), &error), &error);
        }
    }
}

static void write_or_read(void *context)
{
    const size_t number = *(const size_t *)context;
    if (number < WRITERS) {
        append_some(context);
    } else if (number % 2) {
        follow_all();
    } else {
        follow_stream();
    }
}

TEST_WITHIN(readers_beside_writers_see_everything_once_and_in_order, 60)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    the_store = store;
    run_threads(write_or_read, WRITERS + READERS);
    expect_uint(given_head(store), 2 * WRITERS * APPENDS);
}

static void take_last_seat(void *context)
{
    const size_t number = *(const size_t *)context;
    const char *const seat[] = {"seat:1"};
    const stele_query_item item = {.types = {(const char *const[]){"taken"}, 1}, .tags = {seat, 1}};
    const stele_query query = {&item, 1, 0};
    const stele_condition condition = {&query, 0};
    const stele_append_options options = {.conditions = &condition, .condition_count = 1};
    const stele_event event = {.id = given_id((unsigned)number + 1),
                               .type = "taken",
                               .tags = seat,
                               .tag_count = 1};
    stele_error error;
    const stele_status status =
        stele_append(the_store, "seats", STELE_ANY, &event, 1, &options, NULL, &error);
    if (status == STELE_OK) {
        atomic_fetch_add(&winners, 1);
    } else {
        expect_error(status, &error, STELE_CONFLICT_CONDITION);
    }
}

TEST(one_of_many_takes_the_last_seat)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    the_store = store;
    run_threads(take_last_seat, 8);
    expect_uint(winners, 1);
    expect_uint(given_head(store), 1);
}

static void wait_for_three(void *context)
{
    stele_position head = 0;
    stele_error error;
    (void)context;
    expect_ok(stele_wait(the_store, 2, STELE_FOREVER, &head, &error), &error);
    expect_true(head >= 3);
}

TEST(wait_ends_when_the_head_has_moved_far_enough)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    stele__thread threads[3];
    the_store = store;
    for (size_t i = 0; i < 3; i++) {
        expect_int(stele__thread_start(&threads[i], "test", wait_for_three, NULL), 0);
    }
    for (size_t i = 0; i < 3; i++) {
        given_append(store, "a", 0);
    }
    for (size_t i = 0; i < 3; i++) {
        stele__thread_join(&threads[i]);
    }
}

TEST(wait_times_out_although_the_given_clock_stands_still)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    stele_position head = 77;
    stele_error error;
    expect_error(stele_wait(store, 0, STELE_MILLISECONDS(20), &head, &error), &error,
                 STELE_TIMEOUT);
    expect_error(stele_wait(store, 0, 0, &head, &error), &error, STELE_TIMEOUT);
    expect_uint(head, 77);
    given_append(store, "a", 0);
    expect_ok(stele_wait(store, 0, 0, &head, &error), &error);
    expect_uint(head, 1);
}

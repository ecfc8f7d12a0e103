/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conformance: cursors that wait for more. Catching up and then live, from the same thread and from
 * another; deadlines; streams that do not exist yet; streams that end.
 */
#include "suite.h"

#include "base/thread.h"

#include <string.h>

static stele_cursor *follow(suite *s, stele_read read)
{
    stele_cursor *cursor = NULL;
    stele_error error;
    expect_ok(stele_follow_open(on(s), &read, &cursor, &error), &error);
    expect_not_null(cursor);
    suite_pin(s);
    return cursor;
}

/* What came since the last call, without waiting. "timeout": nothing at all was appended. */
static const char *news(suite *s, stele_cursor *cursor)
{
    stele_error error;
    const stele_status status = stele_cursor_wait(cursor, 0, &error);
    if (status != STELE_OK) {
        expect_int(error.status, status);
        return error_text(s, &error);
    }
    return ids_of(s, collect_rest(s, cursor));
}

/* ---- one thread */

TEST(a_cursor_goes_on_over_what_was_appended_meanwhile)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0 e1");
    STELE_CLEANUP(cursor) stele_cursor *cursor = follow(s, (stele_read){.stream = "a"});
    expect_says(ids_of(s, collect_rest(s, cursor)), "e0 e1");
    expect_says(news(s, cursor), "timeout");
    append(s, "a", STELE_ANY, "e2");
    append(s, "b", STELE_ANY, "e9");
    append(s, "a", STELE_ANY, "e3 e4");
    expect_says(news(s, cursor), "e2 e3 e4");
    expect_uint(stele_cursor_head(cursor), 6);
    expect_says(news(s, cursor), "timeout");
    append(s, "a", STELE_ANY, "e5");
    expect_says(news(s, cursor), "e5");
}

TEST(a_cursor_of_an_ordinary_read_can_wait_too)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0");
    STELE_CLEANUP(cursor) stele_cursor *cursor = NULL;
    stele_error error;
    expect_ok(stele_read_open(on(s), &(stele_read){.stream = "a"}, &cursor, &error), &error);
    suite_pin(s);
    expect_says(ids_of(s, collect_rest(s, cursor)), "e0");
    append(s, "a", STELE_ANY, "e1");
    expect_says(news(s, cursor), "e1");
}

TEST(waiting_in_the_middle_of_a_page_loses_nothing)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0 e1 e2");
    STELE_CLEANUP(cursor) stele_cursor *cursor = follow(s, (stele_read){.stream = "a"});
    stele_error error;
    expect_not_null(stele_cursor_next(cursor, &error));
    append(s, "a", STELE_ANY, "e3");
    expect_says(news(s, cursor), "e1 e2 e3");
}

TEST(a_time_that_has_not_come_is_waited_for)
{
    SUITE(s);
    const stele_read reads[] = {{.from = STELE_AT_TIME(SUITE_TIME + STELE_SECONDS(60))},
                                {.from = STELE_AT_TIME(SUITE_TIME + STELE_SECONDS(60)),
                                 .stream = "a"}};
    for (size_t i = 0; i < 2; i++) {
        suite_set_clock(s, SUITE_TIME + STELE_SECONDS(1000 * (stele_duration)i));
        stele_read read = reads[i];
        read.from = STELE_AT_TIME(SUITE_TIME + STELE_SECONDS(1000 * (stele_duration)i + 60));
        append(s, "a", STELE_ANY, "-");
        STELE_CLEANUP(cursor) stele_cursor *cursor = follow(s, read);
        expect_says(news(s, cursor), "timeout");
        append(s, "a", STELE_ANY, "-");
        expect_says(news(s, cursor), "");
        suite_set_clock(s, SUITE_TIME + STELE_SECONDS(1000 * (stele_duration)i + 60));
        append(s, "a", STELE_ANY, i ? "e4 e5" : "e0 e1");
        expect_says(news(s, cursor), i ? "e4 e5" : "e0 e1");
    }
}

TEST(what_was_appended_need_not_match)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0");
    STELE_CLEANUP(cursor) stele_cursor *cursor = follow(s, (stele_read){.stream = "a"});
    expect_says(ids_of(s, collect_rest(s, cursor)), "e0");
    append(s, "b", STELE_ANY, "e9");
    expect_says(news(s, cursor), "");
    expect_says(news(s, cursor), "timeout");
    append(s, "a", STELE_ANY, "e1");
    expect_says(news(s, cursor), "e1");
}

static const struct {
    stele_read read;
    const char *history;
    const char *live;
} followed[] = {
    {{0}, "e0 e1 e2", "e10 e11 e12 e13"},
    {{.category = "account"}, "e0 e2", "e10 e13"},
    {{.event_type = "closed"}, "e2", "e11 e13"},
    {{.tag = "x"}, "e1", "e10 e13"},
    {{.stream = "account-1"}, "e0", "e10"},
    {{.stream = "account-1", .from = {STELE_POINT_REVISION, 1}}, "", "e10"},
    {{.stream = "account-1", .from = {STELE_POINT_END, 0}}, "", "e10"},
    {{.stream = "new-1"}, "", "e12"},
    {{.from = {STELE_POINT_END, 0}}, "", "e10 e11 e12 e13"},
    {{.from = {STELE_POINT_POSITION, 2}}, "e1 e2", "e10 e11 e12 e13"},
    {{.from = {STELE_POINT_POSITION, 6}}, "", "e12 e13"},
    {{.category = "new"}, "", "e12"},
};

TEST_ROWS(every_source_can_be_followed, followed)
{
    SUITE(s);
    append_event(s, "account-1", STELE_ANY, event("opened", 0, "{}"), NULL);
    append_event(s, "order-1", STELE_ANY, with_tags(event("opened", 1, "{}"), stele_tags("x")),
                 NULL);
    append_event(s, "account-2", STELE_ANY, event("closed", 2, "{}"), NULL);
    STELE_CLEANUP(cursor) stele_cursor *cursor = follow(s, followed[row].read);
    expect_says(ids_of(s, collect_rest(s, cursor)), followed[row].history);
    append_event(s, "account-1", STELE_ANY, with_tags(event("opened", 10, "{}"), stele_tags("x")),
                 NULL);
    const char *live = news(s, cursor);
    append_event(s, "order-1", STELE_ANY, event("closed", 11, "{}"), NULL);
    append_event(s, "new-1", STELE_ANY, event("opened", 12, "{}"), NULL);
    append_event(s, "account-3", STELE_ANY, with_tags(event("closed", 13, "{}"), stele_tags("x")),
                 NULL);
    const char *more = news(s, cursor);
    expect_says(suite_print(s, "%s%s%s", live, *live && *more ? " " : "", more),
                followed[row].live);
}

TEST(a_query_with_filters_can_be_followed)
{
    SUITE(s);
    const stele_query query = stele_query_any_of(stele_item(stele_types("A"), stele_tags("x")),
                                                 stele_item(stele_types("B"), stele_any_tags()));
    const char *const prefixes[] = {"s-"};
    STELE_CLEANUP(cursor)
    stele_cursor *cursor = follow(s, (stele_read){.query = &query,
                                                  .stream_prefixes = prefixes,
                                                  .stream_prefix_count = 1});
    append_event(s, "s-1", STELE_ANY, with_tags(event("A", 0, "{}"), stele_tags("x")), NULL);
    append_event(s, "t-1", STELE_ANY, event("B", 1, "{}"), NULL);
    append_event(s, "s-1", STELE_ANY, event("A", 2, "{}"), NULL);
    append_event(s, "s-2", STELE_ANY, event("B", 3, "{}"), NULL);
    expect_says(news(s, cursor), "e0 e3");
}

TEST(a_wait_has_a_deadline)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0");
    STELE_CLEANUP(cursor) stele_cursor *cursor = follow(s, (stele_read){.stream = "a"});
    expect_says(ids_of(s, collect_rest(s, cursor)), "e0");
    stele_error error;
    expect_error(stele_cursor_wait(cursor, STELE_MILLISECONDS(30), &error), &error, STELE_TIMEOUT);
    expect_null(stele_cursor_next(cursor, &error));
    expect_int(error.status, STELE_OK);
}

TEST(a_backward_read_cannot_wait)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0");
    STELE_CLEANUP(cursor) stele_cursor *cursor = NULL;
    stele_error error;
    expect_ok(stele_read_open(on(s), &(stele_read){.direction = STELE_BACKWARDS}, &cursor, &error),
              &error);
    suite_pin(s);
    expect_says(ids_of(s, collect_rest(s, cursor)), "e0");
    append(s, "a", STELE_ANY, "e1");
    expect_status(stele_cursor_wait(cursor, 0, &error), STELE_INVALID);
}

TEST(a_read_of_the_past_cannot_wait)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0 e1");
    STELE_CLEANUP(cursor) stele_cursor *cursor = NULL;
    stele_error error;
    expect_ok(stele_read_open(on(s), &(stele_read){.as_of = STELE_AT_POSITION(1)}, &cursor, &error),
              &error);
    suite_pin(s);
    expect_says(ids_of(s, collect_rest(s, cursor)), "e0");
    expect_status(stele_cursor_wait(cursor, 0, &error), STELE_INVALID);
}

/* ---- streams that come and go */

TEST(a_stream_that_does_not_exist_yet_can_be_followed)
{
    SUITE(s);
    STELE_CLEANUP(cursor) stele_cursor *cursor = follow(s, (stele_read){.stream = "a"});
    expect_says(ids_of(s, collect_rest(s, cursor)), "");
    expect_says(news(s, cursor), "timeout");
    append(s, "a", STELE_NO_STREAM, "e0 e1");
    expect_says(news(s, cursor), "e0 e1");
    append(s, "a", STELE_ANY, "e2");
    expect_says(news(s, cursor), "e2");
}

TEST(a_deleted_stream_can_be_followed_until_it_is_recreated)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0 e1");
    delete_stream(s, "a", STELE_ANY);
    STELE_CLEANUP(cursor) stele_cursor *cursor = follow(s, (stele_read){.stream = "a"});
    expect_says(ids_of(s, collect_rest(s, cursor)), "");
    append(s, "a", STELE_NO_STREAM, "e2");
    expect_says(news(s, cursor), "e2");
}

TEST(a_followed_stream_may_be_deleted_and_recreated)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0");
    STELE_CLEANUP(cursor) stele_cursor *cursor = follow(s, (stele_read){.stream = "a"});
    expect_says(ids_of(s, collect_rest(s, cursor)), "e0");
    delete_stream(s, "a", STELE_ANY);
    expect_says(news(s, cursor), "");
    append(s, "a", STELE_NO_STREAM, "e1");
    expect_says(news(s, cursor), "e1");
}

TEST(a_follower_does_not_show_old_events_that_become_visible_again)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0 e1 e2 e3 e4");
    write_metadata(s, "a", STELE_ANY, "{\"$tb\":3}");
    STELE_CLEANUP(cursor) stele_cursor *cursor = follow(s, (stele_read){.stream = "a"});
    expect_says(ids_of(s, collect_rest(s, cursor)), "e3 e4");
    write_metadata(s, "a", STELE_ANY, "{}");
    expect_says(news(s, cursor), "");
    append(s, "a", STELE_ANY, "e5");
    expect_says(news(s, cursor), "e5");
}

TEST(a_tombstone_ends_a_followed_stream)
{
    SUITE(s);
    append(s, "account-1", STELE_ANY, "e0");
    STELE_CLEANUP(cursor) stele_cursor *cursor = follow(s, (stele_read){.stream = "account-1"});
    expect_says(ids_of(s, collect_rest(s, cursor)), "e0");
    tombstone_stream(s, "account-1", STELE_ANY);
    stele_error error;
    expect_error(stele_cursor_wait(cursor, STELE_SECONDS(5), &error), &error,
                 STELE_DELETED_TOMBSTONE);
    expect_contains(error.message, "account-1");
    expect_says(news(s, cursor), "tombstoned");
}

TEST(a_tombstone_does_not_end_other_followers)
{
    SUITE(s);
    append(s, "account-1", STELE_ANY, "e0");
    STELE_CLEANUP(cursor) stele_cursor *all = follow(s, (stele_read){0});
    STELE_CLEANUP(cursor) stele_cursor *category = follow(s, (stele_read){.category = "account"});
    STELE_CLEANUP(cursor)
    stele_cursor *type = follow(s, (stele_read){.event_type = STELE_TYPE_TOMBSTONE});
    expect_says(ids_of(s, collect_rest(s, all)), "e0");
    expect_says(ids_of(s, collect_rest(s, category)), "e0");
    tombstone_stream(s, "account-1", STELE_ANY);
    append(s, "account-2", STELE_ANY, "e1");
    expect_says(news(s, all), "$streamDeleted e1");
    expect_says(news(s, category), "$streamDeleted e1");
    expect_says(news(s, type), "$streamDeleted");
}

TEST(a_tombstoned_stream_cannot_be_followed)
{
    SUITE(s);
    tombstone_stream(s, "a", STELE_ANY);
    stele_cursor *cursor = NULL;
    stele_error error;
    expect_error(stele_follow_open(on(s), &(stele_read){.stream = "a"}, &cursor, &error), &error,
                 STELE_DELETED_TOMBSTONE);
    expect_null(cursor);
}

/* ---- another handle */

/* Takes what comes until `last`; positions without gaps from *next on. */
static void expect_to_follow(stele_cursor *cursor, stele_position *next, stele_position last)
{
    stele_error error;
    while (*next <= last) {
        const stele_record *record = stele_cursor_next(cursor, &error);
        if (record) {
            expect_uint(record->position, *next);
            ++*next;
        } else {
            expect_ok(error.status, &error);
            expect_ok(stele_cursor_wait(cursor, STELE_SECONDS(10), &error), &error);
        }
    }
}

TEST_WITHIN(a_reader_follows_a_writer_that_fills_segments_and_restarts, 60)
{
    SUITE(s);
    append_filler(s, 3000);
    if (!s->is_persistent) {
        return;
    }
    stele_options options = s->options;
    options.access = STELE_READ_ONLY;
    STELE_CLEANUP(store) stele_store *reader = NULL;
    STELE_CLEANUP(cursor) stele_cursor *cursor = NULL;
    stele_error error;
    stele_position next = 1;
    expect_ok(stele_open(s->url, &options, &reader, &error), &error);
    expect_ok(stele_follow_open(reader, &(stele_read){0}, &cursor, &error), &error);
    expect_to_follow(cursor, &next, 3000);
    for (stele_position last = 6000; last <= 15000; last += 3000) {
        append_filler(s, 3000);
        expect_to_follow(cursor, &next, last);
        suite_reopen(s);
    }
    append(s, "a", STELE_ANY, "e0");
    expect_to_follow(cursor, &next, 15001);
    expect_error(stele_cursor_wait(cursor, 0, &error), &error, STELE_TIMEOUT);
    stele_position head = 0;
    expect_ok(stele_head(reader, &head, &error), &error);
    expect_uint(head, 15001);
}

/* ---- another thread */

typedef struct writer {
    suite *suite;
    unsigned first; /* number of the first event */
    unsigned commits;
    unsigned events_each;
    stele_status failed;
} writer;

static void write_all(void *context)
{
    writer *w = context;
    static const stele_durability kinds[] = {STELE_DURABLE_OS, STELE_DURABLE_NONE,
                                             STELE_DURABLE_FULL};
    stele_event many[8];
    for (unsigned i = 0; i < w->commits; i++) {
        for (unsigned j = 0; j < w->events_each; j++) {
            many[j] = in_stream((i + j) % 3 ? "a-1" : "b-1",
                                event("happened", w->first + i * w->events_each + j, "{}"));
        }
        const stele_append_options options = {.durability = kinds[i % 3]};
        const stele_commit commit = {.events = many,
                                     .event_count = w->events_each,
                                     .options = &options};
        const stele_status status = stele_append_commit(held(w->suite), &commit, NULL, NULL, NULL);
        if (status != STELE_OK) {
            w->failed = status;
            return;
        }
        if (w->suite->options.background == STELE_NO_THREADS &&
            stele_step(held(w->suite), NULL, NULL) != STELE_OK) {
            w->failed = STELE_INTERNAL;
            return;
        }
    }
    w->failed = stele_sync(held(w->suite), NULL);
}

/* Takes `count` events of everything as they come; each once, in order. */
static void expect_all_once(stele_cursor *cursor, unsigned count)
{
    stele_error error;
    unsigned seen = 0;
    while (seen < count) {
        for (const stele_record *record; (record = stele_cursor_next(cursor, &error)); seen++) {
            const stele_uuid wanted = id_of(seen);
            expect_uint(record->position, seen + 1);
            expect_bytes(&record->id, 16, &wanted, 16);
        }
        expect_ok(error.status, &error);
        expect_true(stele_cursor_head(cursor) <= count);
        if (seen < count) {
            expect_ok(stele_cursor_wait(cursor, STELE_SECONDS(10), &error), &error);
        }
    }
}

TEST_WITHIN(catching_up_and_then_live_shows_every_event_once, 60)
{
    SUITE(s);
    const unsigned rounds = (unsigned)test_scaled(3);
    unsigned before = 0;
    STELE_CLEANUP(cursor) stele_cursor *cursor = follow(s, (stele_read){0});
    for (unsigned i = 0; i < rounds; i++) {
        writer w = {s, before, 300, 4, STELE_OK};
        stele__thread thread;
        stele_error error;
        expect_int(stele__thread_start(&thread, "writer", write_all, &w), 0);
        /* Another cursor begins somewhere in the middle. */
        STELE_CLEANUP(cursor) stele_cursor *late = NULL;
        expect_ok(stele_read_open(held(s), &(stele_read){0}, &late, &error), &error);
        unsigned seen = 0;
        while (seen < 1200) {
            const stele_record *record = stele_cursor_next(cursor, &error);
            if (record) {
                const stele_uuid wanted = id_of(before + seen);
                expect_uint(record->position, before + seen + 1);
                expect_bytes(&record->id, 16, &wanted, 16);
                seen++;
            } else {
                expect_ok(stele_cursor_wait(cursor, STELE_SECONDS(10), &error), &error);
            }
        }
        stele__thread_join(&thread);
        expect_int(w.failed, STELE_OK);
        before += 1200;
        unsigned late_seen = 0;
        while (late_seen < before) {
            const stele_record *record = stele_cursor_next(late, &error);
            if (record) {
                expect_uint(record->position, ++late_seen);
            } else {
                expect_ok(stele_cursor_wait(late, STELE_SECONDS(10), &error), &error);
            }
        }
    }
}

TEST_WITHIN(a_stream_is_followed_live_by_several_threads_worth_of_cursors, 60)
{
    SUITE(s);
    STELE_CLEANUP(cursor) stele_cursor *all = follow(s, (stele_read){0});
    STELE_CLEANUP(cursor) stele_cursor *stream = follow(s, (stele_read){.stream = "a-1"});
    STELE_CLEANUP(cursor) stele_cursor *category = follow(s, (stele_read){.category = "b"});
    writer w = {s, 0, 200, 3, STELE_OK};
    stele__thread thread;
    stele_error error;
    expect_int(stele__thread_start(&thread, "writer", write_all, &w), 0);
    expect_all_once(all, 600);
    stele__thread_join(&thread);
    expect_int(w.failed, STELE_OK);
    unsigned of_stream = 0;
    while (of_stream < 400) {
        const stele_record *record = stele_cursor_next(stream, &error);
        if (record) {
            expect_uint(record->revision, of_stream++);
        } else {
            expect_ok(stele_cursor_wait(stream, STELE_SECONDS(10), &error), &error);
        }
    }
    unsigned of_category = 0;
    while (of_category < 200) {
        const stele_record *record = stele_cursor_next(category, &error);
        if (record) {
            expect_uint(record->revision, of_category++);
        } else {
            expect_ok(stele_cursor_wait(category, STELE_SECONDS(10), &error), &error);
        }
    }
    expect_null(stele_cursor_next(stream, &error));
    expect_null(stele_cursor_next(category, &error));
}

static void append_a_little_later(void *context)
{
    suite *s = context;
    const stele_event one = event("happened", 0, "{}");
    stele_position head;
    /* Nothing is appended for a moment, so that the other thread really waits. */
    (void)!stele_wait(held(s), 0, STELE_MILLISECONDS(50), &head, NULL);
    (void)!stele_append(held(s), "a", STELE_NO_STREAM, &one, 1, NULL, NULL, NULL);
}

TEST(a_waiting_cursor_is_woken_by_an_append)
{
    SUITE(s);
    STELE_CLEANUP(cursor) stele_cursor *cursor = follow(s, (stele_read){.stream = "a"});
    stele__thread thread;
    stele_error error;
    expect_int(stele__thread_start(&thread, "writer", append_a_little_later, s), 0);
    expect_ok(stele_cursor_wait(cursor, STELE_SECONDS(10), &error), &error);
    expect_says(ids_of(s, collect_rest(s, cursor)), "e0");
    stele__thread_join(&thread);
}

TEST(a_waiting_store_is_woken_by_an_append)
{
    SUITE(s);
    suite_pin(s);
    stele__thread thread;
    stele_position head = 0;
    stele_error error;
    expect_int(stele__thread_start(&thread, "writer", append_a_little_later, s), 0);
    expect_ok(stele_wait(held(s), 0, STELE_SECONDS(10), &head, &error), &error);
    expect_uint(head, 1);
    stele__thread_join(&thread);
}

static void tombstone_a_little_later(void *context)
{
    suite *s = context;
    stele_position head;
    (void)!stele_wait(held(s), 1, STELE_MILLISECONDS(50), &head, NULL);
    (void)!stele_tombstone(held(s), "a", STELE_ANY, NULL, NULL, NULL);
}

TEST(a_waiting_cursor_is_woken_by_the_end_of_its_stream)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0");
    STELE_CLEANUP(cursor) stele_cursor *cursor = follow(s, (stele_read){.stream = "a"});
    expect_says(ids_of(s, collect_rest(s, cursor)), "e0");
    stele__thread thread;
    stele_error error;
    expect_int(stele__thread_start(&thread, "writer", tombstone_a_little_later, s), 0);
    expect_error(stele_cursor_wait(cursor, STELE_SECONDS(10), &error), &error,
                 STELE_DELETED_TOMBSTONE);
    stele__thread_join(&thread);
}

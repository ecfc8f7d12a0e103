/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conformance: asynchronous appends. Every accepted submission is completed exactly once, in the
 * order of positions; what is in flight is bounded; closing completes everything.
 */
#include "suite.h"

#include "base/thread.h"

#include <limits.h>
#include <string.h>

/* ---- what was completed */

enum { COMPLETIONS_MAX = 4096 };

typedef struct completion {
    unsigned number; /* which submission */
    stele_status status;
    stele_receipt receipt;
    stele_error error;
} completion;

typedef struct completions {
    suite *suite;
    stele__mutex mutex; /* highest rank: the store may hold locks of its own when it completes */
    stele__condition changed;
    size_t count;
    completion list[COMPLETIONS_MAX];
} completions;

/* The context of one submission. */
typedef struct submission {
    completions *all;
    unsigned number;
    unsigned calls;
} submission;

static completions *completions_new(suite *s)
{
    completions *all = suite_allocate(s, sizeof *all);
    all->suite = s;
    expect_int(stele__mutex_init(&all->mutex, UINT_MAX), 0);
    expect_int(stele__condition_init(&all->changed), 0);
    return all;
}

static void completed(void *context, stele_status status, const stele_receipt *receipt,
                      const stele_error *error)
{
    submission *one = context;
    completions *all = one->all;
    stele__lock(&all->mutex);
    one->calls++;
    if (all->count < COMPLETIONS_MAX) {
        completion *entry = &all->list[all->count++];
        entry->number = one->number;
        entry->status = status;
        if (receipt) {
            entry->receipt = *receipt;
        }
        if (error) {
            entry->error = *error;
        }
        /* A receipt is given on success and only then. */
        if ((receipt != NULL) != (status == STELE_OK)) {
            entry->status = STELE_INTERNAL;
        }
    }
    stele__condition_wake_all(&all->changed);
    stele__unlock(&all->mutex);
}

static size_t count_completed(completions *all)
{
    stele__lock(&all->mutex);
    const size_t count = all->count;
    stele__unlock(&all->mutex);
    return count;
}

/* Waits until `count` submissions were completed. */
static void await(completions *all, size_t count)
{
    suite *s = all->suite;
    if (s->options.background == STELE_NO_THREADS) {
        suite_settle(s);
    }
    stele__lock(&all->mutex);
    while (all->count < count) {
        if (!stele__condition_wait(&all->changed, &all->mutex, STELE_SECONDS(10))) {
            test_fail("%zu of %zu submissions were completed", all->count, count);
        }
    }
    stele__unlock(&all->mutex);
    expect_uint(count_completed(all), count);
}

static stele_status submit_commit(completions *all, unsigned number, const stele_commit *commit,
                                  stele_error *reterr)
{
    submission *one = suite_allocate(all->suite, sizeof *one);
    *one = (submission){all, number, 0};
    return stele_submit(held(all->suite), commit, completed, one, reterr);
}

/* Submits events(text) with one check. */
static void submit(completions *all, unsigned number, const char *text, const char *stream,
                   stele_expected expected, const stele_append_options *options)
{
    const batch some = events(all->suite, text);
    const stele_check check = {stream, expected};
    const stele_commit commit = {some.events, some.count, &check, 1, options};
    stele_error error;
    expect_ok(submit_commit(all, number, &commit, &error), &error);
}

/* "0: written 0 @1; 1: wanted none, is 0" in the order of completion. */
static const char *said(completions *all)
{
    const char *text = "";
    for (size_t i = 0; i < all->count; i++) {
        const completion *entry = &all->list[i];
        const outcome o = {.suite = all->suite,
                           .status = entry->status,
                           .receipt = entry->receipt,
                           .error = entry->error};
        text = suite_print(all->suite, "%s%s%u: %s", text, i > 0 ? "; " : "", entry->number,
                           outcome_text(o));
    }
    return text;
}

static suite *suite_without_threads(void)
{
    suite *s = suite_new();
    s->options.background = STELE_NO_THREADS;
    s->options.memory_bytes = STELE_MEMORY_MIN;
    suite_start(s);
    return s;
}

/* ---- completing */

TEST(a_submission_is_completed_with_its_receipt)
{
    SUITE(s);
    completions *all = completions_new(s);
    submit(all, 7, "a:e0 b:e1 a:e2", "a", STELE_NO_STREAM, NULL);
    await(all, 1);
    expect_says(said(all), "7: written 1 @3");
    expect_uint(all->list[0].receipt.first_position, 1);
    expect_int(all->list[0].receipt.time, SUITE_TIME);
    expect_says(ids(s, (stele_read){0}), "e0 e1 e2");
}

TEST(submissions_of_one_thread_are_decided_in_their_order)
{
    SUITE(s);
    completions *all = completions_new(s);
    submit(all, 0, "a:e0", "a", STELE_NO_STREAM, NULL);
    submit(all, 1, "a:e1", "a", STELE_NO_STREAM, NULL);
    submit(all, 2, "a:e2", "a", 0, NULL);
    submit(all, 3, "a:e3", "a", 7, NULL);
    submit(all, 4, "b:e4", "a", STELE_EXISTS, NULL);
    submit(all, 5, "a:e5", "b", 0, NULL);
    await(all, 6);
    unsigned written = 0;
    for (size_t i = 0; i < all->count; i++) {
        if (all->list[i].status == STELE_OK) {
            expect_uint(all->list[i].receipt.position, ++written);
        } else {
            expect_true(all->list[i].number == 1 || all->list[i].number == 3);
            expect_int(all->list[i].error.detail, STELE_CONFLICT_REVISION);
        }
    }
    expect_says(ids(s, (stele_read){0}), "e0 e2 e4 e5");
}

TEST(a_refused_submission_is_completed_with_its_conflict)
{
    SUITE(s);
    append(s, "a", STELE_NO_STREAM, "e0");
    tombstone_stream(s, "dead", STELE_ANY);
    completions *all = completions_new(s);
    const stele_query everything = stele_query_everything();
    const stele_condition none = {.no_event_matching = &everything};
    const stele_append_options conditional = {.conditions = &none, .condition_count = 1};
    submit(all, 0, "a:e1", "a", 4, NULL);
    await(all, 1);
    submit(all, 1, "dead:e1", "dead", STELE_ANY, NULL);
    await(all, 2);
    submit(all, 2, "b:e1", "b", STELE_ANY, &conditional);
    await(all, 3);
    submit(all, 3, "a:e0", "a", STELE_ANY, NULL);
    await(all, 4);
    expect_says(said(all),
                "0: wanted 4, is 0; 1: tombstoned; 2: condition 0: e0 @1; 3: already 0 @1");
    expect_uint(all->list[0].error.conflict.violation_count, 1);
    expect_uint(head_of(s), 2);
}

TEST(conditions_are_checked_against_what_was_submitted_just_before)
{
    SUITE(s);
    completions *all = completions_new(s);
    const stele_query x = stele_query_of(stele_any_type(), stele_tags("x"));
    const stele_condition none = {.no_event_matching = &x};
    const stele_append_options conditional = {.conditions = &none, .condition_count = 1};
    for (unsigned i = 0; i < 20; i++) {
        const stele_event one = in_stream("a", with_tags(event("taken", i, "{}"), stele_tags("x")));
        const stele_commit commit = {.events = &one, .event_count = 1, .options = &conditional};
        stele_error error;
        expect_ok(submit_commit(all, i, &commit, &error), &error);
    }
    await(all, 20);
    unsigned won = 0;
    for (size_t i = 0; i < 20; i++) {
        won += all->list[i].status == STELE_OK;
        if (all->list[i].status != STELE_OK) {
            expect_int(all->list[i].error.detail, STELE_CONFLICT_CONDITION);
            expect_uint(all->list[i].error.conflict.position, 1);
        } else {
            expect_uint(all->list[i].number, 0);
        }
    }
    expect_uint(won, 1);
    expect_uint(head_of(s), 1);
}

TEST(a_condition_after_everything_holds_whatever_was_submitted_just_before)
{
    static const stele_position afters[] = {UINT64_MAX, UINT64_MAX - 1, INT64_MAX, 1000};
    suite *s __attribute__((cleanup(suite_end))) = suite_without_threads();
    completions *all = completions_new(s);
    const stele_query everything = {.everything = 1};
    for (unsigned i = 0; i < 4; i++) {
        const stele_condition none = {&everything, afters[i]};
        const stele_append_options conditional = {.conditions = &none, .condition_count = 1};
        submit(all, 2 * i, "a:-", "a", STELE_ANY, NULL);
        submit(all, 2 * i + 1, "b:-", "b", STELE_ANY, &conditional);
    }
    await(all, 8);
    for (size_t i = 0; i < 8; i++) {
        expect_int(all->list[i].status, STELE_OK);
    }
    expect_uint(head_of(s), 8);
}

TEST(keys_and_ids_are_known_from_what_was_submitted_just_before)
{
    SUITE(s);
    completions *all = completions_new(s);
    const stele_append_options keyed = {.key = "k"};
    submit(all, 0, "a:e0", "a", STELE_ANY, &keyed);
    submit(all, 1, "a:e0", "a", STELE_ANY, &keyed);
    submit(all, 2, "a:e1", "a", STELE_ANY, &keyed);
    submit(all, 3, "a:e0", "a", STELE_NO_STREAM, NULL);
    submit(all, 4, "a:e0", "a", STELE_ANY, NULL);
    await(all, 5);
    const char *const wanted[] = {"written 0 @1", "already 0 @1", "key @1", "already 0 @1",
                                  "already 0 @1"};
    for (size_t i = 0; i < 5; i++) {
        const completion *entry = &all->list[i];
        const outcome o = {.suite = s,
                           .status = entry->status,
                           .receipt = entry->receipt,
                           .error = entry->error};
        expect_says(o, wanted[entry->number]);
    }
    expect_uint(head_of(s), 1);
}

TEST(completions_come_in_the_order_of_positions)
{
    SUITE(s);
    completions *all = completions_new(s);
    static const stele_durability kinds[] = {STELE_DURABLE_NONE, STELE_DURABLE_OS,
                                             STELE_DURABLE_FULL, STELE_DURABLE_DEFAULT,
                                             STELE_DURABLE_NONE};
    for (unsigned i = 0; i < 500; i++) {
        const stele_append_options options = {.durability = kinds[i * 7 % 5]};
        submit(all, i, suite_print(s, "a-%u:-", i % 7), "a-0", STELE_ANY, &options);
    }
    await(all, 500);
    for (unsigned i = 0; i < 500; i++) {
        expect_int(all->list[i].status, STELE_OK);
        expect_uint(all->list[i].number, i);
        expect_uint(all->list[i].receipt.position, i + 1);
    }
    suite_settle(s);
    expect_uint(count_of(s, (stele_read){0}), 500);
}

TEST(every_submission_is_completed_once)
{
    SUITE(s);
    completions *all = completions_new(s);
    submission *many = suite_allocate(s, 300 * sizeof *many);
    for (unsigned i = 0; i < 300; i++) {
        many[i] = (submission){all, i, 0};
        const stele_event one = in_stream("a", nameless("t", "{}"));
        const stele_check check = {"a", i % 3 ? STELE_ANY : 1000000};
        const stele_commit commit = {&one, 1, &check, 1, NULL};
        stele_error error;
        expect_ok(stele_submit(held(s), &commit, completed, &many[i], &error), &error);
    }
    await(all, 300);
    suite_settle(s);
    for (unsigned i = 0; i < 300; i++) {
        expect_uint(many[i].calls, 1);
    }
    expect_uint(head_of(s), 200);
}

TEST(what_is_submitted_is_copied)
{
    SUITE(s);
    completions *all = completions_new(s);
    char stream[] = "account-1";
    char type[] = "opened";
    char data[] = "{\"a\":1}";
    char tag[] = "x";
    char key[] = "key-1";
    const char *tags[] = {tag};
    stele_event one = in_stream(stream, with_tags(event(type, 0, data), (stele_names){tags, 1}));
    stele_check check = {stream, STELE_NO_STREAM};
    const char *types[] = {type};
    stele_query_item item = {{types, 1}, {NULL, 0}};
    stele_query query = {&item, 1, 0};
    stele_condition condition = {&query, 0};
    stele_append_options options = {.key = key, .conditions = &condition, .condition_count = 1};
    stele_commit commit = {&one, 1, &check, 1, &options};
    stele_error error;
    expect_ok(submit_commit(all, 0, &commit, &error), &error);
    memset(stream, 'z', sizeof stream - 1);
    memset(type, 'z', sizeof type - 1);
    memset(data, 'z', sizeof data - 1);
    memset(tag, 'z', sizeof tag - 1);
    memset(key, 'z', sizeof key - 1);
    tags[0] = types[0] = NULL;
    memset(&one, 0x5a, sizeof one);
    memset(&check, 0x5a, sizeof check);
    memset(&item, 0x5a, sizeof item);
    memset(&query, 0x5a, sizeof query);
    memset(&condition, 0x5a, sizeof condition);
    memset(&options, 0x5a, sizeof options);
    memset(&commit, 0x5a, sizeof commit);
    await(all, 1);
    expect_says(said(all), "0: written 0 @1");
    const copies stored = collect(s, (stele_read){.stream = "account-1"});
    expect_text(stored.records[0].type, "opened");
    expect_text(stored.records[0].data, "{\"a\":1}");
    expect_text(stored.records[0].tags[0], "x");
    const stele_event same = with_tags(event("opened", 0, "{\"a\":1}"), stele_tags("x"));
    expect_says(append_event(s, "account-1", STELE_ANY, same,
                             &(stele_append_options){.key = "key-1"}),
                "already 0 @1");
}

TEST(a_submission_that_cannot_be_is_refused_at_once_and_never_completed)
{
    SUITE(s);
    completions *all = completions_new(s);
    stele_error error;
    const stele_event bad = in_stream("a", event("", 0, "{}"));
    const stele_commit without_type = {.events = &bad, .event_count = 1};
    expect_error(submit_commit(all, 0, &without_type, &error), &error, STELE_INVALID_NAME);
    const stele_commit empty = {0};
    expect_status(submit_commit(all, 1, &empty, &error), STELE_INVALID);
    stele_violation room[1];
    const stele_append_options with_room = {.violations = room, .violations_capacity = 1};
    const stele_event good = in_stream("a", event("t", 0, "{}"));
    const stele_commit with_violations = {.events = &good, .event_count = 1, .options = &with_room};
    expect_status(submit_commit(all, 2, &with_violations, &error), STELE_INVALID);
    suite_settle(s);
    expect_uint(count_completed(all), 0);
    expect_uint(head_of(s), 0);
}

/* ---- without threads */

TEST(without_threads_nothing_is_completed_before_a_step)
{
    suite *s __attribute__((cleanup(suite_end))) = suite_without_threads();
    completions *all = completions_new(s);
    submit(all, 0, "a:e0", "a", STELE_NO_STREAM, NULL);
    submit(all, 1, "a:e1", "a", 0, NULL);
    expect_uint(count_completed(all), 0);
    stele_error error;
    int more = 1;
    for (unsigned i = 0; i < 1000 && more; i++) {
        expect_ok(stele_step(held(s), &more, &error), &error);
    }
    expect_int(more, 0);
    expect_says(said(all), "0: written 0 @1; 1: written 1 @2");
}

TEST(without_threads_a_sync_completes)
{
    suite *s __attribute__((cleanup(suite_end))) = suite_without_threads();
    completions *all = completions_new(s);
    const stele_append_options quickly = {.durability = STELE_DURABLE_NONE};
    submit(all, 0, "a:e0", "a", STELE_NO_STREAM, &quickly);
    submit(all, 1, "a:e1", "a", 0, NULL);
    stele_error error;
    expect_ok(stele_sync(held(s), &error), &error);
    expect_says(said(all), "0: written 0 @1; 1: written 1 @2");
    expect_says(ids(s, (stele_read){0}), "e0 e1");
}

TEST(without_threads_a_synchronous_append_comes_after_what_was_submitted)
{
    suite *s __attribute__((cleanup(suite_end))) = suite_without_threads();
    suite_pin(s);
    completions *all = completions_new(s);
    submit(all, 0, "a:e0", "a", STELE_NO_STREAM, NULL);
    submit(all, 1, "a:e1", "a", 0, NULL);
    expect_says(append(s, "a", 1, "e2"), "written 2 @3");
    expect_says(said(all), "0: written 0 @1; 1: written 1 @2");
}

/* ---- completions that submit */

typedef struct chain {
    completions *all;
    unsigned length;
    unsigned done;
    submission *submissions;
    stele_status failed;
} chain;

/* Each completion hands in the next event, until the chain is as long as it shall be. */
static void continue_chain(void *context, stele_status status, const stele_receipt *receipt,
                           const stele_error *error)
{
    chain *c = context;
    const unsigned number = c->done++;
    if (number + 1 < c->length) {
        const stele_event one = in_stream("chain", nameless("link", "{}"));
        const stele_check check = {"chain", (stele_expected)number};
        const stele_commit commit = {&one, 1, &check, 1, NULL};
        const stele_status next =
            stele_submit(held(c->all->suite), &commit, continue_chain, c, NULL);
        c->failed = next != STELE_OK ? next : c->failed;
    }
    completed(&c->submissions[number], status, receipt, error);
}

TEST(a_completion_may_submit)
{
    enum { LENGTH = 100 };
    SUITE(s);
    completions *all = completions_new(s);
    chain c = {.all = all,
               .length = LENGTH,
               .submissions = suite_allocate(s, LENGTH * sizeof(submission))};
    for (unsigned i = 0; i < LENGTH; i++) {
        c.submissions[i] = (submission){all, i, 0};
    }
    const stele_event one = in_stream("chain", nameless("link", "{}"));
    const stele_check check = {"chain", STELE_NO_STREAM};
    const stele_commit commit = {&one, 1, &check, 1, NULL};
    stele_error error;
    expect_ok(stele_submit(held(s), &commit, continue_chain, &c, &error), &error);
    await(all, LENGTH);
    expect_int(c.failed, STELE_OK);
    for (unsigned i = 0; i < LENGTH; i++) {
        expect_int(all->list[i].status, STELE_OK);
        expect_uint(all->list[i].receipt.revision, i);
    }
    expect_uint(count_of(s, (stele_read){.stream = "chain"}), LENGTH);
}

typedef struct impatient {
    completions *all;
    submission submission;
    stele_cursor *cursor;
    stele_status append;
    stele_status sync;
    stele_status step;
    stele_status wait;
    stele_status cursor_wait;
} impatient;

/* A completion that would wait for itself. */
static void wait_inside(void *context, stele_status status, const stele_receipt *receipt,
                        const stele_error *error)
{
    impatient *one = context;
    stele_store *store = held(one->all->suite);
    const stele_event event = nameless("t", "{}");
    one->append = stele_append(store, "b", STELE_ANY, &event, 1, NULL, NULL, NULL);
    one->sync = stele_sync(store, NULL);
    one->step = stele_step(store, NULL, NULL);
    one->wait = stele_wait(store, 100, STELE_FOREVER, NULL, NULL);
    one->cursor_wait = stele_cursor_wait(one->cursor, STELE_FOREVER, NULL);
    completed(&one->submission, status, receipt, error);
}

TEST(a_completion_that_would_wait_for_its_store_is_told_so)
{
    SUITE(s);
    completions *all = completions_new(s);
    impatient one = {.all = all, .submission = {all, 0, 0}};
    stele_error error;
    expect_ok(stele_read_open(held(s), &(stele_read){.limit = 0}, &one.cursor, &error), &error);
    const stele_event event = in_stream("a", nameless("t", "{}"));
    const stele_commit commit = {.events = &event, .event_count = 1};
    expect_ok(stele_submit(held(s), &commit, wait_inside, &one, &error), &error);
    await(all, 1);
    stele_cursor_free(one.cursor);
    expect_int(one.append, STELE_INVALID);
    expect_int(one.sync, STELE_INVALID);
    expect_int(one.step, STELE_INVALID);
    expect_int(one.wait, STELE_INVALID);
    expect_int(one.cursor_wait, STELE_INVALID);
    expect_uint(head_of(s), 1); /* and the store goes on */
    expect_says(append(s, "b", STELE_NO_STREAM, "e0"), "written 0 @2");
}

/* ---- back-pressure */

TEST(what_is_in_flight_is_bounded_and_there_is_room_again_after_completions)
{
    enum { EVENT_SIZE = 65536 };
    suite *s __attribute__((cleanup(suite_end))) = suite_without_threads();
    completions *all = completions_new(s);
    stele_event one = in_stream("a", nameless("t", NULL));
    one.data = (stele_bytes){(const uint8_t *)suite_repeat(s, 'd', EVENT_SIZE), EVENT_SIZE};
    const stele_commit commit = {.events = &one, .event_count = 1};
    stele_position written = 0;
    for (unsigned round = 0; round < 3; round++) {
        stele_error error;
        stele_status status = STELE_OK;
        unsigned accepted = 0;
        while (accepted < 1000 &&
               (status = submit_commit(all, accepted, &commit, &error)) == STELE_OK) {
            accepted++;
        }
        expect_error(status, &error, STELE_BUSY_IN_FLIGHT);
        /* A quarter of 8 MiB holds 32 of them, bookkeeping aside. */
        expect_true(accepted >= 16 && accepted <= 32);
        expect_uint(count_completed(all), written);
        written += accepted;
        await(all, (size_t)written);
    }
    expect_uint(head_of(s), written);
}

/* ---- sync and close */

TEST(a_sync_with_nothing_to_do_is_fine)
{
    SUITE(s);
    stele_error error;
    expect_ok(stele_sync(on(s), &error), &error);
    append(s, "a", STELE_ANY, "e0");
    expect_ok(stele_sync(on(s), &error), &error);
    expect_ok(stele_sync(on(s), &error), &error);
}

TEST(a_sync_makes_visible_what_was_submitted_before)
{
    SUITE(s);
    completions *all = completions_new(s);
    const stele_append_options quickly = {.durability = STELE_DURABLE_NONE};
    for (unsigned i = 0; i < 50; i++) {
        submit(all, i, "a:-", "a", STELE_ANY, &quickly);
    }
    stele_error error;
    stele_position head = 0;
    expect_ok(stele_sync(held(s), &error), &error);
    expect_ok(stele_head(held(s), &head, &error), &error);
    expect_uint(head, 50);
    await(all, 50);
}

TEST(a_sync_waits_for_submissions_that_wait_for_the_next_segment)
{
    enum { COUNT = 100 };
    SUITE(s);
    completions *all = completions_new(s);
    const stele_append_options quickly = {.durability = STELE_DURABLE_OS};
    static uint8_t data[4000]; /* 64 KiB, the smallest segment, has room for 16 */
    for (unsigned i = 0; i < COUNT; i++) {
        stele_event one = nameless("t", "{}");
        one.data_format = STELE_BINARY;
        one.data = (stele_bytes){data, sizeof data};
        one.stream = "a";
        const stele_commit commit = {.events = &one, .event_count = 1, .options = &quickly};
        stele_error error;
        expect_ok(submit_commit(all, i, &commit, &error), &error);
    }
    stele_error error;
    stele_position head = 0;
    expect_ok(stele_sync(held(s), &error), &error);
    expect_ok(stele_head(held(s), &head, &error), &error);
    expect_uint(head, COUNT);
    await(all, COUNT);
}

TEST(closing_completes_everything)
{
    suite *s __attribute__((cleanup(suite_end))) = suite_new();
    suite_start(s);
    completions *all = completions_new(s);
    const stele_append_options quickly = {.durability = STELE_DURABLE_NONE};
    for (unsigned i = 0; i < 100; i++) {
        submit(all, i, i % 10 == 9 ? "b:e0" : "a:-", "b", i % 10 == 9 ? 1000 : STELE_ANY,
               i % 2 ? &quickly : NULL);
    }
    stele_error error;
    expect_ok(stele_close(s->store, &error), &error);
    s->store = NULL;
    expect_uint(all->count, 100);
    unsigned written = 0;
    for (size_t i = 0; i < 100; i++) {
        const completion *entry = &all->list[i];
        expect_int(entry->status, entry->number % 10 == 9 ? STELE_CONFLICT : STELE_OK);
        written += entry->status == STELE_OK;
    }
    expect_uint(written, 90);
    if (s->is_persistent) {
        suite_start(s);
        expect_uint(head_of(s), 90);
        expect_uint(count_of(s, (stele_read){.stream = "a"}), 90);
    }
}

TEST(closing_completes_everything_without_threads)
{
    suite *s __attribute__((cleanup(suite_end))) = suite_without_threads();
    completions *all = completions_new(s);
    for (unsigned i = 0; i < 10; i++) {
        submit(all, i, suite_print(s, "a:e%u", i), "a", (stele_expected)i - 1, NULL);
    }
    expect_uint(count_completed(all), 0);
    stele_error error;
    expect_ok(stele_close(s->store, &error), &error);
    s->store = NULL;
    expect_uint(all->count, 10);
    for (unsigned i = 0; i < 10; i++) {
        expect_int(all->list[i].status, STELE_OK);
        expect_uint(all->list[i].receipt.revision, i);
    }
}

TEST(a_completion_that_submits_while_closing_is_answered_somehow)
{
    suite *s __attribute__((cleanup(suite_end))) = suite_without_threads();
    completions *all = completions_new(s);
    chain c = {.all = all, .length = 20, .submissions = suite_allocate(s, 20 * sizeof(submission))};
    for (unsigned i = 0; i < 20; i++) {
        c.submissions[i] = (submission){all, i, 0};
    }
    const stele_event one = in_stream("chain", nameless("link", "{}"));
    const stele_commit commit = {.events = &one, .event_count = 1};
    stele_error error;
    expect_ok(stele_submit(held(s), &commit, continue_chain, &c, &error), &error);
    expect_ok(stele_close(s->store, &error), &error);
    s->store = NULL;
    /* Each link was either completed or refused when it was handed in; none hangs in the air. */
    expect_uint(all->count, c.done);
    expect_true(c.done == 20 || c.failed != STELE_OK);
}

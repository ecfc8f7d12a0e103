/* SPDX-License-Identifier: Apache-2.0 */
/* Submissions to the memory backend: when their completions are called, in which order, and how
 * many may be in flight. */
#include "unit/memory/given.h"

#include "base/thread.h"

#include <stdlib.h>
#include <string.h>

#define COMPLETIONS_MAX 4096

/* What completions were called with. One at a time is what is promised; the lock is for readers. */
typedef struct diary {
    stele__mutex lock;
    stele__condition changed;
    stele_store *store;
    size_t count;
    stele_status statuses[COMPLETIONS_MAX];
    stele_position positions[COMPLETIONS_MAX];
    stele_error last_error;
    unsigned more; /* how often a completion submits again */
    stele_status sync_status;
} diary;

static void open_diary(diary *d, stele_store *store)
{
    memset(d, 0, sizeof *d);
    d->store = store;
    expect_int(stele__mutex_init(&d->lock, 1), 0);
    expect_int(stele__condition_init(&d->changed), 0);
}

static void close_diary(diary *d)
{
    stele__condition_done(&d->changed);
    stele__mutex_done(&d->lock);
}

static void submit_again(diary *d);

static void note(void *context, stele_status status, const stele_receipt *receipt,
                 const stele_error *error)
{
    diary *d = context;
    expect_int(receipt != NULL, status == STELE_OK);
    expect_int(error->status, status);
    submit_again(d);
    stele__lock(&d->lock);
    expect_true(d->count < COMPLETIONS_MAX);
    d->statuses[d->count] = status;
    d->positions[d->count] = receipt ? receipt->position : 0;
    d->count++;
    if (status != STELE_OK) {
        d->last_error = *error;
    }
    stele__condition_wake_all(&d->changed);
    stele__unlock(&d->lock);
}

static stele_status submit(diary *d, const char *stream, stele_expected expected, unsigned id,
                           stele_error *error)
{
    const stele_event event = given_event(stream, id);
    const stele_check check = {stream, expected};
    const stele_commit commit = {&event, 1, &check, 1, NULL};
    return stele_submit(d->store, &commit, note, d, error);
}

static void submit_again(diary *d)
{
    stele_error error;
    if (d->more > 0) {
        d->more--;
        expect_ok(submit(d, "again", STELE_ANY, 0, &error), &error);
    }
}

static size_t count_of(diary *d)
{
    stele__lock(&d->lock);
    const size_t count = d->count;
    stele__unlock(&d->lock);
    return count;
}

static const stele_options no_threads = {.background = STELE_NO_THREADS};

TEST(without_threads_nothing_is_completed_until_a_step)
{
    STELE_CLEANUP(store) stele_store *store = given_store(&no_threads);
    diary d;
    int more = -1;
    stele_error error;
    open_diary(&d, store);
    expect_ok(submit(&d, "a", STELE_ANY, 0, &error), &error);
    expect_ok(submit(&d, "a", STELE_NO_STREAM, 0, &error), &error);
    expect_ok(submit(&d, "a", 0, 0, &error), &error);
    expect_uint(d.count, 0);
    expect_ok(stele_step(store, &more, &error), &error);
    expect_int(more, 0);
    expect_uint(d.count, 3);
    expect_uint(d.positions[0], 1);
    expect_int(d.statuses[1], STELE_CONFLICT);
    expect_int(d.last_error.conflict.actual_revision, 0);
    expect_uint(d.positions[2], 2);
    expect_ok(stele_step(store, &more, &error), &error);
    expect_uint(d.count, 3);
    close_diary(&d);
}

TEST(step_is_bounded_and_says_that_there_is_more)
{
    STELE_CLEANUP(store) stele_store *store = given_store(&no_threads);
    diary d;
    int more = 1;
    size_t steps = 0;
    stele_error error;
    open_diary(&d, store);
    for (size_t i = 0; i < 1000; i++) {
        expect_ok(submit(&d, "a", STELE_ANY, 0, &error), &error);
    }
    for (; more; steps++) {
        expect_ok(stele_step(store, &more, &error), &error);
    }
    expect_true(steps > 1);
    expect_uint(d.count, 1000);
    for (size_t i = 0; i < 1000; i++) {
        expect_uint(d.positions[i], i + 1);
    }
    close_diary(&d);
}

TEST(synchronous_use_completes_what_was_handed_in_before)
{
    STELE_CLEANUP(store) stele_store *store = given_store(&no_threads);
    diary d;
    stele_error error;
    open_diary(&d, store);
    expect_ok(submit(&d, "a", STELE_ANY, 0, &error), &error);
    expect_uint(given_append(store, "a", 0).revision, 1);
    expect_uint(d.count, 1);
    expect_ok(submit(&d, "a", STELE_ANY, 0, &error), &error);
    expect_ok(stele_sync(store, &error), &error);
    expect_uint(d.count, 2);
    close_diary(&d);
}

static const stele_background backgrounds[] = {STELE_THREADS, STELE_NO_THREADS};

TEST_ROWS(close_completes_everything, backgrounds)
{
    const stele_options options = {.background = backgrounds[row]};
    stele_store *store = given_store(&options);
    diary d;
    stele_error error;
    open_diary(&d, store);
    d.more = 5;
    for (size_t i = 0; i < 100; i++) {
        expect_ok(submit(&d, "a", STELE_ANY, 0, &error), &error);
    }
    expect_ok(stele_close(store, &error), &error);
    expect_uint(d.count, 105);
    close_diary(&d);
}

TEST(thread_completes_in_the_order_of_positions)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    diary d;
    stele_error error;
    open_diary(&d, store);
    for (size_t i = 0; i < 2000; i++) {
        expect_ok(submit(&d, "a", (stele_expected)i - 1, 0, &error), &error);
    }
    expect_ok(stele_sync(store, &error), &error);
    expect_uint(count_of(&d), 2000);
    for (size_t i = 0; i < 2000; i++) {
        expect_int(d.statuses[i], STELE_OK);
        expect_uint(d.positions[i], i + 1);
    }
    close_diary(&d);
}

TEST(submissions_and_appends_of_one_thread_keep_their_order)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    diary d;
    stele_error error;
    open_diary(&d, store);
    for (size_t i = 0; i < 500; i++) {
        expect_ok(submit(&d, "a", STELE_ANY, 0, &error), &error);
        expect_uint(given_append(store, "a", 0).revision, 2 * i + 1);
    }
    expect_ok(stele_sync(store, &error), &error);
    close_diary(&d);
}

static stele_status submit_bytes(diary *d, const uint8_t *data, size_t size, stele_error *error)
{
    stele_event event = given_event("a", 0);
    const stele_commit commit = {.events = &event, .event_count = 1};
    event.data = (stele_bytes){data, size};
    return stele_submit(d->store, &commit, note, d, error);
}

TEST(what_is_in_flight_takes_a_quarter_of_the_budget)
{
    const stele_options options = {.background = STELE_NO_THREADS,
                                   .memory_bytes = STELE_MEMORY_MIN};
    STELE_CLEANUP(store) stele_store *store = given_store(&options);
    uint8_t *data = calloc(1, 9 << 20);
    diary d;
    stele_info info;
    stele_error error;
    open_diary(&d, store);
    expect_ok(submit_bytes(&d, data, 1 << 20, &error), &error);
    expect_error(submit_bytes(&d, data, 1 << 20, &error), &error, STELE_BUSY_IN_FLIGHT);
    expect_contains(error.hint, "after a completion");
    expect_uint(given_head(store), 1);
    expect_ok(stele_describe(store, &info, &error), &error);
    expect_true(info.memory_bytes > 1 << 20 && info.memory_bytes < 1100000);
    expect_ok(stele_sync(store, &error), &error);
    expect_uint(d.count, 1);
    expect_ok(stele_describe(store, &info, &error), &error);
    expect_uint(info.memory_bytes, 0);
    /* What is larger than the quarter goes alone. */
    expect_ok(submit_bytes(&d, data, 9 << 20, &error), &error);
    expect_error(submit_bytes(&d, data, 0, &error), &error, STELE_BUSY_IN_FLIGHT);
    expect_ok(stele_sync(store, &error), &error);
    expect_ok(submit_bytes(&d, data, 0, &error), &error);
    expect_ok(stele_sync(store, &error), &error);
    expect_uint(d.count, 3);
    close_diary(&d);
    free(data);
}

TEST(clock_that_jumped_is_told_to_the_completion)
{
    STELE_CLEANUP(store) stele_store *store = given_store(&no_threads);
    diary d;
    stele_error error;
    open_diary(&d, store);
    given_now += STELE_SECONDS(7200);
    expect_ok(submit(&d, "a", STELE_ANY, 0, &error), &error);
    expect_ok(stele_sync(store, &error), &error);
    expect_int(d.statuses[0], STELE_INVALID);
    expect_int(d.last_error.detail, STELE_INVALID_CLOCK);
    close_diary(&d);
}

static void sync_inside(void *context, stele_status status, const stele_receipt *receipt,
                        const stele_error *error)
{
    diary *d = context;
    (void)status;
    (void)receipt;
    (void)error;
    d->sync_status = stele_sync(d->store, &d->last_error);
}

TEST(completion_that_would_wait_for_itself_is_refused)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    const stele_event event = given_event("a", 0);
    const stele_commit commit = {.events = &event, .event_count = 1};
    diary d;
    stele_error error;
    open_diary(&d, store);
    expect_ok(stele_submit(store, &commit, sync_inside, &d, &error), &error);
    expect_ok(stele_sync(store, &error), &error);
    expect_int(d.sync_status, STELE_INVALID);
    expect_contains(d.last_error.message, "completion must not wait");
    close_diary(&d);
}

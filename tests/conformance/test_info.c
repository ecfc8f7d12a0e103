/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conformance: what a store tells about itself, checkpoints, and the check of its bytes.
 */
#include "suite.h"

#include <string.h>

static stele_info info_of(suite *s)
{
    stele_info info;
    stele_error error;
    memset(&info, 0x5a, sizeof info);
    expect_ok(stele_describe(on(s), &info, &error), &error);
    return info;
}

/* ---- facts */

TEST(a_fresh_store_describes_itself)
{
    SUITE(s);
    const stele_info info = info_of(s);
    expect_true(strlen(info.backend) > 0);
    expect_uint(info.epoch, 1);
    expect_uint(info.head, 0);
    expect_int(info.first_time, 0);
    expect_int(info.last_time, 0);
    expect_int(info.durability, STELE_DURABLE_FULL);
    expect_true(info.is_writer != 0);
    expect_int(info.is_poisoned, 0);
    expect_uint(info.recovered_bytes, 0);
    const stele_uuid none = {{0}};
    expect_true(memcmp(&info.store, &none, sizeof none) != 0);
}

TEST(commits_and_refusals_are_counted)
{
    SUITE(s);
    suite_pin(s);
    append(s, "a", STELE_ANY, "e0 e1");
    append(s, "a", STELE_ANY, "e2");
    append(s, "a", 7, "e3");
    append(s, "b", STELE_EXISTS, "e3");
    append(s, "a", 0, "e9");
    const stele_info info = info_of(s);
    expect_uint(info.head, 3);
    expect_uint(info.commits, 2);
    expect_uint(info.refusals, 3);
}

TEST(the_identity_of_a_store_stays_over_a_clean_close)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0");
    const stele_info before = info_of(s);
    suite_reopen(s);
    append(s, "a", STELE_ANY, "e1");
    const stele_info after = info_of(s);
    expect_bytes(&after.store, 16, &before.store, 16);
    expect_uint(after.epoch, before.epoch);
    expect_uint(after.head, 2);
}

TEST(memory_stays_within_the_budget)
{
    suite *s __attribute__((cleanup(suite_end))) = suite_new();
    s->options.memory_bytes = STELE_MEMORY_MIN;
    suite_start(s);
    append_filler(s, 50000);
    const stele_info info = info_of(s);
    expect_uint(info.memory_bytes_max, STELE_MEMORY_MIN);
    expect_true(info.memory_bytes <= info.memory_bytes_max);
}

/* ---- waiting for the head */

TEST(a_head_that_is_there_is_not_waited_for)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0 e1");
    stele_position head = 0;
    stele_error error;
    expect_ok(stele_wait(on(s), 0, 0, &head, &error), &error);
    expect_uint(head, 2);
    expect_ok(stele_wait(on(s), 1, STELE_FOREVER, &head, &error), &error);
    expect_uint(head, 2);
}

TEST(a_head_that_does_not_come_times_out)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0 e1");
    stele_position head = 0;
    stele_error error;
    expect_error(stele_wait(on(s), 2, 0, &head, &error), &error, STELE_TIMEOUT);
    expect_error(stele_wait(on(s), 2, STELE_MILLISECONDS(20), &head, &error), &error,
                 STELE_TIMEOUT);
    expect_error(stele_wait(on(s), 17, STELE_MILLISECONDS(20), &head, &error), &error,
                 STELE_TIMEOUT);
}

/* ---- checkpoints */

static stele_checkpoint checkpoint_at(suite *s, stele_position position)
{
    const stele_info info = info_of(s);
    return (stele_checkpoint){info.store, info.epoch, position};
}

TEST(a_checkpoint_of_this_history_is_valid)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0 e1 e2");
    for (stele_position position = 0; position <= 3; position++) {
        const stele_checkpoint checkpoint = checkpoint_at(s, position);
        stele_error error;
        stele_position valid_until = 17;
        expect_ok(stele_checkpoint_check(on(s), &checkpoint, NULL, &error), &error);
        expect_ok(stele_checkpoint_check(on(s), &checkpoint, &valid_until, &error), &error);
        expect_uint(valid_until, 3);
    }
    const stele_checkpoint checkpoint = checkpoint_at(s, 3);
    suite_reopen(s);
    append(s, "a", STELE_ANY, "e3");
    stele_error error;
    expect_ok(stele_checkpoint_check(on(s), &checkpoint, NULL, &error), &error);
}

TEST(a_checkpoint_beyond_the_head_is_refused)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0 e1 e2");
    const stele_checkpoint checkpoint = checkpoint_at(s, 4);
    stele_position valid_until = 17;
    stele_error error;
    expect_error(stele_checkpoint_check(on(s), &checkpoint, &valid_until, &error), &error,
                 STELE_INVALID_CHECKPOINT);
    expect_uint(valid_until, 3);
}

TEST(a_checkpoint_of_another_store_is_refused)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0 e1 e2");
    stele_checkpoint checkpoint = checkpoint_at(s, 2);
    checkpoint.store.bytes[3] ^= 1;
    stele_position valid_until = 17;
    stele_error error;
    expect_error(stele_checkpoint_check(on(s), &checkpoint, &valid_until, &error), &error,
                 STELE_INVALID_CHECKPOINT);
    expect_uint(valid_until, 0);
}

TEST(a_checkpoint_of_an_epoch_to_come_is_refused)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0");
    static const uint64_t to_come[] = {2, 3, UINT64_MAX};
    for (size_t i = 0; i < 3; i++) {
        for (stele_position position = 0; position <= 2; position++) {
            stele_checkpoint checkpoint = checkpoint_at(s, position);
            stele_position valid_until = 17;
            stele_error error;
            checkpoint.epoch = to_come[i];
            expect_error(stele_checkpoint_check(on(s), &checkpoint, &valid_until, &error), &error,
                         STELE_INVALID_CHECKPOINT);
            expect_uint(valid_until, 0);
            expect_contains((const char *)error.message, "not begun");
        }
    }
}

/* As in a struct that nobody filled. */
TEST(a_checkpoint_of_epoch_0_is_refused)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0");
    for (stele_position position = 0; position <= 2; position++) {
        stele_checkpoint checkpoint = checkpoint_at(s, position);
        stele_position valid_until = 17;
        stele_error error;
        checkpoint.epoch = 0;
        expect_error(stele_checkpoint_check(on(s), &checkpoint, &valid_until, &error), &error,
                     STELE_INVALID_CHECKPOINT);
        expect_uint(valid_until, 0);
        expect_contains((const char *)error.message, "epoch 0");
    }
    const stele_checkpoint nothing = {.epoch = 0};
    stele_error error;
    expect_error(stele_checkpoint_check(on(s), &nothing, NULL, &error), &error,
                 STELE_INVALID_CHECKPOINT);
}

/* ---- clocks that say anything */

static _Atomic(int64_t) odd_monotonic;

static int64_t tell_odd_monotonic(void *context)
{
    (void)context;
    return atomic_load(&odd_monotonic);
}

TEST(a_clock_that_is_behind_by_more_than_can_be_told_is_told_as_that)
{
    SUITE(s);
    suite_pin(s);
    append(s, "a", STELE_ANY, "e0");
    suite_set_clock(s, INT64_MIN);
    expect_int(info_of(s).clock_behind, INT64_MAX);
    expect_says(append(s, "a", 0, "e1"), "written 1 @2");
    expect_int(info_of(s).last_time, SUITE_TIME);
}

TEST(a_monotonic_clock_may_go_from_end_to_end)
{
    suite *s __attribute__((cleanup(suite_end))) = suite_new();
    s->clock.monotonic = tell_odd_monotonic;
    atomic_store(&odd_monotonic, INT64_MIN);
    suite_start(s);
    suite_pin(s);
    append(s, "a", STELE_ANY, "e0");
    /* So much time has passed that the wall clock did not jump. */
    atomic_store(&odd_monotonic, INT64_MAX);
    suite_set_clock(s, SUITE_TIME + STELE_SECONDS(7200));
    expect_says(append(s, "a", 0, "e1"), "written 1 @2");
}

/* Each time it is asked, from one end to the other. */
static int64_t tell_swinging_monotonic(void *context)
{
    (void)context;
    const int64_t before = atomic_load(&odd_monotonic);
    atomic_store(&odd_monotonic, before == INT64_MIN ? INT64_MAX : INT64_MIN);
    return before;
}

TEST(a_wait_ends_although_the_clock_goes_from_end_to_end)
{
    suite *s __attribute__((cleanup(suite_end))) = suite_new();
    s->clock.monotonic = tell_odd_monotonic;
    suite_start(s);
    append(s, "a", STELE_ANY, "e0");
    (void)on(s);
    s->clock.monotonic = tell_swinging_monotonic;
    atomic_store(&odd_monotonic, INT64_MIN);
    stele_position head;
    stele_error error;
    expect_error(stele_wait(held(s), 1, STELE_MILLISECONDS(20), &head, &error), &error,
                 STELE_TIMEOUT);
}

/* ---- verifying */

TEST(a_sound_store_verifies)
{
    SUITE(s);
    append_filler(s, 3000);
    commit(s, "a:e0 b:e1", "", NULL);
    delete_stream(s, "a", STELE_ANY);
    stele_verify_result result;
    stele_error error;
    memset(&result, 0x5a, sizeof result);
    expect_ok(stele_verify(on(s), NULL, &result, &error), &error);
    expect_uint(result.events, 3003);
    expect_uint(result.commits, 3);
    expect_uint(result.damage_count, 0);
}

static int stop_at_once(void *context, uint64_t bytes_done, uint64_t bytes_total)
{
    expect_true(bytes_done <= bytes_total);
    ++*(unsigned *)context;
    return 1;
}

TEST(a_verification_can_be_stopped)
{
    SUITE(s);
    append_filler(s, 3000);
    unsigned calls = 0;
    const stele_verify_options options = {.progress = stop_at_once, .context = &calls};
    stele_verify_result result;
    stele_error error;
    expect_error(stele_verify(on(s), &options, &result, &error), &error, STELE_CANCELLED);
    expect_uint(calls, 1);
}

/* ---- opening */

TEST(urls_of_unknown_kinds_are_refused)
{
    stele_store *store = NULL;
    stele_error error;
    expect_error(stele_open("unknown://host/db", NULL, &store, &error), &error, STELE_UNSUPPORTED);
    expect_contains(error.message, "unknown");
    expect_status(stele_open("", NULL, &store, &error), STELE_INVALID);
    expect_status(stele_open(NULL, NULL, &store, &error), STELE_INVALID);
    expect_null(store);
}

TEST(closing_nothing_is_fine)
{
    stele_error error;
    expect_ok(stele_close(NULL, &error), &error);
    expect_true(stele_close(NULL, NULL) == STELE_OK);
}

TEST(a_store_that_must_exist_is_not_created)
{
    suite *s __attribute__((cleanup(suite_end))) = suite_new();
    if (s->is_persistent) {
        stele_store *store = NULL;
        stele_error error;
        s->options.access = STELE_MUST_EXIST;
        expect_error(stele_open(s->url, &s->options, &store, &error), &error,
                     STELE_NOT_FOUND_STORE);
        s->options.access = STELE_READ_ONLY;
        expect_error(stele_open(s->url, &s->options, &store, &error), &error,
                     STELE_NOT_FOUND_STORE);
        expect_null(store);
    }
    s->options.access = STELE_READ_WRITE;
    suite_start(s);
    expect_says(append(s, "a", STELE_ANY, "e0"), "written 0 @1");
}

TEST(a_store_has_one_writer)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0");
    if (s->is_persistent) {
        stele_store *second = NULL;
        stele_error error;
        expect_error(stele_open(s->url, &s->options, &second, &error), &error, STELE_BUSY_LOCKED);
        expect_null(second);
    }
    expect_says(append(s, "a", 0, "e1"), "written 1 @2");
}

TEST(a_reader_beside_the_writer_sees_what_is_appended_and_cannot_append)
{
    SUITE(s);
    suite_pin(s);
    append(s, "a", STELE_ANY, "e0 e1");
    if (!s->is_persistent) {
        return;
    }
    stele_options options = s->options;
    options.access = STELE_READ_ONLY;
    STELE_CLEANUP(store) stele_store *reader = NULL;
    stele_error error;
    stele_position head = 0;
    expect_ok(stele_open(s->url, &options, &reader, &error), &error);
    expect_ok(stele_head(reader, &head, &error), &error);
    expect_uint(head, 2);
    append(s, "b", STELE_ANY, "e2");
    expect_ok(stele_wait(reader, 2, STELE_SECONDS(10), &head, &error), &error);
    expect_uint(head, 3);
    const stele_event one = event("t", 5, "{}");
    expect_error(stele_append(reader, "a", STELE_ANY, &one, 1, NULL, NULL, &error), &error,
                 STELE_INVALID_READ_ONLY);
    expect_error(stele_delete(reader, "a", STELE_ANY, NULL, NULL, &error), &error,
                 STELE_INVALID_READ_ONLY);
    expect_error(stele_metadata_write(reader, "a", STELE_ANY, "{}", 2, NULL, NULL, &error), &error,
                 STELE_INVALID_READ_ONLY);
    stele_info info;
    expect_ok(stele_describe(reader, &info, &error), &error);
    expect_int(info.is_writer, 0);
}

TEST(a_read_only_store_answers_every_read)
{
    SUITE(s);
    append_event(s, "a-1", STELE_ANY, with_tags(event("opened", 0, "{}"), stele_tags("x")), NULL);
    append(s, "a-2", STELE_ANY, "e1");
    delete_stream(s, "a-2", STELE_ANY);
    s->options.access = STELE_READ_ONLY;
    if (suite_reopen(s)) {
        expect_says(ids(s, (stele_read){.stream = "a-1"}), "e0");
        expect_says(ids(s, (stele_read){.stream = "a-2"}), "not found, deleted");
        expect_says(ids(s, (stele_read){.category = "a"}), "e0 e1");
        expect_says(ids(s, (stele_read){.tag = "x", .direction = STELE_BACKWARDS}), "e0");
        expect_says(names_of(s, (stele_list){.prefix = "a"}), "a-1 a-2");
        expect_says(state_of(s, "a-2"), "deleted");
        expect_says(metadata_of(s, "a-2"), "0: {\"$tb\":9223372036854775807}");
        expect_says(append(s, "a-1", STELE_ANY, "e2"), "read only");
    }
}

static int use_in_child(void *context)
{
    suite *s = context;
    const stele_event one = event("t", 5, "{}");
    stele_cursor *cursor = NULL;
    stele_position head;
    stele_error error;
    int wrong = 0;
    wrong += stele_append(s->store, "a", STELE_ANY, &one, 1, NULL, NULL, &error) != STELE_INVALID;
    wrong += error.detail != STELE_INVALID_FORK;
    wrong += stele_read_open(s->store, &(stele_read){0}, &cursor, &error) != STELE_INVALID;
    wrong += error.detail != STELE_INVALID_FORK;
    wrong += stele_head(s->store, &head, &error) != STELE_INVALID;
    wrong += error.detail != STELE_INVALID_FORK;
    (void)stele_close(s->store, NULL);
    return wrong;
}

TEST(a_handle_only_answers_an_error_in_a_child_process)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0");
    expect_int(test_in_child(use_in_child, s), 0);
    expect_says(append(s, "a", 0, "e1"), "written 1 @2");
    expect_says(ids(s, (stele_read){.stream = "a"}), "e0 e1");
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conformance: recorded time. It never goes back, a clock that stands behind is told, and one that
 * jumps ahead is refused until somebody accepts it. The clock here moves only when a test moves it.
 */
#include "suite.h"

#include <string.h>

static stele_time time_of_last(suite *s)
{
    return collect(s, (stele_read){.direction = STELE_BACKWARDS, .limit = 1}).records[0].time;
}

static stele_info info_of(suite *s)
{
    stele_info info;
    stele_error error;
    memset(&info, 0x5a, sizeof info);
    expect_ok(stele_describe(held(s), &info, &error), &error);
    return info;
}

static void accept_clock(suite *s)
{
    stele_error error;
    expect_ok(stele_accept_clock(held(s), &error), &error);
}

TEST(events_carry_the_time_of_their_commit)
{
    SUITE(s);
    const outcome o = append(s, "a", STELE_ANY, "e0 e1");
    expect_int(o.receipt.time, SUITE_TIME);
    suite_pass(s, 1);
    expect_int(append(s, "a", STELE_ANY, "e2").receipt.time, SUITE_TIME + 1);
    expect_int(time_of_last(s), SUITE_TIME + 1);
    suite_pass(s, STELE_SECONDS(86400));
    expect_int(append(s, "b", STELE_ANY, "e3").receipt.time, SUITE_TIME + 1 + STELE_SECONDS(86400));
}

TEST(time_stands_still_while_the_clock_is_behind)
{
    SUITE(s);
    suite_pin(s);
    append(s, "a", STELE_ANY, "e0");
    suite_set_clock(s, SUITE_TIME - STELE_SECONDS(10));
    expect_int(append(s, "a", STELE_ANY, "e1").receipt.time, SUITE_TIME);
    suite_set_clock(s, SUITE_TIME - 1);
    expect_int(append(s, "a", STELE_ANY, "e2").receipt.time, SUITE_TIME);
    suite_set_clock(s, SUITE_TIME + 1);
    expect_int(append(s, "a", STELE_ANY, "e3").receipt.time, SUITE_TIME + 1);
    stele_time before = 0;
    const copies all = collect(s, (stele_read){0});
    for (size_t i = 0; i < all.count; i++) {
        expect_true(all.records[i].time >= before);
        before = all.records[i].time;
    }
}

TEST(time_does_not_go_back_over_reopening)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0");
    suite_set_clock(s, SUITE_TIME - STELE_SECONDS(7200));
    suite_reopen(s);
    expect_int(append(s, "a", STELE_ANY, "e1").receipt.time, SUITE_TIME);
    expect_says(ids(s, (stele_read){.as_of = STELE_AT_TIME(SUITE_TIME - 1)}), "");
}

TEST(how_far_the_clock_is_behind_is_told)
{
    SUITE(s);
    suite_pin(s);
    expect_int(info_of(s).clock_behind, 0);
    append(s, "a", STELE_ANY, "e0");
    expect_int(info_of(s).clock_behind, 0);
    suite_set_clock(s, SUITE_TIME - STELE_SECONDS(10));
    expect_int(info_of(s).clock_behind, STELE_SECONDS(10));
    append(s, "a", STELE_ANY, "e1");
    expect_int(info_of(s).clock_behind, STELE_SECONDS(10));
    suite_set_clock(s, SUITE_TIME + STELE_SECONDS(10));
    expect_int(info_of(s).clock_behind, 0);
}

typedef struct heard {
    unsigned count;
    stele_log_level highest;
} heard;

static void hear(void *context, stele_log_level level, const char *message)
{
    heard *all = context;
    all->count++;
    all->highest = level > all->highest ? level : all->highest;
    expect_true(strlen(message) > 0);
}

TEST(a_clock_more_than_a_second_behind_is_logged)
{
    suite *s __attribute__((cleanup(suite_end))) = suite_new();
    heard all = {0};
    s->options.log = hear;
    s->options.log_context = &all;
    suite_start(s);
    suite_pin(s);
    append(s, "a", STELE_ANY, "e0");
    suite_set_clock(s, SUITE_TIME - STELE_MILLISECONDS(900));
    append(s, "a", STELE_ANY, "e1");
    expect_uint(all.count, 0);
    suite_set_clock(s, SUITE_TIME - STELE_MILLISECONDS(1100));
    append(s, "a", STELE_ANY, "e2");
    expect_true(all.count >= 1);
    expect_true(all.highest >= STELE_LOG_WARNING);
}

TEST(a_jump_of_more_than_an_hour_is_refused_until_accepted)
{
    SUITE(s);
    suite_pin(s);
    append(s, "a", STELE_ANY, "e0");
    suite_set_clock(s, SUITE_TIME + STELE_SECONDS(2 * 3600));
    const outcome o = append(s, "a", STELE_ANY, "e1");
    expect_says(o, "clock");
    expect_int(o.error.detail, STELE_INVALID_CLOCK);
    expect_true(strlen(o.error.hint) > 0);
    expect_says(append(s, "a", 0, "e1"), "clock");
    expect_says(commit(s, "b:e1", "", NULL), "clock");
    expect_says(write_metadata(s, "a", STELE_ANY, "{}"), "clock");
    expect_says(delete_stream(s, "a", STELE_ANY), "clock");
    expect_says(tombstone_stream(s, "a", STELE_ANY), "clock");
    expect_uint(head_of(s), 1);
    expect_says(ids(s, (stele_read){.stream = "a"}), "e0");
    accept_clock(s);
    expect_says(append(s, "a", 0, "e1"), "written 1 @2");
    expect_int(time_of_last(s), SUITE_TIME + STELE_SECONDS(2 * 3600));
}

TEST(a_jump_of_almost_an_hour_is_fine)
{
    SUITE(s);
    suite_pin(s);
    append(s, "a", STELE_ANY, "e0");
    suite_set_clock(s, SUITE_TIME + STELE_SECONDS(3590));
    expect_says(append(s, "a", STELE_ANY, "e1"), "written 1 @2");
    expect_int(time_of_last(s), SUITE_TIME + STELE_SECONDS(3590));
}

TEST(small_jumps_do_not_add_up)
{
    SUITE(s);
    suite_pin(s);
    for (unsigned i = 0; i < 5; i++) {
        suite_set_clock(s, SUITE_TIME + STELE_SECONDS(3000 * i));
        expect_says(append(s, "a", STELE_ANY, "-"), suite_print(s, "written %u @%u", i, i + 1));
    }
}

TEST(time_that_really_passes_is_no_jump)
{
    SUITE(s);
    suite_pin(s);
    append(s, "a", STELE_ANY, "e0");
    suite_pass(s, STELE_SECONDS(10 * 24 * 3600));
    expect_says(append(s, "a", STELE_ANY, "e1"), "written 1 @2");
    suite_pass(s, STELE_SECONDS(2 * 3600));
    expect_says(append(s, "a", STELE_ANY, "e2"), "written 2 @3");
}

TEST(a_clock_that_jumps_back_by_itself_is_fine_again)
{
    SUITE(s);
    suite_pin(s);
    append(s, "a", STELE_ANY, "e0");
    suite_set_clock(s, SUITE_TIME + STELE_SECONDS(100000));
    expect_says(append(s, "a", STELE_ANY, "e1"), "clock");
    suite_set_clock(s, SUITE_TIME + STELE_SECONDS(1));
    expect_says(append(s, "a", STELE_ANY, "e1"), "written 1 @2");
    expect_int(time_of_last(s), SUITE_TIME + STELE_SECONDS(1));
}

TEST(an_accepted_jump_does_not_accept_the_next_one)
{
    SUITE(s);
    suite_pin(s);
    append(s, "a", STELE_ANY, "e0");
    suite_set_clock(s, SUITE_TIME + STELE_SECONDS(7200));
    accept_clock(s);
    expect_says(append(s, "a", STELE_ANY, "e1"), "written 1 @2");
    suite_set_clock(s, SUITE_TIME + STELE_SECONDS(14400));
    expect_says(append(s, "a", STELE_ANY, "e2"), "clock");
    accept_clock(s);
    expect_says(append(s, "a", STELE_ANY, "e2"), "written 2 @3");
}

TEST(a_clock_that_does_not_jump_can_be_accepted)
{
    SUITE(s);
    suite_pin(s);
    accept_clock(s);
    expect_says(append(s, "a", STELE_ANY, "e0"), "written 0 @1");
    expect_int(time_of_last(s), SUITE_TIME);
}

TEST(a_store_can_be_read_while_the_clock_is_refused)
{
    SUITE(s);
    suite_pin(s);
    append(s, "a", STELE_ANY, "e0 e1");
    suite_set_clock(s, SUITE_TIME + STELE_SECONDS(7200));
    expect_says(append(s, "a", STELE_ANY, "e2"), "clock");
    expect_says(ids(s, (stele_read){.stream = "a"}), "e0 e1");
    expect_says(state_of(s, "a"), "1");
    expect_says(names_of(s, (stele_list){0}), "a");
}

TEST(the_store_tells_its_first_and_last_time)
{
    SUITE(s);
    suite_pin(s);
    expect_int(info_of(s).first_time, 0);
    expect_int(info_of(s).last_time, 0);
    suite_pass(s, STELE_SECONDS(5));
    append(s, "a", STELE_ANY, "e0");
    suite_pass(s, STELE_SECONDS(5));
    append(s, "a", STELE_ANY, "e1");
    expect_int(info_of(s).first_time, SUITE_TIME + STELE_SECONDS(5));
    expect_int(info_of(s).last_time, SUITE_TIME + STELE_SECONDS(10));
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conformance: what reads of a stream leave out by `$tb`, `$maxCount` and `$maxAge`, and that
 * nothing else leaves it out. (RD-08, RD-10, RD-11, RD-12)
 */
#include "suite.h"

/* Stream "a" with e0 … e9, one second apart, the first at SUITE_TIME. */
static void make_ten(suite *s)
{
    for (unsigned i = 0; i < 10; i++) {
        append(s, "a", STELE_ANY, suite_print(s, "e%u", i));
        suite_pass(s, STELE_SECONDS(1));
    }
}

static const char *forwards(suite *s)
{
    return ids(s, (stele_read){.stream = "a"});
}

static const char *backwards(suite *s)
{
    return ids(s, (stele_read){.stream = "a", .direction = STELE_BACKWARDS});
}

TEST(RD_10_max_count_shows_the_last_events)
{
    SUITE(s);
    make_ten(s);
    write_metadata(s, "a", STELE_ANY, "{\"$maxCount\":3}");
    expect_says(forwards(s), "e7 e8 e9");
    expect_says(backwards(s), "e9 e8 e7");
    expect_says(revisions(s, (stele_read){.stream = "a"}), "7 8 9");
    append(s, "a", 9, "e10");
    expect_says(forwards(s), "e8 e9 e10");
}

TEST(RD_10_max_count_raised_shows_more_again_and_lowered_fewer)
{
    SUITE(s);
    make_ten(s);
    write_metadata(s, "a", STELE_ANY, "{\"$maxCount\":3}");
    write_metadata(s, "a", STELE_ANY, "{\"$maxCount\":5}");
    expect_says(forwards(s), "e5 e6 e7 e8 e9");
    write_metadata(s, "a", STELE_ANY, "{\"$maxCount\":1}");
    expect_says(forwards(s), "e9");
    write_metadata(s, "a", STELE_ANY, "{\"$maxCount\":10}");
    expect_says(forwards(s), "e0 e1 e2 e3 e4 e5 e6 e7 e8 e9");
    write_metadata(s, "a", STELE_ANY, "{\"$maxCount\":1000000}");
    expect_says(forwards(s), "e0 e1 e2 e3 e4 e5 e6 e7 e8 e9");
    write_metadata(s, "a", STELE_ANY, "{}");
    expect_says(backwards(s), "e9 e8 e7 e6 e5 e4 e3 e2 e1 e0");
}

TEST(RD_10_reads_from_a_revision_start_at_the_first_one_shown)
{
    SUITE(s);
    make_ten(s);
    write_metadata(s, "a", STELE_ANY, "{\"$maxCount\":3}");
    expect_says(ids(s, (stele_read){.stream = "a", .from = STELE_FROM_REVISION(0)}), "e7 e8 e9");
    expect_says(ids(s, (stele_read){.stream = "a", .from = STELE_FROM_REVISION(8)}), "e8 e9");
    expect_says(ids(s, (stele_read){.stream = "a", .from = STELE_FROM_REVISION(0), .limit = 2}),
                "e7 e8");
    expect_says(ids(s, (stele_read){.stream = "a",
                                    .direction = STELE_BACKWARDS,
                                    .from = STELE_FROM_REVISION(8)}),
                "e8 e7");
    expect_says(ids(s, (stele_read){.stream = "a",
                                    .direction = STELE_BACKWARDS,
                                    .from = STELE_FROM_REVISION(6)}),
                "");
}

TEST(RD_11_events_older_than_max_age_are_not_shown)
{
    SUITE(s);
    make_ten(s);
    write_metadata(s, "a", STELE_ANY, "{\"$maxAge\":5}");
    suite_pass(s, STELE_MILLISECONDS(500));
    /* It is 10.5 s after e0; e6 is 4.5 s old. */
    expect_says(forwards(s), "e6 e7 e8 e9");
    expect_says(backwards(s), "e9 e8 e7 e6");
    suite_pass(s, STELE_SECONDS(3));
    expect_says(forwards(s), "e9");
    suite_pass(s, STELE_SECONDS(10));
    expect_says(forwards(s), "");
    expect_says(backwards(s), "");
    expect_says(append(s, "a", 9, "e10"), "written 10 @12");
    expect_says(forwards(s), "e10");
    write_metadata(s, "a", STELE_ANY, "{\"$maxAge\":3600}");
    expect_says(forwards(s), "e0 e1 e2 e3 e4 e5 e6 e7 e8 e9 e10");
}

TEST(RD_11_an_event_exactly_as_old_as_max_age_is_shown)
{
    SUITE(s);
    make_ten(s);
    write_metadata(s, "a", STELE_ANY, "{\"$maxAge\":3}");
    /* It is 10 s after e0 and 3 s after e7. */
    expect_says(forwards(s), "e7 e8 e9");
    suite_pass(s, 1);
    expect_says(forwards(s), "e8 e9");
}

TEST(RD_11_a_stream_whose_events_are_all_too_old_is_empty_and_not_missing)
{
    SUITE(s);
    make_ten(s);
    write_metadata(s, "a", STELE_ANY, "{\"$maxAge\":1}");
    suite_pass(s, STELE_SECONDS(2));
    expect_says(forwards(s), "");
    expect_says(state_of(s, "a"), "9");
    expect_says(append(s, "a", STELE_NO_STREAM, "e20"), "wanted none, is 9");
}

TEST(RD_12_truncation_hides_lower_revisions)
{
    SUITE(s);
    make_ten(s);
    write_metadata(s, "a", STELE_ANY, "{\"$tb\":7}");
    expect_says(forwards(s), "e7 e8 e9");
    expect_says(backwards(s), "e9 e8 e7");
    write_metadata(s, "a", STELE_ANY, "{\"$tb\":4}");
    expect_says(forwards(s), "e4 e5 e6 e7 e8 e9");
    write_metadata(s, "a", STELE_ANY, "{\"$tb\":0}");
    expect_says(forwards(s), "e0 e1 e2 e3 e4 e5 e6 e7 e8 e9");
}

TEST(RD_12_truncation_beyond_the_end_makes_a_stream_empty)
{
    SUITE(s);
    make_ten(s);
    write_metadata(s, "a", STELE_ANY, "{\"$tb\":10}");
    expect_says(forwards(s), "");
    expect_says(backwards(s), "");
    write_metadata(s, "a", STELE_ANY, "{\"$tb\":1000}");
    expect_says(forwards(s), "");
    expect_says(ids(s, (stele_read){.stream = "a", .from = STELE_FROM_REVISION(3)}), "");
    expect_says(state_of(s, "a"), "9");
    expect_says(append(s, "a", 9, "e10"), "written 10 @13");
    expect_says(forwards(s), "");
    write_metadata(s, "a", STELE_ANY, "{\"$tb\":10}");
    expect_says(forwards(s), "e10");
}

TEST(RD_12_truncation_one_below_the_maximum_is_no_delete)
{
    SUITE(s);
    make_ten(s);
    write_metadata(s, "a", STELE_ANY, "{\"$tb\":9223372036854775806}");
    expect_says(forwards(s), "");
    expect_says(state_of(s, "a"), "9");
    expect_says(append(s, "a", STELE_NO_STREAM, "e10"), "wanted none, is 9");
}

TEST(all_three_limits_hold_together)
{
    SUITE(s);
    make_ten(s);
    write_metadata(s, "a", STELE_ANY, "{\"$tb\":2,\"$maxCount\":6,\"$maxAge\":100}");
    expect_says(forwards(s), "e4 e5 e6 e7 e8 e9");
    write_metadata(s, "a", STELE_ANY, "{\"$tb\":5,\"$maxCount\":6,\"$maxAge\":100}");
    expect_says(forwards(s), "e5 e6 e7 e8 e9");
    suite_pass(s, STELE_MILLISECONDS(500));
    write_metadata(s, "a", STELE_ANY, "{\"$tb\":5,\"$maxCount\":6,\"$maxAge\":4}");
    expect_says(forwards(s), "e7 e8 e9");
    write_metadata(s, "a", STELE_ANY, "{\"$tb\":5,\"$maxCount\":2,\"$maxAge\":4}");
    expect_says(backwards(s), "e9 e8");
    write_metadata(s, "a", STELE_ANY, "{\"$tb\":9,\"$maxCount\":2,\"$maxAge\":4}");
    expect_says(backwards(s), "e9");
}

TEST(RD_08_a_description_tells_first_and_last_revision)
{
    SUITE(s);
    for (unsigned i = 0; i < 64; i++) {
        append(s, "a", STELE_ANY, "-");
    }
    stele_stream_info info = describe(s, "a");
    expect_uint(info.first_revision, 0);
    expect_uint(info.last_revision, 63);
    expect_uint(info.event_count, 64);
    expect_uint(info.visible_count, 64);
    expect_uint(info.last_position, 64);
    expect_int(info.has_metadata, 0);
    write_metadata(s, "a", STELE_ANY, "{\"$tb\":32}");
    info = describe(s, "a");
    expect_int(info.state, 63);
    expect_uint(info.first_revision, 32);
    expect_uint(info.last_revision, 63);
    expect_uint(info.event_count, 64);
    expect_uint(info.visible_count, 32);
    expect_uint(info.last_position, 64);
    expect_true(info.has_metadata != 0);
    expect_uint(count_of(s, (stele_read){.stream = "a"}), 32);
    write_metadata(s, "a", STELE_ANY, "{\"$tb\":32,\"$maxCount\":10}");
    info = describe(s, "a");
    expect_uint(info.first_revision, 54);
    expect_uint(info.visible_count, 10);
    expect_uint(count_of(s, (stele_read){.stream = "a"}), 10);
}

TEST(a_description_of_a_stream_that_shows_nothing)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0 e1 e2");
    write_metadata(s, "a", STELE_ANY, "{\"$tb\":3}");
    stele_stream_info info = describe(s, "a");
    expect_int(info.state, 2);
    expect_uint(info.last_revision, 2);
    expect_uint(info.event_count, 3);
    expect_uint(info.visible_count, 0);
    expect_uint(info.last_position, 3);
    delete_stream(s, "a", STELE_ANY);
    info = describe(s, "a");
    expect_int(info.state, STELE_IS_DELETED);
    expect_uint(info.last_revision, 2);
    expect_uint(info.event_count, 3);
    expect_uint(info.visible_count, 0);
    tombstone_stream(s, "a", STELE_ANY);
    info = describe(s, "a");
    expect_int(info.state, STELE_IS_TOMBSTONED);
    expect_uint(info.last_revision, 2);
    expect_uint(info.event_count, 3);
    expect_uint(info.visible_count, 0);
    expect_uint(info.last_position, 6);
}

TEST(only_reads_of_the_stream_apply_its_limits)
{
    SUITE(s);
    append_event(s, "account-1", STELE_ANY, with_tags(event("opened", 0, "{}"), stele_tags("x")),
                 NULL);
    append_event(s, "account-1", STELE_ANY, with_tags(event("opened", 1, "{}"), stele_tags("x")),
                 NULL);
    append_event(s, "account-2", STELE_ANY, with_tags(event("opened", 2, "{}"), stele_tags("x")),
                 NULL);
    write_metadata(s, "account-1", STELE_ANY, "{\"$tb\":1,\"$maxCount\":1,\"$maxAge\":1}");
    suite_pass(s, STELE_SECONDS(10));
    const stele_query x = stele_query_of(stele_types("opened"), stele_tags("x"));
    expect_says(ids(s, (stele_read){.stream = "account-1"}), "");
    expect_says(ids(s, (stele_read){.category = "account"}), "e0 e1 e2");
    expect_says(ids(s, (stele_read){.event_type = "opened"}), "e0 e1 e2");
    expect_says(ids(s, (stele_read){.tag = "x"}), "e0 e1 e2");
    expect_says(ids(s, (stele_read){.query = &x}), "e0 e1 e2");
    expect_says(ids(s, (stele_read){.direction = STELE_BACKWARDS}), "$metadata e2 e1 e0");
}

TEST(limits_of_one_stream_do_not_touch_another)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0 e1 e2");
    append(s, "b", STELE_ANY, "e3 e4 e5");
    write_metadata(s, "b", STELE_ANY, "{\"$maxCount\":1}");
    expect_says(ids(s, (stele_read){.stream = "a"}), "e0 e1 e2");
    expect_says(ids(s, (stele_read){.stream = "b"}), "e5");
}

TEST(limits_hold_after_reopening)
{
    SUITE(s);
    make_ten(s);
    write_metadata(s, "a", STELE_ANY, "{\"$tb\":2,\"$maxCount\":4}");
    suite_reopen(s);
    expect_says(forwards(s), "e6 e7 e8 e9");
    const stele_stream_info info = describe(s, "a");
    expect_uint(info.first_revision, 6);
    expect_uint(info.visible_count, 4);
}

TEST(limits_are_those_of_the_head_also_for_a_read_of_the_past)
{
    SUITE(s);
    make_ten(s);
    write_metadata(s, "a", STELE_ANY, "{\"$tb\":2}");
    expect_says(ids(s, (stele_read){.stream = "a", .as_of = STELE_AT_POSITION(5)}), "e2 e3 e4");
    write_metadata(s, "a", STELE_ANY, "{\"$maxCount\":3}");
    expect_says(ids(s, (stele_read){.stream = "a", .as_of = STELE_AT_POSITION(9)}), "e7 e8");
    expect_says(ids(s, (stele_read){.stream = "a", .as_of = STELE_AT_POSITION(5)}), "");
}

TEST(a_cursor_keeps_the_limits_it_was_opened_with)
{
    SUITE(s);
    make_ten(s);
    STELE_CLEANUP(cursor) stele_cursor *cursor = NULL;
    stele_error error;
    expect_ok(stele_read_open(on(s), &(stele_read){.stream = "a"}, &cursor, &error), &error);
    suite_pin(s);
    write_metadata(s, "a", STELE_ANY, "{\"$tb\":9}");
    expect_says(ids_of(s, collect_rest(s, cursor)), "e0 e1 e2 e3 e4 e5 e6 e7 e8 e9");
}

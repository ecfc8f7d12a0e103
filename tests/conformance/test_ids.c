/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conformance: retries recognised by event ids. AP-30 … AP-37 and more, each on a fresh stream, and
 * each three times: the retry comes right away, after 5,000 appends to other streams, and after the
 * store was closed and opened again.
 */
#include "suite.h"

#include <string.h>

/* What happens between the first append and the retry. */
typedef void (*interlude)(suite *s);

static void nothing(suite *s)
{
    (void)s;
}

static void many_others(suite *s)
{
    /* Where the store is reopened all the time, many would only take long. */
    append_others(s, s->is_reopened ? 500 : 5000);
}

static void reopening(suite *s)
{
    (void)suite_reopen(s);
}

#define RETRY_TEST(name)                                                                           \
    static void name(suite *s, interlude between);                                                 \
    TEST(name##_right_away)                                                                        \
    {                                                                                              \
        SUITE(s);                                                                                  \
        name(s, nothing);                                                                          \
    }                                                                                              \
    TEST(name##_after_5000_others)                                                                 \
    {                                                                                              \
        SUITE(s);                                                                                  \
        name(s, many_others);                                                                      \
    }                                                                                              \
    TEST(name##_after_reopening)                                                                   \
    {                                                                                              \
        SUITE(s);                                                                                  \
        name(s, reopening);                                                                        \
    }                                                                                              \
    static void name(suite *s, interlude between)

/* ---- AP-30 … AP-37 */

RETRY_TEST(AP_30_the_same_ids_again)
{
    expect_says(append(s, "a", STELE_NO_STREAM, "e0 e1 e2"), "written 2 @3");
    expect_says(append(s, "a", 2, "e3 e4"), "written 4 @5");
    between(s);
    expect_says(append(s, "a", STELE_NO_STREAM, "e0 e1 e2"), "already 2 @3");
    expect_says(append(s, "a", STELE_ANY, "e0 e1 e2"), "already 2 @3");
    expect_says(append(s, "a", STELE_EXISTS, "e0 e1 e2"), "already 2 @3");
    expect_says(append(s, "a", 2, "e3 e4"), "already 4 @5");
    expect_says(append(s, "a", STELE_ANY, "e3 e4"), "already 4 @5");
    expect_says(ids(s, (stele_read){.stream = "a"}), "e0 e1 e2 e3 e4");
}

RETRY_TEST(AP_30_a_single_event_again)
{
    expect_says(append(s, "a", STELE_NO_STREAM, "e0"), "written 0 @1");
    between(s);
    expect_says(append(s, "a", STELE_NO_STREAM, "e0"), "already 0 @1");
    expect_says(append(s, "a", STELE_ANY, "e0"), "already 0 @1");
    expect_says(append(s, "a", STELE_EXISTS, "e0"), "already 0 @1");
    expect_says(ids(s, (stele_read){.stream = "a"}), "e0");
}

RETRY_TEST(AP_31_four_events_at_any_twice)
{
    expect_says(append(s, "a", STELE_ANY, "e0 e1 e2 e3"), "written 3 @4");
    between(s);
    expect_says(append(s, "a", STELE_ANY, "e0 e1 e2 e3"), "already 3 @4");
    expect_says(ids(s, (stele_read){.stream = "a"}), "e0 e1 e2 e3");
}

RETRY_TEST(AP_32_one_id_six_times_at_any)
{
    expect_says(append(s, "a", STELE_ANY, "e0 e0 e0 e0 e0 e0"), "written 5 @6");
    between(s);
    expect_says(append(s, "a", STELE_ANY, "e0 e0 e0 e0 e0 e0"), "already 0 @1");
    expect_says(revisions(s, (stele_read){.stream = "a"}), "0 1 2 3 4 5");
}

RETRY_TEST(AP_32_one_id_six_times_at_no_stream)
{
    expect_says(append(s, "a", STELE_NO_STREAM, "e0 e0 e0 e0 e0 e0"), "written 5 @6");
    between(s);
    expect_says(append(s, "a", STELE_NO_STREAM, "e0 e0 e0 e0 e0 e0"), "already 5 @6");
    expect_says(revisions(s, (stele_read){.stream = "a"}), "0 1 2 3 4 5");
}

RETRY_TEST(AP_33_known_ids_after_six_events_at_no_stream)
{
    append(s, "a", STELE_NO_STREAM, "e0 e1 e2 e3 e4 e5");
    between(s);
    expect_says(append(s, "a", STELE_NO_STREAM, "e0"), "already 0 @1");
    expect_says(ids(s, (stele_read){.stream = "a"}), "e0 e1 e2 e3 e4 e5");
}

RETRY_TEST(AP_33_known_ids_after_six_events_at_any)
{
    append(s, "a", STELE_NO_STREAM, "e0 e1 e2 e3 e4 e5");
    between(s);
    expect_says(append(s, "a", STELE_ANY, "e0"), "already 0 @1");
    expect_says(ids(s, (stele_read){.stream = "a"}), "e0 e1 e2 e3 e4 e5");
}

RETRY_TEST(AP_33_known_ids_after_six_events_at_the_last_revision_are_written)
{
    append(s, "a", STELE_NO_STREAM, "e0 e1 e2 e3 e4 e5");
    between(s);
    expect_says(append(s, "a", 5, "e0"), "written 6 @7");
    expect_says(ids(s, (stele_read){.stream = "a"}), "e0 e1 e2 e3 e4 e5 e0");
}

RETRY_TEST(AP_33_known_ids_after_six_events_at_other_revisions_are_refused)
{
    append(s, "a", STELE_NO_STREAM, "e0 e1 e2 e3 e4 e5");
    between(s);
    expect_says(append(s, "a", 4, "e0"), "wanted 4, is 5");
    expect_says(append(s, "a", 6, "e0"), "wanted 6, is 5");
    expect_says(ids(s, (stele_read){.stream = "a"}), "e0 e1 e2 e3 e4 e5");
}

RETRY_TEST(AP_34_the_second_of_three_at_any_twice)
{
    append(s, "a", STELE_NO_STREAM, "e0 e1 e2");
    between(s);
    expect_says(append(s, "a", STELE_ANY, "e1"), "already 1 @2");
    expect_says(append(s, "a", STELE_ANY, "e1"), "already 1 @2");
    expect_says(ids(s, (stele_read){.stream = "a"}), "e0 e1 e2");
}

RETRY_TEST(AP_35_the_same_id_at_the_last_revision_is_written_again)
{
    expect_says(append(s, "a", STELE_NO_STREAM, "e0"), "written 0 @1");
    between(s);
    expect_says(append(s, "a", 0, "e0"), "written 1 @2");
    expect_says(ids(s, (stele_read){.stream = "a"}), "e0 e0");
}

RETRY_TEST(AP_35_the_same_id_at_any_is_not_written_again)
{
    expect_says(append(s, "a", STELE_NO_STREAM, "e0"), "written 0 @1");
    between(s);
    expect_says(append(s, "a", STELE_ANY, "e0"), "already 0 @1");
    expect_says(ids(s, (stele_read){.stream = "a"}), "e0");
}

RETRY_TEST(AP_36_parts_of_two_events_are_known)
{
    append(s, "a", STELE_NO_STREAM, "e0 e1");
    between(s);
    expect_says(append(s, "a", STELE_NO_STREAM, "e0"), "already 0 @1");
    expect_says(append(s, "a", STELE_ANY, "e0"), "already 0 @1");
    expect_says(append(s, "a", 0, "e1"), "already 1 @2");
    expect_says(append(s, "a", STELE_ANY, "e1"), "already 1 @2");
    expect_says(ids(s, (stele_read){.stream = "a"}), "e0 e1");
}

RETRY_TEST(AP_36_more_than_is_known_is_refused)
{
    append(s, "a", STELE_NO_STREAM, "e0 e1");
    between(s);
    expect_says(append(s, "a", STELE_NO_STREAM, "e0 e1 e2"), "wanted none, is 1");
    expect_says(append(s, "a", STELE_ANY, "e0 e1 e2"), "wanted any, is 1");
    expect_says(append(s, "a", 0, "e1 e2"), "wanted 0, is 1");
    expect_says(ids(s, (stele_read){.stream = "a"}), "e0 e1");
}

RETRY_TEST(AP_37_an_old_id_and_a_new_one_stay_refused)
{
    append(s, "a", STELE_NO_STREAM, "e0 e1");
    between(s);
    for (unsigned i = 0; i < 2; i++) {
        expect_says(append(s, "a", STELE_NO_STREAM, "e0 e9"), "wanted none, is 1");
        expect_says(append(s, "a", STELE_ANY, "e0 e9"), "wanted any, is 1");
        expect_says(append(s, "a", STELE_ANY, "e9 e0"), "wanted any, is 1");
        expect_says(append(s, "a", STELE_EXISTS, "e9 e1"), "wanted exists, is 1");
    }
    expect_says(ids(s, (stele_read){.stream = "a"}), "e0 e1");
}

/* ---- what follows from the rules */

RETRY_TEST(a_retry_is_answered_with_the_original_receipt)
{
    append(s, "z", STELE_ANY, "e7");
    const outcome first = append(s, "a", STELE_NO_STREAM, "e0 e1 e2");
    suite_pass(s, STELE_SECONDS(60));
    between(s);
    const stele_expected both[] = {STELE_NO_STREAM, STELE_ANY};
    for (unsigned i = 0; i < 2; i++) {
        const outcome again = append(s, "a", both[i], "e0 e1 e2");
        expect_true(again.receipt.already_applied != 0);
        expect_uint(again.receipt.first_position, first.receipt.first_position);
        expect_uint(again.receipt.position, first.receipt.position);
        expect_uint(again.receipt.revision, 2);
        expect_int(again.receipt.time, SUITE_TIME);
    }
}

RETRY_TEST(known_ids_in_another_order_are_a_retry_at_any_only)
{
    append(s, "a", STELE_NO_STREAM, "e0 e1 e2");
    between(s);
    expect_says(append(s, "a", STELE_ANY, "e2 e1"), "already 1 @2");
    expect_says(append(s, "a", STELE_ANY, "e1 e0"), "already 0 @1");
    expect_says(append(s, "a", STELE_NO_STREAM, "e1 e0"), "wanted none, is 2");
    expect_says(append(s, "a", 0, "e2 e1"), "wanted 0, is 2");
}

RETRY_TEST(ids_are_known_per_stream)
{
    append(s, "a", STELE_NO_STREAM, "e0 e1");
    between(s);
    expect_says(append(s, "b", STELE_ANY, "e0 e1"), "written 1 @4");
    expect_says(append(s, "c", STELE_NO_STREAM, "e0"), "written 0 @5");
    expect_says(append(s, "b", STELE_ANY, "e1"), "already 1 @4");
}

RETRY_TEST(events_without_ids_are_written_every_time)
{
    expect_says(append(s, "a", STELE_ANY, "- -"), "written 1 @2");
    between(s);
    expect_says(append(s, "a", STELE_ANY, "- -"), "written 3 @4");
    expect_says(append(s, "a", STELE_EXISTS, "-"), "written 4 @5");
    expect_says(append(s, "a", STELE_NO_STREAM, "- -"), "wanted none, is 4");
}

RETRY_TEST(an_id_that_was_made_is_known_like_any_other)
{
    append(s, "a", STELE_ANY, "-");
    between(s);
    const copies all = collect(s, (stele_read){.stream = "a"});
    stele_event again = stele_json_event("happened", "{}");
    again.id = all.records[0].id;
    expect_says(append_event(s, "a", STELE_ANY, again, NULL), "already 0 @1");
}

RETRY_TEST(an_id_written_twice_is_answered_with_its_first_revision)
{
    append(s, "a", STELE_NO_STREAM, "e0 e1");
    append(s, "a", 1, "e0");
    between(s);
    expect_says(append(s, "a", STELE_ANY, "e0"), "already 0 @1");
    expect_says(append(s, "a", 1, "e0"), "already 2 @3");
    expect_says(append(s, "a", 2, "e0"), "written 3 @4");
}

RETRY_TEST(truncated_events_are_still_known)
{
    append(s, "a", STELE_NO_STREAM, "e0 e1 e2");
    write_metadata(s, "a", STELE_ANY, "{\"$tb\":3}");
    between(s);
    expect_says(append(s, "a", STELE_NO_STREAM, "e0 e1 e2"), "already 2 @3");
    expect_says(append(s, "a", STELE_ANY, "e1"), "already 1 @2");
    expect_says(ids(s, (stele_read){.stream = "a"}), "");
}

RETRY_TEST(a_retry_on_a_soft_deleted_stream_does_not_recreate_it)
{
    append(s, "a", STELE_NO_STREAM, "e0 e1");
    delete_stream(s, "a", STELE_ANY);
    between(s);
    expect_says(append(s, "a", STELE_NO_STREAM, "e0 e1"), "already 1 @2");
    expect_says(append(s, "a", STELE_ANY, "e1"), "already 1 @2");
    expect_says(state_of(s, "a"), "deleted");
}

RETRY_TEST(a_retry_of_what_recreated_a_stream_is_known)
{
    append(s, "a", STELE_NO_STREAM, "e0 e1");
    delete_stream(s, "a", STELE_ANY);
    expect_says(append(s, "a", 1, "e2 e3"), "written 3 @6");
    between(s);
    expect_says(append(s, "a", 1, "e2 e3"), "already 3 @6");
    expect_says(append(s, "a", STELE_ANY, "e2 e3"), "already 3 @6");
    expect_says(append(s, "a", STELE_NO_STREAM, "e2 e3"), "wanted none, is 3");
    expect_says(ids(s, (stele_read){.stream = "a"}), "e2 e3");
}

RETRY_TEST(metadata_streams_know_their_ids_too)
{
    const stele_event written = event(STELE_TYPE_METADATA, 1, "{\"k\":1}");
    expect_says(append_event(s, "$$a", STELE_NO_STREAM, written, NULL), "written 0 @1");
    between(s);
    expect_says(append_event(s, "$$a", STELE_NO_STREAM, written, NULL), "already 0 @1");
    expect_says(append_event(s, "$$a", STELE_ANY, written, NULL), "already 0 @1");
}

/* ---- several streams */

RETRY_TEST(a_commit_to_several_streams_again_at_any)
{
    expect_says(commit(s, "a:e0 b:e1 a:e2", "", NULL), "written 1 @3");
    between(s);
    const outcome again = commit(s, "a:e0 b:e1 a:e2", "", NULL);
    expect_says(again, "already 1 @3");
    expect_uint(again.receipt.first_position, 1);
    expect_says(revisions_answered(again, 3), "0 0 1");
    expect_says(ids(s, (stele_read){.type_prefixes = (const char *const[]){"happened"},
                                    .type_prefix_count = 1}),
                "e0 e1 e2");
}

RETRY_TEST(a_commit_to_several_streams_again_at_exact_revisions)
{
    append(s, "a", STELE_ANY, "e0");
    expect_says(commit(s, "a:e1 b:e2 a:e3 b:e4", "a=0 b=none", NULL), "written 1 @5");
    between(s);
    const outcome again = commit(s, "a:e1 b:e2 a:e3 b:e4", "a=0 b=none", NULL);
    expect_says(again, "already 1 @5");
    expect_uint(again.receipt.first_position, 2);
    expect_says(revisions_answered(again, 4), "1 0 2 1");
}

RETRY_TEST(a_commit_of_known_and_new_streams_is_refused)
{
    commit(s, "a:e0 b:e1", "", NULL);
    between(s);
    outcome mixed = commit(s, "a:e0 c:e2", "", NULL);
    expect_int(mixed.error.detail, STELE_CONFLICT_REVISION);
    mixed = commit(s, "c:e2 a:e0", "a=none c=none", NULL);
    expect_int(mixed.error.detail, STELE_CONFLICT_REVISION);
    expect_says(state_of(s, "c"), "not found");
    expect_says(state_of(s, "a"), "0");
}

RETRY_TEST(a_stream_of_a_commit_again_alone_is_known)
{
    commit(s, "a:e0 b:e1 a:e2", "", NULL);
    between(s);
    expect_says(append(s, "a", STELE_NO_STREAM, "e0 e2"), "already 1 @3");
    expect_says(append(s, "b", STELE_ANY, "e1"), "already 0 @2");
}

/* ---- the window */

TEST_WITHIN(an_id_is_known_at_any_and_exists_in_the_last_262144_positions, 60)
{
    SUITE(s);
    append(s, "a", STELE_NO_STREAM, "e0");
    append_filler(s, STELE_ID_WINDOW - 2);
    expect_uint(head_of(s), 262143);
    expect_says(append(s, "a", STELE_ANY, "e0"), "already 0 @1");
    append_others(s, 1);
    expect_uint(head_of(s), 262144);
    expect_says(append(s, "a", STELE_ANY, "e0"), "already 0 @1");
    expect_says(append(s, "a", STELE_EXISTS, "e0"), "already 0 @1");
    suite_reopen(s);
    expect_says(append(s, "a", STELE_EXISTS, "e0"), "already 0 @1");
    append_others(s, 1);
    expect_uint(head_of(s), 262145);
    expect_says(append(s, "a", STELE_NO_STREAM, "e0"), "already 0 @1");
    expect_says(append(s, "a", STELE_ANY, "e0"), "written 1 @2");
    expect_says(append(s, "a", STELE_EXISTS, "e0"), "already 1 @2");
}

TEST_WITHIN(an_id_beyond_the_window_is_unknown_at_exists_after_reopening, 60)
{
    SUITE(s);
    append(s, "a", STELE_NO_STREAM, "e0");
    append_filler(s, STELE_ID_WINDOW);
    suite_reopen(s);
    expect_says(append(s, "a", STELE_EXISTS, "e0"), "written 1 @2");
}

TEST_WITHIN(the_window_may_begin_in_the_middle_of_a_commit, 60)
{
    SUITE(s);
    append(s, "a", STELE_NO_STREAM, "e0 e1 e2");
    append_filler(s, STELE_ID_WINDOW - 2);
    expect_uint(head_of(s), 262145);
    expect_says(append(s, "a", STELE_ANY, "e1 e2"), "already 2 @3");
    expect_says(append(s, "a", STELE_ANY, "e0 e1"), "wanted any, is 2");
    expect_says(append(s, "a", STELE_NO_STREAM, "e0 e1"), "already 1 @2");
    expect_says(append(s, "a", STELE_ANY, "e0"), "written 3 @4");
}

TEST_WITHIN(an_id_written_twice_is_known_while_either_is_in_the_window, 60)
{
    SUITE(s);
    append(s, "a", STELE_NO_STREAM, "e0");
    append(s, "a", 0, "e0");
    append_filler(s, STELE_ID_WINDOW - 2);
    expect_says(append(s, "a", STELE_ANY, "e0"), "already 0 @1");
    append_others(s, 1);
    expect_says(append(s, "a", STELE_ANY, "e0"), "already 1 @2");
    suite_reopen(s);
    expect_says(append(s, "a", STELE_EXISTS, "e0"), "already 1 @2");
}

TEST_WITHIN(refused_and_repeated_appends_do_not_move_the_window, 60)
{
    SUITE(s);
    append(s, "a", STELE_NO_STREAM, "e0");
    append_filler(s, STELE_ID_WINDOW - 1);
    for (unsigned i = 0; i < 10; i++) {
        expect_says(append(s, "a", 7, "e1"), "wanted 7, is 0");
        expect_says(append(s, "a", STELE_ANY, "e0"), "already 0 @1");
    }
}

/* ---- strict */

/* The event that is stored, and one differing from it in a single respect for each row. */
static stele_event stored_event(void)
{
    static const char *const tags[] = {"x", "y"};
    stele_event one = with_tags(event("opened", 0, "{\"a\":1}"), (stele_names){tags, 2});
    one.metadata = (stele_bytes){(const uint8_t *)"{}", 2};
    one.metadata_format = STELE_JSON;
    return one;
}

static const char *const differences[] = {
    "type", "data", "data format", "metadata", "metadata format", "tags", "no tags"};

static stele_event different_event(const char *respect)
{
    static const char *const other_tags[] = {"x", "z"};
    stele_event one = stored_event();
    if (strcmp(respect, "type") == 0) {
        one.type = "closed";
    } else if (strcmp(respect, "data") == 0) {
        one.data = (stele_bytes){(const uint8_t *)"{\"a\":2}", 7};
    } else if (strcmp(respect, "data format") == 0) {
        one.data_format = STELE_BINARY;
    } else if (strcmp(respect, "metadata") == 0) {
        one.metadata = (stele_bytes){(const uint8_t *)"{ }", 3};
    } else if (strcmp(respect, "metadata format") == 0) {
        one.metadata_format = STELE_PROTOBUF;
    } else if (strcmp(respect, "tags") == 0) {
        one.tags = other_tags;
    } else {
        one.tag_count = 0;
    }
    return one;
}

static const stele_append_options strictly = {.flags = STELE_STRICT};

TEST_ROWS(the_same_id_with_other_content_is_a_retry_unless_strict, differences)
{
    SUITE(s);
    append_event(s, "a", STELE_NO_STREAM, stored_event(), NULL);
    const stele_event other = different_event(differences[row]);
    expect_says(append_event(s, "a", STELE_NO_STREAM, other, NULL), "already 0 @1");
    expect_says(append_event(s, "a", STELE_ANY, other, NULL), "already 0 @1");
    expect_says(append_event(s, "a", STELE_NO_STREAM, other, &strictly), "other content");
    expect_says(append_event(s, "a", STELE_ANY, other, &strictly), "other content");
    expect_says(append_event(s, "a", STELE_EXISTS, other, &strictly), "other content");
    expect_uint(head_of(s), 1);
}

RETRY_TEST(strict_accepts_the_same_content)
{
    append_event(s, "a", STELE_NO_STREAM, stored_event(), NULL);
    between(s);
    static const char *const twice[] = {"x", "y", "x"};
    stele_event same = stored_event();
    same.tags = twice;
    same.tag_count = 3;
    expect_says(append_event(s, "a", STELE_NO_STREAM, stored_event(), &strictly), "already 0 @1");
    expect_says(append_event(s, "a", STELE_ANY, stored_event(), &strictly), "already 0 @1");
    expect_says(append_event(s, "a", STELE_NO_STREAM, same, &strictly), "already 0 @1");
}

RETRY_TEST(strict_finds_other_content_wherever_it_is_in_a_batch)
{
    append(s, "a", STELE_NO_STREAM, "e0 e1 e2");
    between(s);
    batch again = events(s, "e0 e1 e2");
    expect_says(append_events(s, "a", STELE_NO_STREAM, again, &strictly), "already 2 @3");
    again.events[2].data = (stele_bytes){(const uint8_t *)"{}", 2};
    expect_says(append_events(s, "a", STELE_NO_STREAM, again, &strictly), "other content");
    expect_says(append_events(s, "a", STELE_ANY, again, &strictly), "other content");
    expect_says(append_events(s, "a", STELE_ANY, again, NULL), "already 2 @3");
}

TEST(strict_changes_nothing_for_new_events)
{
    SUITE(s);
    expect_says(append_event(s, "a", STELE_NO_STREAM, stored_event(), &strictly), "written 0 @1");
    expect_says(append_event(s, "a", 0, different_event("data"), &strictly), "written 1 @2");
    expect_says(append_event(s, "a", 7, different_event("data"), &strictly), "wanted 7, is 1");
}

/* ---- some events with ids and others without */

RETRY_TEST(an_event_without_an_id_is_never_known)
{
    append(s, "z", STELE_ANY, "-");
    append(s, "a", STELE_ANY, "e0");
    append(s, "z", STELE_ANY, "-");
    between(s);
    const stele_position before = head_of(s);
    /* The stream a has it all, b has nothing of it: not the same commit. */
    expect_says(commit(s, "a:e0 b:-", "", NULL), "wanted any, is 0");
    expect_says(commit(s, "b:- a:e0", "", NULL), "wanted any, is 0");
    expect_says(commit(s, "a:e0 b:-", "", &strictly), "wanted any, is 0");
    expect_says(violations(commit(s, "b:- a:e0", "b=none", NULL)), "2: wanted any, is 0");
    expect_says(state_of(s, "b"), "not found");
    /* The same within a stream. */
    expect_says(append(s, "a", STELE_ANY, "e0 -"), "wanted any, is 0");
    expect_says(append(s, "a", STELE_EXISTS, "- e0"), "wanted exists, is 0");
    expect_says(append(s, "a", STELE_NO_STREAM, "e0 -"), "wanted none, is 0");
    expect_uint(head_of(s), before);
    /* Nothing of it is known. */
    expect_says(append(s, "a", STELE_ANY, "e1 -"), "written 2 @5");
}

TEST(events_without_ids_are_written_again_and_again)
{
    SUITE(s);
    expect_says(append(s, "a", STELE_ANY, "- -"), "written 1 @2");
    expect_says(append(s, "a", STELE_ANY, "- -"), "written 3 @4");
    expect_says(append(s, "a", STELE_NO_STREAM, "- -"), "wanted none, is 3");
}

TEST(one_id_ten_thousand_times_is_recognised_in_reasonable_time_and_memory)
{
    enum { TIMES = 10000 };
    SUITE(s);
    batch many = {suite_allocate(s, TIMES * sizeof *many.events), TIMES};
    for (size_t i = 0; i < TIMES; i++) {
        many.events[i] = in_stream("a", event("t", 0, "{}"));
    }
    expect_says(append_events(s, "a", STELE_ANY, many, NULL), "written 9999 @10000");
    expect_says(append_events(s, "a", STELE_ANY, many, NULL), "already 0 @1");
    many.events[TIMES / 2].id = id_of(1);
    expect_says(append_events(s, "a", STELE_ANY, many, NULL), "wanted any, is 9999");
    expect_uint(head_of(s), TIMES);
}

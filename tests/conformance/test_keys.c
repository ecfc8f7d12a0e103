/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conformance: idempotency keys. A key is kept for ever: the same commit with the same key is
 * answered with the first receipt, a different one is a conflict of its own, and both come before
 * every other check but limits.
 */
#include "suite.h"

#include <string.h>

static const stele_append_options keyed = {.key = "command-1"};

static void expect_same_receipt(outcome again, outcome first)
{
    expect_int(again.status, STELE_OK);
    expect_true(again.receipt.already_applied != 0);
    expect_int(first.receipt.already_applied, 0);
    expect_uint(again.receipt.first_position, first.receipt.first_position);
    expect_uint(again.receipt.position, first.receipt.position);
    expect_uint(again.receipt.revision, first.receipt.revision);
    expect_int(again.receipt.time, first.receipt.time);
}

/* ---- the same commit */

TEST(the_same_commit_with_the_same_key_is_answered_with_the_first_receipt)
{
    SUITE(s);
    append(s, "z", STELE_ANY, "e9");
    const outcome first = append_with(s, "a", STELE_NO_STREAM, "e0 e1", &keyed);
    expect_says(first, "written 1 @3");
    append(s, "a", 1, "e2");
    suite_pass(s, STELE_SECONDS(10));
    expect_same_receipt(append_with(s, "a", STELE_NO_STREAM, "e0 e1", &keyed), first);
    expect_uint(head_of(s), 4);
}

TEST(a_key_makes_events_without_ids_idempotent)
{
    SUITE(s);
    const outcome first = append_with(s, "a", STELE_ANY, "- -", &keyed);
    expect_same_receipt(append_with(s, "a", STELE_ANY, "- -", &keyed), first);
    expect_says(append(s, "a", STELE_ANY, "- -"), "written 3 @4");
}

TEST(a_key_is_kept_across_reopening)
{
    SUITE(s);
    const outcome first = append_with(s, "a", STELE_NO_STREAM, "e0 -", &keyed);
    suite_reopen(s);
    expect_same_receipt(append_with(s, "a", STELE_NO_STREAM, "e0 -", &keyed), first);
    expect_says(append_with(s, "a", STELE_ANY, "e1", &keyed), "key @1");
}

TEST_WITHIN(a_key_is_kept_over_300000_other_events_and_reopening, 60)
{
    SUITE(s);
    const outcome first = append_with(s, "a", STELE_NO_STREAM, "e0 -", &keyed);
    append_filler(s, 300000);
    expect_same_receipt(append_with(s, "a", STELE_NO_STREAM, "e0 -", &keyed), first);
    expect_says(append_with(s, "a", STELE_ANY, "e1", &keyed), "key @1");
    suite_reopen(s);
    expect_same_receipt(append_with(s, "a", STELE_NO_STREAM, "e0 -", &keyed), first);
    expect_says(append_with(s, "b", STELE_ANY, "e0", &keyed), "key @1");
}

TEST(what_is_expected_of_streams_is_no_part_of_the_comparison)
{
    SUITE(s);
    const outcome first = append_with(s, "a", STELE_NO_STREAM, "e0", &keyed);
    expect_same_receipt(append_with(s, "a", STELE_ANY, "e0", &keyed), first);
    expect_same_receipt(append_with(s, "a", 17, "e0", &keyed), first);
    expect_same_receipt(append_with(s, "a", STELE_EXISTS, "e0", &keyed), first);
    expect_same_receipt(commit(s, "a:e0", "b=3 a=exists", &keyed), first);
}

TEST(conditions_and_durability_are_no_part_of_the_comparison)
{
    SUITE(s);
    const stele_query all = stele_query_everything();
    const stele_condition none = {.no_event_matching = &all};
    stele_append_options options = {.key = "command-1", .conditions = &none, .condition_count = 1};
    const outcome first = append_with(s, "a", STELE_ANY, "-", &options);
    expect_says(first, "written 0 @1");
    expect_same_receipt(append_with(s, "a", STELE_ANY, "-", &options), first);
    options.durability = STELE_DURABLE_OS;
    expect_same_receipt(append_with(s, "a", STELE_ANY, "-", &options), first);
    expect_same_receipt(append_with(s, "a", STELE_ANY, "-", &keyed), first);
}

TEST(a_commit_to_several_streams_is_known_by_its_key)
{
    SUITE(s);
    const outcome first = commit(s, "a:- b:e1 a:-", "a=none", &keyed);
    expect_says(first, "written 1 @3");
    const outcome again = commit(s, "a:- b:e1 a:-", "a=none", &keyed);
    expect_same_receipt(again, first);
    expect_says(revisions_answered(again, 3), "0 0 1");
}

TEST(an_id_that_is_left_out_in_the_retry_is_no_difference)
{
    SUITE(s);
    const stele_event with_id = event("opened", 0, "{}");
    const stele_event without = nameless("opened", "{}");
    const outcome first = append_event(s, "a", STELE_ANY, with_id, &keyed);
    expect_same_receipt(append_event(s, "a", STELE_ANY, without, &keyed), first);
}

TEST(repeated_tags_are_no_difference)
{
    SUITE(s);
    const stele_event once = with_tags(event("opened", 0, "{}"), stele_tags("x", "y"));
    const stele_event twice = with_tags(event("opened", 0, "{}"), stele_tags("x", "y", "x"));
    const outcome first = append_event(s, "a", STELE_ANY, twice, &keyed);
    expect_same_receipt(append_event(s, "a", STELE_ANY, once, &keyed), first);
    expect_same_receipt(append_event(s, "a", STELE_ANY, twice, &keyed), first);
}

TEST(a_commit_that_recreated_its_stream_is_known_by_its_key)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0");
    delete_stream(s, "a", STELE_ANY);
    const outcome first = append_with(s, "a", STELE_NO_STREAM, "- -", &keyed);
    expect_says(first, "written 2 @5");
    expect_uint(first.receipt.first_position, 4);
    const outcome again = append_with(s, "a", STELE_NO_STREAM, "- -", &keyed);
    expect_same_receipt(again, first);
    expect_int(append_with(s, "a", STELE_NO_STREAM, "-", &keyed).error.detail, STELE_CONFLICT_KEY);
}

/* ---- another commit */

static const char *const differences[] = {"fewer",       "more",     "order",
                                          "stream",      "type",     "data",
                                          "data format", "metadata", "metadata format",
                                          "tags",        "no tags",  "id"};

static batch different_batch(suite *s, const char *respect)
{
    static const char *const tags[] = {"x", "y"};
    static const char *const other_tags[] = {"x", "z"};
    batch all = {suite_allocate(s, 3 * sizeof(stele_event)), 2};
    all.events[0] = in_stream("a", with_tags(event("opened", 0, "{}"), (stele_names){tags, 2}));
    all.events[1] = in_stream("b", nameless("opened", "{\"n\":1}"));
    all.events[2] = in_stream("b", nameless("opened", "{\"n\":1}"));
    stele_event *first = &all.events[0];
    if (strcmp(respect, "fewer") == 0) {
        all.count = 1;
    } else if (strcmp(respect, "more") == 0) {
        all.count = 3;
    } else if (strcmp(respect, "order") == 0) {
        const stele_event kept = all.events[0];
        all.events[0] = all.events[1];
        all.events[1] = kept;
    } else if (strcmp(respect, "stream") == 0) {
        first->stream = "c";
    } else if (strcmp(respect, "type") == 0) {
        first->type = "closed";
    } else if (strcmp(respect, "data") == 0) {
        first->data = (stele_bytes){(const uint8_t *)"{ }", 3};
    } else if (strcmp(respect, "data format") == 0) {
        first->data_format = STELE_BINARY;
    } else if (strcmp(respect, "metadata") == 0) {
        first->metadata = (stele_bytes){(const uint8_t *)"m", 1};
    } else if (strcmp(respect, "metadata format") == 0) {
        first->metadata_format = STELE_PROTOBUF;
    } else if (strcmp(respect, "tags") == 0) {
        first->tags = other_tags;
    } else if (strcmp(respect, "no tags") == 0) {
        first->tag_count = 0;
    } else if (strcmp(respect, "id") == 0) {
        first->id = id_of(7);
    }
    return all;
}

TEST_ROWS(another_commit_with_the_same_key_is_a_conflict_of_its_own, differences)
{
    SUITE(s);
    append(s, "z", STELE_ANY, "e9");
    expect_says(commit_events(s, different_batch(s, "nothing"), "", &keyed), "written 0 @3");
    const outcome other = commit_events(s, different_batch(s, differences[row]), "", &keyed);
    expect_int(other.status, STELE_CONFLICT);
    expect_int(other.error.detail, STELE_CONFLICT_KEY);
    expect_says(other, "key @2");
    expect_says(commit_events(s, different_batch(s, "nothing"), "", &keyed), "already 0 @3");
    expect_uint(head_of(s), 3);
}

TEST(an_id_where_one_was_made_before_is_a_difference)
{
    SUITE(s);
    append_event(s, "a", STELE_ANY, nameless("opened", "{}"), &keyed);
    expect_says(append_event(s, "a", STELE_ANY, event("opened", 0, "{}"), &keyed), "key @1");
}

TEST(the_same_commit_with_another_key_is_written_again)
{
    SUITE(s);
    append_with(s, "a", STELE_ANY, "-", &keyed);
    expect_says(append_with(s, "a", STELE_ANY, "-", &(stele_append_options){.key = "command-2"}),
                "written 1 @2");
    expect_says(append_with(s, "a", STELE_ANY, "-", &(stele_append_options){.key = "Command-1"}),
                "written 2 @3");
    expect_says(append_with(s, "a", STELE_ANY, "-", &(stele_append_options){.key = "command-"}),
                "written 3 @4");
    expect_says(append_with(s, "a", STELE_ANY, "-", &(stele_append_options){.key = "command-11"}),
                "written 4 @5");
}

TEST(a_retry_by_ids_does_not_take_a_new_key)
{
    SUITE(s);
    append(s, "a", STELE_NO_STREAM, "e0");
    expect_says(append_with(s, "a", STELE_NO_STREAM, "e0", &keyed), "already 0 @1");
    expect_says(append_with(s, "b", STELE_NO_STREAM, "e5", &keyed), "written 0 @2");
}

TEST(a_refused_commit_does_not_take_its_key)
{
    SUITE(s);
    append(s, "a", STELE_NO_STREAM, "e0");
    tombstone_stream(s, "dead", STELE_ANY);
    const stele_query all = stele_query_everything();
    const stele_condition none = {.no_event_matching = &all};
    const stele_append_options conditional = {.key = "command-1",
                                              .conditions = &none,
                                              .condition_count = 1};
    expect_says(append_with(s, "a", 7, "e1", &keyed), "wanted 7, is 0");
    expect_says(append_with(s, "dead", STELE_ANY, "e1", &keyed), "tombstoned");
    expect_says(append_with(s, "a", STELE_ANY, "e1", &conditional), "condition 0: e0 @1");
    expect_invalid(append_event(s, "a", STELE_ANY, event("", 0, "{}"), &keyed), "type");
    expect_says(append_with(s, "b", STELE_NO_STREAM, "e2", &keyed), "written 0 @3");
}

TEST(a_key_answers_for_a_tombstoned_and_for_a_deleted_stream)
{
    SUITE(s);
    const outcome first = append_with(s, "a", STELE_NO_STREAM, "e0", &keyed);
    delete_stream(s, "a", STELE_ANY);
    expect_same_receipt(append_with(s, "a", STELE_NO_STREAM, "e0", &keyed), first);
    expect_says(state_of(s, "a"), "deleted");
    tombstone_stream(s, "a", STELE_ANY);
    expect_same_receipt(append_with(s, "a", STELE_NO_STREAM, "e0", &keyed), first);
}

TEST(keys_have_1_to_256_bytes)
{
    SUITE(s);
    char *longest = suite_repeat(s, 'k', 257);
    const stele_append_options too_long = {.key = longest};
    expect_invalid(append_with(s, "a", STELE_ANY, "e0", &too_long), "key");
    const stele_append_options empty = {.key = ""};
    expect_invalid(append_with(s, "a", STELE_ANY, "e0", &empty), "key");
    expect_uint(head_of(s), 0);
    longest[256] = '\0';
    const outcome first = append_with(s, "a", STELE_ANY, "-", &too_long);
    expect_same_receipt(append_with(s, "a", STELE_ANY, "-", &too_long), first);
    longest[255] = 'l';
    expect_says(append_with(s, "a", STELE_ANY, "-", &too_long), "written 1 @2");
    longest[255] = '\0';
    expect_says(append_with(s, "a", STELE_ANY, "-", &too_long), "written 2 @3");
    const stele_append_options shortest = {.key = "k"};
    const outcome second = append_with(s, "a", STELE_ANY, "-", &shortest);
    expect_says(second, "written 3 @4");
    expect_same_receipt(append_with(s, "a", STELE_ANY, "-", &shortest), second);
}

TEST(a_key_is_no_tag_no_type_and_no_stream)
{
    SUITE(s);
    const stele_event one = with_tags(nameless("same", "{}"), stele_tags("same"));
    const outcome first =
        append_event(s, "same", STELE_ANY, one, &(stele_append_options){.key = "same"});
    expect_says(first, "written 0 @1");
    expect_says(ids(s, (stele_read){.tag = "same"}), "same");
    expect_says(ids(s, (stele_read){.stream = "same"}), "same");
    expect_same_receipt(append_event(s, "same", STELE_ANY, one,
                                     &(stele_append_options){.key = "same"}),
                        first);
}

TEST(many_keys_are_told_apart)
{
    SUITE(s);
    const stele_append_options quickly = {.durability = STELE_DURABLE_NONE};
    for (unsigned i = 0; i < 2000; i++) {
        stele_append_options options = quickly;
        options.key = suite_print(s, "key-%u", i);
        const stele_event one = nameless("opened", "{}");
        stele_error error;
        expect_ok(stele_append(held(s), "a", STELE_ANY, &one, 1, &options, NULL, &error), &error);
    }
    suite_settle(s);
    suite_reopen(s);
    for (unsigned i = 0; i < 2000; i += 37) {
        const stele_append_options options = {.key = suite_print(s, "key-%u", i)};
        expect_says(append_with(s, "a", STELE_ANY, "-", &options),
                    suite_print(s, "key @%u", i + 1));
        const outcome again = append_event(s, "a", STELE_ANY, nameless("opened", "{}"), &options);
        expect_says(again, suite_print(s, "already %u @%u", i, i + 1));
    }
}

/* ---- keys of what is no append */

typedef stele_status (*deletion)(stele_store *store, const char *stream, stele_expected expected,
                                 const stele_append_options *options, stele_receipt *ret_receipt,
                                 stele_error *reterr);

static void expect_deletion_is_keyed(suite *s, deletion remove)
{
    stele_error error;
    stele_receipt first;
    stele_receipt again;
    append(s, "a", STELE_NO_STREAM, "e0");
    expect_ok(remove(on(s), "a", 0, &keyed, &first, &error), &error);
    expect_int(first.already_applied, 0);
    append(s, "b", STELE_NO_STREAM, "e1");
    expect_ok(remove(on(s), "a", 0, &keyed, &again, &error), &error);
    expect_true(again.already_applied != 0);
    expect_uint(again.position, first.position);
    expect_uint(head_of(s), 3);
    expect_error(remove(on(s), "b", STELE_ANY, &keyed, &again, &error), &error, STELE_CONFLICT_KEY);
    expect_says(append_with(s, "c", STELE_ANY, "e0", &keyed), "key @2");
}

TEST(a_delete_with_a_key_is_idempotent)
{
    SUITE(s);
    expect_deletion_is_keyed(s, stele_delete);
}

TEST(a_tombstone_with_a_key_is_idempotent)
{
    SUITE(s);
    expect_deletion_is_keyed(s, stele_tombstone);
}

static stele_status write_keyed(suite *s, const char *json, stele_receipt *ret_receipt,
                                stele_error *reterr)
{
    return stele_metadata_write(on(s), "a", STELE_NO_STREAM, json, strlen(json), &keyed,
                                ret_receipt, reterr);
}

TEST(writing_metadata_with_a_key_is_idempotent)
{
    SUITE(s);
    stele_error error;
    stele_receipt first;
    stele_receipt again;
    expect_ok(write_keyed(s, "{\"k\":1}", &first, &error), &error);
    expect_ok(write_keyed(s, "{\"k\":1}", &again, &error), &error);
    expect_true(again.already_applied != 0);
    expect_uint(again.position, first.position);
    expect_error(write_keyed(s, "{\"k\":2}", &again, &error), &error, STELE_CONFLICT_KEY);
    expect_says(metadata_of(s, "a"), "0: {\"k\":1}");
}

TEST(the_position_of_a_key_s_commit_is_that_of_its_first_given_event)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0");
    delete_stream(s, "a", STELE_ANY);
    /* Event 3 recreates the stream. */
    expect_says(append_with(s, "a", STELE_ANY, "e1", &(stele_append_options){.key = "k"}),
                "written 1 @4");
    const outcome o = append_with(s, "a", STELE_ANY, "e2", &(stele_append_options){.key = "k"});
    expect_uint(o.error.detail, STELE_CONFLICT_KEY);
    expect_uint(o.error.conflict.position, 4);
}

/* ---- looking keys up */

static void expect_found(suite *s, const char *key, outcome first)
{
    stele_error error;
    outcome found = {.status = STELE_OK};
    expect_ok(stele_key_find(on(s), key, &found.receipt, &error), &error);
    expect_same_receipt(found, first);
}

static void expect_unknown(suite *s, const char *key)
{
    stele_error error;
    stele_receipt untouched = {.position = 77};
    expect_error(stele_key_find(on(s), key, &untouched, &error), &error, STELE_NOT_FOUND);
    expect_uint(untouched.position, 77);
}

TEST(a_key_is_looked_up_whole_and_only_when_a_commit_has_it)
{
    SUITE(s);
    expect_unknown(s, "command-1");
    append(s, "command-1", STELE_ANY, "e9");
    expect_unknown(s, "command-1");
    const outcome first = append_with(s, "a", STELE_NO_STREAM, "e0 e1 -", &keyed);
    expect_found(s, "command-1", first);
    expect_unknown(s, "command-");
    expect_unknown(s, "command-11");
    expect_unknown(s, "Command-1");
    stele_error error;
    expect_ok(stele_key_find(on(s), "command-1", NULL, &error), &error);
}

TEST(a_refused_commit_leaves_no_key)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0");
    expect_says(append_with(s, "a", STELE_NO_STREAM, "e1", &keyed), "wanted none, is 0");
    expect_unknown(s, "command-1");
}

TEST(a_key_is_looked_up_across_reopening_and_much_history)
{
    SUITE(s);
    append_filler(s, 1000);
    const outcome first = append_with(s, "a", STELE_NO_STREAM, "e0 -", &keyed);
    append_filler(s, 30000);
    expect_found(s, "command-1", first);
    suite_reopen(s);
    expect_found(s, "command-1", first);
    expect_unknown(s, "command-2");
}

TEST(the_receipt_of_a_key_is_about_what_was_given_and_not_what_was_derived)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0");
    delete_stream(s, "a", STELE_ANY);
    const outcome first = append_with(s, "a", STELE_ANY, "e1 e2", &keyed);
    expect_says(first, "written 2 @5");
    expect_found(s, "command-1", first);
}

TEST(a_key_outlives_the_deletion_of_its_stream)
{
    SUITE(s);
    const outcome first = append_with(s, "a", STELE_NO_STREAM, "e0", &keyed);
    delete_stream(s, "a", STELE_ANY);
    expect_found(s, "command-1", first);
}

TEST(what_cannot_be_a_key_is_not_looked_up)
{
    SUITE(s);
    stele_error error;
    char long_key[STELE_KEY_SIZE_MAX + 2] = {0};
    memset(long_key, 'k', STELE_KEY_SIZE_MAX + 1);
    expect_error(stele_key_find(on(s), NULL, NULL, &error), &error, STELE_INVALID);
    expect_error(stele_key_find(on(s), "", NULL, &error), &error, STELE_INVALID_NAME);
    expect_error(stele_key_find(on(s), "\xff", NULL, &error), &error, STELE_INVALID_NAME);
    expect_error(stele_key_find(on(s), long_key, NULL, &error), &error, STELE_INVALID_LIMIT);
}

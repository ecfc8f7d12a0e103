/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Corners of appending that the papers leave to the reader, as the memory backend decides them: the
 * metadata events that come along, commits over several streams, receipts of retries, keys, time.
 * What every backend must do stands in tests/conformance.
 */
#include "unit/memory/given.h"

#include <string.h>

static stele_event metadata_event(const char *stream, unsigned id, const char *json)
{
    stele_event event = stele_json_event(STELE_TYPE_METADATA, json);
    event.stream = stream;
    event.id = given_id(id);
    return event;
}

static void soft_delete(stele_store *store, const char *stream)
{
    stele_error error;
    expect_ok(stele_delete(store, stream, STELE_ANY, NULL, NULL, &error), &error);
}

static const stele_read everything = {.version = 0};

/* ---- Metadata events that come along. */

TEST(recreation_stands_before_all_given_events_in_the_order_of_the_streams)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    given_append(store, "a", 0);
    given_append(store, "b", 0);
    given_append(store, "b", 0);
    soft_delete(store, "a");
    soft_delete(store, "b");
    const stele_event events[] = {given_event("c", 0), given_event("b", 0), given_event("a", 0),
                                  given_event("b", 0)};
    const stele_commit commit = {.events = events, .event_count = 4};
    stele_revision revisions[4];
    stele_receipt receipt;
    stele_error error;
    expect_ok(stele_append_commit(store, &commit, &receipt, revisions, &error), &error);
    expect_text(given_read(store, (stele_read){.from = STELE_AT_POSITION(6)}),
                "$$b@1 $$a@1 c@0 b@2 a@1 b@3");
    expect_text(given_data(store, 6), "{\"$tb\":2}");
    expect_text(given_data(store, 7), "{\"$tb\":1}");
    expect_uint(receipt.first_position, 8);
    expect_uint(receipt.position, 11);
    expect_uint(receipt.revision, 3);
    expect_uint(revisions[0], 0);
    expect_uint(revisions[1], 2);
    expect_uint(revisions[2], 1);
    expect_uint(revisions[3], 3);
    expect_text(given_read(store, (stele_read){.stream = "b"}), "b@2 b@3");
}

TEST(recreation_keeps_the_other_metadata_in_its_order)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    const char *json = "{\"z\": [1, {\"y\":null}], \"$tb\": 9223372036854775807, \"$maxCount\": 5}";
    stele_error error;
    given_append(store, "a", 0);
    expect_ok(stele_metadata_write(store, "a", STELE_ANY, json, strlen(json), NULL, NULL, &error),
              &error);
    expect_text(given_read(store, (stele_read){.stream = "a"}), "deleted");
    given_append(store, "a", 0);
    expect_text(given_data(store, 3), "{\"z\":[1, {\"y\":null}],\"$maxCount\":5,\"$tb\":1}");
}

TEST(writing_metadata_of_a_deleted_stream_brings_it_back_empty)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    stele_receipt receipt;
    stele_error error;
    given_append(store, "a", 0);
    given_append(store, "a", 0);
    soft_delete(store, "a");
    expect_ok(stele_metadata_write(store, "a", 0, "{\"x\":1,\"$tb\":7}", 15, NULL, &receipt,
                                   &error),
              &error);
    expect_uint(receipt.position, 4);
    expect_uint(receipt.revision, 1);
    expect_uint(given_head(store), 5);
    expect_text(given_data(store, 5), "{\"x\":1,\"$tb\":2}");
    expect_text(given_read(store, (stele_read){.stream = "a"}), "");
}

TEST(writing_metadata_that_deletes_again_writes_nothing_more)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    const char *json = "{\"x\":1,\"$tb\":9223372036854775807}";
    stele_error error;
    given_append(store, "a", 0);
    soft_delete(store, "a");
    expect_ok(stele_metadata_write(store, "a", 0, json, strlen(json), NULL, NULL, &error), &error);
    expect_uint(given_head(store), 3);
    expect_text(given_read(store, (stele_read){.stream = "a"}), "deleted");
}

TEST(writing_what_is_no_metadata_does_not_bring_back_old_events)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    const stele_event event = metadata_event(NULL, 0, "no object");
    stele_error error;
    given_append(store, "a", 0);
    soft_delete(store, "a");
    expect_ok(stele_append(store, "$$a", STELE_ANY, &event, 1, NULL, NULL, &error), &error);
    expect_text(given_data(store, 4), "{\"$tb\":1}");
    expect_text(given_read(store, (stele_read){.stream = "a"}), "");
}

TEST(other_events_in_a_metadata_stream_say_nothing)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    STELE_CLEANUP(metadata) stele_metadata metadata = {.revision = -1};
    const stele_event event = stele_json_event("t", "{\"$tb\":9223372036854775807}");
    stele_error error;
    given_append(store, "a", 0);
    expect_ok(stele_append(store, "$$a", STELE_ANY, &event, 1, NULL, NULL, &error), &error);
    expect_text(given_read(store, (stele_read){.stream = "a"}), "a@0");
    expect_ok(stele_metadata_read(store, "a", &metadata, &error), &error);
    expect_int(metadata.revision, 0);
    expect_uint(metadata.truncate_before, 0);
    expect_uint(metadata.json.size, 27);
    soft_delete(store, "a");
    expect_ok(stele_append(store, "$$a", STELE_ANY, &event, 1, NULL, NULL, &error), &error);
    expect_text(given_data(store, 5), "{\"$tb\":1}");
    expect_text(given_read(store, (stele_read){.stream = "a"}), "");
}

TEST(commit_that_writes_a_deleted_stream_and_its_metadata_gets_one_metadata_event_behind)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    stele_error error;
    given_append(store, "a", 0);
    soft_delete(store, "a");
    const stele_event events[] = {given_event("a", 1), metadata_event("$$a", 2, "{\"x\":1}"),
                                  given_event("a", 3)};
    const stele_check checks[] = {{"$$a", 0}, {"a", 0}};
    const stele_commit commit = {events, 3, checks, 2, NULL};
    stele_receipt receipt;
    stele_receipt again;
    expect_ok(stele_append_commit(store, &commit, &receipt, NULL, &error), &error);
    expect_text(given_read(store, (stele_read){.from = STELE_AT_POSITION(3)}),
                "a@1 $$a@1 a@2 $$a@2");
    expect_text(given_data(store, 6), "{\"x\":1,\"$tb\":1}");
    expect_text(given_read(store, (stele_read){.stream = "a"}), "a@1 a@2");
    /* And a retry is known by its ids, for the revisions are what the caller expects. */
    expect_ok(stele_append_commit(store, &commit, &again, NULL, &error), &error);
    expect_int(again.already_applied, 1);
    expect_uint(again.position, receipt.position);
}

TEST(deleted_stream_without_events_is_recreated_from_revision_0)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    const char *json = "{\"$tb\":9223372036854775807}";
    stele_stream_info info;
    stele_error error;
    expect_ok(stele_metadata_write(store, "a", STELE_ANY, json, strlen(json), NULL, NULL, &error),
              &error);
    expect_text(given_read(store, (stele_read){.stream = "a"}), "deleted");
    expect_ok(stele_stream_describe(store, "a", &info, &error), &error);
    expect_int(info.state, STELE_IS_DELETED);
    given_append(store, "a", 0);
    expect_text(given_read(store, everything), "$$a@0 $$a@1 a@0");
    expect_text(given_data(store, 2), "{\"$tb\":0}");
    expect_text(given_read(store, (stele_read){.stream = "a"}), "a@0");
}

TEST(tombstone_of_a_deleted_stream_recreates_nothing)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    stele_receipt receipt;
    stele_error error;
    given_append(store, "a-1", 0);
    soft_delete(store, "a-1");
    expect_ok(stele_tombstone(store, "a-1", 0, NULL, &receipt, &error), &error);
    expect_uint(receipt.revision, STELE_REVISION_TOMBSTONE);
    expect_text(given_read(store, everything), "a-1@0 $$a-1@0 a-1@tombstone");
    expect_text(given_read(store, (stele_read){.category = "a"}), "a-1@0 a-1@tombstone");
    expect_text(given_read(store, (stele_read){.event_type = STELE_TYPE_TOMBSTONE}),
                "a-1@tombstone");
    expect_text(given_read(store, (stele_read){.stream = "$$a-1"}), "tombstoned");
}

/* ---- Commits over several streams. */

TEST(retry_over_several_streams_must_be_known_in_all_of_them)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    const stele_event both[] = {given_event("a", 1), given_event("b", 2)};
    const stele_event mixed[] = {given_event("a", 1), given_event("c", 2)};
    stele_commit commit = {.events = both, .event_count = 2};
    stele_receipt receipt;
    stele_error error;
    expect_ok(stele_append_commit(store, &commit, &receipt, NULL, &error), &error);
    expect_ok(stele_append_commit(store, &commit, &receipt, NULL, &error), &error);
    expect_int(receipt.already_applied, 1);
    expect_uint(receipt.first_position, 1);
    expect_uint(receipt.position, 2);
    commit.events = mixed;
    expect_error(stele_append_commit(store, &commit, &receipt, NULL, &error), &error,
                 STELE_CONFLICT_REVISION);
    expect_int(error.conflict.expected_revision, STELE_ANY);
    expect_int(error.conflict.actual_revision, 0);
    expect_uint(error.conflict.violation_count, 1);
    expect_uint(given_head(store), 2);
}

TEST(a_commit_with_an_event_without_an_id_is_no_retry)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    const stele_event events[] = {given_event("a", 0), given_event("b", 2), given_event("a", 0)};
    const stele_commit commit = {.events = events, .event_count = 3};
    stele_error error;
    expect_ok(stele_append_commit(store, &commit, NULL, NULL, &error), &error);
    expect_error(stele_append_commit(store, &commit, NULL, NULL, &error), &error,
                 STELE_CONFLICT_REVISION);
    expect_uint(error.conflict.index, 1); /* there are no checks: the first event in b */
    expect_uint(given_head(store), 3);
}

TEST(some_known_ids_and_events_without_any_in_one_stream_are_a_conflict)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    const stele_event events[] = {given_event("a", 1), given_event("a", 0)};
    stele_receipt receipt;
    stele_error error;
    expect_ok(stele_append(store, "a", STELE_ANY, events, 2, NULL, &receipt, &error), &error);
    expect_error(stele_append(store, "a", STELE_ANY, events, 2, NULL, &receipt, &error), &error,
                 STELE_CONFLICT_REVISION);
    expect_uint(given_head(store), 2);
}

TEST(violations_come_in_the_order_of_their_index_and_all_are_counted)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    given_append(store, "a", 1);
    given_append(store, "deleted", 0);
    soft_delete(store, "deleted");
    const stele_event events[] = {given_event("a", 2), given_event("deleted", 3)};
    const stele_check checks[] = {{"missing", 0},
                                  {"deleted", STELE_EXISTS},
                                  {"a", STELE_NO_STREAM},
                                  {"fine", STELE_NO_STREAM},
                                  {"deleted-2", STELE_IS_DELETED}};
    stele_violation violations[3] = {{9, 9, 9}, {9, 9, 9}, {9, 9, 9}};
    const stele_append_options options = {.violations = violations, .violations_capacity = 3};
    const stele_commit commit = {events, 2, checks, 5, &options};
    stele_error error;
    expect_error(stele_append_commit(store, &commit, NULL, NULL, &error), &error,
                 STELE_CONFLICT_REVISION);
    expect_uint(error.conflict.violation_count, 4);
    expect_uint(error.conflict.index, 0);
    expect_uint(violations[0].index, 0);
    expect_int(violations[0].actual, STELE_NO_STREAM);
    expect_uint(violations[1].index, 1);
    expect_int(violations[1].actual, STELE_IS_DELETED);
    expect_uint(violations[2].index, 2);
    expect_int(violations[2].actual, 0);
    expect_text(error.message, "missing does not exist; expected revision 0 (and 3 more)");
}

static const struct {
    const char *stream;
    stele_expected expected;
    const char *message;
} sentences[] = {
    {"full", STELE_NO_STREAM, "full already exists (its last revision is 1); expected no stream"},
    {"full", 0, "full is at revision 1; expected revision 0"},
    {"missing", STELE_EXISTS, "missing does not exist; expected an existing stream"},
    {"deleted", STELE_EXISTS, "deleted is deleted; expected an existing stream"},
    {"deleted", 7, "deleted is at revision 0; expected revision 7"},
    {"dead", STELE_ANY, "dead has been ended by a tombstone; expected any"},
};

TEST_ROWS(refusal_is_a_sentence, sentences)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    const stele_event event = given_event(NULL, 0);
    stele_error error;
    given_append(store, "full", 0);
    given_append(store, "full", 0);
    given_append(store, "deleted", 0);
    soft_delete(store, "deleted");
    expect_ok(stele_tombstone(store, "dead", STELE_ANY, NULL, NULL, &error), &error);
    expect_true(stele_append(store, sentences[row].stream, sentences[row].expected, &event, 1, NULL,
                             NULL, &error) != STELE_OK);
    expect_text(error.message, sentences[row].message);
}

TEST(tombstone_is_named_first_and_the_other_failures_are_reported_too)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    const stele_event events[] = {given_event("a", 0), given_event("dead", 0)};
    const stele_check checks[] = {{"missing", 3}, {"a", STELE_NO_STREAM}, {"dead", STELE_ANY}};
    stele_violation violations[3];
    const stele_append_options options = {.violations = violations, .violations_capacity = 3};
    const stele_commit commit = {events, 2, checks, 3, &options};
    stele_error error;
    given_append(store, "a", 0);
    expect_ok(stele_tombstone(store, "dead", STELE_ANY, NULL, NULL, &error), &error);
    expect_error(stele_append_commit(store, &commit, NULL, NULL, &error), &error,
                 STELE_DELETED_TOMBSTONE);
    expect_uint(error.conflict.index, 2);
    expect_int(error.conflict.expected_revision, STELE_ANY);
    expect_int(error.conflict.actual_revision, STELE_IS_TOMBSTONED);
    expect_uint(error.conflict.violation_count, 3);
    expect_uint(violations[0].index, 0);
    expect_uint(violations[1].index, 1);
    expect_uint(violations[2].index, 2);
    expect_contains(error.message, "dead has been ended by a tombstone");
}

TEST(deleted_is_answered_only_if_nothing_else_fails)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    const stele_event event = given_event("gone", 0);
    const stele_check checks[] = {{"gone", STELE_EXISTS}, {"missing", 3}};
    stele_commit commit = {&event, 1, checks, 1, NULL};
    stele_error error;
    given_append(store, "gone", 0);
    soft_delete(store, "gone");
    expect_error(stele_append_commit(store, &commit, NULL, NULL, &error), &error,
                 STELE_DELETED_SOFT);
    expect_int(error.conflict.actual_revision, STELE_IS_DELETED);
    commit.check_count = 2;
    expect_error(stele_append_commit(store, &commit, NULL, NULL, &error), &error,
                 STELE_CONFLICT_REVISION);
    expect_uint(error.conflict.violation_count, 2);
}

TEST(lowest_matching_position_decides_which_condition_is_reported)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    const stele_query_item second = {.types = {(const char *const[]){"second"}, 1}};
    const stele_query_item first = {.types = {(const char *const[]){"first"}, 1}};
    const stele_query queries[] = {{&second, 1, 0}, {&first, 1, 0}};
    stele_condition conditions[] = {{&queries[0], 0}, {&queries[1], 0}};
    const stele_append_options options = {.conditions = conditions, .condition_count = 2};
    const stele_event events[] = {{.type = "first"}, {.type = "second"}, {.type = "first"}};
    stele_error error;
    expect_ok(stele_append(store, "a", STELE_ANY, events, 3, NULL, NULL, &error), &error);
    expect_error(stele_append(store, "a", STELE_ANY, events, 1, &options, NULL, &error), &error,
                 STELE_CONFLICT_CONDITION);
    expect_uint(error.conflict.index, 1);
    expect_uint(error.conflict.position, 1);
    conditions[1].after = 1;
    expect_error(stele_append(store, "a", STELE_ANY, events, 1, &options, NULL, &error), &error,
                 STELE_CONFLICT_CONDITION);
    expect_uint(error.conflict.index, 0);
    expect_uint(error.conflict.position, 2);
    conditions[0].after = 2;
    conditions[1].after = 3;
    expect_ok(stele_append(store, "a", STELE_ANY, events, 1, &options, NULL, &error), &error);
}

TEST(refused_commits_leave_no_names_behind)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    const stele_event events[] = {given_event("new", 1), given_event("newer", 2)};
    const stele_check check = {"old", STELE_EXISTS};
    const stele_commit commit = {events, 2, &check, 1, NULL};
    stele_stream_info info;
    stele_info before;
    stele_info after;
    stele_error error;
    expect_ok(stele_describe(store, &before, &error), &error);
    expect_error(stele_append_commit(store, &commit, NULL, NULL, &error), &error,
                 STELE_CONFLICT_REVISION);
    expect_error(stele_stream_describe(store, "new", &info, &error), &error,
                 STELE_NOT_FOUND_STREAM);
    expect_ok(stele_describe(store, &after, &error), &error);
    expect_uint(after.head, 0);
    expect_uint(after.commits, 0);
    expect_uint(after.refusals, before.refusals + 1);
}

/* ---- Keys. */

TEST(key_compares_streams_and_given_ids_and_tags_as_sets)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    const char *const tags[] = {"x", "y", "x"};
    const char *const swapped[] = {"y", "x"};
    const char *const fewer[] = {"x"};
    const char *const others[] = {"x", "z"};
    const stele_append_options options = {.key = "k"};
    stele_event event = given_event("a", 0);
    stele_commit commit = {.events = &event, .event_count = 1, .options = &options};
    stele_receipt receipt;
    stele_error error;
    event.tags = tags;
    event.tag_count = 3;
    expect_ok(stele_append_commit(store, &commit, NULL, NULL, &error), &error);
    event.tags = swapped;
    event.tag_count = 2;
    expect_ok(stele_append_commit(store, &commit, &receipt, NULL, &error), &error);
    expect_int(receipt.already_applied, 1);
    event.tags = fewer;
    event.tag_count = 1;
    expect_error(stele_append_commit(store, &commit, NULL, NULL, &error), &error,
                 STELE_CONFLICT_KEY);
    event.tags = others;
    event.tag_count = 2;
    expect_error(stele_append_commit(store, &commit, NULL, NULL, &error), &error,
                 STELE_CONFLICT_KEY);
    event.tags = tags;
    event.tag_count = 3;
    event.id = given_id(1);
    expect_error(stele_append_commit(store, &commit, NULL, NULL, &error), &error,
                 STELE_CONFLICT_KEY);
    expect_uint(error.conflict.position, 1);
    event.id = given_id(0);
    event.stream = "b";
    expect_error(stele_append_commit(store, &commit, NULL, NULL, &error), &error,
                 STELE_CONFLICT_KEY);
    expect_uint(given_head(store), 1);
}

TEST(key_of_a_tombstone_is_not_that_of_an_event_that_looks_like_one)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    const stele_append_options options = {.key = "k"};
    const stele_event event = {.type = STELE_TYPE_TOMBSTONE};
    stele_receipt receipt;
    stele_error error;
    expect_ok(stele_tombstone(store, "a", STELE_ANY, &options, NULL, &error), &error);
    expect_error(stele_append(store, "a", STELE_ANY, &event, 1, &options, NULL, &error), &error,
                 STELE_CONFLICT_KEY);
    expect_ok(stele_tombstone(store, "a", 3, &options, &receipt, &error), &error);
    expect_int(receipt.already_applied, 1);
    expect_uint(receipt.revision, STELE_REVISION_TOMBSTONE);
}

TEST(key_of_a_commit_with_recreation_answers_the_given_events)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    const stele_append_options options = {.key = "k"};
    const stele_event event = given_event(NULL, 0);
    stele_receipt first;
    stele_receipt second;
    stele_error error;
    given_append(store, "a", 0);
    soft_delete(store, "a");
    expect_ok(stele_append(store, "a", STELE_NO_STREAM, &event, 1, &options, &first, &error),
              &error);
    expect_ok(stele_append(store, "a", STELE_NO_STREAM, &event, 1, &options, &second, &error),
              &error);
    expect_uint(second.first_position, 4);
    expect_uint(second.position, first.position);
    expect_uint(second.revision, 1);
    expect_int(second.time == first.time, 1);
}

/* ---- Ids. */

TEST(id_chain_forgets_only_what_has_left_the_window)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    static stele_event filler[STELE_COMMIT_EVENTS_MAX];
    const stele_event twice[] = {given_event(NULL, 1), given_event(NULL, 1)};
    stele_receipt receipt;
    stele_error error;
    for (size_t i = 0; i < STELE_COMMIT_EVENTS_MAX; i++) {
        filler[i] = given_event(NULL, 0);
    }
    expect_ok(stele_append(store, "a", STELE_ANY, twice, 2, NULL, NULL, &error), &error);
    for (size_t i = 0; i < 3; i++) {
        expect_ok(stele_append(store, "b", STELE_ANY, filler, STELE_COMMIT_EVENTS_MAX, NULL, NULL,
                               &error),
                  &error);
    }
    expect_ok(stele_append(store, "b", STELE_ANY, filler, STELE_COMMIT_EVENTS_MAX - 2, NULL, NULL,
                           &error),
              &error);
    /* The head is 262,144: positions 1 to 262,144 are the window. */
    expect_ok(stele_append(store, "a", STELE_ANY, twice, 1, NULL, &receipt, &error), &error);
    expect_int(receipt.already_applied, 1);
    expect_uint(receipt.position, 1);
    given_append(store, "b", 0);
    expect_ok(stele_append(store, "a", STELE_ANY, twice, 1, NULL, &receipt, &error), &error);
    expect_int(receipt.already_applied, 1);
    expect_uint(receipt.position, 2);
    given_append(store, "b", 0);
    expect_ok(stele_append(store, "a", STELE_ANY, twice, 1, NULL, &receipt, &error), &error);
    expect_int(receipt.already_applied, 0);
    expect_uint(receipt.revision, 2);
    expect_ok(stele_append(store, "a", STELE_ANY, twice, 1, NULL, &receipt, &error), &error);
    expect_int(receipt.already_applied, 1);
    expect_uint(receipt.revision, 2);
}

TEST(known_ids_answer_although_the_stream_is_deleted)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    const stele_event known = given_event(NULL, 1);
    stele_receipt receipt;
    stele_error error;
    given_append(store, "a", 1);
    soft_delete(store, "a");
    expect_ok(stele_append(store, "a", STELE_NO_STREAM, &known, 1, NULL, &receipt, &error), &error);
    expect_int(receipt.already_applied, 1);
    expect_ok(stele_append(store, "a", STELE_EXISTS, &known, 1, NULL, &receipt, &error), &error);
    expect_int(receipt.already_applied, 1);
    expect_text(given_read(store, (stele_read){.stream = "a"}), "deleted");
    expect_ok(stele_append(store, "a", 0, &known, 1, NULL, &receipt, &error), &error);
    expect_int(receipt.already_applied, 0);
    expect_uint(receipt.revision, 1);
}

/* ---- Time. */

TEST(time_is_the_clocks_but_never_goes_back)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    stele_info info;
    stele_error error;
    expect_true(given_append(store, "a", 0).time == GIVEN_NOW);
    given_pass(5);
    expect_true(given_append(store, "a", 0).time == GIVEN_NOW + 5);
    given_now = GIVEN_NOW - STELE_SECONDS(30);
    expect_true(given_append(store, "a", 0).time == GIVEN_NOW + 5);
    expect_ok(stele_describe(store, &info, &error), &error);
    expect_int(info.clock_behind, STELE_SECONDS(30) + 5);
    expect_true(info.first_time == GIVEN_NOW);
    expect_true(info.last_time == GIVEN_NOW + 5);
    given_pass(STELE_SECONDS(60));
    expect_true(given_append(store, "a", 0).time == GIVEN_NOW + STELE_SECONDS(30));
    expect_ok(stele_describe(store, &info, &error), &error);
    expect_int(info.clock_behind, 0);
}

static void count_warning(void *context, stele_log_level level, const char *message)
{
    expect_int(level, STELE_LOG_WARNING);
    expect_contains(message, "behind");
    (*(unsigned *)context)++;
}

TEST(clock_that_stands_behind_is_logged_once_each_time)
{
    unsigned warnings = 0;
    const stele_options options = {.log = count_warning, .log_context = &warnings};
    STELE_CLEANUP(store) stele_store *store = given_store(&options);
    given_append(store, "a", 0);
    given_now = GIVEN_NOW - STELE_SECONDS(1);
    given_append(store, "a", 0);
    expect_uint(warnings, 0);
    given_now = GIVEN_NOW - STELE_SECONDS(1) - 1;
    given_append(store, "a", 0);
    given_append(store, "a", 0);
    expect_uint(warnings, 1);
    given_now = GIVEN_NOW + 1;
    given_append(store, "a", 0);
    given_now = GIVEN_NOW - STELE_SECONDS(9);
    given_append(store, "a", 0);
    expect_uint(warnings, 2);
}

TEST(clock_that_jumps_ahead_by_more_than_an_hour_is_refused_until_accepted)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    const stele_event event = given_event(NULL, 0);
    const stele_event known = given_event(NULL, 1);
    stele_receipt receipt;
    stele_error error;
    given_append(store, "a", 1);
    given_pass(STELE_SECONDS(7200));
    given_now += STELE_SECONDS(3600);
    given_append(store, "a", 2);
    given_now += STELE_SECONDS(3600) + 1;
    expect_error(stele_append(store, "a", STELE_ANY, &event, 1, NULL, NULL, &error), &error,
                 STELE_INVALID_CLOCK);
    expect_contains(error.hint, "stele_accept_clock()");
    /* A retry needs no time. */
    expect_ok(stele_append(store, "a", STELE_ANY, &known, 1, NULL, &receipt, &error), &error);
    expect_int(receipt.already_applied, 1);
    expect_ok(stele_accept_clock(store, &error), &error);
    expect_ok(stele_append(store, "a", STELE_ANY, &event, 1, NULL, &receipt, &error), &error);
    expect_true(receipt.time == given_now);
}

TEST(clock_that_went_back_may_return)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    given_append(store, "a", 0);
    given_now -= STELE_SECONDS(100000);
    given_append(store, "a", 0);
    given_now += STELE_SECONDS(100000);
    expect_true(given_append(store, "a", 0).time == GIVEN_NOW);
}

TEST(clocks_at_their_ends_do_not_overflow)
{
    given_now = INT64_MAX - 1;
    given_monotonic = INT64_MAX - 1;
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    given_append(store, "a", 0);
    given_now = INT64_MIN;
    expect_true(given_append(store, "a", 0).time == INT64_MAX - 1);
}

/* ---- Facts. */

TEST(checkpoints_of_other_stores_are_refused)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    stele_info info;
    stele_position valid_until = 99;
    stele_error error;
    given_append(store, "a", 0);
    expect_ok(stele_describe(store, &info, &error), &error);
    stele_checkpoint checkpoint = {.store = info.store, .epoch = info.epoch, .position = 1};
    expect_ok(stele_checkpoint_check(store, &checkpoint, &valid_until, &error), &error);
    checkpoint.position = 2;
    expect_error(stele_checkpoint_check(store, &checkpoint, &valid_until, &error), &error,
                 STELE_INVALID_CHECKPOINT);
    expect_uint(valid_until, 1);
    checkpoint.position = 1;
    checkpoint.epoch = 2;
    expect_error(stele_checkpoint_check(store, &checkpoint, &valid_until, &error), &error,
                 STELE_INVALID_CHECKPOINT);
    expect_uint(valid_until, 0);
    checkpoint.epoch = 1;
    checkpoint.store.bytes[3] ^= 1;
    expect_error(stele_checkpoint_check(store, &checkpoint, NULL, &error), &error,
                 STELE_INVALID_CHECKPOINT);
}

static int stop(void *context, uint64_t done, uint64_t total)
{
    (void)done;
    (void)total;
    return *(const int *)context;
}

TEST(verify_counts)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    int answer = 0;
    const stele_verify_options options = {.progress = stop, .context = &answer};
    stele_verify_result result;
    stele_error error;
    given_append(store, "a", 0);
    given_append(store, "b", 0);
    expect_ok(stele_verify(store, &options, &result, &error), &error);
    expect_uint(result.events, 2);
    expect_uint(result.commits, 2);
    expect_uint(result.bytes, 4);
    expect_uint(result.damage_count, 0);
    answer = 1;
    expect_error(stele_verify(store, &options, &result, &error), &error, STELE_CANCELLED);
}

static const struct {
    const char *url;
    stele_access access;
    unsigned cause;
} openings[] = {
    {"memory:name", STELE_READ_WRITE, STELE_INVALID_NAME},
    {"memory:", STELE_MUST_EXIST, STELE_NOT_FOUND_STORE},
    {"memory:", STELE_READ_ONLY, STELE_NOT_FOUND_STORE},
    {"memory:", STELE_SALVAGE, STELE_NOT_FOUND_STORE},
};

TEST_ROWS(stores_in_memory_have_no_name_and_never_exist_before, openings)
{
    const stele_options options = {.access = openings[row].access};
    stele_store *store = NULL;
    stele_error error;
    expect_error(stele_open(openings[row].url, &options, &store, &error), &error,
                 openings[row].cause);
    expect_null(store);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conformance: soft deletes, what recreates a deleted stream, and tombstones (DE-01 … DE-19).
 */
#include "suite.h"

#include <string.h>

#define DELETED_JSON "{\"$tb\":9223372036854775807}"

/* Stream "a" with e0 and e1, soft-deleted; the head is 3. */
static void make_deleted(suite *s)
{
    append(s, "a", STELE_NO_STREAM, "e0 e1");
    expect_says(delete_stream(s, "a", STELE_ANY), "written 0 @3");
}

/* ---- soft delete */

TEST(DE_01_any_an_exact_revision_and_exists_delete_a_stream)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0 e1");
    append(s, "b", STELE_ANY, "e0 e1");
    append(s, "c", STELE_ANY, "e0 e1");
    expect_says(delete_stream(s, "a", STELE_ANY), "written 0 @7");
    expect_says(delete_stream(s, "b", 1), "written 0 @8");
    expect_says(delete_stream(s, "c", STELE_EXISTS), "written 0 @9");
    expect_says(state_of(s, "a"), "deleted");
    expect_says(state_of(s, "b"), "deleted");
    expect_says(state_of(s, "c"), "deleted");
}

TEST(DE_02_a_wrong_revision_is_refused)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0 e1");
    expect_says(delete_stream(s, "a", 0), "wanted 0, is 1");
    expect_says(delete_stream(s, "a", 2), "wanted 2, is 1");
    const outcome o = delete_stream(s, "a", 7);
    expect_contains(o.error.message, "a");
    expect_int(o.error.conflict.expected_revision, 7);
    expect_says(ids(s, (stele_read){.stream = "a"}), "e0 e1");
    expect_uint(head_of(s), 2);
}

TEST(DE_03_no_stream_on_an_existing_stream_is_refused)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0 e1");
    expect_says(delete_stream(s, "a", STELE_NO_STREAM), "wanted none, is 1");
}

TEST(DE_04_a_stream_that_never_existed_cannot_be_deleted)
{
    SUITE(s);
    expect_says(delete_stream(s, "a", STELE_ANY), "wanted any, is none");
    expect_says(delete_stream(s, "a", STELE_NO_STREAM), "wanted none, is none");
    expect_says(delete_stream(s, "a", 0), "wanted 0, is none");
    expect_says(delete_stream(s, "a", STELE_EXISTS), "wanted exists, is none");
    expect_uint(head_of(s), 0);
}

static const stele_expected expected_of_bare[] = {STELE_NO_STREAM, STELE_ANY, STELE_EXISTS};

TEST_ROWS(DE_05_a_stream_of_which_only_metadata_exists_can_be_deleted, expected_of_bare)
{
    SUITE(s);
    write_metadata(s, "a", STELE_ANY, "{\"k\":1}");
    expect_says(delete_stream(s, "a", expected_of_bare[row]), "written 1 @2");
    expect_says(metadata_of(s, "a"), "1: " DELETED_JSON);
    expect_int(collect(s, (stele_read){.stream = "a"}).status, STELE_NOT_FOUND);
}

TEST(DE_05_its_first_event_recreates_it)
{
    SUITE(s);
    write_metadata(s, "a", STELE_ANY, "{\"k\":1}");
    delete_stream(s, "a", STELE_NO_STREAM);
    expect_says(append(s, "a", STELE_NO_STREAM, "e0"), "written 0 @4");
    expect_says(metadata_of(s, "a"), "2: {\"$tb\":0}");
    expect_says(ids(s, (stele_read){.stream = "a"}), "e0");
}

TEST(DE_06_deleting_a_deleted_stream_is_fine)
{
    SUITE(s);
    make_deleted(s);
    expect_int(delete_stream(s, "a", STELE_ANY).status, STELE_OK);
    expect_int(delete_stream(s, "a", 1).status, STELE_OK);
    expect_says(state_of(s, "a"), "deleted");
    expect_says(delete_stream(s, "a", STELE_EXISTS), "deleted");
    expect_int(delete_stream(s, "a", 0).status, STELE_CONFLICT);
}

TEST(DE_07_after_a_delete_reads_are_not_found_and_the_metadata_says_why)
{
    SUITE(s);
    make_deleted(s);
    expect_says(ids(s, (stele_read){.stream = "a"}), "not found, deleted");
    expect_says(ids(s, (stele_read){.stream = "a", .direction = STELE_BACKWARDS}),
                "not found, deleted");
    expect_says(ids(s, (stele_read){.stream = "a", .from = STELE_FROM_REVISION(1)}),
                "not found, deleted");
    expect_says(metadata_of(s, "a"), "0: " DELETED_JSON);
    const copies all = collect(s, (stele_read){.stream = "$$a"});
    expect_text(all.records[0].data, DELETED_JSON);
    expect_text(all.records[0].type, STELE_TYPE_METADATA);
}

TEST(DE_07_a_delete_replaces_the_metadata)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0");
    write_metadata(s, "a", STELE_ANY, "{\"$maxCount\":5,\"custom\":true}");
    expect_says(delete_stream(s, "a", STELE_ANY), "written 1 @3");
    expect_says(metadata_of(s, "a"), "1: " DELETED_JSON);
}

TEST(deleted_events_stay_visible_in_all_other_reads)
{
    SUITE(s);
    append_event(s, "account-1", STELE_ANY, with_tags(event("opened", 0, "{}"), stele_tags("x")),
                 NULL);
    delete_stream(s, "account-1", STELE_ANY);
    expect_says(ids(s, (stele_read){0}), "e0 $metadata");
    expect_says(ids(s, (stele_read){.category = "account"}), "e0");
    expect_says(ids(s, (stele_read){.event_type = "opened"}), "e0");
    expect_says(ids(s, (stele_read){.tag = "x"}), "e0");
}

TEST(a_cursor_that_was_open_before_a_delete_goes_on)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0 e1");
    STELE_CLEANUP(cursor) stele_cursor *cursor = NULL;
    stele_error error;
    expect_ok(stele_read_open(on(s), &(stele_read){.stream = "a"}, &cursor, &error), &error);
    suite_pin(s);
    delete_stream(s, "a", STELE_ANY);
    expect_says(ids_of(s, collect_rest(s, cursor)), "e0 e1");
}

TEST(a_metadata_stream_cannot_be_deleted)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0");
    write_metadata(s, "a", STELE_ANY, "{}");
    expect_invalid(delete_stream(s, "$$a", STELE_ANY), "$$a");
    expect_int(tombstone_stream(s, "$$a", STELE_ANY).status, STELE_INVALID);
    expect_says(metadata_of(s, "a"), "0: {}");
    expect_uint(head_of(s), 2);
}

TEST(DE_19_all_cannot_be_deleted)
{
    SUITE(s);
    expect_invalid(delete_stream(s, "$all", STELE_ANY), "$all");
    expect_invalid(tombstone_stream(s, "$all", STELE_ANY), "$all");
}

/* ---- recreating */

static const stele_expected recreating[] = {STELE_ANY, STELE_NO_STREAM, 1};

TEST_ROWS(DE_08_any_no_stream_and_the_old_last_revision_recreate, recreating)
{
    SUITE(s);
    make_deleted(s);
    const outcome o = append(s, "a", recreating[row], "e2 e3");
    expect_says(o, "written 3 @6");
    expect_uint(o.receipt.first_position, 5);
    expect_says(state_of(s, "a"), "3");
    expect_says(ids(s, (stele_read){.stream = "a"}), "e2 e3");
    expect_says(revisions(s, (stele_read){.stream = "a"}), "2 3");
    expect_says(ids(s, (stele_read){.stream = "a", .direction = STELE_BACKWARDS}), "e3 e2");
    expect_says(metadata_of(s, "a"), "1: {\"$tb\":2}");
    expect_says(ids(s, (stele_read){0}), "e0 e1 $metadata $metadata e2 e3");
}

TEST(DE_08_an_older_revision_and_exists_do_not_recreate)
{
    SUITE(s);
    make_deleted(s);
    expect_int(append(s, "a", 0, "e2").error.detail, STELE_CONFLICT_REVISION);
    expect_int(append(s, "a", 2, "e2").error.detail, STELE_CONFLICT_REVISION);
    expect_says(append(s, "a", STELE_EXISTS, "e2"), "deleted");
    expect_says(state_of(s, "a"), "deleted");
    expect_uint(head_of(s), 3);
}

TEST(DE_08_a_stream_can_be_deleted_and_recreated_again_and_again)
{
    SUITE(s);
    append(s, "a", STELE_NO_STREAM, "e0");
    for (unsigned i = 1; i < 6; i++) {
        expect_says(delete_stream(s, "a", STELE_ANY),
                    suite_print(s, "written %u @%u", 2 * i - 2, 3 * i - 1));
        expect_says(append(s, "a", STELE_NO_STREAM, suite_print(s, "e%u", i)),
                    suite_print(s, "written %u @%u", i, 3 * i + 1));
        expect_says(metadata_of(s, "a"), suite_print(s, "%u: {\"$tb\":%u}", 2 * i - 1, i));
        expect_says(ids(s, (stele_read){.stream = "a"}), suite_print(s, "e%u", i));
    }
}

TEST(DE_08_the_old_numbering_survives_reopening)
{
    SUITE(s);
    make_deleted(s);
    suite_reopen(s);
    expect_says(state_of(s, "a"), "deleted");
    expect_says(append(s, "a", STELE_NO_STREAM, "e2"), "written 2 @5");
    suite_reopen(s);
    expect_says(append(s, "a", 2, "e3"), "written 3 @6");
    expect_says(ids(s, (stele_read){.stream = "a"}), "e2 e3");
}

TEST(DE_09_no_stream_recreates_only_once)
{
    SUITE(s);
    make_deleted(s);
    expect_says(append(s, "a", STELE_NO_STREAM, "e2"), "written 2 @5");
    expect_says(append(s, "a", STELE_NO_STREAM, "e3"), "wanted none, is 2");
}

#define FULL_METADATA(tb)                                                                          \
    "{\"$acl\":{\"$r\":[\"ann\",\"bob\"]},\"$maxCount\":5,\"$tb\":" tb                             \
    ",\"custom\":[1,{\"x\":\"y\"}]}"

TEST(DE_10_truncating_everything_by_hand_counts_as_a_delete)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0 e1");
    expect_says(write_metadata(s, "a", STELE_ANY, DELETED_JSON), "written 0 @3");
    expect_says(state_of(s, "a"), "deleted");
    expect_says(ids(s, (stele_read){.stream = "a"}), "not found, deleted");
    expect_says(append(s, "a", STELE_NO_STREAM, "e2"), "written 2 @5");
    expect_says(metadata_of(s, "a"), "1: {\"$tb\":2}");
}

TEST(DE_08_recreating_keeps_all_other_metadata)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0 e1");
    write_metadata(s, "a", STELE_ANY, FULL_METADATA("9223372036854775807"));
    expect_says(append(s, "a", STELE_ANY, "e2 e3"), "written 3 @6");
    expect_says(metadata_of(s, "a"), "1: " FULL_METADATA("2"));
    expect_says(ids(s, (stele_read){.stream = "a"}), "e2 e3");
}

TEST(one_commit_can_recreate_several_streams)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0 e1");
    append(s, "b", STELE_ANY, "e2");
    delete_stream(s, "a", STELE_ANY);
    delete_stream(s, "b", STELE_ANY);
    const outcome o = commit(s, "c:e5 b:e6 a:e7 b:e8", "a=1 b=none", NULL);
    expect_says(o, "written 2 @11");
    expect_uint(o.receipt.first_position, 8);
    expect_says(revisions_answered(o, 4), "0 1 2 2");
    expect_says(ids(s, (stele_read){.from = STELE_AT_POSITION(6)}),
                "$metadata $metadata e5 e6 e7 e8");
    expect_says(ids(s, (stele_read){.stream = "a"}), "e7");
    expect_says(ids(s, (stele_read){.stream = "b"}), "e6 e8");
    expect_says(metadata_of(s, "a"), "1: {\"$tb\":2}");
    expect_says(metadata_of(s, "b"), "1: {\"$tb\":1}");
}

TEST(a_refused_commit_recreates_nothing)
{
    SUITE(s);
    make_deleted(s);
    expect_says(commit(s, "a:e2 b:e3", "b=4", NULL), "wanted 4, is none");
    expect_says(state_of(s, "a"), "deleted");
    expect_says(metadata_of(s, "a"), "0: " DELETED_JSON);
    expect_uint(head_of(s), 3);
}

/* ---- metadata of deleted streams */

TEST(DE_11_writing_metadata_makes_a_deleted_stream_an_empty_one)
{
    SUITE(s);
    make_deleted(s);
    expect_says(write_metadata(s, "a", 0, "{\"$maxCount\":7,\"custom\":\"x\"}"), "written 1 @4");
    expect_uint(head_of(s), 5);
    expect_says(metadata_of(s, "a"), "2: {\"$maxCount\":7,\"$tb\":2,\"custom\":\"x\"}");
    expect_says(state_of(s, "a"), "1");
    expect_says(ids(s, (stele_read){.stream = "a"}), "");
    expect_says(ids(s, (stele_read){.stream = "a", .direction = STELE_BACKWARDS}), "");
    expect_says(append(s, "a", 1, "e2"), "written 2 @6");
    expect_says(ids(s, (stele_read){.stream = "a"}), "e2");
}

TEST(DE_11_its_own_truncation_is_replaced)
{
    SUITE(s);
    make_deleted(s);
    expect_says(write_metadata(s, "a", 0, "{\"$tb\":1}"), "written 1 @4");
    expect_says(metadata_of(s, "a"), "2: {\"$tb\":2}");
    expect_says(ids(s, (stele_read){.stream = "a"}), "");
}

TEST(DE_11_an_ordinary_append_to_the_metadata_stream_does_the_same)
{
    SUITE(s);
    make_deleted(s);
    expect_says(append_event(s, "$$a", 0, event(STELE_TYPE_METADATA, 5, "{\"custom\":1}"), NULL),
                "written 1 @4");
    expect_says(metadata_of(s, "a"), "2: {\"$tb\":2,\"custom\":1}");
    expect_says(ids(s, (stele_read){.stream = "a"}), "");
}

TEST(DE_11_metadata_that_deletes_keeps_the_stream_deleted)
{
    SUITE(s);
    make_deleted(s);
    expect_says(write_metadata(s, "a", 0, FULL_METADATA("9223372036854775807")), "written 1 @4");
    expect_uint(head_of(s), 4);
    expect_says(state_of(s, "a"), "deleted");
    expect_says(metadata_of(s, "a"), "1: " FULL_METADATA("9223372036854775807"));
}

TEST(DE_11_a_deleted_stream_without_events_gets_nothing_but_the_metadata)
{
    SUITE(s);
    write_metadata(s, "a", STELE_ANY, "{\"k\":1}");
    delete_stream(s, "a", STELE_ANY);
    expect_says(write_metadata(s, "a", 1, "{\"k\":2}"), "written 2 @3");
    expect_uint(head_of(s), 3);
    expect_says(metadata_of(s, "a"), "2: {\"k\":2}");
    expect_says(state_of(s, "a"), "none");
    expect_says(ids(s, (stele_read){.stream = "a"}), "not found");
}

TEST(DE_12_metadata_of_a_stream_without_events_stays_as_written)
{
    SUITE(s);
    expect_says(write_metadata(s, "a", STELE_NO_STREAM, "{\"$tb\":0}"), "written 0 @1");
    expect_says(ids(s, (stele_read){.stream = "a"}), "not found");
    expect_says(metadata_of(s, "a"), "0: {\"$tb\":0}");
    expect_says(append(s, "a", STELE_NO_STREAM, "e0"), "written 0 @2");
    expect_says(metadata_of(s, "a"), "0: {\"$tb\":0}");
}

/* ---- tombstones */

TEST(DE_13_any_an_exact_revision_and_exists_end_a_stream)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0 e1");
    append(s, "b", STELE_ANY, "e0 e1");
    append(s, "c", STELE_ANY, "e0 e1");
    expect_says(tombstone_stream(s, "a", STELE_ANY), "written tombstone @7");
    expect_says(tombstone_stream(s, "b", 1), "written tombstone @8");
    expect_says(tombstone_stream(s, "c", STELE_EXISTS), "written tombstone @9");
    expect_says(state_of(s, "a"), "tombstoned");
    expect_says(state_of(s, "b"), "tombstoned");
    expect_says(state_of(s, "c"), "tombstoned");
}

TEST(DE_13_a_stream_that_never_existed_can_be_ended_at_any_or_no_stream)
{
    SUITE(s);
    expect_says(tombstone_stream(s, "a", STELE_ANY), "written tombstone @1");
    expect_says(tombstone_stream(s, "b", STELE_NO_STREAM), "written tombstone @2");
    expect_says(tombstone_stream(s, "c", 0), "wanted 0, is none");
    expect_says(tombstone_stream(s, "c", STELE_EXISTS), "wanted exists, is none");
    expect_says(append(s, "a", STELE_ANY, "e0"), "tombstoned");
    expect_says(append(s, "b", STELE_NO_STREAM, "e0"), "tombstoned");
    expect_says(append(s, "c", STELE_NO_STREAM, "e0"), "written 0 @3");
}

TEST(DE_14_no_stream_or_a_wrong_revision_does_not_end_a_stream)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0 e1");
    expect_says(tombstone_stream(s, "a", STELE_NO_STREAM), "wanted none, is 1");
    expect_says(tombstone_stream(s, "a", 0), "wanted 0, is 1");
    expect_says(tombstone_stream(s, "a", 2), "wanted 2, is 1");
    expect_says(ids(s, (stele_read){.stream = "a"}), "e0 e1");
}

TEST(DE_15_a_second_tombstone_and_a_delete_of_a_tombstoned_stream_are_refused)
{
    SUITE(s);
    tombstone_stream(s, "a", STELE_ANY);
    expect_says(tombstone_stream(s, "a", STELE_ANY), "tombstoned");
    expect_says(tombstone_stream(s, "a", STELE_NO_STREAM), "tombstoned");
    expect_says(tombstone_stream(s, "a", STELE_EXISTS), "tombstoned");
    expect_says(delete_stream(s, "a", STELE_ANY), "tombstoned");
    expect_says(delete_stream(s, "a", STELE_NO_STREAM), "tombstoned");
    expect_uint(head_of(s), 1);
}

TEST(DE_16_a_soft_deleted_stream_can_be_ended)
{
    SUITE(s);
    make_deleted(s);
    expect_says(tombstone_stream(s, "a", STELE_ANY), "written tombstone @4");
    expect_says(ids(s, (stele_read){.stream = "a"}), "tombstoned");
    expect_says(ids(s, (stele_read){.stream = "a", .direction = STELE_BACKWARDS}), "tombstoned");
    expect_says(metadata_of(s, "a"), "tombstoned");
    expect_says(append(s, "a", STELE_ANY, "e2"), "tombstoned");
}

TEST(DE_17_metadata_can_be_written_but_not_read_after_a_tombstone)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0");
    write_metadata(s, "a", STELE_ANY, "{}");
    tombstone_stream(s, "a", STELE_ANY);
    expect_says(write_metadata(s, "a", 0, "{\"k\":1}"), "written 1 @4");
    expect_says(write_metadata(s, "a", STELE_ANY, "{\"k\":2}"), "written 2 @5");
    expect_says(write_metadata(s, "a", 0, "{\"k\":3}"), "wanted 0, is 2");
    expect_says(metadata_of(s, "a"), "tombstoned");
    const copies all = collect(s, (stele_read){.stream = "$$a"});
    expect_int(all.error.detail, STELE_DELETED_TOMBSTONE);
    expect_contains(all.error.message, "$$a");
    expect_says(state_of(s, "a"), "tombstoned");
}

TEST(DE_18_a_tombstone_takes_the_next_position_and_shows_the_highest_revision)
{
    SUITE(s);
    append(s, "account-1", STELE_ANY, "e0 e1");
    expect_says(tombstone_stream(s, "account-1", 1), "written tombstone @3");
    expect_says(append(s, "b", STELE_ANY, "e2"), "written 0 @4");
    const copies all = collect(s, (stele_read){0});
    expect_says(ids_of(s, all), "e0 e1 $streamDeleted e2");
    expect_uint(all.records[2].revision, STELE_REVISION_TOMBSTONE);
    expect_text(all.records[2].stream, "account-1");
    expect_text(all.records[2].type, STELE_TYPE_TOMBSTONE);
    expect_says(positions(s, (stele_read){.event_type = STELE_TYPE_TOMBSTONE}), "3");
}

TEST(a_tombstoned_stream_stays_so_after_reopening)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0");
    tombstone_stream(s, "a", STELE_ANY);
    tombstone_stream(s, "b", STELE_ANY);
    suite_reopen(s);
    expect_says(append(s, "a", STELE_ANY, "e1"), "tombstoned");
    expect_says(append(s, "b", STELE_NO_STREAM, "e1"), "tombstoned");
    expect_says(ids(s, (stele_read){.stream = "a"}), "tombstoned");
    expect_says(ids(s, (stele_read){.stream = "b"}), "tombstoned");
    expect_says(ids(s, (stele_read){.event_type = "happened"}), "e0");
}

/* ---- what much history in between must not change */

/* A stream in every state, with little or much between what made it so. */
static void expect_states_kept(suite *s, uint64_t between)
{
    append(s, "live", STELE_ANY, "e0 e1");
    append(s, "gone", STELE_ANY, "e0 e1");
    append(s, "dead", STELE_ANY, "e0 e1");
    append(s, "back", STELE_ANY, "e0 e1");
    append(s, "dead-late", STELE_ANY, "e0 e1");
    write_metadata(s, "bare", STELE_ANY, "{\"k\":1}");
    append_filler(s, between);
    delete_stream(s, "gone", STELE_ANY);
    delete_stream(s, "back", STELE_ANY);
    tombstone_stream(s, "dead", STELE_ANY);
    tombstone_stream(s, "never", STELE_ANY);
    append_filler(s, between);
    append(s, "back", STELE_NO_STREAM, "e2");
    append(s, "live", 1, "e2");
    append_filler(s, between);
    tombstone_stream(s, "dead-late", 1);
    for (unsigned i = 0; i < 2; i++) {
        expect_says(state_of(s, "live"), "2");
        expect_says(state_of(s, "gone"), "deleted");
        expect_says(state_of(s, "dead"), "tombstoned");
        expect_says(state_of(s, "never"), "tombstoned");
        expect_says(state_of(s, "dead-late"), "tombstoned");
        expect_says(state_of(s, "back"), "2");
        expect_says(state_of(s, "bare"), "none");
        expect_says(ids(s, (stele_read){.stream = "live"}), "e0 e1 e2");
        expect_says(ids(s, (stele_read){.stream = "gone"}), "not found, deleted");
        expect_says(ids(s, (stele_read){.stream = "dead"}), "tombstoned");
        expect_says(ids(s, (stele_read){.stream = "never"}), "tombstoned");
        expect_says(ids(s, (stele_read){.stream = "back"}), "e2");
        expect_says(append(s, "dead", STELE_ANY, "e9"), "tombstoned");
        expect_says(append(s, "never", STELE_NO_STREAM, "e9"), "tombstoned");
        expect_says(append(s, "dead-late", 1, "e9"), "tombstoned");
        expect_says(append(s, "gone", STELE_EXISTS, "e9"), "deleted");
        expect_says(commit(s, "x:-", "gone=deleted dead=tombstoned back=2 bare=none", NULL),
                    suite_print(s, "written %u @%u", i, 20 + i));
        append_filler(s, between);
        suite_reopen(s);
    }
    expect_says(append(s, "gone", STELE_NO_STREAM, "e2"), "written 2 @23");
    expect_says(metadata_of(s, "gone"), "1: {\"$tb\":2}");
}

TEST(states_of_streams_are_kept_with_little_in_between)
{
    SUITE(s);
    expect_states_kept(s, 1);
}

TEST_WITHIN(states_of_streams_are_kept_with_much_in_between, 60)
{
    SUITE(s);
    expect_states_kept(s, 5000);
}

TEST_WITHIN(states_of_streams_are_kept_with_very_much_in_between, 60)
{
    SUITE(s);
    expect_states_kept(s, 50000);
}

TEST(a_commit_to_a_tombstoned_stream_leaves_the_others_alone)
{
    SUITE(s);
    tombstone_stream(s, "dead", STELE_ANY);
    const outcome o = commit(s, "a:e0 dead:e1 b:e2", "a=none", NULL);
    expect_says(o, "tombstoned");
    expect_contains(o.error.message, "dead");
    expect_says(state_of(s, "a"), "not found");
    expect_says(state_of(s, "b"), "not found");
}

TEST(a_check_of_the_metadata_of_a_stream_that_is_recreated)
{
    static const char *const checks[] = {"$$a=exists", "$$a=any", "$$a=1", "a=0 $$a=1"};
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        SUITE(s);
        append(s, "a", STELE_ANY, "e0");
        write_metadata(s, "a", STELE_ANY, "{\"k\":1}");
        delete_stream(s, "a", STELE_ANY);
        expect_says(commit(s, "a:e1", checks[i], NULL), "written 1 @5");
        expect_says(revisions(s, (stele_read){.event_type = STELE_TYPE_METADATA}), "0 1 2");
        suite_reopen(s);
        expect_says(revisions(s, (stele_read){.event_type = STELE_TYPE_METADATA}), "0 1 2");
        expect_says(ids(s, (stele_read){.stream = "a"}), "e1");
    }
}

TEST(a_failing_check_of_the_metadata_leaves_the_stream_deleted)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0");
    write_metadata(s, "a", STELE_ANY, "{\"k\":1}");
    delete_stream(s, "a", STELE_ANY);
    expect_says(commit(s, "a:e1", "$$a=0", NULL), "wanted 0, is 1");
    expect_says(state_of(s, "a"), "deleted");
    expect_uint(head_of(s), 3);
}

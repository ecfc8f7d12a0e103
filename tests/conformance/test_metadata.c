/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conformance: metadata of streams (ME-01 … ME-07), and what Stele reads of it.
 */
#include "suite.h"

#include <string.h>

static stele_metadata read_metadata(suite *s, const char *stream)
{
    stele_metadata metadata;
    stele_error error;
    expect_ok(stele_metadata_read(on(s), stream, &metadata, &error), &error);
    return metadata;
}

TEST(ME_01_without_metadata_the_answer_is_empty)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0");
    expect_says(metadata_of(s, "a"), "-1: ");
    expect_says(metadata_of(s, "missing"), "-1: ");
    expect_says(ids(s, (stele_read){.stream = "$$a"}), "not found");
    expect_says(state_of(s, "$$a"), "not found");
    stele_metadata metadata = read_metadata(s, "a");
    expect_uint(metadata.truncate_before, 0);
    expect_uint(metadata.max_count, 0);
    expect_int(metadata.max_age_seconds, 0);
    expect_uint(metadata.json.size, 0);
    stele_metadata_done(&metadata);
}

static const char *const kept_verbatim[] = {
    "{}",
    "{ \"$maxAge\" : 60 , \"$maxCount\":10,\"$tb\":3, \"$cacheControl\": 30 }",
    "{\"$acl\":{\"$r\":\"ann\",\"$w\":[\"ann\",\"bob\"],\"$d\":\"$admins\",\"$mr\":\"$all\","
    "\"$mw\":[],\"$x\":\"unknown\"}}",
    "{\"custom\":\"\xe2\x82\xac \\u20ac\",\"nested\":{\"a\":[1,2.50,null,true,{\"b\":{}}]},"
    "\"e\":1e3}",
    "\n{\t\"k\" :\r\n 1 }\n ",
    "{\"nul\":\"\\u0000\",\"n\":9223372036854775807,\"m\":-9223372036854775808,\"r\":1e300}",
};

TEST_ROWS(ME_02_what_was_written_comes_back_verbatim, kept_verbatim)
{
    SUITE(s);
    expect_says(write_metadata(s, "a", STELE_NO_STREAM, kept_verbatim[row]), "written 0 @1");
    stele_metadata metadata = read_metadata(s, "a");
    expect_text(metadata.json, kept_verbatim[row]);
    expect_int(metadata.revision, 0);
    stele_metadata_done(&metadata);
}

TEST(ME_03_metadata_is_an_event_of_its_own_stream)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0");
    expect_says(write_metadata(s, "a", STELE_NO_STREAM, "{\"k\":1}"), "written 0 @2");
    const copies first = collect(s, (stele_read){.stream = "$$a"});
    expect_says(ids_of(s, first), "$metadata");
    expect_uint(first.records[0].revision, 0);
    expect_text(first.records[0].type, STELE_TYPE_METADATA);
    expect_text(first.records[0].data, "{\"k\":1}");
    expect_int(first.records[0].data_format, STELE_JSON);
    expect_says(write_metadata(s, "a", STELE_ANY, "{\"k\":2}"), "written 1 @3");
    const copies all = collect(s, (stele_read){0});
    expect_says(ids_of(s, all), "e0 $metadata $metadata");
    expect_text(all.records[2].stream, "$$a");
    expect_uint(all.records[2].revision, 1);
}

TEST(ME_03_a_metadata_stream_shows_its_last_event_only)
{
    SUITE(s);
    write_metadata(s, "a", STELE_ANY, "{\"k\":1}");
    write_metadata(s, "a", STELE_ANY, "{\"k\":2}");
    write_metadata(s, "a", STELE_ANY, "{\"k\":3}");
    expect_says(revisions(s, (stele_read){.stream = "$$a"}), "2");
    expect_says(revisions(s, (stele_read){.stream = "$$a", .direction = STELE_BACKWARDS}), "2");
    expect_says(revisions(s, (stele_read){.stream = "$$a", .from = STELE_FROM_REVISION(0)}), "2");
    expect_says(positions(s, (stele_read){.event_type = STELE_TYPE_METADATA}), "1 2 3");
    const stele_stream_info info = describe(s, "$$a");
    expect_int(info.state, 2);
    expect_uint(info.event_count, 3);
    expect_uint(info.visible_count, 1);
    expect_uint(info.first_revision, 2);
}

TEST(ME_03_metadata_can_be_written_by_an_ordinary_append)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0 e1 e2");
    expect_says(append_event(s, "$$a", STELE_NO_STREAM,
                             event(STELE_TYPE_METADATA, 9, "{\"$tb\":2}"), NULL),
                "written 0 @4");
    expect_says(metadata_of(s, "a"), "0: {\"$tb\":2}");
    expect_says(ids(s, (stele_read){.stream = "a"}), "e2");
    expect_says(ids(s, (stele_read){.stream = "$$a"}), "e9");
}

TEST(ME_04_the_expected_revision_is_that_of_the_metadata_stream)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0 e1 e2");
    expect_says(write_metadata(s, "a", 2, "{}"), "wanted 2, is none");
    expect_says(write_metadata(s, "a", STELE_EXISTS, "{}"), "wanted exists, is none");
    expect_says(write_metadata(s, "a", STELE_NO_STREAM, "{}"), "written 0 @4");
    expect_says(write_metadata(s, "a", STELE_NO_STREAM, "{\"k\":1}"), "wanted none, is 0");
    expect_says(write_metadata(s, "a", 1, "{\"k\":1}"), "wanted 1, is 0");
    expect_says(write_metadata(s, "a", 0, "{\"k\":1}"), "written 1 @5");
    expect_says(write_metadata(s, "a", STELE_EXISTS, "{\"k\":2}"), "written 2 @6");
    expect_says(write_metadata(s, "a", STELE_ANY, "{\"k\":3}"), "written 3 @7");
}

TEST(ME_05_the_latest_of_several_wins_and_tells_its_revision)
{
    SUITE(s);
    for (unsigned i = 0; i < 5; i++) {
        write_metadata(s, "a", STELE_ANY, suite_print(s, "{\"$maxCount\":%u}", i + 1));
    }
    expect_says(metadata_of(s, "a"), "4: {\"$maxCount\":5}");
    suite_reopen(s);
    expect_says(metadata_of(s, "a"), "4: {\"$maxCount\":5}");
}

TEST(ME_06_metadata_of_a_soft_deleted_stream_is_readable)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0");
    delete_stream(s, "a", STELE_ANY);
    expect_says(metadata_of(s, "a"), "0: {\"$tb\":9223372036854775807}");
    expect_says(ids(s, (stele_read){.stream = "$$a"}), "$metadata");
    stele_metadata metadata = read_metadata(s, "a");
    expect_uint(metadata.truncate_before, STELE_TRUNCATE_ALL);
    stele_metadata_done(&metadata);
}

TEST(ME_06_metadata_of_a_tombstoned_stream_is_not)
{
    SUITE(s);
    write_metadata(s, "a", STELE_ANY, "{}");
    tombstone_stream(s, "a", STELE_ANY);
    stele_metadata metadata;
    stele_error error;
    expect_error(stele_metadata_read(on(s), "a", &metadata, &error), &error,
                 STELE_DELETED_TOMBSTONE);
    expect_contains(error.message, "$$a");
    const copies all =
        collect(s, (stele_read){.stream = "$$a", .direction = STELE_BACKWARDS, .limit = 1});
    expect_says(ids_of(s, all), "tombstoned");
    expect_contains(all.error.message, "$$a");
}

TEST(ME_07_metadata_may_come_before_the_stream)
{
    SUITE(s);
    expect_says(write_metadata(s, "a", STELE_NO_STREAM, "{\"$maxCount\":2}"), "written 0 @1");
    const stele_stream_info info = describe(s, "a");
    expect_int(info.state, STELE_NO_STREAM);
    expect_true(info.has_metadata != 0);
    expect_uint(info.event_count, 0);
    expect_says(ids(s, (stele_read){.stream = "a"}), "not found");
    expect_says(append(s, "a", STELE_NO_STREAM, "e0 e1 e2"), "written 2 @4");
    expect_says(ids(s, (stele_read){.stream = "a"}), "e1 e2");
}

static const char *const no_objects[] = {"",         "[]",         "null",     "1",
                                         "\"text\"", "{",          "{\"a\":}", "{} {}",
                                         "{'a':1}",  "{\"a\":1,}", "\xff",     "{\"\xff\":1}"};

TEST_ROWS(metadata_that_is_no_json_object_is_refused, no_objects)
{
    SUITE(s);
    expect_invalid(write_metadata(s, "a", STELE_ANY, no_objects[row]), "metadata");
    expect_uint(head_of(s), 0);
}

TEST_ROWS(metadata_that_is_no_json_object_counts_as_empty_when_it_was_appended, no_objects)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0 e1 e2");
    write_metadata(s, "a", STELE_ANY, "{\"$tb\":2}");
    expect_says(append_event(s, "$$a", 0, event(STELE_TYPE_METADATA, 9, no_objects[row]), NULL),
                "written 1 @5");
    expect_says(ids(s, (stele_read){.stream = "a"}), "e0 e1 e2");
    stele_metadata metadata = read_metadata(s, "a");
    expect_int(metadata.revision, 1);
    expect_uint(metadata.truncate_before, 0);
    expect_text(metadata.json, no_objects[row]);
    stele_metadata_done(&metadata);
}

TEST(what_was_read_of_metadata_is_in_the_struct)
{
    SUITE(s);
    write_metadata(s, "a", STELE_ANY, "{\"$tb\":12,\"$maxCount\":34,\"$maxAge\":56,\"x\":78}");
    stele_metadata metadata = read_metadata(s, "a");
    expect_uint(metadata.truncate_before, 12);
    expect_uint(metadata.max_count, 34);
    expect_int(metadata.max_age_seconds, 56);
    stele_metadata_done(&metadata);
}

static const char *const without_meaning[] = {
    "{\"$tb\":\"2\",\"$maxCount\":\"1\",\"$maxAge\":\"1\"}",
    "{\"$tb\":2.5,\"$maxCount\":1.5,\"$maxAge\":1.5}",
    "{\"$tb\":-1,\"$maxCount\":-1,\"$maxAge\":-1}",
    "{\"$tb\":null,\"$maxCount\":null,\"$maxAge\":null}",
    "{\"$tb\":[2],\"$maxCount\":{},\"$maxAge\":true}",
    "{\"tb\":2,\"maxCount\":1,\"maxAge\":1}",
    "{\"x\":{\"$tb\":2,\"$maxCount\":1,\"$maxAge\":1}}",
};

TEST_ROWS(limits_of_metadata_are_non_negative_integers_or_absent, without_meaning)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0 e1 e2");
    expect_says(write_metadata(s, "a", STELE_ANY, without_meaning[row]), "written 0 @4");
    suite_pass(s, STELE_SECONDS(3600));
    stele_metadata metadata = read_metadata(s, "a");
    expect_uint(metadata.truncate_before, 0);
    expect_uint(metadata.max_count, 0);
    expect_int(metadata.max_age_seconds, 0);
    stele_metadata_done(&metadata);
    expect_says(ids(s, (stele_read){.stream = "a"}), "e0 e1 e2");
}

static const char *const with_meaning[] = {
    "{\"$tb\":2}",
    "{\"nul\":\"\\u0000\",\"$tb\":2}",
    "{\"\\u0024tb\":2}",
    "{\"owner\":18446744073709551615,\"$tb\":2,\"x\":1e400,\"y\\u0000\":1}",
    "{\"$tb\":1,\"$tb\":2}",
    " {\"a\":[{\"$tb\":9}],\"$tb\" : 2 , \"b\":\"\xe2\x82\xac\"}\n",
};

TEST_ROWS(limits_of_metadata_are_found_however_the_json_is_written, with_meaning)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0 e1 e2");
    write_metadata(s, "a", STELE_ANY, with_meaning[row]);
    expect_says(ids(s, (stele_read){.stream = "a"}), "e2");
}

TEST(metadata_and_events_can_go_in_one_commit)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0 e1");
    stele_event two[] = {in_stream("a", event("t", 2, "{}")),
                         in_stream("$$a", event(STELE_TYPE_METADATA, 3, "{\"$tb\":1}"))};
    expect_says(commit_events(s, (batch){two, 2}, "a=1 $$a=none", NULL), "written 0 @4");
    expect_says(ids(s, (stele_read){.stream = "a"}), "e1 e2");
    expect_says(metadata_of(s, "a"), "0: {\"$tb\":1}");
}

TEST(metadata_of_a_metadata_stream_does_not_exist)
{
    SUITE(s);
    write_metadata(s, "a", STELE_ANY, "{}");
    expect_int(write_metadata(s, "$$a", STELE_ANY, "{}").status, STELE_INVALID);
    expect_uint(head_of(s), 1);
}

TEST(metadata_that_was_done_can_be_done_again)
{
    SUITE(s);
    write_metadata(s, "a", STELE_ANY, "{\"k\":1}");
    stele_metadata metadata = read_metadata(s, "a");
    stele_metadata_done(&metadata);
    stele_metadata_done(&metadata);
    stele_metadata_done(NULL);
    stele_metadata none;
    memset(&none, 0, sizeof none);
    stele_metadata_done(&none);
}

TEST(reading_the_metadata_of_a_tombstoned_stream_says_so)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0");
    tombstone_stream(s, "a", STELE_ANY);
    stele_metadata metadata;
    stele_error error;
    expect_status(stele_metadata_read(on(s), "a", &metadata, &error), STELE_DELETED);
    expect_int(error.conflict.actual_revision, STELE_IS_TOMBSTONED);
}

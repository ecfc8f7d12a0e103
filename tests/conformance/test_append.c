/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conformance: appending. What an append answers, which expectations hold, what is stored byte for
 * byte, that a refusal leaves nothing behind. (AP-01 … AP-20 as far as they concern a store: AP-11
 * has one form here, the numbers in the refusals of AP-04 … AP-10; AP-14 without resolving; AP-17
 * is about commits; AP-18 stands in test_limits.c, AP-20 in test_threads.c.)
 */
#include "suite.h"

#include <string.h>

/* ---- answers */

TEST(AP_01_the_first_append_answers_the_number_of_events_minus_one)
{
    SUITE(s);
    expect_says(append(s, "account-1", STELE_NO_STREAM, "e0"), "written 0 @1");
    expect_says(append(s, "account-2", STELE_ANY, "e1 e2 e3"), "written 2 @4");
    expect_says(ids(s, (stele_read){.stream = "account-1"}), "e0");
    expect_says(ids(s, (stele_read){.stream = "account-2"}), "e1 e2 e3");
}

TEST(AP_02_the_receipt_names_first_and_last_position_and_the_head_is_there)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0 e1");
    const outcome o = append(s, "b", STELE_ANY, "e2 e3 e4");
    expect_uint(o.receipt.first_position, 3);
    expect_uint(o.receipt.position, 5);
    expect_uint(o.receipt.revision, 2);
    expect_int(o.receipt.time, SUITE_TIME);
    expect_int(o.receipt.already_applied, 0);
    expect_uint(head_of(s), 5);
    const copies last = collect(s, (stele_read){.direction = STELE_BACKWARDS, .limit = 1});
    expect_uint(last.count, 1);
    expect_uint(last.records[0].position, 5);
    expect_uint(last.records[0].revision, 2);
}

TEST(AP_02_an_append_without_a_receipt_and_without_an_error_is_fine)
{
    SUITE(s);
    const stele_event one = event("happened", 0, "{}");
    expect_true(stele_append(on(s), "a", STELE_NO_STREAM, &one, 1, NULL, NULL, NULL) == STELE_OK);
    expect_true(stele_append(on(s), "a", 7, &one, 1, NULL, NULL, NULL) == STELE_CONFLICT);
    expect_uint(head_of(s), 1);
}

TEST(AP_03_every_expectation_holds_where_it_should)
{
    SUITE(s);
    expect_says(append(s, "a", STELE_ANY, "e0"), "written 0 @1");
    expect_says(append(s, "b", STELE_NO_STREAM, "e1"), "written 0 @2");
    expect_says(append(s, "b", STELE_EXISTS, "e2"), "written 1 @3");
    expect_says(append(s, "b", 1, "e3"), "written 2 @4");
    expect_says(append(s, "b", STELE_ANY, "e4"), "written 3 @5");
}

TEST(AP_04_no_stream_on_an_existing_stream_is_refused)
{
    SUITE(s);
    append(s, "a", STELE_NO_STREAM, "e0 e1 e2");
    expect_says(append(s, "a", STELE_NO_STREAM, "e3"), "wanted none, is 2");
}

TEST(AP_05_an_exact_revision_of_a_missing_stream_is_refused)
{
    SUITE(s);
    expect_says(append(s, "a", 0, "e0"), "wanted 0, is none");
    expect_says(append(s, "a", 5, "e0"), "wanted 5, is none");
    expect_says(state_of(s, "a"), "not found");
}

TEST(AP_06_a_revision_too_high_or_too_low_is_refused)
{
    SUITE(s);
    append(s, "a", STELE_NO_STREAM, "e0 e1 e2");
    expect_says(append(s, "a", 3, "e3"), "wanted 3, is 2");
    expect_says(append(s, "a", 1, "e3"), "wanted 1, is 2");
    expect_says(append(s, "a", 0, "e3"), "wanted 0, is 2");
    expect_says(append(s, "a", 9223372036854775806, "e3"), "wanted 9223372036854775806, is 2");
    expect_says(append(s, "a", 2, "e3"), "written 3 @4");
}

TEST(AP_07_exists_on_a_missing_stream_is_refused)
{
    SUITE(s);
    expect_says(append(s, "a", STELE_EXISTS, "e0"), "wanted exists, is none");
}

TEST(AP_08_exists_holds_when_only_metadata_exists)
{
    SUITE(s);
    expect_says(write_metadata(s, "a", STELE_NO_STREAM, "{\"k\":1}"), "written 0 @1");
    expect_says(append(s, "a", STELE_EXISTS, "e0"), "written 0 @2");
}

TEST(AP_08_no_stream_holds_and_a_revision_does_not_when_only_metadata_exists)
{
    SUITE(s);
    write_metadata(s, "a", STELE_ANY, "{\"k\":1}");
    expect_says(append(s, "a", 0, "e0"), "wanted 0, is none");
    expect_says(append(s, "a", STELE_NO_STREAM, "e0"), "written 0 @2");
}

TEST(AP_09_exists_on_a_soft_deleted_stream_is_refused_as_deleted)
{
    SUITE(s);
    append(s, "a", STELE_NO_STREAM, "e0");
    delete_stream(s, "a", STELE_ANY);
    expect_says(append(s, "a", STELE_EXISTS, "e1"), "deleted");
}

TEST(AP_10_a_tombstoned_stream_refuses_every_expectation)
{
    static const stele_expected all[] = {STELE_ANY, STELE_NO_STREAM, STELE_EXISTS, 0, 1, 2, 7};
    SUITE(s);
    append(s, "account-1", STELE_NO_STREAM, "e0 e1");
    tombstone_stream(s, "account-1", STELE_ANY);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        const outcome o = append(s, "account-1", all[i], "e2");
        expect_says(o, "tombstoned");
        expect_int(o.error.conflict.actual_revision, STELE_IS_TOMBSTONED);
        expect_contains(o.error.message, "account-1");
    }
}

TEST(AP_14_link_events_are_ordinary_events)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0");
    const stele_event link = {.id = id_of(1), .type = "$>", .data = {(const uint8_t *)"0@a", 3}};
    expect_says(append_event(s, "links", STELE_ANY, link, NULL), "written 0 @2");
    const copies all = collect(s, (stele_read){.stream = "links"});
    expect_bytes(all.records[0].data.data, all.records[0].data.size, "0@a", 3);
    expect_says(ids(s, (stele_read){.event_type = "$>"}), "e1");
}

TEST(AP_15_AR_07_an_append_without_events_is_refused)
{
    SUITE(s);
    expect_invalid(append_events(s, "a", STELE_ANY, (batch){NULL, 0}, NULL), "event");
    expect_invalid(commit_events(s, (batch){NULL, 0}, "a=any", NULL), "event");
    expect_says(state_of(s, "a"), "not found");
}

static void append_so_many(suite *s, const char *stream, size_t count)
{
    stele_event *many = suite_allocate(s, count * sizeof *many);
    for (size_t i = 0; i < count; i++) {
        many[i] = event("happened", (unsigned)i, "{}");
    }
    const outcome o = append_events(s, stream, STELE_NO_STREAM, (batch){many, count}, NULL);
    expect_int(o.status, STELE_OK);
    expect_uint(o.receipt.revision, count - 1);
    expect_uint(o.receipt.position, o.receipt.first_position + count - 1);
    const copies all = collect(s, (stele_read){.stream = stream});
    expect_uint(all.count, count);
    for (size_t i = 0; i < count; i++) {
        const stele_uuid wanted = id_of((unsigned)i);
        expect_uint(all.records[i].revision, i);
        expect_bytes(&all.records[i].id, 16, &wanted, 16);
    }
}

TEST(AP_16_100_500_5000_and_30000_events_go_in_one_append)
{
    SUITE(s);
    append_so_many(s, "a", 100);
    append_so_many(s, "b", 500);
    append_so_many(s, "c", 5000);
    append_so_many(s, "d", 30000);
    expect_uint(head_of(s), 35600);
}

TEST(AP_19_all_and_names_of_metadata_of_metadata_are_not_writable)
{
    static const char *const refused[] = {"$all", "$$", "$$$$a", "$$$$"};
    SUITE(s);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        expect_invalid(append(s, refused[i], STELE_ANY, "e0"), refused[i]);
        expect_invalid(commit_events(s,
                                     (batch){&(stele_event){.type = "t", .stream = refused[i]}, 1},
                                     "", NULL),
                       refused[i]);
    }
    expect_invalid(delete_stream(s, "$all", STELE_ANY), "$all");
    expect_invalid(tombstone_stream(s, "$all", STELE_ANY), "$all");
    expect_uint(head_of(s), 0);
}

TEST(AP_19_system_streams_and_their_metadata_are_writable)
{
    SUITE(s);
    expect_says(append(s, "$settings", STELE_NO_STREAM, "e0"), "written 0 @1");
    expect_says(write_metadata(s, "$settings", STELE_NO_STREAM, "{}"), "written 0 @2");
    expect_says(append(s, "$$$users", STELE_NO_STREAM, "e1"), "written 0 @3");
    expect_says(append(s, "$", STELE_NO_STREAM, "e2"), "written 0 @4");
    expect_says(append(s, "$allx", STELE_NO_STREAM, "e3"), "written 0 @5");
}

/* ---- content */

/* Appends an event and compares what comes back, by way of the stream and of everything. */
static void expect_kept(suite *s, stele_event one)
{
    append_event(s, "a", STELE_ANY, one, NULL);
    const stele_read reads[] = {{.stream = "a", .direction = STELE_BACKWARDS, .limit = 1},
                                {.direction = STELE_BACKWARDS, .limit = 1}};
    for (size_t i = 0; i < 2; i++) {
        const copies all = collect(s, reads[i]);
        expect_uint(all.count, 1);
        const stele_record *record = &all.records[0];
        expect_int(record->data_format, one.data_format);
        expect_int(record->metadata_format, one.metadata_format);
        expect_bytes(record->data.data, record->data.size, one.data.data, one.data.size);
        expect_bytes(record->metadata.data, record->metadata.size, one.metadata.data,
                     one.metadata.size);
        expect_bytes(record->type.data, record->type.size, one.type, strlen(one.type));
        expect_bytes(record->stream.data, record->stream.size, "a", 1);
        expect_uint(record->tag_count, one.tag_count);
    }
}

static stele_bytes bytes(const void *data, size_t size)
{
    return (stele_bytes){(const uint8_t *)data, size};
}

TEST(AP_12_json_binary_and_empty_data_come_back_byte_for_byte)
{
    SUITE(s);
    expect_kept(s, stele_json_event("opened", "{\"a\": [1, 2.50, \"x\"],  \"b\":null}"));
    expect_kept(s, stele_binary_event("opened", "\0\1\2\xff\xfe\0", 6));
    expect_kept(s, stele_binary_event("opened", NULL, 0));
    expect_kept(s, stele_json_event("opened", ""));
}

TEST(AP_12_data_that_claims_to_be_json_is_not_looked_at)
{
    SUITE(s);
    expect_kept(s, stele_json_event("opened", "{\"a\":"));
    expect_kept(s, stele_json_event("opened", "\xff\xfe not even text"));
}

TEST(AP_12_metadata_comes_back_byte_for_byte_and_absent_is_empty)
{
    SUITE(s);
    stele_event one = stele_json_event("opened", "{}");
    expect_kept(s, one);
    one.metadata = bytes("{\"correlation\":\"7\"}", 19);
    one.metadata_format = STELE_JSON;
    expect_kept(s, one);
    one.metadata = bytes("\0\xff\0", 3);
    one.metadata_format = STELE_BINARY;
    expect_kept(s, one);
}

TEST(AP_12_metadata_of_10000_bytes_is_kept)
{
    SUITE(s);
    stele_event one = stele_json_event("opened", "{}");
    one.metadata = bytes(suite_repeat(s, 'm', 10000), 10000);
    expect_kept(s, one);
}

TEST(AP_12_every_byte_value_is_kept_in_data_and_metadata)
{
    SUITE(s);
    uint8_t all[256];
    for (size_t i = 0; i < sizeof all; i++) {
        all[i] = (uint8_t)i;
    }
    stele_event one = stele_binary_event("opened", all, sizeof all);
    one.metadata = bytes(all, sizeof all);
    expect_kept(s, one);
}

TEST(AP_12_unicode_and_control_characters_are_kept_in_data_types_and_streams)
{
    static const char *const texts[] = {"\x18",
                                        "\xc4\x98",
                                        "\x01\x1f\x7f",
                                        "\xe2\x82\xac\xf0\x9f\x98\x80",
                                        "a\tb\nc",
                                        "\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbd",
                                        "Zo\xc3\xab/\\\"'%s"};
    SUITE(s);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        expect_kept(s, stele_json_event(texts[i], texts[i]));
        append_event(s, texts[i], STELE_NO_STREAM, event("opened", (unsigned)i, texts[i]), NULL);
        expect_says(ids(s, (stele_read){.stream = texts[i]}), suite_print(s, "e%zu", i));
        expect_says(streams(s, (stele_read){.stream = texts[i]}), texts[i]);
    }
}

TEST(AP_13_every_pair_of_formats_is_kept)
{
    static const stele_format data_formats[] = {STELE_BINARY, STELE_JSON, STELE_PROTOBUF,
                                                STELE_AVRO};
    static const stele_format metadata_formats[] = {STELE_BINARY, STELE_JSON, STELE_PROTOBUF};
    SUITE(s);
    for (size_t i = 0; i < 4; i++) {
        for (size_t j = 0; j < 3; j++) {
            stele_event one = {.type = "opened",
                               .data_format = data_formats[i],
                               .metadata_format = metadata_formats[j]};
            one.data = bytes("{}", 2);
            one.metadata = bytes("{}", 2);
            expect_kept(s, one);
        }
    }
}

TEST(AP_13_a_record_carries_id_time_revision_and_position)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0");
    suite_pass(s, STELE_SECONDS(3));
    append(s, "a", STELE_ANY, "e1");
    const copies all = collect(s, (stele_read){.stream = "a"});
    expect_uint(all.count, 2);
    expect_int(all.records[0].time, SUITE_TIME);
    expect_int(all.records[1].time, SUITE_TIME + STELE_SECONDS(3));
    expect_uint(all.records[1].revision, 1);
    expect_uint(all.records[1].position, 2);
    const stele_uuid wanted = id_of(1);
    expect_bytes(all.records[1].id.bytes, 16, wanted.bytes, 16);
}

TEST(events_without_an_id_get_different_ones_of_version_7)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "- - -");
    const copies all = collect(s, (stele_read){.stream = "a"});
    expect_uint(all.count, 3);
    for (size_t i = 0; i < 3; i++) {
        expect_int(all.records[i].id.bytes[6] >> 4, 7);
        expect_int(all.records[i].id.bytes[8] >> 6, 2);
        for (size_t j = 0; j < i; j++) {
            expect_true(memcmp(&all.records[i].id, &all.records[j].id, 16) != 0);
        }
    }
}

static const char *tags_of_last(suite *s)
{
    const copies all = collect(s, (stele_read){.direction = STELE_BACKWARDS, .limit = 1});
    const char *text = "";
    for (size_t i = 0; i < all.records[0].tag_count; i++) {
        text =
            suite_print(s, "%s%s%.*s", text, i > 0 ? " " : "", STELE_TEXT(all.records[0].tags[i]));
    }
    return text;
}

TEST(tags_come_back_without_duplicates)
{
    SUITE(s);
    append_event(s, "a", STELE_ANY,
                 with_tags(event("t", 0, "{}"), stele_tags("course:c1", "student:s1")), NULL);
    expect_says(tags_of_last(s), "course:c1 student:s1");
    append_event(s, "a", STELE_ANY, with_tags(event("t", 1, "{}"), stele_tags("x", "x", "x")),
                 NULL);
    expect_says(tags_of_last(s), "x");
    append(s, "a", STELE_ANY, "e2");
    expect_says(tags_of_last(s), "");
}

/* ---- commits to several streams */

TEST(a_commit_writes_several_streams_in_the_order_given)
{
    SUITE(s);
    const outcome o = commit(s, "a:e0 b:e1 a:e2 c:e3 b:e4", "a=none", NULL);
    expect_says(o, "written 1 @5");
    expect_uint(o.receipt.first_position, 1);
    expect_says(revisions_answered(o, 5), "0 0 1 0 1");
    expect_says(ids(s, (stele_read){0}), "e0 e1 e2 e3 e4");
    expect_says(streams(s, (stele_read){0}), "a b a c b");
    expect_says(positions(s, (stele_read){.stream = "b"}), "2 5");
}

TEST(all_events_of_a_commit_have_one_time)
{
    SUITE(s);
    suite_pass(s, STELE_SECONDS(1));
    commit(s, "a:e0 b:e1 c:e2", "", NULL);
    const copies all = collect(s, (stele_read){0});
    for (size_t i = 0; i < all.count; i++) {
        expect_int(all.records[i].time, SUITE_TIME + STELE_SECONDS(1));
    }
}

TEST(AP_17_a_refused_commit_of_several_events_leaves_nothing)
{
    SUITE(s);
    append(s, "b", STELE_ANY, "e0");
    expect_says(commit(s, "a:e1 a:e2 b:e3 c:e4", "b=5", NULL), "wanted 5, is 0");
    expect_says(state_of(s, "a"), "not found");
    expect_says(state_of(s, "b"), "0");
    expect_says(state_of(s, "c"), "not found");
    expect_says(ids(s, (stele_read){0}), "e0");
    expect_says(ids(s, (stele_read){.event_type = "happened"}), "e0");
    expect_says(names_of(s, (stele_list){0}), "b");
    expect_uint(head_of(s), 1);
}

TEST(refusals_use_no_position_and_no_revision)
{
    SUITE(s);
    expect_says(append(s, "a", STELE_NO_STREAM, "e0"), "written 0 @1");
    expect_says(append(s, "a", 5, "e9"), "wanted 5, is 0");
    expect_says(append(s, "a", 0, "e1"), "written 1 @2");
    expect_says(append(s, "b", STELE_EXISTS, "e9"), "wanted exists, is none");
    expect_invalid(append_event(s, "a", STELE_ANY, event("", 9, "{}"), NULL), "type");
    expect_says(append(s, "b", STELE_ANY, "e2 e3"), "written 1 @4");
    expect_says(commit(s, "a:e9 c:e8", "c=0", NULL), "wanted 0, is none");
    expect_says(append(s, "a", 1, "e4"), "written 2 @5");
    expect_says(positions(s, (stele_read){0}), "1 2 3 4 5");
    expect_says(revisions(s, (stele_read){.stream = "a"}), "0 1 2");
}

TEST(the_events_of_a_refused_commit_are_not_known_afterwards)
{
    SUITE(s);
    append(s, "a", STELE_NO_STREAM, "e0");
    expect_says(append(s, "a", 3, "e1 e2"), "wanted 3, is 0");
    expect_says(append(s, "a", STELE_ANY, "e1"), "written 1 @2");
    expect_says(append(s, "a", STELE_ANY, "e2"), "written 2 @3");
}

/* ---- durability */

TEST(an_answered_append_is_visible_at_once_at_full_and_os_durability)
{
    static const stele_durability kinds[] = {STELE_DURABLE_DEFAULT, STELE_DURABLE_FULL,
                                             STELE_DURABLE_OS};
    SUITE(s);
    for (unsigned i = 0; i < 3; i++) {
        const outcome o = append_with(s, "a", STELE_ANY, suite_print(s, "e%u", i),
                                      &(stele_append_options){.durability = kinds[i]});
        stele_position head;
        stele_error error;
        expect_ok(stele_head(held(s), &head, &error), &error);
        expect_true(o.receipt.position <= head);
    }
    expect_says(ids(s, (stele_read){.stream = "a"}), "e0 e1 e2");
}

TEST(an_append_at_no_durability_is_visible_after_a_sync_and_decides_at_once)
{
    SUITE(s);
    const stele_append_options quickly = {.durability = STELE_DURABLE_NONE};
    expect_says(append_with(s, "a", STELE_NO_STREAM, "e0", &quickly), "written 0 @1");
    expect_says(append_with(s, "a", STELE_NO_STREAM, "e1", &quickly), "wanted none, is 0");
    expect_says(append_with(s, "a", 0, "e1", &quickly), "written 1 @2");
    suite_settle(s);
    expect_says(ids(s, (stele_read){.stream = "a"}), "e0 e1");
    expect_uint(head_of(s), 2);
}

TEST(an_append_at_full_durability_takes_the_ones_before_it_along)
{
    SUITE(s);
    const stele_append_options quickly = {.durability = STELE_DURABLE_NONE};
    const stele_append_options fully = {.durability = STELE_DURABLE_FULL};
    append_with(s, "a", STELE_ANY, "e0", &quickly);
    append_with(s, "b", STELE_ANY, "e1", &quickly);
    expect_says(append_with(s, "a", STELE_ANY, "e2", &fully), "written 1 @3");
    expect_says(ids(s, (stele_read){0}), "e0 e1 e2");
}

TEST(the_durability_of_the_store_is_the_default_of_appends)
{
    suite *s __attribute__((cleanup(suite_end))) = suite_new();
    s->options.durability = STELE_DURABLE_OS;
    suite_start(s);
    stele_info info;
    stele_error error;
    expect_ok(stele_describe(on(s), &info, &error), &error);
    expect_int(info.durability, STELE_DURABLE_OS);
    append(s, "a", STELE_ANY, "e0");
    expect_says(ids(s, (stele_read){0}), "e0");
}

TEST(closing_and_reopening_keeps_everything)
{
    SUITE(s);
    append_with(s, "a", STELE_ANY, "e0 e1",
                &(stele_append_options){.durability = STELE_DURABLE_NONE});
    commit(s, "b:e2 a:e3", "", NULL);
    append_with(s, "b", STELE_ANY, "e4", &(stele_append_options){.durability = STELE_DURABLE_NONE});
    if (suite_reopen(s)) {
        expect_says(ids(s, (stele_read){0}), "e0 e1 e2 e3 e4");
    }
    suite_settle(s);
    expect_says(append(s, "a", 2, "e5"), "written 3 @6");
    expect_says(ids(s, (stele_read){.stream = "b"}), "e2 e4");
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conformance: reading. Every source, both ways, every kind of beginning and end, limits, filters;
 * what a cursor sees, lends and reports. (RD-01 … RD-12 and RA-01 … RA-07 where a store has them;
 * $maxCount and the like are in test_retention.c)
 */
#include "suite.h"

#include <stdio.h>
#include <string.h>

/* ---- one stream */

/* Positions 1 … 12: a and b take turns, so that a's revision r stands at position 2r + 1, and one
 * second lies between two. */
static void make_turns(suite *s)
{
    for (unsigned i = 0; i < 6; i++) {
        append(s, "a", STELE_ANY, suite_print(s, "e%u", i));
        suite_pass(s, STELE_SECONDS(1));
        append(s, "b", STELE_ANY, suite_print(s, "e%u", 10 + i));
        suite_pass(s, STELE_SECONDS(1));
    }
}

#define AT(kind_, value_)                                                                          \
    {                                                                                              \
        STELE_POINT_##kind_, (uint64_t)(value_)                                                    \
    }
#define AFTER_SECONDS(n) AT(TIME, SUITE_TIME + STELE_SECONDS(n))

static const struct {
    stele_read read;
    const char *ids;
} of_a_stream[] = {
    /* RD-01 */
    {{.stream = "a"}, "e0 e1 e2 e3 e4 e5"},
    {{.stream = "a", .from = AT(START, 0)}, "e0 e1 e2 e3 e4 e5"},
    {{.stream = "a", .from = AT(REVISION, 0)}, "e0 e1 e2 e3 e4 e5"},
    {{.stream = "a", .from = AT(REVISION, 2)}, "e2 e3 e4 e5"},
    {{.stream = "a", .from = AT(REVISION, 5)}, "e5"},
    {{.stream = "a", .direction = STELE_BACKWARDS}, "e5 e4 e3 e2 e1 e0"},
    {{.stream = "a", .direction = STELE_BACKWARDS, .from = AT(END, 0)}, "e5 e4 e3 e2 e1 e0"},
    {{.stream = "a", .direction = STELE_BACKWARDS, .from = AT(REVISION, 5)}, "e5 e4 e3 e2 e1 e0"},
    {{.stream = "a", .direction = STELE_BACKWARDS, .from = AT(REVISION, 2)}, "e2 e1 e0"},
    {{.stream = "a", .from = AT(REVISION, 2), .limit = 2}, "e2 e3"},
    {{.stream = "a", .direction = STELE_BACKWARDS, .from = AT(REVISION, 2), .limit = 2}, "e2 e1"},
    /* RD-05 */
    {{.stream = "a", .from = AT(REVISION, 6)}, ""},
    {{.stream = "a", .from = AT(REVISION, INT64_MAX)}, ""},
    {{.stream = "a", .from = AT(END, 0)}, ""},
    {{.stream = "a", .direction = STELE_BACKWARDS, .from = AT(REVISION, 0)}, "e0"},
    {{.stream = "a", .direction = STELE_BACKWARDS, .from = AT(REVISION, 1000)},
     "e5 e4 e3 e2 e1 e0"},
    /* RD-06 */
    {{.stream = "a", .limit = 1}, "e0"},
    {{.stream = "a", .limit = 6}, "e0 e1 e2 e3 e4 e5"},
    {{.stream = "a", .limit = 7}, "e0 e1 e2 e3 e4 e5"},
    {{.stream = "a", .limit = UINT64_MAX}, "e0 e1 e2 e3 e4 e5"},
    {{.stream = "a", .direction = STELE_BACKWARDS, .limit = 1}, "e5"},
    /* From a position, which need not be one of the stream's. */
    {{.stream = "a", .from = AT(POSITION, 5)}, "e2 e3 e4 e5"},
    {{.stream = "a", .from = AT(POSITION, 6)}, "e3 e4 e5"},
    {{.stream = "a", .from = AT(POSITION, 0)}, "e0 e1 e2 e3 e4 e5"},
    {{.stream = "a", .from = AT(POSITION, 12)}, ""},
    {{.stream = "a", .direction = STELE_BACKWARDS, .from = AT(POSITION, 5)}, "e2 e1 e0"},
    {{.stream = "a", .direction = STELE_BACKWARDS, .from = AT(POSITION, 6)}, "e2 e1 e0"},
    {{.stream = "a", .direction = STELE_BACKWARDS, .from = AT(POSITION, 1)}, "e0"},
    {{.stream = "a", .direction = STELE_BACKWARDS, .from = AT(POSITION, 0)}, ""},
    {{.stream = "b", .direction = STELE_BACKWARDS, .from = AT(POSITION, 1)}, ""},
    /* From a time. */
    {{.stream = "a", .from = AFTER_SECONDS(4)}, "e2 e3 e4 e5"},
    {{.stream = "a", .from = AFTER_SECONDS(5)}, "e3 e4 e5"},
    {{.stream = "a", .from = AFTER_SECONDS(-1)}, "e0 e1 e2 e3 e4 e5"},
    {{.stream = "a", .from = AFTER_SECONDS(11)}, ""},
    {{.stream = "a", .direction = STELE_BACKWARDS, .from = AFTER_SECONDS(4)}, "e2 e1 e0"},
    {{.stream = "a", .direction = STELE_BACKWARDS, .from = AFTER_SECONDS(5)}, "e2 e1 e0"},
    {{.stream = "a", .direction = STELE_BACKWARDS, .from = AFTER_SECONDS(-1)}, ""},
    /* As of a point. */
    {{.stream = "a", .as_of = AT(REVISION, 2)}, "e0 e1 e2"},
    {{.stream = "a", .as_of = AT(POSITION, 5)}, "e0 e1 e2"},
    {{.stream = "a", .as_of = AT(POSITION, 6)}, "e0 e1 e2"},
    {{.stream = "a", .as_of = AT(POSITION, 0)}, ""},
    {{.stream = "a", .as_of = AT(POSITION, 1000)}, "e0 e1 e2 e3 e4 e5"},
    {{.stream = "a", .as_of = AFTER_SECONDS(4)}, "e0 e1 e2"},
    {{.stream = "a", .as_of = AFTER_SECONDS(-1)}, ""},
    {{.stream = "a", .as_of = AT(END, 0)}, "e0 e1 e2 e3 e4 e5"},
    {{.stream = "a", .direction = STELE_BACKWARDS, .as_of = AT(REVISION, 2)}, "e2 e1 e0"},
    {{.stream = "a", .direction = STELE_BACKWARDS, .as_of = AT(POSITION, 6)}, "e2 e1 e0"},
    {{.stream = "a", .direction = STELE_BACKWARDS, .as_of = AFTER_SECONDS(5)}, "e2 e1 e0"},
    {{.stream = "a", .from = AT(REVISION, 1), .as_of = AT(POSITION, 7)}, "e1 e2 e3"},
    {{.stream = "a",
      .direction = STELE_BACKWARDS,
      .from = AT(REVISION, 4),
      .as_of = AT(POSITION, 7)},
     "e3 e2 e1 e0"},
    {{.stream = "a", .from = AT(REVISION, 4), .as_of = AT(REVISION, 2)}, ""},
    {{.stream = "a", .direction = STELE_BACKWARDS, .as_of = AT(REVISION, 4), .limit = 2}, "e4 e3"},
};

TEST(RD_01_RD_05_RD_06_reads_of_a_stream)
{
    SUITE(s);
    make_turns(s);
    for (size_t i = 0; i < sizeof of_a_stream / sizeof of_a_stream[0]; i++) {
        expect_says(suite_print(s, "row %zu: %s", i, ids(s, of_a_stream[i].read)),
                    suite_print(s, "row %zu: %s", i, of_a_stream[i].ids));
    }
}

TEST(RD_02_a_missing_stream_is_not_found_in_both_directions_from_anywhere)
{
    SUITE(s);
    append(s, "b", STELE_ANY, "e0");
    expect_says(ids(s, (stele_read){.stream = "a"}), "not found");
    expect_says(ids(s, (stele_read){.stream = "a", .direction = STELE_BACKWARDS}), "not found");
    expect_says(ids(s, (stele_read){.stream = "a", .from = STELE_FROM_REVISION(5)}), "not found");
    expect_says(ids(s, (stele_read){.stream = "a", .from = STELE_AT_END, .limit = 1}), "not found");
    const copies missing = collect(s, (stele_read){.stream = "account-17"});
    expect_contains(missing.error.message, "account-17");
}

TEST(RD_07_positions_in_a_stream_are_those_of_the_appends)
{
    SUITE(s);
    for (unsigned i = 0; i < 5; i++) {
        append(s, "b", STELE_ANY, "-");
        const outcome o = append(s, "a", STELE_ANY, suite_print(s, "e%u", i));
        const copies last =
            collect(s, (stele_read){.stream = "a", .direction = STELE_BACKWARDS, .limit = 1});
        expect_uint(last.records[0].position, o.receipt.position);
    }
    expect_says(positions(s, (stele_read){.stream = "a"}), "2 4 6 8 10");
}

TEST(every_view_of_an_event_is_the_same)
{
    SUITE(s);
    stele_event one = with_tags(event("opened", 7, "{\"a\":1}"), stele_tags("x", "y"));
    one.metadata = (stele_bytes){(const uint8_t *)"m", 1};
    append_event(s, "account-1", STELE_ANY, one, NULL);
    const stele_query query = stele_query_of(stele_types("opened"), stele_tags("y"));
    const stele_read reads[] = {{0},
                                {.stream = "account-1"},
                                {.category = "account"},
                                {.event_type = "opened"},
                                {.tag = "x"},
                                {.query = &query},
                                {.direction = STELE_BACKWARDS}};
    for (size_t i = 0; i < sizeof reads / sizeof reads[0]; i++) {
        const copies all = collect(s, reads[i]);
        expect_uint(all.count, 1);
        const stele_record *record = &all.records[0];
        expect_uint(record->position, 1);
        expect_uint(record->revision, 0);
        expect_int(record->time, SUITE_TIME);
        expect_bytes(&record->id, 16, &one.id, 16);
        expect_text(record->stream, "account-1");
        expect_text(record->type, "opened");
        expect_text(record->data, "{\"a\":1}");
        expect_text(record->metadata, "m");
        expect_int(record->data_format, STELE_JSON);
        expect_uint(record->tag_count, 2);
        expect_text(record->tags[0], "x");
        expect_text(record->tags[1], "y");
    }
}

/* ---- everything */

static const struct {
    stele_read read;
    const char *positions;
} of_everything[] = {
    {{0}, "1 2 3 4 5 6 7 8 9 10 11 12"},
    {{.from = AT(START, 0), .limit = 3}, "1 2 3"},
    /* RA-02: inclusive in both directions. */
    {{.from = AT(POSITION, 9)}, "9 10 11 12"},
    {{.from = AT(POSITION, 12)}, "12"},
    {{.from = AT(POSITION, 13)}, ""},
    {{.from = AT(POSITION, UINT64_MAX)}, ""},
    {{.from = AT(POSITION, 0), .limit = 2}, "1 2"},
    {{.direction = STELE_BACKWARDS, .from = AT(POSITION, 4)}, "4 3 2 1"},
    {{.direction = STELE_BACKWARDS, .from = AT(POSITION, 1)}, "1"},
    {{.direction = STELE_BACKWARDS, .from = AT(POSITION, 0)}, ""},
    {{.direction = STELE_BACKWARDS, .from = AT(POSITION, 1000), .limit = 2}, "12 11"},
    {{.direction = STELE_BACKWARDS, .from = AT(POSITION, UINT64_MAX), .limit = 1}, "12"},
    /* RA-03 */
    {{.direction = STELE_BACKWARDS, .from = AT(START, 0)}, ""},
    {{.from = AT(END, 0)}, ""},
    /* RA-04 */
    {{.direction = STELE_BACKWARDS, .limit = 4}, "12 11 10 9"},
    {{.direction = STELE_BACKWARDS, .from = AT(END, 0), .limit = 4}, "12 11 10 9"},
    /* Times. */
    {{.from = AFTER_SECONDS(9)}, "10 11 12"},
    {{.from = AT(TIME, SUITE_TIME + STELE_SECONDS(9) + 1)}, "11 12"},
    {{.from = AT(TIME, SUITE_TIME + STELE_SECONDS(9) - 1)}, "10 11 12"},
    {{.from = AFTER_SECONDS(12)}, ""},
    {{.from = AT(TIME, 0), .limit = 1}, "1"},
    {{.from = AT(TIME, -1), .limit = 1}, "1"},
    {{.from = AT(TIME, INT64_MAX)}, ""},
    {{.direction = STELE_BACKWARDS, .from = AFTER_SECONDS(2)}, "3 2 1"},
    {{.direction = STELE_BACKWARDS, .from = AT(TIME, SUITE_TIME + STELE_SECONDS(2) - 1)}, "2 1"},
    {{.direction = STELE_BACKWARDS, .from = AT(TIME, INT64_MAX), .limit = 1}, "12"},
    {{.direction = STELE_BACKWARDS, .from = AT(TIME, -1)}, ""},
    /* As of. */
    {{.as_of = AT(POSITION, 3)}, "1 2 3"},
    {{.as_of = AT(POSITION, 0)}, ""},
    {{.as_of = AT(POSITION, UINT64_MAX), .limit = 1}, "1"},
    {{.as_of = AFTER_SECONDS(2)}, "1 2 3"},
    {{.as_of = AT(TIME, SUITE_TIME + STELE_SECONDS(2) - 1)}, "1 2"},
    {{.as_of = AT(TIME, SUITE_TIME - 1)}, ""},
    {{.direction = STELE_BACKWARDS, .as_of = AT(POSITION, 3)}, "3 2 1"},
    {{.direction = STELE_BACKWARDS, .as_of = AFTER_SECONDS(2)}, "3 2 1"},
    {{.direction = STELE_BACKWARDS, .as_of = AT(POSITION, 7), .from = AT(END, 0), .limit = 2},
     "7 6"},
    {{.direction = STELE_BACKWARDS, .as_of = AT(POSITION, 7), .from = AT(POSITION, 9), .limit = 2},
     "7 6"},
    {{.direction = STELE_BACKWARDS, .as_of = AT(POSITION, 7), .from = AT(POSITION, 5), .limit = 2},
     "5 4"},
    {{.from = AT(POSITION, 5), .as_of = AT(POSITION, 7)}, "5 6 7"},
    {{.from = AT(POSITION, 8), .as_of = AT(POSITION, 7)}, ""},
    {{.from = AFTER_SECONDS(3), .as_of = AFTER_SECONDS(5)}, "4 5 6"},
    /* Categories, types: nothing there is no error. */
    {{.category = "a"}, ""},
    {{.event_type = "sappened"}, ""},
    {{.tag = "x"}, ""},
    {{.event_type = "happened", .from = AT(POSITION, 11)}, "11 12"},
    {{.event_type = "happened", .direction = STELE_BACKWARDS, .from = AT(POSITION, 2)}, "2 1"},
    {{.event_type = "happened", .as_of = AFTER_SECONDS(1)}, "1 2"},
};

TEST(RA_02_RA_03_RA_04_reads_of_everything)
{
    SUITE(s);
    make_turns(s);
    for (size_t i = 0; i < sizeof of_everything / sizeof of_everything[0]; i++) {
        expect_says(suite_print(s, "row %zu: %s", i, positions(s, of_everything[i].read)),
                    suite_print(s, "row %zu: %s", i, of_everything[i].positions));
    }
}

TEST(an_empty_store_reads_as_nothing)
{
    SUITE(s);
    const stele_query all = stele_query_everything();
    const stele_read reads[] = {{0},
                                {.direction = STELE_BACKWARDS},
                                {.from = STELE_AT_POSITION(1)},
                                {.from = STELE_AT_TIME(SUITE_TIME)},
                                {.direction = STELE_BACKWARDS, .from = STELE_AT_TIME(SUITE_TIME)},
                                {.as_of = STELE_AT_TIME(SUITE_TIME)},
                                {.category = "a"},
                                {.event_type = "t"},
                                {.tag = "x"},
                                {.query = &all}};
    for (size_t i = 0; i < sizeof reads / sizeof reads[0]; i++) {
        const copies none = collect(s, reads[i]);
        expect_int(none.status, STELE_OK);
        expect_uint(none.count, 0);
        expect_uint(none.head, 0);
    }
}

TEST(RA_01_RA_07_everything_includes_metadata_and_system_events)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0");
    write_metadata(s, "a", STELE_ANY, "{}");
    append_event(s, "$settings", STELE_ANY, event("$settings", 1, "{}"), NULL);
    tombstone_stream(s, "a", STELE_ANY);
    expect_says(ids(s, (stele_read){0}), "e0 $metadata e1 $streamDeleted");
    expect_says(streams(s, (stele_read){0}), "a $$a $settings a");
}

TEST(events_of_one_time_are_found_all)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0 e1");
    suite_pass(s, STELE_SECONDS(1));
    append(s, "a", STELE_ANY, "e2");
    append(s, "a", STELE_ANY, "e3 e4");
    suite_pass(s, STELE_SECONDS(1));
    append(s, "a", STELE_ANY, "e5");
    const stele_time middle = SUITE_TIME + STELE_SECONDS(1);
    expect_says(ids(s, (stele_read){.from = STELE_AT_TIME(middle)}), "e2 e3 e4 e5");
    expect_says(ids(s, (stele_read){.direction = STELE_BACKWARDS, .from = STELE_AT_TIME(middle)}),
                "e4 e3 e2 e1 e0");
    expect_says(ids(s, (stele_read){.as_of = STELE_AT_TIME(middle)}), "e0 e1 e2 e3 e4");
    expect_says(ids(s, (stele_read){.from = STELE_AT_TIME(middle), .as_of = STELE_AT_TIME(middle)}),
                "e2 e3 e4");
}

/* ---- categories, types, tags */

TEST(a_category_is_what_stands_before_the_first_dash)
{
    static const struct {
        const char *stream;
        const char *category;
    } cases[] = {
        {"account-1", "account"},
        {"account-", "account"},
        {"account-a-b-c", "account"},
        {"package-libc6:amd64", "package"},
        {"package-libstdc++-12-dev:amd64", "package"},
        {"account", ""},
        {"", ""},
        {"-", ""},
        {"-x", ""},
        {"--x", ""},
        {"$x-y", ""},
        {"$ce-account", ""},
        {"$$account-1", ""},
        {"a$-b", "a$"},
        {"\xe2\x82\xac-1", "\xe2\x82\xac"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const stele_text category =
            stele_category((stele_text){cases[i].stream, strlen(cases[i].stream)});
        expect_text(category, cases[i].category);
    }
}

TEST(a_category_reads_the_events_of_its_streams)
{
    SUITE(s);
    commit(s, "account-1:e0 account:e1 -x:e2 $x-y:e3 accounts-1:e4 account-2-b:e5 account-1:e6", "",
           NULL);
    write_metadata(s, "account-1", STELE_ANY, "{}");
    expect_says(ids(s, (stele_read){.category = "account"}), "e0 e5 e6");
    expect_says(ids(s, (stele_read){.category = "account", .direction = STELE_BACKWARDS}),
                "e6 e5 e0");
    expect_says(ids(s, (stele_read){.category = "accounts"}), "e4");
    expect_says(ids(s, (stele_read){.category = "$x"}), "");
    expect_says(ids(s, (stele_read){.category = "$$account"}), "");
    expect_says(ids(s, (stele_read){.category = "account-1"}), "");
    expect_says(ids(s, (stele_read){.category = "accoun"}), "");
}

TEST(names_of_packages_make_one_category)
{
    SUITE(s);
    append(s, "packages", STELE_NO_STREAM, "e0");
    append(s, "package-libc6:amd64", STELE_NO_STREAM, "e1");
    append(s, "package-libstdc++-12-dev:amd64", STELE_NO_STREAM, "e2");
    append(s, "package-0ad", STELE_NO_STREAM, "e3");
    expect_says(ids(s, (stele_read){.category = "package"}), "e1 e2 e3");
    expect_says(ids(s, (stele_read){.stream = "package-libstdc++-12-dev:amd64"}), "e2");
}

TEST(types_and_tags_are_read_by_their_whole_names)
{
    SUITE(s);
    append_event(s, "a", STELE_ANY, with_tags(event("opened", 0, "{}"), stele_tags("x", "y")),
                 NULL);
    append_event(s, "b", STELE_ANY, with_tags(event("openedx", 1, "{}"), stele_tags("xx")), NULL);
    append_event(s, "c", STELE_ANY, with_tags(event("opened", 2, "{}"), stele_tags("y")), NULL);
    expect_says(ids(s, (stele_read){.event_type = "opened"}), "e0 e2");
    expect_says(ids(s, (stele_read){.event_type = "open"}), "");
    expect_says(ids(s, (stele_read){.tag = "x"}), "e0");
    expect_says(ids(s, (stele_read){.tag = "y"}), "e0 e2");
    expect_says(ids(s, (stele_read){.tag = "y", .direction = STELE_BACKWARDS, .limit = 1}), "e2");
    expect_says(ids(s, (stele_read){.tag = "opened"}), "");
}

/* ---- filters */

static int only_even(void *context, const stele_record *record)
{
    (void)context;
    return record->position % 2 == 0;
}

static int count_and_refuse(void *context, const stele_record *record)
{
    (void)record;
    ++*(unsigned *)context;
    return 0;
}

static void make_for_filters(suite *s)
{
    append_event(s, "order-1", STELE_ANY, event("order.opened", 0, "{}"), NULL);
    append_event(s, "order-2", STELE_ANY, event("order.opened", 1, "{}"), NULL);
    append_event(s, "account-1", STELE_ANY, event("account.opened", 2, "{}"), NULL);
    append_event(s, "order-1", STELE_ANY, event("order.closed", 3, "{}"), NULL);
    append_event(s, "$users", STELE_ANY, event("$user", 4, "{}"), NULL);
    append_event(s, "order-10", STELE_ANY, event("note", 5, "{}"), NULL);
}

TEST(RA_05_prefixes_filter_streams_and_types_and_the_limit_counts_matches)
{
    SUITE(s);
    make_for_filters(s);
    const char *const order_1[] = {"order-1"};
    const char *const two[] = {"account", "$"};
    const char *const types[] = {"order.", "account."};
    const char *const closed[] = {"order.closed", "note"};
    const char *const empty[] = {""};
    const char *const nothing[] = {"zzz"};
    expect_says(ids(s, (stele_read){.stream_prefixes = order_1, .stream_prefix_count = 1}),
                "e0 e3 e5");
    expect_says(ids(s, (stele_read){.stream_prefixes = two, .stream_prefix_count = 2}), "e2 e4");
    expect_says(ids(s, (stele_read){.type_prefixes = types, .type_prefix_count = 2}),
                "e0 e1 e2 e3");
    expect_says(ids(s, (stele_read){.type_prefixes = types, .type_prefix_count = 2, .limit = 2}),
                "e0 e1");
    expect_says(ids(s, (stele_read){.type_prefixes = closed, .type_prefix_count = 2, .limit = 2}),
                "e3 e5");
    expect_says(ids(s, (stele_read){.type_prefixes = closed,
                                    .type_prefix_count = 2,
                                    .direction = STELE_BACKWARDS}),
                "e5 e3");
    expect_says(ids(s, (stele_read){.stream_prefixes = order_1,
                                    .stream_prefix_count = 1,
                                    .type_prefixes = types,
                                    .type_prefix_count = 2}),
                "e0 e3");
    expect_says(ids(s, (stele_read){.stream_prefixes = nothing, .stream_prefix_count = 1}), "");
    expect_says(ids(s,
                    (stele_read){.stream_prefixes = empty, .stream_prefix_count = 1, .limit = 2}),
                "e0 e1");
}

TEST(filters_work_on_every_source)
{
    SUITE(s);
    make_for_filters(s);
    const char *const closed[] = {"order.c"};
    const char *const order_1[] = {"order-1"};
    const stele_query orders =
        stele_query_of(stele_types("order.opened", "order.closed", "note"), stele_any_tags());
    expect_says(
        ids(s, (stele_read){.stream = "order-1", .type_prefixes = closed, .type_prefix_count = 1}),
        "e3");
    expect_says(ids(s, (stele_read){.category = "order",
                                    .stream_prefixes = order_1,
                                    .stream_prefix_count = 1}),
                "e0 e3 e5");
    expect_says(ids(s, (stele_read){.event_type = "order.opened",
                                    .stream_prefixes = order_1,
                                    .stream_prefix_count = 1}),
                "e0");
    expect_says(
        ids(s, (stele_read){.query = &orders, .type_prefixes = closed, .type_prefix_count = 1}),
        "e3");
    expect_says(ids(s, (stele_read){.category = "order", .predicate = only_even}), "e1 e3 e5");
}

TEST(the_predicate_comes_last_and_the_limit_counts_what_it_lets_through)
{
    SUITE(s);
    make_for_filters(s);
    expect_says(ids(s, (stele_read){.predicate = only_even}), "e1 e3 e5");
    expect_says(ids(s, (stele_read){.predicate = only_even, .limit = 2}), "e1 e3");
    expect_says(ids(s,
                    (stele_read){.predicate = only_even, .limit = 2, .direction = STELE_BACKWARDS}),
                "e5 e3");
    unsigned calls = 0;
    const char *const order_1[] = {"order-1"};
    expect_says(ids(s, (stele_read){.stream_prefixes = order_1,
                                    .stream_prefix_count = 1,
                                    .predicate = count_and_refuse,
                                    .predicate_context = &calls}),
                "");
    expect_uint(calls, 3);
}

/* ---- what cannot be read */

TEST(reads_that_contradict_themselves_are_refused)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0");
    const stele_query all = stele_query_everything();
    const stele_read reads[] = {
        {.stream = "a", .category = "a"},
        {.stream = "a", .event_type = "t"},
        {.event_type = "t", .tag = "x"},
        {.tag = "x", .query = &all},
        {.category = "a", .query = &all},
        {.from = AT(REVISION, 0)},
        {.as_of = AT(REVISION, 0)},
        {.category = "a", .from = AT(REVISION, 0)},
        {.event_type = "t", .as_of = AT(REVISION, 0)},
        {.query = &all, .from = AT(REVISION, 0)},
        {.from = {(stele_point_kind)17, 0}},
        {.as_of = {(stele_point_kind)17, 0}},
        {.direction = (stele_direction)2},
        {.stream = ""},
        {.stream = "\xff"},
        {.event_type = ""},
        {.tag = ""},
    };
    for (size_t i = 0; i < sizeof reads / sizeof reads[0]; i++) {
        const copies none = collect(s, reads[i]);
        expect_says(suite_print(s, "row %zu: %s", i, stele_status_name(none.status)),
                    suite_print(s, "row %zu: %s", i, stele_status_name(STELE_INVALID)));
    }
}

/* ---- cursors */

static stele_cursor *open_cursor(suite *s, stele_read read)
{
    stele_cursor *cursor = NULL;
    stele_error error;
    expect_ok(stele_read_open(on(s), &read, &cursor, &error), &error);
    suite_pin(s);
    expect_not_null(cursor);
    return cursor;
}

TEST(a_cursor_reports_the_head_it_is_consistent_with)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0 e1 e2");
    STELE_CLEANUP(cursor) stele_cursor *of_stream = open_cursor(s, (stele_read){.stream = "a"});
    STELE_CLEANUP(cursor)
    stele_cursor *of_nothing = open_cursor(s, (stele_read){.event_type = "none"});
    append(s, "a", STELE_ANY, "e3");
    expect_uint(stele_cursor_head(of_stream), 3);
    expect_uint(stele_cursor_head(of_nothing), 3);
    expect_says(ids_of(s, collect_rest(s, of_stream)), "e0 e1 e2");
    expect_uint(stele_cursor_head(of_stream), 3);
}

static const stele_read isolated[] = {
    {0},
    {.direction = STELE_BACKWARDS},
    {.stream = "a-1"},
    {.stream = "a-1", .direction = STELE_BACKWARDS},
    {.category = "a"},
    {.event_type = "happened"},
    {.event_type = "happened", .direction = STELE_BACKWARDS},
};

TEST_ROWS(a_cursor_does_not_see_what_is_appended_after_it_was_opened, isolated)
{
    SUITE(s);
    append(s, "a-1", STELE_ANY, "e0 e1 e2");
    STELE_CLEANUP(cursor) stele_cursor *cursor = open_cursor(s, isolated[row]);
    append(s, "a-1", STELE_ANY, "e3");
    stele_error error;
    expect_not_null(stele_cursor_next(cursor, &error));
    append(s, "a-1", STELE_ANY, "e4 e5");
    const copies rest = collect_rest(s, cursor);
    expect_says(ids_of(s, rest), isolated[row].direction == STELE_BACKWARDS ? "e1 e0" : "e1 e2");
    expect_says(ids(s, (stele_read){.stream = "a-1", .from = STELE_FROM_REVISION(3), .limit = 1}),
                "e3");
}

TEST(the_end_is_answered_again_and_again)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0");
    STELE_CLEANUP(cursor) stele_cursor *cursor = open_cursor(s, (stele_read){.stream = "a"});
    stele_error error;
    expect_not_null(stele_cursor_next(cursor, &error));
    for (unsigned i = 0; i < 3; i++) {
        error.status = STELE_INTERNAL;
        expect_null(stele_cursor_next(cursor, &error));
        expect_int(error.status, STELE_OK);
    }
    expect_null(stele_cursor_next(cursor, NULL));
}

TEST(a_lent_record_stays_as_it_is_until_the_next_call)
{
    SUITE(s);
    for (unsigned i = 0; i < 200; i++) {
        stele_event one =
            with_tags(event("opened", i, suite_print(s, "{\"i\":%u}", i)), stele_tags("x", "y"));
        append_event(s, suite_print(s, "a-%u", i % 7), STELE_ANY, one, NULL);
    }
    STELE_CLEANUP(cursor) stele_cursor *cursor = open_cursor(s, (stele_read){.tag = "x"});
    stele_error error;
    unsigned seen = 0;
    for (const stele_record *record; (record = stele_cursor_next(cursor, &error)); seen++) {
        const stele_record copy = copy_record(s, record);
        if (seen % 20 == 0) {
            append(s, "b", STELE_ANY, "- - -");
            STELE_CLEANUP(cursor)
            stele_cursor *other = open_cursor(s, (stele_read){.direction = STELE_BACKWARDS});
            expect_not_null(stele_cursor_next(other, &error));
        }
        expect_uint(record->position, copy.position);
        expect_text(record->stream, copy.stream);
        expect_text(record->type, copy.type);
        expect_text(record->data, suite_print(s, "{\"i\":%u}", seen));
        expect_uint(record->tag_count, 2);
        expect_text(record->tags[0], "x");
        expect_text(record->tags[1], "y");
    }
    expect_uint(seen, 200);
}

TEST(many_cursors_can_be_open_at_once)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0 e1 e2");
    stele_cursor *cursors[64];
    stele_error error;
    for (size_t i = 0; i < 64; i++) {
        cursors[i] = open_cursor(s, i % 2 ? (stele_read){.stream = "a"}
                                          : (stele_read){.direction = STELE_BACKWARDS});
    }
    for (unsigned step = 0; step < 3; step++) {
        for (size_t i = 0; i < 64; i++) {
            const stele_record *record = stele_cursor_next(cursors[i], &error);
            expect_not_null(record);
            expect_uint(record->revision, i % 2 ? step : 2 - step);
        }
    }
    for (size_t i = 0; i < 64; i++) {
        stele_cursor_free(cursors[i]);
    }
    stele_cursor_free(NULL);
}

TEST(a_cursor_can_be_given_up_in_the_middle)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0 e1 e2");
    for (unsigned i = 0; i < 3; i++) {
        STELE_CLEANUP(cursor) stele_cursor *cursor = open_cursor(s, (stele_read){0});
        stele_error error;
        for (unsigned j = 0; j < i; j++) {
            expect_not_null(stele_cursor_next(cursor, &error));
        }
    }
    expect_says(append(s, "a", 2, "e3"), "written 3 @4");
}

/* What a read is given is its own only while it is opened. */
TEST(what_a_read_points_to_may_be_gone_after_opening)
{
    SUITE(s);
    append_event(s, "order-1", STELE_ANY, with_tags(event("opened", 0, "{}"), stele_tags("x")),
                 NULL);
    char stream[] = "order-1";
    char type[] = "opened";
    char tag[] = "x";
    char prefix[] = "order";
    const char *prefixes[] = {prefix};
    const char *types[] = {type};
    const char *tags[] = {tag};
    stele_query_item item = {{types, 1}, {tags, 1}};
    stele_query query = {&item, 1, 0};
    stele_cursor *cursors[] = {
        open_cursor(s,
                    (stele_read){.stream = stream, .type_prefixes = types, .type_prefix_count = 1}),
        open_cursor(s, (stele_read){.query = &query,
                                    .stream_prefixes = prefixes,
                                    .stream_prefix_count = 1}),
        open_cursor(s, (stele_read){.event_type = type}),
        open_cursor(s, (stele_read){.tag = tag}),
    };
    memset(stream, 'z', sizeof stream - 1);
    memset(type, 'z', sizeof type - 1);
    memset(tag, 'z', sizeof tag - 1);
    memset(prefix, 'z', sizeof prefix - 1);
    prefixes[0] = types[0] = tags[0] = NULL;
    memset(&item, 0x5a, sizeof item);
    memset(&query, 0x5a, sizeof query);
    for (size_t i = 0; i < 4; i++) {
        expect_says(ids_of(s, collect_rest(s, cursors[i])), "e0");
        stele_cursor_free(cursors[i]);
    }
}

/* ---- longer histories */

TEST(pages_put_together_are_the_whole_stream)
{
    SUITE(s);
    for (unsigned i = 0; i < 100; i++) {
        append(s, i % 3 ? "a" : "b", STELE_ANY, suite_print(s, "e%u", i));
    }
    const char *whole = ids(s, (stele_read){.stream = "a"});
    const char *pages = "";
    uint64_t next = 0;
    for (copies page; (page = collect(s, (stele_read){.stream = "a",
                                         .from = STELE_FROM_REVISION(next),
                                         .limit = 7}))
                          .count;) {
        pages = suite_print(s, "%s%s%s", pages, next ? " " : "", ids_of(s, page));
        next = page.records[page.count - 1].revision + 1;
        append(s, "b", STELE_ANY, "-");
    }
    expect_says(pages, whole);
}

TEST(a_long_stream_between_many_others_is_read_completely)
{
    SUITE(s);
    const stele_append_options quickly = {.durability = STELE_DURABLE_NONE};
    stele_error error;
    for (unsigned i = 0; i < 20000; i++) {
        char name[32];
        const stele_event one = event("happened", i, "{\"some\":\"data, but not much of it\"}");
        if (i % 10) {
            (void)snprintf(name, sizeof name, "others-%u", i % 100);
        }
        expect_ok(stele_append(held(s), i % 10 ? name : "a", STELE_ANY, &one, 1, &quickly, NULL,
                               &error),
                  &error);
    }
    suite_settle(s);
    const copies forwards = collect(s, (stele_read){.stream = "a"});
    const copies backwards = collect(s, (stele_read){.stream = "a", .direction = STELE_BACKWARDS});
    expect_uint(forwards.count, 2000);
    expect_uint(backwards.count, 2000);
    for (unsigned i = 0; i < 2000; i++) {
        expect_uint(forwards.records[i].revision, i);
        expect_uint(forwards.records[i].position, 10 * i + 1);
        expect_uint(backwards.records[1999 - i].position, 10 * i + 1);
    }
    expect_uint(count_of(s, (stele_read){0}), 20000);
    expect_uint(count_of(s, (stele_read){.category = "others"}), 18000);
    expect_uint(count_of(s,
                         (stele_read){.event_type = "happened", .from = STELE_AT_POSITION(19901)}),
                100);
    expect_says(ids(s, (stele_read){.stream = "a", .from = STELE_FROM_REVISION(1500), .limit = 2}),
                "e15000 e15010");
    expect_says(ids(s, (stele_read){.stream = "a", .from = STELE_AT_POSITION(15002), .limit = 2}),
                "e15010 e15020");
    expect_says(ids(s,
                    (stele_read){.stream = "others-99", .direction = STELE_BACKWARDS, .limit = 2}),
                "e19999 e19899");
}

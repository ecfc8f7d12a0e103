/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conformance: dynamic consistency boundaries. Queries over types and tags, and appends under the
 * condition that nothing matches them. The rules 1 … 11 are those of the DCB specification.
 */
#include "suite.h"

#include <inttypes.h>
#include <string.h>

/* One condition: nothing matches the query above `after`. */
static const stele_append_options *unless(suite *s, stele_query query, stele_position after)
{
    stele_query *kept_query = suite_allocate(s, sizeof *kept_query);
    stele_condition *condition = suite_allocate(s, sizeof *condition);
    stele_append_options *options = suite_allocate(s, sizeof *options);
    *kept_query = query;
    *condition = (stele_condition){kept_query, after};
    *options = (stele_append_options){.conditions = condition, .condition_count = 1};
    return options;
}

static outcome append_tagged(suite *s, const char *stream, const char *type, unsigned n,
                             stele_names tags, const stele_append_options *options)
{
    return append_event(s, stream, STELE_ANY, with_tags(event(type, n, "{}"), tags), options);
}

static stele_read query_read(const stele_query *query)
{
    return (stele_read){.query = query};
}

/* ---- queries */

/* Position:  1      2      3      4      5      6
 * Event:     e0 A   e1 B   e2 A   e3 C   e4 B   e5 A
 * Tags:      x      x y    y z    -      x y z  -        */
static void make_history(suite *s)
{
    append_tagged(s, "a", "A", 0, stele_tags("x"), NULL);
    append_tagged(s, "b", "B", 1, stele_tags("x", "y"), NULL);
    append_tagged(s, "a", "A", 2, stele_tags("y", "z"), NULL);
    append_tagged(s, "c-1", "C", 3, stele_any_tags(), NULL);
    append_tagged(s, "c-2", "B", 4, stele_tags("x", "y", "z"), NULL);
    append_tagged(s, "a", "A", 5, stele_any_tags(), NULL);
}

#define LIST(...)                                                                                  \
    {                                                                                              \
        (const char *const[]){__VA_ARGS__},                                                        \
            sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)                            \
    }
#define ANY                                                                                        \
    {                                                                                              \
        NULL, 0                                                                                    \
    }
#define ITEMS(...)                                                                                 \
    (const stele_query_item[]){__VA_ARGS__},                                                       \
        sizeof((const stele_query_item[]){__VA_ARGS__}) / sizeof(stele_query_item), 0

static const struct {
    stele_query query;
    const char *ids;
    const char *positions;
} queries[] = {
    {{ITEMS({LIST("A"), ANY})}, "e0 e2 e5", "1 3 6"},
    {{ITEMS({LIST("A", "C"), ANY})}, "e0 e2 e3 e5", "1 3 4 6"},
    {{ITEMS({ANY, LIST("x")})}, "e0 e1 e4", "1 2 5"},
    {{ITEMS({ANY, LIST("x", "y")})}, "e1 e4", "2 5"},
    {{ITEMS({ANY, LIST("z", "y", "x")})}, "e4", "5"},
    {{ITEMS({LIST("A", "B"), LIST("y")})}, "e1 e2 e4", "2 3 5"},
    {{ITEMS({LIST("A"), LIST("x")})}, "e0", "1"},
    {{ITEMS({LIST("A"), LIST("x")}, {LIST("C"), ANY})}, "e0 e3", "1 4"},
    {{ITEMS({ANY, LIST("z")}, {ANY, LIST("x")})}, "e0 e1 e2 e4", "1 2 3 5"},
    {{ITEMS({LIST("A"), ANY}, {LIST("A"), LIST("x")}, {ANY, LIST("x")})},
     "e0 e1 e2 e4 e5",
     "1 2 3 5 6"},
    {{ITEMS({LIST("A", "A"), LIST("x", "x")})}, "e0", "1"},
    {{ITEMS({ANY, ANY})}, "e0 e1 e2 e3 e4 e5", "1 2 3 4 5 6"},
    {{NULL, 0, 1}, "e0 e1 e2 e3 e4 e5", "1 2 3 4 5 6"},
    {{ITEMS({LIST("D"), ANY})}, "", ""},
    {{ITEMS({ANY, LIST("w")})}, "", ""},
    {{ITEMS({ANY, LIST("x", "w")})}, "", ""},
    {{ITEMS({LIST("A"), LIST("x", "y")})}, "", ""},
    {{ITEMS({LIST("C"), LIST("x")})}, "", ""},
    {{ITEMS({LIST("D"), ANY}, {ANY, LIST("w")}, {LIST("B"), LIST("z")})}, "e4", "5"},
};

TEST_ROWS(dcb_01_and_07_a_query_reads_what_matches, queries)
{
    SUITE(s);
    make_history(s);
    expect_says(ids(s, query_read(&queries[row].query)), queries[row].ids);
    expect_says(positions(s, query_read(&queries[row].query)), queries[row].positions);
}

TEST_ROWS(dcb_05_a_condition_is_violated_by_the_first_match_and_only_by_a_match, queries)
{
    SUITE(s);
    make_history(s);
    const copies matches = collect(s, query_read(&queries[row].query));
    stele_position after = 0;
    for (size_t i = 0; i < matches.count; i++) {
        const stele_record *first = &matches.records[i];
        const char *says =
            suite_print(s, "condition 0: e%d @%" PRIu64, first->id.bytes[15], first->position);
        for (; after < first->position; after++) {
            expect_says(append_with(s, "new", STELE_ANY, "e9",
                                    unless(s, queries[row].query, after)),
                        says);
        }
    }
    expect_says(append_with(s, "new", STELE_ANY, "e9", unless(s, queries[row].query, after)),
                "written 0 @7");
}

TEST(dcb_02_a_query_can_be_read_from_a_position)
{
    SUITE(s);
    make_history(s);
    const stele_query x = stele_query_of(stele_any_type(), stele_tags("x"));
    expect_says(ids(s, (stele_read){.query = &x, .from = STELE_AT_POSITION(2)}), "e1 e4");
    expect_says(ids(s, (stele_read){.query = &x, .from = STELE_AT_POSITION(3)}), "e4");
    expect_says(ids(s, (stele_read){.query = &x, .from = STELE_AT_POSITION(6)}), "");
}

TEST(dcb_03_a_query_can_be_read_backwards_and_with_a_limit)
{
    SUITE(s);
    make_history(s);
    const stele_query x = stele_query_of(stele_any_type(), stele_tags("x"));
    expect_says(ids(s, (stele_read){.query = &x, .direction = STELE_BACKWARDS}), "e4 e1 e0");
    expect_says(ids(s, (stele_read){.query = &x, .direction = STELE_BACKWARDS, .limit = 2}),
                "e4 e1");
    expect_says(ids(s, (stele_read){.query = &x, .limit = 1}), "e0");
    expect_says(ids(s, (stele_read){.query = &x,
                                    .direction = STELE_BACKWARDS,
                                    .from = STELE_AT_POSITION(2)}),
                "e1 e0");
}

TEST(dcb_04_a_conditional_append_is_all_or_nothing)
{
    SUITE(s);
    make_history(s);
    const stele_query w = stele_query_of(stele_any_type(), stele_tags("w"));
    const stele_query x = stele_query_of(stele_any_type(), stele_tags("x"));
    expect_says(commit(s, "d:e10 e:e11 f:e12", "", unless(s, x, 0)), "condition 0: e0 @1");
    expect_uint(head_of(s), 6);
    expect_says(state_of(s, "d"), "not found");
    expect_says(commit(s, "d:e10 e:e11 f:e12", "", unless(s, w, 0)), "written 0 @9");
}

TEST(dcb_06_a_query_without_items_is_refused_and_so_is_everything_with_items)
{
    SUITE(s);
    make_history(s);
    const stele_query none = {NULL, 0, 0};
    stele_query both = stele_query_of(stele_types("A"), stele_any_tags());
    both.everything = 1;
    expect_int(append_with(s, "a", STELE_ANY, "e9", unless(s, none, 0)).status, STELE_INVALID);
    expect_int(append_with(s, "a", STELE_ANY, "e9", unless(s, both, 0)).status, STELE_INVALID);
    expect_int(collect(s, query_read(&none)).status, STELE_INVALID);
    expect_int(collect(s, query_read(&both)).status, STELE_INVALID);
    const stele_condition nothing = {NULL, 0};
    const stele_append_options options = {.conditions = &nothing, .condition_count = 1};
    expect_int(append_with(s, "a", STELE_ANY, "e9", &options).status, STELE_INVALID);
    expect_uint(head_of(s), 6);
}

TEST(dcb_07_terms_are_compared_whole_and_bytewise)
{
    SUITE(s);
    append_tagged(s, "a", "Opened", 0, stele_tags("course:c1"), NULL);
    static const char *const others[] = {"course:c", "course:c11", "Course:c1", "course:c1 ",
                                         "course",   ":c1",        "c1"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        const stele_query tag = stele_query_of(stele_any_type(), stele_tags(others[i]));
        expect_says(ids(s, query_read(&tag)), "");
    }
    const stele_query type =
        stele_query_of(stele_types("opened", "Open", "Opened2"), stele_any_tags());
    expect_says(ids(s, query_read(&type)), "");
    const stele_query type_as_tag = stele_query_of(stele_types("course:c1"), stele_any_tags());
    expect_says(ids(s, query_read(&type_as_tag)), "");
    const stele_query tag_as_type = stele_query_of(stele_any_type(), stele_tags("Opened"));
    expect_says(ids(s, query_read(&tag_as_type)), "");
}

TEST(dcb_09_all_tags_of_an_event_are_exposed)
{
    SUITE(s);
    make_history(s);
    const stele_query z = stele_query_of(stele_any_type(), stele_tags("z"));
    const copies all = collect(s, query_read(&z));
    expect_uint(all.records[1].tag_count, 3);
    expect_text(all.records[1].tags[0], "x");
    expect_text(all.records[1].tags[1], "y");
    expect_text(all.records[1].tags[2], "z");
}

/* ---- conditions */

TEST(dcb_10_a_condition_without_after_fails_on_any_match)
{
    SUITE(s);
    const stele_query x = stele_query_of(stele_types("A"), stele_tags("x"));
    expect_says(append_tagged(s, "a", "A", 0, stele_tags("x"), unless(s, x, 0)), "written 0 @1");
    expect_says(append_tagged(s, "b", "A", 1, stele_tags("x"), unless(s, x, 0)),
                "condition 0: e0 @1");
    expect_says(append_tagged(s, "b", "A", 2, stele_tags("y"), unless(s, x, 0)),
                "condition 0: e0 @1");
}

TEST(dcb_11_after_is_exclusive)
{
    SUITE(s);
    make_history(s);
    const stele_query x = stele_query_of(stele_any_type(), stele_tags("x"));
    expect_says(append(s, "n", STELE_ANY, "e9"), "written 0 @7");
    expect_says(append_with(s, "n", STELE_ANY, "e10", unless(s, x, 0)), "condition 0: e0 @1");
    expect_says(append_with(s, "n", STELE_ANY, "e10", unless(s, x, 1)), "condition 0: e1 @2");
    expect_says(append_with(s, "n", STELE_ANY, "e10", unless(s, x, 2)), "condition 0: e4 @5");
    expect_says(append_with(s, "n", STELE_ANY, "e10", unless(s, x, 4)), "condition 0: e4 @5");
    expect_says(append_with(s, "n", STELE_ANY, "e10", unless(s, x, 5)), "written 1 @8");
}

TEST(dcb_11_after_may_exceed_the_last_match_and_the_head)
{
    SUITE(s);
    make_history(s);
    const stele_query x = stele_query_of(stele_any_type(), stele_tags("x"));
    expect_says(append_with(s, "n", STELE_ANY, "e10", unless(s, x, 6)), "written 0 @7");
    expect_says(append_with(s, "n", STELE_ANY, "e11", unless(s, x, 1000)), "written 1 @8");
    expect_says(append_with(s, "n", STELE_ANY, "e12", unless(s, x, UINT64_MAX)), "written 2 @9");
    expect_says(append_with(s, "n", STELE_ANY, "e13",
                            unless(s, stele_query_everything(), UINT64_MAX)),
                "written 3 @10");
}

TEST(dcb_11_everything_after_the_head_can_be_appended)
{
    SUITE(s);
    const stele_query all = stele_query_everything();
    expect_says(append_with(s, "a", STELE_ANY, "e0 e1 e2", unless(s, all, 0)), "written 2 @3");
    expect_says(append_with(s, "a", STELE_ANY, "e3", unless(s, all, 2)), "condition 0: e2 @3");
    expect_says(append_with(s, "a", STELE_ANY, "e3", unless(s, all, 3)), "written 3 @4");
    expect_says(append_with(s, "a", STELE_ANY, "e4", unless(s, all, 3)), "condition 0: e3 @4");
}

TEST(an_appends_own_events_do_not_violate_its_condition)
{
    SUITE(s);
    const stele_query x = stele_query_of(stele_any_type(), stele_tags("x"));
    stele_event two[] = {with_tags(event("A", 0, "{}"), stele_tags("x")),
                         with_tags(event("A", 1, "{}"), stele_tags("x"))};
    expect_says(append_events(s, "a", STELE_ANY, (batch){two, 2}, unless(s, x, 0)), "written 1 @2");
}

TEST(a_refusal_names_the_lowest_match_of_all_items)
{
    SUITE(s);
    make_history(s);
    const stele_query both = stele_query_any_of(stele_item(stele_types("C"), stele_any_tags()),
                                                stele_item(stele_any_type(), stele_tags("y", "z")));
    const outcome o = append_with(s, "n", STELE_ANY, "e9", unless(s, both, 0));
    expect_says(o, "condition 0: e2 @3");
    expect_int(o.error.detail, STELE_CONFLICT_CONDITION);
    expect_says(append_with(s, "n", STELE_ANY, "e9", unless(s, both, 3)), "condition 0: e3 @4");
    expect_says(append_with(s, "n", STELE_ANY, "e9", unless(s, both, 4)), "condition 0: e4 @5");
    expect_says(append_with(s, "n", STELE_ANY, "e9", unless(s, both, 5)), "written 0 @7");
}

TEST(several_conditions_must_all_hold_and_the_failing_one_is_named)
{
    SUITE(s);
    make_history(s);
    const stele_query w = stele_query_of(stele_any_type(), stele_tags("w"));
    const stele_query x = stele_query_of(stele_any_type(), stele_tags("x"));
    const stele_query c = stele_query_of(stele_types("C"), stele_any_tags());
    const stele_condition conditions[] = {{&w, 0}, {&x, 5}, {&c, 0}, {&w, 3}};
    stele_append_options options = {.conditions = conditions, .condition_count = 4};
    expect_says(append_with(s, "n", STELE_ANY, "e9", &options), "condition 2: e3 @4");
    const stele_condition first[] = {{&x, 4}, {&w, 0}, {&c, 4}};
    options = (stele_append_options){.conditions = first, .condition_count = 3};
    expect_says(append_with(s, "n", STELE_ANY, "e9", &options), "condition 0: e4 @5");
    /* Of two that fail, the one with the first violating event. */
    const stele_condition two[] = {{&x, 4}, {&c, 0}};
    options = (stele_append_options){.conditions = two, .condition_count = 2};
    expect_says(append_with(s, "n", STELE_ANY, "e9", &options), "condition 1: e3 @4");
    /* Of two that the same event violates, the first. */
    const stele_condition same[] = {{&w, 0}, {&c, 3}, {&c, 0}};
    options = (stele_append_options){.conditions = same, .condition_count = 3};
    expect_says(append_with(s, "n", STELE_ANY, "e9", &options), "condition 1: e3 @4");
    const stele_condition fine[] = {{&w, 0}, {&x, 5}, {&c, 4}};
    options = (stele_append_options){.conditions = fine, .condition_count = 3};
    expect_says(append_with(s, "n", STELE_ANY, "e9", &options), "written 0 @7");
}

TEST(a_refused_conditional_append_uses_no_position)
{
    SUITE(s);
    make_history(s);
    const stele_query x = stele_query_of(stele_any_type(), stele_tags("x"));
    for (unsigned i = 0; i < 5; i++) {
        expect_says(append_tagged(s, "n", "A", 9, stele_tags("x", "new"), unless(s, x, 0)),
                    "condition 0: e0 @1");
    }
    expect_says(append_tagged(s, "n", "A", 9, stele_tags("new"), unless(s, x, 5)), "written 0 @7");
    const stele_query new_ones = stele_query_of(stele_any_type(), stele_tags("new"));
    expect_says(ids(s, query_read(&new_ones)), "e9");
}

TEST(conditions_of_many_names_are_decided_as_those_of_few)
{
    static const char *const names[] = {"n0",  "n1",  "n2",  "n3",  "n4",  "n5",  "n6",
                                        "n7",  "n8",  "n9",  "n10", "n11", "n12", "n13",
                                        "n14", "n15", "n16", "n17", "n18", "x"};
    enum { NAMES = sizeof names / sizeof names[0] };
    SUITE(s);
    make_history(s);
    for (size_t count = 1; count <= NAMES; count++) {
        const stele_names last = {names + NAMES - count, count};
        const stele_query types = stele_query_of(last, stele_any_tags());
        const stele_query all = stele_query_of(stele_any_type(), last);
        stele_query_item items[NAMES];
        for (size_t i = 0; i < count; i++) {
            items[i] = (stele_query_item){.tags = {&last.names[i], 1}};
        }
        const stele_query any = {.items = items, .item_count = count};
        const struct {
            const stele_query *query;
            stele_position after;
        } passing[] = {{&any, 5}, {&types, 0}, {&all, count > 1 ? 0 : 5}};
        expect_says(append_with(s, "n", STELE_ANY, "e9", unless(s, any, 4)), "condition 0: e4 @5");
        for (size_t i = 0; i < 3; i++) {
            const size_t revision = 3 * (count - 1) + i;
            expect_says(append_with(s, "n", STELE_ANY, suite_print(s, "e%zu", 100 + revision),
                                    unless(s, *passing[i].query, passing[i].after)),
                        suite_print(s, "written %zu @%zu", revision, revision + 7));
        }
    }
}

TEST(conditions_and_expectations_can_be_mixed)
{
    SUITE(s);
    make_history(s);
    const stele_query x = stele_query_of(stele_any_type(), stele_tags("x"));
    expect_says(commit(s, "n:e9", "b=0 n=none", unless(s, x, 4)), "condition 0: e4 @5");
    expect_says(commit(s, "n:e9", "b=1 n=none", unless(s, x, 5)), "wanted 1, is 0");
    expect_says(commit(s, "n:e9", "b=1 n=none", unless(s, x, 4)), "wanted 1, is 0");
    expect_says(commit(s, "n:e9", "b=0 n=none", unless(s, x, 5)), "written 0 @7");
}

TEST(conditions_see_truncated_deleted_and_tombstoned_streams)
{
    SUITE(s);
    append_tagged(s, "a", "A", 0, stele_tags("x"), NULL);
    append_tagged(s, "b", "A", 1, stele_tags("y"), NULL);
    append_tagged(s, "c", "A", 2, stele_tags("z"), NULL);
    write_metadata(s, "a", STELE_ANY, "{\"$tb\":1}");
    delete_stream(s, "b", STELE_ANY);
    tombstone_stream(s, "c", STELE_ANY);
    expect_says(append_with(s, "n", STELE_ANY, "e9",
                            unless(s, stele_query_of(stele_any_type(), stele_tags("x")), 0)),
                "condition 0: e0 @1");
    expect_says(append_with(s, "n", STELE_ANY, "e9",
                            unless(s, stele_query_of(stele_any_type(), stele_tags("y")), 0)),
                "condition 0: e1 @2");
    expect_says(append_with(s, "n", STELE_ANY, "e9",
                            unless(s, stele_query_of(stele_types("A"), stele_tags("z")), 0)),
                "condition 0: e2 @3");
}

TEST(conditions_see_metadata_events_and_tombstones)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0");
    write_metadata(s, "a", STELE_ANY, "{}");
    tombstone_stream(s, "a", STELE_ANY);
    const stele_query metadata = stele_query_of(stele_types(STELE_TYPE_METADATA), stele_any_tags());
    const stele_query tombstones =
        stele_query_of(stele_types(STELE_TYPE_TOMBSTONE), stele_any_tags());
    expect_says(append_with(s, "n", STELE_ANY, "e9", unless(s, metadata, 0)), "condition 0: - @2");
    expect_says(append_with(s, "n", STELE_ANY, "e9", unless(s, tombstones, 0)),
                "condition 0: - @3");
    expect_says(append_with(s, "n", STELE_ANY, "e9", unless(s, stele_query_everything(), 2)),
                "condition 0: - @3");
    expect_says(append_with(s, "n", STELE_ANY, "e9", unless(s, tombstones, 3)), "written 0 @4");
}

TEST(conditions_see_what_was_appended_at_no_durability)
{
    SUITE(s);
    const stele_append_options quickly = {.durability = STELE_DURABLE_NONE};
    const stele_event one = with_tags(event("A", 0, "{}"), stele_tags("x"));
    append_event(s, "a", STELE_ANY, one, &quickly);
    const stele_query x = stele_query_of(stele_any_type(), stele_tags("x"));
    stele_append_options options = *unless(s, x, 0);
    options.durability = STELE_DURABLE_NONE;
    expect_says(append_with(s, "b", STELE_ANY, "e1", &options), "condition 0: e0 @1");
}

TEST(conditions_hold_over_much_history_and_reopening)
{
    SUITE(s);
    append_tagged(s, "a", "A", 0, stele_tags("x"), NULL);
    append_filler(s, 20000);
    append_tagged(s, "a", "A", 1, stele_tags("x", "y"), NULL);
    append_filler(s, 20000);
    suite_reopen(s);
    const stele_query x = stele_query_of(stele_any_type(), stele_tags("x"));
    const stele_query x_and_y = stele_query_of(stele_types("A"), stele_tags("x", "y"));
    const stele_query b = stele_query_of(stele_types("B"), stele_tags("x", "y"));
    expect_says(append_with(s, "n", STELE_ANY, "e9", unless(s, x, 0)), "condition 0: e0 @1");
    expect_says(append_with(s, "n", STELE_ANY, "e9", unless(s, x, 1)), "condition 0: e1 @2");
    expect_says(append_with(s, "n", STELE_ANY, "e9", unless(s, x_and_y, 0)), "condition 0: e1 @2");
    expect_says(append_with(s, "n", STELE_ANY, "e9", unless(s, x_and_y, 20002)), "written 0 @3");
    expect_says(append_with(s, "n", STELE_ANY, "e10", unless(s, b, 0)), "written 1 @4");
}

/* ---- retries (an append conflicts with its own events) */

TEST(a_retried_conditional_append_is_recognised_by_its_own_events)
{
    SUITE(s);
    const stele_query x = stele_query_of(stele_any_type(), stele_tags("x"));
    expect_says(append_tagged(s, "a", "A", 0, stele_tags("x"), unless(s, x, 0)), "written 0 @1");
    expect_says(append_tagged(s, "a", "A", 0, stele_tags("x"), unless(s, x, 0)), "already 0 @1");
    /* At revision 0 the ids alone would not make it a retry (AP-35). */
    const stele_event same = with_tags(event("A", 0, "{}"), stele_tags("x"));
    expect_says(append_event(s, "a", 0, same, unless(s, x, 0)), "already 0 @1");
    expect_uint(head_of(s), 1);
}

TEST(a_retried_conditional_append_is_recognised_as_a_whole_only)
{
    SUITE(s);
    const stele_query all = stele_query_everything();
    expect_says(append_with(s, "a", STELE_NO_STREAM, "e0 e1 e2", unless(s, all, 0)),
                "written 2 @3");
    expect_says(append_with(s, "a", 2, "e0 e1 e2", unless(s, all, 0)), "already 2 @3");
    expect_says(append_with(s, "a", 2, "e0 e1", unless(s, all, 0)), "condition 0: e0 @1");
    expect_says(append_with(s, "a", 2, "e0 e2 e1", unless(s, all, 0)), "condition 0: e0 @1");
    expect_says(append_with(s, "a", 2, "e0 e1 e2 e3", unless(s, all, 0)), "condition 0: e0 @1");
    expect_says(append_with(s, "a", 2, "e0 e1 e9", unless(s, all, 0)), "condition 0: e0 @1");
    expect_uint(head_of(s), 3);
}

TEST(a_conditional_append_in_front_of_which_another_came_is_no_retry)
{
    SUITE(s);
    const stele_query all = stele_query_everything();
    append(s, "b", STELE_ANY, "e5");
    expect_says(append_with(s, "a", STELE_NO_STREAM, "e0", unless(s, all, 1)), "written 0 @2");
    expect_says(append_with(s, "a", 0, "e0", unless(s, all, 0)), "condition 0: e5 @1");
    expect_says(append_with(s, "a", 0, "e0", unless(s, all, 1)), "already 0 @2");
    append(s, "b", STELE_ANY, "e6");
    expect_says(append_with(s, "a", 0, "e0", unless(s, all, 1)), "already 0 @2");
}

TEST(a_conditional_append_without_ids_is_never_a_retry)
{
    SUITE(s);
    const stele_query all = stele_query_everything();
    expect_says(append_with(s, "a", STELE_ANY, "-", unless(s, all, 0)), "written 0 @1");
    expect_says(append_with(s, "a", STELE_ANY, "-", unless(s, all, 0)), "condition 0: - @1");
}

TEST(a_retried_conditional_append_answers_the_original_receipt)
{
    SUITE(s);
    const stele_query all = stele_query_everything();
    append(s, "a", STELE_ANY, "e7");
    const outcome first = append_with(s, "a", 0, "e0 e1", unless(s, all, 1));
    append_others(s, 100);
    suite_pass(s, STELE_SECONDS(5));
    suite_reopen(s);
    const outcome again = append_with(s, "a", 2, "e0 e1", unless(s, all, 1));
    expect_says(again, "already 2 @3");
    expect_uint(again.receipt.first_position, 2);
    expect_int(again.receipt.time, first.receipt.time);
}

TEST(a_retried_conditional_commit_to_several_streams_is_recognised)
{
    SUITE(s);
    const stele_query all = stele_query_everything();
    expect_says(commit(s, "a:e0 b:e1 a:e2", "a=none b=none", unless(s, all, 0)), "written 1 @3");
    expect_says(commit(s, "a:e0 b:e1 a:e2", "a=1 b=0", unless(s, all, 0)), "already 1 @3");
    expect_says(commit(s, "a:e0 b:e1 a:e3", "a=1 b=0", unless(s, all, 0)), "condition 0: e0 @1");
}

TEST_WITHIN(a_conditional_append_is_recognised_beyond_the_window_of_ids, 60)
{
    SUITE(s);
    const stele_query x = stele_query_of(stele_any_type(), stele_tags("x"));
    append_tagged(s, "a", "A", 0, stele_tags("x"), unless(s, x, 0));
    append_filler(s, STELE_ID_WINDOW + 10);
    expect_says(append_tagged(s, "a", "A", 0, stele_tags("x"), unless(s, x, 0)), "already 0 @1");
    expect_says(append_tagged(s, "a", "A", 1, stele_tags("x"), unless(s, x, 0)),
                "condition 0: e0 @1");
}

TEST(a_retried_conditional_append_that_recreated_its_stream_is_recognised)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0");
    delete_stream(s, "a", STELE_ANY);
    const stele_query x = stele_query_of(stele_any_type(), stele_tags("x"));
    expect_says(append_tagged(s, "a", "A", 1, stele_tags("x"), unless(s, x, 0)), "written 1 @4");
    const stele_event same = with_tags(event("A", 1, "{}"), stele_tags("x"));
    expect_says(append_event(s, "a", 1, same, unless(s, x, 0)), "already 1 @4");
}

TEST(a_retried_conditional_append_is_compared_when_strict)
{
    SUITE(s);
    const stele_query x = stele_query_of(stele_any_type(), stele_tags("x"));
    append_tagged(s, "a", "A", 0, stele_tags("x"), unless(s, x, 0));
    stele_append_options strictly = *unless(s, x, 0);
    strictly.flags = STELE_STRICT;
    const stele_event same = with_tags(event("A", 0, "{}"), stele_tags("x"));
    const stele_event other = with_tags(event("A", 0, "{\"a\":1}"), stele_tags("x"));
    expect_says(append_event(s, "a", 0, same, &strictly), "already 0 @1");
    expect_says(append_event(s, "a", 0, other, &strictly), "other content");
    expect_says(append_event(s, "a", 0, other, unless(s, x, 0)), "already 0 @1");
}

/* ---- the course enrolment story */

enum { SEATS = 3 };

typedef struct enrolment {
    bool course_exists;
    bool is_enrolled;
    unsigned taken;
    stele_position head;
} enrolment;

static bool has_tag(const stele_record *record, const char *tag)
{
    for (size_t i = 0; i < record->tag_count; i++) {
        if (record->tags[i].size == strlen(tag) &&
            memcmp(record->tags[i].data, tag, strlen(tag)) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_type(const stele_record *record, const char *type)
{
    return record->type.size == strlen(type) && memcmp(record->type.data, type, strlen(type)) == 0;
}

static enrolment look_at(suite *s, const stele_query *query, const char *student)
{
    const copies all = collect(s, (stele_read){.query = query});
    enrolment now = {.head = all.head};
    for (size_t i = 0; i < all.count; i++) {
        const stele_record *record = &all.records[i];
        if (is_type(record, "CourseDefined")) {
            now.course_exists = true;
        } else if (is_type(record, "StudentEnrolled")) {
            now.taken++;
            now.is_enrolled = now.is_enrolled || has_tag(record, student);
        } else {
            now.taken--;
            now.is_enrolled = now.is_enrolled && !has_tag(record, student);
        }
    }
    return now;
}

/* Reads, decides, appends under the condition that what was read is still all there is.
 * `in_between` plays the others. */
static const char *enrol(suite *s, const char *course, const char *student, unsigned n,
                         void (*in_between)(suite *s))
{
    const stele_query boundary =
        stele_query_of(stele_types("CourseDefined", "StudentEnrolled", "StudentLeft"),
                       stele_tags(course));
    const enrolment seen = look_at(s, &boundary, student);
    if (!seen.course_exists) {
        return "no such course";
    }
    if (seen.is_enrolled) {
        return "is enrolled";
    }
    if (seen.taken == SEATS) {
        return "is full";
    }
    if (in_between) {
        in_between(s);
    }
    return outcome_text(append_tagged(s, "enrolments", "StudentEnrolled", n,
                                      stele_tags(course, student), unless(s, boundary, seen.head)));
}

static void somebody_else_enrols(suite *s)
{
    expect_says(enrol(s, "course:c1", "student:s9", 90, NULL), "written 2 @5");
}

static void another_course_is_busy(suite *s)
{
    expect_says(enrol(s, "course:c2", "student:s9", 91, NULL), "written 4 @7");
}

TEST(the_course_enrolment_story)
{
    SUITE(s);
    expect_says(enrol(s, "course:c1", "student:s1", 1, NULL), "no such course");
    append_tagged(s, "courses", "CourseDefined", 100, stele_tags("course:c1"), NULL);
    append_tagged(s, "courses", "CourseDefined", 101, stele_tags("course:c2"), NULL);
    expect_says(enrol(s, "course:c1", "student:s1", 1, NULL), "written 0 @3");
    expect_says(enrol(s, "course:c1", "student:s1", 2, NULL), "is enrolled");
    expect_says(enrol(s, "course:c1", "student:s2", 2, NULL), "written 1 @4");
    /* One seat is left; somebody takes it while we decide. */
    expect_says(enrol(s, "course:c1", "student:s3", 3, somebody_else_enrols),
                "condition 0: e90 @5");
    expect_says(enrol(s, "course:c1", "student:s3", 3, NULL), "is full");
    /* A seat gets free. What happens to other courses meanwhile does not matter. */
    append_tagged(s, "enrolments", "StudentLeft", 4, stele_tags("course:c1", "student:s1"), NULL);
    expect_says(enrol(s, "course:c1", "student:s3", 3, another_course_is_busy), "written 5 @8");
    expect_says(enrol(s, "course:c1", "student:s1", 5, NULL), "is full");
    const stele_query c1 = stele_query_of(stele_any_type(), stele_tags("course:c1"));
    expect_says(ids(s, query_read(&c1)), "e100 e1 e2 e90 e4 e3");
}

TEST(strict_compares_contents_only_with_a_commit_of_the_same_ids)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0 e1");
    static const char *const types[] = {"happened"};
    const stele_query_item item = {.types = {types, 1}};
    const stele_query query = {.items = &item, .item_count = 1};
    const stele_condition condition = {.no_event_matching = &query};
    const stele_append_options options = {.flags = STELE_STRICT,
                                          .conditions = &condition,
                                          .condition_count = 1};
    /* The commit that violates the condition begins with the same id and other content. */
    const outcome o = append_event(s, "b", STELE_ANY, event("other", 0, "{}"), &options);
    expect_uint(o.error.detail, STELE_CONFLICT_CONDITION);
    expect_uint(o.error.conflict.position, 1);
}

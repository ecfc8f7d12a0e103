/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conformance: expectations about streams that a commit writes or only checks (AR-01 … AR-08), what
 * a refusal reports, and the order in which things are checked. (AR-02 is about a protocol's form
 * of metadata; AR-07 stands in test_append.c.)
 */
#include "suite.h"

#include <inttypes.h>
#include <string.h>

/* ---- the table of states and expectations */

/* Streams in every state there is; written to in this order. */
static void make_states(suite *s)
{
    append(s, "full", STELE_NO_STREAM, "e0 e1 e2 e3");
    append(s, "one", STELE_NO_STREAM, "e0");
    write_metadata(s, "bare", STELE_NO_STREAM, "{\"k\":1}");
    append(s, "gone", STELE_NO_STREAM, "e0 e1 e2");
    delete_stream(s, "gone", STELE_ANY);
    append(s, "dead", STELE_NO_STREAM, "e0 e1 e2");
    tombstone_stream(s, "dead", STELE_ANY);
    append(s, "empty", STELE_NO_STREAM, "e0 e1 e2");
    write_metadata(s, "empty", STELE_ANY, "{\"$tb\":3}");
    append(s, "back", STELE_NO_STREAM, "e0 e1 e2");
    delete_stream(s, "back", STELE_ANY);
    append(s, "back", STELE_NO_STREAM, "e3");
    tombstone_stream(s, "never", STELE_NO_STREAM);
}

typedef struct case_of_a_check {
    const char *check;
    const char *says; /* the violation; NULL: it holds */
} case_of_a_check;

/* "missing" was never mentioned; "full" has revision 3, "one" revision 0; "bare" has metadata only;
 * "gone" was soft-deleted at revision 2; "dead" has a tombstone after revision 2, "never" nothing
 * but a tombstone; "empty" shows nothing, for it is truncated after revision 2; "back" was deleted
 * and recreated with revision 3. */
static const case_of_a_check checks_only[] = {
    {"missing=none", NULL},
    {"missing=any", NULL},
    {"missing=0", "wanted 0, is none"},
    {"missing=3", "wanted 3, is none"},
    {"missing=exists", "wanted exists, is none"},
    {"missing=deleted", "wanted deleted, is none"},
    {"missing=tombstoned", "wanted tombstoned, is none"},

    {"full=none", "wanted none, is 3"},
    {"full=any", NULL},
    {"full=3", NULL},
    {"full=2", "wanted 2, is 3"},
    {"full=4", "wanted 4, is 3"},
    {"full=exists", NULL},
    {"full=deleted", "wanted deleted, is 3"},
    {"full=tombstoned", "wanted tombstoned, is 3"},

    {"one=none", "wanted none, is 0"},
    {"one=0", NULL},
    {"one=1", "wanted 1, is 0"},
    {"one=exists", NULL},
    {"one=deleted", "wanted deleted, is 0"},
    {"one=tombstoned", "wanted tombstoned, is 0"},

    {"bare=none", NULL},
    {"bare=any", NULL},
    {"bare=0", "wanted 0, is none"},
    {"bare=exists", NULL},
    {"bare=deleted", "wanted deleted, is none"},
    {"bare=tombstoned", "wanted tombstoned, is none"},

    {"gone=none", NULL},
    {"gone=any", NULL},
    {"gone=2", "wanted 2, is deleted"},
    {"gone=1", "wanted 1, is deleted"},
    {"gone=exists", "wanted exists, is deleted"},
    {"gone=deleted", NULL},
    {"gone=tombstoned", "wanted tombstoned, is deleted"},

    {"dead=none", NULL},
    {"dead=any", NULL},
    {"dead=2", "wanted 2, is tombstoned"},
    {"dead=exists", "wanted exists, is tombstoned"},
    {"dead=deleted", "wanted deleted, is tombstoned"},
    {"dead=tombstoned", NULL},

    {"never=none", NULL},
    {"never=0", "wanted 0, is tombstoned"},
    {"never=exists", "wanted exists, is tombstoned"},
    {"never=deleted", "wanted deleted, is tombstoned"},
    {"never=tombstoned", NULL},

    {"empty=none", "wanted none, is 2"},
    {"empty=2", NULL},
    {"empty=exists", NULL},
    {"empty=deleted", "wanted deleted, is 2"},

    {"back=none", "wanted none, is 3"},
    {"back=3", NULL},
    {"back=2", "wanted 2, is 3"},
    {"back=exists", NULL},
    {"back=deleted", "wanted deleted, is 3"},
};

/* All rows in one store: a passing check changes nothing about the stream it is of. */
TEST(AR_03_a_check_of_a_stream_that_is_not_written)
{
    SUITE(s);
    make_states(s);
    const stele_position before = head_of(s);
    stele_position written = 0;
    for (size_t i = 0; i < sizeof checks_only / sizeof checks_only[0]; i++) {
        const case_of_a_check *it = &checks_only[i];
        const outcome o = commit(s, "target:-", it->check, NULL);
        const char *says = it->says ? suite_print(s, "%s 0: %s", it->check, it->says)
                                    : suite_print(s, "%s", it->check);
        expect_says(suite_print(s, "%s%s%s", it->check, o.status ? " " : "", violations(o)), says);
        if (it->says) {
            expect_int(o.error.detail, STELE_CONFLICT_REVISION);
            expect_says(o, it->says);
        } else {
            written++;
        }
        expect_uint(head_of(s), before + written);
    }
}

/* What the same states answer when the commit writes the stream itself. Each row has a store of its
 * own. */
static const case_of_a_check checks_and_writes[] = {
    {"missing=none", NULL},
    {"missing=any", NULL},
    {"missing=0", "wanted 0, is none"},
    {"missing=exists", "wanted exists, is none"},
    {"full=none", "wanted none, is 3"},
    {"full=any", NULL},
    {"full=3", NULL},
    {"full=2", "wanted 2, is 3"},
    {"full=4", "wanted 4, is 3"},
    {"full=exists", NULL},
    {"one=none", "wanted none, is 0"},
    {"one=0", NULL},
    {"one=1", "wanted 1, is 0"},
    {"one=exists", NULL},
    {"bare=none", NULL},
    {"bare=any", NULL},
    {"bare=0", "wanted 0, is none"},
    {"bare=exists", NULL},
    {"gone=none", NULL},
    {"gone=any", NULL},
    {"gone=2", NULL},
    {"gone=1", "wanted 1, is 2"},
    {"gone=3", "wanted 3, is 2"},
    {"gone=exists", "deleted"},
    {"dead=none", "tombstoned"},
    {"dead=any", "tombstoned"},
    {"dead=2", "tombstoned"},
    {"dead=exists", "tombstoned"},
    {"never=none", "tombstoned"},
    {"empty=none", "wanted none, is 2"},
    {"empty=2", NULL},
    {"empty=exists", NULL},
    {"back=none", "wanted none, is 3"},
    {"back=2", "wanted 2, is 3"},
    {"back=3", NULL},
};

TEST_ROWS(AR_03_a_check_of_a_stream_that_is_written, checks_and_writes)
{
    SUITE(s);
    make_states(s);
    const case_of_a_check *it = &checks_and_writes[row];
    const size_t name_size = strcspn(it->check, "=");
    const char *stream = suite_print(s, "%.*s", (int)name_size, it->check);
    const stele_position before = head_of(s);
    const outcome o = commit(s, suite_print(s, "%s:e77", stream), it->check, NULL);
    if (it->says) {
        expect_says(o, it->says);
        expect_uint(head_of(s), before);
    } else {
        expect_int(o.status, STELE_OK);
        expect_says(ids(s,
                        (stele_read){.stream = stream, .direction = STELE_BACKWARDS, .limit = 1}),
                    "e77");
    }
}

/* The same by stele_append(), where the expectation is an argument. */
TEST_ROWS(AR_03_an_append_decides_as_a_commit_does, checks_and_writes)
{
    SUITE(s);
    make_states(s);
    const case_of_a_check *it = &checks_and_writes[row];
    const char *equals = strchr(it->check, '=');
    const char *stream = suite_print(s, "%.*s", (int)(equals - it->check), it->check);
    static const struct {
        const char *word;
        stele_expected expected;
    } words[] = {{"=none", STELE_NO_STREAM},
                 {"=any", STELE_ANY},
                 {"=exists", STELE_EXISTS},
                 {"=0", 0},
                 {"=1", 1},
                 {"=2", 2},
                 {"=3", 3},
                 {"=4", 4}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(words[i].word, equals) == 0) {
            const outcome o = append(s, stream, words[i].expected, "e77");
            expect_says(o.status ? outcome_text(o) : "holds", it->says ? it->says : "holds");
            return;
        }
    }
    test_fail("the table has an expectation that this test does not know: %s", it->check);
}

/* ---- AR-01 … AR-08 */

TEST(AR_01_records_to_one_and_to_several_streams_interleaved)
{
    SUITE(s);
    expect_says(commit(s, "a:e0 a:e1", "", NULL), "written 1 @2");
    expect_says(commit(s, "b:e0 c:e1", "", NULL), "written 0 @4");
    const outcome o = commit(s, "d:e0 e:e1 d:e2 e:e3 d:e4", "", NULL);
    expect_says(o, "written 2 @9");
    expect_says(revisions_answered(o, 5), "0 0 1 1 2");
    expect_says(ids(s, (stele_read){.stream = "d"}), "e0 e2 e4");
    expect_says(ids(s, (stele_read){.stream = "e"}), "e1 e3");
    expect_says(ids(s, (stele_read){.from = STELE_AT_POSITION(5)}), "e0 e1 e2 e3 e4");
}

TEST(AR_04_without_a_check_any_is_expected)
{
    SUITE(s);
    make_states(s);
    const stele_position before = head_of(s);
    expect_says(commit(s, "missing:e9", "", NULL),
                suite_print(s, "written 0 @%" PRIu64, before + 1));
    expect_says(commit(s, "full:e9", "", NULL), suite_print(s, "written 4 @%" PRIu64, before + 2));
    expect_says(commit(s, "gone:e9", "", NULL), suite_print(s, "written 3 @%" PRIu64, before + 4));
    expect_says(ids(s, (stele_read){.stream = "gone"}), "e9");
    expect_says(commit(s, "dead:e9", "", NULL), "tombstoned");
    expect_says(commit(s, "full:e10 dead:e9", "", NULL), "tombstoned");
    expect_says(state_of(s, "full"), "4");
}

TEST(AR_05_all_failing_checks_are_reported_and_only_those)
{
    SUITE(s);
    make_states(s);
    const stele_position before = head_of(s);
    const outcome o =
        commit(s, "target:e9", "full=3 missing=2 bare=exists gone=2 full2=exists dead=0", NULL);
    expect_says(violations(o),
                "1: wanted 2, is none; 3: wanted 2, is deleted; 4: wanted exists, is none; "
                "5: wanted 0, is tombstoned");
    expect_uint(o.error.conflict.violation_count, 4);
    expect_uint(o.error.conflict.index, 1);
    expect_says(o, "wanted 2, is none");
    expect_uint(head_of(s), before);
    expect_says(state_of(s, "target"), "not found");
}

TEST(AR_05_the_first_violation_is_told_without_room_for_any)
{
    SUITE(s);
    const stele_event one = in_stream("target", event("t", 0, "{}"));
    const stele_check checks[] = {{"a", STELE_NO_STREAM}, {"b", 4}, {"c", STELE_EXISTS}};
    const stele_commit all = {.events = &one, .event_count = 1, .checks = checks, .check_count = 3};
    stele_error error;
    expect_status(stele_append_commit(on(s), &all, NULL, NULL, &error), STELE_CONFLICT);
    expect_uint(error.conflict.index, 1);
    expect_int(error.conflict.expected_revision, 4);
    expect_int(error.conflict.actual_revision, STELE_NO_STREAM);
    expect_uint(error.conflict.violation_count, 2);
    expect_contains(error.message, "b");
}

TEST(AR_05_no_more_violations_are_written_than_there_is_room_for)
{
    SUITE(s);
    stele_violation room[3];
    memset(room, 0x5a, sizeof room);
    const stele_append_options options = {.violations = room, .violations_capacity = 2};
    const stele_event one = in_stream("target", event("t", 0, "{}"));
    const stele_check checks[] = {{"a", 0}, {"b", 1}, {"c", 2}};
    const stele_commit all = {&one, 1, checks, 3, &options};
    stele_error error;
    expect_status(stele_append_commit(on(s), &all, NULL, NULL, &error), STELE_CONFLICT);
    expect_uint(error.conflict.violation_count, 3);
    expect_uint(room[0].index, 0);
    expect_int(room[0].expected, 0);
    expect_uint(room[1].index, 1);
    expect_int(room[1].expected, 1);
    expect_int(room[1].actual, STELE_NO_STREAM);
    expect_uint(room[2].index, 0x5a5a5a5a);
}

/* Checks of "full", "gone" and the like, and what they come to together. */
static const struct {
    const char *events;
    const char *checks;
    const char *says;
} combinations[] = {
    {"t:e9", "full=3 missing=none gone=none dead=none", ""},
    {"t:e9", "full=3 missing=0", "1: wanted 0, is none"},
    {"t:e9", "full=2 missing=none", "0: wanted 2, is 3"},
    {"t:e9", "full=2 bare=exists missing=exists", "0: wanted 2, is 3; 2: wanted exists, is none"},
    {"t:e9", "full=2 bare=5 missing=exists",
     "0: wanted 2, is 3; 1: wanted 5, is none; 2: wanted exists, is none"},
    {"t:e9", "gone=exists dead=exists missing=exists",
     "0: wanted exists, is deleted; 1: wanted exists, is tombstoned; 2: wanted exists, is none"},
    {"t:e9", "gone=deleted dead=tombstoned full=3", ""},
    {"t:e9", "gone=tombstoned dead=deleted",
     "0: wanted tombstoned, is deleted; 1: wanted deleted, is tombstoned"},
    {"t:e9", "t=none full=7", "1: wanted 7, is 3"},
    {"t:e9", "full=7 t=none", "0: wanted 7, is 3"},
    {"full:e9", "full=3 missing=4", "1: wanted 4, is none"},
    {"full:e9 back:e8", "full=2 back=3 gone=2", "0: wanted 2, is 3; 2: wanted 2, is deleted"},
    {"full:e9 gone:e8", "gone=1 full=2", "0: wanted 1, is 2; 1: wanted 2, is 3"},
    /* Streams that no check names come behind the checks, by their first event. */
    {"full:e0 t:e9", "", "0: wanted any, is 3"},
    {"t:e9 full:e0", "missing=1 t=0",
     "0: wanted 1, is none; 1: wanted 0, is none; 3: wanted any, is 3"},
    {"t:e9 t:e8 dead:e7 full:e1", "missing=none", "3: wanted any, is tombstoned"},
    {"$$full:e9 one:e0 full:e0", "", "1: wanted any, is 0; 2: wanted any, is 3"},
};

TEST_ROWS(AR_06_combinations_of_checks, combinations)
{
    SUITE(s);
    make_states(s);
    const stele_position before = head_of(s);
    const outcome o = commit(s, combinations[row].events, combinations[row].checks, NULL);
    expect_says(violations(o), combinations[row].says);
    expect_uint(head_of(s), before + (combinations[row].says[0] ? 0 : 1));
}

TEST(AR_08_a_check_looks_at_the_state_before_the_commit)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0 e1");
    expect_says(commit(s, "a:e2 a:e3 b:e4 a:e5", "a=1 b=none", NULL), "written 4 @6");
    expect_says(commit(s, "a:e6 a:e7", "a=5", NULL), "wanted 5, is 4");
    expect_says(commit(s, "c:e8 c:e9", "c=0", NULL), "wanted 0, is none");
}

TEST(a_check_may_name_a_metadata_stream)
{
    SUITE(s);
    write_metadata(s, "a", STELE_ANY, "{}");
    expect_says(commit(s, "t:e0", "$$a=0", NULL), "written 0 @2");
    expect_says(commit(s, "t:e1", "$$a=1", NULL), "wanted 1, is 0");
    expect_says(commit(s, "t:e1", "$$b=none", NULL), "written 1 @3");
}

TEST(checks_name_each_stream_once)
{
    SUITE(s);
    expect_invalid(commit(s, "a:e0", "account-9=none b=none account-9=any", NULL), "account-9");
    expect_uint(head_of(s), 0);
}

TEST(deleted_and_tombstoned_can_only_be_checked)
{
    SUITE(s);
    expect_invalid(commit(s, "account-9:e0", "account-9=deleted", NULL), "account-9");
    expect_invalid(commit(s, "b:e0 account-9:e0", "b=any account-9=tombstoned", NULL), "account-9");
    expect_int(append(s, "a", STELE_IS_DELETED, "e0").status, STELE_INVALID);
    expect_int(append(s, "a", STELE_IS_TOMBSTONED, "e0").status, STELE_INVALID);
    expect_uint(head_of(s), 0);
}

TEST(an_expectation_that_means_nothing_is_refused)
{
    SUITE(s);
    expect_int(append(s, "a", -3, "e0").status, STELE_INVALID);
    expect_int(append(s, "a", -7, "e0").status, STELE_INVALID);
    expect_int(append(s, "a", INT64_MIN, "e0").status, STELE_INVALID);
    expect_int(commit(s, "a:e0", "b=-3", NULL).status, STELE_INVALID);
    expect_int(commit(s, "a:e0", "b=-7", NULL).status, STELE_INVALID);
    expect_uint(head_of(s), 0);
}

/* ---- the order of checks */

static const stele_append_options keyed = {.key = "k"};

TEST(order_limits_come_before_the_key)
{
    SUITE(s);
    append_with(s, "a", STELE_ANY, "e0", &keyed);
    expect_invalid(append_with(s, suite_repeat(s, 's', 1025), STELE_ANY, "e0", &keyed), "stream");
    expect_int(append_with(s, "a", -3, "e0", &keyed).status, STELE_INVALID);
}

TEST(order_limits_come_before_the_tombstone_and_expectations)
{
    SUITE(s);
    tombstone_stream(s, "dead", STELE_ANY);
    const stele_event bad = in_stream("dead", event("", 1, "{}"));
    expect_invalid(append_event(s, "dead", STELE_ANY, bad, NULL), "type");
    expect_invalid(commit_events(s, (batch){&(stele_event){.stream = "a", .type = ""}, 1}, "a=4",
                                 NULL),
                   "type");
}

TEST(order_the_key_comes_before_the_tombstone)
{
    SUITE(s);
    append_with(s, "a", STELE_NO_STREAM, "e0", &keyed);
    tombstone_stream(s, "a", STELE_ANY);
    expect_says(append_with(s, "a", STELE_NO_STREAM, "e0", &keyed), "already 0 @1");
    expect_says(append_with(s, "a", STELE_NO_STREAM, "e1", &keyed), "key @1");
}

TEST(order_the_key_comes_before_ids_expectations_and_conditions)
{
    SUITE(s);
    append(s, "a", STELE_NO_STREAM, "e0");
    append_with(s, "b", STELE_NO_STREAM, "e1", &keyed);
    expect_says(append_with(s, "a", STELE_NO_STREAM, "e0", &keyed), "key @2");
    expect_says(append_with(s, "a", 7, "e5", &keyed), "key @2");
    const stele_query all = stele_query_everything();
    const stele_condition none = {.no_event_matching = &all};
    const stele_append_options options = {.key = "k", .conditions = &none, .condition_count = 1};
    expect_says(append_with(s, "b", 7, "e1", &options), "already 0 @2");
    expect_says(append_with(s, "b", 7, "e2", &options), "key @2");
}

TEST(order_the_tombstone_comes_before_ids)
{
    SUITE(s);
    append(s, "a", STELE_NO_STREAM, "e0");
    tombstone_stream(s, "a", STELE_ANY);
    expect_says(append(s, "a", STELE_NO_STREAM, "e0"), "tombstoned");
    expect_says(append(s, "a", STELE_ANY, "e0"), "tombstoned");
}

TEST(order_the_tombstone_comes_before_expectations_and_conditions)
{
    SUITE(s);
    append(s, "b", STELE_ANY, "e0");
    tombstone_stream(s, "dead", STELE_ANY);
    const stele_query all = stele_query_everything();
    const stele_condition none = {.no_event_matching = &all};
    const stele_append_options options = {.conditions = &none, .condition_count = 1};
    expect_says(commit(s, "dead:e1", "b=7", NULL), "tombstoned");
    expect_says(commit(s, "b:e1 dead:e2", "b=7", NULL), "tombstoned");
    expect_says(commit(s, "dead:e1", "", &options), "tombstoned");
}

TEST(order_ids_come_before_expectations_of_other_streams)
{
    SUITE(s);
    append(s, "b", STELE_ANY, "e0");
    expect_says(commit(s, "a:e1", "a=none b=0", NULL), "written 0 @2");
    append(s, "b", STELE_ANY, "e2");
    expect_says(commit(s, "a:e1", "a=none b=0", NULL), "already 0 @2");
    expect_says(commit(s, "a:e1", "b=0", NULL), "already 0 @2");
    expect_says(commit(s, "a:e9", "b=0", NULL), "wanted 0, is 1");
}

TEST(order_ids_come_before_conditions)
{
    SUITE(s);
    const stele_query all = stele_query_everything();
    const stele_condition none = {.no_event_matching = &all};
    const stele_append_options options = {.conditions = &none, .condition_count = 1};
    append(s, "a", STELE_NO_STREAM, "e0");
    append(s, "b", STELE_NO_STREAM, "e1");
    expect_says(append_with(s, "a", STELE_NO_STREAM, "e0", &options), "already 0 @1");
    expect_says(append_with(s, "a", STELE_ANY, "e0", &options), "already 0 @1");
}

TEST(order_expectations_come_before_conditions)
{
    SUITE(s);
    const stele_query all = stele_query_everything();
    const stele_condition none = {.no_event_matching = &all};
    const stele_append_options options = {.conditions = &none, .condition_count = 1};
    append(s, "a", STELE_NO_STREAM, "e0");
    expect_says(append_with(s, "a", STELE_NO_STREAM, "e1", &options), "wanted none, is 0");
    expect_says(commit(s, "b:e1", "a=7", &options), "wanted 7, is 0");
    expect_says(append_with(s, "a", 0, "e1", &options), "condition 0: e0 @1");
}

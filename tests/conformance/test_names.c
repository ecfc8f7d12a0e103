/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conformance: lists of streams, categories, types and tags: their order, filters, paging, and what
 * is told of each.
 */
#include "suite.h"

#include <inttypes.h>
#include <string.h>

/* "account-1 account-2 …" with the counts of events: "account-1:3". */
static const char *counts_of(suite *s, stele_list list)
{
    stele_name_list *names = NULL;
    stele_error error;
    const char *text = "";
    expect_ok(stele_names_open(on(s), &list, &names, &error), &error);
    for (const stele_name_entry *entry; (entry = stele_names_next(names, &error));) {
        text = suite_print(s, "%s%s%.*s:%" PRIu64, text, *text ? " " : "", STELE_TEXT(entry->name),
                           entry->event_count);
    }
    expect_ok(error.status, &error);
    stele_names_free(names);
    return text;
}

static void make_streams(suite *s)
{
    commit(
        s,
        "order-2:e0 account-10:e1 order-1:e2 account-1:e3 plain:e4 account-2:e5 -x:e6 order-1:e7 "
        "$sys-1:e8",
        "", NULL);
}

TEST(streams_are_listed_in_bytewise_order)
{
    SUITE(s);
    make_streams(s);
    expect_says(names_of(s, (stele_list){0}),
                "$sys-1 -x account-1 account-10 account-2 order-1 order-2 plain");
    expect_says(counts_of(s, (stele_list){.prefix = "order"}), "order-1:2 order-2:1");
}

TEST(bytes_above_127_come_after_letters)
{
    SUITE(s);
    commit(s, "\xc3\xa4:e0 z:e1 a:e2 Z:e3 \xf0\x9f\x98\x80:e4 \xe2\x82\xac:e5 aa:e6 A:e7", "",
           NULL);
    expect_says(names_of(s, (stele_list){0}), "A Z a aa z \xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80");
}

TEST(an_empty_store_has_no_names)
{
    SUITE(s);
    for (int kind = STELE_STREAM_NAMES; kind <= STELE_TAG_NAMES; kind++) {
        expect_says(names_of(s, (stele_list){.kind = (stele_name_kind)kind}), "");
    }
}

TEST(streams_are_listed_by_prefix)
{
    SUITE(s);
    make_streams(s);
    expect_says(names_of(s, (stele_list){.prefix = "account-1"}), "account-1 account-10");
    expect_says(names_of(s, (stele_list){.prefix = "a"}), "account-1 account-10 account-2");
    expect_says(names_of(s, (stele_list){.prefix = "plain"}), "plain");
    expect_says(names_of(s, (stele_list){.prefix = "plainer"}), "");
    expect_says(names_of(s, (stele_list){.prefix = "zzz"}), "");
    expect_says(names_of(s, (stele_list){.prefix = ""}), names_of(s, (stele_list){0}));
}

TEST(streams_are_listed_by_category)
{
    SUITE(s);
    make_streams(s);
    expect_says(names_of(s, (stele_list){.category = "account"}), "account-1 account-10 account-2");
    expect_says(names_of(s, (stele_list){.category = "order"}), "order-1 order-2");
    expect_says(names_of(s, (stele_list){.category = "plain"}), "");
    expect_says(names_of(s, (stele_list){.category = "$sys"}), "");
    expect_says(names_of(s, (stele_list){.category = "account", .prefix = "account-1"}),
                "account-1 account-10");
    expect_says(names_of(s, (stele_list){.category = "account", .prefix = "order"}), "");
}

TEST(a_list_goes_on_after_a_name)
{
    SUITE(s);
    make_streams(s);
    expect_says(names_of(s, (stele_list){.after = "account-10"}),
                "account-2 order-1 order-2 plain");
    expect_says(names_of(s, (stele_list){.after = "account-1"}),
                "account-10 account-2 order-1 order-2 plain");
    expect_says(names_of(s, (stele_list){.after = "account-11"}),
                "account-2 order-1 order-2 plain");
    expect_says(names_of(s, (stele_list){.after = "plain"}), "");
    expect_says(names_of(s, (stele_list){.after = "account-1", .category = "account"}),
                "account-10 account-2");
    expect_says(names_of(s, (stele_list){.after = "a", .prefix = "account-1"}),
                "account-1 account-10");
    expect_says(names_of(s, (stele_list){.after = "b", .prefix = "account-1"}), "");
}

TEST(pages_of_names_put_together_are_the_whole_list)
{
    SUITE(s);
    for (unsigned i = 0; i < 200; i++) {
        append(s, suite_print(s, "account-%u", i * 7919 % 200), STELE_ANY, "-");
    }
    const char *whole = names_of(s, (stele_list){.category = "account"});
    const char *pages = "";
    const char *after = NULL;
    for (unsigned found = 1; found > 0;) {
        stele_name_list *names = NULL;
        stele_error error;
        const stele_name_entry *entry;
        expect_ok(stele_names_open(on(s), &(stele_list){.category = "account", .after = after},
                                   &names, &error),
                  &error);
        for (found = 0; found < 7 && (entry = stele_names_next(names, &error)); found++) {
            after = suite_print(s, "%.*s", STELE_TEXT(entry->name));
            pages = suite_print(s, "%s%s%s", pages, *pages ? " " : "", after);
        }
        stele_names_free(names);
    }
    expect_says(pages, whole);
    expect_true(strncmp(whole, "account-0 account-1 account-10 account-100 account-101 ", 55) == 0);
}

TEST(a_listed_stream_tells_what_a_description_tells)
{
    SUITE(s);
    append(s, "a-live", STELE_ANY, "e0 e1 e2");
    append(s, "a-short", STELE_ANY, "e0 e1 e2 e3");
    write_metadata(s, "a-short", STELE_ANY, "{\"$tb\":1,\"$maxCount\":2}");
    append(s, "a-gone", STELE_ANY, "e0");
    delete_stream(s, "a-gone", STELE_ANY);
    append(s, "a-dead", STELE_ANY, "e0 e1");
    tombstone_stream(s, "a-dead", STELE_ANY);
    tombstone_stream(s, "a-never", STELE_ANY);
    expect_says(names_of(s, (stele_list){.prefix = "a-"}), "a-dead a-gone a-live a-never a-short");
    stele_name_list *names = NULL;
    stele_error error;
    stele_name_entry entries[5];
    expect_ok(stele_names_open(on(s), &(stele_list){.prefix = "a-"}, &names, &error), &error);
    for (size_t i = 0; i < 5; i++) {
        const stele_name_entry *entry = stele_names_next(names, &error);
        expect_not_null(entry);
        entries[i] = *entry;
        entries[i].name.data = suite_print(s, "%.*s", STELE_TEXT(entry->name));
    }
    expect_null(stele_names_next(names, &error));
    stele_names_free(names);
    for (size_t i = 0; i < 5; i++) {
        const stele_stream_info info = describe(s, entries[i].name.data);
        expect_int(entries[i].state, info.state);
        expect_uint(entries[i].event_count, info.event_count);
        expect_uint(entries[i].last_position, info.last_position);
        expect_int(entries[i].has_metadata != 0, info.has_metadata != 0);
        if (info.event_count > 0) {
            expect_uint(entries[i].last_revision, info.last_revision);
            expect_uint(entries[i].visible_count, info.visible_count);
        }
        if (info.visible_count > 0) {
            expect_uint(entries[i].first_revision, info.first_revision);
        }
    }
    expect_int(entries[0].state, STELE_IS_TOMBSTONED);
    expect_int(entries[1].state, STELE_IS_DELETED);
    expect_int(entries[2].state, 2);
    expect_uint(entries[2].last_position, 3);
    expect_int(entries[3].state, STELE_IS_TOMBSTONED);
    expect_uint(entries[3].event_count, 0);
    expect_int(entries[4].state, 3);
    expect_uint(entries[4].visible_count, 2);
    expect_uint(entries[4].first_revision, 2);
}

TEST(metadata_streams_are_listed_as_the_streams_they_are)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0");
    write_metadata(s, "a", STELE_ANY, "{}");
    write_metadata(s, "a", STELE_ANY, "{\"k\":1}");
    expect_says(counts_of(s, (stele_list){.prefix = "$$"}), "$$a:2");
    expect_says(counts_of(s, (stele_list){0}), "$$a:2 a:1");
}

TEST(categories_are_listed_with_their_counts)
{
    SUITE(s);
    make_streams(s);
    append(s, "package-libstdc++-12-dev:amd64", STELE_ANY, "e0 e1");
    append(s, "package-0ad", STELE_ANY, "e0");
    expect_says(counts_of(s, (stele_list){.kind = STELE_CATEGORY_NAMES}),
                "account:3 order:3 package:3");
    expect_says(counts_of(s, (stele_list){.kind = STELE_CATEGORY_NAMES, .prefix = "o"}), "order:3");
    expect_says(counts_of(s, (stele_list){.kind = STELE_CATEGORY_NAMES, .after = "account"}),
                "order:3 package:3");
}

TEST(types_are_listed_with_their_counts_and_last_positions)
{
    SUITE(s);
    append_event(s, "a", STELE_ANY, event("opened", 0, "{}"), NULL);
    append_event(s, "a", STELE_ANY, event("closed", 1, "{}"), NULL);
    append_event(s, "b", STELE_ANY, event("opened", 2, "{}"), NULL);
    append_event(s, "b", STELE_ANY, event("opened.twice", 3, "{}"), NULL);
    expect_says(counts_of(s, (stele_list){.kind = STELE_TYPE_NAMES}),
                "closed:1 opened:2 opened.twice:1");
    expect_says(counts_of(s, (stele_list){.kind = STELE_TYPE_NAMES, .prefix = "opened"}),
                "opened:2 opened.twice:1");
    expect_says(counts_of(s, (stele_list){.kind = STELE_TYPE_NAMES, .after = "opened"}),
                "opened.twice:1");
    stele_name_list *names = NULL;
    stele_error error;
    expect_ok(stele_names_open(on(s), &(stele_list){.kind = STELE_TYPE_NAMES, .after = "closed"},
                               &names, &error),
              &error);
    const stele_name_entry *entry = stele_names_next(names, &error);
    expect_not_null(entry);
    expect_uint(entry->last_position, 3);
    stele_names_free(names);
}

TEST(types_of_metadata_are_types_too)
{
    SUITE(s);
    write_metadata(s, "a", STELE_ANY, "{}");
    append(s, "a", STELE_ANY, "e0");
    delete_stream(s, "a", STELE_ANY);
    expect_says(counts_of(s, (stele_list){.kind = STELE_TYPE_NAMES}), "$metadata:2 happened:1");
}

TEST(tags_are_listed_with_their_counts)
{
    SUITE(s);
    append_event(s, "a", STELE_ANY,
                 with_tags(event("t", 0, "{}"), stele_tags("course:c1", "student:s1")), NULL);
    append_event(s, "a", STELE_ANY,
                 with_tags(event("t", 1, "{}"), stele_tags("course:c2", "course:c2")), NULL);
    append_event(s, "b", STELE_ANY, with_tags(event("t", 2, "{}"), stele_tags("student:s1")), NULL);
    expect_says(counts_of(s, (stele_list){.kind = STELE_TAG_NAMES}),
                "course:c1:1 course:c2:1 student:s1:2");
    expect_says(counts_of(s, (stele_list){.kind = STELE_TAG_NAMES, .prefix = "course:"}),
                "course:c1:1 course:c2:1");
}

TEST(refused_appends_leave_no_names)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0");
    append_event(s, "b-1", 5, with_tags(event("never", 1, "{}"), stele_tags("nowhere")), NULL);
    expect_says(names_of(s, (stele_list){0}), "a");
    expect_says(names_of(s, (stele_list){.kind = STELE_CATEGORY_NAMES}), "");
    expect_says(names_of(s, (stele_list){.kind = STELE_TYPE_NAMES}), "happened");
    expect_says(names_of(s, (stele_list){.kind = STELE_TAG_NAMES}), "");
}

TEST(a_list_does_not_show_what_is_appended_after_it_was_opened)
{
    SUITE(s);
    commit(s, "a:e0 c:e1", "", NULL);
    stele_name_list *names = NULL;
    stele_error error;
    expect_ok(stele_names_open(on(s), &(stele_list){0}, &names, &error), &error);
    suite_pin(s);
    append(s, "b", STELE_ANY, "e2");
    append(s, "d", STELE_ANY, "e3");
    expect_text(stele_names_next(names, &error)->name, "a");
    expect_text(stele_names_next(names, &error)->name, "c");
    expect_null(stele_names_next(names, &error));
    expect_int(error.status, STELE_OK);
    stele_names_free(names);
    stele_names_free(NULL);
    expect_says(names_of(s, (stele_list){0}), "a b c d");
}

TEST(lists_are_the_same_after_reopening_and_over_much_history)
{
    SUITE(s);
    append_filler(s, 10000);
    make_streams(s);
    append_filler(s, 10000);
    append(s, "order-1", STELE_ANY, "e20");
    const char *streams_before = counts_of(s, (stele_list){0});
    const char *types_before = counts_of(s, (stele_list){.kind = STELE_TYPE_NAMES});
    expect_says(counts_of(s, (stele_list){.category = "order"}), "order-1:3 order-2:1");
    expect_says(types_before, "happened:10 other:20000");
    expect_says(counts_of(s, (stele_list){.kind = STELE_CATEGORY_NAMES}),
                "account:3 order:4 others:20000");
    suite_reopen(s);
    expect_says(counts_of(s, (stele_list){0}), streams_before);
    expect_says(counts_of(s, (stele_list){.kind = STELE_TYPE_NAMES}), types_before);
}

TEST(lists_that_cannot_be_are_refused)
{
    SUITE(s);
    stele_name_list *names = NULL;
    const stele_list lists[] = {
        {.kind = (stele_name_kind)4},
        {.kind = STELE_TYPE_NAMES, .category = "a"},
        {.kind = STELE_TAG_NAMES, .category = "a"},
    };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        stele_error error;
        expect_status(stele_names_open(on(s), &lists[i], &names, &error), STELE_INVALID);
        expect_null(names);
    }
}

TEST(a_description_of_a_missing_stream_is_not_found)
{
    SUITE(s);
    append(s, "a", STELE_ANY, "e0");
    stele_stream_info info;
    stele_error error;
    expect_error(stele_stream_describe(on(s), "account-9", &info, &error), &error,
                 STELE_NOT_FOUND_STREAM);
    expect_contains(error.message, "account-9");
    expect_says(state_of(s, "a"), "0");
}

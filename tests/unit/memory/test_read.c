/* SPDX-License-Identifier: Apache-2.0 */
/* Cursors of the memory backend: what they pin, where they begin, and how they go on. */
#include "unit/memory/given.h"

#include <string.h>

static stele_cursor *open_cursor(stele_store *store, stele_read read)
{
    stele_cursor *cursor = NULL;
    stele_error error;
    expect_ok(stele_read_open(store, &read, &cursor, &error), &error);
    return cursor;
}

static stele_cursor *follow(stele_store *store, stele_read read)
{
    stele_cursor *cursor = NULL;
    stele_error error;
    expect_ok(stele_follow_open(store, &read, &cursor, &error), &error);
    return cursor;
}

static void go_on(stele_cursor *cursor)
{
    stele_error error;
    expect_ok(stele_cursor_wait(cursor, STELE_SECONDS(5), &error), &error);
}

static void write_metadata(stele_store *store, const char *stream, const char *json)
{
    stele_error error;
    expect_ok(stele_metadata_write(store, stream, STELE_ANY, json, strlen(json), NULL, NULL,
                                   &error),
              &error);
}

/* ---- Where a read begins and ends. */

static const struct {
    stele_read read;
    const char *shows;
} bounds[] = {
    {{.from = {STELE_POINT_START, 0}}, "a@0 b@0 a@1 b@1 a@2"},
    {{.from = {STELE_POINT_END, 0}}, ""},
    {{.from = {STELE_POINT_POSITION, 0}}, "a@0 b@0 a@1 b@1 a@2"},
    {{.from = {STELE_POINT_POSITION, 4}}, "b@1 a@2"},
    {{.from = {STELE_POINT_POSITION, 6}}, ""},
    {{.from = {STELE_POINT_POSITION, UINT64_MAX}}, ""},
    {{.from = {STELE_POINT_TIME, (uint64_t)(GIVEN_NOW + 2)}}, "a@1 b@1 a@2"},
    {{.from = {STELE_POINT_TIME, (uint64_t)(GIVEN_NOW + 9)}}, ""},
    {{.from = {STELE_POINT_TIME, (uint64_t)INT64_MIN}}, "a@0 b@0 a@1 b@1 a@2"},
    {{.direction = STELE_BACKWARDS}, "a@2 b@1 a@1 b@0 a@0"},
    {{.direction = STELE_BACKWARDS, .from = {STELE_POINT_START, 0}}, ""},
    {{.direction = STELE_BACKWARDS, .from = {STELE_POINT_END, 0}}, "a@2 b@1 a@1 b@0 a@0"},
    {{.direction = STELE_BACKWARDS, .from = {STELE_POINT_POSITION, 0}}, ""},
    {{.direction = STELE_BACKWARDS, .from = {STELE_POINT_POSITION, 1}}, "a@0"},
    {{.direction = STELE_BACKWARDS, .from = {STELE_POINT_POSITION, 99}, .limit = 1}, "a@2"},
    {{.direction = STELE_BACKWARDS, .from = {STELE_POINT_TIME, (uint64_t)(GIVEN_NOW + 3)}},
     "a@1 b@0 a@0"},
    {{.direction = STELE_BACKWARDS, .from = {STELE_POINT_TIME, (uint64_t)(GIVEN_NOW - 1)}}, ""},
    {{.direction = STELE_BACKWARDS, .from = {STELE_POINT_TIME, (uint64_t)INT64_MAX}, .limit = 2},
     "a@2 b@1"},
    {{.as_of = {STELE_POINT_START, 0}}, ""},
    {{.as_of = {STELE_POINT_END, 0}}, "a@0 b@0 a@1 b@1 a@2"},
    {{.as_of = {STELE_POINT_POSITION, 2}}, "a@0 b@0"},
    {{.as_of = {STELE_POINT_TIME, (uint64_t)(GIVEN_NOW + 2)}}, "a@0 b@0 a@1"},
    {{.direction = STELE_BACKWARDS, .as_of = {STELE_POINT_POSITION, 3}, .limit = 2}, "a@1 b@0"},
    {{.stream = "a", .from = {STELE_POINT_REVISION, 1}}, "a@1 a@2"},
    {{.stream = "a", .from = {STELE_POINT_REVISION, 3}}, ""},
    {{.stream = "a", .from = {STELE_POINT_POSITION, 2}}, "a@1 a@2"},
    {{.stream = "a", .from = {STELE_POINT_REVISION, 0}, .direction = STELE_BACKWARDS}, "a@0"},
    {{.stream = "a", .from = {STELE_POINT_REVISION, 9}, .direction = STELE_BACKWARDS},
     "a@2 a@1 a@0"},
    {{.stream = "a", .as_of = {STELE_POINT_REVISION, 1}}, "a@0 a@1"},
    {{.stream = "b", .as_of = {STELE_POINT_POSITION, 1}}, ""},
    {{.tag = "odd", .from = {STELE_POINT_POSITION, 2}}, "a@1 a@2"},
    {{.tag = "odd", .from = {STELE_POINT_POSITION, 4}, .direction = STELE_BACKWARDS}, "a@1 a@0"},
    {{.tag = "none"}, ""},
    {{.category = "a"}, ""},
};

TEST_ROWS(bounds_of_a_read, bounds)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    const char *const odd[] = {"odd"};
    stele_error error;
    /* Positions 1 to 5 at the times 0, 1, 2, 4, 4. */
    for (size_t i = 0; i < 5; i++) {
        stele_event event = given_event(NULL, 0);
        event.tags = odd;
        event.tag_count = i % 2 == 0 ? 1 : 0;
        given_now = GIVEN_NOW + (i < 3 ? (stele_time)i : 4);
        expect_ok(stele_append(store, i % 2 ? "b" : "a", STELE_ANY, &event, 1, NULL, NULL, &error),
                  &error);
    }
    expect_text(given_read(store, bounds[row].read), bounds[row].shows);
}

/* ---- Snapshots. */

TEST(cursor_sees_the_store_as_it_was_when_it_was_opened)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    given_append(store, "a", 0);
    given_append(store, "a", 0);
    const stele_query_item item = {.types = {(const char *const[]){"t"}, 1}};
    const stele_query query = {&item, 1, 0};
    stele_cursor *cursors[] = {
        open_cursor(store, (stele_read){.version = 0}),
        open_cursor(store, (stele_read){.stream = "a"}),
        open_cursor(store, (stele_read){.event_type = "t"}),
        open_cursor(store, (stele_read){.query = &query}),
        open_cursor(store, (stele_read){.stream = "a", .direction = STELE_BACKWARDS}),
    };
    stele_error error;
    for (size_t i = 0; i < 5000; i++) {
        given_append(store, "a", 0);
    }
    expect_ok(stele_delete(store, "a", STELE_ANY, NULL, NULL, &error), &error);
    for (size_t i = 0; i < 5; i++) {
        expect_uint(stele_cursor_head(cursors[i]), 2);
        expect_text(given_rest(cursors[i]), i == 4 ? "a@1 a@0" : "a@0 a@1");
        expect_null(stele_cursor_next(cursors[i], &error));
        stele_cursor_free(cursors[i]);
    }
}

TEST(record_stays_where_it_is_while_the_store_grows)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    stele_event event = given_event(NULL, 0);
    const char *const tags[] = {"tag"};
    stele_error error;
    event.data = (stele_bytes){(const uint8_t *)"data", 4};
    event.tags = tags;
    event.tag_count = 1;
    expect_ok(stele_append(store, "a", STELE_ANY, &event, 1, NULL, NULL, &error), &error);
    STELE_CLEANUP(cursor) stele_cursor *cursor = open_cursor(store, (stele_read){.version = 0});
    const stele_record *record = stele_cursor_next(cursor, &error);
    for (size_t i = 0; i < 20000; i++) {
        given_append(store, "b", 0);
    }
    expect_text(record->data, "data");
    expect_text(record->stream, "a");
    expect_text(record->tags[0], "tag");
}

TEST(everything_given_to_a_read_may_go_once_it_is_open)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    char stream_prefix[] = "a";
    char type_prefix[] = "t";
    char type[] = "t";
    const char *stream_prefixes[] = {stream_prefix};
    const char *type_prefixes[] = {type_prefix};
    const char *types[] = {type};
    stele_query_item item = {.types = {types, 1}};
    const stele_query query = {&item, 1, 0};
    given_append(store, "a", 0);
    given_append(store, "b", 0);
    STELE_CLEANUP(cursor)
    stele_cursor *cursor = open_cursor(store, (stele_read){.query = &query,
                                                           .stream_prefixes = stream_prefixes,
                                                           .stream_prefix_count = 1,
                                                           .type_prefixes = type_prefixes,
                                                           .type_prefix_count = 1});
    stream_prefix[0] = type_prefix[0] = type[0] = 'x';
    types[0] = stream_prefixes[0] = type_prefixes[0] = NULL;
    item.types.count = 0;
    expect_text(given_rest(cursor), "a@0");
}

static int is_even(void *context, const stele_record *record)
{
    (*(unsigned *)context)++;
    return record->position % 2 == 0;
}

TEST(predicate_comes_last_and_the_limit_counts_what_it_lets_through)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    const char *const prefixes[] = {"x", "a"};
    unsigned asked = 0;
    for (size_t i = 0; i < 4; i++) {
        given_append(store, "a", 0);
        given_append(store, "ab", 0);
        given_append(store, "b", 0);
    }
    expect_text(given_read(store, (stele_read){.stream_prefixes = prefixes,
                                               .stream_prefix_count = 2,
                                               .predicate = is_even,
                                               .predicate_context = &asked,
                                               .limit = 3}),
                "ab@0 a@1 ab@2");
    expect_uint(asked, 6);
}

/* ---- Retention. */

TEST(retention_is_that_of_the_head_and_of_now)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    for (size_t i = 0; i < 5; i++) {
        given_append(store, "a", 0);
        given_pass(STELE_SECONDS(1));
    }
    write_metadata(store, "a", "{\"$maxAge\":2}");
    expect_text(given_read(store, (stele_read){.stream = "a"}), "a@3 a@4");
    given_pass(STELE_SECONDS(1));
    expect_text(given_read(store, (stele_read){.stream = "a"}), "a@4");
    given_pass(STELE_SECONDS(10));
    expect_text(given_read(store, (stele_read){.stream = "a"}), "");
    write_metadata(store, "a", "{\"$maxAge\":9223372036854775807}");
    expect_text(given_read(store, (stele_read){.stream = "a"}), "a@0 a@1 a@2 a@3 a@4");
    write_metadata(store, "a", "{\"$maxCount\":3,\"$tb\":1}");
    expect_text(given_read(store, (stele_read){.stream = "a", .direction = STELE_BACKWARDS}),
                "a@4 a@3 a@2");
    expect_text(given_read(store, (stele_read){.stream = "a", .as_of = STELE_AT_POSITION(3)}),
                "a@2");
    expect_text(given_read(store, (stele_read){.stream = "$$a"}), "$$a@2");
    expect_text(given_read(store, (stele_read){.event_type = "t"}), "a@0 a@1 a@2 a@3 a@4");
}

static const struct {
    const char *json;
    const char *shows;
} oddities[] = {
    {"{\"$tb\":-1}", "a@0 a@1 a@2"},
    {"{\"$tb\":1.5}", "a@0 a@1 a@2"},
    {"{\"$tb\":\"2\"}", "a@0 a@1 a@2"},
    {"{\"$tb\":3}", ""},
    {"{\"$tb\":9223372036854775806}", ""},
    {"{\"$tb\":9223372036854775807}", "deleted"},
    {"{\"$maxCount\":0}", "a@0 a@1 a@2"},
    {"{\"$maxCount\":-2}", "a@0 a@1 a@2"},
    {"{\"$maxCount\":9223372036854775807}", "a@0 a@1 a@2"},
    {"{\"$maxCount\":1}", "a@2"},
    {"{\"$maxAge\":0}", "a@0 a@1 a@2"},
    {"{\"$tb\":1,\"$tb\":2}", "a@2"},
    {"{\"$tb\":1}\n", "a@1 a@2"},
    {"[{\"$tb\":1}]", "a@0 a@1 a@2"},
    {"{\"$tb\":1", "a@0 a@1 a@2"},
    {"", "a@0 a@1 a@2"},
};

TEST_ROWS(odd_metadata, oddities)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    const stele_event event = stele_json_event(STELE_TYPE_METADATA, oddities[row].json);
    stele_error error;
    given_append(store, "a", 0);
    given_append(store, "a", 0);
    given_append(store, "a", 0);
    expect_ok(stele_append(store, "$$a", STELE_ANY, &event, 1, NULL, NULL, &error), &error);
    expect_text(given_read(store, (stele_read){.stream = "a"}), oddities[row].shows);
}

/* ---- Describing and listing. */

TEST(description_of_a_stream_through_its_life)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    stele_stream_info info;
    stele_error error;
    write_metadata(store, "a", "{\"$maxCount\":2}");
    expect_ok(stele_stream_describe(store, "a", &info, &error), &error);
    expect_int(info.state, STELE_NO_STREAM);
    expect_int(info.has_metadata, 1);
    expect_uint(info.last_position, 0);
    for (size_t i = 0; i < 5; i++) {
        given_append(store, "a", 0);
    }
    expect_ok(stele_stream_describe(store, "a", &info, &error), &error);
    expect_int(info.state, 4);
    expect_uint(info.first_revision, 3);
    expect_uint(info.last_revision, 4);
    expect_uint(info.event_count, 5);
    expect_uint(info.visible_count, 2);
    expect_uint(info.last_position, 6);
    expect_ok(stele_delete(store, "a", STELE_ANY, NULL, NULL, &error), &error);
    expect_ok(stele_stream_describe(store, "a", &info, &error), &error);
    expect_int(info.state, STELE_IS_DELETED);
    expect_uint(info.visible_count, 0);
    expect_uint(info.event_count, 5);
    expect_ok(stele_tombstone(store, "a", STELE_ANY, NULL, NULL, &error), &error);
    expect_ok(stele_stream_describe(store, "a", &info, &error), &error);
    expect_int(info.state, STELE_IS_TOMBSTONED);
    expect_uint(info.event_count, 5);
    expect_uint(info.last_revision, 4);
    expect_uint(info.last_position, 8);
    expect_ok(stele_stream_describe(store, "$$a", &info, &error), &error);
    expect_int(info.state, 1);
    expect_uint(info.visible_count, 1);
    expect_uint(info.first_revision, 1);
}

TEST(names_are_those_of_the_head_in_bytewise_order)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    STELE_CLEANUP(names) stele_name_list *names = NULL;
    const char *const streams[] = {"b-2", "a", "b-10", "\xc3\xa9", "b", "B-1"};
    const char *const sorted[] = {"$$a", "B-1", "a", "b", "b-10", "b-2", "\xc3\xa9"};
    stele_error error;
    for (size_t i = 0; i < 6; i++) {
        given_append(store, streams[i], 0);
    }
    write_metadata(store, "a", "{}");
    write_metadata(store, "only metadata", "{}");
    expect_ok(stele_names_open(store, &(stele_list){.after = "$$only metadata"}, &names, &error),
              &error);
    given_append(store, "later", 0);
    for (size_t i = 1; i < 7; i++) {
        const stele_name_entry *entry = stele_names_next(names, &error);
        expect_not_null(entry);
        expect_text(entry->name, sorted[i]);
        expect_uint(entry->event_count, 1);
    }
    expect_null(stele_names_next(names, &error));
    expect_ok(error.status, &error);
    stele_names_free(names);
    names = NULL;
    const stele_list list = {.category = "b", .prefix = "b-1"};
    expect_ok(stele_names_open(store, &list, &names, &error), &error);
    expect_text(stele_names_next(names, &error)->name, "b-10");
    expect_null(stele_names_next(names, &error));
}

TEST(many_names_are_sorted)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    STELE_CLEANUP(names) stele_name_list *names = NULL;
    char name[8] = "s";
    char last[8] = "";
    size_t count = 0;
    stele_error error;
    for (size_t i = 0; i < 3000; i++) {
        for (size_t digit = 1, rest = i * 7919 % 3001; digit < 5; digit++, rest /= 10) {
            name[digit] = (char)('0' + rest % 10);
        }
        given_append(store, name, 0);
    }
    expect_ok(stele_names_open(store, NULL, &names, &error), &error);
    for (const stele_name_entry *entry; (entry = stele_names_next(names, &error)) != NULL;
         count++) {
        expect_true(strncmp(entry->name.data, last, 5) > 0);
        memcpy(last, entry->name.data, 5);
    }
    expect_uint(count, 3000);
}

/* ---- Going on. */

TEST(followed_stream_comes_when_it_comes)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    STELE_CLEANUP(cursor) stele_cursor *cursor = follow(store, (stele_read){.stream = "a"});
    stele_error error;
    expect_text(given_rest(cursor), "");
    expect_error(stele_cursor_wait(cursor, 0, &error), &error, STELE_TIMEOUT);
    given_append(store, "b", 0);
    go_on(cursor);
    expect_text(given_rest(cursor), "");
    given_append(store, "a", 0);
    given_append(store, "a", 0);
    go_on(cursor);
    expect_uint(stele_cursor_head(cursor), 3);
    expect_text(given_rest(cursor), "a@0 a@1");
    expect_ok(stele_delete(store, "a", STELE_ANY, NULL, NULL, &error), &error);
    go_on(cursor);
    expect_text(given_rest(cursor), "");
    given_append(store, "a", 0);
    go_on(cursor);
    expect_text(given_rest(cursor), "a@2");
    expect_ok(stele_tombstone(store, "a", STELE_ANY, NULL, NULL, &error), &error);
    expect_error(stele_cursor_wait(cursor, STELE_SECONDS(5), &error), &error,
                 STELE_DELETED_TOMBSTONE);
}

static const struct {
    stele_read read;
    const char *first;
    const char *second;
} followed[] = {
    {{.from = {STELE_POINT_END, 0}}, "", "a@2 b@0 a@3"},
    {{.from = {STELE_POINT_POSITION, 4}}, "", "b@0 a@3"},
    {{.from = {STELE_POINT_POSITION, 6}}, "", ""},
    {{.from = {STELE_POINT_TIME, (uint64_t)(GIVEN_NOW + 9)}}, "", "a@3"},
    {{.limit = 3}, "a@0 a@1", "a@2"},
    {{.stream = "a", .from = {STELE_POINT_REVISION, 3}}, "", "a@3"},
    {{.stream = "a", .from = {STELE_POINT_END, 0}}, "", "a@2 a@3"},
    {{.stream = "b", .from = {STELE_POINT_END, 0}}, "", "b@0"},
    {{.event_type = "t"}, "a@0 a@1", "a@2 b@0 a@3"},
    {{.event_type = "u"}, "", ""},
};

TEST_ROWS(cursor_goes_on_where_it_stopped, followed)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    given_append(store, "a", 0);
    given_append(store, "a", 0);
    STELE_CLEANUP(cursor) stele_cursor *cursor = follow(store, followed[row].read);
    expect_text(given_rest(cursor), followed[row].first);
    given_append(store, "a", 0);
    given_append(store, "b", 0);
    given_pass(9);
    given_append(store, "a", 0);
    go_on(cursor);
    expect_text(given_rest(cursor), followed[row].second);
}

TEST(cursor_that_goes_on_before_its_end_skips_nothing)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    stele_error error;
    given_append(store, "a", 0);
    given_append(store, "a", 0);
    STELE_CLEANUP(cursor) stele_cursor *cursor = follow(store, (stele_read){.stream = "a"});
    expect_uint(stele_cursor_next(cursor, &error)->revision, 0);
    given_append(store, "a", 0);
    go_on(cursor);
    expect_text(given_rest(cursor), "a@1 a@2");
}

TEST(what_metadata_shows_again_is_not_shown_behind_what_came_later)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    given_append(store, "a", 0);
    given_append(store, "a", 0);
    write_metadata(store, "a", "{\"$tb\":2}");
    STELE_CLEANUP(cursor) stele_cursor *cursor = follow(store, (stele_read){.stream = "a"});
    expect_text(given_rest(cursor), "");
    write_metadata(store, "a", "{}");
    given_append(store, "a", 0);
    go_on(cursor);
    expect_text(given_rest(cursor), "a@2");
}

TEST(ended_streams_cannot_be_followed)
{
    STELE_CLEANUP(store) stele_store *store = given_store(NULL);
    stele_cursor *cursor = NULL;
    stele_error error;
    expect_ok(stele_tombstone(store, "a", STELE_ANY, NULL, NULL, &error), &error);
    expect_error(stele_follow_open(store, &(stele_read){.stream = "a"}, &cursor, &error), &error,
                 STELE_DELETED_TOMBSTONE);
    expect_error(stele_follow_open(store, &(stele_read){.stream = "$$a"}, &cursor, &error), &error,
                 STELE_DELETED_TOMBSTONE);
    expect_contains(error.message, "$$a");
    expect_null(cursor);
}

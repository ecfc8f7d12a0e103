/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conformance: limits. Each at its edge, where it holds, and one above, where it is STELE_INVALID
 * with a message that names the thing, and nothing is written. (AP-18)
 */
#include "suite.h"

#include <string.h>

static stele_event sized_event(suite *s, size_t data_size)
{
    stele_event one = {.type = "t"};
    one.data = (stele_bytes){(const uint8_t *)suite_repeat(s, 'd', data_size), data_size};
    return one;
}

static outcome append_to(suite *s, const char *stream)
{
    return append(s, stream, STELE_ANY, "-");
}

static outcome append_of_type(suite *s, const char *type)
{
    return append_event(s, "a", STELE_ANY, nameless(type, "{}"), NULL);
}

static outcome append_with_tag(suite *s, const char *tag)
{
    const char *const tags[] = {"fine", tag};
    return append_event(s, "a", STELE_ANY, with_tags(nameless("t", "{}"), (stele_names){tags, 2}),
                        NULL);
}

static outcome append_with_key(suite *s, const char *key)
{
    return append_with(s, "a", STELE_ANY, "-", &(stele_append_options){.key = key});
}

/* ---- names */

static const struct {
    const char *what;
    outcome (*append)(suite *s, const char *name);
    size_t size_max;
} names[] = {
    {"stream", append_to, STELE_STREAM_NAME_SIZE_MAX},
    {"type", append_of_type, STELE_TYPE_SIZE_MAX},
    {"tag", append_with_tag, STELE_TAG_SIZE_MAX},
    {"key", append_with_key, STELE_KEY_SIZE_MAX},
};

TEST_ROWS(a_name_of_the_longest_size_is_kept_and_one_more_byte_is_refused, names)
{
    SUITE(s);
    expect_int(names[row].append(s, "x").status, STELE_OK);
    expect_int(names[row].append(s, suite_repeat(s, 'n', names[row].size_max)).status, STELE_OK);
    expect_invalid(names[row].append(s, suite_repeat(s, 'n', names[row].size_max + 1)),
                   names[row].what);
    expect_invalid(names[row].append(s, suite_repeat(s, 'n', 100000)), names[row].what);
    expect_uint(head_of(s), 2);
}

TEST_ROWS(an_empty_name_is_refused, names)
{
    SUITE(s);
    expect_invalid(names[row].append(s, ""), names[row].what);
    expect_uint(head_of(s), 0);
}

static const char *const not_utf8[] = {
    "\xff",
    "a\x80",
    "\xc0\x80",
    "\xc1\xbf",
    "\xe0\x80\x80",
    "\xed\xa0\x80",
    "\xf0\x80\x80\x80",
    "\xf4\x90\x80\x80",
    "\xf5\x80\x80\x80",
    "abc\xe2\x82",
    "\xc3",
};

TEST_ROWS(names_that_are_not_utf_8_are_refused, not_utf8)
{
    SUITE(s);
    expect_invalid(append_to(s, not_utf8[row]), "stream");
    expect_invalid(append_of_type(s, not_utf8[row]), "type");
    expect_invalid(append_with_tag(s, not_utf8[row]), "tag");
    expect_uint(head_of(s), 0);
}

TEST(a_refused_name_leaves_the_rest_of_the_commit_out)
{
    SUITE(s);
    stele_event three[] = {in_stream("a", event("t", 0, "{}")), in_stream("b", event("t", 1, "{}")),
                           in_stream(suite_repeat(s, 'n', 1025), event("t", 2, "{}"))};
    expect_invalid(commit_events(s, (batch){three, 3}, "", NULL), "stream");
    three[2] = in_stream("c", event("", 2, "{}"));
    expect_invalid(commit_events(s, (batch){three, 3}, "", NULL), "type");
    expect_uint(head_of(s), 0);
    expect_says(names_of(s, (stele_list){0}), "");
}

TEST(an_event_without_a_type_or_in_a_commit_without_a_stream_is_refused)
{
    SUITE(s);
    expect_invalid(append_event(s, "a", STELE_ANY, (stele_event){0}, NULL), "type");
    expect_invalid(commit_events(s, (batch){&(stele_event){.type = "t"}, 1}, "", NULL), "stream");
    expect_uint(head_of(s), 0);
}

TEST(a_long_name_can_be_read_listed_checked_deleted_and_described)
{
    SUITE(s);
    char *name = suite_repeat(s, 'n', STELE_STREAM_NAME_SIZE_MAX);
    append(s, name, STELE_NO_STREAM, "e0");
    expect_says(ids(s, (stele_read){.stream = name}), "e0");
    expect_says(names_of(s, (stele_list){.prefix = "nnn"}), name);
    expect_says(state_of(s, name), "0");
    expect_int(commit(s, "a:-", suite_print(s, "%s=1", name), NULL).status, STELE_CONFLICT);
    expect_int(tombstone_stream(s, name, 0).status, STELE_OK);
}

TEST(the_metadata_stream_of_a_long_name_would_be_too_long)
{
    SUITE(s);
    char *name = suite_repeat(s, 'n', STELE_STREAM_NAME_SIZE_MAX);
    name[STELE_STREAM_NAME_SIZE_MAX - 2] = '\0';
    expect_int(write_metadata(s, name, STELE_NO_STREAM, "{\"k\":1}").status, STELE_OK);
    name[STELE_STREAM_NAME_SIZE_MAX - 2] = 'n';
    name[STELE_STREAM_NAME_SIZE_MAX - 1] = '\0';
    expect_int(write_metadata(s, name, STELE_NO_STREAM, "{\"k\":1}").status, STELE_INVALID);
}

/* ---- tags */

/* `count` different tags, and the first again as often as `repeated`. */
static stele_event tagged_event(suite *s, size_t count, size_t repeated)
{
    const char **tags = suite_allocate(s, (count + repeated) * sizeof *tags);
    for (size_t i = 0; i < count + repeated; i++) {
        tags[i] = suite_print(s, "tag-%02zu", i < count ? i : 0);
    }
    return with_tags(event("t", 0, "{}"), (stele_names){tags, count + repeated});
}

TEST(an_event_has_at_most_32_different_tags)
{
    SUITE(s);
    expect_invalid(append_event(s, "a", STELE_ANY, tagged_event(s, 33, 0), NULL), "tag");
    expect_uint(head_of(s), 0);
    expect_int(append_event(s, "a", STELE_ANY, tagged_event(s, 32, 0), NULL).status, STELE_OK);
    expect_says(ids(s, (stele_read){.tag = "tag-00"}), "e0");
    expect_says(ids(s, (stele_read){.tag = "tag-31"}), "e0");
}

TEST(repeated_tags_do_not_count)
{
    SUITE(s);
    expect_int(append_event(s, "a", STELE_ANY, tagged_event(s, 32, 40), NULL).status, STELE_OK);
    const copies all = collect(s, (stele_read){0});
    expect_uint(all.records[0].tag_count, 32);
    expect_invalid(append_event(s, "a", 0, tagged_event(s, 33, 40), NULL), "tag");
}

TEST(tags_of_the_longest_size_in_the_greatest_number_are_kept)
{
    SUITE(s);
    const char *tags[STELE_EVENT_TAGS_MAX];
    for (size_t i = 0; i < STELE_EVENT_TAGS_MAX; i++) {
        char *tag = suite_repeat(s, 't', STELE_TAG_SIZE_MAX);
        tag[255] = (char)('A' + (char)i);
        tags[i] = tag;
    }
    append_event(s, "a", STELE_ANY,
                 with_tags(event("t", 0, "{}"), (stele_names){tags, STELE_EVENT_TAGS_MAX}), NULL);
    for (size_t i = 0; i < STELE_EVENT_TAGS_MAX; i++) {
        expect_says(ids(s, (stele_read){.tag = tags[i]}), "e0");
    }
    const copies all = collect(s, (stele_read){0});
    expect_uint(all.records[0].tag_count, 32);
}

/* ---- sizes */

TEST(an_event_of_16_mib_is_kept_and_one_more_byte_is_refused)
{
    SUITE(s);
    /* Stream "a" and type "t" count one byte each. */
    expect_invalid(append_event(s, "a", STELE_ANY, sized_event(s, STELE_EVENT_SIZE_MAX - 1), NULL),
                   "event");
    expect_uint(head_of(s), 0);
    const stele_event largest = sized_event(s, STELE_EVENT_SIZE_MAX - 2);
    expect_int(append_event(s, "a", STELE_ANY, largest, NULL).status, STELE_OK);
    const copies all = collect(s, (stele_read){.stream = "a"});
    expect_bytes(all.records[0].data.data, all.records[0].data.size, largest.data.data,
                 largest.data.size);
}

TEST(metadata_names_and_tags_count_towards_the_size_of_an_event)
{
    SUITE(s);
    stele_event one = sized_event(s, STELE_EVENT_SIZE_MAX - 1000);
    one.type = suite_repeat(s, 'y', 300);
    one.metadata = (stele_bytes){(const uint8_t *)suite_repeat(s, 'm', 500), 500};
    const char *const tags[] = {"0123456789", "abcdefghij"};
    one.tags = tags;
    one.tag_count = 2;
    char *stream = suite_repeat(s, 's', 181);
    const outcome o = append_event(s, stream, STELE_ANY, one, NULL);
    expect_invalid(o, "event");
    expect_int(o.error.detail, STELE_INVALID_LIMIT);
    stream[180] = '\0';
    expect_int(append_event(s, stream, STELE_ANY, one, NULL).status, STELE_OK);
}

static suite *suite_with_commits_of(size_t commit_bytes_max)
{
    suite *s = suite_new();
    s->options.commit_bytes_max = commit_bytes_max;
    suite_start(s);
    return s;
}

TEST(AP_18_a_commit_is_as_large_as_the_option_says_and_no_larger)
{
    suite *s __attribute__((cleanup(suite_end))) = suite_with_commits_of((size_t)1 << 20);
    stele_event two[] = {in_stream("a", sized_event(s, 500000)),
                         in_stream("b", sized_event(s, 548576 - 3))};
    const outcome o = commit_events(s, (batch){two, 2}, "", NULL);
    expect_invalid(o, "commit");
    expect_int(o.error.detail, STELE_INVALID_LIMIT);
    expect_uint(head_of(s), 0);
    two[1].data.size--;
    expect_says(commit_events(s, (batch){two, 2}, "", NULL), "written 0 @2");
    expect_int(append_event(s, "a", STELE_ANY, sized_event(s, (1 << 20) - 1), NULL).status,
               STELE_INVALID);
}

TEST(a_commit_is_at_most_64_mib_unless_the_option_says_otherwise)
{
    SUITE(s);
    const stele_event eighth = in_stream("a", sized_event(s, STELE_COMMIT_SIZE_DEFAULT / 8 - 2));
    stele_event nine[9];
    for (size_t i = 0; i < 9; i++) {
        nine[i] = eighth;
    }
    nine[8] = in_stream("a", (stele_event){.type = "t"});
    expect_invalid(commit_events(s, (batch){nine, 9}, "", NULL), "commit");
    expect_uint(head_of(s), 0);
    expect_says(commit_events(s, (batch){nine, 8}, "", NULL), "written 7 @8");
    expect_uint(count_of(s, (stele_read){.stream = "a"}), 8);
}

TEST(a_commit_has_at_most_65536_events)
{
    SUITE(s);
    const size_t count = STELE_COMMIT_EVENTS_MAX;
    stele_event *many = suite_allocate(s, (count + 1) * sizeof *many);
    for (size_t i = 0; i <= count; i++) {
        many[i] = in_stream("a", nameless("t", "1"));
    }
    expect_invalid(append_events(s, "a", STELE_ANY, (batch){many, count + 1}, NULL), "event");
    expect_invalid(commit_events(s, (batch){many, count + 1}, "", NULL), "event");
    expect_uint(head_of(s), 0);
    expect_says(append_events(s, "a", STELE_NO_STREAM, (batch){many, count}, NULL),
                "written 65535 @65536");
    expect_uint(count_of(s, (stele_read){.stream = "a"}), 65536);
}

TEST(a_commit_has_at_most_65536_checks)
{
    SUITE(s);
    const size_t count = STELE_COMMIT_CHECKS_MAX;
    stele_check *checks = suite_allocate(s, (count + 1) * sizeof *checks);
    for (size_t i = 0; i <= count; i++) {
        checks[i] = (stele_check){suite_print(s, "checked-%zu", i), STELE_NO_STREAM};
    }
    const stele_event one = in_stream("a", event("t", 0, "{}"));
    stele_error error;
    const stele_commit too_many = {&one, 1, checks, count + 1, NULL};
    expect_error(stele_append_commit(on(s), &too_many, NULL, NULL, &error), &error,
                 STELE_INVALID_LIMIT);
    expect_contains(error.message, "check");
    checks[count - 1].expected = 3;
    const stele_commit most = {&one, 1, checks, count, NULL};
    expect_error(stele_append_commit(on(s), &most, NULL, NULL, &error), &error,
                 STELE_CONFLICT_REVISION);
    expect_uint(error.conflict.index, 65535);
    checks[count - 1].expected = STELE_NO_STREAM;
    expect_ok(stele_append_commit(on(s), &most, NULL, NULL, &error), &error);
}

/* ---- queries and conditions */

static stele_names so_many_names(suite *s, size_t count)
{
    const char **list = suite_allocate(s, (count + 1) * sizeof *list);
    for (size_t i = 0; i < count; i++) {
        list[i] = suite_print(s, "name-%zu", i);
    }
    return (stele_names){list, count};
}

static const struct {
    const char *what;
    size_t conditions;
    size_t items;
    size_t types;
    size_t tags;
    bool is_fine;
} shapes[] = {
    {"condition", 64, 1, 1, 1, true},     {"condition", 65, 1, 1, 1, false},
    {"item", 1, 32, 1, 1, true},          {"item", 1, 33, 1, 1, false},
    {"type", 1, 1, 32, 0, true},          {"type", 1, 1, 33, 0, false},
    {"tag", 1, 1, 0, 32, true},           {"tag", 1, 1, 0, 33, false},
    {"everything", 64, 32, 32, 32, true},
};

TEST_ROWS(conditions_items_and_terms_have_limits, shapes)
{
    SUITE(s);
    stele_query_item *items = suite_allocate(s, shapes[row].items * sizeof *items);
    for (size_t i = 0; i < shapes[row].items; i++) {
        items[i] =
            stele_item(so_many_names(s, shapes[row].types), so_many_names(s, shapes[row].tags));
    }
    const stele_query query = {.items = items, .item_count = shapes[row].items};
    stele_condition *conditions = suite_allocate(s, shapes[row].conditions * sizeof *conditions);
    for (size_t i = 0; i < shapes[row].conditions; i++) {
        conditions[i] = (stele_condition){&query, 0};
    }
    const stele_append_options options = {.conditions = conditions,
                                          .condition_count = shapes[row].conditions};
    const outcome o = append_with(s, "a", STELE_ANY, "e0", &options);
    if (shapes[row].is_fine) {
        expect_says(o, "written 0 @1");
        expect_says(ids(s, (stele_read){.query = &query}), "");
    } else {
        expect_invalid(o, shapes[row].what);
        expect_uint(head_of(s), 0);
        if (shapes[row].conditions == 1) {
            expect_int(collect(s, (stele_read){.query = &query}).status, STELE_INVALID);
        }
    }
}

TEST(terms_of_a_query_obey_the_rules_of_names)
{
    SUITE(s);
    const char *const bad[] = {"", "\xff", suite_repeat(s, 'x', 1025)};
    for (size_t i = 0; i < 3; i++) {
        const stele_query type = stele_query_of(stele_types("fine", bad[i]), stele_any_tags());
        const stele_query tag = stele_query_of(stele_any_type(), stele_tags("fine", bad[i]));
        expect_int(collect(s, (stele_read){.query = &type}).status, STELE_INVALID);
        expect_int(collect(s, (stele_read){.query = &tag}).status, STELE_INVALID);
        const stele_condition conditions[] = {{&type, 0}, {&tag, 0}};
        for (size_t j = 0; j < 2; j++) {
            const stele_append_options options = {.conditions = &conditions[j],
                                                  .condition_count = 1};
            expect_int(append_with(s, "a", STELE_ANY, "e0", &options).status, STELE_INVALID);
        }
    }
    expect_uint(head_of(s), 0);
}

TEST(a_filter_has_at_most_64_prefixes)
{
    SUITE(s);
    append(s, "name-63-x", STELE_ANY, "e0");
    const stele_names many = so_many_names(s, 65);
    expect_says(ids(s, (stele_read){.stream_prefixes = many.names, .stream_prefix_count = 64}),
                "e0");
    expect_int(
        collect(s, (stele_read){.stream_prefixes = many.names, .stream_prefix_count = 65}).status,
        STELE_INVALID);
    expect_says(ids(s, (stele_read){.type_prefixes = many.names, .type_prefix_count = 64}), "");
    expect_int(
        collect(s, (stele_read){.type_prefixes = many.names, .type_prefix_count = 65}).status,
        STELE_INVALID);
}

/* ---- formats and flags */

TEST(formats_that_do_not_exist_are_refused)
{
    SUITE(s);
    stele_event one = event("t", 0, "{}");
    one.data_format = (stele_format)4;
    expect_invalid(append_event(s, "a", STELE_ANY, one, NULL), "format");
    one.data_format = STELE_JSON;
    one.metadata_format = (stele_format)4;
    expect_invalid(append_event(s, "a", STELE_ANY, one, NULL), "format");
    one.metadata_format = STELE_AVRO;
    expect_invalid(append_event(s, "a", STELE_ANY, one, NULL), "format");
    expect_uint(head_of(s), 0);
}

TEST(durabilities_that_do_not_exist_are_refused)
{
    SUITE(s);
    const stele_append_options options = {.durability = (stele_durability)4};
    expect_invalid(append_with(s, "a", STELE_ANY, "e0", &options), "durability");
    expect_uint(head_of(s), 0);
}

/* ---- options of the store */

static void expect_options_refused(void (*spoil)(stele_options *options), const char *word)
{
    suite *s __attribute__((cleanup(suite_end))) = suite_new();
    stele_store *store = NULL;
    stele_error error;
    spoil(&s->options);
    expect_status(stele_open(s->url, &s->options, &store, &error), STELE_INVALID);
    expect_contains(error.message, word);
    expect_null(store);
}

static void too_little_memory(stele_options *options)
{
    options->memory_bytes = STELE_MEMORY_MIN - 1;
}

static void commits_too_large(stele_options *options)
{
    options->commit_bytes_max = STELE_COMMIT_SIZE_MAX + 1;
}

static void segments_too_small(stele_options *options)
{
    options->segment_bytes = 65535;
}

TEST(options_beyond_their_limits_are_refused)
{
    expect_options_refused(too_little_memory, "memory");
    expect_options_refused(commits_too_large, "commit");
    expect_options_refused(segments_too_small, "segment");
}

TEST(options_at_their_limits_are_fine)
{
    suite *s __attribute__((cleanup(suite_end))) = suite_new();
    s->options.memory_bytes = STELE_MEMORY_MIN;
    s->options.commit_bytes_max = STELE_COMMIT_SIZE_MAX;
    s->options.segment_bytes = 65536;
    suite_start(s);
    expect_says(append(s, "a", STELE_ANY, "e0"), "written 0 @1");
}

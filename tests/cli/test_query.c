/* SPDX-License-Identifier: Apache-2.0 */
/* The syntax of queries: what is understood, and where what is wrong is found. */
#include "cli/query.h"

#include "support/test.h"

#include <string.h>

static cli_arena arena;

/* The query written out again, in one form: types, then tags, each in angle brackets. */
static const char *written(const char *text)
{
    cli_buffer out = {0};
    stele_query query = {0};
    const char *message;
    size_t at;
    char *copy;

    if (!cli_query_parse(&arena, text, &query, &at, &message)) {
        cli_buffer_format(&out, "%zu: %s", at, message);
    } else if (query.everything) {
        cli_buffer_add_text(&out, "everything");
    }
    for (size_t i = 0; i < query.item_count; i++) {
        cli_buffer_add_text(&out, i > 0 ? " | " : "");
        for (size_t j = 0; j < query.items[i].types.count; j++) {
            cli_buffer_format(&out, "type<%s>", query.items[i].types.names[j]);
        }
        for (size_t j = 0; j < query.items[i].tags.count; j++) {
            cli_buffer_format(&out, "tag<%s>", query.items[i].tags.names[j]);
        }
    }
    copy = test_memory(out.size + 1);
    memcpy(copy, cli_buffer_text(&out), out.size);
    cli_buffer_done(&out);
    cli_arena_done(&arena);
    return copy;
}

static const struct {
    const char *text;
    const char *written;
} queries[] = {
    {"type:A", "type<A>"},
    {"tag:x", "tag<x>"},
    {"type:A,B", "type<A>type<B>"},
    {"type:A type:B", "type<A>type<B>"},
    {"tag:x tag:y", "tag<x>tag<y>"},
    {"  type:A\ttag:x\n", "type<A>tag<x>"},
    {"type:StudentEnrolled,StudentLeft tag:course:c1 | tag:student:s1",
     "type<StudentEnrolled>type<StudentLeft>tag<course:c1> | tag<student:s1>"},
    {"tag:a|tag:b|tag:c", "tag<a> | tag<b> | tag<c>"},
    {"tag:\"a b\"", "tag<a b>"},
    {"tag:'a|b'", "tag<a|b>"},
    {"type:'a,b',c", "type<a,b>type<c>"},
    {"tag:course:\"c 1\"", "tag<course:c 1>"},
    {"tag:\"say \\\"hi\\\" \\\\ there\"", "tag<say \"hi\" \\ there>"},
    {"tag:'it is \\'", "tag<it is \\>"},
    {"tag:k\xc3\xa4se", "tag<k\xc3\xa4se>"},
    {"tag:type:A", "tag<type:A>"},
    {"*", "everything"},
    {" * ", "everything"},
    /* What is wrong, and the byte where. */
    {"", "0: type: or tag: is expected"},
    {"   ", "3: type: or tag: is expected"},
    {"A", "0: type: or tag: is expected"},
    {"type:A Tag:x", "7: type: or tag: is expected"},
    {"type:", "5: a name is expected"},
    {"type:A,", "7: a name is expected"},
    {"type:,A", "5: a name is expected"},
    {"type:A, B", "7: a name is expected"},
    {"tag:", "4: a name is expected"},
    {"tag:\"\"", "4: a name is expected"},
    {"tag:a,b", "5: tags are all required: write tag:a tag:b, or quote the comma"},
    {"tag:\"a", "4: this quote is not closed"},
    {"type:A |", "8: type: or tag: is expected"},
    {"| type:A", "0: type: or tag: is expected"},
    {"type:A || type:B", "8: type: or tag: is expected"},
    {"* | tag:a", "0: * stands alone: it matches every event"},
    {"tag:a *", "6: * stands alone: it matches every event"},
};

TEST_ROWS(a_query_is_understood_or_its_error_found, queries)
{
    expect_text(written(queries[row].text), queries[row].written);
}

/* ---- Matching */

static bool matches(const char *text, const char *type, const char *first_tag,
                    const char *second_tag)
{
    const stele_text tags[] = {{first_tag, strlen(first_tag)}, {second_tag, strlen(second_tag)}};
    const stele_record record = {.type = {type, strlen(type)},
                                 .tags = tags,
                                 .tag_count = *second_tag ? 2 : 1};
    stele_query query;
    const char *message;
    size_t at;

    expect_true(cli_query_parse(&arena, text, &query, &at, &message));
    return cli_query_matches(&query, &record);
}

TEST(types_are_alternatives_and_tags_are_all_required)
{
    expect_true(matches("type:A,B tag:x", "B", "x", "y"));
    expect_false(matches("type:A,B tag:x", "C", "x", "y"));
    expect_false(matches("type:A tag:x tag:z", "A", "x", "y"));
    expect_true(matches("tag:x tag:y", "A", "x", "y"));
    expect_true(matches("type:Q | tag:y", "A", "x", "y"));
    expect_true(matches("*", "A", "x", ""));
    expect_false(matches("tag:xy", "A", "x", "y"));
    cli_arena_done(&arena);
}

TEST(a_long_query_keeps_every_word)
{
    cli_buffer text = {0};
    stele_query query;
    const char *message;
    size_t at;

    for (int i = 0; i < 100; i++) {
        cli_buffer_format(&text, "%stag:t%d type:T%d", i > 0 ? "|" : "", i, i);
    }
    expect_true(cli_query_parse(&arena, cli_buffer_text(&text), &query, &at, &message));
    expect_uint(query.item_count, 100);
    expect_text(query.items[99].tags.names[0], "t99");
    expect_text(query.items[99].types.names[0], "T99");
    expect_text(query.items[0].tags.names[0], "t0");
    cli_buffer_done(&text);
    cli_arena_done(&arena);
}

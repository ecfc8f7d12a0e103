/* SPDX-License-Identifier: Apache-2.0 */
/* The syntax of queries, see query.h. */
#include "query.h"

#include "cli.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

typedef struct query_parser {
    cli_arena *arena;
    const char *text;
    const char *at;
    const char *message;
} query_parser;

/* ---- Words */

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static void skip_blanks(query_parser *parser)
{
    while (is_blank(*parser->at)) {
        parser->at++;
    }
}

static bool fail(query_parser *parser, const char *message)
{
    parser->message = message;
    return false;
}

/* A part in quotes. A backslash protects the next character in double quotes. */
static bool take_quoted(query_parser *parser, cli_buffer *word)
{
    const char quote = *parser->at;
    const char *start = parser->at;

    for (parser->at++; *parser->at != '\0'; parser->at++) {
        if (*parser->at == quote) {
            parser->at++;
            return true;
        }
        if (quote == '"' && *parser->at == '\\' && parser->at[1] != '\0') {
            parser->at++;
        }
        cli_buffer_add_byte(word, *parser->at);
    }
    parser->at = start;
    return fail(parser, "this quote is not closed");
}

static bool take_word(query_parser *parser, const char **ret_word)
{
    CLI_CLEANUP_BUFFER cli_buffer word = {0};
    const char *start = parser->at;

    while (*parser->at != '\0' && !is_blank(*parser->at) && *parser->at != ',' &&
           *parser->at != '|') {
        if (*parser->at == '"' || *parser->at == '\'') {
            if (!take_quoted(parser, &word)) {
                return false;
            }
        } else {
            cli_buffer_add_byte(&word, *parser->at++);
        }
    }
    if (word.size == 0) {
        parser->at = start;
        return fail(parser, "a name is expected");
    }
    *ret_word = cli_arena_text(parser->arena, word.data, word.size);
    return true;
}

static bool add_word(query_parser *parser, stele_names *names)
{
    const char **grown;
    const char *word;

    if (!take_word(parser, &word)) {
        return false;
    }
    grown =
        cli_arena_grow(parser->arena, (void *)(uintptr_t)names->names, names->count, sizeof *grown);
    grown[names->count++] = word;
    names->names = grown;
    return true;
}

/* ---- Terms and items */

static bool starts_with(const query_parser *parser, const char *word)
{
    return strncmp(parser->at, word, strlen(word)) == 0;
}

static bool parse_types(query_parser *parser, stele_query_item *item)
{
    parser->at += strlen("type:");
    for (;;) {
        if (!add_word(parser, &item->types)) {
            return false;
        }
        if (*parser->at != ',') {
            return true;
        }
        parser->at++;
    }
}

static bool parse_tag(query_parser *parser, stele_query_item *item)
{
    parser->at += strlen("tag:");
    if (!add_word(parser, &item->tags)) {
        return false;
    }
    if (*parser->at == ',') {
        return fail(parser, "tags are all required: write tag:a tag:b, or quote the comma");
    }
    return true;
}

static bool parse_item(query_parser *parser, stele_query_item *ret_item)
{
    bool is_empty = true;

    *ret_item = (stele_query_item){0};
    for (skip_blanks(parser); *parser->at != '\0' && *parser->at != '|'; skip_blanks(parser)) {
        is_empty = false;
        if (starts_with(parser, "type:")) {
            if (!parse_types(parser, ret_item)) {
                return false;
            }
        } else if (starts_with(parser, "tag:")) {
            if (!parse_tag(parser, ret_item)) {
                return false;
            }
        } else if (*parser->at == '*') {
            return fail(parser, "* stands alone: it matches every event");
        } else {
            return fail(parser, "type: or tag: is expected");
        }
    }
    return is_empty ? fail(parser, "type: or tag: is expected") : true;
}

static bool is_everything(const char *text)
{
    while (is_blank(*text)) {
        text++;
    }
    if (*text != '*') {
        return false;
    }
    for (text++; is_blank(*text); text++) {
    }
    return *text == '\0';
}

static bool parse_items(query_parser *parser, stele_query *query)
{
    stele_query_item *items = NULL;

    for (;;) {
        items = cli_arena_grow(parser->arena, items, query->item_count, sizeof *items);
        if (!parse_item(parser, &items[query->item_count])) {
            return false;
        }
        query->item_count++;
        query->items = items;
        if (*parser->at != '|') {
            return true;
        }
        parser->at++;
    }
}

bool cli_query_parse(cli_arena *arena, const char *text, stele_query *ret_query, size_t *ret_at,
                     const char **ret_message)
{
    query_parser parser = {.arena = arena, .text = text, .at = text};
    stele_query query = {0};

    if (is_everything(text)) {
        query.everything = 1;
    } else if (!parse_items(&parser, &query)) {
        *ret_at = (size_t)(parser.at - text);
        *ret_message = parser.message;
        return false;
    }
    *ret_query = query;
    return true;
}

bool cli_query_take(const char *text, stele_query *ret_query)
{
    CLI_CLEANUP_BUFFER cli_buffer shown = {0};
    const char *message;
    size_t mark;
    size_t at;

    if (cli_query_parse(&cli_forever, text, ret_query, &at, &message)) {
        return true;
    }
    (void)cli_refuse(NULL, "query: %s", message);
    cli_add_printable(&shown, text, at);
    mark = cli_text_width(shown.data ? shown.data : "", shown.size);
    cli_add_printable(&shown, text + at, strlen(text + at));
    if (cli_columns() == 0 ||
        cli_text_width(shown.data ? shown.data : "", shown.size) + 7 <= cli_columns()) {
        fprintf(stderr, "       %s\n       %*s^\n", cli_buffer_text(&shown), (int)mark, "");
    }
    return false;
}

/* ---- Matching */

static bool is_named(stele_text text, const char *name)
{
    return strlen(name) == text.size && memcmp(name, text.data, text.size) == 0;
}

static bool has_tag(const stele_record *record, const char *tag)
{
    for (size_t i = 0; i < record->tag_count; i++) {
        if (is_named(record->tags[i], tag)) {
            return true;
        }
    }
    return false;
}

static bool item_matches(const stele_query_item *item, const stele_record *record)
{
    bool has_type = item->types.count == 0;

    for (size_t i = 0; i < item->types.count && !has_type; i++) {
        has_type = is_named(record->type, item->types.names[i]);
    }
    for (size_t i = 0; i < item->tags.count && has_type; i++) {
        if (!has_tag(record, item->tags.names[i])) {
            return false;
        }
    }
    return has_type;
}

bool cli_query_matches(const stele_query *query, const stele_record *record)
{
    if (query->everything) {
        return true;
    }
    for (size_t i = 0; i < query->item_count; i++) {
        if (item_matches(&query->items[i], record)) {
            return true;
        }
    }
    return false;
}

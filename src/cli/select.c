/* SPDX-License-Identifier: Apache-2.0 */
/* From options to a stele_read, see select.h. */
#include "select.h"

#include "cli.h"
#include "query.h"
#include "text.h"

#include <string.h>

typedef struct selectors {
    const char *category;
    cli_list types;
    cli_list tags;
    const char *query;
    cli_list stream_prefixes;
    cli_list type_prefixes;
    bool without_system;
    const char *from;
    cli_number from_position;
    const char *from_time;
    bool is_backwards;
    cli_number limit;
    const char *as_of;
} selectors;

static selectors given;

const cli_option cli_select_what[] = {
    CLI_OPTION(CLI_TEXT, 'c', "category", "C", &given.category,
               "events of streams whose names begin with C and a dash",
               .words = CLI_WORDS_CATEGORIES),
    CLI_OPTION(CLI_LIST, 't', "type", "T", &given.types,
               "events of this type; several: of any of them", .words = CLI_WORDS_TYPES),
    CLI_OPTION(CLI_LIST, 0, "tag", "T", &given.tags,
               "events with this tag; several: with all of them", .words = CLI_WORDS_TAGS),
    CLI_OPTION(CLI_TEXT, 'Q', "query", "Q", &given.query,
               "'type:A,B tag:x tag:y | tag:z': type A or B with both tags x and y, or tag z"),
    CLI_OPTION(CLI_LIST, 0, "stream-prefix", "P", &given.stream_prefixes,
               "only streams whose names begin so; several: with any of them",
               .words = CLI_WORDS_STREAMS),
    CLI_OPTION(CLI_LIST, 0, "type-prefix", "P", &given.type_prefixes,
               "only types that begin so; several: with any of them", .words = CLI_WORDS_TYPES),
    CLI_OPTION_FLAG(0, "no-system", &given.without_system,
                    "leave out streams and types that begin with $"),
    CLI_OPTION_END,
};

const cli_option cli_select_from[] = {
    CLI_OPTION(
        CLI_TEXT, 'f', "from", "N", &given.from,
        "begin at this revision of the stream, or this position when no stream is read; also "
        "start and end",
        .offers = "start|end"),
    CLI_OPTION(CLI_NUMBER, 0, "from-position", "N", &given.from_position, "begin at this position"),
    CLI_OPTION(CLI_TEXT, 0, "from-time", "TIME", &given.from_time,
               "begin with what was recorded at this time"),
    CLI_OPTION_END,
};

const cli_option cli_select_range[] = {
    CLI_OPTION_FLAG('b', "backwards", &given.is_backwards, "newest first"),
    CLI_OPTION(CLI_NUMBER, 'n', "limit", "N", &given.limit, "at most so many events"),
    CLI_OPTION(CLI_TEXT, 0, "as-of", "WHEN", &given.as_of,
               "without the events after this position or time; what a stream's metadata, its "
               "deletion or its end hide now stays hidden"),
    CLI_OPTION_END,
};

#define TIME_FORMS "2026-11-21T10:00 (UTC, or with a zone), or 90s, 10m, 2h, 7d for how long ago"

/* ---- Where to begin and end */

static int select_from(const char *stream, cli_selection *selection)
{
    stele_point *from = &selection->read.from;
    stele_time time;

    if ((given.from ? 1 : 0) + (given.from_position.is_given ? 1 : 0) + (given.from_time ? 1 : 0) >
        1) {
        return cli_refuse(NULL, "--from, --from-position and --from-time exclude each other");
    }
    selection->has_from = given.from || given.from_position.is_given || given.from_time;
    if (given.from_position.is_given) {
        *from = STELE_AT_POSITION(given.from_position.value);
    } else if (given.from_time) {
        if (!cli_parse_time(given.from_time, &time)) {
            return cli_refuse("a time is " TIME_FORMS, "--from-time cannot be \"%s\"",
                              given.from_time);
        }
        *from = STELE_AT_TIME(time);
    } else if (given.from && strcmp(given.from, "start") == 0) {
        *from = STELE_AT_START;
    } else if (given.from && strcmp(given.from, "end") == 0) {
        *from = STELE_AT_END;
    } else if (given.from) {
        if (!cli_parse_number(given.from, &from->value)) {
            return cli_refuse("--from-time takes a time",
                              "--from needs a number, start or end, not \"%s\"", given.from);
        }
        from->kind = stream ? STELE_POINT_REVISION : STELE_POINT_POSITION;
    }
    return -1;
}

static int select_end(cli_selection *selection)
{
    stele_point *as_of = &selection->read.as_of;
    stele_time time;

    if (!given.as_of) {
        return -1;
    }
    if (cli_parse_number(given.as_of, &as_of->value)) {
        as_of->kind = STELE_POINT_POSITION;
        return -1;
    }
    if (!cli_parse_time(given.as_of, &time)) {
        return cli_refuse("it takes a position, or a time: " TIME_FORMS, "--as-of cannot be \"%s\"",
                          given.as_of);
    }
    *as_of = STELE_AT_TIME(time);
    return -1;
}

/* ---- What */

static bool begins_with_dollar(stele_text name)
{
    return name.size > 0 && name.data[0] == '$';
}

static int is_wanted(void *context, const stele_record *record)
{
    const cli_selection *selection = context;

    if (selection->without_system &&
        (begins_with_dollar(record->stream) || begins_with_dollar(record->type))) {
        return 0;
    }
    return !selection->has_filter || cli_query_matches(&selection->filter, record);
}

/* One item of all types and tags that were given. */
static stele_query types_and_tags(void)
{
    stele_query_item *item = cli_arena_take(&cli_forever, sizeof *item);

    item->types = (stele_names){given.types.items, given.types.count};
    item->tags = (stele_names){given.tags.items, given.tags.count};
    return (stele_query){.items = item, .item_count = 1};
}

/* Decides what is looked up in the index, and what is left for the filter. */
static int select_source(const char *stream, cli_selection *selection)
{
    const bool has_terms = given.types.count > 0 || given.tags.count > 0;
    stele_read *read = &selection->read;

    if (stream && given.category) {
        return cli_refuse(NULL, "a stream and --category exclude each other");
    }
    if (given.query && !cli_query_take(given.query, &selection->query)) {
        return CLI_EXIT_USAGE;
    }
    if ((stream || given.category) && given.query && has_terms) {
        return cli_refuse("write types and tags into the query",
                          "--query with --type or --tag goes only without a "
                          "stream and --category");
    }
    if (stream) {
        read->stream = stream;
    } else if (given.category) {
        read->category = given.category;
    } else if (given.query || has_terms) {
        if (!given.query) {
            selection->query = types_and_tags();
        }
        read->query = &selection->query;
    }
    if (given.query && (stream || given.category)) {
        selection->filter = selection->query;
        selection->has_filter = true;
    } else if (has_terms && (stream || given.category || given.query)) {
        selection->filter = types_and_tags();
        selection->has_filter = true;
    }
    selection->has_what = stream || given.category || given.query || has_terms;
    return -1;
}

int cli_select(const char *stream, cli_selection *ret_selection)
{
    stele_read *read = &ret_selection->read;
    int result;

    *ret_selection = (cli_selection){0};
    result = select_source(stream, ret_selection);
    if (result < 0) {
        result = select_from(stream, ret_selection);
    }
    if (result < 0) {
        result = select_end(ret_selection);
    }
    if (result >= 0) {
        return result;
    }
    if (given.limit.is_given && given.limit.value == 0) {
        return cli_refuse("leave it out for all events", "--limit must be at least 1");
    }
    read->direction = given.is_backwards ? STELE_BACKWARDS : STELE_FORWARDS;
    read->limit = given.limit.value;
    read->stream_prefixes = given.stream_prefixes.items;
    read->stream_prefix_count = given.stream_prefixes.count;
    read->type_prefixes = given.type_prefixes.items;
    read->type_prefix_count = given.type_prefixes.count;
    ret_selection->has_what =
        ret_selection->has_what || read->stream_prefix_count > 0 || read->type_prefix_count > 0;
    ret_selection->without_system = given.without_system;
    if (ret_selection->has_filter || ret_selection->without_system) {
        read->predicate = is_wanted;
        read->predicate_context = ret_selection;
    }
    return -1;
}

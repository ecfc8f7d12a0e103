/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Importing what the store itself has written.
 *
 * When a deleted stream is written again, the store adds a `$metadata` event to the commit, which
 * carries the stream's new `$tb`:
 *
 *     D  in front of the events, when events are appended to the stream (it is recreated)
 *     R  behind the events, when its metadata stream is written (it is revived)
 *
 * What revives it may be an event of any type and format: the last one that the commit writes to
 * the metadata stream decides. If that is a `$metadata` event, R says the same as it; an event of
 * another type says nothing, and R has nothing but `$tb`. The stream is not revived when that last
 * event deletes it again, when it has no event, or when a tombstone has ended it.
 *
 * An export has these events like all others. If an import appended them, the store would add
 * another one, and every later position would be another than in the exported store. So they are
 * left out, and what stood in one commit with them is appended as one commit, whereupon the store
 * makes them again: the same bytes in the same place, with an id of its own.
 *
 * Commits do not show in a file. But all events of one have the same time, and D and R are known
 * by what they say: the metadata before them, with `$tb` behind the last revision, as JSON, and
 * neither tags nor metadata of their own. From a D on, a commit goes at least to the first event of
 * its stream; from the metadata that revives a stream, to its R. It takes in what else has the same
 * time, as far as that could be one commit.
 *
 * An event without a time comes from no store, and is never taken for one of these. In a file that
 * no store has written, metadata for a deleted stream need not look like that. It is
 * appended like any other event then, and the store adds its own.
 */
#include "derived.h"

#include <stdlib.h>
#include <string.h>

/* Streams that one commit brings back. More are not looked for. */
#define STREAMS_MAX 64

typedef enum awaited {
    AWAITS_NOTHING = 0,
    AWAITS_EVENT,  /* D was there: an event of the stream must come */
    AWAITS_DERIVED /* metadata was there: R must come */
} awaited;

typedef struct comeback {
    const char *stream;
    uint64_t truncate_before; /* what D or R must say */
    stele_bytes metadata;     /* what it must say besides */
    bool is_written;          /* the commit writes its metadata stream */
    awaited awaits;
} comeback;

typedef struct derived_search {
    const cli_lookahead *items;
    bool *is_derived;
    comeback streams[STREAMS_MAX];
    size_t stream_count;
    size_t awaited_count;
    bool is_in_front;  /* nothing but D so far */
    bool expects_none; /* second try: what looks like D is metadata that somebody wrote */
    bool has_derived;
    bool has_ended;   /* R was there: nothing else may follow */
    size_t looked_at; /* items, from the first one on */
    cli_arena arena;  /* for copies of metadata that is in the store */
} derived_search;

/* ---- JSON that says the same */

static bool says_same(const stele__json_value *a, const stele__json_value *b);

/* Finds a member by the text of its name; the last one, if there are several. */
static bool find_member(stele_bytes json, const char *name, size_t size,
                        stele__json_value *ret_value)
{
    stele__json_scanner scanner;
    stele__json_value found;
    stele__json_value value;
    bool is_there = false;

    stele__json_begin(&scanner, (const char *)json.data, json.size);
    if (!stele__json_enter(&scanner, '{')) {
        return false;
    }
    for (bool is_first = true; stele__json_next_member(&scanner, is_first, &found, &value) > 0;
         is_first = false) {
        CLI_CLEANUP_BUFFER cli_buffer decoded = {0};

        if (cli_json_add_decoded(&decoded, &found) && decoded.size == size &&
            memcmp(cli_buffer_text(&decoded), name, size) == 0) {
            *ret_value = value;
            is_there = true;
        }
    }
    return is_there;
}

/* Whether every member of `a`, but for `except`, is in `b` and says the same there. Of members with
 * one name the last counts. */
static bool has_members(stele_bytes a, stele_bytes b, const char *except)
{
    stele__json_scanner scanner;
    stele__json_value name;
    stele__json_value value;
    stele__json_value other;
    bool is_same = true;

    stele__json_begin(&scanner, (const char *)a.data, a.size);
    if (!stele__json_enter(&scanner, '{')) {
        return true;
    }
    for (bool is_first = true;
         is_same && stele__json_next_member(&scanner, is_first, &name, &value) > 0;
         is_first = false) {
        CLI_CLEANUP_BUFFER cli_buffer decoded = {0};

        is_same = cli_json_add_decoded(&decoded, &name) &&
                  ((except && strcmp(cli_buffer_text(&decoded), except) == 0) ||
                   (find_member(a, cli_buffer_text(&decoded), decoded.size, &value) &&
                    find_member(b, cli_buffer_text(&decoded), decoded.size, &other) &&
                    says_same(&value, &other)));
    }
    return is_same;
}

static bool are_same_items(const stele__json_value *a, const stele__json_value *b)
{
    stele__json_scanner left;
    stele__json_scanner right;
    stele__json_value one;
    stele__json_value other;

    stele__json_begin(&left, a->text, a->size);
    stele__json_begin(&right, b->text, b->size);
    if (!stele__json_enter(&left, '[') || !stele__json_enter(&right, '[')) {
        return false;
    }
    for (bool is_first = true;; is_first = false) {
        const int has_one = stele__json_next_item(&left, is_first, &one);

        if (has_one != stele__json_next_item(&right, is_first, &other)) {
            return false;
        }
        if (has_one <= 0) {
            return true;
        }
        if (!says_same(&one, &other)) {
            return false;
        }
    }
}

static double number_of(const stele__json_value *value)
{
    CLI_CLEANUP_BUFFER cli_buffer digits = {0};

    cli_buffer_add(&digits, value->text, value->size);
    return strtod(cli_buffer_text(&digits), NULL);
}

static bool are_same_strings(const stele__json_value *a, const stele__json_value *b)
{
    CLI_CLEANUP_BUFFER cli_buffer one = {0};
    CLI_CLEANUP_BUFFER cli_buffer other = {0};

    return cli_json_add_decoded(&one, a) && cli_json_add_decoded(&other, b) &&
           one.size == other.size && (one.size == 0 || memcmp(one.data, other.data, one.size) == 0);
}

/* Between an export and its import, programs may have written the JSON anew: blanks, escapes and
 * numbers may look otherwise. */
static bool says_same(const stele__json_value *a, const stele__json_value *b)
{
    const stele_bytes left = {(const uint8_t *)a->text, a->size};
    const stele_bytes right = {(const uint8_t *)b->text, b->size};

    if (a->kind != b->kind) {
        return false;
    }
    switch (a->kind) {
    case STELE_JSON_NUMBER: {
        const double difference = number_of(a) - number_of(b);

        return !(difference < 0) && !(difference > 0);
    }
    case STELE_JSON_STRING:
        return are_same_strings(a, b);
    case STELE_JSON_ARRAY:
        return are_same_items(a, b);
    case STELE_JSON_OBJECT:
        return has_members(left, right, NULL) && has_members(right, left, NULL);
    case STELE_JSON_NULL:
    case STELE_JSON_FALSE:
    case STELE_JSON_TRUE:
        break;
    }
    return true;
}

static bool truncates_at(stele_bytes json, uint64_t revision)
{
    CLI_CLEANUP_BUFFER cli_buffer digits = {0};
    stele__json_value value;

    if (!stele__json_is_valid((const char *)json.data, json.size) ||
        !find_member(json, "$tb", 3, &value) || value.kind != STELE_JSON_NUMBER) {
        return false;
    }
    cli_buffer_format(&digits, "%llu", (unsigned long long)revision);
    return value.size == digits.size && memcmp(value.text, digits.data, digits.size) == 0;
}

/* ---- Streams that come back */

static bool is_metadata(const stele_event *event)
{
    return strncmp(event->stream, "$$", 2) == 0 && strcmp(event->type, STELE_TYPE_METADATA) == 0;
}

/* Whether an event of a metadata stream leaves its stream deleted. */
static bool deletes(const stele_event *event)
{
    return is_metadata(event) && truncates_at(event->data, STELE_TRUNCATE_ALL);
}

/* Whether an event has metadata of its own; what it was as a CloudEvent is none. */
static bool has_metadata(const cli_parsed_event *parsed)
{
    static const char empty[] = "{}";
    const stele_bytes metadata = parsed->event.metadata;

    if (!parsed->is_cloudevent) {
        return metadata.size > 0 || parsed->event.metadata_format != STELE_BINARY;
    }
    return metadata.size > 0 &&
           (!stele__json_is_valid((const char *)metadata.data, metadata.size) ||
            metadata.data[0] != '{' ||
            !has_members(metadata, (stele_bytes){(const uint8_t *)empty, 2},
                         CLI_SOURCE_CLOUDEVENT));
}

/* Adds what the store makes of metadata: its members as they stand, and `$tb` behind them. */
static void add_made(cli_buffer *out, stele_bytes metadata, uint64_t truncate_before)
{
    stele__json_scanner scanner;
    stele__json_value name;
    stele__json_value value;

    cli_buffer_add_text(out, "{");
    stele__json_begin(&scanner, (const char *)metadata.data, metadata.size);
    if (stele__json_enter(&scanner, '{')) {
        for (bool is_first = true; stele__json_next_member(&scanner, is_first, &name, &value) > 0;
             is_first = false) {
            if (!stele__json_is_text(&name, "$tb")) {
                cli_buffer_add(out, name.text, name.size);
                cli_buffer_add_byte(out, ':');
                cli_buffer_add(out, value.text, value.size);
                cli_buffer_add_byte(out, ',');
            }
        }
    }
    cli_buffer_format(out, "\"$tb\":%llu}", (unsigned long long)truncate_before);
}

/* Whether an event is what the store makes of this metadata. */
static bool is_made_of(const cli_parsed_event *parsed, const comeback *stream)
{
    static const char empty[] = "{}";
    CLI_CLEANUP_BUFFER cli_buffer made = {0};
    const stele_event *event = &parsed->event;
    stele_bytes metadata = stream->metadata;

    if (!is_metadata(event) || event->data_format != STELE_JSON || event->tag_count > 0 ||
        has_metadata(parsed) || !truncates_at(event->data, stream->truncate_before)) {
        return false;
    }
    if (!stele__json_is_valid((const char *)metadata.data, metadata.size)) {
        metadata = (stele_bytes){(const uint8_t *)empty, 2};
    }
    add_made(&made, metadata, stream->truncate_before);
    return (event->data.size == made.size && memcmp(event->data.data, made.data, made.size) == 0) ||
           (has_members(event->data, metadata, "$tb") && has_members(metadata, event->data, "$tb"));
}

static comeback *find_stream(derived_search *search, const char *stream)
{
    for (size_t i = 0; i < search->stream_count; i++) {
        if (strcmp(search->streams[i].stream, stream) == 0) {
            return &search->streams[i];
        }
    }
    return NULL;
}

/* Whether a stream is deleted in the store and can come back; then what its metadata is, and where
 * it goes on. (Without an arena: whether it is deleted.) */
static bool is_deleted(stele_store *store, const char *stream, cli_arena *arena,
                       comeback *ret_stream)
{
    STELE_CLEANUP(metadata) stele_metadata metadata = {0};
    stele_stream_info info;
    stele_error error;

    if (stele_metadata_read(store, stream, &metadata, &error) != STELE_OK ||
        metadata.truncate_before != STELE_TRUNCATE_ALL) {
        return false;
    }
    if (arena) {
        if (stele_stream_describe(store, stream, &info, &error) != STELE_OK ||
            info.state == STELE_IS_TOMBSTONED) {
            return false;
        }
        *ret_stream = (comeback){.stream = stream};
        ret_stream->metadata.data =
            (const uint8_t *)cli_arena_text(arena, (const char *)metadata.json.data,
                                            metadata.json.size);
        ret_stream->metadata.size = metadata.json.size;
        if (info.event_count > 0) {
            ret_stream->truncate_before = info.last_revision + 1;
        }
    }
    return true;
}

static void await(derived_search *search, comeback *stream, awaited what)
{
    search->awaited_count += (what != AWAITS_NOTHING ? 1U : 0U);
    search->awaited_count -= (stream->awaits != AWAITS_NOTHING ? 1U : 0U);
    stream->awaits = what;
}

/* The last one that a commit writes decides whether the stream is revived. What has no event yet is
 * not: its metadata stays as it was written. */
static void write_metadata(derived_search *search, comeback *stream, const stele_event *event)
{
    const bool is_revived = stream->truncate_before > 0 && !deletes(event);

    stream->is_written = true;
    stream->metadata = is_metadata(event) ? event->data : (stele_bytes){NULL, 0};
    await(search, stream, is_revived ? AWAITS_DERIVED : AWAITS_NOTHING);
}

/* An event of the metadata stream of a stream that is deleted. False: this is no commit that we
 * know. */
static bool take_first_metadata(derived_search *search, const cli_parsed_event *event, size_t item,
                                const comeback *deleted)
{
    comeback *stream;

    if (search->stream_count == STREAMS_MAX) {
        return false;
    }
    stream = &search->streams[search->stream_count++];
    *stream = *deleted;
    if (search->is_in_front && !search->expects_none && is_made_of(event, stream)) {
        search->is_derived[item] = true;
        await(search, stream, AWAITS_EVENT);
    } else {
        search->is_in_front = false;
        write_metadata(search, stream, &event->event);
    }
    return !search->has_ended;
}

/* The same for a stream that the commit has met before. */
static bool take_more_metadata(derived_search *search, const cli_parsed_event *event, size_t item,
                               comeback *stream)
{
    if (!stream->is_written) {
        return false; /* with metadata of its own, the stream would not be recreated */
    }
    if (stream->awaits == AWAITS_DERIVED && is_made_of(event, stream)) {
        search->is_derived[item] = true;
        search->has_derived = true;
        search->has_ended = true;
        await(search, stream, AWAITS_NOTHING);
        return true;
    }
    write_metadata(search, stream, &event->event);
    return !search->has_ended;
}

static bool take_item(derived_search *search, const cli_parsed_event *parsed, size_t item)
{
    const stele_event *event = &parsed->event;
    comeback deleted;
    comeback *stream;

    if (parsed->key || parsed->is_tombstone) {
        return false;
    }
    if (strncmp(event->stream, "$$", 2) == 0) {
        stream = find_stream(search, event->stream + 2);
        if (stream) {
            return take_more_metadata(search, parsed, item, stream);
        }
        if (!deletes(event) &&
            is_deleted(search->items->store, event->stream + 2, &search->arena, &deleted)) {
            return take_first_metadata(search, parsed, item, &deleted);
        }
    } else {
        stream = find_stream(search, event->stream);
        if (stream && stream->awaits == AWAITS_EVENT) {
            search->has_derived = true;
            await(search, stream, AWAITS_NOTHING);
        }
    }
    search->is_in_front = false;
    return !search->has_ended;
}

static bool has_same_time(const cli_parsed_event *a, const cli_parsed_event *b)
{
    return a->has_time && b->has_time && a->time == b->time;
}

static cli_derivation search_from(derived_search *search, size_t first, size_t *ret_end)
{
    const cli_lookahead *items = search->items;
    const cli_parsed_event *begin = items->get(items->context, first);
    size_t end = first;

    for (size_t item = first; item < items->count; item++) {
        const cli_parsed_event *event = items->get(items->context, item);

        if (!event || !has_same_time(begin, event) || !take_item(search, event, item)) {
            break;
        }
        search->looked_at++;
        if (search->awaited_count == 0 && search->has_derived) {
            end = item + 1;
        }
    }
    memset(search->is_derived + end, 0, (first + search->looked_at - end) * sizeof(bool));
    *ret_end = end;
    return end > first                                 ? CLI_DERIVES
           : first + search->looked_at == items->count ? CLI_DERIVES_UNKNOWN
                                                       : CLI_DERIVES_NOTHING;
}

cli_derivation cli_derived_find(const cli_lookahead *items, size_t first, bool *is_derived,
                                size_t *ret_end)
{
    cli_derivation result = CLI_DERIVES_NOTHING;

    for (int attempt = 0; attempt < 2 && result == CLI_DERIVES_NOTHING; attempt++) {
        derived_search search = {.items = items,
                                 .is_derived = is_derived,
                                 .is_in_front = true,
                                 .expects_none = attempt > 0};

        result = search_from(&search, first, ret_end);
        cli_arena_done(&search.arena);
    }
    return result;
}

bool cli_derived_may_begin(stele_store *store, const stele_event *event)
{
    return store && strncmp(event->stream, "$$", 2) == 0 && !deletes(event) &&
           is_deleted(store, event->stream + 2, NULL, NULL);
}

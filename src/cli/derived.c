/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Importing what the store itself has written.
 *
 * When a deleted stream is written again, the store adds a `$metadata` event to the commit, which
 * carries the stream's new `$tb`:
 *
 *     D  in front of the events, when events are appended to the stream (it is recreated)
 *     R  behind the events, when metadata is written for it (it is revived)
 *
 * An export has these events like all others. If an import appended them, the store would add
 * another one, and every later position would be another than in the exported store. So they are
 * left out, and what stood in one commit with them is appended as one commit, whereupon the store
 * makes them again: the same bytes in the same place, with an id of its own.
 *
 * Commits do not show in a file. But all events of one have the same time, and D and R are known
 * by what they say: the metadata before them, with `$tb` behind the last revision. From a D on, a
 * commit goes at least to the first event of its stream; from the metadata that revives a stream,
 * to its R. It takes in what else has the same time, as far as that could be one commit.
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
    bool is_written;          /* the commit writes its metadata */
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

static bool says_same(const cli_json_value *a, const cli_json_value *b);

/* Finds a member by the text of its name; the last one, if there are several. */
static bool find_member(stele_bytes json, const char *name, size_t size, cli_json_value *ret_value)
{
    cli_json_scanner scanner;
    cli_json_value found;
    cli_json_value value;
    bool is_there = false;

    cli_json_begin(&scanner, (const char *)json.data, json.size);
    if (!cli_json_enter(&scanner, '{')) {
        return false;
    }
    for (bool is_first = true; cli_json_next_member(&scanner, is_first, &found, &value) > 0;
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

/* Whether every member of `a`, but for `except`, is in `b` and says the same there. */
static bool has_members(stele_bytes a, stele_bytes b, const char *except)
{
    cli_json_scanner scanner;
    cli_json_value name;
    cli_json_value value;
    cli_json_value other;
    bool is_same = true;

    cli_json_begin(&scanner, (const char *)a.data, a.size);
    if (!cli_json_enter(&scanner, '{')) {
        return true;
    }
    for (bool is_first = true;
         is_same && cli_json_next_member(&scanner, is_first, &name, &value) > 0; is_first = false) {
        CLI_CLEANUP_BUFFER cli_buffer decoded = {0};

        is_same = cli_json_add_decoded(&decoded, &name) &&
                  ((except && strcmp(cli_buffer_text(&decoded), except) == 0) ||
                   (find_member(b, cli_buffer_text(&decoded), decoded.size, &other) &&
                    says_same(&value, &other)));
    }
    return is_same;
}

static bool are_same_items(const cli_json_value *a, const cli_json_value *b)
{
    cli_json_scanner left;
    cli_json_scanner right;
    cli_json_value one;
    cli_json_value other;

    cli_json_begin(&left, a->text, a->size);
    cli_json_begin(&right, b->text, b->size);
    if (!cli_json_enter(&left, '[') || !cli_json_enter(&right, '[')) {
        return false;
    }
    for (bool is_first = true;; is_first = false) {
        const int has_one = cli_json_next_item(&left, is_first, &one);

        if (has_one != cli_json_next_item(&right, is_first, &other)) {
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

static double number_of(const cli_json_value *value)
{
    CLI_CLEANUP_BUFFER cli_buffer digits = {0};

    cli_buffer_add(&digits, value->text, value->size);
    return strtod(cli_buffer_text(&digits), NULL);
}

static bool are_same_strings(const cli_json_value *a, const cli_json_value *b)
{
    CLI_CLEANUP_BUFFER cli_buffer one = {0};
    CLI_CLEANUP_BUFFER cli_buffer other = {0};

    return cli_json_add_decoded(&one, a) && cli_json_add_decoded(&other, b) &&
           one.size == other.size && (one.size == 0 || memcmp(one.data, other.data, one.size) == 0);
}

/* The store writes JSON anew when it changes `$tb`: blanks, escapes and numbers may look otherwise.
 */
static bool says_same(const cli_json_value *a, const cli_json_value *b)
{
    const stele_bytes left = {(const uint8_t *)a->text, a->size};
    const stele_bytes right = {(const uint8_t *)b->text, b->size};

    if (a->kind != b->kind) {
        return false;
    }
    switch (a->kind) {
    case CLI_JSON_NUMBER: {
        const double difference = number_of(a) - number_of(b);

        return !(difference < 0) && !(difference > 0);
    }
    case CLI_JSON_STRING:
        return are_same_strings(a, b);
    case CLI_JSON_ARRAY:
        return are_same_items(a, b);
    case CLI_JSON_OBJECT:
        return has_members(left, right, NULL) && has_members(right, left, NULL);
    case CLI_JSON_NULL:
    case CLI_JSON_FALSE:
    case CLI_JSON_TRUE:
        break;
    }
    return true;
}

static bool truncates_at(stele_bytes json, uint64_t revision)
{
    CLI_CLEANUP_BUFFER cli_buffer digits = {0};
    cli_json_value value;

    if (!cli_json_is_valid((const char *)json.data, json.size) ||
        !find_member(json, "$tb", 3, &value) || value.kind != CLI_JSON_NUMBER) {
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

/* Whether an event's own metadata says anything but what it was as a CloudEvent. */
static bool says_more(stele_bytes metadata)
{
    static const char empty[] = "{}";

    return metadata.size > 0 && (!cli_json_is_valid((const char *)metadata.data, metadata.size) ||
                                 metadata.data[0] != '{' ||
                                 !has_members(metadata, (stele_bytes){(const uint8_t *)empty, 2},
                                              CLI_SOURCE_CLOUDEVENT));
}

/* Whether an event is what the store makes of this metadata. */
static bool is_made_of(const stele_event *event, const comeback *stream)
{
    static const char empty[] = "{}";
    stele_bytes metadata = stream->metadata;

    if (!is_metadata(event) || event->tag_count > 0 || says_more(event->metadata) ||
        !truncates_at(event->data, stream->truncate_before)) {
        return false;
    }
    if (!cli_json_is_valid((const char *)metadata.data, metadata.size)) {
        metadata = (stele_bytes){(const uint8_t *)empty, 2};
    }
    return has_members(event->data, metadata, "$tb") && has_members(metadata, event->data, "$tb");
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

/* Whether a stream is deleted in the store; then what its metadata is, and where it goes on. */
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
        *ret_stream = (comeback){.stream = stream};
        ret_stream->metadata.data =
            (const uint8_t *)cli_arena_text(arena, (const char *)metadata.json.data,
                                            metadata.json.size);
        ret_stream->metadata.size = metadata.json.size;
        if (stele_stream_describe(store, stream, &info, &error) == STELE_OK &&
            info.event_count > 0) {
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
    const bool is_revived =
        stream->truncate_before > 0 && !truncates_at(event->data, STELE_TRUNCATE_ALL);

    stream->is_written = true;
    stream->metadata = event->data;
    await(search, stream, is_revived ? AWAITS_DERIVED : AWAITS_NOTHING);
}

/* Metadata for a stream that is deleted. False: this is no commit that we know. */
static bool take_first_metadata(derived_search *search, const stele_event *event, size_t item,
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
        write_metadata(search, stream, event);
    }
    return !search->has_ended;
}

/* The same for a stream that the commit has met before. */
static bool take_more_metadata(derived_search *search, const stele_event *event, size_t item,
                               comeback *stream)
{
    if (!stream->is_written || strcmp(event->type, STELE_TYPE_METADATA) != 0) {
        return false; /* with metadata of its own, the stream would not be recreated */
    }
    if (stream->awaits == AWAITS_DERIVED && is_made_of(event, stream)) {
        search->is_derived[item] = true;
        search->has_derived = true;
        search->has_ended = true;
        await(search, stream, AWAITS_NOTHING);
        return true;
    }
    write_metadata(search, stream, event);
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
            return take_more_metadata(search, event, item, stream);
        }
        if (is_metadata(event) && !truncates_at(event->data, STELE_TRUNCATE_ALL) &&
            is_deleted(search->items->store, event->stream + 2, &search->arena, &deleted)) {
            return take_first_metadata(search, event, item, &deleted);
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
    return store && is_metadata(event) && !truncates_at(event->data, STELE_TRUNCATE_ALL) &&
           is_deleted(store, event->stream + 2, NULL, NULL);
}

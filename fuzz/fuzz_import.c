/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as a file that the tool imports. The first byte chooses the rules of the import; the rest
 * is the file. It is cut into items, and each item is parsed:
 *
 * - Items stand where they say, in order, apart from each other, and have the same chain values
 *   however many of them are consumed at a time.
 * - What is refused is refused with a message and a place within the text.
 * - What is accepted can be handed to a store, and comes back as it was when it is exported and
 *   parsed again: in our own form byte for byte; as a CloudEvent in everything that CloudEvents
 *   have, and what was exported from that is the same text again.
 * - Nothing of it moves a terminal when it is shown.
 */
/* For memfd_create(). */
#define _GNU_SOURCE

#include "fuzz.h"

#include "base/base.h"
#include "cli/cli.h"
#include "cli/cloud_write.h"
#include "cli/event_json.h"
#include "cli/record.h"
#include "cli/source.h"
#include "cli/text.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ITEMS_MAX = 2 * CLI_WINDOW_ITEMS };

static const char origin[] = "urn:uuid:6ba7b811-9dad-41d1-80b4-00c04fd430c8";

/* ---- Exporting what was parsed */

typedef struct made_record {
    stele_record record;
    stele_text tags[256];
} made_record;

/* What a store would answer for the event. False: it has more tags than a store takes. */
static bool make_record(const cli_parsed_event *parsed, made_record *ret_made)
{
    static const stele_uuid made_up = {{1, 2, 3, 4, 5, 6, 0x47, 8, 0x89, 10, 11, 12, 13, 14, 15}};
    const stele_event *event = &parsed->event;
    const bool has_id = memcmp(&event->id, &(stele_uuid){{0}}, sizeof event->id) != 0;

    if (event->tag_count > sizeof ret_made->tags / sizeof ret_made->tags[0]) {
        return false;
    }
    ret_made->record = (stele_record){
        .position = 7,
        .revision = 3,
        .time = parsed->has_time ? parsed->time : 0,
        .id = has_id ? event->id : made_up,
        .stream = {event->stream, strlen(event->stream)},
        .type = {event->type, strlen(event->type)},
        .data_format = event->data_format,
        .metadata_format = event->metadata_format,
        .data = event->data,
        .metadata = event->metadata,
        .tags = ret_made->tags,
        .tag_count = event->tag_count,
    };
    for (size_t i = 0; i < event->tag_count; i++) {
        ret_made->tags[i] = (stele_text){event->tags[i], strlen(event->tags[i])};
    }
    return true;
}

static bool is_same_text(stele_text text, const char *other)
{
    return text.size == strlen(other) && memcmp(text.data, other, text.size) == 0;
}

static bool is_same_bytes(stele_bytes a, stele_bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* What both forms carry whatever they are made of. */
static void check_same(const stele_record *record, const cli_parsed_event *again)
{
    const stele_event *event = &again->event;

    STELE_ASSERT(is_same_text(record->stream, event->stream));
    STELE_ASSERT(is_same_text(record->type, event->type));
    STELE_ASSERT(memcmp(&record->id, &event->id, sizeof event->id) == 0);
    STELE_ASSERT(record->tag_count == event->tag_count);
    for (size_t i = 0; i < event->tag_count; i++) {
        STELE_ASSERT(is_same_text(record->tags[i], event->tags[i]));
    }
}

/* ---- Showing */

static void check_is_safe(const cli_buffer *shown, bool has_lines)
{
    const char *end = shown->data + shown->size;
    int32_t code;

    for (const char *at = shown->data; at < end;) {
        at += cli_utf8_next(at, end, &code);
        STELE_ASSERT(code >= 0);
        STELE_ASSERT(!cli_char_is_unsafe((uint32_t)code) || (has_lines && code == '\n'));
    }
}

/* Like stele__json_is_valid(), but its members may be nested as deeply as an event's data. */
static bool is_object(const char *text, size_t size)
{
    static cli_arena arena;
    cli_members members;
    const bool is_good = cli_members_read(&members, &arena, text, size);

    cli_arena_reset(&arena);
    return is_good;
}

static void show(const stele_record *record)
{
    CLI_CLEANUP_BUFFER cli_buffer line = {0};
    CLI_CLEANUP_BUFFER cli_buffer safe = {0};
    CLI_CLEANUP_BUFFER cli_buffer pretty = {0};
    const char *data = (const char *)record->data.data;

    cli_record_add_json(&line, record, CLI_FOR_READING);
    STELE_ASSERT(is_object(line.data, line.size));
    cli_json_add_safe(&safe, line.data, line.size);
    STELE_ASSERT(is_object(safe.data, safe.size));
    check_is_safe(&safe, false);
    if (record->data_format == STELE_JSON && stele__json_is_valid(data, record->data.size)) {
        cli_json_add_pretty(&pretty, data, record->data.size, 2);
        STELE_ASSERT(stele__json_is_valid(pretty.data, pretty.size));
        check_is_safe(&pretty, true);
    }
    cli_buffer_clear(&safe);
    cli_add_printable(&safe, data, record->data.size);
    cli_add_printable(&safe, record->type.data, record->type.size);
    cli_clip(&safe, 0, 20);
    STELE_ASSERT(cli_text_width(safe.data, safe.size) <= 20);
    check_is_safe(&safe, false);
}

/* ---- Both forms, there and back */

static cli_parsed_event parse_again(cli_arena *arena, const cli_buffer *text,
                                    const cli_parse_rules *rules)
{
    cli_parsed_event event = {0};
    cli_parse_error error = {0};

    STELE_ASSERT(!memchr(text->data, '\n', text->size) && !memchr(text->data, '\r', text->size));
    const bool is_accepted = cli_event_parse(arena, text->data, text->size, rules, &event, &error);
    if (!is_accepted) {
        cli_complain(error.message, cli_arena_text(arena, text->data, text->size));
    }
    STELE_ASSERT(is_accepted);
    return event;
}

static void check_stele_form(cli_arena *arena, const stele_record *record)
{
    const cli_parse_rules rules = {.form = CLI_FORM_STELE};
    CLI_CLEANUP_BUFFER cli_buffer text = {0};

    cli_record_add_json(&text, record, CLI_FOR_IMPORT);
    const cli_parsed_event again = parse_again(arena, &text, &rules);
    check_same(record, &again);
    STELE_ASSERT(again.has_time && again.time == record->time);
    STELE_ASSERT(again.event.data_format == record->data_format);
    STELE_ASSERT(is_same_bytes(again.event.data, record->data));
    STELE_ASSERT(is_same_bytes(again.event.metadata, record->metadata));
    STELE_ASSERT(record->metadata.size == 0 ||
                 again.event.metadata_format == record->metadata_format);
}

/* Data comes back byte for byte; its format does where there is any, and JSON is JSON. */
static void check_cloud_data(const stele_record *record, const stele_event *again)
{
    const char *text = (const char *)record->data.data;

    STELE_ASSERT(is_same_bytes(again->data, record->data));
    if (record->data_format == STELE_JSON) {
        STELE_ASSERT(!stele__json_is_valid(text, record->data.size) ||
                     again->data_format == STELE_JSON);
    } else {
        STELE_ASSERT(record->data.size == 0 || again->data_format == record->data_format);
    }
}

/* `rules` are NULL for an event that came in our own form. Its metadata may look as if it had been
 * a CloudEvent whose stream another attribute names. */
static cli_parsed_event import_cloudevent(cli_arena *arena, const cli_buffer *text,
                                          const stele_record *record, const cli_parse_rules *rules)
{
    cli_parse_rules same = {.form = CLI_FORM_CLOUDEVENTS,
                            .stream_from = rules ? rules->stream_from : CLI_FROM_SUBJECT};
    cli_parsed_event event = parse_again(arena, text, &same);

    for (int from = CLI_FROM_SOURCE; !rules && from <= CLI_FROM_TYPE; from++) {
        if (!is_same_text(record->stream, event.event.stream)) {
            same.stream_from = (cli_stream_from)from;
            event = parse_again(arena, text, &same);
        }
    }
    return event;
}

static void check_cloudevent(cli_arena *arena, const stele_record *record,
                             const cli_parse_rules *rules)
{
    CLI_CLEANUP_BUFFER cli_buffer text = {0};
    CLI_CLEANUP_BUFFER cli_buffer text_again = {0};
    made_record made;

    cli_cloudevent_add(&text, record, origin);
    const cli_parsed_event again = import_cloudevent(arena, &text, record, rules);
    check_same(record, &again);
    check_cloud_data(record, &again.event);
    STELE_ASSERT(again.has_time);
    STELE_ASSERT(make_record(&again, &made));
    cli_cloudevent_add(&text_again, &made.record, origin);
    STELE_ASSERT(text.size == text_again.size &&
                 memcmp(text.data, text_again.data, text.size) == 0);
}

static void check_event(cli_arena *arena, cli_parsed_event *parsed, const cli_parse_rules *rules,
                        bool is_cloudevent)
{
    const stele_event *event = &parsed->event;
    made_record made;

    STELE_ASSERT(event->stream && event->stream[0] &&
                 strlen(event->stream) <= STELE_STREAM_NAME_SIZE_MAX);
    STELE_ASSERT(event->type && event->type[0] && strlen(event->type) <= STELE_TYPE_SIZE_MAX);
    STELE_ASSERT(cli_utf8_is_valid(event->stream, strlen(event->stream)));
    STELE_ASSERT(cli_utf8_is_valid(event->type, strlen(event->type)));
    if (!make_record(parsed, &made)) {
        return;
    }
    show(&made.record);
    check_stele_form(arena, &made.record);
    check_cloudevent(arena, &made.record, is_cloudevent ? rules : NULL);
    /* The other place where an import keeps the time. */
    if (parsed->has_time && cli_event_keep_time(arena, parsed)) {
        STELE_ASSERT(make_record(parsed, &made));
        made.record.time = 0;
        check_stele_form(arena, &made.record);
        check_cloudevent(arena, &made.record, is_cloudevent ? rules : NULL);
    }
}

static void parse_item(const char *item, size_t size, const cli_parse_rules *rules)
{
    static cli_arena arena;
    /* Memory of the exact size, so that a sanitizer sees reading beyond it. */
    char *text = cli_take_zero(size);
    cli_members members;
    cli_parsed_event event;
    cli_parse_error error = {0};
    bool is_cloudevent = rules->form == CLI_FORM_CLOUDEVENTS;

    memcpy(text, item, size);
    if (cli_event_parse(&arena, text, size, rules, &event, &error)) {
        STELE_ASSERT(cli_members_read(&members, &arena, text, size));
        if (rules->form == CLI_FORM_AUTO) {
            is_cloudevent = cli_members_find(&members, "specversion") != NULL;
        }
        check_event(&arena, &event, rules, is_cloudevent);
    } else {
        STELE_ASSERT(error.message && error.message[0] && error.at <= size);
    }
    cli_arena_reset(&arena);
    cli_give_back(text, size);
}

/* ---- The file */

static int file_of(const uint8_t *data, size_t size)
{
    static int descriptor = -1;

    if (descriptor < 0) {
        descriptor = memfd_create("import", MFD_CLOEXEC);
        STELE_ASSERT(descriptor >= 0);
    }
    STELE_ASSERT(ftruncate(descriptor, 0) == 0);
    for (size_t at = 0; at < size;) {
        const ssize_t written = pwrite(descriptor, data + at, size - at, (off_t)at);
        STELE_ASSERT(written > 0);
        at += (size_t)written;
    }
    STELE_ASSERT(lseek(descriptor, 0, SEEK_SET) == 0);
    return descriptor;
}

/* Whether the item stands in the file at the line and column that it says. */
static bool stands_there(const uint8_t *data, size_t size, const cli_source *source,
                         const cli_item *item)
{
    const size_t mark = size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    size_t at = mark;

    for (uint64_t line = 1; line < item->line && at < size; at++) {
        line += data[at] == '\n';
    }
    at += (size_t)item->column - 1;
    return at + item->size <= size &&
           memcmp(data + at, source->buffer.data + item->at, item->size) == 0;
}

static void check_items(const uint8_t *data, size_t size, const cli_source *source)
{
    size_t end = source->start;

    for (size_t i = 0; i < source->item_count; i++) {
        const cli_item *item = &source->items[i];

        STELE_ASSERT(item->size > 0 && item->at >= end && item->end >= item->at + item->size &&
                     item->end <= source->buffer.size);
        STELE_ASSERT(stands_there(data, size, source, item));
        end = item->end;
    }
    if (source->problem.message) {
        STELE_ASSERT(source->problem.message[0] && source->problem.os_error == 0 &&
                     source->problem.line >= 1 && source->problem.column >= 1);
    }
}

/* Goes through the file, `step` items at a time. */
static size_t read_file(const uint8_t *data, size_t size, size_t step, const cli_parse_rules *rules,
                        cli_chain *ret_chains)
{
    static cli_source *source; /* it is large: one for all files, and one buffer */
    cli_buffer buffer = {0};
    size_t count = 0;

    if (source) {
        buffer = source->buffer;
    } else {
        source = cli_take_zero(sizeof *source);
    }
    cli_source_begin(source, file_of(data, size), "file", "");
    source->buffer = (cli_buffer){.data = buffer.data, .capacity = buffer.capacity};
    for (;;) {
        size_t taken;

        cli_source_fill(source);
        check_items(data, size, source);
        if (source->item_count == 0) {
            break;
        }
        taken = source->item_count < step ? source->item_count : step;
        for (size_t i = 0; i < taken; i++) {
            if (count < ITEMS_MAX) {
                ret_chains[count++] = source->items[i].chain;
            }
            if (rules) {
                parse_item(cli_item_text(source, i), source->items[i].size, rules);
            }
        }
        cli_source_consume(source, taken);
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static cli_chain chains[ITEMS_MAX];
    static cli_chain chains_again[ITEMS_MAX];
    const uint8_t choice = size > 0 ? data[0] : 0;
    const cli_parse_rules rules = {
        .form = (cli_event_form)(choice % 3),
        .stream_from = (cli_stream_from)(choice / 3 % 3),
        .stream = choice / 9 % 2 ? "default-1" : NULL,
        .ignores_unknown = choice / 18 % 2 != 0,
    };
    size_t count;

    data += size > 0;
    size -= size > 0;
    count = read_file(data, size, SIZE_MAX, &rules, chains);
    if (size < 4096) {
        STELE_ASSERT(read_file(data, size, 1 + choice / 36, NULL, chains_again) == count);
        STELE_ASSERT(memcmp(chains, chains_again, count * sizeof *chains) == 0);
    }
    return 0;
}

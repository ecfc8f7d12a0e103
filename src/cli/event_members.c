/* SPDX-License-Identifier: Apache-2.0 */
/* Taking a JSON object apart into members and checking what each holds, see event_json.h. */
#include "event_json.h"

#include "text.h"

#include <stdlib.h>
#include <string.h>

/* ---- Errors */

bool cli_members_fail(cli_members *members, const char *at, const char *format, ...)
{
    CLI_CLEANUP_BUFFER cli_buffer message = {0};
    va_list list;

    if (!members->error.message) {
        va_start(list, format);
        cli_buffer_format_list(&message, format, list);
        va_end(list);
        members->error.message = cli_arena_text(members->arena, message.data, message.size);
        members->error.at = (size_t)(at - members->text);
    }
    return false;
}

/* ---- Reading an object */

static bool add_member(cli_members *members, const stele__json_value *name,
                       const stele__json_value *value)
{
    cli_member *member;

    if (members->count == CLI_MEMBERS_MAX) {
        return cli_members_fail(members, name->text, "there are more than %d members",
                                CLI_MEMBERS_MAX);
    }
    members->members =
        cli_arena_grow(members->arena, members->members, members->count, sizeof *members->members);
    member = &members->members[members->count];
    *member = (cli_member){.value = *value, .name_at = (size_t)(name->text - members->text)};
    if (name->has_escapes) {
        if (!cli_members_string(members, name, &member->name, &member->name_size)) {
            return false;
        }
    } else {
        member->name = name->text + 1;
        member->name_size = name->size - 2;
    }
    for (size_t i = 0; i < members->count; i++) {
        if (members->members[i].name_size == member->name_size &&
            memcmp(members->members[i].name, member->name, member->name_size) == 0) {
            return cli_members_fail(members, name->text, "\"%.*s\" occurs twice",
                                    (int)member->name_size, member->name);
        }
    }
    members->count++;
    return true;
}

bool cli_members_read(cli_members *members, cli_arena *arena, const char *text, size_t size)
{
    stele__json_scanner scanner;
    stele__json_value name;
    stele__json_value value;
    int result = -1;

    *members = (cli_members){.arena = arena, .text = text};
    stele__json_begin(&scanner, text, size);
    if (stele__json_enter(&scanner, '{')) {
        do {
            result = stele__json_next_member(&scanner, members->count == 0, &name, &value);
            if (result > 0 && !add_member(members, &name, &value)) {
                return false;
            }
        } while (result > 0);
    }
    if (result < 0 || !stele__json_finish(&scanner)) {
        return cli_members_fail(members, text + scanner.error_at, "%s", scanner.message);
    }
    return true;
}

cli_member *cli_members_find(cli_members *members, const char *name)
{
    const size_t size = strlen(name);

    for (size_t i = 0; i < members->count; i++) {
        if (members->members[i].name_size == size &&
            memcmp(members->members[i].name, name, size) == 0) {
            members->members[i].is_used = true;
            return &members->members[i];
        }
    }
    return NULL;
}

/* ---- Values */

bool cli_members_decoded(cli_members *members, const stele__json_value *value,
                         const char **ret_text, size_t *ret_size)
{
    if (!value->has_escapes) {
        *ret_size = value->size - 2;
        *ret_text = cli_arena_text(members->arena, value->text + 1, *ret_size);
    } else {
        CLI_CLEANUP_BUFFER cli_buffer decoded = {0};

        if (!cli_json_add_decoded(&decoded, value)) {
            return cli_members_fail(members, value->text,
                                    "half of a surrogate pair is no character");
        }
        *ret_size = decoded.size;
        *ret_text = cli_arena_text(members->arena, decoded.data, decoded.size);
    }
    return true;
}

bool cli_members_string(cli_members *members, const stele__json_value *value, const char **ret_text,
                        size_t *ret_size)
{
    if (!cli_members_decoded(members, value, ret_text, ret_size)) {
        return false;
    }
    if (memchr(*ret_text, '\0', *ret_size)) {
        return cli_members_fail(members, value->text, "a name cannot contain NUL");
    }
    return true;
}

static bool is_string(cli_members *members, const cli_member *member)
{
    return member->value.kind == STELE_JSON_STRING ||
           cli_members_fail(members, member->value.text, "\"%.*s\" must be a string",
                            (int)member->name_size, member->name);
}

bool cli_members_text(cli_members *members, const cli_member *member, size_t size_max,
                      const char **ret_text)
{
    size_t size;

    if (!is_string(members, member) ||
        !cli_members_string(members, &member->value, ret_text, &size)) {
        return false;
    }
    if (size == 0 || size > size_max) {
        return cli_members_fail(members, member->value.text, "\"%.*s\" must have 1 to %zu bytes",
                                (int)member->name_size, member->name, size_max);
    }
    return true;
}

bool cli_members_base64(cli_members *members, const cli_member *member, stele_bytes *ret_bytes)
{
    CLI_CLEANUP_BUFFER cli_buffer decoded = {0};
    CLI_CLEANUP_BUFFER cli_buffer bytes = {0};

    if (!is_string(members, member)) {
        return false;
    }
    if (!cli_json_add_decoded(&decoded, &member->value) ||
        !cli_base64_decode(&bytes, decoded.data ? decoded.data : "", decoded.size)) {
        return cli_members_fail(members, member->value.text, "\"%.*s\" is no base64",
                                (int)member->name_size, member->name);
    }
    ret_bytes->data = (const uint8_t *)cli_arena_text(members->arena, bytes.data, bytes.size);
    ret_bytes->size = bytes.size;
    return true;
}

bool cli_members_is_end(cli_members *members, const cli_member *member)
{
    const stele__json_value *value = &member->value;
    const bool is_string = value->kind == STELE_JSON_STRING;
    const char *digits;

    if (!is_string && value->kind != STELE_JSON_NUMBER) {
        return false;
    }
    digits = cli_arena_text(members->arena, value->text + (is_string ? 1 : 0),
                            value->size - (is_string ? 2 : 0));
    return strtod(digits, NULL) > 0.99 * (double)STELE_REVISION_TOMBSTONE;
}

bool cli_members_identifies(cli_members *members, const cli_member *member, const stele_uuid *id)
{
    /* The store would take it for no id, and no retry would be recognised by it. */
    return memcmp(id, &(stele_uuid){{0}}, sizeof *id) != 0 ||
           cli_members_fail(members, member->value.text,
                            "\"%.*s\" cannot be the nil UUID: a nil id identifies nothing",
                            (int)member->name_size, member->name);
}

bool cli_members_time(cli_members *members, const cli_member *member, stele_time *ret_time)
{
    const char *text;
    size_t size;

    if (!is_string(members, member) || !cli_members_string(members, &member->value, &text, &size)) {
        return false;
    }
    if (stele_time_parse(text, size, ret_time) != 0) {
        if (cli_time_is_out_of_range(text, size)) {
            return cli_members_fail(members, member->value.text,
                                    "\"%.*s\" is out of range: times go from " CLI_TIME_FIRST
                                    " to " CLI_TIME_LAST,
                                    (int)member->name_size, member->name);
        }
        return cli_members_fail(members, member->value.text,
                                "\"%.*s\" is no time like 2026-11-21T10:00:00Z",
                                (int)member->name_size, member->name);
    }
    return true;
}

bool cli_members_tags(cli_members *members, const stele__json_value *array, stele_event *event)
{
    stele__json_scanner scanner;
    stele__json_value item;
    const char **tags = NULL;
    size_t size;
    bool is_first = true;

    if (array->kind != STELE_JSON_ARRAY) {
        return cli_members_fail(members, array->text, "tags must be an array of strings");
    }
    stele__json_begin(&scanner, array->text, array->size);
    if (!stele__json_enter(&scanner, '[')) {
        return cli_members_fail(members, array->text, "tags must be an array of strings");
    }
    while (stele__json_next_item(&scanner, is_first, &item) > 0) {
        is_first = false;
        tags = cli_arena_grow(members->arena, tags, event->tag_count, sizeof *tags);
        if (item.kind != STELE_JSON_STRING) {
            return cli_members_fail(members, item.text, "a tag must be a string");
        }
        if (!cli_members_string(members, &item, &tags[event->tag_count], &size)) {
            return false;
        }
        if (size == 0 || size > STELE_TAG_SIZE_MAX) {
            return cli_members_fail(members, item.text, "a tag must have 1 to %d bytes",
                                    STELE_TAG_SIZE_MAX);
        }
        event->tag_count++;
    }
    event->tags = tags;
    return true;
}

/* ---- Events */

stele_uuid cli_event_id(const char *source, const char *id)
{
    static const stele_uuid url_namespace = {{0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80,
                                              0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8}};
    const stele_uuid name_space = stele_uuid_from_name(&url_namespace, source, strlen(source));

    return stele_uuid_from_name(&name_space, id, strlen(id));
}

/* Names that stand for something else. The store knows that too, but not the line. */
static bool is_reserved(const char *stream)
{
    return strcmp(stream, "$all") == 0 || strcmp(stream, "$$") == 0 ||
           strncmp(stream, "$$$$", 4) == 0;
}

bool cli_event_parse(cli_arena *arena, const char *text, size_t size, const cli_parse_rules *rules,
                     cli_parsed_event *ret_event, cli_parse_error *ret_error)
{
    cli_members members;
    cli_parsed_event event = {0};
    bool is_cloudevent = rules->form == CLI_FORM_CLOUDEVENTS;
    bool is_good = cli_members_read(&members, arena, text, size);

    if (is_good && rules->form == CLI_FORM_AUTO) {
        is_cloudevent = cli_members_find(&members, "specversion") != NULL;
    }
    is_good = is_good && (is_cloudevent ? cli_event_parse_cloudevent(&members, rules, &event)
                                        : cli_event_parse_stele(&members, rules, &event));
    if (!is_good) {
        *ret_error = members.error;
        return false;
    }
    if (is_reserved(event.event.stream)) {
        (void)cli_members_fail(&members, text, "the stream %s cannot be written",
                               event.event.stream);
        *ret_error = members.error;
        return false;
    }
    /* The type alone says nothing: anybody may append events of it. */
    event.is_tombstone = event.is_at_end && strcmp(event.event.type, STELE_TYPE_TOMBSTONE) == 0;
    event.is_cloudevent = is_cloudevent;
    *ret_event = event;
    return true;
}

/* Whether an object has a member of that name. */
static bool has_member(const char *text, size_t size, const char *name)
{
    stele__json_scanner scanner;
    stele__json_value found;
    stele__json_value value;
    bool is_first = true;

    stele__json_begin(&scanner, text, size);
    if (!stele__json_enter(&scanner, '{')) {
        return false;
    }
    while (stele__json_next_member(&scanner, is_first, &found, &value) > 0) {
        is_first = false;
        if (stele__json_is_text(&found, name)) {
            return true;
        }
    }
    return false;
}

bool cli_event_add_metadata(cli_arena *arena, stele_event *event, const char *name,
                            const char *value)
{
    CLI_CLEANUP_BUFFER cli_buffer metadata = {0};
    const char *text = (const char *)event->metadata.data;
    const size_t size = event->metadata.size;
    const char *closing;

    if (size == 0) {
        cli_buffer_add_text(&metadata, "{");
    } else {
        if (event->metadata_format != STELE_JSON || text[0] != '{' ||
            !stele__json_is_valid(text, size)) {
            return false;
        }
        if (has_member(text, size, name)) {
            return true; /* it comes from an earlier import: what was said first holds */
        }
        closing = text + size - 1;
        while (*closing != '}') {
            closing--;
        }
        cli_buffer_add(&metadata, text, (size_t)(closing - text));
        cli_buffer_add_text(&metadata, memchr(text, '"', size) ? "," : "");
    }
    cli_json_add_string(&metadata, name, strlen(name));
    cli_buffer_add_byte(&metadata, ':');
    cli_json_add_string(&metadata, value, strlen(value));
    cli_buffer_add_byte(&metadata, '}');
    event->metadata_format = STELE_JSON;
    event->metadata.data = (const uint8_t *)cli_arena_text(arena, metadata.data, metadata.size);
    event->metadata.size = metadata.size;
    return true;
}

bool cli_event_keep_time(cli_arena *arena, cli_parsed_event *event)
{
    char time[STELE_TIME_TEXT_SIZE];

    stele_time_print(event->time, time);
    return cli_event_add_metadata(arena, &event->event, CLI_SOURCE_TIME, time);
}

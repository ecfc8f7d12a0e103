/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CloudEvents 1.0 in their structured JSON form, as events. What becomes of each attribute:
 *
 *     type              the event's type
 *     id                the event's id; if it is no UUID, a UUIDv5 of source and id
 *     subject           the stream's name (or source or type, as --stream-from says)
 *     time              the recorded time, or metadata (as for every import)
 *     data              the event's data: JSON as it stands; text of another content type as those
 * bytes data_base64       the event's data steletags         tags, a JSON array in a string: what
 * our own export writes stelemetadata     metadata, a JSON object in a string: likewise
 *     steleposition, stelerevision   nothing: an import gives new ones (but a tombstone is known by
 * its revision)
 *     all others, and what the above would lose: the object "cloudevents" in the metadata, from
 * which export restores them
 *
 * An attribute that is null counts as absent, as the specification says.
 */
#include "event_json.h"

#include "text.h"

#include <string.h>
#include <strings.h>

typedef struct cloud_parser {
    cli_members *members;
    const cli_parse_rules *rules;
    cli_parsed_event *event;
    const char *source;
    const char *id;
    const char *subject;   /* NULL: none */
    const char *content;   /* datacontenttype, or NULL */
    cli_buffer attributes; /* the members of "cloudevents" */
} cloud_parser;

/* ---- Attributes */

static cli_member *find(cli_members *members, const char *name)
{
    cli_member *member = cli_members_find(members, name);

    return member && member->value.kind == STELE_JSON_NULL ? NULL : member;
}

static bool take_text(cloud_parser *parser, const char *name, bool is_required,
                      const char **ret_text)
{
    const cli_member *member = find(parser->members, name);

    *ret_text = NULL;
    if (!member) {
        return !is_required || cli_members_fail(parser->members, parser->members->text,
                                                "the attribute \"%s\" is missing", name);
    }
    return cli_members_text(parser->members, member, STELE_STREAM_NAME_SIZE_MAX, ret_text);
}

static void keep(cloud_parser *parser, const cli_member *member)
{
    cli_buffer *out = &parser->attributes;

    cli_buffer_add_text(out, out->size > 0 ? "," : "");
    cli_json_add_string(out, member->name, member->name_size);
    cli_buffer_add_byte(out, ':');
    cli_json_add_line(out, member->value.text, member->value.size);
}

static bool take_version(cloud_parser *parser)
{
    const cli_member *member = find(parser->members, "specversion");

    if (!member) {
        return cli_members_fail(parser->members, parser->members->text,
                                "the attribute \"specversion\" is missing");
    }
    return (member->value.kind == STELE_JSON_STRING &&
            stele__json_is_text(&member->value, "1.0")) ||
           cli_members_fail(parser->members, member->value.text,
                            "only CloudEvents 1.0 are understood");
}

static bool take_stream(cloud_parser *parser)
{
    static const char *const names[] = {"subject", "source", "type"};
    stele_event *event = &parser->event->event;

    switch (parser->rules->stream_from) {
    case CLI_FROM_SUBJECT:
        event->stream = parser->subject;
        break;
    case CLI_FROM_SOURCE:
        event->stream = parser->source;
        break;
    case CLI_FROM_TYPE:
        event->stream = event->type;
        break;
    }
    if (!event->stream) {
        event->stream = parser->rules->stream;
    }
    return event->stream || cli_members_fail(parser->members, parser->members->text,
                                             "the attribute \"%s\" is missing: it names the stream",
                                             names[parser->rules->stream_from]);
}

/* The event's id; the original stays in the metadata when it cannot be told from the UUID. */
static bool take_id(cloud_parser *parser)
{
    stele_event *event = &parser->event->event;
    const cli_member *member = cli_members_find(parser->members, "id");
    char text[STELE_UUID_TEXT_SIZE] = "";

    if (stele_uuid_parse(parser->id, strlen(parser->id), &event->id) == 0) {
        if (!cli_members_identifies(parser->members, member, &event->id)) {
            return false;
        }
        stele_uuid_print(&event->id, text);
    } else {
        event->id = cli_event_id(parser->source, parser->id);
    }
    if (strcmp(text, parser->id) != 0) {
        keep(parser, member);
    }
    return true;
}

/* ---- Data */

static bool content_is(const char *content, const char *type)
{
    const size_t size = strcspn(content, "; \t");

    return strlen(type) == size && strncasecmp(content, type, size) == 0;
}

bool cli_cloudevent_is_json(const char *content)
{
    const size_t size = strcspn(content, "; \t");

    return content_is(content, "application/json") || content_is(content, "text/json") ||
           (size > 5 && strncasecmp(content + size - 5, "+json", 5) == 0);
}

stele_format cli_cloudevent_format(const char *content, stele_bytes data)
{
    if (!content || cli_cloudevent_is_json(content)) {
        return content && stele__json_is_valid((const char *)data.data, data.size) ? STELE_JSON
                                                                                   : STELE_BINARY;
    }
    if (content_is(content, "application/protobuf") ||
        content_is(content, "application/x-protobuf")) {
        return STELE_PROTOBUF;
    }
    return content_is(content, "application/avro") || content_is(content, "avro/binary")
               ? STELE_AVRO
               : STELE_BINARY;
}

static bool take_data(cloud_parser *parser)
{
    stele_event *event = &parser->event->event;
    const cli_member *data = find(parser->members, "data");
    const cli_member *base64 = find(parser->members, "data_base64");
    const char *text;
    size_t size;

    if (data && base64) {
        return cli_members_fail(parser->members, base64->value.text,
                                "\"data\" and \"data_base64\" exclude each other");
    }
    if (base64) {
        if (!cli_members_base64(parser->members, base64, &event->data)) {
            return false;
        }
        event->data_format = cli_cloudevent_format(parser->content, event->data);
    } else if (data && data->value.kind == STELE_JSON_STRING && parser->content &&
               !cli_cloudevent_is_json(parser->content)) {
        if (!cli_members_decoded(parser->members, &data->value, &text, &size)) {
            return false;
        }
        event->data = (stele_bytes){(const uint8_t *)text, size};
        event->data_format = cli_cloudevent_format(parser->content, event->data);
    } else if (data) {
        event->data = (stele_bytes){(const uint8_t *)data->value.text, data->value.size};
        event->data_format = STELE_JSON;
    }
    return true;
}

/* ---- Extensions */

static bool is_attribute_name(const cli_member *member)
{
    for (size_t i = 0; i < member->name_size; i++) {
        const char byte = member->name[i];

        if (!((byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9'))) {
            return false;
        }
    }
    return member->name_size > 0;
}

bool cli_cloudevent_may_extend(const cli_member *member)
{
    return is_attribute_name(member) && member->value.kind != STELE_JSON_NULL &&
           member->value.kind != STELE_JSON_OBJECT && member->value.kind != STELE_JSON_ARRAY;
}

static bool take_extensions(cloud_parser *parser)
{
    cli_members *members = parser->members;
    size_t count = 0;

    for (size_t i = 0; i < members->count; i++) {
        const cli_member *member = &members->members[i];

        if (member->is_used || member->value.kind == STELE_JSON_NULL) {
            continue;
        }
        if (cli_cloudevent_may_extend(member)) {
            if (++count > CLI_EXTENSIONS_MAX - 5) {
                return cli_members_fail(members, members->text + member->name_at,
                                        "there are more than %d extensions",
                                        CLI_EXTENSIONS_MAX - 5);
            }
            keep(parser, member);
        } else if (!parser->rules->ignores_unknown) {
            return cli_members_fail(
                members, members->text + member->name_at,
                is_attribute_name(member)
                    ? "the extension \"%.*s\" can be neither object nor array"
                    : "\"%.*s\" is no attribute: names are lower-case letters and digits",
                (int)member->name_size, member->name);
        }
    }
    return true;
}

/* Takes a string member that contains JSON text. *ret_text is NULL when it is absent. */
static bool take_inner_json(cloud_parser *parser, const char *name, stele__json_kind kind,
                            stele__json_value *ret_value, bool *ret_is_there)
{
    const cli_member *member = find(parser->members, name);
    stele__json_scanner scanner;
    const char *text;
    size_t size;

    *ret_is_there = member != NULL;
    if (!member) {
        return true;
    }
    if (member->value.kind == STELE_JSON_STRING) {
        if (!cli_members_string(parser->members, &member->value, &text, &size)) {
            return false;
        }
        stele__json_begin(&scanner, text, size);
        if (stele__json_take(&scanner, ret_value) && stele__json_finish(&scanner) &&
            ret_value->kind == kind) {
            return true;
        }
    }
    return cli_members_fail(parser->members, member->value.text,
                            "\"%s\" must be a string that contains a JSON %s", name,
                            kind == STELE_JSON_ARRAY ? "array" : "object");
}

static bool take_own_extensions(cloud_parser *parser, stele__json_value *ret_metadata,
                                bool *ret_has_metadata)
{
    stele_event *event = &parser->event->event;
    const cli_member *member = find(parser->members, "steletags");
    const cli_member *revision = find(parser->members, "stelerevision");
    stele__json_value tags;
    bool has_tags;

    (void)cli_members_find(parser->members, "steleposition");
    parser->event->is_at_end = revision && cli_members_is_end(parser->members, revision);
    if (!take_inner_json(parser, "steletags", STELE_JSON_ARRAY, &tags, &has_tags) ||
        !take_inner_json(parser, "stelemetadata", STELE_JSON_OBJECT, ret_metadata,
                         ret_has_metadata)) {
        return false;
    }
    if (has_tags) {
        /* Places within the string mean nothing to the reader of the line: what is wrong there is
         * told at the member. */
        cli_members inner = {.arena = parser->members->arena, .text = tags.text};

        if (!cli_members_tags(&inner, &tags, event)) {
            return cli_members_fail(parser->members, member->value.text, "%s", inner.error.message);
        }
    }
    return true;
}

/* Metadata: what our export put aside, and the attributes that have no other place. */
static void build_metadata(cloud_parser *parser, const stele__json_value *own)
{
    stele_event *event = &parser->event->event;
    CLI_CLEANUP_BUFFER cli_buffer out = {0};

    cli_buffer_add_text(&out, "{");
    if (own && own->size > 2 && memchr(own->text, '"', own->size)) {
        cli_buffer_add(&out, own->text + 1, own->size - 2);
        cli_buffer_add_text(&out, ",");
    }
    cli_buffer_format(&out, "\"%s\":{", CLI_SOURCE_CLOUDEVENT);
    cli_buffer_add(&out, parser->attributes.data, parser->attributes.size);
    cli_buffer_add_text(&out, "}}");
    event->metadata_format = STELE_JSON;
    event->metadata.data =
        (const uint8_t *)cli_arena_text(parser->members->arena, out.data, out.size);
    event->metadata.size = out.size;
}

/* ---- The whole */

static bool take_attributes(cloud_parser *parser)
{
    cli_members *members = parser->members;
    cli_parsed_event *event = parser->event;
    const cli_member *time = find(members, "time");
    const char *schema;

    if (!take_version(parser) || !take_text(parser, "id", true, &parser->id) ||
        !take_text(parser, "source", true, &parser->source) ||
        !take_text(parser, "type", true, &event->event.type) ||
        !take_text(parser, "subject", false, &parser->subject) ||
        !take_text(parser, "datacontenttype", false, &parser->content) ||
        !take_text(parser, "dataschema", false, &schema) || !take_stream(parser)) {
        return false;
    }
    event->has_time = time != NULL;
    if (time && !cli_members_time(members, time, &event->time)) {
        return false;
    }
    keep(parser, cli_members_find(members, "source"));
    if (!take_id(parser)) {
        return false;
    }
    if (parser->subject && strcmp(parser->subject, event->event.stream) != 0) {
        keep(parser, cli_members_find(members, "subject"));
    }
    if (parser->content && strcmp(parser->content, "application/json") != 0) {
        keep(parser, cli_members_find(members, "datacontenttype"));
    }
    if (schema) {
        keep(parser, cli_members_find(members, "dataschema"));
    }
    return true;
}

bool cli_event_parse_cloudevent(cli_members *members, const cli_parse_rules *rules,
                                cli_parsed_event *event)
{
    cloud_parser parser = {.members = members, .rules = rules, .event = event};
    stele__json_value metadata;
    bool has_metadata = false;
    const bool is_good = take_attributes(&parser) && take_data(&parser) &&
                         take_own_extensions(&parser, &metadata, &has_metadata) &&
                         take_extensions(&parser);

    if (is_good) {
        build_metadata(&parser, has_metadata ? &metadata : NULL);
    }
    cli_buffer_done(&parser.attributes);
    return is_good;
}

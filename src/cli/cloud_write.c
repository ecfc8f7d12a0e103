/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing CloudEvents, see cloud_write.h. What an import kept in the metadata (event_cloud.c) comes
 * back: the members of "cloudevents" are attributes again and take the place of our own, and
 * "$sourceTime" is the time. Integers of CloudEvents have 32 bits, so positions and revisions are
 * strings.
 *
 * Metadata belongs to whoever wrote the event, and may have members of these names that no import
 * has kept. They become attributes only where the result is a CloudEvent that is imported as the
 * same event; else they are metadata like all others.
 */
#include "cloud_write.h"

#include "event_json.h"
#include "json.h"
#include "record.h"
#include "text.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

typedef struct cloud_writer {
    cli_buffer *out;
    const stele_record *record;
    const char *source; /* the attribute that is written */
    cli_arena arena;
    cli_members kept;             /* what an import kept; no members: nothing */
    stele__json_value kept_value; /* where they stand; size 0: nowhere */
    stele_time time;
    cli_buffer rest; /* the other members of the metadata */
    bool metadata_is_object;
} cloud_writer;

static bool is_one_of(const cli_member *member, const char *const *names)
{
    for (; *names; names++) {
        if (member->name_size == strlen(*names) &&
            memcmp(member->name, *names, member->name_size) == 0) {
            return true;
        }
    }
    return false;
}

/* Attributes that have a place of their own in what is written. */
static bool is_standard(const cli_member *member)
{
    static const char *const names[] = {"id",         "source", "subject", "datacontenttype",
                                        "dataschema", NULL};

    return is_one_of(member, names);
}

/* ---- The metadata */

/* Whether an import would have kept this. */
static bool is_attribute(cli_members *members, const cli_member *member)
{
    static const char *const never[] = {"specversion",   "type",
                                        "time",          "data",
                                        "data_base64",   "steletags",
                                        "stelemetadata", "stelerevision",
                                        "steleposition", NULL};
    const char *text;

    if (is_standard(member)) {
        return cli_members_text(members, member, STELE_STREAM_NAME_SIZE_MAX, &text);
    }
    return !is_one_of(member, never) && cli_cloudevent_may_extend(member);
}

/* Takes an object for what an import kept, if all of it can be. */
static bool take_kept(cloud_writer *writer, const stele__json_value *value)
{
    cli_members members;

    if (!cli_members_read(&members, &writer->arena, value->text, value->size) ||
        members.count > CLI_EXTENSIONS_MAX) {
        return false;
    }
    for (size_t i = 0; i < members.count; i++) {
        if (!is_attribute(&members, &members.members[i])) {
            return false;
        }
    }
    writer->kept = members;
    writer->kept_value = *value;
    return true;
}

static bool take_time(cloud_writer *writer, const stele__json_value *value)
{
    return value->kind == STELE_JSON_STRING && !value->has_escapes &&
           stele_time_parse(value->text + 1, value->size - 2, &writer->time) == 0;
}

static void add_rest(cloud_writer *writer, const stele__json_value *name,
                     const stele__json_value *value)
{
    cli_buffer_add_text(&writer->rest, writer->rest.size > 0 ? "," : "");
    cli_buffer_add(&writer->rest, name->text, name->size);
    cli_buffer_add_byte(&writer->rest, ':');
    cli_json_add_line(&writer->rest, value->text, value->size);
}

static void split_metadata(cloud_writer *writer)
{
    const stele_record *record = writer->record;
    const char *text = (const char *)record->metadata.data;
    stele__json_scanner scanner;
    stele__json_value name;
    stele__json_value value;
    bool is_first = true;

    if (record->metadata_format != STELE_JSON ||
        !stele__json_is_valid(text, record->metadata.size)) {
        return;
    }
    stele__json_begin(&scanner, text, record->metadata.size);
    if (!stele__json_enter(&scanner, '{')) {
        return;
    }
    writer->metadata_is_object = true;
    while (stele__json_next_member(&scanner, is_first, &name, &value) > 0) {
        const stele__json_value before = writer->kept_value;

        is_first = false;
        if (value.kind == STELE_JSON_OBJECT && stele__json_is_text(&name, CLI_SOURCE_CLOUDEVENT) &&
            take_kept(writer, &value)) {
            /* An import adds it behind what was there: the last one is it. */
            if (before.size > 0) {
                add_rest(writer, &name, &before);
            }
        } else if (!stele__json_is_text(&name, CLI_SOURCE_TIME) || !take_time(writer, &value)) {
            add_rest(writer, &name, &value);
        }
    }
}

/* ---- Attributes */

/* The text of an attribute that the import kept, or NULL. */
static const char *find_kept(cloud_writer *writer, const char *name)
{
    const cli_member *member = cli_members_find(&writer->kept, name);
    const char *text = NULL;

    return member && cli_members_text(&writer->kept, member, STELE_STREAM_NAME_SIZE_MAX, &text)
               ? text
               : NULL;
}

/* Adds an attribute, unless the text is NULL. */
static void add_attribute(cloud_writer *writer, const char *name, const char *text)
{
    if (text) {
        cli_buffer_format(writer->out, ",\"%s\":", name);
        cli_json_add_string(writer->out, text, strlen(text));
    }
}

/* The id that was kept, if the event's id is made of it. */
static void add_id(cloud_writer *writer)
{
    const stele_uuid *id = &writer->record->id;
    const char *kept = find_kept(writer, "id");
    char text[STELE_UUID_TEXT_SIZE];
    stele_uuid made = {{0}};

    if (kept && stele_uuid_parse(kept, strlen(kept), &made) != 0) {
        made = cli_event_id(writer->source, kept);
    }
    stele_uuid_print(id, text);
    add_attribute(writer, "id", kept && memcmp(&made, id, sizeof made) == 0 ? kept : text);
}

static bool is_stream(const cloud_writer *writer, const char *text, size_t size)
{
    const stele_text stream = writer->record->stream;

    return stream.size == size && memcmp(stream.data, text, size) == 0;
}

/* The subject that was kept, if another attribute names the stream. */
static void add_subject(cloud_writer *writer)
{
    const stele_record *record = writer->record;
    const char *kept = find_kept(writer, "subject");
    const bool is_named_otherwise = is_stream(writer, writer->source, strlen(writer->source)) ||
                                    is_stream(writer, record->type.data, record->type.size);

    if (kept && is_named_otherwise) {
        add_attribute(writer, "subject", kept);
    } else {
        cli_buffer_add_text(writer->out, ",\"subject\":");
        cli_json_add_string(writer->out, record->stream.data, record->stream.size);
    }
}

static void add_extensions(cloud_writer *writer)
{
    for (size_t i = 0; i < writer->kept.count; i++) {
        const cli_member *member = &writer->kept.members[i];

        if (!is_standard(member)) {
            cli_buffer_format(writer->out, ",\"%.*s\":", (int)member->name_size, member->name);
            cli_json_add_line(writer->out, member->value.text, member->value.size);
        }
    }
}

static void add_tags(cloud_writer *writer)
{
    CLI_CLEANUP_BUFFER cli_buffer tags = {0};

    if (writer->record->tag_count == 0) {
        return;
    }
    for (size_t i = 0; i < writer->record->tag_count; i++) {
        cli_buffer_add_byte(&tags, i == 0 ? '[' : ',');
        cli_json_add_string(&tags, writer->record->tags[i].data, writer->record->tags[i].size);
    }
    cli_buffer_add_byte(&tags, ']');
    cli_buffer_add_text(writer->out, ",\"steletags\":");
    cli_json_add_string(writer->out, tags.data, tags.size);
}

static void add_metadata(cloud_writer *writer)
{
    CLI_CLEANUP_BUFFER cli_buffer object = {0};

    if (writer->rest.size > 0) {
        cli_buffer_add_byte(&object, '{');
        cli_buffer_add(&object, writer->rest.data, writer->rest.size);
        cli_buffer_add_byte(&object, '}');
        cli_buffer_add_text(writer->out, ",\"stelemetadata\":");
        cli_json_add_string(writer->out, object.data, object.size);
    } else if (!writer->metadata_is_object && writer->record->metadata.size > 0) {
        cli_buffer_add_text(writer->out, ",\"stelemetadatabin\":\"");
        cli_base64_add(writer->out, writer->record->metadata.data, writer->record->metadata.size);
        cli_buffer_add_byte(writer->out, '"');
    }
}

/* ---- Data */

static const char *content_type(stele_format format)
{
    switch (format) {
    case STELE_JSON:
        return "application/json";
    case STELE_PROTOBUF:
        return "application/protobuf";
    case STELE_AVRO:
        return "application/avro";
    case STELE_BINARY:
        break;
    }
    return "application/octet-stream";
}

/* What the record's data is treated as: JSON that is none are bytes like others. */
static stele_format format_of(const stele_record *record)
{
    return record->data_format == STELE_JSON &&
                   !stele__json_is_valid((const char *)record->data.data, record->data.size)
               ? STELE_BINARY
               : record->data_format;
}

/* Whether JSON can stand as a value and come back with the same bytes: null would be no data. */
static bool is_plain_json(stele_bytes data)
{
    return cli_json_survives_a_line((const char *)data.data, data.size) &&
           !(data.size == 4 && memcmp(data.data, "null", 4) == 0);
}

/* Whether an import makes the same data of it under this content type. */
static bool fits_content(const stele_record *record, const char *content)
{
    const stele_format format = format_of(record);

    if (record->data.size == 0) {
        return true;
    }
    if (format == STELE_JSON) {
        const char *text = (const char *)record->data.data;
        return cli_cloudevent_is_json(content) ||
               (is_plain_json(record->data) && text[strspn(text, " \t\r\n")] != '"');
    }
    return cli_cloudevent_format(content, record->data) == format;
}

/* Whether bytes under this content type are written as a string. */
static bool is_text(const char *content, stele_bytes data)
{
    return content && strncasecmp(content, "text/", 5) == 0 && !cli_cloudevent_is_json(content) &&
           cli_utf8_is_valid((const char *)data.data, data.size);
}

static void add_data(cloud_writer *writer)
{
    const stele_record *record = writer->record;
    const char *text = (const char *)record->data.data;
    const stele_format format = format_of(record);
    const char *content = find_kept(writer, "datacontenttype");

    if (content && !fits_content(record, content)) {
        content = NULL;
    }
    if (record->data.size == 0) {
        add_attribute(writer, "datacontenttype", content);
        return;
    }
    add_attribute(writer, "datacontenttype", content ? content : content_type(format));
    if (format == STELE_JSON && is_plain_json(record->data)) {
        cli_buffer_add_text(writer->out, ",\"data\":");
        cli_json_add_line(writer->out, text, record->data.size);
    } else if (format == STELE_BINARY && is_text(content, record->data)) {
        cli_buffer_add_text(writer->out, ",\"data\":");
        cli_json_add_string(writer->out, text, record->data.size);
    } else {
        cli_buffer_add_text(writer->out, ",\"data_base64\":\"");
        cli_base64_add(writer->out, text, record->data.size);
        cli_buffer_add_byte(writer->out, '"');
    }
}

void cli_cloudevent_add(cli_buffer *out, const stele_record *record, const char *source)
{
    cloud_writer writer = {.out = out, .record = record, .time = record->time};
    char time[STELE_TIME_TEXT_SIZE];
    const char *kept_source;

    split_metadata(&writer);
    kept_source = find_kept(&writer, "source");
    writer.source = kept_source ? kept_source : source;
    stele_time_print(writer.time, time);
    cli_buffer_add_text(out, "{\"specversion\":\"1.0\"");
    add_id(&writer);
    add_attribute(&writer, "source", writer.source);
    cli_buffer_add_text(out, ",\"type\":");
    cli_json_add_string(out, record->type.data, record->type.size);
    add_subject(&writer);
    add_attribute(&writer, "time", time);
    add_attribute(&writer, "dataschema", find_kept(&writer, "dataschema"));
    cli_buffer_format(out, ",\"steleposition\":\"%" PRIu64 "\",\"stelerevision\":\"%" PRIu64 "\"",
                      record->position, record->revision);
    add_tags(&writer);
    add_metadata(&writer);
    add_extensions(&writer);
    add_data(&writer);
    cli_buffer_add_byte(out, '}');
    cli_buffer_done(&writer.rest);
    cli_arena_done(&writer.arena);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing CloudEvents, see cloud_write.h. What an import kept in the metadata (event_cloud.c) comes
 * back: the members of "cloudevents" are attributes again and take the place of our own, and
 * "$sourceTime" is the time. Integers of CloudEvents have 32 bits, so positions and revisions are
 * strings.
 */
#include "cloud_write.h"

#include "event_json.h"
#include "json.h"
#include "text.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

typedef struct cloud_writer {
    cli_buffer *out;
    const stele_record *record;
    cli_json_value attributes; /* of "cloudevents" in the metadata; size 0: none */
    cli_json_value time;       /* "$sourceTime"; size 0: none */
    cli_buffer rest;           /* the other members of the metadata */
    bool metadata_is_object;
} cloud_writer;

/* ---- The metadata */

static void split_metadata(cloud_writer *writer)
{
    const stele_record *record = writer->record;
    const char *text = (const char *)record->metadata.data;
    cli_json_scanner scanner;
    cli_json_value name;
    cli_json_value value;
    bool is_first = true;

    if (record->metadata_format != STELE_JSON || !cli_json_is_valid(text, record->metadata.size)) {
        return;
    }
    cli_json_begin(&scanner, text, record->metadata.size);
    if (!cli_json_enter(&scanner, '{')) {
        return;
    }
    writer->metadata_is_object = true;
    while (cli_json_next_member(&scanner, is_first, &name, &value) > 0) {
        is_first = false;
        if (value.kind == CLI_JSON_OBJECT && cli_json_string_is(&name, CLI_SOURCE_CLOUDEVENT)) {
            writer->attributes = value;
        } else if (value.kind == CLI_JSON_STRING && cli_json_string_is(&name, CLI_SOURCE_TIME)) {
            writer->time = value;
        } else {
            cli_buffer_add_text(&writer->rest, writer->rest.size > 0 ? "," : "");
            cli_buffer_add(&writer->rest, name.text, name.size);
            cli_buffer_add_byte(&writer->rest, ':');
            cli_json_add_line(&writer->rest, value.text, value.size);
        }
    }
}

/* An attribute that the import kept. */
static bool find_attribute(const cloud_writer *writer, const char *wanted,
                           cli_json_value *ret_value)
{
    cli_json_scanner scanner;
    cli_json_value name;
    bool is_first = true;

    if (writer->attributes.size == 0) {
        return false;
    }
    cli_json_begin(&scanner, writer->attributes.text, writer->attributes.size);
    if (!cli_json_enter(&scanner, '{')) {
        return false;
    }
    while (cli_json_next_member(&scanner, is_first, &name, ret_value) > 0) {
        is_first = false;
        if (cli_json_string_is(&name, wanted)) {
            return true;
        }
    }
    return false;
}

/* ---- Attributes */

/* Adds an attribute: the one that was kept, or else our own text; nothing if that is NULL. */
static void add_attribute(cloud_writer *writer, const char *name, const char *text, size_t size)
{
    cli_json_value kept;

    if (find_attribute(writer, name, &kept)) {
        cli_buffer_format(writer->out, ",\"%s\":", name);
        cli_json_add_line(writer->out, kept.text, kept.size);
    } else if (text) {
        cli_buffer_format(writer->out, ",\"%s\":", name);
        cli_json_add_string(writer->out, text, size);
    }
}

static bool is_standard(const cli_json_value *name)
{
    static const char *const names[] = {"id",          "source",        "type",
                                        "subject",     "time",          "datacontenttype",
                                        "dataschema",  "data",          "data_base64",
                                        "specversion", "steleposition", "stelerevision",
                                        "steletags",   "stelemetadata", "stelemetadatabin"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (cli_json_string_is(name, names[i])) {
            return true;
        }
    }
    return false;
}

static void add_extensions(cloud_writer *writer)
{
    cli_json_scanner scanner;
    cli_json_value name;
    cli_json_value value;
    bool is_first = true;

    if (writer->attributes.size == 0) {
        return;
    }
    cli_json_begin(&scanner, writer->attributes.text, writer->attributes.size);
    if (!cli_json_enter(&scanner, '{')) {
        return;
    }
    while (cli_json_next_member(&scanner, is_first, &name, &value) > 0) {
        is_first = false;
        if (!is_standard(&name)) {
            cli_buffer_add_byte(writer->out, ',');
            cli_buffer_add(writer->out, name.text, name.size);
            cli_buffer_add_byte(writer->out, ':');
            cli_json_add_line(writer->out, value.text, value.size);
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

static bool was_text(const cloud_writer *writer)
{
    cli_json_value kept;

    return find_attribute(writer, "datacontenttype", &kept) && kept.size > 6 &&
           strncasecmp(kept.text, "\"text/", 6) == 0;
}

static void add_data(cloud_writer *writer)
{
    const stele_bytes data = writer->record->data;
    const char *text = (const char *)data.data;
    stele_format format = writer->record->data_format;
    const char *type;

    if (data.size == 0) {
        add_attribute(writer, "datacontenttype", NULL, 0);
        return;
    }
    if (format == STELE_JSON && !cli_json_is_valid(text, data.size)) {
        format = STELE_BINARY;
    }
    type = content_type(format);
    add_attribute(writer, "datacontenttype", type, strlen(type));
    if (format == STELE_JSON) {
        cli_buffer_add_text(writer->out, ",\"data\":");
        cli_json_add_line(writer->out, text, data.size);
    } else if (format == STELE_BINARY && was_text(writer) && cli_utf8_is_valid(text, data.size)) {
        cli_buffer_add_text(writer->out, ",\"data\":");
        cli_json_add_string(writer->out, text, data.size);
    } else {
        cli_buffer_add_text(writer->out, ",\"data_base64\":\"");
        cli_base64_add(writer->out, text, data.size);
        cli_buffer_add_byte(writer->out, '"');
    }
}

void cli_cloudevent_add(cli_buffer *out, const stele_record *record, const char *source)
{
    cloud_writer writer = {.out = out, .record = record};
    char time[STELE_TIME_TEXT_SIZE];
    char id[STELE_UUID_TEXT_SIZE];

    split_metadata(&writer);
    stele_time_print(record->time, time);
    stele_uuid_print(&record->id, id);
    cli_buffer_add_text(out, "{\"specversion\":\"1.0\"");
    add_attribute(&writer, "id", id, strlen(id));
    add_attribute(&writer, "source", source, strlen(source));
    cli_buffer_add_text(out, ",\"type\":");
    cli_json_add_string(out, record->type.data, record->type.size);
    add_attribute(&writer, "subject", record->stream.data, record->stream.size);
    cli_buffer_add_text(out, ",\"time\":");
    if (writer.time.size > 0) {
        cli_buffer_add(out, writer.time.text, writer.time.size);
    } else {
        cli_json_add_string(out, time, strlen(time));
    }
    add_attribute(&writer, "dataschema", NULL, 0);
    cli_buffer_format(out, ",\"steleposition\":\"%" PRIu64 "\",\"stelerevision\":\"%" PRIu64 "\"",
                      record->position, record->revision);
    add_tags(&writer);
    add_metadata(&writer);
    add_extensions(&writer);
    add_data(&writer);
    cli_buffer_add_byte(out, '}');
    cli_buffer_done(&writer.rest);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Records as JSON objects, see record.h. */
#include "json.h"
#include "record.h"

#include <inttypes.h>
#include <string.h>

const char *cli_format_name(stele_format format)
{
    switch (format) {
    case STELE_BINARY:
        return "binary";
    case STELE_JSON:
        return "json";
    case STELE_PROTOBUF:
        return "protobuf";
    case STELE_AVRO:
        return "avro";
    }
    return "unknown";
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

bool cli_json_survives_a_line(const char *text, size_t size)
{
    return size > 0 && !memchr(text, '\n', size) && !memchr(text, '\r', size) &&
           !is_blank(text[0]) && !is_blank(text[size - 1]);
}

/* Adds one payload as members `name` or `name`_base64, and `format_name` if it must be said. */
static void add_payload(cli_buffer *out, const char *name, const char *format_name,
                        stele_bytes payload, stele_format format, cli_exactness exactness)
{
    const char *text = (const char *)payload.data;
    const bool as_json =
        format == STELE_JSON && stele__json_is_valid(text, payload.size) &&
        (exactness == CLI_FOR_READING || cli_json_survives_a_line(text, payload.size));

    if (payload.size == 0 && format == STELE_BINARY) {
        return;
    }
    if (as_json) {
        cli_buffer_format(out, ",\"%s\":", name);
        cli_json_add_line(out, text, payload.size);
        return;
    }
    cli_buffer_format(out, ",\"%s_base64\":\"", name);
    cli_base64_add(out, payload.data, payload.size);
    cli_buffer_add_byte(out, '"');
    if (format != STELE_BINARY) {
        cli_buffer_format(out, ",\"%s\":\"%s\"", format_name, cli_format_name(format));
    }
}

static void add_text_member(cli_buffer *out, const char *name, stele_text text)
{
    cli_buffer_format(out, ",\"%s\":", name);
    cli_json_add_string(out, text.data, text.size);
}

void cli_record_add_json(cli_buffer *out, const stele_record *record, cli_exactness exactness)
{
    char time[STELE_TIME_TEXT_SIZE];
    char id[STELE_UUID_TEXT_SIZE];

    stele_time_print(record->time, time);
    stele_uuid_print(&record->id, id);
    cli_buffer_format(out,
                      "{\"position\":%" PRIu64 ",\"revision\":%" PRIu64
                      ",\"time\":\"%s\",\"id\":\"%s\"",
                      record->position, record->revision, time, id);
    add_text_member(out, "stream", record->stream);
    add_text_member(out, "type", record->type);
    if (record->tag_count > 0) {
        cli_buffer_add_text(out, ",\"tags\":[");
        for (size_t i = 0; i < record->tag_count; i++) {
            if (i > 0) {
                cli_buffer_add_byte(out, ',');
            }
            cli_json_add_string(out, record->tags[i].data, record->tags[i].size);
        }
        cli_buffer_add_byte(out, ']');
    }
    add_payload(out, "data", "format", record->data, record->data_format, exactness);
    if (record->metadata.size > 0) {
        add_payload(out, "metadata", "metadata_format", record->metadata, record->metadata_format,
                    exactness);
    }
    cli_buffer_add_byte(out, '}');
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our own form of an event in a file:
 *
 *     {"stream":"account-1","type":"account.opened","id":"…","time":"…",
 *      "tags":["…"],"data":{…},"metadata":{…}}
 *
 * Only stream and type are required. `data` is any JSON value and is stored as it stands there,
 * byte for byte; `data_base64` is anything else, and `format` says what it is. `position` and
 * `revision`, which export writes, are only for readers: an import gives new ones. (But a tombstone
 * is known by its revision.) Other members are refused, because a misspelt one would be lost
 * without a word.
 */
#include "event_json.h"

#include <string.h>

/* The format that a member names. */
static bool take_format(cli_members *members, const char *name, stele_format *ret_format,
                        bool *ret_is_given)
{
    static const char *const names[] = {"binary", "json", "protobuf", "avro"};
    const cli_member *member = cli_members_find(members, name);

    *ret_is_given = member != NULL;
    if (!member) {
        return true;
    }
    for (size_t i = 0;
         member->value.kind == STELE_JSON_STRING && i < sizeof names / sizeof names[0]; i++) {
        if (stele__json_is_text(&member->value, names[i])) {
            *ret_format = (stele_format)i;
            return true;
        }
    }
    return cli_members_fail(members, member->value.text,
                            "\"%s\" must be json, binary, protobuf or avro", name);
}

/* data or data_base64, and what format it has. */
static bool take_payload(cli_members *members, const char *name, const char *base64_name,
                         const char *format_name, stele_bytes *ret_bytes, stele_format *ret_format)
{
    const cli_member *json = cli_members_find(members, name);
    const cli_member *base64 = cli_members_find(members, base64_name);
    stele_format format = json ? STELE_JSON : STELE_BINARY;
    bool is_given;

    if (json && base64) {
        return cli_members_fail(members, base64->value.text, "\"%s\" and \"%s\" exclude each other",
                                name, base64_name);
    }
    if (!take_format(members, format_name, &format, &is_given)) {
        return false;
    }
    if (json && format != STELE_JSON) {
        return cli_members_fail(members, json->value.text, "\"%s\" can only be json; write \"%s\"",
                                name, base64_name);
    }
    *ret_format = format;
    if (json) {
        *ret_bytes = (stele_bytes){(const uint8_t *)json->value.text, json->value.size};
        return true;
    }
    return !base64 || cli_members_base64(members, base64, ret_bytes);
}

static bool take_names(cli_members *members, const cli_parse_rules *rules, stele_event *event)
{
    const cli_member *stream = cli_members_find(members, "stream");
    const cli_member *type = cli_members_find(members, "type");

    if (stream) {
        if (!cli_members_text(members, stream, STELE_STREAM_NAME_SIZE_MAX, &event->stream)) {
            return false;
        }
    } else if (rules->stream) {
        event->stream = rules->stream;
    } else {
        return cli_members_fail(members, members->text, "\"stream\" is missing");
    }
    if (!type) {
        return cli_members_fail(members, members->text, "\"type\" is missing");
    }
    return cli_members_text(members, type, STELE_TYPE_SIZE_MAX, &event->type);
}

/* An id that is no UUID becomes one, in the namespace of its stream; *ret_foreign is what it was.
 */
static bool take_id(cli_members *members, stele_event *event, const char **ret_foreign)
{
    const cli_member *member = cli_members_find(members, "id");
    const char *id;

    if (!member) {
        return true;
    }
    if (!cli_members_text(members, member, STELE_STREAM_NAME_SIZE_MAX, &id)) {
        return false;
    }
    if (stele_uuid_parse(id, strlen(id), &event->id) == 0) {
        return cli_members_identifies(members, member, &event->id);
    }
    event->id = cli_event_id(event->stream, id);
    *ret_foreign = id;
    return true;
}

static bool check_unknown(cli_members *members, const cli_parse_rules *rules)
{
    for (size_t i = 0; i < members->count && !rules->ignores_unknown; i++) {
        const cli_member *member = &members->members[i];

        if (!member->is_used) {
            return cli_members_fail(members, members->text + member->name_at,
                                    "\"%.*s\" means nothing here", (int)member->name_size,
                                    member->name);
        }
    }
    return true;
}

bool cli_event_parse_stele(cli_members *members, const cli_parse_rules *rules,
                           cli_parsed_event *event)
{
    const cli_member *time = cli_members_find(members, "time");
    const cli_member *tags = cli_members_find(members, "tags");
    const cli_member *key = cli_members_find(members, "key");
    const cli_member *revision = cli_members_find(members, "revision");
    const char *foreign_id = NULL;

    (void)cli_members_find(members, "position");
    event->is_at_end = revision && cli_members_is_end(members, revision);
    event->has_time = time != NULL;
    if (!take_names(members, rules, &event->event) ||
        !take_id(members, &event->event, &foreign_id) ||
        (time && !cli_members_time(members, time, &event->time)) ||
        (tags && !cli_members_tags(members, &tags->value, &event->event)) ||
        (key && !cli_members_text(members, key, STELE_KEY_SIZE_MAX, &event->key)) ||
        !take_payload(members, "data", "data_base64", "format", &event->event.data,
                      &event->event.data_format) ||
        !take_payload(members, "metadata", "metadata_base64", "metadata_format",
                      &event->event.metadata, &event->event.metadata_format) ||
        !check_unknown(members, rules)) {
        return false;
    }
    if (foreign_id) {
        (void)cli_event_add_metadata(members->arena, &event->event, CLI_SOURCE_ID, foreign_id);
    }
    return true;
}

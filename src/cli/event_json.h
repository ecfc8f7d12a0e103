/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events as they come from files: one JSON object each, in the form that export writes, or a
 * CloudEvent in the structured JSON form of CloudEvents 1.0. Both forms are described in
 * stele-import(1).
 */
#ifndef STELE_CLI_EVENT_JSON_H
#define STELE_CLI_EVENT_JSON_H

#include "json.h"

#include <stele/stele.h>

/* What stands for an event until it is appended. Everything points into the arena it was parsed
 * with, or into its text. */
typedef struct cli_parsed_event {
    stele_event event; /* id all zero: none was given */
    bool has_time;
    stele_time time; /* what the source says */
    const char *key; /* idempotency key of its own, or NULL */
    bool is_at_end;  /* it has the revision of a tombstone */
    bool is_tombstone;
    bool is_cloudevent;     /* it came in that form */
    stele_time append_time; /* for the importer: the recorded time it asks for */
} cli_parsed_event;

typedef enum cli_event_form {
    CLI_FORM_AUTO = 0,
    CLI_FORM_STELE,
    CLI_FORM_CLOUDEVENTS
} cli_event_form;
typedef enum cli_stream_from {
    CLI_FROM_SUBJECT = 0,
    CLI_FROM_SOURCE,
    CLI_FROM_TYPE
} cli_stream_from;

typedef struct cli_parse_rules {
    cli_event_form form;
    cli_stream_from stream_from; /* CloudEvents: which attribute names the stream */
    const char *stream;          /* for what names none; NULL: that is an error */
    bool ignores_unknown; /* members that mean nothing to us are dropped instead of refused */
} cli_parse_rules;

typedef struct cli_parse_error {
    size_t at;           /* byte of the text */
    const char *message; /* in the arena, or static */
} cli_parse_error;

/* Parses one item. False: *ret_error says what is wrong with it, and where. */
bool cli_event_parse(cli_arena *arena, const char *text, size_t size, const cli_parse_rules *rules,
                     cli_parsed_event *ret_event, cli_parse_error *ret_error);

/* What the metadata of an imported event may tell of its origin. */
#define CLI_SOURCE_TIME "$sourceTime"
#define CLI_SOURCE_ID "$sourceId"
#define CLI_SOURCE_CLOUDEVENT "cloudevents"

/* Adds a member to the metadata of an event, unless there is one of that name. False: the metadata
 * is no JSON object. */
bool cli_event_add_metadata(cli_arena *arena, stele_event *event, const char *name,
                            const char *value);
/* Puts the source's time into the metadata. False: the metadata is no JSON object. */
bool cli_event_keep_time(cli_arena *arena, cli_parsed_event *event);

/* ---- Shared by the two forms (event_members.c) */

#define CLI_MEMBERS_MAX 128
/* What is kept of a CloudEvent: so many that it can be written again with our own members. */
#define CLI_EXTENSIONS_MAX (CLI_MEMBERS_MAX - 16)

typedef struct cli_member {
    const char *name; /* escapes resolved */
    size_t name_size;
    size_t name_at; /* in the text */
    stele__json_value value;
    bool is_used;
} cli_member;

typedef struct cli_members {
    cli_arena *arena;
    const char *text;
    cli_member *members;
    size_t count;
    cli_parse_error error;
} cli_members;

/* Takes an object apart. False: see error. */
bool cli_members_read(cli_members *members, cli_arena *arena, const char *text, size_t size);
/* The member of that name, marked as used, or NULL. null counts as absent when `null_is_absent`. */
cli_member *cli_members_find(cli_members *members, const char *name);
/* Notes an error at a place in the text; answers false. */
bool cli_members_fail(cli_members *members, const char *at, const char *format, ...)
    STELE_PRINTF(3, 4);
/* The text of a string member: not empty, without NUL, at most `size_max` bytes, terminated. */
bool cli_members_text(cli_members *members, const cli_member *member, size_t size_max,
                      const char **ret_text);
/* The bytes of a string member in base64. */
bool cli_members_base64(cli_members *members, const cli_member *member, stele_bytes *ret_bytes);
/* Whether a revision, a number or a string, is that of a tombstone: also when a program that knows
 * only floating point has rounded it. No event of a stream has one anywhere near. */
bool cli_members_is_end(cli_members *members, const cli_member *member);
/* Whether an id that is a UUID says which event it is: the nil UUID does not. */
bool cli_members_identifies(cli_members *members, const cli_member *member, const stele_uuid *id);
/* A string member with an RFC 3339 time. */
bool cli_members_time(cli_members *members, const cli_member *member, stele_time *ret_time);
/* The strings of an array, as tags. */
bool cli_members_tags(cli_members *members, const stele__json_value *array, stele_event *event);
/* The content of a string value, of any length. */
bool cli_members_decoded(cli_members *members, const stele__json_value *value,
                         const char **ret_text, size_t *ret_size);
/* The same for what will be a name or other text: NUL is refused. */
bool cli_members_string(cli_members *members, const stele__json_value *value, const char **ret_text,
                        size_t *ret_size);

bool cli_event_parse_stele(cli_members *members, const cli_parse_rules *rules,
                           cli_parsed_event *event);
bool cli_event_parse_cloudevent(cli_members *members, const cli_parse_rules *rules,
                                cli_parsed_event *event);

/* Whether a member can be an extension of a CloudEvent. */
bool cli_cloudevent_may_extend(const cli_member *member);
/* Whether a content type says that the data is JSON. */
bool cli_cloudevent_is_json(const char *content);
/* The format of data that came as a string or in base64, under a content type or NULL. */
stele_format cli_cloudevent_format(const char *content, stele_bytes data);

/* The UUIDv5 of a source and an id that is no UUID: the id's UUIDv5 in the namespace that is the
 * source's UUIDv5 as a URL. */
stele_uuid cli_event_id(const char *source, const char *id);

#endif

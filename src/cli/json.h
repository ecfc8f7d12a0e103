/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON, read without changing it. The tool must hand on what an event carries byte for byte:
 * numbers of any length, the order of members, even a member that occurs twice. So values are
 * checked and passed on as slices of the source; nothing is turned into a tree and printed again.
 * Strict by RFC 8259, with a bound on nesting; places of errors are byte offsets.
 */
#ifndef STELE_CLI_JSON_H
#define STELE_CLI_JSON_H

#include "memory.h"

/* Deeper nesting is refused: nobody writes that, and readers of our output would not take it. */
#define CLI_JSON_DEPTH_MAX 512

typedef enum cli_json_kind {
    CLI_JSON_NULL = 0,
    CLI_JSON_FALSE,
    CLI_JSON_TRUE,
    CLI_JSON_NUMBER,
    CLI_JSON_STRING,
    CLI_JSON_ARRAY,
    CLI_JSON_OBJECT
} cli_json_kind;

/* A value as it stands in the source, strings with their quotes. */
typedef struct cli_json_value {
    cli_json_kind kind;
    const char *text;
    size_t size;
    bool has_escapes; /* strings only */
} cli_json_value;

typedef struct cli_json_scanner {
    const char *begin;
    const char *at;
    const char *end;
    const char *message; /* what is wrong, once something is; static */
    size_t error_at;     /* where, in bytes from begin */
} cli_json_scanner;

void cli_json_begin(cli_json_scanner *scanner, const char *text, size_t size);
/* Notes an error at a place, unless there is one; answers false. */
bool cli_json_fail(cli_json_scanner *scanner, const char *at, const char *message);
/* Takes one whole value, blanks before it skipped. False: see message. */
bool cli_json_take(cli_json_scanner *scanner, cli_json_value *ret_value);
/* Whether nothing but blanks is left. */
bool cli_json_finish(cli_json_scanner *scanner);

/* Walks over the members of an object or the items of an array: after the opening bracket was taken
 * with enter, next answers 1 for each, 0 behind the closing bracket, -1 for an error. */
bool cli_json_enter(cli_json_scanner *scanner, char bracket);
int cli_json_next_member(cli_json_scanner *scanner, bool is_first, cli_json_value *ret_name,
                         cli_json_value *ret_value);
int cli_json_next_item(cli_json_scanner *scanner, bool is_first, cli_json_value *ret_value);

/* Whether the text is one complete JSON value. */
bool cli_json_is_valid(const char *text, size_t size);

/* Adds the content of a string value, escapes resolved. False: it contains half of a surrogate
 * pair. */
bool cli_json_add_decoded(cli_buffer *out, const cli_json_value *string);
/* Whether the string value is exactly this text (which has no need of escapes). */
bool cli_json_string_is(const cli_json_value *string, const char *text);

/* Adds a string with quotes; bytes that are no UTF-8 become U+FFFD. */
void cli_json_add_string(cli_buffer *out, const char *text, size_t size);
/* Adds JSON so that nothing in it moves a terminal: what cli_add_printable() would escape, escaped
 * as JSON does, and blanks between values, but for the line break, as the one that is a column. */
void cli_json_add_safe(cli_buffer *out, const char *text, size_t size);
/* Adds valid JSON on one line: as it is, or without blanks if it has more lines than one. */
void cli_json_add_line(cli_buffer *out, const char *text, size_t size);
/* Adds valid JSON for eyes: over several lines, indented, made printable; lines after the first
 * begin with `indent` blanks. */
void cli_json_add_pretty(cli_buffer *out, const char *text, size_t size, size_t indent);

/* Base64 of RFC 4648 with padding. Decoding is strict; false: it is no base64. */
void cli_base64_add(cli_buffer *out, const void *bytes, size_t size);
bool cli_base64_decode(cli_buffer *out, const char *text, size_t size);

#endif

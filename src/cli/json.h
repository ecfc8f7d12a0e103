/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON for the tool: what is read goes through the scanner of base, which changes nothing; here is
 * what is written, and how strings are decoded.
 */
#ifndef STELE_CLI_JSON_H
#define STELE_CLI_JSON_H

#include "memory.h"

#include "base/json.h"

/* Adds the content of a string value, escapes resolved. False: it contains half of a surrogate
 * pair. */
bool cli_json_add_decoded(cli_buffer *out, const stele__json_value *string);
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

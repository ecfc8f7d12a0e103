/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text for eyes: how wide it is on a terminal, how it is cut, and how to show what must not reach a
 * terminal as it is. Numbers, sizes and spans of time as people write them. Nothing here depends on
 * the locale.
 */
#ifndef STELE_CLI_TEXT_H
#define STELE_CLI_TEXT_H

#include "memory.h"

/* Decodes the character at `at` (at < end). Returns its size in bytes; for what is no UTF-8: 1, and
 * *ret_code is -1. */
size_t cli_utf8_next(const char *at, const char *end, int32_t *ret_code);
bool cli_utf8_is_valid(const char *text, size_t size);
/* Adds the UTF-8 form of a code point that has one. */
void cli_utf8_add(cli_buffer *out, uint32_t code);

/* Columns that a character takes: 0 (combining), 1 or 2 (wide). */
int cli_char_width(uint32_t code);
/* Whether a character must not reach a terminal. */
bool cli_char_is_unsafe(uint32_t code);
/* Columns that printable text takes. */
size_t cli_text_width(const char *text, size_t size);

/*
 * Adds text so that it is safe and readable on one line: control characters, characters that turn
 * the direction of writing, and bytes that are no UTF-8 appear as \n, \x1b, \u202e.
 */
void cli_add_printable(cli_buffer *out, const char *text, size_t size);

/* Cuts printable text that stands in `out` from `start` on to `columns`, with an ellipsis at its
 * end when it was longer. */
void cli_clip(cli_buffer *out, size_t start, size_t columns);

/* What marks a cut: "…", or "..." where the terminal has no UTF-8. */
extern const char *cli_ellipsis;
extern size_t cli_ellipsis_width;

/* "1,234,567". */
void cli_add_count(cli_buffer *out, uint64_t count);
/* "950", "1.2 k", "310 k", "1.2 M". */
void cli_add_short_count(cli_buffer *out, double count);
/* "512 B", "1.2 kB", "356.2 MB": powers of 1,000. */
void cli_add_bytes(cli_buffer *out, uint64_t bytes);
/* "12 µs", "0.83 ms", "4.2 s", "1 min 20 s", "2 h 5 min". */
void cli_add_duration(cli_buffer *out, stele_duration duration);
/* "2026-11-21 10:00:00.123": UTC, cut to milliseconds. */
void cli_add_time(cli_buffer *out, stele_time time);
/* The whole seconds that a time in nanoseconds can have. */
#define CLI_TIME_FIRST "1677-09-21T00:12:44Z"
#define CLI_TIME_LAST "2262-04-11T23:47:16Z"
/* Whether a text that stele_time_parse() does not take is a time all the same, but too early or too
 * late. */
bool cli_time_is_out_of_range(const char *text, size_t size);
/* "1 event", "2 events", "1,234 events". */
void cli_add_things(cli_buffer *out, uint64_t count, const char *thing);

/* Parses an unsigned decimal number that fills the whole text. */
bool cli_parse_number(const char *text, uint64_t *ret_number);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON, read without changing it. What an event or a stream's metadata carries must be handed on
 * byte for byte: numbers of any length, the order of members, even a member that occurs twice. So
 * values are checked and passed on as slices of the source; nothing is turned into a tree and
 * printed again, and nothing is allocated. Strict by RFC 8259, with a bound on nesting; places of
 * errors are byte offsets. Pure functions; any thread.
 */
#ifndef STELE_BASE_JSON_H
#define STELE_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Deeper nesting is refused: nobody writes that, and readers of our output would not take it. */
#define STELE_JSON_DEPTH_MAX 512

typedef enum stele__json_kind {
    STELE_JSON_NULL = 0,
    STELE_JSON_FALSE,
    STELE_JSON_TRUE,
    STELE_JSON_NUMBER,
    STELE_JSON_STRING,
    STELE_JSON_ARRAY,
    STELE_JSON_OBJECT
} stele__json_kind;

/* A value as it stands in the source, strings with their quotes. */
typedef struct stele__json_value {
    stele__json_kind kind;
    const char *text;
    size_t size;
    bool has_escapes; /* strings only */
} stele__json_value;

typedef struct stele__json_scanner {
    const char *begin;
    const char *at;
    const char *end;
    const char *message; /* what is wrong, once something is; static */
    size_t error_at;     /* where, in bytes from begin */
} stele__json_scanner;

void stele__json_begin(stele__json_scanner *scanner, const char *text, size_t size);
/* Notes an error at a place, unless there is one; answers false. */
bool stele__json_fail(stele__json_scanner *scanner, const char *at, const char *message);
/* Takes one whole value, blanks before it skipped. False: see message. */
bool stele__json_take(stele__json_scanner *scanner, stele__json_value *ret_value);
/* Whether nothing but blanks is left. */
bool stele__json_finish(stele__json_scanner *scanner);

/* Walks over the members of an object or the items of an array: after the opening bracket was taken
 * with enter, next answers 1 for each, 0 behind the closing bracket, -1 for an error. */
bool stele__json_enter(stele__json_scanner *scanner, char bracket);
int stele__json_next_member(stele__json_scanner *scanner, bool is_first,
                            stele__json_value *ret_name, stele__json_value *ret_value);
int stele__json_next_item(stele__json_scanner *scanner, bool is_first,
                          stele__json_value *ret_value);

/* Whether the text is one complete JSON value. */
bool stele__json_is_valid(const char *text, size_t size);

/* Whether a string means this text, which is ASCII without control characters, escapes resolved. */
bool stele__json_is_text(const stele__json_value *string, const char *text);
/* The number of a value written as digits alone, up to INT64_MAX. False: it is something else. */
bool stele__json_integer(const stele__json_value *value, int64_t *ret_integer);

#endif

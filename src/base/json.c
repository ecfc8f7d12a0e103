/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scanner of json.h. It never recurses: which brackets are open stands in a bit for each level,
 * so that a line of a million brackets costs an error message and no stack.
 */
#include "json.h"

#include "text.h"

#include <string.h>

/* ---- Small steps */

void stele__json_begin(stele__json_scanner *scanner, const char *text, size_t size)
{
    *scanner =
        (stele__json_scanner){.begin = text, .at = text, .end = size > 0 ? text + size : text};
}

bool stele__json_fail(stele__json_scanner *scanner, const char *at, const char *message)
{
    if (!scanner->message) {
        scanner->message = message;
        scanner->error_at = (size_t)(at - scanner->begin);
    }
    return false;
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static void skip_blanks(stele__json_scanner *scanner)
{
    while (scanner->at < scanner->end && is_blank(*scanner->at)) {
        scanner->at++;
    }
}

static bool is_digit(const stele__json_scanner *scanner, const char *at)
{
    return at < scanner->end && *at >= '0' && *at <= '9';
}

static bool scan_word(stele__json_scanner *scanner, const char *word)
{
    const size_t size = strlen(word);

    if ((size_t)(scanner->end - scanner->at) < size || memcmp(scanner->at, word, size) != 0) {
        return stele__json_fail(scanner, scanner->at, "a value is expected");
    }
    scanner->at += size;
    return true;
}

static bool scan_digits(stele__json_scanner *scanner)
{
    if (!is_digit(scanner, scanner->at)) {
        return stele__json_fail(scanner, scanner->at, "a digit is expected");
    }
    while (is_digit(scanner, scanner->at)) {
        scanner->at++;
    }
    return true;
}

static bool scan_number(stele__json_scanner *scanner)
{
    if (*scanner->at == '-') {
        scanner->at++;
    }
    if (scanner->at < scanner->end && *scanner->at == '0' && is_digit(scanner, scanner->at + 1)) {
        return stele__json_fail(scanner, scanner->at, "a number cannot begin with 0");
    }
    if (!scan_digits(scanner)) {
        return false;
    }
    if (scanner->at < scanner->end && *scanner->at == '.') {
        scanner->at++;
        if (!scan_digits(scanner)) {
            return false;
        }
    }
    if (scanner->at < scanner->end && (*scanner->at == 'e' || *scanner->at == 'E')) {
        scanner->at++;
        if (scanner->at < scanner->end && (*scanner->at == '+' || *scanner->at == '-')) {
            scanner->at++;
        }
        return scan_digits(scanner);
    }
    return true;
}

/* ---- Strings */

static int hex_value(char digit)
{
    return digit >= '0' && digit <= '9'   ? digit - '0'
           : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10
           : digit >= 'A' && digit <= 'F' ? digit - 'A' + 10
                                          : -1;
}

static bool scan_escape(stele__json_scanner *scanner)
{
    const char *at = scanner->at + 1;

    if (at >= scanner->end) {
        return stele__json_fail(scanner, scanner->at, "the text ends within a string");
    }
    if (*at != 'u') {
        if (*at == '\0' || !strchr("\"\\/bfnrt", *at)) {
            return stele__json_fail(scanner, scanner->at, "there is no such escape in a string");
        }
        scanner->at += 2;
        return true;
    }
    for (int i = 1; i <= 4; i++) {
        if (at + i >= scanner->end || hex_value(at[i]) < 0) {
            return stele__json_fail(scanner, scanner->at, "\\u needs four hexadecimal digits");
        }
    }
    scanner->at += 6;
    return true;
}

static bool scan_string(stele__json_scanner *scanner, bool *ret_has_escapes)
{
    const char *start = scanner->at;

    *ret_has_escapes = false;
    for (scanner->at++; scanner->at < scanner->end;) {
        const unsigned char byte = (unsigned char)*scanner->at;

        if (byte == '"') {
            scanner->at++;
            return true;
        }
        if (byte == '\\') {
            *ret_has_escapes = true;
            if (!scan_escape(scanner)) {
                return false;
            }
        } else if (byte < 0x20) {
            return stele__json_fail(scanner, scanner->at,
                                    "a control character in a string must be escaped");
        } else if (byte < 0x80) {
            scanner->at++;
        } else {
            const size_t size = stele__text_utf8_size(scanner->at, scanner->end);

            if (size == 0) {
                return stele__json_fail(scanner, scanner->at, "this is no UTF-8");
            }
            scanner->at += size;
        }
    }
    return stele__json_fail(scanner, start, "this string does not end");
}

/* ---- Values */

typedef struct open_brackets {
    uint8_t is_object[STELE_JSON_DEPTH_MAX / 8];
    size_t depth;
} open_brackets;

static bool push(stele__json_scanner *scanner, open_brackets *open, bool is_object)
{
    const uint8_t bit = (uint8_t)(1u << (open->depth % 8));

    if (open->depth == STELE_JSON_DEPTH_MAX) {
        return stele__json_fail(scanner, scanner->at, "this is nested too deeply");
    }
    if (is_object) {
        open->is_object[open->depth / 8] |= bit;
    } else {
        open->is_object[open->depth / 8] &= (uint8_t)~bit;
    }
    open->depth++;
    scanner->at++;
    return true;
}

static bool top_is_object(const open_brackets *open)
{
    return (open->is_object[(open->depth - 1) / 8] >> ((open->depth - 1) % 8) & 1) != 0;
}

/* The name of a member and the colon behind it. */
static bool scan_name(stele__json_scanner *scanner)
{
    bool has_escapes;

    if (scanner->at >= scanner->end || *scanner->at != '"') {
        return stele__json_fail(scanner, scanner->at,
                                "the name of a member is expected, in double quotes");
    }
    if (!scan_string(scanner, &has_escapes)) {
        return false;
    }
    skip_blanks(scanner);
    if (scanner->at >= scanner->end || *scanner->at != ':') {
        return stele__json_fail(scanner, scanner->at, "':' is expected");
    }
    scanner->at++;
    return true;
}

static bool scan_scalar(stele__json_scanner *scanner, bool *ret_has_escapes)
{
    switch (*scanner->at) {
    case '"':
        return scan_string(scanner, ret_has_escapes);
    case 't':
        return scan_word(scanner, "true");
    case 'f':
        return scan_word(scanner, "false");
    case 'n':
        return scan_word(scanner, "null");
    default:
        if (*scanner->at == '-' || is_digit(scanner, scanner->at)) {
            return scan_number(scanner);
        }
        return stele__json_fail(scanner, scanner->at, "a value is expected");
    }
}

/* Behind a value: closes brackets and steps over a comma to where the next value begins. True with
 * depth 0: all done. */
static bool scan_after_value(stele__json_scanner *scanner, open_brackets *open)
{
    while (open->depth > 0) {
        const bool in_object = top_is_object(open);

        skip_blanks(scanner);
        if (scanner->at >= scanner->end) {
            return stele__json_fail(scanner, scanner->at, "the text ends too early");
        }
        if (*scanner->at == ',') {
            scanner->at++;
            skip_blanks(scanner);
            return !in_object || scan_name(scanner);
        }
        if (*scanner->at != (in_object ? '}' : ']')) {
            return stele__json_fail(scanner, scanner->at,
                                    in_object ? "',' or '}' is expected"
                                              : "',' or ']' is expected");
        }
        scanner->at++;
        open->depth--;
    }
    return true;
}

/* At an opening bracket: goes inside, to the first value or, if there is none, behind what closes
 * it. */
static bool scan_open(stele__json_scanner *scanner, open_brackets *open, bool *ret_is_empty)
{
    const bool is_object = *scanner->at == '{';

    if (!push(scanner, open, is_object)) {
        return false;
    }
    skip_blanks(scanner);
    *ret_is_empty = scanner->at < scanner->end && *scanner->at == (is_object ? '}' : ']');
    if (*ret_is_empty) {
        scanner->at++;
        open->depth--;
        return true;
    }
    return !is_object || scan_name(scanner);
}

static bool scan_value(stele__json_scanner *scanner, bool *ret_has_escapes)
{
    open_brackets open;

    open.depth = 0;
    for (;;) {
        bool is_value = true;

        skip_blanks(scanner);
        if (scanner->at >= scanner->end) {
            return stele__json_fail(scanner, scanner->at,
                                    "the text ends where a value is expected");
        }
        if (*scanner->at == '{' || *scanner->at == '[') {
            if (!scan_open(scanner, &open, &is_value)) {
                return false;
            }
        } else if (!scan_scalar(scanner, ret_has_escapes)) {
            return false;
        }
        if (is_value) {
            if (!scan_after_value(scanner, &open)) {
                return false;
            }
            if (open.depth == 0) {
                return true;
            }
        }
    }
}

static stele__json_kind kind_of(char first)
{
    switch (first) {
    case '{':
        return STELE_JSON_OBJECT;
    case '[':
        return STELE_JSON_ARRAY;
    case '"':
        return STELE_JSON_STRING;
    case 't':
        return STELE_JSON_TRUE;
    case 'f':
        return STELE_JSON_FALSE;
    case 'n':
        return STELE_JSON_NULL;
    default:
        return STELE_JSON_NUMBER;
    }
}

bool stele__json_take(stele__json_scanner *scanner, stele__json_value *ret_value)
{
    const char *start;
    bool has_escapes = false;

    skip_blanks(scanner);
    start = scanner->at;
    if (scanner->message || !scan_value(scanner, &has_escapes)) {
        return false;
    }
    ret_value->kind = kind_of(*start);
    ret_value->text = start;
    ret_value->size = (size_t)(scanner->at - start);
    ret_value->has_escapes = has_escapes;
    return true;
}

bool stele__json_finish(stele__json_scanner *scanner)
{
    skip_blanks(scanner);
    return scanner->at == scanner->end ||
           stele__json_fail(scanner, scanner->at, "nothing is expected here any more");
}

bool stele__json_is_valid(const char *text, size_t size)
{
    stele__json_scanner scanner;
    stele__json_value value;

    stele__json_begin(&scanner, text, size);
    return stele__json_take(&scanner, &value) && stele__json_finish(&scanner);
}

/* ---- Members and items */

bool stele__json_enter(stele__json_scanner *scanner, char bracket)
{
    skip_blanks(scanner);
    if (scanner->at >= scanner->end || *scanner->at != bracket) {
        return stele__json_fail(scanner, scanner->at,
                                bracket == '{' ? "'{' is expected" : "'[' is expected");
    }
    scanner->at++;
    return true;
}

/* Before a member or item: 1 if there is one, 0 behind the closing bracket, -1 for an error. */
static int step(stele__json_scanner *scanner, bool is_first, char closing)
{
    skip_blanks(scanner);
    if (scanner->at < scanner->end && *scanner->at == closing) {
        scanner->at++;
        return 0;
    }
    if (!is_first) {
        if (scanner->at >= scanner->end || *scanner->at != ',') {
            (void)stele__json_fail(scanner, scanner->at,
                                   scanner->at >= scanner->end ? "the text ends too early"
                                   : closing == '}'            ? "',' or '}' is expected"
                                                               : "',' or ']' is expected");
            return -1;
        }
        scanner->at++;
        skip_blanks(scanner);
    }
    return 1;
}

int stele__json_next_member(stele__json_scanner *scanner, bool is_first,
                            stele__json_value *ret_name, stele__json_value *ret_value)
{
    const int result = step(scanner, is_first, '}');
    const char *start = scanner->at;

    if (result <= 0) {
        return result;
    }
    if (start >= scanner->end || *start != '"') {
        (void)stele__json_fail(scanner, start,
                               "the name of a member is expected, in double quotes");
        return -1;
    }
    if (!scan_string(scanner, &ret_name->has_escapes)) {
        return -1;
    }
    ret_name->kind = STELE_JSON_STRING;
    ret_name->text = start;
    ret_name->size = (size_t)(scanner->at - start);
    skip_blanks(scanner);
    if (scanner->at >= scanner->end || *scanner->at != ':') {
        (void)stele__json_fail(scanner, scanner->at, "':' is expected");
        return -1;
    }
    scanner->at++;
    return stele__json_take(scanner, ret_value) ? 1 : -1;
}

int stele__json_next_item(stele__json_scanner *scanner, bool is_first, stele__json_value *ret_value)
{
    const int result = step(scanner, is_first, ']');

    return result <= 0 ? result : stele__json_take(scanner, ret_value) ? 1 : -1;
}

/* ---- Reading values */

/* The character at *at, behind which *at is left: a byte, or what an escape stands for (0x10000:
 * something beyond ASCII). */
static uint32_t next_of(const char **at)
{
    static const char names[] = "bfnrt";
    static const char meanings[] = "\b\f\n\r\t";
    const char first = *(*at)++;

    if (first != '\\') {
        return (uint8_t)first;
    }
    const char name = *(*at)++;
    if (name != 'u') {
        const char *known = strchr(names, name);
        return (uint8_t)(known ? meanings[known - names] : name);
    }
    uint32_t code = 0;
    for (int i = 0; i < 4; i++) {
        code = code << 4 | (uint32_t)hex_value(*(*at)++);
    }
    return code < 0x80 ? code : 0x10000;
}

bool stele__json_is_text(const stele__json_value *string, const char *text)
{
    const char *at = string->text + 1;
    const char *end = string->text + string->size - 1;

    while (at < end) {
        if (*text == '\0' || next_of(&at) != (uint8_t)*text) {
            return false;
        }
        text++;
    }
    return *text == '\0';
}

bool stele__json_integer(const stele__json_value *value, int64_t *ret_integer)
{
    int64_t integer = 0;

    if (value->kind != STELE_JSON_NUMBER) {
        return false;
    }
    for (size_t i = 0; i < value->size; i++) {
        const char digit = value->text[i];
        if (digit < '0' || digit > '9' || __builtin_mul_overflow(integer, 10, &integer) ||
            __builtin_add_overflow(integer, digit - '0', &integer)) {
            return false;
        }
    }
    *ret_integer = integer;
    return true;
}

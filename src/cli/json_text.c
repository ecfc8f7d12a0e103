/* SPDX-License-Identifier: Apache-2.0 */
/* Strings, layout and base64 of json.h: what goes in and out of JSON text. */
#include "json.h"
#include "text.h"

#include <string.h>

/* ---- Strings */

static uint32_t hex4(const char *at)
{
    uint32_t code = 0;

    for (int i = 0; i < 4; i++) {
        const char digit = at[i];

        code = code << 4 | (uint32_t)(digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
    }
    return code;
}

/* Adds what the escape at `at` (behind the backslash) stands for; answers how many bytes it took,
 * 0: half a pair. */
static size_t add_unescaped(cli_buffer *out, const char *at, const char *end)
{
    static const char names[] = "\"\\/bfnrt";
    static const char values[] = "\"\\/\b\f\n\r\t";
    uint32_t code;

    if (*at != 'u') {
        cli_buffer_add_byte(out, values[strchr(names, *at) - names]);
        return 1;
    }
    code = hex4(at + 1);
    if (code >= 0xdc00 && code < 0xe000) {
        return 0;
    }
    if (code >= 0xd800 && code < 0xdc00) {
        uint32_t low;

        if (end - at < 11 || at[5] != '\\' || at[6] != 'u') {
            return 0;
        }
        low = hex4(at + 7);
        if (low < 0xdc00 || low >= 0xe000) {
            return 0;
        }
        cli_utf8_add(out, 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00));
        return 11;
    }
    cli_utf8_add(out, code);
    return 5;
}

bool cli_json_add_decoded(cli_buffer *out, const stele__json_value *string)
{
    const char *at = string->text + 1;
    const char *end = string->text + string->size - 1;

    if (!string->has_escapes) {
        cli_buffer_add(out, at, (size_t)(end - at));
        return true;
    }
    while (at < end) {
        const char *escape = memchr(at, '\\', (size_t)(end - at));
        size_t size;

        if (!escape) {
            cli_buffer_add(out, at, (size_t)(end - at));
            return true;
        }
        cli_buffer_add(out, at, (size_t)(escape - at));
        size = add_unescaped(out, escape + 1, end);
        if (size == 0) {
            return false;
        }
        at = escape + 1 + size;
    }
    return true;
}

void cli_json_add_string(cli_buffer *out, const char *text, size_t size)
{
    const char *end = size > 0 ? text + size : text;
    int32_t code;

    cli_buffer_add_byte(out, '"');
    for (const char *at = text; at < end;) {
        const size_t step = cli_utf8_next(at, end, &code);

        if (code < 0) {
            cli_buffer_add_text(out, "\xef\xbf\xbd");
        } else if (code == '"' || code == '\\') {
            cli_buffer_add_byte(out, '\\');
            cli_buffer_add_byte(out, (char)code);
        } else if (code == '\n') {
            cli_buffer_add_text(out, "\\n");
        } else if (code == '\t') {
            cli_buffer_add_text(out, "\\t");
        } else if (code == '\r') {
            cli_buffer_add_text(out, "\\r");
        } else if (code < 0x20 || (code >= 0x7f && code < 0xa0)) {
            cli_buffer_format(out, "\\u%04x", (unsigned)code);
        } else {
            cli_buffer_add(out, at, step);
        }
        at += step;
    }
    cli_buffer_add_byte(out, '"');
}

void cli_json_add_safe(cli_buffer *out, const char *text, size_t size)
{
    const char *end = size > 0 ? text + size : text;
    int32_t code;

    for (const char *at = text; at < end;) {
        const size_t step = cli_utf8_next(at, end, &code);

        /* Below 0x20, JSON has only blanks between values; from 0x7f on nothing but within strings.
         */
        if (code >= 0x10000 && cli_char_is_unsafe((uint32_t)code)) {
            cli_buffer_format(out, "\\u%04x\\u%04x", 0xd800u + (((unsigned)code - 0x10000) >> 10),
                              0xdc00u + ((unsigned)code & 0x3ff));
        } else if (code >= 0x7f && cli_char_is_unsafe((uint32_t)code)) {
            cli_buffer_format(out, "\\u%04x", (unsigned)code);
        } else if (code == '\t' || code == '\r') {
            cli_buffer_add_byte(out, ' ');
        } else {
            cli_buffer_add(out, at, step);
        }
        at += step;
    }
}

/* ---- Layout */

/* The end of the string that begins at `at`, in text that is valid. */
static const char *string_end(const char *at)
{
    for (at++; *at != '"'; at++) {
        if (*at == '\\') {
            at++;
        }
    }
    return at + 1;
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* The trimmed form of valid JSON: blanks around it are not part of the value. */
static void trim(const char **text, size_t *size)
{
    while (*size > 0 && is_blank(**text)) {
        (*text)++;
        (*size)--;
    }
    while (*size > 0 && is_blank((*text)[*size - 1])) {
        (*size)--;
    }
}

void cli_json_add_line(cli_buffer *out, const char *text, size_t size)
{
    const char *end;

    trim(&text, &size);
    end = text + size;
    if (!memchr(text, '\n', size) && !memchr(text, '\r', size)) {
        cli_buffer_add(out, text, size);
        return;
    }
    while (text < end) {
        if (*text == '"') {
            const char *behind = string_end(text);

            cli_buffer_add(out, text, (size_t)(behind - text));
            text = behind;
        } else {
            if (!is_blank(*text)) {
                cli_buffer_add_byte(out, *text);
            }
            text++;
        }
    }
}

static void break_line(cli_buffer *out, size_t indent, size_t depth)
{
    cli_buffer_add_byte(out, '\n');
    cli_buffer_add_times(out, ' ', indent + 2 * depth);
}

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && is_blank(*at)) {
        at++;
    }
    return at;
}

void cli_json_add_pretty(cli_buffer *out, const char *text, size_t size, size_t indent)
{
    const char *end;
    size_t depth = 0;

    trim(&text, &size);
    end = text + size;
    while ((text = skip_blanks(text, end)) < end) {
        const char byte = *text;

        if (byte == '"') {
            const char *behind = string_end(text);

            cli_json_add_safe(out, text, (size_t)(behind - text));
            text = behind;
            continue;
        }
        text++;
        if (byte == '{' || byte == '[') {
            cli_buffer_add_byte(out, byte);
            text = skip_blanks(text, end);
            if (*text == '}' || *text == ']') {
                cli_buffer_add_byte(out, *text++);
            } else {
                break_line(out, indent, ++depth);
            }
        } else if (byte == '}' || byte == ']') {
            break_line(out, indent, --depth);
            cli_buffer_add_byte(out, byte);
        } else {
            cli_buffer_add_byte(out, byte);
            if (byte == ',') {
                break_line(out, indent, depth);
            } else if (byte == ':') {
                cli_buffer_add_byte(out, ' ');
            }
        }
    }
}

/* ---- Base64 */

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void cli_base64_add(cli_buffer *out, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;

    cli_buffer_reserve(out, (size + 2) / 3 * 4);
    for (; size >= 3; size -= 3, at += 3) {
        const uint32_t group = (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2];

        for (int shift = 18; shift >= 0; shift -= 6) {
            cli_buffer_add_byte(out, base64_digits[group >> shift & 63]);
        }
    }
    if (size > 0) {
        const uint32_t group = (uint32_t)at[0] << 16 | (size == 2 ? (uint32_t)at[1] << 8 : 0);

        cli_buffer_add_byte(out, base64_digits[group >> 18 & 63]);
        cli_buffer_add_byte(out, base64_digits[group >> 12 & 63]);
        cli_buffer_add_byte(out, size == 2 ? base64_digits[group >> 6 & 63] : '=');
        cli_buffer_add_byte(out, '=');
    }
}

static int base64_value(char digit)
{
    return digit >= 'A' && digit <= 'Z'   ? digit - 'A'
           : digit >= 'a' && digit <= 'z' ? digit - 'a' + 26
           : digit >= '0' && digit <= '9' ? digit - '0' + 52
           : digit == '+'                 ? 62
           : digit == '/'                 ? 63
                                          : -1;
}

bool cli_base64_decode(cli_buffer *out, const char *text, size_t size)
{
    if (size % 4 != 0) {
        return false;
    }
    for (size_t at = 0; at < size; at += 4) {
        const bool is_last = at + 4 == size;
        const size_t padding = !is_last ? 0 : text[at + 2] == '=' ? 2 : text[at + 3] == '=' ? 1 : 0;
        uint32_t group = 0;

        for (size_t i = 0; i < 4; i++) {
            const int value =
                i >= 4 - padding ? (text[at + i] == '=' ? 0 : -1) : base64_value(text[at + i]);

            if (value < 0) {
                return false;
            }
            group = group << 6 | (uint32_t)value;
        }
        if ((padding == 1 && (group & 0xff) != 0) || (padding == 2 && (group & 0xffff) != 0)) {
            return false;
        }
        for (size_t i = 0; i < 3 - padding; i++) {
            cli_buffer_add_byte(out, (char)(group >> (16 - 8 * i)));
        }
    }
    return true;
}

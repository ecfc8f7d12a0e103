/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 on a terminal: decoding, width, escaping and cutting, see text.h. */
#include "text.h"

#include <string.h>

const char *cli_ellipsis = "\xe2\x80\xa6";
size_t cli_ellipsis_width = 1;

/* ---- Decoding */

static bool is_continuation(const char *at, const char *end)
{
    return at < end && ((unsigned char)*at & 0xc0) == 0x80;
}

size_t cli_utf8_next(const char *at, const char *end, int32_t *ret_code)
{
    static const uint32_t smallest[5] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char first = (unsigned char)*at;
    const size_t size = first < 0x80                    ? 1
                        : first >= 0xc2 && first < 0xe0 ? 2
                        : first >= 0xe0 && first < 0xf0 ? 3
                        : first >= 0xf0 && first < 0xf5 ? 4
                                                        : 0;
    uint32_t code = size < 2 ? first : first & (0xffu >> (size + 1));

    *ret_code = -1;
    if (size == 0) {
        return 1;
    }
    for (size_t i = 1; i < size; i++) {
        if (!is_continuation(at + i, end)) {
            return 1;
        }
        code = code << 6 | ((unsigned char)at[i] & 0x3fu);
    }
    if (code < smallest[size] || (code >= 0xd800 && code < 0xe000) || code > 0x10ffff) {
        return 1;
    }
    *ret_code = (int32_t)code;
    return size;
}

bool cli_utf8_is_valid(const char *text, size_t size)
{
    const char *end = size > 0 ? text + size : text;
    int32_t code;

    for (const char *at = text; at < end;) {
        at += cli_utf8_next(at, end, &code);
        if (code < 0) {
            return false;
        }
    }
    return true;
}

void cli_utf8_add(cli_buffer *out, uint32_t code)
{
    if (code < 0x80) {
        cli_buffer_add_byte(out, (char)code);
    } else if (code < 0x800) {
        cli_buffer_add_byte(out, (char)(0xc0 | code >> 6));
        cli_buffer_add_byte(out, (char)(0x80 | (code & 0x3f)));
    } else if (code < 0x10000) {
        cli_buffer_add_byte(out, (char)(0xe0 | code >> 12));
        cli_buffer_add_byte(out, (char)(0x80 | (code >> 6 & 0x3f)));
        cli_buffer_add_byte(out, (char)(0x80 | (code & 0x3f)));
    } else {
        cli_buffer_add_byte(out, (char)(0xf0 | code >> 18));
        cli_buffer_add_byte(out, (char)(0x80 | (code >> 12 & 0x3f)));
        cli_buffer_add_byte(out, (char)(0x80 | (code >> 6 & 0x3f)));
        cli_buffer_add_byte(out, (char)(0x80 | (code & 0x3f)));
    }
}

/* ---- Width */

typedef struct code_range {
    uint32_t first;
    uint32_t last;
} code_range;

/* Marks that are drawn over the character before them, and characters that show nothing. */
static const code_range zero_width[] = {
    {0x0300, 0x036f}, {0x0483, 0x0489},   {0x0591, 0x05bd},   {0x05bf, 0x05bf}, {0x05c1, 0x05c2},
    {0x05c4, 0x05c5}, {0x0610, 0x061a},   {0x064b, 0x065f},   {0x0670, 0x0670}, {0x06d6, 0x06dc},
    {0x06df, 0x06e4}, {0x06e7, 0x06e8},   {0x06ea, 0x06ed},   {0x0711, 0x0711}, {0x0730, 0x074a},
    {0x0900, 0x0902}, {0x093a, 0x093a},   {0x093c, 0x093c},   {0x0941, 0x0948}, {0x094d, 0x094d},
    {0x0e31, 0x0e31}, {0x0e34, 0x0e3a},   {0x0e47, 0x0e4e},   {0x0eb1, 0x0eb1}, {0x0eb4, 0x0ebc},
    {0x1160, 0x11ff}, {0x1ab0, 0x1aff},   {0x1dc0, 0x1dff},   {0x200b, 0x200f}, {0x2060, 0x2064},
    {0x20d0, 0x20ff}, {0x302a, 0x302d},   {0x3099, 0x309a},   {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f},
    {0xfeff, 0xfeff}, {0x1f3fb, 0x1f3ff}, {0xe0100, 0xe01ef},
};

/* What East Asian terminals and emoji fonts draw two columns wide. */
static const code_range double_width[] = {
    {0x1100, 0x115f},   {0x231a, 0x231b},   {0x2329, 0x232a},   {0x23e9, 0x23ec},
    {0x23f0, 0x23f0},   {0x23f3, 0x23f3},   {0x25fd, 0x25fe},   {0x2614, 0x2615},
    {0x2648, 0x2653},   {0x267f, 0x267f},   {0x2693, 0x2693},   {0x26a1, 0x26a1},
    {0x26aa, 0x26ab},   {0x26bd, 0x26be},   {0x26c4, 0x26c5},   {0x26ce, 0x26ce},
    {0x26d4, 0x26d4},   {0x26ea, 0x26ea},   {0x26f2, 0x26f3},   {0x26f5, 0x26f5},
    {0x26fa, 0x26fa},   {0x26fd, 0x26fd},   {0x2705, 0x2705},   {0x270a, 0x270b},
    {0x2728, 0x2728},   {0x274c, 0x274c},   {0x274e, 0x274e},   {0x2753, 0x2755},
    {0x2757, 0x2757},   {0x2795, 0x2797},   {0x27b0, 0x27b0},   {0x27bf, 0x27bf},
    {0x2b1b, 0x2b1c},   {0x2b50, 0x2b50},   {0x2b55, 0x2b55},   {0x2e80, 0x303e},
    {0x3041, 0x33ff},   {0x3400, 0x4dbf},   {0x4e00, 0x9fff},   {0xa000, 0xa4cf},
    {0xa960, 0xa97f},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe10, 0xfe19},
    {0xfe30, 0xfe6f},   {0xff01, 0xff60},   {0xffe0, 0xffe6},   {0x16fe0, 0x18cff},
    {0x1aff0, 0x1b2ff}, {0x1f004, 0x1f004}, {0x1f0cf, 0x1f0cf}, {0x1f18e, 0x1f18e},
    {0x1f191, 0x1f19a}, {0x1f200, 0x1f320}, {0x1f32d, 0x1f335}, {0x1f337, 0x1f37c},
    {0x1f37e, 0x1f393}, {0x1f3a0, 0x1f3ca}, {0x1f3cf, 0x1f3d3}, {0x1f3e0, 0x1f3f0},
    {0x1f3f4, 0x1f3f4}, {0x1f3f8, 0x1f3fa}, {0x1f400, 0x1f43e}, {0x1f440, 0x1f440},
    {0x1f442, 0x1f4fc}, {0x1f4ff, 0x1f53d}, {0x1f54b, 0x1f54e}, {0x1f550, 0x1f567},
    {0x1f57a, 0x1f57a}, {0x1f595, 0x1f596}, {0x1f5a4, 0x1f5a4}, {0x1f5fb, 0x1f64f},
    {0x1f680, 0x1f6c5}, {0x1f6cc, 0x1f6cc}, {0x1f6d0, 0x1f6d2}, {0x1f6d5, 0x1f6df},
    {0x1f6eb, 0x1f6ec}, {0x1f6f4, 0x1f6fc}, {0x1f7e0, 0x1f7eb}, {0x1f90c, 0x1f93a},
    {0x1f93c, 0x1f945}, {0x1f947, 0x1f9ff}, {0x1fa70, 0x1faff}, {0x20000, 0x3fffd},
};

static bool is_in(uint32_t code, const code_range *ranges, size_t count)
{
    size_t low = 0;
    size_t high = count;

    while (low < high) {
        const size_t middle = (low + high) / 2;

        if (code > ranges[middle].last) {
            low = middle + 1;
        } else if (code < ranges[middle].first) {
            high = middle;
        } else {
            return true;
        }
    }
    return false;
}

int cli_char_width(uint32_t code)
{
    if (code < 0x300) {
        return 1;
    }
    if (is_in(code, zero_width, sizeof zero_width / sizeof zero_width[0])) {
        return 0;
    }
    return is_in(code, double_width, sizeof double_width / sizeof double_width[0]) ? 2 : 1;
}

size_t cli_text_width(const char *text, size_t size)
{
    const char *end = size > 0 ? text + size : text;
    size_t width = 0;
    int32_t code;

    for (const char *at = text; at < end;) {
        at += cli_utf8_next(at, end, &code);
        width += code < 0 ? 1 : (size_t)cli_char_width((uint32_t)code);
    }
    return width;
}

/* ---- Escaping */

/* C0, DEL, C1, line and paragraph separators, and everything that changes the direction of writing
 * or joins lines to something that they are not. */
bool cli_char_is_unsafe(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x061c ||
           (code >= 0x200e && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069) || code == 0xfeff ||
           (code >= 0xe0000 && code <= 0xe007f);
}

static void add_escape(cli_buffer *out, uint32_t code)
{
    switch (code) {
    case '\n':
        cli_buffer_add_text(out, "\\n");
        break;
    case '\r':
        cli_buffer_add_text(out, "\\r");
        break;
    case '\t':
        cli_buffer_add_text(out, "\\t");
        break;
    default:
        cli_buffer_format(out, code < 0x100 ? "\\x%02x" : "\\u%04x", (unsigned)code);
        break;
    }
}

/* How many bytes of printable ASCII stand here: most text is nothing else. */
static size_t plain_run(const char *at, const char *end)
{
    const char *start = at;

    while (at < end && *at >= 0x20 && *at < 0x7f) {
        at++;
    }
    return (size_t)(at - start);
}

void cli_add_printable(cli_buffer *out, const char *text, size_t size)
{
    const char *end = size > 0 ? text + size : text;
    int32_t code;

    for (const char *at = text; at < end;) {
        const size_t plain = plain_run(at, end);
        size_t step;

        if (plain > 0) {
            cli_buffer_add(out, at, plain);
            at += plain;
            continue;
        }
        step = cli_utf8_next(at, end, &code);
        if (code < 0) {
            cli_buffer_format(out, "\\x%02x", (unsigned)(unsigned char)*at);
        } else if (cli_char_is_unsafe((uint32_t)code)) {
            add_escape(out, (uint32_t)code);
        } else {
            cli_buffer_add(out, at, step);
        }
        at += step;
    }
}

void cli_clip(cli_buffer *out, size_t start, size_t columns)
{
    const char *end = out->data + out->size;
    const size_t room = columns > cli_ellipsis_width ? columns - cli_ellipsis_width : 0;
    size_t fits = start; /* how much stays if it must be cut */
    size_t width = 0;
    int32_t code;

    for (const char *at = out->data + start; at < end;) {
        const size_t step = cli_utf8_next(at, end, &code);

        width += code < 0 ? 1 : (size_t)cli_char_width((uint32_t)code);
        if (width > columns) {
            out->size = fits;
            cli_buffer_add_text(out, cli_ellipsis);
            return;
        }
        at += step;
        if (width <= room) {
            fits = (size_t)(at - out->data);
        }
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing views of text, and UTF-8. */
#include "text.h"

#include "bytes.h"

int stele__text_compare(stele_text a, stele_text b)
{
    const size_t common = a.size < b.size ? a.size : b.size;
    const int order = common ? memcmp(a.data, b.data, common) : 0;

    if (order != 0) {
        return order;
    }
    return a.size < b.size ? -1 : a.size > b.size;
}

/* The size of the well-formed sequence of two to four bytes at `at`, or 0. The bounds of the second
 * byte are those of the table in RFC 3629, section 4: they keep out overlong forms, surrogates and
 * what lies above U+10FFFF. */
static size_t sequence_size(const uint8_t *at, size_t size)
{
    const uint8_t first = at[0];
    uint8_t low = 0x80;
    uint8_t high = 0xbf;
    size_t count;

    if (first >= 0xc2 && first <= 0xdf) {
        count = 2;
    } else if (first >= 0xe0 && first <= 0xef) {
        count = 3;
        low = first == 0xe0 ? 0xa0 : 0x80;
        high = first == 0xed ? 0x9f : 0xbf;
    } else if (first >= 0xf0 && first <= 0xf4) {
        count = 4;
        low = first == 0xf0 ? 0x90 : 0x80;
        high = first == 0xf4 ? 0x8f : 0xbf;
    } else {
        return 0;
    }
    if (size < count || at[1] < low || at[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < count; i++) {
        if (at[i] < 0x80 || at[i] > 0xbf) {
            return 0;
        }
    }
    return count;
}

size_t stele__text_utf8_size(const char *at, const char *end)
{
    return at >= end             ? 0
           : (uint8_t)*at < 0x80 ? 1
                                 : sequence_size((const uint8_t *)at, (size_t)(end - at));
}

bool stele__text_is_utf8(stele_text text)
{
    const uint8_t *at = (const uint8_t *)text.data;
    size_t left = text.size;

    while (left > 0) {
        size_t count = 1;
        if (left >= 8 && (stele__load64(at) & UINT64_C(0x8080808080808080)) == 0) {
            count = 8;
        } else if (*at >= 0x80) {
            count = sequence_size(at, left);
            if (count == 0) {
                return false;
            }
        }
        at += count;
        left -= count;
    }
    return true;
}

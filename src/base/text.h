/* SPDX-License-Identifier: Apache-2.0 */
/* Views of text: comparing, checking UTF-8. */
#ifndef STELE_BASE_TEXT_H
#define STELE_BASE_TEXT_H

#include <stele/types.h>

#include <stdbool.h>
#include <string.h>

static inline stele_text stele__text(const char *terminated)
{
    stele_text text = {terminated, terminated ? strlen(terminated) : 0};
    return text;
}

static inline bool stele__text_equal(stele_text a, stele_text b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool stele__text_has_prefix(stele_text text, stele_text prefix)
{
    return text.size >= prefix.size &&
           (prefix.size == 0 || memcmp(text.data, prefix.data, prefix.size) == 0);
}

/* Bytewise order, as memcmp; the shorter of two with a common beginning comes first. */
int stele__text_compare(stele_text a, stele_text b);

/* Well-formed UTF-8 by RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. NUL is
 * allowed here. */
bool stele__text_is_utf8(stele_text text);
/* The bytes of the character at `at`; 0: there is none, by the same rule. */
size_t stele__text_utf8_size(const char *at, const char *end);

#endif

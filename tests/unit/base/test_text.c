/* SPDX-License-Identifier: Apache-2.0 */
/* Views of text and UTF-8. */
#include "base/base.h"
#include "support/test.h"

typedef struct utf8_case {
    const char *bytes;
    size_t size;
    bool is_utf8;
} utf8_case;

#define CASE(literal, answer)                                                                      \
    {                                                                                              \
        literal, sizeof(literal) - 1, answer                                                       \
    }

static const utf8_case cases[] = {
    CASE("", true),
    CASE("plain text that is longer than eight bytes", true),
    CASE("a\0b", true),
    CASE("\x7f", true),
    CASE("\xc2\x80", true),
    CASE("\xdf\xbf", true),
    CASE("\xe0\xa0\x80", true),
    CASE("\xed\x9f\xbf", true),
    CASE("\xee\x80\x80", true),
    CASE("\xef\xbf\xbf", true),
    CASE("\xf0\x90\x80\x80", true),
    CASE("\xf4\x8f\xbf\xbf", true),
    CASE("Stra\xc3\x9f"
         "e, \xe6\xbc\xa2\xe5\xad\x97, \xf0\x9f\x90\x98",
         true),
    CASE("\x80", false),
    CASE("\xbf", false),
    CASE("\xc0\x80", false), /* overlong NUL */
    CASE("\xc1\xbf", false), /* overlong */
    CASE("\xc2", false),     /* cut */
    CASE("\xc2\x41", false),
    CASE("\xc2\xc2", false),
    CASE("\xe0\x9f\xbf", false), /* overlong */
    CASE("\xe0\xa0", false),     /* cut */
    CASE("\xe0\xa0\x41", false),
    CASE("\xed\xa0\x80", false),     /* first surrogate */
    CASE("\xed\xbf\xbf", false),     /* last surrogate */
    CASE("\xf0\x8f\xbf\xbf", false), /* overlong */
    CASE("\xf0\x90\x80", false),     /* cut */
    CASE("\xf0\x90\x80\x41", false),
    CASE("\xf4\x90\x80\x80", false), /* U+110000 */
    CASE("\xf5\x80\x80\x80", false),
    CASE("\xfe", false),
    CASE("\xff", false),
    CASE("12345678\xff", false),
    CASE("1234567\xff"
         "12345678",
         false),
};

TEST_ROWS(utf8_is_what_rfc_3629_says, cases)
{
    const stele_text text = {cases[row].bytes, cases[row].size};

    expect_int(stele__text_is_utf8(text), cases[row].is_utf8);
}

TEST(every_character_is_utf8_and_every_surrogate_is_not)
{
    for (uint32_t c = 0x80; c <= 0x10ffff; c++) {
        char bytes[4];
        stele_text text = {bytes, 0};
        if (c < 0x800) {
            bytes[text.size++] = (char)(0xc0 | c >> 6);
        } else {
            if (c < 0x10000) {
                bytes[text.size++] = (char)(0xe0 | c >> 12);
            } else {
                bytes[text.size++] = (char)(0xf0 | c >> 18);
                bytes[text.size++] = (char)(0x80 | (c >> 12 & 0x3f));
            }
            bytes[text.size++] = (char)(0x80 | (c >> 6 & 0x3f));
        }
        bytes[text.size++] = (char)(0x80 | (c & 0x3f));
        if (stele__text_is_utf8(text) != (c < 0xd800 || c > 0xdfff)) {
            test_fail("U+%04X", (unsigned)c);
        }
    }
}

TEST(the_order_is_bytewise)
{
    expect_true(stele__text_compare(stele__text("a"), stele__text("b")) < 0);
    expect_true(stele__text_compare(stele__text("b"), stele__text("a")) > 0);
    expect_true(stele__text_compare(stele__text("a"), stele__text("a")) == 0);
    expect_true(stele__text_compare(stele__text("a"), stele__text("ab")) < 0);
    expect_true(stele__text_compare(stele__text("ab"), stele__text("a")) > 0);
    expect_true(stele__text_compare(stele__text(""), stele__text("a")) < 0);
    expect_true(stele__text_compare(stele__text(NULL), stele__text("")) == 0);
    expect_true(stele__text_compare(stele__text("\xff"), stele__text("a")) > 0);
}

TEST(equality_and_prefixes_go_by_bytes)
{
    expect_true(stele__text_equal(stele__text("abc"), stele__text("abc")));
    expect_false(stele__text_equal(stele__text("abc"), stele__text("abd")));
    expect_false(stele__text_equal(stele__text("abc"), stele__text("ab")));
    expect_true(stele__text_equal(stele__text(NULL), stele__text("")));
    expect_true(stele__text_has_prefix(stele__text("abc"), stele__text("ab")));
    expect_true(stele__text_has_prefix(stele__text("abc"), stele__text("")));
    expect_true(stele__text_has_prefix(stele__text("abc"), stele__text(NULL)));
    expect_false(stele__text_has_prefix(stele__text("abc"), stele__text("abcd")));
    expect_false(stele__text_has_prefix(stele__text("abc"), stele__text("b")));
}

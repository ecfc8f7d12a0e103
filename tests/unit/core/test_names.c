/* SPDX-License-Identifier: Apache-2.0 */
/* What names say: categories and metadata streams; and expectations in words. */
#include "core/core.h"
#include "support/test.h"

typedef struct category_row {
    const char *stream;
    const char *category;
} category_row;

static const category_row categories[] = {
    {"account-1", "account"},
    {"account-", "account"},
    {"package-lib-x:amd64", "package"},
    {"a-b-c", "a"},
    {"account--1", "account"},
    {"Ünïcode-1", "Ünïcode"},
    {" -1", " "},
    {"account", ""},
    {"account_1", ""},
    {"-1", ""},
    {"-", ""},
    {"--", ""},
    {"$account-1", ""},
    {"$$account-1", ""},
    {"$", ""},
};

TEST_ROWS(a_category_is_what_stands_before_the_first_dash, categories)
{
    expect_text(stele_category(stele__text(categories[row].stream)), categories[row].category);
}

TEST(a_category_ends_where_the_name_does)
{
    const stele_text cut = {"account-1", 7};
    expect_uint(stele_category(cut).size, 0);
    const stele_text with_dash = {"account-1", 8};
    expect_text(stele_category(with_dash), "account");
    const stele_text empty = {NULL, 0};
    expect_uint(stele_category(empty).size, 0);
}

typedef struct metastream_row {
    const char *stream;
    bool is_one;
} metastream_row;

static const metastream_row metastreams[] = {
    {"$$a", true}, {"$$$a", true}, {"$$$$a", true}, {"$$", false},
    {"$", false},  {"", false},    {"$a", false},   {"a$$", false},
};

TEST_ROWS(a_metadata_stream_begins_with_two_dollars_and_goes_on, metastreams)
{
    expect_int(stele__core_is_metastream(stele__text(metastreams[row].stream)),
               metastreams[row].is_one);
}

typedef struct words_row {
    stele_expected expected;
    const char *words;
} words_row;

static const words_row words[] = {
    {STELE_NO_STREAM, "no stream"},
    {STELE_ANY, "any"},
    {STELE_EXISTS, "an existing stream"},
    {STELE_IS_DELETED, "a deleted stream"},
    {STELE_IS_TOMBSTONED, "a tombstoned stream"},
    {0, "revision 0"},
    {12, "revision 12"},
    {INT64_MAX, "revision 9223372036854775807"},
};

TEST_ROWS(expectations_are_told_in_words, words)
{
    char text[64];
    stele__core_describe_expected(words[row].expected, text, sizeof text);
    expect_text((const char *)text, words[row].words);
    char small[6];
    stele__core_describe_expected(words[row].expected, small, sizeof small);
    expect_true(strlen(small) < sizeof small && memcmp(small, text, strlen(small)) == 0);
}

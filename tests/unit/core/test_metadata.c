/* SPDX-License-Identifier: Apache-2.0 */
/* Stream metadata: what is read of good JSON, of odd JSON and of what is none; and the rewriting.
 */
#include "core/core.h"
#include "support/test.h"

#include <stdio.h>

#define TRUNCATE_ALL "9223372036854775807"

typedef struct metadata_row {
    const char *json;
    const char *text; /* "tb=… count=… age=…", or "no object" */
} metadata_row;

static const metadata_row rows[] = {
    /* What the settings are. */
    {"{}", "tb=- count=0 age=0"},
    {"{\"$tb\":5}", "tb=5 count=0 age=0"},
    {"{\"$tb\":0}", "tb=0 count=0 age=0"},
    {"{\"$maxCount\":10,\"$maxAge\":60,\"$tb\":3}", "tb=3 count=10 age=60"},
    {"{\"$tb\":" TRUNCATE_ALL "}", "tb=" TRUNCATE_ALL " count=0 age=0"},
    {" \t\r\n{ \"$tb\" : 7 }\n ", "tb=7 count=0 age=0"},
    {"{\"owner\":\"x\",\"$acl\":{\"$r\":[\"a\",\"b\"]},\"$maxCount\":2}", "tb=- count=2 age=0"},
    {"{\"\\u0024tb\":4}", "tb=4 count=0 age=0"},
    /* Values that are none count as absent. */
    {"{\"$tb\":-1}", "tb=- count=0 age=0"},
    {"{\"$tb\":1.5}", "tb=- count=0 age=0"},
    {"{\"$tb\":1e3}", "tb=- count=0 age=0"},
    {"{\"$tb\":\"5\"}", "tb=- count=0 age=0"},
    {"{\"$tb\":null,\"$maxCount\":true,\"$maxAge\":[1]}", "tb=- count=0 age=0"},
    {"{\"$maxCount\":-9223372036854775808}", "tb=- count=0 age=0"},
    {"{\"inner\":{\"$tb\":5}}", "tb=- count=0 age=0"},
    {"{\"$TB\":5,\"$maxcount\":5,\"tb\":5}", "tb=- count=0 age=0"},
    /* Not one object and nothing else. */
    {"", "no object"},
    {" ", "no object"},
    {"null", "no object"},
    {"5", "no object"},
    {"\"{}\"", "no object"},
    {"[]", "no object"},
    {"[{\"$tb\":5}]", "no object"},
    {"{", "no object"},
    {"{}}", "no object"},
    {"{}{}", "no object"},
    {"{} x", "no object"},
    {"{\"$tb\":5", "no object"},
    {"{\"$tb\":}", "no object"},
    {"{$tb:5}", "no object"},
    {"{'$tb':5}", "no object"},
    {"{\"$tb\":5,}", "no object"},
    {"{\"$tb\":05}", "no object"},
    {"{\"$tb\":+5}", "no object"},
    {"{\"$tb\":0x5}", "no object"},
    {"{\"$tb\":NaN}", "no object"},
    {"/* */{}", "no object"},
    {"\xef\xbb\xbf{}", "no object"},
    /* Twice the same key: the last one counts. */
    {"{\"$tb\":1,\"$tb\":2}", "tb=2 count=0 age=0"},
    {"{\"$tb\":1,\"\\u0024tb\":\"x\"}", "tb=- count=0 age=0"},
    {"{\"a\":{\"b\":1,\"b\":1}}", "tb=- count=0 age=0"},
    /* More than 63 bits, and other numbers that are none of ours. */
    {"{\"$tb\":9223372036854775808}", "tb=- count=0 age=0"},
    {"{\"$maxAge\":99999999999999999999999999}", "tb=- count=0 age=0"},
    {"{\"a\":1e400,\"b\":18446744073709551615,\"$maxCount\":3}", "tb=- count=3 age=0"},
    {"{\"x\\u0000\":1,\"$tb\\u0000\":1,\"$tb\":6}", "tb=6 count=0 age=0"},
    {"{\"\":1,\"$\":2,\"$tbx\":3,\"$tb\":4}", "tb=4 count=0 age=0"},
    /* Text that is not UTF-8. */
    {"{\"a\":\"\xff\"}", "no object"},
    {"{\"a\":\"\xc3\"}", "no object"},
    {"{\"a\":\"\xed\xa0\x80\"}", "no object"},
    {"{\"\xc0\x80\":1}", "no object"},
    {"{\"a\":\"\\ud800\"}", "tb=- count=0 age=0"}, /* escapes are not looked into */
    {"{\"a\":\"line\nbreak\"}", "no object"},
};

static const char *text_of(const uint8_t *json, size_t size)
{
    stele__core_metadata metadata;
    char *text = test_memory(100);
    char tb[24] = "-";
    if (!stele__core_metadata_parse(json, size, &metadata)) {
        /* It counts as an empty object. */
        expect_false(metadata.has_truncate_before);
        expect_uint(metadata.truncate_before, 0);
        expect_uint(metadata.max_count, 0);
        expect_int(metadata.max_age_seconds, 0);
        return "no object";
    }
    if (metadata.has_truncate_before) {
        (void)snprintf(tb, sizeof tb, "%llu", (unsigned long long)metadata.truncate_before);
    }
    (void)snprintf(text, 100, "tb=%s count=%llu age=%lld", tb,
                   (unsigned long long)metadata.max_count, (long long)metadata.max_age_seconds);
    return text;
}

static const char *text_of_string(const char *json)
{
    return text_of((const uint8_t *)json, strlen(json));
}

TEST_ROWS(settings_are_read_as_the_table_says, rows)
{
    test_note("%s", rows[row].json);
    expect_text(text_of_string(rows[row].json), rows[row].text);
}

TEST(metadata_of_no_bytes_at_all_is_no_object)
{
    expect_text(text_of(NULL, 0), "no object");
}

TEST(bytes_behind_the_given_size_are_not_looked_at)
{
    expect_text(text_of((const uint8_t *)"{\"$tb\":12}", 8), "no object");
    expect_text(text_of((const uint8_t *)"{\"$tb\":5}garbage", 9), "tb=5 count=0 age=0");
}

TEST(a_nul_in_the_json_ends_nothing)
{
    static const char inside[] = "{\"a\":\"x\\u0000y\",\"$tb\":5}";
    static const char behind[] = "{\"$tb\":5}\0{}";
    expect_text(text_of((const uint8_t *)inside, sizeof inside - 1), "tb=5 count=0 age=0");
    expect_text(text_of((const uint8_t *)behind, sizeof behind - 1), "no object");
}

TEST(json_that_is_nested_without_end_is_refused_and_not_followed)
{
    enum { DEPTH = 1 << 20 };
    char *json = test_memory(DEPTH);
    memset(json, '[', DEPTH);
    expect_text(text_of((const uint8_t *)json, DEPTH), "no object");
    for (size_t i = 0; i + 5 <= DEPTH; i += 5) {
        memcpy(json + i, "{\"a\":", 5);
    }
    expect_text(text_of((const uint8_t *)json, DEPTH / 5 * 5), "no object");
}

TEST(every_beginning_of_an_object_is_refused)
{
    static const char json[] =
        "{\"$tb\":5,\"$acl\":{\"$r\":[\"a\",\"\\u00e9\"],\"x\":[1.5,-2e3,true,null]},"
        "\"$maxCount\":7}";
    for (size_t size = 0; size < sizeof json - 1; size++) {
        expect_text(text_of((const uint8_t *)json, size), "no object");
    }
    expect_text(text_of((const uint8_t *)json, sizeof json - 1), "tb=5 count=7 age=0");
}

TEST(random_changes_of_good_json_never_confuse_the_parser)
{
    static const char json[] =
        "{\"$tb\":5,\"$acl\":{\"$r\":[\"a\",\"b\"]},\"$maxCount\":7,\"$maxAge\":3}";
    stele__prng prng;
    stele__prng_seed(&prng, test_seed());
    for (uint64_t i = 0; i < test_scaled(20000); i++) {
        char changed[sizeof json];
        stele__core_metadata metadata;
        memcpy(changed, json, sizeof json);
        for (uint64_t n = 1 + stele__prng_below(&prng, 3); n > 0; n--) {
            changed[stele__prng_below(&prng, sizeof json - 1)] = (char)stele__prng_next(&prng);
        }
        (void)stele__core_metadata_parse((const uint8_t *)changed, sizeof json - 1, &metadata);
        expect_true(metadata.max_age_seconds >= 0 && metadata.max_count <= INT64_MAX &&
                    metadata.truncate_before <= INT64_MAX);
        expect_true(metadata.has_truncate_before || metadata.truncate_before == 0);
    }
}

/* ---- rewriting */

typedef struct truncate_row {
    const char *json;
    uint64_t truncate_before;
    const char *result;
} truncate_row;

static const truncate_row truncations[] = {
    {"", 3, "{\"$tb\":3}"},
    {"nonsense", 3, "{\"$tb\":3}"},
    {"[1]", 3, "{\"$tb\":3}"},
    {"{\"$tb\":1,\"$tb\":2}", 3, "{\"$tb\":3}"},
    {"{}", 0, "{\"$tb\":0}"},
    {"{\"$tb\":" TRUNCATE_ALL "}", 12, "{\"$tb\":12}"},
    {"{\"$tb\":\"text\"}", 12, "{\"$tb\":12}"},
    {"{ \"$maxCount\" : 5 , \"$tb\" : 9 }", 4, "{\"$maxCount\":5,\"$tb\":4}"},
    {"{ \"$tb\" : 9 , \"a\" : [ 1 ] , \"$tb\" : 2 }", 4, "{\"a\":[ 1 ],\"$tb\":4}"},
    {"{\"n\":12345678901234567890.5,\"m\":0.1234567890123456789,\"a\":1,\"a\":2}", 4,
     "{\"n\":12345678901234567890.5,\"m\":0.1234567890123456789,\"a\":1,\"a\":2,\"$tb\":4}"},
    {"{\"a\":{\"$tb\":1},\"b\":[1,2.5,\"x\",null]}", 4,
     "{\"a\":{\"$tb\":1},\"b\":[1,2.5,\"x\",null],\"$tb\":4}"},
    {"{\"a\":\"\\u0000\\u00e9\\\"\"}", 1, "{\"a\":\"\\u0000\\u00e9\\\"\",\"$tb\":1}"},
    {"{\"big\":9223372036854775807}", INT64_MAX,
     "{\"big\":9223372036854775807,\"$tb\":" TRUNCATE_ALL "}"},
};

TEST_ROWS(truncating_sets_one_key_and_keeps_the_others, truncations)
{
    const truncate_row *truncation = &truncations[row];
    test_alloc alloc;
    stele_error error;
    test_alloc_init(&alloc);
    stele__buffer buffer = {.alloc = &alloc.alloc};
    expect_ok(stele__core_metadata_truncate((const uint8_t *)truncation->json,
                                            strlen(truncation->json), truncation->truncate_before,
                                            &buffer, &error),
              &error);
    const stele_text result = {(const char *)buffer.data, buffer.size};
    expect_text(result, truncation->result);
    stele__core_metadata metadata;
    expect_true(stele__core_metadata_parse(buffer.data, buffer.size, &metadata));
    expect_uint(metadata.truncate_before, truncation->truncate_before);
    stele__buffer_done(&buffer);
    expect_no_leak(&alloc);
}

TEST(truncating_appends_to_what_is_in_the_buffer)
{
    stele__buffer buffer = {.alloc = stele_alloc_default()};
    stele_error error;
    expect_true(stele__buffer_append(&buffer, "before ", 7));
    expect_ok(stele__core_metadata_truncate((const uint8_t *)"{}", 2, 1, &buffer, &error), &error);
    expect_text(((stele_text){(const char *)buffer.data, buffer.size}), "before {\"$tb\":1}");
    stele__buffer_done(&buffer);
}

TEST(truncating_without_memory_says_so)
{
    test_alloc alloc;
    stele_error error;
    test_alloc_init(&alloc);
    test_alloc_fail(&alloc, 1, TEST_ALLOC_FROM);
    stele__buffer buffer = {.alloc = &alloc.alloc};
    expect_error(stele__core_metadata_truncate((const uint8_t *)"{}", 2, 1, &buffer, &error),
                 &error, STELE_NO_MEMORY);
    stele__buffer_done(&buffer);
    expect_no_leak(&alloc);
}

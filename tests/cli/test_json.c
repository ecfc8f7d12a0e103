/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON scanner: what is JSON, what is not and where, and that nothing is changed on the way. */
#include "cli/json.h"
#include "cli/text.h"

#include "support/test.h"

#include <string.h>

static const char *taken(cli_buffer *buffer)
{
    char *copy = test_memory(buffer->size + 1);

    memcpy(copy, cli_buffer_text(buffer), buffer->size);
    cli_buffer_done(buffer);
    return copy;
}

/* ---- What is JSON */

static const char *const good[] = {
    "null",
    "true",
    "false",
    "0",
    "-0",
    "12",
    "-1.5",
    "1e10",
    "1E+10",
    "1.5e-3",
    "\"\"",
    "\"a\"",
    "[]",
    "{}",
    " [ ] ",
    "[1,2,[3,{\"a\":[]}]]",
    "{\"a\":1,\"b\":{\"c\":[null]}}",
    "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"",
    "\"\\ud83d\\ude42\"",
    "\"caf\xc3\xa9\"",
    "{\"a\":1,\"a\":2}",
    "1e999999",
    "123456789012345678901234567890",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "\t{\"a\" : [ 1 , 2 ] }\r\n",
    "{\"\":0}",
};

TEST_ROWS(json_is_recognised, good)
{
    expect_true(stele__json_is_valid(good[row], strlen(good[row])));
}

static const struct {
    const char *text;
    size_t at;
    const char *message;
} bad[] = {
    {"", 0, "the text ends where a value is expected"},
    {"  ", 2, "the text ends where a value is expected"},
    {"nul", 0, "a value is expected"},
    {"True", 0, "a value is expected"},
    {"nan", 0, "a value is expected"},
    {"01", 0, "a number cannot begin with 0"},
    {"-", 1, "a digit is expected"},
    {"+1", 0, "a value is expected"},
    {".5", 0, "a value is expected"},
    {"1.", 2, "a digit is expected"},
    {"1e", 2, "a digit is expected"},
    {"1 2", 2, "nothing is expected here any more"},
    {"{\"a\":1}}", 7, "nothing is expected here any more"},
    {"\"abc", 0, "this string does not end"},
    {"\"a\nb\"", 2, "a control character in a string must be escaped"},
    {"\"a\\x\"", 2, "there is no such escape in a string"},
    {"\"\\u12g4\"", 1, "\\u needs four hexadecimal digits"},
    {"\"\\u12", 1, "\\u needs four hexadecimal digits"},
    {"\"\xff\"", 1, "this is no UTF-8"},
    {"\"\xc0\xaf\"", 1, "this is no UTF-8"},
    {"\"\xed\xa0\x80\"", 1, "this is no UTF-8"},
    {"[1,]", 3, "a value is expected"},
    {"[,1]", 1, "a value is expected"},
    {"[1 2]", 3, "',' or ']' is expected"},
    {"[1", 2, "the text ends too early"},
    {"[1}", 2, "',' or ']' is expected"},
    {"{\"a\":1,}", 7, "the name of a member is expected, in double quotes"},
    {"{a:1}", 1, "the name of a member is expected, in double quotes"},
    {"{'a':1}", 1, "the name of a member is expected, in double quotes"},
    {"{\"a\" 1}", 5, "':' is expected"},
    {"{\"a\":}", 5, "a value is expected"},
    {"{\"a\":1]", 6, "',' or '}' is expected"},
    {"// no\n1", 0, "a value is expected"},
};

TEST_ROWS(what_is_no_json_is_found_where_it_stands, bad)
{
    stele__json_scanner scanner;
    stele__json_value value;

    stele__json_begin(&scanner, bad[row].text, strlen(bad[row].text));
    expect_false(stele__json_take(&scanner, &value) && stele__json_finish(&scanner));
    expect_text(scanner.message, bad[row].message);
    expect_uint(scanner.error_at, bad[row].at);
}

TEST(nul_is_no_json)
{
    expect_false(stele__json_is_valid("\0", 1));
    expect_false(stele__json_is_valid("1\0", 2));
    expect_false(stele__json_is_valid("\"a\0b\"", 5));
}

TEST(depth_is_bounded_without_recursion)
{
    const size_t hostile = 4 << 20;
    char *text = test_memory(hostile);

    memset(text, '[', STELE_JSON_DEPTH_MAX);
    memset(text + STELE_JSON_DEPTH_MAX, ']', STELE_JSON_DEPTH_MAX);
    expect_true(stele__json_is_valid(text, (size_t)2 * STELE_JSON_DEPTH_MAX));
    memset(text, '[', STELE_JSON_DEPTH_MAX + 1);
    memset(text + STELE_JSON_DEPTH_MAX + 1, ']', STELE_JSON_DEPTH_MAX + 1);
    expect_false(stele__json_is_valid(text, (size_t)2 * STELE_JSON_DEPTH_MAX + 2));
    memset(text, '[', hostile);
    expect_false(stele__json_is_valid(text, hostile));
    for (size_t i = 0; i + 5 <= hostile; i += 5) {
        memcpy(text + i, "{\"a\":", 5);
    }
    expect_false(stele__json_is_valid(text, hostile));
}

TEST(every_prefix_of_a_document_is_refused)
{
    static const char text[] = "{\"a\":[1,-2.5e3,\"x\\u00e9\\n\",true,null],\"b\":{\"c\":\"d\"}}";

    for (size_t size = 0; size < sizeof text - 1; size++) {
        char *cut = test_memory(size + 1); /* so that a sanitizer sees reads behind the end */

        memcpy(cut, text, size);
        expect_false(stele__json_is_valid(cut, size));
    }
    expect_true(stele__json_is_valid(text, sizeof text - 1));
}

/* ---- Strings */

static const struct {
    const char *json;
    const char *text; /* NULL: it cannot be decoded */
} strings[] = {
    {"\"plain\"", "plain"},
    {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
    {"\"\\u00e9\\u20AC\"", "\xc3\xa9\xe2\x82\xac"},
    {"\"\\ud83d\\ude42!\"", "\xf0\x9f\x99\x82!"},
    {"\"\\ud83d\"", NULL},
    {"\"\\ude42\"", NULL},
    {"\"\\ud83d\\n\"", NULL},
    {"\"\\ud83d\\u0041\"", NULL},
};

TEST_ROWS(a_string_is_decoded, strings)
{
    cli_buffer out = {0};
    stele__json_scanner scanner;
    stele__json_value value;

    stele__json_begin(&scanner, strings[row].json, strlen(strings[row].json));
    expect_true(stele__json_take(&scanner, &value));
    if (strings[row].text) {
        expect_true(cli_json_add_decoded(&out, &value));
        expect_text(taken(&out), strings[row].text);
    } else {
        expect_false(cli_json_add_decoded(&out, &value));
        cli_buffer_done(&out);
    }
}

TEST(a_string_is_encoded)
{
    cli_buffer out = {0};

    cli_json_add_string(&out, "a\"b\\c\n\t\x01\x7f\xc2\x9b\xc3\xa9\xff", 14);
    expect_text(taken(&out), "\"a\\\"b\\\\c\\n\\t\\u0001\\u007f\\u009b\xc3\xa9\xef\xbf\xbd\"");
}

TEST(an_encoded_string_is_decoded_to_itself)
{
    cli_buffer text = {0};
    cli_buffer json = {0};
    cli_buffer back = {0};
    stele__json_scanner scanner;
    stele__json_value value;

    for (uint32_t code = 1; code < 0x3000; code++) {
        cli_utf8_add(&text, code);
    }
    cli_json_add_string(&json, text.data, text.size);
    stele__json_begin(&scanner, json.data, json.size);
    expect_true(stele__json_take(&scanner, &value) && stele__json_finish(&scanner));
    expect_true(cli_json_add_decoded(&back, &value));
    expect_bytes(back.data, back.size, text.data, text.size);
    cli_buffer_done(&text);
    cli_buffer_done(&json);
    cli_buffer_done(&back);
}

/* ---- Layout */

TEST(one_line_stays_as_it_is)
{
    static const char text[] = "{\"a\": 1.0,  \"n\": 1e400, \"a\":[ ]}";
    cli_buffer out = {0};

    cli_json_add_line(&out, text, sizeof text - 1);
    expect_text(taken(&out), text);
}

TEST(several_lines_become_one)
{
    static const char text[] = "\n{\n  \"a b\": [1,\r\n 2],\n\t\"c\\n\\\"\": \"x  y\"\n}\n";
    cli_buffer out = {0};

    cli_json_add_line(&out, text, sizeof text - 1);
    expect_text(taken(&out), "{\"a b\":[1,2],\"c\\n\\\"\":\"x  y\"}");
}

TEST(pretty_json_is_indented)
{
    static const char text[] = "{\"a\":[1,2],\"b\":{},\"c\":[ ],\"d\":{\"e\":\"x,y:{z}\"}}";
    cli_buffer out = {0};

    cli_json_add_pretty(&out, text, sizeof text - 1, 2);
    expect_text(taken(&out), "{\n"
                             "    \"a\": [\n"
                             "      1,\n"
                             "      2\n"
                             "    ],\n"
                             "    \"b\": {},\n"
                             "    \"c\": [],\n"
                             "    \"d\": {\n"
                             "      \"e\": \"x,y:{z}\"\n"
                             "    }\n"
                             "  }");
}

TEST(pretty_json_is_safe_on_a_terminal)
{
    static const char text[] = "{\"a\":\"\xe2\x80\xae"
                               "evil\x7f\"}";
    cli_buffer out = {0};

    cli_json_add_pretty(&out, text, sizeof text - 1, 0);
    expect_text(taken(&out), "{\n  \"a\": \"\\u202eevil\\u007f\"\n}");
}

/* ---- Base64 */

static const struct {
    const char *bytes;
    const char *base64;
} base64s[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
    {"\xff\xfe\xfd", "//79"},
};

TEST_ROWS(base64_goes_both_ways, base64s)
{
    cli_buffer text = {0};
    cli_buffer bytes = {0};

    cli_base64_add(&text, base64s[row].bytes, strlen(base64s[row].bytes));
    expect_text(cli_buffer_text(&text), base64s[row].base64);
    expect_true(cli_base64_decode(&bytes, base64s[row].base64, strlen(base64s[row].base64)));
    expect_text(cli_buffer_text(&bytes), base64s[row].bytes);
    cli_buffer_done(&text);
    cli_buffer_done(&bytes);
}

static const char *const bad_base64s[] = {"Z",    "Zg",   "Zg=",  "Zg===", "Z===",     "====",
                                          "Zh==", "Zm9=", "Zm 9", "Zm-_",  "Zg==Zg==", "Zm9v\n"};

TEST_ROWS(bad_base64_is_refused, bad_base64s)
{
    cli_buffer bytes = {0};
    const bool is_good = cli_base64_decode(&bytes, bad_base64s[row], strlen(bad_base64s[row]));

    cli_buffer_done(&bytes);
    expect_false(is_good);
}

TEST(json_for_a_terminal_has_the_same_meaning)
{
    static const char text[] = "{\"a\":\t\"x\xe2\x80\xae\x7f\xc2\x9b\xf3\xa0\x80\x81\xc3\xa9\"}\n";
    cli_buffer out = {0};

    cli_json_add_safe(&out, text, sizeof text - 1);
    expect_text(taken(&out), "{\"a\": \"x\\u202e\\u007f\\u009b\\udb40\\udc01\xc3\xa9\"}\n");
}

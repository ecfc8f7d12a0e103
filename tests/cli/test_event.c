/* SPDX-License-Identifier: Apache-2.0 */
/* Events in files: our own form, CloudEvents 1.0, and what is hostile. */
#include "cli/cloud_write.h"
#include "cli/event_json.h"
#include "cli/record.h"

#include "support/test.h"

#include <inttypes.h>
#include <string.h>

static cli_arena arena;

static const char *taken(cli_buffer *buffer)
{
    char *copy = test_memory(buffer->size + 1);

    memcpy(copy, cli_buffer_text(buffer), buffer->size);
    cli_buffer_done(buffer);
    return copy;
}

static bool parse(const char *text, const cli_parse_rules *rules, cli_parsed_event *ret_event,
                  cli_parse_error *ret_error)
{
    static const cli_parse_rules plain;

    return cli_event_parse(&arena, text, strlen(text), rules ? rules : &plain, ret_event,
                           ret_error);
}

static cli_parsed_event parsed(const char *text, const cli_parse_rules *rules)
{
    cli_parsed_event event = {0};
    cli_parse_error error = {0};

    if (!parse(text, rules, &event, &error)) {
        test_fail("byte %zu: %s", error.at, error.message);
    }
    return event;
}

static const char *id_text(const cli_parsed_event *event)
{
    char *text = test_memory(STELE_UUID_TEXT_SIZE);

    stele_uuid_print(&event->event.id, text);
    return text;
}

/* ---- Our own form */

TEST(an_event_needs_only_stream_and_type)
{
    const cli_parsed_event event = parsed("{\"stream\":\"s\",\"type\":\"t\"}", NULL);

    expect_text(event.event.stream, "s");
    expect_text(event.event.type, "t");
    expect_uint(event.event.data.size, 0);
    expect_int(event.event.data_format, STELE_BINARY);
    expect_text(id_text(&event), "00000000-0000-0000-0000-000000000000");
    expect_false(event.has_time || event.key || event.is_tombstone);
}

TEST(all_members_are_taken)
{
    const cli_parsed_event event = parsed(
        "{\"position\":7,\"revision\":3,\"time\":\"2026-11-21T10:00:00.5Z\","
        "\"id\":\"01890f5c-7a3e-7c1a-9b1e-3f2d6c5b4a39\","
        "\"stream\":\"acc\\u00f6unt-1\",\"type\":\"t\",\"tags\":[\"a:1\",\"b\"],\"key\":\"k\","
        "\"data\":{ \"n\": 1.10 },"
        "\"metadata\":{\"u\":1}}",
        NULL);

    expect_text(event.event.stream, "acc\xc3\xb6unt-1");
    expect_text(id_text(&event), "01890f5c-7a3e-7c1a-9b1e-3f2d6c5b4a39");
    expect_true(event.has_time);
    expect_int(event.time, INT64_C(1795255200500000000));
    expect_text(event.key, "k");
    expect_uint(event.event.tag_count, 2);
    expect_text(event.event.tags[1], "b");
    expect_int(event.event.data_format, STELE_JSON);
    expect_text(event.event.data, "{ \"n\": 1.10 }"); /* not a byte is changed */
    expect_text(event.event.metadata, "{\"u\":1}");
}

TEST(base64_is_binary_unless_a_format_is_named)
{
    const cli_parsed_event plain =
        parsed("{\"stream\":\"s\",\"type\":\"t\",\"data_base64\":\"AAEC\"}", NULL);
    const cli_parsed_event named =
        parsed("{\"stream\":\"s\",\"type\":\"t\",\"data_base64\":\"CgF4\",\"format\":\"protobuf\","
               "\"metadata_base64\":\"ew0KfQ==\",\"metadata_format\":\"json\"}",
               NULL);

    expect_int(plain.event.data_format, STELE_BINARY);
    expect_bytes(plain.event.data.data, plain.event.data.size, "\0\1\2", 3);
    expect_int(named.event.data_format, STELE_PROTOBUF);
    expect_int(named.event.metadata_format, STELE_JSON);
    expect_text(named.event.metadata, "{\r\n}");
}

TEST(an_id_that_is_no_uuid_becomes_one_and_is_kept)
{
    const cli_parsed_event event =
        parsed("{\"stream\":\"s\",\"type\":\"t\",\"id\":\"order 17\",\"metadata\":{\"a\":1}}",
               NULL);
    const cli_parsed_event again =
        parsed("{\"type\":\"t\",\"id\":\"order 17\",\"stream\":\"s\"}", NULL);
    const cli_parsed_event other =
        parsed("{\"type\":\"t\",\"id\":\"order 17\",\"stream\":\"s2\"}", NULL);

    expect_text(id_text(&event), id_text(&again));
    expect_true(strcmp(id_text(&event), id_text(&other)) != 0);
    expect_text(event.event.metadata, "{\"a\":1,\"$sourceId\":\"order 17\"}");
    expect_text(again.event.metadata, "{\"$sourceId\":\"order 17\"}");
}

TEST(a_tombstone_is_known_by_its_type_and_revision)
{
#define END_TYPE "{\"stream\":\"s\",\"type\":\"$streamDeleted\""
    expect_true(parsed(END_TYPE ",\"revision\":9223372036854775807}", NULL).is_tombstone);
    expect_true(parsed(END_TYPE ",\"revision\":9.223372036854776e18}", NULL).is_tombstone);
    expect_true(!parsed(END_TYPE "}", NULL).is_tombstone);
    expect_true(!parsed(END_TYPE ",\"revision\":7}", NULL).is_tombstone);
    expect_true(!parsed("{\"stream\":\"s\",\"type\":\"t\",\"revision\":9223372036854775807}", NULL)
                     .is_tombstone);
}

TEST(a_stream_can_be_given_from_outside)
{
    const cli_parse_rules rules = {.stream = "all-of-it"};

    expect_text(parsed("{\"type\":\"t\"}", &rules).event.stream, "all-of-it");
    expect_text(parsed("{\"type\":\"t\",\"stream\":\"own\"}", &rules).event.stream, "own");
    expect_text(parsed("{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/x\",\"type\":\"t\"}",
                       &rules)
                    .event.stream,
                "all-of-it");
}

TEST(unknown_members_can_be_ignored)
{
    const cli_parse_rules rules = {.ignores_unknown = true};

    expect_text(
        parsed("{\"type\":\"t\",\"stream\":\"s\",\"colour\":{\"a\":[]}}", &rules).event.type, "t");
}

/* ---- What is wrong with a line */

static const struct {
    const char *text;
    size_t at;
    const char *message;
} bad[] = {
    {"", 0, "'{' is expected"},
    {"[]", 0, "'{' is expected"},
    {"\"text\"", 0, "'{' is expected"},
    {"{\"stream\":\"s\",\"type\":\"t\"", 24, "the text ends too early"},
    {"{\"stream\":\"s\",\"type\":\"t\"} {}", 26, "nothing is expected here any more"},
    {"{\"stream\":\"s\" \"type\":\"t\"}", 14, "',' or '}' is expected"},
    {"{\"type\":\"t\"}", 0, "\"stream\" is missing"},
    {"{\"stream\":\"s\"}", 0, "\"type\" is missing"},
    {"{\"stream\":\"\",\"type\":\"t\"}", 10, "\"stream\" must have 1 to 1024 bytes"},
    {"{\"stream\":7,\"type\":\"t\"}", 10, "\"stream\" must be a string"},
    {"{\"stream\":null,\"type\":\"t\"}", 10, "\"stream\" must be a string"},
    {"{\"stream\":\"a\\u0000b\",\"type\":\"t\"}", 10, "a name cannot contain NUL"},
    {"{\"stream\":\"\\ud800\",\"type\":\"t\"}", 10, "half of a surrogate pair is no character"},
    {"{\"stream\":\"\xc3\x28\",\"type\":\"t\"}", 11, "this is no UTF-8"},
    {"{\"stream\":\"s\",\"type\":\"t\",\"stream\":\"u\"}", 25, "\"stream\" occurs twice"},
    {"{\"stream\":\"s\",\"type\":\"t\",\"stre\\u0061m\":\"u\"}", 25, "\"stream\" occurs twice"},
    {"{\"stream\":\"s\",\"type\":\"t\",\"tag\":\"x\"}", 25, "\"tag\" means nothing here"},
    {"{\"stream\":\"s\",\"type\":\"t\",\"tags\":\"x\"}", 32, "tags must be an array of strings"},
    {"{\"stream\":\"s\",\"type\":\"t\",\"tags\":[1]}", 33, "a tag must be a string"},
    {"{\"stream\":\"s\",\"type\":\"t\",\"tags\":[\"\"]}", 33, "a tag must have 1 to 256 bytes"},
    {"{\"stream\":\"s\",\"type\":\"t\",\"time\":5}", 32, "\"time\" must be a string"},
    {"{\"stream\":\"s\",\"type\":\"t\",\"time\":\"soon\"}", 32,
     "\"time\" is no time like 2026-11-21T10:00:00Z"},
    {"{\"stream\":\"s\",\"type\":\"t\",\"time\":\"9999-01-01T00:00:00Z\"}", 32,
     "\"time\" is out of range: times go from 1677-09-21T00:12:44Z to 2262-04-11T23:47:16Z"},
    {"{\"stream\":\"s\",\"type\":\"t\",\"time\":\"1500-02-28T12:00:00.5+01:00\"}", 32,
     "\"time\" is out of range: times go from 1677-09-21T00:12:44Z to 2262-04-11T23:47:16Z"},
    {"{\"stream\":\"s\",\"type\":\"t\",\"time\":\"2500-02-29T12:00:00Z\"}", 32,
     "\"time\" is no time like 2026-11-21T10:00:00Z"},
    {"{\"stream\":\"s\",\"type\":\"t\",\"id\":\"00000000-0000-0000-0000-000000000000\"}", 30,
     "\"id\" cannot be the nil UUID: a nil id identifies nothing"},
    {"{\"stream\":\"s\",\"type\":\"t\",\"id\":1}", 30, "\"id\" must be a string"},
    {"{\"stream\":\"s\",\"type\":\"t\",\"data_base64\":\"A\"}", 39, "\"data_base64\" is no base64"},
    {"{\"stream\":\"s\",\"type\":\"t\",\"data_base64\":{}}", 39,
     "\"data_base64\" must be a string"},
    {"{\"stream\":\"s\",\"type\":\"t\",\"data\":1,\"data_base64\":\"\"}", 48,
     "\"data\" and \"data_base64\" exclude each other"},
    {"{\"stream\":\"s\",\"type\":\"t\",\"data\":1,\"format\":\"avro\"}", 32,
     "\"data\" can only be json; write \"data_base64\""},
    {"{\"stream\":\"s\",\"type\":\"t\",\"format\":\"xml\"}", 34,
     "\"format\" must be json, binary, protobuf or avro"},
    {"{\"stream\":\"s\",\"type\":\"t\",\"data\":01}", 32, "a number cannot begin with 0"},
    {"{\"specversion\":\"1.0\"}", 0, "the attribute \"id\" is missing"},
    {"{\"specversion\":\"0.3\",\"id\":\"1\",\"source\":\"/\",\"type\":\"t\"}", 15,
     "only CloudEvents 1.0 are understood"},
    {"{\"specversion\":1.0,\"id\":\"1\",\"source\":\"/\",\"type\":\"t\"}", 15,
     "only CloudEvents 1.0 are understood"},
    {"{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/\",\"type\":\"t\"}", 0,
     "the attribute \"subject\" is missing: it names the stream"},
    {"{\"specversion\":\"1.0\",\"id\":\"00000000-0000-0000-0000-000000000000\",\"source\":\"/\","
     "\"type\":\"t\",\"subject\":\"s\"}",
     26, "\"id\" cannot be the nil UUID: a nil id identifies nothing"},
    {"{\"specversion\":\"1.0\",\"id\":\"\",\"source\":\"/\",\"type\":\"t\"}", 26,
     "\"id\" must have 1 to 1024 bytes"},
    {"{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/\",\"type\":\"t\",\"subject\":\"s\","
     "\"myExt\":1}",
     68, "\"myExt\" is no attribute: names are lower-case letters and digits"},
    {"{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/\",\"type\":\"t\",\"subject\":\"s\","
     "\"ext\":{}}",
     68, "the extension \"ext\" can be neither object nor array"},
    {"{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/\",\"type\":\"t\",\"subject\":\"s\","
     "\"steletags\":\"x\"}",
     80, "\"steletags\" must be a string that contains a JSON array"},
    {"{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/\",\"type\":\"t\",\"subject\":\"s\","
     "\"steletags\":\"[1]\"}",
     80, "a tag must be a string"},
};

TEST_ROWS(what_is_wrong_is_found_where_it_stands, bad)
{
    cli_parsed_event event;
    cli_parse_error error = {0};

    expect_false(parse(bad[row].text, NULL, &event, &error));
    expect_text(error.message, bad[row].message);
    expect_uint(error.at, bad[row].at);
}

TEST(a_name_that_is_too_long_is_refused)
{
    cli_buffer text = {0};
    cli_parsed_event event;
    cli_parse_error error = {0};

    cli_buffer_add_text(&text, "{\"type\":\"t\",\"stream\":\"");
    cli_buffer_add_times(&text, 'x', STELE_STREAM_NAME_SIZE_MAX + 1);
    cli_buffer_add_text(&text, "\"}");
    expect_false(parse(cli_buffer_text(&text), NULL, &event, &error));
    expect_text(error.message, "\"stream\" must have 1 to 1024 bytes");
    cli_buffer_done(&text);
}

TEST(hostile_lines_are_refused)
{
    cli_buffer text = {0};
    cli_parsed_event event;
    cli_parse_error error = {0};

    cli_buffer_add_text(&text, "{\"type\":\"t\",\"stream\":\"s\",\"data\":");
    cli_buffer_add_times(&text, '[', (size_t)8 << 20);
    expect_false(
        cli_event_parse(&arena, text.data, text.size, &(cli_parse_rules){0}, &event, &error));
    expect_text(error.message, "this is nested too deeply");
    cli_buffer_clear(&text);
    cli_buffer_add_byte(&text, '{');
    for (int i = 0; i < 100000; i++) {
        cli_buffer_format(&text, "%s\"m%d\":0", i > 0 ? "," : "", i);
    }
    cli_buffer_add_byte(&text, '}');
    error = (cli_parse_error){0};
    expect_false(
        cli_event_parse(&arena, text.data, text.size, &(cli_parse_rules){0}, &event, &error));
    expect_text(error.message, "there are more than 128 members");
    cli_buffer_done(&text);
}

TEST(huge_numbers_pass_through)
{
    const cli_parsed_event event = parsed(
        "{\"stream\":\"s\",\"type\":\"t\",\"data\":[1e999999,123456789012345678901234567890,-0]}",
        NULL);

    expect_text(event.event.data, "[1e999999,123456789012345678901234567890,-0]");
}

TEST(every_byte_changed_is_parsed_or_refused)
{
    static const char text[] =
        "{\"stream\":\"s\\u00e9\",\"type\":\"t\",\"id\":\"x\",\"time\":\"2026-11-21T10:00:00Z\","
        "\"tags\":[\"a\"],\"data\":{\"a\":[1,true,\"\xc3\xa9\"]},\"metadata_base64\":\"AAEC\"}";
    static const unsigned char bytes[] = {0, '"', '\\', '{', '}', '[', ',', ':', '0', 0x80, 0xff};

    for (size_t at = 0; at < sizeof text - 1; at++) {
        for (size_t i = 0; i < sizeof bytes; i++) {
            cli_parsed_event event;
            cli_parse_error error = {0};
            char *copy = test_memory(sizeof text - 1);

            memcpy(copy, text, sizeof text - 1);
            copy[at] = (char)bytes[i];
            if (!cli_event_parse(&arena, copy, sizeof text - 1, &(cli_parse_rules){0}, &event,
                                 &error)) {
                expect_not_null(error.message);
                expect_true(error.at <= sizeof text - 1);
            }
            cli_arena_reset(&arena);
        }
    }
}

/* ---- Time in metadata */

static const struct {
    const char *metadata;
    const char *kept; /* NULL: it cannot be kept */
} times[] = {
    {NULL, "{\"$sourceTime\":\"2026-11-21T10:00:00Z\"}"},
    {"{}", "{\"$sourceTime\":\"2026-11-21T10:00:00Z\"}"},
    {"{ }", "{ \"$sourceTime\":\"2026-11-21T10:00:00Z\"}"},
    {"{\"a\":{}}", "{\"a\":{},\"$sourceTime\":\"2026-11-21T10:00:00Z\"}"},
    {"{\"$sourceTime\":\"first\"}", "{\"$sourceTime\":\"first\"}"},
    {"[1]", NULL},
    {"\"text\"", NULL},
};

TEST_ROWS(the_time_of_the_source_goes_into_metadata, times)
{
    cli_buffer line = {0};
    cli_parsed_event event;

    cli_buffer_add_text(&line,
                        "{\"stream\":\"s\",\"type\":\"t\",\"time\":\"2026-11-21T10:00:00Z\"");
    if (times[row].metadata) {
        cli_buffer_format(&line, ",\"metadata\":%s", times[row].metadata);
    }
    cli_buffer_add_byte(&line, '}');
    event = parsed(cli_buffer_text(&line), NULL);
    if (times[row].kept) {
        expect_true(cli_event_keep_time(&arena, &event));
        expect_text(event.event.metadata, times[row].kept);
        expect_int(event.event.metadata_format, STELE_JSON);
    } else {
        expect_false(cli_event_keep_time(&arena, &event));
    }
    cli_buffer_done(&line);
}

/* ---- CloudEvents: in, and out again */

static const struct {
    const char *name;
    const char *line;
    cli_stream_from from;
    const char *stream;
    const char *id;
    stele_format format;
    const char *data;
    const char *metadata;
    const char *again; /* what is written for it */
} clouds[] = {
    {"everything that the specification names",
     "{\"specversion\":\"1.0\",\"type\":\"com.example.shop.paid\","
     "\"source\":\"https://example.com/shop/7\",\"subject\":\"order-17\","
     "\"id\":\"A234-1234-1234\",\"time\":\"2018-04-05T17:31:00Z\",\"datacontenttype\":\"text/xml\","
     "\"dataschema\":\"https://example.com/schema/paid\",\"comexampleext1\":\"value\","
     "\"comexampleext2\":5,\"flag\":true,"
     "\"data\":\"<paid order=\\\"17\\\"/>\"}",
     CLI_FROM_SUBJECT, "order-17", "3cd871f5-a4cc-51b2-92a9-5ccb79e66099", STELE_BINARY,
     "<paid order=\"17\"/>",
     "{\"cloudevents\":{\"source\":\"https://example.com/shop/7\",\"id\":\"A234-1234-1234\","
     "\"datacontenttype\":\"text/xml\","
     "\"dataschema\":\"https://example.com/schema/paid\",\"comexampleext1\":\"value\","
     "\"comexampleext2\":5,\"flag\":true}}",
     "{\"specversion\":\"1.0\",\"id\":\"A234-1234-1234\",\"source\":\"https://example.com/shop/7\","
     "\"type\":\"com.example.shop.paid\",\"subject\":\"order-17\","
     "\"time\":\"2018-04-05T17:31:00Z\","
     "\"dataschema\":\"https://example.com/schema/paid\",\"steleposition\":\"9\","
     "\"stelerevision\":\"4\","
     "\"comexampleext1\":\"value\",\"comexampleext2\":5,\"flag\":true,"
     "\"datacontenttype\":\"text/xml\","
     "\"data\":\"<paid order=\\\"17\\\"/>\"}"},
    {"JSON data without a content type, null attributes, a UUID",
     "{\"specversion\":\"1.0\",\"type\":\"t\",\"source\":\"/mine\",\"subject\":null,"
     "\"id\":\"C7A1D3B0-94A2-4F5E-8B7D-0E1F2A3B4C5D\","
     "\"time\":null,\"unset\":null,\"data\":{\"a\": [1.0,2]}}",
     CLI_FROM_SOURCE, "/mine", "c7a1d3b0-94a2-4f5e-8b7d-0e1f2a3b4c5d", STELE_JSON,
     "{\"a\": [1.0,2]}",
     "{\"cloudevents\":{\"source\":\"/mine\",\"id\":\"C7A1D3B0-94A2-4F5E-8B7D-0E1F2A3B4C5D\"}}",
     "{\"specversion\":\"1.0\",\"id\":\"C7A1D3B0-94A2-4F5E-8B7D-0E1F2A3B4C5D\","
     "\"source\":\"/mine\",\"type\":\"t\","
     "\"subject\":\"/mine\",\"time\":\"2026-11-21T10:00:00Z\",\"steleposition\":\"9\","
     "\"stelerevision\":\"4\","
     "\"datacontenttype\":\"application/json\",\"data\":{\"a\": [1.0,2]}}"},
    {"binary data",
     "{\"specversion\":\"1.0\",\"type\":\"t\",\"source\":\"/b\","
     "\"id\":\"c7a1d3b0-94a2-4f5e-8b7d-0e1f2a3b4c5d\","
     "\"datacontenttype\":\"application/vnd.apache.thrift.binary\","
     "\"data_base64\":\"b25lIHR3bw==\"}",
     CLI_FROM_TYPE, "t", "c7a1d3b0-94a2-4f5e-8b7d-0e1f2a3b4c5d", STELE_BINARY, "one two",
     "{\"cloudevents\":{\"source\":\"/b\","
     "\"datacontenttype\":\"application/vnd.apache.thrift.binary\"}}",
     "{\"specversion\":\"1.0\",\"id\":\"c7a1d3b0-94a2-4f5e-8b7d-0e1f2a3b4c5d\",\"source\":\"/b\","
     "\"type\":\"t\",\"subject\":\"t\","
     "\"time\":\"2026-11-21T10:00:00Z\",\"steleposition\":\"9\",\"stelerevision\":\"4\","
     "\"datacontenttype\":\"application/vnd.apache.thrift.binary\","
     "\"data_base64\":\"b25lIHR3bw==\"}"},
    {"a string as JSON data",
     "{\"specversion\":\"1.0\",\"type\":\"t\",\"source\":\"/b\",\"subject\":\"s\","
     "\"id\":\"c7a1d3b0-94a2-4f5e-8b7d-0e1f2a3b4c5d\","
     "\"datacontenttype\":\"application/json; charset=utf-8\",\"data\":\"I'm just a string\"}",
     CLI_FROM_SUBJECT, "s", "c7a1d3b0-94a2-4f5e-8b7d-0e1f2a3b4c5d", STELE_JSON,
     "\"I'm just a string\"",
     "{\"cloudevents\":{\"source\":\"/b\",\"datacontenttype\":\"application/json; "
     "charset=utf-8\"}}",
     "{\"specversion\":\"1.0\",\"id\":\"c7a1d3b0-94a2-4f5e-8b7d-0e1f2a3b4c5d\",\"source\":\"/b\","
     "\"type\":\"t\",\"subject\":\"s\","
     "\"time\":\"2026-11-21T10:00:00Z\",\"steleposition\":\"9\",\"stelerevision\":\"4\","
     "\"datacontenttype\":\"application/json; charset=utf-8\",\"data\":\"I'm just a string\"}"},
    {"JSON in base64, a JSON content type of its own, and no data",
     "{\"specversion\":\"1.0\",\"type\":\"t\",\"source\":\"/b\",\"subject\":\"s\","
     "\"id\":\"c7a1d3b0-94a2-4f5e-8b7d-0e1f2a3b4c5d\","
     "\"datacontenttype\":\"application/geo+json\",\"data_base64\":\"eyJhIjoxfQ==\"}",
     CLI_FROM_SUBJECT, "s", "c7a1d3b0-94a2-4f5e-8b7d-0e1f2a3b4c5d", STELE_JSON, "{\"a\":1}",
     "{\"cloudevents\":{\"source\":\"/b\",\"datacontenttype\":\"application/geo+json\"}}",
     "{\"specversion\":\"1.0\",\"id\":\"c7a1d3b0-94a2-4f5e-8b7d-0e1f2a3b4c5d\",\"source\":\"/b\","
     "\"type\":\"t\",\"subject\":\"s\","
     "\"time\":\"2026-11-21T10:00:00Z\",\"steleposition\":\"9\",\"stelerevision\":\"4\","
     "\"datacontenttype\":\"application/geo+json\",\"data\":{\"a\":1}}"},
    {"no data, and what our own export puts aside",
     "{\"specversion\":\"1.0\",\"type\":\"t\",\"source\":\"urn:uuid:1\",\"subject\":\"s\","
     "\"id\":\"c7a1d3b0-94a2-4f5e-8b7d-0e1f2a3b4c5d\",\"steleposition\":\"3\","
     "\"stelerevision\":\"1\","
     "\"steletags\":\"[\\\"a:1\\\",\\\"b,c\\\"]\","
     "\"stelemetadata\":\"{\\\"user\\\":\\\"ann\\\"}\"}",
     CLI_FROM_SUBJECT, "s", "c7a1d3b0-94a2-4f5e-8b7d-0e1f2a3b4c5d", STELE_BINARY, "",
     "{\"user\":\"ann\",\"cloudevents\":{\"source\":\"urn:uuid:1\"}}",
     "{\"specversion\":\"1.0\",\"id\":\"c7a1d3b0-94a2-4f5e-8b7d-0e1f2a3b4c5d\","
     "\"source\":\"urn:uuid:1\",\"type\":\"t\","
     "\"subject\":\"s\",\"time\":\"2026-11-21T10:00:00Z\",\"steleposition\":\"9\","
     "\"stelerevision\":\"4\","
     "\"steletags\":\"[\\\"a:1\\\",\\\"b,c\\\"]\","
     "\"stelemetadata\":\"{\\\"user\\\":\\\"ann\\\"}\"}"},
};

static stele_record record_of(const cli_parsed_event *event)
{
    stele_text *tags = test_memory((event->event.tag_count + 1) * sizeof *tags);
    stele_record record = {
        .position = 9,
        .revision = 4,
        .time = event->has_time ? event->time : INT64_C(1795255200000000000),
        .id = event->event.id,
        .stream = {event->event.stream, strlen(event->event.stream)},
        .type = {event->event.type, strlen(event->event.type)},
        .data_format = event->event.data_format,
        .metadata_format = event->event.metadata_format,
        .data = event->event.data,
        .metadata = event->event.metadata,
        .tags = tags,
        .tag_count = event->event.tag_count,
    };

    for (size_t i = 0; i < record.tag_count; i++) {
        tags[i] = (stele_text){event->event.tags[i], strlen(event->event.tags[i])};
    }
    return record;
}

TEST_ROWS(a_cloudevent_comes_in_and_goes_out, clouds)
{
    const cli_parse_rules rules = {.stream_from = clouds[row].from};
    const cli_parsed_event event = parsed(clouds[row].line, &rules);
    const stele_record record = record_of(&event);
    cli_buffer out = {0};

    test_note("%s", clouds[row].name);
    expect_text(event.event.stream, clouds[row].stream);
    expect_text(id_text(&event), clouds[row].id);
    expect_int(event.event.data_format, clouds[row].format);
    expect_text(event.event.data, clouds[row].data);
    expect_text(event.event.metadata, clouds[row].metadata);
    cli_cloudevent_add(&out, &record, "/default");
    expect_text(taken(&out), clouds[row].again);
}

TEST(the_id_of_a_cloudevent_depends_on_source_and_id)
{
    const stele_uuid first = cli_event_id("/a", "1");

    expect_true(memcmp(&first, &(stele_uuid){{0}}, sizeof first) != 0);
    expect_uint(first.bytes[6] >> 4, 5); /* version 5 */
    expect_true(memcmp(cli_event_id("/a", "2").bytes, first.bytes, 16) != 0);
    expect_true(memcmp(cli_event_id("/b", "1").bytes, first.bytes, 16) != 0);
    expect_bytes(cli_event_id("/a", "1").bytes, 16, first.bytes, 16);
}

TEST(a_plain_event_goes_out_as_a_cloudevent)
{
    const cli_parsed_event event =
        parsed("{\"stream\":\"account-1\",\"type\":\"account.opened\","
               "\"id\":\"c7a1d3b0-94a2-4f5e-8b7d-0e1f2a3b4c5d\",\"tags\":[\"vip\"],"
               "\"data\":{\"owner\":\"ann\"},\"metadata\":{\"user\":\"bob\","
               "\"$sourceTime\":\"2001-02-03T04:05:06Z\"}}",
               NULL);
    const stele_record record = record_of(&event);
    cli_buffer out = {0};

    cli_cloudevent_add(&out, &record, "/ledger");
    expect_text(
        taken(&out),
        "{\"specversion\":\"1.0\",\"id\":\"c7a1d3b0-94a2-4f5e-8b7d-0e1f2a3b4c5d\","
        "\"source\":\"/ledger\","
        "\"type\":\"account.opened\",\"subject\":\"account-1\",\"time\":\"2001-02-03T04:05:06Z\","
        "\"steleposition\":\"9\",\"stelerevision\":\"4\",\"steletags\":\"[\\\"vip\\\"]\","
        "\"stelemetadata\":\"{\\\"user\\\":\\\"bob\\\"}\",\"datacontenttype\":\"application/json\","
        "\"data\":{\"owner\":\"ann\"}}");
}

TEST(text_data_keeps_its_format_and_its_bytes)
{
    const cli_parse_rules rules = {.stream = "s"};
    const cli_parsed_event named =
        parsed("{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/x\",\"type\":\"t\","
               "\"datacontenttype\":\"application/avro\",\"data\":\"text\"}",
               &rules);
    const cli_parsed_event with_nul =
        parsed("{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/x\",\"type\":\"t\","
               "\"datacontenttype\":\"text/plain\",\"data\":\"a\\u0000b\"}",
               &rules);

    expect_int(named.event.data_format, STELE_AVRO);
    expect_text(named.event.data, "text");
    expect_int(with_nul.event.data_format, STELE_BINARY);
    expect_bytes(with_nul.event.data.data, with_nul.event.data.size, "a\0b", 3);
}

TEST(more_extensions_than_can_be_written_again_are_refused)
{
    cli_buffer line = {0};
    cli_parsed_event event;
    cli_parse_error error = {0};

    cli_buffer_add_text(&line, "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/x\","
                               "\"subject\":\"s\",\"type\":\"t\"");
    for (int i = 0; i < 108; i++) {
        cli_buffer_format(&line, ",\"e%d\":%d", i, i);
    }
    cli_buffer_add_text(&line, "}");
    expect_false(parse(cli_buffer_text(&line), NULL, &event, &error));
    expect_text(error.message, "there are more than 107 extensions");
    expect_true(strncmp(cli_buffer_text(&line) + error.at, "\"e107\"", 6) == 0);
    cli_buffer_done(&line);
}

/* Metadata with members of the names that an import uses, which no import has made. */
static const struct {
    const char *data;
    const char *metadata;
    const char *again; /* what follows the type, without time and position */
} strange[] = {
    {"1", "{\"$sourceTime\":\"never\"}",
     "\"stelemetadata\":\"{\\\"$sourceTime\\\":\\\"never\\\"}\","
     "\"datacontenttype\":\"application/json\",\"data\":1"},
    {"1", "{\"cloudevents\":{\"Odd\":1}}",
     "\"stelemetadata\":\"{\\\"cloudevents\\\":{\\\"Odd\\\":1}}\","
     "\"datacontenttype\":\"application/json\",\"data\":1"},
    {"1", "{\"cloudevents\":{\"a\":1,\"\\u0061\":2}}",
     "\"stelemetadata\":\"{\\\"cloudevents\\\":{\\\"a\\\":1,\\\"\\\\u0061\\\":2}}\","
     "\"datacontenttype\":\"application/json\",\"data\":1"},
    {"1", "{\"cloudevents\":{\"specversion\":\"7\"}}",
     "\"stelemetadata\":\"{\\\"cloudevents\\\":{\\\"specversion\\\":\\\"7\\\"}}\","
     "\"datacontenttype\":\"application/json\",\"data\":1"},
    {"1", "{\"cloudevents\":{\"a\":1},\"u\":2,\"cloudevents\":{\"b\":3}}",
     "\"stelemetadata\":\"{\\\"u\\\":2,\\\"cloudevents\\\":{\\\"a\\\":1}}\",\"b\":3,"
     "\"datacontenttype\":\"application/json\",\"data\":1"},
    /* They would make another event of it. */
    {"1", "{\"cloudevents\":{\"id\":\"other\",\"subject\":\"other\"}}",
     "\"datacontenttype\":\"application/json\",\"data\":1"},
    {"\"1\"", "{\"cloudevents\":{\"datacontenttype\":\"text/plain\"}}",
     "\"datacontenttype\":\"application/json\",\"data\":\"1\""},
    {"1", "{\"cloudevents\":{\"datacontenttype\":\"text/plain\"}}",
     "\"datacontenttype\":\"text/plain\",\"data\":1"},
};

TEST_ROWS(metadata_that_no_import_made_stays_metadata, strange)
{
    static const char begin[] =
        "{\"specversion\":\"1.0\",\"id\":\"c7a1d3b0-94a2-4f5e-8b7d-0e1f2a3b4c5d\","
        "\"source\":\"/ledger\",\"type\":\"t\",\"subject\":\"s\","
        "\"time\":\"2026-11-21T10:00:00Z\",\"steleposition\":\"9\",\"stelerevision\":\"4\",";
    cli_buffer line = {0};
    cli_buffer expected = {0};
    cli_buffer out = {0};

    cli_buffer_format(&line,
                      "{\"stream\":\"s\",\"type\":\"t\","
                      "\"id\":\"c7a1d3b0-94a2-4f5e-8b7d-0e1f2a3b4c5d\",\"data\":%s,"
                      "\"metadata\":%s}",
                      strange[row].data, strange[row].metadata);
    const cli_parsed_event event = parsed(cli_buffer_text(&line), NULL);
    const stele_record record = record_of(&event);
    cli_cloudevent_add(&out, &record, "/ledger");
    cli_buffer_format(&expected, "%s%s}", begin, strange[row].again);
    expect_text(cli_buffer_text(&out), cli_buffer_text(&expected));
    const cli_parsed_event again = parsed(cli_buffer_text(&out), NULL);
    expect_text(again.event.stream, "s");
    expect_text(id_text(&again), id_text(&event));
    expect_text(again.event.data, strange[row].data);
    cli_buffer_done(&line);
    cli_buffer_done(&expected);
    cli_buffer_done(&out);
}

/* ---- Our own form goes out and comes in with the same bytes */

static const struct {
    stele_format format;
    const char *data;
    size_t size;
} payloads[] = {
    {STELE_JSON, "{\"a\": 1}", 8},
    {STELE_JSON, "{\n\"a\":1\n}", 9},
    {STELE_JSON, " 1 ", 3},
    {STELE_JSON, "not json", 8},
    {STELE_JSON, "", 0},
    {STELE_BINARY, "", 0},
    {STELE_BINARY, "\0\1\xff", 3},
    {STELE_BINARY, "{}", 2},
    {STELE_PROTOBUF, "\x0a\x01x", 3},
    {STELE_AVRO, "Obj\1", 4},
    {STELE_JSON, "\"\\ud800\"", 8},
    {STELE_JSON, "1e999", 5},
};

TEST_ROWS(a_payload_survives_export_and_import, payloads)
{
    const stele_bytes bytes = {(const uint8_t *)payloads[row].data, payloads[row].size};
    const stele_record record = {
        .id = {{1}},
        .stream = {"s", 1},
        .type = {"t", 1},
        .data = bytes,
        .data_format = payloads[row].format,
        .metadata = bytes,
        .metadata_format = payloads[row].format,
    };
    cli_buffer out = {0};
    cli_parsed_event event;

    cli_record_add_json(&out, &record, CLI_FOR_IMPORT);
    event = parsed(taken(&out), NULL);
    expect_int(event.event.data_format, payloads[row].format);
    expect_bytes(event.event.data.data, event.event.data.size, payloads[row].data,
                 payloads[row].size);
    expect_bytes(event.event.metadata.data, event.event.metadata.size, payloads[row].data,
                 payloads[row].size);
    if (payloads[row].size > 0) {
        expect_int(event.event.metadata_format, payloads[row].format);
    }
}

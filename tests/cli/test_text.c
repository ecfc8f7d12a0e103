/* SPDX-License-Identifier: Apache-2.0 */
/* Text for eyes: widths, escapes, cuts, numbers, tables, progress. */
#include "cli/progress.h"
#include "cli/query.h"
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

/* ---- UTF-8 */

static const struct {
    const char *text;
    size_t size;
    int32_t code;
    size_t step;
} decoded[] = {
    {"A", 1, 'A', 1},
    {"\xc3\xa9", 2, 0xe9, 2},
    {"\xe2\x82\xac", 3, 0x20ac, 3},
    {"\xf0\x9f\x99\x82", 4, 0x1f642, 4},
    {"\xf4\x8f\xbf\xbf", 4, 0x10ffff, 4},
    {"\x80", 1, -1, 1},             /* a continuation alone */
    {"\xc0\xaf", 2, -1, 1},         /* an overlong slash */
    {"\xe0\x80\xaf", 3, -1, 1},     /* likewise */
    {"\xed\xa0\x80", 3, -1, 1},     /* half of a surrogate pair */
    {"\xf4\x90\x80\x80", 4, -1, 1}, /* beyond the last character */
    {"\xe2\x82", 2, -1, 1},         /* cut off */
    {"\xff", 1, -1, 1},
};

TEST_ROWS(utf8_is_decoded_strictly, decoded)
{
    int32_t code;
    const size_t step =
        cli_utf8_next(decoded[row].text, decoded[row].text + decoded[row].size, &code);

    expect_int(code, decoded[row].code);
    expect_uint(step, decoded[row].step);
}

TEST(utf8_is_written_as_it_is_read)
{
    static const uint32_t codes[] = {0x24, 0x7f, 0x80, 0x7ff, 0x800, 0xffff, 0x10000, 0x10ffff};
    cli_buffer out = {0};
    int32_t code;

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        cli_buffer_clear(&out);
        cli_utf8_add(&out, codes[i]);
        expect_uint(cli_utf8_next(out.data, out.data + out.size, &code), out.size);
        expect_uint((uint32_t)code, codes[i]);
    }
    cli_buffer_done(&out);
}

/* ---- Width */

static const struct {
    const char *text;
    size_t width;
} widths[] = {
    {"", 0},
    {"abc", 3},
    {"caf\xc3\xa9", 4},
    {"cafe\xcc\x81", 4},             /* an accent that is drawn over the e */
    {"\xe6\x97\xa5\xe6\x9c\xac", 4}, /* two ideographs */
    {"\xf0\x9f\x99\x82", 2},         /* a face */
    {"\xed\x95\x9c", 2},             /* a syllable of Korean */
    {"\xe2\x82\xac", 1},             /* a euro */
    {"a\xe2\x80\x8b"
     "b",
     2}, /* a blank without width */
};

TEST_ROWS(width_counts_columns, widths)
{
    expect_uint(cli_text_width(widths[row].text, strlen(widths[row].text)), widths[row].width);
}

/* ---- Escapes */

static const struct {
    const char *text;
    size_t size;
    const char *shown;
} escapes[] = {
    {"plain text", 10, "plain text"},
    {"a\nb\tc\rd", 7, "a\\nb\\tc\\rd"},
    {"\x1b[31mred", 8, "\\x1b[31mred"},
    {"\x1b]0;title\x07", 10, "\\x1b]0;title\\x07"},
    {"\0", 1, "\\x00"},
    {"\x7f", 1, "\\x7f"},
    {"\xc2\x9b"
     "31m",
     5, "\\x9b31m"}, /* the one-byte form of ESC [ */
    {"a\xe2\x80\xae"
     "b",
     5, "a\\u202eb"}, /* right-to-left override */
    {"a\xe2\x81\xa6"
     "b",
     5, "a\\u2066b"},               /* isolate */
    {"\xe2\x80\xa8", 3, "\\u2028"}, /* line separator */
    {"caf\xc3\xa9", 5, "caf\xc3\xa9"},
    {"\xff\xfe", 2, "\\xff\\xfe"},
    {"\xc3", 1, "\\xc3"},
};

TEST_ROWS(what_moves_a_terminal_is_escaped, escapes)
{
    cli_buffer out = {0};

    cli_add_printable(&out, escapes[row].text, escapes[row].size);
    expect_text(taken(&out), escapes[row].shown);
}

static const struct {
    const char *text;
    size_t columns;
    const char *shown;
} clips[] = {
    {"short", 10, "short"},
    {"exactly", 7, "exactly"},
    {"longer than that", 7, "longer\xe2\x80\xa6"},
    {"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", 6, "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e"},
    {"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", 5, "\xe6\x97\xa5\xe6\x9c\xac\xe2\x80\xa6"},
    {"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", 4,
     "\xe6\x97\xa5\xe2\x80\xa6"}, /* half of one does not fit */
    {"cafe\xcc\x81!", 5, "cafe\xcc\x81!"},
    {"cafe\xcc\x81 noir", 5, "cafe\xcc\x81\xe2\x80\xa6"}, /* an accent stays with its letter */
    {"abc", 1, "\xe2\x80\xa6"},
};

TEST_ROWS(a_cut_keeps_whole_characters, clips)
{
    cli_buffer out = {0};

    cli_buffer_add_text(&out, "> ");
    cli_buffer_add_text(&out, clips[row].text);
    cli_clip(&out, 2, clips[row].columns);
    expect_text(taken(&out) + 2, clips[row].shown);
}

/* ---- Numbers */

TEST(counts_have_commas)
{
    static const struct {
        uint64_t count;
        const char *shown;
    } cases[] = {
        {0, "0"},
        {999, "999"},
        {1000, "1,000"},
        {1234567, "1,234,567"},
        {UINT64_MAX, "18,446,744,073,709,551,615"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cli_buffer out = {0};

        cli_add_count(&out, cases[i].count);
        expect_text(taken(&out), cases[i].shown);
    }
}

TEST(short_counts_have_three_digits_at_most)
{
    static const struct {
        double count;
        const char *shown;
    } cases[] = {
        {0, "0"},          {950, "950"},      {999.7, "1.0 k"},   {1234, "1.2 k"}, {31000, "31 k"},
        {310000, "310 k"}, {999600, "1.0 M"}, {1200000, "1.2 M"}, {5e12, "5.0 T"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cli_buffer out = {0};

        cli_add_short_count(&out, cases[i].count);
        expect_text(taken(&out), cases[i].shown);
    }
}

TEST(sizes_and_durations_have_units)
{
    static const struct {
        uint64_t bytes;
        const char *shown;
    } sizes[] = {{0, "0 B"},
                 {999, "999 B"},
                 {1000, "1.0 kB"},
                 {356200000, "356.2 MB"},
                 {999999999, "1.0 GB"}};
    static const struct {
        int64_t duration;
        const char *shown;
    } durations[] = {
        {0, "0 \xc2\xb5s"},          {12000, "12 \xc2\xb5s"},      {999400, "999 \xc2\xb5s"},
        {999900, "1.00 ms"},         {8300000, "8.30 ms"},         {42000000, "42.0 ms"},
        {420000000, "420 ms"},       {4200000000, "4.2 s"},        {42000000000, "42 s"},
        {80000000000, "1 min 20 s"}, {7500000000000, "2 h 5 min"},
    };

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        cli_buffer out = {0};

        cli_add_bytes(&out, sizes[i].bytes);
        expect_text(taken(&out), sizes[i].shown);
    }
    for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++) {
        cli_buffer out = {0};

        cli_add_duration(&out, durations[i].duration);
        expect_text(taken(&out), durations[i].shown);
    }
}

static const struct {
    const char *text;
    bool is_out_of_range;
} far_times[] = {{"1677-09-21T00:12:43Z", true},
                 {"1677-09-21T00:12:44Z", false},
                 {"2262-04-11T23:47:16Z", false},
                 {"2262-04-11T23:47:17Z", true},
                 {"2262-04-12T00:47:16+01:00", false},
                 {"2262-04-11T23:47:16-00:01", true},
                 {"0000-02-29", true},
                 {"0001-02-29", false},
                 {"2400-02-29", true},
                 {"2300-02-29", false},
                 {"9999-12-31T23:59:60Z", true},
                 {"9999-12-31T22:59:60Z", false},
                 {"3000-13-01", false},
                 {"300", false},
                 {"-300-01-01", false},
                 {"", false},
                 {"30000-01-01T00:00:00Z", false},
                 {"3000-01-01T00:00:00Zjunk", false},
                 {"2026-11-21T10:00:00.5+01:00", false}};

TEST_ROWS(a_time_out_of_range_is_told_from_what_is_none, far_times)
{
    const char *text = far_times[row].text;

    expect_int(cli_time_is_out_of_range(text, strlen(text)), far_times[row].is_out_of_range);
}

TEST(numbers_are_parsed_whole)
{
    uint64_t number;

    expect_true(cli_parse_number("18446744073709551615", &number));
    expect_uint(number, UINT64_MAX);
    expect_false(cli_parse_number("18446744073709551616", &number));
    expect_false(cli_parse_number("", &number));
    expect_false(cli_parse_number("-1", &number));
    expect_false(cli_parse_number("1 ", &number));
    expect_false(cli_parse_number("0x10", &number));
}

/* ---- Progress */

TEST(progress_shows_bar_share_amount_rate_and_rest)
{
    cli_progress progress = {.thing = "event",
                             .total = 1000,
                             .thing_rate = 310000,
                             .done_rate = 147.5};
    cli_buffer out = {0};

    cli_progress_add_line(&out, &progress, 410, 1200000, 80);
    expect_text(
        taken(&out),
        "\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88\xe2\x96\x8b         41 %  "
        "1.2 M events  310 k/s  4.0 s left");
}

TEST(progress_without_a_size_shows_no_share)
{
    cli_progress progress = {.thing = "event", .thing_rate = 900};
    cli_buffer out = {0};

    cli_progress_add_line(&out, &progress, 12345, 4500, 80);
    expect_text(taken(&out), "4.5 k events  900/s");
}

TEST(progress_says_100_percent_only_when_nothing_is_left)
{
    cli_progress progress = {.total = 1000, .done_rate = 1000};
    cli_buffer out = {0};

    cli_progress_add_line(&out, &progress, 999, 0, 0);
    expect_text(taken(&out), " 99 %  999 B  1.0 kB/s  1.0 s left");
    cli_progress_add_line(&out, &progress, 1000, 0, 0);
    expect_text(taken(&out), "100 %  1.0 kB  1.0 kB/s");
}

TEST(progress_fits_the_terminal)
{
    cli_progress progress = {.thing = "event",
                             .total = 1000,
                             .thing_rate = 310000,
                             .done_rate = 147.5};
    cli_buffer out = {0};

    cli_progress_add_line(&out, &progress, 410, 1200000, 40);
    expect_uint(cli_text_width(out.data, out.size), 39);
    cli_buffer_done(&out);
}

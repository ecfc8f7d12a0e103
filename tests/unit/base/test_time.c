/* SPDX-License-Identifier: Apache-2.0 */
/* Times as text: the table of what is accepted, what is not, and both ends of the range. */
#include "base/base.h"
#include "support/test.h"

#define SECOND INT64_C(1000000000)
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)
/* 2026-11-21T00:00:00Z is day 20,778. */
#define THAT_DAY (INT64_C(20778) * DAY)

typedef struct time_case {
    const char *text;
    stele_time time;
} time_case;

static const time_case right[] = {
    {"1970-01-01T00:00:00Z", 0},
    {"1970-01-01T00:00:00.000000001Z", 1},
    {"1969-12-31T23:59:59.999999999Z", -1},
    {"2026-11-21T10:00:00Z", THAT_DAY + 10 * HOUR},
    {"2026-11-21T10:00:00.5+01:00", THAT_DAY + 9 * HOUR + SECOND / 2},
    {"2026-11-21t10:00:00z", THAT_DAY + 10 * HOUR},
    {"2026-11-21 10:00:00", THAT_DAY + 10 * HOUR},
    {"2026-11-21T10:00", THAT_DAY + 10 * HOUR},
    {"2026-11-21 10:00", THAT_DAY + 10 * HOUR},
    {"2026-11-21 10:00Z", THAT_DAY + 10 * HOUR},
    {"2026-11-21T10:00-02:30", THAT_DAY + 12 * HOUR + HOUR / 2},
    {"2026-11-21", THAT_DAY},
    {"2026-11-21T00:00:00+23:59", THAT_DAY - 24 * HOUR + 60 * SECOND},
    {"2026-11-21T00:00:00-00:00", THAT_DAY},
    {"2026-11-21T00:00:00.123456789Z", THAT_DAY + 123456789},
    {"2026-11-21T00:00:00.1234567899999Z", THAT_DAY + 123456789},
    {"2026-11-21T00:00:00.000Z", THAT_DAY},
    {"2000-02-29T00:00:00Z", INT64_C(11016) * DAY},
    {"2024-02-29", INT64_C(19782) * DAY},
    {"2024-12-31T23:59:59Z", INT64_C(20089) * DAY - SECOND},
    {"1900-03-01", INT64_C(-25508) * DAY},
    {"2016-12-31T23:59:60Z", INT64_C(17167) * DAY},      /* a leap second */
    {"2017-01-01T00:59:60+01:00", INT64_C(17167) * DAY}, /* the same one */
    {"2262-04-11T23:47:16.854775807Z", INT64_MAX},
    {"1677-09-21T00:12:43.145224192Z", INT64_MIN},
};

TEST_ROWS(these_are_times, right)
{
    stele_time time = 0;

    expect_int(stele_time_parse(right[row].text, strlen(right[row].text), &time), 0);
    expect_int(time, right[row].time);
}

static const char *const wrong[] = {
    "",
    "2",
    "now",
    "2026",
    "2026-11",
    "2026-11-2",
    "2026-1-21",
    "26-11-21",
    "02026-11-21",
    "+2026-11-21",
    "-2026-11-21",
    "2026/11/21",
    "2026-11-21T",
    "2026-11-21 ",
    "2026-11-21Z",
    "2026-11-21+01:00",
    "2026-11-21X10:00",
    "2026-11-21T1",
    "2026-11-21T10",
    "2026-11-21T10:",
    "2026-11-21T10:0",
    "2026-11-21T10:00:",
    "2026-11-21T10:00:0",
    "2026-11-21T10:00:00.",
    "2026-11-21T10:00:00.Z",
    "2026-11-21T10:00:00,5Z",
    "2026-11-21T10:00.5Z",
    "2026-11-21T10:00:00ZZ",
    "2026-11-21T10:00:00Z ",
    " 2026-11-21T10:00:00Z",
    "2026-11-21T10:00:00 Z",
    "2026-11-21T10:00:00+",
    "2026-11-21T10:00:00+1",
    "2026-11-21T10:00:00+01",
    "2026-11-21T10:00:00+0100",
    "2026-11-21T10:00:00+01:0",
    "2026-11-21T10:00:00+24:00",
    "2026-11-21T10:00:00+01:60",
    "2026-00-21",
    "2026-13-21",
    "2026-11-00",
    "2026-11-31",
    "2026-02-29",
    "1900-02-29",
    "2026-11-21T24:00:00Z",
    "2026-11-21T10:60:00Z",
    "2026-11-21T10:00:61Z",
    "2026-11-21T10:00:60Z",
    "2026-11-21T23:59:60+01:00",
    "2262-04-11T23:47:16.854775808Z",
    "2262-04-12",
    "1677-09-21T00:12:43.145224191Z",
    "1677-09-21",
    "0000-01-01",
    "9999-12-31T23:59:59Z",
    "2026-11-21T10:00:00\342\210\22201:00",
    "\xff\xff\xff\xff-11-21",
};

TEST_ROWS(these_are_none_and_nothing_is_written, wrong)
{
    stele_time time = 77;

    expect_int(stele_time_parse(wrong[row], strlen(wrong[row]), &time), -1);
    expect_int(time, 77);
}

TEST(text_that_ends_anywhere_is_never_read_beyond)
{
    static const char whole[] = "2026-11-21T10:00:60.123456789+01:00";

    for (size_t size = 0; size < sizeof whole; size++) {
        /* A piece of its own, so that the sanitizer sees what lies behind it. */
        char *piece = (char *)stele__allocate(stele_alloc_default(), size);
        stele_time time;
        memcpy(piece, whole, size);
        (void)stele_time_parse(piece, size, &time);
        stele__release(stele_alloc_default(), piece, size);
    }
    expect_int(stele_time_parse(NULL, 0, &(stele_time){0}), -1);
}

static const time_case printed[] = {
    {"1970-01-01T00:00:00Z", 0},
    {"1969-12-31T23:59:59.999999999Z", -1},
    {"1969-12-31T23:59:59Z", -SECOND},
    {"1969-12-31T00:00:00Z", -DAY},
    {"2026-11-21T10:00:00Z", THAT_DAY + 10 * HOUR},
    {"2026-11-21T10:00:00.500Z", THAT_DAY + 10 * HOUR + SECOND / 2},
    {"2026-11-21T10:00:00.000500Z", THAT_DAY + 10 * HOUR + 500000},
    {"2026-11-21T10:00:00.000000500Z", THAT_DAY + 10 * HOUR + 500},
    {"2262-04-11T23:47:16.854775807Z", INT64_MAX},
    {"1677-09-21T00:12:43.145224192Z", INT64_MIN},
};

TEST_ROWS(times_print_with_as_many_decimals_as_they_need, printed)
{
    char text[STELE_TIME_TEXT_SIZE];

    stele_time_print(printed[row].time, text);
    expect_text(text, printed[row].text);
}

TEST(random_times_come_back)
{
    stele__prng prng;

    stele__prng_seed(&prng, test_seed());
    for (int i = 0; i < 200000; i++) {
        const stele_time time = (stele_time)stele__prng_next(&prng);
        char text[STELE_TIME_TEXT_SIZE];
        stele_time back;
        stele_time_print(time, text);
        if (stele_time_parse(text, strlen(text), &back) != 0 || back != time) {
            test_fail("%s", text);
        }
    }
}

TEST(days_follow_one_another_through_all_years)
{
    char before[STELE_TIME_TEXT_SIZE] = "";

    for (int64_t day = -106000; day < 106000; day++) {
        char text[STELE_TIME_TEXT_SIZE];
        stele_time_print(day * DAY, text);
        expect_true(strcmp(before, text) < 0);
        memcpy(before, text, sizeof before);
    }
    expect_text(before, "2260-03-20T00:00:00Z");
}

TEST(spoiled_text_never_gives_a_time_that_prints_longer_than_it_may)
{
    stele__prng prng;

    stele__prng_seed(&prng, test_seed());
    for (int i = 0; i < 200000; i++) {
        static const char alphabet[] = "0123456789-+:.TZtz ";
        char text[] = "2026-11-21T10:00:00.123+01:00";
        char back[STELE_TIME_TEXT_SIZE];
        const size_t size = sizeof text - 1 - (size_t)stele__prng_below(&prng, 12);
        stele_time time;
        for (uint64_t n = stele__prng_below(&prng, 4); n > 0; n--) {
            text[stele__prng_below(&prng, size)] =
                alphabet[stele__prng_below(&prng, sizeof alphabet - 1)];
        }
        if (stele_time_parse(text, size, &time) == 0) {
            stele_time_print(time, back);
            expect_true(strlen(back) < sizeof back);
        }
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times as text. The calendar is the Gregorian one, also before it was introduced; days are counted
 * in eras of 400 years (146,097 days) that begin on the first of March, so that the leap day is the
 * last of its year. What stele_time can hold lies between the years 1677 and 2262.
 */
#include <stele/types.h>

#include <stdbool.h>

#define NANOSECONDS INT64_C(1000000000)
#define DAY_SECONDS INT64_C(86400)
#define ERA_DAYS INT64_C(146097)
#define EPOCH_DAYS INT64_C(719468) /* from 0000-03-01 to 1970-01-01 */

static int64_t floor_divide(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

static bool is_leap_year(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int64_t days_in_month(int64_t year, int64_t month)
{
    static const uint8_t days[13] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return month == 2 && is_leap_year(year) ? 29 : days[month];
}

/* Days since 1970-01-01 of a day that exists. */
static int64_t days_of_date(int64_t year, int64_t month, int64_t day)
{
    const int64_t march_year = month > 2 ? year : year - 1;
    const int64_t era = floor_divide(march_year, 400);
    const int64_t year_of_era = march_year - era * 400;
    const int64_t march_month = (month + 9) % 12;
    const int64_t day_of_year = (153 * march_month + 2) / 5 + day - 1;
    const int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * ERA_DAYS + day_of_era - EPOCH_DAYS;
}

static void date_of_days(int64_t days, int64_t *ret_year, int64_t *ret_month, int64_t *ret_day)
{
    const int64_t shifted = days + EPOCH_DAYS;
    const int64_t era = floor_divide(shifted, ERA_DAYS);
    const int64_t day_of_era = shifted - era * ERA_DAYS;
    const int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const int64_t day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int64_t march_month = (5 * day_of_year + 2) / 153;

    *ret_day = day_of_year - (153 * march_month + 2) / 5 + 1;
    *ret_month = march_month < 10 ? march_month + 3 : march_month - 9;
    *ret_year = year_of_era + era * 400 + (*ret_month <= 2);
}

/* ---- Printing */

static char *put_digits(char *at, int64_t value, int count)
{
    for (int i = count; i-- > 0;) {
        at[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return at + count;
}

void stele_time_print(stele_time time, char ret_text[STELE_TIME_TEXT_SIZE])
{
    const int64_t seconds = floor_divide(time, NANOSECONDS);
    const int64_t nanoseconds =
        time < 0 && time % NANOSECONDS != 0 ? time % NANOSECONDS + NANOSECONDS : time % NANOSECONDS;
    const int64_t days = floor_divide(seconds, DAY_SECONDS);
    const int64_t second_of_day = seconds - days * DAY_SECONDS;
    int64_t year;
    int64_t month;
    int64_t day;
    char *at = ret_text;

    date_of_days(days, &year, &month, &day);
    at = put_digits(at, year, 4);
    *at++ = '-';
    at = put_digits(at, month, 2);
    *at++ = '-';
    at = put_digits(at, day, 2);
    *at++ = 'T';
    at = put_digits(at, second_of_day / 3600, 2);
    *at++ = ':';
    at = put_digits(at, second_of_day / 60 % 60, 2);
    *at++ = ':';
    at = put_digits(at, second_of_day % 60, 2);
    if (nanoseconds != 0) {
        *at++ = '.';
        if (nanoseconds % 1000000 == 0) {
            at = put_digits(at, nanoseconds / 1000000, 3);
        } else if (nanoseconds % 1000 == 0) {
            at = put_digits(at, nanoseconds / 1000, 6);
        } else {
            at = put_digits(at, nanoseconds, 9);
        }
    }
    *at++ = 'Z';
    *at = '\0';
}

/* ---- Parsing */

typedef struct time_reader {
    const char *at;
    const char *end;
} time_reader;

static bool is_digit(char character)
{
    return character >= '0' && character <= '9';
}

/* Exactly `count` digits, with a value from low to high. */
static bool take_number(time_reader *reader, int count, int64_t low, int64_t high,
                        int64_t *ret_value)
{
    int64_t value = 0;

    if (reader->end - reader->at < count) {
        return false;
    }
    for (int i = 0; i < count; i++) {
        const char digit = *reader->at++;
        if (!is_digit(digit)) {
            return false;
        }
        value = value * 10 + (digit - '0');
    }
    *ret_value = value;
    return value >= low && value <= high;
}

static bool take(time_reader *reader, char character)
{
    if (reader->at == reader->end || *reader->at != character) {
        return false;
    }
    reader->at++;
    return true;
}

static bool take_date(time_reader *reader, int64_t *ret_days)
{
    int64_t year;
    int64_t month;
    int64_t day;

    if (!take_number(reader, 4, 0, 9999, &year) || !take(reader, '-') ||
        !take_number(reader, 2, 1, 12, &month) || !take(reader, '-') ||
        !take_number(reader, 2, 1, days_in_month(year, month), &day)) {
        return false;
    }
    *ret_days = days_of_date(year, month, day);
    return true;
}

/* One decimal or more. Those behind the ninth are less than what a stele_time can tell, and are
 * dropped. */
static bool take_fraction(time_reader *reader, int64_t *ret_nanoseconds)
{
    int64_t scale = NANOSECONDS / 10;
    int64_t value = 0;

    if (reader->at == reader->end || !is_digit(*reader->at)) {
        return false;
    }
    while (reader->at < reader->end && is_digit(*reader->at)) {
        value += (*reader->at++ - '0') * scale;
        scale /= 10;
    }
    *ret_nanoseconds = value;
    return true;
}

/* "HH:MM", "HH:MM:SS", "HH:MM:SS.F". A second 60 passes here and is told. */
static bool take_clock(time_reader *reader, int64_t *ret_seconds, int64_t *ret_nanoseconds,
                       bool *ret_is_leap)
{
    int64_t hour;
    int64_t minute;
    int64_t second = 0;

    if (!take_number(reader, 2, 0, 23, &hour) || !take(reader, ':') ||
        !take_number(reader, 2, 0, 59, &minute)) {
        return false;
    }
    if (take(reader, ':')) {
        if (!take_number(reader, 2, 0, 60, &second)) {
            return false;
        }
        if (take(reader, '.') && !take_fraction(reader, ret_nanoseconds)) {
            return false;
        }
    }
    *ret_seconds = hour * 3600 + minute * 60 + second;
    *ret_is_leap = second == 60;
    return true;
}

static bool take_zone(time_reader *reader, int64_t *ret_offset)
{
    int64_t hour;
    int64_t minute;
    bool is_west;

    *ret_offset = 0;
    if (reader->at == reader->end || take(reader, 'Z') || take(reader, 'z')) {
        return true;
    }
    is_west = take(reader, '-');
    if (!is_west && !take(reader, '+')) {
        return false;
    }
    if (!take_number(reader, 2, 0, 23, &hour) || !take(reader, ':') ||
        !take_number(reader, 2, 0, 59, &minute)) {
        return false;
    }
    *ret_offset = (hour * 3600 + minute * 60) * (is_west ? -1 : 1);
    return true;
}

/* seconds * 10^9 + nanoseconds, or false when that is out of range. Before 1970 the sum may fit
 * although the product does not. */
static bool join_time(int64_t seconds, int64_t nanoseconds, stele_time *ret_time)
{
    int64_t time;

    if (seconds < 0 && nanoseconds > 0) {
        seconds++;
        nanoseconds -= NANOSECONDS;
    }
    if (__builtin_mul_overflow(seconds, NANOSECONDS, &time) ||
        __builtin_add_overflow(time, nanoseconds, &time)) {
        return false;
    }
    *ret_time = time;
    return true;
}

int stele_time_parse(const char *text, size_t size, stele_time *ret_time)
{
    time_reader reader = {text, text ? text + size : text};
    int64_t days;
    int64_t seconds = 0;
    int64_t nanoseconds = 0;
    int64_t offset = 0;
    bool is_leap;

    if (!text || !take_date(&reader, &days)) {
        return -1;
    }
    if (reader.at == reader.end) {
        return join_time(days * DAY_SECONDS, 0, ret_time) ? 0 : -1;
    }
    if (!take(&reader, 'T') && !take(&reader, 't') && !take(&reader, ' ')) {
        return -1;
    }
    if (!take_clock(&reader, &seconds, &nanoseconds, &is_leap)) {
        return -1;
    }
    if (!take_zone(&reader, &offset) || reader.at != reader.end) {
        return -1;
    }
    seconds += days * DAY_SECONDS - offset;
    /* A second 60 exists only at the end of a day in UTC, and counts as the first of the next day.
     */
    if (is_leap && floor_divide(seconds, DAY_SECONDS) * DAY_SECONDS != seconds) {
        return -1;
    }
    return join_time(seconds, nanoseconds, ret_time) ? 0 : -1;
}

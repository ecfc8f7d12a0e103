/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers, sizes and spans of time as people write them, see text.h. */
#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void cli_add_count(cli_buffer *out, uint64_t count)
{
    char digits[24];
    const int length = snprintf(digits, sizeof digits, "%" PRIu64, count);

    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) {
            cli_buffer_add_byte(out, ',');
        }
        cli_buffer_add_byte(out, digits[i]);
    }
}

/* A value below 1,000 with three digits at most: "1.2", "31", "310". */
static void add_scaled(cli_buffer *out, double value, const char *unit)
{
    cli_buffer_format(out, value < 9.95 ? "%.1f %s" : "%.0f %s", value, unit);
}

void cli_add_short_count(cli_buffer *out, double count)
{
    static const char *const units[] = {"k", "M", "G", "T"};
    size_t unit = 0;

    if (count < 999.5) {
        cli_buffer_format(out, "%.0f", count);
        return;
    }
    count /= 1000;
    while (count >= 999.5 && unit + 1 < sizeof units / sizeof units[0]) {
        count /= 1000;
        unit++;
    }
    add_scaled(out, count, units[unit]);
}

void cli_add_bytes(cli_buffer *out, uint64_t bytes)
{
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB"};
    double value = (double)bytes / 1000;
    size_t unit = 0;

    if (bytes < 1000) {
        cli_buffer_format(out, "%" PRIu64 " B", bytes);
        return;
    }
    while (value >= 999.95 && unit + 1 < sizeof units / sizeof units[0]) {
        value /= 1000;
        unit++;
    }
    cli_buffer_format(out, "%.1f %s", value, units[unit]);
}

void cli_add_duration(cli_buffer *out, stele_duration duration)
{
    const double seconds = (double)duration / 1e9;
    const uint64_t whole = seconds > 0 ? (uint64_t)(seconds + 0.5) : 0;

    if (seconds < 0.0009995) {
        cli_buffer_format(out, "%.0f \xc2\xb5s", seconds * 1e6);
    } else if (seconds < 0.9995) {
        cli_buffer_format(out,
                          seconds < 0.00995  ? "%.2f ms"
                          : seconds < 0.0995 ? "%.1f ms"
                                             : "%.0f ms",
                          seconds * 1e3);
    } else if (seconds < 9.95) {
        cli_buffer_format(out, "%.1f s", seconds);
    } else if (whole < 60) {
        cli_buffer_format(out, "%" PRIu64 " s", whole);
    } else if (whole < 3600) {
        cli_buffer_format(out, "%" PRIu64 " min %" PRIu64 " s", whole / 60, whole % 60);
    } else {
        cli_buffer_format(out, "%" PRIu64 " h %" PRIu64 " min", whole / 3600, whole / 60 % 60);
    }
}

void cli_add_time(cli_buffer *out, stele_time time)
{
    char text[STELE_TIME_TEXT_SIZE];
    const char *fraction;
    size_t seconds_size;
    char *separator;

    stele_time_print(time, text);
    separator = strchr(text, 'T');
    if (separator) {
        *separator = ' ';
    }
    fraction = strchr(text, '.');
    seconds_size = fraction ? (size_t)(fraction - text) : strcspn(text, "Z");
    cli_buffer_add(out, text, seconds_size);
    cli_buffer_format(out, ".%.3s", fraction ? fraction + 1 : "000");
}

bool cli_time_is_out_of_range(const char *text, size_t size)
{
    enum { YEAR_SIZE = 4, CYCLE = 400, FIRST_YEAR = 1800 };
    CLI_CLEANUP_BUFFER cli_buffer shifted = {0};
    stele_time time;
    int year = 0;

    if (size < YEAR_SIZE) {
        return false;
    }
    for (size_t i = 0; i < YEAR_SIZE; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        year = year * 10 + (text[i] - '0');
    }
    /* The calendar repeats itself after 400 years: this one is in range, and as long. */
    year = FIRST_YEAR + (year + 10 * CYCLE - FIRST_YEAR) % CYCLE;
    cli_buffer_format(&shifted, "%04d", year);
    cli_buffer_add(&shifted, text + YEAR_SIZE, size - YEAR_SIZE);
    return stele_time_parse(text, size, &time) != 0 &&
           stele_time_parse(shifted.data, shifted.size, &time) == 0;
}

void cli_add_things(cli_buffer *out, uint64_t count, const char *thing)
{
    cli_add_count(out, count);
    cli_buffer_format(out, " %s%s", thing, count == 1 ? "" : "s");
}

bool cli_parse_number(const char *text, uint64_t *ret_number)
{
    uint64_t number = 0;

    if (*text == '\0') {
        return false;
    }
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9' || __builtin_mul_overflow(number, (uint64_t)10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(*text - '0'), &number)) {
            return false;
        }
    }
    *ret_number = number;
    return true;
}

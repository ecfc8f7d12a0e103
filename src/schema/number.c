/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/number.h"

#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { EXPONENT_MAX = 100000, DOUBLE_TEXT_MAX = 400 };

/* ---- the grammar */

typedef struct parts {
    bool is_negative;
    stele_text whole;
    stele_text fraction;
    int32_t exponent; /* kept within ± EXPONENT_MAX */
} parts;

static stele_text take_digits(const char **at, const char *end)
{
    const char *begin = *at;
    while (*at < end && **at >= '0' && **at <= '9') {
        (*at)++;
    }
    return (stele_text){begin, (size_t)(*at - begin)};
}

static bool take_exponent(const char **at, const char *end, int32_t *ret_exponent)
{
    bool is_negative = false;
    (*at)++;
    if (*at < end && (**at == '-' || **at == '+')) {
        is_negative = *(*at)++ == '-';
    }
    const stele_text digits = take_digits(at, end);
    int32_t exponent = 0;
    for (size_t i = 0; i < digits.size && exponent < EXPONENT_MAX; i++) {
        exponent = exponent * 10 + (digits.data[i] - '0');
    }
    exponent = exponent < EXPONENT_MAX ? exponent : EXPONENT_MAX;
    *ret_exponent = is_negative ? -exponent : exponent;
    return digits.size > 0;
}

static bool take_parts(stele_text text, parts *ret_parts)
{
    const char *at = text.data;
    const char *const end = text.data + text.size;
    *ret_parts = (parts){.is_negative = at < end && *at == '-'};
    at += ret_parts->is_negative;
    ret_parts->whole = take_digits(&at, end);
    if (ret_parts->whole.size == 0 ||
        (ret_parts->whole.size > 1 && ret_parts->whole.data[0] == '0')) {
        return false;
    }
    if (at < end && *at == '.') {
        at++;
        ret_parts->fraction = take_digits(&at, end);
        if (ret_parts->fraction.size == 0) {
            return false;
        }
    }
    if (at < end && (*at == 'e' || *at == 'E') && !take_exponent(&at, end, &ret_parts->exponent)) {
        return false;
    }
    return at == end;
}

/* ---- exact numbers */

/* Adds digits; zeros at the end are counted and not added before another digit comes. */
static bool add_digits(stele_text digits, uint64_t *number, size_t *zeros)
{
    for (size_t i = 0; i < digits.size; i++) {
        const uint64_t digit = (uint64_t)(digits.data[i] - '0');
        if (digit == 0) {
            *zeros += *number > 0;
            continue;
        }
        for (; *zeros > 0; (*zeros)--) {
            if (__builtin_mul_overflow(*number, 10, number)) {
                return false;
            }
        }
        if (__builtin_mul_overflow(*number, 10, number) ||
            __builtin_add_overflow(*number, digit, number)) {
            return false;
        }
    }
    return true;
}

bool stele__number_parse(stele_text text, stele__number *ret_number)
{
    parts found;
    size_t zeros = 0;
    if (text.size > EXPONENT_MAX || !take_parts(text, &found)) {
        return false;
    }
    *ret_number = (stele__number){.is_negative = found.is_negative};
    if (!add_digits(found.whole, &ret_number->digits, &zeros) ||
        !add_digits(found.fraction, &ret_number->digits, &zeros)) {
        return false;
    }
    if (ret_number->digits == 0) {
        ret_number->is_negative = false;
    } else {
        ret_number->exponent = found.exponent + (int32_t)zeros - (int32_t)found.fraction.size;
    }
    return true;
}

bool stele__number_unsigned(const stele__number *number, uint64_t *ret_integer)
{
    uint64_t integer = number->digits;
    if (number->is_negative || number->exponent < 0) {
        return false;
    }
    for (int32_t i = 0; i < number->exponent; i++) {
        if (__builtin_mul_overflow(integer, 10, &integer)) {
            return false;
        }
    }
    *ret_integer = integer;
    return true;
}

bool stele__number_signed(const stele__number *number, int64_t *ret_integer)
{
    const stele__number positive = {false, number->digits, number->exponent};
    uint64_t size;
    if (!stele__number_unsigned(&positive, &size) ||
        size > (uint64_t)INT64_MAX + number->is_negative) {
        return false;
    }
    *ret_integer = number->is_negative ? (int64_t)-size : (int64_t)size;
    return true;
}

bool stele__number_decimal(const stele__number *number, stele_decimal *ret_decimal)
{
    uint64_t units = number->digits;
    int32_t exponent = number->exponent;
    for (; exponent > 0 && units <= STELE_DECIMAL_UNITS_MAX; exponent--) {
        units *= 10;
    }
    if (units > STELE_DECIMAL_UNITS_MAX || -exponent > STELE_DECIMAL_SCALE_MAX) {
        return false;
    }
    *ret_decimal =
        stele_decimal_make(number->is_negative ? -(int64_t)units : (int64_t)units, -exponent);
    return true;
}

/* ---- doubles */

/* What this program's locale writes between digits; strtod() and printf() mind it. */
static char decimal_point(void)
{
    char text[8];
    (void)snprintf(text, sizeof text, "%.1f", 0.5);
    return text[1];
}

bool stele__number_double(stele_text text, double *ret_number)
{
    char copy[DOUBLE_TEXT_MAX + 1];
    parts found;
    if (stele__text_equal(text, stele__text("NaN"))) {
        *ret_number = (double)NAN;
        return true;
    }
    if (stele__text_equal(text, stele__text("Infinity")) ||
        stele__text_equal(text, stele__text("-Infinity"))) {
        *ret_number = text.data[0] == '-' ? -(double)INFINITY : (double)INFINITY;
        return true;
    }
    if (text.size > DOUBLE_TEXT_MAX || !take_parts(text, &found)) {
        return false;
    }
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    char *point = strchr(copy, '.');
    if (point) {
        *point = decimal_point();
    }
    *ret_number = strtod(copy, NULL);
    return isfinite(*ret_number);
}

void stele__number_print(double number, char ret_text[STELE_NUMBER_TEXT_SIZE])
{
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(ret_text, STELE_NUMBER_TEXT_SIZE, "%.*g", digits, number);
        if (strtod(ret_text, NULL) == number) {
            break;
        }
    }
    const char point = decimal_point();
    char *at = point == '.' ? NULL : strchr(ret_text, point);
    if (at) {
        *at = '.';
    }
}

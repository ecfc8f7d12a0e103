/* SPDX-License-Identifier: Apache-2.0 */
/* Exact decimals. Everything is computed in 128 bits and then fitted: D1 a result is exact, or
 * rounded as asked, or no number; D2 what comes out of any function here is in range or no number.
 */
#include <stele/decimal.h>

#include <stdbool.h>
#include <string.h>

__extension__ typedef __int128 wide;

static const int64_t powers[STELE_DECIMAL_SCALE_MAX + 1] = {
    INT64_C(1),
    INT64_C(10),
    INT64_C(100),
    INT64_C(1000),
    INT64_C(10000),
    INT64_C(100000),
    INT64_C(1000000),
    INT64_C(10000000),
    INT64_C(100000000),
    INT64_C(1000000000),
    INT64_C(10000000000),
    INT64_C(100000000000),
    INT64_C(1000000000000),
    INT64_C(10000000000000),
    INT64_C(100000000000000),
    INT64_C(1000000000000000),
    INT64_C(10000000000000000),
    INT64_C(100000000000000000),
    INT64_C(1000000000000000000),
};

static stele_decimal nothing(void)
{
    return (stele_decimal){0, STELE_NOT_A_DECIMAL_SCALE, 0};
}

static bool is_scale(int scale)
{
    return scale >= 0 && scale <= STELE_DECIMAL_SCALE_MAX;
}

static bool fits(wide number)
{
    return number <= STELE_DECIMAL_UNITS_MAX && number >= -STELE_DECIMAL_UNITS_MAX;
}

int stele_decimal_is_number(stele_decimal decimal)
{
    return is_scale(decimal.scale) && fits(decimal.units);
}

stele_decimal stele_decimal_make(int64_t units, int scale)
{
    const stele_decimal made = {units, scale, 0};
    return stele_decimal_is_number(made) ? made : nothing();
}

stele_decimal stele_decimal_from_int(int64_t number)
{
    return stele_decimal_make(number, 0);
}

/* A number with any scale up to 36, less the zeros that keep it from fitting. */
static stele_decimal fit(wide number, int scale)
{
    while (scale > 0 && (scale > STELE_DECIMAL_SCALE_MAX || !fits(number)) && number % 10 == 0) {
        number /= 10;
        scale--;
    }
    return is_scale(scale) && fits(number) ? (stele_decimal){(int64_t)number, scale, 0} : nothing();
}

/* ---- rounding */

/* The quotient of two non-negative numbers, `divisor` above 0, whose last digit is decided by what
 * remains. -1: there is a remainder, and none is allowed. */
static wide round_quotient(wide quotient, wide remainder, wide divisor, stele_rounding rounding)
{
    if (remainder == 0) {
        return quotient;
    }
    const wide rest = divisor - remainder; /* not twice the remainder, which may overflow */
    switch (rounding) {
    case STELE_ROUND_DOWN:
        return quotient;
    case STELE_ROUND_HALF_AWAY:
        return quotient + (remainder >= rest);
    case STELE_ROUND_HALF_EVEN:
        return quotient + (remainder > rest || (remainder == rest && quotient % 2 != 0));
    case STELE_ROUND_EXACTLY:
        break;
    }
    return -1;
}

/* number / 10^digits, rounded; digits up to 36. */
static bool cut(wide *number, int digits, stele_rounding rounding)
{
    const bool is_negative = *number < 0;
    wide divisor = 1;
    for (int i = 0; i < digits; i++) {
        divisor *= 10;
    }
    const wide size = is_negative ? -*number : *number;
    const wide rounded = round_quotient(size / divisor, size % divisor, divisor, rounding);
    *number = is_negative ? -rounded : rounded;
    return rounded >= 0;
}

/* A number of scale `from`, up to 36, as one of scale `to`. */
static stele_decimal scale_to(wide number, int from, int to, stele_rounding rounding)
{
    if (!is_scale(to)) {
        return nothing();
    }
    if (to < from) {
        if (!cut(&number, from - to, rounding)) {
            return nothing();
        }
    } else {
        if (!fits(number)) {
            return nothing();
        }
        number *= powers[to - from];
    }
    return fits(number) ? (stele_decimal){(int64_t)number, to, 0} : nothing();
}

stele_decimal stele_decimal_rescale(stele_decimal decimal, int scale, stele_rounding rounding)
{
    return stele_decimal_is_number(decimal)
               ? scale_to(decimal.units, decimal.scale, scale, rounding)
               : nothing();
}

/* ---- computing */

int stele_decimal_compare(stele_decimal a, stele_decimal b)
{
    const bool is_a = stele_decimal_is_number(a);
    const bool is_b = stele_decimal_is_number(b);
    if (!is_a || !is_b) {
        return (int)is_a - (int)is_b;
    }
    wide left = a.units;
    wide right = b.units;
    if (a.scale < b.scale) {
        left *= powers[b.scale - a.scale];
    } else {
        right *= powers[a.scale - b.scale];
    }
    return (left > right) - (left < right);
}

stele_decimal stele_decimal_add(stele_decimal a, stele_decimal b)
{
    if (!stele_decimal_is_number(a) || !stele_decimal_is_number(b)) {
        return nothing();
    }
    const int scale = a.scale > b.scale ? a.scale : b.scale;
    return fit((wide)a.units * powers[scale - a.scale] + (wide)b.units * powers[scale - b.scale],
               scale);
}

stele_decimal stele_decimal_negate(stele_decimal a)
{
    return stele_decimal_is_number(a) ? (stele_decimal){-a.units, a.scale, 0} : nothing();
}

stele_decimal stele_decimal_subtract(stele_decimal a, stele_decimal b)
{
    return stele_decimal_add(a, stele_decimal_negate(b));
}

stele_decimal stele_decimal_multiply(stele_decimal a, stele_decimal b)
{
    return stele_decimal_is_number(a) && stele_decimal_is_number(b)
               ? fit((wide)a.units * b.units, a.scale + b.scale)
               : nothing();
}

stele_decimal stele_decimal_multiply_to(stele_decimal a, stele_decimal b, int scale,
                                        stele_rounding rounding)
{
    return stele_decimal_is_number(a) && stele_decimal_is_number(b)
               ? scale_to((wide)a.units * b.units, a.scale + b.scale, scale, rounding)
               : nothing();
}

/* Long division: `digits` more digits of the quotient of two positive numbers. */
static bool divide(wide number, wide divisor, int digits, stele_rounding rounding, wide *ret_number)
{
    wide quotient = number / divisor;
    wide remainder = number % divisor;
    for (int i = 0; i < digits; i++) {
        if (!fits(quotient)) {
            return false;
        }
        remainder *= 10;
        quotient = quotient * 10 + remainder / divisor;
        remainder %= divisor;
    }
    *ret_number = round_quotient(quotient, remainder, divisor, rounding);
    return *ret_number >= 0 && fits(*ret_number);
}

stele_decimal stele_decimal_divide_to(stele_decimal a, stele_decimal b, int scale,
                                      stele_rounding rounding)
{
    if (!stele_decimal_is_number(a) || !stele_decimal_is_number(b) || b.units == 0 ||
        !is_scale(scale)) {
        return nothing();
    }
    const bool is_negative = (a.units < 0) != (b.units < 0);
    const wide number = a.units < 0 ? -a.units : a.units;
    wide divisor = b.units < 0 ? -b.units : b.units;
    int digits = scale + b.scale - a.scale;
    for (; digits < 0; digits++) {
        divisor *= 10;
    }
    wide quotient;
    if (!divide(number, divisor, digits, rounding, &quotient)) {
        return nothing();
    }
    return (stele_decimal){(int64_t)(is_negative ? -quotient : quotient), scale, 0};
}

/* ---- text */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

int stele_decimal_parse(const char *text, size_t size, stele_decimal *ret_decimal)
{
    const char *const end = text + size;
    const bool has_sign = size > 0 && (*text == '-' || *text == '+');
    const bool is_negative = has_sign && *text == '-';
    const char *at = text + has_sign;
    int64_t units = 0;
    int scale = 0;
    bool is_behind = false;
    if (at == end || !is_digit(*at) || !is_digit(end[-1])) {
        return -1;
    }
    for (; at < end; at++) {
        if (*at == '.' && !is_behind) {
            is_behind = true;
            continue;
        }
        if (!is_digit(*at) || units > STELE_DECIMAL_UNITS_MAX / 10 ||
            (is_behind && scale == STELE_DECIMAL_SCALE_MAX)) {
            return -1;
        }
        units = units * 10 + (*at - '0');
        scale += is_behind;
    }
    *ret_decimal = (stele_decimal){is_negative ? -units : units, scale, 0};
    return 0;
}

stele_decimal stele_decimal_of(const char *text)
{
    stele_decimal parsed;
    return text && stele_decimal_parse(text, strlen(text), &parsed) == 0 ? parsed : nothing();
}

static void print(int64_t units, int scale, char *ret_text)
{
    char reversed[STELE_DECIMAL_TEXT_SIZE];
    size_t count = 0;
    uint64_t rest = units < 0 ? (uint64_t)-units : (uint64_t)units;
    for (int digit = 0; rest > 0 || digit <= scale; digit++) {
        if (digit == scale && scale > 0) {
            reversed[count++] = '.';
        }
        reversed[count++] = (char)('0' + rest % 10);
        rest /= 10;
    }
    if (units < 0) {
        reversed[count++] = '-';
    }
    while (count > 0) {
        *ret_text++ = reversed[--count];
    }
    *ret_text = '\0';
}

void stele_decimal_print(stele_decimal decimal, char ret_text[STELE_DECIMAL_TEXT_SIZE])
{
    if (!stele_decimal_is_number(decimal)) {
        memcpy(ret_text, "not a number", sizeof "not a number");
        return;
    }
    while (decimal.scale > 0 && decimal.units % 10 == 0) {
        decimal.units /= 10;
        decimal.scale--;
    }
    print(decimal.units, decimal.scale, ret_text);
}

void stele_decimal_print_fixed(stele_decimal decimal, int digits,
                               char ret_text[STELE_DECIMAL_TEXT_SIZE])
{
    const stele_decimal rounded = stele_decimal_rescale(decimal, digits, STELE_ROUND_HALF_AWAY);
    if (stele_decimal_is_number(rounded)) {
        print(rounded.units, rounded.scale, ret_text);
    } else {
        stele_decimal_print(decimal, ret_text);
    }
}

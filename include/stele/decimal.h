/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file stele/decimal.h
 * @brief Exact decimal numbers, for money and quantities: what SQL calls DECIMAL(18, scale).
 *
 * A decimal is a plain value of 16 bytes: at most 18 digits, of which 0 to 18 stand behind the point. Sums, differences
 * and products are exact or no number at all: where a result does not fit, it is ::STELE_NOT_A_DECIMAL, and so is
 * everything computed from it. So a computation is written as an expression and looked at once, at its end; entities
 * and schemas refuse to store what is no number. Nothing here allocates or keeps state; any thread.
 *
 *     stele_decimal balance = stele_decimal_add(account->balance, stele_decimal_of("1000.50"));
 *     if (stele_decimal_less(balance, stele_decimal_of("0"))) …
 *
 * Numbers are compared by value: 1.5 equals 1.50. The scale only says how many digits behind the point are kept.
 */
#ifndef STELE_DECIMAL_H
#define STELE_DECIMAL_H

#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define STELE_DECIMAL_DIGITS_MAX 18 /**< of the whole number */
#define STELE_DECIMAL_SCALE_MAX 18  /**< of them behind the point */
#define STELE_DECIMAL_UNITS_MAX INT64_C(999999999999999999)

/** The number units / 10^scale. All zero bytes are the number 0. */
typedef struct stele_decimal {
    int64_t units; /**< at most ::STELE_DECIMAL_UNITS_MAX, either sign */
    int32_t scale; /**< 0 to ::STELE_DECIMAL_SCALE_MAX; anything else: no number */
    int32_t zero;  /**< 0: so that equal representations are equal bytes */
} stele_decimal;

/** What a computation becomes that has no exact result. */
#define STELE_NOT_A_DECIMAL_SCALE INT32_C(-1)

/** How a digit that is cut off changes the one before it. */
typedef enum stele_rounding {
    STELE_ROUND_EXACTLY = 0,   /**< no digit but 0 may be cut off; else the result is no number */
    STELE_ROUND_HALF_EVEN = 1, /**< to the nearest, a half to the even neighbour ("banker's rounding") */
    STELE_ROUND_HALF_AWAY = 2, /**< to the nearest, a half away from zero (what is taught in school) */
    STELE_ROUND_DOWN = 3       /**< towards zero */
} stele_rounding;

/** The room that stele_decimal_print() needs at most: sign, 18 digits, a zero and a point before them, NUL. */
#define STELE_DECIMAL_TEXT_SIZE 24

/** units / 10^scale, unchecked otherwise than by becoming no number when it is out of range. */
STELE_API stele_decimal stele_decimal_make(int64_t units, int scale);
/** A whole number. */
STELE_API stele_decimal stele_decimal_from_int(int64_t number);
/** The number that a NUL-terminated text says, as "-12.50"; no number if it says none. For literals; text that comes
 * from outside is better given to stele_decimal_parse(). */
STELE_API stele_decimal stele_decimal_of(const char *text);

/**
 * Parses an optional sign, digits, and optionally a point and digits: "12", "-0.5", "+1.50". No exponent, no blank, no
 * grouping; at least one digit before the point and one behind it. The scale is the count of digits behind the point.
 *
 * @param text borrowed, `size` bytes. Returns 0; -1 and leaves `ret_decimal` alone if it is something else or has more
 * than 18 digits (zeros in front do not count).
 */
STELE_API int stele_decimal_parse(const char *text, size_t size, stele_decimal *ret_decimal);

/** Writes the shortest text that says the number, without zeros at its end: "50000", "-0.5"; "not a number" if it is
 * none. Never fails. */
STELE_API void stele_decimal_print(stele_decimal decimal, char ret_text[STELE_DECIMAL_TEXT_SIZE]);
/** Writes exactly `digits` (0 to 18) digits behind the point, rounded half away from zero: "1000.00". What does not fit
 * into 18 digits so is written as stele_decimal_print() does. */
STELE_API void stele_decimal_print_fixed(stele_decimal decimal, int digits, char ret_text[STELE_DECIMAL_TEXT_SIZE]);

/** Not 0: it is a number in range. */
STELE_API int stele_decimal_is_number(stele_decimal decimal);
/** Below, equal or above 0: a is less than, equal to or greater than b. What is no number is less than every number and
 * equal to its like. */
STELE_API int stele_decimal_compare(stele_decimal a, stele_decimal b);
static inline int stele_decimal_equal(stele_decimal a, stele_decimal b)
{
    return stele_decimal_compare(a, b) == 0;
}
static inline int stele_decimal_less(stele_decimal a, stele_decimal b)
{
    return stele_decimal_compare(a, b) < 0;
}

/** The exact sum; its scale is the larger one, or smaller where only zeros are dropped to make it fit. */
STELE_API stele_decimal stele_decimal_add(stele_decimal a, stele_decimal b);
/** The exact difference. As stele_decimal_add() otherwise. */
STELE_API stele_decimal stele_decimal_subtract(stele_decimal a, stele_decimal b);
/** The number with the other sign. */
STELE_API stele_decimal stele_decimal_negate(stele_decimal a);
/** The exact product; its scale is the sum of both, or smaller where only zeros are dropped to make it fit. Round
 * afterwards with stele_decimal_rescale(); to multiply and round at once use stele_decimal_multiply_to(). */
STELE_API stele_decimal stele_decimal_multiply(stele_decimal a, stele_decimal b);
/** The product rounded to `scale` digits behind the point. */
STELE_API stele_decimal stele_decimal_multiply_to(stele_decimal a, stele_decimal b, int scale, stele_rounding rounding);
/** The quotient rounded to `scale` digits behind the point; no number if b is 0. */
STELE_API stele_decimal stele_decimal_divide_to(stele_decimal a, stele_decimal b, int scale, stele_rounding rounding);
/** The same number with another scale. */
STELE_API stele_decimal stele_decimal_rescale(stele_decimal decimal, int scale, stele_rounding rounding);

#ifdef __cplusplus
}
#endif
#endif

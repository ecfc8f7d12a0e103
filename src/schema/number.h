/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as text: exact ones as digits and a power of ten, and doubles, whatever the locale. */
#ifndef STELE_SCHEMA_NUMBER_H
#define STELE_SCHEMA_NUMBER_H

#include <stele/decimal.h>

#include <stdbool.h>

enum { STELE_NUMBER_TEXT_SIZE = 40 };

/* digits * 10^exponent, without zeros at the end of digits; 0 has exponent 0. */
typedef struct stele__number {
    bool is_negative;
    uint64_t digits;
    int32_t exponent;
} stele__number;

/* By the grammar of JSON. False: something else, or digits beyond 64 bits. */
bool stele__number_parse(stele_text text, stele__number *ret_number);
/* False: not whole, or out of range. */
bool stele__number_signed(const stele__number *number, int64_t *ret_integer);
bool stele__number_unsigned(const stele__number *number, uint64_t *ret_integer);
/* False: more than 18 digits. */
bool stele__number_decimal(const stele__number *number, stele_decimal *ret_decimal);

/* The nearest double, also "Infinity", "-Infinity" and "NaN". False: something else, or finite but
 * out of range. */
bool stele__number_double(stele_text text, double *ret_number);
/* The shortest text of 15 to 17 digits that means this finite number. */
void stele__number_print(double number, char ret_text[STELE_NUMBER_TEXT_SIZE]);

#endif

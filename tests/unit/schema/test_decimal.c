/* SPDX-License-Identifier: Apache-2.0 */
/* Exact decimals, against arithmetic in 128 bits and by hand. */
#include "base/prng.h"
#include "stele/decimal.h"
#include "support/test.h"

#include <stdio.h>
#include <string.h>

static const char *print(stele_decimal decimal)
{
    char *text = test_memory(STELE_DECIMAL_TEXT_SIZE);
    stele_decimal_print(decimal, text);
    return text;
}

static const char *print_fixed(const char *number, int digits)
{
    char *text = test_memory(STELE_DECIMAL_TEXT_SIZE);
    stele_decimal_print_fixed(stele_decimal_of(number), digits, text);
    return text;
}

/* ---- text */

static const struct {
    const char *text;
    const char *printed; /* NULL: it is none */
    int scale;
} texts[] = {
    {"0", "0", 0},
    {"-0", "0", 0},
    {"+5", "5", 0},
    {"50000", "50000", 0},
    {"50000.00000000", "50000", 8},
    {"0.1", "0.1", 1},
    {"-12.50", "-12.5", 2},
    {"000123.4", "123.4", 1},
    {"999999999999999999", "999999999999999999", 0},
    {"-999999999999999999", "-999999999999999999", 0},
    {"0.999999999999999999", "0.999999999999999999", 18},
    {"9999999999.99999999", "9999999999.99999999", 8},
    {"0.000000000000000001", "0.000000000000000001", 18},
    {"0.0000000000000000001", NULL, 0},
    {"1000000000000000000", NULL, 0},
    {"", NULL, 0},
    {"-", NULL, 0},
    {".5", NULL, 0},
    {"5.", NULL, 0},
    {"1e3", NULL, 0},
    {" 1", NULL, 0},
    {"1 ", NULL, 0},
    {"1,000", NULL, 0},
    {"1.2.3", NULL, 0},
    {"--1", NULL, 0},
    {"0x10", NULL, 0},
    {"NaN", NULL, 0},
};

TEST_ROWS(text_is_parsed_and_printed, texts)
{
    stele_decimal parsed = {7, 7, 0};
    const char *text = texts[row].text;
    const int result = stele_decimal_parse(text, strlen(text), &parsed);
    if (texts[row].printed) {
        expect_int(result, 0);
        expect_int(parsed.scale, texts[row].scale);
        expect_text(print(parsed), texts[row].printed);
        expect_true(stele_decimal_equal(stele_decimal_of(text), parsed));
    } else {
        expect_int(result, -1);
        expect_int(parsed.units, 7);
        expect_false(stele_decimal_is_number(stele_decimal_of(text)));
        expect_text(print(stele_decimal_of(text)), "not a number");
    }
}

TEST(a_fixed_count_of_digits_is_rounded_half_away_from_zero)
{
    expect_text(print_fixed("1000", 2), "1000.00");
    expect_text(print_fixed("0.005", 2), "0.01");
    expect_text(print_fixed("-0.005", 2), "-0.01");
    expect_text(print_fixed("0.0049", 2), "0.00");
    expect_text(print_fixed("12.5", 0), "13");
    expect_text(print_fixed("99.995", 2), "100.00");
    expect_text(print_fixed("999999999999999999", 2), "999999999999999999");
    expect_text(print_fixed("0", 18), "0.000000000000000000");
}

TEST(zero_bytes_are_the_number_0)
{
    stele_decimal zero;
    memset(&zero, 0, sizeof zero);
    expect_true(stele_decimal_is_number(zero));
    expect_true(stele_decimal_equal(zero, stele_decimal_of("0.00")));
}

/* ---- computing */

static const struct {
    const char *a;
    char operation;
    const char *b;
    const char *result;
} sums[] = {
    {"1000", '+', "0.01", "1000.01"},
    {"0.1", '+', "0.2", "0.3"},
    {"1.5", '-', "1.50", "0"},
    {"-1", '-', "-3", "2"},
    {"999999999999999999", '+', "1", "not a number"},
    {"999999999999999998", '+', "1", "999999999999999999"},
    {"999999999999999998.0", '+', "1", "not a number"},
    {"99999999999999999.0", '+', "1", "100000000000000000"},
    {"999999999999999999", '+', "0.000000000000000000", "999999999999999999"},
    {"999999999999999999", '-', "0.1", "not a number"},
    {"51000", '*', "1.5", "76500"},
    {"0.000000001", '*', "0.000000001", "0.000000000000000001"},
    {"0.0000000001", '*', "0.000000001", "not a number"},
    {"0.0000000010", '*', "0.000000001", "0.000000000000000001"},
    {"999999999", '*', "1000000001", "999999999999999999"},
    {"999999999", '*', "1000000002", "not a number"},
    {"999999999", '*', "-999999999", "-999999998000000001"},
    {"nothing", '+', "1", "not a number"},
    {"1", '-', "nothing", "not a number"},
    {"nothing", '*', "0", "not a number"},
};

TEST_ROWS(sums_and_products_are_exact_or_none, sums)
{
    const stele_decimal a = stele_decimal_of(sums[row].a);
    const stele_decimal b = stele_decimal_of(sums[row].b);
    const stele_decimal result = sums[row].operation == '+'   ? stele_decimal_add(a, b)
                                 : sums[row].operation == '-' ? stele_decimal_subtract(a, b)
                                                              : stele_decimal_multiply(a, b);
    expect_text(print(result), sums[row].result);
}

static const struct {
    const char *number;
    int scale;
    stele_rounding rounding;
    const char *result;
} roundings[] = {
    {"1.25", 1, STELE_ROUND_HALF_EVEN, "1.2"},
    {"1.35", 1, STELE_ROUND_HALF_EVEN, "1.4"},
    {"-1.25", 1, STELE_ROUND_HALF_EVEN, "-1.2"},
    {"1.2500001", 1, STELE_ROUND_HALF_EVEN, "1.3"},
    {"1.25", 1, STELE_ROUND_HALF_AWAY, "1.3"},
    {"-1.25", 1, STELE_ROUND_HALF_AWAY, "-1.3"},
    {"1.2499", 1, STELE_ROUND_HALF_AWAY, "1.2"},
    {"1.29", 1, STELE_ROUND_DOWN, "1.2"},
    {"-1.29", 1, STELE_ROUND_DOWN, "-1.2"},
    {"1.20", 1, STELE_ROUND_EXACTLY, "1.2"},
    {"1.25", 1, STELE_ROUND_EXACTLY, "not a number"},
    {"1", 18, STELE_ROUND_EXACTLY, "not a number"},
    {"0", 18, STELE_ROUND_EXACTLY, "0"},
    {"1", 19, STELE_ROUND_EXACTLY, "not a number"},
    {"1", -1, STELE_ROUND_DOWN, "not a number"},
};

TEST_ROWS(another_scale_rounds_as_asked, roundings)
{
    const stele_decimal result =
        stele_decimal_rescale(stele_decimal_of(roundings[row].number), roundings[row].scale,
                              roundings[row].rounding);
    expect_text(print(result), roundings[row].result);
    if (stele_decimal_is_number(result)) {
        expect_int(result.scale, roundings[row].scale);
    }
}

static const struct {
    const char *a;
    const char *b;
    int scale;
    stele_rounding rounding;
    const char *result;
} quotients[] = {
    {"10", "4", 1, STELE_ROUND_EXACTLY, "2.5"},
    {"10", "3", 2, STELE_ROUND_DOWN, "3.33"},
    {"20", "3", 2, STELE_ROUND_HALF_AWAY, "6.67"},
    {"-20", "3", 2, STELE_ROUND_HALF_AWAY, "-6.67"},
    {"1", "8", 2, STELE_ROUND_HALF_EVEN, "0.12"},
    {"3", "8", 2, STELE_ROUND_HALF_EVEN, "0.38"},
    {"10", "3", 2, STELE_ROUND_EXACTLY, "not a number"},
    {"1", "0", 2, STELE_ROUND_DOWN, "not a number"},
    {"0", "7", 2, STELE_ROUND_EXACTLY, "0"},
    {"1", "0.000000000000000001", 0, STELE_ROUND_EXACTLY, "not a number"},
    {"0.999999999999999999", "0.000000000000000001", 0, STELE_ROUND_EXACTLY, "999999999999999999"},
    {"0.000000000000000001", "999999999999999999", 18, STELE_ROUND_DOWN, "0"},
    {"0.000000000000000001", "1", 0, STELE_ROUND_HALF_AWAY, "0"},
    {"999999999999999999", "0.000000000000000001", 18, STELE_ROUND_DOWN, "not a number"},
};

TEST_ROWS(quotients_are_rounded_as_asked, quotients)
{
    expect_text(print(stele_decimal_divide_to(stele_decimal_of(quotients[row].a),
                                              stele_decimal_of(quotients[row].b),
                                              quotients[row].scale, quotients[row].rounding)),
                quotients[row].result);
}

TEST(numbers_are_compared_by_value)
{
    const stele_decimal nothing = stele_decimal_of("nothing");
    expect_true(stele_decimal_equal(stele_decimal_of("1.5"), stele_decimal_of("1.500")));
    expect_true(
        stele_decimal_less(stele_decimal_of("-1"), stele_decimal_of("0.000000000000000001")));
    expect_true(stele_decimal_less(stele_decimal_of("999999999999999998"),
                                   stele_decimal_of("999999999999999999")));
    expect_false(stele_decimal_less(stele_decimal_of("2"), stele_decimal_of("1.9")));
    expect_true(stele_decimal_less(nothing, stele_decimal_of("-999999999999999999")));
    expect_true(stele_decimal_equal(nothing, stele_decimal_make(1, 99)));
}

/* ---- at random */

__extension__ typedef __int128 wide;

static stele_decimal draw(stele__prng *prng)
{
    const int digits = (int)stele__prng_below(prng, 19);
    uint64_t most = 1;
    for (int i = 0; i < digits; i++) {
        most *= 10;
    }
    const int64_t units = (int64_t)stele__prng_below(prng, most);
    return stele_decimal_make(stele__prng_below(prng, 2) ? units : -units,
                              (int)stele__prng_below(prng, 19));
}

static wide at_scale(stele_decimal decimal, int scale)
{
    wide number = decimal.units;
    for (int i = decimal.scale; i < scale; i++) {
        number *= 10;
    }
    return number;
}

TEST(sums_products_and_quotients_keep_the_laws_of_arithmetic)
{
    stele__prng prng;
    uint64_t numbers = 0;
    stele__prng_seed(&prng, test_seed());
    for (uint64_t i = 0; i < test_scaled(200000); i++) {
        const stele_decimal a = draw(&prng);
        const stele_decimal b = draw(&prng);
        const stele_decimal sum = stele_decimal_add(a, b);
        const stele_decimal product = stele_decimal_multiply(a, b);
        char text[STELE_DECIMAL_TEXT_SIZE];
        stele_decimal_print(a, text);
        expect_true(stele_decimal_equal(stele_decimal_of(text), a));
        expect_int(stele_decimal_compare(a, b), -stele_decimal_compare(b, a));
        expect_int(stele_decimal_compare(sum, stele_decimal_add(b, a)), 0);
        expect_int(stele_decimal_compare(product, stele_decimal_multiply(b, a)), 0);
        if (stele_decimal_is_number(sum)) {
            numbers++;
            expect_true(at_scale(sum, 18) == at_scale(a, 18) + at_scale(b, 18));
            expect_true(stele_decimal_equal(stele_decimal_subtract(sum, b), a));
        }
        if (stele_decimal_is_number(product) && b.units != 0) {
            numbers++;
            expect_true(stele_decimal_equal(stele_decimal_divide_to(product, b, a.scale,
                                                                    STELE_ROUND_EXACTLY),
                                            a));
        }
    }
    test_note("%llu results were numbers", (unsigned long long)numbers);
    expect_true(numbers > 1000);
}

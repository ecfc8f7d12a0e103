/* SPDX-License-Identifier: Apache-2.0 */
/* Described structs: comparing, JSON, the compact form. */
#include "base/json.h"
#include "sample.h"
#include "schema/schema.h"
#include "support/test.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static stele_error error;

static const char *to_json(const stele_schema *schema, const void *object)
{
    char *text = test_memory(4096);
    stele_writer to = stele_writer_in(text, 4095);
    expect_ok(stele_schema_write_json(schema, object, &to, &error), &error);
    return text;
}

static stele_status from_json(const char *json, sample *ret_sample)
{
    return stele_schema_read_json(sample_schema(), json, strlen(json), ret_sample, &error);
}

static sample ordinary(void)
{
    return (sample){.id = 1,
                    .active = true,
                    .tiny = -1,
                    .large = INT64_MIN,
                    .ratio = 0.1,
                    .price = stele_decimal_of("50000.50"),
                    .symbol = "BTC\"USDT",
                    .blob = {1, 2, 255},
                    .blob_size = 3,
                    .way = SIDE_SELL,
                    .when = 1000000000,
                    .home = {.street = "Ring", .number = 7},
                    .has_limit = true,
                    .limit = stele_decimal_of("-0.25"),
                    .marks = {3, -4},
                    .marks_count = 2,
                    .words = {"one", "two"},
                    .words_count = 2,
                    .others = {{.number = 9, .has_city = true, .city = "Ulm"}},
                    .others_count = 1,
                    .secret = 42,
                    .touched = 5};
}

TEST(a_schema_that_can_be_worked_with_passes)
{
    expect_ok(stele_schema_check(sample_schema(), &error), &error);
    expect_ok(stele_schema_check(address_schema(), &error), &error);
    expect_uint(sample_schema()->field_count, 24);
    expect_uint(sample_schema()->size, sizeof(sample));
}

/* ---- what cannot be worked with */

#define TWICE_FIELDS(F) F(u8, a) F(u8, b, AS("a"))
STELE_SCHEMA(twice, TWICE_FIELDS)
#define UNNAMED_FIELDS(F) F(u8, a, AS("\xff"))
STELE_SCHEMA(unnamed, UNNAMED_FIELDS)
#define LONG_FIELDS(F) F(decimal(19), a)
STELE_SCHEMA(too_long, LONG_FIELDS)
typedef enum same_value { SAME_A = 1, SAME_B = 1 } same_value;
#define SAME_VALUES(V) V(SAME_A, "a") V(SAME_B, "b")
STELE_CHOICE_NAMES(same_value, SAME_VALUES)
#define SAME_FIELDS(F) F(choice(same_value), a)
STELE_SCHEMA(same, SAME_FIELDS)
#define SAME_NAMES(V) V(NAME_A, "a") V(NAME_B, "a")
STELE_CHOICE(same_name, SAME_NAMES)
#define SAME_NAME_FIELDS(F) F(choice(same_name), a)
STELE_SCHEMA(named_same, SAME_NAME_FIELDS)
#define D1(F) F(u8, a)
STELE_SCHEMA(deep1, D1)
#define D2(F) F(nested(deep1), a)
STELE_SCHEMA(deep2, D2)
#define D3(F) F(nested(deep2), a)
STELE_SCHEMA(deep3, D3)
#define D4(F) F(nested(deep3), a)
STELE_SCHEMA(deep4, D4)
#define D5(F) F(nested(deep4), a)
STELE_SCHEMA(deep5, D5)
#define D6(F) F(nested(deep5), a)
STELE_SCHEMA(deep6, D6)
#define D7(F) F(nested(deep6), a)
STELE_SCHEMA(deep7, D7)
#define D8(F) F(nested(deep7), a)
STELE_SCHEMA(deep8, D8)
#define D9(F) F(nested(deep8), a)
STELE_SCHEMA(deep9, D9)

static const stele_schema *recursive_schema(void)
{
    static const stele_field field = {.member = "a",
                                      .alias = "",
                                      .size = 1,
                                      .kind = STELE_KIND_NESTED,
                                      .nested = recursive_schema};
    static const stele_schema schema = {"recursive", 1, &field, 1, 1};
    return &schema;
}

static const struct {
    const char *name;
    const stele_schema *(*schema)(void);
    stele_detail cause;
} refused[] = {
    {"two fields of one name", twice_schema, STELE_INVALID_NAME},
    {"a name that is no UTF-8", unnamed_schema, STELE_INVALID_NAME},
    {"19 digits behind the point", too_long_schema, (stele_detail)STELE_INVALID},
    {"two values that are one", same_schema, (stele_detail)STELE_INVALID},
    {"two values of one name", named_same_schema, (stele_detail)STELE_INVALID},
    {"nine structs inside each other", deep9_schema, STELE_INVALID_LIMIT},
    {"a struct inside itself", recursive_schema, STELE_INVALID_LIMIT},
};

TEST_ROWS(a_schema_that_cannot_be_worked_with_is_refused, refused)
{
    expect_error(stele_schema_check(refused[row].schema(), &error), &error, refused[row].cause);
    expect_ok(stele_schema_check(deep8_schema(), &error), &error);
}

/* ---- comparing */

static const char *diff(const sample *before, const sample *after)
{
    stele_change changes[24];
    char *text = test_memory(400);
    stele_writer to = stele_writer_in(text, 399);
    const size_t count = stele_schema_diff(sample_schema(), before, after, changes, 24);
    for (size_t i = 0; i < count; i++) {
        expect_true(changes[i].before == before && changes[i].after == after);
        (void)stele_writef(&to, "%s%s", i ? " " : "", stele_field_name(changes[i].field));
    }
    expect_int(stele_schema_equal(sample_schema(), before, after), count == 0);
    return text;
}

TEST(only_fields_that_differ_are_changes_in_the_order_of_declaration)
{
    const sample before = ordinary();
    sample after = before;
    expect_text(diff(&before, &after), "");
    after.words_count = 1;
    after.price = stele_decimal_of("50000.51");
    after.active = false;
    after.home.number = 8;
    after.others[0].city[0] = 'O';
    expect_text(diff(&before, &after), "active Price home words others");
    stele_change two[2];
    expect_uint(stele_schema_diff(sample_schema(), &before, &after, two, 2), 5);
    expect_text(stele_field_name(two[1].field), "Price");
    expect_uint(stele_schema_diff(sample_schema(), &before, &after, NULL, 0), 5);
}

TEST(values_are_compared_and_not_bytes)
{
    const sample before = ordinary();
    sample after = before;
    after.price = stele_decimal_of("50000.5");
    STELE_SET_TEXT(after.symbol, "x");
    STELE_SET_TEXT(after.symbol, "BTC\"USDT");
    after.symbol[12] = 'y';                  /* behind the end */
    after.marks[3] = 99;                     /* behind the count */
    after.blob[5] = 9;                       /* behind the size */
    STELE_SET_TEXT(after.home.city, "Bonn"); /* it has none */
    after.secret = 1;
    after.touched = 1;
    expect_text(diff(&before, &after), "");
    after.has_limit = false;
    expect_text(diff(&before, &after), "limit");
    sample left = before;
    sample right = before;
    left.ratio = (double)NAN;
    right.ratio = -(double)NAN;
    expect_text(diff(&left, &right), "");
    left.ratio = 0.0;
    right.ratio = -0.0;
    expect_text(diff(&left, &right), "ratio");
}

TEST(a_copied_field_is_the_same_with_all_that_belongs_to_it)
{
    const sample from = ordinary();
    sample to = {.others_count = 2, .has_office = true};
    for (size_t i = 0; i < sample_schema()->field_count; i++) {
        stele__field_copy(&sample_schema()->fields[i], &from, &to);
    }
    expect_text(diff(&from, &to), "");
    expect_uint(to.secret, 42);
}

TEST(a_text_that_does_not_fit_is_refused_and_not_cut_off)
{
    sample it = {0};
    STELE_SET_TEXT(it.symbol, "0123456789abcdef");
    expect_text((const char *)it.symbol, "0123456789abcdef");
    STELE_SET_TEXT(it.symbol, NULL);
    expect_text((const char *)it.symbol, "");
    STELE_SET_TEXT(it.symbol, "0123456789abcdefg");
    char memory[4096];
    stele_writer to = stele_writer_in(memory, sizeof memory);
    expect_error(stele_schema_write_json(sample_schema(), &it, &to, &error), &error, STELE_INVALID);
    expect_contains((const char *)error.message, "symbol");
}

/* ---- JSON */

TEST(json_says_every_field_that_is_stored)
{
    const sample it = ordinary();
    expect_text(to_json(sample_schema(), &it),
                "{\"id\":1,\"active\":true,\"tiny\":-1,\"small\":0,\"middle\":0,"
                "\"large\":\"-9223372036854775808\","
                "\"octet\":0,\"port\":0,\"count\":0,\"ratio\":0.1,\"Price\":\"50000.5\","
                "\"symbol\":\"BTC\\\"USDT\","
                "\"blob\":\"AQL/\",\"way\":\"Sell\",\"when\":\"1970-01-01T00:00:01Z\","
                "\"trace\":\"00000000-0000-0000-0000-000000000000\","
                "\"home\":{\"street\":\"Ring\",\"number\":7,\"city\":null},\"limit\":\"-0.25\","
                "\"office\":null,"
                "\"marks\":[3,-4],\"words\":[\"one\",\"two\"],"
                "\"others\":[{\"street\":\"\",\"number\":9,\"city\":\"Ulm\"}],\"touch count\":5}");
}

static const struct {
    const char *json;
    const char *diff; /* NULL: it is refused */
} members[] = {
    {"{}", ""},
    {" { } ", ""},
    {"{\"unknown\":[{\"deep\":null}],\"secret\":7}", ""},
    {"{\"id\":2}", "id"},
    {"{\"id\":\"2\"}", "id"},
    {"{\"id\":2.0}", "id"},
    {"{\"id\":0.2e1}", "id"},
    {"{\"id\":18446744073709551615}", "id"},
    {"{\"id\":18446744073709551616}", NULL},
    {"{\"id\":-1}", NULL},
    {"{\"id\":1.5}", NULL},
    {"{\"id\":1e99999999999999}", NULL},
    {"{\"id\":null}", NULL},
    {"{\"id\":true}", NULL},
    {"{\"\\u0069d\":3}", "id"},
    {"{\"id\":3,\"id\":1}", ""},
    {"{\"active\":0}", NULL},
    {"{\"tiny\":127}", "tiny"},
    {"{\"tiny\":128}", NULL},
    {"{\"tiny\":-128}", "tiny"},
    {"{\"tiny\":-129}", NULL},
    {"{\"small\":-32768}", "small"},
    {"{\"small\":32768}", NULL},
    {"{\"middle\":2147483648}", NULL},
    {"{\"large\":9223372036854775807}", "large"},
    {"{\"large\":9223372036854775808}", NULL},
    {"{\"octet\":256}", NULL},
    {"{\"port\":65535}", "port"},
    {"{\"count\":4294967296}", NULL},
    {"{\"ratio\":1e308}", "ratio"},
    {"{\"ratio\":1e309}", NULL},
    {"{\"ratio\":\"-Infinity\"}", "ratio"},
    {"{\"ratio\":\"NaN\"}", "ratio"},
    {"{\"ratio\":\"nan\"}", NULL},
    {"{\"Price\":50000.5}", ""},
    {"{\"Price\":\"5e4\"}", "Price"},
    {"{\"Price\":\"0.123456789\"}", NULL},
    {"{\"Price\":\"1234567890123456789\"}", NULL},
    {"{\"Price\":9999999999.99999999}", "Price"},
    {"{\"price\":1}", ""},
    {"{\"symbol\":\"0123456789abcdef\"}", "symbol"},
    {"{\"symbol\":\"0123456789abcdefg\"}", NULL},
    {"{\"symbol\":\"\\ud83d\\ude00\\u20ac\"}", "symbol"},
    {"{\"symbol\":\"\\ud83d\"}", NULL},
    {"{\"symbol\":\"\\ude00\"}", NULL},
    {"{\"symbol\":\"a\\u0000b\"}", NULL},
    {"{\"symbol\":\"\xff\"}", NULL},
    {"{\"symbol\":5}", NULL},
    {"{\"blob\":\"AAECAwQF\"}", "blob"},
    {"{\"blob\":\"AAECAwQFBg==\"}", NULL},
    {"{\"blob\":\"AQ\"}", NULL},
    {"{\"blob\":\"AR==\"}", NULL},
    {"{\"blob\":\"AQ==\"}", "blob"},
    {"{\"blob\":\"====\"}", NULL},
    {"{\"blob\":\"\"}", "blob"},
    {"{\"way\":\"Buy\"}", "way"},
    {"{\"way\":\"Neither\"}", "way"},
    {"{\"way\":\"buy\"}", NULL},
    {"{\"way\":1}", NULL},
    {"{\"when\":\"2026-11-22T10:00:00.000000001+01:00\"}", "when"},
    {"{\"when\":5}", NULL},
    {"{\"trace\":\"01234567-89ab-cdef-0123-456789abcdef\"}", "trace"},
    {"{\"trace\":\"0123\"}", NULL},
    {"{\"home\":{\"number\":8}}", "home"},
    {"{\"home\":{\"number\":7}}", ""},
    {"{\"home\":{\"number\":-8}}", NULL},
    {"{\"home\":[]}", NULL},
    {"{\"home\":null}", NULL},
    {"{\"limit\":null}", "limit"},
    {"{\"limit\":1.25}", "limit"},
    {"{\"limit\":1.255}", NULL},
    {"{\"office\":{}}", "office"},
    {"{\"marks\":[]}", "marks"},
    {"{\"marks\":[1,2,3,4]}", "marks"},
    {"{\"marks\":[1,2,3,4,5]}", NULL},
    {"{\"marks\":[1,null]}", NULL},
    {"{\"marks\":{}}", NULL},
    {"{\"words\":[\"12345\",\"\"]}", "words"},
    {"{\"words\":[\"123456\"]}", NULL},
    {"{\"others\":[{},{}]}", "others"},
    {"{\"touch count\":6}", ""},
    {"", NULL},
    {"[]", NULL},
    {"{", NULL},
    {"{}x", NULL},
    {"{\"id\":1,}", NULL},
    {"{\"id\"}", NULL},
};

TEST_ROWS(json_is_taken_exactly_or_refused, members)
{
    const sample before = ordinary();
    sample after = before;
    const stele_status status = from_json(members[row].json, &after);
    if (members[row].diff) {
        expect_ok(status, &error);
        expect_text(diff(&before, &after), members[row].diff);
    } else {
        expect_error(status, &error, STELE_INVALID);
    }
}

/* What a struct may hold and nothing can store. */
static void spoil_price(sample *it)
{
    it->price = stele_decimal_of("0.000000001");
}
static void spoil_number(sample *it)
{
    it->price = stele_decimal_of("none");
}
static void spoil_end(sample *it)
{
    memset(it->symbol, 'x', sizeof it->symbol);
}
static void spoil_text(sample *it)
{
    STELE_SET_TEXT(it->home.street, "\xc3");
}
static void spoil_choice(sample *it)
{
    it->way = (side)7;
}
static void spoil_bytes(sample *it)
{
    it->blob_size = 7;
}
static void spoil_list(sample *it)
{
    it->marks_count = 5;
}

static const struct {
    void (*spoil)(sample *it);
    const char *says;
} spoilt[] = {
    {spoil_price, "Price"}, {spoil_number, "Price"}, {spoil_end, "symbol"}, {spoil_text, "street"},
    {spoil_choice, "side"}, {spoil_bytes, "blob"},   {spoil_list, "marks"},
};

TEST_ROWS(what_cannot_be_stored_is_refused_by_the_name_of_its_field, spoilt)
{
    char memory[4096];
    stele_writer to = stele_writer_in(memory, sizeof memory);
    sample it = ordinary();
    spoilt[row].spoil(&it);
    expect_error(stele_schema_write_json(sample_schema(), &it, &to, &error), &error, STELE_INVALID);
    expect_contains((const char *)error.message, spoilt[row].says);
    expect_error(stele_schema_write_binary(sample_schema(), &it, &to, &error), &error,
                 STELE_INVALID);
    expect_contains((const char *)error.message, spoilt[row].says);
}

TEST(a_writer_that_is_full_says_so)
{
    const sample it = ordinary();
    char memory[4096];
    stele_writer to = stele_writer_in(memory, sizeof memory);
    expect_ok(stele_schema_write_json(sample_schema(), &it, &to, &error), &error);
    const size_t size = to.size;
    for (size_t room = 0; room < size; room += 7) {
        to = stele_writer_in(memory, room);
        expect_error(stele_schema_write_json(sample_schema(), &it, &to, &error), &error,
                     STELE_NO_MEMORY);
        to = stele_writer_in(memory, room / 3);
        expect_error(stele_schema_write_binary(sample_schema(), &it, &to, &error), &error,
                     STELE_NO_MEMORY);
    }
}

TEST(a_growing_writer_owns_its_memory_and_can_lack_it)
{
    const sample it = ordinary();
    test_alloc alloc;
    test_alloc_init(&alloc);
    stele_writer to = stele_writer_on(&alloc.alloc);
    test_alloc_fail(&alloc, 2, TEST_ALLOC_FROM);
    expect_error(stele_schema_write_json(sample_schema(), &it, &to, &error), &error,
                 STELE_NO_MEMORY);
    test_alloc_fail(&alloc, 0, TEST_ALLOC_ONCE);
    stele_writer_reset(&to);
    expect_ok(stele_schema_write_json(sample_schema(), &it, &to, &error), &error);
    expect_text(((stele_text){to.data, to.size}), to_json(sample_schema(), &it));
    stele_writer_done(&to);
    stele_writer_done(&to);
    expect_no_leak(&alloc);
}

TEST(numbers_are_the_same_in_every_locale)
{
    sample it = ordinary();
    it.ratio = 1234.5678;
    const char *plain = to_json(sample_schema(), &it);
    test_note("locale %s",
              setlocale(LC_ALL, "de_DE.UTF-8") ? "de_DE" : "unchanged: none installed");
    expect_text(to_json(sample_schema(), &it), plain);
    sample again = {0};
    expect_ok(from_json(plain, &again), &error);
    expect_text(diff(&it, &again), "");
}

/* ---- round trips */

TEST_WITHIN(any_sample_comes_back_from_json_and_from_the_compact_form, 60)
{
    stele__prng prng;
    uint64_t json_bytes = 0;
    uint64_t binary_bytes = 0;
    stele_writer to = stele_writer_on(NULL);
    stele__prng_seed(&prng, test_seed());
    for (uint64_t i = 0; i < test_scaled(20000); i++) {
        const sample it = sample_draw(&prng);
        sample back = {0};
        stele_writer_reset(&to);
        expect_ok(stele_schema_write_json(sample_schema(), &it, &to, &error), &error);
        expect_true(stele__json_is_valid(to.data, to.size));
        expect_ok(stele_schema_read_json(sample_schema(), to.data, to.size, &back, &error), &error);
        expect_text(diff(&it, &back), "");
        expect_uint(back.touched, it.touched);
        json_bytes += to.size;
        memset(&back, 0, sizeof back);
        stele_writer_reset(&to);
        expect_ok(stele_schema_write_binary(sample_schema(), &it, &to, &error), &error);
        expect_ok(stele_schema_read_binary(sample_schema(), to.data, to.size, &back, &error),
                  &error);
        expect_text(diff(&it, &back), "");
        expect_uint(back.touched, it.touched);
        binary_bytes += to.size;
    }
    stele_writer_done(&to);
    test_note("the compact form has %.2f of the bytes of JSON",
              (double)binary_bytes / (double)json_bytes);
    expect_true(binary_bytes < json_bytes);
}

TEST_WITHIN(damaged_bytes_are_refused_or_taken_but_never_harm, 60)
{
    stele__prng prng;
    stele__prng_seed(&prng, test_seed());
    for (uint64_t i = 0; i < test_scaled(20000); i++) {
        const sample it = sample_draw(&prng);
        const bool is_binary = stele__prng_below(&prng, 2);
        stele_writer to = stele_writer_on(NULL);
        expect_ok(is_binary ? stele_schema_write_binary(sample_schema(), &it, &to, &error)
                            : stele_schema_write_json(sample_schema(), &it, &to, &error),
                  &error);
        size_t size = to.size;
        for (uint64_t n = 1 + stele__prng_below(&prng, 3); n > 0; n--) {
            to.data[stele__prng_below(&prng, size)] = (char)stele__prng_next(&prng);
        }
        if (stele__prng_below(&prng, 4) == 0) {
            size = stele__prng_below(&prng, size);
        }
        char *exact = malloc(size ? size : 1); /* so that a sanitizer sees the end */
        memcpy(exact, to.data, size);
        sample back = {0};
        const stele_status status =
            is_binary ? stele_schema_read_binary(sample_schema(), exact, size, &back, &error)
                      : stele_schema_read_json(sample_schema(), exact, size, &back, &error);
        expect_true(status == STELE_OK || status == STELE_INVALID);
        if (status == STELE_OK) { /* what was taken can be stored */
            stele_writer_reset(&to);
            expect_ok(stele_schema_write_json(sample_schema(), &back, &to, &error), &error);
        }
        free(exact);
        stele_writer_done(&to);
    }
}

#define OLD_FIELDS(F) F(u64, id, KEY) F(text(8), gone) F(nested(address), old_home) F(i32, port)
STELE_SCHEMA(old_sample, OLD_FIELDS)

TEST(fields_that_a_schema_does_not_know_are_passed_over)
{
    const old_sample old = {.id = 9, .gone = "far", .old_home = {.number = 3}, .port = 80};
    sample now = {.tiny = 4};
    stele_writer to = stele_writer_on(NULL);
    expect_ok(stele_schema_write_binary(old_sample_schema(), &old, &to, &error), &error);
    expect_ok(stele_schema_read_binary(sample_schema(), to.data, to.size, &now, &error), &error);
    expect_uint(now.id, 9);
    expect_uint(now.port, 80);
    expect_int(now.tiny, 4);
    stele_writer_done(&to);
}

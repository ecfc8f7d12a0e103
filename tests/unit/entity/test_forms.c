/* SPDX-License-Identifier: Apache-2.0 */
/* Entries as JSON and in the compact form: both ways, damaged, of other versions. */
#include "../schema/sample.h"

#include "base/prng.h"
#include "stele/entity.h"
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static stele_error error;

typedef stele_status (*write_form)(const stele_entry *entry, stele_writer *to, stele_error *reterr);
static const write_form forms[] = {stele_entry_write_json, stele_entry_write_binary};

static bool same_changes(const stele_entry *a, const stele_entry *b)
{
    if (a->change_count != b->change_count) {
        return false;
    }
    for (size_t i = 0; i < a->change_count; i++) {
        const stele_change *x = &a->changes[i];
        const stele_change *y = &b->changes[i];
        char left[4096];
        char right[4096];
        stele_writer to_left = stele_writer_in(left, sizeof left);
        stele_writer to_right = stele_writer_in(right, sizeof right);
        if (x->field != y->field || !x->before != !y->before) {
            return false;
        }
        if (x->before) {
            expect_ok(stele_field_write_json(x->field, x->before, &to_left, &error), &error);
            expect_ok(stele_field_write_json(y->field, y->before, &to_right, &error), &error);
        }
        expect_ok(stele_field_write_json(x->field, x->after, &to_left, &error), &error);
        expect_ok(stele_field_write_json(y->field, y->after, &to_right, &error), &error);
        if (to_left.size != to_right.size || memcmp(left, right, to_left.size) != 0) {
            return false;
        }
    }
    return true;
}

static bool same(const stele_entry *a, const stele_entry *b)
{
    return a->schema == b->schema && strcmp(a->entity_id, b->entity_id) == 0 &&
           a->change_type == b->change_type && a->timestamp == b->timestamp &&
           a->sequence == b->sequence && a->restores == b->restores &&
           strcmp(a->actor, b->actor) == 0 && same_changes(a, b);
}

/* Any entry. The structs are the caller's. */
static bool draw(stele__prng *prng, sample *before, sample *after, stele_entry *ret_entry)
{
    const stele_track_options options = {
        .timestamp = 1 + (stele_time)stele__prng_below(prng, INT64_C(4000000000000000000)),
        .sequence = stele__prng_next(prng) >> stele__prng_below(prng, 64),
        .actor = stele__prng_chance(prng, 1, 2) ? "Bj\xc3\xb6rn \"B\"" : NULL};
    *before = sample_draw(prng);
    *after = sample_draw(prng);
    after->id = before->id;
    switch (stele__prng_below(prng, 3)) {
    case 0:
        expect_ok(stele_track_create(sample_schema(), after, &options, ret_entry, &error), &error);
        ret_entry->restores = stele__prng_below(prng, 3);
        return true;
    case 1:
        return stele_track_update(sample_schema(), before, after, &options, ret_entry, &error) ==
               STELE_OK;
    default:
        expect_ok(stele_track_delete(sample_schema(), after, &options, ret_entry, &error), &error);
        return true;
    }
}

TEST_ROWS(what_was_written_is_read_back, forms)
{
    stele__prng prng;
    stele__prng_seed(&prng, test_seed());
    for (uint64_t i = 0; i < test_scaled(2000); i++) {
        sample structs[2];
        sample read_structs[2];
        stele_entry entry;
        stele_entry read;
        char text[16384];
        stele_writer to = stele_writer_in(text, sizeof text);
        if (!draw(&prng, &structs[0], &structs[1], &entry)) {
            continue;
        }
        expect_ok(forms[row](&entry, &to, &error), &error);
        expect_ok(stele_entry_read(sample_schema(), text, to.size, read_structs, &read, &error),
                  &error);
        expect_true(same(&read, &entry));
    }
}

TEST_ROWS(damage_is_refused_or_harmless, forms)
{
    stele__prng prng;
    stele__prng_seed(&prng, test_seed());
    uint64_t refused = 0;
    for (uint64_t i = 0; i < test_scaled(20000); i++) {
        sample structs[2];
        sample read_structs[2];
        stele_entry entry;
        stele_entry read;
        char text[16384];
        stele_writer to = stele_writer_in(text, sizeof text);
        if (!draw(&prng, &structs[0], &structs[1], &entry)) {
            continue;
        }
        expect_ok(forms[row](&entry, &to, &error), &error);
        size_t size = to.size;
        if (stele__prng_chance(&prng, 1, 4)) {
            size = stele__prng_below(&prng, size);
        } else {
            text[stele__prng_below(&prng, size)] ^= (char)(1 << stele__prng_below(&prng, 8));
        }
        /* A copy of exact size, so that a byte behind it is found by a sanitizer. */
        char *exact = malloc(size ? size : 1);
        memcpy(exact, text, size);
        const stele_status status =
            stele_entry_read(sample_schema(), exact, size, read_structs, &read, &error);
        refused += status != STELE_OK;
        if (status == STELE_OK) { /* then it can be used as any other */
            to = stele_writer_in(text, sizeof text);
            expect_ok(forms[row](&read, &to, &error), &error);
            expect_true(read.change_count <= sample_schema()->field_count);
        } else {
            expect_int(status, STELE_INVALID);
        }
        free(exact);
    }
    expect_true(refused > 0);
}

#define PRICED(F) F(u64, id, KEY) F(decimal(8), price) F(optional(text(8)), note)
STELE_SCHEMA_AS(priced, "Order", 1, PRICED)

static stele_status read_text(const char *json, priced structs[2], stele_entry *ret_entry)
{
    return stele_entry_read(priced_schema(), json, strlen(json), structs, ret_entry, &error);
}

TEST(json_has_the_names_of_the_document)
{
    const priced before = {.id = 1, .price = stele_decimal_of("50000")};
    priced after = before;
    stele_entry entry;
    char text[1024];
    stele_writer to = stele_writer_in(text, sizeof text);
    after.price = stele_decimal_of("51000");
    const stele_track_options options = {.timestamp = INT64_C(1700000000000000000),
                                         .sequence = 2,
                                         .actor = "mia"};
    expect_ok(stele_track_update(priced_schema(), &before, &after, &options, &entry, &error),
              &error);
    expect_ok(stele_entry_write_json(&entry, &to, &error), &error);
    static const char expected[] =
        "{\"entity_id\":\"1\",\"entity_type\":\"Order\",\"change_type\":\"Updated\","
        "\"timestamp\":\"2023-11-14T22:13:20Z\",\"sequence\":2,\"actor\":\"mia\","
        "\"changed_fields\":[{\"field_name\":\"price\",\"old_value\":\"50000\","
        "\"new_value\":\"51000\"}]}";
    expect_bytes(to.data, to.size, expected, sizeof expected - 1);
    to = stele_writer_in(text, sizeof text);
    expect_ok(stele_track_create(priced_schema(), &before, &options, &entry, &error), &error);
    entry.restores = 7;
    expect_ok(stele_entry_write_json(&entry, &to, &error), &error);
    static const char created[] =
        "{\"entity_id\":\"1\",\"entity_type\":\"Order\",\"change_type\":\"Created\","
        "\"timestamp\":\"2023-11-14T22:13:20Z\",\"sequence\":2,\"restores\":7,\"actor\":\"mia\","
        "\"fields\":[{\"field_name\":\"id\",\"old_value\":null,\"new_value\":1},"
        "{\"field_name\":\"price\",\"old_value\":null,\"new_value\":\"50000\"},"
        "{\"field_name\":\"note\",\"old_value\":null,\"new_value\":null}]}";
    expect_bytes(to.data, to.size, created, sizeof created - 1);
}

#define HEAD                                                                                       \
    "\"entity_id\":\"1\",\"entity_type\":\"Order\",\"timestamp\":\"2023-11-14T22:13:20Z\","        \
    "\"sequence\":2,\"change_type\":"
#define CHANGE "{\"field_name\":\"price\",\"old_value\":\"1\",\"new_value\":\"2\"}"

TEST(json_may_be_in_any_order_and_have_more)
{
    priced structs[2];
    stele_entry entry;
    expect_ok(read_text(" { \"changed_fields\" : [ {\"new_value\":2, \"old_value\":\"1.0\", "
                        "\"why\":[1,{}], \"field_name\":\"pr\\u0069ce\"} , "
                        "{\"field_name\":\"gone\",\"old_value\":[],\"new_value\":{}} ], "
                        "\"more\":{\"a\":[]}, " HEAD "\"Updated\" } ",
                        structs, &entry),
              &error);
    expect_uint(entry.change_count, 1);
    expect_true(stele_decimal_equal(structs[0].price, stele_decimal_of("1")));
    expect_true(stele_decimal_equal(structs[1].price, stele_decimal_of("2")));
}

TEST(json_that_contradicts_itself_is_refused)
{
    static const struct {
        const char *json;
        unsigned cause;
    } rows[] = {
        {"", STELE_INVALID},
        {"null", STELE_INVALID},
        {"[]", STELE_INVALID},
        {"{}", STELE_INVALID_ENTITY},
        {"{" HEAD "\"Updated\"}", STELE_INVALID},
        {"{" HEAD "\"updated\",\"changed_fields\":[" CHANGE "]}", STELE_INVALID},
        {"{" HEAD "\"Updated\",\"fields\":[" CHANGE "]}", STELE_INVALID},
        {"{" HEAD "\"Updated\",\"changed_fields\":[" CHANGE "," CHANGE "]}", STELE_INVALID},
        {"{" HEAD "\"Updated\",\"changed_fields\":[" CHANGE "],\"sequence\":3}", STELE_INVALID},
        {"{" HEAD "\"Updated\",\"restores\":3,\"changed_fields\":[" CHANGE "]}", STELE_INVALID},
        {"{" HEAD "\"Updated\",\"changed_fields\":[{\"field_name\":\"price\",\"new_value\":1}]}",
         STELE_INVALID},
        {"{" HEAD "\"Updated\",\"changed_fields\":[{\"field_name\":\"id\",\"old_value\":1,"
         "\"new_value\":2}]}",
         STELE_INVALID_ENTITY},
        {"{" HEAD "\"Created\",\"fields\":[{\"field_name\":\"id\",\"old_value\":null,"
         "\"new_value\":2}]}",
         STELE_INVALID_ENTITY},
        {"{" HEAD "\"Created\",\"fields\":[{\"field_name\":\"id\",\"old_value\":1,"
         "\"new_value\":1}]}",
         STELE_INVALID},
        {"{" HEAD "\"Deleted\",\"changed_fields\":[]}", STELE_INVALID},
        {"{" HEAD "\"Deleted\"} x", STELE_INVALID},
        {"{\"entity_id\":\"1\",\"entity_type\":\"Orders\",\"timestamp\":\"2023-11-14T22:13:20Z\","
         "\"sequence\":2,\"change_type\":\"Deleted\"}",
         STELE_INVALID_ENTITY},
        {"{\"entity_id\":\"\",\"entity_type\":\"Order\",\"timestamp\":\"2023-11-14T22:13:20Z\","
         "\"sequence\":2,\"change_type\":\"Deleted\"}",
         STELE_INVALID},
        {"{\"entity_id\":1,\"entity_type\":\"Order\",\"timestamp\":\"2023-11-14T22:13:20Z\","
         "\"sequence\":2,\"change_type\":\"Deleted\"}",
         STELE_INVALID},
        {"{\"entity_id\":\"1\",\"entity_type\":\"Order\",\"timestamp\":7,"
         "\"sequence\":2,\"change_type\":\"Deleted\"}",
         STELE_INVALID},
        {"{\"entity_id\":\"1\",\"entity_type\":\"Order\",\"timestamp\":\"2023-11-14T22:13:20Z\","
         "\"sequence\":-2,\"change_type\":\"Deleted\"}",
         STELE_INVALID},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        priced structs[2];
        stele_entry entry;
        (void)printf("row %zu\n", i);
        expect_error(read_text(rows[i].json, structs, &entry), &error, rows[i].cause);
    }
}

/* The compact form is read for ever: these bytes were written by its first version. */
TEST(version_1_of_the_compact_form)
{
    static const uint8_t bytes[] = {
        /* form, updated, actor, time; */
        1,  2,   1,   0x00, 0x00, 0x2a, 0x36, 0xfe, 0x9c, 0x97, 0x17, 5,   /* sequence 2; */
        11, 'O', 'r', 'd',  'e',  'r',  3,    '1',  7,    'm',  'i',  'a', /* type, id, actor */
        3,                                                                 /* one change */
        11, 'p', 'r', 'i',  'c',  'e',  6,    0,    3,    3,    6,    0,   3, 5 /* 1 -> 2 */
    };
    priced structs[2];
    stele_entry entry;
    uint8_t written[sizeof bytes + 1];
    stele_writer to = stele_writer_in((char *)written, sizeof written);
    expect_ok(stele_entry_read(priced_schema(), bytes, sizeof bytes, structs, &entry, &error),
              &error);
    expect_text((const char *)entry.entity_id, "1");
    expect_text((const char *)entry.actor, "mia");
    expect_int(entry.timestamp, INT64_C(1700000000000000000));
    expect_uint(entry.sequence, 2);
    expect_uint(entry.change_count, 1);
    expect_true(stele_decimal_equal(structs[0].price, stele_decimal_of("1")));
    expect_true(stele_decimal_equal(structs[1].price, stele_decimal_of("2")));
    expect_ok(stele_entry_write_binary(&entry, &to, &error), &error);
    expect_bytes(to.data, to.size, bytes, sizeof bytes);
}

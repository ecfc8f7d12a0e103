/* SPDX-License-Identifier: Apache-2.0 */
/* Tracking and replaying: the entries of changes, without a store. Names with BDD and R- are those
 * of the first document. */
#include "orders.h"

static stele_error error;
static stele_entry entry;

/* The document's times, in milliseconds. */
static stele_time at(int64_t ms)
{
    return ms * 1000000;
}

static const stele_entry *update(const order *before, const order *after)
{
    expect_ok(stele_track_update(order_schema(), before, after, NULL, &entry, &error), &error);
    return &entry;
}

static void expect_change(const stele_entry *it, size_t number, const char *name, const char *old,
                          const char *new)
{
    char text[64];
    stele_writer to = stele_writer_in(text, sizeof text);
    expect_true(number < it->change_count);
    const stele_change *change = &it->changes[number];
    expect_text(stele_field_name(change->field), name);
    if (old) {
        expect_ok(stele_field_write_json(change->field, change->before, &to, &error), &error);
        expect_bytes(to.data, to.size, old, strlen(old));
    } else {
        expect_null(change->before);
    }
    stele_writer_reset(&to);
    expect_ok(stele_field_write_json(change->field, change->after, &to, &error), &error);
    expect_bytes(to.data, to.size, new, strlen(new));
}

TEST(R_33_a_creation_has_all_fields_and_no_old_values)
{
    const order it = orders_first();
    const stele_track_options options = {.timestamp = at(1000), .sequence = 1};
    expect_ok(stele_track_create(order_schema(), &it, &options, &entry, &error), &error);
    expect_text((const char *)entry.entity_id, "1");
    expect_text(entry.schema->name, "TestEntity");
    expect_text(stele_change_type_name(entry.change_type), "Created");
    expect_int(entry.timestamp, at(1000));
    expect_uint(entry.sequence, 1);
    expect_uint(entry.change_count, 6);
    expect_change(&entry, 0, "id", NULL, "1");
    expect_change(&entry, 1, "symbol", NULL, "\"BTCUSDT\"");
    expect_change(&entry, 2, "price", NULL, "\"50000\"");
    expect_change(&entry, 3, "quantity", NULL, "\"100\"");
    expect_change(&entry, 4, "filled_quantity", NULL, "\"0\"");
    expect_change(&entry, 5, "side", NULL, "\"Buy\"");
}

TEST(R_34_an_update_has_what_differs_with_old_and_new_values)
{
    const order before = orders_first();
    const order after = orders_make(1, "51000", "150", "0");
    const stele_track_options options = {.timestamp = at(2000), .sequence = 2, .actor = "mia"};
    expect_ok(stele_track_update(order_schema(), &before, &after, &options, &entry, &error),
              &error);
    expect_uint(entry.sequence, 2);
    expect_int(entry.timestamp, at(2000));
    expect_text((const char *)entry.actor, "mia");
    expect_uint(entry.change_count, 2);
    expect_change(&entry, 0, "price", "\"50000\"", "\"51000\"");
    expect_change(&entry, 1, "quantity", "\"100\"", "\"150\"");
}

TEST(R_35_a_deletion_has_no_fields)
{
    const order it = orders_first();
    const stele_track_options options = {.timestamp = at(3000), .sequence = 3};
    expect_ok(stele_track_delete(order_schema(), &it, &options, &entry, &error), &error);
    expect_text(stele_change_type_name(entry.change_type), "Deleted");
    expect_uint(entry.sequence, 3);
    expect_uint(entry.change_count, 0);
}

TEST(BDD_1_a_single_field)
{
    const order before = orders_make(1, "50000", "100", "0");
    const order after = orders_make(1, "51000", "100", "0");
    expect_uint(update(&before, &after)->change_count, 1);
}

TEST(BDD_2_several_fields)
{
    const order before = orders_make(1, "3000", "100", "0");
    const order after = orders_make(1, "3500", "150", "50");
    expect_uint(update(&before, &after)->change_count, 3);
    expect_change(&entry, 0, "price", "\"3000\"", "\"3500\"");
    expect_change(&entry, 1, "quantity", "\"100\"", "\"150\"");
    expect_change(&entry, 2, "filled_quantity", "\"0\"", "\"50\"");
}

TEST(BDD_5_complete_information)
{
    const order before = orders_make(1, "200", "100", "0");
    const order after = orders_make(1, "250", "100", "25");
    expect_uint(update(&before, &after)->change_count, 2);
    expect_change(&entry, 0, "price", "\"200\"", "\"250\"");
    expect_change(&entry, 1, "filled_quantity", "\"0\"", "\"25\"");
}

TEST(BDD_7_diff_accuracy)
{
    const order before = orders_make(1, "30", "100", "0");
    const order after = orders_make(1, "35", "100", "50");
    expect_uint(update(&before, &after)->change_count, 2);
    expect_change(&entry, 0, "price", "\"30\"", "\"35\"");
    expect_change(&entry, 1, "filled_quantity", "\"0\"", "\"50\"");
}

TEST(update_event_rejects_no_changes)
{
    const order it = orders_first();
    order same = it;
    same.price = stele_decimal_of("50000.000"); /* the same number */
    expect_error(stele_track_update(order_schema(), &it, &same, NULL, &entry, &error), &error,
                 STELE_INVALID_UNCHANGED);
}

TEST(update_event_rejects_entity_id_mismatch)
{
    const order before = orders_first();
    const order after = orders_make(2, "51000", "100", "0");
    expect_error(stele_track_update(order_schema(), &before, &after, NULL, &entry, &error), &error,
                 STELE_INVALID_ENTITY);
}

static stele_status raise_price(void *entity, void *context, stele_error *reterr)
{
    order *it = entity;
    it->price = stele_decimal_add(it->price, stele_decimal_of("1000"));
    (void)reterr;
    return context ? STELE_REJECTED : STELE_OK;
}

static stele_status leave_alone(void *entity, void *context, stele_error *reterr)
{
    (void)entity;
    (void)context;
    (void)reterr;
    return STELE_OK;
}

TEST(update_event_from_closure_tracks_after_mutation)
{
    const order first = orders_first();
    order it = first;
    order before;
    expect_ok(stele_track_mutation(order_schema(), &it, raise_price, NULL, &before, NULL, &entry,
                                   &error),
              &error);
    expect_uint(entry.change_count, 1);
    expect_change(&entry, 0, "price", "\"50000\"", "\"51000\"");
    expect_true(orders_equal(&before, &first));
}

TEST(a_mutation_that_fails_or_changes_nothing_leaves_the_entity_as_it_was)
{
    const order first = orders_first();
    order it = first;
    order before;
    int context = 1;
    expect_status(stele_track_mutation(order_schema(), &it, raise_price, &context, &before, NULL,
                                       &entry, &error),
                  STELE_REJECTED);
    expect_int(error.status, STELE_REJECTED);
    expect_true(orders_equal(&it, &first));
    expect_error(stele_track_mutation(order_schema(), &it, leave_alone, NULL, &before, NULL, &entry,
                                      &error),
                 &error, STELE_INVALID_UNCHANGED);
    expect_true(orders_equal(&it, &first));
}

/* ---- replaying */

TEST(R_11_an_entity_is_rebuilt_from_its_creation_alone)
{
    const order it = orders_first();
    order rebuilt;
    memset(&rebuilt, 0xaa, sizeof rebuilt);
    expect_ok(stele_track_create(order_schema(), &it, NULL, &entry, &error), &error);
    expect_ok(stele_entity_replay(order_schema(), &entry, &rebuilt, &error), &error);
    expect_true(orders_equal(&rebuilt, &it));
}

TEST(R_06_replaying_an_update_changes_its_fields_and_no_others)
{
    const order before = orders_first();
    const order after = orders_make(1, "51000", "150", "0");
    order it = before;
    it.filled_quantity = stele_decimal_of("7"); /* nothing of the update's */
    (void)update(&before, &after);
    expect_ok(stele_entity_replay(order_schema(), &entry, &it, &error), &error);
    const order expected = orders_make(1, "51000", "150", "7");
    expect_true(orders_equal(&it, &expected));
}

TEST(replaying_refuses_a_deletion_another_id_and_another_type)
{
    const order first = orders_first();
    const order after = orders_make(1, "51000", "150", "0");
    order other = orders_make(2, "1", "1", "1");
    const order kept = other;
    expect_ok(stele_track_delete(order_schema(), &first, NULL, &entry, &error), &error);
    expect_error(stele_entity_replay(order_schema(), &entry, &other, &error), &error,
                 STELE_INVALID_DELETED);
    (void)update(&first, &after);
    expect_error(stele_entity_replay(order_schema(), &entry, &other, &error), &error,
                 STELE_INVALID_ENTITY);
    stele_schema another = *order_schema();
    another.name = "Other";
    expect_error(stele_entity_replay(&another, &entry, &other, &error), &error,
                 STELE_INVALID_ENTITY);
    expect_true(orders_equal(&other, &kept));
}

/* ---- keys */

#define NAMED(F) F(text(8), name, KEY) F(u32, value)
STELE_SCHEMA(named, NAMED)
#define TRACED(F) F(uuid, trace, KEY) F(u32, value)
STELE_SCHEMA(traced, TRACED)
#define SIGNED(F) F(i64, number, KEY) F(u32, value)
STELE_SCHEMA(signed_one, SIGNED)
#define CHOSEN(F) F(choice(order_side), side, KEY) F(u32, value)
STELE_SCHEMA(chosen, CHOSEN)
#define KEYLESS(F) F(u32, value)
STELE_SCHEMA(keyless, KEYLESS)
#define TWO_KEYS(F) F(u32, a, KEY) F(u32, b, KEY)
STELE_SCHEMA(two_keys, TWO_KEYS)
#define FLOATING(F) F(f64, a, KEY)
STELE_SCHEMA(floating, FLOATING)
#define OPTIONAL_KEY(F) F(optional(u32), a, KEY)
STELE_SCHEMA(optional_key, OPTIONAL_KEY)

static const char *id_of(const stele_schema *schema, const void *it)
{
    static char id[STELE_ENTITY_ID_SIZE_MAX + 1];
    expect_ok(stele_entity_check(schema, &error), &error);
    expect_ok(stele_entity_id(schema, it, id, &error), &error);
    return id;
}

TEST(a_key_may_be_a_number_a_text_a_uuid_or_a_choice)
{
    expect_text(id_of(named_schema(), &(named){.name = "a-1"}), "a-1");
    expect_text(id_of(signed_one_schema(), &(signed_one){.number = INT64_MIN}),
                "-9223372036854775808");
    expect_text(id_of(order_schema(), &(order){.id = UINT64_MAX}), "18446744073709551615");
    expect_text(id_of(chosen_schema(), &(chosen){.side = SIDE_SELL}), "Sell");
    expect_text(id_of(traced_schema(), &(traced){.trace = {{1, 2, 3}}}),
                "01020300-0000-0000-0000-000000000000");
}

TEST(a_schema_without_exactly_one_good_key_is_no_entity)
{
    expect_error(stele_entity_check(keyless_schema(), &error), &error, STELE_INVALID);
    expect_error(stele_entity_check(two_keys_schema(), &error), &error, STELE_INVALID);
    expect_error(stele_entity_check(floating_schema(), &error), &error, STELE_INVALID);
    expect_error(stele_entity_check(optional_key_schema(), &error), &error, STELE_INVALID);
}

TEST(an_empty_id_is_refused)
{
    char id[STELE_ENTITY_ID_SIZE_MAX + 1];
    const named nobody = {.value = 1};
    expect_error(stele_entity_id(named_schema(), &nobody, id, &error), &error, STELE_INVALID_NAME);
    expect_error(stele_track_create(named_schema(), &nobody, NULL, &entry, &error), &error,
                 STELE_INVALID_NAME);
    const chosen neither = {.side = (order_side)77};
    expect_error(stele_entity_id(chosen_schema(), &neither, id, &error), &error,
                 STELE_INVALID_NAME);
}

/* ---- attributes */

#define NOTED(F)                                                                                   \
    F(u32, id, KEY)                                                                                \
    F(u32, value)                                                                                  \
    F(time, touched, UNCOMPARED)                                                                   \
    F(u32, cached, SKIP)
STELE_SCHEMA(noted, NOTED)

TEST(what_is_not_compared_goes_with_what_is_and_what_is_skipped_goes_nowhere)
{
    const noted before = {.id = 1, .value = 1, .touched = 5, .cached = 9};
    noted after = before;
    after.touched = 6;
    after.cached = 10;
    expect_error(stele_track_update(noted_schema(), &before, &after, NULL, &entry, &error), &error,
                 STELE_INVALID_UNCHANGED);
    after.value = 2;
    expect_ok(stele_track_update(noted_schema(), &before, &after, NULL, &entry, &error), &error);
    expect_uint(entry.change_count, 2);
    expect_text(stele_field_name(entry.changes[0].field), "value");
    expect_text(stele_field_name(entry.changes[1].field), "touched");
    expect_ok(stele_track_create(noted_schema(), &before, NULL, &entry, &error), &error);
    expect_uint(entry.change_count, 3);
}

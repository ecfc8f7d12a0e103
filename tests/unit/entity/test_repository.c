/* SPDX-License-Identifier: Apache-2.0 */
/* Repositories: the algorithm of the first document, on both backends. */
#include "orders.h"

#include "base/prng.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

static stele_error error;

static stele_time at(int64_t ms)
{
    return ms * 1000000;
}

static stele_applied applied;

static stele_status apply(orders_bed *bed, const stele_entry *entries, size_t count)
{
    applied = (stele_applied){0};
    return stele_repository_apply(bed->orders, entries, count, NULL, &applied, &error);
}

static stele_entry created(const order *it, uint64_t sequence)
{
    stele_entry entry;
    const stele_track_options options = {.sequence = sequence,
                                         .timestamp = at(1000 * (int64_t)(sequence + 1))};
    expect_ok(stele_track_create(order_schema(), it, &options, &entry, &error), &error);
    return entry;
}

static stele_entry updated(const order *before, const order *after, uint64_t sequence)
{
    stele_entry entry;
    const stele_track_options options = {.sequence = sequence,
                                         .timestamp = at(1000 * (int64_t)(sequence + 1))};
    expect_ok(stele_track_update(order_schema(), before, after, &options, &entry, &error), &error);
    return entry;
}

static stele_entry deleted(const order *it, uint64_t sequence)
{
    stele_entry entry;
    const stele_track_options options = {.sequence = sequence,
                                         .timestamp = at(1000 * (int64_t)(sequence + 1))};
    expect_ok(stele_track_delete(order_schema(), it, &options, &entry, &error), &error);
    return entry;
}

static uint64_t events_of(const orders_bed *bed)
{
    stele_position head;
    expect_ok(stele_head(bed->store, &head, &error), &error);
    return head;
}

static bool exists(orders_bed *bed, const char *id)
{
    int it = 0;
    expect_ok(stele_repository_exists(bed->orders, id, &it, &error), &error);
    return it != 0;
}

/* ---- the algorithm */

TEST_ROWS(R_16_the_type_must_be_that_of_the_repository, orders_backends)
{
    orders_bed bed = orders_lay(row, NULL, NULL);
    stele_schema other = *order_schema();
    other.name = "Other";
    const order first = orders_first();
    stele_entry entry = created(&first, 1);
    entry.schema = &other;
    expect_error(apply(&bed, &entry, 1), &error, STELE_INVALID_ENTITY);
    expect_uint(events_of(&bed), 0);
    orders_clear(&bed);
}

TEST_ROWS(R_17_a_creation_of_what_exists_is_fine_and_does_nothing, orders_backends)
{
    orders_bed bed = orders_lay(row, NULL, NULL);
    const order first = orders_first();
    const order other = orders_make(1, "1", "2", "3");
    const stele_entry entries[] = {created(&first, 1), created(&other, 0), created(&other, 2)};
    expect_ok(apply(&bed, &entries[0], 1), &error);
    expect_uint(applied.written, 1);
    expect_uint(applied.sequence, 1);
    for (size_t i = 0; i < 3; i++) { /* the first one comes again too */
        expect_ok(apply(&bed, &entries[i], 1), &error);
        expect_uint(applied.written, 0);
        expect_uint(applied.known, 1);
        expect_uint(applied.sequence, 1);
    }
    const order found = orders_get(&bed, "1", NULL);
    expect_true(orders_equal(&found, &first));
    expect_uint(events_of(&bed), 1);
    orders_clear(&bed);
}

TEST_ROWS(R_18_an_update_needs_the_entity, orders_backends)
{
    orders_bed bed = orders_lay(row, NULL, NULL);
    const order first = orders_first();
    const order second = orders_make(1, "51000", "150", "0");
    const stele_entry create = created(&first, 1);
    const stele_entry update = updated(&first, &second, 2);
    const stele_entry early = updated(&first, &second, 1);
    expect_error(apply(&bed, &early, 1), &error, STELE_NOT_FOUND);
    expect_uint(events_of(&bed), 0); /* nothing was written: BDD 3 */
    expect_ok(apply(&bed, &create, 1), &error);
    expect_ok(apply(&bed, &update, 1), &error);
    stele_entity_info info;
    const order found = orders_get(&bed, "1", &info);
    expect_true(orders_equal(&found, &second));
    expect_uint(info.sequence, 2);
    expect_int(info.created_at, at(2000));
    expect_int(info.updated_at, at(3000));
    expect_uint(info.position, 2);
    orders_clear(&bed);
}

TEST_ROWS(BDD_6_R_20_after_a_deletion_every_update_fails, orders_backends)
{
    orders_bed bed = orders_lay(row, NULL, NULL);
    const order first = orders_first();
    const order second = orders_make(1, "51000", "150", "0");
    const stele_entry steps[] = {created(&first, 1), deleted(&first, 2)};
    expect_ok(apply(&bed, steps, 2), &error);
    expect_uint(applied.written, 2);
    expect_false(exists(&bed, "1"));
    const stele_entry update = updated(&first, &second, 3);
    expect_error(apply(&bed, &update, 1), &error, STELE_NOT_FOUND_DELETED);
    stele_entity_info info;
    order found;
    expect_error(stele_repository_get(bed.orders, "1", &found, &info, &error), &error,
                 STELE_NOT_FOUND_DELETED);
    expect_int(info.is_deleted, 1);
    expect_uint(info.sequence, 2);
    orders_clear(&bed);
}

TEST_ROWS(BDD_8_life_cycle, orders_backends)
{
    orders_bed bed = orders_lay(row, NULL, NULL);
    const order first = orders_first();
    const order second = orders_make(1, "51000", "100", "0");
    const stele_entry steps[] = {created(&first, 1), updated(&first, &second, 2),
                                 deleted(&second, 3), deleted(&second, 4)};
    for (uint64_t i = 0; i < 4; i++) {
        expect_ok(apply(&bed, &steps[i], 1), &error);
        expect_uint(applied.sequence, i + 1); /* the second deletion takes its number too */
        expect_int(exists(&bed, "1"), i < 2);
    }
    orders_clear(&bed);
}

TEST_ROWS(R_19_a_deletion_of_what_never_was_is_fine_and_does_nothing, orders_backends)
{
    orders_bed bed = orders_lay(row, NULL, NULL);
    const order first = orders_first();
    const stele_entry entries[] = {deleted(&first, 0), deleted(&first, 1), deleted(&first, 3)};
    for (size_t i = 0; i < 3; i++) {
        expect_ok(apply(&bed, &entries[i], 1), &error);
        expect_uint(applied.known, 1);
    }
    expect_uint(events_of(&bed), 0);
    orders_clear(&bed);
}

TEST_ROWS(BDD_4_consecutive_updates_have_consecutive_sequences, orders_backends)
{
    orders_bed bed = orders_lay(row, NULL, NULL);
    order it = orders_make(1, "1", "100", "0");
    order next = it;
    expect_ok(order_create(bed.orders, &it, NULL, &error), &error);
    next.price = stele_decimal_of("2");
    expect_ok(order_update(bed.orders, &it, &next, NULL, &error), &error);
    it = next;
    next.filled_quantity = stele_decimal_of("5000");
    expect_ok(order_update(bed.orders, &it, &next, NULL, &error), &error);
    stele_history *history;
    const stele_entry *entry;
    order replayed = {0};
    uint64_t sequence = 0;
    expect_ok(stele_history_open(bed.orders, "1", 0, 0, &history, &error), &error);
    while ((entry = stele_history_next(history, NULL, &error)) != NULL) {
        expect_uint(entry->sequence, ++sequence);
        expect_ok(stele_entity_replay(order_schema(), entry, &replayed, &error), &error);
    }
    expect_int(error.status, STELE_OK);
    stele_history_free(history);
    expect_uint(sequence, 3);
    const order found = orders_get(&bed, "1", NULL);
    expect_true(orders_equal(&replayed, &found));
    expect_true(orders_equal(&replayed, &next));
    orders_clear(&bed);
}

/* ---- sequences */

TEST_ROWS(R_23_a_gap_is_an_error, orders_backends)
{
    orders_bed bed = orders_lay(row, NULL, NULL);
    const order first = orders_first();
    const order second = orders_make(1, "51000", "100", "0");
    const stele_entry late = created(&first, 2);
    const stele_entry create = created(&first, 1);
    const stele_entry update = updated(&first, &second, 3);
    expect_error(apply(&bed, &late, 1), &error, STELE_INVALID_SEQUENCE);
    expect_ok(apply(&bed, &create, 1), &error);
    expect_error(apply(&bed, &update, 1), &error, STELE_INVALID_SEQUENCE);
    expect_contains(error.message, "2 is the next");
    expect_uint(events_of(&bed), 1);
    orders_clear(&bed);
}

TEST_ROWS(R_24_of_two_writers_of_one_sequence_the_second_has_a_conflict, orders_backends)
{
    orders_bed bed = orders_lay(row, NULL, NULL);
    const order first = orders_first();
    const order one = orders_make(1, "51000", "100", "0");
    const order other = orders_make(1, "50000", "100", "5");
    const stele_entry create = created(&first, 1);
    const stele_entry mine = updated(&first, &one, 2);
    const stele_entry theirs = updated(&first, &other, 2);
    expect_ok(apply(&bed, &create, 1), &error);
    expect_ok(apply(&bed, &mine, 1), &error);
    expect_error(apply(&bed, &theirs, 1), &error, STELE_CONFLICT_REVISION);
    /* The same one again is no conflict, also after reopening. */
    expect_ok(apply(&bed, &mine, 1), &error);
    expect_uint(applied.known, 1);
    orders_relay(&bed);
    expect_ok(apply(&bed, &mine, 1), &error);
    expect_ok(apply(&bed, &create, 1), &error);
    expect_error(apply(&bed, &theirs, 1), &error, STELE_CONFLICT_REVISION);
    expect_uint(events_of(&bed), 2);
    orders_clear(&bed);
}

TEST_ROWS(an_update_of_an_old_state_is_a_conflict_unless_it_changes_other_fields, orders_backends)
{
    orders_bed bed = orders_lay(row, NULL, NULL);
    const order first = orders_first();
    const order dearer = orders_make(1, "51000", "100", "0");
    const order cheaper = orders_make(1, "49000", "100", "0");
    const order filled = orders_make(1, "50000", "100", "5");
    expect_ok(order_create(bed.orders, &first, NULL, &error), &error);
    expect_ok(order_update(bed.orders, &first, &dearer, NULL, &error), &error);
    expect_error(order_update(bed.orders, &first, &cheaper, NULL, &error), &error,
                 STELE_CONFLICT_REVISION);
    expect_contains(error.message, "price");
    expect_ok(order_update(bed.orders, &first, &filled, NULL, &error), &error);
    const order found = orders_get(&bed, "1", NULL);
    const order expected = orders_make(1, "51000", "100", "5");
    expect_true(orders_equal(&found, &expected));
    orders_clear(&bed);
}

TEST_ROWS(a_batch_is_applied_whole_or_not_at_all, orders_backends)
{
    orders_bed bed = orders_lay(row, NULL, NULL);
    const order a = orders_make(1, "1", "1", "1");
    const order b = orders_make(2, "2", "2", "2");
    const order changed = orders_make(2, "3", "2", "2");
    const order nobody = orders_make(3, "1", "1", "1");
    const order nobody_changed = orders_make(3, "2", "1", "1");
    stele_entry entries[] = {created(&a, 1), created(&b, 1), updated(&b, &changed, 2),
                             updated(&nobody, &nobody_changed, 1)};
    expect_error(apply(&bed, entries, 4), &error, STELE_NOT_FOUND);
    expect_uint(events_of(&bed), 0);
    expect_ok(apply(&bed, entries, 3), &error);
    expect_uint(applied.written, 3);
    expect_uint(applied.position, 3);
    const order found = orders_get(&bed, "2", NULL);
    expect_true(orders_equal(&found, &changed));
    /* Again, with something new behind it: what is known is passed over. */
    entries[3] = created(&nobody, 1);
    expect_ok(apply(&bed, entries, 4), &error);
    expect_uint(applied.known, 3);
    expect_uint(applied.written, 1);
    expect_uint(events_of(&bed), 4);
    orders_clear(&bed);
}

TEST_ROWS(an_entry_that_stands_twice_in_a_batch_is_written_once, orders_backends)
{
    orders_bed bed = orders_lay(row, NULL, NULL);
    const order a = orders_make(1, "1", "1", "1");
    const order b = orders_make(1, "2", "1", "1");
    const order c = orders_make(1, "3", "1", "1");
    const stele_entry same[] = {created(&a, 1), updated(&a, &b, 2), updated(&a, &b, 2)};
    const stele_entry other[] = {updated(&b, &c, 3), updated(&b, &a, 3)};
    expect_ok(apply(&bed, same, 3), &error);
    expect_uint(applied.written, 2);
    expect_uint(applied.known, 1);
    expect_error(apply(&bed, other, 2), &error, STELE_CONFLICT_REVISION);
    expect_uint(events_of(&bed), 2);
    orders_clear(&bed);
}

TEST_ROWS(a_batch_with_a_command_id_takes_effect_once, orders_backends)
{
    orders_bed bed = orders_lay(row, NULL, NULL);
    const order a = orders_make(1, "1", "1", "1");
    const order b = orders_make(1, "2", "1", "1");
    const stele_entry entries[] = {created(&a, 0), updated(&a, &b, 0), deleted(&b, 0)};
    const stele_apply_options options = {.command_id = "c1"};
    for (int i = 0; i < 3; i++) {
        expect_ok(stele_repository_apply(bed.orders, entries, 3, &options, &applied, &error),
                  &error);
        expect_uint(applied.written, i == 0 ? 3 : 0);
        expect_uint(applied.known, i == 0 ? 0 : 3);
        expect_uint(applied.position, 3);
        orders_relay(&bed);
    }
    expect_uint(events_of(&bed), 3);
    orders_clear(&bed);
}

TEST_ROWS(a_strict_repository_tells_what_had_nothing_to_do, orders_backends)
{
    const stele_repository_options strict = {.is_strict = 1};
    orders_bed bed = orders_lay(row, &strict, NULL);
    const order first = orders_first();
    const stele_entry create = created(&first, 1);
    expect_error(order_delete(bed.orders, "1", NULL, &error), &error, STELE_NOT_FOUND);
    expect_ok(apply(&bed, &create, 1), &error);
    expect_ok(apply(&bed, &create, 1), &error); /* the same entry */
    expect_error(order_create(bed.orders, &first, NULL, &error), &error, STELE_CONFLICT_REVISION);
    expect_ok(order_delete(bed.orders, "1", NULL, &error), &error);
    expect_error(order_delete(bed.orders, "1", NULL, &error), &error, STELE_NOT_FOUND_DELETED);
    orders_clear(&bed);
}

TEST_ROWS(the_compact_form_is_stored_and_both_are_read, orders_backends)
{
    orders_bed bed = orders_lay(row, NULL, NULL);
    order it = orders_first();
    order next = orders_make(1, "51000", "100", "0");
    expect_ok(order_create(bed.orders, &it, NULL, &error), &error);
    bed.options.is_binary = 1;
    orders_relay(&bed);
    expect_ok(order_update(bed.orders, &it, &next, NULL, &error), &error);
    const order found = orders_get(&bed, "1", NULL);
    expect_true(orders_equal(&found, &next));
    stele_cursor *cursor;
    const stele_read read = {.stream = "TestEntity-1"};
    expect_ok(stele_read_open(bed.store, &read, &cursor, &error), &error);
    const stele_record *event = stele_cursor_next(cursor, &error);
    expect_int(event->data_format, STELE_JSON);
    expect_bytes(event->type.data, event->type.size, "TestEntity.Created", 18);
    event = stele_cursor_next(cursor, &error);
    expect_int(event->data_format, STELE_BINARY);
    expect_bytes(event->type.data, event->type.size, "TestEntity.Updated", 18);
    stele_cursor_free(cursor);
    orders_clear(&bed);
}

/* ---- time */

TEST_ROWS(R_28_both_readings_of_a_time, orders_backends)
{
    orders_bed bed = orders_lay(row, NULL, NULL);
    order states[5];
    static const int64_t times[] = {10, 20, 40, 30, 50}; /* the clock went back once */
    for (uint64_t i = 0; i < 5; i++) {
        char price[16];
        (void)snprintf(price, sizeof price, "%d", (int)i + 1);
        const stele_track_options options = {.timestamp = at(times[i])};
        states[i] = orders_make(1, price, "1", "1");
        expect_ok(i == 0 ? order_create(bed.orders, &states[0], &options, &error)
                         : order_update(bed.orders, &states[i - 1], &states[i], &options, &error),
                  &error);
    }
    static const struct {
        int64_t time;
        int until;    /* the number of the state, from 1; 0: none */
        int filtered; /* likewise */
    } rows[] = {{9, 0, 0},  {10, 1, 1}, {19, 1, 1}, {20, 2, 2}, {30, 2, 4},
                {35, 2, 4}, {40, 4, 4}, {50, 5, 5}, {99, 5, 5}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int filtered = 0; filtered < 2; filtered++) {
            order found;
            stele_entity_info info;
            const int expected = filtered ? rows[i].filtered : rows[i].until;
            const stele_as_of point = filtered ? stele_as_of_time_filtered(at(rows[i].time))
                                               : stele_as_of_time(at(rows[i].time));
            const stele_status status =
                stele_repository_as_of(bed.orders, "1", point, &found, &info, &error);
            if (expected == 0) {
                expect_error(status, &error, STELE_NOT_FOUND);
            } else {
                expect_ok(status, &error);
                expect_true(orders_equal(&found, &states[expected - 1]));
                expect_uint(info.sequence, (uint64_t)expected);
            }
        }
    }
    orders_clear(&bed);
}

TEST_ROWS(as_of_a_position_is_the_same_point_for_all_entities, orders_backends)
{
    orders_bed bed = orders_lay(row, NULL, NULL);
    order a = orders_make(1, "1", "1", "1");
    order b = orders_make(2, "1", "1", "1");
    order a_next = a;
    order found;
    a_next.price = stele_decimal_of("2");
    expect_ok(order_create(bed.orders, &a, NULL, &error), &error);
    expect_ok(order_create(bed.orders, &b, NULL, &error), &error);
    expect_ok(order_update(bed.orders, &a, &a_next, NULL, &error), &error);
    expect_ok(order_delete(bed.orders, "2", NULL, &error), &error);
    expect_ok(order_as_of(bed.orders, "1", stele_as_of_position(2), &found, &error), &error);
    expect_true(orders_equal(&found, &a));
    expect_ok(order_as_of(bed.orders, "2", stele_as_of_position(3), &found, &error), &error);
    expect_error(order_as_of(bed.orders, "2", stele_as_of_position(1), &found, &error), &error,
                 STELE_NOT_FOUND);
    expect_error(order_as_of(bed.orders, "2", stele_as_of_position(4), &found, &error), &error,
                 STELE_NOT_FOUND_DELETED);
    orders_clear(&bed);
}

TEST_ROWS(an_audit_trail_says_who_changed_what, orders_backends)
{
    orders_bed bed = orders_lay(row, NULL, NULL);
    const order first = orders_first();
    const order second = orders_make(1, "51000", "100", "0");
    const stele_track_options by_ann = {.actor = "ann"};
    const stele_track_options by_bob = {.actor = "bob"};
    expect_ok(order_create(bed.orders, &first, &by_ann, &error), &error);
    expect_ok(order_update(bed.orders, &first, &second, &by_bob, &error), &error);
    expect_ok(order_delete(bed.orders, "1", &by_ann, &error), &error);
    stele_history *history;
    expect_ok(stele_history_open(bed.orders, "1", 2, 3, &history, &error), &error);
    stele_position position;
    const stele_entry *entry = stele_history_next(history, &position, &error);
    expect_not_null(entry);
    expect_uint(position, 2);
    expect_text((const char *)entry->actor, "bob");
    expect_uint(entry->change_count, 1);
    expect_true(stele_decimal_equal(((const order *)entry->changes[0].before)->price,
                                    stele_decimal_of("50000")));
    expect_true(stele_decimal_equal(((const order *)entry->changes[0].after)->price,
                                    stele_decimal_of("51000")));
    entry = stele_history_next(history, &position, &error);
    expect_not_null(entry);
    expect_text((const char *)entry->actor, "ann");
    expect_int(entry->change_type, STELE_CHANGE_DELETED);
    expect_null(stele_history_next(history, NULL, &error));
    expect_int(error.status, STELE_OK);
    stele_history_free(history);
    expect_error(stele_history_open(bed.orders, "2", 0, 0, &history, &error), &error,
                 STELE_NOT_FOUND);
    orders_clear(&bed);
}

TEST_ROWS(R_30_a_deleted_entity_is_restored_and_its_numbers_go_on, orders_backends)
{
    orders_bed bed = orders_lay(row, NULL, NULL);
    const order first = orders_first();
    const order second = orders_make(1, "51000", "100", "0");
    expect_error(order_restore(bed.orders, "1", 0, NULL, &error), &error, STELE_NOT_FOUND);
    expect_ok(order_create(bed.orders, &first, NULL, &error), &error);
    expect_ok(order_update(bed.orders, &first, &second, NULL, &error), &error);
    expect_error(order_restore(bed.orders, "1", 0, NULL, &error), &error, STELE_CONFLICT_REVISION);
    expect_ok(order_delete(bed.orders, "1", NULL, &error), &error);
    expect_ok(order_delete(bed.orders, "1", NULL, &error), &error);
    stele_track_options by = {.actor = "ann"};
    expect_ok(stele_repository_restore(bed.orders, "1", 0, &by, &applied, &error), &error);
    expect_uint(applied.sequence, 5);
    order found = orders_get(&bed, "1", NULL);
    expect_true(orders_equal(&found, &second));
    expect_ok(order_delete(bed.orders, "1", NULL, &error), &error);
    expect_ok(order_restore(bed.orders, "1", 1, NULL, &error), &error);
    stele_entity_info info;
    found = orders_get(&bed, "1", &info);
    expect_true(orders_equal(&found, &first));
    expect_uint(info.sequence, 7);
    stele_history *history;
    expect_ok(stele_history_open(bed.orders, "1", 5, 5, &history, &error), &error);
    const stele_entry *entry = stele_history_next(history, NULL, &error);
    expect_not_null(entry);
    expect_int(entry->change_type, STELE_CHANGE_CREATED);
    expect_uint(entry->restores, 2);
    expect_text((const char *)entry->actor, "ann");
    stele_history_free(history);
    orders_clear(&bed);
}

TEST_ROWS(replay_from_sequence_filters_events, orders_backends)
{
    orders_bed bed = orders_lay(row, NULL, NULL);
    for (uint64_t id = 1; id <= 5; id++) {
        const order it = orders_make(id, "1", "1", "1");
        expect_ok(order_create(bed.orders, &it, NULL, &error), &error);
    }
    stele_history *history;
    const stele_entry *entry;
    stele_position position;
    stele_position expected = 3;
    expect_ok(stele_history_open_all(bed.orders, 3, &history, &error), &error);
    while ((entry = stele_history_next(history, &position, &error)) != NULL) {
        expect_uint(position, expected++);
    }
    expect_uint(expected, 6);
    stele_history_free(history);
    orders_clear(&bed);
}

/* ---- properties */

TEST_ROWS(as_of_n_is_the_replay_of_n_entries_cached_or_not, orders_backends)
{
    enum { STEPS = 60, ORDERS = 3 };
    stele__prng prng;
    stele__prng_seed(&prng, test_seed());
    for (uint64_t round = 0; round < test_scaled(6); round++) {
        const stele_domain_options options = {.cache_bytes = round % 2 ? SIZE_MAX : 0,
                                              .snapshots = {.every = round % 3 == 0 ? 7 : 0}};
        orders_bed bed = orders_lay(row, NULL, &options);
        static order states[ORDERS][STEPS + 1];
        static bool are_there[ORDERS][STEPS + 1];
        uint64_t counts[ORDERS] = {0};
        for (int i = 0; i < STEPS; i++) {
            const size_t which = stele__prng_below(&prng, ORDERS);
            const uint64_t n = counts[which];
            char price[24];
            char id[4];
            (void)snprintf(price, sizeof price, "%d.5", i + 1);
            (void)snprintf(id, sizeof id, "%zu", which);
            order next =
                n > 0 && are_there[which][n] ? states[which][n] : orders_make(which, "1", "1", "1");
            const bool is_there = n > 0 && are_there[which][n];
            next.price = stele_decimal_of(price);
            if (!is_there) {
                expect_ok(order_create(bed.orders, &next, NULL, &error), &error);
                if (n > 0 || true) {
                    counts[which]++;
                }
            } else if (stele__prng_chance(&prng, 1, 6)) {
                expect_ok(order_delete(bed.orders, id, NULL, &error), &error);
                counts[which]++;
                are_there[which][counts[which]] = false;
                continue;
            } else {
                expect_ok(order_update(bed.orders, &states[which][n], &next, NULL, &error), &error);
                counts[which]++;
            }
            states[which][counts[which]] = next;
            are_there[which][counts[which]] = true;
        }
        orders_relay(&bed);
        for (size_t which = 0; which < ORDERS; which++) {
            char id[4];
            order replayed = {0};
            stele_history *history = NULL;
            (void)snprintf(id, sizeof id, "%zu", which);
            if (counts[which] == 0) {
                continue;
            }
            expect_ok(stele_history_open(bed.orders, id, 0, 0, &history, &error), &error);
            for (uint64_t n = 1; n <= counts[which]; n++) {
                order found = {0};
                const stele_entry *entry = stele_history_next(history, NULL, &error);
                expect_not_null(entry);
                const stele_status status =
                    stele_repository_as_of(bed.orders, id, stele_as_of_sequence(n), &found, NULL,
                                           &error);
                expect_int(status == STELE_OK, are_there[which][n]);
                if (entry->change_type != STELE_CHANGE_DELETED) {
                    expect_ok(stele_entity_replay(order_schema(), entry, &replayed, &error),
                              &error);
                }
                if (are_there[which][n]) {
                    expect_true(orders_equal(&found, &states[which][n]));
                    expect_true(orders_equal(&replayed, &states[which][n]));
                }
            }
            stele_history_free(history);
        }
        memset(are_there, 0, sizeof are_there);
        orders_clear(&bed);
    }
}

/* ---- storms */

enum { WRITERS = 16, ROUNDS = 40 };

typedef struct storm {
    orders_bed *bed;
    atomic_int failed;
} storm;

static stele_status fill_one(void *entity, void *context, stele_error *reterr)
{
    order *it = entity;
    (void)context;
    (void)reterr;
    it->filled_quantity = stele_decimal_add(it->filled_quantity, stele_decimal_of("1"));
    return STELE_OK;
}

static void *fill(void *context)
{
    storm *it = context;
    stele_error own;
    for (int i = 0; i < ROUNDS;) {
        const stele_status status =
            order_modify(it->bed->orders, "1", fill_one, NULL, NULL, NULL, &own);
        if (status == STELE_OK) {
            i++;
        } else if (status != STELE_CONFLICT) {
            atomic_fetch_add(&it->failed, 1);
            break;
        }
    }
    return NULL;
}

TEST_ROWS(in_a_storm_of_16_threads_no_update_is_lost, orders_backends)
{
    orders_bed bed = orders_lay(row, NULL, NULL);
    storm it = {.bed = &bed};
    pthread_t threads[WRITERS];
    const order first = orders_first();
    char expected[16];
    expect_ok(order_create(bed.orders, &first, NULL, &error), &error);
    for (size_t i = 0; i < WRITERS; i++) {
        expect_int(pthread_create(&threads[i], NULL, fill, &it), 0);
    }
    for (size_t i = 0; i < WRITERS; i++) {
        expect_int(pthread_join(threads[i], NULL), 0);
    }
    expect_int(atomic_load(&it.failed), 0);
    (void)snprintf(expected, sizeof expected, "%d", WRITERS * ROUNDS);
    stele_entity_info info;
    const order found = orders_get(&bed, "1", &info);
    expect_true(stele_decimal_equal(found.filled_quantity, stele_decimal_of(expected)));
    expect_uint(info.sequence, WRITERS * ROUNDS + 1);
    orders_clear(&bed);
}

/* ---- opening */

#define DASHED(F) F(u32, id, KEY)
STELE_SCHEMA_AS(dashed, "a-b", 1, DASHED)

TEST(a_type_that_cannot_begin_a_stream_is_refused)
{
    orders_bed bed = orders_lay(0, NULL, NULL);
    stele_repository *repository;
    expect_error(stele_repository_open(bed.domain, dashed_schema(), NULL, &repository, &error),
                 &error, STELE_INVALID_NAME);
    stele_schema reserved = *dashed_schema();
    reserved.name = "$a";
    expect_error(stele_repository_open(bed.domain, &reserved, NULL, &repository, &error), &error,
                 STELE_INVALID_NAME);
    orders_clear(&bed);
}

TEST_ROWS(an_event_that_is_no_entry_is_told_with_its_place, orders_backends)
{
    orders_bed bed = orders_lay(row, NULL, NULL);
    const order first = orders_first();
    order found;
    expect_ok(order_create(bed.orders, &first, NULL, &error), &error);
    const stele_event other = stele_json_event("somebody.elses", "{}");
    expect_ok(stele_append(bed.store, "TestEntity-1", STELE_ANY, &other, 1, NULL, NULL, &error),
              &error);
    stele_entity_info info;
    expect_ok(stele_repository_get(bed.orders, "1", &found, &info, &error), &error);
    expect_uint(info.sequence, 2); /* it takes its place */
    const order second = orders_make(1, "51000", "100", "0");
    expect_ok(order_update(bed.orders, &first, &second, NULL, &error), &error);
    const stele_event bad = stele_json_event("TestEntity.Updated", "{\"entity_id\":7}");
    expect_ok(stele_append(bed.store, "TestEntity-1", STELE_ANY, &bad, 1, NULL, NULL, &error),
              &error);
    expect_error(stele_repository_get(bed.orders, "1", &found, NULL, &error), &error,
                 STELE_CORRUPT);
    expect_contains(error.message, "event 3 of TestEntity-1");
    orders_clear(&bed);
}

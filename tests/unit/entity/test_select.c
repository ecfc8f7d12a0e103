/* SPDX-License-Identifier: Apache-2.0 */
/* Selecting from the entities that exist: the queries of the first project's second repository, by
 * the names of its tests; a query by sequence there is one by the position of the last change here.
 */
#include "orders.h"

#include "base/prng.h"

#include <stdio.h>
#include <stdlib.h>

static stele_error error;

static stele_selection *chosen(orders_bed *bed, stele_select select)
{
    stele_selection *selection = NULL;
    expect_ok(stele_repository_select(bed->orders, &select, &selection, &error), &error);
    return selection;
}

/* The ids of what is selected, each behind a blank. */
static const char *ids(orders_bed *bed, stele_select select)
{
    static char text[1024];
    size_t size = 0;
    stele_selection *selection = chosen(bed, select);
    text[0] = '\0';
    for (size_t i = 0; i < selection->count; i++) {
        size += (size_t)snprintf(text + size, sizeof text - size, " %s", selection->rows[i].id);
    }
    stele_selection_free(selection);
    return text;
}

static void create(orders_bed *bed, uint64_t id)
{
    const order it = orders_make(id, "10", "1", "0");
    expect_ok(order_create(bed->orders, &it, NULL, &error), &error);
}

static stele_status raise_by_one(void *entity, void *context, stele_error *reterr)
{
    order *it = entity;
    (void)context;
    (void)reterr;
    it->price = stele_decimal_add(it->price, stele_decimal_of("1"));
    return STELE_OK;
}

static void change(orders_bed *bed, const char *id)
{
    expect_ok(order_modify(bed->orders, id, raise_by_one, NULL, NULL, NULL, &error), &error);
}

TEST_ROWS(replay_create_and_basic_queries_work, orders_backends)
{
    orders_bed bed = orders_lay(row, NULL, NULL);
    stele_selection *selection = chosen(&bed, (stele_select){0});
    expect_uint(selection->count, 0);
    expect_uint(selection->total, 0);
    stele_selection_free(selection);
    create(&bed, 7);
    selection = chosen(&bed, (stele_select){0});
    expect_uint(selection->count, 1);
    expect_uint(selection->total, 1);
    expect_uint(selection->head, 1);
    const order expected = orders_make(7, "10", "1", "0");
    expect_text(selection->rows[0].id, "7");
    expect_true(orders_equal(selection->rows[0].entity, &expected));
    expect_uint(selection->rows[0].info.sequence, 1);
    expect_uint(selection->rows[0].info.position, 1);
    stele_selection_free(selection);
    orders_clear(&bed);
}

TEST_ROWS(replay_update_replaces_latest_state, orders_backends)
{
    orders_bed bed = orders_lay(row, NULL, NULL);
    create(&bed, 1);
    create(&bed, 2);
    expect_text(ids(&bed, (stele_select){0}), " 1 2");
    change(&bed, "1");
    expect_text(ids(&bed, (stele_select){0}), " 2 1");
    /* An old position is not found any more. */
    expect_text(ids(&bed, (stele_select){.from = 1, .to = 1}), "");
    expect_text(ids(&bed, (stele_select){.from = 3, .to = 3}), " 1");
    orders_clear(&bed);
}

TEST_ROWS(replay_delete_cleans_indexes, orders_backends)
{
    orders_bed bed = orders_lay(row, NULL, NULL);
    create(&bed, 1);
    create(&bed, 2);
    expect_text(ids(&bed, (stele_select){0}), " 1 2");
    expect_ok(order_delete(bed.orders, "1", NULL, &error), &error);
    expect_text(ids(&bed, (stele_select){0}), " 2");
    expect_ok(order_restore(bed.orders, "1", 0, NULL, &error), &error);
    expect_text(ids(&bed, (stele_select){0}), " 2 1");
    orders_relay(&bed);
    expect_text(ids(&bed, (stele_select){0}), " 2 1");
    orders_clear(&bed);
}

TEST_ROWS(range_and_pagination_queries_are_stable, orders_backends)
{
    orders_bed bed = orders_lay(row, NULL, NULL);
    for (uint64_t id = 1; id <= 7; id++) {
        create(&bed, id);
    }
    expect_text(ids(&bed, (stele_select){.from = 2, .to = 4}), " 2 3 4");
    expect_text(ids(&bed, (stele_select){.limit = 3}), " 1 2 3");
    expect_text(ids(&bed, (stele_select){.offset = 3, .limit = 3}), " 4 5 6");
    expect_text(ids(&bed, (stele_select){.offset = 6, .limit = 3}), " 7");
    expect_text(ids(&bed, (stele_select){.offset = 9, .limit = 3}), "");
    stele_selection *selection = chosen(&bed, (stele_select){.offset = 3, .limit = 3});
    expect_uint(selection->total, 7);
    stele_selection_free(selection);
    selection = chosen(&bed, (stele_select){.is_count_only = 1});
    expect_uint(selection->total, 7);
    expect_uint(selection->count, 0);
    stele_selection_free(selection);
    orders_clear(&bed);
}

TEST_ROWS(cursor_query_supports_forward_and_backward_navigation, orders_backends)
{
    orders_bed bed = orders_lay(row, NULL, NULL);
    for (uint64_t id = 1; id <= 6; id++) {
        create(&bed, id);
    }
    expect_text(ids(&bed, (stele_select){.from = 3, .limit = 2}), " 3 4"); /* behind cursor 2 */
    /* Before cursor 4: the two before it, in ascending order. */
    expect_text(ids(&bed, (stele_select){.to = 3, .limit = 2, .is_last = 1}), " 2 3");
    expect_text(ids(&bed, (stele_select){.limit = 2, .is_last = 1}), " 5 6");
    expect_text(ids(&bed, (stele_select){.limit = 2, .offset = 2, .is_last = 1}), " 3 4");
    orders_clear(&bed);
}

static int has_even_id(void *context, const void *entity, const stele_entity_info *info)
{
    (void)context;
    (void)info;
    return ((const order *)entity)->id % 2 == 0;
}

TEST_ROWS(condition_queries_use_entity_id_matching, orders_backends)
{
    orders_bed bed = orders_lay(row, NULL, NULL);
    for (uint64_t id = 1; id <= 6; id++) {
        create(&bed, id);
    }
    expect_text(ids(&bed, (stele_select){.where = has_even_id}), " 2 4 6");
    expect_text(ids(&bed, (stele_select){.where = has_even_id, .offset = 1, .limit = 1}), " 4");
    stele_selection *selection = chosen(&bed, (stele_select){.where = has_even_id, .limit = 1});
    expect_uint(selection->total, 3);
    stele_selection_free(selection);
    orders_clear(&bed);
}

TEST(a_table_that_would_be_too_large_is_refused)
{
    const stele_repository_options small = {.table_bytes_max = 4000};
    orders_bed bed = orders_lay(0, &small, NULL);
    stele_selection *selection;
    create(&bed, 1);
    expect_text(ids(&bed, (stele_select){0}), " 1");
    for (uint64_t id = 2; id < 100; id++) {
        create(&bed, id);
    }
    expect_error(stele_repository_select(bed.orders, NULL, &selection, &error), &error,
                 STELE_INVALID_LIMIT);
    expect_error(stele_repository_select(bed.orders, NULL, &selection, &error), &error,
                 STELE_INVALID_LIMIT);
    orders_clear(&bed);
}

TEST(without_memory_it_says_so_and_goes_on_afterwards)
{
    test_alloc alloc;
    test_alloc_init(&alloc);
    const stele_domain_options options = {.alloc = &alloc.alloc};
    orders_bed bed = orders_lay(0, NULL, &options);
    for (uint64_t id = 1; id <= 200; id++) {
        create(&bed, id);
    }
    for (uint64_t n = 1;; n++) {
        stele_selection *selection = NULL;
        const uint64_t failures = alloc.failures;
        test_alloc_fail(&alloc, n, TEST_ALLOC_ONCE);
        const stele_status status = stele_repository_select(bed.orders, NULL, &selection, &error);
        if (alloc.failures == failures) {
            expect_ok(status, &error);
            expect_uint(selection->count, 200);
            stele_selection_free(selection);
            break;
        }
        expect_error(status, &error, STELE_NO_MEMORY);
    }
    orders_clear(&bed);
    expect_no_leak(&alloc);
}

/* ---- against a list */

enum { MODEL = 40 };

typedef struct model {
    uint64_t position[MODEL]; /* of the last change; 0: it does not exist */
    uint64_t head;
} model;

static int compare_positions(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Positions of what a select finds, by the model. */
static size_t naive(const model *it, const stele_select *select, uint64_t out[MODEL],
                    uint64_t *ret_total)
{
    uint64_t all[MODEL];
    size_t count = 0;
    for (size_t i = 0; i < MODEL; i++) {
        if (it->position[i] && it->position[i] >= select->from &&
            (!select->to || it->position[i] <= select->to) && (!select->where || i % 2 == 0)) {
            all[count++] = it->position[i];
        }
    }
    qsort(all, count, sizeof *all, compare_positions);
    *ret_total = count;
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        const size_t rank = select->is_last ? count - 1 - i : i;
        if (rank >= select->offset && (!select->limit || rank < select->offset + select->limit)) {
            out[found++] = all[i];
        }
    }
    return found;
}

TEST_ROWS(every_select_finds_what_a_list_finds, orders_backends)
{
    stele__prng prng;
    stele__prng_seed(&prng, test_seed());
    orders_bed bed = orders_lay(row, NULL, NULL);
    model it = {.head = 0};
    for (uint64_t step = 0; step < test_scaled(1500); step++) {
        char id[8];
        const size_t which = stele__prng_below(&prng, MODEL);
        (void)snprintf(id, sizeof id, "%zu", which);
        if (it.position[which] == 0) {
            create(&bed, which);
            it.position[which] = ++it.head;
        } else if (stele__prng_chance(&prng, 1, 5)) {
            expect_ok(order_delete(bed.orders, id, NULL, &error), &error);
            it.position[which] = 0;
            it.head++;
        } else {
            change(&bed, id);
            it.position[which] = ++it.head;
        }
        if (!stele__prng_chance(&prng, 1, 4)) {
            continue;
        }
        const stele_select select = {
            .from = stele__prng_chance(&prng, 1, 2) ? stele__prng_below(&prng, it.head + 2) : 0,
            .to = stele__prng_chance(&prng, 1, 2) ? stele__prng_below(&prng, it.head + 2) : 0,
            .where = stele__prng_chance(&prng, 1, 3) ? has_even_id : NULL,
            .offset = stele__prng_chance(&prng, 1, 2) ? stele__prng_below(&prng, 10) : 0,
            .limit = stele__prng_chance(&prng, 1, 2) ? stele__prng_below(&prng, 10) : 0,
            .is_last = stele__prng_chance(&prng, 1, 2)};
        uint64_t expected[MODEL];
        uint64_t total;
        const size_t count = naive(&it, &select, expected, &total);
        stele_selection *selection = chosen(&bed, select);
        expect_uint(selection->total, total);
        expect_uint(selection->count, count);
        for (size_t i = 0; i < count; i++) {
            expect_uint(selection->rows[i].info.position, expected[i]);
        }
        stele_selection_free(selection);
    }
    orders_clear(&bed);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An order whose every change is logged: eight scenarios of creating, changing and deleting it.
 * A program stores whole orders; the store keeps what changed, when and by whom, and can say what
 * an order was at any time.
 *
 *     order_entity [STORE]      a folder or URL; memory: by default
 */
#include <stele/entity.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ORDER_SIDES(V) V(BUY, "Buy") V(SELL, "Sell")
STELE_CHOICE(order_side, ORDER_SIDES)

#define ORDER_FIELDS(F)                                                                            \
    F(u64, id, KEY)                                                                                \
    F(text(16), symbol)                                                                            \
    F(decimal(8), price)                                                                           \
    F(decimal(8), quantity)                                                                        \
    F(decimal(8), filled_quantity)                                                                 \
    F(choice(order_side), side)
STELE_ENTITY(order, "TestEntity", ORDER_FIELDS)

static stele_error error;
static stele_repository *orders;

static order make(uint64_t id, const char *price, const char *quantity, const char *filled)
{
    return (order){.id = id,
                   .symbol = "BTCUSDT",
                   .price = stele_decimal_of(price),
                   .quantity = stele_decimal_of(quantity),
                   .filled_quantity = stele_decimal_of(filled),
                   .side = BUY};
}

static void must(stele_status status)
{
    if (status != STELE_OK) {
        (void)fprintf(stderr, "order_entity: %s\n", error.message);
        exit(1);
    }
}

static void scenario(int number, bool is_as_expected)
{
    (void)printf("scenario %d %s\n", number, is_as_expected ? "ok" : "FAILED");
    if (!is_as_expected) {
        exit(1);
    }
}

/* The changes of an update, one a line: "price 30 -> 35". */
static size_t tell_update(const order *before, const order *after)
{
    stele_entry entry;
    must(stele_track_update(order_schema(), before, after, NULL, &entry, &error));
    for (size_t i = 0; i < entry.change_count; i++) {
        const stele_change *change = &entry.changes[i];
        char text[200];
        stele_writer to = stele_writer_in(text, sizeof text);
        must(stele_field_write_json(change->field, change->before, &to, &error));
        (void)stele_writef(&to, " -> ");
        must(stele_field_write_json(change->field, change->after, &to, &error));
        (void)printf("%s %.*s\n", stele_field_name(change->field), (int)to.size, to.data);
    }
    return entry.change_count;
}

static void diffs(void)
{
    order before = make(1, "50000", "100", "0");
    order after = make(1, "51000", "100", "0");
    scenario(1, tell_update(&before, &after) == 1);
    before = make(1, "3000", "100", "0");
    after = make(1, "3500", "150", "50");
    scenario(2, tell_update(&before, &after) == 3);
}

static void update_of_nothing(void)
{
    const order before = make(3, "1", "1", "0");
    const order after = make(3, "2", "1", "0");
    const stele_status status = order_update(orders, &before, &after, NULL, &error);
    (void)printf("%s\n", error.message);
    scenario(3, status == STELE_NOT_FOUND);
}

static void consecutive_updates(void)
{
    const order first = make(4, "1", "10000", "0");
    const order second = make(4, "2", "10000", "0");
    const order third = make(4, "2", "10000", "5000");
    order replayed = {0};
    order now;
    uint64_t last = 0;
    bool is_right = true;
    STELE_CLEANUP(history) stele_history *history = NULL;
    const stele_entry *entry;
    must(order_create(orders, &first, NULL, &error));
    must(order_update(orders, &first, &second, NULL, &error));
    must(order_update(orders, &second, &third, NULL, &error));
    must(stele_history_open(orders, "4", 0, 0, &history, &error));
    while ((entry = stele_history_next(history, NULL, &error)) != NULL) {
        (void)printf("sequence %d %s\n", (int)entry->sequence,
                     stele_change_type_name(entry->change_type));
        is_right = is_right && entry->sequence == ++last;
        must(stele_entity_replay(order_schema(), entry, &replayed, &error));
    }
    must(error.status);
    must(order_get(orders, "4", &now, &error));
    scenario(4, is_right && last == 3 && stele_schema_equal(order_schema(), &replayed, &now));
}

static void complete_information(void)
{
    order before = make(5, "200", "100", "0");
    order after = make(5, "250", "100", "25");
    scenario(5, tell_update(&before, &after) == 2);
}

static void delete_then_update(void)
{
    const order before = make(6, "1", "1", "0");
    const order after = make(6, "2", "1", "0");
    must(order_create(orders, &before, NULL, &error));
    must(order_delete(orders, "6", NULL, &error));
    const stele_status status = order_update(orders, &before, &after, NULL, &error);
    (void)printf("%s\n", error.message);
    scenario(6, status == STELE_NOT_FOUND);
}

static void life_cycle(void)
{
    const order first = make(8, "50000", "100", "0");
    const order second = make(8, "51000", "100", "0");
    order then;
    stele_applied applied;
    must(order_create(orders, &first, NULL, &error));
    must(order_update(orders, &first, &second, &(stele_track_options){.actor = "mia"}, &error));
    must(order_delete(orders, "8", NULL, &error));
    must(stele_repository_delete(orders, "8", NULL, &applied, &error));
    must(order_as_of(orders, "8", stele_as_of_sequence(2), &then, &error));
    scenario(8, applied.sequence == 4 && stele_decimal_equal(then.price, second.price));
}

int main(int argument_count, char **arguments)
{
    STELE_CLEANUP(store) stele_store *store = NULL;
    STELE_CLEANUP(domain) stele_domain *domain = NULL;
    STELE_CLEANUP(repository) stele_repository *repository = NULL;
    must(stele_open(argument_count > 1 ? arguments[1] : "memory:", NULL, &store, &error));
    must(stele_domain_open(store, NULL, &domain, &error));
    must(order_open(domain, &repository, &error));
    orders = repository;
    diffs();
    update_of_nothing();
    consecutive_updates();
    complete_information();
    delete_then_update();
    const order before = make(7, "30", "100", "0");
    const order after = make(7, "35", "100", "50");
    scenario(7, tell_update(&before, &after) == 2); /* and nothing of the quantity */
    life_cycle();
    return 0;
}

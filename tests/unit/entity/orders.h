/* SPDX-License-Identifier: Apache-2.0 */
/* The entity of the first document, and a bed of a store, a domain and a repository on each
 * backend. */
#ifndef STELE_TEST_ENTITY_ORDERS_H
#define STELE_TEST_ENTITY_ORDERS_H

#include "stele/aggregate.h"
#include "stele/entity.h"
#include "stele/sys/clock.h"
#include "support/test.h"

#include <string.h>

#define ORDER_SIDES(V) V(SIDE_BUY, "Buy") V(SIDE_SELL, "Sell")
STELE_CHOICE(order_side, ORDER_SIDES)

#define ORDER_FIELDS(F)                                                                            \
    F(u64, id, KEY)                                                                                \
    F(text(16), symbol)                                                                            \
    F(decimal(8), price)                                                                           \
    F(decimal(8), quantity)                                                                        \
    F(decimal(8), filled_quantity)                                                                 \
    F(choice(order_side), side)
STELE_ENTITY(order, "TestEntity", ORDER_FIELDS)

/* The order of the document: id 1, BTCUSDT, price 50000, quantity 100, filled 0, Buy. */
order orders_first(void);
static inline order orders_make(uint64_t id, const char *price, const char *quantity,
                                const char *filled)
{
    order made = orders_first();
    made.id = id;
    made.price = stele_decimal_of(price);
    made.quantity = stele_decimal_of(quantity);
    made.filled_quantity = stele_decimal_of(filled);
    return made;
}
bool orders_equal(const order *a, const order *b);

typedef struct orders_bed {
    const char *url;
    stele_store *store;
    stele_domain *domain;
    stele_repository *orders;
    stele_repository_options options;
    stele_domain_options domain_options;
} orders_bed;

static const char *const orders_backends[] = {"memory", "embedded"};

orders_bed orders_lay(size_t row, const stele_repository_options *options,
                      const stele_domain_options *domain_options);
/* Closes all and opens them again (memory: not the store). */
void orders_relay(orders_bed *bed);
void orders_clear(orders_bed *bed);

/* What it is now; fails the test if it does not exist. */
order orders_get(orders_bed *bed, const char *id, stele_entity_info *ret_info);

#endif

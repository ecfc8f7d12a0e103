/* SPDX-License-Identifier: Apache-2.0 */
#include "orders.h"

order orders_first(void)
{
    return (order){.id = 1,
                   .symbol = "BTCUSDT",
                   .price = stele_decimal_of("50000"),
                   .quantity = stele_decimal_of("100"),
                   .filled_quantity = stele_decimal_of("0"),
                   .side = SIDE_BUY};
}

bool orders_equal(const order *a, const order *b)
{
    return stele_schema_equal(order_schema(), a, b) != 0;
}

static void open_all(orders_bed *bed)
{
    stele_error error;
    if (!bed->store) {
        const stele_options options = {.durability = STELE_DURABLE_OS};
        expect_ok(stele_open(bed->url, &options, &bed->store, &error), &error);
    }
    expect_ok(stele_domain_open(bed->store, &bed->domain_options, &bed->domain, &error), &error);
    expect_ok(stele_repository_open(bed->domain, order_schema(), &bed->options, &bed->orders,
                                    &error),
              &error);
}

static bool is_memory(const orders_bed *bed)
{
    return strcmp(bed->url, "memory:") == 0;
}

orders_bed orders_lay(size_t row, const stele_repository_options *options,
                      const stele_domain_options *domain_options)
{
    orders_bed bed = {.url = strcmp(orders_backends[row], "memory") == 0
                                 ? "memory:"
                                 : test_path(test_folder(), "store")};
    bed.options = options ? *options : bed.options;
    bed.domain_options = domain_options ? *domain_options : bed.domain_options;
    open_all(&bed);
    return bed;
}

static void close_all(orders_bed *bed, bool with_store)
{
    stele_error error;
    stele_repository_close(bed->orders);
    stele_domain_close(bed->domain);
    if (with_store) {
        expect_ok(stele_close(bed->store, &error), &error);
        bed->store = NULL;
    }
}

void orders_relay(orders_bed *bed)
{
    close_all(bed, !is_memory(bed));
    open_all(bed);
}

void orders_clear(orders_bed *bed)
{
    close_all(bed, true);
}

order orders_get(orders_bed *bed, const char *id, stele_entity_info *ret_info)
{
    stele_error error;
    order found = {0};
    expect_ok(stele_repository_get(bed->orders, id, &found, ret_info, &error), &error);
    return found;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The clock of an import, see import.h: the time of day, unless the importer says another. */
#include "import.h"

#include <stdatomic.h>

static stele_time import_now(void *context)
{
    cli_import_clock *clock = context;
    const stele_clock *system = stele_clock_system();
    /* Relaxed: the importer sets it before it calls the store, whose own locks order the two. */
    const int64_t instead = atomic_load_explicit(&clock->instead, memory_order_relaxed);

    return instead == INT64_MIN ? system->now(system->context) : instead;
}

static int64_t import_monotonic(void *context)
{
    const stele_clock *system = stele_clock_system();

    (void)context;
    return system->monotonic(system->context);
}

static void import_entropy(void *context, void *ret_bytes, size_t size)
{
    const stele_clock *system = stele_clock_system();

    (void)context;
    system->entropy(system->context, ret_bytes, size);
}

static void import_boot_id(void *context, uint8_t ret_id[16])
{
    const stele_clock *system = stele_clock_system();

    (void)context;
    system->boot_id(system->context, ret_id);
}

void cli_import_clock_init(cli_import_clock *clock)
{
    clock->table = (stele_clock){
        .context = clock,
        .now = import_now,
        .monotonic = import_monotonic,
        .entropy = import_entropy,
        .boot_id = import_boot_id,
    };
    atomic_init(&clock->instead, INT64_MIN);
}

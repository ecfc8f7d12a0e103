/* SPDX-License-Identifier: Apache-2.0 */
/* Simulated time and randomness. See sim_clock.h. */
#include "sim/sim_clock.h"

static sim_clock *clock_of(void *context)
{
    return (sim_clock *)context;
}

static stele_time tell_now(void *context)
{
    return clock_of(context)->wall;
}

static int64_t tell_monotonic(void *context)
{
    return clock_of(context)->monotonic;
}

static void tell_entropy(void *context, void *ret_bytes, size_t size)
{
    stele__prng_fill(&clock_of(context)->prng, ret_bytes, size);
}

static void tell_boot_id(void *context, uint8_t ret_id[16])
{
    memset(ret_id, 0x5b, 16);
    stele__store64(ret_id, clock_of(context)->boots);
}

void sim_clock_init(sim_clock *clock, uint64_t seed)
{
    memset(clock, 0, sizeof *clock);
    clock->clock = (stele_clock){.context = clock,
                                 .now = tell_now,
                                 .monotonic = tell_monotonic,
                                 .entropy = tell_entropy,
                                 .boot_id = tell_boot_id};
    clock->wall = SIM_CLOCK_BEGIN;
    clock->monotonic = INT64_C(1000000000);
    clock->boots = 1;
    stele__prng_seed(&clock->prng, seed);
}

void sim_clock_advance(sim_clock *clock, int64_t nanoseconds)
{
    clock->wall += nanoseconds;
    clock->monotonic += nanoseconds;
}

void sim_clock_step_wall(sim_clock *clock, int64_t nanoseconds)
{
    clock->wall += nanoseconds;
}

void sim_clock_restart(sim_clock *clock)
{
    clock->boots++;
    /* A machine needs a while to come up, and its monotonic clock begins anew. */
    clock->wall += INT64_C(20000000000);
    clock->monotonic = INT64_C(1000000000);
}

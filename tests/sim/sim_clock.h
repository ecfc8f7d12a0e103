/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Simulated time and randomness: a stele_clock that moves only when it is told to. The boot id
 * changes with every restart of the simulated machine. Confined to one thread.
 */
#ifndef STELE_TESTS_SIM_CLOCK_H
#define STELE_TESTS_SIM_CLOCK_H

#include "base/base.h"
#include <stele/sys/clock.h>

typedef struct sim_clock {
    stele_clock clock; /* hand out &sim->clock */
    stele_time wall;
    int64_t monotonic;
    uint64_t boots;
    stele__prng prng;
} sim_clock;

/* 2026-11-21T10:00:00Z. */
#define SIM_CLOCK_BEGIN INT64_C(1795255200000000000)

void sim_clock_init(sim_clock *clock, uint64_t seed);
/* Moves both clocks on. */
void sim_clock_advance(sim_clock *clock, int64_t nanoseconds);
/* Sets the wall clock back (negative) or ahead, as an administrator does. */
void sim_clock_step_wall(sim_clock *clock, int64_t nanoseconds);
void sim_clock_restart(sim_clock *clock);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for one run of the simulator: handed out piece by piece, given back all at once. Never
 * NULL. Confined to one thread. Zero-initialised it is empty. */
#ifndef STELE_TESTS_SIM_ARENA_H
#define STELE_TESTS_SIM_ARENA_H

#include <stddef.h>
#include <stdint.h>

typedef struct sim_arena_block sim_arena_block;

typedef struct sim_arena {
    sim_arena_block *blocks; /* in use, newest first */
    sim_arena_block *spare;
    size_t used; /* of the newest */
} sim_arena;

/* Zeroed, aligned for any type. */
void *sim_arena_get(sim_arena *arena, size_t size);
char *sim_arena_text(sim_arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Everything that was handed out is void; the blocks are kept. */
void sim_arena_reset(sim_arena *arena);
void sim_arena_done(sim_arena *arena);

#endif

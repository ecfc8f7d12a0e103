/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for one run of the simulator. See arena.h. */
#include "sim/arena.h"

#include "base/base.h"

#include <stdarg.h>
#include <stdio.h>

enum { BLOCK_BYTES = 256 * 1024, ALIGNMENT = 16 };

struct sim_arena_block {
    sim_arena_block *next;
    size_t size;
    _Alignas(ALIGNMENT) uint8_t bytes[];
};

static sim_arena_block *take_block(sim_arena *arena, size_t size)
{
    sim_arena_block *block = arena->spare;
    if (block && block->size >= size) {
        arena->spare = block->next;
        return block;
    }
    const size_t room = size > BLOCK_BYTES ? size : BLOCK_BYTES;
    block = stele__allocate(stele_alloc_default(), sizeof *block + room);
    STELE_ASSERT(block != NULL);
    block->size = room;
    return block;
}

void *sim_arena_get(sim_arena *arena, size_t size)
{
    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (!arena->blocks || arena->blocks->size - arena->used < size) {
        sim_arena_block *block = take_block(arena, size);
        block->next = arena->blocks;
        arena->blocks = block;
        arena->used = 0;
    }
    void *memory = arena->blocks->bytes + arena->used;
    arena->used += size;
    memset(memory, 0, size);
    return memory;
}

char *sim_arena_text(sim_arena *arena, const char *format, ...)
{
    char text[1200];
    va_list arguments;
    va_start(arguments, format);
    const int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    STELE_ASSERT(size >= 0 && (size_t)size < sizeof text);
    char *copy = sim_arena_get(arena, (size_t)size + 1);
    memcpy(copy, text, (size_t)size + 1);
    return copy;
}

static void release_blocks(sim_arena_block *block)
{
    while (block) {
        sim_arena_block *next = block->next;
        stele__release(stele_alloc_default(), block, sizeof *block + block->size);
        block = next;
    }
}

void sim_arena_reset(sim_arena *arena)
{
    while (arena->blocks) {
        sim_arena_block *block = arena->blocks;
        arena->blocks = block->next;
        if (block->size == BLOCK_BYTES) {
            block->next = arena->spare;
            arena->spare = block;
        } else {
            block->next = NULL;
            release_blocks(block);
        }
    }
    arena->used = 0;
}

void sim_arena_done(sim_arena *arena)
{
    release_blocks(arena->blocks);
    release_blocks(arena->spare);
    *arena = (sim_arena){0};
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/arena.h"

enum { BLOCK_SIZE = 8192 };

struct stele__arena_block {
    stele__arena_block *next;
    size_t size; /* of bytes */
    size_t used;
    _Alignas(max_align_t) uint8_t bytes[];
};

static void release(const stele__arena *arena, stele__arena_block *block)
{
    stele__release(arena->alloc, block, sizeof *block + block->size);
}

void *stele__arena_take(stele__arena *arena, size_t size)
{
    const size_t align = _Alignof(max_align_t);
    stele__arena_block *block = arena->blocks;
    if (size > SIZE_MAX / 4) {
        return NULL;
    }
    const size_t wanted = (size + align - 1) & ~(align - 1);
    if (!block || wanted > block->size - block->used) {
        const size_t room = wanted > BLOCK_SIZE ? wanted : BLOCK_SIZE;
        block = stele__allocate(arena->alloc, sizeof *block + room);
        if (!block) {
            return NULL;
        }
        *block = (stele__arena_block){.next = arena->blocks, .size = room};
        arena->blocks = block;
    }
    void *memory = block->bytes + block->used;
    block->used += wanted;
    return memory;
}

char *stele__arena_copy(stele__arena *arena, const void *bytes, size_t size)
{
    char *copy = size < SIZE_MAX ? stele__arena_take(arena, size + 1) : NULL;
    if (copy) {
        if (size > 0) {
            memcpy(copy, bytes, size);
        }
        copy[size] = '\0';
    }
    return copy;
}

void stele__arena_reset(stele__arena *arena)
{
    while (arena->blocks && arena->blocks->next) {
        stele__arena_block *block = arena->blocks;
        arena->blocks = block->next;
        release(arena, block);
    }
    if (arena->blocks) {
        arena->blocks->used = 0;
    }
}

void stele__arena_done(stele__arena *arena)
{
    stele__arena_reset(arena);
    if (arena->blocks) {
        release(arena, arena->blocks);
        arena->blocks = NULL;
    }
}

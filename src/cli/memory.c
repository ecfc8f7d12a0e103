/* SPDX-License-Identifier: Apache-2.0 */
/* Buffers and arenas over the library's public allocator, see memory.h. */
#include "memory.h"

#include "cli.h"

#include <stele/sys/alloc.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_SIZE ((size_t)64 << 10)
#define ALIGNMENT ((size_t)16)

cli_arena cli_forever;

static _Noreturn void run_out_of_memory(void)
{
    fputs("stele: out of memory\n", stderr);
    exit(CLI_EXIT_FAILURE);
}

/* ---- Single pieces */

static void *take(size_t size)
{
    const stele_alloc *alloc = stele_alloc_default();
    void *memory = alloc->allocate(alloc->context, size ? size : 1);

    if (!memory) {
        run_out_of_memory();
    }
    return memory;
}

void *cli_take_zero(size_t size)
{
    void *memory = take(size);

    memset(memory, 0, size);
    return memory;
}

void cli_give_back(void *memory, size_t size)
{
    const stele_alloc *alloc = stele_alloc_default();

    if (memory) {
        alloc->release(alloc->context, memory, size ? size : 1);
    }
}

/* ---- Buffers */

void cli_buffer_reserve(cli_buffer *buffer, size_t more)
{
    const stele_alloc *alloc = stele_alloc_default();
    size_t needed;
    size_t capacity;
    void *data;

    if (__builtin_add_overflow(buffer->size, more, &needed) || needed > SIZE_MAX / 2) {
        run_out_of_memory();
    }
    if (needed <= buffer->capacity) {
        return;
    }
    capacity = buffer->capacity ? buffer->capacity : 64;
    while (capacity < needed) {
        capacity *= 2;
    }
    data = buffer->data ? alloc->resize(alloc->context, buffer->data, buffer->capacity, capacity)
                        : alloc->allocate(alloc->context, capacity);
    if (!data) {
        run_out_of_memory();
    }
    buffer->data = data;
    buffer->capacity = capacity;
}

void cli_buffer_add(cli_buffer *buffer, const void *bytes, size_t size)
{
    if (size > 0) {
        cli_buffer_reserve(buffer, size);
        memcpy(buffer->data + buffer->size, bytes, size);
        buffer->size += size;
    }
}

void cli_buffer_add_text(cli_buffer *buffer, const char *text)
{
    cli_buffer_add(buffer, text, strlen(text));
}

void cli_buffer_add_byte(cli_buffer *buffer, char byte)
{
    if (buffer->size == buffer->capacity) {
        cli_buffer_reserve(buffer, 1);
    }
    buffer->data[buffer->size++] = byte;
}

void cli_buffer_add_times(cli_buffer *buffer, char byte, size_t count)
{
    cli_buffer_reserve(buffer, count + 1);
    memset(buffer->data + buffer->size, byte, count);
    buffer->size += count;
}

void cli_buffer_format_list(cli_buffer *buffer, const char *format, va_list list)
{
    va_list again;
    int size;

    va_copy(again, list);
    size = vsnprintf(NULL, 0, format, list);
    if (size > 0) {
        cli_buffer_reserve(buffer, (size_t)size + 1);
        (void)vsnprintf(buffer->data + buffer->size, (size_t)size + 1, format, again);
        buffer->size += (size_t)size;
    }
    va_end(again);
}

void cli_buffer_format(cli_buffer *buffer, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    cli_buffer_format_list(buffer, format, list);
    va_end(list);
}

const char *cli_buffer_text(cli_buffer *buffer)
{
    cli_buffer_reserve(buffer, 1);
    buffer->data[buffer->size] = '\0';
    return buffer->data;
}

void cli_buffer_clear(cli_buffer *buffer)
{
    buffer->size = 0;
}

void cli_buffer_done(cli_buffer *buffer)
{
    cli_give_back(buffer->data, buffer->capacity);
    *buffer = (cli_buffer){0};
}

/* ---- Arenas */

struct cli_arena_chunk {
    struct cli_arena_chunk *older;
    size_t capacity; /* behind the head */
    _Alignas(16) unsigned char bytes[];
};

static void add_chunk(cli_arena *arena, size_t size)
{
    const size_t capacity = size > CHUNK_SIZE ? size : CHUNK_SIZE;
    struct cli_arena_chunk *chunk = take(sizeof *chunk + capacity);

    chunk->older = arena->chunk;
    chunk->capacity = capacity;
    arena->chunk = chunk;
    arena->used = 0;
}

void *cli_arena_take(cli_arena *arena, size_t size)
{
    void *piece;

    if (size > SIZE_MAX / 4) {
        run_out_of_memory();
    }
    size = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    if (!arena->chunk || arena->chunk->capacity - arena->used < size) {
        add_chunk(arena, size);
    }
    piece = arena->chunk->bytes + arena->used;
    arena->used += size;
    return piece;
}

char *cli_arena_text(cli_arena *arena, const char *text, size_t size)
{
    char *copy = cli_arena_take(arena, size + 1);

    if (size > 0) {
        memcpy(copy, text, size);
    }
    copy[size] = '\0';
    return copy;
}

/* Frees chunks until `kept` is the newest. */
static void free_chunks(cli_arena *arena, const struct cli_arena_chunk *kept)
{
    while (arena->chunk != kept) {
        struct cli_arena_chunk *chunk = arena->chunk;

        arena->chunk = chunk->older;
        cli_give_back(chunk, sizeof *chunk + chunk->capacity);
    }
    arena->used = 0;
}

void cli_arena_reset(cli_arena *arena)
{
    struct cli_arena_chunk *oldest = arena->chunk;

    while (oldest && oldest->older) {
        oldest = oldest->older;
    }
    free_chunks(arena, oldest);
}

void cli_arena_done(cli_arena *arena)
{
    free_chunks(arena, NULL);
}

void *cli_arena_grow(cli_arena *arena, void *array, size_t count, size_t item_size)
{
    void *larger;

    /* Room is doubled exactly when the count is a power of two (or nothing), so no capacity has to
     * be kept. */
    if (count > 0 && (count & (count - 1)) != 0) {
        return array;
    }
    if (count > SIZE_MAX / 4 / item_size) {
        run_out_of_memory();
    }
    larger = cli_arena_take(arena, (count > 0 ? 2 * count : 1) * item_size);
    if (count > 0) {
        memcpy(larger, array, count * item_size);
    }
    return larger;
}

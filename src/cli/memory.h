/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of the tool: a growing buffer, and an arena for things that end together. A command that
 * is out of memory cannot do anything sensible any more, so these never fail: they say so and end
 * the process with the exit code for failures. All of it comes from the library's public allocator.
 * Confined to one thread each.
 */
#ifndef STELE_CLI_MEMORY_H
#define STELE_CLI_MEMORY_H

#include <stele/types.h>

#include <stdarg.h>
#include <stdbool.h>

/* Grows at the end. Zero-initialised it is empty. `data` is not terminated; see cli_buffer_text().
 */
typedef struct cli_buffer {
    char *data;
    size_t size;
    size_t capacity;
} cli_buffer;

/* Makes room for `more` bytes behind size. */
void cli_buffer_reserve(cli_buffer *buffer, size_t more);
void cli_buffer_add(cli_buffer *buffer, const void *bytes, size_t size);
void cli_buffer_add_text(cli_buffer *buffer, const char *text);
void cli_buffer_add_byte(cli_buffer *buffer, char byte);
void cli_buffer_add_times(cli_buffer *buffer, char byte, size_t count);
void cli_buffer_format(cli_buffer *buffer, const char *format, ...) STELE_PRINTF(2, 3);
void cli_buffer_format_list(cli_buffer *buffer, const char *format, va_list list)
    STELE_PRINTF(2, 0);
/* The content with a NUL behind it, lent until the next change. */
const char *cli_buffer_text(cli_buffer *buffer);
void cli_buffer_clear(cli_buffer *buffer);
void cli_buffer_done(cli_buffer *buffer);

static inline void cli_cleanup_buffer(cli_buffer *buffer)
{
    cli_buffer_done(buffer);
}

/* `CLI_CLEANUP_BUFFER cli_buffer text = {0};` is emptied at the end of the scope. */
#define CLI_CLEANUP_BUFFER __attribute__((cleanup(cli_cleanup_buffer)))

struct cli_arena_chunk;

/* Pieces that never move and end together. Zero-initialised it is empty. */
typedef struct cli_arena {
    struct cli_arena_chunk *chunk; /* the newest */
    size_t used;                   /* of the newest */
} cli_arena;

/* `size` bytes, aligned for any type, not initialised. */
void *cli_arena_take(cli_arena *arena, size_t size);
/* A copy with a NUL behind it. */
char *cli_arena_text(cli_arena *arena, const char *text, size_t size);
/* Forgets everything that was taken, and keeps one chunk for what comes. */
void cli_arena_reset(cli_arena *arena);
void cli_arena_done(cli_arena *arena);

/* Memory that is released one by one, with the size it was taken with. */
void *cli_take_zero(size_t size);
void cli_give_back(void *memory, size_t size);

/* An array that lives in an arena and doubles there: returns it with room for count + 1 items. */
void *cli_arena_grow(cli_arena *arena, void *array, size_t count, size_t item_size);

/* What stays until the process ends: what was parsed from the command line. */
extern cli_arena cli_forever;

#endif

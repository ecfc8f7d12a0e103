/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The id window: which event ids stand in the last STELE_ID_WINDOW positions.
 *
 * Buckets of chains that run through a ring: the cell of a position holds a 32-bit print of
 * (stream, id) and the position before it in the same bucket. Chains only go down, so they end by
 * themselves where they leave the ring: nothing is ever taken out. A print that matches is a
 * candidate; the log decides.
 */
#include "log/engine.h"

enum { WINDOW_SIZE_MIN = 1024 };

void stele__window_init(stele__window *window, const stele_alloc *alloc)
{
    *window = (stele__window){.alloc = alloc};
}

static void release_arrays(const stele__window *window)
{
    stele__release(window->alloc, window->heads, window->size * sizeof *window->heads);
    stele__release(window->alloc, window->cells, window->size * sizeof *window->cells);
}

void stele__window_done(stele__window *window)
{
    release_arrays(window);
    stele__window_init(window, window->alloc);
}

/* Whether a position is still in the ring. */
static bool holds(const stele__window *window, stele_position position)
{
    return position >= window->first && position <= window->last &&
           window->last - position < window->size;
}

static void put(stele__window *window, stele_position position, uint32_t print)
{
    uint32_t *head = &window->heads[print & (window->size - 1)];
    window->cells[position & (window->size - 1)] = (stele__window_cell){print, *head};
    *head = (uint32_t)position;
    window->last = position;
}

stele_status stele__window_reserve(stele__window *window, size_t more, stele_error *reterr)
{
    const uint64_t kept = window->size && window->last ? window->last - window->first + 1 : 0;
    uint64_t size = window->size ? window->size : WINDOW_SIZE_MIN;
    while (size < kept + more && size < STELE_ID_WINDOW) {
        size *= 2;
    }
    if (size == window->size) {
        return STELE_OK;
    }
    stele__window larger = {.alloc = window->alloc, .size = (uint32_t)size};
    larger.heads = stele__allocate_zero(window->alloc, size * sizeof *larger.heads);
    larger.cells = stele__allocate_zero(window->alloc, size * sizeof *larger.cells);
    if (!larger.heads || !larger.cells) {
        release_arrays(&larger);
        return stele__fail_memory(reterr);
    }
    larger.first = window->first;
    for (stele_position position = window->first; window->last && position <= window->last;
         position++) {
        if (holds(window, position)) {
            put(&larger, position, window->cells[position & (window->size - 1)].print);
        }
    }
    release_arrays(window);
    *window = larger;
    return STELE_OK;
}

uint32_t stele__window_print(uint64_t stream_hash, const stele_uuid *id)
{
    const uint64_t a = stele__load64(id->bytes);
    const uint64_t b = stele__load64(id->bytes + 8);
    uint64_t mixed = (a ^ stream_hash) * UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ (mixed >> 32) ^ b) * UINT64_C(0xd6e8feb86659fd93);
    return (uint32_t)(mixed >> 32);
}

void stele__window_put(stele__window *window, stele_position position, uint32_t print)
{
    STELE_ASSERT(window->size && (window->last == 0 || position == window->last + 1));
    if (window->last == 0) {
        window->first = position;
    }
    put(window, position, print);
}

/* The full position of a cell's low 32 bits, at or below `below`. */
static stele_position widen(uint32_t low, stele_position below)
{
    stele_position position = (below & ~(uint64_t)UINT32_MAX) | low;
    return position > below ? position - ((uint64_t)UINT32_MAX + 1) : position;
}

stele_position stele__window_next(const stele__window *window, uint32_t print,
                                  stele_position before)
{
    if (!window->size || !window->last) {
        return 0;
    }
    const uint32_t mask = window->size - 1;
    stele_position limit = before ? before - 1 : window->last;
    uint32_t low =
        before ? window->cells[(uint32_t)before & mask].previous : window->heads[print & mask];
    for (;;) { /* not while (low): that is also how a multiple of 2^32 ends */
        const stele_position position = widen(low, limit);
        if (position == 0 || position > limit || !holds(window, position)) {
            return 0;
        }
        const stele__window_cell *cell = &window->cells[(uint32_t)position & mask];
        if (cell->print == print) {
            return position;
        }
        limit = position - 1;
        low = cell->previous;
    }
}

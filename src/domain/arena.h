/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that is taken piece by piece and given back all at once. Pieces do not move. One thread.
 */
#ifndef STELE_DOMAIN_ARENA_H
#define STELE_DOMAIN_ARENA_H

#include "base/alloc.h"
#include <stele/types.h>

typedef struct stele__arena_block stele__arena_block;

/* Zero-initialise with an allocator. */
typedef struct stele__arena {
    const stele_alloc *alloc;
    stele__arena_block *blocks; /* the one that is being filled first */
} stele__arena;

/* Aligned for any type. NULL: no memory. */
void *stele__arena_take(stele__arena *arena, size_t size) __attribute__((warn_unused_result));
/* A copy with a NUL behind it. NULL: no memory. */
char *stele__arena_copy(stele__arena *arena, const void *bytes, size_t size)
    __attribute__((warn_unused_result));
/* Gives everything back but one block, to be used again. */
void stele__arena_reset(stele__arena *arena);
void stele__arena_done(stele__arena *arena);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file stele/sys/alloc.h
 * @brief For those who extend Stele: where its memory comes from.
 */
#ifndef STELE_SYS_ALLOC_H
#define STELE_SYS_ALLOC_H

#include "../types.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * An allocator, given in stele_options.alloc. All of a store's memory goes through it and comes back to it, with the
 * size it was asked for. Must be callable from any thread, and may fail at any time: Stele then answers
 * ::STELE_NO_MEMORY.
 */
typedef struct stele_alloc {
    void *context;
    /** `size` > 0 bytes, aligned for any type, or NULL. */
    void *(*allocate)(void *context, size_t size);
    /** Grows or shrinks; `memory` is never NULL; on NULL the old memory is untouched. */
    void *(*resize)(void *context, void *memory, size_t old_size, size_t new_size);
    /** `memory` is never NULL. */
    void (*release)(void *context, void *memory, size_t size);
} stele_alloc;

/** The one made of malloc(), realloc() and free(). Static: never to be freed. Any thread. */
STELE_API const stele_alloc *stele_alloc_default(void);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A growing piece of memory. Confined to one thread. Zero-initialised with an allocator it is
 * empty. */
#ifndef STELE_BASE_BUFFER_H
#define STELE_BASE_BUFFER_H

#include "alloc.h"

#include <stdint.h>

typedef struct stele__buffer {
    const stele_alloc *alloc;
    uint8_t *data;
    size_t size;
    size_t capacity;
} stele__buffer;

/* Makes room for `more` bytes behind size, without changing size. False: no memory, nothing
 * changed. */
bool stele__buffer_reserve(stele__buffer *buffer, size_t more) __attribute__((warn_unused_result));
bool stele__buffer_append(stele__buffer *buffer, const void *bytes, size_t size)
    __attribute__((warn_unused_result));
void stele__buffer_done(stele__buffer *buffer);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory. Everything goes through a stele_alloc table with the sizes it was asked for, so that a
 * test can fail the n-th allocation and count what leaks. Every result is checked; NULL means no
 * memory.
 */
#ifndef STELE_BASE_ALLOC_H
#define STELE_BASE_ALLOC_H

#include <stele/sys/alloc.h>

#include <stdbool.h>
#include <string.h>

/* size may be 0: then the result is a valid pointer that must be released with size 0 as well. */
static inline void *stele__allocate(const stele_alloc *alloc, size_t size)
{
    return alloc->allocate(alloc->context, size ? size : 1);
}

static inline void *stele__allocate_zero(const stele_alloc *alloc, size_t size)
{
    void *memory = stele__allocate(alloc, size);
    if (memory) {
        memset(memory, 0, size);
    }
    return memory;
}

/* count * size with a check for overflow. */
static inline void *stele__allocate_array(const stele_alloc *alloc, size_t count, size_t size)
{
    size_t total;
    return __builtin_mul_overflow(count, size, &total) ? NULL : stele__allocate(alloc, total);
}

/* memory may be NULL if old_size is 0. On NULL the old memory is untouched. */
static inline void *stele__resize(const stele_alloc *alloc, void *memory, size_t old_size,
                                  size_t new_size)
{
    if (!memory) {
        return stele__allocate(alloc, new_size);
    }
    return alloc->resize(alloc->context, memory, old_size ? old_size : 1, new_size ? new_size : 1);
}

static inline void stele__release(const stele_alloc *alloc, void *memory, size_t size)
{
    if (memory) {
        alloc->release(alloc->context, memory, size ? size : 1);
    }
}

/* Makes room for `needed` items of item_size in an array that has *capacity of them, at least
 * doubling. False: no memory, nothing changed. */
bool stele__reserve(const stele_alloc *alloc, void **array, size_t *capacity, size_t needed,
                    size_t item_size) __attribute__((warn_unused_result));

/*
 * An allocator in front of another that counts bytes in use against a limit: the memory budget of a
 * store. Internally locked (atomic counters).
 */
typedef struct stele__budget {
    stele_alloc alloc; /* hand out &budget->alloc */
    const stele_alloc *below;
    size_t limit;  /* SIZE_MAX: none */
    size_t in_use; /* atomic */
    size_t peak;   /* atomic */
} stele__budget;

void stele__budget_init(stele__budget *budget, const stele_alloc *below, size_t limit);
size_t stele__budget_in_use(const stele__budget *budget);

#endif

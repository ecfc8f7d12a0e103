/* SPDX-License-Identifier: Apache-2.0 */
/* The default allocator, growing arrays, and the allocator that keeps to a budget. */
#include "alloc.h"

#include <stdlib.h>

static void *allocate_default(void *context, size_t size)
{
    (void)context;
    return malloc(size);
}

static void *resize_default(void *context, void *memory, size_t old_size, size_t new_size)
{
    (void)context;
    (void)old_size;
    return realloc(memory, new_size);
}

static void release_default(void *context, void *memory, size_t size)
{
    (void)context;
    (void)size;
    free(memory);
}

const stele_alloc *stele_alloc_default(void)
{
    static const stele_alloc alloc = {NULL, allocate_default, resize_default, release_default};
    return &alloc;
}

bool stele__reserve(const stele_alloc *alloc, void **array, size_t *capacity, size_t needed,
                    size_t item_size)
{
    size_t count = *capacity < 8 ? 8 : *capacity;
    size_t size;
    void *memory;

    if (needed <= *capacity) {
        return true;
    }
    while (count < needed) {
        if (__builtin_mul_overflow(count, 2, &count)) {
            count = needed;
        }
    }
    if (__builtin_mul_overflow(count, item_size, &size)) {
        /* Doubling went too far; what is needed may still fit. */
        count = needed;
        if (__builtin_mul_overflow(count, item_size, &size)) {
            return false;
        }
    }
    memory = stele__resize(alloc, *array, *capacity * item_size, size);
    if (!memory) {
        return false;
    }
    *array = memory;
    *capacity = count;
    return true;
}

/* Counts `size` bytes in, or answers false when that would go above the limit. The counters order
 * nothing but themselves, so relaxed is enough. */
static bool charge_budget(stele__budget *budget, size_t size)
{
    size_t before = __atomic_load_n(&budget->in_use, __ATOMIC_RELAXED);
    size_t after;
    size_t peak;

    do {
        if (__builtin_add_overflow(before, size, &after) || after > budget->limit) {
            return false;
        }
    } while (!__atomic_compare_exchange_n(&budget->in_use, &before, after, true, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
    peak = __atomic_load_n(&budget->peak, __ATOMIC_RELAXED);
    while (peak < after && !__atomic_compare_exchange_n(&budget->peak, &peak, after, true,
                                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
    return true;
}

static void credit_budget(stele__budget *budget, size_t size)
{
    (void)__atomic_sub_fetch(&budget->in_use, size, __ATOMIC_RELAXED);
}

static void *allocate_within(void *context, size_t size)
{
    stele__budget *budget = (stele__budget *)context;
    void *memory;

    if (!charge_budget(budget, size)) {
        return NULL;
    }
    memory = budget->below->allocate(budget->below->context, size);
    if (!memory) {
        credit_budget(budget, size);
    }
    return memory;
}

static void *resize_within(void *context, void *memory, size_t old_size, size_t new_size)
{
    stele__budget *budget = (stele__budget *)context;
    const size_t more = new_size > old_size ? new_size - old_size : 0;
    const size_t less = old_size > new_size ? old_size - new_size : 0;
    void *resized;

    if (!charge_budget(budget, more)) {
        return NULL;
    }
    resized = budget->below->resize(budget->below->context, memory, old_size, new_size);
    credit_budget(budget, resized ? less : more);
    return resized;
}

static void release_within(void *context, void *memory, size_t size)
{
    stele__budget *budget = (stele__budget *)context;

    budget->below->release(budget->below->context, memory, size);
    credit_budget(budget, size);
}

void stele__budget_init(stele__budget *budget, const stele_alloc *below, size_t limit)
{
    budget->alloc = (stele_alloc){budget, allocate_within, resize_within, release_within};
    budget->below = below;
    budget->limit = limit;
    budget->in_use = 0;
    budget->peak = 0;
}

size_t stele__budget_in_use(const stele__budget *budget)
{
    return __atomic_load_n(&budget->in_use, __ATOMIC_RELAXED);
}

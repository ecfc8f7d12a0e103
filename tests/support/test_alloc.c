/* SPDX-License-Identifier: Apache-2.0 */
/* The allocator of tests. Every piece stands behind a header that knows its size, so that a release
 * with another size, or a second one, is found at once. */
#include "support/test.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LIVE UINT64_C(0x6c697665206d656d)
#define DEAD UINT64_C(0x64656164206d656d)

typedef struct alloc_header {
    uint64_t mark;
    uint64_t size;
} alloc_header;

static bool is_refused(test_alloc *alloc)
{
    const uint64_t call = __atomic_add_fetch(&alloc->calls, 1, __ATOMIC_RELAXED);
    const bool refused =
        alloc->fail_at != 0 &&
        (call == alloc->fail_at || (call > alloc->fail_at && alloc->mode == TEST_ALLOC_FROM));

    if (refused) {
        (void)__atomic_add_fetch(&alloc->failures, 1, __ATOMIC_RELAXED);
    }
    return refused;
}

static void count_live(test_alloc *alloc, uint64_t more, uint64_t less)
{
    uint64_t live = __atomic_add_fetch(&alloc->live_bytes, more - less, __ATOMIC_RELAXED);
    uint64_t peak = __atomic_load_n(&alloc->peak_bytes, __ATOMIC_RELAXED);

    while (peak < live && !__atomic_compare_exchange_n(&alloc->peak_bytes, &peak, live, true,
                                                       __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
}

static void *test_allocate(void *context, size_t size)
{
    test_alloc *alloc = (test_alloc *)context;
    alloc_header *header;

    if (size == 0) {
        test_fail("an allocation of 0 bytes reached the allocator");
    }
    if (is_refused(alloc)) {
        return NULL;
    }
    header = (alloc_header *)malloc(sizeof *header + size);
    if (!header) {
        return NULL;
    }
    header->mark = LIVE;
    header->size = size;
    (void)__atomic_add_fetch(&alloc->live_count, 1, __ATOMIC_RELAXED);
    count_live(alloc, size, 0);
    /* Nobody may count on zeroes. */
    memset(header + 1, 0xa5, size);
    return header + 1;
}

static alloc_header *header_of(void *memory, size_t size)
{
    alloc_header *header = (alloc_header *)memory - 1;

    if (header->mark != LIVE) {
        test_fail("memory that is %s came back to the allocator",
                  header->mark == DEAD ? "free already" : "not its own");
    }
    if (header->size != size) {
        test_fail("%" PRIu64 " bytes came back to the allocator as %zu", header->size, size);
    }
    return header;
}

static void test_release(void *context, void *memory, size_t size)
{
    test_alloc *alloc = (test_alloc *)context;
    alloc_header *header = header_of(memory, size);

    (void)__atomic_sub_fetch(&alloc->live_count, 1, __ATOMIC_RELAXED);
    count_live(alloc, 0, size);
    memset(memory, 0x5a, size);
    header->mark = DEAD;
    free(header);
}

/* Always moves, because who relies on staying in place is wrong sooner or later. */
static void *test_resize(void *context, void *memory, size_t old_size, size_t new_size)
{
    void *moved;

    (void)header_of(memory, old_size);
    moved = test_allocate(context, new_size);
    if (moved) {
        memcpy(moved, memory, old_size < new_size ? old_size : new_size);
        test_release(context, memory, old_size);
    }
    return moved;
}

void test_alloc_init(test_alloc *alloc)
{
    memset(alloc, 0, sizeof *alloc);
    alloc->alloc.context = alloc;
    alloc->alloc.allocate = test_allocate;
    alloc->alloc.resize = test_resize;
    alloc->alloc.release = test_release;
}

void test_alloc_fail(test_alloc *alloc, uint64_t n, test_alloc_mode mode)
{
    alloc->calls = 0;
    alloc->fail_at = n;
    alloc->mode = mode;
}

void test_expect_no_leak(test_alloc *alloc, const char *file, int line)
{
    if (alloc->live_count != 0) {
        test_fail_at(file, line,
                     "%" PRIu64 " pieces of memory with %" PRIu64 " bytes are still allocated",
                     alloc->live_count, alloc->live_bytes);
    }
}

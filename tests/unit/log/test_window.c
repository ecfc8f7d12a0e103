/* SPDX-License-Identifier: Apache-2.0 */
/* The window of event ids, against a plain array of everything that was put in. */
#include "log/engine.h"
#include "support/test.h"

enum { WINDOW = STELE_ID_WINDOW };

/* Every position with a print, from the newest to the oldest, as far as the window must know it. A
 * window that has not grown to its full size knows everything. */
static void expect_same(const stele__window *window, const uint32_t *prints, stele_position first,
                        stele_position last, uint32_t print)
{
    stele_position found = 0;
    const stele_position oldest = last - first + 1 > WINDOW ? last - WINDOW + 1 : first;
    for (stele_position wanted = last; wanted >= oldest && wanted > 0; wanted--) {
        if (prints[wanted - first] != print) {
            continue;
        }
        found = stele__window_next(window, print, found);
        if (found != wanted) {
            test_fail("print %u: position %llu instead of %llu (window of %u up to %llu)", print,
                      (unsigned long long)found, (unsigned long long)wanted, window->size,
                      (unsigned long long)last);
        }
    }
    expect_uint(stele__window_next(window, print, found), 0);
}

typedef struct window_row {
    const char *name;
    stele_position first;
    uint64_t count;
    uint32_t print_count; /* how many different ones */
    size_t reserve_max;   /* positions reserved at a time */
} window_row;

static const window_row rows[] = {
    {"600,000 positions and few ids each", 1, 600000, 200000, 1000},
    {"600,000 positions and many ids of the same print", 1, 600000, 64, 5000},
    {"every position its own", 1, 600000, UINT32_MAX, 1},
    {"a store that has a past", 123456789, 400000, 5000, 300},
    {"across 2^32", ((uint64_t)1 << 32) - 150000, 500000, 3000, 300},
    {"across a higher multiple of 2^32", ((uint64_t)7 << 32) - 1000, 400000, 3000, 300},
    {"one id alone", 1, 2000, 1, 7},
};

TEST_ROWS(candidates_are_those_of_a_plain_array, rows)
{
    const window_row *wanted = &rows[row];
    uint32_t *prints = test_memory(wanted->count * sizeof *prints);
    test_alloc alloc;
    stele__window window;
    stele__prng prng;
    stele_error error;
    uint64_t reserved = 0;
    uint64_t checked = 0;
    test_alloc_init(&alloc);
    stele__window_init(&window, &alloc.alloc);
    stele__prng_seed(&prng, test_seed());
    expect_uint(stele__window_next(&window, 5, 0), 0);
    for (uint64_t i = 0; i < wanted->count; i++) {
        if (reserved == 0) {
            reserved = 1 + stele__prng_below(&prng, wanted->reserve_max);
            expect_ok(stele__window_reserve(&window, (size_t)reserved, &error), &error);
        }
        prints[i] = (uint32_t)stele__prng_below(&prng, wanted->print_count) * 2654435761u;
        stele__window_put(&window, wanted->first + i, prints[i]);
        reserved--;
        /* Often while it grows, and now and then; and all the time around the multiples of 2^32. */
        const bool is_turning = ((wanted->first + i + 5) & UINT32_MAX) < 10;
        if ((i < 3000 && i % 100 == 0) || i % 50000 == 0 || i + 1 == wanted->count || is_turning) {
            for (int n = 0; n < 20; n++) {
                const uint64_t of = stele__prng_below(&prng, i + 1);
                expect_same(&window, prints, wanted->first, wanted->first + i, prints[of]);
                checked++;
            }
            for (uint64_t n = 0; n < 8 && n <= i; n++) {
                expect_same(&window, prints, wanted->first, wanted->first + i, prints[i - n]);
            }
            expect_same(&window, prints, wanted->first, wanted->first + i,
                        (uint32_t)stele__prng_next(&prng));
        }
    }
    expect_uint(window.size, wanted->count >= WINDOW ? WINDOW : 2048);
    expect_true(checked >= 400);
    stele__window_done(&window);
    expect_no_leak(&alloc);
}

TEST(a_window_grows_by_need_and_never_beyond_its_limit)
{
    stele__window window;
    stele_error error;
    stele__window_init(&window, stele_alloc_default());
    expect_ok(stele__window_reserve(&window, 1, &error), &error);
    expect_uint(window.size, 1024);
    expect_ok(stele__window_reserve(&window, 1024, &error), &error);
    expect_uint(window.size, 1024);
    for (stele_position i = 1; i <= 1024; i++) {
        stele__window_put(&window, i, (uint32_t)i);
    }
    expect_ok(stele__window_reserve(&window, 1, &error), &error);
    expect_uint(window.size, 2048);
    expect_ok(stele__window_reserve(&window, 10 * WINDOW, &error), &error);
    expect_uint(window.size, WINDOW);
    for (stele_position i = 1; i <= 1024; i++) {
        expect_uint(stele__window_next(&window, (uint32_t)i, 0), i);
    }
    stele__window_done(&window);
    expect_uint(stele__window_next(&window, 1, 0), 0);
}

TEST(a_window_that_cannot_grow_keeps_what_it_has)
{
    test_alloc alloc;
    stele__window window;
    stele_error error;
    test_alloc_init(&alloc);
    stele__window_init(&window, &alloc.alloc);
    expect_ok(stele__window_reserve(&window, 1, &error), &error);
    for (stele_position i = 1; i <= 1024; i++) {
        stele__window_put(&window, i, (uint32_t)i % 7);
    }
    for (uint64_t n = 1; n <= 2; n++) {
        test_alloc_fail(&alloc, n, TEST_ALLOC_ONCE);
        expect_error(stele__window_reserve(&window, 1, &error), &error, STELE_NO_MEMORY);
        expect_uint(window.size, 1024);
        stele_position found = 0;
        for (stele_position i = 1024; i > 1018; i--) {
            expect_uint(stele__window_next(&window, (uint32_t)i % 7, 0), i);
        }
        for (size_t count = 0; count < 146; count++) {
            found = stele__window_next(&window, 3, found);
            expect_uint(found % 7, 3);
        }
    }
    test_alloc_fail(&alloc, 0, TEST_ALLOC_ONCE);
    expect_ok(stele__window_reserve(&window, 1, &error), &error);
    stele__window_put(&window, 1025, 3);
    expect_uint(stele__window_next(&window, 3, 0), 1025);
    stele__window_done(&window);
    expect_no_leak(&alloc);
}

TEST(prints_tell_ids_and_streams_apart)
{
    enum { COUNT = 20000 };
    uint32_t *prints = test_memory(COUNT * sizeof *prints);
    stele__prng prng;
    size_t equal = 0;
    stele__prng_seed(&prng, test_seed());
    /* Ids that differ in one place, as version 7 makes them, and streams that are neighbours. */
    for (size_t i = 0; i < COUNT; i++) {
        stele_uuid id = {{1, 0x97}};
        stele__store32(id.bytes + (i % 2 ? 0 : 12), (uint32_t)(i / 2));
        prints[i] = stele__window_print(i % 4 < 2 ? 5 : 6, &id);
    }
    for (size_t i = 0; i + 1 < COUNT; i++) {
        const size_t other = i + 1 + (size_t)stele__prng_below(&prng, COUNT - i - 1);
        equal += prints[i] == prints[other];
    }
    expect_true(equal <= 5);
}

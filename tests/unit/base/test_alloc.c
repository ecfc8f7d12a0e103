/* SPDX-License-Identifier: Apache-2.0 */
/* Memory: the default allocator, growing arrays, the budget. And the failing allocator that other
 * tests rely on. */
#include "base/base.h"
#include "support/test.h"

TEST(the_default_allocator_allocates_grows_and_releases)
{
    const stele_alloc *alloc = stele_alloc_default();
    char *memory = (char *)stele__allocate(alloc, 5);

    expect_not_null(memory);
    memcpy(memory, "12345", 5);
    memory = (char *)stele__resize(alloc, memory, 5, 5000);
    expect_not_null(memory);
    expect_bytes(memory, 5, "12345", 5);
    stele__release(alloc, memory, 5000);
}

TEST(nothing_can_be_allocated_and_released)
{
    test_alloc alloc;
    void *memory;

    test_alloc_init(&alloc);
    memory = stele__allocate(&alloc.alloc, 0);
    expect_not_null(memory);
    memory = stele__resize(&alloc.alloc, memory, 0, 0);
    expect_not_null(memory);
    stele__release(&alloc.alloc, memory, 0);
    stele__release(&alloc.alloc, NULL, 0);
    expect_no_leak(&alloc);
}

TEST(zeroed_memory_is_zero)
{
    static const uint8_t zeroes[100];
    test_alloc alloc;
    void *memory;

    test_alloc_init(&alloc);
    memory = stele__allocate_zero(&alloc.alloc, sizeof zeroes);
    expect_bytes(memory, sizeof zeroes, zeroes, sizeof zeroes);
    stele__release(&alloc.alloc, memory, sizeof zeroes);
}

TEST(an_array_whose_size_overflows_is_no_memory)
{
    expect_null(stele__allocate_array(stele_alloc_default(), SIZE_MAX / 2, 3));
}

TEST(reserve_grows_at_least_by_doubling_and_keeps_what_is_there)
{
    test_alloc alloc;
    void *array = NULL;
    size_t capacity = 0;
    uint32_t *numbers;

    test_alloc_init(&alloc);
    expect_true(stele__reserve(&alloc.alloc, &array, &capacity, 3, sizeof *numbers));
    expect_true(capacity >= 3);
    numbers = (uint32_t *)array;
    numbers[2] = 42;
    for (size_t needed = 4; needed < 1000; needed++) {
        const size_t before = capacity;
        expect_true(stele__reserve(&alloc.alloc, &array, &capacity, needed, sizeof *numbers));
        expect_true(capacity >= needed);
        expect_true(capacity == before || capacity >= 2 * before);
    }
    numbers = (uint32_t *)array;
    expect_uint(numbers[2], 42);
    stele__release(&alloc.alloc, array, capacity * sizeof *numbers);
    expect_no_leak(&alloc);
}

TEST(reserve_without_memory_changes_nothing)
{
    test_alloc alloc;
    void *array = NULL;
    void *before;
    size_t capacity = 0;
    size_t capacity_before;

    test_alloc_init(&alloc);
    expect_true(stele__reserve(&alloc.alloc, &array, &capacity, 10, 8));
    before = array;
    capacity_before = capacity;
    test_alloc_fail(&alloc, 1, TEST_ALLOC_FROM);
    expect_false(stele__reserve(&alloc.alloc, &array, &capacity, 100, 8));
    expect_false(stele__reserve(&alloc.alloc, &array, &capacity, SIZE_MAX / 4, 8));
    expect_false(stele__reserve(&alloc.alloc, &array, &capacity, SIZE_MAX, 8));
    expect_true(array == before);
    expect_uint(capacity, capacity_before);
    stele__release(&alloc.alloc, array, capacity * 8);
    expect_no_leak(&alloc);
}

/* ---- The budget */

TEST(a_budget_refuses_what_goes_beyond_it_and_recovers)
{
    test_alloc below;
    stele__budget budget;
    void *first;
    void *second;

    test_alloc_init(&below);
    stele__budget_init(&budget, &below.alloc, 1000);
    first = stele__allocate(&budget.alloc, 600);
    expect_not_null(first);
    expect_null(stele__allocate(&budget.alloc, 401));
    expect_uint(stele__budget_in_use(&budget), 600);
    second = stele__allocate(&budget.alloc, 400);
    expect_not_null(second);
    stele__release(&budget.alloc, first, 600);
    expect_uint(stele__budget_in_use(&budget), 400);
    expect_uint(budget.peak, 1000);
    stele__release(&budget.alloc, second, 400);
    expect_uint(stele__budget_in_use(&budget), 0);
    expect_no_leak(&below);
}

TEST(a_budget_follows_resizes)
{
    test_alloc below;
    stele__budget budget;
    void *memory;

    test_alloc_init(&below);
    stele__budget_init(&budget, &below.alloc, 1000);
    memory = stele__allocate(&budget.alloc, 100);
    memory = stele__resize(&budget.alloc, memory, 100, 900);
    expect_not_null(memory);
    expect_uint(stele__budget_in_use(&budget), 900);
    expect_null(stele__resize(&budget.alloc, memory, 900, 1001));
    expect_uint(stele__budget_in_use(&budget), 900);
    memory = stele__resize(&budget.alloc, memory, 900, 10);
    expect_not_null(memory);
    expect_uint(stele__budget_in_use(&budget), 10);
    stele__release(&budget.alloc, memory, 10);
    expect_uint(stele__budget_in_use(&budget), 0);
}

TEST(a_budget_charges_nothing_for_what_failed_below)
{
    test_alloc below;
    stele__budget budget;
    void *memory;

    test_alloc_init(&below);
    stele__budget_init(&budget, &below.alloc, SIZE_MAX);
    memory = stele__allocate(&budget.alloc, 100);
    test_alloc_fail(&below, 1, TEST_ALLOC_FROM);
    expect_null(stele__allocate(&budget.alloc, 50));
    expect_null(stele__resize(&budget.alloc, memory, 100, 200));
    expect_null(stele__resize(&budget.alloc, memory, 100, 50));
    expect_uint(stele__budget_in_use(&budget), 100);
    stele__release(&budget.alloc, memory, 100);
    expect_no_leak(&below);
}

/* ---- The allocator of tests */

TEST(the_failing_allocator_fails_once_or_from_then_on)
{
    test_alloc alloc;
    void *memory;

    test_alloc_init(&alloc);
    test_alloc_fail(&alloc, 2, TEST_ALLOC_ONCE);
    memory = stele__allocate(&alloc.alloc, 8);
    expect_not_null(memory);
    expect_null(stele__allocate(&alloc.alloc, 8));
    stele__release(&alloc.alloc, memory, 8);
    memory = stele__allocate(&alloc.alloc, 8);
    expect_not_null(memory);
    expect_uint(alloc.failures, 1);
    test_alloc_fail(&alloc, 1, TEST_ALLOC_FROM);
    expect_null(stele__allocate(&alloc.alloc, 8));
    expect_null(stele__allocate(&alloc.alloc, 8));
    expect_uint(alloc.failures, 3);
    expect_uint(alloc.live_count, 1);
    expect_uint(alloc.live_bytes, 8);
    stele__release(&alloc.alloc, memory, 8);
    expect_no_leak(&alloc);
}

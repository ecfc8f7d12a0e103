/* SPDX-License-Identifier: Apache-2.0 */
/* The growing buffer. */
#include "base/base.h"
#include "support/test.h"

TEST(pieces_stand_behind_one_another)
{
    test_alloc alloc;
    stele__buffer buffer = {0};

    test_alloc_init(&alloc);
    buffer.alloc = &alloc.alloc;
    expect_true(stele__buffer_append(&buffer, NULL, 0));
    for (int i = 0; i < 100; i++) {
        expect_true(stele__buffer_append(&buffer, "abc", 3));
    }
    expect_uint(buffer.size, 300);
    expect_bytes(buffer.data + 297, 3, "abc", 3);
    stele__buffer_done(&buffer);
    expect_uint(buffer.size, 0);
    expect_null(buffer.data);
    stele__buffer_done(&buffer);
    expect_no_leak(&alloc);
}

TEST(reserving_makes_room_and_nothing_else)
{
    test_alloc alloc;
    stele__buffer buffer = {0};
    uint8_t *before;

    test_alloc_init(&alloc);
    buffer.alloc = &alloc.alloc;
    expect_true(stele__buffer_reserve(&buffer, 1000));
    expect_uint(buffer.size, 0);
    expect_true(buffer.capacity >= 1000);
    before = buffer.data;
    test_alloc_fail(&alloc, 1, TEST_ALLOC_FROM);
    expect_true(stele__buffer_append(&buffer, "abc", 3));
    expect_true(stele__buffer_reserve(&buffer, 997));
    expect_true(buffer.data == before);
    stele__buffer_done(&buffer);
}

TEST(without_memory_nothing_changes)
{
    test_alloc alloc;
    stele__buffer buffer = {0};

    test_alloc_init(&alloc);
    buffer.alloc = &alloc.alloc;
    expect_true(stele__buffer_append(&buffer, "abc", 3));
    test_alloc_fail(&alloc, 1, TEST_ALLOC_FROM);
    expect_false(stele__buffer_reserve(&buffer, 100000));
    expect_false(stele__buffer_reserve(&buffer, SIZE_MAX));
    expect_bytes(buffer.data, buffer.size, "abc", 3);
    stele__buffer_done(&buffer);
    expect_no_leak(&alloc);
}

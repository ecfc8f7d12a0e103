/* SPDX-License-Identifier: Apache-2.0 */
/* Integers in formats: lowest byte first, at any address. */
#include "base/base.h"
#include "support/test.h"

TEST(integers_stand_lowest_byte_first)
{
    uint8_t bytes[9] = {0};

    stele__store16(bytes + 1, 0x0201);
    expect_bytes(bytes, 3, "\x00\x01\x02", 3);
    expect_uint(stele__load16(bytes + 1), 0x0201);
    stele__store32(bytes + 1, 0x84030201);
    expect_bytes(bytes, 5, "\x00\x01\x02\x03\x84", 5);
    expect_uint(stele__load32(bytes + 1), 0x84030201);
    stele__store64(bytes + 1, UINT64_C(0xf807060584030201));
    expect_bytes(bytes, 9, "\x00\x01\x02\x03\x84\x05\x06\x07\xf8", 9);
    expect_uint(stele__load64(bytes + 1), UINT64_C(0xf807060584030201));
}

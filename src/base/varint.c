/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding the last numbers of a piece of memory; see varint.h. */
#include "varint.h"

#define MASK(size) (~UINT64_C(0) >> (64 - 8 * (size)) & ~UINT64_C(0) << (size))

const uint64_t stele__varint_masks[8] = {MASK(1), MASK(2), MASK(3), MASK(4),
                                         MASK(5), MASK(6), MASK(7), MASK(8)};

bool stele__varint_get_near_end(const uint8_t **at, const uint8_t *end, uint64_t *ret_value)
{
    uint8_t bytes[2 * STELE_VARINT_SIZE_MAX] = {0};
    const size_t left = end > *at ? (size_t)(end - *at) : 0;
    if (left == 0) {
        return false;
    }
    memcpy(bytes, *at, left < STELE_VARINT_SIZE_MAX ? left : STELE_VARINT_SIZE_MAX);
    const uint8_t *copy = bytes;
    const uint64_t value = stele__varint_take(&copy);
    if ((size_t)(copy - bytes) > left) {
        return false;
    }
    *ret_value = value;
    *at += copy - bytes;
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding the longer numbers of varint.h. */
#include "varint.h"

static bool get_by_bytes(const uint8_t **at, const uint8_t *end, uint64_t *ret_value)
{
    const uint8_t *from = *at;
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && from < end; shift += 7) {
        const uint8_t byte = *from++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            if ((byte == 0 && shift > 0) || (shift == 63 && byte > 1)) {
                return false;
            }
            *ret_value = value;
            *at = from;
            return true;
        }
    }
    return false;
}

/*
 * Eight bytes at once: where the first byte without its highest bit is tells the size; then the
 * groups of seven bits are pushed together, each pair, each four, each eight of them.
 */
bool stele__varint_get_long(const uint8_t **at, const uint8_t *end, uint64_t *ret_value)
{
    const uint8_t *from = *at;
    if (end - from < 8) {
        return get_by_bytes(at, end, ret_value);
    }
    const uint64_t word = stele__load64(from);
    const uint64_t ends = ~word & UINT64_C(0x8080808080808080);
    if (!ends) {
        return get_by_bytes(at, end, ret_value);
    }
    const unsigned bits = (unsigned)__builtin_ctzll(ends); /* 7, 15 … 63 */
    uint64_t sevens = word & (~UINT64_C(0) >> (63 - bits)) & UINT64_C(0x7f7f7f7f7f7f7f7f);
    sevens = (sevens & UINT64_C(0x007f007f007f007f)) | (sevens & UINT64_C(0x7f007f007f007f00)) >> 1;
    sevens = (sevens & UINT64_C(0x00003fff00003fff)) | (sevens & UINT64_C(0x3fff00003fff0000)) >> 2;
    *ret_value =
        (sevens & UINT64_C(0x000000000fffffff)) | (sevens & UINT64_C(0x0fffffff00000000)) >> 4;
    if (bits > 7 && from[bits / 8] == 0) {
        return false; /* not the shortest form */
    }
    *at = from + bits / 8 + 1;
    return true;
}

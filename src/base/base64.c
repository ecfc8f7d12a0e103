/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t stele__base64_print(const uint8_t *bytes, size_t size, char *ret_text)
{
    char *at = ret_text;
    for (size_t i = 0; i < size; i += 3) {
        const size_t left = size - i;
        const uint32_t group = (uint32_t)bytes[i] << 16 |
                               (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                               (left > 2 ? (uint32_t)bytes[i + 2] : 0);
        *at++ = alphabet[group >> 18];
        *at++ = alphabet[group >> 12 & 63];
        *at++ = left > 1 ? alphabet[group >> 6 & 63] : '=';
        *at++ = left > 2 ? alphabet[group & 63] : '=';
    }
    return (size_t)(at - ret_text);
}

static int value_of(char c)
{
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+'             ? 62
           : c == '/'             ? 63
                                  : -1;
}

bool stele__base64_parse(stele_text text, uint8_t *ret_bytes, size_t capacity, size_t *ret_size)
{
    size_t size = 0;
    if (text.size % 4 != 0) {
        return false;
    }
    for (size_t i = 0; i < text.size; i += 4) {
        const char *at = text.data + i;
        const bool is_last = i + 4 == text.size;
        const size_t padding =
            is_last ? (size_t)(at[3] == '=') + (at[2] == '=' && at[3] == '=') : 0;
        uint32_t group = 0;
        for (size_t j = 0; j < 4; j++) {
            const int value = j < 4 - padding ? value_of(at[j]) : 0;
            if (value < 0) {
                return false;
            }
            group = group << 6 | (uint32_t)value;
        }
        const size_t count = 3 - padding;
        if ((padding > 0 && (group & ((1u << (8 * padding)) - 1)) != 0) ||
            capacity - size < count) {
            return false;
        }
        for (size_t j = 0; j < count; j++) {
            ret_bytes[size++] = (uint8_t)(group >> (16 - 8 * j));
        }
    }
    *ret_size = size;
    return true;
}

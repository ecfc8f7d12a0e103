/* SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"

#include <string.h>

static void draw_text(stele__prng *prng, char *ret_text, size_t capacity)
{
    static const char *const pieces[] = {"a",    "B",    "\"", "\\",           "\n",
                                         "\x01", "\x7f", "ü",  "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
    size_t size = 0;
    while (stele__prng_below(prng, 5) > 0) {
        const char *piece = pieces[stele__prng_below(prng, sizeof pieces / sizeof pieces[0])];
        if (size + strlen(piece) + 1 > capacity) {
            break;
        }
        memcpy(ret_text + size, piece, strlen(piece));
        size += strlen(piece);
    }
    ret_text[size] = '\0';
}

static address draw_address(stele__prng *prng)
{
    address it = {.number = (uint16_t)stele__prng_next(prng),
                  .has_city = stele__prng_below(prng, 2)};
    draw_text(prng, it.street, sizeof it.street);
    if (it.has_city) {
        draw_text(prng, it.city, sizeof it.city);
    }
    return it;
}

static stele_decimal draw_decimal(stele__prng *prng, int scale)
{
    const uint64_t most = stele__prng_below(prng, 2) ? 1000 : 1000000000;
    const int64_t units = (int64_t)stele__prng_below(prng, most) - (int64_t)(most / 2);
    return stele_decimal_make(units, (int)stele__prng_below(prng, (uint64_t)scale + 1));
}

static double draw_double(stele__prng *prng)
{
    const uint64_t bits = stele__prng_next(prng);
    double number;
    switch (stele__prng_below(prng, 4)) {
    case 0:
        return (double)(int64_t)stele__prng_below(prng, 1000) / 8 - 20;
    case 1:
        return -0.0;
    default:
        memcpy(&number, &bits, sizeof number);
        return number;
    }
}

sample sample_draw(stele__prng *prng)
{
    static const side sides[] = {SIDE_BUY, SIDE_SELL, SIDE_NEITHER};
    const uint64_t bits = stele__prng_next(prng);
    sample it = {.id = bits,
                 .active = bits & 1,
                 .tiny = (int8_t)(bits >> 8),
                 .small = (int16_t)(bits >> 16),
                 .middle = (int32_t)(bits >> 24),
                 .large = (int64_t)(bits >> stele__prng_below(prng, 64)),
                 .octet = (uint8_t)(bits >> 3),
                 .port = (uint16_t)(bits >> 5),
                 .count = (uint32_t)(bits >> 7),
                 .ratio = draw_double(prng),
                 .price = draw_decimal(prng, 8),
                 .blob_size = (uint32_t)stele__prng_below(prng, 7),
                 .way = sides[stele__prng_below(prng, 3)],
                 /* years 1678 to 2262 are what nanoseconds reach; RFC 3339 says them all */
                 .when = (stele_time)stele__prng_next(prng),
                 .home = draw_address(prng),
                 .has_limit = stele__prng_below(prng, 2),
                 .has_office = stele__prng_below(prng, 2),
                 .marks_count = (uint32_t)stele__prng_below(prng, 5),
                 .words_count = (uint32_t)stele__prng_below(prng, 4),
                 .others_count = (uint32_t)stele__prng_below(prng, 3),
                 .secret = (uint32_t)stele__prng_next(prng),
                 .touched = (uint32_t)stele__prng_below(prng, 3)};
    draw_text(prng, it.symbol, sizeof it.symbol);
    for (uint32_t i = 0; i < it.blob_size; i++) {
        it.blob[i] = (uint8_t)stele__prng_next(prng);
    }
    for (size_t i = 0; i < sizeof it.trace.bytes; i++) {
        it.trace.bytes[i] = (uint8_t)stele__prng_next(prng);
    }
    if (it.has_limit) {
        it.limit = draw_decimal(prng, 2);
    }
    if (it.has_office) {
        it.office = draw_address(prng);
    }
    for (uint32_t i = 0; i < it.marks_count; i++) {
        it.marks[i] = (int32_t)stele__prng_next(prng);
    }
    for (uint32_t i = 0; i < it.words_count; i++) {
        draw_text(prng, it.words[i], sizeof it.words[i]);
    }
    for (uint32_t i = 0; i < it.others_count; i++) {
        it.others[i] = draw_address(prng);
    }
    return it;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Index files: the codec of lists. A block holds up to 128 strictly ascending values as packed
 * differences; a node holds the first values and the places of up to 128 blocks or nodes, packed so
 * that it can be searched where it stands.
 */
#include "log/index_format.h"

#define EXCEPTIONS_FLAG 0x80 /* in the first byte of a block */

/* ---- packed bits ---- */

/* The loads and stores that packing lives on: one instruction each. */
static inline uint64_t load_word(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

static inline void store_word(uint8_t *bytes, uint64_t word)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    memcpy(bytes, &word, sizeof word);
}

static inline uint64_t mask_of(unsigned width)
{
    return ((uint64_t)1 << width) - 1;
}

static inline unsigned width_of(uint64_t value)
{
    return value == 0 ? 0 : 64 - (unsigned)__builtin_clzll(value);
}

static inline size_t packed_size(size_t count, unsigned width)
{
    return (count * width + 7) / 8;
}

static inline uint64_t packed_at(const uint8_t *packed, unsigned width, size_t number)
{
    const size_t bit = number * width;
    return load_word(packed + bit / 8) >> (bit % 8) & mask_of(width);
}

/* Packs the low `width` bits of each value; writes up to 8 bytes further. Returns the size. */
static size_t pack(const uint64_t *values, size_t count, unsigned width, uint8_t *to)
{
    const size_t size = packed_size(count, width);
    memset(to, 0, size + STELE_INDEX_PACK_SLACK);
    for (size_t i = 0; i < count; i++) {
        const size_t bit = i * width;
        uint8_t *place = to + bit / 8;
        store_word(place, load_word(place) | (values[i] & mask_of(width)) << (bit % 8));
    }
    return size;
}

/* Eight values of eight times `width` bits begin at a byte, so their shifts are the same in every
 * group. */
static inline void unpack_groups(const uint8_t *packed, unsigned width, size_t count,
                                 uint64_t *ret_values)
{
    const uint64_t mask = mask_of(width);
    size_t i = 0;
    for (; i + 8 <= count; i += 8, packed += width) {
        ret_values[i] = load_word(packed) & mask;
        ret_values[i + 1] = load_word(packed + width / 8) >> (width % 8) & mask;
        ret_values[i + 2] = load_word(packed + 2 * width / 8) >> (2 * width % 8) & mask;
        ret_values[i + 3] = load_word(packed + 3 * width / 8) >> (3 * width % 8) & mask;
        ret_values[i + 4] = load_word(packed + 4 * width / 8) >> (4 * width % 8) & mask;
        ret_values[i + 5] = load_word(packed + 5 * width / 8) >> (5 * width % 8) & mask;
        ret_values[i + 6] = load_word(packed + 6 * width / 8) >> (6 * width % 8) & mask;
        ret_values[i + 7] = load_word(packed + 7 * width / 8) >> (7 * width % 8) & mask;
    }
    for (size_t bit = 0; i < count; i++, bit += width) {
        ret_values[i] = load_word(packed + bit / 8) >> (bit % 8) & mask;
    }
}

/* ---- blocks ---- */

/*
 * The cheapest width: most differences in it, and the few that are wider as exceptions, whose upper
 * bits are stored apart. A stream that is written in bursts has one wide difference among many
 * small ones.
 */
static unsigned choose_width(const uint64_t *differences, size_t count, unsigned *ret_widest)
{
    size_t of_width[65] = {0};
    unsigned widest = 0;
    for (size_t i = 0; i < count; i++) {
        const unsigned width = width_of(differences[i]);
        of_width[width]++;
        widest = width > widest ? width : widest;
    }
    unsigned best = widest;
    size_t best_size = packed_size(count, widest);
    size_t exceptions = of_width[widest];
    for (unsigned width = widest; width-- > 0;) {
        const size_t size =
            2 + packed_size(count, width) + exceptions + packed_size(exceptions, widest - width);
        if (size < best_size) {
            best = width;
            best_size = size;
        }
        exceptions += of_width[width];
    }
    *ret_widest = widest;
    return best;
}

size_t stele__index_block_encode(const uint64_t *values, size_t count, uint8_t *to)
{
    uint64_t differences[STELE_INDEX_BLOCK_COUNT];
    STELE_ASSERT(count >= 1 && count <= STELE_INDEX_BLOCK_COUNT);
    const size_t stored = count - 1;
    for (size_t i = 0; i < stored; i++) {
        STELE_ASSERT(values[i] < values[i + 1]);
        differences[i] = values[i + 1] - values[i] - 1;
    }
    unsigned widest;
    const unsigned width = choose_width(differences, stored, &widest);
    STELE_ASSERT(widest <= STELE_INDEX_WIDTH_MAX);
    to[0] = (uint8_t)width;
    if (width == widest) {
        return 1 + pack(differences, stored, width, to + 1);
    }
    uint8_t places[STELE_INDEX_BLOCK_COUNT];
    uint64_t uppers[STELE_INDEX_BLOCK_COUNT];
    size_t exceptions = 0;
    for (size_t i = 0; i < stored; i++) {
        if (differences[i] >> width) {
            places[exceptions] = (uint8_t)i;
            uppers[exceptions++] = differences[i] >> width;
        }
    }
    to[0] = (uint8_t)(width | EXCEPTIONS_FLAG);
    to[1] = (uint8_t)exceptions;
    to[2] = (uint8_t)(widest - width);
    size_t size = 3 + pack(differences, stored, width, to + 3);
    memcpy(to + size, places, exceptions);
    size += exceptions;
    return size + pack(uppers, exceptions, widest - width, to + size);
}

/* Adds the upper bits of the exceptions. False: they are not what they must be. */
static bool patch(const uint8_t *places, size_t exceptions, unsigned width, unsigned upper_width,
                  size_t stored, uint64_t *differences)
{
    size_t least = 0;
    for (size_t i = 0; i < exceptions; i++) {
        const size_t place = places[i];
        if (place < least || place >= stored) {
            return false;
        }
        differences[place] |= packed_at(places + exceptions, upper_width, i) << width;
        least = place + 1;
    }
    return true;
}

size_t stele__index_block_decode(const uint8_t *from, const uint8_t *end, uint64_t first,
                                 size_t count, uint64_t *ret_values)
{
    const size_t stored = count - 1;
    const size_t room = from < end ? (size_t)(end - from) : 0;
    if (room == 0) {
        return 0;
    }
    const unsigned width = from[0] & ~(unsigned)EXCEPTIONS_FLAG;
    const bool has_exceptions = from[0] & EXCEPTIONS_FLAG;
    const size_t low_size = packed_size(stored, width);
    size_t size = (has_exceptions ? 3 : 1) + low_size;
    if (width > STELE_INDEX_WIDTH_MAX || size > room) {
        return 0;
    }
    unpack_groups(from + (has_exceptions ? 3 : 1), width, stored, ret_values + 1);
    if (has_exceptions) {
        const size_t exceptions = from[1];
        const unsigned upper_width = from[2];
        if (exceptions == 0 || upper_width == 0 || width + upper_width > STELE_INDEX_WIDTH_MAX ||
            size + exceptions + packed_size(exceptions, upper_width) > room ||
            !patch(from + size, exceptions, width, upper_width, stored, ret_values + 1)) {
            return 0;
        }
        size += exceptions + packed_size(exceptions, upper_width);
    }
    ret_values[0] = first;
    uint64_t value = first;
    for (size_t i = 1; i < count; i++) {
        value += ret_values[i] + 1;
        ret_values[i] = value;
    }
    return size;
}

/* ---- nodes ---- */

size_t stele__index_node_encode(unsigned level, const uint64_t *firsts, const uint64_t *offsets,
                                size_t count, uint8_t *to)
{
    uint64_t relative[STELE_INDEX_FAN_OUT] = {0};
    STELE_ASSERT(count >= 1 && count <= STELE_INDEX_FAN_OUT);
    const unsigned first_width = width_of(firsts[count - 1] - firsts[0]);
    const unsigned offset_width = width_of(offsets[count - 1] - offsets[0]);
    STELE_ASSERT(first_width <= STELE_INDEX_WIDTH_MAX && offset_width <= STELE_INDEX_WIDTH_MAX);
    to[0] = (uint8_t)level;
    to[1] = (uint8_t)(count - 1);
    to[2] = (uint8_t)first_width;
    to[3] = (uint8_t)offset_width;
    stele__store64(to + 4, offsets[0]);
    size_t size = 12;
    for (size_t i = 1; i < count; i++) {
        relative[i - 1] = firsts[i] - firsts[0];
    }
    size += pack(relative, count - 1, first_width, to + size);
    for (size_t i = 1; i < count; i++) {
        relative[i - 1] = offsets[i] - offsets[0];
    }
    return size + pack(relative, count - 1, offset_width, to + size);
}

bool stele__index_node_decode(const uint8_t *from, const uint8_t *end, stele__index_node *ret_node)
{
    if (from >= end || end - from < 12) {
        return false;
    }
    ret_node->level = from[0];
    ret_node->count = from[1] + 1u;
    ret_node->first_width = from[2];
    ret_node->offset_width = from[3];
    ret_node->offset = stele__load64(from + 4);
    if (ret_node->count > STELE_INDEX_FAN_OUT || ret_node->first_width > STELE_INDEX_WIDTH_MAX ||
        ret_node->offset_width > STELE_INDEX_WIDTH_MAX) {
        return false;
    }
    ret_node->firsts = from + 12;
    ret_node->offsets = ret_node->firsts + packed_size(ret_node->count - 1, ret_node->first_width);
    ret_node->size = 12 + packed_size(ret_node->count - 1, ret_node->first_width) +
                     packed_size(ret_node->count - 1, ret_node->offset_width);
    return ret_node->size <= (size_t)(end - from);
}

uint64_t stele__index_node_first(const stele__index_node *node, unsigned child)
{
    return child == 0 ? 0 : packed_at(node->firsts, node->first_width, child - 1);
}

uint64_t stele__index_node_offset(const stele__index_node *node, unsigned child)
{
    return node->offset +
           (child == 0 ? 0 : packed_at(node->offsets, node->offset_width, child - 1));
}

unsigned stele__index_node_search(const stele__index_node *node, uint64_t value)
{
    unsigned low = 0;
    unsigned high = node->count;
    while (high - low > 1) {
        const unsigned middle = low + (high - low) / 2;
        if (stele__index_node_first(node, middle) <= value) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

unsigned stele__index_levels(uint64_t block_count)
{
    unsigned levels = 0;
    for (uint64_t covered = 1; covered < block_count && levels < STELE_INDEX_LEVELS_MAX;
         covered *= STELE_INDEX_FAN_OUT) {
        levels++;
    }
    return levels;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Index files: postings, which are lists, and offsets, which are an array. A list of up to 128
 * values is one block; a longer one is a tree of nodes above its blocks, in which every node but
 * the last of its level has 128 children, so that a rank says the way.
 */
#include "log/index_format.h"

/* Where a descent stands: a node or block, and which blocks of the list are below it. */
typedef struct descent {
    uint64_t offset;
    uint64_t first;       /* value */
    uint64_t block;       /* number of the first block below */
    uint64_t block_count; /* blocks below */
    unsigned level;       /* 0: a block */
} descent;

static stele_status fail_at(const stele__index *index, uint64_t offset, stele_error *reterr)
{
    return stele__index_corrupt(index->path, offset, reterr,
                                "the list of positions or offsets here makes no sense");
}

/* The bytes from an offset on to the end of its list page. */
static stele_status list_bytes(const stele__index *index, uint64_t offset, uint8_t *scratch,
                               const uint8_t **ret_from, const uint8_t **ret_end,
                               stele_error *reterr)
{
    const uint64_t page = offset / STELE_INDEX_PAGE_SIZE;
    const unsigned place = (unsigned)(offset % STELE_INDEX_PAGE_SIZE);
    if (!stele__index_is_data(index, page)) {
        return fail_at(index, offset, reterr);
    }
    const uint8_t *bytes;
    STELE_TRY(stele__index_page(index, page, scratch, &bytes, reterr));
    const unsigned end = stele__load16(bytes + 2);
    if (bytes[0] != STELE_INDEX_LIST_PAGE || bytes[1] != 0 || end > STELE_INDEX_LIST_PAGE_END ||
        place < STELE_INDEX_LIST_PAGE_BEGIN || place >= end) {
        return fail_at(index, offset, reterr);
    }
    *ret_from = bytes + place;
    *ret_end = bytes + end;
    return STELE_OK;
}

/* One level down: to the child that holds block number `*block`, or if that is NULL, to the last
 * whose first value is not above `value`. */
static stele_status enter_child(const stele__index *index, descent *at, const uint64_t *block,
                                uint64_t value, stele_error *reterr)
{
    uint8_t scratch[STELE_INDEX_PAGE_SIZE];
    const uint8_t *from;
    const uint8_t *end;
    stele__index_node node;
    STELE_TRY(list_bytes(index, at->offset, scratch, &from, &end, reterr));
    uint64_t span = 1; /* blocks below one child */
    for (unsigned level = 1; level < at->level; level++) {
        span *= STELE_INDEX_FAN_OUT;
    }
    if (!stele__index_node_decode(from, end, &node) || node.level != at->level ||
        node.count != (at->block_count + span - 1) / span) {
        return fail_at(index, at->offset, reterr);
    }
    const unsigned child = block ? (unsigned)((*block - at->block) / span)
                                 : stele__index_node_search(&node, value - at->first);
    const uint64_t skipped = child * span;
    at->offset = stele__index_node_offset(&node, child);
    at->first += stele__index_node_first(&node, child);
    at->block += skipped;
    at->block_count = at->block_count - skipped < span ? at->block_count - skipped : span;
    at->level--;
    return STELE_OK;
}

static stele_status descend(const stele__index *index, const stele__index_list *list,
                            const uint64_t *block, uint64_t value, uint64_t *ret_block,
                            uint64_t *ret_values, size_t *ret_count, stele_error *reterr)
{
    uint8_t scratch[STELE_INDEX_PAGE_SIZE];
    const uint64_t block_count = stele__index_block_count(list->count);
    descent at = {list->offset, list->first, 0, block_count, stele__index_levels(block_count)};
    while (at.level > 0) {
        STELE_TRY(enter_child(index, &at, block, value, reterr));
        if (at.first > list->last) {
            return fail_at(index, at.offset, reterr);
        }
    }
    const uint64_t left = list->count - at.block * STELE_INDEX_BLOCK_COUNT;
    const size_t count = left < STELE_INDEX_BLOCK_COUNT ? (size_t)left : STELE_INDEX_BLOCK_COUNT;
    const uint8_t *from;
    const uint8_t *end;
    STELE_TRY(list_bytes(index, at.offset, scratch, &from, &end, reterr));
    if (stele__index_block_decode(from, end, at.first, count, ret_values) == 0 ||
        ret_values[count - 1] > list->last) {
        return fail_at(index, at.offset, reterr);
    }
    *ret_block = at.block;
    *ret_count = count;
    return STELE_OK;
}

stele_status stele__index_list_block(const stele__index *index, const stele__index_list *list,
                                     uint64_t block, uint64_t *ret_values, size_t *ret_count,
                                     stele_error *reterr)
{
    uint64_t found;
    STELE_ASSERT(block < stele__index_block_count(list->count));
    return descend(index, list, &block, 0, &found, ret_values, ret_count, reterr);
}

stele_status stele__index_list_search(const stele__index *index, const stele__index_list *list,
                                      uint64_t value, uint64_t *ret_block, uint64_t *ret_values,
                                      size_t *ret_count, stele_error *reterr)
{
    STELE_ASSERT(value >= list->first);
    return descend(index, list, NULL, value, ret_block, ret_values, ret_count, reterr);
}

/* The place of the first of `count` ascending values that is not below `value`; count if there is
 * none. */
static uint32_t lower_bound(const stele_position *values, uint32_t count, stele_position value)
{
    uint32_t low = 0;
    while (count > 0) {
        const uint32_t half = count / 2;
        if (values[low + half] < value) {
            low += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    return low;
}

/* ---- postings ---- */

void stele__index_postings_init(stele__index_postings *postings, const stele__index *index,
                                const stele__index_entry *entry)
{
    postings->index = index;
    postings->entry = *entry;
    postings->block = UINT32_MAX;
    postings->block_count = 0;
}

/* A list of up to 128 postings, in the entry or outside: its last posting stands in the entry
 * alone. */
static stele_status load_only_block(stele__index_postings *postings, const stele__index_list *list,
                                    stele_error *reterr)
{
    const stele__index_entry *entry = &postings->entry;
    const stele__index *index = postings->index;
    size_t count = entry->count - 1;
    if (entry->list_size == 0) {
        const stele__index_list shorter = {list->offset, count, list->first, list->last - 1};
        STELE_TRY(stele__index_list_block(index, &shorter, 0, postings->positions, &count, reterr));
    } else {
        uint8_t bytes[STELE_INDEX_INLINE_SIZE_MAX + STELE_INDEX_PACK_SLACK] = {0};
        memcpy(bytes, entry->inline_list, entry->list_size);
        if (stele__index_block_decode(bytes, bytes + entry->list_size, list->first, count,
                                      postings->positions) != entry->list_size ||
            postings->positions[count - 1] >= list->last) {
            return stele__index_corrupt(index->path, STELE_INDEX_PAGE_SIZE, reterr,
                                        "a list of positions in a page of terms makes no sense");
        }
    }
    postings->positions[count] = list->last;
    postings->block = 0;
    postings->block_count = entry->count;
    return STELE_OK;
}

/* Decodes the block `*block`, or if that is NULL, the one to look for `position` in. */
static stele_status load_block(stele__index_postings *postings, const uint32_t *block,
                               stele_position position, stele_error *reterr)
{
    const stele__index_entry *entry = &postings->entry;
    const stele_position file_first = postings->index->header.first;
    const stele__index_list list = {entry->list_offset, entry->count, entry->first - file_first,
                                    entry->last - file_first};
    stele_status status;
    uint64_t number = 0;
    size_t count = 0;
    postings->block = UINT32_MAX; /* the buffer is about to be overwritten */
    if (entry->count <= STELE_INDEX_BLOCK_COUNT) {
        status = load_only_block(postings, &list, reterr);
        count = postings->block_count;
    } else if (block) {
        number = *block;
        status = stele__index_list_block(postings->index, &list, number, postings->positions,
                                         &count, reterr);
    } else {
        status = stele__index_list_search(postings->index, &list, position - file_first, &number,
                                          postings->positions, &count, reterr);
    }
    STELE_TRY(status);
    for (size_t i = 0; i < count; i++) {
        postings->positions[i] += file_first;
    }
    postings->block = (uint32_t)number;
    postings->block_count = (uint32_t)count;
    return STELE_OK;
}

stele_status stele__index_position_at(stele__index_postings *postings, uint32_t rank,
                                      stele_position *ret_position, stele_error *reterr)
{
    const stele__index_entry *entry = &postings->entry;
    const uint32_t block = rank / STELE_INDEX_BLOCK_COUNT;
    if (rank >= entry->count) {
        return stele__fail(reterr, STELE_INVALID, "a term with %u postings has none of rank %u",
                           entry->count, rank);
    }
    if (rank + 1 == entry->count) {
        *ret_position = entry->last;
    } else if (!stele__index_has_list(entry)) {
        *ret_position = entry->first + rank;
    } else {
        if (postings->block != block) {
            STELE_TRY(load_block(postings, &block, 0, reterr));
        }
        *ret_position = postings->positions[rank % STELE_INDEX_BLOCK_COUNT];
    }
    return stele__succeed(reterr);
}

stele_status stele__index_rank_of(stele__index_postings *postings, stele_position position,
                                  uint32_t *ret_rank, stele_error *reterr)
{
    const stele__index_entry *entry = &postings->entry;
    if (position <= entry->first) {
        *ret_rank = 0;
    } else if (position > entry->last) {
        *ret_rank = entry->count;
    } else if (!stele__index_has_list(entry)) {
        *ret_rank = entry->count == 2 ? 1 : (uint32_t)(position - entry->first);
    } else {
        if (postings->block == UINT32_MAX || position < postings->positions[0] ||
            position > postings->positions[postings->block_count - 1]) {
            STELE_TRY(load_block(postings, NULL, position, reterr));
        }
        *ret_rank = postings->block * STELE_INDEX_BLOCK_COUNT +
                    lower_bound(postings->positions, postings->block_count, position);
    }
    return stele__succeed(reterr);
}

/* ---- offsets ---- */

/* Where the offset code of a position stands in the file. */
static uint64_t place_of_offset(const stele__index *index, stele_position position)
{
    return index->header.sections[STELE_INDEX_OFFSETS].offset +
           4 * (position - index->header.first);
}

void stele__index_prefetch_offset(const stele__index *index, stele_position position)
{
    if (index->map && position >= index->header.first && position <= index->header.last) {
        __builtin_prefetch(index->map + place_of_offset(index, position));
    }
}

stele_status stele__index_offset_of(const stele__index *index, stele_position position,
                                    uint32_t *ret_offset, stele_error *reterr)
{
    uint8_t scratch[STELE_INDEX_PAGE_SIZE];
    const uint8_t *page;
    if (position < index->header.first || position > index->header.last) {
        return stele__fail(reterr, STELE_INVALID, "position %llu is not in index file %s",
                           (unsigned long long)position, index->path);
    }
    if (index->is_missing) {
        return stele__index_fail_missing(index, reterr);
    }
    const uint64_t place = place_of_offset(index, position);
    STELE_TRY(stele__index_page(index, place / STELE_INDEX_PAGE_SIZE, scratch, &page, reterr));
    *ret_offset = stele__load32(page + place % STELE_INDEX_PAGE_SIZE);
    return STELE_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading packed segments: blocks, and names that are defined in other blocks.
 *
 *   block 4     CRC32C of the rest
 *         v     size of the block as model.c writes it, times two; plus one: it stands here as it
 * is what LZ4 made of it with the dictionary, or the block
 *
 * Nearly every event refers to two names that are defined elsewhere. Unpacking a block for each
 * would make a read three times as long, so that a segment of which names are asked often has its
 * list of names loaded.
 */
#include "log/model.h"
#include "log/packed_format.h"

#include <inttypes.h>

/* Loading the names of a segment costs about as much as unpacking so many blocks. */
enum { MISSES_BEFORE_LOADING = 64 };

/* What a byte becomes at most: LZ4 tells of 255 with one, zstd of a block of 128 KiB with four. */
enum { EXPANSION_MAX = 32 << 10 };

/* LZ4 is faster by a third if the dictionary stands right in front of what it writes. Copying it
 * there pays after so many blocks. */
enum { BLOCKS_BEFORE_COPYING = 16 };

stele__unpacker *stele__unpacker_create(const stele_alloc *alloc)
{
    stele__unpacker *unpacker = stele__allocate_zero(alloc, sizeof *unpacker);
    if (unpacker) {
        unpacker->alloc = alloc;
        unpacker->current.bytes.alloc = unpacker->before.bytes.alloc = alloc;
        unpacker->names.bytes.alloc = alloc;
        unpacker->model.alloc = unpacker->names_model.alloc = alloc;
        unpacker->kept.alloc = unpacker->scratch.alloc = alloc;
        unpacker->decompressor.alloc = alloc;
    }
    return unpacker;
}

void stele__unpacker_leave(stele__unpacker *unpacker)
{
    stele__tables_unref(unpacker->tables);
    unpacker->tables = NULL;
    unpacker->packed = NULL;
    unpacker->block_count = 0;
    unpacker->model_at = 0;
    unpacker->current.to = unpacker->before.to = unpacker->names.to = unpacker->open_to = 0;
    unpacker->known_stream = unpacker->known_type = 0;
}

void stele__unpacker_free(stele__unpacker *unpacker)
{
    if (unpacker) {
        stele__unpacker_leave(unpacker);
        stele__buffer_done(&unpacker->current.bytes);
        stele__buffer_done(&unpacker->before.bytes);
        stele__buffer_done(&unpacker->names.bytes);
        stele__buffer_done(&unpacker->model);
        stele__buffer_done(&unpacker->names_model);
        stele__buffer_done(&unpacker->kept);
        stele__decompressor_done(&unpacker->decompressor);
        stele__buffer_done(&unpacker->scratch);
        stele__release(unpacker->alloc, unpacker, sizeof *unpacker);
    }
}

static stele_status enter(stele__unpacker *unpacker, stele__packed *packed, stele_error *reterr)
{
    if (unpacker->packed != packed) {
        stele__unpacker_leave(unpacker);
        STELE_TRY(stele__packed_tables(packed, &unpacker->tables, reterr));
        unpacker->packed = packed;
    }
    return STELE_OK;
}

/* ---- blocks */

/* Blocks are of about one size: where the one that holds an offset is if they all are of the same.
 */
static uint64_t guess_block(const stele__packed_header *header, uint64_t offset)
{
    return (offset - STELE_SEGMENT_HEADER_SIZE) * header->block_count /
           (header->size - STELE_SEGMENT_HEADER_SIZE);
}

/* Finds the block that holds an offset of the segment, from 96 on; `low` is a guess. */
static uint64_t find_block(const stele__unpacker *unpacker, uint64_t offset, uint64_t low)
{
    const stele__tables *tables = unpacker->tables;
    const uint64_t count = unpacker->packed->header.block_count;
    uint64_t high = low + 1;
    for (uint64_t step = 1; low > 0 && stele__place_offset(tables, low) > offset; step *= 2) {
        high = low;
        low = low > step ? low - step : 0;
    }
    for (uint64_t step = 1; high < count && stele__place_offset(tables, high) <= offset;
         step *= 2) {
        low = high;
        high = high + step < count ? high + step : count;
    }
    while (high - low > 1) {
        const uint64_t middle = low + (high - low) / 2;
        *(stele__place_offset(tables, middle) <= offset ? &low : &high) = middle;
    }
    return low;
}

void stele__unpacker_prefetch(stele__unpacker *unpacker, const stele__segment *segment,
                              const uint32_t *codes, size_t count, uint64_t *ret_blocks)
{
    enum { LINE = 64, LINES_MAX = 8 };
    uint64_t *blocks = ret_blocks;
    const stele__packed *packed = segment->packed;
    memset(blocks, 0, count * sizeof *blocks);
    if (!packed->map || enter(unpacker, segment->packed, NULL) != STELE_OK) {
        return;
    }
    const stele__tables *tables = unpacker->tables;
    for (size_t i = 0; i < count; i++) {
        const uint64_t offset = codes[i] >> 1;
        if (offset < STELE_SEGMENT_HEADER_SIZE || offset >= segment->size) {
            return;
        }
        blocks[i] = guess_block(&packed->header, offset);
        __builtin_prefetch(tables->places + blocks[i] * STELE_PACKED_PLACE_SIZE);
    }
    for (size_t i = 0; i < count; i++) {
        const uint64_t block = blocks[i] = find_block(unpacker, codes[i] >> 1, blocks[i]);
        const uint64_t at = stele__place_at(tables, block);
        const uint64_t end = stele__place_at(tables, block + 1);
        for (uint64_t line = at;
             line < end && line < at + LINES_MAX * LINE && line < packed->header.file_size;
             line += LINE) {
            __builtin_prefetch(packed->map + line);
        }
    }
}

/* Room for a block as model.c writes it, behind the dictionary if that pays. */
static bool make_room(stele__unpacker *unpacker, size_t size)
{
    const size_t dictionary_size = unpacker->packed->header.dictionary_size;
    unpacker->model.size = 0;
    if (!stele__buffer_reserve(&unpacker->model, unpacker->model_at + size + STELE_SEGMENT_SLACK)) {
        return false;
    }
    unpacker->block_count += unpacker->block_count < BLOCKS_BEFORE_COPYING;
    if (unpacker->block_count == BLOCKS_BEFORE_COPYING && unpacker->model_at == 0 &&
        stele__buffer_reserve(&unpacker->model, dictionary_size + size + STELE_SEGMENT_SLACK)) {
        memcpy(unpacker->model.data, unpacker->tables->dictionary, dictionary_size);
        unpacker->model_at = dictionary_size;
    }
    return true;
}

/* Finds the block that holds an offset, and what the table says of it. False: the table is damaged.
 */
static bool look_up(const stele__unpacker *unpacker, uint64_t offset, uint64_t likely,
                    stele__pane *ret_pane, uint64_t *ret_at, uint64_t *ret_end)
{
    const stele__tables *tables = unpacker->tables;
    const stele__packed_header *header = &unpacker->packed->header;
    uint64_t block = likely;
    if (likely >= header->block_count || stele__place_offset(tables, likely) > offset ||
        stele__place_offset(tables, likely + 1) <= offset) {
        block = find_block(unpacker, offset, guess_block(header, offset));
    }
    *ret_at = stele__place_at(tables, block);
    *ret_end = stele__place_at(tables, block + 1);
    ret_pane->block = block;
    ret_pane->from = stele__place_offset(tables, block);
    ret_pane->to = stele__place_offset(tables, block + 1);
    return *ret_at >= STELE_PACKED_HEADER_SIZE && *ret_at < *ret_end &&
           *ret_end <= stele__packed_dictionary_at(header) && ret_pane->from <= offset &&
           ret_pane->to > offset && ret_pane->to - ret_pane->from <= STELE_PACKED_BLOCK_MAX;
}

/* Decompresses a block of the file, which is `wanted` bytes of the segment, to *ret_model: to
 * `names_model` if it is needed for a name. False: it is damaged, or there is no memory
 * (*ret_is_memory). */
static bool decompress(stele__unpacker *unpacker, const uint8_t *bytes, size_t size,
                       uint64_t wanted, bool is_for_name, uint8_t **ret_model, size_t *ret_size,
                       bool *ret_is_memory)
{
    const uint8_t *at = bytes + STELE_PACKED_CRC_SIZE;
    const uint8_t *end = bytes + size;
    uint64_t coded;
    if (size <= STELE_PACKED_CRC_SIZE ||
        stele__crc32c(0, at, (size_t)(end - at)) != stele__load32(bytes) ||
        !stele__varint_get(&at, end, &coded)) {
        return false;
    }
    /* No step makes more of what it is given than this. */
    const uint64_t model_size = coded >> 1;
    const size_t packed_size = (size_t)(end - at);
    if (model_size > STELE_PACKED_BLOCK_MAX || model_size > (uint64_t)packed_size * EXPANSION_MAX ||
        wanted > model_size * 8 + STELE_SEGMENT_SLACK) {
        return false;
    }
    const stele__packed_header *header = &unpacker->packed->header;
    const uint8_t *dictionary = unpacker->tables->dictionary;
    unpacker->names_model.size = 0;
    *ret_is_memory = is_for_name ? !stele__buffer_reserve(&unpacker->names_model,
                                                          (size_t)model_size + STELE_SEGMENT_SLACK)
                                 : !make_room(unpacker, (size_t)model_size);
    if (*ret_is_memory) {
        return false;
    }
    uint8_t *model = unpacker->names_model.data;
    if (!is_for_name) {
        model = unpacker->model.data + unpacker->model_at;
        dictionary = unpacker->model_at > 0 ? unpacker->model.data : dictionary;
    }
    bool is_good = true;
    if (coded & 1) {
        is_good = packed_size == model_size;
        memcpy(model, at, is_good ? packed_size : 0);
    } else {
        is_good =
            stele__decompress(&unpacker->decompressor, header->codec, at, packed_size, dictionary,
                              header->dictionary_size, model, (size_t)model_size, ret_is_memory);
    }
    memset(model + model_size, 0, STELE_SEGMENT_SLACK);
    *ret_model = model;
    *ret_size = (size_t)model_size;
    return is_good;
}

/* Reads and decompresses the block that holds an offset. */
static stele_status load_model(stele__unpacker *unpacker, uint64_t offset, uint64_t likely,
                               bool is_for_name, stele__pane *ret_pane, uint8_t **ret_model,
                               size_t *ret_size, stele_error *reterr)
{
    const stele__packed *packed = unpacker->packed;
    uint64_t at;
    uint64_t end;
    const uint8_t *bytes;
    bool is_memory = false;
    if (!look_up(unpacker, offset, likely, ret_pane, &at, &end)) {
        return stele__packed_damaged(packed, stele__packed_table_at(&packed->header),
                                     "the table of blocks", reterr);
    }
    STELE_TRY(stele__packed_file_bytes(packed, at, (size_t)(end - at), &unpacker->scratch, &bytes,
                                       reterr));
    if (!decompress(unpacker, bytes, (size_t)(end - at), ret_pane->to - ret_pane->from, is_for_name,
                    ret_model, ret_size, &is_memory)) {
        return is_memory ? stele__fail_memory(reterr)
                         : stele__packed_damaged(packed, at, "a block", reterr);
    }
    return STELE_OK;
}

/* Turns the block that holds an offset back into bytes of the segment. */
static stele_status load_block(stele__unpacker *unpacker, const stele__segment *segment,
                               stele__pane *to, uint64_t offset, stele_error *reterr)
{
    const bool is_for_name = to == &unpacker->names;
    const uint64_t likely = unpacker->before.block + 1;
    stele__pane pane = *to;
    uint8_t *model = NULL;
    size_t model_size = 0;
    to->to = 0;
    if (!is_for_name) {
        unpacker->open_to = 0; /* what it was decompressed to is written over */
    }
    STELE_TRY(
        load_model(unpacker, offset, likely, is_for_name, &pane, &model, &model_size, reterr));
    const size_t size = (size_t)(pane.to - pane.from);
    to->bytes.size = 0;
    if (!stele__buffer_reserve(&to->bytes, size + STELE_SEGMENT_SLACK)) {
        return stele__fail_memory(reterr);
    }
    if (!stele__model_restore(segment, pane.from, model, model_size, to->bytes.data, size)) {
        return stele__packed_damaged(unpacker->packed,
                                     stele__place_at(unpacker->tables, pane.block), "a block",
                                     reterr);
    }
    memset(to->bytes.data + size, 0, STELE_SEGMENT_SLACK);
    to->block = pane.block;
    to->from = pane.from;
    to->to = pane.to;
    return STELE_OK;
}

stele_status stele__unpacker_open(stele__unpacker *unpacker, const stele__segment *segment,
                                  uint64_t offset, uint64_t likely, stele_error *reterr)
{
    stele__pane pane;
    uint8_t *model = NULL;
    size_t size = 0;
    STELE_TRY(enter(unpacker, segment->packed, reterr));
    unpacker->open_to = 0;
    if (offset < STELE_SEGMENT_HEADER_SIZE || offset >= segment->size) {
        return stele__fail(reterr, STELE_CORRUPT, "there is nothing at offset %" PRIu64, offset);
    }
    STELE_TRY(load_model(unpacker, offset, likely, false, &pane, &model, &size, reterr));
    unpacker->open_block = pane.block;
    unpacker->open_from = pane.from;
    unpacker->open_start = model;
    if (!stele__model_open(&unpacker->walk, segment, pane.from, model, size)) {
        return stele__packed_damaged(unpacker->packed,
                                     stele__place_at(unpacker->tables, pane.block), "a block",
                                     reterr);
    }
    unpacker->open_size = size;
    unpacker->open_to = pane.to;
    return STELE_OK;
}

stele_status stele__unpacker_move(stele__unpacker *unpacker, const stele__segment *segment,
                                  uint64_t offset, const uint8_t **ret_bytes, uint64_t *ret_from,
                                  uint64_t *ret_to, stele_error *reterr)
{
    stele__pane *current = &unpacker->current;
    STELE_TRY(enter(unpacker, segment->packed, reterr));
    if (offset < STELE_SEGMENT_HEADER_SIZE || offset >= segment->size) {
        return stele__fail(reterr, STELE_CORRUPT,
                           "there is nothing at offset %" PRIu64 " of what is packed in %s", offset,
                           segment->path);
    }
    if (offset < current->from || offset >= current->to) {
        const stele__pane last = *current;
        *current = unpacker->before;
        unpacker->before = last;
    }
    if (offset < current->from || offset >= current->to) {
        STELE_TRY(load_block(unpacker, segment, current, offset, reterr));
    }
    *ret_bytes = current->bytes.data;
    *ret_from = current->from;
    *ret_to = current->to;
    return STELE_OK;
}

/* ---- names */

/* Looks a name up in the list. NULL: it has none there of this size. */
static const uint8_t *find_name(const stele__name_table *names, uint64_t definition, size_t size)
{
    uint32_t slot = stele__name_slot(names, definition);
    for (; names->slots[slot][0] != 0; slot = (slot + 1) & names->mask) {
        if (names->slots[slot][0] == definition) {
            const uint8_t *at = names->bytes + names->slots[slot][1];
            return stele__varint_take_steady(&at) == size ? at : NULL;
        }
    }
    return NULL;
}

/* Unpacks the block in which a name is defined. */
static stele_status find_definition(stele__unpacker *unpacker, const stele__segment *segment,
                                    uint64_t definition, size_t size, const uint8_t **ret_name,
                                    stele_error *reterr)
{
    const stele__pane *at = &unpacker->current;
    if (definition < at->from || definition >= at->to) {
        at = &unpacker->names;
    }
    if (definition < at->from || definition >= at->to) {
        STELE_TRY(load_block(unpacker, segment, &unpacker->names, definition, reterr));
    }
    const uint8_t *name = at->bytes.data + (definition - at->from);
    if (definition < at->from + STELE_NAME_SUM || size > at->to - definition ||
        stele__name_sum(segment, definition, name, size) != stele__load32(name - STELE_NAME_SUM)) {
        return stele__fail(reterr, STELE_CORRUPT,
                           "there is no name at offset %" PRIu64 " of what is packed in %s",
                           definition, segment->path);
    }
    *ret_name = name;
    return STELE_OK;
}

stele_status stele__unpacker_name(stele__unpacker *unpacker, const stele__segment *segment,
                                  uint64_t definition, size_t size, const uint8_t **ret_name,
                                  bool *ret_stays, stele_error *reterr)
{
    STELE_TRY(enter(unpacker, segment->packed, reterr));
    stele__tables *tables = unpacker->tables;
    /* Pairs with the release by whoever loaded them. */
    const stele__name_table *names = atomic_load_explicit(&tables->names, memory_order_acquire);
    stele_status status = STELE_OK;
    if (!names && atomic_fetch_add_explicit(&tables->misses, 1, memory_order_relaxed) !=
                      MISSES_BEFORE_LOADING) {
        *ret_stays = false;
        status = find_definition(unpacker, segment, definition, size, ret_name, reterr);
        if (status != STELE_CORRUPT) {
            return status;
        }
    }
    /* The list is tried now, also for a name whose definition is damaged; and for one that the list
     * does not have, or if it is damaged itself, there is the definition. */
    if (!names) {
        const stele_status loaded = stele__packed_names(unpacker->packed, tables, &names, NULL);
        STELE_TRY(loaded == STELE_CORRUPT ? STELE_OK : loaded);
    }
    const uint8_t *name = names ? find_name(names, definition, size) : NULL;
    *ret_stays = name != NULL;
    if (name) {
        *ret_name = name;
        return STELE_OK;
    }
    return status == STELE_OK
               ? find_definition(unpacker, segment, definition, size, ret_name, reterr)
               : status;
}

/* ---- copies */

/* Where the block behind a damaged one begins, up to `end`; that a block is damaged does not say
 * that its place is. */
static uint64_t behind_damaged(const stele__unpacker *unpacker, uint64_t offset, uint64_t end)
{
    if (!unpacker->tables || offset < STELE_SEGMENT_HEADER_SIZE) {
        return end;
    }
    const uint64_t next =
        stele__place_offset(unpacker->tables, find_block(unpacker, offset, 0) + 1);
    return next > offset && next < end ? next : end;
}

stele_status stele__unpack_bytes(const stele__segment *segment, uint64_t offset, size_t size,
                                 stele__buffer *scratch, stele_error *reterr)
{
    stele__unpacker *unpacker = stele__unpacker_create(scratch->alloc);
    stele_status status = unpacker ? STELE_OK : stele__fail_memory(reterr);
    memset(scratch->data, 0, size);
    for (size_t done = 0; done < size && status == STELE_OK;) {
        const uint8_t *bytes;
        uint64_t from;
        uint64_t to = offset + done;
        status = stele__unpacker_move(unpacker, segment, offset + done, &bytes, &from, &to, reterr);
        if (status == STELE_OK) {
            const size_t skip = (size_t)(offset + done - from);
            const size_t there = (size_t)(to - from) - skip;
            const size_t count = there < size - done ? there : size - done;
            memcpy(scratch->data + done, bytes + skip, count);
            done += count;
        } else if (status == STELE_CORRUPT) {
            done = behind_damaged(unpacker, offset + done, offset + size) - offset;
            status = STELE_OK;
        }
    }
    stele__unpacker_free(unpacker);
    return status;
}

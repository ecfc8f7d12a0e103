/* SPDX-License-Identifier: Apache-2.0 */
/* What a reader of frames does in a packed segment, and names in one that is not mapped. */
#include "log/frame_packed.h"

#include <errno.h>

/* Moves the window over an offset of a packed segment. */
stele_status stele__frame_unpack(stele__reader *reader, uint64_t offset, stele_error *reterr)
{
    reader->window_from = reader->window_to = 0;
    if (!reader->unpacker) {
        reader->unpacker = stele__unpacker_create(reader->alloc);
        if (!reader->unpacker) {
            return stele__fail_memory(reterr);
        }
    }
    return stele__unpacker_move(reader->unpacker, reader->segment, offset, &reader->window,
                                &reader->window_from, &reader->window_to, reterr);
}

/* What stands in a packed segment: where it is in the block, or copied from several. */
stele_status stele__frame_lend_packed(stele__reader *reader, uint64_t offset, size_t size,
                                      const uint8_t **ret_bytes, size_t *ret_size,
                                      stele_error *reterr)
{
    stele__buffer *copy = &reader->frame_buffer;
    const uint64_t left = offset < reader->segment->size ? reader->segment->size - offset : 0;
    size = size < left ? size : (size_t)left;
    copy->size = 0;
    while (size > 0) {
        if (offset < reader->window_from || offset >= reader->window_to) {
            STELE_TRY(stele__frame_unpack(reader, offset, reterr));
        }
        const uint8_t *bytes = reader->window + (offset - reader->window_from);
        const size_t there = (size_t)(reader->window_to - offset);
        if (copy->size == 0 && there >= size) {
            *ret_bytes = bytes;
            *ret_size = size;
            return STELE_OK;
        }
        if (!stele__buffer_reserve(copy, size + STELE_SEGMENT_SLACK)) {
            return stele__fail_memory(reterr);
        }
        const size_t count = there < size ? there : size;
        memcpy(copy->data + copy->size, bytes, count);
        copy->size += count;
        offset += count;
        size -= count;
    }
    if (!stele__buffer_reserve(copy, STELE_SEGMENT_SLACK)) {
        return stele__fail_memory(reterr);
    }
    memset(copy->data + copy->size, 0, STELE_SEGMENT_SLACK);
    *ret_bytes = copy->data;
    *ret_size = copy->size;
    return STELE_OK;
}

/* A name in a packed segment, with its checksum's place in front, which is not compared again. */
static bool unpack_name(stele__reader *reader, uint64_t definition, size_t size,
                        const uint8_t **ret_bytes, bool *ret_stays)
{
    stele_error error;
    if (!reader->unpacker) { /* the segment was entered, and nothing of it read */
        return false;
    }
    const stele_status status = stele__unpacker_name(reader->unpacker, reader->segment, definition,
                                                     size, ret_bytes, ret_stays, &error);
    if (status == STELE_NO_MEMORY) {
        reader->error = ENOMEM;
    } else if (status != STELE_OK && status != STELE_CORRUPT) {
        reader->error = error.os_error ? error.os_error : EIO;
    }
    return status == STELE_OK;
}

/* A name in a segment that is not mapped: copied behind the others of this event. */
bool stele__frame_read_name(stele__reader *reader, uint64_t definition, size_t size,
                            const uint8_t **ret_bytes)
{
    const uint8_t *there = NULL;
    bool stays = false;
    if (reader->segment->packed) {
        if (!unpack_name(reader, definition, size, &there, &stays)) {
            return false;
        }
        if (stays) {
            *ret_bytes = there;
            return true;
        }
    }
    enum {
        NAMES_SIZE = 2 * STELE_STREAM_NAME_SIZE_MAX + STELE_EVENT_TAGS_MAX * STELE_TAG_SIZE_MAX,
        SUMS_SIZE = (2 + STELE_EVENT_TAGS_MAX) * STELE_NAME_SUM
    };
    size_t got;
    reader->name_buffer.size = 0;
    if (!stele__buffer_reserve(&reader->name_buffer, NAMES_SIZE + SUMS_SIZE)) {
        reader->error = ENOMEM;
        return false;
    }
    STELE_ASSERT(reader->name_bytes_used + STELE_NAME_SUM + size <= NAMES_SIZE + SUMS_SIZE);
    uint8_t *copy = reader->name_buffer.data + reader->name_bytes_used;
    if (there) {
        memcpy(copy, there - STELE_NAME_SUM, STELE_NAME_SUM + size);
        got = STELE_NAME_SUM + size;
    } else {
        reader->error =
            reader->segment->vfs->read(reader->segment->file, definition - STELE_NAME_SUM, copy,
                                       STELE_NAME_SUM + size, &got);
    }
    reader->name_bytes_used += STELE_NAME_SUM + size;
    *ret_bytes = copy + STELE_NAME_SUM;
    return !reader->error && got == STELE_NAME_SUM + size;
}

/* Whether the reader is in a packed segment, of which events can be read ahead, too. */
static bool enter_packed(stele__reader *reader)
{
    if (!reader->segment->packed) {
        return false;
    }
    if (!reader->unpacker) {
        reader->unpacker = stele__unpacker_create(reader->alloc);
    }
    /* What the window shows may be unpacked over. */
    reader->window_from = reader->window_to = 0;
    return reader->unpacker != NULL;
}

void stele__frame_walk_packed(stele__batch *batch, stele__reader *reader, stele_position position,
                              size_t count_max)
{
    if (enter_packed(reader)) {
        uint64_t end = reader->next_code >> 1;
        stele__unpacker_walk(reader->unpacker, reader->segment, batch, position,
                             count_max < STELE_BATCH_SIZE ? count_max : STELE_BATCH_SIZE, &end);
        reader->verified_from = reader->verified_to = UINT64_MAX;
        reader->next_position = position + batch->count;
        reader->next_code = (uint32_t)(end * 2);
    }
}

void stele__frame_gather_packed(stele__batch *batch, stele__reader *reader,
                                const stele_position *positions, const uint32_t *codes,
                                size_t count)
{
    if (enter_packed(reader)) {
        uint64_t end = 0;
        stele__unpacker_gather(reader->unpacker, reader->segment, batch, positions, codes, count,
                               &end);
        reader->verified_from = reader->verified_to = UINT64_MAX;
        reader->next_position = batch->count > 0 ? positions[batch->count - 1] + 1 : 0;
        reader->next_code = (uint32_t)(end * 2);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events of packed segments, many at once, taken from the blocks as they were decompressed: what
 * nearly all reading is. Only frames of one event come here; everything else, and everything that
 * is not in order, ends a batch, and is left to the general way, which turns blocks back into bytes
 * and finds out what is wrong.
 *
 * The checksum of the block was compared, so that there is none of an event to compare; names come
 * from the list of names or, verified, from their definitions.
 */
#include "log/packed_format.h"

/* What the events of a batch take that cannot be lent where it stands. */
enum { KEPT_SIZE = 64 << 10 };

/* Copies what must outlast the block. NULL: there is no room. */
static const uint8_t *keep(stele__unpacker *unpacker, const uint8_t *bytes, size_t size)
{
    stele__buffer *kept = &unpacker->kept;
    if (size > kept->capacity - kept->size) {
        return NULL;
    }
    uint8_t *copy = kept->data + kept->size;
    memcpy(copy, bytes, size);
    kept->size += size;
    return copy;
}

static bool begin_keeping(stele__unpacker *unpacker)
{
    unpacker->kept.size = 0;
    return stele__buffer_reserve(&unpacker->kept, KEPT_SIZE);
}

/* A name that is defined elsewhere. `known`: the one that was found last. */
static inline bool find_name(stele__unpacker *unpacker, const stele__segment *segment,
                             uint64_t definition, uint64_t size, uint64_t *known,
                             const uint8_t **known_name, stele_text *ret_name)
{
    const uint64_t place = definition << 32 | size;
    if (place != *known) {
        const uint8_t *name;
        bool stays;
        if (definition < STELE_SEGMENT_HEADER_SIZE || definition >= segment->size ||
            stele__unpacker_name(unpacker, segment, definition, (size_t)size, &name, &stays,
                                 NULL) != STELE_OK) {
            return false;
        }
        if (!stays && !(name = keep(unpacker, name, (size_t)size))) {
            return false;
        }
        *known_name = name;
        *known = stays ? place : 0;
    }
    *ret_name = (stele_text){(const char *)*known_name, (size_t)size};
    return true;
}

/* An event being parsed: what stands behind its flags, or the whole of it. */
typedef struct parsing {
    const uint8_t *start;
    const uint8_t *at;
    const uint8_t *end;
    const uint8_t *holes; /* those that were not met yet, … */
    uint64_t hole_count;  /* … so many … */
    uint64_t hole_place;  /* … and the place of the last one that was, from `start` */
} parsing;

/* Whether here is a hole in front of a name of this size. Holes elsewhere would come back as bytes
 * of something else. */
static bool is_hole(parsing *event, uint64_t size)
{
    if (event->hole_count == 0) {
        return false;
    }
    event->hole_count--;
    event->hole_place += stele__varint_take(&event->holes);
    return stele__varint_take(&event->holes) == size &&
           event->hole_place == (uint64_t)(event->at - event->start);
}

/* Parses a name or a reference to one. */
static inline bool parse_name(stele__unpacker *unpacker, const stele__segment *segment,
                              parsing *event, size_t size_max, uint64_t *known,
                              const uint8_t **known_name, stele_text *ret_name)
{
    if (event->at > event->end) {
        return false;
    }
    const uint64_t coded = stele__varint_take_steady(&event->at);
    const uint64_t size = coded >> 1;
    if (size - 1 >= size_max) {
        return false; /* a size of 0 wraps */
    }
    if (!(coded & 1)) {
        return find_name(unpacker, segment, stele__varint_take_steady(&event->at), size, known,
                         known_name, ret_name);
    }
    if (event->at > event->end || size > (size_t)(event->end - event->at) ||
        !is_hole(event, size)) {
        return false;
    }
    *ret_name = (stele_text){(const char *)event->at, (size_t)size};
    event->at += size;
    return true;
}

static bool parse_tags(stele__unpacker *unpacker, const stele__segment *segment, parsing *event,
                       stele__batch *batch, stele_record *record)
{
    stele_text *tags = batch->tags + batch->tag_count;
    if (event->at > event->end) {
        return false;
    }
    const uint64_t count = stele__varint_take(&event->at);
    if (count == 0 || count > STELE_EVENT_TAGS_MAX || count > STELE_BATCH_TAGS - batch->tag_count) {
        return false;
    }
    for (uint64_t i = 0; i < count; i++) {
        uint64_t none = 0;
        const uint8_t *nothing = NULL;
        if (!parse_name(unpacker, segment, event, STELE_TAG_SIZE_MAX, &none, &nothing, &tags[i])) {
            return false;
        }
    }
    record->tags = tags;
    record->tag_count = (size_t)count;
    batch->tag_count += (size_t)count;
    return true;
}

/* Parses the event of an item. What stands in the rest of the item is lent, or kept. */
static inline bool parse_item(stele__unpacker *unpacker, const stele__segment *segment,
                              const stele__model_item *item, bool must_keep, stele__batch *batch,
                              stele_record *ret_record)
{
    enum { FLAGS = 7, ID_AT = 2, ID_SIZE = 16 };
    const size_t head = item->has_id_time ? ID_SIZE - STELE_MODEL_ID_TIME : ID_AT + ID_SIZE;
    const size_t size = (size_t)(item->rest_end - item->rest);
    const uint8_t *at = item->rest;
    if (size < head || (item->begin[0] & ~FLAGS && item->has_id_time)) {
        return false;
    }
    if (must_keep && !(at = keep(unpacker, at, size))) {
        return false;
    }
    parsing event = {at, at, at + size, item->holes, item->hole_count, 0};
    const uint8_t *begin = item->has_id_time ? item->begin : at;
    const uint8_t flags = begin[0];
    ret_record->data_format = (stele_format)(begin[1] & 15);
    ret_record->metadata_format = (stele_format)(begin[1] >> 4);
    if (item->has_id_time) {
        stele__model_id_time(item->time, ret_record->id.bytes);
        memcpy(ret_record->id.bytes + STELE_MODEL_ID_TIME, at, head);
    } else {
        memcpy(ret_record->id.bytes, at + ID_AT, ID_SIZE);
    }
    event.at += head;
    const uint64_t revision = stele__varint_take_steady(&event.at);
    ret_record->revision = flags & STELE_EVENT_TOMBSTONE ? STELE_REVISION_TOMBSTONE : revision;
    ret_record->tags = NULL;
    ret_record->tag_count = 0;
    if ((flags & ~FLAGS) ||
        !parse_name(unpacker, segment, &event, STELE_STREAM_NAME_SIZE_MAX, &unpacker->known_stream,
                    &unpacker->known_stream_name, &ret_record->stream) ||
        !parse_name(unpacker, segment, &event, STELE_TYPE_SIZE_MAX, &unpacker->known_type,
                    &unpacker->known_type_name, &ret_record->type) ||
        ((flags & STELE_EVENT_HAS_TAGS) &&
         !parse_tags(unpacker, segment, &event, batch, ret_record)) ||
        event.at > event.end || event.hole_count > 0) {
        return false;
    }
    const uint64_t metadata = stele__varint_take_steady(&event.at);
    if (event.at > event.end || metadata > (uint64_t)(event.end - event.at)) {
        return false;
    }
    ret_record->metadata = (stele_bytes){event.at, (size_t)metadata};
    ret_record->data =
        (stele_bytes){event.at + metadata, (size_t)(event.end - event.at) - (size_t)metadata};
    ret_record->position = item->position;
    ret_record->time = item->time;
    return true;
}

/* Moves the walk to an offset at which an item begins. */
static bool move_walk(stele__unpacker *unpacker, const stele__segment *segment, uint64_t offset,
                      uint64_t likely)
{
    stele__model_item item;
    stele__model_walk *walk = &unpacker->walk;
    if (unpacker->packed != segment->packed || offset < unpacker->open_from ||
        offset >= unpacker->open_to) {
        if (stele__unpacker_open(unpacker, segment, offset, likely, NULL) != STELE_OK) {
            return false;
        }
    } else if (offset < walk->offset &&
               !stele__model_open(walk, segment, unpacker->open_from, unpacker->open_start,
                                  unpacker->open_size)) {
        return false;
    }
    while (walk->offset < offset) {
        if (!stele__model_next(walk, &item)) {
            return false;
        }
    }
    return walk->offset == offset;
}

void stele__unpacker_walk(stele__unpacker *unpacker, const stele__segment *segment,
                          stele__batch *batch, stele_position position, size_t count_max,
                          uint64_t *end)
{
    if (!begin_keeping(unpacker) || !move_walk(unpacker, segment, *end, unpacker->open_block + 1)) {
        return;
    }
    while (batch->count < count_max) {
        stele__model_item item;
        if (!stele__model_next(&unpacker->walk, &item) ||
            item.position != position + batch->count ||
            !parse_item(unpacker, segment, &item, false, batch, &batch->records[batch->count])) {
            return;
        }
        *end = item.end;
        batch->count++;
    }
}

void stele__unpacker_gather(stele__unpacker *unpacker, const stele__segment *segment,
                            stele__batch *batch, const stele_position *positions,
                            const uint32_t *codes, size_t count, uint64_t *ret_end)
{
    if (!begin_keeping(unpacker)) {
        return;
    }
    uint64_t blocks[STELE_BATCH_SIZE];
    stele__unpacker_prefetch(unpacker, segment, codes, count, blocks);
    for (size_t i = 0; i < count; i++) {
        stele__model_item item;
        if ((codes[i] & 1) || !move_walk(unpacker, segment, codes[i] >> 1, blocks[i]) ||
            !stele__model_next(&unpacker->walk, &item) || item.position != positions[i] ||
            !parse_item(unpacker, segment, &item, true, batch, &batch->records[i])) {
            return;
        }
        *ret_end = item.end;
        batch->count++;
    }
}

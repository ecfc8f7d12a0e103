/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks of frames without what can be computed.
 *
 *   block   v     position of the first frame that begins in it - first of the segment
 *           v     time of the frame before that one (of the first: its own) - base time
 *           v     that position - 1 - what the frame before (the first: itself) knew to be synced
 *           v     distance from the frame whose events go on here; 0: none do
 *           4     checksum of that frame's header, if there is one
 *           items
 *
 *   item    1     0 a frame of one event, 1 the header of a frame of many, 2 one of its events;
 *                 4 TIME, 8 SYNCED, 16 KEY, 32 HOLES, 64 ID
 *           v     time - time of the frame before                       (if TIME; else the same)
 *           v     what is synced - what the frame before knew           (if SYNCED; else the same)
 *           v     size of the key, then the key                         (if KEY)
 *           v 4 v count of events, seal, size of the body               (kind 1)
 *           2     the event's flags and formats; the rest of the event  (if ID)
 *                 begins behind six bytes of its id, which are the time
 *                 of the commit in ms, as in ids that a store makes
 *           v     count of holes, then for each: v bytes in front of it, since the one before, and
 *                 v size of the name behind it                          (if HOLES)
 *           v     size of the event without holes, and the event so     (kinds 0 and 2)
 *
 * (v as in frame.c.) A *hole* is where the checksum of a name in full was: stele__name_sum() gives
 * it back. So do the other checksums come back, by what frame.c says about them; only the seal of a
 * frame of many is kept, since its events may stand in several blocks.
 *
 * Whether these are the bytes that were packed, a checksum over them must say: packed.c.
 */
#include "log/model.h"

enum { ITEM_SINGLE = 0, ITEM_HEADER = 1, ITEM_EVENT = 2, ITEM_KIND = 3 };
enum {
    ITEM_TIME = 4,
    ITEM_SYNCED = 8,
    ITEM_KEY = 16,
    ITEM_HOLES = 32,
    ITEM_ID = 64,
    ITEM_ALL = 127
};
enum { ID_AT = 2, ID_TIME = STELE_MODEL_ID_TIME }; /* in an event */
enum { HOLES_MAX = 2 + STELE_EVENT_TAGS_MAX };
/* What an item takes beside the bytes of the event, and a block beside its items. */
enum {
    ITEM_OVERHEAD = 16 + STELE_KEY_SIZE_MAX + STELE_VARINT_SIZE_MAX * (8 + 2 * HOLES_MAX),
    BLOCK_OVERHEAD = 4 + 4 * STELE_VARINT_SIZE_MAX
};

/* ---- writing */

void stele__model_init(stele__model_writer *writer, const stele_alloc *alloc,
                       const stele__segment *segment)
{
    *writer = (stele__model_writer){.segment = segment, .bytes = {.alloc = alloc}};
}

void stele__model_done(stele__model_writer *writer)
{
    stele__buffer_done(&writer->bytes);
}

static void put_varint(stele__buffer *to, uint64_t value)
{
    to->size = (size_t)(stele__varint_put(to->data + to->size, value) - to->data);
}

static void put_bytes(stele__buffer *to, const void *bytes, size_t size)
{
    if (size > 0) {
        memcpy(to->data + to->size, bytes, size);
        to->size += size;
    }
}

static stele_status make_room(stele__model_writer *writer, size_t size, stele_error *reterr)
{
    return stele__buffer_reserve(&writer->bytes, size + STELE_SEGMENT_SLACK)
               ? STELE_OK
               : stele__fail_memory(reterr);
}

void stele__model_expect(stele__model_writer *writer, const stele__frame *frame)
{
    writer->state =
        (stele__model_state){.next = frame->first, .time = frame->time, .synced = frame->synced};
}

stele_status stele__model_begin(stele__model_writer *writer, uint64_t offset, stele_error *reterr)
{
    const stele__model_state *state = &writer->state;
    const stele__segment_header *header = &writer->segment->header;
    writer->bytes.size = 0;
    STELE_TRY(make_room(writer, BLOCK_OVERHEAD, reterr));
    put_varint(&writer->bytes, state->next - header->first);
    put_varint(&writer->bytes, (uint64_t)state->time - (uint64_t)header->base_time);
    put_varint(&writer->bytes, state->next - 1 - state->synced);
    put_varint(&writer->bytes, state->frame ? offset - state->frame : 0);
    if (state->frame) {
        uint8_t crc[4];
        stele__store32(crc, state->header_crc);
        put_bytes(&writer->bytes, crc, sizeof crc);
    }
    writer->first_offset = writer->offset = offset;
    return STELE_OK;
}

/* Adds the name in full at `definition` to the holes of an event, if it stands in it. */
static void note_hole(uint64_t from, uint64_t to, uint64_t definition, size_t size,
                      stele__buffer *holes, uint64_t *last, unsigned *count)
{
    if (definition >= from + STELE_NAME_SUM && definition < to && definition > *last) {
        const uint64_t before = *count ? *last : from;
        put_varint(holes, definition - STELE_NAME_SUM - before);
        put_varint(holes, size);
        *last = definition;
        ++*count;
    }
}

void stele__model_id_time(stele_time time, uint8_t to[ID_TIME])
{
    const uint64_t milliseconds = (uint64_t)time / 1000000;
    for (int i = 0; i < ID_TIME; i++) {
        to[i] = (uint8_t)(milliseconds >> (8 * (ID_TIME - 1 - i)));
    }
}

/* Adds an event of which `from` is the offset in the segment. */
static void put_event(stele__model_writer *writer, size_t item, const uint8_t *bytes, size_t size,
                      uint64_t from, const stele__event *event)
{
    uint8_t id_time[ID_TIME];
    uint8_t memory[2 * HOLES_MAX * STELE_VARINT_SIZE_MAX + STELE_SEGMENT_SLACK];
    stele__buffer holes = {.data = memory};
    stele__buffer *to = &writer->bytes;
    const stele_record *record = &event->record;
    uint64_t last = 0;
    unsigned count = 0;
    stele__model_id_time(writer->state.time, id_time);
    if (memcmp(event->record.id.bytes, id_time, ID_TIME) == 0) {
        to->data[item] |= ITEM_ID;
        put_bytes(to, bytes, ID_AT);
        bytes += ID_AT + ID_TIME;
        size -= ID_AT + ID_TIME;
        from += ID_AT + ID_TIME;
    }
    note_hole(from, from + size, event->facts.stream_definition, record->stream.size, &holes, &last,
              &count);
    note_hole(from, from + size, event->facts.type_definition, record->type.size, &holes, &last,
              &count);
    for (size_t i = 0; i < record->tag_count; i++) {
        note_hole(from, from + size, event->tag_definitions[i], record->tags[i].size, &holes, &last,
                  &count);
    }
    if (count > 0) {
        to->data[item] |= ITEM_HOLES;
        put_varint(to, count);
        put_bytes(to, holes.data, holes.size);
    }
    put_varint(to, size - (size_t)count * STELE_NAME_SUM);
    const uint8_t *at = memory;
    for (unsigned i = 0; i < count; i++) {
        const uint64_t gap = stele__varint_take(&at);
        (void)stele__varint_take(&at);
        put_bytes(to, bytes, (size_t)gap);
        bytes += gap + STELE_NAME_SUM;
        size -= (size_t)gap + STELE_NAME_SUM;
    }
    put_bytes(to, bytes, size);
}

static stele_status fail_strange(const stele__model_writer *writer, uint64_t offset,
                                 stele_error *reterr)
{
    return stele__fail(reterr, STELE_UNSUPPORTED,
                       "%s has a frame that cannot be packed (offset %llu)", writer->segment->path,
                       (unsigned long long)offset);
}

stele_status stele__model_add_frame(stele__model_writer *writer, const stele__frame *frame,
                                    const stele__event *event, stele_error *reterr)
{
    stele__model_state *state = &writer->state;
    stele__buffer *to = &writer->bytes;
    const size_t size = event ? (size_t)(frame->bytes_end - frame->events) : 0;
    const size_t item = to->size;
    if (frame->first != state->next || frame->time < state->time || frame->synced < state->synced) {
        return fail_strange(writer, frame->offset, reterr);
    }
    STELE_TRY(make_room(writer, size + ITEM_OVERHEAD, reterr));
    to->data[to->size++] = event ? ITEM_SINGLE : ITEM_HEADER;
    if (frame->time != state->time) {
        to->data[item] |= ITEM_TIME;
        put_varint(to, (uint64_t)(frame->time - state->time));
    }
    if (frame->synced != state->synced) {
        to->data[item] |= ITEM_SYNCED;
        put_varint(to, frame->synced - state->synced);
    }
    if (frame->key.size > 0) {
        to->data[item] |= ITEM_KEY;
        put_varint(to, frame->key.size);
        put_bytes(to, frame->key.data, frame->key.size);
    }
    *state = (stele__model_state){.next = frame->first + frame->count,
                                  .time = frame->time,
                                  .synced = frame->synced,
                                  .frame = event ? 0 : frame->offset,
                                  .header_crc = frame->header_crc};
    if (event) {
        put_event(writer, item, frame->events, size,
                  frame->offset + (uint64_t)(frame->events - frame->start), event);
        writer->offset = frame->end;
    } else {
        put_varint(to, frame->count);
        put_bytes(to, frame->start + 4, 4);
        put_varint(to, frame->end - frame->offset - STELE_FRAME_PREFIX);
        writer->offset = frame->offset + (uint64_t)(frame->events - frame->start);
    }
    return STELE_OK;
}

stele_status stele__model_add_event(stele__model_writer *writer, const stele__frame *frame,
                                    const uint8_t *from, const uint8_t *to,
                                    const stele__event *event, stele_error *reterr)
{
    const size_t item = writer->bytes.size;
    const uint8_t *at = from + STELE_INNER_PREFIX;
    uint64_t distance;
    if (!stele__varint_get(&at, to, &distance)) {
        return fail_strange(writer, frame->offset, reterr);
    }
    STELE_TRY(make_room(writer, (size_t)(to - at) + ITEM_OVERHEAD, reterr));
    writer->bytes.data[writer->bytes.size++] = ITEM_EVENT;
    put_event(writer, item, at, (size_t)(to - at), frame->offset + (uint64_t)(at - frame->start),
              event);
    writer->offset = frame->offset + (uint64_t)(to - frame->start);
    if (to == frame->bytes_end) {
        writer->state.frame = 0;
    }
    return STELE_OK;
}

/* ---- restoring */

typedef struct restoring {
    const stele__segment *segment;
    stele__model_state state;
    const uint8_t *at; /* in the block */
    const uint8_t *end;
    uint8_t *start; /* of what is restored */
    uint8_t *to;
    uint8_t *to_end;
    uint64_t offset; /* of `start` in the segment */
    uint8_t *holes[HOLES_MAX];
    uint32_t hole_names[HOLES_MAX]; /* sizes */
} restoring;

static inline uint64_t offset_of(const restoring *all, const uint8_t *at)
{
    return all->offset + (uint64_t)(at - all->start);
}

static inline size_t room(const restoring *all)
{
    return (size_t)(all->to_end - all->to);
}

static inline size_t left(const restoring *all)
{
    return (size_t)(all->end - all->at);
}

/* The sums of the names behind the holes of an event, which goes up to all->to. */
static bool fill_holes(restoring *all, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        uint8_t *name = all->holes[i] + STELE_NAME_SUM;
        const uint32_t size = all->hole_names[i];
        if (name > all->to || size > (size_t)(all->to - name)) {
            return false;
        }
        stele__store32(all->holes[i],
                       stele__name_sum(all->segment, offset_of(all, name), name, size));
    }
    return true;
}

/* An event with holes. */
static __attribute__((noinline)) bool restore_holes(restoring *all)
{
    const uint64_t count = stele__varint_take(&all->at);
    uint64_t gaps[HOLES_MAX];
    if (count == 0 || count > HOLES_MAX) {
        return false;
    }
    for (uint64_t i = 0; i < count; i++) {
        if (all->at > all->end) {
            return false;
        }
        gaps[i] = stele__varint_take(&all->at);
        const uint64_t size = stele__varint_take(&all->at);
        if (size > STELE_STREAM_NAME_SIZE_MAX) {
            return false;
        }
        all->hole_names[i] = (uint32_t)size;
    }
    if (all->at > all->end) {
        return false;
    }
    uint64_t size = stele__varint_take(&all->at);
    if (all->at > all->end || size > left(all) || size + count * STELE_NAME_SUM > room(all)) {
        return false;
    }
    for (uint64_t i = 0; i < count; i++) {
        if (gaps[i] > size) {
            return false;
        }
        memcpy(all->to, all->at, (size_t)gaps[i]);
        all->holes[i] = all->to + gaps[i];
        all->to += gaps[i] + STELE_NAME_SUM;
        all->at += gaps[i];
        size -= gaps[i];
    }
    memcpy(all->to, all->at, (size_t)size);
    all->to += size;
    all->at += size;
    return fill_holes(all, count);
}

static inline bool restore_event(restoring *all, uint8_t item)
{
    if (item & ITEM_ID) {
        if (left(all) < ID_AT || room(all) < ID_AT + ID_TIME) {
            return false;
        }
        memcpy(all->to, all->at, ID_AT);
        stele__model_id_time(all->state.time, all->to + ID_AT);
        all->to += ID_AT + ID_TIME;
        all->at += ID_AT;
    }
    if (item & ITEM_HOLES) {
        return restore_holes(all);
    }
    const uint64_t size = stele__varint_take(&all->at);
    if (all->at > all->end || size > left(all) || size > room(all)) {
        return false;
    }
    memcpy(all->to, all->at, (size_t)size);
    all->to += size;
    all->at += size;
    return true;
}

/* A key in the header of a frame, in full. */
static bool restore_key(restoring *all)
{
    const uint64_t size = stele__varint_take(&all->at);
    if (all->at > all->end || size - 1 >= STELE_KEY_SIZE_MAX || size > left(all) ||
        stele__varint_size(size * 2 + 1) + STELE_NAME_SUM + size > room(all)) {
        return false; /* a size of 0 wraps */
    }
    all->to = stele__varint_put(all->to, size * 2 + 1);
    memcpy(all->to + STELE_NAME_SUM, all->at, (size_t)size);
    stele__store32(all->to, stele__name_sum(all->segment, offset_of(all, all->to) + STELE_NAME_SUM,
                                            all->to + STELE_NAME_SUM, (size_t)size));
    all->to += STELE_NAME_SUM + size;
    all->at += size;
    return true;
}

/* The header of a frame behind its size and seal: all of the item that stands in front of its
 * event, or its events. */
static inline bool restore_header(restoring *all, uint8_t item, uint64_t *ret_count,
                                  const uint8_t **ret_seal, uint64_t *ret_size)
{
    const stele__segment_header *header = &all->segment->header;
    stele__model_state *state = &all->state;
    const bool is_many = (item & ITEM_KIND) == ITEM_HEADER;
    const uint8_t *at = all->at;
    *ret_count = 1;
    if (item & ITEM_TIME) {
        state->time = (stele_time)((uint64_t)state->time + stele__varint_take(&at));
    }
    if (item & ITEM_SYNCED) {
        state->synced += stele__varint_take(&at);
    }
    uint8_t *to = all->to + STELE_FRAME_PREFIX;
    if (room(all) < STELE_FRAME_PREFIX) {
        return false;
    }
    *to++ = (uint8_t)((is_many ? STELE_FRAME_MANY : 0) | (item & ITEM_KEY ? STELE_FRAME_KEY : 0));
    all->at = at;
    if (is_many) {
        /* They stand behind the key, which is behind what is written here: looked at twice. */
        if (item & ITEM_KEY) {
            const uint64_t size = stele__varint_take(&at);
            if (at > all->end || size > (size_t)(all->end - at)) {
                return false;
            }
            at += size;
        }
        *ret_count = stele__varint_take(&at);
        *ret_seal = at;
        at += 4;
        *ret_size = stele__varint_take(&at);
        if (at > all->end || *ret_count > STELE_COMMIT_EVENTS_MAX * 2) {
            return false;
        }
        to = stele__varint_put(to, *ret_count);
    }
    to = stele__varint_put(to, state->next - header->first);
    to = stele__varint_put(to, (uint64_t)state->time - (uint64_t)header->base_time);
    to = stele__varint_put(to, state->next - 1 - state->synced);
    all->to = to;
    if (to > all->to_end || ((item & ITEM_KEY) && !restore_key(all))) {
        return false;
    }
    state->next += *ret_count;
    if (is_many) {
        all->at = at;
    }
    return all->at <= all->end;
}

static inline bool restore_single(restoring *all, uint8_t item)
{
    uint8_t *frame = all->to;
    const uint64_t offset = offset_of(all, frame);
    uint64_t count;
    uint64_t ignored;
    const uint8_t *seal;
    if (!restore_header(all, item, &count, &seal, &ignored) || !restore_event(all, item)) {
        return false;
    }
    const uint8_t *body = frame + STELE_FRAME_PREFIX;
    const uint32_t size = (uint32_t)(all->to - body);
    stele__store32(frame, size);
    stele__store32(frame + 4,
                   stele__crc32c(stele__frame_place(all->segment, offset, size), body, size));
    return true;
}

static bool restore_many(restoring *all, uint8_t item)
{
    uint8_t *frame = all->to;
    uint64_t count;
    uint64_t size = 0;
    const uint8_t *seal = NULL;
    if (!restore_header(all, item, &count, &seal, &size) || size > STELE_FRAME_SIZE_MAX) {
        return false;
    }
    const uint8_t *body = frame + STELE_FRAME_PREFIX;
    all->state.frame = offset_of(all, frame);
    all->state.header_crc =
        stele__crc32c(stele__frame_place(all->segment, all->state.frame, (uint32_t)size), body,
                      (size_t)(all->to - body));
    stele__store32(frame, (uint32_t)size);
    memcpy(frame + 4, seal, 4);
    return true;
}

static bool restore_inner(restoring *all, uint8_t item)
{
    uint8_t *event = all->to;
    if (room(all) < STELE_INNER_PREFIX || all->state.frame == 0) {
        return false;
    }
    all->to =
        stele__varint_put(event + STELE_INNER_PREFIX, offset_of(all, event) - all->state.frame);
    if (all->to > all->to_end || !restore_event(all, item)) {
        return false;
    }
    const uint32_t size = (uint32_t)(all->to - event) - STELE_INNER_PREFIX;
    stele__store32(event, size);
    stele__store32(event + 4,
                   stele__crc32c(all->state.header_crc, event + STELE_INNER_PREFIX, size));
    return true;
}

/* What a block begins with. */
static bool restore_state(restoring *all)
{
    const stele__segment_header *header = &all->segment->header;
    const uint64_t position = stele__varint_take(&all->at);
    const uint64_t time = stele__varint_take(&all->at);
    const uint64_t lag = stele__varint_take(&all->at);
    const uint64_t distance = stele__varint_take(&all->at);
    all->state.next = header->first + position;
    all->state.time = (stele_time)((uint64_t)header->base_time + time);
    all->state.synced = all->state.next - 1 - lag;
    if (distance > 0) {
        all->state.frame = all->offset - distance;
        all->state.header_crc = stele__load32(all->at);
        all->at += 4;
    }
    return all->at <= all->end && distance < all->offset;
}

bool stele__model_restore(const stele__segment *segment, uint64_t offset, const uint8_t *block,
                          size_t block_size, uint8_t *to, size_t size)
{
    restoring all = {.segment = segment,
                     .at = block,
                     .end = block + block_size,
                     .start = to,
                     .to = to,
                     .to_end = to + size,
                     .offset = offset};
    if (!restore_state(&all)) {
        return false;
    }
    while (all.at < all.end) {
        const uint8_t item = *all.at++;
        const uint8_t kind = item & ITEM_KIND;
        if (item > ITEM_ALL || !(kind == ITEM_SINGLE   ? restore_single(&all, item)
                                 : kind == ITEM_HEADER ? restore_many(&all, item)
                                 : kind == ITEM_EVENT  ? restore_inner(&all, item)
                                                       : false)) {
            return false;
        }
    }
    return all.at == all.end && all.to == all.to_end;
}

/* ---- reading without restoring */

bool stele__model_open(stele__model_walk *walk, const stele__segment *segment, uint64_t offset,
                       const uint8_t *block, size_t size)
{
    restoring all = {.segment = segment, .at = block, .end = block + size, .offset = offset};
    const bool is_good = restore_state(&all);
    *walk = (stele__model_walk){segment, all.state, all.at, all.end, offset};
    return is_good;
}

/* Behind the holes of an event. NULL: they make no sense. */
static const uint8_t *skip_holes(const uint8_t *at, const uint8_t *end, stele__model_item *item)
{
    item->hole_count = stele__varint_take(&at);
    item->holes = at;
    for (uint64_t i = 0; i < item->hole_count; i++) {
        if (at > end) {
            return NULL;
        }
        (void)stele__varint_take(&at);
        (void)stele__varint_take(&at);
    }
    return at;
}

bool stele__model_next(stele__model_walk *walk, stele__model_item *ret_item)
{
    const stele__segment_header *header = &walk->segment->header;
    stele__model_state *state = &walk->state;
    const uint8_t *at = walk->at + 1;
    const uint8_t *end = walk->end;
    uint64_t size = STELE_FRAME_PREFIX + 1;
    if (walk->at >= end || (*walk->at & ITEM_KIND) != ITEM_SINGLE || *walk->at > ITEM_ALL) {
        return false;
    }
    const uint8_t item = *walk->at;
    if (item & ITEM_TIME) {
        state->time = (stele_time)((uint64_t)state->time + stele__varint_take_steady(&at));
    }
    if (item & ITEM_SYNCED) {
        state->synced += stele__varint_take(&at);
    }
    if (state->time < header->base_time) {
        return false; /* it wrapped */
    }
    if (item & ITEM_KEY) {
        const uint64_t key = stele__varint_take(&at);
        if (at > end || key > (uint64_t)(end - at)) {
            return false;
        }
        at += key;
        size += stele__varint_size(key * 2 + 1) + STELE_NAME_SUM + key;
    }
    ret_item->has_id_time = (item & ITEM_ID) != 0;
    ret_item->begin = at;
    ret_item->hole_count = 0;
    if (item & ITEM_ID) {
        at += ID_AT;
        size += ID_AT + ID_TIME;
    }
    if ((item & ITEM_HOLES) && !(at = skip_holes(at, end, ret_item))) {
        return false;
    }
    const uint64_t rest = stele__varint_take_steady(&at);
    if (at > end || rest > (uint64_t)(end - at)) {
        return false;
    }
    size += stele__varint_size(state->next - header->first) +
            stele__varint_size((uint64_t)state->time - (uint64_t)header->base_time) +
            stele__varint_size(state->next - 1 - state->synced) + rest +
            ret_item->hole_count * STELE_NAME_SUM;
    ret_item->offset = walk->offset;
    ret_item->end = walk->offset + size;
    ret_item->position = state->next++;
    ret_item->time = state->time;
    ret_item->rest = at;
    ret_item->rest_end = at + rest;
    walk->at = at + rest;
    walk->offset += size;
    return true;
}

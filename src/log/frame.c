/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames.
 *
 *   frame    0  4  size: bytes of the body, at least 1; 0 means that no frame begins here
 *            4  4  seal
 *            8     body
 *
 *   body     1     flags: 1 MANY, 2 KEY; others must be 0
 *            v     count of events, at least 2                       (if MANY)
 *            v     position of the first event - first of the segment
 *            v     time - base time of the segment
 *            v     position of the first event - 1 - synced
 *            name  idempotency key, always in full                   (if KEY)
 *            --    here the header ends
 *            event                                                   (unless MANY)
 *            or, count times:
 *            4     size of what follows the checksum
 *            4     the event's checksum
 *            v     distance from the frame's first byte to this event's size
 *            event
 *
 *   event    1     flags: 1 TOMBSTONE, 2 DERIVED, 4 HAS_TAGS; others must be 0
 *            1     formats: data in the low four bits, metadata in the high four
 *            16    id
 *            v     revision (of a tombstone: the one that the stream's next event would have had)
 *            name  stream
 *            name  type
 *            v     count of tags, at least 1                         (if HAS_TAGS)
 *            name  … each
 *            v     size of the metadata
 *            --    metadata, then data up to the end of the event
 *
 *   name     v     size * 2 + 1, followed by the bytes: the name in full, a *definition*
 *            v     or: offset of its definition in the segment * 2
 *
 * (v: a varint of base/varint.h; numbers are little-endian.)
 *
 * Checksums. h = CRC32C over (seed of the segment, offset of the frame, size) and the header. An
 * event's checksum is CRC32C continued from h over its bytes (from the distance on, if MANY),
 * combined by exclusive or with the rotated CRC32C of every name that stands elsewhere: so a
 * damaged definition is found by whoever refers to it. The seal of a single event is that checksum;
 * of many it is CRC32C continued from h over their checksums. Hence one event of a large commit can
 * be verified alone, with the time and the position in the header.
 */
#include "log/frame.h"

#include "log/canary.h"

#include <inttypes.h>

enum { FRAME_MANY = 1, FRAME_KEY = 2, FRAME_FLAGS = 3 };
enum { EVENT_FLAGS = 7, INNER_PREFIX = 8, FIRST_READ = 4096 };

static uint32_t rotate(uint32_t value, unsigned by)
{
    by &= 31;
    return by ? value << by | value >> (32 - by) : value;
}

/* The part that a name at place `number` in its event takes in the event's checksum. */
static uint32_t mix_name(uint32_t name_crc, unsigned number)
{
    return STELE_CANARY_IS(15) ? 0 : rotate(name_crc, 1 + number * 5);
}

/* What the checksum of a frame's header goes on from. */
static uint32_t place_checksum(const stele__segment *segment, uint64_t offset, uint32_t size)
{
    uint8_t mixed[16];
    stele__store32(mixed, segment->seal_seed);
    stele__store64(mixed + 4, offset);
    stele__store32(mixed + 12, size);
    return stele__crc32c(0, mixed, sizeof mixed);
}

/* ---- reader */

void stele__reader_init(stele__reader *reader, const stele_alloc *alloc)
{
    reader->alloc = alloc;
    reader->segment = NULL;
    reader->next_position = 0;
    reader->frame_buffer = (stele__buffer){.alloc = alloc};
    reader->name_buffer = (stele__buffer){.alloc = alloc};
}

void stele__reader_done(stele__reader *reader)
{
    stele__segment_unref(reader->segment);
    reader->segment = NULL;
    stele__buffer_done(&reader->frame_buffer);
    stele__buffer_done(&reader->name_buffer);
}

void stele__reader_enter(stele__reader *reader, stele__segment *segment)
{
    if (reader->segment != segment) {
        stele__segment_unref(reader->segment);
        reader->segment = stele__segment_ref(segment);
        reader->next_position = 0;
        memset(reader->slots, 0, sizeof reader->slots);
    }
}

/* Bytes being parsed, with the offset of the first of them. */
typedef struct span {
    const uint8_t *at;
    const uint8_t *end;
    const uint8_t *start;
    uint64_t offset;
} span;

static uint64_t offset_of(const span *bytes)
{
    return bytes->offset + (uint64_t)(bytes->at - bytes->start);
}

static bool parse_full_name(span *bytes, size_t size_max, stele_text *ret_name)
{
    uint64_t coded;
    if (!stele__varint_get(&bytes->at, bytes->end, &coded) || !(coded & 1)) {
        return false;
    }
    const uint64_t size = coded >> 1;
    if (size == 0 || size > size_max || size > (uint64_t)(bytes->end - bytes->at)) {
        return false;
    }
    *ret_name = (stele_text){(const char *)bytes->at, (size_t)size};
    bytes->at += size;
    return true;
}

/* A name that stands elsewhere in the segment, if that is not mapped: copied behind the others of
 * this event. */
static stele_status read_name(stele__reader *reader, uint32_t definition, size_t size_max,
                              stele_text *ret_name, bool *ret_good, stele_error *reterr)
{
    enum {
        NAMES_SIZE = 2 * STELE_STREAM_NAME_SIZE_MAX + STELE_EVENT_TAGS_MAX * STELE_TAG_SIZE_MAX + 64
    };
    uint8_t bytes[STELE_STREAM_NAME_SIZE_MAX + STELE_VARINT_SIZE_MAX];
    size_t size;
    reader->name_buffer.size = 0;
    if (!stele__buffer_reserve(&reader->name_buffer, NAMES_SIZE)) {
        return stele__fail_memory(reterr);
    }
    const int error =
        reader->segment->vfs->read(reader->segment->file, definition, bytes, sizeof bytes, &size);
    if (error) {
        return stele__fail_os(reterr, STELE_IO, error, "cannot read %s at offset %" PRIu32,
                              reader->segment->path, definition);
    }
    span parsed = {bytes, bytes + size, bytes, definition};
    *ret_good = parse_full_name(&parsed, size_max, ret_name);
    if (*ret_good) {
        STELE_ASSERT(reader->name_bytes_used + ret_name->size <= NAMES_SIZE);
        uint8_t *copy = reader->name_buffer.data + reader->name_bytes_used;
        memcpy(copy, ret_name->data, ret_name->size);
        reader->name_bytes_used += ret_name->size;
        ret_name->data = (const char *)copy;
    }
    return STELE_OK;
}

static bool map_name(stele__reader *reader, uint32_t definition, size_t size_max,
                     stele_text *ret_name, uint32_t *ret_crc)
{
    stele__name_slot *slot = &reader->slots[definition % STELE_NAME_SLOTS];
    if (slot->definition != definition) {
        const stele__segment *segment = reader->segment;
        span bytes = {segment->map + definition, segment->map + segment->map_size,
                      segment->map + definition, definition};
        stele_text name;
        if (definition >= segment->map_size ||
            !parse_full_name(&bytes, STELE_STREAM_NAME_SIZE_MAX, &name)) {
            return false;
        }
        *slot = (stele__name_slot){definition, stele__crc32c(0, name.data, name.size), name};
    }
    *ret_name = slot->name;
    *ret_crc = slot->crc;
    return slot->name.size <= size_max;
}

/* Parses a name or a reference to one, and mixes the latter into the checksum. */
static stele_status parse_name(stele__reader *reader, span *bytes, size_t size_max, unsigned number,
                               stele_text *ret_name, uint32_t *ret_definition, uint32_t *mixed,
                               bool *ret_good, stele_error *reterr)
{
    const uint64_t here = offset_of(bytes);
    if (bytes->at < bytes->end && (*bytes->at & 1)) {
        *ret_definition = (uint32_t)here;
        *ret_good = parse_full_name(bytes, size_max, ret_name);
        return STELE_OK;
    }
    uint64_t coded;
    *ret_good = stele__varint_get(&bytes->at, bytes->end, &coded) &&
                coded >> 1 >= STELE_SEGMENT_HEADER_SIZE && coded >> 1 < here;
    if (!*ret_good) {
        return STELE_OK;
    }
    *ret_definition = (uint32_t)(coded >> 1);
    uint32_t crc = 0;
    if (reader->segment->map) {
        *ret_good = map_name(reader, *ret_definition, size_max, ret_name, &crc);
    } else {
        STELE_TRY(read_name(reader, *ret_definition, size_max, ret_name, ret_good, reterr));
        if (*ret_good) {
            crc = stele__crc32c(0, ret_name->data, ret_name->size);
        }
    }
    *mixed ^= mix_name(crc, number);
    return STELE_OK;
}

/* Parses the bytes of one event into reader->event. `*mixed` receives what names elsewhere add to
 * its checksum. */
static stele_status parse_event(stele__reader *reader, span *bytes, uint32_t *mixed, bool *ret_good,
                                stele_error *reterr)
{
    stele__event *event = &reader->event;
    stele_record *record = &event->record;
    *mixed = 0;
    *ret_good = false;
    reader->name_bytes_used = 0;
    if (bytes->end - bytes->at < 18 || (bytes->at[0] & ~EVENT_FLAGS)) {
        return STELE_OK;
    }
    event->flags = bytes->at[0];
    record->data_format = (stele_format)(bytes->at[1] & 15);
    record->metadata_format = (stele_format)(bytes->at[1] >> 4);
    memcpy(record->id.bytes, bytes->at + 2, 16);
    bytes->at += 18;
    if (!stele__varint_get(&bytes->at, bytes->end, &event->revision)) {
        return STELE_OK;
    }
    record->revision =
        event->flags & STELE_EVENT_TOMBSTONE ? STELE_REVISION_TOMBSTONE : event->revision;
    bool good;
    STELE_TRY(parse_name(reader, bytes, STELE_STREAM_NAME_SIZE_MAX, 0, &record->stream,
                         &event->stream_definition, mixed, &good, reterr));
    if (!good) {
        return STELE_OK;
    }
    STELE_TRY(parse_name(reader, bytes, STELE_TYPE_SIZE_MAX, 1, &record->type,
                         &event->type_definition, mixed, &good, reterr));
    uint64_t tag_count = 0;
    if (!good || ((event->flags & STELE_EVENT_HAS_TAGS) &&
                  (!stele__varint_get(&bytes->at, bytes->end, &tag_count) || tag_count == 0 ||
                   tag_count > STELE_EVENT_TAGS_MAX))) {
        return STELE_OK;
    }
    for (unsigned i = 0; i < tag_count; i++) {
        STELE_TRY(parse_name(reader, bytes, STELE_TAG_SIZE_MAX, 2 + i, &event->tags[i],
                             &event->tag_definitions[i], mixed, &good, reterr));
        if (!good) {
            return STELE_OK;
        }
    }
    uint64_t metadata_size;
    if (!stele__varint_get(&bytes->at, bytes->end, &metadata_size) ||
        metadata_size > (uint64_t)(bytes->end - bytes->at)) {
        return STELE_OK;
    }
    record->tags = event->tags;
    record->tag_count = (size_t)tag_count;
    record->metadata = (stele_bytes){bytes->at, (size_t)metadata_size};
    record->data = (stele_bytes){bytes->at + metadata_size,
                                 (size_t)(bytes->end - bytes->at) - (size_t)metadata_size};
    bytes->at = bytes->end;
    *ret_good = true;
    return STELE_OK;
}

/* ---- frames */

/* Parses what stands in front of the events. `bytes` spans the frame from its size on, as far as it
 * is at hand. */
static bool parse_header(const stele__segment *segment, const uint8_t *bytes, size_t size,
                         uint64_t offset, stele__frame *ret_frame)
{
    const uint32_t body_size = stele__load32(bytes);
    span at = {bytes + STELE_FRAME_PREFIX, bytes + size, bytes, offset};
    uint64_t count = 1;
    uint64_t position;
    uint64_t time;
    uint64_t lag;
    if (at.at >= at.end) {
        return false;
    }
    const uint8_t flags = *at.at++;
    if ((flags & ~FRAME_FLAGS) ||
        ((flags & FRAME_MANY) && (!stele__varint_get(&at.at, at.end, &count) || count < 2)) ||
        count > STELE_COMMIT_EVENTS_MAX * 2 || !stele__varint_get(&at.at, at.end, &position) ||
        !stele__varint_get(&at.at, at.end, &time) || !stele__varint_get(&at.at, at.end, &lag)) {
        return false;
    }
    *ret_frame = (stele__frame){.offset = offset,
                                .end = offset + STELE_FRAME_PREFIX + body_size,
                                .first = segment->header.first + position,
                                .count = (uint32_t)count,
                                .is_single = !(flags & FRAME_MANY),
                                .start = bytes,
                                .bytes_end = bytes + STELE_FRAME_PREFIX + body_size};
    if (position > STELE_SEGMENT_SIZE_MAX ||
        time > (uint64_t)INT64_MAX - (uint64_t)segment->header.base_time ||
        lag >= ret_frame->first) {
        return false;
    }
    ret_frame->time = segment->header.base_time + (stele_time)time;
    ret_frame->synced = ret_frame->first - 1 - lag;
    if (flags & FRAME_KEY) {
        ret_frame->key_definition = (uint32_t)offset_of(&at);
        if (!parse_full_name(&at, STELE_KEY_SIZE_MAX, &ret_frame->key)) {
            return false;
        }
    }
    ret_frame->events = at.at;
    ret_frame->header_crc = place_checksum(segment, offset, body_size);
    if (!ret_frame->is_single) {
        ret_frame->header_crc = stele__crc32c(ret_frame->header_crc, bytes + STELE_FRAME_PREFIX,
                                              (size_t)(at.at - bytes) - STELE_FRAME_PREFIX);
    }
    return at.at <= ret_frame->bytes_end;
}

/* Checks event number `index` at *at and moves on; its checksum goes to *ret_crc. */
static stele_status check_event(stele__reader *reader, const stele__frame *frame,
                                const uint8_t **at, uint32_t *ret_crc, bool *ret_good,
                                stele_error *reterr)
{
    const uint8_t *from = *at;
    const uint8_t *end = frame->bytes_end;
    *ret_good = false;
    if (!frame->is_single) {
        if (end - from < INNER_PREFIX ||
            stele__load32(from) > (uint64_t)(end - from - INNER_PREFIX)) {
            return STELE_OK;
        }
        end = from + INNER_PREFIX + stele__load32(from);
    }
    span bytes = {from, end, frame->start, frame->offset};
    const uint8_t *checked = frame->start + STELE_FRAME_PREFIX;
    if (!frame->is_single) {
        uint64_t distance;
        bytes.at += INNER_PREFIX;
        checked = bytes.at;
        if (!stele__varint_get(&bytes.at, end, &distance) ||
            distance != (uint64_t)(from - frame->start)) {
            return STELE_OK;
        }
    }
    uint32_t mixed;
    STELE_TRY(parse_event(reader, &bytes, &mixed, ret_good, reterr));
    if (*ret_good) {
        *ret_crc = stele__crc32c(frame->header_crc, checked, (size_t)(end - checked)) ^ mixed;
        *ret_good = frame->is_single || stele__load32(from + 4) == *ret_crc;
        *at = end;
    }
    return STELE_OK;
}

static stele_status check_events(stele__reader *reader, const stele__frame *frame, bool *ret_good,
                                 stele_error *reterr)
{
    const uint8_t *at = frame->events;
    uint32_t seal = frame->header_crc;
    for (uint32_t i = 0; i < frame->count; i++) {
        uint32_t crc;
        STELE_TRY(check_event(reader, frame, &at, &crc, ret_good, reterr));
        if (!*ret_good) {
            return STELE_OK;
        }
        if (frame->is_single) {
            seal = crc;
        } else {
            uint8_t bytes[4];
            stele__store32(bytes, crc);
            seal = stele__crc32c(seal, bytes, sizeof bytes);
        }
    }
    *ret_good = at == frame->bytes_end && seal == stele__load32(frame->start + 4);
    return STELE_OK;
}

static stele_status bad(stele__frame_result *ret_result, const char **ret_why, const char *why)
{
    *ret_result = STELE_FRAME_BAD;
    *ret_why = why;
    return STELE_OK;
}

stele_status stele__frame_read(stele__reader *reader, uint64_t offset, stele_position first,
                               stele__frame *ret_frame, stele__frame_result *ret_result,
                               const char **ret_why, stele_error *reterr)
{
    const stele__segment *segment = reader->segment;
    const uint8_t *bytes;
    size_t size;
    *ret_why = "";
    STELE_TRY(stele__segment_bytes(segment, offset, FIRST_READ, &reader->frame_buffer, &bytes,
                                   &size, reterr));
    if (size == 0) {
        *ret_result = STELE_FRAME_END;
        return STELE_OK;
    }
    if (size < STELE_FRAME_PREFIX) {
        for (size_t i = 0; i < size; i++) {
            if (bytes[i]) {
                return bad(ret_result, ret_why, "the file ends inside a frame");
            }
        }
        *ret_result = STELE_FRAME_END;
        return STELE_OK;
    }
    const uint64_t whole = (uint64_t)STELE_FRAME_PREFIX + stele__load32(bytes);
    if (whole == STELE_FRAME_PREFIX) {
        *ret_result = STELE_FRAME_END;
        return stele__load32(bytes + 4) ? bad(ret_result, ret_why, "a frame without a size")
                                        : STELE_OK;
    }
    if (whole > STELE_FRAME_SIZE_MAX || whole > segment->size - offset) {
        return bad(ret_result, ret_why, "a frame that is longer than its segment");
    }
    if (whole > size) {
        STELE_TRY(stele__segment_bytes(segment, offset, (size_t)whole, &reader->frame_buffer,
                                       &bytes, &size, reterr));
        if (size < whole) {
            return bad(ret_result, ret_why, "the file ends inside a frame");
        }
    }
    if (!parse_header(segment, bytes, (size_t)whole, offset, ret_frame)) {
        return bad(ret_result, ret_why, "a frame whose header makes no sense");
    }
    if (first && ret_frame->first != first) {
        return bad(ret_result, ret_why, "a frame with another position");
    }
    bool good;
    STELE_TRY(check_events(reader, ret_frame, &good, reterr));
    if (!good) {
        return bad(ret_result, ret_why, "a frame whose checksum does not match");
    }
    *ret_result = STELE_FRAME_GOOD;
    return STELE_OK;
}

static void fill_record(stele__event *event, const stele__frame *frame, stele_position position,
                        uint64_t code)
{
    event->record.position = position;
    event->record.time = frame->time;
    event->code = (uint32_t)code;
}

/* Remembers what stands behind an event that was verified. `end`: of its bytes. */
static void note_next(stele__reader *reader, const stele__frame *frame, stele_position position,
                      uint64_t end)
{
    const bool is_last = position - frame->first + 1 == frame->count;
    reader->next_position = position + 1;
    reader->next_code = (uint32_t)(is_last ? frame->end * 2 : end * 2 + 1);
}

stele_status stele__frame_next(stele__reader *reader, const stele__frame *frame, uint32_t index,
                               const uint8_t **at, const stele__event **ret_event,
                               stele_error *reterr)
{
    const uint8_t *from = *at;
    const uint8_t *end = frame->bytes_end;
    span bytes = {from, end, frame->start, frame->offset};
    if (!frame->is_single) {
        uint64_t distance;
        bytes.end = end = from + INNER_PREFIX + stele__load32(from);
        bytes.at += INNER_PREFIX;
        (void)stele__varint_get(&bytes.at, end, &distance);
    }
    uint32_t mixed;
    bool good;
    STELE_TRY(parse_event(reader, &bytes, &mixed, &good, reterr));
    if (!good) {
        return stele__fail(reterr, STELE_CORRUPT, "%s changed while it was read at offset %" PRIu64,
                           reader->segment->path, frame->offset);
    }
    const uint64_t inner = frame->offset + (uint64_t)(from - frame->start);
    fill_record(&reader->event, frame, frame->first + index,
                index ? inner * 2 + 1 : frame->offset * 2);
    *at = end;
    *ret_event = &reader->event;
    return STELE_OK;
}

/* ---- events */

static stele_status damaged(const stele__reader *reader, uint64_t offset, stele_position position,
                            stele_error *reterr)
{
    (void)stele__fail(reterr, STELE_CORRUPT, "event %" PRIu64 " is damaged: %s, offset %" PRIu64,
                      position, reader->segment->path, offset);
    stele__hint(reterr, "restore a backup, or read what is left with `stele export --salvage`");
    return STELE_CORRUPT;
}

/* Lends the header of a frame, and all of the frame if it is wanted whole (or mapped). */
static stele_status load_frame(stele__reader *reader, uint64_t offset, stele_position position,
                               bool is_whole, stele__frame *ret_frame, stele_error *reterr)
{
    const uint8_t *bytes;
    size_t size;
    const stele__segment *segment = reader->segment;
    STELE_TRY(stele__segment_bytes(segment, offset, FIRST_READ, &reader->frame_buffer, &bytes,
                                   &size, reterr));
    if (size < STELE_FRAME_PREFIX + 1) {
        return damaged(reader, offset, position, reterr);
    }
    const uint64_t whole = (uint64_t)STELE_FRAME_PREFIX + stele__load32(bytes);
    if (whole > segment->size - offset) {
        return damaged(reader, offset, position, reterr);
    }
    if (whole > size && (is_whole || segment->map)) {
        STELE_TRY(stele__segment_bytes(segment, offset, (size_t)whole, &reader->frame_buffer,
                                       &bytes, &size, reterr));
    }
    const size_t at_hand = size < whole ? size : (size_t)whole;
    if (!parse_header(segment, bytes, at_hand, offset, ret_frame) ||
        (is_whole && at_hand < whole)) {
        return damaged(reader, offset, position, reterr);
    }
    return STELE_OK;
}

/* Reads the distance to the frame of an event that is not its first, and its size. */
static stele_status read_inner_prefix(stele__reader *reader, stele_position position,
                                      uint64_t offset, uint64_t *ret_frame_offset,
                                      uint32_t *ret_size, stele_error *reterr)
{
    const uint8_t *bytes;
    size_t size;
    uint64_t distance;
    STELE_TRY(stele__segment_bytes(reader->segment, offset, INNER_PREFIX + STELE_VARINT_SIZE_MAX,
                                   &reader->frame_buffer, &bytes, &size, reterr));
    const uint8_t *at = bytes + INNER_PREFIX;
    if (size <= INNER_PREFIX || !stele__varint_get(&at, bytes + size, &distance) ||
        distance > offset || offset - distance < STELE_SEGMENT_HEADER_SIZE) {
        return damaged(reader, offset, position, reterr);
    }
    *ret_frame_offset = offset - distance;
    *ret_size = stele__load32(bytes);
    return STELE_OK;
}

static stele_status read_inner(stele__reader *reader, stele_position position, uint64_t offset,
                               const stele__event **ret_event, stele_error *reterr)
{
    uint64_t frame_offset;
    uint32_t event_size;
    stele__frame frame;
    STELE_TRY(read_inner_prefix(reader, position, offset, &frame_offset, &event_size, reterr));
    STELE_TRY(load_frame(reader, frame_offset, position, 0, &frame, reterr));
    const uint64_t room = frame.end - offset;
    if (frame.is_single || frame.end <= offset || event_size > room - INNER_PREFIX ||
        room < INNER_PREFIX || position < frame.first || position - frame.first >= frame.count) {
        return damaged(reader, offset, position, reterr);
    }
    /* From here on the frame's header is no longer looked at: its bytes may give way to the
     * event's. */
    const uint8_t *bytes;
    size_t size;
    const size_t whole = INNER_PREFIX + event_size;
    STELE_TRY(stele__segment_bytes(reader->segment, offset, whole, &reader->frame_buffer, &bytes,
                                   &size, reterr));
    if (size < whole) {
        return damaged(reader, offset, position, reterr);
    }
    span at = {bytes + INNER_PREFIX, bytes + whole, bytes, offset};
    uint64_t distance;
    uint32_t mixed;
    bool good;
    (void)stele__varint_get(&at.at, at.end, &distance);
    STELE_TRY(parse_event(reader, &at, &mixed, &good, reterr));
    const uint32_t crc = stele__crc32c(frame.header_crc, bytes + INNER_PREFIX, event_size) ^ mixed;
    if (!good || crc != stele__load32(bytes + 4)) {
        return damaged(reader, offset, position, reterr);
    }
    fill_record(&reader->event, &frame, position,
                position == frame.first ? frame_offset * 2 : offset * 2 + 1);
    note_next(reader, &frame, position, offset + whole);
    *ret_event = &reader->event;
    return STELE_OK;
}

/* The first event of a frame: that of a single one is verified with the seal, else with its own
 * checksum. */
static stele_status read_first(stele__reader *reader, stele_position position, uint64_t offset,
                               const stele__event **ret_event, stele_error *reterr)
{
    stele__frame frame;
    STELE_TRY(load_frame(reader, offset, position, false, &frame, reterr));
    if (!frame.is_single) {
        return read_inner(reader, position, offset + (uint64_t)(frame.events - frame.start),
                          ret_event, reterr);
    }
    if (!reader->segment->map) {
        STELE_TRY(load_frame(reader, offset, position, true, &frame, reterr));
    }
    const uint8_t *at = frame.events;
    uint32_t crc;
    bool good;
    STELE_TRY(check_event(reader, &frame, &at, &crc, &good, reterr));
    if (!good || frame.first != position || crc != stele__load32(frame.start + 4)) {
        return damaged(reader, offset, position, reterr);
    }
    fill_record(&reader->event, &frame, position, offset * 2);
    note_next(reader, &frame, position, frame.end);
    *ret_event = &reader->event;
    return STELE_OK;
}

stele_status stele__event_read(stele__reader *reader, stele_position position, uint32_t code,
                               const stele__event **ret_event, stele_error *reterr)
{
    return code & 1 ? read_inner(reader, position, code >> 1, ret_event, reterr)
                    : read_first(reader, position, code >> 1, ret_event, reterr);
}

stele_status stele__event_frame(stele__reader *reader, stele_position position, uint32_t code,
                                stele__frame *ret_frame, stele_error *reterr)
{
    uint64_t offset = code >> 1;
    if (code & 1) {
        uint32_t size;
        STELE_TRY(read_inner_prefix(reader, position, offset, &offset, &size, reterr));
    }
    stele__frame_result result;
    const char *why;
    STELE_TRY(stele__frame_read(reader, offset, 0, ret_frame, &result, &why, reterr));
    if (result != STELE_FRAME_GOOD || position < ret_frame->first ||
        position - ret_frame->first >= ret_frame->count) {
        return damaged(reader, offset, position, reterr);
    }
    return STELE_OK;
}

/* ---- writing */

static uint8_t *put_bytes(uint8_t *to, const void *bytes, size_t size)
{
    if (size) {
        memcpy(to, bytes, size);
    }
    return to + size;
}

static uint64_t encoder_offset(const stele__encoder *encoder)
{
    return encoder->offset + (uint64_t)(encoder->at - encoder->frame);
}

static void put_full_name(stele__encoder *encoder, stele_text name)
{
    encoder->at = stele__varint_put(encoder->at, (uint64_t)name.size * 2 + 1);
    encoder->at = put_bytes(encoder->at, name.data, name.size);
}

/* Writes a name in full the first time, and a reference afterwards. Returns what it mixes into the
 * checksum. */
static uint32_t put_name(stele__encoder *encoder, stele__tail_handle handle, unsigned number)
{
    stele__tail_term *term = stele__tail_at(encoder->tail, handle);
    const stele_text name = stele__tail_name(encoder->tail, term);
    if (!term->definition) {
        term->definition = (uint32_t)encoder_offset(encoder);
        put_full_name(encoder, name);
        return 0;
    }
    encoder->at = stele__varint_put(encoder->at, (uint64_t)term->definition * 2);
    return mix_name(stele__crc32c(0, name.data, name.size), number);
}

void stele__encode_begin(stele__encoder *encoder, const stele__segment *segment, stele__tail *tail,
                         const stele__draft_commit *commit, uint64_t offset, uint8_t *to)
{
    *encoder = (stele__encoder){.segment = segment,
                                .tail = tail,
                                .commit = *commit,
                                .frame = to,
                                .at = to + STELE_FRAME_PREFIX,
                                .offset = offset};
    *encoder->at++ =
        (uint8_t)((commit->count > 1 ? FRAME_MANY : 0) | (commit->key ? FRAME_KEY : 0));
    if (commit->count > 1) {
        encoder->at = stele__varint_put(encoder->at, commit->count);
    }
    encoder->at = stele__varint_put(encoder->at, commit->first - segment->header.first);
    encoder->at =
        stele__varint_put(encoder->at, (uint64_t)(commit->time - segment->header.base_time));
    encoder->at = stele__varint_put(encoder->at, commit->first - 1 - commit->synced);
    if (commit->key) {
        put_full_name(encoder, stele__tail_name(tail, stele__tail_at(tail, commit->key)));
    }
    encoder->events = encoder->at;
}

void stele__encode_event(stele__encoder *encoder, const stele__draft *draft)
{
    const stele_event *event = draft->event;
    uint8_t *begin = encoder->at;
    const uint64_t offset = encoder_offset(encoder);
    uint32_t mixed = 0;
    if (encoder->commit.count > 1) {
        encoder->at = stele__varint_put(begin + INNER_PREFIX, (uint64_t)(begin - encoder->frame));
    }
    *encoder->at++ = (uint8_t)(draft->flags | (draft->tag_count ? STELE_EVENT_HAS_TAGS : 0));
    *encoder->at++ =
        (uint8_t)((unsigned)event->data_format | (unsigned)event->metadata_format << 4);
    encoder->at = put_bytes(encoder->at, draft->id.bytes, 16);
    encoder->at = stele__varint_put(encoder->at, draft->revision);
    mixed ^= put_name(encoder, draft->stream, 0);
    mixed ^= put_name(encoder, draft->type, 1);
    if (draft->tag_count) {
        encoder->at = stele__varint_put(encoder->at, draft->tag_count);
        for (unsigned i = 0; i < draft->tag_count; i++) {
            mixed ^= put_name(encoder, draft->tags[i], 2 + i);
        }
    }
    encoder->at = stele__varint_put(encoder->at, event->metadata.size);
    encoder->at = put_bytes(encoder->at, event->metadata.data, event->metadata.size);
    encoder->at = put_bytes(encoder->at, event->data.data, event->data.size);
    if (encoder->commit.count > 1) {
        /* The checksum goes on from that of the header, which is known only when the frame's size
         * is: see encode_end. */
        stele__store32(begin, (uint32_t)(encoder->at - begin) - INNER_PREFIX);
        stele__store32(begin + 4, mixed);
    } else {
        stele__store32(encoder->frame + 4, mixed);
    }
    stele__tail_add_event(encoder->tail,
                          (uint32_t)(encoder->index ? offset * 2 + 1 : encoder->offset * 2));
    encoder->index++;
}

size_t stele__encode_end(stele__encoder *encoder)
{
    STELE_ASSERT(encoder->index == encoder->commit.count);
    const uint32_t size = (uint32_t)(encoder->at - encoder->frame) - STELE_FRAME_PREFIX;
    const uint8_t *header = encoder->frame + STELE_FRAME_PREFIX;
    const uint32_t place_crc = place_checksum(encoder->segment, encoder->offset, size);
    uint32_t seal;
    if (encoder->commit.count == 1) {
        seal = stele__crc32c(place_crc, header, size) ^ stele__load32(encoder->frame + 4);
    } else {
        const uint32_t header_crc =
            stele__crc32c(place_crc, header, (size_t)(encoder->events - header));
        seal = header_crc;
        for (uint8_t *at = encoder->events; at < encoder->at;) {
            const uint32_t event_size = stele__load32(at);
            const uint32_t crc =
                stele__crc32c(header_crc, at + INNER_PREFIX, event_size) ^ stele__load32(at + 4);
            stele__store32(at + 4, crc);
            seal = stele__crc32c(seal, at + 4, 4);
            at += INNER_PREFIX + event_size;
        }
    }
    stele__store32(encoder->frame, size);
    stele__store32(encoder->frame + 4, seal);
    return (size_t)(encoder->at - encoder->frame);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames: the format, and reading them. encode.c writes them.
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
 *   name     v     size * 2 + 1: the name in full, a *definition*
 *            4     checksum of the name and its place
 *                  the bytes
 *       or   v     size * 2: a reference
 *            v     offset of the bytes of its definition
 *
 * (v: a varint of base/varint.h; numbers are little-endian.)
 *
 * Checksums. h = CRC32C over the header, begun with a mix of the segment's seed, the frame's offset
 * and its size. An event's checksum is CRC32C continued from h over its bytes (from the distance
 * on, if MANY). The seal of a single event is that checksum; of many it is CRC32C continued from h
 * over their checksums. Hence one event of a large commit can be verified alone, with the time and
 * the position in the header. A name that stands elsewhere is verified with the checksum of its
 * definition, unless the reader has verified everything from there to here.
 */
#include "log/frame.h"

#include "log/canary.h"
#include "log/frame_packed.h"

#include <errno.h>
#include <inttypes.h>

/* What reading one event consists of is one piece of code wherever it is done: there is no time for
 * calls. */
#define INLINE static inline __attribute__((always_inline))

enum { FRAME_FLAGS = STELE_FRAME_MANY | STELE_FRAME_KEY, EVENT_FLAGS = 7, FIRST_READ = 4096 };

/* ---- reader */

void stele__reader_init(stele__reader *reader, const stele_alloc *alloc)
{
    reader->alloc = alloc;
    reader->segment = NULL;
    reader->unpacker = NULL;
    reader->window_from = reader->window_to = 0;
    reader->next_position = 0;
    reader->error = 0;
    reader->frame_buffer = (stele__buffer){.alloc = alloc};
    reader->name_buffer = (stele__buffer){.alloc = alloc};
}

void stele__reader_done(stele__reader *reader)
{
    stele__unpacker_free(reader->unpacker);
    reader->unpacker = NULL;
    stele__segment_unref(reader->segment);
    reader->segment = NULL;
    stele__buffer_done(&reader->frame_buffer);
    stele__buffer_done(&reader->name_buffer);
}

void stele__reader_enter(stele__reader *reader, stele__segment *segment)
{
    if (reader->segment != segment) {
        if (reader->unpacker) {
            stele__unpacker_leave(reader->unpacker);
        }
        stele__segment_unref(reader->segment);
        reader->segment = stele__segment_ref(segment);
        reader->window = segment->map;
        reader->window_from = 0;
        reader->window_to = segment->map && segment->size > STELE_SEGMENT_SLACK
                                ? segment->size - STELE_SEGMENT_SLACK
                                : 0;
        reader->next_position = 0;
        reader->many.offset = 0;
        reader->verified_from = reader->verified_to = UINT64_MAX;
        reader->known_stream = reader->known_type = 0;
        reader->type_mask = 0;
        reader->type_word = 1; /* nothing is */
    }
}

/* Before what stands at an offset is verified, and after it was, up to `end`. */
INLINE void begin_verifying(stele__reader *reader, uint64_t offset)
{
    if (offset != reader->verified_to) {
        reader->verified_from = offset;
    }
    reader->verified_to = UINT64_MAX;
}

INLINE void end_verifying(stele__reader *reader, uint64_t end)
{
    reader->verified_to = end;
}

/* Lends bytes of the segment, as stele__segment_bytes(): of a mapped one without a call. */
static inline stele_status lend(stele__reader *reader, uint64_t offset, size_t size,
                                const uint8_t **ret_bytes, size_t *ret_size, stele_error *reterr)
{
    if (offset >= reader->window_from && offset + size <= reader->window_to) {
        *ret_bytes = reader->window + (offset - reader->window_from);
        *ret_size = size;
        return STELE_OK;
    }
    return reader->segment->packed
               ? stele__frame_lend_packed(reader, offset, size, ret_bytes, ret_size, reterr)
               : stele__segment_bytes(reader->segment, offset, size, &reader->frame_buffer,
                                      ret_bytes, ret_size, reterr);
}

/* Lends the beginning of a frame before its size is known: what is in the block, or FIRST_READ
 * bytes. What is mapped is asked for no more than is needed: its file may have been cut behind its
 * last frame since. */
static stele_status lend_first(stele__reader *reader, uint64_t offset, const uint8_t **ret_bytes,
                               size_t *ret_size, stele_error *reterr)
{
    size_t size = reader->segment->map ? STELE_FRAME_PREFIX : FIRST_READ;
    if (reader->segment->packed && offset < reader->segment->size) {
        if (offset < reader->window_from || offset >= reader->window_to) {
            STELE_TRY(stele__frame_unpack(reader, offset, reterr));
        }
        size = (size_t)(reader->window_to - offset);
    }
    return lend(reader, offset, size, ret_bytes, ret_size, reterr);
}

/* ---- parsing
 *
 * What parses answers whether the bytes make sense. It looks whether it has come beyond the end
 * after numbers, not before: STELE_SEGMENT_SLACK bytes more can be read. A name that has to be read
 * from the file and cannot be makes no sense, and leaves its error in the reader: see damaged().
 */

/* Bytes being parsed, with the offset of the first of them. */
typedef struct span {
    const uint8_t *at;
    const uint8_t *end;
    const uint8_t *start;
    uint64_t offset;
} span;

static inline uint64_t offset_of(const span *bytes)
{
    return bytes->offset + (uint64_t)(bytes->at - bytes->start);
}

/* The rest of a name in full, behind its size. */
INLINE bool take_name(const uint8_t **at, const uint8_t *end, uint64_t size, size_t size_max,
                      stele_text *ret_name)
{
    const int64_t left = end - *at - STELE_NAME_SUM;
    if (size - 1 >= size_max || left < 0 || size > (uint64_t)left) {
        return false; /* a size of 0 wraps */
    }
    *ret_name = (stele_text){(const char *)*at + STELE_NAME_SUM, (size_t)size};
    *at += STELE_NAME_SUM + size;
    return true;
}

/* Where names are looked up while an event is parsed; on the parser's stack, so that nothing of it
 * is looked up twice. */
typedef struct lens {
    stele__reader *reader;
    const stele__segment *segment;
    const uint8_t *map; /* NULL: read */
    uint64_t limit;     /* of a mapped segment: so far it can be read with slack behind it */
    uint64_t verified_from;
} lens;

INLINE lens lens_of(stele__reader *reader)
{
    const stele__segment *segment = reader->segment;
    return (lens){reader, segment, segment->map, reader->window_to, reader->verified_from};
}

/* A name that was not verified together with what refers to it. `known`: one that needs no second
 * look. */
INLINE bool look_name_up(const lens *through, uint64_t definition, size_t size, uint64_t *known,
                         stele_text *ret_name)
{
    const uint64_t place = definition << 32 | size;
    if (place == *known) {
        *ret_name = (stele_text){(const char *)through->map + definition, size};
        return true;
    }
    const uint8_t *name = NULL;
    if (definition < STELE_SEGMENT_HEADER_SIZE + STELE_NAME_SUM) {
        return false;
    }
    if (through->map) {
        name = through->map + definition;
    } else if (!stele__frame_read_name(through->reader, definition, size, &name)) {
        return false;
    }
    *ret_name = (stele_text){(const char *)name, size};
    /* Whoever unpacks a name compares its checksum. */
    if (definition < through->verified_from && !through->segment->packed && !STELE_CANARY_IS(15) &&
        stele__name_sum(through->segment, definition, name, size) !=
            stele__load32(name - STELE_NAME_SUM)) {
        return false;
    }
    if (through->map) {
        *known = place;
    }
    return true;
}

/* A name that stands elsewhere, in front of `here`. */
INLINE bool find_name(const lens *through, uint64_t definition, uint64_t size, size_t size_max,
                      uint64_t here, uint64_t *known, stele_text *ret_name)
{
    if (size - 1 >= size_max || definition > here || size > here - definition) {
        return false;
    }
    if (through->map && definition >= through->verified_from) {
        *ret_name = (stele_text){(const char *)through->map + definition, (size_t)size};
        return true;
    }
    return look_name_up(through, definition, (size_t)size, known, ret_name);
}

/* Parses a name or a reference to one. `is_steady`: there are few of its kind. */
INLINE bool parse_name(const lens *through, span *bytes, size_t size_max, bool is_steady,
                       uint64_t *known, stele_text *ret_name, uint32_t *ret_definition)
{
    const uint64_t coded = stele__varint_take_steady(&bytes->at);
    const uint64_t here = offset_of(bytes);
    if (coded & 1) {
        *ret_definition = (uint32_t)here + STELE_NAME_SUM;
        return take_name(&bytes->at, bytes->end, coded >> 1, size_max, ret_name);
    }
    const uint64_t definition =
        is_steady ? stele__varint_take_steady(&bytes->at) : stele__varint_take(&bytes->at);
    *ret_definition = (uint32_t)definition;
    return find_name(through, definition, coded >> 1, size_max, here, known, ret_name);
}

/* Parses the type. Most often it is that of the event before, and the same bytes say so. */
INLINE bool parse_type(const lens *through, span *bytes, stele_text *ret_name,
                       uint32_t *ret_definition)
{
    stele__reader *reader = through->reader;
    const uint8_t *from = bytes->at;
    const uint64_t word = stele__load64(from);
    if (through->map && (word & reader->type_mask) == reader->type_word) {
        *ret_name = reader->type;
        *ret_definition = reader->type_definition;
        bytes->at += reader->type_reference;
        return true;
    }
    if (!parse_name(through, bytes, STELE_TYPE_SIZE_MAX, true, &reader->known_type, ret_name,
                    ret_definition)) {
        return false;
    }
    const size_t size = (size_t)(bytes->at - from);
    if (through->map && through->map + *ret_definition < from && size < sizeof word) {
        reader->type_mask = (UINT64_C(1) << 8 * size) - 1;
        reader->type_word = word & reader->type_mask;
        reader->type_reference = size;
        reader->type = *ret_name;
        reader->type_definition = *ret_definition;
    }
    return true;
}

/* Parses the tags into reader->event, whatever record they belong to. Returns the place behind
 * them; NULL: they make no sense. */
static __attribute__((noinline)) const uint8_t *parse_tags(stele__reader *reader, span bytes,
                                                           stele_record *record)
{
    stele__event *event = &reader->event;
    const lens through = lens_of(reader);
    if (bytes.at > bytes.end) {
        return NULL;
    }
    const uint64_t count = stele__varint_take(&bytes.at);
    if (count == 0 || count > STELE_EVENT_TAGS_MAX) {
        return NULL;
    }
    for (unsigned i = 0; i < count; i++) {
        uint64_t none = 0;
        if (bytes.at > bytes.end || !parse_name(&through, &bytes, STELE_TAG_SIZE_MAX, false, &none,
                                                &event->tags[i], &event->tag_definitions[i])) {
            return NULL;
        }
    }
    record->tag_count = (size_t)count;
    return bytes.at;
}

/* Parses the bytes of one event. */
INLINE bool parse_event(const lens *through, span *bytes, stele_record *ret_record,
                        stele__event_facts *ret_facts)
{
    enum { FIXED = 18 };
    stele__reader *reader = through->reader;
    if (!through->map) {
        reader->name_bytes_used = 0;
    }
    if (bytes->end - bytes->at < FIXED || (bytes->at[0] & ~EVENT_FLAGS)) {
        return false;
    }
    const uint8_t flags = ret_facts->flags = bytes->at[0];
    ret_record->data_format = (stele_format)(bytes->at[1] & 15);
    ret_record->metadata_format = (stele_format)(bytes->at[1] >> 4);
    memcpy(ret_record->id.bytes, bytes->at + 2, 16);
    ret_record->tags = reader->event.tags;
    ret_record->tag_count = 0;
    bytes->at += FIXED;
    ret_facts->revision = stele__varint_take_steady(&bytes->at);
    ret_record->revision =
        flags & STELE_EVENT_TOMBSTONE ? STELE_REVISION_TOMBSTONE : ret_facts->revision;
    if (!parse_name(through, bytes, STELE_STREAM_NAME_SIZE_MAX, false, &reader->known_stream,
                    &ret_record->stream, &ret_facts->stream_definition) ||
        !parse_type(through, bytes, &ret_record->type, &ret_facts->type_definition)) {
        return false;
    }
    if (flags & STELE_EVENT_HAS_TAGS) {
        bytes->at = parse_tags(reader, *bytes, ret_record);
        if (!bytes->at) {
            return false;
        }
    }
    const uint64_t metadata_size = stele__varint_take_steady(&bytes->at);
    const int64_t left = bytes->end - bytes->at;
    if (left < 0 || metadata_size > (uint64_t)left) {
        return false;
    }
    ret_record->metadata = (stele_bytes){bytes->at, (size_t)metadata_size};
    ret_record->data =
        (stele_bytes){bytes->at + metadata_size, (size_t)left - (size_t)metadata_size};
    bytes->at = bytes->end;
    return true;
}

/* Parses the bytes of one event into reader->event. */
static bool parse_own(stele__reader *reader, span *bytes)
{
    const lens through = lens_of(reader);
    return parse_event(&through, bytes, &reader->event.record, &reader->event.facts);
}

/* ---- frames */

/* Parses what stands in front of the events. `bytes` spans the frame from its size on, as far as it
 * is at hand. */
INLINE bool parse_header(const stele__segment *segment, const uint8_t *bytes, size_t size,
                         uint64_t offset, stele__frame *ret_frame)
{
    const uint32_t body_size = stele__load32(bytes);
    const uint8_t *at = bytes + STELE_FRAME_PREFIX;
    const uint8_t *end = bytes + size;
    const uint8_t flags = *at++;
    const uint64_t count = flags & STELE_FRAME_MANY ? stele__varint_take(&at) : 1;
    const uint64_t position = stele__varint_take(&at);
    const uint64_t time = stele__varint_take(&at);
    const uint64_t lag = stele__varint_take(&at);
    *ret_frame = (stele__frame){.offset = offset,
                                .end = offset + STELE_FRAME_PREFIX + body_size,
                                .first = segment->header.first + position,
                                .count = (uint32_t)count,
                                .is_single = !(flags & STELE_FRAME_MANY),
                                .start = bytes,
                                .bytes_end = bytes + STELE_FRAME_PREFIX + body_size};
    if ((flags & ~FRAME_FLAGS) || ((flags & STELE_FRAME_MANY) && count < 2) ||
        count > STELE_COMMIT_EVENTS_MAX * 2 || position > STELE_SEGMENT_SIZE_MAX ||
        time > (uint64_t)INT64_MAX - (uint64_t)segment->header.base_time ||
        lag >= ret_frame->first) {
        return false;
    }
    ret_frame->time = segment->header.base_time + (stele_time)time;
    ret_frame->synced = ret_frame->first - 1 - lag;
    if (flags & STELE_FRAME_KEY) {
        const uint64_t coded = stele__varint_take(&at);
        ret_frame->key_definition = (uint32_t)(offset + (uint64_t)(at - bytes)) + STELE_NAME_SUM;
        if (!(coded & 1) || !take_name(&at, end, coded >> 1, STELE_KEY_SIZE_MAX, &ret_frame->key)) {
            return false;
        }
    }
    if (at > end || at > ret_frame->bytes_end) {
        return false;
    }
    ret_frame->events = at;
    ret_frame->header_crc = stele__frame_place(segment, offset, body_size);
    if (!ret_frame->is_single) {
        ret_frame->header_crc = stele__crc32c(ret_frame->header_crc, bytes + STELE_FRAME_PREFIX,
                                              (size_t)(at - bytes) - STELE_FRAME_PREFIX);
    }
    return true;
}

/* Checks the event at *at and moves on; its checksum goes to *ret_crc. */
INLINE bool check_event(stele__reader *reader, const stele__frame *frame, const uint8_t **at,
                        uint32_t *ret_crc)
{
    const uint8_t *from = *at;
    const uint8_t *end = frame->bytes_end;
    const uint8_t *checked = frame->start + STELE_FRAME_PREFIX;
    span bytes = {from, end, frame->start, frame->offset};
    if (!frame->is_single) {
        uint64_t distance;
        if (end - from < STELE_INNER_PREFIX ||
            stele__load32(from) > (uint64_t)(end - from - STELE_INNER_PREFIX)) {
            return false;
        }
        bytes.end = end = from + STELE_INNER_PREFIX + stele__load32(from);
        bytes.at = checked = from + STELE_INNER_PREFIX;
        if (!stele__varint_get(&bytes.at, end, &distance) ||
            distance != (uint64_t)(from - frame->start)) {
            return false;
        }
    }
    if (!parse_own(reader, &bytes)) {
        return false;
    }
    *ret_crc = stele__crc32c(frame->header_crc, checked, (size_t)(end - checked));
    *at = end;
    return *ret_crc == stele__load32(frame->is_single ? frame->start + 4 : from + 4);
}

static bool check_events(stele__reader *reader, const stele__frame *frame)
{
    const uint8_t *at = frame->events;
    uint32_t seal = frame->header_crc;
    for (uint32_t i = 0; i < frame->count; i++) {
        uint32_t crc;
        if (!check_event(reader, frame, &at, &crc)) {
            return false;
        }
        uint8_t bytes[4];
        stele__store32(bytes, crc);
        seal = frame->is_single ? crc : stele__crc32c(seal, bytes, sizeof bytes);
    }
    return at == frame->bytes_end && seal == stele__load32(frame->start + 4);
}

/* Why a name could not be read, if that was it. */
static stele_status reader_error(stele__reader *reader, stele_error *reterr)
{
    const int error = reader->error;
    reader->error = 0;
    return error ? stele__fail_os(reterr, STELE_IO, error, "cannot read a name in %s",
                                  reader->segment->path)
                 : STELE_OK;
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
    const stele_status lent = lend_first(reader, offset, &bytes, &size, reterr);
    if (lent == STELE_CORRUPT) {
        return bad(ret_result, ret_why, "a packed block that is damaged");
    }
    STELE_TRY(lent);
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
        const stele_status lent_more = lend(reader, offset, (size_t)whole, &bytes, &size, reterr);
        if (lent_more == STELE_CORRUPT) {
            return bad(ret_result, ret_why, "a packed block that is damaged");
        }
        STELE_TRY(lent_more);
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
    /* Every name is verified here, so that what is good can be read alone, too. */
    reader->verified_from = reader->verified_to = UINT64_MAX;
    if (!check_events(reader, ret_frame)) {
        STELE_TRY(reader_error(reader, reterr));
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
        bytes.end = end = from + STELE_INNER_PREFIX + stele__load32(from);
        bytes.at += STELE_INNER_PREFIX;
        (void)stele__varint_get(&bytes.at, end, &distance);
    }
    if (!parse_own(reader, &bytes)) {
        STELE_TRY(reader_error(reader, reterr));
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

static stele_status damaged(stele__reader *reader, uint64_t offset, stele_position position,
                            stele_error *reterr)
{
    STELE_TRY(reader_error(reader, reterr));
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
    STELE_TRY(lend_first(reader, offset, &bytes, &size, reterr));
    if (size < STELE_FRAME_PREFIX) {
        return damaged(reader, offset, position, reterr);
    }
    const uint64_t whole = (uint64_t)STELE_FRAME_PREFIX + stele__load32(bytes);
    if (whole == STELE_FRAME_PREFIX || whole > segment->size - offset) {
        return damaged(reader, offset, position, reterr);
    }
    if (whole > size && (is_whole || segment->map)) {
        STELE_TRY(lend(reader, offset, (size_t)whole, &bytes, &size, reterr));
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
    STELE_TRY(
        lend(reader, offset, STELE_INNER_PREFIX + STELE_VARINT_SIZE_MAX, &bytes, &size, reterr));
    const uint8_t *at = bytes + STELE_INNER_PREFIX;
    if (size <= STELE_INNER_PREFIX || !stele__varint_get(&at, bytes + size, &distance) ||
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
    if (reader->segment->packed && reader->many.offset == frame_offset) {
        frame = reader->many; /* it stands in another block, mostly */
    } else {
        STELE_TRY(load_frame(reader, frame_offset, position, 0, &frame, reterr));
        reader->many = frame;
    }
    const uint64_t room = frame.end - offset;
    if (frame.is_single || frame.end <= offset || event_size > room - STELE_INNER_PREFIX ||
        room < STELE_INNER_PREFIX || position < frame.first ||
        position - frame.first >= frame.count) {
        return damaged(reader, offset, position, reterr);
    }
    /* From here on the frame's header is no longer looked at: its bytes may give way to the
     * event's. */
    const uint8_t *bytes;
    size_t size;
    const size_t whole = STELE_INNER_PREFIX + event_size;
    STELE_TRY(lend(reader, offset, whole, &bytes, &size, reterr));
    if (size < whole) {
        return damaged(reader, offset, position, reterr);
    }
    span at = {bytes + STELE_INNER_PREFIX, bytes + whole, bytes, offset};
    uint64_t distance;
    (void)stele__varint_get(&at.at, at.end, &distance);
    begin_verifying(reader, position == frame.first ? frame_offset : offset);
    if (!parse_own(reader, &at) || stele__crc32c(frame.header_crc, bytes + STELE_INNER_PREFIX,
                                                 event_size) != stele__load32(bytes + 4)) {
        return damaged(reader, offset, position, reterr);
    }
    fill_record(&reader->event, &frame, position,
                position == frame.first ? frame_offset * 2 : offset * 2 + 1);
    end_verifying(reader, offset + whole);
    note_next(reader, &frame, position, offset + whole);
    *ret_event = &reader->event;
    return STELE_OK;
}

/* Reads the event of a mapped frame that has one event and no key: what nearly all reading is.
 * Returns where the frame ends; 0: it is not that, or something is wrong with it, and the general
 * way finds out what. */
INLINE uint64_t read_single(const lens *through, stele_position position, uint64_t offset,
                            stele_record *ret_record, stele__event_facts *ret_facts)
{
    const stele__segment *segment = through->segment;
    if (offset > through->limit) {
        return 0;
    }
    const uint8_t *frame = through->map + offset;
    const uint8_t *body = frame + STELE_FRAME_PREFIX;
    const uint32_t size = stele__load32(frame);
    const uint64_t end = offset + STELE_FRAME_PREFIX + size;
    if (end > through->limit || *body != 0) {
        return 0;
    }
    span bytes = {body + 1, body + size, through->map, 0};
    const uint64_t first = stele__varint_take_steady(&bytes.at);
    const uint64_t time = stele__varint_take_steady(&bytes.at);
    (void)stele__varint_take_steady(&bytes.at); /* what was synced */
    if (segment->header.first + first != position ||
        !parse_event(through, &bytes, ret_record, ret_facts) ||
        stele__crc32c(stele__frame_place(segment, offset, size), body, size) !=
            stele__load32(frame + 4)) {
        return 0;
    }
    ret_record->position = position;
    ret_record->time = segment->header.base_time + (stele_time)time;
    return end;
}

/* Notes that all from `from` (or from where it had begun) to `end` is verified, and that the event
 * at `position` ends there. */
INLINE void note_single(stele__reader *reader, stele_position position, uint64_t end)
{
    end_verifying(reader, end);
    reader->next_position = position + 1;
    reader->next_code = (uint32_t)(end * 2);
}

/* Moves the tags of the record read last from the reader to the batch; there is room. */
static void keep_tags(stele__batch *batch, stele_record *record)
{
    stele_text *to = batch->tags + batch->tag_count;
    memcpy(to, record->tags, record->tag_count * sizeof *to);
    record->tags = to;
    batch->tag_count += record->tag_count;
}

INLINE bool has_room(const stele__batch *batch)
{
    return batch->tag_count <= STELE_BATCH_TAGS - STELE_EVENT_TAGS_MAX;
}

void stele__batch_walk(stele__batch *batch, stele__reader *reader, stele_position position,
                       size_t count_max)
{
    stele__batch_clear(batch);
    if (position != reader->next_position || (reader->next_code & 1)) {
        return;
    }
    if (!reader->segment->map) {
        stele__frame_walk_packed(batch, reader, position, count_max);
        return;
    }
    uint64_t offset = reader->next_code >> 1;
    size_t count = 0;
    begin_verifying(reader, offset);
    const lens through = lens_of(reader);
    if (!through.map) {
        return;
    }
    const size_t wanted = count_max < STELE_BATCH_SIZE ? count_max : STELE_BATCH_SIZE;
    while (count < wanted && has_room(batch)) {
        stele_record *record = &batch->records[count];
        stele__event_facts facts;
        const uint64_t end = read_single(&through, position + count, offset, record, &facts);
        if (end == 0) {
            break;
        }
        if (record->tag_count > 0) {
            keep_tags(batch, record);
        }
        offset = end;
        count++;
    }
    batch->count = count;
    note_single(reader, position + count - 1, offset);
}

/*
 * The first lines of all before the others: each of them is in a page of its own, and to find that
 * in memory takes longer than all that follows, unless several are looked for at the same time.
 */
void stele__event_prefetch(const stele__place *places, size_t count)
{
    enum { LINE = 64, LINES = 5 };
    const uint8_t *first[STELE_BATCH_SIZE];
    STELE_DEBUG_ASSERT(count <= STELE_BATCH_SIZE);
    for (size_t i = 0; i < count; i++) {
        const stele__segment *segment = places[i].segment;
        const uint64_t offset = places[i].code >> 1;
        first[i] = segment->map ? segment->map + offset : NULL;
        __builtin_prefetch(first[i]);
    }
    for (size_t i = 0; i < count; i++) {
        const stele__segment *segment = places[i].segment;
        const uint64_t offset = places[i].code >> 1;
        if (first[i]) {
            stele__segment_will_touch(segment, offset);
        }
        for (uint64_t at = LINE;
             first[i] && at < (uint64_t)LINES * LINE && offset + at < segment->size; at += LINE) {
            __builtin_prefetch(first[i] + at);
        }
    }
}

/* Those of them that stand in the segment of the first, which is not mapped. */
static void gather_packed(stele__batch *batch, stele__reader *reader,
                          const stele_position *positions, const stele__place *places, size_t count)
{
    uint32_t codes[STELE_BATCH_SIZE];
    size_t here = 0;
    for (; here < count && places[here].segment == places[0].segment; here++) {
        codes[here] = places[here].code;
    }
    stele__reader_enter(reader, places[0].segment);
    stele__frame_gather_packed(batch, reader, positions, codes, here);
}

void stele__batch_gather(stele__batch *batch, stele__reader *reader,
                         const stele_position *positions, const stele__place *places, size_t count)
{
    stele__batch_clear(batch);
    if (count > 0 && !places[0].segment->map) {
        gather_packed(batch, reader, positions, places, count);
        return;
    }
    for (size_t i = 0; i < count && has_room(batch) && !(places[i].code & 1); i++) {
        stele_record *record = &batch->records[i];
        stele__event_facts facts;
        const uint64_t offset = places[i].code >> 1;
        if (!places[i].segment->map) {
            return;
        }
        stele__reader_enter(reader, places[i].segment);
        begin_verifying(reader, offset);
        const lens through = lens_of(reader);
        const uint64_t end = read_single(&through, positions[i], offset, record, &facts);
        if (end == 0) {
            return;
        }
        if (record->tag_count > 0) {
            keep_tags(batch, record);
        }
        note_single(reader, positions[i], end);
        batch->count++;
    }
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
    begin_verifying(reader, offset);
    if (!check_event(reader, &frame, &at, &crc) || frame.first != position) {
        return damaged(reader, offset, position, reterr);
    }
    end_verifying(reader, frame.end);
    fill_record(&reader->event, &frame, position, offset * 2);
    note_next(reader, &frame, position, frame.end);
    *ret_event = &reader->event;
    return STELE_OK;
}

stele_status stele__event_read(stele__reader *reader, stele_position position, uint32_t code,
                               const stele__event **ret_event, stele_error *reterr)
{
    if (code & 1) {
        return read_inner(reader, position, code >> 1, ret_event, reterr);
    }
    if (!reader->segment->map) {
        return read_first(reader, position, code >> 1, ret_event, reterr);
    }
    stele__event *event = &reader->event;
    begin_verifying(reader, code >> 1);
    const lens through = lens_of(reader);
    const uint64_t end = read_single(&through, position, code >> 1, &event->record, &event->facts);
    if (end == 0) {
        return read_first(reader, position, code >> 1, ret_event, reterr);
    }
    note_single(reader, position, end);
    event->code = code;
    *ret_event = event;
    return STELE_OK;
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

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as the frames of a segment. The input is pieces of two bytes of size and so many of a
 * frame's body; its size, seal and the checksums of its events are made right (by a reading of the
 * format of its own, so that this is a second opinion on it), and the frames stand one behind the
 * other, so that later ones may refer to names in earlier ones. Whatever a frame says, reading it
 * ends, in bounds; what is good is read alike as a whole and by the event, from a mapping and from
 * a file; and with a bit changed it is not good any more.
 */
#include "fuzz.h"

#include "log/frame.h"

#include <stdlib.h>

enum {
    SEGMENT_BYTES_MAX = 1 << 16,
    HEADER = STELE_SEGMENT_HEADER_SIZE,
    FRAMES_MAX = 64,
    EVENTS_MAX = 2000
};

typedef struct made_segment {
    stele__segment mapped;
    stele__segment read;
    size_t size;
    size_t frame_count;
    uint64_t offsets[FRAMES_MAX];
    uint8_t bytes[SEGMENT_BYTES_MAX];
} made_segment;

static made_segment made;

/* ---- a file table over the bytes ---- */

static int read_bytes(stele_file *file, uint64_t offset, void *ret_bytes, size_t size,
                      size_t *ret_read)
{
    (void)file;
    const size_t left = offset < made.size ? made.size - (size_t)offset : 0;
    *ret_read = size < left ? size : left;
    memcpy(ret_bytes, made.bytes + offset, *ret_read);
    return 0;
}

static const stele_vfs vfs = {.read = read_bytes};
static stele_file only_file = {&vfs};

/* ---- making checksums right ---- */

static const uint8_t *pass_header(const uint8_t *at, const uint8_t *end)
{
    uint64_t value;
    const uint8_t flags = *at++;
    for (int i = flags & 1 ? 0 : 1; i < 4; i++) {
        if (!stele__varint_get(&at, end, &value)) {
            return NULL;
        }
    }
    if (flags & 2) {
        if (!stele__varint_get(&at, end, &value) || (value >> 1) + 4 > (uint64_t)(end - at)) {
            return NULL;
        }
        at += (value >> 1) + 4;
    }
    return at;
}

static void repair(uint8_t *frame, size_t body_size)
{
    const uint8_t *body = frame + STELE_FRAME_PREFIX;
    const uint8_t *end = body + body_size;
    stele__store32(frame, (uint32_t)body_size);
    const uint8_t *events = body_size ? pass_header(body, end) : NULL;
    if (!events) {
        return;
    }
    const uint32_t place =
        stele__frame_place(&made.mapped, (uint64_t)(frame - made.bytes), (uint32_t)body_size);
    const uint32_t header = stele__crc32c(place, body, (size_t)(events - body));
    uint32_t seal = header;
    if (!(body[0] & 1)) {
        seal = stele__crc32c(header, events, (size_t)(end - events));
    }
    for (uint8_t *at = frame + (events - frame); (body[0] & 1) && end - at >= 8;) {
        const uint32_t size = stele__load32(at);
        if (size > (uint64_t)(end - at - 8)) {
            break;
        }
        stele__store32(at + 4, stele__crc32c(header, at + 8, size));
        seal = stele__crc32c(seal, at + 4, 4);
        at += 8 + size;
    }
    stele__store32(frame + 4, seal);
}

/* ---- the segment ---- */

static void make_segment(const uint8_t *data, size_t size)
{
    const stele__segment_header header = {.store = {{1, 2, 3}},
                                          .hash_key = {4, 5},
                                          .number = 6,
                                          .first = 1000,
                                          .base_time = 7000000000};
    made.mapped = (stele__segment){.alloc = stele_alloc_default(), .vfs = &vfs, .file = &only_file};
    static char path[] = "a segment";
    made.mapped.path = path;
    atomic_init(&made.mapped.refs, 1u << 30);
    stele__segment_begin(&made.mapped, &header);
    stele__segment_header_encode(&header, made.bytes);
    made.size = HEADER;
    made.frame_count = 0;
    while (size >= 2 && made.frame_count < FRAMES_MAX) {
        size_t body = (size_t)data[0] | (size_t)(data[1] & 0x1f) << 8;
        data += 2;
        size -= 2;
        body = body < size ? body : size;
        if (made.size + STELE_FRAME_PREFIX + body > SEGMENT_BYTES_MAX) {
            break;
        }
        uint8_t *frame = made.bytes + made.size;
        memcpy(frame + STELE_FRAME_PREFIX, data, body);
        stele__store32(frame + 4, 0);
        made.offsets[made.frame_count++] = made.size;
        made.size += STELE_FRAME_PREFIX + body;
        repair(frame, body);
        data += body;
        size -= body;
    }
    made.mapped.size = made.size;
    made.read = made.mapped;
}

/* Memory of the exact size, so that the sanitizer sees reading beyond it. */
static uint8_t *lend(void)
{
    uint8_t *image = stele__allocate(stele_alloc_default(), made.size);
    STELE_ASSERT(image != NULL);
    memcpy(image, made.bytes, made.size);
    made.mapped.map = image;
    made.mapped.map_size = made.size;
    return image;
}

/* ---- judging ---- */

static bool is_same(const stele__event *a, const stele__event *b)
{
    bool same = a->record.position == b->record.position &&
                a->record.revision == b->record.revision && a->record.time == b->record.time &&
                stele__uuid_equal(&a->record.id, &b->record.id) &&
                stele__text_equal(a->record.stream, b->record.stream) &&
                stele__text_equal(a->record.type, b->record.type) &&
                a->record.data.size == b->record.data.size &&
                (a->record.data.size == 0 ||
                 memcmp(a->record.data.data, b->record.data.data, a->record.data.size) == 0) &&
                a->record.metadata.size == b->record.metadata.size &&
                a->record.tag_count == b->record.tag_count && a->facts.flags == b->facts.flags &&
                a->code == b->code && a->facts.revision == b->facts.revision;
    for (size_t i = 0; same && i < a->record.tag_count; i++) {
        same = stele__text_equal(a->tags[i], b->tags[i]);
    }
    return same;
}

/* By its code, from the mapping and from the file, an event is what it is in its frame. */
static void judge_event(const stele__event *event, stele__reader readers[2])
{
    for (size_t i = 0; i < 2; i++) {
        const stele__event *alone;
        stele__frame frame;
        stele_error error;
        STELE_ASSERT(stele__event_read(&readers[i], event->record.position, event->code, &alone,
                                       &error) == STELE_OK);
        STELE_ASSERT(is_same(event, alone));
        STELE_ASSERT(stele__event_frame(&readers[i], event->record.position, event->code, &frame,
                                        &error) == STELE_OK);
        STELE_ASSERT(event->record.position - frame.first < frame.count);
    }
}

static void judge_frame(stele__reader *reader, stele__reader others[2], const stele__frame *frame)
{
    const uint8_t *at = frame->events;
    stele_error error;
    STELE_ASSERT(frame->end > frame->offset && frame->end <= made.size && frame->count >= 1);
    STELE_ASSERT(frame->synced < frame->first && frame->time >= made.mapped.header.base_time);
    for (uint32_t i = 0; i < frame->count; i++) {
        const stele__event *event;
        STELE_ASSERT(stele__frame_next(reader, frame, i, &at, &event, &error) == STELE_OK);
        STELE_ASSERT(event->record.position == frame->first + i && event->record.stream.size > 0 &&
                     event->record.type.size > 0);
        if (i < EVENTS_MAX) {
            judge_event(event, others);
        }
    }
    STELE_ASSERT(at == frame->bytes_end);
}

/* A good frame with a bit changed is not good. */
static void judge_change(uint64_t offset, uint64_t end, uint32_t choice)
{
    const uint64_t bit = offset * 8 + choice % ((end - offset) * 8);
    stele__reader reader;
    stele__frame frame;
    stele__frame_result result;
    const char *why;
    stele_error error;
    made.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    stele__reader_init(&reader, stele_alloc_default());
    stele__reader_enter(&reader, &made.read);
    STELE_ASSERT(stele__frame_read(&reader, offset, 0, &frame, &result, &why, &error) == STELE_OK);
    STELE_ASSERT(result != STELE_FRAME_GOOD);
    stele__reader_done(&reader);
    made.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    stele__reader readers[3];
    const uint32_t choice = size >= 4 ? stele__load32(data + size - 4) : 0;
    make_segment(data, size);
    uint8_t *image = lend();
    for (size_t i = 0; i < 3; i++) {
        stele__reader_init(&readers[i], stele_alloc_default());
        stele__reader_enter(&readers[i], i == 1 ? &made.read : &made.mapped);
    }
    for (size_t i = 0; i < made.frame_count; i++) {
        stele__frame frames[2];
        stele__frame_result results[2];
        const char *why;
        stele_error error;
        for (size_t k = 0; k < 2; k++) {
            STELE_ASSERT(stele__frame_read(&readers[k], made.offsets[i], 0, &frames[k], &results[k],
                                           &why, &error) == STELE_OK);
        }
        STELE_ASSERT(results[0] == results[1]);
        if (results[0] == STELE_FRAME_GOOD) {
            /* Two more readers, because reading an event moves the views of its reader on. */
            judge_frame(&readers[0], &readers[1], &frames[0]);
            judge_change(frames[0].offset, frames[0].end, choice + (uint32_t)i);
        }
        /* Anything may be asked for. */
        const stele__event *event;
        (void)stele__event_read(&readers[i % 2], 1000 + choice % 100,
                                choice % (uint32_t)(made.size * 2), &event, &error);
    }
    for (size_t i = 0; i < 3; i++) {
        stele__reader_done(&readers[i]);
    }
    stele__release(stele_alloc_default(), image, made.size);
    return 0;
}

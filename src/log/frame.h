/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames: one commit each. Encoding for the writer, scanning for recovery, verification and
 * followers, and reading one event. The format is drawn in src/log/README.md; the invariants it
 * cites as F1 … stand there.
 *
 * An *offset code* is how an index remembers where an event stands: the offset of its frame times
 * two, if it is the frame's first event; else the offset of its own bytes times two, plus one.
 */
#ifndef STELE_LOG_FRAME_H
#define STELE_LOG_FRAME_H

#include "log/packed.h"
#include "log/segment.h"
#include "log/tail.h"

#include <stele/event.h>

/* The most that a frame with no events takes, and that one event takes beside its payload and
 * names. */
enum { STELE_FRAME_OVERHEAD = 80, STELE_EVENT_OVERHEAD = 80, STELE_NAME_OVERHEAD = 8 };

/* Size and seal, in front of everything else; size and checksum in front of an event that is not
 * alone; the checksum in front of a name in full. */
enum { STELE_FRAME_PREFIX = 8, STELE_INNER_PREFIX = 8, STELE_NAME_SUM = 4 };

/* Flags of a frame. */
enum { STELE_FRAME_MANY = 1, STELE_FRAME_KEY = 2 };

/* Frames are never larger; a size that says so is damage. */
#define STELE_FRAME_SIZE_MAX ((uint64_t)512 << 20)

/* What the checksum of a frame of this size goes on from: its place. In one segment no two offsets
 * give the same, since the factor is odd. */
static inline uint32_t stele__frame_place(const stele__segment *segment, uint64_t offset,
                                          uint32_t size)
{
    const uint32_t mixed = size * UINT32_C(0x85ebca6b);
    return segment->seal_seed ^ (uint32_t)offset * UINT32_C(0x9e3779b1) ^
           (mixed << 15 | mixed >> 17);
}

/* The two halves of a product of 128 bits, one over the other. */
static inline uint64_t stele__fold(uint64_t a, uint64_t b)
{
    const unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* The checksum in front of a name in full, by which those who refer to it know that it is whole:
 * of the name and its place. Not a CRC, which would take longer than all else that is done to an
 * event; another name has the same with a chance of 2^-32. */
static inline __attribute__((always_inline)) uint32_t stele__name_sum(const stele__segment *segment,
                                                                      uint64_t offset,
                                                                      const uint8_t *name,
                                                                      size_t size)
{
    const uint8_t *at = name;
    size_t left = size;
    uint64_t sum = (offset << 32 | segment->seal_seed) ^ size;
    uint64_t low = 0;
    uint64_t high = 0;
    for (; left > 16; left -= 16, at += 16) {
        sum = stele__fold(stele__load64(at) ^ sum,
                          stele__load64(at + 8) ^ UINT64_C(0xd6e8feb86659fd93));
    }
    if (left >= 8) {
        low = stele__load64(at);
        high = stele__load64(at + left - 8);
    } else if (left >= 4) {
        low = stele__load32(at);
        high = stele__load32(at + left - 4);
    } else if (left > 0) {
        low = (uint64_t)at[0] << 16 | (uint64_t)at[left / 2] << 8 | at[left - 1];
    }
    sum =
        stele__fold(low ^ sum ^ UINT64_C(0x9e3779b97f4a7c15), high ^ UINT64_C(0xa0761d6478bd642f));
    return (uint32_t)(sum ^ sum >> 32);
}

/* ---- reading ---- */

/* What a frame says before its events. */
typedef struct stele__frame {
    uint64_t offset; /* of its first byte in the segment */
    uint64_t end;    /* of the byte behind it */
    stele_position first;
    uint32_t count;
    stele_time time;
    stele_position synced; /* everything up to here was on stable storage when the frame was made */
    stele_text key;        /* empty: none */
    uint32_t key_definition; /* offset of the key's bytes as a name */
    bool is_single;          /* one event, without a size and checksum of its own */
    uint32_t header_crc;     /* what the checksums of the events go on from; of a single event: with
                                the header, which is in front of it */
    const uint8_t *start;    /* of the frame's bytes */
    const uint8_t *events;   /* where they begin */
    const uint8_t *bytes_end;
} stele__frame;

enum { STELE_EVENT_TOMBSTONE = 1, STELE_EVENT_DERIVED = 2, STELE_EVENT_HAS_TAGS = 4 };

/* What an event says beside the record that users see, and where its names are defined. */
typedef struct stele__event_facts {
    uint8_t flags;
    stele_revision revision; /* as stored: a tombstone has its stream's next one */
    uint32_t stream_definition;
    uint32_t type_definition;
} stele__event_facts;

/* An event. Views lie in the segment's mapping or the reader's buffers. */
typedef struct stele__event {
    stele_record record;
    stele__event_facts facts;
    uint32_t code; /* its offset code */
    uint32_t tag_definitions[STELE_EVENT_TAGS_MAX];
    stele_text tags[STELE_EVENT_TAGS_MAX];
} stele__event;

/*
 * Reads frames and events of one segment after another. Confined to one thread. Zero-initialise,
 * then stele__reader_init(). Views are valid until the reader is used again.
 */
typedef struct stele__reader {
    const stele_alloc *alloc;
    stele__segment *segment; /* a reference */
    /* What of it can be read where it stands, and STELE_SEGMENT_SLACK behind it: all of a mapped
     * segment, a block of a packed one, else nothing. */
    const uint8_t *window;
    uint64_t window_from; /* offset of the first byte */
    uint64_t window_to;
    stele__unpacker *unpacker;  /* owned; NULL: not needed yet */
    stele__frame many;          /* whose event was read last, if it is packed; offset 0: none */
    stele__buffer frame_buffer; /* if the segment is not mapped: the frame or event */
    stele__buffer name_buffer;  /* … and the names of one event */
    size_t name_bytes_used;
    int error; /* errno of a name that could not be read */
    /* What was verified without a gap, up to the event that was read last: names that are defined
     * there are whole. */
    uint64_t verified_from;
    uint64_t verified_to;
    /* Of a mapped segment: names that were verified last, as definition << 32 | size. */
    uint64_t known_stream;
    uint64_t known_type;
    /* Of a mapped segment: the type that was read last, and the bytes that said so, lowest first:
     * so many are looked at, and so many were there. */
    uint64_t type_word;
    uint64_t type_mask;
    size_t type_reference;
    stele_text type;
    uint32_t type_definition;
    /* Where the event behind the one that was read last stands, if it is in this segment; 0: not
     * known. */
    stele_position next_position;
    uint32_t next_code;
    stele__event event;
} stele__reader;

void stele__reader_init(stele__reader *reader, const stele_alloc *alloc);
void stele__reader_done(stele__reader *reader);
/* Takes a reference of its own to the segment. */
void stele__reader_enter(stele__reader *reader, stele__segment *segment);

/* What stands at an offset. */
typedef enum stele__frame_result {
    STELE_FRAME_GOOD = 0,
    STELE_FRAME_END = 1, /* a zero byte, or the end of the file: no frame here */
    STELE_FRAME_BAD = 2  /* bytes that are no whole, unharmed frame with this first position */
} stele__frame_result;

/* Parses the header of the frame at `offset`, whose first event has position `first` (0: whatever
 * it says), and checks the seal and every event's checksum. STELE_OK with *ret_result; `*ret_why`
 * tells what is wrong with a bad one. Failures are STELE_IO and STELE_NO_MEMORY. */
stele_status stele__frame_read(stele__reader *reader, uint64_t offset, stele_position first,
                               stele__frame *ret_frame, stele__frame_result *ret_result,
                               const char **ret_why, stele_error *reterr);

/* Walks over the events of a frame that was read: `*at` begins as frame->events. The checksum was
 * verified by frame_read. */
stele_status stele__frame_next(stele__reader *reader, const stele__frame *frame, uint32_t index,
                               const uint8_t **at, const stele__event **ret_event,
                               stele_error *reterr);

/* Reads one event by its offset code and verifies its checksum (of a commit with one event: the
 * frame's seal). STELE_CORRUPT names segment, offset and position. */
stele_status stele__event_read(stele__reader *reader, stele_position position, uint32_t code,
                               const stele__event **ret_event, stele_error *reterr);

/*
 * Events read ahead of who asked for them: reading many at once hides most of what each one waits
 * for. Only the plain ones come here, each the only one of a mapped frame without a key. Whatever
 * is not plain or not in order ends a batch, and is left to stele__event_read(). The records are
 * valid until batch or reader are used again, as long as their segments are there.
 */
enum { STELE_BATCH_SIZE = 16, STELE_BATCH_TAGS = 2 * STELE_EVENT_TAGS_MAX };

typedef struct stele__batch {
    size_t count;
    size_t tag_count;
    stele_record records[STELE_BATCH_SIZE];
    stele_text tags[STELE_BATCH_TAGS];
} stele__batch;

static inline void stele__batch_clear(stele__batch *batch)
{
    batch->count = batch->tag_count = 0;
}

/* Reads the events from `position` on that follow each other, up to `count_max` of them; it must be
 * the one behind the event that was read last. */
void stele__batch_walk(stele__batch *batch, stele__reader *reader, stele_position position,
                       size_t count_max);
/* Where an event stands. */
typedef struct stele__place {
    stele__segment *segment;
    uint32_t code;
} stele__place;

/* Has memory fetch the events that stand there: they are read soon. */
void stele__event_prefetch(const stele__place *places, size_t count);
/* Reads events wherever they stand, in as many segments as they do if these are mapped, else in
 * that of the first. At most STELE_BATCH_SIZE. */
void stele__batch_gather(stele__batch *batch, stele__reader *reader,
                         const stele_position *positions, const stele__place *places, size_t count);

/* The frame in which the event with this code stands. */
stele_status stele__event_frame(stele__reader *reader, stele_position position, uint32_t code,
                                stele__frame *ret_frame, stele_error *reterr);

/* ---- writing ---- */

/* An event as the sequencer hands it to the encoder: handles into the tail, which knows where names
 * are defined. */
typedef struct stele__draft {
    const stele_event *event;
    stele_uuid id;
    stele_revision revision;
    uint8_t flags;
    stele__tail_handle stream;
    stele__tail_handle type;
    const stele__tail_handle *tags;
    size_t tag_count;
} stele__draft;

typedef struct stele__draft_commit {
    stele_position first;
    stele_time time;
    stele_position synced;
    stele__tail_handle key; /* 0: none */
    size_t count;
} stele__draft_commit;

/* Encodes a frame at `offset` of a segment into `to`, which has room enough (the sum of the
 * constants above and of all names and payloads). Events are fed one by one, so that no array of
 * them is needed. Sets the definitions of names that it writes in full, and adds each event's
 * offset code to the tail (reserve first). */
typedef struct stele__encoder {
    const stele__segment *segment;
    stele__tail *tail;
    stele__draft_commit commit;
    uint8_t *frame;  /* where the frame begins */
    uint8_t *events; /* behind the frame's header */
    uint8_t *at;
    uint64_t offset; /* of the frame in the segment */
    size_t index;    /* of the next event */
} stele__encoder;

void stele__encode_begin(stele__encoder *encoder, const stele__segment *segment, stele__tail *tail,
                         const stele__draft_commit *commit, uint64_t offset, uint8_t *to);
void stele__encode_event(stele__encoder *encoder, const stele__draft *draft);
/* Returns the size of the frame in bytes. */
size_t stele__encode_end(stele__encoder *encoder);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frames of a segment, written again without what follows from the rest: checksums, positions,
 * distances, and times that are those of the frame before. A *block* of frames, or of events of one
 * large frame, is turned back into its bytes without any other block. The format is drawn in
 * model.c.
 */
#ifndef STELE_LOG_MODEL_H
#define STELE_LOG_MODEL_H

#include "log/frame.h"

/* What the next frame is expected to say. */
typedef struct stele__model_state {
    stele_position next; /* its first position */
    stele_time time;
    stele_position synced;
    uint64_t frame; /* offset of the frame whose events go on; 0: none */
    uint32_t header_crc;
} stele__model_state;

/* Writes blocks, one after another. Confined to one thread. */
typedef struct stele__model_writer {
    const stele__segment *segment;
    stele__buffer bytes; /* of the block */
    stele__model_state state;
    uint64_t first_offset; /* of the block in the segment */
    uint64_t offset;       /* behind what it holds */
} stele__model_writer;

void stele__model_init(stele__model_writer *writer, const stele_alloc *alloc,
                       const stele__segment *segment);
void stele__model_done(stele__model_writer *writer);
/* Expects a frame that has been read, as if the ones before it had been added. */
void stele__model_expect(stele__model_writer *writer, const stele__frame *frame);
/* Begins a block behind what was added last, or at a frame that is expected. */
stele_status stele__model_begin(stele__model_writer *writer, uint64_t offset, stele_error *reterr);
/* Adds a frame: all of it, if it has one event (NULL else), or what stands in front of its events.
 * STELE_UNSUPPORTED: no frame that Stele writes follows the one before like this. */
stele_status stele__model_add_frame(stele__model_writer *writer, const stele__frame *frame,
                                    const stele__event *event, stele_error *reterr);
/* Adds an event of the frame of many that was added last, which stands from `from` to `to`. */
stele_status stele__model_add_event(stele__model_writer *writer, const stele__frame *frame,
                                    const uint8_t *from, const uint8_t *to,
                                    const stele__event *event, stele_error *reterr);

/* Turns a block back into the `size` bytes at `offset` of the segment. Behind the block and behind
 * `to` there are STELE_SEGMENT_SLACK bytes more. False: it is none, or not of this size. Whatever
 * is in it, nothing else is touched. */
bool stele__model_restore(const stele__segment *segment, uint64_t offset, const uint8_t *block,
                          size_t block_size, uint8_t *to, size_t size);

/* A frame of one event in a block, which is read without turning it back. */
typedef struct stele__model_item {
    uint64_t offset; /* of the frame in the segment */
    uint64_t end;
    stele_position position;
    stele_time time;
    const uint8_t *begin; /* flags and formats, if has_id_time; else they begin the rest */
    const uint8_t *rest;  /* of the event, names in full without their checksums */
    const uint8_t *rest_end;
    const uint8_t *holes; /* where checksums were: for each what is told in model.c */
    uint64_t hole_count;
    bool has_id_time; /* the first six bytes of the id are the time, … */
} stele__model_item;

enum { STELE_MODEL_ID_TIME = 6 };
/* … in this form. */
void stele__model_id_time(stele_time time, uint8_t to[STELE_MODEL_ID_TIME]);

/* A walk over the items of a block, which has STELE_SEGMENT_SLACK bytes behind it. */
typedef struct stele__model_walk {
    const stele__segment *segment;
    stele__model_state state;
    const uint8_t *at;
    const uint8_t *end;
    uint64_t offset; /* in the segment, of what stands at `at` */
} stele__model_walk;

bool stele__model_open(stele__model_walk *walk, const stele__segment *segment, uint64_t offset,
                       const uint8_t *block, size_t size);
/* False: the block ends here, or something else than a frame of one event stands here. */
bool stele__model_next(stele__model_walk *walk, stele__model_item *ret_item);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stores on a simulated disk for tests that forge their files: small ones of known content, closed
 * in order or killed; hands that change any byte of any file behind the store's back, with right
 * checksums if need be; and judges who say whether what a store answers is right.
 *
 * Every event is a function of its position and its *edition*: what is appended at a position after
 * an earlier event there was dropped has another edition, so that it can be told when dropped bytes
 * come back.
 */
#ifndef STELE_TESTS_CRASH_FORGED_H
#define STELE_TESTS_CRASH_FORGED_H

#include "log/engine.h"
#include "sim/sim_disk.h"
#include "support/test.h"

#include <stele/stele.h>

enum { FORGED_POSITIONS_MAX = 400, FORGED_FRAMES_MAX = 400 };

/* What a store is like before it is harmed. */
typedef enum forged_base {
    FORGED_KILLED = 0,  /* 20 commits, 23 events in one live segment, each on stable storage; the
                           writer was killed */
    FORGED_KILLED_OS,   /* the same, given to the system only: no frame knows anything to be durable
                         */
    FORGED_KILLED_LONG, /* several live segments, none sealed; each commit on stable storage; the
                           writer was killed */
    FORGED_CLOSED,      /* as the first, closed in order */
    FORGED_CLOSED_LONG /* sealed segments with merged and single index files, and a live one; closed
                          in order */
} forged_base;

typedef struct forged_bed {
    sim_clock clock;
    sim_disk *disk;
    const stele_vfs *hands; /* of an observer: to look and to forge */
    stele_options options;  /* of the store, as it is opened next */
    stele_store *store;
    stele_position head; /* of what was appended */
    uint32_t editions[FORGED_POSITIONS_MAX];
} forged_bed;

/* A frame of a segment as it stands in the file. */
typedef struct forged_frame {
    uint64_t offset;
    uint64_t end;
    stele_position first;
    uint32_t count;
} forged_frame;

/* Memory that lives as long as the test. */
forged_bed *forged_new(forged_base base);
/* Frees the disk; nothing may be open. */
void forged_free(forged_bed *bed);

/* ---- using the store ---- */

stele_status forged_open(forged_bed *bed, stele_access access, stele_error *reterr);
void forged_close(forged_bed *bed);
/* The writer is killed between two calls; nothing of what it wrote is lost. */
void forged_kill(forged_bed *bed);
/* Appends one commit with so many events behind the head and expects that to work. */
void forged_append(forged_bed *bed, size_t event_count);
/* The store had to drop what stands behind `head`: what is appended there next is of a new edition.
 */
void forged_drop(forged_bed *bed, stele_position head);
/* Expects the open store to have exactly the events up to `head`, in every way of reading. */
void forged_expect(forged_bed *bed, stele_position head);
/* Expects what can be read in salvage to be right, whatever is missing; returns how many events. */
size_t forged_salvage(forged_bed *bed);
stele_info forged_info(forged_bed *bed);

/* ---- forging ---- */

uint8_t *forged_load(forged_bed *bed, const char *name, size_t *ret_size);
void forged_store(forged_bed *bed, const char *name, const void *bytes, size_t size);
void forged_remove(forged_bed *bed, const char *name);
bool forged_exists(forged_bed *bed, const char *name);
/* XORs one byte. */
void forged_flip(forged_bed *bed, const char *name, uint64_t offset, uint8_t bits);
void forged_write(forged_bed *bed, const char *name, uint64_t offset, const void *bytes,
                  size_t size);
void forged_zero(forged_bed *bed, const char *name, uint64_t offset, uint64_t size);
void forged_cut(forged_bed *bed, const char *name, uint64_t size);
/* A number for the content of all segments and the manifest, zeroes at the end of segments left
 * out: what an opening that refuses must not change. */
uint64_t forged_digest(forged_bed *bed);

/* "0000000003.log"; lives as long as the test. */
const char *forged_log(uint64_t number);
/* The names of the files with an ending, in order; returns how many. */
size_t forged_list(forged_bed *bed, const char *ending, const char *names[], size_t room);
/* The frames of a segment, as far as they are good; returns how many. */
size_t forged_frames(forged_bed *bed, uint64_t number, forged_frame frames[FORGED_FRAMES_MAX]);
/* Changes a field of a segment's header and makes its checksum right. */
void forged_header(forged_bed *bed, uint64_t number, size_t at, const void *bytes, size_t size);
/* Encodes a frame of one event at `position`, as the segment with this header would have it at this
 * offset; returns its size. */
size_t forged_encode(const stele__segment_header *header, uint64_t offset, stele_position position,
                     stele_position synced, uint8_t ret_bytes[1024]);
stele__segment_header forged_read_header(forged_bed *bed, uint64_t number);

/* Reads the manifest, lets `change` change it, and writes it as it was written: twice, with
 * checksums. */
void forged_manifest(forged_bed *bed, void (*change)(stele__manifest *manifest));

#endif

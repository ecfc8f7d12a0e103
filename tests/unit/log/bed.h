/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A segment in memory, made of random commits, beside plain arrays that say what is in it: what the
 * tests of frames, postings and queries compare with. It lies in memory of its exact size, so that
 * the address sanitizer sees a byte that is read beyond it; it is lent as a mapping, or read
 * through a file table that counts the bytes it hands out.
 */
#ifndef STELE_TESTS_LOG_BED_H
#define STELE_TESTS_LOG_BED_H

#include "base/base.h"
#include "log/engine.h"
#include "support/test.h"

enum { BED_NAMES_MAX = 64, BED_TAGS_MAX = STELE_EVENT_TAGS_MAX };

/* What commits are drawn like. Zero: small ones with a bit of everything. */
typedef struct bed_taste {
    size_t events_max;    /* in one commit, at least 1; 0: 5 */
    size_t tags_max;      /* 0: 4 */
    size_t payload_max;   /* bytes of data and of metadata; 0: 60 */
    size_t stream_count;  /* 0: 8, at most BED_NAMES_MAX */
    size_t tag_count;     /* different ones; 0: 12, at most BED_NAMES_MAX */
    size_t name_size_max; /* 0: short names; else some as long as this */
    bool has_no_tombstones;
    bool has_no_keys;
} bed_taste;

/* An event as it was put in. */
typedef struct bed_event {
    stele_position position;
    size_t commit;  /* number of the commit it belongs to */
    uint64_t begin; /* its bytes in the segment, prefix included: of a single one, the frame's */
    uint64_t end;
    uint32_t code;
    uint8_t flags;
    stele_uuid id;
    stele_revision revision; /* of a tombstone: that which the next event would have had */
    size_t stream;           /* numbers into the names of the bed */
    size_t type;
    size_t tags[BED_TAGS_MAX];
    size_t tag_count;
    stele_format data_format;
    stele_format metadata_format;
    stele_bytes data;
    stele_bytes metadata;
} bed_event;

typedef struct bed_commit {
    uint64_t offset;
    uint64_t end;
    uint64_t header_end; /* where the header of the frame ends */
    stele_position first;
    stele_position synced;
    stele_time time;
    size_t event_count;
    size_t first_event; /* number in the bed's events */
    const char *key;    /* NULL: none */
} bed_commit;

/* Names are the same in every bed of one taste, so that several segments make one history. */
/* The image as a file. */
typedef struct bed_file {
    stele_file file;
    struct test_bed *bed;
} bed_file;

typedef struct test_bed {
    bed_taste taste;
    stele__prng prng;
    const char *streams[BED_NAMES_MAX];
    const char *types[BED_NAMES_MAX];
    const char *tags[BED_NAMES_MAX];
    stele_revision revisions[BED_NAMES_MAX]; /* next one of each stream */
    bool is_ended[BED_NAMES_MAX];            /* tombstoned */
    stele__hash_key key;
    stele__segment segment;
    stele__tail *tail;
    stele__buffer bytes; /* header and frames */
    uint8_t *image;      /* the same in memory of its exact size, once lent */
    size_t image_size;
    stele_position next;
    stele_time time;
    bed_event *events;
    size_t event_count;
    size_t event_capacity;
    bed_commit *commits;
    size_t commit_count;
    size_t commit_capacity;
    uint64_t bytes_read; /* through the file table */
    uint64_t reads;
    bed_file lent;
} test_bed;

/* An empty segment. Owned: bed_done(). */
void bed_init(test_bed *bed, const bed_taste *taste, uint64_t seed);
/* An empty segment that goes on where `before` ended. Owned: bed_done(). */
void bed_init_behind(test_bed *bed, const test_bed *before);
void bed_done(test_bed *bed);

/* Adds a commit of so many events (0: as many as the taste says), and returns its number. */
size_t bed_add(test_bed *bed, size_t event_count);
void bed_add_many(test_bed *bed, size_t commit_count);

/* Makes the segment readable as a mapping, or through the file table: the bytes as they are now.
 * Returns it; it stands in the bed. */
stele__segment *bed_lend(test_bed *bed, stele_mapping mapping);

/* Terms of an event, by their names. */
stele_text bed_stream(const test_bed *bed, const bed_event *event);
stele_text bed_type(const test_bed *bed, const bed_event *event);
bool bed_has_tag(const bed_event *event, size_t tag);

/* Expects what was read to be the event as it was put in. */
void bed_expect_event(const test_bed *bed, const bed_event *expected, const stele__event *event);
bool bed_is_event(const test_bed *bed, const bed_event *expected, const stele__event *event);

#endif

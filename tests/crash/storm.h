/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A storm: processes that write a store are killed at random moments, again and again, and after
 * each death the store is opened and everything in it is judged; a process that follows the store
 * lives through all of it.
 *
 * What a writer appends is a function of (life, thread, sequence), so that whoever reads an event
 * can tell whether it is right. A life is the time between two deaths. Before an append a thread
 * announces it, after the answer it acknowledges it, each with a note in a pipe; notes are small
 * enough to be written whole.
 */
#ifndef STELE_TESTS_CRASH_STORM_H
#define STELE_TESTS_CRASH_STORM_H

#include "base/base.h"

#include <stele/stele.h>

#include <stdbool.h>
#include <stdio.h>

enum { STORM_THREADS_MAX = 64, STORM_EVENTS_MAX = 4, STORM_DATA_SIZE_MAX = 24000 };

typedef enum storm_note_kind {
    STORM_ANNOUNCED = 1,
    STORM_ACKNOWLEDGED,
    STORM_SEEN,
    STORM_BROKEN
} storm_note_kind;

typedef struct storm_note {
    uint32_t kind;
    uint32_t thread;
    uint64_t sequence;
    uint64_t position; /* of the last event; STORM_SEEN: of the event */
    uint64_t revision; /* of the last event */
    uint64_t digest;   /* STORM_SEEN: of the event */
} storm_note;

/* What a commit consists of. */
typedef struct storm_commit {
    size_t event_count;
    char streams[STORM_EVENTS_MAX][24];
    stele_uuid ids[STORM_EVENTS_MAX];
    size_t sizes[STORM_EVENTS_MAX];
    stele_durability durability;
} storm_commit;

void storm_commit_make(uint32_t life, uint32_t thread, uint64_t sequence, storm_commit *ret_commit);
/* The payload of an event, of which at most STORM_DATA_SIZE_MAX bytes are filled. */
void storm_fill(const stele_uuid *id, uint8_t *ret_data, size_t size);
/* Who made an event, from its id; false: nobody. */
bool storm_id_parse(const stele_uuid *id, uint32_t *ret_life, uint32_t *ret_thread,
                    uint64_t *ret_sequence, uint32_t *ret_index);
/* A number for all that is in a record. */
uint64_t storm_digest(const stele_record *record);

/* Writes a note; ends the process if the other end is gone. */
void storm_note_write(int fd, const storm_note *note);

/* The lives of the two kinds of children; they return an exit code, if at all. */
int storm_write(const char *folder, uint32_t life, uint32_t threads, int notes);
int storm_follow(const char *folder, int notes);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page that a writer shares with readers in other processes: how far the log is visible, and a
 * word to sleep on. It is never synced and holds nothing that cannot be found in the log: a stale
 * or missing page costs readers polling, no more. A reader who cannot map the page reads it, anew
 * each time he looks.
 *
 * Within one process the same word wakes waiting threads. Internally locked (atomics).
 */
#ifndef STELE_LOG_SHARED_H
#define STELE_LOG_SHARED_H

#include "base/base.h"

#include <stele/sys/vfs.h>

#include <stdatomic.h>

enum { STELE_SHARED_SIZE = 4096 };

/* The page's contents, in the byte order of the machine: it never leaves it. */
typedef struct stele__shared_page {
    char magic[8];     /* "STELEPG1" */
    uint8_t store[16]; /* the store's id, and … */
    uint8_t
        boot_id[16]; /* … the machine's run in which the rest was written: else it means nothing */
    _Atomic uint64_t head;       /* last visible position */
    _Atomic uint64_t answered;   /* last position that was answered before it was written */
    _Atomic uint64_t generation; /* of the manifest */
    _Atomic uint64_t writer;     /* counts openings for writing */
    _Atomic uint32_t word;       /* changes with every publication: sleepers wait on it */
    _Atomic uint32_t sleepers;
} stele__shared_page;

typedef struct stele__shared {
    const stele_vfs *vfs;
    stele__shared_page *page;
    bool is_mapped; /* between processes; else `own` */
    bool is_copied; /* `own` was read from the file: as good as mapped, but nobody wakes who sleeps
                     */
    stele__shared_page own;
} stele__shared;

/* Maps the page in the folder's file "live", which a writer creates. If that cannot be done, a page
 * of the process's own is used, into which a reader copies what the file says. */
void stele__shared_open(stele__shared *shared, const stele_vfs *vfs, const char *path,
                        bool is_writer);
/* A reader who has not mapped the page tries again, or copies it anew. Returns 0; ENOENT if there
 * is no page yet; or why it cannot be read. */
int stele__shared_look(stele__shared *shared, const char *path);
void stele__shared_close(stele__shared *shared);

/* A writer takes the page over. Returns the last position that the writer before him told anybody
 * about in the same run of the machine: as head, or in an answer; 0: none. */
stele_position stele__shared_take(stele__shared *shared, const stele_uuid *store,
                                  const uint8_t boot_id[16]);
/* Whether the page is of this store and this run of the machine; then *ret_head is what was
 * published last. */
bool stele__shared_head(const stele__shared *shared, const stele_uuid *store,
                        const uint8_t boot_id[16], stele_position *ret_head);

/* Notes that an append was answered before it was written. */
void stele__shared_answered(stele__shared *shared, stele_position position);

/* Publishes a head, and wakes who sleeps. */
void stele__shared_publish(stele__shared *shared, stele_position head);
/* The manifest's generation that belongs to the head. */
void stele__shared_set_generation(stele__shared *shared, uint64_t generation);
uint64_t stele__shared_generation(const stele__shared *shared);
/* Wakes everybody, whatever the head. */
void stele__shared_wake(stele__shared *shared);

/* Sleeping without losing a wake-up: take a ticket, look whether there is a reason to sleep, then
 * sleep with the ticket. */
uint32_t stele__shared_ticket(stele__shared *shared);
/* Returns when something was published after the ticket was taken, or `timeout` ns (negative:
 * never) have passed, or for no reason. */
void stele__shared_sleep(stele__shared *shared, uint32_t ticket, int64_t timeout);

#endif

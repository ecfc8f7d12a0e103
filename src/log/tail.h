/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tail: the term index, in memory, of one segment that has no index file yet.
 *
 * One thread at a time adds to it (the holder of the sequencer's lock, or whoever scans a segment);
 * any number of threads read it at the same time without locks. The rules that make this safe:
 *
 * T1  What a handle points to never moves and never goes away while the tail lives.
 *
 * T2  A posting is stored before the term's count that includes it is released; a reader loads the
 * count first (acquire) and looks only at ranks below it. The same holds for offsets and the tail's
 * event count.
 *
 * T3  Tables and directories grow by replacement: the new one is filled, then released; the old one
 * lives as long as the tail. A reader who uses the old one misses only what was added after it
 * started.
 *
 * T4  A term without postings (count 0) exists for the sequencer's convenience and means nothing to
 * readers.
 *
 * T5  Adding is split: interning creates terms and makes room and may fail; posting cannot fail. So
 * a commit either enters the tail whole or not at all.
 *
 * T6  Two terms with equal hashes are two terms: names are kept and compared in full.
 */
#ifndef STELE_LOG_TAIL_H
#define STELE_LOG_TAIL_H

#include "base/base.h"
#include "log/index_file.h"

#include <stdatomic.h>

/* A place in the tail's arena, in units of 8 bytes. 0: none. */
typedef uint32_t stele__tail_handle;

/* What is kept of a stream beside its postings. `base_revision` is set before the first posting and
 * read by whoever sees that (T2). The others belong to the sequencer: under its lock only. */
typedef struct stele__tail_stream {
    stele_revision base_revision; /* of the first posting in this tail: the stream's next revision
                                     when it came here */
    stele_position metadata_position; /* of the newest event in `$$stream`; 0: none */
    stele__tail_handle category;      /* its category's term; 0: none */
    _Atomic uint32_t tombstone;       /* 1 + the rank of the tombstone; 0: none. Any thread */
    bool is_known;                    /* metadata_position and is_truncated_all are right */
    bool is_truncated_all;            /* the newest metadata marks the stream as deleted */
    bool was_tombstoned;              /* the tombstone stands before this tail */
} stele__tail_stream;

typedef struct stele__tail_term {
    uint64_t hash;
    stele__tail_handle name; /* the name's bytes */
    uint16_t name_size;
    uint8_t kind; /* stele__term_kind */
    uint8_t spare;
    uint32_t
        definition; /* where the name stands in full in the segment; 0: nowhere yet. Writer only */
    uint32_t
        reserved;  /* room promised to postings of the commit that is being interned. Writer only */
    uint32_t room; /* postings that fit without another chunk. Writer only */
    uint32_t first;          /* relative position of the first posting */
    stele__tail_handle head; /* first chunk: postings from rank 1 on */
    _Atomic stele__tail_handle last_chunk;
    _Atomic uint32_t last; /* relative position of the last posting */
    _Atomic uint32_t count;
    stele__tail_stream stream[]; /* one, if kind is STELE_TERM_STREAM */
} stele__tail_term;

typedef struct stele__tail stele__tail;

/* `first` is the position of the segment's first event. Owned: free when no reader is left. */
stele_status stele__tail_create(const stele_alloc *alloc, const stele__hash_key *hash_key,
                                stele_position first, stele__tail **ret_tail, stele_error *reterr);
void stele__tail_free(stele__tail *tail);

/* ---- adding: one thread at a time ---- */

/* Finds a term, or creates it, and promises it room for one more posting. STELE_NO_MEMORY: nothing
 * promised. */
stele_status stele__tail_intern(stele__tail *tail, stele__term_kind kind, stele_text name,
                                uint64_t hash, stele__tail_handle *ret_term, stele_error *reterr);
/* As intern, for a term that is known by its handle. */
stele_status stele__tail_promise(stele__tail *tail, stele__tail_handle term, stele_error *reterr);
/* Takes one promise back. */
void stele__tail_withdraw(stele__tail *tail, stele__tail_handle term);
/* Promises room for `count` more events' offsets. */
stele_status stele__tail_reserve_events(stele__tail *tail, size_t count, stele_error *reterr);
/* Uses up one promise: adds a posting. Positions ascend; the same position twice is added once. */
void stele__tail_post(stele__tail *tail, stele__tail_handle term, stele_position position);
/* Adds the offset of the next event. */
void stele__tail_add_event(stele__tail *tail, uint32_t offset);

/* Creates a stream's term without promising room, so that the sequencer can keep something with it.
 */
stele_status stele__tail_touch(stele__tail *tail, stele__term_kind kind, stele_text name,
                               uint64_t hash, stele__tail_handle *ret_term, stele_error *reterr);

/* ---- reading: any thread ---- */

stele_position stele__tail_first(const stele__tail *tail);
/* Events added so far. */
uint32_t stele__tail_event_count(const stele__tail *tail);
/* The offset of an event; `position` must be below first + event count. */
uint32_t stele__tail_offset(const stele__tail *tail, stele_position position);
/* Bytes of memory in use. */
size_t stele__tail_memory(const stele__tail *tail);
size_t stele__tail_term_count(const stele__tail *tail);
/* What has no term here (STELE_ABSENT_…). Of the one who adds, or when nothing is added any more.
 */
uint64_t stele__tail_absent(const stele__tail *tail);

/* NULL (0) if there is no such term. */
stele__tail_handle stele__tail_find_handle(const stele__tail *tail, stele__term_kind kind,
                                           stele_text name, uint64_t hash);
stele__tail_term *stele__tail_find(const stele__tail *tail, stele__term_kind kind, stele_text name,
                                   uint64_t hash);
stele__tail_term *stele__tail_at(const stele__tail *tail, stele__tail_handle term);
stele_text stele__tail_name(const stele__tail *tail, const stele__tail_term *term);
/* The position of its newest posting; 0: it has none. Of the one who adds. */
stele_position stele__tail_last(const stele__tail *tail, const stele__tail_term *term);

/* Access to the postings of a term up to a head. A plain struct; nothing to free. */
typedef struct stele__tail_postings {
    const stele__tail *tail;
    const stele__tail_term *term;
    uint32_t count;           /* postings at or below the head */
    stele__tail_handle chunk; /* the one last looked at; 0: none */
} stele__tail_postings;

void stele__tail_postings_init(stele__tail_postings *postings, const stele__tail *tail,
                               const stele__tail_term *term, stele_position head);
stele_position stele__tail_position_at(stele__tail_postings *postings, uint32_t rank);
/* The lowest rank whose position is at or above `position`; count if there is none. */
uint32_t stele__tail_rank_of(stele__tail_postings *postings, stele_position position);

/* All terms that have a posting at or below `head`, sorted by (kind, name), as an array of handles
 * from `alloc`; `kind` 0: of every kind. Owned: release with `*ret_count *
 * sizeof(stele__tail_handle)`. */
stele_status stele__tail_sorted(const stele__tail *tail, const stele_alloc *alloc, int kind,
                                stele_position head, stele__tail_handle **ret_terms,
                                size_t *ret_count, stele_error *reterr);

/* A hint: the term is used soon. Its name stands right in front of it. */
void stele__tail_prefetch(const stele__tail *tail, stele__tail_handle term);

/* Where a tail looks names up, in a number. With it names can be fetched into the cache by those
 * who have no right to the tail yet, or none any more: nothing is read, and the processor minds no
 * address. */
uint64_t stele__tail_hint(const stele__tail *tail);
void stele__tail_prefetch_name(uint64_t hint, uint64_t hash);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the memory backend is made of. Private to the room.
 *
 * Records stand in chunks that never move, and are immutable once the head has passed them: whoever
 * learned the head under the lock may read every record up to it without the lock. Everything else
 * (terms, their postings, the tables) is guarded by the one lock of the store.
 *
 * M1  Position p is the p-th record; revision r of a stream is the r-th of its postings. A
 * tombstone is the last posting of its stream and not counted in event_count. M2  A term exists for
 * readers when it has postings, or, for a stream, metadata. M3  Appending first takes all memory it
 * needs (draft), then changes the model without being able to fail (publish).
 */
#ifndef STELE_BACKENDS_MEMORY_MODEL_H
#define STELE_BACKENDS_MEMORY_MODEL_H

#include "backends/memory/memory.h"
#include "base/base.h"
#include "core/core.h"

/* Chunk k holds 1,024 << k records, so the directory never has to move. */
#define MEMORY_CHUNK_RECORDS ((uint64_t)1024)
#define MEMORY_CHUNKS 40

/* The one lock is a leaf: nothing else is locked under it. */
#define MEMORY_LOCK_RANK 900

typedef struct memory_store memory_store;
typedef struct memory_term memory_term;

typedef enum memory_kind {
    MEMORY_STREAM,
    MEMORY_CATEGORY,
    MEMORY_TYPE,
    MEMORY_TAG,
    MEMORY_KEY
} memory_kind;

/* What a stream's newest metadata says. */
typedef struct memory_metadata {
    bool is_deleted; /* `$tb` is STELE_TRUNCATE_ALL */
    uint64_t truncate_before;
    uint64_t max_count;      /* 0: none */
    int64_t max_age_seconds; /* 0: none */
} memory_metadata;

/* A name that events are filed under. Its memory lives as long as the store, so views of its name
 * may be lent. */
struct memory_term {
    memory_term *next; /* in the bucket */
    uint64_t hash;
    memory_kind kind;
    stele_text name;
    stele_position *positions; /* ascending; of a key: one, the first given event of its commit */
    size_t count;
    size_t capacity;

    uint64_t event_count; /* streams: postings without the tombstone */
    bool is_tombstoned;
    bool has_metadata; /* streams: `$$name` has events */
    memory_metadata metadata;

    /* Only while an append is being decided and drafted. */
    size_t pending; /* postings that this append will add */
    memory_term *next_touched;
    memory_term *next_fresh; /* made by this append */
    struct memory_target *target;
};

typedef struct memory_record {
    stele_record event; /* what is lent to readers */
    memory_term *stream;
    memory_term *describes;      /* of an event in `$$s`: s */
    memory_metadata metadata;    /* then: what it says */
    uint64_t commit;             /* index into commits */
    stele_position next_same_id; /* in the same stream; 0: none */
    void *payload;
    size_t payload_size;
    bool is_tombstone;
} memory_record;

typedef struct memory_commit {
    stele_position first_given; /* of the events that the caller gave, which are contiguous */
    size_t given_count;
} memory_commit;

/* Where an event id occurs in a stream: a chain through memory_record.next_same_id. The front of
 * the chain is dropped when it leaves the window. */
typedef struct memory_id {
    const memory_term *stream; /* NULL: a free slot */
    stele_uuid id;
    stele_position first;
    stele_position last;
} memory_id;

/* A submission that has been decided and whose completion has not been called yet. */
typedef struct memory_completion memory_completion;

struct memory_store {
    stele_backend backend;
    const stele_alloc *alloc;
    const stele_clock *clock;
    stele_options options;
    stele_uuid id;
    stele__hash_key hash_key;
    stele__mutex lock;
    stele__condition changed; /* the head moved, or a submission was completed or handed in */

    memory_record *chunks[MEMORY_CHUNKS];
    stele_position head;
    memory_commit *commits;
    size_t commit_count;
    size_t commit_capacity;
    memory_term **buckets;
    size_t bucket_count; /* a power of two */
    size_t term_count;
    memory_term *fresh;
    memory_term *touched;
    memory_id *ids;
    size_t id_count;
    size_t id_capacity; /* 0 or a power of two */
    uint64_t bytes;
    uint64_t refusals;

    stele_time clock_seen; /* the pair that a forward jump is measured against */
    int64_t monotonic_seen;
    bool is_clock_reported; /* that it stands behind */

    memory_completion *first_completion;
    memory_completion *last_completion;
    size_t in_flight_bytes;
    uint64_t submitted;
    uint64_t completed;
    bool is_completing;
    bool has_thread;
    bool is_closing;
    stele__thread thread;
};

static inline memory_store *memory_of(stele_backend *backend)
{
    return (memory_store *)(void *)backend;
}

/* ---- terms.c */

/* NULL: there is none. */
memory_term *stele__memory_term_find(const memory_store *store, memory_kind kind, stele_text name);
/* NULL: no memory. A new one is put into store->fresh. */
memory_term *stele__memory_term_make(memory_store *store, memory_kind kind, stele_text name);
/* Removes what stele__memory_term_make() made since the last call of this or of
 * stele__memory_terms_keep(). */
void stele__memory_terms_drop(memory_store *store);
void stele__memory_terms_keep(memory_store *store);
void stele__memory_terms_free(memory_store *store);
/* The index of the first posting at or above `position`. */
size_t stele__memory_term_lower(const memory_term *term, stele_position position);

/* What stands before the first '-', empty if there is none or the name begins with '$' or '-'. */
stele_text stele__memory_category(stele_text stream);
/* "$$s" -> "s"; empty if it is no metadata stream. */
stele_text stele__memory_described(stele_text stream);

memory_record *stele__memory_record(const memory_store *store, stele_position position);
/* The first position in [1, head] whose time is at or after `time`, or head + 1. */
stele_position stele__memory_position_at(const memory_store *store, stele_position head,
                                         stele_time time);

/* The position at which `id` was first seen in the stream within the id window; 0: it was not. */
stele_position stele__memory_id_find(memory_store *store, const memory_term *stream,
                                     const stele_uuid *id);
bool stele__memory_ids_reserve(memory_store *store, size_t more);
void stele__memory_id_add(memory_store *store, memory_record *record);

/* The revision of the first event that a read of the stream shows, by `$tb` and `$maxCount`. */
uint64_t stele__memory_first_visible(const memory_term *stream);
/* Fills everything but what belongs to other kinds. */
void stele__memory_stream_info(const memory_term *stream, stele_stream_info *ret_info);

/* ---- metadata.c */

/* What is no object counts as empty. STELE_NO_MEMORY. */
stele_status stele__memory_metadata_parse(stele_bytes json, memory_metadata *ret_metadata,
                                          stele_error *reterr);
/* The same object with `$tb` set, owned: release with ret_size bytes. STELE_NO_MEMORY. */
stele_status stele__memory_metadata_truncate(const stele_alloc *alloc, stele_bytes json,
                                             uint64_t truncate_before, char **ret_json,
                                             size_t *ret_size, stele_error *reterr);

/* ---- query.c */

/* The lowest (forwards) or highest (backwards) position in [low, high] whose event matches the
 * query; 0: none. */
stele_position stele__memory_query_find(const memory_store *store, const stele_query *query,
                                        stele_position low, stele_position high,
                                        stele_direction direction);

/* ---- append.c, write.c; with the lock held */

typedef struct memory_target {
    memory_term *stream;
    const stele_check *check; /* NULL: none, which is any */
    uint32_t check_index;
    stele_expected expected;
    size_t event_count;      /* of the commit in this stream */
    size_t id_count;         /* of them with an id */
    size_t seen;             /* scratch: how many of them have been looked at */
    size_t known_count;      /* how many ids are known */
    bool is_applied;         /* all of them: a retry */
    bool is_mixed;           /* some of them */
    bool is_recreated;       /* soft-deleted and written */
    const stele_event *last; /* the last event of the commit in this stream */
} memory_target;

stele_status stele__memory_append_locked(memory_store *store, const stele_request *request,
                                         stele_receipt *ret_receipt, stele_error *reterr);
stele_status stele__memory_write(memory_store *store, const stele_request *request,
                                 const memory_target *targets, size_t target_count,
                                 stele_receipt *ret_receipt, stele_error *reterr);

/* ---- The functions of the table. */

stele_status stele__memory_append(stele_backend *backend, const stele_request *request,
                                  stele_receipt *ret_receipt, stele_error *reterr);
stele_status stele__memory_submit(stele_backend *backend, const stele_request *request,
                                  stele_completion done, void *context, stele_error *reterr);
stele_status stele__memory_sync(stele_backend *backend, stele_error *reterr);
stele_status stele__memory_step(stele_backend *backend, int *ret_more, stele_error *reterr);
void stele__memory_complete_all(memory_store *store);

stele_status stele__memory_read_open(stele_backend *backend, const stele_read *read, int must_exist,
                                     stele_backend_cursor **ret_cursor, stele_error *reterr);
const stele_record *stele__memory_read_next(stele_backend_cursor *cursor, stele_error *reterr);
stele_position stele__memory_read_head(const stele_backend_cursor *cursor);
stele_status stele__memory_read_refresh(stele_backend_cursor *cursor, stele_error *reterr);
void stele__memory_read_free(stele_backend_cursor *cursor);

stele_status stele__memory_names_open(stele_backend *backend, const stele_list *list,
                                      stele_backend_names **ret_names, stele_error *reterr);
const stele_name_entry *stele__memory_names_next(stele_backend_names *names, stele_error *reterr);
void stele__memory_names_free(stele_backend_names *names);

#endif

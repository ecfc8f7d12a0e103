/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file stele/cursor.h
 * @brief Reading: a stream, everything, a category, a type, a tag, or a query; both ways; and waiting for more.
 *
 * A cursor or list is confined to one thread at a time (which one may change). It pins what it reads: it sees the store
 * as it was when it was opened (stele_cursor_head()), whatever is appended meanwhile, until stele_cursor_wait() moves
 * it on. It never blocks a writer. One that is kept open keeps files that were merged away, and the index of events
 * that were not sealed when it was opened, in memory beside the budget.
 *
 * A failure to read is final: every later call on the cursor or list answers the same. (To wait in vain, or for a store
 * that is poisoned, is no failure to read.) In a child process after fork() it answers
 * ::STELE_INVALID_FORK and may only be freed.
 */
#ifndef STELE_CURSOR_H
#define STELE_CURSOR_H

#include "store.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct stele_cursor stele_cursor;

/** A point in history. */
typedef enum stele_point_kind {
    STELE_POINT_DEFAULT = 0, /**< from: the beginning forwards, the end backwards; as_of: now */
    STELE_POINT_START = 1,
    STELE_POINT_END = 2,      /**< from, forwards: after the last event; backwards: the last event */
    STELE_POINT_REVISION = 3, /**< reads of one stream only */
    STELE_POINT_POSITION = 4,
    STELE_POINT_TIME = 5
} stele_point_kind;

typedef struct stele_point {
    stele_point_kind kind;
    uint64_t value; /**< a revision, a position, or a ::stele_time cast to uint64_t */
} stele_point;

/** Decides whether a read returns a record, which is borrowed for the call. Called on the reading thread, must not use
 * the cursor. 0: leave it out. */
typedef int (*stele_predicate)(void *context, const stele_record *record);

/**
 * What to read. Zero-initialise: the default is everything, forwards, from the start, without limit. Set at most one of
 * stream, category, event_type, tag and query. Everything is borrowed until stele_read_open() returns, except
 * `predicate_context`, which must live as long as the cursor.
 */
typedef struct stele_read {
    uint32_t version;
    stele_direction direction;
    const char *stream;   /**< applies `$tb`, `$maxCount` and `$maxAge` of the stream as of the head */
    const char *category; /**< what stands before the first '-' of a stream's name; see stele_category() */
    const char *event_type;
    const char *tag;
    const stele_query *query;
    stele_point from; /**< inclusive in both directions. A time: the first event recorded at or after it
                           (forwards), the last one recorded at or before it (backwards) */
    /** Inclusive upper bound: events after it are left out. What the stream's metadata, its deletion or a tombstone
     * hide now is hidden in a read of the past as well (it may be gone): the answer is the same for ever, but for that.
     */
    stele_point as_of;
    uint64_t limit; /**< at most so many records in the life of the cursor; 0: no limit. Counts what the filters let
                       through */
    const char *const *stream_prefixes; /**< any of these, or no filter if stream_prefix_count is 0 */
    size_t stream_prefix_count;
    const char *const *type_prefixes;
    size_t type_prefix_count;
    stele_predicate predicate; /**< applied last */
    void *predicate_context;
} stele_read;

#ifndef __cplusplus
#define STELE_FROM_REVISION(n) ((stele_point){STELE_POINT_REVISION, (uint64_t)(n)})
#define STELE_AT_POSITION(n) ((stele_point){STELE_POINT_POSITION, (uint64_t)(n)})
#define STELE_AT_TIME(t) ((stele_point){STELE_POINT_TIME, (uint64_t)(t)})
#define STELE_AT_START ((stele_point){STELE_POINT_START, 0})
#define STELE_AT_END ((stele_point){STELE_POINT_END, 0})
#endif

/**
 * Opens a cursor as of the present head. Records come in the order of positions, up or down. On success `*ret_cursor`
 * is *owned*: free it with stele_cursor_free() before the store is closed.
 *
 * @param read NULL: everything, forwards.
 * @return ::STELE_OK, also when nothing matches; ::STELE_INVALID, ::STELE_INVALID_NAME, ::STELE_INVALID_LIMIT; for a
 * stream: ::STELE_NOT_FOUND_STREAM, ::STELE_NOT_FOUND_DELETED, ::STELE_DELETED_TOMBSTONE (also for the metadata stream
 * of one that has a tombstone); ::STELE_IO; ::STELE_CORRUPT; ::STELE_NO_MEMORY; and on a handle for reading what stands
 * at the top of store.h. Any thread.
 */
STELE_API STELE_MUST_CHECK stele_status stele_read_open(stele_store *store, const stele_read *read,
                                                        stele_cursor **ret_cursor, stele_error *reterr);

/**
 * The next record, lent until the next call on the cursor; NULL at the end (`reterr->status` is ::STELE_OK) or when
 * reading failed (it is not; without `reterr` the two look alike). Every record's checksum has been verified. The end
 * is answered again and again; so is a failure, which is final.
 *
 * `reterr->status` is one of ::STELE_OK; ::STELE_INVALID (NULL, or ::STELE_INVALID_FORK); ::STELE_IO; ::STELE_CORRUPT
 * (the event, or an index file that only a writer can build again; with ::STELE_SALVAGE damaged events are left out
 * instead); ::STELE_NO_MEMORY. Any thread, but one at a time for one cursor.
 */
STELE_API const stele_record *stele_cursor_next(stele_cursor *cursor, stele_error *reterr);

/** The head position that this cursor is consistent with: what to put into stele_condition.after. 0 for NULL and in a
 * child process. Fails never. Any thread, but one at a time for one cursor. */
STELE_API stele_position stele_cursor_head(const stele_cursor *cursor);

/**
 * At the end of a forward read without `as_of`: waits until events were appended, by whatever process, and lets the
 * cursor go on over them. Returns at once if the head has moved already. What was appended need not match:
 * stele_cursor_next() may answer NULL again. No event is skipped or shown twice, and none before those that were
 * passed, even if new metadata makes it visible. The record lent last is no longer valid. For a stream that does not
 * exist yet, open with stele_follow_open().
 *
 * @param timeout nanoseconds; 0 looks and does not wait, negative (::STELE_FOREVER) waits without limit.
 * @return ::STELE_OK; ::STELE_TIMEOUT (the cursor stays good); ::STELE_DELETED_TOMBSTONE (the stream that is read
 * ended); ::STELE_INVALID (NULL, a backward read, one with `as_of`); ::STELE_IO (also ::STELE_IO_POISONED);
 * ::STELE_CORRUPT; ::STELE_NO_MEMORY; and on a handle for reading what stands at the top of store.h. Any thread, but
 * one at a time for one cursor, and not a completion.
 */
STELE_API STELE_MUST_CHECK stele_status stele_cursor_wait(stele_cursor *cursor, stele_duration timeout,
                                                          stele_error *reterr);

/** As stele_read_open() in all else, but a stream that does not exist or is deleted is no error: its events come when
 * they come. One that has a tombstone still is ::STELE_DELETED_TOMBSTONE. */
STELE_API STELE_MUST_CHECK stele_status stele_follow_open(stele_store *store, const stele_read *read,
                                                          stele_cursor **ret_cursor, stele_error *reterr);

/** Frees a cursor and lets go of what it pinned; the record lent last is gone. NULL is fine. Before the store is
 * closed; any thread. */
STELE_API void stele_cursor_free(stele_cursor *cursor);

/* -------------------------------------------------------------------------------------------------- names ---- */

typedef struct stele_name_list stele_name_list;

typedef enum stele_name_kind {
    STELE_STREAM_NAMES = 0,
    STELE_CATEGORY_NAMES = 1,
    STELE_TYPE_NAMES = 2,
    STELE_TAG_NAMES = 3
} stele_name_kind;

/** What to list. Zero-initialise: all streams. Borrowed for the call. */
typedef struct stele_list {
    uint32_t version;
    stele_name_kind kind;
    const char *prefix;   /**< NULL: any */
    const char *category; /**< streams only; NULL: any */
    const char *after;    /**< names bytewise above this one: for paging; NULL: from the first */
} stele_list;

/** A name with the number of its events, or for a stream with all that stele_stream_describe() tells. Lent until the
 * next call on the list. For other kinds only name, event_count and last_position are set. Deleted streams are listed
 * too. */
typedef stele_stream_info stele_name_entry;

/**
 * Opens a list of names in bytewise order, as of the head. Owned: free with stele_names_free() before the store is
 * closed.
 *
 * @param list NULL: all streams.
 * @return ::STELE_OK, also if there is none; ::STELE_INVALID, ::STELE_INVALID_LIMIT; ::STELE_IO; ::STELE_CORRUPT;
 * ::STELE_NO_MEMORY; and on a handle for reading what stands at the top of store.h. Any thread; the list is confined to
 * one at a time.
 */
STELE_API STELE_MUST_CHECK stele_status stele_names_open(stele_store *store, const stele_list *list,
                                                         stele_name_list **ret_names, stele_error *reterr);

/** The next entry, lent until the next call on the list; NULL at the end or on failure, told apart by `reterr->status`:
 * ::STELE_OK; ::STELE_INVALID; ::STELE_IO; ::STELE_CORRUPT; ::STELE_NO_MEMORY. A failure is final. One thread at a
 * time.
 */
STELE_API const stele_name_entry *stele_names_next(stele_name_list *names, stele_error *reterr);

/** Frees a list; the entry lent last is gone. NULL is fine. Before the store is closed; any thread. */
STELE_API void stele_names_free(stele_name_list *names);

/** The category in a stream's name: the text before the first '-'; empty if there is none, or the name begins with '$'
 * or '-'. A view into `stream`, borrowed as that is. Fails never. Any thread. */
STELE_API stele_text stele_category(stele_text stream);

/** For STELE_CLEANUP(): frees and forgets. Declare it behind the store, so that it goes first. */
static inline void stele_cleanup_cursor(stele_cursor **cursor)
{
    stele_cursor_free(*cursor);
    *cursor = (stele_cursor *)0;
}

/** For STELE_CLEANUP(): frees and forgets. Declare it behind the store, so that it goes first. */
static inline void stele_cleanup_names(stele_name_list **names)
{
    stele_names_free(*names);
    *names = (stele_name_list *)0;
}

#ifdef __cplusplus
}
#endif
#endif

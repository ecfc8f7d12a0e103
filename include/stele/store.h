/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file stele/store.h
 * @brief Opening a store, appending to it, and what belongs to streams: metadata, deletion, tombstones.
 *
 * A ::stele_store is internally locked: any number of threads may use one handle. It must be closed by the process that
 * opened it; after fork() the child's copy answers ::STELE_INVALID_FORK to everything and may only be closed.
 */
#ifndef STELE_STORE_H
#define STELE_STORE_H

#include "error.h"
#include "event.h"
#include "query.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct stele_store stele_store;
struct stele_alloc;
struct stele_vfs;
struct stele_clock;

/* ------------------------------------------------------------------------------------------------ opening ---- */

typedef enum stele_access {
    STELE_READ_WRITE = 0, /**< create the store if there is none */
    STELE_MUST_EXIST = 1, /**< read and write, but do not create */
    STELE_READ_ONLY = 2,  /**< read; another process may be writing. Writes nothing at all */
    STELE_SALVAGE = 3     /**< read what can be read of a damaged store: damaged events are skipped and logged */
} stele_access;

typedef enum stele_mapping {
    STELE_MAP = 0,  /**< lend views into mapped files: fastest; a medium error while reading is a SIGBUS */
    STELE_PREAD = 1 /**< read into buffers: a medium error is ::STELE_IO */
} stele_mapping;

typedef enum stele_background {
    STELE_THREADS = 0,   /**< the store runs what must happen in the background in threads of its own */
    STELE_NO_THREADS = 1 /**< the program calls stele_step() now and then */
} stele_background;

typedef enum stele_log_level { STELE_LOG_NOTICE = 0, STELE_LOG_WARNING = 1, STELE_LOG_ERROR = 2 } stele_log_level;

/** Where the library says what nobody asked about: recoveries, healed indexes, clocks that jump. May be called from any
 * thread that is inside a Stele function; must not call back into the store. `message` is borrowed. */
typedef void (*stele_log_callback)(void *context, stele_log_level level, const char *message);

/**
 * How to open a store. Zero-initialise: every zero is the default. `version` is 0; later versions of the library add
 * fields behind the last one and read them only when `version` says that they are there.
 */
typedef struct stele_options {
    uint32_t version;
    stele_access access;
    stele_durability durability; /**< of appends that do not say; 0: ::STELE_DURABLE_FULL */
    stele_mapping mapping;
    stele_background background;
    size_t memory_bytes;     /**< budget for index tail, caches, buffers; 0: ::STELE_MEMORY_DEFAULT; at least
                                  ::STELE_MEMORY_MIN. Mapped files do not count: the system may drop them */
    size_t commit_bytes_max; /**< 0: ::STELE_COMMIT_SIZE_DEFAULT; at most ::STELE_COMMIT_SIZE_MAX */
    size_t segment_bytes;    /**< 0: 64 MiB. Smaller makes smaller files and more of them; at least 64 KiB */
    stele_log_callback log;  /**< NULL: nobody wants to know */
    void *log_context;
    const struct stele_alloc *alloc; /**< NULL: malloc; must outlive the store (stele/sys/alloc.h) */
    const struct stele_vfs *vfs;     /**< NULL: the operating system's files (stele/sys/vfs.h) */
    const struct stele_clock *clock; /**< NULL: the operating system's clocks (stele/sys/clock.h) */
} stele_options;

/**
 * Opens a store: a folder ("ledger", "file:ledger"), or "memory:" for one that lives as long as its handle.
 *
 * A folder is created if it does not exist (unless `options->access` says otherwise), recovered if its last writer did
 * not close it, and locked: there is one writer at a time, in whatever process. On success `*ret_store` is *owned*:
 * close it with stele_close().
 *
 * @param options NULL for the defaults.
 * @return ::STELE_OK; ::STELE_INVALID; ::STELE_NOT_FOUND; ::STELE_BUSY_LOCKED (a writer has it); ::STELE_CORRUPT (data
 * that was acknowledged is damaged; nothing was changed; the message names file and place); ::STELE_UNSUPPORTED (newer
 * files, a network file system); ::STELE_IO; ::STELE_NO_SPACE; ::STELE_NO_MEMORY. Any thread.
 */
STELE_API STELE_MUST_CHECK stele_status stele_open(const char *url, const stele_options *options,
                                                   stele_store **ret_store, stele_error *reterr);

/**
 * Writes everything that was appended (also what was appended with ::STELE_DURABLE_NONE), completes what is in flight,
 * and frees the handle, whatever it returns. NULL is fine. No cursor may be open and no other thread inside the store.
 */
STELE_API stele_status stele_close(stele_store *store, stele_error *reterr);

/* ---------------------------------------------------------------------------------------------- appending ---- */

/** An expectation about a stream, which the commit may or may not write to. Borrowed for the call. */
typedef struct stele_check {
    const char *stream;
    stele_expected expected;
} stele_check;

/** One failing expectation. `index` is that of the check in the commit; a stream that no check names has check_count +
 * the index of its first event. */
typedef struct stele_violation {
    uint32_t index;
    stele_expected expected;
    stele_expected actual;
} stele_violation;

/** Flags of an append. */
enum {
    /** A retry that is recognised by event ids or a condition must also have the same types, formats, data, metadata
     * and tags; else it is ::STELE_CONFLICT_ID. (A retry recognised by its key is always compared.) */
    STELE_STRICT = 1
};

/** Everything about an append that is seldom needed. Zero-initialise. Borrowed for the call. */
typedef struct stele_append_options {
    uint32_t version;
    uint32_t flags;
    stele_durability durability;
    const stele_condition *conditions; /**< all must hold */
    size_t condition_count;
    const char *key;             /**< idempotency key, kept for ever: a second commit with the same key is answered
                                      with the first one's receipt */
    stele_violation *violations; /**< receives the failing expectations in the order of their index */
    size_t violations_capacity;  /**< how many fit; stele_conflict.violation_count says how many there were */
} stele_append_options;

/**
 * One atomic append to any number of streams. `events` stand in the log in the order given, each in the stream it
 * names. `checks` name each stream at most once; a stream without a check is expected to be ::STELE_ANY.
 */
typedef struct stele_commit {
    const stele_event *events;
    size_t event_count;
    const stele_check *checks;
    size_t check_count;
    const stele_append_options *options; /**< may be NULL */
} stele_commit;

/** What an accepted append became. */
typedef struct stele_receipt {
    stele_position first_position; /**< of the first event given */
    stele_position position;       /**< of the last event given */
    stele_revision revision;       /**< the last revision of the last event's stream */
    stele_time time;
    int already_applied; /**< not 0: this was a retry; the receipt is the original one, nothing was written */
} stele_receipt;

/**
 * Appends events to one stream, all or none.
 *
 * Durable as `options` or the store say before it returns ::STELE_OK, and then visible to every reader. Concurrent
 * calls share flushes (group commit). Order of checks: limits; idempotency key; tombstone; event ids; expectation;
 * conditions.
 *
 * *Idempotency.* A commit whose key is known, or whose event ids are: at an exact revision (or ::STELE_NO_STREAM) n
 * below the last one, the ids equal those stored from n + 1 on; at ::STELE_ANY or ::STELE_EXISTS all ids occur in the
 * stream within the last ::STELE_ID_WINDOW positions; or whose condition is violated by a commit with the same ids in
 * the same order: is not written again, but answered with the original receipt. An event without an id is never known:
 * a commit that has one is no retry by ids, and if others of its events are known, it is a conflict.
 *
 * *Deleted streams.* Appending to a soft-deleted stream recreates it: numbering continues, and the stream's metadata
 * gets the new `$tb` in the same commit.
 *
 * @param stream NUL-terminated. `$all`, `$$` and names that begin with `$$$$` cannot be written.
 * @param options may be NULL. @param ret_receipt may be NULL; written only on success.
 * @return ::STELE_OK; ::STELE_INVALID; ::STELE_CONFLICT (nothing written, no position used; see stele_error.conflict);
 * ::STELE_DELETED; ::STELE_NO_SPACE; ::STELE_IO (if ::STELE_IO_POISONED, whether this append survives is decided when
 * the store is reopened; until then every append fails); ::STELE_NO_MEMORY. Any thread.
 */
STELE_API STELE_MUST_CHECK stele_status stele_append(stele_store *store, const char *stream, stele_expected expected,
                                                     const stele_event *events, size_t event_count,
                                                     const stele_append_options *options, stele_receipt *ret_receipt,
                                                     stele_error *reterr);

/**
 * Appends one commit: events for one or more streams, all or none. Guarantees and errors as stele_append().
 *
 * @param ret_revisions NULL, or room for `event_count` revisions, the one that each event received. (For a retry at
 * ::STELE_ANY or ::STELE_EXISTS: where each id was first seen in the window.)
 */
STELE_API STELE_MUST_CHECK stele_status stele_append_commit(stele_store *store, const stele_commit *commit,
                                                            stele_receipt *ret_receipt, stele_revision *ret_revisions,
                                                            stele_error *reterr);

/**
 * Called once for every accepted submission, in the order of positions for those that were written, on the thread that
 * commits. It may submit, but must not wait for anything or append synchronously. The pointers are borrowed for the
 * call; `receipt` is NULL unless `status` is ::STELE_OK.
 */
typedef void (*stele_completion)(void *context, stele_status status, const stele_receipt *receipt,
                                 const stele_error *error);

/**
 * Hands in a commit and returns without waiting for it. The commit and everything it points to is copied, except
 * `options->violations`, which must be NULL.
 *
 * Submissions of one thread are decided in the order in which they were handed in. Back-pressure: when what is in
 * flight fills its quarter of the memory budget, ::STELE_BUSY_IN_FLIGHT is returned, the completion is not called, and
 * the caller should hand in again after a completion. With ::STELE_NO_THREADS nothing is completed until stele_step(),
 * stele_sync() or stele_close(), or until the store is used synchronously.
 *
 * @return ::STELE_OK (the completion will be called, exactly once, at the latest from stele_close()); ::STELE_INVALID;
 * ::STELE_BUSY; ::STELE_NO_MEMORY (the completion will not be called). Any thread, also a completion.
 */
STELE_API STELE_MUST_CHECK stele_status stele_submit(stele_store *store, const stele_commit *commit,
                                                     stele_completion done, void *context, stele_error *reterr);

/** Returns when everything appended or submitted before the call is on stable storage. Any thread. */
STELE_API STELE_MUST_CHECK stele_status stele_sync(stele_store *store, stele_error *reterr);

/**
 * Does some of the work that threads of the store do otherwise: completes submissions, writes what was appended with
 * ::STELE_DURABLE_NONE, seals segments, builds and merges index files. One bounded piece a call.
 *
 * @param ret_more may be NULL; not 0: there is more to do. Any thread, but one at a time.
 */
STELE_API STELE_MUST_CHECK stele_status stele_step(stele_store *store, int *ret_more, stele_error *reterr);

/** The position of the last visible event; 0 when there is none. Any thread. */
STELE_API STELE_MUST_CHECK stele_status stele_head(stele_store *store, stele_position *ret_head, stele_error *reterr);

/**
 * Returns as soon as the head is above `after`, also when another process appends.
 *
 * @return ::STELE_OK; ::STELE_TIMEOUT; ::STELE_IO. Any thread.
 */
STELE_API STELE_MUST_CHECK stele_status stele_wait(stele_store *store, stele_position after, stele_duration timeout,
                                                   stele_position *ret_head, stele_error *reterr);

/* ------------------------------------------------------------------------------------------------ streams ---- */

/** What is known of a stream. The view is borrowed from whoever lent the struct. */
typedef struct stele_stream_info {
    stele_text name;
    stele_expected state;          /**< last revision, or ::STELE_NO_STREAM (only metadata exists),
                                        ::STELE_IS_DELETED, ::STELE_IS_TOMBSTONED */
    stele_revision last_revision;  /**< of the last event that is no tombstone; meaningful if event_count > 0 */
    stele_revision first_revision; /**< the first that a read shows, by `$tb` and `$maxCount` */
    uint64_t event_count;          /**< events ever appended, tombstone not counted */
    uint64_t visible_count;        /**< by `$tb` and `$maxCount`; `$maxAge` is decided by reading */
    stele_position last_position;  /**< of the last event or the tombstone; 0: none */
    int has_metadata;
} stele_stream_info;

/**
 * Describes one stream. `ret_info->name` is `stream` itself.
 *
 * @return ::STELE_OK, also for deleted and tombstoned streams; ::STELE_NOT_FOUND_STREAM. Any thread.
 */
STELE_API STELE_MUST_CHECK stele_status stele_stream_describe(stele_store *store, const char *stream,
                                                              stele_stream_info *ret_info, stele_error *reterr);

/** A stream's metadata. Owned: empty it with stele_metadata_done(). */
typedef struct stele_metadata {
    int64_t revision;               /**< of the metadata stream; -1: none was ever written, and `json` is empty */
    stele_revision truncate_before; /**< `$tb`, 0 if absent */
    uint64_t max_count;             /**< `$maxCount`, 0 if absent */
    int64_t max_age_seconds;        /**< `$maxAge`, 0 if absent */
    stele_bytes json;               /**< verbatim */
    const struct stele_alloc *alloc;
} stele_metadata;

/**
 * Reads the metadata of a stream (the last event of `$$<stream>`).
 *
 * @return ::STELE_OK, also if there is none; ::STELE_DELETED_TOMBSTONE; ::STELE_NO_MEMORY; ::STELE_IO; ::STELE_CORRUPT.
 * Any thread.
 */
STELE_API STELE_MUST_CHECK stele_status stele_metadata_read(stele_store *store, const char *stream,
                                                            stele_metadata *ret_metadata, stele_error *reterr);

/** Frees what `metadata` owns. NULL and zeroes are fine. */
STELE_API void stele_metadata_done(stele_metadata *metadata);

/**
 * Replaces the metadata of a stream: appends a `$metadata` event to `$$<stream>`. The stream need not exist. Integers
 * are read from `$tb`, `$maxCount` and `$maxAge` (seconds); everything else is kept verbatim. On a soft-deleted stream
 * that has events a second `$metadata` event follows in the same commit, which carries `$tb` = last revision + 1: the
 * stream is empty then, no longer deleted.
 *
 * @param expected of the metadata stream. @param json an object; ::STELE_INVALID if it is none.
 * @return as stele_append(). Any thread.
 */
STELE_API STELE_MUST_CHECK stele_status stele_metadata_write(stele_store *store, const char *stream,
                                                             stele_expected expected, const char *json,
                                                             size_t json_size, const stele_append_options *options,
                                                             stele_receipt *ret_receipt, stele_error *reterr);

/**
 * Soft-deletes a stream: its metadata becomes `{"$tb":9223372036854775807}`. Reads of the stream answer not found; the
 * events stay visible in reads of everything; the next append recreates it. Deleting a deleted stream is fine; deleting
 * one that never existed is ::STELE_CONFLICT_REVISION; a metadata stream cannot be deleted.
 */
STELE_API STELE_MUST_CHECK stele_status stele_delete(stele_store *store, const char *stream, stele_expected expected,
                                                     const stele_append_options *options, stele_receipt *ret_receipt,
                                                     stele_error *reterr);

/**
 * Ends a stream for ever with a tombstone. It can be neither read nor written again. A stream that never existed can be
 * tombstoned at ::STELE_ANY or ::STELE_NO_STREAM.
 */
STELE_API STELE_MUST_CHECK stele_status stele_tombstone(stele_store *store, const char *stream, stele_expected expected,
                                                        const stele_append_options *options, stele_receipt *ret_receipt,
                                                        stele_error *reterr);

/* ---------------------------------------------------------------------------------------------- clean-up ------ */

/** For STELE_CLEANUP(): closes and forgets. */
static inline void stele_cleanup_store(stele_store **store)
{
    (void)stele_close(*store, (stele_error *)0);
    *store = (stele_store *)0;
}

/** For STELE_CLEANUP(): empties. */
static inline void stele_cleanup_metadata(stele_metadata *metadata)
{
    stele_metadata_done(metadata);
}

#if defined(__GNUC__)
/** `STELE_CLEANUP(store) stele_store *s = NULL;` closes `s` at the end of the scope. Also for cursor, names, metadata.
 */
#define STELE_CLEANUP(kind) __attribute__((cleanup(stele_cleanup_##kind)))
#endif

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file stele/store.h
 * @brief Opening a store, appending to it, and what belongs to streams: metadata, deletion, tombstones.
 *
 * A ::stele_store is internally locked: any number of threads may use one handle. It belongs to the process that opened
 * it. After fork() the child's copy answers ::STELE_INVALID_FORK to everything and may only be closed, which frees the
 * handle and leaves the parent's store alone; the memory behind it is lost to the child. The child shares the writer's
 * lock with its parent by inheritance, until it ends or calls exec().
 *
 * A handle opened with ::STELE_READ_ONLY or ::STELE_SALVAGE looks at the files anew when it is asked for the head,
 * opens a cursor or a list, waits, describes or verifies. Each of these calls can therefore also answer ::STELE_IO,
 * ::STELE_NO_MEMORY, ::STELE_UNSUPPORTED_VERSION (a newer library has written meanwhile), ::STELE_CORRUPT (what its
 * writer has published cannot be read, or an index file is damaged) and ::STELE_INVALID_CHECKPOINT (the end of the
 * history that this handle has shown is lost; open the store again and check what you derived from it).
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
    STELE_READ_ONLY = 2,  /**< read; another process may be writing. Writes nothing but, in the file `live`, that it
                               sleeps; a reader who may not write that file looks once a second */
    STELE_SALVAGE = 3     /**< read what can be read of a damaged store: as ::STELE_READ_ONLY, but damaged or missing
                               events are left out and logged, and neither manifest nor index files are needed */
} stele_access;

typedef enum stele_mapping {
    STELE_MAP = 0,  /**< lend views into mapped files: fastest; a medium error while reading is a SIGBUS */
    STELE_PREAD = 1 /**< read into buffers: a medium error is ::STELE_IO. Keeps a descriptor open for each segment and
                         index file, so the limit of open files (RLIMIT_NOFILE) limits the size of the store; opening
                         one more is ::STELE_IO then */
} stele_mapping;

typedef enum stele_background {
    STELE_THREADS = 0,   /**< the store runs what must happen in the background in threads of its own */
    STELE_NO_THREADS = 1 /**< the program calls stele_step() now and then */
} stele_background;

typedef enum stele_log_level { STELE_LOG_NOTICE = 0, STELE_LOG_WARNING = 1, STELE_LOG_ERROR = 2 } stele_log_level;

/** Where the library says what nobody asked about: recoveries, healed indexes, clocks that jump. May be called from any
 * thread that is inside a Stele function, and from the store's own; must not call back into the store. `message` is
 * borrowed for the call. */
typedef void (*stele_log_callback)(void *context, stele_log_level level, const char *message);

/** What becomes of a segment when it is sealed. Appends do not wait for it to be compressed, which takes a second for
 * each 20 to 40 MB. Reading compressed segments takes an eighth of the memory budget, beside what cursors hold. */
typedef enum stele_compression {
    STELE_NO_COMPRESSION = 0, /**< It stays as it is. */
    /** It is compressed, and so are those that were left as they were: to about a third. Reading takes two to four
     * times as long (LZ4). */
    STELE_COMPRESS_FAST = 1,
    /** As that, to a fifth or less; reading single events takes ten times as long and more (zstd). */
    STELE_COMPRESS_SMALL = 2
} stele_compression;

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
    /** The memory that appending may take; 0: ::STELE_MEMORY_DEFAULT; at least ::STELE_MEMORY_MIN. It bounds the index
     * of events that are not sealed yet, the event ids of the last ::STELE_ID_WINDOW positions (3 MiB), appends in
     * flight (a quarter), and the filter made by a merge (a quarter). Not counted: mapped files, which the system may
     * drop; tables of open index files; and what the program holds open: a cursor or list keeps the index of unsealed
     * events as it was, and a buffer for what it reads. Nothing but a submission is refused for the
     * budget's sake. A store in memory bounds submissions with it, and keeps all its events besides. */
    size_t memory_bytes;
    size_t commit_bytes_max; /**< 0: ::STELE_COMMIT_SIZE_DEFAULT; at most ::STELE_COMMIT_SIZE_MAX */
    size_t segment_bytes;    /**< 0: 64 MiB. Smaller makes smaller files and more of them; 64 KiB to 512 MiB, what is
                                  above counts as that. A commit that is larger gets a segment of its size */
    /** Whether sealed segments are compressed, in the background or by stele_step() and stele_close(). Any handle reads
     * both kinds, so it may be another one each time. ::STELE_UNSUPPORTED if the library was built without. A store in
     * memory ignores it. */
    stele_compression compression;
    stele_log_callback log; /**< NULL: nobody wants to know */
    void *log_context;
    const struct stele_alloc *alloc; /**< NULL: malloc; must outlive the store (stele/sys/alloc.h) */
    const struct stele_vfs *vfs;     /**< NULL: the operating system's files (stele/sys/vfs.h) */
    const struct stele_clock *clock; /**< NULL: the operating system's clocks (stele/sys/clock.h) */
} stele_options;

/**
 * Opens a store: a folder ("ledger", "file:ledger"), or "memory:" for one that lives as long as its handle.
 *
 * A folder is created if it does not exist (unless `options->access` says otherwise; the folder above it must exist),
 * recovered if its last writer did not close it, and locked: there is one writer at a time, in whatever process. When
 * it returns ::STELE_OK, everything that was recovered is on stable storage. On success `*ret_store` is *owned*: close
 * it with stele_close(). A store in memory can only be opened with ::STELE_READ_WRITE.
 *
 * @param url NUL-terminated; borrowed for the call. "a:b" is a folder only as "./a:b".
 * @param options NULL for the defaults. Borrowed for the call, but alloc, vfs, clock and log_context must outlive the
 * store.
 * @return ::STELE_OK; ::STELE_INVALID; ::STELE_INVALID_LIMIT; ::STELE_NOT_FOUND (no folder above it) or
 * ::STELE_NOT_FOUND_STORE; ::STELE_BUSY_LOCKED (a writer has it); ::STELE_CORRUPT (data that was acknowledged is
 * damaged; nothing was changed; the message names file and place); ::STELE_CORRUPT_INDEX (only for reading: a writer
 * builds index files again); ::STELE_UNSUPPORTED (no such scheme), ::STELE_UNSUPPORTED_VERSION (newer files),
 * ::STELE_UNSUPPORTED_FILE_SYSTEM; ::STELE_IO; ::STELE_NO_SPACE; ::STELE_NO_MEMORY. Any thread.
 */
STELE_API STELE_MUST_CHECK stele_status stele_open(const char *url, const stele_options *options,
                                                   stele_store **ret_store, stele_error *reterr);

/**
 * Writes everything that was appended (also what was appended with ::STELE_DURABLE_NONE), syncs it, completes what is
 * in flight, seals, and frees the handle and lets go of the lock, whatever it returns. With ::STELE_OK everything that
 * was accepted is on stable storage. NULL is fine, and so is the copy of a handle in a child process, where nothing is
 * written.
 *
 * All cursors and lists of the store must have been freed, and no other thread may be inside the store or enter it. Not
 * from a completion, a predicate or the log callback. Any thread; taken: the handle is gone afterwards.
 *
 * @return ::STELE_OK; ::STELE_IO (an append had failed before, ::STELE_IO_POISONED, or writing fails now),
 * ::STELE_NO_SPACE, ::STELE_NO_MEMORY: the next opening for writing recovers the store, without what was not yet
 * durable.
 */
STELE_API stele_status stele_close(stele_store *store, stele_error *reterr);

/* ---------------------------------------------------------------------------------------------- appending ---- */

/** An expectation about a stream, which the commit may or may not write to. Borrowed for the call. */
typedef struct stele_check {
    const char *stream;
    stele_expected expected;
} stele_check;

/** One failing expectation. `index` is that of the check in the commit; a stream that no check names has check_count +
 * the index of its first event. The index leads to the stream's name. */
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
    stele_violation *violations; /**< receives the failing expectations in the order of their index; only written when
                                      an append is refused for one */
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
 * Durable as `options` or the store say before it returns ::STELE_OK, and then visible to every reader; at
 * ::STELE_DURABLE_NONE it is decided before it returns, and visible when it was written. Order: positions are given in
 * the order in which appends are decided, without gaps, and one becomes visible only after all before it. Concurrent
 * calls share flushes (group commit). Order of checks: limits; idempotency key; tombstone; event ids; expectation;
 * conditions.
 *
 * *Idempotency.* A commit whose key is known, or whose event ids are: at an exact revision (or ::STELE_NO_STREAM) n
 * below the last one, the ids equal those stored from n + 1 on; at ::STELE_ANY or ::STELE_EXISTS all ids occur in the
 * stream within the last ::STELE_ID_WINDOW positions; or whose condition is violated by a commit with the same ids in
 * the same order: is not written again, but answered with the original receipt. An event without an id is never known:
 * a commit that has one is no retry by ids, and if others of its events are known in the window, it is
 * ::STELE_CONFLICT_REVISION, so that nothing is lost silently. Give all events of a commit ids, or give it a key.
 *
 * *Deleted streams.* Appending to a soft-deleted stream recreates it: numbering continues, and the stream's metadata
 * gets the new `$tb` in the same commit.
 *
 * @param stream NUL-terminated. `$all`, `$$` and names that begin with `$$$$` cannot be written.
 * @param events at least one; all that it points to is borrowed for the call.
 * @param options may be NULL. @param ret_receipt may be NULL; written only on success.
 * @return ::STELE_OK; ::STELE_INVALID, ::STELE_INVALID_NAME, ::STELE_INVALID_LIMIT; ::STELE_INVALID_CLOCK;
 * ::STELE_CONFLICT_REVISION, ::STELE_CONFLICT_CONDITION, ::STELE_CONFLICT_KEY, ::STELE_CONFLICT_ID (nothing written, no
 * position used; see stele_error.conflict); ::STELE_DELETED_SOFT, ::STELE_DELETED_TOMBSTONE; ::STELE_NO_SPACE;
 * ::STELE_IO (if ::STELE_IO_POISONED, whether this append survives is decided when the store is reopened; until then
 * every append fails); ::STELE_CORRUPT (something stored that the decision rests on is damaged; nothing written);
 * ::STELE_NO_MEMORY (nothing written). Any thread, but not a completion.
 */
STELE_API STELE_MUST_CHECK stele_status stele_append(stele_store *store, const char *stream, stele_expected expected,
                                                     const stele_event *events, size_t event_count,
                                                     const stele_append_options *options, stele_receipt *ret_receipt,
                                                     stele_error *reterr);

/**
 * Appends one commit: events for one or more streams, all or none. Guarantees, errors and threads as stele_append();
 * ::STELE_INVALID also for two checks of one stream, and for ::STELE_IS_DELETED or ::STELE_IS_TOMBSTONED of a stream
 * that is written.
 *
 * @param commit borrowed for the call. @param ret_receipt may be NULL; written only on success.
 * @param ret_revisions NULL, or room for `event_count` revisions, the one that each event received; meaningless unless
 * ::STELE_OK is returned. (For a retry at ::STELE_ANY or ::STELE_EXISTS: where each id was first seen in the window.)
 */
STELE_API STELE_MUST_CHECK stele_status stele_append_commit(stele_store *store, const stele_commit *commit,
                                                            stele_receipt *ret_receipt, stele_revision *ret_revisions,
                                                            stele_error *reterr);

/**
 * Looks an idempotency key up: which commit has it. For those who must know before they decide whether they have done
 * so already; an append with the key finds out by itself.
 *
 * @param key NUL-terminated. @param ret_receipt may be NULL; that of the commit, as a retry gets it.
 * @return ::STELE_OK; ::STELE_NOT_FOUND: no visible commit has it; ::STELE_INVALID, ::STELE_INVALID_NAME,
 * ::STELE_INVALID_LIMIT; ::STELE_IO; ::STELE_CORRUPT; ::STELE_NO_MEMORY; and on a handle for reading what stands at the
 * top of this file. Any thread.
 */
STELE_API STELE_MUST_CHECK stele_status stele_key_find(stele_store *store, const char *key, stele_receipt *ret_receipt,
                                                       stele_error *reterr);

/**
 * Called once for every accepted submission, in the order of positions for those that were written, on the thread that
 * commits: one of the store's, or any that is inside the store; one at a time. It may submit, but must not wait for
 * its store: an append that is not a submission, stele_sync(), stele_step() and waiting answer ::STELE_INVALID there,
 * and it must not close it. What stands behind it waits meanwhile. The pointers are borrowed for the call; `receipt` is
 * NULL unless `status` is ::STELE_OK. Statuses are those of stele_append().
 */
typedef void (*stele_completion)(void *context, stele_status status, const stele_receipt *receipt,
                                 const stele_error *error);

/**
 * Hands in a commit and returns without waiting for it. The commit and everything it points to is copied, except
 * `options->violations`, which must be NULL.
 *
 * Submissions of one thread are decided in the order in which they were handed in. Durability is promised by the
 * completion, not by the return. Back-pressure: when what is in flight fills its quarter of the memory budget,
 * ::STELE_BUSY_IN_FLIGHT is returned, and the caller should hand in again after a completion; one submission is always
 * taken, however large. With ::STELE_NO_THREADS nothing is completed until stele_step(), stele_sync() or stele_close(),
 * or until the store is used synchronously.
 *
 * @param context handed to `done`; must live until then. @param done must not be NULL.
 * @return ::STELE_OK (the completion will be called, exactly once, at the latest from stele_close()); else it will not
 * be called, and nothing was written: ::STELE_INVALID, ::STELE_INVALID_NAME, ::STELE_INVALID_LIMIT;
 * ::STELE_BUSY_IN_FLIGHT; ::STELE_IO (::STELE_IO_POISONED, or no thread can be started); ::STELE_NO_MEMORY. Any thread,
 * also a completion.
 */
STELE_API STELE_MUST_CHECK stele_status stele_submit(stele_store *store, const stele_commit *commit,
                                                     stele_completion done, void *context, stele_error *reterr);

/**
 * Returns when everything appended or submitted before the call is on stable storage. Completions may still be under
 * way. On a handle for reading there is nothing to do.
 *
 * @return ::STELE_OK; ::STELE_INVALID; ::STELE_IO (::STELE_IO_POISONED: reopen the store); ::STELE_NO_MEMORY. Any
 * thread, but not a completion.
 */
STELE_API STELE_MUST_CHECK stele_status stele_sync(stele_store *store, stele_error *reterr);

/**
 * Does some of the work that threads of the store do otherwise: completes submissions, writes what was appended with
 * ::STELE_DURABLE_NONE, seals segments, builds and merges index files. One bounded piece a call.
 *
 * With ::STELE_THREADS it is allowed and seldom of use. On a handle for reading there is nothing to do. A failure
 * leaves the store as it was: what could not be sealed or merged stays readable and is tried again.
 *
 * @param ret_more may be NULL; not 0: there is more to do.
 * @return ::STELE_OK; ::STELE_INVALID; ::STELE_IO (if ::STELE_IO_POISONED, reopen the store); ::STELE_NO_SPACE;
 * ::STELE_CORRUPT (a merge or seal came upon damage); ::STELE_NO_MEMORY. Any thread, but one at a time, and not a
 * completion.
 */
STELE_API STELE_MUST_CHECK stele_status stele_step(stele_store *store, int *ret_more, stele_error *reterr);

/**
 * The position of the last visible event; 0 when there is none. Never goes back for one handle.
 *
 * @param ret_head may be NULL.
 * @return ::STELE_OK; ::STELE_INVALID; and on a handle for reading what stands at the top of this file. Any thread.
 */
STELE_API STELE_MUST_CHECK stele_status stele_head(stele_store *store, stele_position *ret_head, stele_error *reterr);

/**
 * Returns as soon as the head is above `after`, also when another process appends. At once if it is already.
 *
 * @param timeout nanoseconds; 0 looks and does not wait, negative (::STELE_FOREVER) waits without limit.
 * @param ret_head may be NULL.
 * @return ::STELE_OK; ::STELE_TIMEOUT; ::STELE_INVALID; ::STELE_IO (also ::STELE_IO_POISONED: nothing will come); and
 * on a handle for reading what stands at the top of this file. Any thread, but not a completion.
 */
STELE_API STELE_MUST_CHECK stele_status stele_wait(stele_store *store, stele_position after, stele_duration timeout,
                                                   stele_position *ret_head, stele_error *reterr);

/* ------------------------------------------------------------------------------------------------ streams ---- */

/** What is known of a stream. The view is borrowed from whoever lent the struct. A plain value otherwise. */
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
 * Describes one stream as of the head. `ret_info->name` is `stream` itself, borrowed from the caller.
 *
 * @param ret_info may be NULL.
 * @return ::STELE_OK, also for deleted and tombstoned streams; ::STELE_NOT_FOUND_STREAM; ::STELE_INVALID_NAME,
 * ::STELE_INVALID_LIMIT; ::STELE_IO; ::STELE_CORRUPT; ::STELE_NO_MEMORY. Any thread.
 */
STELE_API STELE_MUST_CHECK stele_status stele_stream_describe(stele_store *store, const char *stream,
                                                              stele_stream_info *ret_info, stele_error *reterr);

/** A stream's metadata. Owned: empty it with stele_metadata_done(), also after the store was closed. */
typedef struct stele_metadata {
    int64_t revision;               /**< of the metadata stream; -1: none was ever written, and `json` is empty */
    stele_revision truncate_before; /**< `$tb`, 0 if absent */
    uint64_t max_count;             /**< `$maxCount`, 0 if absent */
    int64_t max_age_seconds;        /**< `$maxAge`, 0 if absent */
    stele_bytes json;               /**< verbatim */
    const struct stele_alloc *alloc;
} stele_metadata;

/**
 * Reads the metadata of a stream (the last event of `$$<stream>`) as of the head. If that event is not of type
 * `$metadata` or its data is no JSON object, the numbers are 0, and `json` is what it is.
 *
 * @param stream any name but that of a metadata stream; `$all` has metadata, too.
 * @param ret_metadata owned: empty it with stele_metadata_done().
 * @return ::STELE_OK, also if there is none; ::STELE_DELETED_TOMBSTONE; ::STELE_INVALID_NAME, ::STELE_INVALID_LIMIT;
 * ::STELE_IO; ::STELE_CORRUPT; ::STELE_NO_MEMORY. Any thread.
 */
STELE_API STELE_MUST_CHECK stele_status stele_metadata_read(stele_store *store, const char *stream,
                                                            stele_metadata *ret_metadata, stele_error *reterr);

/** Frees what `metadata` owns, and empties it. NULL and zeroes are fine. Any thread; the struct is confined to one. */
STELE_API void stele_metadata_done(stele_metadata *metadata);

/**
 * Replaces the metadata of a stream: appends a `$metadata` event to `$$<stream>`. The stream need not exist. Integers
 * are read from `$tb`, `$maxCount` and `$maxAge` (seconds); everything else is kept verbatim. On a soft-deleted stream
 * that has events a second `$metadata` event follows in the same commit, which carries `$tb` = last revision + 1: the
 * stream is empty then, no longer deleted.
 *
 * The event gets a new id, so a repeated call is recognised by `options->key` alone.
 *
 * @param expected of the metadata stream. @param json `json_size` bytes of UTF-8, an object; of equal keys the last
 * counts;
 * ::STELE_INVALID if it is none. Borrowed for the call. @param options may be NULL. @param ret_receipt may be NULL.
 * @return as stele_append(). Any thread, but not a completion.
 */
STELE_API STELE_MUST_CHECK stele_status stele_metadata_write(stele_store *store, const char *stream,
                                                             stele_expected expected, const char *json,
                                                             size_t json_size, const stele_append_options *options,
                                                             stele_receipt *ret_receipt, stele_error *reterr);

/**
 * Soft-deletes a stream: its metadata becomes `{"$tb":9223372036854775807}`. Reads of the stream answer not found; the
 * events stay visible in reads of everything; the next append recreates it. Deleting a deleted stream is fine, unless
 * ::STELE_EXISTS is expected (::STELE_DELETED_SOFT); deleting one that never existed is ::STELE_CONFLICT_REVISION;
 * `$all` and metadata streams cannot be deleted. Guarantees as stele_append().
 *
 * @param expected of the stream itself. @param options may be NULL. @param ret_receipt may be NULL; its positions and
 * revision are those of the event in `$$<stream>`.
 * @return as stele_append(). Any thread, but not a completion.
 */
STELE_API STELE_MUST_CHECK stele_status stele_delete(stele_store *store, const char *stream, stele_expected expected,
                                                     const stele_append_options *options, stele_receipt *ret_receipt,
                                                     stele_error *reterr);

/**
 * Ends a stream for ever with a tombstone. It can be neither read nor written again, and its metadata can be written
 * but not read; its events stay visible in reads of everything. A stream that never existed can be tombstoned at
 * ::STELE_ANY or ::STELE_NO_STREAM, and so can a soft-deleted one. A second tombstone is ::STELE_DELETED_TOMBSTONE.
 * Guarantees as stele_append().
 *
 * @param options may be NULL. @param ret_receipt may be NULL; its revision is ::STELE_REVISION_TOMBSTONE.
 * @return as stele_append(). Any thread, but not a completion.
 */
STELE_API STELE_MUST_CHECK stele_status stele_tombstone(stele_store *store, const char *stream, stele_expected expected,
                                                        const stele_append_options *options, stele_receipt *ret_receipt,
                                                        stele_error *reterr);

/* ---------------------------------------------------------------------------------------------- clean-up ------ */

/** For STELE_CLEANUP(): closes and forgets. What closing answers is lost; call stele_close() where it matters. */
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

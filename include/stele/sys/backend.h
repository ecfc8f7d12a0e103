/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file stele/sys/backend.h
 * @brief For those who extend Stele: what a storage backend must do.
 *
 * The front (src/store) checks arguments and limits, finds the backend by the URL's scheme, and passes on what is left.
 * A backend therefore gets well-formed names, counts and sizes, at most one source in a read, and no NULL where the
 * public functions forbid it. It implements the semantics of store.h and cursor.h; one conformance suite
 * (tests/conformance) decides whether it does. Stability: minor versions may change this header.
 */
#ifndef STELE_SYS_BACKEND_H
#define STELE_SYS_BACKEND_H

#include "../admin.h"
#include "../cursor.h"
#include "../store.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What a commit is for. The rules for expectations differ. */
typedef enum stele_intent {
    STELE_INTENT_APPEND = 0,
    STELE_INTENT_DELETE = 1,   /**< one event for `$$s` (the `$metadata` that deletes s), one check: of s */
    STELE_INTENT_TOMBSTONE = 2 /**< one event for s (the tombstone), one check: of s */
} stele_intent;

/** A commit as the front hands it on. Borrowed for the call. Every event has a stream. */
typedef struct stele_request {
    stele_intent intent;
    stele_commit commit;       /**< options is never NULL here, options->durability never the default */
    stele_revision *revisions; /**< NULL or room for commit.event_count */
} stele_request;

typedef struct stele_backend stele_backend;
typedef struct stele_backend_names stele_backend_names;

/**
 * What a backend's cursor begins with: records that are ready to be handed out one after the other, which the front
 * does by itself. A backend that reads ahead puts them here; one that does not leaves both NULL. The front calls
 * read_next() when they are used up, and frees or refreshes a cursor whether they are or not.
 */
typedef struct stele_backend_cursor {
    const stele_record *next;
    const stele_record *end; /**< behind the last one */
} stele_backend_cursor;

/** The functions of a backend. `reterr` is never NULL. Threads: any, at any time, unless said otherwise in store.h. */
typedef struct stele_backend_table {
    const char *name;

    stele_status (*close)(stele_backend *backend, stele_error *reterr);
    stele_status (*append)(stele_backend *backend, const stele_request *request, stele_receipt *ret_receipt,
                           stele_error *reterr);
    /** Copies what it needs of the request; revisions is NULL. */
    stele_status (*submit)(stele_backend *backend, const stele_request *request, stele_completion done, void *context,
                           stele_error *reterr);
    stele_status (*sync)(stele_backend *backend, stele_error *reterr);
    stele_status (*step)(stele_backend *backend, int *ret_more, stele_error *reterr);
    stele_status (*head)(stele_backend *backend, stele_position *ret_head, stele_error *reterr);
    /** Waits until the head is above `after`. */
    stele_status (*wait)(stele_backend *backend, stele_position after, stele_duration timeout, stele_position *ret_head,
                         stele_error *reterr);

    stele_status (*find_key)(stele_backend *backend, const char *key, stele_receipt *ret_receipt, stele_error *reterr);
    stele_status (*describe_stream)(stele_backend *backend, const char *stream, stele_stream_info *ret_info,
                                    stele_error *reterr);

    /** `must_exist` 0: a missing or deleted stream is an empty read. The backend applies everything in `read`, filters,
     * limit and predicate included. */
    stele_status (*read_open)(stele_backend *backend, const stele_read *read, int must_exist,
                              stele_backend_cursor **ret_cursor, stele_error *reterr);
    const stele_record *(*read_next)(stele_backend_cursor *cursor, stele_error *reterr);
    stele_position (*read_head)(const stele_backend_cursor *cursor);
    /** Moves a forward cursor on to the current head; it does not wait. ::STELE_DELETED_TOMBSTONE if the stream ended.
     */
    stele_status (*read_refresh)(stele_backend_cursor *cursor, stele_error *reterr);
    void (*read_free)(stele_backend_cursor *cursor);

    stele_status (*names_open)(stele_backend *backend, const stele_list *list, stele_backend_names **ret_names,
                               stele_error *reterr);
    const stele_name_entry *(*names_next)(stele_backend_names *names, stele_error *reterr);
    void (*names_free)(stele_backend_names *names);

    stele_status (*describe)(stele_backend *backend, stele_info *ret_info, stele_error *reterr);
    stele_status (*checkpoint_check)(stele_backend *backend, const stele_checkpoint *checkpoint,
                                     stele_position *ret_valid_until, stele_error *reterr);
    stele_status (*accept_clock)(stele_backend *backend, stele_error *reterr);
    stele_status (*verify)(stele_backend *backend, const stele_verify_options *options, stele_verify_result *ret_result,
                           stele_error *reterr);
} stele_backend_table;

/** Implementations put this first in their own struct. */
struct stele_backend {
    const stele_backend_table *table;
};

/** How the front opens one. `location` is the URL without its scheme. `options` is never NULL and complete: alloc, vfs,
 * clock, durability, memory_bytes, commit_bytes_max are set. */
typedef stele_status (*stele_backend_open)(const char *location, const stele_options *options,
                                           stele_backend **ret_backend, stele_error *reterr);

#ifdef __cplusplus
}
#endif
#endif

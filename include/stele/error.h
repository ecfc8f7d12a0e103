/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file stele/error.h
 * @brief How Stele says that something did not work.
 *
 * Every function that can fail returns a ::stele_status, and writes what a person or a program needs to act on into a
 * ::stele_error of the caller's, if one is given (NULL is fine everywhere). Branch on the status; print the message and
 * the hint; look at `detail` where one status has several causes. Nothing is kept in thread-local state, nothing is
 * allocated.
 */
#ifndef STELE_ERROR_H
#define STELE_ERROR_H

#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What class of thing happened. New classes may be added; treat an unknown one as ::STELE_INTERNAL. */
typedef enum stele_status {
    STELE_OK = 0,
    STELE_INVALID = 1,      /**< the caller's arguments, or a limit: nothing was done */
    STELE_CONFLICT = 2,     /**< an expectation or a condition does not hold: nothing was written */
    STELE_NOT_FOUND = 3,    /**< no such stream (or it is soft-deleted), store or file */
    STELE_DELETED = 4,      /**< the stream has a tombstone, or existence was expected of a deleted one */
    STELE_IO = 5,           /**< the operating system refused; see os_error */
    STELE_CORRUPT = 6,      /**< stored bytes are not what was written; the message names the place */
    STELE_NO_SPACE = 7,     /**< no space; nothing was written, and appends work again when there is space */
    STELE_NO_MEMORY = 8,    /**< the allocator had none */
    STELE_BUSY = 9,         /**< too much in flight, or somebody else has the store open: try again later */
    STELE_TIMEOUT = 10,     /**< the deadline came first */
    STELE_CANCELLED = 11,   /**< stopped by the caller */
    STELE_UNSUPPORTED = 12, /**< this backend, build, file version or file system cannot do that */
    STELE_AUTH = 13,        /**< not allowed; no backend of this version answers it */
    STELE_INTERNAL = 14,    /**< a defect in Stele */
    STELE_REJECTED = 15     /**< a decision said no; the message is its reason. Nothing was written */
} stele_status;

/**
 * Why, more exactly. The low byte is the ::stele_status, the next byte tells apart causes that a program may want to
 * treat differently. 0 in the next byte: nothing more exact is known.
 */
typedef enum stele_detail {
    STELE_DETAIL_NONE = 0,
    STELE_INVALID_NAME = STELE_INVALID | 1 << 8,        /**< a stream, type, tag or key that cannot be */
    STELE_INVALID_LIMIT = STELE_INVALID | 2 << 8,       /**< larger than a limit allows */
    STELE_INVALID_CHECKPOINT = STELE_INVALID | 3 << 8,  /**< from another store, or a history that was cut */
    STELE_INVALID_READ_ONLY = STELE_INVALID | 4 << 8,   /**< the store was opened for reading only */
    STELE_INVALID_CLOCK = STELE_INVALID | 5 << 8,       /**< the clock jumped ahead; see stele_accept_clock() */
    STELE_INVALID_FORK = STELE_INVALID | 6 << 8,        /**< the handle belongs to the parent process */
    STELE_INVALID_ENTITY = STELE_INVALID | 7 << 8,      /**< an entry of another entity, or another type of it */
    STELE_INVALID_UNCHANGED = STELE_INVALID | 8 << 8,   /**< an update that changes nothing */
    STELE_INVALID_DELETED = STELE_INVALID | 9 << 8,     /**< a deletion cannot be applied to an entity */
    STELE_INVALID_SEQUENCE = STELE_INVALID | 10 << 8,   /**< an entry that is not the next one: another was lost, or it
                                                           comes out of order */
    STELE_CONFLICT_REVISION = STELE_CONFLICT | 1 << 8,  /**< an expectation: see conflict and violations */
    STELE_CONFLICT_CONDITION = STELE_CONFLICT | 2 << 8, /**< an event matches a condition: see conflict */
    STELE_CONFLICT_KEY = STELE_CONFLICT | 3 << 8,       /**< the idempotency key belongs to a different commit */
    STELE_CONFLICT_ID = STELE_CONFLICT | 4 << 8,        /**< strict: the same event id with different content */
    STELE_CONFLICT_REPLAY = STELE_CONFLICT | 5 << 8,    /**< a log: the idempotency key was used before; see where */
    STELE_NOT_FOUND_STREAM = STELE_NOT_FOUND | 1 << 8,  /**< the stream has no events and never had */
    STELE_NOT_FOUND_DELETED = STELE_NOT_FOUND | 2 << 8, /**< the stream is soft-deleted */
    STELE_NOT_FOUND_STORE = STELE_NOT_FOUND | 3 << 8,   /**< there is no store at that place */
    STELE_DELETED_SOFT = STELE_DELETED | 1 << 8,        /**< existence expected of a soft-deleted stream */
    STELE_DELETED_TOMBSTONE = STELE_DELETED | 2 << 8,   /**< the stream has a tombstone */
    STELE_IO_POISONED = STELE_IO | 1 << 8,              /**< an earlier write failed: close and reopen the store */
    STELE_CORRUPT_INDEX = STELE_CORRUPT | 1 << 8, /**< derived data: built again when the store is opened for writing */
    STELE_BUSY_LOCKED = STELE_BUSY | 1 << 8,      /**< another process, or this one, writes the store */
    STELE_BUSY_IN_FLIGHT = STELE_BUSY | 2 << 8,   /**< asynchronous appends fill their part of the memory budget */
    STELE_UNSUPPORTED_VERSION = STELE_UNSUPPORTED | 1 << 8,    /**< files of a newer format */
    STELE_UNSUPPORTED_FILE_SYSTEM = STELE_UNSUPPORTED | 2 << 8 /**< a network file system */
} stele_detail;

/** What a refused append ran into: the first violation (or the first tombstone), or the violating event of a condition.
 * Streams are told by number; the message has the name. */
typedef struct stele_conflict {
    uint32_t index; /**< of the check in the commit (0 for stele_append()), check_count + the index of its first event
                         for a stream without one, or of the condition */
    stele_expected expected_revision;
    stele_expected actual_revision; /**< last revision, or no stream, deleted, tombstoned */
    stele_position position;        /**< conditions: of the first event that matches; keys: of the commit that has it */
    stele_uuid id;                  /**< conditions: of that event */
    uint32_t violation_count; /**< how many expectations failed; all of them with stele_append_options.violations */
} stele_conflict;

/**
 * Details of a failure. Owned by the caller; needs no initialisation and no clean-up. On success only `status` is
 * written; on failure everything.
 */
typedef struct stele_error {
    stele_status status;
    stele_detail detail;
    int os_error;            /**< errno, or 0 */
    stele_conflict conflict; /**< meaningful when status is ::STELE_CONFLICT or ::STELE_DELETED */
    char message[400];       /**< one sentence in English without a full stop, NUL-terminated, UTF-8 */
    char hint[240];          /**< what to do about it, or empty */
} stele_error;

/** A short English name of a status: "conflict", "not found"; of an unknown one "unknown status". Static: never to be
 * freed. Any thread. */
STELE_API const char *stele_status_name(stele_status status);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file stele/admin.h
 * @brief What an operator wants to know of a store, and the check of every byte of it.
 */
#ifndef STELE_ADMIN_H
#define STELE_ADMIN_H

#include "store.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A place in the history of a store that another program may keep. See stele_checkpoint_check(). */
typedef struct stele_checkpoint {
    stele_uuid store; /**< which store */
    uint64_t epoch;   /**< which of its histories */
    stele_position position;
} stele_checkpoint;

/** Facts about an open store. A plain value; sizes are bytes. Counts "since opening" are those of this handle. A store
 * in memory leaves 0 what it does not have. */
typedef struct stele_info {
    const char *backend; /**< "embedded", "memory". Static */
    stele_uuid store;    /**< made when the store was created; follows its copies */
    uint64_t epoch; /**< 1 at first; raised when a crash may have cut history that somebody has seen, or was told of
                         (::STELE_DURABLE_NONE: also by a crash of the process) */
    stele_position head;
    stele_time first_time; /**< of position 1; 0 if there is none */
    stele_time last_time;  /**< of the head */
    stele_durability durability;
    uint64_t log_bytes; /**< used in segments, index not counted; of compressed ones, as they stand */
    uint64_t compressed_segment_count;
    uint64_t compressed_from_bytes; /**< what those took before */
    uint64_t index_bytes;
    uint64_t disk_bytes; /**< allocated on disk in all files, preallocation included */
    uint64_t segment_count;
    uint64_t index_file_count;
    uint64_t unsealed_events;     /**< events that are still indexed in memory */
    uint64_t memory_bytes;        /**< in use by this handle; may be above the budget, see stele_options */
    uint64_t memory_bytes_max;    /**< the budget */
    uint64_t recovered_bytes;     /**< bytes of a torn tail that the last opening dropped (never acknowledged ones) */
    uint64_t healed_index_files;  /**< index files that were damaged or missing and were rebuilt since opening */
    uint64_t missing_index_files; /**< index files that are still to be built again, one for each segment; until then
                                       what needs one of them builds it or waits for it */
    stele_duration clock_behind;  /**< how far the clock stands behind the last event; 0: it does not */
    uint64_t flushes;             /**< of the log to stable storage since opening */
    uint64_t commits;             /**< accepted since opening */
    uint64_t refusals;            /**< conflicts since opening */
    int is_writer;                /**< not 0: this handle may append */
    int is_poisoned;              /**< not 0: a write failed; reopen */
} stele_info;

/**
 * Describes the store, as of the head. `ret_info->backend` is static. Looks at every file's size.
 *
 * @return ::STELE_OK; ::STELE_INVALID; ::STELE_IO; ::STELE_CORRUPT (the first or the last event cannot be read);
 * ::STELE_NO_MEMORY; and on a handle for reading what stands at the top of store.h. Any thread.
 */
STELE_API STELE_MUST_CHECK stele_status stele_describe(stele_store *store, stele_info *ret_info, stele_error *reterr);

/**
 * Answers whether history up to `checkpoint` is still the history of this store. Ask before going on from a checkpoint
 * that was kept elsewhere.
 *
 * @param checkpoint borrowed for the call. @param ret_valid_until may be NULL; written with ::STELE_OK and
 * ::STELE_INVALID_CHECKPOINT: the last position that the checkpoint's epoch shares with the present one, which is the
 * head if nothing was lost since; 0 for another store and for an epoch that this store never had.
 * @return ::STELE_OK; ::STELE_INVALID_CHECKPOINT: another store, an epoch that has not begun, or epoch 0, which there
 * is not; a position beyond `ret_valid_until`: beyond the head, or in a history of which the end was lost;
 * ::STELE_INVALID; and on a handle for reading what stands at the top of store.h. Any thread.
 */
STELE_API STELE_MUST_CHECK stele_status stele_checkpoint_check(stele_store *store, const stele_checkpoint *checkpoint,
                                                               stele_position *ret_valid_until, stele_error *reterr);

/**
 * Accepts a clock that jumped ahead by more than an hour; until then appends are refused (::STELE_INVALID_CLOCK),
 * because recorded time can never go back. Accepts the jump that there is now, none that comes.
 *
 * @return ::STELE_OK, also if there was no jump; ::STELE_INVALID. Any thread.
 */
STELE_API STELE_MUST_CHECK stele_status stele_accept_clock(stele_store *store, stele_error *reterr);

/** One thing that stele_verify() found. Borrowed for the call. */
typedef struct stele_damage {
    const char *file;        /**< relative to the store's folder */
    uint64_t offset;         /**< bytes into the file */
    stele_position position; /**< the first event concerned; 0: none or unknown */
    int is_index;            /**< not 0: in derived data, which the next opening for writing heals */
    const char *message;
} stele_damage;

/** How to verify. Zero-initialise. Both functions are called on the thread that verifies, with `context`. */
typedef struct stele_verify_options {
    uint32_t version;
    void (*damage)(void *context, const stele_damage *damage); /**< may be NULL */
    /** Called now and then; returning anything but 0 stops with ::STELE_CANCELLED. May be NULL. */
    int (*progress)(void *context, uint64_t bytes_done, uint64_t bytes_total);
    void *context;
} stele_verify_options;

/** What a verification has read. Sizes are bytes. */
typedef struct stele_verify_result {
    uint64_t events;
    uint64_t commits;
    uint64_t bytes;
    uint64_t damage_count;
} stele_verify_result;

/**
 * Reads every byte of a store up to its head, compares every checksum, and compares the index with the log. Never maps
 * files, changes nothing, runs beside a writer, of this process or another. Behind the first damage in a segment the
 * rest of that segment is not judged. A store in memory has no checksums; its events are counted.
 *
 * @param options NULL: nobody wants to know. @param ret_result may be NULL; written with ::STELE_OK and
 * ::STELE_CORRUPT.
 * @return ::STELE_OK; ::STELE_CORRUPT (with damage_count 0: the store cannot even be looked at); ::STELE_CANCELLED;
 * ::STELE_INVALID; ::STELE_IO; ::STELE_NO_MEMORY; and on a handle for reading what stands at the top of store.h. Any
 * thread.
 */
STELE_API STELE_MUST_CHECK stele_status stele_verify(stele_store *store, const stele_verify_options *options,
                                                     stele_verify_result *ret_result, stele_error *reterr);

#ifdef __cplusplus
}
#endif
#endif

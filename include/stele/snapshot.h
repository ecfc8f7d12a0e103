/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file stele/snapshot.h
 * @brief Domains: a store with upcasters, a cache of states and snapshots, so that long histories load fast.
 *
 * The cache keeps states in memory, bounded by bytes; it is written behind: who loads never waits for it, and what does
 * not fit into its queue is dropped and counted. Snapshots are events in the store, in a stream of their own for each
 * stream, `$snapshot-<fold>-<stream>`, of which only the newest is kept (`$maxCount` 1): so they are there on every
 * backend, in backups and after a move, and need no second place that could disagree. They are written at durability
 * none; one that is lost is made again. Both carry the fold's schema version and are not used when it has changed.
 *
 * Neither is ever needed: whatever fails there is counted (stele_domain_describe()), and the events are read instead.
 */
#ifndef STELE_SNAPSHOT_H
#define STELE_SNAPSHOT_H

#include "fold.h"
#include "store.h"
#include "upcast.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What is known of a state when it could be snapshotted or cached. */
typedef struct stele_state_info {
    const stele_fold *fold;
    const void *state;
    const char *stream;
    uint64_t version;          /**< events that it is made of */
    uint64_t snapshot_version; /**< of the newest snapshot; 0: none */
    stele_time first_time;     /**< when its first event was recorded; 0: not known, as it came from a cache */
    stele_time last_time;      /**< when its last event was recorded */
    stele_time snapshot_time;  /**< when the newest snapshot was taken; 0: none */
    stele_time now;
} stele_state_info;

/** Whether to do it. Not 0: yes. Any thread; must not use the domain. */
typedef int (*stele_policy)(void *context, const stele_state_info *info);

/** When snapshots are taken, after an append or a load. All zero: never. Any of them is enough. */
typedef struct stele_snapshot_policy {
    uint64_t every;      /**< when the version has crossed a multiple of this since the newest snapshot, also within one
                              commit of several events */
    stele_duration age;  /**< when the newest snapshot, or the first event, is older; 0: no matter */
    stele_policy wanted; /**< by a function of yours; NULL: none */
    void *context;
} stele_snapshot_policy;

/** Which states are cached. All zero: every one. All that are set must agree. */
typedef struct stele_caching_policy {
    uint64_t length_min;    /**< versions at least this long */
    uint64_t length_max;    /**< and at most; 0: any */
    stele_duration age_min; /**< since the first event; 0: any */
    stele_duration age_max; /**< 0: any */
    stele_policy wanted;    /**< by a function of yours: "not a payment that is finished"; NULL: none */
    void *context;
} stele_caching_policy;

struct stele_cache;

/** Zero-initialise. Copied, but for what it points to, which must outlive the domain. */
typedef struct stele_domain_options {
    uint32_t version;
    const stele_upcasters *upcasters; /**< NULL: none */
    stele_snapshot_policy snapshots;
    stele_caching_policy caching;
    size_t cache_bytes;              /**< of the cache in memory; 0: ::STELE_CACHE_DEFAULT; SIZE_MAX: no cache */
    struct stele_cache *cache;       /**< instead of the one in memory; see sys/cache.h */
    const struct stele_clock *clock; /**< NULL: that of the store's defaults */
    const stele_alloc *alloc;        /**< NULL: stele_alloc_default() */
} stele_domain_options;

#define STELE_CACHE_DEFAULT ((size_t)16 << 20)

typedef struct stele_domain stele_domain;

/** Opens a domain on a store, which must stay open longer. `*ret_domain` is *owned*. @return ::STELE_OK;
 * ::STELE_INVALID; ::STELE_NO_MEMORY. */
STELE_API STELE_MUST_CHECK stele_status stele_domain_open(stele_store *store, const stele_domain_options *options,
                                                          stele_domain **ret_domain, stele_error *reterr);
/** Waits for its threads and frees it. NULL is fine. Nothing may be under way in it. */
STELE_API void stele_domain_close(stele_domain *domain);
/** The store that it was opened on. Any thread. */
STELE_API stele_store *stele_domain_store(stele_domain *domain);

/** Counts since it was opened. */
typedef struct stele_domain_counts {
    uint64_t loads;
    uint64_t events_read;
    uint64_t cache_hits;
    uint64_t cache_misses;
    uint64_t cache_puts;
    uint64_t cache_dropped;  /**< the queue was full */
    uint64_t cache_failures; /**< of a cache that is no memory; or a state that could not be read back */
    uint64_t cache_outdated; /**< of another schema version */
    uint64_t cache_bytes;    /**< in use now */
    uint64_t snapshots_used;
    uint64_t snapshots_taken;
    uint64_t snapshots_outdated; /**< of another schema version: not used */
    uint64_t snapshot_failures;  /**< to write, to read, or to read back */
    uint64_t commands;
    uint64_t commands_retried; /**< decided once more, as others were faster */
    uint64_t commands_known;   /**< had taken effect before */
    uint64_t commands_rejected;
} stele_domain_counts;

/** What has happened so far. Any thread. */
STELE_API void stele_domain_describe(stele_domain *domain, stele_domain_counts *ret_counts);
/** Waits until everything that is queued for the cache is in it. For tests. */
STELE_API void stele_domain_settle(stele_domain *domain);

static inline void stele_cleanup_domain(stele_domain **domain)
{
    stele_domain_close(*domain);
    *domain = NULL;
}

#ifdef __cplusplus
}
#endif
#endif

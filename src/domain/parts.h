/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share: the domain itself, and states that are kept. */
#ifndef STELE_DOMAIN_PARTS_H
#define STELE_DOMAIN_PARTS_H

#include "base/base.h"
#include <stele/aggregate.h>
#include <stele/sys/cache.h>
#include <stele/sys/clock.h>

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

typedef struct stele__behind stele__behind;

struct stele_domain {
    stele_store *store;
    const stele_alloc *alloc;
    const stele_clock *clock;
    const stele_upcasters *upcasters;
    stele_snapshot_policy snapshots;
    stele_caching_policy caching;
    stele_cache *cache; /* NULL: none */
    bool owns_cache;
    stele__behind *behind; /* puts into a cache that is not local; NULL: it is */
    struct {
        _Atomic uint64_t loads, events_read, cache_hits, cache_misses, cache_puts, cache_dropped,
            cache_failures, cache_outdated, snapshots_used, snapshots_taken, snapshots_outdated,
            snapshot_failures, commands, commands_retried, commands_known, commands_rejected;
    } counts;
};

#define STELE_COUNT(domain, what)                                                                  \
    ((void)atomic_fetch_add_explicit(&(domain)->counts.what, 1, memory_order_relaxed))

/* ---- kept.c: states in caches and snapshots */

/* What is known of a state besides itself. */
typedef struct stele__kept {
    uint64_t version;
    uint64_t first_revision; /* that a read showed; another one: events were hidden since */
    stele_revision revision; /* of its last event */
    stele_position position; /* of its last event */
    stele_time first_time;
    stele_time last_time;
    uint64_t snapshot_version; /* of the newest snapshot */
    stele_time snapshot_time;
} stele__kept;

/* From the cache. False: nothing that is of use; then `state` is the first state again. */
bool stele__kept_from_cache(stele_domain *domain, const stele_fold *fold, const char *stream,
                            void *state, stele__kept *ret_kept);
bool stele__kept_from_snapshot(stele_domain *domain, const stele_fold *fold, const char *stream,
                               const stele_point *as_of, void *state, stele__kept *ret_kept);
/* Offers a state that is newer than what is kept: to the cache, and to a snapshot if the policy
 * wants one. Nothing here fails. */
void stele__kept_offer(stele_domain *domain, const stele_fold *fold, const char *stream,
                       const void *state, stele__kept *kept);

/* ---- upcast.c */

/* What a cursor has read of what is stored, whatever became of it. */
typedef struct stele__stored {
    uint64_t count;
    stele_revision revision; /* of the last one */
    stele_position position;
    stele_time time;
} stele__stored;

const stele__stored *stele__upcast_stored(const stele_upcast_cursor *cursor);

/* ---- behind.c: puts that nobody waits for */

stele_status stele__behind_open(stele_domain *domain, stele__behind **ret_behind,
                                stele_error *reterr);
void stele__behind_close(stele__behind *behind);
/* Queues a put; drops and counts it if there is no room. */
void stele__behind_put(stele__behind *behind, const char *key, const void *value, size_t size);
void stele__behind_settle(stele__behind *behind);

/* ---- load.c */

/* As stele_load(), and what is to be known for keeping the state later on. */
stele_status stele__load(stele_domain *domain, const stele_fold *fold, const char *stream,
                         const stele_point *as_of, void *ret_state, stele_loaded *ret_loaded,
                         stele__kept *ret_kept, stele_error *reterr);

#endif

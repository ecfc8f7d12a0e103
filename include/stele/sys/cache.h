/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file stele/sys/cache.h
 * @brief For those who extend Stele: where a domain keeps states between loads.
 *
 * A cache maps keys to bytes and may forget any of them at any time. It decides nothing: a domain checks what it gets
 * (a checksum, the fold's schema version, the stream's revision), and reads events where it gets nothing. Functions may
 * be called from any thread, several at once. Stability: minor versions may change this header.
 */
#ifndef STELE_SYS_CACHE_H
#define STELE_SYS_CACHE_H

#include "../error.h"
#include "../writer.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct stele_cache stele_cache;

typedef struct stele_cache_table {
    const char *name;
    /** Not 0: the functions take about as long as copying does, so a domain calls put() at once. 0: a thread of the
     * domain calls it, from a queue that drops what does not fit. get() is always called at once. */
    int is_local;
    /** Writes the value of a key to `to`. ::STELE_NOT_FOUND: there is none; anything else is counted as a failure. */
    stele_status (*get)(stele_cache *cache, const char *key, stele_writer *to, stele_error *reterr);
    /** Keeps a value, borrowed for the call, or not. */
    stele_status (*put)(stele_cache *cache, const char *key, const void *value, size_t size, stele_error *reterr);
    /** Bytes in use, as far as that is known; else 0. */
    uint64_t (*bytes)(stele_cache *cache);
    void (*close)(stele_cache *cache);
} stele_cache_table;

/** Implementations put this first in their own struct. */
struct stele_cache {
    const stele_cache_table *table;
};

/**
 * A cache in memory, of at most `bytes_max` bytes with everything it needs for itself; what was used least recently
 * goes first. *Owned*: close it with its table's function. @return NULL: no memory.
 */
STELE_API stele_cache *stele_cache_in_memory(size_t bytes_max, const stele_alloc *alloc);

#ifdef __cplusplus
}
#endif
#endif

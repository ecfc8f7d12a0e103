/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cache in memory: a hash table of entries, which also hang in a list from the one used last to
 * the one used least recently.
 *
 * K1  The bytes of all entries, their keys and the table are at most bytes_max, at any time.
 * K2  An entry is one piece of memory: header, key, value. A put never changes one: it puts in a
 * new one and takes the old one out, so that a value is whole. K3  Nothing fails: without memory,
 * or for what is larger than a quarter of the cache, a put does nothing but forget what was there
 * under that key.
 */
#include "cache/cache.h"

#include "base/base.h"
#include <stele/sys/clock.h>

enum { LOCK_RANK = 900, SLOTS_MIN = 64 };

typedef struct entry {
    struct entry *next; /* in its slot */
    struct entry *newer;
    struct entry *older;
    uint64_t hash;
    uint32_t key_size;
    size_t value_size;
    char bytes[]; /* key, value */
} entry;

typedef struct memory_cache {
    stele_cache cache; /* first */
    const stele_alloc *alloc;
    stele__mutex lock;
    stele__hash_key key;
    size_t bytes_max;
    size_t bytes;
    entry **slots; /* a power of two of them; NULL: no entry came yet */
    size_t slot_count;
    size_t entry_count;
    entry *newest;
    entry *oldest;
} memory_cache;

static size_t entry_size(const entry *it)
{
    return sizeof *it + it->key_size + it->value_size;
}

/* ---- the list */

static void list_in(memory_cache *cache, entry *it)
{
    it->newer = NULL;
    it->older = cache->newest;
    *(cache->newest ? &cache->newest->newer : &cache->oldest) = it;
    cache->newest = it;
}

static void list_out(memory_cache *cache, entry *it)
{
    *(it->newer ? &it->newer->older : &cache->newest) = it->older;
    *(it->older ? &it->older->newer : &cache->oldest) = it->newer;
}

/* ---- the table */

static entry **place_of(memory_cache *cache, const char *key, size_t key_size, uint64_t hash)
{
    entry **place = &cache->slots[hash & (cache->slot_count - 1)];
    while (*place && ((*place)->hash != hash || (*place)->key_size != key_size ||
                      memcmp((*place)->bytes, key, key_size) != 0)) {
        place = &(*place)->next;
    }
    return place;
}

static void take_out(memory_cache *cache, entry **place)
{
    entry *it = *place;
    *place = it->next;
    list_out(cache, it);
    cache->entry_count--;
    cache->bytes -= entry_size(it);
    stele__release(cache->alloc, it, entry_size(it));
}

static void forget_oldest(memory_cache *cache)
{
    const entry *it = cache->oldest;
    take_out(cache, place_of(cache, it->bytes, it->key_size, it->hash));
}

/* Twice the slots, once there are as many entries. Without memory chains get longer. */
static void grow(memory_cache *cache)
{
    if (cache->slots && cache->entry_count < cache->slot_count) {
        return;
    }
    const size_t count = cache->slots ? cache->slot_count * 2 : SLOTS_MIN;
    const size_t size = count * sizeof(entry *);
    if (size > cache->bytes_max / 4) {
        return;
    }
    entry **slots = stele__allocate_zero(cache->alloc, size);
    if (!slots) {
        return;
    }
    for (entry *it = cache->newest; it; it = it->older) {
        entry **slot = &slots[it->hash & (count - 1)];
        it->next = *slot;
        *slot = it;
    }
    const size_t old_size = cache->slot_count * sizeof(entry *);
    stele__release(cache->alloc, cache->slots, old_size);
    cache->slots = slots;
    cache->slot_count = count;
    cache->bytes += size - old_size;
    while (cache->bytes > cache->bytes_max) {
        forget_oldest(cache);
    }
}

/* ---- the cache */

static stele_status get(stele_cache *base, const char *key, stele_writer *to, stele_error *reterr)
{
    memory_cache *cache = (memory_cache *)base;
    const size_t key_size = strlen(key);
    const uint64_t hash = stele__hash(&cache->key, key, key_size);
    stele__lock(&cache->lock);
    entry *it = cache->slots ? *place_of(cache, key, key_size, hash) : NULL;
    if (it) {
        list_out(cache, it);
        list_in(cache, it);
        (void)stele_write(to, it->bytes + it->key_size, it->value_size);
    }
    stele__unlock(&cache->lock);
    if (!it) {
        /* What is expected needs no sentence made for it each time. */
        if (reterr) {
            *reterr = (stele_error){.status = STELE_NOT_FOUND, .message = "it is not in the cache"};
        }
        return STELE_NOT_FOUND;
    }
    return to->has_failed ? stele__fail_memory(reterr) : STELE_OK;
}

static stele_status put(stele_cache *base, const char *key, const void *value, size_t size,
                        stele_error *reterr)
{
    memory_cache *cache = (memory_cache *)base;
    const size_t key_size = strlen(key);
    const uint64_t hash = stele__hash(&cache->key, key, key_size);
    (void)reterr;
    stele__lock(&cache->lock);
    grow(cache);
    entry **place = cache->slots ? place_of(cache, key, key_size, hash) : NULL;
    if (place && *place) {
        take_out(cache, place);
    }
    const size_t most = cache->bytes_max / 4;
    if (place && size <= most && key_size <= most && sizeof(entry) + key_size + size <= most) {
        while (cache->bytes + sizeof(entry) + key_size + size > cache->bytes_max) {
            forget_oldest(cache);
        }
        entry *it = stele__allocate(cache->alloc, sizeof *it + key_size + size);
        if (it) {
            entry **slot = &cache->slots[hash & (cache->slot_count - 1)];
            *it = (entry){.next = *slot,
                          .hash = hash,
                          .key_size = (uint32_t)key_size,
                          .value_size = size};
            memcpy(it->bytes, key, key_size);
            if (size > 0) {
                memcpy(it->bytes + key_size, value, size);
            }
            *slot = it;
            list_in(cache, it);
            cache->entry_count++;
            cache->bytes += entry_size(it);
        }
    }
    stele__unlock(&cache->lock);
    return STELE_OK;
}

static uint64_t bytes_of(stele_cache *base)
{
    memory_cache *cache = (memory_cache *)base;
    stele__lock(&cache->lock);
    const uint64_t bytes = cache->bytes;
    stele__unlock(&cache->lock);
    return bytes;
}

static void close_cache(stele_cache *base)
{
    memory_cache *cache = (memory_cache *)base;
    while (cache->oldest) {
        forget_oldest(cache);
    }
    stele__release(cache->alloc, cache->slots, cache->slot_count * sizeof(entry *));
    stele__mutex_done(&cache->lock);
    stele__release(cache->alloc, cache, sizeof *cache);
}

stele_cache *stele_cache_in_memory(size_t bytes_max, const stele_alloc *alloc)
{
    static const stele_cache_table table = {.name = "memory",
                                            .is_local = 1,
                                            .get = get,
                                            .put = put,
                                            .bytes = bytes_of,
                                            .close = close_cache};
    const stele_alloc *from = alloc ? alloc : stele_alloc_default();
    memory_cache *cache = stele__allocate_zero(from, sizeof *cache);
    if (!cache) {
        return NULL;
    }
    if (stele__mutex_init(&cache->lock, LOCK_RANK) != 0) {
        stele__release(from, cache, sizeof *cache);
        return NULL;
    }
    const stele_clock *clock = stele_clock_system();
    cache->cache.table = &table;
    cache->alloc = from;
    clock->entropy(clock->context, &cache->key, sizeof cache->key);
    cache->bytes_max = bytes_max;
    return &cache->cache;
}

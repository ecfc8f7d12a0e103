/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Putting into a cache that is far away: a queue, bounded in items and bytes, and one thread. Who
 * puts never waits: what does not fit is dropped and counted.
 */
#include "domain/parts.h"

enum { LOCK_RANK = 910, ITEMS_MAX = 1024, BYTES_MAX = 16 << 20 };

typedef struct item {
    struct item *next;
    size_t size; /* of all of it */
    size_t key_size;
    size_t value_size;
    char bytes[]; /* key, NUL, value */
} item;

struct stele__behind {
    stele_domain *domain;
    stele__mutex lock;
    stele__condition changed;
    stele__thread thread;
    item *first;
    item *last;
    size_t count;
    size_t bytes;
    bool is_busy;
    bool is_closing;
};

static void put_one(stele__behind *behind, const item *it)
{
    stele_domain *domain = behind->domain;
    stele_error error;
    if (domain->cache->table->put(domain->cache, it->bytes, it->bytes + it->key_size + 1,
                                  it->value_size, &error) == STELE_OK) {
        STELE_COUNT(domain, cache_puts);
    } else {
        STELE_COUNT(domain, cache_failures);
    }
}

static void run(void *context)
{
    stele__behind *behind = context;
    stele__lock(&behind->lock);
    while (!behind->is_closing || behind->first) {
        item *it = behind->first;
        if (!it) {
            (void)stele__condition_wait(&behind->changed, &behind->lock, STELE_FOREVER);
            continue;
        }
        behind->first = it->next;
        behind->last = it->next ? behind->last : NULL;
        behind->count--;
        behind->bytes -= it->size;
        behind->is_busy = true;
        stele__unlock(&behind->lock);
        put_one(behind, it);
        stele__release(behind->domain->alloc, it, it->size);
        stele__lock(&behind->lock);
        behind->is_busy = false;
        stele__condition_wake_all(&behind->changed);
    }
    stele__unlock(&behind->lock);
}

stele_status stele__behind_open(stele_domain *domain, stele__behind **ret_behind,
                                stele_error *reterr)
{
    stele__behind *behind = stele__allocate_zero(domain->alloc, sizeof *behind);
    if (!behind) {
        return stele__fail_memory(reterr);
    }
    behind->domain = domain;
    int os_error = stele__mutex_init(&behind->lock, LOCK_RANK);
    if (os_error) {
        goto no_lock;
    }
    os_error = stele__condition_init(&behind->changed);
    if (os_error) {
        goto no_condition;
    }
    os_error = stele__thread_start(&behind->thread, "stele-cache", run, behind);
    if (os_error) {
        goto no_thread;
    }
    *ret_behind = behind;
    return STELE_OK;
no_thread:
    stele__condition_done(&behind->changed);
no_condition:
    stele__mutex_done(&behind->lock);
no_lock:
    stele__release(domain->alloc, behind, sizeof *behind);
    return stele__fail_os(reterr, STELE_IO, os_error, "the thread of the cache cannot be started");
}

void stele__behind_close(stele__behind *behind)
{
    if (!behind) {
        return;
    }
    stele__lock(&behind->lock);
    behind->is_closing = true;
    stele__condition_wake_all(&behind->changed);
    stele__unlock(&behind->lock);
    stele__thread_join(&behind->thread);
    stele__condition_done(&behind->changed);
    stele__mutex_done(&behind->lock);
    stele__release(behind->domain->alloc, behind, sizeof *behind);
}

void stele__behind_put(stele__behind *behind, const char *key, const void *value, size_t size)
{
    const size_t key_size = strlen(key);
    const size_t all = sizeof(item) + key_size + 1 + size;
    item *it = NULL;
    stele__lock(&behind->lock);
    if (behind->count < ITEMS_MAX && all <= BYTES_MAX - behind->bytes) {
        it = stele__allocate(behind->domain->alloc, all);
    }
    if (it) {
        *it = (item){.size = all, .key_size = key_size, .value_size = size};
        memcpy(it->bytes, key, key_size + 1);
        if (size > 0) {
            memcpy(it->bytes + key_size + 1, value, size);
        }
        *(behind->last ? &behind->last->next : &behind->first) = it;
        behind->last = it;
        behind->count++;
        behind->bytes += all;
        stele__condition_wake_all(&behind->changed);
    } else {
        STELE_COUNT(behind->domain, cache_dropped);
    }
    stele__unlock(&behind->lock);
}

void stele__behind_settle(stele__behind *behind)
{
    stele__lock(&behind->lock);
    while (behind->first || behind->is_busy) {
        (void)stele__condition_wait(&behind->changed, &behind->lock, STELE_FOREVER);
    }
    stele__unlock(&behind->lock);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The shared page of shared.h. */
#include "log/shared.h"

#include <errno.h>

static const char MAGIC[8] = {'S', 'T', 'E', 'L', 'E', 'P', 'G', '1'};
_Static_assert(sizeof(stele__shared_page) <= STELE_SHARED_SIZE, "one page");

/* The word as the operating system wants it. */
static uint32_t *sleeping_word(stele__shared *shared)
{
    return (uint32_t *)(uintptr_t)&shared->page->word;
}

static int map_page(stele__shared *shared, stele_file *file, bool is_writer)
{
    uint64_t size = 0;
    void *memory = NULL;
    int error = shared->vfs->size(file, &size);
    if (!error && is_writer && size < STELE_SHARED_SIZE) {
        error = shared->vfs->allocate(file, STELE_SHARED_SIZE);
        size = STELE_SHARED_SIZE;
    }
    if (!error && size < STELE_SHARED_SIZE) {
        error = ENOENT;
    }
    if (!error) {
        error = shared->vfs->map_shared(file, STELE_SHARED_SIZE, &memory);
    }
    if (!error) {
        stele__shared_page *page = memory;
        if (is_writer) {
            memcpy(page->magic, MAGIC, sizeof MAGIC);
        } else if (memcmp(page->magic, MAGIC, sizeof MAGIC) != 0) {
            shared->vfs->unmap_shared(shared->vfs, memory, STELE_SHARED_SIZE);
            return ENOENT;
        }
        shared->page = page;
        shared->is_mapped = true;
    }
    return error;
}

/* Copies what a reader cannot map. The word is left alone: it belongs to the threads here. */
static int copy_page(stele__shared *shared, stele_file *file)
{
    union {
        stele__shared_page page;
        uint8_t bytes[sizeof(stele__shared_page)];
    } copy;
    stele__shared_page *own = &shared->own;
    uint64_t file_size = 0;
    size_t size = 0;
    int error = shared->vfs->size(file, &file_size);
    if (!error && file_size < sizeof copy) {
        return ENOENT;
    }
    error = error ? error : shared->vfs->read(file, 0, copy.bytes, sizeof copy, &size);
    if (error || size < sizeof copy) {
        return error ? error : EIO;
    }
    if (memcmp(copy.page.magic, MAGIC, sizeof MAGIC) != 0) {
        return ENOENT;
    }
    memcpy(own->store, copy.page.store, sizeof own->store);
    memcpy(own->boot_id, copy.page.boot_id, sizeof own->boot_id);
    atomic_store_explicit(&own->generation, copy.page.generation, memory_order_relaxed);
    atomic_store_explicit(&own->head, copy.page.head, memory_order_release);
    shared->is_copied = true;
    return 0;
}

int stele__shared_look(stele__shared *shared, const char *path)
{
    const stele_vfs *vfs = shared->vfs;
    stele_file *file = NULL;
    shared->is_copied = false;
    int error = vfs->open(vfs, path, STELE_FILE_WRITE, &file);
    error = error ? error : map_page(shared, file, false);
    if (error && error != ENOENT && !file) {
        /* Perhaps he may not write, not even that somebody sleeps. */
        error = vfs->open(vfs, path, STELE_FILE_READ, &file);
    }
    if (error != ENOENT && file && !shared->is_mapped) {
        error = copy_page(shared, file);
    }
    if (file) {
        vfs->close(file);
    }
    return error;
}

void stele__shared_open(stele__shared *shared, const stele_vfs *vfs, const char *path,
                        bool is_writer)
{
    stele_file *file = NULL;
    memset(shared, 0, sizeof *shared);
    shared->vfs = vfs;
    shared->page = &shared->own;
    if (!is_writer) {
        (void)stele__shared_look(shared, path);
        return;
    }
    if (vfs->open(vfs, path, STELE_FILE_WRITE | STELE_FILE_CREATE, &file) == 0) {
        (void)map_page(shared, file, true);
        vfs->close(file);
    }
    atomic_fetch_add_explicit(&shared->page->writer, 1, memory_order_relaxed);
}

bool stele__shared_head(const stele__shared *shared, const stele_uuid *store,
                        const uint8_t boot_id[16], stele_position *ret_head)
{
    const stele__shared_page *page = shared->page;
    /* Pairs with the release in publish: who sees the head sees the bytes of the log, and whose
     * page it is. */
    *ret_head = atomic_load_explicit(&page->head, memory_order_acquire);
    return (shared->is_mapped || shared->is_copied) && memcmp(page->store, store->bytes, 16) == 0 &&
           memcmp(page->boot_id, boot_id, 16) == 0;
}

stele_position stele__shared_take(stele__shared *shared, const stele_uuid *store,
                                  const uint8_t boot_id[16])
{
    stele__shared_page *page = shared->page;
    stele_position told;
    if (stele__shared_head(shared, store, boot_id, &told)) {
        const stele_position answered = atomic_load_explicit(&page->answered, memory_order_relaxed);
        told = answered > told ? answered : told;
    } else {
        told = 0;
        atomic_store_explicit(&page->head, 0, memory_order_release);
        memcpy(page->store, store->bytes, 16);
        memcpy(page->boot_id, boot_id, 16);
    }
    atomic_store_explicit(&page->answered, 0, memory_order_relaxed);
    return told;
}

void stele__shared_answered(stele__shared *shared, stele_position position)
{
    atomic_store_explicit(&shared->page->answered, position, memory_order_relaxed);
}

void stele__shared_close(stele__shared *shared)
{
    if (shared->is_mapped) {
        shared->vfs->unmap_shared(shared->vfs, shared->page, STELE_SHARED_SIZE);
    }
    shared->page = &shared->own;
    shared->is_mapped = shared->is_copied = false;
}

void stele__shared_wake(stele__shared *shared)
{
    /* Pairs with the ticket: a sleeper who counted himself before this sees the new word or is
     * woken. */
    atomic_fetch_add_explicit(&shared->page->word, 1, memory_order_seq_cst);
    if (atomic_load_explicit(&shared->page->sleepers, memory_order_seq_cst) > 0) {
        shared->vfs->wake(shared->vfs, sleeping_word(shared));
    }
}

void stele__shared_publish(stele__shared *shared, stele_position head)
{
    /* Pairs with the acquire in followers: who sees the head sees the bytes of the log. */
    atomic_store_explicit(&shared->page->head, head, memory_order_release);
    stele__shared_wake(shared);
}

void stele__shared_set_generation(stele__shared *shared, uint64_t generation)
{
    atomic_store_explicit(&shared->page->generation, generation, memory_order_release);
}

uint64_t stele__shared_generation(const stele__shared *shared)
{
    return atomic_load_explicit(&shared->page->generation, memory_order_acquire);
}

uint32_t stele__shared_ticket(stele__shared *shared)
{
    return atomic_load_explicit(&shared->page->word, memory_order_seq_cst);
}

void stele__shared_sleep(stele__shared *shared, uint32_t ticket, int64_t timeout)
{
    atomic_fetch_add_explicit(&shared->page->sleepers, 1, memory_order_seq_cst);
    (void)shared->vfs->wait(shared->vfs, sleeping_word(shared), ticket, timeout);
    atomic_fetch_sub_explicit(&shared->page->sleepers, 1, memory_order_seq_cst);
}

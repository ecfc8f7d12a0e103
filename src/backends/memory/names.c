/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of names: what there is at the moment of opening, copied and sorted. */
#include "backends/memory/model.h"

struct stele_backend_names {
    const stele_alloc *alloc;
    stele_name_entry *entries;
    size_t count;
    size_t capacity;
    size_t next;
};

static memory_kind term_kind(stele_name_kind kind)
{
    switch (kind) {
    case STELE_STREAM_NAMES:
        return MEMORY_STREAM;
    case STELE_CATEGORY_NAMES:
        return MEMORY_CATEGORY;
    case STELE_TYPE_NAMES:
        return MEMORY_TYPE;
    case STELE_TAG_NAMES:
        return MEMORY_TAG;
    }
    return MEMORY_STREAM;
}

static bool is_listed(const memory_term *term, const stele_list *list)
{
    if (term->kind != term_kind(list->kind) || term->count == 0) {
        return false;
    }
    if (list->prefix && !stele__text_has_prefix(term->name, stele__text(list->prefix))) {
        return false;
    }
    if (list->category &&
        !stele__text_equal(stele__memory_category(term->name), stele__text(list->category))) {
        return false;
    }
    return !list->after || stele__text_compare(term->name, stele__text(list->after)) > 0;
}

static bool add_entry(stele_backend_names *names, const memory_term *term)
{
    void *entries = names->entries;
    if (!stele__reserve(names->alloc, &entries, &names->capacity, names->count + 1,
                        sizeof *names->entries)) {
        return false;
    }
    names->entries = entries;
    stele_name_entry *entry = &names->entries[names->count++];
    if (term->kind == MEMORY_STREAM) {
        stele__memory_stream_info(term, entry);
    } else {
        *entry = (stele_name_entry){.name = term->name,
                                    .event_count = term->count,
                                    .last_position = term->positions[term->count - 1]};
    }
    return true;
}

static bool collect(stele_backend_names *names, const memory_store *store, const stele_list *list)
{
    for (size_t i = 0; i < store->bucket_count; i++) {
        for (const memory_term *term = store->buckets[i]; term; term = term->next) {
            if (is_listed(term, list) && !add_entry(names, term)) {
                return false;
            }
        }
    }
    return true;
}

/* Lets the entry at `root` of a heap of `count` sink to its place; the greatest name is on top. */
static void sink(stele_name_entry *entries, size_t root, size_t count)
{
    for (size_t child = 2 * root + 1; child < count; child = 2 * root + 1) {
        if (child + 1 < count &&
            stele__text_compare(entries[child].name, entries[child + 1].name) < 0) {
            child++;
        }
        if (stele__text_compare(entries[root].name, entries[child].name) >= 0) {
            return;
        }
        const stele_name_entry entry = entries[root];
        entries[root] = entries[child];
        entries[child] = entry;
        root = child;
    }
}

/* In place: qsort() may take memory that nobody counts. */
static void sort_entries(stele_name_entry *entries, size_t count)
{
    for (size_t i = count / 2; i > 0; i--) {
        sink(entries, i - 1, count);
    }
    for (size_t end = count; end > 1; end--) {
        const stele_name_entry greatest = entries[0];
        entries[0] = entries[end - 1];
        entries[end - 1] = greatest;
        sink(entries, 0, end - 1);
    }
}

stele_status stele__memory_names_open(stele_backend *backend, const stele_list *list,
                                      stele_backend_names **ret_names, stele_error *reterr)
{
    memory_store *store = memory_of(backend);
    stele_backend_names *names = stele__allocate_zero(store->alloc, sizeof *names);
    if (!names) {
        return stele__fail_memory(reterr);
    }
    names->alloc = store->alloc;
    stele__lock(&store->lock);
    const bool is_complete = collect(names, store, list);
    stele__unlock(&store->lock);
    if (!is_complete) {
        stele__memory_names_free(names);
        return stele__fail_memory(reterr);
    }
    sort_entries(names->entries, names->count);
    *ret_names = names;
    return STELE_OK;
}

const stele_name_entry *stele__memory_names_next(stele_backend_names *names, stele_error *reterr)
{
    (void)stele__succeed(reterr);
    return names->next < names->count ? &names->entries[names->next++] : NULL;
}

void stele__memory_names_free(stele_backend_names *names)
{
    if (names) {
        stele__release(names->alloc, names->entries, names->capacity * sizeof *names->entries);
        stele__release(names->alloc, names, sizeof *names);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of the memory backend: names with their postings, records, and event ids. Plain hash
 * tables, so that tests with a hundred thousand events do not become quadratic; nothing here knows
 * a rule of appending.
 */
#include "backends/memory/model.h"

#define FIRST_BUCKET_COUNT 64
#define FIRST_ID_CAPACITY 64

stele_text stele__memory_category(stele_text stream)
{
    size_t size = 0;
    while (size < stream.size && stream.data[size] != '-') {
        size++;
    }
    if (size == stream.size || stream.data[0] == '$') {
        size = 0;
    }
    return (stele_text){stream.data, size};
}

stele_text stele__memory_described(stele_text stream)
{
    if (stream.size > 2 && stream.data[0] == '$' && stream.data[1] == '$') {
        return (stele_text){stream.data + 2, stream.size - 2};
    }
    return (stele_text){NULL, 0};
}

/* ---- Terms. */

static uint64_t hash_name(const memory_store *store, memory_kind kind, stele_text name)
{
    return stele__hash(&store->hash_key, name.data, name.size) +
           (uint64_t)kind * UINT64_C(0x9e3779b97f4a7c15);
}

memory_term *stele__memory_term_find(const memory_store *store, memory_kind kind, stele_text name)
{
    if (store->bucket_count == 0) {
        return NULL;
    }
    const uint64_t hash = hash_name(store, kind, name);
    memory_term *term = store->buckets[hash & (store->bucket_count - 1)];
    while (term &&
           !(term->hash == hash && term->kind == kind && stele__text_equal(term->name, name))) {
        term = term->next;
    }
    return term;
}

/* Keeps the chains short. Only the first allocation must succeed: later ones save time, nothing
 * else. */
static bool grow_buckets(memory_store *store)
{
    const size_t count = store->bucket_count ? store->bucket_count * 2 : FIRST_BUCKET_COUNT;
    if (store->term_count < store->bucket_count) {
        return true;
    }
    memory_term **buckets = stele__allocate_zero(store->alloc, count * sizeof *buckets);
    if (!buckets) {
        return store->bucket_count > 0;
    }
    for (size_t i = 0; i < store->bucket_count; i++) {
        for (memory_term *term = store->buckets[i], *next; term; term = next) {
            next = term->next;
            term->next = buckets[term->hash & (count - 1)];
            buckets[term->hash & (count - 1)] = term;
        }
    }
    stele__release(store->alloc, store->buckets, store->bucket_count * sizeof *buckets);
    store->buckets = buckets;
    store->bucket_count = count;
    return true;
}

memory_term *stele__memory_term_make(memory_store *store, memory_kind kind, stele_text name)
{
    memory_term *term = stele__memory_term_find(store, kind, name);
    if (term) {
        return term;
    }
    if (!grow_buckets(store)) {
        return NULL;
    }
    term = stele__allocate(store->alloc, sizeof *term + name.size);
    if (!term) {
        return NULL;
    }
    *term = (memory_term){.hash = hash_name(store, kind, name),
                          .kind = kind,
                          .next_fresh = store->fresh};
    memcpy(term + 1, name.data, name.size);
    term->name = (stele_text){(const char *)(term + 1), name.size};
    memory_term **bucket = &store->buckets[term->hash & (store->bucket_count - 1)];
    term->next = *bucket;
    *bucket = term;
    store->fresh = term;
    store->term_count++;
    return term;
}

static void free_term(memory_store *store, memory_term *term)
{
    stele__release(store->alloc, term->positions, term->capacity * sizeof *term->positions);
    stele__release(store->alloc, term, sizeof *term + term->name.size);
}

void stele__memory_terms_drop(memory_store *store)
{
    for (memory_term *term = store->fresh, *next; term; term = next) {
        next = term->next_fresh;
        memory_term **link = &store->buckets[term->hash & (store->bucket_count - 1)];
        while (*link != term) {
            link = &(*link)->next;
        }
        *link = term->next;
        store->term_count--;
        free_term(store, term);
    }
    store->fresh = NULL;
}

void stele__memory_terms_keep(memory_store *store)
{
    for (memory_term *term = store->fresh, *next; term; term = next) {
        next = term->next_fresh;
        term->next_fresh = NULL;
    }
    store->fresh = NULL;
}

void stele__memory_terms_free(memory_store *store)
{
    for (size_t i = 0; i < store->bucket_count; i++) {
        for (memory_term *term = store->buckets[i], *next; term; term = next) {
            next = term->next;
            free_term(store, term);
        }
    }
    stele__release(store->alloc, store->buckets, store->bucket_count * sizeof(memory_term *));
    stele__release(store->alloc, store->ids, store->id_capacity * sizeof *store->ids);
}

size_t stele__memory_term_lower(const memory_term *term, stele_position position)
{
    size_t low = 0;
    size_t high = term->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (term->positions[middle] < position) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* ---- Records. */

memory_record *stele__memory_record(const memory_store *store, stele_position position)
{
    const uint64_t index = position - 1;
    const unsigned chunk = 63 - (unsigned)__builtin_clzll(index / MEMORY_CHUNK_RECORDS + 1);
    const uint64_t before = MEMORY_CHUNK_RECORDS * ((UINT64_C(1) << chunk) - 1);
    return &store->chunks[chunk][index - before];
}

stele_position stele__memory_position_at(const memory_store *store, stele_position head,
                                         stele_time time)
{
    stele_position low = 1;
    stele_position high = head + 1;
    while (low < high) {
        const stele_position middle = low + (high - low) / 2;
        if (stele__memory_record(store, middle)->event.time < time) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* ---- Event ids: open addressing; slots are never freed. */

static size_t find_slot(const memory_store *store, const memory_term *stream, const stele_uuid *id)
{
    size_t slot =
        (size_t)(stele__hash(&store->hash_key, id->bytes, sizeof id->bytes) ^ stream->hash);
    slot &= store->id_capacity - 1;
    while (store->ids[slot].stream &&
           !(store->ids[slot].stream == stream && stele__uuid_equal(&store->ids[slot].id, id))) {
        slot = (slot + 1) & (store->id_capacity - 1);
    }
    return slot;
}

stele_position stele__memory_id_find(memory_store *store, const memory_term *stream,
                                     const stele_uuid *id)
{
    if (store->id_capacity == 0) {
        return 0;
    }
    memory_id *entry = &store->ids[find_slot(store, stream, id)];
    if (!entry->stream) {
        return 0;
    }
    while (entry->first && entry->first + STELE_ID_WINDOW <= store->head) {
        entry->first = stele__memory_record(store, entry->first)->next_same_id;
    }
    return entry->first;
}

bool stele__memory_ids_reserve(memory_store *store, size_t more)
{
    size_t capacity = store->id_capacity ? store->id_capacity : FIRST_ID_CAPACITY;
    while (capacity / 2 < store->id_count + more) {
        capacity *= 2;
    }
    if (capacity == store->id_capacity) {
        return true;
    }
    memory_id *ids = stele__allocate_zero(store->alloc, capacity * sizeof *ids);
    if (!ids) {
        return false;
    }
    memory_id *old = store->ids;
    const size_t old_capacity = store->id_capacity;
    store->ids = ids;
    store->id_capacity = capacity;
    for (size_t i = 0; i < old_capacity; i++) {
        if (old[i].stream) {
            store->ids[find_slot(store, old[i].stream, &old[i].id)] = old[i];
        }
    }
    stele__release(store->alloc, old, old_capacity * sizeof *old);
    return true;
}

void stele__memory_id_add(memory_store *store, memory_record *record)
{
    memory_id *entry = &store->ids[find_slot(store, record->stream, &record->event.id)];
    if (!entry->stream) {
        *entry = (memory_id){.stream = record->stream, .id = record->event.id};
        store->id_count++;
    }
    if (entry->first) {
        stele__memory_record(store, entry->last)->next_same_id = record->event.position;
    } else {
        entry->first = record->event.position;
    }
    entry->last = record->event.position;
}

/* ---- What a stream shows. */

uint64_t stele__memory_first_visible(const memory_term *stream)
{
    const bool is_metastream = stele__memory_described(stream->name).size > 0;
    const uint64_t max_count = is_metastream ? 1 : stream->metadata.max_count;
    uint64_t first = stream->metadata.truncate_before;
    if (stream->metadata.is_deleted || stream->is_tombstoned) {
        return stream->event_count;
    }
    if (max_count > 0 && stream->event_count > max_count &&
        stream->event_count - max_count > first) {
        first = stream->event_count - max_count;
    }
    return first;
}

void stele__memory_stream_info(const memory_term *stream, stele_stream_info *ret_info)
{
    const uint64_t first = stele__memory_first_visible(stream);
    stele_expected state = (stele_expected)stream->event_count - 1;
    if (stream->is_tombstoned) {
        state = STELE_IS_TOMBSTONED;
    } else if (stream->metadata.is_deleted) {
        state = STELE_IS_DELETED;
    }
    *ret_info = (stele_stream_info){
        .name = stream->name,
        .state = state,
        .last_revision = stream->event_count ? stream->event_count - 1 : 0,
        .first_revision = first,
        .event_count = stream->event_count,
        .visible_count = first < stream->event_count ? stream->event_count - first : 0,
        .last_position = stream->count ? stream->positions[stream->count - 1] : 0,
        .has_metadata = stream->has_metadata,
    };
}

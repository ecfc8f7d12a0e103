/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tail of tail.h: an arena of blocks that never move, a table of handles with open addressing,
 * and for each term its first posting inline and the others in chunks that double in size.
 */
#define _GNU_SOURCE /* qsort_r */
#include "log/tail.h"

#include <stdlib.h>

enum {
    UNIT_SIZE = 8,
    BLOCK_SIZE = 1 << 16,
    BLOCK_UNITS = BLOCK_SIZE / UNIT_SIZE,
    TABLE_SIZE_MIN = 256,
    CHUNK_POSTINGS_MIN = 4,
    CHUNK_POSTINGS_MAX = 508,
    OFFSETS_PER_PIECE = 1024
};

/* Postings of ranks base .. base + capacity - 1. */
typedef struct chunk {
    stele__tail_handle next;
    stele__tail_handle previous;
    uint32_t base;
    uint32_t capacity;
    uint32_t positions[];
} chunk;

/* An array that readers load without a lock, replaced by a larger one when full (T3). */
typedef struct directory {
    size_t capacity;
    void *items[];
} directory;

/* A slot has a handle below, and above it the upper half of the term's hash: which term it is not
 * is known without a look at the term, which is far away. 0: empty. */
typedef struct table {
    uint32_t size; /* a power of two */
    _Atomic uint64_t slots[];
} table;

typedef struct retired {
    struct retired *next;
    void *memory;
    size_t size;
} retired;

struct stele__tail {
    const stele_alloc *alloc;
    stele__hash_key hash_key;
    stele_position first;
    _Atomic(directory *) blocks;
    size_t block_count;
    uint32_t next_unit; /* where the arena goes on */
    _Atomic(table *) terms;
    uint32_t slots_used;
    uint64_t present;             /* bits of STELE_ABSENT_… that some term has */
    _Atomic(directory *) offsets; /* pieces of OFFSETS_PER_PIECE */
    size_t offset_pieces;
    _Atomic uint32_t event_count;
    _Atomic size_t memory;
    retired *retired;
};

/* ---- memory */

static size_t directory_size(size_t capacity)
{
    return sizeof(directory) + capacity * sizeof(void *);
}

static size_t table_size(uint32_t size)
{
    return sizeof(table) + size * sizeof(uint64_t);
}

static void *take_memory(stele__tail *tail, size_t size)
{
    void *memory = stele__allocate_zero(tail->alloc, size);
    if (memory) {
        atomic_fetch_add_explicit(&tail->memory, size, memory_order_relaxed);
    }
    return memory;
}

/* Keeps replaced memory until the tail goes (T3). The note about it is made first, so that this
 * cannot fail. */
static void retire(stele__tail *tail, retired *note, void *memory, size_t size)
{
    *note = (retired){tail->retired, memory, size};
    tail->retired = note;
}

/* Makes sure that a directory has room for item number `count`. */
static bool grow_directory(stele__tail *tail, _Atomic(directory *) *place, size_t count)
{
    directory *old = atomic_load_explicit(place, memory_order_relaxed);
    if (old && count < old->capacity) {
        return true;
    }
    const size_t capacity = old ? old->capacity * 4 : 4;
    retired *note = old ? take_memory(tail, sizeof *note) : NULL;
    directory *larger = old && !note ? NULL : take_memory(tail, directory_size(capacity));
    if (!larger) {
        if (note) {
            stele__release(tail->alloc, note, sizeof *note);
        }
        return false;
    }
    larger->capacity = capacity;
    if (old) {
        memcpy(larger->items, old->items, old->capacity * sizeof(void *));
        retire(tail, note, old, directory_size(old->capacity));
    }
    atomic_store_explicit(place, larger, memory_order_release);
    return true;
}

static void *arena_at(const stele__tail *tail, stele__tail_handle handle)
{
    const directory *blocks = atomic_load_explicit(&tail->blocks, memory_order_acquire);
    return (uint8_t *)blocks->items[handle / BLOCK_UNITS] +
           (size_t)(handle % BLOCK_UNITS) * UNIT_SIZE;
}

/* Zeroed memory in the arena, at most a block; 0 if there is none. */
static stele__tail_handle arena_take(stele__tail *tail, size_t size)
{
    const uint32_t units = (uint32_t)((size + UNIT_SIZE - 1) / UNIT_SIZE);
    STELE_ASSERT(units <= BLOCK_UNITS - 1);
    const uint32_t used_in_block = tail->next_unit % BLOCK_UNITS;
    if (tail->block_count == 0 || used_in_block == 0 || used_in_block + units > BLOCK_UNITS) {
        if (!grow_directory(tail, &tail->blocks, tail->block_count)) {
            return 0;
        }
        void *block = take_memory(tail, BLOCK_SIZE);
        if (!block) {
            return 0;
        }
        atomic_load_explicit(&tail->blocks, memory_order_relaxed)->items[tail->block_count] = block;
        /* Handle 0 means none: the first unit of the first block stays empty. */
        tail->next_unit = (uint32_t)tail->block_count * BLOCK_UNITS + (tail->block_count == 0);
        tail->block_count++;
    }
    const stele__tail_handle handle = tail->next_unit;
    tail->next_unit += units;
    return handle;
}

stele_status stele__tail_create(const stele_alloc *alloc, const stele__hash_key *hash_key,
                                stele_position first, stele__tail **ret_tail, stele_error *reterr)
{
    stele__tail *tail = stele__allocate_zero(alloc, sizeof *tail);
    if (!tail) {
        return stele__fail_memory(reterr);
    }
    tail->alloc = alloc;
    tail->hash_key = *hash_key;
    tail->first = first;
    table *terms = take_memory(tail, table_size(TABLE_SIZE_MIN));
    if (!terms) {
        stele__tail_free(tail);
        return stele__fail_memory(reterr);
    }
    terms->size = TABLE_SIZE_MIN;
    atomic_store_explicit(&tail->terms, terms, memory_order_relaxed);
    *ret_tail = tail;
    return STELE_OK;
}

static void free_directory(stele__tail *tail, directory *items, size_t count, size_t item_size)
{
    for (size_t i = 0; items && i < count; i++) {
        stele__release(tail->alloc, items->items[i], item_size);
    }
    if (items) {
        stele__release(tail->alloc, items, directory_size(items->capacity));
    }
}

void stele__tail_free(stele__tail *tail)
{
    if (!tail) {
        return;
    }
    free_directory(tail, atomic_load_explicit(&tail->blocks, memory_order_relaxed),
                   tail->block_count, BLOCK_SIZE);
    free_directory(tail, atomic_load_explicit(&tail->offsets, memory_order_relaxed),
                   tail->offset_pieces, OFFSETS_PER_PIECE * sizeof(uint32_t));
    table *terms = atomic_load_explicit(&tail->terms, memory_order_relaxed);
    if (terms) {
        stele__release(tail->alloc, terms, table_size(terms->size));
    }
    while (tail->retired) {
        retired *note = tail->retired;
        tail->retired = note->next;
        stele__release(tail->alloc, note->memory, note->size);
        stele__release(tail->alloc, note, sizeof *note);
    }
    stele__release(tail->alloc, tail, sizeof *tail);
}

/* ---- terms */

stele__tail_term *stele__tail_at(const stele__tail *tail, stele__tail_handle term)
{
    return arena_at(tail, term);
}

stele_text stele__tail_name(const stele__tail *tail, const stele__tail_term *term)
{
    return (stele_text){arena_at(tail, term->name), term->name_size};
}

stele_position stele__tail_last(const stele__tail *tail, const stele__tail_term *term)
{
    return atomic_load_explicit(&term->count, memory_order_relaxed) > 0
               ? tail->first + atomic_load_explicit(&term->last, memory_order_relaxed)
               : 0;
}

stele__tail_handle stele__tail_find_handle(const stele__tail *tail, stele__term_kind kind,
                                           stele_text name, uint64_t hash)
{
    table *terms = atomic_load_explicit(&tail->terms, memory_order_acquire);
    const uint32_t mask = terms->size - 1;
    for (uint32_t i = (uint32_t)hash & mask;; i = (i + 1) & mask) {
        const uint64_t slot = atomic_load_explicit(&terms->slots[i], memory_order_acquire);
        if (!slot) {
            return 0;
        }
        if (slot >> 32 != hash >> 32) {
            continue;
        }
        const stele__tail_handle handle = (stele__tail_handle)slot;
        const stele__tail_term *term = arena_at(tail, handle);
        if (term->hash == hash && term->kind == kind &&
            stele__text_equal(stele__tail_name(tail, term), name)) {
            return handle;
        }
    }
}

stele__tail_term *stele__tail_find(const stele__tail *tail, stele__term_kind kind, stele_text name,
                                   uint64_t hash)
{
    const stele__tail_handle handle = stele__tail_find_handle(tail, kind, name, hash);
    return handle ? arena_at(tail, handle) : NULL;
}

static void table_put(table *terms, uint64_t hash, stele__tail_handle handle)
{
    const uint32_t mask = terms->size - 1;
    uint32_t i = (uint32_t)hash & mask;
    while (atomic_load_explicit(&terms->slots[i], memory_order_relaxed)) {
        i = (i + 1) & mask;
    }
    /* Pairs with the acquire in stele__tail_find_handle: who sees the handle sees the term. */
    atomic_store_explicit(&terms->slots[i], hash >> 32 << 32 | handle, memory_order_release);
}

/* Keeps the table at most three quarters full. */
static bool grow_table(stele__tail *tail)
{
    table *old = atomic_load_explicit(&tail->terms, memory_order_relaxed);
    if ((tail->slots_used + 1) * 4 <= old->size * 3) {
        return true;
    }
    retired *note = take_memory(tail, sizeof *note);
    table *larger = note ? take_memory(tail, table_size(old->size * 2)) : NULL;
    if (!larger) {
        if (note) {
            stele__release(tail->alloc, note, sizeof *note);
        }
        return false;
    }
    larger->size = old->size * 2;
    for (uint32_t i = 0; i < old->size; i++) {
        const stele__tail_handle handle =
            (stele__tail_handle)atomic_load_explicit(&old->slots[i], memory_order_relaxed);
        if (handle) {
            table_put(larger, ((const stele__tail_term *)arena_at(tail, handle))->hash, handle);
        }
    }
    retire(tail, note, old, table_size(old->size));
    atomic_store_explicit(&tail->terms, larger, memory_order_release);
    return true;
}

stele_status stele__tail_touch(stele__tail *tail, stele__term_kind kind, stele_text name,
                               uint64_t hash, stele__tail_handle *ret_term, stele_error *reterr)
{
    const stele__tail_handle known = stele__tail_find_handle(tail, kind, name, hash);
    if (known) {
        *ret_term = known;
        return STELE_OK;
    }
    const size_t size =
        sizeof(stele__tail_term) + (kind == STELE_TERM_STREAM ? sizeof(stele__tail_stream) : 0);
    if (!grow_table(tail)) {
        return stele__fail_memory(reterr);
    }
    const stele__tail_handle bytes = arena_take(tail, name.size);
    const stele__tail_handle handle = bytes ? arena_take(tail, size) : 0;
    if (!handle) {
        return stele__fail_memory(reterr);
    }
    memcpy(arena_at(tail, bytes), name.data, name.size);
    stele__tail_term *term = arena_at(tail, handle);
    term->hash = hash;
    term->name = bytes;
    term->name_size = (uint16_t)name.size;
    term->kind = (uint8_t)kind;
    table_put(atomic_load_explicit(&tail->terms, memory_order_relaxed), hash, handle);
    tail->slots_used++;
    tail->present |= stele__term_absent(kind, name);
    *ret_term = handle;
    return STELE_OK;
}

/* ---- postings */

/* Makes room for one more posting behind those that fit and those that are promised (T5). */
static bool make_room(stele__tail *tail, stele__tail_term *term)
{
    const uint32_t count = atomic_load_explicit(&term->count, memory_order_relaxed);
    if (count + term->reserved == 0) {
        return true; /* the first posting stands in the term itself */
    }
    if (count + term->reserved < 1 + term->room) {
        return true;
    }
    const uint32_t doubled = term->room < CHUNK_POSTINGS_MIN ? CHUNK_POSTINGS_MIN : term->room;
    const uint32_t capacity = doubled < CHUNK_POSTINGS_MAX ? doubled : CHUNK_POSTINGS_MAX;
    const stele__tail_handle handle = arena_take(tail, sizeof(chunk) + capacity * sizeof(uint32_t));
    if (!handle) {
        return false;
    }
    chunk *fresh = arena_at(tail, handle);
    const stele__tail_handle previous =
        atomic_load_explicit(&term->last_chunk, memory_order_relaxed);
    fresh->previous = previous;
    fresh->base = 1 + term->room;
    fresh->capacity = capacity;
    if (previous) {
        ((chunk *)arena_at(tail, previous))->next = handle;
    } else {
        term->head = handle;
    }
    term->room += capacity;
    /* Readers who find it empty step back by its base (position_at). */
    atomic_store_explicit(&term->last_chunk, handle, memory_order_release);
    return true;
}

/* The chunk that the next posting goes to is far away, too, and it is a while until then. */
static void prefetch_chunk(const stele__tail *tail, const stele__tail_term *term)
{
    const stele__tail_handle last = atomic_load_explicit(&term->last_chunk, memory_order_relaxed);
    if (last) {
        __builtin_prefetch(arena_at(tail, last), 1);
    }
}

stele_status stele__tail_promise(stele__tail *tail, stele__tail_handle handle, stele_error *reterr)
{
    stele__tail_term *term = arena_at(tail, handle);
    if (!make_room(tail, term)) {
        return stele__fail_memory(reterr);
    }
    prefetch_chunk(tail, term);
    term->reserved++;
    return STELE_OK;
}

void stele__tail_withdraw(stele__tail *tail, stele__tail_handle handle)
{
    stele__tail_term *term = arena_at(tail, handle);
    STELE_ASSERT(term->reserved > 0);
    term->reserved--;
}

stele_status stele__tail_intern(stele__tail *tail, stele__term_kind kind, stele_text name,
                                uint64_t hash, stele__tail_handle *ret_term, stele_error *reterr)
{
    STELE_TRY(stele__tail_touch(tail, kind, name, hash, ret_term, reterr));
    return stele__tail_promise(tail, *ret_term, reterr);
}

/* The chunk that holds a rank from 1 on, walking from `from` in either direction. */
static chunk *chunk_of(const stele__tail *tail, stele__tail_handle from, uint32_t rank,
                       stele__tail_handle *ret_handle)
{
    chunk *at = arena_at(tail, from);
    while (rank < at->base) {
        from = at->previous;
        at = arena_at(tail, from);
    }
    while (rank >= at->base + at->capacity) {
        from = at->next;
        at = arena_at(tail, from);
    }
    *ret_handle = from;
    return at;
}

void stele__tail_post(stele__tail *tail, stele__tail_handle handle, stele_position position)
{
    stele__tail_term *term = arena_at(tail, handle);
    const uint32_t count = atomic_load_explicit(&term->count, memory_order_relaxed);
    const uint32_t relative = (uint32_t)(position - tail->first);
    STELE_ASSERT(term->reserved > 0);
    term->reserved--;
    if (count > 0 && atomic_load_explicit(&term->last, memory_order_relaxed) >= relative) {
        STELE_ASSERT(atomic_load_explicit(&term->last, memory_order_relaxed) == relative);
        return;
    }
    if (count == 0) {
        term->first = relative;
    } else {
        stele__tail_handle found;
        chunk *at = chunk_of(tail, atomic_load_explicit(&term->last_chunk, memory_order_relaxed),
                             count, &found);
        at->positions[count - at->base] = relative;
    }
    atomic_store_explicit(&term->last, relative, memory_order_relaxed);
    /* Pairs with the acquire in postings_init (T2). */
    atomic_store_explicit(&term->count, count + 1, memory_order_release);
}

static stele_position posting_at(const stele__tail *tail, const stele__tail_term *term,
                                 uint32_t rank, stele__tail_handle *chunk_handle)
{
    if (rank == 0) {
        return tail->first + term->first;
    }
    if (!*chunk_handle) {
        *chunk_handle = atomic_load_explicit(&term->last_chunk, memory_order_acquire);
    }
    const chunk *at = chunk_of(tail, *chunk_handle, rank, chunk_handle);
    return tail->first + at->positions[rank - at->base];
}

void stele__tail_postings_init(stele__tail_postings *postings, const stele__tail *tail,
                               const stele__tail_term *term, stele_position head)
{
    *postings = (stele__tail_postings){.tail = tail, .term = term};
    postings->count = atomic_load_explicit(&term->count, memory_order_acquire);
    if (postings->count > 0 && stele__tail_position_at(postings, postings->count - 1) > head) {
        postings->count = stele__tail_rank_of(postings, head + 1);
    }
}

stele_position stele__tail_position_at(stele__tail_postings *postings, uint32_t rank)
{
    STELE_DEBUG_ASSERT(rank < postings->count);
    return posting_at(postings->tail, postings->term, rank, &postings->chunk);
}

uint32_t stele__tail_rank_of(stele__tail_postings *postings, stele_position position)
{
    const stele__tail *tail = postings->tail;
    if (postings->count == 0 || position <= tail->first + postings->term->first) {
        return 0;
    }
    const stele_position last = stele__tail_position_at(postings, postings->count - 1);
    if (position > last) {
        return postings->count;
    }
    if (postings->count == 1) {
        return 1;
    }
    /* The last chunk that begins at or below the position, walking back from the newest: recent
     * positions are asked for most. */
    const uint32_t relative = (uint32_t)(position - tail->first);
    stele__tail_handle handle = postings->chunk;
    chunk *at = chunk_of(tail, handle, postings->count - 1, &handle);
    while (at->base > 1 && at->positions[0] > relative) {
        handle = at->previous;
        at = arena_at(tail, handle);
    }
    postings->chunk = handle;
    const uint32_t filled =
        postings->count - at->base < at->capacity ? postings->count - at->base : at->capacity;
    uint32_t low = 0;
    uint32_t high = filled;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (at->positions[middle] < relative) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return at->base + low;
}

/* ---- events */

stele_status stele__tail_reserve_events(stele__tail *tail, size_t count, stele_error *reterr)
{
    const size_t needed = atomic_load_explicit(&tail->event_count, memory_order_relaxed) + count;
    while (tail->offset_pieces * OFFSETS_PER_PIECE < needed) {
        if (!grow_directory(tail, &tail->offsets, tail->offset_pieces)) {
            return stele__fail_memory(reterr);
        }
        void *piece = take_memory(tail, OFFSETS_PER_PIECE * sizeof(uint32_t));
        if (!piece) {
            return stele__fail_memory(reterr);
        }
        atomic_load_explicit(&tail->offsets, memory_order_relaxed)->items[tail->offset_pieces++] =
            piece;
    }
    return STELE_OK;
}

void stele__tail_add_event(stele__tail *tail, uint32_t offset)
{
    const uint32_t count = atomic_load_explicit(&tail->event_count, memory_order_relaxed);
    STELE_ASSERT(count < tail->offset_pieces * OFFSETS_PER_PIECE);
    uint32_t *piece = atomic_load_explicit(&tail->offsets, memory_order_relaxed)
                          ->items[count / OFFSETS_PER_PIECE];
    piece[count % OFFSETS_PER_PIECE] = offset;
    atomic_store_explicit(&tail->event_count, count + 1, memory_order_release);
}

stele_position stele__tail_first(const stele__tail *tail)
{
    return tail->first;
}

uint32_t stele__tail_event_count(const stele__tail *tail)
{
    return atomic_load_explicit(&tail->event_count, memory_order_acquire);
}

uint32_t stele__tail_offset(const stele__tail *tail, stele_position position)
{
    const uint32_t relative = (uint32_t)(position - tail->first);
    STELE_ASSERT(position >= tail->first && relative < stele__tail_event_count(tail));
    const uint32_t *piece = atomic_load_explicit(&tail->offsets, memory_order_acquire)
                                ->items[relative / OFFSETS_PER_PIECE];
    return piece[relative % OFFSETS_PER_PIECE];
}

size_t stele__tail_memory(const stele__tail *tail)
{
    return atomic_load_explicit(&tail->memory, memory_order_relaxed);
}

size_t stele__tail_term_count(const stele__tail *tail)
{
    return tail->slots_used;
}

uint64_t stele__tail_absent(const stele__tail *tail)
{
    return STELE_ABSENT_ALL & ~tail->present;
}

/* ---- sorting */

/* A term while it is sorted. What decides nearly every comparison stands here, and not all over the
 * arena: of names that begin alike (as streams of one category do), the 8 bytes behind that. */
typedef struct sort_item {
    uint64_t bytes; /* the first one is the most significant */
    stele__tail_handle term;
    uint32_t kind;
} sort_item;

/* How many bytes all names of each kind share, at least. */
typedef struct common_prefix {
    stele_text name; /* of one of them */
    size_t size;
} common_prefix;

/* Terms are asked for so many before they are looked at: they stand all over the arena. */
enum { KIND_COUNT = STELE_TERM_KEY + 1, SORT_AHEAD = 16, KIND_DIGIT = 8 };

static int compare_terms(const void *a, const void *b, void *context)
{
    const stele__tail *tail = context;
    const sort_item *left = a;
    const sort_item *right = b;
    if (left->kind != right->kind) {
        return left->kind < right->kind ? -1 : 1;
    }
    if (left->bytes != right->bytes) {
        return left->bytes < right->bytes ? -1 : 1;
    }
    return stele__text_compare(stele__tail_name(tail, arena_at(tail, left->term)),
                               stele__tail_name(tail, arena_at(tail, right->term)));
}

/* The least significant digit is number 0; the kind is the most significant one. */
static unsigned digit_of(const sort_item *item, unsigned digit)
{
    return digit < KIND_DIGIT ? (unsigned)(item->bytes >> (8 * digit)) & 255 : item->kind;
}

static void narrow_prefix(common_prefix *prefix, stele_text name)
{
    size_t size = 0;
    if (!prefix->name.data) {
        *prefix = (common_prefix){name, name.size};
        return;
    }
    while (size < prefix->size && size < name.size && name.data[size] == prefix->name.data[size]) {
        size++;
    }
    prefix->size = size;
}

/* Eight bytes of a name behind the common ones, with zeroes behind its end: names have none. */
static uint64_t bytes_behind(stele_text name, size_t prefix)
{
    uint64_t bytes = 0;
    for (size_t i = prefix; i < prefix + sizeof bytes; i++) {
        bytes = bytes << 8 | (i < name.size ? (uint8_t)name.data[i] : 0);
    }
    return bytes;
}

static bool is_wanted(const stele__tail *tail, const stele__tail_term *term, int kind,
                      stele_position head)
{
    return (kind == 0 || term->kind == kind) &&
           atomic_load_explicit(&term->count, memory_order_acquire) > 0 &&
           tail->first + term->first <= head;
}

static void prefetch_term(const stele__tail *tail, stele__tail_handle term)
{
    if (term) {
        __builtin_prefetch(arena_at(tail, term));
    }
}

/* Whatever is wanted, unsorted; `*ret_capacity` as of stele__reserve(). */
static stele_status collect_items(const stele__tail *tail, const stele_alloc *alloc, int kind,
                                  stele_position head, sort_item **ret_items, size_t *ret_capacity,
                                  size_t *ret_count, stele_error *reterr)
{
    table *terms = atomic_load_explicit(&tail->terms, memory_order_acquire);
    common_prefix prefixes[KIND_COUNT] = {{{NULL, 0}, 0}};
    sort_item *items = NULL;
    size_t capacity = 0;
    size_t count = 0;
    for (uint32_t i = 0; i < terms->size; i++) {
        const stele__tail_handle handle =
            (stele__tail_handle)atomic_load_explicit(&terms->slots[i], memory_order_acquire);
        const stele__tail_term *term = handle ? arena_at(tail, handle) : NULL;
        if (i + SORT_AHEAD < terms->size) {
            prefetch_term(tail,
                          (stele__tail_handle)atomic_load_explicit(&terms->slots[i + SORT_AHEAD],
                                                                   memory_order_acquire));
        }
        if (!term || !is_wanted(tail, term, kind, head)) {
            continue;
        }
        if (!stele__reserve(alloc, (void **)&items, &capacity, count + 1, sizeof *items)) {
            stele__release(alloc, items, capacity * sizeof *items);
            return stele__fail_memory(reterr);
        }
        items[count++] = (sort_item){0, handle, term->kind};
        narrow_prefix(&prefixes[term->kind], stele__tail_name(tail, term));
    }
    for (size_t i = 0; i < count; i++) {
        const stele_text name = stele__tail_name(tail, arena_at(tail, items[i].term));
        if (i + SORT_AHEAD < count) {
            prefetch_term(tail, items[i + SORT_AHEAD].term);
        }
        items[i].bytes = bytes_behind(name, prefixes[items[i].kind].size);
    }
    *ret_items = items;
    *ret_capacity = capacity;
    *ret_count = count;
    return STELE_OK;
}

/* One pass of a sort by digits: moves the items into `to` in the order of a digit. False: it is the
 * same in all of them, and nothing was moved. */
static bool sort_by_digit(const sort_item *from, sort_item *to, size_t count, unsigned digit)
{
    size_t places[256] = {0};
    for (size_t i = 0; i < count; i++) {
        places[digit_of(&from[i], digit)]++;
    }
    if (places[digit_of(&from[0], digit)] == count) {
        return false;
    }
    for (size_t value = 0, place = 0; value < 256; value++) {
        const size_t here = places[value];
        places[value] = place;
        place += here;
    }
    for (size_t i = 0; i < count; i++) {
        to[places[digit_of(&from[i], digit)]++] = from[i];
    }
    return true;
}

/* Sorts with the help of as much memory again; answers which of the two has the result. Digit by
 * digit, from the least significant one, so that few comparisons are left: those of names that
 * begin alike for longer than what stands in the items. */
static sort_item *sort_items(const stele__tail *tail, sort_item *items, sort_item *others,
                             size_t count)
{
    for (unsigned digit = 0; digit <= KIND_DIGIT; digit++) {
        if (sort_by_digit(items, others, count, digit)) {
            sort_item *sorted = others;
            others = items;
            items = sorted;
        }
    }
    for (size_t from = 0, end = 1; from < count; from = end++) {
        while (end < count && items[end].kind == items[from].kind &&
               items[end].bytes == items[from].bytes) {
            end++;
        }
        if (end - from > 1) {
            qsort_r(items + from, end - from, sizeof *items, compare_terms,
                    (void *)(uintptr_t)tail);
        }
    }
    return items;
}

stele_status stele__tail_sorted(const stele__tail *tail, const stele_alloc *alloc, int kind,
                                stele_position head, stele__tail_handle **ret_terms,
                                size_t *ret_count, stele_error *reterr)
{
    sort_item *items = NULL;
    size_t capacity = 0;
    size_t count = 0;
    stele__tail_handle *terms = NULL;
    STELE_TRY(collect_items(tail, alloc, kind, head, &items, &capacity, &count, reterr));
    if (count > 0) {
        sort_item *others = stele__allocate_array(alloc, count, sizeof *others);
        terms = others ? stele__allocate_array(alloc, count, sizeof *terms) : NULL;
        if (terms) {
            const sort_item *sorted = sort_items(tail, items, others, count);
            for (size_t i = 0; i < count; i++) {
                terms[i] = sorted[i].term;
            }
        }
        stele__release(alloc, others, count * sizeof *others);
    }
    stele__release(alloc, items, capacity * sizeof *items);
    if (count > 0 && !terms) {
        return stele__fail_memory(reterr);
    }
    *ret_terms = terms;
    *ret_count = count;
    return STELE_OK;
}

void stele__tail_prefetch(const stele__tail *tail, stele__tail_handle term)
{
    prefetch_term(tail, term);
}

/* The address of the slots, and above it how many bits of a hash choose one. */
enum { HINT_BITS_SHIFT = 58 };

uint64_t stele__tail_hint(const stele__tail *tail)
{
    const table *terms = atomic_load_explicit(&tail->terms, memory_order_relaxed);
    const uint64_t bits = (uint64_t)__builtin_ctz(terms->size);
    return bits << HINT_BITS_SHIFT | (uint64_t)(uintptr_t)terms->slots;
}

void stele__tail_prefetch_name(uint64_t hint, uint64_t hash)
{
    const uint64_t slots = hint & ((UINT64_C(1) << HINT_BITS_SHIFT) - 1);
    const uint64_t slot = hash & ((UINT64_C(1) << (hint >> HINT_BITS_SHIFT)) - 1);
    __builtin_prefetch((const void *)(uintptr_t)(slots + slot * sizeof(uint64_t)));
}

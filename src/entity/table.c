/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of the entities that exist, for selecting.
 *
 * Rows are found by id (a hash table of chains) and walked in the order of the position of their
 * last change. As positions only grow, that order is an array to whose end a row moves when it
 * changes; the place it leaves is empty, and the array is closed up when half of it is.
 *
 * E4  After a refresh the table is the fold of all entries of the type up to the head it names.
 */
#include "base/hash.h"
#include "base/thread.h"
#include "domain/domain.h"
#include "entity/parts.h"

#include <stele/upcast.h>

enum { TABLE_RANK = 1, BYTES_MAX_DEFAULT = 1 << 30, EMPTY_MIN = 64 };

typedef struct row {
    struct row *next; /* in its chain */
    uint64_t hash;
    size_t place; /* in the order */
    size_t size;  /* of this piece of memory */
    char *id;
    stele__entity_state *state; /* behind this struct, and the id behind that */
} row;

struct stele__table {
    stele_repository *repository;
    const stele_alloc *alloc;
    stele__mutex lock;
    stele__hash_key key;
    row **chains;
    size_t chain_count; /* a power of two; 0: none yet */
    row **order;        /* NULL: an empty place */
    size_t order_count;
    size_t order_capacity;
    size_t row_count;
    size_t bytes;
    size_t bytes_max;
    stele_position head; /* every entry up to here is in it */
    void *memory;        /* two structs */
};

stele_status stele__table_create(stele_repository *repository, stele_error *reterr)
{
    stele__table *table = stele__allocate_zero(repository->alloc, sizeof *table);
    if (!table) {
        return stele__fail_memory(reterr);
    }
    table->repository = repository;
    table->alloc = repository->alloc;
    table->bytes_max = repository->options.table_bytes_max ? repository->options.table_bytes_max
                                                           : (size_t)BYTES_MAX_DEFAULT;
    repository->clock->entropy(repository->clock->context, &table->key, sizeof table->key);
    if (stele__mutex_init(&table->lock, TABLE_RANK) != 0) {
        stele__release(table->alloc, table, sizeof *table);
        return stele__fail_memory(reterr);
    }
    table->memory = stele__entity_memory(repository, 2);
    repository->table = table;
    return table->memory ? STELE_OK : stele__fail_memory(reterr);
}

static void drop_row(stele__table *table, row *it)
{
    table->bytes -= it->size;
    stele__release(table->alloc, it, it->size);
}

/* Forgets everything: it is made anew at the next call. */
static void empty(stele__table *table)
{
    for (size_t i = 0; i < table->order_count; i++) {
        if (table->order[i]) {
            drop_row(table, table->order[i]);
        }
    }
    stele__release(table->alloc, table->chains, table->chain_count * sizeof *table->chains);
    stele__release(table->alloc, table->order, table->order_capacity * sizeof *table->order);
    table->chains = NULL;
    table->order = NULL;
    table->chain_count = table->order_count = table->order_capacity = table->row_count = 0;
    table->head = 0;
}

void stele__table_free(stele__table *table)
{
    if (table) {
        empty(table);
        if (table->memory) {
            stele__entity_release(table->repository, table->memory, 2);
        }
        stele__mutex_done(&table->lock);
        stele__release(table->alloc, table, sizeof *table);
    }
}

/* ---- rows */

static size_t align_up(size_t size)
{
    const size_t align = _Alignof(max_align_t);
    return (size + align - 1) / align * align;
}

static row **chain_of(const stele__table *table, uint64_t hash)
{
    return &table->chains[hash & (table->chain_count - 1)];
}

static row *find_row(const stele__table *table, const char *id, uint64_t hash)
{
    row *it = table->chain_count ? *chain_of(table, hash) : NULL;
    while (it && (it->hash != hash || strcmp(it->id, id) != 0)) {
        it = it->next;
    }
    return it;
}

static bool grow_chains(stele__table *table)
{
    enum { CHAINS_MIN = 64 };
    if (table->row_count < table->chain_count) {
        return true;
    }
    const size_t count = table->chain_count ? table->chain_count * 2 : CHAINS_MIN;
    row **chains = stele__allocate_zero(table->alloc, count * sizeof *chains);
    if (!chains) {
        return false;
    }
    stele__release(table->alloc, table->chains, table->chain_count * sizeof *table->chains);
    table->chains = chains;
    table->chain_count = count;
    for (size_t i = 0; i < table->order_count; i++) {
        row *it = table->order[i];
        if (it) {
            row **chain = chain_of(table, it->hash);
            it->next = *chain;
            *chain = it;
        }
    }
    return true;
}

/* Closes the order up. */
static void close_up(stele__table *table)
{
    size_t count = 0;
    for (size_t i = 0; i < table->order_count; i++) {
        if (table->order[i]) {
            table->order[i]->place = count;
            table->order[count++] = table->order[i];
        }
    }
    table->order_count = count;
}

/* Puts a row at the end of the order. */
static bool append_row(stele__table *table, row *it)
{
    if (!stele__reserve(table->alloc, (void **)&table->order, &table->order_capacity,
                        table->order_count + 1, sizeof *table->order)) {
        return false;
    }
    it->place = table->order_count;
    table->order[table->order_count++] = it;
    return true;
}

static bool add_row(stele__table *table, const char *id, uint64_t hash, row **ret_row)
{
    const size_t id_size = strlen(id) + 1;
    const size_t state_at = align_up(sizeof(row));
    const size_t size = state_at + table->repository->fold.state_size + id_size;
    row *it = grow_chains(table) ? stele__allocate_zero(table->alloc, size) : NULL;
    if (!it) {
        return false;
    }
    it->size = size;
    it->hash = hash;
    it->state = (stele__entity_state *)((char *)it + state_at);
    it->id = (char *)it + size - id_size;
    memcpy(it->id, id, id_size);
    if (!append_row(table, it)) {
        stele__release(table->alloc, it, size);
        return false;
    }
    row **chain = chain_of(table, hash);
    it->next = *chain;
    *chain = it;
    table->row_count++;
    table->bytes += size;
    *ret_row = it;
    return true;
}

static void remove_row(stele__table *table, row *it)
{
    row **link = chain_of(table, it->hash);
    while (*link != it) {
        link = &(*link)->next;
    }
    *link = it->next;
    table->order[it->place] = NULL;
    table->row_count--;
    drop_row(table, it);
}

static bool move_to_end(stele__table *table, row *it)
{
    const size_t from = it->place;
    if (!append_row(table, it)) {
        return false;
    }
    table->order[from] = NULL;
    return true;
}

/* ---- refreshing */

static stele_status take_entry(stele__table *table, const stele_entry *entry,
                               stele_position position, stele_error *reterr)
{
    const uint64_t hash = stele__hash(&table->key, entry->entity_id, strlen(entry->entity_id));
    row *it = find_row(table, entry->entity_id, hash);
    if (entry->change_type == STELE_CHANGE_DELETED) {
        if (it) {
            remove_row(table, it);
        }
        return STELE_OK;
    }
    if (!it && entry->change_type != STELE_CHANGE_CREATED) {
        return STELE_OK; /* its creation is hidden: there is nothing to update */
    }
    if (!(it ? move_to_end(table, it) : add_row(table, entry->entity_id, hash, &it))) {
        return stele__fail_memory(reterr);
    }
    stele__entity_apply(table->repository, entry, position, it->state);
    if (table->order_count > EMPTY_MIN && table->order_count > 2 * table->row_count) {
        close_up(table);
    }
    const size_t bytes = table->bytes + table->order_capacity * sizeof *table->order +
                         table->chain_count * sizeof *table->chains;
    return bytes <= table->bytes_max
               ? STELE_OK
               : stele__fail(reterr, STELE_INVALID_LIMIT,
                             "the table of all %s would have more than %zu bytes: raise "
                             "table_bytes_max, or keep one of your own from their history",
                             table->repository->schema->name, table->bytes_max);
}

static stele_status read_on(stele__table *table, stele_upcast_cursor *cursor, stele_error *reterr)
{
    const stele_record *event;
    while ((event = stele_upcast_next(cursor, reterr)) != NULL) {
        stele_entry entry;
        bool is_entry;
        STELE_TRY(
            stele__entity_take(table->repository, event, table->memory, &entry, &is_entry, reterr));
        if (is_entry) {
            STELE_TRY(take_entry(table, &entry, event->position, reterr));
        }
    }
    return reterr->status;
}

static stele_status refresh(stele__table *table, stele_error *reterr)
{
    const stele_domain *domain = table->repository->domain;
    const stele_read read = {.category = table->repository->schema->name,
                             .from = {STELE_POINT_POSITION, table->head + 1}};
    stele_upcast_cursor *cursor;
    STELE_TRY(stele_upcast_open(stele_domain_store(table->repository->domain), &read,
                                stele__domain_upcasters(domain), NULL, 0, &cursor, reterr));
    const stele_position head = stele_cursor_head(stele_upcast_below(cursor));
    const stele_status status = read_on(table, cursor, reterr);
    stele_upcast_cursor_free(cursor);
    if (status != STELE_OK) {
        empty(table); /* it may stand between two entries */
        return status;
    }
    table->head = head > table->head ? head : table->head;
    return STELE_OK;
}

/* ---- selecting */

/* A selection with its rows, their structs and ids: one piece of memory. */
typedef struct chosen {
    const stele_alloc *alloc;
    size_t size;
    stele_selection selection; /* what is handed out */
} chosen;

static bool is_wanted(const stele_select *select, const row *it)
{
    return it && (select->to == 0 || it->state->info.position <= select->to) &&
           it->state->info.position >= select->from &&
           (!select->where ||
            select->where(select->context, it->state->entity, &it->state->info) != 0);
}

/* Marks what is chosen: the numbers of the first and last of them among those that are wanted. */
static void bound(const stele_select *select, uint64_t total, uint64_t *ret_first,
                  uint64_t *ret_count)
{
    uint64_t left = select->offset < total ? total - select->offset : 0;
    const uint64_t count = select->limit && select->limit < left ? select->limit : left;
    if (select->is_count_only) {
        left = 0;
    }
    *ret_count = select->is_count_only ? 0 : count;
    *ret_first = select->is_last ? left - count : total - left;
}

/* Walks over the rows that are wanted; copies those from `first` on to where `rows` are, or only
 * adds up how large their ids are. Answers how many are wanted. */
static uint64_t walk(const stele__table *table, const stele_select *select, uint64_t first,
                     uint64_t count, size_t *ids_size, stele_row *rows, uint8_t *structs, char *ids)
{
    const size_t size = table->repository->schema->size;
    const size_t stride = stele__entity_stride(table->repository->schema);
    uint64_t number = 0;
    for (size_t i = 0; i < table->order_count; i++) {
        const row *it = table->order[i];
        if (!is_wanted(select, it)) {
            continue;
        }
        if (number >= first && number - first < count) {
            const size_t id_size = strlen(it->id) + 1;
            *ids_size += id_size;
            if (rows) {
                stele_row *to = &rows[number - first];
                memcpy(structs, it->state->entity, size);
                memcpy(ids, it->id, id_size);
                *to = (stele_row){ids, structs, it->state->info};
                structs += stride;
                ids += id_size;
            }
        }
        number++;
    }
    return number;
}

static stele_status choose(const stele__table *table, const stele_select *select,
                           stele_selection **ret_selection, stele_error *reterr)
{
    const size_t stride = stele__entity_stride(table->repository->schema);
    uint64_t first;
    uint64_t count;
    size_t ids_size = 0;
    const uint64_t total = walk(table, select, 0, 0, &ids_size, NULL, NULL, NULL);
    bound(select, total, &first, &count);
    if (count > 0) {
        (void)walk(table, select, first, count, &ids_size, NULL, NULL, NULL);
    }
    const size_t rows_at = align_up(sizeof(chosen));
    const size_t structs_at = align_up(rows_at + (size_t)count * sizeof(stele_row));
    const size_t ids_at = structs_at + (size_t)count * stride;
    const size_t size = ids_at + ids_size;
    chosen *it = stele__allocate(table->alloc, size);
    if (!it) {
        return stele__fail_memory(reterr);
    }
    stele_row *rows = (stele_row *)((char *)it + rows_at);
    if (count > 0) {
        (void)walk(table, select, first, count, &ids_size, rows, (uint8_t *)it + structs_at,
                   (char *)it + ids_at);
    }
    *it = (chosen){table->alloc, size, {rows, (size_t)count, total, table->head}};
    *ret_selection = &it->selection;
    return STELE_OK;
}

stele_status stele_repository_select(stele_repository *repository, const stele_select *select,
                                     stele_selection **ret_selection, stele_error *reterr)
{
    static const stele_select all;
    stele_error own;
    stele_error *error = reterr ? reterr : &own;
    if (!repository || !ret_selection) {
        return stele__fail(error, STELE_INVALID, "selecting needs a repository and a place");
    }
    stele__table *table = repository->table;
    stele__lock(&table->lock);
    stele_status status = refresh(table, error);
    if (status == STELE_OK) {
        status = choose(table, select ? select : &all, ret_selection, error);
    }
    stele__unlock(&table->lock);
    return status == STELE_OK ? stele__succeed(error) : status;
}

void stele_selection_free(stele_selection *selection)
{
    if (selection) {
        chosen *it = (chosen *)((char *)selection - offsetof(chosen, selection));
        stele__release(it->alloc, it, it->size);
    }
}

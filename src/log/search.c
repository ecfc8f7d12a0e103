/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queries on a view: unions of intersections of postings.
 *
 * An item with tags is a leapfrog: the candidate goes round the tags' postings, each of which moves
 * it on to its next posting, until all agree; so the work is bounded by the rarest tag, and most
 * candidates die at the first look. Types are a union inside the item. Terms are compared by name
 * everywhere below, so what comes out needs no second look at the event.
 */
#include "log/engine.h"

typedef struct search_item {
    size_t tag_count;
    size_t type_count;
    stele__postings *tags;
    stele__postings *types;
} search_item;

struct stele__search {
    const stele_alloc *alloc;
    size_t size; /* of this piece of memory */
    stele_position head;
    bool everything;
    size_t item_count;
    search_item *items;
    size_t term_count;
    stele__postings *terms; /* of all items */
};

static size_t align_up(size_t size)
{
    return (size + 15) & ~(size_t)15;
}

static size_t names_size(const stele_names *names)
{
    size_t size = 0;
    for (size_t i = 0; i < names->count; i++) {
        size += strlen(names->names[i]) + 1;
    }
    return size;
}

/* Prepares one term and copies its name to `*text`. */
static void add_term(stele__search *search, const stele__hash_key *key, const stele__view *view,
                     stele__term_kind kind, const char *name, char **text)
{
    const size_t size = strlen(name);
    memcpy(*text, name, size + 1);
    const stele_text copy = {*text, size};
    stele__postings_init(&search->terms[search->term_count++], view, kind, copy,
                         stele__term_hash(key, kind, copy), search->head);
    *text += size + 1;
}

static stele_status make_search(const stele_alloc *alloc, size_t items, size_t terms,
                                size_t text_size, stele_position head, stele__search **ret_search,
                                char **ret_text, stele_error *reterr)
{
    const size_t items_at = align_up(sizeof(stele__search));
    const size_t terms_at = align_up(items_at + items * sizeof(search_item));
    const size_t text_at = terms_at + terms * sizeof(stele__postings);
    const size_t size = text_at + text_size;
    uint8_t *memory = stele__allocate(alloc, size);
    if (!memory) {
        return stele__fail_memory(reterr);
    }
    stele__search *search = (stele__search *)memory;
    *search = (stele__search){.alloc = alloc,
                              .size = size,
                              .head = head,
                              .items = (search_item *)(memory + items_at),
                              .terms = (stele__postings *)(memory + terms_at)};
    *ret_text = (char *)memory + text_at;
    *ret_search = search;
    return STELE_OK;
}

stele_status stele__search_query(const stele_alloc *alloc, const stele__hash_key *key,
                                 const stele_query *query, const stele__view *view,
                                 stele_position head, stele__search **ret_search,
                                 stele_error *reterr)
{
    size_t terms = 0;
    size_t text_size = 0;
    for (size_t i = 0; i < query->item_count; i++) {
        const stele_query_item *item = &query->items[i];
        terms += item->types.count + item->tags.count;
        text_size += names_size(&item->types) + names_size(&item->tags);
    }
    char *text;
    STELE_TRY(
        make_search(alloc, query->item_count, terms, text_size, head, ret_search, &text, reterr));
    stele__search *search = *ret_search;
    search->everything = query->everything;
    for (size_t i = 0; i < query->item_count; i++) {
        const stele_query_item *from = &query->items[i];
        search_item *item = &search->items[search->item_count++];
        *item = (search_item){.tag_count = from->tags.count, .type_count = from->types.count};
        item->tags = &search->terms[search->term_count];
        for (size_t t = 0; t < from->tags.count; t++) {
            add_term(search, key, view, STELE_TERM_TAG, from->tags.names[t], &text);
        }
        item->types = &search->terms[search->term_count];
        for (size_t t = 0; t < from->types.count; t++) {
            add_term(search, key, view, STELE_TERM_TYPE, from->types.names[t], &text);
        }
        /* Neither types nor tags: any event. */
        search->everything |= from->tags.count + from->types.count == 0;
    }
    return STELE_OK;
}

stele_status stele__search_term(const stele_alloc *alloc, const stele__hash_key *key,
                                stele__term_kind kind, const char *name, const stele__view *view,
                                stele_position head, stele__search **ret_search,
                                stele_error *reterr)
{
    char *text;
    STELE_TRY(make_search(alloc, 1, 1, strlen(name) + 1, head, ret_search, &text, reterr));
    stele__search *search = *ret_search;
    add_term(search, key, view, kind, name, &text);
    search->items[search->item_count++] = (search_item){.tag_count = 1, .tags = search->terms};
    return STELE_OK;
}

void stele__search_free(stele__search *search)
{
    if (search) {
        stele__release(search->alloc, search, search->size);
    }
}

void stele__search_move(stele__search *search, const stele__view *view, stele_position head)
{
    search->head = head;
    for (size_t i = 0; i < search->term_count; i++) {
        stele__postings *term = &search->terms[i];
        stele__postings_init(term, view, term->kind, term->name, term->hash, head);
    }
}

static stele_status step(stele__postings *postings, stele_position position,
                         stele_direction direction, stele_position *ret_position,
                         stele_error *reterr)
{
    return direction == STELE_FORWARDS
               ? stele__postings_up(postings, position, ret_position, reterr)
               : stele__postings_down(postings, position, ret_position, reterr);
}

/* The nearer of two positions, in a direction; 0 is none. */
static stele_position nearer(stele_position a, stele_position b, stele_direction direction)
{
    if (a == 0 || b == 0) {
        return a ? a : b;
    }
    return (direction == STELE_FORWARDS) == (a < b) ? a : b;
}

static stele_status step_types(const search_item *item, stele_position position,
                               stele_direction direction, stele_position *ret_position,
                               stele_error *reterr)
{
    *ret_position = 0;
    for (size_t i = 0; i < item->type_count; i++) {
        stele_position found;
        STELE_TRY(step(&item->types[i], position, direction, &found, reterr));
        *ret_position = nearer(*ret_position, found, direction);
        if (*ret_position == position) {
            break;
        }
    }
    return STELE_OK;
}

static stele_status step_item(const search_item *item, stele_position position,
                              stele_direction direction, stele_position *ret_position,
                              stele_error *reterr)
{
    const size_t parties = item->tag_count + (item->type_count > 0);
    size_t agreeing = 0;
    for (size_t party = 0; agreeing < parties; party = party + 1 < parties ? party + 1 : 0) {
        stele_position found;
        STELE_TRY(party < item->tag_count
                      ? step(&item->tags[party], position, direction, &found, reterr)
                      : step_types(item, position, direction, &found, reterr));
        if (found == 0) {
            *ret_position = 0;
            return STELE_OK;
        }
        agreeing = found == position ? agreeing + 1 : 1;
        position = found;
    }
    *ret_position = position;
    return STELE_OK;
}

static stele_status step_search(stele__search *search, stele_position position,
                                stele_direction direction, stele_position *ret_position,
                                stele_error *reterr)
{
    *ret_position = 0;
    if (search->everything) {
        *ret_position = position;
        return STELE_OK;
    }
    for (size_t i = 0; i < search->item_count; i++) {
        stele_position found;
        STELE_TRY(step_item(&search->items[i], position, direction, &found, reterr));
        *ret_position = nearer(*ret_position, found, direction);
        if (*ret_position == position) {
            break;
        }
    }
    return STELE_OK;
}

stele_status stele__search_up(stele__search *search, stele_position position,
                              stele_position *ret_position, stele_error *reterr)
{
    *ret_position = 0;
    return position > search->head
               ? STELE_OK
               : step_search(search, position, STELE_FORWARDS, ret_position, reterr);
}

stele_status stele__search_down(stele__search *search, stele_position position,
                                stele_position *ret_position, stele_error *reterr)
{
    *ret_position = 0;
    if (position > search->head) {
        position = search->head;
    }
    return position == 0 ? STELE_OK
                         : step_search(search, position, STELE_BACKWARDS, ret_position, reterr);
}

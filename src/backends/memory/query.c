/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queries over types and tags. An item is decided by walking its rarest term, or the postings of
 * its types, or everything, and comparing the whole event.
 */
#include "backends/memory/model.h"

static bool text_is(stele_text text, const char *name)
{
    return stele__text_equal(text, stele__text(name));
}

static bool record_has_tag(const stele_record *record, const char *name)
{
    for (size_t i = 0; i < record->tag_count; i++) {
        if (text_is(record->tags[i], name)) {
            return true;
        }
    }
    return false;
}

static bool record_matches_item(const stele_record *record, const stele_query_item *item)
{
    bool has_type = item->types.count == 0;
    for (size_t i = 0; i < item->types.count && !has_type; i++) {
        has_type = text_is(record->type, item->types.names[i]);
    }
    for (size_t i = 0; i < item->tags.count && has_type; i++) {
        if (!record_has_tag(record, item->tags.names[i])) {
            return false;
        }
    }
    return has_type;
}

/* The nearest posting of a term to where the search starts, going in its direction; 0: none in
 * [low, high]. */
static stele_position nearest_posting(const memory_term *term, stele_position low,
                                      stele_position high, stele_direction direction)
{
    if (direction == STELE_FORWARDS) {
        const size_t index = stele__memory_term_lower(term, low);
        return index < term->count && term->positions[index] <= high ? term->positions[index] : 0;
    }
    const size_t index = stele__memory_term_lower(term, high + 1);
    return index > 0 && term->positions[index - 1] >= low ? term->positions[index - 1] : 0;
}

/* NULL: a tag that no event has, so no event matches. */
static const memory_term *rarest_tag(const memory_store *store, const stele_query_item *item)
{
    const memory_term *rarest = NULL;
    for (size_t i = 0; i < item->tags.count; i++) {
        const memory_term *term =
            stele__memory_term_find(store, MEMORY_TAG, stele__text(item->tags.names[i]));
        if (!term) {
            return NULL;
        }
        if (!rarest || term->count < rarest->count) {
            rarest = term;
        }
    }
    return rarest;
}

static bool is_better(stele_position found, stele_position best, stele_direction direction)
{
    return found && (!best || (direction == STELE_FORWARDS ? found < best : found > best));
}

static stele_position find_by_types(const memory_store *store, const stele_query_item *item,
                                    stele_position low, stele_position high,
                                    stele_direction direction)
{
    stele_position best = 0;
    for (size_t i = 0; i < item->types.count; i++) {
        const memory_term *term =
            stele__memory_term_find(store, MEMORY_TYPE, stele__text(item->types.names[i]));
        const stele_position found = term ? nearest_posting(term, low, high, direction) : 0;
        if (is_better(found, best, direction)) {
            best = found;
        }
    }
    return best;
}

static stele_position find_by_tags(const memory_store *store, const stele_query_item *item,
                                   stele_position low, stele_position high,
                                   stele_direction direction)
{
    const memory_term *tag = rarest_tag(store, item);
    while (tag && low <= high) {
        const stele_position found = nearest_posting(tag, low, high, direction);
        if (!found || record_matches_item(&stele__memory_record(store, found)->event, item)) {
            return found;
        }
        if (direction == STELE_FORWARDS) {
            low = found + 1;
        } else {
            high = found - 1;
        }
    }
    return 0;
}

static stele_position find_item(const memory_store *store, const stele_query_item *item,
                                stele_position low, stele_position high, stele_direction direction)
{
    if (item->tags.count > 0) {
        return find_by_tags(store, item, low, high, direction);
    }
    if (item->types.count > 0) {
        return find_by_types(store, item, low, high, direction);
    }
    return direction == STELE_FORWARDS ? low : high;
}

stele_position stele__memory_query_find(const memory_store *store, const stele_query *query,
                                        stele_position low, stele_position high,
                                        stele_direction direction)
{
    if (low > high) {
        return 0;
    }
    if (query->everything) {
        return direction == STELE_FORWARDS ? low : high;
    }
    stele_position best = 0;
    for (size_t i = 0; i < query->item_count; i++) {
        const stele_position found = find_item(store, &query->items[i], low, high, direction);
        if (is_better(found, best, direction)) {
            best = found;
        }
        if (best && direction == STELE_FORWARDS) {
            high = best; /* only what is nearer is still of interest */
        } else if (best) {
            low = best;
        }
    }
    return best;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The postings of a term in a view: those of the index files one after the other, then those of the
 * parts. Their ranges do not overlap, so that nothing has to be merged.
 */
#include "log/engine.h"

void stele__postings_init(stele__postings *postings, const stele__view *view, stele__term_kind kind,
                          stele_text name, uint64_t hash, stele_position head)
{
    stele__postings_go_on(postings, view, kind, name, hash, head, NULL);
}

void stele__postings_go_on(stele__postings *postings, const stele__view *view,
                           stele__term_kind kind, stele_text name, uint64_t hash,
                           stele_position head, stele__entries *entries)
{
    postings->entries = entries;
    postings->view = view;
    postings->kind = kind;
    postings->name = name;
    postings->hash = hash;
    postings->head = head;
    postings->source = SIZE_MAX;
    postings->count = 0;
    postings->rank = 0;
}

static size_t source_count(const stele__postings *postings)
{
    return postings->view->index_count + postings->view->part_count;
}

static stele_position source_last(const stele__postings *postings, size_t source)
{
    const stele__view *view = postings->view;
    if (source < view->index_count) {
        return stele__index_last(view->indexes[source]);
    }
    /* A part ends where the next one begins; the last one has no end. */
    const size_t part = source - view->index_count;
    return part + 1 < view->part_count ? view->parts[part + 1]->first - 1 : UINT64_MAX;
}

static stele_position source_first(const stele__postings *postings, size_t source)
{
    const stele__view *view = postings->view;
    return source < view->index_count ? stele__index_first(view->indexes[source])
                                      : view->parts[source - view->index_count]->first;
}

/* Looks the term up in an index file, or remembers. *ret_entry: NULL if it is not there. */
static stele_status find_entry(stele__postings *postings, size_t source, stele__index_entry *own,
                               const stele__index_entry **ret_entry, stele_error *reterr)
{
    stele__entries *entries = source < STELE_ENTRIES_KEPT ? postings->entries : NULL;
    const uint32_t bit = entries ? UINT32_C(1) << source : 0;
    stele__index_entry *entry = entries ? &entries->entries[source] : own;
    bool found;
    if (entries && entries->known & bit) {
        found = (entries->found & bit) != 0;
    } else {
        STELE_TRY(stele__index_find(postings->view->indexes[source], postings->kind, postings->name,
                                    postings->hash, entry, &found, reterr));
        if (entries) {
            entries->found = (entries->found & ~bit) | (found ? bit : 0);
            entries->known |= bit;
        }
    }
    *ret_entry = found ? entry : NULL;
    return STELE_OK;
}

/* Looks the term up in a source. Afterwards count is that of its postings there up to the head. */
static stele_status load(stele__postings *postings, size_t source, stele_error *reterr)
{
    const stele__view *view = postings->view;
    if (postings->source == source) {
        return STELE_OK;
    }
    postings->source = SIZE_MAX;
    postings->count = 0;
    postings->rank = 0;
    postings->base_revision = 0;
    postings->ends_in_tombstone = false;
    postings->is_tail = source >= view->index_count;
    if (postings->is_tail) {
        const stele__tail *tail = view->parts[source - view->index_count]->tail;
        const stele__tail_term *term =
            stele__tail_find(tail, postings->kind, postings->name, postings->hash);
        if (term) {
            stele__tail_postings_init(&postings->at.tail, tail, term, postings->head);
            postings->count = postings->at.tail.count;
        }
        if (postings->count > 0 && postings->kind == STELE_TERM_STREAM) {
            const uint32_t tombstone =
                atomic_load_explicit(&term->stream[0].tombstone, memory_order_relaxed);
            postings->base_revision = term->stream[0].base_revision;
            postings->ends_in_tombstone = tombstone != 0 && tombstone == postings->count;
        }
    } else {
        stele__index_entry own;
        const stele__index_entry *entry;
        STELE_TRY(find_entry(postings, source, &own, &entry, reterr));
        if (entry) {
            stele__index_postings_init(&postings->at.index, view->indexes[source], entry);
            postings->count = entry->count;
            postings->base_revision = entry->base_revision;
            postings->ends_in_tombstone = entry->ends_in_tombstone;
        }
    }
    postings->source = source;
    return STELE_OK;
}

static stele_status position_at(stele__postings *postings, uint32_t rank,
                                stele_position *ret_position, stele_error *reterr)
{
    if (postings->is_tail) {
        *ret_position = stele__tail_position_at(&postings->at.tail, rank);
        return STELE_OK;
    }
    return stele__index_position_at(&postings->at.index, rank, ret_position, reterr);
}

static stele_status rank_of(stele__postings *postings, stele_position position, uint32_t *ret_rank,
                            stele_error *reterr)
{
    if (postings->is_tail) {
        *ret_rank = stele__tail_rank_of(&postings->at.tail, position);
        return STELE_OK;
    }
    return stele__index_rank_of(&postings->at.index, position, ret_rank, reterr);
}

/* The source in which a position falls, or the last one. */
static size_t source_at(const stele__postings *postings, stele_position position)
{
    const size_t count = source_count(postings);
    if (postings->source < count && position >= source_first(postings, postings->source) &&
        position <= source_last(postings, postings->source)) {
        return postings->source;
    }
    size_t source = count;
    while (source > 1 && source_first(postings, source - 1) > position) {
        source--;
    }
    return source - 1;
}

/* Is the posting behind the current one the answer? The usual case of a walk. */
static stele_status try_neighbour(stele__postings *postings, uint32_t rank, stele_position position,
                                  stele_direction direction, bool *ret_found,
                                  stele_position *ret_position, stele_error *reterr)
{
    stele_position here;
    stele_position there;
    *ret_found = false;
    STELE_TRY(position_at(postings, postings->rank, &here, reterr));
    if (direction == STELE_FORWARDS ? here >= position : here <= position) {
        return STELE_OK;
    }
    STELE_TRY(position_at(postings, rank, &there, reterr));
    if (direction == STELE_FORWARDS ? there >= position : there <= position) {
        postings->rank = rank;
        *ret_position = there;
        *ret_found = true;
    }
    return STELE_OK;
}

stele_status stele__postings_up(stele__postings *postings, stele_position position,
                                stele_position *ret_position, stele_error *reterr)
{
    *ret_position = 0;
    if (position > postings->head || source_count(postings) == 0) {
        return STELE_OK;
    }
    size_t source = source_at(postings, position);
    if (source == postings->source && postings->rank + 1 < postings->count) {
        bool found;
        STELE_TRY(try_neighbour(postings, postings->rank + 1, position, STELE_FORWARDS, &found,
                                ret_position, reterr));
        if (found) {
            if (*ret_position > postings->head) {
                *ret_position = 0;
            }
            return STELE_OK;
        }
    }
    for (; source < source_count(postings); source++) {
        STELE_TRY(load(postings, source, reterr));
        uint32_t rank = 0;
        if (postings->count > 0) {
            STELE_TRY(rank_of(postings, position, &rank, reterr));
        }
        if (rank < postings->count) {
            postings->rank = rank;
            STELE_TRY(position_at(postings, rank, ret_position, reterr));
            if (*ret_position > postings->head) {
                *ret_position = 0;
            }
            return STELE_OK;
        }
    }
    return STELE_OK;
}

stele_status stele__postings_down(stele__postings *postings, stele_position position,
                                  stele_position *ret_position, stele_error *reterr)
{
    *ret_position = 0;
    if (source_count(postings) == 0 || position == 0) {
        return STELE_OK;
    }
    if (position > postings->head) {
        position = postings->head;
    }
    const size_t begin = source_at(postings, position);
    if (begin == postings->source && postings->rank > 0 && postings->rank < postings->count) {
        bool found;
        STELE_TRY(try_neighbour(postings, postings->rank - 1, position, STELE_BACKWARDS, &found,
                                ret_position, reterr));
        if (found) {
            return STELE_OK;
        }
    }
    for (size_t source = begin + 1; source-- > 0;) {
        STELE_TRY(load(postings, source, reterr));
        uint32_t rank = 0;
        if (postings->count > 0) {
            STELE_TRY(rank_of(postings, position + 1, &rank, reterr));
        }
        if (rank > 0) {
            postings->rank = rank - 1;
            return position_at(postings, rank - 1, ret_position, reterr);
        }
    }
    return STELE_OK;
}

/* Adds the postings behind the current one, as far as its source goes. */
static stele_status add_from_source(stele__postings *postings, bool forwards, size_t max,
                                    stele_position *positions, size_t *count, stele_error *reterr)
{
    const size_t left = forwards ? postings->count - 1 - postings->rank : postings->rank;
    const size_t end = left < max - *count ? *count + left : max;
    while (*count < end) {
        const uint32_t rank = forwards ? postings->rank + 1 : postings->rank - 1;
        STELE_TRY(position_at(postings, rank, &positions[*count], reterr));
        if (positions[*count] > postings->head) {
            break;
        }
        postings->rank = rank;
        ++*count;
    }
    return STELE_OK;
}

stele_status stele__postings_ahead(stele__postings *postings, stele_position position,
                                   stele_direction direction, size_t max,
                                   stele_position *ret_positions, size_t *ret_count,
                                   bool *ret_is_end, stele_error *reterr)
{
    const bool forwards = direction == STELE_FORWARDS;
    *ret_count = 0;
    *ret_is_end = false;
    while (*ret_count < max) {
        stele_position *found = &ret_positions[*ret_count];
        STELE_TRY(forwards ? stele__postings_up(postings, position, found, reterr)
                           : stele__postings_down(postings, position, found, reterr));
        if (*found == 0) {
            *ret_is_end = true;
            return STELE_OK;
        }
        ++*ret_count;
        STELE_TRY(add_from_source(postings, forwards, max, ret_positions, ret_count, reterr));
        const stele_position last = ret_positions[*ret_count - 1];
        position = forwards ? last + 1 : last - 1;
    }
    return STELE_OK;
}

/* How many postings of the loaded source have a revision. */
static uint32_t revision_count(const stele__postings *postings)
{
    return postings->count - (postings->ends_in_tombstone ? 1 : 0);
}

stele_status stele__postings_revision(stele__postings *postings, stele_revision revision,
                                      stele_direction direction, stele_position *ret_position,
                                      stele_error *reterr)
{
    *ret_position = 0;
    for (size_t source = source_count(postings); source-- > 0;) {
        STELE_TRY(load(postings, source, reterr));
        const uint32_t count = revision_count(postings);
        if (count == 0) {
            continue;
        }
        const stele_revision last = postings->base_revision + (count - 1);
        if (revision >= postings->base_revision && revision <= last) {
            postings->rank = (uint32_t)(revision - postings->base_revision);
            return position_at(postings, postings->rank, ret_position, reterr);
        }
        if (revision > last) {
            /* Above everything here; upwards the answer is the first of a later source, if there
             * was one. */
            if (direction == STELE_FORWARDS) {
                return STELE_OK;
            }
            postings->rank = count - 1;
            return position_at(postings, postings->rank, ret_position, reterr);
        }
        if (direction == STELE_FORWARDS) {
            postings->rank = 0;
            STELE_TRY(position_at(postings, 0, ret_position, reterr));
        }
    }
    return STELE_OK;
}

stele_status stele__postings_last(stele__postings *postings, stele_position *ret_position,
                                  uint64_t *ret_total, stele_error *reterr)
{
    *ret_position = 0;
    if (ret_total) {
        *ret_total = 0;
    }
    for (size_t source = source_count(postings); source-- > 0;) {
        STELE_TRY(load(postings, source, reterr));
        if (postings->count > 0 && *ret_position == 0) {
            postings->rank = postings->count - 1;
            STELE_TRY(position_at(postings, postings->rank, ret_position, reterr));
            if (!ret_total) {
                return STELE_OK;
            }
        }
        if (ret_total) {
            *ret_total += postings->count;
        }
    }
    return STELE_OK;
}

/* ---- streams */

static stele_status read_metadata(const stele__view *view, stele__locator *locator,
                                  stele__reader *reader, stele_position position,
                                  stele__core_metadata *ret_metadata, stele_error *reterr)
{
    const stele__event *event;
    STELE_TRY(stele__view_event(view, locator, reader, position, &event, reterr));
    *ret_metadata = (stele__core_metadata){.has_truncate_before = false};
    if (!stele__text_equal(event->record.type, stele__text(STELE_TYPE_METADATA))) {
        return STELE_OK;
    }
    (void)stele__core_metadata_parse(event->record.data.data, event->record.data.size,
                                     ret_metadata);
    return STELE_OK;
}

/* The last revision of a stream: that of the newest source in which it has an event that is no
 * tombstone. */
static stele_status find_last(stele__postings *postings, stele__stream_facts *ret_facts,
                              stele_error *reterr)
{
    for (size_t source = source_count(postings); source-- > 0;) {
        STELE_TRY(load(postings, source, reterr));
        if (postings->count == 0) {
            continue;
        }
        if (ret_facts->last_position == 0) {
            STELE_TRY(
                position_at(postings, postings->count - 1, &ret_facts->last_position, reterr));
            ret_facts->state.is_tombstoned = postings->ends_in_tombstone;
        }
        ret_facts->state.last_revision =
            (int64_t)(postings->base_revision + revision_count(postings)) - 1;
        return STELE_OK;
    }
    return STELE_OK;
}

stele_status stele__view_stream(const stele__view *view, stele__locator *locator,
                                stele__reader *reader, const stele__hash_key *key,
                                stele_text stream, stele_position head, stele__entries *entries,
                                stele__stream_facts *ret_facts, stele_error *reterr)
{
    stele__postings postings;
    char name[STELE_STREAM_NAME_SIZE_MAX];
    stele_text metastream = {name, 0};
    const uint64_t hash = stele__term_hash(key, STELE_TERM_STREAM, stream);
    uint64_t metahash = hash;
    *ret_facts = (stele__stream_facts){.state = {.last_revision = -1}};
    if (stream.size + 2 <= STELE_STREAM_NAME_SIZE_MAX) {
        name[0] = name[1] = '$';
        memcpy(name + 2, stream.data, stream.size);
        metastream.size = stream.size + 2;
        metahash = stele__term_hash(key, STELE_TERM_STREAM, metastream);
    }
    for (size_t i = 0; i < view->index_count; i++) {
        stele__index_prefetch(view->indexes[i], hash);
        if (!(stele__index_absent(view->indexes[i]) & STELE_ABSENT_METASTREAMS)) {
            stele__index_prefetch(view->indexes[i], metahash);
        }
    }
    for (size_t i = 0; i < view->index_count; i++) {
        stele__index_prefetch_entry(view->indexes[i], hash);
    }
    if (entries) {
        stele__entries_forget(entries);
    }
    stele__postings_go_on(&postings, view, STELE_TERM_STREAM, stream, hash, head, entries);
    STELE_TRY(find_last(&postings, ret_facts, reterr));
    if (metastream.size == 0) {
        return STELE_OK; /* its metadata stream's name would be too long to be written */
    }
    stele__postings_init(&postings, view, STELE_TERM_STREAM, metastream, metahash, head);
    STELE_TRY(stele__postings_last(&postings, &ret_facts->metadata_position, NULL, reterr));
    ret_facts->state.has_metadata = ret_facts->metadata_position != 0;
    if (ret_facts->state.has_metadata) {
        STELE_TRY(read_metadata(view, locator, reader, ret_facts->metadata_position,
                                &ret_facts->metadata, reterr));
        ret_facts->state.is_truncated_all =
            ret_facts->metadata.has_truncate_before &&
            ret_facts->metadata.truncate_before == STELE_TRUNCATE_ALL;
    }
    return STELE_OK;
}

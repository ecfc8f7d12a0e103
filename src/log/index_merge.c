/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Index files: merging neighbours. Their ranges are disjoint and ascend, so the postings of a term
 * in the result are those of the first file, then those of the second: nothing is compared but
 * names. The inputs are opened once more, to be read: a merge touches every page once, which would
 * leave all of a mapping in memory, and a medium error must not be a signal here.
 */
#include "log/index_format.h"

#define STOP_CHECK_TERMS 256 /* terms between two looks at the stop flag */

/* One input: the walk over its terms, and access to the postings of its current one. */
typedef struct source {
    stele__index *index; /* opened for this merge */
    bool has_term;
    bool is_lowest; /* its term is that of the result which is next */
    stele__index_terms terms;
    stele__index_postings postings;
} source;

typedef struct merge_state {
    stele__index_builder *builder;
    source *sources;
    size_t source_count;
    const int *stop;
} merge_state;

static stele_status check_stop(const merge_state *merge, stele_error *reterr)
{
    if (merge->stop && __atomic_load_n(merge->stop, __ATOMIC_RELAXED) != 0) {
        return stele__fail(reterr, STELE_CANCELLED, "the merge of index files was stopped");
    }
    return STELE_OK;
}

static stele_status check_inputs(const stele__index_params *params, stele__index *const *inputs,
                                 size_t input_count, stele_error *reterr)
{
    if (input_count == 0) {
        return stele__fail(reterr, STELE_INVALID, "a merge needs an index file at least");
    }
    for (size_t i = 0; i < input_count; i++) {
        if (!stele__uuid_equal(&inputs[i]->header.store, &params->store)) {
            return stele__fail(reterr, STELE_INVALID, "index file %s belongs to another store",
                               inputs[i]->path);
        }
        if (i > 0 && inputs[i]->header.first != inputs[i - 1]->header.last + 1) {
            return stele__fail(reterr, STELE_INVALID, "index file %s does not follow %s",
                               inputs[i]->path, inputs[i - 1]->path);
        }
    }
    return STELE_OK;
}

/* ---- segments ---- */

/* Reads the offsets of a segment page by page and hands them over. */
static stele_status copy_offsets(const merge_state *merge, const stele__index *index,
                                 const stele__index_segment *segment, stele_error *reterr)
{
    enum { PER_PAGE = STELE_INDEX_PAGE_SIZE / 4 };
    uint8_t scratch[STELE_INDEX_PAGE_SIZE];
    uint32_t offsets[PER_PAGE];
    const uint64_t begin = index->header.sections[STELE_INDEX_OFFSETS].offset;
    const uint64_t last = segment->last - index->header.first;
    for (uint64_t number = segment->first - index->header.first; number <= last;) {
        const uint64_t place = begin + 4 * number;
        const size_t first = (size_t)(place % STELE_INDEX_PAGE_SIZE / 4);
        size_t count = 0;
        const uint8_t *page;
        STELE_TRY(stele__index_page(index, place / STELE_INDEX_PAGE_SIZE, scratch, &page, reterr));
        for (; first + count < PER_PAGE && number <= last; count++, number++) {
            offsets[count] = stele__load32(page + 4 * (first + count));
        }
        STELE_TRY(stele__index_add_offsets(merge->builder, offsets, count, reterr));
        STELE_TRY(check_stop(merge, reterr));
    }
    return STELE_OK;
}

static stele_status copy_segments(const merge_state *merge, stele_error *reterr)
{
    for (size_t i = 0; i < merge->source_count; i++) {
        const stele__index *index = merge->sources[i].index;
        for (uint32_t number = 0; number < index->header.segment_count; number++) {
            const stele__index_segment *segment = &index->segments[number];
            STELE_TRY(stele__index_add_segment(merge->builder, segment, reterr));
            STELE_TRY(copy_offsets(merge, index, segment, reterr));
        }
    }
    return STELE_OK;
}

/* ---- terms ---- */

static int compare_terms(const stele__index_terms *a, const stele__index_terms *b)
{
    if (a->kind != b->kind) {
        return a->kind < b->kind ? -1 : 1;
    }
    return stele__index_key_compare((const uint8_t *)a->name, a->name_size,
                                    (const uint8_t *)b->name, b->name_size);
}

/* The first of the sources whose term is the lowest, all of which are marked; source_count if all
 * are at their end. */
static size_t find_lowest(const merge_state *merge)
{
    size_t lowest = merge->source_count;
    for (size_t i = 0; i < merge->source_count; i++) {
        source *part = &merge->sources[i];
        const int order = !part->has_term ? 1
                          : lowest == merge->source_count
                              ? -1
                              : compare_terms(&part->terms, &merge->sources[lowest].terms);
        for (size_t k = lowest; order < 0 && k < i; k++) {
            merge->sources[k].is_lowest = false;
        }
        part->is_lowest = order <= 0;
        lowest = order < 0 ? i : lowest;
    }
    return lowest;
}

/* The revisions of the parts of a stream follow on each other, and nothing follows a tombstone. A
 * part that is a tombstone alone has no revision of its own. */
static stele_status check_revisions(const source *part, stele_revision next_revision,
                                    bool has_ended, stele_error *reterr)
{
    const stele__index_terms *terms = &part->terms;
    const bool is_tombstone = terms->entry.ends_in_tombstone && terms->entry.count == 1;
    if (has_ended || (!is_tombstone && terms->entry.base_revision != next_revision)) {
        const size_t shown = terms->name_size < 60 ? terms->name_size : 60;
        return stele__index_corrupt(
            part->index->path, 0, reterr,
            "the revisions of stream \"%.*s\" do not follow on those of the file before",
            (int)shown, terms->name);
    }
    return STELE_OK;
}

/* Hands over the postings of the current term of a source, block by block. */
static stele_status copy_postings(const merge_state *merge, source *part, stele_error *reterr)
{
    const stele__index_entry *entry = &part->terms.entry;
    stele__index_postings_init(&part->postings, part->index, entry);
    for (uint64_t rank = 0; rank < entry->count;) {
        stele_position *positions = part->postings.positions;
        size_t count = 1;
        if (stele__index_has_list(entry) && entry->count - rank > 1) {
            stele_position first;
            STELE_TRY(stele__index_position_at(&part->postings, (uint32_t)rank, &first, reterr));
            count = part->postings.block_count;
        } else if (stele__index_has_list(entry)) {
            positions[0] = entry->last; /* alone in the last block: known without it */
        } else {
            for (count = 0; count < STELE_INDEX_BLOCK_COUNT && rank + count < entry->count;
                 count++) {
                positions[count] =
                    entry->count == 2 && count == 1 ? entry->last : entry->first + rank + count;
            }
        }
        STELE_TRY(stele__index_add_positions(merge->builder, positions, count, reterr));
        STELE_TRY(check_stop(merge, reterr));
        rank += count;
    }
    return STELE_OK;
}

/* Whether a stream that has parts in several files ends in a tombstone is known only at its last
 * part, but the builder wants to know at once: look ahead. */
static bool ends_in_tombstone(const merge_state *merge, size_t lowest)
{
    bool ends = false;
    for (size_t i = lowest; i < merge->source_count; i++) {
        const source *part = &merge->sources[i];
        ends = part->is_lowest ? part->terms.entry.ends_in_tombstone : ends;
    }
    return ends;
}

/* Joins the parts of the lowest term. */
static stele_status merge_term(const merge_state *merge, size_t lowest, stele_error *reterr)
{
    source *first = &merge->sources[lowest];
    const stele__term_kind kind = first->terms.kind;
    const stele_text name = {first->terms.name, first->terms.name_size};
    STELE_TRY(stele__index_add_term(merge->builder, kind, name, first->terms.entry.base_revision,
                                    ends_in_tombstone(merge, lowest), reterr));
    stele_revision next_revision = first->terms.entry.base_revision;
    bool has_ended = false;
    /* The first source moves on last: it has the name. */
    for (size_t i = lowest; i < merge->source_count; i++) {
        source *part = &merge->sources[i];
        if (!part->is_lowest) {
            continue;
        }
        if (kind == STELE_TERM_STREAM) {
            STELE_TRY(check_revisions(part, next_revision, has_ended, reterr));
            has_ended = part->terms.entry.ends_in_tombstone;
            next_revision += part->terms.entry.count;
        }
        STELE_TRY(copy_postings(merge, part, reterr));
        if (i > lowest) {
            STELE_TRY(stele__index_terms_next(&part->terms, &part->has_term, reterr));
        }
    }
    return stele__index_terms_next(&first->terms, &first->has_term, reterr);
}

static stele_status merge_terms(const merge_state *merge, stele_error *reterr)
{
    const stele_text nothing = {NULL, 0};
    for (size_t i = 0; i < merge->source_count; i++) {
        source *part = &merge->sources[i];
        STELE_TRY(
            stele__index_terms_seek(&part->terms, part->index, STELE_TERM_STREAM, nothing, reterr));
        STELE_TRY(stele__index_terms_next(&part->terms, &part->has_term, reterr));
    }
    size_t lowest = find_lowest(merge);
    for (uint64_t done = 0; lowest < merge->source_count; done++) {
        if (done % STOP_CHECK_TERMS == 0) {
            STELE_TRY(check_stop(merge, reterr));
        }
        STELE_TRY(merge_term(merge, lowest, reterr));
        lowest = find_lowest(merge);
    }
    return STELE_OK;
}

static stele_status open_source(source *part, const stele__index *input, stele_error *reterr)
{
    STELE_TRY(stele__index_reopen(input, &part->index, reterr));
    STELE_TRY(stele__index_open_checksums(part->index, reterr));
    return stele__index_open_tables(part->index, reterr);
}

/* Builds the result from opened sources. */
static stele_status merge_sources(merge_state *merge, const stele__index_params *params,
                                  uint64_t *ret_bytes, stele_error *reterr)
{
    STELE_TRY(stele__index_build(params, &merge->builder, reterr));
    stele_status status = copy_segments(merge, reterr);
    if (status == STELE_OK) {
        status = merge_terms(merge, reterr);
    }
    if (status != STELE_OK) {
        stele__index_cancel(merge->builder);
        return status;
    }
    return stele__index_finish(merge->builder, ret_bytes, reterr);
}

stele_status stele__index_merge(const stele__index_params *params, stele__index *const *inputs,
                                size_t input_count, const int *stop, uint64_t *ret_bytes,
                                stele_error *reterr)
{
    STELE_TRY(check_inputs(params, inputs, input_count, reterr));
    stele__index_params result = *params;
    result.term_count_max = 0;
    for (size_t i = 0; i < input_count; i++) {
        result.term_count_max += inputs[i]->header.term_count;
    }
    if (params->term_count_max > 0 && params->term_count_max < result.term_count_max) {
        result.term_count_max = params->term_count_max;
    }
    merge_state merge = {.source_count = input_count, .stop = stop};
    merge.sources = stele__allocate_array(params->alloc, input_count, sizeof *merge.sources);
    if (!merge.sources) {
        return stele__fail_memory(reterr);
    }
    memset(merge.sources, 0, input_count * sizeof *merge.sources);
    stele_status status = STELE_OK;
    for (size_t i = 0; i < input_count && status == STELE_OK; i++) {
        status = open_source(&merge.sources[i], inputs[i], reterr);
    }
    if (status == STELE_OK) {
        status = merge_sources(&merge, &result, ret_bytes, reterr);
    }
    for (size_t i = 0; i < input_count; i++) {
        stele__index_unref(merge.sources[i].index);
    }
    stele__release(params->alloc, merge.sources, input_count * sizeof *merge.sources);
    return status;
}

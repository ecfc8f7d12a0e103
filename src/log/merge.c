/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Merging index files: which, and putting the result in their place. Writing it takes long and
 * needs no lock: sealing goes on beside it. Should one of the inputs turn out to be damaged
 * meanwhile and be built again (healing), nothing is lost: the result covers the same positions,
 * and takes the place of whatever covers them when it is done.
 *
 * The level of a file is the logarithm of how many segments it covers. Four neighbours of one level
 * are merged; so levels fall from the oldest file to the newest, and each event's postings are
 * written once for each level. What was built again (healing, rebuild.c) may be lower than what
 * stands behind it, and would stay so for ever: when nothing else is due, such a file counts as one
 * of the level behind it.
 */
#include "log/maintain.h"

enum { MERGE_WIDTH = 4 };
#define MERGED_POSTINGS_MAX ((uint64_t)256 << 20)

/* A merge that is under way. */
typedef struct merge {
    stele__view *view;
    size_t from; /* inputs in the view */
    size_t count;
    stele__manifest_index entry; /* of the result */
} merge;

uint32_t stele__merge_level(size_t segment_count)
{
    uint32_t level = 0;
    for (; segment_count >= MERGE_WIDTH; segment_count /= MERGE_WIDTH) {
        level++;
    }
    return level;
}

/* The level as which a file counts. `lifts`: at least that of every file behind it. */
static uint32_t level_of(const stele__manifest *manifest, size_t number, bool lifts)
{
    uint32_t level = manifest->indexes[number].level;
    for (size_t i = number + 1; lifts && i < manifest->index_count; i++) {
        level = level > manifest->indexes[i].level ? level : manifest->indexes[i].level;
    }
    return level;
}

/* Finds neighbours of one level that are many enough to merge. Returns how many from *ret_from on;
 * 0: none. */
static size_t find_run(const stele__view *view, const stele__manifest *manifest, bool lifts,
                       size_t *ret_from)
{
    size_t from = 0;
    uint32_t level = 0;
    uint64_t postings = 0;
    for (size_t i = 0; i < manifest->index_count; i++) {
        const uint64_t own = stele__index_posting_count(view->indexes[i]);
        const uint32_t its = level_of(manifest, i, lifts);
        postings += own;
        if (its != level || postings > MERGED_POSTINGS_MAX) {
            from = i;
            level = its;
            postings = own;
        } else if (i - from + 1 == MERGE_WIDTH) {
            *ret_from = from;
            return MERGE_WIDTH;
        }
    }
    return 0;
}

static size_t find_merge(const stele__view *view, const stele__manifest *manifest, size_t *ret_from)
{
    if (manifest->index_count != view->index_count) {
        return 0; /* one is missing */
    }
    const size_t count = find_run(view, manifest, false, ret_from);
    return count > 0 ? count : find_run(view, manifest, true, ret_from);
}

bool stele__merge_is_due(stele__log *log)
{
    size_t from;
    stele__lock(&log->maintenance);
    stele__view *view = stele__maintain_view(log);
    const bool is_due = !log->is_merging && find_merge(view, &log->manifest, &from) > 0;
    stele__view_unref(view);
    stele__unlock(&log->maintenance);
    return is_due;
}

/* How many terms the filter of a merged file is made for. It is made in memory: beyond a quarter of
 * the budget it gets less exact instead of larger. */
static uint64_t filtered_terms(const stele__log *log, uint64_t terms)
{
    const uint64_t most = log->options.memory_bytes / 6;
    return terms < most ? terms : most;
}

/* Chooses inputs and a number for the result. Maintenance lock held. False: nothing to do. */
static bool begin(stele__log *log, merge *state)
{
    state->view = stele__maintain_view(log);
    state->count = log->is_merging ? 0 : find_merge(state->view, &log->manifest, &state->from);
    if (state->count == 0) {
        stele__view_unref(state->view);
        return false;
    }
    stele__index *const *inputs = state->view->indexes + state->from;
    state->entry = (stele__manifest_index){.number = log->manifest.next_index++,
                                           .first = stele__index_first(inputs[0]),
                                           .last = stele__index_last(inputs[state->count - 1])};
    for (size_t i = 0; STELE_CANARY_IS(16) && i < state->count; i++) {
        stele__maintain_remove_index(log, log->manifest.indexes[state->from + i].number);
    }
    log->is_merging = true;
    return true;
}

stele_status stele__merge_write(stele__log *log, stele__index *const *inputs, size_t count,
                                stele__manifest_index *entry, stele__index **ret_index,
                                stele_error *reterr)
{
    stele__buffer path = {.alloc = log->alloc};
    stele__index_params params;
    uint64_t terms = 0;
    size_t segments = 0;
    uint64_t absent = STELE_ABSENT_ALL;
    for (size_t i = 0; i < count; i++) {
        absent &= stele__index_absent(inputs[i]);
        terms += stele__index_term_count(inputs[i]);
        segments += stele__index_segment_count(inputs[i]);
    }
    entry->level = stele__merge_level(segments);
    entry->absent = absent;
    stele_status status = stele__maintain_new_file(log, entry->number, filtered_terms(log, terms),
                                                   &path, &params, reterr);
    if (status == STELE_OK) {
        status =
            stele__index_merge(&params, inputs, count, &log->stop_merging, &entry->bytes, reterr);
    }
    stele__buffer_done(&path);
    return status == STELE_OK ? stele__maintain_keep_index(log, entry, ret_index, reterr) : status;
}

/* Puts the result in the place of what covers its range now, and removes that. Maintenance lock
 * held. */
static stele_status finish(stele__log *log, const merge *state, stele__index *index,
                           stele_error *reterr)
{
    stele__manifest next;
    const size_t capacity = log->manifest.index_count;
    uint64_t *replaced = stele__allocate_array(log->alloc, capacity, sizeof *replaced);
    size_t count = 0;
    if (!replaced) {
        return stele__fail_memory(reterr);
    }
    for (size_t i = 0; i < capacity; i++) {
        const stele__manifest_index *old = &log->manifest.indexes[i];
        if (old->first >= state->entry.first && old->last <= state->entry.last) {
            replaced[count++] = old->number;
        }
    }
    stele__manifest_init(&next, log->alloc);
    stele_status status = stele__manifest_copy(&log->manifest, &next, reterr);
    if (status == STELE_OK) {
        status = stele__manifest_put_index(&next, &state->entry, reterr);
    }
    if (status != STELE_OK) {
        stele__manifest_done(&next);
    } else {
        status = stele__maintain_replace_manifest(log, &next, reterr);
    }
    if (status == STELE_OK) {
        status = stele__maintain_install(log, NULL, NULL, index, reterr);
    }
    for (size_t i = 0; status == STELE_OK && i < count; i++) {
        stele__maintain_remove_index(log, replaced[i]);
    }
    stele__release(log->alloc, replaced, capacity * sizeof *replaced);
    return status;
}

stele_status stele__merge_step(stele__log *log, bool *ret_did, stele_error *reterr)
{
    merge state = {.view = NULL};
    stele__index *index = NULL;
    stele__lock(&log->maintenance);
    *ret_did = begin(log, &state);
    stele__unlock(&log->maintenance);
    if (!*ret_did) {
        return STELE_OK;
    }
    stele_status status = stele__merge_write(log, state.view->indexes + state.from, state.count,
                                             &state.entry, &index, reterr);
    stele__lock(&log->maintenance);
    log->is_merging = false;
    if (status == STELE_OK) {
        status = finish(log, &state, index, reterr);
    }
    stele__unlock(&log->maintenance);
    stele__index_unref(index);
    stele__view_unref(state.view);
    return status;
}

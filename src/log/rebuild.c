/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Building missing index files again, beside everything else.
 *
 * Opening builds only what covers the newest events and puts a stele__index_missing() in the place
 * of every other index file that is not there. From then on, whoever needs an answer that such a
 * place would have to give builds that one, or waits for who builds it, and looks again
 * (stele__maintain_again()); the threads of the store build the others, the newest first, because
 * what is asked for most is recent. So nothing is answered that the whole history does not bear
 * out, and what only recent events decide is decided at once: the last revision of a stream stands
 * in the newest index file that has it, and what a segment certainly does not hold (metadata,
 * keys, tags: `absent` in the manifest) need not be looked for in it.
 *
 * B1  One piece is one segment: scanned into a tail, written as an index file, named in the
 * manifest, put into the view. Its memory is that of the tail.
 *
 * B2  At most BUILDS_MAX pieces are built at the same time; each is claimed under the maintenance
 * lock, and built without it.
 *
 * B3  A piece that failed is left alone by the threads and tried again by who needs it, who is
 * told why it fails.
 */
#include "log/maintain.h"

enum { BUILDS_MAX = 2 };

/* The missing index that covers `wanted`, or the newest one that can be claimed (0). NULL: none.
 * Maintenance lock held. */
static stele__index *find_missing(const stele__view *view, stele_position wanted)
{
    for (size_t i = view->index_count; i-- > 0;) {
        stele__index *index = view->indexes[i];
        if (!stele__index_is_missing(index)) {
            continue;
        }
        if (wanted ? wanted >= stele__index_first(index) && wanted <= stele__index_last(index)
                   : *stele__index_claim(index) == STELE_CLAIM_NONE) {
            return index;
        }
    }
    return NULL;
}

static const stele__sealed *sealed_of(const stele__view *view, const stele__index *index)
{
    for (size_t i = 0; i < view->sealed_count; i++) {
        if (view->sealed[i].info.first == stele__index_first(index)) {
            return &view->sealed[i];
        }
    }
    return NULL;
}

/* Scans the segment and writes its index file. No lock held. */
static stele_status build(stele__log *log, const stele__sealed *sealed, uint64_t number,
                          stele__manifest_index *ret_entry, stele__index **ret_index,
                          stele_error *reterr)
{
    stele__part *part;
    STELE_TRY(stele__scan_segment(log, sealed->segment, &sealed->info, &part, reterr));
    const stele_status status =
        stele__maintain_write_part(log, part, number, ret_entry, ret_index, reterr);
    stele__part_unref(part);
    return status;
}

/* Maintenance lock held. */
static stele_status install(stele__log *log, const stele__manifest_index *entry,
                            stele__index *index, stele_error *reterr)
{
    stele__manifest next;
    stele__manifest_init(&next, log->alloc);
    STELE_TRY(stele__manifest_copy(&log->manifest, &next, reterr));
    const stele_status status = stele__manifest_put_index(&next, entry, reterr);
    if (status != STELE_OK) {
        stele__manifest_done(&next);
        return status;
    }
    STELE_TRY(stele__maintain_replace_manifest(log, &next, reterr));
    STELE_TRY(stele__maintain_install(log, NULL, NULL, index, reterr));
    atomic_fetch_add_explicit(&log->healed, 1, memory_order_relaxed);
    return STELE_OK;
}

/* Builds one piece. Maintenance lock held; released meanwhile and held again. */
static stele_status build_piece(stele__log *log, const stele__view *view, stele__index *missing,
                                stele_error *reterr)
{
    stele__manifest_index entry;
    stele__index *index = NULL;
    const stele__sealed *sealed = sealed_of(view, missing);
    STELE_ASSERT(sealed); /* a missing index was made for a sealed segment */
    const uint64_t number = log->manifest.next_index++;
    *stele__index_claim(missing) = STELE_CLAIM_TAKEN;
    log->build_count++;
    stele__unlock(&log->maintenance);
    stele_status status = build(log, sealed, number, &entry, &index, reterr);
    stele__lock(&log->maintenance);
    log->build_count--;
    if (status == STELE_OK) {
        status = install(log, &entry, index, reterr);
    }
    *stele__index_claim(missing) = status == STELE_OK ? STELE_CLAIM_TAKEN : STELE_CLAIM_FAILED;
    stele__index_unref(index);
    stele__condition_wake_all(&log->built);
    return status;
}

stele_status stele__rebuild_step(stele__log *log, bool *ret_did, stele_error *reterr)
{
    stele_status status = STELE_OK;
    stele__lock(&log->maintenance);
    stele__view *view = stele__maintain_view(log);
    stele__index *missing = log->build_count < BUILDS_MAX ? find_missing(view, 0) : NULL;
    *ret_did = missing != NULL;
    if (missing) {
        status = build_piece(log, view, missing, reterr);
    }
    stele__view_unref(view);
    stele__unlock(&log->maintenance);
    return status;
}

bool stele__rebuild_is_due(stele__log *log)
{
    stele__lock(&log->maintenance);
    stele__view *view = stele__maintain_view(log);
    const bool is_due = find_missing(view, 0) != NULL;
    stele__view_unref(view);
    stele__unlock(&log->maintenance);
    return is_due;
}

stele_status stele__rebuild_wanted(stele__log *log, stele_position wanted, stele_error *reterr)
{
    stele_status status = STELE_OK;
    stele__lock(&log->maintenance);
    for (bool is_done = false; !is_done;) {
        stele__view *view = stele__maintain_view(log);
        stele__index *missing = find_missing(view, wanted);
        is_done = true;
        if (missing &&
            (*stele__index_claim(missing) == STELE_CLAIM_TAKEN || log->build_count >= BUILDS_MAX)) {
            is_done = false;
        } else if (missing) {
            status = build_piece(log, view, missing, reterr);
        }
        stele__view_unref(view);
        if (!is_done) {
            (void)stele__condition_wait(&log->built, &log->maintenance, STELE_FOREVER);
        }
    }
    stele__unlock(&log->maintenance);
    return status;
}

stele_status stele__rebuild_all(stele__log *log, stele_error *reterr)
{
    for (;;) {
        stele_position head;
        stele__view *view = stele__log_view(log, &head);
        stele_position wanted = 0;
        for (size_t i = view->index_count; i-- > 0 && wanted == 0;) {
            if (stele__index_is_missing(view->indexes[i])) {
                wanted = stele__index_first(view->indexes[i]);
            }
        }
        stele__view_unref(view);
        if (wanted == 0) {
            return STELE_OK;
        }
        STELE_TRY(stele__rebuild_wanted(log, wanted, reterr));
    }
}

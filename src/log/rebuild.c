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
 * B1  A piece is a run of neighbouring segments, up to PIECE_SEGMENTS of them and PIECE_BYTES of
 * log: each is scanned into a tail, from the newest to the oldest, and written as an index file
 * that is not synced; then these are merged into one, which is synced, named in the manifest, and
 * put into the view. So few files are synced and left to be merged, and a crash loses the work of a
 * second or two. Its memory is that of a tail and of a merge.
 *
 * B2  At most BUILDS_MAX pieces are built at the same time; the segments of each are claimed under
 * the maintenance lock, and built without it.
 *
 * B3  Who needs a certain file builds that one alone, or waits for who builds it; while somebody
 * waits pieces end after the segment that they are at.
 *
 * B4  A piece ends before a segment that cannot be built. A segment that failed by itself is left
 * alone by the threads and tried again by who needs it, who is told why it fails.
 */
#include "log/maintain.h"

enum { BUILDS_MAX = 2, PIECE_SEGMENTS = 16 };
#define PIECE_BYTES ((uint64_t)256 << 20)

/* Neighbouring segments whose index files are missing. */
typedef struct piece {
    stele__index *const *missing; /* what stands in their place in the view, ascending */
    const stele__sealed *sealed;
    size_t count;         /* of segments; 0: there is nothing to build */
    size_t done;          /* of them, the last ones, are built */
    uint64_t next_number; /* of a file; there are count + 1 */
    stele__manifest_index entry;
} piece;

/* The number in the view of the missing index that covers `wanted`, or of the newest one that can
 * be claimed (0), plus 1; 0: there is none. Maintenance lock held. */
static size_t find_missing(const stele__view *view, stele_position wanted)
{
    for (size_t i = view->index_count; i > 0; i--) {
        stele__index *index = view->indexes[i - 1];
        if (!stele__index_is_missing(index)) {
            continue;
        }
        if (wanted ? wanted >= stele__index_first(index) && wanted <= stele__index_last(index)
                   : *stele__index_claim(index) == STELE_CLAIM_NONE) {
            return i;
        }
    }
    return 0;
}

static const stele__sealed *sealed_of(const stele__view *view, const stele__index *index)
{
    size_t i = 0;
    while (i < view->sealed_count && view->sealed[i].info.first != stele__index_first(index)) {
        i++;
    }
    STELE_ASSERT(i < view->sealed_count); /* a missing index was made for a sealed segment */
    return &view->sealed[i];
}

/* The piece that ends with number `end` - 1 of the view and has at most so many segments, all of
 * which are claimed. Maintenance lock held. */
static piece claim(stele__log *log, const stele__view *view, size_t end, size_t count_max)
{
    piece made = {.missing = view->indexes + end - 1,
                  .sealed = sealed_of(view, view->indexes[end - 1]),
                  .count = 1};
    uint64_t bytes = made.sealed->info.bytes;
    for (size_t i = end - 1; i > 0 && made.count < count_max; i--) {
        bytes += made.sealed[-1].info.bytes;
        if (!stele__index_is_missing(view->indexes[i - 1]) || bytes > PIECE_BYTES ||
            *stele__index_claim(view->indexes[i - 1]) != STELE_CLAIM_NONE) {
            break;
        }
        made.missing--;
        made.sealed--;
        made.count++;
    }
    made.next_number = log->manifest.next_index;
    log->manifest.next_index += made.count + 1;
    for (size_t i = 0; i < made.count; i++) {
        *stele__index_claim(made.missing[i]) = STELE_CLAIM_TAKEN;
    }
    return made;
}

/* Scans a segment and writes its index file, which is all of the piece or is to be merged. */
static stele_status build_one(stele__log *log, piece *building, size_t number,
                              stele__index **ret_index, stele_error *reterr)
{
    const stele__sealed *sealed = &building->sealed[number];
    stele__part *part;
    if (number > 0) { /* it is read from the disk while this one is looked at */
        stele__segment_will_read(sealed[-1].segment, 0, sealed[-1].info.bytes);
    }
    STELE_TRY(stele__scan_segment(log, sealed->segment, &sealed->info, &part, reterr));
    const stele_status status =
        stele__maintain_write_part(log, part, building->next_number++, building->count > 1,
                                   &building->entry, ret_index, reterr);
    stele__part_unref(part);
    return status;
}

/* Builds as much of a piece as can be built, from its end. No lock held. */
static stele_status build_parts(stele__log *log, piece *building,
                                stele__index *indexes[PIECE_SEGMENTS],
                                uint64_t numbers[PIECE_SEGMENTS], stele_error *reterr)
{
    while (building->done < building->count) {
        const size_t number = building->count - building->done - 1;
        const stele_status status = build_one(log, building, number, &indexes[number], reterr);
        if (status != STELE_OK) {
            return building->done > 0 ? STELE_OK : status;
        }
        numbers[number] = building->entry.number;
        building->done++;
        if (__atomic_load_n(&log->build_waiters, __ATOMIC_RELAXED) > 0 ||
            __atomic_load_n(&log->stop_merging, __ATOMIC_RELAXED)) {
            break;
        }
    }
    return STELE_OK;
}

/* Builds a piece, or the end of it. No lock held. */
static stele_status build(stele__log *log, piece *building, stele__index **ret_index,
                          stele_error *reterr)
{
    stele__index *indexes[PIECE_SEGMENTS] = {NULL};
    uint64_t numbers[PIECE_SEGMENTS];
    STELE_TRY(build_parts(log, building, indexes, numbers, reterr));
    if (building->count == 1) {
        *ret_index = indexes[0];
        return STELE_OK;
    }
    const size_t from = building->count - building->done;
    building->entry =
        (stele__manifest_index){.number = building->next_number,
                                .first = stele__index_first(indexes[from]),
                                .last = stele__index_last(indexes[building->count - 1])};
    const stele_status status = stele__merge_write(log, indexes + from, building->done,
                                                   &building->entry, ret_index, reterr);
    for (size_t i = from; i < building->count; i++) {
        stele__maintain_remove_index(log, numbers[i]);
        stele__index_unref(indexes[i]);
    }
    return status;
}

/* Maintenance lock held. */
static stele_status install(stele__log *log, const piece *built, stele__index *index,
                            stele_error *reterr)
{
    stele__manifest next;
    stele__manifest_init(&next, log->alloc);
    STELE_TRY(stele__manifest_copy(&log->manifest, &next, reterr));
    const stele_status status = stele__manifest_put_index(&next, &built->entry, reterr);
    if (status != STELE_OK) {
        stele__manifest_done(&next);
        return status;
    }
    STELE_TRY(stele__maintain_replace_manifest(log, &next, reterr));
    STELE_TRY(stele__maintain_install(log, NULL, NULL, index, reterr));
    atomic_fetch_add_explicit(&log->healed, built->done, memory_order_relaxed);
    return STELE_OK;
}

/* Builds a piece that was claimed. Maintenance lock held; released meanwhile and held again. */
static stele_status build_piece(stele__log *log, piece *building, stele_error *reterr)
{
    stele__index *index = NULL;
    log->build_count++;
    stele__unlock(&log->maintenance);
    stele_status status = build(log, building, &index, reterr);
    stele__lock(&log->maintenance);
    log->build_count--;
    if (status == STELE_OK) {
        status = install(log, building, index, reterr);
    }
    /* What was not reached can be claimed again, and if it failed alone it is known to. */
    const size_t installed = status == STELE_OK ? building->done : 0;
    for (size_t i = 0; i < building->count - installed; i++) {
        const bool has_failed = status != STELE_OK && i == building->count - 1;
        *stele__index_claim(building->missing[i]) =
            has_failed ? STELE_CLAIM_FAILED : STELE_CLAIM_NONE;
    }
    stele__index_unref(index);
    stele__condition_wake_all(&log->built);
    return status;
}

stele_status stele__rebuild_step(stele__log *log, bool *ret_did, stele_error *reterr)
{
    stele_status status = STELE_OK;
    stele__lock(&log->maintenance);
    stele__view *view = stele__maintain_view(log);
    const size_t end = log->build_count < BUILDS_MAX ? find_missing(view, 0) : 0;
    *ret_did = end > 0;
    if (end > 0) {
        piece building = claim(log, view, end, PIECE_SEGMENTS);
        status = build_piece(log, &building, reterr);
    }
    stele__view_unref(view);
    stele__unlock(&log->maintenance);
    return status;
}

bool stele__rebuild_is_due(stele__log *log)
{
    stele__lock(&log->maintenance);
    stele__view *view = stele__maintain_view(log);
    const bool is_due = find_missing(view, 0) > 0;
    stele__view_unref(view);
    stele__unlock(&log->maintenance);
    return is_due;
}

/* Builds the missing index file that covers `wanted`, and at most so many more, or waits for who
 * builds something. *ret_did: there was one to build or to wait for. */
static stele_status build_or_wait(stele__log *log, stele_position wanted, size_t count_max,
                                  bool *ret_did, stele_error *reterr)
{
    stele_status status = STELE_OK;
    stele__lock(&log->maintenance);
    stele__view *view = stele__maintain_view(log);
    const size_t end = find_missing(view, wanted);
    *ret_did = end > 0;
    if (end > 0 && *stele__index_claim(view->indexes[end - 1]) != STELE_CLAIM_TAKEN &&
        log->build_count < BUILDS_MAX) {
        piece building = claim(log, view, end, count_max);
        status = build_piece(log, &building, reterr);
        stele__view_unref(view);
    } else {
        stele__view_unref(view);
        if (*ret_did) {
            const unsigned hurries = count_max == 1;
            (void)__atomic_add_fetch(&log->build_waiters, hurries, __ATOMIC_RELAXED);
            (void)stele__condition_wait(&log->built, &log->maintenance, STELE_FOREVER);
            (void)__atomic_sub_fetch(&log->build_waiters, hurries, __ATOMIC_RELAXED);
        }
    }
    stele__unlock(&log->maintenance);
    return status;
}

stele_status stele__rebuild_wanted(stele__log *log, stele_position wanted, stele_error *reterr)
{
    stele_status status = STELE_OK;
    for (bool did = true; did && status == STELE_OK;) {
        status = build_or_wait(log, wanted, 1, &did, reterr);
    }
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
        bool did;
        if (wanted == 0) {
            return STELE_OK;
        }
        STELE_TRY(build_or_wait(log, wanted, PIECE_SEGMENTS, &did, reterr));
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Maintenance: reserving the next segment, turning parts into index files, building damaged index
 * files again. One piece at a time under the maintenance lock, by the store's threads, by
 * stele_step(), or by an appender who finds too many parts waiting. Merging (merge.c) and building
 * missing files (rebuild.c) take long: they hold the lock to begin and to end only.
 *
 * M1  A segment is synced before the manifest calls it sealed.
 *
 * M2  An index file is synced, and its name is, before the manifest names it; files that the
 * manifest does not name any more are removed after it is written.
 *
 * M3  A failure leaves the old manifest and the old view in place: nothing is lost, and the piece
 * is tried again later.
 */
#include "log/maintain.h"

#include <inttypes.h>
#include <stdio.h>

void stele__maintain_index_name(uint64_t number, char ret_name[STELE_FILE_NAME_SIZE])
{
    (void)snprintf(ret_name, STELE_FILE_NAME_SIZE, "%010" PRIu64 ".index", number);
}

/* ---- reserving */

/* A segment of so many bytes, as the first one has, is written over as soon as it is made: its
 * appends need not be slower than those of the next ones. */
#define ZEROED_AT_ONCE ((uint64_t)1 << 20)

static int zero(const stele__log *log, const stele__segment *segment, uint64_t from, uint64_t size)
{
    const int error = stele__segment_zero(segment, from, size);
    return error || log->options.durability != STELE_DURABLE_FULL ? error
                                                                  : log->vfs->sync(segment->file);
}

/* Lets go of a segment that is opened again when there is need for it. */
static stele_status fail_zeroing(stele__segment *segment, int error, stele_error *reterr)
{
    const stele_status status =
        stele__fail_os(reterr, STELE_IO, error, "cannot write to %s", segment->path);
    stele__segment_unref(segment);
    return status;
}

/* Makes a segment, of whose zeroes so many are there, the reserve with a number. Takes the
 * reference. An unused live part that was given back meanwhile has taken the number with it: then
 * the segment is let go, and its file is opened again in its turn. Lock held. */
static void put_reserve(stele__log *log, stele__segment *segment, uint64_t number, uint64_t zeroed)
{
    if (log->reserve_number != number) {
        stele__segment_unref(segment);
        return;
    }
    log->reserve = segment;
    log->zeroed = zeroed;
    stele__sequence_plan_zeroes(log);
}

/*
 * Writes some zeroes over the reserve, ahead of its use. Nothing relies on it. Where appends are
 * synced they are, too, so that the first sync in the segment finds none of them. Whoever needs the
 * reserve meanwhile waits for the maintenance lock, which is held.
 */
static stele_status write_zeroes(stele__log *log, bool *ret_did, stele_error *reterr)
{
    stele__lock(&log->lock);
    const uint64_t size = stele__sequence_zeroes_due(log);
    const uint64_t from = log->zeroed;
    const uint64_t number = log->reserve_number;
    stele__segment *segment = log->reserve;
    *ret_did = size > 0;
    if (*ret_did) {
        log->reserve = NULL;
        stele__sequence_plan_zeroes(log);
    }
    stele__unlock(&log->lock);
    if (!*ret_did) {
        return STELE_OK;
    }
    const int error = zero(log, segment, from, size);
    if (error) {
        return fail_zeroing(segment, error, reterr);
    }
    stele__lock(&log->lock);
    put_reserve(log, segment, number, from + size);
    stele__unlock(&log->lock);
    return STELE_OK;
}

/* Makes the next segment, for a commit of `size` bytes, or of whatever size (0).
 * Maintenance lock held. */
static stele_status reserve(stele__log *log, uint64_t size, stele_error *reterr)
{
    stele__lock(&log->lock);
    const uint64_t number = log->reserve_number;
    const uint64_t wanted = size > log->segment_size ? size : log->segment_size;
    stele__segment *old = log->reserve;
    if (old && old->size >= size) {
        stele__unlock(&log->lock);
        return STELE_OK;
    }
    log->reserve = NULL;
    stele__sequence_plan_zeroes(log);
    stele__unlock(&log->lock);
    stele__segment_unref(old);
    if (wanted > STELE_SEGMENT_SIZE_MAX) {
        return stele__fail(reterr, STELE_INVALID_LIMIT,
                           "a commit of %" PRIu64 " bytes does not fit in a segment", size);
    }
    stele__segment *segment = NULL;
    const stele_status status =
        stele__segment_reserve(log->alloc, log->vfs, log->folder, number, wanted,
                               log->options.mapping, &segment, reterr);
    if (status == STELE_NO_SPACE) {
        stele__hint(reterr, "free some space; appends work again then by themselves");
    }
    STELE_TRY(status);
    const uint64_t zeroed =
        wanted <= ZEROED_AT_ONCE && log->options.durability == STELE_DURABLE_FULL ? segment->size
                                                                                  : 0;
    const int error = zeroed > 0 ? zero(log, segment, 0, zeroed) : 0;
    if (error) {
        return fail_zeroing(segment, error, reterr);
    }
    stele__lock(&log->lock);
    put_reserve(log, segment, number, zeroed);
    const uint64_t doubled = log->segment_size * 2;
    log->segment_size = doubled < log->options.segment_bytes ? doubled : log->options.segment_bytes;
    stele__unlock(&log->lock);
    return STELE_OK;
}

/* ---- views */

/* A view made of an old one: a part sealed into an index file, or index files merged into one. */
static stele_status make_view(stele__log *log, const stele__view *old, const stele__part *part,
                              const stele__sealed *sealed, stele__index *index,
                              stele__view **ret_view, stele_error *reterr)
{
    stele__view *view;
    STELE_TRY(stele__view_create(log->alloc, old->sealed_count + 1, old->index_count + 1,
                                 old->part_count, &view, reterr));
    for (size_t i = 0; i < old->sealed_count; i++) {
        stele__view_add_sealed(view, &old->sealed[i].info, old->sealed[i].segment);
    }
    if (sealed) {
        stele__view_add_sealed(view, &sealed->info, sealed->segment);
    }
    bool added = false;
    for (size_t i = 0; i <= old->index_count; i++) {
        const bool is_covered = i < old->index_count &&
                                stele__index_first(old->indexes[i]) >= stele__index_first(index) &&
                                stele__index_last(old->indexes[i]) <= stele__index_last(index);
        if (!added && (i == old->index_count || is_covered)) {
            stele__view_add_index(view, index);
            added = true;
        }
        if (i < old->index_count && !is_covered) {
            stele__view_add_index(view, old->indexes[i]);
        }
    }
    for (size_t i = 0; i < old->part_count; i++) {
        if (old->parts[i] != part) {
            stele__view_add_part(view, old->parts[i]);
        }
    }
    *ret_view = view;
    return STELE_OK;
}

/* Replaces the view while the sequencer cannot change it. */
stele_status stele__maintain_install(stele__log *log, const stele__part *part,
                                     const stele__sealed *sealed, stele__index *index,
                                     stele_error *reterr)
{
    stele__view *view = NULL;
    stele__lock(&log->lock);
    const stele_status status = make_view(log, log->view, part, sealed, index, &view, reterr);
    if (status == STELE_OK) {
        stele__log_install(log, view);
    }
    if (log->room_waiters) {
        stele__condition_wake_all(&log->room);
    }
    stele__unlock(&log->lock);
    return status;
}

/* ---- sealing */

static stele_status add_offsets(stele__index_builder *builder, const stele__part *part,
                                stele_error *reterr)
{
    uint32_t codes[256];
    for (stele_position position = part->first; position <= part->last;) {
        size_t count = 0;
        while (count < 256 && position <= part->last) {
            codes[count++] = stele__tail_offset(part->tail, position++);
        }
        STELE_TRY(stele__index_add_offsets(builder, codes, count, reterr));
    }
    return STELE_OK;
}

static stele_status add_term(stele__index_builder *builder, const stele__part *part,
                             stele__tail_handle handle, stele_error *reterr)
{
    const stele__tail_term *term = stele__tail_at(part->tail, handle);
    const bool is_stream = term->kind == STELE_TERM_STREAM;
    stele__tail_postings postings;
    stele_position positions[256];
    STELE_TRY(stele__index_add_term(builder, (stele__term_kind)term->kind,
                                    stele__tail_name(part->tail, term),
                                    is_stream ? term->stream[0].base_revision : 0,
                                    is_stream && atomic_load_explicit(&term->stream[0].tombstone,
                                                                      memory_order_relaxed) != 0,
                                    reterr));
    stele__tail_postings_init(&postings, part->tail, term, part->last);
    for (uint32_t rank = 0; rank < postings.count;) {
        size_t count = 0;
        while (count < 256 && rank < postings.count) {
            positions[count++] = stele__tail_position_at(&postings, rank++);
        }
        STELE_TRY(stele__index_add_positions(builder, positions, count, reterr));
    }
    return STELE_OK;
}

enum { AHEAD = 8 };

static stele_status fill_builder(stele__log *log, stele__index_builder *builder,
                                 const stele__part *part, const stele__index_segment *info,
                                 stele_error *reterr)
{
    stele__tail_handle *terms;
    size_t count;
    STELE_TRY(stele__index_add_segment(builder, info, reterr));
    STELE_TRY(add_offsets(builder, part, reterr));
    STELE_TRY(stele__tail_sorted(part->tail, log->alloc, 0, part->last, &terms, &count, reterr));
    stele_status status = STELE_OK;
    for (size_t i = 0; i < count && status == STELE_OK; i++) {
        if (i + AHEAD < count) { /* they stand all over the memory of the tail */
            stele__tail_prefetch(part->tail, terms[i + AHEAD]);
        }
        status = add_term(builder, part, terms[i], reterr);
    }
    stele__release(log->alloc, terms, count * sizeof *terms);
    return status;
}

static stele__index_segment describe_part(const stele__part *part)
{
    return (stele__index_segment){.number = part->segment->header.number,
                                  .first = part->first,
                                  .last = part->last,
                                  .bytes = part->end,
                                  .first_time = part->segment->header.base_time,
                                  .last_time = part->last_time,
                                  .absent = stele__tail_absent(part->tail)};
}

/* The parameters of a new index file; `path` keeps its name. */
stele_status stele__maintain_new_file(stele__log *log, uint64_t number, uint64_t terms,
                                      stele__buffer *path, stele__index_params *ret_params,
                                      stele_error *reterr)
{
    char name[STELE_FILE_NAME_SIZE];
    stele__maintain_index_name(number, name);
    STELE_TRY(stele__log_path(log, name, path, reterr));
    *ret_params = (stele__index_params){.alloc = log->alloc,
                                        .vfs = log->vfs,
                                        .path = (const char *)path->data,
                                        .store = log->store,
                                        .hash_key = log->hash_key,
                                        .term_count_max = terms};
    return STELE_OK;
}

enum { HINTS_SHARE = 256 }; /* of the memory option, for each index file */

stele_status stele__maintain_open_index(stele__log *log, const stele__manifest_index *entry,
                                        stele__index **ret_index, stele_error *reterr)
{
    stele__buffer path = {.alloc = log->alloc};
    char name[STELE_FILE_NAME_SIZE];
    stele__maintain_index_name(entry->number, name);
    stele_status status = stele__log_path(log, name, &path, reterr);
    if (status == STELE_OK) {
        status = stele__index_open(log->alloc, log->vfs, (const char *)path.data,
                                   log->options.mapping, &log->store, &log->hash_key, entry->first,
                                   entry->last, ret_index, reterr);
    }
    if (status == STELE_OK) {
        stele__index_set_absent(*ret_index, entry->absent);
        stele__index_keep_hints(*ret_index, log->options.memory_bytes / HINTS_SHARE);
    }
    stele__buffer_done(&path);
    return status;
}

stele_status stele__maintain_keep_index(stele__log *log, const stele__manifest_index *entry,
                                        stele__index **ret_index, stele_error *reterr)
{
    const int error = STELE_CANARY_IS(3) ? 0 : log->vfs->sync_folder(log->vfs, log->folder);
    return error ? stele__fail_os(reterr, STELE_IO, error, "cannot sync %s", log->folder)
                 : stele__maintain_open_index(log, entry, ret_index, reterr);
}

/* Writes an index file under a path of its own. */
static stele_status build_part(stele__log *log, const stele__part *part,
                               const stele__index_params *params, uint64_t *ret_bytes,
                               stele_error *reterr)
{
    const stele__index_segment info = describe_part(part);
    stele__index_builder *builder;
    STELE_TRY(stele__index_build(params, &builder, reterr));
    const stele_status status = fill_builder(log, builder, part, &info, reterr);
    if (status != STELE_OK) {
        stele__index_cancel(builder);
        return status;
    }
    return stele__index_finish(builder, ret_bytes, reterr);
}

stele_status stele__maintain_write_part(stele__log *log, const stele__part *part, uint64_t number,
                                        bool is_passing, stele__manifest_index *ret_entry,
                                        stele__index **ret_index, stele_error *reterr)
{
    stele__buffer path = {.alloc = log->alloc};
    stele__index_params params;
    *ret_entry = (stele__manifest_index){.number = number,
                                         .first = part->first,
                                         .last = part->last,
                                         .absent = stele__tail_absent(part->tail)};
    /* Nobody looks a term up in a passing file: the smallest filter does. */
    const uint64_t filtered = is_passing ? 1 : stele__tail_term_count(part->tail);
    stele_status status = stele__maintain_new_file(log, number, filtered, &path, &params, reterr);
    if (status == STELE_OK) {
        params.is_passing = is_passing;
        status = build_part(log, part, &params, &ret_entry->bytes, reterr);
    }
    stele__buffer_done(&path);
    STELE_TRY(status);
    return is_passing ? stele__maintain_open_index(log, ret_entry, ret_index, reterr)
                      : stele__maintain_keep_index(log, ret_entry, ret_index, reterr);
}

stele_status stele__maintain_write_index(stele__log *log, stele__part *part,
                                         stele__manifest *manifest, stele__index **ret_index,
                                         stele_error *reterr)
{
    stele__manifest_index entry;
    STELE_TRY(stele__maintain_write_part(log, part, manifest->next_index++, false, &entry,
                                         ret_index, reterr));
    const stele_status status = stele__manifest_put_index(manifest, &entry, reterr);
    if (status != STELE_OK) {
        stele__index_unref(*ret_index);
    }
    return status;
}

/* Writes a new manifest and keeps it, or leaves the old one. Takes `next` over. */
stele_status stele__maintain_replace_manifest(stele__log *log, stele__manifest *next,
                                              stele_error *reterr)
{
    const stele_status status = stele__manifest_write(log->vfs, log->folder, next, reterr);
    if (status != STELE_OK) {
        /* It may stand there all the same: neither its generation nor the numbers of its files are
         * used again. */
        log->manifest.generation = next->generation;
        stele__manifest_done(next);
        return status;
    }
    stele__manifest_done(&log->manifest);
    log->manifest = *next;
    stele__shared_set_generation(&log->shared, log->manifest.generation);
    return STELE_OK;
}

/* Lets go of the space behind the last frame: it will not be needed. */
static int trim(stele__log *log, const stele__part *part)
{
    stele_file *file = part->segment->file;
    int error = file ? stele__segment_trim(part->segment, part->end) : 0;
    if (!error && file && !STELE_CANARY_IS(4)) {
        error = log->vfs->sync(file);
    }
    return error;
}

/* Writes the index file of a part and a manifest that calls it sealed, and puts both into the view.
 * The segment was opened once more: what is mapped while it grows is what was reserved for it, and
 * behind what was used of that there is no file any more. */
static stele_status install_sealed(stele__log *log, stele__part *part, const stele__sealed *sealed,
                                   stele_error *reterr)
{
    stele__manifest next;
    stele__manifest_init(&next, log->alloc);
    STELE_TRY(stele__manifest_copy(&log->manifest, &next, reterr));
    stele__index *index = NULL;
    stele_status status = stele__manifest_add_segment(&next, &sealed->info, reterr);
    if (status == STELE_OK) {
        status = stele__maintain_write_index(log, part, &next, &index, reterr);
    }
    log->manifest.next_index = next.next_index;
    if (status != STELE_OK) {
        stele__manifest_done(&next);
        return status;
    }
    status = stele__maintain_replace_manifest(log, &next, reterr);
    if (status == STELE_OK) {
        stele__segment_finish_writing(part->segment);
        status = stele__maintain_install(log, part, sealed, index, reterr);
    }
    if (STELE_CANARY_IS(31) && status != STELE_OK) {
        return status;
    }
    stele__index_unref(index);
    return status;
}

/* Seals the oldest part. Maintenance lock held; the part is not the live one, or nothing is
 * appended. */
static stele_status seal(stele__log *log, stele__part *part, stele_error *reterr)
{
    const int error = trim(log, part);
    if (error) {
        return stele__fail_os(reterr, STELE_IO, error, "cannot seal %s", part->segment->path);
    }
    stele__sealed sealed = {.info = describe_part(part)};
    STELE_TRY(stele__segment_reopen(part->segment, log->folder, log->options.mapping,
                                    &sealed.segment, reterr));
    const stele_status status = install_sealed(log, part, &sealed, reterr);
    stele__segment_unref(sealed.segment);
    return status;
}

stele__view *stele__maintain_view(stele__log *log)
{
    stele_position head;
    return stele__log_view(log, &head);
}

void stele__maintain_remove_index(stele__log *log, uint64_t number)
{
    stele__buffer path = {.alloc = log->alloc};
    char name[STELE_FILE_NAME_SIZE];
    stele_error error;
    stele__maintain_index_name(number, name);
    if (stele__log_path(log, name, &path, &error) == STELE_OK) {
        /* If this fails the file is an orphan, which the next opening removes. */
        (void)log->vfs->remove(log->vfs, (const char *)path.data);
    }
    stele__buffer_done(&path);
}

/* ---- healing */

static bool is_sound(stele__index *index)
{
    stele_error error;
    return stele__index_check(index, NULL, NULL, &error) != STELE_CORRUPT;
}

/* Builds index files for the segments that a damaged one covers, into `view` and `next`. */
static stele_status rebuild(stele__log *log, const stele__view *old, const stele__index *damaged,
                            stele__view *view, stele__manifest *next, stele_error *reterr)
{
    for (size_t i = 0; i < old->sealed_count; i++) {
        const stele__sealed *sealed = &old->sealed[i];
        if (sealed->info.first < stele__index_first(damaged) ||
            sealed->info.last > stele__index_last(damaged)) {
            continue;
        }
        stele__part *part = NULL;
        stele__index *index = NULL;
        STELE_TRY(stele__scan_segment(log, sealed->segment, &sealed->info, &part, reterr));
        const stele_status status = stele__maintain_write_index(log, part, next, &index, reterr);
        stele__part_unref(part);
        STELE_TRY(status);
        stele__view_add_index(view, index);
        stele__index_unref(index);
    }
    return STELE_OK;
}

/* Strikes the index file that begins at a position off a manifest. Returns its number; 0: there is
 * none. */
uint64_t stele__maintain_forget_index(stele__manifest *manifest, stele_position first)
{
    for (size_t i = 0; i < manifest->index_count; i++) {
        if (manifest->indexes[i].first == first) {
            const uint64_t number = manifest->indexes[i].number;
            manifest->index_count--;
            memmove(&manifest->indexes[i], &manifest->indexes[i + 1],
                    (manifest->index_count - i) * sizeof *manifest->indexes);
            return number;
        }
    }
    return 0;
}

/* The view and the manifest without the damaged files, whose numbers go to `numbers`. Maintenance
 * lock held. */
static stele_status replace_damaged(stele__log *log, const stele__view *old, stele__view *view,
                                    stele__manifest *next, uint64_t *numbers, size_t *ret_count,
                                    stele_error *reterr)
{
    *ret_count = 0;
    for (size_t i = 0; i < old->sealed_count; i++) {
        stele__view_add_sealed(view, &old->sealed[i].info, old->sealed[i].segment);
    }
    for (size_t i = 0; i < old->index_count; i++) {
        stele__index *index = old->indexes[i];
        if (stele__index_is_missing(index) || is_sound(index)) {
            stele__view_add_index(view, index);
            continue;
        }
        stele__log_say(log, STELE_LOG_WARNING, "building an index file again: %s",
                       stele__index_path(index));
        const uint64_t number = stele__maintain_forget_index(next, stele__index_first(index));
        if (number) {
            numbers[(*ret_count)++] = number;
        }
        STELE_TRY(rebuild(log, old, index, view, next, reterr));
    }
    return STELE_OK;
}

/* Installs a healed view: its parts are those of now, which the sequencer may have added to. */
static stele_status install_healed(stele__log *log, stele__view *healed, stele_error *reterr)
{
    stele__view *view = NULL;
    stele__lock(&log->lock);
    const stele__view *now = log->view;
    const stele_status status =
        stele__view_create(log->alloc, healed->sealed_count, healed->index_count, now->part_count,
                           &view, reterr);
    if (status == STELE_OK) {
        for (size_t i = 0; i < healed->sealed_count; i++) {
            stele__view_add_sealed(view, &healed->sealed[i].info, healed->sealed[i].segment);
        }
        for (size_t i = 0; i < healed->index_count; i++) {
            stele__view_add_index(view, healed->indexes[i]);
        }
        for (size_t i = 0; i < now->part_count; i++) {
            stele__view_add_part(view, now->parts[i]);
        }
        stele__log_install(log, view);
    }
    stele__unlock(&log->lock);
    return status;
}

static stele_status heal(stele__log *log, const stele__view *old, uint64_t *numbers,
                         stele_error *reterr)
{
    stele__view *view = NULL;
    stele__manifest next;
    size_t count = 0;
    stele__manifest_init(&next, log->alloc);
    STELE_TRY(stele__manifest_copy(&log->manifest, &next, reterr));
    stele_status status =
        stele__view_create(log->alloc, old->sealed_count, old->sealed_count, 0, &view, reterr);
    if (status == STELE_OK) {
        status = replace_damaged(log, old, view, &next, numbers, &count, reterr);
    }
    log->manifest.next_index = next.next_index;
    if (status != STELE_OK || count == 0) { /* nothing is damaged: somebody else was faster */
        stele__manifest_done(&next);
        stele__view_unref(view);
        return status;
    }
    status = stele__maintain_replace_manifest(log, &next, reterr);
    if (status == STELE_OK) {
        status = install_healed(log, view, reterr);
    }
    for (size_t i = 0; status == STELE_OK && i < count; i++) {
        stele__maintain_remove_index(log, numbers[i]);
        atomic_fetch_add_explicit(&log->healed, 1, memory_order_relaxed);
    }
    stele__view_unref(view);
    return status;
}

/* Checks all index files and builds damaged ones again. No lock held. */
static stele_status heal_damaged(stele__log *log)
{
    stele_error error;
    stele__lock(&log->maintenance);
    stele__view *view = stele__maintain_view(log);
    uint64_t *numbers = stele__allocate_array(log->alloc, view->index_count + 1, sizeof *numbers);
    const stele_status status =
        numbers ? heal(log, view, numbers, &error) : stele__fail_memory(&error);
    stele__release(log->alloc, numbers, (view->index_count + 1) * sizeof *numbers);
    stele__view_unref(view);
    stele__unlock(&log->maintenance);
    if (status != STELE_OK) {
        stele__log_say(log, STELE_LOG_ERROR, "cannot build an index file again: %s", error.message);
    }
    return status;
}

bool stele__maintain_again(stele__log *log, unsigned *heals, stele_error *found)
{
    enum { HEALS_MAX = 4 };
    if (!log->is_writer || found->detail != STELE_CORRUPT_INDEX) {
        return false;
    }
    if (found->conflict.position != 0) { /* missing: each time another one */
        const stele_position wanted = found->conflict.position;
        stele_error error;
        const stele_status status = stele__rebuild_wanted(log, wanted, &error);
        if (status != STELE_OK) {
            *found = error;
        }
        return status == STELE_OK;
    }
    return (*heals)++ < HEALS_MAX && heal_damaged(log) == STELE_OK;
}

/* ---- steps */

/* Has storage begin with what was written to the live segment without a sync, so that the sync at
 * its end, for which an appender waits, finds most of it done. */
static void write_back(stele__log *log, const stele__view *view)
{
    if (view->part_count == 0 || !log->vfs->write_back) {
        return;
    }
    stele__part *part = view->parts[view->part_count - 1];
    stele__lock(&log->lock);
    const uint64_t from = part->written_back;
    const uint64_t end = part->end;
    const bool is_wanted = part == log->live && stele__sequence_wants_write_back(log);
    if (is_wanted) {
        part->written_back = end;
    }
    stele__unlock(&log->lock);
    if (is_wanted) {
        log->vfs->write_back(part->segment->file, from, end - from);
    }
}

/* Maintenance lock held. */
static stele_status do_urgent(stele__log *log, bool *ret_did, stele_error *reterr)
{
    STELE_TRY(stele__sequence_leave(log, reterr));
    stele__view *view = stele__maintain_view(log);
    stele_status status = STELE_OK;
    stele__lock(&log->lock);
    const bool wants_reserve = log->live && !log->reserve && !log->is_closing;
    const size_t growing = log->live ? 1 : 0;
    stele__unlock(&log->lock);
    *ret_did = true;
    write_back(log, view);
    if (view->part_count > growing) {
        status = seal(log, view->parts[0], reterr);
    } else if (wants_reserve) {
        status = reserve(log, 0, reterr);
    } else {
        status = write_zeroes(log, ret_did, reterr);
    }
    stele__view_unref(view);
    return status;
}

stele_status stele__maintain_urgent(stele__log *log, bool *ret_did, stele_error *reterr)
{
    stele__lock(&log->maintenance);
    const stele_status status = do_urgent(log, ret_did, reterr);
    stele__unlock(&log->maintenance);
    return status;
}

/* Whether somebody else who waited for a reserve has begun a part with it. */
static bool has_rolled(stele__log *log, uint64_t roll_count)
{
    stele__lock(&log->lock);
    const bool has = log->roll_count != roll_count;
    stele__unlock(&log->lock);
    return has;
}

stele_status stele__maintain_reserve(stele__log *log, uint64_t size, uint64_t roll_count,
                                     stele_error *reterr)
{
    stele_status status = STELE_OK;
    stele__lock(&log->maintenance);
    /* Parts that wait for sealing hold memory: whoever rolls faster than they are sealed helps. */
    for (bool did = true; did && status == STELE_OK;) {
        stele__view *view = stele__maintain_view(log);
        did = view->part_count > 2;
        if (did) {
            status = seal(log, view->parts[0], reterr);
        }
        stele__view_unref(view);
    }
    if (status == STELE_OK && !has_rolled(log, roll_count)) {
        status = reserve(log, size, reterr);
    }
    stele__unlock(&log->maintenance);
    return status;
}

stele_status stele__maintain_seal_all(stele__log *log, uint64_t bytes_min, stele_error *reterr)
{
    stele_status status = STELE_OK;
    stele__lock(&log->maintenance);
    for (bool did = true; did && status == STELE_OK;) {
        stele__view *view = stele__maintain_view(log);
        did = view->part_count > 1 || (view->part_count == 1 && view->parts[0]->end >= bytes_min);
        if (did) {
            status = seal(log, view->parts[0], reterr);
        }
        stele__view_unref(view);
    }
    stele__unlock(&log->maintenance);
    return status;
}

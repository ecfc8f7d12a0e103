/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Read-only handles: following a store that somebody else may be writing.
 *
 * A follower reads the manifest, opens what it names, and builds tails of its own by scanning the
 * live segments. The shared page says how far the log is visible, also when its writer is gone:
 * what stands behind that was never published. Only after a restart of the machine does the page
 * mean nothing; then the log is visible as far as good frames stand, which are on the disk. The
 * follower changes nothing: a torn tail is left to the next writer. If that one had to cut history
 * which this follower has shown, the follower answers nothing more.
 *
 * A file that has vanished was merged or sealed away meanwhile: the manifest is read again. It is
 * missing only if the manifest that is read afterwards still names it.
 */
#include "log/recovery.h"
#include "log/salvage.h"

#include <errno.h>
#include <inttypes.h>

enum { ATTEMPTS_MAX = 100 };

static stele_status is_writer_there(stele__log *log, bool *ret_there, stele_error *reterr)
{
    int locked = 0;
    *ret_there = false;
    if (!log->lock_file) {
        stele__buffer path = {.alloc = log->alloc};
        stele_status status = stele__log_path(log, "lock", &path, reterr);
        if (status == STELE_OK) {
            const int error =
                log->vfs->open(log->vfs, (const char *)path.data, STELE_FILE_READ, &log->lock_file);
            if (error && error != ENOENT) {
                status = stele__fail_os(reterr, STELE_IO, error, "cannot open %s",
                                        (const char *)path.data);
            }
        }
        stele__buffer_done(&path);
        STELE_TRY(status);
    }
    if (log->lock_file) {
        const int error = log->vfs->is_locked(log->lock_file, &locked);
        if (error) {
            return stele__fail_os(reterr, STELE_IO, error, "cannot test the lock of %s",
                                  log->folder);
        }
    }
    *ret_there = locked != 0;
    return STELE_OK;
}

/* ---- views */

static stele__segment *known_segment(const stele__view *view, uint64_t number)
{
    for (size_t i = 0; view && i < view->sealed_count; i++) {
        if (view->sealed[i].info.number == number) {
            return view->sealed[i].segment;
        }
    }
    for (size_t i = 0; view && i < view->part_count; i++) {
        if (view->parts[i]->segment->header.number == number) {
            return view->parts[i]->segment;
        }
    }
    return NULL;
}

static bool is_ours(const stele__log *log, const stele__segment *segment)
{
    return stele__uuid_equal(&segment->header.store, &log->store) &&
           segment->header.hash_key.k0 == log->hash_key.k0 &&
           segment->header.hash_key.k1 == log->hash_key.k1;
}

static stele_status take_sealed(stele__log *log, const stele__view *old,
                                const stele__manifest *manifest, stele__view *view,
                                stele_error *reterr)
{
    for (size_t i = 0; i < manifest->segment_count; i++) {
        const stele__index_segment *info = &manifest->segments[i];
        stele__segment *segment = known_segment(old, info->number);
        if (segment && segment->size >= info->bytes) {
            stele__view_add_sealed(view, info, segment);
            continue;
        }
        stele_status status = stele__packing_open(log, info->number, info->packed_bytes > 0,
                                                  log->options.mapping, &segment, reterr);
        if (status == STELE_NOT_FOUND) { /* segments do not go away */
            char name[STELE_FILE_NAME_SIZE];
            stele__segment_file_name(info->number, name);
            return stele__fail(reterr, STELE_CORRUPT, "the sealed segment %s is missing or empty",
                               name);
        }
        STELE_TRY(status);
        const bool is_whole = segment->size >= info->bytes &&
                              segment->header.first == info->first && is_ours(log, segment);
        if (!is_whole) {
            status =
                stele__fail(reterr, STELE_CORRUPT,
                            "%s is not the segment that the manifest names (%" PRIu64 " bytes)",
                            segment->path, segment->size);
        } else {
            stele__view_add_sealed(view, info, segment);
        }
        stele__segment_unref(segment);
        STELE_TRY(status);
    }
    return STELE_OK;
}

/* The index file with a number, if the old view has it open. */
static stele__index *find_open(const stele__log *log, const stele__view *old,
                               const stele__manifest_index *entry)
{
    bool was_named = false;
    for (size_t i = 0; old && i < log->manifest.index_count && !was_named; i++) {
        was_named = log->manifest.indexes[i].number == entry->number;
    }
    for (size_t i = 0; was_named && i < old->index_count; i++) {
        if (stele__index_first(old->indexes[i]) == entry->first &&
            !stele__index_is_missing(old->indexes[i])) {
            return stele__index_ref(old->indexes[i]);
        }
    }
    return NULL;
}

/* A writer that found index files missing builds them again, and names each when it is there. In
 * the place of the others, up to (not with) a position, stands that they are missing. */
static stele_status take_missing(stele__log *log, const stele__manifest *manifest,
                                 stele_position to, stele__view *view, size_t *segment,
                                 stele_error *reterr)
{
    for (; *segment < manifest->segment_count && manifest->segments[*segment].first < to;
         (*segment)++) {
        const size_t count = view->index_count;
        const stele__index_segment *info = &manifest->segments[*segment];
        if (count > 0 && info->last <= stele__index_last(view->indexes[count - 1])) {
            continue;
        }
        stele__index *index;
        STELE_TRY(stele__index_missing(log->alloc, info, &index, reterr));
        stele__view_add_index(view, index);
        stele__index_unref(index);
    }
    return STELE_OK;
}

static stele_status take_indexes(stele__log *log, const stele__view *old,
                                 const stele__manifest *manifest, stele__view *view,
                                 stele_error *reterr)
{
    size_t segment = 0;
    for (size_t i = 0; i < manifest->index_count; i++) {
        const stele__manifest_index *entry = &manifest->indexes[i];
        STELE_TRY(take_missing(log, manifest, entry->first, view, &segment, reterr));
        stele__index *index = find_open(log, old, entry);
        if (!index) {
            const stele_status status = stele__maintain_open_index(log, entry, &index, reterr);
            if (status == STELE_CORRUPT) {
                stele__hint(reterr,
                            "open the store for writing once: damaged index files are built again");
            }
            STELE_TRY(status);
        }
        stele__view_add_index(view, index);
        stele__index_unref(index);
    }
    return take_missing(log, manifest, UINT64_MAX, view, &segment, reterr);
}

static stele_status make_view(stele__log *log, const stele__manifest *manifest,
                              stele__view **ret_view, stele_error *reterr)
{
    stele__view *old = log->view;
    stele__view *view;
    const size_t parts = old ? old->part_count : 0;
    const stele_position sealed_to =
        manifest->segment_count ? manifest->segments[manifest->segment_count - 1].last : 0;
    STELE_TRY(stele__view_create(log->alloc, manifest->segment_count,
                                 manifest->index_count + manifest->segment_count, parts, &view,
                                 reterr));
    stele_status status = take_sealed(log, old, manifest, view, reterr);
    if (status == STELE_OK) {
        status = take_indexes(log, old, manifest, view, reterr);
    }
    for (size_t i = 0; status == STELE_OK && i < parts; i++) {
        if (old->parts[i]->first > sealed_to) {
            stele__view_add_part(view, old->parts[i]);
        }
    }
    if (status != STELE_OK) {
        stele__view_unref(view);
        return status;
    }
    *ret_view = view;
    return STELE_OK;
}

/* An index file that the manifest names, read twice, is not there. */
static stele_status fail_gone(stele_error *reterr)
{
    if (reterr) {
        reterr->status = STELE_CORRUPT;
        reterr->detail = STELE_CORRUPT_INDEX;
    }
    stele__hint(reterr, "open the store for writing once: missing index files are built again");
    return STELE_CORRUPT;
}

static void note_segment(void *context, const char *name)
{
    bool *has_segments = context;
    uint64_t number;
    *has_segments |= stele__recover_file_number(name, ".log", &number) ||
                     stele__recover_file_number(name, ".packed", &number);
}

/* Without a manifest there is no store, unless there are segments: then it is lost. A store's
 * manifest is there before its first segment, so that one that is just being created has its
 * manifest the second time. */
static stele_status read_manifest(stele__log *log, stele__manifest *manifest, stele_error *reterr)
{
    const stele_vfs *vfs = log->vfs;
    bool has_segments = false;
    bool healed;
    stele_status status = stele__manifest_read(vfs, log->folder, manifest, &healed, reterr);
    if (status != STELE_NOT_FOUND || log->is_salvage ||
        vfs->list(vfs, log->folder, note_segment, &has_segments) != 0 || !has_segments) {
        return status;
    }
    status = stele__manifest_read(vfs, log->folder, manifest, &healed, reterr);
    return status == STELE_NOT_FOUND ? stele__manifest_fail_lost(log->folder, reterr) : status;
}

/* Reads the manifest and takes over what it names, if it is another one than before. */
static stele_status reload(stele__log *log, stele_error *reterr)
{
    uint64_t tried = 0;
    stele__manifest next;
    stele_status status = STELE_OK;
    for (unsigned attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        stele__view *view = NULL;
        stele__manifest_init(&next, log->alloc);
        status = read_manifest(log, &next, reterr);
        if (log->is_salvage && (status == STELE_CORRUPT || status == STELE_NOT_FOUND)) {
            stele__manifest_done(&next);
            stele__manifest_init(&next, log->alloc);
            status = stele__salvage_manifest(log, &next, reterr);
        }
        if (status == STELE_OK && log->view && next.generation == log->manifest.generation) {
            stele__manifest_done(&next);
            return STELE_OK;
        }
        if (status == STELE_OK) {
            log->store = next.store;
            log->hash_key = next.hash_key;
            status = log->is_salvage ? stele__salvage_view(log, &next, &view, reterr)
                                     : make_view(log, &next, &view, reterr);
        }
        if (status == STELE_OK) {
            stele__lock(&log->maintenance);
            stele__manifest_done(&log->manifest);
            log->manifest = next;
            stele__unlock(&log->maintenance);
            atomic_store_explicit(&log->epoch, next.epoch, memory_order_relaxed);
            stele__log_install(log, view);
            return STELE_OK;
        }
        const uint64_t generation = next.generation;
        stele__manifest_done(&next);
        if (status != STELE_NOT_FOUND || generation == 0) {
            return status;
        }
        if (generation == tried) {
            return fail_gone(reterr);
        }
        tried = generation; /* merged away, perhaps, after the manifest was read */
    }
    return stele__fail(reterr, STELE_IO,
                       "the index files of %s are merged faster than they can be opened",
                       log->folder);
}

/* ---- scanning */

static stele__part *last_part(const stele__log *log)
{
    return log->view->part_count ? log->view->parts[log->view->part_count - 1] : NULL;
}

/* Puts a part behind the others, or in the place of the last one, which is of the same segment. */
static stele_status install_part(stele__log *log, stele__part *part, bool is_replacement,
                                 stele_error *reterr)
{
    const size_t kept = log->view->part_count - (is_replacement ? 1 : 0);
    stele__view *view;
    STELE_TRY(stele__view_change_parts(log->view, kept, part, &view, reterr));
    stele__log_install(log, view);
    return STELE_OK;
}

/* Opens the segment that follows the last one. `*ret_found`: it is there, has begun, and begins
 * where the last one ends. */
static stele_status enter_next(stele__log *log, uint64_t number, stele_position first,
                               bool is_replacement, bool *ret_found, stele_error *reterr)
{
    stele__segment *segment = NULL;
    stele__part *part = NULL;
    stele_error error;
    *ret_found = false;
    stele_status status =
        stele__packing_open(log, number, false, log->options.mapping, &segment, &error);
    if (status == STELE_NOT_FOUND || status == STELE_CORRUPT) {
        return STELE_OK; /* not there yet, or its header is being written */
    }
    if (status != STELE_OK) {
        if (reterr) {
            *reterr = error;
        }
        return status;
    }
    if (segment->header.first == first && is_ours(log, segment)) {
        status = stele__part_create(log->alloc, segment, &log->hash_key, &part, reterr);
        if (status == STELE_OK) {
            status = install_part(log, part, is_replacement, reterr);
        }
        *ret_found = status == STELE_OK;
    }
    stele__part_unref(part);
    stele__segment_unref(segment);
    return status;
}

/* Adds frames to the last part until there is no good one, or `target` is reached. *ret_is_short:
 * the next frame stands behind the end that the file had when the part's segment was opened (it had
 * been trimmed, and its writer came back). */
static stele_status scan_part(stele__log *log, stele__part *part, stele_position target,
                              bool *ret_is_short, stele_error *reterr)
{
    stele__reader reader;
    stele_status status = STELE_OK;
    stele__frame_result result = STELE_FRAME_GOOD;
    stele__segment *segment = NULL;
    *ret_is_short = false;
    /* Not through the mapping: the writer may cut the file off behind its last frame at any moment,
     * and what is mapped behind that must not be touched. */
    status = stele__packing_open(log, part->segment->header.number, part->segment->packed != NULL,
                                 STELE_PREAD, &segment, reterr);
    if (status == STELE_NOT_FOUND) {
        return STELE_OK; /* it was lost under us: nothing follows; what that means says check_end */
    }
    STELE_TRY(status);
    stele__reader_init(&reader, log->alloc);
    stele__reader_enter(&reader, segment);
    while (status == STELE_OK && part->last < target && result == STELE_FRAME_GOOD &&
           !*ret_is_short) {
        stele__frame frame = {.start = NULL};
        const char *why;
        status =
            stele__frame_read(&reader, part->end, part->last + 1, &frame, &result, &why, reterr);
        if (status == STELE_OK && result == STELE_FRAME_GOOD) {
            *ret_is_short = frame.end > part->segment->size;
            status = *ret_is_short ? STELE_OK : stele__scan_add(part, &reader, &frame, reterr);
        } else if (status == STELE_OK && log->is_salvage) {
            bool found = false;
            if (result == STELE_FRAME_BAD && frame.start) {
                const stele__frame damaged = frame;
                status = stele__salvage_commit(log, part, &reader, &damaged, reterr);
            }
            if (status == STELE_OK) {
                status = stele__salvage_skip(log, part, &reader, target, &found, reterr);
            }
            result = found ? STELE_FRAME_GOOD : result;
        }
    }
    stele__reader_done(&reader);
    stele__segment_unref(segment);
    return status;
}

static stele_position visible_end(const stele__log *log)
{
    const stele__part *part = last_part(log);
    if (part) {
        return part->last;
    }
    return log->view->sealed_count ? log->view->sealed[log->view->sealed_count - 1].info.last : 0;
}

static uint64_t last_number(const stele__log *log)
{
    const stele__part *part = last_part(log);
    if (part) {
        return part->segment->header.number;
    }
    return log->view->sealed_count ? log->view->sealed[log->view->sealed_count - 1].info.number : 0;
}

static stele_status salvage_next(stele__log *log, bool *ret_found, stele_error *reterr)
{
    stele__part *part;
    STELE_TRY(stele__salvage_next(log, last_number(log), visible_end(log), last_part(log), &part,
                                  reterr));
    *ret_found = part != NULL;
    const stele_status status = part ? install_part(log, part, false, reterr) : STELE_OK;
    stele__part_unref(part);
    return status;
}

static stele_status scan_to(stele__log *log, stele_position target, stele_error *reterr)
{
    for (bool goes_on = true; goes_on;) {
        stele__part *part = last_part(log);
        bool is_short = false;
        goes_on = false;
        if (part) {
            STELE_TRY(scan_part(log, part, target, &is_short, reterr));
        }
        if (is_short) {
            STELE_TRY(
                enter_next(log, part->segment->header.number, part->first, true, &goes_on, reterr));
        } else if (visible_end(log) < target) {
            STELE_TRY(enter_next(log, last_number(log) + 1, visible_end(log) + 1, false, &goes_on,
                                 reterr));
            if (!goes_on && log->is_salvage) {
                STELE_TRY(salvage_next(log, &goes_on, reterr));
            }
        }
    }
    return STELE_OK;
}

static stele_status fail_cut(const stele__log *log, stele_error *reterr)
{
    (void)stele__fail(reterr, STELE_INVALID_CHECKPOINT,
                      "the end of history that was shown from %s is lost", log->folder);
    stele__hint(reterr, "open the store again and check your checkpoints");
    return STELE_INVALID;
}

/* How far the log may be shown. */
static stele_position visible_target(const stele__log *log, bool has_writer)
{
    const stele__manifest *manifest = &log->manifest;
    uint8_t boot_id[16];
    stele_position head;
    /* What is sealed or was closed in order is visible whatever the page says. */
    stele_position least =
        manifest->segment_count ? manifest->segments[manifest->segment_count - 1].last : 0;
    if (manifest->is_clean && manifest->end_position > least) {
        least = manifest->end_position;
    }
    log->clock->boot_id(log->clock->context, boot_id);
    if (STELE_CANARY_IS(10)) {
        return UINT64_MAX;
    }
    if (stele__shared_head(&log->shared, &log->store, boot_id, &head)) {
        return head > least ? head : least;
    }
    return has_writer ? least : UINT64_MAX; /* a writer who has not published yet is recovering */
}

/* What a writer has published can be read, or is damaged: a reader must not take a damaged place
 * for the end of history. */
static stele_status check_end(const stele__log *log, stele_position end, stele_error *reterr)
{
    uint8_t boot_id[16];
    stele_position head;
    log->clock->boot_id(log->clock->context, boot_id);
    if (log->is_salvage || !stele__shared_head(&log->shared, &log->store, boot_id, &head) ||
        stele__shared_generation(&log->shared) != log->manifest.generation || end >= head) {
        return STELE_OK; /* or the writer is just taking over: next time we know more */
    }
    const stele__part *part = last_part(log);
    (void)stele__fail(reterr, STELE_CORRUPT,
                      "position %" PRIu64 " of %" PRIu64
                      " was published and cannot be read: %s, offset %" PRIu64,
                      end + 1, head, part ? part->segment->path : log->folder,
                      part ? part->end : 0);
    stele__hint(reterr, "restore a backup, or read what is left with `stele export --salvage`");
    return STELE_CORRUPT;
}

/* Whether the manifest is still the one that was taken over. Who comes to write replaces it before
 * anything else that could be seen, so that where nobody writes it tells whether somebody did. */
static bool is_manifest_known(stele__log *log)
{
    stele__buffer path = {.alloc = log->alloc};
    const bool is_known =
        stele__log_path(log, "manifest", &path, NULL) == STELE_OK &&
        stele__manifest_peek(log->vfs, (const char *)path.data) == log->manifest.generation;
    stele__buffer_done(&path);
    return is_known;
}

/* Follow lock held. `page_error`: why there is no page. */
static stele_status follow(stele__log *log, int page_error, stele_error *reterr)
{
    bool has_writer;
    if (log->is_cut) {
        return fail_cut(log, reterr);
    }
    const uint32_t word = stele__shared_ticket(&log->shared);
    const uint64_t generation = stele__shared_generation(&log->shared);
    /* Files are sealed and merged although nothing is published: then the word stays. */
    if (log->shared.is_mapped && log->has_followed && log->followed_writer &&
        word == log->followed_word && generation == log->followed_generation) {
        return STELE_OK;
    }
    STELE_TRY(is_writer_there(log, &has_writer, reterr));
    if (!has_writer && log->has_followed && !log->followed_writer && !log->is_salvage &&
        is_manifest_known(log)) {
        return STELE_OK;
    }
    if (has_writer && page_error && page_error != ENOENT) {
        return stele__fail_os(reterr, STELE_IO, page_error, "cannot read %s/live", log->folder);
    }
    const uint64_t epoch = log->view ? atomic_load_explicit(&log->epoch, memory_order_relaxed) : 0;
    STELE_TRY(reload(log, reterr));
    const stele_position shown = atomic_load_explicit(&log->head, memory_order_relaxed);
    if (epoch && stele__manifest_valid_until(&log->manifest, epoch, shown) < shown) {
        log->is_cut = true;
        return fail_cut(log, reterr);
    }
    const stele_position target = visible_target(log, has_writer);
    STELE_TRY(scan_to(log, target, reterr));
    const stele_position end = visible_end(log);
    if (has_writer && end < target) {
        STELE_TRY(check_end(log, end, reterr));
    }
    const stele_position head = atomic_load_explicit(&log->head, memory_order_relaxed);
    const stele_position visible = end < target ? end : target;
    if (visible > head) {
        atomic_store_explicit(&log->head, visible, memory_order_release);
    }
    log->followed_word = word;
    log->followed_generation = generation;
    log->has_followed = true;
    log->followed_writer = has_writer;
    return STELE_OK;
}

static stele_status open_page(stele__log *log, int *ret_error, stele_error *reterr)
{
    stele__buffer path = {.alloc = log->alloc};
    *ret_error = 0;
    if (log->shared.is_mapped) {
        return STELE_OK;
    }
    const stele_status status = stele__log_path(log, "live", &path, reterr);
    if (status == STELE_OK) {
        *ret_error = stele__shared_look(&log->shared, (const char *)path.data);
    }
    stele__buffer_done(&path);
    return status;
}

static stele_status follow_locked(stele__log *log, bool is_anew, stele_error *reterr)
{
    int page_error;
    stele__lock(&log->follow_lock);
    log->has_followed = log->has_followed && !is_anew;
    stele_status status = open_page(log, &page_error, reterr);
    if (status == STELE_OK) {
        status = follow(log, page_error, reterr);
    }
    stele__unlock(&log->follow_lock);
    return status;
}

stele_status stele__follow(stele__log *log, stele_error *reterr)
{
    return follow_locked(log, false, reterr);
}

stele_status stele__follow_anew(stele__log *log, stele_error *reterr)
{
    return follow_locked(log, true, reterr);
}

stele_status stele__follow_open(stele__log *log, stele_error *reterr)
{
    const int error = log->vfs->check_folder(log->vfs, log->folder);
    if (error == ENOENT || error == ENOTDIR) {
        return stele__fail(reterr, STELE_NOT_FOUND_STORE, "there is no store at %s", log->folder);
    }
    if (error == ENOTSUP) {
        return stele__fail(reterr, STELE_UNSUPPORTED_FILE_SYSTEM, "%s is on a network file system",
                           log->folder);
    }
    STELE_TRY(stele__follow(log, reterr));
    /* What visible segments a clean close promised must be there. */
    const stele_position head = atomic_load_explicit(&log->head, memory_order_relaxed);
    if (log->manifest.is_clean && head < log->manifest.end_position && log->is_salvage) {
        stele__log_say(log, STELE_LOG_WARNING,
                       "%" PRIu64 " positions are missing, %" PRIu64 " to %" PRIu64 ", at the end",
                       log->manifest.end_position - head, head + 1, log->manifest.end_position);
    } else if (log->manifest.is_clean && head < log->manifest.end_position) {
        (void)stele__fail(reterr, STELE_CORRUPT,
                          "the store was closed at position %" PRIu64
                          ", but can be read up to %" PRIu64 " only",
                          log->manifest.end_position, head);
        stele__hint(reterr, "restore a backup, or read what is left with `stele export --salvage`");
        return STELE_CORRUPT;
    }
    return STELE_OK;
}

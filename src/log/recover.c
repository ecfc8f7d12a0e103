/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening for writing: from whatever a crash left to a log that can go on.
 *
 * The manifest says which segments are sealed; they are whole. Behind them stand one or a few live
 * segments, which are scanned frame by frame. The first place where no good frame stands is the end
 * of the log, if it is a *torn tail*: bytes that never were acknowledged at STELE_DURABLE_FULL. It
 * is *rot* if something says that the log was durable beyond it: the manifest of an orderly close,
 * or a good frame further on that knew more to be synced. Rot is refused, and nothing is changed.
 *
 * R1  Nothing acknowledged as durable is dropped: what is dropped lies behind everything that any
 * surviving frame knew to be synced.
 *
 * R2  What is dropped is overwritten with zeroes before anything is appended, so that it cannot
 * come back.
 *
 * R3  What was recovered is written again and synced before the store is open, so that answers may
 * rest on it. Written again, because a sync that failed may have left pages that the system takes
 * for clean and that are not on the disk: another sync alone would answer well and do nothing. What
 * a frame knew to be synced is left alone.
 *
 * R4  Recovering twice is recovering once, also if the first time was cut short.
 *
 * R5  When history beyond the recovered end may have been seen by readers, the epoch is raised and
 * the end noted: when the machine, not just the process, went down without an orderly close, and
 * when the shared page says that more had been published.
 *
 * R6  Index files are derived: what is missing or damaged is built again from its segments. Opening
 * waits for those of the newest events only; rebuild.c does the others.
 */
#include "log/recovery.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

/* ---- folder */

bool stele__recover_file_number(const char *name, const char *ending, uint64_t *ret_number)
{
    uint64_t number = 0;
    const char *at = name;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (at - name > 18) {
            return false;
        }
        number = number * 10 + (uint64_t)(*at - '0');
    }
    *ret_number = number;
    return at - name >= 10 && strcmp(at, ending) == 0;
}

static void note_file(void *context, const char *name)
{
    stele__recovery *state = context;
    const stele_alloc *alloc = state->log->alloc;
    uint64_t number;
    if (stele__recover_file_number(name, ".log", &number)) {
        if (!stele__reserve(alloc, (void **)&state->logs, &state->log_capacity,
                            state->log_count + 1, sizeof *state->logs)) {
            state->is_out_of_memory = true;
            return;
        }
        state->logs[state->log_count++] = number;
    } else if (stele__recover_file_number(name, ".packed", &number)) {
        if (!stele__reserve(alloc, (void **)&state->packed_files, &state->packed_capacity,
                            state->packed_count + 1, sizeof *state->packed_files)) {
            state->is_out_of_memory = true;
            return;
        }
        state->packed_files[state->packed_count++] = number;
    } else if (stele__recover_file_number(name, ".index", &number)) {
        if (!stele__reserve(alloc, (void **)&state->index_files, &state->index_capacity,
                            state->index_count + 1, sizeof *state->index_files)) {
            state->is_out_of_memory = true;
            return;
        }
        state->index_files[state->index_count++] = number;
    }
}

static int compare_numbers(const void *a, const void *b)
{
    const uint64_t left = *(const uint64_t *)a;
    const uint64_t right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

static stele_status list_folder(stele__recovery *state, stele_error *reterr)
{
    stele__log *log = state->log;
    const int error = log->vfs->list(log->vfs, log->folder, note_file, state);
    if (error) {
        return stele__fail_os(reterr, STELE_IO, error, "cannot list %s", log->folder);
    }
    if (state->is_out_of_memory) {
        return stele__fail_memory(reterr);
    }
    if (state->log_count > 1) {
        qsort(state->logs, state->log_count, sizeof *state->logs, compare_numbers);
    }
    return STELE_OK;
}

/* A folder that was just made: its name must be durable, too. */
static int sync_parent(stele__log *log, stele__buffer *path)
{
    if (stele__log_path(log, "", path, NULL) != STELE_OK) {
        return ENOMEM;
    }
    char *text = (char *)path->data;
    size_t size = strlen(text);
    while (size > 1 && text[size - 1] == '/') {
        text[--size] = 0;
    }
    char *slash = strrchr(text, '/');
    if (!slash) {
        return log->vfs->sync_folder(log->vfs, ".");
    }
    slash[slash == text] = 0;
    return log->vfs->sync_folder(log->vfs, text);
}

static stele_status lock_folder(stele__log *log, stele_error *reterr)
{
    const stele_vfs *vfs = log->vfs;
    stele__buffer path = {.alloc = log->alloc};
    int error = 0;
    if (log->options.access == STELE_READ_WRITE) {
        error = vfs->make_folder(vfs, log->folder);
        error = error == EEXIST ? 0 : error ? error : sync_parent(log, &path);
    }
    stele_status status =
        error ? stele__fail_os(reterr,
                               error == ENOENT || error == ENOTDIR ? STELE_NOT_FOUND : STELE_IO,
                               error, "cannot create the folder %s", log->folder)
              : STELE_OK;
    if (status == STELE_OK) {
        error = vfs->check_folder(vfs, log->folder);
        if (error == ENOTSUP) {
            status = stele__fail(reterr, STELE_UNSUPPORTED_FILE_SYSTEM,
                                 "%s is on a network file system", log->folder);
            stele__hint(reterr, "locks and mapped files are not reliable there; use a local disk");
        } else if (error) {
            status = stele__fail_os(reterr,
                                    error == ENOENT ? (unsigned)STELE_NOT_FOUND_STORE
                                                    : (unsigned)STELE_IO,
                                    error, "cannot use the folder %s", log->folder);
        }
    }
    if (status == STELE_OK) {
        status = stele__log_path(log, "lock", &path, reterr);
    }
    if (status == STELE_OK) {
        error = vfs->open(vfs, (const char *)path.data, STELE_FILE_WRITE | STELE_FILE_CREATE,
                          &log->lock_file);
        error = error ? error : vfs->lock(log->lock_file, STELE_LOCK_EXCLUSIVE);
        if (error == EAGAIN) {
            status = stele__fail(reterr, STELE_BUSY_LOCKED, "%s is open for writing already",
                                 log->folder);
            stele__hint(
                reterr,
                "one writer at a time; open it with STELE_READ_ONLY to read beside the writer");
        } else if (error == EACCES) {
            status = stele__fail_os(reterr, STELE_IO, error, "may not write in %s", log->folder);
            stele__hint(reterr, "to read, it is enough to be allowed to read");
        } else if (error) {
            status =
                stele__fail_os(reterr, STELE_IO, error, "cannot lock %s", (const char *)path.data);
        }
    }
    stele__buffer_done(&path);
    return status;
}

/* ---- manifest */

static stele_status create_manifest(stele__recovery *state, stele_error *reterr)
{
    stele__log *log = state->log;
    stele__manifest *manifest = &log->manifest;
    if (state->log_count > 0 || state->packed_count > 0) {
        return stele__manifest_fail_lost(log->folder, reterr);
    }
    if (log->options.access == STELE_MUST_EXIST) {
        return stele__fail(reterr, STELE_NOT_FOUND_STORE, "there is no store at %s", log->folder);
    }
    manifest->store = stele__uuid_v4(log->clock);
    log->clock->entropy(log->clock->context, &manifest->hash_key, sizeof manifest->hash_key);
    log->clock->boot_id(log->clock->context, manifest->boot_id);
    manifest->is_clean = true;
    return STELE_OK;
}

static stele_status load_manifest(stele__recovery *state, stele_error *reterr)
{
    stele__log *log = state->log;
    stele_error error;
    stele_status status = stele__manifest_read(log->vfs, log->folder, &log->manifest,
                                               &state->has_half_manifest, &error);
    if (status == STELE_NOT_FOUND) {
        status = create_manifest(state, reterr);
    } else if (status != STELE_OK && reterr) {
        *reterr = error;
    }
    log->store = log->manifest.store;
    log->hash_key = log->manifest.hash_key;
    return status;
}

/* ---- sealed segments */

stele_status stele__recover_check_header(const stele__log *log, const stele__segment *segment,
                                         stele_position first, stele_error *reterr)
{
    if (!stele__uuid_equal(&segment->header.store, &log->store) ||
        segment->header.hash_key.k0 != log->hash_key.k0 ||
        segment->header.hash_key.k1 != log->hash_key.k1) {
        return stele__fail(reterr, STELE_CORRUPT, "%s belongs to another store (offset 16)",
                           segment->path);
    }
    if (segment->header.first != first) {
        return stele__fail(reterr, STELE_CORRUPT,
                           "%s begins with position %" PRIu64 ", not %" PRIu64 " (offset 56)",
                           segment->path, segment->header.first, first);
    }
    return STELE_OK;
}

static stele_status open_sealed(stele__recovery *state, stele_error *reterr)
{
    stele__log *log = state->log;
    for (size_t i = 0; i < log->manifest.segment_count; i++) {
        stele__index_segment *info = &log->manifest.segments[i];
        stele__segment *segment = NULL;
        stele_status status = stele__packing_open(log, info->number, info->packed_bytes > 0,
                                                  log->options.mapping, &segment, reterr);
        if (status == STELE_NOT_FOUND) {
            char name[STELE_FILE_NAME_SIZE];
            stele__segment_file_name(info->number, name);
            return stele__fail(reterr, STELE_CORRUPT, "the sealed segment %s is missing or empty",
                               name);
        }
        STELE_TRY(status);
        status = stele__recover_check_header(log, segment, info->first, reterr);
        if (status == STELE_OK && segment->size < info->bytes) {
            status = stele__fail(reterr, STELE_CORRUPT,
                                 "%s ends at offset %" PRIu64 "; it should go to %" PRIu64,
                                 segment->path, segment->size, info->bytes);
        }
        if (status == STELE_OK) {
            info->packed_bytes = segment->packed ? stele__packed_file_size(segment->packed) : 0;
            stele__view_add_sealed(state->view, info, segment);
        }
        stele__segment_unref(segment);
        STELE_TRY(status);
        state->next = info->last + 1;
    }
    return STELE_OK;
}

/* ---- index files */

stele_status stele__scan_segment(stele__log *log, stele__segment *segment,
                                 const stele__index_segment *info, stele__part **ret_part,
                                 stele_error *reterr)
{
    stele__part *part;
    stele__reader reader;
    STELE_TRY(stele__part_create(log->alloc, segment, &log->hash_key, &part, reterr));
    stele__reader_init(&reader, log->alloc);
    stele__reader_enter(&reader, segment);
    stele__segment_will_read(segment, 0, info->bytes);
    stele_status status = STELE_OK;
    while (part->end < info->bytes && status == STELE_OK) {
        stele__frame frame;
        stele__frame_result result;
        const char *why;
        status =
            stele__frame_read(&reader, part->end, part->last + 1, &frame, &result, &why, reterr);
        if (status == STELE_OK && (result != STELE_FRAME_GOOD || frame.end > info->bytes)) {
            (void)stele__fail(reterr, STELE_CORRUPT,
                              "position %" PRIu64 " is damaged: %s, offset %" PRIu64 ": %s",
                              part->last + 1, segment->path, part->end, *why ? why : "zeroes");
            stele__hint(reterr,
                        "restore a backup, or read what is left with `stele export --salvage`");
            status = STELE_CORRUPT;
        }
        if (status == STELE_OK) {
            status = stele__scan_add(part, &reader, &frame, reterr);
        }
    }
    if (status == STELE_OK && part->last != info->last) {
        status =
            stele__fail(reterr, STELE_CORRUPT, "%s ends with position %" PRIu64 ", not %" PRIu64,
                        segment->path, part->last, info->last);
    }
    stele__reader_done(&reader);
    if (status != STELE_OK) {
        stele__part_unref(part);
        return status;
    }
    *ret_part = part;
    return STELE_OK;
}

static stele_status rebuild_index(stele__log *log, const stele__sealed *sealed, stele__view *view,
                                  stele_error *reterr)
{
    stele__part *part;
    stele__index *index = NULL;
    STELE_TRY(stele__scan_segment(log, sealed->segment, &sealed->info, &part, reterr));
    const stele_status status =
        stele__maintain_write_index(log, part, &log->manifest, &index, reterr);
    stele__part_unref(part);
    STELE_TRY(status);
    stele__view_add_index(view, index);
    stele__index_unref(index);
    atomic_fetch_add_explicit(&log->healed, 1, memory_order_relaxed);
    return STELE_OK;
}

/* Opens the index file of the manifest that begins at `first`. STELE_NOT_FOUND: it must be built
 * again, and the manifest does not name it any more. */
static stele_status open_index(stele__log *log, stele_position first, stele__index **ret_index,
                               stele_error *reterr)
{
    const stele__manifest_index *entry = NULL;
    for (size_t i = 0; i < log->manifest.index_count && !entry; i++) {
        entry = log->manifest.indexes[i].first == first ? &log->manifest.indexes[i] : NULL;
    }
    if (!entry) {
        return STELE_NOT_FOUND;
    }
    stele_error error;
    const stele_status status = stele__maintain_open_index(log, entry, ret_index, &error);
    if (status == STELE_CORRUPT || status == STELE_NOT_FOUND || status == STELE_UNSUPPORTED) {
        stele__log_say(log, STELE_LOG_WARNING, "building an index file again: %s", error.message);
        stele__maintain_forget_index(&log->manifest, first);
        return STELE_NOT_FOUND;
    }
    if (status != STELE_OK && reterr) {
        *reterr = error;
    }
    return status;
}

/* A missing index file: one of the newest events is built now, as the window of ids is filled from
 * them; an older one later, when it is needed or there is time. */
static stele_status replace_index(stele__recovery *state, const stele__sealed *sealed,
                                  stele_error *reterr)
{
    stele__log *log = state->log;
    stele__index *index;
    if (sealed->info.last + STELE_ID_WINDOW >= state->next) {
        return rebuild_index(log, sealed, state->view, reterr);
    }
    STELE_TRY(stele__index_missing(log->alloc, &sealed->info, &index, reterr));
    stele__view_add_index(state->view, index);
    stele__index_unref(index);
    return STELE_OK;
}

static stele_status open_indexes(stele__recovery *state, stele_error *reterr)
{
    stele__log *log = state->log;
    stele__view *view = state->view;
    for (size_t i = 0; i < view->sealed_count;) {
        stele__index *index = NULL;
        const stele_status status = open_index(log, view->sealed[i].info.first, &index, reterr);
        if (status == STELE_NOT_FOUND) {
            STELE_TRY(replace_index(state, &view->sealed[i], reterr));
            i++;
            continue;
        }
        STELE_TRY(status);
        stele__view_add_index(view, index);
        while (i < view->sealed_count && view->sealed[i].info.last <= stele__index_last(index)) {
            i++;
        }
        stele__index_unref(index);
    }
    return STELE_OK;
}

/* ---- finish */

static bool is_packed(const stele__log *log, uint64_t number)
{
    for (size_t i = 0; i < log->manifest.segment_count; i++) {
        if (log->manifest.segments[i].number == number) {
            return log->manifest.segments[i].packed_bytes > 0;
        }
    }
    return false;
}

/* Of a sealed segment there is one form when nothing is being packed. */
static stele_status remove_forms(stele__recovery *state, stele_error *reterr)
{
    stele__log *log = state->log;
    char name[STELE_FILE_NAME_SIZE];
    for (size_t i = 0; i < state->packed_count; i++) {
        if (!is_packed(log, state->packed_files[i])) {
            stele__packed_file_name(state->packed_files[i], name);
            STELE_TRY(stele__recover_remove_file(log, name, reterr));
        }
    }
    for (size_t i = 0; i < state->log_count; i++) {
        if (is_packed(log, state->logs[i])) {
            stele__segment_file_name(state->logs[i], name);
            STELE_TRY(stele__recover_remove_file(log, name, reterr));
        }
    }
    return STELE_OK;
}

static stele_status remove_orphans(stele__recovery *state, stele_error *reterr)
{
    stele__log *log = state->log;
    STELE_TRY(remove_forms(state, reterr));
    for (size_t i = 0; i < state->index_count; i++) {
        bool is_named = false;
        for (size_t k = 0; k < log->manifest.index_count && !is_named; k++) {
            is_named = log->manifest.indexes[k].number == state->index_files[i];
        }
        if (!is_named) {
            char name[STELE_FILE_NAME_SIZE];
            stele__maintain_index_name(state->index_files[i], name);
            STELE_TRY(stele__recover_remove_file(log, name, reterr));
        }
    }
    return stele__recover_remove_file(log, "manifest.new", reterr);
}

static stele_status fill_window(stele__recovery *state, stele_error *reterr)
{
    stele__log *log = state->log;
    stele__reader reader;
    stele__locator locator = {.segment = NULL};
    stele_status status = STELE_OK;
    const stele_position first = state->next > STELE_ID_WINDOW ? state->next - STELE_ID_WINDOW : 1;
    if (first == state->next) {
        return STELE_OK;
    }
    STELE_TRY(stele__window_reserve(&log->window, (size_t)(state->next - first), reterr));
    for (size_t i = 0; i < state->view->sealed_count; i++) {
        if (state->view->sealed[i].info.last >= first) {
            stele__segment_will_read(state->view->sealed[i].segment, 0, UINT64_MAX);
        }
    }
    stele__reader_init(&reader, log->alloc);
    for (stele_position position = first; position < state->next && status == STELE_OK;
         position++) {
        const stele__event *event;
        status = stele__view_event(state->view, &locator, &reader, position, &event, reterr);
        if (status == STELE_OK) {
            const uint64_t hash =
                STELE_CANARY_IS(11)
                    ? 0
                    : stele__term_hash(&log->hash_key, STELE_TERM_STREAM, event->record.stream);
            stele__window_put(&log->window, position, stele__window_print(hash, &event->record.id));
        }
    }
    stele__reader_done(&reader);
    return status;
}

static stele_status open_page(stele__recovery *state, const uint8_t boot_id[16],
                              stele_position *ret_published, stele_error *reterr)
{
    stele__log *log = state->log;
    stele__buffer path = {.alloc = log->alloc};
    const stele_status status = stele__log_path(log, "live", &path, reterr);
    if (status == STELE_OK) {
        stele__shared_open(&log->shared, log->vfs, (const char *)path.data, true);
        *ret_published = stele__shared_take(&log->shared, &log->store, boot_id);
    }
    stele__buffer_done(&path);
    return status;
}

/* Notes that the store is open, in a new epoch if history may have been cut (R5). */
static stele_status write_manifest(stele__recovery *state, stele_error *reterr)
{
    stele__log *log = state->log;
    stele__manifest *manifest = &log->manifest;
    uint8_t boot_id[16];
    stele_position published;
    log->clock->boot_id(log->clock->context, boot_id);
    STELE_TRY(open_page(state, boot_id, &published, reterr));
    const bool was_machine = memcmp(boot_id, manifest->boot_id, sizeof boot_id) != 0;
    if (!manifest->is_clean && !STELE_CANARY_IS(14) &&
        (was_machine || state->lost_good_frames || published >= state->next)) {
        STELE_TRY(stele__manifest_add_cut(manifest, state->next - 1, reterr));
        stele__log_say(log, STELE_LOG_NOTICE,
                       "recovered up to position %" PRIu64
                       " after a crash; history beyond it may have been seen: epoch %" PRIu64,
                       state->next - 1, manifest->epoch);
    }
    memcpy(manifest->boot_id, boot_id, sizeof boot_id);
    manifest->is_clean = false;
    manifest->end_segment = manifest->end_offset = manifest->end_position = 0;
    atomic_store_explicit(&log->epoch, manifest->epoch, memory_order_relaxed);
    STELE_TRY(stele__manifest_write(log->vfs, log->folder, manifest, reterr));
    if (state->has_half_manifest) {
        stele__log_say(log, STELE_LOG_WARNING,
                       "one half of the manifest was damaged; both have been written again");
    }
    return STELE_OK;
}

static stele_status build_view(stele__recovery *state, stele_error *reterr)
{
    stele__log *log = state->log;
    stele__view *view;
    const stele__view *old = state->view;
    STELE_TRY(stele__view_create(log->alloc, old->sealed_count, old->index_count, state->part_count,
                                 &view, reterr));
    for (size_t i = 0; i < old->sealed_count; i++) {
        stele__view_add_sealed(view, &old->sealed[i].info, old->sealed[i].segment);
    }
    for (size_t i = 0; i < old->index_count; i++) {
        stele__view_add_index(view, old->indexes[i]);
    }
    for (size_t i = 0; i < state->part_count; i++) {
        stele__view_add_part(view, state->parts[i]);
    }
    stele__view_unref(state->view);
    state->view = view;
    return STELE_OK;
}

static void take_over(stele__recovery *state)
{
    stele__log *log = state->log;
    const stele__view *view = state->view;
    log->view = state->view;
    state->view = NULL;
    log->next_position = state->next;
    atomic_store_explicit(&log->head, state->next - 1, memory_order_release);
    atomic_store_explicit(&log->durable, state->next - 1, memory_order_relaxed);
    if (view->sealed_count > 0) {
        log->last_time = view->sealed[view->sealed_count - 1].info.last_time;
    }
    if (state->part_count > 0) {
        log->live = stele__part_ref(state->parts[state->part_count - 1]);
        log->last_time = log->live->last_time;
    }
    for (size_t i = 0; i < view->sealed_count + view->part_count; i++) {
        const uint64_t doubled = log->segment_size * 2;
        log->segment_size =
            doubled < log->options.segment_bytes ? doubled : log->options.segment_bytes;
    }
    stele__shared_set_generation(&log->shared, log->manifest.generation);
    stele__shared_publish(&log->shared, log->head);
}

/* Opens the index files once more, after damaged ones were struck off the manifest, and builds
 * those again (R6). */
static stele_status reindex(stele__recovery *state, stele_error *reterr)
{
    stele__log *log = state->log;
    stele__view *old = state->view;
    stele__view *view = NULL;
    for (size_t i = old->index_count; i-- > 0;) {
        stele_error error;
        if (!stele__index_is_missing(old->indexes[i]) &&
            stele__index_check(old->indexes[i], NULL, NULL, &error) == STELE_CORRUPT) {
            stele__log_say(log, STELE_LOG_WARNING, "building an index file again: %s",
                           error.message);
            stele__maintain_forget_index(&log->manifest, stele__index_first(old->indexes[i]));
        }
    }
    STELE_TRY(
        stele__view_create(log->alloc, old->sealed_count, old->sealed_count, 0, &view, reterr));
    for (size_t i = 0; i < old->sealed_count; i++) {
        stele__view_add_sealed(view, &old->sealed[i].info, old->sealed[i].segment);
    }
    stele__view_unref(old);
    state->view = view;
    STELE_TRY(open_indexes(state, reterr));
    return build_view(state, reterr);
}

/* Reads the newest events; a damaged page of an index file that comes to light is healed first. */
static stele_status read_window(stele__recovery *state, stele_error *reterr)
{
    stele_error error;
    const stele_status status = fill_window(state, &error);
    if (status == STELE_CORRUPT && error.detail == STELE_CORRUPT_INDEX) {
        STELE_TRY(reindex(state, reterr));
        stele__window_done(&state->log->window);
        return fill_window(state, reterr);
    }
    if (status != STELE_OK && reterr) {
        *reterr = error;
    }
    return status;
}

static stele_status recover(stele__recovery *state, stele_error *reterr)
{
    stele__log *log = state->log;
    STELE_TRY(lock_folder(log, reterr));
    STELE_TRY(list_folder(state, reterr));
    STELE_TRY(load_manifest(state, reterr));
    STELE_TRY(stele__view_create(log->alloc, log->manifest.segment_count,
                                 log->manifest.segment_count, 0, &state->view, reterr));
    STELE_TRY(open_sealed(state, reterr));
    STELE_TRY(stele__recover_live(state, reterr));
    STELE_TRY(open_indexes(state, reterr));
    STELE_TRY(build_view(state, reterr));
    STELE_TRY(read_window(state, reterr));
    STELE_TRY(write_manifest(state, reterr));
    STELE_TRY(remove_orphans(state, reterr));
    take_over(state);
    return STELE_OK;
}

stele_status stele__recover(stele__log *log, stele_error *reterr)
{
    stele__recovery state = {.log = log, .next = 1};
    const stele_alloc *alloc = log->alloc;
    const stele_status status = recover(&state, reterr);
    for (size_t i = 0; i < state.part_count; i++) {
        stele__part_unref(state.parts[i]);
    }
    stele__release(alloc, state.parts, state.part_capacity * sizeof *state.parts);
    stele__release(alloc, state.logs, state.log_capacity * sizeof *state.logs);
    stele__release(alloc, state.index_files, state.index_capacity * sizeof *state.index_files);
    stele__release(alloc, state.packed_files, state.packed_capacity * sizeof *state.packed_files);
    stele__view_unref(state.view);
    return status;
}

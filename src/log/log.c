/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, closing, and what needs no more than the published state: heads, waiting, description,
 * checkpoints. */
#include "log/codec.h"
#include "log/engine.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#ifdef STELE_CANARY
int stele__log_canary = 0;
#endif

enum {
    SEGMENT_SIZE_DEFAULT = 64 << 20,
    SEGMENT_SIZE_MIN = 64 << 10,
    SEGMENT_SIZE_FIRST = 1 << 20,
    ID_WINDOW_BYTES = 12 * STELE_ID_WINDOW,
    SEAL_ON_CLOSE_BYTES = 1 << 20,
    SEAL_ON_CLOSE_PACKED_BYTES = 64 << 10,
    NAP_SECONDS = 1
};

/* ---- helpers */

void stele__log_say(stele__log *log, stele_log_level level, const char *format, ...)
{
    if (!log->options.log) {
        return;
    }
    char message[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    log->options.log(log->options.log_context, level, message);
}

stele_status stele__log_path(stele__log *log, const char *name, stele__buffer *path,
                             stele_error *reterr)
{
    path->size = 0;
    if (!stele__buffer_append(path, log->folder, strlen(log->folder)) ||
        !stele__buffer_append(path, "/", 1) ||
        !stele__buffer_append(path, name, strlen(name) + 1)) {
        return stele__fail_memory(reterr);
    }
    return STELE_OK;
}

stele__view *stele__log_view(stele__log *log, stele_position *ret_head)
{
    stele__lock(&log->view_lock);
    /* The head first: a view installed later holds at least as much. Pairs with the release in
     * publish(). */
    *ret_head = atomic_load_explicit(&log->head, memory_order_acquire);
    stele__view *view = stele__view_ref(log->view);
    stele__unlock(&log->view_lock);
    return view;
}

void stele__log_install(stele__log *log, stele__view *view)
{
    stele__lock(&log->view_lock);
    stele__view *old = log->view;
    log->view = view;
    stele__unlock(&log->view_lock);
    stele__view_unref(old);
}

/* ---- opening */

static int init_locks(stele__log *log)
{
    int error = stele__packed_cache_init(&log->packed_cache, STELE_RANK_PACKED,
                                         log->options.memory_bytes / 8);
    error = error ? error : stele__mutex_init(&log->view_lock, STELE_RANK_VIEW);
    error = error ? error : stele__mutex_init(&log->lock, STELE_RANK_SEQUENCER);
    error = error ? error : stele__mutex_init(&log->maintenance, STELE_RANK_MAINTENANCE);
    error = error ? error : stele__mutex_init(&log->follow_lock, STELE_RANK_FOLLOW);
    error = error ? error : stele__condition_init(&log->room);
    error = error ? error : stele__condition_init(&log->work);
    error = error ? error : stele__condition_init(&log->maintainer.wanted);
    error = error ? error : stele__condition_init(&log->merger.wanted);
    return error ? error : stele__condition_init(&log->built);
}

static void free_log(stele__log *log)
{
    const stele_alloc *below = log->budget.below;
    stele__packer_free(log->packer);
    stele__part_unref(log->live);
    stele__segment_unref(log->reserve);
    stele__view_unref(log->view);
    stele__commit_free_groups(log);
    stele__window_done(&log->window);
    stele__release(log->alloc, log->handles, log->handle_capacity * sizeof *log->handles);
    stele__manifest_done(&log->manifest);
    stele__shared_close(&log->shared);
    if (log->lock_file) {
        log->vfs->close(log->lock_file);
    }
    stele__condition_done(&log->room);
    stele__condition_done(&log->work);
    stele__condition_done(&log->maintainer.wanted);
    stele__condition_done(&log->merger.wanted);
    stele__condition_done(&log->built);
    stele__mutex_done(&log->follow_lock);
    stele__mutex_done(&log->maintenance);
    stele__mutex_done(&log->lock);
    stele__mutex_done(&log->view_lock);
    stele__packed_cache_done(&log->packed_cache);
    stele__release(log->alloc, log->folder, log->folder_size);
    stele__release(below, log, sizeof *log);
}

static void set_options(stele__log *log, const stele_options *options)
{
    log->options = *options;
    if (log->options.segment_bytes == 0) {
        log->options.segment_bytes = SEGMENT_SIZE_DEFAULT;
    }
    if (log->options.segment_bytes < SEGMENT_SIZE_MIN) {
        log->options.segment_bytes = SEGMENT_SIZE_MIN;
    }
    if (log->options.segment_bytes > STELE_SEGMENT_SIZE_MAX / 2) {
        log->options.segment_bytes = STELE_SEGMENT_SIZE_MAX / 2;
    }
    log->zeroes_max = UINT64_MAX;
    log->zeroes_due = UINT64_MAX;
    log->segment_size = log->options.segment_bytes < SEGMENT_SIZE_FIRST ? log->options.segment_bytes
                                                                        : SEGMENT_SIZE_FIRST;
    log->bytes_in_flight_max = options->memory_bytes / 4;
    /* There can be four at a time: the live one, two that wait, and one that is being sealed. */
    log->tail_bytes_max =
        options->memory_bytes > ID_WINDOW_BYTES ? (options->memory_bytes - ID_WINDOW_BYTES) / 8 : 0;
    log->is_writer = options->access == STELE_READ_WRITE || options->access == STELE_MUST_EXIST;
    log->is_salvage = options->access == STELE_SALVAGE;
}

static stele_status make_log(const char *folder, const stele_options *options, stele__log **ret_log,
                             stele_error *reterr)
{
    stele__log *log = stele__allocate_zero(options->alloc, sizeof *log);
    if (!log) {
        return stele__fail_memory(reterr);
    }
    /* What the budget counts is bounded by what the engine asks for, not by refusing: see
     * tail_bytes_max and bytes_in_flight_max. */
    stele__budget_init(&log->budget, options->alloc, SIZE_MAX);
    log->alloc = &log->budget.alloc;
    log->vfs = options->vfs;
    log->clock = options->clock;
    set_options(log, options);
    stele__window_init(&log->window, log->alloc);
    stele__manifest_init(&log->manifest, log->alloc);
    log->shared.page = &log->shared.own;
    log->shared.vfs = log->vfs;
    const int error = init_locks(log);
    log->folder_size = strlen(folder) + 1;
    log->folder = stele__allocate(log->alloc, log->folder_size);
    if (error || !log->folder) {
        free_log(log);
        return error ? stele__fail_os(reterr, STELE_IO, error, "cannot make locks")
                     : stele__fail_memory(reterr);
    }
    memcpy(log->folder, folder, log->folder_size);
    *ret_log = log;
    return STELE_OK;
}

static bool has_missing(const stele__view *view)
{
    for (size_t i = 0; i < view->index_count; i++) {
        if (stele__index_is_missing(view->indexes[i])) {
            return true;
        }
    }
    return false;
}

/* Has the threads build missing index files, bring those that are there into memory, and pack. */
static void begin_maintenance(stele__log *log)
{
    const bool is_packing_due = stele__packing_is_due(log);
    uint64_t bytes = 0;
    for (size_t i = 0; i < log->view->index_count; i++) {
        bytes += stele__index_bytes(log->view->indexes[i]);
    }
    stele__lock(&log->lock);
    log->wants_index_in_memory = bytes >= STELE_INDEX_CHUNK;
    if (log->wants_index_in_memory || has_missing(log->view) || is_packing_due) {
        stele__maintain_kick(log);
    }
    stele__unlock(&log->lock);
}

stele_status stele__log_open(const char *folder, const stele_options *options, stele__log **ret_log,
                             stele_error *reterr)
{
    stele__log *log = NULL;
    if (options->compression) {
        STELE_TRY(stele__codec_check(stele__packing_codec(options->compression),
                                     "the option `compression`", reterr));
    }
    STELE_TRY(make_log(folder, options, &log, reterr));
    const stele_status status =
        log->is_writer ? stele__recover(log, reterr) : stele__follow_open(log, reterr);
    if (status != STELE_OK) {
        free_log(log);
        return status;
    }
    log->clock_wall = log->clock->now(log->clock->context);
    log->clock_monotonic = log->clock->monotonic(log->clock->context);
    if (log->is_writer) {
        begin_maintenance(log);
    }
    *ret_log = log;
    return STELE_OK;
}

/* ---- closing */

static void stop_threads(stele__log *log)
{
    __atomic_store_n(&log->stop_merging, 1, __ATOMIC_RELAXED);
    stele__lock(&log->lock);
    log->is_closing = true;
    const bool had_flusher = log->has_flusher;
    stele__condition_wake_all(&log->work);
    stele__condition_wake_all(&log->maintainer.wanted);
    stele__condition_wake_all(&log->merger.wanted);
    stele__unlock(&log->lock);
    if (had_flusher) {
        stele__thread_join(&log->flusher);
    }
    /* No worker is started any more: the maintainer, who starts the merger, looks at is_closing. */
    stele__worker *const workers[] = {&log->maintainer, &log->merger};
    for (size_t i = 0; i < sizeof workers / sizeof *workers; i++) {
        if (workers[i]->is_started) {
            stele__thread_join(&workers[i]->thread);
        }
        workers[i]->is_started = false;
    }
    log->has_flusher = false;
    __atomic_store_n(&log->stop_merging, 0, __ATOMIC_RELAXED);
}

/* Everything that was handed in is decided, written, synced and completed. */
static stele_status drain(stele__log *log, stele_error *reterr)
{
    stele_status status = STELE_OK;
    bool more = true;
    while (more) {
        stele__append_deferred(log);
        stele__lock(&log->lock);
        if (atomic_load_explicit(&log->is_poisoned, memory_order_relaxed)) {
            /* Nothing is written any more; those who wait are told so. */
            stele__commit_flush(log);
            more = log->queue || log->deferred;
            status = stele__commit_poisoned(log, reterr);
            stele__unlock(&log->lock);
            continue;
        }
        status = stele__commit_wait_all(log, true, reterr);
        stele__lock(&log->lock);
        stele__commit_flush(log);           /* a group that is empty is left, perhaps */
        more = log->queue || log->deferred; /* a completion may have submitted */
        stele__unlock(&log->lock);
        if (status != STELE_OK && !atomic_load_explicit(&log->is_poisoned, memory_order_relaxed)) {
            return status;
        }
    }
    return status;
}

static void remove_reserve(stele__log *log)
{
    if (log->reserve) {
        (void)log->vfs->remove(log->vfs, log->reserve->path);
        stele__segment_unref(log->reserve);
        log->reserve = NULL;
    }
}

/* Writes down that the log ends here, so that the next opening need not guess. */
static stele_status close_manifest(stele__log *log, stele_error *reterr)
{
    stele__part *live = log->live;
    stele__view *view = log->view;
    const bool is_sealed =
        live && (view->part_count == 0 || view->parts[view->part_count - 1] != live);
    if (live && !is_sealed && live->end > 0) {
        int error = stele__segment_trim(live->segment, live->end);
        error = error ? error : log->vfs->sync(live->segment->file);
        if (error) {
            return stele__fail_os(reterr, STELE_IO, error, "cannot trim %s", live->segment->path);
        }
        log->manifest.end_segment = live->segment->header.number;
        log->manifest.end_offset = live->end;
    } else {
        log->manifest.end_segment = log->manifest.end_offset = 0;
    }
    log->manifest.end_position = log->next_position - 1;
    log->manifest.is_clean = true;
    return stele__manifest_write(log->vfs, log->folder, &log->manifest, reterr);
}

stele_status stele__log_close(stele__log *log, stele_error *reterr)
{
    stele_status status = STELE_OK;
    if (log->is_writer) {
        stop_threads(log);
        status = drain(log, reterr);
        if (status == STELE_OK) {
            /* An index file that cannot be written now is built at the next opening. */
            stele_error error;
            const uint64_t least =
                log->options.compression ? SEAL_ON_CLOSE_PACKED_BYTES : SEAL_ON_CLOSE_BYTES;
            if (stele__maintain_seal_all(log, least, &error) != STELE_OK) {
                stele__log_say(log, STELE_LOG_WARNING, "closing without an index file: %s",
                               error.message);
            } else if (stele__packing_all(log, &error) != STELE_OK) {
                stele__log_say(log, STELE_LOG_WARNING, "closing without packing: %s",
                               error.message);
            }
            remove_reserve(log);
            status = close_manifest(log, reterr);
        }
        stele__shared_wake(&log->shared);
    }
    free_log(log);
    return status;
}

/* ---- heads and waiting */

stele_status stele__log_head(stele__log *log, stele_position *ret_head, stele_error *reterr)
{
    if (!log->is_writer) {
        STELE_TRY(stele__follow(log, reterr));
    }
    *ret_head = atomic_load_explicit(&log->head, memory_order_acquire);
    return STELE_OK;
}

stele_status stele__log_wait(stele__log *log, stele_position after, stele_duration timeout,
                             stele_position *ret_head, stele_error *reterr)
{
    const int64_t begin = log->clock->monotonic(log->clock->context);
    STELE_TRY(stele__core_check_outside(log, reterr));
    for (;;) {
        const uint32_t ticket = stele__shared_ticket(&log->shared);
        STELE_TRY(stele__log_head(log, ret_head, reterr));
        if (*ret_head > after) {
            return STELE_OK;
        }
        const int64_t passed =
            stele__subtract_saturated(log->clock->monotonic(log->clock->context), begin);
        if (timeout >= 0 && passed >= timeout) {
            return stele__fail(reterr, STELE_TIMEOUT, "no event was appended in time");
        }
        if (log->is_writer && atomic_load_explicit(&log->is_poisoned, memory_order_acquire)) {
            stele__lock(&log->lock);
            const stele_status status = stele__commit_poisoned(log, reterr);
            stele__unlock(&log->lock);
            return status;
        }
        const int64_t left = timeout >= 0 ? timeout - passed : STELE_SECONDS(NAP_SECONDS);
        stele__shared_sleep(&log->shared, ticket,
                            left < STELE_SECONDS(NAP_SECONDS) ? left : STELE_SECONDS(NAP_SECONDS));
    }
}

stele_status stele__log_sync(stele__log *log, stele_error *reterr)
{
    STELE_TRY(stele__core_check_outside(log, reterr));
    stele__append_wait_deferred(log);
    stele__lock(&log->lock);
    return stele__commit_wait_all(log, true, reterr);
}

stele_status stele__log_step(stele__log *log, int *ret_more, stele_error *reterr)
{
    bool more = false;
    STELE_TRY(stele__core_check_outside(log, reterr));
    if (log->is_writer) {
        stele__append_deferred(log);
        stele__lock(&log->lock);
        stele__commit_flush(log);
        const stele_status status = stele__commit_poisoned(log, reterr);
        stele__unlock(&log->lock);
        STELE_TRY(status);
        STELE_TRY(stele__maintain_step(log, &more, reterr));
    }
    if (ret_more) {
        *ret_more = more;
    }
    return STELE_OK;
}

/* ---- describing */

static uint64_t usage(stele__log *log, const char *name)
{
    stele__buffer path = {.alloc = log->alloc};
    stele_file *file = NULL;
    uint64_t bytes = 0;
    if (stele__log_path(log, name, &path, NULL) == STELE_OK &&
        log->vfs->open(log->vfs, (const char *)path.data, STELE_FILE_READ, &file) == 0) {
        (void)log->vfs->disk_usage(file, &bytes);
        log->vfs->close(file);
    }
    stele__buffer_done(&path);
    return bytes;
}

typedef struct usage_sum {
    stele__log *log;
    uint64_t bytes;
} usage_sum;

static void add_usage(void *context, const char *name)
{
    usage_sum *sum = context;
    sum->bytes += usage(sum->log, name);
}

static void describe_view(stele__log *log, const stele__view *view, stele_info *info)
{
    for (size_t i = 0; i < view->sealed_count; i++) {
        const stele__sealed *sealed = &view->sealed[i];
        const bool is_packed = sealed->segment->packed != NULL;
        info->log_bytes +=
            is_packed ? stele__packed_file_size(sealed->segment->packed) : sealed->info.bytes;
        info->compressed_segment_count += is_packed;
        info->compressed_from_bytes += is_packed ? sealed->info.bytes : 0;
    }
    for (size_t i = 0; i < view->index_count; i++) {
        info->index_bytes += stele__index_bytes(view->indexes[i]);
        info->missing_index_files += stele__index_is_missing(view->indexes[i]);
    }
    for (size_t i = 0; i < view->part_count; i++) {
        info->unsealed_events += stele__tail_event_count(view->parts[i]->tail);
        /* The end of a growing part belongs to whoever adds to it. */
        stele__mutex *lock = log->is_writer ? &log->lock : &log->follow_lock;
        stele__lock(lock);
        info->log_bytes += view->parts[i]->end;
        stele__unlock(lock);
    }
    info->segment_count = view->sealed_count + view->part_count;
    info->index_file_count = view->index_count - info->missing_index_files;
}

/* Of the first event. It stands at the beginning of the first segment: no index is needed. */
static stele_status first_time(const stele__view *view, stele__locator *locator,
                               stele__reader *reader, stele_time *ret_time, stele_error *reterr)
{
    if (view->index_count > 0 && stele__index_is_missing(view->indexes[0])) {
        stele__frame frame = {.time = 0};
        stele__frame_result result;
        const char *why;
        stele__reader_enter(reader, view->sealed[0].segment);
        STELE_TRY(
            stele__frame_read(reader, STELE_SEGMENT_HEADER_SIZE, 1, &frame, &result, &why, reterr));
        if (result != STELE_FRAME_GOOD) {
            return stele__fail(reterr, STELE_CORRUPT, "position 1 is damaged: %s, offset %d: %s",
                               view->sealed[0].segment->path, STELE_SEGMENT_HEADER_SIZE, why);
        }
        *ret_time = frame.time;
        return STELE_OK;
    }
    const stele__event *event;
    STELE_TRY(stele__view_event(view, locator, reader, 1, &event, reterr));
    *ret_time = event->record.time;
    return STELE_OK;
}

static stele_status describe_times(stele__log *log, const stele__view *view, stele_info *info,
                                   stele_error *reterr)
{
    stele__reader reader;
    stele__locator locator = {.segment = NULL};
    const stele__event *event;
    stele_status status = STELE_OK;
    stele__reader_init(&reader, log->alloc);
    if (info->head > 0) {
        status = first_time(view, &locator, &reader, &info->first_time, reterr);
    }
    if (info->head > 0 && status == STELE_OK) {
        status = stele__view_event(view, &locator, &reader, info->head, &event, reterr);
        info->last_time = status == STELE_OK ? event->record.time : 0;
    }
    stele__reader_done(&reader);
    return status;
}

stele_status stele__log_describe(stele__log *log, stele_info *ret_info, stele_error *reterr)
{
    if (!log->is_writer) {
        STELE_TRY(stele__follow(log, reterr));
    }
    stele_info info = {.backend = "embedded",
                       .store = log->store,
                       .durability = log->options.durability};
    stele__view *view = stele__log_view(log, &info.head);
    describe_view(log, view, &info);
    stele_status status = describe_times(log, view, &info, reterr);
    stele__view_unref(view);
    for (unsigned heals = 0;
         status == STELE_CORRUPT && stele__maintain_again(log, &heals, reterr);) {
        stele_position head;
        view = stele__log_view(log, &head);
        status = describe_times(log, view, &info, reterr);
        stele__view_unref(view);
    }
    if (status == STELE_CORRUPT && log->is_salvage) {
        status = STELE_OK;
    }
    STELE_TRY(status);
    usage_sum sum = {log, 0};
    (void)log->vfs->list(log->vfs, log->folder, add_usage, &sum);
    info.disk_bytes = sum.bytes;
    info.epoch = atomic_load_explicit(&log->epoch, memory_order_relaxed);
    info.memory_bytes = stele__budget_in_use(&log->budget);
    info.memory_bytes_max = log->options.memory_bytes;
    info.recovered_bytes = atomic_load_explicit(&log->recovered_bytes, memory_order_relaxed);
    info.healed_index_files = atomic_load_explicit(&log->healed, memory_order_relaxed);
    info.flushes = atomic_load_explicit(&log->flushes, memory_order_relaxed);
    info.commits = atomic_load_explicit(&log->commits, memory_order_relaxed);
    info.refusals = atomic_load_explicit(&log->refusals, memory_order_relaxed);
    const stele_time now = log->clock->now(log->clock->context);
    info.clock_behind = info.last_time > now ? stele__subtract_saturated(info.last_time, now) : 0;
    info.is_writer = log->is_writer;
    info.is_poisoned = atomic_load_explicit(&log->is_poisoned, memory_order_relaxed);
    *ret_info = info;
    return STELE_OK;
}

stele_status stele__log_checkpoint_check(stele__log *log, const stele_checkpoint *checkpoint,
                                         stele_position *ret_valid_until, stele_error *reterr)
{
    stele_position head;
    STELE_TRY(stele__log_head(log, &head, reterr));
    if (!stele__uuid_equal(&checkpoint->store, &log->store)) {
        if (ret_valid_until) {
            *ret_valid_until = 0;
        }
        return stele__fail(reterr, STELE_INVALID_CHECKPOINT,
                           "the checkpoint belongs to another store");
    }
    if (checkpoint->epoch == 0 ||
        checkpoint->epoch > atomic_load_explicit(&log->epoch, memory_order_relaxed)) {
        if (ret_valid_until) {
            *ret_valid_until = 0;
        }
        return stele__fail(reterr, STELE_INVALID_CHECKPOINT,
                           "the checkpoint is of epoch %" PRIu64 ", which %s", checkpoint->epoch,
                           checkpoint->epoch == 0 ? "does not exist: they begin with 1"
                                                  : "has not begun");
    }
    stele__lock(&log->maintenance);
    const stele_position valid =
        stele__manifest_valid_until(&log->manifest, checkpoint->epoch, head);
    stele__unlock(&log->maintenance);
    if (ret_valid_until) {
        *ret_valid_until = valid;
    }
    if (checkpoint->position > valid) {
        return stele__fail(reterr, STELE_INVALID_CHECKPOINT,
                           "position %" PRIu64 " of epoch %" PRIu64
                           " is not in this history, which it shares up to %" PRIu64,
                           checkpoint->position, checkpoint->epoch, valid);
    }
    return STELE_OK;
}

static stele_status find_facts(stele__log *log, stele_text name, stele__stream_facts *ret_facts,
                               stele_error *reterr)
{
    stele__reader reader;
    stele__locator locator = {.segment = NULL};
    stele_position head;
    stele__view *view = stele__log_view(log, &head);
    stele__reader_init(&reader, log->alloc);
    const stele_status status = stele__view_stream(view, &locator, &reader, &log->hash_key, name,
                                                   head, NULL, ret_facts, reterr);
    stele__reader_done(&reader);
    stele__view_unref(view);
    return status;
}

stele_status stele__log_describe_stream(stele__log *log, const char *stream,
                                        stele_stream_info *ret_info, stele_error *reterr)
{
    if (!log->is_writer) {
        STELE_TRY(stele__follow(log, reterr));
    }
    stele__stream_facts facts;
    const stele_text name = stele__text(stream);
    stele_status status = find_facts(log, name, &facts, reterr);
    for (unsigned heals = 0;
         status == STELE_CORRUPT && stele__maintain_again(log, &heals, reterr);) {
        status = find_facts(log, name, &facts, reterr);
    }
    STELE_TRY(status);
    if (facts.last_position == 0 && !facts.state.has_metadata) {
        return stele__fail(reterr, STELE_NOT_FOUND_STREAM, "there is no stream %s", stream);
    }
    stele__describe_facts(name, &facts, ret_info);
    return STELE_OK;
}

void stele__describe_facts(stele_text name, const stele__stream_facts *facts,
                           stele_stream_info *ret_info)
{
    const stele__stream_state *state = &facts->state;
    const uint64_t count = (uint64_t)(state->last_revision + 1);
    const stele_revision first = stele__first_revision(name, facts);
    *ret_info =
        (stele_stream_info){.name = name,
                            .state = stele__stream_actual(state, STELE_USE_CHECKED),
                            .last_revision = count > 0 ? (stele_revision)state->last_revision : 0,
                            .first_revision = state->is_truncated_all ? count : first,
                            .event_count = count,
                            .visible_count = first < count ? count - first : 0,
                            .last_position = facts->last_position,
                            .has_metadata = state->has_metadata};
    if (state->is_tombstoned) {
        ret_info->visible_count = 0;
        ret_info->first_revision = count;
    }
}

stele_revision stele__first_revision(stele_text name, const stele__stream_facts *facts)
{
    const uint64_t count = (uint64_t)(facts->state.last_revision + 1);
    stele_revision first =
        facts->metadata.has_truncate_before ? facts->metadata.truncate_before : 0;
    /* A metadata stream shows its last event alone. */
    const uint64_t max_count = stele__core_is_metastream(name) ? 1 : facts->metadata.max_count;
    if (max_count > 0 && count > max_count && count - max_count > first) {
        first = count - max_count;
    }
    return first;
}

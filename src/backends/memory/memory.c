/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory backend: opening, closing, waiting, and facts about the store. Everything it keeps
 * comes from the allocator of its options; the memory budget bounds only what has been submitted
 * and is not completed, since here the store itself is memory.
 */
#include "backends/memory/model.h"

#include <inttypes.h>

static stele_status close_store(stele_backend *backend, stele_error *reterr)
{
    memory_store *store = memory_of(backend);
    const stele_alloc *alloc = store->alloc;
    (void)reterr;
    stele__memory_complete_all(store);
    for (stele_position position = 1; position <= store->head; position++) {
        memory_record *record = stele__memory_record(store, position);
        stele__release(alloc, record->payload, record->payload_size);
    }
    for (size_t i = 0; i < MEMORY_CHUNKS; i++) {
        stele__release(alloc, store->chunks[i],
                       (MEMORY_CHUNK_RECORDS << i) * sizeof(memory_record));
    }
    stele__memory_terms_free(store);
    stele__release(alloc, store->commits, store->commit_capacity * sizeof *store->commits);
    stele__condition_done(&store->changed);
    stele__mutex_done(&store->lock);
    stele__release(alloc, store, sizeof *store);
    return STELE_OK;
}

static stele_status get_head(stele_backend *backend, stele_position *ret_head, stele_error *reterr)
{
    memory_store *store = memory_of(backend);
    (void)reterr;
    stele__lock(&store->lock);
    *ret_head = store->head;
    stele__unlock(&store->lock);
    return STELE_OK;
}

/* The deadline stands on the given clock; if that does not move, real time ends the wait as well.
 */
static stele_status wait_for_head(stele_backend *backend, stele_position after,
                                  stele_duration timeout, stele_position *ret_head,
                                  stele_error *reterr)
{
    memory_store *store = memory_of(backend);
    const stele_clock *clock = store->clock;
    const int64_t start = clock->monotonic(clock->context);
    stele_duration left = timeout;
    STELE_TRY(stele__core_check_outside(store, reterr));
    stele__lock(&store->lock);
    while (store->head <= after && left != 0) {
        if (!stele__condition_wait(&store->changed, &store->lock, left)) {
            break;
        }
        if (timeout > 0) {
            const int64_t elapsed =
                stele__subtract_saturated(clock->monotonic(clock->context), start);
            left = elapsed < timeout ? timeout - elapsed : 0;
        }
    }
    const stele_position head = store->head;
    stele__unlock(&store->lock);
    if (head <= after) {
        return stele__fail(reterr, STELE_TIMEOUT,
                           "nothing was appended behind position %" PRIu64 " in time", after);
    }
    *ret_head = head;
    return STELE_OK;
}

static stele_status find_key(stele_backend *backend, const char *name, stele_receipt *ret_receipt,
                             stele_error *reterr)
{
    memory_store *store = memory_of(backend);
    stele_status status = STELE_OK;
    stele__lock(&store->lock);
    const memory_term *key = stele__memory_term_find(store, MEMORY_KEY, stele__text(name));
    if (key && key->positions[0] <= store->head) {
        const memory_commit *commit =
            &store->commits[stele__memory_record(store, key->positions[0])->commit];
        const stele_record *last =
            &stele__memory_record(store, commit->first_given + commit->given_count - 1)->event;
        *ret_receipt = (stele_receipt){.first_position = commit->first_given,
                                       .position = last->position,
                                       .revision = last->revision,
                                       .time = last->time,
                                       .already_applied = 1};
    } else {
        status = stele__fail(reterr, STELE_NOT_FOUND, "no commit has the key '%s'", name);
    }
    stele__unlock(&store->lock);
    return status;
}

static stele_status describe_stream(stele_backend *backend, const char *stream,
                                    stele_stream_info *ret_info, stele_error *reterr)
{
    memory_store *store = memory_of(backend);
    stele_status status = STELE_OK;
    stele__lock(&store->lock);
    const memory_term *term = stele__memory_term_find(store, MEMORY_STREAM, stele__text(stream));
    if (term && (term->count > 0 || term->has_metadata)) {
        stele__memory_stream_info(term, ret_info);
        ret_info->name = stele__text(stream);
    } else {
        status = stele__fail(reterr, STELE_NOT_FOUND_STREAM, "there is no stream %s", stream);
    }
    stele__unlock(&store->lock);
    return status;
}

static stele_status describe_store(stele_backend *backend, stele_info *ret_info,
                                   stele_error *reterr)
{
    memory_store *store = memory_of(backend);
    const stele_time now = store->clock->now(store->clock->context);
    (void)reterr;
    stele__lock(&store->lock);
    *ret_info = (stele_info){.backend = store->backend.table->name,
                             .store = store->id,
                             .epoch = 1,
                             .head = store->head,
                             .durability = store->options.durability,
                             .log_bytes = store->bytes,
                             .unsealed_events = store->head,
                             .memory_bytes = store->in_flight_bytes,
                             .memory_bytes_max = store->options.memory_bytes,
                             .commits = store->commit_count,
                             .refusals = store->refusals,
                             .is_writer = 1};
    if (store->head > 0) {
        ret_info->first_time = stele__memory_record(store, 1)->event.time;
        ret_info->last_time = stele__memory_record(store, store->head)->event.time;
        ret_info->clock_behind =
            ret_info->last_time > now ? stele__subtract_saturated(ret_info->last_time, now) : 0;
    }
    stele__unlock(&store->lock);
    return STELE_OK;
}

static stele_status check_checkpoint(stele_backend *backend, const stele_checkpoint *checkpoint,
                                     stele_position *ret_valid_until, stele_error *reterr)
{
    memory_store *store = memory_of(backend);
    stele_position head = 0;
    STELE_TRY(get_head(backend, &head, reterr));
    *ret_valid_until = 0;
    if (!stele__uuid_equal(&checkpoint->store, &store->id)) {
        return stele__fail(reterr, STELE_INVALID_CHECKPOINT,
                           "the checkpoint belongs to another store");
    }
    if (checkpoint->epoch != 1) { /* history in memory is never cut: there is one */
        return stele__fail(reterr, STELE_INVALID_CHECKPOINT,
                           "the checkpoint is of epoch %" PRIu64 ", which %s", checkpoint->epoch,
                           checkpoint->epoch == 0 ? "does not exist: they begin with 1"
                                                  : "has not begun");
    }
    *ret_valid_until = head;
    if (checkpoint->position > head) {
        return stele__fail(reterr, STELE_INVALID_CHECKPOINT,
                           "position %" PRIu64 " of epoch %" PRIu64
                           " is not in this history, which it shares up to %" PRIu64,
                           checkpoint->position, checkpoint->epoch, head);
    }
    return STELE_OK;
}

static stele_status accept_clock(stele_backend *backend, stele_error *reterr)
{
    memory_store *store = memory_of(backend);
    (void)reterr;
    stele__lock(&store->lock);
    store->clock_seen = store->clock->now(store->clock->context);
    store->monotonic_seen = store->clock->monotonic(store->clock->context);
    stele__unlock(&store->lock);
    return STELE_OK;
}

/* There are no checksums to compare: it counts. */
static stele_status verify_store(stele_backend *backend, const stele_verify_options *options,
                                 stele_verify_result *ret_result, stele_error *reterr)
{
    memory_store *store = memory_of(backend);
    stele__lock(&store->lock);
    const stele_verify_result result = {.events = store->head,
                                        .commits = store->commit_count,
                                        .bytes = store->bytes,
                                        .damage_count = 0};
    stele__unlock(&store->lock);
    if (options->progress && options->progress(options->context, result.bytes, result.bytes) != 0) {
        return stele__fail(reterr, STELE_CANCELLED, "the check was stopped");
    }
    *ret_result = result;
    return STELE_OK;
}

static const stele_backend_table table = {
    .name = "memory",
    .close = close_store,
    .append = stele__memory_append,
    .submit = stele__memory_submit,
    .sync = stele__memory_sync,
    .step = stele__memory_step,
    .head = get_head,
    .wait = wait_for_head,
    .find_key = find_key,
    .describe_stream = describe_stream,
    .read_open = stele__memory_read_open,
    .read_next = stele__memory_read_next,
    .read_head = stele__memory_read_head,
    .read_refresh = stele__memory_read_refresh,
    .read_free = stele__memory_read_free,
    .names_open = stele__memory_names_open,
    .names_next = stele__memory_names_next,
    .names_free = stele__memory_names_free,
    .describe = describe_store,
    .checkpoint_check = check_checkpoint,
    .accept_clock = accept_clock,
    .verify = verify_store,
};

static stele_status init_locks(memory_store *store, stele_error *reterr)
{
    int failed = stele__mutex_init(&store->lock, MEMORY_LOCK_RANK);
    if (!failed) {
        failed = stele__condition_init(&store->changed);
        if (failed) {
            stele__mutex_done(&store->lock);
        }
    }
    return failed ? stele__fail_os(reterr, STELE_IO, failed, "cannot make a lock") : STELE_OK;
}

stele_status stele__memory_open(const char *location, const stele_options *options,
                                stele_backend **ret_backend, stele_error *reterr)
{
    const stele_clock *clock = options->clock;
    if (location[0] != '\0') {
        return stele__fail(reterr, STELE_INVALID_NAME,
                           "a store in memory has no name, but '%s' was given", location);
    }
    if (options->access != STELE_READ_WRITE) {
        stele__fail(reterr, STELE_NOT_FOUND_STORE,
                    "a store in memory never exists before it is opened");
        stele__hint(reterr, "open it for reading and writing");
        return STELE_NOT_FOUND;
    }
    memory_store *store = stele__allocate_zero(options->alloc, sizeof *store);
    if (!store) {
        return stele__fail_memory(reterr);
    }
    const stele_status status = init_locks(store, reterr);
    if (status != STELE_OK) {
        stele__release(options->alloc, store, sizeof *store);
        return status;
    }
    store->backend.table = &table;
    store->alloc = options->alloc;
    store->clock = clock;
    store->options = *options;
    store->id = stele__uuid_v4(clock);
    clock->entropy(clock->context, &store->hash_key, sizeof store->hash_key);
    store->clock_seen = clock->now(clock->context);
    store->monotonic_seen = clock->monotonic(clock->context);
    *ret_backend = &store->backend;
    return STELE_OK;
}

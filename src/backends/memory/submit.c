/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asynchronous appends. There is nothing to wait for in memory, so a submission is decided when it
 * is handed in; only its completion is called later: by a thread of the store, or, when the program
 * runs the store's work itself, by whoever steps, syncs, closes or appends. Completions are called
 * one at a time, in the order of handing in, without the lock.
 */
#include "backends/memory/model.h"

/* What one call of stele_step() completes at most. */
#define STEP_COMPLETIONS_MAX 64

struct memory_completion {
    memory_completion *next;
    stele_completion done;
    void *context;
    stele_status status;
    stele_receipt receipt;
    stele_error error;
    size_t in_flight_bytes; /* what it counts against the budget */
};

static void call_first(memory_store *store)
{
    memory_completion *completion = store->first_completion;
    store->first_completion = completion->next;
    if (!store->first_completion) {
        store->last_completion = NULL;
    }
    store->is_completing = true;
    stele__unlock(&store->lock);
    stele__core_complete(store, completion->done, completion->context, completion->status,
                         completion->status == STELE_OK ? &completion->receipt : NULL,
                         &completion->error);
    stele__lock(&store->lock);
    store->is_completing = false;
    store->completed++;
    store->in_flight_bytes -= completion->in_flight_bytes;
    stele__release(store->alloc, completion, sizeof *completion);
    stele__condition_wake_all(&store->changed);
}

/* Calls up to `max` completions, unless somebody is at it. With the lock held, which is let go
 * meanwhile. */
static void call_some(memory_store *store, size_t max)
{
    for (size_t i = 0; i < max && store->first_completion && !store->is_completing; i++) {
        call_first(store);
    }
}

/* The store's own thread. */
static void run_completions(void *context)
{
    memory_store *store = context;
    stele__lock(&store->lock);
    while (!store->is_closing || store->first_completion || store->is_completing) {
        if (store->first_completion && !store->is_completing) {
            call_first(store);
        } else {
            (void)stele__condition_wait(&store->changed, &store->lock, -1);
        }
    }
    stele__unlock(&store->lock);
}

/* Until everything handed in so far has been completed. With the lock held. */
static void complete_until(memory_store *store, uint64_t submitted)
{
    while (store->completed < submitted) {
        if (store->first_completion && !store->is_completing) {
            call_first(store);
        } else {
            (void)stele__condition_wait(&store->changed, &store->lock, -1);
        }
    }
}

void stele__memory_complete_all(memory_store *store)
{
    stele__lock(&store->lock);
    while (store->completed < store->submitted) {
        complete_until(store, store->submitted);
    }
    store->is_closing = true;
    stele__condition_wake_all(&store->changed);
    stele__unlock(&store->lock);
    if (store->has_thread) {
        stele__thread_join(&store->thread);
        store->has_thread = false;
    }
}

stele_status stele__memory_append(stele_backend *backend, const stele_request *request,
                                  stele_receipt *ret_receipt, stele_error *reterr)
{
    memory_store *store = memory_of(backend);
    STELE_TRY(stele__core_check_outside(store, reterr));
    stele__lock(&store->lock);
    if (store->options.background == STELE_NO_THREADS) {
        call_some(store, SIZE_MAX);
    }
    const stele_status status = stele__memory_append_locked(store, request, ret_receipt, reterr);
    stele__unlock(&store->lock);
    return status;
}

static size_t request_bytes(const stele_request *request)
{
    size_t bytes = sizeof(memory_completion);
    for (size_t i = 0; i < request->commit.event_count; i++) {
        const stele_event *event = &request->commit.events[i];
        bytes += sizeof *event + event->data.size + event->metadata.size;
    }
    return bytes;
}

static stele_status start_thread(memory_store *store, stele_error *reterr)
{
    if (store->has_thread || store->options.background == STELE_NO_THREADS) {
        return STELE_OK;
    }
    const int failed = stele__thread_start(&store->thread, "stele-memory", run_completions, store);
    if (failed) {
        return stele__fail_os(reterr, STELE_IO, failed, "cannot start a thread");
    }
    store->has_thread = true;
    return STELE_OK;
}

static stele_status submit_locked(memory_store *store, const stele_request *request,
                                  memory_completion *completion, stele_error *reterr)
{
    const size_t bytes = request_bytes(request);
    if (store->in_flight_bytes > 0 &&
        store->in_flight_bytes + bytes > store->options.memory_bytes / 4) {
        stele__fail(reterr, STELE_BUSY_IN_FLIGHT,
                    "%zu bytes of appends are in flight already, of at most %zu",
                    store->in_flight_bytes, store->options.memory_bytes / 4);
        stele__hint(reterr, "hand it in again after a completion, or raise memory_bytes");
        return STELE_BUSY;
    }
    STELE_TRY(start_thread(store, reterr));
    completion->status =
        stele__memory_append_locked(store, request, &completion->receipt, &completion->error);
    if (completion->status == STELE_NO_MEMORY) {
        return stele__fail_memory(reterr);
    }
    (void)stele__succeed(completion->status == STELE_OK ? &completion->error : NULL);
    completion->in_flight_bytes = bytes;
    store->in_flight_bytes += bytes;
    store->submitted++;
    if (store->last_completion) {
        store->last_completion->next = completion;
    } else {
        store->first_completion = completion;
    }
    store->last_completion = completion;
    stele__condition_wake_all(&store->changed);
    return STELE_OK;
}

stele_status stele__memory_submit(stele_backend *backend, const stele_request *request,
                                  stele_completion done, void *context, stele_error *reterr)
{
    memory_store *store = memory_of(backend);
    memory_completion *completion = stele__allocate_zero(store->alloc, sizeof *completion);
    if (!completion) {
        return stele__fail_memory(reterr);
    }
    completion->done = done;
    completion->context = context;
    stele__lock(&store->lock);
    const stele_status status = submit_locked(store, request, completion, reterr);
    stele__unlock(&store->lock);
    if (status != STELE_OK) {
        stele__release(store->alloc, completion, sizeof *completion);
    }
    return status;
}

stele_status stele__memory_sync(stele_backend *backend, stele_error *reterr)
{
    memory_store *store = memory_of(backend);
    STELE_TRY(stele__core_check_outside(store, reterr));
    stele__lock(&store->lock);
    complete_until(store, store->submitted);
    stele__unlock(&store->lock);
    return STELE_OK;
}

stele_status stele__memory_step(stele_backend *backend, int *ret_more, stele_error *reterr)
{
    memory_store *store = memory_of(backend);
    STELE_TRY(stele__core_check_outside(store, reterr));
    stele__lock(&store->lock);
    call_some(store, STEP_COMPLETIONS_MAX);
    *ret_more = store->first_completion != NULL;
    stele__unlock(&store->lock);
    return STELE_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who does maintenance, and when. Two threads of the store: one for what appending waits for,
 * sealing and reserving, and one for what takes long, merging and packing; both build missing index
 * files when they have nothing else to do. They are started when there is something for them.
 * Without threads, stele_step() does one piece of whatever is due.
 */
#include "log/maintain.h"

/* Something that can wait, if there is any. */
static stele_status do_patient(stele__log *log, bool *ret_did, stele_error *reterr)
{
    STELE_TRY(stele__rebuild_step(log, ret_did, reterr));
    if (!*ret_did) {
        STELE_TRY(stele__merge_step(log, ret_did, reterr));
    }
    return *ret_did ? STELE_OK : stele__packing_step(log, ret_did, reterr);
}

/* A merge that came upon a damaged page is tried again when the file is whole. */
static stele_status heal(stele__log *log, stele_status status, stele_error *reterr)
{
    unsigned heals = 0;
    return status == STELE_CORRUPT && stele__maintain_again(log, &heals, reterr) ? STELE_OK
                                                                                 : status;
}

stele_status stele__maintain_step(stele__log *log, bool *ret_more, stele_error *reterr)
{
    stele_status status = stele__maintain_urgent(log, ret_more, reterr);
    if (status == STELE_OK && !*ret_more) {
        status = do_patient(log, ret_more, reterr);
    }
    return heal(log, status, reterr);
}

/* ---- threads */

typedef stele_status (*step_function)(stele__log *log, bool *ret_more, stele_error *reterr);

/* Steps whenever it is wanted, until there is nothing more. */
static void work(stele__log *log, stele__worker *worker, step_function step)
{
    enum { RETRY_SECONDS = 1 };
    stele__lock(&log->lock);
    while (!log->is_closing) {
        if (!worker->is_wanted) {
            (void)stele__condition_wait(&worker->wanted, &log->lock, STELE_FOREVER);
            continue;
        }
        worker->is_wanted = false;
        stele__unlock(&log->lock);
        bool more = true;
        stele_error error;
        stele_status status = STELE_OK;
        while (more && status == STELE_OK &&
               !__atomic_load_n(&log->stop_merging, __ATOMIC_RELAXED)) {
            status = heal(log, step(log, &more, &error), &error);
        }
        stele__lock(&log->lock);
        if (status != STELE_OK && !log->is_closing) {
            stele__log_say(log, STELE_LOG_WARNING, "maintenance: %s", error.message);
            (void)stele__condition_wait(&worker->wanted, &log->lock, STELE_SECONDS(RETRY_SECONDS));
            worker->is_wanted = true;
        }
    }
    stele__unlock(&log->lock);
}

/*
 * After opening: asks for the index files, the newest first, so that a read that finds nothing in
 * memory waits for its events only, and not for each page that leads to them. They are small beside
 * the log, but the log may be large: at most so many times the memory budget. (It is the system's
 * memory, which may be taken back.)
 */
static void bring_index_in(stele__log *log)
{
    enum { BUDGETS = 16 };
    uint64_t left = (uint64_t)log->options.memory_bytes * BUDGETS;
    stele__view *view = stele__maintain_view(log);
    for (size_t i = view->index_count; i-- > 0;) {
        const uint64_t bytes = stele__index_bytes(view->indexes[i]);
        for (uint64_t at = 0;
             at < bytes && left > 0 && !__atomic_load_n(&log->stop_merging, __ATOMIC_RELAXED);) {
            const uint64_t size = left < STELE_INDEX_CHUNK ? left : STELE_INDEX_CHUNK;
            stele__index_will_read(view->indexes[i], at, size);
            at += size;
            left -= size;
        }
    }
    stele__view_unref(view);
}

static stele_status step_merger(stele__log *log, bool *ret_more, stele_error *reterr)
{
    stele__lock(&log->lock);
    *ret_more = log->wants_index_in_memory;
    log->wants_index_in_memory = false;
    stele__unlock(&log->lock);
    if (*ret_more) {
        bring_index_in(log);
        return STELE_OK;
    }
    return do_patient(log, ret_more, reterr);
}

static void merger_main(void *context)
{
    stele__log *log = context;
    work(log, &log->merger, step_merger);
}

/* Lock held. Without the thread appenders do what they cannot wait for themselves
 * (stele__maintain_reserve), and nothing is merged. */
static void kick(stele__log *log, stele__worker *worker, const char *name,
                 void (*run)(void *context))
{
    if (!worker->is_started) {
        worker->is_started = stele__thread_start(&worker->thread, name, run, log) == 0;
    }
    worker->is_wanted = true;
    stele__condition_wake_one(&worker->wanted);
}

static stele_status step_maintainer(stele__log *log, bool *ret_more, stele_error *reterr)
{
    STELE_TRY(stele__maintain_urgent(log, ret_more, reterr));
    if (*ret_more) {
        return STELE_OK;
    }
    const bool is_due =
        stele__rebuild_is_due(log) || stele__merge_is_due(log) || stele__packing_is_due(log);
    stele__lock(&log->lock);
    if ((is_due || log->wants_index_in_memory) && !log->is_closing) {
        kick(log, &log->merger, "stele-merge", merger_main);
    }
    stele__unlock(&log->lock);
    return stele__rebuild_step(log, ret_more, reterr);
}

static void maintainer_main(void *context)
{
    stele__log *log = context;
    work(log, &log->maintainer, step_maintainer);
}

void stele__maintain_kick(stele__log *log)
{
    if (log->options.background != STELE_NO_THREADS) {
        kick(log, &log->maintainer, "stele-upkeep", maintainer_main);
    }
}

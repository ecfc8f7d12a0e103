/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Group commit: writing what the sequencer encoded, and telling those who wait.
 *
 * Groups stand in a queue in the order of positions; the last one gathers. Whoever has the
 * *flusher's role* takes the first, writes it, syncs if somebody in it asked for that, publishes
 * its last position, wakes its waiters and calls its completions. A lone appender takes the role
 * himself, so that no thread is woken; appenders who come meanwhile gather in the next group. The
 * invariants:
 *
 * G1  There is at most one flusher (is_flushing), so that groups are written, published and
 * completed in order.
 *
 * G2  A position is published after every byte up to it was written, and synced if its commit or
 * one behind it in the same group asked for that.
 *
 * G3  After a write or sync has failed nothing is written any more, and everybody is told so: the
 * log is poisoned.
 *
 * G4  What is written belongs to the live part: a segment is left only when nothing is pending, and
 * a group belongs to none before there is something to write.
 *
 * G5  Completions are called with the role and without the lock.
 *
 * G6  At most two groups are not done, the one that is being flushed and the one that gathers, and
 * they wait before different gates: whoever opens one wakes nobody in vain. Who waits holds no
 * pointer to his group, only its number; so a group is used again when it is done, whoever still
 * sleeps.
 *
 * G7  A group for whose end somebody waits, and in which nothing else stands, does not count as
 * pending: those who wait for the end of all that is pending would wait for each other for ever.
 *
 * Waking is what costs most where threads wait, so all of a group are woken by one system call.
 */
#include "log/engine.h"

#include <string.h>

enum {
    TURNS_MAX = 8, /* groups that an appender writes for others before he hands the role on */
    LAZY_BYTES = 1 << 18, /* appends at STELE_DURABLE_NONE are written after so many bytes … */
    KEPT_BYTES = 1 << 19  /* a spare group keeps a buffer of at most so many */
};
#define LAZY_NS STELE_MILLISECONDS(10) /* … or this long */

/* ---- groups */

static stele__group *take_group(stele__log *log)
{
    stele__group *group = log->spare_groups;
    if (group) {
        log->spare_groups = group->next;
    } else {
        group = stele__allocate_zero(log->alloc, sizeof *group);
        if (!group) {
            return NULL;
        }
        group->bytes.alloc = log->alloc;
    }
    group->next = NULL;
    group->number = ++log->group_count;
    return group;
}

static void free_group(stele__log *log, stele__group *group)
{
    stele__buffer_done(&group->bytes);
    stele__release(log->alloc, group->notes, group->note_capacity * sizeof *group->notes);
    stele__release(log->alloc, group, sizeof *group);
}

/* Keeps an emptied group for later: its buffer is the memory that the next one writes into. */
static void give_group(stele__log *log, stele__group *group)
{
    stele__part_unref(group->part);
    group->part = NULL;
    group->bytes.size = 0;
    group->last = 0;
    group->needs_sync = false;
    group->is_hurried = false;
    group->waiting = 0;
    group->note_count = 0;
    if (group->bytes.capacity > KEPT_BYTES) {
        stele__buffer_done(&group->bytes);
        group->bytes.alloc = log->alloc;
    }
    group->next = log->spare_groups;
    log->spare_groups = group;
}

void stele__commit_free_groups(stele__log *log)
{
    while (log->spare_groups) {
        stele__group *group = log->spare_groups;
        log->spare_groups = group->next;
        free_group(log, group);
    }
}

stele__group *stele__commit_group(stele__log *log, stele__part *part, uint64_t offset)
{
    stele__group *group = log->queue_last;
    if (!group) {
        group = take_group(log);
        if (!group) {
            return NULL;
        }
        log->queue = log->queue_last = group;
    }
    if (part && group->bytes.size == 0) {
        if (group->part != part) {
            stele__part_unref(group->part);
            group->part = stele__part_ref(part);
        }
        group->offset = offset;
    }
    return group;
}

/* A group for whose end somebody waits, and nothing else. */
static bool is_empty(const stele__group *group)
{
    return group->bytes.size == 0 && !group->needs_sync && group->note_count == 0;
}

/* ---- flushing */

stele_status stele__commit_poisoned(stele__log *log, stele_error *reterr)
{
    if (!atomic_load_explicit(&log->is_poisoned, memory_order_relaxed)) {
        return STELE_OK;
    }
    if (reterr) {
        *reterr = log->poison;
    }
    return STELE_IO;
}

static void poison(stele__log *log, int error, const char *what, const stele__part *part)
{
    (void)stele__fail_os(&log->poison, STELE_IO_POISONED, error,
                         "%s %s failed; the store takes no more appends", what,
                         part->segment->path);
    log->poison.status = STELE_IO;
    log->poison.detail = STELE_IO_POISONED;
    stele__hint(&log->poison, "close the store and open it again");
    stele__log_say(log, STELE_LOG_ERROR, "%s", log->poison.message);
    atomic_store_explicit(&log->is_poisoned, true, memory_order_release);
}

/* Writes a group and syncs it if it needs that. Without the lock; only the flusher. */
static int write_group(stele__log *log, stele__group *group, const char **ret_what)
{
    stele__part *part = group->part;
    /* An empty group is not pending: its part may be sealed by now, and its file closed. */
    if (!part || is_empty(group)) {
        return 0;
    }
    stele_file *file = part->segment->file;
    if (group->bytes.size > 0) {
        *ret_what = "writing";
        part->is_dirty = true;
        const int error =
            log->vfs->write(file, group->offset, group->bytes.data, group->bytes.size);
        if (error && !STELE_CANARY_IS(30)) {
            return error;
        }
    }
    if (group->needs_sync && part->is_dirty) {
        *ret_what = "syncing";
        const int error = STELE_CANARY_IS(1) ? 0 : log->vfs->sync(file);
        if (error) {
            return error;
        }
        part->is_dirty = false;
        atomic_fetch_add_explicit(&log->flushes, 1, memory_order_relaxed);
    }
    return 0;
}

static void publish(stele__log *log, const stele__group *group)
{
    if (group->last == 0) {
        return;
    }
    /* Pairs with the acquire in stele__log_view: who sees the head sees tail, segment and bytes up
     * to it. */
    atomic_store_explicit(&log->head, group->last, memory_order_release);
    stele__shared_publish(&log->shared, group->last);
}

static stele__gate *gate_of(stele__log *log, uint64_t number)
{
    return &log->gates[number % 2];
}

static bool is_done(const stele__log *log, uint64_t number)
{
    return atomic_load_explicit(&log->done, memory_order_acquire) >= number;
}

/* Passes the result on to those who wait. No lock is held: the group left the queue, so nobody else
 * can come to it; and who is woken while the lock is held only runs into it. */
static void wake_waiters(stele__log *log, const stele__group *group, bool has_failed,
                         unsigned awake)
{
    if (has_failed && log->first_failed == 0) {
        log->first_failed = group->number;
    }
    atomic_store_explicit(&log->done, group->number, memory_order_release);
    if (group->waiting > awake) {
        stele__gate_open(gate_of(log, group->number));
    }
}

static void call_notes(stele__log *log, stele__group *group, const stele_error *failure)
{
    for (size_t i = 0; i < group->note_count; i++) {
        stele__completion_note *note = &group->notes[i];
        const stele_error good = {.status = STELE_OK};
        if (failure) {
            stele__core_complete(log, note->done, note->context, STELE_IO, NULL, failure);
        } else if (note->status == STELE_OK) {
            stele__core_complete(log, note->done, note->context, STELE_OK, &note->receipt, &good);
        } else {
            stele__core_complete(log, note->done, note->context, note->status, NULL, note->error);
        }
        stele__release(log->alloc, note->error, sizeof *note->error);
    }
}

/* Flushes the first group of the queue. Lock held, released meanwhile; only the flusher, who waits
 * for group `own` (0: for none). */
static void flush_one(stele__log *log, uint64_t own)
{
    stele__group *group = log->queue;
    log->queue = group->next;
    if (!log->queue) {
        log->queue_last = NULL;
    }
    const unsigned awake = group->number == own ? 1 : 0;
    log->is_busy = !is_empty(group);
    const bool was_poisoned = atomic_load_explicit(&log->is_poisoned, memory_order_relaxed);
    stele__unlock(&log->lock);
    const char *what = "";
    if (STELE_CANARY_IS(2)) {
        publish(log, group);
    }
    const int error = was_poisoned ? 0 : write_group(log, group, &what);
    if (!error && !was_poisoned) {
        if (group->needs_sync) {
            atomic_store_explicit(&log->durable, group->last ? group->last : log->head,
                                  memory_order_relaxed);
        }
        publish(log, group);
    }
    stele__lock(&log->lock);
    if (error && !(STELE_CANARY_IS(19) && strcmp(what, "syncing") == 0)) {
        poison(log, error, what, group->part);
    }
    log->bytes_in_flight -= group->bytes.size + group->note_count * sizeof *group->notes;
    stele__unlock(&log->lock);
    /* What poisoned the log stays as it is from then on. */
    const stele_error *failure =
        atomic_load_explicit(&log->is_poisoned, memory_order_acquire) ? &log->poison : NULL;
    wake_waiters(log, group, failure != NULL, awake);
    call_notes(log, group, failure);
    stele__lock(&log->lock);
    log->is_busy = false;
    give_group(log, group);
    if (log->room_waiters) {
        stele__condition_wake_all(&log->room);
    }
}

/* Gives the role to somebody who waits in the queue, or to the store's thread. Lock held. */
static void hand_on(stele__log *log)
{
    if (log->queue && log->queue->waiting > 0) {
        atomic_store_explicit(&log->heirs, log->queue->number, memory_order_release);
        stele__gate_open_for_one(gate_of(log, log->queue->number));
        return; /* is_flushing stays: the role will have an owner */
    }
    log->is_flushing = false;
    stele__commit_kick(log);
    if (stele__sequence_is_heavy(log)) {
        stele__maintain_kick(log);
    }
}

/* Flushes groups until the own one is done, and then some for others if several wait. Lock held,
 * role taken. `own` is 0 for who waits for none. */
static void run_flusher(stele__log *log, uint64_t own)
{
    for (unsigned turns = 0; log->queue; turns++) {
        if (own > 0 && is_done(log, own) && (log->queue->waiting < 2 || turns >= TURNS_MAX)) {
            break;
        }
        flush_one(log, own);
    }
    STELE_ASSERT(is_done(log, own));
    if (log->queue) {
        hand_on(log);
    } else {
        log->is_flushing = false;
        if (log->deferred || log->is_closing) {
            stele__commit_kick(log);
        }
    }
    if (log->room_waiters) {
        stele__condition_wake_all(&log->room);
    }
}

/* Waits until a group is done, or until the caller is to flush it: true. No lock held. */
static bool wait_for_group(stele__log *log, uint64_t number)
{
    stele__gate *gate = gate_of(log, number);
    for (;;) {
        const uint32_t seen = stele__gate_look(gate);
        uint64_t heirs = number;
        if (is_done(log, number)) {
            return false;
        }
        if (atomic_compare_exchange_strong(&log->heirs, &heirs, 0)) {
            return true;
        }
        stele__gate_wait(gate, seen);
    }
}

stele_status stele__commit_wait(stele__log *log, stele__group *group, stele_error *reterr)
{
    const uint64_t number = group->number;
    bool is_flusher = !log->is_flushing;
    group->waiting++;
    group->is_hurried = true;
    log->is_flushing = true;
    if (!is_flusher) {
        stele__unlock(&log->lock);
        is_flusher = wait_for_group(log, number);
        if (is_flusher) {
            stele__lock(&log->lock);
        }
    }
    if (is_flusher) {
        run_flusher(log, number);
        stele__unlock(&log->lock);
    }
    if (log->first_failed == 0 || number < log->first_failed) {
        return STELE_OK;
    }
    if (reterr) {
        *reterr = log->poison;
    }
    return STELE_IO;
}

stele_status stele__commit_wait_all(stele__log *log, bool needs_sync, stele_error *reterr)
{
    /* Those who wait for the end of what is pending make groups themselves. If these counted,
     * several who want to roll would wait for each other for ever. */
    const bool is_idle = !log->is_busy && (!log->queue || is_empty(log->queue));
    stele_status status = stele__commit_poisoned(log, reterr);
    if (status != STELE_OK || (is_idle && !(needs_sync && log->live && log->live->is_dirty))) {
        stele__unlock(&log->lock);
        return status;
    }
    stele__group *group = stele__commit_group(log, log->live, log->live ? log->live->end : 0);
    if (!group) {
        stele__unlock(&log->lock);
        return stele__fail_memory(reterr);
    }
    group->needs_sync |= needs_sync;
    return stele__commit_wait(log, group, reterr);
}

void stele__commit_flush(stele__log *log)
{
    if (log->queue && !log->is_flushing) {
        log->is_flushing = true;
        run_flusher(log, 0);
    }
}

void stele__commit_complete(stele__log *log, stele_completion done, void *context,
                            const stele_error *error)
{
    stele__lock(&log->lock);
    while (log->is_flushing) {
        log->room_waiters++;
        (void)stele__condition_wait(&log->room, &log->lock, STELE_FOREVER);
        log->room_waiters--;
    }
    log->is_flushing = log->is_busy = true;
    stele__unlock(&log->lock);
    stele__core_complete(log, done, context, error->status, NULL, error);
    stele__lock(&log->lock);
    log->is_busy = false;
    run_flusher(log, 0);
    stele__unlock(&log->lock);
}

/* ---- threads */

/* Whether nobody waits for what is queued, and it is little. */
static bool is_lazy(const stele__log *log)
{
    return log->queue && !log->queue->is_hurried && log->queue->bytes.size < LAZY_BYTES &&
           !log->deferred && !log->is_closing;
}

void stele__commit_kick(stele__log *log)
{
    if (log->has_flusher && !(log->is_flusher_napping && is_lazy(log))) {
        stele__condition_wake_one(&log->work);
    }
}

void stele__commit_later(stele__log *log)
{
    if (log->has_flusher) {
        stele__commit_kick(log);
    } else if (!is_lazy(log)) {
        stele__commit_flush(log);
    }
}

/* The thread that writes what nobody waits for: submissions, and appends at STELE_DURABLE_NONE. */
static void flusher_main(void *context)
{
    stele__log *log = context;
    stele__lock(&log->lock);
    while (!log->is_closing) {
        if (log->queue && !log->is_flushing) {
            if (is_lazy(log)) {
                const stele__group *lazy = log->queue;
                log->is_flusher_napping = true;
                (void)stele__condition_wait(&log->work, &log->lock, LAZY_NS);
                log->is_flusher_napping = false;
                if (log->queue != lazy || log->is_flushing) {
                    continue;
                }
            }
            stele__commit_flush(log);
        } else if (log->deferred && !log->is_flushing) {
            stele__unlock(&log->lock);
            stele__append_deferred(log);
            stele__lock(&log->lock);
        } else {
            (void)stele__condition_wait(&log->work, &log->lock, STELE_FOREVER);
        }
    }
    stele__unlock(&log->lock);
}

stele_status stele__commit_start_thread(stele__log *log, stele_error *reterr)
{
    if (log->has_flusher || log->is_closing || log->options.background == STELE_NO_THREADS) {
        return STELE_OK;
    }
    const int error = stele__thread_start(&log->flusher, "stele-flush", flusher_main, log);
    if (error) {
        return stele__fail_os(reterr, STELE_IO, error, "cannot start a thread");
    }
    log->has_flusher = true;
    return STELE_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Submissions: commits that are handed in without waiting.
 *
 * A submission is decided and sequenced at once by whoever hands it in; what is left for later is
 * writing it, and its completion, which stands with its group so that completions keep the order of
 * positions. Only when the decision would have to wait for something that is not published is the
 * submission copied and *deferred*; others then queue behind it.
 */
#include "log/plan.h"

#include <string.h>

/* Submissions that must wait for something to be published, copied. */
struct stele__deferred {
    stele__deferred *next;
    stele_completion done;
    void *context;
    size_t size; /* of this piece of memory */
    stele_request request;
    stele_append_options options;
};

/* Puts the result of a submission into the gathering group, so that completions keep their order.
 * Lock held. */
static stele_status add_note(stele__log *log, stele__group *group, stele_completion done,
                             void *context, stele_status status, const stele_receipt *receipt,
                             const stele_error *error, stele_error *reterr)
{
    stele_error *copy = NULL;
    if (status != STELE_OK) {
        copy = stele__allocate(log->alloc, sizeof *copy);
        if (!copy) {
            return stele__fail_memory(reterr);
        }
        *copy = *error;
    }
    if (!stele__reserve(log->alloc, (void **)&group->notes, &group->note_capacity,
                        group->note_count + 1, sizeof *group->notes)) {
        stele__release(log->alloc, copy, sizeof *copy);
        return stele__fail_memory(reterr);
    }
    group->notes[group->note_count++] =
        (stele__completion_note){done, context, status, *receipt, copy};
    log->bytes_in_flight += sizeof *group->notes;
    return STELE_OK;
}

/* Decides a submission, and notes its completion. `*ret_deferred`: nothing was done, it must wait.
 */
static stele_status submit(stele__log *log, const stele_request *request, bool can_wait,
                           stele_completion done, void *context, bool *ret_deferred,
                           stele_error *reterr)
{
    stele__plan plan;
    stele__fate decided = STELE_FATE_ANSWERED;
    stele__group *group = NULL;
    stele_receipt receipt = {.position = 0};
    stele_error error;
    *ret_deferred = false;
    stele_status status = stele__plan_make(&plan, log, request, can_wait, reterr);
    if (status != STELE_OK) {
        stele__plan_done(&plan);
        return status;
    }
    status = stele__append_drive(&plan, true, &decided, &receipt, &group, &error);
    *ret_deferred = status == STELE_OK && decided == STELE_FATE_DEFERRED;
    if (decided == STELE_FATE_ANSWERED) {
        stele__lock(&log->lock);
        group = stele__commit_start_thread(log, reterr) == STELE_OK
                    ? stele__commit_group(log, NULL, 0)
                    : NULL;
    }
    stele_status noted = STELE_OK;
    if (!*ret_deferred) {
        noted = group ? add_note(log, group, done, context, status, &receipt, &error, reterr)
                      : stele__fail_memory(reterr);
        STELE_ASSERT(noted == STELE_OK ||
                     decided != STELE_FATE_ACCEPTED); /* room was made before it was sequenced */
        if (group && plan.options->durability != STELE_DURABLE_NONE) {
            group->is_hurried = true;
        }
        stele__commit_kick(log);
        stele__unlock(&log->lock);
    }
    stele__plan_done(&plan);
    return noted;
}

/* Memory that a copy is cut from. */
typedef struct copier {
    uint8_t *at;
} copier;

static const char *copy_name(copier *to, const char *name)
{
    const size_t size = strlen(name) + 1;
    char *copy = (char *)to->at;
    memcpy(copy, name, size);
    to->at += size;
    return copy;
}

static stele_bytes copy_bytes(copier *to, stele_bytes bytes)
{
    const stele_bytes copy = {to->at, bytes.size};
    if (bytes.size) {
        memcpy(to->at, bytes.data, bytes.size);
        to->at += bytes.size;
    }
    return copy;
}

static void *copy_room(copier *to, size_t count, size_t size)
{
    to->at = (uint8_t *)(((uintptr_t)to->at + 15) & ~(uintptr_t)15);
    void *room = to->at;
    to->at += count * size;
    return room;
}

static stele_names copy_names(copier *to, stele_names names)
{
    const char **copies = copy_room(to, names.count, sizeof *copies);
    for (size_t i = 0; i < names.count; i++) {
        copies[i] = copy_name(to, names.names[i]);
    }
    return (stele_names){copies, names.count};
}

static const stele_query *copy_query(copier *to, const stele_query *query)
{
    stele_query *copy = copy_room(to, 1, sizeof *copy);
    stele_query_item *items = copy_room(to, query->item_count, sizeof *items);
    for (size_t i = 0; i < query->item_count; i++) {
        items[i].types = copy_names(to, query->items[i].types);
        items[i].tags = copy_names(to, query->items[i].tags);
    }
    *copy = (stele_query){items, query->item_count, query->everything};
    return copy;
}

enum { COPY_SLACK = 16 };

static size_t names_size(stele_names names)
{
    size_t size = COPY_SLACK + names.count * sizeof(char *);
    for (size_t i = 0; i < names.count; i++) {
        size += strlen(names.names[i]) + 1;
    }
    return size;
}

static size_t copy_size(const stele_request *request)
{
    const stele_commit *commit = &request->commit;
    size_t size = sizeof(stele__deferred) + 4 * COPY_SLACK +
                  commit->event_count * sizeof(stele_event) +
                  commit->check_count * sizeof(stele_check) +
                  commit->options->condition_count * sizeof(stele_condition);
    for (size_t i = 0; i < commit->event_count; i++) {
        const stele_event *event = &commit->events[i];
        size += strlen(event->type) + strlen(event->stream) + 2 + event->data.size +
                event->metadata.size + names_size((stele_names){event->tags, event->tag_count});
    }
    for (size_t i = 0; i < commit->check_count; i++) {
        size += strlen(commit->checks[i].stream) + 1;
    }
    for (size_t i = 0; i < commit->options->condition_count; i++) {
        const stele_query *query = commit->options->conditions[i].no_event_matching;
        size += 2 * COPY_SLACK + sizeof *query + query->item_count * sizeof(stele_query_item);
        for (size_t k = 0; k < query->item_count; k++) {
            size += names_size(query->items[k].types) + names_size(query->items[k].tags);
        }
    }
    return size + (commit->options->key ? strlen(commit->options->key) + 1 : 0);
}

static void copy_commit(copier *to, const stele_commit *from, stele_commit *copy,
                        stele_append_options *options)
{
    stele_event *events = copy_room(to, from->event_count, sizeof *events);
    stele_check *checks = copy_room(to, from->check_count, sizeof *checks);
    stele_condition *conditions = copy_room(to, from->options->condition_count, sizeof *conditions);
    *options = *from->options;
    options->violations = NULL;
    options->violations_capacity = 0;
    options->conditions = conditions;
    *copy = (stele_commit){events, from->event_count, checks, from->check_count, options};
    for (size_t i = 0; i < from->event_count; i++) {
        events[i] = from->events[i];
        events[i].tags =
            copy_names(to, (stele_names){from->events[i].tags, from->events[i].tag_count}).names;
        events[i].type = copy_name(to, from->events[i].type);
        events[i].stream = copy_name(to, from->events[i].stream);
        events[i].data = copy_bytes(to, from->events[i].data);
        events[i].metadata = copy_bytes(to, from->events[i].metadata);
    }
    for (size_t i = 0; i < from->check_count; i++) {
        checks[i] = (stele_check){copy_name(to, from->checks[i].stream), from->checks[i].expected};
    }
    for (size_t i = 0; i < from->options->condition_count; i++) {
        conditions[i] =
            (stele_condition){copy_query(to, from->options->conditions[i].no_event_matching),
                              from->options->conditions[i].after};
    }
    if (from->options->key) {
        options->key = copy_name(to, from->options->key);
    }
}

static stele_status defer(stele__log *log, const stele_request *request, stele_completion done,
                          void *context, stele_error *reterr)
{
    const size_t size = copy_size(request);
    stele__deferred *copy = stele__allocate(log->alloc, size);
    if (!copy) {
        return stele__fail_memory(reterr);
    }
    *copy = (stele__deferred){.done = done, .context = context, .size = size};
    copy->request.intent = request->intent;
    copier to = {(uint8_t *)(copy + 1)};
    copy_commit(&to, &request->commit, &copy->request.commit, &copy->options);
    STELE_ASSERT((size_t)(to.at - (uint8_t *)copy) <= size);
    stele__lock(&log->lock);
    stele_status status = stele__commit_start_thread(log, reterr);
    if (status == STELE_OK) {
        if (log->deferred_last) {
            log->deferred_last->next = copy;
        } else {
            log->deferred = copy;
        }
        log->deferred_last = copy;
        log->deferred_bytes += size;
        log->deferred_count++;
        stele__commit_kick(log);
    }
    stele__unlock(&log->lock);
    if (status != STELE_OK) {
        stele__release(log->alloc, copy, size);
    }
    return status;
}

/* Decides deferred submissions in order. One at a time may run this; it may wait. */
void stele__append_deferred(stele__log *log)
{
    stele__lock(&log->lock);
    stele__deferred *first = log->deferred;
    while (first) {
        stele__unlock(&log->lock);
        bool deferred;
        stele_error error;
        const stele_status status =
            submit(log, &first->request, true, first->done, first->context, &deferred, &error);
        if (status != STELE_OK) {
            stele__commit_complete(log, first->done, first->context, &error);
        }
        stele__lock(&log->lock);
        /* It stays the first until it is decided, so that later submissions queue behind it. */
        log->deferred = first->next;
        if (!log->deferred) {
            log->deferred_last = NULL;
        }
        log->deferred_bytes -= first->size;
        log->deferred_decided++;
        if (log->room_waiters) {
            stele__condition_wake_all(&log->room);
        }
        stele__release(log->alloc, first, first->size);
        first = log->deferred;
    }
    stele__unlock(&log->lock);
}

void stele__append_wait_deferred(stele__log *log)
{
    if (log->options.background == STELE_NO_THREADS) {
        stele__append_deferred(log);
        return;
    }
    stele__lock(&log->lock);
    const uint64_t count = log->deferred_count;
    while (log->deferred_decided < count) {
        log->room_waiters++;
        (void)stele__condition_wait(&log->room, &log->lock, STELE_FOREVER);
        log->room_waiters--;
    }
    stele__unlock(&log->lock);
}

stele_status stele__log_submit(stele__log *log, const stele_request *request, stele_completion done,
                               void *context, stele_error *reterr)
{
    stele__lock(&log->lock);
    stele_status status = stele__commit_poisoned(log, reterr);
    const size_t in_flight = log->bytes_in_flight + log->deferred_bytes;
    const bool must_defer = log->deferred != NULL;
    stele__unlock(&log->lock);
    STELE_TRY(status);
    if (in_flight > 0 && in_flight + copy_size(request) > log->bytes_in_flight_max) {
        (void)stele__fail(reterr, STELE_BUSY_IN_FLIGHT, "%zu bytes of appends are in flight",
                          in_flight);
        stele__hint(reterr, "hand in again after a completion, or open the store with more memory");
        return STELE_BUSY;
    }
    bool deferred = must_defer;
    if (!must_defer) {
        status = submit(log, request, false, done, context, &deferred, reterr);
    }
    return deferred ? defer(log, request, done, context, reterr) : status;
}

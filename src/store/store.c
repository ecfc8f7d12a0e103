/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Appending, and the calls that go straight through to the backend. The append path of usual
 * commits takes no memory here: what must be added to the caller's structs stands on the stack.
 */
#include "store/store.h"

#include <inttypes.h>

/* stele_append() has to write the stream into every event, the caller's being const. Up to so many
 * copies stand on the stack; the copies of more come from one allocation, which is little against
 * the work for them. */
#define EVENTS_ON_STACK_MAX 32

stele_status stele__store_stranger(const stele_store *store, stele_error *reterr)
{
    if (!store) {
        return stele__fail(reterr, STELE_INVALID, "the store is NULL");
    }
    stele__fail(reterr, STELE_INVALID_FORK, "the store was opened by the parent of this process");
    stele__hint(reterr, "open it again here, for reading");
    return STELE_INVALID;
}

stele_status stele__store_enter_writer(const stele_store *store, stele_error *reterr)
{
    STELE_TRY(stele__store_enter(store, reterr));
    if (store->access == STELE_READ_ONLY || store->access == STELE_SALVAGE) {
        stele__fail(reterr, STELE_INVALID_READ_ONLY, "the store was opened for reading only");
        stele__hint(reterr, "open it with STELE_READ_WRITE or STELE_MUST_EXIST to append");
        return STELE_INVALID;
    }
    return STELE_OK;
}

static stele_append_options complete_options(const stele_store *store,
                                             const stele_append_options *options)
{
    stele_append_options complete = options ? *options : (stele_append_options){.version = 0};
    if (complete.durability == STELE_DURABLE_DEFAULT) {
        complete.durability = store->durability;
    }
    return complete;
}

stele_status stele__store_append(stele_store *store, stele_intent intent,
                                 const stele_commit *commit, stele_receipt *ret_receipt,
                                 stele_revision *ret_revisions, stele_error *reterr)
{
    stele_receipt receipt;
    STELE_TRY(stele__check_commit(store, commit, reterr));
    const stele_append_options options = complete_options(store, commit->options);
    stele_request request = {.intent = intent, .commit = *commit, .revisions = ret_revisions};
    request.commit.options = &options;
    STELE_TRY(store->backend->table->append(store->backend, &request, &receipt, reterr));
    if (ret_receipt) {
        *ret_receipt = receipt;
    }
    return stele__succeed(reterr);
}

static stele_status append_copies(stele_store *store, const stele_check *check, stele_event *copies,
                                  const stele_event *events, size_t event_count,
                                  const stele_append_options *options, stele_receipt *ret_receipt,
                                  stele_error *reterr)
{
    const stele_commit commit = {.events = copies,
                                 .event_count = event_count,
                                 .checks = check,
                                 .check_count = 1,
                                 .options = options};
    for (size_t i = 0; i < event_count; i++) {
        copies[i] = events[i];
        copies[i].stream = check->stream;
    }
    return stele__store_append(store, STELE_INTENT_APPEND, &commit, ret_receipt, NULL, reterr);
}

static stele_status check_append(const stele_store *store, const stele_check *check,
                                 const stele_event *events, size_t event_count, stele_error *reterr)
{
    STELE_TRY(stele__store_enter_writer(store, reterr));
    STELE_TRY(stele__check_stream(check->stream, (stele__place){"stream", SIZE_MAX, NULL, 0}, NULL,
                                  reterr));
    STELE_TRY(stele__check_expected(check->expected, true,
                                    (stele__place){"expectation", SIZE_MAX, NULL, 0}, reterr));
    if (event_count == 0) {
        return stele__fail(reterr, STELE_INVALID, "a commit needs at least one event");
    }
    if (event_count > STELE_COMMIT_EVENTS_MAX) {
        return stele__fail(reterr, STELE_INVALID_LIMIT,
                           "the commit has %zu events; at most %d are allowed", event_count,
                           STELE_COMMIT_EVENTS_MAX);
    }
    return events ? STELE_OK
                  : stele__fail(reterr, STELE_INVALID,
                                "the commit has %zu events, but the list is NULL", event_count);
}

stele_status stele_append(stele_store *store, const char *stream, stele_expected expected,
                          const stele_event *events, size_t event_count,
                          const stele_append_options *options, stele_receipt *ret_receipt,
                          stele_error *reterr)
{
    stele_error local;
    stele_error *error = reterr ? reterr : &local;
    stele_event on_stack[EVENTS_ON_STACK_MAX];
    const stele_check check = {stream, expected};
    STELE_TRY(check_append(store, &check, events, event_count, error));
    if (event_count <= EVENTS_ON_STACK_MAX) {
        return append_copies(store, &check, on_stack, events, event_count, options, ret_receipt,
                             error);
    }
    stele_event *copies = stele__allocate_array(store->alloc, event_count, sizeof *copies);
    if (!copies) {
        return stele__fail_memory(error);
    }
    const stele_status status =
        append_copies(store, &check, copies, events, event_count, options, ret_receipt, error);
    stele__release(store->alloc, copies, event_count * sizeof *copies);
    return status;
}

stele_status stele_append_commit(stele_store *store, const stele_commit *commit,
                                 stele_receipt *ret_receipt, stele_revision *ret_revisions,
                                 stele_error *reterr)
{
    stele_error local;
    stele_error *error = reterr ? reterr : &local;
    STELE_TRY(stele__store_enter_writer(store, error));
    if (!commit) {
        return stele__fail(error, STELE_INVALID, "the commit is NULL");
    }
    return stele__store_append(store, STELE_INTENT_APPEND, commit, ret_receipt, ret_revisions,
                               error);
}

static stele_status check_submission(const stele_store *store, const stele_commit *commit,
                                     stele_completion done, stele_error *reterr)
{
    STELE_TRY(stele__store_enter_writer(store, reterr));
    if (!commit) {
        return stele__fail(reterr, STELE_INVALID, "the commit is NULL");
    }
    if (!done) {
        return stele__fail(reterr, STELE_INVALID, "the completion is NULL");
    }
    if (commit->options &&
        (commit->options->violations || commit->options->violations_capacity > 0)) {
        return stele__fail(reterr, STELE_INVALID,
                           "a submission cannot fill 'violations'; set it to NULL");
    }
    return stele__check_commit(store, commit, reterr);
}

stele_status stele_submit(stele_store *store, const stele_commit *commit, stele_completion done,
                          void *context, stele_error *reterr)
{
    stele_error local;
    stele_error *error = reterr ? reterr : &local;
    STELE_TRY(check_submission(store, commit, done, error));
    const stele_append_options options = complete_options(store, commit->options);
    stele_request request = {.intent = STELE_INTENT_APPEND, .commit = *commit};
    request.commit.options = &options;
    STELE_TRY(store->backend->table->submit(store->backend, &request, done, context, error));
    return stele__succeed(error);
}

stele_status stele_sync(stele_store *store, stele_error *reterr)
{
    stele_error local;
    stele_error *error = reterr ? reterr : &local;
    STELE_TRY(stele__store_enter(store, error));
    STELE_TRY(store->backend->table->sync(store->backend, error));
    return stele__succeed(error);
}

stele_status stele_step(stele_store *store, int *ret_more, stele_error *reterr)
{
    stele_error local;
    stele_error *error = reterr ? reterr : &local;
    int more = 0;
    STELE_TRY(stele__store_enter(store, error));
    STELE_TRY(store->backend->table->step(store->backend, &more, error));
    if (ret_more) {
        *ret_more = more;
    }
    return stele__succeed(error);
}

stele_status stele_head(stele_store *store, stele_position *ret_head, stele_error *reterr)
{
    stele_error local;
    stele_error *error = reterr ? reterr : &local;
    stele_position head = 0;
    STELE_TRY(stele__store_enter(store, error));
    STELE_TRY(store->backend->table->head(store->backend, &head, error));
    if (ret_head) {
        *ret_head = head;
    }
    return stele__succeed(error);
}

stele_status stele_wait(stele_store *store, stele_position after, stele_duration timeout,
                        stele_position *ret_head, stele_error *reterr)
{
    stele_error local;
    stele_error *error = reterr ? reterr : &local;
    stele_position head = 0;
    STELE_TRY(stele__store_enter(store, error));
    STELE_TRY(store->backend->table->wait(store->backend, after, timeout, &head, error));
    if (ret_head) {
        *ret_head = head;
    }
    return stele__succeed(error);
}

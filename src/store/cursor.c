/* SPDX-License-Identifier: Apache-2.0 */
/* Cursors and lists of names in front of the backend's: checks, waiting, and failures that stay. */
#include "store/store.h"

#include <stele/cursor.h>

struct stele_cursor {
    stele_store *store;
    stele_backend_cursor *backend;
    bool is_backward;
    bool has_as_of;
    stele_error failure; /* its status is STELE_OK while there is none */
};

struct stele_name_list {
    stele_store *store;
    stele_backend_names *backend;
    stele_error failure;
};

/* ---- Reading. */

static stele_status open_cursor(stele_store *store, const stele_read *read, int must_exist,
                                stele_cursor **ret_cursor, stele_error *reterr)
{
    static const stele_read everything = {.version = 0};
    STELE_TRY(stele__store_enter(store, reterr));
    if (!ret_cursor) {
        return stele__fail(reterr, STELE_INVALID, "ret_cursor is NULL");
    }
    read = read ? read : &everything;
    STELE_TRY(stele__check_read(read, reterr));
    stele_cursor *cursor = stele__allocate_zero(store->alloc, sizeof *cursor);
    if (!cursor) {
        return stele__fail_memory(reterr);
    }
    cursor->store = store;
    cursor->is_backward = read->direction == STELE_BACKWARDS;
    cursor->has_as_of =
        read->as_of.kind != STELE_POINT_DEFAULT && read->as_of.kind != STELE_POINT_END;
    const stele_status status = store->backend->table->read_open(store->backend, read, must_exist,
                                                                 &cursor->backend, reterr);
    if (status != STELE_OK) {
        stele__release(store->alloc, cursor, sizeof *cursor);
        return status;
    }
    *ret_cursor = cursor;
    return stele__succeed(reterr);
}

stele_status stele_read_open(stele_store *store, const stele_read *read, stele_cursor **ret_cursor,
                             stele_error *reterr)
{
    stele_error local;
    return open_cursor(store, read, 1, ret_cursor, reterr ? reterr : &local);
}

stele_status stele_follow_open(stele_store *store, const stele_read *read,
                               stele_cursor **ret_cursor, stele_error *reterr)
{
    stele_error local;
    return open_cursor(store, read, 0, ret_cursor, reterr ? reterr : &local);
}

/* Why a cursor cannot go on. */
static __attribute__((noinline)) const stele_record *refuse_next(const stele_cursor *cursor,
                                                                 stele_error *reterr)
{
    if (!cursor) {
        (void)stele__fail(reterr, STELE_INVALID, "the cursor is NULL");
    } else if (stele__store_enter(cursor->store, reterr) == STELE_OK) {
        *reterr = cursor->failure;
    }
    return NULL;
}

static __attribute__((noinline)) const stele_record *ask_backend(stele_cursor *cursor,
                                                                 stele_error *reterr)
{
    stele_error local;
    stele_error *error = reterr ? reterr : &local;
    if (!cursor || cursor->store->fork_generation != stele__fork_generation() ||
        cursor->failure.status != STELE_OK) {
        return refuse_next(cursor, error);
    }
    const stele_record *record = cursor->store->backend->table->read_next(cursor->backend, error);
    if (!record && error->status != STELE_OK) {
        cursor->failure = *error;
    }
    return record;
}

const stele_record *stele_cursor_next(stele_cursor *cursor, stele_error *reterr)
{
    if (!cursor || cursor->backend->next == cursor->backend->end ||
        cursor->store->fork_generation != stele__fork_generation()) {
        return ask_backend(cursor, reterr);
    }
    (void)stele__succeed(reterr);
    return cursor->backend->next++;
}

stele_position stele_cursor_head(const stele_cursor *cursor)
{
    if (!cursor || cursor->store->fork_generation != stele__fork_generation()) {
        return 0;
    }
    return cursor->store->backend->table->read_head(cursor->backend);
}

static stele_status check_wait(const stele_cursor *cursor, stele_error *reterr)
{
    if (!cursor) {
        return stele__fail(reterr, STELE_INVALID, "the cursor is NULL");
    }
    STELE_TRY(stele__store_enter(cursor->store, reterr));
    if (cursor->is_backward) {
        return stele__fail(reterr, STELE_INVALID,
                           "a cursor that reads backwards has nothing to wait for");
    }
    if (cursor->has_as_of) {
        return stele__fail(reterr, STELE_INVALID, "a cursor with 'as_of' has nothing to wait for");
    }
    return STELE_OK;
}

stele_status stele_cursor_wait(stele_cursor *cursor, stele_duration timeout, stele_error *reterr)
{
    stele_error local;
    stele_error *error = reterr ? reterr : &local;
    stele_position head = 0;
    STELE_TRY(check_wait(cursor, error));
    if (cursor->failure.status != STELE_OK) {
        *error = cursor->failure;
        return error->status;
    }
    stele_backend *backend = cursor->store->backend;
    STELE_TRY(backend->table->wait(backend, backend->table->read_head(cursor->backend), timeout,
                                   &head, error));
    const stele_status status = backend->table->read_refresh(cursor->backend, error);
    if (status == STELE_OK) {
        return stele__succeed(error);
    }
    /* A stream that has ended stays so; what it showed before the end has been read. */
    if (status != STELE_NO_MEMORY) {
        cursor->failure = *error;
        cursor->backend->next = cursor->backend->end;
    }
    return status;
}

void stele_cursor_free(stele_cursor *cursor)
{
    if (!cursor) {
        return;
    }
    if (cursor->store->fork_generation == stele__fork_generation()) {
        cursor->store->backend->table->read_free(cursor->backend);
    }
    stele__release(cursor->store->alloc, cursor, sizeof *cursor);
}

/* ---- Names. */

static stele_status open_names(stele_store *store, const stele_list *list,
                               stele_name_list **ret_names, stele_error *reterr)
{
    static const stele_list all_streams = {.version = 0};
    STELE_TRY(stele__store_enter(store, reterr));
    if (!ret_names) {
        return stele__fail(reterr, STELE_INVALID, "ret_names is NULL");
    }
    list = list ? list : &all_streams;
    STELE_TRY(stele__check_list(list, reterr));
    stele_name_list *names = stele__allocate_zero(store->alloc, sizeof *names);
    if (!names) {
        return stele__fail_memory(reterr);
    }
    names->store = store;
    const stele_status status =
        store->backend->table->names_open(store->backend, list, &names->backend, reterr);
    if (status != STELE_OK) {
        stele__release(store->alloc, names, sizeof *names);
        return status;
    }
    *ret_names = names;
    return stele__succeed(reterr);
}

stele_status stele_names_open(stele_store *store, const stele_list *list,
                              stele_name_list **ret_names, stele_error *reterr)
{
    stele_error local;
    return open_names(store, list, ret_names, reterr ? reterr : &local);
}

const stele_name_entry *stele_names_next(stele_name_list *names, stele_error *reterr)
{
    stele_error local;
    stele_error *error = reterr ? reterr : &local;
    if (!names) {
        (void)stele__fail(error, STELE_INVALID, "the list of names is NULL");
        return NULL;
    }
    if (stele__store_enter(names->store, error) != STELE_OK) {
        return NULL;
    }
    if (names->failure.status != STELE_OK) {
        *error = names->failure;
        return NULL;
    }
    const stele_name_entry *entry = names->store->backend->table->names_next(names->backend, error);
    if (!entry && error->status != STELE_OK) {
        names->failure = *error;
    }
    return entry;
}

void stele_names_free(stele_name_list *names)
{
    if (!names) {
        return;
    }
    if (names->store->fork_generation == stele__fork_generation()) {
        names->store->backend->table->names_free(names->backend);
    }
    stele__release(names->store->alloc, names, sizeof *names);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Histories: entries of an entity, or of all of a type, one after the other. */
#include "domain/domain.h"
#include "entity/parts.h"

#include <stele/upcast.h>

struct stele_history {
    const stele_repository *repository;
    stele_upcast_cursor *cursor; /* NULL: nothing to show */
    void *memory;                /* two structs */
    bool is_failed;
    stele_error failure;
    stele_entry entry;
};

static stele_status open_history(stele_repository *repository, const stele_read *read,
                                 stele_history **ret_history, stele_error *reterr)
{
    stele_history *history = stele__allocate_zero(repository->alloc, sizeof *history);
    if (!history) {
        return stele__fail_memory(reterr);
    }
    history->repository = repository;
    history->memory = stele__entity_memory(repository, 2);
    const stele_status status =
        history->memory ? stele_upcast_open(stele_domain_store(repository->domain), read,
                                            stele__domain_upcasters(repository->domain), NULL, 0,
                                            &history->cursor, reterr)
                        : stele__fail_memory(reterr);
    if (status != STELE_OK) {
        stele_history_free(history);
        return status;
    }
    *ret_history = history;
    return STELE_OK;
}

stele_status stele_history_open(stele_repository *repository, const char *id, uint64_t from,
                                uint64_t to, stele_history **ret_history, stele_error *reterr)
{
    char stream[STELE_STREAM_NAME_SIZE_MAX + 1];
    if (!repository || !ret_history) {
        return stele__fail(reterr, STELE_INVALID, "a history needs a repository and a place");
    }
    STELE_TRY(stele__entity_stream(repository, id, stream, reterr));
    stele_read read = {.stream = stream};
    if (from > 1) {
        read.from = (stele_point){STELE_POINT_REVISION, from - 1};
    }
    if (to > 0) {
        read.as_of = (stele_point){STELE_POINT_REVISION, to - 1};
    }
    const stele_status status = open_history(repository, &read, ret_history, reterr);
    return status == STELE_NOT_FOUND ? stele__entity_missing(repository, id, false, reterr)
                                     : status;
}

stele_status stele_history_open_all(stele_repository *repository, stele_position from,
                                    stele_history **ret_history, stele_error *reterr)
{
    if (!repository || !ret_history) {
        return stele__fail(reterr, STELE_INVALID, "a history needs a repository and a place");
    }
    const stele_read read = {.category = repository->schema->name,
                             .from = {STELE_POINT_POSITION, from}};
    return open_history(repository, &read, ret_history, reterr);
}

const stele_entry *stele_history_next(stele_history *history, stele_position *ret_position,
                                      stele_error *reterr)
{
    stele_error own;
    stele_error *error = reterr ? reterr : &own;
    const stele_record *event;
    bool is_entry = false;
    if (history->is_failed) {
        *error = history->failure;
        return NULL;
    }
    while ((event = stele_upcast_next(history->cursor, error)) != NULL) {
        if (stele__entity_take(history->repository, event, history->memory, &history->entry,
                               &is_entry, error) != STELE_OK) {
            break;
        }
        if (is_entry) {
            if (ret_position) {
                *ret_position = event->position;
            }
            (void)stele__succeed(error);
            return &history->entry;
        }
    }
    if (error->status != STELE_OK) {
        history->is_failed = true;
        history->failure = *error;
    }
    return NULL;
}

void stele_history_free(stele_history *history)
{
    if (history) {
        stele_upcast_cursor_free(history->cursor);
        if (history->memory) {
            stele__entity_release(history->repository, history->memory, 2);
        }
        stele__release(history->repository->alloc, history, sizeof *history);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What an entity is, and what it was. */
#include "domain/domain.h"
#include "entity/parts.h"

#include <stele/upcast.h>

enum { AS_OF_SEQUENCE = 1, AS_OF_TIME = 2, AS_OF_TIME_FILTERED = 3, AS_OF_POSITION = 4 };

static size_t state_size(const stele_repository *repository)
{
    return repository->fold.state_size;
}

/* Hands a state out. */
static stele_status give(const stele_repository *repository, const char *id,
                         const stele__entity_state *state, void *ret_entity,
                         stele_entity_info *ret_info, stele_error *reterr)
{
    if (ret_info) {
        *ret_info = state->info;
    }
    if (!state->exists) {
        return stele__entity_missing(repository, id, state->info.is_deleted != 0, reterr);
    }
    if (ret_entity) {
        memcpy(ret_entity, state->entity, repository->schema->size);
    }
    return STELE_OK;
}

/* By the fold, which the domain has kept states of. */
static stele_status load(stele_repository *repository, const char *stream, const stele_point *point,
                         stele__entity_state *state, stele_error *reterr)
{
    stele_loaded loaded;
    STELE_TRY(
        stele_load(repository->domain, &repository->fold, stream, point, state, &loaded, reterr));
    state->info.position = loaded.position;
    return STELE_OK;
}

/* By times, which do not always ascend: all entries are looked at. */
static stele_status replay(stele_repository *repository, const char *stream, stele_as_of point,
                           void *memory, stele__entity_state *state, stele_error *reterr)
{
    const stele_read read = {.stream = stream};
    const stele_time time = (stele_time)point.value;
    stele_upcast_cursor *cursor;
    const stele_record *event;
    stele_error own;
    stele_error *error = reterr ? reterr : &own;
    memset(state, 0, state_size(repository));
    stele_status status =
        stele_upcast_open(stele_domain_store(repository->domain), &read,
                          stele__domain_upcasters(repository->domain), NULL, 0, &cursor, error);
    if (status == STELE_NOT_FOUND) {
        return STELE_OK;
    }
    STELE_TRY(status);
    while (status == STELE_OK && (event = stele_upcast_next(cursor, error)) != NULL) {
        stele_entry entry;
        bool is_entry;
        status = stele__entity_take(repository, event, memory, &entry, &is_entry, error);
        if (status != STELE_OK || !is_entry) {
            continue;
        }
        if (entry.timestamp <= time) {
            stele__entity_apply(repository, &entry, event->position, state);
        } else if (point.kind == AS_OF_TIME) {
            break;
        }
    }
    stele_upcast_cursor_free(cursor);
    return status == STELE_OK ? error->status : status;
}

static stele_status state_as_of(stele_repository *repository, const char *stream, stele_as_of point,
                                stele__entity_state *state, stele_error *reterr)
{
    stele_point to = {STELE_POINT_DEFAULT, 0};
    void *memory;
    stele_status status;
    switch (point.kind) {
    case 0: /* now */
        break;
    case AS_OF_SEQUENCE:
        if (point.value == 0) {
            memset(state, 0, state_size(repository));
            return STELE_OK;
        }
        to = (stele_point){STELE_POINT_REVISION, point.value - 1};
        break;
    case AS_OF_POSITION:
        to = (stele_point){STELE_POINT_POSITION, point.value};
        break;
    case AS_OF_TIME:
    case AS_OF_TIME_FILTERED:
        memory = stele__entity_memory(repository, 2);
        if (!memory) {
            return stele__fail_memory(reterr);
        }
        status = replay(repository, stream, point, memory, state, reterr);
        stele__entity_release(repository, memory, 2);
        return status;
    default:
        return stele__fail(reterr, STELE_INVALID, "a point in a history is of no kind %d",
                           point.kind);
    }
    return load(repository, stream, &to, state, reterr);
}

stele_status stele_repository_as_of(stele_repository *repository, const char *id, stele_as_of point,
                                    void *ret_entity, stele_entity_info *ret_info,
                                    stele_error *reterr)
{
    enum { FEW = 4096 };
    union {
        max_align_t align;
        uint8_t bytes[FEW];
    } few;
    char stream[STELE_STREAM_NAME_SIZE_MAX + 1];
    if (ret_info) {
        *ret_info = (stele_entity_info){0};
    }
    if (!repository) {
        return stele__fail(reterr, STELE_INVALID, "there is no repository");
    }
    STELE_TRY(stele__entity_stream(repository, id, stream, reterr));
    const size_t size = state_size(repository);
    stele__entity_state *state =
        size <= FEW ? (stele__entity_state *)&few : stele__allocate(repository->alloc, size);
    if (!state) {
        return stele__fail_memory(reterr);
    }
    stele_status status = state_as_of(repository, stream, point, state, reterr);
    if (status == STELE_OK) {
        status = give(repository, id, state, ret_entity, ret_info, reterr);
    }
    if (size > FEW) {
        stele__release(repository->alloc, state, size);
    }
    return status;
}

stele_status stele_repository_get(stele_repository *repository, const char *id, void *ret_entity,
                                  stele_entity_info *ret_info, stele_error *reterr)
{
    return stele_repository_as_of(repository, id, (stele_as_of){0, 0}, ret_entity, ret_info,
                                  reterr);
}

stele_status stele_repository_exists(stele_repository *repository, const char *id, int *ret_exists,
                                     stele_error *reterr)
{
    stele_error error;
    const stele_status status = stele_repository_get(repository, id, NULL, NULL, &error);
    *ret_exists = status == STELE_OK;
    if (status != STELE_OK && status != STELE_NOT_FOUND) {
        if (reterr) {
            *reterr = error;
        }
        return status;
    }
    return stele__succeed(reterr);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading the state of a stream: what is kept of it, and the events behind that.
 *
 * W1  A state is the fold of the events that a read shows, in order, each once.
 * W2  A kept state is used only if the stream still shows its events from the same one on: what was
 * truncated or deleted since is not in a state (first_revision).
 * W3  What is kept never makes a load fail: it is dropped, counted, and the events are read.
 */
#include "domain/parts.h"

/* A load under way. */
typedef struct loading {
    stele_domain *domain;
    const stele_fold *fold;
    const char *stream;
    const stele_point *as_of;
    void *state;
    stele__kept kept;
    stele_loaded loaded;
} loading;

static stele_status take_events(loading *load, stele_upcast_cursor *cursor, stele_error *reterr)
{
    const stele__stored *stored = stele__upcast_stored(cursor);
    const stele_record *event;
    while ((event = stele_upcast_next(cursor, reterr)) != NULL) {
        STELE_TRY(stele_fold_apply(load->fold, load->state, event, reterr));
        if (load->kept.version == 0) {
            load->kept.first_time = event->time;
            load->kept.version = 1;
        }
    }
    STELE_TRY(reterr->status);
    load->loaded.events_read = stored->count;
    if (stored->count > 0) {
        load->kept.version = stored->revision + 1;
        load->kept.revision = stored->revision;
        load->kept.position = stored->position;
        load->kept.last_time = stored->time;
    }
    return STELE_OK;
}

/* Reads what stands behind what is kept. */
static stele_status read_tail(loading *load, stele_error *reterr)
{
    stele_read read = {.stream = load->stream};
    if (load->kept.version > 0) {
        read.from = (stele_point){STELE_POINT_REVISION, load->kept.revision + 1};
    }
    if (load->as_of) {
        read.as_of = *load->as_of;
    }
    stele_upcast_cursor *cursor;
    stele_status status = stele_upcast_open(load->domain->store, &read, load->domain->upcasters,
                                            NULL, 0, &cursor, reterr);
    if (status == STELE_OK) {
        load->loaded.head = stele_cursor_head(stele_upcast_below(cursor));
        status = take_events(load, cursor, reterr);
        stele_upcast_cursor_free(cursor);
    }
    return status;
}

/* What is kept of a stream that shows events from `first` on. */
static void take_kept(loading *load, uint64_t first)
{
    if (!load->as_of) {
        load->loaded.from_cache = stele__kept_from_cache(load->domain, load->fold, load->stream,
                                                         load->state, &load->kept);
    }
    if (load->loaded.from_cache && load->kept.first_revision != first) {
        load->loaded.from_cache = 0;
    }
    if (!load->loaded.from_cache) {
        stele_fold_done(load->fold, load->state);
        stele_fold_init(load->fold, load->state);
        load->loaded.from_snapshot =
            stele__kept_from_snapshot(load->domain, load->fold, load->stream, load->as_of,
                                      load->state, &load->kept) &&
            load->kept.first_revision == first;
    }
    if (!load->loaded.from_cache && !load->loaded.from_snapshot) {
        stele_fold_done(load->fold, load->state);
        stele_fold_init(load->fold, load->state);
        load->kept = (stele__kept){.first_revision = first};
    }
}

static stele_status run(loading *load, stele_error *reterr)
{
    stele_stream_info info;
    stele_status status = stele_stream_describe(load->domain->store, load->stream, &info, reterr);
    const bool is_there = status == STELE_OK && info.state >= 0;
    if (status == STELE_NOT_FOUND || (status == STELE_OK && !is_there)) {
        if (status == STELE_OK && info.state == STELE_IS_TOMBSTONED) {
            return stele__fail(reterr, STELE_DELETED_TOMBSTONE, "the stream %s is tombstoned",
                               load->stream);
        }
        load->loaded.expected = STELE_NO_STREAM;
        return stele_head(load->domain->store, &load->loaded.head, reterr);
    }
    STELE_TRY(status);
    take_kept(load, info.first_revision);
    STELE_TRY(read_tail(load, reterr));
    load->loaded.version = load->kept.version;
    load->loaded.position = load->kept.position;
    load->loaded.expected =
        load->kept.version > 0 ? (stele_expected)load->kept.revision : info.state;
    return STELE_OK;
}

stele_status stele__load(stele_domain *domain, const stele_fold *fold, const char *stream,
                         const stele_point *as_of, void *ret_state, stele_loaded *ret_loaded,
                         stele__kept *ret_kept, stele_error *reterr)
{
    stele_error own;
    loading load = {.domain = domain,
                    .fold = fold,
                    .stream = stream,
                    .as_of = as_of && as_of->kind != STELE_POINT_DEFAULT ? as_of : NULL,
                    .state = ret_state};
    STELE_COUNT(domain, loads);
    stele_fold_init(fold, ret_state);
    const stele_status status = run(&load, reterr ? reterr : &own);
    if (status != STELE_OK) {
        stele_fold_done(fold, ret_state);
        return status;
    }
    (void)atomic_fetch_add_explicit(&domain->counts.events_read, load.loaded.events_read,
                                    memory_order_relaxed);
    if (!load.as_of && load.loaded.events_read > 0) {
        stele__kept_offer(domain, fold, stream, ret_state, &load.kept);
    }
    *ret_loaded = load.loaded;
    *ret_kept = load.kept;
    return STELE_OK;
}

stele_status stele_load(stele_domain *domain, const stele_fold *fold, const char *stream,
                        const stele_point *as_of, void *ret_state, stele_loaded *ret_loaded,
                        stele_error *reterr)
{
    stele_loaded loaded;
    stele__kept kept;
    STELE_TRY(stele_fold_check(fold, reterr));
    const stele_status status =
        stele__load(domain, fold, stream, as_of, ret_state, &loaded, &kept, reterr);
    if (status == STELE_OK && ret_loaded) {
        *ret_loaded = loaded;
    }
    return status;
}

stele_status stele_aggregate_stream(const stele_fold *fold, const char *id,
                                    char ret_stream[STELE_STREAM_NAME_SIZE_MAX + 1],
                                    stele_error *reterr)
{
    const size_t name_size = strlen(fold->name);
    const size_t id_size = strlen(id);
    if (name_size + 1 + id_size > STELE_STREAM_NAME_SIZE_MAX) {
        return stele__fail(reterr, STELE_INVALID_LIMIT,
                           "the stream of %s %.40s… has more than %d bytes", fold->name, id,
                           STELE_STREAM_NAME_SIZE_MAX);
    }
    memcpy(ret_stream, fold->name, name_size);
    ret_stream[name_size] = '-';
    memcpy(ret_stream + name_size + 1, id, id_size + 1);
    return STELE_OK;
}

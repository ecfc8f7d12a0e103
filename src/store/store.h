/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door of the room store: the handle behind <stele/store.h>, and the list of backends that it
 * opens.
 *
 * The room knows backends only by the table below, which is defined outside of it
 * (src/store/backends.c, or a test): so it includes nothing of theirs, and they may include
 * this.
 */
#ifndef STELE_STORE_STORE_H
#define STELE_STORE_STORE_H

#include "base/base.h"

#include <stele/sys/backend.h>

/* A kind of place that stele_open() knows. */
typedef struct stele__store_backend {
    const char *scheme; /* what stands before the ':' of a URL; "file" is also taken for paths */
    const char *description; /* for the hint that lists what there is */
    stele_backend_open open;
} stele__store_backend;

/* Ended by an entry without scheme. */
extern const stele__store_backend stele__store_backends[];

struct stele_store {
    stele_backend *backend;
    const stele_alloc *alloc;
    uint32_t fork_generation;
    stele_access access;
    stele_durability durability;
    size_t commit_bytes_max;
};

/* Says why a handle may not be used here. */
stele_status stele__store_stranger(const stele_store *store, stele_error *reterr);

/* Whether the handle may be used here: it is there, and belongs to this process. */
static inline stele_status stele__store_enter(const stele_store *store, stele_error *reterr)
{
    return store && store->fork_generation == stele__fork_generation()
               ? STELE_OK
               : stele__store_stranger(store, reterr);
}
/* As stele__store_enter(), and it may append. */
stele_status stele__store_enter_writer(const stele_store *store, stele_error *reterr);

/* Checks a commit that is meant for `intent` and hands it to the backend. `reterr` is never NULL.
 */
stele_status stele__store_append(stele_store *store, stele_intent intent,
                                 const stele_commit *commit, stele_receipt *ret_receipt,
                                 stele_revision *ret_revisions, stele_error *reterr);

/* What a check is about, for its message: "tag 2 of event 5", "the type of event 5", "the
 * category". */
typedef struct stele__place {
    const char *part;   /* "tag", "type"; */
    size_t part_index;  /* SIZE_MAX: there is only one of it */
    const char *whole;  /* "event", or NULL */
    size_t whole_index; /* SIZE_MAX: there is only one of it */
} stele__place;

/* NUL-terminated, at least 1 byte and at most size_max, UTF-8. ret_size may be NULL. */
stele_status stele__check_name(const char *name, size_t size_max, stele__place place,
                               size_t *ret_size, stele_error *reterr);
/* As stele__check_name() for a stream that can have events: not `$all`, `$$` or `$$$$x`. */
stele_status stele__check_stream(const char *name, stele__place place, size_t *ret_size,
                                 stele_error *reterr);
/* An expectation of a stream that is written. */
stele_status stele__check_expected(stele_expected expected, bool is_written, stele__place place,
                                   stele_error *reterr);
stele_status stele__check_query(const stele_query *query, stele__place place, stele_error *reterr);
stele_status stele__check_commit(const stele_store *store, const stele_commit *commit,
                                 stele_error *reterr);
stele_status stele__check_read(const stele_read *read, stele_error *reterr);
stele_status stele__check_list(const stele_list *list, stele_error *reterr);

#endif

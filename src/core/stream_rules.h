/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules that decide what a commit may do to a stream: expectations, idempotency by event ids,
 * deletion, recreation, tombstones. One pure function over what is known of the stream. The
 * sequencer of the embedded engine calls it; the memory backend does not, so that the two can check
 * each other.
 *
 * Sources: the expected-revision and deletion semantics of the KurrentDB protocol as its official
 * clients assert them (identifiers AP-, AR-, DE- in the tests), and Stele's own rulings about their
 * order: tombstone, then event ids, then expectations.
 */
#ifndef STELE_CORE_STREAM_RULES_H
#define STELE_CORE_STREAM_RULES_H

#include <stele/store.h>

#include <stdbool.h>

/* What is known of a stream before a commit. */
typedef struct stele__stream_state {
    int64_t last_revision; /* -1: no events; a tombstone does not count */
    bool is_tombstoned;
    bool has_metadata;     /* `$$stream` has events */
    bool is_truncated_all; /* the newest metadata has `$tb` = STELE_TRUNCATE_ALL: soft-deleted */
} stele__stream_state;

/* How a commit concerns a stream. */
typedef enum stele__stream_use {
    STELE_USE_CHECKED = 0, /* an expectation about a stream that the commit does not write */
    STELE_USE_WRITTEN = 1,
    STELE_USE_DELETED = 2, /* soft delete: the expectation is about the stream, the event goes to
                              its metadata stream */
    STELE_USE_TOMBSTONED = 3
} stele__stream_use;

/* Which comparison of event ids the rules want before they decide. */
typedef enum stele__ids_wanted {
    STELE_IDS_UNWANTED = 0,
    STELE_IDS_AT_REVISION =
        1, /* the ids against those stored from revision expected + 1 on, in order */
    STELE_IDS_IN_WINDOW =
        2 /* each id against the stream's events in the last STELE_ID_WINDOW positions */
} stele__ids_wanted;

/* What that comparison found. */
typedef enum stele__ids_found {
    STELE_IDS_UNKNOWN = 0, /* none (or not wanted, or the events have no ids) */
    STELE_IDS_SOME = 1, /* some, not all (window only; at a revision anything but all is unknown) */
    STELE_IDS_ALL = 2
} stele__ids_found;

typedef enum stele__stream_verdict {
    STELE_VERDICT_PASS = 0,
    STELE_VERDICT_APPLIED = 1, /* written before: answer with the original */
    STELE_VERDICT_WRONG = 2,   /* the expectation does not hold */
    STELE_VERDICT_DELETED = 3, /* existence was expected of a soft-deleted stream */
    STELE_VERDICT_TOMBSTONED = 4
} stele__stream_verdict;

stele__ids_wanted stele__stream_ids_wanted(const stele__stream_state *state,
                                           stele_expected expected, stele__stream_use use);

stele__stream_verdict stele__stream_decide(const stele__stream_state *state,
                                           stele_expected expected, stele__stream_use use,
                                           stele__ids_found ids);

/* The state as a refusal reports it: last revision, STELE_NO_STREAM, STELE_IS_DELETED or
 * STELE_IS_TOMBSTONED. For written streams a soft-deleted one reports its last revision, which is
 * what recreates it. */
stele_expected stele__stream_actual(const stele__stream_state *state, stele__stream_use use);

#endif

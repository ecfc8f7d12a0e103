/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan: a commit on its way through the sequencer. What it names is looked up once and kept over
 * repeated looks under the lock. Private to the append path (plan.c, append.c, retry.c).
 */
#ifndef STELE_LOG_PLAN_H
#define STELE_LOG_PLAN_H

#include "log/engine.h"

/* A stream that the commit writes, checks, deletes, or whose metadata it writes. */
typedef struct stele__plan_stream {
    stele_text name;
    uint64_t hash;
    stele_expected expected;
    uint32_t check; /* index of its check; UINT32_MAX: none */
    stele__stream_use use;
    bool is_watched;      /* only its state matters: it owns a metadata stream that is written */
    bool has_ids;         /* an event of it has an id */
    uint32_t first_event; /* its first one in the commit */
    uint32_t event_count;
    uint32_t owner; /* for `$$s`: index of s; UINT32_MAX: none */

    bool is_resolved; /* `facts` were looked up, with nothing in the live tail then */
    stele__stream_facts facts;

    /* As of the last look under the lock. */
    stele__tail_handle slot; /* in the live tail; 0: none */
    stele__stream_state state;
    stele_position metadata_position;

    stele__ids_found ids;
    bool ids_are_known; /* at a revision: `ids` holds while the last revision is `ids_at` */
    int64_t ids_at;
    uint32_t known_count; /* of its events whose ids are in the window */

    bool is_undeleted;      /* a derived `$metadata` event comes first */
    stele__buffer undelete; /* its JSON, made for the two below */
    stele_position undelete_from;
    int64_t undelete_at;
    uint32_t metastream; /* index of `$$s`, if undeleted */
    bool is_derived_to;  /* for `$$s`: a derived event may be written to it */
    stele__buffer metastream_name;

    bool writes_metadata;       /* for s: the commit writes `$$s` … */
    bool written_truncates_all; /* … and what it writes last deletes it */
    stele_bytes written_json;
    bool is_revived; /* a derived `$metadata` event follows */
    stele__buffer revive;

    stele_revision next_revision;
} stele__plan_stream;

typedef struct stele__plan_name {
    stele_text name;
    uint64_t hash;
} stele__plan_name;

typedef struct stele__plan_event {
    const stele_event *event;
    uint32_t stream;
    stele__plan_name type;
    uint32_t first_tag;
    uint32_t tag_count;
    stele_uuid id;
    bool has_id;
    uint32_t print;   /* in the window, of its stream and id */
    uint32_t same_as; /* the first event of the commit with this id in this stream; often itself */
    stele_position known_at; /* oldest place in the window; 0: not there */
} stele__plan_event;

typedef struct stele__plan_candidate {
    uint32_t event;
    stele_position position;
} stele__plan_candidate;

enum { STELE_PLAN_STREAMS = 4, STELE_PLAN_EVENTS = 8, STELE_PLAN_TAGS = 16 };

typedef struct stele__plan {
    stele__log *log;
    const stele_request *request;
    const stele_append_options *options;
    bool can_wait; /* else what must wait for the disk is deferred */
    size_t event_count;
    size_t stream_count;
    size_t stream_capacity;
    size_t tag_count;
    size_t tag_capacity;
    size_t bytes_max; /* of the frame */
    stele__plan_stream *streams;
    stele__plan_event *events;
    stele__plan_name *tags;
    uint32_t *check_streams; /* by index of the check */
    uint32_t *buckets;       /* of streams by hash, for large commits; 0: empty, else index + 1 */
    size_t bucket_count;
    stele_text key;
    uint64_t key_hash;
    stele__plan_name *asked;  /* names of all conditions, if they are few; NULL: they are not */
    stele__search **searches; /* one for each condition; made when they are looked up */

    /* What was looked up without the lock. */
    bool wants_look_up;          /* the last look did not do without key and conditions */
    bool is_looked_up;           /* they were looked up … */
    uint64_t roll_count;         /* … while this part was the live one */
    stele_position looked_at;    /* … up to this head */
    stele_position key_position; /* first position of its commit; 0: unknown key */
    stele_position violation;    /* lowest event that matches a condition */
    uint32_t violated_condition;
    stele_position first_given; /* of the commit that this one was compared with last */

    /* Candidates for event ids in the window. */
    stele__plan_candidate *candidates;
    size_t candidate_count;
    size_t candidate_capacity;
    stele_position window_checked; /* those up to here were verified, when the window began … */
    stele_position window_first;   /* … here */

    stele__view *view; /* a reference, of the last look-up */
    stele_position view_head;
    stele__locator locator;
    stele__reader reader;

    stele__plan_stream inline_streams[STELE_PLAN_STREAMS];
    stele__plan_event inline_events[STELE_PLAN_EVENTS];
    stele__plan_name inline_tags[STELE_PLAN_TAGS];
    stele__plan_name inline_asked[STELE_PLAN_TAGS];
    uint32_t inline_checks[STELE_PLAN_STREAMS];
} stele__plan;

/* Hashes names, sorts events to streams. STELE_NO_MEMORY is the only failure. */
stele_status stele__plan_make(stele__plan *plan, stele__log *log, const stele_request *request,
                              bool can_wait, stele_error *reterr);
void stele__plan_done(stele__plan *plan);
/* The stream of that name, added if it is new. */
stele_status stele__plan_stream_of(stele__plan *plan, stele_text name, uint32_t *ret_stream,
                                   stele_error *reterr);
/* Whether the id of an event is looked for in the window. */
static inline bool stele__plan_wants_window(const stele__plan *plan, uint32_t event)
{
    const stele__plan_event *planned = &plan->events[event];
    const stele__plan_stream *stream = &plan->streams[planned->stream];
    return planned->has_id && stele__stream_ids_wanted(&stream->state, stream->expected,
                                                       stream->use) == STELE_IDS_IN_WINDOW;
}
/* Takes a fresh view for reading. */
stele_position stele__plan_refresh_view(stele__plan *plan);
/* Lets go of it: who waits must not hold tails that are sealed meanwhile. */
void stele__plan_drop_view(stele__plan *plan);

/* retry.c: is this commit there already? All read from plan->view. */

/* Compares the commit with the whole commit that the event at `position` belongs to: by all it says
 * (a key), or by ids. The receipt is filled if they are the same. STELE_CONFLICT: same ids, but
 * strict and different. */
stele_status stele__retry_compare(stele__plan *plan, stele_position position, bool by_ids,
                                  bool *ret_same, stele_receipt *ret_receipt, stele_error *reterr);
/* Compares the ids of a stream's events with those stored from its expected revision on: sets ids,
 * ids_at, ids_are_known. */
stele_status stele__retry_at_revision(stele__plan *plan, uint32_t stream, stele_error *reterr);
/* Verifies the candidates: sets known_at of the events. */
stele_status stele__retry_window(stele__plan *plan, stele_error *reterr);
/* Every written stream is there already: the receipt. */
stele_status stele__retry_receipt(stele__plan *plan, stele_receipt *ret_receipt,
                                  stele_error *reterr);

/* look.c: one look at a commit under the lock. */

/* What a look at a commit found. */
typedef enum stele__look {
    LOOK_AGAIN,            /* something moved: look once more */
    LOOK_NEEDS_FACTS,      /* streams, key, conditions: look them up */
    LOOK_NEEDS_PUBLISHING, /* it depends on pending commits */
    LOOK_NEEDS_IDS,        /* compare ids at a revision */
    LOOK_NEEDS_WINDOW,     /* verify candidates */
    LOOK_NEEDS_UNDELETE,   /* make the metadata that recreates a stream */
    LOOK_NEEDS_CANDIDATES, /* more room for candidates */
    LOOK_NEEDS_ROOM,       /* too much in flight */
    LOOK_NEEDS_ROLL,       /* the segment is full */
    LOOK_KNOWN_KEY,
    LOOK_APPLIED,
    LOOK_VIOLATES, /* a condition */
    LOOK_REFUSED,
    LOOK_PASSED
} stele__look;

/* Lock held. */
stele_status stele__look_at(stele__plan *plan, stele__look *ret_look, stele_error *reterr);
/* What the rules say of a stream, as of the last look. */
stele__stream_verdict stele__look_verdict(const stele__plan_stream *stream);
/* The state of a stream as a refusal reports it. */
stele_expected stele__look_actual(const stele__plan_stream *stream);
bool stele__look_is_tombstoned(const stele__plan *plan);
bool stele__look_must_roll(const stele__plan *plan);

/* Whether commits are sequenced that are not published yet. Lock held. */
static inline bool stele__append_is_pending(const stele__log *log)
{
    return log->next_position - 1 != atomic_load_explicit(&log->head, memory_order_relaxed) ||
           log->is_busy;
}

/* sequence.c: giving a commit that passed its place in history. */

/* Accepts a commit that passed; `has_note`: room for a completion is made as well. Lock held. On
 * success *ret_group holds it. */
stele_status stele__sequence(stele__plan *plan, bool has_note, stele_receipt *ret_receipt,
                             stele__group **ret_group, stele_error *reterr);
/* Leaves the live part, all of which must be published, for a new one. No lock held. */
stele_status stele__sequence_roll(stele__plan *plan, stele_error *reterr);

/* append.c */

/* How a commit was dealt with. */
typedef enum stele__fate {
    STELE_FATE_ACCEPTED, /* it is in a group; the lock is held */
    STELE_FATE_ANSWERED, /* refused, or known; the lock is not held */
    STELE_FATE_DEFERRED  /* it would have to wait, and must not; the lock is not held */
} stele__fate;

/* Looks at a commit until its fate is known. */
stele_status stele__append_drive(stele__plan *plan, bool has_note, stele__fate *ret_fate,
                                 stele_receipt *ret_receipt, stele__group **ret_group,
                                 stele_error *reterr);

#endif

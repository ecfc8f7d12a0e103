/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of the conformance suite are written with. The suite speaks to the public
 * interface alone and runs on any target: STELE_CONFORMANCE_TARGET names it (suite.c lists them). A
 * test looks like this:
 *
 *     TEST(AP_04_no_stream_on_an_existing_stream_is_refused)
 *     {
 *         SUITE(s);
 *         append(s, "account-1", STELE_NO_STREAM, "e0 e1");
 *         expect_says(append(s, "account-1", STELE_NO_STREAM, "e2"), "wanted none, is 1");
 *         expect_says(ids(s, (stele_read){.stream = "account-1"}), "e0 e1");
 *     }
 *
 * Results are compared as short texts, because a table of texts is what a reader can check against
 * the papers at a glance:
 *
 *   of an append   "written 2 @3" (last revision, last position), "already 2 @3" (a retry), "wanted
 * 4, is 5", "deleted", "tombstoned", "condition 0: e3 @4", "key @3" (it belongs to another commit),
 * "other content", "invalid name" … of a read      "e0 e1 $metadata": ids that the suite made, else
 * types; or why it could not be opened: "not found", "not found, deleted", "tombstoned" …
 *
 * Handles: on(s) is the store, ready for the next operation; which means that the target may have
 * been closed and reopened, or advanced with stele_step(), since the last one. held(s) is the same
 * handle without that, for what must not be disturbed: submissions in flight, other threads, a
 * jumping clock. Once a cursor is open, suite_pin() keeps the store open.
 */
#ifndef STELE_TESTS_CONFORMANCE_SUITE_H
#define STELE_TESTS_CONFORMANCE_SUITE_H

#include "support/test.h"

#include <stele/stele.h>
#include <stele/sys/clock.h>
#include <stele/sys/vfs.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* When the clock of a test stands still before it is moved: 2026-11-21T10:00:00Z. */
#define SUITE_TIME ((stele_time)1795255200 * 1000000000)

typedef struct suite_block suite_block;

typedef struct suite {
    stele_store *store;
    stele_options options; /* as the target wants them; a test may change them between suite_new()
                              and suite_start() */
    char url[600];
    bool is_persistent; /* outlives its handle */
    bool is_reopened;   /* between any two operations */
    bool is_pinned;     /* not any more */
    bool is_stepped;    /* between any two operations */
    struct {
        stele_position first;
        uint64_t count;
    } others[8]; /* see append_others() */
    unsigned others_count;
    _Atomic(int64_t) wall;
    _Atomic(int64_t) passed; /* what was added to the monotonic clock */
    stele_clock clock;
    stele_vfs vfs;
    suite_block *blocks; /* memory of the test, gone with it */
} suite;

/* A fresh store of the target, closed at the end of the scope. */
#define SUITE(name)                                                                                \
    suite *name __attribute__((cleanup(suite_end))) = suite_new();                                 \
    suite_start(name)

/* The same in two steps, for tests that change options in between. */
suite *suite_new(void);
void suite_start(suite *s);
void suite_end(suite **s);

stele_store *on(suite *s);
stele_store *held(suite *s);
void suite_pin(suite *s);

/* Closes and opens again. False, and nothing happens: the target forgets. */
bool suite_reopen(suite *s);

/* Makes everything that was appended visible, and lets work in the background come to its end. */
void suite_settle(suite *s);

/* ---- time */

/* Sets the wall clock, as somebody would who jumps. */
void suite_set_clock(suite *s, stele_time time);
/* Lets time go by: on the wall and on the monotonic clock. */
void suite_pass(suite *s, stele_duration duration);

/* ---- values */

/* Memory for as long as the suite lives, zeroed. */
void *suite_allocate(suite *s, size_t size);
const char *suite_print(suite *s, const char *format, ...) STELE_PRINTF(2, 3);
/* `size` times the same character, terminated. */
char *suite_repeat(suite *s, char character, size_t size);

/* Gives back all memory that was allocated since it was remembered. */
typedef struct suite_mark {
    suite_block *block;
    size_t used;
} suite_mark;
suite_mark suite_remember(suite *s);
void suite_forget(suite *s, suite_mark mark);

/* The id e<n>. */
stele_uuid id_of(unsigned n);

/* An event with the id e<n> and JSON data. */
stele_event event(const char *type, unsigned n, const char *json);
/* The same without an id. */
stele_event nameless(const char *type, const char *json);
stele_event with_tags(stele_event event, stele_names tags);
stele_event in_stream(const char *stream, stele_event event);

typedef struct batch {
    stele_event *events;
    size_t count;
} batch;

/* "e0 e1": events of type "happened" with these ids and data {"n":0}, {"n":1}. "s:e0 t:e1": the
 * same in streams s and t.
 * "-" instead of an id: none. */
batch events(suite *s, const char *text);

/* ---- appending */

typedef struct outcome {
    stele_status status;
    stele_receipt receipt;
    stele_error error;
    stele_revision *revisions;   /* of the events, after a commit */
    stele_violation *violations; /* room for all, after a commit */
    size_t violation_room;
    suite *suite;
} outcome;

/* Appends events(s, text). */
outcome append(suite *s, const char *stream, stele_expected expected, const char *text);
outcome append_with(suite *s, const char *stream, stele_expected expected, const char *text,
                    const stele_append_options *options);
outcome append_event(suite *s, const char *stream, stele_expected expected, stele_event one,
                     const stele_append_options *options);
outcome append_events(suite *s, const char *stream, stele_expected expected, batch many,
                      const stele_append_options *options);

/* Commits events(s, text) with checks such as "a=0 b=none c=exists d=deleted e=tombstoned f=any".
 */
outcome commit(suite *s, const char *text, const char *checks, const stele_append_options *options);
outcome commit_events(suite *s, batch many, const char *checks,
                      const stele_append_options *options);

outcome delete_stream(suite *s, const char *stream, stele_expected expected);
outcome tombstone_stream(suite *s, const char *stream, stele_expected expected);
outcome write_metadata(suite *s, const char *stream, stele_expected expected, const char *json);

/* `count` appends of one event each to the streams "others-0" … "others-15", which the texts do not
 * count: an event that comes after 5,000 others is still "@4" if it is the fourth besides. */
void append_others(suite *s, uint64_t count);
/* The same in commits of many events. */
void append_filler(suite *s, uint64_t count);

/* The texts described at the top. */
const char *outcome_text(outcome o);
/* "0: wanted none, is 3; 2: wanted 5, is none"; "" if there were none. */
const char *violations(outcome o);
/* "0 0 1": the revisions that a commit answered for each of `count` events. */
const char *revisions_answered(outcome o, size_t count);

/* ---- reading */

/* Copies of what a read returned. */
typedef struct copies {
    stele_record *records;
    size_t count;
    stele_position head;
    stele_status status; /* of the first failure */
    stele_error error;
} copies;

/* Everything that the read returns; the copies live as long as the suite. */
copies collect(suite *s, stele_read read);
/* What an open cursor still returns. */
copies collect_rest(suite *s, stele_cursor *cursor);
stele_record copy_record(suite *s, const stele_record *record);

const char *ids(suite *s, stele_read read);       /* "e0 e1" */
const char *revisions(suite *s, stele_read read); /* "0 1" */
const char *positions(suite *s, stele_read read); /* "1 2", the others not counted */
const char *streams(suite *s, stele_read read);   /* "account-1 account-1" */
const char *ids_of(suite *s, copies all);
uint64_t count_of(suite *s, stele_read read);

stele_position head_of(suite *s);
stele_stream_info describe(suite *s, const char *stream);
/* "3" or "none", "deleted", "tombstoned"; "not found" when there is nothing to describe. */
const char *state_of(suite *s, const char *stream);
/* "1: {"$tb":2}": revision and JSON in a fixed form (keys sorted, no blanks); "-1: " when there is
 * none; or why not. */
const char *metadata_of(suite *s, const char *stream);
/* The same form of any JSON. */
const char *canonical_json(suite *s, stele_bytes json);
const char *names_of(suite *s, stele_list list);

/* A short name of what an error says: "not found", "deleted", "invalid limit" … */
const char *error_text(suite *s, const stele_error *error);

/* ---- asserting */

#define suite_text_(value)                                                                         \
    _Generic((value), outcome                                                                      \
             : suite_outcome_text_, const char *                                                   \
             : suite_same_text_, char *                                                            \
             : suite_own_text_)(value)
static inline const char *suite_outcome_text_(outcome o)
{
    return outcome_text(o);
}
static inline const char *suite_same_text_(const char *text)
{
    return text;
}
static inline const char *suite_own_text_(char *text)
{
    return text;
}

/* An outcome or a text says exactly this. */
#define expect_says(actual, wanted)                                                                \
    test_expect_text(test_text_of_string(suite_text_(actual)), test_text_of_string(wanted),        \
                     #actual, __FILE__, __LINE__)
/* An outcome is STELE_INVALID, with a message that names the thing. */
#define expect_invalid(actual, word)                                                               \
    suite_expect_invalid((actual), (word), #actual, __FILE__, __LINE__)

void suite_expect_invalid(outcome o, const char *word, const char *text, const char *file,
                          int line);

#endif

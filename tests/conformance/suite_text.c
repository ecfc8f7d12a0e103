/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The short texts that outcomes are compared as, and what is true of every error.
 */
#include "suite.h"
#include "suite_inside.h"

#include <inttypes.h>
#include <string.h>

/* ---- errors */

/* What is true of every error: it says what happened; success leaves all but the status alone. */
void suite_check_error(stele_status status, const stele_error *error)
{
    expect_int(error->status, status);
    if (status == STELE_OK) {
        stele_error untouched = suite_soiled_error();
        untouched.status = STELE_OK;
        expect_bytes(error, sizeof *error, &untouched, sizeof untouched);
        return;
    }
    const size_t size = strnlen(error->message, sizeof error->message);
    if (size == 0 || size == sizeof error->message) {
        test_fail("an error without a message: %s", stele_status_name(status));
    }
    if (error->message[size - 1] == '.') {
        test_fail("'%s' ends with a full stop", error->message);
    }
    expect_true(strnlen(error->hint, sizeof error->hint) < sizeof error->hint);
    if (error->detail != STELE_DETAIL_NONE && ((int)error->detail & 0xff) != (int)status) {
        test_fail("detail %x does not go with status %x", (unsigned)error->detail,
                  (unsigned)status);
    }
}

/* An error has to be written whatever stood there before. */
stele_error suite_soiled_error(void)
{
    stele_error error;
    memset(&error, 0xa5, sizeof error);
    return error;
}

const char *suite_expected_text(suite *s, stele_expected expected)
{
    switch (expected) {
    case STELE_NO_STREAM:
        return "none";
    case STELE_ANY:
        return "any";
    case STELE_EXISTS:
        return "exists";
    case STELE_IS_DELETED:
        return "deleted";
    case STELE_IS_TOMBSTONED:
        return "tombstoned";
    default:
        return suite_print(s, "%" PRId64, expected);
    }
}

/* The place of an event in history if there had not been the others. */
stele_position suite_place(const suite *s, stele_position position)
{
    stele_position left = position;
    for (unsigned i = 0; i < s->others_count; i++) {
        if (position >= s->others[i].first + s->others[i].count) {
            left -= s->others[i].count;
        }
    }
    return left;
}

static const char *id_text(suite *s, const stele_uuid *id)
{
    unsigned n;
    return suite_number_of(id, &n) ? suite_print(s, "e%u", n) : "-";
}

static const char *conflict_text(suite *s, const stele_error *error)
{
    const stele_conflict *conflict = &error->conflict;
    switch ((int)error->detail) {
    case STELE_CONFLICT_REVISION:
        return suite_print(s, "wanted %s, is %s",
                           suite_expected_text(s, conflict->expected_revision),
                           suite_expected_text(s, conflict->actual_revision));
    case STELE_CONFLICT_CONDITION:
        return suite_print(s, "condition %" PRIu32 ": %s @%" PRIu64, conflict->index,
                           id_text(s, &conflict->id), suite_place(s, conflict->position));
    case STELE_CONFLICT_KEY:
        return suite_print(s, "key @%" PRIu64, suite_place(s, conflict->position));
    case STELE_CONFLICT_ID:
        return "other content";
    default:
        return suite_print(s, "conflict %x", (unsigned)error->detail);
    }
}

const char *error_text(suite *s, const stele_error *error)
{
    static const struct {
        int detail;
        const char *text;
    } names[] = {
        {STELE_INVALID_NAME, "invalid name"},
        {STELE_INVALID_LIMIT, "invalid limit"},
        {STELE_INVALID_CHECKPOINT, "invalid checkpoint"},
        {STELE_INVALID_READ_ONLY, "read only"},
        {STELE_INVALID_CLOCK, "clock"},
        {STELE_NOT_FOUND_STREAM, "not found"},
        {STELE_NOT_FOUND_DELETED, "not found, deleted"},
        {STELE_DELETED_SOFT, "deleted"},
        {STELE_DELETED_TOMBSTONE, "tombstoned"},
        {STELE_BUSY_IN_FLIGHT, "busy"},
    };
    if (error->status == STELE_CONFLICT) {
        return conflict_text(s, error);
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if ((int)error->detail == names[i].detail) {
            return names[i].text;
        }
    }
    return stele_status_name(error->status);
}

/* ---- outcomes */

const char *suite_revision_text(suite *s, stele_revision revision)
{
    return revision == STELE_REVISION_TOMBSTONE ? "tombstone"
                                                : suite_print(s, "%" PRIu64, revision);
}

const char *outcome_text(outcome o)
{
    if (o.status != STELE_OK) {
        return error_text(o.suite, &o.error);
    }
    return suite_print(o.suite, "%s %s @%" PRIu64,
                       o.receipt.already_applied ? "already" : "written",
                       suite_revision_text(o.suite, o.receipt.revision),
                       suite_place(o.suite, o.receipt.position));
}

const char *violations(outcome o)
{
    if (o.status == STELE_OK) {
        return "";
    }
    stele__buffer text = {.alloc = stele_alloc_default()};
    expect_true(o.error.conflict.violation_count <= o.violation_room);
    for (uint32_t i = 0; i < o.error.conflict.violation_count; i++) {
        suite_add(&text, i > 0 ? "; " : "");
        suite_add(&text,
                  suite_print(o.suite, "%" PRIu32 ": wanted %s, is %s", o.violations[i].index,
                              suite_expected_text(o.suite, o.violations[i].expected),
                              suite_expected_text(o.suite, o.violations[i].actual)));
    }
    return suite_take_text(o.suite, &text);
}

const char *revisions_answered(outcome o, size_t count)
{
    stele__buffer text = {.alloc = stele_alloc_default()};
    for (size_t i = 0; i < count; i++) {
        suite_add_word(&text, suite_revision_text(o.suite, o.revisions[i]));
    }
    return suite_take_text(o.suite, &text);
}

void suite_expect_invalid(outcome o, const char *word, const char *text, const char *file, int line)
{
    test_expect_status(o.status, STELE_INVALID, &o.error, text, file, line);
    test_expect_contains(test_text_of_string(o.error.message), word, "the message", file, line);
}

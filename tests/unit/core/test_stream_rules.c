/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules about expectations, ids, deletion and tombstones as literal tables: one row for each
 * state of a stream, one column for each expectation. The identifiers are those of the protocol's
 * behaviours: AP- (appends), AR- (checks), DE- (deletions).
 */
#include "core/core.h"
#include "support/test.h"

/* ---- the tables */

/* What the function may be asked: the last revision of a stream with events is 3. */
enum { LAST = 3, EXPECTATIONS = 9 };

static const stele_expected expectations[EXPECTATIONS] = {
    STELE_ANY, STELE_NO_STREAM,  STELE_EXISTS,        0, LAST - 1, LAST,
    LAST + 1,  STELE_IS_DELETED, STELE_IS_TOMBSTONED,
};

/* A letter for each verdict: pass, wrong, deleted, tombstoned, applied. */
static const char verdict_letters[] = {[STELE_VERDICT_PASS] = 'p',
                                       [STELE_VERDICT_APPLIED] = 'a',
                                       [STELE_VERDICT_WRONG] = 'w',
                                       [STELE_VERDICT_DELETED] = 'd',
                                       [STELE_VERDICT_TOMBSTONED] = 't'};

typedef struct rule_row {
    const char *name;
    stele__stream_state state;
    stele__stream_use use;
    stele__ids_found ids;
    /* any, none, exists, 0, last - 1, last, last + 1, deleted?, tombstoned? */
    const char *verdicts;
} rule_row;

#define MISSING                                                                                    \
    {                                                                                              \
        .last_revision = -1                                                                        \
    }
#define METADATA_ONLY                                                                              \
    {                                                                                              \
        .last_revision = -1, .has_metadata = true                                                  \
    }
#define PRESENT                                                                                    \
    {                                                                                              \
        .last_revision = LAST                                                                      \
    }
#define PRESENT_WITH_METADATA                                                                      \
    {                                                                                              \
        .last_revision = LAST, .has_metadata = true                                                \
    }
#define DELETED                                                                                    \
    {                                                                                              \
        .last_revision = LAST, .has_metadata = true, .is_truncated_all = true                      \
    }
#define DELETED_EMPTY                                                                              \
    {                                                                                              \
        .last_revision = -1, .has_metadata = true, .is_truncated_all = true                        \
    }
#define TOMBSTONED                                                                                 \
    {                                                                                              \
        .last_revision = LAST, .is_tombstoned = true                                               \
    }
#define TOMBSTONED_EMPTY                                                                           \
    {                                                                                              \
        .last_revision = -1, .is_tombstoned = true                                                 \
    }
#define TOMBSTONED_DELETED                                                                         \
    {                                                                                              \
        .last_revision = LAST, .is_tombstoned = true, .has_metadata = true,                        \
        .is_truncated_all = true                                                                   \
    }

static const rule_row rules[] = {
    /* Appends: AP-03 … AP-10, DE-08 … DE-10. -5 and -6 are questions, not expectations of a writer.
     */
    {"AP-05, AP-07: append to a missing stream", MISSING, STELE_USE_WRITTEN, STELE_IDS_UNKNOWN,
     "ppwwwwwww"},
    {"AP-08: append where only metadata is", METADATA_ONLY, STELE_USE_WRITTEN, STELE_IDS_UNKNOWN,
     "pppwwwwww"},
    {"AP-04, AP-06: append to a stream", PRESENT, STELE_USE_WRITTEN, STELE_IDS_UNKNOWN,
     "pwpwwpwww"},
    {"append to a stream with metadata", PRESENT_WITH_METADATA, STELE_USE_WRITTEN,
     STELE_IDS_UNKNOWN, "pwpwwpwww"},
    {"AP-09, DE-08: append to a deleted stream", DELETED, STELE_USE_WRITTEN, STELE_IDS_UNKNOWN,
     "ppdwwpwww"},
    {"append to a deleted stream that never had events", DELETED_EMPTY, STELE_USE_WRITTEN,
     STELE_IDS_UNKNOWN, "ppdwwwwww"},
    {"AP-10: append to a tombstoned stream", TOMBSTONED, STELE_USE_WRITTEN, STELE_IDS_UNKNOWN,
     "ttttttttt"},
    {"append to a tombstone without events", TOMBSTONED_EMPTY, STELE_USE_WRITTEN, STELE_IDS_UNKNOWN,
     "ttttttttt"},
    {"DE-16: append to a deleted and tombstoned stream", TOMBSTONED_DELETED, STELE_USE_WRITTEN,
     STELE_IDS_UNKNOWN, "ttttttttt"},

    /* Known ids decide before the expectation does, and never about a tombstone. */
    {"AP-30: all ids are known", PRESENT, STELE_USE_WRITTEN, STELE_IDS_ALL, "aaaaaaaaa"},
    {"all ids are known in a deleted stream", DELETED, STELE_USE_WRITTEN, STELE_IDS_ALL,
     "aaaaaaaaa"},
    {"AP-37: some ids are known", PRESENT, STELE_USE_WRITTEN, STELE_IDS_SOME, "wwwwwwwww"},
    {"ids do not answer for a tombstone", TOMBSTONED, STELE_USE_WRITTEN, STELE_IDS_ALL,
     "ttttttttt"},

    /* Soft deletes: DE-01 … DE-06. */
    {"DE-04: delete a missing stream", MISSING, STELE_USE_DELETED, STELE_IDS_UNKNOWN, "wwwwwwwww"},
    {"DE-05: delete where only metadata is", METADATA_ONLY, STELE_USE_DELETED, STELE_IDS_UNKNOWN,
     "pppwwwwww"},
    {"DE-01, DE-02, DE-03: delete a stream", PRESENT, STELE_USE_DELETED, STELE_IDS_UNKNOWN,
     "pwpwwpwww"},
    {"DE-06: delete a deleted stream", DELETED, STELE_USE_DELETED, STELE_IDS_UNKNOWN, "ppdwwpwww"},
    {"delete a tombstoned stream", TOMBSTONED, STELE_USE_DELETED, STELE_IDS_UNKNOWN, "ttttttttt"},
    {"ids mean nothing to a delete", PRESENT, STELE_USE_DELETED, STELE_IDS_ALL, "pwpwwpwww"},

    /* Tombstones: DE-13 … DE-16. */
    {"DE-13: tombstone a missing stream", MISSING, STELE_USE_TOMBSTONED, STELE_IDS_UNKNOWN,
     "ppwwwwwww"},
    {"tombstone where only metadata is", METADATA_ONLY, STELE_USE_TOMBSTONED, STELE_IDS_UNKNOWN,
     "pppwwwwww"},
    {"DE-13, DE-14: tombstone a stream", PRESENT, STELE_USE_TOMBSTONED, STELE_IDS_UNKNOWN,
     "pwpwwpwww"},
    {"DE-16: tombstone a deleted stream", DELETED, STELE_USE_TOMBSTONED, STELE_IDS_UNKNOWN,
     "ppdwwpwww"},
    {"DE-15: tombstone a tombstoned stream", TOMBSTONED, STELE_USE_TOMBSTONED, STELE_IDS_UNKNOWN,
     "ttttttttt"},
    {"ids mean nothing to a tombstone", PRESENT, STELE_USE_TOMBSTONED, STELE_IDS_SOME, "pwpwwpwww"},

    /* Checks on streams that are not written: AR-03, with the questions -5 and -6. */
    {"AR-03: check a missing stream", MISSING, STELE_USE_CHECKED, STELE_IDS_UNKNOWN, "ppwwwwwww"},
    {"check where only metadata is", METADATA_ONLY, STELE_USE_CHECKED, STELE_IDS_UNKNOWN,
     "pppwwwwww"},
    {"AR-03: check a stream", PRESENT, STELE_USE_CHECKED, STELE_IDS_UNKNOWN, "pwpwwpwww"},
    {"AR-03: check a deleted stream", DELETED, STELE_USE_CHECKED, STELE_IDS_UNKNOWN, "ppwwwwwpw"},
    {"check a deleted stream that never had events", DELETED_EMPTY, STELE_USE_CHECKED,
     STELE_IDS_UNKNOWN, "ppwwwwwpw"},
    {"AR-03: check a tombstoned stream", TOMBSTONED, STELE_USE_CHECKED, STELE_IDS_UNKNOWN,
     "ppwwwwwwp"},
    {"check a tombstone without events", TOMBSTONED_EMPTY, STELE_USE_CHECKED, STELE_IDS_UNKNOWN,
     "ppwwwwwwp"},
    {"a tombstone hides a deletion from a check", TOMBSTONED_DELETED, STELE_USE_CHECKED,
     STELE_IDS_UNKNOWN, "ppwwwwwwp"},
};

TEST_ROWS(verdicts_are_those_of_the_table, rules)
{
    const rule_row *rule = &rules[row];
    char verdicts[EXPECTATIONS + 1] = "";
    for (size_t i = 0; i < EXPECTATIONS; i++) {
        verdicts[i] = verdict_letters[stele__stream_decide(&rule->state, expectations[i], rule->use,
                                                           rule->ids)];
    }
    test_note("%s", rule->name);
    expect_text((const char *)verdicts, rule->verdicts);
}

/* ---- which comparison of ids is wanted */

typedef struct wanted_row {
    const char *name;
    stele__stream_state state;
    stele__stream_use use;
    const char *wanted; /* w: in the window, r: at the revision, -: none */
} wanted_row;

static const char wanted_letters[] = {
    [STELE_IDS_UNWANTED] = '-', [STELE_IDS_AT_REVISION] = 'r', [STELE_IDS_IN_WINDOW] = 'w'};

static const wanted_row wanted[] = {
    {"AP-31, AP-33: append to a stream", PRESENT, STELE_USE_WRITTEN, "wrwrr----"},
    {"append to a missing stream", MISSING, STELE_USE_WRITTEN, "w-w------"},
    {"append to a deleted stream", DELETED, STELE_USE_WRITTEN, "wrwrr----"},
    {"append to a tombstoned stream", TOMBSTONED, STELE_USE_WRITTEN, "---------"},
    {"delete a stream", PRESENT, STELE_USE_DELETED, "---------"},
    {"tombstone a stream", PRESENT, STELE_USE_TOMBSTONED, "---------"},
    {"check a stream", PRESENT, STELE_USE_CHECKED, "---------"},
};

TEST_ROWS(ids_are_compared_where_the_table_says, wanted)
{
    char found[EXPECTATIONS + 1] = "";
    for (size_t i = 0; i < EXPECTATIONS; i++) {
        found[i] = wanted_letters[stele__stream_ids_wanted(&wanted[row].state, expectations[i],
                                                           wanted[row].use)];
    }
    test_note("%s", wanted[row].name);
    expect_text((const char *)found, wanted[row].wanted);
}

/* ---- what a refusal reports */

typedef struct actual_row {
    const char *name;
    stele__stream_state state;
    stele_expected written;
    stele_expected checked;
} actual_row;

static const actual_row actuals[] = {
    {"missing", MISSING, STELE_NO_STREAM, STELE_NO_STREAM},
    {"metadata only", METADATA_ONLY, STELE_NO_STREAM, STELE_NO_STREAM},
    {"present", PRESENT, LAST, LAST},
    {"deleted: its old last revision recreates it", DELETED, LAST, STELE_IS_DELETED},
    {"deleted without events", DELETED_EMPTY, STELE_IS_DELETED, STELE_IS_DELETED},
    {"tombstoned", TOMBSTONED, STELE_IS_TOMBSTONED, STELE_IS_TOMBSTONED},
    {"tombstoned after a deletion", TOMBSTONED_DELETED, STELE_IS_TOMBSTONED, STELE_IS_TOMBSTONED},
};

TEST_ROWS(a_refusal_reports_the_actual_state, actuals)
{
    const actual_row *actual = &actuals[row];
    test_note("%s", actual->name);
    expect_int(stele__stream_actual(&actual->state, STELE_USE_WRITTEN), actual->written);
    expect_int(stele__stream_actual(&actual->state, STELE_USE_DELETED), actual->written);
    expect_int(stele__stream_actual(&actual->state, STELE_USE_TOMBSTONED), actual->written);
    expect_int(stele__stream_actual(&actual->state, STELE_USE_CHECKED), actual->checked);
}

/* ---- properties over every state there is */

static stele__stream_state state_number(unsigned number)
{
    return (stele__stream_state){.last_revision = (int64_t)(number & 3) - 1,
                                 .is_tombstoned = number & 4,
                                 .has_metadata = number & 8,
                                 .is_truncated_all = number & 16};
}

TEST(what_no_number_stands_for_never_passes_but_for_any)
{
    static const stele_expected strange[] = {-3, -5, -6, -7, -100, INT64_MIN, INT64_MAX};
    for (unsigned number = 0; number < 32; number++) {
        const stele__stream_state state = state_number(number);
        for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++) {
            expect_true(stele__stream_decide(&state, strange[i], STELE_USE_WRITTEN,
                                             STELE_IDS_UNKNOWN) != STELE_VERDICT_PASS);
            expect_true(stele__stream_decide(&state, strange[i], STELE_USE_DELETED,
                                             STELE_IDS_UNKNOWN) != STELE_VERDICT_PASS);
            expect_true(stele__stream_ids_wanted(&state, strange[i], STELE_USE_WRITTEN) ==
                        STELE_IDS_UNWANTED);
        }
        expect_int(stele__stream_decide(&state, STELE_ANY, STELE_USE_CHECKED, STELE_IDS_UNKNOWN),
                   STELE_VERDICT_PASS);
    }
}

TEST(a_checked_stream_is_never_refused_as_deleted_or_tombstoned)
{
    for (unsigned number = 0; number < 32; number++) {
        const stele__stream_state state = state_number(number);
        for (stele_expected expected = -7; expected < 5; expected++) {
            const stele__stream_verdict verdict =
                stele__stream_decide(&state, expected, STELE_USE_CHECKED, STELE_IDS_UNKNOWN);
            expect_true(verdict == STELE_VERDICT_PASS || verdict == STELE_VERDICT_WRONG);
        }
    }
}

TEST(the_actual_state_passes_when_it_is_expected_next)
{
    for (unsigned number = 0; number < 32; number++) {
        const stele__stream_state state = state_number(number);
        const stele_expected checked = stele__stream_actual(&state, STELE_USE_CHECKED);
        expect_int(stele__stream_decide(&state, checked, STELE_USE_CHECKED, STELE_IDS_UNKNOWN),
                   STELE_VERDICT_PASS);
        const stele_expected actual = stele__stream_actual(&state, STELE_USE_WRITTEN);
        if (actual >= STELE_NO_STREAM) {
            expect_int(stele__stream_decide(&state, actual, STELE_USE_WRITTEN, STELE_IDS_UNKNOWN),
                       STELE_VERDICT_PASS);
        }
    }
}

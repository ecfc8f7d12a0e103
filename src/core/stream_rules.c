/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decision table of stream_rules.h. It reads from the strongest fact to the weakest: a
 * tombstone ends everything, known event ids make a retry, and only then does the expectation
 * count.
 */
#include "core/stream_rules.h"

#include <stddef.h>

stele__ids_wanted stele__stream_ids_wanted(const stele__stream_state *state,
                                           stele_expected expected, stele__stream_use use)
{
    if (use != STELE_USE_WRITTEN || state->is_tombstoned) {
        return STELE_IDS_UNWANTED;
    }
    if (expected == STELE_ANY || expected == STELE_EXISTS) {
        return STELE_IDS_IN_WINDOW;
    }
    return expected >= STELE_NO_STREAM && expected < state->last_revision ? STELE_IDS_AT_REVISION
                                                                          : STELE_IDS_UNWANTED;
}

static bool stream_exists(const stele__stream_state *state)
{
    return state->last_revision >= 0 || state->has_metadata;
}

/* A stream that the commit appends to, or ends with a tombstone. */
static stele__stream_verdict decide_written(const stele__stream_state *state,
                                            stele_expected expected)
{
    switch (expected) {
    case STELE_ANY:
        return STELE_VERDICT_PASS;
    case STELE_EXISTS:
        if (state->is_truncated_all) {
            return STELE_VERDICT_DELETED;
        }
        return stream_exists(state) ? STELE_VERDICT_PASS : STELE_VERDICT_WRONG;
    case STELE_NO_STREAM:
        return state->last_revision < 0 || state->is_truncated_all ? STELE_VERDICT_PASS
                                                                   : STELE_VERDICT_WRONG;
    default:
        return expected >= 0 && expected == state->last_revision ? STELE_VERDICT_PASS
                                                                 : STELE_VERDICT_WRONG;
    }
}

/* A soft delete needs something to delete. */
static stele__stream_verdict decide_deleted(const stele__stream_state *state,
                                            stele_expected expected)
{
    if (!stream_exists(state)) {
        return STELE_VERDICT_WRONG;
    }
    return decide_written(state, expected);
}

/* An expectation about a stream that is left alone: a deleted stream has no revision any more. */
static stele__stream_verdict decide_checked(const stele__stream_state *state,
                                            stele_expected expected)
{
    const bool is_gone = state->is_tombstoned || state->is_truncated_all;
    bool holds;
    switch (expected) {
    case STELE_ANY:
        holds = true;
        break;
    case STELE_NO_STREAM:
        holds = is_gone || state->last_revision < 0;
        break;
    case STELE_EXISTS:
        holds = !is_gone && stream_exists(state);
        break;
    case STELE_IS_DELETED:
        holds = !state->is_tombstoned && state->is_truncated_all;
        break;
    case STELE_IS_TOMBSTONED:
        holds = state->is_tombstoned;
        break;
    default:
        holds = !is_gone && expected >= 0 && expected == state->last_revision;
        break;
    }
    return holds ? STELE_VERDICT_PASS : STELE_VERDICT_WRONG;
}

stele__stream_verdict stele__stream_decide(const stele__stream_state *state,
                                           stele_expected expected, stele__stream_use use,
                                           stele__ids_found ids)
{
    if (use == STELE_USE_CHECKED) {
        return decide_checked(state, expected);
    }
    if (state->is_tombstoned) {
        return STELE_VERDICT_TOMBSTONED;
    }
    if (use == STELE_USE_WRITTEN) {
        if (ids == STELE_IDS_ALL) {
            return STELE_VERDICT_APPLIED;
        }
        if (ids == STELE_IDS_SOME) {
            return STELE_VERDICT_WRONG;
        }
    }
    return use == STELE_USE_DELETED ? decide_deleted(state, expected)
                                    : decide_written(state, expected);
}

stele_expected stele__stream_actual(const stele__stream_state *state, stele__stream_use use)
{
    if (state->is_tombstoned) {
        return STELE_IS_TOMBSTONED;
    }
    if (state->is_truncated_all && (use == STELE_USE_CHECKED || state->last_revision < 0)) {
        return STELE_IS_DELETED;
    }
    return state->last_revision;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sequencer: deciding commits, one after another.
 *
 * A commit is looked at under the lock as often as needed. Each look (see look()) either decides it
 * or says what is missing; what is missing is fetched without the lock, from the disk if it must
 * be, and the commit is looked at again. So the lock is held for memory work only, and what was
 * fetched stays valid or is recognised as old:
 *
 * A1  What the live tail says of a stream is its state now, pending commits included. A stream that
 * the live tail does not know has no event since the part began; what was looked up for it stays
 * right while the part is the live one (roll_count).
 *
 * A2  A part is left only when all of it is published, so that whatever is pending stands in the
 * live part.
 *
 * A3  Keys and conditions are looked up to a head h without the lock; under it only (h, now] is
 * looked at, in the live tail.
 *
 * A4  Names are compared in full everywhere, so a hash never decides.
 *
 * A5  An answer that rests on pending commits is given when they are published, and fails if they
 * fail.
 *
 * A6  A refused commit adds nothing: terms are created only after the decision, and an empty term
 * means nothing (T4).
 *
 * A7  After the last thing that can fail, nothing is undone: encoding, posting and queueing cannot
 * fail.
 *
 * A8  A condition holds without any look-up where one name of each of its items (a tag, or all of
 * its types) has no event behind `after`, and the live part begins at or before it: then the newest
 * position of each name decides, a few words of memory. Most conditions of a program that has just
 * read are decided so. All others go the way of A3, so the lock is not held for a search.
 */
#include "log/plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- fetching what is missing */

static stele_status prepare_searches(stele__plan *plan, stele_error *reterr)
{
    const stele_alloc *alloc = plan->log->alloc;
    const size_t count = plan->options->condition_count;
    if (count == 0 || plan->searches) {
        for (size_t i = 0; i < count; i++) {
            stele__search_move(plan->searches[i], plan->view, plan->view_head);
        }
        return STELE_OK;
    }
    plan->searches = stele__allocate_zero(alloc, count * sizeof *plan->searches);
    if (!plan->searches) {
        return stele__fail_memory(reterr);
    }
    for (size_t i = 0; i < count; i++) {
        STELE_TRY(stele__search_query(alloc, &plan->log->hash_key,
                                      plan->options->conditions[i].no_event_matching, plan->view,
                                      plan->view_head, &plan->searches[i], reterr));
    }
    return STELE_OK;
}

static stele_status look_up_conditions(stele__plan *plan, stele_error *reterr)
{
    STELE_TRY(prepare_searches(plan, reterr));
    plan->violation = 0;
    for (uint32_t i = 0; i < plan->options->condition_count; i++) {
        const stele_position after = plan->options->conditions[i].after;
        stele_position found = 0;
        if (after < plan->view_head) {
            STELE_TRY(stele__search_up(plan->searches[i], after + 1, &found, reterr));
        }
        if (found && (!plan->violation || found < plan->violation)) {
            plan->violation = found;
            plan->violated_condition = i;
        }
    }
    plan->looked_at = plan->view_head;
    return STELE_OK;
}

static stele_status look_up_key(stele__plan *plan, stele_error *reterr)
{
    if (plan->key.size == 0) {
        return STELE_OK;
    }
    stele__postings postings;
    stele__postings_init(&postings, plan->view, STELE_TERM_KEY, plan->key, plan->key_hash,
                         plan->view_head);
    return stele__postings_last(&postings, &plan->key_position, NULL, reterr);
}

static stele_status look_up(stele__plan *plan, stele_error *reterr)
{
    stele__log *log = plan->log;
    stele__lock(&log->lock);
    plan->is_looked_up &= plan->roll_count == log->roll_count;
    plan->roll_count = log->roll_count;
    stele__unlock(&log->lock);
    (void)stele__plan_refresh_view(plan);
    for (size_t i = 0; i < plan->stream_count; i++) {
        stele__plan_stream *stream = &plan->streams[i];
        stream->is_resolved = false;
        STELE_TRY(stele__view_stream(plan->view, &plan->locator, &plan->reader, &log->hash_key,
                                     stream->name, plan->view_head, NULL, &stream->facts, reterr));
        stream->is_resolved = true;
    }
    if (plan->wants_look_up) {
        STELE_TRY(look_up_key(plan, reterr));
        STELE_TRY(look_up_conditions(plan, reterr));
        plan->is_looked_up = true;
    }
    return STELE_OK;
}

/* Makes sure that the plan has the metadata stream of a stream that is recreated or revived. */
static stele_status plan_metastream(stele__plan *plan, uint32_t index, stele_error *reterr)
{
    stele__plan_stream *stream = &plan->streams[index];
    if (stream->metastream != UINT32_MAX) {
        return STELE_OK;
    }
    /* The plan keeps views of names; this one lives as long as the plan does, in a buffer that
     * nothing else is written to. */
    stele__buffer *name = &stream->metastream_name;
    if (!stele__buffer_append(name, "$$", 2) ||
        !stele__buffer_append(name, stream->name.data, stream->name.size)) {
        return stele__fail_memory(reterr);
    }
    plan->bytes_max += 2 * (STELE_EVENT_OVERHEAD + name->size + sizeof STELE_TYPE_METADATA);
    uint32_t metastream;
    const stele_text text = {(const char *)name->data, name->size};
    STELE_TRY(stele__plan_stream_of(plan, text, &metastream, reterr));
    plan->streams[index].metastream = metastream; /* the array may have moved */
    plan->streams[metastream].is_derived_to = true;
    return STELE_OK;
}

/* The metadata that a stream has, or gets in this commit, truncated before its next event. */
static stele_status make_undelete(stele__plan *plan, stele__plan_stream *stream,
                                  stele_error *reterr)
{
    const uint64_t truncate_before = (uint64_t)(stream->state.last_revision + 1);
    if (stream->is_undeleted) {
        const stele__event *event;
        STELE_TRY(stele__view_event(plan->view, &plan->locator, &plan->reader,
                                    stream->metadata_position, &event, reterr));
        plan->bytes_max -= stream->undelete.size;
        stream->undelete.size = 0;
        STELE_TRY(stele__core_metadata_truncate(event->record.data.data, event->record.data.size,
                                                truncate_before, &stream->undelete, reterr));
        plan->bytes_max += stream->undelete.size;
    }
    if (stream->is_revived) {
        plan->bytes_max -= stream->revive.size;
        stream->revive.size = 0;
        STELE_TRY(stele__core_metadata_truncate(stream->written_json.data,
                                                stream->written_json.size, truncate_before,
                                                &stream->revive, reterr));
        plan->bytes_max += stream->revive.size;
    }
    stream->undelete_from = stream->metadata_position;
    stream->undelete_at = stream->state.last_revision;
    return STELE_OK;
}

/* Makes the JSON that recreates or revives streams. */
static stele_status make_undeletes(stele__plan *plan, stele_error *reterr)
{
    (void)stele__plan_refresh_view(plan);
    for (uint32_t i = 0; i < plan->stream_count; i++) {
        if (plan->streams[i].is_undeleted || plan->streams[i].is_revived) {
            STELE_TRY(make_undelete(plan, &plan->streams[i], reterr));
            STELE_TRY(plan_metastream(plan, i, reterr));
        }
    }
    return STELE_OK;
}

static stele_status grow_candidates(stele__plan *plan, stele_error *reterr)
{
    const size_t wanted = plan->candidate_capacity ? plan->candidate_capacity * 4 : 64;
    return stele__reserve(plan->log->alloc, (void **)&plan->candidates, &plan->candidate_capacity,
                          wanted, sizeof *plan->candidates)
               ? STELE_OK
               : stele__fail_memory(reterr);
}

/* ---- refusing */

/* Gathers what fails, for the report. */
typedef struct refusal {
    const stele__plan *plan;
    stele_conflict conflict;
    const stele__plan_stream *first;
    const stele__plan_stream *tombstoned;
    bool only_deleted;
} refusal;

/* How a refusal calls a stream: by its check, or by its first event. */
static uint32_t failure_index(const stele__plan *plan, const stele__plan_stream *stream)
{
    return stream->check == UINT32_MAX
               ? (uint32_t)plan->request->commit.check_count + stream->first_event
               : stream->check;
}

static void add_failure(refusal *report, const stele__plan_stream *stream)
{
    const stele_append_options *options = report->plan->options;
    const stele__stream_verdict verdict = stele__look_verdict(stream);
    if (stream->is_watched || verdict == STELE_VERDICT_PASS) {
        return;
    }
    report->first = report->first ? report->first : stream;
    report->only_deleted &= verdict == STELE_VERDICT_DELETED;
    if (verdict == STELE_VERDICT_TOMBSTONED && !report->tombstoned) {
        report->tombstoned = stream;
    }
    if (options->violations && report->conflict.violation_count < options->violations_capacity) {
        options->violations[report->conflict.violation_count] =
            (stele_violation){failure_index(report->plan, stream), stream->expected,
                              stele__look_actual(stream)};
    }
    report->conflict.violation_count++;
}

/* "is at revision 3", "does not exist" … */
static void print_actual(stele_expected actual, char *ret_text, size_t size)
{
    if (actual >= 0) {
        (void)snprintf(ret_text, size, "is at revision %" PRIi64, actual);
    } else {
        (void)snprintf(ret_text, size, "%s",
                       actual == STELE_IS_DELETED      ? "is deleted"
                       : actual == STELE_IS_TOMBSTONED ? "is tombstoned"
                                                       : "does not exist");
    }
}

static stele_status refuse_streams(const stele__plan *plan, stele_error *reterr)
{
    refusal report = {.plan = plan, .only_deleted = true};
    /* In the order of the checks, so that violations are sorted by index; a stream without one can
     * fail by its ids. */
    for (size_t i = 0; i < plan->request->commit.check_count; i++) {
        add_failure(&report, &plan->streams[plan->check_streams[i]]);
    }
    for (uint32_t i = 0; i < plan->event_count; i++) {
        const stele__plan_stream *stream = &plan->streams[plan->events[i].stream];
        if (stream->check == UINT32_MAX && stream->first_event == i) {
            add_failure(&report, stream);
        }
    }
    const stele__plan_stream *named = report.tombstoned ? report.tombstoned : report.first;
    STELE_ASSERT(named);
    char expected[48];
    char actual[48];
    report.conflict.index = failure_index(plan, named);
    report.conflict.expected_revision = named->expected;
    report.conflict.actual_revision = stele__look_actual(named);
    stele__core_describe_expected(named->expected, expected, sizeof expected);
    print_actual(report.conflict.actual_revision, actual, sizeof actual);
    stele_status status;
    if (report.tombstoned) {
        status = stele__fail(reterr, STELE_DELETED_TOMBSTONE, "the stream %.*s is tombstoned",
                             STELE_TEXT(named->name));
    } else if (report.only_deleted) {
        status = stele__fail(reterr, STELE_DELETED_SOFT,
                             "the stream %.*s is deleted; expected it to exist",
                             STELE_TEXT(named->name));
    } else if (named->ids == STELE_IDS_ALL || named->ids == STELE_IDS_SOME) {
        status = stele__fail(reterr, STELE_CONFLICT_REVISION,
                             "the stream %.*s %s and has some events of this commit already, while "
                             "others are new",
                             STELE_TEXT(named->name), actual);
    } else {
        status = stele__fail(reterr, STELE_CONFLICT_REVISION, "the stream %.*s %s; expected %s",
                             STELE_TEXT(named->name), actual, expected);
    }
    if (reterr) {
        reterr->conflict = report.conflict;
    }
    return status;
}

static stele_status refuse_condition(stele__plan *plan, stele_error *reterr)
{
    const stele__event *event;
    STELE_TRY(stele__view_event(plan->view, &plan->locator, &plan->reader, plan->violation, &event,
                                reterr));
    (void)stele__fail(reterr, STELE_CONFLICT_CONDITION,
                      "event %" PRIu64 " (%.*s) matches condition %" PRIu32, plan->violation,
                      STELE_TEXT(event->record.type), plan->violated_condition);
    if (reterr) {
        reterr->conflict.index = plan->violated_condition;
        reterr->conflict.position = plan->violation;
        reterr->conflict.id = event->record.id;
    }
    return STELE_CONFLICT;
}

/* The answer to a commit that is not written: a refusal, or the receipt of the first time. What it
 * rests on is published. */
static stele_status answer(stele__plan *plan, stele__look result, stele_receipt *ret_receipt,
                           stele_error *reterr)
{
    bool same = false;
    stele_status status = STELE_CONFLICT;
    (void)stele__plan_refresh_view(plan);
    switch (result) {
    case LOOK_APPLIED:
        return stele__retry_receipt(plan, ret_receipt, reterr);
    case LOOK_KNOWN_KEY:
        STELE_TRY(
            stele__retry_compare(plan, plan->key_position, false, &same, ret_receipt, reterr));
        if (same) {
            return STELE_OK;
        }
        (void)stele__fail(reterr, STELE_CONFLICT_KEY,
                          "the key %.*s belongs to a different commit, at position %" PRIu64,
                          STELE_TEXT(plan->key), plan->first_given);
        if (reterr) {
            reterr->conflict.position = plan->first_given;
        }
        break;
    case LOOK_VIOLATES:
        STELE_TRY(stele__retry_compare(plan, plan->violation, true, &same, ret_receipt, reterr));
        if (same) {
            return STELE_OK;
        }
        status = refuse_condition(plan, reterr);
        break;
    default:
        status = refuse_streams(plan, reterr);
        break;
    }
    atomic_fetch_add_explicit(&plan->log->refusals, 1, memory_order_relaxed);
    return status;
}

/* ---- the driver */

static stele_status wait_for_room(stele__log *log, stele_error *reterr)
{
    if (!log->is_flushing) {
        stele__commit_flush(log);
    } else {
        log->room_waiters++;
        (void)stele__condition_wait(&log->room, &log->lock, STELE_FOREVER);
        log->room_waiters--;
    }
    const stele_status status = stele__commit_poisoned(log, reterr);
    stele__unlock(&log->lock);
    return status;
}

static stele_status verify_window(stele__plan *plan, stele_error *reterr)
{
    const stele_position head = stele__plan_refresh_view(plan);
    STELE_TRY(stele__retry_window(plan, reterr));
    plan->window_checked = head;
    return STELE_OK;
}

static stele_status compare_at_revisions(stele__plan *plan, stele_error *reterr)
{
    (void)stele__plan_refresh_view(plan);
    for (uint32_t i = 0; i < plan->stream_count; i++) {
        const stele__plan_stream *stream = &plan->streams[i];
        if (stream->event_count > 0 &&
            stele__stream_ids_wanted(&stream->state, stream->expected, stream->use) ==
                STELE_IDS_AT_REVISION) {
            STELE_TRY(stele__retry_at_revision(plan, i, reterr));
        }
    }
    return STELE_OK;
}

/* Fetches what a look found missing. No lock held. */
static stele_status fetch(stele__plan *plan, stele__look result, stele_error *reterr)
{
    switch (result) {
    case LOOK_NEEDS_FACTS:
        return look_up(plan, reterr);
    case LOOK_NEEDS_IDS:
        return compare_at_revisions(plan, reterr);
    case LOOK_NEEDS_WINDOW:
        return verify_window(plan, reterr);
    case LOOK_NEEDS_UNDELETE:
        return make_undeletes(plan, reterr);
    case LOOK_NEEDS_CANDIDATES:
        return grow_candidates(plan, reterr);
    default:
        return stele__sequence_roll(plan, reterr);
    }
}

stele_status stele__append_drive(stele__plan *plan, bool has_note, stele__fate *ret_fate,
                                 stele_receipt *ret_receipt, stele__group **ret_group,
                                 stele_error *reterr)
{
    stele__log *log = plan->log;
    for (unsigned heals = 0;;) {
        stele__look result = LOOK_AGAIN;
        stele__lock(&log->lock);
        stele_status status = stele__look_at(plan, &result, reterr);
        if (status != STELE_OK) {
            stele__unlock(&log->lock);
            *ret_fate = STELE_FATE_ANSWERED;
            return status;
        }
        switch (result) {
        case LOOK_PASSED:
            status = stele__sequence(plan, has_note, ret_receipt, ret_group, reterr);
            *ret_fate = status == STELE_OK ? STELE_FATE_ACCEPTED : STELE_FATE_ANSWERED;
            if (status != STELE_OK) {
                stele__unlock(&log->lock);
            }
            return status;
        case LOOK_NEEDS_PUBLISHING:
            plan->is_looked_up = false;
            /* fall through */
        case LOOK_REFUSED:
        case LOOK_APPLIED:
        case LOOK_VIOLATES:
        case LOOK_KNOWN_KEY:
            if (!plan->can_wait && stele__append_is_pending(log)) {
                stele__unlock(&log->lock);
                *ret_fate = STELE_FATE_DEFERRED;
                return STELE_OK;
            }
            *ret_fate = STELE_FATE_ANSWERED;
            STELE_TRY(stele__commit_wait_all(log, false, reterr));
            if (result == LOOK_NEEDS_PUBLISHING) {
                break;
            }
            status = answer(plan, result, ret_receipt, reterr);
            while (status == STELE_CORRUPT && stele__maintain_again(log, &heals, reterr)) {
                status = answer(plan, result, ret_receipt, reterr);
            }
            return status;
        case LOOK_NEEDS_ROOM:
            if (!plan->can_wait) {
                stele__unlock(&log->lock);
                *ret_fate = STELE_FATE_DEFERRED;
                return STELE_OK;
            }
            *ret_fate = STELE_FATE_ANSWERED;
            STELE_TRY(wait_for_room(log, reterr));
            break;
        default:
            stele__unlock(&log->lock);
            *ret_fate = STELE_FATE_ANSWERED;
            status = fetch(plan, result, reterr);
            stele__plan_drop_view(plan);
            if (status == STELE_CORRUPT && stele__maintain_again(log, &heals, reterr)) {
                break; /* an index file was built again: look once more */
            }
            STELE_TRY(status);
            break;
        }
    }
}

/* Waits for an accepted commit as its durability asks. Lock held; released. */
static stele_status finish(stele__plan *plan, stele__group *group, stele_error *reterr)
{
    stele__log *log = plan->log;
    if (plan->options->durability != STELE_DURABLE_NONE) {
        return stele__commit_wait(log, group, reterr);
    }
    /* If this process is killed before it is written, the next writer knows what was told (R5). */
    stele__shared_answered(&log->shared, log->next_position - 1);
    stele__commit_later(log);
    stele__unlock(&log->lock);
    return STELE_OK;
}

stele_status stele__log_append(stele__log *log, const stele_request *request,
                               stele_receipt *ret_receipt, stele_error *reterr)
{
    stele__plan plan;
    stele__fate decided;
    stele__group *group;
    stele_receipt receipt;
    STELE_TRY(stele__core_check_outside(log, reterr));
    if (log->options.background == STELE_NO_THREADS && log->deferred) {
        stele__append_deferred(log);
    }
    stele_status status = stele__plan_make(&plan, log, request, true, reterr);
    if (status == STELE_OK) {
        status = stele__append_drive(&plan, false, &decided, &receipt, &group, reterr);
        if (status == STELE_OK && decided == STELE_FATE_ACCEPTED) {
            status = finish(&plan, group, reterr);
        }
    }
    if (status == STELE_OK && ret_receipt) {
        *ret_receipt = receipt;
    }
    stele__plan_done(&plan);
    return status;
}

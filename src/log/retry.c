/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Retries: is a commit in the log already? Three ways to know it: by its key, by the ids of its
 * events (at a revision, or anywhere in the window), or by the ids of the commit that violates its
 * condition. The answer is the receipt of the first time.
 */
#include "log/plan.h"

#include <inttypes.h>

static bool bytes_equal(stele_bytes a, stele_bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static bool tags_equal(const stele__plan *plan, const stele__plan_event *planned,
                       const stele_record *record)
{
    if (planned->tag_count != record->tag_count) {
        return false;
    }
    for (size_t i = 0; i < planned->tag_count; i++) {
        const stele_text wanted = plan->tags[planned->first_tag + i].name;
        bool found = false;
        for (size_t t = 0; t < record->tag_count && !found; t++) {
            found = stele__text_equal(record->tags[t], wanted);
        }
        if (!found) {
            return false;
        }
    }
    return true;
}

/* Everything but the id. */
static bool content_equal(const stele__plan *plan, const stele__plan_event *planned,
                          const stele_record *record)
{
    const stele_event *event = planned->event;
    return stele__text_equal(planned->type.name, record->type) &&
           event->data_format == record->data_format &&
           event->metadata_format == record->metadata_format &&
           bytes_equal(event->data, record->data) &&
           bytes_equal(event->metadata, record->metadata) && tags_equal(plan, planned, record);
}

static bool is_strict(const stele__plan *plan)
{
    return (plan->options->flags & STELE_STRICT) != 0;
}

static stele_status fail_strict(uint32_t index, const stele_record *record, stele_error *reterr)
{
    char id[STELE_UUID_TEXT_SIZE];
    stele_uuid_print(&record->id, id);
    (void)stele__fail(reterr, STELE_CONFLICT_ID,
                      "event %" PRIu32 " has the id %s of event %" PRIu64 " and different content",
                      index, id, record->position);
    if (reterr) {
        reterr->conflict.index = index;
        reterr->conflict.position = record->position;
        reterr->conflict.id = record->id;
    }
    return STELE_CONFLICT;
}

/* Notes what event number `index` became the first time. */
static void note_event(stele__plan *plan, uint32_t index, const stele_record *record,
                       stele_receipt *ret_receipt)
{
    if (index == 0) {
        ret_receipt->first_position = record->position;
    }
    if (index + 1 == plan->event_count) {
        ret_receipt->position = record->position;
        ret_receipt->revision = record->revision;
        ret_receipt->time = record->time;
        ret_receipt->already_applied = 1;
    }
    if (plan->request->revisions) {
        plan->request->revisions[index] = record->revision;
    }
}

static bool ids_equal(const stele__plan_event *planned, const stele_record *record, bool by_ids)
{
    return planned->has_id ? stele__uuid_equal(&planned->id, &record->id) : !by_ids;
}

stele_status stele__retry_compare(stele__plan *plan, stele_position position, bool by_ids,
                                  bool *ret_same, stele_receipt *ret_receipt, stele_error *reterr)
{
    stele__frame frame;
    STELE_TRY(
        stele__view_frame(plan->view, &plan->locator, &plan->reader, position, &frame, reterr));
    const uint8_t *at = frame.events;
    uint32_t matched = 0;
    stele_status status = STELE_OK; /* of the contents: matters once all ids are the same */
    *ret_same = false;
    plan->first_given = 0;
    for (uint32_t i = 0; i < frame.count; i++) {
        const stele__event *event;
        STELE_TRY(stele__frame_next(&plan->reader, &frame, i, &at, &event, reterr));
        if (event->facts.flags & STELE_EVENT_DERIVED) {
            continue;
        }
        if (plan->first_given == 0) {
            plan->first_given = event->record.position;
        }
        if (matched == plan->event_count) {
            return STELE_OK;
        }
        const stele__plan_event *planned = &plan->events[matched];
        const bool is_tombstone = (event->facts.flags & STELE_EVENT_TOMBSTONE) != 0;
        if (!ids_equal(planned, &event->record, by_ids) ||
            (!by_ids &&
             (!stele__text_equal(plan->streams[planned->stream].name, event->record.stream) ||
              is_tombstone != (plan->request->intent == STELE_INTENT_TOMBSTONE)))) {
            return STELE_OK;
        }
        if (!by_ids && !content_equal(plan, planned, &event->record)) {
            return STELE_OK;
        }
        if (status == STELE_OK && is_strict(plan) &&
            !content_equal(plan, planned, &event->record)) {
            status = fail_strict(matched, &event->record, reterr);
        }
        note_event(plan, matched, &event->record, ret_receipt);
        matched++;
    }
    *ret_same = matched == plan->event_count;
    if (*ret_same && status != STELE_OK) {
        atomic_fetch_add_explicit(&plan->log->refusals, 1, memory_order_relaxed);
        return status;
    }
    return STELE_OK;
}

stele_status stele__retry_at_revision(stele__plan *plan, uint32_t index, stele_error *reterr)
{
    stele__plan_stream *stream = &plan->streams[index];
    stream->ids = STELE_IDS_UNKNOWN;
    stream->ids_at = stream->state.last_revision;
    stream->ids_are_known = true;
    stele_revision revision = (stele_revision)(stream->expected + 1);
    if (!stream->has_ids || stream->expected + stream->event_count > stream->state.last_revision) {
        return STELE_OK;
    }
    stele__postings postings;
    stele__postings_init(&postings, plan->view, STELE_TERM_STREAM, stream->name, stream->hash,
                         plan->view_head);
    for (uint32_t i = 0; i < plan->event_count; i++) {
        stele__plan_event *planned = &plan->events[i];
        if (planned->stream != index) {
            continue;
        }
        stele_position position;
        const stele__event *event;
        STELE_TRY(
            stele__postings_revision(&postings, revision++, STELE_FORWARDS, &position, reterr));
        if (position == 0) {
            return STELE_OK;
        }
        STELE_TRY(
            stele__view_event(plan->view, &plan->locator, &plan->reader, position, &event, reterr));
        if (!stele__uuid_equal(&event->record.id, &planned->id)) {
            return STELE_OK;
        }
        planned->known_at = position;
    }
    stream->ids = STELE_IDS_ALL;
    return STELE_OK;
}

stele_status stele__retry_window(stele__plan *plan, stele_error *reterr)
{
    for (uint32_t i = 0; i < plan->event_count; i++) {
        if (stele__plan_wants_window(plan, i)) {
            plan->events[i].known_at = 0;
        }
    }
    /* Candidates of an event come from the newest to the oldest, of which the oldest that is
     * verified counts: so they are looked at from behind, and the others are not. */
    for (size_t i = plan->candidate_count; i-- > 0;) {
        const stele__plan_candidate *candidate = &plan->candidates[i];
        stele__plan_event *planned = &plan->events[candidate->event];
        const stele__event *event;
        if (planned->known_at) {
            continue;
        }
        STELE_TRY(stele__view_event(plan->view, &plan->locator, &plan->reader, candidate->position,
                                    &event, reterr));
        if (stele__uuid_equal(&event->record.id, &planned->id) &&
            stele__text_equal(event->record.stream, plan->streams[planned->stream].name)) {
            planned->known_at = candidate->position;
        }
    }
    for (uint32_t i = 0; i < plan->event_count; i++) {
        if (stele__plan_wants_window(plan, i)) {
            plan->events[i].known_at = plan->events[plan->events[i].same_as].known_at;
        }
    }
    return STELE_OK;
}

stele_status stele__retry_receipt(stele__plan *plan, stele_receipt *ret_receipt,
                                  stele_error *reterr)
{
    for (uint32_t i = 0; i < plan->event_count; i++) {
        const stele__plan_event *planned = &plan->events[i];
        const stele__event *event;
        STELE_ASSERT(planned->known_at != 0);
        STELE_TRY(stele__view_event(plan->view, &plan->locator, &plan->reader, planned->known_at,
                                    &event, reterr));
        if (is_strict(plan) && !content_equal(plan, planned, &event->record)) {
            atomic_fetch_add_explicit(&plan->log->refusals, 1, memory_order_relaxed);
            return fail_strict(i, &event->record, reterr);
        }
        note_event(plan, i, &event->record, ret_receipt);
    }
    return STELE_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Looks: what can be said of a commit from memory alone, while the lock is held. See append.c for
 * the whole. */
#include "log/plan.h"

/* ---- states */

static void state_from_slot(stele__plan_stream *stream, const stele__tail_term *term)
{
    const stele__tail_stream *slot = &term->stream[0];
    const uint32_t count = atomic_load_explicit(&term->count, memory_order_relaxed);
    const bool is_tombstoned = atomic_load_explicit(&slot->tombstone, memory_order_relaxed) != 0;
    stream->state = (stele__stream_state){
        .last_revision = (int64_t)(slot->base_revision + count - (is_tombstoned ? 1 : 0)) - 1,
        .is_tombstoned = is_tombstoned || slot->was_tombstoned,
        .has_metadata = slot->metadata_position != 0,
        .is_truncated_all = slot->is_truncated_all};
    stream->metadata_position = slot->metadata_position;
}

/* The state of a stream now (A1). False: it must be looked up. */
static bool take_state(const stele__plan *plan, stele__plan_stream *stream)
{
    const stele__log *log = plan->log;
    stream->slot = 0;
    if (log->live) {
        stream->slot =
            stele__tail_find_handle(log->live->tail, STELE_TERM_STREAM, stream->name, stream->hash);
    }
    if (stream->slot) {
        const stele__tail_term *term = stele__tail_at(log->live->tail, stream->slot);
        if (term->stream[0].is_known) {
            state_from_slot(stream, term);
            return true;
        }
    }
    if (!stream->is_resolved || plan->roll_count != log->roll_count) {
        return false;
    }
    stream->state = stream->facts.state;
    stream->metadata_position = stream->facts.metadata_position;
    return true;
}

static bool take_states(stele__plan *plan)
{
    bool known = true;
    for (size_t i = 0; i < plan->stream_count; i++) {
        known &= take_state(plan, &plan->streams[i]);
    }
    return known;
}

/* What was looked up, if anything, still holds. */
static bool is_looked_up(const stele__plan *plan)
{
    return plan->is_looked_up && plan->roll_count == plan->log->roll_count;
}

/* Whether no event behind `after` has that name. */
static bool is_silent(const stele__tail *tail, stele__term_kind kind, const stele__plan_name *name,
                      stele_position after)
{
    const stele__tail_term *term = stele__tail_find(tail, kind, name->name, name->hash);
    return !term || stele__tail_last(tail, term) <= after;
}

/* Whether no event behind `after` can match an item: one of its tags is silent, or all its types
 * are. */
static bool is_item_silent(const stele__tail *tail, const stele_query_item *item,
                           const stele__plan_name *names, stele_position after)
{
    for (size_t i = 0; i < item->tags.count; i++) {
        if (is_silent(tail, STELE_TERM_TAG, &names[i], after)) {
            return true;
        }
    }
    names += item->tags.count;
    for (size_t i = 0; i < item->types.count; i++) {
        if (!is_silent(tail, STELE_TERM_TYPE, &names[i], after)) {
            return false;
        }
    }
    return item->types.count > 0;
}

/* Whether no event of the live tail behind `after` can match a query. The next query's names
 * follow. */
static bool is_query_silent(const stele__tail *tail, const stele_query *query,
                            const stele__plan_name **names, stele_position after)
{
    bool is_silent_so_far = !query->everything;
    for (size_t i = 0; i < query->item_count; i++) {
        const stele_query_item *item = &query->items[i];
        is_silent_so_far = is_silent_so_far && is_item_silent(tail, item, *names, after);
        *names += item->tags.count + item->types.count;
    }
    return is_silent_so_far;
}

/* Whether the live tail alone says that all conditions hold (A8). */
static bool are_conditions_silent(const stele__plan *plan)
{
    const stele__log *log = plan->log;
    const stele__plan_name *names = plan->asked;
    if (!names || !log->live) {
        return false;
    }
    for (size_t i = 0; i < plan->options->condition_count; i++) {
        const stele_condition *condition = &plan->options->conditions[i];
        const stele_position after = condition->after;
        const bool is_silent =
            is_query_silent(log->live->tail, condition->no_event_matching, &names, after);
        /* Behind the last event there is nothing; before the live part others would know. */
        if (after < log->next_position - 1 && (after < log->live->first - 1 || !is_silent)) {
            return false;
        }
    }
    return true;
}

static bool wants_look_up(const stele__plan *plan)
{
    return !is_looked_up(plan) && (plan->key.size > 0 || (plan->options->condition_count > 0 &&
                                                          !are_conditions_silent(plan)));
}

/* A key that came after the look-up stands in the live tail (A3). */
static bool key_is_pending(const stele__plan *plan)
{
    if (plan->key.size == 0 || !plan->log->live) {
        return false;
    }
    const stele__tail_term *term =
        stele__tail_find(plan->log->live->tail, STELE_TERM_KEY, plan->key, plan->key_hash);
    return term && atomic_load_explicit(&term->count, memory_order_relaxed) > 0 &&
           plan->key_position == 0;
}

/* ---- ids */

/* Collects every place in the window where an id of the commit may stand. */
static stele__look collect_candidates(stele__plan *plan)
{
    stele__log *log = plan->log;
    plan->candidate_count = 0;
    for (uint32_t i = 0; i < plan->event_count; i++) {
        const stele__plan_event *planned = &plan->events[i];
        if (!stele__plan_wants_window(plan, i) || planned->same_as != i) {
            continue;
        }
        stele_position position = 0;
        while ((position = stele__window_next(&log->window, planned->print, position)) != 0) {
            if (plan->candidate_count == plan->candidate_capacity) {
                return LOOK_NEEDS_CANDIDATES;
            }
            plan->candidates[plan->candidate_count++] = (stele__plan_candidate){i, position};
        }
    }
    const stele_position first =
        log->next_position > STELE_ID_WINDOW ? log->next_position - STELE_ID_WINDOW : 1;
    bool is_checked = true;
    for (size_t i = 0; i < plan->candidate_count; i++) {
        is_checked &= plan->candidates[i].position <= plan->window_checked;
    }
    /* What was found may have left the window since. */
    for (uint32_t i = 0; i < plan->event_count && is_checked; i++) {
        is_checked = !stele__plan_wants_window(plan, i) || plan->events[i].known_at == 0 ||
                     plan->events[i].known_at >= first;
    }
    if (plan->candidate_count == 0 || is_checked) {
        return LOOK_PASSED;
    }
    return plan->candidates[0].position > atomic_load_explicit(&log->head, memory_order_relaxed) ||
                   stele__append_is_pending(log)
               ? LOOK_NEEDS_PUBLISHING
               : LOOK_NEEDS_WINDOW;
}

/* How many events of each stream are known. */
static void count_known(stele__plan *plan)
{
    for (uint32_t i = 0; i < plan->stream_count; i++) {
        plan->streams[i].known_count = 0;
    }
    for (uint32_t i = 0; i < plan->event_count; i++) {
        plan->streams[plan->events[i].stream].known_count += plan->events[i].known_at != 0;
    }
}

static stele__ids_found ids_in_window(const stele__plan_stream *stream)
{
    if (stream->known_count == 0) {
        return STELE_IDS_UNKNOWN;
    }
    return stream->known_count == stream->event_count ? STELE_IDS_ALL : STELE_IDS_SOME;
}

static stele__look compare_ids(stele__plan *plan)
{
    bool wants_window = false;
    for (uint32_t i = 0; i < plan->stream_count; i++) {
        stele__plan_stream *stream = &plan->streams[i];
        if (stream->event_count == 0) {
            continue;
        }
        switch (stele__stream_ids_wanted(&stream->state, stream->expected, stream->use)) {
        case STELE_IDS_UNWANTED:
            stream->ids = STELE_IDS_UNKNOWN;
            break;
        case STELE_IDS_AT_REVISION:
            if (stream->has_ids &&
                (!stream->ids_are_known || stream->ids_at != stream->state.last_revision)) {
                return stele__append_is_pending(plan->log) ? LOOK_NEEDS_PUBLISHING : LOOK_NEEDS_IDS;
            }
            break;
        case STELE_IDS_IN_WINDOW:
            wants_window |= stream->has_ids;
            break;
        }
    }
    if (!wants_window) {
        return LOOK_PASSED;
    }
    const stele__look result = collect_candidates(plan);
    if (result != LOOK_PASSED) {
        return result;
    }
    count_known(plan);
    for (uint32_t i = 0; i < plan->stream_count; i++) {
        stele__plan_stream *stream = &plan->streams[i];
        if (stream->event_count > 0 &&
            stele__stream_ids_wanted(&stream->state, stream->expected, stream->use) ==
                STELE_IDS_IN_WINDOW) {
            stream->ids = stream->has_ids && plan->candidate_count > 0 ? ids_in_window(stream)
                                                                       : STELE_IDS_UNKNOWN;
        }
    }
    return LOOK_PASSED;
}

/* ---- expectations */

typedef struct tally {
    uint32_t written;
    uint32_t applied;
    uint32_t failing;
} tally;

stele__stream_verdict stele__look_verdict(const stele__plan_stream *stream)
{
    return stele__stream_decide(&stream->state, stream->expected, stream->use, stream->ids);
}

stele_expected stele__look_actual(const stele__plan_stream *stream)
{
    return stele__look_verdict(stream) == STELE_VERDICT_DELETED
               ? STELE_IS_DELETED
               : stele__stream_actual(&stream->state, stream->use);
}

/* Whether the streams let the commit pass, or it is there already. */
static stele__look judge_streams(const stele__plan *plan)
{
    tally count = {0, 0, 0};
    for (size_t i = 0; i < plan->stream_count; i++) {
        const stele__plan_stream *stream = &plan->streams[i];
        if (stream->is_watched) {
            continue;
        }
        const stele__stream_verdict verdict = stele__look_verdict(stream);
        count.written += stream->event_count > 0;
        count.applied += verdict == STELE_VERDICT_APPLIED;
        count.failing += verdict != STELE_VERDICT_PASS && verdict != STELE_VERDICT_APPLIED;
    }
    if (count.applied > 0 && count.applied == count.written) {
        return LOOK_APPLIED; /* checks of other streams do not stand in the way of a retry */
    }
    /* Some streams have it and others do not: then it is another commit. */
    return count.failing > 0 || count.applied > 0 ? LOOK_REFUSED : LOOK_PASSED;
}

bool stele__look_is_tombstoned(const stele__plan *plan)
{
    for (size_t i = 0; i < plan->stream_count; i++) {
        const stele__plan_stream *stream = &plan->streams[i];
        if (stream->use != STELE_USE_CHECKED && !stream->is_watched &&
            stream->state.is_tombstoned) {
            return true;
        }
    }
    return false;
}

/* ---- looks */

/* Conditions over what came after the look-up (A3). */
static stele_status look_at_conditions(stele__plan *plan, stele__look *ret_result,
                                       stele_error *reterr)
{
    stele__log *log = plan->log;
    const stele_position now = log->next_position - 1;
    if (!is_looked_up(plan)) {
        *ret_result = LOOK_PASSED; /* they were found silent */
        return STELE_OK;
    }
    *ret_result = plan->violation ? LOOK_VIOLATES : LOOK_PASSED;
    if (plan->violation || now <= plan->looked_at || !log->live) {
        return STELE_OK;
    }
    stele__view live = {.part_count = 1, .parts = &log->live};
    for (uint32_t i = 0; i < plan->options->condition_count; i++) {
        const stele_position after = plan->options->conditions[i].after;
        const stele_position from = after > plan->looked_at ? after : plan->looked_at;
        stele_position found = 0;
        if (from < now) {
            stele__search_move(plan->searches[i], &live, now);
            STELE_TRY(stele__search_up(plan->searches[i], from + 1, &found, reterr));
        }
        if (found && (!plan->violation || found < plan->violation)) {
            plan->violation = found;
            plan->violated_condition = i;
            *ret_result = LOOK_VIOLATES;
        }
    }
    plan->looked_at = now;
    return STELE_OK;
}

/* Derived metadata must be made of what is in the log, which is read without the lock. */
static stele__look look_at_metadata(stele__plan *plan)
{
    for (size_t i = 0; i < plan->stream_count; i++) {
        stele__plan_stream *stream = &plan->streams[i];
        stream->is_undeleted = stream->use == STELE_USE_WRITTEN && stream->event_count > 0 &&
                               stream->state.is_truncated_all && !stream->writes_metadata &&
                               !stele__core_is_metastream(stream->name);
        stream->is_revived = stream->writes_metadata && stream->state.is_truncated_all &&
                             !stream->written_truncates_all && stream->state.last_revision >= 0 &&
                             !stream->state.is_tombstoned;
        const bool is_made = stream->undelete_from == stream->metadata_position &&
                             stream->undelete_at == stream->state.last_revision;
        if ((stream->is_undeleted || stream->is_revived) && !is_made) {
            return stele__append_is_pending(plan->log) ? LOOK_NEEDS_PUBLISHING
                                                       : LOOK_NEEDS_UNDELETE;
        }
    }
    return LOOK_PASSED;
}

bool stele__look_must_roll(const stele__plan *plan)
{
    const stele__log *log = plan->log;
    return !log->live || log->live->end + plan->bytes_max > log->live->segment->size ||
           stele__tail_memory(log->live->tail) > log->tail_bytes_max;
}

/* One look at the commit. Lock held. */
stele_status stele__look_at(stele__plan *plan, stele__look *ret_result, stele_error *reterr)
{
    stele__log *log = plan->log;
    STELE_TRY(stele__commit_poisoned(log, reterr));
    for (size_t i = 0; i < plan->event_count; i++) {
        stele__window_prefetch(&log->window, plan->events[i].print);
    }
    const bool are_states_known = take_states(plan);
    for (uint32_t i = 0; i < plan->event_count && are_states_known; i++) {
        if (stele__plan_wants_window(plan, i)) {
            stele__window_prefetch_chain(&log->window, plan->events[i].print);
        }
    }
    plan->wants_look_up = wants_look_up(plan);
    if (!are_states_known || plan->wants_look_up) {
        *ret_result = LOOK_NEEDS_FACTS;
        return STELE_OK;
    }
    if (plan->key_position || key_is_pending(plan)) {
        *ret_result = plan->key_position ? LOOK_KNOWN_KEY : LOOK_NEEDS_PUBLISHING;
        return STELE_OK;
    }
    if (stele__look_is_tombstoned(plan)) {
        *ret_result = LOOK_REFUSED;
        return STELE_OK;
    }
    *ret_result = compare_ids(plan);
    if (*ret_result == LOOK_PASSED) {
        *ret_result = judge_streams(plan);
    }
    if (*ret_result == LOOK_PASSED && plan->options->condition_count > 0) {
        STELE_TRY(look_at_conditions(plan, ret_result, reterr));
    }
    if (*ret_result == LOOK_PASSED) {
        *ret_result = look_at_metadata(plan);
    }
    if (*ret_result == LOOK_PASSED && log->bytes_in_flight > 0 &&
        log->bytes_in_flight + plan->bytes_max > log->bytes_in_flight_max) {
        *ret_result = LOOK_NEEDS_ROOM;
    }
    if (*ret_result == LOOK_PASSED && stele__look_must_roll(plan)) {
        *ret_result = stele__append_is_pending(log) ? LOOK_NEEDS_PUBLISHING : LOOK_NEEDS_ROLL;
    }
    return STELE_OK;
}

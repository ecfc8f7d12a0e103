/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a commit may be appended, by the rules of stele/store.h in their order: idempotency key;
 * tombstones; event ids; expectations and checks; conditions. Nothing is changed here; write.c does
 * that when all have passed.
 *
 * What a stream can be, from the strongest fact to the weakest: tombstoned; deleted (its newest
 * metadata has `$tb` = STELE_TRUNCATE_ALL, with or without events); with events; with metadata
 * only; missing.
 */
#include "backends/memory/model.h"

#include <inttypes.h>
#include <stdio.h>

typedef enum outcome {
    HOLDS,
    FAILS,
    IS_GONE,  /* existence is expected of a deleted stream that is written */
    HAS_ENDED /* a stream that is written has a tombstone */
} outcome;

typedef struct failure {
    stele_text stream;
    uint32_t index; /* of the check */
    stele_expected expected;
    stele_expected actual;
    outcome outcome;
    const char *note; /* what else to say, or NULL */
} failure;

typedef struct decision {
    memory_store *store;
    const stele_request *request;
    const stele_append_options *options;
    const stele_event *events;
    size_t event_count;
    memory_target *targets; /* the streams that are written */
    size_t target_count;
    memory_target **target_of; /* of each event */
    stele_position *matches;   /* of each event: where its id was found, or 0 */
    failure named;             /* the failing expectation that a refusal names */
    uint32_t failure_count;
    uint32_t gone_count; /* of them IS_GONE */
} decision;

/* ---- Comparing a retry with what is stored. */

static bool has_id(const stele_event *event)
{
    return !stele__uuid_is_none(&event->id);
}

static bool bytes_equal(stele_bytes a, stele_bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* As sets: order and repetition do not count. */
static bool tags_equal(const stele_event *event, const stele_record *record)
{
    size_t distinct = 0;
    for (size_t i = 0; i < event->tag_count; i++) {
        const stele_text tag = stele__text(event->tags[i]);
        bool is_stored = false;
        bool is_repeated = false;
        for (size_t j = 0; j < record->tag_count && !is_stored; j++) {
            is_stored = stele__text_equal(record->tags[j], tag);
        }
        if (!is_stored) {
            return false;
        }
        for (size_t j = 0; j < i && !is_repeated; j++) {
            is_repeated = stele__text_equal(stele__text(event->tags[j]), tag);
        }
        distinct += is_repeated ? 0 : 1;
    }
    return distinct == record->tag_count;
}

static bool content_equal(const stele_event *event, const stele_record *record)
{
    return stele__text_equal(stele__text(event->type), record->type) &&
           event->data_format == record->data_format &&
           event->metadata_format == record->metadata_format &&
           bytes_equal(event->data, record->data) &&
           bytes_equal(event->metadata, record->metadata) && tags_equal(event, record);
}

static bool commit_equal(const decision *d, const memory_commit *commit)
{
    if (commit->given_count != d->event_count) {
        return false;
    }
    for (size_t i = 0; i < d->event_count; i++) {
        const stele_event *event = &d->events[i];
        const memory_record *record = stele__memory_record(d->store, commit->first_given + i);
        if (!stele__text_equal(stele__text(event->stream), record->event.stream) ||
            record->is_tombstone != (d->request->intent == STELE_INTENT_TOMBSTONE) ||
            (has_id(event) && !stele__uuid_equal(&event->id, &record->event.id)) ||
            !content_equal(event, &record->event)) {
            return false;
        }
    }
    return true;
}

static bool commit_has_same_ids(const decision *d, const memory_commit *commit)
{
    if (commit->given_count != d->event_count) {
        return false;
    }
    for (size_t i = 0; i < d->event_count; i++) {
        const memory_record *record = stele__memory_record(d->store, commit->first_given + i);
        if (!has_id(&d->events[i]) || !stele__uuid_equal(&d->events[i].id, &record->event.id)) {
            return false;
        }
    }
    return true;
}

/* STELE_STRICT: what is known by its id must be the same in everything. */
static stele_status check_content(const decision *d, stele_error *reterr)
{
    for (size_t i = 0; i < d->event_count && (d->options->flags & STELE_STRICT); i++) {
        if (d->matches[i] &&
            !content_equal(&d->events[i], &stele__memory_record(d->store, d->matches[i])->event)) {
            char id[STELE_UUID_TEXT_SIZE];
            stele_uuid_print(&d->events[i].id, id);
            d->store->refusals++;
            const stele_status status =
                stele__fail(reterr, STELE_CONFLICT_ID,
                            "event %zu has the id %s of the event at position %" PRIu64
                            ", but different content",
                            i, id, d->matches[i]);
            reterr->conflict.index = (uint32_t)i;
            reterr->conflict.position = d->matches[i];
            reterr->conflict.id = d->events[i].id;
            return status;
        }
    }
    return STELE_OK;
}

/* The receipt of a retry, when d->matches says where the events stand. */
static void answer_matches(const decision *d, stele_receipt *ret_receipt)
{
    for (size_t i = 0; i < d->event_count && d->request->revisions; i++) {
        d->request->revisions[i] = stele__memory_record(d->store, d->matches[i])->event.revision;
    }
    const stele_record *last =
        &stele__memory_record(d->store, d->matches[d->event_count - 1])->event;
    *ret_receipt = (stele_receipt){.first_position = d->matches[0],
                                   .position = last->position,
                                   .revision = last->revision,
                                   .time = last->time,
                                   .already_applied = 1};
}

static void match_commit(const decision *d, const memory_commit *commit)
{
    for (size_t i = 0; i < d->event_count; i++) {
        d->matches[i] = commit->first_given + i;
    }
}

/* ---- Refusals. */

static void print_expected(stele_expected expected, char *ret_text, size_t size)
{
    static const char *const words[] = {
        "no stream", "any", NULL, "an existing stream", "a deleted stream", "a tombstoned stream"};
    if (expected < 0) {
        (void)snprintf(ret_text, size, "%s", words[-1 - expected]);
    } else {
        (void)snprintf(ret_text, size, "revision %" PRId64, expected);
    }
}

static void print_actual(stele_expected actual, stele_expected expected, char *ret_text,
                         size_t size)
{
    if (actual == STELE_NO_STREAM) {
        (void)snprintf(ret_text, size, "does not exist");
    } else if (actual == STELE_IS_DELETED) {
        (void)snprintf(ret_text, size, "is deleted");
    } else if (actual == STELE_IS_TOMBSTONED) {
        (void)snprintf(ret_text, size, "has been ended by a tombstone");
    } else if (expected == STELE_NO_STREAM) {
        (void)snprintf(ret_text, size, "already exists (its last revision is %" PRId64 ")", actual);
    } else {
        (void)snprintf(ret_text, size, "is at revision %" PRId64, actual);
    }
}

/* The first failure is the one that is named, but a tombstone goes before all else. */
static void add_failure(decision *d, const failure *found)
{
    if (d->failure_count < d->options->violations_capacity) {
        d->options->violations[d->failure_count] =
            (stele_violation){found->index, found->expected, found->actual};
    }
    if (d->failure_count == 0 || (found->outcome == HAS_ENDED && d->named.outcome != HAS_ENDED)) {
        d->named = *found;
    }
    d->failure_count++;
    d->gone_count += found->outcome == IS_GONE ? 1 : 0;
}

static unsigned cause_of(const decision *d)
{
    if (d->named.outcome == HAS_ENDED) {
        return STELE_DELETED_TOMBSTONE;
    }
    return d->gone_count == d->failure_count ? STELE_DELETED_SOFT : STELE_CONFLICT_REVISION;
}

static stele_status refuse(const decision *d, stele_error *reterr)
{
    const failure *named = &d->named;
    char expected[48];
    char actual[64];
    char more[48] = "";
    print_expected(named->expected, expected, sizeof expected);
    print_actual(named->actual, named->expected, actual, sizeof actual);
    if (d->failure_count > 1) {
        (void)snprintf(more, sizeof more, " (and %" PRIu32 " more)", d->failure_count - 1);
    }
    d->store->refusals++;
    const stele_status status =
        stele__fail(reterr, cause_of(d), "%.*s %s%s; expected %s%s", STELE_TEXT(named->stream),
                    actual, named->note ? named->note : "", expected, more);
    reterr->conflict.index = named->index;
    reterr->conflict.expected_revision = named->expected;
    reterr->conflict.actual_revision = named->actual;
    reterr->conflict.violation_count = d->failure_count;
    return status;
}

/* A deleted stream that is to be written is what its last revision says: that is what recreates it.
 */
static stele_expected actual_state(const memory_term *stream, bool is_written)
{
    if (!stream) {
        return STELE_NO_STREAM;
    }
    if (stream->is_tombstoned) {
        return STELE_IS_TOMBSTONED;
    }
    if (stream->metadata.is_deleted && (!is_written || stream->event_count == 0)) {
        return STELE_IS_DELETED;
    }
    return (stele_expected)stream->event_count - 1;
}

/* ---- The steps. */

static stele_status collect_targets(decision *d, stele_error *reterr)
{
    const stele_commit *commit = &d->request->commit;
    for (size_t i = 0; i < d->event_count; i++) {
        memory_term *stream =
            stele__memory_term_make(d->store, MEMORY_STREAM, stele__text(d->events[i].stream));
        if (!stream) {
            return stele__fail_memory(reterr);
        }
        if (!stream->target) {
            stream->target = &d->targets[d->target_count++];
            *stream->target = (memory_target){.stream = stream,
                                              .check_index = (uint32_t)(commit->check_count + i),
                                              .expected = STELE_ANY};
        }
        stream->target->event_count++;
        stream->target->id_count += has_id(&d->events[i]) ? 1 : 0;
        stream->target->last = &d->events[i];
        d->target_of[i] = stream->target;
    }
    for (size_t i = 0; i < commit->check_count; i++) {
        const memory_term *stream =
            stele__memory_term_find(d->store, MEMORY_STREAM, stele__text(commit->checks[i].stream));
        if (stream && stream->target) {
            stream->target->check = &commit->checks[i];
            stream->target->check_index = (uint32_t)i;
            stream->target->expected = commit->checks[i].expected;
        }
    }
    return STELE_OK;
}

/* The commit that has the key, if any. */
static stele_status check_key(const decision *d, bool *ret_answered, stele_receipt *ret_receipt,
                              stele_error *reterr)
{
    const memory_term *key = d->options->key ? stele__memory_term_find(d->store, MEMORY_KEY,
                                                                       stele__text(d->options->key))
                                             : NULL;
    if (!key) {
        return STELE_OK;
    }
    const memory_commit *commit =
        &d->store->commits[stele__memory_record(d->store, key->positions[0])->commit];
    if (!commit_equal(d, commit)) {
        d->store->refusals++;
        const stele_status status =
            stele__fail(reterr, STELE_CONFLICT_KEY,
                        "the idempotency key '%s' belongs to a different commit, at position "
                        "%" PRIu64,
                        d->options->key, commit->first_given);
        stele__hint(reterr, "use a key once; a retry must give the same events again");
        reterr->conflict.position = commit->first_given;
        return status;
    }
    match_commit(d, commit);
    answer_matches(d, ret_receipt);
    *ret_answered = true;
    return STELE_OK;
}

/* Where the id of the next event of a target stands, if it is known by the rule for the target's
 * expectation. */
static stele_position find_id(const decision *d, const memory_target *target,
                              const stele_event *event)
{
    const memory_term *stream = target->stream;
    if (target->expected == STELE_ANY || target->expected == STELE_EXISTS) {
        return stele__memory_id_find(d->store, stream, &event->id);
    }
    const uint64_t revision = (uint64_t)(target->expected + 1) + target->seen;
    if (revision >= stream->event_count) {
        return 0;
    }
    const stele_position position = stream->positions[revision];
    return stele__uuid_equal(&stele__memory_record(d->store, position)->event.id, &event->id)
               ? position
               : 0;
}

/* Finds out which targets have been applied before. True: all of them. */
static bool recognise_ids(const decision *d)
{
    bool has_applied = false;
    bool has_others = false;
    for (size_t i = 0; i < d->event_count && d->request->intent == STELE_INTENT_APPEND; i++) {
        memory_target *target = d->target_of[i];
        if (target->id_count > 0) {
            d->matches[i] = has_id(&d->events[i]) ? find_id(d, target, &d->events[i]) : 0;
            target->known_count += d->matches[i] ? 1 : 0;
            target->seen++;
        }
    }
    for (size_t i = 0; i < d->target_count; i++) {
        memory_target *target = &d->targets[i];
        const bool is_in_window = target->expected == STELE_ANY || target->expected == STELE_EXISTS;
        target->is_applied = target->seen > 0 && target->known_count == target->seen;
        target->is_mixed = is_in_window && target->known_count > 0 && !target->is_applied;
        has_applied = has_applied || target->is_applied;
        has_others = has_others || !target->is_applied;
    }
    return has_applied && !has_others;
}

/* An expectation of a stream that is not written: of a deleted or tombstoned one nothing is left.
 */
static outcome judge_checked(const memory_term *stream, stele_expected expected)
{
    const stele_expected actual = actual_state(stream, false);
    bool holds = false;
    if (expected == STELE_ANY) {
        holds = true;
    } else if (expected == STELE_NO_STREAM) {
        holds = actual < 0;
    } else if (expected == STELE_EXISTS) {
        holds = actual >= 0 || (actual == STELE_NO_STREAM && stream && stream->has_metadata);
    } else {
        holds = actual == expected;
    }
    return holds ? HOLDS : FAILS;
}

/* An expectation of a stream that is written, deleted or ended. */
static outcome judge_written(const memory_term *stream, stele_expected expected, bool must_be_there)
{
    const bool has_events = stream && stream->event_count > 0;
    const bool is_deleted = stream && stream->metadata.is_deleted;
    const bool is_there = has_events || (stream && stream->has_metadata);
    bool holds = false;
    if (stream && stream->is_tombstoned) {
        return HAS_ENDED;
    }
    if (must_be_there && !is_there) {
        holds = false;
    } else if (expected == STELE_ANY) {
        holds = true;
    } else if (expected == STELE_EXISTS) {
        if (is_deleted) {
            return IS_GONE;
        }
        holds = is_there;
    } else if (expected == STELE_NO_STREAM) {
        holds = !has_events || is_deleted;
    } else {
        holds = has_events && (stele_expected)stream->event_count - 1 == expected;
    }
    return holds ? HOLDS : FAILS;
}

static void judge_target(decision *d, const memory_target *target)
{
    const char *note = NULL;
    outcome found = judge_written(target->stream, target->expected, false);
    if (target->is_applied) {
        note = " and has these events already, while others of the commit are new";
        found = FAILS;
    } else if (target->is_mixed) {
        note = " and has some of these events already, but not all of them";
        found = FAILS;
    }
    if (found != HOLDS) {
        add_failure(d, &(failure){target->stream->name, target->check_index, target->expected,
                                  actual_state(target->stream, found != IS_GONE), found, note});
    }
}

/* A stream that is named in a check and not written, but perhaps deleted. */
static void judge_check(decision *d, uint32_t index)
{
    const stele_check *check = &d->request->commit.checks[index];
    const stele_text name = stele__text(check->stream);
    const memory_term *stream = stele__memory_term_find(d->store, MEMORY_STREAM, name);
    const bool is_deletion = d->request->intent == STELE_INTENT_DELETE;
    if (stream && stream->target) {
        judge_target(d, stream->target);
        return;
    }
    const outcome found = is_deletion ? judge_written(stream, check->expected, true)
                                      : judge_checked(stream, check->expected);
    if (found != HOLDS) {
        const stele_expected actual = actual_state(stream, is_deletion && found != IS_GONE);
        add_failure(d, &(failure){name, index, check->expected, actual, found, NULL});
    }
}

/* All failing expectations: those of checks in the order of their index, then those of streams that
 * no check names, in the order of their first events. */
static stele_status check_expectations(decision *d, stele_error *reterr)
{
    for (uint32_t i = 0; i < d->request->commit.check_count; i++) {
        judge_check(d, i);
    }
    for (size_t i = 0; i < d->target_count; i++) {
        if (!d->targets[i].check) {
            judge_target(d, &d->targets[i]);
        }
    }
    return d->failure_count == 0 ? STELE_OK : refuse(d, reterr);
}

/* A tombstone where the commit writes or deletes: not even known ids help. */
static stele_status check_tombstones(decision *d, stele_error *reterr)
{
    const stele_commit *commit = &d->request->commit;
    bool has_ended = false;
    for (size_t i = 0; i < d->target_count; i++) {
        has_ended = has_ended || d->targets[i].stream->is_tombstoned;
    }
    if (d->request->intent == STELE_INTENT_DELETE) {
        const memory_term *deleted =
            stele__memory_term_find(d->store, MEMORY_STREAM, stele__text(commit->checks[0].stream));
        has_ended = has_ended || (deleted && deleted->is_tombstoned);
    }
    return has_ended ? check_expectations(d, reterr) : STELE_OK;
}

/* The lowest position at which an event matches a condition, and which condition that is; 0: none.
 */
static stele_position find_violation(const decision *d, uint32_t *ret_index)
{
    const memory_store *store = d->store;
    stele_position lowest = 0;
    for (uint32_t i = 0; i < d->options->condition_count; i++) {
        const stele_condition *condition = &d->options->conditions[i];
        stele_position found = 0;
        if (condition->after < store->head) {
            found = stele__memory_query_find(store, condition->no_event_matching,
                                             condition->after + 1, store->head, STELE_FORWARDS);
        }
        if (found && (!lowest || found < lowest)) {
            lowest = found;
            *ret_index = i;
        }
    }
    return lowest;
}

static stele_status check_conditions(const decision *d, bool *ret_answered,
                                     stele_receipt *ret_receipt, stele_error *reterr)
{
    uint32_t index = 0;
    const stele_position found = find_violation(d, &index);
    if (!found) {
        return STELE_OK;
    }
    const memory_record *record = stele__memory_record(d->store, found);
    const memory_commit *commit = &d->store->commits[record->commit];
    if (commit_has_same_ids(d, commit)) {
        match_commit(d, commit);
        STELE_TRY(check_content(d, reterr));
        answer_matches(d, ret_receipt);
        *ret_answered = true;
        return STELE_OK;
    }
    d->store->refusals++;
    const stele_status status =
        stele__fail(reterr, STELE_CONFLICT_CONDITION,
                    "condition %" PRIu32 " does not hold: the event at position %" PRIu64
                    " (%.*s in %.*s) matches its query",
                    index, found, STELE_TEXT(record->event.type), STELE_TEXT(record->event.stream));
    reterr->conflict.index = index;
    reterr->conflict.position = found;
    reterr->conflict.id = record->event.id;
    return status;
}

static stele_status decide(decision *d, stele_receipt *ret_receipt, stele_error *reterr)
{
    bool is_answered = false;
    STELE_TRY(check_key(d, &is_answered, ret_receipt, reterr));
    if (is_answered) {
        return STELE_OK;
    }
    STELE_TRY(collect_targets(d, reterr));
    STELE_TRY(check_tombstones(d, reterr));
    if (recognise_ids(d)) {
        STELE_TRY(check_content(d, reterr));
        answer_matches(d, ret_receipt);
        return STELE_OK;
    }
    STELE_TRY(check_expectations(d, reterr));
    STELE_TRY(check_conditions(d, &is_answered, ret_receipt, reterr));
    if (is_answered) {
        return STELE_OK;
    }
    for (size_t i = 0; i < d->target_count; i++) {
        d->targets[i].is_recreated =
            d->request->intent == STELE_INTENT_APPEND && d->targets[i].stream->metadata.is_deleted;
    }
    return stele__memory_write(d->store, d->request, d->targets, d->target_count, ret_receipt,
                               reterr);
}

stele_status stele__memory_append_locked(memory_store *store, const stele_request *request,
                                         stele_receipt *ret_receipt, stele_error *reterr)
{
    const size_t count = request->commit.event_count;
    const size_t size =
        count * (sizeof(memory_target) + sizeof(memory_target *) + sizeof(stele_position));
    decision d = {.store = store,
                  .request = request,
                  .options = request->commit.options,
                  .events = request->commit.events,
                  .event_count = count};
    d.targets = stele__allocate_zero(store->alloc, size);
    if (!d.targets) {
        return stele__fail_memory(reterr);
    }
    d.target_of = (memory_target **)(void *)(d.targets + count);
    d.matches = (stele_position *)(void *)(d.target_of + count);
    const stele_status status = decide(&d, ret_receipt, reterr);
    for (size_t i = 0; i < d.target_count; i++) {
        d.targets[i].stream->target = NULL;
    }
    /* What an accepted commit needs has been kept; an answered or refused one leaves no names
     * behind. */
    stele__memory_terms_drop(store);
    stele__release(store->alloc, d.targets, size);
    return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decisions: what one reads, what it decides, and having it made until it can be appended.
 *
 * N1  A commit checks everything the decision has read: each stream that was loaded is expected at
 * the revision that was seen, written or not; each query as of the head it was read at.
 * N2  A command with an id is looked up before each attempt, and its commit has the id as key: so
 * of all attempts, in whatever process, at most one takes effect, and all others learn where. N3 An
 * attempt starts from nothing: states are loaded anew, from the cache if they are there.
 */
#include "domain/arena.h"
#include "domain/parts.h"

#include <stdarg.h>
#include <stdio.h>

enum { READ_MAX = 4096, KEY_PREFIX_SIZE = 8 };

#define KEY_PREFIX "command:"

/* An aggregate that was loaded. */
typedef struct aggregate {
    struct aggregate *next;
    const stele_fold *fold;
    const char *stream;
    void *state;
    stele_loaded loaded;
    stele__kept kept;
    uint64_t version; /* with what was decided for it */
} aggregate;

/* A query that was made. */
typedef struct question {
    struct question *next;
    const stele_fold *fold;
    void *state;
    stele_query query;
    stele_position head;
} question;

typedef struct decided {
    struct decided *next;
    stele_event event;
} decided;

struct stele_decision {
    stele_domain *domain;
    const stele_execute_options *options;
    stele__arena arena;
    aggregate *aggregates;
    size_t aggregate_count;
    question *questions;
    size_t question_count;
    decided *first;
    decided *last;
    size_t event_count;
    bool is_rejected;
    char reason[240];
};

static void begin(stele_decision *decision, stele_domain *domain,
                  const stele_execute_options *options)
{
    *decision =
        (stele_decision){.domain = domain, .options = options, .arena = {.alloc = domain->alloc}};
}

static void end(stele_decision *decision)
{
    for (aggregate *it = decision->aggregates; it; it = it->next) {
        stele_fold_done(it->fold, it->state);
    }
    for (question *it = decision->questions; it; it = it->next) {
        stele_fold_done(it->fold, it->state);
    }
    stele__arena_done(&decision->arena);
}

/* ---- reading */

static aggregate *find_aggregate(const stele_decision *decision, const stele_fold *fold,
                                 const char *stream)
{
    aggregate *it = decision->aggregates;
    while (it && (it->fold != fold || strcmp(it->stream, stream) != 0)) {
        it = it->next;
    }
    return it;
}

stele_status stele_decision_load(stele_decision *decision, const stele_fold *fold, const char *id,
                                 const void **ret_state, stele_error *reterr)
{
    char stream[STELE_STREAM_NAME_SIZE_MAX + 1];
    STELE_TRY(stele_fold_check(fold, reterr));
    STELE_TRY(stele_aggregate_stream(fold, id, stream, reterr));
    aggregate *it = find_aggregate(decision, fold, stream);
    if (!it) {
        if (decision->aggregate_count == READ_MAX) {
            return stele__fail(reterr, STELE_INVALID_LIMIT,
                               "a decision loads more than %d aggregates", READ_MAX);
        }
        it = stele__arena_take(&decision->arena, sizeof *it);
        void *state = stele__arena_take(&decision->arena, fold->state_size);
        const char *name = stele__arena_copy(&decision->arena, stream, strlen(stream));
        if (!it || !state || !name) {
            return stele__fail_memory(reterr);
        }
        *it = (aggregate){.fold = fold, .stream = name, .state = state};
        STELE_TRY(stele__load(decision->domain, fold, stream, NULL, state, &it->loaded, &it->kept,
                              reterr));
        it->version = it->loaded.version;
        it->next = decision->aggregates;
        decision->aggregates = it;
        decision->aggregate_count++;
    }
    *ret_state = it->state;
    return STELE_OK;
}

uint64_t stele_decision_version(const stele_decision *decision, const stele_fold *fold,
                                const char *id)
{
    char stream[STELE_STREAM_NAME_SIZE_MAX + 1];
    const aggregate *it = stele_aggregate_stream(fold, id, stream, NULL) == STELE_OK
                              ? find_aggregate(decision, fold, stream)
                              : NULL;
    return it ? it->version : 0;
}

static bool copy_names(stele__arena *arena, const stele_names *from, stele_names *ret_names)
{
    const char **names = stele__arena_take(arena, from->count * sizeof *names + 1);
    for (size_t i = 0; names && i < from->count; i++) {
        names[i] = stele__arena_copy(arena, from->names[i], strlen(from->names[i]));
        if (!names[i]) {
            return false;
        }
    }
    *ret_names = (stele_names){names, from->count};
    return names != NULL;
}

static bool copy_query(stele__arena *arena, const stele_query *from, stele_query *ret_query)
{
    stele_query_item *items = stele__arena_take(arena, from->item_count * sizeof *items + 1);
    for (size_t i = 0; items && i < from->item_count; i++) {
        if (!copy_names(arena, &from->items[i].types, &items[i].types) ||
            !copy_names(arena, &from->items[i].tags, &items[i].tags)) {
            return false;
        }
    }
    *ret_query = (stele_query){items, from->item_count, from->everything};
    return items != NULL;
}

static stele_status fold_query(stele_decision *decision, question *it, stele_error *reterr)
{
    const stele_read read = {.query = &it->query};
    const stele_record *event;
    stele_error own;
    stele_error *error = reterr ? reterr : &own;
    stele_upcast_cursor *cursor;
    STELE_TRY(stele_upcast_open(decision->domain->store, &read, decision->domain->upcasters, NULL,
                                0, &cursor, error));
    stele_status status = STELE_OK;
    it->head = stele_cursor_head(stele_upcast_below(cursor));
    while (status == STELE_OK && (event = stele_upcast_next(cursor, error)) != NULL) {
        status = stele_fold_apply(it->fold, it->state, event, error);
    }
    stele_upcast_cursor_free(cursor);
    return status == STELE_OK ? error->status : status;
}

stele_status stele_decision_query(stele_decision *decision, const stele_fold *fold,
                                  const stele_query *query, const void **ret_state,
                                  stele_error *reterr)
{
    STELE_TRY(stele_fold_check(fold, reterr));
    if (decision->question_count == STELE_CONDITIONS_MAX) {
        return stele__fail(reterr, STELE_INVALID_LIMIT, "a decision makes more than %d queries",
                           STELE_CONDITIONS_MAX);
    }
    question *it = stele__arena_take(&decision->arena, sizeof *it);
    void *state = stele__arena_take(&decision->arena, fold->state_size);
    if (!it || !state) {
        return stele__fail_memory(reterr);
    }
    *it = (question){.fold = fold, .state = state};
    if (!copy_query(&decision->arena, query, &it->query)) {
        return stele__fail_memory(reterr);
    }
    stele_fold_init(fold, state);
    it->next = decision->questions;
    decision->questions = it;
    decision->question_count++;
    STELE_TRY(fold_query(decision, it, reterr));
    *ret_state = state;
    return STELE_OK;
}

/* ---- deciding */

stele_status stele_reject(stele_decision *decision, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(decision->reason, sizeof decision->reason, format, arguments);
    va_end(arguments);
    decision->is_rejected = true;
    return STELE_REJECTED;
}

static void write_member(stele_writer *to, const char *name, const char *value)
{
    (void)stele_writef(to, "%s\"%s\":", to->size > 1 ? "," : "", name);
    (void)stele_write_json_text(to, stele__text(value));
}

/* Metadata of an event that brings none: who, what for, and its version. */
static stele_status make_metadata(stele_decision *decision, uint32_t version, stele_event *event,
                                  stele_error *reterr)
{
    const stele_execute_options *options = decision->options;
    char text[1024];
    char uuid[STELE_UUID_TEXT_SIZE];
    stele_writer to = stele_writer_in(text, sizeof text);
    (void)stele_write(&to, "{", 1);
    if (version > 1) {
        (void)stele_writef(&to, "\"$version\":%" PRIu32, version);
    }
    if (options->actor) {
        write_member(&to, "$actor", options->actor);
    }
    if (options->correlation) {
        stele_uuid_print(options->correlation, uuid);
        write_member(&to, "$correlationId", uuid);
    }
    if (options->causation) {
        stele_uuid_print(options->causation, uuid);
        write_member(&to, "$causationId", uuid);
    }
    if (to.size == 1 || event->metadata.size > 0) {
        return STELE_OK;
    }
    (void)stele_write(&to, "}", 1);
    if (to.has_failed) {
        return stele__fail(reterr, STELE_INVALID_LIMIT, "the name of the actor is too long");
    }
    const char *copy = stele__arena_copy(&decision->arena, to.data, to.size);
    if (!copy) {
        return stele__fail_memory(reterr);
    }
    event->metadata = (stele_bytes){(const uint8_t *)copy, to.size};
    event->metadata_format = STELE_JSON;
    return STELE_OK;
}

static stele_status copy_event(stele_decision *decision, const char *stream, uint32_t version,
                               const stele_event *event, decided **ret_decided, stele_error *reterr)
{
    stele__arena *arena = &decision->arena;
    const stele_names tags = {event->tags, event->tag_count};
    stele_names copies;
    decided *it = stele__arena_take(arena, sizeof *it);
    const char *data = stele__arena_copy(arena, event->data.data, event->data.size);
    const char *metadata = stele__arena_copy(arena, event->metadata.data, event->metadata.size);
    const char *name = stele__arena_copy(arena, stream, strlen(stream));
    const char *type = stele__arena_copy(arena, event->type, strlen(event->type));
    if (!it || !data || !metadata || !name || !type || !copy_names(arena, &tags, &copies)) {
        return stele__fail_memory(reterr);
    }
    *it = (decided){.event = *event};
    it->event.stream = name;
    it->event.type = type;
    it->event.data.data = (const uint8_t *)data;
    it->event.metadata.data = (const uint8_t *)metadata;
    it->event.tags = copies.names;
    STELE_TRY(make_metadata(decision, version, &it->event, reterr));
    *ret_decided = it;
    return STELE_OK;
}

/* What was decided is true at once, for all folds of the stream that are loaded. */
static stele_status apply_decided(stele_decision *decision, const stele_event *event,
                                  stele_error *reterr)
{
    for (aggregate *it = decision->aggregates; it; it = it->next) {
        if (strcmp(it->stream, event->stream) != 0) {
            continue;
        }
        const stele_domain *domain = decision->domain;
        stele_text tags[STELE_EVENT_TAGS_MAX];
        stele_record record = {.revision = it->version,
                               .time = domain->clock->now(domain->clock->context),
                               .id = event->id,
                               .stream = stele__text(event->stream),
                               .type = stele__text(event->type),
                               .data_format = event->data_format,
                               .metadata_format = event->metadata_format,
                               .data = event->data,
                               .metadata = event->metadata,
                               .tags = tags};
        for (size_t i = 0; i < event->tag_count && i < STELE_EVENT_TAGS_MAX; i++) {
            tags[record.tag_count++] = stele__text(event->tags[i]);
        }
        STELE_TRY(stele_fold_apply(it->fold, it->state, &record, reterr));
        it->version++;
    }
    return STELE_OK;
}

static stele_status decide(stele_decision *decision, const char *stream, uint32_t version,
                           const stele_event *event, stele_error *reterr)
{
    decided *it = NULL;
    if (!event || !event->type) {
        return stele__fail(reterr, STELE_INVALID, "an event has no type");
    }
    if (decision->event_count == STELE_COMMIT_EVENTS_MAX) {
        return stele__fail(reterr, STELE_INVALID_LIMIT, "more than %d events are decided at once",
                           STELE_COMMIT_EVENTS_MAX);
    }
    STELE_TRY(copy_event(decision, stream, version, event, &it, reterr));
    *(decision->last ? &decision->last->next : &decision->first) = it;
    decision->last = it;
    decision->event_count++;
    return apply_decided(decision, &it->event, reterr);
}

stele_status stele_decide_for_stream(stele_decision *decision, const char *stream,
                                     const stele_event *event, stele_error *reterr)
{
    return decide(decision, stream, 1, event, reterr);
}

stele_status stele_decide_event(stele_decision *decision, const stele_fold *fold, const char *id,
                                const stele_event *event, stele_error *reterr)
{
    char stream[STELE_STREAM_NAME_SIZE_MAX + 1];
    STELE_TRY(stele_aggregate_stream(fold, id, stream, reterr));
    return decide(decision, stream, 1, event, reterr);
}

stele_status stele_decide_payload(stele_decision *decision, const stele_fold *fold, const char *id,
                                  const stele_schema *schema, const void *payload,
                                  const stele_names *tags, stele_error *reterr)
{
    char stream[STELE_STREAM_NAME_SIZE_MAX + 1];
    char few[2048];
    stele_event event;
    STELE_TRY(stele_aggregate_stream(fold, id, stream, reterr));
    stele_writer to = stele_writer_in(few, sizeof few);
    stele_status status = stele_payload_event(schema, payload, &to, &event, reterr);
    if (to.has_failed) {
        to = stele_writer_on(decision->domain->alloc);
        status = stele_payload_event(schema, payload, &to, &event, reterr);
    }
    if (status == STELE_OK && tags) {
        event.tags = tags->names;
        event.tag_count = tags->count;
    }
    if (status == STELE_OK) {
        status = decide(decision, stream, schema->version, &event, reterr);
    }
    stele_writer_done(&to);
    return status;
}

/* ---- appending */

typedef struct commit_parts {
    stele_event *events;
    stele_check *checks;
    stele_condition *conditions;
    stele_append_options options;
    stele_commit commit;
    stele_uuid name_space;
} commit_parts;

/* Two folds may have loaded one stream; it is checked once, at the older of both revisions: if they
 * differ, it does not hold. */
static size_t add_check(stele_check *checks, size_t count, const aggregate *it)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(checks[i].stream, it->stream) == 0) {
            checks[i].expected =
                checks[i].expected < it->loaded.expected ? checks[i].expected : it->loaded.expected;
            return count;
        }
    }
    checks[count] = (stele_check){it->stream, it->loaded.expected};
    return count + 1;
}

static stele_status make_commit(stele_decision *decision, const char *key, commit_parts *parts,
                                stele_error *reterr)
{
    stele__arena *arena = &decision->arena;
    size_t events = 0;
    size_t conditions = 0;
    size_t checks = 0;
    *parts = (commit_parts){
        .events = stele__arena_take(arena, decision->event_count * sizeof(stele_event) + 1),
        .checks = stele__arena_take(arena, decision->aggregate_count * sizeof(stele_check) + 1),
        .conditions =
            stele__arena_take(arena, decision->question_count * sizeof(stele_condition) + 1)};
    if (!parts->events || !parts->checks || !parts->conditions) {
        return stele__fail_memory(reterr);
    }
    for (const decided *it = decision->first; it; it = it->next) {
        parts->events[events++] = it->event;
    }
    for (const aggregate *it = decision->aggregates; it; it = it->next) {
        checks = add_check(parts->checks, checks, it);
    }
    for (const question *it = decision->questions; it; it = it->next) {
        parts->conditions[conditions++] = (stele_condition){&it->query, it->head};
    }
    parts->options = (stele_append_options){.durability = decision->options->durability,
                                            .conditions = parts->conditions,
                                            .condition_count = conditions,
                                            .key = key};
    parts->commit = (stele_commit){.events = parts->events,
                                   .event_count = events,
                                   .checks = parts->checks,
                                   .check_count = checks,
                                   .options = &parts->options};
    return STELE_OK;
}

/* The states that were just appended to are those of now: they need not be loaded again. */
static void keep_states(stele_decision *decision, const stele_revision *revisions,
                        const stele_receipt *receipt)
{
    for (aggregate *it = decision->aggregates; it; it = it->next) {
        size_t index = 0;
        bool is_written = false;
        if (it->version == it->loaded.version ||
            (it->loaded.version == 0 && it->loaded.expected != STELE_NO_STREAM)) {
            continue;
        }
        for (const decided *event = decision->first; event; event = event->next, index++) {
            if (strcmp(event->event.stream, it->stream) == 0) {
                it->kept.revision = revisions[index];
                it->kept.position = receipt->first_position + index;
                is_written = true;
            }
        }
        /* A stream that was deleted before shows its events from a later one on. */
        if (!is_written || it->kept.revision + 1 != it->version) {
            continue;
        }
        if (it->loaded.version == 0) {
            it->kept.first_time = receipt->time;
        }
        it->kept.version = it->version;
        it->kept.last_time = receipt->time;
        stele__kept_offer(decision->domain, it->fold, it->stream, it->state, &it->kept);
    }
}

static stele_status append(stele_decision *decision, const char *key, stele_outcome *outcome,
                           stele_error *reterr)
{
    commit_parts parts;
    stele_receipt receipt;
    STELE_TRY(make_commit(decision, key, &parts, reterr));
    stele_revision *revisions =
        stele__arena_take(&decision->arena, decision->event_count * sizeof *revisions);
    if (!revisions) {
        return stele__fail_memory(reterr);
    }
    STELE_TRY(
        stele_append_commit(decision->domain->store, &parts.commit, &receipt, revisions, reterr));
    outcome->already_applied = receipt.already_applied;
    outcome->position = receipt.position;
    outcome->event_count = (uint32_t)decision->event_count;
    if (!receipt.already_applied) {
        keep_states(decision, revisions, &receipt);
    }
    return STELE_OK;
}

/* ---- execution */

/* One attempt. STELE_CONFLICT: others were faster. */
static stele_status attempt(stele_domain *domain, stele_decide decide_it, const void *command,
                            const stele_execute_options *options, const char *key,
                            stele_outcome *outcome, stele_error *reterr)
{
    stele_decision decision;
    begin(&decision, domain, options);
    stele_status status = decide_it(&decision, command, reterr);
    if (decision.is_rejected) {
        status = stele__fail(reterr, STELE_REJECTED, "%s", decision.reason);
        memcpy(outcome->reason, decision.reason, sizeof outcome->reason);
    } else if (status == STELE_OK && decision.event_count > 0) {
        status = append(&decision, key, outcome, reterr);
    }
    end(&decision);
    return status;
}

static stele_status find_command(stele_domain *domain, const char *key, stele_outcome *outcome,
                                 bool *ret_known, stele_error *reterr)
{
    stele_receipt receipt;
    *ret_known = false;
    if (!key) {
        return STELE_OK;
    }
    const stele_status status = stele_key_find(domain->store, key, &receipt, reterr);
    if (status == STELE_NOT_FOUND) {
        return STELE_OK;
    }
    STELE_TRY(status);
    *ret_known = true;
    outcome->already_applied = 1;
    outcome->position = receipt.position;
    outcome->event_count = (uint32_t)(receipt.position - receipt.first_position + 1);
    return STELE_OK;
}

static stele_status execute(stele_domain *domain, stele_decide decide_it, const void *command,
                            const stele_execute_options *options, const char *key,
                            stele_outcome *outcome, stele_error *reterr)
{
    const uint32_t most = options->attempts_max ? options->attempts_max : STELE_ATTEMPTS_DEFAULT;
    stele_status status = STELE_CONFLICT;
    while (status == STELE_CONFLICT && outcome->attempts < most) {
        bool is_known;
        STELE_TRY(find_command(domain, key, outcome, &is_known, reterr));
        if (is_known) {
            STELE_COUNT(domain, commands_known);
            return STELE_OK;
        }
        if (outcome->attempts++ > 0) {
            STELE_COUNT(domain, commands_retried);
        }
        status = attempt(domain, decide_it, command, options, key, outcome, reterr);
    }
    return status;
}

stele_status stele_execute(stele_domain *domain, stele_decide decide_it, const void *command,
                           const stele_execute_options *options, stele_outcome *ret_outcome,
                           stele_error *reterr)
{
    static const stele_execute_options defaults;
    const stele_execute_options *given = options ? options : &defaults;
    char key[STELE_KEY_SIZE_MAX + 1];
    stele_outcome outcome = {0};
    stele_error own;
    stele_error *error = reterr ? reterr : &own;
    if (!domain || !decide_it) {
        return stele__fail(error, STELE_INVALID, "a command needs a domain and a decision");
    }
    if (given->command_id) {
        const size_t size = strlen(given->command_id);
        if (size == 0 || size > STELE_KEY_SIZE_MAX - KEY_PREFIX_SIZE) {
            return stele__fail(error, STELE_INVALID_LIMIT,
                               "the id of a command has %zu bytes; 1 to %d can be", size,
                               STELE_KEY_SIZE_MAX - KEY_PREFIX_SIZE);
        }
        memcpy(key, KEY_PREFIX, KEY_PREFIX_SIZE);
        memcpy(key + KEY_PREFIX_SIZE, given->command_id, size + 1);
    }
    STELE_COUNT(domain, commands);
    const stele_status status =
        execute(domain, decide_it, command, given, given->command_id ? key : NULL, &outcome, error);
    outcome.is_accepted = status == STELE_OK;
    if (status == STELE_REJECTED) {
        STELE_COUNT(domain, commands_rejected);
    }
    if (ret_outcome) {
        *ret_outcome = outcome;
    }
    return status;
}

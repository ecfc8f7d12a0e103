/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logs: creating, appending, reducing.
 *
 * L1  An index is the event's revision; a token's next index is what the store is told to expect.
 * L2  A key is looked up before anything else is looked at, and is the key of the commit: so a
 * retry is told from a conflict, whatever came between, and of two at once one is told by the
 * store. L3  A token is used up before the store is asked.
 */
#include "logs/logs.h"

#include "domain/domain.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define KEY_PREFIX "log:"
enum { KEY_PREFIX_SIZE = 4 };
#define EVENTS_MAX_DEFAULT UINT64_C(4294967295)

/* ---- opening */

stele_status stele_logs_open(stele_domain *domain, const char *name,
                             const stele_logs_options *options, stele_logs **ret_logs,
                             stele_error *reterr)
{
    static const stele_logs_options defaults;
    const stele_logs_options *given = options ? options : &defaults;
    if (!domain || !name || !ret_logs || given->version != 0) {
        return stele__fail(reterr, STELE_INVALID,
                           "logs need a domain, a name and a place, and options of version 0");
    }
    const stele_text text = stele__text(name);
    if (text.size == 0 || text.size + 1 + STELE_LOG_ID_SIZE_MAX > STELE_STREAM_NAME_SIZE_MAX ||
        name[0] == '$' || strchr(name, '-') || !stele__text_is_utf8(text)) {
        return stele__fail(reterr, STELE_INVALID_NAME,
                           "%.40s cannot be the name of logs: it is the category of their streams, "
                           "so it has no '-', does not begin with '$', and leaves room for an id",
                           name);
    }
    const stele_alloc *alloc = stele__domain_alloc(domain);
    stele_logs *logs = stele__allocate_zero(alloc, sizeof *logs);
    if (!logs) {
        return stele__fail_memory(reterr);
    }
    logs->domain = domain;
    logs->alloc = alloc;
    logs->clock = stele__domain_clock(domain);
    logs->options = *given;
    logs->options.events_max = given->events_max ? given->events_max : EVENTS_MAX_DEFAULT;
    logs->name_size = text.size;
    memcpy(logs->name, name, text.size + 1);
    *ret_logs = logs;
    return STELE_OK;
}

void stele_logs_close(stele_logs *logs)
{
    if (logs) {
        stele__release(logs->alloc, logs, sizeof *logs);
    }
}

stele_status stele__log_stream(const stele_logs *logs, const char *log_id,
                               char ret_stream[STELE_STREAM_NAME_SIZE_MAX + 1], stele_error *reterr)
{
    const stele_text id = log_id ? stele__text(log_id) : (stele_text){"", 0};
    if (id.size == 0 || id.size > STELE_LOG_ID_SIZE_MAX || !stele__text_is_utf8(id)) {
        return stele__fail(reterr, STELE_INVALID_NAME,
                           "a log id is UTF-8 of 1 to %d bytes, this one has %zu",
                           STELE_LOG_ID_SIZE_MAX, id.size);
    }
    memcpy(ret_stream, logs->name, logs->name_size);
    ret_stream[logs->name_size] = '-';
    memcpy(ret_stream + logs->name_size + 1, id.data, id.size + 1);
    return STELE_OK;
}

stele_status stele__log_missing(const stele_logs *logs, const char *log_id, stele_error *reterr)
{
    return stele__fail(reterr, STELE_NOT_FOUND_STREAM, "there is no %s %s", logs->name, log_id);
}

/* Of the log of a stream. (Its id may have been given by the very token that is replaced.) */
static stele_log_token make_token(const stele_logs *logs, const char *stream, uint64_t next_index)
{
    stele_log_token token = {.next_index = next_index};
    const char *log_id = stream + logs->name_size + 1;
    memcpy(token.log_id, log_id, strlen(log_id) + 1);
    return token;
}

/* ---- keys */

static stele_status make_key(const stele_log_options *options, char ret_key[STELE_KEY_SIZE_MAX + 1],
                             stele_error *reterr)
{
    const size_t size = strlen(options->key);
    if (size == 0 || size > STELE_KEY_SIZE_MAX - KEY_PREFIX_SIZE) {
        return stele__fail(reterr, STELE_INVALID_LIMIT,
                           "an idempotency key has %zu bytes; 1 to %d can be", size,
                           STELE_KEY_SIZE_MAX - KEY_PREFIX_SIZE);
    }
    memcpy(ret_key, KEY_PREFIX, KEY_PREFIX_SIZE);
    memcpy(ret_key + KEY_PREFIX_SIZE, options->key, size + 1);
    return STELE_OK;
}

/* Where the commit with a key stands: its log, and its first index. */
static stele_status find_origin(const stele_logs *logs, const stele_receipt *receipt,
                                stele_log_replay *ret_replay, stele_error *reterr)
{
    stele_cursor *cursor;
    stele_error own;
    stele_error *error = reterr ? reterr : &own;
    const stele_read read = {.from = {STELE_POINT_POSITION, receipt->first_position}, .limit = 1};
    STELE_TRY(stele_read_open(stele_domain_store(logs->domain), &read, &cursor, error));
    const stele_record *event = stele_cursor_next(cursor, error);
    stele_status status = error->status;
    if (event) {
        const char *dash = memchr(event->stream.data, '-', event->stream.size);
        const size_t begin = dash ? (size_t)(dash - event->stream.data) + 1 : event->stream.size;
        const size_t size = event->stream.size - begin;
        *ret_replay =
            (stele_log_replay){.index = event->revision,
                               .next_index = event->revision +
                                             (receipt->position - receipt->first_position) + 1,
                               .position = receipt->position};
        if (size == 0 || size > STELE_LOG_ID_SIZE_MAX) {
            status = stele__fail(error, STELE_CONFLICT_KEY,
                                 "the idempotency key belongs to something that is no log");
        } else {
            memcpy(ret_replay->log_id, event->stream.data + begin, size);
        }
    } else if (status == STELE_OK) {
        status = stele__fail(error, STELE_CONFLICT_KEY,
                             "the idempotency key belongs to an event that is gone");
    }
    stele_cursor_free(cursor);
    return status;
}

/* Fails with STELE_CONFLICT_REPLAY if the key was used before. */
static stele_status check_key(const stele_logs *logs, const stele_log_options *options,
                              const char *key, stele_error *reterr)
{
    stele_receipt receipt;
    stele_log_replay replay;
    const stele_status status =
        stele_key_find(stele_domain_store(logs->domain), key, &receipt, reterr);
    if (status == STELE_NOT_FOUND) {
        return stele__succeed(reterr);
    }
    STELE_TRY(status);
    STELE_TRY(find_origin(logs, &receipt, &replay, reterr));
    if (options->ret_replay) {
        *options->ret_replay = replay;
    }
    return stele__fail(reterr, STELE_CONFLICT_REPLAY,
                       "the idempotency key was used before: log %s, index %" PRIu64, replay.log_id,
                       replay.index);
}

/* ---- appending */

/* Puts the key into the metadata of events that have none, as a record does not tell its commit's.
 */
static stele_status copy_events(const stele_logs *logs, const stele_log_options *options,
                                const stele_event *events, size_t count, stele_writer *metadata,
                                stele_event **ret_events, stele_error *reterr)
{
    stele_event *copies = stele__allocate_array(logs->alloc, count, sizeof *copies);
    if (!copies) {
        return stele__fail_memory(reterr);
    }
    (void)stele_write(metadata, "{\"$idempotencyKey\":", 19);
    (void)stele_write_json_text(metadata, stele__text(options->key));
    (void)stele_write(metadata, "}", 1);
    for (size_t i = 0; i < count; i++) {
        copies[i] = events[i];
        if (events[i].metadata.size == 0) {
            copies[i].metadata = (stele_bytes){(const uint8_t *)metadata->data, metadata->size};
            copies[i].metadata_format = STELE_JSON;
        }
    }
    *ret_events = copies;
    if (metadata->has_failed) {
        stele__release(logs->alloc, copies, count * sizeof *copies);
        return stele__fail_memory(reterr);
    }
    return STELE_OK;
}

static stele_status append_at(const stele_logs *logs, const char *log_id, uint64_t next_index,
                              const stele_event *events, size_t count,
                              const stele_log_options *options, const char *key,
                              stele_error *reterr)
{
    char stream[STELE_STREAM_NAME_SIZE_MAX + 1];
    char text[2 * STELE_KEY_SIZE_MAX * 3 + 64];
    stele_receipt receipt;
    STELE_TRY(stele__log_stream(logs, log_id, stream, reterr));
    if (count > logs->options.events_max || next_index > logs->options.events_max - count) {
        return stele__fail(reterr, STELE_INVALID_LIMIT,
                           "the log %s is full: it has %" PRIu64 " events of at most %" PRIu64,
                           log_id, next_index, logs->options.events_max);
    }
    stele_writer metadata = stele_writer_in(text, sizeof text);
    stele_event *copies = NULL;
    if (key) {
        STELE_TRY(copy_events(logs, options, events, count, &metadata, &copies, reterr));
    }
    const stele_append_options appended = {.durability = options->durability, .key = key};
    const stele_expected expected =
        next_index == 0 ? STELE_NO_STREAM : (stele_expected)(next_index - 1);
    stele_status status =
        stele_append(stele_domain_store(logs->domain), stream, expected, copies ? copies : events,
                     count, &appended, &receipt, reterr);
    if (copies) {
        stele__release(logs->alloc, copies, count * sizeof *copies);
    }
    /* Somebody else has used the key since it was looked up. */
    if (key && ((status == STELE_OK && receipt.already_applied) || status == STELE_CONFLICT)) {
        stele_error later;
        const stele_status replayed = check_key(logs, options, key, &later);
        if (replayed != STELE_OK) {
            if (reterr) {
                *reterr = later;
            }
            return replayed;
        }
    }
    return status;
}

static stele_status append(const stele_logs *logs, const char *log_id, uint64_t next_index,
                           const stele_event *events, size_t count,
                           const stele_log_options *options, stele_error *reterr)
{
    static const stele_log_options defaults;
    const stele_log_options *given = options ? options : &defaults;
    char key[STELE_KEY_SIZE_MAX + 1];
    if (given->version != 0 || !events || count == 0) {
        return stele__fail(reterr, STELE_INVALID, "no events, or options of another version");
    }
    if (given->key) {
        STELE_TRY(make_key(given, key, reterr));
        STELE_TRY(check_key(logs, given, key, reterr));
    }
    return append_at(logs, log_id, next_index, events, count, given, given->key ? key : NULL,
                     reterr);
}

stele_status stele_logs_create(stele_logs *logs, const char *log_id, const stele_event *event,
                               const stele_log_options *options, stele_log_token *ret_token,
                               stele_error *reterr)
{
    char id[STELE_LOG_ID_SIZE_MAX + 1];
    char stream[STELE_STREAM_NAME_SIZE_MAX + 1];
    if (!logs || !ret_token) {
        return stele__fail(reterr, STELE_INVALID, "a log needs its manager and a place");
    }
    if (!log_id) {
        stele_log_id_new(logs->clock, logs->options.entropy, id);
        log_id = id;
    }
    STELE_TRY(stele__log_stream(logs, log_id, stream, reterr));
    STELE_TRY(append(logs, log_id, 0, event, 1, options, reterr));
    *ret_token = make_token(logs, stream, 1);
    return STELE_OK;
}

stele_status stele_logs_append(stele_logs *logs, stele_log_token *token, const stele_event *events,
                               size_t count, const stele_log_options *options, stele_error *reterr)
{
    if (!logs || !token) {
        return stele__fail(reterr, STELE_INVALID,
                           "appending to a log needs its manager and a token");
    }
    if (token->is_used) {
        return stele__fail(reterr, STELE_INVALID,
                           "the token of log %s was used up: reduce the log again", token->log_id);
    }
    token->is_used = 1;
    STELE_TRY(append(logs, token->log_id, token->next_index, events, count, options, reterr));
    token->next_index += count;
    token->is_used = 0;
    return STELE_OK;
}

/* ---- reducing */

stele_status stele_logs_reduce(stele_logs *logs, const stele_fold *fold, const char *log_id,
                               void *ret_state, stele_log_token *ret_token,
                               stele_loaded *ret_loaded, stele_error *reterr)
{
    char stream[STELE_STREAM_NAME_SIZE_MAX + 1];
    stele_loaded loaded;
    if (!logs || !ret_state) {
        return stele__fail(reterr, STELE_INVALID, "reducing needs a manager and a state");
    }
    STELE_TRY(stele__log_stream(logs, log_id, stream, reterr));
    STELE_TRY(stele_load(logs->domain, fold, stream, NULL, ret_state, &loaded, reterr));
    if (loaded.version == 0) {
        stele_fold_done(fold, ret_state);
        return stele__log_missing(logs, log_id, reterr);
    }
    if (ret_token) {
        *ret_token = make_token(logs, stream, loaded.version);
    }
    if (ret_loaded) {
        *ret_loaded = loaded;
    }
    return STELE_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of a log's events, and pages as JSON. */
#include "logs/logs.h"

#include "base/base64.h"
#include "base/json.h"
#include <stele/schema.h>

#include <inttypes.h>
#include <string.h>

/* A page with its events and their bytes, which stand in pieces of their own. */
typedef struct piece {
    struct piece *next;
    size_t size;
} piece;

typedef struct kept_page {
    const stele_alloc *alloc;
    stele_log_event *events;
    size_t capacity;
    piece *pieces;
    size_t bytes;
    stele_log_page page; /* what is handed out */
} kept_page;

static kept_page *kept_of(stele_log_page *page)
{
    return (kept_page *)((char *)page - offsetof(kept_page, page));
}

void stele_log_page_free(stele_log_page *page)
{
    if (page) {
        kept_page *it = kept_of(page);
        while (it->pieces) {
            piece *next = it->pieces->next;
            stele__release(it->alloc, it->pieces, it->pieces->size);
            it->pieces = next;
        }
        stele__release(it->alloc, it->events, it->capacity * sizeof *it->events);
        stele__release(it->alloc, it, sizeof *it);
    }
}

static const char *put(char **to, const void *bytes, size_t size)
{
    char *const at = *to;
    if (size > 0) {
        memcpy(at, bytes, size);
    }
    at[size] = '\0';
    *to = at + size + 1;
    return at;
}

/* The key that the metadata names; "" if it names none. */
static void read_key(const stele_bytes *metadata, char ret_key[STELE_KEY_SIZE_MAX + 1])
{
    static const stele_field field = {.member = "$idempotencyKey",
                                      .alias = "",
                                      .size = STELE_KEY_SIZE_MAX + 1,
                                      .kind = STELE_KIND_TEXT};
    stele__json_scanner scanner;
    stele__json_value name;
    stele__json_value value;
    ret_key[0] = '\0';
    stele__json_begin(&scanner, (const char *)metadata->data, metadata->size);
    if (metadata->size == 0 || !stele__json_enter(&scanner, '{')) {
        return;
    }
    for (bool is_first = true; stele__json_next_member(&scanner, is_first, &name, &value) > 0;
         is_first = false) {
        if (stele__json_is_text(&name, field.member) && value.kind == STELE_JSON_STRING &&
            stele_field_read_json(&field, value.text, value.size, ret_key, NULL) != STELE_OK) {
            ret_key[0] = '\0';
        }
    }
}

static stele_status add_event(kept_page *it, const stele_record *record, stele_error *reterr)
{
    char key[STELE_KEY_SIZE_MAX + 1];
    read_key(&record->metadata, key);
    const size_t key_size = strlen(key);
    size_t size = sizeof(piece) + key_size + 1 + (record->tag_count + 1) * sizeof(char *) +
                  record->type.size + record->data.size + record->metadata.size +
                  record->stream.size + 4;
    for (size_t i = 0; i < record->tag_count; i++) {
        size += record->tags[i].size + 1;
    }
    if (size > STELE_LOG_PAGE_BYTES_MAX - it->bytes) {
        return stele__fail(reterr, STELE_INVALID_LIMIT,
                           "the page would have more than %zu bytes: ask for fewer events",
                           STELE_LOG_PAGE_BYTES_MAX);
    }
    piece *memory = stele__allocate(it->alloc, size);
    if (!memory || !stele__reserve(it->alloc, (void **)&it->events, &it->capacity,
                                   it->page.count + 1, sizeof *it->events)) {
        stele__release(it->alloc, memory, size);
        return stele__fail_memory(reterr);
    }
    *memory = (piece){it->pieces, size};
    it->pieces = memory;
    it->bytes += size;
    const char **tags = (const char **)(memory + 1);
    char *to = (char *)(tags + record->tag_count + 1);
    for (size_t i = 0; i < record->tag_count; i++) {
        tags[i] = put(&to, record->tags[i].data, record->tags[i].size);
    }
    stele_log_event *event = &it->events[it->page.count++];
    *event = (stele_log_event){.index = record->revision, .recorded_at = record->time};
    event->event =
        (stele_event){.id = record->id,
                      .stream = put(&to, record->stream.data, record->stream.size),
                      .type = put(&to, record->type.data, record->type.size),
                      .data_format = record->data_format,
                      .metadata_format = record->metadata_format,
                      .data = {(const uint8_t *)put(&to, record->data.data, record->data.size),
                               record->data.size},
                      .metadata = {(const uint8_t *)put(&to, record->metadata.data,
                                                        record->metadata.size),
                                   record->metadata.size},
                      .tags = tags,
                      .tag_count = record->tag_count};
    event->key = (stele_text){put(&to, key, key_size), key_size};
    return STELE_OK;
}

static stele_status read_page(kept_page *it, stele_cursor *cursor, size_t max, stele_error *reterr)
{
    const stele_record *record;
    while ((record = stele_cursor_next(cursor, reterr)) != NULL) {
        if (it->page.count == max) {
            it->page.has_more = 1;
            return STELE_OK;
        }
        STELE_TRY(add_event(it, record, reterr));
    }
    return reterr->status;
}

stele_status stele_logs_load(stele_logs *logs, const char *log_id, uint64_t from_index, size_t max,
                             stele_log_page **ret_page, stele_error *reterr)
{
    char stream[STELE_STREAM_NAME_SIZE_MAX + 1];
    stele_error own;
    stele_error *error = reterr ? reterr : &own;
    stele_cursor *cursor;
    if (!logs || !ret_page || max > STELE_LOG_PAGE_MAX) {
        return stele__fail(error, max > STELE_LOG_PAGE_MAX ? STELE_INVALID_LIMIT : STELE_INVALID,
                           "a page needs a manager and a place, and has at most %zu events",
                           STELE_LOG_PAGE_MAX);
    }
    max = max ? max : STELE_LOG_PAGE_MAX;
    STELE_TRY(stele__log_stream(logs, log_id, stream, error));
    const stele_read read = {.stream = stream,
                             .from = {STELE_POINT_REVISION, from_index},
                             .limit = (uint64_t)max + 1};
    stele_status status = stele_read_open(stele_domain_store(logs->domain), &read, &cursor, error);
    if (status == STELE_NOT_FOUND) {
        return stele__log_missing(logs, log_id, error);
    }
    STELE_TRY(status);
    kept_page *it = stele__allocate_zero(logs->alloc, sizeof *it);
    if (it) {
        it->alloc = logs->alloc;
        status = read_page(it, cursor, max, error);
        it->page.events = it->events;
    } else {
        status = stele__fail_memory(error);
    }
    stele_cursor_free(cursor);
    if (status != STELE_OK) {
        stele_log_page_free(it ? &it->page : NULL);
        return status;
    }
    *ret_page = &it->page;
    return stele__succeed(error);
}

/* ---- as JSON */

static void write_base64(stele_writer *to, const stele_bytes *bytes)
{
    char text[256];
    (void)stele_write(to, "\"", 1);
    for (size_t at = 0; at < bytes->size;) { /* whole groups of three bytes, but for the last */
        const size_t piece_size = bytes->size - at < 180 ? bytes->size - at : 180;
        (void)stele_write(to, text, stele__base64_print(bytes->data + at, piece_size, text));
        at += piece_size;
    }
    (void)stele_write(to, "\"", 1);
}

static void write_event(const stele_log_event *it, stele_writer *to)
{
    char time[STELE_TIME_TEXT_SIZE];
    stele_time_print(it->recorded_at, time);
    (void)stele_writef(to, "{\"index\":%" PRIu64 ",\"recorded_at\":\"%s\",\"idempotency_key\":",
                       it->index, time);
    if (it->key.size > 0) {
        (void)stele_write_json_text(to, it->key);
    } else {
        (void)stele_write(to, "null", 4);
    }
    (void)stele_write(to, ",\"event_type\":", 14);
    (void)stele_write_json_text(to, stele__text(it->event.type));
    (void)stele_write(to, ",\"event\":", 9);
    if (it->event.data_format == STELE_JSON &&
        stele__json_is_valid((const char *)it->event.data.data, it->event.data.size)) {
        (void)stele_write(to, it->event.data.data, it->event.data.size);
    } else {
        write_base64(to, &it->event.data);
    }
    (void)stele_write(to, "}", 1);
}

stele_status stele_log_page_write_json(const stele_log_page *page, stele_writer *to,
                                       stele_error *reterr)
{
    (void)stele_write(to, "[", 1);
    for (size_t i = 0; i < page->count; i++) {
        if (i > 0) {
            (void)stele_write(to, ",", 1);
        }
        write_event(&page->events[i], to);
    }
    (void)stele_write(to, "]", 1);
    return to->has_failed ? stele__fail_memory(reterr) : STELE_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What belongs to one stream: its description, its metadata (the stream `$$<stream>`), deletion and
 * tombstones. Deletion is a metadata event, a tombstone an event of its own; the backend knows by
 * the intent which expectations apply.
 */
#include "store/store.h"

#include "core/core.h"

#include <inttypes.h>

/* What deletes a stream: everything before the greatest revision is truncated. */
#define DELETION_JSON "{\"$tb\":9223372036854775807}"

static const stele__place the_stream = {"stream", SIZE_MAX, NULL, 0};
static const stele__place the_expectation = {"expectation", SIZE_MAX, NULL, 0};

/* The name of a stream's metadata stream. `$all` has one, too. */
typedef struct metastream_name {
    char text[STELE_STREAM_NAME_SIZE_MAX + 1];
} metastream_name;

static stele_status name_metastream(const char *stream, metastream_name *ret_name,
                                    stele_error *reterr)
{
    size_t size = 0;
    STELE_TRY(stele__check_name(stream, STELE_STREAM_NAME_SIZE_MAX, the_stream, &size, reterr));
    if (strncmp(stream, "$$", 2) == 0) {
        return stele__fail(reterr, STELE_INVALID_NAME,
                           "%s is a metadata stream, which has no metadata and cannot be "
                           "deleted",
                           stream);
    }
    if (size + 2 > STELE_STREAM_NAME_SIZE_MAX) {
        return stele__fail(reterr, STELE_INVALID_LIMIT,
                           "the stream has %zu bytes, so the name of its metadata stream "
                           "would have %zu; at most %d are allowed",
                           size, size + 2, STELE_STREAM_NAME_SIZE_MAX);
    }
    memcpy(ret_name->text, "$$", 2);
    memcpy(ret_name->text + 2, stream, size + 1);
    return STELE_OK;
}

/* ---- Keys. */

stele_status stele_key_find(stele_store *store, const char *key, stele_receipt *ret_receipt,
                            stele_error *reterr)
{
    stele_error local;
    stele_error *error = reterr ? reterr : &local;
    stele_receipt receipt;
    STELE_TRY(stele__store_enter(store, error));
    STELE_TRY(stele__check_name(key, STELE_KEY_SIZE_MAX, (stele__place){"key", SIZE_MAX, NULL, 0},
                                NULL, error));
    STELE_TRY(store->backend->table->find_key(store->backend, key, &receipt, error));
    if (ret_receipt) {
        *ret_receipt = receipt;
    }
    return stele__succeed(error);
}

/* ---- Describing. */

stele_status stele_stream_describe(stele_store *store, const char *stream,
                                   stele_stream_info *ret_info, stele_error *reterr)
{
    stele_error local;
    stele_error *error = reterr ? reterr : &local;
    stele_stream_info info;
    STELE_TRY(stele__store_enter(store, error));
    STELE_TRY(stele__check_stream(stream, the_stream, NULL, error));
    STELE_TRY(store->backend->table->describe_stream(store->backend, stream, &info, error));
    if (ret_info) {
        *ret_info = info;
    }
    return stele__succeed(error);
}

/* ---- Metadata. */

static stele_status fill_metadata(const stele_store *store, const stele_record *record,
                                  stele_metadata *ret_metadata, stele_error *reterr)
{
    stele__core_metadata parsed = {.has_truncate_before = false};
    uint8_t *json = stele__allocate(store->alloc, record->data.size);
    if (!json) {
        return stele__fail_memory(reterr);
    }
    /* Other events in a metadata stream are handed out, but say nothing. */
    const bool speaks = stele__text_equal(record->type, stele__text(STELE_TYPE_METADATA));
    (void)stele__core_metadata_parse(record->data.data, speaks ? record->data.size : 0, &parsed);
    if (record->data.size > 0) {
        memcpy(json, record->data.data, record->data.size);
    }
    *ret_metadata = (stele_metadata){.revision = (int64_t)record->revision,
                                     .truncate_before = parsed.truncate_before,
                                     .max_count = parsed.max_count,
                                     .max_age_seconds = parsed.max_age_seconds,
                                     .json = {json, record->data.size},
                                     .alloc = store->alloc};
    return STELE_OK;
}

static stele_status read_metadata(stele_store *store, const char *metastream,
                                  stele_metadata *ret_metadata, stele_error *reterr)
{
    const stele_backend_table *table = store->backend->table;
    const stele_read read = {.direction = STELE_BACKWARDS, .stream = metastream, .limit = 1};
    stele_backend_cursor *cursor = NULL;
    stele_status status = STELE_OK;
    STELE_TRY(table->read_open(store->backend, &read, 0, &cursor, reterr));
    const stele_record *record = table->read_next(cursor, reterr);
    if (record) {
        status = fill_metadata(store, record, ret_metadata, reterr);
    } else if (reterr->status != STELE_OK) {
        status = reterr->status;
    } else {
        *ret_metadata = (stele_metadata){.revision = -1};
    }
    table->read_free(cursor);
    return status;
}

stele_status stele_metadata_read(stele_store *store, const char *stream,
                                 stele_metadata *ret_metadata, stele_error *reterr)
{
    stele_error local;
    stele_error *error = reterr ? reterr : &local;
    metastream_name name;
    STELE_TRY(stele__store_enter(store, error));
    STELE_TRY(name_metastream(stream, &name, error));
    if (!ret_metadata) {
        return stele__fail(error, STELE_INVALID, "ret_metadata is NULL");
    }
    STELE_TRY(read_metadata(store, name.text, ret_metadata, error));
    return stele__succeed(error);
}

void stele_metadata_done(stele_metadata *metadata)
{
    if (!metadata) {
        return;
    }
    if (metadata->alloc && metadata->json.data) {
        union {
            const uint8_t *lent;
            void *owned;
        } json = {.lent = metadata->json.data};
        stele__release(metadata->alloc, json.owned, metadata->json.size);
    }
    *metadata = (stele_metadata){.revision = -1};
}

stele_status stele_metadata_write(stele_store *store, const char *stream, stele_expected expected,
                                  const char *json, size_t json_size,
                                  const stele_append_options *options, stele_receipt *ret_receipt,
                                  stele_error *reterr)
{
    stele_error local;
    stele_error *error = reterr ? reterr : &local;
    metastream_name name;
    STELE_TRY(stele__store_enter_writer(store, error));
    STELE_TRY(name_metastream(stream, &name, error));
    STELE_TRY(stele__check_expected(expected, true, the_expectation, error));
    stele__core_metadata parsed;
    if (!stele__core_metadata_parse((const uint8_t *)json, json_size, &parsed)) {
        stele__fail(error, STELE_INVALID, "the metadata for %s is not a JSON object", stream);
        stele__hint(error, "metadata is UTF-8 text in braces, like {\"$maxCount\":100}");
        return STELE_INVALID;
    }
    const stele_event event = {.type = STELE_TYPE_METADATA,
                               .stream = name.text,
                               .data_format = STELE_JSON,
                               .data = {(const uint8_t *)json, json_size}};
    const stele_check check = {name.text, expected};
    const stele_commit commit = {
        .events = &event, .event_count = 1, .checks = &check, .check_count = 1, .options = options};
    return stele__store_append(store, STELE_INTENT_APPEND, &commit, ret_receipt, NULL, error);
}

/* ---- Deletion and tombstones. */

/* Hands over one event for `target` under an expectation of `stream`. */
static stele_status append_end(stele_store *store, stele_intent intent, const stele_event *event,
                               const char *stream, stele_expected expected,
                               const stele_append_options *options, stele_receipt *ret_receipt,
                               stele_error *reterr)
{
    const stele_check check = {stream, expected};
    const stele_commit commit = {
        .events = event, .event_count = 1, .checks = &check, .check_count = 1, .options = options};
    STELE_TRY(stele__check_expected(expected, true, the_expectation, reterr));
    return stele__store_append(store, intent, &commit, ret_receipt, NULL, reterr);
}

stele_status stele_delete(stele_store *store, const char *stream, stele_expected expected,
                          const stele_append_options *options, stele_receipt *ret_receipt,
                          stele_error *reterr)
{
    stele_error local;
    stele_error *error = reterr ? reterr : &local;
    metastream_name name;
    STELE_TRY(stele__store_enter_writer(store, error));
    STELE_TRY(stele__check_stream(stream, the_stream, NULL, error));
    STELE_TRY(name_metastream(stream, &name, error));
    const stele_event event = {.type = STELE_TYPE_METADATA,
                               .stream = name.text,
                               .data_format = STELE_JSON,
                               .data = {(const uint8_t *)DELETION_JSON, sizeof DELETION_JSON - 1}};
    return append_end(store, STELE_INTENT_DELETE, &event, stream, expected, options, ret_receipt,
                      error);
}

stele_status stele_tombstone(stele_store *store, const char *stream, stele_expected expected,
                             const stele_append_options *options, stele_receipt *ret_receipt,
                             stele_error *reterr)
{
    stele_error local;
    stele_error *error = reterr ? reterr : &local;
    STELE_TRY(stele__store_enter_writer(store, error));
    STELE_TRY(stele__check_stream(stream, the_stream, NULL, error));
    if (strncmp(stream, "$$", 2) == 0) {
        return stele__fail(error, STELE_INVALID_NAME,
                           "%s is a metadata stream, which cannot be deleted", stream);
    }
    const stele_event event = {.type = STELE_TYPE_TOMBSTONE, .stream = stream};
    return append_end(store, STELE_INTENT_TOMBSTONE, &event, stream, expected, options, ret_receipt,
                      error);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stream metadata: the few keys of a JSON object that Stele itself reads, and the rewriting of one
 * of them when a deleted stream is recreated. The only place of the library that parses JSON.
 */
#include "core/core.h"

#include <jansson.h>

/* NULL: not an object, or no memory, which ret_error tells apart. */
static json_t *load_object(const void *json, size_t size, json_error_t *ret_error)
{
    json_t *root =
        json_loadb(json ? json : "", size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, ret_error);
    if (root && !json_is_object(root)) {
        json_decref(root);
        return NULL;
    }
    return root;
}

static bool read_integer(const json_t *object, const char *key, int64_t *ret_value)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_integer(value) || json_integer_value(value) < 0) {
        return false;
    }
    *ret_value = (int64_t)json_integer_value(value);
    return true;
}

stele_status stele__core_metadata_load(const uint8_t *json, size_t size,
                                       stele__core_metadata *ret_metadata, bool *ret_is_object,
                                       stele_error *reterr)
{
    json_error_t error = {.line = 0};
    json_t *root = load_object(json, size, &error);
    if (!root && json_error_code(&error) == json_error_out_of_memory) {
        return stele__fail_memory(reterr);
    }
    *ret_metadata = (stele__core_metadata){.has_truncate_before = false};
    *ret_is_object = root != NULL;
    int64_t value;
    if (root && read_integer(root, "$tb", &value)) {
        ret_metadata->has_truncate_before = true;
        ret_metadata->truncate_before = (uint64_t)value;
    }
    if (root && read_integer(root, "$maxCount", &value)) {
        ret_metadata->max_count = (uint64_t)value;
    }
    if (root && read_integer(root, "$maxAge", &value)) {
        ret_metadata->max_age_seconds = value;
    }
    json_decref(root);
    return STELE_OK;
}

bool stele__core_metadata_parse(const uint8_t *json, size_t size,
                                stele__core_metadata *ret_metadata)
{
    bool is_object = false;
    return stele__core_metadata_load(json, size, ret_metadata, &is_object, NULL) == STELE_OK &&
           is_object;
}

bool stele__core_is_json_object(const char *json, size_t size)
{
    json_error_t error;
    json_t *root = load_object(json, size, &error);
    json_decref(root);
    return root != NULL;
}

/* Where JSON is printed to. The printer goes on after some chunks that could not be taken, and then
 * tells of success, so the failure is kept here. */
typedef struct json_sink {
    stele__buffer *buffer;
    bool has_failed;
} json_sink;

static int write_chunk(const char *chunk, size_t size, void *context)
{
    json_sink *sink = context;
    sink->has_failed = sink->has_failed || !stele__buffer_append(sink->buffer, chunk, size);
    return sink->has_failed ? -1 : 0;
}

stele_status stele__core_metadata_truncate(const uint8_t *json, size_t size,
                                           uint64_t truncate_before, stele__buffer *buffer,
                                           stele_error *reterr)
{
    json_error_t error = {.line = 0};
    json_sink sink = {.buffer = buffer};
    json_t *root = load_object(json, size, &error);
    if (!root && json_error_code(&error) != json_error_out_of_memory) {
        root = json_object();
    }
    const int failed =
        !root || json_object_set_new(root, "$tb", json_integer((json_int_t)truncate_before)) ||
        json_dump_callback(root, write_chunk, &sink, JSON_COMPACT);
    json_decref(root);
    return failed || sink.has_failed ? stele__fail_memory(reterr) : STELE_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stream metadata for the memory backend: which keys count, and the object with another `$tb`. (The
 * JSON library takes its memory from the C library, not from the store's allocator.)
 */
#include "backends/memory/model.h"

#include <jansson.h>

/* *ret_object is NULL if the text is not an object. */
static stele_status load_object(stele_bytes json, json_t **ret_object, stele_error *reterr)
{
    json_error_t error = {.line = 0};
    json_t *root = json_loadb(json.size ? (const char *)json.data : "", json.size,
                              JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (!root && json_error_code(&error) == json_error_out_of_memory) {
        return stele__fail_memory(reterr);
    }
    if (root && !json_is_object(root)) {
        json_decref(root);
        root = NULL;
    }
    *ret_object = root;
    return STELE_OK;
}

/* Anything but a non-negative integer counts as absent, which is 0. */
static uint64_t read_key(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    const json_int_t number = json_is_integer(value) ? json_integer_value(value) : 0;
    return number > 0 ? (uint64_t)number : 0;
}

stele_status stele__memory_metadata_parse(stele_bytes json, memory_metadata *ret_metadata,
                                          stele_error *reterr)
{
    json_t *object = NULL;
    STELE_TRY(load_object(json, &object, reterr));
    const uint64_t truncate_before = read_key(object, "$tb");
    *ret_metadata = (memory_metadata){
        .is_deleted = truncate_before == STELE_TRUNCATE_ALL,
        .truncate_before = truncate_before,
        .max_count = read_key(object, "$maxCount"),
        .max_age_seconds = (int64_t)read_key(object, "$maxAge"),
    };
    json_decref(object);
    return STELE_OK;
}

/* Copies the text of an object that the JSON library has written. */
static bool dump_object(const stele_alloc *alloc, const json_t *object, char **ret_json,
                        size_t *ret_size)
{
    const size_t size = json_dumpb(object, NULL, 0, JSON_COMPACT);
    char *json = size > 0 ? stele__allocate(alloc, size) : NULL;
    if (!json) {
        return false;
    }
    if (json_dumpb(object, json, size, JSON_COMPACT) != size) {
        stele__release(alloc, json, size);
        return false;
    }
    *ret_json = json;
    *ret_size = size;
    return true;
}

stele_status stele__memory_metadata_truncate(const stele_alloc *alloc, stele_bytes json,
                                             uint64_t truncate_before, char **ret_json,
                                             size_t *ret_size, stele_error *reterr)
{
    json_t *object = NULL;
    STELE_TRY(load_object(json, &object, reterr));
    if (!object) {
        object = json_object();
    }
    const bool is_done =
        object &&
        json_object_set_new(object, "$tb", json_integer((json_int_t)truncate_before)) == 0 &&
        dump_object(alloc, object, ret_json, ret_size);
    json_decref(object);
    return is_done ? STELE_OK : stele__fail_memory(reterr);
}

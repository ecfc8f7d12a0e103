/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stream metadata: the few keys of a JSON object that Stele itself reads, and the rewriting of one
 * of them when a deleted stream is recreated. All else in the object is the user's, and is handed
 * on as it stands, numbers of any length included. Of members with the same name the last one
 * counts, as nearly all readers of JSON have it.
 */
#include "core/core.h"

#include "base/json.h"

#include <inttypes.h>
#include <stdio.h>

static void read_member(const stele__json_value *name, const stele__json_value *value,
                        stele__core_metadata *metadata)
{
    int64_t number = 0;
    const bool is_number = stele__json_integer(value, &number);
    if (stele__json_is_text(name, "$tb")) {
        metadata->has_truncate_before = is_number;
        metadata->truncate_before = (uint64_t)number;
    } else if (stele__json_is_text(name, "$maxCount")) {
        metadata->max_count = (uint64_t)number;
    } else if (stele__json_is_text(name, "$maxAge")) {
        metadata->max_age_seconds = number;
    }
}

bool stele__core_metadata_parse(const uint8_t *json, size_t size,
                                stele__core_metadata *ret_metadata)
{
    static const stele__core_metadata nothing = {.has_truncate_before = false};
    stele__json_scanner scanner;
    stele__json_value name;
    stele__json_value value;
    *ret_metadata = nothing;
    stele__json_begin(&scanner, json ? (const char *)json : "", json ? size : 0);
    int more = stele__json_enter(&scanner, '{') ? 1 : -1;
    for (bool is_first = true; more > 0; is_first = false) {
        more = stele__json_next_member(&scanner, is_first, &name, &value);
        if (more > 0) {
            read_member(&name, &value, ret_metadata);
        }
    }
    if (more < 0 || !stele__json_finish(&scanner)) {
        *ret_metadata = nothing;
        return false;
    }
    return true;
}

/* Appends the members of an object but for `$tb`, each with a comma behind it. */
static bool append_others(stele__buffer *buffer, const uint8_t *json, size_t size)
{
    stele__json_scanner scanner;
    stele__json_value name;
    stele__json_value value;
    stele__json_begin(&scanner, (const char *)json, size);
    bool is_done = stele__json_enter(&scanner, '{');
    for (bool is_first = true;
         is_done && stele__json_next_member(&scanner, is_first, &name, &value) > 0;
         is_first = false) {
        if (!stele__json_is_text(&name, "$tb")) {
            is_done = stele__buffer_append(buffer, name.text, name.size) &&
                      stele__buffer_append(buffer, ":", 1) &&
                      stele__buffer_append(buffer, value.text, value.size) &&
                      stele__buffer_append(buffer, ",", 1);
        }
    }
    return is_done;
}

stele_status stele__core_metadata_truncate(const uint8_t *json, size_t size,
                                           uint64_t truncate_before, stele__buffer *buffer,
                                           stele_error *reterr)
{
    char member[40];
    stele__core_metadata metadata;
    const bool is_object = stele__core_metadata_parse(json, size, &metadata);
    const int member_size =
        snprintf(member, sizeof member, "\"$tb\":%" PRIu64 "}", truncate_before);
    return stele__buffer_append(buffer, "{", 1) &&
                   (!is_object || append_others(buffer, json, size)) &&
                   stele__buffer_append(buffer, member, (size_t)member_size)
               ? STELE_OK
               : stele__fail_memory(reterr);
}

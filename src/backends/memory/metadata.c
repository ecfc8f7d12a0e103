/* SPDX-License-Identifier: Apache-2.0 */
/* Stream metadata for the memory backend: which keys count, and the object with another `$tb`. What
 * JSON means is no matter of opinion, so that it is read by core. */
#include "backends/memory/model.h"

stele_status stele__memory_metadata_parse(stele_bytes json, memory_metadata *ret_metadata,
                                          stele_error *reterr)
{
    stele__core_metadata metadata;
    (void)reterr;
    (void)stele__core_metadata_parse(json.data, json.size, &metadata);
    *ret_metadata = (memory_metadata){
        .is_deleted = metadata.truncate_before == STELE_TRUNCATE_ALL,
        .truncate_before = metadata.truncate_before,
        .max_count = metadata.max_count,
        .max_age_seconds = metadata.max_age_seconds,
    };
    return STELE_OK;
}

stele_status stele__memory_metadata_truncate(const stele_alloc *alloc, stele_bytes json,
                                             uint64_t truncate_before, char **ret_json,
                                             size_t *ret_size, stele_error *reterr)
{
    stele__buffer buffer = {.alloc = alloc};
    stele_status status =
        stele__core_metadata_truncate(json.data, json.size, truncate_before, &buffer, reterr);
    char *copy = status == STELE_OK ? stele__allocate(alloc, buffer.size) : NULL;
    if (copy) {
        memcpy(copy, buffer.data, buffer.size);
        *ret_json = copy;
        *ret_size = buffer.size;
    } else if (status == STELE_OK) {
        status = stele__fail_memory(reterr);
    }
    stele__buffer_done(&buffer);
    return status;
}

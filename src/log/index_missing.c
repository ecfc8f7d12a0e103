/* SPDX-License-Identifier: Apache-2.0 */
/* Index files: what stands in the place of one that is missing, until it is built again. */
#include "log/index_format.h"

#include <inttypes.h>

stele_status stele__index_missing(const stele_alloc *alloc, const stele__index_segment *segment,
                                  stele__index **ret_index, stele_error *reterr)
{
    static const char name[] = "(missing)";
    stele__index *index = stele__allocate_zero(alloc, sizeof *index);
    char *path = index ? stele__allocate(alloc, sizeof name) : NULL;
    stele__index_segment *segments = path ? stele__allocate(alloc, sizeof *segments) : NULL;
    if (!segments) {
        stele__release(alloc, path, sizeof name);
        stele__release(alloc, index, sizeof *index);
        return stele__fail_memory(reterr);
    }
    memcpy(path, name, sizeof name);
    *segments = *segment;
    index->alloc = alloc;
    index->path = path;
    index->path_size = sizeof name;
    atomic_init(&index->references, 1);
    index->is_missing = true;
    index->segments = segments;
    index->absent = segment->absent;
    index->header.segment_count = 1;
    index->header.first = segment->first;
    index->header.last = segment->last;
    *ret_index = index;
    return STELE_OK;
}

bool stele__index_is_missing(const stele__index *index)
{
    return index->is_missing;
}

stele__claim *stele__index_claim(stele__index *index)
{
    return &index->claim;
}

stele_status stele__index_fail_missing(const stele__index *index, stele_error *reterr)
{
    (void)stele__fail(reterr, STELE_CORRUPT_INDEX,
                      "the index of positions %" PRIu64 " to %" PRIu64 " has not been built yet",
                      index->header.first, index->header.last);
    stele__hint(reterr, "who writes to the store is building it; try again a little later");
    if (reterr) {
        reterr->conflict.position = index->header.first;
    }
    return STELE_CORRUPT;
}

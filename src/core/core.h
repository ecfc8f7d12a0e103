/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door of the room core: the nouns and rules that every part shares and that need neither files
 * nor locks. Any thread.
 */
#ifndef STELE_CORE_CORE_H
#define STELE_CORE_CORE_H

#include "base/base.h"
#include "core/stream_rules.h"

#include <stele/cursor.h>
#include <stele/event.h>
#include <stele/store.h>

/* What Stele reads of a stream's metadata. Absent, negative or non-integer values count as absent.
 */
typedef struct stele__core_metadata {
    bool has_truncate_before;
    uint64_t truncate_before; /* `$tb`; STELE_TRUNCATE_ALL marks a deleted stream */
    uint64_t max_count;       /* `$maxCount`, 0: none */
    int64_t max_age_seconds;  /* `$maxAge`, 0: none */
} stele__core_metadata;

/* Parses the data of a `$metadata` event. False if it is not a JSON object; then *ret_metadata is
 * that of an empty one, which is how such an event counts. `json` may be NULL. */
bool stele__core_metadata_parse(const uint8_t *json, size_t size,
                                stele__core_metadata *ret_metadata);

/* Appends to `buffer` the metadata `json` with `$tb` set to `truncate_before`, all else kept as it
 * stands (what is not an object counts as empty). STELE_NO_MEMORY is the only failure. */
stele_status stele__core_metadata_truncate(const uint8_t *json, size_t size,
                                           uint64_t truncate_before, stele__buffer *buffer,
                                           stele_error *reterr);

/* Whether a stream is the metadata stream of another: its name begins with "$$". */
static inline bool stele__core_is_metastream(stele_text stream)
{
    return stream.size > 2 && stream.data[0] == '$' && stream.data[1] == '$';
}

/* The text of an expectation or actual state for messages: "no stream", "revision 5", "any".
 * Written to `ret_text`. */
void stele__core_describe_expected(stele_expected expected, char *ret_text, size_t size);

/* Calls a completion of a store (any pointer that stands for it). */
void stele__core_complete(const void *store, stele_completion done, void *context,
                          stele_status status, const stele_receipt *receipt,
                          const stele_error *error);

/* STELE_INVALID if this thread is inside a completion of the store: it would wait for itself. */
stele_status stele__core_check_outside(const void *store, stele_error *reterr);

#endif

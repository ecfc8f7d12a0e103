/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file stele/event.h
 * @brief Events: as they are given to an append, and as they are read back.
 */
#ifndef STELE_EVENT_H
#define STELE_EVENT_H

#include "types.h"

#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * An event to be appended. Everything it points to is borrowed for the duration of the call. Zero-initialise and set
 * what you need; only `type` must be given.
 */
typedef struct stele_event {
    stele_uuid id;      /**< yours, for idempotency; all zero: a UUIDv7 is made, and no retry is recognised by it */
    const char *type;   /**< what happened, e.g. "account.opened" */
    const char *stream; /**< in a ::stele_commit: where it goes. Ignored by stele_append() */
    stele_format data_format;
    stele_format metadata_format;
    stele_bytes data;
    stele_bytes metadata;
    const char *const *tags; /**< duplicates are dropped */
    size_t tag_count;
} stele_event;

/** An event with JSON data, both strings borrowed and NUL-terminated. The JSON is not looked at. Any thread. */
static inline stele_event stele_json_event(const char *type, const char *json)
{
    stele_event event;
    memset(&event, 0, sizeof event);
    event.type = type;
    event.data_format = STELE_JSON;
    event.data.data = (const uint8_t *)json;
    event.data.size = json ? strlen(json) : 0;
    return event;
}

/** An event with binary data, `size` bytes, borrowed. Any thread. */
static inline stele_event stele_binary_event(const char *type, const void *data, size_t size)
{
    stele_event event;
    memset(&event, 0, sizeof event);
    event.type = type;
    event.data.data = (const uint8_t *)data;
    event.data.size = size;
    return event;
}

/**
 * An event as it stands in the store. Lent by a cursor: every view in it is valid until the next call on that cursor,
 * or its end.
 */
typedef struct stele_record {
    stele_position position;
    stele_revision revision; /**< ::STELE_REVISION_TOMBSTONE for a tombstone */
    stele_time time;         /**< when it was recorded; never decreases with the position */
    stele_uuid id;
    stele_text stream;
    stele_text type;
    stele_format data_format;
    stele_format metadata_format;
    stele_bytes data;
    stele_bytes metadata;
    const stele_text *tags;
    size_t tag_count;
} stele_record;

/** The type of the event that ends a stream for ever. */
#define STELE_TYPE_TOMBSTONE "$streamDeleted"
/** The type of the events in a stream's metadata stream `$$<stream>`. */
#define STELE_TYPE_METADATA "$metadata"

#ifdef __cplusplus
}
#endif
#endif

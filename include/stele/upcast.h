/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file stele/upcast.h
 * @brief Upcasters: events of old versions, read as those of today. What is stored never changes.
 *
 * A kind of event is written in versions: 1, 2, 3 …. The version stands in the event's JSON metadata as `"$version"`
 * (none: 1); an event that is decided with STELE_EVENT_VERSION() has it. An upcaster turns an event of one version into
 * that of the next: the same event in other words, an event of another type (a rename), several (a split), or none (it
 * means nothing any more). They are registered once, in any order; a chain is followed on every read, so a program only
 * knows the newest versions.
 *
 *     static stele_status name_is_split(const stele_record *old, stele_upcast *into, stele_error *reterr)
 *     {
 *         …
 *         const stele_event named = stele_json_event("customer.named", json);
 *         return stele_upcast_to(into, &named, reterr);
 *     }
 *     stele_upcaster steps[] = {{"customer.named", 1, name_is_split}, …};
 *     stele_upcasters_create(steps, count, &upcasters, &err);
 */
#ifndef STELE_UPCAST_H
#define STELE_UPCAST_H

#include "cursor.h"
#include "writer.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What an upcaster writes to. Lent for its call. */
typedef struct stele_upcast stele_upcast;

/** Turns an event, lent for the call, into what it is in the next version: by calls of stele_upcast_to(), any number,
 * or none to drop it. Must depend on nothing but the event. A failure ends the read with it. */
typedef stele_status (*stele_upcast_step)(const stele_record *old, stele_upcast *into, stele_error *reterr);

/** One step: from `from` to `from` + 1 of `type`. */
typedef struct stele_upcaster {
    const char *type;
    uint32_t from;
    stele_upcast_step step;
    const char *becomes; /**< of what types the events may be that it makes, if not of `type`: NULL, or names separated
                            by blanks; an event of another type is ::STELE_INTERNAL. They have version 1, or what
                            "name@3" says */
} stele_upcaster;

/** Adds an event to what the old one becomes, with the type, format and data of `event`, borrowed for the call.
 * Position, revision, stream, time, metadata and tags are those of the old one, and so is the id; of a split that of
 * the first: the others have ids made of it (RFC 9562, version 5). @return ::STELE_OK; ::STELE_INVALID;
 * ::STELE_NO_MEMORY. */
STELE_API STELE_MUST_CHECK stele_status stele_upcast_to(stele_upcast *into, const stele_event *event,
                                                        stele_error *reterr);

/** The steps that a program knows. Never changes; any thread. */
typedef struct stele_upcasters stele_upcasters;

/**
 * Registers steps, which are copied, names included. The graph of versions is checked: each step once; no gap in a
 * chain; no way round in a circle, also over renames.
 *
 * @return ::STELE_OK, and `*ret_upcasters` is *owned*: free it after everything that was given it; ::STELE_INVALID (the
 * message names the steps); ::STELE_NO_MEMORY.
 */
STELE_API STELE_MUST_CHECK stele_status stele_upcasters_create(const stele_upcaster *steps, size_t count,
                                                               stele_upcasters **ret_upcasters, stele_error *reterr);
/** Frees them. NULL is fine. */
STELE_API void stele_upcasters_free(stele_upcasters *upcasters);
/** The newest version of a type: 1 if no step is known. Any thread. */
STELE_API uint32_t stele_upcasters_newest(const stele_upcasters *upcasters, const char *type);

/** The version of an event, from its metadata. 1 if nothing says another. Any thread. */
STELE_API uint32_t stele_event_version(const stele_record *event);

/* ------------------------------------------------------------------------------------------------- reading --- */

/** A cursor of today's events. As ::stele_cursor in all that is not said here. */
typedef struct stele_upcast_cursor stele_upcast_cursor;

/** "As the program knew it": types that are not brought to their newest version but to this one, for readers that are
 * older than the store. */
typedef struct stele_wanted_version {
    const char *type;
    uint32_t version;
} stele_wanted_version;

/** Opens a read through upcasters (NULL: none). `limit`, prefixes, type and predicate of `read` are about what is
 * stored. `wanted` is borrowed until the cursor is freed. @return as stele_read_open(). */
STELE_API STELE_MUST_CHECK stele_status stele_upcast_open(stele_store *store, const stele_read *read,
                                                          const stele_upcasters *upcasters,
                                                          const stele_wanted_version *wanted, size_t wanted_count,
                                                          stele_upcast_cursor **ret_cursor, stele_error *reterr);
/** The next event, lent until the next call; NULL at the end, or on failure, which may be an upcaster's. */
STELE_API const stele_record *stele_upcast_next(stele_upcast_cursor *cursor, stele_error *reterr);
/** The cursor below, for its head and for waiting; not to be moved or freed. */
STELE_API stele_cursor *stele_upcast_below(stele_upcast_cursor *cursor);
/** Frees the cursor, and the one below. NULL is fine. */
STELE_API void stele_upcast_cursor_free(stele_upcast_cursor *cursor);

#ifdef __cplusplus
}
#endif
#endif

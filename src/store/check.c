/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks of single arguments: names, expectations, queries. A message says which argument it is
 * about, what was given and what is allowed; it is only put together when a check fails.
 */
#include "store/store.h"

#include <inttypes.h>
#include <stdio.h>

#define PLACE_TEXT_SIZE 96

static const char *print_place(stele__place place, char ret_text[PLACE_TEXT_SIZE])
{
    const bool is_numbered = place.part_index != SIZE_MAX;
    char part[40];
    if (is_numbered) {
        (void)snprintf(part, sizeof part, "%s %zu", place.part, place.part_index);
    } else {
        (void)snprintf(part, sizeof part, "the %s", place.part);
    }
    if (!place.whole) {
        (void)snprintf(ret_text, PLACE_TEXT_SIZE, "%s", part);
    } else if (place.whole_index != SIZE_MAX) {
        (void)snprintf(ret_text, PLACE_TEXT_SIZE, "%s of %s %zu", part, place.whole,
                       place.whole_index);
    } else {
        (void)snprintf(ret_text, PLACE_TEXT_SIZE, "%s of the %s", part, place.whole);
    }
    return ret_text;
}

/* ---- Names. */

stele_status stele__check_name(const char *name, size_t size_max, stele__place place,
                               size_t *ret_size, stele_error *reterr)
{
    char text[PLACE_TEXT_SIZE];
    if (!name) {
        return stele__fail(reterr, STELE_INVALID_NAME, "%s is missing", print_place(place, text));
    }
    const size_t size = strlen(name);
    if (size == 0) {
        return stele__fail(reterr, STELE_INVALID_NAME, "%s is empty", print_place(place, text));
    }
    if (size > size_max) {
        return stele__fail(reterr, STELE_INVALID_LIMIT, "%s has %zu bytes; at most %zu are allowed",
                           print_place(place, text), size, size_max);
    }
    if (!stele__text_is_utf8((stele_text){name, size})) {
        return stele__fail(reterr, STELE_INVALID_NAME, "%s is not UTF-8: '%s'",
                           print_place(place, text), name);
    }
    if (ret_size) {
        *ret_size = size;
    }
    return STELE_OK;
}

stele_status stele__check_stream(const char *name, stele__place place, size_t *ret_size,
                                 stele_error *reterr)
{
    char text[PLACE_TEXT_SIZE];
    STELE_TRY(stele__check_name(name, STELE_STREAM_NAME_SIZE_MAX, place, ret_size, reterr));
    if (name[0] != '$') {
        return STELE_OK;
    }
    if (strcmp(name, "$all") == 0) {
        stele__fail(reterr, STELE_INVALID_NAME, "%s is '$all', which stands for all streams",
                    print_place(place, text));
        stele__hint(reterr, "to read everything, name no stream");
        return STELE_INVALID;
    }
    if (strcmp(name, "$$") == 0) {
        return stele__fail(reterr, STELE_INVALID_NAME,
                           "%s is '$$', the metadata of a stream without a name",
                           print_place(place, text));
    }
    if (strncmp(name, "$$$$", 4) == 0) {
        return stele__fail(reterr, STELE_INVALID_NAME,
                           "%s is '%s', but metadata streams have no metadata",
                           print_place(place, text), name);
    }
    return STELE_OK;
}

/* ---- Expectations. */

stele_status stele__check_expected(stele_expected expected, bool is_written, stele__place place,
                                   stele_error *reterr)
{
    char text[PLACE_TEXT_SIZE];
    if (expected < STELE_IS_TOMBSTONED || expected == -3) {
        return stele__fail(reterr, STELE_INVALID,
                           "%s is %" PRId64 ", which is neither a revision nor a known value",
                           print_place(place, text), expected);
    }
    if (is_written && (expected == STELE_IS_DELETED || expected == STELE_IS_TOMBSTONED)) {
        return stele__fail(reterr, STELE_INVALID,
                           "%s is that the stream is %s, which cannot be asked of a stream that is "
                           "written",
                           print_place(place, text),
                           expected == STELE_IS_DELETED ? "deleted" : "tombstoned");
    }
    return STELE_OK;
}

/* ---- Queries. */

static stele_status check_terms(stele_names names, size_t size_max, const char *what, size_t item,
                                stele_error *reterr)
{
    if (names.count > STELE_QUERY_TERMS_MAX) {
        return stele__fail(reterr, STELE_INVALID_LIMIT,
                           "query item %zu has %zu %ss; at most %d are allowed", item, names.count,
                           what, STELE_QUERY_TERMS_MAX);
    }
    if (names.count > 0 && !names.names) {
        return stele__fail(reterr, STELE_INVALID,
                           "query item %zu has %zu %ss, but the list is NULL", item, names.count,
                           what);
    }
    for (size_t i = 0; i < names.count; i++) {
        STELE_TRY(stele__check_name(names.names[i], size_max,
                                    (stele__place){what, i, "query item", item}, NULL, reterr));
    }
    return STELE_OK;
}

stele_status stele__check_query(const stele_query *query, stele__place place, stele_error *reterr)
{
    char text[PLACE_TEXT_SIZE];
    if (!query) {
        return stele__fail(reterr, STELE_INVALID, "%s is missing", print_place(place, text));
    }
    if (query->everything && query->item_count > 0) {
        return stele__fail(reterr, STELE_INVALID, "%s has %zu items and is everything at once",
                           print_place(place, text), query->item_count);
    }
    if (!query->everything && query->item_count == 0) {
        stele__fail(reterr, STELE_INVALID, "%s has no items", print_place(place, text));
        stele__hint(reterr, "the query that every event matches has 'everything' set");
        return STELE_INVALID;
    }
    if (query->item_count > STELE_QUERY_ITEMS_MAX) {
        return stele__fail(reterr, STELE_INVALID_LIMIT, "%s has %zu items; at most %d are allowed",
                           print_place(place, text), query->item_count, STELE_QUERY_ITEMS_MAX);
    }
    if (query->item_count > 0 && !query->items) {
        return stele__fail(reterr, STELE_INVALID, "%s has %zu items, but the list is NULL",
                           print_place(place, text), query->item_count);
    }
    for (size_t i = 0; i < query->item_count; i++) {
        STELE_TRY(check_terms(query->items[i].types, STELE_TYPE_SIZE_MAX, "type", i, reterr));
        STELE_TRY(check_terms(query->items[i].tags, STELE_TAG_SIZE_MAX, "tag", i, reterr));
    }
    return STELE_OK;
}

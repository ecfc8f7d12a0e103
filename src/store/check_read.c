/* SPDX-License-Identifier: Apache-2.0 */
/* The checks of what is to be read or listed. */
#include "store/store.h"

#include <inttypes.h>

static stele__place only(const char *part)
{
    return (stele__place){part, SIZE_MAX, NULL, 0};
}

static stele_status check_sources(const stele_read *read, stele_error *reterr)
{
    const int sources = (read->stream != NULL) + (read->category != NULL) +
                        (read->event_type != NULL) + (read->tag != NULL) + (read->query != NULL);
    if (sources > 1) {
        stele__fail(reterr, STELE_INVALID,
                    "%d of stream, category, event_type, tag and query are set; at most one may be",
                    sources);
        stele__hint(reterr,
                    "prefixes, a predicate and a query with several terms narrow a read down");
        return STELE_INVALID;
    }
    if (read->stream) {
        return stele__check_stream(read->stream, only("stream"), NULL, reterr);
    }
    if (read->category) {
        return stele__check_name(read->category, STELE_STREAM_NAME_SIZE_MAX, only("category"), NULL,
                                 reterr);
    }
    if (read->event_type) {
        return stele__check_name(read->event_type, STELE_TYPE_SIZE_MAX, only("event type"), NULL,
                                 reterr);
    }
    if (read->tag) {
        return stele__check_name(read->tag, STELE_TAG_SIZE_MAX, only("tag"), NULL, reterr);
    }
    return read->query ? stele__check_query(read->query, only("query"), reterr) : STELE_OK;
}

static stele_status check_point(const stele_read *read, stele_point point, const char *what,
                                stele_error *reterr)
{
    if ((unsigned)point.kind > STELE_POINT_TIME) {
        return stele__fail(reterr, STELE_INVALID, "'%s' is a point of kind %d, which is none", what,
                           (int)point.kind);
    }
    if (point.kind == STELE_POINT_REVISION && !read->stream) {
        stele__fail(reterr, STELE_INVALID,
                    "'%s' is revision %" PRIu64 ", but only streams have revisions", what,
                    point.value);
        stele__hint(reterr, "give a position or a time, or name a stream");
        return STELE_INVALID;
    }
    return STELE_OK;
}

static stele_status check_prefixes(const char *const *prefixes, size_t count, const char *what,
                                   stele_error *reterr)
{
    if (count > STELE_PREFIXES_MAX) {
        return stele__fail(reterr, STELE_INVALID_LIMIT,
                           "there are %zu %ses; at most %d are allowed", count, what,
                           STELE_PREFIXES_MAX);
    }
    if (count > 0 && !prefixes) {
        return stele__fail(reterr, STELE_INVALID, "there are %zu %ses, but the list is NULL", count,
                           what);
    }
    for (size_t i = 0; i < count; i++) {
        if (!prefixes[i]) {
            return stele__fail(reterr, STELE_INVALID_NAME, "%s %zu is missing", what, i);
        }
        if (strlen(prefixes[i]) > STELE_STREAM_NAME_SIZE_MAX) {
            return stele__fail(reterr, STELE_INVALID_LIMIT,
                               "%s %zu has %zu bytes; at most %d are allowed", what, i,
                               strlen(prefixes[i]), STELE_STREAM_NAME_SIZE_MAX);
        }
    }
    return STELE_OK;
}

stele_status stele__check_read(const stele_read *read, stele_error *reterr)
{
    if (read->version != 0) {
        return stele__fail(reterr, STELE_INVALID,
                           "the read has version %" PRIu32 "; this library knows 0", read->version);
    }
    if ((unsigned)read->direction > STELE_BACKWARDS) {
        return stele__fail(reterr, STELE_INVALID, "the direction is %d, which is none",
                           (int)read->direction);
    }
    STELE_TRY(check_sources(read, reterr));
    STELE_TRY(check_point(read, read->from, "from", reterr));
    STELE_TRY(check_point(read, read->as_of, "as_of", reterr));
    STELE_TRY(
        check_prefixes(read->stream_prefixes, read->stream_prefix_count, "stream prefix", reterr));
    return check_prefixes(read->type_prefixes, read->type_prefix_count, "type prefix", reterr);
}

/* A bound of a list need not be a name that can be, so only its size counts. */
static stele_status check_bound(const char *bound, const char *what, stele_error *reterr)
{
    if (bound && strlen(bound) > STELE_STREAM_NAME_SIZE_MAX) {
        return stele__fail(reterr, STELE_INVALID_LIMIT,
                           "'%s' has %zu bytes; at most %d are allowed", what, strlen(bound),
                           STELE_STREAM_NAME_SIZE_MAX);
    }
    return STELE_OK;
}

stele_status stele__check_list(const stele_list *list, stele_error *reterr)
{
    if (list->version != 0) {
        return stele__fail(reterr, STELE_INVALID,
                           "the list has version %" PRIu32 "; this library knows 0", list->version);
    }
    if ((unsigned)list->kind > STELE_TAG_NAMES) {
        return stele__fail(reterr, STELE_INVALID, "the kind of names is %d, which is none",
                           (int)list->kind);
    }
    if (list->category && list->kind != STELE_STREAM_NAMES) {
        return stele__fail(reterr, STELE_INVALID,
                           "'category' is '%s', but only streams have a category", list->category);
    }
    STELE_TRY(check_bound(list->prefix, "prefix", reterr));
    STELE_TRY(check_bound(list->category, "category", reterr));
    return check_bound(list->after, "after", reterr);
}

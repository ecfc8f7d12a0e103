/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The check of a whole commit: events, expectations, conditions, and all limits. It runs on the
 * append path, so for usual commits it looks at every name once and takes no memory.
 */
#include "store/store.h"

#include <inttypes.h>

/* Up to so many checks are compared with one another one by one; up to so many by a table on the
 * stack, in which names that fall together cost no more than comparing all would; more are sorted.
 */
#define CHECKS_COMPARED_MAX 16
#define CHECKS_TABLED_MAX 256

static stele__place of_event(const char *part, size_t index)
{
    return (stele__place){part, SIZE_MAX, "event", index};
}

/* ---- Events. */

/* Adds the sizes of the distinct tags of an event. */
static stele_status check_tags(const stele_event *event, size_t index, size_t *size,
                               stele_error *reterr)
{
    stele_text distinct[STELE_EVENT_TAGS_MAX];
    size_t count = 0;
    if (event->tag_count > 0 && !event->tags) {
        return stele__fail(reterr, STELE_INVALID, "event %zu has %zu tags, but the list is NULL",
                           index, event->tag_count);
    }
    for (size_t i = 0; i < event->tag_count; i++) {
        stele_text tag = {event->tags[i], 0};
        STELE_TRY(stele__check_name(event->tags[i], STELE_TAG_SIZE_MAX,
                                    (stele__place){"tag", i, "event", index}, &tag.size, reterr));
        size_t j = 0;
        while (j < count && !stele__text_equal(distinct[j], tag)) {
            j++;
        }
        if (j < count) {
            continue;
        }
        if (count == STELE_EVENT_TAGS_MAX) {
            return stele__fail(reterr, STELE_INVALID_LIMIT,
                               "event %zu has more than %d distinct tags (%zu tags were given)",
                               index, STELE_EVENT_TAGS_MAX, event->tag_count);
        }
        distinct[count++] = tag;
        *size += tag.size;
    }
    return STELE_OK;
}

static stele_status check_formats(const stele_event *event, size_t index, stele_error *reterr)
{
    if ((unsigned)event->data_format > STELE_AVRO) {
        return stele__fail(reterr, STELE_INVALID,
                           "the data format of event %zu is %d, which is none", index,
                           (int)event->data_format);
    }
    if ((unsigned)event->metadata_format > STELE_PROTOBUF) {
        return stele__fail(reterr, STELE_INVALID,
                           "the metadata format of event %zu is %d; metadata is binary, JSON or "
                           "Protobuf",
                           index, (int)event->metadata_format);
    }
    return STELE_OK;
}

static stele_status check_payload(stele_bytes bytes, const char *part, size_t index,
                                  stele_error *reterr)
{
    if (bytes.size > 0 && !bytes.data) {
        return stele__fail(reterr, STELE_INVALID,
                           "the %s of event %zu has %zu bytes, but its address is NULL", part,
                           index, bytes.size);
    }
    if (bytes.size > STELE_EVENT_SIZE_MAX) {
        return stele__fail(reterr, STELE_INVALID_LIMIT,
                           "the %s of event %zu has %zu bytes; an event may have at most %zu", part,
                           index, bytes.size, STELE_EVENT_SIZE_MAX);
    }
    return STELE_OK;
}

/* Names that were checked last: events of one commit often point to the same ones. */
typedef struct checked_names {
    const char *stream;
    size_t stream_size;
    const char *type;
    size_t type_size;
} checked_names;

static stele_status check_event(const stele_event *event, size_t index, checked_names *names,
                                size_t *ret_size, stele_error *reterr)
{
    if (event->stream != names->stream || !event->stream) {
        STELE_TRY(stele__check_stream(event->stream, of_event("stream", index), &names->stream_size,
                                      reterr));
        names->stream = event->stream;
    }
    if (event->type != names->type || !event->type) {
        STELE_TRY(stele__check_name(event->type, STELE_TYPE_SIZE_MAX, of_event("type", index),
                                    &names->type_size, reterr));
        names->type = event->type;
    }
    size_t size = names->stream_size + names->type_size + event->data.size + event->metadata.size;
    STELE_TRY(check_formats(event, index, reterr));
    STELE_TRY(check_payload(event->data, "data", index, reterr));
    STELE_TRY(check_payload(event->metadata, "metadata", index, reterr));
    if (event->tag_count > 0) {
        STELE_TRY(check_tags(event, index, &size, reterr));
    }
    if (size > STELE_EVENT_SIZE_MAX) {
        return stele__fail(reterr, STELE_INVALID_LIMIT,
                           "event %zu has %zu bytes (data, metadata, names and tags); at most "
                           "%zu are allowed",
                           index, size, STELE_EVENT_SIZE_MAX);
    }
    *ret_size = size;
    return STELE_OK;
}

static stele_status check_events(const stele_store *store, const stele_commit *commit,
                                 stele_error *reterr)
{
    checked_names names = {.stream = NULL};
    size_t total = 0;
    if (commit->event_count == 0) {
        return stele__fail(reterr, STELE_INVALID, "a commit needs at least one event");
    }
    if (!commit->events) {
        return stele__fail(reterr, STELE_INVALID, "the commit has %zu events, but the list is NULL",
                           commit->event_count);
    }
    if (commit->event_count > STELE_COMMIT_EVENTS_MAX) {
        return stele__fail(reterr, STELE_INVALID_LIMIT,
                           "the commit has %zu events; at most %d are allowed", commit->event_count,
                           STELE_COMMIT_EVENTS_MAX);
    }
    for (size_t i = 0; i < commit->event_count; i++) {
        const stele_event *event = &commit->events[i];
        size_t size = 0;
        STELE_TRY(check_event(event, i, &names, &size, reterr));
        total += size;
        if (total > store->commit_bytes_max) {
            stele__fail(reterr, STELE_INVALID_LIMIT,
                        "the commit has more than %zu bytes: %zu up to event %zu of %zu",
                        store->commit_bytes_max, total, i, commit->event_count);
            stele__hint(
                reterr,
                "append in smaller commits, or open the store with a larger commit_bytes_max");
            return STELE_INVALID;
        }
    }
    return STELE_OK;
}

/* ---- Expectations: each stream once, and deleted or tombstoned ones not written. */

typedef struct check_set {
    const stele_check **sorted; /* by stream; NULL: few enough to look through */
    const stele_check *checks;
    size_t count;
} check_set;

static void sink(const stele_check **checks, size_t root, size_t count)
{
    for (size_t child = 2 * root + 1; child < count; child = 2 * root + 1) {
        if (child + 1 < count && strcmp(checks[child]->stream, checks[child + 1]->stream) < 0) {
            child++;
        }
        if (strcmp(checks[root]->stream, checks[child]->stream) >= 0) {
            return;
        }
        const stele_check *check = checks[root];
        checks[root] = checks[child];
        checks[child] = check;
        root = child;
    }
}

static void sort_checks(const stele_check **checks, size_t count)
{
    for (size_t i = count / 2; i > 0; i--) {
        sink(checks, i - 1, count);
    }
    for (size_t end = count; end > 1; end--) {
        const stele_check *greatest = checks[0];
        checks[0] = checks[end - 1];
        checks[end - 1] = greatest;
        sink(checks, 0, end - 1);
    }
}

static const stele_check *find_check(const check_set *set, const char *stream)
{
    size_t low = 0;
    size_t high = set->count;
    if (!set->sorted) {
        for (size_t i = 0; i < set->count; i++) {
            if (strcmp(set->checks[i].stream, stream) == 0) {
                return &set->checks[i];
            }
        }
        return NULL;
    }
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = strcmp(set->sorted[middle]->stream, stream);
        if (order == 0) {
            return set->sorted[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

static stele_status fail_twice(const check_set *set, const stele_check *a, const stele_check *b,
                               stele_error *reterr)
{
    const size_t i = (size_t)(a - set->checks);
    const size_t j = (size_t)(b - set->checks);
    return stele__fail(reterr, STELE_INVALID, "checks %zu and %zu are about the same stream, %s",
                       i < j ? i : j, i < j ? j : i, a->stream);
}

static stele_status check_by_table(const check_set *set, stele_error *reterr)
{
    enum { PLACES = 2 * CHECKS_TABLED_MAX };
    uint16_t table[PLACES] = {0}; /* of checks, plus one */
    for (size_t i = 0; i < set->count; i++) {
        const char *stream = set->checks[i].stream;
        uint32_t place = stele__crc32c(0, stream, strlen(stream)) % PLACES;
        for (; table[place]; place = (place + 1) % PLACES) {
            const stele_check *other = &set->checks[table[place] - 1];
            if (strcmp(other->stream, stream) == 0) {
                return fail_twice(set, other, &set->checks[i], reterr);
            }
        }
        table[place] = (uint16_t)(i + 1);
    }
    return STELE_OK;
}

static stele_status check_distinct(const check_set *set, stele_error *reterr)
{
    if (!set->sorted && set->count > CHECKS_COMPARED_MAX) {
        return check_by_table(set, reterr);
    }
    for (size_t i = 0; set->sorted && i + 1 < set->count; i++) {
        if (strcmp(set->sorted[i]->stream, set->sorted[i + 1]->stream) == 0) {
            return fail_twice(set, set->sorted[i], set->sorted[i + 1], reterr);
        }
    }
    for (size_t i = 0; !set->sorted && i < set->count; i++) {
        const stele_check *first = find_check(set, set->checks[i].stream);
        if (first != &set->checks[i]) {
            return fail_twice(set, first, &set->checks[i], reterr);
        }
    }
    return STELE_OK;
}

/* `has_states`: some check asks for a deleted or tombstoned stream. */
static stele_status check_streams(const stele_commit *commit, const check_set *set, bool has_states,
                                  stele_error *reterr)
{
    STELE_TRY(check_distinct(set, reterr));
    for (size_t i = 0; has_states && i < commit->event_count; i++) {
        const stele_check *check = find_check(set, commit->events[i].stream);
        if (check && check->expected <= STELE_IS_DELETED) {
            return stele__fail(reterr, STELE_INVALID,
                               "check %zu expects that %s is %s, which cannot be asked of a stream "
                               "that is written",
                               (size_t)(check - set->checks), check->stream,
                               check->expected == STELE_IS_DELETED ? "deleted" : "tombstoned");
        }
    }
    return STELE_OK;
}

static stele_status check_checks(const stele_store *store, const stele_commit *commit,
                                 stele_error *reterr)
{
    check_set set = {NULL, commit->checks, commit->check_count};
    bool has_states = false;
    if (set.count == 0) {
        return STELE_OK;
    }
    if (!commit->checks) {
        return stele__fail(reterr, STELE_INVALID, "the commit has %zu checks, but the list is NULL",
                           set.count);
    }
    if (set.count > STELE_COMMIT_CHECKS_MAX) {
        return stele__fail(reterr, STELE_INVALID_LIMIT,
                           "the commit has %zu checks; at most %d are allowed", set.count,
                           STELE_COMMIT_CHECKS_MAX);
    }
    for (size_t i = 0; i < set.count; i++) {
        const stele_check *check = &commit->checks[i];
        /* The stream of the event beside it, by the very same pointer, has been checked. */
        if (i >= commit->event_count || commit->events[i].stream != check->stream) {
            STELE_TRY(stele__check_stream(check->stream,
                                          (stele__place){"stream", SIZE_MAX, "check", i}, NULL,
                                          reterr));
        }
        STELE_TRY(stele__check_expected(check->expected, false,
                                        (stele__place){"expectation", SIZE_MAX, "check", i},
                                        reterr));
        has_states = has_states || check->expected <= STELE_IS_DELETED;
    }
    if (set.count > CHECKS_TABLED_MAX || (set.count > CHECKS_COMPARED_MAX && has_states)) {
        set.sorted = stele__allocate_array(store->alloc, set.count, sizeof *set.sorted);
        if (!set.sorted) {
            return stele__fail_memory(reterr);
        }
        for (size_t i = 0; i < set.count; i++) {
            set.sorted[i] = &commit->checks[i];
        }
        sort_checks(set.sorted, set.count);
    }
    const stele_status status = check_streams(commit, &set, has_states, reterr);
    stele__release(store->alloc, set.sorted, set.count * sizeof *set.sorted);
    return status;
}

/* ---- Options. */

static stele_status check_options(const stele_append_options *options, stele_error *reterr)
{
    if (options->version != 0) {
        return stele__fail(reterr, STELE_INVALID,
                           "the append options have version %" PRIu32 "; this library knows 0",
                           options->version);
    }
    if (options->flags & ~(uint32_t)STELE_STRICT) {
        return stele__fail(reterr, STELE_INVALID,
                           "the append options have the flags 0x%" PRIx32 ", some of them unknown",
                           options->flags);
    }
    if ((unsigned)options->durability > STELE_DURABLE_NONE) {
        return stele__fail(reterr, STELE_INVALID, "the durability is %d, which is none",
                           (int)options->durability);
    }
    if (options->violations_capacity > 0 && !options->violations) {
        return stele__fail(reterr, STELE_INVALID,
                           "violations_capacity is %zu, but violations is NULL",
                           options->violations_capacity);
    }
    if (options->key) {
        STELE_TRY(stele__check_name(options->key, STELE_KEY_SIZE_MAX,
                                    (stele__place){"key", SIZE_MAX, NULL, 0}, NULL, reterr));
    }
    if (options->condition_count > STELE_CONDITIONS_MAX) {
        return stele__fail(reterr, STELE_INVALID_LIMIT,
                           "the commit has %zu conditions; at most %d are allowed",
                           options->condition_count, STELE_CONDITIONS_MAX);
    }
    if (options->condition_count > 0 && !options->conditions) {
        return stele__fail(reterr, STELE_INVALID,
                           "the commit has %zu conditions, but the list is NULL",
                           options->condition_count);
    }
    for (size_t i = 0; i < options->condition_count; i++) {
        STELE_TRY(stele__check_query(options->conditions[i].no_event_matching,
                                     (stele__place){"query", SIZE_MAX, "condition", i}, reterr));
    }
    return STELE_OK;
}

stele_status stele__check_commit(const stele_store *store, const stele_commit *commit,
                                 stele_error *reterr)
{
    STELE_TRY(check_events(store, commit, reterr));
    STELE_TRY(check_checks(store, commit, reterr));
    return commit->options ? check_options(commit->options, reterr) : STELE_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conformance: random histories, and every kind of read of them, against a filter that a reader can
 * check at a glance: it looks at each event of the whole history in turn. The seed is printed when
 * something differs; STELE_TEST_SCALE makes the runs longer.
 */
#include "suite.h"

#include "base/prng.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* ---- a random history */

static const char *const stream_names[] = {"account-1", "account-2", "account-10",
                                           "order-1",   "order-2",   "order-7-x",
                                           "plain",     "-dash",     "$sys",
                                           "$sys-1",    "dead-1",    "package-libc6:amd64"};
static const char *const type_names[] = {"opened",       "closed", "order.opened",
                                         "order.closed", "$user",  "o"};
static const char *const tag_names[] = {"x",         "y",          "z", "course:c1",
                                        "course:c2", "student:s1", "xx"};
static const char *const category_names[] = {"account", "order", "package", "dead",
                                             "plain",   "$sys",  "nothing"};
static const char *const prefix_names[] = {"a",  "account-1", "order",   "o", "$",
                                           "$$", "order.c",   "package", "",  "zz"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

typedef struct world {
    suite *suite;
    stele__prng prng;
    copies all;  /* the whole history */
    size_t room; /* for records in it */
    stele_time now;
} world;

static uint64_t below(world *w, uint64_t bound)
{
    return stele__prng_below(&w->prng, bound);
}

#define ANY_OF(w, array) ((array)[below(w, COUNT(array))])

/* With so much data that a history fills several small segments. */
static stele_event some_event(world *w)
{
    suite *s = w->suite;
    const char *padding = suite_repeat(s, 'p', below(w, 1000));
    stele_event one = nameless(ANY_OF(w, type_names), suite_print(s, "{\"n\":\"%s\"}", padding));
    one.tag_count = below(w, 4);
    const char **tags = suite_allocate(s, (one.tag_count + 1) * sizeof *tags);
    for (size_t i = 0; i < one.tag_count; i++) {
        tags[i] = ANY_OF(w, tag_names);
    }
    one.tags = tags;
    return one;
}

static void append_some(world *w)
{
    const size_t count = 1 + below(w, 4);
    stele_event *some = suite_allocate(w->suite, count * sizeof *some);
    for (size_t i = 0; i < count; i++) {
        some[i] = in_stream(ANY_OF(w, stream_names), some_event(w));
    }
    const stele_append_options options = {.durability = STELE_DURABLE_OS};
    const outcome o = commit_events(w->suite, (batch){some, count}, "", &options);
    expect_true(o.status == STELE_OK || o.status == STELE_DELETED);
}

static const char *some_metadata(world *w)
{
    const unsigned n = 1 + (unsigned)below(w, 20);
    switch (below(w, 6)) {
    case 0:
        return suite_print(w->suite, "{\"$tb\":%u}", n);
    case 1:
        return suite_print(w->suite, "{\"$maxCount\":%u}", n);
    case 2:
        return suite_print(w->suite, "{\"$maxAge\":%u}", 5 * n);
    case 3:
        return suite_print(w->suite, "{\"$maxCount\":3,\"$tb\":%u}", n);
    case 4:
        return suite_print(w->suite, "{\"$maxAge\":40,\"$maxCount\":%u,\"custom\":true}", n);
    default:
        return suite_print(w->suite, "{\"custom\":%u}", n);
    }
}

/* Reads what is not in w->all yet. */
static void extend_history(world *w)
{
    suite *s = w->suite;
    const copies tail = collect(s, (stele_read){.from = STELE_AT_POSITION(w->all.count + 1)});
    if (w->all.count + tail.count > w->room) {
        w->room = 2 * (w->all.count + tail.count);
        stele_record *records = suite_allocate(s, w->room * sizeof *records);
        memcpy(records, w->all.records, w->all.count * sizeof *records);
        w->all.records = records;
    }
    memcpy(w->all.records + w->all.count, tail.records, tail.count * sizeof *tail.records);
    w->all.count += tail.count;
    expect_uint(w->all.count, head_of(s));
}

static void make_history(world *w, unsigned commits)
{
    suite *s = w->suite;
    for (unsigned i = 0; i < commits; i++) {
        const uint64_t what = below(w, 100);
        if (what < 85) {
            append_some(w);
        } else if (what < 94) {
            (void)write_metadata(s, ANY_OF(w, stream_names), STELE_ANY, some_metadata(w));
        } else if (what < 99) {
            (void)delete_stream(s, ANY_OF(w, stream_names), STELE_ANY);
        } else {
            (void)tombstone_stream(s, "dead-1", STELE_ANY);
        }
        suite_pass(s, STELE_SECONDS(below(w, 4)));
    }
    /* Between seconds, so that no event is exactly as old as it may be. */
    suite_pass(s, STELE_MILLISECONDS(500));
    w->now = atomic_load(&s->wall);
    w->all = collect(s, (stele_read){0});
    w->room = w->all.count;
    if (s->is_stepped) {
        stele_info info;
        stele_error error;
        expect_ok(stele_describe(held(s), &info, &error), &error);
        expect_true(info.segment_count > 3 && info.index_file_count > 0);
    }
    expect_uint(w->all.count, head_of(s));
}

/* How many operations: fewer where the store is reopened between any two. */
static unsigned so_many(const suite *s, uint64_t base)
{
    return (unsigned)test_scaled(s->is_reopened ? base / 5 : base);
}

static world *new_world(suite *s, unsigned commits)
{
    world *w = suite_allocate(s, sizeof *w);
    w->suite = s;
    stele__prng_seed(&w->prng, test_seed());
    make_history(w, commits);
    return w;
}

/* ---- the filter that looks at every event */

static bool is_text(stele_text text, const char *wanted)
{
    return text.size == strlen(wanted) && memcmp(text.data, wanted, text.size) == 0;
}

static bool has_prefix(stele_text text, const char *prefix)
{
    return text.size >= strlen(prefix) && memcmp(text.data, prefix, strlen(prefix)) == 0;
}

static bool has_any_prefix(stele_text text, const char *const *prefixes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (has_prefix(text, prefixes[i])) {
            return true;
        }
    }
    return count == 0;
}

static bool has_tag(const stele_record *record, const char *tag)
{
    for (size_t i = 0; i < record->tag_count; i++) {
        if (is_text(record->tags[i], tag)) {
            return true;
        }
    }
    return false;
}

static bool is_in_category(const stele_record *record, const char *category)
{
    const stele_text stream = record->stream;
    const size_t size = strlen(category);
    return stream.size > size && stream.data[0] != '$' && stream.data[0] != '-' &&
           has_prefix(stream, category) && stream.data[size] == '-' &&
           !memchr(stream.data, '-', size);
}

static bool matches_item(const stele_record *record, const stele_query_item *item)
{
    bool has_type = item->types.count == 0;
    for (size_t i = 0; i < item->types.count; i++) {
        has_type = has_type || is_text(record->type, item->types.names[i]);
    }
    bool has_tags = true;
    for (size_t i = 0; i < item->tags.count; i++) {
        has_tags = has_tags && has_tag(record, item->tags.names[i]);
    }
    return has_type && has_tags;
}

static bool matches_query(const stele_record *record, const stele_query *query)
{
    bool matches = query->everything != 0;
    for (size_t i = 0; i < query->item_count; i++) {
        matches = matches || matches_item(record, &query->items[i]);
    }
    return matches;
}

/* What limits a stream's reads. */
typedef struct limits {
    bool is_missing;
    bool is_deleted;
    bool is_tombstoned;
    bool has_metadata;
    uint64_t event_count;
    stele_revision last;
    stele_revision first; /* by $tb and $maxCount */
    stele_time oldest;    /* by $maxAge */
} limits;

static int64_t integer_of(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return value && json_is_integer(value) && json_integer_value(value) > 0
               ? json_integer_value(value)
               : 0;
}

static void read_limits(world *w, stele_bytes json, limits *it)
{
    json_t *object = json_loadb((const char *)json.data, json.size, 0, NULL);
    const int64_t tb = integer_of(object, "$tb");
    const int64_t max_count = integer_of(object, "$maxCount");
    const int64_t max_age = integer_of(object, "$maxAge");
    it->is_deleted = tb == INT64_MAX;
    it->first = (stele_revision)tb;
    if (max_count > 0 && it->event_count > (uint64_t)max_count &&
        it->event_count - (uint64_t)max_count > it->first) {
        it->first = it->event_count - (uint64_t)max_count;
    }
    it->oldest = max_age > 0 ? w->now - STELE_SECONDS(max_age) : INT64_MIN;
    json_decref(object);
}

static limits limits_of(world *w, const char *stream)
{
    limits it = {.oldest = INT64_MIN};
    const char *metadata_stream = suite_print(w->suite, "$$%s", stream);
    const bool is_metadata_stream = strncmp(stream, "$$", 2) == 0;
    const stele_record *metadata = NULL;
    for (size_t i = 0; i < w->all.count; i++) {
        const stele_record *record = &w->all.records[i];
        if (is_text(record->stream, stream) && is_text(record->type, STELE_TYPE_TOMBSTONE)) {
            it.is_tombstoned = true;
        } else if (is_text(record->stream, stream)) {
            it.event_count++;
            it.last = record->revision;
        } else if (is_text(record->stream, metadata_stream)) {
            metadata = record;
        } else if (is_metadata_stream && is_text(record->stream, stream + 2) &&
                   is_text(record->type, STELE_TYPE_TOMBSTONE)) {
            it.is_tombstoned = true;
        }
    }
    it.has_metadata = metadata != NULL;
    it.is_missing = it.event_count == 0 && !it.is_tombstoned;
    if (metadata) {
        read_limits(w, metadata->data, &it);
    }
    if (is_metadata_stream && it.event_count > 0) {
        it.first = it.last;
    }
    return it;
}

static bool is_within(world *w, const stele_record *record, stele_point point, bool is_upper)
{
    (void)w;
    switch (point.kind) {
    case STELE_POINT_REVISION:
        return is_upper ? record->revision <= point.value : record->revision >= point.value;
    case STELE_POINT_POSITION:
        return is_upper ? record->position <= point.value : record->position >= point.value;
    case STELE_POINT_TIME:
        return is_upper ? record->time <= (stele_time)point.value
                        : record->time >= (stele_time)point.value;
    case STELE_POINT_START:
        return !is_upper;
    case STELE_POINT_END:
        return is_upper;
    case STELE_POINT_DEFAULT:
        break;
    }
    return true;
}

static bool is_from_source(const stele_record *record, const stele_read *read, const limits *it)
{
    if (read->stream) {
        return is_text(record->stream, read->stream) &&
               !is_text(record->type, STELE_TYPE_TOMBSTONE) && record->revision >= it->first &&
               record->time >= it->oldest;
    }
    return (!read->category || is_in_category(record, read->category)) &&
           (!read->event_type || is_text(record->type, read->event_type)) &&
           (!read->tag || has_tag(record, read->tag)) &&
           (!read->query || matches_query(record, read->query));
}

/* The positions that a read shall return, or why it shall not. */
static const char *naive(world *w, const stele_read *read)
{
    suite *s = w->suite;
    limits it = {.oldest = INT64_MIN};
    if (read->stream) {
        it = limits_of(w, read->stream);
        if (it.is_tombstoned || it.is_deleted || it.is_missing) {
            return it.is_tombstoned                  ? "tombstoned"
                   : it.is_missing && !it.is_deleted ? "not found"
                                                     : "not found, deleted";
        }
    }
    char *text = suite_allocate(s, 21 * w->all.count + 22);
    size_t size = 0;
    uint64_t found = 0;
    for (size_t i = 0; i < w->all.count && (read->limit == 0 || found < read->limit); i++) {
        const bool is_backwards = read->direction == STELE_BACKWARDS;
        const stele_record *record = &w->all.records[is_backwards ? w->all.count - 1 - i : i];
        if (is_from_source(record, read, &it) && is_within(w, record, read->from, is_backwards) &&
            is_within(w, record, read->as_of, true) &&
            has_any_prefix(record->stream, read->stream_prefixes, read->stream_prefix_count) &&
            has_any_prefix(record->type, read->type_prefixes, read->type_prefix_count) &&
            (!read->predicate || read->predicate(read->predicate_context, record))) {
            size +=
                (size_t)snprintf(text + size, 22, "%s%" PRIu64, size ? " " : "", record->position);
            found++;
        }
    }
    return text;
}

/* ---- random reads */

static stele_names some_names(world *w, const char *const *from, size_t from_count, uint64_t count)
{
    const char **names = suite_allocate(w->suite, (count + 1) * sizeof *names);
    for (uint64_t i = 0; i < count; i++) {
        names[i] = from[below(w, from_count)];
    }
    return (stele_names){names, count};
}

static const stele_query *some_query(world *w)
{
    stele_query *query = suite_allocate(w->suite, sizeof *query);
    if (below(w, 20) == 0) {
        query->everything = 1;
        return query;
    }
    const uint64_t count = 1 + below(w, 3);
    stele_query_item *items = suite_allocate(w->suite, count * sizeof *items);
    for (uint64_t i = 0; i < count; i++) {
        items[i].types = some_names(w, type_names, COUNT(type_names), below(w, 3));
        items[i].tags = some_names(w, tag_names, COUNT(tag_names), below(w, 4));
    }
    query->items = items;
    query->item_count = count;
    return query;
}

static stele_point some_point(world *w, bool is_of_stream, bool is_from)
{
    const stele_time last = w->all.count ? w->all.records[w->all.count - 1].time : 0;
    switch (below(w, 8)) {
    case 0:
        return (stele_point){STELE_POINT_POSITION, below(w, w->all.count + 3)};
    case 1:
        return (stele_point){STELE_POINT_POSITION, 1 + below(w, w->all.count + 1)};
    case 2:
        return (stele_point){STELE_POINT_TIME,
                             (uint64_t)(SUITE_TIME +
                                        (stele_time)below(w, (uint64_t)(last - SUITE_TIME) + 1))};
    case 3:
        return (stele_point){
            STELE_POINT_TIME,
            (uint64_t)(SUITE_TIME +
                       STELE_SECONDS(below(w, (uint64_t)(last - SUITE_TIME) / 1000000000 + 2)))};
    case 4:
        return is_of_stream ? (stele_point){STELE_POINT_REVISION, below(w, 30)}
                            : (stele_point){STELE_POINT_DEFAULT, 0};
    case 5:
        return is_from ? (stele_point){STELE_POINT_END, 0} : (stele_point){STELE_POINT_DEFAULT, 0};
    default:
        return (stele_point){STELE_POINT_DEFAULT, 0};
    }
}

static int every_third(void *context, const stele_record *record)
{
    (void)context;
    return record->position % 3 == 0;
}

static stele_read some_read(world *w)
{
    suite *s = w->suite;
    stele_read read = {.direction = below(w, 2) ? STELE_BACKWARDS : STELE_FORWARDS};
    switch (below(w, 7)) {
    case 0:
        break;
    case 1:
    case 2:
        read.stream = ANY_OF(w, stream_names);
        if (below(w, 5) == 0) {
            read.stream = suite_print(s, "$$%s", read.stream);
        }
        break;
    case 3:
        read.category = ANY_OF(w, category_names);
        break;
    case 4:
        read.event_type = below(w, 8) ? ANY_OF(w, type_names) : STELE_TYPE_METADATA;
        break;
    case 5:
        read.tag = ANY_OF(w, tag_names);
        break;
    default:
        read.query = some_query(w);
        break;
    }
    read.from = some_point(w, read.stream != NULL, true);
    read.as_of = some_point(w, read.stream != NULL, false);
    read.limit = below(w, 3) ? 0 : 1 + below(w, 12);
    if (below(w, 4) == 0) {
        const stele_names prefixes =
            some_names(w, prefix_names, COUNT(prefix_names), 1 + below(w, 3));
        read.stream_prefixes = prefixes.names;
        read.stream_prefix_count = prefixes.count;
    }
    if (below(w, 4) == 0) {
        const stele_names prefixes =
            some_names(w, prefix_names, COUNT(prefix_names), 1 + below(w, 3));
        read.type_prefixes = prefixes.names;
        read.type_prefix_count = prefixes.count;
    }
    read.predicate = below(w, 6) ? NULL : every_third;
    return read;
}

static const char *names_text(suite *s, const char *const *names, size_t count)
{
    const char *text = "";
    for (size_t i = 0; i < count; i++) {
        text = suite_print(s, "%s%s'%s'", text, i ? "," : "", names[i]);
    }
    return text;
}

/* The read in words, for the person who looks into a difference. */
static const char *words_of_read(suite *s, const stele_read *read)
{
    static const char *const kinds[] = {"default", "start", "end", "revision", "position", "time"};
    const char *text =
        suite_print(s, "%s stream %s category %s type %s tag %s",
                    read->direction == STELE_BACKWARDS ? "backwards" : "forwards",
                    read->stream ? read->stream : "-", read->category ? read->category : "-",
                    read->event_type ? read->event_type : "-", read->tag ? read->tag : "-");
    for (size_t i = 0; read->query && i < read->query->item_count; i++) {
        const stele_query_item *item = &read->query->items[i];
        text = suite_print(s, "%s item {types %s tags %s}", text,
                           names_text(s, item->types.names, item->types.count),
                           names_text(s, item->tags.names, item->tags.count));
    }
    return suite_print(s,
                       "%s%s from %s %" PRIu64 " as of %s %" PRIu64 " limit %" PRIu64
                       " streams %s types %s%s",
                       text, read->query && read->query->everything ? " everything" : "",
                       kinds[read->from.kind], read->from.value, kinds[read->as_of.kind],
                       read->as_of.value, read->limit,
                       names_text(s, read->stream_prefixes, read->stream_prefix_count),
                       names_text(s, read->type_prefixes, read->type_prefix_count),
                       read->predicate ? " predicate" : "");
}

static void expect_reads_agree(world *w, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const suite_mark mark = suite_remember(w->suite);
        const stele_read read = some_read(w);
        const char *words = words_of_read(w->suite, &read);
        expect_says(suite_print(w->suite, "%s: %s", words, positions(w->suite, read)),
                    suite_print(w->suite, "%s: %s", words, naive(w, &read)));
        suite_forget(w->suite, mark);
    }
}

TEST_WITHIN(random_reads_of_a_random_history_agree_with_a_filter_over_everything, 120)
{
    SUITE(s);
    world *w = new_world(s, so_many(s, 250));
    expect_reads_agree(w, so_many(s, 400));
    suite_reopen(s);
    expect_reads_agree(w, so_many(s, 100));
}

/* ---- descriptions and lists */

TEST_WITHIN(descriptions_of_streams_agree_with_a_count_over_everything, 60)
{
    SUITE(s);
    world *w = new_world(s, so_many(s, 250));
    for (size_t i = 0; i < COUNT(stream_names); i++) {
        const limits it = limits_of(w, stream_names[i]);
        const char *state = it.is_tombstoned  ? "tombstoned"
                            : it.is_deleted   ? "deleted"
                            : it.event_count  ? suite_print(s, "%" PRIu64, it.last)
                            : it.has_metadata ? "none"
                                              : "not found";
        expect_says(suite_print(s, "%s: %s", stream_names[i], state_of(s, stream_names[i])),
                    suite_print(s, "%s: %s", stream_names[i], state));
        if (it.event_count > 0) {
            const stele_stream_info info = describe(s, stream_names[i]);
            expect_uint(info.event_count, it.event_count);
            expect_uint(info.last_revision, it.last);
            expect_int(info.has_metadata != 0, it.has_metadata);
            if (!it.is_deleted && !it.is_tombstoned) {
                expect_uint(info.visible_count, it.first > it.last ? 0 : it.last - it.first + 1);
            }
        }
    }
}

TEST_WITHIN(lists_of_types_and_tags_agree_with_a_count_over_everything, 60)
{
    SUITE(s);
    world *w = new_world(s, so_many(s, 250));
    static const struct {
        stele_name_kind kind;
        const char *const *names;
        size_t count;
    } kinds[] = {{STELE_TYPE_NAMES, type_names, COUNT(type_names)},
                 {STELE_TAG_NAMES, tag_names, COUNT(tag_names)}};
    for (size_t i = 0; i < 2; i++) {
        stele_name_list *names = NULL;
        stele_error error;
        expect_ok(stele_names_open(on(s), &(stele_list){.kind = kinds[i].kind}, &names, &error),
                  &error);
        uint64_t listed = 0;
        for (const stele_name_entry *entry; (entry = stele_names_next(names, &error)); listed++) {
            uint64_t count = 0;
            stele_position last = 0;
            for (size_t j = 0; j < w->all.count; j++) {
                const stele_record *record = &w->all.records[j];
                const char *name = suite_print(s, "%.*s", STELE_TEXT(entry->name));
                if (i == 0 ? is_text(record->type, name) : has_tag(record, name)) {
                    count++;
                    last = record->position;
                }
            }
            expect_uint(entry->event_count, count);
            expect_uint(entry->last_position, last);
        }
        expect_ok(error.status, &error);
        stele_names_free(names);
        expect_true(listed >= kinds[i].count);
    }
}

/* ---- conditions */

TEST_WITHIN(random_conditions_are_decided_as_a_look_at_everything_would, 60)
{
    SUITE(s);
    world *w = new_world(s, so_many(s, 250));
    unsigned refused = 0;
    unsigned written = 0;
    for (unsigned i = 0; i < so_many(s, 200); i++) {
        const stele_query *query = some_query(w);
        const stele_position after =
            below(w, 2) ? below(w, w->all.count + 2) : w->all.count - below(w, 10);
        const stele_record *first = NULL;
        for (size_t j = 0; j < w->all.count && !first; j++) {
            const stele_record *record = &w->all.records[j];
            first = record->position > after && matches_query(record, query) ? record : NULL;
        }
        const stele_condition condition = {query, after};
        const stele_append_options options = {.conditions = &condition,
                                              .condition_count = 1,
                                              .durability = STELE_DURABLE_OS};
        const outcome o = append_event(s, "account-1", STELE_ANY, some_event(w), &options);
        if (first) {
            expect_int(o.error.detail, STELE_CONFLICT_CONDITION);
            expect_uint(o.error.conflict.position, first->position);
            expect_bytes(&o.error.conflict.id, 16, &first->id, 16);
            refused++;
        } else {
            expect_int(o.status, STELE_OK);
            extend_history(w);
            written++;
        }
        expect_uint(head_of(s), w->all.count);
    }
    expect_true(refused > 0 && written > 0);
}

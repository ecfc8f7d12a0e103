/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arguments that are refused: each table row is one wrong thing in an otherwise good call, with the
 * detail and the message that it must give, and the last good value beside it. The backend must
 * never see a refused call.
 */
#include "support/test.h"
#include "unit/store/fake.h"

#include <stele/stele.h>

#include <stdlib.h>
#include <string.h>

static stele_store *open_fake(void)
{
    stele_store *store = NULL;
    stele_error error;
    expect_ok(stele_open("fake:", NULL, &store, &error), &error);
    return store;
}

/* Zeroed memory that lives as long as the test. */
static void *lasting(size_t size)
{
    static void *kept[4096];
    static size_t count;
    expect_true(count < 4096);
    kept[count] = calloc(1, size);
    expect_not_null(kept[count]);
    return kept[count++];
}

/* A name of so many bytes. */
static const char *long_name(size_t size)
{
    char *name = lasting(size + 1);
    memset(name, 'x', size);
    return name;
}

/* What a row refuses, or accepts if its part is NULL. */
static void expect_refused(stele_status status, const stele_error *error, unsigned cause,
                           const char *part)
{
    if (!part) {
        expect_ok(status, error);
        expect_true(the_fake.calls > 0);
        return;
    }
    expect_error(status, error, cause);
    expect_contains(error->message, part);
    expect_uint(the_fake.calls, 0);
}

/* ---- Names. */

typedef enum name_role { STREAM, TYPE, TAG, KEY, CHECKED, QUERIED_TYPE, QUERIED_TAG } name_role;

static const struct {
    name_role role;
    const char *name; /* NULL: `size` bytes */
    size_t size;
    unsigned cause;
    const char *part; /* NULL: it is fine */
} names[] = {
    {STREAM, "", 0, STELE_INVALID_NAME, "the stream of event 1 is empty"},
    {STREAM, "$all", 0, STELE_INVALID_NAME, "the stream of event 1 is '$all'"},
    {STREAM, "$$", 0, STELE_INVALID_NAME, "the stream of event 1 is '$$'"},
    {STREAM, "$$$$x", 0, STELE_INVALID_NAME, "the stream of event 1 is '$$$$x'"},
    {STREAM, "$$$$", 0, STELE_INVALID_NAME, "metadata streams have no metadata"},
    {STREAM, "a\xff", 0, STELE_INVALID_NAME, "the stream of event 1 is not UTF-8"},
    {STREAM, "\xc0\x80", 0, STELE_INVALID_NAME, "not UTF-8"},
    {STREAM, NULL, 1025, STELE_INVALID_LIMIT, "has 1025 bytes; at most 1024 are allowed"},
    {STREAM, NULL, 1024, 0, NULL},
    {STREAM, "$", 0, 0, NULL},
    {STREAM, "$$x", 0, 0, NULL},
    {STREAM, "$$$x", 0, 0, NULL},
    {STREAM, "$all-things", 0, 0, NULL},
    {STREAM, "\x01\n \xf0\x9f\xa6\x8a", 0, 0, NULL},
    {TYPE, "", 0, STELE_INVALID_NAME, "the type of event 1 is empty"},
    {TYPE, "\xed\xa0\x80", 0, STELE_INVALID_NAME, "the type of event 1 is not UTF-8"},
    {TYPE, NULL, 1025, STELE_INVALID_LIMIT, "the type of event 1 has 1025 bytes"},
    {TYPE, NULL, 1024, 0, NULL},
    {TYPE, "$streamDeleted", 0, 0, NULL},
    {TAG, "", 0, STELE_INVALID_NAME, "tag 1 of event 1 is empty"},
    {TAG, "\x80", 0, STELE_INVALID_NAME, "tag 1 of event 1 is not UTF-8"},
    {TAG, NULL, 257, STELE_INVALID_LIMIT, "tag 1 of event 1 has 257 bytes; at most 256"},
    {TAG, NULL, 256, 0, NULL},
    {KEY, "", 0, STELE_INVALID_NAME, "the key is empty"},
    {KEY, "\xff", 0, STELE_INVALID_NAME, "the key is not UTF-8"},
    {KEY, NULL, 257, STELE_INVALID_LIMIT, "the key has 257 bytes; at most 256"},
    {KEY, NULL, 256, 0, NULL},
    {KEY, "k", 0, 0, NULL},
    {CHECKED, "", 0, STELE_INVALID_NAME, "the stream of check 1 is empty"},
    {CHECKED, "$all", 0, STELE_INVALID_NAME, "the stream of check 1 is '$all'"},
    {CHECKED, NULL, 1025, STELE_INVALID_LIMIT, "the stream of check 1 has 1025 bytes"},
    {CHECKED, NULL, 1024, 0, NULL},
    {QUERIED_TYPE, "", 0, STELE_INVALID_NAME, "type 1 of query item 1 is empty"},
    {QUERIED_TYPE, NULL, 1025, STELE_INVALID_LIMIT, "type 1 of query item 1 has 1025 bytes"},
    {QUERIED_TYPE, NULL, 1024, 0, NULL},
    {QUERIED_TAG, "", 0, STELE_INVALID_NAME, "tag 1 of query item 1 is empty"},
    {QUERIED_TAG, NULL, 257, STELE_INVALID_LIMIT, "tag 1 of query item 1 has 257 bytes"},
    {QUERIED_TAG, NULL, 256, 0, NULL},
};

/* Two of everything, the second of which has the name in the given role. */
static stele_status append_name(stele_store *store, name_role role, const char *name,
                                stele_error *error)
{
    const char *const tags[] = {"tag", role == TAG ? name : "other"};
    const char *const queried_types[] = {"type", role == QUERIED_TYPE ? name : "other"};
    const char *const queried_tags[] = {"tag", role == QUERIED_TAG ? name : "other"};
    const stele_query_item items[] = {
        {{queried_types, 1}, {queried_tags, 1}},
        {{queried_types, 2}, {queried_tags, 2}},
    };
    const stele_query query = {items, 2, 0};
    const stele_condition condition = {&query, 0};
    const stele_event events[] = {
        {.type = "type", .stream = "stream"},
        {.type = role == TYPE ? name : "type",
         .stream = role == STREAM ? name : "stream",
         .tags = tags,
         .tag_count = 2},
    };
    const stele_check checks[] = {{"other", STELE_ANY}, {role == CHECKED ? name : "third", 3}};
    const stele_append_options options = {.conditions = &condition,
                                          .condition_count = 1,
                                          .key = role == KEY ? name : "key"};
    const stele_commit commit = {events, 2, checks, 2, &options};
    return stele_append_commit(store, &commit, NULL, NULL, error);
}

TEST_ROWS(names_in_a_commit, names)
{
    STELE_CLEANUP(store) stele_store *store = open_fake();
    const char *name = names[row].name ? names[row].name : long_name(names[row].size);
    stele_error error;
    expect_refused(append_name(store, names[row].role, name, &error), &error, names[row].cause,
                   names[row].part);
}

static const name_role missing_names[] = {STREAM, TYPE, TAG, CHECKED, QUERIED_TYPE, QUERIED_TAG};

TEST_ROWS(missing_names_in_a_commit, missing_names)
{
    STELE_CLEANUP(store) stele_store *store = open_fake();
    stele_error error;
    expect_refused(append_name(store, missing_names[row], NULL, &error), &error, STELE_INVALID_NAME,
                   "is missing");
}

/* ---- Streams as arguments of their own. */

static const struct {
    const char *name; /* NULL: `size` bytes */
    size_t size;
    unsigned cause;
    const char *append; /* parts of messages; NULL: it is fine */
    const char *end;    /* of stele_delete() */
    const char *metadata;
} streams[] = {
    {"s", 0, 0, NULL, NULL, NULL},
    {"", 0, STELE_INVALID_NAME, "the stream is empty", "the stream is empty",
     "the stream is empty"},
    {"$all", 0, STELE_INVALID_NAME, "the stream is '$all'", "the stream is '$all'", NULL},
    {"$$", 0, STELE_INVALID_NAME, "the stream is '$$'", "the stream is '$$'", "metadata stream"},
    {"$$s", 0, STELE_INVALID_NAME, NULL, "cannot be deleted", "has no metadata"},
    {"$$$$s", 0, STELE_INVALID_NAME, "'$$$$s'", "'$$$$s'", "has no metadata"},
    {"\xff", 0, STELE_INVALID_NAME, "not UTF-8", "not UTF-8", "not UTF-8"},
    {NULL, 1022, 0, NULL, NULL, NULL},
    {NULL, 1023, STELE_INVALID_LIMIT, NULL, "would have 1025", "would have 1025"},
    {NULL, 1025, STELE_INVALID_LIMIT, "has 1025 bytes", "has 1025 bytes", "has 1025 bytes"},
};

TEST_ROWS(stream_of_an_append, streams)
{
    STELE_CLEANUP(store) stele_store *store = open_fake();
    const char *name = streams[row].name ? streams[row].name : long_name(streams[row].size);
    const stele_event event = {.type = "t"};
    stele_error error;
    expect_refused(stele_append(store, name, STELE_ANY, &event, 1, NULL, NULL, &error), &error,
                   streams[row].cause, streams[row].append);
}

TEST_ROWS(stream_that_is_deleted, streams)
{
    STELE_CLEANUP(store) stele_store *store = open_fake();
    const char *name = streams[row].name ? streams[row].name : long_name(streams[row].size);
    stele_error error;
    expect_refused(stele_delete(store, name, STELE_ANY, NULL, NULL, &error), &error,
                   streams[row].cause, streams[row].end);
}

TEST_ROWS(stream_that_has_metadata, streams)
{
    STELE_CLEANUP(store) stele_store *store = open_fake();
    STELE_CLEANUP(metadata) stele_metadata metadata = {.revision = 0};
    const char *name = streams[row].name ? streams[row].name : long_name(streams[row].size);
    stele_error error;
    expect_refused(stele_metadata_write(store, name, STELE_ANY, "{}", 2, NULL, NULL, &error),
                   &error, streams[row].cause, streams[row].metadata);
    expect_refused(stele_metadata_read(store, name, &metadata, &error), &error, streams[row].cause,
                   streams[row].metadata);
}

TEST(tombstones_are_not_for_everything_nor_for_metadata)
{
    STELE_CLEANUP(store) stele_store *store = open_fake();
    stele_error error;
    expect_refused(stele_tombstone(store, "$all", STELE_ANY, NULL, NULL, &error), &error,
                   STELE_INVALID_NAME, "'$all'");
    expect_refused(stele_tombstone(store, "$$s", STELE_ANY, NULL, NULL, &error), &error,
                   STELE_INVALID_NAME, "cannot be deleted");
    expect_refused(stele_tombstone(store, NULL, STELE_ANY, NULL, NULL, &error), &error,
                   STELE_INVALID_NAME, "the stream is missing");
    expect_refused(stele_tombstone(store, long_name(1024), STELE_ANY, NULL, NULL, &error), &error,
                   0, NULL);
}

static const char *const bad_metadata[] = {NULL,    "",     "[]",          "1",        "\"{}\"",
                                           "null",  "{}{}", "{\"a\":}",    "{\"a\":1", "{'a':1}",
                                           "{a:1}", "\xff", "{\"\xff\":1}"};

TEST_ROWS(metadata_must_be_a_json_object, bad_metadata)
{
    STELE_CLEANUP(store) stele_store *store = open_fake();
    const char *json = bad_metadata[row];
    stele_error error;
    expect_refused(stele_metadata_write(store, "account-1", STELE_ANY, json,
                                        json ? strlen(json) : 0, NULL, NULL, &error),
                   &error, STELE_INVALID, "the metadata for account-1 is not a JSON object");
    expect_contains(error.hint, "{\"$maxCount\":100}");
}

/* ---- Expectations. */

static const struct {
    stele_expected expected;
    const char *written; /* NULL: it is fine */
    const char *checked;
} expectations[] = {
    {INT64_MAX, NULL, NULL},
    {0, NULL, NULL},
    {STELE_NO_STREAM, NULL, NULL},
    {STELE_ANY, NULL, NULL},
    {-3, "is -3, which is neither a revision", "check 1 is -3, which is neither a revision"},
    {STELE_EXISTS, NULL, NULL},
    {STELE_IS_DELETED, "is deleted, which cannot be asked of a stream that is written", NULL},
    {STELE_IS_TOMBSTONED, "is tombstoned, which cannot be asked", NULL},
    {-7, "is -7", "is -7"},
    {INT64_MIN, "is -9223372036854775808", "is -9223372036854775808"},
};

TEST_ROWS(expectation_of_a_stream_that_is_written, expectations)
{
    STELE_CLEANUP(store) stele_store *store = open_fake();
    const stele_event event = {.type = "t", .stream = "s"};
    const stele_check checks[] = {{"other", STELE_ANY}, {"s", expectations[row].expected}};
    const stele_commit commit = {&event, 1, checks, 2, NULL};
    const stele_expected expected = expectations[row].expected;
    const char *part = expectations[row].written;
    stele_error error;
    expect_refused(stele_append(store, "s", expected, &event, 1, NULL, NULL, &error), &error,
                   STELE_INVALID, part);
    expect_refused(stele_append_commit(store, &commit, NULL, NULL, &error), &error, STELE_INVALID,
                   part);
    expect_refused(stele_delete(store, "s", expected, NULL, NULL, &error), &error, STELE_INVALID,
                   part);
    expect_refused(stele_tombstone(store, "s", expected, NULL, NULL, &error), &error, STELE_INVALID,
                   part);
    expect_refused(stele_metadata_write(store, "s", expected, "{}", 2, NULL, NULL, &error), &error,
                   STELE_INVALID, part);
}

TEST_ROWS(expectation_of_a_stream_that_is_only_checked, expectations)
{
    STELE_CLEANUP(store) stele_store *store = open_fake();
    const stele_event event = {.type = "t", .stream = "s"};
    const stele_check checks[] = {{"other", STELE_ANY}, {"third", expectations[row].expected}};
    const stele_commit commit = {&event, 1, checks, 2, NULL};
    stele_error error;
    expect_refused(stele_append_commit(store, &commit, NULL, NULL, &error), &error, STELE_INVALID,
                   expectations[row].checked);
}

/* How many checks stand in front of those that matter: few are compared, many are sorted. */
static const size_t crowds[] = {0, 5, 14, 15, 100, 3000};

static stele_check *make_checks(size_t crowd, size_t more)
{
    stele_check *checks = lasting((crowd + more) * sizeof *checks);
    for (size_t i = 0; i < crowd; i++) {
        char *name = lasting(16);
        for (size_t digit = 0, rest = (i * 7919) % 10007; digit < 6; digit++, rest /= 10) {
            name[digit] = (char)('0' + rest % 10);
        }
        checks[i] = (stele_check){name, STELE_ANY};
    }
    return checks;
}

TEST_ROWS(stream_is_checked_twice, crowds)
{
    STELE_CLEANUP(store) stele_store *store = open_fake();
    const size_t crowd = crowds[row];
    stele_check *checks = make_checks(crowd, 2);
    checks[crowd] = (stele_check){"twice", 1};
    checks[crowd + 1] = (stele_check){"twice", 2};
    const stele_event event = {.type = "t", .stream = "s"};
    stele_commit commit = {&event, 1, checks, crowd + 2, NULL};
    stele_error error;
    expect_refused(stele_append_commit(store, &commit, NULL, NULL, &error), &error, STELE_INVALID,
                   "are about the same stream, twice");
    commit.check_count = crowd + 1;
    expect_refused(stele_append_commit(store, &commit, NULL, NULL, &error), &error, 0, NULL);
}

TEST_ROWS(written_stream_is_found_among_many_checks, crowds)
{
    STELE_CLEANUP(store) stele_store *store = open_fake();
    const size_t crowd = crowds[row];
    stele_check *checks = make_checks(crowd, 2);
    checks[crowd] = (stele_check){"left alone", STELE_IS_TOMBSTONED};
    checks[crowd + 1] = (stele_check){"written", STELE_IS_DELETED};
    const stele_event events[] = {{.type = "t", .stream = "s"}, {.type = "t", .stream = "written"}};
    stele_commit commit = {events, 2, checks, crowd + 2, NULL};
    stele_error error;
    expect_refused(stele_append_commit(store, &commit, NULL, NULL, &error), &error, STELE_INVALID,
                   "expects that written is deleted, which cannot be asked");
    commit.event_count = 1;
    expect_refused(stele_append_commit(store, &commit, NULL, NULL, &error), &error, 0, NULL);
}

/* ---- Events. */

static const char *const one_tag[] = {"t"};

static const struct {
    stele_event event;
    unsigned cause;
    const char *part; /* NULL: it is fine */
} events[] = {
    {{.type = "t", .data_format = STELE_AVRO, .metadata_format = STELE_PROTOBUF}, 0, NULL},
    {{.type = "t", .data_format = (stele_format)4}, STELE_INVALID, "data format of event 0 is 4"},
    {{.type = "t", .data_format = (stele_format)-1}, STELE_INVALID, "data format of event 0 is -1"},
    {{.type = "t", .metadata_format = STELE_AVRO}, STELE_INVALID, "metadata is binary, JSON or"},
    {{.type = "t", .data = {NULL, 1}},
     STELE_INVALID,
     "data of event 0 has 1 bytes, but its address"},
    {{.type = "t", .metadata = {NULL, 1}}, STELE_INVALID, "the metadata of event 0 has 1 bytes"},
    {{.type = "t", .tag_count = 1}, STELE_INVALID, "event 0 has 1 tags, but the list is NULL"},
    {{.type = "t", .data = {(const uint8_t *)"", SIZE_MAX}},
     STELE_INVALID_LIMIT,
     "the data of event 0"},
    {{.type = "t", .metadata = {(const uint8_t *)"", SIZE_MAX}},
     STELE_INVALID_LIMIT,
     "the metadata of event 0 has 18446744073709551615 bytes"},
    {{.type = "t", .tags = one_tag, .tag_count = 1}, 0, NULL},
};

TEST_ROWS(event_that_cannot_be, events)
{
    STELE_CLEANUP(store) stele_store *store = open_fake();
    stele_error error;
    expect_refused(stele_append(store, "s", STELE_ANY, &events[row].event, 1, NULL, NULL, &error),
                   &error, events[row].cause, events[row].part);
}

static const struct {
    size_t distinct;
    size_t repetitions;
    const char *part;
} tag_counts[] = {
    {32, 1, NULL},
    {32, 50, NULL},
    {33, 1, "event 0 has more than 32 distinct tags (33 tags were given)"},
    {33, 2, "event 0 has more than 32 distinct tags (66 tags were given)"},
};

TEST_ROWS(distinct_tags_are_counted, tag_counts)
{
    STELE_CLEANUP(store) stele_store *store = open_fake();
    static char texts[33][8];
    static const char *tags[33 * 50];
    size_t count = 0;
    for (size_t i = 0; i < tag_counts[row].repetitions; i++) {
        for (size_t j = 0; j < tag_counts[row].distinct; j++) {
            texts[j][0] = 't';
            texts[j][1] = (char)('!' + j);
            tags[count++] = texts[j];
        }
    }
    const stele_event event = {.type = "t", .tags = tags, .tag_count = count};
    stele_error error;
    expect_refused(stele_append(store, "s", STELE_ANY, &event, 1, NULL, NULL, &error), &error,
                   STELE_INVALID_LIMIT, tag_counts[row].part);
}

static const struct {
    size_t rest; /* of the data, below the limit; the names and tags have 12 bytes */
    const char *part;
} event_sizes[] = {
    {12, NULL},
    {11, "event 0 has 16777217 bytes (data, metadata, names and tags); at most 16777216"},
};

TEST_ROWS(size_of_an_event_counts_data_metadata_names_and_distinct_tags, event_sizes)
{
    STELE_CLEANUP(store) stele_store *store = open_fake();
    const char *const tags[] = {"ab", "cd", "ab"};
    uint8_t *data = calloc(1, STELE_EVENT_SIZE_MAX);
    const stele_event event = {.type = "type",
                               .data = {data, STELE_EVENT_SIZE_MAX - event_sizes[row].rest - 1},
                               .metadata = {data, 1},
                               .tags = tags,
                               .tag_count = 3};
    stele_error error;
    expect_refused(stele_append(store, "name", STELE_ANY, &event, 1, NULL, NULL, &error), &error,
                   STELE_INVALID_LIMIT, event_sizes[row].part);
    free(data);
}

static const struct {
    size_t max;
    const char *part;
} commit_sizes[] = {
    {3 * 102, NULL},
    {3 * 102 - 1, "the commit has more than 305 bytes: 306 up to event 2 of 3"},
};

TEST_ROWS(size_of_a_commit_is_the_sum_over_its_events, commit_sizes)
{
    STELE_CLEANUP(store) stele_store *store = NULL;
    const stele_options options = {.commit_bytes_max = commit_sizes[row].max};
    static const uint8_t data[100];
    const stele_event event = {.type = "t", .data = {data, 100}};
    const stele_event three[] = {event, event, event};
    stele_error error;
    expect_ok(stele_open("fake:", &options, &store, &error), &error);
    expect_refused(stele_append(store, "s", STELE_ANY, three, 3, NULL, NULL, &error), &error,
                   STELE_INVALID_LIMIT, commit_sizes[row].part);
}

TEST(number_of_events_is_limited)
{
    STELE_CLEANUP(store) stele_store *store = open_fake();
    stele_event *many = calloc(STELE_COMMIT_EVENTS_MAX + 1, sizeof *many);
    stele_error error;
    for (size_t i = 0; i <= STELE_COMMIT_EVENTS_MAX; i++) {
        many[i] = (stele_event){.type = "t", .stream = "s"};
    }
    stele_commit commit = {.events = many, .event_count = STELE_COMMIT_EVENTS_MAX + 1};
    expect_refused(stele_append(store, "s", STELE_ANY, many, commit.event_count, NULL, NULL,
                                &error),
                   &error, STELE_INVALID_LIMIT, "has 65537 events; at most 65536 are allowed");
    expect_refused(stele_append_commit(store, &commit, NULL, NULL, &error), &error,
                   STELE_INVALID_LIMIT, "has 65537 events; at most 65536 are allowed");
    commit.event_count = 0;
    expect_refused(stele_append(store, "s", STELE_ANY, many, 0, NULL, NULL, &error), &error,
                   STELE_INVALID, "at least one event");
    expect_refused(stele_append_commit(store, &commit, NULL, NULL, &error), &error, STELE_INVALID,
                   "at least one event");
    expect_refused(stele_append(store, "s", STELE_ANY, NULL, 1, NULL, NULL, &error), &error,
                   STELE_INVALID, "the list is NULL");
    expect_refused(stele_append(store, "s", STELE_ANY, many, STELE_COMMIT_EVENTS_MAX, NULL, NULL,
                                &error),
                   &error, 0, NULL);
    free(many);
}

/* ---- Options of an append. */

static const stele_condition no_query[1];

static const struct {
    stele_append_options options;
    unsigned cause;
    const char *part;
} append_options[] = {
    {{.flags = STELE_STRICT}, 0, NULL},
    {{.version = 1}, STELE_INVALID, "version 1"},
    {{.flags = 2}, STELE_INVALID, "flags 0x2"},
    {{.durability = (stele_durability)4}, STELE_INVALID, "durability is 4"},
    {{.violations_capacity = 1}, STELE_INVALID, "violations_capacity is 1, but violations is NULL"},
    {{.condition_count = 65}, STELE_INVALID_LIMIT, "has 65 conditions; at most 64 are allowed"},
    {{.condition_count = 1}, STELE_INVALID, "1 conditions, but the list is NULL"},
    {{.conditions = no_query, .condition_count = 1},
     STELE_INVALID,
     "query of condition 0 is missing"},
};

TEST_ROWS(options_of_an_append, append_options)
{
    STELE_CLEANUP(store) stele_store *store = open_fake();
    const stele_event event = {.type = "t"};
    stele_error error;
    expect_refused(stele_append(store, "s", STELE_ANY, &event, 1, &append_options[row].options,
                                NULL, &error),
                   &error, append_options[row].cause, append_options[row].part);
}

TEST(number_of_checks_is_limited)
{
    STELE_CLEANUP(store) stele_store *store = open_fake();
    const stele_event event = {.type = "t", .stream = "s"};
    const stele_check check = {"x", STELE_ANY};
    stele_commit commit = {&event, 1, &check, STELE_COMMIT_CHECKS_MAX + 1, NULL};
    stele_error error;
    expect_refused(stele_append_commit(store, &commit, NULL, NULL, &error), &error,
                   STELE_INVALID_LIMIT, "has 65537 checks; at most 65536 are allowed");
    commit.checks = NULL;
    commit.check_count = 1;
    expect_refused(stele_append_commit(store, &commit, NULL, NULL, &error), &error, STELE_INVALID,
                   "1 checks, but the list is NULL");
    expect_refused(stele_append_commit(store, NULL, NULL, NULL, &error), &error, STELE_INVALID,
                   "the commit is NULL");
}

/* ---- Queries, in conditions and in reads. */

static const char *const many_names[33] = {"a", "a", "a", "a", "a", "a", "a", "a", "a", "a", "a",
                                           "a", "a", "a", "a", "a", "a", "a", "a", "a", "a", "a",
                                           "a", "a", "a", "a", "a", "a", "a", "a", "a", "a", "a"};
static const stele_query_item many_items[33];
static const stele_query_item too_many_types = {.types = {many_names, 33}};
static const stele_query_item too_many_tags = {.tags = {many_names, 33}};
static const stele_query_item most_terms = {.types = {many_names, 32}, .tags = {many_names, 32}};
static const stele_query_item no_types = {.types = {NULL, 2}};

static const struct {
    stele_query query;
    unsigned cause;
    const char *part;
} queries[] = {
    {{.everything = 1}, 0, NULL},
    {{many_items, 1, 0}, 0, NULL},
    {{many_items, 32, 0}, 0, NULL},
    {{&most_terms, 1, 0}, 0, NULL},
    {{NULL, 0, 0}, STELE_INVALID, "has no items"},
    {{many_items, 1, 1}, STELE_INVALID, "has 1 items and is everything at once"},
    {{many_items, 33, 0}, STELE_INVALID_LIMIT, "has 33 items; at most 32 are allowed"},
    {{NULL, 2, 0}, STELE_INVALID, "has 2 items, but the list is NULL"},
    {{&too_many_types, 1, 0}, STELE_INVALID_LIMIT, "query item 0 has 33 types; at most 32"},
    {{&too_many_tags, 1, 0}, STELE_INVALID_LIMIT, "query item 0 has 33 tags; at most 32"},
    {{&no_types, 1, 0}, STELE_INVALID, "query item 0 has 2 types, but the list is NULL"},
};

TEST_ROWS(query_of_a_condition, queries)
{
    STELE_CLEANUP(store) stele_store *store = open_fake();
    static const stele_query everything = {.everything = 1};
    const stele_condition conditions[] = {{&everything, 0}, {&queries[row].query, 0}};
    const stele_append_options options = {.conditions = conditions, .condition_count = 2};
    const stele_event event = {.type = "t"};
    stele_error error;
    expect_refused(stele_append(store, "s", STELE_ANY, &event, 1, &options, NULL, &error), &error,
                   queries[row].cause, queries[row].part);
}

TEST_ROWS(query_of_a_read, queries)
{
    STELE_CLEANUP(store) stele_store *store = open_fake();
    STELE_CLEANUP(cursor) stele_cursor *cursor = NULL;
    const stele_read read = {.query = &queries[row].query};
    stele_error error;
    expect_refused(stele_read_open(store, &read, &cursor, &error), &error, queries[row].cause,
                   queries[row].part);
}

/* ---- Reads. */

static const stele_query everything = {.everything = 1};

static const struct {
    stele_read read;
    unsigned cause;
    const char *part;
} reads[] = {
    {{.version = 0}, 0, NULL},
    {{.version = 1}, STELE_INVALID, "version 1"},
    {{.direction = (stele_direction)2}, STELE_INVALID, "direction is 2"},
    {{.stream = "s", .category = "c"}, STELE_INVALID, "2 of stream, category, event_type, tag and"},
    {{.event_type = "s", .tag = "c", .query = &everything},
     STELE_INVALID,
     "3 of stream, category,"},
    {{.stream = ""}, STELE_INVALID_NAME, "the stream is empty"},
    {{.stream = "$all"}, STELE_INVALID_NAME, "the stream is '$all'"},
    {{.category = ""}, STELE_INVALID_NAME, "the category is empty"},
    {{.event_type = ""}, STELE_INVALID_NAME, "the event type is empty"},
    {{.tag = "\xff"}, STELE_INVALID_NAME, "the tag is not UTF-8"},
    {{.category = "a-b"}, 0, NULL},
    {{.from = {(stele_point_kind)6, 0}}, STELE_INVALID, "'from' is a point of kind 6"},
    {{.as_of = {(stele_point_kind)-1, 0}}, STELE_INVALID, "'as_of' is a point of kind -1"},
    {{.from = {STELE_POINT_REVISION, 3}}, STELE_INVALID, "'from' is revision 3, but only streams"},
    {{.category = "c", .as_of = {STELE_POINT_REVISION, 4}}, STELE_INVALID, "'as_of' is revision 4"},
    {{.stream = "s", .from = {STELE_POINT_REVISION, 3}}, 0, NULL},
    {{.stream = "s", .as_of = {STELE_POINT_REVISION, 3}}, 0, NULL},
    {{.from = {STELE_POINT_TIME, UINT64_MAX}, .as_of = {STELE_POINT_POSITION, 0}}, 0, NULL},
    {{.stream_prefixes = many_names, .stream_prefix_count = 65},
     STELE_INVALID_LIMIT,
     "there are 65 stream prefixes; at most 64 are allowed"},
    {{.type_prefixes = NULL, .type_prefix_count = 2},
     STELE_INVALID,
     "2 type prefixes, but the list"},
    {{.stream_prefixes = many_names, .stream_prefix_count = 33}, 0, NULL},
};

TEST_ROWS(reads_that_cannot_be, reads)
{
    STELE_CLEANUP(store) stele_store *store = open_fake();
    stele_cursor *cursor = NULL;
    stele_error error;
    expect_refused(stele_read_open(store, &reads[row].read, &cursor, &error), &error,
                   reads[row].cause, reads[row].part);
    stele_cursor_free(cursor);
    cursor = NULL;
    expect_refused(stele_follow_open(store, &reads[row].read, &cursor, &error), &error,
                   reads[row].cause, reads[row].part);
    stele_cursor_free(cursor);
}

TEST(prefixes_are_checked_one_by_one)
{
    STELE_CLEANUP(store) stele_store *store = open_fake();
    STELE_CLEANUP(cursor) stele_cursor *cursor = NULL;
    const char *prefixes[] = {"", long_name(1025)};
    stele_read read = {.type_prefixes = prefixes, .type_prefix_count = 2};
    stele_error error;
    expect_refused(stele_read_open(store, &read, &cursor, &error), &error, STELE_INVALID_LIMIT,
                   "type prefix 1 has 1025 bytes; at most 1024 are allowed");
    prefixes[1] = NULL;
    expect_refused(stele_read_open(store, &read, &cursor, &error), &error, STELE_INVALID_NAME,
                   "type prefix 1 is missing");
    expect_refused(stele_read_open(store, &read, NULL, &error), &error, STELE_INVALID,
                   "ret_cursor is NULL");
    read.type_prefix_count = 1;
    expect_refused(stele_read_open(store, &read, &cursor, &error), &error, 0, NULL);
}

/* ---- Lists. */

static const struct {
    stele_list list;
    unsigned cause;
    const char *part;
} lists[] = {
    {{.kind = STELE_TAG_NAMES, .prefix = "", .after = "x"}, 0, NULL},
    {{.kind = STELE_STREAM_NAMES, .category = "c"}, 0, NULL},
    {{.version = 1}, STELE_INVALID, "version 1"},
    {{.kind = (stele_name_kind)4}, STELE_INVALID, "kind of names is 4"},
    {{.kind = STELE_TYPE_NAMES, .category = "c"}, STELE_INVALID, "only streams have a category"},
};

TEST_ROWS(lists_that_cannot_be, lists)
{
    STELE_CLEANUP(store) stele_store *store = open_fake();
    STELE_CLEANUP(names) stele_name_list *list = NULL;
    stele_error error;
    expect_refused(stele_names_open(store, &lists[row].list, &list, &error), &error,
                   lists[row].cause, lists[row].part);
}

TEST(bounds_of_a_list_are_limited)
{
    STELE_CLEANUP(store) stele_store *store = open_fake();
    STELE_CLEANUP(names) stele_name_list *list = NULL;
    const stele_list wanted = {.after = long_name(1025)};
    stele_error error;
    expect_refused(stele_names_open(store, &wanted, &list, &error), &error, STELE_INVALID_LIMIT,
                   "'after' has 1025 bytes");
    expect_refused(stele_names_open(store, NULL, NULL, &error), &error, STELE_INVALID,
                   "ret_names is NULL");
}

/* ---- NULL. */

TEST(null_handles_are_refused)
{
    const stele_event event = {.type = "t"};
    stele_position head;
    stele_error error;
    expect_error(stele_append(NULL, "s", STELE_ANY, &event, 1, NULL, NULL, &error), &error,
                 STELE_INVALID);
    expect_contains(error.message, "the store is NULL");
    expect_error(stele_head(NULL, &head, &error), &error, STELE_INVALID);
    expect_null(stele_cursor_next(NULL, &error));
    expect_int(error.status, STELE_INVALID);
    expect_null(stele_names_next(NULL, &error));
    expect_int(error.status, STELE_INVALID);
    expect_error(stele_cursor_wait(NULL, 0, &error), &error, STELE_INVALID);
    expect_uint(stele_cursor_head(NULL), 0);
}

TEST(null_results_are_refused_where_there_is_nothing_else_to_do)
{
    STELE_CLEANUP(store) stele_store *store = open_fake();
    stele_error error;
    expect_refused(stele_describe(store, NULL, &error), &error, STELE_INVALID, "ret_info");
    expect_refused(stele_metadata_read(store, "s", NULL, &error), &error, STELE_INVALID,
                   "ret_metadata");
    expect_refused(stele_checkpoint_check(store, NULL, NULL, &error), &error, STELE_INVALID,
                   "the checkpoint is NULL");
}

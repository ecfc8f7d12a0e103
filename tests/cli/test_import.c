/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The importer on a store in memory: that each event comes in once, however often and from wherever
 * an import begins; what becomes of times and ids; where it stops. Killing real processes is the
 * matter of kill-import.
 */
#include "cli/import.h"
#include "cli/record.h"

#include "support/test.h"

#include <stele/stele.h>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* ---- A store and files */

static cli_import_clock clock_of_import;

static stele_store *open_store(void)
{
    stele_store *store = NULL;
    stele_options options = {0};
    stele_error error;

    cli_import_clock_init(&clock_of_import);
    options.clock = &clock_of_import.table;
    expect_ok(stele_open("memory:", &options, &store, &error), &error);
    return store;
}

static int import_bytes(stele_store *store, const char *bytes, size_t size,
                        const cli_import_options *options, cli_import_counts *ret_counts)
{
    const char *path = test_path(test_folder(), "history.jsonl");
    const int descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    cli_source *source = test_memory(sizeof *source);
    cli_import_options quiet = options ? *options : (cli_import_options){0};
    int result;

    quiet.is_quiet = true;
    expect_true(descriptor >= 0);
    expect_true(write(descriptor, bytes, size) == (ssize_t)size);
    expect_true(lseek(descriptor, 0, SEEK_SET) == 0);
    cli_source_begin(source, descriptor, "history.jsonl", "");
    /* A new run of the tool has the time of day again. */
    clock_of_import.instead = INT64_MIN;
    result = cli_import(store, source, &quiet, &clock_of_import, ret_counts);
    cli_source_done(source);
    return result;
}

static int import_text(stele_store *store, const char *text, const cli_import_options *options,
                       cli_import_counts *ret_counts)
{
    return import_bytes(store, text, strlen(text), options, ret_counts);
}

/* Line i of a history: a stream of ten, an id every third line, equal data in all of them. */
static void add_line(cli_buffer *text, int i)
{
    cli_buffer_format(text, "{\"stream\":\"s-%d\",\"type\":\"t\"", i % 10);
    if (i % 3 == 0) {
        cli_buffer_format(text, ",\"id\":\"%08x-0000-4000-8000-000000000000\"", (unsigned)i + 1);
    }
    cli_buffer_add_text(text, ",\"data\":{\"same\":true}}\n");
}

static const char *history(int count, size_t *ret_size)
{
    cli_buffer text = {0};
    char *copy;

    for (int i = 0; i < count; i++) {
        add_line(&text, i);
    }
    copy = test_memory(text.size + 1);
    memcpy(copy, cli_buffer_text(&text), text.size);
    *ret_size = text.size;
    cli_buffer_done(&text);
    return copy;
}

static stele_position head_of(stele_store *store)
{
    stele_position head;
    stele_error error;

    expect_ok(stele_head(store, &head, &error), &error);
    return head;
}

static void write_something_else(stele_store *store)
{
    const stele_event event = stele_json_event("other", "1");
    stele_error error;

    expect_ok(stele_append(store, "other", STELE_ANY, &event, 1, NULL, NULL, &error), &error);
}

/* The events of the history stand in the store in its order, each once. */
static void expect_history(stele_store *store, int count)
{
    stele_read read = {0};
    stele_cursor *cursor = NULL;
    const stele_record *record;
    uint64_t revisions[10] = {0};
    stele_error error;
    int seen = 0;

    expect_ok(stele_read_open(store, &read, &cursor, &error), &error);
    while ((record = stele_cursor_next(cursor, &error))) {
        if (record->stream.data[0] != 's') {
            continue;
        }
        expect_uint((uint64_t)(record->stream.data[2] - '0'), (uint64_t)seen % 10);
        expect_uint(record->revision, revisions[seen % 10]++);
        if (seen % 3 == 0) {
            expect_uint((uint64_t)record->id.bytes[0] << 24 | (uint64_t)record->id.bytes[1] << 16 |
                            (uint64_t)record->id.bytes[2] << 8 | record->id.bytes[3],
                        (uint64_t)seen + 1);
        }
        seen++;
    }
    expect_ok(error.status, &error);
    expect_int(seen, count);
    stele_cursor_free(cursor);
}

/* ---- Each event once */

TEST(an_import_run_twice_imports_once)
{
    stele_store *store = open_store();
    cli_import_counts counts;
    size_t size;
    const char *text = history(10000, &size);

    expect_int(import_bytes(store, text, size, NULL, &counts), 0);
    expect_uint(counts.imported, 10000);
    expect_uint(counts.known, 0);
    expect_int(import_bytes(store, text, size, NULL, &counts), 0);
    expect_uint(counts.imported, 0);
    expect_uint(counts.known, 10000);
    expect_history(store, 10000);
    stele_close(store, NULL);
}

static const int cuts[] = {0, 1, 2, 100, 4095, 4096, 4097, 5000, 8191, 8192, 8193, 9999, 10000};

TEST_ROWS(an_import_goes_on_where_a_shorter_file_ended, cuts)
{
    stele_store *store = open_store();
    cli_import_counts counts;
    size_t size;
    size_t cut_size;
    const char *text = history(10000, &size);
    const char *cut = history(cuts[row], &cut_size);

    expect_int(import_bytes(store, cut, cut_size, NULL, &counts), 0);
    write_something_else(store);
    expect_int(import_bytes(store, text, size, NULL, &counts), 0);
    expect_uint(counts.known, (uint64_t)cuts[row]);
    expect_uint(counts.imported, (uint64_t)(10000 - cuts[row]));
    expect_int(import_bytes(store, text, size, NULL, &counts), 0);
    expect_uint(counts.known, 10000);
    expect_history(store, 10000);
    stele_close(store, NULL);
}

TEST(a_file_may_grow_again_and_again)
{
    stele_store *store = open_store();
    cli_import_counts counts;
    size_t size;
    int before = 0;

    for (int count = 0; count <= 6000; count += 1 + count / 7) {
        const char *text = history(count, &size);

        expect_int(import_bytes(store, text, size, NULL, &counts), 0);
        expect_uint(counts.known, (uint64_t)before);
        expect_uint(counts.imported, (uint64_t)(count - before));
        before = count;
    }
    expect_history(store, before);
    stele_close(store, NULL);
}

/* So many events by others that every id before them is forgotten. */
static void make_noise(stele_store *store)
{
    const stele_append_options fast = {.durability = STELE_DURABLE_NONE};
    stele_event *events = test_memory(STELE_COMMIT_EVENTS_MAX * sizeof *events);
    stele_error error;

    for (size_t i = 0; i < STELE_COMMIT_EVENTS_MAX; i++) {
        events[i] = stele_json_event("noise", "0");
    }
    for (size_t i = 0; i <= STELE_ID_WINDOW / STELE_COMMIT_EVENTS_MAX; i++) {
        expect_ok(stele_append(store, "noise", STELE_ANY, events, STELE_COMMIT_EVENTS_MAX, &fast,
                               NULL, &error),
                  &error);
    }
}

TEST(events_are_known_beyond_the_window_of_ids)
{
    stele_store *store = open_store();
    cli_import_counts counts;
    size_t size;
    const char *text = history(3000, &size);

    expect_int(import_bytes(store, text, size, NULL, &counts), 0);
    make_noise(store);
    expect_int(import_bytes(store, text, size, NULL, &counts), 0);
    expect_uint(counts.known, 3000);
    expect_history(store, 3000);
    stele_close(store, NULL);
}

/* Events of another file with ids, which came another way before, and may not have left a key. */
static const char *known_events(int count, size_t *ret_size)
{
    cli_buffer text = {0};
    char *copy;

    for (int i = 0; i < count; i++) {
        cli_buffer_format(
            &text,
            "{\"stream\":\"s-%d\",\"type\":\"t\",\"id\":\"%08x-0000-4000-8000-000000000001\"}\n",
            i % 10, (unsigned)i + 1);
    }
    copy = test_memory(text.size + 1);
    memcpy(copy, cli_buffer_text(&text), text.size);
    *ret_size = text.size;
    cli_buffer_done(&text);
    return copy;
}

static const int known_cuts[] = {1, 4096, 4106, 9000};

TEST_ROWS(what_was_known_by_ids_stays_known_when_the_ids_are_forgotten, known_cuts)
{
    stele_store *store = open_store();
    cli_import_counts counts;
    stele_position head;
    size_t size;
    size_t part_size;
    const char *text = known_events(9000, &size);
    const char *part = known_events(known_cuts[row], &part_size);
    cli_buffer other = {0};

    /* The events come by a file that begins differently, so that no key is the same. */
    cli_buffer_add_text(&other, "{\"stream\":\"first\",\"type\":\"t\"}\n");
    cli_buffer_add(&other, part, part_size);
    expect_int(import_bytes(store, other.data, other.size, NULL, &counts), 0);
    expect_int(import_bytes(store, text, size, NULL, &counts), 0);
    expect_uint(counts.known, (uint64_t)known_cuts[row]);
    make_noise(store);
    head = head_of(store);
    expect_int(import_bytes(store, text, size, NULL, &counts), 0);
    expect_uint(counts.known, 9000);
    expect_uint(head_of(store), head);
    cli_buffer_done(&other);
    stele_close(store, NULL);
}

TEST(an_id_that_occurs_again_at_the_end_stays_known)
{
    const char *text =
        "{\"stream\":\"s\",\"type\":\"t\",\"id\":\"01890f5c-7a3e-7c1a-9b1e-3f2d6c5b4a39\"}\n"
        "{\"stream\":\"s\",\"type\":\"t\"}\n"
        "{\"stream\":\"s\",\"type\":\"t\",\"id\":\"01890f5c-7a3e-7c1a-9b1e-3f2d6c5b4a39\"}\n";
    stele_store *store = open_store();
    cli_import_counts counts;

    expect_int(import_text(store, text, NULL, &counts), 0);
    expect_uint(head_of(store), 2);
    make_noise(store);
    expect_int(import_text(store, text, NULL, &counts), 0);
    expect_uint(counts.known, 3);
    stele_close(store, NULL);
}

TEST(equal_lines_are_different_events)
{
    stele_store *store = open_store();
    cli_import_counts counts;
    const char *text = "{\"stream\":\"s\",\"type\":\"t\"}\n{\"stream\":\"s\",\"type\":\"t\"}\n";

    expect_int(import_text(store, text, NULL, &counts), 0);
    expect_uint(counts.imported, 2);
    stele_close(store, NULL);
}

TEST(an_id_that_occurs_twice_is_one_event)
{
    stele_store *store = open_store();
    cli_import_counts counts;
    const char *text =
        "{\"stream\":\"s\",\"type\":\"t\",\"id\":\"01890f5c-7a3e-7c1a-9b1e-3f2d6c5b4a39\"}\n"
        "{\"stream\":\"s\",\"type\":\"t\"}\n"
        "{\"stream\":\"s\",\"type\":\"t\",\"id\":\"01890f5c-7a3e-7c1a-9b1e-3f2d6c5b4a39\"}\n"
        "{\"stream\":\"other\",\"type\":\"t\",\"id\":\"01890f5c-7a3e-7c1a-9b1e-3f2d6c5b4a39\"}\n";

    expect_int(import_text(store, text, NULL, &counts), 0);
    expect_uint(counts.imported, 3);
    expect_uint(counts.known, 1);
    stele_close(store, NULL);
}

TEST(events_whose_ids_the_store_knows_are_passed_over_one_by_one)
{
    stele_store *store = open_store();
    cli_import_counts counts;
    size_t size;
    const char *text = history(600, &size);
    stele_event event = stele_json_event("t", "{\"same\":true}");
    stele_error error;

    /* Three events of the file came another way. */
    for (int i = 30; i < 90; i += 30) {
        event.id = (stele_uuid){{0, 0, 0, (uint8_t)(i + 1), 0, 0, 0x40, 0, 0x80}};
        expect_ok(stele_append(store, "s-0", STELE_ANY, &event, 1, NULL, NULL, &error), &error);
    }
    expect_int(import_bytes(store, text, size, NULL, &counts), 0);
    expect_uint(counts.known, 2);
    expect_uint(counts.imported, 598);
    expect_uint(head_of(store), 600);
    expect_int(import_bytes(store, text, size, NULL, &counts), 0);
    expect_uint(counts.known, 600);
    expect_uint(head_of(store), 600);
    stele_close(store, NULL);
}

TEST(keys_of_their_own_are_kept)
{
    stele_store *store = open_store();
    stele_append_options append = {.key = "order-1"};
    stele_event event = stele_json_event("t", "1");
    cli_import_counts counts;
    stele_receipt receipt;
    stele_error error;
    const char *text = "{\"stream\":\"s\",\"type\":\"t\"}\n"
                       "{\"stream\":\"s\",\"type\":\"t\",\"data\":1,\"key\":\"order-1\"}\n"
                       "{\"stream\":\"s\",\"type\":\"t\"}\n";

    expect_int(import_text(store, text, NULL, &counts), 0);
    expect_uint(counts.imported, 3);
    expect_ok(stele_append(store, "s", STELE_ANY, &event, 1, &append, &receipt, &error), &error);
    expect_true(receipt.already_applied);
    expect_uint(receipt.position, 2);
    expect_int(import_text(store, text, NULL, &counts), 0);
    expect_uint(counts.known, 3);
    expect_uint(head_of(store), 3);
    stele_close(store, NULL);
}

TEST(a_key_of_its_own_is_known_although_the_time_is_kept_in_another_way)
{
    const char *text =
        "{\"stream\":\"s\",\"type\":\"t\",\"time\":\"2020-01-01T00:00:00Z\",\"key\":\"order-1\"}\n"
        "{\"stream\":\"s\",\"type\":\"u\",\"time\":\"2020-01-01T00:00:00Z\"}\n";
    stele_store *store = open_store();
    cli_import_counts counts;

    /* As if it was killed behind the first line, and somebody else wrote. */
    expect_int(import_bytes(store, text, (size_t)(strchr(text, '\n') - text) + 1, NULL, &counts),
               0);
    clock_of_import.instead = INT64_MIN;
    expect_ok(stele_accept_clock(store, NULL), NULL);
    write_something_else(store);
    expect_int(import_text(store, text, NULL, &counts), 0);
    expect_uint(counts.known, 1);
    expect_uint(counts.imported, 1);
    stele_close(store, NULL);
}

TEST(equal_lines_with_one_key_are_one_event)
{
    const char *text = "{\"stream\":\"s\",\"type\":\"t\",\"data\":1,\"key\":\"order-1\"}\n"
                       "{\"stream\":\"s\",\"type\":\"t\",\"data\":1,\"key\":\"order-1\"}\n";
    stele_store *store = open_store();
    cli_import_counts counts;

    expect_int(import_text(store, text, NULL, &counts), 0);
    expect_uint(counts.imported, 1);
    expect_uint(counts.known, 1);
    expect_int(import_text(store, text, NULL, &counts), 0);
    expect_uint(counts.known, 2);
    expect_uint(head_of(store), 1);
    stele_close(store, NULL);
}

TEST(a_key_that_was_appended_another_way_is_known)
{
    const char *tags[] = {"a", "b"};
    const char *text = "{\"stream\":\"s\",\"type\":\"t\",\"data\":1,\"tags\":[\"b\",\"a\",\"b\"],"
                       "\"time\":\"2020-01-01T00:00:00Z\",\"key\":\"order-1\"}\n";
    stele_append_options append = {.key = "order-1"};
    stele_event event = stele_json_event("t", "1");
    stele_store *store = open_store();
    cli_import_counts counts;
    stele_error error;

    event.tags = tags;
    event.tag_count = 2;
    expect_ok(stele_append(store, "s", STELE_ANY, &event, 1, &append, NULL, &error), &error);
    expect_int(import_text(store, text, NULL, &counts), 0);
    expect_uint(counts.known, 1);
    expect_uint(head_of(store), 1);
    stele_close(store, NULL);
}

TEST(a_key_of_another_event_is_refused)
{
    const char *text = "{\"stream\":\"s\",\"type\":\"t\",\"key\":\"order-1\"}\n"
                       "{\"stream\":\"s\",\"type\":\"u\",\"key\":\"order-1\"}\n";
    stele_store *store = open_store();
    cli_import_counts counts;

    expect_int(import_text(store, text, NULL, &counts), 2);
    expect_uint(counts.imported, 1);
    stele_close(store, NULL);
}

TEST(tombstones_end_streams_once)
{
    stele_store *store = open_store();
    stele_stream_info info;
    cli_import_counts counts;
    stele_error error;
    const char *text =
        "{\"stream\":\"s\",\"type\":\"t\"}\n"
        "{\"stream\":\"s\",\"type\":\"$streamDeleted\",\"revision\":9223372036854775807}\n"
        "{\"stream\":\"u\",\"type\":\"t\"}\n";

    expect_int(import_text(store, text, NULL, &counts), 0);
    expect_uint(counts.imported, 3);
    expect_ok(stele_stream_describe(store, "s", &info, &error), &error);
    expect_int(info.state, STELE_IS_TOMBSTONED);
    expect_int(import_text(store, text, NULL, &counts), 0);
    expect_uint(counts.known, 3);
    expect_uint(head_of(store), 3);
    stele_close(store, NULL);
}

/* ---- What one store exports */

enum { STREAMS = 4, COMMIT_EVENTS_MAX = 5 };

static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

/* Any event for a metadata stream: it is brought back by other types and formats as well. */
static stele_event any_metadata(uint64_t *random)
{
    static const char *const said[] = {"{\"$tb\":9223372036854775807}",
                                       "{\"$tb\":9223372036854775807}",
                                       "{\"x\":[1.50,\"\\u0041\"],\"$tb\":9223372036854775807}",
                                       "{\"$maxCount\":9}",
                                       "{\"$tb\":1}",
                                       "{\"$tb\":0}",
                                       "{\"a\":1,\"\\ud800\":2,\"a\":3}",
                                       "{}",
                                       "[1]",
                                       "none"};
    static const char *const tags[] = {"x"};
    const char *text = said[next_random(random) % 10];
    stele_event event = stele_json_event(next_random(random) % 4 ? "$metadata" : "note", text);

    if (next_random(random) % 4 == 0 || text[0] == 'n') {
        event.data_format = STELE_BINARY;
    }
    if (next_random(random) % 8 == 0) {
        event.tags = tags;
        event.tag_count = 1;
    }
    if (next_random(random) % 8 == 0) {
        event.metadata_format = STELE_JSON;
        event.metadata = (stele_bytes){(const uint8_t *)"{}", 2};
    }
    return event;
}

/* Any commit: events of streams, metadata that keeps, deletes or revives, in any order. A tombstone
 * has ended the stream e. */
static void append_any(stele_store *store, uint64_t *random)
{
    static const char *const names[] = {"a", "b", "$$a", "$$b", "c", "$$c", "d", "$$d", "$$e"};
    stele_event events[COMMIT_EVENTS_MAX];
    const size_t count = 1 + next_random(random) % COMMIT_EVENTS_MAX;
    stele_commit commit = {.events = events, .event_count = count};
    stele_error error;

    for (size_t i = 0; i < count; i++) {
        const char *stream = names[next_random(random) % (2 * STREAMS + 1)];

        events[i] = stele_json_event("t", "1");
        if (stream[0] == '$') {
            events[i] = any_metadata(random);
        }
        events[i].stream = stream;
    }
    expect_ok(stele_append_commit(store, &commit, NULL, NULL, &error), &error);
}

static void export_all(stele_store *store, cli_buffer *out)
{
    stele_read read = {0};
    stele_cursor *cursor = NULL;
    const stele_record *record;
    stele_error error;

    expect_ok(stele_read_open(store, &read, &cursor, &error), &error);
    while ((record = stele_cursor_next(cursor, &error))) {
        cli_record_add_json(out, record, CLI_FOR_IMPORT);
        cli_buffer_add_text(out, "\n");
    }
    expect_ok(error.status, &error);
    stele_cursor_free(cursor);
}

/* Every record of both stores is the same, but for ids that the store has made. */
static void expect_same(stele_store *store, stele_store *copy)
{
    stele_read read = {0};
    stele_cursor *cursor = NULL;
    stele_cursor *other = NULL;
    const stele_record *a;
    const stele_record *b;
    stele_error error;

    expect_uint(head_of(copy), head_of(store));
    expect_ok(stele_read_open(store, &read, &cursor, &error), &error);
    expect_ok(stele_read_open(copy, &read, &other, &error), &error);
    while ((a = stele_cursor_next(cursor, &error)) && (b = stele_cursor_next(other, &error))) {
        expect_uint(b->revision, a->revision);
        expect_int(b->time, a->time);
        expect_bytes(b->stream.data, b->stream.size, a->stream.data, a->stream.size);
        expect_bytes(b->type.data, b->type.size, a->type.data, a->type.size);
        expect_bytes(b->data.data, b->data.size, a->data.data, a->data.size);
        expect_int(b->data_format, a->data_format);
        expect_bytes(b->metadata.data, b->metadata.size, a->metadata.data, a->metadata.size);
        expect_int(b->metadata_format, a->metadata_format);
        expect_uint(b->tag_count, a->tag_count);
        expect_true(a->type.data[0] == '$' || memcmp(&a->id, &b->id, sizeof a->id) == 0);
    }
    stele_cursor_free(cursor);
    stele_cursor_free(other);
}

static const int round_trips[] = {1, 2, 3, 4, 5, 6, 7, 8};

TEST_ROWS(an_export_imported_into_an_empty_store_is_the_same_store, round_trips)
{
    stele_store *store = open_store();
    stele_store *copy;
    uint64_t random = (uint64_t)round_trips[row];
    const stele_event first = stele_json_event("t", "1");
    cli_import_counts counts;
    cli_buffer text = {0};
    stele_error error;

    expect_ok(stele_append(store, "e", STELE_ANY, &first, 1, NULL, NULL, &error), &error);
    expect_ok(stele_tombstone(store, "e", STELE_ANY, NULL, NULL, &error), &error);
    for (int i = 0; i < 4000; i++) {
        append_any(store, &random);
    }
    export_all(store, &text);
    copy = open_store();
    expect_int(import_bytes(copy, text.data, text.size, NULL, &counts), 0);
    expect_same(store, copy);
    expect_int(import_bytes(copy, text.data, text.size, NULL, &counts), 0);
    expect_uint(counts.known, head_of(store));
    stele_close(store, NULL);
    stele_close(copy, NULL);
    cli_buffer_done(&text);
}

/* ---- What is wrong */

static const char *const nil_ids[] = {
    "{\"stream\":\"s\",\"type\":\"a\",\"id\":\"00000000-0000-0000-0000-000000000000\"}",
    "{\"specversion\":\"1.0\",\"source\":\"/\",\"type\":\"t\",\"subject\":\"s\","
    "\"id\":\"00000000-0000-0000-0000-000000000000\"}",
};

TEST_ROWS(an_id_that_identifies_nothing_is_refused, nil_ids)
{
    stele_store *store = open_store();
    cli_import_counts counts;

    expect_int(import_text(store, nil_ids[row], NULL, &counts), 2);
    expect_uint(counts.imported, 0);
    expect_uint(head_of(store), 0);
    stele_close(store, NULL);
}

TEST(an_import_stops_at_what_is_wrong_and_goes_on_when_it_is_right)
{
    stele_store *store = open_store();
    cli_import_counts counts;

    expect_int(import_text(store,
                           "{\"stream\":\"s\",\"type\":\"a\"}\n{\"stream\":\"s\",\"typ\":\"b\"}\n"
                           "{\"stream\":\"s\",\"type\":\"c\"}\n",
                           NULL, &counts),
               2);
    expect_uint(counts.imported, 1);
    expect_uint(head_of(store), 1);
    expect_int(import_text(store,
                           "{\"stream\":\"s\",\"type\":\"a\"}\n{\"stream\":\"s\",\"type\":\"b\"}\n"
                           "{\"stream\":\"s\",\"type\":\"c\"}\n",
                           NULL, &counts),
               0);
    expect_uint(counts.known, 1);
    expect_uint(counts.imported, 2);
    stele_close(store, NULL);
}

TEST(what_is_wrong_can_be_skipped)
{
    const cli_import_options skip = {.skips_bad = true};
    stele_store *store = open_store();
    cli_import_counts counts;
    cli_buffer text = {0};

    for (int i = 0; i < 20000; i++) {
        /* Longer than a window, nothing but bad lines; and a few more. */
        cli_buffer_add_text(&text, (i > 100 && i < 15000) || i % 1000 == 0
                                       ? "bad\n"
                                       : "{\"stream\":\"s\",\"type\":\"t\"}\n");
    }
    expect_int(import_bytes(store, text.data, text.size, &skip, &counts), 0);
    expect_uint(counts.imported + counts.bad, 20000);
    expect_uint(counts.bad, 14899 + 1 + 5);
    make_noise(store); /* so that nothing is recognised by its id */
    const uint64_t imported = counts.imported;
    for (int i = 0; i < 2; i++) {
        const uint64_t before = head_of(store);

        expect_int(import_bytes(store, text.data, text.size, &skip, &counts), 0);
        expect_uint(counts.imported, 0);
        expect_uint(counts.known, imported);
        expect_uint(counts.bad, 14899 + 1 + 5);
        expect_uint(head_of(store), before);
    }
    cli_buffer_done(&text);
    stele_close(store, NULL);
}

TEST(an_event_that_the_store_refuses_is_found_among_many)
{
    stele_store *store = open_store();
    cli_import_counts counts;
    cli_buffer text = {0};

    for (int i = 0; i < 1000; i++) {
        cli_buffer_format(&text, "{\"stream\":\"%s\",\"type\":\"t%d\"}\n", i == 700 ? "$all" : "s",
                          i);
    }
    expect_int(import_bytes(store, text.data, text.size, NULL, &counts), 2);
    expect_uint(counts.imported, 700);
    expect_uint(head_of(store), 700);
    expect_int(import_bytes(store, text.data, text.size, &(cli_import_options){.skips_bad = true},
                            &counts),
               0);
    expect_uint(counts.known, 700);
    expect_uint(counts.imported, 299);
    expect_uint(counts.bad, 1);
    cli_buffer_done(&text);
    stele_close(store, NULL);
}

TEST(a_dry_run_writes_nothing)
{
    const cli_import_options dry = {.is_dry = true};
    cli_import_counts counts;

    expect_int(
        import_text(NULL,
                    "{\"stream\":\"s\",\"type\":\"a\"}\nbad\n{\"stream\":\"s\",\"type\":\"a\"}\n",
                    &dry, &counts),
        0);
    expect_uint(counts.imported, 2);
    expect_uint(counts.bad, 1);
}

/* ---- Times */

static stele_time time_at(stele_store *store, stele_position position, const char **ret_metadata)
{
    const stele_read read = {.from = STELE_AT_POSITION(position), .limit = 1};
    stele_cursor *cursor = NULL;
    const stele_record *record;
    stele_error error;
    stele_time time;
    char *metadata;

    expect_ok(stele_read_open(store, &read, &cursor, &error), &error);
    record = stele_cursor_next(cursor, &error);
    expect_not_null(record);
    time = record->time;
    metadata = test_memory(record->metadata.size + 1);
    if (record->metadata.size > 0) {
        memcpy(metadata, record->metadata.data, record->metadata.size);
    }
    *ret_metadata = metadata;
    stele_cursor_free(cursor);
    return time;
}

static stele_time seconds(int64_t count)
{
    return INT64_C(1577836800000000000) + count * 1000000000; /* from 2020 on */
}

/* Three years, with an event that is a second too early. */
static const char three_times[] =
    "{\"stream\":\"s\",\"type\":\"t\",\"time\":\"2020-01-01T00:00:00Z\"}\n"
    "{\"stream\":\"s\",\"type\":\"t\",\"time\":\"2020-01-01T00:01:00Z\"}\n"
    "{\"stream\":\"s\",\"type\":\"t\",\"time\":\"2020-01-01T00:00:59Z\"}\n"
    "{\"stream\":\"s\",\"type\":\"t\",\"time\":\"2022-01-01T00:00:00Z\"}\n"
    "{\"stream\":\"s\",\"type\":\"t\"}\n";

TEST(times_are_recorded_in_an_empty_store)
{
    stele_store *store = open_store();
    const char *metadata;
    cli_import_counts counts;

    expect_int(import_text(store, three_times, NULL, &counts), 0);
    expect_int(time_at(store, 1, &metadata), seconds(0));
    expect_text(metadata, "");
    expect_int(time_at(store, 2, &metadata), seconds(60));
    expect_int(time_at(store, 3, &metadata), seconds(60));
    expect_text(metadata, "{\"$sourceTime\":\"2020-01-01T00:00:59Z\"}");
    expect_int(time_at(store, 4, &metadata), seconds(731LL * 86400));
    expect_int(time_at(store, 5, &metadata), seconds(731LL * 86400));
    stele_close(store, NULL);
}

TEST(times_go_into_metadata_in_a_store_with_events)
{
    stele_store *store = open_store();
    const char *metadata;
    cli_import_counts counts;

    write_something_else(store);
    expect_int(import_text(store, three_times, NULL, &counts), 0);
    expect_true(time_at(store, 2, &metadata) > seconds(5LL * 365 * 86400));
    expect_text(metadata, "{\"$sourceTime\":\"2020-01-01T00:00:00Z\"}");
    stele_close(store, NULL);
}

TEST(an_import_that_goes_on_records_times_as_before)
{
    stele_store *store = open_store();
    const char *metadata;
    cli_import_counts counts;

    /* Up to the second line: the next time is below the last one. */
    expect_int(import_bytes(store, three_times, 112, NULL, &counts), 0);
    expect_uint(counts.imported, 2);
    expect_int(import_text(store, three_times, NULL, &counts), 0);
    expect_uint(counts.known, 2);
    expect_int(time_at(store, 3, &metadata), seconds(60));
    expect_int(time_at(store, 4, &metadata), seconds(731LL * 86400));
    stele_close(store, NULL);
}

TEST(an_import_that_goes_on_behind_others_keeps_times_in_metadata)
{
    stele_store *store = open_store();
    const char *metadata;
    cli_import_counts counts;

    expect_int(import_bytes(store, three_times, 112, NULL, &counts), 0);
    clock_of_import.instead = INT64_MIN;
    expect_ok(stele_accept_clock(store, NULL), NULL);
    write_something_else(store);
    expect_int(import_text(store, three_times, NULL, &counts), 0);
    expect_uint(counts.known, 2);
    expect_uint(counts.imported, 3);
    expect_true(time_at(store, 5, &metadata) > seconds(5LL * 365 * 86400));
    expect_text(metadata, "{\"$sourceTime\":\"2022-01-01T00:00:00Z\"}");
    stele_close(store, NULL);
}

TEST(times_can_be_dropped)
{
    const cli_import_options drop = {.time = CLI_TIME_DROP};
    stele_store *store = open_store();
    const char *metadata;
    cli_import_counts counts;

    expect_int(import_text(store, three_times, &drop, &counts), 0);
    expect_true(time_at(store, 1, &metadata) > seconds(5LL * 365 * 86400));
    expect_text(metadata, "");
    stele_close(store, NULL);
}

TEST(a_time_in_the_future_is_not_recorded)
{
    const char *text = "{\"stream\":\"s\",\"type\":\"t\",\"time\":\"2020-01-01T00:00:00Z\"}\n"
                       "{\"stream\":\"s\",\"type\":\"t\",\"time\":\"2261-01-01T00:00:00Z\"}\n";
    stele_store *store = open_store();
    const char *metadata;
    cli_import_counts counts;

    expect_int(import_text(store, text, NULL, &counts), 2);
    expect_uint(counts.imported, 1);
    expect_int(import_text(store, text, &(cli_import_options){.time = CLI_TIME_METADATA}, &counts),
               0);
    expect_uint(counts.imported, 1);
    (void)time_at(store, 2, &metadata);
    expect_text(metadata, "{\"$sourceTime\":\"2261-01-01T00:00:00Z\"}");
    stele_close(store, NULL);
}

TEST(history_as_of_a_time_can_be_read)
{
    stele_store *store = open_store();
    const stele_read read = {.stream = "s", .as_of = STELE_AT_TIME(seconds(3600))};
    stele_cursor *cursor = NULL;
    cli_import_counts counts;
    stele_error error;
    int count = 0;

    expect_int(import_text(store, three_times, NULL, &counts), 0);
    expect_ok(stele_read_open(store, &read, &cursor, &error), &error);
    while (stele_cursor_next(cursor, &error)) {
        count++;
    }
    expect_int(count, 3);
    stele_cursor_free(cursor);
    stele_close(store, NULL);
}

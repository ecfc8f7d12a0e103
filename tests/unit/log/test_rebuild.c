/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Index files that are missing when a large store is opened: whatever is asked is answered as if
 * they were there, and they come back. Only what lies before the window of event ids is left
 * missing by opening, so the store must be larger than that.
 */
#include "base/base.h"
#include "support/test.h"

#include <stele/stele.h>

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    BATCH = 1000,
    EVENTS = (STELE_ID_WINDOW / BATCH + 101) * BATCH,
    STREAMS = 5000,
    SEGMENT_SIZE = 1 << 20,
    SEGMENT_SIZE_SMALL = 1 << 18
};

typedef struct world {
    const char *folder;
    stele_store *store;
    stele_background background;
    uint64_t segment_bytes; /* 0: SEGMENT_SIZE */
} world;

static void open_store(world *here)
{
    const stele_options options = {.durability = STELE_DURABLE_OS,
                                   .background = here->background,
                                   .segment_bytes =
                                       here->segment_bytes ? here->segment_bytes : SEGMENT_SIZE};
    stele_error error;
    expect_ok(stele_open(here->folder, &options, &here->store, &error), &error);
}

static void close_store(world *here)
{
    stele_error error;
    expect_ok(stele_close(here->store, &error), &error);
}

static stele_info describe(const world *here)
{
    stele_info info;
    stele_error error;
    expect_ok(stele_describe(here->store, &info, &error), &error);
    return info;
}

/* Event n, which has position n + 1, is number n / STREAMS of its stream, s-<n % STREAMS>. */
static void name_of(uint64_t number, char ret_name[24])
{
    (void)snprintf(ret_name, 24, "s-%u", (unsigned)(number % STREAMS));
}

static void fill(const world *here)
{
    static char names[BATCH][24];
    static stele_event events[BATCH];
    stele_error error;
    for (uint64_t number = 0; number < EVENTS; number += BATCH) {
        for (size_t i = 0; i < BATCH; i++) {
            name_of(number + i, names[i]);
            events[i] = stele_json_event("t", "{}");
            events[i].stream = names[i];
            memcpy(events[i].id.bytes, &(uint64_t){number + i + 1}, sizeof number);
        }
        const stele_append_options options = {.key = number == 0 ? "first" : NULL};
        const stele_commit commit = {.events = events, .event_count = BATCH, .options = &options};
        expect_ok(stele_append_commit(here->store, &commit, NULL, NULL, &error), &error);
    }
}

static void remove_index_files(const char *folder)
{
    DIR *entries = opendir(folder);
    const struct dirent *entry;
    unsigned count = 0;
    expect_true(entries != NULL);
    while ((entry = readdir(entries))) {
        char path[1024];
        const size_t size = strlen(entry->d_name);
        if (size > 6 && strcmp(entry->d_name + size - 6, ".index") == 0) {
            (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
            expect_int(unlink(path), 0);
            count++;
        }
    }
    (void)closedir(entries);
    expect_true(count > 0);
}

static world make_world_of(stele_background background, uint64_t segment_bytes)
{
    world here = {.folder = test_folder(),
                  .background = background,
                  .segment_bytes = segment_bytes};
    open_store(&here);
    fill(&here);
    close_store(&here);
    remove_index_files(here.folder);
    open_store(&here);
    return here;
}

static world make_world(stele_background background)
{
    return make_world_of(background, SEGMENT_SIZE);
}

/* Event `number` by its stream and revision. */
static void expect_event(const world *here, uint64_t number)
{
    char name[24];
    name_of(number, name);
    const stele_read read = {.stream = name,
                             .from = STELE_FROM_REVISION(number / STREAMS),
                             .limit = 1};
    stele_cursor *cursor;
    stele_error error;
    expect_ok(stele_read_open(here->store, &read, &cursor, &error), &error);
    const stele_record *record = stele_cursor_next(cursor, &error);
    expect_ok(error.status, &error);
    expect_true(record != NULL);
    expect_uint(record->position, number + 1);
    expect_uint(record->revision, number / STREAMS);
    stele_cursor_free(cursor);
}

static void expect_count(const world *here, const stele_read *read, uint64_t expected)
{
    stele_cursor *cursor;
    stele_error error;
    uint64_t count = 0;
    expect_ok(stele_read_open(here->store, read, &cursor, &error), &error);
    while (stele_cursor_next(cursor, &error)) {
        count++;
    }
    expect_ok(error.status, &error);
    stele_cursor_free(cursor);
    expect_uint(count, expected);
}

static stele_status append(const world *here, const char *stream, stele_expected expected,
                           const char *key, stele_error *reterr)
{
    stele_event event = stele_json_event("t", "{}");
    const stele_append_options options = {.key = key};
    event.id.bytes[15] = 77;
    return stele_append(here->store, stream, expected, &event, 1, &options, NULL, reterr);
}

/* What recent events decide needs nothing that is missing: no metadata stream, and no key, is in
 * the old segments but the first one. */
TEST_WITHIN(a_recent_stream_is_appended_to_while_index_files_are_missing, 120)
{
    world here = make_world(STELE_NO_THREADS);
    stele_error error;
    const uint64_t missing = describe(&here).missing_index_files;
    expect_true(missing > 3);
    expect_ok(append(&here, "s-7", EVENTS / STREAMS + (EVENTS % STREAMS > 7) - 1, NULL, &error),
              &error);
    /* (A lower revision than the last would have the ids of old events compared.) */
    expect_status(append(&here, "s-8", EVENTS, NULL, &error), STELE_CONFLICT);
    expect_uint(describe(&here).missing_index_files, missing);
    close_store(&here);
}

TEST_WITHIN(a_missing_index_file_is_built_by_who_needs_it, 120)
{
    world here = make_world(STELE_NO_THREADS);
    stele_error error;
    const uint64_t missing = describe(&here).missing_index_files;
    const uint64_t present = describe(&here).index_file_count;
    expect_true(missing > 3);
    expect_event(&here, 3);
    expect_count(&here, &(stele_read){.limit = 10}, 10);
    /* The walk to the first revision of s-3 led past all of them. */
    const stele_info info = describe(&here);
    expect_uint(info.missing_index_files, 0);
    expect_uint(info.index_file_count, present + missing);
    expect_true(info.healed_index_files >= missing);
    expect_status(append(&here, "s-8", STELE_NO_STREAM, NULL, &error), STELE_CONFLICT);
    close_store(&here);
    open_store(&here);
    expect_uint(describe(&here).missing_index_files, 0);
    expect_uint(describe(&here).healed_index_files, 0);
    close_store(&here);
}

static void ask_for_a_new_stream(const world *here)
{
    stele_error error;
    expect_ok(append(here, "new-1", STELE_NO_STREAM, NULL, &error), &error);
}

static void ask_for_an_old_key(const world *here)
{
    stele_error error;
    expect_status(append(here, "s-1", STELE_ANY, "first", &error), STELE_CONFLICT);
    expect_int(error.detail, STELE_CONFLICT_KEY);
}

static void ask_a_condition(const world *here)
{
    const stele_query query = stele_query_of(stele_types("t"), stele_any_tags());
    const stele_condition condition = {&query, 0};
    const stele_append_options options = {.conditions = &condition, .condition_count = 1};
    const stele_event event = stele_json_event("u", "{}");
    stele_error error;
    expect_status(stele_append(here->store, "x", STELE_ANY, &event, 1, &options, NULL, &error),
                  STELE_CONFLICT);
    expect_uint(error.conflict.position, 1);
}

static void ask_for_everything(const world *here)
{
    expect_count(here, &(stele_read){.category = NULL}, describe(here).head);
}

static void ask_for_a_type(const world *here)
{
    expect_count(here, &(stele_read){.event_type = "t"}, describe(here).head);
}

static void ask_for_a_time(const world *here)
{
    const stele_read read = {.from = STELE_AT_TIME(describe(here).first_time), .limit = 3};
    expect_count(here, &read, 3);
}

static void ask_for_names(const world *here)
{
    const stele_list list = {.kind = STELE_STREAM_NAMES, .prefix = "s-", .after = "s-0"};
    stele_name_list *names;
    stele_error error;
    uint64_t count = 0;
    expect_ok(stele_names_open(here->store, &list, &names, &error), &error);
    while (stele_names_next(names, &error)) {
        count++;
    }
    expect_ok(error.status, &error);
    stele_names_free(names);
    expect_uint(count, STREAMS - 1); /* s-0 is the lowest */
}

static void ask_for_a_stream(const world *here)
{
    stele_stream_info info;
    stele_error error;
    expect_ok(stele_stream_describe(here->store, "s-4", &info, &error), &error);
    expect_uint(info.event_count, EVENTS / STREAMS + (EVENTS % STREAMS > 4));
}

static void ask_whether_all_is_well(const world *here)
{
    stele_verify_result result;
    stele_error error;
    expect_ok(stele_verify(here->store, NULL, &result, &error), &error);
    expect_uint(result.events, describe(here).head);
    expect_uint(describe(here).missing_index_files, 0);
}

/* Each question is the first one after opening. */
TEST_WITHIN(every_question_is_answered_while_index_files_are_missing, 240)
{
    static void (*const questions[])(
        const world *here) = {ask_for_a_new_stream, ask_for_an_old_key, ask_a_condition,
                              ask_for_everything,   ask_for_a_type,     ask_for_a_time,
                              ask_for_names,        ask_for_a_stream,   ask_whether_all_is_well};
    world here = make_world(STELE_NO_THREADS);
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        expect_true(describe(&here).missing_index_files > 3);
        questions[i](&here);
        close_store(&here);
        remove_index_files(here.folder);
        open_store(&here);
    }
    close_store(&here);
}

TEST_WITHIN(threads_build_what_is_missing, 120)
{
    world here = make_world(STELE_THREADS);
    for (uint64_t number = 0; number < EVENTS; number += 9973) {
        expect_event(&here, EVENTS - 1 - number);
    }
    while (describe(&here).missing_index_files > 0) {
        (void)usleep(1000);
    }
    close_store(&here);
    open_store(&here);
    expect_uint(describe(&here).healed_index_files, 0);
    expect_event(&here, 0);
    close_store(&here);
}

/* A step builds a piece of up to sixteen into one file, or does something that is more urgent. */
TEST_WITHIN(steps_build_what_is_missing_in_pieces, 120)
{
    enum { URGENT_MAX = 4, PIECE = 16 };
    world here = make_world_of(STELE_NO_THREADS, SEGMENT_SIZE_SMALL);
    stele_error error;
    const uint64_t missing = describe(&here).missing_index_files;
    const uint64_t present = describe(&here).index_file_count;
    const uint64_t pieces = (missing + PIECE - 1) / PIECE;
    uint64_t steps = 0;
    expect_true(missing > PIECE);
    for (uint64_t before = missing; before > 0;) {
        int more;
        expect_ok(stele_step(here.store, &more, &error), &error);
        expect_true(more);
        const uint64_t now = describe(&here).missing_index_files;
        expect_true(now == before || now == (before > PIECE ? before - PIECE : 0));
        before = now;
        steps++;
    }
    expect_true(steps >= pieces && steps <= pieces + URGENT_MAX);
    expect_true(describe(&here).index_file_count <= present + pieces);
    expect_uint(describe(&here).healed_index_files, missing + present);
    expect_event(&here, 12345);
    ask_whether_all_is_well(&here);
    close_store(&here);
}

static void step_to_the_end(const world *here)
{
    stele_error error;
    int more = 1;
    while (more) {
        expect_ok(stele_step(here->store, &more, &error), &error);
    }
}

/* One that was built alone, for who needed it, is not left over for ever among larger ones. */
TEST_WITHIN(what_was_built_alone_is_merged_all_the_same, 120)
{
    enum { AT_A_LEVEL = 3, LEVELS = 4, ALONE = 2 };
    world here = make_world_of(STELE_NO_THREADS, SEGMENT_SIZE_SMALL);
    const uint64_t missing = describe(&here).missing_index_files;
    stele_cursor *cursor;
    stele_error error;
    expect_true(missing < 1 << (2 * LEVELS));
    for (uint64_t position = 25000; position <= 25000 * ALONE; position += 25000) {
        const stele_read read = {.from = STELE_AT_POSITION(position), .limit = 1};
        expect_ok(stele_read_open(here.store, &read, &cursor, &error), &error);
        expect_uint(stele_cursor_next(cursor, &error)->position, position);
        stele_cursor_free(cursor);
    }
    expect_uint(describe(&here).missing_index_files, missing - ALONE);
    step_to_the_end(&here);
    expect_uint(describe(&here).missing_index_files, 0);
    expect_true(describe(&here).index_file_count <= AT_A_LEVEL * LEVELS);
    ask_whether_all_is_well(&here);
    expect_event(&here, 54321);
    close_store(&here);
}

/* A reader of its own sees what there is, is told what is not there yet, and has it later. */
TEST_WITHIN(a_reader_waits_for_missing_index_files_with_an_error, 120)
{
    const stele_options options = {.access = STELE_READ_ONLY};
    world here = make_world(STELE_NO_THREADS);
    world reader = {.folder = here.folder};
    const stele_read newest = {.stream = "s-5", .direction = STELE_BACKWARDS, .limit = 1};
    stele_verify_result result;
    stele_cursor *cursor;
    stele_error error;
    expect_ok(stele_open(here.folder, &options, &reader.store, &error), &error);
    expect_uint(describe(&reader).missing_index_files, describe(&here).missing_index_files);
    expect_count(&reader, &newest, 1);
    const stele_read oldest = {.stream = "s-5", .limit = 1};
    expect_status(stele_read_open(reader.store, &oldest, &cursor, &error), STELE_CORRUPT);
    expect_int(error.detail, STELE_CORRUPT_INDEX);
    expect_status(stele_verify(reader.store, NULL, &result, &error), STELE_CORRUPT);
    expect_event(&here, 5);
    expect_event(&reader, 5);
    expect_uint(describe(&reader).missing_index_files, 0);
    expect_ok(stele_verify(reader.store, NULL, &result, &error), &error);
    close_store(&reader);
    close_store(&here);
}

/* What is salvaged comes from the segments where there is no index file. */
TEST_WITHIN(a_salvage_needs_no_index_file, 120)
{
    const stele_options options = {.access = STELE_SALVAGE};
    world here = make_world(STELE_NO_THREADS);
    stele_error error;
    close_store(&here);
    expect_ok(stele_open(here.folder, &options, &here.store, &error), &error);
    expect_count(&here, &(stele_read){.category = NULL}, EVENTS);
    expect_event(&here, 17);
    close_store(&here);
}

/* Who needs a segment that is damaged is told so, and nobody else. */
TEST_WITHIN(a_damaged_segment_without_index_is_named, 120)
{
    world here = {.folder = test_folder(), .background = STELE_NO_THREADS};
    char path[1024];
    stele_error error;
    open_store(&here);
    fill(&here);
    close_store(&here);
    remove_index_files(here.folder);
    (void)snprintf(path, sizeof path, "%s/0000000002.log", here.folder);
    FILE *file = fopen(path, "r+");
    expect_true(file != NULL);
    expect_int(fseek(file, 5000, SEEK_SET), 0);
    const int byte = fgetc(file);
    expect_int(fseek(file, 5000, SEEK_SET), 0);
    expect_int(fputc(byte ^ 0x10, file), byte ^ 0x10);
    expect_int(fclose(file), 0);
    open_store(&here);
    expect_ok(append(&here, "s-7", EVENTS / STREAMS + (EVENTS % STREAMS > 7) - 1, NULL, &error),
              &error);
    expect_status(append(&here, "new-1", STELE_NO_STREAM, NULL, &error), STELE_CORRUPT);
    expect_true(strstr(error.message, "0000000002.log") != NULL);
    expect_true(describe(&here).missing_index_files > 0);
    expect_event(&here, EVENTS - 1);
    /* All others are built. */
    int more = 1;
    while (more && stele_step(here.store, &more, &error) == STELE_OK) {
    }
    expect_uint(describe(&here).missing_index_files, 1);
    expect_event(&here, 100000);
    close_store(&here);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every allocation of the front and the memory backend fails once, and then all from the n-th on:
 * each call must answer "no memory" or succeed, half an append must never be seen, and nothing may
 * leak.
 */
#include "unit/memory/given.h"

#include <string.h>

static const char *const tags[] = {"x", "y", "z"};

/* One of everything that an append can do; each is atomic. */
static stele_status append_much(stele_store *store, unsigned round, stele_error *error)
{
    static const stele_query everything = {.everything = 1};
    const stele_condition condition = {&everything, 1000};
    char key[] = "key-0";
    char stream[] = "stream-0";
    const stele_append_options options = {.conditions = &condition,
                                          .condition_count = 1,
                                          .key = key};
    stele_event events[40];
    stele_check checks[20];
    char names[20][8];
    key[4] = stream[7] = (char)('0' + round);
    for (unsigned i = 0; i < 40; i++) {
        events[i] = given_event(i % 3 ? stream : "deleted", 100 * round + i + 1);
        events[i].tags = tags;
        events[i].tag_count = i % 4;
        events[i].data = (stele_bytes){(const uint8_t *)"{}", i % 3};
    }
    for (unsigned i = 0; i < 20; i++) {
        memcpy(names[i], "check-?", 8);
        names[i][6] = (char)('a' + i);
        checks[i] = (stele_check){names[i], STELE_NO_STREAM};
    }
    const stele_commit commit = {events, 40, checks, 20, &options};
    return stele_append_commit(store, &commit, NULL, NULL, error);
}

/* What is expected of a call under faults; true: it worked. */
static bool worked(stele_status status, const stele_error *error)
{
    if (status != STELE_OK) {
        expect_error(status, error, STELE_NO_MEMORY);
    }
    return status == STELE_OK;
}

static void expect_head(stele_store *store, stele_position head)
{
    expect_uint(given_head(store), head);
}

static void append_under_faults(stele_store *store)
{
    const stele_event large[33] = {[0 ... 32] = {.type = "t"}};
    stele_position head = 0;
    stele_error error;
    head += worked(stele_append(store, "deleted", STELE_ANY, large, 33, NULL, NULL, &error), &error)
                ? 33
                : 0;
    expect_head(store, head);
    if (head > 0) {
        head += worked(stele_delete(store, "deleted", 32, NULL, NULL, &error), &error) ? 1 : 0;
        expect_head(store, head);
    }
    const bool is_deleted = head == 34;
    if (worked(append_much(store, 0, &error), &error)) {
        head += is_deleted ? 41 : 40;
        expect_head(store, head);
    }
    expect_head(store, head);
    if (is_deleted && head == 34) {
        head +=
            worked(stele_metadata_write(store, "deleted", 0, "{\"a\":1}", 7, NULL, NULL, &error),
                   &error)
                ? 2
                : 0;
        expect_head(store, head);
    }
    head += worked(stele_tombstone(store, "other", STELE_ANY, NULL, NULL, &error), &error) ? 1 : 0;
    expect_head(store, head);
}

static int passes(void *context, const stele_record *record)
{
    (void)context;
    return record->position > 0;
}

static void read_under_faults(stele_store *store)
{
    const stele_query_item item = {.types = {tags, 3}, .tags = {tags, 2}};
    const stele_query query = {&item, 1, 0};
    const stele_read reads[] = {
        {.query = &query, .stream_prefixes = tags, .stream_prefix_count = 3},
        {.category = "stream", .type_prefixes = tags, .type_prefix_count = 2, .predicate = passes},
        {.tag = "x", .direction = STELE_BACKWARDS},
    };
    stele_error error;
    for (size_t i = 0; i < sizeof reads / sizeof *reads; i++) {
        STELE_CLEANUP(cursor) stele_cursor *cursor = NULL;
        if (worked(stele_read_open(store, &reads[i], &cursor, &error), &error)) {
            (void)given_rest(cursor);
        }
    }
    STELE_CLEANUP(names) stele_name_list *names = NULL;
    STELE_CLEANUP(metadata) stele_metadata metadata = {.revision = -1};
    if (worked(stele_names_open(store, NULL, &names, &error), &error)) {
        while (stele_names_next(names, &error)) {
        }
        expect_ok(error.status, &error);
    }
    (void)worked(stele_metadata_read(store, "deleted", &metadata, &error), &error);
}

static unsigned completions;

static void count_completion(void *context, stele_status status, const stele_receipt *receipt,
                             const stele_error *error)
{
    (void)context;
    (void)receipt;
    expect_ok(status, error);
    completions++;
}

static void submit_under_faults(stele_store *store)
{
    const stele_event event = given_event("submitted", 0);
    const stele_commit commit = {.events = &event, .event_count = 1};
    const stele_position head = given_head(store);
    unsigned accepted = 0;
    stele_error error;
    completions = 0;
    for (unsigned i = 0; i < 3; i++) {
        accepted +=
            worked(stele_submit(store, &commit, count_completion, NULL, &error), &error) ? 1 : 0;
    }
    expect_ok(stele_sync(store, &error), &error);
    expect_uint(completions, accepted);
    expect_head(store, head + accepted);
}

static const test_alloc_mode modes[] = {TEST_ALLOC_ONCE, TEST_ALLOC_FROM};

TEST_ROWS(every_allocation_may_fail, modes)
{
    uint64_t faults = 0;
    for (uint64_t n = 1;; n++) {
        test_alloc alloc;
        test_alloc_init(&alloc);
        const stele_options options = {.alloc = &alloc.alloc, .background = STELE_NO_THREADS};
        stele_options own = options;
        stele_store *store = NULL;
        stele_error error;
        own.clock = &given_clock;
        test_alloc_fail(&alloc, n, modes[row]);
        if (worked(stele_open("memory:", &own, &store, &error), &error)) {
            append_under_faults(store);
            read_under_faults(store);
            submit_under_faults(store);
            /* With memory again it works as if nothing had been. */
            const uint64_t failures = alloc.failures;
            test_alloc_fail(&alloc, 0, TEST_ALLOC_ONCE);
            alloc.failures = failures;
            expect_ok(append_much(store, 1, &error), &error);
            expect_ok(stele_close(store, &error), &error);
        }
        faults += alloc.failures;
        const bool is_done = alloc.failures == 0;
        expect_no_leak(&alloc);
        if (is_done) {
            break;
        }
    }
    test_note("%llu allocations failed", (unsigned long long)faults);
    expect_true(faults > 100);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conformance: many threads on one handle. Whatever the interleaving: positions and revisions
 * without gaps, every answered append present once with the bytes given, readers that see prefixes,
 * conditions that hold. Run it under the thread sanitizer.
 */
#include "suite.h"

#include "base/prng.h"
#include "base/thread.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { APPENDERS = 16, READERS = 16, STREAMS = 8 };

/* ---- crews */

typedef struct worker worker;

struct worker {
    suite *suite;
    unsigned number;
    unsigned rounds;
    void (*work)(worker *w);
    atomic_bool *stop;
    stele__prng prng;
    stele__thread thread;
    const char *wrong; /* what did not hold */
    uint64_t counts[4];
};

/* Threads do not fail tests themselves: they say what is wrong, and go home. */
#define WORKER_EXPECTS(w, condition)                                                               \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (w)->wrong = #condition;                                                               \
            return;                                                                                \
        }                                                                                          \
    } while (0)

static void run_worker(void *context)
{
    worker *w = context;
    w->work(w);
}

static worker *start_crew(suite *s, unsigned count, unsigned rounds, void (*work)(worker *w),
                          atomic_bool *stop)
{
    worker *crew = suite_allocate(s, count * sizeof *crew);
    for (unsigned i = 0; i < count; i++) {
        crew[i].suite = s;
        crew[i].number = i;
        crew[i].rounds = rounds;
        crew[i].work = work;
        crew[i].stop = stop;
        stele__prng_seed(&crew[i].prng, test_seed() * 1000 + i);
        expect_int(stele__thread_start(&crew[i].thread, "worker", run_worker, &crew[i]), 0);
    }
    return crew;
}

/* Without threads of its own the store is advanced by one of ours. */
static void step_for_others(worker *w)
{
    while (!atomic_load(w->stop)) {
        int more = 0;
        WORKER_EXPECTS(w, stele_step(held(w->suite), &more, NULL) == STELE_OK);
        if (!more) {
            stele_position head = 0;
            WORKER_EXPECTS(w, stele_head(held(w->suite), &head, NULL) == STELE_OK);
            const stele_status status =
                stele_wait(held(w->suite), head, STELE_MILLISECONDS(1), &head, NULL);
            WORKER_EXPECTS(w, status == STELE_OK || status == STELE_TIMEOUT);
        }
    }
}

static void join_crew(worker *crew, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        stele__thread_join(&crew[i].thread);
    }
    for (unsigned i = 0; i < count; i++) {
        if (crew[i].wrong) {
            test_fail("thread %u of %u: this does not hold: %s", i, count, crew[i].wrong);
        }
    }
}

/* Runs a crew to its end, stepping the store if nobody else does. */
static worker *run_crew(suite *s, unsigned count, unsigned rounds, void (*work)(worker *w))
{
    atomic_bool stop;
    atomic_init(&stop, false);
    suite_pin(s);
    worker *stepper = s->is_stepped ? start_crew(s, 1, 0, step_for_others, &stop) : NULL;
    worker *crew = start_crew(s, count, rounds, work, &stop);
    join_crew(crew, count);
    atomic_store(&stop, true);
    if (stepper) {
        join_crew(stepper, 1);
    }
    suite_settle(s);
    return crew;
}

static const char *stream_names[STREAMS] = {"a-0", "a-1", "a-2", "b-0", "b-1", "c", "d-x", "e-0"};

static stele_durability some_durability(worker *w)
{
    static const stele_durability kinds[] = {STELE_DURABLE_NONE, STELE_DURABLE_OS, STELE_DURABLE_OS,
                                             STELE_DURABLE_FULL};
    return kinds[stele__prng_below(&w->prng, 4)];
}

/* ---- the whole store after a storm */

static bool is_named(const stele_record *record, const char *stream)
{
    return record->stream.size == strlen(stream) &&
           memcmp(record->stream.data, stream, record->stream.size) == 0;
}

/* Positions without gaps; revisions without gaps in every stream; reads of streams agree with the
 * read of everything. */
static void expect_sound(suite *s)
{
    const copies all = collect(s, (stele_read){0});
    expect_uint(all.count, head_of(s));
    uint64_t next[STREAMS] = {0};
    stele_time before = 0;
    for (size_t i = 0; i < all.count; i++) {
        const stele_record *record = &all.records[i];
        expect_uint(record->position, i + 1);
        expect_true(record->time >= before);
        before = record->time;
        for (size_t j = 0; j < STREAMS; j++) {
            if (is_named(record, stream_names[j])) {
                expect_uint(record->revision, next[j]++);
            }
        }
    }
    for (size_t j = 0; j < STREAMS; j++) {
        if (next[j] > 0) {
            const copies one = collect(s, (stele_read){.stream = stream_names[j]});
            expect_uint(one.count, next[j]);
            expect_int(describe(s, stream_names[j]).state, (int64_t)next[j] - 1);
        }
    }
}

/* ---- appenders and readers */

/* Every event of a storm has a number of its own. */
static unsigned number_of_event(const worker *w, unsigned round, unsigned index)
{
    return w->number << 20 | round << 3 | index;
}

/* The event at a position of an answered append is there, unless nobody promised that yet. */
static bool is_visible(worker *w, stele_position position, unsigned number)
{
    const stele_read read = {.from = STELE_AT_POSITION(position), .limit = 1};
    const stele_uuid wanted = id_of(number);
    stele_cursor *cursor = NULL;
    if (stele_read_open(held(w->suite), &read, &cursor, NULL) != STELE_OK) {
        return false;
    }
    const stele_record *record = stele_cursor_next(cursor, NULL);
    const bool is_there =
        record && record->position == position && memcmp(&record->id, &wanted, 16) == 0;
    stele_cursor_free(cursor);
    return is_there;
}

static stele_expected some_expectation(worker *w, const char *stream)
{
    stele_stream_info info;
    switch (stele__prng_below(&w->prng, 5)) {
    case 0:
        return STELE_NO_STREAM;
    case 1:
        return STELE_EXISTS;
    case 2:
        return STELE_ANY;
    default:
        /* What somebody would expect who has looked; others may be faster. */
        return stele_stream_describe(held(w->suite), stream, &info, NULL) == STELE_OK
                   ? info.state
                   : STELE_NO_STREAM;
    }
}

static void append_at_random(worker *w)
{
    for (unsigned round = 0; round < w->rounds; round++) {
        const unsigned count = 1 + (unsigned)stele__prng_below(&w->prng, 4);
        const char *stream = stream_names[stele__prng_below(&w->prng, STREAMS)];
        const char *other = stream_names[stele__prng_below(&w->prng, STREAMS)];
        const stele_expected expected = some_expectation(w, stream);
        const stele_append_options options = {.durability = some_durability(w)};
        stele_event some[4];
        for (unsigned i = 0; i < count; i++) {
            some[i] = in_stream(i == 2 ? other : stream,
                                event("happened", number_of_event(w, round, i), "{}"));
        }
        const stele_check check = {stream, expected};
        const stele_commit commit = {some, count, &check, 1, &options};
        stele_receipt receipt;
        stele_revision answered[4];
        stele_error error;
        const stele_status status =
            stele_append_commit(held(w->suite), &commit, &receipt, answered, &error);
        if (status == STELE_CONFLICT) {
            WORKER_EXPECTS(w, error.detail == STELE_CONFLICT_REVISION);
            w->counts[1]++;
            continue;
        }
        WORKER_EXPECTS(w, status == STELE_OK);
        WORKER_EXPECTS(w, receipt.position == receipt.first_position + count - 1);
        WORKER_EXPECTS(w, !receipt.already_applied);
        WORKER_EXPECTS(w, expected < 0 || answered[0] == (stele_revision)expected + 1);
        w->counts[0] += count;
        if (options.durability != STELE_DURABLE_NONE) {
            stele_position head = 0;
            WORKER_EXPECTS(w, stele_head(held(w->suite), &head, NULL) == STELE_OK);
            WORKER_EXPECTS(w, head >= receipt.position);
            WORKER_EXPECTS(w,
                           is_visible(w, receipt.position, number_of_event(w, round, count - 1)));
        }
    }
}

/* A read of everything is 1, 2, 3 … head. */
static void read_everything(worker *w)
{
    stele_cursor *cursor = NULL;
    stele_error error;
    WORKER_EXPECTS(w,
                   stele_read_open(held(w->suite), &(stele_read){0}, &cursor, &error) == STELE_OK);
    const stele_position head = stele_cursor_head(cursor);
    stele_position last = 0;
    for (const stele_record *record; (record = stele_cursor_next(cursor, &error)); last++) {
        if (record->position != last + 1 || record->position > head) {
            break;
        }
    }
    stele_cursor_free(cursor);
    WORKER_EXPECTS(w, error.status == STELE_OK);
    WORKER_EXPECTS(w, last == head);
    WORKER_EXPECTS(w, head >= w->counts[0]);
    w->counts[0] = head;
}

/* A read of a stream is 0, 1, 2 …, or the same backwards, and consistent with the head that the
 * cursor tells. */
static void read_stream(worker *w, const char *stream, stele_direction direction)
{
    stele_cursor *cursor = NULL;
    stele_error error;
    const stele_read read = {.stream = stream, .direction = direction};
    const stele_status status = stele_read_open(held(w->suite), &read, &cursor, &error);
    if (status == STELE_NOT_FOUND) {
        return;
    }
    WORKER_EXPECTS(w, status == STELE_OK);
    const stele_position head = stele_cursor_head(cursor);
    bool is_first = true;
    bool is_sound = true;
    stele_revision before = 0;
    stele_revision last = 0;
    for (const stele_record *record; (record = stele_cursor_next(cursor, &error));) {
        const stele_revision wanted = direction == STELE_BACKWARDS ? before - 1 : before + 1;
        is_sound = is_sound && record->position <= head && record->position > record->revision;
        if (is_first) {
            is_sound = is_sound && (direction == STELE_BACKWARDS || record->revision == 0);
        } else {
            is_sound = is_sound && record->revision == wanted;
        }
        is_first = false;
        before = last = record->revision;
    }
    stele_cursor_free(cursor);
    WORKER_EXPECTS(w, error.status == STELE_OK);
    WORKER_EXPECTS(w, is_sound);
    WORKER_EXPECTS(w, direction == STELE_FORWARDS || last == 0);
}

/* Positions of a category or type go up, and none is above the head. */
static void read_term(worker *w, stele_read read)
{
    stele_cursor *cursor = NULL;
    stele_error error;
    WORKER_EXPECTS(w, stele_read_open(held(w->suite), &read, &cursor, &error) == STELE_OK);
    const stele_position head = stele_cursor_head(cursor);
    stele_position before = 0;
    bool is_sound = true;
    for (const stele_record *record; (record = stele_cursor_next(cursor, &error));) {
        is_sound = is_sound && record->position > before && record->position <= head;
        before = record->position;
    }
    stele_cursor_free(cursor);
    WORKER_EXPECTS(w, error.status == STELE_OK);
    WORKER_EXPECTS(w, is_sound);
}

static void read_until_stopped(worker *w)
{
    while (!atomic_load(w->stop) && !w->wrong) {
        const char *stream = stream_names[stele__prng_below(&w->prng, STREAMS)];
        switch (stele__prng_below(&w->prng, 5)) {
        case 0:
            read_everything(w);
            break;
        case 1:
            read_stream(w, stream, STELE_FORWARDS);
            break;
        case 2:
            read_stream(w, stream, STELE_BACKWARDS);
            break;
        case 3:
            read_term(w, (stele_read){.category = "a"});
            break;
        default:
            read_term(w, (stele_read){.event_type = "happened"});
            break;
        }
        w->counts[1]++;
    }
}

TEST_WITHIN(sixteen_appenders_and_sixteen_readers, 120)
{
    SUITE(s);
    suite_pin(s);
    atomic_bool stop;
    atomic_init(&stop, false);
    worker *readers = start_crew(s, READERS, 0, read_until_stopped, &stop);
    worker *appenders = run_crew(s, APPENDERS, (unsigned)test_scaled(200), append_at_random);
    atomic_store(&stop, true);
    join_crew(readers, READERS);
    uint64_t written = 0;
    uint64_t refused = 0;
    uint64_t reads = 0;
    for (unsigned i = 0; i < APPENDERS; i++) {
        written += appenders[i].counts[0];
        refused += appenders[i].counts[1];
    }
    for (unsigned i = 0; i < READERS; i++) {
        reads += readers[i].counts[1];
    }
    expect_uint(head_of(s), written);
    expect_true(written > 0 && refused > 0 && reads > 0);
    expect_sound(s);
    s->is_pinned = false;
    if (suite_reopen(s)) {
        expect_sound(s);
        expect_uint(head_of(s), written);
    }
}

/* ---- many to one stream */

static void append_at_any(worker *w)
{
    for (unsigned round = 0; round < w->rounds; round++) {
        const stele_event one = event("happened", number_of_event(w, round, 0), "{}");
        const stele_append_options options = {.durability = round % 4 ? STELE_DURABLE_OS
                                                                      : STELE_DURABLE_DEFAULT};
        stele_receipt receipt;
        WORKER_EXPECTS(w, stele_append(held(w->suite), "a-0", STELE_ANY, &one, 1, &options,
                                       &receipt, NULL) == STELE_OK);
        WORKER_EXPECTS(w, !receipt.already_applied);
        WORKER_EXPECTS(w, receipt.position == receipt.revision + 1);
    }
}

TEST_WITHIN(AP_20_parallel_appends_at_any_all_succeed_and_are_dense, 60)
{
    SUITE(s);
    run_crew(s, APPENDERS, 100, append_at_any);
    expect_uint(head_of(s), APPENDERS * 100);
    expect_sound(s);
}

static void append_until_won(worker *w)
{
    unsigned round = 0;
    stele_expected expected = STELE_NO_STREAM;
    while (round < w->rounds) {
        const stele_event one = event("happened", number_of_event(w, round, 0), "{}");
        const stele_append_options options = {.durability = STELE_DURABLE_OS};
        stele_receipt receipt;
        stele_error error;
        const stele_status status =
            stele_append(held(w->suite), "a-0", expected, &one, 1, &options, &receipt, &error);
        if (status == STELE_OK) {
            WORKER_EXPECTS(w, receipt.revision == (stele_revision)(expected + 1));
            expected = (stele_expected)receipt.revision;
            round++;
        } else {
            WORKER_EXPECTS(w, status == STELE_CONFLICT);
            WORKER_EXPECTS(w, error.conflict.actual_revision > expected);
            expected = error.conflict.actual_revision;
        }
    }
}

TEST_WITHIN(exact_revisions_let_one_in_at_a_time, 60)
{
    SUITE(s);
    run_crew(s, 8, 40, append_until_won);
    expect_uint(head_of(s), 320);
    expect_sound(s);
}

/* ---- conditions */

/* Everybody wants every seat. */
static void take_seats(worker *w)
{
    for (unsigned seat = 0; seat < w->rounds; seat++) {
        char tag[32];
        (void)snprintf(tag, sizeof tag, "seat:%u", seat);
        const stele_query taken = stele_query_of(stele_types("SeatTaken"), stele_tags(tag));
        const stele_condition none = {&taken, 0};
        const stele_append_options options = {.conditions = &none,
                                              .condition_count = 1,
                                              .durability = some_durability(w)};
        const stele_event one = with_tags(nameless("SeatTaken", "{}"), stele_tags(tag));
        char stream[32];
        (void)snprintf(stream, sizeof stream, "guest-%u", w->number);
        stele_error error;
        const stele_status status =
            stele_append(held(w->suite), stream, STELE_ANY, &one, 1, &options, NULL, &error);
        if (status == STELE_OK) {
            w->counts[0]++;
        } else {
            WORKER_EXPECTS(w, status == STELE_CONFLICT && error.detail == STELE_CONFLICT_CONDITION);
            WORKER_EXPECTS(w, error.conflict.position > 0);
        }
    }
}

TEST_WITHIN(every_seat_is_taken_exactly_once, 60)
{
    enum { SEATS = 100 };
    SUITE(s);
    worker *crew = run_crew(s, 8, SEATS, take_seats);
    uint64_t taken = 0;
    for (unsigned i = 0; i < 8; i++) {
        taken += crew[i].counts[0];
    }
    expect_uint(taken, SEATS);
    expect_uint(head_of(s), SEATS);
    for (unsigned seat = 0; seat < SEATS; seat++) {
        expect_uint(count_of(s, (stele_read){.tag = suite_print(s, "seat:%u", seat)}), 1);
    }
}

enum { CAPACITY = 30 };

/* Reads, decides, appends: nobody may enrol beyond the capacity, and nobody gives up before it is
 * reached. */
static void enrol(worker *w)
{
    const stele_query boundary =
        stele_query_of(stele_types("StudentEnrolled"), stele_tags("course:c1"));
    for (unsigned attempts = 0; attempts < 100000; attempts++) {
        stele_cursor *cursor = NULL;
        stele_error error;
        unsigned taken = 0;
        const stele_read read = {.query = &boundary};
        WORKER_EXPECTS(w, stele_read_open(held(w->suite), &read, &cursor, &error) == STELE_OK);
        while (stele_cursor_next(cursor, &error)) {
            taken++;
        }
        const stele_position head = stele_cursor_head(cursor);
        stele_cursor_free(cursor);
        WORKER_EXPECTS(w, error.status == STELE_OK && taken <= CAPACITY);
        if (taken == CAPACITY) {
            return;
        }
        const stele_condition unchanged = {&boundary, head};
        const stele_append_options options = {.conditions = &unchanged,
                                              .condition_count = 1,
                                              .durability = STELE_DURABLE_OS};
        const stele_event one =
            with_tags(nameless("StudentEnrolled", "{}"), stele_tags("course:c1"));
        const stele_status status =
            stele_append(held(w->suite), "enrolments", STELE_ANY, &one, 1, &options, NULL, &error);
        WORKER_EXPECTS(w, status == STELE_OK || error.detail == STELE_CONFLICT_CONDITION);
        w->counts[0] += status == STELE_OK;
    }
    w->wrong = "somebody gets the last seat";
}

TEST_WITHIN(a_course_is_filled_to_its_capacity_and_no_further, 60)
{
    SUITE(s);
    run_crew(s, 8, 0, enrol);
    expect_uint(count_of(s, (stele_read){.tag = "course:c1"}), CAPACITY);
}

/* ---- retries */

enum { COMMITS = 60 };

typedef struct storm {
    atomic_uint written[COMMITS];
    _Atomic(stele_position) position[COMMITS];
} storm;

static storm the_storm;

/* Everybody sends the same commits, by ids or by key, each in an order of his own. */
static void send_the_same(worker *w)
{
    for (unsigned i = 0; i < COMMITS * 2; i++) {
        const unsigned n = (i * 7 + w->number * 13) % COMMITS;
        char key[32];
        (void)snprintf(key, sizeof key, "command-%u", n);
        stele_event two[2] = {event("happened", 2 * n, "{}"), event("happened", 2 * n + 1, "{}")};
        stele_append_options options = {.durability = STELE_DURABLE_OS};
        if (n % 2) {
            options.key = key;
            memset(&two[0].id, 0, sizeof two[0].id);
            memset(&two[1].id, 0, sizeof two[1].id);
        }
        stele_receipt receipt;
        const char *stream = stream_names[n % STREAMS];
        WORKER_EXPECTS(w, stele_append(held(w->suite), stream, STELE_ANY, two, 2, &options,
                                       &receipt, NULL) == STELE_OK);
        if (!receipt.already_applied) {
            atomic_fetch_add(&the_storm.written[n], 1);
        }
        stele_position first = 0;
        const bool is_first =
            atomic_compare_exchange_strong(&the_storm.position[n], &first, receipt.position);
        WORKER_EXPECTS(w, is_first || first == receipt.position);
        WORKER_EXPECTS(w, receipt.first_position == receipt.position - 1);
    }
}

TEST_WITHIN(a_storm_of_retries_writes_each_commit_once, 60)
{
    SUITE(s);
    memset(&the_storm, 0, sizeof the_storm);
    run_crew(s, 8, 0, send_the_same);
    for (unsigned n = 0; n < COMMITS; n++) {
        expect_uint(atomic_load(&the_storm.written[n]), 1);
    }
    expect_uint(head_of(s), COMMITS * 2);
    expect_sound(s);
}

/* Everybody appends the same history at exact revisions. */
static void append_the_same_history(worker *w)
{
    for (unsigned i = 0; i < w->rounds; i++) {
        const stele_event one = event("happened", i, "{}");
        const stele_append_options options = {.durability = STELE_DURABLE_OS};
        stele_receipt receipt;
        const stele_status status = stele_append(held(w->suite), "a-0", (stele_expected)i - 1, &one,
                                                 1, &options, &receipt, NULL);
        WORKER_EXPECTS(w, status == STELE_OK);
        WORKER_EXPECTS(w, receipt.revision == i && receipt.position == i + 1);
        w->counts[0] += !receipt.already_applied;
    }
}

TEST_WITHIN(the_same_history_by_many_is_written_once, 60)
{
    SUITE(s);
    worker *crew = run_crew(s, 8, 150, append_the_same_history);
    uint64_t written = 0;
    for (unsigned i = 0; i < 8; i++) {
        written += crew[i].counts[0];
    }
    expect_uint(written, 150);
    expect_uint(head_of(s), 150);
    expect_sound(s);
}

/* ---- deleting meanwhile */

enum { DELETERS = 2, WRITERS = 4 };

static void append_or_delete(worker *w)
{
    for (unsigned round = 0; round < w->rounds; round++) {
        const char *stream = stream_names[round % STREAMS];
        const stele_append_options options = {.durability = some_durability(w)};
        const stele_event one = nameless("happened", "{}");
        stele_receipt receipt;
        if (w->number < DELETERS) {
            /* Metadata of another size each time, which the recreated stream keeps. */
            char json[128];
            const int size =
                snprintf(json, sizeof json, "{\"$tb\":9223372036854775807,\"k\":\"%.*s\"}",
                         (int)stele__prng_below(&w->prng, 40),
                         "0123456789012345678901234567890123456789");
            WORKER_EXPECTS(w, stele_metadata_write(held(w->suite), stream, STELE_ANY, json,
                                                   (size_t)size, &options, &receipt,
                                                   NULL) == STELE_OK);
        } else {
            WORKER_EXPECTS(w, stele_append(held(w->suite), stream, STELE_ANY, &one, 1, &options,
                                           &receipt, NULL) == STELE_OK);
        }
    }
}

/* Whoever wrote to a deleted stream has recreated it in the same commit, so that no event ever
 * stands where its stream is deleted. */
static void expect_recreated_each_time(suite *s, const char *stream)
{
    const char *metadata_stream = suite_print(s, "$$%s", stream);
    bool is_deleted = false;
    stele_revision next = 0;
    stele_revision next_metadata = 0;
    const copies all = collect(s, (stele_read){0});
    for (size_t i = 0; i < all.count; i++) {
        const stele_record *record = &all.records[i];
        if (is_named(record, metadata_stream)) {
            is_deleted = strstr((const char *)record->data.data, "9223372036854775807");
            expect_uint(record->revision, next_metadata++);
        } else if (is_named(record, stream)) {
            expect_false(is_deleted);
            expect_uint(record->revision, next++);
        }
    }
    expect_true(next_metadata > 0);
    expect_uint(describe(s, stream).event_count, next);
    expect_uint(describe(s, metadata_stream).event_count, next_metadata);
}

TEST_WITHIN(appends_and_deletes_of_a_stream_at_once_keep_its_numbering, 60)
{
    enum { ROUNDS = STREAMS * 30 };
    SUITE(s);
    for (unsigned i = 0; i < STREAMS; i++) {
        append(s, stream_names[i], STELE_NO_STREAM, "-");
    }
    run_crew(s, DELETERS + WRITERS, ROUNDS, append_or_delete);
    for (unsigned i = 0; i < STREAMS; i++) {
        append(s, stream_names[i], STELE_ANY, "-");
        expect_recreated_each_time(s, stream_names[i]);
        stele_metadata metadata;
        stele_error error;
        expect_ok(stele_metadata_read(on(s), stream_names[i], &metadata, &error), &error);
        const stele_stream_info info = describe(s, stream_names[i]);
        expect_int(info.state, WRITERS * 30 + 1);
        expect_uint(info.first_revision, metadata.truncate_before);
        expect_uint(count_of(s, (stele_read){.stream = stream_names[i]}),
                    WRITERS * 30 + 2 - metadata.truncate_before);
        stele_metadata_done(&metadata);
    }
    /* There is nothing else. */
    expect_uint(count_of(s, (stele_read){.event_type = "happened"}), STREAMS * (WRITERS * 30 + 2));
    const stele_list streams_of_metadata = {.prefix = "$"};
    expect_says(names_of(s, streams_of_metadata), "$$a-0 $$a-1 $$a-2 $$b-0 $$b-1 $$c $$d-x $$e-0");
}

/* ---- submissions from many threads */

enum { SUBMITTERS = 8, SUBMISSIONS = 200 };

typedef struct tally {
    stele__mutex mutex;
    stele__condition changed;
    stele_position last;
    unsigned next[SUBMITTERS]; /* which submission of each thread comes next */
    unsigned done;
    const char *wrong;
} tally;

typedef struct ticket {
    tally *all;
    unsigned submitter;
    unsigned number;
} ticket;

static tally the_tally;
static ticket the_tickets[SUBMITTERS][SUBMISSIONS];

static void count_up(void *context, stele_status status, const stele_receipt *receipt,
                     const stele_error *error)
{
    const ticket *one = context;
    tally *all = one->all;
    (void)error;
    stele__lock(&all->mutex);
    if (status != STELE_OK) {
        all->wrong = "every submission succeeds";
    } else if (receipt->position <= all->last) {
        all->wrong = "completions come in the order of positions";
    } else if (all->next[one->submitter]++ != one->number) {
        all->wrong = "submissions of one thread are decided in their order";
    } else {
        all->last = receipt->position;
    }
    all->done++;
    stele__condition_wake_all(&all->changed);
    stele__unlock(&all->mutex);
}

static void submit_many(worker *w)
{
    for (unsigned i = 0; i < SUBMISSIONS; i++) {
        const stele_event one =
            in_stream(stream_names[w->number % STREAMS], nameless("happened", "{}"));
        const stele_append_options options = {.durability = some_durability(w)};
        const stele_commit commit = {.events = &one, .event_count = 1, .options = &options};
        ticket *mine = &the_tickets[w->number][i];
        *mine = (ticket){&the_tally, w->number, i};
        stele_status status;
        while ((status = stele_submit(held(w->suite), &commit, count_up, mine, NULL)) ==
               STELE_BUSY) {
            stele__lock(&the_tally.mutex);
            (void)stele__condition_wait(&the_tally.changed, &the_tally.mutex,
                                        STELE_MILLISECONDS(10));
            stele__unlock(&the_tally.mutex);
        }
        WORKER_EXPECTS(w, status == STELE_OK);
    }
}

TEST_WITHIN(submissions_of_many_threads_complete_in_the_order_of_positions, 60)
{
    SUITE(s);
    memset(&the_tally, 0, sizeof the_tally);
    expect_int(stele__mutex_init(&the_tally.mutex, UINT_MAX), 0);
    expect_int(stele__condition_init(&the_tally.changed), 0);
    run_crew(s, SUBMITTERS, 0, submit_many);
    stele__lock(&the_tally.mutex);
    while (the_tally.done < SUBMITTERS * SUBMISSIONS) {
        if (!stele__condition_wait(&the_tally.changed, &the_tally.mutex, STELE_SECONDS(10))) {
            test_fail("%u of %d submissions were completed", the_tally.done,
                      SUBMITTERS * SUBMISSIONS);
        }
    }
    stele__unlock(&the_tally.mutex);
    expect_true(!the_tally.wrong);
    suite_settle(s);
    expect_uint(head_of(s), SUBMITTERS * SUBMISSIONS);
    expect_sound(s);
    stele__condition_done(&the_tally.changed);
    stele__mutex_done(&the_tally.mutex);
}

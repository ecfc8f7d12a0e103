/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory stays bounded however many names a store has: streams, idempotency keys, or tags, each of
 * them new. A process of its own appends, reads what it appended at random places, and closes;
 * others open what it left: closed, and killed in the middle of appending.
 *
 * What is promised (stele/store.h, src/log/README.md): what the store has allocated never exceeds
 * the memory option. What the process has of anonymous memory besides is bounded as well: the
 * allocator gives back late and has a pool for each thread, and stacks are memory too. That is
 * measured where no sanitizer keeps its books in the same memory.
 *
 * The small sizes are run always, the large ones (ten_million_…) with what is slow.
 */
#include "base/base.h"
#include "support/test.h"

#include <stele/stele.h>

#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define RSS_MEANS_SOMETHING 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define RSS_MEANS_SOMETHING 0
#endif
#endif
#ifndef RSS_MEANS_SOMETHING
#define RSS_MEANS_SOMETHING 1
#endif

/* Anonymous memory of the process besides the memory option, see above. */
#define BESIDES_BYTES ((uint64_t)24 << 20)

typedef enum name_kind { STREAMS, KEYS, TAGS } name_kind;

typedef struct load_facts {
    name_kind kind;
    uint64_t names;
    size_t memory_bytes;
    size_t segment_bytes;
    uint64_t looks; /* at random names */
} load_facts;

/* What a child found out, in memory that is shared with it. */
typedef struct figures {
    uint64_t rss_before; /* bytes of anonymous memory before the store was opened */
    uint64_t rss_peak;
    uint64_t rss_end;    /* when everything was appended or read */
    uint64_t rss_closed; /* after closing */
    uint64_t used_peak;  /* allocated by the store */
    int64_t opening;     /* nanoseconds, as all that follow */
    int64_t working;
    int64_t closing;
    int64_t look_mean;
    int64_t look_worst;
    uint64_t log_bytes;
    uint64_t index_bytes;
    uint64_t index_files;
    uint64_t head;
} figures;

typedef struct run {
    const load_facts *load;
    const char *folder;
    figures *figures;
    stele_store *store;
    stele__prng prng;
} run;

/* ---- Measuring */

static uint64_t rss_now(void)
{
    char line[200];
    uint64_t kilobytes = 0;
    FILE *file = fopen("/proc/self/status", "r");

    expect_not_null(file);
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, "RssAnon:", 8) == 0) {
            kilobytes = strtoull(line + 8, NULL, 10);
        }
    }
    (void)fclose(file);
    expect_true(kilobytes > 0);
    return kilobytes * 1024;
}

static int64_t now(void)
{
    const stele_clock *clock = stele_clock_system();

    return clock->monotonic(clock->context);
}

static void look_at_memory(run *self)
{
    const uint64_t rss = rss_now();
    stele_info info;
    stele_error error;

    expect_ok(stele_describe(self->store, &info, &error), &error);
    self->figures->rss_peak = rss > self->figures->rss_peak ? rss : self->figures->rss_peak;
    self->figures->used_peak =
        info.memory_bytes > self->figures->used_peak ? info.memory_bytes : self->figures->used_peak;
    self->figures->rss_end = rss;
    self->figures->log_bytes = info.log_bytes;
    self->figures->index_bytes = info.index_bytes;
    self->figures->index_files = info.index_file_count;
    self->figures->head = info.head;
}

/* ---- An allocator that knows the most that was allocated at a time */

static _Atomic uint64_t allocated;
static _Atomic uint64_t allocated_peak;

static void count_allocated(size_t more, size_t less)
{
    const uint64_t total = atomic_fetch_add(&allocated, (uint64_t)more - less) + more - less;
    uint64_t peak = atomic_load(&allocated_peak);

    while (total > peak && !atomic_compare_exchange_weak(&allocated_peak, &peak, total)) {
    }
}

static void *allocate_counted(void *context, size_t size)
{
    const stele_alloc *below = stele_alloc_default();

    (void)context;
    count_allocated(size, 0);
    return below->allocate(below->context, size);
}

static void *resize_counted(void *context, void *memory, size_t old_size, size_t new_size)
{
    const stele_alloc *below = stele_alloc_default();

    (void)context;
    count_allocated(new_size, old_size);
    return below->resize(below->context, memory, old_size, new_size);
}

static void release_counted(void *context, void *memory, size_t size)
{
    const stele_alloc *below = stele_alloc_default();

    (void)context;
    count_allocated(0, size);
    below->release(below->context, memory, size);
}

static const stele_alloc counted = {NULL, allocate_counted, resize_counted, release_counted};

/* ---- The store */

static void open_store(run *self)
{
    const stele_options options = {.durability = STELE_DURABLE_OS,
                                   .memory_bytes = self->load->memory_bytes,
                                   .segment_bytes = self->load->segment_bytes,
                                   .alloc = &counted};
    stele_error error;

    self->figures->rss_before = rss_now();
    const int64_t begun = now();
    expect_ok(stele_open(self->folder, &options, &self->store, &error), &error);
    self->figures->opening = now() - begun;
    look_at_memory(self);
}

static void close_store(run *self)
{
    stele_error error;
    const int64_t begun = now();

    expect_ok(stele_close(self->store, &error), &error);
    self->figures->closing = now() - begun;
    self->figures->rss_closed = rss_now();
}

enum { BATCH = 256, NAME_SIZE = 32, COMMON_STREAMS = 1000 };

static void print_name(const run *self, uint64_t number, char ret_name[NAME_SIZE])
{
    static const char *const beginnings[] = {"account-", "request/", "order:"};

    /* Neighbours do not stand beside each other: the order of a real program's names is no help. */
    number = number * UINT64_C(0x9e3779b1) % UINT64_C(10000000019);
    (void)snprintf(ret_name, NAME_SIZE, "%s%010" PRIu64, beginnings[self->load->kind], number);
}

/* Appends names [from, to) and, to every third stream of those that exist, a second event. */
static void append_batch(run *self, uint64_t from, uint64_t to)
{
    static char names[2 * BATCH][NAME_SIZE];
    static const char *tags[BATCH];
    stele_event events[2 * BATCH];
    char stream[NAME_SIZE];
    size_t count = 0;
    stele_error error;

    for (uint64_t number = from; number < to; number++, count++) {
        print_name(self, number, names[count]);
        events[count] = stele_json_event("added", "{\"amount\":12.5}");
        (void)snprintf(stream, sizeof stream, "common-%d", (int)(number / BATCH % COMMON_STREAMS));
        if (self->load->kind == STREAMS) {
            events[count].stream = names[count];
        } else {
            tags[count] = names[count];
            events[count].stream = stream;
            events[count].tags = &tags[count];
            events[count].tag_count = 1;
        }
    }
    for (uint64_t number = from; self->load->kind == STREAMS && number < to; number += 3, count++) {
        print_name(self, stele__prng_below(&self->prng, number + 1), names[count]);
        events[count] = stele_json_event("changed", "{}");
        events[count].stream = names[count];
    }
    const stele_commit commit = {.events = events, .event_count = count};
    expect_ok(stele_append_commit(self->store, &commit, NULL, NULL, &error), &error);
}

/* A key belongs to a commit: one event each. */
static stele_status append_key(run *self, uint64_t number, stele_receipt *ret_receipt,
                               stele_error *reterr)
{
    char key[NAME_SIZE];
    char stream[NAME_SIZE];
    const stele_append_options options = {.key = key, .durability = STELE_DURABLE_NONE};
    const stele_event event = stele_json_event("paid", "{\"amount\":12.5}");

    print_name(self, number, key);
    (void)snprintf(stream, sizeof stream, "common-%d", (int)(number % COMMON_STREAMS));
    return stele_append(self->store, stream, STELE_ANY, &event, 1, &options, ret_receipt, reterr);
}

static void append_names(run *self, uint64_t from, uint64_t to)
{
    const int64_t begun = now();
    const uint64_t samples = 400;
    uint64_t next_sample = from;
    stele_receipt receipt;
    stele_error error;

    for (uint64_t number = from; number < to;) {
        const uint64_t end = number + BATCH < to ? number + BATCH : to;

        if (self->load->kind == KEYS) {
            for (; number < end; number++) {
                expect_ok(append_key(self, number, &receipt, &error), &error);
                expect_false(receipt.already_applied);
            }
        } else {
            append_batch(self, number, end);
            number = end;
        }
        if (number >= next_sample) {
            look_at_memory(self);
            next_sample += (to - from) / samples + 1;
        }
    }
    look_at_memory(self);
    self->figures->working = now() - begun;
}

/* Whether what was appended under a name is there. */
static void look_at(run *self, uint64_t number)
{
    char name[NAME_SIZE];
    const stele_record *record;
    stele_receipt receipt;
    stele_cursor *cursor;
    stele_error error;

    print_name(self, number, name);
    if (self->load->kind == KEYS) {
        expect_ok(append_key(self, number, &receipt, &error), &error);
        expect_true(receipt.already_applied && receipt.position == number + 1);
        return;
    }
    const stele_read read = {.stream = self->load->kind == STREAMS ? name : NULL,
                             .tag = self->load->kind == TAGS ? name : NULL};
    expect_ok(stele_read_open(self->store, &read, &cursor, &error), &error);
    record = stele_cursor_next(cursor, &error);
    expect_true(record && record->type.size == 5);
    expect_text(self->load->kind == STREAMS ? record->stream : record->tags[0], name);
    stele_cursor_free(cursor);
}

static void look_around(run *self)
{
    int64_t sum = 0;

    self->figures->look_worst = 0;
    for (uint64_t i = 0; i < self->load->looks; i++) {
        const uint64_t number = stele__prng_below(&self->prng, self->load->names);
        const int64_t begun = now();
        look_at(self, number);
        const int64_t took = now() - begun;
        sum += took;
        self->figures->look_worst =
            took > self->figures->look_worst ? took : self->figures->look_worst;
        if (i % 256 == 0) {
            look_at_memory(self);
        }
    }
    look_at_memory(self);
    self->figures->look_mean = sum / (int64_t)self->load->looks;
}

/* ---- What children do */

static int append_and_close(void *context)
{
    run *self = context;

    open_store(self);
    append_names(self, 0, self->load->names);
    look_around(self);
    close_store(self);
    return 0;
}

static int open_and_read(void *context)
{
    run *self = context;

    open_store(self);
    const int64_t begun = now();
    look_around(self);
    self->figures->working = now() - begun;
    close_store(self);
    return 0;
}

/* Dies with as much unsealed as there can be, near enough. */
static int append_and_die(void *context)
{
    run *self = context;
    const uint64_t names = self->load->names;

    open_store(self);
    append_names(self, names, names + names / 20);
    (void)raise(SIGKILL);
    return 0;
}

/* ---- What is expected of them */

static double megabytes(uint64_t bytes)
{
    return (double)bytes / (1 << 20);
}

static double milliseconds(int64_t nanoseconds)
{
    return (double)nanoseconds / 1e6;
}

static void check_child(run *self, const char *what, int (*child)(void *), int expected)
{
    figures *found = self->figures;
    const uint64_t option =
        self->load->memory_bytes ? self->load->memory_bytes : STELE_MEMORY_DEFAULT;

    memset(found, 0, sizeof *found);
    expect_int(test_in_child(child, self), expected);
    test_note("%s: %" PRIu64 " events, log %.0f MiB, index %.0f MiB in %" PRIu64 " files", what,
              found->head, megabytes(found->log_bytes), megabytes(found->index_bytes),
              found->index_files);
    test_note(
        "  opening %.1f ms, working %.1f s, closing %.0f ms; a look %.4f ms, at worst %.1f ms",
        milliseconds(found->opening), milliseconds(found->working) / 1000,
        milliseconds(found->closing), milliseconds(found->look_mean),
        milliseconds(found->look_worst));
    test_note(
        "  RssAnon MiB: before %.1f, peak %.1f, end %.1f, closed %.1f; allocated at most %.1f "
        "of %.0f",
        megabytes(found->rss_before), megabytes(found->rss_peak), megabytes(found->rss_end),
        megabytes(found->rss_closed), megabytes(found->used_peak), megabytes(option));
    expect_true(found->used_peak > 0 && found->used_peak <= option);
    if (RSS_MEANS_SOMETHING) {
        expect_true(found->rss_peak <= found->rss_before + option + BESIDES_BYTES);
    }
}

static void check_load(const load_facts *load)
{
    run self = {.load = load, .folder = test_path(test_folder(), "store")};

    self.figures =
        mmap(NULL, sizeof *self.figures, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    expect_true(self.figures != MAP_FAILED);
    stele__prng_seed(&self.prng, test_seed());
    check_child(&self, "appended", append_and_close, 0);
    check_child(&self, "opened again", open_and_read, 0);
    check_child(&self, "appended and killed", append_and_die, 128 + SIGKILL);
    check_child(&self, "opened after the kill", open_and_read, 0);
}

/* ---- The sizes */

static const load_facts small_loads[] = {
    {STREAMS, 300000, STELE_MEMORY_MIN, (size_t)1 << 20, 500},
    {KEYS, 60000, STELE_MEMORY_MIN, (size_t)1 << 20, 500},
    {TAGS, 60000, STELE_MEMORY_MIN, (size_t)1 << 20, 500},
};

TEST_ROWS(memory_stays_bounded_in_a_small_store, small_loads)
{
    check_load(&small_loads[row]);
}

/* Each event brings many names, and appenders that wait while segments are sealed must not hold
 * what was sealed meanwhile. */
enum { APPENDERS = 8, DENSE_COMMITS = 100, DENSE_EVENTS = 64, DENSE_TAGS = STELE_EVENT_TAGS_MAX };

typedef struct appender {
    stele__thread thread;
    stele_store *store;
    int number;
} appender;

static void append_dense(void *context)
{
    static _Thread_local char names[DENSE_EVENTS * DENSE_TAGS][NAME_SIZE];
    static _Thread_local const char *tags[DENSE_EVENTS * DENSE_TAGS];
    const appender *self = context;
    const stele_append_options options = {.durability = STELE_DURABLE_OS};
    stele_event events[DENSE_EVENTS];
    stele_error error;

    for (int commit = 0; commit < DENSE_COMMITS; commit++) {
        for (int i = 0; i < DENSE_EVENTS * DENSE_TAGS; i++) {
            (void)snprintf(names[i], NAME_SIZE, "order:%d-%d-%d", i, commit, self->number);
            tags[i] = names[i];
        }
        for (int i = 0; i < DENSE_EVENTS; i++) {
            events[i] = stele_json_event("added", "{}");
            events[i].stream = "common";
            events[i].tags = &tags[i * DENSE_TAGS];
            events[i].tag_count = DENSE_TAGS;
        }
        const stele_commit all = {.events = events,
                                  .event_count = DENSE_EVENTS,
                                  .options = &options};
        expect_ok(stele_append_commit(self->store, &all, NULL, NULL, &error), &error);
    }
}

TEST(memory_stays_bounded_in_a_small_store_with_many_appenders)
{
    const size_t option = (size_t)16 << 20;
    const stele_options options = {.memory_bytes = option, .alloc = &counted};
    appender appenders[APPENDERS];
    stele_store *store;
    stele_error error;

    expect_ok(stele_open(test_path(test_folder(), "store"), &options, &store, &error), &error);
    for (int i = 0; i < APPENDERS; i++) {
        appenders[i] = (appender){.store = store, .number = i};
        expect_true(stele__thread_start(&appenders[i].thread, "appender", append_dense,
                                        &appenders[i]) == 0);
    }
    for (int i = 0; i < APPENDERS; i++) {
        stele__thread_join(&appenders[i].thread);
    }
    expect_ok(stele_close(store, &error), &error);
    test_note("allocated at most %.1f MiB of %.0f", megabytes(atomic_load(&allocated_peak)),
              megabytes(option));
    expect_true(atomic_load(&allocated_peak) <= option);
    expect_uint(atomic_load(&allocated), 0);
}

TEST_WITHIN(ten_million_streams_fit_into_the_default_memory, 3000)
{
    check_load(&(load_facts){.kind = STREAMS, .names = 10000000, .looks = 20000});
}

TEST_WITHIN(ten_million_keys_fit_into_the_default_memory, 3000)
{
    check_load(&(load_facts){.kind = KEYS, .names = 10000000, .looks = 20000});
}

TEST_WITHIN(ten_million_tags_fit_into_the_default_memory, 3000)
{
    check_load(&(load_facts){.kind = TAGS, .names = 10000000, .looks = 20000});
}

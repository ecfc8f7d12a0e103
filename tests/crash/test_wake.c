/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reader in another process: how soon it has what was acknowledged, and that waiting costs
 * nothing. Both processes use the same monotonic clock; the reader writes down when it had each
 * event on a page they share. What an ordinary run demands holds on a busy machine, too: there, a
 * reader who is woken differs from one who polls. STELE_TEST_QUIET=1 demands what a quiet machine
 * must do.
 */
#include "base/base.h"
#include "support/test.h"

#include <stele/stele.h>

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS_MAX = 4096 };

/* The page that both see. Times are of the monotonic clock, in ns. */
typedef struct wake_page {
    _Atomic int64_t seen[EVENTS_MAX + 1]; /* by position; 0: not yet */
    _Atomic bool has_failed;
    _Atomic int idle_request; /* the reader answers with its processor time when this changes */
    _Atomic int idle_answer;
    _Atomic int64_t reader_cpu;
} wake_page;

/* Whether nothing else runs on the machine. */
static bool is_quiet(void)
{
    const char *text = getenv("STELE_TEST_QUIET");
    return text && strcmp(text, "1") == 0;
}

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static int64_t cpu_ns(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return ((int64_t)usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * INT64_C(1000000000) +
           ((int64_t)usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
}

static void sleep_ns(int64_t time)
{
    const struct timespec span = {time / INT64_C(1000000000), (long)(time % INT64_C(1000000000))};
    (void)nanosleep(&span, NULL);
}

static wake_page *make_page(void)
{
    void *memory =
        mmap(NULL, sizeof(wake_page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    expect_true(memory != MAP_FAILED);
    return memory;
}

/* ---- the reader's process */

static void note_cpu(wake_page *page)
{
    const int request = atomic_load(&page->idle_request);
    if (request != atomic_load(&page->idle_answer)) {
        atomic_store(&page->reader_cpu, cpu_ns());
        atomic_store(&page->idle_answer, request);
    }
}

static stele_status read_on(wake_page *page, stele_cursor *cursor, stele_error *reterr)
{
    for (;;) {
        const stele_record *record;
        while ((record = stele_cursor_next(cursor, reterr)) != NULL) {
            const int64_t now = now_ns();
            if (record->position <= EVENTS_MAX) {
                atomic_store(&page->seen[record->position], now);
            }
            note_cpu(page); /* an event asks for it: nothing else runs here while it waits */
        }
        if (reterr->status != STELE_OK) {
            return reterr->status;
        }
        const stele_status status = stele_cursor_wait(cursor, STELE_SECONDS(60), reterr);
        if (status != STELE_OK && status != STELE_TIMEOUT) {
            return status;
        }
    }
}

static void be_reader(wake_page *page, const char *folder)
{
    const stele_options options = {.access = STELE_READ_ONLY};
    const stele_read everything = {0};
    stele_store *store = NULL;
    stele_cursor *cursor = NULL;
    stele_error error;
    stele_status status = stele_open(folder, &options, &store, &error);
    if (status == STELE_OK) {
        status = stele_follow_open(store, &everything, &cursor, &error);
    }
    if (status == STELE_OK) {
        status = read_on(page, cursor, &error);
    }
    test_note("the reader ended: %s", error.message);
    atomic_store(&page->has_failed, true);
}

static pid_t start_reader(wake_page *page, const char *folder)
{
    const pid_t child = fork();
    expect_true(child >= 0);
    if (child == 0) {
        be_reader(page, folder);
        _exit(1);
    }
    return child;
}

static void end_reader(pid_t reader)
{
    (void)kill(reader, SIGKILL);
    (void)waitpid(reader, NULL, 0);
}

/* ---- the writer's */

/* Appends one event and tells when it was acknowledged. */
static int64_t append(stele_store *store, stele_durability durability, stele_position *ret_position)
{
    const stele_event event = {.type = "tick", .data = {(const uint8_t *)"0123456789", 10}};
    const stele_append_options options = {.durability = durability};
    stele_receipt receipt;
    stele_error error;
    expect_ok(stele_append(store, "ticks", STELE_ANY, &event, 1, &options, &receipt, &error),
              &error);
    *ret_position = receipt.position;
    return now_ns();
}

static void wait_until_seen(wake_page *page, stele_position position)
{
    const int64_t end = now_ns() + STELE_SECONDS(20);
    while (atomic_load(&page->seen[position]) == 0) {
        expect_false(atomic_load(&page->has_failed));
        if (now_ns() > end) {
            test_fail("the reader has not seen position %llu within 20 s",
                      (unsigned long long)position);
        }
        sleep_ns(STELE_MILLISECONDS(1));
    }
}

static int compare_times(const void *a, const void *b)
{
    const int64_t left = *(const int64_t *)a;
    const int64_t right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

typedef struct wake_row {
    const char *name;
    stele_durability durability;
    int64_t pause_max; /* between appends; 0: the reader is busy with the one before */
} wake_row;

static const wake_row rows[] = {
    {"os, now and then", STELE_DURABLE_OS, STELE_MILLISECONDS(6)},
    {"full, now and then", STELE_DURABLE_FULL, STELE_MILLISECONDS(6)},
    {"os, one after another", STELE_DURABLE_OS, 0},
};

TEST_DECLARE_(a_reader_in_another_process_is_woken_at_once, 60, sizeof rows / sizeof rows[0])
{
    static int64_t delays[EVENTS_MAX];
    static int64_t acknowledged[EVENTS_MAX + 1];
    const wake_row *wake = &rows[row];
    const size_t count = (size_t)(test_scaled(200) < 2000 ? test_scaled(200) : 2000);
    const char *folder = test_folder();
    wake_page *page = make_page();
    stele_store *store = NULL;
    stele_error error;
    stele_position position;
    stele__prng prng;
    stele__prng_seed(&prng, test_seed());
    expect_ok(stele_open(folder, NULL, &store, &error), &error);
    (void)append(store, STELE_DURABLE_OS, &position);
    const pid_t reader = start_reader(page, folder);
    wait_until_seen(page, position);
    for (size_t i = 0; i < count; i++) {
        if (wake->pause_max) {
            sleep_ns((int64_t)stele__prng_below(&prng, (uint64_t)wake->pause_max));
        }
        const int64_t time = append(store, wake->durability, &position);
        acknowledged[position] = time;
    }
    wait_until_seen(page, position);
    for (size_t i = 0; i < count; i++) {
        const stele_position p = position - i;
        delays[i] = atomic_load(&page->seen[p]) - acknowledged[p];
    }
    end_reader(reader);
    expect_ok(stele_close(store, &error), &error);
    qsort(delays, count, sizeof delays[0], compare_times);
    test_note("%-22s from acknowledged to read elsewhere: p50 %lld us, p99 %lld us, max %lld us",
              wake->name, (long long)(delays[count / 2] / 1000),
              (long long)(delays[count * 99 / 100] / 1000), (long long)(delays[count - 1] / 1000));
    expect_true(delays[count / 2] < STELE_MILLISECONDS(100));
    if (is_quiet() && wake->pause_max) { /* else it is the reader's speed, not his waking */
        expect_true(delays[count * 99 / 100] < STELE_MILLISECONDS(10));
    }
    (void)munmap(page, sizeof *page);
}

/* Asks the reader for its processor time, by an event. */
static int64_t ask_cpu(wake_page *page, stele_store *store)
{
    stele_position position;
    const int request = atomic_fetch_add(&page->idle_request, 1) + 1;
    (void)append(store, STELE_DURABLE_OS, &position);
    wait_until_seen(page, position);
    while (atomic_load(&page->idle_answer) != request) {
        sleep_ns(STELE_MILLISECONDS(1));
    }
    return atomic_load(&page->reader_cpu);
}

TEST_WITHIN(waiting_costs_neither_reader_nor_writer_processor_time, 60)
{
    const int64_t span = is_quiet() ? STELE_SECONDS(5) : STELE_SECONDS(2);
    const char *folder = test_folder();
    wake_page *page = make_page();
    stele_store *store = NULL;
    stele_error error;
    expect_ok(stele_open(folder, NULL, &store, &error), &error);
    const pid_t reader = start_reader(page, folder);
    for (int i = 0; i < 20; i++) { /* so that every thread there will be is there */
        (void)ask_cpu(page, store);
    }
    const int64_t reader_before = ask_cpu(page, store);
    const int64_t writer_before = cpu_ns();
    sleep_ns(span);
    const int64_t writer_used = cpu_ns() - writer_before;
    const int64_t reader_used = ask_cpu(page, store) - reader_before;
    end_reader(reader);
    expect_ok(stele_close(store, &error), &error);
    test_note("idle for %lld s: the writer used %lld us, the reader %lld us",
              (long long)(span / INT64_C(1000000000)), (long long)(writer_used / 1000),
              (long long)(reader_used / 1000));
    expect_true(writer_used < STELE_MILLISECONDS(20));
    expect_true(reader_used < STELE_MILLISECONDS(20));
    (void)munmap(page, sizeof *page);
}

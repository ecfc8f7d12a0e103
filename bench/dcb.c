/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditional appends (dynamic consistency boundaries), which only Stele has. Every event carries
 * the tags of an account and of an owner; an append goes through if no event with both tags stands
 * after the head that its writer saw. One in a hundred is made to fail. What it costs must not
 * depend on the length of history, so it is measured on histories of many lengths; a short one is
 * copied afresh before it has doubled.
 *
 * append-dcb-hot is the worst case: two tags on a tenth of all events each that never stand on one
 * event, looked for behind a head that is 10,000 events old.
 */
#include "bench.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define TAG_SIZE 20
#define LOAD_BATCH 64
#define CONFLICT_EVERY 100
#define HOT_DISTANCE 10000
#define HOT_EVERY 10
/* Histories longer than this are not copied; what a run adds to them is little. */
#define COPY_EVENTS_MAX 1000000

static char accounts[BENCH_ACCOUNTS][TAG_SIZE];
static char owners[BENCH_OWNERS][TAG_SIZE];

static void make_tags(void)
{
    for (unsigned i = 0; i < BENCH_ACCOUNTS; i++) {
        (void)snprintf(accounts[i], TAG_SIZE, "account:%u", i);
    }
    for (unsigned i = 0; i < BENCH_OWNERS; i++) {
        (void)snprintf(owners[i], TAG_SIZE, "owner:%u", i);
    }
}

static void check(stele_status status, const stele_error *error)
{
    if (status != STELE_OK) {
        bench_die("stele: %s", error->message);
    }
}

static void choose_tags(uint64_t *random, const char **ret_tags)
{
    ret_tags[0] = accounts[bench_random_below(random, BENCH_ACCOUNTS)];
    ret_tags[1] = owners[bench_random_below(random, BENCH_OWNERS)];
}

/* The tags of the n-th event of a history for append-dcb-hot. */
static size_t hot_tags(uint64_t number, const char **ret_tags)
{
    ret_tags[0] = number % HOT_EVERY == 0 ? "hot:left" : "hot:right";
    return number % HOT_EVERY == 0 || number % HOT_EVERY == 5 ? 1 : 0;
}

void bench_prepare_history(const bench_run *run, bench_result *ret_result)
{
    stele_store *store = bench_stele_open(run->folder, BENCH_OS);
    int64_t *revisions = bench_revisions_new();
    const char *tags[LOAD_BATCH][2];
    stele_event events[LOAD_BATCH];
    uint64_t random = 99;
    bench_source source;
    stele_error error;

    make_tags();
    bench_source_init(&source, revisions, 0, 1);
    while (source.made < run->workload->events) {
        size_t count = 0;
        for (; count < LOAD_BATCH && source.made < run->workload->events; count++) {
            const uint64_t number = source.made;
            bench_event event;
            bench_source_next(&source, &event);
            bench_stele_event(&event, &events[count]);
            events[count].tags = tags[count];
            if (run->workload->kind == BENCH_DCB_HOT) {
                events[count].tag_count = hot_tags(number, tags[count]);
            } else {
                choose_tags(&random, tags[count]);
                events[count].tag_count = 2;
            }
        }
        const stele_commit commit = {.events = events, .event_count = count};
        check(stele_append_commit(store, &commit, NULL, NULL, &error), &error);
    }
    bench_stele_close(store);
    free(revisions);
    ret_result->bytes_per_event =
        bench_folder_bytes(run->system, run->folder) / (double)run->workload->events;
}

/* ---- append-dcb-<n> */

typedef struct dcb {
    stele_store *store;
    bench_source source;
    uint64_t random;
    stele_position head;
    const char *last_tags[2]; /* of the last event appended here, at the head */
    uint64_t conflicts;
    uint64_t done;
} dcb;

/* One append with a condition on its own two tags. Every hundredth asks again for the tags of the
 * last event, as of the head before it, and must be refused. */
static void append_conditionally(dcb *state)
{
    const bool must_conflict = state->done % CONFLICT_EVERY == CONFLICT_EVERY - 1;
    const char *tags[2];
    stele_receipt receipt;
    stele_event event;
    bench_event made;
    stele_error error;
    stele_status status;

    choose_tags(&state->random, tags);
    if (must_conflict) {
        tags[0] = state->last_tags[0];
        tags[1] = state->last_tags[1];
    }
    bench_source_next(&state->source, &made);
    bench_stele_event(&made, &event);
    event.tags = tags;
    event.tag_count = 2;
    const stele_query query = stele_query_of(stele_any_type(), ((stele_names){tags, 2}));
    const stele_condition condition = {&query, state->head - (must_conflict ? 1 : 0)};
    const stele_append_options options = {.conditions = &condition, .condition_count = 1};
    status =
        stele_append(state->store, event.stream, STELE_ANY, &event, 1, &options, &receipt, &error);
    if (must_conflict && status == STELE_CONFLICT) {
        state->conflicts++;
    } else if (must_conflict || status != STELE_OK || receipt.already_applied) {
        bench_die("stele: a condition was decided wrongly (%s)", stele_status_name(status));
    } else {
        state->head = receipt.position;
        state->last_tags[0] = tags[0];
        state->last_tags[1] = tags[1];
    }
    state->done++;
}

void bench_run_dcb(const bench_run *run, bench_result *ret_result)
{
    const uint64_t history = run->workload->events;
    const bool is_copied = history <= COPY_EVENTS_MAX;
    const uint64_t limit = is_copied ? history / 2 : UINT64_MAX;
    const int64_t wanted = (int64_t)(run->seconds * 1e9);
    bench_histogram *times = bench_allocate(sizeof *times);
    dcb *state = bench_allocate(sizeof *state);
    stele_error error;
    char copy[4096];
    int64_t spent = 0;
    double cpu = 0;

    make_tags();
    bench_join(copy, sizeof copy, run->folder, "copy");
    while (spent < wanted) {
        int64_t *revisions = bench_revisions_new();
        if (is_copied) {
            bench_copy(run->prepared, copy);
        }
        state->store = bench_stele_open(is_copied ? copy : run->prepared, BENCH_OS);
        bench_source_init(&state->source, revisions, 0, 1);
        state->random = (uint64_t)bench_now();
        state->done = 0;
        check(stele_head(state->store, &state->head, &error), &error);
        /* The first hundred warm up. */
        for (unsigned i = 0; i < CONFLICT_EVERY; i++) {
            append_conditionally(state);
        }
        const double cpu_before = bench_cpu_seconds();
        const int64_t start = bench_now();
        int64_t before = start;
        for (uint64_t i = 0; i < limit && spent + (before - start) < wanted; i++) {
            append_conditionally(state);
            const int64_t after = bench_now();
            bench_note(times, after - before);
            before = after;
        }
        spent += before - start;
        cpu += bench_cpu_seconds() - cpu_before;
        ret_result->rss_bytes = bench_private_bytes();
        bench_stele_close(state->store);
        free(revisions);
        if (is_copied) {
            bench_remove(copy);
        }
    }
    bench_finish(times, 1, (double)spent / 1e9, ret_result);
    ret_result->cpu_us = cpu * 1e6 / (double)times->total;
}

void bench_dcb_steps(const bench_run *run, uint64_t count)
{
    dcb *state = bench_allocate(sizeof *state);
    int64_t *revisions = bench_revisions_new();

    make_tags();
    state->store = bench_stele_open(run->folder, BENCH_OS);
    state->random = 815;
    bench_source_init(&state->source, revisions, 0, 1);
    for (uint64_t i = 0; i < count; i++) {
        append_conditionally(state);
    }
    bench_stele_close(state->store);
    free(revisions);
    free(state);
}

/* ---- append-dcb-hot */

typedef struct hot {
    stele_store *store;
    bench_window window;
    bench_source source;
    bench_histogram times;
    uint64_t events;
    bool is_conditional;
} hot;

static void append_hot(hot *mine)
{
    static const char *const pair[] = {"hot:left", "hot:right"};
    const stele_query query = stele_query_of(stele_any_type(), ((stele_names){pair, 2}));
    stele_condition condition = {&query, 0};
    const stele_append_options options = {.conditions = &condition, .condition_count = 1};
    const char *tags[1];
    stele_position head;
    stele_event event;
    bench_event made;
    stele_error error;

    bench_source_next(&mine->source, &made);
    bench_stele_event(&made, &event);
    event.tags = tags;
    event.tag_count = hot_tags(mine->events++, tags);
    check(stele_head(mine->store, &head, &error), &error);
    condition.after = head > HOT_DISTANCE ? head - HOT_DISTANCE : 0;
    check(stele_append(mine->store, event.stream, STELE_ANY, &event, 1,
                       mine->is_conditional ? &options : NULL, NULL, &error),
          &error);
}

static void *append_all_hot(void *context)
{
    hot *mine = context;
    int64_t before = bench_now();

    while (before < mine->window.end) {
        append_hot(mine);
        const int64_t after = bench_now();
        if (before >= mine->window.start) {
            bench_note(&mine->times, after - before);
        }
        before = after;
    }
    return NULL;
}

/* Two writers, of which the first is conditional or not. */
static void run_pair(const bench_run *run, bool is_conditional, hot *pair, double seconds)
{
    stele_store *store;
    pthread_t thread;
    char copy[4096];

    bench_join(copy, sizeof copy, run->folder, "copy");
    bench_copy(run->prepared, copy);
    store = bench_stele_open(copy, BENCH_OS);
    for (unsigned i = 0; i < 2; i++) {
        pair[i] = (hot){.store = store, .is_conditional = is_conditional && i == 0};
        bench_source_init(&pair[i].source, bench_revisions_new(), i, 2);
        pair[i].window = bench_window_open(seconds);
    }
    if (pthread_create(&thread, NULL, append_all_hot, &pair[1]) != 0) {
        bench_die("cannot start a thread");
    }
    (void)append_all_hot(&pair[0]);
    (void)pthread_join(thread, NULL);
    bench_stele_close(store);
    bench_remove(copy);
}

void bench_run_dcb_hot(const bench_run *run, bench_result *ret_result)
{
    hot *pair = bench_allocate(2 * sizeof *pair);

    run_pair(run, false, pair, run->seconds / 2);
    ret_result->other_plain_p99_us = bench_percentile_us(&pair[1].times, 0.99);
    run_pair(run, true, pair, run->seconds / 2);
    ret_result->other_p99_us = bench_percentile_us(&pair[1].times, 0.99);
    bench_finish(&pair[0].times, 1, run->seconds / 2, ret_result);
    (void)snprintf(ret_result->note, sizeof ret_result->note,
                   "p99 of another writer %.1f us, beside a plain one %.1f us",
                   ret_result->other_p99_us, ret_result->other_plain_p99_us);
    free(pair);
}

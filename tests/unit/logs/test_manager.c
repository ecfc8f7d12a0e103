/* SPDX-License-Identifier: Apache-2.0 */
/* The log manager, by the names of the second document's tests, and the defects of the original. */
#include "stele/logs.h"
#include "support/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define REQUESTED(F) F(i64, amount)
STELE_EVENT(requested, "payment.requested", REQUESTED)
#define CAPTURED(F) F(i64, amount)
STELE_EVENT(captured, "payment.captured", CAPTURED)

#define PAYMENT(F) F(i64, requested) F(i64, captured) F(u64, events)
STELE_SCHEMA(payment, PAYMENT)
STELE_WHEN(payment, requested)
{
    state->requested += event->amount;
    state->events++;
}
STELE_WHEN(payment, captured)
{
    state->captured += event->amount;
    state->events++;
}
STELE_FOLD(payment, "payment", 1, requested, captured)

/* Another aggregate of the same events. */
#define STATISTICS(F) F(u64, captures) F(i64, largest)
STELE_SCHEMA(statistics, STATISTICS)
STELE_WHEN(statistics, captured)
{
    state->captures++;
    state->largest = event->amount > state->largest ? event->amount : state->largest;
}
STELE_FOLD(statistics, "statistics", 1, captured)

static const char *const backends[] = {"memory", "embedded"};
static stele_error error;

typedef struct bed {
    stele_store *store;
    stele_domain *domain;
    stele_logs *logs;
} bed;

static bed lay(size_t row, const stele_domain_options *domain_options,
               const stele_logs_options *options)
{
    bed it;
    const stele_options opened = {.durability = STELE_DURABLE_OS};
    expect_ok(stele_open(strcmp(backends[row], "memory") == 0 ? "memory:"
                                                              : test_path(test_folder(), "store"),
                         &opened, &it.store, &error),
              &error);
    expect_ok(stele_domain_open(it.store, domain_options, &it.domain, &error), &error);
    expect_ok(stele_logs_open(it.domain, "payment", options, &it.logs, &error), &error);
    return it;
}

static void clear(bed *it)
{
    stele_logs_close(it->logs);
    stele_domain_close(it->domain);
    expect_ok(stele_close(it->store, &error), &error);
}

static stele_event request(void)
{
    return stele_json_event("payment.requested", "{\"amount\":100}");
}

static stele_event capture(void)
{
    return stele_json_event("payment.captured", "{\"amount\":10}");
}

static stele_log_token create(bed *it)
{
    stele_log_token token;
    const stele_event event = request();
    expect_ok(stele_logs_create(it->logs, NULL, &event, NULL, &token, &error), &error);
    return token;
}

static stele_status append(bed *it, stele_log_token *token, const char *key,
                           stele_log_replay *ret_replay)
{
    const stele_event event = capture();
    const stele_log_options options = {.key = key, .ret_replay = ret_replay};
    return stele_logs_append(it->logs, token, &event, 1, &options, &error);
}

static payment reduce(bed *it, const char *id, stele_log_token *ret_token)
{
    payment state = {0};
    expect_ok(stele_logs_reduce(it->logs, &payment_fold, id, &state, ret_token, NULL, &error),
              &error);
    return state;
}

TEST_ROWS(create_reduce, backends)
{
    bed it = lay(row, NULL, NULL);
    const stele_log_token token = create(&it);
    expect_int(stele_log_id_parse(token.log_id, strlen(token.log_id), NULL), STELE_LOG_ID_OK);
    expect_uint(token.next_index, 1);
    stele_log_token reduced;
    const payment state = reduce(&it, token.log_id, &reduced);
    expect_int(state.requested, 100);
    expect_uint(reduced.next_index, 1);
    expect_text((const char *)reduced.log_id, token.log_id);
    clear(&it);
}

TEST_ROWS(create_append_load, backends)
{
    bed it = lay(row, NULL, NULL);
    stele_log_token token = create(&it);
    expect_ok(append(&it, &token, "key \"1\"", NULL), &error);
    expect_uint(token.next_index, 2);
    stele_log_page *page;
    expect_ok(stele_logs_load(it.logs, token.log_id, 0, 101, &page, &error), &error);
    expect_uint(page->count, 2);
    expect_int(page->has_more, 0);
    expect_uint(page->events[1].index, 1);
    expect_text(page->events[1].event.type, "payment.captured");
    expect_true(page->events[1].recorded_at > 0);
    expect_uint(page->events[0].key.size, 0);
    expect_bytes(page->events[1].key.data, page->events[1].key.size, "key \"1\"", 7);
    char json[1024];
    stele_writer to = stele_writer_in(json, sizeof json);
    expect_ok(stele_log_page_write_json(page, &to, &error), &error);
    json[to.size] = '\0';
    expect_contains(json, "[{\"index\":0,\"recorded_at\":\"20");
    expect_contains(json, "Z\",\"idempotency_key\":null,\"event_type\":\"payment.requested\","
                          "\"event\":{\"amount\":100}},{\"index\":1,");
    expect_contains(json, "\"idempotency_key\":\"key \\\"1\\\"\",\"event_type\":"
                          "\"payment.captured\",\"event\":{\"amount\":10}}]");
    stele_log_page_free(page);
    clear(&it);
}

TEST_ROWS(create_append_many, backends)
{
    bed it = lay(row, NULL, NULL);
    stele_log_token token = create(&it);
    stele_event events[5];
    for (size_t i = 0; i < 5; i++) {
        events[i] = capture();
    }
    expect_ok(stele_logs_append(it.logs, &token, events, 5, NULL, &error), &error);
    expect_ok(stele_logs_append(it.logs, &token, events, 5, NULL, &error), &error);
    expect_uint(token.next_index, 11);
    const payment state = reduce(&it, token.log_id, NULL);
    expect_uint(state.events, 11);
    expect_int(state.captured, 100);
    clear(&it);
}

TEST_ROWS(load_limit, backends)
{
    bed it = lay(row, NULL, NULL);
    stele_log_token token = create(&it);
    for (size_t i = 0; i < 9; i++) {
        expect_ok(append(&it, &token, NULL, NULL), &error);
    }
    stele_log_page *page;
    expect_ok(stele_logs_load(it.logs, token.log_id, 0, 5, &page, &error), &error);
    expect_uint(page->count, 5);
    expect_int(page->has_more, 1);
    stele_log_page_free(page);
    expect_ok(stele_logs_load(it.logs, token.log_id, 5, 5, &page, &error), &error);
    expect_uint(page->count, 5);
    expect_uint(page->events[0].index, 5);
    expect_int(page->has_more, 0);
    stele_log_page_free(page);
    expect_ok(stele_logs_load(it.logs, token.log_id, 10, 0, &page, &error), &error);
    expect_uint(page->count, 0);
    stele_log_page_free(page);
    expect_error(stele_logs_load(it.logs, "nobody", 0, 5, &page, &error), &error,
                 STELE_NOT_FOUND_STREAM);
    clear(&it);
}

TEST_ROWS(idempotent_create, backends)
{
    bed it = lay(row, NULL, NULL);
    const stele_event event = request();
    stele_log_replay replay;
    const stele_log_options options = {.key = "k", .ret_replay = &replay};
    stele_log_token first;
    stele_log_token again;
    expect_ok(stele_logs_create(it.logs, NULL, &event, &options, &first, &error), &error);
    /* With a new id it is still the original that is told. */
    expect_error(stele_logs_create(it.logs, NULL, &event, &options, &again, &error), &error,
                 STELE_CONFLICT_REPLAY);
    expect_text((const char *)replay.log_id, first.log_id);
    expect_uint(replay.index, 0);
    expect_uint(replay.next_index, 1);
    expect_error(stele_logs_create(it.logs, first.log_id, &event, &options, &again, &error), &error,
                 STELE_CONFLICT_REPLAY);
    /* Without the key it is a log that exists. */
    expect_error(stele_logs_create(it.logs, first.log_id, &event, NULL, &again, &error), &error,
                 STELE_CONFLICT_REVISION);
    clear(&it);
}

TEST_ROWS(idempotent_append, backends)
{
    bed it = lay(row, NULL, NULL);
    stele_log_token token = create(&it);
    stele_log_token old = token;
    stele_log_replay replay = {.index = 77};
    expect_ok(append(&it, &token, "k", NULL), &error);
    /* The same token and key: a retry, which is told before the conflict that it would be. */
    expect_error(append(&it, &old, "k", &replay), &error, STELE_CONFLICT_REPLAY);
    expect_uint(replay.index, 1);
    expect_text((const char *)replay.log_id, token.log_id);
    /* The present token as well, and from another log. */
    expect_error(append(&it, &token, "k", &replay), &error, STELE_CONFLICT_REPLAY);
    stele_log_token other = create(&it);
    expect_error(append(&it, &other, "k", &replay), &error, STELE_CONFLICT_REPLAY);
    expect_text((const char *)replay.log_id, token.log_id);
    const payment state = reduce(&it, token.log_id, NULL);
    expect_uint(state.events, 2);
    clear(&it);
}

TEST_ROWS(concurrent_append, backends)
{
    bed it = lay(row, NULL, NULL);
    stele_log_token one = create(&it);
    stele_log_token two = one;
    expect_ok(append(&it, &one, NULL, NULL), &error);
    expect_error(append(&it, &two, NULL, NULL), &error, STELE_CONFLICT_REVISION);
    /* Used up, whatever the outcome. */
    expect_error(append(&it, &two, NULL, NULL), &error, STELE_INVALID);
    expect_contains(error.message, "reduce the log again");
    (void)reduce(&it, one.log_id, &two);
    expect_ok(append(&it, &two, NULL, NULL), &error);
    clear(&it);
}

TEST_ROWS(log_full, backends)
{
    const stele_logs_options small = {.events_max = 3};
    bed it = lay(row, NULL, &small);
    stele_log_token token = create(&it);
    const stele_event events[] = {capture(), capture(), capture()};
    expect_error(stele_logs_append(it.logs, &token, events, 3, NULL, &error), &error,
                 STELE_INVALID_LIMIT);
    expect_contains(error.message, "is full");
    (void)reduce(&it, token.log_id, &token);
    expect_ok(stele_logs_append(it.logs, &token, events, 2, NULL, &error), &error);
    expect_error(append(&it, &token, NULL, NULL), &error, STELE_INVALID_LIMIT);
    clear(&it);
}

TEST_ROWS(several_aggregates_are_reduced_from_the_same_events, backends)
{
    bed it = lay(row, NULL, NULL);
    stele_log_token token = create(&it);
    expect_ok(append(&it, &token, NULL, NULL), &error);
    statistics state = {0};
    expect_ok(stele_logs_reduce(it.logs, &statistics_fold, token.log_id, &state, NULL, NULL,
                                &error),
              &error);
    expect_uint(state.captures, 1);
    expect_int(state.largest, 10);
    expect_int(reduce(&it, token.log_id, NULL).captured, 10);
    clear(&it);
}

/* ---- the cache */

TEST_ROWS(cached_reduction_gets_used, backends)
{
    bed it = lay(row, NULL, NULL);
    stele_log_token token = create(&it);
    stele_domain_counts counts;
    (void)reduce(&it, token.log_id, NULL);
    stele_domain_settle(it.domain);
    stele_domain_describe(it.domain, &counts);
    expect_uint(counts.cache_misses, 1);
    expect_uint(counts.cache_puts, 1);
    expect_ok(append(&it, &token, NULL, NULL), &error);
    (void)reduce(&it, token.log_id, NULL);
    stele_domain_describe(it.domain, &counts);
    expect_uint(counts.cache_hits, 1);
    expect_uint(counts.cache_puts, 2);
    expect_uint(counts.events_read, 2); /* one each time */
    clear(&it);
}

/* The original applied events twice here. */
TEST_ROWS(reducing_again_and_again_moves_nothing, backends)
{
    bed it = lay(row, NULL, NULL);
    stele_log_token token = create(&it);
    expect_ok(append(&it, &token, NULL, NULL), &error);
    for (int i = 0; i < 4; i++) {
        stele_log_token reduced;
        const payment state = reduce(&it, token.log_id, &reduced);
        stele_domain_settle(it.domain);
        expect_uint(state.events, 2);
        expect_uint(reduced.next_index, 2);
    }
    expect_ok(append(&it, &token, NULL, NULL), &error);
    clear(&it);
}

TEST_ROWS(log_length_caching_policy, backends)
{
    const stele_domain_options options = {.caching = {.length_min = 2}};
    bed it = lay(row, &options, NULL);
    stele_log_token token = create(&it);
    stele_domain_counts counts;
    (void)reduce(&it, token.log_id, NULL);
    stele_domain_settle(it.domain);
    stele_domain_describe(it.domain, &counts);
    expect_uint(counts.cache_puts, 0);
    expect_ok(append(&it, &token, NULL, NULL), &error);
    (void)reduce(&it, token.log_id, NULL);
    stele_domain_settle(it.domain);
    stele_domain_describe(it.domain, &counts);
    expect_uint(counts.cache_puts, 1);
    clear(&it);
}

/* The original gave a default aggregate, and the next append began at index 1. */
TEST_ROWS(a_log_that_does_not_exist_is_not_reduced, backends)
{
    bed it = lay(row, NULL, NULL);
    payment state;
    stele_log_token token;
    expect_error(stele_logs_reduce(it.logs, &payment_fold, "nobody", &state, &token, NULL, &error),
                 &error, STELE_NOT_FOUND_STREAM);
    clear(&it);
}

/* ---- many at once */

enum { THREADS = 16 };

typedef struct race {
    bed *it;
    atomic_int won;
    atomic_int replayed;
    atomic_int other;
} race;

static void *create_once(void *context)
{
    race *all = context;
    stele_error own;
    stele_log_token token;
    stele_log_replay replay;
    const stele_event event = request();
    const stele_log_options options = {.key = "once", .ret_replay = &replay};
    const stele_status status =
        stele_logs_create(all->it->logs, NULL, &event, &options, &token, &own);
    atomic_fetch_add(status == STELE_OK                              ? &all->won
                     : (int)own.detail == (int)STELE_CONFLICT_REPLAY ? &all->replayed
                                                                     : &all->other,
                     1);
    return NULL;
}

TEST_ROWS(of_many_creations_with_one_key_one_wins_and_all_others_are_told, backends)
{
    bed it = lay(row, NULL, NULL);
    race all = {.it = &it};
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        expect_int(pthread_create(&threads[i], NULL, create_once, &all), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        expect_int(pthread_join(threads[i], NULL), 0);
    }
    expect_int(atomic_load(&all.won), 1);
    expect_int(atomic_load(&all.replayed), THREADS - 1);
    clear(&it);
}

/* ---- opening */

TEST(names_and_ids_that_cannot_be_are_refused)
{
    bed it = lay(0, NULL, NULL);
    stele_logs *logs;
    stele_log_token token;
    char long_id[STELE_LOG_ID_SIZE_MAX + 2];
    const stele_event event = request();
    expect_error(stele_logs_open(it.domain, "a-b", NULL, &logs, &error), &error,
                 STELE_INVALID_NAME);
    expect_error(stele_logs_open(it.domain, "", NULL, &logs, &error), &error, STELE_INVALID_NAME);
    expect_error(stele_logs_open(it.domain, "$a", NULL, &logs, &error), &error, STELE_INVALID_NAME);
    memset(long_id, 'a', sizeof long_id);
    long_id[sizeof long_id - 1] = '\0';
    expect_error(stele_logs_create(it.logs, long_id, &event, NULL, &token, &error), &error,
                 STELE_INVALID_NAME);
    expect_error(stele_logs_create(it.logs, "", &event, NULL, &token, &error), &error,
                 STELE_INVALID_NAME);
    clear(&it);
}

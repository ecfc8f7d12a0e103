/* SPDX-License-Identifier: Apache-2.0 */
/* States that are kept: the cache, snapshots, and what happens when they are gone, old or damaged.
 */
#include "bank.h"

#include "base/prng.h"
#include "stele/sys/cache.h"
#include "stele/sys/clock.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static stele_error error;

static void deposit(bank_bed *bed, int64_t amount, unsigned times)
{
    (void)bank_do(bed, bank_deposit,
                  (bank_command){.account = "a", .amount = amount, .times = times}, NULL);
}

static bank_bed lay_account(size_t row, const stele_domain_options *options)
{
    bank_bed bed = bank_lay(row, options);
    (void)bank_do(&bed, bank_open, (bank_command){.account = "a"}, NULL);
    return bed;
}

static stele_loaded load(bank_bed *bed, const stele_fold *fold, account *ret_account)
{
    stele_loaded loaded;
    expect_ok(stele_load(bed->domain, fold, "account-a", NULL, ret_account, &loaded, &error),
              &error);
    return loaded;
}

/* ---- the cache */

TEST_ROWS(a_cached_state_is_used_and_only_the_events_behind_it_are_read, bank_backends)
{
    bank_bed bed = lay_account(row, NULL);
    account it;
    deposit(&bed, 1, 100);
    bank_relay(&bed);
    if (row == 0) { /* memory: the domain is new, the store is not */
        expect_uint(bank_counts(&bed).cache_hits, 0);
    }
    stele_loaded loaded = load(&bed, &bank_accounts, &it);
    expect_int(loaded.from_cache, 0);
    expect_uint(loaded.events_read, 101);
    loaded = load(&bed, &bank_accounts, &it);
    expect_int(loaded.from_cache, 1);
    expect_uint(loaded.events_read, 0);
    expect_uint(loaded.version, 101);
    expect_int(it.balance, 100);
    const stele_event more = stele_json_event("account.deposited", "{\"amount\":5}");
    expect_ok(stele_append(bed.store, "account-a", STELE_ANY, &more, 1, NULL, NULL, &error),
              &error);
    loaded = load(&bed, &bank_accounts, &it);
    expect_uint(loaded.events_read, 1);
    expect_uint(loaded.version, 102);
    expect_int(loaded.expected, 101);
    expect_int(it.balance, 105);
    bank_clear(&bed);
}

/* The defect of a known library: a hit without new events moved the index back. */
TEST_ROWS(loading_thrice_without_an_append_moves_neither_state_nor_version, bank_backends)
{
    bank_bed bed = lay_account(row, NULL);
    deposit(&bed, 3, 4);
    for (int i = 0; i < 3; i++) {
        account it;
        const stele_loaded loaded = load(&bed, &bank_accounts, &it);
        expect_uint(loaded.version, 5);
        expect_int(loaded.expected, 4);
        expect_int(it.balance, 12);
        expect_uint(it.events, 5);
    }
    bank_clear(&bed);
}

TEST_ROWS(a_stream_that_does_not_exist_has_version_0_and_takes_its_first_event_at_revision_0,
          bank_backends)
{
    bank_bed bed = bank_lay(row, NULL);
    account it;
    const stele_loaded loaded = load(&bed, &bank_accounts, &it);
    expect_uint(loaded.version, 0);
    expect_int(loaded.expected, STELE_NO_STREAM);
    expect_uint(it.events, 0);
    const stele_event first = stele_json_event("account.opened", "{\"owner\":\"ann\"}");
    stele_receipt receipt;
    expect_ok(stele_append(bed.store, "account-a", loaded.expected, &first, 1, NULL, &receipt,
                           &error),
              &error);
    expect_uint(receipt.revision, 0);
    bank_clear(&bed);
}

static int only_rich(void *context, const stele_state_info *info)
{
    (void)context;
    return ((const account *)info->state)->balance >= 100;
}

static const struct {
    const char *name;
    stele_caching_policy policy;
    bool is_cached_at_3;
    bool is_cached_at_103;
} policies[] = {
    {"all", {0}, true, true},
    {"at least", {.length_min = 4}, false, true},
    {"until", {.length_max = 3}, true, false},
    {"between", {.length_min = 2, .length_max = 3}, true, false},
    {"old ones", {.age_min = STELE_SECONDS(1000)}, false, false},
    {"young ones", {.age_max = STELE_SECONDS(1000)}, true, true},
    {"what a function says", {.wanted = only_rich}, false, true},
    {"all that are set", {.length_max = 3, .wanted = only_rich}, false, false},
};

TEST_ROWS(a_policy_decides_what_is_cached, policies)
{
    bank_bed bed = lay_account(1, &(stele_domain_options){.caching = policies[row].policy});
    account it;
    deposit(&bed, 1, 2);
    (void)load(&bed, &bank_accounts, &it);
    expect_int(load(&bed, &bank_accounts, &it).from_cache, policies[row].is_cached_at_3);
    deposit(&bed, 1, 100);
    bank_relay(&bed);
    (void)load(&bed, &bank_accounts, &it);
    expect_int(load(&bed, &bank_accounts, &it).from_cache, policies[row].is_cached_at_103);
    expect_int(it.balance, 102);
    bank_clear(&bed);
}

TEST_ROWS(a_cached_state_of_another_schema_version_is_not_used, bank_backends)
{
    bank_bed bed = lay_account(row, NULL);
    account it;
    (void)load(&bed, &bank_accounts, &it);
    expect_int(load(&bed, &bank_accounts_2, &it).from_cache, 0);
    expect_uint(bank_counts(&bed).cache_outdated, 1);
    expect_int(load(&bed, &bank_accounts_2, &it).from_cache, 1);
    bank_clear(&bed);
}

TEST_ROWS(what_was_hidden_since_is_not_in_a_state, bank_backends)
{
    bank_bed bed = lay_account(row, &(stele_domain_options){.snapshots = {.every = 2}});
    account it;
    deposit(&bed, 1, 9);
    (void)load(&bed, &bank_accounts, &it);
    static const char json[] = "{\"$maxCount\":3}";
    expect_ok(stele_metadata_write(bed.store, "account-a", STELE_ANY, json, sizeof json - 1, NULL,
                                   NULL, &error),
              &error);
    stele_loaded loaded = load(&bed, &bank_accounts, &it);
    expect_int(it.balance, 3);
    expect_uint(loaded.version, 10);
    expect_ok(stele_delete(bed.store, "account-a", STELE_ANY, NULL, NULL, &error), &error);
    loaded = load(&bed, &bank_accounts, &it);
    expect_uint(loaded.version, 0);
    expect_uint(it.events, 0);
    const stele_event again = stele_json_event("account.deposited", "{\"amount\":70}");
    expect_ok(stele_append(bed.store, "account-a", loaded.expected, &again, 1, NULL, NULL, &error),
              &error);
    loaded = load(&bed, &bank_accounts, &it);
    expect_int(it.balance, 70);
    expect_int(loaded.expected, 10);
    bank_clear(&bed);
}

/* ---- caches that misbehave */

enum { KEYS = 64 };

typedef struct fake_cache {
    stele_cache cache;
    pthread_mutex_t lock;
    char *values[KEYS]; /* by a poor hash */
    size_t sizes[KEYS];
    stele_status get_status;
    stele_status put_status;
    bool is_damaging;
    unsigned gets;
    unsigned puts;
    pthread_mutex_t gate; /* puts pass it */
} fake_cache;

static size_t place_of(const char *key)
{
    size_t place = 0;
    while (*key) {
        place = place * 31 + (unsigned char)*key++;
    }
    return place % KEYS;
}

static stele_status fake_get(stele_cache *base, const char *key, stele_writer *to,
                             stele_error *reterr)
{
    fake_cache *cache = (fake_cache *)base;
    const size_t place = place_of(key);
    stele_status status = cache->get_status;
    (void)pthread_mutex_lock(&cache->lock);
    cache->gets++;
    if (status == STELE_OK && cache->values[place]) {
        (void)stele_write(to, cache->values[place], cache->sizes[place]);
        if (cache->is_damaging && to->size > 20) {
            to->data[to->size / 2] ^= 1;
        }
    } else if (status == STELE_OK) {
        status = STELE_NOT_FOUND;
    }
    (void)pthread_mutex_unlock(&cache->lock);
    if (status != STELE_OK) {
        *reterr = (stele_error){.status = status, .message = "the cache is away"};
    }
    return status;
}

static stele_status fake_put(stele_cache *base, const char *key, const void *value, size_t size,
                             stele_error *reterr)
{
    fake_cache *cache = (fake_cache *)base;
    const size_t place = place_of(key);
    (void)pthread_mutex_lock(&cache->gate);
    (void)pthread_mutex_unlock(&cache->gate);
    (void)pthread_mutex_lock(&cache->lock);
    cache->puts++;
    if (cache->put_status == STELE_OK) {
        free(cache->values[place]);
        cache->values[place] = malloc(size);
        memcpy(cache->values[place], value, size);
        cache->sizes[place] = size;
    }
    (void)pthread_mutex_unlock(&cache->lock);
    *reterr = (stele_error){.status = cache->put_status, .message = "the cache is full"};
    return cache->put_status;
}

static fake_cache *fake_new(int is_local)
{
    static stele_cache_table table = {.name = "fake", .get = fake_get, .put = fake_put};
    fake_cache *cache = test_memory(sizeof *cache);
    table.is_local = is_local;
    cache->cache.table = &table;
    (void)pthread_mutex_init(&cache->lock, NULL);
    (void)pthread_mutex_init(&cache->gate, NULL);
    return cache;
}

static void fake_forget(fake_cache *cache)
{
    for (size_t i = 0; i < KEYS; i++) {
        free(cache->values[i]);
        cache->values[i] = NULL;
    }
}

TEST(a_cache_far_away_is_written_behind)
{
    fake_cache *cache = fake_new(0);
    bank_bed bed = lay_account(1, &(stele_domain_options){.cache = &cache->cache});
    account it;
    stele_domain_settle(bed.domain);
    (void)load(&bed, &bank_accounts, &it);
    deposit(&bed, 2, 1);
    stele_domain_settle(bed.domain);
    const stele_loaded loaded = load(&bed, &bank_accounts, &it);
    expect_int(loaded.from_cache, 1);
    expect_uint(loaded.events_read, 0);
    expect_int(it.balance, 2);
    expect_uint(bank_counts(&bed).cache_puts, cache->puts);
    bank_clear(&bed);
    fake_forget(cache);
}

TEST(a_cache_that_does_not_answer_slows_nobody_and_what_does_not_fit_is_dropped)
{
    fake_cache *cache = fake_new(0);
    bank_bed bed = lay_account(1, &(stele_domain_options){.cache = &cache->cache});
    stele_domain_settle(bed.domain);
    (void)pthread_mutex_lock(&cache->gate); /* puts hang from here on */
    for (int i = 0; i < 1200; i++) {
        deposit(&bed, 1, 1);
    }
    expect_true(bank_counts(&bed).cache_dropped >= 100);
    expect_int(bank_account_at(&bed, "a", 0).balance, 1200);
    (void)pthread_mutex_unlock(&cache->gate);
    stele_domain_settle(bed.domain);
    expect_int(bank_account_at(&bed, "a", 0).balance, 1200);
    bank_clear(&bed);
    fake_forget(cache);
}

static const struct {
    const char *name;
    stele_status get;
    stele_status put;
    bool is_damaging;
} failures[] = {
    {"reading fails", STELE_IO, STELE_OK, false},
    {"writing fails", STELE_OK, STELE_IO, false},
    {"both fail", STELE_IO, STELE_IO, false},
    {"values are damaged", STELE_OK, STELE_OK, true},
};

TEST_ROWS(a_cache_that_fails_makes_no_load_fail, failures)
{
    for (int is_local = 0; is_local <= 1; is_local++) {
        fake_cache *cache = fake_new(is_local);
        cache->get_status = failures[row].get;
        cache->put_status = failures[row].put;
        cache->is_damaging = failures[row].is_damaging;
        bank_bed bed = lay_account(1, &(stele_domain_options){.cache = &cache->cache});
        account it;
        deposit(&bed, 4, 5);
        stele_domain_settle(bed.domain);
        expect_int(load(&bed, &bank_accounts, &it).from_cache, 0);
        expect_int(it.balance, 20);
        stele_domain_settle(bed.domain);
        expect_true(bank_counts(&bed).cache_failures > 0);
        bank_clear(&bed);
        fake_forget(cache);
    }
}

/* ---- snapshots */

static uint64_t snapshots_stored(bank_bed *bed)
{
    stele_stream_info info;
    expect_ok(stele_sync(bed->store, &error), &error); /* nobody waits for them otherwise */
    const stele_status status =
        stele_stream_describe(bed->store, "$snapshot-account-account-a", &info, &error);
    return status == STELE_OK ? info.event_count : 0;
}

TEST_ROWS(a_batch_that_crosses_a_multiple_takes_exactly_one_snapshot_at_its_end, bank_backends)
{
    bank_bed bed = lay_account(row, &(stele_domain_options){.snapshots = {.every = 100}});
    account it;
    for (int i = 0; i < 96; i++) { /* versions 2 … 97 */
        deposit(&bed, 1, 1);
    }
    expect_uint(snapshots_stored(&bed), 0);
    deposit(&bed, 1, 7); /* 104 */
    expect_uint(snapshots_stored(&bed), 1);
    deposit(&bed, 1, 90); /* 194 */
    expect_uint(snapshots_stored(&bed), 1);
    bank_relay(&bed);
    const stele_loaded loaded = load(&bed, &bank_accounts, &it);
    expect_int(loaded.from_snapshot, 1);
    expect_uint(loaded.events_read, 90);
    expect_uint(loaded.version, 194);
    expect_int(it.balance, 193);
    deposit(&bed, 1, 206); /* 400: three multiples at once */
    expect_uint(snapshots_stored(&bed), 2);
    bank_clear(&bed);
}

TEST_ROWS(the_past_is_loaded_from_a_snapshot_before_it_or_without_one, bank_backends)
{
    bank_bed bed = lay_account(row, &(stele_domain_options){.snapshots = {.every = 10}});
    deposit(&bed, 1, 11); /* 12: the snapshot */
    expect_uint(snapshots_stored(&bed), 1);
    deposit(&bed, 1, 5); /* 17 */
    for (uint64_t version = 1; version <= 17; version++) {
        expect_uint(bank_account_at(&bed, "a", version).events, version);
    }
    expect_uint(bank_counts(&bed).snapshots_used, 6);
    bank_clear(&bed);
}

TEST_ROWS(a_snapshot_of_another_schema_version_is_not_used, bank_backends)
{
    bank_bed bed = lay_account(row, &(stele_domain_options){.snapshots = {.every = 10},
                                                            .cache_bytes = SIZE_MAX});
    account it;
    deposit(&bed, 1, 11);
    expect_uint(snapshots_stored(&bed), 1);
    expect_int(load(&bed, &bank_accounts, &it).from_snapshot, 1);
    expect_int(load(&bed, &bank_accounts_2, &it).from_snapshot, 0);
    expect_true(bank_counts(&bed).snapshots_outdated > 0);
    expect_int(it.balance, 11);
    bank_clear(&bed);
}

TEST_ROWS(a_damaged_snapshot_is_passed_over, bank_backends)
{
    bank_bed bed = lay_account(row, &(stele_domain_options){.snapshots = {.every = 10},
                                                            .cache_bytes = SIZE_MAX});
    account it;
    deposit(&bed, 1, 11);
    expect_uint(snapshots_stored(&bed), 1);
    const stele_event nonsense = stele_binary_event("$snapshot", "nonsense", 8);
    expect_ok(stele_append(bed.store, "$snapshot-account-account-a", STELE_ANY, &nonsense, 1, NULL,
                           NULL, &error),
              &error);
    expect_int(load(&bed, &bank_accounts, &it).from_snapshot, 0);
    expect_int(it.balance, 11);
    expect_uint(bank_counts(&bed).snapshot_failures, 1);
    bank_clear(&bed);
}

static int even_balance(void *context, const stele_state_info *info)
{
    (void)context;
    return ((const account *)info->state)->balance % 2 == 0;
}

TEST_ROWS(a_function_can_decide_when_snapshots_are_taken, bank_backends)
{
    bank_bed bed = lay_account(row, &(stele_domain_options){.snapshots = {.wanted = even_balance}});
    expect_uint(snapshots_stored(&bed), 1);
    deposit(&bed, 1, 1);
    expect_uint(snapshots_stored(&bed), 1);
    deposit(&bed, 1, 1);
    expect_uint(snapshots_stored(&bed), 2);
    bank_clear(&bed);
}

static stele_time hours;

static stele_time hour_now(void *context)
{
    (void)context;
    stele_time now = stele_clock_system()->now(stele_clock_system()->context);
    return now + hours * STELE_SECONDS(3600);
}

TEST_ROWS(snapshots_are_taken_when_the_last_one_is_old, bank_backends)
{
    stele_clock clock = *stele_clock_system();
    clock.now = hour_now;
    hours = 0;
    bank_bed bed =
        lay_account(row, &(stele_domain_options){.snapshots = {.age = STELE_SECONDS(7200)},
                                                 .clock = &clock});
    deposit(&bed, 1, 1);
    expect_uint(snapshots_stored(&bed), 0);
    hours = 3;
    deposit(&bed, 1, 1);
    expect_uint(snapshots_stored(&bed), 1);
    hours = 4;
    deposit(&bed, 1, 1);
    expect_uint(snapshots_stored(&bed), 1);
    hours = 6;
    deposit(&bed, 1, 1);
    expect_uint(snapshots_stored(&bed), 2);
    bank_clear(&bed);
}

/* ---- at random */

TEST_WITHIN(with_cache_and_snapshots_a_state_is_what_it_is_without, 60)
{
    const stele_domain_options keeping = {.snapshots = {.every = 7}, .cache_bytes = 8192};
    bank_bed bed = bank_lay(1, &keeping);
    stele_domain *plain;
    stele__prng prng;
    stele__prng_seed(&prng, test_seed());
    expect_ok(stele_domain_open(bed.store, &(stele_domain_options){.cache_bytes = SIZE_MAX}, &plain,
                                &error),
              &error);
    char names[40][8];
    for (size_t i = 0; i < 40; i++) {
        (void)snprintf(names[i], sizeof names[i], "n%zu", i);
        (void)bank_do(&bed, bank_open, (bank_command){.account = names[i]}, NULL);
    }
    for (uint64_t i = 0; i < test_scaled(4000); i++) {
        const char *name = names[stele__prng_below(&prng, 40)];
        char stream[STELE_STREAM_NAME_SIZE_MAX + 1];
        (void)bank_do(&bed, bank_deposit,
                      (bank_command){.account = name,
                                     .amount = (int64_t)stele__prng_below(&prng, 100),
                                     .times = (unsigned)stele__prng_below(&prng, 9)},
                      NULL);
        if (stele__prng_below(&prng, 500) == 0) {
            stele_domain_close(bed.domain);
            expect_ok(stele_domain_open(bed.store, &keeping, &bed.domain, &error), &error);
        }
        account kept;
        account folded;
        stele_loaded loaded;
        const uint64_t back = stele__prng_below(&prng, 20);
        expect_ok(stele_aggregate_stream(&bank_accounts, name, stream, &error), &error);
        expect_ok(stele_load(bed.domain, &bank_accounts, stream, NULL, &kept, &loaded, &error),
                  &error);
        stele_point at = {STELE_POINT_REVISION, loaded.version - 1};
        if (back < loaded.version - 1) {
            at.value -= back;
            expect_ok(stele_load(bed.domain, &bank_accounts, stream, &at, &kept, NULL, &error),
                      &error);
        }
        expect_ok(stele_load(plain, &bank_accounts, stream, &at, &folded, NULL, &error), &error);
        expect_true(stele_schema_equal(account_schema(), &kept, &folded) != 0);
        expect_true(bank_counts(&bed).cache_bytes <= 8192);
    }
    test_note("%llu hits, %llu snapshots used", (unsigned long long)bank_counts(&bed).cache_hits,
              (unsigned long long)bank_counts(&bed).snapshots_used);
    stele_domain_close(plain);
    bank_clear(&bed);
}

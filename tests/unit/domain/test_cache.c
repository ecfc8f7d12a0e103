/* SPDX-License-Identifier: Apache-2.0 */
/* The cache in memory, against what was put in last. */
#include "base/prng.h"
#include "stele/sys/cache.h"
#include "support/test.h"

#include <stdio.h>
#include <string.h>

static stele_error error;

static const char *get(stele_cache *cache, const char *key)
{
    char *text = test_memory(4096);
    stele_writer to = stele_writer_in(text, 4095);
    const stele_status status = cache->table->get(cache, key, &to, &error);
    return status == STELE_OK ? text : NULL;
}

static void put(stele_cache *cache, const char *key, const char *value)
{
    expect_ok(cache->table->put(cache, key, value, strlen(value), &error), &error);
}

TEST(what_was_put_in_last_is_got_and_the_least_used_goes_first)
{
    stele_cache *cache = stele_cache_in_memory(4096, NULL);
    char key[16];
    char value[101];
    memset(value, 'v', 100);
    value[100] = '\0';
    expect_null(get(cache, "a"));
    put(cache, "a", "1");
    put(cache, "b", "");
    put(cache, "a", "2");
    expect_text(get(cache, "a"), "2");
    expect_text(get(cache, "b"), "");
    for (int i = 0; i < 100; i++) {
        (void)snprintf(key, sizeof key, "k%d", i);
        put(cache, key, value);
        expect_text(get(cache, "a"), "2"); /* used all the time */
        expect_text(get(cache, key), value);
        expect_true(cache->table->bytes(cache) <= 4096);
    }
    expect_null(get(cache, "b"));
    expect_null(get(cache, "k0"));
    cache->table->close(cache);
}

TEST(what_is_too_large_is_not_kept_and_forgets_what_was_there)
{
    stele_cache *cache = stele_cache_in_memory(4096, NULL);
    char value[2000];
    memset(value, 'v', sizeof value);
    put(cache, "a", "1");
    expect_ok(cache->table->put(cache, "a", value, sizeof value, &error), &error);
    expect_null(get(cache, "a"));
    cache->table->close(cache);
    cache = stele_cache_in_memory(1, NULL);
    put(cache, "a", "1");
    expect_null(get(cache, "a"));
    cache->table->close(cache);
}

TEST(without_memory_a_put_is_lost_and_nothing_else)
{
    test_alloc alloc;
    test_alloc_init(&alloc);
    stele_cache *cache = stele_cache_in_memory(1 << 20, &alloc.alloc);
    put(cache, "a", "1");
    test_alloc_fail(&alloc, 1, TEST_ALLOC_FROM);
    put(cache, "b", "2");
    expect_null(get(cache, "b"));
    expect_text(get(cache, "a"), "1");
    put(cache, "a", "3");
    expect_null(get(cache, "a"));
    test_alloc_fail(&alloc, 0, TEST_ALLOC_ONCE);
    put(cache, "a", "4");
    expect_text(get(cache, "a"), "4");
    cache->table->close(cache);
    test_alloc_fail(&alloc, 1, TEST_ALLOC_FROM);
    expect_null(stele_cache_in_memory(1 << 20, &alloc.alloc));
    expect_no_leak(&alloc);
}

enum { KEYS = 500 };

TEST(at_random_a_value_is_the_last_one_or_none)
{
    stele_cache *cache = stele_cache_in_memory(16384, NULL);
    unsigned last[KEYS] = {0};
    unsigned found = 0;
    stele__prng prng;
    stele__prng_seed(&prng, test_seed());
    for (unsigned i = 1; i <= 20000; i++) {
        const size_t which = stele__prng_below(&prng, KEYS);
        char key[16];
        char value[64];
        (void)snprintf(key, sizeof key, "key %zu", which);
        if (stele__prng_below(&prng, 2)) {
            (void)snprintf(value, sizeof value, "%u %.*s", i, (int)stele__prng_below(&prng, 40),
                           "........................................");
            put(cache, key, value);
            last[which] = i;
        } else {
            char text[4096] = {0};
            stele_writer to = stele_writer_in(text, sizeof text - 1);
            unsigned got;
            if (cache->table->get(cache, key, &to, &error) == STELE_OK) {
                expect_int(sscanf(text, "%u", &got), 1);
                expect_uint(got, last[which]);
                found++;
            } else {
                expect_status(error.status, STELE_NOT_FOUND);
            }
        }
        expect_true(cache->table->bytes(cache) <= 16384);
    }
    expect_true(found > 1000);
    cache->table->close(cache);
}

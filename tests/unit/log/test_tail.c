/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tail against plain arrays of positions: terms, postings, heads, promises, sorting; without
 * memory; and with many readers beside the one who adds (T1 … T6 of tail.h).
 */
#include "log/tail.h"
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>

static const stele__hash_key key = {11, 22};

enum { TERMS = 400, POSTINGS_MAX = 6000, FIRST = 1000 };

/* A term as a plain array. */
typedef struct model_term {
    stele__term_kind kind;
    char name[48];
    stele__tail_handle handle;
    uint32_t count;
    stele_position positions[POSTINGS_MAX];
} model_term;

static model_term *new_model(void)
{
    model_term *model = test_memory(TERMS * sizeof *model);
    for (size_t i = 0; i < TERMS; i++) {
        model[i].kind = (stele__term_kind)(1 + i % 5);
        /* The same name under several kinds. */
        (void)snprintf(model[i].name, sizeof model[i].name, "name-%zu", i / 3);
    }
    return model;
}

static uint64_t hash_of(const model_term *term)
{
    return stele__term_hash(&key, term->kind, stele__text(term->name));
}

static stele__tail *new_tail(const stele_alloc *alloc, stele_position first)
{
    stele__tail *tail;
    stele_error error;
    expect_ok(stele__tail_create(alloc, &key, first, &tail, &error), &error);
    return tail;
}

static void intern(stele__tail *tail, model_term *term)
{
    stele_error error;
    stele__tail_handle handle;
    expect_ok(stele__tail_intern(tail, term->kind, stele__text(term->name), hash_of(term), &handle,
                                 &error),
              &error);
    expect_true(term->handle == 0 || term->handle == handle);
    term->handle = handle;
}

static void post(stele__tail *tail, model_term *term, stele_position position)
{
    stele__tail_post(tail, term->handle, position);
    if (term->count == 0 || term->positions[term->count - 1] < position) {
        term->positions[term->count++] = position;
    }
}

static uint32_t naive_rank(const model_term *term, uint32_t count, stele_position position)
{
    uint32_t rank = 0;
    while (rank < count && term->positions[rank] < position) {
        rank++;
    }
    return rank;
}

/* Everything about one term at a head. */
static void compare_at(const stele__tail *tail, const model_term *term, stele_position head,
                       stele__prng *prng)
{
    stele__tail_postings postings;
    const stele__tail_term *found =
        stele__tail_find(tail, term->kind, stele__text(term->name), hash_of(term));
    expect_true(found == stele__tail_at(tail, term->handle));
    expect_text(stele__tail_name(tail, found), (const char *)term->name);
    stele__tail_postings_init(&postings, tail, found, head);
    const uint32_t count = naive_rank(term, term->count, head == UINT64_MAX ? head : head + 1);
    expect_uint(postings.count, count);
    for (uint32_t rank = 0; rank < count; rank++) {
        expect_uint(stele__tail_position_at(&postings, rank), term->positions[rank]);
    }
    for (int n = 0; n < 30; n++) {
        const stele_position position =
            count && stele__prng_chance(prng, 1, 2)
                ? term->positions[stele__prng_below(prng, count)] + stele__prng_below(prng, 3) - 1
                : stele__prng_below(prng, 2 * FIRST + head % 20000);
        expect_uint(stele__tail_rank_of(&postings, position), naive_rank(term, count, position));
        if (count) {
            const uint32_t rank = (uint32_t)stele__prng_below(prng, count);
            expect_uint(stele__tail_position_at(&postings, rank), term->positions[rank]);
        }
    }
}

static void compare_sorted(const stele__tail *tail, const model_term *model, int kind,
                           stele_position head)
{
    test_alloc alloc;
    stele__tail_handle *terms;
    size_t count;
    size_t wanted = 0;
    stele_error error;
    test_alloc_init(&alloc);
    expect_ok(stele__tail_sorted(tail, &alloc.alloc, kind, head, &terms, &count, &error), &error);
    for (size_t i = 0; i < TERMS; i++) {
        wanted += (kind == 0 || (int)model[i].kind == kind) && model[i].count > 0 &&
                  model[i].positions[0] <= head;
    }
    expect_uint(count, wanted);
    for (size_t i = 1; i < count; i++) {
        const stele__tail_term *a = stele__tail_at(tail, terms[i - 1]);
        const stele__tail_term *b = stele__tail_at(tail, terms[i]);
        expect_true(a->kind < b->kind ||
                    (a->kind == b->kind && stele__text_compare(stele__tail_name(tail, a),
                                                               stele__tail_name(tail, b)) < 0));
    }
    stele__release(&alloc.alloc, terms, count * sizeof *terms);
    expect_no_leak(&alloc);
}

TEST_WITHIN(postings_are_those_of_plain_arrays, 60)
{
    for (uint64_t seed = test_seed(); seed < test_seed() + test_scaled(4); seed++) {
        test_alloc alloc;
        stele__prng prng;
        stele_error error;
        test_alloc_init(&alloc);
        stele__prng_seed(&prng, seed);
        model_term *model = new_model();
        stele__tail *tail = new_tail(&alloc.alloc, FIRST);
        expect_uint(stele__tail_first(tail), FIRST);
        stele_position last = FIRST - 1;
        for (size_t i = 0; i < 5000; i++) {
            last++;
            expect_ok(stele__tail_reserve_events(tail, 1, &error), &error);
            stele__tail_add_event(tail, (uint32_t)(last * 17));
            /* Few terms are hot; the others are seldom seen. */
            for (uint64_t n = stele__prng_below(&prng, 8); n > 0; n--) {
                model_term *term =
                    &model[stele__prng_chance(&prng, 1, 2) ? stele__prng_below(&prng, 5)
                                                           : stele__prng_below(&prng, TERMS)];
                intern(tail, term);
                post(tail, term, last);
            }
        }
        for (size_t i = 0; i < TERMS; i++) {
            compare_at(tail, &model[i], UINT64_MAX, &prng);
            compare_at(tail, &model[i], FIRST - 1, &prng);
            compare_at(tail, &model[i], FIRST + stele__prng_below(&prng, 5000), &prng);
        }
        for (int kind = 0; kind <= 5; kind++) {
            compare_sorted(tail, model, kind, UINT64_MAX);
            compare_sorted(tail, model, kind, FIRST + 20);
            compare_sorted(tail, model, kind, 0);
        }
        expect_uint(stele__tail_event_count(tail), 5000);
        for (stele_position position = FIRST; position <= last; position++) {
            expect_uint(stele__tail_offset(tail, position), (uint32_t)(position * 17));
        }
        expect_true(stele__tail_memory(tail) > 0 && stele__tail_memory(tail) <= alloc.live_bytes);
        stele__tail_free(tail);
        expect_no_leak(&alloc);
    }
}

TEST(a_term_that_is_not_there_is_not_found)
{
    stele__tail *tail = new_tail(stele_alloc_default(), 1);
    model_term *model = new_model();
    intern(tail, &model[0]);
    post(tail, &model[0], 1);
    const stele_text name = stele__text(model[0].name);
    expect_null(stele__tail_find(tail, STELE_TERM_TAG, name, hash_of(&model[0])));
    expect_null(stele__tail_find(tail, model[0].kind, stele__text("other"), hash_of(&model[0])));
    expect_null(stele__tail_find(tail, model[0].kind, name, hash_of(&model[0]) + 1));
    expect_uint(stele__tail_find_handle(tail, model[0].kind, (stele_text){name.data, name.size - 1},
                                        hash_of(&model[0])),
                0);
    expect_uint(stele__tail_term_count(tail), 1);
    stele__tail_free(tail);
}

/* T6. */
TEST(terms_of_one_hash_are_kept_apart)
{
    stele__tail *tail = new_tail(stele_alloc_default(), 1);
    stele__tail_handle handles[1000];
    stele_error error;
    for (uint32_t i = 0; i < 1000; i++) {
        char name[16];
        const size_t size = (size_t)snprintf(name, sizeof name, "n%u", i);
        expect_ok(stele__tail_intern(tail, STELE_TERM_TAG, (stele_text){name, size}, 42,
                                     &handles[i], &error),
                  &error);
        stele__tail_post(tail, handles[i], i + 1);
    }
    for (uint32_t i = 0; i < 1000; i++) {
        char name[16];
        const size_t size = (size_t)snprintf(name, sizeof name, "n%u", i);
        stele__tail_postings postings;
        expect_uint(stele__tail_find_handle(tail, STELE_TERM_TAG, (stele_text){name, size}, 42),
                    handles[i]);
        stele__tail_postings_init(&postings, tail, stele__tail_at(tail, handles[i]), UINT64_MAX);
        expect_uint(postings.count, 1);
        expect_uint(stele__tail_position_at(&postings, 0), i + 1);
    }
    stele__tail_free(tail);
}

TEST(the_same_position_twice_is_one_posting_and_uses_up_two_promises)
{
    stele__tail *tail = new_tail(stele_alloc_default(), 5);
    model_term *model = new_model();
    intern(tail, &model[0]);
    intern(tail, &model[0]);
    intern(tail, &model[0]);
    post(tail, &model[0], 5);
    post(tail, &model[0], 5);
    post(tail, &model[0], 6);
    const stele__tail_term *term = stele__tail_at(tail, model[0].handle);
    expect_uint(term->reserved, 0);
    stele__tail_postings postings;
    stele__tail_postings_init(&postings, tail, term, UINT64_MAX);
    expect_uint(postings.count, 2);
    stele__tail_free(tail);
}

/* T5: what was promised fits, however many took their promise back in between. */
TEST(promises_are_kept_and_can_be_taken_back)
{
    test_alloc alloc;
    stele__prng prng;
    stele_error error;
    test_alloc_init(&alloc);
    stele__prng_seed(&prng, test_seed());
    model_term *model = new_model();
    stele__tail *tail = new_tail(&alloc.alloc, 1);
    stele_position position = 0;
    for (size_t round = 0; round < 600; round++) {
        model_term *term = &model[stele__prng_below(&prng, 3)];
        const uint32_t promised = 1 + (uint32_t)stele__prng_below(&prng, 20);
        intern(tail, term);
        for (uint32_t i = 1; i < promised; i++) {
            expect_ok(stele__tail_promise(tail, term->handle, &error), &error);
        }
        /* From here on memory is not needed. */
        test_alloc_fail(&alloc, 1, TEST_ALLOC_FROM);
        const uint32_t kept = (uint32_t)stele__prng_below(&prng, promised + 1);
        for (uint32_t i = 0; i < promised; i++) {
            if (i < kept && term->count < POSTINGS_MAX) {
                post(tail, term, ++position);
            } else {
                stele__tail_withdraw(tail, term->handle);
            }
        }
        expect_uint(alloc.failures, 0);
        test_alloc_fail(&alloc, 0, TEST_ALLOC_ONCE);
        expect_uint(stele__tail_at(tail, term->handle)->reserved, 0);
    }
    for (size_t i = 0; i < 3; i++) {
        compare_at(tail, &model[i], UINT64_MAX, &prng);
    }
    stele__tail_free(tail);
    expect_no_leak(&alloc);
}

/* T4. */
TEST(a_term_without_postings_means_nothing_to_readers)
{
    stele__tail *tail = new_tail(stele_alloc_default(), 1);
    stele__tail_handle handle;
    stele_error error;
    const stele_text name = stele__text("stream-1");
    const uint64_t hash = stele__term_hash(&key, STELE_TERM_STREAM, name);
    expect_ok(stele__tail_touch(tail, STELE_TERM_STREAM, name, hash, &handle, &error), &error);
    stele__tail_postings postings;
    stele__tail_postings_init(&postings, tail,
                              stele__tail_find(tail, STELE_TERM_STREAM, name, hash), UINT64_MAX);
    expect_uint(postings.count, 0);
    expect_uint(stele__tail_rank_of(&postings, 1), 0);
    stele__tail_handle *terms;
    size_t count;
    expect_ok(stele__tail_sorted(tail, stele_alloc_default(), 0, UINT64_MAX, &terms, &count,
                                 &error),
              &error);
    expect_uint(count, 0);
    /* A promise alone changes nothing. */
    expect_ok(stele__tail_promise(tail, handle, &error), &error);
    stele__tail_postings_init(&postings, tail, stele__tail_at(tail, handle), UINT64_MAX);
    expect_uint(postings.count, 0);
    stele__tail_post(tail, handle, 3);
    stele__tail_postings_init(&postings, tail, stele__tail_at(tail, handle), UINT64_MAX);
    expect_uint(postings.count, 1);
    stele__tail_postings_init(&postings, tail, stele__tail_at(tail, handle), 2);
    expect_uint(postings.count, 0);
    stele__tail_free(tail);
}

/* T1. */
TEST(what_a_handle_points_to_never_moves)
{
    enum { MANY = 60000 };
    stele__tail *tail = new_tail(stele_alloc_default(), 1);
    stele__tail_handle *handles = test_memory(MANY * sizeof *handles);
    stele__tail_term **terms = test_memory(MANY * sizeof *terms);
    stele_error error;
    for (uint32_t i = 0; i < MANY; i++) {
        char name[STELE_STREAM_NAME_SIZE_MAX];
        /* Names of every size up to the longest. */
        const size_t size = 8 + i % (STELE_STREAM_NAME_SIZE_MAX - 7);
        memset(name, 'x', sizeof name);
        stele__store64(name, i);
        const stele_text text = {name, size};
        const uint64_t hash = stele__term_hash(&key, STELE_TERM_STREAM, text);
        expect_ok(stele__tail_intern(tail, STELE_TERM_STREAM, text, hash, &handles[i], &error),
                  &error);
        terms[i] = stele__tail_at(tail, handles[i]);
        stele__tail_post(tail, handles[i], i + 1);
    }
    for (uint32_t i = 0; i < MANY; i++) {
        expect_true(stele__tail_at(tail, handles[i]) == terms[i]);
        const stele_text name = stele__tail_name(tail, terms[i]);
        expect_uint(stele__load64(name.data), i);
        expect_true(stele__tail_find(tail, STELE_TERM_STREAM, name, terms[i]->hash) == terms[i]);
    }
    expect_uint(stele__tail_term_count(tail), MANY);
    stele__tail_free(tail);
}

/* ---- without memory ---- */

/* One commit: several terms; when one fails, the promises before it are taken back, as the
 * sequencer does. */
static stele_status add_commit(stele__tail *tail, model_term *model, size_t from,
                               stele_position position)
{
    stele__tail_handle handles[6];
    size_t count = 0;
    stele_error error;
    stele_status status = stele__tail_reserve_events(tail, 1, &error);
    for (; count < 6 && status == STELE_OK; count++) {
        model_term *term = &model[(from + count * 7) % TERMS];
        status = stele__tail_intern(tail, term->kind, stele__text(term->name), hash_of(term),
                                    &handles[count], &error);
        if (status != STELE_OK) {
            break;
        }
        term->handle = handles[count];
    }
    if (status != STELE_OK) {
        expect_error(status, &error, STELE_NO_MEMORY);
        while (count > 0) {
            stele__tail_withdraw(tail, handles[--count]);
        }
        return status;
    }
    for (size_t i = 0; i < 6; i++) {
        post(tail, &model[(from + i * 7) % TERMS], position);
    }
    stele__tail_add_event(tail, (uint32_t)position);
    return STELE_OK;
}

TEST_WITHIN(a_commit_enters_whole_or_not_at_all_whatever_memory_does, 60)
{
    test_alloc alloc;
    stele__prng prng;
    test_alloc_init(&alloc);
    stele__prng_seed(&prng, test_seed());
    model_term *model = new_model();
    stele__tail *tail = new_tail(&alloc.alloc, FIRST);
    stele_position next = FIRST;
    for (size_t round = 0; round < 60000; round++) {
        if (stele__prng_chance(&prng, 1, 2)) {
            test_alloc_fail(&alloc, 1 + stele__prng_below(&prng, 3),
                            round % 2 ? TEST_ALLOC_ONCE : TEST_ALLOC_FROM);
        } else {
            test_alloc_fail(&alloc, 0, TEST_ALLOC_ONCE);
        }
        if (add_commit(tail, model, round % (TERMS - 50), next) == STELE_OK) {
            next++;
        }
    }
    test_alloc_fail(&alloc, 0, TEST_ALLOC_ONCE);
    test_note("%llu failures", (unsigned long long)alloc.failures);
    expect_true(alloc.failures >= 10);
    expect_uint(stele__tail_event_count(tail), next - FIRST);
    for (size_t i = 0; i < TERMS; i++) {
        if (model[i].handle) {
            expect_uint(stele__tail_at(tail, model[i].handle)->reserved, 0);
            compare_at(tail, &model[i], UINT64_MAX, &prng);
        }
    }
    stele__tail_free(tail);
    expect_no_leak(&alloc);
}

TEST(creating_and_sorting_without_memory_say_so_and_leak_nothing)
{
    test_alloc alloc;
    stele_error error;
    stele__tail *tail;
    test_alloc_init(&alloc);
    for (uint64_t n = 1; n <= 2; n++) {
        test_alloc_fail(&alloc, n, TEST_ALLOC_ONCE);
        expect_error(stele__tail_create(&alloc.alloc, &key, 1, &tail, &error), &error,
                     STELE_NO_MEMORY);
        expect_no_leak(&alloc);
    }
    test_alloc_fail(&alloc, 0, TEST_ALLOC_ONCE);
    tail = new_tail(stele_alloc_default(), 1);
    model_term *model = new_model();
    for (size_t i = 0; i < TERMS; i++) {
        intern(tail, &model[i]);
        post(tail, &model[i], i + 1);
    }
    const uint64_t before = alloc.failures;
    uint64_t failed = 0;
    for (uint64_t n = 1;; n++) {
        stele__tail_handle *terms;
        size_t count;
        test_alloc_fail(&alloc, n, TEST_ALLOC_ONCE);
        const stele_status status =
            stele__tail_sorted(tail, &alloc.alloc, 0, UINT64_MAX, &terms, &count, &error);
        if (alloc.failures == before + failed) {
            expect_ok(status, &error);
            stele__release(&alloc.alloc, terms, count * sizeof *terms);
            break;
        }
        failed = alloc.failures - before;
        expect_error(status, &error, STELE_NO_MEMORY);
        expect_no_leak(&alloc);
    }
    expect_true(failed >= 3);
    expect_no_leak(&alloc);
    stele__tail_free(tail);
}

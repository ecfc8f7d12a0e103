/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread adds to a tail, others read it without locks. What is in it is a function of the
 * position, so that each reader can tell by itself whether an answer is right: position p has the
 * terms t with p % t == 0, and offset p * 3.
 */
#include "log/tail.h"
#include "support/test.h"

#include <stdio.h>

enum { READERS = 4, TERMS = 60, EVENTS = 60000, FIRST = 1 };

static const stele__hash_key key = {3, 4};

typedef struct shared_tail {
    stele__tail *tail;
    _Atomic stele_position head; /* published as the engine does it */
    _Atomic bool is_done;
    _Atomic uint64_t answers;
} shared_tail;

static stele_text name_of(uint32_t term, char ret_name[24])
{
    return (stele_text){ret_name, (size_t)snprintf(ret_name, 24, "every-%u", term)};
}

static void add_everything(void *context)
{
    shared_tail *shared = context;
    stele_error error;
    for (stele_position position = FIRST; position < FIRST + EVENTS; position++) {
        stele__tail_handle handles[TERMS];
        uint32_t count = 0;
        expect_ok(stele__tail_reserve_events(shared->tail, 1, &error), &error);
        for (uint32_t term = 1; term <= TERMS; term++) {
            if (position % term == 0) {
                char bytes[24];
                const stele_text name = name_of(term, bytes);
                const uint64_t hash = stele__term_hash(&key, STELE_TERM_TAG, name);
                expect_ok(stele__tail_intern(shared->tail, STELE_TERM_TAG, name, hash,
                                             &handles[count++], &error),
                          &error);
            }
        }
        /* Terms nobody asks for, so that the table grows under the readers. */
        char bytes[24];
        stele__tail_handle extra;
        const stele_text name = {bytes, (size_t)snprintf(bytes, sizeof bytes, "once-%u",
                                                         (unsigned)position)};
        expect_ok(stele__tail_intern(shared->tail, STELE_TERM_KEY, name,
                                     stele__term_hash(&key, STELE_TERM_KEY, name), &extra, &error),
                  &error);
        stele__tail_post(shared->tail, extra, position);
        for (uint32_t i = 0; i < count; i++) {
            stele__tail_post(shared->tail, handles[i], position);
        }
        stele__tail_add_event(shared->tail, (uint32_t)position * 3);
        if (position % 3 == 0) {
            atomic_store_explicit(&shared->head, position, memory_order_release);
        }
    }
    atomic_store_explicit(&shared->is_done, true, memory_order_release);
}

/* Up to a head that was published everything is there, and nothing beyond it shows. */
static void ask(shared_tail *shared, stele__prng *prng)
{
    const stele_position head = atomic_load_explicit(&shared->head, memory_order_acquire);
    const uint32_t term = 1 + (uint32_t)stele__prng_below(prng, TERMS);
    char bytes[24];
    const stele_text name = name_of(term, bytes);
    const stele__tail_term *found = stele__tail_find(shared->tail, STELE_TERM_TAG, name,
                                                     stele__term_hash(&key, STELE_TERM_TAG, name));
    if (!found) {
        expect_true(head < term);
        return;
    }
    stele__tail_postings postings;
    stele__tail_postings_init(&postings, shared->tail, found, head);
    expect_uint(postings.count, head / term);
    if (postings.count > 0) {
        const uint32_t rank = (uint32_t)stele__prng_below(prng, postings.count);
        expect_uint(stele__tail_position_at(&postings, rank), (stele_position)(rank + 1) * term);
        const stele_position position = stele__prng_below(prng, head + 1);
        expect_uint(stele__tail_rank_of(&postings, position), position ? (position - 1) / term : 0);
        expect_uint(stele__tail_offset(shared->tail, position ? position : 1),
                    (position ? position : 1) * 3);
        expect_true(stele__tail_event_count(shared->tail) >= head);
    }
    /* Without a head: whatever is there is a whole beginning. */
    stele__tail_postings_init(&postings, shared->tail, found, UINT64_MAX);
    for (uint32_t rank = postings.count > 3 ? postings.count - 3 : 0; rank < postings.count;
         rank++) {
        expect_uint(stele__tail_position_at(&postings, rank), (stele_position)(rank + 1) * term);
    }
    atomic_fetch_add_explicit(&shared->answers, 1, memory_order_relaxed);
}

static void list_everything(shared_tail *shared)
{
    const stele_position head = atomic_load_explicit(&shared->head, memory_order_acquire);
    stele__tail_handle *terms;
    size_t count;
    stele_error error;
    expect_ok(stele__tail_sorted(shared->tail, stele_alloc_default(), STELE_TERM_TAG, head, &terms,
                                 &count, &error),
              &error);
    expect_uint(count, head < TERMS ? head : TERMS);
    stele__release(stele_alloc_default(), terms, count * sizeof *terms);
}

typedef struct reader {
    stele__thread thread;
    shared_tail *shared;
    uint64_t seed;
} reader;

static void read_everything(void *context)
{
    reader *self = context;
    stele__prng prng;
    stele__prng_seed(&prng, self->seed);
    while (!atomic_load_explicit(&self->shared->is_done, memory_order_acquire)) {
        for (int i = 0; i < 200; i++) {
            ask(self->shared, &prng);
        }
        list_everything(self->shared);
    }
    ask(self->shared, &prng);
}

TEST_WITHIN(readers_see_whole_commits_while_one_thread_adds, 60)
{
    shared_tail shared = {.tail = NULL};
    reader readers[READERS];
    stele__thread writer;
    stele_error error;
    expect_ok(stele__tail_create(stele_alloc_default(), &key, FIRST, &shared.tail, &error), &error);
    for (uint64_t i = 0; i < READERS; i++) {
        readers[i] = (reader){.shared = &shared, .seed = test_seed() + i};
        expect_int(stele__thread_start(&readers[i].thread, "reader", read_everything, &readers[i]),
                   0);
    }
    expect_int(stele__thread_start(&writer, "writer", add_everything, &shared), 0);
    stele__thread_join(&writer);
    for (size_t i = 0; i < READERS; i++) {
        stele__thread_join(&readers[i].thread);
    }
    test_note("%llu answers", (unsigned long long)shared.answers);
    expect_true(shared.answers > 200);
    expect_uint(stele__tail_event_count(shared.tail), EVENTS);
    stele__tail_free(shared.tail);
}

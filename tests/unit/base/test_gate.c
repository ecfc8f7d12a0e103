/* SPDX-License-Identifier: Apache-2.0 */
/* Gates between threads. */
#include "base/base.h"
#include "base/gate.h"
#include "support/test.h"

enum { PLAYERS = 4, ROUNDS = 2000 };

typedef struct game {
    stele__gate round;
    stele__gate played;
    _Atomic unsigned rounds;
    _Atomic unsigned plays;
    _Atomic unsigned taken;
} game;

static void wait_for(stele__gate *gate, _Atomic unsigned *what, unsigned least)
{
    for (;;) {
        const uint32_t seen = stele__gate_look(gate);
        if (atomic_load(what) >= least) {
            return;
        }
        stele__gate_wait(gate, seen);
    }
}

static void play(void *context)
{
    game *all = (game *)context;

    for (unsigned i = 1; i <= ROUNDS; i++) {
        wait_for(&all->round, &all->rounds, i);
        if (atomic_fetch_add(&all->plays, 1) + 1 == PLAYERS * i) {
            stele__gate_open(&all->played);
        }
    }
}

TEST(an_opening_lets_all_through)
{
    static game all;
    stele__thread threads[PLAYERS];

    for (size_t i = 0; i < PLAYERS; i++) {
        expect_int(stele__thread_start(&threads[i], "playing", play, &all), 0);
    }
    for (unsigned i = 1; i <= ROUNDS; i++) {
        atomic_store(&all.rounds, i);
        stele__gate_open(&all.round);
        wait_for(&all.played, &all.plays, PLAYERS * i);
        expect_uint(atomic_load(&all.plays), PLAYERS * i);
    }
    for (size_t i = 0; i < PLAYERS; i++) {
        stele__thread_join(&threads[i]);
    }
}

static void take_one(void *context)
{
    game *all = (game *)context;

    for (;;) {
        const uint32_t seen = stele__gate_look(&all->round);
        unsigned rounds = atomic_load(&all->rounds);
        if (rounds > 0 && atomic_compare_exchange_strong(&all->rounds, &rounds, rounds - 1)) {
            break;
        }
        stele__gate_wait(&all->round, seen);
    }
    (void)atomic_fetch_add(&all->taken, 1);
    stele__gate_open(&all->played);
}

/* An opening for one is not lost, whoever sleeps or does not yet. */
TEST(an_opening_for_one_is_enough_for_one)
{
    static game all;
    stele__thread threads[PLAYERS];

    for (size_t i = 0; i < PLAYERS; i++) {
        expect_int(stele__thread_start(&threads[i], "taking", take_one, &all), 0);
    }
    for (unsigned i = 1; i <= PLAYERS; i++) {
        (void)atomic_fetch_add(&all.rounds, 1);
        stele__gate_open_for_one(&all.round);
        wait_for(&all.played, &all.taken, i);
        expect_uint(atomic_load(&all.taken), i);
    }
    for (size_t i = 0; i < PLAYERS; i++) {
        stele__thread_join(&threads[i]);
    }
}

TEST(who_looked_before_does_not_wait)
{
    static stele__gate gate;
    const uint32_t seen = stele__gate_look(&gate);

    stele__gate_open(&gate);
    stele__gate_wait(&gate, seen);
    stele__gate_open_for_one(&gate);
    stele__gate_wait(&gate, stele__gate_look(&gate) - 1);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Signals between two threads. */
#include "base/base.h"
#include "base/signal.h"
#include "support/test.h"

typedef struct ping_pong {
    stele__signal there;
    stele__signal back;
    uint64_t count;
} ping_pong;

static void answer(void *context)
{
    ping_pong *game = (ping_pong *)context;

    for (int i = 0; i < 2000; i++) {
        stele__signal_wait(&game->there);
        game->count++;
        stele__signal_raise(&game->back);
    }
}

TEST(each_raise_lets_one_wait_go_on)
{
    ping_pong game = {.count = 0};
    stele__thread thread;

    stele__signal_init(&game.there);
    stele__signal_init(&game.back);
    expect_int(stele__thread_start(&thread, "answering", answer, &game), 0);
    for (uint64_t i = 0; i < 2000; i++) {
        expect_uint(game.count, i);
        stele__signal_raise(&game.there);
        stele__signal_wait(&game.back);
    }
    stele__thread_join(&thread);
    stele__signal_done(&game.there);
    stele__signal_done(&game.back);
}

TEST(what_was_raised_before_is_not_lost)
{
    stele__signal signal;

    stele__signal_init(&signal);
    stele__signal_raise(&signal);
    stele__signal_raise(&signal);
    stele__signal_wait(&signal);
    stele__signal_wait(&signal);
    stele__signal_done(&signal);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Threads, locks with ranks, conditions, forks. */
#include "base/base.h"
#include "support/test.h"

#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

typedef struct counter {
    stele__mutex mutex;
    stele__condition condition;
    uint64_t value;
} counter;

static void make_counter(counter *it)
{
    expect_int(stele__mutex_init(&it->mutex, 10), 0);
    expect_int(stele__condition_init(&it->condition), 0);
    it->value = 0;
}

static void empty_counter(counter *it)
{
    stele__condition_done(&it->condition);
    stele__mutex_done(&it->mutex);
}

static void count_up(void *context)
{
    counter *it = (counter *)context;

    for (int i = 0; i < 10000; i++) {
        stele__lock(&it->mutex);
        it->value++;
        stele__unlock(&it->mutex);
    }
}

TEST(a_lock_keeps_threads_apart)
{
    counter it;
    stele__thread threads[4];

    make_counter(&it);
    for (size_t i = 0; i < 4; i++) {
        expect_int(stele__thread_start(&threads[i], "counting", count_up, &it), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        stele__thread_join(&threads[i]);
    }
    expect_uint(it.value, 40000);
    empty_counter(&it);
}

static void set_and_wake(void *context)
{
    counter *it = (counter *)context;

    stele__lock(&it->mutex);
    it->value = 1;
    stele__condition_wake_one(&it->condition);
    stele__unlock(&it->mutex);
}

TEST(a_waiting_thread_is_woken)
{
    counter it;
    stele__thread thread;

    make_counter(&it);
    stele__lock(&it.mutex);
    expect_int(stele__thread_start(&thread, "waking", set_and_wake, &it), 0);
    while (it.value == 0) {
        expect_true(stele__condition_wait(&it.condition, &it.mutex, -1));
    }
    stele__unlock(&it.mutex);
    stele__thread_join(&thread);
    empty_counter(&it);
}

static void wait_for_one(void *context)
{
    counter *it = (counter *)context;

    stele__lock(&it->mutex);
    while (it->value == 0) {
        (void)stele__condition_wait(&it->condition, &it->mutex, INT64_C(10000000000));
    }
    stele__unlock(&it->mutex);
}

TEST(all_waiting_threads_are_woken)
{
    counter it;
    stele__thread threads[3];

    make_counter(&it);
    for (size_t i = 0; i < 3; i++) {
        expect_int(stele__thread_start(&threads[i], "waiting", wait_for_one, &it), 0);
    }
    stele__lock(&it.mutex);
    it.value = 1;
    stele__condition_wake_all(&it.condition);
    stele__unlock(&it.mutex);
    for (size_t i = 0; i < 3; i++) {
        stele__thread_join(&threads[i]);
    }
    empty_counter(&it);
}

TEST(waiting_ends_when_its_time_has_passed)
{
    counter it;
    struct timespec before;
    struct timespec after;
    int64_t waited;

    make_counter(&it);
    stele__lock(&it.mutex);
    expect_int(clock_gettime(CLOCK_MONOTONIC, &before), 0);
    while (stele__condition_wait(&it.condition, &it.mutex, 20000000)) {
        /* woken for no reason */
    }
    expect_int(clock_gettime(CLOCK_MONOTONIC, &after), 0);
    waited =
        (after.tv_sec - before.tv_sec) * INT64_C(1000000000) + (after.tv_nsec - before.tv_nsec);
    expect_true(waited >= 20000000);
    expect_false(stele__condition_wait(&it.condition, &it.mutex, 0));
    stele__unlock(&it.mutex);
    empty_counter(&it);
}

static void try_to_lock(void *context)
{
    counter *it = (counter *)context;

    if (stele__try_lock(&it->mutex)) {
        it->value = 99;
        stele__unlock(&it->mutex);
    }
}

TEST(trying_a_lock_does_not_wait)
{
    counter it;
    stele__thread thread;

    make_counter(&it);
    stele__lock(&it.mutex);
    expect_int(stele__thread_start(&thread, "trying", try_to_lock, &it), 0);
    stele__thread_join(&thread);
    expect_uint(it.value, 0);
    stele__unlock(&it.mutex);
    try_to_lock(&it);
    expect_uint(it.value, 99);
    empty_counter(&it);
}

static void look_at_signals(void *context)
{
    sigset_t mask;

    *(int *)context = pthread_sigmask(SIG_BLOCK, NULL, &mask) == 0 &&
                      sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGINT) == 1 &&
                      sigismember(&mask, SIGUSR1) == 1;
}

TEST(signals_stay_with_the_threads_of_the_program)
{
    stele__thread thread;
    sigset_t mask;
    int all_blocked = 0;

    expect_int(stele__thread_start(&thread, "a name that is longer than fifteen", look_at_signals,
                                   &all_blocked),
               0);
    stele__thread_join(&thread);
    expect_true(all_blocked);
    expect_int(pthread_sigmask(SIG_BLOCK, NULL, &mask), 0);
    expect_int(sigismember(&mask, SIGTERM), 0);
}

/* ---- Ranks */

#ifdef STELE_DEBUG
static void leave_with_seven(const char *expression, const char *file, int line)
{
    (void)expression;
    (void)file;
    (void)line;
    _exit(7);
}

static int lock_two(unsigned first, unsigned second)
{
    stele__mutex a;
    stele__mutex b;

    stele__assert_hook(leave_with_seven);
    if (stele__mutex_init(&a, first) != 0 || stele__mutex_init(&b, second) != 0) {
        return 1;
    }
    stele__lock(&a);
    stele__lock(&b);
    stele__unlock(&a);
    stele__unlock(&b);
    return 0;
}

static int lock_upwards(void *context)
{
    (void)context;
    return lock_two(1, 2);
}

static int lock_downwards(void *context)
{
    (void)context;
    return lock_two(2, 1);
}

static int lock_equals(void *context)
{
    (void)context;
    return lock_two(3, 3);
}

static int unlock_what_is_not_held(void *context)
{
    stele__mutex mutex;

    (void)context;
    stele__assert_hook(leave_with_seven);
    if (stele__mutex_init(&mutex, 1) != 0) {
        return 1;
    }
    stele__unlock(&mutex);
    return 0;
}

TEST(locks_are_taken_by_rising_rank_only)
{
    expect_int(test_in_child(lock_upwards, NULL), 0);
    expect_int(test_in_child(lock_downwards, NULL), 7);
    expect_int(test_in_child(lock_equals, NULL), 7);
    expect_int(test_in_child(unlock_what_is_not_held, NULL), 7);
}

TEST(a_rank_is_free_again_after_unlocking)
{
    stele__mutex low;
    stele__mutex high;

    expect_int(stele__mutex_init(&low, 1), 0);
    expect_int(stele__mutex_init(&high, 2), 0);
    for (int i = 0; i < 3; i++) {
        stele__lock(&low);
        stele__lock(&high);
        stele__unlock(&low);
        stele__unlock(&high);
        stele__lock(&high);
        stele__unlock(&high);
    }
    /* Trying may go downwards, because it never waits. */
    stele__lock(&high);
    expect_true(stele__try_lock(&low));
    stele__unlock(&low);
    stele__unlock(&high);
    stele__mutex_done(&low);
    stele__mutex_done(&high);
}
#endif

/* ---- Forks */

static int ask_generation(void *context)
{
    return (int)(stele__fork_generation() - *(const uint32_t *)context);
}

static int ask_in_grandchild(void *context)
{
    return test_in_child(ask_generation, context);
}

TEST(every_generation_of_children_counts_one_more)
{
    stele__fork_watch();
    uint32_t before = stele__fork_generation();

    expect_int(test_in_child(ask_generation, &before), 1);
    expect_int(test_in_child(ask_in_grandchild, &before), 2);
    expect_uint(stele__fork_generation(), before);
}

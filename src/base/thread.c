/* SPDX-License-Identifier: Apache-2.0 */
/* Threads, locks and conditions. A failing pthread call on an initialised object is a defect here,
 * never the user's, so it stops the process. */
#define _GNU_SOURCE
#include "thread.h"

#include "assert.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* ---- Ranks: what this thread holds, in debug builds. */

#ifdef STELE_DEBUG
#define HELD_LOCKS_MAX 16 /* far more than there are ranks */

static _Thread_local const stele__mutex *held_locks[HELD_LOCKS_MAX];
static _Thread_local size_t held_lock_count;

static void check_rank(const stele__mutex *mutex)
{
    for (size_t i = 0; i < held_lock_count; i++) {
        STELE_ASSERT(held_locks[i]->rank < mutex->rank);
    }
}

static void push_held(const stele__mutex *mutex)
{
    STELE_ASSERT(held_lock_count < HELD_LOCKS_MAX);
    held_locks[held_lock_count++] = mutex;
}

/* Locks need not be released in the reverse order. */
static void pop_held(const stele__mutex *mutex)
{
    size_t i = held_lock_count;

    while (i > 0 && held_locks[i - 1] != mutex) {
        i--;
    }
    STELE_ASSERT(i > 0);
    for (; i < held_lock_count; i++) {
        held_locks[i - 1] = held_locks[i];
    }
    held_lock_count--;
}

static void check_held(const stele__mutex *mutex)
{
    size_t i = 0;

    while (i < held_lock_count && held_locks[i] != mutex) {
        i++;
    }
    STELE_ASSERT(i < held_lock_count);
}
#else
static void check_rank(const stele__mutex *mutex)
{
    (void)mutex;
}

static void push_held(const stele__mutex *mutex)
{
    (void)mutex;
}

static void pop_held(const stele__mutex *mutex)
{
    (void)mutex;
}

static void check_held(const stele__mutex *mutex)
{
    (void)mutex;
}
#endif

/* ---- Locks */

/* Locks here are held for a microsecond or two, which is less than sleeping and being woken take: a
 * lock spins for a moment before it sleeps. */
int stele__mutex_init(stele__mutex *mutex, unsigned rank)
{
    pthread_mutexattr_t attributes;
    int result = pthread_mutexattr_init(&attributes);

    STELE_ASSERT(rank > 0);
    if (result != 0) {
        return result;
    }
    mutex->rank = rank;
    result = pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ADAPTIVE_NP);
    if (result == 0) {
        result = pthread_mutex_init(&mutex->mutex, &attributes);
    }
    (void)pthread_mutexattr_destroy(&attributes);
    return result;
}

void stele__mutex_done(stele__mutex *mutex)
{
    const int result = pthread_mutex_destroy(&mutex->mutex);
    STELE_ASSERT(result == 0);
}

void stele__lock(stele__mutex *mutex)
{
    int result;

    check_rank(mutex);
    result = pthread_mutex_lock(&mutex->mutex);
    STELE_ASSERT(result == 0);
    push_held(mutex);
}

bool stele__try_lock(stele__mutex *mutex)
{
    /* Trying never waits, so no order can make it a deadlock: ranks are not checked. */
    const int result = pthread_mutex_trylock(&mutex->mutex);

    STELE_ASSERT(result == 0 || result == EBUSY);
    if (result == 0) {
        push_held(mutex);
    }
    return result == 0;
}

void stele__unlock(stele__mutex *mutex)
{
    int result;

    pop_held(mutex);
    result = pthread_mutex_unlock(&mutex->mutex);
    STELE_ASSERT(result == 0);
}

/* ---- Conditions */

int stele__condition_init(stele__condition *condition)
{
    pthread_condattr_t attributes;
    int result = pthread_condattr_init(&attributes);

    if (result != 0) {
        return result;
    }
    result = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    if (result == 0) {
        result = pthread_cond_init(&condition->condition, &attributes);
    }
    (void)pthread_condattr_destroy(&attributes);
    return result;
}

void stele__condition_done(stele__condition *condition)
{
    const int result = pthread_cond_destroy(&condition->condition);
    STELE_ASSERT(result == 0);
}

void stele__condition_wake_one(stele__condition *condition)
{
    const int result = pthread_cond_signal(&condition->condition);
    STELE_ASSERT(result == 0);
}

void stele__condition_wake_all(stele__condition *condition)
{
    const int result = pthread_cond_broadcast(&condition->condition);
    STELE_ASSERT(result == 0);
}

bool stele__condition_wait(stele__condition *condition, stele__mutex *mutex, int64_t timeout)
{
    struct timespec until;
    int result;

    check_held(mutex);
    if (timeout < 0) {
        result = pthread_cond_wait(&condition->condition, &mutex->mutex);
        STELE_ASSERT(result == 0);
        return true;
    }
    result = clock_gettime(CLOCK_MONOTONIC, &until);
    STELE_ASSERT(result == 0);
    until.tv_sec += (time_t)(timeout / 1000000000);
    until.tv_nsec += (long)(timeout % 1000000000);
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    result = pthread_cond_timedwait(&condition->condition, &mutex->mutex, &until);
    STELE_ASSERT(result == 0 || result == ETIMEDOUT);
    return result == 0;
}

/* ---- Threads */

typedef struct thread_start {
    void (*run)(void *context);
    void *context;
    char name[16];
} thread_start;

static void *run_thread(void *argument)
{
    const thread_start start = *(const thread_start *)argument;

    free(argument);
    /* A name is a courtesy to whoever looks with a debugger; it may fail. */
    (void)pthread_setname_np(pthread_self(), start.name);
    start.run(start.context);
    return NULL;
}

int stele__thread_start(stele__thread *thread, const char *name, void (*run)(void *context),
                        void *context)
{
    thread_start *start = (thread_start *)malloc(sizeof *start);
    sigset_t all;
    sigset_t before;
    int result;

    if (!start) {
        return ENOMEM;
    }
    start->run = run;
    start->context = context;
    (void)snprintf(start->name, sizeof start->name, "%s", name);
    /* Signals belong to the program's own threads. The mask is inherited, so it is set around the
     * creation. */
    (void)sigfillset(&all);
    result = pthread_sigmask(SIG_BLOCK, &all, &before);
    STELE_ASSERT(result == 0);
    result = pthread_create(&thread->thread, NULL, run_thread, start);
    if (result != 0) {
        free(start);
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result;
}

void stele__thread_join(stele__thread *thread)
{
    const int result = pthread_join(thread->thread, NULL);
    STELE_ASSERT(result == 0);
}

/* ---- Forks */

atomic_uint stele__fork_count;
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

static void count_fork(void)
{
    /* In the child there is only this thread. */
    atomic_fetch_add_explicit(&stele__fork_count, 1, memory_order_relaxed);
}

static void register_fork_handler(void)
{
    /* Without memory for the handler, a store used after fork() goes undetected; nothing else
     * depends on it. */
    (void)pthread_atfork(NULL, NULL, count_fork);
}

void stele__fork_watch(void)
{
    (void)pthread_once(&fork_once, register_fork_handler);
}

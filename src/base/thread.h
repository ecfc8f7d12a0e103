/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads, locks and conditions over pthreads. (Not <threads.h>: correctly locked programs crash
 * with it under ThreadSanitizer here.) Locks have ranks: in debug builds, taking a lock while
 * holding one of the same or a higher rank stops the process.
 */
#ifndef STELE_BASE_THREAD_H
#define STELE_BASE_THREAD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct stele__mutex {
    pthread_mutex_t mutex;
    unsigned rank;
} stele__mutex;

/* rank > 0. Returns 0 or an errno. */
int stele__mutex_init(stele__mutex *mutex, unsigned rank) __attribute__((warn_unused_result));
void stele__mutex_done(stele__mutex *mutex);
void stele__lock(stele__mutex *mutex);
bool stele__try_lock(stele__mutex *mutex);
void stele__unlock(stele__mutex *mutex);

typedef struct stele__condition {
    pthread_cond_t condition; /* on CLOCK_MONOTONIC */
} stele__condition;

int stele__condition_init(stele__condition *condition) __attribute__((warn_unused_result));
void stele__condition_done(stele__condition *condition);
void stele__condition_wake_one(stele__condition *condition);
void stele__condition_wake_all(stele__condition *condition);
/* Waits with the mutex held. timeout in ns, negative: for ever. False: the time has passed. May
 * return true spuriously. */
bool stele__condition_wait(stele__condition *condition, stele__mutex *mutex, int64_t timeout);

typedef struct stele__thread {
    pthread_t thread;
} stele__thread;

/* Starts a thread with all signals blocked. Returns 0 or an errno. `name` is at most 15 bytes. */
int stele__thread_start(stele__thread *thread, const char *name, void (*run)(void *context),
                        void *context) __attribute__((warn_unused_result));
void stele__thread_join(stele__thread *thread);

/* Begins to count forks; whoever remembers a generation calls it first. */
void stele__fork_watch(void);

extern atomic_uint stele__fork_count __attribute__((visibility("hidden")));

/* Grows by one in every child of fork(): compare with the value at opening to learn that this is
 * not the same process. */
static inline uint32_t stele__fork_generation(void)
{
    return (uint32_t)atomic_load_explicit(&stele__fork_count, memory_order_relaxed);
}

#endif

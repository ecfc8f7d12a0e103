/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Group commit for systems without one that is worth the name: writers queue their events, one
 * thread puts what it finds queued into one transaction and wakes each writer by a semaphore of its
 * own. For each peer this was measured to be faster than its own way of many committing threads.
 */
#include "bench.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

typedef struct queued {
    bench_event event;
    int64_t start;
    sem_t done;
    struct queued *next;
} queued;

typedef struct queue {
    const bench_system *system;
    void *handle;
    bench_window window;
    pthread_mutex_t lock;
    pthread_cond_t some_queued;
    pthread_cond_t some_free;
    queued *first;
    queued **last;
    queued *free; /* asynchronous: those that may be filled */
    bool is_asynchronous;
    bool is_ending;
    bench_histogram times;
    bench_event batch[BENCH_BATCH_MAX];
    queued *taken[BENCH_BATCH_MAX];
    queued items[BENCH_BATCH_MAX];
} queue;

/* Answers how many were taken; 0: it is over. */
static size_t take(queue *all)
{
    size_t count = 0;

    (void)pthread_mutex_lock(&all->lock);
    while (!all->first && !all->is_ending) {
        (void)pthread_cond_wait(&all->some_queued, &all->lock);
    }
    for (; all->first && count < BENCH_BATCH_MAX; all->first = all->first->next) {
        all->taken[count] = all->first;
        all->batch[count++] = all->first->event;
    }
    if (!all->first) {
        all->last = &all->first;
    }
    (void)pthread_mutex_unlock(&all->lock);
    return count;
}

static void give_back(queue *all, size_t count)
{
    const int64_t now = bench_now();

    (void)pthread_mutex_lock(&all->lock);
    for (size_t i = 0; i < count; i++) {
        queued *item = all->taken[i];
        if (item->start >= all->window.start && now <= all->window.end) {
            bench_note(&all->times, now - item->start);
        }
        item->next = all->free;
        all->free = item;
    }
    (void)pthread_cond_signal(&all->some_free);
    (void)pthread_mutex_unlock(&all->lock);
}

static void *commit_all(void *context)
{
    queue *all = context;
    size_t count;

    while ((count = take(all)) > 0) {
        all->system->append(all->handle, all->batch, count);
        if (all->is_asynchronous) {
            give_back(all, count);
            continue;
        }
        for (size_t i = 0; i < count; i++) {
            (void)sem_post(&all->taken[i]->done);
        }
    }
    return NULL;
}

static void push(queue *all, queued *item)
{
    item->next = NULL;
    *all->last = item;
    all->last = &item->next;
}

static void append_queued(void *context, uint32_t writer, const bench_event *events, size_t count)
{
    queue *all = context;
    queued *item = &all->items[writer];

    (void)count;
    item->event = events[0];
    (void)pthread_mutex_lock(&all->lock);
    push(all, item);
    (void)pthread_cond_signal(&all->some_queued);
    (void)pthread_mutex_unlock(&all->lock);
    while (sem_wait(&item->done) != 0) {
    }
}

static queue *queue_new(const bench_run *run, void *handle, pthread_t *ret_committer)
{
    queue *all = bench_allocate(sizeof *all);

    all->system = run->system;
    all->handle = handle;
    all->is_asynchronous = run->workload->kind == BENCH_ASYNC;
    all->last = &all->first;
    (void)pthread_mutex_init(&all->lock, NULL);
    (void)pthread_cond_init(&all->some_queued, NULL);
    (void)pthread_cond_init(&all->some_free, NULL);
    for (uint32_t i = 0; i < run->workload->writers; i++) {
        (void)sem_init(&all->items[i].done, 0, 0);
        all->items[i].next = all->free;
        all->free = &all->items[i];
    }
    if (pthread_create(ret_committer, NULL, commit_all, all) != 0) {
        bench_die("cannot start a thread");
    }
    return all;
}

static void queue_end(queue *all, pthread_t committer)
{
    (void)pthread_mutex_lock(&all->lock);
    all->is_ending = true;
    (void)pthread_cond_signal(&all->some_queued);
    (void)pthread_mutex_unlock(&all->lock);
    (void)pthread_join(committer, NULL);
    free(all);
}

void bench_run_queue(const bench_run *run, void *handle, bench_result *ret_result)
{
    pthread_t committer;
    queue *all = queue_new(run, handle, &committer);

    bench_run_writers(run, append_queued, all, ret_result);
    queue_end(all, committer);
}

/* Fills everything that is free; waits until something is. */
static void submit_some(queue *all, bench_source *source)
{
    queued *items;
    queued *item;

    (void)pthread_mutex_lock(&all->lock);
    while (!all->free) {
        (void)pthread_cond_wait(&all->some_free, &all->lock);
    }
    items = all->free;
    all->free = NULL;
    (void)pthread_mutex_unlock(&all->lock);
    for (item = items; item; item = item->next) {
        bench_source_next(source, &item->event);
        item->start = bench_now();
    }
    (void)pthread_mutex_lock(&all->lock);
    while (items) {
        item = items;
        items = item->next;
        push(all, item);
    }
    (void)pthread_cond_signal(&all->some_queued);
    (void)pthread_mutex_unlock(&all->lock);
}

void bench_run_queue_async(const bench_run *run, void *handle, bench_result *ret_result)
{
    int64_t *revisions = bench_revisions_new();
    const double cpu = bench_cpu_seconds();
    pthread_t committer;
    bench_source source;
    queue *all = queue_new(run, handle, &committer);

    bench_source_init(&source, revisions, 0, 1);
    all->window = bench_window_open(run->seconds);
    while (bench_now() < all->window.end) {
        submit_some(all, &source);
    }
    bench_finish(&all->times, 1, run->seconds, ret_result);
    ret_result->cpu_us = (bench_cpu_seconds() - cpu) * 1e6 / (double)source.made;
    ret_result->rss_bytes = bench_private_bytes();
    queue_end(all, committer);
    free(revisions);
}

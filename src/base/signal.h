/* SPDX-License-Identifier: Apache-2.0 */
/* A thing that one thread waits for and another raises, once or again: the cheapest way to wake a
 * known thread. It may live on the waiter's stack and go away as soon as the wait has returned. */
#ifndef STELE_BASE_SIGNAL_H
#define STELE_BASE_SIGNAL_H

#include <semaphore.h>

typedef struct stele__signal {
    sem_t semaphore;
} stele__signal;

void stele__signal_init(stele__signal *signal);
void stele__signal_done(stele__signal *signal);
void stele__signal_raise(stele__signal *signal);
/* Returns once for each time it was raised. */
void stele__signal_wait(stele__signal *signal);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Signals between threads, made of POSIX semaphores: with glibc a raise touches nothing after it
 * has let the waiter go. */
#include "base/signal.h"

#include "base/assert.h"

#include <errno.h>

void stele__signal_init(stele__signal *signal)
{
    const int failed = sem_init(&signal->semaphore, 0, 0);
    STELE_ASSERT(failed == 0);
}

void stele__signal_done(stele__signal *signal)
{
    (void)sem_destroy(&signal->semaphore);
}

void stele__signal_raise(stele__signal *signal)
{
    const int failed = sem_post(&signal->semaphore);
    STELE_ASSERT(failed == 0);
}

void stele__signal_wait(stele__signal *signal)
{
    while (sem_wait(&signal->semaphore) != 0) {
        STELE_ASSERT(errno == EINTR);
    }
}

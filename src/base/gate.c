/* SPDX-License-Identifier: Apache-2.0 */
/* Gates between the threads of a process: a futex, the private kind. */
#define _GNU_SOURCE
#include "base/gate.h"

#include "base/assert.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

_Static_assert(sizeof(stele__gate) == sizeof(uint32_t), "the kernel looks at 32 bits");

static void open_for(stele__gate *gate, int count)
{
    atomic_fetch_add_explicit(&gate->openings, 1, memory_order_release);
    const long woken =
        syscall(SYS_futex, &gate->openings, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
    STELE_ASSERT(woken >= 0);
}

void stele__gate_open(stele__gate *gate)
{
    open_for(gate, INT_MAX);
}

void stele__gate_open_for_one(stele__gate *gate)
{
    open_for(gate, 1);
}

void stele__gate_wait(stele__gate *gate, uint32_t seen)
{
    const long result =
        syscall(SYS_futex, &gate->openings, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
    STELE_ASSERT(result == 0 || errno == EAGAIN || errno == EINTR);
}

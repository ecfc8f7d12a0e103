/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A gate before which many threads wait for something to happen, whatever it is: they look at the
 * gate, then at what they wait for, and wait only if nobody has opened the gate since they looked.
 * Opening it lets all of them through with one system call, and they do not meet again at a lock:
 * a processor that sleeps is woken once for all of them.
 */
#ifndef STELE_BASE_GATE_H
#define STELE_BASE_GATE_H

#include <stdatomic.h>
#include <stdint.h>

/* Zero-initialise. It must outlive everybody who waits. */
typedef struct stele__gate {
    _Atomic uint32_t openings;
} stele__gate;

/* What stele__gate_wait() wants to be told. Whoever sees an opening sees what was written before.
 */
static inline uint32_t stele__gate_look(const stele__gate *gate)
{
    return atomic_load_explicit(&gate->openings, memory_order_acquire);
}

/* Lets everybody through who looked before. */
void stele__gate_open(stele__gate *gate);
/* The same, but of those who sleep already only one is woken. */
void stele__gate_open_for_one(stele__gate *gate);
/* Waits until the gate was opened since the look; sometimes not so long. */
void stele__gate_wait(stele__gate *gate, uint32_t seen);

#endif

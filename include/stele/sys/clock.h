/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file stele/sys/clock.h
 * @brief For those who extend Stele: time and randomness, as a table, so that a simulator can be both.
 */
#ifndef STELE_SYS_CLOCK_H
#define STELE_SYS_CLOCK_H

#include "../types.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A clock, given in stele_options.clock; must outlive the store. Its functions cannot fail, and must be callable from
 * any thread. They must not call back into the store. */
typedef struct stele_clock {
    void *context;
    /** Wall clock. May jump. */
    stele_time (*now)(void *context);
    /** Nanoseconds since some moment; never goes back; goes on while the wall clock is set. */
    int64_t (*monotonic)(void *context);
    /** Fills with unpredictable bytes: event ids, store ids, the seed of hashes. */
    void (*entropy)(void *context, void *ret_bytes, size_t size);
    /** 16 bytes that change when the machine restarts and only then: tells a crash of the process from one of the
     * machine. */
    void (*boot_id)(void *context, uint8_t ret_id[16]);
} stele_clock;

/** The operating system's. Static: never to be freed. Any thread. */
STELE_API const stele_clock *stele_clock_system(void);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The operating system's clocks and randomness as a table. */
#define _GNU_SOURCE
#include "os/os.h"

#include "base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define NANOSECONDS INT64_C(1000000000)

static int64_t read_clock(clockid_t kind)
{
    struct timespec time;
    const int result = clock_gettime(kind, &time);

    STELE_ASSERT(result == 0);
    return (int64_t)time.tv_sec * NANOSECONDS + (int64_t)time.tv_nsec;
}

static stele_time tell_time(void *context)
{
    (void)context;
    return read_clock(CLOCK_REALTIME);
}

/* The clock that goes on while the machine sleeps: with the other one, a night in suspend would
 * look as if somebody had set the wall clock hours ahead. */
static int64_t tell_monotonic(void *context)
{
    (void)context;
#ifdef CLOCK_BOOTTIME
    return read_clock(CLOCK_BOOTTIME);
#else
    return read_clock(CLOCK_MONOTONIC);
#endif
}

/* ---- Randomness. Ids take 10 to 16 bytes for every event, and the system call costs more than
 * everything else about an id, so each thread draws a supply. A child made by fork() must not use
 * the parent's, or both would hand out the same ids. */

#define SUPPLY_SIZE 512

typedef struct entropy_supply {
    uint8_t bytes[SUPPLY_SIZE];
    size_t left;
    uint32_t fork_generation;
} entropy_supply;

static _Thread_local entropy_supply supply;

static void draw_entropy(uint8_t *ret_bytes, size_t size)
{
    while (size > 0) {
        const ssize_t count = getrandom(ret_bytes, size, 0);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        /* There is no honest answer without it. */
        STELE_ASSERT(count > 0);
        ret_bytes += count;
        size -= (size_t)count;
    }
}

static void give_entropy(void *context, void *ret_bytes, size_t size)
{
    stele__fork_watch();
    const uint32_t generation = stele__fork_generation();
    uint8_t *from;

    (void)context;
    if (size > SUPPLY_SIZE / 8) {
        draw_entropy((uint8_t *)ret_bytes, size);
        return;
    }
    if (supply.left < size || supply.fork_generation != generation) {
        draw_entropy(supply.bytes, sizeof supply.bytes);
        supply.left = sizeof supply.bytes;
        supply.fork_generation = generation;
    }
    from = supply.bytes + sizeof supply.bytes - supply.left;
    memcpy(ret_bytes, from, size);
    memset(from, 0, size); /* handed out once, and not to be found in memory afterwards */
    supply.left -= size;
}

/* ---- The id of this start of the machine */

static bool read_boot_id(stele_uuid *ret_id)
{
    char text[STELE_UUID_TEXT_SIZE - 1];
    const int descriptor = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t count;

    if (descriptor < 0) {
        return false;
    }
    do {
        count = read(descriptor, text, sizeof text);
    } while (count < 0 && errno == EINTR);
    (void)close(descriptor);
    return count == (ssize_t)sizeof text && stele_uuid_parse(text, sizeof text, ret_id) == 0;
}

static void tell_boot_id(void *context, uint8_t ret_id[16])
{
    stele_uuid id;

    if (!read_boot_id(&id)) {
        /* Without /proc each opening counts as the first after a restart, which errs on the safe
         * side: what was not synced is taken for lost. */
        give_entropy(context, id.bytes, sizeof id.bytes);
    }
    memcpy(ret_id, id.bytes, sizeof id.bytes);
}

const stele_clock *stele_clock_system(void)
{
    static const stele_clock clock = {NULL, tell_time, tell_monotonic, give_entropy, tell_boot_id};
    return &clock;
}

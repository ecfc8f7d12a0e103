/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for a word in shared memory to change, between processes. The futex is the shared kind:
 * the private one would not see waiters of other processes. */
#define _GNU_SOURCE
#include "os/posix.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int stele__os_wait(const stele_vfs *vfs, uint32_t *word, uint32_t expected, int64_t timeout)
{
    struct timespec span;
    long result;

    (void)vfs;
    if (timeout >= 0) {
        span.tv_sec = (time_t)(timeout / 1000000000);
        span.tv_nsec = (long)(timeout % 1000000000);
    }
    result = syscall(SYS_futex, word, FUTEX_WAIT, expected, timeout >= 0 ? &span : NULL, NULL, 0);
    if (result == 0 || errno == EAGAIN || errno == EINTR) {
        return 0;
    }
    return errno == ENOSYS ? ENOTSUP : errno;
}

void stele__os_wake(const stele_vfs *vfs, uint32_t *word)
{
    (void)vfs;
    (void)syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

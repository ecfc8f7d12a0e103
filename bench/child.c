/* SPDX-License-Identifier: Apache-2.0 */
/* A run in a process of its own, and what a process can tell of itself. */
#include "bench.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void bench_die(const char *format, ...)
{
    va_list arguments;

    (void)fputs("bench: ", stderr);
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fputc('\n', stderr);
    (void)fflush(stderr);
    /* Without the handlers of libraries, whose threads may be anywhere. */
    _exit(1);
}

void *bench_allocate(size_t size)
{
    void *memory = calloc(1, size ? size : 1);

    if (!memory) {
        bench_die("out of memory");
    }
    return memory;
}

int64_t bench_now(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

double bench_cpu_seconds(void)
{
    struct timespec used;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

double bench_private_bytes(void)
{
    FILE *file = fopen("/proc/self/status", "re");
    char line[256];
    unsigned long long kilobytes = 0;

    while (file && fgets(line, sizeof line, file)) {
        if (sscanf(line, "RssAnon: %llu kB", &kilobytes) == 1) {
            break;
        }
    }
    if (file) {
        (void)fclose(file);
    }
    return (double)kilobytes * 1024;
}

/* True: all of it was read. */
static bool read_result(int descriptor, bench_result *ret_result)
{
    char *at = (char *)ret_result;
    size_t missing = sizeof *ret_result;

    while (missing > 0) {
        const ssize_t got = read(descriptor, at, missing);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return false;
        }
        at += got;
        missing -= (size_t)got;
    }
    return true;
}

bool bench_in_child(void (*body)(const bench_run *run, bench_result *ret_result),
                    const bench_run *run, bench_result *ret_result)
{
    bench_result result = {0};
    int ends[2];
    pid_t child;
    bool is_complete;
    int outcome = 0;

    (void)fflush(NULL);
    if (pipe(ends) != 0 || (child = fork()) < 0) {
        bench_die("cannot start a process: %s", strerror(errno));
    }
    if (child == 0) {
        (void)close(ends[0]);
        /* Only the parent tidies up when it is interrupted. */
        (void)sigaction(SIGINT, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
        (void)sigaction(SIGTERM, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
        body(run, &result);
        if (write(ends[1], &result, sizeof result) != (ssize_t)sizeof result) {
            bench_die("cannot report a result: %s", strerror(errno));
        }
        _exit(0);
    }
    (void)close(ends[1]);
    is_complete = read_result(ends[0], &result);
    (void)close(ends[0]);
    while (waitpid(child, &outcome, 0) < 0 && errno == EINTR) {
    }
    if (!is_complete || !WIFEXITED(outcome) || WEXITSTATUS(outcome) != 0) {
        return false;
    }
    *ret_result = result;
    return true;
}

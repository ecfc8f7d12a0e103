/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the machine gives without any store. F is plain fdatasync calls a second, 512 bytes each
 * over blocks that were written before: no durable append of one writer can be faster without
 * sharing flushes. The two others tell whether rawlog deserves to be called a floor: a loop of
 * write() calls and adding up a mapped file.
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FLUSH_FILE_SIZE ((off_t)16 << 20)
#define FLUSH_SIZE 512
#define WRITE_FILE_SIZE ((off_t)128 << 20)

static int flush_file = -1;
static off_t flush_at;

static int written_file(const char *folder, const char *name, off_t size)
{
    static char zeros[1 << 20];
    char path[4096];
    int file;

    bench_join(path, sizeof path, folder, name);
    file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (file < 0) {
        bench_die("cannot create %s: %s", path, strerror(errno));
    }
    for (off_t at = 0; at < size; at += (off_t)sizeof zeros) {
        if (pwrite(file, zeros, sizeof zeros, at) != (ssize_t)sizeof zeros) {
            bench_die("cannot write %s: %s", path, strerror(errno));
        }
    }
    if (fsync(file) != 0) {
        bench_die("cannot flush %s: %s", path, strerror(errno));
    }
    return file;
}

void bench_floor_prepare(const char *folder)
{
    flush_file = written_file(folder, "flushes", FLUSH_FILE_SIZE);
}

double bench_floor_flushes(double seconds, bench_histogram *ret_times)
{
    const int64_t start = bench_now();
    const int64_t end = start + (int64_t)(seconds * 1e9);
    char block[FLUSH_SIZE];
    int64_t before = start;
    uint64_t count = 0;

    memset(block, 'f', sizeof block);
    while (before < end) {
        if (pwrite(flush_file, block, sizeof block, flush_at) != (ssize_t)sizeof block ||
            fdatasync(flush_file) != 0) {
            bench_die("cannot write and flush: %s", strerror(errno));
        }
        flush_at = (flush_at + FLUSH_SIZE) % FLUSH_FILE_SIZE;
        count++;
        const int64_t after = bench_now();
        bench_note(ret_times, after - before);
        before = after;
    }
    return (double)count / ((double)(before - start) / 1e9);
}

double bench_floor_writes(const char *folder, double seconds)
{
    static int file = -1;

    if (file < 0) {
        file = written_file(folder, "writes", WRITE_FILE_SIZE);
    }
    const int64_t start = bench_now();
    const int64_t end = start + (int64_t)(seconds * 1e9);
    char block[FLUSH_SIZE];
    uint64_t count = 0;
    int64_t now = start;

    memset(block, 'w', sizeof block);
    for (off_t at = 0; now < end; at = (at + FLUSH_SIZE) % WRITE_FILE_SIZE) {
        if (pwrite(file, block, sizeof block, at) != (ssize_t)sizeof block) {
            bench_die("cannot write: %s", strerror(errno));
        }
        count++;
        now = bench_now();
    }
    return (double)count / ((double)(now - start) / 1e9);
}

double bench_floor_sum(const char *file, double seconds)
{
    const int descriptor = open(file, O_RDONLY | O_CLOEXEC);
    struct stat facts;
    const uint64_t *words;
    size_t word_count;
    double bytes = 0;
    int64_t start;
    int64_t now;

    if (descriptor < 0 || fstat(descriptor, &facts) != 0 || facts.st_size < 64) {
        bench_die("cannot read %s: %s", file, strerror(errno));
    }
    words = mmap(NULL, (size_t)facts.st_size, PROT_READ, MAP_SHARED | MAP_POPULATE, descriptor, 0);
    if (words == MAP_FAILED) {
        bench_die("cannot map %s: %s", file, strerror(errno));
    }
    word_count = (size_t)facts.st_size / 8 & ~(size_t)3;
    start = now = bench_now();
    while ((double)(now - start) < seconds * 1e9) {
        uint64_t sum[4] = {0};
        for (size_t i = 0; i < word_count; i += 4) {
            sum[0] += words[i];
            sum[1] += words[i + 1];
            sum[2] += words[i + 2];
            sum[3] += words[i + 3];
        }
        bench_seen += sum[0] + sum[1] + sum[2] + sum[3];
        bytes += (double)facts.st_size;
        now = bench_now();
    }
    (void)munmap((void *)(uintptr_t)words, (size_t)facts.st_size);
    (void)close(descriptor);
    return bytes / ((double)(now - start) / 1e9);
}

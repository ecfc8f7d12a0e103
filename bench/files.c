/* SPDX-License-Identifier: Apache-2.0 */
/* Folders and files of the benchmark: making, copying, measuring and removing them. */
#include "bench.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 4096
#define COPY_SIZE ((size_t)1 << 20)

void bench_join(char *ret_path, size_t size, const char *folder, const char *name)
{
    const int used = snprintf(ret_path, size, "%s/%s", folder, name);

    if (used < 0 || (size_t)used >= size) {
        bench_die("the path %s/%s is too long", folder, name);
    }
}

void bench_make_folder(const char *folder)
{
    if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
        bench_die("cannot create the folder %s: %s", folder, strerror(errno));
    }
}

/* Calls `visit` for every entry but "." and "..". */
static void for_each(const char *folder,
                     void (*visit)(const char *path, const char *name, void *context),
                     void *context)
{
    DIR *entries = opendir(folder);
    const struct dirent *entry;
    char path[PATH_SIZE];

    if (!entries) {
        return;
    }
    while ((entry = readdir(entries))) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            bench_join(path, sizeof path, folder, entry->d_name);
            visit(path, entry->d_name, context);
        }
    }
    (void)closedir(entries);
}

static bool is_folder(const char *path)
{
    struct stat facts;

    return lstat(path, &facts) == 0 && S_ISDIR(facts.st_mode);
}

static void remove_one(const char *path, const char *name, void *context)
{
    (void)name;
    (void)context;
    if (is_folder(path)) {
        bench_remove(path);
    } else {
        (void)unlink(path);
    }
}

void bench_remove(const char *folder)
{
    for_each(folder, remove_one, NULL);
    (void)rmdir(folder);
}

static void copy_file(const char *from, const char *to)
{
    const int source = open(from, O_RDONLY | O_CLOEXEC);
    const int target = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    char *buffer = bench_allocate(COPY_SIZE);
    ssize_t got;

    if (source < 0 || target < 0) {
        bench_die("cannot copy %s to %s: %s", from, to, strerror(errno));
    }
    while ((got = read(source, buffer, COPY_SIZE)) > 0) {
        if (write(target, buffer, (size_t)got) != got) {
            bench_die("cannot write %s: %s", to, strerror(errno));
        }
    }
    if (got < 0 || close(target) != 0) {
        bench_die("cannot copy %s to %s: %s", from, to, strerror(errno));
    }
    (void)close(source);
    free(buffer);
}

static void copy_one(const char *path, const char *name, void *context)
{
    char target[PATH_SIZE];

    bench_join(target, sizeof target, context, name);
    if (is_folder(path)) {
        bench_copy(path, target);
    } else {
        copy_file(path, target);
    }
}

void bench_copy(const char *from, const char *to)
{
    char target[PATH_SIZE];

    bench_join(target, sizeof target, to, ".");
    bench_make_folder(to);
    for_each(from, copy_one, target);
}

typedef struct folder_sum {
    const bench_system *system;
    double bytes;
} folder_sum;

static void add_one(const char *path, const char *name, void *context)
{
    folder_sum *sum = context;
    struct stat facts;

    if (is_folder(path)) {
        sum->bytes += bench_folder_bytes(sum->system, path);
    } else if (lstat(path, &facts) == 0 &&
               !(sum->system->is_overhead && sum->system->is_overhead(name))) {
        sum->bytes += (double)facts.st_blocks * 512;
    }
}

double bench_folder_bytes(const bench_system *system, const char *folder)
{
    folder_sum sum = {.system = system};

    for_each(folder, add_one, &sum);
    return sum.bytes;
}

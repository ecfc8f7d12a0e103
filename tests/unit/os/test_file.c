/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the operating system: opening, bytes, sizes, space. */
#define _GNU_SOURCE
#include "base/base.h"
#include "os/os.h"
#include "os/posix.h"
#include "support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NEW_FILE (STELE_FILE_WRITE | STELE_FILE_CREATE)

static stele_file *open_new(void)
{
    const stele_vfs *vfs = stele_vfs_system();
    stele_file *file = NULL;

    expect_int(vfs->open(vfs, test_path(test_folder(), "file"), NEW_FILE, &file), 0);
    expect_true(file->vfs == vfs);
    return file;
}

/* A new file whose descriptor leads to a device: those cannot be opened. */
static stele_file *open_device(const char *device)
{
    const int descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC);
    const int there = open(device, O_RDWR | O_CLOEXEC);
    stele_file *file;

    expect_true(descriptor >= 0 && there >= 0);
    (void)close(descriptor);
    file = open_new(); /* takes the lowest number that is free */
    expect_int(dup2(there, descriptor), descriptor);
    (void)close(there);
    return file;
}

static void expect_content(stele_file *file, uint64_t offset, const char *bytes, size_t size)
{
    char found[256];
    size_t count = 0;

    expect_int(file->vfs->read(file, offset, found, sizeof found, &count), 0);
    expect_bytes(found, count, bytes, size);
}

/* ---- Opening */

TEST(a_missing_file_is_not_made_without_being_asked)
{
    const stele_vfs *vfs = stele_vfs_system();
    const char *path = test_path(test_folder(), "file");
    stele_file *file = NULL;

    expect_int(vfs->open(vfs, path, STELE_FILE_READ, &file), ENOENT);
    expect_int(vfs->open(vfs, path, STELE_FILE_WRITE, &file), ENOENT);
    expect_int(vfs->open(vfs, path, STELE_FILE_CREATE, &file),
               ENOENT); /* only together with WRITE */
    expect_null(file);
}

TEST(exclusive_creation_refuses_what_exists)
{
    const stele_vfs *vfs = stele_vfs_system();
    const char *path = test_path(test_folder(), "file");
    stele_file *file = NULL;

    expect_int(vfs->open(vfs, path, NEW_FILE | STELE_FILE_EXCLUSIVE, &file), 0);
    vfs->close(file);
    expect_int(vfs->open(vfs, path, NEW_FILE | STELE_FILE_EXCLUSIVE, &file), EEXIST);
    expect_int(vfs->open(vfs, path, NEW_FILE, &file), 0);
    vfs->close(file);
    vfs->close(NULL);
}

TEST(a_file_opened_for_reading_cannot_be_written)
{
    const stele_vfs *vfs = stele_vfs_system();
    const char *path = test_path(test_folder(), "file");
    stele_file *file = NULL;

    expect_int(vfs->open(vfs, path, NEW_FILE, &file), 0);
    vfs->close(file);
    expect_int(vfs->open(vfs, path, STELE_FILE_READ, &file), 0);
    expect_int(vfs->write(file, 0, "x", 1), EBADF);
    vfs->close(file);
}

static void expect_refused(const char *path, int error)
{
    const stele_vfs *vfs = stele_vfs_system();
    stele_file *file = NULL;

    expect_int(vfs->open(vfs, path, STELE_FILE_READ, &file), error);
    expect_int(vfs->open(vfs, path, STELE_FILE_WRITE, &file), error);
    expect_int(vfs->open(vfs, path, NEW_FILE, &file), error);
    expect_null(file);
}

TEST_WITHIN(what_is_not_a_regular_file_is_refused_at_once, 5)
{
    const char *folder = test_folder();
    const char *pipe_path = test_path(folder, "pipe");
    const char *link_path = test_path(folder, "link");

    expect_int(mkfifo(pipe_path, 0600), 0);
    expect_refused(pipe_path, ESPIPE);
    expect_int(symlink(pipe_path, link_path), 0);
    expect_refused(link_path, ESPIPE);
    expect_refused("/dev/null", ESPIPE);
    expect_refused(folder, EISDIR);
}

TEST(a_link_to_a_regular_file_is_as_good_as_the_file)
{
    const stele_vfs *vfs = stele_vfs_system();
    const char *folder = test_folder();
    stele_file *file = NULL;

    expect_int(symlink("file", test_path(folder, "link")), 0);
    expect_int(vfs->open(vfs, test_path(folder, "link"), NEW_FILE, &file), 0);
    expect_int(vfs->write(file, 0, "x", 1), 0);
    vfs->close(file);
    expect_int(vfs->open(vfs, test_path(folder, "file"), STELE_FILE_READ, &file), 0);
    expect_content(file, 0, "x", 1);
    vfs->close(file);
}

/* Such a flag could make a file system answer that it would have to wait. */
TEST(descriptors_of_files_are_blocking)
{
    const int descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC);
    stele_file *file;

    (void)close(descriptor);
    file = open_new();
    expect_int(fcntl(descriptor, F_GETFL) & O_NONBLOCK, 0);
    expect_int(fcntl(descriptor, F_GETFL) & O_ACCMODE, O_RDWR);
    file->vfs->close(file);
}

static void ignore_signal(int number)
{
    (void)number;
}

/* Another program's lease is waited for, as by every open(): it has some seconds to give it up. */
TEST(a_lease_on_a_file_is_waited_for)
{
    const char *path = test_path(test_folder(), "file");
    const stele_vfs *vfs = stele_vfs_system();
    const struct sigaction action = {.sa_handler = ignore_signal};
    stele_file *file = NULL;
    int ready[2];
    char byte;

    expect_int(vfs->open(vfs, path, NEW_FILE, &file), 0);
    vfs->close(file);
    expect_int(pipe(ready), 0);
    const pid_t child = fork();
    expect_true(child >= 0);
    if (child == 0) {
        sigset_t signals;
        const int descriptor = open(path, O_RDWR);
        int number;
        (void)sigaction(SIGIO, &action, NULL);
        (void)sigemptyset(&signals);
        (void)sigaddset(&signals, SIGIO);
        (void)sigprocmask(SIG_BLOCK, &signals, NULL);
        const bool has_lease = fcntl(descriptor, F_SETLEASE, F_WRLCK) == 0;
        if (write(ready[1], has_lease ? "y" : "n", 1) == 1 && has_lease) {
            (void)sigwait(&signals, &number);
            (void)usleep(50000);
            (void)fcntl(descriptor, F_SETLEASE, F_UNLCK);
        }
        _exit(0);
    }
    expect_int(read(ready[0], &byte, 1), 1);
    if (byte == 'n') {
        test_note("there are no leases here");
    } else {
        expect_int(vfs->open(vfs, path, STELE_FILE_WRITE, &file), 0);
        vfs->close(file);
    }
    expect_int(waitpid(child, NULL, 0), child);
}

TEST(descriptors_are_closed_on_exec)
{
    stele_file *file = open_new();
    int found = 0;

    for (int descriptor = 3; descriptor < 64; descriptor++) {
        struct stat status;
        if (fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) && status.st_size == 0 &&
            status.st_nlink == 1) {
            const int flags = fcntl(descriptor, F_GETFD);
            uint64_t size = 1;
            expect_int(file->vfs->size(file, &size), 0);
            if (size == 0 && flags >= 0 && flags & FD_CLOEXEC) {
                found++;
            }
        }
    }
    expect_true(found >= 1);
    file->vfs->close(file);
}

TEST(new_files_have_the_mode_that_the_umask_leaves)
{
    const stele_vfs *vfs = stele_vfs_system();
    const char *path = test_path(test_folder(), "file");
    stele_file *file = NULL;
    struct stat status;

    (void)umask(027);
    expect_int(vfs->open(vfs, path, NEW_FILE, &file), 0);
    vfs->close(file);
    expect_int(stat(path, &status), 0);
    expect_uint(status.st_mode & 0777, 0640);
}

TEST(too_many_open_files_are_told)
{
    const stele_vfs *vfs = stele_vfs_system();
    const char *path = test_path(test_folder(), "file");
    stele_file *files[64] = {NULL};
    struct rlimit limit = {40, 40};
    int error = 0;
    size_t count = 0;

    expect_int(setrlimit(RLIMIT_NOFILE, &limit), 0);
    while (error == 0 && count < 64) {
        error = vfs->open(vfs, path, NEW_FILE, &files[count]);
        count += error == 0;
    }
    expect_int(error, EMFILE);
    while (count > 0) {
        vfs->close(files[--count]);
    }
}

/* ---- Bytes */

TEST(bytes_come_back_from_where_they_were_written)
{
    stele_file *file = open_new();
    size_t count = 7;

    expect_int(file->vfs->write(file, 3, "hello", 5), 0);
    expect_content(file, 0, "\0\0\0hello", 8);
    expect_content(file, 3, "hello", 5);
    expect_content(file, 6, "lo", 2);
    expect_content(file, 8, "", 0);
    expect_content(file, 1000, "", 0);
    expect_int(file->vfs->write(file, 100, "", 0), 0);
    expect_int(file->vfs->read(file, 0, NULL, 0, &count), 0);
    expect_uint(count, 0);
    expect_content(file, 0, "\0\0\0hello", 8);
    file->vfs->close(file);
}

TEST(large_pieces_are_written_and_read_whole)
{
    const size_t size = (size_t)5 << 20;
    stele_file *file = open_new();
    uint8_t *bytes = (uint8_t *)stele__allocate(stele_alloc_default(), size);
    uint8_t *back = (uint8_t *)stele__allocate(stele_alloc_default(), size + 10);
    stele__prng prng;
    size_t count = 0;

    stele__prng_seed(&prng, test_seed());
    stele__prng_fill(&prng, bytes, size);
    expect_int(file->vfs->write(file, 0, bytes, size), 0);
    expect_int(file->vfs->read(file, 0, back, size + 10, &count), 0);
    expect_bytes(back, count, bytes, size);
    file->vfs->close(file);
    stele__release(stele_alloc_default(), bytes, size);
    stele__release(stele_alloc_default(), back, size + 10);
}

TEST(places_beyond_what_files_can_have_are_refused)
{
    stele_file *file = open_new();
    size_t count;
    char byte;

    expect_int(file->vfs->write(file, UINT64_MAX, "x", 1), EFBIG);
    expect_int(file->vfs->write(file, INT64_MAX, "x", 1), EFBIG);
    expect_int(file->vfs->truncate(file, UINT64_MAX), EFBIG);
    expect_int(file->vfs->allocate(file, UINT64_MAX), EFBIG);
    expect_int(file->vfs->read(file, UINT64_MAX, &byte, 1, &count), EOVERFLOW);
    file->vfs->close(file);
}

TEST(a_file_that_may_not_grow_says_so)
{
    stele_file *file = open_new();
    struct rlimit limit = {1000, 1000};

    (void)signal(SIGXFSZ, SIG_IGN);
    expect_int(setrlimit(RLIMIT_FSIZE, &limit), 0);
    expect_int(file->vfs->write(file, 995, "0123456789", 10), EFBIG);
    expect_content(file, 990,
                   "\0\0\0\0\0"
                   "01234",
                   10); /* what fitted is there */
    expect_int(file->vfs->allocate(file, 2000), EFBIG);
    file->vfs->close(file);
}

TEST(a_full_device_says_so)
{
    stele_file *file;

    if (access("/dev/full", W_OK) != 0) {
        test_note("there is no /dev/full here");
        return;
    }
    file = open_device("/dev/full");
    expect_int(file->vfs->write(file, 0, "x", 1), ENOSPC);
    file->vfs->close(file);
}

TEST(sync_succeeds_on_a_file_and_tells_when_it_cannot)
{
    const stele_vfs *vfs = stele_vfs_system();
    stele_file *file = open_new();

    expect_int(vfs->write(file, 0, "x", 1), 0);
    expect_int(vfs->sync(file), 0);
    vfs->close(file);
    file = open_device("/dev/null");
    expect_int(vfs->sync(file), EINVAL);
    vfs->close(file);
}

/* ---- Sizes and space */

TEST(truncating_cuts_and_extends_with_zeroes)
{
    stele_file *file = open_new();
    uint64_t size = 1;

    expect_int(file->vfs->size(file, &size), 0);
    expect_uint(size, 0);
    expect_int(file->vfs->write(file, 0, "hello", 5), 0);
    expect_int(file->vfs->truncate(file, 2), 0);
    expect_int(file->vfs->truncate(file, 4), 0);
    expect_content(file, 0, "he\0\0", 4);
    expect_int(file->vfs->size(file, &size), 0);
    expect_uint(size, 4);
    file->vfs->close(file);
}

TEST(allocating_reserves_space_that_reads_as_zero)
{
    stele_file *file = open_new();
    uint64_t size = 0;
    uint64_t usage = 0;
    char bytes[16];
    size_t count = 0;

    expect_int(file->vfs->write(file, 0, "hello", 5), 0);
    expect_int(file->vfs->allocate(file, 1 << 20), 0);
    expect_int(file->vfs->size(file, &size), 0);
    expect_uint(size, 1 << 20);
    expect_int(file->vfs->disk_usage(file, &usage), 0);
    expect_true(usage >= 1 << 20);
    expect_content(file, (1 << 20) - 3, "\0\0\0", 3);
    expect_int(file->vfs->read(file, 0, bytes, sizeof bytes, &count), 0);
    expect_bytes(bytes, count, "hello\0\0\0\0\0\0\0\0\0\0\0", 16);
    expect_int(file->vfs->allocate(file, 100), 0); /* never makes a file smaller */
    expect_int(file->vfs->allocate(file, 0), 0);
    expect_int(file->vfs->size(file, &size), 0);
    expect_uint(size, 1 << 20);
    file->vfs->close(file);
}

TEST(where_nothing_can_be_reserved_zeroes_are_written)
{
    stele_file *file = open_new();
    uint64_t size = 0;

    expect_int(file->vfs->write(file, 0, "hello", 5), 0);
    expect_int(stele__os_fill(file, 200000), 0);
    expect_int(file->vfs->size(file, &size), 0);
    expect_uint(size, 200000);
    expect_content(file, 199998, "\0\0", 2);
    expect_int(stele__os_fill(file, 100), 0);
    expect_int(file->vfs->size(file, &size), 0);
    expect_uint(size, 200000);
    file->vfs->close(file);
}

TEST(what_was_filled_in_vain_is_given_back)
{
    stele_file *file = open_new();
    struct rlimit limit = {100000, 100000};
    uint64_t size = 0;

    (void)signal(SIGXFSZ, SIG_IGN);
    expect_int(setrlimit(RLIMIT_FSIZE, &limit), 0);
    expect_int(file->vfs->write(file, 0, "hello", 5), 0);
    expect_int(stele__os_fill(file, 200000), EFBIG);
    expect_int(file->vfs->size(file, &size), 0);
    expect_uint(size, 5);
    file->vfs->close(file);
}

TEST(usage_counts_blocks_not_holes)
{
    stele_file *file = open_new();
    uint64_t usage = 0;

    expect_int(file->vfs->truncate(file, 100 << 20), 0);
    expect_int(file->vfs->disk_usage(file, &usage), 0);
    expect_true(usage < 1 << 20);
    file->vfs->close(file);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Locks belong to handles: within one process as between processes. */
#include "os/os.h"
#include "support/test.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define NEW_FILE (STELE_FILE_WRITE | STELE_FILE_CREATE)

static const char *lock_path(void)
{
    return test_path(test_folder(), "lock");
}

static stele_file *open_at(const char *path)
{
    const stele_vfs *vfs = stele_vfs_system();
    stele_file *file = NULL;

    expect_int(vfs->open(vfs, path, NEW_FILE, &file), 0);
    return file;
}

static int is_locked(stele_file *file)
{
    int locked = -1;

    expect_int(file->vfs->is_locked(file, &locked), 0);
    return locked != 0;
}

TEST(two_handles_of_one_process_exclude_each_other)
{
    const stele_vfs *vfs = stele_vfs_system();
    const char *path = lock_path();
    stele_file *first = open_at(path);
    stele_file *second = open_at(path);

    expect_int(is_locked(second), 0);
    expect_int(vfs->lock(first, STELE_LOCK_EXCLUSIVE), 0);
    expect_int(vfs->lock(second, STELE_LOCK_EXCLUSIVE), EAGAIN);
    expect_int(vfs->lock(second, STELE_LOCK_SHARED), EAGAIN);
    expect_int(is_locked(second), 1);
    expect_int(is_locked(first), 0); /* its own lock is nobody else's */
    expect_int(vfs->lock(first, STELE_LOCK_NONE), 0);
    expect_int(is_locked(second), 0);
    expect_int(vfs->lock(second, STELE_LOCK_EXCLUSIVE), 0);
    vfs->close(first);
    vfs->close(second);
}

TEST(shared_locks_go_together_and_keep_out_exclusive_ones)
{
    const stele_vfs *vfs = stele_vfs_system();
    const char *path = lock_path();
    stele_file *first = open_at(path);
    stele_file *second = open_at(path);

    expect_int(vfs->lock(first, STELE_LOCK_SHARED), 0);
    expect_int(vfs->lock(second, STELE_LOCK_SHARED), 0);
    expect_int(is_locked(first), 0);
    expect_int(vfs->lock(second, STELE_LOCK_EXCLUSIVE), EAGAIN);
    expect_int(vfs->lock(first, STELE_LOCK_NONE), 0);
    expect_int(vfs->lock(second, STELE_LOCK_EXCLUSIVE), 0); /* from shared to exclusive */
    expect_int(vfs->lock(first, STELE_LOCK_SHARED), EAGAIN);
    vfs->close(first);
    vfs->close(second);
}

TEST(closing_another_handle_of_the_file_keeps_the_lock)
{
    const stele_vfs *vfs = stele_vfs_system();
    const char *path = lock_path();
    stele_file *holder = open_at(path);
    stele_file *asker = open_at(path);

    expect_int(vfs->lock(holder, STELE_LOCK_EXCLUSIVE), 0);
    vfs->close(open_at(path));
    expect_int(is_locked(asker), 1);
    vfs->close(holder);
    expect_int(is_locked(asker), 0);
    vfs->close(asker);
}

static int ask_in_child(void *context)
{
    stele_file *file = open_at((const char *)context);
    const int locked = is_locked(file);
    const int error = file->vfs->lock(file, STELE_LOCK_EXCLUSIVE);

    file->vfs->close(file);
    return locked ? (error == EAGAIN ? 10 : 11) : (error == 0 ? 20 : 21);
}

TEST(another_process_sees_the_lock)
{
    const stele_vfs *vfs = stele_vfs_system();
    const char *path = lock_path();
    stele_file *file = open_at(path);

    expect_int(vfs->lock(file, STELE_LOCK_EXCLUSIVE), 0);
    expect_int(test_in_child(ask_in_child, (void *)(uintptr_t)path), 10);
    vfs->close(file);
    expect_int(test_in_child(ask_in_child, (void *)(uintptr_t)path), 20);
}

TEST(a_killed_process_leaves_no_lock)
{
    const char *path = lock_path();
    stele_file *file = open_at(path);
    int ready[2];
    char byte;
    pid_t child;

    expect_int(pipe(ready), 0);
    child = fork();
    expect_true(child >= 0);
    if (child == 0) {
        stele_file *own = NULL;
        const stele_vfs *vfs = stele_vfs_system();
        if (vfs->open(vfs, path, STELE_FILE_WRITE, &own) != 0 ||
            vfs->lock(own, STELE_LOCK_EXCLUSIVE) != 0 || write(ready[1], "x", 1) != 1) {
            _exit(1);
        }
        for (;;) {
            (void)pause();
        }
    }
    expect_int(read(ready[0], &byte, 1), 1);
    expect_int(is_locked(file), 1);
    expect_int(kill(child, SIGKILL), 0);
    expect_int(waitpid(child, NULL, 0), child);
    expect_int(is_locked(file), 0);
    expect_int(file->vfs->lock(file, STELE_LOCK_EXCLUSIVE), 0);
    file->vfs->close(file);
    (void)close(ready[0]);
    (void)close(ready[1]);
}

TEST(a_reader_may_ask_and_share_but_not_exclude)
{
    const stele_vfs *vfs = stele_vfs_system();
    const char *path = lock_path();
    stele_file *writer = open_at(path);
    stele_file *reader = NULL;

    expect_int(vfs->open(vfs, path, STELE_FILE_READ, &reader), 0);
    expect_int(vfs->lock(writer, STELE_LOCK_EXCLUSIVE), 0);
    expect_int(is_locked(reader), 1);
    expect_int(vfs->lock(writer, STELE_LOCK_NONE), 0);
    expect_int(vfs->lock(reader, STELE_LOCK_SHARED), 0);
    expect_int(vfs->lock(reader, STELE_LOCK_EXCLUSIVE), EBADF);
    vfs->close(reader);
    vfs->close(writer);
}

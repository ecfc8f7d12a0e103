/* SPDX-License-Identifier: Apache-2.0 */
/* Mapped files. */
#include "base/base.h"
#include "os/os.h"
#include "support/test.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#define NEW_FILE (STELE_FILE_WRITE | STELE_FILE_CREATE)

static stele_file *open_at(const char *path, int flags)
{
    const stele_vfs *vfs = stele_vfs_system();
    stele_file *file = NULL;

    expect_int(vfs->open(vfs, path, flags, &file), 0);
    return file;
}

TEST(a_map_shows_what_is_written_later)
{
    const stele_vfs *vfs = stele_vfs_system();
    const char *path = test_path(test_folder(), "file");
    stele_file *writer = open_at(path, NEW_FILE);
    stele_file *reader = open_at(path, STELE_FILE_READ);
    const uint8_t *memory = NULL;

    expect_int(vfs->allocate(writer, 10000), 0);
    expect_int(vfs->map(reader, 10000, &memory), 0);
    expect_bytes(memory + 5000, 5, "\0\0\0\0\0", 5);
    expect_int(vfs->write(writer, 5000, "hello", 5), 0);
    expect_bytes(memory + 5000, 5, "hello", 5);
    vfs->close(writer);
    vfs->close(reader);
    expect_bytes(memory + 5000, 5, "hello", 5);
    expect_int(vfs->remove(vfs, path), 0);
    expect_bytes(memory + 5000, 5, "hello", 5);
    vfs->unmap(vfs, memory, 10000);
    vfs->unmap(vfs, NULL, 0);
}

static int write_to(void *context)
{
    *(volatile uint8_t *)context = 1;
    return 0;
}

TEST(a_map_cannot_be_written)
{
    const stele_vfs *vfs = stele_vfs_system();
    stele_file *file = open_at(test_path(test_folder(), "file"), NEW_FILE);
    const uint8_t *memory = NULL;
    int result;

    expect_int(vfs->allocate(file, 4096), 0);
    expect_int(vfs->map(file, 4096, &memory), 0);
    result = test_in_child(write_to, (void *)(uintptr_t)memory);
    expect_true(result != 0); /* a signal, or what a sanitizer makes of it */
    expect_uint(memory[0], 0);
    vfs->unmap(vfs, memory, 4096);
    vfs->close(file);
}

static int add_one(void *context)
{
    atomic_fetch_add((atomic_uint *)context, 1);
    return 0;
}

TEST(a_shared_map_is_one_memory_for_all_processes)
{
    const stele_vfs *vfs = stele_vfs_system();
    const char *path = test_path(test_folder(), "file");
    stele_file *file = open_at(path, NEW_FILE);
    stele_file *other = open_at(path, STELE_FILE_WRITE);
    void *memory = NULL;
    void *elsewhere = NULL;
    uint8_t bytes[4];
    size_t count = 0;

    expect_int(vfs->allocate(file, 4096), 0);
    expect_int(vfs->map_shared(file, 4096, &memory), 0);
    expect_int(vfs->map_shared(other, 4096, &elsewhere), 0);
    expect_int(test_in_child(add_one, memory), 0);
    expect_uint(atomic_load((atomic_uint *)elsewhere), 1);
    expect_int(vfs->read(file, 0, bytes, sizeof bytes, &count), 0);
    expect_uint(stele__load32(bytes), 1);
    vfs->unmap_shared(vfs, memory, 4096);
    vfs->unmap_shared(vfs, elsewhere, 4096);
    vfs->unmap_shared(vfs, NULL, 0);
    vfs->close(file);
    vfs->close(other);
}

TEST(a_shared_map_needs_a_file_that_may_be_written)
{
    const stele_vfs *vfs = stele_vfs_system();
    const char *path = test_path(test_folder(), "file");
    stele_file *file = open_at(path, NEW_FILE);
    stele_file *reader = open_at(path, STELE_FILE_READ);
    void *memory = NULL;

    expect_int(vfs->allocate(file, 4096), 0);
    expect_int(vfs->map_shared(reader, 4096, &memory), EACCES);
    vfs->close(file);
    vfs->close(reader);
}

TEST(what_cannot_be_mapped_says_so)
{
    const stele_vfs *vfs = stele_vfs_system();
    stele_file *file = open_at(test_path(test_folder(), "file"), NEW_FILE);
    stele_file *pretender = open_at("/proc/self/status", STELE_FILE_READ);
    const uint8_t *memory = NULL;

    expect_int(vfs->map(file, 0, &memory), EINVAL);
    expect_true(vfs->map(pretender, 10, &memory) != 0);
    expect_null(memory);
    vfs->close(file);
    vfs->close(pretender);
}

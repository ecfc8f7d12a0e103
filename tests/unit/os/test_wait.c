/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for a word, between threads and between processes. */
#include "base/base.h"
#include "os/os.h"
#include "support/test.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

static uint32_t *map_word(void)
{
    const stele_vfs *vfs = stele_vfs_system();
    stele_file *file = NULL;
    void *memory = NULL;

    expect_int(vfs->open(vfs, test_path(test_folder(), "words"),
                         STELE_FILE_WRITE | STELE_FILE_CREATE, &file),
               0);
    expect_int(vfs->allocate(file, 4096), 0);
    expect_int(vfs->map_shared(file, 4096, &memory), 0);
    vfs->close(file);
    return (uint32_t *)memory;
}

static void unmap_word(uint32_t *word)
{
    const stele_vfs *vfs = stele_vfs_system();
    vfs->unmap_shared(vfs, word, 4096);
}

static int64_t now(void)
{
    const stele_clock *clock = stele_clock_system();
    return clock->monotonic(clock->context);
}

TEST(a_word_that_is_another_already_is_not_waited_for)
{
    const stele_vfs *vfs = stele_vfs_system();
    uint32_t *word = map_word();

    *word = 5;
    expect_int(vfs->wait(vfs, word, 4, -1), 0);
    unmap_word(word);
}

TEST(waiting_ends_when_the_time_has_passed)
{
    const stele_vfs *vfs = stele_vfs_system();
    uint32_t *word = map_word();
    const int64_t before = now();

    expect_int(vfs->wait(vfs, word, 0, 0), ETIMEDOUT);
    expect_int(vfs->wait(vfs, word, 0, 30000000), ETIMEDOUT);
    expect_true(now() - before >= 30000000);
    unmap_word(word);
}

static void set_and_wake(uint32_t *word)
{
    const stele_vfs *vfs = stele_vfs_system();

    __atomic_store_n(word, 1, __ATOMIC_RELEASE);
    vfs->wake(vfs, word);
}

static void wake_from_thread(void *context)
{
    set_and_wake((uint32_t *)context);
}

TEST(a_thread_wakes_a_thread)
{
    const stele_vfs *vfs = stele_vfs_system();
    uint32_t *word = map_word();
    stele__thread thread;

    expect_int(stele__thread_start(&thread, "waking", wake_from_thread, word), 0);
    while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == 0) {
        expect_int(vfs->wait(vfs, word, 0, -1), 0);
    }
    stele__thread_join(&thread);
    unmap_word(word);
}

TEST(processes_wake_each_other_without_waiting_for_the_time_to_pass)
{
    const stele_vfs *vfs = stele_vfs_system();
    uint32_t *word = map_word();
    const int64_t before = now();
    const uint32_t rounds = 200;
    int status = 0;
    pid_t child;

    /* Ping-pong: even values are this process's turn, odd ones the child's. A lost wake-up would
     * take the whole second. */
    child = fork();
    expect_true(child >= 0);
    for (uint32_t turn = child == 0 ? 1 : 0; turn < rounds; turn += 2) {
        uint32_t found;
        while ((found = __atomic_load_n(word, __ATOMIC_ACQUIRE)) != turn) {
            (void)vfs->wait(vfs, word, found, INT64_C(1000000000));
        }
        __atomic_store_n(word, turn + 1, __ATOMIC_RELEASE);
        vfs->wake(vfs, word);
    }
    if (child == 0) {
        _exit(0);
    }
    expect_int(waitpid(child, &status, 0), child);
    expect_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    expect_uint(__atomic_load_n(word, __ATOMIC_ACQUIRE), rounds);
    expect_true(now() - before < INT64_C(5000000000));
    unmap_word(word);
}

TEST(a_read_only_map_can_be_waited_on)
{
    const stele_vfs *vfs = stele_vfs_system();
    const char *path = test_path(test_folder(), "words");
    stele_file *file = NULL;
    void *memory = NULL;
    const uint8_t *view = NULL;
    stele__thread thread;

    expect_int(vfs->open(vfs, path, STELE_FILE_WRITE | STELE_FILE_CREATE, &file), 0);
    expect_int(vfs->allocate(file, 4096), 0);
    expect_int(vfs->map_shared(file, 4096, &memory), 0);
    expect_int(vfs->map(file, 4096, &view), 0);
    vfs->close(file);
    expect_int(stele__thread_start(&thread, "waking", wake_from_thread, memory), 0);
    while (__atomic_load_n((const uint32_t *)(const void *)view, __ATOMIC_ACQUIRE) == 0) {
        expect_int(vfs->wait(vfs, (uint32_t *)(uintptr_t)view, 0, -1), 0);
    }
    stele__thread_join(&thread);
    vfs->unmap(vfs, view, 4096);
    unmap_word((uint32_t *)memory);
}

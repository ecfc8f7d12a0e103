/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks and randomness of the operating system. */
#include "base/base.h"
#include "os/os.h"
#include "support/test.h"

#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

TEST(the_wall_clock_tells_the_time)
{
    const stele_clock *clock = stele_clock_system();
    const stele_time before = (stele_time)time(NULL) * 1000000000;
    const stele_time now = clock->now(clock->context);

    expect_true(now >= before);
    expect_true(now < before + INT64_C(10000000000));
}

TEST(the_monotonic_clock_never_goes_back)
{
    const stele_clock *clock = stele_clock_system();
    int64_t before = clock->monotonic(clock->context);

    for (int i = 0; i < 10000; i++) {
        const int64_t now = clock->monotonic(clock->context);
        expect_true(now >= before);
        before = now;
    }
}

TEST(entropy_does_not_repeat_itself)
{
    const stele_clock *clock = stele_clock_system();
    uint64_t seen[500];

    for (size_t i = 0; i < 500; i++) {
        clock->entropy(clock->context, &seen[i], sizeof seen[i]);
        for (size_t j = 0; j < i; j++) {
            expect_true(seen[i] != seen[j]);
        }
    }
}

TEST(entropy_of_any_size_fills_every_byte_and_no_more)
{
    static uint8_t bytes[2001];
    const stele_clock *clock = stele_clock_system();

    for (size_t size = 0; size < sizeof bytes; size = size * 2 + 1) {
        size_t zeroes = 0;
        memset(bytes, 0, sizeof bytes);
        bytes[size] = 0x5a;
        clock->entropy(clock->context, bytes, size);
        for (size_t i = 0; i < size; i++) {
            zeroes += bytes[i] == 0;
        }
        expect_true(zeroes <= 4 + size / 32); /* of 2,000 bytes about 8 are zero */
        expect_uint(bytes[size], 0x5a);
    }
}

TEST(a_child_draws_other_entropy_than_its_parent)
{
    const stele_clock *clock = stele_clock_system();
    uint64_t own;
    uint64_t theirs = 0;
    int ends[2];
    pid_t child;

    /* The supply is filled before the fork, so that both have a copy of it. */
    clock->entropy(clock->context, &own, sizeof own);
    expect_int(pipe(ends), 0);
    child = fork();
    expect_true(child >= 0);
    clock->entropy(clock->context, &own, sizeof own);
    if (child == 0) {
        _exit(write(ends[1], &own, sizeof own) == sizeof own ? 0 : 1);
    }
    expect_int(read(ends[0], &theirs, sizeof theirs), sizeof theirs);
    expect_int(waitpid(child, NULL, 0), child);
    expect_true(own != theirs);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

TEST(the_boot_id_stays_while_the_machine_runs)
{
    const stele_clock *clock = stele_clock_system();
    uint8_t first[16];
    uint8_t second[16];

    clock->boot_id(clock->context, first);
    clock->boot_id(clock->context, second);
    if (access("/proc/sys/kernel/random/boot_id", R_OK) == 0) {
        expect_bytes(second, 16, first, 16);
    }
    expect_false(stele__uuid_is_none((const stele_uuid *)first));
}

TEST(uuids_of_version_7_follow_the_clock)
{
    const stele_clock *clock = stele_clock_system();
    const stele_uuid early = stele__uuid_v7(INT64_C(1000000000) * 1000000000, clock);
    const stele_uuid late = stele__uuid_v7(INT64_C(1000000001) * 1000000000, clock);

    expect_true(memcmp(early.bytes, late.bytes, sizeof early.bytes) < 0);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulator tested on a toy: a log that does everything right survives every crash and fault,
 * and each flaw is found. Were a flaw not found, the simulator would be blind to that kind of
 * mistake in the engine too.
 */
#include "sim/sim_disk.h"
#include "sim/toy_log.h"
#include "support/test.h"

#include <errno.h>

typedef struct toy_story {
    toy_flaw flaw;
    const char *name;
} toy_story;

static const toy_story flaws[] = {
    {TOY_NO_SYNC_OF_RECORD, "no sync of a record"},
    {TOY_NO_SYNC_OF_NEW_FILE_NAME, "no sync of a new file's name"},
    {TOY_NO_SYNC_OF_MANIFEST_BYTES, "no sync of the manifest's bytes"},
    {TOY_NO_SYNC_OF_MANIFEST_NAME, "no sync of the manifest's name"},
    {TOY_MANIFEST_IN_PLACE, "the manifest overwritten in place"},
    {TOY_MANIFEST_BEFORE_FILE, "the manifest before its file"},
    {TOY_NO_SYNC_IN_RECOVERY, "no sync in recovery"},
    {TOY_NO_SYNC_OF_NAMES_IN_RECOVERY, "no sync of names in recovery"},
    {TOY_NO_CHECKSUM, "no checksum"},
    {TOY_RETRIES_SYNC, "a sync tried again"},
};

typedef struct toy_world {
    sim_clock clock;
    sim_disk *disk;
    uint64_t crashes;
} toy_world;

/* Appends until something fails or enough was done. Returns how many numbers are acknowledged in
 * all. */
static uint64_t append_some(toy_log *log, sim_choice *choice, uint64_t acknowledged)
{
    const uint64_t count = 1 + sim_choose(choice, 9);
    for (uint64_t i = 0; i < count; i++) {
        const uint32_t size = (uint32_t)sim_choose(choice, TOY_PAYLOAD_SIZE_MAX + 1);
        if (toy_append(log, size) != 0) {
            break;
        }
        acknowledged = log->count;
    }
    return acknowledged;
}

static void torment(toy_world *world, sim_choice *choice)
{
    sim_disk_clear_faults(world->disk);
    if (sim_chance(choice, 1, 4)) {
        const sim_fault fault = {.calls = 1u << SIM_SYNC | 1u << SIM_WRITE,
                                 .nth = 1 + sim_choose(choice, 6),
                                 .error = EIO,
                                 .effect = sim_chance(choice, 1, 2) ? SIM_LOSE : SIM_FAIL};
        (void)sim_disk_add_fault(world->disk, &fault);
    }
    if (sim_chance(choice, 7, 8)) {
        const sim_crash_plan plan = {.is_armed = true,
                                     .kind = sim_chance(choice, 2, 3) ? SIM_MACHINE_CRASH
                                                                      : SIM_PROCESS_CRASH,
                                     .place = -1,
                                     .countdown = 1 + sim_choose(choice, 30),
                                     .is_after = sim_chance(choice, 1, 2)};
        sim_disk_plan_crash(world->disk, &plan);
    }
}

/* Lives of one log, each ended by a crash or a fault. True: everything acknowledged was always
 * there. */
static bool live_and_die(toy_world *world, toy_flaw flaw, uint64_t seed)
{
    sim_choice choice;
    sim_choice_random(&choice, seed);
    sim_clock_init(&world->clock, seed);
    sim_disk_reset(world->disk, seed);
    const stele_vfs *vfs = sim_disk_vfs(world->disk, 0);
    uint64_t acknowledged = 0;
    for (int life = 0; life < 6; life++) {
        toy_log log;
        torment(world, &choice);
        const int error = toy_open(&log, vfs, flaw);
        /* Crashes and faults answer EIO; anything else is the toy's own diagnosis. */
        const bool is_lost = error ? error != EIO : log.count < acknowledged;
        if (is_lost) {
            toy_close(&log);
            return false;
        }
        if (!error) {
            acknowledged = append_some(&log, &choice, log.count);
            toy_close(&log);
        }
        sim_disk_forget_plan(world->disk);
        if (sim_disk_crash(world->disk)->has_happened) {
            world->crashes += sim_disk_crash(world->disk)->pending > 0;
            sim_disk_power_on(world->disk, &choice);
        }
    }
    return true;
}

static void world_begin(toy_world *world)
{
    *world = (toy_world){0};
    sim_clock_init(&world->clock, 1);
    world->disk = sim_disk_new(&world->clock);
}

TEST_WITHIN(a_flawless_toy_survives_every_crash, 60)
{
    toy_world world;
    world_begin(&world);
    for (uint64_t seed = 1; seed <= test_scaled(20000); seed++) {
        if (!live_and_die(&world, TOY_FLAWLESS, seed)) {
            test_fail("the flawless toy lost something with seed %llu", (unsigned long long)seed);
        }
        expect_null(sim_disk_misuse(world.disk));
    }
    test_note("%llu crashes with something unsynced", (unsigned long long)world.crashes);
    expect_true(world.crashes > 10000);
    sim_disk_free(world.disk);
}

TEST_ROWS(each_flaw_of_the_toy_is_found_within_2000_seeds, flaws)
{
    toy_world world;
    world_begin(&world);
    uint64_t seed = 1;
    while (seed <= 2000 && live_and_die(&world, flaws[row].flaw, seed)) {
        seed++;
    }
    if (seed > 2000) {
        test_fail("not found: %s", flaws[row].name);
    }
    test_note("%s: found with seed %llu", flaws[row].name, (unsigned long long)seed);
    sim_disk_free(world.disk);
}

/* Every outcome of a crash in every call of a short history, by enumeration. */
static bool survives_every_outcome(toy_world *world, toy_flaw flaw, uint64_t *ret_courses)
{
    sim_choice choice;
    sim_choice_every(&choice);
    *ret_courses = 0;
    do {
        toy_log log;
        sim_clock_init(&world->clock, 1);
        sim_disk_reset(world->disk, 1);
        const stele_vfs *vfs = sim_disk_vfs(world->disk, 0);
        const sim_crash_plan plan = {.is_armed = true,
                                     .kind = SIM_MACHINE_CRASH,
                                     .place = -1,
                                     .countdown = 1 + sim_choose(&choice, 40),
                                     .is_after = sim_chance(&choice, 1, 2)};
        sim_disk_plan_crash(world->disk, &plan);
        uint64_t acknowledged = 0;
        if (toy_open(&log, vfs, flaw) == 0) {
            for (uint32_t i = 0; i < 6 && toy_append(&log, 100 + 250 * i) == 0; i++) {
                acknowledged = log.count;
            }
            toy_close(&log);
        }
        sim_disk_forget_plan(world->disk);
        if (!sim_disk_crash(world->disk)->has_happened) {
            sim_disk_crash_now(world->disk, SIM_MACHINE_CRASH, 0);
        }
        sim_disk_power_on(world->disk, &choice);
        const int error = toy_open(&log, vfs, flaw);
        if (error || log.count < acknowledged) {
            if (!error) {
                toy_close(&log);
            }
            return false;
        }
        toy_close(&log);
        ++*ret_courses;
    } while (sim_choice_next(&choice));
    return true;
}

TEST_WITHIN(a_flawless_toy_survives_every_enumerated_outcome, 60)
{
    toy_world world;
    uint64_t courses;
    world_begin(&world);
    expect_true(survives_every_outcome(&world, TOY_FLAWLESS, &courses));
    test_note("%llu outcomes", (unsigned long long)courses);
    expect_true(courses > 150);
    expect_false(survives_every_outcome(&world, TOY_NO_SYNC_OF_MANIFEST_NAME, &courses));
    expect_false(survives_every_outcome(&world, TOY_NO_SYNC_OF_RECORD, &courses));
    sim_disk_free(world.disk);
}

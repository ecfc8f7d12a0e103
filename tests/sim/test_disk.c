/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated disk keeps its own rules: what is pending, what a sync makes durable, what each
 * fault does, and the enumeration visits everything once. */
#include "sim/sim_disk.h"
#include "support/test.h"

#include <errno.h>
#include <string.h>

typedef struct world {
    sim_clock clock;
    sim_disk *disk;
    const stele_vfs *vfs;
    sim_choice choice;
} world;

static world world_begin(sim_clock *clock)
{
    world w = {0};
    sim_clock_init(clock, 7);
    w.disk = sim_disk_new(clock);
    w.vfs = sim_disk_vfs(w.disk, 0);
    sim_choice_random(&w.choice, 7);
    return w;
}

static stele_file *create(const world *w, const char *path)
{
    stele_file *file = NULL;
    expect_int(w->vfs->open(w->vfs, path, STELE_FILE_WRITE | STELE_FILE_CREATE, &file), 0);
    return file;
}

static void crash(world *w, sim_crash_kind kind)
{
    sim_disk_crash_now(w->disk, kind, 0);
    sim_disk_power_on(w->disk, &w->choice);
}

static size_t read_all(const world *w, const char *path, char ret_text[4096])
{
    stele_file *file = NULL;
    size_t size = 0;
    memset(ret_text, 0, 4096);
    if (w->vfs->open(w->vfs, path, STELE_FILE_READ, &file) != 0) {
        return SIZE_MAX;
    }
    expect_int(w->vfs->read(file, 0, ret_text, 4095, &size), 0);
    w->vfs->close(file);
    return size;
}

TEST(synced_bytes_with_a_synced_name_survive_every_machine_crash)
{
    sim_clock clock;
    world w = world_begin(&clock);
    char text[4096];
    stele_file *file = create(&w, "/a.log");
    expect_int(w.vfs->write(file, 0, "abc", 3), 0);
    expect_int(w.vfs->sync(file), 0);
    expect_int(w.vfs->sync_folder(w.vfs, "/"), 0);
    expect_uint(sim_disk_pending(w.disk), 0);
    w.vfs->close(file);
    for (int i = 0; i < 100; i++) {
        crash(&w, SIM_MACHINE_CRASH);
        expect_uint(read_all(&w, "/a.log", text), 3);
        expect_text((const char *)text, "abc");
    }
    sim_disk_free(w.disk);
}

/* How often each of two things happened in many crashes. */
typedef struct tally {
    int yes;
    int no;
} tally;

static void expect_both(tally both)
{
    expect_true(both.yes > 0);
    expect_true(both.no > 0);
}

TEST(an_unsynced_name_and_unsynced_bytes_may_or_may_not_survive)
{
    sim_clock clock;
    world w = world_begin(&clock);
    tally name = {0};
    tally bytes = {0};
    char text[4096];
    for (uint64_t i = 0; i < 300; i++) {
        sim_disk_reset(w.disk, i);
        stele_file *file = create(&w, "/a.log");
        expect_int(w.vfs->write(file, 0, "abc", 3), 0);
        w.vfs->close(file);
        expect_uint(sim_disk_pending(w.disk), 2);
        crash(&w, SIM_MACHINE_CRASH);
        const size_t size = read_all(&w, "/a.log", text);
        *(size == SIZE_MAX ? &name.no : &name.yes) += 1;
        *(size == 3 && memcmp(text, "abc", 3) == 0 ? &bytes.yes : &bytes.no) += 1;
    }
    expect_both(name);
    expect_both(bytes);
    sim_disk_free(w.disk);
}

TEST(a_process_crash_keeps_what_was_written_and_leaves_it_pending)
{
    sim_clock clock;
    world w = world_begin(&clock);
    char text[4096];
    stele_file *file = create(&w, "/a.log");
    expect_int(w.vfs->write(file, 0, "abc", 3), 0);
    sim_disk_crash_now(w.disk, SIM_PROCESS_CRASH, 0);
    expect_int(w.vfs->write(file, 3, "def", 3), EIO);
    w.vfs->close(file);
    sim_disk_power_on(w.disk, &w.choice);
    expect_uint(read_all(&w, "/a.log", text), 3);
    expect_uint(sim_disk_pending(w.disk), 2);
    sim_disk_free(w.disk);
}

TEST(a_rewritten_synced_sector_is_old_or_new_and_never_garbage)
{
    sim_clock clock;
    world w = world_begin(&clock);
    tally is_new = {0};
    char text[4096];
    char old[512];
    char fresh[512];
    memset(old, 'o', sizeof old);
    memset(fresh, 'n', sizeof fresh);
    for (uint64_t i = 0; i < 300; i++) {
        sim_disk_reset(w.disk, i);
        stele_file *file = create(&w, "/a.log");
        expect_int(w.vfs->write(file, 0, old, sizeof old), 0);
        expect_int(w.vfs->sync(file), 0);
        expect_int(w.vfs->sync_folder(w.vfs, "/"), 0);
        expect_int(w.vfs->write(file, 0, fresh, sizeof fresh), 0);
        w.vfs->close(file);
        crash(&w, SIM_MACHINE_CRASH);
        expect_uint(read_all(&w, "/a.log", text), 512);
        const bool has_new = memcmp(text, fresh, 512) == 0;
        expect_true(has_new || memcmp(text, old, 512) == 0);
        *(has_new ? &is_new.yes : &is_new.no) += 1;
    }
    expect_both(is_new);
    sim_disk_free(w.disk);
}

TEST(writes_are_torn_at_sectors_and_may_leave_garbage_where_nothing_was)
{
    sim_clock clock;
    world w = world_begin(&clock);
    tally torn = {0};
    tally garbage = {0};
    char text[4096];
    char fresh[2048];
    memset(fresh, 'n', sizeof fresh);
    for (uint64_t i = 0; i < 500; i++) {
        sim_disk_reset(w.disk, i);
        stele_file *file = create(&w, "/a.log");
        expect_int(w.vfs->allocate(file, 2048), 0);
        expect_int(w.vfs->sync(file), 0);
        expect_int(w.vfs->sync_folder(w.vfs, "/"), 0);
        expect_int(w.vfs->write(file, 0, fresh, sizeof fresh), 0);
        w.vfs->close(file);
        crash(&w, SIM_MACHINE_CRASH);
        expect_uint(read_all(&w, "/a.log", text), 2048);
        int kept = 0;
        int zero = 0;
        for (size_t sector = 0; sector < 4; sector++) {
            static const char zeros[512];
            kept += memcmp(text + 512 * sector, fresh, 512) == 0;
            zero += memcmp(text + 512 * sector, zeros, 512) == 0;
        }
        *(kept > 0 && kept < 4 ? &torn.yes : &torn.no) += 1;
        *(kept + zero < 4 ? &garbage.yes : &garbage.no) += 1;
    }
    expect_both(torn);
    expect_both(garbage);
    sim_disk_free(w.disk);
}

TEST(a_rename_happens_wholly_or_not_and_may_overtake_the_bytes)
{
    sim_clock clock;
    world w = world_begin(&clock);
    tally renamed = {0};
    tally empty = {0};
    char text[4096];
    for (uint64_t i = 0; i < 300; i++) {
        sim_disk_reset(w.disk, i);
        stele_file *file = create(&w, "/m");
        expect_int(w.vfs->write(file, 0, "old", 3), 0);
        expect_int(w.vfs->sync(file), 0);
        w.vfs->close(file);
        expect_int(w.vfs->sync_folder(w.vfs, "/"), 0);
        file = create(&w, "/m.new");
        expect_int(w.vfs->write(file, 0, "new", 3), 0);
        w.vfs->close(file);
        expect_int(w.vfs->rename(w.vfs, "/m.new", "/m"), 0);
        crash(&w, SIM_MACHINE_CRASH);
        const size_t size = read_all(&w, "/m", text);
        expect_true(size != SIZE_MAX);
        const bool is_old = size == 3 && memcmp(text, "old", 3) == 0;
        *(is_old ? &renamed.no : &renamed.yes) += 1;
        *(!is_old && memcmp(text, "new", 3) != 0 ? &empty.yes : &empty.no) += 1;
    }
    expect_both(renamed);
    expect_both(empty);
    sim_disk_free(w.disk);
}

TEST(a_file_without_a_durable_name_is_gone)
{
    sim_clock clock;
    world w = world_begin(&clock);
    tally there = {0};
    char text[4096];
    for (uint64_t i = 0; i < 100; i++) {
        sim_disk_reset(w.disk, i);
        expect_int(w.vfs->make_folder(w.vfs, "/f"), 0);
        stele_file *file = create(&w, "/f/a.log");
        expect_int(w.vfs->write(file, 0, "abc", 3), 0);
        expect_int(w.vfs->sync(file), 0);
        w.vfs->close(file);
        expect_int(w.vfs->sync_folder(w.vfs, "/f"), 0);
        crash(&w, SIM_MACHINE_CRASH);
        *(read_all(&w, "/f/a.log", text) == 3 ? &there.yes : &there.no) += 1;
    }
    expect_both(there);
    sim_disk_free(w.disk);
}

TEST(a_planned_crash_strikes_the_call_it_was_planned_for)
{
    sim_clock clock;
    world w = world_begin(&clock);
    stele_file *file = create(&w, "/a.log");
    const sim_crash_plan plan = {.is_armed = true,
                                 .kind = SIM_MACHINE_CRASH,
                                 .place = -1,
                                 .countdown = 2};
    sim_disk_plan_crash(w.disk, &plan);
    expect_int(w.vfs->write(file, 0, "abc", 3), 0);
    expect_int(w.vfs->sync(file), EIO);
    expect_true(sim_disk_crash(w.disk)->has_happened);
    expect_int(sim_disk_crash(w.disk)->call, SIM_SYNC);
    expect_uint(sim_disk_crash(w.disk)->pending, 2);
    expect_int(w.vfs->sync(file), EIO);
    w.vfs->close(file);
    sim_disk_power_on(w.disk, &w.choice);
    sim_disk_free(w.disk);
}

TEST(a_failed_sync_may_lose_the_pages_so_that_a_later_sync_saves_nothing)
{
    sim_clock clock;
    world w = world_begin(&clock);
    char text[4096];
    stele_file *file = create(&w, "/a.log");
    expect_int(w.vfs->write(file, 0, "old", 3), 0);
    expect_int(w.vfs->sync(file), 0);
    expect_int(w.vfs->sync_folder(w.vfs, "/"), 0);
    const sim_fault fault = {.calls = 1u << SIM_SYNC, .nth = 1, .error = EIO, .effect = SIM_LOSE};
    const sim_fault *added = sim_disk_add_fault(w.disk, &fault);
    expect_int(w.vfs->write(file, 0, "new", 3), 0);
    expect_int(w.vfs->sync(file), EIO);
    expect_int(w.vfs->sync(file), 0);
    expect_uint(added->fired, 1);
    w.vfs->close(file);
    crash(&w, SIM_MACHINE_CRASH);
    expect_uint(read_all(&w, "/a.log", text), 3);
    expect_text((const char *)text, "old");
    sim_disk_free(w.disk);
}

TEST(a_disk_with_a_capacity_fills_up_and_a_write_may_be_cut)
{
    sim_clock clock;
    world w = world_begin(&clock);
    char block[4096] = {1};
    uint64_t size;
    stele_file *file = create(&w, "/a.log");
    sim_disk_set_capacity(w.disk, 8192);
    expect_int(w.vfs->allocate(file, 8193), ENOSPC);
    expect_int(w.vfs->allocate(file, 4096), 0);
    expect_int(w.vfs->write(file, 4096, block, 4096), 0);
    expect_int(w.vfs->write(file, 8192, block, 1), ENOSPC);
    expect_int(w.vfs->write(file, 8000, block, 400), ENOSPC);
    expect_int(w.vfs->size(file, &size), 0);
    expect_uint(size, 8192);
    w.vfs->close(file);
    expect_int(w.vfs->remove(w.vfs, "/a.log"), 0);
    expect_int(w.vfs->sync_folder(w.vfs, "/"), 0);
    expect_uint(sim_disk_used(w.disk), 0);
    sim_disk_free(w.disk);
}

TEST(a_map_sees_later_writes_and_outlives_the_name)
{
    sim_clock clock;
    world w = world_begin(&clock);
    const uint8_t *memory;
    stele_file *file = create(&w, "/a.log");
    expect_int(w.vfs->allocate(file, 4096), 0);
    expect_int(w.vfs->map(file, 4096, &memory), 0);
    expect_int(w.vfs->write(file, 10, "xyz", 3), 0);
    expect_bytes(memory + 10, 3, "xyz", 3);
    w.vfs->close(file);
    expect_int(w.vfs->remove(w.vfs, "/a.log"), 0);
    expect_bytes(memory + 10, 3, "xyz", 3);
    expect_uint(sim_disk_open_things(w.disk), 1);
    w.vfs->unmap(w.vfs, memory, 4096);
    expect_uint(sim_disk_open_things(w.disk), 0);
    expect_null(sim_disk_misuse(w.disk));
    sim_disk_free(w.disk);
}

TEST(locks_conflict_between_handles_and_vanish_with_their_process)
{
    sim_clock clock;
    world w = world_begin(&clock);
    const stele_vfs *other = sim_disk_vfs(w.disk, 1);
    stele_file *file = create(&w, "/lock");
    stele_file *second = NULL;
    int is_locked;
    expect_int(other->open(other, "/lock", STELE_FILE_READ, &second), 0);
    expect_int(w.vfs->lock(file, STELE_LOCK_EXCLUSIVE), 0);
    expect_int(other->lock(second, STELE_LOCK_SHARED), EAGAIN);
    expect_int(other->is_locked(second, &is_locked), 0);
    expect_true(is_locked);
    sim_disk_crash_now(w.disk, SIM_PROCESS_CRASH, 0);
    expect_int(other->is_locked(second, &is_locked), 0);
    expect_false(is_locked);
    w.vfs->close(file);
    other->close(second);
    sim_disk_power_on(w.disk, &w.choice);
    sim_disk_free(w.disk);
}

TEST(a_copied_disk_crashes_like_the_original)
{
    sim_clock clock;
    world w = world_begin(&clock);
    char text[4096];
    sim_disk *copy = sim_disk_new(&clock);
    stele_file *file = create(&w, "/a.log");
    expect_int(w.vfs->write(file, 0, "abc", 3), 0);
    expect_int(w.vfs->sync(file), 0);
    expect_int(w.vfs->sync_folder(w.vfs, "/"), 0);
    expect_int(w.vfs->write(file, 3, "def", 3), 0);
    w.vfs->close(file);
    sim_disk_copy(copy, w.disk);
    expect_uint(sim_disk_pending(copy), 1);
    world other = {.disk = copy, .vfs = sim_disk_vfs(copy, 0)};
    expect_uint(read_all(&other, "/a.log", text), 6);
    sim_disk_rot(copy, "/a.log", 1, 1);
    expect_uint(read_all(&other, "/a.log", text), 6);
    expect_text((const char *)text, "accdef");
    expect_uint(read_all(&w, "/a.log", text), 6);
    expect_text((const char *)text, "abcdef");
    sim_disk_free(copy);
    sim_disk_free(w.disk);
}

TEST(an_enumeration_visits_every_course_once)
{
    sim_choice choice;
    bool seen[3][4] = {{false}};
    size_t courses = 0;
    sim_choice_every(&choice);
    do {
        const uint64_t a = sim_choose(&choice, 3);
        /* The second question is asked after some answers only. */
        const uint64_t b = a == 1 ? 0 : sim_choose(&choice, 4);
        expect_false(seen[a][b]);
        seen[a][b] = true;
        courses++;
    } while (sim_choice_next(&choice));
    expect_uint(courses, 4 + 1 + 4);
}

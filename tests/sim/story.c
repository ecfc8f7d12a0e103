/* SPDX-License-Identifier: Apache-2.0 */
/* One run of the simulator, from its beginning to its end. See story.h; steps.c has what happens in
 * between, carry.c how it is judged, recovery.c what follows a crash. */
#include "sim/story.h"

#include "base/base.h"
#include "log/codec.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

/* ---- places */

static const char *const place_names[SIM_PLACE_COUNT] = {"commit",        "segment-roll",
                                                         "index-install", "manifest-swap",
                                                         "recovery",      "undelete",
                                                         "disk-full",     "close",
                                                         "compress",      "other"};

const char *sim_place_name(sim_place place)
{
    return place_names[place];
}

sim_place sim_place_of_name(const char *name)
{
    int place = 0;
    while (place < SIM_PLACE_COUNT && strcmp(place_names[place], name) != 0) {
        place++;
    }
    return (sim_place)place;
}

static sim_place place_of_file(sim_call call, sim_file_kind kind)
{
    switch (kind) {
    case SIM_SEGMENT:
        return call == SIM_WRITE || call == SIM_SYNC ? SIM_PLACE_COMMIT : SIM_PLACE_ROLL;
    case SIM_INDEX:
        return SIM_PLACE_INDEX;
    case SIM_PACKED:
        return SIM_PLACE_COMPRESS;
    case SIM_MANIFEST:
        return SIM_PLACE_MANIFEST;
    case SIM_OTHER:
    case SIM_LOCK_FILE:
    case SIM_PAGE:
    case SIM_FOLDER:
    case SIM_FILE_KIND_COUNT:
        break;
    }
    return SIM_PLACE_OTHER;
}

static int place_of(void *context, sim_call call, sim_file_kind kind, const char *path)
{
    sim_story *story = context;
    (void)path;
    if (call == SIM_CREATE || call == SIM_RENAME || call == SIM_REMOVE) {
        story->last_named = kind;
    }
    const sim_place place = place_of_file(call, call == SIM_SYNC_FOLDER ? story->last_named : kind);
    return story->is_recovering   ? SIM_PLACE_RECOVERY
           : story->is_full       ? SIM_PLACE_FULL
           : story->is_recreating ? SIM_PLACE_UNDELETE
           : story->is_closing    ? SIM_PLACE_CLOSE
                                  : (int)place;
}

/* ---- memory */

/* Whether this allocation is one that has to fail. */
static bool memory_fails(sim_memory *memory)
{
    if (memory->fail_at == 0) {
        return false;
    }
    if (memory->fail_at > 1) {
        memory->fail_at--;
        return false;
    }
    memory->fail_at = memory->is_persistent ? 1 : 0;
    memory->failures++;
    return true;
}

static void *memory_allocate(void *context, size_t size)
{
    sim_memory *memory = context;
    if (memory_fails(memory)) {
        return NULL;
    }
    memory->count++;
    memory->bytes += size;
    return stele__allocate(stele_alloc_default(), size);
}

static void *memory_resize(void *context, void *old, size_t old_size, size_t new_size)
{
    sim_memory *memory = context;
    if (new_size > old_size && memory_fails(memory)) {
        return NULL;
    }
    memory->bytes += new_size - old_size;
    return stele__resize(stele_alloc_default(), old, old_size, new_size);
}

static void memory_release(void *context, void *old, size_t size)
{
    sim_memory *memory = context;
    memory->count--;
    memory->bytes -= size;
    stele__release(stele_alloc_default(), old, size);
}

sim_story *sim_story_new(void)
{
    sim_story *story = stele__allocate_zero(stele_alloc_default(), sizeof *story);
    STELE_ASSERT(story != NULL);
    story->memory.alloc =
        (stele_alloc){&story->memory, memory_allocate, memory_resize, memory_release};
    sim_clock_init(&story->clock, 0);
    story->disk = sim_disk_new(&story->clock);
    return story;
}

void sim_story_free(sim_story *story)
{
    if (story) {
        sim_disk_free(story->disk);
        sim_arena_done(&story->arena);
        stele__release(stele_alloc_default(), story, sizeof *story);
    }
}

void sim_story_tell(const sim_story *story, const char *format, ...)
{
    if (!story->settings.is_told) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    (void)printf("%4" PRIu32 "  ", story->step);
    (void)vprintf(format, arguments);
    (void)putchar('\n');
    va_end(arguments);
}

uint64_t sim_story_faults(const sim_story *story)
{
    return sim_disk_faults_fired(story->disk) + story->memory.failures;
}

void sim_story_clear_faults(sim_story *story)
{
    (void)sim_story_was_faulty(story);
    sim_disk_clear_faults(story->disk);
    story->memory.fail_at = 0;
    story->memory.failures = 0;
    story->faults_seen = 0;
}

void sim_story_fail_memory(sim_story *story, uint64_t n, bool is_persistent)
{
    story->memory.fail_at = n;
    story->memory.is_persistent = is_persistent;
}

bool sim_story_is_crashed(const sim_story *story)
{
    return sim_disk_crash(story->disk)->has_happened;
}

bool sim_story_was_faulty(sim_story *story)
{
    const uint64_t fired = sim_story_faults(story);
    const bool is_new = fired != story->faults_seen;
    story->counts.faults += fired - story->faults_seen;
    story->faults_seen = fired;
    return is_new;
}

bool sim_story_is_poisoned(sim_story *story)
{
    stele_info info;
    const stele_status status = stele_describe(story->store, &info, NULL);
    /* Where pages were lost under its feet, it may not even be able to describe itself. */
    return status == STELE_OK ? info.is_poisoned
                              : status == STELE_CORRUPT && sim_disk_has_lost(story->disk) &&
                                    !story->settings.is_lying;
}

/* ---- run */

uint32_t sim_story_step_count(const sim_settings *settings)
{
    if (settings->step_count > 0) {
        return settings->step_count < SIM_STEPS_MAX ? settings->step_count : SIM_STEPS_MAX;
    }
    return 40 + (uint32_t)(sim_mix(settings->seed, 0x57e9) % 200);
}

/* Half of the runs crash wherever it happens, which is mostly in commits; the others wait for
 * places that are rarer. */
static int draw_place(sim_choice *choice)
{
    static const int rare[] = {SIM_PLACE_ROLL,     SIM_PLACE_INDEX, SIM_PLACE_MANIFEST,
                               SIM_PLACE_UNDELETE, SIM_PLACE_FULL,  SIM_PLACE_CLOSE};
    return sim_chance(choice, 1, 2) ? -1 : rare[sim_choose(choice, sizeof rare / sizeof rare[0])];
}

/* A quarter of the runs compress, if this build can, one way or the other. Drawn from the seed
 * apart from everything else, so that a run is the same story with and without. */
static stele_compression draw_compression(const sim_story *story)
{
    const sim_settings *settings = &story->settings;
    const uint64_t drawn =
        sim_mix(settings->seed, settings->byte_count > 0 ? settings->bytes[0] : 0xc0de);
    if (settings->is_plain ||
        !(settings->is_compressing || settings->place == SIM_PLACE_COMPRESS || drawn % 4 == 0)) {
        return STELE_NO_COMPRESSION;
    }
    const bool has_fast = stele__codec_check(STELE_CODEC_LZ4, "", NULL) == STELE_OK;
    const bool has_small = stele__codec_check(STELE_CODEC_ZSTD, "", NULL) == STELE_OK;
    const bool wants_small = drawn % 16 < 8;
    return has_small && (wants_small || !has_fast) ? STELE_COMPRESS_SMALL
           : has_fast                              ? STELE_COMPRESS_FAST
                                                   : STELE_NO_COMPRESSION;
}

static void draw_taste(sim_story *story)
{
    const stele_compression compression = draw_compression(story);
    sim_choice *choice = &story->choice;
    if (story->settings.bytes) {
        sim_choice_bytes(choice, story->settings.bytes, story->settings.byte_count);
    } else {
        sim_choice_random(choice, sim_mix(story->settings.seed, 0x7a57e));
    }
    story->place = story->settings.place >= 0 ? story->settings.place : draw_place(choice);
    if (compression && story->settings.place < 0 && story->place == SIM_PLACE_INDEX) {
        story->place = SIM_PLACE_COMPRESS;
    }
    const int place = story->place;
    story->taste = (sim_taste){
        .sizes = (sim_sizes)sim_choose(choice, SIM_SIZES_COUNT),
        .stream_count = 2 + (uint32_t)sim_choose(choice, SIM_STREAMS - 1),
        .weak_chance = (uint32_t)sim_choose(choice, 5),
        .durability = (stele_durability)(1 + sim_choose(choice, sim_chance(choice, 1, 3) ? 3 : 1)),
        .likes_deletion = place == SIM_PLACE_UNDELETE || sim_chance(choice, 1, 8)};
    if (place == SIM_PLACE_ROLL || place == SIM_PLACE_INDEX || place == SIM_PLACE_MANIFEST ||
        place == SIM_PLACE_FULL || place == SIM_PLACE_COMPRESS) {
        story->taste.sizes = SIM_BULK;
    }
    if (story->taste.sizes == SIM_UNIFORM) {
        story->taste.stream_count = 2;
        story->taste.weak_chance = 7;
    }
    story->wants_observer = !story->settings.is_calm && sim_chance(choice, 1, 3);
    story->options = (stele_options){.durability = story->taste.durability,
                                     .mapping = sim_chance(choice, 1, 4) ? STELE_PREAD : STELE_MAP,
                                     .background = STELE_NO_THREADS,
                                     .memory_bytes = STELE_MEMORY_MIN,
                                     .segment_bytes = 64 * 1024,
                                     .compression = compression,
                                     .alloc = &story->memory.alloc,
                                     .vfs = sim_disk_vfs(story->disk, 0),
                                     .clock = &story->clock.clock};
}

void sim_story_begin(sim_story *story, const sim_settings *settings)
{
    story->settings = *settings;
    story->report = (sim_report){0};
    sim_arena_reset(&story->arena);
    sim_clock_init(&story->clock, settings->seed);
    story->faults_seen = 0;
    story->memory.failures = 0;
    sim_disk_reset(story->disk, settings->seed);
    sim_disk_set_places(story->disk, place_of, story);
    draw_taste(story);
    sim_history_begin(&story->history, &story->arena, &story->report, story->taste.durability);
    memset(story->held, 0, sizeof story->held);
    story->store = NULL;
    story->observer = NULL;
    story->observer_position = 0;
    story->fate = &story->choice;
    story->next_number = 0;
    story->step = 0;
    story->is_recovering = story->is_closing = story->is_recreating = story->is_full = false;
    story->may_heal = settings->is_lying;
    story->has_lost_index = false;
    story->history.is_lying = settings->is_lying;
    if (settings->is_lying) {
        sim_disk_set_lying(story->disk, 1 + (uint32_t)sim_choose(&story->choice, 3));
    }
    sim_story_clear_faults(story);
    story->counts.runs++;
}

void sim_story_end(sim_story *story)
{
    sim_story_let_go(story);
    sim_story_close_observer(story);
    sim_disk_forget_plan(story->disk);
    sim_story_clear_faults(story);
    (void)stele_close(story->store, NULL);
    story->store = NULL;
    sim_history_end(&story->history);
    if (story->memory.count > 0 || sim_disk_open_things(story->disk) > 0) {
        (void)sim_report_fail(&story->report,
                              "left behind: %" PRIu64 " allocations, %" PRIu64
                              " bytes, %zu handles or maps",
                              story->memory.count, story->memory.bytes,
                              sim_disk_open_things(story->disk));
    }
}

bool sim_story_finish(sim_story *story)
{
    bool is_quiet;
    sim_disk_forget_plan(story->disk);
    sim_story_clear_faults(story);
    (void)sim_story_free_disk(story);
    return sim_story_quiesce(story, &is_quiet) && sim_check_everything(story) &&
           sim_story_reopen(story) && sim_check_everything(story);
}

bool sim_story_run(sim_story *story, const sim_settings *settings)
{
    sim_story_begin(story, settings);
    bool is_right = sim_story_open(story);
    const uint32_t count = settings->bytes ? SIM_STEPS_MAX : sim_story_step_count(settings);
    for (; is_right && story->step < count; story->step++) {
        if (settings->left_out && settings->left_out[story->step]) {
            continue;
        }
        if (!sim_choice_has_more(&story->choice)) {
            break;
        }
        if (!settings->bytes) {
            sim_choice_random(&story->choice, sim_mix(settings->seed, story->step));
        }
        is_right = sim_story_step(story) && sim_story_end_step(story);
    }
    if (is_right) {
        is_right = sim_story_finish(story);
    }
    sim_story_end(story);
    if (settings->is_lying && story->report.saw_corruption) {
        /* The store noticed what the disk did to it, and said so. */
        story->counts.told++;
        return true;
    }
    return is_right && !story->report.has_failed;
}

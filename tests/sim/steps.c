/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of a story: what is drawn at random, with which weights. See story.h. */
#include "sim/story.h"

#include <errno.h>
#include <inttypes.h>

static sim_draw begin_draw(sim_story *story)
{
    return (sim_draw){.arena = &story->arena,
                      .choice = &story->choice,
                      .history = &story->history,
                      .taste = &story->taste,
                      .number = ++story->next_number};
}

static bool step_append(sim_story *story)
{
    const sim_draw draw = begin_draw(story);
    return sim_story_carry_out(story, sim_draw_append(&draw));
}

static bool step_commit(sim_story *story)
{
    const sim_draw draw = begin_draw(story);
    return sim_story_carry_out(story, sim_draw_commit(&draw));
}

static bool step_delete(sim_story *story)
{
    const sim_draw draw = begin_draw(story);
    return sim_story_carry_out(story, sim_draw_delete(&draw));
}

static bool step_tombstone(sim_story *story)
{
    const sim_draw draw = begin_draw(story);
    return sim_story_carry_out(story, sim_draw_tombstone(&draw));
}

static bool step_metadata(sim_story *story)
{
    const sim_draw draw = begin_draw(story);
    return sim_story_carry_out(story, sim_draw_metadata(&draw));
}

static bool step_retry(sim_story *story)
{
    const sim_draw draw = begin_draw(story);
    sim_action *action = sim_draw_retry(&draw);
    return !action || sim_story_carry_out(story, action);
}

static bool step_submit(sim_story *story)
{
    const uint64_t count = 1 + sim_choose(&story->choice, 4);
    for (uint64_t i = 0; i < count && !sim_story_is_crashed(story); i++) {
        const sim_draw draw = begin_draw(story);
        if (!sim_story_submit(story, sim_draw_commit(&draw))) {
            return false;
        }
    }
    return true;
}

static bool step_work(sim_story *story)
{
    return sim_story_work(story, 1 + sim_choose(&story->choice, 6));
}

static bool step_read(sim_story *story)
{
    bool is_quiet;
    if (!sim_story_quiesce(story, &is_quiet) || !is_quiet) {
        return sim_story_is_crashed(story) || !story->report.has_failed;
    }
    for (int i = 0; i < 3; i++) {
        const sim_draw draw = begin_draw(story);
        const char *what;
        const stele_read *read = sim_draw_read(&draw, &what);
        sim_pair pair = sim_history_pair(&story->history, story->store);
        sim_report quiet = {0};
        pair.report = &quiet;
        sim_story_tell(story, "read %s", what);
        if (!sim_compare_read(&pair, read, what)) {
            return (quiet.saw_io_error && sim_story_was_faulty(story)) ||
                   sim_report_pass_on(&story->report, &quiet);
        }
    }
    return true;
}

static bool step_describe(sim_story *story)
{
    bool is_quiet;
    if (!sim_story_quiesce(story, &is_quiet) || !is_quiet) {
        return sim_story_is_crashed(story) || !story->report.has_failed;
    }
    sim_pair pair = sim_history_pair(&story->history, story->store);
    sim_report quiet = {0};
    pair.report = &quiet;
    const char *stream = sim_streams[sim_choose(&story->choice, SIM_STREAMS)];
    const stele_list list = {.kind = (stele_name_kind)sim_choose(&story->choice, 4)};
    sim_story_tell(story, "describe %s, list names", stream);
    const bool is_right = sim_compare_stream(&pair, stream) &&
                          sim_compare_metadata(&pair, stream) &&
                          sim_compare_names(&pair, &list, "all");
    return is_right || (quiet.saw_io_error && sim_story_was_faulty(story)) ||
           sim_report_pass_on(&story->report, &quiet);
}

static bool step_clock(sim_story *story)
{
    const int64_t amount = (int64_t)sim_choose(&story->choice, 40000) * INT64_C(1000000);
    if (sim_chance(&story->choice, 1, 6)) {
        sim_story_tell(story, "the wall clock goes back");
        sim_clock_step_wall(&story->clock, -amount);
    } else {
        sim_clock_advance(&story->clock, amount);
    }
    return true;
}

static bool step_hold(sim_story *story)
{
    sim_held *held = &story->held[sim_choose(&story->choice, SIM_HELD_CURSORS)];
    const sim_draw draw = begin_draw(story);
    bool is_quiet;
    if (held->mine || !sim_story_quiesce(story, &is_quiet) || !is_quiet) {
        return sim_story_is_crashed(story) || !story->report.has_failed;
    }
    stele_read read = *sim_draw_read(&draw, &held->what);
    stele_error error;
    held->follows = sim_chance(&story->choice, 1, 2);
    if (held->follows) {
        read.direction = STELE_FORWARDS;
        read.as_of = (stele_point){0};
        read.from = (stele_point){0};
        read.limit = 0;
    }
    sim_story_tell(story, "hold %s", held->what);
    const stele_status status = held->follows
                                    ? stele_follow_open(story->store, &read, &held->mine, &error)
                                    : stele_read_open(story->store, &read, &held->mine, &error);
    const stele_status expected =
        held->follows ? stele_follow_open(story->history.oracle, &read, &held->theirs, NULL)
                      : stele_read_open(story->history.oracle, &read, &held->theirs, NULL);
    if (status == expected) {
        if (status != STELE_OK) {
            *held = (sim_held){0};
        }
        return true;
    }
    stele_cursor_free(held->mine);
    stele_cursor_free(held->theirs);
    *held = (sim_held){0};
    return sim_story_was_faulty(story) ||
           sim_report_fail(&story->report, "opening a cursor: %s, expected %s",
                           stele_status_name(status), stele_status_name(expected));
}

/* Moves two followers on over what was appended meanwhile. False: they disagree about it. */
static bool follow_on(sim_story *story, sim_held *held, bool *ret_has_ended)
{
    stele_error error;
    const stele_status status = stele_cursor_wait(held->mine, 0, &error);
    const stele_status expected = stele_cursor_wait(held->theirs, 0, NULL);
    *ret_has_ended = status != STELE_OK;
    return status == expected ||
           sim_report_fail(&story->report, "waiting at the end of %s: %s, expected %s", held->what,
                           stele_status_name(status), stele_status_name(expected));
}

static bool step_use_held(sim_story *story)
{
    sim_held *held = &story->held[sim_choose(&story->choice, SIM_HELD_CURSORS)];
    bool is_quiet;
    if (!held->mine || !sim_story_quiesce(story, &is_quiet) || !is_quiet) {
        return sim_story_is_crashed(story) || !story->report.has_failed;
    }
    sim_pair pair = sim_history_pair(&story->history, story->store);
    sim_report quiet = {0};
    pair.report = &quiet;
    const uint64_t limit = held->follows ? 0 : 1 + sim_choose(&story->choice, 5);
    sim_story_tell(story, "go on with %s", held->what);
    bool has_ended = !held->follows;
    bool is_right = sim_compare_cursors(&pair, held->mine, held->theirs, limit, held->what);
    if (is_right && held->follows) {
        is_right =
            follow_on(story, held, &has_ended) &&
            (has_ended || sim_compare_cursors(&pair, held->mine, held->theirs, 0, held->what));
    }
    if (!is_right || sim_chance(&story->choice, 1, 4)) {
        stele_cursor_free(held->mine);
        stele_cursor_free(held->theirs);
        *held = (sim_held){0};
    }
    return is_right || (quiet.saw_io_error && sim_story_was_faulty(story)) ||
           sim_report_pass_on(&story->report, &quiet);
}

static bool step_mark(sim_story *story)
{
    bool is_quiet;
    if (!sim_story_quiesce(story, &is_quiet) || !is_quiet) {
        return sim_story_is_crashed(story) || !story->report.has_failed;
    }
    stele_info info;
    stele_error error;
    const size_t place = sim_choose(&story->choice, SIM_CHECKPOINTS_MAX);
    if (stele_describe(story->store, &info, &error) != STELE_OK) {
        /* It reads the times of events. */
        return sim_story_is_crashed(story) || sim_story_may_fail(story, &error) ||
               sim_report_fail(&story->report, "describe: %s", error.message);
    }
    sim_history_mark(&story->history, &info, place);
    return true;
}

static bool step_observe(sim_story *story)
{
    return !story->wants_observer || sim_story_observe(story);
}

static bool step_plan_crash(sim_story *story)
{
    if (sim_disk_is_crash_planned(story->disk)) {
        return true;
    }
    const bool is_focused = story->place >= 0;
    const sim_crash_plan plan = {.is_armed = true,
                                 .kind = sim_chance(&story->choice, 2, 3) ? SIM_MACHINE_CRASH
                                                                          : SIM_PROCESS_CRASH,
                                 .place = story->place == SIM_PLACE_RECOVERY ? -1 : story->place,
                                 .countdown = 1 + sim_choose(&story->choice, is_focused ? 6 : 24),
                                 .is_after = sim_chance(&story->choice, 1, 2)};
    sim_story_tell(story, "a %s crash is planned",
                   plan.kind == SIM_MACHINE_CRASH ? "machine" : "process");
    sim_disk_plan_crash(story->disk, &plan);
    return true;
}

/* Between two calls. */
static bool step_kill(sim_story *story)
{
    const sim_crash_kind kind =
        sim_chance(&story->choice, 1, 2) ? SIM_MACHINE_CRASH : SIM_PROCESS_CRASH;
    if (story->settings.place >= 0) {
        return true;
    }
    sim_disk_forget_plan(story->disk);
    sim_disk_crash_now(story->disk, kind, SIM_PLACE_OTHER);
    return true;
}

static bool step_fill_disk(sim_story *story)
{
    story->is_full = true;
    const uint64_t free_bytes = sim_choose(&story->choice, 40) * SIM_BLOCK_BYTES;
    sim_story_tell(story, "%" PRIu64 " bytes of disk are left", free_bytes);
    sim_disk_set_capacity(story->disk, sim_disk_used(story->disk) + free_bytes);
    return true;
}

bool sim_story_free_disk(sim_story *story)
{
    story->is_full = false;
    sim_disk_set_capacity(story->disk, 0);
    return true;
}

static bool step_fault(sim_story *story)
{
    static const struct {
        unsigned calls;
        sim_fault_effect effect;
    } kinds[] = {
        {1u << SIM_SYNC, SIM_FAIL},
        {1u << SIM_SYNC, SIM_LOSE},
        {1u << SIM_WRITE, SIM_FAIL},
        {1u << SIM_READ | 1u << SIM_OPEN | 1u << SIM_MAP | 1u << SIM_LIST, SIM_FAIL},
        {1u << SIM_CREATE | 1u << SIM_RENAME | 1u << SIM_REMOVE | 1u << SIM_SYNC_FOLDER, SIM_FAIL},
        {1u << SIM_ALLOCATE | 1u << SIM_TRUNCATE, SIM_FAIL},
        {1u << SIM_SYNC | 1u << SIM_WRITE, SIM_SLOW},
    };
    if (!story->settings.has_faults) {
        return true;
    }
    (void)sim_story_was_faulty(story);
    sim_story_clear_faults(story);
    const size_t kind = sim_choose(&story->choice, sizeof kinds / sizeof kinds[0]);
    const sim_fault fault = {.calls = kinds[kind].calls,
                             .nth = 1 + sim_choose(&story->choice, 8),
                             .error = EIO,
                             .effect = kinds[kind].effect == SIM_LOSE && story->settings.keeps_pages
                                           ? SIM_FAIL
                                           : kinds[kind].effect};
    sim_story_tell(story, "a fault of kind %zu is planned", kind);
    (void)sim_disk_add_fault(story->disk, &fault);
    return true;
}

typedef struct sim_step_kind {
    bool (*run)(sim_story *story);
    uint32_t weight;
    bool is_cruel; /* left out of calm stories */
} sim_step_kind;

static const sim_step_kind step_kinds[] = {
    {step_append, 30, false},  {step_commit, 14, false},          {step_retry, 8, false},
    {step_submit, 8, false},   {step_delete, 3, false},           {step_tombstone, 1, false},
    {step_metadata, 5, false}, {sim_story_sync, 3, false},        {step_work, 14, false},
    {step_read, 6, false},     {step_describe, 2, false},         {step_clock, 3, false},
    {step_hold, 3, false},     {step_use_held, 4, false},         {step_mark, 2, false},
    {step_observe, 5, false},  {sim_story_reopen, 3, false},      {step_plan_crash, 14, true},
    {step_kill, 2, true},      {step_fill_disk, 2, true},         {sim_story_free_disk, 3, true},
    {step_fault, 3, true},     {sim_story_lose_indexes, 2, true},
};

enum { STEP_KINDS = sizeof step_kinds / sizeof step_kinds[0] };

static uint32_t weight_of(const sim_story *story, const sim_step_kind *kind)
{
    if (kind->is_cruel && story->settings.is_calm) {
        return 0;
    }
    if (kind->run == step_delete && story->taste.likes_deletion) {
        return 20;
    }
    /* What a crash left behind matters at the next one, if that comes soon. */
    if ((kind->run == step_kill || kind->run == step_plan_crash) &&
        story->taste.sizes == SIM_UNIFORM) {
        return 30;
    }
    if (kind->run == step_fill_disk && story->place == SIM_PLACE_FULL) {
        return 12;
    }
    return kind->weight;
}

bool sim_story_step(sim_story *story)
{
    uint32_t total = 0;
    for (size_t i = 0; i < STEP_KINDS; i++) {
        total += weight_of(story, &step_kinds[i]);
    }
    uint64_t pick = sim_choose(&story->choice, total);
    size_t kind = 0;
    while (pick >= weight_of(story, &step_kinds[kind])) {
        pick -= weight_of(story, &step_kinds[kind]);
        kind++;
    }
    story->counts.steps++;
    return step_kinds[kind].run(story);
}

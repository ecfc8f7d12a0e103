/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and closing the store under test, and what happens after a crash. See story.h. */
#include "sim/story.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>

/* Further crashes while recovering from one. */
enum { CRASHES_IN_RECOVERY_MAX = 3, OPENINGS_MAX = 8 };

static const char *url_of(const sim_story *story)
{
    return story->settings.url ? story->settings.url : "/store";
}

void sim_story_let_go(sim_story *story)
{
    for (size_t i = 0; i < SIM_HELD_CURSORS; i++) {
        stele_cursor_free(story->held[i].mine);
        stele_cursor_free(story->held[i].theirs);
        story->held[i] = (sim_held){0};
    }
}

/* ---- observer */

void sim_story_close_observer(sim_story *story)
{
    (void)stele_close(story->observer, NULL);
    story->observer = NULL;
}

static bool open_observer(sim_story *story)
{
    stele_options options = story->options;
    stele_error error;
    options.access = STELE_READ_ONLY;
    options.vfs = sim_disk_vfs(story->disk, 1);
    const stele_status status = stele_open(url_of(story), &options, &story->observer, &error);
    sim_report_saw(&story->report, status);
    return status == STELE_OK ||
           sim_report_fail(&story->report, "opening for reading: %s", error.message);
}

static bool observe_head(sim_story *story, stele_position *ret_head)
{
    stele_error error;
    const stele_status status =
        stele_wait(story->observer, story->observer_position, 0, ret_head, &error);
    if (status == STELE_TIMEOUT && stele_head(story->observer, ret_head, &error) == STELE_OK) {
        return true;
    }
    sim_report_saw(&story->report, error.status);
    return status == STELE_OK ||
           sim_report_fail(&story->report, "another process: %s", error.message);
}

/* Compares what another process sees of (from, to] with the oracle. */
static bool compare_observed(sim_story *story, stele_position from, stele_position to)
{
    STELE_CLEANUP(cursor) stele_cursor *mine = NULL;
    STELE_CLEANUP(cursor) stele_cursor *theirs = NULL;
    stele_error error;
    const stele_read read = {.from = STELE_AT_POSITION(from + 1)};
    const sim_pair pair = sim_history_pair(&story->history, story->observer);
    if (from >= to) {
        return true;
    }
    if (stele_read_open(story->observer, &read, &mine, &error) != STELE_OK ||
        stele_read_open(story->history.oracle, &read, &theirs, &error) != STELE_OK) {
        sim_report_saw(&story->report, error.status);
        return sim_report_fail(&story->report, "another process cannot read: %s", error.message);
    }
    return sim_compare_cursors(&pair, mine, theirs, to - from, "another process");
}

/* Whether index files that somebody removed are missing still: who only reads cannot open the store
 * then. */
static bool is_index_missing(sim_story *story)
{
    stele_info info;
    if (story->has_lost_index && stele_describe(story->store, &info, NULL) == STELE_OK) {
        story->has_lost_index = info.missing_index_files > 0;
    }
    return story->has_lost_index;
}

bool sim_story_observe(sim_story *story)
{
    sim_history *history = &story->history;
    stele_position head = 0;
    if (is_index_missing(story)) {
        return true;
    }
    if (!story->observer && !open_observer(story)) {
        return false;
    }
    if (!observe_head(story, &head)) {
        return false;
    }
    sim_story_tell(story, "another process sees %" PRIu64 " of %" PRIu64, head, history->head);
    if (head < story->observer_position) {
        return sim_report_fail(&story->report,
                               "another process saw position %" PRIu64 ", and now only %" PRIu64,
                               story->observer_position, head);
    }
    if (head > history->head && history->open_count == 0) {
        return sim_report_fail(&story->report,
                               "another process sees position %" PRIu64 " of %" PRIu64, head,
                               history->head);
    }
    sim_history_show(history, head);
    const stele_position known = head < history->head ? head : history->head;
    if (!compare_observed(story, story->observer_position, known)) {
        return false;
    }
    story->observer_position = known;
    return true;
}

/* In the moment of a crash: what others can see now must be there afterwards. */
static void observe_crash(void *context)
{
    sim_story *story = context;
    stele_position head = 0;
    sigset_t fatal;
    /* Threads of the library block all signals; if this one dies, the seed must be told. */
    (void)sigemptyset(&fatal);
    (void)sigaddset(&fatal, SIGSEGV);
    (void)sigaddset(&fatal, SIGBUS);
    (void)pthread_sigmask(SIG_UNBLOCK, &fatal, NULL);
    if (story->observer && observe_head(story, &head)) {
        sim_story_tell(story, "in this moment another process sees %" PRIu64, head);
        sim_history_show(&story->history, head);
    }
}

/* The writer is in the middle of a call and holds locks: another process knows nothing of them, so
 * it is played by another thread, for which the writer's thread waits. */
static void observe_crash_from_outside(void *context)
{
    stele__thread thread;
    const int failed = stele__thread_start(&thread, "observer", observe_crash, context);
    STELE_ASSERT(failed == 0);
    stele__thread_join(&thread);
}

/* ---- opening, closing */

stele_status sim_story_try_open(sim_story *story, stele_error *reterr)
{
    sim_disk_set_crash_hook(story->disk, story->wants_observer ? observe_crash_from_outside : NULL,
                            story);
    return stele_open(url_of(story), &story->options, &story->store, reterr);
}

/* Faults and a full disk may keep a store from being opened; without them it must open. */
bool sim_story_open(sim_story *story)
{
    stele_error error;
    const uint64_t fired = sim_story_faults(story);
    stele_status status = sim_story_try_open(story, &error);
    if (status != STELE_OK && !sim_story_is_crashed(story) &&
        (sim_story_faults(story) > fired || story->is_full)) {
        sim_story_tell(story, "opening failed: %s", error.message);
        if (!sim_report_is_told(status, &error)) {
            return sim_report_fail(&story->report, "opening: %s, and the error says %s: \"%s\"",
                                   stele_status_name(status), stele_status_name(error.status),
                                   error.message);
        }
        sim_story_clear_faults(story);
        story->is_full = false;
        sim_disk_set_capacity(story->disk, 0);
        status = sim_story_try_open(story, &error);
    }
    story->counts.reopened++;
    if (sim_story_is_crashed(story)) {
        return true;
    }
    sim_report_saw(&story->report, status);
    return status == STELE_OK || sim_report_fail(&story->report, "opening: %s", error.message);
}

bool sim_story_close(sim_story *story)
{
    sim_history *history = &story->history;
    stele_error error;
    const uint64_t fired = sim_story_faults(story);
    story->is_closing = true;
    const stele_status status = stele_close(story->store, &error);
    story->is_closing = false;
    story->store = NULL;
    if (sim_story_is_crashed(story)) {
        return true;
    }
    const bool may_fail =
        (sim_story_faults(story) > fired || story->is_full) && sim_report_is_told(status, &error);
    if (status != STELE_OK && !may_fail) {
        return sim_report_fail(&story->report, "closing: %s", error.message);
    }
    for (size_t i = 0; i < history->open_count; i++) {
        if (!history->open[i]->is_completed) {
            return sim_report_fail(&story->report, "closing left a submission uncompleted");
        }
    }
    if (status != STELE_OK) {
        /* Like a crash of the process, as far as anybody can tell. */
        sim_story_tell(story, "closing failed: %s", error.message);
        sim_disk_crash_now(story->disk, SIM_PROCESS_CRASH, SIM_PLACE_CLOSE);
        return sim_story_settle(story);
    }
    if (!sim_story_settle(story)) {
        return false;
    }
    sim_history_promise(history, history->head, STELE_DURABLE_FULL);
    return true;
}

/* ---- recovery */

/* The process is gone: its memory is given back without it being able to do anything more. Others
 * outlive it, unless the machine went down, or the pages that they saw are lost (has_lost). */
static bool bury(sim_story *story, bool has_lost)
{
    sim_story_let_go(story);
    (void)stele_close(story->store, NULL);
    story->store = NULL;
    if (sim_disk_crash(story->disk)->kind == SIM_MACHINE_CRASH || has_lost) {
        sim_story_close_observer(story);
        story->observer_position = 0;
    }
    const uint64_t count = story->observer ? 0 : story->memory.count;
    return count == 0 ||
           sim_report_fail(&story->report, "a crashed store left %" PRIu64 " allocations behind",
                           count);
}

static void plan_crash_in_recovery(sim_story *story, int crashes)
{
    const bool is_wanted = story->settings.place == SIM_PLACE_RECOVERY || story->settings.place < 0;
    if (!is_wanted || story->settings.is_single || crashes >= CRASHES_IN_RECOVERY_MAX ||
        !sim_chance(story->fate, 1, 2)) {
        return;
    }
    const sim_crash_plan plan = {.is_armed = true,
                                 .kind = sim_chance(story->fate, 2, 3) ? SIM_MACHINE_CRASH
                                                                       : SIM_PROCESS_CRASH,
                                 .place = SIM_PLACE_RECOVERY,
                                 .countdown = 1 + sim_choose(story->fate, 12),
                                 .is_after = sim_chance(story->fate, 1, 2)};
    sim_disk_plan_crash(story->disk, &plan);
}

/* The crashes of one recovery: they count when everything was compared after it. */
typedef struct crash_list {
    sim_crash crashes[CRASHES_IN_RECOVERY_MAX + OPENINGS_MAX];
    int count;
    sim_crash_kind worst;
} crash_list;

static void note_crash(sim_story *story, crash_list *list)
{
    story->counts.crash_count++;
    const sim_crash *crash = sim_disk_crash(story->disk);
    sim_story_tell(story, "%s crash at %s: %s%s of a %s %s; %" PRIu64 " changes pending",
                   crash->kind == SIM_MACHINE_CRASH ? "MACHINE" : "PROCESS",
                   sim_place_name((sim_place)crash->place),
                   crash->is_between_calls ? "between calls, after " : "",
                   sim_call_name(crash->call), sim_file_kind_name(crash->file_kind), crash->path,
                   crash->pending);
    list->crashes[list->count++] = *crash;
    if (crash->kind == SIM_MACHINE_CRASH) {
        list->worst = SIM_MACHINE_CRASH;
    }
}

static void count_crashes(sim_story *story, const crash_list *list)
{
    for (int i = 0; i < list->count; i++) {
        const sim_crash *crash = &list->crashes[i];
        if (crash->pending > 0) {
            story->counts.crashes[crash->place][crash->kind]++;
        } else {
            story->counts.idle_crashes++;
        }
    }
}

/* Opens until it has opened, through further crashes. */
static bool open_again(sim_story *story, crash_list *list)
{
    for (;;) {
        note_crash(story, list);
        if (!bury(story, list->worst == SIM_MACHINE_CRASH)) {
            return false;
        }
        sim_disk_power_on(story->disk, story->fate);
        plan_crash_in_recovery(story, list->count);
        story->is_recovering = true;
        const bool is_right = sim_story_open(story);
        story->is_recovering = false;
        if (!is_right) {
            return false;
        }
        if (!sim_story_is_crashed(story)) {
            sim_disk_forget_plan(story->disk);
            return true;
        }
    }
}

/* Recovering twice is recovering once: the process dies again before anything is asked of it. */
static bool recover_twice(sim_story *story, crash_list *list)
{
    if (story->settings.is_single || !sim_chance(story->fate, 1, 8)) {
        return true;
    }
    const sim_crash_kind kind =
        sim_chance(story->fate, 1, 2) ? SIM_MACHINE_CRASH : SIM_PROCESS_CRASH;
    sim_disk_crash_now(story->disk, kind, SIM_PLACE_RECOVERY);
    note_crash(story, list);
    if (!bury(story, false)) {
        return false;
    }
    sim_disk_power_on(story->disk, story->fate);
    return sim_story_open(story) && sim_history_resolve(&story->history, story->store, kind);
}

bool sim_story_recover(sim_story *story)
{
    /* What a failed sync has lost is lost as in a crash of the machine. */
    crash_list list = {.worst =
                           sim_disk_has_lost(story->disk) ? SIM_MACHINE_CRASH : SIM_PROCESS_CRASH};
    /* Faults belong to the life that ended; the disk is given room again. */
    sim_story_clear_faults(story);
    sim_disk_set_capacity(story->disk, 0);
    /* What was completed before the crash was promised. */
    if (!sim_story_settle(story)) {
        return false;
    }
    const bool is_right = open_again(story, &list);
    story->is_full = false;
    if (!is_right || !sim_history_resolve(&story->history, story->store, list.worst) ||
        !recover_twice(story, &list) || !sim_check_everything(story)) {
        return false;
    }
    count_crashes(story, &list);
    return true;
}

bool sim_story_repair(sim_story *story)
{
    sim_action probe = {.kind = SIM_DO_DELETE, .stream = "account-1", .expected = STELE_ANY};
    sim_answer answer;
    sim_story_tell(story, "the store is poisoned");
    /* A poisoned store refuses everything that writes, and says why. */
    sim_action_run(&probe, story->store, &answer);
    if (answer.status != STELE_IO || answer.error.detail != STELE_IO_POISONED) {
        return sim_report_fail(&story->report, "a poisoned store answered %s to an append",
                               stele_status_name(answer.status));
    }
    /* What a failed sync has lost is lost as in a crash of the machine. */
    const bool has_lost = sim_disk_has_lost(story->disk);
    sim_story_clear_faults(story);
    sim_disk_forget_plan(story->disk);
    sim_disk_crash_now(story->disk, SIM_PROCESS_CRASH, SIM_PLACE_OTHER);
    if (!bury(story, has_lost)) {
        return false;
    }
    sim_disk_power_on(story->disk, story->fate);
    story->is_recovering = true;
    const bool is_open = sim_story_open(story);
    story->is_recovering = false;
    return is_open &&
           sim_history_resolve(&story->history, story->store,
                               has_lost ? SIM_MACHINE_CRASH : SIM_PROCESS_CRASH) &&
           sim_check_everything(story);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Carrying actions out on the store under test, and judging its answers. See story.h. */
#include "sim/story.h"

#include <inttypes.h>
#include <stdio.h>

#define FOLDER "/store"

bool sim_story_settle(sim_story *story)
{
    sim_history *history = &story->history;
    size_t done = 0;
    while (done < history->open_count && history->open[done]->is_completed) {
        sim_action *action = history->open[done];
        const stele_status status = action->answer.status;
        if (status == STELE_OK || status == STELE_CONFLICT || status == STELE_DELETED ||
            status == STELE_INVALID) {
            if (!sim_history_expect(history, action)) {
                return false;
            }
        } else if (sim_story_is_crashed(story) ||
                   action->answer.error.detail == STELE_IO_POISONED) {
            break;
        } else {
            action->state = SIM_FAILED;
        }
        done++;
    }
    memmove(history->open, history->open + done,
            (history->open_count - done) * sizeof history->open[0]);
    history->open_count -= done;
    return true;
}

bool sim_story_quiesce(sim_story *story, bool *ret_is_quiet)
{
    sim_history *history = &story->history;
    stele_position head = 0;
    stele_error error;
    *ret_is_quiet = false;
    stele_status status = stele_head(story->store, &head, &error);
    if (status == STELE_OK && (head < history->head || history->open_count > 0)) {
        status = stele_sync(story->store, &error);
        if (!sim_story_settle(story)) {
            return false;
        }
        if (status == STELE_OK) {
            sim_history_promise(history, history->head, STELE_DURABLE_FULL);
            status = stele_head(story->store, &head, &error);
        }
    }
    if (status != STELE_OK) {
        return sim_story_is_crashed(story) || sim_story_may_fail(story, &error) ||
               sim_report_fail(&story->report, "sync before a read: %s", error.message);
    }
    if (history->open_count > 0 || head != history->head) {
        return sim_story_is_crashed(story) ||
               sim_report_fail(&story->report,
                               "after sync the head is %" PRIu64 " of %" PRIu64
                               ", and %zu submissions are not completed",
                               head, history->head, history->open_count);
    }
    sim_history_set_time(history, story->clock.wall);
    *ret_is_quiet = true;
    return true;
}

/* The head that the writer shows: what was acknowledged is visible, and what was not accepted is
 * not. */
static bool check_head(sim_story *story)
{
    sim_history *history = &story->history;
    stele_position head = 0;
    stele_error error;
    if (stele_head(story->store, &head, &error) != STELE_OK) {
        return sim_report_fail(&story->report, "head: %s", error.message);
    }
    if (head < history->safe[SIM_PROCESS_CRASH]) {
        return sim_report_fail(&story->report,
                               "position %" PRIu64 " was acknowledged and the head is %" PRIu64,
                               history->safe[SIM_PROCESS_CRASH], head);
    }
    if (head > history->head && history->open_count == 0) {
        return sim_report_fail(&story->report,
                               "the head is %" PRIu64 ", and %" PRIu64 " positions were given out",
                               head, history->head);
    }
    sim_history_show(history, head);
    return true;
}

static bool is_refusal(stele_status status)
{
    return status == STELE_CONFLICT || status == STELE_DELETED || status == STELE_INVALID;
}

bool sim_story_may_fail(sim_story *story, const stele_error *error)
{
    if (!sim_report_is_told(error->status, error)) {
        return sim_report_fail(&story->report, "a failure that says nothing (%s: \"%s\")",
                               stele_status_name(error->status), error->message);
    }
    if (error->status == STELE_NO_SPACE && story->is_full) {
        return true;
    }
    /* Once poisoned it fails for good; the fault may have been seen before. */
    return sim_story_was_faulty(story) ||
           (sim_story_faults(story) > 0 && error->detail == STELE_IO_POISONED);
}

/* Judges the answer to an action that was carried out and waited for. */
static bool judge(sim_story *story, sim_action *action)
{
    sim_history *history = &story->history;
    const sim_answer *answer = &action->answer;
    if (sim_story_is_crashed(story)) {
        sim_history_doubt(history, action);
        return true;
    }
    if (answer->status != STELE_OK && !sim_report_is_told(answer->status, &answer->error)) {
        return sim_report_fail(&story->report, "%s: %s, and the error says %s: \"%s\"",
                               sim_action_print(action, &story->arena),
                               stele_status_name(answer->status),
                               stele_status_name(answer->error.status), answer->error.message);
    }
    if (answer->status == STELE_OK || is_refusal(answer->status)) {
        story->counts.accepted += answer->status == STELE_OK && !answer->receipt.already_applied;
        story->counts.retried += answer->status == STELE_OK && answer->receipt.already_applied;
        story->counts.refused += answer->status != STELE_OK;
        if (answer->status == STELE_OK) {
            sim_history_promise(history, answer->receipt.position,
                                sim_action_durability(action, history->durability));
        }
        /* Behind the submissions that were handed in before, some of which may not be completed. */
        action->is_completed = true;
        sim_history_doubt(history, action);
        return sim_story_settle(story);
    }
    if (!sim_story_settle(story)) {
        return false;
    }
    if (!sim_story_may_fail(story, &answer->error)) {
        sim_report_saw(&story->report, answer->status);
        return sim_report_fail(&story->report, "%s: %s", sim_action_print(action, &story->arena),
                               answer->error.message);
    }
    sim_story_tell(story, "    failed: %s", answer->error.message);
    if (answer->error.detail == STELE_IO_POISONED) {
        sim_history_doubt(history, action);
    } else {
        action->state = SIM_FAILED;
    }
    return true;
}

static void note_asked(sim_history *history, sim_action *action)
{
    if (history->all_count < SIM_ACTIONS_MAX) {
        history->all[history->all_count++] = action;
    }
}

bool sim_story_carry_out(sim_story *story, sim_action *action)
{
    sim_story_tell(story, "%s", sim_action_print(action, &story->arena));
    story->is_recreating = sim_action_recreates(action, &story->history);
    sim_action_run(action, story->store, &action->answer);
    story->is_recreating = false;
    note_asked(&story->history, action);
    sim_story_tell(story, "    %s%s%s", stele_status_name(action->answer.status),
                   action->answer.status ? ": " : "",
                   action->answer.status ? action->answer.error.message : "");
    return judge(story, action);
}

static void complete(void *context, stele_status status, const stele_receipt *receipt,
                     const stele_error *error)
{
    sim_action *action = context;
    action->is_completed = true;
    action->answer.status = status;
    if (receipt) {
        action->answer.receipt = *receipt;
    }
    if (error) {
        action->answer.error = *error;
    }
}

bool sim_story_submit(sim_story *story, sim_action *action)
{
    stele_error error;
    action->is_submitted = true;
    sim_story_tell(story, "%s", sim_action_print(action, &story->arena));
    const stele_status status = sim_action_submit(action, story->store, complete, &error);
    if (status == STELE_OK || sim_story_is_crashed(story)) {
        note_asked(&story->history, action);
        sim_history_doubt(&story->history, action);
        return sim_story_settle(story);
    }
    action->state = SIM_FAILED;
    return status == STELE_BUSY || sim_story_may_fail(story, &error) ||
           sim_report_fail(&story->report, "%s: %s", sim_action_print(action, &story->arena),
                           error.message);
}

bool sim_story_sync(sim_story *story)
{
    stele_error error;
    sim_story_tell(story, "sync");
    const stele_status status = stele_sync(story->store, &error);
    if (sim_story_is_crashed(story)) {
        return true;
    }
    if (!sim_story_settle(story)) {
        return false;
    }
    if (status != STELE_OK) {
        return sim_story_may_fail(story, &error) ||
               sim_report_fail(&story->report, "sync: %s", error.message);
    }
    sim_history_promise(&story->history, story->history.head, STELE_DURABLE_FULL);
    return story->history.open_count == 0 ||
           sim_report_fail(&story->report, "sync left %zu submissions uncompleted",
                           story->history.open_count);
}

bool sim_story_work(sim_story *story, uint64_t count)
{
    int has_more = 1;
    sim_story_tell(story, "%" PRIu64 " steps of work", count);
    for (uint64_t i = 0; i < count && has_more && !sim_story_is_crashed(story); i++) {
        stele_error error;
        const stele_status status = stele_step(story->store, &has_more, &error);
        if (sim_story_is_crashed(story)) {
            return true;
        }
        if (!sim_story_settle(story)) {
            return false;
        }
        if (status != STELE_OK) {
            return sim_story_may_fail(story, &error) ||
                   sim_report_fail(&story->report, "step: %s", error.message);
        }
    }
    return true;
}

bool sim_story_reopen(sim_story *story)
{
    if (story->settings.url) {
        /* What is in memory does not come back. */
        return true;
    }
    sim_story_tell(story, "close and open");
    sim_story_let_go(story);
    if (!sim_story_close(story)) {
        return false;
    }
    return sim_story_is_crashed(story) || sim_story_open(story);
}

/* The names of index files. */
typedef struct name_pile {
    char names[64][SIM_NAME_SIZE_MAX];
    size_t count;
} name_pile;

static void pile_index(void *context, const char *name)
{
    name_pile *pile = context;
    if (sim_file_kind_of(name) == SIM_INDEX &&
        pile->count < sizeof pile->names / sizeof pile->names[0]) {
        (void)snprintf(pile->names[pile->count++], SIM_NAME_SIZE_MAX, "%s", name);
    }
}

/* Somebody else removes index files while the store is closed. They are missing then, or there
 * again after a crash of the machine. */
static void lose_index_files(sim_story *story)
{
    const stele_vfs *vfs = sim_disk_vfs(story->disk, 2);
    const bool loses_all = sim_chance(&story->choice, 1, 3);
    name_pile pile = {.count = 0};
    (void)vfs->list(vfs, FOLDER, pile_index, &pile);
    for (size_t i = 0; i < pile.count; i++) {
        char path[sizeof FOLDER + SIM_NAME_SIZE_MAX];
        (void)snprintf(path, sizeof path, FOLDER "/%s", pile.names[i]);
        if (loses_all || sim_chance(&story->choice, 1, 3)) {
            sim_story_tell(story, "somebody removes %s", path);
            (void)vfs->remove(vfs, path);
            story->counts.index_files_lost++;
            story->may_heal = story->has_lost_index = true;
        }
    }
    if (sim_chance(&story->choice, 1, 2)) {
        (void)vfs->sync_folder(vfs, FOLDER);
    }
}

bool sim_story_lose_indexes(sim_story *story)
{
    if (story->settings.url) {
        return true;
    }
    sim_story_tell(story, "close, lose index files and open");
    sim_story_let_go(story);
    if (!sim_story_close(story)) {
        return false;
    }
    if (sim_story_is_crashed(story)) {
        return true;
    }
    sim_story_close_observer(story);
    lose_index_files(story);
    return sim_story_open(story);
}

/* What every step is followed by. */
bool sim_story_end_step(sim_story *story)
{
    const char *misuse = sim_disk_misuse(story->disk);
    if (misuse) {
        return sim_report_fail(&story->report, "misuse of the file table: %s", misuse);
    }
    if (sim_story_is_crashed(story)) {
        return sim_story_recover(story);
    }
    const bool was_hit = sim_story_was_faulty(story);
    stele_info info;
    if (story->settings.is_lying && stele_describe(story->store, &info, NULL) == STELE_CORRUPT) {
        story->report.saw_corruption = true;
        return sim_report_fail(&story->report, "the store cannot describe itself");
    }
    if (sim_story_is_poisoned(story)) {
        return sim_story_repair(story);
    }
    return was_hit || check_head(story);
}

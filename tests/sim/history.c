/* SPDX-License-Identifier: Apache-2.0 */
/* What must be true of the store under test. See history.h. */
#include "sim/history.h"

#include <inttypes.h>

/* ---- oracle */

static void open_oracle(sim_history *history)
{
    sim_clock_init(&history->clock, 0x0a);
    const stele_options options = {.background = STELE_NO_THREADS, .clock = &history->clock.clock};
    stele_error error;
    if (stele_open("memory:", &options, &history->oracle, &error) != STELE_OK) {
        (void)sim_report_fail(history->report, "the oracle cannot be opened: %s", error.message);
    }
    history->head = 0;
}

static void close_oracle(sim_history *history)
{
    (void)stele_close(history->oracle, NULL);
    history->oracle = NULL;
}

void sim_history_set_time(sim_history *history, stele_time now)
{
    history->clock.wall = now;
    history->clock.monotonic = now - SIM_CLOCK_BEGIN + INT64_C(1000000000);
}

void sim_history_begin(sim_history *history, sim_arena *arena, sim_report *report,
                       stele_durability durability)
{
    memset(history, 0, offsetof(sim_history, ids));
    memset(history->ids, 0, sizeof history->ids);
    history->mark_count = 0;
    history->arena = arena;
    history->report = report;
    history->durability = durability;
    open_oracle(history);
}

void sim_history_end(sim_history *history)
{
    close_oracle(history);
}

/* The commit that holds a position; NULL if none does. */
static const sim_action *action_at(const sim_history *history, stele_position position)
{
    size_t low = 0;
    size_t high = history->log_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (history->log[middle]->last < position) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < history->log_count && history->log[low]->first <= position ? history->log[low]
                                                                            : NULL;
}

static bool is_id_right(void *context, stele_position position, const stele_uuid *id,
                        bool *ret_was_given)
{
    sim_history *history = context;
    const sim_action *action = action_at(history, position);
    *ret_was_given = action && sim_action_gives_id(action, position - action->first);
    if (*ret_was_given || position >= SIM_POSITIONS_MAX) {
        return true;
    }
    if (stele__uuid_is_none(&history->ids[position])) {
        history->ids[position] = *id;
    }
    return stele__uuid_equal(&history->ids[position], id);
}

sim_pair sim_history_pair(sim_history *history, stele_store *store)
{
    return (sim_pair){.store = store,
                      .oracle = history->oracle,
                      .is_id_right = is_id_right,
                      .context = history,
                      .report = history->report};
}

static stele_position oracle_head(sim_history *history)
{
    stele_position head = 0;
    stele_error error;
    if (stele_head(history->oracle, &head, &error) != STELE_OK) {
        (void)sim_report_fail(history->report, "the oracle has no head: %s", error.message);
    }
    return head;
}

/* Adds what an accepted action wrote; the oracle has carried it out. */
static void enter_into_log(sim_history *history, sim_action *action, stele_time time)
{
    STELE_ASSERT(history->log_count < SIM_ACTIONS_MAX);
    action->state = SIM_ACCEPTED;
    action->time = time;
    action->first = history->head + 1;
    action->last = oracle_head(history);
    history->head = action->last;
    history->log[history->log_count++] = action;
}

/* Writes the log anew into an empty oracle. */
static bool rebuild_oracle(sim_history *history)
{
    close_oracle(history);
    open_oracle(history);
    for (size_t i = 0; i < history->log_count; i++) {
        const sim_action *action = history->log[i];
        sim_answer answer;
        sim_history_set_time(history, action->time);
        sim_action_run(action, history->oracle, &answer);
        history->head = oracle_head(history);
        if (answer.status != STELE_OK || history->head != action->last) {
            return sim_report_fail(history->report,
                                   "the oracle does not repeat itself: action %" PRIu64 ": %s",
                                   action->number,
                                   answer.status ? answer.error.message : "another position");
        }
    }
    return true;
}

/* ---- answers */

static bool differ(sim_history *history, const sim_action *action, const sim_answer *theirs,
                   const char *part)
{
    const sim_answer *mine = &action->answer;
    return sim_report_fail(history->report,
                           "%s: %s is wrong; got %s%s%s [%" PRIu64 "..%" PRIu64 " revision %" PRIu64
                           "%s], expected %s%s%s [%" PRIu64 "..%" PRIu64 " revision %" PRIu64 "%s]",
                           sim_action_print(action, history->arena), part,
                           stele_status_name(mine->status), mine->status ? ": " : "",
                           mine->status ? mine->error.message : "", mine->receipt.first_position,
                           mine->receipt.position, mine->receipt.revision,
                           mine->receipt.already_applied ? ", already applied" : "",
                           stele_status_name(theirs->status), theirs->status ? ": " : "",
                           theirs->status ? theirs->error.message : "",
                           theirs->receipt.first_position, theirs->receipt.position,
                           theirs->receipt.revision,
                           theirs->receipt.already_applied ? ", already applied" : "");
}

static const char *differing_receipt(const sim_action *action, const sim_answer *mine,
                                     const sim_answer *theirs)
{
    if (!mine->receipt.already_applied != !theirs->receipt.already_applied) {
        return "whether it was already applied";
    }
    if (mine->receipt.first_position != theirs->receipt.first_position ||
        mine->receipt.position != theirs->receipt.position) {
        return "the position";
    }
    if (mine->receipt.revision != theirs->receipt.revision) {
        return "the revision";
    }
    if (mine->receipt.time != theirs->receipt.time) {
        return "the time";
    }
    if (action->kind == SIM_DO_COMMIT && !action->is_submitted) {
        for (size_t i = 0; i < action->event_count; i++) {
            if (mine->revisions[i] != theirs->revisions[i]) {
                return "the revision of an event";
            }
        }
    }
    return NULL;
}

static const char *differing_refusal(const sim_history *history, const sim_action *action,
                                     const sim_answer *mine, const sim_answer *theirs)
{
    const stele_conflict *a = &mine->error.conflict;
    const stele_conflict *b = &theirs->error.conflict;
    if (mine->error.detail != theirs->error.detail) {
        return "the detail";
    }
    switch (mine->error.detail) {
    case STELE_CONFLICT_REVISION:
    case STELE_DELETED_SOFT:
    case STELE_DELETED_TOMBSTONE:
        if (a->index != b->index || a->expected_revision != b->expected_revision ||
            a->actual_revision != b->actual_revision || a->violation_count != b->violation_count) {
            return "the violation";
        }
        break;
    case STELE_CONFLICT_CONDITION:
        return a->index == b->index && a->position == b->position ? NULL : "the violating event";
    case STELE_CONFLICT_KEY:
        /* Any event of it will do. */
        return action_at(history, a->position) == action_at(history, b->position)
                   ? NULL
                   : "the commit that has the key";
    default:
        return NULL;
    }
    const uint32_t count =
        a->violation_count < SIM_VIOLATIONS_MAX ? a->violation_count : SIM_VIOLATIONS_MAX;
    for (uint32_t i = 0; i < count && !action->is_submitted; i++) {
        if (mine->violations[i].index != theirs->violations[i].index ||
            mine->violations[i].expected != theirs->violations[i].expected ||
            mine->violations[i].actual != theirs->violations[i].actual) {
            return "one of the violations";
        }
    }
    return NULL;
}

void sim_history_promise(sim_history *history, stele_position position, stele_durability durability)
{
    if (durability <= STELE_DURABLE_OS && position > history->safe[SIM_PROCESS_CRASH]) {
        history->safe[SIM_PROCESS_CRASH] = position;
    }
    if (durability <= STELE_DURABLE_FULL && position > history->safe[SIM_MACHINE_CRASH]) {
        history->safe[SIM_MACHINE_CRASH] = position;
    }
}

bool sim_history_expect(sim_history *history, sim_action *action)
{
    sim_answer theirs;
    const sim_answer *mine = &action->answer;
    if (mine->status == STELE_OK) {
        sim_history_set_time(history, mine->receipt.time);
    }
    sim_action_run(action, history->oracle, &theirs);
    if (mine->status != theirs.status) {
        return differ(history, action, &theirs, "the answer");
    }
    const char *part = mine->status == STELE_OK ? differing_receipt(action, mine, &theirs)
                                                : differing_refusal(history, action, mine, &theirs);
    if (part) {
        return differ(history, action, &theirs, part);
    }
    if (mine->status == STELE_OK && !mine->receipt.already_applied) {
        enter_into_log(history, action, mine->receipt.time);
    } else {
        action->state = SIM_ANSWERED;
    }
    if (mine->status == STELE_OK) {
        sim_history_promise(history, mine->receipt.position,
                            sim_action_durability(action, history->durability));
    }
    return true;
}

void sim_history_doubt(sim_history *history, sim_action *action)
{
    STELE_ASSERT(history->open_count < SIM_ACTIONS_MAX);
    action->state = SIM_IN_FLIGHT;
    history->open[history->open_count++] = action;
}

void sim_history_show(sim_history *history, stele_position head)
{
    if (head > history->seen) {
        history->seen = head;
    }
    const stele_position known = head < history->head ? head : history->head;
    sim_history_promise(history, known, STELE_DURABLE_OS);
    for (size_t i = history->log_count; i-- > 0;) {
        const sim_action *action = history->log[i];
        if (action->last <= history->safe[SIM_MACHINE_CRASH]) {
            break;
        }
        if (action->last <= known &&
            sim_action_durability(action, history->durability) == STELE_DURABLE_FULL) {
            sim_history_promise(history, action->last, STELE_DURABLE_FULL);
            break;
        }
    }
}

/* ---- resolution */

static bool lose_behind(sim_history *history, stele_position head, sim_crash_kind kind)
{
    if (head < history->safe[kind] && !history->is_lying) {
        return sim_report_fail(history->report,
                               "acknowledged events are lost: %" PRIu64 " of %" PRIu64
                               " positions are left after a %s "
                               "crash, and %" PRIu64 " were promised",
                               head, history->head,
                               kind == SIM_MACHINE_CRASH ? "machine" : "process",
                               history->safe[kind]);
    }
    size_t left = history->log_count;
    while (left > 0 && history->log[left - 1]->last > head) {
        history->log[--left]->state = SIM_LOST;
    }
    if ((left > 0 ? history->log[left - 1]->last : 0) != head) {
        return sim_report_fail(history->report, "a commit was cut in two at position %" PRIu64,
                               head);
    }
    history->log_count = left;
    for (stele_position p = head + 1; p <= history->head && p < SIM_POSITIONS_MAX; p++) {
        memset(&history->ids[p], 0, sizeof history->ids[p]);
    }
    for (int i = 0; i < 2; i++) {
        history->safe[i] = history->safe[i] < head ? history->safe[i] : head;
    }
    return rebuild_oracle(history);
}

/* The time at which the store recorded the event at a position. */
static bool time_at(sim_history *history, stele_store *store, stele_position position,
                    stele_time *ret_time)
{
    STELE_CLEANUP(cursor) stele_cursor *cursor = NULL;
    stele_error error;
    const stele_read read = {.from = STELE_AT_POSITION(position), .limit = 1};
    const stele_record *record = NULL;
    if (stele_read_open(store, &read, &cursor, &error) == STELE_OK) {
        record = stele_cursor_next(cursor, &error);
    }
    if (!record) {
        return sim_report_fail(history->report,
                               "position %" PRIu64 " below the head cannot be read: %s", position,
                               error.status ? error.message : "it is not there");
    }
    *ret_time = record->time;
    return true;
}

/* Whether the store has, from history->head + 1 on, what the oracle has now written there. */
static bool is_what_the_store_has(sim_history *history, stele_store *store, stele_position first)
{
    sim_report quiet = {0};
    sim_pair pair = sim_history_pair(history, store);
    pair.report = &quiet;
    STELE_CLEANUP(cursor) stele_cursor *mine = NULL;
    STELE_CLEANUP(cursor) stele_cursor *theirs = NULL;
    const stele_read read = {.from = STELE_AT_POSITION(first)};
    if (stele_read_open(store, &read, &mine, NULL) != STELE_OK ||
        stele_read_open(history->oracle, &read, &theirs, NULL) != STELE_OK) {
        return false;
    }
    return sim_compare_cursors(&pair, mine, theirs, history->head - first + 1, "what was in doubt");
}

/* Tries whether an action in doubt is what follows in the store. */
static bool try_in_doubt(sim_history *history, stele_store *store, sim_action *action,
                         stele_position head, bool *ret_is_there)
{
    stele_time time = 0;
    sim_answer answer;
    const stele_position first = history->head + 1;
    *ret_is_there = false;
    if (!time_at(history, store, first, &time)) {
        return false;
    }
    sim_history_set_time(history, time);
    sim_action_run(action, history->oracle, &answer);
    if (answer.status != STELE_OK || answer.receipt.already_applied) {
        action->state = SIM_ANSWERED;
        return true;
    }
    enter_into_log(history, action, time);
    if (action->last <= head && is_what_the_store_has(history, store, first)) {
        *ret_is_there = true;
        return true;
    }
    history->log_count--;
    action->state = SIM_LOST;
    for (stele_position p = first; p <= action->last && p < SIM_POSITIONS_MAX; p++) {
        memset(&history->ids[p], 0, sizeof history->ids[p]);
    }
    return rebuild_oracle(history);
}

/* The store has more than was acknowledged. */
static bool find_in_doubt(sim_history *history, stele_store *store, stele_position head)
{
    for (size_t i = 0; i < history->open_count && history->head < head; i++) {
        bool is_there;
        if (!try_in_doubt(history, store, history->open[i], head, &is_there)) {
            return false;
        }
    }
    if (history->head < head) {
        return sim_report_fail(history->report,
                               "the store has events up to position %" PRIu64
                               ", but behind %" PRIu64 " none of the %zu actions in doubt fits",
                               head, history->head, history->open_count);
    }
    return true;
}

/* What somebody saw must be there if its durability covered the crash; of those in doubt the
 * durability is judged together. */
static bool check_seen(sim_history *history, stele_position acknowledged, stele_position head,
                       sim_crash_kind kind)
{
    if (history->seen <= acknowledged || history->seen <= head || history->is_lying) {
        return true;
    }
    for (size_t i = 0; i < history->open_count; i++) {
        const stele_durability durability =
            sim_action_durability(history->open[i], history->durability);
        if (durability != STELE_DURABLE_FULL && kind == SIM_MACHINE_CRASH) {
            return true;
        }
    }
    return sim_report_fail(history->report,
                           "events were shown too early: another process saw position %" PRIu64
                           ", and after the crash the store ends at %" PRIu64,
                           history->seen, head);
}

bool sim_history_resolve(sim_history *history, stele_store *store, sim_crash_kind kind)
{
    stele_position head;
    stele_error error;
    if (stele_head(store, &head, &error) != STELE_OK) {
        return sim_report_fail(history->report, "no head after opening: %s", error.message);
    }
    if (!check_seen(history, history->head, head, kind)) {
        return false;
    }
    const bool is_resolved = head < history->head ? lose_behind(history, head, kind)
                                                  : find_in_doubt(history, store, head);
    for (size_t i = 0; i < history->open_count; i++) {
        if (history->open[i]->state == SIM_IN_FLIGHT) {
            history->open[i]->state = SIM_LOST;
        }
    }
    history->open_count = 0;
    history->seen = 0;
    if (is_resolved) {
        sim_history_show(history, head);
    }
    return is_resolved;
}

/* ---- checkpoints */

void sim_history_mark(sim_history *history, const stele_info *info, size_t place)
{
    if (info->head == 0 || info->head > history->head) {
        return;
    }
    place = place < history->mark_count ? place : history->mark_count;
    history->mark_count += place == history->mark_count && place < SIM_CHECKPOINTS_MAX;
    place = place < SIM_CHECKPOINTS_MAX ? place : SIM_CHECKPOINTS_MAX - 1;
    history->marks[place] = (sim_mark){.checkpoint = {info->store, info->epoch, info->head},
                                       .action = action_at(history, info->head)};
}

bool sim_history_check_marks(sim_history *history, stele_store *store)
{
    for (size_t i = 0; i < history->mark_count && !history->is_lying; i++) {
        const sim_mark *mark = &history->marks[i];
        const stele_position position = mark->checkpoint.position;
        stele_position valid_until = UINT64_MAX;
        stele_error error;
        const stele_status status =
            stele_checkpoint_check(store, &mark->checkpoint, &valid_until, &error);
        const bool is_valid = action_at(history, position) == mark->action;
        if (is_valid && status != STELE_OK) {
            return sim_report_fail(history->report,
                                   "a checkpoint at %" PRIu64 " of epoch %" PRIu64
                                   " was refused: %s",
                                   position, mark->checkpoint.epoch, error.message);
        }
        if (!is_valid && (status != STELE_INVALID || error.detail != STELE_INVALID_CHECKPOINT)) {
            return sim_report_fail(history->report,
                                   "a checkpoint at %" PRIu64 " of epoch %" PRIu64
                                   " was accepted, though that history was cut",
                                   position, mark->checkpoint.epoch);
        }
        if (!is_valid && (valid_until >= position || valid_until > history->head)) {
            return sim_report_fail(history->report,
                                   "a checkpoint at %" PRIu64
                                   " was refused as valid until %" PRIu64,
                                   position, valid_until);
        }
    }
    return true;
}

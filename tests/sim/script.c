/* SPDX-License-Identifier: Apache-2.0 */
/* Every outcome of short histories. See script.h. */
#include "sim/script.h"

#include <inttypes.h>

#ifdef STELE_CANARY
#include "log/canary.h"

#include <stdlib.h>

void sim_script_take_canary(void)
{
    const char *number = getenv("STELE_TEST_CANARY");
    stele__log_canary = number ? (int)strtol(number, NULL, 10) : 0;
}
#else
void sim_script_take_canary(void)
{
}
#endif

/* Upper bound of changing calls in a script with its opening; crashes are planned in each of them.
 */
enum { CALLS_MAX = 400, BIG_BYTES = 30 * 1024 };

static sim_action *make_append(sim_story *story, const char *stream, size_t size,
                               stele_durability durability)
{
    sim_action *action = sim_arena_get(&story->arena, sizeof *action);
    const uint64_t number = ++story->next_number;
    uint8_t *bytes = sim_arena_get(&story->arena, size);
    memset(bytes, (int)(number & 0xff), size);
    action->kind = SIM_DO_APPEND;
    action->number = number;
    action->stream = stream;
    action->expected = STELE_ANY;
    action->events = sim_arena_get(&story->arena, sizeof *action->events);
    action->event_count = 1;
    action->events[0] = (stele_event){.type = "changed", .stream = stream, .data = {bytes, size}};
    stele__store64(action->events[0].id.bytes, number);
    action->options.durability = durability;
    return action;
}

static sim_action *make_commit(sim_story *story)
{
    sim_action *action = make_append(story, "order-1", 40, STELE_DURABLE_FULL);
    stele_event *events = sim_arena_get(&story->arena, 3 * sizeof *events);
    static const char *const streams[] = {"order-1", "plain", "order-2"};
    for (size_t i = 0; i < 3; i++) {
        events[i] = action->events[0];
        events[i].stream = streams[i];
        events[i].id.bytes[8] = (uint8_t)(i + 1);
    }
    action->kind = SIM_DO_COMMIT;
    action->events = events;
    action->event_count = 3;
    action->options.key = sim_arena_text(&story->arena, "key-%" PRIu64, action->number);
    return action;
}

static sim_action *make_simple(sim_story *story, sim_action_kind kind, const char *json)
{
    sim_action *action = sim_arena_get(&story->arena, sizeof *action);
    action->kind = kind;
    action->number = ++story->next_number;
    action->stream = "account-1";
    action->expected = STELE_ANY;
    action->json = json;
    return action;
}

/* Tagged events with ids, on the condition that nobody was faster. */
static sim_action *make_conditional(sim_story *story)
{
    static const char *const tags[] = {"a:1", "course:1"};
    static const stele_query_item item = {.tags = {tags, 1}};
    static const stele_query query = {.items = &item, .item_count = 1};
    sim_action *action = make_commit(story);
    stele_condition *condition = sim_arena_get(&story->arena, sizeof *condition);
    *condition = (stele_condition){&query, story->history.head};
    action->options.key = NULL;
    action->options.conditions = condition;
    action->options.condition_count = 1;
    for (size_t i = 0; i < action->event_count; i++) {
        action->events[i].tags = tags;
        action->events[i].tag_count = 1 + i % 2;
    }
    return action;
}

/* What was asked last, once more. */
static bool retry_last(sim_story *story)
{
    const sim_history *history = &story->history;
    sim_action *old = history->all_count > 0 ? history->all[history->all_count - 1] : NULL;
    return !old ||
           sim_story_carry_out(story, sim_action_again(&story->arena, old, ++story->next_number));
}

static sim_action *make_tombstone(sim_story *story)
{
    sim_action *action = sim_arena_get(&story->arena, sizeof *action);
    action->kind = SIM_DO_TOMBSTONE;
    action->number = ++story->next_number;
    action->stream = "order-2";
    action->expected = STELE_ANY;
    return action;
}

static sim_action *make_random(sim_story *story)
{
    sim_choice choice;
    sim_choice_random(&choice, ++story->next_number);
    const sim_draw draw = {.arena = &story->arena,
                           .choice = &choice,
                           .history = &story->history,
                           .taste = &story->taste,
                           .number = story->next_number};
    return sim_draw_commit(&draw);
}

static bool run_letter(sim_story *story, char letter)
{
    switch (letter) {
    case 'a':
    case 'u':
        return sim_story_carry_out(story, make_append(story, "account-1", 60, STELE_DURABLE_FULL));
    case 'o':
        return sim_story_carry_out(story, make_append(story, "account-1", 60, STELE_DURABLE_OS));
    case 'n':
        return sim_story_carry_out(story, make_append(story, "account-2", 60, STELE_DURABLE_NONE));
    case 'q':
        return sim_story_carry_out(story, make_append(story, "order-1", 600, STELE_DURABLE_OS));
    case 'b':
        return sim_story_carry_out(story,
                                   make_append(story, "order-1", BIG_BYTES, STELE_DURABLE_OS));
    case 'm':
        return sim_story_carry_out(story, make_commit(story));
    case 'r':
        return sim_story_carry_out(story, make_random(story));
    case 'd':
        return sim_story_carry_out(story, make_simple(story, SIM_DO_DELETE, NULL));
    case 't':
        return sim_story_carry_out(story, make_simple(story, SIM_DO_METADATA, "{\"$maxCount\":2}"));
    case 'i':
        return sim_story_carry_out(story, make_conditional(story));
    case 'e':
        return retry_last(story);
    case 'x':
        return sim_story_carry_out(story, make_tombstone(story));
    case 'f':
        return sim_story_observe(story);
    case 'p':
        return sim_story_submit(story, make_commit(story)) &&
               sim_story_submit(story, make_commit(story));
    case 's':
        return sim_story_sync(story);
    case 'w':
        return sim_story_work(story, 100);
    case 'c':
        return sim_story_reopen(story);
    case 'k':
        sim_disk_forget_plan(story->disk);
        sim_disk_crash_now(story->disk, SIM_PROCESS_CRASH, SIM_PLACE_OTHER);
        return true;
    default:
        return sim_report_fail(&story->report, "there is no operation %c", letter);
    }
}

bool sim_script_run(sim_story *story, const char *script)
{
    bool is_right = true;
    for (const char *at = script; *at != '\0' && is_right; at++) {
        story->step = (uint32_t)(at - script);
        is_right = run_letter(story, *at) && sim_story_end_step(story);
    }
    return is_right;
}

/* One course. *ret_has_crashed: the planned crash struck; else the plan lay behind the script's
 * end. */
static bool run_course(sim_story *story, const char *script, sim_crash_kind kind, bool has_nested,
                       sim_choice *every, bool *ret_has_crashed)
{
    const sim_settings settings = {.seed = 1, .place = -1, .is_single = !has_nested};
    sim_story_begin(story, &settings);
    story->taste.durability = STELE_DURABLE_FULL;
    story->options.durability = STELE_DURABLE_FULL;
    story->history.durability = STELE_DURABLE_FULL;
    story->wants_observer = false;
    story->fate = every;
    const uint64_t crashes_before = story->counts.crash_count;
    const sim_crash_plan plan = {.is_armed = true,
                                 .kind = kind,
                                 .place = -1,
                                 .countdown = 1 + sim_choose(every, CALLS_MAX),
                                 .is_after = sim_chance(every, 1, 2)};
    const bool is_of_opening = *script == '\0';
    if (is_of_opening) {
        sim_disk_plan_crash(story->disk, &plan);
    }
    bool is_right = sim_story_open(story) && sim_story_end_step(story);
    if (!is_of_opening) {
        sim_disk_plan_crash(story->disk, &plan);
    }
    is_right = is_right && sim_script_run(story, script);
    *ret_has_crashed = story->counts.crash_count > crashes_before;
    is_right = is_right && sim_story_finish(story);
    sim_story_end(story);
    return is_right && !story->report.has_failed;
}

bool sim_script_run_every(sim_story *story, const char *script, sim_crash_kind kind,
                          bool has_nested, uint64_t courses_max, sim_script_result *ret_result)
{
    sim_choice every;
    sim_choice_every(&every);
    *ret_result = (sim_script_result){.is_complete = true};
    do {
        bool has_crashed;
        if (!run_course(story, script, kind, has_nested, &every, &has_crashed)) {
            return false;
        }
        if (!has_crashed) {
            /* Later calls do not exist: the first question is answered for good. */
            break;
        }
        if (++ret_result->courses >= courses_max) {
            ret_result->is_complete = false;
            break;
        }
    } while (sim_choice_next(&every));
    return true;
}

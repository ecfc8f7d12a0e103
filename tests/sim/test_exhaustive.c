/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Short histories with every crash in them and every outcome of each: in every call that changes
 * the disk, before and after it, with every combination of pending changes kept, dropped and torn.
 * A course beyond the bound of a row is not visited; the note says so. (STELE_TEST_SCALE raises the
 * bound.)
 */
#include "sim/script.h"
#include "support/test.h"

typedef struct history_row {
    const char *script;
    sim_crash_kind kind;
    bool has_nested;
} history_row;

static const history_row rows[] = {
    {"", SIM_MACHINE_CRASH, false},       {"", SIM_MACHINE_CRASH, true},
    {"", SIM_PROCESS_CRASH, true},        {"aaa", SIM_MACHINE_CRASH, false},
    {"ona", SIM_MACHINE_CRASH, false},    {"ooo", SIM_MACHINE_CRASH, false},
    {"nns", SIM_MACHINE_CRASH, false},    {"nnsc", SIM_PROCESS_CRASH, false},
    {"ama", SIM_MACHINE_CRASH, false},    {"ppw", SIM_MACHINE_CRASH, false},
    {"pasp", SIM_PROCESS_CRASH, false},   {"adua", SIM_MACHINE_CRASH, false},
    {"audtu", SIM_MACHINE_CRASH, false},  {"bbba", SIM_MACHINE_CRASH, false},
    {"bbbaw", SIM_MACHINE_CRASH, false},  {"bbbbbw", SIM_MACHINE_CRASH, false},
    {"bbbbbw", SIM_PROCESS_CRASH, false}, {"acac", SIM_MACHINE_CRASH, false},
    {"acaca", SIM_PROCESS_CRASH, false},  {"bbbcba", SIM_MACHINE_CRASH, false},
    {"qqqqk", SIM_MACHINE_CRASH, false},  {"aqqqqk", SIM_MACHINE_CRASH, false},
    {"aonm", SIM_MACHINE_CRASH, true},    {"bbbwa", SIM_MACHINE_CRASH, true},
};

TEST_DECLARE_(every_outcome_of_a_short_history_is_survived, 120, sizeof rows / sizeof rows[0])
{
    const history_row *history = &rows[row];
    sim_story *story = sim_story_new();
    sim_script_result result;
    const bool is_right = sim_script_run_every(story, history->script, history->kind,
                                               history->has_nested, test_scaled(3000), &result);
    if (!is_right) {
        test_fail("script \"%s\", course %llu: %s", history->script,
                  (unsigned long long)result.courses, story->report.text);
    }
    test_note("\"%s\", %s crashes%s: %llu courses%s", history->script,
              history->kind == SIM_MACHINE_CRASH ? "machine" : "process",
              history->has_nested ? ", one more in recovery" : "",
              (unsigned long long)result.courses,
              result.is_complete ? "" : " (and there are more)");
    expect_true(result.courses > 10);
    sim_story_free(story);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fault loops. A body (open, append, seal, merge, undelete, read, verify, recover) is run again and
 * again, with its n-th allocation failing, or its n-th call of the disk, for n = 1, 2, 3 … until a
 * run meets no fault; once, and from the n-th on for ever. Each run must end with success or a
 * clean status, leak nothing, and leave a store that opens with everything that was acknowledged
 * and nothing else: the oracle of the simulator decides.
 */
#include "sim/script.h"
#include "support/test.h"

#include <errno.h>
#include <stdio.h>

typedef struct fault_body {
    const char *name;
    const char *before; /* script, without faults */
    bool (*run)(sim_story *story);
} fault_body;

typedef struct fault_kind {
    const char *name;
    bool is_memory;
    bool is_persistent;
    unsigned calls;
    int error;
    sim_fault_effect effect;
} fault_kind;

static const fault_kind kinds[] = {
    {"allocation n", true, false, 0, 0, SIM_FAIL},
    {"allocation n and later", true, true, 0, 0, SIM_FAIL},
    {"EIO in call n", false, false, SIM_CALLS_ALL, EIO, SIM_FAIL},
    {"EIO in call n and later", false, true, SIM_CALLS_ALL, EIO, SIM_FAIL},
    {"EMFILE in opening n", false, false, 1u << SIM_OPEN | 1u << SIM_CREATE, EMFILE, SIM_FAIL},
    {"ENOSPC in call n", false, false,
     1u << SIM_CREATE | 1u << SIM_WRITE | 1u << SIM_ALLOCATE | 1u << SIM_RENAME, ENOSPC, SIM_FAIL},
    {"ENOSPC in call n and later", false, true,
     1u << SIM_CREATE | 1u << SIM_WRITE | 1u << SIM_ALLOCATE | 1u << SIM_RENAME, ENOSPC, SIM_FAIL},
    {"pages lost in sync n", false, false, 1u << SIM_SYNC, EIO, SIM_LOSE},
    {"ENOTSUP in map n and later", false, true, 1u << SIM_MAP, ENOTSUP, SIM_FAIL},
};

enum { KIND_COUNT = sizeof kinds / sizeof kinds[0] };

/* ---- bodies */

static bool run_open(sim_story *story)
{
    return sim_story_open(story) && sim_story_end_step(story);
}

static bool run_append(sim_story *story)
{
    return sim_script_run(story, "aomnups");
}

static bool run_seal(sim_story *story)
{
    return sim_script_run(story, "bbbw");
}

static bool run_merge(sim_story *story)
{
    return sim_script_run(story, "w");
}

static bool run_undelete(sim_story *story)
{
    return sim_script_run(story, "utdu");
}

static bool run_close(sim_story *story)
{
    return sim_story_reopen(story) && sim_story_end_step(story);
}

/* What is read under a fault is right, or an error of the surroundings. */
static bool run_read(sim_story *story)
{
    static const char *const streams[] = {"account-1", "order-1", "plain", "$$account-1"};
    bool is_quiet;
    if (!sim_story_quiesce(story, &is_quiet)) {
        return false;
    }
    for (size_t i = 0; i < 8 && is_quiet; i++) {
        sim_report quiet = {0};
        sim_pair pair = sim_history_pair(&story->history, story->store);
        pair.report = &quiet;
        const stele_read all = {.direction = (stele_direction)(i & 1)};
        const stele_read stream = {.stream = streams[i / 2], .direction = (stele_direction)(i & 1)};
        const stele_read type = {.event_type = "changed", .from = STELE_AT_POSITION(3)};
        const stele_list names = {.kind = (stele_name_kind)(i / 2)};
        const bool is_right =
            sim_compare_read(&pair, &all, "everything") &&
            sim_compare_read(&pair, &stream, streams[i / 2]) &&
            sim_compare_read(&pair, &type, "a type") && sim_compare_names(&pair, &names, "all") &&
            sim_compare_metadata(&pair, "account-1") && sim_compare_stream(&pair, streams[i / 2]);
        if (!is_right && !(quiet.saw_io_error && sim_story_was_faulty(story))) {
            return sim_report_fail(&story->report, "%s", quiet.text);
        }
    }
    return true;
}

static bool run_verify(sim_story *story)
{
    stele_verify_result result;
    stele_error error;
    const stele_status status = stele_verify(story->store, NULL, &result, &error);
    if (status == STELE_OK) {
        return result.events == story->history.head ||
               sim_report_fail(&story->report, "verify counted %llu events",
                               (unsigned long long)result.events);
    }
    return ((status == STELE_IO || status == STELE_NO_MEMORY) && sim_story_was_faulty(story)) ||
           sim_report_fail(&story->report, "verify: %s", error.message);
}

/* The store crashed: opening it recovers. */
static bool run_recover(sim_story *story)
{
    story->is_recovering = true;
    const bool is_open = sim_story_open(story);
    story->is_recovering = false;
    return is_open && sim_history_resolve(&story->history, story->store, SIM_MACHINE_CRASH);
}

static const fault_body bodies[] = {
    {"open", NULL, run_open},
    {"append", "am", run_append},
    {"seal", "bb", run_seal},
    {"merge", "bbwbbbwbbwbbwbb", run_merge},
    {"undelete", "mad", run_undelete},
    {"close", "bbwbnp", run_close},
    {"read", "mbbwbbwbadu", run_read},
    {"verify", "mbbwbbwba", run_verify},
    {"recover", "mbbwbboadunm", run_recover},
};

enum { BODY_COUNT = sizeof bodies / sizeof bodies[0] };

/* ---- loops */

static void arm(sim_story *story, const fault_kind *kind, uint64_t n)
{
    if (kind->is_memory) {
        sim_story_fail_memory(story, n, kind->is_persistent);
        return;
    }
    const sim_fault fault = {.calls = kind->calls,
                             .nth = n,
                             .is_persistent = kind->is_persistent,
                             .error = kind->error,
                             .effect = kind->effect};
    (void)sim_disk_add_fault(story->disk, &fault);
}

/* The state in which a body begins. */
static bool prepare(sim_story *story, const fault_body *body)
{
    const sim_settings settings = {.seed = 1, .place = -1, .is_single = true};
    sim_story_begin(story, &settings);
    story->taste.durability = story->options.durability = story->history.durability =
        STELE_DURABLE_FULL;
    story->wants_observer = false;
    if (!body->before) {
        return true;
    }
    if (!sim_story_open(story) || !sim_script_run(story, body->before)) {
        return false;
    }
    if (body->run == run_recover) {
        sim_disk_crash_now(story->disk, SIM_MACHINE_CRASH, SIM_PLACE_OTHER);
        (void)stele_close(story->store, NULL);
        story->store = NULL;
        sim_disk_power_on(story->disk, &story->choice);
    }
    return true;
}

/* One run. *ret_fired: how many faults it met. */
static bool run_once(sim_story *story, const fault_body *body, const fault_kind *kind, uint64_t n,
                     uint64_t *ret_fired)
{
    sim_choice_random(&story->choice, n);
    bool is_right = prepare(story, body);
    const uint64_t before = story->counts.faults;
    if (is_right) {
        arm(story, kind, n);
        is_right = body->run(story);
        (void)sim_story_was_faulty(story);
    }
    *ret_fired = story->counts.faults - before;
    if (is_right && !story->store) {
        is_right = sim_story_end_step(story);
    }
    if (is_right) {
        sim_story_clear_faults(story);
        is_right = sim_story_end_step(story) && sim_story_finish(story);
    }
    sim_story_end(story);
    return is_right && !story->report.has_failed;
}

static uint64_t run_loop(sim_story *story, const fault_body *body, const fault_kind *kind)
{
    uint64_t total = 0;
    for (uint64_t n = 1;; n++) {
        uint64_t fired;
        if (!run_once(story, body, kind, n, &fired)) {
            test_fail("%s, %s, n = %llu: %s", body->name, kind->name, (unsigned long long)n,
                      story->report.text);
        }
        if (fired == 0) {
            return total;
        }
        total += fired;
    }
}

TEST_WITHIN(every_single_fault_ends_in_a_clean_status_and_a_whole_store, 280)
{
    sim_story *story = sim_story_new();
    uint64_t total = 0;
    for (size_t b = 0; b < BODY_COUNT; b++) {
        uint64_t of_body = 0;
        for (size_t k = 0; k < KIND_COUNT; k++) {
            of_body += run_loop(story, &bodies[b], &kinds[k]);
        }
        test_note("%-10s %llu faults", bodies[b].name, (unsigned long long)of_body);
        total += of_body;
    }
    test_note("%-10s %llu faults", "all", (unsigned long long)total);
    expect_true(total >= 2000);
    sim_story_free(story);
}

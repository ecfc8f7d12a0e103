/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fault loops. A body (opening, every way of writing and of reading, sealing, merging, recovering,
 * closing, following from another process …) is run again and again, with its n-th allocation
 * failing, or its n-th call of the disk, for n = 1, 2, 3 … until a run meets no fault; once, and
 * from the n-th on for ever. Each run must end with success or with a status whose error says the
 * same and why, leak nothing, and leave a store that opens with everything that was acknowledged
 * and nothing else: the oracle of the simulator decides. A call that failed is not believed, but
 * the next one is: reading again without the fault must answer right.
 */
#include "sim/script.h"
#include "support/test.h"

#include <errno.h>
#include <stdio.h>

typedef struct fault_body {
    const char *name;
    const char *before; /* script, without faults */
    bool (*run)(sim_story *story);
    unsigned flags;
} fault_body;

enum {
    BODY_READS = 1,   /* changes nothing that is not derived */
    BODY_FOLLOWS = 2, /* the faults are those of another process */
    BODY_PACKS = 4,   /* compresses fast */
    BODY_PACKS_SMALL = 8
};

typedef struct fault_kind {
    const char *name;
    bool is_memory;
    bool is_persistent;
    unsigned calls;
    int error;
    sim_fault_effect effect;
    bool is_of_reading; /* for bodies that write nothing */
} fault_kind;

enum {
    CALLS_OF_SPACE = 1u << SIM_CREATE | 1u << SIM_WRITE | 1u << SIM_ALLOCATE | 1u << SIM_RENAME
};

static const fault_kind kinds[] = {
    {.name = "allocation n", .is_memory = true},
    {.name = "allocation n and later", .is_memory = true, .is_persistent = true},
    {.name = "EIO in call n", .calls = SIM_CALLS_ALL, .error = EIO},
    {.name = "EIO in call n and later",
     .is_persistent = true,
     .calls = SIM_CALLS_ALL,
     .error = EIO},
    {.name = "EMFILE in opening n", .calls = 1u << SIM_OPEN | 1u << SIM_CREATE, .error = EMFILE},
    {.name = "ENOSPC in call n", .calls = CALLS_OF_SPACE, .error = ENOSPC},
    {.name = "ENOSPC in call n and later",
     .is_persistent = true,
     .calls = CALLS_OF_SPACE,
     .error = ENOSPC},
    {.name = "pages lost in sync n", .calls = 1u << SIM_SYNC, .error = EIO, .effect = SIM_LOSE},
    {.name = "ENOTSUP in map n and later",
     .is_persistent = true,
     .calls = 1u << SIM_MAP,
     .error = ENOTSUP},
    {.name = "short read n", .calls = 1u << SIM_READ, .effect = SIM_SHORT, .is_of_reading = true},
    {.name = "short reads from n on",
     .is_persistent = true,
     .calls = 1u << SIM_READ,
     .effect = SIM_SHORT,
     .is_of_reading = true},
};

enum { KIND_COUNT = sizeof kinds / sizeof kinds[0] };

/* ---- bodies */

static bool run_open(sim_story *story)
{
    return sim_story_open(story) && sim_story_end_step(story);
}

static bool run_append(sim_story *story)
{
    return sim_script_run(story, "aonqrrrs");
}

/* To several streams, with keys, on conditions, and each of them once more. */
static bool run_commit(sim_story *story)
{
    return sim_script_run(story, "meieimeierere");
}

static bool run_submit(sim_story *story)
{
    return sim_script_run(story, "ppwpapsp");
}

static bool run_tombstone(sim_story *story)
{
    return sim_script_run(story, "xexmt");
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
    return sim_script_run(story, "utdudetu");
}

static bool run_close(sim_story *story)
{
    return sim_story_reopen(story) && sim_story_end_step(story);
}

/* Whether a failure may be: a fault struck meanwhile, and the store says that its surroundings
 * failed it, or (where bytes were missing) that it is damaged. */
static bool is_excused(sim_story *story, const sim_report *quiet)
{
    const bool is_named = quiet->saw_io_error || (quiet->saw_corruption && story->may_heal);
    return is_named && sim_story_was_faulty(story);
}

static bool ask_streams(const sim_pair *pair, stele_direction direction)
{
    static const char *const streams[] = {"account-1", "order-1", "plain", "$$account-1"};
    for (size_t i = 0; i < sizeof streams / sizeof streams[0]; i++) {
        const stele_read stream = {.stream = streams[i], .direction = direction};
        const stele_list names = {.kind = (stele_name_kind)i};
        if (!sim_compare_read(pair, &stream, streams[i]) || !sim_compare_stream(pair, streams[i]) ||
            !sim_compare_names(pair, &names, "names")) {
            return false;
        }
    }
    return sim_compare_metadata(pair, "account-1");
}

static bool ask_terms(const sim_pair *pair, stele_direction direction)
{
    const stele_query_item items[] = {stele_item(stele_types("changed"),
                                                 stele_tags("a:1", "course:1")),
                                      stele_item(stele_types("opened", "closed"),
                                                 stele_any_tags())};
    const stele_query query = {.items = items, .item_count = 2};
    const stele_read reads[] = {
        {.direction = direction},
        {.category = "order", .direction = direction},
        {.event_type = "changed", .from = STELE_AT_POSITION(3), .direction = direction},
        {.tag = "a:1", .direction = direction},
        {.query = &query, .direction = direction},
        {.from = STELE_AT_TIME(SIM_CLOCK_BEGIN + 1), .direction = direction, .limit = 4},
    };
    for (size_t i = 0; i < sizeof reads / sizeof reads[0]; i++) {
        if (!sim_compare_read(pair, &reads[i], "terms")) {
            return false;
        }
    }
    return true;
}

typedef bool asking(const sim_pair *pair, stele_direction direction);

/* Asks a store, which may fail, twice: what failed once for a fault is right when that is over. */
static bool ask(sim_story *story, stele_store *store, asking *ask_it)
{
    for (int i = 0; i < 4; i++) {
        sim_report quiet = {0};
        sim_pair pair = sim_history_pair(&story->history, store);
        pair.report = &quiet;
        if (!ask_it(&pair, (stele_direction)(i & 1)) && !is_excused(story, &quiet)) {
            return sim_report_fail(&story->report, "%s", quiet.text);
        }
    }
    return true;
}

static bool ask_quietly(sim_story *story, asking *ask_it)
{
    bool is_quiet;
    return sim_story_quiesce(story, &is_quiet) && (!is_quiet || ask(story, story->store, ask_it));
}

static bool run_read(sim_story *story)
{
    return ask_quietly(story, ask_streams);
}

static bool run_query(sim_story *story)
{
    return ask_quietly(story, ask_terms);
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
    const bool may_be = status == STELE_IO || status == STELE_NO_MEMORY ||
                        (status == STELE_CORRUPT && story->may_heal);
    return (may_be && sim_report_is_told(status, &error) && sim_story_was_faulty(story)) ||
           sim_report_fail(&story->report, "verify: %s: %s", stele_status_name(status),
                           error.message);
}

/* Opens, reads and follows from another process, whose calls fail; the writer goes on meanwhile. */
static bool run_follow(sim_story *story)
{
    stele_options options = story->options;
    stele_error error;
    options.access = STELE_READ_ONLY;
    options.vfs = sim_disk_vfs(story->disk, 1);
    const stele_status status = stele_open("/store", &options, &story->observer, &error);
    if (status != STELE_OK) {
        story->observer = NULL;
        const bool may_be = status == STELE_IO || status == STELE_NO_MEMORY ||
                            (status == STELE_CORRUPT && story->may_heal);
        return (may_be && sim_report_is_told(status, &error) && sim_story_was_faulty(story)) ||
               sim_report_fail(&story->report, "another process cannot open it: %s: %s",
                               stele_status_name(status), error.message);
    }
    return ask(story, story->observer, ask_terms) && sim_script_run(story, "ambbwbbw") &&
           ask(story, story->observer, ask_terms) && sim_story_reopen(story) &&
           ask(story, story->observer, ask_streams);
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
    {"open", NULL, run_open, 0},
    {"append", "am", run_append, 0},
    {"commit", "ami", run_commit, 0},
    {"submit", "am", run_submit, 0},
    {"tombstone", "am", run_tombstone, 0},
    {"seal", "bb", run_seal, 0},
    {"merge", "bbwbbbwbbwbbwbb", run_merge, 0},
    {"undelete", "mad", run_undelete, 0},
    {"close", "bbwbnp", run_close, 0},
    {"read", "mbbwbbwadui", run_read, BODY_READS},
    {"query", "imbbwbbwbaii", run_query, BODY_READS},
    {"verify", "mbbwbbwba", run_verify, BODY_READS},
    {"recover", "mbbwbboadunm", run_recover, 0},
    {"follow", "imbbwbbiad", run_follow, BODY_READS | BODY_FOLLOWS},
    {"pack", "mimbb", run_merge, BODY_PACKS},
    {"pack small", "mimbb", run_merge, BODY_PACKS_SMALL},
    {"close packing", "bbmibn", run_close, BODY_PACKS},
    {"read packed", "mbbiwbbwadui", run_read, BODY_READS | BODY_PACKS},
    {"query packed", "imbbwbbwbaii", run_query, BODY_READS | BODY_PACKS_SMALL},
    {"verify packed", "mbbwbbwba", run_verify, BODY_READS | BODY_PACKS},
    {"recover packed", "mbbwbboadunm", run_recover, BODY_PACKS},
    {"follow packed", "imbbwbbiad", run_follow, BODY_READS | BODY_FOLLOWS | BODY_PACKS},
};

enum { BODY_COUNT = sizeof bodies / sizeof bodies[0] };

/* ---- loops */

static void arm(sim_story *story, const fault_body *body, const fault_kind *kind, uint64_t n)
{
    if (kind->is_memory) {
        sim_story_fail_memory(story, n, kind->is_persistent);
        return;
    }
    const sim_fault fault = {.process = body->flags & BODY_FOLLOWS ? 1 : 0,
                             .calls = kind->calls,
                             .nth = n,
                             .is_persistent = kind->is_persistent,
                             .error = kind->error,
                             .effect = kind->effect};
    /* Where bytes were missing, a store may say that it is damaged, and build an index again. */
    story->may_heal = kind->is_of_reading;
    (void)sim_disk_add_fault(story->disk, &fault);
}

/* The state in which a body begins. */
static bool prepare(sim_story *story, const fault_body *body, stele_mapping mapping, bool is_told)
{
    const sim_settings settings = {
        .seed = 1, .place = -1, .is_single = true, .is_told = is_told, .is_plain = true};
    sim_story_begin(story, &settings);
    story->options.compression = body->flags & BODY_PACKS         ? STELE_COMPRESS_FAST
                                 : body->flags & BODY_PACKS_SMALL ? STELE_COMPRESS_SMALL
                                                                  : STELE_NO_COMPRESSION;
    story->taste.durability = story->options.durability = story->history.durability =
        STELE_DURABLE_FULL;
    story->options.mapping = mapping;
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
static bool run_once(sim_story *story, const fault_body *body, const fault_kind *kind,
                     stele_mapping mapping, uint64_t n, bool is_told, uint64_t *ret_fired)
{
    sim_choice_random(&story->choice, n);
    bool is_right = prepare(story, body, mapping, is_told);
    const uint64_t before = story->counts.faults;
    if (is_right) {
        arm(story, body, kind, n);
        is_right = body->run(story);
        (void)sim_story_was_faulty(story);
    }
    *ret_fired = story->counts.faults - before;
    sim_story_clear_faults(story);
    sim_story_close_observer(story);
    is_right = is_right && sim_story_end_step(story) && sim_story_finish(story);
    sim_story_end(story);
    return is_right && !story->report.has_failed;
}

/* An ordinary run leaves more and more out the later it gets; STELE_TEST_SCALE=10 leaves out
 * nothing. */
static uint64_t next_of(uint64_t n)
{
    return n < 10 || test_scaled(1) >= 10 ? n + 1 : n + 1 + n / 8;
}

/* Every n, or many. Returns how many runs met a fault; *faults grows by all that they met. */
static uint64_t run_loop(sim_story *story, const fault_body *body, const fault_kind *kind,
                         stele_mapping mapping, uint64_t *faults)
{
    uint64_t runs = 0;
    for (uint64_t n = 1;; n = next_of(n)) {
        uint64_t fired;
        if (!run_once(story, body, kind, mapping, n, false, &fired)) {
            (void)run_once(story, body, kind, mapping, n, true, &fired);
            (void)fflush(stdout);
            test_fail("%s, %s, %s, n = %llu: %s", body->name, kind->name,
                      mapping == STELE_MAP ? "mapped" : "read", (unsigned long long)n,
                      story->report.text);
        }
        if (fired == 0) {
            return runs;
        }
        runs++;
        *faults += fired;
    }
}

static void run_body(size_t number)
{
    const fault_body *body = &bodies[number];
    sim_script_take_canary();
    sim_story *story = sim_story_new();
    uint64_t runs = 0;
    uint64_t faults = 0;
    for (size_t k = 0; k < KIND_COUNT; k++) {
        if (!kinds[k].is_of_reading || (body->flags & BODY_READS)) {
            runs += run_loop(story, body, &kinds[k], STELE_MAP, &faults);
            runs += run_loop(story, body, &kinds[k], STELE_PREAD, &faults);
        }
    }
    test_note("%-10s %6llu runs with a fault, %6llu faults in all", body->name,
              (unsigned long long)runs, (unsigned long long)faults);
    expect_true(runs >= 100);
    sim_story_free(story);
}

TEST_DECLARE_(a_single_fault_ends_in_a_clean_status_and_a_whole_store, 120, BODY_COUNT)
{
    run_body(row);
}

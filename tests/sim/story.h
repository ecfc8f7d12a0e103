/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A story: one run of the simulator. Steps are drawn from a seed, each from a seed of its own (so
 * that leaving one out does not change what the others draw), and carried out on the store under
 * test and on the oracle; crashes and faults strike; after each of them the store is opened again
 * and everything is compared.
 *
 * A story is a function of the commit and of its settings. One story object is used for many runs:
 * memory and address space are kept.
 */
#ifndef STELE_TESTS_SIM_STORY_H
#define STELE_TESTS_SIM_STORY_H

#include "sim/sim_disk.h"
#include "sim/workload.h"

/* Where a crash struck: what the engine was doing. */
typedef enum sim_place {
    SIM_PLACE_COMMIT = 0, /* writing or syncing frames */
    SIM_PLACE_ROLL,       /* making a new segment */
    SIM_PLACE_INDEX,      /* building, merging, installing, removing an index file */
    SIM_PLACE_MANIFEST,   /* replacing the manifest */
    SIM_PLACE_RECOVERY,   /* opening after a crash */
    SIM_PLACE_UNDELETE,   /* recreating a soft-deleted stream */
    SIM_PLACE_FULL,       /* while the disk was full */
    SIM_PLACE_CLOSE,      /* closing in order */
    SIM_PLACE_COMPRESS,   /* packing a segment */
    SIM_PLACE_OTHER,
    SIM_PLACE_COUNT
} sim_place;

const char *sim_place_name(sim_place place);
/* SIM_PLACE_COUNT: there is no such place. */
sim_place sim_place_of_name(const char *name);

enum { SIM_STEPS_MAX = 400, SIM_HELD_CURSORS = 2 };

typedef struct sim_settings {
    uint64_t seed;
    int place;            /* crash at this place only; -1: anywhere */
    uint32_t step_count;  /* 0: drawn */
    bool is_calm;         /* no crash and no fault: compares the store with the oracle only */
    bool has_faults;      /* faults as well as crashes */
    const char *url;      /* of the store; NULL: "/store" on the simulated disk */
    const bool *left_out; /* SIM_STEPS_MAX of them; NULL: none */
    bool is_told;         /* every step is printed */
    bool is_single;       /* no further crashes while recovering from one */
    bool keeps_pages;     /* a sync that fails loses nothing */
    bool is_plain;        /* without compression … */
    bool is_compressing;  /* … or with it; neither: drawn */
    bool is_lying;        /* syncs lie: an intact prefix is demanded, or that the damage is told */
    const uint8_t *bytes; /* what decides instead of the seed; NULL: the seed */
    size_t byte_count;
} sim_settings;

/* Counted over all runs of a story. */
typedef struct sim_counts {
    uint64_t runs;
    uint64_t steps;
    uint64_t accepted;
    uint64_t refused;
    uint64_t retried;
    uint64_t faults;
    uint64_t reopened;
    uint64_t crashes[SIM_PLACE_COUNT]
                    [2];   /* with something unsynced, recovered, and everything compared */
    uint64_t idle_crashes; /* with nothing unsynced */
    uint64_t crash_count;  /* all of both */
    uint64_t told; /* runs on a lying disk that ended because the store said it is damaged */
    uint64_t events_compared;
    uint64_t index_files_lost;
    uint64_t unindexed_checks; /* while some were missing */
    uint64_t index_files_max;
    uint64_t segments_max;
} sim_counts;

/* Two cursors that stay open from step to step: on the store, and on the oracle. */
typedef struct sim_held {
    stele_cursor *mine;
    stele_cursor *theirs;
    bool follows;
    const char *what;
} sim_held;

/* An allocator that counts, for leaks, and fails when it is told to. */
typedef struct sim_memory {
    stele_alloc alloc;
    uint64_t count;
    uint64_t bytes;
    uint64_t fail_at;   /* the n-th allocation from now on fails; 0: none */
    bool is_persistent; /* and all that follow */
    uint64_t failures;
} sim_memory;

typedef struct sim_story {
    sim_settings settings;
    sim_counts counts;
    sim_report report;
    sim_clock clock;
    sim_disk *disk;
    sim_memory memory;
    sim_arena arena;
    sim_history history;
    sim_taste taste;
    stele_options options;
    stele_store *store;
    stele_store *observer;            /* read-only, in another process; NULL: not open */
    stele_position observer_position; /* up to here it has shown the right events */
    sim_held held[SIM_HELD_CURSORS];
    sim_choice choice; /* of the present step */
    sim_choice *fate;  /* decides what a crash leaves; mostly the same */
    uint32_t step;
    uint64_t next_number; /* of the next action */
    bool wants_observer;
    int place; /* crashes are planned there; -1: anywhere */
    /* What is going on, for naming the place of a crash. */
    bool is_recovering;
    bool is_closing;
    bool is_recreating;
    bool is_full;
    bool may_heal;       /* index files may have been damaged */
    bool has_lost_index; /* and may not be built again yet */
    sim_file_kind last_named;
    uint64_t faults_seen; /* fired up to here */
} sim_story;

/* Owned: free with sim_story_free(). Large. */
sim_story *sim_story_new(void);
void sim_story_free(sim_story *story);
/* True: all went well; else story->report says what did not. */
bool sim_story_run(sim_story *story, const sim_settings *settings);
/* How many steps the run has, and the name of each (for shrinking and telling). */
uint32_t sim_story_step_count(const sim_settings *settings);

/* ---- inside, shared by story.c, steps.c, carry.c, recovery.c, check.c and script.c */

bool sim_story_is_crashed(const sim_story *story);
bool sim_story_is_poisoned(sim_story *story);
/* Whether an action or a piece of work may answer this because of a fault, or of a full disk. */
bool sim_story_may_fail(sim_story *story, const stele_error *error);
/* Draws a step and carries it out. */
bool sim_story_step(sim_story *story);
bool sim_story_free_disk(sim_story *story);

void sim_story_begin(sim_story *story, const sim_settings *settings);
/* The last word of a run without a failure: everything is compared, closed, opened, and compared
 * again. */
bool sim_story_finish(sim_story *story);
void sim_story_end(sim_story *story);
/* Carries an action out and judges the answer. */
bool sim_story_carry_out(sim_story *story, sim_action *action);
bool sim_story_submit(sim_story *story, sim_action *action);
bool sim_story_sync(sim_story *story);
bool sim_story_work(sim_story *story, uint64_t count);
bool sim_story_reopen(sim_story *story);
/* The same, and in between somebody removes index files. */
bool sim_story_lose_indexes(sim_story *story);
/* What every step is followed by: recovery if there was a crash. */
bool sim_story_end_step(sim_story *story);

bool sim_story_open(sim_story *story);
/* After a crash: powers on, opens (perhaps with further crashes), and compares everything. */
bool sim_story_recover(sim_story *story);
/* After a fault that poisoned the store: closes, opens, and compares everything. */
bool sim_story_repair(sim_story *story);
bool sim_story_close(sim_story *story);
/* Frees cursors that were held. */
void sim_story_let_go(sim_story *story);
void sim_story_close_observer(sim_story *story);
/* Lets another process look. False: it saw something wrong. */
bool sim_story_observe(sim_story *story);
/* Takes note of submissions that were completed. */
bool sim_story_settle(sim_story *story);
/* Makes everything that was accepted visible; *ret_is_quiet: it is, and nothing is in flight. */
bool sim_story_quiesce(sim_story *story, bool *ret_is_quiet);
/* Compares everything that can be asked with the oracle. */
bool sim_check_everything(sim_story *story);
/* One part of it: what reads, names and keys answer. */
enum { SIM_CHECK_PARTS = 6 };
bool sim_check_part(sim_story *story, size_t part, sim_report *report);
/* Tries to open once, whatever the answer. */
stele_status sim_story_try_open(sim_story *story, stele_error *reterr);
/* How many of the present faults have fired, of files and of memory. */
uint64_t sim_story_faults(const sim_story *story);
void sim_story_clear_faults(sim_story *story);
/* The n-th allocation from now on fails. */
void sim_story_fail_memory(sim_story *story, uint64_t n, bool is_persistent);
/* Whether a fault has struck since this was asked last. */
bool sim_story_was_faulty(sim_story *story);
void sim_story_tell(const sim_story *story, const char *format, ...) STELE_PRINTF(2, 3);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must be true of the store under test: the oracle, which is a store in memory that was given
 * the same accepted actions, and what was promised about them.
 *
 * Positions up to `head` are what the store accepted. After a crash the store may come back with
 * less or more:
 * - less: only actions whose durability did not cover this kind of crash may be missing, all behind
 * one commit boundary;
 * - more: an action that was interrupted, or submitted and not yet completed, may be there, wholly,
 * in the order in which such actions were handed in. sim_history_resolve() finds out which, and
 * makes the oracle agree; anything else is a failure.
 */
#ifndef STELE_TESTS_SIM_HISTORY_H
#define STELE_TESTS_SIM_HISTORY_H

#include "sim/action.h"
#include "sim/compare.h"
#include "sim/sim_clock.h"
#include "sim/sim_disk.h"

enum { SIM_ACTIONS_MAX = 4096, SIM_POSITIONS_MAX = 32768, SIM_CHECKPOINTS_MAX = 8 };

/* A place in history that somebody has noted: valid as long as `action` still occupies its
 * position. */
typedef struct sim_mark {
    stele_checkpoint checkpoint;
    const sim_action *action;
} sim_mark;

typedef struct sim_history {
    sim_arena *arena;
    sim_report *report;
    stele_durability durability; /* the default of the store under test */
    bool is_lying;               /* the disk: what was promised need not be there */
    sim_clock clock;             /* the oracle's */
    stele_store *oracle;
    stele_position head;              /* of the oracle */
    sim_action *log[SIM_ACTIONS_MAX]; /* what wrote, in order */
    size_t log_count;
    sim_action *open[SIM_ACTIONS_MAX]; /* in flight, in the order in which they were handed in */
    size_t open_count;
    sim_action *all[SIM_ACTIONS_MAX]; /* whatever was asked, for retries */
    size_t all_count;
    stele_position safe[2]; /* by sim_crash_kind: everything up to here survives it */
    stele_position seen; /* the largest head that was shown to anybody since the store was opened */
    stele_uuid
        ids[SIM_POSITIONS_MAX]; /* of events whose id the store made, once read; none: not yet */
    sim_mark marks[SIM_CHECKPOINTS_MAX];
    size_t mark_count;
} sim_history;

void sim_history_begin(sim_history *history, sim_arena *arena, sim_report *report,
                       stele_durability durability);
void sim_history_end(sim_history *history);

/* The store answered `action` (action->answer): carries it out on the oracle, compares, and notes
 * what was promised. */
bool sim_history_expect(sim_history *history, sim_action *action);
/* It is not known whether the store accepted it. */
void sim_history_doubt(sim_history *history, sim_action *action);
/* Everything up to here survives what its durability promises. */
void sim_history_promise(sim_history *history, stele_position position,
                         stele_durability durability);
/* Somebody was shown this head: every commit up to it has its own durability. */
void sim_history_show(sim_history *history, stele_position head);

/* The store was opened again after a crash (or a fault, which is like none): decides about what was
 * in doubt. */
bool sim_history_resolve(sim_history *history, stele_store *store, sim_crash_kind kind);

/* Notes a checkpoint of the store as it describes itself now; checks all that were noted. */
void sim_history_mark(sim_history *history, const stele_info *info, size_t place);
bool sim_history_check_marks(sim_history *history, stele_store *store);

sim_pair sim_history_pair(sim_history *history, stele_store *store);
/* Sets the oracle's clock, for reads that look at the age of events. */
void sim_history_set_time(sim_history *history, stele_time now);

#endif

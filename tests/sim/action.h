/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One accepted or refused call that writes, in full: what was asked, and what the store under test
 * answered. The same action can be carried out on the store under test, on the oracle, and again on
 * a new oracle when history was cut. Everything it points to lives in the arena of its run.
 */
#ifndef STELE_TESTS_SIM_ACTION_H
#define STELE_TESTS_SIM_ACTION_H

#include "sim/arena.h"
#include "sim/sim_choice.h"
#include <stele/stele.h>

#include <stdbool.h>

typedef enum sim_action_kind {
    SIM_DO_APPEND = 0,
    SIM_DO_COMMIT,
    SIM_DO_DELETE,
    SIM_DO_TOMBSTONE,
    SIM_DO_METADATA,
    SIM_ACTION_KIND_COUNT
} sim_action_kind;

enum { SIM_VIOLATIONS_MAX = 8, SIM_ACTION_EVENTS_MAX = 12 };

/* What a store answered. */
typedef struct sim_answer {
    stele_status status;
    stele_error error;
    stele_receipt receipt;
    stele_revision revisions[SIM_ACTION_EVENTS_MAX];
    stele_violation violations[SIM_VIOLATIONS_MAX];
} sim_answer;

typedef enum sim_action_state {
    SIM_UNTRIED = 0,
    SIM_IN_FLIGHT, /* submitted, or interrupted: whether it was accepted is decided when the store
                      is opened again */
    SIM_ACCEPTED,  /* and wrote */
    SIM_ANSWERED,  /* refused, or recognised as a retry: wrote nothing */
    SIM_FAILED,    /* a fault, and the promise that nothing was written */
    SIM_LOST       /* was accepted or in flight, and a crash took it */
} sim_action_state;

typedef struct sim_action {
    sim_action_kind kind;
    uint64_t number;
    bool is_submitted;
    const char *stream;
    stele_expected expected;
    stele_event *events;
    size_t event_count;
    stele_check *checks;
    size_t check_count;
    const char *json;
    stele_append_options
        options; /* conditions live in the arena; violations are set when it is carried out */

    sim_action_state state;
    bool is_completed; /* a submission whose completion was called: `answer` is set */
    sim_answer answer;
    stele_time time;      /* of the commit; meaningful when it wrote */
    stele_position first; /* what it occupies in the log, derived metadata events included */
    stele_position last;
} sim_action;

/* Carries it out and waits for the answer. */
void sim_action_run(const sim_action *action, stele_store *store, sim_answer *ret_answer);
/* Hands it in; `done` is called with the action as its context. */
stele_status sim_action_submit(sim_action *action, stele_store *store, stele_completion done,
                               stele_error *reterr);

/* A copy that asks the same again, with the same bytes. */
sim_action *sim_action_again(sim_arena *arena, const sim_action *action, uint64_t number);

/* The durability that the answer promised, in a store with this default. */
stele_durability sim_action_durability(const sim_action *action, stele_durability store_default);

/* Whether the caller gave the id of the event at this place of the log. (The store makes the
 * others.) `place` is counted from action->first. */
bool sim_action_gives_id(const sim_action *action, uint64_t place);

/* One line about it, for people. */
const char *sim_action_print(const sim_action *action, sim_arena *arena);

#endif

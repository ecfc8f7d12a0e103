/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What programs ask of a store, drawn at random: a small world of names, so that everything
 * collides with everything, and the drawing of actions and reads in it.
 */
#ifndef STELE_TESTS_SIM_WORKLOAD_H
#define STELE_TESTS_SIM_WORKLOAD_H

#include "sim/history.h"

enum { SIM_STREAMS = 10, SIM_TYPES = 5, SIM_TAGS = 8, SIM_CATEGORIES = 4 };

extern const char *const sim_streams[SIM_STREAMS];
extern const char *const sim_types[SIM_TYPES];
extern const char *const sim_tags[SIM_TAGS];
extern const char *const sim_categories[SIM_CATEGORIES];

/* With uniform sizes one commit is as long as another, so that what a crash left of a lost one fits
 * exactly behind its successor. */
typedef enum sim_sizes {
    SIM_TINY = 0,
    SIM_MIXED,
    SIM_BULK,
    SIM_UNIFORM,
    SIM_SIZES_COUNT
} sim_sizes;

/* How one run behaves. */
typedef struct sim_taste {
    sim_sizes sizes;
    uint32_t stream_count;       /* of sim_streams, from the first */
    uint32_t weak_chance;        /* of 8: appends that say os or none */
    stele_durability durability; /* of the store */
    bool likes_deletion;
} sim_taste;

typedef struct sim_draw {
    sim_arena *arena;
    sim_choice *choice;
    sim_history *history;
    const sim_taste *taste;
    uint64_t number; /* of the action: ids and keys are made of it */
} sim_draw;

sim_action *sim_draw_append(const sim_draw *draw);
sim_action *sim_draw_commit(const sim_draw *draw);
sim_action *sim_draw_delete(const sim_draw *draw);
sim_action *sim_draw_tombstone(const sim_draw *draw);
sim_action *sim_draw_metadata(const sim_draw *draw);
/* An earlier action again, perhaps changed in one thing; NULL if there is none. */
sim_action *sim_draw_retry(const sim_draw *draw);

/* Whether the action, if it is accepted, recreates a soft-deleted stream. */
bool sim_action_recreates(const sim_action *action, const sim_history *history);

/* A read of anything, with a name for it. Lives in the arena. */
const stele_read *sim_draw_read(const sim_draw *draw, const char **ret_what);
const stele_query *sim_draw_query(const sim_draw *draw);

#endif

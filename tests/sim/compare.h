/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same question to two stores, and the answers side by side. Ids of events are compared only
 * where the caller of the append gave them: each store makes the others by itself.
 */
#ifndef STELE_TESTS_SIM_COMPARE_H
#define STELE_TESTS_SIM_COMPARE_H

#include "sim/report.h"
#include <stele/stele.h>

typedef struct sim_pair {
    stele_store *store; /* under test */
    stele_store *oracle;
    /* Whether the id of the event at a position was given, and if not, what the store under test
     * said of it before. */
    bool (*is_id_right)(void *context, stele_position position, const stele_uuid *id,
                        bool *ret_was_given);
    void *context;
    sim_report *report;
} sim_pair;

/* All of these: true if the answers are the same. */
bool sim_compare_read(const sim_pair *pair, const stele_read *read, const char *what);
/* Goes on with two cursors until both end, or `limit` records were compared (0: without limit). */
bool sim_compare_cursors(const sim_pair *pair, stele_cursor *store_cursor,
                         stele_cursor *oracle_cursor, uint64_t limit, const char *what);
/* What the store still shows is right, and in order; *ret_missing: how many records of the oracle
 * it does not show. */
bool sim_compare_rest(const sim_pair *pair, const stele_read *read, const char *what,
                      uint64_t *ret_missing);
bool sim_compare_stream(const sim_pair *pair, const char *stream);
bool sim_compare_metadata(const sim_pair *pair, const char *stream);
bool sim_compare_names(const sim_pair *pair, const stele_list *list, const char *what);

#endif

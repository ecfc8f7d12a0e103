/* SPDX-License-Identifier: Apache-2.0 */
/* One row of a table of forged stores: how it is harmed, and the exact diagnosis. */
#ifndef STELE_TESTS_CRASH_FORGED_JUDGE_H
#define STELE_TESTS_CRASH_FORGED_JUDGE_H

#include "forged.h"

/* What opening answers: a stele_status or stele_detail, and the pieces that its message has. */
typedef struct forged_answer {
    unsigned detail;
    const char *says[3];
} forged_answer;

typedef struct forged_row {
    const char *name;
    forged_base base;
    void (*forge)(forged_bed *bed);
    forged_answer opening; /* for writing */
    /* If that works: */
    stele_position lost; /* events at the end that are gone */
    bool is_dropping;    /* stele_info.recovered_bytes tells of dropped bytes */
    bool is_new_epoch;
    bool is_healing;      /* index files were built again */
    bool is_only_written; /* what a reader is told is left open */
    /* Reading only, before anybody opens for writing: */
    forged_answer reading;
    stele_position unseen; /* if that works: events at the end that are not shown */
} forged_row;

/* Expects the row: reads only, salvages, opens for writing. A refusal changes nothing and comes
 * again. What was opened holds what the row says, takes appends, survives a kill and a closing, and
 * what was dropped never comes back. */
void forged_judge(const forged_row *row);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The first thing that went wrong in a run. */
#ifndef STELE_TESTS_SIM_REPORT_H
#define STELE_TESTS_SIM_REPORT_H

#include <stele/error.h>
#include <stele/types.h>

#include <stdbool.h>

typedef struct sim_report {
    bool has_failed;
    bool saw_io_error;   /* the store answered an error of its surroundings */
    bool saw_corruption; /* the store answered that it is damaged */
    char text[1400];
} sim_report;

/* Keeps the first failure; always false, so that checks can end with it. */
bool sim_report_fail(sim_report *report, const char *format, ...) STELE_PRINTF(2, 3);
/* Notes whether the store said that it is damaged; what came first stays. */
void sim_report_saw(sim_report *report, stele_status status);
/* Whether an error says the status it came with, and something for people. */
bool sim_report_is_told(stele_status status, const stele_error *error);
/* Makes the failure of another report this one's; always false. */
bool sim_report_pass_on(sim_report *report, const sim_report *other);

#endif

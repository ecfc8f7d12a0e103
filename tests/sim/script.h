/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Short histories of which every outcome is visited: every crash in every call that changes the
 * disk, and for each every combination of what was kept, dropped and torn. A script is a text with
 * a letter for each operation:
 *
 *   a  append an event, full        o  append, os          n  append, none
 *   q  append 600 bytes, os (one frame is as long as another)
 *   b  append 30 KiB (two of these and a segment of 64 KiB is nearly full)
 *   m  append to three streams at once
 *   d  delete stream                u  append to the deleted stream
 *   t  write metadata               p  submit two commits
 *   i  append tagged events to three streams, with a condition
 *   e  ask once more what was asked last
 *   x  tombstone `order-2`          f  another process follows
 *   r  a random commit: several streams, tags, a key perhaps
 *   s  sync                         w  all background work that there is
 *   c  close and open               k  kill the process, and open
 */
#ifndef STELE_TESTS_SIM_SCRIPT_H
#define STELE_TESTS_SIM_SCRIPT_H

#include "sim/story.h"

/* Carries the operations out; false: something was wrong. A crash or a poisoned store is recovered
 * from after each. */
bool sim_script_run(sim_story *story, const char *script);

typedef struct sim_script_result {
    uint64_t courses; /* visited */
    bool is_complete; /* else a bound was reached */
} sim_script_result;

/* Crashes in every call of the script, or if it is empty, of the opening that creates the store.
 * True: every course went well. `kind` of crash; `courses_max` bounds the visit. `has_nested`: one
 * more crash in recovery. */
bool sim_script_run_every(sim_story *story, const char *script, sim_crash_kind kind,
                          bool has_nested, uint64_t courses_max, sim_script_result *ret_result);

/* In a build with canaries: puts in the one that STELE_TEST_CANARY names. */
void sim_script_take_canary(void);

#endif

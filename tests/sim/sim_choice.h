/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the simulator's decisions come from. Code that asks sim_choose() for a number does not know
 * whether the answer is random (from a seed), read from bytes (a fuzzer's), or one step of an
 * enumeration that visits every possible course of the program once. The enumeration counts like an
 * odometer whose wheels are the questions asked: run the program, call sim_choice_next(), run it
 * again, until that answers false. The program must ask the same questions after the same answers.
 *
 * Confined to one thread.
 */
#ifndef STELE_TESTS_SIM_CHOICE_H
#define STELE_TESTS_SIM_CHOICE_H

#include "base/base.h"

#include <stdbool.h>
#include <stdint.h>

/* Questions that one enumerated course may ask; further ones are answered 0, which bounds an
 * enumeration by depth. */
#define SIM_CHOICE_STEPS_MAX 64

typedef enum sim_choice_kind {
    SIM_CHOICE_RANDOM = 0,
    SIM_CHOICE_EVERY = 1,
    SIM_CHOICE_BYTES = 2
} sim_choice_kind;

typedef struct sim_choice {
    sim_choice_kind kind;
    stele__prng prng;
    uint32_t values[SIM_CHOICE_STEPS_MAX];
    uint32_t bounds[SIM_CHOICE_STEPS_MAX];
    size_t at;
    size_t count;
    const uint8_t *bytes;
    size_t byte_count;
} sim_choice;

void sim_choice_random(sim_choice *choice, uint64_t seed);
void sim_choice_every(sim_choice *choice);
/* The bytes are borrowed for as long as the choice is used; behind their end every answer is 0. */
void sim_choice_bytes(sim_choice *choice, const uint8_t *bytes, size_t size);

/* A number in [0, bound), bound > 0. */
uint64_t sim_choose(sim_choice *choice, uint64_t bound);
/* True with probability numerator / denominator; both answers are visited when enumerating. */
bool sim_chance(sim_choice *choice, uint64_t numerator, uint64_t denominator);

/* Moves an enumeration on to its next course. False: all were visited. */
bool sim_choice_next(sim_choice *choice);

/* Whether bytes are left to decide something; always true for the other kinds. */
bool sim_choice_has_more(const sim_choice *choice);

/* Mixes numbers into a seed, so that what is derived from one seed does not resemble what is
 * derived from the next. */
uint64_t sim_mix(uint64_t a, uint64_t b);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the suite's machinery share with each other, and tests do not need.
 */
#ifndef STELE_TESTS_CONFORMANCE_SUITE_INSIDE_H
#define STELE_TESTS_CONFORMANCE_SUITE_INSIDE_H

#include "suite.h"

#include "base/alloc.h"
#include "base/buffer.h"

/* A copy with a NUL behind it, for as long as the suite lives. */
char *suite_keep(suite *s, const void *bytes, size_t size);
/* Calls stele_step() until there is no more to do. */
void suite_step_to_the_end(suite *s);

/* Texts under construction: an empty one is {.alloc = stele_alloc_default()}. */
void suite_add(stele__buffer *text, const char *piece);
/* With a blank in front, unless it is the first. */
void suite_add_word(stele__buffer *text, const char *word);
/* The text, for as long as the suite lives; the buffer is empty then. */
const char *suite_take_text(suite *s, stele__buffer *text);

/* The n of an id that id_of() made. */
bool suite_number_of(const stele_uuid *id, unsigned *ret_n);
/* The place of an event in history if there had not been the others (append_others()). */
stele_position suite_place(const suite *s, stele_position position);
/* "none", "exists", "7" … */
const char *suite_expected_text(suite *s, stele_expected expected);
/* "7" or "tombstone". */
const char *suite_revision_text(suite *s, stele_revision revision);

/* Garbage: an error has to be written whatever stood there before. */
stele_error suite_soiled_error(void);
/* What is true of every error: it says what happened; success leaves all but the status alone. The
 * error must have been soiled before. */
void suite_check_error(stele_status status, const stele_error *error);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queries over types and tags as text:
 *
 *     type:StudentEnrolled,StudentLeft tag:course:c1 | tag:student:s1
 *
 * Items are separated by | and one of them must match. Within an item: the type must be one of
 * those named (separated by commas, or in several type: terms), and every tag: must be there. What
 * follows type: or tag: ends at a blank, a comma or
 * |; quotes, 'like this' or "like \"this\"", take in any character. * alone matches every event.
 */
#ifndef STELE_CLI_QUERY_H
#define STELE_CLI_QUERY_H

#include "memory.h"

#include <stele/stele.h>

/* Parses a query into memory of the arena. False: *ret_at is the byte where something is wrong,
 * *ret_message says what. */
bool cli_query_parse(cli_arena *arena, const char *text, stele_query *ret_query, size_t *ret_at,
                     const char **ret_message);

/* Parses a query for as long as the process lives. False: what is wrong was said, with a mark below
 * the place. */
bool cli_query_take(const char *text, stele_query *ret_query);

/* Whether a record matches: what the library does with its index, for records that came another
 * way. */
bool cli_query_matches(const stele_query *query, const stele_record *record);

#endif

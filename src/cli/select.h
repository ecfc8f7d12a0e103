/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What read, follow and export have in common: options that say which events are meant. They
 * combine freely: the library looks one thing up in its index (a stream, a category, or a query
 * over types and tags), the rest is a filter.
 */
#ifndef STELE_CLI_SELECT_H
#define STELE_CLI_SELECT_H

#include "options.h"

#include <stele/stele.h>

/* --category, --type, --tag, --query, --stream-prefix, --type-prefix, --no-system. */
extern const cli_option cli_select_what[];
/* --from, --from-position, --from-time. */
extern const cli_option cli_select_from[];
/* --backwards, --limit, --as-of. */
extern const cli_option cli_select_range[];

typedef struct cli_selection {
    stele_read read;
    bool has_what;      /* a stream or a selector was given */
    bool has_from;      /* where to begin was given */
    stele_query query;  /* what read.query points to */
    stele_query filter; /* what must match besides */
    bool has_filter;
    bool without_system;
} cli_selection;

/* Makes a read out of what was given. `stream` may be NULL. The selection must not move afterwards.
 * Answers -1, or an exit code after having said what is wrong. */
int cli_select(const char *stream, cli_selection *ret_selection);

#endif

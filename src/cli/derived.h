/* SPDX-License-Identifier: Apache-2.0 */
/* Events of a file that the store makes itself, see derived.c. */
#ifndef STELE_CLI_DERIVED_H
#define STELE_CLI_DERIVED_H

#include "event_json.h"

/* The items that an importer has before it. */
typedef struct cli_lookahead {
    stele_store *store;
    /* The event of an item, or NULL: it is bad, or behind `count`. Valid until the window ends. */
    const cli_parsed_event *(*get)(void *context, size_t item);
    void *context;
    size_t count; /* how many items there are now */
} cli_lookahead;

typedef enum cli_derivation {
    CLI_DERIVES_NOTHING = 0, /* the item is appended like any other */
    CLI_DERIVES,             /* the items up to *ret_end are one commit */
    CLI_DERIVES_UNKNOWN      /* it takes more items to tell */
} cli_derivation;

/* Whether an item may begin such a commit: cheap, and false for almost all. What is pending must be
 * in the store when cli_derived_find() is called. */
bool cli_derived_may_begin(stele_store *store, const stele_event *event);

/*
 * Looks which items are one commit from `first` on, because one of them is made by the store when
 * the others are appended. Sets is_derived[item] for those that must not be appended.
 */
cli_derivation cli_derived_find(const cli_lookahead *items, size_t first, bool *is_derived,
                                size_t *ret_end);

#endif

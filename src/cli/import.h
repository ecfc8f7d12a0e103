/* SPDX-License-Identifier: Apache-2.0 */
/* Importing a file of events into a store, each event once, whatever happens meanwhile. The essay
 * is in import.c. */
#ifndef STELE_CLI_IMPORT_H
#define STELE_CLI_IMPORT_H

#include "event_json.h"
#include "progress.h"
#include "source.h"

#include <stele/sys/clock.h>

typedef enum cli_import_time {
    CLI_TIME_AUTO = 0, /* recorded time in a store that has nothing else, else metadata */
    CLI_TIME_RECORD,   /* recorded time, clamped so that it never decreases */
    CLI_TIME_METADATA,
    CLI_TIME_DROP
} cli_import_time;

typedef struct cli_import_options {
    cli_parse_rules rules;
    cli_import_time time;
    bool skips_bad;
    bool is_dry; /* look at everything, write nothing */
    bool is_quiet;
} cli_import_options;

typedef struct cli_import_counts {
    uint64_t imported;
    uint64_t known;   /* were there already */
    uint64_t bad;     /* skipped */
    uint64_t untimed; /* the source's time could be kept neither as time nor in metadata */
} cli_import_counts;

/* A clock for the store that says what the importer wants. The store may ask from any of its
 * threads. */
typedef struct cli_import_clock {
    stele_clock table;       /* what is given to the store */
    _Atomic int64_t instead; /* INT64_MIN: the time of day */
} cli_import_clock;

void cli_import_clock_init(cli_import_clock *clock);

/* Imports a whole source. `store` may be NULL when is_dry. Says what goes wrong, and answers an
 * exit code. */
int cli_import(stele_store *store, cli_source *source, const cli_import_options *options,
               cli_import_clock *clock, cli_import_counts *ret_counts);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far long work has come, on standard error: a bar that is drawn over itself on a terminal, a
 * plain line every few seconds elsewhere, nothing when it is quiet.
 */
#ifndef STELE_CLI_PROGRESS_H
#define STELE_CLI_PROGRESS_H

#include "memory.h"

typedef struct cli_progress {
    const char *thing; /* "event"; NULL: bytes are what is counted */
    uint64_t total;    /* of the parts that are done; 0: unknown */
    bool is_quiet;
    bool is_drawn; /* something stands on the line */
    bool on_terminal;
    int64_t begun;
    int64_t shown;    /* when it was shown last */
    int64_t measured; /* when the rate was taken last */
    uint64_t measured_things;
    uint64_t measured_done;
    double thing_rate; /* per second, smoothed */
    double done_rate;
} cli_progress;

void cli_progress_begin(cli_progress *progress, const char *thing, uint64_t total, bool is_quiet);
/* Says how much is done (in the unit of total) and how many things that were; shows it if it is
 * time. */
void cli_progress_show(cli_progress *progress, uint64_t done, uint64_t things);
/* Clears the line. */
void cli_progress_end(cli_progress *progress);
/* Nanoseconds since the beginning. */
int64_t cli_progress_elapsed(const cli_progress *progress);

/* Adds the line without colours: for tests. `columns` is the width of the terminal. */
void cli_progress_add_line(cli_buffer *out, const cli_progress *progress, uint64_t done,
                           uint64_t things, size_t columns);

#endif

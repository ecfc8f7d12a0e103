/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every command of the tool shares: exit codes, what goes to standard output and standard
 * error, which store is meant, signals. The tool uses the public headers of the library and nothing
 * else.
 */
#ifndef STELE_CLI_CLI_H
#define STELE_CLI_CLI_H

#include "memory.h"

#include <stele/stele.h>

/* What the process ends with. Documented in stele(1): scripts rely on it. */
typedef enum cli_exit {
    CLI_EXIT_OK = 0,
    CLI_EXIT_CONFLICT = 1,  /* an expectation or condition does not hold, or the stream has ended */
    CLI_EXIT_USAGE = 2,     /* the command line, or what was to be imported, is wrong */
    CLI_EXIT_NOT_FOUND = 3, /* no such store, stream or file */
    CLI_EXIT_FAILURE = 4,   /* input and output, memory, everything else */
    CLI_EXIT_CORRUPT = 5,   /* stored bytes are damaged */
    CLI_EXIT_BUSY = 6,      /* another process writes the store */
    CLI_EXIT_INTERRUPTED = 130 /* stopped by a signal before the work was done */
} cli_exit;

/* What is given in front of or behind any command. */
typedef struct cli_globals {
    const char *store; /* --store */
    const char *color; /* --color */
    bool json;         /* --json */
} cli_globals;

extern cli_globals cli_given;

/* ---- Standard output. Failing to write ends the process. */

typedef enum cli_style {
    CLI_PLAIN = 0,
    CLI_DIM,
    CLI_BOLD,
    CLI_NAME,    /* a stream */
    CLI_TYPE,    /* an event type */
    CLI_NUMERAL, /* a position or a revision */
    CLI_GOOD,
    CLI_BAD
} cli_style;

/* Learns about terminal, colours and character set. Call it when --color is known. */
void cli_output_begin(void);
/* Columns of the terminal that standard output is, or 0 if it is none. */
size_t cli_columns(void);
/* Whether standard error is a terminal: where progress is drawn. */
bool cli_errors_are_seen(void);
/* Whether the terminal shows UTF-8. */
bool cli_has_utf8(void);
void cli_write(const void *bytes, size_t size);
/* Writes a line of JSON and a line break; on a terminal, so that nothing in it moves that. */
void cli_write_json(const cli_buffer *json);
void cli_print(const char *format, ...) STELE_PRINTF(1, 2);
void cli_flush(void);
/* Whether nobody reads standard output any more: the other end of the pipe, or the terminal, is
 * gone. */
bool cli_output_is_gone(void);
/* Adds what switches a style on or off, or nothing where there are no colours. */
void cli_add_style(cli_buffer *out, cli_style style);
void cli_add_style_end(cli_buffer *out, cli_style style);
/* Adds text made printable, in a style. */
void cli_add_styled(cli_buffer *out, cli_style style, const char *text, size_t size);

/* ---- Standard error */

/* "stele: message", made printable, then the hint on the next line unless it is NULL or empty. */
void cli_complain(const char *message, const char *hint);
/* The same, with a formatted message; answers CLI_EXIT_USAGE. */
int cli_refuse(const char *hint, const char *format, ...) STELE_PRINTF(2, 3);
/* A failure of the operating system outside the store: "stele: message: reason"; answers an exit
 * code. */
int cli_fail_os(int os_error, const char *format, ...) STELE_PRINTF(2, 3);
/* Says what the library said and answers the exit code that belongs to it. */
int cli_fail(const stele_error *error);
cli_exit cli_exit_of(const stele_error *error);

/* ---- The store */

/* The folder or URL of the store: --store, else STELE_STORE, else "ledger". */
const char *cli_store_name(void);
/* Opens it with a callback that shows warnings. `options` NULL: only the access matters. */
stele_status cli_open(stele_access access, const stele_options *options, stele_store **ret_store,
                      stele_error *reterr);
/* Whether the store has warned of anything since the process began, and whether it is to be heard.
 */
bool cli_was_warned(void);
void cli_mute_warnings(bool is_mute);
/* Closes a store that was written to; answers CLI_EXIT_OK or says what went wrong. */
int cli_close(stele_store *store);

/* ---- Arguments with a meaning of their own */

/* any, no-stream, exists, or a revision. */
bool cli_parse_expected(const char *text, stele_expected *ret_expected);
/* full, os or none; NULL: as the store decides. */
stele_durability cli_durability_of(const char *text);
/* fast or small; NULL: not at all. */
stele_compression cli_compression_of(const char *text);
/* A time as stele_time_parse() takes it, or how long ago: 90s, 10m, 2h, 7d. */
bool cli_parse_time(const char *text, stele_time *ret_time);
/* "no stream", "revision 4", "that it exists". */
void cli_add_expected(cli_buffer *out, stele_expected expected);

/* ---- Signals */

/* From now on SIGINT and SIGTERM are only remembered. */
void cli_catch_signals(void);
/* From now on writing to a closed pipe fails instead of ending the process, which then ends by
 * exit().
 */
void cli_ignore_closed_pipes(void);
/* The signal that came, or 0. */
int cli_caught_signal(void);

/* Nanoseconds of a clock that never goes back. */
int64_t cli_monotonic(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The store that is meant, arguments with a meaning of their own, signals: see cli.h. */
#include "cli.h"
#include "text.h"

#include <stele/sys/clock.h>

#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define STORE_DEFAULT "ledger"
#define WARNINGS_MAX 20

cli_globals cli_given;

/* ---- The store */

const char *cli_store_name(void)
{
    const char *named = getenv("STELE_STORE");

    if (cli_given.store) {
        return cli_given.store;
    }
    return named && *named != '\0' ? named : STORE_DEFAULT;
}

static _Atomic unsigned warnings;
static _Atomic bool warnings_are_mute;

bool cli_was_warned(void)
{
    return atomic_load_explicit(&warnings, memory_order_relaxed) > 0;
}

void cli_mute_warnings(bool is_mute)
{
    atomic_store_explicit(&warnings_are_mute, is_mute, memory_order_relaxed);
}

/* May be called from any thread of the store. A store that is badly damaged has thousands to say.
 */
static void show_warning(void *context, stele_log_level level, const char *message)
{
    CLI_CLEANUP_BUFFER cli_buffer text = {0};
    unsigned before;

    (void)context;
    if (level == STELE_LOG_NOTICE ||
        atomic_load_explicit(&warnings_are_mute, memory_order_relaxed)) {
        return;
    }
    before = atomic_fetch_add_explicit(&warnings, 1, memory_order_relaxed);
    if (before >= WARNINGS_MAX) {
        if (before == WARNINGS_MAX) {
            cli_complain("further warnings are not shown", NULL);
        }
        return;
    }
    cli_buffer_format(&text, "%s: %s", level == STELE_LOG_WARNING ? "warning" : "error", message);
    cli_complain(cli_buffer_text(&text), NULL);
}

stele_status cli_open(stele_access access, const stele_options *options, stele_store **ret_store,
                      stele_error *reterr)
{
    stele_options complete = options ? *options : (stele_options){0};

    complete.access = access;
    complete.log = show_warning;
    return stele_open(cli_store_name(), &complete, ret_store, reterr);
}

int cli_close(stele_store *store)
{
    stele_error error;

    return stele_close(store, &error) == STELE_OK ? CLI_EXIT_OK : cli_fail(&error);
}

/* ---- Arguments */

bool cli_parse_expected(const char *text, stele_expected *ret_expected)
{
    uint64_t revision;

    if (strcmp(text, "any") == 0) {
        *ret_expected = STELE_ANY;
    } else if (strcmp(text, "no-stream") == 0) {
        *ret_expected = STELE_NO_STREAM;
    } else if (strcmp(text, "exists") == 0) {
        *ret_expected = STELE_EXISTS;
    } else if (cli_parse_number(text, &revision) && revision <= INT64_MAX) {
        *ret_expected = (stele_expected)revision;
    } else {
        return false;
    }
    return true;
}

stele_durability cli_durability_of(const char *text)
{
    if (!text) {
        return STELE_DURABLE_DEFAULT;
    }
    return strcmp(text, "full") == 0 ? STELE_DURABLE_FULL
           : strcmp(text, "os") == 0 ? STELE_DURABLE_OS
                                     : STELE_DURABLE_NONE;
}

stele_compression cli_compression_of(const char *text)
{
    if (!text) {
        return STELE_NO_COMPRESSION;
    }
    return strcmp(text, "fast") == 0 ? STELE_COMPRESS_FAST : STELE_COMPRESS_SMALL;
}

/* "10m" and the like: how long ago. */
static bool parse_ago(const char *text, stele_time *ret_time)
{
    static const char units[] = "smhd";
    static const int64_t seconds[] = {1, 60, 3600, 86400};
    const stele_clock *clock = stele_clock_system();
    const size_t digits = strspn(text, "0123456789");
    const char *unit =
        digits > 0 && digits < 10 && text[digits] != '\0' ? strchr(units, text[digits]) : NULL;
    char number[16] = {0};
    uint64_t amount;
    int64_t span;

    if (!unit || text[digits + 1] != '\0') {
        return false;
    }
    memcpy(number, text, digits);
    if (!cli_parse_number(number, &amount) ||
        __builtin_mul_overflow((int64_t)amount, seconds[unit - units] * 1000000000, &span)) {
        return false;
    }
    *ret_time = clock->now(clock->context) - span;
    return true;
}

bool cli_parse_time(const char *text, stele_time *ret_time)
{
    return parse_ago(text, ret_time) || stele_time_parse(text, strlen(text), ret_time) == 0;
}

void cli_add_expected(cli_buffer *out, stele_expected expected)
{
    if (expected == STELE_NO_STREAM) {
        cli_buffer_add_text(out, "no stream");
    } else if (expected == STELE_EXISTS) {
        cli_buffer_add_text(out, "it to exist");
    } else {
        cli_buffer_format(out, "revision %" PRIi64, expected);
    }
}

/* ---- Signals and time */

static volatile sig_atomic_t caught;

static void remember_signal(int number)
{
    caught = number;
}

void cli_catch_signals(void)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = remember_signal;
    action.sa_flags = (int)SA_RESETHAND; /* a second one ends the process at once */
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGHUP, &action, NULL);
}

void cli_ignore_closed_pipes(void)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = SIG_IGN;
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGPIPE, &action, NULL);
}

int cli_caught_signal(void)
{
    return caught;
}

int64_t cli_monotonic(void)
{
    const stele_clock *clock = stele_clock_system();

    return clock->monotonic(clock->context);
}

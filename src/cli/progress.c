/* SPDX-License-Identifier: Apache-2.0 */
/* Progress on standard error, see progress.h. */
#include "progress.h"

#include "cli.h"
#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)
#define DRAW_INTERVAL (SECOND / 10)
#define LINE_INTERVAL (10 * SECOND)
#define MEASURE_INTERVAL (SECOND / 4)
#define BAR_CELLS 14
/* Without a pause before the first line, short work would flicker. */
#define FIRST_DELAY (SECOND / 4)

void cli_progress_begin(cli_progress *progress, const char *thing, uint64_t total, bool is_quiet)
{
    *progress = (cli_progress){.thing = thing, .total = total, .is_quiet = is_quiet};
    progress->on_terminal = cli_errors_are_seen();
    progress->begun = cli_monotonic();
    progress->shown = progress->begun + FIRST_DELAY - (progress->on_terminal ? DRAW_INTERVAL : 0);
    progress->measured = progress->begun;
}

int64_t cli_progress_elapsed(const cli_progress *progress)
{
    return cli_monotonic() - progress->begun;
}

/* ---- Rates */

/* New rates count for a third each time, so the display is calm and still follows. */
static double smooth(double old, double now)
{
    return old > 0 ? old + (now - old) / 3 : now;
}

static void measure(cli_progress *progress, int64_t now, uint64_t done, uint64_t things)
{
    const double seconds = (double)(now - progress->measured) / 1e9;

    if (now - progress->measured < MEASURE_INTERVAL) {
        return;
    }
    progress->thing_rate =
        smooth(progress->thing_rate, (double)(things - progress->measured_things) / seconds);
    progress->done_rate =
        smooth(progress->done_rate, (double)(done - progress->measured_done) / seconds);
    progress->measured = now;
    progress->measured_things = things;
    progress->measured_done = done;
}

/* ---- Drawing */

/* A bar of eighths of a cell, or of # where the terminal has no UTF-8. */
static void add_bar(cli_buffer *out, double part)
{
    static const char *const eighths[] = {"",
                                          "\xe2\x96\x8f",
                                          "\xe2\x96\x8e",
                                          "\xe2\x96\x8d",
                                          "\xe2\x96\x8c",
                                          "\xe2\x96\x8b",
                                          "\xe2\x96\x8a",
                                          "\xe2\x96\x89"};
    const size_t filled = (size_t)(part * BAR_CELLS * 8);
    size_t cells = filled / 8;

    for (size_t i = 0; i < cells; i++) {
        cli_buffer_add_text(out, cli_has_utf8() ? "\xe2\x96\x88" : "#");
    }
    if (cli_has_utf8() && filled % 8 > 0) {
        cli_buffer_add_text(out, eighths[filled % 8]);
        cells++;
    }
    cli_buffer_add_times(out, ' ', BAR_CELLS - cells);
}

static void add_amounts(cli_buffer *out, const cli_progress *progress, uint64_t done,
                        uint64_t things)
{
    if (progress->thing) {
        cli_add_short_count(out, (double)things);
        cli_buffer_format(out, " %ss  ", progress->thing);
        cli_add_short_count(out, progress->thing_rate);
        cli_buffer_add_text(out, "/s");
    } else {
        cli_add_bytes(out, done);
        cli_buffer_add_text(out, "  ");
        cli_add_bytes(out, progress->done_rate > 0 ? (uint64_t)progress->done_rate : 0);
        cli_buffer_add_text(out, "/s");
    }
}

void cli_progress_add_line(cli_buffer *out, const cli_progress *progress, uint64_t done,
                           uint64_t things, size_t columns)
{
    const size_t start = out->size;

    if (progress->total > 0) {
        const double part = done < progress->total ? (double)done / (double)progress->total : 1;

        if (columns > 0) {
            add_bar(out, part);
        }
        /* Cut, not rounded: 100 % is said when nothing is left. */
        cli_buffer_format(out, "%3u %%  ", (unsigned)(part * 100));
    }
    add_amounts(out, progress, done, things);
    if (progress->total > done && progress->done_rate > 0) {
        const double seconds = (double)(progress->total - done) / progress->done_rate;

        cli_buffer_add_text(out, "  ");
        cli_add_duration(out, seconds < 1 ? SECOND : seconds < 1e6 ? (int64_t)seconds * SECOND : 0);
        cli_buffer_add_text(out, " left");
    }
    if (columns > 0) {
        cli_clip(out, start, columns - 1);
    }
}

static size_t error_columns(void)
{
    struct winsize size;

    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20 ? size.ws_col : 80;
}

void cli_progress_show(cli_progress *progress, uint64_t done, uint64_t things)
{
    CLI_CLEANUP_BUFFER cli_buffer line = {0};
    const int64_t now = cli_monotonic();

    if (progress->is_quiet) {
        return;
    }
    measure(progress, now, done, things);
    if (now - progress->shown < (progress->on_terminal ? DRAW_INTERVAL : LINE_INTERVAL)) {
        return;
    }
    progress->shown = now;
    cli_buffer_add_text(&line, progress->on_terminal ? "\r" : "stele: ");
    cli_progress_add_line(&line, progress, done, things,
                          progress->on_terminal ? error_columns() : 0);
    cli_buffer_add_text(&line, progress->on_terminal ? "\x1b[K" : "\n");
    (void)fwrite(line.data, 1, line.size, stderr);
    (void)fflush(stderr);
    progress->is_drawn = progress->on_terminal;
}

void cli_progress_end(cli_progress *progress)
{
    if (progress->is_drawn) {
        (void)fputs("\r\x1b[K", stderr);
        (void)fflush(stderr);
        progress->is_drawn = false;
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting what is missing, see salvage.h. It shows as gaps between positions, but only in a read
 * of everything, so there is one for this alone. What is missing at the end leaves no gap: that,
 * and all that is wrong besides, the store has said in warnings.
 */
#include "salvage.h"

#include "cli.h"
#include "text.h"

#include <inttypes.h>

#define RANGES_MAX 20

typedef struct left_out {
    uint64_t count;
    uint64_t ranges;
    cli_buffer text;
} left_out;

static void note_gap(left_out *missing, stele_position first, stele_position last)
{
    missing->count += last - first + 1;
    if (++missing->ranges > RANGES_MAX) {
        return;
    }
    cli_buffer_add_text(&missing->text, missing->ranges > 1 ? ", " : "");
    cli_buffer_format(&missing->text, "%" PRIu64, first);
    if (last > first) {
        cli_buffer_format(&missing->text, " to %" PRIu64, last);
    }
}

static void say_missing(left_out *missing)
{
    CLI_CLEANUP_BUFFER cli_buffer message = {0};

    cli_add_things(&message, missing->count, "event");
    cli_buffer_add_text(&message, " cannot be read: position");
    cli_buffer_format(&message, "%s %s", missing->count > 1 ? "s" : "",
                      cli_buffer_text(&missing->text));
    if (missing->ranges > RANGES_MAX) {
        cli_buffer_add_text(&message, ", and ");
        cli_add_things(&message, missing->ranges - RANGES_MAX, "further gap");
    }
    cli_complain(cli_buffer_text(&message), NULL);
}

static int find_gaps(stele_store *store, left_out *missing, stele_position *ret_last)
{
    const stele_read everything = {0};
    stele_cursor *cursor = NULL;
    const stele_record *record;
    stele_error error;

    if (stele_read_open(store, &everything, &cursor, &error) != STELE_OK) {
        return cli_fail(&error);
    }
    while (cli_caught_signal() == 0 && (record = stele_cursor_next(cursor, &error))) {
        if (record->position > *ret_last + 1) {
            note_gap(missing, *ret_last + 1, record->position - 1);
        }
        *ret_last = record->position;
    }
    if (cli_caught_signal() == 0 && error.status == STELE_OK &&
        stele_cursor_head(cursor) > *ret_last) {
        note_gap(missing, *ret_last + 1, stele_cursor_head(cursor));
    }
    stele_cursor_free(cursor);
    if (cli_caught_signal() != 0) {
        return CLI_EXIT_INTERRUPTED;
    }
    return error.status == STELE_OK ? CLI_EXIT_OK : cli_fail(&error);
}

int cli_salvage_end(stele_store *store)
{
    const bool was_warned = cli_was_warned();
    left_out missing = {0};
    stele_position last = 0;
    int result;

    cli_mute_warnings(true);
    result = find_gaps(store, &missing, &last);
    cli_mute_warnings(false);
    if (result == CLI_EXIT_OK && missing.count > 0) {
        say_missing(&missing);
        result = CLI_EXIT_CORRUPT;
    } else if (result == CLI_EXIT_OK && was_warned) {
        CLI_CLEANUP_BUFFER cli_buffer message = {0};

        cli_buffer_format(&message,
                          "the store is damaged; every event up to position %" PRIu64
                          " can be read",
                          last);
        cli_complain(cli_buffer_text(&message), NULL);
        result = CLI_EXIT_CORRUPT;
    }
    cli_buffer_done(&missing.text);
    return result;
}

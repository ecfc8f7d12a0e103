/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stele follow: what is selected, as it comes. It begins a few events back, like tail: a backward
 * read finds the position to begin at, and a forward read goes on from there, so that nothing is
 * missed or shown twice between the two.
 */
#include "cli.h"
#include "commands.h"
#include "record.h"
#include "select.h"

#define LAST_DEFAULT 10
/* How long a signal may have to wait for us to notice it. */
#define WAIT STELE_MILLISECONDS(200)

static struct {
    cli_number last;
    bool is_long;
} given;

static const cli_option options[] = {
    CLI_OPTION(CLI_NUMBER, 'n', "last", "N", &given.last,
               "begin with the last N that match (default 10; 0: only new ones)"),
    CLI_OPTION_FLAG('l', "long", &given.is_long,
                    "everything about each event, JSON over several lines"),
    CLI_OPTION_END,
};

/* The position of the `last`th match from the end; behind the head if nothing is to be shown. */
static stele_status find_begin(stele_store *store, const cli_selection *selection, uint64_t last,
                               stele_position *ret_begin, stele_error *reterr)
{
    stele_read backwards = selection->read;
    stele_cursor *cursor = NULL;
    const stele_record *record;
    stele_status status;

    backwards.direction = STELE_BACKWARDS;
    backwards.limit = last > 0 ? last : 1;
    status = stele_follow_open(store, &backwards, &cursor, reterr);
    if (status != STELE_OK) {
        return status;
    }
    *ret_begin = stele_cursor_head(cursor) + 1;
    while (last > 0 && (record = stele_cursor_next(cursor, reterr))) {
        *ret_begin = record->position;
    }
    status = last > 0 && reterr->status != STELE_OK ? reterr->status : STELE_OK;
    stele_cursor_free(cursor);
    return status;
}

/* A signal came, or whoever reads our output has enough: it would be a pity to wait for an event
 * only to find that out. */
static bool must_stop(void)
{
    return cli_caught_signal() != 0 || cli_output_is_gone();
}

static int show_until_stopped(stele_store *store, const cli_selection *selection)
{
    cli_record_printer printer;
    stele_cursor *cursor = NULL;
    const stele_record *record;
    stele_error error;
    stele_status status;

    if (stele_follow_open(store, &selection->read, &cursor, &error) != STELE_OK) {
        return cli_fail(&error);
    }
    cli_records_begin(&printer,
                      cli_given.json  ? CLI_AS_JSON
                      : given.is_long ? CLI_AS_BLOCKS
                                      : CLI_AS_TABLE,
                      &selection->read);
    do {
        while (cli_caught_signal() == 0 && (record = stele_cursor_next(cursor, &error))) {
            cli_records_print(&printer, record);
        }
        cli_records_flush(&printer);
        if (must_stop()) {
            status = STELE_CANCELLED;
        } else {
            status =
                error.status != STELE_OK ? error.status : stele_cursor_wait(cursor, WAIT, &error);
        }
    } while (status == STELE_OK || status == STELE_TIMEOUT);
    cli_records_end(&printer);
    stele_cursor_free(cursor);
    return status == STELE_CANCELLED ? CLI_EXIT_OK : cli_fail(&error);
}

static int run_follow(char *const *operands, size_t operand_count)
{
    cli_selection selection;
    stele_position begin = 0;
    stele_store *store = NULL;
    stele_error error;
    int result = cli_select(operand_count > 0 ? operands[0] : NULL, &selection);

    if (result >= 0) {
        return result;
    }
    if (selection.has_from && given.last.is_given) {
        return cli_refuse(NULL, "--last and --from exclude each other");
    }
    cli_catch_signals();
    if (cli_open(STELE_READ_ONLY, NULL, &store, &error) != STELE_OK) {
        return cli_fail(&error);
    }
    if (!selection.has_from) {
        if (find_begin(store, &selection, given.last.is_given ? given.last.value : LAST_DEFAULT,
                       &begin, &error) != STELE_OK) {
            result = cli_fail(&error);
        }
        selection.read.from = STELE_AT_POSITION(begin);
    }
    if (result < 0) {
        result = show_until_stopped(store, &selection);
    }
    (void)stele_close(store, NULL);
    return result;
}

const cli_command cli_command_follow = {
    .name = "follow",
    .group = "read",
    .summary = "show events as they come",
    .usage = "[STREAM] [OPTIONS]",
    .about = "Shows the last events that match, and then each new one as soon as it is "
             "written, by whatever process. Without a stream or a selector: everything. A "
             "stream that does not exist yet is waited for. Ends with Ctrl-C.",
    .examples = "  stele follow\n"
                "  stele follow account-ACC001 --from start\n"
                "  stele follow --type account.frozen --json | jq .data.reason\n",
    .tables = {cli_select_what, cli_select_from, options},
    .operands_min = 0,
    .operands_max = 1,
    .operand_words = {CLI_WORDS_STREAMS},
    .run = run_follow,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* stele read: events of a stream, of everything, or of a selection. */
#include "cli.h"
#include "commands.h"
#include "record.h"
#include "salvage.h"
#include "select.h"

static struct {
    bool all;
    bool is_long;
    bool is_salvage;
} given;

static const cli_option options[] = {
    CLI_OPTION_FLAG('a', "all", &given.all, "everything, in the order of positions"),
    CLI_OPTION_FLAG('l', "long", &given.is_long,
                    "everything about each event, JSON over several lines"),
    CLI_OPTION_FLAG(
        0, "salvage", &given.is_salvage,
        "read what can be read of a damaged store; what is left out is told, and the exit "
        "code is 5"),
    CLI_OPTION_END,
};

static int print_all(stele_store *store, const cli_selection *selection)
{
    cli_record_printer printer;
    stele_cursor *cursor = NULL;
    const stele_record *record;
    stele_error error;

    if (stele_read_open(store, &selection->read, &cursor, &error) != STELE_OK) {
        return cli_fail(&error);
    }
    cli_records_begin(&printer,
                      cli_given.json  ? CLI_AS_JSON
                      : given.is_long ? CLI_AS_BLOCKS
                                      : CLI_AS_TABLE,
                      &selection->read);
    while ((record = stele_cursor_next(cursor, &error))) {
        cli_records_print(&printer, record);
    }
    cli_records_end(&printer);
    stele_cursor_free(cursor);
    return error.status == STELE_OK ? CLI_EXIT_OK : cli_fail(&error);
}

static int run_read(char *const *operands, size_t operand_count)
{
    const char *stream = operand_count > 0 ? operands[0] : NULL;
    cli_selection selection;
    stele_store *store = NULL;
    stele_error error;
    int result = cli_select(stream, &selection);

    if (result >= 0) {
        return result;
    }
    if (given.all && stream) {
        return cli_refuse(NULL, "a stream and --all exclude each other");
    }
    if (!given.all && !selection.has_what) {
        return cli_refuse("name a stream, or give --all, --category, --type, --tag or --query",
                          "what should be read?");
    }
    if (cli_open(given.is_salvage ? STELE_SALVAGE : STELE_READ_ONLY, NULL, &store, &error) !=
        STELE_OK) {
        return cli_fail(&error);
    }
    result = print_all(store, &selection);
    if (result == CLI_EXIT_OK && given.is_salvage) {
        result = cli_salvage_end(store);
    }
    (void)stele_close(store, NULL);
    return result;
}

const cli_command cli_command_read = {
    .name = "read",
    .group = "read",
    .summary = "show events of a stream, of everything, or of a selection",
    .usage = "[STREAM|--all] [OPTIONS]",
    .about = "Shows the events of a stream, or with --all those of the whole store, or those "
             "that the options below select. They may be combined: an event must satisfy all "
             "of them. Reading works while another process writes.\n"
             "\n"
             "In the table, data is cut to the width of the terminal; --long and --json show "
             "all of it.",
    .examples = "  stele read account-ACC001\n"
                "  stele read account-ACC001 --backwards --limit 3\n"
                "  stele read --category account --type account.frozen --from-time 7d\n"
                "  stele read --query 'type:Enrolled,Left tag:course:c1 | tag:student:s1'\n"
                "  stele read --all --as-of 2026-11-21T10:00 --json | jq .data\n",
    .tables = {cli_select_what, cli_select_from, cli_select_range, options},
    .operands_min = 0,
    .operands_max = 1,
    .operand_words = {CLI_WORDS_STREAMS},
    .run = run_read,
};

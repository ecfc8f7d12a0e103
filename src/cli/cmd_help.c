/* SPDX-License-Identifier: Apache-2.0 */
/* stele help: the overview, or one command. */
#include "cli.h"
#include "commands.h"

static int run_help(char *const *operands, size_t operand_count)
{
    const cli_command *command;

    if (operand_count == 0) {
        cli_help_overview();
        return CLI_EXIT_OK;
    }
    command = cli_command_find(operands[0]);
    if (!command) {
        return cli_unknown_command(operands[0]);
    }
    cli_help_command(command);
    return CLI_EXIT_OK;
}

const cli_command cli_command_help = {
    .name = "help",
    .group = "help",
    .summary = "tell more about a command",
    .usage = "[COMMAND]",
    .about = "Without a command: lists the commands. The manual pages are stele(1), "
             "stele-import(1) and stele(7).",
    .examples = "  stele help append\n",
    .tables = {NULL},
    .operands_min = 0,
    .operands_max = 1,
    .operand_words = {CLI_WORDS_COMMANDS},
    .needs_no_store = true,
    .run = run_help,
};

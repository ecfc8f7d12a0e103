/* SPDX-License-Identifier: Apache-2.0 */
/* The tool `stele`: finds the command and runs it. */
#include "cli.h"
#include "options.h"

#include <string.h>

static int print_version(void)
{
    cli_print("stele %s\n", stele_version());
    cli_flush();
    return CLI_EXIT_OK;
}

static int run(int argument_count, char **arguments)
{
    const cli_command *command;
    char *const *operands;
    size_t operand_count;
    int at = 1;
    int result = cli_options_parse_front(argument_count, arguments, &at);

    if (result >= 0) {
        return result;
    }
    if (at >= argument_count) {
        cli_help_overview();
        return CLI_EXIT_USAGE;
    }
    if (strcmp(arguments[at], "--version") == 0) {
        return print_version();
    }
    command = cli_command_find(arguments[at]);
    if (!command) {
        return cli_unknown_command(arguments[at]);
    }
    at++;
    result =
        cli_options_parse(command, argument_count - at, arguments + at, &operands, &operand_count);
    if (result >= 0) {
        return result;
    }
    cli_output_begin();
    return command->run(operands, operand_count);
}

int main(int argument_count, char **arguments)
{
    int result;

    cli_output_begin();
    result = run(argument_count, arguments);
    cli_flush();
    return result;
}

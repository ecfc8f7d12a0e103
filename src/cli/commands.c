/* SPDX-License-Identifier: Apache-2.0 */
/* The list of commands, in the order in which the overview shows them. */
#include "commands.h"

const cli_command *const cli_commands[] = {
    &cli_command_append,    &cli_command_import, &cli_command_metadata, &cli_command_delete,
    &cli_command_tombstone, &cli_command_read,   &cli_command_follow,   &cli_command_streams,
    &cli_command_export,    &cli_command_info,   &cli_command_verify,   &cli_command_compress,
    &cli_command_bench,     &cli_command_help,   &cli_command_complete, NULL,
};

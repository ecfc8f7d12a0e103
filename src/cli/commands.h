/* SPDX-License-Identifier: Apache-2.0 */
/* The commands, each in a file of its own: its options, its help, what it does. */
#ifndef STELE_CLI_COMMANDS_H
#define STELE_CLI_COMMANDS_H

#include "options.h"

extern const cli_command cli_command_append;
extern const cli_command cli_command_bench;
extern const cli_command cli_command_complete;
extern const cli_command cli_command_compress;
extern const cli_command cli_command_delete;
extern const cli_command cli_command_export;
extern const cli_command cli_command_follow;
extern const cli_command cli_command_help;
extern const cli_command cli_command_import;
extern const cli_command cli_command_info;
extern const cli_command cli_command_metadata;
extern const cli_command cli_command_read;
extern const cli_command cli_command_streams;
extern const cli_command cli_command_tombstone;
extern const cli_command cli_command_verify;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file that appears whole or not at all: it is written beside its place, flushed to the disk, and
 * renamed. What is no ordinary file (standard output, a pipe, a device) is written as it comes.
 */
#ifndef STELE_CLI_OUTPUT_FILE_H
#define STELE_CLI_OUTPUT_FILE_H

#include "memory.h"

typedef struct cli_output_file {
    int descriptor;
    bool is_standard_output;
    char *path;       /* where it goes, or NULL when it is written in place */
    char *temporary;  /* where it is until then */
    const char *name; /* for messages */
    cli_buffer buffer;
    uint64_t size; /* written so far */
} cli_output_file;

/* Opens; `path` NULL or "-" is standard output. These answer -1, or an exit code after having said
 * what is wrong. */
int cli_output_file_open(cli_output_file *file, const char *path);
int cli_output_file_add(cli_output_file *file, const void *bytes, size_t size);
/* Writes the rest, makes it durable and puts it in its place. */
int cli_output_file_finish(cli_output_file *file);
/* Frees everything; what was not finished disappears. */
void cli_output_file_done(cli_output_file *file);

#endif

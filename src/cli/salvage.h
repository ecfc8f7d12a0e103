/* SPDX-License-Identifier: Apache-2.0 */
/* What a damaged store could not give. */
#ifndef STELE_CLI_SALVAGE_H
#define STELE_CLI_SALVAGE_H

#include <stele/stele.h>

/*
 * After a store that was opened with STELE_SALVAGE has been read: reads it through once more, and
 * says on standard error how many of its events cannot be read, from where to where. Answers
 * CLI_EXIT_OK if the store is as it should be, CLI_EXIT_CORRUPT if it is not (whether or not what
 * was wanted of it is concerned), or why reading ended.
 */
int cli_salvage_end(stele_store *store);

#endif

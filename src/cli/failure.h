/* SPDX-License-Identifier: Apache-2.0 */
/* Refused writes, in the words of the person who asked for them. */
#ifndef STELE_CLI_FAILURE_H
#define STELE_CLI_FAILURE_H

#include "cli.h"

/* As cli_fail(), for a write to one stream: an expectation that does not hold is told with the
 * stream's name. `key` may be NULL. */
int cli_fail_write(const stele_error *error, const char *stream, const char *key);

#endif

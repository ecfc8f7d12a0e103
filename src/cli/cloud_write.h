/* SPDX-License-Identifier: Apache-2.0 */
/* Records as CloudEvents 1.0 in structured JSON form. */
#ifndef STELE_CLI_CLOUD_WRITE_H
#define STELE_CLI_CLOUD_WRITE_H

#include "memory.h"

#include <stele/stele.h>

/*
 * Adds the CloudEvent of a record, without a line break behind it. `source` is the attribute of
 * events that were not imported as CloudEvents; those get back their own attributes. Position,
 * revision, tags and metadata are extensions: steleposition, stelerevision, steletags,
 * stelemetadata, all strings.
 */
void cli_cloudevent_add(cli_buffer *out, const stele_record *record, const char *source);

#endif

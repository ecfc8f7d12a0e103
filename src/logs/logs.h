/* SPDX-License-Identifier: Apache-2.0 */
/* The door of the room: logs are public (stele/logs.h); what its files share is here. See
 * README.md. */
#ifndef STELE_LOGS_LOGS_H
#define STELE_LOGS_LOGS_H

#include "base/base.h"
#include <stele/logs.h>

struct stele_logs {
    stele_domain *domain;
    const stele_alloc *alloc;
    const struct stele_clock *clock;
    stele_logs_options options;
    size_t name_size;
    char name[STELE_STREAM_NAME_SIZE_MAX + 1];
};

/* "<name>-<log id>". */
stele_status stele__log_stream(const stele_logs *logs, const char *log_id,
                               char ret_stream[STELE_STREAM_NAME_SIZE_MAX + 1],
                               stele_error *reterr);
stele_status stele__log_missing(const stele_logs *logs, const char *log_id, stele_error *reterr);

#endif

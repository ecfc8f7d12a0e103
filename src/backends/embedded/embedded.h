/* SPDX-License-Identifier: Apache-2.0 */
/* The door of the embedded backend: a store in a folder, kept by the engine of the room log. */
#ifndef STELE_BACKENDS_EMBEDDED_EMBEDDED_H
#define STELE_BACKENDS_EMBEDDED_EMBEDDED_H

#include <stele/sys/backend.h>

/* A stele_backend_open: `location` is the folder's path. */
stele_status stele__embedded_open(const char *location, const stele_options *options,
                                  stele_backend **ret_backend, stele_error *reterr);

#endif

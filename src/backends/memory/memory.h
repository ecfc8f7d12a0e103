/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door of the memory backend: a store that lives as long as its handle. It is the reference
 * model of the contract in stele/sys/backend.h: simple on purpose, and computed straight from the
 * rules without any code of the engine, so that each can check the other.
 */
#ifndef STELE_BACKENDS_MEMORY_MEMORY_H
#define STELE_BACKENDS_MEMORY_MEMORY_H

#include <stele/sys/backend.h>

/* Opens an empty store; `location` must be empty. Owned: closed through its table. */
stele_status stele__memory_open(const char *location, const stele_options *options,
                                stele_backend **ret_backend, stele_error *reterr);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The backends that stele_open() knows. The room store declares the table and knows nothing else of
 * backends; they know the store's contract; this file alone, a room of its own for the linker,
 * knows both, so that the arrows stay one way and tests may bring a table of their own.
 */
#include "backends/memory/memory.h"
#include "store/store.h"

#ifdef STELE_HAS_EMBEDDED
#include "backends/embedded/embedded.h"
#endif

const stele__store_backend stele__store_backends[] = {
    {"memory", "lives as long as its handle", stele__memory_open},
#ifdef STELE_HAS_EMBEDDED
    {"file", "a folder", stele__embedded_open},
#endif
    {NULL, NULL, NULL},
};

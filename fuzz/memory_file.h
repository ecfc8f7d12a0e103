/* SPDX-License-Identifier: Apache-2.0 */
/* A few files in memory behind a stele_vfs, for targets whose input is a file. */
#ifndef STELE_FUZZ_MEMORY_FILE_H
#define STELE_FUZZ_MEMORY_FILE_H

#include "base/base.h"

#include <stele/sys/vfs.h>

enum { MEMORY_FILE_BYTES_MAX = 1 << 20, MEMORY_FILE_COUNT = 4 };

typedef struct memory_file {
    stele_file file;
    char path[32]; /* empty: not used yet */
    size_t size;
    uint8_t bytes[MEMORY_FILE_BYTES_MAX];
} memory_file;

/* The file of that path. It exists always, empty at first; there are at most four. */
memory_file *memory_file_at(const char *path);

/* Opens every file that is asked for; writing beyond the size above is ENOSPC. A mapping is a copy
 * of its exact size, so that a sanitizer sees reading beyond it. */
extern const stele_vfs memory_file_vfs;

#endif

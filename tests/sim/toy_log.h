/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A toy: a log of numbers in a few files, as small as something can be that needs every kind of
 * durable step. It exists to test the simulator: with all its steps it survives everything, and
 * each step left out (a *flaw*) must be caught.
 *
 * The folder holds `manifest`, the number of the newest file, replaced by renaming; and the files
 * `0.log`, `1.log` … of at most TOY_FILE_RECORDS records. A record is its number, its size, and a
 * checksum over both and the payload.
 */
#ifndef STELE_TESTS_SIM_TOY_LOG_H
#define STELE_TESTS_SIM_TOY_LOG_H

#include <stele/sys/vfs.h>

#include <stdbool.h>
#include <stdint.h>

#define TOY_FILE_RECORDS 4u
#define TOY_PAYLOAD_SIZE_MAX 1500u

/* What the toy forgets. */
typedef enum toy_flaw {
    TOY_FLAWLESS = 0,
    TOY_NO_SYNC_OF_RECORD,
    TOY_NO_SYNC_OF_NEW_FILE_NAME,
    TOY_NO_SYNC_OF_MANIFEST_BYTES,
    TOY_NO_SYNC_OF_MANIFEST_NAME,
    TOY_MANIFEST_IN_PLACE,    /* overwritten instead of renamed */
    TOY_MANIFEST_BEFORE_FILE, /* names a file before that file's name is durable */
    TOY_NO_SYNC_IN_RECOVERY,  /* believes what it reads, though only the page cache may have it */
    TOY_NO_SYNC_OF_NAMES_IN_RECOVERY,
    TOY_NO_CHECKSUM,
    TOY_RETRIES_SYNC, /* after a sync that failed */
    TOY_FLAW_COUNT
} toy_flaw;

typedef struct toy_log {
    const stele_vfs *vfs;
    toy_flaw flaw;
    stele_file *file;
    uint64_t file_number;
    uint64_t count; /* of records in all files */
    uint64_t end;   /* where the next record goes */
    bool is_poisoned;
} toy_log;

/* 0, or an errno (EBADMSG: damage). Closes itself on failure. */
int toy_open(toy_log *log, const stele_vfs *vfs, toy_flaw flaw);
/* 0: the next number is durable. */
int toy_append(toy_log *log, uint32_t payload_size);
void toy_close(toy_log *log);

#endif

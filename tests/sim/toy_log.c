/* SPDX-License-Identifier: Apache-2.0 */
/* The toy on which the simulator proves itself. See toy_log.h. */
#include "sim/toy_log.h"

#include "base/base.h"

#include <errno.h>
#include <stdio.h>

#define TOY_FOLDER "/toy"
#define TOY_HEAD_SIZE 16u

static int write_manifest(toy_log *log, uint64_t number)
{
    const bool in_place = log->flaw == TOY_MANIFEST_IN_PLACE;
    const char *path = in_place ? TOY_FOLDER "/manifest" : TOY_FOLDER "/manifest.new";
    uint8_t bytes[1200];
    stele_file *file;
    memset(bytes, (int)(number & 0x7f), sizeof bytes);
    stele__store64(bytes, number);
    stele__store32(bytes + sizeof bytes - 4, stele__crc32c(0, bytes, sizeof bytes - 4));
    int error = log->vfs->open(log->vfs, path, STELE_FILE_WRITE | STELE_FILE_CREATE, &file);
    if (error) {
        return error;
    }
    error = log->vfs->write(file, 0, bytes, sizeof bytes);
    if (!error && log->flaw != TOY_NO_SYNC_OF_MANIFEST_BYTES) {
        error = log->vfs->sync(file);
    }
    log->vfs->close(file);
    if (!error && !in_place) {
        error = log->vfs->rename(log->vfs, path, TOY_FOLDER "/manifest");
    }
    if (!error && log->flaw != TOY_NO_SYNC_OF_MANIFEST_NAME) {
        error = log->vfs->sync_folder(log->vfs, TOY_FOLDER);
    }
    return error;
}

static int read_manifest(const toy_log *log, uint64_t *ret_number)
{
    uint8_t bytes[1200];
    size_t size = 0;
    stele_file *file;
    int error = log->vfs->open(log->vfs, TOY_FOLDER "/manifest", STELE_FILE_READ, &file);
    if (error) {
        return error;
    }
    error = log->vfs->read(file, 0, bytes, sizeof bytes, &size);
    log->vfs->close(file);
    if (error) {
        return error;
    }
    if (size != sizeof bytes ||
        stele__load32(bytes + sizeof bytes - 4) != stele__crc32c(0, bytes, sizeof bytes - 4)) {
        return EBADMSG;
    }
    *ret_number = stele__load64(bytes);
    return 0;
}

static int open_numbered(toy_log *log, uint64_t number, int flags, stele_file **ret_file)
{
    char path[64];
    (void)snprintf(path, sizeof path, TOY_FOLDER "/%llu.log", (unsigned long long)number);
    return log->vfs->open(log->vfs, path, flags, ret_file);
}

static uint32_t record_check(const toy_log *log, const uint8_t *record, uint32_t size)
{
    if (log->flaw == TOY_NO_CHECKSUM) {
        return 0x7ee1;
    }
    return stele__crc32c(stele__crc32c(0, record, 12), record + TOY_HEAD_SIZE, size);
}

/* Counts the records of one file that are whole and in order; *ret_end is where they end. */
static int scan(toy_log *log, stele_file *file, uint64_t first, uint64_t *ret_count,
                uint64_t *ret_end)
{
    uint8_t record[TOY_HEAD_SIZE + TOY_PAYLOAD_SIZE_MAX];
    uint64_t count = 0;
    uint64_t end = 0;
    for (;;) {
        size_t size;
        const int error = log->vfs->read(file, end, record, sizeof record, &size);
        if (error) {
            return error;
        }
        if (size < TOY_HEAD_SIZE || stele__load64(record) != first + count + 1) {
            break;
        }
        const uint32_t payload = stele__load32(record + 8);
        if (payload > size - TOY_HEAD_SIZE ||
            stele__load32(record + 12) != record_check(log, record, payload)) {
            break;
        }
        /* Who does not check sums believes the payload, and a caller would meet a wrong one. */
        for (uint32_t i = 0; i < payload; i++) {
            if (record[TOY_HEAD_SIZE + i] != (uint8_t)(first + count + 1)) {
                return EBADMSG;
            }
        }
        end += TOY_HEAD_SIZE + payload;
        count++;
    }
    *ret_count = count;
    *ret_end = end;
    return 0;
}

/* Creates the file with this number and makes it the newest. */
static int begin_file(toy_log *log, uint64_t number)
{
    stele_file *file;
    int error = 0;
    if (log->flaw == TOY_MANIFEST_BEFORE_FILE) {
        error = write_manifest(log, number);
    }
    if (!error) {
        error = open_numbered(log, number, STELE_FILE_WRITE | STELE_FILE_CREATE, &file);
    }
    if (error) {
        return error;
    }
    error = log->vfs->truncate(file, 0);
    if (!error) {
        error = log->vfs->sync(file);
    }
    if (!error && log->flaw != TOY_NO_SYNC_OF_NEW_FILE_NAME &&
        log->flaw != TOY_MANIFEST_BEFORE_FILE) {
        error = log->vfs->sync_folder(log->vfs, TOY_FOLDER);
    }
    if (!error && log->flaw != TOY_MANIFEST_BEFORE_FILE) {
        error = write_manifest(log, number);
    }
    if (error) {
        log->vfs->close(file);
        return error;
    }
    if (log->file) {
        log->vfs->close(log->file);
    }
    log->file = file;
    log->file_number = number;
    log->end = 0;
    return 0;
}

static int create(toy_log *log)
{
    int error = log->vfs->make_folder(log->vfs, TOY_FOLDER);
    if (!error || error == EEXIST) {
        error = log->vfs->sync_folder(log->vfs, "/");
    }
    return error ? error : begin_file(log, 0);
}

/* Reads [0, log->end) of the newest file and writes it again: after a sync that failed, the page
 * cache may show what the disk does not have, and a sync alone would not write it. */
static int rewrite_newest(toy_log *log)
{
    uint8_t bytes[TOY_FILE_RECORDS * (TOY_HEAD_SIZE + TOY_PAYLOAD_SIZE_MAX)];
    size_t size;
    int error = log->vfs->read(log->file, 0, bytes, (size_t)log->end, &size);
    if (!error && size != log->end) {
        error = EBADMSG;
    }
    if (!error) {
        error = log->vfs->truncate(log->file, log->end);
    }
    if (!error) {
        error = log->vfs->write(log->file, 0, bytes, size);
    }
    return error ? error : log->vfs->sync(log->file);
}

static int recover(toy_log *log)
{
    uint64_t newest;
    int error = read_manifest(log, &newest);
    if (error == ENOENT) {
        return create(log);
    }
    for (uint64_t number = 0; !error && number <= newest; number++) {
        uint64_t count = 0;
        error = open_numbered(log, number, number == newest ? STELE_FILE_WRITE : STELE_FILE_READ,
                              &log->file);
        error = error == ENOENT ? EBADMSG : error;
        if (!error) {
            error = scan(log, log->file, log->count, &count, &log->end);
        }
        if (!error && number < newest && count != TOY_FILE_RECORDS) {
            error = EBADMSG;
        }
        log->count += count;
        log->file_number = number;
        if (!error && number < newest) {
            log->vfs->close(log->file);
            log->file = NULL;
        }
    }
    if (!error && log->flaw != TOY_NO_SYNC_IN_RECOVERY) {
        error = rewrite_newest(log);
    }
    /* The names that were found may be in the page cache only, like the bytes. */
    if (!error && log->flaw != TOY_NO_SYNC_OF_NAMES_IN_RECOVERY) {
        error = log->vfs->sync_folder(log->vfs, TOY_FOLDER);
    }
    return error;
}

int toy_open(toy_log *log, const stele_vfs *vfs, toy_flaw flaw)
{
    *log = (toy_log){.vfs = vfs, .flaw = flaw};
    const int error = recover(log);
    if (error) {
        toy_close(log);
    }
    return error;
}

int toy_append(toy_log *log, uint32_t payload_size)
{
    uint8_t record[TOY_HEAD_SIZE + TOY_PAYLOAD_SIZE_MAX];
    if (log->is_poisoned) {
        return EIO;
    }
    int error = 0;
    if (log->count == (log->file_number + 1) * TOY_FILE_RECORDS) {
        error = begin_file(log, log->file_number + 1);
    }
    stele__store64(record, log->count + 1);
    stele__store32(record + 8, payload_size);
    memset(record + TOY_HEAD_SIZE, (int)(uint8_t)(log->count + 1), payload_size);
    stele__store32(record + 12, record_check(log, record, payload_size));
    if (!error) {
        error = log->vfs->write(log->file, log->end, record, TOY_HEAD_SIZE + payload_size);
    }
    if (!error && log->flaw != TOY_NO_SYNC_OF_RECORD) {
        error = log->vfs->sync(log->file);
        if (error && log->flaw == TOY_RETRIES_SYNC) {
            error = log->vfs->sync(log->file);
        }
    }
    if (error) {
        log->is_poisoned = true;
        return error;
    }
    log->end += TOY_HEAD_SIZE + payload_size;
    log->count++;
    return 0;
}

void toy_close(toy_log *log)
{
    if (log->file) {
        log->vfs->close(log->file);
        log->file = NULL;
    }
}

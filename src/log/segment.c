/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the log: header, opening, preallocation, lending bytes. */
#include "log/segment.h"

#include "log/canary.h"
#include "log/packed.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

/*
 * The header:
 *
 *    0  8  "STELELOG"
 *    8  4  format version
 *   12  4  size of this header
 *   16 16  store id
 *   32 16  key of the store's hash
 *   48  8  number of the segment
 *   56  8  position of its first event
 *   64  8  time of its first commit
 *   72 20  zero; for what comes: compression, encryption, a hash link to the segment before
 *   92  4  CRC32C of the 92 bytes before
 */
static const char MAGIC[8] = {'S', 'T', 'E', 'L', 'E', 'L', 'O', 'G'};
enum { RESERVED_AT = 72, CRC_AT = 92 };
_Static_assert(CRC_AT + 4 == STELE_SEGMENT_HEADER_SIZE, "the checksum ends the header");

void stele__segment_file_name(uint64_t number, char ret_name[STELE_FILE_NAME_SIZE])
{
    (void)snprintf(ret_name, STELE_FILE_NAME_SIZE, "%010" PRIu64 ".log", number);
}

void stele__segment_header_encode(const stele__segment_header *header,
                                  uint8_t ret_bytes[STELE_SEGMENT_HEADER_SIZE])
{
    memset(ret_bytes, 0, STELE_SEGMENT_HEADER_SIZE);
    memcpy(ret_bytes, MAGIC, sizeof MAGIC);
    stele__store32(ret_bytes + 8, STELE_SEGMENT_VERSION);
    stele__store32(ret_bytes + 12, STELE_SEGMENT_HEADER_SIZE);
    memcpy(ret_bytes + 16, header->store.bytes, 16);
    stele__store64(ret_bytes + 32, header->hash_key.k0);
    stele__store64(ret_bytes + 40, header->hash_key.k1);
    stele__store64(ret_bytes + 48, header->number);
    stele__store64(ret_bytes + 56, header->first);
    stele__store64(ret_bytes + 64, (uint64_t)header->base_time);
    stele__store32(ret_bytes + CRC_AT, stele__crc32c(0, ret_bytes, CRC_AT));
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i]) {
            return false;
        }
    }
    return true;
}

stele_status stele__segment_header_decode(const uint8_t bytes[STELE_SEGMENT_HEADER_SIZE],
                                          const char *path, stele__segment_header *ret_header,
                                          stele_error *reterr)
{
    if (is_zero(bytes, STELE_SEGMENT_HEADER_SIZE)) {
        return stele__fail(reterr, STELE_NOT_FOUND, "%s is reserved and unused", path);
    }
    if (memcmp(bytes, MAGIC, sizeof MAGIC) != 0) {
        return stele__fail(reterr, STELE_CORRUPT, "%s does not begin like a segment (offset 0)",
                           path);
    }
    if (stele__load32(bytes + CRC_AT) != stele__crc32c(0, bytes, CRC_AT)) {
        return stele__fail(reterr, STELE_CORRUPT,
                           "the header of %s is damaged (offset 0, 96 bytes)", path);
    }
    if (stele__load32(bytes + 8) != STELE_SEGMENT_VERSION ||
        stele__load32(bytes + 12) != STELE_SEGMENT_HEADER_SIZE ||
        !is_zero(bytes + RESERVED_AT, CRC_AT - RESERVED_AT)) {
        return stele__fail(reterr, STELE_UNSUPPORTED_VERSION,
                           "%s has format %" PRIu32 "; this library reads 1", path,
                           stele__load32(bytes + 8));
    }
    memcpy(ret_header->store.bytes, bytes + 16, 16);
    ret_header->hash_key = (stele__hash_key){stele__load64(bytes + 32), stele__load64(bytes + 40)};
    ret_header->number = stele__load64(bytes + 48);
    ret_header->first = stele__load64(bytes + 56);
    ret_header->base_time = (stele_time)stele__load64(bytes + 64);
    if (ret_header->base_time < 0) { /* recorded time is never before 1970 */
        return stele__fail(reterr, STELE_CORRUPT, "%s has a senseless time (offset 64)", path);
    }
    return STELE_OK;
}

uint32_t stele__segment_seed(const stele__segment_header *header)
{
    uint8_t bytes[24];
    memcpy(bytes, header->store.bytes, 16);
    stele__store64(bytes + 16, header->number);
    return stele__crc32c(0, bytes, sizeof bytes);
}

/* ---- opening */

stele_status stele__segment_make(const stele_alloc *alloc, const stele_vfs *vfs, const char *folder,
                                 const char *name, stele__segment **ret_segment,
                                 stele_error *reterr)
{
    stele__segment *segment = stele__allocate_zero(alloc, sizeof *segment);
    const size_t path_size = strlen(folder) + 1 + STELE_FILE_NAME_SIZE;
    char *path = segment ? stele__allocate(alloc, path_size) : NULL;
    if (!path) {
        stele__release(alloc, segment, sizeof *segment);
        return stele__fail_memory(reterr);
    }
    (void)snprintf(path, path_size, "%s/%s", folder, name);
    atomic_init(&segment->refs, 1);
    segment->alloc = alloc;
    segment->vfs = vfs;
    segment->path = path;
    segment->path_size = path_size;
    *ret_segment = segment;
    return STELE_OK;
}

static stele_status make_segment(const stele_alloc *alloc, const stele_vfs *vfs, const char *folder,
                                 uint64_t number, stele__segment **ret_segment, stele_error *reterr)
{
    char name[STELE_FILE_NAME_SIZE];
    stele__segment_file_name(number, name);
    return stele__segment_make(alloc, vfs, folder, name, ret_segment, reterr);
}

static stele_status map_segment(stele__segment *segment, stele_mapping mapping, stele_error *reterr)
{
    if (mapping == STELE_PREAD || segment->size == 0) {
        return STELE_OK;
    }
    const int error = segment->vfs->map(segment->file, (size_t)segment->size, &segment->map);
    if (error == ENOTSUP) {
        return STELE_OK;
    }
    if (error) {
        return stele__fail_os(reterr, STELE_IO, error, "cannot map %s", segment->path);
    }
    segment->map_size = segment->size;
    return STELE_OK;
}

/* Pages whose pair was asked for are noted. Without memory for that nothing is asked. */
static void note_asked(stele__segment *segment)
{
    if (segment->map && segment->vfs->will_read) {
        segment->asked_words = (size_t)(segment->map_size / STELE_SEGMENT_PAGE / 64 + 1);
        segment->asked =
            stele__allocate_zero(segment->alloc, segment->asked_words * sizeof *segment->asked);
    }
}

static stele_status read_header(stele__segment *segment, uint64_t number, stele_error *reterr)
{
    uint8_t bytes[STELE_SEGMENT_HEADER_SIZE];
    size_t size;
    const int error = segment->vfs->read(segment->file, 0, bytes, sizeof bytes, &size);
    if (error) {
        return stele__fail_os(reterr, STELE_IO, error, "cannot read %s", segment->path);
    }
    if (size < sizeof bytes) {
        if (is_zero(bytes, size)) {
            return stele__fail(reterr, STELE_NOT_FOUND, "%s is reserved and unused", segment->path);
        }
        return stele__fail(reterr, STELE_CORRUPT, "%s ends inside its header (offset %zu)",
                           segment->path, size);
    }
    STELE_TRY(stele__segment_header_decode(bytes, segment->path, &segment->header, reterr));
    if (segment->header.number != number) {
        return stele__fail(reterr, STELE_CORRUPT, "%s says that it is segment %" PRIu64,
                           segment->path, segment->header.number);
    }
    segment->seal_seed = stele__segment_seed(&segment->header);
    return STELE_OK;
}

stele_status stele__segment_open(const stele_alloc *alloc, const stele_vfs *vfs, const char *folder,
                                 uint64_t number, stele_mapping mapping, bool is_writable,
                                 stele__segment **ret_segment, stele_error *reterr)
{
    stele__segment *segment = NULL;
    STELE_TRY(make_segment(alloc, vfs, folder, number, &segment, reterr));
    stele_status status = STELE_OK;
    const int error = vfs->open(vfs, segment->path,
                                is_writable ? STELE_FILE_WRITE : STELE_FILE_READ, &segment->file);
    if (error) {
        status = error == ENOENT
                     ? stele__fail(reterr, STELE_NOT_FOUND_STORE, "the segment %s is missing",
                                   segment->path)
                     : stele__fail_os(reterr, STELE_IO, error, "cannot open %s", segment->path);
    } else {
        const int size_error = vfs->size(segment->file, &segment->size);
        status = size_error ? stele__fail_os(reterr, STELE_IO, size_error,
                                             "cannot find the size of %s", segment->path)
                            : read_header(segment, number, reterr);
    }
    if (status == STELE_OK && segment->size > STELE_SEGMENT_SIZE_MAX) {
        status =
            stele__fail(reterr, STELE_CORRUPT, "%s is larger than a segment can be", segment->path);
    }
    if (status == STELE_OK) {
        status = map_segment(segment, mapping, reterr);
    }
    if (status != STELE_OK) {
        stele__segment_unref(segment);
        return status;
    }
    if (!is_writable) {
        stele__segment_finish_writing(segment);
        note_asked(segment);
    }
    *ret_segment = segment;
    return STELE_OK;
}

stele_status stele__segment_reopen(const stele__segment *grown, const char *folder,
                                   stele_mapping mapping, stele__segment **ret_segment,
                                   stele_error *reterr)
{
    const stele_vfs *vfs = grown->vfs;
    stele__segment *segment = NULL;
    STELE_TRY(make_segment(grown->alloc, vfs, folder, grown->header.number, &segment, reterr));
    segment->header = grown->header;
    segment->seal_seed = grown->seal_seed;
    int error = vfs->open(vfs, segment->path, STELE_FILE_READ, &segment->file);
    error = error ? error : vfs->size(segment->file, &segment->size);
    const stele_status status =
        error ? stele__fail_os(reterr, STELE_IO, error, "cannot open %s again", segment->path)
              : map_segment(segment, mapping, reterr);
    if (status != STELE_OK) {
        stele__segment_unref(segment);
        return status;
    }
    stele__segment_finish_writing(segment);
    note_asked(segment);
    *ret_segment = segment;
    return STELE_OK;
}

stele_status stele__segment_reserve(const stele_alloc *alloc, const stele_vfs *vfs,
                                    const char *folder, uint64_t number, uint64_t size,
                                    stele_mapping mapping, stele__segment **ret_segment,
                                    stele_error *reterr)
{
    stele__segment *segment = NULL;
    STELE_TRY(make_segment(alloc, vfs, folder, number, &segment, reterr));
    int error = vfs->open(vfs, segment->path, STELE_FILE_WRITE | STELE_FILE_CREATE, &segment->file);
    if (!error) {
        error = vfs->allocate(segment->file, size);
    }
    /* The name must be durable before anything in the file is acknowledged; and the file's size
     * with it. */
    if (!error) {
        error = vfs->sync(segment->file);
    }
    if (!error && !STELE_CANARY_IS(13)) {
        error = vfs->sync_folder(vfs, folder);
    }
    if (!error) {
        error = vfs->size(segment->file, &segment->size);
    }
    stele_status status =
        error ? stele__fail_os(reterr, STELE_IO, error, "cannot reserve %" PRIu64 " bytes for %s",
                               size, segment->path)
              : map_segment(segment, mapping, reterr);
    if (status != STELE_OK) {
        stele__segment_unref(segment);
        return status;
    }
    *ret_segment = segment;
    return STELE_OK;
}

int stele__segment_zero(const stele__segment *segment, uint64_t offset, uint64_t size)
{
    static const uint8_t zeroes[1 << 17];
    int error = 0;
    while (size > 0 && !error) {
        const size_t step = size < sizeof zeroes ? (size_t)size : sizeof zeroes;
        error = segment->vfs->write(segment->file, offset, zeroes, step);
        offset += step;
        size -= step;
    }
    return error;
}

void stele__segment_begin(stele__segment *segment, const stele__segment_header *header)
{
    segment->header = *header;
    segment->seal_seed = stele__segment_seed(header);
}

void stele__segment_finish_writing(stele__segment *segment)
{
    if (segment->map && segment->file) {
        segment->vfs->close(segment->file);
        segment->file = NULL;
    }
}

stele__segment *stele__segment_ref(stele__segment *segment)
{
    atomic_fetch_add_explicit(&segment->refs, 1, memory_order_relaxed);
    return segment;
}

void stele__segment_unref(stele__segment *segment)
{
    if (!segment || atomic_fetch_sub_explicit(&segment->refs, 1, memory_order_acq_rel) > 1) {
        return;
    }
    stele__packed_free(segment->packed);
    if (segment->map) {
        segment->vfs->unmap(segment->vfs, segment->map, (size_t)segment->map_size);
    }
    if (segment->file) {
        segment->vfs->close(segment->file);
    }
    if (segment->asked) {
        stele__release(segment->alloc, segment->asked,
                       segment->asked_words * sizeof *segment->asked);
    }
    stele__release(segment->alloc, segment->path, segment->path_size);
    stele__release(segment->alloc, segment, sizeof *segment);
}

int stele__segment_trim(const stele__segment *segment, uint64_t end)
{
    return segment->vfs->truncate(segment->file, end + STELE_SEGMENT_SLACK);
}

/* ---- reading */

void stele__segment_will_read(const stele__segment *segment, uint64_t offset, uint64_t size)
{
    if (segment->map && segment->vfs->will_read && offset < segment->map_size) {
        const uint64_t rest = segment->map_size - offset;
        segment->vfs->will_read(segment->vfs, segment->map + offset,
                                (size_t)(size < rest ? size : rest));
    }
}

void stele__segment_ask_pair(const stele__segment *segment, uint64_t offset)
{
    const uint64_t page = offset / STELE_SEGMENT_PAGE;
    if (offset >= segment->map_size) {
        return;
    }
    /* Relaxed: a bit publishes nothing; who misses it asks once more. */
    _Atomic uint64_t *word = &segment->asked[page / 64];
    const uint64_t bit = UINT64_C(1) << page % 64;
    if (!(atomic_load_explicit(word, memory_order_relaxed) & bit)) {
        atomic_fetch_or_explicit(word, bit, memory_order_relaxed);
        stele__segment_will_read(segment, offset, STELE_SEGMENT_NEAR);
    }
}

stele_status stele__segment_bytes(const stele__segment *segment, uint64_t offset, size_t size,
                                  stele__buffer *scratch, const uint8_t **ret_bytes,
                                  size_t *ret_size, stele_error *reterr)
{
    static const uint8_t nothing[STELE_SEGMENT_SLACK];
    if (offset >= segment->size) {
        *ret_bytes = nothing;
        *ret_size = 0;
        return STELE_OK;
    }
    if (size > segment->size - offset) {
        size = (size_t)(segment->size - offset);
    }
    if (segment->map && segment->size - offset - size >= STELE_SEGMENT_SLACK) {
        *ret_bytes = segment->map + offset;
        *ret_size = size;
        return STELE_OK;
    }
    scratch->size = 0;
    if (!stele__buffer_reserve(scratch, size + STELE_SEGMENT_SLACK)) {
        return stele__fail_memory(reterr);
    }
    if (segment->map) {
        memcpy(scratch->data, segment->map + offset, size);
        *ret_size = size;
    } else if (segment->packed) {
        STELE_TRY(stele__unpack_bytes(segment, offset, size, scratch, reterr));
        *ret_size = size;
    } else {
        const int error = segment->vfs->read(segment->file, offset, scratch->data, size, ret_size);
        if (error) {
            return stele__fail_os(reterr, STELE_IO, error, "cannot read %s at offset %" PRIu64,
                                  segment->path, offset);
        }
    }
    memset(scratch->data + *ret_size, 0, STELE_SEGMENT_SLACK);
    scratch->size = *ret_size;
    *ret_bytes = scratch->data;
    return STELE_OK;
}

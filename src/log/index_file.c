/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Index files: opening, and pages. A page is compared with its checksum before
 * anything in it is believed: once when the file is mapped, at each reading otherwise.
 */
#include "log/index_format.h"

#include <errno.h>

/* ---- reading ---- */

stele_status stele__index_read(const stele__index *index, uint64_t offset, void *bytes, size_t size,
                               stele_error *reterr)
{
    size_t done;
    const int os_error = index->vfs->read(index->file, offset, bytes, size, &done);
    if (os_error) {
        return stele__fail_os(reterr, STELE_IO, os_error,
                              "cannot read index file %s at offset %llu", index->path,
                              (unsigned long long)offset);
    }
    if (done != size) {
        return stele__index_corrupt(index->path, offset + done, reterr,
                                    "the file ends here, too early");
    }
    return STELE_OK;
}

static stele_status check_page(const stele__index *index, uint64_t page, const uint8_t *bytes,
                               stele_error *reterr)
{
    const uint32_t expected = stele__load32(index->checksums + 4 * (page - 1));
    if (stele__crc32c(0, bytes, STELE_INDEX_PAGE_SIZE) != expected) {
        return stele__index_corrupt(index->path, page * STELE_INDEX_PAGE_SIZE, reterr,
                                    "the page has a wrong checksum");
    }
    return STELE_OK;
}

/*
 * A bit in `checked` says that some thread found the page right. The order is relaxed on both
 * sides: the bit publishes no other memory, as the mapping is the same for all threads and never
 * changes; who misses the bit checks once more.
 */
static stele_status check_page_once(const stele__index *index, uint64_t page, stele_error *reterr)
{
    _Atomic uint64_t *word = &index->checked[page / 64];
    const uint64_t bit = (uint64_t)1 << page % 64;
    if (atomic_load_explicit(word, memory_order_relaxed) & bit) {
        return STELE_OK;
    }
    STELE_TRY(check_page(index, page, index->map + page * STELE_INDEX_PAGE_SIZE, reterr));
    atomic_fetch_or_explicit(word, bit, memory_order_relaxed);
    return STELE_OK;
}

stele_status stele__index_page(const stele__index *index, uint64_t page, uint8_t *scratch,
                               const uint8_t **ret_page, stele_error *reterr)
{
    STELE_ASSERT(page >= 1 && page < index->page_count);
    if (index->map) {
        STELE_TRY(check_page_once(index, page, reterr));
        *ret_page = index->map + page * STELE_INDEX_PAGE_SIZE;
        return STELE_OK;
    }
    STELE_TRY(stele__index_read(index, page * STELE_INDEX_PAGE_SIZE, scratch, STELE_INDEX_PAGE_SIZE,
                                reterr));
    STELE_TRY(check_page(index, page, scratch, reterr));
    *ret_page = scratch;
    return STELE_OK;
}

/* A section that opening needs whole: in the mapping, or read into memory of its own. The checksums
 * of its pages are compared if there are checksums yet. */
static stele_status load_section(stele__index *index, stele__index_section_number number,
                                 uint8_t **ret_own, const uint8_t **ret_bytes, stele_error *reterr)
{
    const stele__index_section *section = &index->header.sections[number];
    if (index->map) {
        *ret_bytes = index->map + section->offset;
        if (index->vfs->will_read) {
            index->vfs->will_read(index->vfs, *ret_bytes, (size_t)section->size);
        }
    } else {
        *ret_own =
            section->size <= SIZE_MAX ? stele__allocate(index->alloc, (size_t)section->size) : NULL;
        if (!*ret_own) {
            return stele__fail_memory(reterr);
        }
        *ret_bytes = *ret_own;
        STELE_TRY(
            stele__index_read(index, section->offset, *ret_own, (size_t)section->size, reterr));
    }
    if (!index->checksums) {
        return STELE_OK;
    }
    const uint64_t end = section->offset + section->size;
    for (uint64_t page = section->offset / STELE_INDEX_PAGE_SIZE;
         page * STELE_INDEX_PAGE_SIZE < end; page++) {
        uint8_t scratch[STELE_INDEX_PAGE_SIZE];
        const uint8_t *bytes;
        STELE_TRY(stele__index_page(index, page, scratch, &bytes, reterr));
    }
    return STELE_OK;
}

/* ---- opening ---- */

static stele_status map_file(stele__index *index, uint64_t file_size, stele_error *reterr)
{
    index->checked_words = (size_t)(index->page_count / 64 + 1);
    index->checked = stele__allocate_zero(index->alloc, index->checked_words * sizeof(uint64_t));
    if (!index->checked) {
        return stele__fail_memory(reterr);
    }
    const int os_error = file_size <= SIZE_MAX
                             ? index->vfs->map(index->file, (size_t)file_size, &index->map)
                             : ENOTSUP;
    if (os_error == 0) {
        index->vfs->close(index->file);
        index->file = NULL;
        return STELE_OK;
    }
    index->map = NULL;
    if (os_error != ENOTSUP) {
        return stele__fail_os(reterr, STELE_IO, os_error, "cannot map index file %s", index->path);
    }
    return STELE_OK;
}

static stele_status open_header(stele__index *index, stele_mapping mapping, stele_error *reterr)
{
    uint8_t page[STELE_INDEX_PAGE_SIZE];
    uint64_t file_size;
    int os_error = index->vfs->open(index->vfs, index->path, STELE_FILE_READ, &index->file);
    if (os_error) {
        index->file = NULL;
        return stele__fail_os(reterr, os_error == ENOENT ? STELE_NOT_FOUND : STELE_IO, os_error,
                              "cannot open index file %s", index->path);
    }
    os_error = index->vfs->size(index->file, &file_size);
    if (os_error) {
        return stele__fail_os(reterr, STELE_IO, os_error, "cannot learn the size of index file %s",
                              index->path);
    }
    STELE_TRY(stele__index_read(index, 0, page, sizeof page, reterr));
    STELE_TRY(stele__index_header_decode(page, file_size, index->path, &index->header, reterr));
    index->page_count =
        index->header.sections[STELE_INDEX_CHECKSUMS].offset / STELE_INDEX_PAGE_SIZE;
    return mapping == STELE_MAP ? map_file(index, file_size, reterr) : STELE_OK;
}

stele_status stele__index_open_file(const stele_alloc *alloc, const stele_vfs *vfs,
                                    const char *path, stele_mapping mapping,
                                    stele__index **ret_index, stele_error *reterr)
{
    stele__index *index = stele__allocate_zero(alloc, sizeof *index);
    if (!index) {
        return stele__fail_memory(reterr);
    }
    index->alloc = alloc;
    index->vfs = vfs;
    atomic_init(&index->references, 1);
    index->path_size = strlen(path) + 1;
    index->path = stele__allocate(alloc, index->path_size);
    stele_status status;
    if (index->path) {
        memcpy(index->path, path, index->path_size);
        status = open_header(index, mapping, reterr);
    } else {
        status = stele__fail_memory(reterr);
    }
    if (status != STELE_OK) {
        stele__index_unref(index);
        return status;
    }
    *ret_index = index;
    return STELE_OK;
}

stele_status stele__index_reopen(const stele__index *index, stele__index **ret_again,
                                 stele_error *reterr)
{
    uint8_t expected[STELE_INDEX_PAGE_SIZE];
    uint8_t actual[STELE_INDEX_PAGE_SIZE];
    stele__index *again = NULL;
    if (index->is_missing) {
        return stele__index_fail_missing(index, reterr);
    }
    STELE_TRY(
        stele__index_open_file(index->alloc, index->vfs, index->path, STELE_PREAD, &again, reterr));
    stele__index_header_encode(&index->header, expected);
    stele__index_header_encode(&again->header, actual);
    if (memcmp(expected, actual, sizeof expected) != 0) {
        stele__index_unref(again);
        return stele__index_corrupt(index->path, 0, reterr,
                                    "another file stands where this one was opened");
    }
    again->hash_key = index->hash_key;
    *ret_again = again;
    return STELE_OK;
}

stele_status stele__index_open_checksums(stele__index *index, stele_error *reterr)
{
    const stele__index_section *section = &index->header.sections[STELE_INDEX_CHECKSUMS];
    const uint8_t *checksums;
    STELE_TRY(
        load_section(index, STELE_INDEX_CHECKSUMS, &index->own_checksums, &checksums, reterr));
    if (stele__crc32c(0, checksums, (size_t)section->size) != index->header.checksums_crc) {
        return stele__index_corrupt(index->path, section->offset, reterr,
                                    "the table of page checksums has a wrong checksum");
    }
    index->checksums = checksums;
    return STELE_OK;
}

/* A line of the segment table. Returns what is wrong. */
static const char *decode_segment(const stele__index *index, const uint8_t *line,
                                  const stele__index_segment *before, stele__index_segment *segment)
{
    segment->number = stele__load64(line);
    segment->first = stele__load64(line + 8);
    segment->last = stele__load64(line + 16);
    segment->bytes = stele__load64(line + 24);
    segment->first_time = (stele_time)stele__load64(line + 32);
    segment->last_time = (stele_time)stele__load64(line + 40);
    segment->absent = 0;
    segment->packed_bytes = 0;
    if (segment->first != (before ? before->last + 1 : index->header.first) ||
        segment->last < segment->first || segment->last > index->header.last ||
        segment->last - segment->first >= UINT32_MAX) {
        return "a segment has an impossible range of positions";
    }
    if (before && segment->number <= before->number) {
        return "segments do not ascend";
    }
    return NULL;
}

static stele_status decode_segments(stele__index *index, const uint8_t *lines, stele_error *reterr)
{
    const uint64_t begin = index->header.sections[STELE_INDEX_SEGMENTS].offset;
    const uint32_t count = index->header.segment_count;
    index->segments = stele__allocate_array(index->alloc, count, sizeof *index->segments);
    if (!index->segments) {
        return stele__fail_memory(reterr);
    }
    const char *wrong = NULL;
    for (uint32_t i = 0; i < count; i++) {
        wrong = decode_segment(index, lines + (size_t)i * STELE_INDEX_SEGMENT_SIZE,
                               i ? &index->segments[i - 1] : NULL, &index->segments[i]);
        if (wrong) {
            return stele__index_corrupt(index->path, begin + (uint64_t)i * STELE_INDEX_SEGMENT_SIZE,
                                        reterr, "%s", wrong);
        }
    }
    if (index->segments[count - 1].last != index->header.last) {
        return stele__index_corrupt(index->path, begin, reterr,
                                    "the segments do not cover the range of the file");
    }
    return STELE_OK;
}

/* Whether all pages and keys that the sparse index speaks of exist, so that nobody needs to ask
 * again. */
static stele_status check_sparse(const stele__index *index, stele_error *reterr)
{
    const stele__index_section *section = &index->header.sections[STELE_INDEX_SPARSE];
    const uint32_t count = index->header.term_page_count;
    const uint64_t keys_size = section->size - (uint64_t)count * STELE_INDEX_SPARSE_SIZE;
    uint32_t key = 0;
    uint32_t page = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *line = index->sparse + (size_t)i * STELE_INDEX_SPARSE_SIZE;
        const uint32_t next_key = stele__load32(line);
        const uint32_t next_page = stele__load32(line + 4);
        if (next_key < key || next_key > keys_size || next_page <= page ||
            !stele__index_is_data(index, next_page) || (i == 0 && next_key != 0)) {
            return stele__index_corrupt(index->path,
                                        section->offset + (uint64_t)i * STELE_INDEX_SPARSE_SIZE,
                                        reterr, "the sparse index leads nowhere");
        }
        key = next_key;
        page = next_page;
    }
    return STELE_OK;
}

stele_status stele__index_open_tables(stele__index *index, stele_error *reterr)
{
    uint8_t *own = NULL;
    const uint8_t *lines;
    stele_status status = load_section(index, STELE_INDEX_SEGMENTS, &own, &lines, reterr);
    if (status == STELE_OK) {
        status = decode_segments(index, lines, reterr);
    }
    stele__release(index->alloc, own, (size_t)index->header.sections[STELE_INDEX_SEGMENTS].size);
    STELE_TRY(status);
    STELE_TRY(load_section(index, STELE_INDEX_SPARSE, &index->own_sparse, &index->sparse, reterr));
    return check_sparse(index, reterr);
}

/* The filter is asked by every look-up, whatever it looks for, and lies scattered under the hash:
 * all of it is asked for at once, where each page would be a disk read of its own, and not waited
 * for. */
static void announce_filter(const stele__index *index)
{
    const stele__index_section *filter = &index->header.sections[STELE_INDEX_FILTER];
    if (index->map && index->vfs->will_read) {
        index->vfs->will_read(index->vfs, index->map + filter->offset, (size_t)filter->size);
    }
}

static stele_status check_identity(const stele__index *index, const stele_uuid *store,
                                   stele_position first, stele_position last, stele_error *reterr)
{
    const stele__index_header *header = &index->header;
    if (!stele__uuid_equal(&header->store, store)) {
        return stele__index_corrupt(index->path, 16, reterr, "the file belongs to another store");
    }
    if (header->first != first || header->last != last) {
        return stele__index_corrupt(
            index->path, 32, reterr,
            "the file covers positions %llu to %llu where %llu to %llu are expected",
            (unsigned long long)header->first, (unsigned long long)header->last,
            (unsigned long long)first, (unsigned long long)last);
    }
    if (header->key_check != stele__index_key_check(&index->hash_key)) {
        return stele__index_corrupt(index->path, 72, reterr,
                                    "the file was made with another hash key");
    }
    return STELE_OK;
}

stele_status stele__index_open(const stele_alloc *alloc, const stele_vfs *vfs, const char *path,
                               stele_mapping mapping, const stele_uuid *store,
                               const stele__hash_key *hash_key, stele_position first,
                               stele_position last, stele__index **ret_index, stele_error *reterr)
{
    stele__index *index = NULL;
    STELE_TRY(stele__index_open_file(alloc, vfs, path, mapping, &index, reterr));
    index->hash_key = *hash_key;
    stele_status status = check_identity(index, store, first, last, reterr);
    if (status == STELE_OK) {
        status = stele__index_open_checksums(index, reterr);
    }
    if (status == STELE_OK) {
        status = stele__index_open_tables(index, reterr);
    }
    if (status != STELE_OK) {
        stele__index_unref(index);
        return status;
    }
    announce_filter(index);
    *ret_index = index;
    return stele__succeed(reterr);
}

stele__index *stele__index_ref(stele__index *index)
{
    atomic_fetch_add_explicit(&index->references, 1, memory_order_relaxed);
    return index;
}

void stele__index_unref(stele__index *index)
{
    /* Release: what this holder did comes before the freeing, which acquires. */
    if (!index || atomic_fetch_sub_explicit(&index->references, 1, memory_order_acq_rel) > 1) {
        return;
    }
    if (index->map) {
        index->vfs->unmap(index->vfs, index->map, (size_t)index->header.file_size);
    }
    if (index->file) {
        index->vfs->close(index->file);
    }
    const stele__index_section *sections = index->header.sections;
    stele__release(index->alloc, index->own_sparse, (size_t)sections[STELE_INDEX_SPARSE].size);
    stele__release(index->alloc, index->own_checksums,
                   (size_t)sections[STELE_INDEX_CHECKSUMS].size);
    stele__release(index->alloc, index->segments,
                   index->header.segment_count * sizeof *index->segments);
    stele__release(index->alloc, index->checked, index->checked_words * sizeof(uint64_t));
    stele__release(index->alloc, index->hints, stele__index_hints_size(index));
    stele__release(index->alloc, index->path, index->path_size);
    stele__release(index->alloc, index, sizeof *index);
}

/* ---- what it is ---- */

const char *stele__index_path(const stele__index *index)
{
    return index->path;
}

void stele__index_set_absent(stele__index *index, uint64_t absent)
{
    index->absent = absent;
}

uint64_t stele__index_absent(const stele__index *index)
{
    return index->absent;
}

stele_position stele__index_first(const stele__index *index)
{
    return index->header.first;
}

stele_position stele__index_last(const stele__index *index)
{
    return index->header.last;
}

void stele__index_will_read(const stele__index *index, uint64_t offset, uint64_t size)
{
    const uint64_t rest = index->header.file_size - offset;
    if (index->map && index->vfs->will_read) {
        index->vfs->will_read(index->vfs, index->map + offset, (size_t)(size < rest ? size : rest));
    }
}

uint64_t stele__index_bytes(const stele__index *index)
{
    return index->header.file_size;
}

uint64_t stele__index_term_count(const stele__index *index)
{
    return index->header.term_count;
}

uint64_t stele__index_posting_count(const stele__index *index)
{
    return index->header.posting_count;
}

size_t stele__index_segment_count(const stele__index *index)
{
    return index->header.segment_count;
}

const stele__index_segment *stele__index_segment_at(const stele__index *index, size_t number)
{
    STELE_ASSERT(number < index->header.segment_count);
    return &index->segments[number];
}

size_t stele__index_memory(const stele__index *index)
{
    const stele__index_section *sections = index->header.sections;
    return sizeof *index + index->path_size +
           index->header.segment_count * sizeof *index->segments +
           index->checked_words * sizeof(uint64_t) + stele__index_hints_size(index) +
           (index->own_sparse ? (size_t)sections[STELE_INDEX_SPARSE].size : 0) +
           (index->own_checksums ? (size_t)sections[STELE_INDEX_CHECKSUMS].size : 0);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Index files: pages on their way to the file. Everything but the header is written once, in order,
 * in large pieces; the checksum of each page is taken as it leaves. On top of that the writer of
 * lists, which builds trees from below.
 */
#include "log/canary.h"
#include "log/index_format.h"

static stele_status fail_write(const stele__index_output *output, int os_error, stele_error *reterr)
{
    return stele__fail_os(reterr, STELE_IO, os_error, "cannot write index file %s", output->path);
}

stele_status stele__index_output_open(stele__index_output *output, stele_error *reterr)
{
    output->chunk = stele__allocate_zero(output->alloc,
                                         (size_t)STELE_INDEX_CHUNK_PAGES * STELE_INDEX_PAGE_SIZE);
    if (!output->chunk) {
        return stele__fail_memory(reterr);
    }
    output->chunk_pages = 1; /* the place of the header */
    output->page_count = 1;
    int os_error = output->vfs->open(output->vfs, output->path,
                                     STELE_FILE_WRITE | STELE_FILE_CREATE, &output->file);
    if (os_error) {
        output->file = NULL;
        return stele__fail_os(reterr, STELE_IO, os_error, "cannot create index file %s",
                              output->path);
    }
    os_error = output->vfs->truncate(output->file, 0);
    return os_error ? fail_write(output, os_error, reterr) : STELE_OK;
}

/* Writes the chunk. No page of it can be filled any further. */
static stele_status write_chunk(stele__index_output *output, stele_error *reterr)
{
    void *checksums = output->checksums;
    const bool has_room =
        stele__reserve(output->alloc, &checksums, &output->checksum_capacity,
                       output->checksum_count + output->chunk_pages, sizeof(uint32_t));
    output->checksums = checksums;
    if (!has_room) {
        return stele__fail_memory(reterr);
    }
    const uint64_t first_page = output->page_count - output->chunk_pages;
    for (size_t i = first_page == 0 ? 1 : 0; i < output->chunk_pages; i++) {
        output->checksums[output->checksum_count++] =
            stele__crc32c(0, output->chunk + i * STELE_INDEX_PAGE_SIZE, STELE_INDEX_PAGE_SIZE);
    }
    const int os_error =
        output->vfs->write(output->file, first_page * STELE_INDEX_PAGE_SIZE, output->chunk,
                           output->chunk_pages * STELE_INDEX_PAGE_SIZE);
    output->chunk_pages = 0;
    output->list_page = NULL;
    output->byte_page = NULL;
    return os_error ? fail_write(output, os_error, reterr) : STELE_OK;
}

/* The next page, zeroed, to be filled in the chunk. */
static stele_status take_page(stele__index_output *output, uint8_t **ret_page, stele_error *reterr)
{
    if (output->chunk_pages == STELE_INDEX_CHUNK_PAGES) {
        STELE_TRY(write_chunk(output, reterr));
    }
    if (output->page_count >= UINT32_MAX) {
        return stele__fail(reterr, STELE_INVALID_LIMIT, "index file %s would grow above 16 TiB",
                           output->path);
    }
    *ret_page = output->chunk + output->chunk_pages * STELE_INDEX_PAGE_SIZE;
    memset(*ret_page, 0, STELE_INDEX_PAGE_SIZE);
    output->chunk_pages++;
    output->page_count++;
    return STELE_OK;
}

stele_status stele__index_output_page(stele__index_output *output, const uint8_t *page,
                                      stele_error *reterr)
{
    uint8_t *place = NULL;
    STELE_TRY(take_page(output, &place, reterr));
    memcpy(place, page, STELE_INDEX_PAGE_SIZE);
    return STELE_OK;
}

stele_status stele__index_output_list(stele__index_output *output, const uint8_t *bytes,
                                      size_t size, uint64_t *ret_offset, stele_error *reterr)
{
    STELE_ASSERT(size <= STELE_INDEX_LIST_PAGE_END - STELE_INDEX_LIST_PAGE_BEGIN);
    if (!output->list_page || output->list_end + size > STELE_INDEX_LIST_PAGE_END) {
        uint8_t *page = NULL;
        STELE_TRY(take_page(output, &page, reterr));
        output->list_page = page;
        output->list_page_offset = (output->page_count - 1) * STELE_INDEX_PAGE_SIZE;
        output->list_end = STELE_INDEX_LIST_PAGE_BEGIN;
        page[0] = STELE_INDEX_LIST_PAGE;
    }
    memcpy(output->list_page + output->list_end, bytes, size);
    *ret_offset = output->list_page_offset + output->list_end;
    output->list_end += (unsigned)size;
    stele__store16(output->list_page + 2, (uint16_t)output->list_end);
    return STELE_OK;
}

stele_status stele__index_output_bytes(stele__index_output *output, const void *bytes, size_t size,
                                       stele_error *reterr)
{
    const uint8_t *from = bytes;
    while (size > 0) {
        if (!output->byte_page || output->byte_end == STELE_INDEX_PAGE_SIZE) {
            uint8_t *page = NULL;
            STELE_TRY(take_page(output, &page, reterr));
            output->byte_page = page;
            output->byte_end = 0;
        }
        const size_t room = STELE_INDEX_PAGE_SIZE - output->byte_end;
        const size_t part = size < room ? size : room;
        memcpy(output->byte_page + output->byte_end, from, part);
        output->byte_end += (unsigned)part;
        from += part;
        size -= part;
    }
    return STELE_OK;
}

void stele__index_output_end_bytes(stele__index_output *output)
{
    output->byte_page = NULL;
}

uint64_t stele__index_output_offset(const stele__index_output *output)
{
    return output->page_count * STELE_INDEX_PAGE_SIZE -
           (output->byte_page ? STELE_INDEX_PAGE_SIZE - output->byte_end : 0);
}

stele_status stele__index_output_close_pages(stele__index_output *output,
                                             uint64_t *ret_checksums_size,
                                             uint32_t *ret_checksums_crc, stele_error *reterr)
{
    const size_t capacity = (size_t)STELE_INDEX_CHUNK_PAGES * STELE_INDEX_PAGE_SIZE;
    uint64_t offset = output->page_count * STELE_INDEX_PAGE_SIZE;
    uint32_t crc = 0;
    STELE_TRY(write_chunk(output, reterr));
    STELE_ASSERT(output->checksum_count == output->page_count - 1);
    for (size_t done = 0; done < output->checksum_count;) {
        size_t size = 0;
        for (; size < capacity && done < output->checksum_count; size += 4) {
            stele__store32(output->chunk + size, output->checksums[done++]);
        }
        crc = stele__crc32c(crc, output->chunk, size);
        const int os_error = output->vfs->write(output->file, offset, output->chunk, size);
        if (os_error) {
            return fail_write(output, os_error, reterr);
        }
        offset += size;
    }
    *ret_checksums_size = 4 * (uint64_t)output->checksum_count;
    *ret_checksums_crc = crc;
    return STELE_OK;
}

stele_status stele__index_output_seal(stele__index_output *output,
                                      const stele__index_header *header, stele_error *reterr)
{
    stele__index_header_encode(header, output->chunk);
    int os_error = output->vfs->write(output->file, 0, output->chunk, STELE_INDEX_PAGE_SIZE);
    if (os_error) {
        return fail_write(output, os_error, reterr);
    }
    os_error = STELE_CANARY_IS(17) || output->is_passing ? 0 : output->vfs->sync(output->file);
    return os_error ? stele__fail_os(reterr, STELE_IO, os_error, "cannot sync index file %s",
                                     output->path)
                    : STELE_OK;
}

void stele__index_output_done(stele__index_output *output)
{
    if (output->file) {
        output->vfs->close(output->file);
        output->file = NULL;
    }
    stele__release(output->alloc, output->chunk,
                   (size_t)STELE_INDEX_CHUNK_PAGES * STELE_INDEX_PAGE_SIZE);
    stele__release(output->alloc, output->checksums, output->checksum_capacity * sizeof(uint32_t));
    output->chunk = NULL;
    output->checksums = NULL;
    output->checksum_capacity = 0;
}

/* ---- lists ---- */

void stele__index_list_begin(stele__index_list_writer *list, stele__index_output *output)
{
    list->output = output;
    list->count = 0;
    list->pending = 0;
    for (size_t i = 0; i < STELE_INDEX_LEVELS_MAX; i++) {
        list->levels[i].count = 0;
    }
}

/* Writes the node that is pending at a level. */
static stele_status write_node(stele__index_list_writer *list, unsigned level, uint64_t *ret_offset,
                               stele_error *reterr)
{
    uint8_t bytes[STELE_INDEX_NODE_SIZE_MAX + STELE_INDEX_PACK_SLACK];
    stele__index_list_level *nodes = &list->levels[level - 1];
    const size_t size =
        stele__index_node_encode(level, nodes->firsts, nodes->offsets, nodes->count, bytes);
    nodes->count = 0;
    return stele__index_output_list(list->output, bytes, size, ret_offset, reterr);
}

/* Adds a child to the node at a level. A full node is written when the next child comes: then it is
 * known not to be the root of a list that ends here. */
static stele_status add_child(stele__index_list_writer *list, unsigned level, uint64_t first,
                              uint64_t offset, stele_error *reterr)
{
    for (;; level++) {
        STELE_ASSERT(level <= STELE_INDEX_LEVELS_MAX);
        stele__index_list_level *nodes = &list->levels[level - 1];
        const bool is_full = nodes->count == STELE_INDEX_FAN_OUT;
        const uint64_t node_first = nodes->firsts[0];
        uint64_t node_offset = 0;
        if (is_full) {
            STELE_TRY(write_node(list, level, &node_offset, reterr));
        }
        nodes->firsts[nodes->count] = first;
        nodes->offsets[nodes->count] = offset;
        nodes->count++;
        if (!is_full) {
            return STELE_OK;
        }
        first = node_first;
        offset = node_offset;
    }
}

static stele_status write_block(stele__index_list_writer *list, uint64_t *ret_offset,
                                stele_error *reterr)
{
    uint8_t bytes[STELE_INDEX_BLOCK_SIZE_MAX];
    const size_t size = stele__index_block_encode(list->values, list->pending, bytes);
    list->pending = 0;
    return stele__index_output_list(list->output, bytes, size, ret_offset, reterr);
}

stele_status stele__index_list_push(stele__index_list_writer *list, uint64_t value,
                                    stele_error *reterr)
{
    if (list->pending == STELE_INDEX_BLOCK_COUNT) {
        uint64_t offset;
        STELE_TRY(write_block(list, &offset, reterr));
        STELE_TRY(add_child(list, 1, list->values[0], offset, reterr));
    }
    list->values[list->pending++] = value;
    list->count++;
    return STELE_OK;
}

stele_status stele__index_list_finish(stele__index_list_writer *list, uint64_t *ret_offset,
                                      stele_error *reterr)
{
    const unsigned levels = stele__index_levels(stele__index_block_count(list->count));
    uint64_t first = list->values[0];
    uint64_t offset;
    STELE_ASSERT(list->pending > 0);
    STELE_TRY(write_block(list, &offset, reterr));
    for (unsigned level = 1; level <= levels; level++) {
        STELE_TRY(add_child(list, level, first, offset, reterr));
        first = list->levels[level - 1].firsts[0];
        STELE_TRY(write_node(list, level, &offset, reterr));
    }
    *ret_offset = offset;
    return STELE_OK;
}

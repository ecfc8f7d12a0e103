/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Index files: the builder. Segments with their offsets first, then terms in order with their
 * positions; each goes to its page as it comes, so that memory does not depend on how many there
 * are, but for the filter, the sparse index and the page checksums. Any failure is final: later
 * calls repeat it, and cancel() or finish() removes the file.
 */
#include "log/index_format.h"

#define RESTARTS_MAX                                                                               \
    (STELE_INDEX_PAGE_SIZE / 2 / STELE_INDEX_RESTART_ENTRIES) /* an entry has 5 bytes and more */

/* The term whose positions are coming in. */
typedef struct open_term {
    bool is_open;
    bool is_run; /* so far; then its positions are in no list yet */
    stele__term_kind kind;
    size_t key_size;
    uint8_t key[STELE_INDEX_KEY_SIZE_MAX];
    stele__index_entry entry;
} open_term;

/* The page of terms that is being filled. */
typedef struct open_page {
    unsigned end;
    unsigned entry_count;
    uint16_t restarts[RESTARTS_MAX];
    uint8_t bytes[STELE_INDEX_PAGE_SIZE];
} open_page;

struct stele__index_builder {
    const stele_alloc *alloc;
    char *path;
    size_t path_size;
    stele_uuid store;
    stele__hash_key hash_key;
    stele_error failure; /* status STELE_OK: none yet */
    stele__index_output output;
    stele__index_list_writer list;
    /* Segments, as they will be in the file. */
    stele__buffer segments;
    stele__index_segment segment; /* the last one */
    uint64_t offsets_left;        /* that its positions still need */
    int64_t last_offset;          /* -1: none yet */
    uint32_t segment_count;
    stele_position first;
    uint64_t first_data_page;
    /* Terms. */
    open_term term;
    open_page page;
    size_t last_key_size; /* of the last entry written; 0: none */
    uint8_t last_key[STELE_INDEX_KEY_SIZE_MAX];
    stele__buffer sparse;
    stele__buffer sparse_keys;
    uint32_t term_page_count;
    uint64_t term_count;
    uint64_t posting_count;
    uint8_t *filter;
    uint64_t filter_blocks;
    uint64_t filter_blocks_allocated;
};

/* Hands the stored failure out, or success. */
static stele_status settle(const stele__index_builder *builder, stele_error *reterr)
{
    if (builder->failure.status == STELE_OK) {
        return stele__succeed(reterr);
    }
    if (reterr) {
        *reterr = builder->failure;
    }
    return builder->failure.status;
}

static void free_builder(stele__index_builder *builder)
{
    const stele_alloc *alloc = builder->alloc;
    stele__index_output_done(&builder->output);
    stele__buffer_done(&builder->segments);
    stele__buffer_done(&builder->sparse);
    stele__buffer_done(&builder->sparse_keys);
    stele__release(alloc, builder->filter,
                   (size_t)builder->filter_blocks_allocated * STELE_INDEX_FILTER_SIZE);
    stele__release(alloc, builder->path, builder->path_size);
    stele__release(alloc, builder, sizeof *builder);
}

static stele_status begin(stele__index_builder *builder, const stele__index_params *params,
                          stele_error *reterr)
{
    builder->path_size = strlen(params->path) + 1;
    builder->path = stele__allocate(params->alloc, builder->path_size);
    if (!builder->path) {
        return stele__fail_memory(reterr);
    }
    memcpy(builder->path, params->path, builder->path_size);
    builder->filter_blocks = stele__index_filter_blocks(params->term_count_max);
    if (builder->filter_blocks == 0) {
        return stele__fail(reterr, STELE_INVALID_LIMIT, "an index file of %llu terms is too large",
                           (unsigned long long)params->term_count_max);
    }
    builder->filter = stele__allocate_zero(params->alloc, (size_t)builder->filter_blocks *
                                                              STELE_INDEX_FILTER_SIZE);
    if (!builder->filter) {
        return stele__fail_memory(reterr);
    }
    builder->filter_blocks_allocated = builder->filter_blocks;
    builder->output = (stele__index_output){.alloc = params->alloc,
                                            .vfs = params->vfs,
                                            .path = builder->path,
                                            .is_passing = params->is_passing};
    return stele__index_output_open(&builder->output, reterr);
}

stele_status stele__index_build(const stele__index_params *params,
                                stele__index_builder **ret_builder, stele_error *reterr)
{
    stele__index_builder *builder = stele__allocate_zero(params->alloc, sizeof *builder);
    if (!builder) {
        return stele__fail_memory(reterr);
    }
    builder->alloc = params->alloc;
    builder->store = params->store;
    builder->hash_key = params->hash_key;
    builder->output.alloc = params->alloc;
    builder->segments.alloc = params->alloc;
    builder->sparse.alloc = params->alloc;
    builder->sparse_keys.alloc = params->alloc;
    builder->page.end = STELE_INDEX_TERM_PAGE_BEGIN;
    const stele_status status = begin(builder, params, reterr);
    if (status != STELE_OK) {
        stele__index_cancel(builder);
        return status;
    }
    *ret_builder = builder;
    return stele__succeed(reterr);
}

/* ---- segments ---- */

/* Ends the last segment: its line in the table. */
static stele_status close_segment(stele__index_builder *builder, stele_error *reterr)
{
    const stele__index_segment *segment = &builder->segment;
    if (builder->segment_count == 0) {
        return stele__fail(reterr, STELE_INVALID, "an index file needs a segment");
    }
    if (builder->offsets_left > 0) {
        return stele__fail(reterr, STELE_INVALID, "segment %llu lacks %llu offsets",
                           (unsigned long long)segment->number,
                           (unsigned long long)builder->offsets_left);
    }
    if (builder->segments.size == (size_t)builder->segment_count * STELE_INDEX_SEGMENT_SIZE) {
        return STELE_OK; /* it has ended */
    }
    uint8_t line[STELE_INDEX_SEGMENT_SIZE] = {0};
    stele__store64(line, segment->number);
    stele__store64(line + 8, segment->first);
    stele__store64(line + 16, segment->last);
    stele__store64(line + 24, segment->bytes);
    stele__store64(line + 32, (uint64_t)segment->first_time);
    stele__store64(line + 40, (uint64_t)segment->last_time);
    return stele__buffer_append(&builder->segments, line, sizeof line) ? STELE_OK
                                                                       : stele__fail_memory(reterr);
}

/* No segment follows: pages of terms and lists do. */
static stele_status end_segments(stele__index_builder *builder, stele_error *reterr)
{
    stele__index_output_end_bytes(&builder->output);
    builder->first_data_page = builder->output.page_count;
    return close_segment(builder, reterr);
}

static stele_status add_segment(stele__index_builder *builder, const stele__index_segment *segment,
                                stele_error *reterr)
{
    if (builder->term.is_open || builder->term_count > 0) {
        return stele__fail(reterr, STELE_INVALID, "segments must come before terms");
    }
    if (builder->segment_count > 0) {
        STELE_TRY(close_segment(builder, reterr));
        if (segment->number <= builder->segment.number ||
            segment->first != builder->segment.last + 1) {
            return stele__fail(reterr, STELE_INVALID, "segment %llu does not follow segment %llu",
                               (unsigned long long)segment->number,
                               (unsigned long long)builder->segment.number);
        }
    } else {
        builder->first = segment->first;
    }
    if (segment->first == 0 || segment->last < segment->first ||
        segment->last - segment->first >= UINT32_MAX ||
        segment->last - builder->first >= STELE_INDEX_RANGE_MAX ||
        builder->segment_count == UINT32_MAX) {
        return stele__fail(reterr, STELE_INVALID,
                           "segment %llu has an impossible range of positions",
                           (unsigned long long)segment->number);
    }
    builder->segment = *segment;
    builder->segment_count++;
    builder->offsets_left = segment->last - segment->first + 1;
    builder->last_offset = -1;
    return STELE_OK;
}

stele_status stele__index_add_segment(stele__index_builder *builder,
                                      const stele__index_segment *segment, stele_error *reterr)
{
    if (builder->failure.status == STELE_OK) {
        (void)add_segment(builder, segment, &builder->failure);
    }
    return settle(builder, reterr);
}

static stele_status add_offsets(stele__index_builder *builder, const uint32_t *offsets,
                                size_t count, stele_error *reterr)
{
    uint8_t bytes[1024];
    if (count > builder->offsets_left) {
        return stele__fail(reterr, STELE_INVALID, "segment %llu has fewer positions than offsets",
                           (unsigned long long)builder->segment.number);
    }
    builder->offsets_left -= count;
    while (count > 0) {
        const size_t part = count < sizeof bytes / 4 ? count : sizeof bytes / 4;
        for (size_t i = 0; i < part; i++) {
            if (offsets[i] <= builder->last_offset) {
                return stele__fail(reterr, STELE_INVALID, "offsets of segment %llu do not ascend",
                                   (unsigned long long)builder->segment.number);
            }
            builder->last_offset = offsets[i];
            stele__store32(bytes + 4 * i, offsets[i]);
        }
        STELE_TRY(stele__index_output_bytes(&builder->output, bytes, 4 * part, reterr));
        offsets += part;
        count -= part;
    }
    return STELE_OK;
}

stele_status stele__index_add_offsets(stele__index_builder *builder, const uint32_t *offsets,
                                      size_t count, stele_error *reterr)
{
    if (builder->failure.status == STELE_OK) {
        (void)add_offsets(builder, offsets, count, &builder->failure);
    }
    return settle(builder, reterr);
}

/* ---- pages of terms ---- */

/* Writes the page of terms that is full, or the last one. */
static stele_status close_page(stele__index_builder *builder, stele_error *reterr)
{
    open_page *page = &builder->page;
    const unsigned restart_count =
        (page->entry_count + STELE_INDEX_RESTART_ENTRIES - 1) / STELE_INDEX_RESTART_ENTRIES;
    page->bytes[0] = STELE_INDEX_TERM_PAGE;
    stele__store16(page->bytes + 2, (uint16_t)page->end);
    stele__store16(page->bytes + 4, (uint16_t)page->entry_count);
    stele__store16(page->bytes + 6, (uint16_t)restart_count);
    for (unsigned i = 0; i < restart_count; i++) {
        stele__store16(page->bytes + STELE_INDEX_PAGE_SIZE - 2 * (restart_count - i),
                       page->restarts[i]);
    }
    STELE_TRY(stele__index_output_page(&builder->output, page->bytes, reterr));
    uint8_t *line = builder->sparse.data + builder->sparse.size - STELE_INDEX_SPARSE_SIZE;
    stele__store32(line + 4, (uint32_t)(builder->output.page_count - 1));
    memset(page, 0, sizeof *page);
    page->end = STELE_INDEX_TERM_PAGE_BEGIN;
    return STELE_OK;
}

/* Begins a page: its line in the sparse index gets the shortest key that is above everything
 * before. */
static stele_status open_new_page(stele__index_builder *builder, stele_error *reterr)
{
    const open_term *term = &builder->term;
    uint8_t line[STELE_INDEX_SPARSE_SIZE] = {0};
    size_t size = 0;
    if (builder->last_key_size > 0) {
        size = stele__index_key_common(builder->last_key, builder->last_key_size, term->key,
                                       term->key_size) +
               1;
    }
    if (builder->sparse_keys.size > UINT32_MAX - size) {
        return stele__fail(reterr, STELE_INVALID_LIMIT, "index file %s has too many terms",
                           builder->path);
    }
    stele__store32(line, (uint32_t)builder->sparse_keys.size);
    if (!stele__buffer_append(&builder->sparse, line, sizeof line) ||
        !stele__buffer_append(&builder->sparse_keys, term->key, size)) {
        return stele__fail_memory(reterr);
    }
    builder->term_page_count++;
    return STELE_OK;
}

/* Writes an entry behind the others. False: the page has no room for it. */
static bool put_entry(stele__index_builder *builder, const uint8_t *payload, size_t payload_size)
{
    const open_term *term = &builder->term;
    open_page *page = &builder->page;
    const bool is_restart = page->entry_count % STELE_INDEX_RESTART_ENTRIES == 0;
    const unsigned restart = page->entry_count / STELE_INDEX_RESTART_ENTRIES;
    const size_t shared = is_restart
                              ? 0
                              : stele__index_key_common(builder->last_key, builder->last_key_size,
                                                        term->key, term->key_size);
    const size_t suffix_size = term->key_size - shared;
    const size_t size = stele__varint_size(shared) + stele__varint_size(suffix_size) + 1 +
                        suffix_size + payload_size;
    if (page->end + size + 2 * ((size_t)restart + 1) > STELE_INDEX_PAGE_SIZE) {
        return false;
    }
    if (is_restart) {
        STELE_ASSERT(restart < RESTARTS_MAX);
        page->restarts[restart] = (uint16_t)page->end;
    }
    uint8_t numbers[2 * STELE_VARINT_SIZE_MAX + 1];
    uint8_t *at = stele__varint_put(stele__varint_put(numbers, shared), suffix_size);
    *at++ = (uint8_t)payload_size;
    uint8_t *to = page->bytes + page->end;
    memcpy(to, numbers, (size_t)(at - numbers));
    to += at - numbers;
    memcpy(to, term->key + shared, suffix_size);
    memcpy(to + suffix_size, payload, payload_size);
    page->end += (unsigned)size;
    page->entry_count++;
    return true;
}

/* Decides where the positions of the term stand: nowhere, in its entry, or in list pages. */
static stele_status close_list(stele__index_builder *builder, stele_error *reterr)
{
    stele__index_entry *entry = &builder->term.entry;
    uint8_t block[STELE_INDEX_BLOCK_SIZE_MAX];
    if (!stele__index_has_list(entry)) {
        return STELE_OK;
    }
    if (entry->count > STELE_INDEX_BLOCK_COUNT) {
        return stele__index_list_finish(&builder->list, &entry->list_offset, reterr);
    }
    const size_t size = stele__index_block_encode(builder->list.values, entry->count - 1, block);
    if (size > STELE_INDEX_INLINE_SIZE_MAX) {
        return stele__index_output_list(&builder->output, block, size, &entry->list_offset, reterr);
    }
    memcpy(entry->inline_list, block, size);
    entry->list_size = (uint32_t)size;
    return STELE_OK;
}

/* Ends the term whose positions came in. */
static stele_status close_term(stele__index_builder *builder, stele_error *reterr)
{
    open_term *term = &builder->term;
    uint8_t payload[STELE_INDEX_PAYLOAD_SIZE_MAX + 1];
    if (!term->is_open) {
        return STELE_OK;
    }
    if (term->entry.count == 0) {
        return stele__fail(reterr, STELE_INVALID, "a term has no positions");
    }
    STELE_TRY(close_list(builder, reterr));
    const size_t payload_size =
        stele__index_payload_encode(&term->entry, term->kind, builder->first, payload);
    if (builder->page.entry_count == 0) {
        STELE_TRY(open_new_page(builder, reterr));
    }
    if (!put_entry(builder, payload, payload_size)) {
        STELE_TRY(close_page(builder, reterr));
        STELE_TRY(open_new_page(builder, reterr));
        const bool fits = put_entry(builder, payload, payload_size);
        STELE_ASSERT(fits);
    }
    const stele_text name = {(const char *)term->key + 1, term->key_size - 1};
    const uint64_t hash = stele__term_hash(&builder->hash_key, term->kind, name);
    stele__index_filter_add(builder->filter +
                                stele__index_filter_block(hash, builder->filter_blocks) *
                                    STELE_INDEX_FILTER_SIZE,
                            hash);
    memcpy(builder->last_key, term->key, term->key_size);
    builder->last_key_size = term->key_size;
    builder->term_count++;
    builder->posting_count += term->entry.count;
    term->is_open = false;
    return STELE_OK;
}

/* ---- terms ---- */

static stele_status add_term(stele__index_builder *builder, stele__term_kind kind, stele_text name,
                             stele_revision base_revision, bool ends_in_tombstone,
                             stele_error *reterr)
{
    open_term *term = &builder->term;
    if (builder->term_count == 0 && !term->is_open) {
        STELE_TRY(end_segments(builder, reterr));
    }
    STELE_TRY(close_term(builder, reterr));
    if (!stele__index_is_kind((unsigned)kind) || name.size == 0 ||
        name.size > STELE_STREAM_NAME_SIZE_MAX) {
        return stele__fail(reterr, STELE_INVALID,
                           "a term of kind %d with %zu bytes cannot be indexed", (int)kind,
                           name.size);
    }
    if (kind == STELE_TERM_STREAM ? base_revision > STELE_REVISION_TOMBSTONE
                                  : base_revision > 0 || ends_in_tombstone) {
        return stele__fail(reterr, STELE_INVALID, "a term has an impossible revision");
    }
    term->kind = kind;
    term->key_size = stele__index_key(kind, name, term->key);
    if (stele__index_key_compare(builder->last_key, builder->last_key_size, term->key,
                                 term->key_size) >= 0) {
        return stele__fail(reterr, STELE_INVALID, "terms do not ascend at \"%.*s\"",
                           (int)(name.size < 80 ? name.size : 80), name.data);
    }
    memset(&term->entry, 0, sizeof term->entry);
    term->entry.base_revision = base_revision;
    term->entry.ends_in_tombstone = ends_in_tombstone;
    term->is_run = true;
    term->is_open = true;
    return STELE_OK;
}

stele_status stele__index_add_term(stele__index_builder *builder, stele__term_kind kind,
                                   stele_text name, stele_revision base_revision,
                                   bool ends_in_tombstone, stele_error *reterr)
{
    if (builder->failure.status == STELE_OK) {
        (void)add_term(builder, kind, name, base_revision, ends_in_tombstone, &builder->failure);
    }
    return settle(builder, reterr);
}

/* Positions that turn out not to be a run: they go to the list now. */
static stele_status end_run(stele__index_builder *builder, stele_error *reterr)
{
    const stele__index_entry *entry = &builder->term.entry;
    stele__index_list_begin(&builder->list, &builder->output);
    for (uint32_t i = 0; i < entry->count; i++) {
        STELE_TRY(
            stele__index_list_push(&builder->list, entry->first - builder->first + i, reterr));
    }
    builder->term.is_run = false;
    return STELE_OK;
}

static stele_status add_position(stele__index_builder *builder, stele_position position,
                                 stele_error *reterr)
{
    open_term *term = &builder->term;
    stele__index_entry *entry = &term->entry;
    if (position < builder->first || position > builder->segment.last ||
        (entry->count > 0 && position <= entry->last) || entry->count == UINT32_MAX) {
        return stele__fail(reterr, STELE_INVALID,
                           "position %llu is out of order or out of the range of the file",
                           (unsigned long long)position);
    }
    if (entry->count == 0) {
        entry->first = position;
    } else if (term->is_run && position != entry->last + 1) {
        STELE_TRY(end_run(builder, reterr));
    }
    if (!term->is_run) {
        STELE_TRY(stele__index_list_push(&builder->list, position - builder->first, reterr));
    }
    entry->last = position;
    entry->count++;
    return STELE_OK;
}

static stele_status add_positions(stele__index_builder *builder, const stele_position *positions,
                                  size_t count, stele_error *reterr)
{
    if (!builder->term.is_open) {
        return stele__fail(reterr, STELE_INVALID, "positions without a term");
    }
    for (size_t i = 0; i < count; i++) {
        STELE_TRY(add_position(builder, positions[i], reterr));
    }
    return STELE_OK;
}

stele_status stele__index_add_positions(stele__index_builder *builder,
                                        const stele_position *positions, size_t count,
                                        stele_error *reterr)
{
    if (builder->failure.status == STELE_OK) {
        (void)add_positions(builder, positions, count, &builder->failure);
    }
    return settle(builder, reterr);
}

/* ---- the end ---- */

/* Segment table, sparse index and filter, behind the pages. */
static stele_status write_tables(stele__index_builder *builder, stele__index_section *sections,
                                 stele_error *reterr)
{
    stele__index_output *output = &builder->output;
    const uint8_t zeroes[STELE_INDEX_FILTER_SIZE] = {0};
    sections[STELE_INDEX_SEGMENTS] =
        (stele__index_section){stele__index_output_offset(output), builder->segments.size};
    STELE_TRY(
        stele__index_output_bytes(output, builder->segments.data, builder->segments.size, reterr));
    sections[STELE_INDEX_SPARSE] =
        (stele__index_section){stele__index_output_offset(output),
                               builder->sparse.size + builder->sparse_keys.size};
    STELE_TRY(
        stele__index_output_bytes(output, builder->sparse.data, builder->sparse.size, reterr));
    STELE_TRY(stele__index_output_bytes(output, builder->sparse_keys.data,
                                        builder->sparse_keys.size, reterr));
    const uint64_t end = stele__index_output_offset(output);
    STELE_TRY(stele__index_output_bytes(output, zeroes, (size_t)(-end % STELE_INDEX_FILTER_SIZE),
                                        reterr));
    builder->filter_blocks =
        stele__index_filter_fold(builder->filter, builder->filter_blocks, builder->term_count);
    sections[STELE_INDEX_FILTER] =
        (stele__index_section){stele__index_output_offset(output),
                               builder->filter_blocks * STELE_INDEX_FILTER_SIZE};
    return stele__index_output_bytes(output, builder->filter,
                                     (size_t)sections[STELE_INDEX_FILTER].size, reterr);
}

static stele_status finish(stele__index_builder *builder, uint64_t *ret_bytes, stele_error *reterr)
{
    stele__index_header header = {.store = builder->store,
                                  .first = builder->first,
                                  .key_check = stele__index_key_check(&builder->hash_key)};
    stele__index_output *output = &builder->output;
    if (builder->term_count == 0 && !builder->term.is_open) {
        STELE_TRY(end_segments(builder, reterr));
    }
    STELE_TRY(close_term(builder, reterr));
    if (builder->page.entry_count > 0) {
        STELE_TRY(close_page(builder, reterr));
    }
    header.last = builder->segment.last;
    header.term_count = builder->term_count;
    header.posting_count = builder->posting_count;
    header.term_page_count = builder->term_page_count;
    header.segment_count = builder->segment_count;
    header.sections[STELE_INDEX_OFFSETS] =
        (stele__index_section){STELE_INDEX_PAGE_SIZE, 4 * (header.last - header.first + 1)};
    header.sections[STELE_INDEX_DATA] =
        (stele__index_section){builder->first_data_page * STELE_INDEX_PAGE_SIZE,
                               (output->page_count - builder->first_data_page) *
                                   STELE_INDEX_PAGE_SIZE};
    STELE_TRY(write_tables(builder, header.sections, reterr));
    stele__index_section *checksums = &header.sections[STELE_INDEX_CHECKSUMS];
    checksums->offset = output->page_count * STELE_INDEX_PAGE_SIZE;
    STELE_TRY(
        stele__index_output_close_pages(output, &checksums->size, &header.checksums_crc, reterr));
    header.file_size = checksums->offset + checksums->size;
    STELE_TRY(stele__index_output_seal(output, &header, reterr));
    *ret_bytes = header.file_size;
    return STELE_OK;
}

stele_status stele__index_finish(stele__index_builder *builder, uint64_t *ret_bytes,
                                 stele_error *reterr)
{
    uint64_t bytes = 0;
    if (builder->failure.status == STELE_OK) {
        (void)finish(builder, &bytes, &builder->failure);
    }
    const stele_status status = settle(builder, reterr);
    if (status != STELE_OK) {
        stele__index_cancel(builder);
        return status;
    }
    free_builder(builder);
    if (ret_bytes) {
        *ret_bytes = bytes;
    }
    return STELE_OK;
}

void stele__index_cancel(stele__index_builder *builder)
{
    if (!builder) {
        return;
    }
    const stele_vfs *vfs = builder->output.vfs;
    if (builder->output.file) {
        vfs->close(builder->output.file);
        builder->output.file = NULL;
        (void)vfs->remove(vfs, builder->path);
    }
    free_builder(builder);
}

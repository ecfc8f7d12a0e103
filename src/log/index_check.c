/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Index files: the structural half of verify. The file is opened once more by its path and read,
 * never mapped, so that a medium error is an answer. First all checksums; only if they are right,
 * the structure: then what is wrong there was written wrong.
 */
#include "log/index_format.h"

typedef struct check_state {
    stele__index *index; /* opened for this check */
    void (*damage)(void *context, uint64_t offset, const char *message);
    void *context;
    stele_status status; /* STELE_CORRUPT once something was reported */
    stele_error *reterr; /* tells of the first thing reported */
    uint64_t term_count;
    uint64_t posting_count;
} check_state;

/* Reports a failure of STELE_CORRUPT; any other is handed back, and ends the check. */
static stele_status report(check_state *checker, uint64_t offset, const stele_error *error)
{
    if (error->status == STELE_CORRUPT && checker->damage) {
        checker->damage(checker->context, offset, error->message);
    }
    if (checker->status == STELE_OK || error->status != STELE_CORRUPT) {
        checker->status = error->status;
        if (checker->reterr) {
            *checker->reterr = *error;
        }
    }
    return error->status == STELE_CORRUPT ? STELE_OK : error->status;
}

static stele_status report_text(check_state *checker, uint64_t offset, const char *message)
{
    stele_error error;
    (void)stele__index_corrupt(checker->index->path, offset, &error, "%s", message);
    return report(checker, offset, &error);
}

/* ---- checksums ---- */

static stele_status check_chunk(check_state *checker, uint8_t *chunk, uint64_t first_page,
                                uint64_t page_count)
{
    const stele__index *index = checker->index;
    const size_t size = (size_t)page_count * STELE_INDEX_PAGE_SIZE;
    size_t done;
    const int os_error =
        index->vfs->read(index->file, first_page * STELE_INDEX_PAGE_SIZE, chunk, size, &done);
    if (os_error) {
        stele_error error;
        (void)stele__fail_os(&error, STELE_IO, os_error, "cannot read index file %s at offset %llu",
                             index->path, (unsigned long long)(first_page * STELE_INDEX_PAGE_SIZE));
        return report(checker, first_page * STELE_INDEX_PAGE_SIZE, &error);
    }
    for (uint64_t i = 0; i < page_count; i++) {
        const uint64_t page = first_page + i;
        const uint32_t expected = stele__load32(index->checksums + 4 * (page - 1));
        if ((i + 1) * STELE_INDEX_PAGE_SIZE > done ||
            stele__crc32c(0, chunk + i * STELE_INDEX_PAGE_SIZE, STELE_INDEX_PAGE_SIZE) !=
                expected) {
            STELE_TRY(report_text(checker, page * STELE_INDEX_PAGE_SIZE,
                                  "the page has a wrong checksum"));
        }
    }
    return STELE_OK;
}

static stele_status check_checksums(check_state *checker)
{
    const stele__index *index = checker->index;
    const size_t chunk_size = (size_t)STELE_INDEX_CHUNK_PAGES * STELE_INDEX_PAGE_SIZE;
    uint8_t *chunk = stele__allocate(index->alloc, chunk_size);
    if (!chunk) {
        stele_error error;
        (void)stele__fail_memory(&error);
        return report(checker, 0, &error);
    }
    stele_status status = STELE_OK;
    for (uint64_t page = 1; page < index->page_count && status == STELE_OK;
         page += STELE_INDEX_CHUNK_PAGES) {
        const uint64_t left = index->page_count - page;
        status = check_chunk(checker, chunk, page,
                             left < STELE_INDEX_CHUNK_PAGES ? left : STELE_INDEX_CHUNK_PAGES);
    }
    stele__release(index->alloc, chunk, chunk_size);
    return status;
}

/* ---- lists ---- */

/* Walks over the blocks of a list: values ascend across them, and begin and end as the list says.
 * Says what is wrong in *ret_wrong; a failure is of reading. */
static stele_status check_list(const stele__index *index, const stele__index_list *list,
                               const char **ret_wrong, stele_error *reterr)
{
    const uint64_t block_count = stele__index_block_count(list->count);
    uint64_t before = 0;
    for (uint64_t block = 0; block < block_count; block++) {
        uint64_t values[STELE_INDEX_BLOCK_COUNT];
        size_t count;
        STELE_TRY(stele__index_list_block(index, list, block, values, &count, reterr));
        if (block > 0 && values[0] <= before) {
            *ret_wrong = "a list does not ascend";
            return STELE_OK;
        }
        before = values[count - 1];
    }
    if (before != list->last) {
        *ret_wrong = "a list does not end where it must";
    }
    return STELE_OK;
}

/* The offsets of each segment ascend. */
static stele_status check_segments(check_state *checker)
{
    const stele__index *index = checker->index;
    for (uint32_t i = 0; i < index->header.segment_count; i++) {
        const stele__index_segment *segment = &index->segments[i];
        uint32_t before = 0;
        for (stele_position position = segment->first; position <= segment->last; position++) {
            const uint64_t place = index->header.sections[STELE_INDEX_OFFSETS].offset +
                                   4 * (position - index->header.first);
            stele_error error;
            uint32_t offset;
            if (stele__index_offset_of(index, position, &offset, &error) != STELE_OK) {
                STELE_TRY(report(checker, place, &error));
                break;
            }
            if (position > segment->first && offset <= before) {
                STELE_TRY(report_text(checker, place, "offsets do not ascend"));
                break;
            }
            before = offset;
        }
    }
    return STELE_OK;
}

/* The postings of one entry. */
static stele_status check_postings(check_state *checker, const stele__index_terms *terms,
                                   uint64_t page_offset)
{
    const stele__index *index = checker->index;
    const stele__index_entry *entry = &terms->entry;
    const stele_position file_first = index->header.first;
    stele_error error = {.status = STELE_OK};
    const char *wrong = NULL;
    if (entry->count > STELE_INDEX_BLOCK_COUNT && stele__index_has_list(entry)) {
        const stele__index_list list = {entry->list_offset, entry->count, entry->first - file_first,
                                        entry->last - file_first};
        if (check_list(index, &list, &wrong, &error) != STELE_OK) {
            return report(checker, entry->list_offset, &error);
        }
    } else if (stele__index_has_list(entry)) {
        stele__index_postings postings;
        stele_position first;
        stele__index_postings_init(&postings, index, entry);
        if (stele__index_position_at(&postings, 0, &first, &error) != STELE_OK) {
            return report(checker, entry->list_offset ? entry->list_offset : page_offset, &error);
        }
        wrong = first != entry->first ? "a list does not begin where it must" : NULL;
    }
    if (terms->kind == STELE_TERM_STREAM &&
        entry->base_revision >
            STELE_REVISION_TOMBSTONE - (entry->count - entry->ends_in_tombstone)) {
        wrong = "a stream has impossible revisions";
    }
    return wrong ? report_text(checker, page_offset, wrong) : STELE_OK;
}

/* ---- terms ---- */

/* A page by itself: items, restarts, and zeroes between them. Returns what is wrong. */
static const char *check_items(const stele__index_term_page *page)
{
    unsigned place = STELE_INDEX_TERM_PAGE_BEGIN;
    unsigned count = 0;
    for (; place < page->end; count++) {
        stele__index_item item;
        unsigned restart = place;
        if (!stele__index_item_decode(page, place, &item)) {
            return "an entry makes no sense";
        }
        if (count % STELE_INDEX_RESTART_ENTRIES == 0 &&
            (count / STELE_INDEX_RESTART_ENTRIES >= page->restart_count ||
             !stele__index_restart(page, count / STELE_INDEX_RESTART_ENTRIES, &restart) ||
             restart != place || item.shared != 0)) {
            return "a restart makes no sense";
        }
        place = item.next;
    }
    if (count != page->entry_count) {
        return "a page has another number of entries than it says";
    }
    for (; place < STELE_INDEX_PAGE_SIZE - 2 * page->restart_count; place++) {
        if (page->bytes[place] != 0) {
            return "there is something behind the entries";
        }
    }
    return NULL;
}

/* The separator of a page of terms is above the last key before it, and not above its first. */
static bool is_separated(const stele__index *index, uint32_t number, const uint8_t *last_key,
                         size_t last_size, const uint8_t *first_key, size_t first_size)
{
    size_t size;
    const uint8_t *separator = stele__index_sparse_key(index, number, &size);
    return (number == 0 ? size == 0
                        : stele__index_key_compare(last_key, last_size, separator, size) < 0) &&
           stele__index_key_compare(separator, size, first_key, first_size) <= 0;
}

static stele_status check_page_of_terms(check_state *checker, uint32_t number, uint64_t page_offset)
{
    uint8_t scratch[STELE_INDEX_PAGE_SIZE];
    stele__index_term_page page;
    stele_error error;
    if (stele__index_load_terms(checker->index, number, scratch, &page, &error) != STELE_OK) {
        return report(checker, page_offset, &error);
    }
    const char *wrong = check_items(&page);
    return wrong ? report_text(checker, page_offset, wrong) : STELE_OK;
}

/* Whether the filter knows the current term. Its checksums have been compared: the block alone is
 * read. */
static stele_status check_filter(check_state *checker, const stele__index_terms *terms,
                                 uint64_t page_offset)
{
    const stele_text name = {terms->name, terms->name_size};
    const stele__index *index = checker->index;
    const stele__index_section *section = &index->header.sections[STELE_INDEX_FILTER];
    const uint64_t hash = stele__term_hash(&index->hash_key, terms->kind, name);
    const uint64_t block = stele__index_filter_block(hash, section->size / STELE_INDEX_FILTER_SIZE);
    uint8_t bytes[STELE_INDEX_FILTER_SIZE];
    stele_error error;
    if (stele__index_read(index, section->offset + block * STELE_INDEX_FILTER_SIZE, bytes,
                          sizeof bytes, &error) != STELE_OK) {
        return report(checker, section->offset + block * STELE_INDEX_FILTER_SIZE, &error);
    }
    if (!stele__index_filter_test(bytes, hash)) {
        return report_text(checker, page_offset, "the filter does not know a term");
    }
    return STELE_OK;
}

/* The current term, which is the first of its page if `is_first`; `last_key` is that of the term
 * before. */
static stele_status check_term(check_state *checker, const stele__index_terms *terms, bool is_first,
                               uint8_t *last_key, size_t *last_size)
{
    const stele__index *index = checker->index;
    const uint64_t page_offset =
        (uint64_t)stele__index_sparse_page(index, terms->page) * STELE_INDEX_PAGE_SIZE;
    const stele_text name = {terms->name, terms->name_size};
    uint8_t key[STELE_INDEX_KEY_SIZE_MAX];
    const size_t size = stele__index_key(terms->kind, name, key);
    if (is_first) {
        STELE_TRY(check_page_of_terms(checker, terms->page, page_offset));
        if (!is_separated(index, terms->page, last_key, *last_size, key, size)) {
            STELE_TRY(report_text(checker, page_offset, "the sparse index does not fit the page"));
        }
    }
    memcpy(last_key, key, size);
    *last_size = size;
    checker->term_count++;
    checker->posting_count += terms->entry.count;
    STELE_TRY(check_filter(checker, terms, page_offset));
    return check_postings(checker, terms, page_offset);
}

static stele_status check_terms(check_state *checker, stele__index_terms *terms)
{
    const stele__index *index = checker->index;
    const stele_text nothing = {NULL, 0};
    uint8_t last_key[STELE_INDEX_KEY_SIZE_MAX];
    size_t last_size = 0;
    uint32_t page = UINT32_MAX;
    stele_error error = {.status = STELE_OK};
    stele_status status = stele__index_terms_seek(terms, index, STELE_TERM_STREAM, nothing, &error);
    while (status == STELE_OK) {
        bool found;
        status = stele__index_terms_next(terms, &found, &error);
        if (status == STELE_OK && !found) {
            break;
        }
        if (status == STELE_OK) {
            STELE_TRY(check_term(checker, terms, terms->page != page, last_key, &last_size));
            page = terms->page;
        }
    }
    if (status != STELE_OK) {
        const uint32_t at = terms->page < index->header.term_page_count ? terms->page : 0;
        return report(checker,
                      (uint64_t)stele__index_sparse_page(index, at) * STELE_INDEX_PAGE_SIZE,
                      &error);
    }
    if (checker->term_count != index->header.term_count ||
        checker->posting_count != index->header.posting_count) {
        return report_text(checker, 48,
                           "the file has other terms or postings than its header says");
    }
    return STELE_OK;
}

/* ---- everything ---- */

static stele_status check_tables(check_state *checker)
{
    stele_error error;
    if (stele__index_open_tables(checker->index, &error) != STELE_OK) {
        return report(checker, checker->index->header.sections[STELE_INDEX_SEGMENTS].offset,
                      &error);
    }
    STELE_TRY(check_segments(checker));
    stele__index_terms *terms = stele__allocate(checker->index->alloc, sizeof *terms);
    if (!terms) {
        (void)stele__fail_memory(&error);
        return report(checker, 0, &error);
    }
    const stele_status status = check_terms(checker, terms);
    stele__release(checker->index->alloc, terms, sizeof *terms);
    return status;
}

static stele_status check_opened(check_state *checker)
{
    stele_error error;
    if (stele__index_open_checksums(checker->index, &error) != STELE_OK) {
        return report(checker, checker->index->header.sections[STELE_INDEX_CHECKSUMS].offset,
                      &error);
    }
    STELE_TRY(check_checksums(checker));
    return checker->status == STELE_OK ? check_tables(checker) : STELE_OK;
}

stele_status stele__index_check_again(stele__index *again,
                                      void (*damage)(void *context, uint64_t offset,
                                                     const char *message),
                                      void *context, stele_error *reterr)
{
    check_state checker = {
        .index = again, .damage = damage, .context = context, .status = STELE_OK, .reterr = reterr};
    (void)check_opened(&checker);
    return checker.status == STELE_OK ? stele__succeed(reterr) : checker.status;
}

stele_status stele__index_check(stele__index *index,
                                void (*damage)(void *context, uint64_t offset, const char *message),
                                void *context, stele_error *reterr)
{
    check_state checker = {.damage = damage,
                           .context = context,
                           .status = STELE_OK,
                           .reterr = reterr};
    stele_error error;
    if (stele__index_reopen(index, &checker.index, &error) != STELE_OK) {
        (void)report(&checker, 0, &error);
        return checker.status;
    }
    (void)check_opened(&checker);
    stele__index_unref(checker.index);
    return checker.status == STELE_OK ? stele__succeed(reterr) : checker.status;
}

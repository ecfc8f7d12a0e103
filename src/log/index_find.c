/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Index files: looking a term up. The filter says no to nearly all terms that are not there; the
 * sparse index names the one page that a term can be in; in the page, restarts and then a few
 * entries are compared.
 */
#include "log/index_format.h"

uint32_t stele__index_sparse_page(const stele__index *index, uint32_t number)
{
    return stele__load32(index->sparse + (size_t)number * STELE_INDEX_SPARSE_SIZE + 4);
}

const uint8_t *stele__index_sparse_key(const stele__index *index, uint32_t number, size_t *ret_size)
{
    const uint32_t count = index->header.term_page_count;
    const uint8_t *line = index->sparse + (size_t)number * STELE_INDEX_SPARSE_SIZE;
    const size_t lines_size = (size_t)count * STELE_INDEX_SPARSE_SIZE;
    const size_t begin = stele__load32(line);
    const size_t end = number + 1 < count
                           ? stele__load32(line + STELE_INDEX_SPARSE_SIZE)
                           : (size_t)index->header.sections[STELE_INDEX_SPARSE].size - lines_size;
    *ret_size = end - begin;
    return index->sparse + lines_size + begin;
}

uint32_t stele__index_sparse_search(const stele__index *index, const uint8_t *key, size_t key_size)
{
    uint32_t low = 0;
    uint32_t high = index->header.term_page_count;
    while (high - low > 1) {
        const uint32_t middle = low + (high - low) / 2;
        size_t size;
        const uint8_t *separator = stele__index_sparse_key(index, middle, &size);
        if (stele__index_key_compare(separator, size, key, key_size) <= 0) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

stele_status stele__index_load_terms(const stele__index *index, uint32_t number, uint8_t *scratch,
                                     stele__index_term_page *ret_page, stele_error *reterr)
{
    const uint64_t page = stele__index_sparse_page(index, number);
    const uint8_t *bytes;
    STELE_TRY(stele__index_page(index, page, scratch, &bytes, reterr));
    if (!stele__index_term_page_decode(bytes, ret_page)) {
        return stele__index_corrupt(index->path, page * STELE_INDEX_PAGE_SIZE, reterr,
                                    "this is no page of terms");
    }
    return STELE_OK;
}

void stele__index_prefetch(const stele__index *index, uint64_t hash)
{
    const stele__index_section *section = &index->header.sections[STELE_INDEX_FILTER];
    if (index->map) {
        const uint64_t block =
            stele__index_filter_block(hash, section->size / STELE_INDEX_FILTER_SIZE);
        __builtin_prefetch(index->map + section->offset + block * STELE_INDEX_FILTER_SIZE);
    }
}

/* Whether the filter knows the hash. */
static stele_status ask_filter(const stele__index *index, uint64_t hash, bool *ret_maybe,
                               stele_error *reterr)
{
    uint8_t scratch[STELE_INDEX_PAGE_SIZE];
    const stele__index_section *section = &index->header.sections[STELE_INDEX_FILTER];
    const uint64_t block = stele__index_filter_block(hash, section->size / STELE_INDEX_FILTER_SIZE);
    const uint64_t offset = section->offset + block * STELE_INDEX_FILTER_SIZE;
    const uint8_t *page;
    STELE_TRY(stele__index_page(index, offset / STELE_INDEX_PAGE_SIZE, scratch, &page, reterr));
    *ret_maybe = stele__index_filter_test(page + offset % STELE_INDEX_PAGE_SIZE, hash);
    return STELE_OK;
}

bool stele__index_find_restart(const stele__index_term_page *page, const uint8_t *key,
                               size_t key_size, unsigned *ret_place)
{
    unsigned low = 0;
    unsigned high = page->restart_count;
    unsigned place;
    stele__index_item item;
    while (high - low > 1) {
        const unsigned middle = low + (high - low) / 2;
        if (!stele__index_restart(page, middle, &place) ||
            !stele__index_item_decode(page, place, &item) || item.shared != 0) {
            return false;
        }
        if (stele__index_key_compare(item.suffix, item.suffix_size, key, key_size) <= 0) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return stele__index_restart(page, low, ret_place);
}

/*
 * Walks on from a restart until the key, without building the keys on the way: `common` is what the
 * key shares with the entry before, which is below it. An entry that shares more with that one is
 * below as well; one that shares less is above.
 */
static bool find_item(const stele__index_term_page *page, const uint8_t *key, size_t key_size,
                      stele__index_item *ret_item, bool *ret_found)
{
    unsigned place;
    size_t common = 0;
    *ret_found = false;
    if (!stele__index_find_restart(page, key, key_size, &place)) {
        return false;
    }
    for (unsigned i = 0; i < STELE_INDEX_RESTART_ENTRIES && place < page->end; i++) {
        if (!stele__index_item_decode(page, place, ret_item) || (i == 0 && ret_item->shared != 0)) {
            return false;
        }
        if (ret_item->shared < common) {
            return true;
        }
        if (ret_item->shared == common) {
            const size_t more = stele__index_key_common(ret_item->suffix, ret_item->suffix_size,
                                                        key + common, key_size - common);
            common += more;
            if (more == ret_item->suffix_size && common == key_size) {
                *ret_found = true;
                return true;
            }
            if (more < ret_item->suffix_size &&
                (common == key_size || ret_item->suffix[more] > key[common])) {
                return true;
            }
        }
        place = ret_item->next;
    }
    return true;
}

stele_status stele__index_find(const stele__index *index, stele__term_kind kind, stele_text name,
                               uint64_t hash, stele__index_entry *ret_entry, bool *ret_found,
                               stele_error *reterr)
{
    uint8_t scratch[STELE_INDEX_PAGE_SIZE];
    uint8_t key[STELE_INDEX_KEY_SIZE_MAX];
    bool maybe = false;
    if (index->header.term_page_count > 0 && name.size <= STELE_STREAM_NAME_SIZE_MAX) {
        STELE_TRY(ask_filter(index, hash, &maybe, reterr));
    }
    if (!maybe) {
        if (index->is_missing && !(index->segments->absent & stele__term_absent(kind, name))) {
            return stele__index_fail_missing(index, reterr);
        }
        *ret_found = false;
        return stele__succeed(reterr);
    }
    const size_t key_size = stele__index_key(kind, name, key);
    const uint32_t number = stele__index_sparse_search(index, key, key_size);
    stele__index_term_page page;
    stele__index_item item;
    bool found;
    STELE_TRY(stele__index_load_terms(index, number, scratch, &page, reterr));
    bool is_right = find_item(&page, key, key_size, &item, &found);
    if (is_right && found) {
        is_right = stele__index_payload_decode(item.payload, item.payload_size, kind,
                                               &index->header, ret_entry);
    }
    if (!is_right) {
        return stele__index_corrupt(index->path,
                                    (uint64_t)stele__index_sparse_page(index, number) *
                                        STELE_INDEX_PAGE_SIZE,
                                    reterr, "the page of terms is not in order");
    }
    *ret_found = found;
    return stele__succeed(reterr);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Index files: walking over terms in order.
 */
#include "log/index_format.h"

static stele_status fail_page(const stele__index_terms *terms, stele_error *reterr)
{
    const uint64_t page = stele__index_sparse_page(terms->index, terms->page);
    return stele__index_corrupt(terms->index->path, page * STELE_INDEX_PAGE_SIZE + terms->place,
                                reterr, "the page of terms is not in order");
}

/* The current page: in the mapping, or in the copy, which is read once. */
static stele_status current_page(stele__index_terms *terms, stele__index_term_page *ret_page,
                                 stele_error *reterr)
{
    if (!terms->index->map && terms->copied_page == terms->page) {
        return stele__index_term_page_decode(terms->copy, ret_page) ? STELE_OK
                                                                    : fail_page(terms, reterr);
    }
    terms->copied_page = UINT32_MAX;
    STELE_TRY(stele__index_load_terms(terms->index, terms->page, terms->copy, ret_page, reterr));
    terms->copied_page = terms->index->map ? UINT32_MAX : terms->page;
    return STELE_OK;
}

/* Bytes of the key of the current term: its kind counts as one. */
static size_t current_key_size(const stele__index_terms *terms)
{
    return terms->kind == 0 ? 0 : 1 + terms->name_size;
}

/* Whether an item is a term, and comes behind the current one. */
static bool follows(const stele__index_terms *terms, const stele__index_item *item)
{
    const size_t key_size = current_key_size(terms);
    const size_t item_size = (size_t)item->shared + item->suffix_size;
    if (item->shared > key_size || item_size < 2) {
        return false;
    }
    if (item->shared == 0) {
        const unsigned kind = item->suffix[0];
        const unsigned current = (unsigned)terms->kind;
        return stele__index_is_kind(kind) &&
               (kind > current ||
                (kind == current &&
                 stele__index_key_compare(item->suffix + 1, item->suffix_size - 1,
                                          (const uint8_t *)terms->name, terms->name_size) > 0));
    }
    return item->suffix_size > 0 &&
           (item->shared == key_size || item->suffix[0] > (uint8_t)terms->name[item->shared - 1]);
}

/* Makes an item the current term. */
static void move_on(stele__index_terms *terms, const stele__index_item *item)
{
    if (item->shared == 0) {
        terms->kind = (stele__term_kind)item->suffix[0];
        terms->name_size = item->suffix_size - 1;
        memcpy(terms->name, item->suffix + 1, terms->name_size);
    } else {
        memcpy(terms->name + item->shared - 1, item->suffix, item->suffix_size);
        terms->name_size = (size_t)item->shared - 1 + item->suffix_size;
    }
    terms->place = item->next;
}

/* How an item that follows the current term compares with a key. */
static int compare_item(const stele__index_terms *terms, const stele__index_item *item,
                        const uint8_t *key, size_t key_size)
{
    uint8_t item_key[STELE_INDEX_KEY_SIZE_MAX];
    if (item->shared > 0) {
        item_key[0] = (uint8_t)terms->kind;
        memcpy(item_key + 1, terms->name, (size_t)item->shared - 1);
    }
    memcpy(item_key + item->shared, item->suffix, item->suffix_size);
    return stele__index_key_compare(item_key, (size_t)item->shared + item->suffix_size, key,
                                    key_size);
}

stele_status stele__index_terms_seek(stele__index_terms *terms, const stele__index *index,
                                     stele__term_kind kind, stele_text name, stele_error *reterr)
{
    uint8_t key[STELE_INDEX_KEY_SIZE_MAX];
    terms->index = index;
    terms->page = 0;
    terms->place = STELE_INDEX_TERM_PAGE_BEGIN;
    terms->kind = (stele__term_kind)0;
    terms->name_size = 0;
    terms->copied_page = UINT32_MAX;
    if (name.size > STELE_STREAM_NAME_SIZE_MAX) {
        return stele__fail(reterr, STELE_INVALID, "no term has a name of %zu bytes", name.size);
    }
    if (index->is_missing && (kind == STELE_TERM_STREAM || !(index->absent & STELE_ABSENT(kind)))) {
        return stele__index_fail_missing(index, reterr);
    }
    if (index->header.term_page_count == 0) {
        return stele__succeed(reterr);
    }
    const size_t key_size = stele__index_key(kind, name, key);
    stele__index_term_page page;
    terms->page = stele__index_sparse_search(index, key, key_size);
    STELE_TRY(current_page(terms, &page, reterr));
    unsigned place;
    if (!stele__index_find_restart(&page, key, key_size, &place)) {
        return fail_page(terms, reterr);
    }
    terms->place = place;
    while (terms->place < page.end) {
        stele__index_item item;
        if (!stele__index_item_decode(&page, terms->place, &item) || !follows(terms, &item)) {
            return fail_page(terms, reterr);
        }
        if (compare_item(terms, &item, key, key_size) >= 0) {
            break;
        }
        move_on(terms, &item);
    }
    return stele__succeed(reterr);
}

stele_status stele__index_terms_next(stele__index_terms *terms, bool *ret_found,
                                     stele_error *reterr)
{
    stele__index_term_page page;
    stele__index_item item;
    *ret_found = false;
    if (terms->page >= terms->index->header.term_page_count) {
        return stele__succeed(reterr);
    }
    STELE_TRY(current_page(terms, &page, reterr));
    if (terms->place >= page.end) {
        terms->place = STELE_INDEX_TERM_PAGE_BEGIN;
        if (++terms->page == terms->index->header.term_page_count) {
            return stele__succeed(reterr);
        }
        STELE_TRY(current_page(terms, &page, reterr));
    }
    if (!stele__index_item_decode(&page, terms->place, &item) || !follows(terms, &item) ||
        (terms->place == STELE_INDEX_TERM_PAGE_BEGIN && item.shared != 0)) {
        return fail_page(terms, reterr);
    }
    const stele__term_kind kind = item.shared == 0 ? (stele__term_kind)item.suffix[0] : terms->kind;
    if (!stele__index_payload_decode(item.payload, item.payload_size, kind, &terms->index->header,
                                     &terms->entry)) {
        return fail_page(terms, reterr);
    }
    move_on(terms, &item);
    *ret_found = true;
    return stele__succeed(reterr);
}

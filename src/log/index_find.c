/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Index files: looking a term up. The filter says no to nearly all terms that are not there; the
 * sparse index names the one page that a term can be in; in the page, restarts and then a few
 * entries are compared.
 *
 * All of this is scattered over the file, so terms that were found once leave a hint: the page and
 * the restart, under some bits of their hash. Hints are few, forget each other, and are believed by
 * nobody: the names behind the restart are compared as ever. What is looked up again and again
 * costs a hint and its page in each file, and these are fetched from all files at once.
 */
#include "log/index_format.h"

#include <limits.h>

/* ---- hints */

enum { HINTS_IN_SET = 8, TERMS_PER_HINT = 8, SET_SIZE = HINTS_IN_SET * sizeof(uint64_t) };
enum { PLACE_BITS = 12, PAGE_BITS = 28, TAG_BITS = 64 - PAGE_BITS - PLACE_BITS };

void stele__index_keep_hints(stele__index *index, size_t bytes_max)
{
    const uint64_t wanted = index->header.term_count / TERMS_PER_HINT / HINTS_IN_SET;
    size_t sets = 1;
    while (sets * 2 <= wanted && sets * 2 * SET_SIZE <= bytes_max) {
        sets *= 2;
    }
    if (wanted > 0 && sets * SET_SIZE <= bytes_max) {
        index->hints = stele__allocate_zero(index->alloc, sets * SET_SIZE);
        index->hint_sets = index->hints ? sets : 0;
    }
}

size_t stele__index_hints_size(const stele__index *index)
{
    return index->hint_sets * SET_SIZE;
}

static _Atomic uint64_t *hints_of(const stele__index *index, uint64_t hash)
{
    return index->hints + (hash & (index->hint_sets - 1)) * HINTS_IN_SET;
}

static uint64_t make_hint(uint64_t hash, uint64_t page, unsigned place)
{
    return hash >> (64 - TAG_BITS) << (64 - TAG_BITS) | page << PLACE_BITS | place;
}

/* A bit for each hint that may be that of the hash, without branches that nobody could foresee. */
static unsigned matching_hints(const stele__index *index, uint64_t hash)
{
    const _Atomic uint64_t *set = hints_of(index, hash);
    unsigned matching = 0;
    for (unsigned i = 0; i < HINTS_IN_SET; i++) {
        const uint64_t hint = atomic_load_explicit(&set[i], memory_order_relaxed);
        matching |= (unsigned)((hint ^ hash) >> (64 - TAG_BITS) == 0) << i;
    }
    return matching;
}

/* Whether a hint is there and may be that of the hash. Relaxed: a hint is a number and no more. */
static bool take_hint(const stele__index *index, uint64_t hash, unsigned number, uint64_t *ret_page,
                      unsigned *ret_place)
{
    const uint64_t hint =
        atomic_load_explicit(&hints_of(index, hash)[number], memory_order_relaxed);
    *ret_page = hint >> PLACE_BITS & ((UINT64_C(1) << PAGE_BITS) - 1);
    *ret_place = (unsigned)hint & ((1U << PLACE_BITS) - 1);
    return *ret_page > 0 && (hint ^ hash) >> (64 - TAG_BITS) == 0;
}

static void leave_hint(const stele__index *index, uint64_t hash, uint64_t page, unsigned place)
{
    if (index->hint_sets == 0 || page >> PAGE_BITS != 0) {
        return;
    }
    _Atomic uint64_t *set = hints_of(index, hash);
    unsigned number = (unsigned)(hash >> (64 - TAG_BITS)) % HINTS_IN_SET;
    for (unsigned i = 0; i < HINTS_IN_SET; i++) {
        if (atomic_load_explicit(&set[i], memory_order_relaxed) == 0) {
            number = i;
        }
    }
    atomic_store_explicit(&set[number], make_hint(hash, page, place), memory_order_relaxed);
}

/* ---- pages of terms */

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
    if (index->hint_sets > 0) {
        __builtin_prefetch(hints_of(index, hash));
    }
}

void stele__index_prefetch_entry(const stele__index *index, uint64_t hash)
{
    enum { LINE = 64 };
    if (!index->map || index->hint_sets == 0) {
        return;
    }
    for (unsigned matching = matching_hints(index, hash); matching != 0; matching &= matching - 1) {
        uint64_t page;
        unsigned place;
        if (take_hint(index, hash, (unsigned)__builtin_ctz(matching), &page, &place)) {
            const uint8_t *bytes = index->map + page * STELE_INDEX_PAGE_SIZE;
            __builtin_prefetch(bytes);
            __builtin_prefetch(bytes + place);
            __builtin_prefetch(bytes + place + LINE);
        }
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
 * below as well; one that shares less is above. False: the page is not in order.
 */
static bool walk_from(const stele__index_term_page *page, unsigned place, const uint8_t *key,
                      size_t key_size, stele__index_item *ret_item, bool *ret_found)
{
    size_t common = 0;
    *ret_found = false;
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

/* A term on its way to being found. */
typedef struct seeking {
    const stele__index *index;
    stele__term_kind kind;
    uint64_t hash;
    size_t key_size;
    uint8_t key[STELE_INDEX_KEY_SIZE_MAX];
    uint8_t scratch[STELE_INDEX_PAGE_SIZE];
} seeking;

/* Looks for it in a page of terms, from a restart on (UINT_MAX: find that first). */
static stele_status seek_in_page(seeking *term, uint64_t page_number, unsigned place,
                                 stele__index_entry *ret_entry, bool *ret_found,
                                 stele_error *reterr)
{
    const stele__index *index = term->index;
    const uint8_t *bytes;
    stele__index_term_page page;
    stele__index_item item;
    const bool is_hinted = place != UINT_MAX;
    STELE_TRY(stele__index_page(index, page_number, term->scratch, &bytes, reterr));
    bool is_right =
        stele__index_term_page_decode(bytes, &page) &&
        (is_hinted || stele__index_find_restart(&page, term->key, term->key_size, &place)) &&
        walk_from(&page, place, term->key, term->key_size, &item, ret_found);
    if (is_right && *ret_found) {
        is_right = stele__index_payload_decode(item.payload, item.payload_size, term->kind,
                                               &index->header, ret_entry);
        if (is_right && !is_hinted) {
            leave_hint(index, term->hash, page_number, place);
        }
    }
    return is_right ? STELE_OK
                    : stele__index_corrupt(index->path, page_number * STELE_INDEX_PAGE_SIZE, reterr,
                                           "the page of terms is not in order");
}

static stele_status seek_by_hints(seeking *term, unsigned matching, stele__index_entry *ret_entry,
                                  bool *ret_found, stele_error *reterr)
{
    const stele__index *index = term->index;
    for (; matching != 0 && !*ret_found; matching &= matching - 1) {
        uint64_t page;
        unsigned place;
        if (take_hint(index, term->hash, (unsigned)__builtin_ctz(matching), &page, &place)) {
            STELE_TRY(seek_in_page(term, page, place, ret_entry, ret_found, reterr));
        }
    }
    return STELE_OK;
}

stele_status stele__index_find(const stele__index *index, stele__term_kind kind, stele_text name,
                               uint64_t hash, stele__index_entry *ret_entry, bool *ret_found,
                               stele_error *reterr)
{
    seeking term;
    bool maybe = false;
    *ret_found = false;
    if ((index->absent & stele__term_absent(kind, name)) != 0 ||
        name.size > STELE_STREAM_NAME_SIZE_MAX) {
        return stele__succeed(reterr);
    }
    if (index->is_missing) {
        return stele__index_fail_missing(index, reterr);
    }
    if (index->header.term_page_count == 0) {
        return stele__succeed(reterr);
    }
    const unsigned matching = index->hint_sets > 0 ? matching_hints(index, hash) : 0;
    if (matching == 0) {
        STELE_TRY(ask_filter(index, hash, &maybe, reterr));
        if (!maybe) { /* the usual answer of most files */
            return stele__succeed(reterr);
        }
    }
    term.index = index;
    term.kind = kind;
    term.hash = hash;
    term.key_size = stele__index_key(kind, name, term.key);
    STELE_TRY(seek_by_hints(&term, matching, ret_entry, ret_found, reterr));
    if (!*ret_found && !maybe) {
        STELE_TRY(ask_filter(index, hash, &maybe, reterr));
    }
    if (!*ret_found && maybe) {
        const uint32_t number = stele__index_sparse_search(index, term.key, term.key_size);
        STELE_TRY(seek_in_page(&term, stele__index_sparse_page(index, number), UINT_MAX, ret_entry,
                               ret_found, reterr));
    }
    return stele__succeed(reterr);
}

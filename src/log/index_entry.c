/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Index files: the codec of everything but lists: header, pages of terms and their entries, the
 * filter.
 */
#include "log/index_format.h"

#include <stdarg.h>
#include <stdio.h>

#define OUTSIDE_FLAG 2 /* in the first number of a payload: the list stands in a list page */
#define TOMBSTONE_FLAG 1
#define PATH_SHOWN_MAX 200

stele_status stele__index_corrupt(const char *path, uint64_t offset, stele_error *reterr,
                                  const char *format, ...)
{
    char what[160];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    const size_t size = strlen(path);
    const bool is_cut = size > PATH_SHOWN_MAX;
    stele_status status =
        stele__fail(reterr, STELE_CORRUPT_INDEX, "index file %s%s, offset %llu: %s",
                    is_cut ? "..." : "", is_cut ? path + size - PATH_SHOWN_MAX : path,
                    (unsigned long long)offset, what);
    stele__hint(reterr, "index files are made from the segments and can be made again");
    return status;
}

/* ---- terms and keys ---- */

uint64_t stele__term_hash(const stele__hash_key *key, stele__term_kind kind, stele_text name)
{
    const stele__hash_key key_of_kind = {key->k0, key->k1 ^ (uint64_t)kind};
    return stele__hash(&key_of_kind, name.data, name.size);
}

uint64_t stele__index_key_check(const stele__hash_key *key)
{
    return stele__hash(key, STELE_INDEX_MAGIC, 8);
}

size_t stele__index_key(stele__term_kind kind, stele_text name,
                        uint8_t ret_key[STELE_INDEX_KEY_SIZE_MAX])
{
    STELE_ASSERT(name.size <= STELE_STREAM_NAME_SIZE_MAX);
    ret_key[0] = (uint8_t)kind;
    if (name.size > 0) {
        memcpy(ret_key + 1, name.data, name.size);
    }
    return 1 + name.size;
}

int stele__index_key_compare(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size)
{
    const size_t size = a_size < b_size ? a_size : b_size;
    const int order = size > 0 ? memcmp(a, b, size) : 0;
    return order != 0 ? order : (a_size > b_size) - (a_size < b_size);
}

size_t stele__index_key_common(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size)
{
    const size_t size = a_size < b_size ? a_size : b_size;
    size_t common = 0;
    while (common < size && a[common] == b[common]) {
        common++;
    }
    return common;
}

/* ---- header ---- */

void stele__index_header_encode(const stele__index_header *header,
                                uint8_t ret_page[STELE_INDEX_PAGE_SIZE])
{
    memset(ret_page, 0, STELE_INDEX_PAGE_SIZE);
    memcpy(ret_page, STELE_INDEX_MAGIC, 8);
    stele__store32(ret_page + 8, STELE_INDEX_VERSION);
    stele__store32(ret_page + 12, STELE_INDEX_PAGE_SIZE);
    memcpy(ret_page + 16, header->store.bytes, 16);
    stele__store64(ret_page + 32, header->first);
    stele__store64(ret_page + 40, header->last);
    stele__store64(ret_page + 48, header->term_count);
    stele__store64(ret_page + 56, header->posting_count);
    stele__store64(ret_page + 64, header->file_size);
    stele__store64(ret_page + 72, header->key_check);
    stele__store32(ret_page + 80, header->term_page_count);
    stele__store32(ret_page + 84, header->segment_count);
    stele__store32(ret_page + 88, header->checksums_crc);
    for (size_t i = 0; i < STELE_INDEX_SECTION_COUNT; i++) {
        stele__store64(ret_page + 96 + 16 * i, header->sections[i].offset);
        stele__store64(ret_page + 104 + 16 * i, header->sections[i].size);
    }
    stele__store32(ret_page + STELE_INDEX_PAGE_SIZE - 4,
                   stele__crc32c(0, ret_page, STELE_INDEX_PAGE_SIZE - 4));
}

/* Sections must follow on each other without gaps but for alignment, and end with the file. Returns
 * what is wrong. */
static const char *check_sections(const stele__index_header *header, uint64_t file_size)
{
    static const uint64_t alignments[STELE_INDEX_SECTION_COUNT] = {
        STELE_INDEX_PAGE_SIZE,   STELE_INDEX_PAGE_SIZE, 1, 1,
        STELE_INDEX_FILTER_SIZE, STELE_INDEX_PAGE_SIZE};
    const stele__index_section *sections = header->sections;
    uint64_t end = STELE_INDEX_PAGE_SIZE;
    for (size_t i = 0; i < STELE_INDEX_SECTION_COUNT; i++) {
        const uint64_t begin = (end + alignments[i] - 1) / alignments[i] * alignments[i];
        if (sections[i].offset != begin || begin > file_size ||
            sections[i].size > file_size - begin) {
            return "the section table does not fit the file";
        }
        end = begin + sections[i].size;
    }
    if (end != file_size || header->file_size != file_size) {
        return "the file has another size than its header says";
    }
    const uint64_t page_count = sections[STELE_INDEX_CHECKSUMS].offset / STELE_INDEX_PAGE_SIZE;
    if (sections[STELE_INDEX_DATA].size % STELE_INDEX_PAGE_SIZE != 0 || page_count > UINT32_MAX ||
        sections[STELE_INDEX_OFFSETS].size != 4 * (header->last - header->first + 1) ||
        header->segment_count == 0 ||
        sections[STELE_INDEX_SEGMENTS].size !=
            (uint64_t)STELE_INDEX_SEGMENT_SIZE * header->segment_count ||
        sections[STELE_INDEX_SPARSE].size <
            (uint64_t)STELE_INDEX_SPARSE_SIZE * header->term_page_count ||
        sections[STELE_INDEX_FILTER].size == 0 ||
        sections[STELE_INDEX_FILTER].size % STELE_INDEX_FILTER_SIZE != 0 ||
        sections[STELE_INDEX_CHECKSUMS].size != 4 * (page_count - 1)) {
        return "a section has an impossible size";
    }
    return NULL;
}

static const char *check_counts(const stele__index_header *header)
{
    const uint64_t data_pages = header->sections[STELE_INDEX_DATA].size / STELE_INDEX_PAGE_SIZE;
    if (header->first == 0 || header->first > header->last ||
        header->last - header->first >= STELE_INDEX_RANGE_MAX) {
        return "the range of positions is impossible";
    }
    if (header->term_page_count > data_pages || header->term_count < header->term_page_count ||
        (header->term_count > 0) != (header->term_page_count > 0) ||
        header->posting_count < header->term_count) {
        return "the counts contradict each other";
    }
    return NULL;
}

stele_status stele__index_header_decode(const uint8_t page[STELE_INDEX_PAGE_SIZE],
                                        uint64_t file_size, const char *path,
                                        stele__index_header *ret_header, stele_error *reterr)
{
    stele__index_header header;
    if (memcmp(page, STELE_INDEX_MAGIC, 8) != 0) {
        return stele__index_corrupt(path, 0, reterr, "this is not the beginning of an index file");
    }
    if (stele__load32(page + STELE_INDEX_PAGE_SIZE - 4) !=
        stele__crc32c(0, page, STELE_INDEX_PAGE_SIZE - 4)) {
        return stele__index_corrupt(path, 0, reterr, "the header has a wrong checksum");
    }
    if (stele__load32(page + 8) > STELE_INDEX_VERSION) {
        stele_status status =
            stele__fail(reterr, STELE_UNSUPPORTED_VERSION,
                        "index file %s has format %u, this library knows up to %d", path,
                        (unsigned)stele__load32(page + 8), STELE_INDEX_VERSION);
        stele__hint(reterr, "use the version of Stele that wrote it, or a later one");
        return status;
    }
    memcpy(header.store.bytes, page + 16, 16);
    header.first = stele__load64(page + 32);
    header.last = stele__load64(page + 40);
    header.term_count = stele__load64(page + 48);
    header.posting_count = stele__load64(page + 56);
    header.file_size = stele__load64(page + 64);
    header.key_check = stele__load64(page + 72);
    header.term_page_count = stele__load32(page + 80);
    header.segment_count = stele__load32(page + 84);
    header.checksums_crc = stele__load32(page + 88);
    for (size_t i = 0; i < STELE_INDEX_SECTION_COUNT; i++) {
        header.sections[i].offset = stele__load64(page + 96 + 16 * i);
        header.sections[i].size = stele__load64(page + 104 + 16 * i);
    }
    uint8_t expected[STELE_INDEX_PAGE_SIZE];
    stele__index_header_encode(&header, expected);
    const char *wrong = memcmp(expected, page, STELE_INDEX_PAGE_SIZE) != 0
                            ? "a reserved field of the header is in use"
                            : check_sections(&header, file_size);
    wrong = wrong ? wrong : check_counts(&header);
    if (wrong) {
        return stele__index_corrupt(path, 0, reterr, "%s", wrong);
    }
    *ret_header = header;
    return STELE_OK;
}

/* ---- entries ---- */

size_t stele__index_payload_encode(const stele__index_entry *entry, stele__term_kind kind,
                                   stele_position file_first, uint8_t *to)
{
    const bool is_outside = stele__index_has_list(entry) && entry->list_size == 0;
    uint8_t *at = to;
    at = stele__varint_put(at, (uint64_t)entry->count << 2 | (is_outside ? OUTSIDE_FLAG : 0) |
                                   (entry->ends_in_tombstone ? TOMBSTONE_FLAG : 0));
    at = stele__varint_put(at, entry->first - file_first);
    if (entry->count > 1) {
        at = stele__varint_put(at, entry->last - entry->first - (entry->count - 1));
    }
    if (kind == STELE_TERM_STREAM) {
        at = stele__varint_put(at, entry->base_revision);
    }
    if (is_outside) {
        at = stele__varint_put(at, entry->list_offset);
    } else if (stele__index_has_list(entry)) {
        memcpy(at, entry->inline_list, entry->list_size);
        at += entry->list_size;
    }
    STELE_ASSERT(at - to <= STELE_INDEX_PAYLOAD_SIZE_MAX);
    return (size_t)(at - to);
}

/* The numbers at the beginning of a payload. */
static bool decode_numbers(const uint8_t **at, const uint8_t *end, stele__term_kind kind,
                           const stele__index_header *header, stele__index_entry *ret_entry,
                           uint64_t *ret_flags)
{
    const uint64_t range = header->last - header->first;
    uint64_t count;
    uint64_t first;
    uint64_t spare = 0; /* positions between the first and the last that are not the term's */
    uint64_t base = 0;
    if (!stele__varint_get(at, end, &count) || !stele__varint_get(at, end, &first) ||
        (count >> 2 > 1 && !stele__varint_get(at, end, &spare)) ||
        (kind == STELE_TERM_STREAM && !stele__varint_get(at, end, &base))) {
        return false;
    }
    *ret_flags = count & 3;
    count >>= 2;
    if (count == 0 || count > UINT32_MAX || first > range || spare > range || count - 1 > range ||
        first + spare + (count - 1) > range || base > STELE_REVISION_TOMBSTONE) {
        return false;
    }
    ret_entry->count = (uint32_t)count;
    ret_entry->first = header->first + first;
    ret_entry->last = ret_entry->first + spare + (count - 1);
    ret_entry->base_revision = base;
    ret_entry->ends_in_tombstone = *ret_flags & TOMBSTONE_FLAG;
    return !ret_entry->ends_in_tombstone || kind == STELE_TERM_STREAM;
}

bool stele__index_payload_decode(const uint8_t *from, size_t size, stele__term_kind kind,
                                 const stele__index_header *header, stele__index_entry *ret_entry)
{
    const uint8_t *at = from;
    const uint8_t *end = from + size;
    uint64_t flags;
    ret_entry->list_offset = 0;
    ret_entry->list_size = 0;
    if (!decode_numbers(&at, end, kind, header, ret_entry, &flags)) {
        return false;
    }
    if (flags & OUTSIDE_FLAG) {
        return stele__index_has_list(ret_entry) &&
               stele__varint_get(&at, end, &ret_entry->list_offset) && at == end;
    }
    const size_t rest = (size_t)(end - at);
    if (!stele__index_has_list(ret_entry)) {
        return rest == 0;
    }
    if (rest == 0 || rest > STELE_INDEX_INLINE_SIZE_MAX ||
        ret_entry->count > STELE_INDEX_BLOCK_COUNT) {
        return false;
    }
    ret_entry->list_size = (uint32_t)rest;
    memcpy(ret_entry->inline_list, at, rest);
    return true;
}

bool stele__index_term_page_decode(const uint8_t *bytes, stele__index_term_page *ret_page)
{
    ret_page->bytes = bytes;
    ret_page->end = stele__load16(bytes + 2);
    ret_page->entry_count = stele__load16(bytes + 4);
    ret_page->restart_count = stele__load16(bytes + 6);
    return bytes[0] == STELE_INDEX_TERM_PAGE && bytes[1] == 0 && ret_page->entry_count > 0 &&
           ret_page->restart_count == (ret_page->entry_count + STELE_INDEX_RESTART_ENTRIES - 1) /
                                          STELE_INDEX_RESTART_ENTRIES &&
           ret_page->end > STELE_INDEX_TERM_PAGE_BEGIN &&
           ret_page->end + 2 * ret_page->restart_count <= STELE_INDEX_PAGE_SIZE;
}

bool stele__index_restart(const stele__index_term_page *page, unsigned restart, unsigned *ret_place)
{
    *ret_place =
        stele__load16(page->bytes + STELE_INDEX_PAGE_SIZE - 2 * (page->restart_count - restart));
    return *ret_place >= STELE_INDEX_TERM_PAGE_BEGIN && *ret_place < page->end;
}

bool stele__index_item_decode(const stele__index_term_page *page, unsigned place,
                              stele__index_item *ret_item)
{
    const uint8_t *at = page->bytes + place;
    const uint8_t *end = page->bytes + page->end;
    uint64_t shared;
    uint64_t suffix_size;
    if (!stele__varint_get(&at, end, &shared) || !stele__varint_get(&at, end, &suffix_size) ||
        at == end || shared > STELE_INDEX_KEY_SIZE_MAX ||
        suffix_size > STELE_INDEX_KEY_SIZE_MAX - shared) {
        return false;
    }
    ret_item->shared = (unsigned)shared;
    ret_item->suffix_size = (unsigned)suffix_size;
    ret_item->payload_size = *at++;
    if ((size_t)(end - at) < suffix_size + ret_item->payload_size) {
        return false;
    }
    ret_item->suffix = at;
    ret_item->payload = at + suffix_size;
    ret_item->next = (unsigned)(ret_item->payload + ret_item->payload_size - page->bytes);
    return true;
}

/* ---- filter ---- */

uint64_t stele__index_filter_blocks(uint64_t term_count)
{
    const uint64_t bits = STELE_INDEX_FILTER_SIZE * 8;
    if (term_count > ((uint64_t)UINT32_MAX - 1) * bits / (2 * STELE_INDEX_FILTER_BITS)) {
        return 0;
    }
    uint64_t blocks = (term_count * STELE_INDEX_FILTER_BITS + bits - 1) / bits;
    unsigned halvings = 0;
    for (; blocks > 16; halvings++) {
        blocks = (blocks + 1) / 2;
    }
    return (blocks ? blocks : 1) << halvings;
}

/* Eight bits, one in each word of the block. The multiplication gives bits that do not follow from
 * the block's number. */
static inline uint64_t mix(uint64_t hash)
{
    return hash * 0x9e3779b97f4a7c15u;
}

void stele__index_filter_add(uint8_t block[STELE_INDEX_FILTER_SIZE], uint64_t hash)
{
    const uint64_t mixed = mix(hash);
    for (unsigned i = 0; i < 8; i++) {
        const unsigned bit = (unsigned)(mixed >> (16 + 6 * i)) & 63;
        block[8 * i + bit / 8] = (uint8_t)(block[8 * i + bit / 8] | 1u << bit % 8);
    }
}

bool stele__index_filter_test(const uint8_t block[STELE_INDEX_FILTER_SIZE], uint64_t hash)
{
    const uint64_t mixed = mix(hash);
    for (unsigned i = 0; i < 8; i++) {
        const unsigned bit = (unsigned)(mixed >> (16 + 6 * i)) & 63;
        if (!(block[8 * i + bit / 8] >> bit % 8 & 1)) {
            return false;
        }
    }
    return true;
}

uint64_t stele__index_filter_fold(uint8_t *filter, uint64_t block_count, uint64_t term_count)
{
    const uint64_t needed = stele__index_filter_blocks(term_count);
    while (block_count % 2 == 0 && block_count / 2 >= needed) {
        block_count /= 2;
        for (uint64_t i = 0; i < block_count; i++) {
            const uint8_t *left = filter + 2 * i * STELE_INDEX_FILTER_SIZE;
            for (size_t byte = 0; byte < STELE_INDEX_FILTER_SIZE; byte++) {
                filter[i * STELE_INDEX_FILTER_SIZE + byte] =
                    (uint8_t)(left[byte] | left[STELE_INDEX_FILTER_SIZE + byte]);
            }
        }
    }
    return block_count;
}

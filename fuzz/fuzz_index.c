/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as an index file, in memory, with checksums made right, so that what lies behind them is
 * reached. The first byte chooses: a file built here and changed in the places that the rest names
 * (three bytes each: where, what), or the rest itself as the file. Whatever stands there: opening,
 * finding, walking, checking and merging end, in bounds, with an answer.
 */
#include "fuzz.h"
#include "memory_file.h"

#include "log/index_format.h"

#include <stdio.h>

enum { BASE_COUNT = 4 };

/* ---- files to begin with ---- */

static const stele_uuid store = {{1, 2, 3}};
static const stele__hash_key key = {4, 5};

static void must(stele_status status)
{
    STELE_ASSERT(status == STELE_OK);
}

static stele__index_params params_of(const char *path)
{
    return (stele__index_params){.alloc = stele_alloc_default(),
                                 .vfs = &memory_file_vfs,
                                 .path = path,
                                 .store = store,
                                 .hash_key = key,
                                 .term_count_max = 100};
}

static void build_segments(stele__index_builder *builder, stele_position first, uint64_t count)
{
    for (uint64_t part = 0; part < 2; part++) {
        const stele__index_segment segment = {.number = first + part,
                                              .first = first + count / 2 * part,
                                              .last = first + count / 2 * (part + 1) - 1};
        must(stele__index_add_segment(builder, &segment, NULL));
        for (uint32_t i = 0; i < count / 2; i++) {
            const uint32_t offset = 64 + i * 300 + i * i % 7;
            must(stele__index_add_offsets(builder, &offset, 1, NULL));
        }
    }
}

/* What the files to begin with have: few events; long lists; full pages of short names; full pages
 * of long names. */
typedef struct base_shape {
    uint64_t event_count;
    unsigned term_count;
    int name_size;
} base_shape;

static const base_shape base_shapes[BASE_COUNT] = {{200, 60, 3},
                                                   {3000, 60, 3},
                                                   {200, 500, 12},
                                                   {200, 12, 900}};

/* The number stands in front: long names share little. */
static size_t name_of(char *name, const base_shape *shape, unsigned i)
{
    memset(name, 'n', (size_t)shape->name_size);
    for (int place = 0; place < 3; place++, i /= 10) {
        name[2 - place] = (char)('0' + i % 10);
    }
    return (size_t)shape->name_size;
}

static void build_base(const base_shape *shape, const char *path)
{
    const stele__index_params params = params_of(path);
    const stele_position first = 1;
    stele__index_builder *builder;
    must(stele__index_build(&params, &builder, NULL));
    build_segments(builder, first, shape->event_count);
    const unsigned of_a_kind = (shape->term_count + 4) / 5;
    for (unsigned i = 0; i < shape->term_count; i++) {
        char name[1000];
        const stele_text text = {name, name_of(name, shape, i)};
        const stele__term_kind kind = (stele__term_kind)(1 + i / of_a_kind);
        must(stele__index_add_term(builder, kind, text, 0, false, NULL));
        uint64_t gap = 1 + i % 6;
        for (stele_position at = first + i % 60; at < first + shape->event_count; at += gap) {
            must(stele__index_add_positions(builder, &at, 1, NULL));
            gap = 1 + (at * at + i) % (2 + (i % 4 ? 60 * (uint64_t)i : 4));
        }
    }
    must(stele__index_finish(builder, NULL, NULL));
}

/* ---- making checksums right ---- */

static void repair(uint8_t *bytes, size_t size)
{
    if (size < STELE_INDEX_PAGE_SIZE) {
        return;
    }
    memcpy(bytes, STELE_INDEX_MAGIC, 8);
    stele__store64(bytes + 72, stele__index_key_check(&key));
    const uint64_t checksums = stele__load64(bytes + 96 + 16 * STELE_INDEX_CHECKSUMS);
    const uint64_t page_count = checksums / STELE_INDEX_PAGE_SIZE;
    if (checksums % STELE_INDEX_PAGE_SIZE == 0 && checksums <= size && page_count > 0 &&
        4 * (page_count - 1) <= size - checksums) {
        for (uint64_t page = 1; page < page_count; page++) {
            stele__store32(bytes + checksums + 4 * (page - 1),
                           stele__crc32c(0, bytes + page * STELE_INDEX_PAGE_SIZE,
                                         STELE_INDEX_PAGE_SIZE));
        }
        stele__store32(bytes + 88, stele__crc32c(0, bytes + checksums, 4 * (page_count - 1)));
    }
    stele__store32(bytes + STELE_INDEX_PAGE_SIZE - 4,
                   stele__crc32c(0, bytes, STELE_INDEX_PAGE_SIZE - 4));
}

/* ---- asking ---- */

static void ask_postings(const stele__index *index, const stele__index_entry *entry)
{
    stele__index_postings postings;
    stele__index_postings_init(&postings, index, entry);
    for (uint32_t i = 0; i < 8; i++) {
        const uint32_t rank = (uint32_t)((uint64_t)(entry->count - 1) * i / 7);
        stele_position position;
        uint32_t found;
        if (stele__index_position_at(&postings, rank, &position, NULL) == STELE_OK) {
            STELE_ASSERT(position >= stele__index_first(index) &&
                         position <= stele__index_last(index));
            if (stele__index_rank_of(&postings, position, &found, NULL) == STELE_OK) {
                STELE_ASSERT(found <= entry->count);
            }
        }
        (void)stele__index_rank_of(&postings, entry->first + (entry->last - entry->first) / 7 * i,
                                   &found, NULL);
    }
}

static void ask_terms(const stele__index *index)
{
    static stele__index_terms terms;
    bool found = true;
    uint64_t walked = 0;
    stele_status status =
        stele__index_terms_seek(&terms, index, STELE_TERM_STREAM, stele__text(""), NULL);
    while (status == STELE_OK) {
        status = stele__index_terms_next(&terms, &found, NULL);
        if (status != STELE_OK || !found) {
            break;
        }
        STELE_ASSERT(++walked <= stele__index_bytes(index));
        ask_postings(index, &terms.entry);
        const stele_text name = {terms.name, terms.name_size};
        stele__index_entry entry;
        if (stele__index_find(index, terms.kind, name, stele__term_hash(&key, terms.kind, name),
                              &entry, &found, NULL) == STELE_OK &&
            found) {
            ask_postings(index, &entry);
        }
    }
    for (int kind = 0; kind < 7; kind++) {
        for (unsigned i = 0; i < 60; i += 7) {
            char name[8];
            (void)snprintf(name, sizeof name, "%03u", i);
            (void)stele__index_terms_seek(&terms, index, (stele__term_kind)kind, stele__text(name),
                                          NULL);
            (void)stele__index_terms_next(&terms, &found, NULL);
        }
    }
}

static void ask_offsets(const stele__index *index)
{
    const uint64_t range = stele__index_last(index) - stele__index_first(index);
    for (uint64_t i = 0; i < 16; i++) {
        uint32_t offset;
        (void)stele__index_offset_of(index, stele__index_first(index) + range / 15 * i, &offset,
                                     NULL);
    }
}

/* Merges the file with a right one behind it. */
static void merge(stele__index *index)
{
    const stele__index_params begin = params_of("1");
    const stele__index_params params = params_of("2");
    const stele_position first = stele__index_last(index) + 1;
    stele__index_builder *builder;
    stele__index *indexes[2] = {index, NULL};
    if (first == 0 || first > UINT64_MAX - 100) {
        return;
    }
    must(stele__index_build(&begin, &builder, NULL));
    build_segments(builder, first, 20);
    must(stele__index_add_term(builder, STELE_TERM_TYPE, stele__text("030"), 0, false, NULL));
    must(stele__index_add_positions(builder, &first, 1, NULL));
    must(stele__index_finish(builder, NULL, NULL));
    must(stele__index_open(stele_alloc_default(), &memory_file_vfs, "1", STELE_PREAD, &store, &key,
                           first, first + 19, &indexes[1], NULL));
    (void)stele__index_merge(&params, indexes, 2, NULL, NULL, NULL);
    stele__index_unref(indexes[1]);
}

static void ask(stele_mapping mapping)
{
    const stele_alloc *alloc = stele_alloc_default();
    memory_file *file = memory_file_at("0");
    const uint8_t *bytes = file->bytes;
    stele__index *index = NULL;
    stele_error error;
    if (file->size < STELE_INDEX_PAGE_SIZE) {
        memset(file->bytes + file->size, 0, STELE_INDEX_PAGE_SIZE - file->size);
    }
    const stele_status status =
        stele__index_open(alloc, &memory_file_vfs, "0", mapping, &store, &key,
                          stele__load64(bytes + 32), stele__load64(bytes + 40), &index, &error);
    if (status != STELE_OK) {
        STELE_ASSERT(error.message[0] != '\0');
        return;
    }
    stele__index_keep_hints(index, 256);
    ask_terms(index);
    ask_terms(index);
    ask_offsets(index);
    (void)stele__index_check(index, NULL, NULL, NULL);
    merge(index);
    stele__index_unref(index);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static memory_file bases[BASE_COUNT];
    memory_file *file = memory_file_at("0");
    if (bases[0].size == 0) {
        for (unsigned i = 0; i < BASE_COUNT; i++) {
            build_base(&base_shapes[i], "0");
            memcpy(bases[i].bytes, file->bytes, file->size);
            bases[i].size = file->size;
        }
    }
    if (size == 0 || size > MEMORY_FILE_BYTES_MAX) {
        return 0;
    }
    const unsigned choice = data[0];
    data++;
    size--;
    if (choice & 1) {
        memcpy(file->bytes, data, size);
        file->size = size;
    } else {
        const memory_file *base = &bases[choice / 4 % BASE_COUNT];
        memcpy(file->bytes, base->bytes, base->size);
        file->size = base->size;
        for (; size >= 3; data += 3, size -= 3) {
            file->bytes[stele__load16(data) % base->size] = data[2];
        }
    }
    repair(file->bytes, file->size);
    ask(choice & 2 ? STELE_PREAD : STELE_MAP);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Index files, private: the numbers of the format, the codec, the open file, and the pieces that
 * the builder is made of. Included by index_*.c alone. The drawing of the format and its numbered
 * invariants are in src/log/README.md.
 */
#ifndef STELE_LOG_INDEX_FORMAT_H
#define STELE_LOG_INDEX_FORMAT_H

#include "log/index_file.h"

#include <stdatomic.h>

#define STELE_INDEX_MAGIC "SteleIdx"
#define STELE_INDEX_VERSION 1
#define STELE_INDEX_PAGE_SIZE 4096
#define STELE_INDEX_SEGMENT_SIZE 48 /* of an entry of the segment table */
#define STELE_INDEX_SPARSE_SIZE 8   /* of an entry of the sparse index, without its key */
#define STELE_INDEX_FILTER_SIZE                                                                    \
    64                             /* of a block of the filter: a cache line, never across pages   \
                                    */
#define STELE_INDEX_FILTER_BITS 10 /* per term */
#define STELE_INDEX_CHUNK_PAGES 32 /* written at once while building: 128 KiB */
#define STELE_INDEX_RESTART_ENTRIES 16
#define STELE_INDEX_TERM_PAGE 1       /* first byte of a page of terms */
#define STELE_INDEX_LIST_PAGE 2       /* first byte of a page of blocks and nodes */
#define STELE_INDEX_TERM_PAGE_BEGIN 8 /* first entry */
#define STELE_INDEX_LIST_PAGE_BEGIN 4 /* first block or node */
/* Unpacking reads up to 8 bytes further. */
#define STELE_INDEX_LIST_PAGE_END (STELE_INDEX_PAGE_SIZE - 8)
/* Kind, then name. */
#define STELE_INDEX_KEY_SIZE_MAX (1 + STELE_STREAM_NAME_SIZE_MAX)
/* Bits: what one unaligned load of 64 bits always covers. */
#define STELE_INDEX_WIDTH_MAX 56
/* Positions of one file. */
#define STELE_INDEX_RANGE_MAX ((uint64_t)1 << STELE_INDEX_WIDTH_MAX)
#define STELE_INDEX_BLOCK_COUNT 128     /* values of a block */
#define STELE_INDEX_FAN_OUT 128         /* children of a node */
#define STELE_INDEX_LEVELS_MAX 4        /* of nodes: 128 * 128^4 values is above 2^32 */
#define STELE_INDEX_BLOCK_SIZE_MAX 1024 /* 3 + 127 * 56 bits; fewer bits with exceptions */
#define STELE_INDEX_NODE_SIZE_MAX 1792  /* 12 + 2 * 127 * 56 bits */
#define STELE_INDEX_PACK_SLACK 8 /* packing and unpacking touch that much behind the last byte */
#define STELE_INDEX_INLINE_SIZE_MAX 64
#define STELE_INDEX_PAYLOAD_SIZE_MAX 127

/* ---- header ---- */

typedef enum stele__index_section_number {
    STELE_INDEX_OFFSETS, /* four bytes for each position */
    STELE_INDEX_DATA,    /* term pages and list pages */
    STELE_INDEX_SEGMENTS,
    STELE_INDEX_SPARSE,
    STELE_INDEX_FILTER,
    STELE_INDEX_CHECKSUMS,
    STELE_INDEX_SECTION_COUNT
} stele__index_section_number;

typedef struct stele__index_section {
    uint64_t offset;
    uint64_t size;
} stele__index_section;

typedef struct stele__index_header {
    stele_uuid store;
    stele_position first;
    stele_position last;
    uint64_t term_count;
    uint64_t posting_count;
    uint64_t file_size;
    uint64_t key_check;
    uint32_t term_page_count;
    uint32_t segment_count;
    uint32_t checksums_crc;
    stele__index_section sections[STELE_INDEX_SECTION_COUNT];
} stele__index_header;

/* What the key of a store makes of a fixed text: tells whether a filter was made with it. */
uint64_t stele__index_key_check(const stele__hash_key *key);

void stele__index_header_encode(const stele__index_header *header,
                                uint8_t ret_page[STELE_INDEX_PAGE_SIZE]);
/* STELE_CORRUPT if anything in it contradicts anything else or `file_size`, STELE_UNSUPPORTED if
 * newer. */
stele_status stele__index_header_decode(const uint8_t page[STELE_INDEX_PAGE_SIZE],
                                        uint64_t file_size, const char *path,
                                        stele__index_header *ret_header, stele_error *reterr);

/* "index file …/name, offset 8192: …", cut sensibly; STELE_CORRUPT. */
stele_status stele__index_corrupt(const char *path, uint64_t offset, stele_error *reterr,
                                  const char *format, ...) STELE_PRINTF(4, 5);

/* ---- lists ---- */

/* Encodes a block: `count` (1 … 128) strictly ascending values below 2^56, of which the first is
 * not stored. `to` has STELE_INDEX_BLOCK_SIZE_MAX bytes. Returns its size. */
size_t stele__index_block_encode(const uint64_t *values, size_t count, uint8_t *to);

/* Decodes a block of `count` values whose first is known; 8 bytes behind `end` can be read. Returns
 * its size, 0 if it is none. */
size_t stele__index_block_decode(const uint8_t *from, const uint8_t *end, uint64_t first,
                                 size_t count, uint64_t *ret_values);

/* Encodes a node; `to` has STELE_INDEX_NODE_SIZE_MAX + 8 bytes. Returns its size. */
size_t stele__index_node_encode(unsigned level, const uint64_t *firsts, const uint64_t *offsets,
                                size_t count, uint8_t *to);

/* A node in place: borrowed from the page. */
typedef struct stele__index_node {
    unsigned level;
    unsigned count;
    unsigned first_width;
    unsigned offset_width;
    uint64_t offset;       /* of child 0 */
    const uint8_t *firsts; /* packed: child 1 … relative to child 0 */
    const uint8_t *offsets;
    size_t size;
} stele__index_node;

bool stele__index_node_decode(const uint8_t *from, const uint8_t *end, stele__index_node *ret_node);
/* Of a child: the first value relative to that of child 0, and where it stands. */
uint64_t stele__index_node_first(const stele__index_node *node, unsigned child);
uint64_t stele__index_node_offset(const stele__index_node *node, unsigned child);
/* The last child whose first value (relative) is not above `value`. */
unsigned stele__index_node_search(const stele__index_node *node, uint64_t value);

/* Levels of nodes above that many blocks: 0 if there is one block. */
unsigned stele__index_levels(uint64_t block_count);

static inline uint64_t stele__index_block_count(uint64_t count)
{
    return (count + STELE_INDEX_BLOCK_COUNT - 1) / STELE_INDEX_BLOCK_COUNT;
}

/* A list anywhere in the file: values relative to nothing. */
typedef struct stele__index_list {
    uint64_t offset; /* of the block or the root node */
    uint64_t count;
    uint64_t first;
    uint64_t last; /* no value may be above */
} stele__index_list;

/* ---- entries ---- */

/* Whether the postings need a list: neither one, two nor a run. */
static inline bool stele__index_has_list(const stele__index_entry *entry)
{
    return entry->count > 2 && entry->last - entry->first != (uint64_t)entry->count - 1;
}

/* The payload of an entry, all but its key. `to` has STELE_INDEX_PAYLOAD_SIZE_MAX bytes. */
size_t stele__index_payload_encode(const stele__index_entry *entry, stele__term_kind kind,
                                   stele_position file_first, uint8_t *to);
bool stele__index_payload_decode(const uint8_t *from, size_t size, stele__term_kind kind,
                                 const stele__index_header *header, stele__index_entry *ret_entry);

/* A page of terms in place. */
typedef struct stele__index_term_page {
    const uint8_t *bytes;
    unsigned end; /* of the entries */
    unsigned entry_count;
    unsigned restart_count;
} stele__index_term_page;

bool stele__index_term_page_decode(const uint8_t *bytes, stele__index_term_page *ret_page);
/* Where the entries from this restart on stand. False: not in the page. */
bool stele__index_restart(const stele__index_term_page *page, unsigned restart,
                          unsigned *ret_place);

/* An entry in place, not yet understood. */
typedef struct stele__index_item {
    unsigned shared; /* bytes of the key taken from the one before */
    unsigned suffix_size;
    unsigned payload_size;
    unsigned next; /* place of the next one */
    const uint8_t *suffix;
    const uint8_t *payload;
} stele__index_item;

bool stele__index_item_decode(const stele__index_term_page *page, unsigned place,
                              stele__index_item *ret_item);

/* Kind and name as one string of bytes: what terms are sorted by. */
size_t stele__index_key(stele__term_kind kind, stele_text name,
                        uint8_t ret_key[STELE_INDEX_KEY_SIZE_MAX]);
int stele__index_key_compare(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size);
size_t stele__index_key_common(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size);

static inline bool stele__index_is_kind(unsigned kind)
{
    return kind >= STELE_TERM_STREAM && kind <= STELE_TERM_KEY;
}

/* ---- filter ---- */

/* Blocks for that many terms, rounded up so that halving it stays possible; 0: too many. */
uint64_t stele__index_filter_blocks(uint64_t term_count);
static inline uint64_t stele__index_filter_block(uint64_t hash, uint64_t block_count)
{
    return (hash >> 32) * block_count >> 32;
}
void stele__index_filter_add(uint8_t block[STELE_INDEX_FILTER_SIZE], uint64_t hash);
bool stele__index_filter_test(const uint8_t block[STELE_INDEX_FILTER_SIZE], uint64_t hash);
/* Halves a filter while it stays large enough; returns how many blocks are left. */
uint64_t stele__index_filter_fold(uint8_t *filter, uint64_t block_count, uint64_t term_count);

/* ---- building ---- */

/* Pages on their way to the file. Confined to one thread. A list page is filled in place in the
 * chunk while pages of terms are put behind it; it is given up, half full at worst, when the chunk
 * must be written. */
typedef struct stele__index_output {
    const stele_alloc *alloc;
    const stele_vfs *vfs;
    const char *path; /* borrowed from the builder */
    stele_file *file;
    uint8_t *chunk;      /* STELE_INDEX_CHUNK_PAGES pages */
    size_t chunk_pages;  /* in use */
    uint64_t page_count; /* in all, chunk included */
    uint8_t *list_page;  /* in the chunk; NULL: none */
    uint64_t list_page_offset;
    unsigned list_end;
    uint8_t *byte_page; /* in the chunk: of output_bytes */
    unsigned byte_end;
    uint32_t *checksums; /* of page 1 and up */
    size_t checksum_count;
    size_t checksum_capacity;
    bool is_passing; /* of stele__index_params */
} stele__index_output;

stele_status stele__index_output_open(stele__index_output *output, stele_error *reterr);
stele_status stele__index_output_page(stele__index_output *output, const uint8_t *page,
                                      stele_error *reterr);
/* Puts a block or node into a list page and says where it stands. */
stele_status stele__index_output_list(stele__index_output *output, const uint8_t *bytes,
                                      size_t size, uint64_t *ret_offset, stele_error *reterr);
/* Puts bytes behind all pages so far, then behind each other. */
stele_status stele__index_output_bytes(stele__index_output *output, const void *bytes, size_t size,
                                       stele_error *reterr);
/* Ends them: what follows begins a page. */
void stele__index_output_end_bytes(stele__index_output *output);
/* Where output_bytes() goes on. */
uint64_t stele__index_output_offset(const stele__index_output *output);
/* Writes the rest of the pages, then the checksums behind them. */
stele_status stele__index_output_close_pages(stele__index_output *output,
                                             uint64_t *ret_checksums_size,
                                             uint32_t *ret_checksums_crc, stele_error *reterr);
/* Writes the header over page 0 and syncs, unless the file is passing. */
stele_status stele__index_output_seal(stele__index_output *output,
                                      const stele__index_header *header, stele_error *reterr);
/* Closes the file and frees. */
void stele__index_output_done(stele__index_output *output);

/* A list on its way: blocks as they fill, nodes above them as those fill. Confined to a thread. */
typedef struct stele__index_list_level {
    size_t count;
    uint64_t firsts[STELE_INDEX_FAN_OUT];
    uint64_t offsets[STELE_INDEX_FAN_OUT];
} stele__index_list_level;

typedef struct stele__index_list_writer {
    stele__index_output *output;
    uint64_t count;
    size_t pending; /* of values */
    uint64_t values[STELE_INDEX_BLOCK_COUNT];
    stele__index_list_level levels[STELE_INDEX_LEVELS_MAX];
} stele__index_list_writer;

void stele__index_list_begin(stele__index_list_writer *list, stele__index_output *output);
stele_status stele__index_list_push(stele__index_list_writer *list, uint64_t value,
                                    stele_error *reterr);
/* Writes what is pending. *ret_offset: of the root, or of the only block. */
stele_status stele__index_list_finish(stele__index_list_writer *list, uint64_t *ret_offset,
                                      stele_error *reterr);

/* ---- the open file ---- */

/* Immutable after opening but for `references`, `checked` and `hints`, which are atomic. */
struct stele__index {
    const stele_alloc *alloc;
    const stele_vfs *vfs;
    char *path;
    size_t path_size; /* with NUL */
    _Atomic uint32_t references;
    bool is_missing;    /* there is no file: index_missing.c */
    stele__claim claim; /* … then: who builds it. Under the maintenance lock */
    stele_file *file;   /* NULL when mapped */
    const uint8_t *map; /* NULL: read */
    stele__hash_key hash_key;
    stele__index_header header;
    uint8_t *own_sparse;    /* NULL when mapped */
    uint8_t *own_checksums; /* NULL when mapped */
    const uint8_t *sparse;  /* entries, then keys */
    const uint8_t *checksums;
    uint64_t page_count; /* with a checksum, page 0 counted */
    stele__index_segment *segments;
    uint64_t absent; /* from all of them: STELE_ABSENT_… */
    /* A bit a page, set once its checksum was found right; NULL when not mapped. */
    _Atomic uint64_t *checked;
    size_t checked_words;
    /* Where terms stand that were found lately (index_find.c); NULL: none are kept. */
    _Atomic uint64_t *hints;
    size_t hint_sets;
};

/* Reads exactly `size` bytes of a file that is not mapped. Fewer: STELE_CORRUPT. */
stele_status stele__index_read(const stele__index *index, uint64_t offset, void *bytes, size_t size,
                               stele_error *reterr);
/* A page, checked: in the mapping, or read into `scratch` (STELE_INDEX_PAGE_SIZE bytes). */
stele_status stele__index_page(const stele__index *index, uint64_t page, uint8_t *scratch,
                               const uint8_t **ret_page, stele_error *reterr);
/* As above, also that it is a page of terms; `number` counts these alone. */
stele_status stele__index_load_terms(const stele__index *index, uint32_t number, uint8_t *scratch,
                                     stele__index_term_page *ret_page, stele_error *reterr);

/* The sparse index: the page of terms `number` stands at page …, and no key in it is below … */
uint32_t stele__index_sparse_page(const stele__index *index, uint32_t number);
const uint8_t *stele__index_sparse_key(const stele__index *index, uint32_t number,
                                       size_t *ret_size);
/* The number of the page of terms that a key must be in; there is at least one page. */
uint32_t stele__index_sparse_search(const stele__index *index, const uint8_t *key, size_t key_size);
/* The last restart of the page whose key is not above `key`, or the first one. False: the page is
 * not what it must be. */
bool stele__index_find_restart(const stele__index_term_page *page, const uint8_t *key,
                               size_t key_size, unsigned *ret_place);

/* Whether a page can hold blocks and nodes, or terms. */
static inline bool stele__index_is_data(const stele__index *index, uint64_t page)
{
    const stele__index_section *data = &index->header.sections[STELE_INDEX_DATA];
    return page >= data->offset / STELE_INDEX_PAGE_SIZE &&
           page < (data->offset + data->size) / STELE_INDEX_PAGE_SIZE;
}

/* Decodes one block of a list: that with this number … */
stele_status stele__index_list_block(const stele__index *index, const stele__index_list *list,
                                     uint64_t block, uint64_t *ret_values, size_t *ret_count,
                                     stele_error *reterr);
/* … or the last one whose first value is not above `value`, which is at least the list's first. */
stele_status stele__index_list_search(const stele__index *index, const stele__index_list *list,
                                      uint64_t value, uint64_t *ret_block, uint64_t *ret_values,
                                      size_t *ret_count, stele_error *reterr);

/* The steps of opening, which check() and merge() take one by one. A half-opened index can be
 * unref'd. */
stele_status stele__index_open_file(const stele_alloc *alloc, const stele_vfs *vfs,
                                    const char *path, stele_mapping mapping,
                                    stele__index **ret_index, stele_error *reterr);
stele_status stele__index_open_checksums(stele__index *index, stele_error *reterr);
stele_status stele__index_open_tables(stele__index *index, stele_error *reterr);
size_t stele__index_hints_size(const stele__index *index);

#endif

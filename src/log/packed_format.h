/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the packed form share: the header, and what is loaded of it. Private to
 * packed.c, unpack.c and pack.c. */
#ifndef STELE_LOG_PACKED_FORMAT_H
#define STELE_LOG_PACKED_FORMAT_H

#include "log/codec.h"
#include "log/model.h"
#include "log/packed.h"

enum {
    STELE_PACKED_HEADER_SIZE = 128,
    STELE_PACKED_VERSION = 1,
    STELE_PACKED_PLACE_SIZE = 8, /* of a block in the table */
    STELE_PACKED_CRC_SIZE = 4    /* in front of a block */
};

/* Larger blocks there are none: one event and what belongs to it fits. */
#define STELE_PACKED_BLOCK_MAX ((uint64_t)32 << 20)

/* What the header says. */
typedef struct stele__packed_header {
    stele__segment_header segment;
    stele__codec codec;
    uint32_t size; /* of the segment */
    uint32_t block_count;
    uint32_t file_size;
    uint32_t dictionary_size;
    uint32_t dictionary_packed;
    uint32_t name_count;
    uint32_t names_size;
    uint32_t names_packed;
    uint32_t dictionary_crc;
    uint32_t names_crc;
    uint32_t table_crc;
    uint32_t bytes_crc; /* of the segment behind its header */
} stele__packed_header;

void stele__packed_header_encode(const stele__packed_header *header,
                                 uint8_t ret_bytes[STELE_PACKED_HEADER_SIZE]);

/* The parts of the file lie one behind the other: header, blocks, dictionary, names, table. */
static inline uint64_t stele__packed_table_at(const stele__packed_header *header)
{
    return (uint64_t)header->file_size -
           ((uint64_t)header->block_count + 1) * STELE_PACKED_PLACE_SIZE;
}

static inline uint64_t stele__packed_names_at(const stele__packed_header *header)
{
    return stele__packed_table_at(header) - header->names_packed;
}

static inline uint64_t stele__packed_dictionary_at(const stele__packed_header *header)
{
    return stele__packed_names_at(header) - header->dictionary_packed;
}

struct stele__packed {
    const stele_alloc *alloc;
    const stele_vfs *vfs;
    const char *path; /* of the segment */
    stele_file *file; /* NULL: mapped */
    const uint8_t *map;
    stele__packed_header header;
    stele__packed_cache *cache;
    stele__tables *tables;       /* NULL: not loaded. Under the cache's lock */
    _Atomic bool is_table_sound; /* mapped: its checksum was compared */
};

/* The names of a segment by their definitions, in one piece of memory with what stands behind it:
 * slots of a definition (0: empty) and where its size stands in the bytes. */
typedef struct stele__name_table {
    size_t size; /* of this piece of memory */
    uint32_t mask;
    const uint8_t *bytes;
    uint32_t slots[][2];
} stele__name_table;

/* Immutable but for the names, which may come. Shared. */
struct stele__tables {
    _Atomic uint32_t refs;
    const stele_alloc *alloc;
    stele__packed *packed; /* NULL: let go of. Under the cache's lock, as the rest of the list */
    stele__tables *newer;
    stele__tables *older;
    size_t counted;        /* bytes, by the cache */
    size_t size;           /* of this piece of memory */
    const uint8_t *places; /* the table: mapped, or behind the dictionary */
    const uint8_t *dictionary;
    _Atomic uint32_t misses; /* names that had to be unpacked with their blocks */
    _Atomic(stele__name_table *) names;
};

/* A block that was turned back into bytes of the segment. */
typedef struct stele__pane {
    stele__buffer bytes;
    uint64_t block;
    uint64_t from; /* of the segment */
    uint64_t to;   /* 0: nothing */
} stele__pane;

struct stele__unpacker {
    const stele_alloc *alloc;
    stele__packed *packed; /* what the rest is of; NULL: nothing */
    stele__tables *tables; /* a reference */
    stele__pane current;
    stele__pane before;        /* the block in which it looked before this one */
    stele__pane names;         /* … and the one in which a name was found */
    stele__buffer scratch;     /* bytes of the file, if it is not mapped */
    stele__buffer model;       /* a block as model.c writes it */
    stele__buffer names_model; /* … in which a name is looked for */
    unsigned block_count;      /* decompressed of this segment; stops counting */
    size_t model_at;           /* in `model`: behind the dictionary, if that was copied; else 0 */
    /* The block in `model`, if it is one of which events are read without turning it back. */
    uint64_t open_block;
    uint64_t open_from;
    uint64_t open_to; /* 0: it is not */
    const uint8_t *open_start;
    size_t open_size;
    stele__model_walk walk;
    stele__decompressor decompressor;
    stele__buffer kept; /* what events of a batch refer to, of other blocks */
    /* Names in the table that were found last, as definition << 32 | size; 0: none. */
    uint64_t known_stream;
    uint64_t known_type;
    const uint8_t *known_stream_name;
    const uint8_t *known_type_name;
};

/* Decompresses the block that holds an offset, which is perhaps block `likely`, for reading events
 * of it by `walk`. */
stele_status stele__unpacker_open(stele__unpacker *unpacker, const stele__segment *segment,
                                  uint64_t offset, uint64_t likely, stele_error *reterr);

/* Has memory fetch what events with these codes need, of which there are at most STELE_BATCH_SIZE;
 * and guesses their blocks. */
void stele__unpacker_prefetch(stele__unpacker *unpacker, const stele__segment *segment,
                              const uint32_t *codes, size_t count, uint64_t *ret_blocks);

/* Lends bytes of the file: from the mapping, or read into `scratch`. STELE_CORRUPT: it ends. */
stele_status stele__packed_file_bytes(const stele__packed *packed, uint64_t offset, size_t size,
                                      stele__buffer *scratch, const uint8_t **ret_bytes,
                                      stele_error *reterr);
stele_status stele__packed_damaged(const stele__packed *packed, uint64_t offset, const char *what,
                                   stele_error *reterr);

/* A reference to what is needed to read. */
stele_status stele__packed_tables(stele__packed *packed, stele__tables **ret_tables,
                                  stele_error *reterr);
void stele__tables_unref(stele__tables *tables);
/* Loads the names, unless they are too many for the cache: then *ret_names is NULL. */
stele_status stele__packed_names(stele__packed *packed, stele__tables *tables,
                                 const stele__name_table **ret_names, stele_error *reterr);

static inline uint64_t stele__place_offset(const stele__tables *tables, uint64_t block)
{
    return stele__load32(tables->places + block * STELE_PACKED_PLACE_SIZE);
}

static inline uint64_t stele__place_at(const stele__tables *tables, uint64_t block)
{
    return stele__load32(tables->places + block * STELE_PACKED_PLACE_SIZE + 4);
}

static inline uint32_t stele__name_slot(const stele__name_table *names, uint64_t definition)
{
    return ((uint32_t)definition * UINT32_C(0x9e3779b1) >> 7) & names->mask;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packed segments: their header, what is loaded to read them, and the cache of that.
 *
 * The header:
 *
 *    0  8  "STELEPAK"                        80  4  count of blocks
 *    8  4  format version                    84  4  size of the file
 *   12  4  size of this header               88  8  dictionary: its size; packed
 *   16 56  as in the segment's header,       96 12  names: their count; the size of their list;
 *          from the store id to the time            packed
 *   72  4  size of the segment              108  4  CRC32C of the dictionary
 *   76  4  1: LZ4; 2: zstd                           112  4  … of the list of names
 *                                           116  4  … of the table
 *                                           120  4  … of the segment behind its header
 *                                           124  4  … of the 124 bytes before
 */
#include "log/packed_format.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

static const char MAGIC[8] = {'S', 'T', 'E', 'L', 'E', 'P', 'A', 'K'};
enum { CRC_AT = 124 };
_Static_assert(CRC_AT + 4 == STELE_PACKED_HEADER_SIZE, "the checksum ends the header");

void stele__packed_file_name(uint64_t number, char ret_name[STELE_FILE_NAME_SIZE])
{
    (void)snprintf(ret_name, STELE_FILE_NAME_SIZE, "%010" PRIu64 ".packed", number);
}

/* ---- header */

void stele__packed_header_encode(const stele__packed_header *header,
                                 uint8_t ret_bytes[STELE_PACKED_HEADER_SIZE])
{
    const stele__segment_header *segment = &header->segment;
    const uint32_t numbers[] = {
        header->size,           (uint32_t)header->codec, header->block_count,
        header->file_size,      header->dictionary_size, header->dictionary_packed,
        header->name_count,     header->names_size,      header->names_packed,
        header->dictionary_crc, header->names_crc,       header->table_crc,
        header->bytes_crc};
    memcpy(ret_bytes, MAGIC, sizeof MAGIC);
    stele__store32(ret_bytes + 8, STELE_PACKED_VERSION);
    stele__store32(ret_bytes + 12, STELE_PACKED_HEADER_SIZE);
    memcpy(ret_bytes + 16, segment->store.bytes, 16);
    stele__store64(ret_bytes + 32, segment->hash_key.k0);
    stele__store64(ret_bytes + 40, segment->hash_key.k1);
    stele__store64(ret_bytes + 48, segment->number);
    stele__store64(ret_bytes + 56, segment->first);
    stele__store64(ret_bytes + 64, (uint64_t)segment->base_time);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        stele__store32(ret_bytes + 72 + 4 * i, numbers[i]);
    }
    stele__store32(ret_bytes + CRC_AT, stele__crc32c(0, ret_bytes, CRC_AT));
}

/* Whether the parts fit into the file, and nothing is larger than it can be. */
static bool is_plausible(const stele__packed_header *header, uint64_t file_size)
{
    const uint64_t table = ((uint64_t)header->block_count + 1) * STELE_PACKED_PLACE_SIZE;
    const uint64_t parts =
        STELE_PACKED_HEADER_SIZE + table + header->dictionary_packed + header->names_packed;
    return header->file_size == file_size && parts <= file_size &&
           header->size > STELE_SEGMENT_HEADER_SIZE && header->size <= STELE_SEGMENT_SIZE_MAX &&
           header->block_count > 0 && header->dictionary_size <= STELE_CODEC_DICTIONARY_MAX &&
           header->names_size <= header->size && header->name_count <= header->names_size &&
           header->segment.base_time >= 0;
}

static stele_status decode_header(const uint8_t *bytes, const char *path, uint64_t file_size,
                                  stele__packed_header *ret_header, stele_error *reterr)
{
    const uint32_t codec = stele__load32(bytes + 76);
    if (memcmp(bytes, MAGIC, sizeof MAGIC) != 0) {
        return stele__fail(reterr, STELE_CORRUPT,
                           "%s does not begin like a packed segment (offset 0)", path);
    }
    if (stele__load32(bytes + CRC_AT) != stele__crc32c(0, bytes, CRC_AT)) {
        return stele__fail(reterr, STELE_CORRUPT,
                           "the header of %s is damaged (offset 0, 128 bytes)", path);
    }
    if (stele__load32(bytes + 8) != STELE_PACKED_VERSION ||
        stele__load32(bytes + 12) != STELE_PACKED_HEADER_SIZE || codec < STELE_CODEC_LZ4 ||
        codec > STELE_CODEC_ZSTD) {
        return stele__fail(reterr, STELE_UNSUPPORTED_VERSION,
                           "%s has a newer format; this library reads 1", path);
    }
    *ret_header =
        (stele__packed_header){.segment = {.hash_key = {stele__load64(bytes + 32),
                                                        stele__load64(bytes + 40)},
                                           .number = stele__load64(bytes + 48),
                                           .first = stele__load64(bytes + 56),
                                           .base_time = (stele_time)stele__load64(bytes + 64)},
                               .codec = (stele__codec)codec,
                               .size = stele__load32(bytes + 72),
                               .block_count = stele__load32(bytes + 80),
                               .file_size = stele__load32(bytes + 84),
                               .dictionary_size = stele__load32(bytes + 88),
                               .dictionary_packed = stele__load32(bytes + 92),
                               .name_count = stele__load32(bytes + 96),
                               .names_size = stele__load32(bytes + 100),
                               .names_packed = stele__load32(bytes + 104),
                               .dictionary_crc = stele__load32(bytes + 108),
                               .names_crc = stele__load32(bytes + 112),
                               .table_crc = stele__load32(bytes + 116),
                               .bytes_crc = stele__load32(bytes + 120)};
    memcpy(ret_header->segment.store.bytes, bytes + 16, 16);
    return is_plausible(ret_header, file_size)
               ? STELE_OK
               : stele__fail(reterr, STELE_CORRUPT,
                             "%s has %" PRIu64 " bytes, which its header contradicts (offset 72)",
                             path, file_size);
}

/* ---- opening */

static stele_status open_file(stele__segment *segment, uint64_t number, stele_mapping mapping,
                              stele_error *reterr)
{
    stele__packed *packed = segment->packed;
    const stele_vfs *vfs = packed->vfs;
    uint8_t bytes[STELE_PACKED_HEADER_SIZE];
    uint64_t file_size = 0;
    size_t size = 0;
    int error = vfs->open(vfs, segment->path, STELE_FILE_READ, &packed->file);
    if (error == ENOENT) {
        return stele__fail(reterr, STELE_NOT_FOUND_STORE, "the segment %s is missing",
                           segment->path);
    }
    error = error ? error : vfs->size(packed->file, &file_size);
    error = error ? error : vfs->read(packed->file, 0, bytes, sizeof bytes, &size);
    if (error) {
        return stele__fail_os(reterr, STELE_IO, error, "cannot read %s", segment->path);
    }
    if (size < sizeof bytes) {
        return stele__fail(reterr, STELE_CORRUPT, "%s ends inside its header (offset %zu)",
                           segment->path, size);
    }
    STELE_TRY(decode_header(bytes, segment->path, file_size, &packed->header, reterr));
    if (packed->header.segment.number != number) {
        return stele__fail(reterr, STELE_CORRUPT, "%s says that it is segment %" PRIu64,
                           segment->path, packed->header.segment.number);
    }
    STELE_TRY(stele__codec_check(packed->header.codec, segment->path, reterr));
    error =
        mapping == STELE_PREAD ? ENOTSUP : vfs->map(packed->file, (size_t)file_size, &packed->map);
    if (error && error != ENOTSUP) {
        return stele__fail_os(reterr, STELE_IO, error, "cannot map %s", segment->path);
    }
    if (packed->map) {
        vfs->close(packed->file);
        packed->file = NULL;
    }
    return STELE_OK;
}

stele_status stele__packed_open(const stele_alloc *alloc, const stele_vfs *vfs, const char *folder,
                                uint64_t number, stele_mapping mapping, stele__packed_cache *cache,
                                stele__segment **ret_segment, stele_error *reterr)
{
    char name[STELE_FILE_NAME_SIZE];
    stele__segment *segment = NULL;
    stele__packed_file_name(number, name);
    STELE_TRY(stele__segment_make(alloc, vfs, folder, name, &segment, reterr));
    segment->packed = stele__allocate_zero(alloc, sizeof *segment->packed);
    stele_status status = segment->packed ? STELE_OK : stele__fail_memory(reterr);
    if (status == STELE_OK) {
        segment->packed->alloc = alloc;
        segment->packed->vfs = vfs;
        segment->packed->path = segment->path;
        segment->packed->cache = cache;
        status = open_file(segment, number, mapping, reterr);
    }
    if (status != STELE_OK) {
        stele__segment_unref(segment);
        return status;
    }
    segment->size = segment->packed->header.size;
    stele__segment_begin(segment, &segment->packed->header.segment);
    *ret_segment = segment;
    return STELE_OK;
}

uint64_t stele__packed_file_size(const stele__packed *packed)
{
    return packed->header.file_size;
}

stele_status stele__packed_damaged(const stele__packed *packed, uint64_t offset, const char *what,
                                   stele_error *reterr)
{
    (void)stele__fail(reterr, STELE_CORRUPT, "%s is damaged in %s, offset %" PRIu64, what,
                      packed->path, offset);
    stele__hint(reterr, "restore a backup, or read what is left with `stele export --salvage`");
    return STELE_CORRUPT;
}

stele_status stele__packed_file_bytes(const stele__packed *packed, uint64_t offset, size_t size,
                                      stele__buffer *scratch, const uint8_t **ret_bytes,
                                      stele_error *reterr)
{
    if (packed->map) {
        *ret_bytes = packed->map + offset; /* the header bounds it */
        return STELE_OK;
    }
    size_t got;
    scratch->size = 0;
    if (!stele__buffer_reserve(scratch, size)) {
        return stele__fail_memory(reterr);
    }
    const int error = packed->vfs->read(packed->file, offset, scratch->data, size, &got);
    if (error) {
        return stele__fail_os(reterr, STELE_IO, error, "cannot read %s at offset %" PRIu64,
                              packed->path, offset);
    }
    *ret_bytes = scratch->data;
    return got == size ? STELE_OK
                       : stele__packed_damaged(packed, offset + got, "the end of the file", reterr);
}

/* ---- cache */

int stele__packed_cache_init(stele__packed_cache *cache, unsigned rank, size_t bytes_max)
{
    cache->bytes_max = bytes_max;
    return stele__mutex_init(&cache->lock, rank);
}

void stele__packed_cache_done(stele__packed_cache *cache)
{
    stele__mutex_done(&cache->lock);
}

/* Under the lock, like what follows. */
static void unlink_tables(stele__packed_cache *cache, stele__tables *tables)
{
    *(tables->newer ? &tables->newer->older : &cache->newest) = tables->older;
    *(tables->older ? &tables->older->newer : &cache->oldest) = tables->newer;
    tables->newer = tables->older = NULL;
}

static void link_newest(stele__packed_cache *cache, stele__tables *tables)
{
    tables->older = cache->newest;
    *(cache->newest ? &cache->newest->newer : &cache->oldest) = tables;
    cache->newest = tables;
}

/* Takes out of the cache; the reference it had is the caller's. */
static void let_go(stele__packed_cache *cache, stele__tables *tables)
{
    unlink_tables(cache, tables);
    cache->bytes -= tables->counted;
    tables->packed->tables = NULL;
    tables->packed = NULL;
}

/* Takes out what was not used for longest until the rest fits, but for `kept`. A list of what the
 * caller must unref. */
static stele__tables *make_space(stele__packed_cache *cache, const stele__tables *kept)
{
    stele__tables *gone = NULL;
    while (cache->bytes > cache->bytes_max && cache->oldest != kept) {
        stele__tables *tables = cache->oldest;
        let_go(cache, tables);
        tables->older = gone;
        gone = tables;
    }
    return gone;
}

static void unref_list(stele__tables *gone)
{
    while (gone) {
        stele__tables *tables = gone;
        gone = tables->older;
        stele__tables_unref(tables);
    }
}

void stele__tables_unref(stele__tables *tables)
{
    if (!tables || atomic_fetch_sub_explicit(&tables->refs, 1, memory_order_acq_rel) > 1) {
        return;
    }
    stele__name_table *names = atomic_load_explicit(&tables->names, memory_order_relaxed);
    if (names) {
        stele__release(tables->alloc, names, names->size);
    }
    stele__release(tables->alloc, tables, tables->size);
}

void stele__packed_free(stele__packed *packed)
{
    if (!packed) {
        return;
    }
    stele__lock(&packed->cache->lock);
    stele__tables *tables = packed->tables;
    if (tables) {
        let_go(packed->cache, tables);
    }
    stele__unlock(&packed->cache->lock);
    stele__tables_unref(tables);
    if (packed->map) {
        packed->vfs->unmap(packed->vfs, packed->map, packed->header.file_size);
    }
    if (packed->file) {
        packed->vfs->close(packed->file);
    }
    stele__release(packed->alloc, packed, sizeof *packed);
}

/* ---- what is loaded */

/* Unpacks a part of the file and compares its checksum. Behind `to` there is slack. */
static stele_status load_part(const stele__packed *packed, uint64_t offset, size_t packed_size,
                              uint8_t *to, size_t size, uint32_t crc, const char *what,
                              stele_error *reterr)
{
    stele__buffer scratch = {.alloc = packed->alloc};
    const uint8_t *bytes;
    stele_status status =
        stele__packed_file_bytes(packed, offset, packed_size, &scratch, &bytes, reterr);
    bool is_whole = status == STELE_OK;
    if (is_whole && packed_size == size) { /* it did not get smaller */
        memcpy(to, bytes, size);
    } else if (is_whole) {
        bool is_memory;
        stele__decompressor decompressor = {.alloc = packed->alloc};
        is_whole = stele__decompress(&decompressor, packed->header.codec, bytes, packed_size, NULL,
                                     0, to, size, &is_memory);
        stele__decompressor_done(&decompressor);
        status = is_memory ? stele__fail_memory(reterr) : STELE_OK;
    }
    if (status == STELE_OK && (!is_whole || stele__crc32c(0, to, size) != crc)) {
        status = stele__packed_damaged(packed, offset, what, reterr);
    }
    memset(to + size, 0, STELE_SEGMENT_SLACK);
    stele__buffer_done(&scratch);
    return status;
}

/* The table is believed after its checksum was compared, and its ends are where they must be. What
 * stands between is looked at when it is used. */
static stele_status check_table(stele__packed *packed, const uint8_t *places, stele_error *reterr)
{
    const stele__packed_header *header = &packed->header;
    const uint64_t at = stele__packed_table_at(header);
    const uint8_t *last = places + (uint64_t)header->block_count * STELE_PACKED_PLACE_SIZE;
    if (stele__crc32c(0, places, (size_t)(last - places) + STELE_PACKED_PLACE_SIZE) !=
            header->table_crc ||
        stele__load32(places) != STELE_SEGMENT_HEADER_SIZE ||
        stele__load32(places + 4) != STELE_PACKED_HEADER_SIZE ||
        stele__load32(last) != header->size ||
        stele__load32(last + 4) != stele__packed_dictionary_at(header)) {
        return stele__packed_damaged(packed, at, "the table of blocks", reterr);
    }
    return STELE_OK;
}

static stele_status load_table(stele__packed *packed, uint8_t *memory, const uint8_t **ret_places,
                               stele_error *reterr)
{
    const stele__packed_header *header = &packed->header;
    const uint64_t at = stele__packed_table_at(header);
    const size_t size = header->file_size - (size_t)at;
    if (packed->map) {
        *ret_places = packed->map + at;
        /* The bit publishes nothing but itself. */
        if (!atomic_load_explicit(&packed->is_table_sound, memory_order_relaxed)) {
            STELE_TRY(check_table(packed, *ret_places, reterr));
            atomic_store_explicit(&packed->is_table_sound, true, memory_order_relaxed);
        }
        return STELE_OK;
    }
    stele__buffer scratch = {.alloc = packed->alloc};
    const uint8_t *bytes = NULL;
    stele_status status = stele__packed_file_bytes(packed, at, size, &scratch, &bytes, reterr);
    if (status == STELE_OK) {
        memcpy(memory, bytes, size);
        *ret_places = memory;
        status = check_table(packed, memory, reterr);
    }
    stele__buffer_done(&scratch);
    return status;
}

static stele_status load_tables(stele__packed *packed, stele__tables **ret_tables,
                                stele_error *reterr)
{
    const stele__packed_header *header = &packed->header;
    const size_t table =
        packed->map ? 0 : header->file_size - (size_t)stele__packed_table_at(header);
    const size_t size =
        sizeof(stele__tables) + header->dictionary_size + STELE_SEGMENT_SLACK + table;
    stele__tables *tables = stele__allocate(packed->alloc, size);
    if (!tables) {
        return stele__fail_memory(reterr);
    }
    uint8_t *memory = (uint8_t *)(tables + 1);
    *tables = (stele__tables){.alloc = packed->alloc,
                              .size = size,
                              .counted = size,
                              .dictionary = memory};
    atomic_init(&tables->refs, 1);
    atomic_init(&tables->names, NULL);
    stele_status status =
        load_part(packed, stele__packed_dictionary_at(header), header->dictionary_packed, memory,
                  header->dictionary_size, header->dictionary_crc, "the dictionary", reterr);
    if (status == STELE_OK) {
        status = load_table(packed, memory + header->dictionary_size + STELE_SEGMENT_SLACK,
                            &tables->places, reterr);
    }
    if (status != STELE_OK) {
        stele__tables_unref(tables);
        return status;
    }
    *ret_tables = tables;
    return STELE_OK;
}

/* Under the lock. NULL: they are not loaded. */
static stele__tables *use_tables(stele__packed *packed)
{
    stele__tables *tables = packed->tables;
    if (tables) {
        atomic_fetch_add_explicit(&tables->refs, 1, memory_order_relaxed);
        unlink_tables(packed->cache, tables);
        link_newest(packed->cache, tables);
    }
    return tables;
}

stele_status stele__packed_tables(stele__packed *packed, stele__tables **ret_tables,
                                  stele_error *reterr)
{
    stele__packed_cache *cache = packed->cache;
    stele__tables *loaded = NULL;
    stele__tables *gone = NULL;
    stele__lock(&cache->lock);
    *ret_tables = use_tables(packed);
    stele__unlock(&cache->lock);
    if (*ret_tables) {
        return STELE_OK;
    }
    STELE_TRY(load_tables(packed, &loaded, reterr));
    stele__lock(&cache->lock);
    *ret_tables = use_tables(packed); /* somebody may have been faster */
    if (!*ret_tables) {
        loaded->packed = packed;
        packed->tables = loaded;
        link_newest(cache, loaded);
        cache->bytes += loaded->counted;
        *ret_tables = use_tables(packed);
        gone = make_space(cache, loaded);
        loaded = NULL;
    }
    stele__unlock(&cache->lock);
    stele__tables_unref(loaded);
    unref_list(gone);
    return STELE_OK;
}

/* ---- names
 *
 * The list: for each name in full, in the order of their definitions, v: the definition - the one
 * before; v: the size; the name. */

static stele_status index_names(const stele__packed *packed, stele__name_table *names,
                                stele_error *reterr)
{
    const stele__packed_header *header = &packed->header;
    const uint8_t *at = names->bytes;
    const uint8_t *end = at + header->names_size;
    uint64_t definition = 0;
    for (uint32_t i = 0; i < header->name_count; i++) {
        if (at >= end) {
            break;
        }
        definition += stele__varint_take(&at);
        const uint8_t *place = at;
        const uint64_t size = stele__varint_take(&at);
        if (at > end || size > (size_t)(end - at) || definition == 0 ||
            definition >= header->size) {
            break;
        }
        at += size;
        uint32_t slot = stele__name_slot(names, definition);
        while (names->slots[slot][0] != 0) {
            slot = (slot + 1) & names->mask;
        }
        names->slots[slot][0] = (uint32_t)definition;
        names->slots[slot][1] = (uint32_t)(place - names->bytes);
        if (i + 1 == header->name_count && at == end) {
            return STELE_OK;
        }
    }
    return header->name_count == 0 ? STELE_OK
                                   : stele__packed_damaged(packed, stele__packed_names_at(header),
                                                           "the list of names", reterr);
}

static stele_status load_names(const stele__packed *packed, stele__name_table **ret_names,
                               stele_error *reterr)
{
    const stele__packed_header *header = &packed->header;
    size_t slots = 16;
    while (slots < (size_t)header->name_count + header->name_count / 2) {
        slots *= 2;
    }
    const size_t size = sizeof(stele__name_table) + slots * sizeof(uint32_t[2]) +
                        header->names_size + STELE_SEGMENT_SLACK;
    *ret_names = NULL;
    if (size > packed->cache->bytes_max / 2) {
        return STELE_OK;
    }
    stele__name_table *names = stele__allocate_zero(packed->alloc, size);
    if (!names) {
        return stele__fail_memory(reterr);
    }
    uint8_t *bytes = (uint8_t *)(names->slots + slots);
    names->size = size;
    names->mask = (uint32_t)slots - 1;
    names->bytes = bytes;
    stele_status status =
        load_part(packed, stele__packed_names_at(header), header->names_packed, bytes,
                  header->names_size, header->names_crc, "the list of names", reterr);
    if (status == STELE_OK) {
        status = index_names(packed, names, reterr);
    }
    if (status != STELE_OK) {
        stele__release(packed->alloc, names, size);
        return status;
    }
    *ret_names = names;
    return STELE_OK;
}

stele_status stele__packed_names(stele__packed *packed, stele__tables *tables,
                                 const stele__name_table **ret_names, stele_error *reterr)
{
    stele__packed_cache *cache = packed->cache;
    stele__name_table *names;
    stele__name_table *spare;
    stele__tables *gone = NULL;
    STELE_TRY(load_names(packed, &names, reterr));
    if (!names) {
        *ret_names = NULL;
        return STELE_OK;
    }
    spare = names;
    stele__lock(&cache->lock);
    /* Whoever finds it without the lock sees what it points to. */
    stele__name_table *before = NULL;
    if (atomic_compare_exchange_strong_explicit(&tables->names, &before, names,
                                                memory_order_acq_rel, memory_order_acquire)) {
        spare = NULL;
        if (tables->packed) {
            tables->counted += names->size;
            cache->bytes += names->size;
            gone = make_space(cache, tables);
        }
    } else {
        names = before;
    }
    stele__unlock(&cache->lock);
    if (spare) {
        stele__release(packed->alloc, spare, spare->size);
    }
    unref_list(gone);
    *ret_names = names;
    return STELE_OK;
}

/* ---- checking */

/* Every name of the list against its definition. */
static stele_status check_names(const stele__segment *segment, stele__unpacker *unpacker,
                                const uint8_t *list, stele_error *reterr)
{
    const stele__packed_header *header = &segment->packed->header;
    const uint8_t *at = list;
    const uint8_t *end = list + header->names_size;
    uint64_t definition = 0;
    for (uint32_t i = 0; i < header->name_count; i++) {
        const uint8_t *bytes = NULL;
        uint64_t from = 0;
        uint64_t to = 0;
        uint64_t size = 0;
        if (at < end) {
            definition += stele__varint_take(&at);
            size = stele__varint_take(&at);
            STELE_TRY(
                stele__unpacker_move(unpacker, segment, definition, &bytes, &from, &to, reterr));
        }
        if (!bytes || at > end || size > (size_t)(end - at) || size > to - definition ||
            memcmp(bytes + (definition - from), at, size) != 0) {
            return stele__packed_damaged(segment->packed, stele__packed_names_at(header),
                                         "the list of names", reterr);
        }
        at += size;
    }
    return STELE_OK;
}

static stele_status check_blocks(const stele__segment *segment, stele__unpacker *unpacker,
                                 stele_error *reterr)
{
    uint32_t crc = 0;
    for (uint64_t offset = STELE_SEGMENT_HEADER_SIZE; offset < segment->size;) {
        const uint8_t *bytes;
        uint64_t from;
        STELE_TRY(stele__unpacker_move(unpacker, segment, offset, &bytes, &from, &offset, reterr));
        crc = stele__crc32c(crc, bytes, (size_t)(offset - from));
    }
    return crc == segment->packed->header.bytes_crc
               ? STELE_OK
               : stele__packed_damaged(segment->packed, 120, "what is packed", reterr);
}

stele_status stele__packed_check(const stele_alloc *alloc, const stele__segment *segment,
                                 stele_error *reterr)
{
    const stele__packed *packed = segment->packed;
    const stele__packed_header *header = &packed->header;
    const size_t size = (size_t)header->names_size + STELE_SEGMENT_SLACK;
    stele__unpacker *unpacker = stele__unpacker_create(alloc);
    uint8_t *list = stele__allocate(alloc, size);
    stele_status status = unpacker && list ? STELE_OK : stele__fail_memory(reterr);
    if (status == STELE_OK) {
        status = check_blocks(segment, unpacker, reterr);
    }
    if (status == STELE_OK) {
        status = load_part(packed, stele__packed_names_at(header), header->names_packed, list,
                           header->names_size, header->names_crc, "the list of names", reterr);
    }
    if (status == STELE_OK) {
        status = check_names(segment, unpacker, list, reterr);
    }
    stele__release(alloc, list, size);
    stele__unpacker_free(unpacker);
    return status;
}

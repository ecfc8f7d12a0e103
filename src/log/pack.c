/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packing: from a sealed segment to its packed form, a piece at a time.
 *
 * Every frame is verified as it is read, and every block is decompressed and turned back into bytes
 * before it is written: what cannot be told again exactly is not packed.
 */
#include "log/canary.h"
#include "log/model.h"
#include "log/packed_format.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    /* Bytes of the segment in a block, unless one event has more. zstd needs more to begin with. */
    BLOCK_TARGET_LZ4 = 512,
    BLOCK_TARGET_ZSTD = 16 << 10,
    CHUNK = 256 << 10, /* written at a time */
    SAMPLE_SIZE = 1024,
    DICTIONARY_MIN = 2048,
    DICTIONARY_SHARE = 64 /* of the segment */
};

struct stele__packer {
    const stele_alloc *alloc;
    const stele_vfs *vfs;
    stele__segment *source; /* a reference */
    char *path;
    size_t path_size;
    stele_file *file;
    bool is_kept;
    uint64_t block_target;
    stele__reader reader;
    uint64_t offset; /* of the next frame to be packed */
    stele_position next;
    stele__model_writer model;
    bool has_block;
    stele__buffer dictionary;
    stele__compressor *compressor;
    stele__buffer chunk; /* what comes next in the file */
    uint64_t chunk_at;   /* where */
    stele__buffer places;
    stele__buffer names;
    uint32_t last_definition;
    stele__buffer again; /* a block, turned back */
    stele__decompressor decompressor;
    stele__buffer plain; /* … and as it is, if the segment is not mapped */
    stele__packed_header header;
};

/* ---- making */

static stele_status create_file(stele__packer *packer, const char *folder, stele_error *reterr)
{
    char name[STELE_FILE_NAME_SIZE];
    stele__packed_file_name(packer->source->header.number, name);
    packer->path_size = strlen(folder) + 1 + STELE_FILE_NAME_SIZE;
    packer->path = stele__allocate(packer->alloc, packer->path_size);
    if (!packer->path) {
        return stele__fail_memory(reterr);
    }
    (void)snprintf(packer->path, packer->path_size, "%s/%s", folder, name);
    int error = packer->vfs->open(packer->vfs, packer->path, STELE_FILE_WRITE | STELE_FILE_CREATE,
                                  &packer->file);
    error = error ? error : packer->vfs->truncate(packer->file, 0);
    return error ? stele__fail_os(reterr, STELE_IO, error, "cannot create %s", packer->path)
                 : STELE_OK;
}

stele_status stele__packer_create(const stele_alloc *alloc, const char *folder,
                                  stele__segment *segment, uint64_t end, stele__codec codec,
                                  stele__packer **ret_packer, stele_error *reterr)
{
    STELE_TRY(stele__codec_check(codec, segment->path, reterr));
    stele__packer *packer = stele__allocate_zero(alloc, sizeof *packer);
    if (!packer) {
        return stele__fail_memory(reterr);
    }
    packer->alloc = alloc;
    packer->vfs = segment->vfs;
    packer->source = stele__segment_ref(segment);
    stele__reader_init(&packer->reader, alloc);
    stele__reader_enter(&packer->reader, segment);
    stele__model_init(&packer->model, alloc, segment);
    packer->offset = STELE_SEGMENT_HEADER_SIZE;
    packer->next = segment->header.first;
    packer->chunk_at = STELE_PACKED_HEADER_SIZE;
    packer->dictionary.alloc = packer->chunk.alloc = packer->places.alloc = alloc;
    packer->names.alloc = packer->again.alloc = packer->plain.alloc = alloc;
    packer->decompressor.alloc = alloc;
    packer->block_target = codec == STELE_CODEC_LZ4 ? BLOCK_TARGET_LZ4 : BLOCK_TARGET_ZSTD;
    packer->header =
        (stele__packed_header){.segment = segment->header, .codec = codec, .size = (uint32_t)end};
    const stele_status status = create_file(packer, folder, reterr);
    if (status != STELE_OK) {
        stele__packer_free(packer);
        return status;
    }
    *ret_packer = packer;
    return STELE_OK;
}

void stele__packer_free(stele__packer *packer)
{
    if (!packer) {
        return;
    }
    if (packer->file) {
        packer->vfs->close(packer->file);
        if (!packer->is_kept) {
            /* If this fails the file is an orphan, which the next opening removes. */
            (void)packer->vfs->remove(packer->vfs, packer->path);
        }
    }
    stele__reader_done(&packer->reader);
    stele__model_done(&packer->model);
    stele__buffer_done(&packer->dictionary);
    stele__compressor_free(packer->compressor);
    stele__buffer_done(&packer->chunk);
    stele__buffer_done(&packer->places);
    stele__buffer_done(&packer->names);
    stele__buffer_done(&packer->again);
    stele__decompressor_done(&packer->decompressor);
    stele__buffer_done(&packer->plain);
    stele__release(packer->alloc, packer->path, packer->path_size);
    stele__segment_unref(packer->source);
    stele__release(packer->alloc, packer, sizeof *packer);
}

stele__segment *stele__packer_source(const stele__packer *packer)
{
    return packer->source;
}

void stele__packer_keep(stele__packer *packer)
{
    packer->is_kept = true;
}

/* ---- the file */

static stele_status write_chunk(stele__packer *packer, stele_error *reterr)
{
    const int error =
        packer->vfs->write(packer->file, packer->chunk_at, packer->chunk.data, packer->chunk.size);
    packer->chunk_at += packer->chunk.size;
    packer->chunk.size = 0;
    return error ? stele__fail_os(reterr, STELE_IO, error, "cannot write %s", packer->path)
                 : STELE_OK;
}

/* Adds the compressed form of some bytes, or the bytes, if they do not get smaller. */
static stele_status put_packed(stele__packer *packer, stele__compressor *compressor,
                               const uint8_t *bytes, size_t size, size_t *ret_size,
                               stele_error *reterr)
{
    stele__buffer *chunk = &packer->chunk;
    if (!stele__buffer_reserve(chunk, size + 1)) {
        return stele__fail_memory(reterr);
    }
    *ret_size = size > 0
                    ? stele__compress(compressor, bytes, size, chunk->data + chunk->size, size - 1)
                    : 0;
    if (*ret_size == 0 && size > 0) {
        memcpy(chunk->data + chunk->size, bytes, size);
        *ret_size = size;
    }
    chunk->size += *ret_size;
    return STELE_OK;
}

/* ---- blocks */

static stele_status fail_strange(const stele__packer *packer, uint64_t offset, stele_error *reterr)
{
    return stele__fail(reterr, STELE_UNSUPPORTED,
                       "%s has a frame that cannot be packed (offset %" PRIu64 ")",
                       packer->source->path, offset);
}

/* Turns the block back, and compares it with the segment. */
static stele_status check_block(stele__packer *packer, stele_error *reterr)
{
    stele__model_writer *model = &packer->model;
    const size_t size = (size_t)(model->offset - model->first_offset);
    const uint8_t *plain;
    size_t there;
    packer->again.size = 0;
    if (!stele__buffer_reserve(&model->bytes, STELE_SEGMENT_SLACK) ||
        !stele__buffer_reserve(&packer->again, size + STELE_SEGMENT_SLACK)) {
        return stele__fail_memory(reterr);
    }
    memset(model->bytes.data + model->bytes.size, 0, STELE_SEGMENT_SLACK);
    STELE_TRY(stele__segment_bytes(packer->source, model->first_offset, size, &packer->plain,
                                   &plain, &there, reterr));
    if (there != size || size > STELE_PACKED_BLOCK_MAX ||
        !stele__model_restore(packer->source, model->first_offset, model->bytes.data,
                              model->bytes.size, packer->again.data, size) ||
        memcmp(packer->again.data, plain, size) != 0) {
        return fail_strange(packer, model->first_offset, reterr);
    }
    packer->header.bytes_crc = stele__crc32c(packer->header.bytes_crc, plain, size);
    return STELE_OK;
}

/* Decompresses what was compressed of the block, and compares. */
static stele_status check_packed(stele__packer *packer, const uint8_t *packed, size_t size,
                                 stele_error *reterr)
{
    const stele__buffer *block = &packer->model.bytes;
    bool is_memory = false;
    packer->again.size = 0;
    if (!stele__buffer_reserve(&packer->again, block->size)) {
        return stele__fail_memory(reterr);
    }
    if (size < block->size &&
        (!stele__decompress(&packer->decompressor, packer->header.codec, packed, size,
                            packer->dictionary.data, packer->dictionary.size, packer->again.data,
                            block->size, &is_memory) ||
         memcmp(packer->again.data, block->data, block->size) != 0)) {
        return is_memory ? stele__fail_memory(reterr)
                         : fail_strange(packer, packer->model.first_offset, reterr);
    }
    return STELE_OK;
}

static bool put_place(stele__packer *packer, uint64_t offset, uint64_t at)
{
    uint8_t place[STELE_PACKED_PLACE_SIZE];
    stele__store32(place, (uint32_t)offset);
    stele__store32(place + 4, (uint32_t)at);
    return stele__buffer_append(&packer->places, place, sizeof place);
}

static stele_status end_block(stele__packer *packer, stele_error *reterr)
{
    stele__buffer *chunk = &packer->chunk;
    const stele__buffer *block = &packer->model.bytes;
    size_t size;
    if (!packer->has_block) {
        return STELE_OK;
    }
    STELE_TRY(check_block(packer, reterr));
    if (!put_place(packer, packer->model.first_offset, packer->chunk_at + chunk->size) ||
        !stele__buffer_reserve(chunk, STELE_PACKED_CRC_SIZE + STELE_VARINT_SIZE_MAX)) {
        return stele__fail_memory(reterr);
    }
    const size_t crc_at = chunk->size;
    chunk->size += STELE_PACKED_CRC_SIZE;
    const size_t coded_at = chunk->size;
    const uint64_t coded = (uint64_t)block->size * 2;
    chunk->size += stele__varint_size(coded);
    STELE_TRY(put_packed(packer, packer->compressor, block->data, block->size, &size, reterr));
    STELE_TRY(check_packed(packer, chunk->data + chunk->size - size, size, reterr));
    uint8_t number[STELE_VARINT_SIZE_MAX];
    (void)stele__varint_put(number, coded + (size == block->size));
    memcpy(chunk->data + coded_at, number, stele__varint_size(coded));
    stele__store32(chunk->data + crc_at,
                   stele__crc32c(0, chunk->data + coded_at, chunk->size - coded_at));
    packer->header.block_count++;
    packer->has_block = false;
    return chunk->size >= CHUNK ? write_chunk(packer, reterr) : STELE_OK;
}

/* Makes sure that there is a block for `size` bytes more of the segment, at an offset. */
static stele_status begin_block(stele__packer *packer, uint64_t offset, uint64_t size,
                                stele_error *reterr)
{
    const uint64_t there = packer->model.offset - packer->model.first_offset;
    if (packer->has_block && there + size / 2 > packer->block_target) {
        STELE_TRY(end_block(packer, reterr));
    }
    if (!packer->has_block) {
        STELE_TRY(stele__model_begin(&packer->model, offset, reterr));
        packer->has_block = true;
    }
    return STELE_OK;
}

/* ---- frames */

/* Adds a name to the list if it is defined here. */
static bool note_name(stele__packer *packer, uint32_t definition, uint64_t from, uint64_t to,
                      stele_text name)
{
    uint8_t number[2 * STELE_VARINT_SIZE_MAX];
    if (definition <= packer->last_definition || definition < from || definition >= to) {
        return true;
    }
    uint8_t *end = stele__varint_put(number, definition - packer->last_definition);
    end = stele__varint_put(end, name.size);
    packer->last_definition = definition;
    packer->header.name_count++;
    return stele__buffer_append(&packer->names, number, (size_t)(end - number)) &&
           stele__buffer_append(&packer->names, name.data, name.size);
}

static stele_status note_names(stele__packer *packer, const stele__event *event, uint64_t from,
                               uint64_t to, stele_error *reterr)
{
    const stele_record *record = &event->record;
    bool is_good = note_name(packer, event->facts.stream_definition, from, to, record->stream) &&
                   note_name(packer, event->facts.type_definition, from, to, record->type);
    for (size_t i = 0; i < record->tag_count && is_good; i++) {
        is_good = note_name(packer, event->tag_definitions[i], from, to, record->tags[i]);
    }
    return is_good ? STELE_OK : stele__fail_memory(reterr);
}

/* Reads and verifies the frame at an offset. */
static stele_status read_frame(stele__packer *packer, uint64_t offset, stele_position first,
                               stele__frame *ret_frame, stele_error *reterr)
{
    stele__frame_result result;
    const char *why;
    STELE_TRY(stele__frame_read(&packer->reader, offset, first, ret_frame, &result, &why, reterr));
    if (result == STELE_FRAME_GOOD && ret_frame->end <= packer->header.size) {
        return STELE_OK;
    }
    return stele__fail(reterr, STELE_CORRUPT,
                       "position %" PRIu64 " is damaged: %s, offset %" PRIu64 ": %s", first,
                       packer->source->path, offset, *why ? why : "zeroes");
}

static stele_status pack_many(stele__packer *packer, const stele__frame *frame, stele_error *reterr)
{
    const uint8_t *at = frame->events;
    STELE_TRY(begin_block(packer, frame->offset, (uint64_t)(at - frame->start), reterr));
    STELE_TRY(stele__model_add_frame(&packer->model, frame, NULL, reterr));
    for (uint32_t i = 0; i < frame->count; i++) {
        const stele__event *event;
        const uint8_t *from = at;
        const uint64_t offset = frame->offset + (uint64_t)(from - frame->start);
        STELE_TRY(stele__frame_next(&packer->reader, frame, i, &at, &event, reterr));
        STELE_TRY(begin_block(packer, offset, (uint64_t)(at - from), reterr));
        STELE_TRY(stele__model_add_event(&packer->model, frame, from, at, event, reterr));
        STELE_TRY(note_names(packer, event, offset, offset + (uint64_t)(at - from), reterr));
    }
    return STELE_OK;
}

static stele_status pack_single(stele__packer *packer, const stele__frame *frame,
                                stele_error *reterr)
{
    const uint8_t *at = frame->events;
    const stele__event *event;
    STELE_TRY(stele__frame_next(&packer->reader, frame, 0, &at, &event, reterr));
    STELE_TRY(begin_block(packer, frame->offset, frame->end - frame->offset, reterr));
    STELE_TRY(stele__model_add_frame(&packer->model, frame, event, reterr));
    return note_names(packer, event, frame->offset, frame->end, reterr);
}

/* ---- the dictionary */

static size_t dictionary_max(const stele__packer *packer)
{
    const size_t share = packer->header.size / DICTIONARY_SHARE;
    return share < DICTIONARY_MIN               ? DICTIONARY_MIN
           : share > STELE_CODEC_DICTIONARY_MAX ? STELE_CODEC_DICTIONARY_MAX
                                                : share;
}

stele_status stele__packer_sample(stele__packer *packer, uint64_t offset, bool *ret_full,
                                  stele_error *reterr)
{
    stele__model_writer *model = &packer->model;
    const size_t left = dictionary_max(packer) - packer->dictionary.size;
    size_t skip = 0; /* what a block begins with */
    model->bytes.size = 0;
    while (offset < packer->header.size && model->bytes.size - skip < SAMPLE_SIZE) {
        stele__frame frame;
        const stele__event *event = NULL;
        STELE_TRY(read_frame(packer, offset, 0, &frame, reterr));
        const uint8_t *at = frame.events;
        if (skip == 0) {
            stele__model_expect(model, &frame);
            STELE_TRY(stele__model_begin(model, offset, reterr));
            skip = model->bytes.size;
        }
        STELE_TRY(stele__frame_next(&packer->reader, &frame, 0, &at, &event, reterr));
        STELE_TRY(stele__model_add_frame(model, &frame, frame.is_single ? event : NULL, reterr));
        if (!frame.is_single) {
            STELE_TRY(stele__model_add_event(model, &frame, frame.events, at, event, reterr));
        }
        offset = frame.end;
    }
    size_t size = model->bytes.size - skip;
    size = size > SAMPLE_SIZE ? SAMPLE_SIZE : size;
    size = size > left ? left : size;
    *ret_full = size == left;
    return stele__buffer_append(&packer->dictionary, model->bytes.data + skip, size)
               ? STELE_OK
               : stele__fail_memory(reterr);
}

/* The dictionary is complete. */
static stele_status begin(stele__packer *packer, stele_error *reterr)
{
    stele__frame frame;
    STELE_TRY(read_frame(packer, packer->offset, packer->next, &frame, reterr));
    stele__model_expect(&packer->model, &frame);
    if (!stele__codec_is_dictionary(packer->dictionary.data, packer->dictionary.size)) {
        packer->dictionary.size = 0;
    }
    return stele__compressor_create(packer->alloc, packer->header.codec, packer->dictionary.data,
                                    packer->dictionary.size, &packer->compressor, reterr);
}

/* ---- steps */

stele_status stele__packer_step(stele__packer *packer, uint64_t bytes, bool *ret_more,
                                stele_error *reterr)
{
    const uint64_t until = packer->offset + bytes;
    if (!packer->compressor) {
        STELE_TRY(begin(packer, reterr));
    }
    while (packer->offset < packer->header.size && packer->offset < until) {
        stele__frame frame;
        STELE_TRY(read_frame(packer, packer->offset, packer->next, &frame, reterr));
        STELE_TRY(frame.is_single ? pack_single(packer, &frame, reterr)
                                  : pack_many(packer, &frame, reterr));
        packer->offset = frame.end;
        packer->next = frame.first + frame.count;
    }
    *ret_more = packer->offset < packer->header.size;
    return STELE_OK;
}

/* Adds dictionary, names and table. */
static stele_status put_parts(stele__packer *packer, stele_error *reterr)
{
    stele__packed_header *header = &packer->header;
    stele__compressor *plain;
    size_t size = 0;
    if (!put_place(packer, header->size, packer->chunk_at + packer->chunk.size)) {
        return stele__fail_memory(reterr);
    }
    STELE_TRY(
        stele__compressor_create(packer->alloc, packer->header.codec, NULL, 0, &plain, reterr));
    stele_status status =
        put_packed(packer, plain, packer->dictionary.data, packer->dictionary.size, &size, reterr);
    header->dictionary_packed = (uint32_t)size;
    stele__compressor_free(plain);
    STELE_TRY(status);
    STELE_TRY(
        stele__compressor_create(packer->alloc, packer->header.codec, NULL, 0, &plain, reterr));
    status = put_packed(packer, plain, packer->names.data, packer->names.size, &size, reterr);
    header->names_packed = (uint32_t)size;
    stele__compressor_free(plain);
    STELE_TRY(status);
    if (!stele__buffer_append(&packer->chunk, packer->places.data, packer->places.size)) {
        return stele__fail_memory(reterr);
    }
    header->dictionary_size = (uint32_t)packer->dictionary.size;
    header->dictionary_crc = stele__crc32c(0, packer->dictionary.data, packer->dictionary.size);
    header->names_size = (uint32_t)packer->names.size;
    header->names_crc = stele__crc32c(0, packer->names.data, packer->names.size);
    header->table_crc = stele__crc32c(0, packer->places.data, packer->places.size);
    return write_chunk(packer, reterr);
}

stele_status stele__packer_finish(stele__packer *packer, uint64_t *ret_bytes, stele_error *reterr)
{
    uint8_t bytes[STELE_PACKED_HEADER_SIZE];
    STELE_TRY(end_block(packer, reterr));
    STELE_TRY(put_parts(packer, reterr));
    if (packer->chunk_at > packer->header.size) {
        return stele__fail(reterr, STELE_UNSUPPORTED, "%s does not get smaller by packing",
                           packer->source->path);
    }
    packer->header.file_size = (uint32_t)packer->chunk_at;
    stele__packed_header_encode(&packer->header, bytes);
    int error = packer->vfs->write(packer->file, 0, bytes, sizeof bytes);
    if (!error && !STELE_CANARY_IS(20)) {
        error = packer->vfs->sync(packer->file);
    }
    if (error) {
        return stele__fail_os(reterr, STELE_IO, error, "cannot write %s", packer->path);
    }
    *ret_bytes = packer->chunk_at;
    return STELE_OK;
}

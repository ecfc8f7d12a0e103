/* SPDX-License-Identifier: Apache-2.0 */
/* zstd for packed segments. The only file that knows it. */
#include "log/codec_methods.h"

/* For memory of our own: the functions with "advanced" in their names. */
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

/* Beyond this level files get less than a hundredth smaller, and packing takes twice as long. */
enum { LEVEL = 9 };

typedef struct zstd_state {
    ZSTD_CCtx *stream;
    ZSTD_CDict *dictionary; /* as it wants it */
} zstd_state;

/* It does not tell sizes when it gives memory back: they stand in front. */
enum { SIZE_ROOM = 16 };

static void *allocate(void *context, size_t size)
{
    uint8_t *memory = stele__allocate(context, size + SIZE_ROOM);
    if (!memory) {
        return NULL;
    }
    memcpy(memory, &size, sizeof size);
    return memory + SIZE_ROOM;
}

static void release(void *context, void *memory)
{
    size_t size;
    if (memory) {
        uint8_t *begin = (uint8_t *)memory - SIZE_ROOM;
        memcpy(&size, begin, sizeof size);
        stele__release(context, begin, size + SIZE_ROOM);
    }
}

/* The table of an allocator is not changed by it. */
static ZSTD_customMem memory_of(const stele_alloc *alloc)
{
    return (ZSTD_customMem){allocate, release, (void *)(uintptr_t)alloc};
}

static stele_status create(const stele_alloc *alloc, const uint8_t *dictionary,
                           size_t dictionary_size, void **ret_state, stele_error *reterr)
{
    const ZSTD_customMem memory = memory_of(alloc);
    zstd_state *state = *ret_state = stele__allocate_zero(alloc, sizeof *state);
    if (!state) {
        return stele__fail_memory(reterr);
    }
    ZSTD_CCtx *stream = state->stream = ZSTD_createCCtx_advanced(memory);
    if (!stream) {
        return stele__fail_memory(reterr);
    }
    (void)ZSTD_CCtx_setParameter(stream, ZSTD_c_compressionLevel, LEVEL);
    (void)ZSTD_CCtx_setParameter(stream, ZSTD_c_contentSizeFlag, 0);
    (void)ZSTD_CCtx_setParameter(stream, ZSTD_c_dictIDFlag, 0);
    if (dictionary_size > 0) {
        state->dictionary =
            ZSTD_createCDict_advanced(dictionary, dictionary_size, ZSTD_dlm_byRef,
                                      ZSTD_dct_rawContent,
                                      ZSTD_getCParams(LEVEL, 0, dictionary_size), memory);
        if (!state->dictionary || ZSTD_isError(ZSTD_CCtx_refCDict(stream, state->dictionary))) {
            return stele__fail_memory(reterr);
        }
    }
    return STELE_OK;
}

static void free_state(const stele_alloc *alloc, void *state)
{
    zstd_state *with = state;
    if (with) {
        (void)ZSTD_freeCCtx(with->stream);
        (void)ZSTD_freeCDict(with->dictionary);
        stele__release(alloc, with, sizeof *with);
    }
}

static size_t compress(void *state, const uint8_t *bytes, size_t size, uint8_t *to, size_t room)
{
    const zstd_state *with = state;
    const size_t packed = ZSTD_compress2(with->stream, to, room, bytes, size);
    return ZSTD_isError(packed) ? 0 : packed;
}

static bool decompress(const stele_alloc *alloc, void **state, const uint8_t *packed,
                       size_t packed_size, const uint8_t *dictionary, size_t dictionary_size,
                       uint8_t *to, size_t size, bool *ret_is_memory)
{
    if (!*state) {
        *state = ZSTD_createDCtx_advanced(memory_of(alloc));
    }
    *ret_is_memory = !*state;
    if (*ret_is_memory) {
        return false;
    }
    return ZSTD_decompress_usingDict(*state, to, size, packed, packed_size, dictionary,
                                     dictionary_size) == size;
}

static void decompressor_free(void *state)
{
    (void)ZSTD_freeDCtx(state);
}

const stele__codec_methods stele__codec_zstd = {
    .create = create,
    .free = free_state,
    .compress = compress,
    .decompress = decompress,
    .decompressor_free = decompressor_free,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* LZ4 and zstd behind one door. */
#include "log/codec.h"

#ifdef STELE_WITH_LZ4
#include <lz4.h>
#include <lz4hc.h>
#endif

#ifdef STELE_WITH_ZSTD
/* For memory of our own: the functions with "advanced" in their names. */
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>
#endif

/* Beyond these levels files get less than a hundredth smaller, and packing takes twice as long. */
enum { LZ4_LEVEL = 9, ZSTD_LEVEL = 9 };

struct stele__compressor {
    const stele_alloc *alloc;
    stele__codec codec;
    void *fresh;      /* LZ4: has read the dictionary, and is copied for each block */
    void *stream;     /* … to this; zstd: what compresses */
    void *dictionary; /* zstd: the dictionary, as it wants it */
};

#if !defined STELE_WITH_LZ4 || !defined STELE_WITH_ZSTD
static stele_status fail_missing(const char *library, const char *package, const char *what,
                                 stele_error *reterr)
{
    (void)stele__fail(reterr, STELE_UNSUPPORTED,
                      "%s needs %s, which this library was built without", what, library);
    stele__hint(reterr, "build Stele where %s is installed (Debian: %s)", library, package);
    return STELE_UNSUPPORTED;
}
#endif

/* ---- LZ4 */

#ifdef STELE_WITH_LZ4

static stele_status check_lz4(const char *what, stele_error *reterr)
{
    (void)what;
    (void)reterr;
    return STELE_OK;
}

static stele_status create_lz4(stele__compressor *compressor, const uint8_t *dictionary,
                               size_t dictionary_size, stele_error *reterr)
{
    compressor->fresh = stele__allocate(compressor->alloc, sizeof(LZ4_streamHC_t));
    compressor->stream = stele__allocate(compressor->alloc, sizeof(LZ4_streamHC_t));
    if (!compressor->fresh || !compressor->stream) {
        return stele__fail_memory(reterr);
    }
    LZ4_streamHC_t *fresh = LZ4_initStreamHC(compressor->fresh, sizeof(LZ4_streamHC_t));
    STELE_ASSERT(fresh); /* memory is aligned */
    LZ4_resetStreamHC_fast(fresh, LZ4_LEVEL);
    (void)LZ4_loadDictHC(fresh, (const char *)dictionary, (int)dictionary_size);
    return STELE_OK;
}

static void free_lz4(const stele__compressor *compressor)
{
    stele__release(compressor->alloc, compressor->fresh, sizeof(LZ4_streamHC_t));
    stele__release(compressor->alloc, compressor->stream, sizeof(LZ4_streamHC_t));
}

static size_t compress_lz4(const stele__compressor *compressor, const uint8_t *bytes, size_t size,
                           uint8_t *to, size_t room)
{
    if (size > LZ4_MAX_INPUT_SIZE || room > INT32_MAX) {
        return 0;
    }
    memcpy(compressor->stream, compressor->fresh, sizeof(LZ4_streamHC_t));
    const int packed = LZ4_compress_HC_continue(compressor->stream, (const char *)bytes, (char *)to,
                                                (int)size, (int)room);
    return packed > 0 ? (size_t)packed : 0;
}

static bool decompress_lz4(const uint8_t *packed, size_t packed_size, const uint8_t *dictionary,
                           size_t dictionary_size, uint8_t *to, size_t size)
{
    return packed_size <= INT32_MAX && size <= LZ4_MAX_INPUT_SIZE &&
           LZ4_decompress_safe_usingDict((const char *)packed, (char *)to, (int)packed_size,
                                         (int)size, (const char *)dictionary,
                                         (int)dictionary_size) == (int)size;
}

#else

static stele_status check_lz4(const char *what, stele_error *reterr)
{
    return fail_missing("LZ4", "liblz4-dev", what, reterr);
}

static stele_status create_lz4(stele__compressor *compressor, const uint8_t *dictionary,
                               size_t dictionary_size, stele_error *reterr)
{
    (void)compressor;
    (void)dictionary;
    (void)dictionary_size;
    return check_lz4("packing", reterr);
}

static void free_lz4(const stele__compressor *compressor)
{
    (void)compressor;
}

static size_t compress_lz4(const stele__compressor *compressor, const uint8_t *bytes, size_t size,
                           uint8_t *to, size_t room)
{
    (void)compressor;
    (void)bytes;
    (void)size;
    (void)to;
    (void)room;
    return 0;
}

static bool decompress_lz4(const uint8_t *packed, size_t packed_size, const uint8_t *dictionary,
                           size_t dictionary_size, uint8_t *to, size_t size)
{
    (void)packed;
    (void)packed_size;
    (void)dictionary;
    (void)dictionary_size;
    (void)to;
    (void)size;
    return false;
}

#endif

/* ---- zstd */

#ifdef STELE_WITH_ZSTD

static stele_status check_zstd(const char *what, stele_error *reterr)
{
    (void)what;
    (void)reterr;
    return STELE_OK;
}

/* It does not tell sizes when it gives memory back: they stand in front. */
enum { SIZE_ROOM = 16 };

static void *zstd_allocate(void *context, size_t size)
{
    uint8_t *memory = stele__allocate(context, size + SIZE_ROOM);
    if (!memory) {
        return NULL;
    }
    memcpy(memory, &size, sizeof size);
    return memory + SIZE_ROOM;
}

static void zstd_release(void *context, void *memory)
{
    size_t size;
    if (memory) {
        uint8_t *begin = (uint8_t *)memory - SIZE_ROOM;
        memcpy(&size, begin, sizeof size);
        stele__release(context, begin, size + SIZE_ROOM);
    }
}

/* The table of an allocator is not changed by it. */
static ZSTD_customMem zstd_memory(const stele_alloc *alloc)
{
    return (ZSTD_customMem){zstd_allocate, zstd_release, (void *)(uintptr_t)alloc};
}

static stele_status create_zstd(stele__compressor *compressor, const uint8_t *dictionary,
                                size_t dictionary_size, stele_error *reterr)
{
    const ZSTD_customMem memory = zstd_memory(compressor->alloc);
    ZSTD_CCtx *stream = compressor->stream = ZSTD_createCCtx_advanced(memory);
    if (!stream) {
        return stele__fail_memory(reterr);
    }
    (void)ZSTD_CCtx_setParameter(stream, ZSTD_c_compressionLevel, ZSTD_LEVEL);
    (void)ZSTD_CCtx_setParameter(stream, ZSTD_c_contentSizeFlag, 0);
    (void)ZSTD_CCtx_setParameter(stream, ZSTD_c_dictIDFlag, 0);
    if (dictionary_size > 0) {
        compressor->dictionary =
            ZSTD_createCDict_advanced(dictionary, dictionary_size, ZSTD_dlm_byRef,
                                      ZSTD_dct_rawContent,
                                      ZSTD_getCParams(ZSTD_LEVEL, 0, dictionary_size), memory);
        if (!compressor->dictionary ||
            ZSTD_isError(ZSTD_CCtx_refCDict(stream, compressor->dictionary))) {
            return stele__fail_memory(reterr);
        }
    }
    return STELE_OK;
}

static void free_zstd(const stele__compressor *compressor)
{
    (void)ZSTD_freeCCtx(compressor->stream);
    (void)ZSTD_freeCDict(compressor->dictionary);
}

static size_t compress_zstd(const stele__compressor *compressor, const uint8_t *bytes, size_t size,
                            uint8_t *to, size_t room)
{
    const size_t packed = ZSTD_compress2(compressor->stream, to, room, bytes, size);
    return ZSTD_isError(packed) ? 0 : packed;
}

static bool decompress_zstd(stele__decompressor *decompressor, const uint8_t *packed,
                            size_t packed_size, const uint8_t *dictionary, size_t dictionary_size,
                            uint8_t *to, size_t size, bool *ret_is_memory)
{
    if (!decompressor->zstd) {
        decompressor->zstd = ZSTD_createDCtx_advanced(zstd_memory(decompressor->alloc));
    }
    *ret_is_memory = !decompressor->zstd;
    if (*ret_is_memory) {
        return false;
    }
    return ZSTD_decompress_usingDict(decompressor->zstd, to, size, packed, packed_size, dictionary,
                                     dictionary_size) == size;
}

void stele__decompressor_done(stele__decompressor *decompressor)
{
    (void)ZSTD_freeDCtx(decompressor->zstd);
    decompressor->zstd = NULL;
}

#else

static stele_status check_zstd(const char *what, stele_error *reterr)
{
    return fail_missing("zstd", "libzstd-dev", what, reterr);
}

static stele_status create_zstd(stele__compressor *compressor, const uint8_t *dictionary,
                                size_t dictionary_size, stele_error *reterr)
{
    (void)compressor;
    (void)dictionary;
    (void)dictionary_size;
    return check_zstd("packing", reterr);
}

static void free_zstd(const stele__compressor *compressor)
{
    (void)compressor;
}

static size_t compress_zstd(const stele__compressor *compressor, const uint8_t *bytes, size_t size,
                            uint8_t *to, size_t room)
{
    (void)compressor;
    (void)bytes;
    (void)size;
    (void)to;
    (void)room;
    return 0;
}

static bool decompress_zstd(stele__decompressor *decompressor, const uint8_t *packed,
                            size_t packed_size, const uint8_t *dictionary, size_t dictionary_size,
                            uint8_t *to, size_t size, bool *ret_is_memory)
{
    (void)decompressor;
    (void)packed;
    (void)packed_size;
    (void)dictionary;
    (void)dictionary_size;
    (void)to;
    (void)size;
    *ret_is_memory = false;
    return false;
}

void stele__decompressor_done(stele__decompressor *decompressor)
{
    (void)decompressor;
}

#endif

/* ---- the door */

stele_status stele__codec_check(stele__codec codec, const char *what, stele_error *reterr)
{
    return codec == STELE_CODEC_LZ4 ? check_lz4(what, reterr) : check_zstd(what, reterr);
}

stele_status stele__compressor_create(const stele_alloc *alloc, stele__codec codec,
                                      const uint8_t *dictionary, size_t dictionary_size,
                                      stele__compressor **ret_compressor, stele_error *reterr)
{
    stele__compressor *compressor = stele__allocate_zero(alloc, sizeof *compressor);
    if (!compressor) {
        return stele__fail_memory(reterr);
    }
    compressor->alloc = alloc;
    compressor->codec = codec;
    const stele_status status = codec == STELE_CODEC_LZ4
                                    ? create_lz4(compressor, dictionary, dictionary_size, reterr)
                                    : create_zstd(compressor, dictionary, dictionary_size, reterr);
    if (status != STELE_OK) {
        stele__compressor_free(compressor);
        return status;
    }
    *ret_compressor = compressor;
    return STELE_OK;
}

void stele__compressor_free(stele__compressor *compressor)
{
    if (compressor && compressor->codec == STELE_CODEC_LZ4) {
        free_lz4(compressor);
    } else if (compressor) {
        free_zstd(compressor);
    }
    if (compressor) {
        stele__release(compressor->alloc, compressor, sizeof *compressor);
    }
}

bool stele__codec_is_dictionary(const uint8_t *bytes, size_t size)
{
    enum { ZSTD_SIZE_MIN = 8 };
    return size < ZSTD_SIZE_MIN || stele__load32(bytes) != UINT32_C(0xec30a437);
}

size_t stele__compress(stele__compressor *compressor, const uint8_t *bytes, size_t size,
                       uint8_t *to, size_t room)
{
    return compressor->codec == STELE_CODEC_LZ4 ? compress_lz4(compressor, bytes, size, to, room)
                                                : compress_zstd(compressor, bytes, size, to, room);
}

bool stele__decompress(stele__decompressor *decompressor, stele__codec codec, const uint8_t *packed,
                       size_t packed_size, const uint8_t *dictionary, size_t dictionary_size,
                       uint8_t *to, size_t size, bool *ret_is_memory)
{
    *ret_is_memory = false;
    return codec == STELE_CODEC_LZ4
               ? decompress_lz4(packed, packed_size, dictionary, dictionary_size, to, size)
               : decompress_zstd(decompressor, packed, packed_size, dictionary, dictionary_size, to,
                                 size, ret_is_memory);
}

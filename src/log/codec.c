/* SPDX-License-Identifier: Apache-2.0 */
/* The door to the libraries that compress. Which of them this build has is told here alone. */
#include "log/codec_methods.h"

typedef struct codec {
    const char *name;
    const char *package;
    const stele__codec_methods *methods; /* NULL: this build is without */
} codec;

static const codec codecs[] = {
#ifdef STELE_WITH_LZ4
    [STELE_CODEC_LZ4] = {"LZ4", "liblz4-dev", &stele__codec_lz4},
#else
    [STELE_CODEC_LZ4] = {"LZ4", "liblz4-dev", NULL},
#endif
#ifdef STELE_WITH_ZSTD
    [STELE_CODEC_ZSTD] = {"zstd", "libzstd-dev", &stele__codec_zstd},
#else
    [STELE_CODEC_ZSTD] = {"zstd", "libzstd-dev", NULL},
#endif
};

struct stele__compressor {
    const stele_alloc *alloc;
    const stele__codec_methods *methods;
    void *state;
};

stele_status stele__codec_check(stele__codec number, const char *what, stele_error *reterr)
{
    const codec *of = &codecs[number];
    if (of->methods) {
        return STELE_OK;
    }
    (void)stele__fail(reterr, STELE_UNSUPPORTED,
                      "%s needs %s, which this library was built without", what, of->name);
    stele__hint(reterr, "build Stele where %s is installed (Debian: %s)", of->name, of->package);
    return STELE_UNSUPPORTED;
}

stele_status stele__compressor_create(const stele_alloc *alloc, stele__codec number,
                                      const uint8_t *dictionary, size_t dictionary_size,
                                      stele__compressor **ret_compressor, stele_error *reterr)
{
    STELE_TRY(stele__codec_check(number, "packing", reterr));
    stele__compressor *compressor = stele__allocate_zero(alloc, sizeof *compressor);
    if (!compressor) {
        return stele__fail_memory(reterr);
    }
    compressor->alloc = alloc;
    compressor->methods = codecs[number].methods;
    const stele_status status =
        compressor->methods->create(alloc, dictionary, dictionary_size, &compressor->state, reterr);
    if (status != STELE_OK) {
        stele__compressor_free(compressor);
        return status;
    }
    *ret_compressor = compressor;
    return STELE_OK;
}

void stele__compressor_free(stele__compressor *compressor)
{
    if (compressor) {
        compressor->methods->free(compressor->alloc, compressor->state);
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
    return compressor->methods->compress(compressor->state, bytes, size, to, room);
}

bool stele__decompress(stele__decompressor *decompressor, stele__codec number,
                       const uint8_t *packed, size_t packed_size, const uint8_t *dictionary,
                       size_t dictionary_size, uint8_t *to, size_t size, bool *ret_is_memory)
{
    const stele__codec_methods *methods = codecs[number].methods;
    *ret_is_memory = false;
    return methods &&
           methods->decompress(decompressor->alloc, &decompressor->states[number - 1], packed,
                               packed_size, dictionary, dictionary_size, to, size, ret_is_memory);
}

void stele__decompressor_done(stele__decompressor *decompressor)
{
    for (size_t i = 0; i < STELE_CODEC_COUNT; i++) {
        if (decompressor->states[i]) {
            codecs[i + 1].methods->decompressor_free(decompressor->states[i]);
            decompressor->states[i] = NULL;
        }
    }
}

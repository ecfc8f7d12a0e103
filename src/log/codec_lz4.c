/* SPDX-License-Identifier: Apache-2.0 */
/* LZ4 for packed segments. The only file that knows it. */
#include "log/codec_methods.h"

#include <lz4.h>
#include <lz4hc.h>

/* Beyond this level files get less than a hundredth smaller, and packing takes twice as long. */
enum { LEVEL = 9 };

typedef struct lz4_state {
    LZ4_streamHC_t fresh;  /* has read the dictionary, and is copied for each block … */
    LZ4_streamHC_t stream; /* … to this */
} lz4_state;

static stele_status create(const stele_alloc *alloc, const uint8_t *dictionary,
                           size_t dictionary_size, void **ret_state, stele_error *reterr)
{
    lz4_state *state = *ret_state = stele__allocate(alloc, sizeof *state);
    if (!state) {
        return stele__fail_memory(reterr);
    }
    LZ4_streamHC_t *fresh = LZ4_initStreamHC(&state->fresh, sizeof state->fresh);
    STELE_ASSERT(fresh); /* memory is aligned */
    LZ4_resetStreamHC_fast(fresh, LEVEL);
    (void)LZ4_loadDictHC(fresh, (const char *)dictionary, (int)dictionary_size);
    return STELE_OK;
}

static void free_state(const stele_alloc *alloc, void *state)
{
    stele__release(alloc, state, sizeof(lz4_state));
}

static size_t compress(void *state, const uint8_t *bytes, size_t size, uint8_t *to, size_t room)
{
    lz4_state *with = state;
    if (size > LZ4_MAX_INPUT_SIZE || room > INT32_MAX) {
        return 0;
    }
    memcpy(&with->stream, &with->fresh, sizeof with->stream);
    const int packed = LZ4_compress_HC_continue(&with->stream, (const char *)bytes, (char *)to,
                                                (int)size, (int)room);
    return packed > 0 ? (size_t)packed : 0;
}

static bool decompress(const stele_alloc *alloc, void **state, const uint8_t *packed,
                       size_t packed_size, const uint8_t *dictionary, size_t dictionary_size,
                       uint8_t *to, size_t size, bool *ret_is_memory)
{
    (void)alloc;
    (void)state;
    (void)ret_is_memory; /* it needs none */
    return packed_size <= INT32_MAX && size <= LZ4_MAX_INPUT_SIZE &&
           LZ4_decompress_safe_usingDict((const char *)packed, (char *)to, (int)packed_size,
                                         (int)size, (const char *)dictionary,
                                         (int)dictionary_size) == (int)size;
}

const stele__codec_methods stele__codec_lz4 = {
    .create = create,
    .free = free_state,
    .compress = compress,
    .decompress = decompress,
};

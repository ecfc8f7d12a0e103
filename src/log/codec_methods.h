/* SPDX-License-Identifier: Apache-2.0 */
/* What each library of codec.h brings: a file of its own, which a build without the library leaves
 * out. */
#ifndef STELE_LOG_CODEC_METHODS_H
#define STELE_LOG_CODEC_METHODS_H

#include "log/codec.h"

typedef struct stele__codec_methods {
    /* What compresses under a dictionary, which stays borrowed. On failure *ret_state is there to
     * be freed, too. */
    stele_status (*create)(const stele_alloc *alloc, const uint8_t *dictionary,
                           size_t dictionary_size, void **ret_state, stele_error *reterr);
    void (*free)(const stele_alloc *alloc, void *state); /* or NULL */
    /* As stele__compress(). */
    size_t (*compress)(void *state, const uint8_t *bytes, size_t size, uint8_t *to, size_t room);
    /* As stele__decompress(). What it keeps is in *state, NULL at first. */
    bool (*decompress)(const stele_alloc *alloc, void **state, const uint8_t *packed,
                       size_t packed_size, const uint8_t *dictionary, size_t dictionary_size,
                       uint8_t *to, size_t size, bool *ret_is_memory);
    void (*decompressor_free)(void *state); /* NULL: nothing is kept */
} stele__codec_methods;

extern const stele__codec_methods stele__codec_lz4;
extern const stele__codec_methods stele__codec_zstd;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What blocks of packed segments are compressed with, under a dictionary: LZ4, which is fast, or
 * zstd, which makes less of them. A build may lack either (STELE_WITH_LZ4, STELE_WITH_ZSTD): then
 * it answers STELE_UNSUPPORTED.
 */
#ifndef STELE_LOG_CODEC_H
#define STELE_LOG_CODEC_H

#include "base/base.h"

/* The numbers are part of the format. */
typedef enum stele__codec { STELE_CODEC_LZ4 = 1, STELE_CODEC_ZSTD = 2 } stele__codec;
enum { STELE_CODEC_COUNT = 2 };

/* The most that both can refer back to. */
enum { STELE_CODEC_DICTIONARY_MAX = 32 << 10 };

/* STELE_UNSUPPORTED, with a message about `what`, if this library was built without. */
stele_status stele__codec_check(stele__codec codec, const char *what, stele_error *reterr);

/* Whether these bytes can be a dictionary: not if zstd would take them for one of its own format.
 */
bool stele__codec_is_dictionary(const uint8_t *bytes, size_t size);

/* Compresses under a dictionary, which stays borrowed. Confined to one thread. Owned: free. */
typedef struct stele__compressor stele__compressor;
stele_status stele__compressor_create(const stele_alloc *alloc, stele__codec codec,
                                      const uint8_t *dictionary, size_t dictionary_size,
                                      stele__compressor **ret_compressor, stele_error *reterr);
void stele__compressor_free(stele__compressor *compressor);
/* Answers the size of the result; 0: it would be larger than `room`. */
size_t stele__compress(stele__compressor *compressor, const uint8_t *bytes, size_t size,
                       uint8_t *to, size_t room);

/* What decompressing needs again and again. Confined to one thread. Zero-initialise with an
 * allocator. */
typedef struct stele__decompressor {
    const stele_alloc *alloc;
    void *states[STELE_CODEC_COUNT];
} stele__decompressor;
void stele__decompressor_done(stele__decompressor *decompressor);
/* True if exactly `size` bytes came out. Whatever goes in: nothing is written beyond them, nothing
 * read beyond what is given. *ret_is_memory: it is false for lack of memory. */
bool stele__decompress(stele__decompressor *decompressor, stele__codec codec, const uint8_t *packed,
                       size_t packed_size, const uint8_t *dictionary, size_t dictionary_size,
                       uint8_t *to, size_t size, bool *ret_is_memory);

#endif

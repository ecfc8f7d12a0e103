/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packed segments: a sealed segment in a file of a third of its size or less, in blocks of which
 * each is compressed by itself. Offsets are those in the segment: everything above reads the same
 * bytes at the same places, so that index files, offset codes and checksums know nothing of it. The
 * format is drawn in src/log/README.md.
 *
 * What reading takes beside the blocks (dictionary, table, names) is loaded when it is first needed
 * and counted by a stele__packed_cache, which lets go of what was not used for longest.
 *
 * The packed form of a segment and the cache are internally locked, with a lock that is the last of
 * all; a stele__unpacker and a stele__packer are confined to one thread.
 */
#ifndef STELE_LOG_PACKED_H
#define STELE_LOG_PACKED_H

#include "log/codec.h"
#include "log/segment.h"

struct stele__batch;

/* ---- cache */

typedef struct stele__tables stele__tables;

typedef struct stele__packed_cache {
    stele__mutex lock;
    size_t bytes;
    size_t bytes_max;
    stele__tables *newest; /* a list, by use */
    stele__tables *oldest;
} stele__packed_cache;

/* Returns 0 or an errno. */
int stele__packed_cache_init(stele__packed_cache *cache, unsigned rank, size_t bytes_max);
void stele__packed_cache_done(stele__packed_cache *cache);

/* ---- opening: packed.c */

void stele__packed_file_name(uint64_t number, char ret_name[STELE_FILE_NAME_SIZE]);

/* Opens the packed form of a segment; errors as stele__segment_open(), and STELE_UNSUPPORTED if
 * this library cannot unpack. The segment's size is that of its bytes, as they were up to its last
 * frame. The cache must outlive it. Shared: unref. */
stele_status stele__packed_open(const stele_alloc *alloc, const stele_vfs *vfs, const char *folder,
                                uint64_t number, stele_mapping mapping, stele__packed_cache *cache,
                                stele__segment **ret_segment, stele_error *reterr);
/* For stele__segment_unref(). */
void stele__packed_free(stele__packed *packed);
/* Bytes of the file. */
uint64_t stele__packed_file_size(const stele__packed *packed);

/* Checks what reading every event does not: every block (nobody may refer to some of them),
 * dictionary, names and table against their checksums, and every name against its definition.
 * STELE_CORRUPT names the place. */
stele_status stele__packed_check(const stele_alloc *alloc, const stele__segment *segment,
                                 stele_error *reterr);

/* ---- reading: unpack.c */

/* Where a reader looks into packed segments: one block at a time. */
typedef struct stele__unpacker stele__unpacker;

/* Owned: free. NULL: no memory. */
stele__unpacker *stele__unpacker_create(const stele_alloc *alloc);
void stele__unpacker_free(stele__unpacker *unpacker);
/* Lets go of the segment that it looked into, before that is. */
void stele__unpacker_leave(stele__unpacker *unpacker);

/* Unpacks the block that holds an offset of the segment. Its bytes, of the segment from *ret_from
 * to *ret_to, and STELE_SEGMENT_SLACK zeroes are lent until it is moved again. STELE_CORRUPT names
 * the place in the file. */
stele_status stele__unpacker_move(stele__unpacker *unpacker, const stele__segment *segment,
                                  uint64_t offset, const uint8_t **ret_bytes, uint64_t *ret_from,
                                  uint64_t *ret_to, stele_error *reterr);
/* Lends a name that is defined at an offset of the segment, verified: as long as nothing is asked
 * of another segment (*ret_stays), or of anything else. STELE_CORRUPT: there is none. */
stele_status stele__unpacker_name(stele__unpacker *unpacker, const stele__segment *segment,
                                  uint64_t definition, size_t size, const uint8_t **ret_name,
                                  bool *ret_stays, stele_error *reterr);

/* For stele__batch_walk(): reads events behind each other from the one on that is at *end, as far
 * as they stand in one block. *end: behind the last. */
void stele__unpacker_walk(stele__unpacker *unpacker, const stele__segment *segment,
                          struct stele__batch *batch, stele_position position, size_t count_max,
                          uint64_t *end);
/* For stele__batch_gather(). */
void stele__unpacker_gather(stele__unpacker *unpacker, const stele__segment *segment,
                            struct stele__batch *batch, const stele_position *positions,
                            const uint32_t *codes, size_t count, uint64_t *ret_end);

/* Copies bytes of the segment to scratch->data, where there is room. For damaged blocks there are
 * zeroes: who reads like this looks for what is good. */
stele_status stele__unpack_bytes(const stele__segment *segment, uint64_t offset, size_t size,
                                 stele__buffer *scratch, stele_error *reterr);

/* ---- writing: pack.c */

typedef struct stele__packer stele__packer;

/* Begins to pack a segment that does not change any more and ends at `end`. Takes a reference of
 * its own. Owned: free, which removes the file unless it is to be kept. */
stele_status stele__packer_create(const stele_alloc *alloc, const char *folder,
                                  stele__segment *segment, uint64_t end, stele__codec codec,
                                  stele__packer **ret_packer, stele_error *reterr);
void stele__packer_free(stele__packer *packer);
/* Puts the beginning of a frame, and what follows it, into the dictionary. Before the first step;
 * *ret_full: no more of these. */
stele_status stele__packer_sample(stele__packer *packer, uint64_t offset, bool *ret_full,
                                  stele_error *reterr);
/* Packs about so many bytes. *ret_more: there are more. STELE_UNSUPPORTED: this segment cannot be
 * packed, or would not get smaller. */
stele_status stele__packer_step(stele__packer *packer, uint64_t bytes, bool *ret_more,
                                stele_error *reterr);
/* Finishes the file, which is synced then; its name is not. */
stele_status stele__packer_finish(stele__packer *packer, uint64_t *ret_bytes, stele_error *reterr);
stele__segment *stele__packer_source(const stele__packer *packer);
/* The manifest names the file: it stays when the packer is freed. */
void stele__packer_keep(stele__packer *packer);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A segment: one file of the log. It begins with a header, frames follow each other, and zeroes
 * follow the last frame as far as the file is preallocated. A segment stands alone: names are
 * written in full at their first use in it. The format is drawn in src/log/README.md.
 *
 * A stele__segment is shared (ref/unref, any thread). Reading through stele__segment_bytes() needs
 * no lock; writing is the business of one thread at a time.
 */
#ifndef STELE_LOG_SEGMENT_H
#define STELE_LOG_SEGMENT_H

#include "base/base.h"

#include <stele/store.h>
#include <stele/sys/vfs.h>

#include <stdatomic.h>

enum { STELE_SEGMENT_HEADER_SIZE = 96, STELE_SEGMENT_VERSION = 1 };

/* A segment is smaller than this, because an offset and one bit must fit in 32 bits. */
#define STELE_SEGMENT_SIZE_MAX ((uint64_t)1 << 30)

typedef struct stele__segment_header {
    stele_uuid store;
    stele__hash_key hash_key;
    uint64_t number;
    stele_position first; /* of its first event */
    stele_time base_time; /* of its first commit */
} stele__segment_header;

typedef struct stele__packed stele__packed;

typedef struct stele__segment {
    _Atomic uint32_t refs;
    const stele_alloc *alloc;
    const stele_vfs *vfs;
    char *path;
    size_t path_size;   /* with the NUL */
    stele_file *file;   /* NULL once mapped and no longer written */
    const uint8_t *map; /* NULL: read with vfs->read */
    uint64_t map_size;
    uint64_t size; /* of the file when it was opened or allocated: nothing is read beyond */
    stele__segment_header header;
    uint32_t seal_seed;         /* mixed into every seal */
    _Atomic bool is_unpackable; /* packing it has been tried in vain */
    _Atomic uint64_t *asked; /* bits: of this page and the next one the system was told. NULL: not
                                kept, as where pages are in memory because they were just written */
    size_t asked_words;
    stele__packed *packed; /* its bytes stand in a packed file (packed.h): neither file nor map.
                              NULL: they do not */
} stele__segment;

/* The name of a segment's file in the folder. */
enum { STELE_FILE_NAME_SIZE = 32 };
void stele__segment_file_name(uint64_t number, char ret_name[STELE_FILE_NAME_SIZE]);

void stele__segment_header_encode(const stele__segment_header *header,
                                  uint8_t ret_bytes[STELE_SEGMENT_HEADER_SIZE]);
/* STELE_OK; STELE_NOT_FOUND: all zero, a segment that was reserved and never used;
 * STELE_UNSUPPORTED; STELE_CORRUPT. */
stele_status stele__segment_header_decode(const uint8_t bytes[STELE_SEGMENT_HEADER_SIZE],
                                          const char *path, stele__segment_header *ret_header,
                                          stele_error *reterr);

/* What a segment's number and store mix into the seals of its frames. */
uint32_t stele__segment_seed(const stele__segment_header *header);

/* A segment without a file, named folder/name. Shared: unref. */
stele_status stele__segment_make(const stele_alloc *alloc, const stele_vfs *vfs, const char *folder,
                                 const char *name, stele__segment **ret_segment,
                                 stele_error *reterr);

/* Opens the file of a segment and reads its header; STELE_NOT_FOUND if it is reserved and unused
 * (detail NONE) or missing (STELE_NOT_FOUND_STORE). `is_writable` keeps a descriptor for writing.
 * Shared: unref. */
stele_status stele__segment_open(const stele_alloc *alloc, const stele_vfs *vfs, const char *folder,
                                 uint64_t number, stele_mapping mapping, bool is_writable,
                                 stele__segment **ret_segment, stele_error *reterr);

/* Opens a segment that has grown once more, to be read as far as its file goes now. What its header
 * says is known, and is not read again. Shared: unref. */
stele_status stele__segment_reopen(const stele__segment *grown, const char *folder,
                                   stele_mapping mapping, stele__segment **ret_segment,
                                   stele_error *reterr);

/* Creates the file of a segment with `size` bytes of preallocated space and no header; or opens one
 * that was reserved before. */
stele_status stele__segment_reserve(const stele_alloc *alloc, const stele_vfs *vfs,
                                    const char *folder, uint64_t number, uint64_t size,
                                    stele_mapping mapping, stele__segment **ret_segment,
                                    stele_error *reterr);

/* Writes zeroes over [offset, offset + size) of a reserved segment, where zeroes are read already:
 * blocks that were written are written over in less time than ones that were only allocated, and
 * their pages are in memory. Returns 0 or an errno. */
int stele__segment_zero(const stele__segment *segment, uint64_t offset, uint64_t size);

/* Gives a reserved segment its header (in memory: the writer writes the bytes with the first
 * frame). */
void stele__segment_begin(stele__segment *segment, const stele__segment_header *header);

/* Lets go of the descriptor, if the segment is mapped: it will not be written any more. */
void stele__segment_finish_writing(stele__segment *segment);

stele__segment *stele__segment_ref(stele__segment *segment);
void stele__segment_unref(stele__segment *segment);

/* Asks for some of the segment to be brought into memory, in order, if it is mapped. */
void stele__segment_will_read(const stele__segment *segment, uint64_t offset, uint64_t size);

/* An event that begins so near to the end of a page mostly goes on in the next one, … */
enum { STELE_SEGMENT_PAGE = 4096, STELE_SEGMENT_NEAR = 512 };
/* … and two pages that are touched one after the other are two disk reads: where they may not be in
 * memory, both are asked for at once. */
void stele__segment_ask_pair(const stele__segment *segment, uint64_t offset);
/* For an event at `offset`, which will be read. */
static inline void stele__segment_will_touch(const stele__segment *segment, uint64_t offset)
{
    if (offset % STELE_SEGMENT_PAGE > STELE_SEGMENT_PAGE - STELE_SEGMENT_NEAR && segment->asked) {
        stele__segment_ask_pair(segment, offset);
    }
}

/* Cuts the file off behind the last frame, which ends at `end`, but for STELE_SEGMENT_SLACK zeroes,
 * so that who has it mapped with its former size may still read so far. Returns 0 or an errno. */
int stele__segment_trim(const stele__segment *segment, uint64_t end);

/* Lends [offset, offset + size) of the segment: from the mapping, or read into `scratch` (cleared
 * first). Fewer bytes at the end of the file: *ret_size tells. Behind them STELE_SEGMENT_SLACK more
 * can be read, whatever they are, so that who parses need not look for the end before each number.
 * Valid as long as the segment and until scratch is used again. */
enum { STELE_SEGMENT_SLACK = 64 };
stele_status stele__segment_bytes(const stele__segment *segment, uint64_t offset, size_t size,
                                  stele__buffer *scratch, const uint8_t **ret_bytes,
                                  size_t *ret_size, stele_error *reterr);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What a reader of frames does in a packed segment, and names in one that is not mapped. Private to
 * frame.c and frame_packed.c. */
#ifndef STELE_LOG_FRAME_PACKED_H
#define STELE_LOG_FRAME_PACKED_H

#include "log/frame.h"

/* Moves the reader's window over an offset. */
stele_status stele__frame_unpack(stele__reader *reader, uint64_t offset, stele_error *reterr);
/* Lends bytes: where they are in the block, or copied from several. */
stele_status stele__frame_lend_packed(stele__reader *reader, uint64_t offset, size_t size,
                                      const uint8_t **ret_bytes, size_t *ret_size,
                                      stele_error *reterr);
/* Lends a name of a segment that is not mapped, and what is in front of it, until the next event is
 * parsed. If the segment is packed, its checksum has been compared; else that is the caller's.
 * False: there is none, or reader->error says why. */
bool stele__frame_read_name(stele__reader *reader, uint64_t definition, size_t size,
                            const uint8_t **ret_bytes);
/* stele__batch_walk() and stele__batch_gather(), of a segment that is not mapped. */
void stele__frame_walk_packed(stele__batch *batch, stele__reader *reader, stele_position position,
                              size_t count_max);
void stele__frame_gather_packed(stele__batch *batch, stele__reader *reader,
                                const stele_position *positions, const uint32_t *codes,
                                size_t count);

#endif

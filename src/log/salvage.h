/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Salvage: a reader's view of a store that is damaged. What is not named here works as for any
 * other reader. Follow lock held.
 */
#ifndef STELE_LOG_SALVAGE_H
#define STELE_LOG_SALVAGE_H

#include "log/engine.h"

/* The first good frame in a segment at or behind `offset` whose first event is at or behind
 * `position`. The reader has entered the segment. */
stele_status stele__salvage_find_frame(stele__reader *reader, uint64_t offset,
                                       stele_position position, stele__frame *ret_frame,
                                       bool *ret_found, stele_error *reterr);

/* Makes a manifest for a store that has none, or none that can be read: from the header of a
 * segment. STELE_NOT_FOUND: there is none either. */
stele_status stele__salvage_manifest(stele__log *log, stele__manifest *manifest,
                                     stele_error *reterr);

/* A view of the sealed segments, as far as they and their index files can be opened; what follows
 * is scanned as if it had never been sealed. */
stele_status stele__salvage_view(stele__log *log, const stele__manifest *manifest,
                                 stele__view **ret_view, stele_error *reterr);

/* Takes what is good of a commit of many that is damaged: each event has a checksum of its own.
 * `frame` is what could be made of it. */
stele_status stele__salvage_commit(stele__log *log, stele__part *part, stele__reader *reader,
                                   const stele__frame *frame, stele_error *reterr);

/* Behind a place of the part where no good frame stands: goes on to the next good one, and takes
 * the positions between as missing. *ret_found: there is one, at part->end. */
stele_status stele__salvage_skip(stele__log *log, stele__part *part, stele__reader *reader,
                                 stele_position target, bool *ret_found, stele_error *reterr);

/* Opens the next segment behind number `number` that goes on from a position above `last`, up to
 * which history is known; what is between is missing. `part` (or NULL) ends there. *ret_part: a new
 * part, owned; NULL: there is none. */
stele_status stele__salvage_next(stele__log *log, uint64_t number, stele_position last,
                                 stele__part *part, stele__part **ret_part, stele_error *reterr);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that turn parts into index files, merge those, and build missing ones again share.
 * Private to maintain.c, merge.c, rebuild.c and upkeep.c, which say what belongs where. */
#ifndef STELE_LOG_MAINTAIN_H
#define STELE_LOG_MAINTAIN_H

#include "log/engine.h"

/* The present view; a reference. */
stele__view *stele__maintain_view(stele__log *log);

/* ---- maintain.c. Those that change the manifest or the view: maintenance lock held. */

/* The parameters of a new index file; `path` keeps its name. */
stele_status stele__maintain_new_file(stele__log *log, uint64_t number, uint64_t terms,
                                      stele__buffer *path, stele__index_params *ret_params,
                                      stele_error *reterr);
/* Makes the name of a new index file durable, and opens it. */
stele_status stele__maintain_keep_index(stele__log *log, const stele__manifest_index *entry,
                                        stele__index **ret_index, stele_error *reterr);
/* Writes the index file of a part, which nothing is added to. `is_passing`: it is to be merged and
 * removed, and nothing of it needs to be durable. Takes no lock. */
stele_status stele__maintain_write_part(stele__log *log, const stele__part *part, uint64_t number,
                                        bool is_passing, stele__manifest_index *ret_entry,
                                        stele__index **ret_index, stele_error *reterr);
/* Writes a new manifest and keeps it, or leaves the old one. Takes `next` over. */
stele_status stele__maintain_replace_manifest(stele__log *log, stele__manifest *next,
                                              stele_error *reterr);
/* Installs a view in which `index` stands in the place of whatever its range covered: a part, which
 * is `sealed` now (else both are NULL), or index files. */
stele_status stele__maintain_install(stele__log *log, const stele__part *part,
                                     const stele__sealed *sealed, stele__index *index,
                                     stele_error *reterr);
/* Removes a file that no manifest names any more; what cannot be removed, the next opening does. */
void stele__maintain_remove_index(stele__log *log, uint64_t number);
/* Seals a part or reserves a segment, if that is due. Takes the lock. */
stele_status stele__maintain_urgent(stele__log *log, bool *ret_did, stele_error *reterr);

/* ---- merge.c, rebuild.c. No lock held: they take it to begin and to end a piece. */

/* Merges once, if there is something to merge and nobody does it. */
stele_status stele__merge_step(stele__log *log, bool *ret_did, stele_error *reterr);
bool stele__merge_is_due(stele__log *log);
/* Merges neighbours into a file with the number, first and last position of `entry`, whose level
 * and size it sets. */
stele_status stele__merge_write(stele__log *log, stele__index *const *inputs, size_t count,
                                stele__manifest_index *entry, stele__index **ret_index,
                                stele_error *reterr);
/* The level of a file that covers so many segments. */
uint32_t stele__merge_level(size_t segment_count);
/* Builds the newest missing index files that nobody builds, if there are any. */
stele_status stele__rebuild_step(stele__log *log, bool *ret_did, stele_error *reterr);
bool stele__rebuild_is_due(stele__log *log);

#endif

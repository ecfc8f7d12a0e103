/* SPDX-License-Identifier: Apache-2.0 */
/* What recovery carries along. Private to recover.c (what is sealed, the index, taking over) and
 * recover_live.c (the end of the log). */
#ifndef STELE_LOG_RECOVERY_H
#define STELE_LOG_RECOVERY_H

#include "log/engine.h"

typedef struct stele__recovery {
    stele__log *log;
    uint64_t *logs; /* numbers of segment files in the folder, ascending */
    size_t log_count;
    size_t log_capacity;
    uint64_t *index_files;
    size_t index_count;
    size_t index_capacity;
    uint64_t *packed_files;
    size_t packed_count;
    size_t packed_capacity;
    bool is_out_of_memory;
    bool has_half_manifest; /* one half of it is damaged */
    stele__view *view;
    stele_position next;   /* position of the next event */
    stele_position synced; /* the highest that a frame knew to be on stable storage */
    bool lost_good_frames; /* good frames stood behind the torn place */
    stele__part **parts;
    size_t part_count;
    size_t part_capacity;
} stele__recovery;

/* The number in the name of a file that ends like this. */
bool stele__recover_file_number(const char *name, const char *ending, uint64_t *ret_number);
/* Whether a segment is of this store and begins where it should. */
stele_status stele__recover_check_header(const stele__log *log, const stele__segment *segment,
                                         stele_position first, stele_error *reterr);
/* Removes a file of the store's folder; it need not be there. */
stele_status stele__recover_remove_file(stele__log *log, const char *name, stele_error *reterr);
/* Scans the live segments, finds the end of the log, and makes it fit to go on from. */
stele_status stele__recover_live(stele__recovery *state, stele_error *reterr);

#endif

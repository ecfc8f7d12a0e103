/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manifest: which sealed segments and which index files a store consists of, its identity, its
 * epochs, and how it was closed. A small text file, replaced as a whole by rename, and written
 * twice over in itself so that damage to one half is healed from the other. The format is drawn in
 * src/log/README.md.
 *
 * A stele__manifest is confined to whoever holds it.
 */
#ifndef STELE_LOG_MANIFEST_H
#define STELE_LOG_MANIFEST_H

#include "log/index_file.h"

/* An end of history: what lies beyond `cut` in an epoch before `epoch` was lost. */
typedef struct stele__epoch_cut {
    uint64_t epoch;
    stele_position cut;
} stele__epoch_cut;

typedef struct stele__manifest_index {
    uint64_t number; /* names the file */
    uint32_t level;  /* how often merged */
    stele_position first;
    stele_position last;
    uint64_t bytes;
    uint64_t absent; /* from all segments that it covers; not written, as it follows from them */
} stele__manifest_index;

typedef struct stele__manifest {
    const stele_alloc *alloc;
    stele_uuid store;
    stele__hash_key hash_key;
    uint64_t generation; /* grows by one with every write */
    uint64_t epoch;
    uint64_t next_index;  /* number of the next index file */
    bool is_clean;        /* closed in order: the live segment ends where it says below */
    uint8_t boot_id[16];  /* of the machine's run in which a writer had it open */
    uint64_t end_segment; /* clean: where the log ends; else 0 */
    uint64_t end_offset;
    stele_position end_position;
    stele__index_segment *segments; /* sealed, ascending */
    size_t segment_count;
    size_t segment_capacity;
    stele__manifest_index *indexes; /* ascending, disjoint */
    size_t index_count;
    size_t index_capacity;
    stele__epoch_cut *cuts; /* ascending by epoch */
    size_t cut_count;
    size_t cut_capacity;
} stele__manifest;

enum { STELE_MANIFEST_CUTS_MAX = 1024 };

void stele__manifest_init(stele__manifest *manifest, const stele_alloc *alloc);
void stele__manifest_done(stele__manifest *manifest);
/* `to` is initialised and empty. */
stele_status stele__manifest_copy(const stele__manifest *from, stele__manifest *to,
                                  stele_error *reterr);

/* STELE_NOT_FOUND_STORE if there is none; STELE_CORRUPT if both halves are damaged; `*ret_healed`:
 * one was. */
stele_status stele__manifest_read(const stele_vfs *vfs, const char *folder,
                                  stele__manifest *manifest, bool *ret_healed, stele_error *reterr);
/* The generation that the manifest at a path begins with, which is not checked; 0: there is none
 * that can be read. */
uint64_t stele__manifest_peek(const stele_vfs *vfs, const char *path);
/* There are segments in the folder, and no manifest: STELE_CORRUPT. */
stele_status stele__manifest_fail_lost(const char *folder, stele_error *reterr);
/* Grows the generation and replaces the file: written aside, synced, renamed, folder synced. */
stele_status stele__manifest_write(const stele_vfs *vfs, const char *folder,
                                   stele__manifest *manifest, stele_error *reterr);

/* Adding the last one again replaces it: sealing may be tried again after it failed half-way. */
stele_status stele__manifest_add_segment(stele__manifest *manifest,
                                         const stele__index_segment *segment, stele_error *reterr);
/* Says of a segment that it is packed now. */
void stele__manifest_set_packed(stele__manifest *manifest, uint64_t number, uint64_t bytes);
/* Puts `index` in the place of all files that its range covers. */
stele_status stele__manifest_put_index(stele__manifest *manifest,
                                       const stele__manifest_index *index, stele_error *reterr);
stele_status stele__manifest_add_cut(stele__manifest *manifest, stele_position cut,
                                     stele_error *reterr);

/* Up to which position an epoch shares its history with the present one. */
stele_position stele__manifest_valid_until(const stele__manifest *manifest, uint64_t epoch,
                                           stele_position head);

/* Parses one half; for the fuzzer. False: damaged. `manifest` is initialised and empty. */
bool stele__manifest_parse(const char *text, size_t size, stele__manifest *manifest,
                           stele_status *ret_status);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Index files: immutable, sorted, derived from the log.
 *
 * An index file covers a contiguous range of positions, which is that of one or more whole
 * segments. It answers, for a term (a stream, category, type, tag or idempotency key by its name):
 * at which positions of the range do its events stand; and for a position: at which offset of which
 * segment. It holds names in full and compares names, so hash collisions do not exist here. It can
 * be thrown away and built again from the segments. The format is drawn in src/log/README.md.
 *
 * Types: stele__index is immutable after opening and shared (ref/unref, any thread). Builders,
 * postings and iterators are confined to one thread.
 */
#ifndef STELE_LOG_INDEX_FILE_H
#define STELE_LOG_INDEX_FILE_H

#include "base/base.h"

#include <stele/store.h>
#include <stele/sys/vfs.h>

/* What a term is. The numbers are part of the format, and the major sort key. */
typedef enum stele__term_kind {
    STELE_TERM_STREAM = 1,
    STELE_TERM_CATEGORY = 2,
    STELE_TERM_TYPE = 3,
    STELE_TERM_TAG = 4,
    STELE_TERM_KEY = 5
} stele__term_kind;

/* The hash of a term under a store's key. The filter uses it, and the tail. */
uint64_t stele__term_hash(const stele__hash_key *key, stele__term_kind kind, stele_text name);

/* Postings of one term in a file. `first` and `last` are positions. For streams, `base_revision` is
 * the revision of the first posting, and the following ones count up; the last posting may be the
 * tombstone, which has no place in that count. */
typedef struct stele__index_entry {
    uint32_t count; /* at least 1 */
    stele_position first;
    stele_position last;
    stele_revision base_revision;
    bool ends_in_tombstone;
    /* Private: where the list of positions stands, or the list itself, if it is short. */
    uint64_t list_offset;
    uint32_t list_size;
    uint8_t inline_list[64];
} stele__index_entry;

/* A segment that a file covers. */
typedef struct stele__index_segment {
    uint64_t number;
    stele_position first;
    stele_position last;   /* at least first */
    uint64_t bytes;        /* end of the last frame */
    stele_time first_time; /* of the first and last commit */
    stele_time last_time;
    /* Bits of what certainly does not occur in it, so that nobody need ask: STELE_ABSENT_… Kept in
     * the manifest alone, not in index files; see stele__index_set_absent(). */
    uint64_t absent;
    /* Of its packed file; 0: it is not packed. Likewise. */
    uint64_t packed_bytes;
} stele__index_segment;

/* For every kind but streams: no term of that kind. */
#define STELE_ABSENT(kind) (UINT64_C(1) << (kind))
/* No stream whose name begins with "$$". */
#define STELE_ABSENT_METASTREAMS UINT64_C(1)
#define STELE_ABSENT_ALL                                                                           \
    (STELE_ABSENT_METASTREAMS | STELE_ABSENT(STELE_TERM_CATEGORY) |                                \
     STELE_ABSENT(STELE_TERM_TYPE) | STELE_ABSENT(STELE_TERM_TAG) | STELE_ABSENT(STELE_TERM_KEY))
/* The bit that a term would have. 0: none, it may always occur. */
static inline uint64_t stele__term_absent(stele__term_kind kind, stele_text name)
{
    const bool is_metastream = name.size > 2 && name.data[0] == '$' && name.data[1] == '$';
    return kind != STELE_TERM_STREAM ? STELE_ABSENT(kind)
           : is_metastream           ? STELE_ABSENT_METASTREAMS
                                     : 0;
}

/* ---- building ---- */

typedef struct stele__index_builder stele__index_builder;

typedef struct stele__index_params {
    const stele_alloc *alloc;
    const stele_vfs *vfs;
    const char *path; /* of the file to write; it is created or emptied */
    stele_uuid store;
    stele__hash_key hash_key;
    uint64_t term_count_max; /* upper bound of terms, for the filter */
    bool is_passing;         /* it is not synced: it will be gone before that matters */
} stele__index_params;

/* Begins a file. Memory: a few buffers of at most 256 KiB together, plus 1.25 bytes per term of
 * term_count_max (the filter), plus the sparse index (some 20 bytes per 4 KiB of terms), plus the
 * page checksums. Owned: finish or cancel. */
stele_status stele__index_build(const stele__index_params *params,
                                stele__index_builder **ret_builder, stele_error *reterr);

/* Adds a segment, in ascending order, before its offsets and before any term. Offsets follow in one
 * or more calls, one for each position of the segment, strictly ascending. (What an offset means is
 * frame.h's matter: 32-bit numbers here.) */
stele_status stele__index_add_segment(stele__index_builder *builder,
                                      const stele__index_segment *segment, stele_error *reterr);
stele_status stele__index_add_offsets(stele__index_builder *builder, const uint32_t *offsets,
                                      size_t count, stele_error *reterr);

/* Begins a term; strictly ascending by (kind, name bytewise). Positions follow in one or more
 * calls, strictly ascending, within the range. At least one. `base_revision` and
 * `ends_in_tombstone` are for streams. */
stele_status stele__index_add_term(stele__index_builder *builder, stele__term_kind kind,
                                   stele_text name, stele_revision base_revision,
                                   bool ends_in_tombstone, stele_error *reterr);
stele_status stele__index_add_positions(stele__index_builder *builder,
                                        const stele_position *positions, size_t count,
                                        stele_error *reterr);

/* Writes what is left, syncs the file (not the folder) unless it is passing, frees the builder,
 * whatever it returns. */
stele_status stele__index_finish(stele__index_builder *builder, uint64_t *ret_bytes,
                                 stele_error *reterr);
/* Closes and removes the unfinished file, and frees. NULL is fine. */
void stele__index_cancel(stele__index_builder *builder);

/* ---- using ---- */

typedef struct stele__index stele__index;

/* Opens and checks header, section table, sparse index and checksum table (not the pages: they are
 * checked at first touch). STELE_CORRUPT names file and place; also if store, first or last differ
 * from what the manifest says. STELE_NOT_FOUND: no such file. STELE_UNSUPPORTED: newer. The path is
 * copied. */
stele_status stele__index_open(const stele_alloc *alloc, const stele_vfs *vfs, const char *path,
                               stele_mapping mapping, const stele_uuid *store,
                               const stele__hash_key *hash_key, stele_position first,
                               stele_position last, stele__index **ret_index, stele_error *reterr);
/* Has look-ups leave hints for those that come after them, in at most so many bytes; if there is no
 * memory they leave none. Once, before anybody else has the index. */
void stele__index_keep_hints(stele__index *index, size_t bytes_max);
/* Tells what certainly occurs in none of its segments: look-ups of that answer without a look.
 * Likewise. */
void stele__index_set_absent(stele__index *index, uint64_t absent);
uint64_t stele__index_absent(const stele__index *index);
stele__index *stele__index_ref(stele__index *index);
void stele__index_unref(stele__index *index);

/* The path it was opened with; lives as long as the index. */
const char *stele__index_path(const stele__index *index);
stele_position stele__index_first(const stele__index *index);
stele_position stele__index_last(const stele__index *index);
uint64_t stele__index_bytes(const stele__index *index);
uint64_t stele__index_term_count(const stele__index *index);
uint64_t stele__index_posting_count(const stele__index *index);
size_t stele__index_segment_count(const stele__index *index);
const stele__index_segment *stele__index_segment_at(const stele__index *index, size_t number);
/* Asks for some of the file to be brought into memory, if it is mapped; `offset` is below its
 * bytes.
 */
void stele__index_will_read(const stele__index *index, uint64_t offset, uint64_t size);
/* Private memory held by the open index, in bytes (not what is mapped). */
size_t stele__index_memory(const stele__index *index);

/*
 * Stands for an index file that is missing and is to be built again, of one segment. It answers
 * that what is certainly absent from the segment is not there; everything else fails with
 * STELE_CORRUPT_INDEX, and the first position of its range in the error's conflict.position, which
 * no other such failure has.
 */
stele_status stele__index_missing(const stele_alloc *alloc, const stele__index_segment *segment,
                                  stele__index **ret_index, stele_error *reterr);
bool stele__index_is_missing(const stele__index *index);
/* Who builds it: of whoever holds the maintenance lock. */
typedef enum stele__claim { STELE_CLAIM_NONE, STELE_CLAIM_TAKEN, STELE_CLAIM_FAILED } stele__claim;
stele__claim *stele__index_claim(stele__index *index);
/* That failure. */
stele_status stele__index_fail_missing(const stele__index *index, stele_error *reterr);

/* Looks a term up: *ret_found tells. `hash` is stele__term_hash() of it. No allocation. */
stele_status stele__index_find(const stele__index *index, stele__term_kind kind, stele_text name,
                               uint64_t hash, stele__index_entry *ret_entry, bool *ret_found,
                               stele_error *reterr);

/* A hint: a term with this hash is looked up soon. Who asks several files gives it for all of them
 * first, so that he waits for memory once and not once for each. */
void stele__index_prefetch(const stele__index *index, uint64_t hash);
/* A while after that: also what it will look at next. */
void stele__index_prefetch_entry(const stele__index *index, uint64_t hash);
/* A hint: stele__index_offset_of() is asked soon. */
void stele__index_prefetch_offset(const stele__index *index, stele_position position);

/* Access to the postings of one entry. A plain struct of the caller's that caches one decoded
 * block; nothing to free. It must not outlive the index (it holds no reference). */
typedef struct stele__index_postings {
    const stele__index *index;
    stele__index_entry entry;
    uint32_t block;       /* number of the decoded block; UINT32_MAX: none */
    uint32_t block_count; /* postings in it */
    stele_position positions[128];
} stele__index_postings;

void stele__index_postings_init(stele__index_postings *postings, const stele__index *index,
                                const stele__index_entry *entry);
/* The position of the posting with this rank (0 … count - 1). */
stele_status stele__index_position_at(stele__index_postings *postings, uint32_t rank,
                                      stele_position *ret_position, stele_error *reterr);
/* The lowest rank whose position is at or above `position`; count if there is none. Uses the skip
 * table: reads one block. */
stele_status stele__index_rank_of(stele__index_postings *postings, stele_position position,
                                  uint32_t *ret_rank, stele_error *reterr);

/* The offset of a position, which must lie in the range of the file. */
stele_status stele__index_offset_of(const stele__index *index, stele_position position,
                                    uint32_t *ret_offset, stele_error *reterr);

/* Walks over terms in order (kind, name). */
typedef struct stele__index_terms {
    const stele__index *index;
    uint32_t page;
    uint32_t place;        /* byte in the page */
    stele__term_kind kind; /* of the current term */
    size_t name_size;
    char name[STELE_STREAM_NAME_SIZE_MAX]; /* of the current term */
    stele__index_entry entry;
    /* Private: the current page when the file is not mapped; UINT32_MAX: none yet. */
    uint32_t copied_page;
    uint8_t copy[4096];
} stele__index_terms;

/* Stands before the first term at or above (kind, name); next moves on to it. */
stele_status stele__index_terms_seek(stele__index_terms *terms, const stele__index *index,
                                     stele__term_kind kind, stele_text name, stele_error *reterr);
stele_status stele__index_terms_next(stele__index_terms *terms, bool *ret_found,
                                     stele_error *reterr);

/* Merges neighbours (ascending, touching ranges, at least 1) into one file by streaming: bounded
 * memory whatever their size. Terms with the same kind and name are joined; base_revision is the
 * first's. (The revisions of a stream's parts must follow on each other; else STELE_CORRUPT.)
 * `stop`, if not NULL, is looked at now and then: not 0 ends with STELE_CANCELLED. */
stele_status stele__index_merge(const stele__index_params *params, stele__index *const *inputs,
                                size_t input_count, const int *stop, uint64_t *ret_bytes,
                                stele_error *reterr);

/* Opens the same file once more, to be read and not mapped: for check, and for merging. Only its
 * header is known yet. STELE_NOT_FOUND: it has been merged away, or is missing; STELE_CORRUPT:
 * another file stands there by now. */
stele_status stele__index_reopen(const stele__index *index, stele__index **ret_again,
                                 stele_error *reterr);

/* Reads every page and compares checksums, decodes everything, checks order and ranges: the
 * structural half of verify. Calls `damage` for each bad place (NULL: none) and answers
 * STELE_CORRUPT if there was any. Never uses the mapping: opens the file again, or takes `again`,
 * which comes from stele__index_reopen(). */
stele_status stele__index_check_again(stele__index *again,
                                      void (*damage)(void *context, uint64_t offset,
                                                     const char *message),
                                      void *context, stele_error *reterr);
stele_status stele__index_check(stele__index *index,
                                void (*damage)(void *context, uint64_t offset, const char *message),
                                void *context, stele_error *reterr);

#endif

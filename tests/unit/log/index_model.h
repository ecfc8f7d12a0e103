/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an index file must answer, as plain sorted arrays: made at random in many shapes, built into
 * files, cut into neighbouring parts, and compared with what a file says.
 */
#ifndef STELE_TESTS_INDEX_MODEL_H
#define STELE_TESTS_INDEX_MODEL_H

#include "base/base.h"
#include "log/index_file.h"
#include "support/test.h"

typedef enum model_names {
    MODEL_NAMES_SHORT,  /* "t17" */
    MODEL_NAMES_PREFIX, /* a long common beginning */
    MODEL_NAMES_HUGE,   /* up to 1,024 bytes, alike but for the end */
    MODEL_NAMES_DENSE,  /* 1 to 9 of three letters */
    MODEL_NAMES_BYTES,  /* random bytes of all values, 1 to 20 of them */
    MODEL_NAMES_STYLES
} model_names;

typedef enum model_counts {
    MODEL_COUNTS_ONE,   /* one posting each */
    MODEL_COUNTS_FEW,   /* 1 to 5 */
    MODEL_COUNTS_EDGES, /* 1, 2, 3, 127, 128, 129, 255 … */
    MODEL_COUNTS_MANY,  /* up to thousands */
    MODEL_COUNTS_STYLES
} model_counts;

typedef enum model_gaps {
    MODEL_GAPS_RUNS,   /* mostly consecutive */
    MODEL_GAPS_EVEN,   /* anywhere in the range */
    MODEL_GAPS_BURSTS, /* runs far apart */
    MODEL_GAPS_STYLES
} model_gaps;

typedef struct model_shape {
    size_t term_count; /* about */
    model_names names;
    model_counts counts;
    model_gaps gaps;
    uint64_t event_count; /* positions of the range */
    size_t segment_count;
} model_shape;

typedef struct model_term {
    stele__term_kind kind;
    size_t name_size;
    char *name;
    stele_revision base_revision;
    bool ends_in_tombstone;
    uint32_t count;
    stele_position *positions;
} model_term;

typedef struct index_model {
    stele_uuid store;
    stele__hash_key key;
    size_t term_count;
    model_term *terms; /* ascending by kind, name */
    size_t segment_count;
    stele__index_segment *segments;
    uint32_t *offsets; /* of each position */
    uint64_t posting_count;
} index_model;

/* A model of that shape. Owned: model_done(). */
void model_make(index_model *model, const model_shape *shape, uint64_t seed);
/* The part of a model that some of its segments cover. Owned: model_done(). */
void model_cut(const index_model *model, size_t first_segment, size_t segment_count,
               index_model *ret_part);
void model_done(index_model *model);

stele_position model_first(const index_model *model);
stele_position model_last(const index_model *model);
stele_text model_name(const model_term *term);

/* Parameters for a file of the model at `path`. */
stele__index_params model_params(const index_model *model, const char *path);
/* Builds the file with the given allocator and files. */
stele_status model_build(const index_model *model, const stele__index_params *params,
                         uint64_t *ret_bytes, stele_error *reterr);
/* Builds it, with the usual allocator and files, and expects that to work. Returns its size. */
uint64_t model_write(const index_model *model, const char *path);
stele_status model_open(const index_model *model, const char *path, stele_mapping mapping,
                        stele__index **ret_index, stele_error *reterr);
/* Opens it and expects that to work. */
stele__index *model_opened(const index_model *model, const char *path, stele_mapping mapping);

/* Expects every answer of the file to be the model's. */
void model_compare(const index_model *model, const stele__index *index, uint64_t seed);

/* The bytes of a file; *ret_size of them. Owned: test_file_release(). */
uint8_t *test_file_load(const char *path, size_t *ret_size);
void test_file_store(const char *path, const uint8_t *bytes, size_t size);
void test_file_release(uint8_t *bytes, size_t size);

#endif

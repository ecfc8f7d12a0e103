/* SPDX-License-Identifier: Apache-2.0 */
/* The naive model of an index file; see index_model.h. */
#include "index_model.h"

#include <stdio.h>
#include <stdlib.h>

static void *take(size_t count, size_t size)
{
    void *memory = stele__allocate_array(stele_alloc_default(), count, size);
    expect_not_null(memory);
    memset(memory, 0, count * size);
    return memory;
}

static void give(void *memory, size_t count, size_t size)
{
    stele__release(stele_alloc_default(), memory, count * size);
}

/* ---- making ---- */

static size_t make_name(char *name, model_names style, size_t number, stele__prng *prng)
{
    size_t size = 0;
    switch (style) {
    case MODEL_NAMES_SHORT:
        size = (size_t)snprintf(name, 64, "t%zu", number);
        break;
    case MODEL_NAMES_PREFIX:
        size = (size_t)snprintf(name, 64, "package-history-of-debian-bookworm-%08zu:amd64",
                                number * 7);
        break;
    case MODEL_NAMES_HUGE:
        size = 1000 + (size_t)stele__prng_below(prng, 25);
        memset(name, 'x', size);
        (void)snprintf(name + size - 12, 13, "%012zu", number);
        break;
    case MODEL_NAMES_DENSE:
        size = 1 + (size_t)stele__prng_below(prng, 9);
        for (size_t i = 0; i < size; i++) {
            name[i] = "abc"[stele__prng_below(prng, 3)];
        }
        break;
    case MODEL_NAMES_BYTES:
    case MODEL_NAMES_STYLES:
        size = 1 + (size_t)stele__prng_below(prng, 20);
        stele__prng_fill(prng, name, size);
        break;
    }
    return size;
}

static uint32_t make_count(model_counts style, uint64_t range, stele__prng *prng)
{
    static const uint32_t edges[] = {1, 2, 3, 4, 126, 127, 128, 129, 130, 255, 256, 257, 1000};
    uint64_t count = 1;
    switch (style) {
    case MODEL_COUNTS_ONE:
        break;
    case MODEL_COUNTS_FEW:
        count = 1 + stele__prng_below(prng, 5);
        break;
    case MODEL_COUNTS_EDGES:
        count = edges[stele__prng_below(prng, sizeof edges / sizeof *edges)];
        break;
    case MODEL_COUNTS_MANY:
    case MODEL_COUNTS_STYLES:
        count = 1 + stele__prng_below(prng, (uint64_t)1 << stele__prng_below(prng, 18));
        break;
    }
    return (uint32_t)(count < range ? count : range);
}

/* Ascending positions: the gaps that are left over are dealt out in the style asked for. */
static void make_positions(model_term *term, stele_position first, uint64_t range, model_gaps style,
                           stele__prng *prng)
{
    uint64_t spare = range - term->count;
    stele_position position = first;
    for (uint32_t i = 0; i < term->count; i++) {
        const uint64_t left = term->count - i;
        uint64_t gap = 0;
        switch (style) {
        case MODEL_GAPS_RUNS:
            gap = i == 0 || stele__prng_chance(prng, 1, 400)
                      ? stele__prng_below(prng, spare / 4 + 1)
                      : 0;
            break;
        case MODEL_GAPS_EVEN:
            gap = stele__prng_below(prng, 2 * spare / left + 1);
            break;
        case MODEL_GAPS_BURSTS:
        case MODEL_GAPS_STYLES:
            gap = stele__prng_chance(prng, 1, 12) ? stele__prng_below(prng, spare / 6 + 1)
                                                  : stele__prng_below(prng, 3);
            break;
        }
        gap = gap < spare ? gap : spare;
        spare -= gap;
        position += gap;
        term->positions[i] = position++;
    }
}

static int compare_terms(const void *a, const void *b)
{
    const model_term *left = a;
    const model_term *right = b;
    if (left->kind != right->kind) {
        return left->kind < right->kind ? -1 : 1;
    }
    return stele__text_compare(model_name(left), model_name(right));
}

static void make_segments(index_model *model, const model_shape *shape, stele__prng *prng)
{
    stele_position next = 1 + stele__prng_below(prng, 1000000);
    model->segment_count = shape->segment_count;
    model->segments = take(model->segment_count, sizeof *model->segments);
    model->offsets = take(shape->event_count, sizeof *model->offsets);
    uint64_t place = 0;
    for (size_t i = 0; i < model->segment_count; i++) {
        stele__index_segment *segment = &model->segments[i];
        const uint64_t count = shape->event_count * (i + 1) / model->segment_count - place;
        uint32_t offset = 64;
        segment->number = 10 + 3 * i;
        segment->first = next;
        segment->last = next + count - 1;
        segment->first_time = (stele_time)(i * 1000) - 500;
        segment->last_time = (stele_time)(i * 1000) + 400;
        next += count;
        for (uint64_t event = 0; event < count; event++) {
            model->offsets[place++] = offset;
            offset +=
                1 + (uint32_t)stele__prng_below(prng, stele__prng_chance(prng, 1, 50) ? 5000 : 400);
        }
        segment->bytes = offset;
    }
}

static void make_term(model_term *term, const model_shape *shape, size_t number,
                      stele_position first, stele__prng *prng)
{
    char name[STELE_STREAM_NAME_SIZE_MAX + 1];
    term->kind = (stele__term_kind)(1 + stele__prng_below(prng, 5));
    term->name_size = make_name(name, shape->names, number, prng);
    term->name = take(term->name_size, 1);
    memcpy(term->name, name, term->name_size);
    term->count = make_count(shape->counts, shape->event_count, prng);
    term->positions = take(term->count, sizeof *term->positions);
    make_positions(term, first, shape->event_count, shape->gaps, prng);
    if (term->kind == STELE_TERM_STREAM) {
        term->base_revision = stele__prng_below(prng, stele__prng_chance(prng, 1, 2) ? 1 : 1000000);
        term->ends_in_tombstone = stele__prng_chance(prng, 1, 10);
    }
}

static void free_term(model_term *term)
{
    give(term->name, term->name_size, 1);
    give(term->positions, term->count, sizeof *term->positions);
}

void model_make(index_model *model, const model_shape *shape, uint64_t seed)
{
    stele__prng prng;
    stele__prng_seed(&prng, seed);
    memset(model, 0, sizeof *model);
    stele__prng_fill(&prng, &model->store, sizeof model->store);
    stele__prng_fill(&prng, &model->key, sizeof model->key);
    make_segments(model, shape, &prng);
    model->terms = take(shape->term_count, sizeof *model->terms);
    for (size_t i = 0; i < shape->term_count; i++) {
        make_term(&model->terms[i], shape, i, model_first(model), &prng);
    }
    qsort(model->terms, shape->term_count, sizeof *model->terms, compare_terms);
    for (size_t i = 0; i < shape->term_count; i++) {
        if (i > 0 && compare_terms(&model->terms[model->term_count - 1], &model->terms[i]) == 0) {
            free_term(&model->terms[i]);
        } else {
            model->posting_count += model->terms[i].count;
            model->terms[model->term_count++] = model->terms[i];
        }
    }
    model->terms =
        stele__resize(stele_alloc_default(), model->terms, shape->term_count * sizeof *model->terms,
                      model->term_count * sizeof *model->terms);
    expect_not_null(model->terms);
}

void model_cut(const index_model *model, size_t first_segment, size_t segment_count,
               index_model *ret_part)
{
    const stele_position first = model->segments[first_segment].first;
    const stele_position last = model->segments[first_segment + segment_count - 1].last;
    memset(ret_part, 0, sizeof *ret_part);
    ret_part->store = model->store;
    ret_part->key = model->key;
    ret_part->segment_count = segment_count;
    ret_part->segments = take(segment_count, sizeof *ret_part->segments);
    memcpy(ret_part->segments, model->segments + first_segment,
           segment_count * sizeof *ret_part->segments);
    ret_part->offsets = take(last - first + 1, sizeof *ret_part->offsets);
    memcpy(ret_part->offsets, model->offsets + (first - model_first(model)),
           (last - first + 1) * sizeof *ret_part->offsets);
    model_term *parts = take(model->term_count, sizeof *parts);
    for (size_t i = 0; i < model->term_count; i++) {
        const model_term *term = &model->terms[i];
        uint32_t before = 0;
        uint32_t within = 0;
        for (uint32_t rank = 0; rank < term->count; rank++) {
            before += term->positions[rank] < first;
            within += term->positions[rank] >= first && term->positions[rank] <= last;
        }
        if (within == 0) {
            continue;
        }
        model_term *part = &parts[ret_part->term_count++];
        *part = *term;
        part->name = take(term->name_size, 1);
        memcpy(part->name, term->name, term->name_size);
        part->count = within;
        part->positions = take(within, sizeof *part->positions);
        memcpy(part->positions, term->positions + before, within * sizeof *part->positions);
        part->base_revision += term->kind == STELE_TERM_STREAM ? before : 0;
        part->ends_in_tombstone = term->ends_in_tombstone && before + within == term->count;
        ret_part->posting_count += within;
    }
    ret_part->terms = stele__resize(stele_alloc_default(), parts, model->term_count * sizeof *parts,
                                    ret_part->term_count * sizeof *parts);
    expect_not_null(ret_part->terms);
}

void model_done(index_model *model)
{
    const uint64_t event_count = model_last(model) - model_first(model) + 1;
    for (size_t i = 0; i < model->term_count; i++) {
        free_term(&model->terms[i]);
    }
    give(model->terms, model->term_count, sizeof *model->terms);
    give(model->offsets, event_count, sizeof *model->offsets);
    give(model->segments, model->segment_count, sizeof *model->segments);
}

stele_position model_first(const index_model *model)
{
    return model->segments[0].first;
}

stele_position model_last(const index_model *model)
{
    return model->segments[model->segment_count - 1].last;
}

stele_text model_name(const model_term *term)
{
    return (stele_text){term->name, term->name_size};
}

/* ---- building and opening ---- */

stele__index_params model_params(const index_model *model, const char *path)
{
    return (stele__index_params){.alloc = stele_alloc_default(),
                                 .vfs = stele_vfs_system(),
                                 .path = path,
                                 .store = model->store,
                                 .hash_key = model->key,
                                 .term_count_max = model->term_count};
}

static stele_status add_segments(const index_model *model, stele__index_builder *builder,
                                 stele_error *reterr)
{
    for (size_t i = 0; i < model->segment_count; i++) {
        const stele__index_segment *segment = &model->segments[i];
        STELE_TRY(stele__index_add_segment(builder, segment, reterr));
        for (stele_position at = segment->first; at <= segment->last;) {
            const uint64_t left = segment->last - at + 1;
            const size_t part = left < 1000 ? (size_t)left : 1000;
            STELE_TRY(stele__index_add_offsets(builder, model->offsets + (at - model_first(model)),
                                               part, reterr));
            at += part;
        }
    }
    return STELE_OK;
}

static stele_status add_terms(const index_model *model, stele__index_builder *builder,
                              stele_error *reterr)
{
    for (size_t i = 0; i < model->term_count; i++) {
        const model_term *term = &model->terms[i];
        STELE_TRY(stele__index_add_term(builder, term->kind, model_name(term), term->base_revision,
                                        term->ends_in_tombstone, reterr));
        for (uint32_t rank = 0; rank < term->count;) {
            const uint32_t part = term->count - rank < 333 ? term->count - rank : 333;
            STELE_TRY(stele__index_add_positions(builder, term->positions + rank, part, reterr));
            rank += part;
        }
    }
    return STELE_OK;
}

stele_status model_build(const index_model *model, const stele__index_params *params,
                         uint64_t *ret_bytes, stele_error *reterr)
{
    stele__index_builder *builder = NULL;
    STELE_TRY(stele__index_build(params, &builder, reterr));
    stele_status status = add_segments(model, builder, reterr);
    if (status == STELE_OK) {
        status = add_terms(model, builder, reterr);
    }
    if (status != STELE_OK) {
        stele__index_cancel(builder);
        return status;
    }
    return stele__index_finish(builder, ret_bytes, reterr);
}

uint64_t model_write(const index_model *model, const char *path)
{
    const stele__index_params params = model_params(model, path);
    stele_error error;
    uint64_t bytes = 0;
    expect_ok(model_build(model, &params, &bytes, &error), &error);
    return bytes;
}

stele_status model_open(const index_model *model, const char *path, stele_mapping mapping,
                        stele__index **ret_index, stele_error *reterr)
{
    enum { HINT_BYTES = 1024 }; /* few: they are often pushed out */
    STELE_TRY(stele__index_open(stele_alloc_default(), stele_vfs_system(), path, mapping,
                                &model->store, &model->key, model_first(model), model_last(model),
                                ret_index, reterr));
    stele__index_keep_hints(*ret_index, HINT_BYTES);
    return STELE_OK;
}

stele__index *model_opened(const index_model *model, const char *path, stele_mapping mapping)
{
    stele_error error;
    stele__index *index = NULL;
    expect_ok(model_open(model, path, mapping, &index, &error), &error);
    return index;
}

/* ---- comparing ---- */

static uint32_t rank_in_model(const model_term *term, stele_position position)
{
    uint32_t low = 0;
    uint32_t high = term->count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (term->positions[middle] < position) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void compare_entry(const model_term *term, const stele__index_entry *entry)
{
    expect_uint(entry->count, term->count);
    expect_uint(entry->first, term->positions[0]);
    expect_uint(entry->last, term->positions[term->count - 1]);
    expect_uint(entry->base_revision, term->base_revision);
    expect_int(entry->ends_in_tombstone, term->ends_in_tombstone);
}

static void compare_postings(const model_term *term, const stele__index *index,
                             const stele__index_entry *entry, stele__prng *prng)
{
    stele__index_postings postings;
    stele_error error;
    stele_position position = 0;
    uint32_t rank = 0;
    stele__index_postings_init(&postings, index, entry);
    for (uint32_t i = 0; i < term->count; i++) {
        expect_ok(stele__index_position_at(&postings, i, &position, &error), &error);
        if (position != term->positions[i]) {
            expect_uint(position, term->positions[i]);
        }
    }
    const uint32_t probes = term->count < 20 ? term->count * 2 : 40;
    for (uint32_t i = 0; i < probes; i++) {
        const uint32_t near = (uint32_t)stele__prng_below(prng, term->count);
        const stele_position wanted = term->positions[near] + stele__prng_below(prng, 3) - 1;
        expect_ok(stele__index_rank_of(&postings, wanted, &rank, &error), &error);
        expect_uint(rank, rank_in_model(term, wanted));
        expect_ok(stele__index_position_at(&postings, near, &position, &error), &error);
        expect_uint(position, term->positions[near]);
    }
    expect_error(stele__index_position_at(&postings, term->count, &position, &error), &error,
                 STELE_INVALID);
    expect_ok(stele__index_rank_of(&postings, 0, &rank, &error), &error);
    expect_uint(rank, 0);
    expect_ok(stele__index_rank_of(&postings, UINT64_MAX, &rank, &error), &error);
    expect_uint(rank, term->count);
}

static void compare_offset(const index_model *model, const stele__index *index,
                           stele_position position)
{
    uint32_t offset = 0;
    stele_error error;
    expect_ok(stele__index_offset_of(index, position, &offset, &error), &error);
    if (offset != model->offsets[position - model_first(model)]) {
        expect_uint(offset, model->offsets[position - model_first(model)]);
    }
}

static void compare_segments(const index_model *model, const stele__index *index, stele__prng *prng)
{
    expect_uint(stele__index_segment_count(index), model->segment_count);
    for (size_t i = 0; i < model->segment_count; i++) {
        const stele__index_segment *segment = stele__index_segment_at(index, i);
        expect_bytes(segment, sizeof *segment, &model->segments[i], sizeof *segment);
    }
    stele_error error;
    uint32_t offset;
    for (stele_position position = model_first(model); position <= model_last(model); position++) {
        compare_offset(model, index, position);
    }
    for (int i = 0; i < 200; i++) {
        compare_offset(model, index,
                       model_first(model) +
                           stele__prng_below(prng, model_last(model) - model_first(model) + 1));
    }
    expect_error(stele__index_offset_of(index, model_first(model) - 1, &offset, &error), &error,
                 STELE_INVALID);
    expect_error(stele__index_offset_of(index, model_last(model) + 1, &offset, &error), &error,
                 STELE_INVALID);
}

/* All terms by walking, and each by name. */
static void compare_terms_of(const index_model *model, const stele__index *index, stele__prng *prng)
{
    stele__index_terms terms;
    stele_error error;
    bool found = false;
    expect_ok(stele__index_terms_seek(&terms, index, STELE_TERM_STREAM, stele__text(""), &error),
              &error);
    for (size_t i = 0; i < model->term_count; i++) {
        const model_term *term = &model->terms[i];
        stele__index_entry entry;
        expect_ok(stele__index_terms_next(&terms, &found, &error), &error);
        expect_true(found);
        expect_int((int)terms.kind, (int)term->kind);
        expect_text(((stele_text){terms.name, terms.name_size}), model_name(term));
        compare_entry(term, &terms.entry);
        const uint64_t hash = stele__term_hash(&model->key, term->kind, model_name(term));
        for (unsigned again = 0; again < 2; again++) { /* then there is a hint */
            expect_ok(stele__index_find(index, term->kind, model_name(term), hash, &entry, &found,
                                        &error),
                      &error);
            expect_true(found);
            compare_entry(term, &entry);
        }
        compare_postings(term, index, stele__prng_chance(prng, 1, 2) ? &entry : &terms.entry, prng);
    }
    expect_ok(stele__index_terms_next(&terms, &found, &error), &error);
    expect_false(found);
    expect_ok(stele__index_terms_next(&terms, &found, &error), &error);
    expect_false(found);
}

/* A name near one of the model's, or the same. */
static size_t near_name(const model_term *term, char *name, stele__prng *prng)
{
    size_t size = term->name_size;
    memcpy(name, term->name, size);
    switch (stele__prng_below(prng, 5)) {
    case 0:
        name[size - 1]++;
        break;
    case 1:
        size -= size > 1;
        break;
    case 2:
        if (size < STELE_STREAM_NAME_SIZE_MAX) {
            name[size++] = (char)stele__prng_below(prng, 256);
        }
        break;
    case 3:
        name[stele__prng_below(prng, size)] = (char)('a' + (int)stele__prng_below(prng, 4));
        break;
    default:
        break;
    }
    return size;
}

/* Looks for names that may be absent, and seeks them. */
static void compare_seeks(const index_model *model, const stele__index *index, stele__prng *prng)
{
    for (size_t i = 0; i < 1000; i++) {
        char bytes[STELE_STREAM_NAME_SIZE_MAX];
        const model_term *near = &model->terms[stele__prng_below(prng, model->term_count)];
        model_term wanted = {.kind = near->kind, .name = bytes};
        wanted.name_size = near_name(near, bytes, prng);
        if (stele__prng_chance(prng, 1, 8)) {
            wanted.kind = (stele__term_kind)(1 + stele__prng_below(prng, 6));
        }
        size_t low = 0;
        for (size_t high = model->term_count; low < high;) {
            const size_t middle = low + (high - low) / 2;
            if (compare_terms(&model->terms[middle], &wanted) < 0) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        const bool is_there =
            low < model->term_count && compare_terms(&model->terms[low], &wanted) == 0;
        stele__index_terms terms;
        stele__index_entry entry;
        stele_error error;
        bool found = !is_there;
        const uint64_t hash = stele__term_hash(&model->key, wanted.kind, model_name(&wanted));
        expect_ok(stele__index_find(index, wanted.kind, model_name(&wanted), hash, &entry, &found,
                                    &error),
                  &error);
        expect_int(found, is_there);
        /* With the hash of a term that exists, the filter has nothing against it. */
        const uint64_t near_hash = stele__term_hash(&model->key, near->kind, model_name(near));
        expect_ok(stele__index_find(index, wanted.kind, model_name(&wanted), near_hash, &entry,
                                    &found, &error),
                  &error);
        expect_int(found, is_there);
        expect_ok(stele__index_terms_seek(&terms, index, wanted.kind, model_name(&wanted), &error),
                  &error);
        for (size_t steps = 0; steps < 20; steps++, low++) {
            expect_ok(stele__index_terms_next(&terms, &found, &error), &error);
            expect_int(found, low < model->term_count);
            if (!found) {
                break;
            }
            expect_int((int)terms.kind, (int)model->terms[low].kind);
            expect_text(((stele_text){terms.name, terms.name_size}),
                        model_name(&model->terms[low]));
            compare_entry(&model->terms[low], &terms.entry);
        }
    }
}

void model_compare(const index_model *model, const stele__index *index, uint64_t seed)
{
    stele__prng prng;
    stele__prng_seed(&prng, seed);
    expect_uint(stele__index_first(index), model_first(model));
    expect_uint(stele__index_last(index), model_last(model));
    expect_uint(stele__index_term_count(index), model->term_count);
    expect_uint(stele__index_posting_count(index), model->posting_count);
    compare_segments(model, index, &prng);
    compare_terms_of(model, index, &prng);
    compare_seeks(model, index, &prng);
}

/* ---- files ---- */

uint8_t *test_file_load(const char *path, size_t *ret_size)
{
    const stele_vfs *vfs = stele_vfs_system();
    stele_file *file;
    uint64_t size;
    size_t done;
    expect_int(vfs->open(vfs, path, STELE_FILE_READ, &file), 0);
    expect_int(vfs->size(file, &size), 0);
    uint8_t *bytes = take(size + 1, 1);
    expect_int(vfs->read(file, 0, bytes, size, &done), 0);
    expect_uint(done, size);
    vfs->close(file);
    *ret_size = size;
    return bytes;
}

void test_file_store(const char *path, const uint8_t *bytes, size_t size)
{
    const stele_vfs *vfs = stele_vfs_system();
    stele_file *file;
    expect_int(vfs->open(vfs, path, STELE_FILE_WRITE | STELE_FILE_CREATE, &file), 0);
    expect_int(vfs->truncate(file, 0), 0);
    expect_int(vfs->write(file, 0, bytes, size), 0);
    vfs->close(file);
}

void test_file_release(uint8_t *bytes, size_t size)
{
    give(bytes, size + 1, 1);
}

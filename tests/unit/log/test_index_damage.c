/* SPDX-License-Identifier: Apache-2.0 */
/* Damaged index files are recognised, and never answer something else; forged ones do no harm. */
#include "index_model.h"

#include "log/index_format.h"

static const model_shape small = {60, MODEL_NAMES_SHORT, MODEL_COUNTS_EDGES, MODEL_GAPS_BURSTS, 700,
                                  2};

/* A small model, and its file as bytes. */
typedef struct sample_file {
    index_model model;
    const char *path;
    uint8_t *bytes;
    size_t size;
} sample_file;

static void make_sample(sample_file *sample, const model_shape *shape)
{
    model_make(&sample->model, shape, test_seed());
    sample->path = test_path(test_folder(), "index");
    (void)model_write(&sample->model, sample->path);
    sample->bytes = test_file_load(sample->path, &sample->size);
}

static void free_sample(sample_file *sample)
{
    test_file_release(sample->bytes, sample->size);
    model_done(&sample->model);
}

/* Makes the checksums of changed pages right again. */
static void repair(uint8_t *bytes, size_t size)
{
    if (size < STELE_INDEX_PAGE_SIZE) {
        return;
    }
    const uint64_t checksums = stele__load64(bytes + 96 + 16 * STELE_INDEX_CHECKSUMS);
    const uint64_t page_count = checksums / STELE_INDEX_PAGE_SIZE;
    if (checksums % STELE_INDEX_PAGE_SIZE == 0 && checksums <= size && page_count > 0 &&
        4 * (page_count - 1) <= size - checksums) {
        for (uint64_t page = 1; page < page_count; page++) {
            stele__store32(bytes + checksums + 4 * (page - 1),
                           stele__crc32c(0, bytes + page * STELE_INDEX_PAGE_SIZE,
                                         STELE_INDEX_PAGE_SIZE));
        }
        stele__store32(bytes + 88, stele__crc32c(0, bytes + checksums, 4 * (page_count - 1)));
    }
    stele__store32(bytes + STELE_INDEX_PAGE_SIZE - 4,
                   stele__crc32c(0, bytes, STELE_INDEX_PAGE_SIZE - 4));
}

/* STELE_OK, or STELE_CORRUPT with the name of the file and a place. */
static bool is_right(stele_status status, const stele_error *error)
{
    if (status == STELE_OK) {
        return true;
    }
    expect_error(status, error, STELE_CORRUPT);
    expect_contains((const char *)error->message, "index, offset ");
    return false;
}

/* Whatever an index still answers is what the model says. */
static void expect_no_lie(const index_model *model, const stele__index *index)
{
    stele_error error;
    for (size_t i = 0; i < model->term_count; i++) {
        const model_term *term = &model->terms[i];
        const uint64_t hash = stele__term_hash(&model->key, term->kind, model_name(term));
        stele__index_entry entry;
        bool found = false;
        if (!is_right(stele__index_find(index, term->kind, model_name(term), hash, &entry, &found,
                                        &error),
                      &error)) {
            continue;
        }
        expect_true(found);
        expect_uint(entry.count, term->count);
        expect_uint(entry.base_revision, term->base_revision);
        stele__index_postings postings;
        stele__index_postings_init(&postings, index, &entry);
        for (uint32_t rank = 0; rank < term->count; rank += 50) {
            stele_position position;
            if (is_right(stele__index_position_at(&postings, rank, &position, &error), &error)) {
                expect_uint(position, term->positions[rank]);
            }
        }
    }
    for (stele_position position = model_first(model); position <= model_last(model);
         position += 100) {
        uint32_t offset;
        if (is_right(stele__index_offset_of(index, position, &offset, &error), &error)) {
            expect_uint(offset, model->offsets[position - model_first(model)]);
        }
    }
}

static void flip(const char *path, uint8_t *bytes, uint64_t bit)
{
    const stele_vfs *vfs = stele_vfs_system();
    stele_file *file;
    bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    expect_int(vfs->open(vfs, path, STELE_FILE_WRITE, &file), 0);
    expect_int(vfs->write(file, bit / 8, bytes + bit / 8, 1), 0);
    vfs->close(file);
}

static void count_damage(void *context, uint64_t offset, const char *message)
{
    unsigned *count = context;
    expect_true(message[0] != '\0');
    expect_true(offset < UINT32_MAX);
    (*count)++;
}

/* The stride has no factor in common with 8, so that every byte is hit; all bits if scaled up. */
TEST_WITHIN(a_flipped_bit_is_found_and_never_lies, 120)
{
    const uint64_t stride = test_scaled(1) > 1 ? 1 : 7;
    sample_file sample;
    make_sample(&sample, &small);
    stele__index *before = model_opened(&sample.model, sample.path, STELE_PREAD);
    for (uint64_t bit = 0; bit < 8 * (uint64_t)sample.size; bit += stride) {
        unsigned damage_count = 0;
        stele_error error;
        stele__index *index = NULL;
        flip(sample.path, sample.bytes, bit);
        expect_error(stele__index_check(before, count_damage, &damage_count, &error), &error,
                     STELE_CORRUPT);
        expect_uint(damage_count, 1);
        const stele_mapping mapping = bit / stride % 2 ? STELE_MAP : STELE_PREAD;
        if (is_right(model_open(&sample.model, sample.path, mapping, &index, &error), &error)) {
            expect_no_lie(&sample.model, index);
            stele__index_unref(index);
        }
        flip(sample.path, sample.bytes, bit);
    }
    stele_error error;
    expect_ok(stele__index_check(before, NULL, NULL, &error), &error);
    stele__index_unref(before);
    free_sample(&sample);
}

TEST(a_file_of_another_length_is_not_opened)
{
    sample_file sample;
    stele_error error;
    stele__index *index = NULL;
    make_sample(&sample, &small);
    const stele_vfs *vfs = stele_vfs_system();
    stele_file *file;
    expect_int(vfs->open(vfs, sample.path, STELE_FILE_WRITE, &file), 0);
    for (size_t size = sample.size + 3; size-- > 0;) {
        if (size != sample.size) {
            expect_int(vfs->truncate(file, size), 0);
            const stele_mapping mapping = size % 2 ? STELE_MAP : STELE_PREAD;
            expect_error(model_open(&sample.model, sample.path, mapping, &index, &error), &error,
                         STELE_CORRUPT);
        } else {
            test_file_store(sample.path, sample.bytes, sample.size);
        }
    }
    vfs->close(file);
    free_sample(&sample);
}

TEST(a_missing_file_is_not_found)
{
    sample_file sample;
    stele_error error;
    stele__index *index = NULL;
    make_sample(&sample, &small);
    expect_int(stele_vfs_system()->remove(stele_vfs_system(), sample.path), 0);
    expect_error(model_open(&sample.model, sample.path, STELE_MAP, &index, &error), &error,
                 STELE_NOT_FOUND);
    expect_contains((const char *)error.message, "index");
    free_sample(&sample);
}

TEST(a_newer_format_is_not_supported)
{
    sample_file sample;
    stele_error error;
    stele__index *index = NULL;
    make_sample(&sample, &small);
    stele__store32(sample.bytes + 8, 2);
    repair(sample.bytes, sample.size);
    test_file_store(sample.path, sample.bytes, sample.size);
    expect_error(model_open(&sample.model, sample.path, STELE_MAP, &index, &error), &error,
                 STELE_UNSUPPORTED_VERSION);
    free_sample(&sample);
}

/* Fields of the header that say something impossible, checksums being right. */
typedef struct forged_field {
    size_t offset;
    unsigned size;
    uint64_t value;
} forged_field;

static const forged_field forged_fields[] = {
    {8, 4, 0},                                             /* format 0 */
    {12, 4, 8192},                                         /* page size */
    {32, 8, 0},                                            /* first position 0 */
    {40, 8, 1},                                            /* last before first */
    {40, 8, UINT64_MAX},                                   /* range too large */
    {48, 8, 0},                                            /* no terms, but pages of them */
    {56, 8, 1},                                            /* fewer postings than terms */
    {64, 8, 1 << 20},                                      /* file size */
    {80, 4, 0},                                            /* pages of terms */
    {80, 4, 1000},       {84, 4, 0},                       /* segments */
    {84, 4, 3},          {84, 4, UINT32_MAX},  {92, 4, 1}, /* reserved */
    {96, 8, 0},                                            /* sections */
    {104, 8, 4095},      {104, 8, UINT64_MAX}, {112, 8, UINT64_MAX}, {120, 8, 0},
    {128, 8, 4096},      {136, 8, UINT64_MAX}, {144, 8, 63},         {152, 8, 0},
    {152, 8, 65},        {160, 8, 0},          {168, 8, 0},          {176, 1, 1}, /* reserved */
    {4091, 1, 0x80},
};

TEST_ROWS(a_forged_header_is_recognised, forged_fields)
{
    const forged_field *forged = &forged_fields[row];
    sample_file sample;
    stele_error error;
    stele__index *index = NULL;
    make_sample(&sample, &small);
    stele__index *before = model_opened(&sample.model, sample.path, STELE_MAP);
    for (unsigned i = 0; i < forged->size; i++) {
        sample.bytes[forged->offset + i] = (uint8_t)(forged->value >> 8 * i);
    }
    stele__store32(sample.bytes + STELE_INDEX_PAGE_SIZE - 4,
                   stele__crc32c(0, sample.bytes, STELE_INDEX_PAGE_SIZE - 4));
    const char *path = test_path(test_folder(), "index");
    test_file_store(path, sample.bytes, sample.size);
    expect_error(model_open(&sample.model, path, STELE_MAP, &index, &error), &error, STELE_CORRUPT);
    expect_error(model_open(&sample.model, path, STELE_PREAD, &index, &error), &error,
                 STELE_CORRUPT);
    stele__index_unref(before);
    free_sample(&sample);
}

TEST(a_file_of_another_store_range_or_key_is_not_opened)
{
    sample_file sample;
    stele_error error;
    stele__index *index = NULL;
    make_sample(&sample, &small);
    const stele_alloc *alloc = stele_alloc_default();
    const stele_vfs *vfs = stele_vfs_system();
    stele_uuid store = sample.model.store;
    stele__hash_key key = sample.model.key;
    const stele_position first = model_first(&sample.model);
    const stele_position last = model_last(&sample.model);
    store.bytes[15] ^= 1;
    expect_error(stele__index_open(alloc, vfs, sample.path, STELE_MAP, &store, &key, first, last,
                                   &index, &error),
                 &error, STELE_CORRUPT);
    store.bytes[15] ^= 1;
    expect_error(stele__index_open(alloc, vfs, sample.path, STELE_MAP, &store, &key, first + 1,
                                   last, &index, &error),
                 &error, STELE_CORRUPT);
    expect_error(stele__index_open(alloc, vfs, sample.path, STELE_MAP, &store, &key, first,
                                   last - 1, &index, &error),
                 &error, STELE_CORRUPT);
    key.k0 ^= 1;
    expect_error(stele__index_open(alloc, vfs, sample.path, STELE_MAP, &store, &key, first, last,
                                   &index, &error),
                 &error, STELE_CORRUPT);
    key.k0 ^= 1;
    expect_ok(stele__index_open(alloc, vfs, sample.path, STELE_MAP, &store, &key, first, last,
                                &index, &error),
              &error);
    stele__index_unref(index);
    free_sample(&sample);
}

TEST(check_reports_every_damaged_page)
{
    sample_file sample;
    stele_error error;
    unsigned damage_count = 0;
    make_sample(&sample, &(model_shape){3000, MODEL_NAMES_PREFIX, MODEL_COUNTS_EDGES,
                                        MODEL_GAPS_EVEN, 9000, 3});
    stele__index *index = model_opened(&sample.model, sample.path, STELE_MAP);
    for (uint64_t page = 3; page < 3 + 5 * 7; page += 7) {
        flip(sample.path, sample.bytes, 8 * STELE_INDEX_PAGE_SIZE * page + 77);
    }
    expect_error(stele__index_check(index, count_damage, &damage_count, &error), &error,
                 STELE_CORRUPT);
    expect_uint(damage_count, 5);
    expect_contains((const char *)error.message, "offset 12288");
    stele__index_unref(index);
    free_sample(&sample);
}

TEST(check_recognises_another_file_at_its_path)
{
    sample_file sample;
    stele_error error;
    make_sample(&sample, &small);
    stele__index *index = model_opened(&sample.model, sample.path, STELE_PREAD);
    index_model other;
    model_make(&other, &small, test_seed() + 1);
    (void)model_write(&other, test_path(test_folder(), "other"));
    (void)stele_vfs_system()->remove(stele_vfs_system(), sample.path);
    (void)model_write(&other, sample.path);
    expect_error(stele__index_check(index, NULL, NULL, &error), &error, STELE_CORRUPT);
    model_done(&other);
    stele__index_unref(index);
    free_sample(&sample);
}

/* ---- forged files ---- */

/* Asks an index everything; whatever it answers, it must end, and stay in bounds. */
static void exercise(const index_model *model, stele__index *index, stele__prng *prng)
{
    stele__index_terms *terms = stele__allocate(stele_alloc_default(), sizeof *terms);
    stele__index_postings postings;
    stele__index_entry entry;
    stele_position position;
    uint32_t number;
    bool found = true;
    expect_not_null(terms);
    for (size_t i = 0; i < model->term_count; i++) {
        const model_term *term = &model->terms[i];
        const uint64_t hash = stele__term_hash(&model->key, term->kind, model_name(term));
        (void)stele__index_find(index, term->kind, model_name(term), hash, &entry, &found, NULL);
        (void)stele__index_terms_seek(terms, index, term->kind, model_name(term), NULL);
        (void)stele__index_terms_next(terms, &found, NULL);
    }
    uint64_t walked = 0;
    stele_status status =
        stele__index_terms_seek(terms, index, STELE_TERM_STREAM, stele__text(""), NULL);
    while (status == STELE_OK && stele__index_terms_next(terms, &found, NULL) == STELE_OK &&
           found) {
        expect_true(++walked < 5000);
        stele__index_postings_init(&postings, index, &terms->entry);
        for (uint32_t i = 0; i < 20; i++) {
            (void)stele__index_position_at(&postings,
                                           (uint32_t)stele__prng_below(prng, terms->entry.count),
                                           &position, NULL);
            (void)stele__index_rank_of(&postings,
                                       terms->entry.first +
                                           stele__prng_below(prng, terms->entry.last -
                                                                       terms->entry.first + 1),
                                       &number, NULL);
        }
    }
    for (position = stele__index_first(index); position - stele__index_first(index) < 800;
         position += 5) {
        (void)stele__index_offset_of(index, position, &number, NULL);
    }
    (void)stele__index_check(index, NULL, NULL, NULL);
    stele__release(stele_alloc_default(), terms, sizeof *terms);
}

static void forge(uint8_t *bytes, size_t size, stele__prng *prng)
{
    const uint64_t changes = 1 + stele__prng_below(prng, 4);
    for (uint64_t i = 0; i < changes; i++) {
        const bool is_in_header = stele__prng_chance(prng, 1, 4);
        const uint64_t place =
            is_in_header ? 32 + stele__prng_below(prng, 150) : stele__prng_below(prng, size);
        switch (stele__prng_below(prng, 4)) {
        case 0:
            bytes[place] = (uint8_t)stele__prng_next(prng);
            break;
        case 1:
            bytes[place] = stele__prng_chance(prng, 1, 2) ? 0xff : 0;
            break;
        case 2:
            bytes[place] = (uint8_t)(bytes[place] + 1 - 2 * (int)stele__prng_below(prng, 2));
            break;
        default:
            memmove(bytes + place, bytes + stele__prng_below(prng, size / 2),
                    (size - place) / 2 < 40 ? 1 : 40);
            break;
        }
    }
    repair(bytes, size);
}

TEST_WITHIN(forged_files_do_no_harm, 120)
{
    const model_shape shapes[] = {
        small,
        {30, MODEL_NAMES_BYTES, MODEL_COUNTS_MANY, MODEL_GAPS_EVEN, 60000, 3},
        {40, MODEL_NAMES_HUGE, MODEL_COUNTS_EDGES, MODEL_GAPS_BURSTS, 3000, 1},
    };
    const uint64_t rounds = test_scaled(400);
    stele__prng prng;
    uint64_t opened = 0;
    stele__prng_seed(&prng, test_seed());
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        sample_file sample;
        make_sample(&sample, &shapes[i]);
        uint8_t *forged = stele__allocate(stele_alloc_default(), sample.size);
        expect_not_null(forged);
        for (uint64_t round = 0; round < rounds; round++) {
            stele__index *index = NULL;
            memcpy(forged, sample.bytes, sample.size);
            forge(forged, sample.size, &prng);
            test_file_store(sample.path, forged, sample.size);
            if (model_open(&sample.model, sample.path, round % 2 ? STELE_MAP : STELE_PREAD, &index,
                           NULL) == STELE_OK) {
                exercise(&sample.model, index, &prng);
                stele__index_unref(index);
                opened++;
            }
        }
        stele__release(stele_alloc_default(), forged, sample.size);
        free_sample(&sample);
    }
    expect_true(opened > rounds / 4);
    expect_true(opened < 3 * rounds);
}

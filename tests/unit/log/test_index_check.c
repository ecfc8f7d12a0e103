/* SPDX-License-Identifier: Apache-2.0 */
/* Structures that are wrong under right checksums are recognised, each by its own sentence. */
#include "index_model.h"

#include "log/index_format.h"

/* A file of several pages of terms, as bytes to be changed. */
typedef struct sample_file {
    index_model model;
    const char *path;
    uint8_t *bytes;
    size_t size;
} sample_file;

static void make_sample(sample_file *sample)
{
    const model_shape shape = {900, MODEL_NAMES_PREFIX, MODEL_COUNTS_EDGES, MODEL_GAPS_EVEN, 9000,
                               3};
    model_make(&sample->model, &shape, test_seed());
    sample->path = test_path(test_folder(), "index");
    (void)model_write(&sample->model, sample->path);
    sample->bytes = test_file_load(sample->path, &sample->size);
}

/* Makes all checksums right, and stores it. */
static void store_sample(const sample_file *sample)
{
    uint8_t *bytes = sample->bytes;
    const uint64_t checksums = stele__load64(bytes + 96 + 16 * STELE_INDEX_CHECKSUMS);
    const uint64_t page_count = checksums / STELE_INDEX_PAGE_SIZE;
    for (uint64_t page = 1; page < page_count; page++) {
        stele__store32(bytes + checksums + 4 * (page - 1),
                       stele__crc32c(0, bytes + page * STELE_INDEX_PAGE_SIZE,
                                     STELE_INDEX_PAGE_SIZE));
    }
    stele__store32(bytes + 88, stele__crc32c(0, bytes + checksums, 4 * (page_count - 1)));
    stele__store32(bytes + STELE_INDEX_PAGE_SIZE - 4,
                   stele__crc32c(0, bytes, STELE_INDEX_PAGE_SIZE - 4));
    test_file_store(sample->path, bytes, sample->size);
}

static void free_sample(sample_file *sample)
{
    test_file_release(sample->bytes, sample->size);
    model_done(&sample->model);
}

static uint8_t *section_of(const sample_file *sample, stele__index_section_number number)
{
    return sample->bytes + stele__load64(sample->bytes + 96 + 16 * number);
}

/* The page of terms with that number. */
static uint8_t *terms_of(const sample_file *sample, uint32_t number)
{
    const uint8_t *line =
        section_of(sample, STELE_INDEX_SPARSE) + (size_t)number * STELE_INDEX_SPARSE_SIZE;
    return sample->bytes + (size_t)stele__load32(line + 4) * STELE_INDEX_PAGE_SIZE;
}

/* The root of the list of a term with more than 128 postings. */
static uint8_t *long_list(const sample_file *sample)
{
    stele__index *index = model_opened(&sample->model, sample->path, STELE_PREAD);
    stele__index_entry entry = {0};
    bool found = false;
    for (size_t i = 0; entry.list_offset == 0 || entry.count <= STELE_INDEX_BLOCK_COUNT; i++) {
        const model_term *term = &sample->model.terms[i];
        const uint64_t hash = stele__term_hash(&sample->model.key, term->kind, model_name(term));
        expect_ok(stele__index_find(index, term->kind, model_name(term), hash, &entry, &found,
                                    NULL),
                  NULL);
    }
    stele__index_unref(index);
    return sample->bytes + entry.list_offset;
}

/* The page in which it stands. */
static uint8_t *list_page_of(const sample_file *sample)
{
    uint8_t *list = long_list(sample);
    uint8_t *page = list - (size_t)(list - sample->bytes) % STELE_INDEX_PAGE_SIZE;
    expect_int(page[0], STELE_INDEX_LIST_PAGE);
    return page;
}

/* ---- what is changed ---- */

static void add_to16(uint8_t *place, int value)
{
    stele__store16(place, (uint16_t)(stele__load16(place) + value));
}

static void add_to64(uint8_t *place, int value)
{
    stele__store64(place, stele__load64(place) + (uint64_t)value);
}

static void more_postings(sample_file *sample)
{
    add_to64(sample->bytes + 56, 1);
}

static void more_terms(sample_file *sample)
{
    add_to64(sample->bytes + 48, 1);
}

static void empty_filter(sample_file *sample)
{
    memset(section_of(sample, STELE_INDEX_FILTER), 0,
           (size_t)stele__load64(sample->bytes + 104 + 16 * STELE_INDEX_FILTER));
}

static void same_segment_twice(sample_file *sample)
{
    uint8_t *lines = section_of(sample, STELE_INDEX_SEGMENTS);
    memcpy(lines + STELE_INDEX_SEGMENT_SIZE, lines, 8);
}

static void shorter_last_segment(sample_file *sample)
{
    add_to64(section_of(sample, STELE_INDEX_SEGMENTS) + 2 * STELE_INDEX_SEGMENT_SIZE + 16, -1);
}

static void gap_between_segments(sample_file *sample)
{
    add_to64(section_of(sample, STELE_INDEX_SEGMENTS) + STELE_INDEX_SEGMENT_SIZE + 8, 1);
}

static void equal_offsets(sample_file *sample)
{
    uint8_t *offsets = section_of(sample, STELE_INDEX_OFFSETS);
    memcpy(offsets + 4 * 2000, offsets + 4 * 1999, 4);
}

static void list_in_the_header(sample_file *sample)
{
    stele__store64(long_list(sample) + 4, 100);
}

static void list_in_the_offsets(sample_file *sample)
{
    stele__store64(long_list(sample) + 4, STELE_INDEX_PAGE_SIZE + 100);
}

static void list_behind_the_pages(sample_file *sample)
{
    stele__store64(long_list(sample) + 4,
                   stele__load64(sample->bytes + 96 + 16 * STELE_INDEX_SEGMENTS));
}

static void list_in_a_page_of_terms(sample_file *sample)
{
    stele__store64(long_list(sample) + 4, (uint64_t)(terms_of(sample, 0) - sample->bytes) + 100);
}

static void wider_block(sample_file *sample)
{
    list_page_of(sample)[STELE_INDEX_LIST_PAGE_BEGIN]++;
}

static void shorter_list_page(sample_file *sample)
{
    stele__store16(list_page_of(sample) + 2, STELE_INDEX_LIST_PAGE_BEGIN + 5);
}

static void longer_list_page(sample_file *sample)
{
    stele__store16(list_page_of(sample) + 2, STELE_INDEX_PAGE_SIZE);
}

static void page_of_no_kind(sample_file *sample)
{
    terms_of(sample, 1)[0] = 3;
}

static void sparse_to_the_header(sample_file *sample)
{
    stele__store32(section_of(sample, STELE_INDEX_SPARSE) + 4, 0);
}

static void sparse_to_the_offsets(sample_file *sample)
{
    stele__store32(section_of(sample, STELE_INDEX_SPARSE) + 4, 1);
}

static void sparse_too_far(sample_file *sample)
{
    stele__store32(section_of(sample, STELE_INDEX_SPARSE) + STELE_INDEX_SPARSE_SIZE + 4, 100000);
}

static void sparse_key_too_far(sample_file *sample)
{
    stele__store32(section_of(sample, STELE_INDEX_SPARSE) + STELE_INDEX_SPARSE_SIZE, 1u << 20);
}

static void sparse_to_the_same_page(sample_file *sample)
{
    uint8_t *lines = section_of(sample, STELE_INDEX_SPARSE);
    memcpy(lines + STELE_INDEX_SPARSE_SIZE + 4, lines + 4, 4);
}

/* The key of the second page of terms, which ends with the last byte before that of the third. */
static uint8_t *second_separator(const sample_file *sample, size_t *ret_size)
{
    uint8_t *lines = section_of(sample, STELE_INDEX_SPARSE);
    const uint32_t begin = stele__load32(lines + STELE_INDEX_SPARSE_SIZE);
    *ret_size = stele__load32(lines + 2 * STELE_INDEX_SPARSE_SIZE) - begin;
    expect_true(*ret_size > 0);
    return lines + (size_t)stele__load32(sample->bytes + 80) * STELE_INDEX_SPARSE_SIZE + begin;
}

static void lower_separator(sample_file *sample)
{
    size_t size;
    uint8_t *separator = second_separator(sample, &size);
    separator[size - 1] = 0;
}

static void higher_separator(sample_file *sample)
{
    size_t size;
    uint8_t *separator = second_separator(sample, &size);
    separator[size - 1] = 0xff;
}

static void moved_restart(sample_file *sample)
{
    add_to16(terms_of(sample, 1) + STELE_INDEX_PAGE_SIZE - 2, -1);
}

static void restart_out_of_the_page(sample_file *sample)
{
    stele__store16(terms_of(sample, 1) + STELE_INDEX_PAGE_SIZE - 2, STELE_INDEX_PAGE_SIZE);
}

static void more_entries(sample_file *sample)
{
    uint8_t *page = terms_of(sample, 1);
    add_to16(page + 4, stele__load16(page + 4) % STELE_INDEX_RESTART_ENTRIES == 0 ? -1 : 1);
}

static void more_restarts(sample_file *sample)
{
    add_to16(terms_of(sample, 1) + 6, 1);
}

static void longer_page(sample_file *sample)
{
    stele__store16(terms_of(sample, 1) + 2, STELE_INDEX_PAGE_SIZE - 1);
}

static void shorter_page(sample_file *sample)
{
    add_to16(terms_of(sample, 1) + 2, -1);
}

static void something_behind_entries(sample_file *sample)
{
    uint8_t *page = terms_of(sample, 1);
    const unsigned end = stele__load16(page + 2);
    expect_true(end + 2u * stele__load16(page + 6) < STELE_INDEX_PAGE_SIZE);
    page[end] = 7;
}

/* The first entry of a page has all of its key; its last byte is made lower or higher. */
static void lower_first_key(sample_file *sample)
{
    terms_of(sample, 1)[STELE_INDEX_TERM_PAGE_BEGIN + 3] = STELE_TERM_STREAM;
    terms_of(sample, 1)[STELE_INDEX_TERM_PAGE_BEGIN + 4] = 0;
}

static void higher_first_key(sample_file *sample)
{
    terms_of(sample, 1)[STELE_INDEX_TERM_PAGE_BEGIN + 4] = 0xff;
}

static void no_such_kind(sample_file *sample)
{
    terms_of(sample, 1)[STELE_INDEX_TERM_PAGE_BEGIN + 3] = STELE_TERM_KEY + 1;
}

static void shared_at_a_restart(sample_file *sample)
{
    terms_of(sample, 1)[STELE_INDEX_TERM_PAGE_BEGIN] = 1 << 1 | 1;
}

static void empty_first_payload(sample_file *sample)
{
    terms_of(sample, 0)[STELE_INDEX_TERM_PAGE_BEGIN + 2] = 0;
}

static void last_sparse_too_far(sample_file *sample)
{
    const uint32_t count = stele__load32(sample->bytes + 80);
    stele__store32(section_of(sample, STELE_INDEX_SPARSE) +
                       (size_t)count * STELE_INDEX_SPARSE_SIZE - 4,
                   100000);
}

static void last_sparse_key_too_far(sample_file *sample)
{
    const uint32_t count = stele__load32(sample->bytes + 80);
    stele__store32(section_of(sample, STELE_INDEX_SPARSE) +
                       (size_t)count * STELE_INDEX_SPARSE_SIZE - 8,
                   1u << 20);
}

static void sparse_keys_turned(sample_file *sample)
{
    uint8_t *third = section_of(sample, STELE_INDEX_SPARSE) + 2 * STELE_INDEX_SPARSE_SIZE;
    expect_true(stele__load32(third) > 0);
    stele__store32(third + STELE_INDEX_SPARSE_SIZE, stele__load32(third) - 1);
}

/* The second entry of a page: what it shares with the first, and the size of what it does not. */
static uint8_t *second_entry(const sample_file *sample)
{
    uint8_t *first = terms_of(sample, 1) + STELE_INDEX_TERM_PAGE_BEGIN;
    expect_true(first[1] & 1); /* numbers of one byte stand above a 1 */
    return first + 3 + (first[1] >> 1) + first[2];
}

static void shared_more_than_there_is(sample_file *sample)
{
    second_entry(sample)[0] = 127 << 1 | 1;
}

static void no_suffix(sample_file *sample)
{
    uint8_t *entry = second_entry(sample);
    entry[2] = (uint8_t)(entry[2] + (entry[1] >> 1));
    entry[1] = 1; /* which is 0 */
}

static void other_level(sample_file *sample)
{
    long_list(sample)[0]++;
}

static void fewer_children(sample_file *sample)
{
    long_list(sample)[1]--;
}

static void wider_node(sample_file *sample)
{
    long_list(sample)[2] = STELE_INDEX_WIDTH_MAX + 1;
}

static void child_somewhere_else(sample_file *sample)
{
    stele__store64(long_list(sample) + 4, UINT64_MAX - 5);
}

static void second_block_begins_too_late(sample_file *sample)
{
    long_list(sample)[12] = 0xff;
    long_list(sample)[13] = 0xff;
}

typedef struct forgery {
    void (*forge)(sample_file *sample);
    const char *message;
} forgery;

static const forgery forgeries[] = {
    {more_postings, "other terms or postings"},
    {more_terms, "other terms or postings"},
    {empty_filter, "filter does not know"},
    {same_segment_twice, "segments do not ascend"},
    {shorter_last_segment, "do not cover"},
    {gap_between_segments, "impossible range"},
    {equal_offsets, "do not ascend"},
    {list_in_the_header, "makes no sense"},
    {list_in_the_offsets, "makes no sense"},
    {sparse_to_the_offsets, "leads nowhere"},
    {list_behind_the_pages, "makes no sense"},
    {list_in_a_page_of_terms, "makes no sense"},
    {wider_block, "list"},
    {shorter_list_page, "makes no sense"},
    {longer_list_page, "makes no sense"},
    {page_of_no_kind, "no page of terms"},
    {sparse_to_the_header, "leads nowhere"},
    {sparse_too_far, "leads nowhere"},
    {sparse_key_too_far, "leads nowhere"},
    {sparse_to_the_same_page, "leads nowhere"},
    {lower_separator, "does not fit the page"},
    {higher_separator, "does not fit the page"},
    {moved_restart, "restart"},
    {restart_out_of_the_page, "restart"},
    {more_entries, "number of entries"},
    {more_restarts, "no page of terms"},
    {longer_page, "no page of terms"},
    {shorter_page, "entr"},
    {something_behind_entries, "behind the entries"},
    {lower_first_key, "not in order"},
    {higher_first_key, "not"},
    {no_such_kind, "not in order"},
    {shared_at_a_restart, "not in order"},
    {empty_first_payload, "not in order"},
    {last_sparse_too_far, "leads nowhere"},
    {last_sparse_key_too_far, "leads nowhere"},
    {sparse_keys_turned, "leads nowhere"},
    {shared_more_than_there_is, "not in order"},
    {no_suffix, "not in order"},
    {other_level, "makes no sense"},
    {fewer_children, "makes no sense"},
    {wider_node, "makes no sense"},
    {child_somewhere_else, "makes no sense"},
    {second_block_begins_too_late, "makes no sense"},
};

typedef struct first_message {
    unsigned count;
    char text[400];
} first_message;

static void keep_message(void *context, uint64_t offset, const char *message)
{
    first_message *first = context;
    expect_true(offset < 1 << 20);
    if (first->count++ == 0) {
        memcpy(first->text, message, strlen(message) + 1);
    }
}

TEST_ROWS(check_names_what_was_forged, forgeries)
{
    sample_file sample;
    stele_error error;
    first_message first = {0};
    make_sample(&sample);
    forgeries[row].forge(&sample);
    store_sample(&sample);
    /* Whoever has opened the file before finds the damage in place. */
    stele__index *index = NULL;
    const stele_status opened = stele__index_open_file(stele_alloc_default(), stele_vfs_system(),
                                                       sample.path, STELE_PREAD, &index, &error);
    expect_ok(opened, &error);
    index->hash_key = sample.model.key;
    expect_error(stele__index_check(index, keep_message, &first, &error), &error, STELE_CORRUPT);
    expect_true(first.count > 0);
    expect_contains((const char *)first.text, forgeries[row].message);
    expect_contains((const char *)error.message, forgeries[row].message);
    stele__index_unref(index);
    free_sample(&sample);
}

/* A block that fails to decode has overwritten the cached one, which must not be used any more. */
TEST(a_block_that_fails_is_forgotten)
{
    const model_shape shape = {1, MODEL_NAMES_SHORT, MODEL_COUNTS_MANY, MODEL_GAPS_EVEN, 200000, 1};
    sample_file sample;
    stele_error error;
    stele__index_entry entry;
    stele__index_postings postings;
    stele_position position = 0;
    bool found = false;
    uint64_t seed = test_seed();
    model_make(&sample.model, &shape, seed);
    while (sample.model.terms[0].count < 5000 || sample.model.terms[0].count > 128 * 128) {
        model_done(&sample.model);
        model_make(&sample.model, &shape, ++seed);
    }
    sample.path = test_path(test_folder(), "index");
    (void)model_write(&sample.model, sample.path);
    sample.bytes = test_file_load(sample.path, &sample.size);
    const model_term *term = &sample.model.terms[0];
    stele__index_node node;
    const uint8_t *root = long_list(&sample);
    expect_true(stele__index_node_decode(root, root + 4000, &node));
    uint8_t *block = sample.bytes + stele__index_node_offset(&node, 1);
    block[0] = (uint8_t)((block[0] & 0x80) | 30); /* wider gaps: values beyond the last */
    store_sample(&sample);
    stele__index *index = model_opened(&sample.model, sample.path, STELE_PREAD);
    const uint64_t hash = stele__term_hash(&sample.model.key, term->kind, model_name(term));
    expect_ok(stele__index_find(index, term->kind, model_name(term), hash, &entry, &found, &error),
              &error);
    expect_true(found);
    stele__index_postings_init(&postings, index, &entry);
    for (uint32_t i = 0; i < 3; i++) {
        expect_ok(stele__index_position_at(&postings, i, &position, &error), &error);
        expect_uint(position, term->positions[i]);
        expect_error(stele__index_position_at(&postings, 128 + i, &position, &error), &error,
                     STELE_CORRUPT);
    }
    stele__index_unref(index);
    free_sample(&sample);
}

TEST(a_stream_beyond_the_last_revision_is_recognised)
{
    sample_file sample;
    stele_error error;
    make_sample(&sample);
    size_t i = 0;
    while (sample.model.terms[i].count < 2) {
        i++;
    }
    expect_int((int)sample.model.terms[i].kind, STELE_TERM_STREAM);
    sample.model.terms[i].base_revision = STELE_REVISION_TOMBSTONE - 1;
    (void)model_write(&sample.model, sample.path);
    stele__index *index = model_opened(&sample.model, sample.path, STELE_MAP);
    expect_error(stele__index_check(index, NULL, NULL, &error), &error, STELE_CORRUPT);
    expect_contains((const char *)error.message, "impossible revisions");
    stele__index_unref(index);
    free_sample(&sample);
}

TEST(limits_are_refused)
{
    const index_model nothing = {0};
    const stele__index_segment long_one = {.number = 1,
                                           .first = 1,
                                           .last = (uint64_t)UINT32_MAX + 1};
    const stele__index_segment turned = {.number = 1, .first = 9, .last = 8};
    stele__index_params params = model_params(&nothing, test_path(test_folder(), "index"));
    stele__index_builder *builder = NULL;
    stele_error error;
    params.term_count_max = UINT64_MAX;
    expect_error(stele__index_build(&params, &builder, &error), &error, STELE_INVALID_LIMIT);
    params.term_count_max = 1;
    for (int i = 0; i < 2; i++) {
        expect_ok(stele__index_build(&params, &builder, &error), &error);
        expect_error(stele__index_add_segment(builder, i ? &turned : &long_one, &error), &error,
                     STELE_INVALID);
        stele__index_cancel(builder);
    }
}

TEST(names_that_are_too_long_are_not_there)
{
    static const char name[STELE_STREAM_NAME_SIZE_MAX + 1];
    sample_file sample;
    stele_error error;
    stele__index_entry entry;
    stele__index_terms terms;
    bool found = true;
    make_sample(&sample);
    stele__index *index = model_opened(&sample.model, sample.path, STELE_MAP);
    const stele_text text = {name, sizeof name};
    expect_ok(stele__index_find(index, STELE_TERM_STREAM, text, 0, &entry, &found, &error), &error);
    expect_false(found);
    expect_error(stele__index_terms_seek(&terms, index, STELE_TERM_STREAM, text, &error), &error,
                 STELE_INVALID);
    stele__index_unref(index);
    free_sample(&sample);
}

TEST(a_mapped_index_takes_little_memory)
{
    sample_file sample;
    make_sample(&sample);
    stele__index *mapped = model_opened(&sample.model, sample.path, STELE_MAP);
    stele__index *read = model_opened(&sample.model, sample.path, STELE_PREAD);
    expect_true(stele__index_memory(mapped) < 2000);
    expect_true(stele__index_memory(read) > stele__index_memory(mapped));
    expect_true(stele__index_memory(read) < 4000);
    stele__index_unref(mapped);
    stele__index_unref(read);
    free_sample(&sample);
}

TEST(messages_keep_the_end_of_a_long_path)
{
    char path[600];
    stele_error error;
    memset(path, 'd', sizeof path);
    memcpy(path + sizeof path - 12, "/0000042.idx", 12);
    path[sizeof path - 1] = '\0';
    expect_error(stele__index_corrupt(path, 8192, &error, "it is %s", "broken"), &error,
                 STELE_CORRUPT);
    expect_contains((const char *)error.message, "dd/0000042.id, offset 8192: it is broken");
    expect_true(error.hint[0] != '\0');
}

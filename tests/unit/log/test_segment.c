/* SPDX-License-Identifier: Apache-2.0 */
/* Segment files: the header in every detail, reserving, opening, and lending bytes. */
#include "index_model.h"
#include "log/segment.h"

static stele__segment_header some_header(void)
{
    return (stele__segment_header){.store = {{9, 8, 7, 6, 5, 4, 3, 2, 1}},
                                   .hash_key = {0x1122334455667788, 0x99aabbccddeeff00},
                                   .number = 7,
                                   .first = 1000001,
                                   .base_time = INT64_C(1700000000123456789)};
}

static void repair(uint8_t bytes[STELE_SEGMENT_HEADER_SIZE])
{
    stele__store32(bytes + 92, stele__crc32c(0, bytes, 92));
}

/* ---- the header ---- */

/* Byte by byte, as src/log/README.md draws it. */
TEST(a_header_has_its_fields_where_they_are_drawn)
{
    const stele__segment_header header = some_header();
    uint8_t bytes[STELE_SEGMENT_HEADER_SIZE];
    stele__segment_header_encode(&header, bytes);
    expect_bytes(bytes, 8, "STELELOG", 8);
    expect_uint(stele__load32(bytes + 8), 1);
    expect_uint(stele__load32(bytes + 12), 96);
    expect_bytes(bytes + 16, 16, header.store.bytes, 16);
    expect_uint(stele__load64(bytes + 32), header.hash_key.k0);
    expect_uint(stele__load64(bytes + 40), header.hash_key.k1);
    expect_uint(stele__load64(bytes + 48), 7);
    expect_uint(stele__load64(bytes + 56), 1000001);
    expect_uint(stele__load64(bytes + 64), (uint64_t)header.base_time);
    static const uint8_t zeroes[20];
    expect_bytes(bytes + 72, 20, zeroes, 20);
    expect_uint(stele__load32(bytes + 92), stele__crc32c(0, bytes, 92));
}

TEST(a_header_is_decoded_as_it_was_encoded)
{
    const stele__segment_header header = some_header();
    stele__segment_header decoded;
    uint8_t bytes[STELE_SEGMENT_HEADER_SIZE];
    stele_error error;
    stele__segment_header_encode(&header, bytes);
    expect_ok(stele__segment_header_decode(bytes, "x.log", &decoded, &error), &error);
    expect_true(stele__uuid_equal(&decoded.store, &header.store));
    expect_true(decoded.hash_key.k0 == header.hash_key.k0 &&
                decoded.hash_key.k1 == header.hash_key.k1);
    expect_uint(decoded.number, header.number);
    expect_uint(decoded.first, header.first);
    expect_int(decoded.base_time, header.base_time);
}

TEST(every_flipped_bit_of_a_header_is_found)
{
    const stele__segment_header header = some_header();
    stele__segment_header decoded;
    uint8_t bytes[STELE_SEGMENT_HEADER_SIZE];
    stele__segment_header_encode(&header, bytes);
    for (size_t bit = 0; bit < sizeof bytes * 8; bit++) {
        stele_error error;
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        expect_error(stele__segment_header_decode(bytes, "x.log", &decoded, &error), &error,
                     STELE_CORRUPT);
        expect_contains((const char *)error.message, "x.log");
        expect_contains((const char *)error.message, "offset 0");
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

TEST(a_header_of_zeroes_is_that_of_an_unused_segment)
{
    stele__segment_header decoded;
    uint8_t bytes[STELE_SEGMENT_HEADER_SIZE] = {0};
    stele_error error;
    expect_error(stele__segment_header_decode(bytes, "x.log", &decoded, &error), &error,
                 STELE_NOT_FOUND);
    expect_contains((const char *)error.message, "reserved");
}

typedef struct version_row {
    size_t at;
    uint32_t value;
    const char *what;
} version_row;

/* Fields that only a later version can have set, under a right checksum: not ours to read. */
static const version_row versions[] = {
    {8, 2, "has format 2"},
    {8, 0, "has format 0"},
    {8, 0xffffffff, "has format 4294967295"},
    {12, 128, "has format 1"},
    {12, 0, "has format 1"},
    {72, 1, "has format 1"},
    {80, 0x100, "has format 1"},
    {88, 0x80000000, "has format 1"},
};

TEST_ROWS(a_header_of_a_newer_version_is_unsupported, versions)
{
    const stele__segment_header header = some_header();
    stele__segment_header decoded;
    uint8_t bytes[STELE_SEGMENT_HEADER_SIZE];
    stele_error error;
    stele__segment_header_encode(&header, bytes);
    stele__store32(bytes + versions[row].at, versions[row].value);
    repair(bytes);
    expect_error(stele__segment_header_decode(bytes, "x.log", &decoded, &error), &error,
                 STELE_UNSUPPORTED_VERSION);
    expect_contains((const char *)error.message, versions[row].what);
    expect_contains((const char *)error.message, "x.log");
}

TEST(a_header_with_a_time_before_1970_is_damaged)
{
    stele__segment_header header = some_header();
    stele__segment_header decoded;
    uint8_t bytes[STELE_SEGMENT_HEADER_SIZE];
    stele_error error;
    header.base_time = -1;
    stele__segment_header_encode(&header, bytes);
    expect_error(stele__segment_header_decode(bytes, "x.log", &decoded, &error), &error,
                 STELE_CORRUPT);
    expect_contains((const char *)error.message, "x.log has a senseless time (offset 64)");
}

TEST(number_and_store_and_nothing_else_make_the_seed_of_seals)
{
    const stele__segment_header header = some_header();
    const uint32_t seed = stele__segment_seed(&header);
    stele__segment_header other = header;
    other.first++;
    other.base_time++;
    other.hash_key.k0++;
    expect_uint(stele__segment_seed(&other), seed);
    for (size_t bit = 0; bit < 128; bit++) {
        other = header;
        other.store.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        expect_true(stele__segment_seed(&other) != seed);
    }
    for (uint64_t number = 0; number < 1000; number++) {
        other = header;
        other.number = number;
        expect_int(stele__segment_seed(&other) == seed, number == header.number);
    }
}

TEST(files_are_named_by_their_number)
{
    char name[STELE_FILE_NAME_SIZE];
    stele__segment_file_name(1, name);
    expect_text((const char *)name, "0000000001.log");
    stele__segment_file_name(1234567890123, name);
    expect_text((const char *)name, "1234567890123.log");
    stele__segment_file_name(UINT64_MAX, name);
    expect_text((const char *)name, "18446744073709551615.log");
}

/* ---- files ---- */

static stele_status open_segment(const char *folder, uint64_t number, stele_mapping mapping,
                                 bool is_writable, stele__segment **ret_segment,
                                 stele_error *reterr)
{
    return stele__segment_open(stele_alloc_default(), stele_vfs_system(), folder, number, mapping,
                               is_writable, ret_segment, reterr);
}

static void store_file(const char *folder, uint64_t number, const uint8_t *bytes, size_t size)
{
    char name[STELE_FILE_NAME_SIZE];
    stele__segment_file_name(number, name);
    test_file_store(test_path(folder, name), bytes, size);
}

TEST(a_reserved_segment_has_its_space_and_no_header)
{
    const char *folder = test_folder();
    stele__segment *segment;
    stele_error error;
    expect_ok(stele__segment_reserve(stele_alloc_default(), stele_vfs_system(), folder, 3, 100000,
                                     STELE_MAP, &segment, &error),
              &error);
    expect_uint(segment->size, 100000);
    expect_not_null(segment->map);
    for (size_t i = 0; i < 100000; i++) {
        expect_true(segment->map[i] == 0);
    }
    stele__segment *again;
    expect_error(open_segment(folder, 3, STELE_MAP, false, &again, &error), &error,
                 STELE_NOT_FOUND);
    /* With its header it is there. */
    stele__segment_header header = some_header();
    uint8_t bytes[STELE_SEGMENT_HEADER_SIZE];
    header.number = 3;
    stele__segment_begin(segment, &header);
    stele__segment_header_encode(&header, bytes);
    expect_int(stele_vfs_system()->write(segment->file, 0, bytes, sizeof bytes), 0);
    expect_ok(open_segment(folder, 3, STELE_PREAD, false, &again, &error), &error);
    expect_uint(again->header.first, header.first);
    expect_uint(again->seal_seed, segment->seal_seed);
    stele__segment_unref(again);
    stele__segment_unref(segment);
}

TEST(a_segment_that_was_reserved_before_is_reserved_again)
{
    const char *folder = test_folder();
    stele__segment *segment;
    stele_error error;
    const stele_vfs *vfs = stele_vfs_system();
    for (uint64_t size = 70000; size < 300000; size += 100000) {
        expect_ok(stele__segment_reserve(stele_alloc_default(), vfs, folder, 3, size, STELE_MAP,
                                         &segment, &error),
                  &error);
        expect_uint(segment->size, size);
        stele__segment_unref(segment);
    }
}

typedef struct open_row {
    const char *name;
    size_t size;     /* of the file */
    size_t changed;  /* offset of a byte that is changed; SIZE_MAX: none */
    uint64_t number; /* in the header */
    bool is_missing;
    unsigned detail;
    const char *what;
} open_row;

static const open_row openings[] = {
    {"whole", 4096, SIZE_MAX, 5, false, STELE_OK, ""},
    {"header alone", 96, SIZE_MAX, 5, false, STELE_OK, ""},
    {"missing", 0, SIZE_MAX, 5, true, STELE_NOT_FOUND_STORE, "0000000005.log is missing"},
    {"empty", 0, SIZE_MAX, 5, false, STELE_NOT_FOUND, "reserved"},
    {"ends inside its header", 95, SIZE_MAX, 5, false, STELE_CORRUPT,
     "0000000005.log ends inside its header (offset 95)"},
    {"one byte", 1, SIZE_MAX, 5, false, STELE_CORRUPT,
     "0000000005.log ends inside its header (offset 1)"},
    {"magic changed", 4096, 3, 5, false, STELE_CORRUPT,
     "0000000005.log does not begin like a segment (offset 0)"},
    {"store changed", 4096, 20, 5, false, STELE_CORRUPT, "the header of "},
    {"checksum changed", 4096, 95, 5, false, STELE_CORRUPT, "is damaged (offset 0, 96 bytes)"},
    {"of another number", 4096, SIZE_MAX, 6, false, STELE_CORRUPT,
     "0000000005.log says that it is segment 6"},
};

TEST_ROWS(opening_says_what_is_wrong_with_a_file, openings)
{
    const open_row *opening = &openings[row];
    const char *folder = test_folder();
    uint8_t *bytes = test_memory(4096);
    stele__segment_header header = some_header();
    header.number = opening->number;
    stele__segment_header_encode(&header, bytes);
    if (opening->changed != SIZE_MAX) {
        bytes[opening->changed] ^= 0x10;
    }
    if (!opening->is_missing) {
        store_file(folder, 5, bytes, opening->size);
    }
    for (int mapping = STELE_MAP; mapping <= STELE_PREAD; mapping++) {
        for (int is_writable = 0; is_writable < 2; is_writable++) {
            stele__segment *segment;
            stele_error error;
            const stele_status status =
                open_segment(folder, 5, (stele_mapping)mapping, is_writable != 0, &segment, &error);
            if (opening->detail == STELE_OK) {
                expect_ok(status, &error);
                expect_uint(segment->size, opening->size);
                stele__segment_unref(segment);
            } else {
                expect_error(status, &error, opening->detail);
                expect_contains((const char *)error.message, opening->what);
            }
        }
    }
}

TEST(a_file_that_is_larger_than_a_segment_can_be_is_refused)
{
    const char *folder = test_folder();
    uint8_t bytes[STELE_SEGMENT_HEADER_SIZE];
    stele__segment_header header = some_header();
    stele__segment *segment;
    stele_file *file;
    stele_error error;
    const stele_vfs *vfs = stele_vfs_system();
    header.number = 5;
    stele__segment_header_encode(&header, bytes);
    store_file(folder, 5, bytes, sizeof bytes);
    expect_int(vfs->open(vfs, test_path(folder, "0000000005.log"), STELE_FILE_WRITE, &file), 0);
    expect_int(vfs->truncate(file, STELE_SEGMENT_SIZE_MAX), 0); /* a hole: it takes no space */
    expect_ok(open_segment(folder, 5, STELE_PREAD, false, &segment, &error), &error);
    stele__segment_unref(segment);
    expect_int(vfs->truncate(file, STELE_SEGMENT_SIZE_MAX + 1), 0);
    expect_error(open_segment(folder, 5, STELE_PREAD, false, &segment, &error), &error,
                 STELE_CORRUPT);
    expect_contains((const char *)error.message, "larger than a segment can be");
    vfs->close(file);
}

TEST(bytes_are_lent_up_to_the_end_of_the_file_and_not_beyond)
{
    const char *folder = test_folder();
    uint8_t *bytes = test_memory(5000);
    stele__segment_header header = some_header();
    stele_error error;
    header.number = 5;
    for (size_t i = 0; i < 5000; i++) {
        bytes[i] = (uint8_t)(i * 7);
    }
    stele__segment_header_encode(&header, bytes);
    store_file(folder, 5, bytes, 5000);
    for (int mapping = STELE_MAP; mapping <= STELE_PREAD; mapping++) {
        stele__segment *segment;
        stele__buffer scratch = {.alloc = stele_alloc_default()};
        expect_ok(open_segment(folder, 5, (stele_mapping)mapping, false, &segment, &error), &error);
        expect_int(segment->map != NULL, mapping == STELE_MAP);
        /* A segment that is mapped and not written keeps no descriptor. */
        expect_int(segment->file != NULL, mapping == STELE_PREAD);
        const struct {
            uint64_t offset;
            size_t size;
            size_t lent;
        } rows[] = {{0, 96, 96},          {96, 1000, 1000}, {4990, 10, 10},      {4990, 11, 10},
                    {4990, SIZE_MAX, 10}, {5000, 10, 0},    {UINT64_MAX, 10, 0}, {0, 0, 0},
                    {4999, 1, 1},         {1, 4999, 4999}};
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            const uint8_t *lent;
            size_t size;
            expect_ok(stele__segment_bytes(segment, rows[i].offset, rows[i].size, &scratch, &lent,
                                           &size, &error),
                      &error);
            expect_uint(size, rows[i].lent);
            if (size > 0) {
                expect_bytes(lent, size, bytes + rows[i].offset, size);
            }
        }
        stele__buffer_done(&scratch);
        stele__segment_unref(segment);
    }
}

static unsigned asked_count;
static size_t asked_size;

static void note_will_read(const stele_vfs *vfs, const uint8_t *memory, size_t size)
{
    (void)vfs;
    (void)memory;
    asked_count++;
    asked_size = size;
}

/* Of what begins near the end of a page and may not be in memory, both pages are asked for, once.
 */
TEST(two_pages_of_an_event_are_asked_for_at_once)
{
    enum { PAGES = 100, SIZE = PAGES * 4096 };
    const char *folder = test_folder();
    uint8_t *bytes = test_memory(SIZE);
    stele_vfs vfs = *stele_vfs_system();
    stele__segment_header header = some_header();
    stele__segment *segment;
    stele_error error;
    header.number = 5;
    memset(bytes, 0, SIZE);
    stele__segment_header_encode(&header, bytes);
    store_file(folder, 5, bytes, SIZE);
    vfs.will_read = note_will_read;
    for (int is_writable = 0; is_writable < 2; is_writable++) {
        expect_ok(stele__segment_open(stele_alloc_default(), &vfs, folder, 5, STELE_MAP,
                                      is_writable != 0, &segment, &error),
                  &error);
        asked_count = 0;
        for (unsigned round = 0; round < 2; round++) {
            for (uint64_t page = 0; page < PAGES; page++) {
                stele__segment_will_touch(segment, page * 4096 + 96);
                stele__segment_will_touch(segment, page * 4096 + 4096 - 512);
                stele__segment_will_touch(segment, page * 4096 + 4096 - 300);
                stele__segment_will_touch(segment, page * 4096 + 4095);
            }
            expect_uint(asked_count, is_writable ? 0 : PAGES);
        }
        expect_uint(asked_size, 300); /* of the last one, which the file cuts off */
        stele__segment_will_touch(segment, UINT64_MAX); /* a damaged offset leads nowhere */
        expect_uint(asked_count, is_writable ? 0 : PAGES);
        stele__segment_unref(segment);
    }
}

TEST(opening_without_memory_says_so_and_leaks_nothing)
{
    const char *folder = test_folder();
    uint8_t bytes[STELE_SEGMENT_HEADER_SIZE];
    stele__segment_header header = some_header();
    test_alloc alloc;
    header.number = 5;
    stele__segment_header_encode(&header, bytes);
    store_file(folder, 5, bytes, sizeof bytes);
    test_alloc_init(&alloc);
    for (uint64_t n = 1; n <= 2; n++) {
        stele__segment *segment;
        stele_error error;
        test_alloc_fail(&alloc, n, TEST_ALLOC_ONCE);
        expect_error(stele__segment_open(&alloc.alloc, stele_vfs_system(), folder, 5, STELE_MAP,
                                         false, &segment, &error),
                     &error, STELE_NO_MEMORY);
        expect_no_leak(&alloc);
    }
}

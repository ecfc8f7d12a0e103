/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forged manifests, index files, pages and locks. The manifest is the truth about what is sealed: a
 * damaged half is healed, and both halves damaged, or one that disagrees with the segments, is
 * refused. Index files and the page are derived: whatever is done to them, a writer heals it.
 */
#include "forged_judge.h"

#include <stdio.h>

/* ---- the manifest ---- */

static void lose_manifest(forged_bed *bed)
{
    forged_remove(bed, "manifest");
}

static void empty_manifest(forged_bed *bed)
{
    forged_cut(bed, "manifest", 0);
}

static void first_half(forged_bed *bed)
{
    forged_flip(bed, "manifest", 60, 2);
}

static void second_half(forged_bed *bed)
{
    size_t size;
    (void)forged_load(bed, "manifest", &size);
    forged_flip(bed, "manifest", size - 60, 2);
}

static void both_halves(forged_bed *bed)
{
    first_half(bed);
    second_half(bed);
}

static void cut_manifest(forged_bed *bed)
{
    size_t size;
    (void)forged_load(bed, "manifest", &size);
    forged_cut(bed, "manifest", size / 2 + 20);
}

static void cut_manifest_short(forged_bed *bed)
{
    size_t size;
    (void)forged_load(bed, "manifest", &size);
    forged_cut(bed, "manifest", size / 2 - 20);
}

/* The second half is that of another writing, whole in itself: what a torn overwriting in place
 * would leave. The first one counts. */
static void halves_of_two_writings(forged_bed *bed)
{
    size_t sizes[2];
    uint8_t *present = forged_load(bed, "manifest", &sizes[0]);
    uint8_t *older = test_memory(sizes[0] + 100);
    memcpy(older, present, sizes[0]);
    size_t at = 0;
    while (memcmp(older + at, "generation ", 11) != 0) {
        at++;
    }
    older[at + 11] = '9';
    size_t end = at;
    while (memcmp(older + end, "crc ", 4) != 0) {
        end++;
    }
    char line[20];
    (void)snprintf(line, sizeof line, "crc %08x", stele__crc32c(0, older, end));
    memcpy(older + end, line, 12);
    forged_write(bed, "manifest", sizes[0] / 2, older, sizes[0] / 2);
}

/* Text with right checksums. */
static void write_manifest(forged_bed *bed, const char *text)
{
    char bytes[2000];
    const size_t size = strlen(text);
    const int all =
        snprintf(bytes, sizeof bytes, "%scrc %08x %zu\n", text, stele__crc32c(0, text, size), size);
    forged_store(bed, "manifest", bytes, (size_t)all);
    forged_write(bed, "manifest", (uint64_t)all, bytes, (size_t)all);
}

static void newer_manifest(forged_bed *bed)
{
    write_manifest(bed, "stele-manifest 3\nwhatever it may say\n");
}

static void senseless_manifest(forged_bed *bed)
{
    write_manifest(bed, "stele-manifest 1\nopen\n");
}

static void leftover_manifest(forged_bed *bed)
{
    forged_store(bed, "manifest.new", "half a manif", 12);
}

static void change_store(stele__manifest *manifest)
{
    manifest->store.bytes[7] ^= 1;
}

static void change_key(stele__manifest *manifest)
{
    manifest->hash_key.k1 ^= 1;
}

static void forget_last_segment(stele__manifest *manifest)
{
    manifest->segment_count--;
    manifest->index_count--;
}

static void forget_segments(stele__manifest *manifest)
{
    manifest->segment_count = 0;
    manifest->index_count = 0;
}

static void invent_segment(stele__manifest *manifest)
{
    const stele__index_segment last = manifest->segments[manifest->segment_count - 1];
    const stele__index_segment invented = {.number = last.number + 1,
                                           .first = last.last + 1,
                                           .last = last.last + 10,
                                           .bytes = 5000,
                                           .first_time = last.last_time,
                                           .last_time = last.last_time};
    stele_error error;
    expect_ok(stele__manifest_add_segment(manifest, &invented, &error), &error);
}

static void larger_segment(stele__manifest *manifest)
{
    manifest->segments[1].bytes += 65; /* behind its frames stand 64 zeroes */
}

static void later_end(stele__manifest *manifest)
{
    manifest->end_position++;
}

static void forget_indexes(stele__manifest *manifest)
{
    manifest->index_count = 0;
}

static void rename_index(stele__manifest *manifest)
{
    manifest->indexes[0].number = 77;
}

static void other_range(stele__manifest *manifest)
{
    manifest->indexes[0].last -= 21;
}

static void not_closed(stele__manifest *manifest)
{
    manifest->is_clean = false;
}

#define CHANGED(name)                                                                              \
    static void manifest_##name(forged_bed *bed)                                                   \
    {                                                                                              \
        forged_manifest(bed, name);                                                                \
    }

CHANGED(change_store)
CHANGED(change_key)
CHANGED(forget_last_segment)
CHANGED(forget_segments)
CHANGED(invent_segment)
CHANGED(larger_segment)
CHANGED(later_end)
CHANGED(forget_indexes)
CHANGED(rename_index)
CHANGED(other_range)
CHANGED(not_closed)

#define BOTH                                                                                       \
    {                                                                                              \
        STELE_CORRUPT,                                                                             \
        {                                                                                          \
            "both halves of store/manifest are damaged (offset 0, "                                \
        }                                                                                          \
    }
#define LOST                                                                                       \
    {                                                                                              \
        STELE_CORRUPT,                                                                             \
        {                                                                                          \
            "store holds segments but no manifest"                                                 \
        }                                                                                          \
    }
#define OTHER                                                                                      \
    {                                                                                              \
        STELE_CORRUPT,                                                                             \
        {                                                                                          \
            "store/0000000001.log belongs to another store (offset 16)"                            \
        }                                                                                          \
    }
#define NOT_NAMED(number)                                                                          \
    {                                                                                              \
        STELE_CORRUPT,                                                                             \
        {                                                                                          \
            "000000000" number ".log is not the segment that the manifest names"                   \
        }                                                                                          \
    }

static const forged_row manifests[] = {
    {"no manifest", FORGED_CLOSED_LONG, lose_manifest, .opening = LOST, .reading = LOST},
    {"no manifest, killed", FORGED_KILLED, lose_manifest, .opening = LOST, .reading = LOST},
    {"an empty manifest", FORGED_CLOSED_LONG, empty_manifest, .opening = BOTH, .reading = BOTH},
    {"the first half is damaged", FORGED_CLOSED_LONG, first_half, .lost = 0},
    {"the second half is damaged", FORGED_CLOSED_LONG, second_half, .lost = 0},
    {"the second half is damaged, killed", FORGED_KILLED, second_half, .lost = 0},
    {"both halves are damaged", FORGED_CLOSED_LONG, both_halves, .opening = BOTH, .reading = BOTH},
    {"the second half is cut", FORGED_CLOSED_LONG, cut_manifest, .lost = 0},
    {"the first half is cut", FORGED_CLOSED_LONG, cut_manifest_short, .opening = BOTH,
     .reading = BOTH},
    {"two different halves", FORGED_CLOSED_LONG, halves_of_two_writings, .lost = 0},
    {"a newer manifest", FORGED_CLOSED_LONG, newer_manifest,
     .opening = {STELE_UNSUPPORTED_VERSION,
                 {"store/manifest has a newer format; this library reads 1 and 2"}},
     .reading = {STELE_UNSUPPORTED_VERSION,
                 {"store/manifest has a newer format; this library reads 1 and 2"}}},
    {"a senseless manifest", FORGED_CLOSED_LONG, senseless_manifest,
     .opening = {STELE_CORRUPT, {"store/manifest makes no sense"}},
     .reading = {STELE_CORRUPT, {"store/manifest makes no sense"}}},
    {"a manifest that was being written", FORGED_CLOSED_LONG, leftover_manifest, .lost = 0},
    {"of another store", FORGED_CLOSED_LONG, manifest_change_store, .opening = OTHER,
     .reading = NOT_NAMED("1")},
    {"with another key", FORGED_CLOSED_LONG, manifest_change_key, .opening = OTHER,
     .reading = NOT_NAMED("1")},
    /* An older manifest, from a backup: segments that it does not know are live ones. */
    {"a sealed segment is not named", FORGED_CLOSED_LONG, manifest_forget_last_segment, .lost = 0},
    {"no sealed segment is named", FORGED_CLOSED_LONG, manifest_forget_segments, .lost = 0},
    {"a segment is named that is not sealed", FORGED_CLOSED_LONG, manifest_invent_segment,
     .opening = {STELE_CORRUPT,
                 {"the store was closed at position 120, but its segments end with 115"}},
     .reading = {STELE_CORRUPT, {""}}},
    {"a segment is said to be larger", FORGED_CLOSED_LONG, manifest_larger_segment,
     .opening = {STELE_CORRUPT, {"0000000002.log ends at offset 64179; it should go to 64180"}},
     .reading = NOT_NAMED("2")},
    {"the end is said to be later", FORGED_CLOSED_LONG, manifest_later_end,
     .opening =
         {STELE_CORRUPT,
          {"position 121 was durable and is damaged: store/0000000006.log, offset 45840: zeroes"}},
     .reading = {STELE_CORRUPT,
                 {"the store was closed at position 121, but can be read up to 120 only"}}},
    {"no index file is named", FORGED_CLOSED_LONG, manifest_forget_indexes, .is_healing = true,
     .is_only_written = true},
    {"an index file is named that is not there", FORGED_CLOSED_LONG, manifest_rename_index,
     .is_healing = true, .reading = {STELE_CORRUPT_INDEX, {"0000000077.index"}}},
    {"an index file has another range", FORGED_CLOSED_LONG, manifest_other_range,
     .is_healing = true, .reading = {STELE_CORRUPT_INDEX, {"0000000005.index"}}},
    {"a closed store is said to be open", FORGED_CLOSED_LONG, manifest_not_closed, .lost = 0},
};

TEST_ROWS(a_forged_manifest_is_healed_or_refused, manifests)
{
    forged_judge(&manifests[row]);
}

/* ---- index files: 5 covers 1 … 84, 6 covers 85 … 105 ---- */

#define INDEX5 "0000000005.index"
#define INDEX6 "0000000006.index"

static void lose_index(forged_bed *bed)
{
    forged_remove(bed, INDEX5);
}

static void lose_all_indexes(forged_bed *bed)
{
    forged_remove(bed, INDEX5);
    forged_remove(bed, INDEX6);
}

static void empty_index(forged_bed *bed)
{
    forged_cut(bed, INDEX6, 0);
}

static void cut_index(forged_bed *bed)
{
    size_t size;
    (void)forged_load(bed, INDEX6, &size);
    forged_cut(bed, INDEX6, size - 1);
}

static void grow_index(forged_bed *bed)
{
    size_t size;
    (void)forged_load(bed, INDEX6, &size);
    forged_write(bed, INDEX6, size, "more", 4);
}

static void swap_indexes(forged_bed *bed)
{
    size_t sizes[2];
    uint8_t *one = forged_load(bed, INDEX5, &sizes[0]);
    uint8_t *other = forged_load(bed, INDEX6, &sizes[1]);
    forged_store(bed, INDEX5, other, sizes[1]);
    forged_store(bed, INDEX6, one, sizes[0]);
}

static void index_of_zeroes(forged_bed *bed)
{
    size_t size;
    (void)forged_load(bed, INDEX5, &size);
    forged_zero(bed, INDEX5, 0, size);
}

/* A field of the header, with a right checksum. */
static void index_field(forged_bed *bed, size_t at, uint8_t bits)
{
    size_t size;
    uint8_t *bytes = forged_load(bed, INDEX5, &size);
    bytes[at] ^= bits;
    stele__store32(bytes + 4092, stele__crc32c(0, bytes, 4092));
    forged_write(bed, INDEX5, 0, bytes, 4096);
}

static void index_magic(forged_bed *bed)
{
    index_field(bed, 0, 1);
}

static void index_version(forged_bed *bed)
{
    index_field(bed, 8, 3);
}

static void index_page_size(forged_bed *bed)
{
    index_field(bed, 13, 0x30);
}

static void index_store(forged_bed *bed)
{
    index_field(bed, 16, 1);
}

static void index_first(forged_bed *bed)
{
    index_field(bed, 32, 2);
}

static void index_last(forged_bed *bed)
{
    index_field(bed, 40, 2);
}

static void index_size(forged_bed *bed)
{
    index_field(bed, 64, 1);
}

static void index_hash(forged_bed *bed)
{
    index_field(bed, 72, 1);
}

static void index_term_pages(forged_bed *bed)
{
    index_field(bed, 80, 1);
}

static void index_segments(forged_bed *bed)
{
    index_field(bed, 84, 1);
}

static void index_checksums(forged_bed *bed)
{
    index_field(bed, 88, 1);
}

static void index_spare(forged_bed *bed)
{
    index_field(bed, 92, 1);
}

static void index_section(forged_bed *bed)
{
    index_field(bed, 104, 0x10);
}

static void index_padding(forged_bed *bed)
{
    index_field(bed, 1000, 1);
}

static void index_header_byte(forged_bed *bed)
{
    forged_flip(bed, INDEX5, 50, 1);
}

static void index_last_byte(forged_bed *bed)
{
    size_t size;
    (void)forged_load(bed, INDEX5, &size);
    forged_flip(bed, INDEX5, size - 1, 1);
}

static void orphan_index(forged_bed *bed)
{
    size_t size;
    uint8_t *bytes = forged_load(bed, INDEX6, &size);
    forged_store(bed, "0000000044.index", bytes, size);
}

#define NO_INDEX(number)                                                                           \
    {                                                                                              \
        STELE_CORRUPT_INDEX,                                                                       \
        {                                                                                          \
            "store/000000000" number ".index"                                                      \
        }                                                                                          \
    }

static const forged_row indexes[] = {
    {"missing", FORGED_CLOSED_LONG, lose_index, .is_healing = true,
     .reading = {STELE_CORRUPT_INDEX, {INDEX5}}},
    {"all missing", FORGED_CLOSED_LONG, lose_all_indexes, .is_healing = true,
     .reading = {STELE_CORRUPT_INDEX, {INDEX5}}},
    {"empty", FORGED_CLOSED_LONG, empty_index, .is_healing = true, .reading = NO_INDEX("6")},
    {"cut", FORGED_CLOSED_LONG, cut_index, .is_healing = true, .reading = NO_INDEX("6")},
    {"grown", FORGED_CLOSED_LONG, grow_index, .is_healing = true, .reading = NO_INDEX("6")},
    {"swapped", FORGED_CLOSED_LONG, swap_indexes, .is_healing = true, .reading = NO_INDEX("5")},
    {"zeroes", FORGED_CLOSED_LONG, index_of_zeroes, .is_healing = true, .reading = NO_INDEX("5")},
    {"another magic", FORGED_CLOSED_LONG, index_magic, .is_healing = true,
     .reading = NO_INDEX("5")},
    {"a newer version", FORGED_CLOSED_LONG, index_version, .is_healing = true,
     .reading = {STELE_UNSUPPORTED_VERSION, {"store/" INDEX5}}},
    {"another page size", FORGED_CLOSED_LONG, index_page_size, .is_healing = true,
     .reading = NO_INDEX("5")},
    {"of another store", FORGED_CLOSED_LONG, index_store, .is_healing = true,
     .reading = NO_INDEX("5")},
    {"another first position", FORGED_CLOSED_LONG, index_first, .is_healing = true,
     .reading = NO_INDEX("5")},
    {"another last position", FORGED_CLOSED_LONG, index_last, .is_healing = true,
     .reading = NO_INDEX("5")},
    {"another size", FORGED_CLOSED_LONG, index_size, .is_healing = true, .reading = NO_INDEX("5")},
    {"another key", FORGED_CLOSED_LONG, index_hash, .is_healing = true, .reading = NO_INDEX("5")},
    {"another number of term pages", FORGED_CLOSED_LONG, index_term_pages, .is_healing = true,
     .reading = NO_INDEX("5")},
    {"another number of segments", FORGED_CLOSED_LONG, index_segments, .is_healing = true,
     .reading = NO_INDEX("5")},
    {"another checksum of checksums", FORGED_CLOSED_LONG, index_checksums, .is_healing = true,
     .reading = NO_INDEX("5")},
    {"a section elsewhere", FORGED_CLOSED_LONG, index_section, .is_healing = true,
     .reading = NO_INDEX("5")},
    {"a changed header", FORGED_CLOSED_LONG, index_header_byte, .is_healing = true,
     .reading = NO_INDEX("5")},
    {"a changed last byte", FORGED_CLOSED_LONG, index_last_byte, .is_healing = true,
     .reading = NO_INDEX("5")},
    {"a spare field", FORGED_CLOSED_LONG, index_spare, .is_healing = true,
     .reading = NO_INDEX("5")},
    {"padding", FORGED_CLOSED_LONG, index_padding, .is_healing = true, .reading = NO_INDEX("5")},
    {"one that nobody names", FORGED_CLOSED_LONG, orphan_index, .lost = 0},
};

TEST_ROWS(a_forged_index_file_is_healed_by_a_writer, indexes)
{
    forged_judge(&indexes[row]);
}

/* Pages are checked when they are touched: who only reads is told, who writes heals and is answered
 * right. */
TEST(a_changed_byte_in_any_page_of_an_index_file_is_told_or_healed)
{
    size_t size;
    forged_bed *bed = forged_new(FORGED_CLOSED_LONG);
    (void)forged_load(bed, INDEX5, &size);
    forged_free(bed);
    for (uint64_t page = 1; page * 4096 < size; page++) {
        stele_verify_result result;
        stele_error error;
        bed = forged_new(FORGED_CLOSED_LONG);
        forged_flip(bed, INDEX5, page * 4096, 0x02);
        stele_status status = forged_open(bed, STELE_READ_ONLY, &error);
        if (status == STELE_OK) {
            status = stele_verify(bed->store, NULL, &result, &error);
            expect_error(status, &error, STELE_CORRUPT);
            forged_close(bed);
        } else {
            expect_error(status, &error, STELE_CORRUPT_INDEX);
        }
        expect_ok(forged_open(bed, STELE_READ_WRITE, &error), &error);
        forged_expect(bed, bed->head);
        expect_true(forged_info(bed).healed_index_files > 0);
        forged_close(bed);
        expect_ok(forged_open(bed, STELE_READ_ONLY, &error), &error);
        forged_expect(bed, bed->head);
        forged_close(bed);
        forged_free(bed);
    }
}

/* ---- the page ---- */

static void page_of_garbage(forged_bed *bed)
{
    stele__prng prng;
    uint8_t bytes[4096];
    stele__prng_seed(&prng, 1);
    stele__prng_fill(&prng, bytes, sizeof bytes);
    forged_store(bed, "live", bytes, sizeof bytes);
}

static void short_page(forged_bed *bed)
{
    forged_cut(bed, "live", 100);
}

static void page_of_zeroes(forged_bed *bed)
{
    forged_zero(bed, "live", 0, 4096);
}

static void no_lock_file(forged_bed *bed)
{
    forged_remove(bed, "lock");
}

static void lock_file_with_content(forged_bed *bed)
{
    forged_store(bed, "lock", "something", 9);
}

static const forged_row others[] = {
    {"a page of garbage", FORGED_KILLED, page_of_garbage, .lost = 0},
    {"a short page", FORGED_KILLED, short_page, .lost = 0},
    {"a page of zeroes", FORGED_KILLED, page_of_zeroes, .lost = 0},
    {"a page of garbage, closed", FORGED_CLOSED_LONG, page_of_garbage, .lost = 0},
    {"no lock file", FORGED_KILLED, no_lock_file, .lost = 0},
    {"no lock file, closed", FORGED_CLOSED, no_lock_file, .lost = 0},
    {"a lock file with content", FORGED_CLOSED, lock_file_with_content, .lost = 0},
};

TEST_ROWS(pages_and_lock_files_hold_nothing_that_matters, others)
{
    forged_judge(&others[row]);
}

/* ---- the lock ---- */

TEST(a_store_that_is_being_written_is_locked_and_can_be_read)
{
    forged_bed *bed = forged_new(FORGED_CLOSED_LONG);
    stele_store *second = NULL;
    stele_error error;
    stele_options options = bed->options;
    expect_ok(forged_open(bed, STELE_READ_WRITE, &error), &error);
    forged_append(bed, 3);
    /* By another process, and by this one. */
    for (unsigned process = 0; process < 2; process++) {
        options.vfs = sim_disk_vfs(bed->disk, process);
        options.access = STELE_READ_WRITE;
        expect_error(stele_open("file:store", &options, &second, &error), &error,
                     STELE_BUSY_LOCKED);
        expect_contains((const char *)error.message, "store is open for writing already");
        expect_contains((const char *)error.hint, "STELE_READ_ONLY");
        options.access = STELE_READ_ONLY;
        expect_ok(stele_open("file:store", &options, &second, &error), &error);
        stele_position head;
        expect_ok(stele_head(second, &head, &error), &error);
        expect_uint(head, bed->head);
        expect_ok(stele_close(second, &error), &error);
    }
    forged_append(bed, 1);
    forged_kill(bed);
    /* The lock went with the process. */
    expect_ok(forged_open(bed, STELE_READ_WRITE, &error), &error);
    forged_expect(bed, bed->head);
    forged_close(bed);
    forged_free(bed);
}

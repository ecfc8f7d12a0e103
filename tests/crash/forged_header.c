/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forged headers and missing files: every field of a segment's header, alone and under a right
 * checksum; segments that are missing, cut, empty, foreign, or stand where they should not. No
 * sealed segment and no frame that was durable is ever dropped for a header that is wrong.
 */
#include "forged_judge.h"

#include <stdio.h>

/* ---- fields of a header, in segment 1 of a store with one ---- */

static void flip_header(forged_bed *bed, uint64_t number, size_t at)
{
    forged_flip(bed, forged_log(number), at, 0x01);
}

static void magic(forged_bed *bed)
{
    flip_header(bed, 1, 0);
}

static void version(forged_bed *bed)
{
    flip_header(bed, 1, 8);
}

static void store(forged_bed *bed)
{
    flip_header(bed, 1, 16);
}

static void key(forged_bed *bed)
{
    flip_header(bed, 1, 40);
}

static void number(forged_bed *bed)
{
    flip_header(bed, 1, 48);
}

static void first(forged_bed *bed)
{
    flip_header(bed, 1, 56);
}

static void base_time(forged_bed *bed)
{
    flip_header(bed, 1, 64);
}

static void reserved(forged_bed *bed)
{
    flip_header(bed, 1, 80);
}

static void checksum(forged_bed *bed)
{
    flip_header(bed, 1, 95);
}

static void header_is_zero(forged_bed *bed)
{
    forged_zero(bed, forged_log(1), 0, STELE_SEGMENT_HEADER_SIZE);
}

static void cut_in_header(forged_bed *bed)
{
    forged_cut(bed, forged_log(1), 50);
}

static void empty_file(forged_bed *bed)
{
    forged_cut(bed, forged_log(1), 0);
}

static void newer_version(forged_bed *bed)
{
    uint8_t bytes[4];
    stele__store32(bytes, 2);
    forged_header(bed, 1, 8, bytes, 4);
}

static void larger_header(forged_bed *bed)
{
    uint8_t bytes[4];
    stele__store32(bytes, 128);
    forged_header(bed, 1, 12, bytes, 4);
}

static void other_store(forged_bed *bed)
{
    forged_header(bed, 1, 16, "another store id", 16);
}

static void other_key(forged_bed *bed)
{
    forged_header(bed, 1, 32, "another hash key", 16);
}

static void other_number(forged_bed *bed)
{
    forged_header(bed, 1, 48, "\2\0\0\0\0\0\0\0", 8);
}

static void other_first(forged_bed *bed)
{
    forged_header(bed, 1, 56, "\5\0\0\0\0\0\0\0", 8);
}

static void newer_field(forged_bed *bed)
{
    forged_header(bed, 1, 72, "\1", 1);
}

#define LOG(number) "000000000" number ".log"
#define DAMAGED_HEADER                                                                             \
    {                                                                                              \
        STELE_CORRUPT,                                                                             \
        {                                                                                          \
            "the header of store/" LOG("1") " is damaged (offset 0, 96 bytes)"                     \
        }                                                                                          \
    }
#define NEWER                                                                                      \
    {                                                                                              \
        STELE_UNSUPPORTED_VERSION,                                                                 \
        {                                                                                          \
            "store/" LOG("1") " has format ", "; this library reads 1"                             \
        }                                                                                          \
    }
#define OTHER_STORE(number)                                                                        \
    {                                                                                              \
        STELE_CORRUPT,                                                                             \
        {                                                                                          \
            "store/" LOG(number) " belongs to another store (offset 16)"                           \
        }                                                                                          \
    }

static const forged_row fields[] = {
    {"magic", FORGED_KILLED, magic,
     .opening = {STELE_CORRUPT, {LOG("1") " does not begin like a segment (offset 0)"}},
     .unseen = 23},
    {"version", FORGED_KILLED, version, .opening = DAMAGED_HEADER, .unseen = 23},
    {"store", FORGED_KILLED, store, .opening = DAMAGED_HEADER, .unseen = 23},
    {"key", FORGED_KILLED, key, .opening = DAMAGED_HEADER, .unseen = 23},
    {"number", FORGED_KILLED, number, .opening = DAMAGED_HEADER, .unseen = 23},
    {"first position", FORGED_KILLED, first, .opening = DAMAGED_HEADER, .unseen = 23},
    {"base time", FORGED_KILLED, base_time, .opening = DAMAGED_HEADER, .unseen = 23},
    {"reserved", FORGED_KILLED, reserved, .opening = DAMAGED_HEADER, .unseen = 23},
    {"checksum", FORGED_KILLED, checksum, .opening = DAMAGED_HEADER, .unseen = 23},
    {"all zeroes, frames behind", FORGED_KILLED, header_is_zero,
     .opening = {STELE_CORRUPT,
                 {LOG("1") " is reserved and unused, but good frames follow its header"}},
     .unseen = 23},
    {"cut in the header", FORGED_KILLED_OS, cut_in_header, .lost = 23, .is_new_epoch = true,
     .unseen = 23},
    {"an empty file", FORGED_KILLED_OS, empty_file, .lost = 23, .is_new_epoch = true, .unseen = 23},

    {"repaired: newer version", FORGED_KILLED, newer_version, .opening = NEWER, .reading = NEWER},
    {"repaired: larger header", FORGED_KILLED, larger_header, .opening = NEWER, .reading = NEWER},
    {"repaired: newer field", FORGED_KILLED, newer_field, .opening = NEWER, .reading = NEWER},
    {"repaired: other store", FORGED_KILLED, other_store, .opening = OTHER_STORE("1"),
     .unseen = 23},
    {"repaired: other key", FORGED_KILLED, other_key, .opening = OTHER_STORE("1"), .unseen = 23},
    {"repaired: other number", FORGED_KILLED, other_number,
     .opening = {STELE_CORRUPT, {LOG("1") " says that it is segment 2"}}, .unseen = 23},
    {"repaired: other first position", FORGED_KILLED, other_first,
     .opening = {STELE_CORRUPT, {LOG("1") " begins with position 5, not 1 (offset 56)"}},
     .unseen = 23},

#define CLOSED_AT_0                                                                                \
    {                                                                                              \
        STELE_CORRUPT,                                                                             \
        {                                                                                          \
            "the store was closed at position 23, but can be read up to 0 only"                    \
        }                                                                                          \
    }
    {"closed: magic", FORGED_CLOSED, magic,
     .opening = {STELE_CORRUPT, {LOG("1") " does not begin like a segment (offset 0)"}},
     .reading = CLOSED_AT_0},
    {"closed: store", FORGED_CLOSED, store, .opening = DAMAGED_HEADER, .reading = CLOSED_AT_0},
    {"closed: all zeroes", FORGED_CLOSED, header_is_zero,
     .opening = {STELE_CORRUPT,
                 {LOG("1") " is reserved and unused, but good frames follow its header"}},
     .reading = CLOSED_AT_0},
    {"closed: cut in the header", FORGED_CLOSED, cut_in_header,
     .opening = {STELE_CORRUPT,
                 {"the store was closed at position 23, but its segments end with 0"}},
     .reading = CLOSED_AT_0},
    {"closed: an empty file", FORGED_CLOSED, empty_file,
     .opening = {STELE_CORRUPT,
                 {"the store was closed at position 23, but its segments end with 0"}},
     .reading = CLOSED_AT_0},
    {"closed: newer version", FORGED_CLOSED, newer_version, .opening = NEWER, .reading = NEWER},
    {"closed: other store", FORGED_CLOSED, other_store, .opening = OTHER_STORE("1"),
     .reading = CLOSED_AT_0},
};

TEST_ROWS(a_forged_header_is_told_for_what_it_is, fields)
{
    forged_judge(&fields[row]);
}

/* ---- live segments of a store that was killed: 1 … 21, 22 … 42, 43 … 54 ---- */

static void lose_1(forged_bed *bed)
{
    forged_remove(bed, forged_log(1));
}

static void lose_2(forged_bed *bed)
{
    forged_remove(bed, forged_log(2));
}

static void lose_3(forged_bed *bed)
{
    forged_remove(bed, forged_log(3));
}

static void zero_header_2(forged_bed *bed)
{
    forged_zero(bed, forged_log(2), 0, STELE_SEGMENT_HEADER_SIZE);
}

static void zero_file(forged_bed *bed, uint64_t number_of_file)
{
    size_t size;
    (void)forged_load(bed, forged_log(number_of_file), &size);
    forged_zero(bed, forged_log(number_of_file), 0, size);
}

static void zero_file_2(forged_bed *bed)
{
    zero_file(bed, 2);
}

static void zero_file_3(forged_bed *bed)
{
    zero_file(bed, 3);
}

static void empty_file_2(forged_bed *bed)
{
    forged_cut(bed, forged_log(2), 0);
}

static void garbage_file_2(forged_bed *bed)
{
    stele__prng prng;
    static uint8_t bytes[65536];
    stele__prng_seed(&prng, 1);
    stele__prng_fill(&prng, bytes, sizeof bytes);
    forged_store(bed, forged_log(2), bytes, sizeof bytes);
}

static void garbage_file_3(forged_bed *bed)
{
    garbage_file_2(bed);
    size_t size;
    const uint8_t *bytes = forged_load(bed, forged_log(2), &size);
    forged_store(bed, forged_log(3), bytes, size);
}

/* Segment 3 alone is garbage: 2 stays as it was. */
static void garbage_header_and_frames_3(forged_bed *bed)
{
    size_t size;
    uint8_t *second = forged_load(bed, forged_log(2), &size);
    garbage_file_3(bed);
    forged_store(bed, forged_log(2), second, size);
}

static void half_a_header_3(forged_bed *bed)
{
    zero_file(bed, 3);
    forged_write(bed, forged_log(3), 0, "STELELOG\1\0\0\0\x60\0\0\0half of a", 25);
}

static void foreign_3(forged_bed *bed)
{
    forged_header(bed, 3, 16, "another store id", 16);
}

static void last_frame_of(forged_bed *bed, uint64_t segment, forged_frame *ret_frame)
{
    static forged_frame frames[FORGED_FRAMES_MAX];
    *ret_frame = frames[forged_frames(bed, segment, frames) - 1];
}

static void rot_at_the_end_of_1(forged_bed *bed)
{
    forged_frame frame;
    last_frame_of(bed, 1, &frame);
    forged_flip(bed, forged_log(1), frame.end - 1, 1);
}

static void hole_at_the_end_of_2(forged_bed *bed)
{
    forged_frame frame;
    last_frame_of(bed, 2, &frame);
    forged_zero(bed, forged_log(2), frame.offset, frame.end - frame.offset);
}

static void rot_in_the_first_frame_of_3(forged_bed *bed)
{
    forged_flip(bed, forged_log(3), 200, 1);
}

static void garbage_behind_the_end_of_1(forged_bed *bed)
{
    forged_frame frame;
    last_frame_of(bed, 1, &frame);
    forged_write(bed, forged_log(1), frame.end, "garbage", 7);
}

static void unused_4(forged_bed *bed)
{
    forged_store(bed, forged_log(4), test_memory(65536), 65536);
}

#define DURABLE(position, log)                                                                     \
    {                                                                                              \
        STELE_CORRUPT,                                                                             \
        {                                                                                          \
            "position " position " was durable and is damaged: store/" LOG(log)                    \
        }                                                                                          \
    }

static const forged_row lives[] = {
    {"the first segment is missing", FORGED_KILLED_LONG, lose_1,
     .opening = {STELE_CORRUPT, {LOG("2") " begins with position 22, not 1 (offset 56)"}},
     .unseen = 54},
    {"the middle segment is missing", FORGED_KILLED_LONG, lose_2,
     .opening = {STELE_CORRUPT, {"position 22 was durable and is damaged: store/" LOG("1")}},
     .unseen = 33},
    /* Nothing in the files says that there was a third one; readers had seen it. */
    {"the last segment is missing", FORGED_KILLED_LONG, lose_3, .lost = 12, .is_new_epoch = true,
     .unseen = 12},
    {"the last segment is zeroes", FORGED_KILLED_LONG, zero_file_3, .lost = 12,
     .is_new_epoch = true, .unseen = 12},
    {"the last segment is garbage", FORGED_KILLED_LONG, garbage_header_and_frames_3, .lost = 12,
     .is_new_epoch = true, .unseen = 12},
    {"the last segment has half a header", FORGED_KILLED_LONG, half_a_header_3, .lost = 12,
     .is_new_epoch = true, .unseen = 12},
    {"a segment behind the last was never used", FORGED_KILLED_LONG, unused_4, .lost = 0},
    {"garbage between two segments", FORGED_KILLED_LONG, garbage_behind_the_end_of_1,
     .is_dropping = true},

    {"the header of the middle one is zeroes", FORGED_KILLED_LONG, zero_header_2,
     .opening = DURABLE("22", "1"), .unseen = 33},
    {"the middle segment is zeroes", FORGED_KILLED_LONG, zero_file_2,
     .opening = {STELE_CORRUPT, {"position 22"}}, .unseen = 33},
    {"the middle segment is empty", FORGED_KILLED_LONG, empty_file_2,
     .opening = {STELE_CORRUPT, {"position 22"}}, .unseen = 33},
    {"the middle segment is garbage", FORGED_KILLED_LONG, garbage_file_2,
     .opening = {STELE_CORRUPT, {"position 22"}}, .unseen = 33},
    {"the last segment is of another store", FORGED_KILLED_LONG, foreign_3,
     .opening = OTHER_STORE("3"), .unseen = 12},
    {"rot at the end of the first segment", FORGED_KILLED_LONG, rot_at_the_end_of_1,
     .opening = DURABLE("20", "1"), .unseen = 35},
    {"a hole at the end of the middle segment", FORGED_KILLED_LONG, hole_at_the_end_of_2,
     .opening = DURABLE("40", "2"), .unseen = 15},
    {"rot at the beginning of the last segment", FORGED_KILLED_LONG, rot_in_the_first_frame_of_3,
     .opening = DURABLE("43", "3"), .unseen = 12},
};

TEST_ROWS(live_segments_that_are_wrong_are_told_or_torn, lives)
{
    forged_judge(&lives[row]);
}

/* ---- sealed segments: 1 … 5 with 21 events each, 6 is live up to 120; closed in order ---- */

static void zero_header_of_sealed(forged_bed *bed)
{
    forged_zero(bed, forged_log(2), 0, STELE_SEGMENT_HEADER_SIZE);
}

static void flip_header_of_sealed(forged_bed *bed)
{
    flip_header(bed, 2, 56);
}

static void first_of_sealed(forged_bed *bed)
{
    forged_header(bed, 2, 56, "\5\0\0\0\0\0\0\0", 8);
}

static void store_of_sealed(forged_bed *bed)
{
    forged_header(bed, 2, 16, "another store id", 16);
}

static void version_of_sealed(forged_bed *bed)
{
    forged_header(bed, 2, 8, "\2", 1);
}

static void cut_sealed(forged_bed *bed)
{
    size_t size;
    (void)forged_load(bed, forged_log(2), &size);
    forged_cut(bed, forged_log(2), size - 65);
}

static void cut_sealed_in_header(forged_bed *bed)
{
    forged_cut(bed, forged_log(2), 20);
}

static void grow_sealed(forged_bed *bed)
{
    size_t size;
    (void)forged_load(bed, forged_log(2), &size);
    forged_write(bed, forged_log(2), size, "more than was sealed", 20);
}

static void lose_live(forged_bed *bed)
{
    forged_remove(bed, forged_log(6));
}

static void empty_live(forged_bed *bed)
{
    forged_cut(bed, forged_log(6), 0);
}

static void zero_live(forged_bed *bed)
{
    zero_file(bed, 6);
}

static void rot_in_live(forged_bed *bed)
{
    forged_frame frame;
    last_frame_of(bed, 6, &frame);
    forged_flip(bed, forged_log(6), frame.offset + 50, 1);
}

/* A segment of another store, put behind the last. */
static void stray_7(forged_bed *bed)
{
    size_t size;
    uint8_t *bytes = forged_load(bed, forged_log(6), &size);
    forged_store(bed, forged_log(7), bytes, size);
    stele__segment_header header = forged_read_header(bed, 6);
    header.number = 7;
    header.first = 121;
    header.store.bytes[3] ^= 1;
    uint8_t encoded[STELE_SEGMENT_HEADER_SIZE];
    stele__segment_header_encode(&header, encoded);
    forged_write(bed, forged_log(7), 0, encoded, sizeof encoded);
}

#define CLOSED_LONG(what)                                                                          \
    {                                                                                              \
        STELE_CORRUPT,                                                                             \
        {                                                                                          \
            "the store was closed at position 120, but " what                                      \
        }                                                                                          \
    }

static const forged_row sealed[] = {
    {"a sealed segment is zeroes", FORGED_CLOSED_LONG, unused_4,
     .opening = {STELE_CORRUPT, {"the sealed segment " LOG("4") " is missing or empty"}},
     .reading = {STELE_CORRUPT, {LOG("4")}}},
    {"a sealed segment is missing", FORGED_CLOSED_LONG, lose_2,
     .opening = {STELE_CORRUPT, {"the sealed segment " LOG("2") " is missing or empty"}},
     .reading = {STELE_CORRUPT, {LOG("2") " is missing"}}},
    {"the first sealed segment is missing", FORGED_CLOSED_LONG, lose_1,
     .opening = {STELE_CORRUPT, {"the sealed segment " LOG("1") " is missing or empty"}},
     .reading = {STELE_CORRUPT, {LOG("1") " is missing"}}},
    {"the header of a sealed segment is zeroes", FORGED_CLOSED_LONG, zero_header_of_sealed,
     .opening = {STELE_CORRUPT, {"the sealed segment " LOG("2") " is missing or empty"}},
     .reading = {STELE_CORRUPT, {LOG("2") " is missing or empty"}}},
    {"the header of a sealed segment is damaged", FORGED_CLOSED_LONG, flip_header_of_sealed,
     .opening = {STELE_CORRUPT,
                 {"the header of store/" LOG("2") " is damaged (offset 0, 96 bytes)"}},
     .reading = {STELE_CORRUPT,
                 {"the header of store/" LOG("2") " is damaged (offset 0, 96 bytes)"}}},
    {"a sealed segment begins elsewhere", FORGED_CLOSED_LONG, first_of_sealed,
     .opening = {STELE_CORRUPT, {LOG("2") " begins with position 5, not 22 (offset 56)"}},
     .reading = {STELE_CORRUPT, {LOG("2") " is not the segment that the manifest names"}}},
    {"a sealed segment is of another store", FORGED_CLOSED_LONG, store_of_sealed,
     .opening = OTHER_STORE("2"), .reading = {STELE_CORRUPT, {LOG("2")}}},
    {"a sealed segment is newer", FORGED_CLOSED_LONG, version_of_sealed,
     .opening = {STELE_UNSUPPORTED_VERSION, {LOG("2") " has format 2; this library reads 1"}},
     .reading = {STELE_UNSUPPORTED_VERSION, {LOG("2") " has format 2; this library reads 1"}}},
    {"a sealed segment is cut", FORGED_CLOSED_LONG, cut_sealed,
     .opening = {STELE_CORRUPT, {LOG("2") " ends at offset 64114; it should go to 64115"}},
     .reading = {STELE_CORRUPT, {LOG("2") " is not the segment that the manifest names"}}},
    {"a sealed segment is cut in its header", FORGED_CLOSED_LONG, cut_sealed_in_header,
     .opening = {STELE_CORRUPT, {LOG("2") " ends inside its header (offset 20)"}},
     .reading = {STELE_CORRUPT, {LOG("2") " ends inside its header (offset 20)"}}},
    {"a sealed segment has grown", FORGED_CLOSED_LONG, grow_sealed, .lost = 0},
    {"the live segment is missing", FORGED_CLOSED_LONG, lose_live,
     .opening = CLOSED_LONG("its segments end with 105"),
     .reading = CLOSED_LONG("can be read up to 105 only")},
    {"the live segment is empty", FORGED_CLOSED_LONG, empty_live,
     .opening = CLOSED_LONG("its segments end with 105"),
     .reading = CLOSED_LONG("can be read up to 105 only")},
    {"the live segment is zeroes", FORGED_CLOSED_LONG, zero_live,
     .opening = CLOSED_LONG("its segments end with 105"),
     .reading = CLOSED_LONG("can be read up to 105 only")},
    {"rot in the last frame of the live segment", FORGED_CLOSED_LONG, rot_in_live,
     .opening = {STELE_CORRUPT,
                 {"position 118 was durable and is damaged: store/" LOG("6") ", offset "}},
     .reading = CLOSED_LONG("can be read up to 117 only")},
    {"a stray segment of another store behind the last", FORGED_CLOSED_LONG, stray_7,
     .opening = OTHER_STORE("7"), .unseen = 0},
};

TEST_ROWS(sealed_segments_that_are_wrong_are_refused, sealed)
{
    forged_judge(&sealed[row]);
}

/* ---- rot inside a sealed segment: the store opens, and whoever reads that event is told ---- */

typedef struct damage_note {
    char file[40];
    uint64_t offset;
    stele_position position;
    int is_index;
    size_t count;
} damage_note;

static void note_damage(void *context, const stele_damage *damage)
{
    damage_note *note = context;
    (void)snprintf(note->file, sizeof note->file, "%s", damage->file);
    note->offset = damage->offset;
    note->position = damage->position;
    note->is_index = damage->is_index;
    note->count++;
}

static const stele_access accesses[] = {STELE_READ_WRITE, STELE_READ_ONLY};

TEST_ROWS(rot_in_a_sealed_segment_is_told_by_the_read_and_by_verify_and_cuts_nothing, accesses)
{
    forged_bed *bed = forged_new(FORGED_CLOSED_LONG);
    static forged_frame frames[FORGED_FRAMES_MAX];
    const size_t count = forged_frames(bed, 3, frames);
    const forged_frame frame = frames[count / 2];
    const stele_read everything = {.limit = 0};
    stele_cursor *cursor;
    stele_error error;
    forged_flip(bed, forged_log(3), frame.end - 1, 0x20);
    const stele_position damaged = frame.first + frame.count - 1;
    if (accesses[row] == STELE_READ_WRITE) {
        /* Who writes reads the newest ids first, which are these. */
        expect_error(forged_open(bed, STELE_READ_WRITE, &error), &error, STELE_CORRUPT);
        expect_contains((const char *)error.message, "is damaged: store/" LOG("3") ", offset ");
        expect_uint(forged_salvage(bed), 119);
        forged_free(bed);
        return;
    }
    expect_ok(forged_open(bed, accesses[row], &error), &error);
    expect_uint(forged_info(bed).head, 120);

    /* Reading stops there, and says where. */
    expect_ok(stele_read_open(bed->store, &everything, &cursor, &error), &error);
    for (stele_position position = 1; position < damaged; position++) {
        const stele_record *record = stele_cursor_next(cursor, &error);
        expect_not_null(record);
        expect_uint(record->position, position);
    }
    expect_null(stele_cursor_next(cursor, &error));
    expect_error(error.status, &error, STELE_CORRUPT);
    expect_contains((const char *)error.message, "is damaged: store/" LOG("3") ", offset ");
    expect_null(stele_cursor_next(cursor, &error));
    expect_int(error.status, STELE_CORRUPT);
    stele_cursor_free(cursor);

    /* What stands behind it is there. */
    const stele_read behind = {.from = STELE_AT_POSITION(damaged + 1)};
    expect_ok(stele_read_open(bed->store, &behind, &cursor, &error), &error);
    for (stele_position position = damaged + 1; position <= 120; position++) {
        const stele_record *record = stele_cursor_next(cursor, &error);
        expect_not_null(record);
        expect_uint(record->position, position);
    }
    stele_cursor_free(cursor);

    /* Verify names file, place and position. */
    damage_note note = {.count = 0};
    stele_verify_result result;
    const stele_verify_options options = {.damage = note_damage, .context = &note};
    expect_error(stele_verify(bed->store, &options, &result, &error), &error, STELE_CORRUPT);
    expect_uint(note.count, 1);
    expect_uint(result.damage_count, 1);
    expect_text((const char *)note.file, LOG("3"));
    expect_uint(note.offset, frame.offset);
    expect_uint(note.position, frame.first);
    expect_false(note.is_index);

    forged_close(bed);
    size_t size;
    (void)forged_load(bed, forged_log(3), &size);
    expect_uint(size, 64184);
    /* Salvage leaves out what is damaged and nothing else. */
    expect_uint(forged_salvage(bed), bed->head - 1);
    forged_free(bed);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forged tails: every defect that the end of the log can have, each with the exact diagnosis. In a
 * store that was killed, what stands behind the last good frame is a torn tail, unless something
 * says that the log was durable beyond; then it is rot. In a store that was closed the manifest
 * says where the log ends.
 */
#include "forged_judge.h"

/* ---- where things stand: one segment, 20 commits, 23 events; number 10 has four of them ---- */

enum { LAST = 19, MANY = 10 };

static forged_frame frame_of(forged_bed *bed, size_t number)
{
    static forged_frame frames[FORGED_FRAMES_MAX];
    const size_t count = forged_frames(bed, 1, frames);
    expect_uint(count, LAST + 1);
    expect_uint(frames[LAST].first, 23);
    return frames[number];
}

static void flip_in(forged_bed *bed, size_t frame, uint64_t at)
{
    forged_flip(bed, forged_log(1), frame_of(bed, frame).offset + at, 0x04);
}

static void store_size(forged_bed *bed, size_t frame, uint32_t value)
{
    uint8_t bytes[4];
    stele__store32(bytes, value);
    forged_write(bed, forged_log(1), frame_of(bed, frame).offset, bytes, sizeof bytes);
}

static void zero_frame(forged_bed *bed, size_t number)
{
    const forged_frame frame = frame_of(bed, number);
    forged_zero(bed, forged_log(1), frame.offset, frame.end - frame.offset);
}

static void forget_page(forged_bed *bed)
{
    forged_remove(bed, "live");
}

/* ---- the last frame ---- */

static void no_harm(forged_bed *bed)
{
    (void)bed;
}

static void last_is_zero(forged_bed *bed)
{
    zero_frame(bed, LAST);
}

static void last_is_zero_and_nobody_saw(forged_bed *bed)
{
    zero_frame(bed, LAST);
    forget_page(bed);
}

static void last_without_size(forged_bed *bed)
{
    store_size(bed, LAST, 0);
}

static void last_too_short(forged_bed *bed)
{
    const forged_frame frame = frame_of(bed, LAST);
    store_size(bed, LAST, (uint32_t)(frame.end - frame.offset) - STELE_FRAME_PREFIX - 20);
}

static void last_one_byte(forged_bed *bed)
{
    store_size(bed, LAST, 1);
}

static void last_too_long(forged_bed *bed)
{
    const forged_frame frame = frame_of(bed, LAST);
    store_size(bed, LAST, (uint32_t)(frame.end - frame.offset));
}

static void last_beyond_the_segment(forged_bed *bed)
{
    store_size(bed, LAST, 200 << 20);
}

static void last_beyond_everything(forged_bed *bed)
{
    store_size(bed, LAST, UINT32_MAX);
}

static void last_with_bad_seal(forged_bed *bed)
{
    flip_in(bed, LAST, 4);
}

static void last_with_bad_flags(forged_bed *bed)
{
    flip_in(bed, LAST, 8);
}

static void last_with_bad_data(forged_bed *bed)
{
    const forged_frame frame = frame_of(bed, LAST);
    forged_flip(bed, forged_log(1), frame.end - 1, 0x80);
}

/* The sector behind its first 40 bytes was never written. */
static void last_half_written(forged_bed *bed)
{
    const forged_frame frame = frame_of(bed, LAST);
    forged_zero(bed, forged_log(1), frame.offset + 40, frame.end - frame.offset - 40);
}

static void last_without_its_beginning(forged_bed *bed)
{
    forged_zero(bed, forged_log(1), frame_of(bed, LAST).offset, 40);
}

static void cut_inside_last(forged_bed *bed)
{
    forged_cut(bed, forged_log(1), frame_of(bed, LAST).end - 7);
}

static void cut_inside_last_prefix(forged_bed *bed)
{
    forged_cut(bed, forged_log(1), frame_of(bed, LAST).offset + 5);
}

static void cut_before_last(forged_bed *bed)
{
    forged_cut(bed, forged_log(1), frame_of(bed, LAST).offset);
}

static void cut_behind_last(forged_bed *bed)
{
    forged_cut(bed, forged_log(1), frame_of(bed, LAST).end);
}

static void last_with_bad_seal_and_nobody_saw(forged_bed *bed)
{
    flip_in(bed, LAST, 4);
    forget_page(bed);
}

static void page_from_another_machine(forged_bed *bed)
{
    flip_in(bed, LAST, 4);
    sim_clock_restart(&bed->clock);
}

static void machine_restarted(forged_bed *bed)
{
    sim_clock_restart(&bed->clock);
}

/* ---- behind the last frame ---- */

static void put_behind(forged_bed *bed, uint64_t distance, const void *bytes, size_t size)
{
    forged_write(bed, forged_log(1), frame_of(bed, LAST).end + distance, bytes, size);
}

static void garbage_behind(forged_bed *bed)
{
    stele__prng prng;
    uint8_t bytes[3000];
    stele__prng_seed(&prng, 3);
    stele__prng_fill(&prng, bytes, sizeof bytes);
    put_behind(bed, 0, bytes, sizeof bytes);
}

static void garbage_far_behind(forged_bed *bed)
{
    put_behind(bed, 100000, "garbage", 7);
}

static void one_byte_behind(forged_bed *bed)
{
    put_behind(bed, 0, "\1", 1);
}

static void ones_behind(forged_bed *bed)
{
    uint8_t bytes[2000];
    memset(bytes, 0xff, sizeof bytes);
    put_behind(bed, 0, bytes, sizeof bytes);
}

/* A copy of an earlier frame, with its good seal: F1 says that it is bad here. */
static void recycled_frame_behind(forged_bed *bed)
{
    const forged_frame frame = frame_of(bed, 5);
    size_t size;
    const uint8_t *bytes = forged_load(bed, forged_log(1), &size);
    put_behind(bed, 0, bytes + frame.offset, (size_t)(frame.end - frame.offset));
}

static void recycled_last_behind(forged_bed *bed)
{
    const forged_frame frame = frame_of(bed, LAST);
    size_t size;
    const uint8_t *bytes = forged_load(bed, forged_log(1), &size);
    put_behind(bed, 0, bytes + frame.offset, (size_t)(frame.end - frame.offset));
}

/* Frames that are whole and sealed, but for the one thing. */
static void put_frame(forged_bed *bed, const stele__segment_header *header, uint64_t distance,
                      stele_position position, stele_position synced)
{
    uint8_t bytes[1024];
    const size_t size =
        forged_encode(header, frame_of(bed, LAST).end + distance, position, synced, bytes);
    put_behind(bed, distance, bytes, size);
}

static void frame_with_later_position(forged_bed *bed)
{
    const stele__segment_header header = forged_read_header(bed, 1);
    put_frame(bed, &header, 0, 26, 10);
}

static void frame_with_earlier_position(forged_bed *bed)
{
    const stele__segment_header header = forged_read_header(bed, 1);
    put_frame(bed, &header, 0, 23, 10);
}

static void frame_of_another_segment(forged_bed *bed)
{
    stele__segment_header header = forged_read_header(bed, 1);
    header.number = 2;
    put_frame(bed, &header, 0, 24, 23);
}

static void frame_of_another_store(forged_bed *bed)
{
    stele__segment_header header = forged_read_header(bed, 1);
    header.store.bytes[0] ^= 1;
    put_frame(bed, &header, 0, 24, 23);
}

/* A hole, and behind it a frame that knew nothing to be durable in it: both go. */
static void unsure_frame_behind_a_hole(forged_bed *bed)
{
    const stele__segment_header header = forged_read_header(bed, 1);
    put_frame(bed, &header, 200, 25, 23);
}

/* … that knew the hole to be durable: rot. */
static void sure_frame_behind_a_hole(forged_bed *bed)
{
    const stele__segment_header header = forged_read_header(bed, 1);
    put_frame(bed, &header, 200, 25, 24);
}

static void sure_frame_behind_garbage(forged_bed *bed)
{
    const stele__segment_header header = forged_read_header(bed, 1);
    put_behind(bed, 0, "garbage that is no frame", 24);
    put_frame(bed, &header, 150000, 25, 24);
}

/* ---- earlier frames ---- */

static void hole_before_last(forged_bed *bed)
{
    zero_frame(bed, LAST - 1);
}

static void rot_before_last(forged_bed *bed)
{
    flip_in(bed, LAST - 1, 60);
}

static void rot_in_the_middle(forged_bed *bed)
{
    flip_in(bed, 5, 4);
}

static void hole_in_the_middle(forged_bed *bed)
{
    zero_frame(bed, 5);
}

static void rot_in_the_first(forged_bed *bed)
{
    flip_in(bed, 0, 60);
}

static void hole_in_the_first(forged_bed *bed)
{
    zero_frame(bed, 0);
}

static void rot_in_one_of_many(forged_bed *bed)
{
    flip_in(bed, MANY, 300);
}

static void size_in_the_middle(forged_bed *bed)
{
    store_size(bed, 5, 0);
}

static void everything_is_zero(forged_bed *bed)
{
    forged_zero(bed, forged_log(1), STELE_SEGMENT_HEADER_SIZE,
                frame_of(bed, LAST).end - STELE_SEGMENT_HEADER_SIZE);
}

static void hole_to_the_end(forged_bed *bed)
{
    const forged_frame frame = frame_of(bed, 5);
    forged_zero(bed, forged_log(1), frame.offset, frame_of(bed, LAST).end - frame.offset);
}

#define LOG1 "0000000001.log, offset "
#define REFUSED(position, why)                                                                     \
    {                                                                                              \
        STELE_CORRUPT,                                                                             \
        {                                                                                          \
            "position " position " was durable and is damaged: ", LOG1, ": " why                   \
        }                                                                                          \
    }

static const forged_row tails[] = {
    {"nothing is wrong", FORGED_KILLED, no_harm, .lost = 0},
    {"nothing is wrong, but the machine was restarted", FORGED_KILLED, machine_restarted,
     .is_new_epoch = true},
    {"no page", FORGED_KILLED, forget_page, .lost = 0},

    /* The last frame: nothing knows that it was durable. Readers saw it, so the epoch is raised, if
       the page still tells. */
    {"the last frame is zeroes", FORGED_KILLED, last_is_zero, .lost = 1, .is_new_epoch = true,
     .unseen = 1},
    {"the last frame is zeroes, and no page", FORGED_KILLED, last_is_zero_and_nobody_saw, .lost = 1,
     .unseen = 1},
    {"the last frame has no size", FORGED_KILLED, last_without_size, .lost = 1, .is_dropping = true,
     .is_new_epoch = true, .unseen = 1},
    {"the last frame is too short", FORGED_KILLED, last_too_short, .lost = 1, .is_dropping = true,
     .is_new_epoch = true, .unseen = 1},
    {"the last frame is one byte", FORGED_KILLED, last_one_byte, .lost = 1, .is_dropping = true,
     .is_new_epoch = true, .unseen = 1},
    {"the last frame is too long", FORGED_KILLED, last_too_long, .lost = 1, .is_dropping = true,
     .is_new_epoch = true, .unseen = 1},
    {"the last frame goes beyond the segment", FORGED_KILLED, last_beyond_the_segment, .lost = 1,
     .is_dropping = true, .is_new_epoch = true, .unseen = 1},
    {"the last frame goes beyond everything", FORGED_KILLED, last_beyond_everything, .lost = 1,
     .is_dropping = true, .is_new_epoch = true, .unseen = 1},
    {"the last frame has a bad seal", FORGED_KILLED, last_with_bad_seal, .lost = 1,
     .is_dropping = true, .is_new_epoch = true, .unseen = 1},
    {"the last frame has a bad seal, and no page", FORGED_KILLED, last_with_bad_seal_and_nobody_saw,
     .lost = 1, .is_dropping = true, .unseen = 1},
    {"the last frame has a bad seal, and the machine was restarted", FORGED_KILLED,
     page_from_another_machine, .lost = 1, .is_dropping = true, .is_new_epoch = true, .unseen = 1},
    {"the last frame has unknown flags", FORGED_KILLED, last_with_bad_flags, .lost = 1,
     .is_dropping = true, .is_new_epoch = true, .unseen = 1},
    {"the last frame has a changed byte of data", FORGED_KILLED, last_with_bad_data, .lost = 1,
     .is_dropping = true, .is_new_epoch = true, .unseen = 1},
    {"the last frame is half written", FORGED_KILLED, last_half_written, .lost = 1,
     .is_dropping = true, .is_new_epoch = true, .unseen = 1},
    {"the last frame has no beginning", FORGED_KILLED, last_without_its_beginning, .lost = 1,
     .is_dropping = true, .is_new_epoch = true, .unseen = 1},
    {"the file ends inside the last frame", FORGED_KILLED, cut_inside_last, .lost = 1,
     .is_dropping = true, .is_new_epoch = true, .unseen = 1},
    {"the file ends inside the last frame's size", FORGED_KILLED, cut_inside_last_prefix, .lost = 1,
     .is_dropping = true, .is_new_epoch = true, .unseen = 1},
    {"the file ends before the last frame", FORGED_KILLED, cut_before_last, .lost = 1,
     .is_new_epoch = true, .unseen = 1},
    {"the file ends behind the last frame", FORGED_KILLED, cut_behind_last, .lost = 0},

    /* Behind the last frame. */
    {"garbage behind the end", FORGED_KILLED, garbage_behind, .is_dropping = true},
    {"garbage far behind the end", FORGED_KILLED, garbage_far_behind, .is_dropping = true},
    {"one byte behind the end", FORGED_KILLED, one_byte_behind, .is_dropping = true},
    {"ones behind the end", FORGED_KILLED, ones_behind, .is_dropping = true},
    {"an earlier frame behind the end", FORGED_KILLED, recycled_frame_behind, .is_dropping = true},
    {"the last frame twice", FORGED_KILLED, recycled_last_behind, .is_dropping = true},
    {"a frame with a later position", FORGED_KILLED, frame_with_later_position, .is_dropping = true,
     .is_new_epoch = true},
    {"a frame with an earlier position", FORGED_KILLED, frame_with_earlier_position,
     .is_dropping = true},
    {"a frame of another segment", FORGED_KILLED, frame_of_another_segment, .is_dropping = true},
    {"a frame of another store", FORGED_KILLED, frame_of_another_store, .is_dropping = true},
    {"an unsure frame behind a hole", FORGED_KILLED, unsure_frame_behind_a_hole,
     .is_dropping = true, .is_new_epoch = true},
    {"a sure frame behind a hole", FORGED_KILLED, sure_frame_behind_a_hole,
     .opening = REFUSED("24", "zeroes")},
    {"a sure frame behind garbage", FORGED_KILLED, sure_frame_behind_garbage,
     .opening = REFUSED("24", "a frame ")},

    /* Before the last frame: the frames behind know that it was durable. */
    {"a hole before the last frame", FORGED_KILLED, hole_before_last,
     .opening = REFUSED("22", "zeroes"), .unseen = 2},
    {"rot before the last frame", FORGED_KILLED, rot_before_last,
     .opening = REFUSED("22", "a frame whose checksum does not match"), .unseen = 2},
    {"rot in the middle", FORGED_KILLED, rot_in_the_middle,
     .opening = REFUSED("6", "a frame whose checksum does not match"), .unseen = 18},
    {"a hole in the middle", FORGED_KILLED, hole_in_the_middle, .opening = REFUSED("6", "zeroes"),
     .unseen = 18},
    {"no size in the middle", FORGED_KILLED, size_in_the_middle,
     .opening = REFUSED("6", "a frame without a size"), .unseen = 18},
    {"rot in the first frame", FORGED_KILLED, rot_in_the_first,
     .opening = REFUSED("1", "a frame whose checksum does not match"), .unseen = 23},
    {"a hole in the first frame", FORGED_KILLED, hole_in_the_first,
     .opening = REFUSED("1", "zeroes"), .unseen = 23},
    {"rot in one event of many", FORGED_KILLED, rot_in_one_of_many,
     .opening = REFUSED("11", "a frame whose checksum does not match"), .unseen = 13},

    /* The same where nothing was ever synced: it may all be torn. */
    {"unsynced: nothing is wrong", FORGED_KILLED_OS, no_harm, .lost = 0},
    {"unsynced: rot in the middle", FORGED_KILLED_OS, rot_in_the_middle, .lost = 18,
     .is_dropping = true, .is_new_epoch = true, .unseen = 18},
    {"unsynced: a hole in the middle", FORGED_KILLED_OS, hole_in_the_middle, .lost = 18,
     .is_dropping = true, .is_new_epoch = true, .unseen = 18},
    {"unsynced: a hole to the end", FORGED_KILLED_OS, hole_to_the_end, .lost = 18,
     .is_new_epoch = true, .unseen = 18},
    /* The file goes as a whole, which is not counted. */
    {"unsynced: rot in the first frame", FORGED_KILLED_OS, rot_in_the_first, .lost = 23,
     .is_new_epoch = true, .unseen = 23},
    {"unsynced: everything is zeroes", FORGED_KILLED_OS, everything_is_zero, .lost = 23,
     .is_new_epoch = true, .unseen = 23},

    /* A store that was closed ends where its manifest says. */
    {"closed: nothing is wrong", FORGED_CLOSED, no_harm, .lost = 0},
    {"closed: no page", FORGED_CLOSED, forget_page, .lost = 0},
    {"closed: the machine was restarted", FORGED_CLOSED, machine_restarted, .lost = 0},
    {"closed: garbage behind the end", FORGED_CLOSED, garbage_behind, .is_dropping = true},
    {"closed: an earlier frame behind the end", FORGED_CLOSED, recycled_frame_behind,
     .is_dropping = true},
#define CLOSED_READING(to)                                                                         \
    {                                                                                              \
        STELE_CORRUPT,                                                                             \
        {                                                                                          \
            "the store was closed at position 23, but can be read up to " to " only"               \
        }                                                                                          \
    }
    {"closed: the last frame is zeroes", FORGED_CLOSED, last_is_zero,
     .opening = REFUSED("23", "zeroes"), .reading = CLOSED_READING("22")},
    {"closed: the last frame has a bad seal", FORGED_CLOSED, last_with_bad_seal,
     .opening = REFUSED("23", "a frame whose checksum"), .reading = CLOSED_READING("22")},
    {"closed: the last frame has no size", FORGED_CLOSED, last_without_size,
     .opening = REFUSED("23", "a frame without a size"), .reading = CLOSED_READING("22")},
    {"closed: the last frame is too long", FORGED_CLOSED, last_beyond_the_segment,
     .opening = REFUSED("23", "a frame that is longer than its segment"),
     .reading = CLOSED_READING("22")},
    {"closed: the file ends inside the last frame", FORGED_CLOSED, cut_inside_last,
     .opening = REFUSED("23", "a frame "), .reading = CLOSED_READING("22")},
    {"closed: the file ends before the last frame", FORGED_CLOSED, cut_before_last,
     .opening = REFUSED("23", "zeroes"), .reading = CLOSED_READING("22")},
    {"closed: rot in the first frame", FORGED_CLOSED, rot_in_the_first,
     .opening = REFUSED("1", "a frame whose checksum"), .reading = CLOSED_READING("0")},
    {"closed: a hole in the middle", FORGED_CLOSED, hole_in_the_middle,
     .opening = REFUSED("6", "zeroes"), .reading = CLOSED_READING("5")},
    {"closed: rot in one event of many", FORGED_CLOSED, rot_in_one_of_many,
     .opening = REFUSED("11", "a frame whose checksum"), .reading = CLOSED_READING("10")},
    {"closed: everything is zeroes", FORGED_CLOSED, everything_is_zero,
     .opening = REFUSED("1", "zeroes"), .reading = CLOSED_READING("0")},
};

TEST_ROWS(a_forged_tail_is_told_for_what_it_is, tails)
{
    forged_judge(&tails[row]);
}

/* ---- a torn tail is dropped as a whole, once, and for good ---- */

/* Frames that were good, behind a torn one, none of which knew anything to be durable: what is
 * appended in the place of the torn one has exactly its size, so that the next one would follow on
 * it. */
TEST(frames_behind_a_torn_one_do_not_come_back_when_the_gap_is_filled)
{
    forged_bed *bed = forged_new(FORGED_KILLED_OS);
    stele_error error;
    const forged_frame torn = frame_of(bed, 5);
    rot_in_the_middle(bed);
    expect_ok(forged_open(bed, STELE_READ_WRITE, &error), &error);
    expect_true(forged_info(bed).recovered_bytes > 0);
    forged_drop(bed, 5);
    forged_append(bed, 1);
    forged_kill(bed);
    static forged_frame frames[FORGED_FRAMES_MAX];
    expect_uint(forged_frames(bed, 1, frames), 6);
    expect_uint(frames[5].offset, torn.offset);
    expect_uint(frames[5].end, torn.end);
    /* Everything behind it is zeroes. */
    size_t size;
    const uint8_t *bytes = forged_load(bed, forged_log(1), &size);
    for (size_t i = (size_t)torn.end; i < size; i++) {
        expect_uint(bytes[i], 0);
    }
    expect_ok(forged_open(bed, STELE_READ_WRITE, &error), &error);
    forged_expect(bed, 6);
    forged_close(bed);
    forged_free(bed);
}

/* R4. */
TEST(recovering_twice_is_recovering_once)
{
    forged_bed *bed = forged_new(FORGED_KILLED);
    stele_error error;
    last_half_written(bed);
    for (int i = 0; i < 3; i++) {
        expect_ok(forged_open(bed, STELE_READ_WRITE, &error), &error);
        const stele_info info = forged_info(bed);
        expect_int(info.recovered_bytes > 0, i == 0);
        expect_uint(info.epoch, 2);
        forged_expect(bed, 22);
        forged_kill(bed);
    }
    forged_free(bed);
}

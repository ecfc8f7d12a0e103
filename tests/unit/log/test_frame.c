/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames: what is written is read, by the frame and by the event, from a mapping and from a file;
 * and whatever is wrong with a byte is found. The invariants F1 … stand in src/log/README.md.
 */
#include "bed.h"

static void init_reader(stele__reader *reader, stele__segment *segment)
{
    stele__reader_init(reader, stele_alloc_default());
    stele__reader_enter(reader, segment);
}

/* ---- round trips ---- */

static void expect_frame(const test_bed *bed, const bed_commit *commit, const stele__frame *frame)
{
    expect_uint(frame->offset, commit->offset);
    expect_uint(frame->end, commit->end);
    expect_uint(frame->first, commit->first);
    expect_uint(frame->count, commit->event_count);
    expect_int(frame->time, commit->time);
    expect_uint(frame->synced, commit->synced);
    expect_int(frame->is_single, commit->event_count == 1);
    expect_text(frame->key, commit->key ? commit->key : "");
    if (commit->key) {
        /* The definition of the key is its name in full. */
        const uint8_t *at = bed->bytes.data + frame->key_definition;
        expect_bytes(at, strlen(commit->key), commit->key, strlen(commit->key));
    }
}

static stele__frame_result read_at(stele__reader *reader, uint64_t offset, stele_position first,
                                   stele__frame *ret_frame, const char **ret_why)
{
    stele__frame_result result;
    stele_error error;
    expect_ok(stele__frame_read(reader, offset, first, ret_frame, &result, ret_why, &error),
              &error);
    return result;
}

static void expect_frames(const test_bed *bed, stele__reader *reader)
{
    uint64_t offset = STELE_SEGMENT_HEADER_SIZE;
    stele__frame frame;
    const char *why;
    stele_error error;
    for (size_t c = 0; c < bed->commit_count; c++) {
        const bed_commit *commit = &bed->commits[c];
        expect_uint(offset, commit->offset);
        expect_int(read_at(reader, offset, 0, &frame, &why), STELE_FRAME_GOOD);
        expect_int(read_at(reader, offset, commit->first, &frame, &why), STELE_FRAME_GOOD);
        expect_frame(bed, commit, &frame);
        const uint8_t *at = frame.events;
        for (uint32_t i = 0; i < frame.count; i++) {
            const stele__event *event;
            expect_ok(stele__frame_next(reader, &frame, i, &at, &event, &error), &error);
            bed_expect_event(bed, &bed->events[commit->first_event + i], event);
        }
        expect_true(at == frame.bytes_end);
        offset = frame.end;
    }
    expect_int(read_at(reader, offset, 0, &frame, &why), STELE_FRAME_END);
    expect_text(why, "");
}

static void expect_events(test_bed *bed, stele__reader *reader)
{
    stele_error error;
    for (size_t i = 0; i < bed->event_count; i++) {
        const bed_event *wanted = &bed->events[stele__prng_below(&bed->prng, bed->event_count)];
        const stele__event *event;
        stele__frame frame;
        expect_ok(stele__event_read(reader, wanted->position, wanted->code, &event, &error),
                  &error);
        bed_expect_event(bed, wanted, event);
        expect_ok(stele__event_frame(reader, wanted->position, wanted->code, &frame, &error),
                  &error);
        expect_frame(bed, &bed->commits[wanted->commit], &frame);
    }
}

static void go_round(const bed_taste *taste, size_t commits, uint64_t seed)
{
    static const stele_mapping mappings[] = {STELE_MAP, STELE_PREAD};
    test_bed bed;
    bed_init(&bed, taste, seed);
    bed_add_many(&bed, commits);
    for (size_t i = 0; i < 2; i++) {
        stele__reader reader;
        init_reader(&reader, bed_lend(&bed, mappings[i]));
        expect_frames(&bed, &reader);
        expect_events(&bed, &reader);
        stele__reader_done(&reader);
    }
    bed_done(&bed);
}

TEST(random_commits_are_read_as_they_were_written)
{
    for (uint64_t i = 0; i < test_scaled(20); i++) {
        go_round(&(bed_taste){.events_max = 1 + i}, 60, test_seed() + i);
    }
}

TEST(commits_of_up_to_300_events_are_read_as_they_were_written)
{
    for (uint64_t i = 0; i < test_scaled(3); i++) {
        go_round(&(bed_taste){.events_max = 300, .payload_max = 400}, 10, test_seed() + i);
    }
}

TEST(names_and_tags_up_to_their_limits_are_read_as_they_were_written)
{
    for (uint64_t i = 0; i < test_scaled(3); i++) {
        go_round(&(bed_taste){.name_size_max = STELE_STREAM_NAME_SIZE_MAX,
                              .tags_max = 200,
                              .stream_count = BED_NAMES_MAX,
                              .tag_count = BED_NAMES_MAX,
                              .payload_max = 5000},
                 30, test_seed() + i);
    }
}

TEST(a_mapping_and_a_file_lend_the_same)
{
    test_bed mapped;
    test_bed read;
    stele__reader readers[2];
    stele_error error;
    bed_init(&mapped, &(bed_taste){.events_max = 40}, test_seed());
    bed_init(&read, &(bed_taste){.events_max = 40}, test_seed());
    bed_add_many(&mapped, 50);
    bed_add_many(&read, 50);
    expect_bytes(mapped.bytes.data, mapped.bytes.size, read.bytes.data, read.bytes.size);
    init_reader(&readers[0], bed_lend(&mapped, STELE_MAP));
    init_reader(&readers[1], bed_lend(&read, STELE_PREAD));
    for (size_t i = 0; i < mapped.event_count; i++) {
        const bed_event *wanted = &mapped.events[i];
        const stele__event *events[2];
        for (size_t k = 0; k < 2; k++) {
            expect_ok(stele__event_read(&readers[k], wanted->position, wanted->code, &events[k],
                                        &error),
                      &error);
            bed_expect_event(&mapped, wanted, events[k]);
        }
        expect_uint(events[0]->facts.stream_definition, events[1]->facts.stream_definition);
        expect_uint(events[0]->facts.type_definition, events[1]->facts.type_definition);
    }
    stele__reader_done(&readers[0]);
    stele__reader_done(&readers[1]);
    bed_done(&mapped);
    bed_done(&read);
}

TEST(one_reader_goes_from_segment_to_segment)
{
    test_bed beds[3];
    stele__reader reader;
    stele_error error;
    stele__reader_init(&reader, stele_alloc_default());
    for (size_t i = 0; i < 3; i++) {
        if (i == 0) {
            bed_init(&beds[i], &(bed_taste){.name_size_max = 0}, test_seed());
        } else {
            bed_init_behind(&beds[i], &beds[i - 1]);
        }
        bed_add_many(&beds[i], 40);
        (void)bed_lend(&beds[i], STELE_MAP);
    }
    for (size_t n = 0; n < 400; n++) {
        /* Names that were looked up in one segment mean nothing in another. */
        test_bed *bed = &beds[stele__prng_below(&beds[0].prng, 3)];
        const bed_event *wanted = &bed->events[stele__prng_below(&beds[0].prng, bed->event_count)];
        const stele__event *event;
        stele__reader_enter(&reader, &bed->segment);
        expect_ok(stele__event_read(&reader, wanted->position, wanted->code, &event, &error),
                  &error);
        bed_expect_event(bed, wanted, event);
    }
    stele__reader_done(&reader);
    for (size_t i = 0; i < 3; i++) {
        bed_done(&beds[i]);
    }
}

/* ---- what a frame is refused for ---- */

TEST(a_frame_with_another_position_than_the_expected_is_bad)
{
    test_bed bed;
    stele__reader reader;
    stele__frame frame;
    const char *why;
    bed_init(&bed, &(bed_taste){.events_max = 3}, test_seed());
    bed_add_many(&bed, 10);
    init_reader(&reader, bed_lend(&bed, STELE_MAP));
    for (size_t i = 0; i < bed.commit_count; i++) {
        const bed_commit *commit = &bed.commits[i];
        expect_int(read_at(&reader, commit->offset, commit->first + 1, &frame, &why),
                   STELE_FRAME_BAD);
        expect_text(why, "a frame with another position");
        if (commit->first > 1) {
            expect_int(read_at(&reader, commit->offset, commit->first - 1, &frame, &why),
                       STELE_FRAME_BAD);
        }
    }
    stele__reader_done(&reader);
    bed_done(&bed);
}

/* F1. */
TEST(a_frame_at_another_place_or_in_another_segment_or_store_is_bad)
{
    test_bed bed;
    stele__reader reader;
    stele__frame frame;
    const char *why;
    bed_init(&bed, &(bed_taste){.events_max = 3}, test_seed());
    (void)bed_add(&bed, 1);
    (void)bed_add(&bed, 1);
    (void)bed_add(&bed, 4);
    stele__segment *segment = bed_lend(&bed, STELE_MAP);
    const stele__segment_header good = segment->header;
    init_reader(&reader, segment);
    stele__segment_header other = good;
    other.number++;
    stele__segment_begin(segment, &other);
    for (size_t i = 0; i < bed.commit_count; i++) {
        expect_int(read_at(&reader, bed.commits[i].offset, 0, &frame, &why), STELE_FRAME_BAD);
        expect_text(why, "a frame whose checksum does not match");
    }
    other = good;
    other.store.bytes[15] ^= 1;
    stele__segment_begin(segment, &other);
    for (size_t i = 0; i < bed.commit_count; i++) {
        expect_int(read_at(&reader, bed.commits[i].offset, 0, &frame, &why), STELE_FRAME_BAD);
        expect_text(why, "a frame whose checksum does not match");
    }
    stele__segment_begin(segment, &good);
    /* The same bytes a byte further. */
    memmove(bed.image + bed.commits[2].offset + 1, bed.image + bed.commits[2].offset,
            bed.image_size - bed.commits[2].offset - 1);
    bed.image[bed.commits[2].offset] = 0;
    segment->size = segment->map_size = bed.image_size;
    expect_int(read_at(&reader, bed.commits[1].offset, 0, &frame, &why), STELE_FRAME_GOOD);
    expect_true(read_at(&reader, bed.commits[2].offset + 1, 0, &frame, &why) != STELE_FRAME_GOOD);
    stele__reader_done(&reader);
    bed_done(&bed);
}

typedef struct bad_row {
    const char *name;
    size_t at; /* where in the frame */
    uint32_t value;
    const char *why;
} bad_row;

static const bad_row bad_sizes[] = {
    {"longer than the segment", 0, 0x00100000, "a frame that is longer than its segment"},
    {"longer than any frame", 0, 0xffffffff, "a frame that is longer than its segment"},
    {"one byte too long", 0, 1, "a frame whose checksum does not match"}, /* added */
    {"a size of nothing behind a seal", 0, 0, "a frame without a size"},
};

TEST_ROWS(a_wrong_size_is_called_what_it_is, bad_sizes)
{
    test_bed bed;
    stele__reader reader;
    stele__frame frame;
    const char *why;
    bed_init(&bed, &(bed_taste){.events_max = 1, .has_no_keys = true}, 5);
    (void)bed_add(&bed, 1);
    (void)bed_add(&bed, 1);
    init_reader(&reader, bed_lend(&bed, STELE_MAP));
    uint8_t *at = bed.image + bed.commits[0].offset;
    const uint32_t value = bad_sizes[row].value == 1 ? stele__load32(at) + 1 : bad_sizes[row].value;
    stele__store32(at, value);
    expect_int(read_at(&reader, bed.commits[0].offset, 1, &frame, &why), STELE_FRAME_BAD);
    expect_text(why, bad_sizes[row].why);
    stele__reader_done(&reader);
    bed_done(&bed);
}

TEST(zeroes_and_the_end_of_the_file_are_the_end_and_nothing_bad)
{
    for (size_t size = 0; size < 20; size++) {
        test_bed bed;
        stele__reader reader;
        stele__frame frame;
        const char *why;
        static const uint8_t zeroes[20];
        bed_init(&bed, &(bed_taste){.events_max = 1}, 5);
        (void)bed_add(&bed, 1);
        expect_true(stele__buffer_append(&bed.bytes, zeroes, size));
        init_reader(&reader, bed_lend(&bed, size % 2 ? STELE_MAP : STELE_PREAD));
        expect_int(read_at(&reader, bed.commits[0].end, 2, &frame, &why), STELE_FRAME_END);
        expect_int(read_at(&reader, bed.image_size + 1000, 2, &frame, &why), STELE_FRAME_END);
        if (size > 0) {
            bed.image[bed.image_size - 1] = 1; /* not all zeroes: something was written here */
            expect_int(read_at(&reader, bed.commits[0].end, 2, &frame, &why),
                       size > 8 ? STELE_FRAME_END : STELE_FRAME_BAD);
        }
        stele__reader_done(&reader);
        bed_done(&bed);
    }
}

/* ---- damage ---- */

/* Whether reading an event must tell of a changed byte: it stands in the header of its frame, in
 * its own bytes, or in one of its names, wherever that is written. */
static bool concerns(const test_bed *bed, const bed_event *event, const stele__event *clean,
                     uint64_t offset)
{
    const bed_commit *commit = &bed->commits[event->commit];
    if (commit->event_count == 1) {
        if (offset >= commit->offset && offset < commit->end) {
            return true;
        }
    } else if ((offset >= commit->offset && offset < commit->header_end &&
                (offset < commit->offset + 4 || offset >= commit->offset + 8)) ||
               (offset >= event->begin && offset < event->end)) {
        return true; /* all but the seal */
    }
    const uint32_t names[] = {clean->facts.stream_definition, clean->facts.type_definition};
    const size_t sizes[] = {clean->record.stream.size, clean->record.type.size};
    for (size_t i = 0; i < 2; i++) {
        if (offset + 4 >= names[i] && offset < names[i] + sizes[i]) {
            return true;
        }
    }
    for (size_t i = 0; i < clean->record.tag_count; i++) {
        const size_t size = clean->tags[i].size;
        if (offset + 4 >= clean->tag_definitions[i] && offset < clean->tag_definitions[i] + size) {
            return true;
        }
    }
    return false;
}

/* Copies of what the events were when nothing was wrong: the views in them are not used but for
 * their sizes. */
static stele__event *read_clean(test_bed *bed)
{
    stele__event *clean = test_memory(bed->event_count * sizeof *clean);
    stele__reader reader;
    stele_error error;
    init_reader(&reader, bed_lend(bed, STELE_MAP));
    for (size_t i = 0; i < bed->event_count; i++) {
        const stele__event *event;
        expect_ok(stele__event_read(&reader, bed->events[i].position, bed->events[i].code, &event,
                                    &error),
                  &error);
        clean[i] = *event;
    }
    stele__reader_done(&reader);
    return clean;
}

/* Every event of the bed is read by its code: damaged where the change concerns it, as it was where
 * not. */
static void judge_events(const test_bed *bed, const stele__event *clean, stele__reader *reader,
                         uint64_t offset)
{
    for (size_t i = 0; i < bed->event_count; i++) {
        const bed_event *wanted = &bed->events[i];
        const stele__event *event;
        stele_error error;
        const stele_status status =
            stele__event_read(reader, wanted->position, wanted->code, &event, &error);
        if (concerns(bed, wanted, &clean[i], offset)) {
            if (status != STELE_CORRUPT) {
                test_fail("event %llu was read though byte %llu was changed",
                          (unsigned long long)wanted->position, (unsigned long long)offset);
            }
            expect_contains((const char *)error.message, "is damaged: 0000000001.log, offset ");
            expect_true(error.hint[0] != 0);
        } else {
            expect_ok(status, &error);
            bed_expect_event(bed, wanted, event);
        }
    }
}

static void flip_every_bit(stele_mapping mapping, uint64_t seed)
{
    test_bed bed;
    stele__reader reader;
    stele__frame frame;
    const char *why;
    bed_init(&bed,
             &(bed_taste){.stream_count = 3, .tag_count = 3, .tags_max = 2, .payload_max = 12},
             seed);
    static const size_t counts[] = {1, 3, 1, 2, 1, 1, 4};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        (void)bed_add(&bed, counts[i]);
    }
    const stele__event *clean = read_clean(&bed);
    (void)bed_lend(&bed, mapping);
    for (size_t c = 0; c < bed.commit_count; c++) {
        for (uint64_t bit = bed.commits[c].offset * 8; bit < bed.commits[c].end * 8; bit++) {
            const uint64_t offset = bit / 8;
            bed.image[offset] ^= (uint8_t)(1u << bit % 8);
            init_reader(&reader, &bed.segment);
            if (read_at(&reader, bed.commits[c].offset, 0, &frame, &why) == STELE_FRAME_GOOD) {
                test_fail("bit %llu of a frame was flipped, and it is good",
                          (unsigned long long)bit);
            }
            judge_events(&bed, clean, &reader, offset);
            stele__reader_done(&reader);
            bed.image[offset] ^= (uint8_t)(1u << bit % 8);
        }
    }
    bed_done(&bed);
}

/* F2, F3. */
TEST_WITHIN(every_flipped_bit_is_found_by_the_frame_and_by_each_event_it_concerns, 60)
{
    for (uint64_t i = 0; i < test_scaled(2); i++) {
        flip_every_bit(STELE_MAP, test_seed() + i);
        flip_every_bit(STELE_PREAD, test_seed() + i);
    }
}

TEST_WITHIN(random_damage_never_gives_a_wrong_event, 60)
{
    test_bed bed;
    stele__reader reader;
    bed_init(&bed, &(bed_taste){.events_max = 6}, test_seed());
    bed_add_many(&bed, 20);
    (void)bed_lend(&bed, STELE_MAP);
    for (uint64_t round = 0; round < test_scaled(2000); round++) {
        uint64_t offset = 0;
        memcpy(bed.image, bed.bytes.data, bed.image_size);
        for (uint64_t n = 1 + stele__prng_below(&bed.prng, 8); n > 0; n--) {
            const uint64_t room = bed.image_size - STELE_SEGMENT_HEADER_SIZE;
            offset = STELE_SEGMENT_HEADER_SIZE + stele__prng_below(&bed.prng, room);
            bed.image[offset] = (uint8_t)stele__prng_next(&bed.prng);
        }
        init_reader(&reader, &bed.segment);
        for (size_t i = 0; i < bed.event_count; i++) {
            const stele__event *event;
            stele_error error;
            const stele_status status = stele__event_read(&reader, bed.events[i].position,
                                                          bed.events[i].code, &event, &error);
            if (status == STELE_OK) {
                bed_expect_event(&bed, &bed.events[i], event);
            } else {
                expect_error(status, &error, STELE_CORRUPT);
            }
        }
        stele__reader_done(&reader);
    }
    bed_done(&bed);
}

/* A segment that ends early: what lies beyond is never touched (the image has exactly its size). */
TEST_WITHIN(a_segment_cut_anywhere_ends_there_or_has_a_bad_frame, 60)
{
    test_bed bed;
    bed_init(&bed, &(bed_taste){.events_max = 4, .payload_max = 20}, test_seed());
    bed_add_many(&bed, 12);
    const size_t whole = bed.bytes.size;
    for (size_t size = whole; size-- > STELE_SEGMENT_HEADER_SIZE;) {
        stele__reader reader;
        stele__frame frame;
        const char *why;
        stele_error error;
        bed.bytes.size = size;
        init_reader(&reader, bed_lend(&bed, size % 2 ? STELE_MAP : STELE_PREAD));
        for (size_t c = 0; c < bed.commit_count; c++) {
            const bool is_whole = bed.commits[c].end <= size;
            const stele__frame_result result =
                read_at(&reader, bed.commits[c].offset, 0, &frame, &why);
            expect_int(result == STELE_FRAME_GOOD, is_whole);
        }
        for (size_t i = 0; i < bed.event_count; i++) {
            const stele__event *event;
            const stele_status status = stele__event_read(&reader, bed.events[i].position,
                                                          bed.events[i].code, &event, &error);
            if (bed.commits[bed.events[i].commit].end <= size) {
                expect_ok(status, &error);
                bed_expect_event(&bed, &bed.events[i], event);
            } else {
                expect_error(status, &error, STELE_CORRUPT);
            }
        }
        stele__reader_done(&reader);
    }
    bed_done(&bed);
}

TEST_WITHIN(reading_anywhere_in_anything_ends_with_an_answer, 60)
{
    test_bed bed;
    stele__reader reader;
    stele__frame frame;
    const char *why;
    bed_init(&bed, &(bed_taste){.events_max = 4}, test_seed());
    bed_add_many(&bed, 30);
    for (int mapping = STELE_MAP; mapping <= STELE_PREAD; mapping++) {
        init_reader(&reader, bed_lend(&bed, (stele_mapping)mapping));
        size_t good = 0;
        for (uint64_t offset = 0; offset < bed.image_size + 20; offset++) {
            const stele__event *event;
            stele_error error;
            good += read_at(&reader, offset, 0, &frame, &why) == STELE_FRAME_GOOD;
            for (uint32_t odd = 0; odd < 2; odd++) {
                const uint32_t code = (uint32_t)offset * 2 + odd;
                const stele_position position = 1 + stele__prng_below(&bed.prng, bed.event_count);
                const stele_status status =
                    stele__event_read(&reader, position, code, &event, &error);
                expect_true(status == STELE_OK || status == STELE_CORRUPT);
                const stele_status framed =
                    stele__event_frame(&reader, position, code, &frame, &error);
                expect_true(framed == STELE_OK || framed == STELE_CORRUPT);
            }
        }
        expect_uint(good, bed.commit_count);
        stele__reader_done(&reader);
    }
    bed_done(&bed);
}

/* ---- the cost of one event ---- */

/* F2: the rest of the frame may even be rotten. */
TEST_WITHIN(one_event_of_30000_is_read_without_the_others, 60)
{
    test_bed bed;
    stele__reader reader;
    stele_error error;
    bed_init(&bed, &(bed_taste){.payload_max = 200, .has_no_tombstones = true}, test_seed());
    (void)bed_add(&bed, 30000);
    const bed_commit *commit = &bed.commits[0];
    init_reader(&reader, bed_lend(&bed, STELE_PREAD));
    expect_true(bed.image_size > 3000000);
    const size_t wanted[] = {0, 1, 100, 14999, 29998, 29999};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        const bed_event *one = &bed.events[wanted[i]];
        const stele__event *event;
        bed.bytes_read = bed.reads = 0;
        expect_ok(stele__event_read(&reader, one->position, one->code, &event, &error), &error);
        bed_expect_event(&bed, one, event);
        /* The frame's beginning, the event, and a piece for each of its names. */
        expect_true(bed.bytes_read < 16384);
        expect_true(bed.reads < 12);
    }
    stele__reader_done(&reader);

    /* Everything else of the frame is overwritten, but for the first events, where names are
     * defined. */
    init_reader(&reader, bed_lend(&bed, STELE_MAP));
    const bed_event *one = &bed.events[20000];
    const uint64_t kept = bed.events[2000].begin;
    memset(bed.image + kept, 0xa5, one->begin - kept);
    memset(bed.image + one->end, 0xa5, bed.image_size - one->end);
    memset(bed.image + commit->offset + 4, 0xa5, 4);
    const stele__event *event;
    expect_ok(stele__event_read(&reader, one->position, one->code, &event, &error), &error);
    bed_expect_event(&bed, one, event);
    stele__reader_done(&reader);
    bed_done(&bed);
}

/* ---- memory ---- */

TEST(reading_without_memory_says_so_and_leaks_nothing)
{
    test_bed bed;
    test_alloc alloc;
    bed_init(&bed, &(bed_taste){.payload_max = 9000}, test_seed());
    bed_add_many(&bed, 5);
    stele__segment *segment = bed_lend(&bed, STELE_PREAD);
    test_alloc_init(&alloc);
    uint64_t failures = 0;
    for (uint64_t n = 1;; n++) {
        stele__reader reader;
        stele_error error;
        stele_status status = STELE_OK;
        stele__reader_init(&reader, &alloc.alloc);
        stele__reader_enter(&reader, segment);
        test_alloc_fail(&alloc, n, TEST_ALLOC_ONCE);
        for (size_t i = 0; i < bed.event_count && status == STELE_OK; i++) {
            const stele__event *event;
            status = stele__event_read(&reader, bed.events[i].position, bed.events[i].code, &event,
                                       &error);
        }
        const bool is_through = alloc.failures == failures;
        failures = alloc.failures;
        stele__reader_done(&reader);
        expect_no_leak(&alloc);
        if (is_through) {
            expect_ok(status, &error);
            break;
        }
        expect_error(status, &error, STELE_NO_MEMORY);
    }
    expect_true(failures >= 2);
    bed_done(&bed);
}

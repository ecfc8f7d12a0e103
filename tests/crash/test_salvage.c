/* SPDX-License-Identifier: Apache-2.0 */
/*
 * STELE_SALVAGE reads what is left of a store, wherever the damage is: every good commit is shown,
 * at its position and as it was written; what is missing is counted; nothing that was not written
 * is shown.
 */
#include "sim/script.h"
#include "support/test.h"

#include <stdio.h>
#include <string.h>

/* Two sealed segments, then unsealed ones. */
#define HISTORY "ambbwbbwaoimbbmaimbbmaaoi"

typedef enum salvage_state { LEFT_OPEN = 0, CLOSED } salvage_state;

typedef struct salvage_row {
    const char *name;
    const char *script;
    salvage_state state;
    void (*harm)(sim_story *story);
    uint64_t missing_max;
    uint64_t missing_min;
    stele_compression compression;
} salvage_row;

static uint64_t told_missing;

/* "3 positions are missing, …" */
static void hear(void *context, stele_log_level level, const char *message)
{
    unsigned long long count;
    (void)context;
    (void)level;
    if (sscanf(message, "%llu positions are missing", &count) == 1) {
        told_missing += count;
    }
}

/* The n-th file of a kind by its name; `from_end`: counted from the last. */
static void find_file(sim_story *story, sim_file_kind kind, size_t n, bool from_end, char ret[160],
                      uint64_t *ret_size)
{
    char names[64][160];
    uint64_t sizes[64];
    size_t count = 0;
    for (size_t i = 0; count < 64 && sim_disk_file(story->disk, i, names[count], &sizes[count]);
         i++) {
        if (sim_file_kind_of(names[count]) != kind) {
            continue;
        }
        for (size_t k = count; k > 0 && strcmp(names[k], names[k - 1]) < 0; k--) {
            char name[160];
            memcpy(name, names[k], sizeof name);
            memcpy(names[k], names[k - 1], sizeof name);
            memcpy(names[k - 1], name, sizeof name);
            const uint64_t size = sizes[k];
            sizes[k] = sizes[k - 1];
            sizes[k - 1] = size;
        }
        count++;
    }
    if (n >= count) {
        test_fail("there are %zu files of this kind", count);
    }
    const size_t at = from_end ? count - 1 - n : n;
    memcpy(ret, names[at], 160);
    *ret_size = sizes[at];
}

static void flip_in(sim_story *story, size_t segment, bool from_end, uint64_t offset)
{
    char path[160];
    uint64_t size;
    find_file(story, SIM_SEGMENT, segment, from_end, path, &size);
    expect_true(offset < size);
    sim_disk_rot(story->disk, path, offset, 0x10);
}

/* The third and fourth segment hold a 30 KiB event twice, with small commits before and behind. */
static void harm_big_event(sim_story *story)
{
    flip_in(story, 2, false, 20000);
}

static void harm_first_frame(sim_story *story)
{
    flip_in(story, 2, false, 100);
}

static void harm_sealed(sim_story *story)
{
    flip_in(story, 0, false, 20000);
}

static void harm_two_places(sim_story *story)
{
    flip_in(story, 2, false, 20000);
    flip_in(story, 0, false, 20000);
}

static void harm_header(sim_story *story)
{
    flip_in(story, 2, false, 60);
}

static void lose_segment(sim_story *story, size_t number)
{
    char path[160];
    uint64_t size;
    find_file(story, SIM_SEGMENT, number, false, path, &size);
    sim_disk_lose(story->disk, path);
}

static void harm_lose_live(sim_story *story)
{
    lose_segment(story, 2);
}

static void harm_lose_sealed(sim_story *story)
{
    lose_segment(story, 0);
}

static void harm_lose_indexes(sim_story *story)
{
    char path[160];
    uint64_t size;
    for (size_t n = 0; sim_disk_file(story->disk, n, path, &size);) {
        if (sim_file_kind_of(path) == SIM_INDEX) {
            sim_disk_lose(story->disk, path);
            n = 0;
        } else {
            n++;
        }
    }
}

static void harm_manifest(sim_story *story)
{
    char path[160];
    uint64_t size;
    find_file(story, SIM_MANIFEST, 0, false, path, &size);
    sim_disk_lose(story->disk, path);
}

static void harm_manifest_and_event(sim_story *story)
{
    harm_manifest(story);
    harm_big_event(story);
}

static void harm_index(sim_story *story)
{
    char path[160];
    uint64_t size;
    find_file(story, SIM_INDEX, 0, false, path, &size);
    sim_disk_rot(story->disk, path, 5000, 1);
}

/* A byte of the n-th packed segment, counted from the end if it is negative. */
static void flip_packed(sim_story *story, size_t number, int64_t offset)
{
    char path[160];
    uint64_t size;
    find_file(story, SIM_PACKED, number, false, path, &size);
    const uint64_t at = offset < 0 ? size - (uint64_t)-offset : (uint64_t)offset;
    expect_true(at < size);
    sim_disk_rot(story->disk, path, at, 0x10);
}

static void harm_packed_block(sim_story *story)
{
    flip_packed(story, 0, 150);
}

static void harm_packed_block_and_indexes(sim_story *story)
{
    harm_packed_block(story);
    harm_lose_indexes(story);
}

static void harm_packed_block_and_manifest(sim_story *story)
{
    harm_packed_block(story);
    harm_manifest(story);
}

static void harm_packed_header(sim_story *story)
{
    flip_packed(story, 0, 60);
}

static void harm_packed_table(sim_story *story)
{
    flip_packed(story, 0, -6);
}

static void harm_lose_packed(sim_story *story)
{
    char path[160];
    uint64_t size;
    find_file(story, SIM_PACKED, 0, false, path, &size);
    sim_disk_lose(story->disk, path);
}

static void harm_nothing(sim_story *story)
{
    (void)story;
}

static const salvage_row rows[] = {
    {"nothing", HISTORY, CLOSED, harm_nothing, 0, 0, STELE_NO_COMPRESSION},
    {"a large event, unsealed, left open", HISTORY, LEFT_OPEN, harm_big_event, 1, 1,
     STELE_NO_COMPRESSION},
    {"a large event, unsealed, closed", HISTORY, CLOSED, harm_big_event, 1, 1,
     STELE_NO_COMPRESSION},
    {"the first commit of an unsealed segment", HISTORY, LEFT_OPEN, harm_first_frame, 24, 1,
     STELE_NO_COMPRESSION},
    {"a large event, sealed", HISTORY, CLOSED, harm_sealed, 1, 1, STELE_NO_COMPRESSION},
    {"a large event, sealed, and one unsealed", HISTORY, CLOSED, harm_two_places, 2, 2,
     STELE_NO_COMPRESSION},
    {"the header of an unsealed segment", HISTORY, LEFT_OPEN, harm_header, 24, 2,
     STELE_NO_COMPRESSION},
    {"an unsealed segment is gone", HISTORY, LEFT_OPEN, harm_lose_live, 24, 2,
     STELE_NO_COMPRESSION},
    {"a sealed segment is gone", HISTORY, CLOSED, harm_lose_sealed, 24, 2, STELE_NO_COMPRESSION},
    {"every index file is gone", HISTORY, CLOSED, harm_lose_indexes, 0, 0, STELE_NO_COMPRESSION},
    {"an index file is damaged", HISTORY, CLOSED, harm_index, 0, 0, STELE_NO_COMPRESSION},
    {"the manifest is gone", HISTORY, CLOSED, harm_manifest, 0, 0, STELE_NO_COMPRESSION},
    {"the manifest is gone and an event damaged", HISTORY, LEFT_OPEN, harm_manifest_and_event, 1, 1,
     STELE_NO_COMPRESSION},
    {"nothing of a packed store", HISTORY, CLOSED, harm_nothing, 0, 0, STELE_COMPRESS_FAST},
    {"a block", HISTORY, CLOSED, harm_packed_block, 6, 1, STELE_COMPRESS_FAST},
    {"a block, and every index file is gone", HISTORY, CLOSED, harm_packed_block_and_indexes, 6, 1,
     STELE_COMPRESS_FAST},
    {"a block, and the manifest is gone", HISTORY, CLOSED, harm_packed_block_and_manifest, 6, 1,
     STELE_COMPRESS_FAST},
    {"a thoroughly packed block", HISTORY, CLOSED, harm_packed_block, 24, 1, STELE_COMPRESS_SMALL},
    {"the manifest of a packed store is gone", HISTORY, CLOSED, harm_manifest, 0, 0,
     STELE_COMPRESS_FAST},
    {"the header of a packed segment", HISTORY, CLOSED, harm_packed_header, 24, 1,
     STELE_COMPRESS_FAST},
    {"the table of a packed segment", HISTORY, CLOSED, harm_packed_table, 24, 1,
     STELE_COMPRESS_FAST},
    {"a packed segment is gone", HISTORY, CLOSED, harm_lose_packed, 24, 1, STELE_COMPRESS_SMALL},
};

static void build(sim_story *story, const salvage_row *row)
{
    const sim_settings settings = {.seed = 1, .place = -1, .is_calm = true, .is_plain = true};
    sim_story_begin(story, &settings);
    story->options.compression = row->compression;
    story->taste.durability = story->options.durability = story->history.durability =
        STELE_DURABLE_FULL;
    story->wants_observer = false;
    if (!sim_story_open(story) || !sim_script_run(story, row->script)) {
        test_fail("building: %s", story->report.text);
    }
    if (row->state == CLOSED) {
        if (!sim_story_close(story)) {
            test_fail("closing: %s", story->report.text);
        }
        return;
    }
    sim_disk_crash_now(story->disk, SIM_PROCESS_CRASH, SIM_PLACE_OTHER);
    (void)stele_close(story->store, NULL);
    story->store = NULL;
    sim_disk_power_on(story->disk, &story->choice);
}

static void compare_rest(sim_story *story, const stele_read *read, const char *what,
                         uint64_t *ret_missing)
{
    const sim_pair pair = sim_history_pair(&story->history, story->store);
    if (!sim_compare_rest(&pair, read, what, ret_missing)) {
        test_fail("%s", story->report.text);
    }
}

static void judge(sim_story *story, const salvage_row *row, stele_mapping mapping)
{
    stele_error error;
    uint64_t missing;
    uint64_t missing_backwards;
    uint64_t missing_in_streams = 0;
    story->options.access = STELE_SALVAGE;
    story->options.mapping = mapping;
    story->options.log = hear;
    told_missing = 0;
    expect_ok(sim_story_try_open(story, &error), &error);
    const stele_read forwards = {.direction = STELE_FORWARDS};
    const stele_read backwards = {.direction = STELE_BACKWARDS};
    compare_rest(story, &forwards, "everything", &missing);
    compare_rest(story, &backwards, "everything backwards", &missing_backwards);
    for (size_t i = 0; i < SIM_STREAMS; i++) {
        uint64_t count;
        const stele_read stream = {.stream = sim_streams[i]};
        compare_rest(story, &stream, sim_streams[i], &count);
        missing_in_streams += count;
    }
    expect_uint(missing, missing_backwards);
    expect_true(missing >= row->missing_min && missing <= row->missing_max);
    expect_true(missing_in_streams <= missing);
    test_note("%s, %s: %llu of %llu missing, %llu told when it was opened", row->name,
              mapping == STELE_MAP ? "mapped" : "read", (unsigned long long)missing,
              (unsigned long long)story->history.head, (unsigned long long)told_missing);
    expect_ok(stele_close(story->store, &error), &error);
    story->store = NULL;
    expect_true(told_missing <= missing);
    if (row->state == LEFT_OPEN) {
        expect_uint(told_missing, missing);
    }
}

TEST_ROWS(salvage_shows_every_good_commit_and_counts_what_is_missing, rows)
{
    sim_story *story = sim_story_new();
    build(story, &rows[row]);
    rows[row].harm(story);
    judge(story, &rows[row], STELE_MAP);
    judge(story, &rows[row], STELE_PREAD);
    sim_story_end(story);
    sim_story_free(story);
}

/* Wherever one byte of an unsealed segment is flipped: what is good is shown, and of a commit of
 * many only what the flip has hit is missing, mostly. */
TEST_WITHIN(salvage_takes_the_good_events_of_a_damaged_commit, 60)
{
    static const salvage_row unsealed = {"", "mmmmimimm", LEFT_OPEN,           NULL,
                                         3,  0,           STELE_NO_COMPRESSION};
    sim_story *story = sim_story_new();
    sim_clock clock;
    sim_clock_init(&clock, 0);
    sim_disk *base = sim_disk_new(&clock);
    char path[160];
    uint64_t size;
    uint64_t counts[5] = {0}; /* by how many are missing; 4: more, for want of a name */
    build(story, &unsealed);
    sim_disk_copy(base, story->disk);
    find_file(story, SIM_SEGMENT, 0, false, path, &size);
    story->options.access = STELE_SALVAGE;
    for (uint64_t offset = 700; offset < 1700; offset += 3) {
        uint64_t missing;
        stele_error error;
        const stele_read everything = {0};
        sim_disk_copy(story->disk, base);
        sim_disk_rot(story->disk, path, offset, 1);
        expect_ok(sim_story_try_open(story, &error), &error);
        compare_rest(story, &everything, "everything", &missing);
        expect_ok(stele_close(story->store, &error), &error);
        story->store = NULL;
        counts[missing < 4 ? missing : 4]++;
    }
    test_note("flips that cost nothing: %llu, one event: %llu, two: %llu, three: %llu, more: %llu",
              (unsigned long long)counts[0], (unsigned long long)counts[1],
              (unsigned long long)counts[2], (unsigned long long)counts[3],
              (unsigned long long)counts[4]);
    expect_true(counts[1] > counts[2] + counts[3] + counts[4]);
    sim_story_end(story);
    sim_disk_free(base);
    sim_story_free(story);
}

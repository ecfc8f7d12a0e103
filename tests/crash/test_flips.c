/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Damage. A store with several segments and index files is built once and closed; then, again and
 * again, one of its files is harmed and the store is used. A byte is flipped, chosen uniformly over
 * all bytes of all files; or 512 bytes are zeroed, a file is cut, a file is gone. Each must be
 * detected (opening, reading or verifying says that the store is damaged) or do no harm: a wrong
 * answer, a missing event, an append taken twice, or a store that silently ends earlier fails.
 * Damage of what is derived must be healed by opening for writing. Before it is opened for writing,
 * somebody reads it and somebody salvages what is left: what they are shown must be right, too.
 */
#include "sim/script.h"
#include "support/test.h"

#include <stdio.h>

typedef enum harm_kind { HARM_FLIP = 0, HARM_ZERO, HARM_CUT, HARM_REMOVE } harm_kind;

static const char *const harm_names[] = {"flipped", "zeroed", "cut", "removed"};

typedef struct done_harm {
    harm_kind kind;
    char path[160];
    uint64_t offset;
    uint8_t bits;
    sim_file_kind file;
} done_harm;

typedef struct harm_counts {
    uint64_t all[SIM_FILE_KIND_COUNT];
    uint64_t refused[SIM_FILE_KIND_COUNT];  /* not opened */
    uint64_t detected[SIM_FILE_KIND_COUNT]; /* opened; reading or verifying told */
    uint64_t healed[SIM_FILE_KIND_COUNT];   /* told, and right after opening again */
    uint64_t harmless[SIM_FILE_KIND_COUNT];
    uint64_t read;     /* opened for reading, and every answer right */
    uint64_t told;     /* opened for reading, and an answer told of the damage */
    uint64_t salvaged; /* events that salvage showed … */
    uint64_t missing;  /* … and those it did not */
} harm_counts;

static uint64_t bytes_of_all(const sim_disk *disk)
{
    char path[160];
    uint64_t size;
    uint64_t total = 0;
    for (size_t n = 0; sim_disk_file(disk, n, path, &size); n++) {
        total += size;
    }
    return total;
}

static done_harm draw_harm(const sim_disk *disk, harm_kind kind, stele__prng *prng)
{
    done_harm drawn = {.kind = kind,
                       .bits = (uint8_t)(stele__prng_chance(prng, 1, 2)
                                             ? 1u << stele__prng_below(prng, 8)
                                             : 1 + stele__prng_below(prng, 255))};
    uint64_t at = stele__prng_below(prng, bytes_of_all(disk));
    uint64_t size;
    for (size_t n = 0; sim_disk_file(disk, n, drawn.path, &size); n++) {
        if (at < size) {
            break;
        }
        at -= size;
    }
    drawn.offset = at;
    drawn.file = sim_file_kind_of(drawn.path);
    return drawn;
}

static void do_harm(sim_disk *disk, const done_harm *harm)
{
    switch (harm->kind) {
    case HARM_FLIP:
        sim_disk_rot(disk, harm->path, harm->offset, harm->bits);
        break;
    case HARM_ZERO:
        sim_disk_zero(disk, harm->path, harm->offset / SIM_SECTOR_BYTES * SIM_SECTOR_BYTES,
                      SIM_SECTOR_BYTES);
        break;
    case HARM_CUT:
        sim_disk_cut(disk, harm->path, harm->offset);
        break;
    case HARM_REMOVE:
        sim_disk_lose(disk, harm->path);
        break;
    }
}

static void build_store(sim_story *story, uint64_t seed, stele_compression compression)
{
    const sim_settings settings = {.seed = seed, .place = -1, .is_calm = true, .is_plain = true};
    sim_story_begin(story, &settings);
    story->options.compression = compression;
    story->taste = (sim_taste){.sizes = SIM_TINY,
                               .stream_count = SIM_STREAMS,
                               .durability = STELE_DURABLE_FULL};
    story->options.durability = story->history.durability = STELE_DURABLE_FULL;
    const bool is_built =
        sim_story_open(story) &&
        sim_script_run(story, "rrrrrmtbbrwrrrrbbrwrrduabrbwrrrbbwrrrrbbwrrrbrbrwrrpaorrrs") &&
        sim_story_close(story);
    if (!is_built) {
        test_fail("building: %s", story->report.text);
    }
    story->options.access = STELE_MUST_EXIST;
    story->may_heal = true;
}

static void fail_harm(const done_harm *harm, const char *what, const char *text)
{
    test_fail("byte %llu of %s %s (%#x): %s: %s", (unsigned long long)harm->offset, harm->path,
              harm_names[harm->kind], harm->bits, what, text);
}

/* All answers are right, or say that the store is damaged. True: all are right. */
static bool ask_everything(sim_story *story, const done_harm *harm, size_t parts)
{
    bool is_right = true;
    for (size_t part = 0; part < parts; part++) {
        sim_report report = {0};
        if (!sim_check_part(story, part, &report)) {
            if (!report.saw_corruption) {
                fail_harm(harm, "a wrong answer", report.text);
            }
            is_right = false;
        }
    }
    return is_right;
}

static bool is_derived(sim_file_kind kind)
{
    return kind == SIM_INDEX || kind == SIM_PAGE || kind == SIM_LOCK_FILE;
}

static void close_store(sim_story *story)
{
    (void)stele_close(story->store, NULL);
    story->store = NULL;
}

/* Opening again must have healed it, and everything is right. */
static void expect_healed(sim_story *story, const done_harm *harm)
{
    stele_error error;
    if (sim_story_try_open(story, &error) != STELE_OK) {
        fail_harm(harm, "the next opening", error.message);
    }
    story->report = (sim_report){0};
    if (!sim_check_everything(story)) {
        fail_harm(harm, "after opening again", story->report.text);
    }
    close_store(story);
}

static bool is_honest_refusal(const done_harm *harm, stele_status status)
{
    return status == STELE_CORRUPT || status == STELE_UNSUPPORTED ||
           (status == STELE_NOT_FOUND && harm->kind == HARM_REMOVE && harm->file == SIM_MANIFEST);
}

/* Somebody who only reads: right answers, or that it is damaged. */
static void judge_reader(sim_story *story, const done_harm *harm, harm_counts *counts)
{
    stele_error error;
    story->options.access = STELE_READ_ONLY;
    const stele_status opened = sim_story_try_open(story, &error);
    if (opened == STELE_OK) {
        /* The last part appends: commits are retried by their keys. */
        const bool is_right = ask_everything(story, harm, SIM_CHECK_PARTS - 1);
        *(is_right ? &counts->read : &counts->told) += 1;
        close_store(story);
    } else if (!is_honest_refusal(harm, opened)) {
        fail_harm(harm, "opening for reading", error.message);
    }
}

/* Salvage always opens, and shows nothing but what is right. */
static void judge_salvage(sim_story *story, const done_harm *harm, harm_counts *counts)
{
    stele_error error;
    sim_report report = {0};
    uint64_t missing;
    const stele_read everything = {0};
    sim_pair pair = sim_history_pair(&story->history, story->store);
    story->options.access = STELE_SALVAGE;
    if (sim_story_try_open(story, &error) != STELE_OK) {
        fail_harm(harm, "salvage", error.message);
    }
    pair.store = story->store;
    pair.report = &report;
    if (!sim_compare_rest(&pair, &everything, "everything", &missing)) {
        fail_harm(harm, "salvage", report.text);
    }
    counts->salvaged += story->history.head - missing;
    counts->missing += missing;
    close_store(story);
}

static void judge_harm(sim_story *story, const done_harm *harm, harm_counts *counts)
{
    stele_error error;
    judge_reader(story, harm, counts);
    judge_salvage(story, harm, counts);
    story->options.access = STELE_MUST_EXIST;
    const stele_status opened = sim_story_try_open(story, &error);
    counts->all[harm->file]++;
    if (opened != STELE_OK) {
        if (!is_honest_refusal(harm, opened) || is_derived(harm->file)) {
            fail_harm(harm, "opening", error.message);
        }
        counts->refused[harm->file]++;
        return;
    }
    bool is_right = ask_everything(story, harm, SIM_CHECK_PARTS);
    stele_verify_result result;
    const stele_status verified = stele_verify(story->store, NULL, &result, &error);
    if (verified != STELE_OK && verified != STELE_CORRUPT) {
        fail_harm(harm, "verify", error.message);
    }
    if (verified == STELE_OK && !is_right) {
        fail_harm(harm, "verify", "found nothing, though a read told of damage");
    }
    is_right = is_right && verified == STELE_OK;
    close_store(story);
    if (is_right || is_derived(harm->file)) {
        expect_healed(story, harm);
        (is_right ? counts->harmless : counts->healed)[harm->file]++;
    } else {
        counts->detected[harm->file]++;
    }
}

static void print_counts(harm_kind kind, const harm_counts *counts)
{
    for (int file = 0; file < SIM_FILE_KIND_COUNT; file++) {
        if (counts->all[file] > 0) {
            test_note("%-9s %-8s %6llu: %llu refused at opening, %llu detected, %llu healed, %llu "
                      "without harm",
                      sim_file_kind_name((sim_file_kind)file), harm_names[kind],
                      (unsigned long long)counts->all[file],
                      (unsigned long long)counts->refused[file],
                      (unsigned long long)counts->detected[file],
                      (unsigned long long)counts->healed[file],
                      (unsigned long long)counts->harmless[file]);
        }
    }
    test_note("%-9s %-8s %6llu read without harm, %llu told a reader; salvaged %llu events of %llu",
              "all", harm_names[kind], (unsigned long long)counts->read,
              (unsigned long long)counts->told, (unsigned long long)counts->salvaged,
              (unsigned long long)(counts->salvaged + counts->missing));
}

static void harm_store(stele_compression compression, harm_kind kind, stele_mapping mapping,
                       uint64_t count, uint64_t seed)
{
    sim_script_take_canary();
    sim_story *story = sim_story_new();
    sim_clock clock;
    sim_clock_init(&clock, 0);
    sim_disk *base = sim_disk_new(&clock);
    harm_counts counts = {};
    stele__prng prng;
    stele__prng_seed(&prng, seed);
    build_store(story, 1, compression);
    story->options.mapping = mapping;
    sim_disk_copy(base, story->disk);
    for (uint64_t i = 0; i < count; i++) {
        const done_harm drawn = draw_harm(base, kind, &prng);
        sim_disk_copy(story->disk, base);
        do_harm(story->disk, &drawn);
        judge_harm(story, &drawn, &counts);
    }
    print_counts(kind, &counts);
    expect_true(counts.all[compression ? SIM_PACKED : SIM_SEGMENT] > 0);
    expect_true(counts.all[SIM_INDEX] > 0 || count < 150);
    sim_story_end(story);
    sim_disk_free(base);
    sim_story_free(story);
}

static void harm_many(harm_kind kind, stele_mapping mapping, uint64_t count, uint64_t seed)
{
    harm_store(STELE_NO_COMPRESSION, kind, mapping, count, seed);
}

TEST_WITHIN(flipped_bytes_are_detected_or_harmless_with_mapped_files, 250)
{
    harm_many(HARM_FLIP, STELE_MAP, test_scaled(1500), test_seed());
}

TEST_WITHIN(flipped_bytes_are_detected_or_harmless_with_read_files, 250)
{
    harm_many(HARM_FLIP, STELE_PREAD, test_scaled(1500), test_seed() + 1);
}

TEST_WITHIN(zeroed_sectors_are_detected_or_harmless, 100)
{
    harm_many(HARM_ZERO, STELE_MAP, test_scaled(200), test_seed() + 2);
}

TEST_WITHIN(files_that_were_cut_are_detected_or_healed, 100)
{
    harm_many(HARM_CUT, STELE_MAP, test_scaled(200), test_seed() + 3);
}

TEST_WITHIN(files_that_are_gone_are_detected_or_healed, 100)
{
    harm_many(HARM_REMOVE, STELE_PREAD, test_scaled(60), test_seed() + 4);
}

static const stele_compression compressions[] = {STELE_COMPRESS_FAST, STELE_COMPRESS_SMALL};

TEST_ROWS(flipped_bytes_of_packed_segments_are_detected_or_harmless, compressions)
{
    const stele_compression compression = compressions[row];
    harm_store(compression, HARM_FLIP, STELE_MAP, test_scaled(400), test_seed() + 5);
    harm_store(compression, HARM_FLIP, STELE_PREAD, test_scaled(400), test_seed() + 6);
}

TEST_ROWS(harm_to_packed_segments_is_detected_or_healed, compressions)
{
    const stele_compression compression = compressions[row];
    harm_store(compression, HARM_ZERO, STELE_MAP, test_scaled(60), test_seed() + 7);
    harm_store(compression, HARM_CUT, STELE_MAP, test_scaled(60), test_seed() + 8);
    harm_store(compression, HARM_REMOVE, STELE_PREAD, test_scaled(100), test_seed() + 9);
}

TEST(a_store_without_its_index_files_answers_the_same)
{
    sim_story *story = sim_story_new();
    char path[160];
    uint64_t size;
    size_t removed = 0;
    build_store(story, 2, STELE_NO_COMPRESSION);
    for (size_t n = 0; sim_disk_file(story->disk, n, path, &size);) {
        if (sim_file_kind_of(path) == SIM_INDEX) {
            sim_disk_lose(story->disk, path);
            removed++;
            n = 0;
        } else {
            n++;
        }
    }
    expect_true(removed > 1);
    const done_harm nothing = {.kind = HARM_REMOVE, .path = "every index file"};
    expect_healed(story, &nothing);
    story->may_heal = false;
    expect_healed(story, &nothing);
    sim_story_end(story);
    sim_story_free(story);
}

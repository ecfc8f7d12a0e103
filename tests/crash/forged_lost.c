/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Live segments whose loss recovery must not take for a torn tail: their frames, or those of the
 * segments behind them, say that they were durable.
 */
#include "forged_judge.h"

#define LOG(number) "000000000" number ".log"

static void zero_header_3(forged_bed *bed)
{
    forged_zero(bed, forged_log(3), 0, STELE_SEGMENT_HEADER_SIZE);
}

static void zero_file_1(forged_bed *bed)
{
    size_t size;
    (void)forged_load(bed, forged_log(1), &size);
    forged_zero(bed, forged_log(1), 0, size);
}

static void swap_2_and_3(forged_bed *bed)
{
    size_t sizes[2];
    uint8_t *second = forged_load(bed, forged_log(2), &sizes[0]);
    uint8_t *third = forged_load(bed, forged_log(3), &sizes[1]);
    forged_store(bed, forged_log(2), third, sizes[1]);
    forged_store(bed, forged_log(3), second, sizes[0]);
}

static void gap_before_3(forged_bed *bed)
{
    size_t size;
    uint8_t *third = forged_load(bed, forged_log(3), &size);
    forged_remove(bed, forged_log(3));
    forged_store(bed, forged_log(7), third, size);
}

static void flip_header_3(forged_bed *bed)
{
    forged_flip(bed, forged_log(3), 60, 1);
}

static void empty_file_1(forged_bed *bed)
{
    forged_cut(bed, forged_log(1), 0);
}

/* Live: 1 … 21, 22 … 42, 43 … 54. */
static const forged_row lives[] = {
    {"the header of the last one is zeroes", FORGED_KILLED_LONG, zero_header_3,
     .opening = {STELE_CORRUPT,
                 {LOG("3") " is reserved and unused, but good frames follow its header"}},
     .unseen = 12},
    {"the first segment is zeroes", FORGED_KILLED_LONG, zero_file_1,
     .opening = {STELE_CORRUPT, {"position 1 was durable and is damaged: store/" LOG("1")}},
     .unseen = 54},
    {"two segments are swapped", FORGED_KILLED_LONG, swap_2_and_3,
     .opening = {STELE_CORRUPT, {LOG("2") " says that it is segment 3"}}, .unseen = 33},
    {"a number is left out", FORGED_KILLED_LONG, gap_before_3,
     .opening = {STELE_CORRUPT, {LOG("7") " says that it is segment 3"}}, .unseen = 12},

    {"the header of the last one is damaged", FORGED_KILLED_LONG, flip_header_3,
     .opening = {STELE_CORRUPT,
                 {"the header of store/" LOG("3") " is damaged",
                  ", but good frames follow its header"}},
     .unseen = 12},
    {"the first segment is empty", FORGED_KILLED_LONG, empty_file_1,
     .opening = {STELE_CORRUPT, {"position 1 was durable and is damaged: store/" LOG("1")}},
     .unseen = 54},
};

TEST_ROWS(a_live_segment_that_was_durable_is_never_dropped, lives)
{
    forged_judge(&lives[row]);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "forged_judge.h"

static void expect_answer(stele_status status, const stele_error *error,
                          const forged_answer *answer)
{
    expect_error(status, error, answer->detail);
    for (size_t i = 0; i < 3 && answer->says[i]; i++) {
        expect_contains((const char *)error->message, answer->says[i]);
    }
}

static void judge_reading(forged_bed *bed, const forged_row *row)
{
    stele_error error;
    const stele_status status = forged_open(bed, STELE_READ_ONLY, &error);
    if (row->reading.detail) {
        expect_answer(status, &error, &row->reading);
        expect_null(bed->store);
        return;
    }
    expect_ok(status, &error);
    forged_expect(bed, bed->head - row->unseen);
    expect_int(stele_append(bed->store, "s-0", STELE_ANY, &(stele_event){.type = "x"}, 1, NULL,
                            NULL, &error),
               STELE_INVALID);
    forged_close(bed);
}

static void judge_refusal(forged_bed *bed, const forged_row *row)
{
    const uint64_t before = forged_digest(bed);
    for (int attempt = 0; attempt < 2; attempt++) {
        stele_error error;
        for (int mapping = STELE_MAP; mapping <= STELE_PREAD; mapping++) {
            bed->options.mapping = (stele_mapping)mapping;
            expect_answer(forged_open(bed, STELE_READ_WRITE, &error), &error, &row->opening);
            expect_null(bed->store);
        }
        if (forged_digest(bed) != before) {
            test_fail("opening was refused and changed something");
        }
    }
}

static void reopen(forged_bed *bed)
{
    stele_error error;
    expect_ok(forged_open(bed, STELE_MUST_EXIST, &error), &error);
}

/* R2: frames that were dropped must not be taken for the log again, whatever is appended in front
 * of them. */
static void judge_afterlife(forged_bed *bed)
{
    forged_append(bed, 1);
    forged_kill(bed);
    reopen(bed);
    expect_uint(forged_info(bed).recovered_bytes, 0);
    forged_expect(bed, bed->head);
    forged_append(bed, 2);
    forged_append(bed, 1);
    forged_close(bed);
    reopen(bed);
    expect_uint(forged_info(bed).healed_index_files, 0);
    forged_expect(bed, bed->head);
    forged_close(bed);
}

static void judge_opened(forged_bed *bed, const forged_row *row, uint64_t epoch)
{
    const stele_info info = forged_info(bed);
    if (row->is_dropping != (info.recovered_bytes > 0)) {
        test_fail("%llu bytes were dropped", (unsigned long long)info.recovered_bytes);
    }
    if (row->is_healing != (info.healed_index_files > 0)) {
        test_fail("%llu index files were built again", (unsigned long long)info.healed_index_files);
    }
    expect_uint(info.epoch, epoch + row->is_new_epoch);
    forged_expect(bed, bed->head - row->lost);
    if (row->lost) {
        forged_drop(bed, bed->head - row->lost);
    }
    /* What is checked for the old epoch is told where history was cut. */
    const stele_checkpoint old = {.store = info.store,
                                  .epoch = epoch,
                                  .position = bed->head + row->lost};
    stele_position valid;
    stele_error error;
    const stele_status status = stele_checkpoint_check(bed->store, &old, &valid, &error);
    expect_int(status, row->lost ? STELE_INVALID : STELE_OK);
    expect_uint(valid, bed->head);
    judge_afterlife(bed);
}

void forged_judge(const forged_row *row)
{
    forged_bed *bed = forged_new(row->base);
    stele_error error;
    test_note("%s", row->name);
    row->forge(bed);
    if (!row->is_only_written) {
        judge_reading(bed, row);
        (void)forged_salvage(bed);
    }
    if (row->opening.detail) {
        judge_refusal(bed, row);
    } else {
        const stele_status status = forged_open(bed, STELE_MUST_EXIST, &error);
        expect_ok(status, &error);
        judge_opened(bed, row, 1);
    }
    forged_free(bed);
}

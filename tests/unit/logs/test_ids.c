/* SPDX-License-Identifier: Apache-2.0 */
/* Ids of logs, by the names of the second document's tests. */
#include "stele/logs.h"
#include "stele/sys/clock.h"
#include "support/test.h"

#include <stdio.h>
#include <string.h>

static stele_time now_is;

static stele_time tell_time(void *context)
{
    (void)context;
    return now_is;
}

static int64_t tell_nothing(void *context)
{
    (void)context;
    return 0;
}

static void fill(void *context, void *ret_bytes, size_t size)
{
    (void)context;
    memset(ret_bytes, 0xab, size);
}

static const stele_clock still = {.now = tell_time, .monotonic = tell_nothing, .entropy = fill};

static stele_log_id_problem problem_of(const char *id)
{
    return stele_log_id_parse(id, strlen(id), NULL);
}

TEST(round_trip)
{
    char id[STELE_LOG_ID_SIZE_MAX + 1];
    for (unsigned shift = 0; shift < 63; shift++) {
        stele_time created = -1;
        now_is = INT64_MAX >> shift;
        stele_log_id_new(&still, 0, id);
        expect_int(stele_log_id_parse(id, strlen(id), &created), STELE_LOG_ID_OK);
        expect_int(created, now_is);
    }
}

TEST(with_entropy_len)
{
    static const struct {
        size_t asked;
        size_t size; /* of the text: 8 bytes more, 5 bits a character */
    } rows[] = {{0, 29}, {1, 26}, {8, 26}, {9, 28}, {10, 29}, {32, 64}, {1000, 64}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char id[STELE_LOG_ID_SIZE_MAX + 1];
        stele_log_id_new(&still, rows[i].asked, id);
        expect_uint(strlen(id), rows[i].size);
        expect_int(problem_of(id), STELE_LOG_ID_OK);
    }
}

TEST(empty_too_short)
{
    expect_int(problem_of(""), STELE_LOG_ID_TOO_SHORT);
}

TEST(prefix_only_too_short)
{
    char id[STELE_LOG_ID_SIZE_MAX + 1];
    stele_log_id_new(NULL, 0, id);
    id[13] = '\0'; /* the time alone */
    expect_int(problem_of(id), STELE_LOG_ID_TOO_SHORT);
}

TEST(invalid_base32_decode_error)
{
    char id[STELE_LOG_ID_SIZE_MAX + 1];
    stele_log_id_new(NULL, 0, id);
    for (const char *bad = "wxyzA-_ \x80"; *bad; bad++) {
        char broken[STELE_LOG_ID_SIZE_MAX + 1];
        memcpy(broken, id, sizeof broken);
        broken[20] = *bad;
        expect_int(problem_of(broken), STELE_LOG_ID_BAD_ENCODING);
    }
    expect_int(stele_log_id_parse("0000000000000000000000000\0", 26, NULL),
               STELE_LOG_ID_BAD_ENCODING);
}

TEST(a_time_behind_the_last_one_and_a_text_that_is_too_long)
{
    expect_int(problem_of("vvvvvvvvvvvvvvvvvvvvvvvvvv"), STELE_LOG_ID_TIME_OUT_OF_RANGE);
    char text[66];
    memset(text, '0', sizeof text);
    text[65] = '\0';
    expect_int(problem_of(text), STELE_LOG_ID_TOO_LONG);
}

/* Those of the original begin with the lowest byte, and do not. */
TEST(ids_sort_by_time)
{
    char before[STELE_LOG_ID_SIZE_MAX + 1] = "";
    for (now_is = 1; now_is < INT64_MAX / 3; now_is = now_is * 2 + 1) {
        char id[STELE_LOG_ID_SIZE_MAX + 1];
        stele_log_id_new(&still, 0, id);
        expect_true(strcmp(before, id) < 0);
        memcpy(before, id, sizeof id);
    }
}

TEST(no_two_are_the_same)
{
    enum { COUNT = 2000 };
    static char ids[COUNT][STELE_LOG_ID_SIZE_MAX + 1];
    for (size_t i = 0; i < COUNT; i++) {
        stele_log_id_new(NULL, 0, ids[i]);
        for (size_t j = 0; j < i; j++) {
            expect_true(strcmp(ids[i], ids[j]) != 0);
        }
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Errors: what a failure leaves in a stele_error. */
#include "base/base.h"
#include "support/test.h"

#include <errno.h>
#include <string.h>

/* An error full of what must not be left over. */
static stele_error old_error(void)
{
    stele_error error;

    memset(&error, 0x41, sizeof error);
    return error;
}

TEST(a_failure_sets_everything)
{
    stele_error error = old_error();
    const stele_conflict none = {0};

    expect_status(stele__fail(&error, STELE_CONFLICT_KEY, "key %s of %d", "k1", 7), STELE_CONFLICT);
    expect_int(error.status, STELE_CONFLICT);
    expect_int((int)error.detail, STELE_CONFLICT_KEY);
    expect_int(error.os_error, 0);
    expect_bytes(&error.conflict, sizeof error.conflict, &none, sizeof none);
    expect_text(error.message, "key k1 of 7");
    expect_text(error.hint, "");
}

TEST(a_plain_status_has_no_detail)
{
    stele_error error = old_error();

    expect_status(stele__fail(&error, STELE_CORRUPT, "bad"), STELE_CORRUPT);
    expect_int((int)error.detail, STELE_DETAIL_NONE);
}

TEST(nobody_need_want_the_error)
{
    expect_status(stele__fail(NULL, STELE_INVALID_NAME, "%d", 1), STELE_INVALID);
    expect_status(stele__fail_os(NULL, STELE_IO, ENOSPC, "%d", 1), STELE_NO_SPACE);
    expect_status(stele__fail_memory(NULL), STELE_NO_MEMORY);
    expect_status(stele__succeed(NULL), STELE_OK);
    stele__hint(NULL, "%d", 1);
}

TEST(success_writes_the_status_only)
{
    stele_error error = old_error();

    expect_status(stele__succeed(&error), STELE_OK);
    expect_int(error.status, STELE_OK);
    expect_int(error.message[0], 0x41);
}

TEST(an_errno_is_told_in_words)
{
    stele_error error = old_error();

    expect_status(stele__fail_os(&error, STELE_IO_POISONED, EIO, "cannot write %s", "a/b"),
                  STELE_IO);
    expect_int(error.os_error, EIO);
    expect_int((int)error.detail, STELE_IO_POISONED);
    expect_text(error.message, "cannot write a/b: Input/output error");
}

TEST(no_space_and_no_memory_are_statuses_of_their_own)
{
    stele_error error;

    expect_status(stele__fail_os(&error, STELE_IO, ENOSPC, "x"), STELE_NO_SPACE);
    expect_int(error.os_error, ENOSPC);
    expect_status(stele__fail_os(&error, STELE_IO, EDQUOT, "x"), STELE_NO_SPACE);
    expect_status(stele__fail_os(&error, STELE_IO, ENOMEM, "x"), STELE_NO_MEMORY);
    expect_status(stele__fail_os(&error, STELE_IO_POISONED, ENOSPC, "x"), STELE_IO);
}

TEST(a_hint_stands_beside_the_message)
{
    stele_error error;

    (void)stele__fail(&error, STELE_INVALID, "no");
    stele__hint(&error, "try %s", "yes");
    expect_text(error.message, "no");
    expect_text(error.hint, "try yes");
}

TEST(a_message_that_is_too_long_is_cut_between_characters)
{
    for (size_t shift = 0; shift < 4; shift++) {
        stele_error error;
        char long_text[1000];
        size_t size = shift;

        memset(long_text, 'a', shift);
        while (size + 4 < sizeof long_text) {
            memcpy(long_text + size, "\xf0\x9f\x90\x98", 4); /* an elephant */
            size += 4;
        }
        long_text[size] = '\0';
        (void)stele__fail(&error, STELE_INVALID, "%s", long_text);
        size = strlen(error.message);
        expect_true(size >= sizeof error.message - 4);
        expect_true(stele__text_is_utf8(stele__text(error.message)));
        expect_bytes(error.message, size, long_text, size);
    }
}

TEST(a_cut_message_with_an_errno_is_utf8_too)
{
    stele_error error;
    char long_text[600];

    memset(long_text, 0, sizeof long_text);
    for (size_t i = 0; i + 2 < sizeof long_text; i += 2) {
        memcpy(long_text + i, "\xc3\xa4", 2);
    }
    (void)stele__fail_os(&error, STELE_IO, EIO, "%s", long_text);
    expect_true(stele__text_is_utf8(stele__text(error.message)));
    (void)stele__fail_os(&error, STELE_IO, EIO, "a%s", long_text);
    expect_true(stele__text_is_utf8(stele__text(error.message)));
}

TEST(what_is_not_utf8_becomes_question_marks_or_goes)
{
    stele_error error;

    (void)stele__fail(&error, STELE_INVALID, "bad \xff in the middle");
    expect_text(error.message, "bad ? in the middle");
    (void)stele__fail(&error, STELE_INVALID, "bad at the end \xe2\x82");
    expect_text(error.message, "bad at the end ");
    (void)stele__fail(&error, STELE_INVALID, "\x80\x80\x80\x80\x80");
    expect_text(error.message, "");
}

TEST(try_returns_what_failed_and_take_hands_over)
{
    int thing = 1;
    int *owner = &thing;
    int *taken = STELE_TAKE(owner);

    expect_true(taken == &thing);
    expect_null(owner);
}

static stele_status try_both(stele_status first, stele_status second)
{
    STELE_TRY(first);
    STELE_TRY(second);
    return STELE_OK;
}

TEST(try_goes_on_while_all_is_well)
{
    expect_status(try_both(STELE_OK, STELE_OK), STELE_OK);
    expect_status(try_both(STELE_BUSY, STELE_IO), STELE_BUSY);
    expect_status(try_both(STELE_OK, STELE_IO), STELE_IO);
}

TEST(every_status_has_a_name_of_its_own)
{
    for (int a = STELE_OK; a <= STELE_INTERNAL; a++) {
        for (int b = STELE_OK; b < a; b++) {
            expect_true(strcmp(stele_status_name((stele_status)a),
                               stele_status_name((stele_status)b)) != 0);
        }
    }
    expect_text(stele_status_name((stele_status)200), "unknown status");
}

TEST(the_version_is_that_of_the_headers)
{
    expect_text(stele_version(), "0.1.0");
}

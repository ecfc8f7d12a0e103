/* SPDX-License-Identifier: Apache-2.0 */
/* Assertions stop the process, through the hook if there is one. */
#include "base/base.h"
#include "support/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void leave_with_seven(const char *expression, const char *file, int line)
{
    _exit(strcmp(expression, "1 == 2") == 0 && strstr(file, "test_assert.c") && line > 0 ? 7 : 8);
}

static int assert_wrong_with_hook(void *context)
{
    (void)context;
    stele__assert_hook(leave_with_seven);
    STELE_ASSERT(1 == 2);
    return 0;
}

static int assert_wrong(void *context)
{
    (void)context;
    /* The text belongs on standard error, but not into the report of a test that passes. */
    (void)close(STDERR_FILENO);
    STELE_ASSERT(1 == 2);
    return 0;
}

static int assert_right(void *context)
{
    (void)context;
    STELE_ASSERT(1 == 1);
    STELE_DEBUG_ASSERT(1 == 1);
    return 3;
}

TEST(an_assertion_that_holds_does_nothing)
{
    expect_int(test_in_child(assert_right, NULL), 3);
}

TEST(the_hook_is_told_what_does_not_hold_and_where)
{
    expect_int(test_in_child(assert_wrong_with_hook, NULL), 7);
}

TEST(without_a_hook_the_process_aborts)
{
    expect_int(test_in_child(assert_wrong, NULL), 128 + SIGABRT);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How tests are written here.
 *
 *     TEST(append_with_stale_revision_reports_actual_revision)
 *     {
 *         arrange; act; expect_status(status, STELE_CONFLICT);
 *     }
 *
 * The name is a sentence. The test registers itself and runs in a process of its own, so that a
 * crash, a sanitizer's finding or a leak belongs to it. main() is part of the support library. What
 * a run listens to:
 *
 *     STELE_TEST=text          run the tests whose names contain it (none: the run fails)
 *     STELE_TEST_SEED=number   the seed that test_seed() hands out (printed when a test fails);
 * default 1 STELE_TEST_SCALE=number  how much random tests do, relative to 1 STELE_TEST_KEEP=1
 * leave the test folders behind CK_FORK=no               one process, for a debugger
 *     CK_TIMEOUT_MULTIPLIER=n  for slow machines and sanitizers
 *
 * Expectations evaluate their arguments once and end the test when they do not hold. Over the
 * contents of errors: expect_ok() and expect_status() take the error too and print what it says.
 */
#ifndef STELE_SUPPORT_TEST_H
#define STELE_SUPPORT_TEST_H

#include <stele/error.h>
#include <stele/sys/alloc.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- Declaring tests */

typedef struct test_case {
    const char *name;
    const char *file;
    int line;
    int timeout; /* seconds */
    size_t rows;
    void (*run)(int row);
    struct test_case *next;
} test_case;

void test_register(test_case *test);
void test_begin(const test_case *test);

#define TEST_TIMEOUT 20

#define TEST_DECLARE_(test_name, test_seconds, test_rows)                                          \
    static void test_name(size_t row);                                                             \
    static void test_run_##test_name(int row);                                                     \
    static test_case test_case_##test_name = {                                                     \
        .name = #test_name,                                                                        \
        .file = __FILE__,                                                                          \
        .line = __LINE__,                                                                          \
        .timeout = test_seconds,                                                                   \
        .rows = test_rows,                                                                         \
        .run = test_run_##test_name,                                                               \
    };                                                                                             \
    static void test_run_##test_name(int row)                                                      \
    {                                                                                              \
        test_begin(&test_case_##test_name);                                                        \
        test_name((size_t)row);                                                                    \
    }                                                                                              \
    __attribute__((constructor)) static void test_register_##test_name(void)                       \
    {                                                                                              \
        test_register(&test_case_##test_name);                                                     \
    }                                                                                              \
    static void test_name(size_t row __attribute__((unused)))

/* A test. */
#define TEST(name) TEST_DECLARE_(name, TEST_TIMEOUT, 1)
/* A test that may take so many seconds. */
#define TEST_WITHIN(name, seconds) TEST_DECLARE_(name, seconds, 1)
/* A test for every row of an array, in a process each; the body sees its index as `row`. */
#define TEST_ROWS(name, table) TEST_DECLARE_(name, TEST_TIMEOUT, sizeof(table) / sizeof((table)[0]))

/* ---- Expectations */

#define expect_true(condition)                                                                     \
    ((condition) ? (void)0 : test_fail_at(__FILE__, __LINE__, "expected: %s", #condition))
#define expect_false(condition)                                                                    \
    ((condition) ? test_fail_at(__FILE__, __LINE__, "expected not: %s", #condition) : (void)0)
#define expect_null(pointer) expect_true((pointer) == NULL)
#define expect_not_null(pointer) expect_true((pointer) != NULL)

/* expect_int(actual, expected), as all that follow. */
#define expect_int(actual, expected)                                                               \
    test_expect_int((actual), (expected), #actual, #expected, __FILE__, __LINE__)
#define expect_uint(actual, expected)                                                              \
    test_expect_uint((actual), (expected), #actual, #expected, __FILE__, __LINE__)

/* Each of the two is a stele_text, a stele_bytes or a NUL-terminated string. */
#define expect_text(actual, expected)                                                              \
    test_expect_text(test_text_of(actual), test_text_of(expected), #actual, __FILE__, __LINE__)
/* The text (as above) contains the NUL-terminated string. */
#define expect_contains(actual, part)                                                              \
    test_expect_contains(test_text_of(actual), (part), #actual, __FILE__, __LINE__)
#define expect_bytes(actual, actual_size, expected, expected_size)                                 \
    test_expect_bytes((actual), (actual_size), (expected), (expected_size), #actual, __FILE__,     \
                      __LINE__)

/* A stele_status is STELE_OK; `error` is the stele_error * given to the call, or NULL. */
#define expect_ok(status, error)                                                                   \
    test_expect_status((status), STELE_OK, (error), #status, __FILE__, __LINE__)
#define expect_status(status, expected)                                                            \
    test_expect_status((status), (expected), (const stele_error *)0, #status, __FILE__, __LINE__)
/* The status and the error agree on `cause`, a stele_status or a stele_detail, and there is a
 * message. */
#define expect_error(status, error, cause)                                                         \
    test_expect_error((status), (error), (unsigned)(cause), #status, __FILE__, __LINE__)

/* Ends the test with a formatted sentence. */
#define test_fail(...) test_fail_at(__FILE__, __LINE__, __VA_ARGS__)

#define test_text_of(value)                                                                        \
    _Generic((value), stele_text: test_text_of_text, stele_bytes: test_text_of_bytes, \
    char *: test_text_of_string, const char *: test_text_of_string)(value)

/* ---- What tests need of the world */

/* A fresh empty folder that is removed after the test; each call gives another one. The text lives
 * as long as the test. */
const char *test_folder(void);
/* "folder/name", in memory that lives as long as the test. */
const char *test_path(const char *folder, const char *name);
/* Zeroed memory that lives as long as the test. */
void *test_memory(size_t size);
/* A seed for random tests. Told when the test fails. */
uint64_t test_seed(void);
/* base * STELE_TEST_SCALE, at least 1. */
uint64_t test_scaled(uint64_t base);
/* Prints a line that belongs to the test. */
void test_note(const char *format, ...) STELE_PRINTF(1, 2);
/* Runs the function in a child process of the test and returns its exit status (function's result),
 * or 128 + signal. */
int test_in_child(int (*run)(void *context), void *context);

/* ---- An allocator that counts and fails */

typedef enum test_alloc_mode {
    TEST_ALLOC_ONCE = 0, /* only the n-th allocation fails */
    TEST_ALLOC_FROM = 1  /* the n-th and all that follow fail */
} test_alloc_mode;

/* Internally locked. Checks that memory comes back with the size it was asked for, and only once.
 */
typedef struct test_alloc {
    stele_alloc alloc; /* hand out &it.alloc */
    uint64_t calls;    /* allocations and growing resizes since test_alloc_fail() */
    uint64_t fail_at;  /* 0: never */
    test_alloc_mode mode;
    uint64_t failures; /* how many were made to fail */
    uint64_t live_count;
    uint64_t live_bytes;
    uint64_t peak_bytes;
} test_alloc;

void test_alloc_init(test_alloc *alloc);
/* Fails the n-th allocation from now on, counted from 1; 0: none. */
void test_alloc_fail(test_alloc *alloc, uint64_t n, test_alloc_mode mode);
/* Ends the test if anything is still allocated. */
#define expect_no_leak(test_allocator) test_expect_no_leak((test_allocator), __FILE__, __LINE__)

/* ---- Behind the macros */

void test_fail_at(const char *file, int line, const char *format, ...) STELE_PRINTF(3, 4)
    __attribute__((noreturn));
void test_expect_int(int64_t actual, int64_t expected, const char *actual_text,
                     const char *expected_text, const char *file, int line);
void test_expect_uint(uint64_t actual, uint64_t expected, const char *actual_text,
                      const char *expected_text, const char *file, int line);
stele_text test_text_of_text(stele_text text);
stele_text test_text_of_bytes(stele_bytes bytes);
stele_text test_text_of_string(const char *string);
void test_expect_text(stele_text actual, stele_text expected, const char *actual_text,
                      const char *file, int line);
void test_expect_contains(stele_text actual, const char *part, const char *actual_text,
                          const char *file, int line);
void test_expect_bytes(const void *actual, size_t actual_size, const void *expected,
                       size_t expected_size, const char *actual_text, const char *file, int line);
void test_expect_status(stele_status actual, stele_status expected, const stele_error *error,
                        const char *actual_text, const char *file, int line);
void test_expect_error(stele_status actual, const stele_error *error, unsigned cause,
                       const char *actual_text, const char *file, int line);
void test_expect_no_leak(test_alloc *alloc, const char *file, int line);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Expectations: what they say when they do not hold. */
#include "support/test.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DIFF_SIZE 3072

/* A number says itself what it is; a name is explained. */
static const char *name_of(const char *text)
{
    return (text[0] >= '0' && text[0] <= '9') || text[0] == '-' ? "" : text;
}

void test_expect_int(int64_t actual, int64_t expected, const char *actual_text,
                     const char *expected_text, const char *file, int line)
{
    if (actual != expected) {
        test_fail_at(file, line, "%s is %" PRIi64 ", expected %" PRIi64 " %s", actual_text, actual,
                     expected, name_of(expected_text));
    }
}

void test_expect_uint(uint64_t actual, uint64_t expected, const char *actual_text,
                      const char *expected_text, const char *file, int line)
{
    if (actual != expected) {
        test_fail_at(file, line, "%s is %" PRIu64 ", expected %" PRIu64 " %s", actual_text, actual,
                     expected, name_of(expected_text));
    }
}

/* ---- Text and bytes */

stele_text test_text_of_text(stele_text text)
{
    return text;
}

stele_text test_text_of_bytes(stele_bytes bytes)
{
    const stele_text text = {(const char *)bytes.data, bytes.size};
    return text;
}

stele_text test_text_of_string(const char *string)
{
    const stele_text text = {string, string ? strlen(string) : 0};
    return text;
}

static bool is_equal(const void *a, size_t a_size, const void *b, size_t b_size)
{
    return a_size == b_size && (a_size == 0 || memcmp(a, b, a_size) == 0);
}

void test_expect_text(stele_text actual, stele_text expected, const char *actual_text,
                      const char *file, int line)
{
    if (!is_equal(actual.data, actual.size, expected.data, expected.size)) {
        test_fail_at(file, line,
                     "%s is\n    \"%.*s\" (%zu bytes), expected\n    \"%.*s\" (%zu bytes)",
                     actual_text, (int)(actual.size < 1000 ? actual.size : 1000),
                     actual.data ? actual.data : "", actual.size,
                     (int)(expected.size < 1000 ? expected.size : 1000),
                     expected.data ? expected.data : "", expected.size);
    }
}

void test_expect_contains(stele_text actual, const char *part, const char *actual_text,
                          const char *file, int line)
{
    const size_t size = strlen(part);

    for (size_t i = 0; i + size <= actual.size; i++) {
        if (memcmp(actual.data + i, part, size) == 0) {
            return;
        }
    }
    test_fail_at(file, line, "%s is\n    \"%.*s\", expected \"%s\" in it", actual_text,
                 (int)(actual.size < 2000 ? actual.size : 2000), actual.data ? actual.data : "",
                 part);
}

typedef struct diff_text {
    char text[DIFF_SIZE];
    size_t used;
} diff_text;

static void print_diff(diff_text *diff, const char *format, ...) STELE_PRINTF(2, 3);

static void print_diff(diff_text *diff, const char *format, ...)
{
    va_list arguments;
    int size;

    va_start(arguments, format);
    size = vsnprintf(diff->text + diff->used, sizeof diff->text - diff->used, format, arguments);
    va_end(arguments);
    if (size > 0) {
        diff->used += (size_t)size;
        if (diff->used > sizeof diff->text - 1) {
            diff->used = sizeof diff->text - 1;
        }
    }
}

/* One line of sixteen bytes, those that differ from `other` in brackets. */
static void print_bytes(diff_text *diff, const char *sign, const uint8_t *bytes, size_t size,
                        const uint8_t *other, size_t other_size, size_t start)
{
    print_diff(diff, "\n  %s %08zx ", sign, start);
    for (size_t i = start; i < start + 16 && i < size; i++) {
        const bool differs = i >= other_size || bytes[i] != other[i];
        print_diff(diff, differs ? "[%02x]" : " %02x ", (unsigned)bytes[i]);
    }
}

void test_expect_bytes(const void *actual, size_t actual_size, const void *expected,
                       size_t expected_size, const char *actual_text, const char *file, int line)
{
    const uint8_t *a = (const uint8_t *)actual;
    const uint8_t *b = (const uint8_t *)expected;
    const size_t size = actual_size > expected_size ? actual_size : expected_size;
    diff_text diff = {{0}, 0};
    size_t lines = 0;

    if (is_equal(actual, actual_size, expected, expected_size)) {
        return;
    }
    for (size_t start = 0; start < size && lines < 8; start += 16) {
        const size_t a_count = actual_size > start ? actual_size - start : 0;
        const size_t b_count = expected_size > start ? expected_size - start : 0;
        if (!is_equal(a + start, a_count < 16 ? a_count : 16, b + start,
                      b_count < 16 ? b_count : 16)) {
            print_bytes(&diff, "is      ", a, actual_size, b, expected_size, start);
            print_bytes(&diff, "expected", b, expected_size, a, actual_size, start);
            lines++;
        }
    }
    test_fail_at(file, line, "%s has %zu bytes, expected %zu; the first lines that differ:%s",
                 actual_text, actual_size, expected_size, diff.text);
}

/* ---- Statuses */

void test_expect_status(stele_status actual, stele_status expected, const stele_error *error,
                        const char *actual_text, const char *file, int line)
{
    if (actual == expected) {
        return;
    }
    if (error && actual != STELE_OK) {
        test_fail_at(file, line, "%s is \"%s\", expected \"%s\"\n    %s\n    %s", actual_text,
                     stele_status_name(actual), stele_status_name(expected), error->message,
                     error->hint);
    }
    test_fail_at(file, line, "%s is \"%s\", expected \"%s\"", actual_text,
                 stele_status_name(actual), stele_status_name(expected));
}

void test_expect_error(stele_status actual, const stele_error *error, unsigned cause,
                       const char *actual_text, const char *file, int line)
{
    const unsigned detail = cause > 0xff ? cause : 0;

    test_expect_status(actual, (stele_status)(cause & 0xff), error, actual_text, file, line);
    if (error->status != actual) {
        test_fail_at(file, line, "%s is \"%s\", but the error says \"%s\"", actual_text,
                     stele_status_name(actual), stele_status_name(error->status));
    }
    if (detail != 0 && (unsigned)error->detail != detail) {
        test_fail_at(file, line, "%s has the detail 0x%x, expected 0x%x\n    %s", actual_text,
                     (unsigned)error->detail, detail, error->message);
    }
    if (error->message[0] == '\0') {
        test_fail_at(file, line, "%s comes without a message", actual_text);
    }
}

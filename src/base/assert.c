/* SPDX-License-Identifier: Apache-2.0 */
/* What happens when an assertion does not hold. */
#include "assert.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void (*assert_hook)(const char *expression, const char *file, int line);

void stele__assert_hook(void (*hook)(const char *expression, const char *file, int line))
{
    assert_hook = hook;
}

void stele__assert_failed(const char *expression, const char *file, int line)
{
    char text[512];
    int size;

    if (assert_hook) {
        assert_hook(expression, file, line);
    }
    size = snprintf(text, sizeof text, "stele: this cannot happen: !(%s), at %s:%d\n", expression,
                    file, line);
    if (size > 0) {
        const size_t count = (size_t)size < sizeof text ? (size_t)size : sizeof text - 1;
        /* Nothing can be done about a failure here: the process ends anyway. */
        const ssize_t written = write(STDERR_FILENO, text, count);
        (void)written;
    }
    abort();
}

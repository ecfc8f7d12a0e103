/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Assertions for what cannot happen. STELE_ASSERT stays on in release builds: a database that has
 * lost its mind must not write. Never for arguments of users (answer STELE_INVALID) nor for bytes
 * from disk or network (answer STELE_CORRUPT).
 */
#ifndef STELE_BASE_ASSERT_H
#define STELE_BASE_ASSERT_H

/* Stops the process through the hook; the default hook writes the text to standard error and calls
 * abort(). */
void stele__assert_failed(const char *expression, const char *file, int line)
    __attribute__((noreturn, cold));

/* Replaces the hook (NULL: the default). The hook must not return; tests use it. Not thread-safe:
 * call it first. */
void stele__assert_hook(void (*hook)(const char *expression, const char *file, int line));

#define STELE_ASSERT(expression)                                                                   \
    (__builtin_expect(!!(expression), 1) ? (void)0                                                 \
                                         : stele__assert_failed(#expression, __FILE__, __LINE__))

#ifdef STELE_DEBUG
#define STELE_DEBUG_ASSERT(expression) STELE_ASSERT(expression)
#else
#define STELE_DEBUG_ASSERT(expression) ((void)0)
#endif

#endif

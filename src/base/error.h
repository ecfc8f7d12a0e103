/* SPDX-License-Identifier: Apache-2.0 */
/* Filling a stele_error. All of these accept NULL. */
#ifndef STELE_BASE_ERROR_H
#define STELE_BASE_ERROR_H

#include <stele/error.h>

/* Sets everything (conflict zeroed, os_error 0, hint empty) and returns the status in the low byte
 * of `cause`, which is a stele_status or a stele_detail. The message is formatted; invalid or cut
 * UTF-8 at its end is dropped. */
stele_status stele__fail(stele_error *reterr, unsigned cause, const char *format, ...)
    STELE_PRINTF(3, 4);

/* As stele__fail(), with an errno: sets os_error and puts ": " and its text behind the message.
 * ENOSPC and EDQUOT turn STELE_IO into STELE_NO_SPACE, ENOMEM into STELE_NO_MEMORY. */
stele_status stele__fail_os(stele_error *reterr, unsigned cause, int os_error, const char *format,
                            ...) STELE_PRINTF(4, 5);

/* Adds what to do about it. */
void stele__hint(stele_error *reterr, const char *format, ...) STELE_PRINTF(2, 3);

/* "out of memory". */
stele_status stele__fail_memory(stele_error *reterr);

static inline stele_status stele__succeed(stele_error *reterr)
{
    if (reterr) {
        reterr->status = STELE_OK;
    }
    return STELE_OK;
}

/* Returns from the function with the status of `expression` unless it is STELE_OK. Owners clean up
 * by scope. */
#define STELE_TRY(expression)                                                                      \
    do {                                                                                           \
        const stele_status stele_try_status = (expression);                                        \
        if (stele_try_status != STELE_OK) {                                                        \
            return stele_try_status;                                                               \
        }                                                                                          \
    } while (0)

/* Hands over what a scope owned: the value, leaving NULL behind. */
#define STELE_TAKE(pointer)                                                                        \
    ({                                                                                             \
        __typeof__(pointer) stele_taken = (pointer);                                               \
        (pointer) = NULL;                                                                          \
        stele_taken;                                                                               \
    })

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Filling a stele_error: one sentence that is always terminated and always UTF-8, whatever names
 * went into it. */
#include "error.h"

#include "text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *stele_status_name(stele_status status)
{
    switch (status) {
    case STELE_OK:
        return "ok";
    case STELE_INVALID:
        return "invalid";
    case STELE_CONFLICT:
        return "conflict";
    case STELE_NOT_FOUND:
        return "not found";
    case STELE_DELETED:
        return "deleted";
    case STELE_IO:
        return "i/o error";
    case STELE_CORRUPT:
        return "corrupt";
    case STELE_NO_SPACE:
        return "no space";
    case STELE_NO_MEMORY:
        return "no memory";
    case STELE_BUSY:
        return "busy";
    case STELE_TIMEOUT:
        return "timeout";
    case STELE_CANCELLED:
        return "cancelled";
    case STELE_UNSUPPORTED:
        return "unsupported";
    case STELE_AUTH:
        return "not allowed";
    case STELE_REJECTED:
        return "rejected";
    case STELE_INTERNAL:
        return "internal error";
    }
    return "unknown status";
}

/* Where the last character of the text begins. */
static size_t last_character(const char *text, size_t size)
{
    size_t start = size;

    while (start > 0 && ((uint8_t)text[start - 1] & 0xc0) == 0x80) {
        start--;
    }
    return start > 0 ? start - 1 : 0;
}

/* Drops what is not UTF-8 at the end, where formatting into a fixed size cut it, and puts '?' for
 * what is not UTF-8 before that. */
static void make_utf8(char *text)
{
    size_t size = strlen(text);
    stele_text all = {text, size};

    if (size == 0 || stele__text_is_utf8(all)) {
        return;
    }
    while (size > 0) {
        const size_t start = last_character(text, size);
        const stele_text last = {text + start, size - start};
        if (stele__text_is_utf8(last)) {
            break;
        }
        size = start;
        text[size] = '\0';
    }
    all.size = size;
    if (!stele__text_is_utf8(all)) {
        for (size_t i = 0; i < size; i++) {
            if ((uint8_t)text[i] >= 0x80) {
                text[i] = '?';
            }
        }
    }
}

static stele_status begin_failure(stele_error *reterr, unsigned cause)
{
    const stele_status status = (stele_status)(cause & 0xff);

    if (reterr) {
        reterr->status = status;
        reterr->detail = cause > 0xff ? (stele_detail)cause : STELE_DETAIL_NONE;
        reterr->os_error = 0;
        memset(&reterr->conflict, 0, sizeof reterr->conflict);
        reterr->message[0] = '\0';
        reterr->hint[0] = '\0';
    }
    return status;
}

static void STELE_PRINTF(3, 0)
    print_text(char *ret_text, size_t capacity, const char *format, va_list arguments)
{
    if (vsnprintf(ret_text, capacity, format, arguments) < 0) {
        ret_text[0] = '\0';
    }
    make_utf8(ret_text);
}

stele_status stele__fail(stele_error *reterr, unsigned cause, const char *format, ...)
{
    const stele_status status = begin_failure(reterr, cause);
    va_list arguments;

    if (reterr) {
        va_start(arguments, format);
        print_text(reterr->message, sizeof reterr->message, format, arguments);
        va_end(arguments);
    }
    return status;
}

stele_status stele__fail_os(stele_error *reterr, unsigned cause, int os_error, const char *format,
                            ...)
{
    stele_status status;
    va_list arguments;

    if (cause == STELE_IO && (os_error == ENOSPC || os_error == EDQUOT)) {
        cause = STELE_NO_SPACE;
    } else if (cause == STELE_IO && os_error == ENOMEM) {
        cause = STELE_NO_MEMORY;
    }
    status = begin_failure(reterr, cause);
    if (reterr) {
        char reason[128];
        size_t used;

        if (os_error == ESPIPE) { /* see stele/sys/vfs.h: clearer than "Illegal seek" */
            (void)snprintf(reason, sizeof reason, "not a regular file");
        } else if (strerror_r(os_error, reason, sizeof reason) != 0) {
            (void)snprintf(reason, sizeof reason, "error %d", os_error);
        }
        va_start(arguments, format);
        print_text(reterr->message, sizeof reterr->message, format, arguments);
        va_end(arguments);
        used = strlen(reterr->message);
        (void)snprintf(reterr->message + used, sizeof reterr->message - used, ": %s", reason);
        make_utf8(reterr->message);
        reterr->os_error = os_error;
    }
    return status;
}

void stele__hint(stele_error *reterr, const char *format, ...)
{
    va_list arguments;

    if (reterr) {
        va_start(arguments, format);
        print_text(reterr->hint, sizeof reterr->hint, format, arguments);
        va_end(arguments);
    }
}

stele_status stele__fail_memory(stele_error *reterr)
{
    return stele__fail(reterr, STELE_NO_MEMORY, "out of memory");
}

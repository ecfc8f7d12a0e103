/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file stele/writer.h
 * @brief Where the domain layer writes text and bytes: into memory of yours, or into memory that grows.
 *
 *     char text[200];
 *     stele_writer to = stele_writer_in(text, sizeof text);        // never allocates; cuts off and says so
 *
 *     STELE_CLEANUP(writer) stele_writer to = stele_writer_on(NULL); // grows; may be emptied and used again
 *
 * A writer that has failed takes nothing more, so a row of writes is looked at once, at its end. Confined to one thread
 * at a time.
 */
#ifndef STELE_WRITER_H
#define STELE_WRITER_H

#include "sys/alloc.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct stele_writer {
    char *data;               /**< what was written; not terminated by NUL */
    size_t size;              /**< bytes of it */
    size_t capacity;          /**< bytes that `data` has room for */
    const stele_alloc *alloc; /**< NULL: `data` is the caller's and does not grow */
    int has_failed;           /**< not 0: something did not fit, or there was no memory */
} stele_writer;

/** Into `capacity` bytes of the caller's, which must live as long as the writer is used. */
STELE_API stele_writer stele_writer_in(char *memory, size_t capacity);
/** Into memory that grows, from an allocator (NULL: the default one), which must outlive it. *Owned*: empty it with
 * stele_writer_done(). */
STELE_API stele_writer stele_writer_on(const stele_alloc *alloc);
/** Frees what a growing writer owns, and empties it. NULL is fine. */
STELE_API void stele_writer_done(stele_writer *writer);
/** Forgets what was written and that it failed, and keeps the memory. */
STELE_API void stele_writer_reset(stele_writer *writer);

/** Writes `size` bytes, borrowed for the call. Returns 0; -1 if the writer has failed, now or before: nothing of these
 * bytes is written then. */
STELE_API int stele_write(stele_writer *writer, const void *bytes, size_t size);
/** Writes formatted text, as printf() does. */
STELE_API int stele_writef(stele_writer *writer, const char *format, ...) STELE_PRINTF(2, 3);
/** Writes a JSON string with its quotes. `text` must be UTF-8; what is not is replaced by U+FFFD. */
STELE_API int stele_write_json_text(stele_writer *writer, stele_text text);

/** For STELE_CLEANUP(). */
static inline void stele_cleanup_writer(stele_writer *writer)
{
    stele_writer_done(writer);
}

#ifdef __cplusplus
}
#endif
#endif

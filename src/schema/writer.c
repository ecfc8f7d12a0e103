/* SPDX-License-Identifier: Apache-2.0 */
/* Writers: memory that text and bytes are written into. */
#include <stele/writer.h>

#include "base/alloc.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>

enum { CAPACITY_MIN = 256 };

stele_writer stele_writer_in(char *memory, size_t capacity)
{
    return (stele_writer){.data = memory, .capacity = capacity};
}

stele_writer stele_writer_on(const stele_alloc *alloc)
{
    return (stele_writer){.alloc = alloc ? alloc : stele_alloc_default()};
}

void stele_writer_done(stele_writer *writer)
{
    if (writer && writer->alloc) {
        stele__release(writer->alloc, writer->data, writer->capacity);
        *writer = (stele_writer){.alloc = writer->alloc};
    }
}

void stele_writer_reset(stele_writer *writer)
{
    writer->size = 0;
    writer->has_failed = 0;
}

static bool reserve(stele_writer *writer, size_t more)
{
    if (writer->has_failed) {
        return false;
    }
    if (more <= writer->capacity - writer->size) {
        return true;
    }
    writer->has_failed = 1;
    if (!writer->alloc || more > SIZE_MAX / 4 || writer->capacity > SIZE_MAX / 4) {
        return false;
    }
    size_t capacity = writer->capacity ? writer->capacity : CAPACITY_MIN;
    while (capacity - writer->size < more) {
        capacity *= 2;
    }
    char *data = writer->data ? writer->alloc->resize(writer->alloc->context, writer->data,
                                                      writer->capacity, capacity)
                              : stele__allocate(writer->alloc, capacity);
    if (!data) {
        return false;
    }
    writer->data = data;
    writer->capacity = capacity;
    writer->has_failed = 0;
    return true;
}

int stele_write(stele_writer *writer, const void *bytes, size_t size)
{
    if (!reserve(writer, size)) {
        return -1;
    }
    if (size > 0) {
        memcpy(writer->data + writer->size, bytes, size);
        writer->size += size;
    }
    return 0;
}

int stele_writef(stele_writer *writer, const char *format, ...)
{
    char few[256];
    va_list arguments;
    va_list again;
    va_start(arguments, format);
    va_copy(again, arguments);
    const int size = vsnprintf(few, sizeof few, format, arguments);
    va_end(arguments);
    int result = -1;
    if (size < 0) {
        writer->has_failed = 1;
    } else if ((size_t)size < sizeof few) {
        result = stele_write(writer, few, (size_t)size);
    } else if (reserve(writer, (size_t)size + 1)) {
        (void)vsnprintf(writer->data + writer->size, (size_t)size + 1, format, again);
        writer->size += (size_t)size;
        result = 0;
    }
    va_end(again);
    return result;
}

/* ---- JSON */

/* How many bytes from `at` on stand in a JSON string as they are. */
static size_t plain_size(const char *at, const char *end)
{
    const char *begin = at;
    while (at < end && (unsigned char)*at >= 0x20 && (unsigned char)*at < 0x80 && *at != '"' &&
           *at != '\\') {
        at++;
    }
    return (size_t)(at - begin);
}

static void write_escape(stele_writer *writer, char c)
{
    static const char named[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    for (size_t i = 0; i < sizeof named - 1; i += 2) {
        if (named[i] == c) {
            (void)stele_write(writer, (const char[]){'\\', named[i + 1]}, 2);
            return;
        }
    }
    (void)stele_writef(writer, "\\u%04x", (unsigned)(unsigned char)c);
}

int stele_write_json_text(stele_writer *writer, stele_text text)
{
    const char *const end = text.data + text.size;
    (void)stele_write(writer, "\"", 1);
    for (const char *at = text.data; at < end;) {
        const size_t plain = plain_size(at, end);
        (void)stele_write(writer, at, plain);
        at += plain;
        if (at == end) {
            break;
        }
        const size_t character = stele__text_utf8_size(at, end);
        if (character == 0) {
            (void)stele_write(writer, "\xef\xbf\xbd", 3);
            at++;
        } else if (character == 1) {
            write_escape(writer, *at++);
        } else {
            (void)stele_write(writer, at, character);
            at += character;
        }
    }
    return stele_write(writer, "\"", 1);
}

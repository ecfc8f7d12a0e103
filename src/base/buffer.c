/* SPDX-License-Identifier: Apache-2.0 */
/* The growing buffer. */
#include "buffer.h"

bool stele__buffer_reserve(stele__buffer *buffer, size_t more)
{
    size_t needed;
    void *data = buffer->data;

    if (__builtin_add_overflow(buffer->size, more, &needed)) {
        return false;
    }
    if (!stele__reserve(buffer->alloc, &data, &buffer->capacity, needed, 1)) {
        return false;
    }
    buffer->data = (uint8_t *)data;
    return true;
}

bool stele__buffer_append(stele__buffer *buffer, const void *bytes, size_t size)
{
    if (size == 0) {
        return true;
    }
    if (!stele__buffer_reserve(buffer, size)) {
        return false;
    }
    memcpy(buffer->data + buffer->size, bytes, size);
    buffer->size += size;
    return true;
}

void stele__buffer_done(stele__buffer *buffer)
{
    stele__release(buffer->alloc, buffer->data, buffer->capacity);
    buffer->data = NULL;
    buffer->size = 0;
    buffer->capacity = 0;
}

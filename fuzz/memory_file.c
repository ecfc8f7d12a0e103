/* SPDX-License-Identifier: Apache-2.0 */
/* Files in memory; what they promise stands in memory_file.h. */
#include "memory_file.h"

#include <errno.h>
#include <string.h>

static memory_file files[MEMORY_FILE_COUNT];

memory_file *memory_file_at(const char *path)
{
    memory_file *file = files;
    while (file->path[0] && strcmp(file->path, path) != 0) {
        file++;
        STELE_ASSERT(file < files + MEMORY_FILE_COUNT);
    }
    STELE_ASSERT(strlen(path) < sizeof file->path);
    memcpy(file->path, path, strlen(path) + 1);
    return file;
}

static int memory_open(const stele_vfs *vfs, const char *path, int flags, stele_file **ret_file)
{
    (void)flags;
    memory_file *file = memory_file_at(path);
    file->file.vfs = vfs;
    *ret_file = &file->file;
    return 0;
}

static void memory_close(stele_file *file)
{
    (void)file;
}

static int memory_read(stele_file *file, uint64_t offset, void *ret_bytes, size_t size,
                       size_t *ret_read)
{
    const memory_file *memory = (const memory_file *)file;
    const size_t left = offset < memory->size ? memory->size - (size_t)offset : 0;
    *ret_read = size < left ? size : left;
    if (*ret_read > 0) {
        memcpy(ret_bytes, memory->bytes + offset, *ret_read);
    }
    return 0;
}

static int memory_write(stele_file *file, uint64_t offset, const void *bytes, size_t size)
{
    memory_file *memory = (memory_file *)file;
    if (offset + size > MEMORY_FILE_BYTES_MAX) {
        return ENOSPC;
    }
    memcpy(memory->bytes + offset, bytes, size);
    memory->size = offset + size > memory->size ? (size_t)offset + size : memory->size;
    return 0;
}

static int memory_sync(stele_file *file)
{
    (void)file;
    return 0;
}

static int memory_size(stele_file *file, uint64_t *ret_size)
{
    *ret_size = ((const memory_file *)file)->size;
    return 0;
}

static int memory_truncate(stele_file *file, uint64_t size)
{
    ((memory_file *)file)->size = (size_t)size;
    return 0;
}

static int memory_map(stele_file *file, size_t size, const uint8_t **ret_memory)
{
    uint8_t *copy = stele__allocate(stele_alloc_default(), size);
    if (!copy) {
        return ENOMEM;
    }
    memcpy(copy, ((const memory_file *)file)->bytes, size);
    *ret_memory = copy;
    return 0;
}

static void memory_unmap(const stele_vfs *vfs, const uint8_t *memory, size_t size)
{
    (void)vfs;
    union {
        const uint8_t *borrowed;
        void *owned;
    } pointer = {.borrowed = memory};
    stele__release(stele_alloc_default(), pointer.owned, size);
}

static int memory_remove(const stele_vfs *vfs, const char *path)
{
    (void)vfs;
    memory_file_at(path)->size = 0;
    return 0;
}

static int memory_rename(const stele_vfs *vfs, const char *from, const char *to)
{
    (void)vfs;
    const memory_file *source = memory_file_at(from);
    memory_file *target = memory_file_at(to);
    memcpy(target->bytes, source->bytes, source->size);
    target->size = source->size;
    return 0;
}

static int memory_sync_folder(const stele_vfs *vfs, const char *path)
{
    (void)vfs;
    (void)path;
    return 0;
}

const stele_vfs memory_file_vfs = {.open = memory_open,
                                   .close = memory_close,
                                   .read = memory_read,
                                   .write = memory_write,
                                   .sync = memory_sync,
                                   .size = memory_size,
                                   .truncate = memory_truncate,
                                   .map = memory_map,
                                   .unmap = memory_unmap,
                                   .rename = memory_rename,
                                   .remove = memory_remove,
                                   .sync_folder = memory_sync_folder};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files. Descriptors are closed on exec, so that no program started by the user's keeps a store
 * locked.
 *
 * Locks are open-file-description locks: they belong to the handle, not to the process, so a second
 * handle in the same process conflicts like one anywhere else, and closing some other descriptor of
 * the file does not drop them (as it would with the older POSIX locks). A child made by fork()
 * shares the parent's locks until it ends or closes its copy.
 */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include "os/posix.h"

#include "base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct os_file {
    stele_file file;
    int descriptor;
} os_file;

static int descriptor_of(const stele_file *file)
{
    return ((const os_file *)file)->descriptor;
}

/* Whether [offset, offset + size) can be told to the system at all. */
static bool is_addressable(uint64_t offset, uint64_t size)
{
    return offset <= (uint64_t)INT64_MAX && size <= (uint64_t)INT64_MAX - offset;
}

static int kind_error(mode_t mode)
{
    return S_ISREG(mode) ? 0 : S_ISDIR(mode) ? EISDIR : ESPIPE;
}

/*
 * Opens what is a regular file and nothing else: opening a pipe would wait for somebody at its
 * other end, and a device may do whatever it does. O_NONBLOCK, so that neither can hold the open up
 * before its kind is known. It means nothing to a regular file, but for one on which another
 * program has a lease: there the open would fail instead of waiting until that is given up. And it
 * is taken back, since file systems may see it with each call.
 */
static int open_regular(const char *path, int mode, int *ret_descriptor)
{
    struct stat status;
    int descriptor;
    int error;

    do {
        descriptor = open(path, mode | O_NONBLOCK, STELE_OS_FILE_MODE);
        if (descriptor < 0 && errno == EWOULDBLOCK && stat(path, &status) == 0 &&
            S_ISREG(status.st_mode)) {
            descriptor = open(path, mode, STELE_OS_FILE_MODE);
        }
    } while (descriptor < 0 && errno == EINTR);
    if (descriptor < 0) {
        return errno == ENXIO ? ESPIPE : errno; /* ENXIO: a socket, or a device that is not there */
    }
    error = fstat(descriptor, &status) == 0 ? kind_error(status.st_mode) : errno;
    if (error == 0 && fcntl(descriptor, F_SETFL, mode & ~(O_CREAT | O_EXCL)) != 0) {
        error = errno;
    }
    if (error != 0) {
        (void)close(descriptor);
        return error;
    }
    *ret_descriptor = descriptor;
    return 0;
}

int stele__os_open(const stele_vfs *vfs, const char *path, int flags, stele_file **ret_file)
{
    int mode = O_CLOEXEC | O_NOCTTY;
    os_file *file;
    int error;

    if (flags & STELE_FILE_WRITE) {
        mode |= O_RDWR;
        mode |= flags & STELE_FILE_CREATE ? O_CREAT : 0;
        mode |= flags & STELE_FILE_CREATE && flags & STELE_FILE_EXCLUSIVE ? O_EXCL : 0;
    } else {
        mode |= O_RDONLY;
    }
    file = (os_file *)stele__allocate(stele_alloc_default(), sizeof *file);
    if (!file) {
        return ENOMEM;
    }
    file->file.vfs = vfs;
    error = open_regular(path, mode, &file->descriptor);
    if (error != 0) {
        stele__release(stele_alloc_default(), file, sizeof *file);
        return error;
    }
    *ret_file = &file->file;
    return 0;
}

void stele__os_close(stele_file *file)
{
    if (file) {
        /* Never again after EINTR: the descriptor is gone and may already be somebody else's. */
        (void)close(descriptor_of(file));
        stele__release(stele_alloc_default(), file, sizeof(os_file));
    }
}

/* ---- Bytes */

int stele__os_read(stele_file *file, uint64_t offset, void *ret_bytes, size_t size,
                   size_t *ret_read)
{
    uint8_t *to = (uint8_t *)ret_bytes;
    size_t done = 0;

    if (!is_addressable(offset, size)) {
        return EOVERFLOW;
    }
    while (done < size) {
        const ssize_t count =
            pread(descriptor_of(file), to + done, size - done, (off_t)(offset + done));
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return errno;
        }
        if (count == 0) {
            break;
        }
        done += (size_t)count;
    }
    *ret_read = done;
    return 0;
}

int stele__os_write(stele_file *file, uint64_t offset, const void *bytes, size_t size)
{
    const uint8_t *from = (const uint8_t *)bytes;
    size_t done = 0;

    if (!is_addressable(offset, size)) {
        return EFBIG;
    }
    while (done < size) {
        const ssize_t count =
            pwrite(descriptor_of(file), from + done, size - done, (off_t)(offset + done));
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return errno;
        }
        if (count == 0) {
            return EIO; /* nothing written and no reason given: going on could last for ever */
        }
        done += (size_t)count;
    }
    return 0;
}

int stele__os_sync(stele_file *file)
{
    int result;

    /* EINTR means that it has not been done yet; any other failure is final and never tried again,
     * because the system may have dropped the pages that it could not write. */
    do {
        result = fdatasync(descriptor_of(file));
    } while (result != 0 && errno == EINTR);
    return result == 0 ? 0 : errno;
}

/* ---- Sizes */

int stele__os_size(stele_file *file, uint64_t *ret_size)
{
    struct stat status;

    if (fstat(descriptor_of(file), &status) != 0) {
        return errno;
    }
    *ret_size = (uint64_t)status.st_size;
    return 0;
}

int stele__os_disk_usage(stele_file *file, uint64_t *ret_bytes)
{
    struct stat status;

    if (fstat(descriptor_of(file), &status) != 0) {
        return errno;
    }
    *ret_bytes = (uint64_t)status.st_blocks * 512; /* whatever st_blksize says */
    return 0;
}

int stele__os_truncate(stele_file *file, uint64_t size)
{
    int result;

    if (!is_addressable(size, 0)) {
        return EFBIG;
    }
    do {
        result = ftruncate(descriptor_of(file), (off_t)size);
    } while (result != 0 && errno == EINTR);
    return result == 0 ? 0 : errno;
}

int stele__os_fill(stele_file *file, uint64_t size)
{
    static const uint8_t zeroes[1 << 16];
    uint64_t before;
    uint64_t end;
    int error = stele__os_size(file, &before);

    for (end = before; error == 0 && end < size;) {
        const uint64_t left = size - end;
        const size_t count = left < sizeof zeroes ? (size_t)left : sizeof zeroes;
        error = stele__os_write(file, end, zeroes, count);
        end += count;
    }
    if (error != 0 && end > before) {
        /* Gives back what was taken. The caller learns why there was no more, whatever this says.
         */
        (void)stele__os_truncate(file, before);
    }
    return error;
}

int stele__os_allocate(stele_file *file, uint64_t size)
{
    int result;

    if (size == 0) {
        return 0;
    }
    if (!is_addressable(size, 0)) {
        return EFBIG;
    }
    /* Not posix_fallocate(): where the file system cannot reserve, it writes into the middle of
     * what others may be writing. */
    do {
        result = fallocate(descriptor_of(file), 0, 0, (off_t)size);
    } while (result != 0 && errno == EINTR);
    if (result == 0) {
        return 0;
    }
    return errno == EOPNOTSUPP || errno == ENOSYS ? stele__os_fill(file, size) : errno;
}

/* Only begun, and not waited for: errors of writing back stay for who syncs. */
void stele__os_write_back(stele_file *file, uint64_t offset, uint64_t size)
{
    (void)sync_file_range(descriptor_of(file), (off64_t)offset, (off64_t)size,
                          SYNC_FILE_RANGE_WRITE);
}

/* ---- Mapping */

static int map_file(stele_file *file, size_t size, int protection, void **ret_memory)
{
    void *memory = mmap(NULL, size, protection, MAP_SHARED, descriptor_of(file), 0);

    if (memory == MAP_FAILED) {
        return errno == ENODEV ? ENOTSUP : errno;
    }
    *ret_memory = memory;
    return 0;
}

/* A map is read an event or a page here and there: what the system would read around each touch, up
 * to megabytes, is not wanted. Who reads in order says so (stele__os_will_read). */
int stele__os_map(stele_file *file, size_t size, const uint8_t **ret_memory)
{
    void *memory = NULL;
    const int error = map_file(file, size, PROT_READ, &memory);

    if (error == 0) {
        (void)madvise(memory, size, MADV_RANDOM); /* if it fails, nothing but speed is lost */
        *ret_memory = (const uint8_t *)memory;
    }
    return error;
}

static bool is_resident(uintptr_t page_address, size_t page)
{
    unsigned char state = 0;
    return mincore((void *)page_address, page, &state) == 0 && (state & 1);
}

/* In steps: a system reads at most some hundred KiB for one request. To ask for what is there costs
 * more than to look, so a look at both ends of each stretch comes first. */
void stele__os_will_read(const stele_vfs *vfs, const uint8_t *memory, size_t size)
{
    enum { STRETCH = 1 << 20, STEP = 1 << 17 };
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const uintptr_t end = (uintptr_t)memory + size;

    (void)vfs;
    for (uintptr_t at = (uintptr_t)memory / page * page; at < end; at += STRETCH) {
        const uintptr_t stop = end - at < STRETCH ? end : at + STRETCH;
        if (is_resident(at, page) && is_resident((stop - 1) / page * page, page)) {
            continue;
        }
        for (uintptr_t step = at; step < stop; step += STEP) {
            (void)madvise((void *)step, stop - step < STEP ? stop - step : STEP, MADV_WILLNEED);
        }
    }
}

void stele__os_unmap(const stele_vfs *vfs, const uint8_t *memory, size_t size)
{
    stele__os_unmap_shared(vfs, (void *)(uintptr_t)memory, size);
}

int stele__os_map_shared(stele_file *file, size_t size, void **ret_memory)
{
    return map_file(file, size, PROT_READ | PROT_WRITE, ret_memory);
}

void stele__os_unmap_shared(const stele_vfs *vfs, void *memory, size_t size)
{
    (void)vfs;
    if (memory) {
        const int result = munmap(memory, size);
        STELE_ASSERT(result == 0);
    }
}

/* ---- Locks */

static int change_lock(stele_file *file, int command, short kind, struct flock *ret_lock)
{
    int result;

    memset(ret_lock, 0, sizeof *ret_lock);
    ret_lock->l_type = kind;
    ret_lock->l_whence =
        SEEK_SET; /* and with start and length 0: the whole file, however it grows */
    do {
        result = fcntl(descriptor_of(file), command, ret_lock);
    } while (result != 0 && errno == EINTR);
    return result == 0 ? 0 : errno;
}

int stele__os_lock(stele_file *file, stele_file_lock kind)
{
    struct flock lock;
    short type = F_UNLCK;
    int error;

    switch (kind) {
    case STELE_LOCK_NONE:
        break;
    case STELE_LOCK_SHARED:
        type = F_RDLCK;
        break;
    case STELE_LOCK_EXCLUSIVE:
        type = F_WRLCK;
        break;
    }
    error = change_lock(file, F_OFD_SETLK, type, &lock);
    return error == EACCES ? EAGAIN : error;
}

int stele__os_is_locked(stele_file *file, int *ret_locked)
{
    struct flock lock;
    /* Asks whether a shared lock could be had: only an exclusive one of another handle stands
     * against it. */
    const int error = change_lock(file, F_OFD_GETLK, F_RDLCK, &lock);

    if (error == 0) {
        *ret_locked = lock.l_type != F_UNLCK;
    }
    return error;
}

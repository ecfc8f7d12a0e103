/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file stele/sys/vfs.h
 * @brief For those who extend Stele: files, as a table of functions.
 *
 * The embedded engine touches the world through this table and stele/sys/clock.h alone; the simulator is another
 * implementation of both. All functions return 0 or a positive errno and must be callable from any thread; calls on one
 * file may overlap in time. Paths are NUL-terminated, '/'-separated. Nothing is retried by Stele but EINTR, which must
 * not be returned.
 */
#ifndef STELE_SYS_VFS_H
#define STELE_SYS_VFS_H

#include "../types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct stele_vfs stele_vfs;

/** An open file. Implementations put this first in their own struct. */
typedef struct stele_file {
    const stele_vfs *vfs;
} stele_file;

enum {
    STELE_FILE_READ = 0,
    STELE_FILE_WRITE = 1,    /**< read and write */
    STELE_FILE_CREATE = 2,   /**< with WRITE: create if it does not exist */
    STELE_FILE_EXCLUSIVE = 4 /**< with CREATE: EEXIST if it exists */
};

typedef enum stele_file_lock { STELE_LOCK_NONE = 0, STELE_LOCK_SHARED = 1, STELE_LOCK_EXCLUSIVE = 2 } stele_file_lock;

struct stele_vfs {
    void *context;

    /** Opens a regular file, without waiting; `*ret_file` is owned: close. ENOENT, EEXIST, EACCES, EMFILE …; EISDIR: it
     * is a folder; ESPIPE: it is something else, as a pipe or a device. */
    int (*open)(const stele_vfs *vfs, const char *path, int flags, stele_file **ret_file);
    /** Frees the file and lets go of its lock. Maps of it stay. */
    void (*close)(stele_file *file);

    /** Reads up to `size` bytes; fewer only at the end of the file. */
    int (*read)(stele_file *file, uint64_t offset, void *ret_bytes, size_t size, size_t *ret_read);
    /** Writes all bytes or fails. After a failure any part of them may have been written. */
    int (*write)(stele_file *file, uint64_t offset, const void *bytes, size_t size);
    /** Returns when data, and what is needed to find it, is on stable storage (fdatasync). After a failure the fate of
     * what was written since the last success is unknown. */
    int (*sync)(stele_file *file);
    /** Begins to write a range back to storage, so that a later sync has less to wait for. A hint that promises nothing
     * and swallows no error; NULL: there is no such thing. */
    void (*write_back)(stele_file *file, uint64_t offset, uint64_t size);
    int (*size)(stele_file *file, uint64_t *ret_size);
    /** Cuts the file off, or makes it longer with zeroes. */
    int (*truncate)(stele_file *file, uint64_t size);
    /** Makes sure that [0, size) can be written without running out of space; new bytes read as zero. ENOSPC. */
    int (*allocate)(stele_file *file, uint64_t size);
    /** Bytes allocated on disk. */
    int (*disk_usage)(stele_file *file, uint64_t *ret_bytes);

    /** Maps [0, size) for reading, shared with writes through this or other handles. `size` is not above the file's
     * size. Stays valid after the file is closed or unlinked. ENOTSUP: the caller reads instead. */
    int (*map)(stele_file *file, size_t size, const uint8_t **ret_memory);
    void (*unmap)(const stele_vfs *vfs, const uint8_t *memory, size_t size);
    /** A hint: these bytes of a map are read soon, one after the other. (What is mapped is else read here and there.)
     * May be NULL. */
    void (*will_read)(const stele_vfs *vfs, const uint8_t *memory, size_t size);
    /** Maps [0, size) for reading and writing, shared between processes; never synced. ENOTSUP: no other process can be
     * told. */
    int (*map_shared)(stele_file *file, size_t size, void **ret_memory);
    void (*unmap_shared)(const stele_vfs *vfs, void *memory, size_t size);

    /** An advisory lock on the whole file that belongs to this handle (not to the process), without waiting: EAGAIN if
     * another handle has a conflicting one. */
    int (*lock)(stele_file *file, stele_file_lock kind);
    /** Whether some other handle, in whatever process, holds an exclusive lock. */
    int (*is_locked)(stele_file *file, int *ret_locked);

    /** Waits until `*word` (in a map_shared, or private memory) is no longer `expected`, it is woken, or `timeout` ns
     * have passed (negative: never). Returns 0 or ETIMEDOUT. May return early; where words cannot be slept on, after 5
     * ms. */
    int (*wait)(const stele_vfs *vfs, uint32_t *word, uint32_t expected, int64_t timeout);
    /** Wakes everybody who waits on the word, in whatever process. */
    void (*wake)(const stele_vfs *vfs, uint32_t *word);

    /** One level. EEXIST if it exists, ENOENT if the folder above does not. */
    int (*make_folder)(const stele_vfs *vfs, const char *path);
    /** Makes creations, renames and removals in a folder durable. */
    int (*sync_folder)(const stele_vfs *vfs, const char *path);
    /** In one step; what `to` named before is replaced. */
    int (*rename)(const stele_vfs *vfs, const char *from, const char *to);
    /** A file's name; who has it open or mapped keeps it. ENOENT. */
    int (*remove)(const stele_vfs *vfs, const char *path);
    /** Calls `entry` with the name of each entry, in any order, "." and ".." left out. ENOENT, ENOTDIR. */
    int (*list)(const stele_vfs *vfs, const char *path, void (*entry)(void *context, const char *name), void *context);
    /** Whether locks and mapped files work there between processes: ENOTSUP on network file systems. */
    int (*check_folder)(const stele_vfs *vfs, const char *path);
};

/** The operating system's files. Static: never to be freed. Any thread. */
STELE_API const stele_vfs *stele_vfs_system(void);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Private to os: the functions that vfs.c puts into the table. What each must do stands in
 * stele/sys/vfs.h. */
#ifndef STELE_OS_POSIX_H
#define STELE_OS_POSIX_H

#include <stele/sys/vfs.h>

/*
 * What new files and folders may be used by, before the umask takes its part. A store holds what
 * the program behind it was told, and the program's user decides through the umask who else sees
 * that, as for every other file that the program writes; a mode that is stricter than the umask
 * would make backup and monitoring programs of other users fail in ways that no setting of theirs
 * explains.
 */
#define STELE_OS_FILE_MODE 0644
#define STELE_OS_FOLDER_MODE 0755

int stele__os_open(const stele_vfs *vfs, const char *path, int flags, stele_file **ret_file);
void stele__os_close(stele_file *file);
int stele__os_read(stele_file *file, uint64_t offset, void *ret_bytes, size_t size,
                   size_t *ret_read);
int stele__os_write(stele_file *file, uint64_t offset, const void *bytes, size_t size);
int stele__os_sync(stele_file *file);
int stele__os_size(stele_file *file, uint64_t *ret_size);
int stele__os_truncate(stele_file *file, uint64_t size);
int stele__os_allocate(stele_file *file, uint64_t size);
void stele__os_write_back(stele_file *file, uint64_t offset, uint64_t size);
int stele__os_disk_usage(stele_file *file, uint64_t *ret_bytes);
int stele__os_map(stele_file *file, size_t size, const uint8_t **ret_memory);
void stele__os_will_read(const stele_vfs *vfs, const uint8_t *memory, size_t size);
void stele__os_unmap(const stele_vfs *vfs, const uint8_t *memory, size_t size);
int stele__os_map_shared(stele_file *file, size_t size, void **ret_memory);
void stele__os_unmap_shared(const stele_vfs *vfs, void *memory, size_t size);
int stele__os_lock(stele_file *file, stele_file_lock kind);
int stele__os_is_locked(stele_file *file, int *ret_locked);

int stele__os_wait(const stele_vfs *vfs, uint32_t *word, uint32_t expected, int64_t timeout);
void stele__os_wake(const stele_vfs *vfs, uint32_t *word);

int stele__os_make_folder(const stele_vfs *vfs, const char *path);
int stele__os_sync_folder(const stele_vfs *vfs, const char *path);
int stele__os_rename(const stele_vfs *vfs, const char *from, const char *to);
int stele__os_remove(const stele_vfs *vfs, const char *path);
int stele__os_list(const stele_vfs *vfs, const char *path,
                   void (*entry)(void *context, const char *name), void *context);
int stele__os_check_folder(const stele_vfs *vfs, const char *path);

/* The part of stele__os_allocate() for file systems that cannot reserve: writes zeroes behind the
 * end. */
int stele__os_fill(stele_file *file, uint64_t size);
/* What stele__os_check_folder() answers for a magic number of statfs(2). */
int stele__os_check_kind(uint32_t magic);

#endif

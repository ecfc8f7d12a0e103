/* SPDX-License-Identifier: Apache-2.0 */
/* Folders: their entries, making those durable, and which file systems a store can live on. */
#define _GNU_SOURCE
#include "os/posix.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

int stele__os_make_folder(const stele_vfs *vfs, const char *path)
{
    (void)vfs;
    return mkdir(path, STELE_OS_FOLDER_MODE) == 0 ? 0 : errno;
}

int stele__os_sync_folder(const stele_vfs *vfs, const char *path)
{
    int descriptor;
    int result;
    int error;

    (void)vfs;
    do {
        descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    } while (descriptor < 0 && errno == EINTR);
    if (descriptor < 0) {
        return errno;
    }
    do {
        result = fsync(descriptor);
    } while (result != 0 && errno == EINTR);
    error = result == 0 ? 0 : errno;
    (void)close(descriptor);
    return error;
}

int stele__os_rename(const stele_vfs *vfs, const char *from, const char *to)
{
    (void)vfs;
    return rename(from, to) == 0 ? 0 : errno;
}

int stele__os_remove(const stele_vfs *vfs, const char *path)
{
    (void)vfs;
    return remove(path) == 0 ? 0 : errno;
}

int stele__os_list(const stele_vfs *vfs, const char *path,
                   void (*entry)(void *context, const char *name), void *context)
{
    DIR *folder = opendir(path);
    const struct dirent *found;
    int error;

    (void)vfs;
    if (!folder) {
        return errno;
    }
    for (errno = 0; (found = readdir(folder)) != NULL; errno = 0) {
        if (strcmp(found->d_name, ".") != 0 && strcmp(found->d_name, "..") != 0) {
            entry(context, found->d_name);
        }
    }
    error = errno;
    (void)closedir(folder);
    return error;
}

/* ---- Kinds of file systems */

/* Where a lock or a mapped page of one machine may not be seen by another that uses the same files.
 * FUSE is not among them: containers live on it, and whether there is a network behind it cannot be
 * known. */
static const uint32_t network_kinds[] = {
    0x00006969, /* NFS */
    0x0000517b, /* SMB */
    0xff534d42, /* CIFS */
    0xfe534d42, /* SMB 2 */
    0x0000564c, /* NetWare */
    0x01021997, /* 9P */
    0x00c36400, /* Ceph */
    0x5346414f, /* OpenAFS */
    0x6b414653, /* the kernel's AFS */
    0x73757245, /* Coda */
    0x01161970, /* GFS 2 */
    0x7461636f, /* OCFS 2 */
    0x0bd00bd0, /* Lustre */
    0x47504653, /* GPFS */
    0x19830326, /* BeeGFS */
    0xaad7aaea, /* PanFS */
    0xbacbacbc, /* VMware's shared folders */
    0x786f4256, /* VirtualBox's shared folders */
};

int stele__os_check_kind(uint32_t magic)
{
    for (size_t i = 0; i < sizeof network_kinds / sizeof network_kinds[0]; i++) {
        if (network_kinds[i] == magic) {
            return ENOTSUP;
        }
    }
    return 0;
}

int stele__os_check_folder(const stele_vfs *vfs, const char *path)
{
    struct statfs status;
    int result;

    (void)vfs;
    do {
        result = statfs(path, &status);
    } while (result != 0 && errno == EINTR);
    /* The field is signed or not, and 32 or 64 bits wide, from one architecture to the next; the
     * numbers have 32 bits. */
    return result == 0 ? stele__os_check_kind((uint32_t)((uint64_t)status.f_type & 0xffffffff))
                       : errno;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Folders of the operating system. */
#include "base/base.h"
#include "os/os.h"
#include "os/posix.h"
#include "support/test.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static void make_file(const char *path, const char *text)
{
    const stele_vfs *vfs = stele_vfs_system();
    stele_file *file = NULL;

    expect_int(vfs->open(vfs, path, STELE_FILE_WRITE | STELE_FILE_CREATE, &file), 0);
    expect_int(vfs->write(file, 0, text, strlen(text)), 0);
    vfs->close(file);
}

static bool exists(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0;
}

TEST(a_folder_is_made_once)
{
    const stele_vfs *vfs = stele_vfs_system();
    const char *path = test_path(test_folder(), "folder");
    struct stat status;

    (void)umask(022);
    expect_int(vfs->make_folder(vfs, path), 0);
    expect_int(stat(path, &status), 0);
    expect_uint(status.st_mode & 0777, 0755);
    expect_int(vfs->make_folder(vfs, path), EEXIST);
    expect_int(vfs->make_folder(vfs, test_path(path, "a/b")), ENOENT);
}

TEST(a_rename_replaces_and_a_sync_of_the_folder_follows)
{
    const stele_vfs *vfs = stele_vfs_system();
    const char *folder = test_folder();
    const char *from = test_path(folder, "new");
    const char *to = test_path(folder, "name");
    stele_file *file = NULL;
    char text[8];
    size_t count = 0;

    make_file(to, "old");
    make_file(from, "young");
    expect_int(vfs->rename(vfs, from, to), 0);
    expect_int(vfs->sync_folder(vfs, folder), 0);
    expect_false(exists(from));
    expect_int(vfs->open(vfs, to, STELE_FILE_READ, &file), 0);
    expect_int(vfs->read(file, 0, text, sizeof text, &count), 0);
    expect_bytes(text, count, "young", 5);
    vfs->close(file);
    expect_int(vfs->rename(vfs, from, to), ENOENT);
    expect_int(vfs->sync_folder(vfs, from), ENOENT);
    expect_int(vfs->sync_folder(vfs, to), ENOTDIR);
}

TEST(files_and_empty_folders_are_removed)
{
    const stele_vfs *vfs = stele_vfs_system();
    const char *folder = test_folder();
    const char *inner = test_path(folder, "inner");
    const char *file = test_path(inner, "file");

    expect_int(vfs->make_folder(vfs, inner), 0);
    make_file(file, "x");
    expect_int(vfs->remove(vfs, inner), ENOTEMPTY);
    expect_int(vfs->remove(vfs, file), 0);
    expect_int(vfs->remove(vfs, file), ENOENT);
    expect_int(vfs->remove(vfs, inner), 0);
    expect_false(exists(inner));
}

static void count_entry(void *context, const char *name)
{
    size_t *counts = (size_t *)context;

    counts[0]++;
    counts[1] += strcmp(name, "a") == 0;
    counts[2] += strcmp(name, ".hidden") == 0;
    counts[3] += strcmp(name, "folder") == 0;
}

TEST(a_list_names_every_entry_but_the_two_dots)
{
    const stele_vfs *vfs = stele_vfs_system();
    const char *folder = test_folder();
    size_t counts[4] = {0};

    expect_int(vfs->list(vfs, folder, count_entry, counts), 0);
    expect_uint(counts[0], 0);
    make_file(test_path(folder, "a"), "");
    make_file(test_path(folder, ".hidden"), "");
    expect_int(vfs->make_folder(vfs, test_path(folder, "folder")), 0);
    expect_int(vfs->list(vfs, folder, count_entry, counts), 0);
    expect_uint(counts[0], 3);
    expect_uint(counts[1], 1);
    expect_uint(counts[2], 1);
    expect_uint(counts[3], 1);
    expect_int(vfs->list(vfs, test_path(folder, "none"), count_entry, counts), ENOENT);
    expect_int(vfs->list(vfs, test_path(folder, "a"), count_entry, counts), ENOTDIR);
}

TEST(a_local_folder_will_do_and_a_missing_one_is_missing)
{
    const stele_vfs *vfs = stele_vfs_system();
    const char *folder = test_folder();

    expect_int(vfs->check_folder(vfs, folder), 0);
    expect_int(vfs->check_folder(vfs, test_path(folder, "none")), ENOENT);
}

typedef struct kind_case {
    uint32_t magic;
    int answer;
} kind_case;

static const kind_case kinds[] = {
    {0x6969, ENOTSUP},     /* NFS */
    {0xff534d42, ENOTSUP}, /* CIFS */
    {0xfe534d42, ENOTSUP}, /* SMB 2 */
    {0x517b, ENOTSUP},     /* SMB */
    {0x01021997, ENOTSUP}, /* 9P */
    {0x00c36400, ENOTSUP}, /* Ceph */
    {0x5346414f, ENOTSUP}, /* AFS */
    {0x73757245, ENOTSUP}, /* Coda */
    {0x01161970, ENOTSUP}, /* GFS 2 */
    {0x0bd00bd0, ENOTSUP}, /* Lustre */
    {0xef53, 0},           /* ext2, 3, 4 */
    {0x58465342, 0},       /* XFS */
    {0x9123683e, 0},       /* btrfs */
    {0x2fc12fc1, 0},       /* ZFS */
    {0x01021994, 0},       /* tmpfs */
    {0x794c7630, 0},       /* overlayfs */
    {0x65735546, 0},       /* FUSE: containers live on it */
};

TEST_ROWS(network_file_systems_are_refused, kinds)
{
    expect_int(stele__os_check_kind(kinds[row].magic), kinds[row].answer);
}

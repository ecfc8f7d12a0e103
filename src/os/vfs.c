/* SPDX-License-Identifier: Apache-2.0 */
/* The operating system's files as a table. */
#include "os/os.h"

#include "os/posix.h"

const stele_vfs *stele_vfs_system(void)
{
    static const stele_vfs vfs = {
        .context = NULL,
        .open = stele__os_open,
        .close = stele__os_close,
        .read = stele__os_read,
        .write = stele__os_write,
        .sync = stele__os_sync,
        .size = stele__os_size,
        .truncate = stele__os_truncate,
        .allocate = stele__os_allocate,
        .write_back = stele__os_write_back,
        .disk_usage = stele__os_disk_usage,
        .map = stele__os_map,
        .unmap = stele__os_unmap,
        .will_read = stele__os_will_read,
        .map_shared = stele__os_map_shared,
        .unmap_shared = stele__os_unmap_shared,
        .lock = stele__os_lock,
        .is_locked = stele__os_is_locked,
        .wait = stele__os_wait,
        .wake = stele__os_wake,
        .make_folder = stele__os_make_folder,
        .sync_folder = stele__os_sync_folder,
        .rename = stele__os_rename,
        .remove = stele__os_remove,
        .list = stele__os_list,
        .check_folder = stele__os_check_folder,
    };
    return &vfs;
}

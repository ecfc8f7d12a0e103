/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of the simulated disk: counting, failing and crashing them, and doing them. */
#include "sim/sim_node.h"

#include <errno.h>
#include <stdio.h>

/* What the gate says about a call. */
typedef struct sim_permit {
    int error;              /* not 0: answer it, the call is not done (or a part of it) */
    const sim_fault *fault; /* fired, or NULL */
    bool is_crashing;       /* the crash comes when the call is done */
    int place;              /* of that crash */
} sim_permit;

static sim_process *process_of(const stele_vfs *vfs)
{
    return (sim_process *)vfs->context;
}

static sim_handle *handle_of(stele_file *file)
{
    return (sim_handle *)file;
}

const char *sim_call_name(sim_call call)
{
    static const char *const names[SIM_CALL_COUNT] = {[SIM_OPEN] = "open",
                                                      [SIM_READ] = "read",
                                                      [SIM_MAP] = "map",
                                                      [SIM_LIST] = "list",
                                                      [SIM_LOCK] = "lock",
                                                      [SIM_CREATE] = "create",
                                                      [SIM_WRITE] = "write",
                                                      [SIM_SYNC] = "sync",
                                                      [SIM_TRUNCATE] = "truncate",
                                                      [SIM_ALLOCATE] = "allocate",
                                                      [SIM_RENAME] = "rename",
                                                      [SIM_REMOVE] = "remove",
                                                      [SIM_MAKE_FOLDER] = "make folder",
                                                      [SIM_SYNC_FOLDER] = "sync folder"};
    return names[call];
}

const char *sim_file_kind_name(sim_file_kind kind)
{
    static const char *const names[SIM_FILE_KIND_COUNT] = {
        [SIM_OTHER] = "other",    [SIM_SEGMENT] = "segment",   [SIM_INDEX] = "index",
        [SIM_PACKED] = "packed",  [SIM_MANIFEST] = "manifest", [SIM_PAGE] = "page",
        [SIM_LOCK_FILE] = "lock", [SIM_FOLDER] = "folder"};
    return names[kind];
}

/* ---- gate */

static void crash_here(sim_disk *disk, sim_call call, sim_file_kind kind, int place,
                       const char *path)
{
    disk->crash = (sim_crash){.has_happened = true,
                              .kind = disk->plan.kind,
                              .place = place,
                              .call = call,
                              .file_kind = kind,
                              .pending = sim_disk_pending(disk)};
    (void)snprintf(disk->crash.path, sizeof disk->crash.path, "%s", path);
    if (disk->crash_hook) {
        disk->crash_hook(disk->crash_hook_context);
    }
    sim_disk_kill(disk, disk->plan.kind);
    sim_disk_forget_plan(disk);
}

static bool fault_matches(const sim_fault *fault, unsigned process, sim_call call,
                          sim_file_kind kind)
{
    return fault->process == process && (fault->calls & 1u << call) &&
           (fault->kinds == 0 || (fault->kinds & 1u << kind));
}

static const sim_fault *fault_fires(sim_disk *disk, unsigned process, sim_call call,
                                    sim_file_kind kind)
{
    const sim_fault *fired = NULL;
    for (size_t i = 0; i < disk->fault_count; i++) {
        sim_fault *fault = &disk->faults[i];
        if (!fault_matches(fault, process, call, kind)) {
            continue;
        }
        fault->matched++;
        const bool fires = (fault->is_persistent && fault->fired > 0) ||
                           (fault->nth > 0 ? fault->matched == fault->nth
                                           : sim_chance(&disk->choice, 1, fault->chance));
        if (fires && !fired) {
            fault->fired++;
            fired = fault;
        }
    }
    return fired;
}

static bool plan_strikes(sim_disk *disk, int place)
{
    sim_crash_plan *plan = &disk->plan;
    if (!plan->is_armed || (plan->place >= 0 && plan->place != place)) {
        return false;
    }
    /* A call that was to crash afterwards but failed before it did anything leaves 0: the next one
     * takes its place. */
    plan->countdown -= plan->countdown > 0;
    return plan->countdown == 0;
}

static sim_permit pass_changing(sim_disk *disk, sim_call call, sim_file_kind kind, const char *path)
{
    sim_permit permit = {0};
    disk->changes++;
    const int place = disk->place ? disk->place(disk->place_context, call, kind, path) : 0;
    if (plan_strikes(disk, place)) {
        if (!disk->plan.is_after) {
            crash_here(disk, call, kind, place, path);
            permit.error = EIO;
        } else {
            permit.place = place;
            permit.is_crashing = true;
        }
    }
    return permit;
}

/* Asked before every call. */
static sim_permit pass(sim_process *process, sim_call call, sim_file_kind kind, const char *path)
{
    sim_permit permit = {0};
    sim_disk *disk = process->disk;
    if (process->is_dead) {
        permit.error = EIO;
        return permit;
    }
    if (process->number == 0) {
        disk->calls[call]++;
        if (SIM_CALLS_CHANGING & 1u << call) {
            permit = pass_changing(disk, call, kind, path);
            if (permit.error || permit.is_crashing) {
                return permit;
            }
        }
    }
    permit.fault = fault_fires(disk, process->number, call, kind);
    if (permit.fault && permit.fault->effect == SIM_SLOW) {
        sim_clock_advance(disk->clock, INT64_C(50000000));
    } else if (permit.fault && permit.fault->effect != SIM_SHORT &&
               permit.fault->effect != SIM_LIE && permit.fault->effect != SIM_MISDIRECT) {
        permit.error = permit.fault->error;
    }
    return permit;
}

/* Asked after a call was done: its answer. */
static int leave(sim_process *process, const sim_permit *permit, sim_call call, sim_file_kind kind,
                 const char *path)
{
    if (!permit->is_crashing) {
        return 0;
    }
    crash_here(process->disk, call, kind, permit->place, path);
    return EIO;
}

/* ---- files */

static int open_file(const stele_vfs *vfs, const char *path, int flags, stele_file **ret_file)
{
    sim_process *process = process_of(vfs);
    sim_disk *disk = process->disk;
    char name[SIM_NAME_SIZE_MAX];
    uint32_t folder;
    int error = sim_path_resolve(disk, path, &folder, name);
    if (error) {
        return process->is_dead ? EIO : error;
    }
    const size_t at = sim_names_find(&disk->live, folder, name);
    const bool creates = at == SIZE_MAX && (flags & STELE_FILE_CREATE);
    const sim_file_kind kind = sim_file_kind_of(path);
    const sim_call call = creates ? SIM_CREATE : SIM_OPEN;
    const sim_permit permit = pass(process, call, kind, path);
    if (permit.error) {
        return permit.error;
    }
    if (at == SIZE_MAX && !creates) {
        return ENOENT;
    }
    if (at != SIZE_MAX && (flags & STELE_FILE_EXCLUSIVE)) {
        return EEXIST;
    }
    uint32_t n = at == SIZE_MAX ? 0 : disk->live.entries[at].node;
    if (creates) {
        n = sim_node_new(disk, false, kind);
        sim_entry entry = {.folder = folder, .node = n};
        memcpy(entry.name, name, sizeof name);
        sim_disk_add_link(disk, SIM_LINK_CREATE, &entry, NULL);
    } else if (disk->nodes[n]->is_folder) {
        return EISDIR;
    }
    error = leave(process, &permit, call, kind, path);
    if (error) {
        return error;
    }
    sim_handle *handle = sim_allocate(sizeof *handle);
    *handle = (sim_handle){.file = {vfs},
                           .process = process,
                           .node = n,
                           .may_write = (flags & STELE_FILE_WRITE) != 0,
                           .next = disk->handles};
    disk->handles = handle;
    disk->nodes[n]->handles++;
    *ret_file = &handle->file;
    return 0;
}

static void close_file(stele_file *file)
{
    sim_handle *handle = handle_of(file);
    sim_disk *disk = handle->process->disk;
    sim_handle **link = &disk->handles;
    while (*link != handle) {
        STELE_ASSERT(*link != NULL);
        link = &(*link)->next;
    }
    *link = handle->next;
    disk->nodes[handle->node]->handles--;
    sim_release(handle, sizeof *handle);
    sim_node_collect(disk);
}

static int read_file(stele_file *file, uint64_t offset, void *ret_bytes, size_t size,
                     size_t *ret_read)
{
    sim_handle *handle = handle_of(file);
    const sim_node *node = handle->process->disk->nodes[handle->node];
    const sim_permit permit = pass(handle->process, SIM_READ, node->kind, "");
    if (permit.error) {
        return permit.error;
    }
    uint64_t count = offset < node->live.size ? node->live.size - offset : 0;
    count = count < size ? count : size;
    if (permit.fault && permit.fault->effect == SIM_SHORT) {
        count = sim_choose(&handle->process->disk->choice, count + 1);
    }
    if (count > 0) {
        memcpy(ret_bytes, node->live.bytes + offset, count);
    }
    *ret_read = (size_t)count;
    return 0;
}

static int write_bytes(sim_disk *disk, sim_node *node, uint64_t offset, const void *bytes,
                       size_t size)
{
    uint64_t possible = size;
    if (offset > SIM_FILE_BYTES_MAX || size > SIM_FILE_BYTES_MAX - offset) {
        return EFBIG;
    }
    const bool has_space = sim_node_charge(disk, node, offset + size);
    if (!has_space) {
        const uint64_t end = node->allocated;
        possible = end > offset ? end - offset : 0;
        possible = possible < size ? possible : size;
    }
    if (possible > 0) {
        sim_node_add_write(disk, node, offset, bytes, possible);
    }
    return has_space ? 0 : ENOSPC;
}

static int write_file(stele_file *file, uint64_t offset, const void *bytes, size_t size)
{
    sim_handle *handle = handle_of(file);
    sim_disk *disk = handle->process->disk;
    sim_node *node = disk->nodes[handle->node];
    if (!handle->may_write) {
        sim_disk_report_misuse(disk, "a write through a handle that was opened for reading");
        return EBADF;
    }
    const sim_permit permit = pass(handle->process, SIM_WRITE, node->kind, "");
    if (handle->process->is_dead) {
        return EIO;
    }
    uint64_t possible = size;
    if (permit.error || (permit.is_crashing && disk->plan.kind == SIM_PROCESS_CRASH)) {
        possible = sim_choose(&disk->choice, (uint64_t)size + 1);
    }
    if (permit.fault && permit.fault->effect == SIM_MISDIRECT) {
        offset =
            sim_choose(&disk->choice, node->live.size / SIM_SECTOR_BYTES + 1) * SIM_SECTOR_BYTES;
    }
    const int error = write_bytes(disk, node, offset, bytes, (size_t)possible);
    if (permit.error) {
        return permit.error;
    }
    const int crashed = leave(handle->process, &permit, SIM_WRITE, node->kind, "");
    return crashed ? crashed : error;
}

/* The pages were thrown away: who looks may still see the new bytes, or the old ones. */
static void lose_changes(sim_disk *disk, sim_node *node)
{
    const bool is_evicted = sim_chance(&disk->choice, 1, 2);
    const uint64_t size = node->live.size;
    for (size_t i = 0; i < node->change_count && is_evicted; i++) {
        const sim_change *change = &node->changes[i];
        const uint64_t end =
            change->offset + change->size < size ? change->offset + change->size : size;
        if (change->kind == SIM_CHANGE_WRITE && change->offset < end) {
            sim_image_write(&node->live, change->offset, node->durable.bytes + change->offset,
                            end - change->offset);
        }
    }
    sim_node_forget_changes(node);
}

static bool sync_lies(const sim_process *process, const sim_permit *permit)
{
    sim_disk *disk = process->disk;
    return (permit->fault && permit->fault->effect == SIM_LIE) ||
           (disk->lie_chance > 0 && !permit->is_crashing &&
            sim_chance(&disk->choice, 1, disk->lie_chance));
}

static int sync_file(stele_file *file)
{
    sim_handle *handle = handle_of(file);
    sim_disk *disk = handle->process->disk;
    sim_node *node = disk->nodes[handle->node];
    const sim_permit permit = pass(handle->process, SIM_SYNC, node->kind, "");
    if (permit.error) {
        if (!handle->process->is_dead && permit.fault && permit.fault->effect == SIM_LOSE) {
            lose_changes(disk, node);
        }
        return permit.error;
    }
    if (sync_lies(handle->process, &permit)) {
        return 0;
    }
    sim_node_settle(node);
    return leave(handle->process, &permit, SIM_SYNC, node->kind, "");
}

static int size_of_file(stele_file *file, uint64_t *ret_size)
{
    sim_handle *handle = handle_of(file);
    if (handle->process->is_dead) {
        return EIO;
    }
    *ret_size = handle->process->disk->nodes[handle->node]->live.size;
    return 0;
}

static int disk_usage_of_file(stele_file *file, uint64_t *ret_bytes)
{
    sim_handle *handle = handle_of(file);
    if (handle->process->is_dead) {
        return EIO;
    }
    *ret_bytes = handle->process->disk->nodes[handle->node]->allocated;
    return 0;
}

static int truncate_file(stele_file *file, uint64_t size)
{
    sim_handle *handle = handle_of(file);
    sim_disk *disk = handle->process->disk;
    sim_node *node = disk->nodes[handle->node];
    if (!handle->may_write) {
        sim_disk_report_misuse(disk, "a truncate through a handle that was opened for reading");
        return EBADF;
    }
    const sim_permit permit = pass(handle->process, SIM_TRUNCATE, node->kind, "");
    if (permit.error) {
        return permit.error;
    }
    if (size > SIM_FILE_BYTES_MAX) {
        return EFBIG;
    }
    sim_node_add_size(disk, node, size);
    if (node->maps > 0 && size < node->mapped_size) {
        sim_node_raise_barrier(node);
    }
    const uint64_t blocks = (size + SIM_BLOCK_BYTES - 1) / SIM_BLOCK_BYTES * SIM_BLOCK_BYTES;
    if (blocks < node->allocated) {
        disk->used -= node->allocated - blocks;
        node->allocated = blocks;
    }
    return leave(handle->process, &permit, SIM_TRUNCATE, node->kind, "");
}

static int allocate_file(stele_file *file, uint64_t size)
{
    sim_handle *handle = handle_of(file);
    sim_disk *disk = handle->process->disk;
    sim_node *node = disk->nodes[handle->node];
    const sim_permit permit = pass(handle->process, SIM_ALLOCATE, node->kind, "");
    if (permit.error) {
        return permit.error;
    }
    if (size > SIM_FILE_BYTES_MAX) {
        return EFBIG;
    }
    if (!sim_node_charge(disk, node, size)) {
        return ENOSPC;
    }
    if (size > node->live.size) {
        sim_node_add_size(disk, node, size);
    }
    return leave(handle->process, &permit, SIM_ALLOCATE, node->kind, "");
}

/* ---- maps */

static void remember_map(sim_disk *disk, const uint8_t *memory, size_t size, uint32_t node)
{
    sim_grow((void **)&disk->maps, &disk->map_capacity, disk->map_count, sizeof *disk->maps);
    disk->maps[disk->map_count++] = (sim_map){memory, size, node};
    disk->nodes[node]->maps++;
    if (size > disk->nodes[node]->mapped_size) {
        disk->nodes[node]->mapped_size = size;
    }
}

static void forget_map(sim_disk *disk, const void *memory, size_t size)
{
    for (size_t i = 0; i < disk->map_count; i++) {
        const sim_map map = disk->maps[i];
        if (map.memory == memory && map.size == size) {
            disk->maps[i] = disk->maps[--disk->map_count];
            if (--disk->nodes[map.node]->maps == 0) {
                disk->nodes[map.node]->mapped_size = 0;
                sim_node_lift_barrier(disk->nodes[map.node]);
            }
            sim_node_collect(disk);
            return;
        }
    }
    sim_disk_report_misuse(disk, "an unmap of what is not mapped");
}

static int map_file(stele_file *file, size_t size, const uint8_t **ret_memory)
{
    sim_handle *handle = handle_of(file);
    sim_disk *disk = handle->process->disk;
    sim_node *node = disk->nodes[handle->node];
    const sim_permit permit = pass(handle->process, SIM_MAP, node->kind, "");
    if (permit.error) {
        return permit.error;
    }
    if (size == 0) {
        return EINVAL;
    }
    if (size > node->live.size) {
        sim_disk_report_misuse(disk, "a map of %zu bytes of a %s of %llu", size,
                               sim_file_kind_name(node->kind), (unsigned long long)node->live.size);
        return EINVAL;
    }
    remember_map(disk, node->live.bytes, size, handle->node);
    *ret_memory = node->live.bytes;
    return 0;
}

static void unmap_file(const stele_vfs *vfs, const uint8_t *memory, size_t size)
{
    forget_map(process_of(vfs)->disk, memory, size);
}

static int map_shared_file(stele_file *file, size_t size, void **ret_memory)
{
    sim_handle *handle = handle_of(file);
    sim_disk *disk = handle->process->disk;
    sim_node *node = disk->nodes[handle->node];
    const uint8_t *memory;
    if (size > SIM_BLOCK_BYTES) {
        sim_disk_report_misuse(disk, "a shared map of more than a page");
        return ENOTSUP;
    }
    const int error = map_file(file, size, &memory);
    if (error) {
        return error;
    }
    node->shared_size = node->shared_size > size ? node->shared_size : size;
    node->live.dirty_end = node->live.dirty_end > size ? node->live.dirty_end : size;
    *ret_memory = node->live.bytes;
    return 0;
}

static void unmap_shared_file(const stele_vfs *vfs, void *memory, size_t size)
{
    forget_map(process_of(vfs)->disk, memory, size);
}

/* ---- locks */

static bool lock_conflicts(const sim_handle *handle, stele_file_lock kind)
{
    for (const sim_handle *other = handle->process->disk->handles; other; other = other->next) {
        if (other != handle && other->node == handle->node && !other->process->is_dead &&
            (other->lock == STELE_LOCK_EXCLUSIVE ||
             (kind == STELE_LOCK_EXCLUSIVE && other->lock != STELE_LOCK_NONE))) {
            return true;
        }
    }
    return false;
}

static int lock_file(stele_file *file, stele_file_lock kind)
{
    sim_handle *handle = handle_of(file);
    const sim_permit permit =
        pass(handle->process, SIM_LOCK, handle->process->disk->nodes[handle->node]->kind, "");
    if (permit.error) {
        return permit.error;
    }
    if (kind != STELE_LOCK_NONE && lock_conflicts(handle, kind)) {
        return EAGAIN;
    }
    handle->lock = kind;
    return 0;
}

static int is_file_locked(stele_file *file, int *ret_locked)
{
    sim_handle *handle = handle_of(file);
    if (handle->process->is_dead) {
        return EIO;
    }
    *ret_locked = lock_conflicts(handle, STELE_LOCK_SHARED);
    return 0;
}

/* There is one thread, so nobody could wake the caller: the time passes at once. */
static int wait_word(const stele_vfs *vfs, uint32_t *word, uint32_t expected, int64_t timeout)
{
    sim_disk *disk = process_of(vfs)->disk;
    if (*word != expected) {
        return 0;
    }
    if (timeout < 0) {
        sim_disk_report_misuse(disk, "a wait without a deadline in a single thread");
        timeout = 0;
    }
    sim_clock_advance(disk->clock, timeout);
    return ETIMEDOUT;
}

static void wake_word(const stele_vfs *vfs, uint32_t *word)
{
    (void)vfs;
    (void)word;
}

/* ---- folders */

static int make_folder(const stele_vfs *vfs, const char *path)
{
    sim_process *process = process_of(vfs);
    sim_disk *disk = process->disk;
    sim_entry entry = {0};
    const sim_permit permit = pass(process, SIM_MAKE_FOLDER, SIM_FOLDER, path);
    if (permit.error) {
        return permit.error;
    }
    const int error = sim_path_resolve(disk, path, &entry.folder, entry.name);
    if (error) {
        return error;
    }
    if (entry.name[0] == '\0' ||
        sim_names_find(&disk->live, entry.folder, entry.name) != SIZE_MAX) {
        return EEXIST;
    }
    entry.node = sim_node_new(disk, true, SIM_FOLDER);
    sim_disk_add_link(disk, SIM_LINK_CREATE, &entry, NULL);
    return leave(process, &permit, SIM_MAKE_FOLDER, SIM_FOLDER, path);
}

static int find_folder(const sim_disk *disk, const char *path, uint32_t *ret_node)
{
    const int error = sim_path_find(disk, path, ret_node);
    if (error) {
        return error;
    }
    return disk->nodes[*ret_node]->is_folder ? 0 : ENOTDIR;
}

static int sync_folder(const stele_vfs *vfs, const char *path)
{
    sim_process *process = process_of(vfs);
    sim_disk *disk = process->disk;
    const sim_permit permit = pass(process, SIM_SYNC_FOLDER, SIM_FOLDER, path);
    if (permit.error) {
        return permit.error;
    }
    uint32_t folder;
    const int error = find_folder(disk, path, &folder);
    if (error) {
        return error;
    }
    if (sync_lies(process, &permit)) {
        return 0;
    }
    size_t left = 0;
    for (size_t i = 0; i < disk->link_count; i++) {
        const sim_link *link = &disk->links[i];
        if (link->from.folder == folder ||
            (link->kind == SIM_LINK_RENAME && link->to.folder == folder)) {
            sim_names_apply(&disk->durable, link);
        } else {
            disk->links[left++] = *link;
        }
    }
    disk->link_count = left;
    sim_node_collect(disk);
    return leave(process, &permit, SIM_SYNC_FOLDER, SIM_FOLDER, path);
}

static int rename_file(const stele_vfs *vfs, const char *from, const char *to)
{
    sim_process *process = process_of(vfs);
    sim_disk *disk = process->disk;
    const sim_file_kind kind = sim_file_kind_of(to);
    const sim_permit permit = pass(process, SIM_RENAME, kind, to);
    if (permit.error) {
        return permit.error;
    }
    sim_entry source = {0};
    sim_entry target = {0};
    int error = sim_path_resolve(disk, from, &source.folder, source.name);
    error = error ? error : sim_path_resolve(disk, to, &target.folder, target.name);
    if (error) {
        return error;
    }
    const size_t at = sim_names_find(&disk->live, source.folder, source.name);
    if (at == SIZE_MAX) {
        return ENOENT;
    }
    source.node = disk->live.entries[at].node;
    target.node = source.node;
    if (!disk->nodes[source.node]->is_folder) {
        disk->nodes[source.node]->kind = kind;
    }
    sim_disk_add_link(disk, SIM_LINK_RENAME, &source, &target);
    return leave(process, &permit, SIM_RENAME, kind, to);
}

static int remove_file(const stele_vfs *vfs, const char *path)
{
    sim_process *process = process_of(vfs);
    sim_disk *disk = process->disk;
    const sim_file_kind kind = sim_file_kind_of(path);
    const sim_permit permit = pass(process, SIM_REMOVE, kind, path);
    if (permit.error) {
        return permit.error;
    }
    sim_entry entry = {0};
    const int error = sim_path_resolve(disk, path, &entry.folder, entry.name);
    if (error) {
        return error;
    }
    const size_t at = sim_names_find(&disk->live, entry.folder, entry.name);
    if (at == SIZE_MAX) {
        return ENOENT;
    }
    entry.node = disk->live.entries[at].node;
    sim_disk_add_link(disk, SIM_LINK_REMOVE, &entry, NULL);
    return leave(process, &permit, SIM_REMOVE, kind, path);
}

static int list_folder(const stele_vfs *vfs, const char *path,
                       void (*entry)(void *context, const char *name), void *context)
{
    sim_process *process = process_of(vfs);
    sim_disk *disk = process->disk;
    const sim_permit permit = pass(process, SIM_LIST, SIM_FOLDER, path);
    if (permit.error) {
        return permit.error;
    }
    uint32_t folder;
    const int error = find_folder(disk, path, &folder);
    if (error) {
        return error;
    }
    for (size_t i = 0; i < disk->live.count; i++) {
        if (disk->live.entries[i].folder == folder) {
            char name[SIM_NAME_SIZE_MAX];
            memcpy(name, disk->live.entries[i].name, sizeof name);
            entry(context, name);
        }
    }
    return 0;
}

static int check_folder(const stele_vfs *vfs, const char *path)
{
    const sim_process *process = process_of(vfs);
    uint32_t folder;
    return process->is_dead ? EIO : find_folder(process->disk, path, &folder);
}

/* ---- control */

void sim_process_init(sim_disk *disk, unsigned number)
{
    sim_process *process = &disk->processes[number];
    *process = (sim_process){.disk = disk, .number = number};
    process->vfs = (stele_vfs){.context = process,
                               .open = open_file,
                               .close = close_file,
                               .read = read_file,
                               .write = write_file,
                               .sync = sync_file,
                               .size = size_of_file,
                               .truncate = truncate_file,
                               .allocate = allocate_file,
                               .disk_usage = disk_usage_of_file,
                               .map = map_file,
                               .unmap = unmap_file,
                               .map_shared = map_shared_file,
                               .unmap_shared = unmap_shared_file,
                               .lock = lock_file,
                               .is_locked = is_file_locked,
                               .wait = wait_word,
                               .wake = wake_word,
                               .make_folder = make_folder,
                               .sync_folder = sync_folder,
                               .rename = rename_file,
                               .remove = remove_file,
                               .list = list_folder,
                               .check_folder = check_folder};
}

const stele_vfs *sim_disk_vfs(sim_disk *disk, unsigned process)
{
    STELE_ASSERT(process < SIM_PROCESSES);
    return &disk->processes[process].vfs;
}

void sim_disk_set_lying(sim_disk *disk, uint32_t chance)
{
    disk->lie_chance = chance;
}

void sim_disk_set_capacity(sim_disk *disk, uint64_t bytes)
{
    disk->capacity = bytes;
}

uint64_t sim_disk_used(const sim_disk *disk)
{
    return disk->used;
}

sim_fault *sim_disk_add_fault(sim_disk *disk, const sim_fault *fault)
{
    STELE_ASSERT(disk->fault_count < SIM_FAULTS_MAX);
    STELE_ASSERT(fault->nth > 0 || fault->chance > 0);
    sim_fault *added = &disk->faults[disk->fault_count++];
    *added = *fault;
    added->matched = 0;
    added->fired = 0;
    return added;
}

void sim_disk_clear_faults(sim_disk *disk)
{
    disk->fault_count = 0;
}

uint64_t sim_disk_faults_fired(const sim_disk *disk)
{
    uint64_t fired = 0;
    for (size_t i = 0; i < disk->fault_count; i++) {
        fired += disk->faults[i].fired;
    }
    return fired;
}

bool sim_disk_has_lost(const sim_disk *disk)
{
    for (size_t i = 0; i < disk->fault_count; i++) {
        if (disk->faults[i].effect == SIM_LOSE && disk->faults[i].fired > 0) {
            return true;
        }
    }
    return false;
}

void sim_disk_set_crash_hook(sim_disk *disk, void (*hook)(void *context), void *context)
{
    disk->crash_hook = hook;
    disk->crash_hook_context = context;
}

void sim_disk_set_places(sim_disk *disk,
                         int (*place)(void *context, sim_call call, sim_file_kind kind,
                                      const char *path),
                         void *context)
{
    disk->place = place;
    disk->place_context = context;
}

uint64_t sim_disk_changes(const sim_disk *disk)
{
    return disk->changes;
}

uint64_t sim_disk_calls(const sim_disk *disk, sim_call call)
{
    return disk->calls[call];
}

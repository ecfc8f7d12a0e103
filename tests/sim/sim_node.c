/* SPDX-License-Identifier: Apache-2.0 */
/* Images, nodes and names of the simulated disk. See sim_disk.h. */
#include "sim/sim_node.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>

/* A larger dirty part is given back to the system instead of being overwritten with zeros. */
#define ZERO_BY_HAND_MAX ((uint64_t)1 << 20)

void *sim_allocate(size_t size)
{
    void *memory = stele__allocate(stele_alloc_default(), size);
    STELE_ASSERT(memory != NULL);
    return memory;
}

void sim_release(void *memory, size_t size)
{
    stele__release(stele_alloc_default(), memory, size);
}

void sim_grow(void **array, size_t *capacity, size_t count, size_t item_size)
{
    const bool has_room =
        stele__reserve(stele_alloc_default(), array, capacity, count + 1, item_size);
    STELE_ASSERT(has_room);
}

static void image_init(sim_image *image)
{
    void *memory = mmap(NULL, SIM_FILE_BYTES_MAX, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    STELE_ASSERT(memory != MAP_FAILED);
    image->bytes = memory;
}

static void image_clear_from(sim_image *image, uint64_t from)
{
    if (from >= image->dirty_end) {
        return;
    }
    if (image->dirty_end - from > ZERO_BY_HAND_MAX) {
        const uint64_t page = (from + SIM_BLOCK_BYTES - 1) / SIM_BLOCK_BYTES * SIM_BLOCK_BYTES;
        memset(image->bytes + from, 0, page - from);
        const int failed = madvise(image->bytes + page, image->dirty_end - page, MADV_DONTNEED);
        STELE_ASSERT(failed == 0);
    } else {
        memset(image->bytes + from, 0, image->dirty_end - from);
    }
    image->dirty_end = from;
}

void sim_image_write(sim_image *image, uint64_t offset, const void *bytes, uint64_t size)
{
    STELE_ASSERT(offset + size <= SIM_FILE_BYTES_MAX);
    if (size > 0) {
        memcpy(image->bytes + offset, bytes, size);
    }
    if (offset + size > image->dirty_end) {
        image->dirty_end = offset + size;
    }
    if (offset + size > image->size) {
        image->size = offset + size;
    }
}

void sim_image_set_size(sim_image *image, uint64_t size)
{
    STELE_ASSERT(size <= SIM_FILE_BYTES_MAX);
    image_clear_from(image, size);
    image->size = size;
}

void sim_image_copy(sim_image *to, const sim_image *from)
{
    image_clear_from(to, from->dirty_end);
    if (from->dirty_end > 0) {
        memcpy(to->bytes, from->bytes, from->dirty_end);
    }
    to->dirty_end = from->dirty_end;
    to->size = from->size;
}

/* ---- nodes */

static sim_node *node_make(void)
{
    sim_node *node = sim_allocate(sizeof *node);
    memset(node, 0, sizeof *node);
    image_init(&node->live);
    image_init(&node->durable);
    image_init(&node->settled);
    node->change_bytes.alloc = stele_alloc_default();
    return node;
}

uint32_t sim_node_new(sim_disk *disk, bool is_folder, sim_file_kind kind)
{
    size_t n = 0;
    while (n < disk->node_count && disk->nodes[n]->is_used) {
        n++;
    }
    if (n == disk->node_count) {
        sim_grow((void **)&disk->nodes, &disk->node_capacity, disk->node_count,
                 sizeof *disk->nodes);
        disk->nodes[disk->node_count++] = node_make();
    }
    sim_node *node = disk->nodes[n];
    node->is_used = true;
    node->is_folder = is_folder;
    node->kind = kind;
    return (uint32_t)n;
}

void sim_node_forget_changes(sim_node *node)
{
    node->change_count = 0;
    node->change_bytes.size = 0;
}

void sim_node_raise_barrier(sim_node *node)
{
    const uint64_t begin =
        (node->live.size + SIM_BLOCK_BYTES - 1) / SIM_BLOCK_BYTES * SIM_BLOCK_BYTES;
    const uint64_t end =
        (node->mapped_size + SIM_BLOCK_BYTES - 1) / SIM_BLOCK_BYTES * SIM_BLOCK_BYTES;
    sim_node_lift_barrier(node);
    if (begin < end) {
        const int failed = mprotect(node->live.bytes + begin, end - begin, PROT_NONE);
        STELE_ASSERT(failed == 0);
        node->barrier = begin;
        node->barrier_end = end;
    }
}

void sim_node_lift_barrier(sim_node *node)
{
    if (node->barrier_end > 0) {
        const int failed = mprotect(node->live.bytes + node->barrier,
                                    node->barrier_end - node->barrier, PROT_READ | PROT_WRITE);
        STELE_ASSERT(failed == 0);
        node->barrier = 0;
        node->barrier_end = 0;
    }
}

static void node_free(sim_disk *disk, sim_node *node)
{
    sim_node_lift_barrier(node);
    sim_image_set_size(&node->live, 0);
    sim_image_set_size(&node->durable, 0);
    sim_image_set_size(&node->settled, 0);
    sim_node_forget_changes(node);
    disk->used -= node->allocated;
    node->allocated = 0;
    node->shared_size = 0;
    node->mapped_size = 0;
    node->is_used = false;
}

static bool names_refer(const sim_names *names, uint32_t node)
{
    for (size_t i = 0; i < names->count; i++) {
        if (names->entries[i].node == node) {
            return true;
        }
    }
    return false;
}

static bool links_refer(const sim_disk *disk, uint32_t node)
{
    for (size_t i = 0; i < disk->link_count; i++) {
        if (disk->links[i].from.node == node) {
            return true;
        }
    }
    return false;
}

void sim_node_collect(sim_disk *disk)
{
    for (uint32_t n = 1; n < disk->node_count; n++) {
        sim_node *node = disk->nodes[n];
        if (node->is_used && node->handles == 0 && node->maps == 0 &&
            !names_refer(&disk->live, n) && !names_refer(&disk->durable, n) &&
            !links_refer(disk, n)) {
            node_free(disk, node);
        }
    }
}

static sim_change *node_add_change(sim_disk *disk, sim_node *node)
{
    sim_grow((void **)&node->changes, &node->change_capacity, node->change_count,
             sizeof *node->changes);
    sim_change *change = &node->changes[node->change_count++];
    memset(change, 0, sizeof *change);
    change->ticket = ++disk->ticket;
    return change;
}

void sim_node_add_write(sim_disk *disk, sim_node *node, uint64_t offset, const void *bytes,
                        uint64_t size)
{
    const size_t at = node->change_bytes.size;
    const bool has_room = stele__buffer_append(&node->change_bytes, bytes, size);
    STELE_ASSERT(has_room);
    sim_change *change = node_add_change(disk, node);
    sim_node_lift_barrier(node);
    change->kind = SIM_CHANGE_WRITE;
    change->offset = offset;
    change->size = size;
    change->bytes_at = at;
    sim_image_write(&node->live, offset, bytes, size);
    change->size_after = node->live.size;
}

void sim_node_add_size(sim_disk *disk, sim_node *node, uint64_t size)
{
    sim_change *change = node_add_change(disk, node);
    sim_node_lift_barrier(node);
    change->kind = SIM_CHANGE_SIZE;
    change->size_after = size;
    sim_image_set_size(&node->live, size);
}

void sim_node_mark_settled(sim_node *node)
{
    for (size_t i = 0; i < node->change_count; i++) {
        const sim_change *change = &node->changes[i];
        const uint64_t first = change->offset / SIM_SECTOR_BYTES;
        const uint64_t end =
            (change->offset + change->size + SIM_SECTOR_BYTES - 1) / SIM_SECTOR_BYTES;
        if (change->kind == SIM_CHANGE_WRITE) {
            memset(node->settled.bytes + first, 1, end - first);
            node->settled.dirty_end = node->settled.dirty_end > end ? node->settled.dirty_end : end;
        }
    }
}

void sim_node_settle(sim_node *node)
{
    for (size_t i = 0; i < node->change_count; i++) {
        const sim_change *change = &node->changes[i];
        if (change->kind == SIM_CHANGE_SIZE) {
            sim_image_set_size(&node->durable, change->size_after);
        } else {
            sim_image_write(&node->durable, change->offset,
                            node->change_bytes.data + change->bytes_at, change->size);
        }
    }
    sim_node_mark_settled(node);
    sim_node_forget_changes(node);
}

bool sim_node_charge(sim_disk *disk, sim_node *node, uint64_t end)
{
    const uint64_t wanted = (end + SIM_BLOCK_BYTES - 1) / SIM_BLOCK_BYTES * SIM_BLOCK_BYTES;
    if (wanted <= node->allocated) {
        return true;
    }
    const uint64_t more = wanted - node->allocated;
    if (disk->capacity > 0 && disk->used + more > disk->capacity) {
        return false;
    }
    disk->used += more;
    node->allocated = wanted;
    return true;
}

/* ---- names */

size_t sim_names_find(const sim_names *names, uint32_t folder, const char *name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (names->entries[i].folder == folder && strcmp(names->entries[i].name, name) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

void sim_names_put(sim_names *names, const sim_entry *entry)
{
    const size_t at = sim_names_find(names, entry->folder, entry->name);
    if (at != SIZE_MAX) {
        names->entries[at] = *entry;
        return;
    }
    sim_grow((void **)&names->entries, &names->capacity, names->count, sizeof *names->entries);
    names->entries[names->count++] = *entry;
}

void sim_names_drop(sim_names *names, uint32_t folder, const char *name)
{
    const size_t at = sim_names_find(names, folder, name);
    if (at != SIZE_MAX) {
        names->entries[at] = names->entries[--names->count];
    }
}

void sim_names_apply(sim_names *names, const sim_link *link)
{
    switch (link->kind) {
    case SIM_LINK_CREATE:
        sim_names_put(names, &link->from);
        break;
    case SIM_LINK_REMOVE:
        sim_names_drop(names, link->from.folder, link->from.name);
        break;
    case SIM_LINK_RENAME:
        sim_names_drop(names, link->from.folder, link->from.name);
        sim_names_put(names, &link->to);
        break;
    }
}

void sim_names_copy(sim_names *to, const sim_names *from)
{
    to->count = 0;
    for (size_t i = 0; i < from->count; i++) {
        sim_grow((void **)&to->entries, &to->capacity, to->count, sizeof *to->entries);
        to->entries[to->count++] = from->entries[i];
    }
}

void sim_disk_add_link(sim_disk *disk, sim_link_kind kind, const sim_entry *from,
                       const sim_entry *to)
{
    sim_grow((void **)&disk->links, &disk->link_capacity, disk->link_count, sizeof *disk->links);
    sim_link *link = &disk->links[disk->link_count++];
    memset(link, 0, sizeof *link);
    link->kind = kind;
    link->ticket = ++disk->ticket;
    link->from = *from;
    if (to) {
        link->to = *to;
    }
    sim_names_apply(&disk->live, link);
}

int sim_path_resolve(const sim_disk *disk, const char *path, uint32_t *ret_folder,
                     char ret_name[SIM_NAME_SIZE_MAX])
{
    uint32_t folder = 0;
    ret_name[0] = '\0';
    for (const char *at = path; *at != '\0';) {
        const size_t size = strcspn(at, "/");
        if (size >= SIM_NAME_SIZE_MAX) {
            return ENAMETOOLONG;
        }
        if (size > 0 && !(size == 1 && at[0] == '.')) {
            if (ret_name[0] != '\0') {
                const size_t found = sim_names_find(&disk->live, folder, ret_name);
                if (found == SIZE_MAX) {
                    return ENOENT;
                }
                folder = disk->live.entries[found].node;
                if (!disk->nodes[folder]->is_folder) {
                    return ENOTDIR;
                }
            }
            memcpy(ret_name, at, size);
            ret_name[size] = '\0';
        }
        at += size;
        at += *at == '/';
    }
    *ret_folder = folder;
    return 0;
}

int sim_path_find(const sim_disk *disk, const char *path, uint32_t *ret_node)
{
    char name[SIM_NAME_SIZE_MAX];
    uint32_t folder;
    const int error = sim_path_resolve(disk, path, &folder, name);
    if (error) {
        return error;
    }
    if (name[0] == '\0') {
        *ret_node = folder;
        return 0;
    }
    const size_t at = sim_names_find(&disk->live, folder, name);
    if (at == SIZE_MAX) {
        return ENOENT;
    }
    *ret_node = disk->live.entries[at].node;
    return 0;
}

/* ---- disk */

sim_disk *sim_disk_new(sim_clock *clock)
{
    sim_disk *disk = sim_allocate(sizeof *disk);
    memset(disk, 0, sizeof *disk);
    disk->clock = clock;
    sim_disk_reset(disk, 0);
    return disk;
}

static void image_done(sim_image *image)
{
    const int failed = munmap(image->bytes, SIM_FILE_BYTES_MAX);
    STELE_ASSERT(failed == 0);
}

void sim_disk_free(sim_disk *disk)
{
    if (!disk) {
        return;
    }
    for (size_t i = 0; i < disk->node_count; i++) {
        sim_node *node = disk->nodes[i];
        image_done(&node->live);
        image_done(&node->durable);
        image_done(&node->settled);
        sim_release(node->changes, node->change_capacity * sizeof *node->changes);
        stele__buffer_done(&node->change_bytes);
        sim_release(node, sizeof *node);
    }
    sim_release(disk->nodes, disk->node_capacity * sizeof *disk->nodes);
    sim_release(disk->live.entries, disk->live.capacity * sizeof *disk->live.entries);
    sim_release(disk->durable.entries, disk->durable.capacity * sizeof *disk->durable.entries);
    sim_release(disk->links, disk->link_capacity * sizeof *disk->links);
    sim_release(disk->maps, disk->map_capacity * sizeof *disk->maps);
    sim_release(disk, sizeof *disk);
}

void sim_disk_reset(sim_disk *disk, uint64_t seed)
{
    STELE_ASSERT(sim_disk_open_things(disk) == 0);
    for (size_t i = 0; i < disk->node_count; i++) {
        if (disk->nodes[i]->is_used) {
            node_free(disk, disk->nodes[i]);
        }
    }
    disk->live.count = 0;
    disk->durable.count = 0;
    disk->link_count = 0;
    disk->ticket = 0;
    disk->capacity = 0;
    disk->lie_chance = 0;
    STELE_ASSERT(disk->used == 0);
    sim_disk_clear_faults(disk);
    memset(&disk->plan, 0, sizeof disk->plan);
    memset(&disk->crash, 0, sizeof disk->crash);
    disk->crash_hook = NULL;
    disk->place = NULL;
    disk->changes = 0;
    memset(disk->calls, 0, sizeof disk->calls);
    disk->misuse[0] = '\0';
    sim_choice_random(&disk->choice, sim_mix(seed, 0xd15c));
    const uint32_t root = sim_node_new(disk, true, SIM_FOLDER);
    STELE_ASSERT(root == 0);
    for (unsigned i = 0; i < SIM_PROCESSES; i++) {
        sim_process_init(disk, i);
    }
}

static void node_copy(sim_disk *disk, sim_node *to, const sim_node *from)
{
    sim_image_copy(&to->live, &from->live);
    sim_image_copy(&to->durable, &from->durable);
    sim_image_copy(&to->settled, &from->settled);
    for (size_t i = 0; i < from->change_count; i++) {
        sim_grow((void **)&to->changes, &to->change_capacity, to->change_count,
                 sizeof *to->changes);
        to->changes[to->change_count++] = from->changes[i];
    }
    const bool has_room =
        stele__buffer_append(&to->change_bytes, from->change_bytes.data, from->change_bytes.size);
    STELE_ASSERT(has_room);
    to->allocated = from->allocated;
    to->shared_size = from->shared_size;
    disk->used += to->allocated;
}

void sim_disk_copy(sim_disk *to, const sim_disk *from)
{
    STELE_ASSERT(sim_disk_open_things(from) == 0);
    sim_disk_reset(to, 0);
    for (size_t i = 1; i < from->node_count; i++) {
        const sim_node *node = from->nodes[i];
        const uint32_t n = sim_node_new(to, node->is_folder, node->kind);
        STELE_ASSERT(n == i);
        node_copy(to, to->nodes[n], node);
    }
    for (size_t i = 1; i < from->node_count; i++) {
        to->nodes[i]->is_used = from->nodes[i]->is_used;
    }
    sim_names_copy(&to->live, &from->live);
    sim_names_copy(&to->durable, &from->durable);
    for (size_t i = 0; i < from->link_count; i++) {
        sim_grow((void **)&to->links, &to->link_capacity, to->link_count, sizeof *to->links);
        to->links[to->link_count++] = from->links[i];
    }
    to->ticket = from->ticket;
    to->capacity = from->capacity;
}

uint64_t sim_disk_pending(const sim_disk *disk)
{
    uint64_t pending = disk->link_count;
    for (size_t i = 0; i < disk->node_count; i++) {
        pending += disk->nodes[i]->is_used ? disk->nodes[i]->change_count : 0;
    }
    return pending;
}

size_t sim_disk_open_things(const sim_disk *disk)
{
    size_t count = disk->map_count;
    for (const sim_handle *handle = disk->handles; handle; handle = handle->next) {
        count++;
    }
    return count;
}

const char *sim_disk_misuse(const sim_disk *disk)
{
    return disk->misuse[0] ? disk->misuse : NULL;
}

void sim_disk_report_misuse(sim_disk *disk, const char *format, ...)
{
    if (disk->misuse[0]) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(disk->misuse, sizeof disk->misuse, format, arguments);
    va_end(arguments);
}

/* Writes the path of an entry; false if it does not fit or does not reach the root. */
static bool path_print(const sim_disk *disk, const sim_entry *entry, char *ret_path, size_t size)
{
    const sim_entry *chain[8];
    size_t depth = 0;
    while (depth < 8) {
        chain[depth++] = entry;
        if (entry->folder == 0) {
            break;
        }
        const sim_entry *above = NULL;
        for (size_t i = 0; i < disk->live.count && !above; i++) {
            above = disk->live.entries[i].node == entry->folder ? &disk->live.entries[i] : NULL;
        }
        if (!above) {
            return false;
        }
        entry = above;
    }
    size_t used = 0;
    while (depth > 0) {
        const int more = snprintf(ret_path + used, size - used, "/%s", chain[--depth]->name);
        if (more < 0 || (size_t)more >= size - used) {
            return false;
        }
        used += (size_t)more;
    }
    return true;
}

bool sim_disk_file(const sim_disk *disk, size_t n, char ret_path[160], uint64_t *ret_size)
{
    for (size_t i = 0; i < disk->live.count; i++) {
        const sim_node *node = disk->nodes[disk->live.entries[i].node];
        if (!node->is_folder && n-- == 0) {
            *ret_size = node->live.size;
            return path_print(disk, &disk->live.entries[i], ret_path, 160);
        }
    }
    return false;
}

static sim_node *node_at(const sim_disk *disk, const char *path)
{
    uint32_t n;
    const int error = sim_path_find(disk, path, &n);
    STELE_ASSERT(error == 0 && !disk->nodes[n]->is_folder);
    return disk->nodes[n];
}

static void image_zero(sim_image *image, uint64_t offset, uint64_t size)
{
    if (offset < image->size) {
        size = image->size - offset < size ? image->size - offset : size;
        memset(image->bytes + offset, 0, size);
    }
}

void sim_disk_rot(sim_disk *disk, const char *path, uint64_t offset, uint8_t flip)
{
    sim_node *node = node_at(disk, path);
    STELE_ASSERT(offset < node->live.size);
    const uint8_t live = node->live.bytes[offset] ^ flip;
    sim_image_write(&node->live, offset, &live, 1);
    if (offset < node->durable.size) {
        const uint8_t durable = node->durable.bytes[offset] ^ flip;
        sim_image_write(&node->durable, offset, &durable, 1);
    }
}

void sim_disk_zero(sim_disk *disk, const char *path, uint64_t offset, uint64_t size)
{
    sim_node *node = node_at(disk, path);
    image_zero(&node->live, offset, size);
    image_zero(&node->durable, offset, size);
}

void sim_disk_cut(sim_disk *disk, const char *path, uint64_t size)
{
    sim_node *node = node_at(disk, path);
    STELE_ASSERT(size <= node->live.size);
    sim_image_set_size(&node->live, size);
    sim_image_set_size(&node->durable, size);
    sim_node_forget_changes(node);
}

void sim_disk_lose(sim_disk *disk, const char *path)
{
    char name[SIM_NAME_SIZE_MAX];
    uint32_t folder;
    const int error = sim_path_resolve(disk, path, &folder, name);
    STELE_ASSERT(error == 0 && disk->link_count == 0);
    sim_names_drop(&disk->live, folder, name);
    sim_names_drop(&disk->durable, folder, name);
    sim_node_collect(disk);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of the simulated disk, shared by its three files: sim_node.c (images, nodes and
 * names), sim_crash.c (what a crash leaves) and sim_vfs.c (the calls). Nobody else includes this.
 */
#ifndef STELE_TESTS_SIM_NODE_H
#define STELE_TESTS_SIM_NODE_H

#include "sim/sim_disk.h"

/* Bytes in reserved address space. Everything at or behind dirty_end is zero. */
typedef struct sim_image {
    uint8_t *bytes;
    uint64_t size;
    uint64_t dirty_end;
} sim_image;

typedef enum sim_change_kind { SIM_CHANGE_WRITE, SIM_CHANGE_SIZE } sim_change_kind;

/* One pending change of a file. The bytes of a write stand in the node's pending_bytes. */
typedef struct sim_change {
    sim_change_kind kind;
    uint64_t ticket; /* order over the whole disk */
    uint64_t offset;
    uint64_t size;
    size_t bytes_at;
    uint64_t size_after; /* of the file */
} sim_change;

typedef struct sim_node {
    bool is_used;
    bool is_folder;
    sim_file_kind kind;
    sim_image live;
    sim_image durable;
    sim_image settled; /* a byte for each sector: not 0 once it has held synced bytes */
    sim_change *changes;
    size_t change_count;
    size_t change_capacity;
    stele__buffer change_bytes;
    uint64_t allocated;   /* bytes of disk */
    uint64_t shared_size; /* of the largest map_shared(); 0: none */
    uint64_t mapped_size; /* of the largest map that is in use */
    uint64_t barrier;     /* who touches a map between these dies, as by SIGBUS */
    uint64_t barrier_end; /* 0: there is none */
    size_t maps;
    size_t handles;
} sim_node;

/* A name in a folder. Node 0 is the root. */
typedef struct sim_entry {
    uint32_t folder;
    uint32_t node;
    char name[SIM_NAME_SIZE_MAX];
} sim_entry;

typedef struct sim_names {
    sim_entry *entries;
    size_t count;
    size_t capacity;
} sim_names;

typedef enum sim_link_kind { SIM_LINK_CREATE, SIM_LINK_RENAME, SIM_LINK_REMOVE } sim_link_kind;

/* A pending change of names. `to` is meaningful for renames. */
typedef struct sim_link {
    sim_link_kind kind;
    uint64_t ticket;
    sim_entry from;
    sim_entry to;
} sim_link;

typedef struct sim_process {
    stele_vfs vfs;
    sim_disk *disk;
    unsigned number;
    bool is_dead;
} sim_process;

typedef struct sim_handle {
    stele_file file; /* first: what the engine holds */
    sim_process *process;
    uint32_t node;
    stele_file_lock lock;
    bool may_write;
    struct sim_handle *next;
} sim_handle;

/* A map that somebody holds. */
typedef struct sim_map {
    const uint8_t *memory;
    size_t size;
    uint32_t node;
} sim_map;

struct sim_disk {
    sim_clock *clock;
    sim_node **nodes;
    size_t node_count;
    size_t node_capacity;
    sim_names live;
    sim_names durable;
    sim_link *links;
    size_t link_count;
    size_t link_capacity;
    sim_handle *handles;
    sim_map *maps;
    size_t map_count;
    size_t map_capacity;
    sim_process processes[SIM_PROCESSES];
    sim_choice choice; /* for what faults and crashed calls do */
    uint64_t ticket;
    uint64_t capacity;
    uint64_t used;
    uint32_t lie_chance;
    sim_fault faults[SIM_FAULTS_MAX];
    size_t fault_count;
    sim_crash_plan plan;
    sim_crash crash;
    void (*crash_hook)(void *context);
    void *crash_hook_context;
    int (*place)(void *context, sim_call call, sim_file_kind kind, const char *path);
    void *place_context;
    uint64_t changes;
    uint64_t calls[SIM_CALL_COUNT];
    char misuse[200];
};

/* ---- memory and images */

/* Memory of the simulator: never NULL. */
void *sim_allocate(size_t size);
void sim_release(void *memory, size_t size);
/* Room for one more item. */
void sim_grow(void **array, size_t *capacity, size_t count, size_t item_size);

void sim_image_write(sim_image *image, uint64_t offset, const void *bytes, uint64_t size);
void sim_image_set_size(sim_image *image, uint64_t size);
void sim_image_copy(sim_image *to, const sim_image *from);

/* ---- nodes */

uint32_t sim_node_new(sim_disk *disk, bool is_folder, sim_file_kind kind);
/* Frees nodes that no name, no pending change, no handle and no map refers to. */
void sim_node_collect(sim_disk *disk);
/* Carries out what is pending in one file. */
void sim_node_settle(sim_node *node);
void sim_node_forget_changes(sim_node *node);
/* Notes that the sectors of all pending writes hold bytes that the disk will not spoil by itself
 * (D2). */
void sim_node_mark_settled(sim_node *node);
void sim_node_add_write(sim_disk *disk, sim_node *node, uint64_t offset, const void *bytes,
                        uint64_t size);
void sim_node_add_size(sim_disk *disk, sim_node *node, uint64_t size);
/* A file was cut under a map: pages behind its end are gone for whoever has it mapped. */
void sim_node_raise_barrier(sim_node *node);
void sim_node_lift_barrier(sim_node *node);
/* Charges the disk so that [0, end) is allocated: false when there is no space. */
bool sim_node_charge(sim_disk *disk, sim_node *node, uint64_t end);

/* ---- names */

/* Index of the entry, or SIZE_MAX. */
size_t sim_names_find(const sim_names *names, uint32_t folder, const char *name);
void sim_names_put(sim_names *names, const sim_entry *entry);
void sim_names_drop(sim_names *names, uint32_t folder, const char *name);
/* Carries out one change of names. */
void sim_names_apply(sim_names *names, const sim_link *link);
void sim_names_copy(sim_names *to, const sim_names *from);
void sim_disk_add_link(sim_disk *disk, sim_link_kind kind, const sim_entry *from,
                       const sim_entry *to);

/* Splits a path into the folder's node and the last name. ENOENT, ENOTDIR, ENAMETOOLONG; 0 with an
 * empty name for the root. */
int sim_path_resolve(const sim_disk *disk, const char *path, uint32_t *ret_folder,
                     char ret_name[SIM_NAME_SIZE_MAX]);
/* The node that a path names. */
int sim_path_find(const sim_disk *disk, const char *path, uint32_t *ret_node);

void sim_disk_report_misuse(sim_disk *disk, const char *format, ...) STELE_PRINTF(2, 3);
/* Ends the life of process 0, or of all. */
void sim_disk_kill(sim_disk *disk, sim_crash_kind kind);
void sim_process_init(sim_disk *disk, unsigned number);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A simulated disk with an operating system in front of it: the stele_vfs of the simulator.
 *
 * ## What it is made of
 *
 * A *node* is a file or a folder. A file has two images: `live`, what every process sees (the page
 * cache), and `durable`, what would be there after the power failed now; and between them the
 * ordered list of its *pending* changes: writes, and changes of size. sync() carries out all
 * pending changes of one file on its durable image. Names are a table of their own, live and
 * durable, with pending creations, renames and removals between them that sync_folder() of the
 * folder carries out. Syncing a file makes neither its name durable nor anything of another file.
 *
 * ## A crash
 *
 * - *Process crash*: everything that a call had handed over stays, in the page cache: pending
 * changes stay pending and may still be lost when the machine fails later. The call in which it
 * happened did nothing, or all it had to do, or (a write) a part that ends at any byte. Handles,
 * maps and locks of that process vanish. Other processes live on.
 * - *Machine crash*: every file goes back to its durable image, plus what the disk happened to have
 * written: D1 A sector (512 bytes, aligned) of a file is as it was after some prefix of the pending
 * writes that touched it. Which prefix is independent from sector to sector: writes are torn at
 * sectors and reach the disk in any order. D2 Power-safe overwrite: a sector that has held synced
 * bytes is old or new. A sector of a pending write that never held synced bytes may also hold
 * garbage: random bytes, ones, or a copy of some other sector of the file. D3 The size of a file is
 * that after some prefix of its pending changes of size, independent of the bytes: a file may be
 *      long enough but filled with zeros or garbage, or its bytes be written and cut off. Bytes
 * never written read as zero. D4 Names: each pending creation, rename and removal happened or did
 * not. A rename is atomic. Operations that touch the same name or the same node keep their order;
 * others do not, even in one folder (a file system without a journal), or they all keep it (one
 * with a journal): drawn for each crash. D5 A file without a durable name is gone, whatever was
 * synced in it. D6 A page mapped with map_shared() is old or new sector by sector; nothing ever
 * makes it durable but luck. How cruel D1 to D4 are is drawn for each crash: everything kept,
 * everything dropped, everything up to a moment and one write torn, each write by itself, each
 * sector by itself. After a crash every call of the crashed process answers EIO until
 * sim_disk_power_on().
 *
 * ## Faults, and what a store owes its user under each
 *
 * | fault                              | segment            | index            | manifest         |
 * |------------------------------------|--------------------|------------------|------------------|
 * | crash of process or machine        | survive            | survive          | survive          |
 * | EIO, EMFILE of open, map, list     | survive            | survive          | survive          |
 * | EIO of read                        | survive (status)   | survive (status) | survive (status) |
 * | EIO of write, truncate, allocate   | survive (poisoned) | survive          | survive (status) |
 * | EIO of sync, pages kept or lost    | survive (poisoned) | survive          | survive (status) |
 * | disk full                          | survive (no space) | survive          | survive          |
 * | slow call                          | survive            | survive          | survive          |
 * | short read (file cut by somebody)  | detect             | detect, heal     | detect           |
 * | flipped bits, misdirected write    | detect             | detect, heal     | detect, or heal  |
 * | sync that lies                     | intact prefix      | intact prefix    | detect           |
 * | garbage in synced sectors          | out of scope       | out of scope     | out of scope     |
 *
 * The lock file and the shared page hold nothing that matters: every fault of them is survived.
 *
 * *Survive*: every append acknowledged at its durability is there afterwards, nothing else, and the
 * store opens. *Detect*: the call that meets it, or verify(), says STELE_CORRUPT (or STELE_IO);
 * never a wrong answer. *Heal*: rebuilt from the log with equal answers.
 *
 * ## Use
 *
 * One disk, one clock, any number of *processes*, each with a stele_vfs of its own. Process 0 is
 * the one that is tormented; the others observe: their calls are not counted, a planned crash never
 * strikes in them, and they fail only by faults that name their process.
 * Single-threaded. Memory of the simulator itself never fails: it stops the program.
 */
#ifndef STELE_TESTS_SIM_DISK_H
#define STELE_TESTS_SIM_DISK_H

#include "sim/sim_choice.h"
#include "sim/sim_clock.h"
#include <stele/sys/vfs.h>

#include <stdbool.h>

#define SIM_SECTOR_BYTES 512u
#define SIM_BLOCK_BYTES 4096u
/* Address space reserved for one image of one file; it costs nothing until it is used. */
#define SIM_FILE_BYTES_MAX ((uint64_t)64 << 20)
#define SIM_NAME_SIZE_MAX 80
#define SIM_PROCESSES 3
#define SIM_FAULTS_MAX 8

/* What can be asked of a disk. */
typedef enum sim_call {
    SIM_OPEN = 0,
    SIM_READ,
    SIM_MAP,
    SIM_LIST,
    SIM_LOCK,
    SIM_CREATE, /* from here on: what changes the disk, and can be crashed in */
    SIM_WRITE,
    SIM_SYNC,
    SIM_TRUNCATE,
    SIM_ALLOCATE,
    SIM_RENAME,
    SIM_REMOVE,
    SIM_MAKE_FOLDER,
    SIM_SYNC_FOLDER,
    SIM_CALL_COUNT
} sim_call;

#define SIM_CALLS_ALL ((1u << SIM_CALL_COUNT) - 1)
#define SIM_CALLS_CHANGING (SIM_CALLS_ALL & ~((1u << SIM_CREATE) - 1))

const char *sim_call_name(sim_call call);

/* What a file is for, told from its name. */
typedef enum sim_file_kind {
    SIM_OTHER = 0,
    SIM_SEGMENT,
    SIM_INDEX,
    SIM_PACKED,
    SIM_MANIFEST,
    SIM_LOCK_FILE,
    SIM_PAGE,
    SIM_FOLDER,
    SIM_FILE_KIND_COUNT
} sim_file_kind;

const char *sim_file_kind_name(sim_file_kind kind);
sim_file_kind sim_file_kind_of(const char *path);

typedef enum sim_crash_kind { SIM_PROCESS_CRASH = 0, SIM_MACHINE_CRASH = 1 } sim_crash_kind;

/* What goes wrong when a fault fires. */
typedef enum sim_fault_effect {
    SIM_FAIL = 0, /* answers `error`; a write has written a part */
    SIM_SHORT,    /* a read returns fewer bytes than there are, and says so */
    SIM_LOSE, /* a sync answers `error`, and what was pending will never be written; it may still be
                 seen */
    SIM_LIE,  /* a sync answers 0 and does nothing */
    SIM_SLOW, /* the call works, 50 ms later */
    SIM_MISDIRECT /* a write goes to another sector of the file, and answers 0 */
} sim_fault_effect;

typedef struct sim_fault {
    unsigned process;   /* whose calls: 0 is the one that is crashed */
    unsigned calls;     /* bits 1u << sim_call */
    unsigned kinds;     /* bits 1u << sim_file_kind; 0: all */
    uint64_t nth;       /* fires at the n-th call that matches, from 1; 0: by chance */
    uint32_t chance;    /* one in so many */
    bool is_persistent; /* once it has fired it fires always */
    int error;
    sim_fault_effect effect;
    uint64_t matched;
    uint64_t fired;
} sim_fault;

/* When to crash: at the `countdown`-th changing call of process 0 whose place is `place` (-1: any).
 */
typedef struct sim_crash_plan {
    bool is_armed;
    sim_crash_kind kind;
    int place;
    uint64_t countdown;
    bool is_after; /* the call does its work first (a process crash: perhaps a part of it) */
} sim_crash_plan;

/* What a crash interrupted. */
typedef struct sim_crash {
    bool has_happened;
    sim_crash_kind kind;
    int place;
    sim_call call;
    sim_file_kind file_kind;
    bool is_between_calls;
    uint64_t pending; /* changes that were not durable: writes, sizes and names */
    char path[160];
} sim_crash;

typedef struct sim_disk sim_disk;

/* A node's images and pending changes are private to sim_disk.c and sim_crash.c; see sim_node.h. */

sim_disk *sim_disk_new(sim_clock *clock);
void sim_disk_free(sim_disk *disk);
/* An empty disk again, but for the memory it has reserved. Nothing may be open. */
void sim_disk_reset(sim_disk *disk, uint64_t seed);
/* Makes `to` a copy of what is on `from`, pending changes included. Nothing may be open on either.
 */
void sim_disk_copy(sim_disk *to, const sim_disk *from);

const stele_vfs *sim_disk_vfs(sim_disk *disk, unsigned process);

/* 0: without bound. */
void sim_disk_set_capacity(sim_disk *disk, uint64_t bytes);
uint64_t sim_disk_used(const sim_disk *disk);

/* Adds a fault and returns it, for its counts; valid until sim_disk_clear_faults(). */
sim_fault *sim_disk_add_fault(sim_disk *disk, const sim_fault *fault);
void sim_disk_clear_faults(sim_disk *disk);
/* How often the present faults have fired. */
uint64_t sim_disk_faults_fired(const sim_disk *disk);
/* Whether one of them was a sync that lost what was pending. */
bool sim_disk_has_lost(const sim_disk *disk);

void sim_disk_plan_crash(sim_disk *disk, const sim_crash_plan *plan);
/* Whether a plan still waits for its call. */
bool sim_disk_is_crash_planned(const sim_disk *disk);
void sim_disk_forget_plan(sim_disk *disk);
/* Crashes between two calls. */
void sim_disk_crash_now(sim_disk *disk, sim_crash_kind kind, int place);
const sim_crash *sim_disk_crash(const sim_disk *disk);
/* Decides what survived, and lets process 0 (after a machine crash: all processes) begin anew. */
void sim_disk_power_on(sim_disk *disk, sim_choice *choice);

/* Called in the moment of a planned crash, while other processes still see what is there then:
 * `hook` may use them. */
void sim_disk_set_crash_hook(sim_disk *disk, void (*hook)(void *context), void *context);
/* Names the place of a changing call, in [0, 32). NULL: 0. */
void sim_disk_set_places(sim_disk *disk,
                         int (*place)(void *context, sim_call call, sim_file_kind kind,
                                      const char *path),
                         void *context);

/* Changing calls of process 0 since the reset. */
uint64_t sim_disk_changes(const sim_disk *disk);
uint64_t sim_disk_calls(const sim_disk *disk, sim_call call);
/* What is not durable now. */
uint64_t sim_disk_pending(const sim_disk *disk);
/* Handles, maps and locks that are not given back. */
size_t sim_disk_open_things(const sim_disk *disk);
/* The first misuse of the table (a map beyond the end, a write through a handle for reading …), or
 * NULL. Reading a map where the file was cut away kills the process, as it would in the world. */
const char *sim_disk_misuse(const sim_disk *disk);

/* The files that have a name now: the n-th one's path (valid until the next call), kind and size.
 * False: there are fewer. */
bool sim_disk_file(const sim_disk *disk, size_t n, char ret_path[160], uint64_t *ret_size);
/* Harm done behind everybody's back, live and durable: XORs one byte; zeroes bytes, as far as there
 * are any; cuts a file; takes a file away. Nothing may be open. */
void sim_disk_rot(sim_disk *disk, const char *path, uint64_t offset, uint8_t flip);
void sim_disk_zero(sim_disk *disk, const char *path, uint64_t offset, uint64_t size);
void sim_disk_cut(sim_disk *disk, const char *path, uint64_t size);
void sim_disk_lose(sim_disk *disk, const char *path);
/* From now on one sync in so many lies: it answers success and makes nothing durable. 0: none. */
void sim_disk_set_lying(sim_disk *disk, uint32_t chance);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the room log share: parts, views, the state of an open log. Private to the
 * room.
 *
 * How they hang together. A *part* is a segment that has no index file yet, with its tail. A *view*
 * is an immutable list of sealed segments, index files and parts that together hold all history;
 * readers take a reference and are undisturbed by sealing and merging, which install a new view.
 * The *sequencer* (append.c) decides commits one after another under one lock and encodes them into
 * *groups*; a *flusher* (commit.c), mostly the appending caller itself, writes groups in order and
 * publishes them. *Maintenance* (maintain.c) turns parts into index files and merges those.
 *
 * Locks, in the order in which they may be taken: follow, maintenance, sequencer, view, that of the
 * cache for packed segments. The append path takes the sequencer's only.
 */
#ifndef STELE_LOG_ENGINE_H
#define STELE_LOG_ENGINE_H

#include "base/base.h"
#include "core/core.h"
#include "log/canary.h"
#include "log/frame.h"
#include "log/index_file.h"
#include "log/log.h"
#include "log/manifest.h"
#include "log/packed.h"
#include "log/segment.h"
#include "log/shared.h"
#include "log/tail.h"

#include <stdatomic.h>

enum {
    STELE_RANK_FOLLOW = 5,
    STELE_RANK_MAINTENANCE = 10,
    STELE_RANK_SEQUENCER = 20,
    STELE_RANK_VIEW = 30,
    STELE_RANK_PACKED = 40
};

/* ---- views */

/* An unsealed segment and its index. Shared. */
typedef struct stele__part {
    _Atomic uint32_t refs;
    const stele_alloc *alloc;
    stele__segment *segment;
    stele__tail *tail;
    stele_position first;
    /* Of the one who adds: */
    uint64_t end;        /* offset behind the last frame */
    stele_position last; /* position of the last event; first - 1 if there is none */
    stele_time last_time;
    uint64_t written_back; /* up to here storage was told to begin with writing. Under the lock */
    bool is_dirty;         /* written since the last sync. Flusher only */
    bool is_salvaged;      /* positions are missing in it: their offset is 0 */
} stele__part;

/* A sealed segment, open for reading. */
typedef struct stele__sealed {
    stele__index_segment info;
    stele__segment *segment;
} stele__sealed;

/* An immutable picture of what the store consists of. Shared. */
typedef struct stele__view {
    _Atomic uint32_t refs;
    const stele_alloc *alloc;
    size_t sealed_count;
    stele__sealed *sealed; /* ascending */
    size_t index_count;
    stele__index **indexes; /* ascending; together they cover the sealed segments */
    size_t part_count;
    stele__part **parts; /* ascending; the last one may be growing */
} stele__view;

stele_status stele__part_create(const stele_alloc *alloc, stele__segment *segment,
                                const stele__hash_key *key, stele__part **ret_part,
                                stele_error *reterr);
stele__part *stele__part_ref(stele__part *part);
void stele__part_unref(stele__part *part);

/* An empty view with room for so many of each. Owned (one reference). */
stele_status stele__view_create(const stele_alloc *alloc, size_t sealed, size_t indexes,
                                size_t parts, stele__view **ret_view, stele_error *reterr);
stele__view *stele__view_ref(stele__view *view);
void stele__view_unref(stele__view *view);
/* Fill a view that is being made; they take references of their own. */
void stele__view_add_sealed(stele__view *view, const stele__index_segment *info,
                            stele__segment *segment);
void stele__view_add_index(stele__view *view, stele__index *index);
void stele__view_add_part(stele__view *view, stele__part *part);
/* The same view with its first `kept` parts, and behind them `added` (NULL: nothing). */
stele_status stele__view_change_parts(const stele__view *old, size_t kept, stele__part *added,
                                      stele__view **ret_view, stele_error *reterr);
/* Private memory of tails and open indexes. */
size_t stele__view_memory(const stele__view *view);

/* ---- reading from a view */

/* Finds events by position, keeping what it decoded last. Zero-initialise. Confined to one thread.
 */
typedef struct stele__locator {
    const stele__segment *segment; /* in which the last event was found; NULL: none */
    stele_position first;          /* it has these; … */
    stele_position last;           /* … UINT64_MAX: it may still grow */
    const stele__index *index;     /* where their offsets stand: here, … */
    const stele__tail *tail;       /* … or here */
} stele__locator;

/* Finds where events stand, at most STELE_BATCH_SIZE, wherever in the view, and has memory fetch
 * them: all at once, as each would have to be waited for. */
stele_status stele__view_places(const stele__view *view, const stele_position *positions,
                                size_t count, stele__place *ret_places, stele_error *reterr);
/* Reads the event at a position; verified. `position` must be in the view. */
stele_status stele__view_event(const stele__view *view, stele__locator *locator,
                               stele__reader *reader, stele_position position,
                               const stele__event **ret_event, stele_error *reterr);
/* Reads the whole frame in which the event stands. */
stele_status stele__view_frame(const stele__view *view, stele__locator *locator,
                               stele__reader *reader, stele_position position,
                               stele__frame *ret_frame, stele_error *reterr);
/* The lowest position whose time is at or above `time`; head + 1 if there is none. */
stele_status stele__view_time(const stele__view *view, stele__locator *locator,
                              stele__reader *reader, stele_time time, stele_position head,
                              stele_position *ret_position, stele_error *reterr);

/* What look-ups of a term found in the first index files of a view, for who looks it up in them
 * more than once. Plain struct. */
enum { STELE_ENTRIES_KEPT = 16 };
typedef struct stele__entries {
    uint32_t known; /* a bit for an index file in which it was looked for … */
    uint32_t found; /* … and is */
    stele__index_entry entries[STELE_ENTRIES_KEPT];
} stele__entries;
/* For another view or term. */
static inline void stele__entries_forget(stele__entries *entries)
{
    entries->known = 0;
}

/* Walks over the postings of one term in a view, up to a head, in both directions. Plain struct. */
typedef struct stele__postings {
    const stele__view *view;
    stele__term_kind kind;
    stele_text name; /* borrowed */
    uint64_t hash;
    stele_position head;
    stele__entries *entries; /* borrowed; NULL: what is found is not kept */
    size_t source;           /* index files first, then parts; SIZE_MAX: none loaded */
    uint32_t count;          /* of postings in the loaded source */
    uint32_t rank;           /* of the current one */
    stele_revision base_revision;
    bool ends_in_tombstone;
    bool is_tail;
    union {
        stele__index_postings index;
        stele__tail_postings tail;
    } at;
} stele__postings;

void stele__postings_init(stele__postings *postings, const stele__view *view, stele__term_kind kind,
                          stele_text name, uint64_t hash, stele_position head);
/* The same with what look-ups of the term in this view found before; what these find is added. */
void stele__postings_go_on(stele__postings *postings, const stele__view *view,
                           stele__term_kind kind, stele_text name, uint64_t hash,
                           stele_position head, stele__entries *entries);
/* The lowest posting at or above `position`; 0: none. Ascending calls are fast. */
stele_status stele__postings_up(stele__postings *postings, stele_position position,
                                stele_position *ret_position, stele_error *reterr);
/* The highest posting at or below `position`; 0: none. Descending calls are fast. */
stele_status stele__postings_down(stele__postings *postings, stele_position position,
                                  stele_position *ret_position, stele_error *reterr);
/* The postings from `position` on, as postings_up() or postings_down() would answer them one after
 * the other: at most `max`. *ret_is_end: there are no more. */
stele_status stele__postings_ahead(stele__postings *postings, stele_position position,
                                   stele_direction direction, size_t max,
                                   stele_position *ret_positions, size_t *ret_count,
                                   bool *ret_is_end, stele_error *reterr);
/* Streams: the position of the event with a revision, or of the next higher (up) or lower one; 0:
 * none. */
stele_status stele__postings_revision(stele__postings *postings, stele_revision revision,
                                      stele_direction direction, stele_position *ret_position,
                                      stele_error *reterr);
/* The last posting, with the number of all of them if `ret_total` is not NULL (which looks into
 * every source). */
stele_status stele__postings_last(stele__postings *postings, stele_position *ret_position,
                                  uint64_t *ret_total, stele_error *reterr);

/* What a reader knows of a stream at a head. */
typedef struct stele__stream_facts {
    stele__stream_state state;
    stele_position last_position; /* of the last event or the tombstone */
    stele_position metadata_position;
    stele__core_metadata metadata;
} stele__stream_facts;

/* `entries`, if not NULL, are filled for who goes on in the stream. */
stele_status stele__view_stream(const stele__view *view, stele__locator *locator,
                                stele__reader *reader, const stele__hash_key *key,
                                stele_text stream, stele_position head, stele__entries *entries,
                                stele__stream_facts *ret_facts, stele_error *reterr);

/* The first revision that a read of the stream shows, by `$tb` and `$maxCount`. */
stele_revision stele__first_revision(stele_text name, const stele__stream_facts *facts);
void stele__describe_facts(stele_text name, const stele__stream_facts *facts,
                           stele_stream_info *ret_info);

/* ---- queries */

/* A query made ready to run on a view: one block of memory. Owned: release. */
typedef struct stele__search stele__search;

/* What is searched for: a query of the user's, or one term. */
stele_status stele__search_query(const stele_alloc *alloc, const stele__hash_key *key,
                                 const stele_query *query, const stele__view *view,
                                 stele_position head, stele__search **ret_search,
                                 stele_error *reterr);
stele_status stele__search_term(const stele_alloc *alloc, const stele__hash_key *key,
                                stele__term_kind kind, const char *name, const stele__view *view,
                                stele_position head, stele__search **ret_search,
                                stele_error *reterr);
void stele__search_free(stele__search *search);
/* The same search on another view and head. */
void stele__search_move(stele__search *search, const stele__view *view, stele_position head);
/* The next match at or above (below) `position`; 0: none. */
stele_status stele__search_up(stele__search *search, stele_position position,
                              stele_position *ret_position, stele_error *reterr);
stele_status stele__search_down(stele__search *search, stele_position position,
                                stele_position *ret_position, stele_error *reterr);

/* ---- window */

typedef struct stele__window_cell {
    uint32_t print;
    uint32_t previous; /* the position before it in the same bucket, low 32 bits */
} stele__window_cell;

/* The ids of the last STELE_ID_WINDOW events. Under the sequencer's lock. */
typedef struct stele__window {
    const stele_alloc *alloc;
    uint32_t size;             /* a power of two; grows up to STELE_ID_WINDOW */
    uint32_t *heads;           /* of buckets: low 32 bits of a position */
    stele__window_cell *cells; /* by position modulo size */
    stele_position last;       /* the last position that was put in */
    stele_position first;      /* the first one that was put in */
} stele__window;

void stele__window_init(stele__window *window, const stele_alloc *alloc);
void stele__window_done(stele__window *window);
/* Makes sure that so many more can be put in. */
stele_status stele__window_reserve(stele__window *window, size_t more, stele_error *reterr);
uint32_t stele__window_print(uint64_t stream_hash, const stele_uuid *id);
/* A hint: the print is looked for, or put in, soon. */
static inline void stele__window_prefetch(const stele__window *window, uint32_t print)
{
    if (window->size > 0) {
        __builtin_prefetch(window->heads + (print & (window->size - 1)), 1);
    }
}
/* The same a little later: once the bucket is there, where its chain begins. */
static inline void stele__window_prefetch_chain(const stele__window *window, uint32_t print)
{
    if (window->size > 0) {
        const uint32_t mask = window->size - 1;
        __builtin_prefetch(window->cells + (window->heads[print & mask] & mask));
    }
}
/* Positions are put in one after another without gaps (after the first). */
void stele__window_put(stele__window *window, stele_position position, uint32_t print);
/* Walks over candidates from the newest to the oldest: begins with `before` = 0; 0: no more. */
stele_position stele__window_next(const stele__window *window, uint32_t print,
                                  stele_position before);

/* ---- groups */

/* A completion to call when the group is done. */
typedef struct stele__completion_note {
    stele_completion done;
    void *context;
    stele_status status; /* STELE_OK: if the group succeeds */
    stele_receipt receipt;
    stele_error *error; /* owned; of a refusal */
} stele__completion_note;

/* Frames that are written together. */
typedef struct stele__group {
    struct stele__group *next;
    uint64_t number;   /* they are counted from 1 */
    stele__part *part; /* a reference; NULL: nothing to write yet */
    uint64_t offset;   /* of the first byte of `bytes` in the segment */
    stele__buffer bytes;
    stele_position last; /* position of the last event in it */
    bool needs_sync;
    bool is_hurried;  /* somebody waits: not only appends at STELE_DURABLE_NONE */
    unsigned waiting; /* threads */
    stele__completion_note *notes;
    size_t note_count;
    size_t note_capacity;
} stele__group;

/* ---- the engine */

typedef struct stele__deferred stele__deferred;

/* A thread of the store that is started when it is needed first. With the log's `lock`. */
typedef struct stele__worker {
    stele__thread thread;
    stele__condition wanted;
    bool is_started;
    bool is_wanted;
} stele__worker;

struct stele__log {
    stele__budget budget;
    const stele_alloc *alloc; /* of the budget */
    const stele_vfs *vfs;
    const stele_clock *clock;
    stele_options options;
    char *folder;
    size_t folder_size;
    stele_file *lock_file;
    stele__shared shared;
    stele_uuid store;
    stele__hash_key hash_key;
    bool is_writer;
    bool is_salvage;

    _Atomic stele_position head;    /* published */
    _Atomic stele_position durable; /* known to be on stable storage */
    _Atomic bool is_poisoned;
    _Atomic uint64_t flushes;
    _Atomic uint64_t commits;
    _Atomic uint64_t refusals;
    _Atomic uint64_t healed;
    _Atomic uint64_t recovered_bytes;
    _Atomic uint64_t epoch;

    stele__mutex view_lock;
    stele__view *view;

    /* Sequencer. */
    stele__mutex lock;
    stele__part *live; /* the part that grows; NULL: the next append begins one */
    uint64_t
        roll_count; /* grows when `live` changes: what was looked up without the lock may be old */
    stele_position next_position;
    stele_time last_time;
    stele_time clock_wall; /* the pair against which jumps are measured */
    int64_t clock_monotonic;
    bool is_clock_behind;
    stele__segment *reserve; /* the next segment, allocated and empty; NULL: none */
    uint64_t reserve_number; /* its number, or that of the one to be made */
    uint64_t segment_size;   /* of the next one: doubles up to the option */
    uint64_t zeroed;         /* bytes of the reserve over which zeroes were written */
    uint64_t zeroes_max;     /* that are worth writing ahead to it */
    uint64_t zeroes_due;     /* more are to be written when the live part ends here or behind */
    size_t tail_bytes_max;
    stele__window window;
    _Atomic uint64_t terms_hint; /* of the live tail, or one before it (tail.h) */
    stele__tail_handle *handles; /* scratch for the terms of one commit */
    size_t handle_capacity;
    stele__group *queue; /* groups in order; the last one gathers */
    stele__group *queue_last;
    stele__group *spare_groups;
    uint64_t group_count;  /* ever begun */
    bool is_flushing;      /* somebody has the flusher's role … */
    bool is_busy;          /* … and is at something: a group that is not empty, or a completion */
    stele__gate gates[2];  /* before which they wait for a group: that of its number modulo 2 */
    _Atomic uint64_t done; /* the number of the last group that was */
    _Atomic uint64_t heirs;        /* the group of whose waiters one is to take the role; 0: none */
    _Atomic uint64_t first_failed; /* the first group that failed; 0: none. Written before `done` */
    size_t bytes_in_flight;
    size_t bytes_in_flight_max;
    unsigned room_waiters;
    stele__condition room; /* bytes_in_flight fell, or the state changed */
    stele_error poison;
    bool is_closing;
    stele__deferred *deferred; /* submissions that wait for something to be published */
    stele__deferred *deferred_last;
    size_t deferred_bytes;
    uint64_t deferred_count;   /* ever */
    uint64_t deferred_decided; /* of them, in order */

    /* Threads of the store. */
    stele__condition work; /* for the flusher thread (with `lock`) */
    stele__thread flusher;
    bool has_flusher;
    bool is_flusher_napping;    /* it comes by itself soon: no need to wake it for little */
    stele__worker maintainer;   /* seals and reserves */
    stele__worker merger;       /* merges */
    bool wants_index_in_memory; /* opened just now: index files may not be there. With `lock` */
    int stop_merging;           /* atomic by __atomic builtins: index_merge looks at it */

    /* Maintenance: the manifest as it is on disk, and the segment that is being packed. */
    stele__mutex maintenance;
    stele__manifest manifest;
    bool is_merging;
    unsigned build_count; /* pieces of missing index files that are being built */
    unsigned
        build_waiters; /* atomic by __atomic builtins: who wait for one. They end pieces early */
    stele__condition built; /* one was, or could not be (with `maintenance`) */
    stele__packer *packer;  /* NULL: none is */

    stele__packed_cache packed_cache;

    /* Follower (read-only handles). */
    stele__mutex follow_lock;
    uint32_t followed_word;       /* of the shared page, when it was last followed to its end */
    uint64_t followed_generation; /* … and the generation that it told */
    bool has_followed;
    bool followed_writer; /* one was there then */
    bool is_cut;          /* history that was shown is gone */
};

/* Takes a consistent pair: everything up to *ret_head is in the view. */
stele__view *stele__log_view(stele__log *log, stele_position *ret_head);
/* Puts a new view in the place of the old one, whose reference it drops. Takes the reference to the
 * new one. */
void stele__log_install(stele__log *log, stele__view *view);
void stele__log_say(stele__log *log, stele_log_level level, const char *format, ...)
    STELE_PRINTF(3, 4);
/* folder + "/" + name, NUL-terminated, in a buffer of the log's allocator. */
stele_status stele__log_path(stele__log *log, const char *name, stele__buffer *path,
                             stele_error *reterr);

/* commit.c */
stele_status stele__commit_poisoned(stele__log *log, stele_error *reterr); /* lock held */
stele__group *stele__commit_group(stele__log *log, stele__part *part,
                                  uint64_t offset); /* lock held; NULL: no memory */
/* Waits until the group is written (and synced, if it needs that): flushes itself if nobody does.
 * Lock held; released and not taken again. */
stele_status stele__commit_wait(stele__log *log, stele__group *group, stele_error *reterr);
/* Waits until everything sequenced so far is published. Lock held; released. */
stele_status stele__commit_wait_all(stele__log *log, bool needs_sync, stele_error *reterr);
/* Flushes what is queued if nobody does it. Lock held; released meanwhile and held again. */
void stele__commit_flush(stele__log *log);
/* Calls a completion that belongs to no group, in the flusher's role (G5). No lock held. */
void stele__commit_complete(stele__log *log, stele_completion done, void *context,
                            const stele_error *error);
/* Tells a thread of the store that there is something to flush. Lock held. */
void stele__commit_kick(stele__log *log);
/* Has what is queued written soon, or now if there is much and no thread. Lock held; may be
 * released meanwhile. */
void stele__commit_later(stele__log *log);
stele_status stele__commit_start_thread(stele__log *log, stele_error *reterr); /* lock held */
void stele__commit_free_groups(stele__log *log);

/* append.c */
void stele__append_deferred(stele__log *log);
/* Returns when the submissions that are deferred now have been decided. */
void stele__append_wait_deferred(stele__log *log);

/* sequence.c: whether much was written to the live segment that storage was not told of. Lock held.
 */
bool stele__sequence_wants_write_back(const stele__log *log);
/* Sets when zeroes are to be written to the reserve. Lock held. */
void stele__sequence_plan_zeroes(stele__log *log);
/* How many are due now. Lock held. */
uint64_t stele__sequence_zeroes_due(const stele__log *log);
/* sequence.c: whether the live tail has outgrown its share of the memory budget. Lock held. */
bool stele__sequence_is_heavy(const stele__log *log);
/* Leaves the live part if it is heavy, so that it can be sealed though nobody appends: there is
 * none then. No lock of the sequencer held. */
stele_status stele__sequence_leave(stele__log *log, stele_error *reterr);

/* scan.c: adding what stands in a segment to a part. */
stele_status stele__scan_add(stele__part *part, stele__reader *reader, const stele__frame *frame,
                             stele_error *reterr);

/* One event, at the next position. Room for it was reserved in the tail. */
stele_status stele__scan_add_event(stele__part *part, const stele__event *event,
                                   stele_error *reterr);
stele_status stele__scan_segment(stele__log *log, stele__segment *segment,
                                 const stele__index_segment *info, stele__part **ret_part,
                                 stele_error *reterr);

/* maintain.c */
/* Makes the next segment for a commit of `size` bytes, unless there is one, or somebody has rolled
 * since the caller looked (`roll_count` of then). No lock held. */
stele_status stele__maintain_reserve(stele__log *log, uint64_t size, uint64_t roll_count,
                                     stele_error *reterr);
/* After STELE_CORRUPT_INDEX: builds damaged index files again from their segments, or the missing
 * one that was needed. True: look again. No lock held. Writers only; what cannot be healed leaves
 * *found alone, or says there why a missing one cannot be built. `*heals`, at first 0, bounds how
 * often. */
bool stele__maintain_again(stele__log *log, unsigned *heals, stele_error *found);
stele_status stele__maintain_seal_all(stele__log *log, uint64_t bytes_min, stele_error *reterr);
stele_status stele__maintain_write_index(stele__log *log, stele__part *part,
                                         stele__manifest *manifest, stele__index **ret_index,
                                         stele_error *reterr);
/* Opens the index file of a line of the manifest. */
stele_status stele__maintain_open_index(stele__log *log, const stele__manifest_index *entry,
                                        stele__index **ret_index, stele_error *reterr);
/* Strikes the index file that begins at a position off a manifest. Returns its number; 0: there is
 * none. */
uint64_t stele__maintain_forget_index(stele__manifest *manifest, stele_position first);
void stele__maintain_index_name(uint64_t number, char ret_name[STELE_FILE_NAME_SIZE]);

/* packing.c: opens a segment in the form that there is, and first looks for the packed one if
 * `is_packed`: whichever is there is whole. Errors as stele__segment_open(). */
stele_status stele__packing_open(stele__log *log, uint64_t number, bool is_packed,
                                 stele_mapping mapping, stele__segment **ret_segment,
                                 stele_error *reterr);
/* Packs a piece of a sealed segment, if the option asks for it and there is one. No lock held. */
stele_status stele__packing_step(stele__log *log, bool *ret_did, stele_error *reterr);
/* Packs all that is sealed. */
stele_status stele__packing_all(stele__log *log, stele_error *reterr);
stele__codec stele__packing_codec(stele_compression compression);
/* Whether there is something to pack. No lock held. */
bool stele__packing_is_due(stele__log *log);

/* upkeep.c. Index files are brought into memory in pieces of this size; smaller ones come by
 * themselves. */
enum { STELE_INDEX_CHUNK = 8 << 20 };
stele_status stele__maintain_step(stele__log *log, bool *ret_more, stele_error *reterr);
void stele__maintain_kick(stele__log *log); /* lock held */

/* rebuild.c: builds a missing index file, or waits for who does it. No lock held. */
stele_status stele__rebuild_wanted(stele__log *log, stele_position wanted, stele_error *reterr);
/* … all of them. */
stele_status stele__rebuild_all(stele__log *log, stele_error *reterr);

/* recover.c */
stele_status stele__recover(stele__log *log, stele_error *reterr);
/* follow.c */
stele_status stele__follow_open(stele__log *log, stele_error *reterr);
stele_status stele__follow(stele__log *log, stele_error *reterr);
/* As stele__follow(), and reads the manifest whatever the shared page says: after a file was not
 * where the view has it. */
stele_status stele__follow_anew(stele__log *log, stele_error *reterr);

#endif

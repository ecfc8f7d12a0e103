/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file stele/entity.h
 * @brief Entities: structs whose every change is logged, so that they have a history.
 *
 *     #define ORDER_FIELDS(F)          \
 *         F(u64, id, KEY)              \
 *         F(text(16), symbol)          \
 *         F(decimal(8), price)         \
 *         F(choice(order_side), side)
 *     STELE_ENTITY(order, "Order", ORDER_FIELDS)
 *
 *     order_create(orders, &(order){.id = 1, .symbol = "BTCUSDT", .price = stele_decimal_of("50000")}, NULL, &err);
 *     next.price = stele_decimal_of("51000");
 *     order_update(orders, &before, &next, NULL, &err);          // stores price 50000 -> 51000, nothing else
 *     order_as_of(orders, "1", stele_as_of_time(ten_minutes_ago), &then, &err);
 *
 * A change is an *entry* of the entity's change log: created (all fields), updated (the fields that differ, with old
 * and new value), deleted. Entries of one entity are numbered 1, 2, 3 … without gaps; that is their *sequence*. An
 * entry can be made without a store (tracking), carried as JSON or in a compact form, and applied where it is wanted
 * (replaying; a repository). A *repository* keeps the entities of one type in a store: each entry is an event of the
 * stream "<type>-<id>", and its sequence is the event's revision + 1, so that the store itself sees to it that none is
 * missing and none stands there twice.
 */
#ifndef STELE_ENTITY_H
#define STELE_ENTITY_H

#include "schema.h"
#include "snapshot.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes of an entity's id as text, without NUL. */
#define STELE_ENTITY_ID_SIZE_MAX 255
/** Fields of an entity. */
#define STELE_ENTITY_FIELDS_MAX 128
/** Bytes of the name of who made a change. */
#define STELE_ACTOR_SIZE_MAX 255
/** Bytes of an entity's struct. */
#define STELE_ENTITY_SIZE_MAX ((size_t)1 << 20)

typedef enum stele_change_type {
    STELE_CHANGE_CREATED = 1,
    STELE_CHANGE_UPDATED = 2,
    STELE_CHANGE_DELETED = 3
} stele_change_type;

/** "Created", "Updated", "Deleted". Static. */
STELE_API const char *stele_change_type_name(stele_change_type type);

/** An entry of a change log. A value that is copied by assignment, but for what it points to: the structs of its
 * changes are lent by who made it. */
typedef struct stele_entry {
    const stele_schema *schema; /**< of the entity; its name is the entity type */
    char entity_id[STELE_ENTITY_ID_SIZE_MAX + 1];
    stele_change_type change_type;
    stele_time timestamp; /**< when it happened, by the clock of who tracked it; may jump */
    uint64_t sequence;    /**< 1, 2, 3 …; 0: the repository gives it the next one */
    uint64_t restores;    /**< a creation: the entity is again what it was after this sequence; 0: it is new */
    char actor[STELE_ACTOR_SIZE_MAX + 1]; /**< who; empty: not said */
    size_t change_count;
    stele_change changes[STELE_ENTITY_FIELDS_MAX]; /**< in the order of declaration; of a creation all fields, without
                                                      `before`; of a deletion none */
} stele_entry;

/** What is said of a change besides. Zero-initialise. Borrowed for the call. */
typedef struct stele_track_options {
    stele_time timestamp; /**< 0: now, by the system's clock, or that of the repository */
    uint64_t sequence;    /**< 0: the next one */
    const char *actor;    /**< NULL: not said */
} stele_track_options;

/**
 * Looks whether a schema describes an entity: stele_schema_check(); at most ::STELE_ENTITY_FIELDS_MAX fields and
 * ::STELE_ENTITY_SIZE_MAX bytes; exactly one KEY that is stored, of an integer, text, UUID or choice. A repository does
 * this by itself; what is below relies on it. @return ::STELE_OK; ::STELE_INVALID, ::STELE_INVALID_LIMIT. Any thread.
 */
STELE_API STELE_MUST_CHECK stele_status stele_entity_check(const stele_schema *schema, stele_error *reterr);
/** The value of an entity's key as text. @return ::STELE_OK; ::STELE_INVALID_NAME: it is empty, too long, or no UTF-8.
 * Any thread. */
STELE_API STELE_MUST_CHECK stele_status stele_entity_id(const stele_schema *schema, const void *entity,
                                                        char ret_id[STELE_ENTITY_ID_SIZE_MAX + 1], stele_error *reterr);

/* ------------------------------------------------------------------------------------------------ tracking --- */

/** The entry of a creation: every field that is stored. `entity` is lent to the entry. @param options may be NULL, as
 * below. @return ::STELE_OK; ::STELE_INVALID_NAME, ::STELE_INVALID_LIMIT. Any thread; allocates nothing. */
STELE_API STELE_MUST_CHECK stele_status stele_track_create(const stele_schema *schema, const void *entity,
                                                           const stele_track_options *options, stele_entry *ret_entry,
                                                           stele_error *reterr);
/** The entry of an update: the fields that differ (stele_schema_diff()). Both structs are lent to the entry. @return
 * ::STELE_OK; ::STELE_INVALID_ENTITY: their keys differ; ::STELE_INVALID_UNCHANGED: nothing does. Any thread; allocates
 * nothing. */
STELE_API STELE_MUST_CHECK stele_status stele_track_update(const stele_schema *schema, const void *before,
                                                           const void *after, const stele_track_options *options,
                                                           stele_entry *ret_entry, stele_error *reterr);
/** Changes an entity. Returns ::STELE_OK, or a failure, which is that of who called it; `reterr` may be filled then.
 */
typedef stele_status (*stele_mutator)(void *entity, void *context, stele_error *reterr);
/** The same with a function that makes the change: `entity` is copied to `ret_before` (schema->size bytes) and then
 * changed. On a failure it is again what it was. @return as stele_track_update(), or what `mutate` returned. */
STELE_API STELE_MUST_CHECK stele_status stele_track_mutation(const stele_schema *schema, void *entity,
                                                             stele_mutator mutate, void *context, void *ret_before,
                                                             const stele_track_options *options, stele_entry *ret_entry,
                                                             stele_error *reterr);
/** The entry of a deletion: no fields. As stele_track_create() otherwise. */
STELE_API STELE_MUST_CHECK stele_status stele_track_delete(const stele_schema *schema, const void *entity,
                                                           const stele_track_options *options, stele_entry *ret_entry,
                                                           stele_error *reterr);

/**
 * Applies an entry to an entity: the new values of its changes. A creation begins with zero bytes, whatever `entity`
 * was, so it needs none (rebuilding an entity from its creation alone).
 *
 * @return ::STELE_OK; ::STELE_INVALID_ENTITY: it is of another type or, an update, of another id;
 * ::STELE_INVALID_DELETED: a deletion ends an entity and cannot be applied to it. `entity` is unchanged then. Any
 * thread; allocates nothing.
 */
STELE_API STELE_MUST_CHECK stele_status stele_entity_replay(const stele_schema *schema, const stele_entry *entry,
                                                            void *entity, stele_error *reterr);

/* ------------------------------------------------------------------------------------------------- as bytes -- */

/**
 * Writes an entry as JSON, with these names:
 *
 *     {"entity_id":"1","entity_type":"Order","change_type":"Updated","timestamp":"2026-11-22T10:00:00Z","sequence":2,
 *      "actor":"mia","changed_fields":[{"field_name":"price","old_value":"50000","new_value":"51000"}]}
 *
 * A creation has `fields` instead of `changed_fields`, with old values of null, and `restores` if it does; `actor`
 * stands there if it is said.
 * @return as stele_schema_write_json(). Any thread; allocates nothing but what `to` does.
 */
STELE_API STELE_MUST_CHECK stele_status stele_entry_write_json(const stele_entry *entry, stele_writer *to,
                                                               stele_error *reterr);
/** The same in the compact form of src/entity/README.md, a third of the size. Version 1 of it stays readable. */
STELE_API STELE_MUST_CHECK stele_status stele_entry_write_binary(const stele_entry *entry, stele_writer *to,
                                                                 stele_error *reterr);
/**
 * Reads an entry in whichever form it is. Fields that the schema does not know are passed over.
 *
 * @param bytes borrowed for the call; hostile ones are welcome.
 * @param memory two structs, 2 * schema->size bytes, aligned as the struct is: the old and new values; lent to the
 * entry.
 * @return ::STELE_OK; ::STELE_INVALID: it is damaged, says something twice, or a value does not fit its field;
 * ::STELE_INVALID_ENTITY: it is of another type, or its key is not its id. Any thread; allocates nothing.
 */
STELE_API STELE_MUST_CHECK stele_status stele_entry_read(const stele_schema *schema, const void *bytes, size_t size,
                                                         void *memory, stele_entry *ret_entry, stele_error *reterr);

/* ---------------------------------------------------------------------------------------------- repositories -- */

/** The entities of one type in a store. Any thread. */
typedef struct stele_repository stele_repository;

/** Zero-initialise. Copied. */
typedef struct stele_repository_options {
    uint32_t version;
    int is_binary; /**< entries are stored in the compact form, not as JSON; both are read */
    /** A creation of what exists is ::STELE_CONFLICT_REVISION, and a deletion of what does not ::STELE_NOT_FOUND,
     * unless the same entry is there already. Else both are fine and do nothing. */
    int is_strict;
    size_t table_bytes_max; /**< of the table that stele_repository_select() needs; 0: 1 GiB */
} stele_repository_options;

/** Opens a repository. `*ret_repository` is *owned*. The domain and the schema must live longer. @param options may be
 * NULL. @return ::STELE_OK; what stele_entity_check() returns; ::STELE_INVALID_NAME: the type cannot be the beginning
 * of a stream's name; ::STELE_NO_MEMORY. */
STELE_API STELE_MUST_CHECK stele_status stele_repository_open(stele_domain *domain, const stele_schema *schema,
                                                              const stele_repository_options *options,
                                                              stele_repository **ret_repository, stele_error *reterr);
/** Frees it. NULL is fine. Nothing may be under way in it. */
STELE_API void stele_repository_close(stele_repository *repository);

/** Zero-initialise. Borrowed for the call. */
typedef struct stele_apply_options {
    uint32_t version;
    const char *command_id; /**< as in ::stele_execute_options */
    stele_durability durability;
    uint32_t attempts_max;
} stele_apply_options;

/** What became of entries. */
typedef struct stele_applied {
    uint32_t written;        /**< entries that are new in the log */
    uint32_t known;          /**< entries that were there already, or had nothing to do */
    uint64_t sequence;       /**< of the last entry, or that of its entity if it had nothing to do */
    stele_position position; /**< of the last one written, or of when the command took effect before; 0: none was */
} stele_applied;

/**
 * Applies entries, all or none of them, in their order; of as many entities as you like.
 *
 * - The entity type must be that of the repository: ::STELE_INVALID_ENTITY.
 * - *Sequence.* One that is there already with the same content is known, and fine; with other content it is
 *   ::STELE_CONFLICT_REVISION, as somebody else was faster; one behind the next is ::STELE_INVALID_SEQUENCE, as an
 *   entry was lost or comes out of order. 0 is the next one, whatever it is.
 * - *Created*: if the entity exists, it is fine and nothing happens.
 * - *Updated*: the entity must exist, else ::STELE_NOT_FOUND (::STELE_NOT_FOUND_DELETED: it did); and each changed
 *   field must have the old value of the entry, else ::STELE_CONFLICT_REVISION: so of two that change a field of the
 *   same state one wins, and two that change different ones both do.
 * - *Deleted*: if there never was such an entity, it is fine and nothing happens; if it is deleted already the entry is
 *   recorded, and takes its place in the sequence.
 *
 * @param options may be NULL, as may `ret_applied`.
 * @return ::STELE_OK, durable as asked; the above; and what stele_execute() returns. Any thread.
 */
STELE_API STELE_MUST_CHECK stele_status stele_repository_apply(stele_repository *repository, const stele_entry *entries,
                                                               size_t count, const stele_apply_options *options,
                                                               stele_applied *ret_applied, stele_error *reterr);

/** Tracks and applies a creation. `tracked` and `ret_applied` may be NULL, as below. */
STELE_API STELE_MUST_CHECK stele_status stele_repository_create(stele_repository *repository, const void *entity,
                                                                const stele_track_options *tracked,
                                                                stele_applied *ret_applied, stele_error *reterr);
/** Tracks and applies an update. Nothing differs: ::STELE_INVALID_UNCHANGED. */
STELE_API STELE_MUST_CHECK stele_status stele_repository_update(stele_repository *repository, const void *before,
                                                                const void *after, const stele_track_options *tracked,
                                                                stele_applied *ret_applied, stele_error *reterr);
/** Gets an entity, has it changed, and applies that; again, if others were faster, up to ::STELE_ATTEMPTS_DEFAULT
 * times. `ret_entity` (may be NULL) is what it is afterwards. */
STELE_API STELE_MUST_CHECK stele_status stele_repository_modify(stele_repository *repository, const char *id,
                                                                stele_mutator mutate, void *context,
                                                                const stele_track_options *tracked, void *ret_entity,
                                                                stele_applied *ret_applied, stele_error *reterr);
/** Tracks and applies a deletion. */
STELE_API STELE_MUST_CHECK stele_status stele_repository_delete(stele_repository *repository, const char *id,
                                                                const stele_track_options *tracked,
                                                                stele_applied *ret_applied, stele_error *reterr);
/**
 * Brings a deleted entity back: a creation with what it was after `sequence` (0: before it was deleted). Its numbers go
 * on. @return ::STELE_OK; ::STELE_NOT_FOUND: there was none then; ::STELE_CONFLICT_REVISION: it exists; as
 * stele_repository_apply().
 */
STELE_API STELE_MUST_CHECK stele_status stele_repository_restore(stele_repository *repository, const char *id,
                                                                 uint64_t sequence, const stele_track_options *tracked,
                                                                 stele_applied *ret_applied, stele_error *reterr);

/* ------------------------------------------------------------------------------------------- present and past -- */

/** What is known of an entity besides its fields. */
typedef struct stele_entity_info {
    uint64_t sequence;       /**< of the last entry in it */
    stele_time created_at;   /**< timestamp of its (last) creation */
    stele_time updated_at;   /**< timestamp of the last entry */
    stele_position position; /**< of the last entry, in the store */
    int is_deleted;
} stele_entity_info;

/** The entity as it is. @param ret_entity schema->size bytes; untouched on a failure. @param ret_info may be NULL; of a
 * deleted entity it is told too. @return ::STELE_OK; ::STELE_NOT_FOUND, ::STELE_NOT_FOUND_DELETED; as stele_load(). Any
 * thread. */
STELE_API STELE_MUST_CHECK stele_status stele_repository_get(stele_repository *repository, const char *id,
                                                             void *ret_entity, stele_entity_info *ret_info,
                                                             stele_error *reterr);
/** Whether the entity exists. */
STELE_API STELE_MUST_CHECK stele_status stele_repository_exists(stele_repository *repository, const char *id,
                                                                int *ret_exists, stele_error *reterr);

/** A point in an entity's history. Made by the functions below. */
typedef struct stele_as_of {
    int kind;
    uint64_t value;
} stele_as_of;

/** After the entry with this sequence. */
static inline stele_as_of stele_as_of_sequence(uint64_t sequence)
{
    stele_as_of point = {1, sequence};
    return point;
}
/** Before the first entry whose timestamp is later than this: what was known at that time, even if the clock went back
 * afterwards. */
static inline stele_as_of stele_as_of_time(stele_time time)
{
    stele_as_of point = {2, (uint64_t)time};
    return point;
}
/** With all entries whose timestamp is not later than this, in their order, wherever they stand: what was true at that
 * time by what is known today. Updates of an entity that is not there then are left out. It differs from
 * stele_as_of_time() only where timestamps do not ascend. */
static inline stele_as_of stele_as_of_time_filtered(stele_time time)
{
    stele_as_of point = {3, (uint64_t)time};
    return point;
}
/** As of a position of the store, the same for all entities. */
static inline stele_as_of stele_as_of_position(stele_position position)
{
    stele_as_of point = {4, position};
    return point;
}

/** The entity as it was. As stele_repository_get() otherwise. */
STELE_API STELE_MUST_CHECK stele_status stele_repository_as_of(stele_repository *repository, const char *id,
                                                               stele_as_of point, void *ret_entity,
                                                               stele_entity_info *ret_info, stele_error *reterr);

/** A walk over entries: an audit trail, or a replay. One thread. */
typedef struct stele_history stele_history;

/** Opens the history of an entity, from one sequence to another, both inclusive; `to` 0: to the end. @return
 * ::STELE_OK, and `*ret_history` is *owned*; ::STELE_NOT_FOUND: there never was such an entity. */
STELE_API STELE_MUST_CHECK stele_status stele_history_open(stele_repository *repository, const char *id, uint64_t from,
                                                           uint64_t to, stele_history **ret_history,
                                                           stele_error *reterr);
/** Opens the history of all entities of the type, from a position of the store on, in the order of the store. */
STELE_API STELE_MUST_CHECK stele_status stele_history_open_all(stele_repository *repository, stele_position from,
                                                               stele_history **ret_history, stele_error *reterr);
/** The next entry, lent until the next call; NULL at the end or on failure (`reterr`). @param ret_position of the
 * store; may be NULL. */
STELE_API const stele_entry *stele_history_next(stele_history *history, stele_position *ret_position,
                                                stele_error *reterr);
/** Frees it. NULL is fine. */
STELE_API void stele_history_free(stele_history *history);

/* --------------------------------------------------------------------------------------------------- selecting -- */

/** Whether an entity is wanted. Not 0: yes. Must not use the repository. */
typedef int (*stele_entity_filter)(void *context, const void *entity, const stele_entity_info *info);

/** Which entities, of those that exist, in the order of the position of their last change. Zero-initialise: all of
 * them. Borrowed for the call. */
typedef struct stele_select {
    stele_position from;       /**< last changed at or behind this position; 0: any */
    stele_position to;         /**< last changed at or before this position; 0: any */
    stele_entity_filter where; /**< NULL: all */
    void *context;
    uint64_t offset;   /**< so many of them are left out at the beginning: page * page size */
    uint64_t limit;    /**< at most so many; 0: no limit. A page needs one */
    int is_last;       /**< the last `limit` instead of the first ones, still in ascending order (a cursor backwards:
                          `to` is the cursor - 1) */
    int is_count_only; /**< no rows, only `total` */
} stele_select;

/** An entity that was selected. */
typedef struct stele_row {
    const char *id;
    const void *entity;
    stele_entity_info info;
} stele_row;

/** What was selected. *Owned*: free it. */
typedef struct stele_selection {
    const stele_row *rows;
    size_t count;
    uint64_t total;      /**< how many there are without offset and limit */
    stele_position head; /**< as of which head of the store */
} stele_selection;

/**
 * Selects entities from the table of the present ones. The table is made at the first call, by reading all entries of
 * the type once, and brought up to the head at each; it holds an entity's struct and some 100 bytes for each entity.
 *
 * @return ::STELE_OK; ::STELE_INVALID_LIMIT: the table would be larger than its bound; ::STELE_NO_MEMORY; as reading.
 * Any thread; one at a time looks, others wait.
 */
STELE_API STELE_MUST_CHECK stele_status stele_repository_select(stele_repository *repository,
                                                                const stele_select *select,
                                                                stele_selection **ret_selection, stele_error *reterr);
/** Frees it. NULL is fine. */
STELE_API void stele_selection_free(stele_selection *selection);

/* ------------------------------------------------------------------------------------------------------ macros -- */

/** Declares a struct, its schema (stele/schema.h), and functions of its own for the above: `<type>_open()`,
 * `_create()`, `_update()`, `_modify()`, `_delete()`, `_restore()`, `_get()`, `_as_of()`. */
#define STELE_ENTITY(type, entity_type, FIELDS)                                                                        \
    STELE_SCHEMA_AS(type, entity_type, 1, FIELDS)                                                                      \
    STELE_ENTITY_FUNCTIONS(type)

/** The functions alone, for a struct whose schema there is already. */
#define STELE_ENTITY_FUNCTIONS(type)                                                                                   \
    STELE_UNUSED STELE_MUST_CHECK static inline stele_status type##_open(stele_domain *domain,                         \
                                                                         stele_repository **ret_repository,            \
                                                                         stele_error *reterr)                          \
    {                                                                                                                  \
        return stele_repository_open(domain, type##_schema(), NULL, ret_repository, reterr);                           \
    }                                                                                                                  \
    STELE_UNUSED STELE_MUST_CHECK static inline stele_status type##_create(stele_repository *repository,               \
                                                                           const type *entity,                         \
                                                                           const stele_track_options *tracked,         \
                                                                           stele_error *reterr)                        \
    {                                                                                                                  \
        return stele_repository_create(repository, entity, tracked, NULL, reterr);                                     \
    }                                                                                                                  \
    STELE_UNUSED STELE_MUST_CHECK static inline stele_status type##_update(stele_repository *repository,               \
                                                                           const type *before, const type *after,      \
                                                                           const stele_track_options *tracked,         \
                                                                           stele_error *reterr)                        \
    {                                                                                                                  \
        return stele_repository_update(repository, before, after, tracked, NULL, reterr);                              \
    }                                                                                                                  \
    STELE_UNUSED STELE_MUST_CHECK static inline stele_status type##_modify(stele_repository *repository,               \
                                                                           const char *id, stele_mutator mutate,       \
                                                                           void *context,                              \
                                                                           const stele_track_options *tracked,         \
                                                                           type *ret_entity, stele_error *reterr)      \
    {                                                                                                                  \
        return stele_repository_modify(repository, id, mutate, context, tracked, ret_entity, NULL, reterr);            \
    }                                                                                                                  \
    STELE_UNUSED STELE_MUST_CHECK static inline stele_status type##_delete(stele_repository *repository,               \
                                                                           const char *id,                             \
                                                                           const stele_track_options *tracked,         \
                                                                           stele_error *reterr)                        \
    {                                                                                                                  \
        return stele_repository_delete(repository, id, tracked, NULL, reterr);                                         \
    }                                                                                                                  \
    STELE_UNUSED STELE_MUST_CHECK static inline stele_status type##_restore(stele_repository *repository,              \
                                                                            const char *id, uint64_t sequence,         \
                                                                            const stele_track_options *tracked,        \
                                                                            stele_error *reterr)                       \
    {                                                                                                                  \
        return stele_repository_restore(repository, id, sequence, tracked, NULL, reterr);                              \
    }                                                                                                                  \
    STELE_UNUSED STELE_MUST_CHECK static inline stele_status type##_get(stele_repository *repository, const char *id,  \
                                                                        type *ret_entity, stele_error *reterr)         \
    {                                                                                                                  \
        return stele_repository_get(repository, id, ret_entity, NULL, reterr);                                         \
    }                                                                                                                  \
    STELE_UNUSED STELE_MUST_CHECK static inline stele_status type##_as_of(stele_repository *repository,                \
                                                                          const char *id, stele_as_of point,           \
                                                                          type *ret_entity, stele_error *reterr)       \
    {                                                                                                                  \
        return stele_repository_as_of(repository, id, point, ret_entity, NULL, reterr);                                \
    }

static inline void stele_cleanup_repository(stele_repository **repository)
{
    stele_repository_close(*repository);
    *repository = NULL;
}
static inline void stele_cleanup_history(stele_history **history)
{
    stele_history_free(*history);
    *history = NULL;
}
static inline void stele_cleanup_selection(stele_selection **selection)
{
    stele_selection_free(*selection);
    *selection = NULL;
}

#ifdef __cplusplus
}
#endif
#endif

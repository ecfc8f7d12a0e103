/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share: entries as bytes, and repositories. */
#ifndef STELE_ENTITY_PARTS_H
#define STELE_ENTITY_PARTS_H

#include "base/base.h"
#include "schema/schema.h"
#include <stele/aggregate.h>
#include <stele/entity.h>
#include <stele/sys/clock.h>

#include <inttypes.h>
#include <string.h>

/* ---- track.c */

static inline bool stele__entity_has_field(const stele_field *field)
{
    return (field->flags & STELE_FIELD_SKIP) == 0;
}
/* The number of a field in its schema. */
static inline size_t stele__field_number(const stele_schema *schema, const stele_field *field)
{
    return (size_t)(field - schema->fields);
}
/* Begins an entry: everything but its changes. */
stele_status stele__entry_begin(const stele_schema *schema, const char *id, stele_change_type type,
                                const stele_track_options *options, stele_entry *ret_entry,
                                stele_error *reterr);
/* Of a deletion, when the id is known and not the entity. */
stele_status stele__track_delete(const stele_schema *schema, const char *id,
                                 const stele_track_options *options, stele_entry *ret_entry,
                                 stele_error *reterr);

/* ---- entry.c: reading an entry, in whichever form */

/* An entry that is being read, and what it said so far. */
typedef struct stele__reading {
    const stele_schema *schema;
    stele_entry *entry;
    void *before; /* zeroed structs */
    void *after;
    uint64_t seen[STELE_ENTITY_FIELDS_MAX / 64]; /* a bit for each field of the schema */
} stele__reading;

stele_status stele__entry_damaged(const stele_schema *schema, const char *what,
                                  stele_error *reterr);
/* Takes note of a change of a field, whose values are read into `before` and `after`. */
stele_status stele__reading_add(stele__reading *reading, const stele_field *field,
                                stele_error *reterr);
stele_status stele__entry_read_json(stele__reading *reading, const char *json, size_t size,
                                    stele_error *reterr);
stele_status stele__entry_read_binary(stele__reading *reading, const uint8_t *bytes, size_t size,
                                      stele_error *reterr);
/* The first byte of the compact form: no JSON begins with it. */
enum { STELE_ENTRY_FORM = 1 };

/* ---- repository.c */

/* The state of an entity: what stele_repository_get() tells, and the struct behind it. A copy of
 * its bytes is as good. */
typedef struct stele__entity_state {
    stele_entity_info info;
    uint32_t exists;
    uint32_t reserved;
    _Alignas(max_align_t) uint8_t entity[];
} stele__entity_state;

typedef struct stele__table stele__table;

struct stele_repository {
    stele_fold fold; /* of entities: first, so that its functions find the rest */
    stele_domain *domain;
    const stele_schema *schema;
    stele_repository_options options;
    const stele_alloc *alloc;
    const stele_clock *clock;
    stele__table *table;
};

/* Memory for structs of the entity: `count` of them, one behind the other, aligned. NULL: none. */
void *stele__entity_memory(const stele_repository *repository, size_t count);
void stele__entity_release(const stele_repository *repository, void *memory, size_t count);
/* The distance from one to the next. */
size_t stele__entity_stride(const stele_schema *schema);
/* The entry that an event carries. Its sequence is told by the event's revision, not by what is
 * written in it. STELE_CORRUPT: it is none. */
stele_status stele__entity_entry(const stele_repository *repository, const stele_record *event,
                                 void *memory, stele_entry *ret_entry, stele_error *reterr);
/* The same of an event that may be something else, which stands in the stream all the same. */
stele_status stele__entity_take(const stele_repository *repository, const stele_record *event,
                                void *memory, stele_entry *ret_entry, bool *ret_is_entry,
                                stele_error *reterr);
/* Applies an entry to a state, whether it makes sense or not. */
void stele__entity_apply(const stele_repository *repository, const stele_entry *entry,
                         stele_position position, stele__entity_state *state);
stele_status stele__entity_stream(const stele_repository *repository, const char *id,
                                  char ret_stream[STELE_STREAM_NAME_SIZE_MAX + 1],
                                  stele_error *reterr);
stele_status stele__entity_missing(const stele_repository *repository, const char *id,
                                   bool is_deleted, stele_error *reterr);

/* ---- table.c */

stele_status stele__table_create(stele_repository *repository, stele_error *reterr);
void stele__table_free(stele__table *table);

#endif

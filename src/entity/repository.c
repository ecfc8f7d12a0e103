/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Repositories: entries applied to a store.
 *
 * E1  Each entry of an entity is one event of its stream, and its sequence is the event's revision
 * + 1. So the store's expectation of a revision is the check of the sequence: none is missing, none
 * stands there twice, whoever writes. E2  What an entity is now is the fold of its entries, as any
 * aggregate is: it is cached and snapshotted by the domain, and an entry is applied by a decision
 * that has loaded it. E3  An event's id is made of its stream, sequence and bytes; so an entry that
 * comes again is known by the id that stands at its place.
 */
#include "base/hash.h"
#include "domain/domain.h"
#include "entity/parts.h"

/* ---- memory */

size_t stele__entity_stride(const stele_schema *schema)
{
    const size_t align = _Alignof(max_align_t);
    return (schema->size + align - 1) / align * align;
}

void *stele__entity_memory(const stele_repository *repository, size_t count)
{
    return stele__allocate_array(repository->alloc, count,
                                 stele__entity_stride(repository->schema));
}

void stele__entity_release(const stele_repository *repository, void *memory, size_t count)
{
    stele__release(repository->alloc, memory, count * stele__entity_stride(repository->schema));
}

/* ---- the fold */

stele_status stele__entity_entry(const stele_repository *repository, const stele_record *event,
                                 void *memory, stele_entry *ret_entry, stele_error *reterr)
{
    stele_error inner;
    const stele_status status = stele_entry_read(repository->schema, event->data.data,
                                                 event->data.size, memory, ret_entry, &inner);
    if (status != STELE_OK) {
        return stele__fail(reterr, STELE_CORRUPT, "event %" PRIu64 " of %.*s (%.*s): %s",
                           event->revision, STELE_TEXT(event->stream), STELE_TEXT(event->type),
                           inner.message);
    }
    ret_entry->sequence = event->revision + 1;
    return STELE_OK;
}

void stele__entity_apply(const stele_repository *repository, const stele_entry *entry,
                         stele_position position, stele__entity_state *state)
{
    state->info.sequence = entry->sequence;
    state->info.updated_at = entry->timestamp;
    state->info.position = position;
    if (entry->change_type == STELE_CHANGE_DELETED) {
        state->exists = 0;
        state->info.is_deleted = 1;
        return;
    }
    if (entry->change_type == STELE_CHANGE_CREATED) {
        memset(state->entity, 0, repository->schema->size);
        state->exists = 1;
        state->info.is_deleted = 0;
        state->info.created_at = entry->timestamp;
    }
    for (size_t i = 0; i < entry->change_count && state->exists; i++) {
        stele__field_copy(entry->changes[i].field, entry->changes[i].after, state->entity);
    }
}

/* Whether an event is an entry of the type, by its own type: "Order.Updated". Others may stand in
 * the stream; they mean nothing here, but take a sequence. */
static bool is_entry(const stele_schema *schema, stele_text type)
{
    const stele_text name = stele__text(schema->name);
    if (type.size <= name.size || memcmp(type.data, name.data, name.size) != 0 ||
        type.data[name.size] != '.') {
        return false;
    }
    const stele_text change = {type.data + name.size + 1, type.size - name.size - 1};
    for (int i = STELE_CHANGE_CREATED; i <= STELE_CHANGE_DELETED; i++) {
        if (stele__text_equal(change, stele__text(stele_change_type_name((stele_change_type)i)))) {
            return true;
        }
    }
    return false;
}

stele_status stele__entity_take(const stele_repository *repository, const stele_record *event,
                                void *memory, stele_entry *ret_entry, bool *ret_is_entry,
                                stele_error *reterr)
{
    *ret_is_entry = is_entry(repository->schema, event->type);
    return *ret_is_entry ? stele__entity_entry(repository, event, memory, ret_entry, reterr)
                         : STELE_OK;
}

static stele_status apply_event(const stele_fold *fold, void *state, const stele_record *event,
                                stele_error *reterr)
{
    enum { FEW = 8192 };
    const stele_repository *repository = (const stele_repository *)fold;
    union {
        max_align_t align;
        uint8_t bytes[FEW];
    } few;
    stele__entity_state *entity = state;
    stele_entry entry;
    bool is_one;
    const bool is_large = 2 * repository->schema->size > FEW;
    void *memory = is_large ? stele__entity_memory(repository, 2) : &few;
    if (!memory) {
        return stele__fail_memory(reterr);
    }
    const stele_status status =
        stele__entity_take(repository, event, memory, &entry, &is_one, reterr);
    if (status == STELE_OK && is_one) {
        /* No position: what is only decided has none yet, and a kept state is the same as any. */
        stele__entity_apply(repository, &entry, 0, entity);
    } else if (status == STELE_OK) {
        entity->info.sequence = event->revision + 1;
    }
    if (is_large) {
        stele__entity_release(repository, memory, 2);
    }
    return status;
}

/* A number for what the state's bytes mean: with another one, what was kept of them is not used. */
static uint32_t print_of(const stele_schema *schema)
{
    static const stele__hash_key key = {0x656e74697479, 1};
    uint64_t print = stele__hash(&key, schema->name, strlen(schema->name)) ^ schema->size;
    for (size_t i = 0; i < schema->field_count; i++) {
        const stele_field *field = &schema->fields[i];
        const char *name = stele_field_name(field);
        const uint64_t parts[] = {print,
                                  stele__hash(&key, name, strlen(name)),
                                  field->offset,
                                  field->size,
                                  field->presence_offset,
                                  field->count_offset,
                                  field->size_offset,
                                  (uint64_t)field->kind,
                                  field->flags,
                                  field->count_max,
                                  field->scale,
                                  field->nested ? print_of(field->nested()) : 0};
        print = stele__hash(&key, parts, sizeof parts);
    }
    const uint32_t word = 1; /* bytes are in the order of this machine */
    uint8_t first;
    memcpy(&first, &word, 1);
    return (uint32_t)(print >> 32 ^ print) ^ first;
}

/* ---- opening */

static stele_status check_type(const char *type, stele_error *reterr)
{
    /* The longest of what is made of it: the type of its events. */
    const size_t size = strlen(type);
    if (type[0] == '$' || strchr(type, '-') || size + sizeof ".Created" > STELE_TYPE_SIZE_MAX ||
        size + 1 + STELE_ENTITY_ID_SIZE_MAX > STELE_STREAM_NAME_SIZE_MAX) {
        return stele__fail(reterr, STELE_INVALID_NAME,
                           "%.40s cannot be the type of entities: it is the category of their "
                           "streams, so it has no '-', does not begin with '$', and leaves room "
                           "for an id",
                           type);
    }
    return STELE_OK;
}

stele_status stele_repository_open(stele_domain *domain, const stele_schema *schema,
                                   const stele_repository_options *options,
                                   stele_repository **ret_repository, stele_error *reterr)
{
    static const stele_repository_options defaults;
    const stele_repository_options *given = options ? options : &defaults;
    if (!domain || !schema || !ret_repository) {
        return stele__fail(reterr, STELE_INVALID, "a repository needs a domain, a schema, a place");
    }
    if (given->version != 0) {
        return stele__fail(reterr, STELE_INVALID,
                           "the options are of version %" PRIu32
                           ", which this library does not know",
                           given->version);
    }
    STELE_TRY(stele_entity_check(schema, reterr));
    STELE_TRY(check_type(schema->name, reterr));
    const stele_alloc *alloc = stele__domain_alloc(domain);
    stele_repository *repository = stele__allocate_zero(alloc, sizeof *repository);
    if (!repository) {
        return stele__fail_memory(reterr);
    }
    repository->fold = (stele_fold){.name = schema->name,
                                    .schema_version = print_of(schema),
                                    .state_size = sizeof(stele__entity_state) + schema->size,
                                    .is_plain = 1,
                                    .apply_by = apply_event};
    repository->domain = domain;
    repository->schema = schema;
    repository->options = *given;
    repository->alloc = alloc;
    repository->clock = stele__domain_clock(domain);
    const stele_status status = stele__table_create(repository, reterr);
    if (status != STELE_OK) {
        stele_repository_close(repository);
        return status;
    }
    *ret_repository = repository;
    return STELE_OK;
}

void stele_repository_close(stele_repository *repository)
{
    if (repository) {
        stele__table_free(repository->table);
        stele__release(repository->alloc, repository, sizeof *repository);
    }
}

stele_status stele__entity_stream(const stele_repository *repository, const char *id,
                                  char ret_stream[STELE_STREAM_NAME_SIZE_MAX + 1],
                                  stele_error *reterr)
{
    const size_t size = id ? strlen(id) : 0;
    if (size == 0 || size > STELE_ENTITY_ID_SIZE_MAX) {
        return stele__fail(reterr, STELE_INVALID_NAME,
                           "the id of a %s has %zu bytes; 1 to %d can be", repository->schema->name,
                           size, STELE_ENTITY_ID_SIZE_MAX);
    }
    return stele_aggregate_stream(&repository->fold, id, ret_stream, reterr);
}

stele_status stele__entity_missing(const stele_repository *repository, const char *id,
                                   bool is_deleted, stele_error *reterr)
{
    return is_deleted ? stele__fail(reterr, STELE_NOT_FOUND_DELETED, "the %s %s is deleted",
                                    repository->schema->name, id)
                      : stele__fail(reterr, STELE_NOT_FOUND, "there is no %s %s",
                                    repository->schema->name, id);
}

/* ---- applying */

/* What was decided for an entry of this batch. */
typedef struct placed {
    uint64_t sequence; /* 0: nothing was */
    stele_uuid id;
} placed;

typedef struct applying {
    stele_repository *repository;
    const stele_entry *entries;
    size_t count;
    placed *placed;
    stele_writer bytes;
    stele_applied applied;
    stele_status refused; /* by what the entries say: no other attempt will help */
} applying;

static stele_status refuse(applying *apply, stele_status status)
{
    apply->refused = status;
    return STELE_CANCELLED;
}

/* The event of an entry at a sequence. Its bytes are in apply->bytes. */
static stele_status make_event(applying *apply, const stele_entry *entry, uint64_t sequence,
                               char type[STELE_TYPE_SIZE_MAX + 1], stele_event *ret_event,
                               stele_error *reterr)
{
    static const stele_uuid name_space = {{0x5b, 0x1c, 0x6e, 0x0d, 0x3f, 0x0e, 0x4b, 0x0a, 0x9a,
                                           0x6c, 0x52, 0xd7, 0x63, 0x4e, 0x10, 0x01}};
    const bool is_binary = apply->repository->options.is_binary != 0;
    stele_writer *to = &apply->bytes;
    stele_entry copy = *entry;
    copy.sequence = sequence;
    stele_writer_reset(to);
    STELE_TRY(is_binary ? stele_entry_write_binary(&copy, to, reterr)
                        : stele_entry_write_json(&copy, to, reterr));
    const size_t name_size = strlen(entry->schema->name);
    memcpy(type, entry->schema->name, name_size);
    type[name_size] = '.';
    const stele_text change = stele__text(stele_change_type_name(entry->change_type));
    memcpy(type + name_size + 1, change.data, change.size + 1);
    /* The bytes name type, entity and sequence. */
    const stele_uuid id = stele_uuid_from_name(&name_space, to->data, to->size);
    *ret_event = (stele_event){.id = id,
                               .type = type,
                               .data_format = is_binary ? STELE_BINARY : STELE_JSON,
                               .data = {(const uint8_t *)to->data, to->size}};
    return STELE_OK;
}

/* The id of the event that stands at a sequence of an entity. */
static stele_status stored_id(const applying *apply, const char *id, uint64_t sequence,
                              stele_uuid *ret_id, bool *ret_found, stele_error *reterr)
{
    char stream[STELE_STREAM_NAME_SIZE_MAX + 1];
    stele_cursor *cursor;
    stele_error own;
    stele_error *error = reterr ? reterr : &own;
    *ret_found = false;
    STELE_TRY(stele__entity_stream(apply->repository, id, stream, error));
    const stele_read read = {.stream = stream,
                             .from = {STELE_POINT_REVISION, sequence - 1},
                             .limit = 1};
    STELE_TRY(
        stele_read_open(stele_domain_store(apply->repository->domain), &read, &cursor, error));
    const stele_record *event = stele_cursor_next(cursor, error);
    if (event && event->revision == sequence - 1) {
        *ret_id = event->id;
        *ret_found = true;
    }
    stele_cursor_free(cursor);
    return error->status;
}

/* An entry whose sequence is taken: by itself, or by another one? */
static stele_status compare_known(applying *apply, size_t number, stele_error *reterr)
{
    const stele_entry *entry = &apply->entries[number];
    char type[STELE_TYPE_SIZE_MAX + 1];
    stele_event event;
    stele_uuid there;
    bool is_found = false;
    STELE_TRY(make_event(apply, entry, entry->sequence, type, &event, reterr));
    for (size_t i = 0; i < number && !is_found; i++) {
        if (apply->placed[i].sequence == entry->sequence &&
            strcmp(apply->entries[i].entity_id, entry->entity_id) == 0) {
            there = apply->placed[i].id;
            is_found = true;
        }
    }
    if (!is_found) {
        STELE_TRY(stored_id(apply, entry->entity_id, entry->sequence, &there, &is_found, reterr));
    }
    if (is_found && memcmp(&there, &event.id, sizeof there) == 0) {
        apply->applied.known++;
        return STELE_OK;
    }
    return refuse(apply, stele__fail(reterr, STELE_CONFLICT_REVISION,
                                     "another entry of %s %s has sequence %" PRIu64 " already",
                                     entry->schema->name, entry->entity_id, entry->sequence));
}

/* Whether there is nothing to do for an entry, and that is fine. */
static bool has_nothing_to_do(const stele_entry *entry, const stele__entity_state *state)
{
    return (entry->change_type == STELE_CHANGE_CREATED && state->exists) ||
           (entry->change_type == STELE_CHANGE_DELETED && state->info.sequence == 0);
}

static stele_status check_strictly(applying *apply, const stele_entry *entry,
                                   const stele__entity_state *state, stele_error *reterr)
{
    if (entry->change_type == STELE_CHANGE_CREATED && state->exists) {
        return refuse(apply,
                      stele__fail(reterr, STELE_CONFLICT_REVISION, "there is a %s %s already",
                                  entry->schema->name, entry->entity_id));
    }
    if (entry->change_type == STELE_CHANGE_DELETED && !state->exists) {
        return refuse(apply, stele__entity_missing(apply->repository, entry->entity_id,
                                                   state->info.is_deleted != 0, reterr));
    }
    return STELE_OK;
}

/* An update changes what it says that it changes. */
static stele_status check_update(applying *apply, const stele_entry *entry,
                                 const stele__entity_state *state, stele_error *reterr)
{
    if (!state->exists) {
        return refuse(apply, stele__entity_missing(apply->repository, entry->entity_id,
                                                   state->info.is_deleted != 0, reterr));
    }
    for (size_t i = 0; i < entry->change_count; i++) {
        const stele_change *change = &entry->changes[i];
        if (!stele__field_equal(change->field, change->before, state->entity)) {
            return refuse(apply,
                          stele__fail(reterr, STELE_CONFLICT_REVISION,
                                      "%s of %s %s is not what the update changes: somebody else "
                                      "was faster",
                                      stele_field_name(change->field), entry->schema->name,
                                      entry->entity_id));
        }
    }
    return STELE_OK;
}

static stele_status apply_entry(applying *apply, stele_decision *decision, size_t number,
                                stele_error *reterr)
{
    const stele_entry *entry = &apply->entries[number];
    const stele_repository *repository = apply->repository;
    char type[STELE_TYPE_SIZE_MAX + 1];
    const void *loaded;
    stele_event event;
    STELE_TRY(stele_decision_load(decision, &repository->fold, entry->entity_id, &loaded, reterr));
    const stele__entity_state *state = loaded;
    const uint64_t next = state->info.sequence + 1;
    apply->applied.sequence = state->info.sequence;
    if (entry->sequence != 0 && entry->sequence < next) {
        return compare_known(apply, number, reterr);
    }
    if (repository->options.is_strict) {
        STELE_TRY(check_strictly(apply, entry, state, reterr));
    }
    if (entry->sequence > next && !(entry->change_type == STELE_CHANGE_DELETED && next == 1)) {
        return refuse(apply,
                      stele__fail(reterr, STELE_INVALID_SEQUENCE,
                                  "entry %" PRIu64 " of %s %s comes where %" PRIu64
                                  " is the next: one was lost, or they are out of order",
                                  entry->sequence, entry->schema->name, entry->entity_id, next));
    }
    if (has_nothing_to_do(entry, state)) {
        apply->applied.known++;
        return STELE_OK;
    }
    if (entry->change_type == STELE_CHANGE_UPDATED) {
        STELE_TRY(check_update(apply, entry, state, reterr));
    }
    STELE_TRY(make_event(apply, entry, next, type, &event, reterr));
    STELE_TRY(stele_decide_event(decision, &repository->fold, entry->entity_id, &event, reterr));
    apply->placed[number] = (placed){next, event.id};
    apply->applied.sequence = next;
    apply->applied.written++;
    return STELE_OK;
}

static stele_status apply_entries(stele_decision *decision, const void *command,
                                  stele_error *reterr)
{
    applying *apply = *(applying *const *)command;
    apply->applied = (stele_applied){0};
    apply->refused = STELE_OK;
    memset(apply->placed, 0, apply->count * sizeof *apply->placed);
    for (size_t i = 0; i < apply->count; i++) {
        STELE_TRY(apply_entry(apply, decision, i, reterr));
    }
    return STELE_OK;
}

static stele_status check_entries(const stele_repository *repository, const stele_entry *entries,
                                  size_t count, stele_error *reterr)
{
    for (size_t i = 0; i < count; i++) {
        const stele_entry *entry = &entries[i];
        if (!entry->schema || !stele__schema_same(entry->schema, repository->schema)) {
            return stele__fail(reterr, STELE_INVALID_ENTITY,
                               "entry %zu is of a %s, and this is a repository of %s", i,
                               entry->schema ? entry->schema->name : "?", repository->schema->name);
        }
        if (*stele_change_type_name(entry->change_type) == '\0' ||
            entry->change_count > STELE_ENTITY_FIELDS_MAX ||
            (entry->change_type == STELE_CHANGE_UPDATED && entry->change_count == 0)) {
            return stele__fail(reterr, STELE_INVALID, "entry %zu says of nothing what happened", i);
        }
    }
    return STELE_OK;
}

stele_status stele_repository_apply(stele_repository *repository, const stele_entry *entries,
                                    size_t count, const stele_apply_options *options,
                                    stele_applied *ret_applied, stele_error *reterr)
{
    static const stele_apply_options defaults;
    const stele_apply_options *given = options ? options : &defaults;
    if (!repository || (!entries && count > 0) || given->version != 0) {
        return stele__fail(reterr, STELE_INVALID,
                           "no repository, no entries, or options of another version");
    }
    if (count > STELE_COMMIT_EVENTS_MAX) {
        return stele__fail(reterr, STELE_INVALID_LIMIT, "more than %d entries are applied at once",
                           STELE_COMMIT_EVENTS_MAX);
    }
    STELE_TRY(check_entries(repository, entries, count, reterr));
    placed one;
    applying apply = {.repository = repository,
                      .entries = entries,
                      .count = count,
                      .placed = count <= 1 ? &one
                                           : stele__allocate_array(repository->alloc, count,
                                                                   sizeof(placed)),
                      .bytes = stele_writer_on(repository->alloc)};
    if (!apply.placed) {
        return stele__fail_memory(reterr);
    }
    const stele_execute_options executed = {.command_id = given->command_id,
                                            .attempts_max = given->attempts_max,
                                            .durability = given->durability};
    stele_outcome outcome;
    applying *command = &apply;
    stele_status status =
        stele_execute(repository->domain, apply_entries, &command, &executed, &outcome, reterr);
    status = status == STELE_CANCELLED && apply.refused != STELE_OK ? apply.refused : status;
    if (status == STELE_OK && outcome.already_applied && apply.applied.written == 0) {
        apply.applied.known = (uint32_t)count;
    }
    apply.applied.position = outcome.position;
    if (status == STELE_OK && ret_applied) {
        *ret_applied = apply.applied;
    }
    stele_writer_done(&apply.bytes);
    if (apply.placed != &one) {
        stele__release(repository->alloc, apply.placed, count * sizeof(placed));
    }
    return status;
}

/* ---- one at a time */

/* What is said of a change, with the time of the repository's clock. */
static stele_track_options track_by(const stele_repository *repository,
                                    const stele_track_options *tracked)
{
    stele_track_options options = tracked ? *tracked : (stele_track_options){0};
    if (options.timestamp == 0) {
        options.timestamp = repository->clock->now(repository->clock->context);
    }
    return options;
}

stele_status stele_repository_create(stele_repository *repository, const void *entity,
                                     const stele_track_options *tracked, stele_applied *ret_applied,
                                     stele_error *reterr)
{
    const stele_track_options options = track_by(repository, tracked);
    stele_entry entry;
    STELE_TRY(stele_track_create(repository->schema, entity, &options, &entry, reterr));
    return stele_repository_apply(repository, &entry, 1, NULL, ret_applied, reterr);
}

stele_status stele_repository_update(stele_repository *repository, const void *before,
                                     const void *after, const stele_track_options *tracked,
                                     stele_applied *ret_applied, stele_error *reterr)
{
    const stele_track_options options = track_by(repository, tracked);
    stele_entry entry;
    STELE_TRY(stele_track_update(repository->schema, before, after, &options, &entry, reterr));
    return stele_repository_apply(repository, &entry, 1, NULL, ret_applied, reterr);
}

stele_status stele_repository_delete(stele_repository *repository, const char *id,
                                     const stele_track_options *tracked, stele_applied *ret_applied,
                                     stele_error *reterr)
{
    const stele_track_options options = track_by(repository, tracked);
    stele_entry entry;
    STELE_TRY(stele__track_delete(repository->schema, id, &options, &entry, reterr));
    return stele_repository_apply(repository, &entry, 1, NULL, ret_applied, reterr);
}

static stele_status modify(stele_repository *repository, const char *id, stele_mutator mutate,
                           void *context, const stele_track_options *options, void *structs,
                           void *ret_entity, stele_applied *ret_applied, stele_error *reterr)
{
    void *entity = structs;
    void *before = (char *)structs + stele__entity_stride(repository->schema);
    stele_status status = STELE_CONFLICT;
    for (unsigned i = 0; i < STELE_ATTEMPTS_DEFAULT && status == STELE_CONFLICT; i++) {
        stele_entry entry;
        STELE_TRY(stele_repository_get(repository, id, entity, NULL, reterr));
        STELE_TRY(stele_track_mutation(repository->schema, entity, mutate, context, before, options,
                                       &entry, reterr));
        status = stele_repository_apply(repository, &entry, 1, NULL, ret_applied, reterr);
    }
    if (status == STELE_OK && ret_entity) {
        memcpy(ret_entity, entity, repository->schema->size);
    }
    return status;
}

stele_status stele_repository_modify(stele_repository *repository, const char *id,
                                     stele_mutator mutate, void *context,
                                     const stele_track_options *tracked, void *ret_entity,
                                     stele_applied *ret_applied, stele_error *reterr)
{
    const stele_track_options options = track_by(repository, tracked);
    void *structs = stele__entity_memory(repository, 2);
    if (!structs) {
        return stele__fail_memory(reterr);
    }
    const stele_status status =
        modify(repository, id, mutate, context, &options, structs, ret_entity, ret_applied, reterr);
    stele__entity_release(repository, structs, 2);
    return status;
}

/* The entry of a restoration: `info` is what is known of the entity now. */
static stele_status restore(stele_repository *repository, const char *id, uint64_t sequence,
                            const stele_entity_info *info, const stele_track_options *options,
                            void *entity, stele_applied *ret_applied, stele_error *reterr)
{
    stele_entity_info then;
    stele_entry entry;
    const uint64_t wanted = sequence ? sequence : info->sequence - 1;
    stele_status status =
        stele_repository_as_of(repository, id, stele_as_of_sequence(wanted), entity, &then, reterr);
    /* It may have been deleted more than once in a row. */
    while (status == STELE_NOT_FOUND && sequence == 0 && then.is_deleted && then.sequence > 1) {
        status = stele_repository_as_of(repository, id, stele_as_of_sequence(then.sequence - 1),
                                        entity, &then, reterr);
    }
    STELE_TRY(status);
    STELE_TRY(stele_track_create(repository->schema, entity, options, &entry, reterr));
    entry.restores = then.sequence;
    entry.sequence = entry.sequence ? entry.sequence : info->sequence + 1;
    return stele_repository_apply(repository, &entry, 1, NULL, ret_applied, reterr);
}

stele_status stele_repository_restore(stele_repository *repository, const char *id,
                                      uint64_t sequence, const stele_track_options *tracked,
                                      stele_applied *ret_applied, stele_error *reterr)
{
    const stele_track_options options = track_by(repository, tracked);
    stele_entity_info info;
    void *entity = stele__entity_memory(repository, 1);
    if (!entity) {
        return stele__fail_memory(reterr);
    }
    stele_status status = stele_repository_get(repository, id, entity, &info, reterr);
    if (status == STELE_OK) {
        status = stele__fail(reterr, STELE_CONFLICT_REVISION,
                             "there is a %s %s: nothing to restore", repository->schema->name, id);
    } else if (status == STELE_NOT_FOUND && info.is_deleted) {
        status = restore(repository, id, sequence, &info, &options, entity, ret_applied, reterr);
    }
    stele__entity_release(repository, entity, 1);
    return status;
}

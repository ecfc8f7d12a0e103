/* SPDX-License-Identifier: Apache-2.0 */
/* Tracking: entries made from structs, and applied to structs. Nothing here allocates. */
#include "entity/parts.h"

const char *stele_change_type_name(stele_change_type type)
{
    static const char *const names[] = {"", "Created", "Updated", "Deleted"};
    return (unsigned)type < sizeof names / sizeof *names ? names[type] : "";
}

/* ---- the key */

static const stele_field *key_of(const stele_schema *schema)
{
    for (size_t i = 0; i < schema->field_count; i++) {
        if (schema->fields[i].flags & STELE_FIELD_KEY) {
            return &schema->fields[i];
        }
    }
    return NULL;
}

stele_status stele_entity_check(const stele_schema *schema, stele_error *reterr)
{
    const stele_field *key = NULL;
    STELE_TRY(stele_schema_check(schema, reterr));
    if (schema->field_count > STELE_ENTITY_FIELDS_MAX || schema->size > STELE_ENTITY_SIZE_MAX) {
        return stele__fail(reterr, STELE_INVALID_LIMIT,
                           "an entity has at most %d fields and %zu bytes, %s has %zu and %zu",
                           STELE_ENTITY_FIELDS_MAX, STELE_ENTITY_SIZE_MAX, schema->name,
                           schema->field_count, schema->size);
    }
    for (size_t i = 0; i < schema->field_count; i++) {
        const stele_field *field = &schema->fields[i];
        if (!(field->flags & STELE_FIELD_KEY)) {
            continue;
        }
        if (key) {
            return stele__fail(reterr, STELE_INVALID, "%s has two keys, %s and %s", schema->name,
                               stele_field_name(key), stele_field_name(field));
        }
        key = field;
    }
    if (!key) {
        return stele__fail(reterr, STELE_INVALID, "no field of %s is its KEY", schema->name);
    }
    const bool is_kind = key->kind == STELE_KIND_INTEGER || key->kind == STELE_KIND_UNSIGNED ||
                         key->kind == STELE_KIND_TEXT || key->kind == STELE_KIND_UUID ||
                         key->kind == STELE_KIND_CHOICE;
    if (!is_kind || key->count_max || key->presence_offset ||
        (key->flags & (STELE_FIELD_SKIP | STELE_FIELD_UNCOMPARED))) {
        return stele__fail(reterr, STELE_INVALID,
                           "%s cannot be the key of %s: it wants an integer, text, UUID or choice "
                           "that is always there and stored",
                           stele_field_name(key), schema->name);
    }
    return STELE_OK;
}

static stele_status fail_id(const stele_schema *schema, const char *why, stele_error *reterr)
{
    return stele__fail(reterr, STELE_INVALID_NAME, "the id of the %s %s", schema->name, why);
}

static stele_status check_id(const stele_schema *schema, stele_text id, stele_error *reterr)
{
    if (id.size == 0) {
        return fail_id(schema, "is empty", reterr);
    }
    if (id.size > STELE_ENTITY_ID_SIZE_MAX) {
        return fail_id(schema, "has more than 255 bytes", reterr);
    }
    return stele__text_is_utf8(id) ? STELE_OK : fail_id(schema, "is not UTF-8", reterr);
}

stele_status stele_entity_id(const stele_schema *schema, const void *entity,
                             char ret_id[STELE_ENTITY_ID_SIZE_MAX + 1], stele_error *reterr)
{
    const stele_field *key = key_of(schema);
    char scratch[STELE_UUID_TEXT_SIZE];
    stele_text id;
    if (!key) {
        return stele__fail(reterr, STELE_INVALID, "no field of %s is its KEY", schema->name);
    }
    if (!stele__field_text(key, entity, scratch, &id)) {
        return fail_id(schema, "cannot be told: it has no name or no end", reterr);
    }
    STELE_TRY(check_id(schema, id, reterr));
    memcpy(ret_id, id.data, id.size);
    ret_id[id.size] = '\0';
    return STELE_OK;
}

/* ---- making entries */

stele_status stele__entry_begin(const stele_schema *schema, const char *id, stele_change_type type,
                                const stele_track_options *options, stele_entry *ret_entry,
                                stele_error *reterr)
{
    const stele_clock *clock = stele_clock_system();
    const stele_text name = stele__text(id);
    ret_entry->schema = schema;
    ret_entry->change_type = type;
    ret_entry->sequence = options ? options->sequence : 0;
    ret_entry->timestamp =
        options && options->timestamp ? options->timestamp : clock->now(clock->context);
    ret_entry->restores = 0;
    ret_entry->actor[0] = '\0';
    ret_entry->change_count = 0;
    STELE_TRY(check_id(schema, name, reterr));
    memcpy(ret_entry->entity_id, name.data, name.size + 1);
    if (options && options->actor) {
        const stele_text actor = stele__text(options->actor);
        if (actor.size > STELE_ACTOR_SIZE_MAX || !stele__text_is_utf8(actor)) {
            return stele__fail(reterr, STELE_INVALID_LIMIT,
                               "the name of the actor has more than %d bytes, or is not UTF-8",
                               STELE_ACTOR_SIZE_MAX);
        }
        memcpy(ret_entry->actor, actor.data, actor.size + 1);
    }
    return STELE_OK;
}

stele_status stele_track_create(const stele_schema *schema, const void *entity,
                                const stele_track_options *options, stele_entry *ret_entry,
                                stele_error *reterr)
{
    char id[STELE_ENTITY_ID_SIZE_MAX + 1];
    STELE_TRY(stele_entity_id(schema, entity, id, reterr));
    STELE_TRY(stele__entry_begin(schema, id, STELE_CHANGE_CREATED, options, ret_entry, reterr));
    for (size_t i = 0; i < schema->field_count; i++) {
        if (stele__entity_has_field(&schema->fields[i])) {
            ret_entry->changes[ret_entry->change_count++] =
                (stele_change){&schema->fields[i], NULL, entity};
        }
    }
    return STELE_OK;
}

stele_status stele_track_update(const stele_schema *schema, const void *before, const void *after,
                                const stele_track_options *options, stele_entry *ret_entry,
                                stele_error *reterr)
{
    char id[STELE_ENTITY_ID_SIZE_MAX + 1];
    bool is_changed = false;
    STELE_TRY(stele_entity_id(schema, before, id, reterr));
    STELE_TRY(stele__entry_begin(schema, id, STELE_CHANGE_UPDATED, options, ret_entry, reterr));
    for (size_t i = 0; i < schema->field_count; i++) {
        const stele_field *field = &schema->fields[i];
        if (!stele__entity_has_field(field) || stele__field_equal(field, before, after)) {
            continue;
        }
        if (field->flags & STELE_FIELD_KEY) {
            return stele__fail(reterr, STELE_INVALID_ENTITY,
                               "the key of %s %s cannot be changed: that is another entity",
                               schema->name, id);
        }
        is_changed |= (field->flags & STELE_FIELD_UNCOMPARED) == 0;
        ret_entry->changes[ret_entry->change_count++] = (stele_change){field, before, after};
    }
    return is_changed ? STELE_OK
                      : stele__fail(reterr, STELE_INVALID_UNCHANGED, "nothing of %s %s is changed",
                                    schema->name, id);
}

stele_status stele_track_mutation(const stele_schema *schema, void *entity, stele_mutator mutate,
                                  void *context, void *ret_before,
                                  const stele_track_options *options, stele_entry *ret_entry,
                                  stele_error *reterr)
{
    memcpy(ret_before, entity, schema->size);
    (void)stele__succeed(reterr);
    stele_status status = mutate(entity, context, reterr);
    if (status != STELE_OK && reterr && reterr->status != status) {
        (void)stele__fail(reterr, status, "the change of a %s was refused", schema->name);
    }
    if (status == STELE_OK) {
        status = stele_track_update(schema, ret_before, entity, options, ret_entry, reterr);
    }
    if (status != STELE_OK) {
        memcpy(entity, ret_before, schema->size);
    }
    return status;
}

stele_status stele__track_delete(const stele_schema *schema, const char *id,
                                 const stele_track_options *options, stele_entry *ret_entry,
                                 stele_error *reterr)
{
    return stele__entry_begin(schema, id, STELE_CHANGE_DELETED, options, ret_entry, reterr);
}

stele_status stele_track_delete(const stele_schema *schema, const void *entity,
                                const stele_track_options *options, stele_entry *ret_entry,
                                stele_error *reterr)
{
    char id[STELE_ENTITY_ID_SIZE_MAX + 1];
    STELE_TRY(stele_entity_id(schema, entity, id, reterr));
    return stele__track_delete(schema, id, options, ret_entry, reterr);
}

/* ---- replaying */

static stele_status check_target(const stele_schema *schema, const stele_entry *entry,
                                 const void *entity, stele_error *reterr)
{
    char id[STELE_ENTITY_ID_SIZE_MAX + 1];
    if (!stele__schema_same(entry->schema, schema)) {
        return stele__fail(reterr, STELE_INVALID_ENTITY, "the entry is of a %s, not of a %s",
                           entry->schema->name, schema->name);
    }
    if (entry->change_type == STELE_CHANGE_DELETED) {
        return stele__fail(reterr, STELE_INVALID_DELETED,
                           "the deletion of %s %s cannot be applied to an entity", schema->name,
                           entry->entity_id);
    }
    if (entry->change_type == STELE_CHANGE_UPDATED) {
        STELE_TRY(stele_entity_id(schema, entity, id, reterr));
        if (strcmp(id, entry->entity_id) != 0) {
            return stele__fail(reterr, STELE_INVALID_ENTITY,
                               "the entry is of %s %s, and the entity is %s", schema->name,
                               entry->entity_id, id);
        }
    }
    return STELE_OK;
}

stele_status stele_entity_replay(const stele_schema *schema, const stele_entry *entry, void *entity,
                                 stele_error *reterr)
{
    STELE_TRY(check_target(schema, entry, entity, reterr));
    if (entry->change_type == STELE_CHANGE_CREATED) {
        memset(entity, 0, schema->size);
    }
    for (size_t i = 0; i < entry->change_count; i++) {
        stele__field_copy(entry->changes[i].field, entry->changes[i].after, entity);
    }
    return STELE_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Reading an entry: what both forms have in common. */
#include "entity/parts.h"

stele_status stele__entry_damaged(const stele_schema *schema, const char *what, stele_error *reterr)
{
    return stele__fail(reterr, STELE_INVALID, "this is no entry of a %s: %s", schema->name, what);
}

stele_status stele__reading_add(stele__reading *reading, const stele_field *field,
                                stele_error *reterr)
{
    const size_t number = stele__field_number(reading->schema, field);
    uint64_t *word = &reading->seen[number / 64];
    const uint64_t bit = UINT64_C(1) << number % 64;
    if (*word & bit) {
        return stele__fail(reterr, STELE_INVALID, "an entry of a %s has two changes of %s",
                           reading->schema->name, stele_field_name(field));
    }
    *word |= bit;
    return STELE_OK;
}

/* The changes that were seen, in the order of declaration. */
static void list_changes(const stele__reading *reading)
{
    stele_entry *entry = reading->entry;
    const bool is_update = entry->change_type == STELE_CHANGE_UPDATED;
    entry->change_count = 0;
    for (size_t i = 0; i < reading->schema->field_count; i++) {
        if (reading->seen[i / 64] & UINT64_C(1) << i % 64) {
            entry->changes[entry->change_count++] =
                (stele_change){&reading->schema->fields[i], is_update ? reading->before : NULL,
                               reading->after};
        }
    }
}

/* A creation says which entity it makes, and an update leaves that alone. */
static stele_status check_key(const stele__reading *reading, stele_error *reterr)
{
    const stele_entry *entry = reading->entry;
    char id[STELE_ENTITY_ID_SIZE_MAX + 1];
    for (size_t i = 0; i < entry->change_count; i++) {
        if (entry->change_type == STELE_CHANGE_UPDATED &&
            entry->changes[i].field->flags & STELE_FIELD_KEY) {
            return stele__fail(reterr, STELE_INVALID_ENTITY, "the update of %s %s changes its key",
                               reading->schema->name, entry->entity_id);
        }
    }
    if (entry->change_type == STELE_CHANGE_CREATED &&
        (stele_entity_id(reading->schema, reading->after, id, NULL) != STELE_OK ||
         strcmp(id, entry->entity_id) != 0)) {
        return stele__fail(reterr, STELE_INVALID_ENTITY,
                           "the creation of %s %s makes another entity", reading->schema->name,
                           entry->entity_id);
    }
    return STELE_OK;
}

stele_status stele_entry_read(const stele_schema *schema, const void *bytes, size_t size,
                              void *memory, stele_entry *ret_entry, stele_error *reterr)
{
    stele__reading reading = {.schema = schema,
                              .entry = ret_entry,
                              .before = memory,
                              .after = (char *)memory + schema->size};
    const uint8_t *first = bytes;
    memset(memory, 0, 2 * schema->size);
    ret_entry->schema = schema;
    ret_entry->entity_id[0] = '\0';
    ret_entry->actor[0] = '\0';
    ret_entry->change_type = (stele_change_type)0;
    ret_entry->timestamp = 0;
    ret_entry->sequence = 0;
    ret_entry->restores = 0;
    ret_entry->change_count = 0;
    STELE_TRY(size > 0 && *first == STELE_ENTRY_FORM
                  ? stele__entry_read_binary(&reading, bytes, size, reterr)
                  : stele__entry_read_json(&reading, bytes, size, reterr));
    list_changes(&reading);
    if (ret_entry->entity_id[0] == '\0' || *stele_change_type_name(ret_entry->change_type) == 0) {
        return stele__entry_damaged(schema, "it does not say of what, or what happened", reterr);
    }
    if (ret_entry->change_type == STELE_CHANGE_DELETED && ret_entry->change_count > 0) {
        return stele__entry_damaged(schema, "a deletion has no fields", reterr);
    }
    if (ret_entry->restores > 0 && ret_entry->change_type != STELE_CHANGE_CREATED) {
        return stele__entry_damaged(schema, "only a creation restores", reterr);
    }
    return check_key(&reading, reterr);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Entries as JSON, with the names that the change log has had since its first document. */
#include "base/json.h"
#include "entity/parts.h"

/* ---- writing */

static void write_head(const stele_entry *entry, stele_writer *to)
{
    char time[STELE_TIME_TEXT_SIZE];
    stele_time_print(entry->timestamp, time);
    (void)stele_write(to, "{\"entity_id\":", 13);
    (void)stele_write_json_text(to, stele__text(entry->entity_id));
    (void)stele_write(to, ",\"entity_type\":", 15);
    (void)stele_write_json_text(to, stele__text(entry->schema->name));
    (void)stele_writef(to, ",\"change_type\":\"%s\",\"timestamp\":\"%s\",\"sequence\":%" PRIu64,
                       stele_change_type_name(entry->change_type), time, entry->sequence);
    if (entry->restores > 0) {
        (void)stele_writef(to, ",\"restores\":%" PRIu64, entry->restores);
    }
    if (entry->actor[0]) {
        (void)stele_write(to, ",\"actor\":", 9);
        (void)stele_write_json_text(to, stele__text(entry->actor));
    }
}

static stele_status write_change(const stele_change *change, stele_writer *to, stele_error *reterr)
{
    (void)stele_write(to, "{\"field_name\":", 14);
    (void)stele_write_json_text(to, stele__text(stele_field_name(change->field)));
    (void)stele_write(to, ",\"old_value\":", 13);
    if (change->before) {
        STELE_TRY(stele_field_write_json(change->field, change->before, to, reterr));
    } else {
        (void)stele_write(to, "null", 4);
    }
    (void)stele_write(to, ",\"new_value\":", 13);
    STELE_TRY(stele_field_write_json(change->field, change->after, to, reterr));
    (void)stele_write(to, "}", 1);
    return STELE_OK;
}

stele_status stele_entry_write_json(const stele_entry *entry, stele_writer *to, stele_error *reterr)
{
    write_head(entry, to);
    if (entry->change_type != STELE_CHANGE_DELETED) {
        const bool is_new = entry->change_type == STELE_CHANGE_CREATED;
        (void)stele_write(to, is_new ? ",\"fields\":[" : ",\"changed_fields\":[", is_new ? 11 : 19);
        for (size_t i = 0; i < entry->change_count; i++) {
            if (i > 0) {
                (void)stele_write(to, ",", 1);
            }
            STELE_TRY(write_change(&entry->changes[i], to, reterr));
        }
        (void)stele_write(to, "]", 1);
    }
    (void)stele_write(to, "}", 1);
    return to->has_failed ? stele__fail_memory(reterr) : STELE_OK;
}

/* ---- reading */

/* What stands in the document, before any of it is believed. Values of kind null: not there. */
typedef struct members {
    stele__json_value entity_id;
    stele__json_value entity_type;
    stele__json_value change_type;
    stele__json_value timestamp;
    stele__json_value sequence;
    stele__json_value restores;
    stele__json_value actor;
    stele__json_value fields;
    stele__json_value changed_fields;
} members;

static const struct member {
    const char *name;
    size_t offset;
} known_members[] = {
    {"entity_id", offsetof(members, entity_id)},
    {"entity_type", offsetof(members, entity_type)},
    {"change_type", offsetof(members, change_type)},
    {"timestamp", offsetof(members, timestamp)},
    {"sequence", offsetof(members, sequence)},
    {"restores", offsetof(members, restores)},
    {"actor", offsetof(members, actor)},
    {"fields", offsetof(members, fields)},
    {"changed_fields", offsetof(members, changed_fields)},
};

static stele__json_value *find_member(members *all, const stele__json_value *name)
{
    for (size_t i = 0; i < sizeof known_members / sizeof *known_members; i++) {
        if (stele__json_is_text(name, known_members[i].name)) {
            return (stele__json_value *)((char *)all + known_members[i].offset);
        }
    }
    return NULL;
}

static stele_status take_members(const stele_schema *schema, const char *json, size_t size,
                                 members *ret_all, stele_error *reterr)
{
    stele__json_scanner scanner;
    stele__json_value name;
    stele__json_value value;
    int found;
    memset(ret_all, 0, sizeof *ret_all);
    stele__json_begin(&scanner, json, size);
    if (!stele__json_enter(&scanner, '{')) {
        return stele__entry_damaged(schema, "no JSON object", reterr);
    }
    for (bool is_first = true;
         (found = stele__json_next_member(&scanner, is_first, &name, &value)) > 0;
         is_first = false) {
        stele__json_value *member = find_member(ret_all, &name);
        if (member && member->text) {
            return stele__entry_damaged(schema, "a member stands there twice", reterr);
        }
        if (member) {
            *member = value;
        }
    }
    return found == 0 && stele__json_finish(&scanner)
               ? STELE_OK
               : stele__entry_damaged(schema,
                                      scanner.message ? scanner.message
                                                      : "something stands behind it",
                                      reterr);
}

/* Decodes a string by way of a struct of one field. */
static stele_status take_string(const stele_schema *schema, const stele__json_value *value,
                                const char *what, char *ret_text, size_t size, stele_error *reterr)
{
    const stele_field field = {.member = what, .alias = "", .size = size, .kind = STELE_KIND_TEXT};
    if (value->kind != STELE_JSON_STRING) {
        return stele__entry_damaged(schema, "an id, type or actor is no string", reterr);
    }
    return stele_field_read_json(&field, value->text, value->size, ret_text, reterr);
}

static stele_status take_number(const stele_schema *schema, const stele__json_value *value,
                                uint64_t *ret_number, stele_error *reterr)
{
    static const stele_field field = {.member = "sequence",
                                      .alias = "",
                                      .size = sizeof(uint64_t),
                                      .kind = STELE_KIND_UNSIGNED};
    if (value->kind != STELE_JSON_NUMBER && value->kind != STELE_JSON_STRING) {
        return stele__entry_damaged(schema, "a sequence is no number", reterr);
    }
    return stele_field_read_json(&field, value->text, value->size, ret_number, reterr);
}

static stele_status take_head(const stele__reading *reading, const members *all,
                              stele_error *reterr)
{
    const stele_schema *schema = reading->schema;
    stele_entry *entry = reading->entry;
    char type_name[STELE_STREAM_NAME_SIZE_MAX + 1];
    if (take_string(schema, &all->entity_type, "entity_type", type_name, sizeof type_name, NULL) !=
            STELE_OK ||
        strcmp(type_name, schema->name) != 0) {
        return stele__fail(reterr, STELE_INVALID_ENTITY, "the entry is of no %s", schema->name);
    }
    STELE_TRY(take_string(schema, &all->entity_id, "entity_id", entry->entity_id,
                          sizeof entry->entity_id, reterr));
    for (int type = STELE_CHANGE_CREATED; type <= STELE_CHANGE_DELETED; type++) {
        if (all->change_type.kind == STELE_JSON_STRING &&
            stele__json_is_text(&all->change_type,
                                stele_change_type_name((stele_change_type)type))) {
            entry->change_type = (stele_change_type)type;
        }
    }
    if (all->timestamp.kind != STELE_JSON_STRING ||
        stele_time_parse(all->timestamp.text + 1, all->timestamp.size - 2, &entry->timestamp) !=
            0) {
        return stele__entry_damaged(schema, "it has no time by RFC 3339", reterr);
    }
    STELE_TRY(take_number(schema, &all->sequence, &entry->sequence, reterr));
    if (all->restores.text) {
        STELE_TRY(take_number(schema, &all->restores, &entry->restores, reterr));
    }
    return all->actor.text ? take_string(schema, &all->actor, "actor", entry->actor,
                                         sizeof entry->actor, reterr)
                           : STELE_OK;
}

typedef struct change_members {
    stele__json_value name;
    stele__json_value old_value;
    stele__json_value new_value;
} change_members;

static stele_status take_change_members(const stele_schema *schema, const stele__json_value *item,
                                        change_members *ret_change, stele_error *reterr)
{
    stele__json_scanner scanner;
    stele__json_value name;
    stele__json_value value;
    memset(ret_change, 0, sizeof *ret_change);
    stele__json_begin(&scanner, item->text, item->size);
    if (item->kind != STELE_JSON_OBJECT || !stele__json_enter(&scanner, '{')) {
        return stele__entry_damaged(schema, "a change is no object", reterr);
    }
    for (bool is_first = true; stele__json_next_member(&scanner, is_first, &name, &value) > 0;
         is_first = false) {
        stele__json_value *member =
            stele__json_is_text(&name, "field_name")  ? &ret_change->name
            : stele__json_is_text(&name, "old_value") ? &ret_change->old_value
            : stele__json_is_text(&name, "new_value") ? &ret_change->new_value
                                                      : NULL;
        if (member && member->text) {
            return stele__entry_damaged(schema, "a member of a change stands there twice", reterr);
        }
        if (member) {
            *member = value;
        }
    }
    return ret_change->name.kind == STELE_JSON_STRING && ret_change->old_value.text &&
                   ret_change->new_value.text
               ? STELE_OK
               : stele__entry_damaged(schema, "a change lacks its name, old or new value", reterr);
}

static stele_status take_change(stele__reading *reading, const change_members *change,
                                stele_error *reterr)
{
    const stele_schema *schema = reading->schema;
    char name[STELE_ENTITY_ID_SIZE_MAX + 1];
    stele_text text = {change->name.text + 1, change->name.size - 2};
    if (change->name.has_escapes) {
        if (take_string(schema, &change->name, "field_name", name, sizeof name, NULL) != STELE_OK) {
            return STELE_OK; /* longer than any name of a field */
        }
        text = stele__text(name);
    }
    const stele_field *field = stele__schema_find(schema, text);
    if (!field) {
        return STELE_OK;
    }
    STELE_TRY(stele__reading_add(reading, field, reterr));
    if (reading->entry->change_type == STELE_CHANGE_UPDATED) {
        STELE_TRY(stele_field_read_json(field, change->old_value.text, change->old_value.size,
                                        reading->before, reterr));
    } else if (change->old_value.kind != STELE_JSON_NULL) {
        return stele__entry_damaged(schema, "a creation has old values", reterr);
    }
    return stele_field_read_json(field, change->new_value.text, change->new_value.size,
                                 reading->after, reterr);
}

static stele_status take_changes(stele__reading *reading, const stele__json_value *list,
                                 stele_error *reterr)
{
    stele__json_scanner scanner;
    stele__json_value item;
    change_members change;
    stele__json_begin(&scanner, list->text, list->size);
    if (list->kind != STELE_JSON_ARRAY || !stele__json_enter(&scanner, '[')) {
        return stele__entry_damaged(reading->schema, "it has no list of changes", reterr);
    }
    for (bool is_first = true; stele__json_next_item(&scanner, is_first, &item) > 0;
         is_first = false) {
        STELE_TRY(take_change_members(reading->schema, &item, &change, reterr));
        STELE_TRY(take_change(reading, &change, reterr));
    }
    return STELE_OK;
}

stele_status stele__entry_read_json(stele__reading *reading, const char *json, size_t size,
                                    stele_error *reterr)
{
    members all;
    STELE_TRY(take_members(reading->schema, json, size, &all, reterr));
    STELE_TRY(take_head(reading, &all, reterr));
    const stele_change_type type = reading->entry->change_type;
    const stele__json_value *list =
        type == STELE_CHANGE_CREATED ? &all.fields : &all.changed_fields;
    if ((type != STELE_CHANGE_CREATED && all.fields.text) ||
        (type != STELE_CHANGE_UPDATED && all.changed_fields.text)) {
        return stele__entry_damaged(reading->schema, "its changes are not those of its type",
                                    reterr);
    }
    return type == STELE_CHANGE_CREATED || type == STELE_CHANGE_UPDATED
               ? take_changes(reading, list, reterr)
               : STELE_OK;
}

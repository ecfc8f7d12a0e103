/* SPDX-License-Identifier: Apache-2.0 */
/* Entries in the compact form of README.md. Every byte that is read may be hostile. */
#include "base/bytes.h"
#include "base/varint.h"
#include "entity/parts.h"

enum { HAS_ACTOR = 1, HAS_RESTORES = 2, FLAGS = 3 };

/* ---- writing */

static void write_number(stele_writer *to, uint64_t number)
{
    uint8_t bytes[STELE_VARINT_SIZE_MAX];
    (void)stele_write(to, bytes, (size_t)(stele__varint_put(bytes, number) - bytes));
}

static void write_text(stele_writer *to, stele_text text)
{
    write_number(to, text.size);
    (void)stele_write(to, text.data, text.size);
}

stele_status stele_entry_write_binary(const stele_entry *entry, stele_writer *to,
                                      stele_error *reterr)
{
    const bool is_update = entry->change_type == STELE_CHANGE_UPDATED;
    uint8_t head[3 + sizeof(uint64_t)] = {STELE_ENTRY_FORM, (uint8_t)entry->change_type,
                                          (uint8_t)((entry->actor[0] ? HAS_ACTOR : 0) |
                                                    (entry->restores ? HAS_RESTORES : 0))};
    stele__store64(head + 3, (uint64_t)entry->timestamp);
    (void)stele_write(to, head, sizeof head);
    write_number(to, entry->sequence);
    write_text(to, stele__text(entry->schema->name));
    write_text(to, stele__text(entry->entity_id));
    if (entry->actor[0]) {
        write_text(to, stele__text(entry->actor));
    }
    if (entry->restores) {
        write_number(to, entry->restores);
    }
    write_number(to, entry->change_count);
    for (size_t i = 0; i < entry->change_count; i++) {
        const stele_change *change = &entry->changes[i];
        write_text(to, stele__text(stele_field_name(change->field)));
        if (is_update) {
            STELE_TRY(stele__field_write_binary(change->field, change->before, to, reterr));
        }
        STELE_TRY(stele__field_write_binary(change->field, change->after, to, reterr));
    }
    return to->has_failed ? stele__fail_memory(reterr) : STELE_OK;
}

/* ---- reading */

static bool take_text(const uint8_t **at, const uint8_t *end, stele_text *ret_text)
{
    uint64_t size;
    if (!stele__varint_get(at, end, &size) || size > (uint64_t)(end - *at)) {
        return false;
    }
    *ret_text = (stele_text){(const char *)*at, (size_t)size};
    *at += size;
    return true;
}

/* A text that is to be kept in `size` bytes, with its NUL. */
static bool take_name(const uint8_t **at, const uint8_t *end, char *ret_name, size_t size)
{
    stele_text text;
    if (!take_text(at, end, &text) || text.size == 0 || text.size >= size ||
        memchr(text.data, '\0', text.size) || !stele__text_is_utf8(text)) {
        return false;
    }
    memcpy(ret_name, text.data, text.size);
    ret_name[text.size] = '\0';
    return true;
}

static stele_status take_head(const stele__reading *reading, const uint8_t **at, const uint8_t *end,
                              uint64_t *ret_count, stele_error *reterr)
{
    stele_entry *entry = reading->entry;
    stele_text type;
    if (end - *at < 3 + (ptrdiff_t)sizeof(uint64_t) || (*at)[2] & ~FLAGS) {
        return stele__entry_damaged(reading->schema, "its beginning is damaged", reterr);
    }
    const uint8_t flags = (*at)[2];
    entry->change_type = (stele_change_type)(*at)[1];
    entry->timestamp = (stele_time)stele__load64(*at + 3);
    *at += 3 + sizeof(uint64_t);
    if (!stele__varint_get(at, end, &entry->sequence) || !take_text(at, end, &type)) {
        return stele__entry_damaged(reading->schema, "its beginning is damaged", reterr);
    }
    if (!stele__text_equal(type, stele__text(reading->schema->name))) {
        return stele__fail(reterr, STELE_INVALID_ENTITY, "the entry is of no %s",
                           reading->schema->name);
    }
    if (!take_name(at, end, entry->entity_id, sizeof entry->entity_id) ||
        (flags & HAS_ACTOR && !take_name(at, end, entry->actor, sizeof entry->actor)) ||
        (flags & HAS_RESTORES &&
         (!stele__varint_get(at, end, &entry->restores) || entry->restores == 0)) ||
        !stele__varint_get(at, end, ret_count)) {
        return stele__entry_damaged(reading->schema, "its beginning is damaged", reterr);
    }
    return STELE_OK;
}

static stele_status take_change(stele__reading *reading, const uint8_t **at, const uint8_t *end,
                                stele_error *reterr)
{
    stele_text name;
    if (!take_text(at, end, &name)) {
        return stele__entry_damaged(reading->schema, "a change is damaged", reterr);
    }
    const stele_field *field = stele__schema_find(reading->schema, name);
    if (field) {
        STELE_TRY(stele__reading_add(reading, field, reterr));
    }
    if (reading->entry->change_type == STELE_CHANGE_UPDATED) {
        STELE_TRY(stele__field_read_binary(field, at, end, reading->before, reterr));
    }
    return stele__field_read_binary(field, at, end, reading->after, reterr);
}

stele_status stele__entry_read_binary(stele__reading *reading, const uint8_t *bytes, size_t size,
                                      stele_error *reterr)
{
    const uint8_t *at = bytes;
    const uint8_t *end = bytes + size;
    uint64_t count;
    STELE_TRY(take_head(reading, &at, end, &count, reterr));
    for (; count > 0 && at < end; count--) {
        STELE_TRY(take_change(reading, &at, end, reterr));
    }
    return count == 0 && at == end
               ? STELE_OK
               : stele__entry_damaged(reading->schema, "it ends too early or too late", reterr);
}

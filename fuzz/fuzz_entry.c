/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as an entry of a change log, or as a struct, in whichever form. What is accepted is written
 * in both forms, read again, and is then the same, byte for byte, when it is written once more.
 */
#include "fuzz.h"

#include "../tests/unit/schema/sample.h"
#include "base/assert.h"

#include <stele/entity.h>

#include <string.h>

enum { ROOM = 1 << 20 };

static char first_text[ROOM];
static char second_text[ROOM];

typedef stele_status (*write_entry)(const stele_entry *entry, stele_writer *to,
                                    stele_error *reterr);
typedef stele_status (*write_struct)(const stele_schema *schema, const void *object,
                                     stele_writer *to, stele_error *reterr);
typedef stele_status (*read_binary)(const stele_schema *schema, const void *bytes, size_t size,
                                    void *ret_object, stele_error *reterr);

static void expect_same(const stele_writer *a, const stele_writer *b)
{
    STELE_ASSERT(!a->has_failed && !b->has_failed && a->size == b->size &&
                 memcmp(a->data, b->data, a->size) == 0);
}

static void try_entry(const uint8_t *data, size_t size)
{
    static const write_entry forms[] = {stele_entry_write_json, stele_entry_write_binary};
    sample structs[2];
    sample again_structs[2];
    static stele_entry entry;
    static stele_entry again;
    stele_error error;
    const stele_status status =
        stele_entry_read(sample_schema(), data, size, structs, &entry, &error);
    if (status != STELE_OK) {
        STELE_ASSERT(status == STELE_INVALID && error.status == status && error.message[0]);
        return;
    }
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        stele_writer first = stele_writer_in(first_text, ROOM);
        stele_writer second = stele_writer_in(second_text, ROOM);
        STELE_ASSERT(forms[i](&entry, &first, &error) == STELE_OK);
        STELE_ASSERT(stele_entry_read(sample_schema(), first.data, first.size, again_structs,
                                      &again, &error) == STELE_OK);
        STELE_ASSERT(forms[i](&again, &second, &error) == STELE_OK);
        expect_same(&first, &second);
    }
    if (entry.change_type != STELE_CHANGE_DELETED) {
        sample target = structs[0];
        /* An update changes an entity with its id. */
        STELE_ASSERT(entry.change_type != STELE_CHANGE_CREATED ||
                     stele_entity_replay(sample_schema(), &entry, &target, &error) == STELE_OK);
    }
}

static stele_status read_json(const stele_schema *schema, const void *bytes, size_t size,
                              void *ret_object, stele_error *reterr)
{
    return stele_schema_read_json(schema, bytes, size, ret_object, reterr);
}

static void try_struct(const uint8_t *data, size_t size, read_binary read, write_struct write)
{
    sample object = {0};
    sample again = {0};
    stele_error error;
    stele_writer first = stele_writer_in(first_text, ROOM);
    stele_writer second = stele_writer_in(second_text, ROOM);
    if (read(sample_schema(), data, size, &object, &error) != STELE_OK) {
        STELE_ASSERT(error.status == STELE_INVALID && error.message[0]);
        return;
    }
    STELE_ASSERT(write(sample_schema(), &object, &first, &error) == STELE_OK);
    STELE_ASSERT(read(sample_schema(), first.data, first.size, &again, &error) == STELE_OK);
    STELE_ASSERT(stele_schema_equal(sample_schema(), &object, &again));
    STELE_ASSERT(write(sample_schema(), &again, &second, &error) == STELE_OK);
    expect_same(&first, &second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t choice = size ? data[0] : 0;
    data += size > 0;
    size -= size > 0;
    size = size < ROOM / 8 ? size : ROOM / 8;
    switch (choice % 4) {
    case 0:
    case 1:
        try_entry(data, size);
        break;
    case 2:
        try_struct(data, size, read_json, stele_schema_write_json);
        break;
    default:
        try_struct(data, size, stele_schema_read_binary, stele_schema_write_binary);
        break;
    }
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The door of the room: schemas, decimals and writers are public (stele/schema.h); what the domain
 * layer needs besides is here. See README.md. */
#ifndef STELE_SCHEMA_SCHEMA_H
#define STELE_SCHEMA_SCHEMA_H

#include "base/text.h"
#include <stele/schema.h>

/* The field that a stored name belongs to; NULL: none, or one that is skipped. */
const stele_field *stele__schema_find(const stele_schema *schema, stele_text name);

/* Whether two descriptions say the same of the same struct (each source file that uses the macros
 * has one of its own). */
bool stele__schema_same(const stele_schema *a, const stele_schema *b);
/* The value of a field as plain text: of an integer, text, UUID or choice. Lent from the struct,
 * from static data, or from `scratch`. False: it is of another kind, or a choice without a name. */
bool stele__field_text(const stele_field *field, const void *object,
                       char scratch[STELE_UUID_TEXT_SIZE], stele_text *ret_text);

/* Copies one field of a struct into another, with all that belongs to it. */
void stele__field_copy(const stele_field *field, const void *from, void *to);
/* Whether the values of a field are the same in two structs, whether it is compared or not. */
bool stele__field_equal(const stele_field *field, const void *a, const void *b);
/* Whether an optional field has a value. Every other one has. */
static inline bool stele__field_is_present(const stele_field *field, const void *object)
{
    return field->presence_offset == 0 ||
           *((const unsigned char *)object + field->presence_offset) != 0;
}

/* One field in binary: its name is not written. */
stele_status stele__field_write_binary(const stele_field *field, const void *object,
                                       stele_writer *to, stele_error *reterr);
/* Reads one value at `*at`, which moves on. `field` NULL: passes over it. */
stele_status stele__field_read_binary(const stele_field *field, const uint8_t **at,
                                      const uint8_t *end, void *ret_object, stele_error *reterr);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptions of structs: whether they can be worked with, and comparing by them. */
#include "schema/parts.h"

#include <stdio.h>

/* ---- descriptions */

static bool is_name(const char *name)
{
    return name && *name && stele__text_is_utf8(stele__text(name));
}

static stele_status check_choices(const stele_schema *schema, const stele_field *field,
                                  stele_error *reterr)
{
    const stele_choices *choices = field->choices ? field->choices() : NULL;
    if (!choices || choices->count == 0) {
        return stele__fail(reterr, STELE_INVALID, "%s.%s is a choice of nothing", schema->name,
                           field->member);
    }
    for (size_t i = 0; i < choices->count; i++) {
        if (!is_name(choices->choices[i].name)) {
            return stele__fail(reterr, STELE_INVALID_NAME, "value %" PRIi64 " of %s has no name",
                               choices->choices[i].value, choices->name);
        }
        for (size_t j = 0; j < i; j++) {
            if (choices->choices[i].value == choices->choices[j].value ||
                strcmp(choices->choices[i].name, choices->choices[j].name) == 0) {
                return stele__fail(reterr, STELE_INVALID, "%s and %s of %s are the same",
                                   choices->choices[j].name, choices->choices[i].name,
                                   choices->name);
            }
        }
    }
    return STELE_OK;
}

static stele_status check_schema(const stele_schema *schema, unsigned depth, size_t *fields,
                                 stele_error *reterr);

static bool has_size(const stele_field *field, size_t size)
{
    return size > 0 && stele__value_size(field) == size;
}

static bool is_sized(const stele_field *field)
{
    const size_t size = stele__value_size(field);
    switch (field->kind) {
    case STELE_KIND_BOOL:
        return size == 1;
    case STELE_KIND_INTEGER:
    case STELE_KIND_UNSIGNED:
    case STELE_KIND_CHOICE:
        return size == 1 || size == 2 || size == 4 || size == 8;
    case STELE_KIND_DOUBLE:
        return has_size(field, sizeof(double));
    case STELE_KIND_DECIMAL:
        return has_size(field, sizeof(stele_decimal)) && field->scale <= STELE_DECIMAL_SCALE_MAX;
    case STELE_KIND_TEXT:
        return size >= 2;
    case STELE_KIND_BYTES:
        return size >= 1 && field->size_offset > 0 && field->count_max == 0;
    case STELE_KIND_TIME:
        return has_size(field, sizeof(stele_time));
    case STELE_KIND_UUID:
        return has_size(field, sizeof(stele_uuid));
    case STELE_KIND_NESTED:
        return field->nested && has_size(field, field->nested()->size);
    }
    return false;
}

static stele_status check_field(const stele_schema *schema, const stele_field *field,
                                unsigned depth, size_t *fields, stele_error *reterr)
{
    if (!is_name(stele_field_name(field))) {
        return stele__fail(reterr, STELE_INVALID_NAME, "a field of %s has a name that is no UTF-8",
                           schema->name);
    }
    if (++*fields > STELE_SCHEMA_FIELDS_MAX) {
        return stele__fail(reterr, STELE_INVALID_LIMIT, "%s has more than %d fields", schema->name,
                           STELE_SCHEMA_FIELDS_MAX);
    }
    if (!is_sized(field) || field->offset + field->size > schema->size) {
        return stele__fail(reterr, STELE_INVALID, "%s.%s is described wrongly", schema->name,
                           field->member);
    }
    if (field->kind == STELE_KIND_CHOICE) {
        return check_choices(schema, field, reterr);
    }
    return field->kind == STELE_KIND_NESTED
               ? check_schema(field->nested(), depth + 1, fields, reterr)
               : STELE_OK;
}

static stele_status check_schema(const stele_schema *schema, unsigned depth, size_t *fields,
                                 stele_error *reterr)
{
    if (depth > STELE_SCHEMA_DEPTH_MAX) {
        return stele__fail(reterr, STELE_INVALID_LIMIT, "%s stands %u structs deep", schema->name,
                           depth);
    }
    if (!is_name(schema->name) || schema->field_count == 0) {
        return stele__fail(reterr, STELE_INVALID, "a schema has no name or no field");
    }
    for (size_t i = 0; i < schema->field_count; i++) {
        STELE_TRY(check_field(schema, &schema->fields[i], depth, fields, reterr));
        for (size_t j = 0; j < i; j++) {
            if (strcmp(stele_field_name(&schema->fields[i]),
                       stele_field_name(&schema->fields[j])) == 0) {
                return stele__fail(reterr, STELE_INVALID_NAME, "two fields of %s are called %s",
                                   schema->name, stele_field_name(&schema->fields[i]));
            }
        }
    }
    return STELE_OK;
}

stele_status stele_schema_check(const stele_schema *schema, stele_error *reterr)
{
    size_t fields = 0;
    if (!schema) {
        return stele__fail(reterr, STELE_INVALID, "there is no schema");
    }
    return check_schema(schema, 1, &fields, reterr);
}

const stele_field *stele__schema_find(const stele_schema *schema, stele_text name)
{
    for (size_t i = 0; i < schema->field_count; i++) {
        const stele_field *field = &schema->fields[i];
        if (stele__text_equal(stele__text(stele_field_name(field)), name)) {
            return field->flags & STELE_FIELD_SKIP ? NULL : field;
        }
    }
    return NULL;
}

/* ---- values */

bool stele__list_count(const stele_field *field, const void *object, uint32_t *ret_count)
{
    *ret_count = stele__read_u32(object, field->count_offset);
    return *ret_count <= field->count_max;
}

const stele_choice *stele__choice_of(const stele_field *field, const void *at, size_t size)
{
    const stele_choices *choices = field->choices();
    const uint64_t mask = UINT64_MAX >> (64 - 8 * size);
    const uint64_t value = stele__read_unsigned(at, size);
    for (size_t i = 0; i < choices->count; i++) {
        if (((uint64_t)choices->choices[i].value & mask) == value) {
            return &choices->choices[i];
        }
    }
    return NULL;
}

const stele_choice *stele__choice_named(const stele_field *field, stele_text name)
{
    const stele_choices *choices = field->choices();
    for (size_t i = 0; i < choices->count; i++) {
        if (stele__text_equal(stele__text(choices->choices[i].name), name)) {
            return &choices->choices[i];
        }
    }
    return NULL;
}

stele_status stele__value_check(const stele_field *field, const void *object, const char *at,
                                stele_error *reterr)
{
    const char *name = stele_field_name(field);
    const size_t size = stele__value_size(field);
    stele_decimal decimal;
    stele_text text;
    switch (field->kind) {
    case STELE_KIND_DECIMAL:
        memcpy(&decimal, at, sizeof decimal);
        if (!stele_decimal_is_number(decimal)) {
            return stele__fail(reterr, STELE_INVALID, "%s is not a number", name);
        }
        decimal = stele_decimal_rescale(decimal, (int)field->scale, STELE_ROUND_EXACTLY);
        if (!stele_decimal_is_number(decimal)) {
            return stele__fail(reterr, STELE_INVALID,
                               "%s does not fit into %d digits, %" PRIu32
                               " of them behind the point",
                               name, STELE_DECIMAL_DIGITS_MAX, field->scale);
        }
        return STELE_OK;
    case STELE_KIND_TEXT:
        text = stele__text_of(at, size);
        if (text.size == size) {
            return stele__fail(reterr, STELE_INVALID, "the text in %s does not end", name);
        }
        return stele__text_is_utf8(text)
                   ? STELE_OK
                   : stele__fail(reterr, STELE_INVALID, "the text in %s is not UTF-8", name);
    case STELE_KIND_BYTES:
        return stele__read_u32(object, field->size_offset) <= field->size
                   ? STELE_OK
                   : stele__fail(reterr, STELE_INVALID, "%s has more bytes than fit", name);
    case STELE_KIND_CHOICE:
        return stele__choice_of(field, at, size)
                   ? STELE_OK
                   : stele__fail(reterr, STELE_INVALID, "%" PRIi64 " in %s is none of %s",
                                 stele__read_signed(at, size), name, field->choices()->name);
    default:
        return STELE_OK;
    }
}

bool stele__schema_same(const stele_schema *a, const stele_schema *b)
{
    if (a == b) {
        return true;
    }
    bool same =
        strcmp(a->name, b->name) == 0 && a->size == b->size && a->field_count == b->field_count;
    for (size_t i = 0; same && i < a->field_count; i++) {
        const stele_field *x = &a->fields[i];
        const stele_field *y = &b->fields[i];
        same = strcmp(stele_field_name(x), stele_field_name(y)) == 0 && x->offset == y->offset &&
               x->size == y->size && x->presence_offset == y->presence_offset &&
               x->count_offset == y->count_offset && x->size_offset == y->size_offset &&
               x->kind == y->kind && x->flags == y->flags && x->count_max == y->count_max &&
               x->scale == y->scale &&
               (x->kind != STELE_KIND_NESTED || stele__schema_same(x->nested(), y->nested()));
    }
    return same;
}

bool stele__field_text(const stele_field *field, const void *object,
                       char scratch[STELE_UUID_TEXT_SIZE], stele_text *ret_text)
{
    const char *at = stele__member(field, object);
    const stele_choice *choice;
    stele_uuid uuid;
    *ret_text = (stele_text){scratch, 0};
    switch (field->kind) {
    case STELE_KIND_INTEGER:
        ret_text->size = (size_t)snprintf(scratch, STELE_UUID_TEXT_SIZE, "%" PRId64,
                                          stele__read_signed(at, field->size));
        return true;
    case STELE_KIND_UNSIGNED:
        ret_text->size = (size_t)snprintf(scratch, STELE_UUID_TEXT_SIZE, "%" PRIu64,
                                          stele__read_unsigned(at, field->size));
        return true;
    case STELE_KIND_UUID:
        memcpy(&uuid, at, sizeof uuid);
        stele_uuid_print(&uuid, scratch);
        ret_text->size = strlen(scratch);
        return true;
    case STELE_KIND_CHOICE:
        choice = stele__choice_of(field, at, field->size);
        *ret_text = choice ? stele__text(choice->name) : *ret_text;
        return choice != NULL;
    case STELE_KIND_TEXT:
        *ret_text = stele__text_of(at, field->size);
        return ret_text->size < field->size;
    default:
        return false;
    }
}

void stele__field_copy(const stele_field *field, const void *from, void *to)
{
    memcpy(stele__member_to_write(field, to), stele__member(field, from), field->size);
    if (field->presence_offset) {
        *((unsigned char *)to + field->presence_offset) =
            *((const unsigned char *)from + field->presence_offset);
    }
    if (field->count_offset) {
        stele__write_u32(to, field->count_offset, stele__read_u32(from, field->count_offset));
    }
    if (field->size_offset) {
        stele__write_u32(to, field->size_offset, stele__read_u32(from, field->size_offset));
    }
}

void stele_set_text(char *field, size_t size, const char *text)
{
    const size_t wanted = text ? strlen(text) : 0;
    memset(field, wanted < size ? 0 : '!', size);
    if (wanted > 0 && wanted < size) {
        memcpy(field, text, wanted);
    }
}

/* ---- comparing */

static bool doubles_equal(const char *a, const char *b)
{
    double left;
    double right;
    memcpy(&left, a, sizeof left);
    memcpy(&right, b, sizeof right);
    return memcmp(a, b, sizeof left) == 0 || (left != left && right != right);
}

static bool decimals_equal(const char *a, const char *b)
{
    stele_decimal left;
    stele_decimal right;
    memcpy(&left, a, sizeof left);
    memcpy(&right, b, sizeof right);
    return left.scale == right.scale ? left.units == right.units : stele_decimal_equal(left, right);
}

static bool values_equal(const stele_field *field, size_t size, const char *a, const char *b)
{
    switch (field->kind) {
    case STELE_KIND_BOOL:
        return (*a != 0) == (*b != 0);
    case STELE_KIND_DOUBLE:
        return doubles_equal(a, b);
    case STELE_KIND_DECIMAL:
        return decimals_equal(a, b);
    case STELE_KIND_TEXT:
        return strncmp(a, b, size) == 0;
    case STELE_KIND_NESTED:
        return stele_schema_equal(field->nested(), a, b) != 0;
    default:
        return memcmp(a, b, size) == 0;
    }
}

static bool lists_equal(const stele_field *field, const void *a, const void *b)
{
    uint32_t count;
    uint32_t other;
    if (!stele__list_count(field, a, &count) || !stele__list_count(field, b, &other) ||
        count != other) {
        return false;
    }
    const size_t size = stele__value_size(field);
    const char *left = stele__member(field, a);
    const char *right = stele__member(field, b);
    for (uint32_t i = 0; i < count; i++) {
        if (!values_equal(field, size, left + i * size, right + i * size)) {
            return false;
        }
    }
    return true;
}

static bool bytes_equal(const stele_field *field, const void *a, const void *b)
{
    const uint32_t size = stele__read_u32(a, field->size_offset);
    return size == stele__read_u32(b, field->size_offset) && size <= field->size &&
           memcmp(stele__member(field, a), stele__member(field, b), size) == 0;
}

bool stele__field_equal(const stele_field *field, const void *a, const void *b)
{
    if (field->presence_offset) {
        const bool is_there = stele__field_is_present(field, a);
        if (is_there != stele__field_is_present(field, b) || !is_there) {
            return !is_there && !stele__field_is_present(field, b);
        }
    }
    if (field->count_max) {
        return lists_equal(field, a, b);
    }
    if (field->kind == STELE_KIND_BYTES) {
        return bytes_equal(field, a, b);
    }
    return values_equal(field, field->size, stele__member(field, a), stele__member(field, b));
}

static bool is_compared(const stele_field *field)
{
    return (field->flags & (STELE_FIELD_SKIP | STELE_FIELD_UNCOMPARED)) == 0;
}

size_t stele_schema_diff(const stele_schema *schema, const void *before, const void *after,
                         stele_change *ret_changes, size_t capacity)
{
    size_t count = 0;
    for (size_t i = 0; i < schema->field_count; i++) {
        const stele_field *field = &schema->fields[i];
        if (!is_compared(field) || stele__field_equal(field, before, after)) {
            continue;
        }
        if (count < capacity) {
            ret_changes[count] = (stele_change){field, before, after};
        }
        count++;
    }
    return count;
}

int stele_schema_equal(const stele_schema *schema, const void *a, const void *b)
{
    for (size_t i = 0; i < schema->field_count; i++) {
        if (is_compared(&schema->fields[i]) && !stele__field_equal(&schema->fields[i], a, b)) {
            return 0;
        }
    }
    return 1;
}

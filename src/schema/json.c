/* SPDX-License-Identifier: Apache-2.0 */
/* Described structs as JSON. Exact both ways: what cannot be held is refused, never rounded or cut.
 */
#include "base/json.h"
#include "base/base64.h"
#include "schema/number.h"
#include "schema/parts.h"

#include <math.h>

enum { NAME_MAX = 512 };

/* Whole numbers up to here are the same in every reader of JSON (RFC 8259, 6). */
#define SAFE_INTEGER_MAX (UINT64_C(1) << 53)

/* ---- writing */

static void write_unsigned(stele_writer *to, uint64_t number, bool is_negative)
{
    char text[24];
    char *const end = text + sizeof text;
    char *at = end;
    const bool is_quoted = number > SAFE_INTEGER_MAX;
    if (is_quoted) {
        *--at = '"';
    }
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    if (is_negative) {
        *--at = '-';
    }
    if (is_quoted) {
        *--at = '"';
    }
    (void)stele_write(to, at, (size_t)(end - at));
}

static void write_double(stele_writer *to, double number)
{
    char text[STELE_NUMBER_TEXT_SIZE];
    if (isfinite(number)) {
        stele__number_print(number, text);
        (void)stele_write(to, text, strlen(text));
    } else {
        (void)stele_writef(to, "\"%s\"",
                           isnan(number) ? "NaN"
                           : number > 0  ? "Infinity"
                                         : "-Infinity");
    }
}

static void write_base64(stele_writer *to, const uint8_t *bytes, size_t size)
{
    char text[256];
    (void)stele_write(to, "\"", 1);
    for (size_t at = 0; at < size;) { /* whole groups of three bytes, but for the last */
        const size_t piece = size - at < 180 ? size - at : 180;
        (void)stele_write(to, text, stele__base64_print(bytes + at, piece, text));
        at += piece;
    }
    (void)stele_write(to, "\"", 1);
}

static stele_status write_value(const stele_field *field, const void *object, const char *at,
                                stele_writer *to, stele_error *reterr)
{
    const size_t size = stele__value_size(field);
    char text[STELE_UUID_TEXT_SIZE + STELE_TIME_TEXT_SIZE];
    stele_decimal decimal;
    stele_uuid uuid;
    double number;
    int64_t integer;
    STELE_TRY(stele__value_check(field, object, at, reterr));
    switch (field->kind) {
    case STELE_KIND_BOOL:
        (void)stele_write(to, *at ? "true" : "false", *at ? 4 : 5);
        break;
    case STELE_KIND_INTEGER:
        integer = stele__read_signed(at, size);
        write_unsigned(to, integer < 0 ? -(uint64_t)integer : (uint64_t)integer, integer < 0);
        break;
    case STELE_KIND_UNSIGNED:
        write_unsigned(to, stele__read_unsigned(at, size), false);
        break;
    case STELE_KIND_DOUBLE:
        memcpy(&number, at, sizeof number);
        write_double(to, number);
        break;
    case STELE_KIND_DECIMAL:
        memcpy(&decimal, at, sizeof decimal);
        text[0] = '"';
        stele_decimal_print(decimal, text + 1);
        (void)stele_write(to, text, strlen(text));
        (void)stele_write(to, "\"", 1);
        break;
    case STELE_KIND_TEXT:
        (void)stele_write_json_text(to, stele__text_of(at, size));
        break;
    case STELE_KIND_BYTES:
        write_base64(to, (const uint8_t *)at, stele__read_u32(object, field->size_offset));
        break;
    case STELE_KIND_CHOICE:
        (void)stele_write_json_text(to, stele__text(stele__choice_of(field, at, size)->name));
        break;
    case STELE_KIND_TIME:
        stele_time_print(stele__read_signed(at, size), text);
        (void)stele_writef(to, "\"%s\"", text);
        break;
    case STELE_KIND_UUID:
        memcpy(&uuid, at, sizeof uuid);
        stele_uuid_print(&uuid, text);
        (void)stele_writef(to, "\"%s\"", text);
        break;
    case STELE_KIND_NESTED:
        return stele_schema_write_json(field->nested(), at, to, reterr);
    }
    return STELE_OK;
}

static stele_status write_list(const stele_field *field, const void *object, stele_writer *to,
                               stele_error *reterr)
{
    const size_t size = stele__value_size(field);
    uint32_t count;
    if (!stele__list_count(field, object, &count)) {
        return stele__fail(reterr, STELE_INVALID, "%s has more than the %" PRIu32 " that fit",
                           stele_field_name(field), field->count_max);
    }
    (void)stele_write(to, "[", 1);
    for (uint32_t i = 0; i < count; i++) {
        (void)stele_write(to, ",", i > 0);
        STELE_TRY(write_value(field, object, stele__member(field, object) + i * size, to, reterr));
    }
    (void)stele_write(to, "]", 1);
    return STELE_OK;
}

static stele_status write_field(const stele_field *field, const void *object, stele_writer *to,
                                stele_error *reterr)
{
    if (!stele__field_is_present(field, object)) {
        (void)stele_write(to, "null", 4);
        return STELE_OK;
    }
    return field->count_max ? write_list(field, object, to, reterr)
                            : write_value(field, object, stele__member(field, object), to, reterr);
}

stele_status stele_field_write_json(const stele_field *field, const void *object, stele_writer *to,
                                    stele_error *reterr)
{
    STELE_TRY(write_field(field, object, to, reterr));
    return to->has_failed ? stele__fail_memory(reterr) : STELE_OK;
}

stele_status stele_schema_write_json(const stele_schema *schema, const void *object,
                                     stele_writer *to, stele_error *reterr)
{
    const char *between = "{";
    for (size_t i = 0; i < schema->field_count; i++) {
        const stele_field *field = &schema->fields[i];
        if (field->flags & STELE_FIELD_SKIP) {
            continue;
        }
        (void)stele_write(to, between, 1);
        (void)stele_write_json_text(to, stele__text(stele_field_name(field)));
        (void)stele_write(to, ":", 1);
        STELE_TRY(write_field(field, object, to, reterr));
        between = ",";
    }
    if (*between == '{') {
        (void)stele_write(to, "{", 1);
    }
    (void)stele_write(to, "}", 1);
    return to->has_failed ? stele__fail_memory(reterr) : STELE_OK;
}

/* ---- reading */

static stele_status refuse(const stele_field *field, const stele__json_value *value,
                           const char *wanted, stele_error *reterr)
{
    const bool is_long = value->size > 40;
    return stele__fail(reterr, STELE_INVALID, "%s cannot be %.*s%s: %s", stele_field_name(field),
                       is_long ? 40 : (int)value->size, value->text, is_long ? "…" : "", wanted);
}

/* What stands in a string without escapes, or in a number. */
static bool take_plain(const stele__json_value *value, stele_text *ret_text)
{
    if (value->kind == STELE_JSON_STRING && !value->has_escapes) {
        *ret_text = (stele_text){value->text + 1, value->size - 2};
        return true;
    }
    *ret_text = (stele_text){value->text, value->size};
    return value->kind == STELE_JSON_NUMBER;
}

static bool take_hex(const char *at, uint32_t *ret_unit)
{
    *ret_unit = 0;
    for (int i = 0; i < 4; i++) {
        const char c = at[i];
        const int digit = c >= '0' && c <= '9'   ? c - '0'
                          : c >= 'a' && c <= 'f' ? c - 'a' + 10
                          : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                 : -1;
        if (digit < 0) {
            return false;
        }
        *ret_unit = *ret_unit << 4 | (uint32_t)digit;
    }
    return true;
}

/* One character after a backslash; at[0] is the one behind it. The scanner has seen that escapes
 * are complete. 0: half a pair of surrogates, or NUL. */
static size_t take_escape(const char **at, const char *end, char ret_bytes[4])
{
    static const char named[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
    const char c = *(*at)++;
    for (size_t i = 0; i < sizeof named - 1; i += 2) {
        if (named[i] == c) {
            ret_bytes[0] = named[i + 1];
            return 1;
        }
    }
    uint32_t unit;
    uint32_t low;
    if (end - *at < 4 || !take_hex(*at, &unit) || unit == 0) {
        return 0;
    }
    *at += 4;
    if (unit >= 0xd800 && unit < 0xe000) {
        if (unit >= 0xdc00 || end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u' ||
            !take_hex(*at + 2, &low) || low < 0xdc00 || low >= 0xe000) {
            return 0;
        }
        *at += 6;
        unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
    }
    if (unit < 0x80) {
        ret_bytes[0] = (char)unit;
        return 1;
    }
    const size_t size = unit < 0x800 ? 2 : unit < 0x10000 ? 3 : 4;
    for (size_t i = size; i-- > 1;) {
        ret_bytes[i] = (char)(0x80 | (unit & 0x3f));
        unit >>= 6;
    }
    ret_bytes[0] = (char)(unit | (size == 2 ? 0xc0 : size == 3 ? 0xe0 : 0xf0));
    return size;
}

/* The text that a string means, with a NUL behind it. False: it does not fit into `capacity` with
 * that, or has a NUL, or half a pair of surrogates. */
static bool take_text(const stele__json_value *value, char *ret_text, size_t capacity)
{
    const char *at = value->text + 1;
    const char *const end = value->text + value->size - 1;
    size_t size = 0;
    while (at < end) {
        char bytes[4];
        size_t count = 1;
        if (*at == '\\') {
            at++;
            count = take_escape(&at, end, bytes);
        } else {
            bytes[0] = *at++;
            count = bytes[0] != '\0';
        }
        if (count == 0 || size + count >= capacity) {
            return false;
        }
        memcpy(ret_text + size, bytes, count);
        size += count;
    }
    ret_text[size] = '\0';
    return true;
}

static stele_status read_number(const stele_field *field, const stele__json_value *value, char *at,
                                stele_error *reterr)
{
    const size_t size = stele__value_size(field);
    stele__number number;
    stele_text text;
    int64_t integer;
    uint64_t natural;
    if (!take_plain(value, &text) || !stele__number_parse(text, &number)) {
        return refuse(field, value, "it wants a whole number", reterr);
    }
    if (field->kind == STELE_KIND_INTEGER) {
        if (!stele__number_signed(&number, &integer) || !stele__fits_signed(integer, size)) {
            return refuse(field, value, "it wants a whole number that fits", reterr);
        }
        stele__write_integer(at, size, (uint64_t)integer);
    } else {
        if (!stele__number_unsigned(&number, &natural) || !stele__fits_unsigned(natural, size)) {
            return refuse(field, value, "it wants a whole number that fits and is not negative",
                          reterr);
        }
        stele__write_integer(at, size, natural);
    }
    return STELE_OK;
}

static stele_status read_double(const stele_field *field, const stele__json_value *value, char *at,
                                stele_error *reterr)
{
    stele_text text;
    double number;
    if (!take_plain(value, &text) || !stele__number_double(text, &number)) {
        return refuse(field, value, "it wants a number", reterr);
    }
    memcpy(at, &number, sizeof number);
    return STELE_OK;
}

static stele_status read_decimal(const stele_field *field, const stele__json_value *value, char *at,
                                 stele_error *reterr)
{
    stele__number number;
    stele_decimal decimal;
    stele_text text;
    if (!take_plain(value, &text) || !stele__number_parse(text, &number) ||
        !stele__number_decimal(&number, &decimal)) {
        return refuse(field, value, "it wants a decimal number of at most 18 digits", reterr);
    }
    if (!stele_decimal_is_number(
            stele_decimal_rescale(decimal, (int)field->scale, STELE_ROUND_EXACTLY))) {
        return refuse(field, value, "it has too many digits", reterr);
    }
    memcpy(at, &decimal, sizeof decimal);
    return STELE_OK;
}

static stele_status read_text(const stele_field *field, const stele__json_value *value, char *at,
                              stele_error *reterr)
{
    const size_t size = stele__value_size(field);
    if (value->kind != STELE_JSON_STRING) {
        return refuse(field, value, "it wants a text", reterr);
    }
    memset(at, 0, size);
    return take_text(value, at, size)
               ? STELE_OK
               : refuse(field, value, "the text is too long, or has a NUL or half a character",
                        reterr);
}

static stele_status read_bytes(const stele_field *field, const stele__json_value *value,
                               void *object, char *at, stele_error *reterr)
{
    stele_text text;
    size_t size;
    if (value->kind != STELE_JSON_STRING || !take_plain(value, &text) ||
        !stele__base64_parse(text, (uint8_t *)at, field->size, &size)) {
        return refuse(field, value, "it wants base64 of bytes that fit", reterr);
    }
    memset(at + size, 0, field->size - size);
    stele__write_u32(object, field->size_offset, (uint32_t)size);
    return STELE_OK;
}

static stele_status read_choice(const stele_field *field, const stele__json_value *value, char *at,
                                stele_error *reterr)
{
    char name[NAME_MAX];
    const stele_choice *choice = NULL;
    if (value->kind == STELE_JSON_STRING && take_text(value, name, sizeof name)) {
        choice = stele__choice_named(field, stele__text(name));
    }
    if (!choice) {
        return refuse(field, value, "it wants a name of its enumeration", reterr);
    }
    stele__write_integer(at, stele__value_size(field), (uint64_t)choice->value);
    return STELE_OK;
}

static stele_status read_time(const stele_field *field, const stele__json_value *value, char *at,
                              stele_error *reterr)
{
    stele_text text;
    stele_time time;
    if (value->kind != STELE_JSON_STRING || !take_plain(value, &text) ||
        stele_time_parse(text.data, text.size, &time) != 0) {
        return refuse(field, value, "it wants a time by RFC 3339", reterr);
    }
    memcpy(at, &time, sizeof time);
    return STELE_OK;
}

static stele_status read_uuid(const stele_field *field, const stele__json_value *value, char *at,
                              stele_error *reterr)
{
    stele_text text;
    stele_uuid uuid;
    if (value->kind != STELE_JSON_STRING || !take_plain(value, &text) ||
        stele_uuid_parse(text.data, text.size, &uuid) != 0) {
        return refuse(field, value, "it wants a UUID", reterr);
    }
    memcpy(at, &uuid, sizeof uuid);
    return STELE_OK;
}

static stele_status read_value(const stele_field *field, const stele__json_value *value,
                               void *object, char *at, stele_error *reterr)
{
    switch (field->kind) {
    case STELE_KIND_BOOL:
        if (value->kind != STELE_JSON_TRUE && value->kind != STELE_JSON_FALSE) {
            return refuse(field, value, "it wants true or false", reterr);
        }
        *at = value->kind == STELE_JSON_TRUE;
        return STELE_OK;
    case STELE_KIND_INTEGER:
    case STELE_KIND_UNSIGNED:
        return read_number(field, value, at, reterr);
    case STELE_KIND_DOUBLE:
        return read_double(field, value, at, reterr);
    case STELE_KIND_DECIMAL:
        return read_decimal(field, value, at, reterr);
    case STELE_KIND_TEXT:
        return read_text(field, value, at, reterr);
    case STELE_KIND_BYTES:
        return read_bytes(field, value, object, at, reterr);
    case STELE_KIND_CHOICE:
        return read_choice(field, value, at, reterr);
    case STELE_KIND_TIME:
        return read_time(field, value, at, reterr);
    case STELE_KIND_UUID:
        return read_uuid(field, value, at, reterr);
    case STELE_KIND_NESTED:
        return stele_schema_read_json(field->nested(), value->text, value->size, at, reterr);
    }
    return stele__fail(reterr, STELE_INTERNAL, "%s is of no kind", stele_field_name(field));
}

static stele_status read_list(const stele_field *field, const stele__json_value *value,
                              void *object, stele_error *reterr)
{
    const size_t size = stele__value_size(field);
    char *const first = stele__member_to_write(field, object);
    stele__json_scanner scanner;
    stele__json_value item;
    uint32_t count = 0;
    stele__json_begin(&scanner, value->text, value->size);
    if (value->kind != STELE_JSON_ARRAY || !stele__json_enter(&scanner, '[')) {
        return refuse(field, value, "it wants an array", reterr);
    }
    memset(first, 0, field->size);
    while (stele__json_next_item(&scanner, count == 0, &item) > 0) {
        if (count == field->count_max) {
            return refuse(field, value, "there are more than fit", reterr);
        }
        STELE_TRY(read_value(field, &item, object, first + count * size, reterr));
        count++;
    }
    stele__write_u32(object, field->count_offset, count);
    return STELE_OK;
}

static stele_status read_field(const stele_field *field, const stele__json_value *value,
                               void *object, stele_error *reterr)
{
    if (field->presence_offset) {
        *((unsigned char *)object + field->presence_offset) = value->kind != STELE_JSON_NULL;
        if (value->kind == STELE_JSON_NULL) {
            memset(stele__member_to_write(field, object), 0, field->size);
            return STELE_OK;
        }
    }
    return field->count_max
               ? read_list(field, value, object, reterr)
               : read_value(field, value, object, stele__member_to_write(field, object), reterr);
}

static stele_status fail_syntax(const char *name, const stele__json_scanner *scanner,
                                stele_error *reterr)
{
    return stele__fail(reterr, STELE_INVALID, "this is no JSON for %s: %s at byte %zu", name,
                       scanner->message ? scanner->message : "something stands behind it",
                       scanner->error_at);
}

stele_status stele_field_read_json(const stele_field *field, const char *json, size_t size,
                                   void *ret_object, stele_error *reterr)
{
    stele__json_scanner scanner;
    stele__json_value value;
    stele__json_begin(&scanner, json, size);
    if (!stele__json_take(&scanner, &value) || !stele__json_finish(&scanner)) {
        return fail_syntax(stele_field_name(field), &scanner, reterr);
    }
    return read_field(field, &value, ret_object, reterr);
}

static const stele_field *find_member(const stele_schema *schema, const stele__json_value *name)
{
    char text[NAME_MAX];
    if (!name->has_escapes) {
        return stele__schema_find(schema, (stele_text){name->text + 1, name->size - 2});
    }
    return take_text(name, text, sizeof text) ? stele__schema_find(schema, stele__text(text))
                                              : NULL;
}

stele_status stele_schema_read_json(const stele_schema *schema, const char *json, size_t size,
                                    void *ret_object, stele_error *reterr)
{
    stele__json_scanner scanner;
    stele__json_value name;
    stele__json_value value;
    int found;
    stele__json_begin(&scanner, json, size);
    if (!stele__json_enter(&scanner, '{')) {
        return fail_syntax(schema->name, &scanner, reterr);
    }
    for (bool is_first = true;
         (found = stele__json_next_member(&scanner, is_first, &name, &value)) > 0;
         is_first = false) {
        const stele_field *field = find_member(schema, &name);
        if (field) {
            STELE_TRY(read_field(field, &value, ret_object, reterr));
        }
    }
    return found == 0 && stele__json_finish(&scanner) ? STELE_OK
                                                      : fail_syntax(schema->name, &scanner, reterr);
}

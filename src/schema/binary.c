/* SPDX-License-Identifier: Apache-2.0 */
/* Described structs in the compact form of README.md. Every byte that is read may be hostile. */
#include "base/bytes.h"
#include "base/varint.h"
#include "schema/parts.h"

enum {
    TAG_NONE = 0,
    TAG_FALSE = 1,
    TAG_TRUE = 2,
    TAG_NATURAL = 3,
    TAG_NEGATIVE = 4,
    TAG_DOUBLE = 5,
    TAG_DECIMAL = 6,
    TAG_TEXT = 7,
    TAG_BYTES = 8,
    TAG_TIME = 9,
    TAG_UUID = 10,
    TAG_STRUCT = 11,
    TAG_LIST = 12
};

enum { FORM_VERSION = 1, SIZE_BYTES = 4 };

/* ---- writing */

static void write_tag(stele_writer *to, uint8_t tag)
{
    (void)stele_write(to, &tag, 1);
}

static void write_number(stele_writer *to, uint64_t number)
{
    uint8_t bytes[STELE_VARINT_SIZE_MAX];
    (void)stele_write(to, bytes, (size_t)(stele__varint_put(bytes, number) - bytes));
}

static void write_sized(stele_writer *to, const void *bytes, size_t size)
{
    write_number(to, size);
    (void)stele_write(to, bytes, size);
}

static void write_integer(stele_writer *to, int64_t integer)
{
    write_tag(to, integer < 0 ? TAG_NEGATIVE : TAG_NATURAL);
    write_number(to, integer < 0 ? ~(uint64_t)integer : (uint64_t)integer);
}

/* Eight bytes of this machine, lowest first. */
static void write_word(stele_writer *to, uint8_t tag, const void *at)
{
    uint64_t word;
    uint8_t bytes[sizeof word];
    memcpy(&word, at, sizeof word);
    stele__store64(bytes, word);
    write_tag(to, tag);
    (void)stele_write(to, bytes, sizeof bytes);
}

/* What follows is preceded by its size, which is put in behind it. */
static size_t begin_sized(stele_writer *to, uint8_t tag)
{
    write_tag(to, tag);
    (void)stele_write(to, (const uint8_t[SIZE_BYTES]){0}, SIZE_BYTES);
    return to->size;
}

static void end_sized(stele_writer *to, size_t begin)
{
    if (!to->has_failed) {
        stele__store32((uint8_t *)to->data + begin - SIZE_BYTES, (uint32_t)(to->size - begin));
    }
}

static stele_status write_fields(const stele_schema *schema, const void *object, stele_writer *to,
                                 stele_error *reterr);

static stele_status write_value(const stele_field *field, const void *object, const char *at,
                                stele_writer *to, stele_error *reterr)
{
    const size_t size = stele__value_size(field);
    stele_decimal decimal;
    stele_text text;
    size_t begin;
    STELE_TRY(stele__value_check(field, object, at, reterr));
    switch (field->kind) {
    case STELE_KIND_BOOL:
        write_tag(to, *at ? TAG_TRUE : TAG_FALSE);
        break;
    case STELE_KIND_INTEGER:
        write_integer(to, stele__read_signed(at, size));
        break;
    case STELE_KIND_UNSIGNED:
        write_tag(to, TAG_NATURAL);
        write_number(to, stele__read_unsigned(at, size));
        break;
    case STELE_KIND_DOUBLE:
        write_word(to, TAG_DOUBLE, at);
        break;
    case STELE_KIND_DECIMAL:
        memcpy(&decimal, at, sizeof decimal);
        write_tag(to, TAG_DECIMAL);
        write_tag(to, (uint8_t)decimal.scale);
        write_integer(to, decimal.units);
        break;
    case STELE_KIND_TEXT:
        text = stele__text_of(at, size);
        write_tag(to, TAG_TEXT);
        write_sized(to, text.data, text.size);
        break;
    case STELE_KIND_BYTES:
        write_tag(to, TAG_BYTES);
        write_sized(to, at, stele__read_u32(object, field->size_offset));
        break;
    case STELE_KIND_CHOICE:
        text = stele__text(stele__choice_of(field, at, size)->name);
        write_tag(to, TAG_TEXT);
        write_sized(to, text.data, text.size);
        break;
    case STELE_KIND_TIME:
        write_word(to, TAG_TIME, at);
        break;
    case STELE_KIND_UUID:
        write_tag(to, TAG_UUID);
        (void)stele_write(to, at, size);
        break;
    case STELE_KIND_NESTED:
        begin = begin_sized(to, TAG_STRUCT);
        STELE_TRY(write_fields(field->nested(), at, to, reterr));
        end_sized(to, begin);
        break;
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
    const size_t begin = begin_sized(to, TAG_LIST);
    write_number(to, count);
    for (uint32_t i = 0; i < count; i++) {
        STELE_TRY(write_value(field, object, stele__member(field, object) + i * size, to, reterr));
    }
    end_sized(to, begin);
    return STELE_OK;
}

stele_status stele__field_write_binary(const stele_field *field, const void *object,
                                       stele_writer *to, stele_error *reterr)
{
    if (!stele__field_is_present(field, object)) {
        write_tag(to, TAG_NONE);
        return STELE_OK;
    }
    return field->count_max ? write_list(field, object, to, reterr)
                            : write_value(field, object, stele__member(field, object), to, reterr);
}

static stele_status write_fields(const stele_schema *schema, const void *object, stele_writer *to,
                                 stele_error *reterr)
{
    for (size_t i = 0; i < schema->field_count; i++) {
        const stele_field *field = &schema->fields[i];
        if (field->flags & STELE_FIELD_SKIP) {
            continue;
        }
        const stele_text name = stele__text(stele_field_name(field));
        write_sized(to, name.data, name.size);
        STELE_TRY(stele__field_write_binary(field, object, to, reterr));
    }
    return STELE_OK;
}

stele_status stele_schema_write_binary(const stele_schema *schema, const void *object,
                                       stele_writer *to, stele_error *reterr)
{
    write_tag(to, FORM_VERSION);
    STELE_TRY(write_fields(schema, object, to, reterr));
    return to->has_failed ? stele__fail_memory(reterr) : STELE_OK;
}

/* ---- reading */

static bool take_bytes(const uint8_t **at, const uint8_t *end, size_t size,
                       const uint8_t **ret_bytes)
{
    if (size > (size_t)(end - *at)) {
        return false;
    }
    *ret_bytes = *at;
    *at += size;
    return true;
}

/* A value as it stands there. */
typedef struct raw {
    uint8_t tag;
    uint8_t scale;
    bool is_negative;
    uint64_t number; /* a natural, or for a negative n the number -1 - n */
    const uint8_t *bytes;
    size_t size;
} raw;

static bool take_raw_number(const uint8_t **at, const uint8_t *end, uint8_t tag, raw *ret_raw)
{
    ret_raw->is_negative = tag == TAG_NEGATIVE;
    return (tag == TAG_NATURAL || tag == TAG_NEGATIVE) &&
           stele__varint_get(at, end, &ret_raw->number);
}

static bool take_raw(const uint8_t **at, const uint8_t *end, raw *ret_raw)
{
    uint64_t size = 0;
    const uint8_t *bytes;
    *ret_raw = (raw){.tag = UINT8_MAX};
    if (*at == end) {
        return false;
    }
    ret_raw->tag = *(*at)++;
    switch (ret_raw->tag) {
    case TAG_NONE:
    case TAG_FALSE:
    case TAG_TRUE:
        return true;
    case TAG_NATURAL:
    case TAG_NEGATIVE:
        return take_raw_number(at, end, ret_raw->tag, ret_raw);
    case TAG_DECIMAL:
        if (!take_bytes(at, end, 2, &bytes)) {
            return false;
        }
        ret_raw->scale = bytes[0];
        return take_raw_number(at, end, bytes[1], ret_raw);
    case TAG_DOUBLE:
    case TAG_TIME:
        size = 8;
        break;
    case TAG_UUID:
        size = sizeof(stele_uuid);
        break;
    case TAG_TEXT:
    case TAG_BYTES:
        if (!stele__varint_get(at, end, &size)) {
            return false;
        }
        break;
    case TAG_STRUCT:
    case TAG_LIST:
        if (!take_bytes(at, end, SIZE_BYTES, &bytes)) {
            return false;
        }
        size = stele__load32(bytes);
        break;
    default:
        return false;
    }
    ret_raw->size = size;
    return size <= SIZE_MAX && take_bytes(at, end, (size_t)size, &ret_raw->bytes);
}

static stele_status damaged(const char *name, stele_error *reterr)
{
    return stele__fail(reterr, STELE_INVALID, "the bytes of %s are damaged", name);
}

static stele_status misfit(const stele_field *field, stele_error *reterr)
{
    return stele__fail(reterr, STELE_INVALID, "what is stored for %s does not fit into it",
                       stele_field_name(field));
}

static bool raw_signed(const raw *from, int64_t *ret_integer)
{
    if ((from->tag != TAG_NATURAL && from->tag != TAG_NEGATIVE && from->tag != TAG_DECIMAL) ||
        from->number > INT64_MAX) {
        return false;
    }
    *ret_integer = from->is_negative ? -1 - (int64_t)from->number : (int64_t)from->number;
    return true;
}

static bool take_integer(const stele_field *field, const raw *from, char *at)
{
    const size_t size = stele__value_size(field);
    int64_t integer;
    if (field->kind == STELE_KIND_UNSIGNED) {
        if (from->tag != TAG_NATURAL || !stele__fits_unsigned(from->number, size)) {
            return false;
        }
        stele__write_integer(at, size, from->number);
        return true;
    }
    if (from->tag == TAG_DECIMAL || !raw_signed(from, &integer) ||
        !stele__fits_signed(integer, size)) {
        return false;
    }
    stele__write_integer(at, size, (uint64_t)integer);
    return true;
}

static bool take_decimal(const stele_field *field, const raw *from, char *at)
{
    int64_t units;
    if (!raw_signed(from, &units)) {
        return false;
    }
    const stele_decimal decimal = stele_decimal_make(units, from->scale);
    memcpy(at, &decimal, sizeof decimal);
    return stele_decimal_is_number(
        stele_decimal_rescale(decimal, (int)field->scale, STELE_ROUND_EXACTLY));
}

static bool take_text(const stele_field *field, const raw *from, char *at)
{
    const size_t size = stele__value_size(field);
    const stele_text text = {(const char *)from->bytes, from->size};
    if (from->tag != TAG_TEXT || from->size >= size || memchr(text.data, '\0', text.size) ||
        !stele__text_is_utf8(text)) {
        return false;
    }
    memcpy(at, text.data, text.size);
    memset(at + text.size, 0, size - text.size);
    return true;
}

static bool take_choice(const stele_field *field, const raw *from, char *at)
{
    const stele_choice *choice =
        from->tag == TAG_TEXT
            ? stele__choice_named(field, (stele_text){(const char *)from->bytes, from->size})
            : NULL;
    if (!choice) {
        return false;
    }
    stele__write_integer(at, stele__value_size(field), (uint64_t)choice->value);
    return true;
}

static bool take_word(const raw *from, uint8_t tag, char *at)
{
    if (from->tag != tag) {
        return false;
    }
    const uint64_t word = stele__load64(from->bytes);
    memcpy(at, &word, sizeof word);
    return true;
}

static bool take_uuid(const raw *from, char *at)
{
    if (from->tag != TAG_UUID) {
        return false;
    }
    memcpy(at, from->bytes, sizeof(stele_uuid));
    return true;
}

static bool take_array(const stele_field *field, const raw *from, void *object, char *at)
{
    if (from->tag != TAG_BYTES || from->size > field->size) {
        return false;
    }
    memcpy(at, from->bytes, from->size);
    memset(at + from->size, 0, field->size - from->size);
    stele__write_u32(object, field->size_offset, (uint32_t)from->size);
    return true;
}

static stele_status read_fields(const stele_schema *schema, const uint8_t *at, const uint8_t *end,
                                void *ret_object, stele_error *reterr);

static stele_status take_value(const stele_field *field, const raw *from, void *object, char *at,
                               stele_error *reterr)
{
    bool fits = false;
    switch (field->kind) {
    case STELE_KIND_BOOL:
        fits = from->tag == TAG_TRUE || from->tag == TAG_FALSE;
        *at = from->tag == TAG_TRUE;
        break;
    case STELE_KIND_INTEGER:
    case STELE_KIND_UNSIGNED:
        fits = take_integer(field, from, at);
        break;
    case STELE_KIND_DOUBLE:
        fits = take_word(from, TAG_DOUBLE, at);
        break;
    case STELE_KIND_DECIMAL:
        fits = take_decimal(field, from, at);
        break;
    case STELE_KIND_TEXT:
        fits = take_text(field, from, at);
        break;
    case STELE_KIND_BYTES:
        fits = take_array(field, from, object, at);
        break;
    case STELE_KIND_CHOICE:
        fits = take_choice(field, from, at);
        break;
    case STELE_KIND_TIME:
        fits = take_word(from, TAG_TIME, at);
        break;
    case STELE_KIND_UUID:
        fits = take_uuid(from, at);
        break;
    case STELE_KIND_NESTED:
        if (from->tag == TAG_STRUCT) {
            return read_fields(field->nested(), from->bytes, from->bytes + from->size, at, reterr);
        }
        break;
    }
    return fits ? STELE_OK : misfit(field, reterr);
}

static stele_status take_list(const stele_field *field, const raw *from, void *object,
                              stele_error *reterr)
{
    const size_t size = stele__value_size(field);
    char *const first = stele__member_to_write(field, object);
    uint64_t count;
    if (from->tag != TAG_LIST) {
        return misfit(field, reterr);
    }
    const uint8_t *at = from->bytes;
    const uint8_t *const end = from->bytes + from->size;
    if (!stele__varint_get(&at, end, &count) || count > field->count_max) {
        return misfit(field, reterr);
    }
    memset(first, 0, field->size);
    for (uint32_t i = 0; i < count; i++) {
        raw item;
        if (!take_raw(&at, end, &item)) {
            return damaged(stele_field_name(field), reterr);
        }
        STELE_TRY(take_value(field, &item, object, first + i * size, reterr));
    }
    stele__write_u32(object, field->count_offset, (uint32_t)count);
    return at == end ? STELE_OK : damaged(stele_field_name(field), reterr);
}

stele_status stele__field_read_binary(const stele_field *field, const uint8_t **at,
                                      const uint8_t *end, void *ret_object, stele_error *reterr)
{
    raw from;
    if (!take_raw(at, end, &from)) {
        return damaged(field ? stele_field_name(field) : "a field", reterr);
    }
    if (!field) {
        return STELE_OK;
    }
    if (field->presence_offset) {
        *((unsigned char *)ret_object + field->presence_offset) = from.tag != TAG_NONE;
        if (from.tag == TAG_NONE) {
            memset(stele__member_to_write(field, ret_object), 0, field->size);
            return STELE_OK;
        }
    }
    return field->count_max ? take_list(field, &from, ret_object, reterr)
                            : take_value(field, &from, ret_object,
                                         stele__member_to_write(field, ret_object), reterr);
}

static stele_status read_fields(const stele_schema *schema, const uint8_t *at, const uint8_t *end,
                                void *ret_object, stele_error *reterr)
{
    while (at < end) {
        const uint8_t *name;
        uint64_t size;
        if (!stele__varint_get(&at, end, &size) || size > (size_t)(end - at) ||
            !take_bytes(&at, end, (size_t)size, &name)) {
            return damaged(schema->name, reterr);
        }
        const stele_field *field =
            stele__schema_find(schema, (stele_text){(const char *)name, (size_t)size});
        STELE_TRY(stele__field_read_binary(field, &at, end, ret_object, reterr));
    }
    return STELE_OK;
}

stele_status stele_schema_read_binary(const stele_schema *schema, const void *bytes, size_t size,
                                      void *ret_object, stele_error *reterr)
{
    const uint8_t *at = bytes;
    if (size == 0 || *at != FORM_VERSION) {
        return stele__fail(reterr, STELE_INVALID,
                           "this is not %s in version %d of the compact form", schema->name,
                           FORM_VERSION);
    }
    return read_fields(schema, at + 1, at + size, ret_object, reterr);
}

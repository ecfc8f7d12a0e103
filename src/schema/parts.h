/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share: members of described structs, and where an error is. */
#ifndef STELE_SCHEMA_PARTS_H
#define STELE_SCHEMA_PARTS_H

#include "base/base.h"
#include "schema/schema.h"

#include <inttypes.h>
#include <string.h>

static inline const char *stele__member(const stele_field *field, const void *object)
{
    return (const char *)object + field->offset;
}

static inline char *stele__member_to_write(const stele_field *field, void *object)
{
    return (char *)object + field->offset;
}

static inline uint32_t stele__read_u32(const void *object, size_t offset)
{
    uint32_t number;
    memcpy(&number, (const char *)object + offset, sizeof number);
    return number;
}

static inline void stele__write_u32(void *object, size_t offset, uint32_t number)
{
    memcpy((char *)object + offset, &number, sizeof number);
}

/* The bytes of one value: of a list, of one element. */
static inline size_t stele__value_size(const stele_field *field)
{
    return field->count_max ? field->size / field->count_max : field->size;
}

/* Integers of any width. */
static inline int64_t stele__read_signed(const void *at, size_t size)
{
    int8_t i8;
    int16_t i16;
    int32_t i32;
    int64_t i64;
    switch (size) {
    case 1:
        memcpy(&i8, at, 1);
        return i8;
    case 2:
        memcpy(&i16, at, 2);
        return i16;
    case 4:
        memcpy(&i32, at, 4);
        return i32;
    default:
        memcpy(&i64, at, 8);
        return i64;
    }
}

static inline uint64_t stele__read_unsigned(const void *at, size_t size)
{
    return size == 8 ? (uint64_t)stele__read_signed(at, 8)
                     : (uint64_t)stele__read_signed(at, size) & ((UINT64_C(1) << (8 * size)) - 1);
}

/* The low bytes of a number, in the order of this machine. */
static inline void stele__write_integer(void *at, size_t size, uint64_t number)
{
    const uint8_t u8 = (uint8_t)number;
    const uint16_t u16 = (uint16_t)number;
    const uint32_t u32 = (uint32_t)number;
    memcpy(at,
           size == 1   ? (const void *)&u8
           : size == 2 ? (const void *)&u16
           : size == 4 ? (const void *)&u32
                       : (const void *)&number,
           size);
}

static inline bool stele__fits_signed(int64_t number, size_t size)
{
    const int64_t most = (int64_t)(UINT64_MAX >> (65 - 8 * size));
    return number >= -most - 1 && number <= most;
}

static inline bool stele__fits_unsigned(uint64_t number, size_t size)
{
    return number <= UINT64_MAX >> (64 - 8 * size);
}

/* An enumerator by its value; an enumeration is as wide as its field. NULL: it has no name. */
const stele_choice *stele__choice_of(const stele_field *field, const void *at, size_t size);
const stele_choice *stele__choice_named(const stele_field *field, stele_text name);

/* What a value must be to be stored: STELE_INVALID names the field and says what is wrong. One
 * element of a list; not nested ones, whose fields are looked at one by one. */
stele_status stele__value_check(const stele_field *field, const void *object, const char *at,
                                stele_error *reterr);
/* The length of a text, whose value has passed. */
static inline stele_text stele__text_of(const char *at, size_t size)
{
    return (stele_text){at, strnlen(at, size)};
}
/* How many elements of a list there are. False: more than fit. */
bool stele__list_count(const stele_field *field, const void *object, uint32_t *ret_count);

#endif

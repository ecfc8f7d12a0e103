/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file stele/schema.h
 * @brief Schemas: which fields a C struct has. Written once, with it the struct is compared, stored and read back.
 *
 *     #define ORDER_SIDES(V) V(ORDER_BUY, "Buy") V(ORDER_SELL, "Sell")
 *     STELE_CHOICE(order_side, ORDER_SIDES)                  // enum order_side, with names
 *
 *     #define ORDER_FIELDS(F)                                \
 *         F(u64, id, KEY)                                    \
 *         F(text(16), symbol)                                \
 *         F(decimal(8), price)                               \
 *         F(optional(decimal(8)), stop_price)                \
 *         F(choice(order_side), side)                        \
 *         F(list(text(20), 8), notes, AS("remarks"))
 *     STELE_SCHEMA(order, ORDER_FIELDS)                      // struct order and order_schema()
 *
 * declares the struct and a function that describes it:
 *
 *     typedef struct order {
 *         uint64_t id;
 *         char symbol[17];
 *         stele_decimal price;
 *         stele_decimal stop_price; bool has_stop_price;
 *         order_side side;
 *         char notes[8][21]; uint32_t notes_count;
 *     } order;
 *     const stele_schema *order_schema(void);
 *
 * Such a struct owns nothing and points nowhere: it is copied by assignment, zeroed to be empty, and has no clean-up.
 * No generator is installed, nothing is registered, and the description is constant data.
 *
 * | Kind | In C | In JSON |
 * |---|---|---|
 * | `bool` | bool | true, false |
 * | `i8` `i16` `i32` `i64` `u8` `u16` `u32` `u64` | int8_t … uint64_t | a number; beyond 2^53 a string |
 * | `f64` | double; not for money | a number; a string for infinities and NaN |
 * | `decimal(s)` | ::stele_decimal with at most s digits behind the point | a string: "12.5" |
 * | `text(n)` | char[n + 1]: UTF-8 of at most n bytes, and NUL | a string |
 * | `bytes(n)` | uint8_t[n], uint32_t name_size | a string in base64 |
 * | `choice(c)` | the enum c made by STELE_CHOICE() | its name |
 * | `time` | ::stele_time | a string by RFC 3339 |
 * | `uuid` | ::stele_uuid | a string |
 * | `nested(t)` | the struct t made by STELE_SCHEMA() | an object |
 * | `optional(k)` | what k is, and bool has_name | null if it has none |
 * | `list(k, n)` | k[n], uint32_t name_count | an array |
 *
 * `optional` goes with everything but `bytes`, `list` and itself, `list` with everything but `bytes`, `optional` and
 * itself. Attributes follow the name: `KEY` (it identifies an entity), `AS("name")` (its name where it is stored),
 * `SKIP` (neither stored nor compared), `UNCOMPARED` (stored, but no difference by itself). At most four.
 *
 * In C++ this needs C++20.
 */
#ifndef STELE_SCHEMA_H
#define STELE_SCHEMA_H

#include "decimal.h"
#include "error.h"
#include "writer.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------------------------------------- descriptions -- */

typedef enum stele_kind {
    STELE_KIND_BOOL = 1,
    STELE_KIND_INTEGER = 2,  /**< signed; 1, 2, 4 or 8 bytes */
    STELE_KIND_UNSIGNED = 3, /**< the same, unsigned */
    STELE_KIND_DOUBLE = 4,
    STELE_KIND_DECIMAL = 5,
    STELE_KIND_TEXT = 6,
    STELE_KIND_BYTES = 7,
    STELE_KIND_CHOICE = 8,
    STELE_KIND_TIME = 9,
    STELE_KIND_UUID = 10,
    STELE_KIND_NESTED = 11
} stele_kind;

/** The names of an enumeration. Values are what the enumerators are, in any order, each once. */
typedef struct stele_choice {
    int64_t value;
    const char *name;
} stele_choice;

typedef struct stele_choices {
    const char *name; /**< of the enumeration */
    const stele_choice *choices;
    size_t count;
} stele_choices;

struct stele_schema;

/** Flags of a field. */
enum { STELE_FIELD_KEY = 1, STELE_FIELD_SKIP = 2, STELE_FIELD_UNCOMPARED = 4 };

/** A field of a struct. Made by the macros below. Offsets and sizes are bytes. */
typedef struct stele_field {
    const char *member; /**< its name in C */
    const char *alias;  /**< its name where it is stored; "": as in C. See stele_field_name() */
    size_t offset;
    size_t size;            /**< of the member; of a list, all of it */
    size_t presence_offset; /**< optional: of its bool; else 0 */
    size_t count_offset;    /**< list: of its uint32_t count; else 0 */
    size_t size_offset;     /**< bytes: of its uint32_t size; else 0 */
    stele_kind kind;        /**< of a list: of its elements */
    uint32_t flags;
    uint32_t count_max; /**< list: how many fit; else 0 */
    uint32_t scale;     /**< decimal: digits behind the point */
    const stele_choices *(*choices)(void);
    const struct stele_schema *(*nested)(void);
} stele_field;

/** A struct. Made by STELE_SCHEMA(). */
typedef struct stele_schema {
    const char *name;
    size_t size; /**< sizeof the struct */
    const stele_field *fields;
    size_t field_count;
    uint32_t version; /**< of events with such a payload (upcast.h); else 1 */
} stele_schema;

/** At most so many fields, of all nested structs together: ::STELE_INVALID_LIMIT. */
#define STELE_SCHEMA_FIELDS_MAX 1024
/** At most so many structs inside each other. */
#define STELE_SCHEMA_DEPTH_MAX 8

/** The name of a field where it is stored. Static, as the description is. Any thread. */
static inline const char *stele_field_name(const stele_field *field)
{
    return field->alias[0] ? field->alias : field->member;
}

/**
 * Looks whether a description can be worked with: names are UTF-8, not empty, and occur once; kinds go together; a
 * nested struct does not contain itself; choices have distinct names and values. Everything that takes a schema for the
 * first time (a repository, a fold) does this by itself; what is below does not, and relies on it.
 *
 * @return ::STELE_OK; ::STELE_INVALID, ::STELE_INVALID_LIMIT. Any thread.
 */
STELE_API STELE_MUST_CHECK stele_status stele_schema_check(const stele_schema *schema, stele_error *reterr);

/**
 * Sets a text field. What does not fit is not cut off: the field then has a text without an end, which is refused
 * wherever it is stored. STELE_SET_TEXT(order.symbol, symbol) takes the size from the field.
 *
 * @param field `size` bytes. @param text NUL-terminated, borrowed for the call; NULL: empty. Fails never. Any thread.
 */
STELE_API void stele_set_text(char *field, size_t size, const char *text);
#define STELE_SET_TEXT(field, text) stele_set_text((field), sizeof(field), (text))

/* ------------------------------------------------------------------------------------------------- comparing -- */

/** A field in which two structs differ. Views: valid as long as both structs stand still. */
typedef struct stele_change {
    const stele_field *field;
    const void *before; /**< the whole struct that has the old value; NULL: there was none */
    const void *after;  /**< the whole struct that has the new value; NULL: there is none */
} stele_change;

/**
 * The fields in which two structs differ, in the order of their declaration; a nested struct or a list is one field.
 * Compared are values: a text up to its NUL, decimals by their number, a list up to its count, nothing of an optional
 * field that both lack; two NaN are equal, 0.0 and -0.0 are not.
 *
 * @param before borrowed, as is `after`; both are structs that `schema` describes.
 * @param ret_changes room for `capacity` changes; schema->field_count is always enough.
 * @return how many differ, also if that is more than fit. Never fails, allocates nothing. Any thread.
 */
STELE_API size_t stele_schema_diff(const stele_schema *schema, const void *before, const void *after,
                                   stele_change *ret_changes, size_t capacity);
/** Not 0: they differ in nothing that is compared. As stele_schema_diff() otherwise. */
STELE_API int stele_schema_equal(const stele_schema *schema, const void *a, const void *b);

/* ----------------------------------------------------------------------------------------------------- JSON -- */

/**
 * Writes a struct as a JSON object: every field that is not skipped, in the order of declaration.
 *
 * @return ::STELE_OK; ::STELE_INVALID (the message names the field): a text is not UTF-8 or not terminated, a decimal
 * is no number or has more digits than its scale, a value has no name in its enumeration, a count is larger than its
 * list; ::STELE_NO_MEMORY: the writer has failed. What was written so far remains. Any thread.
 */
STELE_API STELE_MUST_CHECK stele_status stele_schema_write_json(const stele_schema *schema, const void *object,
                                                                stele_writer *to, stele_error *reterr);
/**
 * Reads a struct from a JSON object. Members that the schema does not know are passed over; a field without a member
 * stays as `ret_object` has it, so zero it first. null is the absence of an optional field, and refused for others.
 * Numbers may stand in strings and whole numbers be written as 1.0 or 1e0, but nothing is rounded.
 *
 * @param json borrowed, `size` bytes; hostile text is welcome.
 * @return ::STELE_OK; ::STELE_INVALID: no JSON, not an object, or a member that its field cannot hold (the message
 * names it); `ret_object` is changed up to there then. Any thread.
 */
STELE_API STELE_MUST_CHECK stele_status stele_schema_read_json(const stele_schema *schema, const char *json,
                                                               size_t size, void *ret_object, stele_error *reterr);
/** Writes one field of a struct as a JSON value. As stele_schema_write_json() otherwise. */
STELE_API STELE_MUST_CHECK stele_status stele_field_write_json(const stele_field *field, const void *object,
                                                               stele_writer *to, stele_error *reterr);
/** Reads one field of a struct from a JSON value. As stele_schema_read_json() otherwise. */
STELE_API STELE_MUST_CHECK stele_status stele_field_read_json(const stele_field *field, const char *json, size_t size,
                                                              void *ret_object, stele_error *reterr);

/* --------------------------------------------------------------------------------------------------- binary -- */

/**
 * Writes a struct in Stele's compact form: fields by their names, numbers as short as they are. src/schema/README.md
 * describes it. Version 1 of the form stays readable for ever. As stele_schema_write_json() otherwise.
 */
STELE_API STELE_MUST_CHECK stele_status stele_schema_write_binary(const stele_schema *schema, const void *object,
                                                                  stele_writer *to, stele_error *reterr);
/** Reads it back. As stele_schema_read_json() otherwise; damage is ::STELE_INVALID. */
STELE_API STELE_MUST_CHECK stele_status stele_schema_read_binary(const stele_schema *schema, const void *bytes,
                                                                 size_t size, void *ret_object, stele_error *reterr);

/* --------------------------------------------------------------------------------------------------- macros --- */

/** Declares `enum name` from V(enumerator, "name") …, and `name_choices()`, which knows the names. */
#define STELE_CHOICE(choice, VALUES)                                                                                   \
    typedef enum choice { VALUES(STELE_ENUMERATOR_) } choice;                                                          \
    STELE_CHOICE_NAMES(choice, VALUES)

/** The names alone, for an enumeration that there is already, whatever its values. */
#define STELE_CHOICE_NAMES(choice, VALUES)                                                                             \
    STELE_UNUSED static inline const stele_choices *choice##_choices(void)                                             \
    {                                                                                                                  \
        static const stele_choice stele_choices_of_it[] = {VALUES(STELE_CHOICE_NAMED_)};                               \
        static const stele_choices stele_all_of_it = {#choice, stele_choices_of_it,                                    \
                                                      sizeof stele_choices_of_it / sizeof(stele_choice)};              \
        return &stele_all_of_it;                                                                                       \
    }

/** Declares `struct name` from F(kind, member, attributes …) …, and `name_schema()`, which describes it. */
#define STELE_SCHEMA(type, FIELDS) STELE_SCHEMA_AS(type, #type, 1, FIELDS)

/** The same, with another name and version. */
#define STELE_SCHEMA_AS(type, schema_name, schema_version, FIELDS)                                                     \
    typedef struct type {                                                                                              \
        FIELDS(STELE_MEMBER_)                                                                                          \
    } type;                                                                                                            \
    STELE_UNUSED static inline const stele_schema *type##_schema(void)                                                 \
    {                                                                                                                  \
        typedef type stele_self;                                                                                       \
        static const stele_field stele_fields_of_it[] = {FIELDS(STELE_FIELD_)};                                        \
        static const stele_schema stele_schema_of_it = {schema_name, sizeof(type), stele_fields_of_it,                 \
                                                        sizeof stele_fields_of_it / sizeof(stele_field),               \
                                                        schema_version};                                               \
        return &stele_schema_of_it;                                                                                    \
    }

/*
 * How it is done. F(kind, member, attributes …) becomes a member of the struct by STELE_MEMBER_, and an element of the
 * description by STELE_FIELD_. For each kind k there are STELE_C_k: the type, what stands behind the member's name, and
 * a macro for members that go with it; and STELE_D_k: a macro that names the offsets of those, and the rest of the
 * description. optional and list take those of their kind apart and put in their own.
 */
#define STELE_ENUMERATOR_(enumerator, name) enumerator,
#define STELE_CHOICE_NAMED_(enumerator, name) {enumerator, name},

#define STELE_FIRST_(first, ...) first
#define STELE_ALONE_(member)
#define STELE_PRESENCE_(member) bool has_##member;
#define STELE_COUNT_(member) uint32_t member##_count;
#define STELE_SIZE_(member) uint32_t member##_size;

#define STELE_MEMBER_(kind, ...) STELE_MEMBER_2_(STELE_C_##kind, STELE_FIRST_(__VA_ARGS__, ~))
#define STELE_MEMBER_2_(...) STELE_MEMBER_3_(__VA_ARGS__)
#define STELE_MEMBER_3_(type, suffix, companion, member)                                                               \
    type member suffix;                                                                                                \
    companion(member)

#define STELE_ARRAY_(count) [count]

#define STELE_C_bool bool, , STELE_ALONE_
#define STELE_C_i8 int8_t, , STELE_ALONE_
#define STELE_C_i16 int16_t, , STELE_ALONE_
#define STELE_C_i32 int32_t, , STELE_ALONE_
#define STELE_C_i64 int64_t, , STELE_ALONE_
#define STELE_C_u8 uint8_t, , STELE_ALONE_
#define STELE_C_u16 uint16_t, , STELE_ALONE_
#define STELE_C_u32 uint32_t, , STELE_ALONE_
#define STELE_C_u64 uint64_t, , STELE_ALONE_
#define STELE_C_f64 double, , STELE_ALONE_
#define STELE_C_decimal(digits) stele_decimal, , STELE_ALONE_
#define STELE_C_text(bytes_max) char, STELE_ARRAY_((bytes_max) + 1), STELE_ALONE_
#define STELE_C_bytes(bytes_max) uint8_t, STELE_ARRAY_(bytes_max), STELE_SIZE_
#define STELE_C_choice(enumeration) enumeration, , STELE_ALONE_
#define STELE_C_time stele_time, , STELE_ALONE_
#define STELE_C_uuid stele_uuid, , STELE_ALONE_
#define STELE_C_nested(type) type, , STELE_ALONE_
#define STELE_C_optional(kind) STELE_C_OPTIONAL_(STELE_C_##kind)
#define STELE_C_OPTIONAL_(...) STELE_C_OPTIONAL_2_(__VA_ARGS__)
#define STELE_C_OPTIONAL_2_(type, suffix, companion) type, suffix, STELE_PRESENCE_
#define STELE_C_list(kind, count) STELE_C_LIST_(count, STELE_C_##kind)
#define STELE_C_LIST_(...) STELE_C_LIST_2_(__VA_ARGS__)
#define STELE_C_LIST_2_(count, type, suffix, companion) type, STELE_ARRAY_(count) suffix, STELE_COUNT_

#define STELE_NO_OFFSETS_(member) 0, 0, 0
#define STELE_PRESENCE_OFFSET_(member) offsetof(stele_self, has_##member), 0, 0
#define STELE_COUNT_OFFSET_(member) 0, offsetof(stele_self, member##_count), 0
#define STELE_SIZE_OFFSET_(member) 0, 0, offsetof(stele_self, member##_size)

#define STELE_FIELD_(kind, ...)                                                                                        \
    STELE_FIELD_2_(STELE_FIRST_(__VA_ARGS__, ~), STELE_ALIAS_(__VA_ARGS__), STELE_FLAGS_(__VA_ARGS__), STELE_D_##kind)
#define STELE_FIELD_2_(...) STELE_FIELD_3_(__VA_ARGS__)
#define STELE_FIELD_3_(member, alias, flags, offsets, field_kind, count, digits, field_choices, field_nested)          \
    {#member,                                                                                                          \
     alias,                                                                                                            \
     offsetof(stele_self, member),                                                                                     \
     sizeof(((stele_self *)0)->member),                                                                                \
     offsets(member),                                                                                                  \
     field_kind,                                                                                                       \
     flags,                                                                                                            \
     count,                                                                                                            \
     digits,                                                                                                           \
     field_choices,                                                                                                    \
     field_nested},

#define STELE_D_PLAIN_(kind) STELE_NO_OFFSETS_, kind, 0, 0, 0, 0
#define STELE_D_bool STELE_D_PLAIN_(STELE_KIND_BOOL)
#define STELE_D_i8 STELE_D_PLAIN_(STELE_KIND_INTEGER)
#define STELE_D_i16 STELE_D_PLAIN_(STELE_KIND_INTEGER)
#define STELE_D_i32 STELE_D_PLAIN_(STELE_KIND_INTEGER)
#define STELE_D_i64 STELE_D_PLAIN_(STELE_KIND_INTEGER)
#define STELE_D_u8 STELE_D_PLAIN_(STELE_KIND_UNSIGNED)
#define STELE_D_u16 STELE_D_PLAIN_(STELE_KIND_UNSIGNED)
#define STELE_D_u32 STELE_D_PLAIN_(STELE_KIND_UNSIGNED)
#define STELE_D_u64 STELE_D_PLAIN_(STELE_KIND_UNSIGNED)
#define STELE_D_f64 STELE_D_PLAIN_(STELE_KIND_DOUBLE)
#define STELE_D_decimal(digits) STELE_NO_OFFSETS_, STELE_KIND_DECIMAL, 0, digits, 0, 0
#define STELE_D_text(bytes_max) STELE_D_PLAIN_(STELE_KIND_TEXT)
#define STELE_D_bytes(bytes_max) STELE_SIZE_OFFSET_, STELE_KIND_BYTES, 0, 0, 0, 0
#define STELE_D_choice(enumeration) STELE_NO_OFFSETS_, STELE_KIND_CHOICE, 0, 0, enumeration##_choices, 0
#define STELE_D_time STELE_D_PLAIN_(STELE_KIND_TIME)
#define STELE_D_uuid STELE_D_PLAIN_(STELE_KIND_UUID)
#define STELE_D_nested(type) STELE_NO_OFFSETS_, STELE_KIND_NESTED, 0, 0, 0, type##_schema
#define STELE_D_optional(kind) STELE_D_OPTIONAL_(STELE_D_##kind)
#define STELE_D_OPTIONAL_(...) STELE_D_OPTIONAL_2_(__VA_ARGS__)
#define STELE_D_OPTIONAL_2_(offsets, kind, count, digits, choices, nested)                                             \
    STELE_OPTIONAL_OF_##offsets, kind, count, digits, choices, nested
#define STELE_OPTIONAL_OF_STELE_NO_OFFSETS_ STELE_PRESENCE_OFFSET_ /* of nothing else */
#define STELE_D_list(kind, count) STELE_D_LIST_(count, STELE_D_##kind)
#define STELE_D_LIST_(...) STELE_D_LIST_2_(__VA_ARGS__)
#define STELE_D_LIST_2_(count, offsets, kind, no_count, digits, choices, nested)                                       \
    STELE_LIST_OF_##offsets, kind, count, digits, choices, nested
#define STELE_LIST_OF_STELE_NO_OFFSETS_ STELE_COUNT_OFFSET_ /* of nothing else */

/* Attributes: each is a flag, or nothing, and an alias, or nothing; what stands behind the member's name is looked at
 * four times. */
#define STELE_ALIAS_(...) STELE_ALIAS_2_(__VA_ARGS__, NONE, NONE, NONE, NONE, ~)
#define STELE_ALIAS_2_(member, a, b, c, d, ...)                                                                        \
    "" STELE_ALIAS_OF_##a STELE_ALIAS_OF_##b STELE_ALIAS_OF_##c STELE_ALIAS_OF_##d
#define STELE_ALIAS_OF_NONE
#define STELE_ALIAS_OF_KEY
#define STELE_ALIAS_OF_SKIP
#define STELE_ALIAS_OF_UNCOMPARED
#define STELE_ALIAS_OF_AS(name) name

#define STELE_FLAGS_(...) STELE_FLAGS_2_(__VA_ARGS__, NONE, NONE, NONE, NONE, ~)
#define STELE_FLAGS_2_(member, a, b, c, d, ...)                                                                        \
    0 STELE_FLAG_OF_##a STELE_FLAG_OF_##b STELE_FLAG_OF_##c STELE_FLAG_OF_##d
#define STELE_FLAG_OF_NONE
#define STELE_FLAG_OF_KEY | STELE_FIELD_KEY
#define STELE_FLAG_OF_SKIP | STELE_FIELD_SKIP
#define STELE_FLAG_OF_UNCOMPARED | STELE_FIELD_UNCOMPARED
#define STELE_FLAG_OF_AS(name)

#ifdef __cplusplus
}
#endif
#endif

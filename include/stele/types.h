/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file stele/types.h
 * @brief The plain values that every part of Stele shares: text and byte views, identifiers, positions, times, limits.
 *
 * Nothing here allocates. Views are *borrowed*: they point into memory that somebody else owns, and the function that
 * hands one out says until when it is valid.
 */
#ifndef STELE_TYPES_H
#define STELE_TYPES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define STELE_API __attribute__((visibility("default")))
#define STELE_MUST_CHECK __attribute__((warn_unused_result))
#define STELE_PRINTF(format_index, first_argument) __attribute__((format(printf, format_index, first_argument)))
#define STELE_UNUSED __attribute__((unused))
#else
#define STELE_API
#define STELE_MUST_CHECK
#define STELE_PRINTF(format_index, first_argument)
#define STELE_UNUSED
#endif

/** The version of the library these headers belong to. */
#define STELE_VERSION_MAJOR 0
#define STELE_VERSION_MINOR 1
#define STELE_VERSION_PATCH 0

/** A borrowed piece of text: UTF-8, not terminated by NUL. `data` may be NULL when `size` is 0. Sizes are bytes. */
typedef struct stele_text {
    const char *data;
    size_t size;
} stele_text;

/** A borrowed piece of memory. `data` may be NULL when `size` is 0. Sizes are bytes. */
typedef struct stele_bytes {
    const uint8_t *data;
    size_t size;
} stele_bytes;

/** Prints a ::stele_text or ::stele_bytes with the format "%.*s". */
#define STELE_TEXT(view) (int)(view).size, (const char *)(view).data

/** A UUID in the byte order of RFC 9562 (most significant byte first). All zero means "none". */
typedef struct stele_uuid {
    uint8_t bytes[16];
} stele_uuid;

/** The text form of a UUID, 36 characters and a NUL. */
#define STELE_UUID_TEXT_SIZE 37

/**
 * The place of an event in the whole store. The first event has position 1, each following one the next number, in the
 * order in which commits became visible, without gaps. 0 means "before every event".
 */
typedef uint64_t stele_position;

/**
 * The place of an event in its stream. The first event of a stream has revision 0, each following one the next number.
 * The tombstone of a stream has ::STELE_REVISION_TOMBSTONE.
 */
typedef uint64_t stele_revision;

/** The revision of a tombstone (2^63 - 1), after which nothing can follow. */
#define STELE_REVISION_TOMBSTONE ((stele_revision)INT64_MAX)

/** The value of `$tb` that marks a stream as deleted (2^63 - 1). */
#define STELE_TRUNCATE_ALL ((stele_revision)INT64_MAX)

/** Nanoseconds since 1970-01-01T00:00:00 UTC, leap seconds not counted. */
typedef int64_t stele_time;

/** A span of time in nanoseconds. Negative: no limit. */
typedef int64_t stele_duration;
#define STELE_FOREVER ((stele_duration)-1)
#define STELE_MILLISECONDS(n) ((stele_duration)(n)*1000000)
#define STELE_SECONDS(n) ((stele_duration)(n)*1000000000)

/**
 * What an append expects of a stream: an exact last revision (0 and up), or one of the values below. As a *check* on a
 * stream that the same commit does not write, also ::STELE_IS_DELETED and ::STELE_IS_TOMBSTONED can be asked for. The
 * same numbers describe the *actual* state in a refusal. (The values are those of the KurrentDB protocol.)
 */
typedef int64_t stele_expected;
#define STELE_NO_STREAM ((stele_expected)-1)     /**< the stream has no events, or is soft-deleted */
#define STELE_ANY ((stele_expected)-2)           /**< no expectation */
#define STELE_EXISTS ((stele_expected)-4)        /**< the stream, or metadata for it, exists and is not deleted */
#define STELE_IS_DELETED ((stele_expected)-5)    /**< checks only: the stream is soft-deleted */
#define STELE_IS_TOMBSTONED ((stele_expected)-6) /**< checks only: the stream has a tombstone */

/** What a payload is written in. Stele stores it and hands it back; it never interprets data, except `$metadata`. */
typedef enum stele_format {
    STELE_BINARY = 0,
    STELE_JSON = 1,
    STELE_PROTOBUF = 2, /**< for metadata: a google.protobuf.Struct */
    STELE_AVRO = 3      /**< data only */
} stele_format;

/** When an append is answered. Stronger is slower; the default of a store is ::STELE_DURABLE_FULL. */
typedef enum stele_durability {
    STELE_DURABLE_DEFAULT = 0, /**< in an append: as the store was opened; in its options: full */
    STELE_DURABLE_FULL = 1,    /**< on stable storage (fdatasync): survives a power cut */
    STELE_DURABLE_OS = 2,      /**< given to the operating system: survives a crash of the process */
    STELE_DURABLE_NONE = 3     /**< sequenced; written within 10 ms or 1 MiB: a crash may lose the last ones. With
                                    ::STELE_NO_THREADS written by the next 1 MiB, step, sync, or durable append */
} stele_durability;

typedef enum stele_direction { STELE_FORWARDS = 0, STELE_BACKWARDS = 1 } stele_direction;

/*
 * Limits. Each is checked before anything is written; a violation is ::STELE_INVALID and names the limit.
 */
#define STELE_STREAM_NAME_SIZE_MAX 1024              /**< bytes of UTF-8, without NUL, at least 1 */
#define STELE_TYPE_SIZE_MAX 1024                     /**< bytes of UTF-8, without NUL, at least 1 */
#define STELE_TAG_SIZE_MAX 256                       /**< bytes of UTF-8, without NUL, at least 1 */
#define STELE_EVENT_TAGS_MAX 32                      /**< distinct tags of one event */
#define STELE_KEY_SIZE_MAX 256                       /**< bytes of an idempotency key */
#define STELE_EVENT_SIZE_MAX ((size_t)16 << 20)      /**< data + metadata + names + tags of one event */
#define STELE_COMMIT_SIZE_DEFAULT ((size_t)64 << 20) /**< sum over the events of one commit, by default */
#define STELE_COMMIT_SIZE_MAX ((size_t)256 << 20)    /**< the most that the option may allow */
#define STELE_COMMIT_EVENTS_MAX 65536                /**< events in one commit */
#define STELE_COMMIT_CHECKS_MAX 65536                /**< expectations in one commit */
#define STELE_CONDITIONS_MAX 64                      /**< conditions in one commit */
#define STELE_QUERY_ITEMS_MAX 32                     /**< items of one query */
#define STELE_QUERY_TERMS_MAX 32                     /**< types of one item; tags of one item */
#define STELE_PREFIXES_MAX 64                        /**< prefixes of one filter */
#define STELE_ID_WINDOW 262144 /**< positions in which ::STELE_ANY and ::STELE_EXISTS recognise event ids */
#define STELE_MEMORY_DEFAULT ((size_t)64 << 20) /**< stele_options.memory_bytes by default */
#define STELE_MEMORY_MIN ((size_t)8 << 20)      /**< and at least */

/** Parses the 36-character form (either case), `size` bytes without NUL. Returns 0, or -1 and leaves `ret_uuid` alone.
 * Any thread. */
STELE_API int stele_uuid_parse(const char *text, size_t size, stele_uuid *ret_uuid);

/** Writes the lower-case 36-character form and a NUL. Any thread. */
STELE_API void stele_uuid_print(const stele_uuid *uuid, char ret_text[STELE_UUID_TEXT_SIZE]);

/** The name-based UUID (version 5, SHA-1, RFC 9562 5.5) of a name in a namespace. Any thread. */
STELE_API stele_uuid stele_uuid_from_name(const stele_uuid *name_space, const void *name, size_t name_size);

/** The size that stele_time_print() needs at most: "2026-11-21T10:00:00.123456789Z" and a NUL. */
#define STELE_TIME_TEXT_SIZE 36

/** Writes RFC 3339 in UTC, with as many of 0, 3, 6 or 9 decimals as the value needs. Any thread. */
STELE_API void stele_time_print(stele_time time, char ret_text[STELE_TIME_TEXT_SIZE]);

/**
 * Parses RFC 3339 ("2026-11-21T10:00:00.5+01:00", "…Z"), and for people also a date alone, minutes without seconds, a
 * blank for the T, and no zone, which then means UTC. Returns 0, or -1 and leaves `ret_time` alone. Any thread.
 */
STELE_API int stele_time_parse(const char *text, size_t size, stele_time *ret_time);

/** The version of the library that runs, as "0.1.0". Static: never to be freed. Any thread. */
STELE_API const char *stele_version(void);

#ifdef __cplusplus
}
#endif
#endif

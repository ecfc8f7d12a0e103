/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file stele/fold.h
 * @brief Folds: how events become a state. Aggregates, reductions, entities, rebuilds and the command line share them.
 *
 * A fold is a description that never changes while the program runs: a name, how large its state is, and a function
 * that applies one event to it. Most are written with macros, one function for each event, which gets it as a struct:
 *
 *     #define ACCOUNT(F) F(text(40), owner) F(decimal(2), balance) F(bool, frozen)
 *     STELE_SCHEMA(account, ACCOUNT)
 *
 *     #define MONEY_DEPOSITED(F) F(decimal(2), amount) F(decimal(2), balance_after)
 *     STELE_EVENT(money_deposited, "account.money_deposited", MONEY_DEPOSITED)
 *
 *     STELE_WHEN(account, money_deposited)
 *     {
 *         state->balance = event->balance_after;
 *     }
 *
 *     STELE_FOLD(account, "account", 1, account_opened, money_deposited)
 *
 * declares `account_fold`. A state that is a described struct can be snapshotted, cached and printed without a line
 * more.
 */
#ifndef STELE_FOLD_H
#define STELE_FOLD_H

#include "event.h"
#include "schema.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Applies one event, lent for the call. Must depend on nothing but its arguments: an event may be applied any number
 * of times, to states on any thread. A failure ends the load with it. */
typedef stele_status (*stele_apply)(void *state, const stele_record *event, stele_error *reterr);

/** One kind of event that a fold knows: its type, its payload, and what it does. */
typedef struct stele_handler {
    const char *type;                    /**< NULL: the name of the schema */
    const stele_schema *(*schema)(void); /**< of the payload; NULL: it is not read, and `payload` is NULL */
    void (*when)(void *state, const void *payload, const stele_record *event);
} stele_handler;

/** Flags of a fold. */
enum {
    /** An event of a type that no handler knows is ::STELE_UNSUPPORTED. Else it changes nothing. */
    STELE_FOLD_STRICT = 1
};

/**
 * How events become a state. Static data; borrowed for as long as anything uses it.
 *
 * `apply`, `apply_by` or `handlers` must be given. `save` and `load` are needed for snapshots and caches unless
 * `schema` is given, or the state is plain bytes without pointers, of which a copy is as good (`is_plain`).
 */
typedef struct stele_fold {
    uint32_t version; /**< of this struct: 0 */
    uint32_t flags;
    const char *name;        /**< of the aggregate; also the category of its streams: "account" */
    uint32_t schema_version; /**< of the state: raise it when the fold changes, and snapshots and cached states of
                                before are not used any more */
    size_t state_size;       /**< bytes, at most ::STELE_STATE_SIZE_MAX */
    const stele_schema *(*schema)(void); /**< the state is such a struct; may be NULL */
    stele_apply apply;
    const stele_handler *handlers; /**< used if `apply` and `apply_by` are NULL */
    size_t handler_count;
    int is_plain;
    /** Makes the first state out of zero bytes. NULL: zero bytes are it. */
    void (*init)(void *state);
    /** Frees what a state owns. NULL: nothing. */
    void (*done)(void *state);
    /** A state as bytes, and back: `ret_state` is as after `init`, and must be good for `done` in any case. */
    stele_status (*save)(const void *state, stele_writer *to, stele_error *reterr);
    stele_status (*load)(void *ret_state, const void *bytes, size_t size, stele_error *reterr);
    /** As JSON, for people. NULL: by the schema; without one it cannot be printed. */
    stele_status (*write_json)(const void *state, stele_writer *to, stele_error *reterr);
    /** As `apply`, for folds that are made while the program runs: it gets the fold, behind which whoever made it can
     * keep what it needs. Used if `apply` is NULL. */
    stele_status (*apply_by)(const struct stele_fold *fold, void *state, const stele_record *event,
                             stele_error *reterr);
} stele_fold;

#define STELE_STATE_SIZE_MAX ((size_t)1 << 24)
/** The largest payload struct that handlers take. */
#define STELE_PAYLOAD_SIZE_MAX ((size_t)1 << 16)

/** Looks whether a fold can be worked with. @return ::STELE_OK; ::STELE_INVALID, ::STELE_INVALID_LIMIT. Any thread. */
STELE_API STELE_MUST_CHECK stele_status stele_fold_check(const stele_fold *fold, stele_error *reterr);
/** Makes `state_size` bytes at `ret_state` the first state. Any thread. */
STELE_API void stele_fold_init(const stele_fold *fold, void *ret_state);
/** Frees what a state owns; not its memory. NULL is fine. Any thread. */
STELE_API void stele_fold_done(const stele_fold *fold, void *state);
/** Applies one event. @return ::STELE_OK; ::STELE_INVALID: its payload is not what the schema says (the message names
 * event and field); ::STELE_UNSUPPORTED: strict, and unknown; what `apply` returned. Any thread, one for each state. */
STELE_API STELE_MUST_CHECK stele_status stele_fold_apply(const stele_fold *fold, void *state, const stele_record *event,
                                                         stele_error *reterr);
/** A state as bytes. @return ::STELE_OK; ::STELE_UNSUPPORTED: the fold has no way; what its functions return. */
STELE_API STELE_MUST_CHECK stele_status stele_fold_save(const stele_fold *fold, const void *state, stele_writer *to,
                                                        stele_error *reterr);
/** Makes a state, which was initialised before, out of such bytes. On failure it is as after stele_fold_init(). */
STELE_API STELE_MUST_CHECK stele_status stele_fold_load(const stele_fold *fold, void *state, const void *bytes,
                                                        size_t size, stele_error *reterr);
/** A state as JSON. @return as stele_fold_save(). */
STELE_API STELE_MUST_CHECK stele_status stele_fold_write_json(const stele_fold *fold, const void *state,
                                                              stele_writer *to, stele_error *reterr);

/** Reads the payload of an event, JSON or in the compact form of schema.h. `ret_payload` is zeroed first. @return
 * ::STELE_OK; ::STELE_INVALID (the message names the event). Any thread. */
STELE_API STELE_MUST_CHECK stele_status stele_payload_read(const stele_schema *schema, const stele_record *event,
                                                           void *ret_payload, stele_error *reterr);

/** Writes the payload of an event as JSON behind what is in `to`, and makes `ret_event` an event of that type with it;
 * the event is lent until `to` is written to, reset or emptied. @return as stele_schema_write_json(). Any thread. */
STELE_API STELE_MUST_CHECK stele_status stele_payload_event(const stele_schema *schema, const void *payload,
                                                            stele_writer *to, stele_event *ret_event,
                                                            stele_error *reterr);

/**
 * Declares `struct payload` with its fields, its payload_schema(), and with them
 *
 *     int payload_is(const stele_record *event);
 *     stele_status payload_read(const stele_record *event, payload *ret_payload, stele_error *reterr);
 *     stele_status payload_event(const payload *it, stele_writer *to, stele_event *ret_event, stele_error *reterr);
 */
#define STELE_EVENT(payload, type_name, FIELDS) STELE_EVENT_VERSION(payload, type_name, 1, FIELDS)

/** The same for a later version of the event; upcast.h reads the earlier ones. */
#define STELE_EVENT_VERSION(payload, type_name, event_version, FIELDS)                                                 \
    STELE_SCHEMA_AS(payload, type_name, event_version, FIELDS)                                                         \
    STELE_UNUSED static inline int payload##_is(const stele_record *event)                                             \
    {                                                                                                                  \
        return event->type.size == sizeof type_name - 1 &&                                                             \
               memcmp(event->type.data, type_name, sizeof type_name - 1) == 0;                                         \
    }                                                                                                                  \
    STELE_UNUSED static inline stele_status payload##_read(const stele_record *event, payload *ret_payload,            \
                                                           stele_error *reterr)                                        \
    {                                                                                                                  \
        return stele_payload_read(payload##_schema(), event, ret_payload, reterr);                                     \
    }                                                                                                                  \
    STELE_UNUSED static inline stele_status payload##_event(const payload *it, stele_writer *to,                       \
                                                            stele_event *ret_event, stele_error *reterr)               \
    {                                                                                                                  \
        return stele_payload_event(payload##_schema(), it, to, ret_event, reterr);                                     \
    }

/** The function that says what an event does to a state: `state`, `event` (the payload) and `record` are its arguments.
 */
#define STELE_WHEN(state_type, payload)                                                                                \
    static void state_type##_when_##payload(state_type *state, const payload *event, const stele_record *record);      \
    static void state_type##_on_##payload(void *state, const void *event, const stele_record *record)                  \
    {                                                                                                                  \
        state_type##_when_##payload((state_type *)state, (const payload *)event, record);                              \
    }                                                                                                                  \
    static void state_type##_when_##payload(state_type *state, const payload *event,                                   \
                                            STELE_UNUSED const stele_record *record)

/** Declares `state_fold`, of a described struct, from its name, the version of its schema, and the events that it has a
 * STELE_WHEN() for, at most 32. */
#define STELE_FOLD(state_type, fold_name, fold_schema_version, ...)                                                    \
    static const stele_handler state_type##_handlers[] = {STELE_EACH_(state_type, __VA_ARGS__)};                       \
    static const stele_fold state_type##_fold = {.name = fold_name,                                                    \
                                                 .schema_version = fold_schema_version,                                \
                                                 .state_size = sizeof(state_type),                                     \
                                                 .schema = state_type##_schema,                                        \
                                                 .handlers = state_type##_handlers,                                    \
                                                 .handler_count =                                                      \
                                                     sizeof state_type##_handlers / sizeof(stele_handler)};

/* {…}, for each of the events. */
#define STELE_ON_(state_type, payload) {0, payload##_schema, state_type##_on_##payload},
#define STELE_EACH_(state, ...) STELE_EACH_OF_(STELE_COUNT_OF_(__VA_ARGS__), state, __VA_ARGS__)
#define STELE_EACH_OF_(count, ...) STELE_EACH_OF_2_(count, __VA_ARGS__)
#define STELE_EACH_OF_2_(count, ...) STELE_EACH_##count##_(__VA_ARGS__)
#define STELE_COUNT_OF_(...)                                                                                           \
    STELE_COUNT_OF_2_(__VA_ARGS__, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, \
                      11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define STELE_COUNT_OF_2_(a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20,   \
                          a21, a22, a23, a24, a25, a26, a27, a28, a29, a30, a31, a32, count, ...)                      \
    count
#define STELE_EACH_1_(state, a) STELE_ON_(state, a)
#define STELE_EACH_2_(state, a, ...) STELE_ON_(state, a) STELE_EACH_1_(state, __VA_ARGS__)
#define STELE_EACH_3_(state, a, ...) STELE_ON_(state, a) STELE_EACH_2_(state, __VA_ARGS__)
#define STELE_EACH_4_(state, a, ...) STELE_ON_(state, a) STELE_EACH_3_(state, __VA_ARGS__)
#define STELE_EACH_5_(state, a, ...) STELE_ON_(state, a) STELE_EACH_4_(state, __VA_ARGS__)
#define STELE_EACH_6_(state, a, ...) STELE_ON_(state, a) STELE_EACH_5_(state, __VA_ARGS__)
#define STELE_EACH_7_(state, a, ...) STELE_ON_(state, a) STELE_EACH_6_(state, __VA_ARGS__)
#define STELE_EACH_8_(state, a, ...) STELE_ON_(state, a) STELE_EACH_7_(state, __VA_ARGS__)
#define STELE_EACH_9_(state, a, ...) STELE_ON_(state, a) STELE_EACH_8_(state, __VA_ARGS__)
#define STELE_EACH_10_(state, a, ...) STELE_ON_(state, a) STELE_EACH_9_(state, __VA_ARGS__)
#define STELE_EACH_11_(state, a, ...) STELE_ON_(state, a) STELE_EACH_10_(state, __VA_ARGS__)
#define STELE_EACH_12_(state, a, ...) STELE_ON_(state, a) STELE_EACH_11_(state, __VA_ARGS__)
#define STELE_EACH_13_(state, a, ...) STELE_ON_(state, a) STELE_EACH_12_(state, __VA_ARGS__)
#define STELE_EACH_14_(state, a, ...) STELE_ON_(state, a) STELE_EACH_13_(state, __VA_ARGS__)
#define STELE_EACH_15_(state, a, ...) STELE_ON_(state, a) STELE_EACH_14_(state, __VA_ARGS__)
#define STELE_EACH_16_(state, a, ...) STELE_ON_(state, a) STELE_EACH_15_(state, __VA_ARGS__)
#define STELE_EACH_17_(state, a, ...) STELE_ON_(state, a) STELE_EACH_16_(state, __VA_ARGS__)
#define STELE_EACH_18_(state, a, ...) STELE_ON_(state, a) STELE_EACH_17_(state, __VA_ARGS__)
#define STELE_EACH_19_(state, a, ...) STELE_ON_(state, a) STELE_EACH_18_(state, __VA_ARGS__)
#define STELE_EACH_20_(state, a, ...) STELE_ON_(state, a) STELE_EACH_19_(state, __VA_ARGS__)
#define STELE_EACH_21_(state, a, ...) STELE_ON_(state, a) STELE_EACH_20_(state, __VA_ARGS__)
#define STELE_EACH_22_(state, a, ...) STELE_ON_(state, a) STELE_EACH_21_(state, __VA_ARGS__)
#define STELE_EACH_23_(state, a, ...) STELE_ON_(state, a) STELE_EACH_22_(state, __VA_ARGS__)
#define STELE_EACH_24_(state, a, ...) STELE_ON_(state, a) STELE_EACH_23_(state, __VA_ARGS__)
#define STELE_EACH_25_(state, a, ...) STELE_ON_(state, a) STELE_EACH_24_(state, __VA_ARGS__)
#define STELE_EACH_26_(state, a, ...) STELE_ON_(state, a) STELE_EACH_25_(state, __VA_ARGS__)
#define STELE_EACH_27_(state, a, ...) STELE_ON_(state, a) STELE_EACH_26_(state, __VA_ARGS__)
#define STELE_EACH_28_(state, a, ...) STELE_ON_(state, a) STELE_EACH_27_(state, __VA_ARGS__)
#define STELE_EACH_29_(state, a, ...) STELE_ON_(state, a) STELE_EACH_28_(state, __VA_ARGS__)
#define STELE_EACH_30_(state, a, ...) STELE_ON_(state, a) STELE_EACH_29_(state, __VA_ARGS__)
#define STELE_EACH_31_(state, a, ...) STELE_ON_(state, a) STELE_EACH_30_(state, __VA_ARGS__)
#define STELE_EACH_32_(state, a, ...) STELE_ON_(state, a) STELE_EACH_31_(state, __VA_ARGS__)

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file stele/logs.h
 * @brief Logs: one for each thing that happens over time, such as a payment; idempotent, safe when many append.
 *
 *     stele_logs_open(domain, "payment", NULL, &payments, &err);
 *     stele_logs_create(payments, NULL, &requested, &(stele_log_options){.key = key_of_the_caller}, &token, &err);
 *     stele_logs_append(payments, &token, &authorized, 1, NULL, &err);
 *     stele_logs_reduce(payments, &payment_fold, token.log_id, &payment, &token, &err);
 *     if (outstanding(&payment) > 0) stele_logs_append(payments, &token, &captured, 1, NULL, &err);
 *
 * A log is a stream "<name>-<log id>" of a store, and its events are numbered 0, 1, 2 …, their *index*. What it means
 * is reduced from its events by a fold; several folds may reduce the same log. Reductions are cached by the domain.
 *
 * *A token* says how far a log was known to whoever got it. Appending takes the token, and succeeds only if nothing
 * came since; it is used up whatever the outcome, so that nobody decides twice on what he knew once. After ::STELE_OK
 * it says the new end of the log. After a conflict: reduce again, decide again.
 *
 * *A key* makes a creation or an append happen once. Keys are of the whole store: put the log id into them if they are
 * to be of one log. Using one again is no success and no conflict but ::STELE_CONFLICT_REPLAY, with the log and index
 * of the first time, so that the caller can answer as he did then.
 */
#ifndef STELE_LOGS_H
#define STELE_LOGS_H

#include "aggregate.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------------------------------------------- ids ---- */

/** Bytes of a log id, without NUL. */
#define STELE_LOG_ID_SIZE_MAX 128
/** Random bytes in a new one, if not said otherwise, and at least and at most. */
#define STELE_LOG_ID_ENTROPY_DEFAULT 10
#define STELE_LOG_ID_ENTROPY_MIN 8
#define STELE_LOG_ID_ENTROPY_MAX 32

typedef enum stele_log_id_problem {
    STELE_LOG_ID_OK = 0,
    STELE_LOG_ID_TOO_SHORT = 1,
    STELE_LOG_ID_TOO_LONG = 2,
    STELE_LOG_ID_BAD_ENCODING = 3,
    STELE_LOG_ID_TIME_OUT_OF_RANGE = 4
} stele_log_id_problem;

/**
 * Writes a new log id: the time in nanoseconds and random bytes, in base 32 with the digits 0-9 and a-v (RFC 4648, 7),
 * so that ids sort by time, as text and as bytes, and stand in URLs as they are.
 *
 * @param clock where time and randomness come from; NULL: the system. @param entropy random bytes; 0: the default; else
 * brought within the bounds. Any thread.
 */
STELE_API void stele_log_id_new(const struct stele_clock *clock, size_t entropy,
                                char ret_id[STELE_LOG_ID_SIZE_MAX + 1]);
/** Reads when an id made by stele_log_id_new() was made. @param ret_created may be NULL. Hostile text is welcome. */
STELE_API stele_log_id_problem stele_log_id_parse(const char *id, size_t size, stele_time *ret_created);

/* --------------------------------------------------------------------------------------------------- logs ---- */

/** The logs of one name in a store. Any thread. */
typedef struct stele_logs stele_logs;

/** Zero-initialise. Copied. */
typedef struct stele_logs_options {
    uint32_t version;
    size_t entropy;      /**< of new ids */
    uint64_t events_max; /**< of one log; 0: 4,294,967,295 */
} stele_logs_options;

/** Opens the logs of a name, which is the category of their streams. `*ret_logs` is *owned*. The domain must live
 * longer.
 * @param options may be NULL. @return ::STELE_OK; ::STELE_INVALID_NAME; ::STELE_NO_MEMORY. */
STELE_API STELE_MUST_CHECK stele_status stele_logs_open(stele_domain *domain, const char *name,
                                                        const stele_logs_options *options, stele_logs **ret_logs,
                                                        stele_error *reterr);
/** Frees it. NULL is fine. Nothing may be under way in it. */
STELE_API void stele_logs_close(stele_logs *logs);

/** How far a log is known. A plain value; a copy of one that was used up is stale, and found out by the store. */
typedef struct stele_log_token {
    char log_id[STELE_LOG_ID_SIZE_MAX + 1];
    uint64_t next_index; /**< of the next event: as many as there are */
    int is_used;
} stele_log_token;

/** Where a key was used first. */
typedef struct stele_log_replay {
    char log_id[STELE_LOG_ID_SIZE_MAX + 1];
    uint64_t index;          /**< of the first event of then */
    uint64_t next_index;     /**< behind the last one of then */
    stele_position position; /**< of the last one */
} stele_log_replay;

/** Zero-initialise. Borrowed for the call. */
typedef struct stele_log_options {
    uint32_t version;
    const char *key; /**< makes it happen once; at most ::STELE_KEY_SIZE_MAX - 4 bytes; NULL: no matter */
    stele_durability durability;
    stele_log_replay *ret_replay; /**< filled at ::STELE_CONFLICT_REPLAY; may be NULL */
} stele_log_options;

/**
 * Makes a log with its first event.
 *
 * @param log_id NULL: a new one. A retry with the same key and another id finds the first one. @param options may be
 * NULL.
 * @param ret_token of the new log.
 * @return ::STELE_OK; ::STELE_CONFLICT_REPLAY: the key was used before; ::STELE_CONFLICT_REVISION: there is such a log;
 * ::STELE_INVALID_NAME, ::STELE_INVALID_LIMIT; and what appending returns. Any thread.
 */
STELE_API STELE_MUST_CHECK stele_status stele_logs_create(stele_logs *logs, const char *log_id,
                                                          const stele_event *event, const stele_log_options *options,
                                                          stele_log_token *ret_token, stele_error *reterr);
/**
 * Appends events, all or none.
 *
 * @param token used up; on success it is that of the new end.
 * @return ::STELE_OK; ::STELE_CONFLICT_REPLAY, which is looked at before anything else; ::STELE_CONFLICT_REVISION:
 * others have appended since; ::STELE_INVALID: the token was used up; ::STELE_INVALID_LIMIT: the log is full; and what
 * appending returns. Any thread.
 */
STELE_API STELE_MUST_CHECK stele_status stele_logs_append(stele_logs *logs, stele_log_token *token,
                                                          const stele_event *events, size_t count,
                                                          const stele_log_options *options, stele_error *reterr);
/**
 * Reduces a log: by the cached state, if there is one, and the events behind it, which are streamed.
 *
 * @param ret_state fold->state_size bytes; on success *owned*: give it to stele_fold_done(). @param ret_token for
 * appending; may be NULL. @param ret_loaded how it was done; may be NULL.
 * @return ::STELE_OK; ::STELE_NOT_FOUND_STREAM: there is no such log; as stele_load(). Any thread.
 */
STELE_API STELE_MUST_CHECK stele_status stele_logs_reduce(stele_logs *logs, const stele_fold *fold, const char *log_id,
                                                          void *ret_state, stele_log_token *ret_token,
                                                          stele_loaded *ret_loaded, stele_error *reterr);

/** An event of a page. Lent by the page. */
typedef struct stele_log_event {
    uint64_t index;
    stele_time recorded_at;
    stele_text key; /**< of its append; empty: none */
    stele_event event;
} stele_log_event;

/** A page. *Owned*: free it. */
typedef struct stele_log_page {
    const stele_log_event *events;
    size_t count;
    int has_more; /**< not 0: there are events behind it */
} stele_log_page;

/** Loads events from an index on, at most `max` (0: ::STELE_LOG_PAGE_MAX). @return ::STELE_OK, also if there are none
 * there; ::STELE_NOT_FOUND_STREAM: there is no such log; ::STELE_INVALID_LIMIT: more than ::STELE_LOG_PAGE_MAX, or
 * larger than ::STELE_LOG_PAGE_BYTES_MAX; as reading. Any thread. */
STELE_API STELE_MUST_CHECK stele_status stele_logs_load(stele_logs *logs, const char *log_id, uint64_t from_index,
                                                        size_t max, stele_log_page **ret_page, stele_error *reterr);
#define STELE_LOG_PAGE_MAX ((size_t)100000)
#define STELE_LOG_PAGE_BYTES_MAX ((size_t)256 << 20)
/** Writes a page as a JSON array of {"index","recorded_at","idempotency_key","event_type","event"}; an event that is
 * not JSON as a string in base64. */
STELE_API STELE_MUST_CHECK stele_status stele_log_page_write_json(const stele_log_page *page, stele_writer *to,
                                                                  stele_error *reterr);
/** Frees it. NULL is fine. */
STELE_API void stele_log_page_free(stele_log_page *page);

static inline void stele_cleanup_logs(stele_logs **logs)
{
    stele_logs_close(*logs);
    *logs = NULL;
}
static inline void stele_cleanup_log_page(stele_log_page **page)
{
    stele_log_page_free(*page);
    *page = NULL;
}

#ifdef __cplusplus
}
#endif
#endif

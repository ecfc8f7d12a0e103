/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file stele/aggregate.h
 * @brief Aggregates and commands: load, decide, append; safely, however many do it at once.
 *
 * A *domain* is a store with what loading and deciding need besides: upcasters, a cache of states, when to take
 * snapshots. Open one for a store, use it from any thread.
 *
 *     stele_domain_open(store, NULL, &domain, &err);
 *
 * A *decision* is a function that reads aggregates, and either decides events or rejects the command:
 *
 *     static stele_status withdraw(stele_decision *decision, const void *command, stele_error *reterr)
 *     {
 *         const withdrawal *wanted = command;
 *         const account *account;
 *         STELE_LOAD(decision, &account_fold, wanted->account, &account);
 *         if (account->frozen)
 *             return stele_reject(decision, "the account is frozen");
 *         if (stele_decimal_less(account->balance, wanted->amount))
 *             return stele_reject(decision, "insufficient balance");
 *         return STELE_DECIDE(decision, &account_fold, wanted->account, money_withdrawn, .amount = wanted->amount, …);
 *     }
 *     stele_execute(domain, withdraw, &wanted, &(stele_execute_options){.command_id = id}, &outcome, &err);
 *
 * *What a decision has read is its consistency boundary*: every stream it loaded must be at the revision it saw, and no
 * event may have come that matches a query it made; else nothing is written, and it is made again with what is new. So
 * a decision reads what it depends on, and needs to say nothing more. All events it decides are one atomic commit, to
 * however many streams.
 *
 * *A command with an id takes effect once.* The id is looked up before the decision is made, and is the key of the
 * commit; so a retry, by whatever process and however long after, gets the answer of the first time. A command that was
 * rejected left nothing behind, and is decided anew.
 */
#ifndef STELE_AGGREGATE_H
#define STELE_AGGREGATE_H

#include "fold.h"
#include "query.h"
#include "snapshot.h"
#include "upcast.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------------------------------- loading --- */

/** How a state was loaded. */
typedef struct stele_loaded {
    uint64_t version;        /**< events that it is made of: the first event makes version 1; 0: the stream is new */
    stele_expected expected; /**< what to expect of the stream when appending */
    stele_position position; /**< of the last event in it; 0: none */
    stele_position head;     /**< as of which head of the store */
    uint64_t events_read;    /**< behind the snapshot or the cached state */
    int from_cache;
    int from_snapshot;
} stele_loaded;

/**
 * Loads the state of a stream: from the cache or a snapshot if there is one, and the events behind it.
 *
 * @param stream NUL-terminated. @param as_of NULL: now. The past is folded anew from the last snapshot before it.
 * @param ret_state fold->state_size bytes; on success *owned*: give it to stele_fold_done(). On failure untouched.
 * @param ret_loaded may be NULL.
 * @return ::STELE_OK, also for a stream that does not exist (version 0), or is soft-deleted; ::STELE_DELETED_TOMBSTONE;
 * what stele_read_open() and stele_fold_apply() return. Any thread.
 */
STELE_API STELE_MUST_CHECK stele_status stele_load(stele_domain *domain, const stele_fold *fold, const char *stream,
                                                   const stele_point *as_of, void *ret_state, stele_loaded *ret_loaded,
                                                   stele_error *reterr);

/** Writes "name-id", the stream of an aggregate, and NUL. @return ::STELE_OK; ::STELE_INVALID_LIMIT. Any thread. */
STELE_API STELE_MUST_CHECK stele_status stele_aggregate_stream(const stele_fold *fold, const char *id,
                                                               char ret_stream[STELE_STREAM_NAME_SIZE_MAX + 1],
                                                               stele_error *reterr);

/* ----------------------------------------------------------------------------------------------- decisions --- */

/** A decision being made. Lent to its function; everything it lends is valid until that returns. One thread. */
typedef struct stele_decision stele_decision;

/** Decides about a command, which is whatever the caller of stele_execute() gave. May be called several times; nothing
 * it does may last but by what it decides. Returns ::STELE_OK, what stele_reject() returns, or a failure. */
typedef stele_status (*stele_decide)(stele_decision *decision, const void *command, stele_error *reterr);

/** Loads an aggregate. Loaded once; again it is the same state, with what was decided for it since applied to it. A new
 * one is the first state of the fold, with version 0. `*ret_state` is lent. @return as stele_load(). */
STELE_API STELE_MUST_CHECK stele_status stele_decision_load(stele_decision *decision, const stele_fold *fold,
                                                            const char *id, const void **ret_state,
                                                            stele_error *reterr);
/** The version of an aggregate that was loaded, with what was decided for it; 0 for others. */
STELE_API uint64_t stele_decision_version(const stele_decision *decision, const stele_fold *fold, const char *id);
/** Folds the events that match a query, of whatever streams (a dynamic consistency boundary). The query is copied. */
STELE_API STELE_MUST_CHECK stele_status stele_decision_query(stele_decision *decision, const stele_fold *fold,
                                                             const stele_query *query, const void **ret_state,
                                                             stele_error *reterr);

/** Decides an event for an aggregate, and applies it to its state if that is loaded. The event is copied. An aggregate
 * that was not loaded may be in any state. @return ::STELE_OK; ::STELE_INVALID; ::STELE_NO_MEMORY; what `apply`
 * returns. */
STELE_API STELE_MUST_CHECK stele_status stele_decide_event(stele_decision *decision, const stele_fold *fold,
                                                           const char *id, const stele_event *event,
                                                           stele_error *reterr);
/** Decides an event for a stream by name. As stele_decide_event() otherwise. */
STELE_API STELE_MUST_CHECK stele_status stele_decide_for_stream(stele_decision *decision, const char *stream,
                                                                const stele_event *event, stele_error *reterr);
/** Decides an event whose payload is a described struct, with tags if there are any. */
STELE_API STELE_MUST_CHECK stele_status stele_decide_payload(stele_decision *decision, const stele_fold *fold,
                                                             const char *id, const stele_schema *schema,
                                                             const void *payload, const stele_names *tags,
                                                             stele_error *reterr);

/** Rejects the command, with a reason for people. Nothing is written. Returns ::STELE_REJECTED, for the decision to
 * return. */
STELE_API stele_status stele_reject(stele_decision *decision, const char *format, ...) STELE_PRINTF(2, 3);

/* ---------------------------------------------------------------------------------------------- execution ---- */

/** Zero-initialise. Borrowed for the call. */
typedef struct stele_execute_options {
    uint32_t version;
    const char *command_id; /**< makes the command take effect once; at most ::STELE_KEY_SIZE_MAX - 8 bytes */
    uint32_t attempts_max;  /**< how often it is decided at most; 0: ::STELE_ATTEMPTS_DEFAULT */
    stele_durability durability;
    const char *actor;             /**< who; kept in the metadata of the events as "$actor" */
    const stele_uuid *correlation; /**< kept as "$correlationId" */
    const stele_uuid *causation;   /**< kept as "$causationId" */
} stele_execute_options;

#define STELE_ATTEMPTS_DEFAULT 8

/** The answer to a command: accepted at a place, or rejected for a reason. It has no other content; who wants to know
 * the new state reads it. */
typedef struct stele_outcome {
    int is_accepted;
    int already_applied;     /**< not 0: the command had taken effect before; positions are those of then */
    stele_position position; /**< of the last event; 0: it was accepted and there was nothing to decide */
    uint32_t event_count;
    uint32_t attempts;
    char reason[240]; /**< of a rejection */
} stele_outcome;

/**
 * Has a command decided, and appends what was decided.
 *
 * @param options may be NULL. @param ret_outcome may be NULL.
 * @return ::STELE_OK: accepted, once, and durable as asked; ::STELE_REJECTED: by the decision, nothing was written, the
 * message is the reason; ::STELE_CONFLICT: others were faster each time, nothing was written (try again later);
 * ::STELE_CONFLICT_KEY: the id belongs to something that is no command; ::STELE_INVALID; and what decisions, loading
 * and appending return. After ::STELE_IO_POISONED it is open whether the command took effect: with an id, ask again
 * after reopening. Any thread, but not a completion.
 */
STELE_API STELE_MUST_CHECK stele_status stele_execute(stele_domain *domain, stele_decide decide, const void *command,
                                                      const stele_execute_options *options, stele_outcome *ret_outcome,
                                                      stele_error *reterr);

#ifndef __cplusplus
/** In a decision: decides an event for an aggregate, with the fields of its payload. A ::stele_status. */
#define STELE_DECIDE(decision, fold, id, payload, ...)                                                                 \
    stele_decide_payload((decision), (fold), (id), payload##_schema(), &(payload){__VA_ARGS__}, NULL, reterr)
#endif

/** In a decision: loads an aggregate, or returns the failure from the function it stands in. */
#define STELE_LOAD(decision, fold, id, ret_state)                                                                      \
    do {                                                                                                               \
        const void *stele_loaded_state_;                                                                               \
        const stele_status stele_load_status_ =                                                                        \
            stele_decision_load((decision), (fold), (id), &stele_loaded_state_, reterr);                               \
        if (stele_load_status_ != STELE_OK) {                                                                          \
            return stele_load_status_;                                                                                 \
        }                                                                                                              \
        *(ret_state) = stele_loaded_state_;                                                                            \
    } while (0)

#ifdef __cplusplus
}
#endif
#endif

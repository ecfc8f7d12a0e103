/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A payment is a log of what happened to it: requested, authorized, captured, refunded. What is
 * outstanding is reduced from that. A request that is sent twice takes effect once.
 *
 *     payment_log [STORE]      a folder or URL; memory: by default
 */
#include <stele/logs.h>
#include <stele/stele.h>

#include <stdio.h>
#include <stdlib.h>

/* ---- what can happen, amounts in minor units */

#define REQUESTED(F) F(i64, amount_requested)
STELE_EVENT(requested, "payment.requested", REQUESTED)
#define AUTHORIZED(F) F(i64, amount) F(optional(text(20)), approval_code)
STELE_EVENT(authorized, "payment.authorized", AUTHORIZED)
#define CAPTURED(F) F(i64, amount) F(text(40), statement_descriptor)
STELE_EVENT(captured, "payment.captured", CAPTURED)
#define REFUNDED(F) F(i64, amount) F(text(40), reference_number)
STELE_EVENT(refunded, "payment.refunded", REFUNDED)

/* ---- what a payment is */

#define PAYMENT(F) F(i64, requested) F(i64, approved) F(i64, captured) F(i64, refunded)
STELE_SCHEMA(payment, PAYMENT)
STELE_WHEN(payment, requested)
{
    state->requested = event->amount_requested;
}
STELE_WHEN(payment, authorized)
{
    state->approved += event->amount;
}
STELE_WHEN(payment, captured)
{
    state->captured += event->amount;
}
STELE_WHEN(payment, refunded)
{
    state->refunded += event->amount;
}
STELE_FOLD(payment, "payment", 1, requested, authorized, captured, refunded)

static stele_error error;
static stele_logs *payments;

static void must(stele_status status)
{
    if (status != STELE_OK) {
        (void)fprintf(stderr, "payment_log: %s\n", error.message);
        exit(1);
    }
}

#define EVENT(type, ...) make(type##_schema(), &(type){__VA_ARGS__})

/* One event at a time: it is lent until the next. */
static const stele_event *make(const stele_schema *schema, const void *payload)
{
    static char json[512];
    static stele_event event;
    stele_writer to = stele_writer_in(json, sizeof json);
    must(stele_payload_event(schema, payload, &to, &event, &error));
    return &event;
}

static void append(stele_log_token *token, const stele_event *event)
{
    must(stele_logs_append(payments, token, event, 1, NULL, &error));
}

static void tell(const char *id, stele_log_token *ret_token)
{
    payment it;
    must(stele_logs_reduce(payments, &payment_fold, id, &it, ret_token, NULL, &error));
    (void)printf("approved %lld captured %lld refunded %lld\n", (long long)it.approved,
                 (long long)it.captured, (long long)it.refunded);
    (void)printf("outstanding %lld\n", (long long)(it.approved - it.captured - it.refunded));
}

/* The customer's program did not hear our answer, and asks again with the same key. */
static void ask_twice(const char *first_id)
{
    stele_log_token token;
    stele_log_replay replay;
    const stele_log_options retry = {.key = "request-1", .ret_replay = &replay};
    const stele_status status =
        stele_logs_create(payments, NULL, EVENT(requested, .amount_requested = 10000), &retry,
                          &token, &error);
    const bool is_known = status == STELE_CONFLICT && error.detail == STELE_CONFLICT_REPLAY;
    (void)printf("asked again: %s, index %d\n",
                 is_known && strcmp(replay.log_id, first_id) == 0 ? "it is the same payment" : "?",
                 (int)replay.index);
}

/* Somebody else appended since this token was got. */
static void come_too_late(stele_log_token stale)
{
    const stele_status status =
        stele_logs_append(payments, &stale, EVENT(captured, .amount = 10000), 1, NULL, &error);
    (void)printf("too late: %s\n", status == STELE_CONFLICT ? "nothing was captured" : "?");
}

static void show_events(const char *id)
{
    STELE_CLEANUP(log_page) stele_log_page *page = NULL;
    must(stele_logs_load(payments, id, 0, 100, &page, &error));
    for (size_t i = 0; i < page->count; i++) {
        (void)printf("%d %s %.*s\n", (int)page->events[i].index, page->events[i].event.type,
                     (int)page->events[i].event.data.size, page->events[i].event.data.data);
    }
    (void)printf("events %d\n", (int)page->count);
}

int main(int argument_count, char **arguments)
{
    STELE_CLEANUP(store) stele_store *store = NULL;
    STELE_CLEANUP(domain) stele_domain *domain = NULL;
    STELE_CLEANUP(logs) stele_logs *logs = NULL;
    stele_log_token token;
    const stele_log_options once = {.key = "request-1"};
    must(stele_open(argument_count > 1 ? arguments[1] : "memory:", NULL, &store, &error));
    must(stele_domain_open(store, NULL, &domain, &error));
    must(stele_logs_open(domain, "payment", NULL, &logs, &error));
    payments = logs;
    must(stele_logs_create(payments, NULL, EVENT(requested, .amount_requested = 10000), &once,
                           &token, &error));
    ask_twice(token.log_id);
    append(&token, EVENT(authorized, .amount = 10000, .has_approval_code = true,
                         .approval_code = "xyz123"));
    tell(token.log_id, &token);
    const stele_log_token stale = token;
    append(&token, EVENT(captured, .amount = 4000, .statement_descriptor = "Widgets, Inc"));
    come_too_late(stale);
    tell(token.log_id, &token);
    append(&token, EVENT(refunded, .amount = 6000, .reference_number = "abc789"));
    tell(token.log_id, NULL);
    show_events(token.log_id);
    return 0;
}

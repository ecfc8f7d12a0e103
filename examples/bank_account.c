/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bank account: events that say what happened, a state that is folded from them, decisions that
 * keep the rules. Money is moved between two accounts in one atomic commit.
 *
 *     bank_account [STORE]      a folder or URL; memory: by default
 */
#include <stele/aggregate.h>

#include <stdio.h>
#include <stdlib.h>

/* ---- what can happen */

#define ACCOUNT_OPENED(F) F(text(40), user_id) F(text(3), currency) F(decimal(2), initial_balance)
STELE_EVENT(account_opened, "account.opened", ACCOUNT_OPENED)

#define MONEY_DEPOSITED(F)                                                                         \
    F(decimal(2), amount) F(decimal(2), balance_after) F(text(80), description)
STELE_EVENT(money_deposited, "account.money_deposited", MONEY_DEPOSITED)

#define MONEY_WITHDRAWN(F)                                                                         \
    F(decimal(2), amount) F(decimal(2), balance_after) F(text(80), description)
STELE_EVENT(money_withdrawn, "account.money_withdrawn", MONEY_WITHDRAWN)

#define MONEY_TRANSFERRED(F)                                                                       \
    F(text(40), to_account) F(decimal(2), amount) F(decimal(2), balance_after)
STELE_EVENT(money_transferred, "account.money_transferred", MONEY_TRANSFERRED)

#define MONEY_RECEIVED(F)                                                                          \
    F(text(40), from_account) F(decimal(2), amount) F(decimal(2), balance_after)
STELE_EVENT(money_received, "account.money_received", MONEY_RECEIVED)

#define ACCOUNT_FROZEN(F) F(text(80), reason)
STELE_EVENT(account_frozen, "account.frozen", ACCOUNT_FROZEN)

/* ---- what an account is */

#define ACCOUNT(F) F(bool, is_open) F(text(3), currency) F(decimal(2), balance) F(bool, is_frozen)
STELE_SCHEMA(account, ACCOUNT)

STELE_WHEN(account, account_opened)
{
    *state = (account){.is_open = true, .balance = event->initial_balance};
    STELE_SET_TEXT(state->currency, event->currency);
}

STELE_WHEN(account, money_deposited)
{
    state->balance = event->balance_after;
}
STELE_WHEN(account, money_withdrawn)
{
    state->balance = event->balance_after;
}
STELE_WHEN(account, money_transferred)
{
    state->balance = event->balance_after;
}
STELE_WHEN(account, money_received)
{
    state->balance = event->balance_after;
}
STELE_WHEN(account, account_frozen)
{
    state->is_frozen = event->reason[0] != '\0';
}

STELE_FOLD(account, "account", 1, account_opened, money_deposited, money_withdrawn,
           money_transferred, money_received, account_frozen)

/* ---- what can be asked for */

typedef struct command {
    const char *account;
    const char *to_account; /* of a transfer */
    const char *amount;
    const char *text; /* user, description, reason */
} command;

static stele_status open_account(stele_decision *d, const void *given, stele_error *reterr)
{
    const command *wanted = given;
    const account *it;
    account_opened opened = {.currency = "CNY"};
    STELE_LOAD(d, &account_fold, wanted->account, &it);
    if (it->is_open) {
        return stele_reject(d, "the account is open already");
    }
    STELE_SET_TEXT(opened.user_id, wanted->text);
    return stele_decide_payload(d, &account_fold, wanted->account, account_opened_schema(), &opened,
                                NULL, reterr);
}

/* Money can be moved: STELE_OK, or the rejection. */
static stele_status may_move(stele_decision *d, const account *it, stele_decimal amount)
{
    if (!it->is_open) {
        return stele_reject(d, "there is no such account");
    }
    if (it->is_frozen) {
        return stele_reject(d, "the account is frozen");
    }
    return stele_decimal_less(stele_decimal_from_int(0), amount)
               ? STELE_OK
               : stele_reject(d, "the amount must be positive");
}

static stele_status deposit(stele_decision *d, const void *given, stele_error *reterr)
{
    const command *wanted = given;
    const stele_decimal amount = stele_decimal_of(wanted->amount);
    const account *it;
    STELE_LOAD(d, &account_fold, wanted->account, &it);
    return may_move(d, it, amount)
               ? STELE_REJECTED
               : STELE_DECIDE(d, &account_fold, wanted->account, money_deposited, .amount = amount,
                              .balance_after = stele_decimal_add(it->balance, amount));
}

static stele_status withdraw(stele_decision *d, const void *given, stele_error *reterr)
{
    const command *wanted = given;
    const stele_decimal amount = stele_decimal_of(wanted->amount);
    const account *it;
    STELE_LOAD(d, &account_fold, wanted->account, &it);
    if (may_move(d, it, amount) != STELE_OK) {
        return STELE_REJECTED;
    }
    if (stele_decimal_less(it->balance, amount)) {
        return stele_reject(d, "insufficient balance");
    }
    return STELE_DECIDE(d, &account_fold, wanted->account, money_withdrawn, .amount = amount,
                        .balance_after = stele_decimal_subtract(it->balance, amount));
}

static stele_status transfer(stele_decision *d, const void *given, stele_error *reterr)
{
    const command *wanted = given;
    const stele_decimal amount = stele_decimal_of(wanted->amount);
    const account *from;
    const account *to;
    STELE_LOAD(d, &account_fold, wanted->account, &from);
    STELE_LOAD(d, &account_fold, wanted->to_account, &to);
    if (may_move(d, from, amount) != STELE_OK || may_move(d, to, amount) != STELE_OK) {
        return STELE_REJECTED;
    }
    if (stele_decimal_less(from->balance, amount)) {
        return stele_reject(d, "insufficient balance");
    }
    money_transferred sent = {.amount = amount,
                              .balance_after = stele_decimal_subtract(from->balance, amount)};
    money_received received = {.amount = amount,
                               .balance_after = stele_decimal_add(to->balance, amount)};
    STELE_SET_TEXT(sent.to_account, wanted->to_account);
    STELE_SET_TEXT(received.from_account, wanted->account);
    const stele_status status =
        stele_decide_payload(d, &account_fold, wanted->account, money_transferred_schema(), &sent,
                             NULL, reterr);
    return status ? status
                  : stele_decide_payload(d, &account_fold, wanted->to_account,
                                         money_received_schema(), &received, NULL, reterr);
}

static stele_status freeze(stele_decision *d, const void *given, stele_error *reterr)
{
    const command *wanted = given;
    const account *it;
    account_frozen frozen;
    STELE_LOAD(d, &account_fold, wanted->account, &it);
    STELE_SET_TEXT(frozen.reason, wanted->text);
    return it->is_frozen ? STELE_OK
                         : stele_decide_payload(d, &account_fold, wanted->account,
                                                account_frozen_schema(), &frozen, NULL, reterr);
}

/* ---- the story */

static stele_error error;

static void stop_on(stele_status status)
{
    if (status != STELE_OK) {
        (void)fprintf(stderr, "bank_account: %s\n", error.message);
        exit(1);
    }
}

static void print_balance(stele_domain *domain, const char *id, uint64_t version,
                          const char *before)
{
    const stele_point at = {version ? STELE_POINT_REVISION : STELE_POINT_DEFAULT, version - 1};
    char stream[STELE_STREAM_NAME_SIZE_MAX + 1];
    char text[STELE_DECIMAL_TEXT_SIZE];
    account it;
    stop_on(stele_aggregate_stream(&account_fold, id, stream, &error));
    stop_on(stele_load(domain, &account_fold, stream, &at, &it, NULL, &error));
    stele_decimal_print_fixed(it.balance, 2, text);
    (void)printf("%s %s\n", before, text);
}

int main(int count, char **arguments)
{
    STELE_CLEANUP(store) stele_store *store = NULL;
    STELE_CLEANUP(domain) stele_domain *domain = NULL;
    stop_on(stele_open(count > 1 ? arguments[1] : "memory:", NULL, &store, &error));
    stop_on(stele_domain_open(store, NULL, &domain, &error));
    const command story[] = {{"ACC001", .text = "user_001"},
                             {"ACC002", .text = "user_002"},
                             {"ACC001", .amount = "1000.00"},
                             {"ACC001", .amount = "200.00"},
                             {"ACC001", "ACC002", .amount = "300.00"},
                             {"ACC001", .text = "suspicious"}};
    stop_on(stele_execute(domain, open_account, &story[0], NULL, NULL, &error));
    stop_on(stele_execute(domain, open_account, &story[1], NULL, NULL, &error));
    stop_on(stele_execute(domain, deposit, &story[2], NULL, NULL, &error));
    print_balance(domain, "ACC001", 0, "balance");
    stop_on(stele_execute(domain, withdraw, &story[3], NULL, NULL, &error));
    print_balance(domain, "ACC001", 0, "balance");
    stop_on(stele_execute(domain, transfer, &story[4], NULL, NULL, &error));
    print_balance(domain, "ACC001", 0, "balance");
    print_balance(domain, "ACC002", 0, "ACC002 has");
    stop_on(stele_execute(domain, freeze, &story[5], NULL, NULL, &error));
    if (stele_execute(domain, deposit, &story[2], NULL, NULL, &error) == STELE_REJECTED) {
        (void)printf("rejected: %s\n", error.message);
    }
    STELE_CLEANUP(cursor) stele_cursor *history = NULL;
    stop_on(stele_read_open(store, &(stele_read){.stream = "account-ACC001"}, &history, &error));
    for (const stele_record *event; (event = stele_cursor_next(history, &error)) != NULL;) {
        (void)printf("v%d %.*s\n", (int)event->revision + 1, STELE_TEXT(event->type));
    }
    print_balance(domain, "ACC001", 2, "version 2 balance");
    const command steps[] = {{"ACC003", .text = "user_003"},
                             {"ACC003", .amount = "100"},
                             {"ACC003", .amount = "50"},
                             {"ACC003", .amount = "200"}};
    stop_on(stele_execute(domain, open_account, &steps[0], NULL, NULL, &error));
    stop_on(stele_execute(domain, deposit, &steps[1], NULL, NULL, &error));
    stop_on(stele_execute(domain, withdraw, &steps[2], NULL, NULL, &error));
    stop_on(stele_execute(domain, deposit, &steps[3], NULL, NULL, &error));
    print_balance(domain, "ACC003", 0, "state");
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "bank.h"

STELE_WHEN(account, opened)
{
    memcpy(state->owner, event->owner, sizeof state->owner);
    state->events++;
}
STELE_WHEN(account, deposited)
{
    state->balance += event->amount;
    state->events++;
}
STELE_WHEN(account, withdrawn)
{
    state->balance -= event->amount;
    state->events++;
}
static const stele_handler account_handlers[] = {
    {NULL, opened_schema, account_on_opened},
    {NULL, deposited_schema, account_on_deposited},
    {NULL, withdrawn_schema, account_on_withdrawn},
};

const stele_fold bank_accounts = {.name = "account",
                                  .schema_version = 1,
                                  .state_size = sizeof(account),
                                  .schema = account_schema,
                                  .handlers = account_handlers,
                                  .handler_count = 3};
const stele_fold bank_accounts_2 = {.name = "account",
                                    .schema_version = 2,
                                    .state_size = sizeof(account),
                                    .schema = account_schema,
                                    .handlers = account_handlers,
                                    .handler_count = 3};

stele_status bank_open(stele_decision *decision, const void *command, stele_error *reterr)
{
    const bank_command *wanted = command;
    const account *it;
    STELE_LOAD(decision, &bank_accounts, wanted->account, &it);
    return it->owner[0]
               ? stele_reject(decision, "it is open")
               : STELE_DECIDE(decision, &bank_accounts, wanted->account, opened, .owner = "ann");
}

stele_status bank_deposit(stele_decision *decision, const void *command, stele_error *reterr)
{
    const bank_command *wanted = command;
    const account *it;
    stele_status status = STELE_OK;
    STELE_LOAD(decision, &bank_accounts, wanted->account, &it);
    if (!it->owner[0]) {
        return stele_reject(decision, "there is no account %s", wanted->account);
    }
    for (unsigned i = 0; i < (wanted->times ? wanted->times : 1) && status == STELE_OK; i++) {
        status = STELE_DECIDE(decision, &bank_accounts, wanted->account, deposited,
                              .amount = wanted->amount);
    }
    return status;
}

stele_status bank_withdraw(stele_decision *decision, const void *command, stele_error *reterr)
{
    const bank_command *wanted = command;
    const account *it;
    STELE_LOAD(decision, &bank_accounts, wanted->account, &it);
    return it->balance < wanted->amount ? stele_reject(decision, "insufficient balance")
                                        : STELE_DECIDE(decision, &bank_accounts, wanted->account,
                                                       withdrawn, .amount = wanted->amount);
}

stele_status bank_transfer(stele_decision *decision, const void *command, stele_error *reterr)
{
    const bank_command *wanted = command;
    const account *to;
    STELE_LOAD(decision, &bank_accounts, wanted->to, &to);
    const stele_status status = bank_withdraw(decision, command, reterr);
    return status ? status
                  : STELE_DECIDE(decision, &bank_accounts, wanted->to, deposited,
                                 .amount = wanted->amount);
}

static void open_both(bank_bed *bed)
{
    stele_error error;
    if (!bed->store) {
        const stele_options options = {.durability = STELE_DURABLE_OS};
        expect_ok(stele_open(bed->url, &options, &bed->store, &error), &error);
    }
    expect_ok(stele_domain_open(bed->store, &bed->options, &bed->domain, &error), &error);
}

bank_bed bank_lay(size_t row, const stele_domain_options *options)
{
    bank_bed bed = {.url = row == 0 ? "memory:" : test_path(test_folder(), "store"),
                    .options = options ? *options : (stele_domain_options){0}};
    open_both(&bed);
    return bed;
}

void bank_relay(bank_bed *bed)
{
    stele_error error;
    stele_domain_close(bed->domain);
    bed->domain = NULL;
    if (strcmp(bed->url, "memory:") != 0) {
        expect_ok(stele_close(bed->store, &error), &error);
        bed->store = NULL;
    }
    open_both(bed);
}

void bank_clear(bank_bed *bed)
{
    stele_error error;
    stele_domain_close(bed->domain);
    expect_ok(stele_close(bed->store, &error), &error);
}

stele_outcome bank_do(bank_bed *bed, stele_decide decide, bank_command command, const char *id)
{
    stele_error error;
    stele_outcome outcome;
    const stele_status status =
        stele_execute(bed->domain, decide, &command, &(stele_execute_options){.command_id = id},
                      &outcome, &error);
    if (status != STELE_REJECTED) {
        expect_ok(status, &error);
    }
    expect_int(outcome.is_accepted, status == STELE_OK);
    return outcome;
}

account bank_account_at(bank_bed *bed, const char *id, uint64_t version)
{
    stele_error error;
    char stream[STELE_STREAM_NAME_SIZE_MAX + 1];
    const stele_point at = {version ? STELE_POINT_REVISION : STELE_POINT_DEFAULT, version - 1};
    account it;
    expect_ok(stele_aggregate_stream(&bank_accounts, id, stream, &error), &error);
    expect_ok(stele_load(bed->domain, &bank_accounts, stream, &at, &it, NULL, &error), &error);
    return it;
}

stele_domain_counts bank_counts(const bank_bed *bed)
{
    stele_domain_counts counts;
    stele_domain_describe(bed->domain, &counts);
    return counts;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts to decide about, and a bed of a store and a domain on each backend. */
#ifndef STELE_TEST_DOMAIN_BANK_H
#define STELE_TEST_DOMAIN_BANK_H

#include "stele/aggregate.h"
#include "support/test.h"

#include <string.h>

#define OPENED(F) F(text(40), owner)
STELE_EVENT(opened, "account.opened", OPENED)
#define DEPOSITED(F) F(i64, amount)
STELE_EVENT(deposited, "account.deposited", DEPOSITED)
#define WITHDRAWN(F) F(i64, amount)
STELE_EVENT(withdrawn, "account.withdrawn", WITHDRAWN)

#define ACCOUNT(F) F(text(40), owner) F(i64, balance) F(u64, events)
STELE_SCHEMA(account, ACCOUNT)

extern const stele_fold bank_accounts;
/* The same with another version of its schema. */
extern const stele_fold bank_accounts_2;

/* What commands there are. */
typedef struct bank_command {
    const char *account;
    const char *to; /* of a transfer */
    int64_t amount;
    unsigned times; /* deposits at once */
} bank_command;

stele_status bank_open(stele_decision *decision, const void *command, stele_error *reterr);
stele_status bank_deposit(stele_decision *decision, const void *command, stele_error *reterr);
stele_status bank_withdraw(stele_decision *decision, const void *command, stele_error *reterr);
stele_status bank_transfer(stele_decision *decision, const void *command, stele_error *reterr);

typedef struct bank_bed {
    const char *url;
    stele_store *store;
    stele_domain *domain;
    stele_domain_options options;
} bank_bed;

/* Rows of tests on both backends. */
static const char *const bank_backends[] = {"memory", "embedded"};

/* Opens a store of bank_backends[row], and a domain with these options (NULL: none). */
bank_bed bank_lay(size_t row, const stele_domain_options *options);
/* Closes both and opens them again (memory: the domain alone). */
void bank_relay(bank_bed *bed);
void bank_clear(bank_bed *bed);

stele_outcome bank_do(bank_bed *bed, stele_decide decide, bank_command command, const char *id);
/* As of a version; 0: now. */
account bank_account_at(bank_bed *bed, const char *id, uint64_t version);
stele_domain_counts bank_counts(const bank_bed *bed);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Commands: decided, appended, once. */
#include "bank.h"

#include "base/prng.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

static stele_error error;

TEST_ROWS(a_command_is_accepted_at_a_place_or_rejected_for_a_reason, bank_backends)
{
    bank_bed bed = bank_lay(row, NULL);
    stele_outcome outcome =
        bank_do(&bed, bank_deposit, (bank_command){.account = "a", .amount = 5}, NULL);
    expect_int(outcome.is_accepted, 0);
    expect_text((const char *)outcome.reason, "there is no account a");
    expect_uint(outcome.position, 0);
    outcome = bank_do(&bed, bank_open, (bank_command){.account = "a"}, NULL);
    expect_int(outcome.is_accepted, 1);
    expect_uint(outcome.position, 1);
    expect_uint(outcome.event_count, 1);
    expect_uint(outcome.attempts, 1);
    outcome =
        bank_do(&bed, bank_deposit, (bank_command){.account = "a", .amount = 5, .times = 3}, NULL);
    expect_uint(outcome.position, 4);
    expect_uint(outcome.event_count, 3);
    expect_int(bank_account_at(&bed, "a", 0).balance, 15);
    expect_int(bank_account_at(&bed, "a", 2).balance, 5);
    expect_int(bank_account_at(&bed, "a", 1).balance, 0);
    expect_uint(bank_counts(&bed).commands_rejected, 1);
    bank_clear(&bed);
}

TEST_ROWS(a_command_with_an_id_takes_effect_once, bank_backends)
{
    bank_bed bed = bank_lay(row, NULL);
    (void)bank_do(&bed, bank_open, (bank_command){.account = "a"}, NULL);
    const stele_outcome first =
        bank_do(&bed, bank_deposit, (bank_command){.account = "a", .amount = 7, .times = 2}, "c1");
    const stele_outcome again =
        bank_do(&bed, bank_deposit, (bank_command){.account = "a", .amount = 7, .times = 2}, "c1");
    expect_int(first.already_applied, 0);
    expect_int(again.already_applied, 1);
    expect_uint(again.position, first.position);
    expect_uint(again.event_count, 2);
    expect_int(bank_account_at(&bed, "a", 0).balance, 14);
    bank_relay(&bed);
    /* It is known even if it would be rejected by now. */
    (void)bank_do(&bed, bank_withdraw, (bank_command){.account = "a", .amount = 14}, "c2");
    expect_int(bank_do(&bed, bank_withdraw, (bank_command){.account = "a", .amount = 14}, "c2")
                   .already_applied,
               1);
    expect_int(bank_do(&bed, bank_withdraw, (bank_command){.account = "a", .amount = 14}, "c3")
                   .is_accepted,
               0);
    expect_int(bank_do(&bed, bank_deposit, (bank_command){.account = "a", .amount = 7}, "c1")
                   .already_applied,
               1);
    expect_int(bank_account_at(&bed, "a", 0).balance, 0);
    bank_clear(&bed);
}

TEST_ROWS(a_rejected_command_can_be_accepted_later_with_the_same_id, bank_backends)
{
    bank_bed bed = bank_lay(row, NULL);
    (void)bank_do(&bed, bank_open, (bank_command){.account = "a"}, NULL);
    expect_int(
        bank_do(&bed, bank_withdraw, (bank_command){.account = "a", .amount = 1}, "c").is_accepted,
        0);
    (void)bank_do(&bed, bank_deposit, (bank_command){.account = "a", .amount = 1}, NULL);
    const stele_outcome outcome =
        bank_do(&bed, bank_withdraw, (bank_command){.account = "a", .amount = 1}, "c");
    expect_int(outcome.is_accepted, 1);
    expect_int(outcome.already_applied, 0);
    bank_clear(&bed);
}

TEST_WITHIN(a_command_is_known_300000_events_later, 60)
{
    bank_bed bed = bank_lay(1, NULL);
    stele_event filler[1000];
    (void)bank_do(&bed, bank_open, (bank_command){.account = "a"}, "first");
    for (size_t i = 0; i < 1000; i++) {
        filler[i] = stele_json_event("filler", "{}");
    }
    for (int i = 0; i < 300; i++) {
        expect_ok(stele_append(bed.store, "filler", STELE_ANY, filler, 1000, NULL, NULL, &error),
                  &error);
    }
    bank_relay(&bed);
    const stele_outcome outcome = bank_do(&bed, bank_open, (bank_command){.account = "a"}, "first");
    expect_int(outcome.already_applied, 1);
    expect_uint(outcome.position, 1);
    bank_clear(&bed);
}

TEST_ROWS(a_transfer_moves_money_in_one_commit, bank_backends)
{
    bank_bed bed = bank_lay(row, NULL);
    (void)bank_do(&bed, bank_open, (bank_command){.account = "a"}, NULL);
    (void)bank_do(&bed, bank_open, (bank_command){.account = "b"}, NULL);
    (void)bank_do(&bed, bank_deposit, (bank_command){.account = "a", .amount = 10}, NULL);
    expect_int(bank_do(&bed, bank_transfer, (bank_command){.account = "a", .to = "b", .amount = 11},
                       NULL)
                   .is_accepted,
               0);
    expect_uint(bank_do(&bed, bank_transfer, (bank_command){.account = "a", .to = "b", .amount = 4},
                        NULL)
                    .event_count,
                2);
    expect_int(bank_account_at(&bed, "a", 0).balance, 6);
    expect_int(bank_account_at(&bed, "b", 0).balance, 4);
    bank_clear(&bed);
}

/* ---- others are faster */

typedef struct meddling {
    bank_bed *bed;
    unsigned times; /* how often somebody comes in between */
    const char *account;
} meddling;

static stele_status meddled_withdrawal(stele_decision *decision, const void *command,
                                       stele_error *reterr)
{
    meddling *in_between = *(meddling *const *)command;
    const bank_command wanted = {.account = "a", .amount = 10};
    const stele_status status = bank_withdraw(decision, &wanted, reterr);
    if (in_between->times > 0) {
        in_between->times--;
        (void)bank_do(in_between->bed, bank_withdraw, (bank_command){.account = "a", .amount = 6},
                      NULL);
    }
    return status;
}

TEST_ROWS(a_decision_is_made_again_with_what_others_did_meanwhile, bank_backends)
{
    bank_bed bed = bank_lay(row, NULL);
    meddling once = {&bed, 1, "a"};
    const meddling *command = &once;
    stele_outcome outcome;
    (void)bank_do(&bed, bank_open, (bank_command){.account = "a"}, NULL);
    (void)bank_do(&bed, bank_deposit, (bank_command){.account = "a", .amount = 20}, NULL);
    expect_ok(stele_execute(bed.domain, meddled_withdrawal, &command, NULL, &outcome, &error),
              &error);
    expect_uint(outcome.attempts, 2);
    expect_int(bank_account_at(&bed, "a", 0).balance, 4);
    once.times = 1;
    expect_status(stele_execute(bed.domain, meddled_withdrawal, &command, NULL, &outcome, &error),
                  STELE_REJECTED);
    bank_clear(&bed);
}

TEST_ROWS(attempts_are_bounded, bank_backends)
{
    bank_bed bed = bank_lay(row, NULL);
    meddling often = {&bed, 100, "a"};
    const meddling *command = &often;
    stele_outcome outcome;
    (void)bank_do(&bed, bank_open, (bank_command){.account = "a"}, NULL);
    (void)bank_do(&bed, bank_deposit, (bank_command){.account = "a", .amount = 1000}, NULL);
    expect_error(stele_execute(bed.domain, meddled_withdrawal, &command,
                               &(stele_execute_options){.attempts_max = 3}, &outcome, &error),
                 &error, STELE_CONFLICT_REVISION);
    expect_uint(outcome.attempts, 3);
    expect_int(bank_account_at(&bed, "a", 0).balance, 1000 - 3 * 6);
    bank_clear(&bed);
}

/* What was only read counts as well. */
static stele_status open_b_if_a_is_rich(stele_decision *decision, const void *command,
                                        stele_error *reterr)
{
    meddling *in_between = *(meddling *const *)command;
    const account *a;
    STELE_LOAD(decision, &bank_accounts, "a", &a);
    if (a->balance < 10) {
        return stele_reject(decision, "a is poor");
    }
    if (in_between->times > 0) {
        in_between->times--;
        (void)bank_do(in_between->bed, bank_withdraw, (bank_command){.account = "a", .amount = 6},
                      NULL);
    }
    return STELE_DECIDE(decision, &bank_accounts, "b", opened, .owner = "bob");
}

TEST_ROWS(what_a_decision_only_read_must_not_have_changed, bank_backends)
{
    bank_bed bed = bank_lay(row, NULL);
    meddling once = {&bed, 1, "a"};
    const meddling *command = &once;
    (void)bank_do(&bed, bank_open, (bank_command){.account = "a"}, NULL);
    (void)bank_do(&bed, bank_deposit, (bank_command){.account = "a", .amount = 12}, NULL);
    expect_status(stele_execute(bed.domain, open_b_if_a_is_rich, &command, NULL, NULL, &error),
                  STELE_REJECTED);
    expect_text((const char *)error.message, "a is poor");
    bank_clear(&bed);
}

/* ---- at the same time */

enum { THREADS = 16, ACCOUNTS = 4, START = 1000 };

typedef struct storm {
    bank_bed *bed;
    uint64_t seed;
    atomic_uint accepted;
    atomic_uint next;
} storm;

static void *transfer_about(void *context)
{
    storm *all = context;
    static const char *const names[ACCOUNTS] = {"a0", "a1", "a2", "a3"};
    stele__prng prng;
    stele__prng_seed(&prng, all->seed + atomic_fetch_add(&all->next, 1));
    for (int i = 0; i < 60; i++) {
        const size_t from = stele__prng_below(&prng, ACCOUNTS);
        const size_t to = (from + 1 + stele__prng_below(&prng, ACCOUNTS - 1)) % ACCOUNTS;
        const bank_command command = {.account = names[from],
                                      .to = names[to],
                                      .amount = (int64_t)stele__prng_below(&prng, 50) + 1};
        char id[40];
        stele_error failure;
        /* Each id is used by two threads: one of them must find that it was done. */
        (void)snprintf(id, sizeof id, "t%u", atomic_fetch_add(&all->next, 1) / 2);
        const stele_execute_options options = {.command_id = id, .attempts_max = 1000};
        stele_outcome outcome;
        const stele_status status =
            stele_execute(all->bed->domain, bank_transfer, &command, &options, &outcome, &failure);
        if (status != STELE_REJECTED) {
            expect_ok(status, &failure);
            atomic_fetch_add(&all->accepted, !outcome.already_applied);
        }
    }
    return NULL;
}

static const struct {
    size_t backend;
    bool is_cached;
} storms[] = {{0, true}, {1, true}, {0, false}, {1, false}};

TEST_ROWS(in_a_storm_no_money_is_lost_and_no_command_takes_effect_twice, storms)
{
    const stele_domain_options options = {.cache_bytes = storms[row].is_cached ? 0 : SIZE_MAX,
                                          .snapshots = {.every = 50}};
    bank_bed bed = bank_lay(storms[row].backend, &options);
    pthread_t threads[THREADS];
    storm all = {.bed = &bed, .seed = test_seed()};
    for (int i = 0; i < ACCOUNTS; i++) {
        const char *name = (const char *[]){"a0", "a1", "a2", "a3"}[i];
        (void)bank_do(&bed, bank_open, (bank_command){.account = name}, NULL);
        (void)bank_do(&bed, bank_deposit, (bank_command){.account = name, .amount = START}, NULL);
    }
    for (int i = 0; i < THREADS; i++) {
        expect_int(pthread_create(&threads[i], NULL, transfer_about, &all), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    int64_t sum = 0;
    uint64_t events = 0;
    for (int i = 0; i < ACCOUNTS; i++) {
        const char *name = (const char *[]){"a0", "a1", "a2", "a3"}[i];
        const account cached = bank_account_at(&bed, name, 0);
        const account folded = bank_account_at(&bed, name, cached.events);
        expect_true(stele_schema_equal(account_schema(), &cached, &folded) != 0);
        expect_true(cached.balance >= 0);
        sum += cached.balance;
        events += cached.events;
    }
    expect_int(sum, ACCOUNTS * START);
    /* Two events of each account at first, two of each command that was accepted. */
    expect_uint(events, 2 * ACCOUNTS + 2 * (uint64_t)atomic_load(&all.accepted));
    test_note("%u accepted, %llu decided again", atomic_load(&all.accepted),
              (unsigned long long)bank_counts(&bed).commands_retried);
    bank_clear(&bed);
}

/* ---- what else a decision may do */

static stele_status do_nothing(stele_decision *decision, const void *command, stele_error *reterr)
{
    (void)decision;
    (void)command;
    (void)reterr;
    return STELE_OK;
}

static stele_status fail_somehow(stele_decision *decision, const void *command, stele_error *reterr)
{
    (void)decision;
    (void)command;
    *reterr = (stele_error){.status = STELE_IO, .message = "the moon is full"};
    return STELE_IO;
}

static stele_status look_at_own_events(stele_decision *decision, const void *command,
                                       stele_error *reterr)
{
    const account *it;
    (void)command;
    STELE_LOAD(decision, &bank_accounts, "a", &it);
    expect_uint(stele_decision_version(decision, &bank_accounts, "a"), 0);
    stele_status status = STELE_DECIDE(decision, &bank_accounts, "a", opened, .owner = "ann");
    expect_text((const char *)it->owner, "ann");
    if (status == STELE_OK) {
        status = STELE_DECIDE(decision, &bank_accounts, "a", deposited, .amount = 3);
    }
    expect_int(it->balance, 3);
    expect_uint(stele_decision_version(decision, &bank_accounts, "a"), 2);
    expect_uint(stele_decision_version(decision, &bank_accounts, "b"), 0);
    return status;
}

TEST_ROWS(what_was_decided_is_seen_by_the_rest_of_the_decision, bank_backends)
{
    bank_bed bed = bank_lay(row, NULL);
    expect_ok(stele_execute(bed.domain, look_at_own_events, NULL, NULL, NULL, &error), &error);
    expect_int(bank_account_at(&bed, "a", 0).balance, 3);
    bank_clear(&bed);
}

TEST_ROWS(nothing_to_decide_is_accepted_and_writes_nothing, bank_backends)
{
    bank_bed bed = bank_lay(row, NULL);
    stele_position head;
    stele_outcome outcome;
    expect_ok(stele_execute(bed.domain, do_nothing, NULL, NULL, &outcome, &error), &error);
    expect_int(outcome.is_accepted, 1);
    expect_uint(outcome.position, 0);
    expect_ok(stele_head(bed.store, &head, &error), &error);
    expect_uint(head, 0);
    bank_clear(&bed);
}

TEST_ROWS(a_decision_that_fails_is_not_made_again, bank_backends)
{
    bank_bed bed = bank_lay(row, NULL);
    stele_outcome outcome;
    expect_status(stele_execute(bed.domain, fail_somehow, NULL, NULL, &outcome, &error), STELE_IO);
    expect_text((const char *)error.message, "the moon is full");
    expect_uint(outcome.attempts, 1);
    bank_clear(&bed);
}

TEST(who_and_why_stand_in_the_metadata)
{
    bank_bed bed = bank_lay(0, NULL);
    const bank_command command = {.account = "a"};
    const stele_uuid cause = {{1}};
    stele_cursor *cursor;
    expect_ok(stele_execute(bed.domain, bank_open, &command,
                            &(stele_execute_options){.actor = "ann \"x\"", .causation = &cause},
                            NULL, &error),
              &error);
    expect_ok(stele_read_open(bed.store, NULL, &cursor, &error), &error);
    const stele_record *event = stele_cursor_next(cursor, &error);
    expect_text(event->metadata,
                "{\"$actor\":\"ann \\\"x\\\"\",\"$causationId\":\"01000000-0000-0000-0000-"
                "000000000000\"}");
    expect_int(event->metadata_format, STELE_JSON);
    stele_cursor_free(cursor);
    bank_clear(&bed);
}

TEST(what_cannot_be_the_id_of_a_command_is_refused)
{
    bank_bed bed = bank_lay(0, NULL);
    char id[STELE_KEY_SIZE_MAX] = {0};
    memset(id, 'x', STELE_KEY_SIZE_MAX - 7);
    const bank_command command = {.account = "a"};
    expect_error(stele_execute(bed.domain, bank_open, &command,
                               &(stele_execute_options){.command_id = id}, NULL, &error),
                 &error, STELE_INVALID_LIMIT);
    id[STELE_KEY_SIZE_MAX - 8] = '\0';
    expect_ok(stele_execute(bed.domain, bank_open, &command,
                            &(stele_execute_options){.command_id = id}, NULL, &error),
              &error);
    bank_clear(&bed);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Upcasters: the graph, chains, splits, drops, renames, and who sees them. */
#include "bank.h"

#include "base/text.h"

#include <stdio.h>

static stele_error error;

/* ---- steps to test with: each says in the data what it did */

static stele_status say(const stele_record *old, stele_upcast *into, const char *type,
                        const char *word, stele_error *reterr)
{
    char json[200];
    const int size =
        snprintf(json, sizeof json, "\"%.*s %s\"", old->data.size > 1 ? (int)old->data.size - 2 : 0,
                 old->data.size > 1 ? (const char *)old->data.data + 1 : "", word);
    expect_true(size > 0 && size < (int)sizeof json);
    const stele_event event = stele_json_event(type, json);
    return stele_upcast_to(into, &event, reterr);
}

static stele_status a_1_2(const stele_record *old, stele_upcast *into, stele_error *reterr)
{
    return say(old, into, "a", "2", reterr);
}
static stele_status a_2_3(const stele_record *old, stele_upcast *into, stele_error *reterr)
{
    return say(old, into, "a", "3", reterr);
}
static stele_status rename_to_a(const stele_record *old, stele_upcast *into, stele_error *reterr)
{
    return say(old, into, "a", "was b", reterr);
}
static stele_status split(const stele_record *old, stele_upcast *into, stele_error *reterr)
{
    const stele_status status = say(old, into, "a", "left", reterr);
    return status ? status : say(old, into, "d", "right", reterr);
}
static stele_status drop(const stele_record *old, stele_upcast *into, stele_error *reterr)
{
    (void)old;
    (void)into;
    (void)reterr;
    return STELE_OK;
}
static stele_status break_it(const stele_record *old, stele_upcast *into, stele_error *reterr)
{
    (void)old;
    (void)into;
    *reterr = (stele_error){.status = STELE_INVALID, .message = "no owner"};
    return STELE_INVALID;
}

static const stele_upcaster steps[] = {
    {"a", 2, a_2_3, NULL},      {"b", 1, rename_to_a, "a@2"}, {"a", 1, a_1_2, NULL},
    {"c", 1, split, "a d"},     {"e", 1, drop, NULL},         {"f", 1, break_it, NULL},
    {"g", 1, rename_to_a, "h"},
};

static stele_upcasters *make(const stele_upcaster *from, size_t count)
{
    stele_upcasters *upcasters;
    expect_ok(stele_upcasters_create(from, count, &upcasters, &error), &error);
    return upcasters;
}

/* "type data @revision" of every event, through upcasters. */
static const char *read_all(stele_store *store, const stele_upcasters *upcasters,
                            const stele_wanted_version *wanted, size_t wanted_count)
{
    char *text = test_memory(2000);
    stele_writer to = stele_writer_in(text, 1999);
    stele_upcast_cursor *cursor;
    const stele_record *event;
    expect_ok(stele_upcast_open(store, NULL, upcasters, wanted, wanted_count, &cursor, &error),
              &error);
    while ((event = stele_upcast_next(cursor, &error)) != NULL) {
        (void)stele_writef(&to, "%s%.*s %.*s @%llu", to.size ? "; " : "", STELE_TEXT(event->type),
                           STELE_TEXT(event->data), (unsigned long long)event->revision);
    }
    if (error.status != STELE_OK) {
        (void)stele_writef(&to, "; %s", error.message);
        expect_null(stele_upcast_next(cursor, &error));
    }
    stele_upcast_cursor_free(cursor);
    return text;
}

static void append(stele_store *store, const char *type, const char *data, const char *metadata)
{
    stele_event event = stele_json_event(type, data);
    if (metadata) {
        event.metadata = (stele_bytes){(const uint8_t *)metadata, strlen(metadata)};
        event.metadata_format = STELE_JSON;
    }
    expect_ok(stele_append(store, "s", STELE_ANY, &event, 1, NULL, NULL, &error), &error);
}

TEST_ROWS(events_are_read_as_those_of_today_and_stored_as_they_were, bank_backends)
{
    bank_bed bed = bank_lay(row, NULL);
    stele_upcasters *upcasters = make(steps, sizeof steps / sizeof steps[0]);
    append(bed.store, "a", "\"x\"", NULL);
    append(bed.store, "a", "\"x\"", "{\"$version\":2}");
    append(bed.store, "a", "\"x\"", "{\"who\":{\"$version\":1},\"$version\":3}");
    append(bed.store, "b", "\"x\"", NULL);
    append(bed.store, "c", "\"x\"", NULL);
    append(bed.store, "e", "\"x\"", NULL);
    append(bed.store, "d", "\"x\"", NULL);
    expect_text(
        read_all(bed.store, upcasters, NULL, 0),
        "a \"x 2 3\" @0; a \"x 3\" @1; a \"x\" @2; a \"x was b 3\" @3; a \"x left 2 3\" @4; "
        "d \"x right\" @4; d \"x\" @6");
    expect_text(
        read_all(bed.store, NULL, NULL, 0),
        "a \"x\" @0; a \"x\" @1; a \"x\" @2; b \"x\" @3; c \"x\" @4; e \"x\" @5; d \"x\" @6");
    expect_text(read_all(bed.store, upcasters, &(stele_wanted_version){"a", 2}, 1),
                "a \"x 2\" @0; a \"x\" @1; a \"x\" @2; a \"x was b\" @3; a \"x left 2\" @4; "
                "d \"x right\" @4; d \"x\" @6");
    expect_uint(stele_upcasters_newest(upcasters, "a"), 3);
    expect_uint(stele_upcasters_newest(upcasters, "e"), 2);
    expect_uint(stele_upcasters_newest(upcasters, "unknown"), 1);
    stele_upcasters_free(upcasters);
    bank_clear(&bed);
}

TEST(the_parts_of_a_split_have_ids_of_their_own_that_are_always_the_same)
{
    bank_bed bed = bank_lay(0, NULL);
    stele_upcasters *upcasters = make(steps, sizeof steps / sizeof steps[0]);
    stele_uuid ids[2][2];
    append(bed.store, "c", "\"x\"", NULL);
    for (int i = 0; i < 2; i++) {
        stele_upcast_cursor *cursor;
        expect_ok(stele_upcast_open(bed.store, NULL, upcasters, NULL, 0, &cursor, &error), &error);
        ids[i][0] = stele_upcast_next(cursor, &error)->id;
        ids[i][1] = stele_upcast_next(cursor, &error)->id;
        stele_upcast_cursor_free(cursor);
    }
    expect_bytes(ids[0], sizeof ids[0], ids[1], sizeof ids[1]);
    expect_true(memcmp(&ids[0][0], &ids[0][1], sizeof(stele_uuid)) != 0);
    stele_upcasters_free(upcasters);
    bank_clear(&bed);
}

TEST(an_event_that_cannot_be_brought_to_today_ends_the_read_and_is_named)
{
    bank_bed bed = bank_lay(0, NULL);
    stele_upcasters *upcasters = make(steps, sizeof steps / sizeof steps[0]);
    append(bed.store, "d", "\"x\"", NULL);
    append(bed.store, "f", "\"x\"", NULL);
    append(bed.store, "d", "\"x\"", NULL);
    expect_text(read_all(bed.store, upcasters, NULL, 0),
                "d \"x\" @0; event 1 of s (f version 1, position 2) cannot be read as of today: no "
                "owner");
    stele_upcasters_free(upcasters);
    bank_clear(&bed);
}

TEST(an_upcaster_may_only_make_what_it_was_registered_for)
{
    bank_bed bed = bank_lay(0, NULL);
    stele_upcasters *upcasters = make(steps, sizeof steps / sizeof steps[0]);
    append(bed.store, "g", "\"x\"", NULL);
    expect_contains(read_all(bed.store, upcasters, NULL, 0),
                    "g version 1 became a a, which its upcaster was not registered for");
    stele_upcasters_free(upcasters);
    bank_clear(&bed);
}

/* ---- the graph */

static const struct {
    const char *name;
    stele_upcaster steps[4];
    size_t count;
    const char *says; /* NULL: it is fine */
} graphs[] = {
    {"nothing", {{NULL, 0, NULL, NULL}}, 0, NULL},
    {"a chain out of order", {{"a", 2, drop, NULL}, {"a", 1, drop, NULL}}, 2, NULL},
    {"a gap", {{"a", 1, drop, NULL}, {"a", 3, drop, NULL}}, 2, "but none from version 2"},
    {"no beginning", {{"a", 2, drop, NULL}}, 1, "but none from version 1"},
    {"born later", {{"b", 1, drop, "a@2"}, {"a", 2, drop, NULL}}, 2, NULL},
    {"a step twice", {{"a", 1, drop, NULL}, {"a", 1, drop, NULL}}, 2, "two steps from version 1"},
    {"itself", {{"a", 1, drop, "a@1"}}, 1, "becomes itself"},
    {"a circle of renames",
     {{"a", 1, drop, "b"}, {"b", 1, drop, "c"}, {"c", 1, drop, "x a"}},
     3,
     "becomes itself"},
    {"back to an older version",
     {{"a", 1, drop, NULL}, {"a", 2, drop, "a@1"}},
     2,
     "becomes itself"},
    {"two ways that meet",
     {{"a", 1, drop, "b c"}, {"b", 1, drop, "d"}, {"c", 1, drop, "d"}},
     3,
     NULL},
    {"a name that is none", {{"a", 1, drop, "b@"}}, 1, "no name"},
    {"a version that is none", {{"a", 1, drop, "b@0"}}, 1, "no name"},
    {"version 0", {{"a", 0, drop, NULL}}, 1, "lacks"},
    {"no function", {{"a", 1, NULL, NULL}}, 1, "lacks"},
    {"no type", {{"", 1, drop, NULL}}, 1, "lacks"},
};

TEST_ROWS(the_graph_of_versions_is_checked_when_it_is_registered, graphs)
{
    stele_upcasters *upcasters = NULL;
    const stele_status status =
        stele_upcasters_create(graphs[row].steps, graphs[row].count, &upcasters, &error);
    if (graphs[row].says) {
        expect_error(status, &error, STELE_INVALID);
        expect_contains((const char *)error.message, graphs[row].says);
        expect_null(upcasters);
    } else {
        expect_ok(status, &error);
        stele_upcasters_free(upcasters);
    }
}

/* ---- versions in metadata */

static const struct {
    const char *metadata;
    stele_format format;
    uint32_t version;
} versions[] = {
    {"", STELE_JSON, 1},
    {"{\"$version\":7}", STELE_JSON, 7},
    {"{\"$version\":7}", STELE_BINARY, 1},
    {"{\"$version\":0}", STELE_JSON, 1},
    {"{\"$version\":-2}", STELE_JSON, 1},
    {"{\"$version\":\"2\"}", STELE_JSON, 1},
    {"{\"$version\":4294967295}", STELE_JSON, UINT32_MAX},
    {"{\"$version\":4294967296}", STELE_JSON, 1},
    {"{\"a\":{\"$version\":3}}", STELE_JSON, 1},
    {"{\"a\":1,\"\\u0024version\":3}", STELE_JSON, 3},
    {"[{\"$version\":3}]", STELE_JSON, 1},
    {"{\"a\":", STELE_JSON, 1},
};

TEST_ROWS(the_version_of_an_event_stands_in_its_metadata, versions)
{
    const stele_record event = {.metadata = {(const uint8_t *)versions[row].metadata,
                                             strlen(versions[row].metadata)},
                                .metadata_format = versions[row].format};
    expect_uint(stele_event_version(&event), versions[row].version);
}

/* ---- those who read through them */

static stele_status count_amount(const stele_record *old, stele_upcast *into, stele_error *reterr)
{
    (void)old;
    const stele_event event = stele_json_event("account.deposited", "{\"amount\":100}");
    return stele_upcast_to(into, &event, reterr);
}

TEST_ROWS(loads_caches_snapshots_and_decisions_see_todays_events, bank_backends)
{
    const stele_upcaster old = {"account.got", 1, count_amount, "account.deposited"};
    const stele_upcaster gone = {"account.greeted", 1, drop, NULL};
    stele_upcasters *upcasters = make((const stele_upcaster[]){old, gone}, 2);
    bank_bed bed =
        bank_lay(row, &(stele_domain_options){.upcasters = upcasters, .snapshots = {.every = 3}});
    (void)bank_do(&bed, bank_open, (bank_command){.account = "a"}, NULL);
    const stele_event got = stele_json_event("account.got", "{}");
    const stele_event greeted = stele_json_event("account.greeted", "{}");
    stele_loaded loaded;
    account it;
    for (int i = 0; i < 4; i++) {
        expect_ok(stele_append(bed.store, "account-a", STELE_ANY, &got, 1, NULL, NULL, &error),
                  &error);
        expect_ok(stele_append(bed.store, "account-a", STELE_ANY, &greeted, 1, NULL, NULL, &error),
                  &error);
        expect_ok(stele_load(bed.domain, &bank_accounts, "account-a", NULL, &it, &loaded, &error),
                  &error);
        expect_int(it.balance, 100 * (i + 1));
        /* The last event came to nothing, but it is there. */
        expect_int(loaded.expected, 2 * i + 2);
        expect_uint(loaded.version, (uint64_t)(2 * i + 3));
    }
    expect_int(bank_do(&bed, bank_withdraw, (bank_command){.account = "a", .amount = 400}, NULL)
                   .is_accepted,
               1);
    expect_uint(bank_counts(&bed).commands_retried, 0);
    bank_relay(&bed);
    expect_int(bank_account_at(&bed, "a", 0).balance, 0);
    bank_clear(&bed);
    stele_upcasters_free(upcasters);
}

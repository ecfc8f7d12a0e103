/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events out of short texts, and appends of them. A receipt that a refusal wrote to, or an error
 * that is none, fails the test here, whatever it was about.
 */
#include "suite.h"
#include "suite_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- events */

static const uint8_t id_mark[12] = {0xe0, 0x5e, 0x1f, 0x00, 0x00, 0x00,
                                    0x40, 0x00, 0x80, 0x00, 0x00, 0x00};

stele_uuid id_of(unsigned n)
{
    stele_uuid id;
    memcpy(id.bytes, id_mark, sizeof id_mark);
    for (unsigned i = 0; i < 4; i++) {
        id.bytes[12 + i] = (uint8_t)(n >> (24 - 8 * i));
    }
    return id;
}

bool suite_number_of(const stele_uuid *id, unsigned *ret_n)
{
    if (memcmp(id->bytes, id_mark, sizeof id_mark) != 0) {
        return false;
    }
    *ret_n = (unsigned)id->bytes[12] << 24 | (unsigned)id->bytes[13] << 16 |
             (unsigned)id->bytes[14] << 8 | id->bytes[15];
    return true;
}

stele_event event(const char *type, unsigned n, const char *json)
{
    stele_event one = stele_json_event(type, json);
    one.id = id_of(n);
    return one;
}

stele_event nameless(const char *type, const char *json)
{
    return stele_json_event(type, json);
}

stele_event with_tags(stele_event event, stele_names tags)
{
    event.tags = tags.names;
    event.tag_count = tags.count;
    return event;
}

stele_event in_stream(const char *stream, stele_event event)
{
    event.stream = stream;
    return event;
}

/* Cuts the next word off *text; NULL at the end. */
static const char *next_word(suite *s, const char **text)
{
    const char *start = *text + strspn(*text, " ");
    const size_t size = strcspn(start, " ");
    *text = start + size;
    return size > 0 ? suite_keep(s, start, size) : NULL;
}

static size_t count_words(const char *text)
{
    size_t count = 0;
    for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
        count++;
        text += strcspn(text, " ");
    }
    return count;
}

static stele_event event_of_word(suite *s, const char *word)
{
    const char *colon = strrchr(word, ':');
    const char *name = colon ? colon + 1 : word;
    stele_event one;
    if (strcmp(name, "-") == 0) {
        one = nameless("happened", "{}");
    } else {
        expect_true(*name == 'e');
        const unsigned n = (unsigned)strtoul(name + 1, NULL, 10);
        one = event("happened", n, suite_print(s, "{\"n\":%u}", n));
    }
    one.stream = colon ? suite_keep(s, word, (size_t)(colon - word)) : NULL;
    return one;
}

batch events(suite *s, const char *text)
{
    batch all = {NULL, count_words(text)};
    all.events = suite_allocate(s, (all.count + 1) * sizeof(stele_event));
    for (size_t i = 0; i < all.count; i++) {
        all.events[i] = event_of_word(s, next_word(s, &text));
    }
    return all;
}

/* ---- appending */

static outcome outcome_start(suite *s)
{
    outcome o = {.suite = s, .error = suite_soiled_error()};
    memset(&o.receipt, 0x5a, sizeof o.receipt);
    return o;
}

static void outcome_check(outcome *o)
{
    suite_check_error(o->status, &o->error);
    if (o->status != STELE_OK) {
        stele_receipt untouched;
        memset(&untouched, 0x5a, sizeof untouched);
        expect_bytes(&o->receipt, sizeof o->receipt, &untouched, sizeof untouched);
    }
}

outcome append_events(suite *s, const char *stream, stele_expected expected, batch many,
                      const stele_append_options *options)
{
    outcome o = outcome_start(s);
    o.status = stele_append(on(s), stream, expected, many.events, many.count, options, &o.receipt,
                            &o.error);
    outcome_check(&o);
    return o;
}

outcome append_with(suite *s, const char *stream, stele_expected expected, const char *text,
                    const stele_append_options *options)
{
    return append_events(s, stream, expected, events(s, text), options);
}

outcome append(suite *s, const char *stream, stele_expected expected, const char *text)
{
    return append_with(s, stream, expected, text, NULL);
}

outcome append_event(suite *s, const char *stream, stele_expected expected, stele_event one,
                     const stele_append_options *options)
{
    return append_events(s, stream, expected, (batch){&one, 1}, options);
}

static stele_expected expected_of(const char *text)
{
    static const struct {
        const char *text;
        stele_expected expected;
    } words[] = {
        {"none", STELE_NO_STREAM},
        {"any", STELE_ANY},
        {"exists", STELE_EXISTS},
        {"deleted", STELE_IS_DELETED},
        {"tombstoned", STELE_IS_TOMBSTONED},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(words[i].text, text) == 0) {
            return words[i].expected;
        }
    }
    return strtoll(text, NULL, 10);
}

outcome commit_events(suite *s, batch many, const char *checks, const stele_append_options *options)
{
    const size_t check_count = count_words(checks);
    stele_check *list = suite_allocate(s, (check_count + 1) * sizeof *list);
    for (size_t i = 0; i < check_count; i++) {
        char *stream = suite_keep(s, "", 0);
        const char *word = next_word(s, &checks);
        const char *equals = strrchr(word, '=');
        expect_not_null(equals);
        stream = suite_keep(s, word, (size_t)(equals - word));
        list[i] = (stele_check){stream, expected_of(equals + 1)};
    }
    outcome o = outcome_start(s);
    o.revisions = suite_allocate(s, (many.count + 1) * sizeof *o.revisions);
    o.violation_room = many.count + check_count + 1;
    o.violations = suite_allocate(s, o.violation_room * sizeof *o.violations);
    stele_append_options with_room = options ? *options : (stele_append_options){0};
    with_room.violations = o.violations;
    with_room.violations_capacity = o.violation_room;
    const stele_commit all = {many.events, many.count, list, check_count, &with_room};
    o.status = stele_append_commit(on(s), &all, &o.receipt, o.revisions, &o.error);
    outcome_check(&o);
    return o;
}

outcome commit(suite *s, const char *text, const char *checks, const stele_append_options *options)
{
    return commit_events(s, events(s, text), checks, options);
}

outcome delete_stream(suite *s, const char *stream, stele_expected expected)
{
    outcome o = outcome_start(s);
    o.status = stele_delete(on(s), stream, expected, NULL, &o.receipt, &o.error);
    outcome_check(&o);
    return o;
}

outcome tombstone_stream(suite *s, const char *stream, stele_expected expected)
{
    outcome o = outcome_start(s);
    o.status = stele_tombstone(on(s), stream, expected, NULL, &o.receipt, &o.error);
    outcome_check(&o);
    return o;
}

outcome write_metadata(suite *s, const char *stream, stele_expected expected, const char *json)
{
    outcome o = outcome_start(s);
    o.status = stele_metadata_write(on(s), stream, expected, json, strlen(json), NULL, &o.receipt,
                                    &o.error);
    outcome_check(&o);
    return o;
}

static void note_others(suite *s, stele_position before, uint64_t count)
{
    expect_true(s->others_count < sizeof s->others / sizeof s->others[0]);
    s->others[s->others_count].first = before + 1;
    s->others[s->others_count].count = count;
    s->others_count++;
    suite_settle(s);
    expect_uint(head_of(s), before + count);
}

void append_others(suite *s, uint64_t count)
{
    const stele_append_options quickly = {.durability = STELE_DURABLE_NONE};
    const stele_event one = nameless("other", "{}");
    const stele_position before = head_of(s);
    for (uint64_t i = 0; i < count; i++) {
        char stream[32];
        stele_error error;
        (void)snprintf(stream, sizeof stream, "others-%u", (unsigned)(i % 16));
        expect_ok(stele_append(held(s), stream, STELE_ANY, &one, 1, &quickly, NULL, &error),
                  &error);
    }
    note_others(s, before, count);
}

void append_filler(suite *s, uint64_t count)
{
    enum { AT_ONCE = 8192 };
    const stele_append_options quickly = {.durability = STELE_DURABLE_NONE};
    stele_event *many = suite_allocate(s, AT_ONCE * sizeof *many);
    for (size_t i = 0; i < AT_ONCE; i++) {
        many[i] = in_stream(i % 2 ? "others-odd" : "others-even", nameless("other", "{}"));
    }
    const stele_position before = head_of(s);
    for (uint64_t done = 0; done < count;) {
        const size_t now = count - done < AT_ONCE ? (size_t)(count - done) : (size_t)AT_ONCE;
        const stele_commit all = {.events = many, .event_count = now, .options = &quickly};
        stele_error error;
        expect_ok(stele_append_commit(held(s), &all, NULL, NULL, &error), &error);
        if (s->is_stepped) {
            suite_step_to_the_end(s);
        }
        done += now;
    }
    note_others(s, before, count);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/memory/given.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

stele_time given_now = GIVEN_NOW;
int64_t given_monotonic = 5000;

static stele_time clock_now(void *context)
{
    (void)context;
    return given_now;
}

static int64_t clock_monotonic(void *context)
{
    (void)context;
    return given_monotonic;
}

static void clock_entropy(void *context, void *ret_bytes, size_t size)
{
    static _Atomic uint64_t count;
    uint8_t *bytes = ret_bytes;
    (void)context;
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)((atomic_fetch_add(&count, 1) * UINT64_C(0x9e3779b97f4a7c15)) >> 56);
    }
}

static void clock_boot_id(void *context, uint8_t ret_id[16])
{
    (void)context;
    memset(ret_id, 1, 16);
}

const stele_clock given_clock = {NULL, clock_now, clock_monotonic, clock_entropy, clock_boot_id};

void given_pass(stele_duration time)
{
    given_now += time;
    given_monotonic += time;
}

stele_store *given_store(const stele_options *options)
{
    stele_options own = options ? *options : (stele_options){.version = 0};
    stele_store *store = NULL;
    stele_error error;
    own.clock = &given_clock;
    expect_ok(stele_open("memory:", &own, &store, &error), &error);
    return store;
}

stele_uuid given_id(unsigned number)
{
    stele_uuid id = {{0}};
    id.bytes[0] = number ? 0xe0 : 0;
    id.bytes[14] = (uint8_t)(number >> 8);
    id.bytes[15] = (uint8_t)number;
    return id;
}

stele_event given_event(const char *stream, unsigned id)
{
    return (stele_event){.id = given_id(id), .type = "t", .stream = stream};
}

stele_receipt given_append(stele_store *store, const char *stream, unsigned id)
{
    const stele_event event = given_event(stream, id);
    stele_receipt receipt;
    stele_error error;
    expect_ok(stele_append(store, stream, STELE_ANY, &event, 1, NULL, &receipt, &error), &error);
    return receipt;
}

const char *given_rest(stele_cursor *cursor)
{
    static char text[4096];
    size_t used = 0;
    stele_error error;
    text[0] = '\0';
    for (const stele_record *record; (record = stele_cursor_next(cursor, &error)) != NULL;) {
        const char *space = used ? " " : "";
        int more;
        if (record->revision == STELE_REVISION_TOMBSTONE) {
            more = snprintf(text + used, sizeof text - used, "%s%.*s@tombstone", space,
                            STELE_TEXT(record->stream));
        } else {
            more = snprintf(text + used, sizeof text - used, "%s%.*s@%" PRIu64, space,
                            STELE_TEXT(record->stream), record->revision);
        }
        used += (size_t)more;
        expect_true(used < sizeof text);
    }
    expect_ok(error.status, &error);
    return text;
}

const char *given_read(stele_store *store, stele_read read)
{
    STELE_CLEANUP(cursor) stele_cursor *cursor = NULL;
    stele_error error;
    if (stele_read_open(store, &read, &cursor, &error) == STELE_OK) {
        return given_rest(cursor);
    }
    switch (error.detail) {
    case STELE_NOT_FOUND_STREAM:
        return "not found";
    case STELE_NOT_FOUND_DELETED:
        return "deleted";
    case STELE_DELETED_TOMBSTONE:
        return "tombstoned";
    default:
        return error.status == STELE_NO_MEMORY ? "no memory" : "failed";
    }
}

const char *given_data(stele_store *store, stele_position position)
{
    static char text[1024];
    STELE_CLEANUP(cursor) stele_cursor *cursor = NULL;
    const stele_read read = {.from = STELE_AT_POSITION(position), .limit = 1};
    stele_error error;
    expect_ok(stele_read_open(store, &read, &cursor, &error), &error);
    const stele_record *record = stele_cursor_next(cursor, &error);
    expect_not_null(record);
    (void)snprintf(text, sizeof text, "%.*s", STELE_TEXT(record->data));
    return text;
}

stele_position given_head(stele_store *store)
{
    stele_position head = 0;
    stele_error error;
    expect_ok(stele_head(store, &head, &error), &error);
    return head;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WiredTiger: a table of records by position and one from stream and version to position, in one
 * transaction; 1 GB of cache, log files of 256 MB. Durable means a log that is synced at commit,
 * `os` one that is written at commit, `none` one that is written when its buffer is full.
 */
#include "bench.h"

#include "record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wiredtiger.h>

typedef struct tiger_store {
    WT_CONNECTION *connection;
    WT_SESSION *session;
    WT_CURSOR *events;
    WT_CURSOR *index;
    uint64_t next;
} tiger_store;

static void must(int outcome, const char *what)
{
    if (outcome != 0) {
        bench_die("wiredtiger: %s: %s", what, wiredtiger_strerror(outcome));
    }
}

static void *tiger_open(const char *folder, bench_durability durability)
{
    tiger_store *store = bench_allocate(sizeof *store);
    const char *sync = durability == BENCH_FULL ? "(enabled=true,method=fsync)"
                       : durability == BENCH_OS ? "(enabled=true,method=none)"
                                                : "(enabled=false)";
    char config[256];

    (void)snprintf(config, sizeof config,
                   "create,cache_size=1GB,log=(enabled=true,file_max=256MB),transaction_sync=%s",
                   sync);
    must(wiredtiger_open(folder, NULL, config, &store->connection), "open");
    /* Said once here: a string for each transaction would be parsed each time. */
    must(store->connection->open_session(store->connection, NULL, "isolation=snapshot",
                                         &store->session),
         "session");
    must(store->session->create(store->session, "table:events", "key_format=r,value_format=u"),
         "events");
    must(store->session->create(store->session, "table:streams", "key_format=u,value_format=Q"),
         "streams");
    must(store->session->open_cursor(store->session, "table:events", NULL, NULL, &store->events),
         "cursor");
    must(store->session->open_cursor(store->session, "table:streams", NULL, NULL, &store->index),
         "cursor");
    store->next = 1;
    if (store->events->prev(store->events) == 0) {
        must(store->events->get_key(store->events, &store->next), "key");
        store->next++;
    }
    must(store->events->reset(store->events), "reset");
    return store;
}

/* Moves to the last entry of a stream; false: there is none. */
static bool go_to_last(tiger_store *store, uint32_t stream)
{
    uint8_t bytes[BENCH_KEY_SIZE];
    WT_ITEM key = {.data = bytes, .size = bench_key(bytes, stream, UINT64_MAX)};
    const size_t key_size = key.size;
    WT_ITEM found;
    int compared;
    int outcome;

    store->index->set_key(store->index, &key);
    outcome = store->index->search_near(store->index, &compared);
    if (outcome == 0 && compared > 0) {
        outcome = store->index->prev(store->index);
    }
    if (outcome == WT_NOTFOUND) {
        return false;
    }
    must(outcome, "search");
    must(store->index->get_key(store->index, &found), "key");
    return found.size == key_size && memcmp(found.data, bytes, key_size - 8) == 0;
}

static int64_t tiger_version(tiger_store *store, uint32_t stream)
{
    WT_ITEM key;

    if (!go_to_last(store, stream)) {
        return -1;
    }
    must(store->index->get_key(store->index, &key), "key");
    return (int64_t)bench_key_version(key.data, key.size);
}

static void tiger_add(tiger_store *store, const bench_event *event, int64_t now)
{
    const uint64_t position = store->next++;
    uint8_t record[BENCH_RECORD_SIZE];
    uint8_t bytes[BENCH_KEY_SIZE];
    WT_ITEM value = {.data = record, .size = bench_record_write(record, event, now)};
    WT_ITEM key = {.data = bytes};

    if (tiger_version(store, event->stream) != event->expected) {
        bench_die("wiredtiger: wrong version of %s", bench_stream_name(event->stream));
    }
    store->events->set_key(store->events, position);
    store->events->set_value(store->events, &value);
    must(store->events->insert(store->events), "insert");
    key.size = bench_key(bytes, event->stream, (uint64_t)(event->expected + 1));
    store->index->set_key(store->index, &key);
    store->index->set_value(store->index, position);
    must(store->index->insert(store->index), "insert");
}

static void tiger_append(void *handle, const bench_event *events, size_t count)
{
    tiger_store *store = handle;
    const int64_t now = bench_now();

    must(store->session->begin_transaction(store->session, NULL), "begin");
    for (size_t i = 0; i < count; i++) {
        tiger_add(store, &events[i], now);
    }
    must(store->session->commit_transaction(store->session, NULL), "commit");
}

static uint64_t tiger_replay(void *handle)
{
    tiger_store *store = handle;
    uint64_t count = 0;
    WT_ITEM value;

    while (store->events->next(store->events) == 0) {
        must(store->events->get_value(store->events, &value), "value");
        bench_record_look(value.data, value.size);
        count++;
    }
    must(store->events->reset(store->events), "reset");
    return count;
}

static void tiger_look(tiger_store *store)
{
    uint64_t position;
    WT_ITEM value;

    must(store->index->get_value(store->index, &position), "value");
    store->events->set_key(store->events, position);
    must(store->events->search(store->events), "search");
    must(store->events->get_value(store->events, &value), "value");
    bench_record_look(value.data, value.size);
}

static void let_go(tiger_store *store)
{
    must(store->events->reset(store->events), "reset");
    must(store->index->reset(store->index), "reset");
}

static uint64_t tiger_read_stream(void *handle, uint32_t stream)
{
    tiger_store *store = handle;
    uint8_t bytes[BENCH_KEY_SIZE];
    WT_ITEM key = {.data = bytes, .size = bench_key(bytes, stream, 0)};
    const size_t key_size = key.size;
    uint64_t count = 0;
    int compared;
    int outcome;

    store->index->set_key(store->index, &key);
    outcome = store->index->search_near(store->index, &compared);
    if (outcome == 0 && compared < 0) {
        outcome = store->index->next(store->index);
    }
    for (; outcome == 0; outcome = store->index->next(store->index)) {
        must(store->index->get_key(store->index, &key), "key");
        if (key.size != key_size || memcmp(key.data, bytes, key_size - 8) != 0) {
            break;
        }
        tiger_look(store);
        count++;
    }
    let_go(store);
    return count;
}

static uint64_t tiger_read_last(void *handle, uint32_t stream)
{
    tiger_store *store = handle;
    uint8_t bytes[BENCH_KEY_SIZE];
    const size_t key_size = bench_key(bytes, stream, 0);
    bool is_there = go_to_last(store, stream);
    uint64_t count = 0;
    WT_ITEM key;

    while (is_there && count < BENCH_LAST_COUNT) {
        tiger_look(store);
        count++;
        is_there = store->index->prev(store->index) == 0;
        if (is_there) {
            must(store->index->get_key(store->index, &key), "key");
            is_there = key.size == key_size && memcmp(key.data, bytes, key_size - 8) == 0;
        }
    }
    let_go(store);
    return count;
}

static void tiger_close(void *handle)
{
    tiger_store *store = handle;

    must(store->connection->close(store->connection, NULL), "close");
    free(store);
}

static bool tiger_is_overhead(const char *file)
{
    return strncmp(file, "WiredTigerLog", 13) == 0 || strncmp(file, "WiredTigerPreplog", 17) == 0 ||
           strncmp(file, "WiredTigerTmplog", 16) == 0;
}

static const char *tiger_version_text(void)
{
    static char text[32];
    int major;
    int minor;
    int patch;

    (void)wiredtiger_version(&major, &minor, &patch);
    (void)snprintf(text, sizeof text, "%d.%d.%d", major, minor, patch);
    return text;
}

const bench_system bench_wiredtiger = {
    .name = "wiredtiger",
    .version = tiger_version_text,
    .open = tiger_open,
    .close = tiger_close,
    .append = tiger_append,
    .replay = tiger_replay,
    .read_stream = tiger_read_stream,
    .read_last = tiger_read_last,
    .is_overhead = tiger_is_overhead,
};

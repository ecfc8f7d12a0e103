/* SPDX-License-Identifier: Apache-2.0 */
/* LMDB: a log by global number, appended at its end, and an index from stream and version to that
 * number; the version is checked with a cursor. Not durable means MDB_NOSYNC with a map that is
 * written directly: what was committed is in the system's cache, as with Stele's `os`, without a
 * write() for it. (Durable, writing through the map was measured to gain nothing.) Readers keep
 * their transaction and renew it. */
#include "bench.h"

#include "record.h"

#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAP_SIZE ((size_t)64 << 30)

typedef struct lmdb_store {
    MDB_env *environment;
    MDB_dbi log;
    MDB_dbi index;
    size_t next;
    MDB_txn *read; /* between reads reset; NULL: there was none yet */
    MDB_cursor *read_log;
    MDB_cursor *read_index;
} lmdb_store;

static void must(int outcome, const char *what)
{
    if (outcome != MDB_SUCCESS) {
        bench_die("lmdb: %s: %s", what, mdb_strerror(outcome));
    }
}

static size_t last_number(MDB_txn *transaction, MDB_dbi log)
{
    MDB_cursor *cursor;
    MDB_val key;
    MDB_val value;
    size_t last = 0;

    must(mdb_cursor_open(transaction, log, &cursor), "cursor");
    if (mdb_cursor_get(cursor, &key, &value, MDB_LAST) == MDB_SUCCESS) {
        memcpy(&last, key.mv_data, sizeof last);
    }
    mdb_cursor_close(cursor);
    return last;
}

static void *lmdb_open(const char *folder, bench_durability durability)
{
    lmdb_store *store = bench_allocate(sizeof *store);
    MDB_txn *transaction;

    must(mdb_env_create(&store->environment), "environment");
    must(mdb_env_set_mapsize(store->environment, MAP_SIZE), "map size");
    must(mdb_env_set_maxdbs(store->environment, 2), "databases");
    must(mdb_env_open(store->environment, folder,
                      durability == BENCH_FULL ? 0 : MDB_NOSYNC | MDB_WRITEMAP, 0666),
         "open");
    must(mdb_txn_begin(store->environment, NULL, 0, &transaction), "begin");
    must(mdb_dbi_open(transaction, "log", MDB_CREATE | MDB_INTEGERKEY, &store->log), "log");
    must(mdb_dbi_open(transaction, "index", MDB_CREATE, &store->index), "index");
    store->next = last_number(transaction, store->log) + 1;
    must(mdb_txn_commit(transaction), "commit");
    return store;
}

/* The last version of a stream, -1: none; `cursor` is that of the index. */
static int64_t lmdb_version(MDB_cursor *cursor, uint32_t stream)
{
    uint8_t bytes[BENCH_KEY_SIZE];
    MDB_val key = {bench_key(bytes, stream, UINT64_MAX), bytes};
    const size_t prefix = key.mv_size - 8;
    MDB_val value;
    int outcome = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);

    outcome = mdb_cursor_get(cursor, &key, &value, outcome == MDB_NOTFOUND ? MDB_LAST : MDB_PREV);
    if (outcome == MDB_SUCCESS && key.mv_size == prefix + 8 &&
        memcmp(key.mv_data, bytes, prefix) == 0) {
        return (int64_t)bench_key_version(key.mv_data, key.mv_size);
    }
    return -1;
}

static void lmdb_append(void *handle, const bench_event *events, size_t count)
{
    lmdb_store *store = handle;
    const int64_t now = bench_now();
    uint8_t record[BENCH_RECORD_SIZE];
    uint8_t bytes[BENCH_KEY_SIZE];
    MDB_txn *transaction;
    MDB_cursor *cursor;

    must(mdb_txn_begin(store->environment, NULL, 0, &transaction), "begin");
    must(mdb_cursor_open(transaction, store->index, &cursor), "cursor");
    for (size_t i = 0; i < count; i++) {
        const bench_event *event = &events[i];
        size_t number = store->next + i;
        if (lmdb_version(cursor, event->stream) != event->expected) {
            bench_die("lmdb: wrong version of %s", bench_stream_name(event->stream));
        }
        MDB_val key = {sizeof number, &number};
        MDB_val value = {bench_record_write(record, event, now), record};
        must(mdb_put(transaction, store->log, &key, &value, MDB_APPEND), "put");
        key = (MDB_val){bench_key(bytes, event->stream, (uint64_t)(event->expected + 1)), bytes};
        value = (MDB_val){sizeof number, &number};
        must(mdb_cursor_put(cursor, &key, &value, MDB_NOOVERWRITE), "put");
    }
    mdb_cursor_close(cursor);
    must(mdb_txn_commit(transaction), "commit");
    store->next += count;
}

static void begin_read(lmdb_store *store)
{
    if (store->read) {
        must(mdb_txn_renew(store->read), "renew");
        must(mdb_cursor_renew(store->read, store->read_log), "renew");
        must(mdb_cursor_renew(store->read, store->read_index), "renew");
        return;
    }
    must(mdb_txn_begin(store->environment, NULL, MDB_RDONLY, &store->read), "begin");
    must(mdb_cursor_open(store->read, store->log, &store->read_log), "cursor");
    must(mdb_cursor_open(store->read, store->index, &store->read_index), "cursor");
}

static uint64_t lmdb_replay(void *handle)
{
    lmdb_store *store = handle;
    MDB_val key;
    MDB_val value;
    uint64_t count = 0;

    begin_read(store);
    for (int outcome = mdb_cursor_get(store->read_log, &key, &value, MDB_FIRST);
         outcome == MDB_SUCCESS;
         outcome = mdb_cursor_get(store->read_log, &key, &value, MDB_NEXT)) {
        bench_record_look(value.mv_data, value.mv_size);
        count++;
    }
    mdb_txn_reset(store->read);
    return count;
}

/* Follows an entry of the index to its event. */
static void lmdb_look(const lmdb_store *store, const MDB_val *number)
{
    size_t copy;
    MDB_val key = {sizeof copy, &copy};
    MDB_val value;

    memcpy(&copy, number->mv_data, sizeof copy);
    must(mdb_cursor_get(store->read_log, &key, &value, MDB_SET), "get");
    bench_record_look(value.mv_data, value.mv_size);
}

static uint64_t lmdb_read_stream(void *handle, uint32_t stream)
{
    lmdb_store *store = handle;
    uint8_t bytes[BENCH_KEY_SIZE];
    MDB_val key = {bench_key(bytes, stream, 0), bytes};
    const size_t prefix = key.mv_size - 8;
    MDB_val value;
    uint64_t count = 0;

    begin_read(store);
    for (int outcome = mdb_cursor_get(store->read_index, &key, &value, MDB_SET_RANGE);
         outcome == MDB_SUCCESS && key.mv_size == prefix + 8 &&
         memcmp(key.mv_data, bytes, prefix) == 0;
         outcome = mdb_cursor_get(store->read_index, &key, &value, MDB_NEXT)) {
        lmdb_look(store, &value);
        count++;
    }
    mdb_txn_reset(store->read);
    return count;
}

static uint64_t lmdb_read_last(void *handle, uint32_t stream)
{
    lmdb_store *store = handle;
    uint8_t bytes[BENCH_KEY_SIZE];
    MDB_val key = {bench_key(bytes, stream, UINT64_MAX), bytes};
    const size_t prefix = key.mv_size - 8;
    MDB_val value;
    uint64_t count = 0;
    int outcome;

    begin_read(store);
    outcome = mdb_cursor_get(store->read_index, &key, &value, MDB_SET_RANGE);
    outcome = mdb_cursor_get(store->read_index, &key, &value,
                             outcome == MDB_NOTFOUND ? MDB_LAST : MDB_PREV);
    while (count < BENCH_LAST_COUNT && outcome == MDB_SUCCESS && key.mv_size == prefix + 8 &&
           memcmp(key.mv_data, bytes, prefix) == 0) {
        lmdb_look(store, &value);
        count++;
        outcome = mdb_cursor_get(store->read_index, &key, &value, MDB_PREV);
    }
    mdb_txn_reset(store->read);
    return count;
}

static void lmdb_close(void *handle)
{
    lmdb_store *store = handle;

    if (store->read) {
        mdb_cursor_close(store->read_log);
        mdb_cursor_close(store->read_index);
        mdb_txn_abort(store->read);
    }
    mdb_env_close(store->environment);
    free(store);
}

static const char *lmdb_version_text(void)
{
    static char text[32];
    int major;
    int minor;
    int patch;

    (void)mdb_version(&major, &minor, &patch);
    (void)snprintf(text, sizeof text, "%d.%d.%d", major, minor, patch);
    return text;
}

const bench_system bench_lmdb = {
    .name = "lmdb",
    .version = lmdb_version_text,
    .open = lmdb_open,
    .close = lmdb_close,
    .append = lmdb_append,
    .replay = lmdb_replay,
    .read_stream = lmdb_read_stream,
    .read_last = lmdb_read_last,
};

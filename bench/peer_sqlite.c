/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite: write-ahead log, one connection with prepared statements, one table of events whose row
 * number is the position, unique by stream and version. Not durable means synchronous=OFF: what was
 * committed has been written to the system's cache, as Stele's `os`. */
#include "bench.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct sqlite_store {
    sqlite3 *connection;
    sqlite3_stmt *begin, *commit, *version, *insert, *all, *stream, *last;
} sqlite_store;

static void execute(sqlite_store *store, const char *sql)
{
    if (sqlite3_exec(store->connection, sql, NULL, NULL, NULL) != SQLITE_OK) {
        bench_die("sqlite: %s: %s", sql, sqlite3_errmsg(store->connection));
    }
}

static sqlite3_stmt *prepare(sqlite_store *store, const char *sql)
{
    sqlite3_stmt *statement;

    if (sqlite3_prepare_v3(store->connection, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement,
                           NULL) != SQLITE_OK) {
        bench_die("sqlite: %s: %s", sql, sqlite3_errmsg(store->connection));
    }
    return statement;
}

static void *sqlite_open(const char *folder, bench_durability durability)
{
    sqlite_store *store = bench_allocate(sizeof *store);
    char path[4096];

    bench_join(path, sizeof path, folder, "events.db");
    if (sqlite3_open(path, &store->connection) != SQLITE_OK) {
        bench_die("sqlite: cannot open %s", path);
    }
    execute(store, "PRAGMA journal_mode=WAL");
    execute(store, durability == BENCH_FULL ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=OFF");
    execute(store, "PRAGMA cache_size=-262144");
    execute(store, "PRAGMA mmap_size=17179869184");
    execute(
        store,
        "CREATE TABLE IF NOT EXISTS events(global INTEGER PRIMARY KEY, stream TEXT NOT NULL,"
        " version INTEGER NOT NULL, id BLOB NOT NULL, type TEXT NOT NULL, time INTEGER NOT NULL,"
        " data TEXT NOT NULL, metadata TEXT NOT NULL, UNIQUE(stream, version))");
    store->begin = prepare(store, "BEGIN IMMEDIATE");
    store->commit = prepare(store, "COMMIT");
    store->version = prepare(store, "SELECT max(version) FROM events WHERE stream = ?1");
    store->insert =
        prepare(store, "INSERT INTO events(stream, version, id, type, time, data, metadata)"
                       " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)");
    store->all =
        prepare(store, "SELECT global, stream, version, id, type, time, data, metadata FROM events"
                       " ORDER BY global");
    store->stream =
        prepare(store, "SELECT global, stream, version, id, type, time, data, metadata FROM events"
                       " WHERE stream = ?1 ORDER BY version");
    store->last =
        prepare(store, "SELECT global, stream, version, id, type, time, data, metadata FROM events"
                       " WHERE stream = ?1 ORDER BY version DESC LIMIT ?2");
    return store;
}

static void finish(sqlite_store *store, sqlite3_stmt *statement)
{
    if (sqlite3_step(statement) != SQLITE_DONE) {
        bench_die("sqlite: %s", sqlite3_errmsg(store->connection));
    }
    (void)sqlite3_reset(statement);
}

static void bind_stream(sqlite3_stmt *statement, uint32_t stream)
{
    (void)sqlite3_bind_text(statement, 1, bench_stream_name(stream),
                            (int)bench_stream_name_size(stream), SQLITE_STATIC);
}

static void sqlite_append_one(sqlite_store *store, const bench_event *event, int64_t now)
{
    int64_t version = -1;

    bind_stream(store->version, event->stream);
    if (sqlite3_step(store->version) == SQLITE_ROW &&
        sqlite3_column_type(store->version, 0) != SQLITE_NULL) {
        version = sqlite3_column_int64(store->version, 0);
    }
    (void)sqlite3_reset(store->version);
    if (version != event->expected) {
        bench_die("sqlite: wrong version of %s", bench_stream_name(event->stream));
    }
    bind_stream(store->insert, event->stream);
    (void)sqlite3_bind_int64(store->insert, 2, version + 1);
    (void)sqlite3_bind_blob(store->insert, 3, event->id.bytes, 16, SQLITE_STATIC);
    (void)sqlite3_bind_text(store->insert, 4, BENCH_TYPE, sizeof BENCH_TYPE - 1, SQLITE_STATIC);
    (void)sqlite3_bind_int64(store->insert, 5, now);
    (void)sqlite3_bind_text(store->insert, 6, event->data, BENCH_DATA_SIZE, SQLITE_STATIC);
    (void)sqlite3_bind_text(store->insert, 7, event->metadata, BENCH_METADATA_SIZE, SQLITE_STATIC);
    finish(store, store->insert);
}

static void sqlite_append(void *handle, const bench_event *events, size_t count)
{
    sqlite_store *store = handle;
    const int64_t now = bench_now();

    finish(store, store->begin);
    for (size_t i = 0; i < count; i++) {
        sqlite_append_one(store, &events[i], now);
    }
    finish(store, store->commit);
}

static uint64_t sqlite_rows(sqlite_store *store, sqlite3_stmt *statement)
{
    uint64_t count = 0;
    int outcome;

    while ((outcome = sqlite3_step(statement)) == SQLITE_ROW) {
        bench_seen += (uint64_t)sqlite3_column_int64(statement, 0);
        bench_seen += (uint64_t)sqlite3_column_int64(statement, 2);
        bench_seen += bench_look(sqlite3_column_text(statement, 1), 1);
        bench_seen += bench_look(sqlite3_column_blob(statement, 3), 16);
        bench_seen += bench_look(sqlite3_column_text(statement, 6), BENCH_DATA_SIZE);
        bench_seen += bench_look(sqlite3_column_text(statement, 7), BENCH_METADATA_SIZE);
        count++;
    }
    if (outcome != SQLITE_DONE) {
        bench_die("sqlite: %s", sqlite3_errmsg(store->connection));
    }
    (void)sqlite3_reset(statement);
    return count;
}

static uint64_t sqlite_replay(void *handle)
{
    sqlite_store *store = handle;

    return sqlite_rows(store, store->all);
}

static uint64_t sqlite_read_stream(void *handle, uint32_t stream)
{
    sqlite_store *store = handle;

    bind_stream(store->stream, stream);
    return sqlite_rows(store, store->stream);
}

static uint64_t sqlite_read_last(void *handle, uint32_t stream)
{
    sqlite_store *store = handle;

    bind_stream(store->last, stream);
    (void)sqlite3_bind_int64(store->last, 2, BENCH_LAST_COUNT);
    return sqlite_rows(store, store->last);
}

static void sqlite_close_store(void *handle)
{
    sqlite_store *store = handle;
    sqlite3_stmt *const statements[] = {store->begin, store->commit, store->version, store->insert,
                                        store->all,   store->stream, store->last};

    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        (void)sqlite3_finalize(statements[i]);
    }
    /* The last connection moves the log into the table and removes it. */
    if (sqlite3_close(store->connection) != SQLITE_OK) {
        bench_die("sqlite: cannot close: %s", sqlite3_errmsg(store->connection));
    }
    free(store);
}

const bench_system bench_sqlite = {
    .name = "sqlite",
    .version = sqlite3_libversion,
    .open = sqlite_open,
    .close = sqlite_close_store,
    .append = sqlite_append,
    .replay = sqlite_replay,
    .read_stream = sqlite_read_stream,
    .read_last = sqlite_read_last,
};

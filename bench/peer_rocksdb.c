/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RocksDB: record by position, index by stream and version, and the head of each stream, in one
 * WriteBatch; 64 MiB memtables, a bloom filter, 1 GiB of cache, no compression; compacted before it
 * is read. Durable means a synced write-ahead
 * log; `os` one written by every commit; `none` one that is written when 1 MiB has gathered.
 */
#include "bench.h"

#include "record.h"

#include <rocksdb/c.h>
#include <stdlib.h>
#include <string.h>

#define FLUSH_EVERY 3000 /* events: about 1 MiB */

typedef struct rocks_store {
    rocksdb_t *database;
    rocksdb_options_t *options;
    rocksdb_writeoptions_t *write;
    rocksdb_readoptions_t *read;
    rocksdb_writebatch_t *batch;
    uint64_t next;
    uint64_t unflushed;
    bool is_buffered;
    uint64_t batches;
    /* Versions that the batch under way writes: it cannot be read before it is written. */
    uint64_t seen_in[BENCH_STREAMS + BENCH_LONG_MAX];
    int64_t seen_version[BENCH_STREAMS + BENCH_LONG_MAX];
} rocks_store;

static void must(char *error, const char *what)
{
    if (error) {
        bench_die("rocksdb: %s: %s", what, error);
    }
}

/* Keys: 'e' and the position, 's' and the stream with its version, 'h' and the stream. */
static size_t event_key(uint8_t *ret_bytes, uint64_t position)
{
    const uint64_t sorted = __builtin_bswap64(position);

    ret_bytes[0] = 'e';
    memcpy(ret_bytes + 1, &sorted, 8);
    return 9;
}

static size_t stream_key(uint8_t *ret_bytes, uint32_t stream, uint64_t version)
{
    ret_bytes[0] = 's';
    return 1 + bench_key(ret_bytes + 1, stream, version);
}

static size_t head_key(uint8_t *ret_bytes, uint32_t stream)
{
    ret_bytes[0] = 'h';
    memcpy(ret_bytes + 1, bench_stream_name(stream), bench_stream_name_size(stream));
    return 1 + bench_stream_name_size(stream);
}

static rocksdb_options_t *make_options(bool is_buffered)
{
    rocksdb_options_t *options = rocksdb_options_create();
    rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();

    rocksdb_block_based_options_set_filter_policy(table,
                                                  rocksdb_filterpolicy_create_bloom_full(10));
    rocksdb_block_based_options_set_block_cache(table, rocksdb_cache_create_lru((size_t)1 << 30));
    rocksdb_options_set_block_based_table_factory(options, table);
    rocksdb_options_set_create_if_missing(options, 1);
    rocksdb_options_set_write_buffer_size(options, (size_t)64 << 20);
    rocksdb_options_set_max_write_buffer_number(options, 4);
    rocksdb_options_set_compression(options, rocksdb_no_compression);
    rocksdb_options_set_max_background_jobs(options, 2);
    rocksdb_options_set_manual_wal_flush(options, is_buffered);
    return options;
}

/* The position of the last event. */
static uint64_t last_position(const rocks_store *store)
{
    rocksdb_iterator_t *iterator = rocksdb_create_iterator(store->database, store->read);
    uint64_t sorted = 0;
    size_t size;

    rocksdb_iter_seek_for_prev(iterator, "f", 1);
    if (rocksdb_iter_valid(iterator)) {
        const char *key = rocksdb_iter_key(iterator, &size);
        if (size == 9 && key[0] == 'e') {
            memcpy(&sorted, key + 1, 8);
        }
    }
    rocksdb_iter_destroy(iterator);
    return __builtin_bswap64(sorted);
}

static void *rocks_open(const char *folder, bench_durability durability)
{
    rocks_store *store = bench_allocate(sizeof *store);
    char *error = NULL;

    store->is_buffered = durability == BENCH_NONE;
    store->options = make_options(store->is_buffered);
    store->write = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(store->write, durability == BENCH_FULL);
    store->read = rocksdb_readoptions_create();
    store->batch = rocksdb_writebatch_create();
    store->database = rocksdb_open(store->options, folder, &error);
    must(error, "open");
    store->next = last_position(store) + 1;
    return store;
}

static int64_t rocks_version(rocks_store *store, uint32_t stream)
{
    uint8_t key[BENCH_KEY_SIZE];
    int64_t version = -1;
    char *error = NULL;
    const char *value;
    size_t size;

    if (store->seen_in[stream] == store->batches) {
        return store->seen_version[stream];
    }
    rocksdb_pinnableslice_t *slice = rocksdb_get_pinned(store->database, store->read, (char *)key,
                                                        head_key(key, stream), &error);
    must(error, "get");
    if (slice) {
        value = rocksdb_pinnableslice_value(slice, &size);
        memcpy(&version, value, sizeof version);
        rocksdb_pinnableslice_destroy(slice);
    }
    return version;
}

static void rocks_add(rocks_store *store, const bench_event *event, int64_t now)
{
    const uint64_t position = store->next++;
    const int64_t version = event->expected + 1;
    uint8_t record[BENCH_RECORD_SIZE];
    uint8_t key[BENCH_KEY_SIZE + 1];
    size_t size = bench_record_write(record, event, now);

    if (rocks_version(store, event->stream) != event->expected) {
        bench_die("rocksdb: wrong version of %s", bench_stream_name(event->stream));
    }
    store->seen_in[event->stream] = store->batches;
    store->seen_version[event->stream] = version;
    rocksdb_writebatch_put(store->batch, (char *)key, event_key(key, position), (char *)record,
                           size);
    size = stream_key(key, event->stream, (uint64_t)version);
    rocksdb_writebatch_put(store->batch, (char *)key, size, (const char *)&position,
                           sizeof position);
    size = head_key(key, event->stream);
    rocksdb_writebatch_put(store->batch, (char *)key, size, (const char *)&version, sizeof version);
}

static void rocks_append(void *handle, const bench_event *events, size_t count)
{
    rocks_store *store = handle;
    const int64_t now = bench_now();
    char *error = NULL;

    store->batches++;
    for (size_t i = 0; i < count; i++) {
        rocks_add(store, &events[i], now);
    }
    rocksdb_write(store->database, store->write, store->batch, &error);
    must(error, "write");
    rocksdb_writebatch_clear(store->batch);
    store->unflushed += count;
    if (store->is_buffered && store->unflushed >= FLUSH_EVERY) {
        rocksdb_flush_wal(store->database, 0, &error);
        must(error, "flush of the log");
        store->unflushed = 0;
    }
}

static uint64_t rocks_replay(void *handle)
{
    rocks_store *store = handle;
    rocksdb_iterator_t *iterator = rocksdb_create_iterator(store->database, store->read);
    uint64_t count = 0;
    size_t size;

    for (rocksdb_iter_seek(iterator, "e", 1); rocksdb_iter_valid(iterator);
         rocksdb_iter_next(iterator)) {
        if (rocksdb_iter_key(iterator, &size)[0] != 'e') {
            break;
        }
        const char *value = rocksdb_iter_value(iterator, &size);
        bench_record_look(value, size);
        count++;
    }
    rocksdb_iter_destroy(iterator);
    return count;
}

static void rocks_look(rocks_store *store, const char *entry)
{
    uint8_t key[BENCH_KEY_SIZE];
    char *error = NULL;
    uint64_t position;
    size_t size;

    memcpy(&position, entry, sizeof position);
    rocksdb_pinnableslice_t *slice = rocksdb_get_pinned(store->database, store->read, (char *)key,
                                                        event_key(key, position), &error);
    must(error, "get");
    if (!slice) {
        bench_die("rocksdb: an event is missing");
    }
    const char *value = rocksdb_pinnableslice_value(slice, &size);
    bench_record_look(value, size);
    rocksdb_pinnableslice_destroy(slice);
}

/* Entries of one stream from `version` on, in the direction of `move`. */
static uint64_t rocks_walk(rocks_store *store, uint32_t stream, bool is_backwards, uint64_t limit)
{
    rocksdb_iterator_t *iterator = rocksdb_create_iterator(store->database, store->read);
    uint8_t bytes[BENCH_KEY_SIZE + 1];
    const size_t key_size = stream_key(bytes, stream, is_backwards ? UINT64_MAX : 0);
    uint64_t count = 0;
    size_t size;

    if (is_backwards) {
        rocksdb_iter_seek_for_prev(iterator, (char *)bytes, key_size);
    } else {
        rocksdb_iter_seek(iterator, (char *)bytes, key_size);
    }
    while (count < limit && rocksdb_iter_valid(iterator)) {
        const char *key = rocksdb_iter_key(iterator, &size);
        if (size != key_size || memcmp(key, bytes, key_size - 8) != 0) {
            break;
        }
        rocks_look(store, rocksdb_iter_value(iterator, &size));
        count++;
        if (is_backwards) {
            rocksdb_iter_prev(iterator);
        } else {
            rocksdb_iter_next(iterator);
        }
    }
    rocksdb_iter_destroy(iterator);
    return count;
}

static uint64_t rocks_read_stream(void *handle, uint32_t stream)
{
    return rocks_walk(handle, stream, false, UINT64_MAX);
}

static uint64_t rocks_read_last(void *handle, uint32_t stream)
{
    return rocks_walk(handle, stream, true, BENCH_LAST_COUNT);
}

/* As it would stand some time after the load; reads need not merge several tables. */
static void rocks_settle(void *handle)
{
    rocks_store *store = handle;

    rocksdb_compact_range(store->database, NULL, 0, NULL, 0);
}

static void rocks_close(void *handle)
{
    rocks_store *store = handle;
    rocksdb_flushoptions_t *flush = rocksdb_flushoptions_create();
    char *error = NULL;

    /* Closing as one would: what is in memory goes into tables, so that the log is not replayed. */
    rocksdb_flush(store->database, flush, &error);
    must(error, "flush");
    rocksdb_flushoptions_destroy(flush);
    rocksdb_writebatch_destroy(store->batch);
    rocksdb_close(store->database);
    rocksdb_writeoptions_destroy(store->write);
    rocksdb_readoptions_destroy(store->read);
    rocksdb_options_destroy(store->options);
    free(store);
}

static bool rocks_is_overhead(const char *file)
{
    const size_t size = strlen(file);

    return strncmp(file, "LOG", 3) == 0 || (size > 4 && strcmp(file + size - 4, ".log") == 0);
}

/* The header with the version is C++. */
static const char *rocks_version_text(void)
{
    return BENCH_ROCKSDB_VERSION;
}

const bench_system bench_rocksdb = {
    .name = "rocksdb",
    .version = rocks_version_text,
    .open = rocks_open,
    .close = rocks_close,
    .append = rocks_append,
    .settle = rocks_settle,
    .replay = rocks_replay,
    .read_stream = rocks_read_stream,
    .read_last = rocks_read_last,
    .is_overhead = rocks_is_overhead,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* How an event and the key (stream, version) stand in the peers that store bytes: LMDB, RocksDB and
 * WiredTiger. */
#ifndef BENCH_RECORD_H
#define BENCH_RECORD_H

#include "bench.h"

#include <string.h>

#define BENCH_RECORD_SIZE 512
#define BENCH_KEY_SIZE 40

typedef struct bench_header {
    uint64_t version;
    int64_t time;
    stele_uuid id;
    uint16_t stream_size;
    uint16_t type_size;
    uint16_t data_size;
    uint16_t metadata_size;
} bench_header;

/* Answers the size. */
static inline size_t bench_record_write(uint8_t *ret_bytes, const bench_event *event, int64_t now)
{
    const bench_header header = {.version = (uint64_t)(event->expected + 1),
                                 .time = now,
                                 .id = event->id,
                                 .stream_size = (uint16_t)bench_stream_name_size(event->stream),
                                 .type_size = sizeof BENCH_TYPE - 1,
                                 .data_size = BENCH_DATA_SIZE,
                                 .metadata_size = BENCH_METADATA_SIZE};
    uint8_t *at = ret_bytes;

    memcpy(at, &header, sizeof header);
    at += sizeof header;
    memcpy(at, bench_stream_name(event->stream), header.stream_size);
    at += header.stream_size;
    memcpy(at, BENCH_TYPE, sizeof BENCH_TYPE - 1);
    at += sizeof BENCH_TYPE - 1;
    memcpy(at, event->data, BENCH_DATA_SIZE);
    at += BENCH_DATA_SIZE;
    memcpy(at, event->metadata, BENCH_METADATA_SIZE);
    return (size_t)(at + BENCH_METADATA_SIZE - ret_bytes);
}

static inline void bench_record_look(const void *bytes, size_t size)
{
    bench_header header;
    const uint8_t *data;

    if (size < sizeof header) {
        bench_die("a record of %zu bytes", size);
    }
    memcpy(&header, bytes, sizeof header);
    data = (const uint8_t *)bytes + sizeof header + header.stream_size + header.type_size;
    bench_seen += header.version + bench_look(data, header.data_size);
}

/* Name, NUL, version with the highest byte first: sorts by stream and then by version. Answers the
 * size, of which the version is the last 8 bytes. */
static inline size_t bench_key(uint8_t ret_bytes[BENCH_KEY_SIZE], uint32_t stream, uint64_t version)
{
    const size_t size = bench_stream_name_size(stream);
    const uint64_t sorted = __builtin_bswap64(version);

    memcpy(ret_bytes, bench_stream_name(stream), size);
    ret_bytes[size] = 0;
    memcpy(ret_bytes + size + 1, &sorted, 8);
    return size + 9;
}

static inline uint64_t bench_key_version(const void *key, size_t size)
{
    uint64_t sorted;

    memcpy(&sorted, (const uint8_t *)key + size - 8, 8);
    return __builtin_bswap64(sorted);
}

#endif

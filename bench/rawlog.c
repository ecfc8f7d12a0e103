/* SPDX-License-Identifier: Apache-2.0 */
/*
 * R, the floor of everything but a flush: a bare log. Records with a checksum behind each other in
 * one preallocated file, an in-memory hash of streams with the offsets of their events, the check
 * of the expected revision, one pwrite() a transaction and, where it is durable, one fdatasync().
 * It is what plain C gets with no tuning, and no store: no segments, no recovery but a scan,
 * nothing but streams.
 */
#include "bench.h"

#include "base/crc32c.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define RESERVED ((off_t)192 << 20)
#define SLOTS 32768 /* a power of two, at least twice the streams */

/* Then stream, type, data and metadata follow; records are padded to 8 bytes. */
typedef struct raw_record {
    uint32_t size; /* of the whole record; 0: the log ends here */
    uint32_t crc;  /* of what follows this field */
    uint64_t revision;
    int64_t time;
    stele_uuid id;
    uint16_t stream_size, type_size, metadata_size, unused;
    uint32_t data_size, unused2;
} raw_record;

typedef struct raw_stream {
    char name[24];
    uint64_t *offsets;
    uint64_t count, capacity;
} raw_stream;

typedef struct rawlog {
    int file;
    bool is_durable;
    off_t end;
    const uint8_t *map; /* when opened for reading */
    uint8_t *buffer;
    raw_stream streams[SLOTS];
} rawlog;

static raw_stream *find_stream(rawlog *log, const char *name, size_t size)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ (uint8_t)name[i]) * UINT64_C(0x100000001b3);
    }
    for (size_t slot = (hash ^ hash >> 32) % SLOTS;; slot = (slot + 1) % SLOTS) {
        raw_stream *stream = &log->streams[slot];
        if (stream->name[0] == '\0') {
            memcpy(stream->name, name, size);
        } else if (stream->name[size] != '\0' || memcmp(stream->name, name, size) != 0) {
            continue;
        }
        return stream;
    }
}

static void file_event(raw_stream *stream, uint64_t offset)
{
    if (stream->count == stream->capacity) {
        stream->capacity = stream->capacity ? 2 * stream->capacity : 8;
        stream->offsets = realloc(stream->offsets, stream->capacity * sizeof *stream->offsets);
        if (!stream->offsets) {
            bench_die("out of memory");
        }
    }
    stream->offsets[stream->count++] = offset;
}

static uint8_t *put(uint8_t *at, const void *bytes, size_t size)
{
    memcpy(at, bytes, size);
    return at + size;
}

static void raw_append(void *handle, const bench_event *events, size_t count)
{
    rawlog *log = handle;
    const int64_t now = bench_now();
    uint8_t *next = log->buffer;

    for (size_t i = 0; i < count; i++) {
        const char *name = bench_stream_name(events[i].stream);
        raw_record record = {.time = now, .id = events[i].id, .data_size = BENCH_DATA_SIZE};
        raw_stream *stream;
        uint8_t *at = next + sizeof record;
        record.stream_size = (uint16_t)bench_stream_name_size(events[i].stream);
        record.type_size = sizeof BENCH_TYPE - 1;
        record.metadata_size = BENCH_METADATA_SIZE;
        stream = find_stream(log, name, record.stream_size);
        if ((int64_t)stream->count - 1 != events[i].expected) {
            bench_die("rawlog: wrong revision of %s", name);
        }
        record.revision = stream->count;
        at = put(put(at, name, record.stream_size), BENCH_TYPE, record.type_size);
        at = put(put(at, events[i].data, BENCH_DATA_SIZE), events[i].metadata, BENCH_METADATA_SIZE);
        for (; (at - next) % 8 != 0; at++) {
            *at = 0;
        }
        record.size = (uint32_t)(at - next);
        memcpy(next, &record, sizeof record);
        record.crc = stele__crc32c(0, next + 8, record.size - 8);
        memcpy(next + 4, &record.crc, 4);
        file_event(stream, (uint64_t)log->end + (uint64_t)(next - log->buffer));
        next = at;
    }
    const ssize_t size = next - log->buffer;
    if (pwrite(log->file, log->buffer, (size_t)size, log->end) != size ||
        (log->is_durable && fdatasync(log->file) != 0)) {
        bench_die("rawlog: cannot write: %s", strerror(errno));
    }
    log->end += size;
}

/* The record at an offset, verified; answers its size. */
static uint32_t look_at(const rawlog *log, uint64_t offset)
{
    const raw_record *record = (const raw_record *)(const void *)(log->map + offset);
    const uint8_t *data = (const uint8_t *)(record + 1) + record->stream_size + record->type_size;

    if (record->crc != stele__crc32c(0, log->map + offset + 8, record->size - 8)) {
        bench_die("rawlog: a wrong checksum at %llu", (unsigned long long)offset);
    }
    bench_seen += bench_look(data, record->data_size);
    return record->size;
}

static uint64_t raw_replay(void *handle)
{
    const rawlog *log = handle;
    uint64_t count = 0;

    for (uint64_t at = 0; at < (uint64_t)log->end; count++) {
        at += look_at(log, at);
    }
    return count;
}

static uint64_t read_some(rawlog *log, uint32_t number, uint64_t limit)
{
    const raw_stream *stream =
        find_stream(log, bench_stream_name(number), bench_stream_name_size(number));
    const uint64_t first = limit < stream->count ? stream->count - limit : 0;

    for (uint64_t i = first; i < stream->count; i++) {
        (void)look_at(log, stream->offsets[i]);
    }
    return stream->count - first;
}

static uint64_t raw_read_stream(void *handle, uint32_t stream)
{
    return read_some(handle, stream, UINT64_MAX);
}

static uint64_t raw_read_last(void *handle, uint32_t stream)
{
    return read_some(handle, stream, BENCH_LAST_COUNT);
}

/* Maps what is there and builds the index by a scan. */
static void scan(rawlog *log, off_t size)
{
    const raw_record *record;

    log->map = mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, log->file, 0);
    if (log->map == MAP_FAILED) {
        bench_die("rawlog: cannot map: %s", strerror(errno));
    }
    for (; log->end < size; log->end += record->size) {
        record = (const raw_record *)(const void *)(log->map + log->end);
        file_event(find_stream(log, (const char *)(record + 1), record->stream_size),
                   (uint64_t)log->end);
    }
}

static void reserve(rawlog *log)
{
    static const char zeros[1 << 20];

    for (off_t at = 0; at < RESERVED; at += (off_t)sizeof zeros) {
        if (pwrite(log->file, zeros, sizeof zeros, at) != (ssize_t)sizeof zeros) {
            bench_die("rawlog: cannot write: %s", strerror(errno));
        }
    }
    if (log->is_durable && fsync(log->file) != 0) {
        bench_die("rawlog: cannot flush: %s", strerror(errno));
    }
}

static void *raw_open(const char *folder, bench_durability durability)
{
    rawlog *log = bench_allocate(sizeof *log);
    struct stat facts;
    char path[4096];

    bench_join(path, sizeof path, folder, "log");
    log->file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    log->is_durable = durability == BENCH_FULL;
    log->buffer = bench_allocate((size_t)BENCH_BATCH_MAX * 512);
    if (log->file < 0 || fstat(log->file, &facts) != 0) {
        bench_die("rawlog: cannot open %s: %s", path, strerror(errno));
    }
    if (facts.st_size > 0) {
        scan(log, facts.st_size);
    } else {
        reserve(log);
    }
    return log;
}

static void raw_close(void *handle)
{
    rawlog *log = handle;

    if (ftruncate(log->file, log->end) != 0 || close(log->file) != 0) {
        bench_die("rawlog: cannot close: %s", strerror(errno));
    }
    for (size_t i = 0; i < SLOTS; i++) {
        free(log->streams[i].offsets);
    }
    free(log->buffer);
    free(log);
}

const bench_system bench_rawlog = {
    .name = "rawlog",
    .open = raw_open,
    .close = raw_close,
    .append = raw_append,
    .replay = raw_replay,
    .read_stream = raw_read_stream,
    .read_last = raw_read_last,
};

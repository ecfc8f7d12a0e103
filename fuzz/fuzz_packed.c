/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as a packed segment, in memory, with checksums made right, so that what lies behind them is
 * reached. The first byte chooses: a file built here and changed in the places that the rest names
 * (three bytes each: where, what), the rest itself as the file, or the rest as a block that has
 * been decompressed. Whatever stands there: opening, reading blocks, names and events, and checking
 * end, in bounds, with an answer; and what a reader takes from a block without turning it back is
 * what it finds when it does.
 */
#include "fuzz.h"
#include "memory_file.h"

#include "log/frame.h"
#include "log/model.h"
#include "log/packed_format.h"

#include <stdio.h>

#define FOLDER "f"
enum { BASE_COUNT = 2, COMMITS = 120, SEGMENT_MAX = 64 << 10, CACHE_BYTES = 1 << 20 };

static const stele__segment_header header = {.store = {{1, 2, 3}},
                                             .hash_key = {4, 5},
                                             .number = 1,
                                             .first = 10,
                                             .base_time = 1700000000000000000};
static stele__packed_cache cache;

static void must(stele_status status)
{
    STELE_ASSERT(status == STELE_OK);
}

/* ---- a segment, and its packed forms ---- */

static stele__tail_handle intern(stele__tail *tail, stele__term_kind kind, const char *name)
{
    stele__tail_handle handle;
    const stele_text text = stele__text(name);
    must(stele__tail_intern(tail, kind, text, stele__term_hash(&header.hash_key, kind, text),
                            &handle, NULL));
    return handle;
}

static void add_event(stele__encoder *encoder, stele__tail *tail, unsigned number)
{
    char stream[32];
    char data[64];
    static const char *const types[] = {"opened", "changed", "closed"};
    (void)snprintf(stream, sizeof stream, "account-%u", number * 7 % 23);
    const int size =
        snprintf(data, sizeof data, "{\"amount\":%u,\"currency\":\"EUR\"}", number * 37);
    const stele_event event = {.data = {(const uint8_t *)data, (size_t)size},
                               .metadata = {(const uint8_t *)"{}", 2}};
    const stele__tail_handle tag = intern(tail, STELE_TERM_TAG, number % 2 ? "a:1" : "b:2");
    stele__draft draft = {.event = &event,
                          .revision = number / 23,
                          .stream = intern(tail, STELE_TERM_STREAM, stream),
                          .type = intern(tail, STELE_TERM_TYPE, types[number % 3]),
                          .tags = &tag,
                          .tag_count = number % 4 == 0};
    if (number % 3 == 0) {
        stele__model_id_time(header.base_time + number, draft.id.bytes);
    }
    draft.id.bytes[15] = (uint8_t)number;
    stele__encode_event(encoder, &draft);
}

/* Answers where the last frame ends. */
static uint64_t build_segment(memory_file *file)
{
    stele__segment segment = {.alloc = stele_alloc_default()};
    stele__tail *tail;
    uint64_t offset = STELE_SEGMENT_HEADER_SIZE;
    stele_position next = header.first;
    stele__segment_begin(&segment, &header);
    stele__segment_header_encode(&header, file->bytes);
    must(stele__tail_create(stele_alloc_default(), &header.hash_key, header.first, &tail, NULL));
    for (unsigned i = 0; i < COMMITS; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "key-%u", i);
        stele__encoder encoder;
        const stele__draft_commit commit = {.first = next,
                                            .time = header.base_time + i / 3 * 1000,
                                            .synced = next - 1 - i % 4,
                                            .key =
                                                i % 5 == 0 ? intern(tail, STELE_TERM_KEY, key) : 0,
                                            .count = i % 7 == 3 ? 12 : 1};
        must(stele__tail_reserve_events(tail, commit.count, NULL));
        stele__encode_begin(&encoder, &segment, tail, &commit, offset, file->bytes + offset);
        for (size_t k = 0; k < commit.count; k++) {
            add_event(&encoder, tail, (unsigned)(next - header.first + k));
        }
        offset += stele__encode_end(&encoder);
        next += commit.count;
    }
    file->size = (size_t)offset + STELE_SEGMENT_SLACK;
    STELE_ASSERT(file->size < SEGMENT_MAX);
    stele__tail_free(tail);
    return offset;
}

/* False: this library was built without this codec. */
static bool pack(stele__codec codec, uint64_t end)
{
    const stele_alloc *alloc = stele_alloc_default();
    stele__segment *segment;
    stele__packer *packer;
    uint64_t bytes;
    bool is_full = false;
    bool more = true;
    if (stele__codec_check(codec, "", NULL) != STELE_OK) {
        return false;
    }
    must(stele__segment_open(alloc, &memory_file_vfs, FOLDER, 1, STELE_MAP, false, &segment, NULL));
    must(stele__packer_create(alloc, FOLDER, segment, end, codec, &packer, NULL));
    must(stele__packer_sample(packer, STELE_SEGMENT_HEADER_SIZE, &is_full, NULL));
    while (more) {
        must(stele__packer_step(packer, 4096, &more, NULL));
    }
    must(stele__packer_finish(packer, &bytes, NULL));
    stele__packer_keep(packer);
    stele__packer_free(packer);
    stele__segment_unref(segment);
    return true;
}

/* ---- making checksums right ---- */

static void repair_part(uint8_t *bytes, uint64_t at, uint32_t packed, uint32_t size, uint64_t limit,
                        uint8_t *crc)
{
    static uint8_t part[MEMORY_FILE_BYTES_MAX];
    stele__decompressor decompressor = {.alloc = stele_alloc_default()};
    const stele__codec codec = (stele__codec)stele__load32(bytes + 76);
    bool is_memory;
    if (at + packed > limit || size > sizeof part ||
        (codec != STELE_CODEC_LZ4 && codec != STELE_CODEC_ZSTD)) {
        return;
    }
    if (packed == size) {
        memcpy(part, bytes + at, size);
    } else if (stele__codec_check(codec, "", NULL) != STELE_OK ||
               !stele__decompress(&decompressor, codec, bytes + at, packed, NULL, 0, part, size,
                                  &is_memory)) {
        stele__decompressor_done(&decompressor);
        return;
    }
    stele__decompressor_done(&decompressor);
    stele__store32(crc, stele__crc32c(0, part, size));
}

static void repair(uint8_t *bytes, size_t size)
{
    if (size < STELE_PACKED_HEADER_SIZE) {
        return;
    }
    memcpy(bytes, "STELEPAK", 8);
    stele__store32(bytes + 84, (uint32_t)size);
    const uint64_t table_size = ((uint64_t)stele__load32(bytes + 80) + 1) * STELE_PACKED_PLACE_SIZE;
    const uint64_t names = stele__load32(bytes + 104);
    const uint64_t dictionary = stele__load32(bytes + 92);
    if (table_size + names + dictionary + STELE_PACKED_HEADER_SIZE <= size) {
        const uint64_t table = size - table_size;
        for (uint64_t place = table; place + 16 <= size; place += STELE_PACKED_PLACE_SIZE) {
            const uint64_t at = stele__load32(bytes + place + 4);
            const uint64_t end = stele__load32(bytes + place + 12);
            if (at >= STELE_PACKED_HEADER_SIZE && at + 4 < end && end <= table) {
                stele__store32(bytes + at,
                               stele__crc32c(0, bytes + at + 4, (size_t)(end - at - 4)));
            }
        }
        repair_part(bytes, table - names - dictionary, (uint32_t)dictionary,
                    stele__load32(bytes + 88), table - names, bytes + 108);
        repair_part(bytes, table - names, (uint32_t)names, stele__load32(bytes + 100), table,
                    bytes + 112);
        stele__store32(bytes + 116, stele__crc32c(0, bytes + table, (size_t)table_size));
    }
    stele__store32(bytes + 124, stele__crc32c(0, bytes, 124));
}

/* ---- asking ---- */

/* What was read ahead is what the general way reads, if that finds it good: but for checksums it
 * looks at nothing else. */
static void compare(stele__reader *reader, const stele_record *record, uint32_t code)
{
    const stele__event *event;
    const stele_status status = stele__event_read(reader, record->position, code, &event, NULL);
    if (status == STELE_OK) {
        STELE_ASSERT(event->record.position == record->position &&
                     event->record.time == record->time &&
                     event->record.revision == record->revision &&
                     event->record.data.size == record->data.size &&
                     event->record.metadata.size == record->metadata.size &&
                     event->record.tag_count == record->tag_count &&
                     memcmp(event->record.id.bytes, record->id.bytes, 16) == 0);
    }
}

static void ask_events(stele__segment *segment)
{
    stele__reader reader;
    stele__reader other;
    stele__batch batch;
    stele_position position = segment->header.first;
    uint32_t code = STELE_SEGMENT_HEADER_SIZE * 2;
    stele__reader_init(&reader, stele_alloc_default());
    stele__reader_init(&other, stele_alloc_default());
    stele__reader_enter(&reader, segment);
    stele__reader_enter(&other, segment);
    for (unsigned i = 0; i < 400; i++) {
        const stele__event *event;
        if (stele__event_read(&reader, position, code, &event, NULL) != STELE_OK) {
            break;
        }
        const stele__place place = {segment, code};
        stele__batch_gather(&batch, &other, &position, &place, 1);
        if (batch.count > 0) {
            compare(&reader, &batch.records[0], code);
        }
        stele__batch_walk(&batch, &reader, reader.next_position, STELE_BATCH_SIZE);
        position = reader.next_position;
        code = reader.next_code;
    }
    stele__reader_done(&reader);
    stele__reader_done(&other);
}

static void ask_frames(stele__segment *segment)
{
    stele__reader reader;
    uint64_t offset = STELE_SEGMENT_HEADER_SIZE;
    stele__frame frame;
    stele__frame_result result = STELE_FRAME_GOOD;
    const char *why;
    stele__reader_init(&reader, stele_alloc_default());
    stele__reader_enter(&reader, segment);
    for (unsigned i = 0; i < 200 && result == STELE_FRAME_GOOD; i++) {
        const stele_status status =
            stele__frame_read(&reader, offset, 0, &frame, &result, &why, NULL);
        if (status != STELE_OK) {
            break;
        }
        offset = frame.end;
    }
    stele__reader_done(&reader);
}

static void ask(stele_mapping mapping)
{
    const stele_alloc *alloc = stele_alloc_default();
    stele__segment *segment;
    stele_error error;
    uint8_t bytes[300];
    stele__buffer scratch = {.alloc = alloc};
    const uint8_t *lent;
    size_t size;
    if (stele__packed_open(alloc, &memory_file_vfs, FOLDER, 1, mapping, &cache, &segment, &error) !=
        STELE_OK) {
        STELE_ASSERT(error.message[0] != '\0');
        return;
    }
    ask_frames(segment);
    ask_events(segment);
    (void)stele__packed_check(alloc, segment, NULL);
    for (uint64_t offset = 96; offset < 5000; offset += 1000) {
        if (stele__segment_bytes(segment, offset, sizeof bytes, &scratch, &lent, &size, NULL) ==
            STELE_OK) {
            memcpy(bytes, lent, size);
        }
    }
    stele__buffer_done(&scratch);
    stele__segment_unref(segment);
}

/* A block as it is before it is compressed. */
static void ask_block(const uint8_t *data, size_t size)
{
    enum { SIZE_MAX_HERE = 4096 };
    static uint8_t to[SIZE_MAX_HERE + STELE_SEGMENT_SLACK];
    stele__segment segment = {.alloc = stele_alloc_default()};
    stele__model_walk walk;
    stele__model_item item;
    const size_t wanted = size < 2 ? 0 : stele__load16(data) % SIZE_MAX_HERE;
    if (size < 2) {
        return;
    }
    uint8_t *block = stele__allocate_zero(stele_alloc_default(), size - 2 + STELE_SEGMENT_SLACK);
    STELE_ASSERT(block);
    memcpy(block, data + 2, size - 2);
    stele__segment_begin(&segment, &header);
    (void)stele__model_restore(&segment, 1000, block, size - 2, to, wanted);
    if (stele__model_open(&walk, &segment, 1000, block, size - 2)) {
        while (stele__model_next(&walk, &item)) {
            STELE_ASSERT(item.rest <= item.rest_end && item.rest_end <= block + size - 2);
        }
    }
    stele__release(stele_alloc_default(), block, size - 2 + STELE_SEGMENT_SLACK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static memory_file bases[BASE_COUNT];
    static bool is_begun;
    memory_file *file = memory_file_at(FOLDER "/0000000001.packed");
    if (!is_begun) {
        must(stele__packed_cache_init(&cache, 1, CACHE_BYTES) == 0 ? STELE_OK : STELE_IO);
        const uint64_t end = build_segment(memory_file_at(FOLDER "/0000000001.log"));
        for (unsigned i = 0; i < BASE_COUNT; i++) {
            file->size = 0;
            if (pack(i == 0 ? STELE_CODEC_LZ4 : STELE_CODEC_ZSTD, end)) {
                memcpy(bases[i].bytes, file->bytes, file->size);
                bases[i].size = file->size;
            }
        }
        is_begun = true;
    }
    if (size == 0 || size > MEMORY_FILE_BYTES_MAX) {
        return 0;
    }
    const unsigned choice = data[0];
    const memory_file *base = &bases[choice / 8 % BASE_COUNT];
    data++;
    size--;
    if (choice & 1) {
        ask_block(data, size);
        return 0;
    }
    if (choice & 2) {
        memcpy(file->bytes, data, size);
        file->size = size;
    } else {
        memcpy(file->bytes, base->bytes, base->size);
        file->size = base->size;
        for (; size >= 3 && base->size > 0; data += 3, size -= 3) {
            file->bytes[stele__load16(data) % base->size] = data[2];
        }
    }
    repair(file->bytes, file->size);
    ask(choice & 4 ? STELE_PREAD : STELE_MAP);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "forged.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define FOLDER "store"
enum { SEGMENT_BYTES = 64 << 10, DATA_MAX = 4000 };

static const char *path_of(const char *name)
{
    return test_path(FOLDER, name);
}

/* ---- events as a function of position and edition ---- */

typedef struct made_event {
    stele_uuid id;
    char stream[16];
    char type[16];
    char tag[16];
    const char *tags[1];
    uint8_t data[DATA_MAX];
    size_t data_size;
} made_event;

static void make_event(made_event *event, stele_position position, uint32_t edition,
                       size_t data_max)
{
    stele__prng prng;
    stele__prng_seed(&prng, position * 1000 + edition);
    memset(event->id.bytes, 0x5a, sizeof event->id.bytes);
    stele__store64(event->id.bytes, position);
    stele__store32(event->id.bytes + 8, edition);
    (void)snprintf(event->stream, sizeof event->stream, "s-%llu", (unsigned long long)position % 3);
    (void)snprintf(event->type, sizeof event->type, "type%llu", (unsigned long long)position % 2);
    (void)snprintf(event->tag, sizeof event->tag, "tag:%llu", (unsigned long long)position % 5);
    event->tags[0] = event->tag;
    /* Of a fixed size: what takes the place of a dropped event fits exactly. */
    event->data_size = data_max;
    stele__prng_fill(&prng, event->data, event->data_size);
}

static size_t data_size_of(const forged_bed *bed)
{
    return bed->options.segment_bytes ? 3000 : 100;
}

static bool is_made(const forged_bed *bed, const stele_record *record)
{
    made_event *event = test_memory(sizeof *event);
    if (record->position >= FORGED_POSITIONS_MAX) {
        return false;
    }
    make_event(event, record->position, bed->editions[record->position], data_size_of(bed));
    return stele__uuid_equal(&record->id, &event->id) && record->data.size == event->data_size &&
           memcmp(record->data.data, event->data, event->data_size) == 0 &&
           stele__text_equal(record->stream, stele__text(event->stream)) &&
           stele__text_equal(record->type, stele__text(event->type)) && record->tag_count == 1 &&
           stele__text_equal(record->tags[0], stele__text(event->tag));
}

/* ---- using the store ---- */

stele_status forged_open(forged_bed *bed, stele_access access, stele_error *reterr)
{
    expect_null(bed->store);
    bed->options.access = access;
    return stele_open("file:" FOLDER, &bed->options, &bed->store, reterr);
}

void forged_close(forged_bed *bed)
{
    stele_error error;
    expect_ok(stele_close(bed->store, &error), &error);
    bed->store = NULL;
    if (sim_disk_misuse(bed->disk)) {
        test_fail("%s", sim_disk_misuse(bed->disk));
    }
    expect_uint(sim_disk_open_things(bed->disk), 0);
}

void forged_kill(forged_bed *bed)
{
    sim_choice choice;
    sim_choice_random(&choice, 1);
    sim_disk_crash_now(bed->disk, SIM_PROCESS_CRASH, 0);
    (void)stele_close(bed->store, NULL);
    bed->store = NULL;
    sim_disk_power_on(bed->disk, &choice);
}

void forged_append(forged_bed *bed, size_t event_count)
{
    made_event *made = test_memory(event_count * sizeof *made);
    stele_event *events = test_memory(event_count * sizeof *events);
    stele_receipt receipt;
    stele_error error;
    for (size_t i = 0; i < event_count; i++) {
        const stele_position position = bed->head + 1 + i;
        expect_true(position < FORGED_POSITIONS_MAX);
        make_event(&made[i], position, bed->editions[position], data_size_of(bed));
        events[i] = stele_binary_event(made[i].type, made[i].data, made[i].data_size);
        events[i].id = made[i].id;
        events[i].stream = made[i].stream;
        events[i].tags = made[i].tags;
        events[i].tag_count = 1;
    }
    const stele_commit commit = {.events = events, .event_count = event_count};
    expect_ok(stele_append_commit(bed->store, &commit, &receipt, NULL, &error), &error);
    expect_false(receipt.already_applied);
    bed->head += event_count;
    expect_uint(receipt.position, bed->head);
    sim_clock_advance(&bed->clock, 1000000);
}

void forged_drop(forged_bed *bed, stele_position head)
{
    for (stele_position position = head + 1; position < FORGED_POSITIONS_MAX; position++) {
        bed->editions[position]++;
    }
    bed->head = head;
}

static void expect_read(forged_bed *bed, const stele_read *read, stele_position from,
                        stele_position step, stele_position head)
{
    stele_cursor *cursor = NULL;
    stele_error error;
    stele_position expected = from;
    expect_ok(stele_read_open(bed->store, read, &cursor, &error), &error);
    for (const stele_record *record; (record = stele_cursor_next(cursor, &error)) != NULL;
         expected += step) {
        if (record->position != expected || !is_made(bed, record)) {
            test_fail("position %llu, expected %llu, is not what was appended",
                      (unsigned long long)record->position, (unsigned long long)expected);
        }
    }
    expect_ok(error.status, &error);
    expect_true(expected > head && expected <= head + step);
    stele_cursor_free(cursor);
}

void forged_expect(forged_bed *bed, stele_position head)
{
    stele_position found;
    stele_error error;
    stele_verify_result result;
    expect_ok(stele_head(bed->store, &found, &error), &error);
    expect_uint(found, head);
    expect_read(bed, &(stele_read){.limit = 0}, 1, 1, head);
    if (head >= 5) {
        expect_read(bed, &(stele_read){.stream = "s-1"}, 1, 3, head);
        expect_read(bed, &(stele_read){.event_type = "type0"}, 2, 2, head);
        expect_read(bed, &(stele_read){.tag = "tag:0"}, 5, 5, head);
    }
    expect_ok(stele_verify(bed->store, NULL, &result, &error), &error);
    expect_uint(result.events, head);
}

size_t forged_salvage(forged_bed *bed)
{
    const stele_read everything = {.limit = 0};
    stele_cursor *cursor = NULL;
    stele_error error;
    size_t count = 0;
    if (forged_open(bed, STELE_SALVAGE, &error) != STELE_OK) {
        return 0;
    }
    if (stele_read_open(bed->store, &everything, &cursor, &error) == STELE_OK) {
        stele_position last = 0;
        for (const stele_record *record; (record = stele_cursor_next(cursor, &error)) != NULL;
             count++) {
            if (record->position <= last || !is_made(bed, record)) {
                test_fail("salvage lent position %llu after %llu, which is not what was appended",
                          (unsigned long long)record->position, (unsigned long long)last);
            }
            last = record->position;
        }
        stele_cursor_free(cursor);
    }
    forged_close(bed);
    return count;
}

stele_info forged_info(forged_bed *bed)
{
    stele_info info;
    stele_error error;
    expect_ok(stele_describe(bed->store, &info, &error), &error);
    return info;
}

/* ---- building ---- */

static void seal_everything(forged_bed *bed)
{
    int more = 1;
    stele_error error;
    while (more) {
        expect_ok(stele_step(bed->store, &more, &error), &error);
    }
}

/* 20 commits; the eleventh has four events. */
static void append_short(forged_bed *bed)
{
    for (size_t i = 0; i < 20; i++) {
        forged_append(bed, i == 10 ? 4 : 1);
    }
}

static void append_long(forged_bed *bed, size_t commits, bool is_sealed)
{
    for (size_t i = 0; i < commits; i++) {
        forged_append(bed, 1 + i % 3);
        if (is_sealed) {
            seal_everything(bed);
        }
    }
}

forged_bed *forged_new(forged_base base)
{
    forged_bed *bed = test_memory(sizeof *bed);
    stele_error error;
    sim_clock_init(&bed->clock, 1);
    bed->disk = sim_disk_new(&bed->clock);
    bed->hands = sim_disk_vfs(bed->disk, 1);
    bed->options = (stele_options){.vfs = sim_disk_vfs(bed->disk, 0),
                                   .clock = &bed->clock.clock,
                                   .background = STELE_NO_THREADS,
                                   .memory_bytes = STELE_MEMORY_MIN};
    const bool is_long = base == FORGED_KILLED_LONG || base == FORGED_CLOSED_LONG;
    if (is_long) {
        bed->options.segment_bytes = SEGMENT_BYTES;
    }
    bed->options.durability = base == FORGED_KILLED_OS ? STELE_DURABLE_OS : STELE_DURABLE_FULL;
    expect_ok(forged_open(bed, STELE_READ_WRITE, &error), &error);
    switch (base) {
    case FORGED_KILLED:
    case FORGED_KILLED_OS:
    case FORGED_CLOSED:
        append_short(bed);
        break;
    case FORGED_KILLED_LONG:
        append_long(bed, 27, false); /* three segments; more would be sealed by the appender */
        break;
    case FORGED_CLOSED_LONG:
        append_long(bed, 60, true);
        break;
    }
    if (base == FORGED_CLOSED || base == FORGED_CLOSED_LONG) {
        forged_close(bed);
    } else {
        forged_kill(bed);
    }
    return bed;
}

void forged_free(forged_bed *bed)
{
    sim_disk_free(bed->disk);
}

/* ---- hands ---- */

static stele_file *open_by_hand(forged_bed *bed, const char *name, int flags)
{
    stele_file *file = NULL;
    const int error = bed->hands->open(bed->hands, path_of(name), flags, &file);
    if (error) {
        test_fail("cannot open %s: %d", name, error);
    }
    return file;
}

uint8_t *forged_load(forged_bed *bed, const char *name, size_t *ret_size)
{
    stele_file *file = open_by_hand(bed, name, STELE_FILE_READ);
    uint64_t size;
    expect_int(bed->hands->size(file, &size), 0);
    uint8_t *bytes = test_memory((size_t)size + 1);
    expect_int(bed->hands->read(file, 0, bytes, (size_t)size, ret_size), 0);
    expect_uint(*ret_size, size);
    bed->hands->close(file);
    return bytes;
}

void forged_write(forged_bed *bed, const char *name, uint64_t offset, const void *bytes,
                  size_t size)
{
    stele_file *file = open_by_hand(bed, name, STELE_FILE_WRITE | STELE_FILE_CREATE);
    expect_int(bed->hands->write(file, offset, bytes, size), 0);
    expect_int(bed->hands->sync(file), 0);
    bed->hands->close(file);
}

void forged_cut(forged_bed *bed, const char *name, uint64_t size)
{
    stele_file *file = open_by_hand(bed, name, STELE_FILE_WRITE | STELE_FILE_CREATE);
    expect_int(bed->hands->truncate(file, size), 0);
    expect_int(bed->hands->sync(file), 0);
    bed->hands->close(file);
}

void forged_store(forged_bed *bed, const char *name, const void *bytes, size_t size)
{
    forged_cut(bed, name, 0);
    if (size) {
        forged_write(bed, name, 0, bytes, size);
    }
    expect_int(bed->hands->sync_folder(bed->hands, FOLDER), 0);
}

void forged_remove(forged_bed *bed, const char *name)
{
    expect_int(bed->hands->remove(bed->hands, path_of(name)), 0);
    expect_int(bed->hands->sync_folder(bed->hands, FOLDER), 0);
}

bool forged_exists(forged_bed *bed, const char *name)
{
    stele_file *file = NULL;
    if (bed->hands->open(bed->hands, path_of(name), STELE_FILE_READ, &file) != 0) {
        return false;
    }
    bed->hands->close(file);
    return true;
}

void forged_flip(forged_bed *bed, const char *name, uint64_t offset, uint8_t bits)
{
    size_t size;
    uint8_t *bytes = forged_load(bed, name, &size);
    expect_true(offset < size);
    bytes[offset] ^= bits;
    forged_write(bed, name, offset, &bytes[offset], 1);
}

void forged_zero(forged_bed *bed, const char *name, uint64_t offset, uint64_t size)
{
    forged_write(bed, name, offset, test_memory((size_t)size), (size_t)size);
}

const char *forged_log(uint64_t number)
{
    char *name = test_memory(STELE_FILE_NAME_SIZE);
    stele__segment_file_name(number, name);
    return name;
}

typedef struct name_list {
    const char *ending;
    const char **names;
    size_t count;
    size_t room;
} name_list;

static void note_name(void *context, const char *name)
{
    name_list *list = context;
    const size_t size = strlen(name);
    const size_t ending = strlen(list->ending);
    if (size < ending || strcmp(name + size - ending, list->ending) != 0) {
        return;
    }
    expect_true(list->count < list->room);
    char *copy = test_memory(size + 1);
    memcpy(copy, name, size + 1);
    list->names[list->count++] = copy;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

size_t forged_list(forged_bed *bed, const char *ending, const char *names[], size_t room)
{
    name_list list = {.ending = ending, .names = names, .room = room};
    expect_int(bed->hands->list(bed->hands, FOLDER, note_name, &list), 0);
    if (list.count > 1) {
        qsort(list.names, list.count, sizeof *list.names, compare_names);
    }
    return list.count;
}

uint64_t forged_digest(forged_bed *bed)
{
    static const stele__hash_key key = {5, 6};
    const char *names[64];
    uint64_t digest = 0;
    const size_t count = forged_list(bed, ".log", names, 63);
    names[count] = "manifest";
    for (size_t i = 0; i <= count; i++) {
        if (!forged_exists(bed, names[i])) {
            continue;
        }
        size_t size;
        const uint8_t *bytes = forged_load(bed, names[i], &size);
        while (size > 0 && bytes[size - 1] == 0) {
            size--;
        }
        digest = digest * 31 + stele__hash(&key, bytes, size);
        digest = digest * 31 + stele__hash(&key, names[i], strlen(names[i]));
    }
    return digest;
}

/* ---- segments ---- */

size_t forged_frames(forged_bed *bed, uint64_t number, forged_frame frames[FORGED_FRAMES_MAX])
{
    stele__segment *segment;
    stele__reader reader;
    stele__frame frame;
    stele__frame_result result = STELE_FRAME_GOOD;
    const char *why;
    stele_error error;
    size_t count = 0;
    uint64_t offset = STELE_SEGMENT_HEADER_SIZE;
    expect_ok(stele__segment_open(stele_alloc_default(), bed->hands, FOLDER, number, STELE_PREAD,
                                  false, &segment, &error),
              &error);
    stele__reader_init(&reader, stele_alloc_default());
    stele__reader_enter(&reader, segment);
    for (;;) {
        expect_ok(stele__frame_read(&reader, offset, 0, &frame, &result, &why, &error), &error);
        if (result != STELE_FRAME_GOOD) {
            break;
        }
        expect_true(count < FORGED_FRAMES_MAX);
        frames[count++] = (forged_frame){frame.offset, frame.end, frame.first, frame.count};
        offset = frame.end;
    }
    stele__reader_done(&reader);
    stele__segment_unref(segment);
    return count;
}

stele__segment_header forged_read_header(forged_bed *bed, uint64_t number)
{
    size_t size;
    stele__segment_header header;
    stele_error error;
    const uint8_t *bytes = forged_load(bed, forged_log(number), &size);
    expect_true(size >= STELE_SEGMENT_HEADER_SIZE);
    expect_ok(stele__segment_header_decode(bytes, forged_log(number), &header, &error), &error);
    return header;
}

void forged_header(forged_bed *bed, uint64_t number, size_t at, const void *bytes, size_t size)
{
    size_t file_size;
    uint8_t *header = forged_load(bed, forged_log(number), &file_size);
    memcpy(header + at, bytes, size);
    stele__store32(header + 92, stele__crc32c(0, header, 92));
    forged_write(bed, forged_log(number), 0, header, STELE_SEGMENT_HEADER_SIZE);
}

static stele__tail_handle intern(stele__tail *tail, const stele__hash_key *key,
                                 stele__term_kind kind, const char *name)
{
    stele__tail_handle handle;
    stele_error error;
    const stele_text text = stele__text(name);
    expect_ok(stele__tail_intern(tail, kind, text, stele__term_hash(key, kind, text), &handle,
                                 &error),
              &error);
    return handle;
}

size_t forged_encode(const stele__segment_header *header, uint64_t offset, stele_position position,
                     stele_position synced, uint8_t ret_bytes[1024])
{
    stele__segment segment = {.alloc = stele_alloc_default()};
    stele__tail *tail;
    stele__encoder encoder;
    stele_error error;
    made_event *made = test_memory(sizeof *made);
    make_event(made, position, 99, 100);
    stele__segment_begin(&segment, header);
    expect_ok(stele__tail_create(stele_alloc_default(), &header->hash_key, header->first, &tail,
                                 &error),
              &error);
    expect_ok(stele__tail_reserve_events(tail, 1, &error), &error);
    const stele_event event = stele_binary_event(made->type, made->data, made->data_size);
    const stele__tail_handle tag = intern(tail, &header->hash_key, STELE_TERM_TAG, made->tag);
    const stele__draft draft = {.event = &event,
                                .id = made->id,
                                .revision = (position - 1) / 3,
                                .stream = intern(tail, &header->hash_key, STELE_TERM_STREAM,
                                                 made->stream),
                                .type =
                                    intern(tail, &header->hash_key, STELE_TERM_TYPE, made->type),
                                .tags = &tag,
                                .tag_count = 1};
    /* Later than whatever stands before it. */
    const stele__draft_commit commit = {.first = position,
                                        .time = header->base_time + 1000000000,
                                        .synced = synced,
                                        .count = 1};
    stele__encode_begin(&encoder, &segment, tail, &commit, offset, ret_bytes);
    stele__encode_event(&encoder, &draft);
    const size_t size = stele__encode_end(&encoder);
    stele__tail_free(tail);
    return size;
}

/* ---- manifest ---- */

void forged_manifest(forged_bed *bed, void (*change)(stele__manifest *manifest))
{
    stele__manifest manifest;
    bool is_healed;
    stele_error error;
    stele__manifest_init(&manifest, stele_alloc_default());
    expect_ok(stele__manifest_read(bed->hands, FOLDER, &manifest, &is_healed, &error), &error);
    change(&manifest);
    expect_ok(stele__manifest_write(bed->hands, FOLDER, &manifest, &error), &error);
    stele__manifest_done(&manifest);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as harm done to the segments of a store, which is then opened: by a reader, in salvage, and
 * by a writer, who recovers. The store lies on the simulated disk and is copied for each input. The
 * first byte chooses which one; the rest are operations on its files: change bytes, write some,
 * zero some, cut, copy, remove, change a header under a right checksum, and put a whole sealed
 * frame anywhere. Whatever comes of it: opening ends with an answer that is allowed; what a writer
 * opened takes an append, and is the same when it is opened again, after a kill and after a
 * closing.
 */
#include "fuzz.h"

#include "log/frame.h"
#include "sim/sim_disk.h"

#include <stele/stele.h>

#include <stdio.h>
#include <stdlib.h>

#define FOLDER "store"
enum {
    BASES = 4,
    FILES_MAX = 16,
    SEGMENT_BYTES = 64 << 10,
    DATA_BYTES = 2000,
    OPERATIONS_MAX = 40
};

typedef struct workshop {
    sim_clock clock;
    sim_disk *disk;
    sim_disk *bases[BASES];
    stele_options options;
    char files[FILES_MAX][40]; /* segments first, then the manifest */
    size_t file_count;
} workshop;

static workshop shop;

static void must(bool is_true, const char *what, const stele_error *error)
{
    if (!is_true) {
        (void)printf("%s: %s\n", what, error ? error->message : "");
        (void)fflush(stdout);
        abort();
    }
}

/* ---- the stores ---- */

static stele_event make_event(stele_position number, char stream[16])
{
    static uint8_t data[DATA_BYTES];
    (void)snprintf(stream, 16, "s-%u", (unsigned)(number % 3));
    memset(data, (int)number, sizeof data);
    stele_event event = stele_binary_event("happened", data, number % 4 ? 30 : sizeof data);
    stele__store64(event.id.bytes, number);
    event.stream = stream;
    return event;
}

static stele_status append(stele_store *store, stele_position number, stele_error *reterr)
{
    char stream[16];
    const stele_event event = make_event(number, stream);
    return stele_append(store, stream, STELE_ANY, &event, 1, NULL, NULL, reterr);
}

static stele_store *open_store(stele_access access, stele_status *ret_status, stele_error *reterr)
{
    stele_store *store = NULL;
    shop.options.access = access;
    *ret_status = stele_open("file:" FOLDER, &shop.options, &store, reterr);
    return store;
}

static void kill_writer(stele_store *store)
{
    sim_choice choice;
    sim_choice_random(&choice, 1);
    sim_disk_crash_now(shop.disk, SIM_PROCESS_CRASH, 0);
    (void)stele_close(store, NULL);
    sim_disk_power_on(shop.disk, &choice);
}

/* 0: killed, unsynced. 1: killed, synced. 2: closed with sealed segments. 3: killed, several live
 * segments. */
static void build(size_t base)
{
    stele_error error;
    stele_status status;
    shop.options.durability = base == 0 ? STELE_DURABLE_OS : STELE_DURABLE_FULL;
    stele_store *store = open_store(STELE_READ_WRITE, &status, &error);
    must(status == STELE_OK, "building", &error);
    const stele_position events = base < 2 ? 12 : 300;
    for (stele_position number = 1; number <= events; number++) {
        must(append(store, number, &error) == STELE_OK, "building", &error);
        for (int more = base == 2; more;) {
            must(stele_step(store, &more, &error) == STELE_OK, "building", &error);
        }
        sim_clock_advance(&shop.clock, 1000);
    }
    if (base == 2) {
        must(stele_close(store, &error) == STELE_OK, "building", &error);
    } else {
        kill_writer(store);
    }
    shop.bases[base] = sim_disk_new(&shop.clock);
    sim_disk_copy(shop.bases[base], shop.disk);
    sim_disk_reset(shop.disk, 0);
}

static void begin(void)
{
    if (shop.disk) {
        return;
    }
    sim_clock_init(&shop.clock, 1);
    shop.disk = sim_disk_new(&shop.clock);
    shop.options = (stele_options){.vfs = sim_disk_vfs(shop.disk, 0),
                                   .clock = &shop.clock.clock,
                                   .background = STELE_NO_THREADS,
                                   .segment_bytes = SEGMENT_BYTES,
                                   .memory_bytes = STELE_MEMORY_MIN};
    for (size_t base = 0; base < BASES; base++) {
        build(base);
    }
}

/* ---- harm ---- */

static void list_files(void)
{
    shop.file_count = 0;
    for (unsigned pass = 0; pass < 2; pass++) {
        char path[160];
        uint64_t size;
        for (size_t n = 0; sim_disk_file(shop.disk, n, path, &size) && shop.file_count < FILES_MAX;
             n++) {
            if (sim_file_kind_of(path) == (pass == 0 ? SIM_SEGMENT : SIM_MANIFEST)) {
                (void)snprintf(shop.files[shop.file_count++], sizeof shop.files[0], "%.39s", path);
            }
        }
    }
}

/* The harm is done by another process. */
static stele_file *open_file(const char *path)
{
    const stele_vfs *vfs = sim_disk_vfs(shop.disk, 1);
    stele_file *file = NULL;
    const int error = vfs->open(vfs, path, STELE_FILE_WRITE | STELE_FILE_CREATE, &file);
    must(error == 0, "opening a file", NULL);
    return file;
}

static void change(const char *path, uint64_t offset, const uint8_t *bytes, size_t size,
                   bool is_xor)
{
    stele_file *file = open_file(path);
    uint8_t present[300] = {0};
    size_t found = 0;
    if (is_xor) {
        (void)file->vfs->read(file, offset, present, size, &found);
    }
    for (size_t i = 0; i < size; i++) {
        present[i] ^= bytes[i];
    }
    (void)file->vfs->write(file, offset, present, size);
    (void)file->vfs->sync(file);
    file->vfs->close(file);
}

static void cut(const char *path, uint64_t size)
{
    stele_file *file = open_file(path);
    (void)file->vfs->truncate(file, size);
    (void)file->vfs->sync(file);
    file->vfs->close(file);
}

static bool read_header(const char *path, stele__segment_header *ret_header)
{
    uint8_t bytes[STELE_SEGMENT_HEADER_SIZE] = {0};
    size_t size = 0;
    stele_file *file = open_file(path);
    (void)file->vfs->read(file, 0, bytes, sizeof bytes, &size);
    file->vfs->close(file);
    return stele__segment_header_decode(bytes, path, ret_header, NULL) == STELE_OK;
}

static void change_header(const char *path, uint8_t at, uint8_t bits)
{
    uint8_t bytes[STELE_SEGMENT_HEADER_SIZE] = {0};
    size_t size = 0;
    stele_file *file = open_file(path);
    (void)file->vfs->read(file, 0, bytes, sizeof bytes, &size);
    bytes[at % 92] ^= bits;
    stele__store32(bytes + 92, stele__crc32c(0, bytes, 92));
    (void)file->vfs->write(file, 0, bytes, sizeof bytes);
    (void)file->vfs->sync(file);
    file->vfs->close(file);
}

static stele__tail_handle intern(stele__tail *tail, const stele__hash_key *key,
                                 stele__term_kind kind, const char *name)
{
    stele__tail_handle handle = 0;
    const stele_text text = stele__text(name);
    must(stele__tail_intern(tail, kind, text, stele__term_hash(key, kind, text), &handle, NULL) ==
             STELE_OK,
         "a term", NULL);
    return handle;
}

/* A frame with a right seal, as the segment would have it there. */
static void put_frame(const char *path, uint64_t offset, stele_position position, uint64_t lag)
{
    stele__segment segment = {.alloc = stele_alloc_default()};
    stele__segment_header header;
    stele__tail *tail = NULL;
    stele__encoder encoder;
    uint8_t bytes[DATA_BYTES + 400];
    char stream[16];
    if (!read_header(path, &header) || position < header.first || position > header.first + 1000) {
        return;
    }
    stele__segment_begin(&segment, &header);
    must(stele__tail_create(stele_alloc_default(), &header.hash_key, header.first, &tail, NULL) ==
                 STELE_OK &&
             stele__tail_reserve_events(tail, 1, NULL) == STELE_OK,
         "a tail", NULL);
    const stele_event event = make_event(position, stream);
    const stele__draft draft = {.event = &event,
                                .id = event.id,
                                .revision = (position - 1) / 3,
                                .stream = intern(tail, &header.hash_key, STELE_TERM_STREAM, stream),
                                .type =
                                    intern(tail, &header.hash_key, STELE_TERM_TYPE, event.type)};
    const stele__draft_commit commit = {.first = position,
                                        .time = header.base_time + 1000000000,
                                        .synced = position - 1 - lag % position,
                                        .count = 1};
    stele__encode_begin(&encoder, &segment, tail, &commit, offset, bytes);
    stele__encode_event(&encoder, &draft);
    const size_t size = stele__encode_end(&encoder);
    stele_file *file = open_file(path);
    (void)file->vfs->write(file, offset, bytes, size);
    (void)file->vfs->sync(file);
    file->vfs->close(file);
    stele__tail_free(tail);
}

static void copy_file(const char *from, unsigned number)
{
    static uint8_t bytes[SEGMENT_BYTES];
    char name[STELE_FILE_NAME_SIZE];
    char path[60];
    size_t size = 0;
    stele__segment_file_name(number, name);
    (void)snprintf(path, sizeof path, FOLDER "/%s", name);
    stele_file *file = open_file(from);
    (void)file->vfs->read(file, 0, bytes, sizeof bytes, &size);
    file->vfs->close(file);
    file = open_file(path);
    (void)file->vfs->write(file, 0, bytes, size);
    (void)file->vfs->sync(file);
    file->vfs->close(file);
}

static void do_harm(const uint8_t *data, size_t size)
{
    for (int n = 0; size >= 4 && n < OPERATIONS_MAX; n++) {
        list_files();
        if (shop.file_count == 0) {
            return;
        }
        const char *path = shop.files[(data[0] >> 3) % shop.file_count];
        const uint64_t offset = (uint64_t)data[1] | (uint64_t)data[2] << 8;
        const uint8_t last = data[3];
        const unsigned operation = data[0] & 7;
        const bool is_segment = sim_file_kind_of(path) == SIM_SEGMENT;
        data += 4;
        size -= 4;
        if (operation == 0) {
            change(path, offset, &last, 1, true);
        } else if (operation == 1) {
            const size_t count = last < size ? last : size;
            change(path, offset, data, count, false);
            data += count;
            size -= count;
        } else if (operation == 2) {
            stele_file *file = open_file(path);
            static const uint8_t zeroes[16 * 256];
            (void)file->vfs->write(file, offset, zeroes, (size_t)last * 16);
            (void)file->vfs->sync(file);
            file->vfs->close(file);
        } else if (operation == 3) {
            cut(path, offset);
        } else if (operation == 4 && is_segment) {
            change_header(path, (uint8_t)offset, last);
        } else if (operation == 5 && is_segment && size >= 1) {
            put_frame(path, offset, 1 + (stele_position)last * (1 + data[0] % 3), data[0] / 3);
            data++;
            size--;
        } else if (operation == 6 && is_segment) {
            copy_file(path, 1 + last % 12);
        } else if (operation == 7) {
            const stele_vfs *vfs = sim_disk_vfs(shop.disk, 1);
            must(vfs->remove(vfs, path) == 0 && vfs->sync_folder(vfs, FOLDER) == 0, "removing",
                 NULL);
        }
    }
}

/* ---- judging ---- */

static bool is_allowed(stele_status status)
{
    return status == STELE_OK || status == STELE_CORRUPT || status == STELE_UNSUPPORTED ||
           status == STELE_NOT_FOUND;
}

/* Everything that can be read, as a number. Positions ascend without gaps, but for those that
 * salvage leaves out. */
static stele_status read_everything(stele_store *store, bool is_salvage, stele_position *ret_last,
                                    uint64_t *ret_digest)
{
    static const stele__hash_key key = {1, 2};
    const stele_read everything = {.limit = 0};
    stele_cursor *cursor = NULL;
    stele_error error;
    *ret_last = 0;
    *ret_digest = 0;
    const stele_status status = stele_read_open(store, &everything, &cursor, &error);
    if (status != STELE_OK) {
        return status;
    }
    for (const stele_record *record; (record = stele_cursor_next(cursor, &error)) != NULL;) {
        must(is_salvage ? record->position > *ret_last : record->position == *ret_last + 1,
             "positions", NULL);
        *ret_last = record->position;
        *ret_digest = *ret_digest * 31 + stele__hash(&key, record->data.data, record->data.size);
        *ret_digest =
            *ret_digest * 31 + stele__hash(&key, record->stream.data, record->stream.size);
        *ret_digest = *ret_digest * 31 + stele__hash(&key, record->id.bytes, 16) + record->revision;
    }
    stele_cursor_free(cursor);
    return error.status;
}

static void judge_reader(stele_access access)
{
    stele_error error;
    stele_status status;
    stele_position last;
    uint64_t digest;
    stele_store *store = open_store(access, &status, &error);
    must(is_allowed(status), "opening for reading", &error);
    if (status == STELE_OK) {
        stele_verify_result result;
        const stele_status read = read_everything(store, access == STELE_SALVAGE, &last, &digest);
        must(is_allowed(read), "reading", NULL);
        const stele_status verified = stele_verify(store, NULL, &result, &error);
        must(is_allowed(verified), "verifying", &error);
        must(read == STELE_OK || verified != STELE_OK, "verify found nothing", NULL);
        must(stele_close(store, &error) == STELE_OK, "closing", &error);
    }
}

/* Opens for writing, and expects what was there before. */
static stele_store *expect_same(stele_position head, uint64_t digest)
{
    stele_error error;
    stele_status status;
    stele_position last;
    uint64_t found;
    stele_store *store = open_store(STELE_MUST_EXIST, &status, &error);
    must(status == STELE_OK, "opening again", &error);
    must(read_everything(store, false, &last, &found) == STELE_OK && last == head &&
             found == digest,
         "the same", NULL);
    return store;
}

static void judge_writer(void)
{
    stele_error error;
    stele_status status;
    stele_position head;
    stele_position last;
    uint64_t digest;
    stele_verify_result result;
    stele_store *store = open_store(STELE_MUST_EXIST, &status, &error);
    must(is_allowed(status), "opening for writing", &error);
    if (status != STELE_OK) {
        return;
    }
    must(stele_head(store, &head, &error) == STELE_OK, "head", &error);
    must(read_everything(store, false, &last, &digest) == STELE_OK && last == head,
         "a writer reads everything", NULL);
    must(stele_verify(store, NULL, &result, &error) == STELE_OK, "verify", &error);
    kill_writer(store);
    store = expect_same(head, digest);
    must(append(store, 100000 + head, &error) == STELE_OK, "appending", &error);
    must(read_everything(store, false, &last, &digest) == STELE_OK && last == head + 1,
         "reading on", NULL);
    must(stele_close(store, &error) == STELE_OK, "closing", &error);
    store = expect_same(head + 1, digest);
    must(stele_verify(store, NULL, &result, &error) == STELE_OK, "verify", &error);
    must(stele_close(store, &error) == STELE_OK, "closing", &error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    begin();
    const uint8_t choice = size ? data[0] : 0;
    sim_disk_reset(shop.disk, 0);
    sim_disk_copy(shop.disk, shop.bases[choice % BASES]);
    shop.options.mapping = choice / BASES % 2 ? STELE_PREAD : STELE_MAP;
    shop.options.durability = STELE_DURABLE_FULL;
    if (choice & 0x80) {
        sim_clock_restart(&shop.clock);
    }
    do_harm(data + (size > 0), size - (size > 0));
    judge_reader(STELE_READ_ONLY);
    judge_reader(STELE_SALVAGE);
    judge_writer();
    must(sim_disk_open_things(shop.disk) == 0 && !sim_disk_misuse(shop.disk),
         "the disk was misused", NULL);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The children of a storm: writers that are killed, and the follower that is not. See storm.h. */
#include "storm.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

void storm_commit_make(uint32_t life, uint32_t thread, uint64_t sequence, storm_commit *ret_commit)
{
    stele__prng prng;
    const uint64_t seed = (uint64_t)life << 40 ^ (uint64_t)thread << 32 ^ sequence;
    stele__prng_seed(&prng, seed);
    memset(ret_commit, 0, sizeof *ret_commit);
    ret_commit->event_count = 1 + (size_t)stele__prng_below(&prng, STORM_EVENTS_MAX);
    ret_commit->durability =
        stele__prng_chance(&prng, 1, 2) ? STELE_DURABLE_OS : STELE_DURABLE_FULL;
    for (size_t i = 0; i < ret_commit->event_count; i++) {
        if (stele__prng_chance(&prng, 1, 2)) {
            (void)snprintf(ret_commit->streams[i], sizeof ret_commit->streams[i], "own-%" PRIu32,
                           thread);
        } else {
            (void)snprintf(ret_commit->streams[i], sizeof ret_commit->streams[i], "shared-%" PRIu64,
                           stele__prng_below(&prng, 5));
        }
        ret_commit->sizes[i] = stele__prng_chance(&prng, 1, 40)
                                   ? (size_t)stele__prng_below(&prng, STORM_DATA_SIZE_MAX)
                                   : (size_t)stele__prng_below(&prng, 600);
        uint8_t *id = ret_commit->ids[i].bytes;
        stele__store32(id, life);
        id[4] = (uint8_t)thread;
        id[5] = (uint8_t)i;
        id[6] = 0x5e;
        stele__store64(id + 8, sequence);
    }
}

bool storm_id_parse(const stele_uuid *id, uint32_t *ret_life, uint32_t *ret_thread,
                    uint64_t *ret_sequence, uint32_t *ret_index)
{
    *ret_life = stele__load32(id->bytes);
    *ret_thread = id->bytes[4];
    *ret_index = id->bytes[5];
    *ret_sequence = stele__load64(id->bytes + 8);
    return id->bytes[6] == 0x5e && id->bytes[7] == 0;
}

void storm_fill(const stele_uuid *id, uint8_t *ret_data, size_t size)
{
    stele__prng prng;
    stele__prng_seed(&prng, stele__load64(id->bytes) ^ stele__load64(id->bytes + 8) * 31);
    stele__prng_fill(&prng, ret_data, size);
}

uint64_t storm_digest(const stele_record *record)
{
    static const stele__hash_key key = {1, 2};
    uint64_t digest = stele__hash(&key, record->data.data, record->data.size);
    digest = digest * 31 + stele__hash(&key, record->stream.data, record->stream.size);
    digest = digest * 31 + stele__hash(&key, record->id.bytes, sizeof record->id.bytes);
    digest = digest * 31 + stele__hash(&key, record->type.data, record->type.size);
    return digest * 31 + record->revision * 7 + (uint64_t)record->time + record->position;
}

void storm_note_write(int fd, const storm_note *note)
{
    if (write(fd, note, sizeof *note) != (ssize_t)sizeof *note) {
        _exit(4);
    }
}

typedef struct writer_thread {
    stele__thread thread;
    stele_store *store;
    uint32_t life;
    uint32_t number;
    int notes;
} writer_thread;

static void break_off(const writer_thread *writer, const stele_error *error)
{
    (void)fprintf(stderr, "life %" PRIu32 ", thread %" PRIu32 ": %s\n", writer->life,
                  writer->number, error->message);
    _exit(3);
}

/* One commit after another until somebody kills the process. */
static void write_for_ever(void *context)
{
    writer_thread *writer = context;
    uint8_t *data =
        stele__allocate(stele_alloc_default(), (size_t)STORM_EVENTS_MAX * STORM_DATA_SIZE_MAX);
    STELE_ASSERT(data != NULL);
    for (uint64_t sequence = 1;; sequence++) {
        storm_commit plan;
        stele_event events[STORM_EVENTS_MAX];
        stele_receipt receipt;
        stele_error error;
        storm_commit_make(writer->life, writer->number, sequence, &plan);
        for (size_t i = 0; i < plan.event_count; i++) {
            uint8_t *bytes = data + i * STORM_DATA_SIZE_MAX;
            storm_fill(&plan.ids[i], bytes, plan.sizes[i]);
            events[i] = stele_binary_event("storm", bytes, plan.sizes[i]);
            events[i].stream = plan.streams[i];
            events[i].id = plan.ids[i];
        }
        const stele_append_options options = {.durability = plan.durability};
        const stele_commit commit = {.events = events,
                                     .event_count = plan.event_count,
                                     .options = &options};
        storm_note note = {.kind = STORM_ANNOUNCED, .thread = writer->number, .sequence = sequence};
        storm_note_write(writer->notes, &note);
        if (stele_append_commit(writer->store, &commit, &receipt, NULL, &error) != STELE_OK) {
            break_off(writer, &error);
        }
        note.kind = STORM_ACKNOWLEDGED;
        note.position = receipt.position;
        note.revision = receipt.revision;
        storm_note_write(writer->notes, &note);
    }
}

int storm_write(const char *folder, uint32_t life, uint32_t threads, int notes)
{
    static writer_thread writers[STORM_THREADS_MAX];
    const stele_options options = {.segment_bytes = 256 * 1024, .memory_bytes = STELE_MEMORY_MIN};
    stele_store *store = NULL;
    stele_error error;
    if (stele_open(folder, &options, &store, &error) != STELE_OK) {
        (void)fprintf(stderr, "a writer cannot open the store: %s\n", error.message);
        return 3;
    }
    for (uint32_t i = 0; i < threads; i++) {
        writers[i] = (writer_thread){.store = store, .life = life, .number = i, .notes = notes};
        if (i > 0 &&
            stele__thread_start(&writers[i].thread, "writer", write_for_ever, &writers[i]) != 0) {
            return 3;
        }
    }
    write_for_ever(&writers[0]);
    return 0;
}

int storm_follow(const char *folder, int notes)
{
    const stele_options options = {.access = STELE_READ_ONLY, .memory_bytes = STELE_MEMORY_MIN};
    const stele_read everything = {0};
    stele_store *store = NULL;
    stele_cursor *cursor = NULL;
    stele_error error;
    if (stele_open(folder, &options, &store, &error) != STELE_OK ||
        stele_follow_open(store, &everything, &cursor, &error) != STELE_OK) {
        (void)fprintf(stderr, "the follower cannot open the store: %s\n", error.message);
        return 3;
    }
    for (;;) {
        const stele_record *record;
        while ((record = stele_cursor_next(cursor, &error)) != NULL) {
            const storm_note note = {.kind = STORM_SEEN,
                                     .position = record->position,
                                     .digest = storm_digest(record)};
            storm_note_write(notes, &note);
        }
        if (error.status != STELE_OK) {
            break;
        }
        const stele_status status = stele_cursor_wait(cursor, STELE_SECONDS(1), &error);
        if (status != STELE_OK && status != STELE_TIMEOUT) {
            break;
        }
    }
    (void)fprintf(stderr, "the follower failed: %s\n", error.message);
    return 3;
}

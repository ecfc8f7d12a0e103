/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verification beside a writer: index files that the writer merges away between the moment when a
 * reader has read the manifest and that in which it opens them are no damage; one that is gone
 * although the manifest names it is.
 */
#include "support/test.h"

#include <stele/stele.h>
#include <stele/sys/vfs.h>

#include <stdio.h>
#include <string.h>

/* Files of a reader that let a writer work before an index file is opened. */
typedef struct meddling_vfs {
    stele_vfs vfs;
    stele_store *writer;
    bool is_armed;
    unsigned steps;    /* of the writer, at each opening; 0: until there is nothing more to do */
    unsigned segments; /* that are appended before */
    unsigned times;    /* that it happens */
} meddling_vfs;

static void append_segments(stele_store *store, unsigned count)
{
    static uint8_t data[60000];
    const stele_event event = stele_binary_event("t", data, sizeof data);
    stele_error error;
    for (unsigned i = 0; i < count; i++) {
        expect_ok(stele_append(store, "a", STELE_ANY, &event, 1, NULL, NULL, &error), &error);
    }
}

static void step(stele_store *store, unsigned count)
{
    stele_error error;
    int more = 1;
    for (unsigned i = 0; more && (count == 0 || i < count); i++) {
        expect_ok(stele_step(store, &more, &error), &error);
    }
}

static int open_after_meddling(const stele_vfs *vfs, const char *path, int flags,
                               stele_file **ret_file)
{
    meddling_vfs *self = vfs->context;
    const stele_vfs *below = stele_vfs_system();
    if (self->is_armed && self->times > 0 && strstr(path, ".index")) {
        self->times--;
        self->is_armed = false;
        append_segments(self->writer, self->segments);
        step(self->writer, self->steps);
        self->is_armed = true;
    }
    return below->open(below, path, flags, ret_file);
}

typedef struct bed {
    const char *folder;
    stele_options options;
    stele_store *writer;
    meddling_vfs meddling;
    stele_store *reader;
} bed;

/* A writer with many index files that it has not merged yet, and a reader who knows them. */
static void begin(bed *b, unsigned segments)
{
    stele_error error;
    b->folder = test_path(test_folder(), "store");
    b->options = (stele_options){.segment_bytes = 64 << 10,
                                 .memory_bytes = STELE_MEMORY_MIN,
                                 .durability = STELE_DURABLE_OS,
                                 .background = STELE_NO_THREADS};
    expect_ok(stele_open(b->folder, &b->options, &b->writer, &error), &error);
    append_segments(b->writer, segments);
    b->meddling = (meddling_vfs){.vfs = *stele_vfs_system(), .writer = b->writer};
    b->meddling.vfs.open = open_after_meddling;
    b->meddling.vfs.context = &b->meddling;
    stele_options options = b->options;
    options.access = STELE_READ_ONLY;
    options.vfs = &b->meddling.vfs;
    expect_ok(stele_open(b->folder, &options, &b->reader, &error), &error);
}

static void end(bed *b)
{
    stele_error error;
    b->meddling.is_armed = false;
    expect_ok(stele_close(b->reader, &error), &error);
    expect_ok(stele_close(b->writer, &error), &error);
}

static uint64_t index_files(stele_store *store)
{
    stele_info info;
    stele_error error;
    expect_ok(stele_describe(store, &info, &error), &error);
    return info.index_file_count;
}

typedef struct damages {
    unsigned count;
    char file[64];
    char message[200];
} damages;

static void note_damage(void *context, const stele_damage *damage)
{
    damages *all = context;
    all->count++;
    (void)snprintf(all->file, sizeof all->file, "%s", damage->file);
    (void)snprintf(all->message, sizeof all->message, "%s", damage->message);
    expect_true(damage->is_index != 0);
}

static void expect_sound(stele_store *store)
{
    damages all = {.count = 0};
    const stele_verify_options options = {.damage = note_damage, .context = &all};
    stele_error error;
    const stele_status status = stele_verify(store, &options, NULL, &error);
    if (all.count > 0) {
        test_note("%u damaged places; %s: %s", all.count, all.file, all.message);
    }
    expect_ok(status, &error);
}

TEST(files_that_are_merged_away_while_they_are_opened_are_no_damage)
{
    bed b;
    begin(&b, 30);
    const uint64_t before = index_files(b.reader);
    expect_true(before >= 20);
    b.meddling.is_armed = true;
    b.meddling.times = 1;
    expect_sound(b.reader);
    expect_uint(b.meddling.times, 0);
    expect_true(index_files(b.reader) < before / 2);
    end(&b);
}

/* Nothing is published meanwhile, which alone is no reason to know nothing of new files. */
TEST(a_reader_sees_merges_without_appends)
{
    bed b;
    begin(&b, 30);
    const uint64_t before = index_files(b.reader);
    step(b.writer, 0);
    expect_true(index_files(b.reader) < before / 2);
    expect_uint(index_files(b.reader), index_files(b.writer));
    end(&b);
}

TEST(a_writer_who_works_at_each_opening_is_no_damage)
{
    for (unsigned steps = 1; steps <= 5; steps++) {
        bed b;
        begin(&b, 30);
        b.meddling.is_armed = true;
        b.meddling.steps = steps;
        b.meddling.times = 1000;
        expect_sound(b.reader);
        end(&b);
    }
}

/* It ends, however long the writer goes on. */
TEST_WITHIN(a_writer_who_outruns_the_verification_is_no_damage, 60)
{
    bed b;
    begin(&b, 10);
    b.meddling.is_armed = true;
    b.meddling.segments = 5;
    b.meddling.times = 1000;
    expect_sound(b.reader);
    end(&b);
}

static void lose(const bed *b, char ret_name[64])
{
    char newest[64] = "";
    char name[64];
    for (unsigned number = 1; number < 100; number++) {
        FILE *file;
        (void)snprintf(name, sizeof name, "%010u.index", number);
        file = fopen(test_path(b->folder, name), "r");
        if (file) {
            (void)fclose(file);
            (void)snprintf(newest, sizeof newest, "%s", name);
        }
    }
    expect_int(remove(test_path(b->folder, newest)), 0);
    (void)snprintf(ret_name, 64, "%s", newest);
}

static void expect_lost(stele_store *store, const char *name)
{
    damages all = {.count = 0};
    const stele_verify_options options = {.damage = note_damage, .context = &all};
    stele_verify_result result;
    stele_error error;
    expect_error(stele_verify(store, &options, &result, &error), &error, STELE_CORRUPT);
    expect_uint(result.damage_count, 1);
    expect_uint(all.count, 1);
    expect_text((const char *)all.file, name);
    expect_text((const char *)all.message, "the index file is missing");
}

TEST(a_file_that_is_gone_and_named_all_the_same_is_missing)
{
    bed b;
    char name[64];
    begin(&b, 30);
    while (index_files(b.writer) % 4 == 0) { /* one that is not merged next */
        append_segments(b.writer, 1);
    }
    (void)index_files(b.reader);
    lose(&b, name);
    expect_lost(b.reader, name);
    expect_lost(b.writer, name);
    /* Others are merged meanwhile. */
    b.meddling.is_armed = true;
    b.meddling.steps = 4;
    b.meddling.times = 1;
    expect_lost(b.reader, name);
    expect_uint(b.meddling.times, 0);
    end(&b);
}

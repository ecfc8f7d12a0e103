/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folders that hold something odd where a store's files should be: what is there is said, nothing
 * is waited for, and nothing is said to be done that is not.
 */
#include "base/base.h"
#include "support/test.h"

#include <stele/stele.h>

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char said[1000];

static void note_said(void *context, stele_log_level level, const char *message)
{
    (void)context;
    (void)level;
    (void)snprintf(said, sizeof said, "%s", message);
}

static const char *new_store(void)
{
    const char *folder = test_path(test_folder(), "store");
    const stele_event event = stele_json_event("t", "{}");
    stele_store *store;
    stele_error error;
    expect_ok(stele_open(folder, NULL, &store, &error), &error);
    expect_ok(stele_append(store, "a", STELE_ANY, &event, 1, NULL, NULL, &error), &error);
    expect_ok(stele_close(store, &error), &error);
    return folder;
}

static stele_status try_open(const char *folder, stele_access access, stele_error *reterr)
{
    const stele_options options = {.access = access, .log = note_said};
    stele_store *store = NULL;
    const stele_status status = stele_open(folder, &options, &store, reterr);
    if (status == STELE_OK) {
        stele_error error;
        expect_ok(stele_close(store, &error), &error);
    }
    return status;
}

static size_t load(const char *path, char *ret_bytes, size_t room)
{
    FILE *file = fopen(path, "rb");
    expect_not_null(file);
    const size_t size = fread(ret_bytes, 1, room, file);
    (void)fclose(file);
    return size;
}

static void store(const char *path, const char *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    expect_not_null(file);
    expect_uint(fwrite(bytes, 1, size, file), size);
    expect_int(fclose(file), 0);
}

/* ---- manifests */

TEST(a_manifest_of_which_nothing_is_left_is_refused_and_not_said_to_be_written)
{
    const char *folder = new_store();
    const char *path = test_path(folder, "manifest");
    static const stele_access ways[] = {STELE_READ_WRITE, STELE_MUST_EXIST, STELE_READ_ONLY};
    char bytes[100];
    store(path, "junk\n", 5);
    for (size_t i = 0; i < 3; i++) {
        stele_error error;
        expect_error(try_open(folder, ways[i], &error), &error, STELE_CORRUPT);
        expect_contains((const char *)error.message, "both halves of");
        expect_contains((const char *)error.hint, "--salvage");
        expect_text((const char *)said, "");
        expect_bytes(bytes, load(path, bytes, sizeof bytes), "junk\n", 5);
    }
}

TEST(half_a_manifest_is_made_whole_by_a_writer_who_says_so)
{
    const char *folder = new_store();
    const char *path = test_path(folder, "manifest");
    static char bytes[4096];
    stele_error error;
    size_t size = load(path, bytes, sizeof bytes);
    bytes[size - 40] ^= 2;
    store(path, bytes, size);
    expect_ok(try_open(folder, STELE_READ_ONLY, &error), &error);
    expect_text((const char *)said, "");
    expect_ok(try_open(folder, STELE_READ_WRITE, &error), &error);
    expect_contains((const char *)said, "have been written again");
    size = load(path, bytes, sizeof bytes);
    expect_uint(size % 2, 0);
    expect_bytes(bytes, size / 2, bytes + size / 2, size / 2);
}

/* A writer who does not come so far has written nothing. */
TEST(half_a_manifest_is_not_said_to_be_whole_when_opening_fails)
{
    const char *folder = new_store();
    const char *path = test_path(folder, "manifest");
    static char bytes[4096];
    static char after[4096];
    stele_error error;
    const size_t size = load(path, bytes, sizeof bytes);
    bytes[size - 40] ^= 2;
    store(path, bytes, size);
    expect_int(truncate(test_path(folder, "0000000001.log"), 100), 0);
    expect_error(try_open(folder, STELE_READ_WRITE, &error), &error, STELE_CORRUPT);
    expect_text((const char *)said, "");
    expect_bytes(after, load(path, after, sizeof after), bytes, size);
}

TEST(segments_without_a_manifest_are_damage_to_everybody)
{
    const char *folder = new_store();
    static const stele_access ways[] = {STELE_READ_WRITE, STELE_MUST_EXIST, STELE_READ_ONLY};
    stele_error error;
    expect_int(remove(test_path(folder, "manifest")), 0);
    for (size_t i = 0; i < 3; i++) {
        expect_error(try_open(folder, ways[i], &error), &error, STELE_CORRUPT);
        expect_contains((const char *)error.message, "holds segments but no manifest");
        expect_contains((const char *)error.hint, "stele export --salvage");
    }
    expect_ok(try_open(folder, STELE_SALVAGE, &error), &error);
}

TEST(a_folder_with_neither_is_no_store)
{
    const char *folder = test_folder();
    stele_error error;
    store(test_path(folder, "1.log"), "of something else", 17);
    expect_error(try_open(folder, STELE_READ_ONLY, &error), &error, STELE_NOT_FOUND_STORE);
    expect_error(try_open(folder, STELE_MUST_EXIST, &error), &error, STELE_NOT_FOUND_STORE);
}

/* ---- pipes */

/* A pipe that nobody is at the other end of, in the place of a file. */
static void put_pipe(const char *folder, const char *name)
{
    (void)remove(test_path(folder, name));
    expect_int(mkfifo(test_path(folder, name), 0600), 0);
}

static void expect_named(const char *folder, stele_access access, const char *name)
{
    stele_error error;
    expect_error(try_open(folder, access, &error), &error, STELE_IO);
    expect_contains((const char *)error.message, test_path(folder, name));
    expect_contains((const char *)error.message, "not a regular file");
}

static const char *const pipes[] = {"manifest", "lock", "0000000001.log"};

TEST_ROWS(a_pipe_in_the_place_of_a_file_is_named_and_not_waited_for, pipes)
{
    const char *folder = new_store();
    put_pipe(folder, pipes[row]);
    expect_named(folder, STELE_READ_WRITE, pipes[row]);
    expect_named(folder, STELE_READ_ONLY, pipes[row]);
}

/* The page is a help: without it readers in other processes look once a second. */
TEST(a_pipe_in_the_place_of_the_page_holds_nobody_up)
{
    const char *folder = new_store();
    stele_error error;
    put_pipe(folder, "live");
    expect_ok(try_open(folder, STELE_READ_WRITE, &error), &error);
    expect_ok(try_open(folder, STELE_READ_ONLY, &error), &error);
}

TEST(a_pipe_among_the_files_of_a_store_is_no_hindrance)
{
    const char *folder = new_store();
    stele_store *opened;
    stele_info info;
    stele_error error;
    put_pipe(folder, "pipe");
    expect_ok(stele_open(folder, NULL, &opened, &error), &error);
    expect_ok(stele_describe(opened, &info, &error), &error);
    expect_uint(info.head, 1);
    expect_ok(stele_close(opened, &error), &error);
}

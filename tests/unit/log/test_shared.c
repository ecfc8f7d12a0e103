/* SPDX-License-Identifier: Apache-2.0 */
/* The page shared between processes: heads pass over it, sleepers are woken, and whatever is wrong
 * with it does no harm. */
#include "index_model.h"
#include "log/shared.h"

#include <stele/sys/clock.h>

static const stele_uuid store = {{1, 2, 3}};
static const uint8_t boot[16] = {7};

static void open_page(stele__shared *shared, const char *folder, bool is_writer)
{
    stele__shared_open(shared, stele_vfs_system(), test_path(folder, "live"), is_writer);
}

static int64_t now(void)
{
    const stele_clock *clock = stele_clock_system();
    return clock->monotonic(clock->context);
}

TEST(a_head_that_is_published_is_seen_through_another_mapping)
{
    const char *folder = test_folder();
    stele__shared writer;
    stele__shared reader;
    stele_position head;
    open_page(&writer, folder, true);
    expect_uint(stele__shared_take(&writer, &store, boot), 0);
    open_page(&reader, folder, false);
    expect_true(writer.is_mapped && reader.is_mapped);
    for (stele_position position = 1; position < 100; position++) {
        const uint32_t ticket = stele__shared_ticket(&reader);
        stele__shared_publish(&writer, position);
        expect_true(stele__shared_ticket(&reader) != ticket);
        expect_true(stele__shared_head(&reader, &store, boot, &head));
        expect_uint(head, position);
    }
    stele__shared_set_generation(&writer, 17);
    expect_uint(atomic_load(&reader.page->generation), 17);
    stele__shared_close(&writer);
    /* The next writer of this run of the machine learns how far the last one was seen. */
    open_page(&writer, folder, true);
    expect_uint(stele__shared_take(&writer, &store, boot), 99);
    expect_uint(atomic_load(&reader.page->writer), 2);
    stele__shared_close(&writer);
    stele__shared_close(&reader);
}

TEST(what_was_answered_before_it_was_written_is_told_to_the_next_writer_once)
{
    const char *folder = test_folder();
    stele__shared writer;
    open_page(&writer, folder, true);
    (void)stele__shared_take(&writer, &store, boot);
    stele__shared_publish(&writer, 10);
    stele__shared_answered(&writer, 14);
    stele__shared_close(&writer);
    open_page(&writer, folder, true);
    expect_uint(stele__shared_take(&writer, &store, boot), 14);
    stele__shared_publish(&writer, 11);
    stele__shared_close(&writer);
    open_page(&writer, folder, true);
    expect_uint(stele__shared_take(&writer, &store, boot), 11);
    stele__shared_close(&writer);
}

TEST(a_page_of_another_store_or_another_run_of_the_machine_means_nothing)
{
    static const stele_uuid other_store = {{9}};
    static const uint8_t other_boot[16] = {8};
    const char *folder = test_folder();
    stele__shared writer;
    stele_position head;
    open_page(&writer, folder, true);
    expect_uint(stele__shared_take(&writer, &store, boot), 0);
    stele__shared_publish(&writer, 50);
    expect_true(stele__shared_head(&writer, &store, boot, &head));
    expect_false(stele__shared_head(&writer, &other_store, boot, &head));
    expect_false(stele__shared_head(&writer, &store, other_boot, &head));
    expect_uint(stele__shared_take(&writer, &store, other_boot), 0);
    expect_true(stele__shared_head(&writer, &store, other_boot, &head));
    expect_uint(head, 0);
    stele__shared_close(&writer);
}

TEST(a_reader_without_a_page_has_one_of_his_own)
{
    const char *folder = test_folder();
    stele__shared reader;
    stele_position head;
    open_page(&reader, folder, false);
    expect_false(reader.is_mapped);
    expect_false(stele__shared_head(&reader, &store, boot, &head));
    stele__shared_publish(&reader, 5);
    expect_false(stele__shared_head(&reader, &store, boot, &head));
    stele__shared_close(&reader);
    stele__shared_close(&reader);
}

typedef struct page_row {
    const char *name;
    size_t size; /* of the file "live" */
    const char *magic;
    bool is_mapped;
} page_row;

static const page_row pages[] = {
    {"empty", 0, "", false},
    {"short", 4095, "STELEPG1", false},
    {"zeroes", 4096, "", false},
    {"of something else", 4096, "STELEPG2", false},
    {"as it should be", 4096, "STELEPG1", true},
    {"longer", 10000, "STELEPG1", true},
};

TEST_ROWS(a_reader_maps_what_is_a_page_and_nothing_else, pages)
{
    const char *folder = test_folder();
    uint8_t *bytes = test_memory(10000);
    stele__shared reader;
    stele_position head;
    memcpy(bytes, pages[row].magic, strlen(pages[row].magic));
    test_file_store(test_path(folder, "live"), bytes, pages[row].size);
    open_page(&reader, folder, false);
    expect_int(reader.is_mapped, pages[row].is_mapped);
    expect_false(stele__shared_head(&reader, &store, boot, &head));
    stele__shared_close(&reader);
    /* A writer makes a page of whatever is there. */
    stele__shared writer;
    open_page(&writer, folder, true);
    expect_true(writer.is_mapped);
    (void)stele__shared_take(&writer, &store, boot);
    stele__shared_publish(&writer, 5);
    open_page(&reader, folder, false);
    expect_true(stele__shared_head(&reader, &store, boot, &head));
    expect_uint(head, 5);
    stele__shared_close(&reader);
    stele__shared_close(&writer);
}

TEST(sleeping_ends_when_the_time_has_passed)
{
    const char *folder = test_folder();
    stele__shared writer;
    open_page(&writer, folder, true);
    const int64_t begin = now();
    while (now() - begin < STELE_MILLISECONDS(30)) {
        stele__shared_sleep(&writer, stele__shared_ticket(&writer), STELE_MILLISECONDS(30));
    }
    expect_true(now() - begin < STELE_SECONDS(10));
    expect_uint(atomic_load(&writer.page->sleepers), 0);
    /* Something was published since the ticket was taken: no sleep at all. */
    const uint32_t ticket = stele__shared_ticket(&writer);
    stele__shared_publish(&writer, 1);
    stele__shared_sleep(&writer, ticket, STELE_FOREVER);
    stele__shared_wake(&writer);
    stele__shared_sleep(&writer, ticket, STELE_FOREVER);
    stele__shared_close(&writer);
}

/* ---- sleepers and wakers ---- */

typedef struct sleeper {
    stele__thread thread;
    const char *folder;
    stele_position last;
    uint64_t wakings;
} sleeper;

/* Follows heads up to the last one; without the wake-ups this would take for ever. */
static void follow_heads(void *context)
{
    sleeper *self = context;
    stele__shared reader;
    stele_position seen = 0;
    open_page(&reader, self->folder, false);
    while (seen < self->last) {
        stele_position head;
        const uint32_t ticket = stele__shared_ticket(&reader);
        expect_true(stele__shared_head(&reader, &store, boot, &head));
        expect_true(head >= seen);
        if (head == seen) {
            stele__shared_sleep(&reader, ticket, STELE_FOREVER);
            self->wakings++;
        }
        seen = head;
    }
    stele__shared_close(&reader);
}

TEST_WITHIN(no_publication_is_slept_through, 60)
{
    enum { SLEEPERS = 4, LAST = 3000 };
    const char *folder = test_folder();
    sleeper sleepers[SLEEPERS];
    stele__shared writer;
    open_page(&writer, folder, true);
    (void)stele__shared_take(&writer, &store, boot);
    for (size_t i = 0; i < SLEEPERS; i++) {
        sleepers[i] = (sleeper){.folder = folder, .last = LAST};
        expect_int(stele__thread_start(&sleepers[i].thread, "sleeper", follow_heads, &sleepers[i]),
                   0);
    }
    for (stele_position position = 1; position <= LAST; position++) {
        stele__shared_publish(&writer, position);
        if (position % 100 == 0) {
            /* Lets them fall asleep. */
            stele__shared own;
            stele__shared_open(&own, stele_vfs_system(), test_path(folder, "none"), false);
            stele__shared_sleep(&own, stele__shared_ticket(&own), STELE_MILLISECONDS(1));
            stele__shared_close(&own);
        }
    }
    uint64_t wakings = 0;
    for (size_t i = 0; i < SLEEPERS; i++) {
        stele__thread_join(&sleepers[i].thread);
        wakings += sleepers[i].wakings;
    }
    expect_true(wakings > 0);
    expect_uint(atomic_load(&writer.page->sleepers), 0);
    stele__shared_close(&writer);
}

static int follow_in_child(void *context)
{
    follow_heads(context);
    return 0;
}

static void publish_slowly(void *context)
{
    stele__shared *writer = context;
    for (stele_position position = 1; position <= 20; position++) {
        stele__shared own = {.page = NULL};
        stele__shared_open(&own, stele_vfs_system(), "/nowhere/live", false);
        stele__shared_sleep(&own, stele__shared_ticket(&own), STELE_MILLISECONDS(3));
        stele__shared_close(&own);
        stele__shared_publish(writer, position);
    }
}

TEST_WITHIN(a_sleeper_in_another_process_is_woken, 60)
{
    const char *folder = test_folder();
    sleeper one = {.folder = folder, .last = 20};
    stele__shared writer;
    stele__thread publisher;
    open_page(&writer, folder, true);
    (void)stele__shared_take(&writer, &store, boot);
    expect_int(stele__thread_start(&publisher, "publisher", publish_slowly, &writer), 0);
    expect_int(test_in_child(follow_in_child, &one), 0);
    stele__thread_join(&publisher);
    stele__shared_close(&writer);
}

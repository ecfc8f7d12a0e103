/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The suite's own machinery: the targets, memory that goes with the test, a clock that the test
 * moves, opening and closing.
 */
#include "suite.h"
#include "suite_inside.h"

#include <stele/sys/alloc.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- targets */

typedef struct target {
    const char *name;
    const char *url; /* NULL: a fresh folder */
    stele_mapping mapping;
    stele_background background;
    size_t memory_bytes;
    size_t segment_bytes;
    stele_compression compression;
    bool is_reopened;
    bool is_unsynced; /* flushes are left out, for speed: what they are good for is tested elsewhere
                       */
} target;

static const target targets[] = {
    {.name = "memory", .url = "memory:"},
    {.name = "embedded"},
    {.name = "embedded-pread", .mapping = STELE_PREAD, .is_unsynced = true},
    {.name = "embedded-small",
     .background = STELE_NO_THREADS,
     .memory_bytes = STELE_MEMORY_MIN,
     .segment_bytes = (size_t)64 << 10,
     .is_unsynced = true},
    {.name = "embedded-reopen", .is_reopened = true, .is_unsynced = true},
    {.name = "embedded-compressed",
     .segment_bytes = (size_t)64 << 10,
     .compression = STELE_COMPRESS_FAST,
     .is_reopened = true,
     .is_unsynced = true},
};

static const target *chosen_target(void)
{
    const char *name = getenv("STELE_CONFORMANCE_TARGET");
    if (!name || !*name) {
        name = "memory";
    }
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        if (strcmp(targets[i].name, name) == 0) {
            return &targets[i];
        }
    }
    test_fail("STELE_CONFORMANCE_TARGET is '%s', which is no target", name);
}

/* ---- memory */

struct suite_block {
    suite_block *next;
    size_t size; /* of all */
    size_t used;
};

void *suite_allocate(suite *s, size_t size)
{
    const size_t header = (sizeof(suite_block) + 15) & ~(size_t)15;
    const size_t wanted = (size + 15) & ~(size_t)15;
    if (!s->blocks || s->blocks->size - s->blocks->used < wanted) {
        const size_t block_size = header + (wanted > 65536 ? wanted : 65536);
        suite_block *block = stele__allocate_zero(stele_alloc_default(), block_size);
        expect_not_null(block);
        *block = (suite_block){.next = s->blocks, .size = block_size, .used = header};
        s->blocks = block;
    }
    uint8_t *memory = (uint8_t *)s->blocks + s->blocks->used;
    s->blocks->used += wanted;
    return memory;
}

static void release_block(suite *s)
{
    suite_block *block = s->blocks;
    s->blocks = block->next;
    stele__release(stele_alloc_default(), block, block->size);
}

suite_mark suite_remember(suite *s)
{
    return (suite_mark){s->blocks, s->blocks ? s->blocks->used : 0};
}

void suite_forget(suite *s, suite_mark mark)
{
    while (s->blocks != mark.block) {
        release_block(s);
    }
    if (s->blocks) {
        memset((uint8_t *)s->blocks + mark.used, 0, s->blocks->used - mark.used);
        s->blocks->used = mark.used;
    }
}

char *suite_keep(suite *s, const void *bytes, size_t size)
{
    char *copy = suite_allocate(s, size + 1);
    if (size > 0) {
        memcpy(copy, bytes, size);
    }
    return copy;
}

const char *suite_take_text(suite *s, stele__buffer *text)
{
    const char *kept = suite_keep(s, text->data, text->size);
    stele__buffer_done(text);
    return kept;
}

void suite_add(stele__buffer *text, const char *piece)
{
    expect_true(stele__buffer_append(text, piece, strlen(piece)));
}

void suite_add_word(stele__buffer *text, const char *word)
{
    if (text->size > 0) {
        suite_add(text, " ");
    }
    suite_add(text, word);
}

const char *suite_print(suite *s, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    expect_true(size >= 0);
    char *text = suite_allocate(s, (size_t)size + 1);
    va_start(arguments, format);
    (void)vsnprintf(text, (size_t)size + 1, format, arguments);
    va_end(arguments);
    return text;
}

char *suite_repeat(suite *s, char character, size_t size)
{
    char *text = suite_allocate(s, size + 1);
    memset(text, character, size);
    return text;
}

/* ---- the clock */

static stele_time suite_now(void *context)
{
    suite *s = context;
    return atomic_load(&s->wall);
}

/* Real time goes on under it, so that waits with a deadline end. */
static int64_t suite_monotonic(void *context)
{
    suite *s = context;
    const stele_clock *system = stele_clock_system();
    return system->monotonic(system->context) + atomic_load(&s->passed);
}

static void suite_entropy(void *context, void *ret_bytes, size_t size)
{
    (void)context;
    const stele_clock *system = stele_clock_system();
    system->entropy(system->context, ret_bytes, size);
}

static void suite_boot_id(void *context, uint8_t ret_id[16])
{
    (void)context;
    const stele_clock *system = stele_clock_system();
    system->boot_id(system->context, ret_id);
}

void suite_set_clock(suite *s, stele_time time)
{
    atomic_store(&s->wall, time);
}

void suite_pass(suite *s, stele_duration duration)
{
    atomic_fetch_add(&s->passed, duration);
    atomic_fetch_add(&s->wall, duration);
}

/* ---- files */

static int skip_sync(stele_file *file)
{
    (void)file;
    return 0;
}

static int skip_sync_folder(const stele_vfs *vfs, const char *path)
{
    (void)vfs;
    (void)path;
    return 0;
}

/* ---- opening and closing */

suite *suite_new(void)
{
    const target *t = chosen_target();
    suite *s = stele__allocate_zero(stele_alloc_default(), sizeof *s);
    expect_not_null(s);
    s->is_persistent = !t->url;
    s->is_reopened = t->is_reopened;
    s->is_stepped = t->background == STELE_NO_THREADS;
    if (t->url) {
        (void)snprintf(s->url, sizeof s->url, "%s", t->url);
    } else {
        (void)snprintf(s->url, sizeof s->url, "%s/store", test_folder());
    }
    atomic_init(&s->wall, SUITE_TIME);
    atomic_init(&s->passed, 0);
    s->clock = (stele_clock){s, suite_now, suite_monotonic, suite_entropy, suite_boot_id};
    s->options = (stele_options){.mapping = t->mapping,
                                 .compression = t->compression,
                                 .background = t->background,
                                 .memory_bytes = t->memory_bytes,
                                 .segment_bytes = t->segment_bytes,
                                 .clock = &s->clock};
    if (t->is_unsynced) {
        s->vfs = *stele_vfs_system();
        s->vfs.sync = skip_sync;
        s->vfs.sync_folder = skip_sync_folder;
        s->options.vfs = &s->vfs;
    }
    return s;
}

void suite_start(suite *s)
{
    stele_error error;
    expect_ok(stele_open(s->url, &s->options, &s->store, &error), &error);
}

void suite_end(suite **s)
{
    stele_error error;
    if ((*s)->store) {
        expect_ok(stele_close((*s)->store, &error), &error);
    }
    while ((*s)->blocks) {
        release_block(*s);
    }
    stele__release(stele_alloc_default(), *s, sizeof **s);
    *s = NULL;
}

bool suite_reopen(suite *s)
{
    if (!s->is_persistent) {
        return false;
    }
    stele_error error;
    expect_ok(stele_close(s->store, &error), &error);
    s->store = NULL;
    suite_start(s);
    return true;
}

void suite_step_to_the_end(suite *s)
{
    stele_error error;
    int more = 1;
    for (unsigned i = 0; more; i++) {
        if (i == 1000000) {
            test_fail("stele_step() always finds more to do");
        }
        expect_ok(stele_step(s->store, &more, &error), &error);
    }
}

stele_store *held(suite *s)
{
    expect_not_null(s->store);
    return s->store;
}

stele_store *on(suite *s)
{
    if (s->is_reopened && !s->is_pinned) {
        suite_reopen(s);
    }
    if (s->is_stepped) {
        suite_step_to_the_end(s);
    }
    return held(s);
}

void suite_pin(suite *s)
{
    s->is_pinned = true;
}

void suite_settle(suite *s)
{
    stele_error error;
    expect_ok(stele_sync(s->store, &error), &error);
    if (s->options.background == STELE_NO_THREADS) {
        suite_step_to_the_end(s);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening a store by its URL, and closing it.
 *
 * A URL is a scheme of at least two letters and a ':' in front of the rest ("memory:",
 * "file:ledger"); everything else is the path of a folder: "ledger", "/var/lib/ledger", "./a:b",
 * "C:\ledger". Paths are taken as they are, nothing is decoded.
 */
#include "store/store.h"

#include <stele/sys/clock.h>
#include <stele/sys/vfs.h>

#include <inttypes.h>
#include <stdio.h>

#define SEGMENT_BYTES_DEFAULT ((size_t)64 << 20)
#define SEGMENT_BYTES_MIN ((size_t)64 << 10)

/* ---- Options. */

static stele_status check_choices(const stele_options *options, stele_error *reterr)
{
    const struct {
        const char *name;
        unsigned value;
        unsigned max;
    } choices[] = {
        {"access", (unsigned)options->access, STELE_SALVAGE},
        {"durability", (unsigned)options->durability, STELE_DURABLE_NONE},
        {"mapping", (unsigned)options->mapping, STELE_PREAD},
        {"background", (unsigned)options->background, STELE_NO_THREADS},
        {"compression", (unsigned)options->compression, STELE_COMPRESS_SMALL},
    };
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        if (choices[i].value > choices[i].max) {
            return stele__fail(reterr, STELE_INVALID,
                               "the option '%s' is %d, which is none of its values",
                               choices[i].name, (int)choices[i].value);
        }
    }
    return STELE_OK;
}

static stele_status check_options(const stele_options *options, stele_error *reterr)
{
    if (options->version != 0) {
        stele__fail(reterr, STELE_INVALID,
                    "the options have version %" PRIu32 "; this library knows 0", options->version);
        stele__hint(reterr, "zero-initialise them; the program may need a newer libstele");
        return STELE_INVALID;
    }
    STELE_TRY(check_choices(options, reterr));
    if (options->memory_bytes > 0 && options->memory_bytes < STELE_MEMORY_MIN) {
        return stele__fail(reterr, STELE_INVALID_LIMIT,
                           "memory_bytes is %zu; a store needs at least %zu", options->memory_bytes,
                           STELE_MEMORY_MIN);
    }
    if (options->commit_bytes_max > STELE_COMMIT_SIZE_MAX) {
        return stele__fail(reterr, STELE_INVALID_LIMIT,
                           "commit_bytes_max is %zu; at most %zu is allowed",
                           options->commit_bytes_max, STELE_COMMIT_SIZE_MAX);
    }
    if (options->segment_bytes > 0 && options->segment_bytes < SEGMENT_BYTES_MIN) {
        return stele__fail(reterr, STELE_INVALID_LIMIT,
                           "segment_bytes is %zu; at least %zu are needed", options->segment_bytes,
                           SEGMENT_BYTES_MIN);
    }
    if (options->alloc &&
        !(options->alloc->allocate && options->alloc->resize && options->alloc->release)) {
        return stele__fail(reterr, STELE_INVALID, "the allocator lacks a function");
    }
    if (options->clock && !(options->clock->now && options->clock->monotonic &&
                            options->clock->entropy && options->clock->boot_id)) {
        return stele__fail(reterr, STELE_INVALID, "the clock lacks a function");
    }
    return STELE_OK;
}

/* What a backend is given: nothing is left to be guessed. */
static stele_options complete_options(const stele_options *options)
{
    stele_options complete = options ? *options : (stele_options){.version = 0};
    if (complete.durability == STELE_DURABLE_DEFAULT) {
        complete.durability = STELE_DURABLE_FULL;
    }
    complete.memory_bytes = complete.memory_bytes ? complete.memory_bytes : STELE_MEMORY_DEFAULT;
    complete.commit_bytes_max =
        complete.commit_bytes_max ? complete.commit_bytes_max : STELE_COMMIT_SIZE_DEFAULT;
    complete.segment_bytes =
        complete.segment_bytes ? complete.segment_bytes : SEGMENT_BYTES_DEFAULT;
    complete.alloc = complete.alloc ? complete.alloc : stele_alloc_default();
    complete.vfs = complete.vfs ? complete.vfs : stele_vfs_system();
    complete.clock = complete.clock ? complete.clock : stele_clock_system();
    return complete;
}

/* ---- URLs. */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* How many bytes of the URL are its scheme; 0: it has none. */
static size_t scheme_size(const char *url)
{
    size_t size = 0;
    if (!is_letter(url[0])) {
        return 0;
    }
    while (is_letter(url[size]) || (url[size] >= '0' && url[size] <= '9') || url[size] == '+' ||
           url[size] == '.' || url[size] == '-') {
        size++;
    }
    return url[size] == ':' && size >= 2 ? size : 0;
}

static bool is_scheme(const char *scheme, const char *url, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        const char lower = url[i] >= 'A' && url[i] <= 'Z' ? (char)(url[i] - 'A' + 'a') : url[i];
        if (scheme[i] != lower) {
            return false;
        }
    }
    return scheme[size] == '\0';
}

static stele_status fail_scheme(const char *url, size_t size, stele_error *reterr)
{
    char known[160] = "";
    size_t used = 0;
    for (const stele__store_backend *entry = stele__store_backends;
         entry->scheme && used < sizeof known; entry++) {
        const int more = snprintf(known + used, sizeof known - used, "%s%s: (%s)", used ? ", " : "",
                                  entry->scheme, entry->description);
        used += more > 0 ? (size_t)more : 0;
    }
    stele__fail(reterr, STELE_UNSUPPORTED,
                "cannot open %s: there is no storage '%.*s' in this build", url, (int)size, url);
    stele__hint(reterr, "there is %s; a folder with ':' in its name is written ./%.*s:…", known,
                (int)size, url);
    return STELE_UNSUPPORTED;
}

/* "file:///var/lib/x" and "file:x". */
static stele_status strip_authority(const char **location, const char *url, stele_error *reterr)
{
    if (strncmp(*location, "//", 2) != 0) {
        return STELE_OK;
    }
    if ((*location)[2] != '/') {
        stele__fail(reterr, STELE_INVALID, "cannot open %s: it names a host", url);
        stele__hint(reterr, "write file:PATH or file:///PATH");
        return STELE_INVALID;
    }
    *location += 2;
    return STELE_OK;
}

static stele_status find_backend(const char *url, const stele__store_backend **ret_entry,
                                 const char **ret_location, stele_error *reterr)
{
    const size_t size = scheme_size(url);
    const char *location = size > 0 ? url + size + 1 : url;
    const stele__store_backend *entry = stele__store_backends;
    while (entry->scheme &&
           !(size > 0 ? is_scheme(entry->scheme, url, size) : strcmp(entry->scheme, "file") == 0)) {
        entry++;
    }
    if (!entry->scheme) {
        return fail_scheme(size > 0 ? url : "file", size > 0 ? size : 4, reterr);
    }
    if (strcmp(entry->scheme, "file") == 0) {
        if (size > 0) {
            STELE_TRY(strip_authority(&location, url, reterr));
        }
        if (location[0] == '\0') {
            return stele__fail(reterr, STELE_INVALID, "'%s' names no folder", url);
        }
    }
    *ret_entry = entry;
    *ret_location = location;
    return STELE_OK;
}

/* ---- Opening and closing. */

static stele_status open_backend(stele_store *store, const char *url, const stele_options *options,
                                 stele_error *reterr)
{
    const stele__store_backend *entry = NULL;
    const char *location = NULL;
    STELE_TRY(find_backend(url, &entry, &location, reterr));
    return entry->open(location, options, &store->backend, reterr);
}

stele_status stele_open(const char *url, const stele_options *options, stele_store **ret_store,
                        stele_error *reterr)
{
    stele_error local;
    stele_error *error = reterr ? reterr : &local;
    if (!url || url[0] == '\0') {
        stele__fail(error, STELE_INVALID, "the URL of the store is %s", url ? "empty" : "NULL");
        stele__hint(error, "give the path of a folder, or memory:");
        return STELE_INVALID;
    }
    if (!ret_store) {
        return stele__fail(error, STELE_INVALID, "ret_store is NULL");
    }
    if (options) {
        STELE_TRY(check_options(options, error));
    }
    const stele_options complete = complete_options(options);
    stele_store *store = stele__allocate_zero(complete.alloc, sizeof *store);
    if (!store) {
        return stele__fail_memory(error);
    }
    store->alloc = complete.alloc;
    stele__fork_watch();
    store->fork_generation = stele__fork_generation();
    store->access = complete.access;
    store->durability = complete.durability;
    store->commit_bytes_max = complete.commit_bytes_max;
    const stele_status status = open_backend(store, url, &complete, error);
    if (status != STELE_OK) {
        stele__release(complete.alloc, store, sizeof *store);
        return status;
    }
    *ret_store = store;
    return stele__succeed(error);
}

stele_status stele_close(stele_store *store, stele_error *reterr)
{
    stele_error local;
    stele_error *error = reterr ? reterr : &local;
    stele_status status = STELE_OK;
    if (!store) {
        return stele__succeed(error);
    }
    const stele_alloc *alloc = store->alloc;
    if (store->fork_generation == stele__fork_generation()) {
        status = store->backend->table->close(store->backend, error);
    }
    /* After fork() the backend's locks are in an unknown state and its threads are not there: what
     * it has is left to the end of the process, and nothing of the parent's is touched. */
    stele__release(alloc, store, sizeof *store);
    return status == STELE_OK ? stele__succeed(error) : status;
}

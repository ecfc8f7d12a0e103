/* SPDX-License-Identifier: Apache-2.0 */
/* Every allocation and every call to the files fails once, and from then on, while index files are
 * built, opened, merged, used and checked: the answer says so, nothing leaks, and nothing is left
 * behind. */
#include "index_model.h"

#include <errno.h>

/* ---- files that fail ---- */

/* In front of the system's files: the n-th call fails. */
typedef struct flaky_files {
    stele_vfs vfs;
    uint64_t calls;
    uint64_t fail_at; /* 0: never */
    bool stays_broken;
    int os_error; /* 0: reads come back short, the rest fails with EIO */
    uint64_t failures;
    uint64_t sync_count;
    uint64_t writes_since_sync;
    uint64_t largest_write;
    uint64_t open_count;
    uint64_t map_count;
} flaky_files;

typedef struct flaky_file {
    stele_file file;
    stele_file *below;
} flaky_file;

static int fails(const stele_vfs *vfs)
{
    flaky_files *files = vfs->context;
    files->calls++;
    if (files->fail_at == 0 || files->calls < files->fail_at ||
        (files->calls > files->fail_at && !files->stays_broken)) {
        return 0;
    }
    files->failures++;
    return files->os_error ? files->os_error : EIO;
}

static stele_file *below(stele_file *file)
{
    return ((flaky_file *)file)->below;
}

static int flaky_open(const stele_vfs *vfs, const char *path, int flags, stele_file **ret_file)
{
    const int failure = fails(vfs);
    if (failure) {
        return failure;
    }
    flaky_file *file = stele__allocate(stele_alloc_default(), sizeof *file);
    expect_not_null(file);
    file->file.vfs = vfs;
    const int os_error = stele_vfs_system()->open(stele_vfs_system(), path, flags, &file->below);
    if (os_error) {
        stele__release(stele_alloc_default(), file, sizeof *file);
        return os_error;
    }
    ((flaky_files *)vfs->context)->open_count++;
    *ret_file = &file->file;
    return 0;
}

static void flaky_close(stele_file *file)
{
    ((flaky_files *)file->vfs->context)->open_count--;
    stele_vfs_system()->close(below(file));
    stele__release(stele_alloc_default(), file, sizeof(flaky_file));
}

static int flaky_read(stele_file *file, uint64_t offset, void *ret_bytes, size_t size,
                      size_t *ret_read)
{
    const int failure = fails(file->vfs);
    const flaky_files *files = file->vfs->context;
    if (failure && files->os_error) {
        return failure;
    }
    return stele_vfs_system()->read(below(file), offset, ret_bytes, failure ? size / 2 : size,
                                    ret_read);
}

/* Half of it is written before it fails. */
static int flaky_write(stele_file *file, uint64_t offset, const void *bytes, size_t size)
{
    const int failure = fails(file->vfs);
    flaky_files *files = file->vfs->context;
    files->writes_since_sync++;
    files->largest_write = size > files->largest_write ? size : files->largest_write;
    const int os_error =
        stele_vfs_system()->write(below(file), offset, bytes, failure ? size / 2 : size);
    return failure ? failure : os_error;
}

static int flaky_sync(stele_file *file)
{
    const int failure = fails(file->vfs);
    flaky_files *files = file->vfs->context;
    files->sync_count++;
    files->writes_since_sync = 0;
    return failure ? failure : stele_vfs_system()->sync(below(file));
}

static int flaky_size(stele_file *file, uint64_t *ret_size)
{
    const int failure = fails(file->vfs);
    return failure ? failure : stele_vfs_system()->size(below(file), ret_size);
}

static int flaky_truncate(stele_file *file, uint64_t size)
{
    const int failure = fails(file->vfs);
    return failure ? failure : stele_vfs_system()->truncate(below(file), size);
}

static int flaky_map(stele_file *file, size_t size, const uint8_t **ret_memory)
{
    const int failure = fails(file->vfs);
    const int os_error = failure ? failure : stele_vfs_system()->map(below(file), size, ret_memory);
    ((flaky_files *)file->vfs->context)->map_count += os_error == 0;
    return os_error;
}

static void flaky_unmap(const stele_vfs *vfs, const uint8_t *memory, size_t size)
{
    ((flaky_files *)vfs->context)->map_count--;
    stele_vfs_system()->unmap(stele_vfs_system(), memory, size);
}

/* Removing never fails: what is left behind can be seen. */
static int flaky_remove(const stele_vfs *vfs, const char *path)
{
    (void)vfs;
    return stele_vfs_system()->remove(stele_vfs_system(), path);
}

static void make_flaky(flaky_files *files)
{
    *files = (flaky_files){.vfs = {.context = files,
                                   .open = flaky_open,
                                   .close = flaky_close,
                                   .read = flaky_read,
                                   .write = flaky_write,
                                   .sync = flaky_sync,
                                   .size = flaky_size,
                                   .truncate = flaky_truncate,
                                   .map = flaky_map,
                                   .unmap = flaky_unmap,
                                   .remove = flaky_remove}};
}

static bool exists(const char *path)
{
    stele_file *file;
    if (stele_vfs_system()->open(stele_vfs_system(), path, STELE_FILE_READ, &file) != 0) {
        return false;
    }
    stele_vfs_system()->close(file);
    return true;
}

/* ---- what is done under faults ---- */

typedef struct fixture_data {
    index_model model;
    const char *folder;
    const char *parts[2]; /* files of the halves of the model */
    const char *merged;
    const char *built;
    index_model halves[2];
} fixture_data;

static void make_fixture(fixture_data *fixture)
{
    const model_shape shape = {
        500, MODEL_NAMES_PREFIX, MODEL_COUNTS_EDGES, MODEL_GAPS_BURSTS, 40000, 4};
    model_make(&fixture->model, &shape, test_seed());
    fixture->folder = test_folder();
    fixture->merged = test_path(fixture->folder, "merged");
    fixture->built = test_path(fixture->folder, "built");
    for (size_t i = 0; i < 2; i++) {
        fixture->parts[i] = test_path(fixture->folder, i ? "right" : "left");
        model_cut(&fixture->model, 2 * i, 2, &fixture->halves[i]);
        (void)model_write(&fixture->halves[i], fixture->parts[i]);
    }
}

static void free_fixture(fixture_data *fixture)
{
    model_done(&fixture->model);
    model_done(&fixture->halves[0]);
    model_done(&fixture->halves[1]);
}

/* Where it happens. */
typedef struct surroundings {
    const stele_alloc *alloc;
    const stele_vfs *vfs;
    stele_mapping mapping;
} surroundings;

static stele_status open_part(const fixture_data *fixture, const surroundings *at, size_t part,
                              stele__index **ret_index, stele_error *reterr)
{
    const index_model *half = &fixture->halves[part];
    return stele__index_open(at->alloc, at->vfs, fixture->parts[part], at->mapping, &half->store,
                             &half->key, model_first(half), model_last(half), ret_index, reterr);
}

static stele_status do_build(const fixture_data *fixture, const surroundings *at,
                             stele_error *reterr)
{
    stele__index_params params = model_params(&fixture->model, fixture->built);
    params.alloc = at->alloc;
    params.vfs = at->vfs;
    const stele_status status = model_build(&fixture->model, &params, NULL, reterr);
    expect_int(exists(fixture->built), status == STELE_OK);
    return status;
}

static stele_status use(const fixture_data *fixture, const stele__index *index, stele_error *reterr)
{
    stele__index_terms terms;
    stele__index_postings postings;
    stele__index_entry entry;
    bool found = true;
    const model_term *term = &fixture->halves[0].terms[3];
    const uint64_t hash = stele__term_hash(&fixture->model.key, term->kind, model_name(term));
    STELE_TRY(stele__index_find(index, term->kind, model_name(term), hash, &entry, &found, reterr));
    expect_true(found);
    STELE_TRY(stele__index_terms_seek(&terms, index, STELE_TERM_STREAM, stele__text("m"), reterr));
    for (size_t i = 0; i < 100 && found; i++) {
        stele_position position;
        uint32_t rank;
        STELE_TRY(stele__index_terms_next(&terms, &found, reterr));
        stele__index_postings_init(&postings, index, &terms.entry);
        STELE_TRY(stele__index_position_at(&postings, terms.entry.count / 2, &position, reterr));
        STELE_TRY(stele__index_rank_of(&postings, position, &rank, reterr));
        expect_uint(rank, terms.entry.count / 2);
    }
    uint32_t offset;
    STELE_TRY(stele__index_offset_of(index, stele__index_last(index), &offset, reterr));
    return STELE_OK;
}

static stele_status do_use(const fixture_data *fixture, const surroundings *at, stele_error *reterr)
{
    stele__index *index = NULL;
    STELE_TRY(open_part(fixture, at, 0, &index, reterr));
    const stele_status status = use(fixture, index, reterr);
    stele__index_unref(index);
    return status;
}

static stele_status do_check(const fixture_data *fixture, const surroundings *at,
                             stele_error *reterr)
{
    stele__index *index = NULL;
    STELE_TRY(open_part(fixture, at, 1, &index, reterr));
    const stele_status status = stele__index_check(index, NULL, NULL, reterr);
    stele__index_unref(index);
    return status;
}

static stele_status do_merge(const fixture_data *fixture, const surroundings *at,
                             stele_error *reterr)
{
    stele__index *indexes[2] = {NULL, NULL};
    stele__index_params params = model_params(&fixture->model, fixture->merged);
    params.alloc = at->alloc;
    params.vfs = at->vfs;
    stele_status status = open_part(fixture, at, 0, &indexes[0], reterr);
    if (status == STELE_OK) {
        status = open_part(fixture, at, 1, &indexes[1], reterr);
    }
    if (status == STELE_OK) {
        status = stele__index_merge(&params, indexes, 2, NULL, NULL, reterr);
    }
    stele__index_unref(indexes[0]);
    stele__index_unref(indexes[1]);
    expect_int(exists(fixture->merged), status == STELE_OK);
    return status;
}

typedef struct deed {
    stele_status (*act)(const fixture_data *fixture, const surroundings *at, stele_error *reterr);
    stele_mapping mapping;
} deed;

static const deed deeds[] = {
    {do_build, STELE_MAP}, {do_use, STELE_MAP},   {do_use, STELE_PREAD},
    {do_check, STELE_MAP}, {do_merge, STELE_MAP}, {do_merge, STELE_PREAD},
};

static void clean(const fixture_data *fixture)
{
    (void)stele_vfs_system()->remove(stele_vfs_system(), fixture->built);
    (void)stele_vfs_system()->remove(stele_vfs_system(), fixture->merged);
}

/* ---- the loops ---- */

TEST_ROWS(any_allocation_may_fail, deeds)
{
    fixture_data fixture;
    uint64_t injected = 0;
    make_fixture(&fixture);
    for (int from_then_on = 0; from_then_on < 2; from_then_on++) {
        for (uint64_t n = 1;; n++) {
            test_alloc alloc;
            stele_error error;
            test_alloc_init(&alloc);
            test_alloc_fail(&alloc, n, from_then_on ? TEST_ALLOC_FROM : TEST_ALLOC_ONCE);
            const surroundings at = {&alloc.alloc, stele_vfs_system(), deeds[row].mapping};
            const stele_status status = deeds[row].act(&fixture, &at, &error);
            expect_no_leak(&alloc);
            clean(&fixture);
            if (alloc.failures == 0) {
                expect_ok(status, &error);
                break;
            }
            expect_error(status, &error, STELE_NO_MEMORY);
            injected++;
        }
    }
    free_fixture(&fixture);
    test_note("%llu failed allocations", (unsigned long long)injected);
    expect_true(injected >= 4);
}

typedef struct file_fault {
    int os_error;
    stele_status expected;
} file_fault;

/* A read that comes back short is a file that is too short: damage. */
static void expect_file_failure(stele_status status, const stele_error *error,
                                const file_fault *fault)
{
    if (fault->os_error == 0 && status == STELE_CORRUPT) {
        return;
    }
    expect_error(status, error, fault->expected);
    expect_int(error->os_error, fault->os_error ? fault->os_error : EIO);
}

TEST_ROWS(any_call_to_the_files_may_fail, deeds)
{
    static const file_fault faults[] = {{EIO, STELE_IO}, {ENOSPC, STELE_NO_SPACE}, {0, STELE_IO}};
    fixture_data fixture;
    uint64_t injected = 0;
    make_fixture(&fixture);
    for (unsigned kind = 0; kind < 6; kind++) {
        const file_fault *fault = &faults[kind / 2];
        uint64_t step = 1;
        for (uint64_t n = 1;; n += step) {
            flaky_files files;
            test_alloc alloc;
            stele_error error;
            make_flaky(&files);
            test_alloc_init(&alloc);
            files.fail_at = n;
            files.stays_broken = kind % 2;
            files.os_error = fault->os_error;
            const surroundings at = {&alloc.alloc, &files.vfs, deeds[row].mapping};
            const stele_status status = deeds[row].act(&fixture, &at, &error);
            expect_no_leak(&alloc);
            expect_uint(files.open_count, 0);
            expect_uint(files.map_count, 0);
            clean(&fixture);
            if (files.failures == 0) {
                expect_ok(status, &error);
                break;
            }
            expect_file_failure(status, &error, fault);
            injected++;
            step = 1 + n / 40;
        }
    }
    free_fixture(&fixture);
    test_note("%llu failed calls", (unsigned long long)injected);
    expect_true(injected >= 24);
}

TEST(a_finished_file_is_synced_once_after_its_last_write)
{
    fixture_data fixture;
    flaky_files files;
    stele_error error;
    make_fixture(&fixture);
    make_flaky(&files);
    const surroundings at = {stele_alloc_default(), &files.vfs, STELE_MAP};
    expect_ok(do_build(&fixture, &at, &error), &error);
    expect_uint(files.sync_count, 1);
    expect_uint(files.writes_since_sync, 0);
    expect_true(files.largest_write >= 64 * 1024);
    free_fixture(&fixture);
}

TEST(files_that_cannot_be_mapped_are_read)
{
    fixture_data fixture;
    flaky_files files;
    stele_error error;
    make_fixture(&fixture);
    make_flaky(&files);
    files.os_error = ENOTSUP;
    files.fail_at = 4; /* open, size, read, map */
    const surroundings at = {stele_alloc_default(), &files.vfs, STELE_MAP};
    expect_ok(do_use(&fixture, &at, &error), &error);
    expect_uint(files.failures, 1);
    expect_true(files.calls > 10);
    free_fixture(&fixture);
}

/* ---- wrong calls ---- */

/* What a builder is told, step by step; the last step is wrong. */
typedef enum build_step {
    END = 0,
    SEGMENT,      /* positions 1 to 10 */
    NEXT_SEGMENT, /* 11 to 20 */
    FAR_SEGMENT,  /* 30 to 40 */
    OFFSETS,      /* ten of them */
    LOW_OFFSET,
    ONE_OFFSET,
    TERM_B,
    TERM_A,
    TERM_TAG_B,
    TERM_KIND, /* kind 6 */
    TERM_EMPTY,
    TERM_LONG,
    TERM_TAG_REVISION,
    POSITION_5,
    POSITION_11,
    POSITION_0,
    FINISH
} build_step;

static stele_status take_step(stele__index_builder *builder, build_step step, stele_error *reterr)
{
    static const char long_name[STELE_STREAM_NAME_SIZE_MAX + 1] = {'x'};
    static const stele__index_segment segments[] = {{.number = 1, .first = 1, .last = 10},
                                                    {.number = 2, .first = 11, .last = 20},
                                                    {.number = 3, .first = 30, .last = 40}};
    static const uint32_t offsets[] = {10, 20, 30, 40, 50, 60, 70, 80, 90, 100};
    static const stele_position positions[] = {5, 11, 0};
    switch (step) {
    case SEGMENT:
    case NEXT_SEGMENT:
    case FAR_SEGMENT:
        return stele__index_add_segment(builder, &segments[step - SEGMENT], reterr);
    case OFFSETS:
        return stele__index_add_offsets(builder, offsets, 10, reterr);
    case LOW_OFFSET:
    case ONE_OFFSET:
        return stele__index_add_offsets(builder, offsets, 1, reterr);
    case TERM_B:
        return stele__index_add_term(builder, STELE_TERM_STREAM, stele__text("b"), 0, false,
                                     reterr);
    case TERM_A:
        return stele__index_add_term(builder, STELE_TERM_STREAM, stele__text("a"), 0, false,
                                     reterr);
    case TERM_TAG_B:
        return stele__index_add_term(builder, STELE_TERM_TAG, stele__text("b"), 0, true, reterr);
    case TERM_KIND:
        return stele__index_add_term(builder, (stele__term_kind)6, stele__text("c"), 0, false,
                                     reterr);
    case TERM_EMPTY:
        return stele__index_add_term(builder, STELE_TERM_STREAM, stele__text(""), 0, false, reterr);
    case TERM_LONG:
        return stele__index_add_term(builder, STELE_TERM_STREAM,
                                     (stele_text){long_name, sizeof long_name}, 0, false, reterr);
    case TERM_TAG_REVISION:
        return stele__index_add_term(builder, STELE_TERM_TAG, stele__text("c"), 7, false, reterr);
    case POSITION_5:
    case POSITION_11:
    case POSITION_0:
        return stele__index_add_positions(builder, &positions[step - POSITION_5], 1, reterr);
    case END:
    case FINISH:
        break;
    }
    return STELE_OK;
}

static const build_step wrong_steps[][8] = {
    {FINISH},
    {TERM_A},
    {ONE_OFFSET},
    {POSITION_5},
    {SEGMENT, FINISH},
    {SEGMENT, TERM_A},
    {SEGMENT, NEXT_SEGMENT},
    {SEGMENT, ONE_OFFSET, LOW_OFFSET},
    {SEGMENT, OFFSETS, ONE_OFFSET},
    {SEGMENT, OFFSETS, SEGMENT},
    {SEGMENT, OFFSETS, FAR_SEGMENT},
    {SEGMENT, OFFSETS, POSITION_5},
    {SEGMENT, OFFSETS, TERM_KIND},
    {SEGMENT, OFFSETS, TERM_EMPTY},
    {SEGMENT, OFFSETS, TERM_LONG},
    {SEGMENT, OFFSETS, TERM_TAG_REVISION},
    {SEGMENT, OFFSETS, TERM_TAG_B},
    {SEGMENT, OFFSETS, TERM_B, FINISH},
    {SEGMENT, OFFSETS, TERM_B, NEXT_SEGMENT},
    {SEGMENT, OFFSETS, TERM_B, POSITION_11},
    {SEGMENT, OFFSETS, TERM_B, POSITION_0},
    {SEGMENT, OFFSETS, TERM_B, POSITION_5, POSITION_5},
    {SEGMENT, OFFSETS, TERM_B, POSITION_5, TERM_A},
    {SEGMENT, OFFSETS, TERM_B, POSITION_5, TERM_B},
    {SEGMENT, OFFSETS, TERM_B, POSITION_5, NEXT_SEGMENT},
};

TEST_ROWS(a_wrong_call_is_refused_and_final, wrong_steps)
{
    const index_model nothing = {0};
    const char *path = test_path(test_folder(), "index");
    const stele__index_params params = model_params(&nothing, path);
    stele__index_builder *builder;
    stele_error error;
    const build_step *steps = wrong_steps[row];
    expect_ok(stele__index_build(&params, &builder, &error), &error);
    for (; steps[1] != END; steps++) {
        expect_ok(take_step(builder, *steps, &error), &error);
    }
    if (*steps != FINISH) {
        expect_error(take_step(builder, *steps, &error), &error, STELE_INVALID);
        expect_error(take_step(builder, TERM_B, &error), &error, STELE_INVALID);
    }
    expect_error(stele__index_finish(builder, NULL, &error), &error, STELE_INVALID);
    expect_false(exists(path));
}

TEST(a_cancelled_builder_leaves_nothing)
{
    const index_model nothing = {0};
    const char *path = test_path(test_folder(), "index");
    stele__index_params params = model_params(&nothing, path);
    stele__index_builder *builder;
    stele_error error;
    test_alloc alloc;
    test_alloc_init(&alloc);
    params.alloc = &alloc.alloc;
    expect_ok(stele__index_build(&params, &builder, &error), &error);
    expect_ok(take_step(builder, SEGMENT, &error), &error);
    expect_true(exists(path));
    stele__index_cancel(builder);
    stele__index_cancel(NULL);
    expect_false(exists(path));
    expect_no_leak(&alloc);
}

/* ---- memory ---- */

TEST(building_and_merging_take_bounded_memory)
{
    static const model_shape shapes[] = {
        {300, MODEL_NAMES_PREFIX, MODEL_COUNTS_EDGES, MODEL_GAPS_EVEN, 20000, 2},
        {300, MODEL_NAMES_PREFIX, MODEL_COUNTS_MANY, MODEL_GAPS_EVEN, 1000000, 2},
        {60000, MODEL_NAMES_PREFIX, MODEL_COUNTS_FEW, MODEL_GAPS_EVEN, 100000, 2},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        index_model model;
        test_alloc alloc;
        stele_error error;
        uint64_t bytes = 0;
        model_make(&model, &shapes[i], test_seed());
        test_alloc_init(&alloc);
        stele__index_params params = model_params(&model, test_path(test_folder(), "index"));
        params.alloc = &alloc.alloc;
        expect_ok(model_build(&model, &params, &bytes, &error), &error);
        expect_no_leak(&alloc);
        const uint64_t pages = bytes / 4096;
        const uint64_t allowed = 256 * 1024 + model.term_count * 3 / 2 + 2 * (40 + 4) * pages;
        test_note("%zu terms, %llu bytes: %llu bytes of memory at most", model.term_count,
                  (unsigned long long)bytes, (unsigned long long)alloc.peak_bytes);
        expect_true(alloc.peak_bytes <= allowed);
        model_done(&model);
    }
}

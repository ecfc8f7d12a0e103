/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runner over Check: collects the tests that registered themselves, gives each a case of its
 * own (so that CK_RUN_CASE and the report know it by name), and fails when there was nothing to
 * run. Check's own macros stay in this folder: they are not clean under our warnings.
 */
#define _GNU_SOURCE
#include "support/test.h"

#include <check.h>
#include <pthread.h>

#include <ftw.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SELECTED_MAX 4096
#define REMEMBERED_MAX 65536
#define FOLDERS_MAX 1024

static test_case *registered;
static const test_case *selected[SELECTED_MAX];
static size_t selected_count;
static void *remembered[REMEMBERED_MAX]; /* memory lent to the test */
static size_t remembered_count;
static const char *folders[FOLDERS_MAX]; /* some of it */
static char folders_root[256];
static size_t folder_count;
static size_t folder_number;
static bool seed_was_used;

void test_register(test_case *test)
{
    test_case **at = &registered;

    /* In the order of the file. */
    while (*at) {
        at = &(*at)->next;
    }
    *at = test;
}

/* ---- Failing and noting */

void test_fail_at(const char *file, int line, const char *format, ...)
{
    char text[4096];
    va_list arguments;
    size_t used;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    used = strlen(text);
    if (seed_was_used) {
        (void)snprintf(text + used, sizeof text - used, "\n    with STELE_TEST_SEED=%" PRIu64,
                       test_seed());
    }
    _ck_assert_failed(file, line, "Failed", "%s", text);
    /* Check ends the process (or jumps, without forking). */
    abort();
}

void test_note(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)fputs("    ", stdout);
    (void)vprintf(format, arguments);
    (void)fputc('\n', stdout);
    (void)fflush(stdout);
    va_end(arguments);
}

/* ---- Numbers from the environment */

static uint64_t number_of(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    char *end;
    unsigned long long value;

    if (!text || !*text) {
        return otherwise;
    }
    value = strtoull(text, &end, 0);
    if (*end) {
        (void)fprintf(stdout, "%s=%s is no number\n", variable, text);
        exit(2);
    }
    return value;
}

uint64_t test_seed(void)
{
    seed_was_used = true;
    return number_of("STELE_TEST_SEED", 1);
}

uint64_t test_scaled(uint64_t base)
{
    const char *text = getenv("STELE_TEST_SCALE");
    const double scale = text && *text ? strtod(text, NULL) : 1.0;
    const double scaled = (double)base * scale;

    return scaled < 1.0 ? 1 : (uint64_t)scaled;
}

/* ---- Folders */

/* Any thread of the test. */
static void *remember(void *memory)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    (void)pthread_mutex_lock(&lock);
    if (!memory || remembered_count == REMEMBERED_MAX) {
        test_fail("too much memory for one test");
    }
    remembered[remembered_count++] = memory;
    (void)pthread_mutex_unlock(&lock);
    return memory;
}

static void forget_all(void)
{
    while (remembered_count > 0) {
        free(remembered[--remembered_count]);
    }
}

static char *print_text(const char *format, ...) STELE_PRINTF(1, 2);

static char *print_text(const char *format, ...)
{
    char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0) {
        text = NULL;
    }
    va_end(arguments);
    return text;
}

void *test_memory(size_t size)
{
    return remember(calloc(1, size ? size : 1));
}

const char *test_folder(void)
{
    const char *folder = (const char *)remember(
        print_text("%s/%ld-%zu", folders_root, (long)getpid(), folder_number++));

    if (folder_count == FOLDERS_MAX) {
        test_fail("too many folders for one test");
    }
    if (mkdir(folder, 0700) != 0) {
        test_fail("cannot make the folder %s", folder);
    }
    folders[folder_count++] = folder;
    return folder;
}

const char *test_path(const char *folder, const char *name)
{
    return (const char *)remember(print_text("%s/%s", folder, name));
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

static void remove_tree(const char *path)
{
    const char *keep = getenv("STELE_TEST_KEEP");

    if (!keep || !*keep || strcmp(keep, "0") == 0) {
        (void)nftw(path, remove_entry, 32, FTW_DEPTH | FTW_PHYS);
    }
}

/* After each test, in its process; what a killed process leaves goes with the root at the end. */
static void clean_up(void)
{
    while (folder_count > 0) {
        remove_tree(folders[--folder_count]);
    }
    forget_all();
}

static void make_root(void)
{
    const char *parent = getenv("TMPDIR");

    (void)snprintf(folders_root, sizeof folders_root, "%s/stele-test-XXXXXX",
                   parent && *parent ? parent : "/tmp");
    if (!mkdtemp(folders_root)) {
        (void)fprintf(stdout, "cannot make the folder %s\n", folders_root);
        exit(2);
    }
}

/* ---- Children */

int test_in_child(int (*run)(void *context), void *context)
{
    int status = 0;
    pid_t child;

    (void)fflush(NULL);
    child = fork();
    if (child < 0) {
        test_fail("cannot fork");
    }
    if (child == 0) {
        _exit(run(context));
    }
    if (waitpid(child, &status, 0) != child) {
        test_fail("cannot wait for the child");
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* ---- Running */

void test_begin(const test_case *test)
{
    tcase_fn_start(test->name, test->file, test->line);
}

static void select_tests(void)
{
    const char *wanted = getenv("STELE_TEST");

    for (const test_case *test = registered; test; test = test->next) {
        if (wanted && *wanted && !strstr(test->name, wanted)) {
            continue;
        }
        if (selected_count == SELECTED_MAX) {
            (void)fputs("too many tests in one executable\n", stdout);
            exit(2);
        }
        selected[selected_count++] = test;
    }
}

static Suite *make_suite(const char *name, TTest *functions)
{
    Suite *suite = suite_create(name);

    for (size_t i = 0; i < selected_count; i++) {
        const test_case *test = selected[i];
        TCase *one = tcase_create(test->name);
        tcase_set_timeout(one, (double)test->timeout);
        tcase_add_checked_fixture(one, NULL, clean_up);
        functions[i] = (TTest){test->name, test->run, test->file, test->line};
        tcase_add_loop_test(one, &functions[i], 0, (int)test->rows);
        suite_add_tcase(suite, one);
    }
    return suite;
}

int main(int count, char **arguments)
{
    const char *slash = count > 0 ? strrchr(arguments[0], '/') : NULL;
    const char *name = slash ? slash + 1 : "test";
    TTest *functions;
    SRunner *runner;
    int run;
    int failed;

    select_tests();
    if (selected_count == 0) {
        (void)fprintf(stdout, "%s: no test has been selected, which counts as a failure\n", name);
        return 1;
    }
    functions = (TTest *)calloc(selected_count, sizeof *functions);
    if (!functions) {
        return 2;
    }
    make_root();
    runner = srunner_create(make_suite(name, functions));
    srunner_run_all(runner, CK_ENV);
    run = srunner_ntests_run(runner);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    remove_tree(folders_root);
    free(functions);
    if (run == 0) {
        (void)fprintf(stdout, "%s: no test has been run, which counts as a failure\n", name);
    }
    return failed == 0 && run > 0 ? 0 : 1;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replays a corpus through a fuzz target without libFuzzer: every file of the folders given, and
 * every file given, in the order of their names; then a few inputs made on the spot, so that a
 * target is exercised before it has a corpus. Prints the file before it is run, so that a crash
 * names its cause.
 */
#include "fuzz.h"

#include "base/base.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { FILE_BYTES_MAX = 1 << 20, NAMES_MAX = 100000 };

static uint8_t content[FILE_BYTES_MAX];

static bool run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        (void)printf("cannot open %s\n", path);
        return false;
    }
    const size_t size = fread(content, 1, sizeof content, file);
    (void)fclose(file);
    (void)printf("%s (%zu bytes)\n", path, size);
    /* Memory of the exact size, so that a sanitizer sees reading beyond it. */
    uint8_t *exact = stele__allocate(stele_alloc_default(), size);
    STELE_ASSERT(exact != NULL);
    memcpy(exact, content, size);
    (void)LLVMFuzzerTestOneInput(exact, size);
    stele__release(stele_alloc_default(), exact, size);
    return true;
}

static int is_plain(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static bool run_folder(const char *path, uint64_t *count)
{
    struct dirent **entries;
    const int found = scandir(path, &entries, is_plain, alphasort);
    bool is_right = found >= 0;
    for (int i = 0; i < found; i++) {
        char name[1000];
        (void)snprintf(name, sizeof name, "%s/%s", path, entries[i]->d_name);
        is_right = is_right && run_file(name);
        (*count)++;
        free(entries[i]);
    }
    if (found >= 0) {
        free(entries);
    }
    return is_right;
}

/* Random inputs of growing size. */
static void run_made_up(uint64_t count)
{
    stele__prng prng;
    stele__prng_seed(&prng, 1);
    for (uint64_t i = 0; i < count; i++) {
        const size_t size = (size_t)stele__prng_below(&prng, 1 + i * 8);
        stele__prng_fill(&prng, content, size);
        (void)LLVMFuzzerTestOneInput(content, size);
    }
}

int main(int argc, char **argv)
{
    uint64_t count = 0;
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 1; i < argc; i++) {
        struct stat about;
        const bool is_folder = stat(argv[i], &about) == 0 && S_ISDIR(about.st_mode);
        if (is_folder ? !run_folder(argv[i], &count) : !run_file(argv[i])) {
            (void)printf("cannot read %s\n", argv[i]);
            return 1;
        }
        count += is_folder ? 0 : 1;
    }
    run_made_up(200);
    (void)printf("%llu files of the corpus, and 200 made up\n", (unsigned long long)count);
    return 0;
}

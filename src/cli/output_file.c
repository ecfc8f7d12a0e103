/* SPDX-License-Identifier: Apache-2.0 */
/* Files that appear whole, see output_file.h. */
#include "output_file.h"

#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FLUSH_SIZE ((size_t)1 << 20)

/* Where the file shall stand: behind symbolic links, if there are any. */
static char *final_path(const char *path)
{
    char resolved[PATH_MAX];
    const char *place = realpath(path, resolved) ? resolved : path;

    return cli_arena_text(&cli_forever, place, strlen(place));
}

static int open_temporary(cli_output_file *file, const char *path)
{
    CLI_CLEANUP_BUFFER cli_buffer name = {0};

    file->path = final_path(path);
    cli_buffer_format(&name, "%s.%ld.part", file->path, (long)getpid());
    file->temporary = cli_arena_text(&cli_forever, name.data, name.size);
    file->descriptor = open(file->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file->descriptor < 0) {
        file->temporary = NULL;
        return cli_fail_os(errno, "cannot create %s", path);
    }
    return -1;
}

int cli_output_file_open(cli_output_file *file, const char *path)
{
    struct stat facts;

    *file = (cli_output_file){.descriptor = STDOUT_FILENO,
                              .is_standard_output = true,
                              .name = "standard output"};
    if (!path || strcmp(path, "-") == 0) {
        return -1;
    }
    file->is_standard_output = false;
    file->name = path;
    if (stat(path, &facts) != 0 || S_ISREG(facts.st_mode)) {
        return open_temporary(file, path);
    }
    file->descriptor = open(path, O_WRONLY | O_CLOEXEC);
    return file->descriptor < 0 ? cli_fail_os(errno, "cannot open %s", path) : -1;
}

/* A signal ends a write early, or one that has begun with less than it was given: then the next one
 * would wait for a slow reader again. */
static int say_stopped(void)
{
    cli_complain("stopped before everything was written", NULL);
    return CLI_EXIT_INTERRUPTED;
}

static int write_buffer(cli_output_file *file)
{
    size_t at = 0;

    while (at < file->buffer.size) {
        const ssize_t size =
            write(file->descriptor, file->buffer.data + at, file->buffer.size - at);

        if (size < 0 && errno != EINTR) {
            return errno == EPIPE ? CLI_EXIT_FAILURE
                                  : cli_fail_os(errno, "cannot write %s", file->name);
        }
        at += size > 0 ? (size_t)size : 0;
        file->size += size > 0 ? (uint64_t)size : 0;
        if (at < file->buffer.size && cli_caught_signal() != 0) {
            return say_stopped();
        }
    }
    cli_buffer_clear(&file->buffer);
    return -1;
}

int cli_output_file_add(cli_output_file *file, const void *bytes, size_t size)
{
    cli_buffer_add(&file->buffer, bytes, size);
    return file->buffer.size < FLUSH_SIZE ? -1 : write_buffer(file);
}

/* Makes the new name durable. */
static void sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *folder = !slash ? "."
                         : slash == path
                             ? "/"
                             : cli_arena_text(&cli_forever, path, (size_t)(slash - path));
    const int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (descriptor >= 0) {
        (void)fsync(descriptor);
        (void)close(descriptor);
    }
}

int cli_output_file_finish(cli_output_file *file)
{
    const int result = write_buffer(file);

    if (result >= 0 || !file->temporary) {
        return result;
    }
    if (fsync(file->descriptor) != 0 || rename(file->temporary, file->path) != 0) {
        return cli_fail_os(errno, "cannot write %s", file->name);
    }
    file->temporary = NULL;
    sync_folder(file->path);
    return -1;
}

void cli_output_file_done(cli_output_file *file)
{
    if (!file->is_standard_output && file->descriptor >= 0) {
        (void)close(file->descriptor);
    }
    if (file->temporary) {
        (void)unlink(file->temporary);
    }
    cli_buffer_done(&file->buffer);
}

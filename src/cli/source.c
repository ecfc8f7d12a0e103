/* SPDX-License-Identifier: Apache-2.0 */
/* Cutting a file into items, see source.h. */
#include "source.h"

#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_SIZE ((size_t)256 << 10)

/* ---- Opening */

static cli_chain first_chain(const char *salt)
{
    static const cli_chain start = {"stele:import:1"};

    return cli_chain_next(&start, salt, strlen(salt));
}

void cli_source_begin(cli_source *source, int descriptor, const char *name, const char *salt)
{
    struct stat facts;

    memset(source, 0, sizeof *source);
    source->descriptor = descriptor;
    source->name = name;
    source->line = 1;
    source->column = 1;
    source->chain = first_chain(salt);
    if (fstat(descriptor, &facts) == 0 && S_ISREG(facts.st_mode) && facts.st_size > 0) {
        source->size = (uint64_t)facts.st_size;
    }
}

int cli_source_open(cli_source *source, const char *path, const char *salt)
{
    int descriptor;

    if (strcmp(path, "-") == 0) {
        descriptor = dup(STDIN_FILENO);
    } else {
        descriptor = open(path, O_RDONLY | O_CLOEXEC);
    }
    if (descriptor < 0) {
        return errno;
    }
    cli_source_begin(source, descriptor, strcmp(path, "-") == 0 ? "standard input" : path, salt);
    return 0;
}

void cli_source_done(cli_source *source)
{
    if (source->descriptor >= 0) {
        (void)close(source->descriptor);
        source->descriptor = -1;
    }
    cli_buffer_done(&source->buffer);
}

/* ---- Reading */

/* A place that moves through the buffer while a window is filled. */
typedef struct source_scan {
    cli_source *source;
    size_t at;
    uint64_t line;
    uint64_t column;
    cli_chain chain;
    size_t content; /* bytes of the items of the window */
} source_scan;

static void fail_at(source_scan *scan, const char *message)
{
    scan->source->problem =
        (cli_problem){.message = message, .line = scan->line, .column = scan->column};
}

/* Whether a pipe has nothing to say just now. What came through it so far can then be imported
 * instead of being kept waiting. (The elements of an array wait: their window cannot end anywhere.)
 */
static bool must_wait(const cli_source *source)
{
    struct pollfd wanted = {.fd = source->descriptor, .events = POLLIN};

    return source->may_end_early && source->size == 0 && source->layout == CLI_LAYOUT_LINES &&
           source->item_count > 0 && poll(&wanted, 1, 0) == 0;
}

/* Puts more bytes behind those in the buffer. False: there are no more now, or reading failed. */
static bool read_more(cli_source *source)
{
    source->is_waiting = must_wait(source);
    while (!source->is_waiting && !source->is_at_end && !source->problem.message) {
        const size_t room = source->buffer.size > READ_SIZE ? source->buffer.size : READ_SIZE;
        ssize_t size;

        cli_buffer_reserve(&source->buffer, room);
        size = read(source->descriptor, source->buffer.data + source->buffer.size, room);
        if (size > 0) {
            source->buffer.size += (size_t)size;
            return true;
        }
        if (size == 0) {
            source->is_at_end = true;
        } else if (errno != EINTR || cli_caught_signal() != 0) {
            source->problem = (cli_problem){.message = "cannot be read", .os_error = errno};
        }
    }
    return false;
}

static bool has_byte(source_scan *scan)
{
    return scan->at < scan->source->buffer.size || read_more(scan->source);
}

static char byte_at(const source_scan *scan)
{
    return scan->source->buffer.data[scan->at];
}

/* Moves on over one byte. */
static void step(source_scan *scan)
{
    if (byte_at(scan) == '\n') {
        scan->line++;
        scan->column = 0;
    }
    scan->at++;
    scan->column++;
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* Moves what is not dealt with to the front of the buffer. */
static void compact(cli_source *source)
{
    const size_t left = source->buffer.size - source->start;

    if (source->start > 0) {
        memmove(source->buffer.data, source->buffer.data + source->start, left);
        source->buffer.size = left;
        source->start = 0;
    }
}

/* Blanks in front of the first item of a window are dealt with at once, however many there are. */
static void drop_blanks(source_scan *scan)
{
    cli_source *source = scan->source;

    if (source->item_count > 0) {
        return;
    }
    source->consumed += scan->at - source->start;
    source->start = scan->at;
    source->line = scan->line;
    source->column = scan->column;
    if (source->start >= CLI_WINDOW_BYTES) {
        compact(source);
        scan->at = 0;
    }
}

static void skip_blanks(source_scan *scan)
{
    size_t begin = scan->at;

    while (has_byte(scan) && is_blank(byte_at(scan))) {
        step(scan);
        if (scan->at - begin >= CLI_WINDOW_BYTES) {
            drop_blanks(scan);
            begin = scan->source->item_count > 0 ? begin : scan->at;
        }
        if (scan->at - begin > CLI_ITEM_SIZE_MAX) {
            fail_at(scan, "there are more than 32 MiB of blanks");
            return;
        }
    }
}

static void add_item(source_scan *scan, size_t at, size_t size, uint64_t line, uint64_t column)
{
    cli_source *source = scan->source;
    cli_item *item = &source->items[source->item_count++];

    scan->content += size;
    scan->chain = cli_chain_next(&scan->chain, source->buffer.data + at, size);
    *item = (cli_item){
        .at = at,
        .size = size,
        .end = scan->at,
        .line = line,
        .column = column,
        .line_end = scan->line,
        .column_end = scan->column,
        .chain = scan->chain,
    };
}

/* Whether the window takes another item. What ends a window is content alone: an importer that
 * looks for the end of a window that it has met before must meet it again, whatever the line
 * breaks. */
static bool has_room(source_scan *scan)
{
    const cli_source *source = scan->source;

    if (scan->at - source->start > scan->content + CLI_ITEM_SIZE_MAX) {
        fail_at(scan, "there are more than 32 MiB of blanks");
    }
    return source->item_count < CLI_WINDOW_ITEMS && scan->content < CLI_WINDOW_BYTES &&
           !source->problem.message;
}

/* ---- Lines */

/* Moves the scan behind the line that begins at it. False: there is none, there is none yet, or it
 * is too long. */
static bool take_line(source_scan *scan, size_t *ret_at, size_t *ret_size)
{
    cli_source *source = scan->source;
    size_t searched = scan->at;

    for (;;) {
        const char *found =
            searched < source->buffer.size
                ? memchr(source->buffer.data + searched, '\n', source->buffer.size - searched)
                : NULL;
        const size_t end = found ? (size_t)(found - source->buffer.data) : source->buffer.size;

        if (end - scan->at > CLI_ITEM_SIZE_MAX) {
            fail_at(scan, "the line is longer than 32 MiB");
            return false;
        }
        if (!found && read_more(source)) {
            searched = end;
            continue;
        }
        if (!found && (!source->is_at_end || end == scan->at)) {
            return false;
        }
        *ret_at = scan->at;
        *ret_size = end - scan->at;
        scan->at = end + (found ? 1 : 0);
        scan->line++;
        scan->column = 1;
        return true;
    }
}

static void fill_lines(source_scan *scan)
{
    cli_source *source = scan->source;
    size_t at;
    size_t size;

    while (has_room(scan)) {
        const uint64_t line = scan->line;
        const uint64_t column = scan->column;
        size_t blanks = 0;

        if (!take_line(scan, &at, &size)) {
            return;
        }
        while (size > 0 && is_blank(source->buffer.data[at + size - 1])) {
            size--;
        }
        while (blanks < size && is_blank(source->buffer.data[at + blanks])) {
            blanks++;
        }
        if (size > blanks) {
            add_item(scan, at + blanks, size - blanks, line, column + blanks);
        } else {
            drop_blanks(scan);
        }
    }
}

/* ---- An array */

/* Moves the scan behind the element that begins at it: behind the bracket that closes it, or, for
 * what is neither object nor array, in front of what separates it. What is inside is checked later.
 */
static bool skip_element(source_scan *scan)
{
    const size_t begin = scan->at;
    size_t depth = 0;
    bool in_string = false;

    while (has_byte(scan)) {
        const char byte = byte_at(scan);

        if (in_string) {
            if (byte == '\\') {
                step(scan);
                if (!has_byte(scan)) {
                    break;
                }
            } else if (byte == '"') {
                in_string = false;
            }
        } else if (byte == '"') {
            in_string = true;
        } else if (byte == '{' || byte == '[') {
            depth++;
        } else if (depth == 0 && (byte == ',' || byte == ']' || byte == '}' || is_blank(byte))) {
            return true;
        } else if (byte == '}' || byte == ']') {
            depth--;
            if (depth == 0) {
                step(scan);
                return true;
            }
        }
        step(scan);
        if (scan->at - begin > CLI_ITEM_SIZE_MAX) {
            fail_at(scan, "an element is longer than 32 MiB");
            return false;
        }
    }
    if (!scan->source->problem.message) {
        fail_at(scan, "the file ends within the array");
    }
    return false;
}

/* Steps over what stands between elements. False: the array has ended, or something is wrong. */
static bool find_element(source_scan *scan)
{
    cli_source *source = scan->source;

    skip_blanks(scan);
    if (source->problem.message) {
        return false;
    }
    if (source->array_has_ended) {
        if (has_byte(scan)) {
            fail_at(scan, "nothing is expected behind the array");
        }
        return false;
    }
    if (has_byte(scan) && byte_at(scan) == ']') {
        source->array_has_ended = true;
        step(scan);
        return find_element(scan);
    }
    if (source->array_has_begun && has_byte(scan)) {
        if (byte_at(scan) != ',') {
            fail_at(scan, "',' or ']' is expected");
            return false;
        }
        step(scan);
        skip_blanks(scan);
    }
    if (!has_byte(scan)) {
        if (!source->problem.message) {
            fail_at(scan, "the file ends within the array");
        }
        return false;
    }
    return true;
}

static void fill_array(source_scan *scan)
{
    cli_source *source = scan->source;

    while (has_room(scan)) {
        size_t at;
        uint64_t line;
        uint64_t column;

        if (!find_element(scan)) {
            return;
        }
        at = scan->at;
        line = scan->line;
        column = scan->column;
        if (!skip_element(scan)) {
            return;
        }
        if (scan->at == at) {
            fail_at(scan, "an element is expected");
            return;
        }
        source->array_has_begun = true;
        add_item(scan, at, scan->at - at, line, column);
    }
}

/* ---- Windows */

/* Steps over a byte order mark and looks whether the file is an array. */
static void find_layout(source_scan *scan)
{
    cli_source *source = scan->source;

    while (source->buffer.size < 3 && read_more(source)) {
    }
    if (source->buffer.size >= 3 && memcmp(source->buffer.data, "\xef\xbb\xbf", 3) == 0) {
        scan->at += 3;
    }
    skip_blanks(scan);
    if (source->problem.message || !has_byte(scan)) {
        return;
    }
    if (byte_at(scan) == '[') {
        step(scan);
        source->layout = CLI_LAYOUT_ARRAY;
    } else {
        source->layout = CLI_LAYOUT_LINES;
    }
    source->start = scan->at;
    source->line = scan->line;
    source->column = scan->column;
}

void cli_source_fill(cli_source *source)
{
    source_scan scan = {.source = source};

    source->item_count = 0;
    if (source->problem.message) {
        return;
    }
    compact(source);
    scan.line = source->line;
    scan.column = source->column;
    scan.chain = source->chain;
    if (source->layout == CLI_LAYOUT_UNKNOWN) {
        find_layout(&scan);
    }
    if (source->layout == CLI_LAYOUT_LINES) {
        fill_lines(&scan);
    } else if (source->layout == CLI_LAYOUT_ARRAY) {
        fill_array(&scan);
    }
}

void cli_source_consume(cli_source *source, size_t count)
{
    const cli_item *last;

    if (count == 0) {
        return;
    }
    last = &source->items[count - 1];
    source->consumed += last->end - source->start;
    source->start = last->end;
    source->line = last->line_end;
    source->column = last->column_end;
    source->chain = last->chain;
    source->array_has_ended = false; /* its end stands behind every item, and is seen again */
    if (count < source->item_count) {
        source->problem = (cli_problem){0};
    }
}

void cli_source_place(const cli_source *source, size_t index, size_t offset, uint64_t *ret_line,
                      uint64_t *ret_column)
{
    const cli_item *item = &source->items[index];
    const char *text = cli_item_text(source, index);

    *ret_line = item->line;
    *ret_column = item->column;
    for (size_t i = 0; i < offset && i < item->size; i++) {
        if (text[i] == '\n') {
            (*ret_line)++;
            *ret_column = 0;
        }
        (*ret_column)++;
    }
}

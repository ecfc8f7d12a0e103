/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Standard output and standard error: colours, widths, error messages. Whatever the library or a
 * file says passes cli_add_printable() on its way to a terminal, so that no event can move a cursor
 * or change a title.
 */
#include "cli.h"
#include "json.h"
#include "text.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define COLUMNS_MIN 40
#define MESSAGE_INDENT "       " /* as wide as "stele: " */

static bool output_has_colors;
static bool errors_have_colors;
static bool output_is_terminal;
static bool terminal_has_utf8 = true;

/* ---- What the terminal can do */

static bool is_terminal(int descriptor)
{
    const char *kind = getenv("TERM");

    return isatty(descriptor) && !(kind && strcmp(kind, "dumb") == 0);
}

static bool wants_colors(int descriptor)
{
    const char *never = getenv("NO_COLOR");

    if (cli_given.color && strcmp(cli_given.color, "auto") != 0) {
        return strcmp(cli_given.color, "always") == 0;
    }
    return !(never && *never != '\0') && is_terminal(descriptor);
}

/* Terminals speak UTF-8 unless the locale names something else. A locale that was never set says
 * nothing. */
static bool speaks_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = getenv(names[i]);

        if (value && *value != '\0') {
            return strstr(value, "UTF-8") || strstr(value, "utf8") || strstr(value, "UTF8") ||
                   strstr(value, "utf-8");
        }
    }
    return true;
}

void cli_output_begin(void)
{
    output_is_terminal = isatty(STDOUT_FILENO) != 0;
    output_has_colors = wants_colors(STDOUT_FILENO);
    errors_have_colors = wants_colors(STDERR_FILENO);
    terminal_has_utf8 = speaks_utf8();
    if (!terminal_has_utf8) {
        cli_ellipsis = "...";
        cli_ellipsis_width = 3;
    }
}

static size_t columns_of(int descriptor)
{
    struct winsize size;
    uint64_t columns = 0;
    const char *text = getenv("COLUMNS");

    if (ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        columns = size.ws_col;
    } else if (!text || !cli_parse_number(text, &columns) || columns > 10000) {
        columns = 80;
    }
    return columns < COLUMNS_MIN ? COLUMNS_MIN : (size_t)columns;
}

size_t cli_columns(void)
{
    return output_is_terminal ? columns_of(STDOUT_FILENO) : 0;
}

bool cli_errors_are_seen(void)
{
    return is_terminal(STDERR_FILENO);
}

bool cli_has_utf8(void)
{
    return terminal_has_utf8;
}

/* ---- Writing */

static _Noreturn void fail_output(void)
{
    /* Whoever read the other end of a pipe has enough: that needs no message. */
    if (errno != EPIPE) {
        (void)cli_fail_os(errno, "cannot write to standard output");
    }
    exit(CLI_EXIT_FAILURE);
}

void cli_write(const void *bytes, size_t size)
{
    if (size > 0 && fwrite(bytes, 1, size, stdout) != size) {
        fail_output();
    }
}

void cli_write_json(const cli_buffer *json)
{
    CLI_CLEANUP_BUFFER cli_buffer safe = {0};

    if (output_is_terminal) {
        cli_json_add_safe(&safe, json->data, json->size);
        cli_write(safe.data, safe.size);
    } else {
        cli_write(json->data, json->size);
    }
    cli_write("\n", 1);
}

void cli_print(const char *format, ...)
{
    va_list list;
    int size;

    va_start(list, format);
    size = vprintf(format, list);
    va_end(list);
    if (size < 0) {
        fail_output();
    }
}

void cli_flush(void)
{
    if (fflush(stdout) != 0) {
        fail_output();
    }
}

bool cli_output_is_gone(void)
{
    struct pollfd output = {.fd = STDOUT_FILENO};

    return poll(&output, 1, 0) > 0 && (output.revents & (POLLERR | POLLHUP)) != 0;
}

/* ---- Styles */

static const char *style_code(cli_style style)
{
    switch (style) {
    case CLI_PLAIN:
        return "";
    case CLI_DIM:
        return "\x1b[2m";
    case CLI_BOLD:
        return "\x1b[1m";
    case CLI_NAME:
        return "\x1b[36m";
    case CLI_TYPE:
        return "\x1b[33m";
    case CLI_NUMERAL:
        return "\x1b[2m";
    case CLI_GOOD:
        return "\x1b[32m";
    case CLI_BAD:
        return "\x1b[1;31m";
    }
    return "";
}

void cli_add_style(cli_buffer *out, cli_style style)
{
    if (output_has_colors && style != CLI_PLAIN) {
        cli_buffer_add_text(out, style_code(style));
    }
}

void cli_add_style_end(cli_buffer *out, cli_style style)
{
    if (output_has_colors && style != CLI_PLAIN) {
        cli_buffer_add_text(out, "\x1b[0m");
    }
}

void cli_add_styled(cli_buffer *out, cli_style style, const char *text, size_t size)
{
    cli_add_style(out, style);
    cli_add_printable(out, text, size);
    cli_add_style_end(out, style);
}

/* ---- Complaints */

/* Adds words, broken into lines that fit the terminal if there is one, all but the first indented.
 */
static void add_wrapped(cli_buffer *out, const char *text, size_t indent)
{
    const size_t columns = cli_errors_are_seen() ? columns_of(STDERR_FILENO) : SIZE_MAX;
    size_t at = indent;

    for (;;) {
        const size_t size = strcspn(text, " ");
        const size_t width = cli_text_width(text, size);

        if (at > indent && at + 1 + width > columns) {
            cli_buffer_add_byte(out, '\n');
            cli_buffer_add_times(out, ' ', indent);
            at = indent;
        } else if (at > indent) {
            cli_buffer_add_byte(out, ' ');
            at++;
        }
        cli_buffer_add(out, text, size);
        at += width > 0 ? width : 1;
        if (text[size] == '\0') {
            return;
        }
        text += size + 1;
    }
}

void cli_complain(const char *message, const char *hint)
{
    CLI_CLEANUP_BUFFER cli_buffer out = {0};
    CLI_CLEANUP_BUFFER cli_buffer printable = {0};

    (void)fflush(stdout);
    cli_add_printable(&printable, message, strlen(message));
    cli_buffer_add_text(&out, errors_have_colors ? "\x1b[1;31mstele:\x1b[0m " : "stele: ");
    add_wrapped(&out, cli_buffer_text(&printable), sizeof MESSAGE_INDENT - 1);
    cli_buffer_add_byte(&out, '\n');
    if (hint && *hint != '\0') {
        cli_buffer_clear(&printable);
        cli_add_printable(&printable, hint, strlen(hint));
        cli_buffer_add_text(&out, MESSAGE_INDENT);
        add_wrapped(&out, cli_buffer_text(&printable), sizeof MESSAGE_INDENT - 1);
        cli_buffer_add_byte(&out, '\n');
    }
    (void)fwrite(out.data, 1, out.size, stderr);
}

int cli_refuse(const char *hint, const char *format, ...)
{
    CLI_CLEANUP_BUFFER cli_buffer message = {0};
    va_list list;

    va_start(list, format);
    cli_buffer_format_list(&message, format, list);
    va_end(list);
    cli_complain(cli_buffer_text(&message), hint);
    return CLI_EXIT_USAGE;
}

int cli_fail_os(int os_error, const char *format, ...)
{
    CLI_CLEANUP_BUFFER cli_buffer message = {0};
    va_list list;

    va_start(list, format);
    cli_buffer_format_list(&message, format, list);
    va_end(list);
    cli_buffer_format(&message, ": %s", strerror(os_error));
    cli_complain(cli_buffer_text(&message), NULL);
    return os_error == ENOENT ? CLI_EXIT_NOT_FOUND : CLI_EXIT_FAILURE;
}

cli_exit cli_exit_of(const stele_error *error)
{
    switch (error->status) {
    case STELE_OK:
        return CLI_EXIT_OK;
    case STELE_CONFLICT:
    case STELE_DELETED:
    case STELE_REJECTED:
        return CLI_EXIT_CONFLICT;
    case STELE_INVALID:
        return CLI_EXIT_USAGE;
    case STELE_NOT_FOUND:
        return CLI_EXIT_NOT_FOUND;
    case STELE_CORRUPT:
        return CLI_EXIT_CORRUPT;
    case STELE_BUSY:
        return CLI_EXIT_BUSY;
    case STELE_IO:
    case STELE_NO_SPACE:
    case STELE_NO_MEMORY:
    case STELE_TIMEOUT:
    case STELE_CANCELLED:
    case STELE_UNSUPPORTED:
    case STELE_AUTH:
    case STELE_INTERNAL:
        return CLI_EXIT_FAILURE;
    }
    return CLI_EXIT_FAILURE;
}

int cli_fail(const stele_error *error)
{
    CLI_CLEANUP_BUFFER cli_buffer message = {0};

    if ((unsigned)error->detail == STELE_NOT_FOUND_STORE) {
        cli_buffer_format(&message, "there is no store at %s", cli_store_name());
        cli_complain(
            cli_buffer_text(&message),
            "name one with --store DIR or the variable STELE_STORE; append and import make one");
    } else if ((unsigned)error->detail == STELE_BUSY_LOCKED) {
        cli_complain(error->message,
                     "one process at a time writes a store; reading works meanwhile");
    } else {
        cli_complain(error->message, error->hint);
    }
    return (int)cli_exit_of(error);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What `stele help` and `--help` print: made from the tables of options.h, for a terminal of 80
 * columns. */
#include "cli.h"
#include "options.h"
#include "text.h"

#include <string.h>

#define LINE_COLUMNS 80
#define OPTION_COLUMNS 27 /* where the text of an option begins */

static void print_heading(cli_buffer *out, const char *text)
{
    cli_add_styled(out, CLI_BOLD, text, strlen(text));
    cli_buffer_add_byte(out, '\n');
}

/* Adds words from column `at` on, broken at LINE_COLUMNS, further lines indented. A line break in
 * the text is kept. */
static void add_words(cli_buffer *out, const char *text, size_t at, size_t indent)
{
    bool is_first = true;

    while (*text != '\0') {
        const size_t size = strcspn(text, " \n");
        const size_t width = cli_text_width(text, size);

        if (!is_first && at + 1 + width > LINE_COLUMNS) {
            cli_buffer_add_byte(out, '\n');
            cli_buffer_add_times(out, ' ', indent);
            at = indent;
        } else if (!is_first) {
            cli_buffer_add_byte(out, ' ');
            at++;
        }
        cli_buffer_add(out, text, size);
        at += width;
        is_first = false;
        text += size;
        if (*text == '\n') {
            cli_buffer_add_byte(out, '\n');
            cli_buffer_add_times(out, ' ', indent);
            at = indent;
            is_first = true;
        }
        text += *text != '\0' ? 1 : 0;
    }
    cli_buffer_add_byte(out, '\n');
}

static void add_option(void *context, const cli_option *option)
{
    cli_buffer *out = context;
    const size_t start = out->size;
    size_t width;

    if (option->letter != 0) {
        cli_buffer_format(out, "  -%c, --%s", option->letter, option->name);
    } else {
        cli_buffer_format(out, "      --%s", option->name);
    }
    if (option->value) {
        cli_buffer_format(out, " %s", option->value);
    }
    width = cli_text_width(out->data + start, out->size - start);
    if (width + 2 > OPTION_COLUMNS) {
        cli_buffer_add_byte(out, '\n');
        width = 0;
    }
    cli_buffer_add_times(out, ' ', OPTION_COLUMNS - width);
    add_words(out, option->help, OPTION_COLUMNS, OPTION_COLUMNS);
}

/* Paragraphs: lines that begin with a blank stay as they are. */
static void add_about(cli_buffer *out, const char *text)
{
    while (*text != '\0') {
        const size_t size = strcspn(text, "\n");

        if (size == 0 || *text == ' ') {
            cli_buffer_add(out, text, size);
            cli_buffer_add_byte(out, '\n');
        } else {
            CLI_CLEANUP_BUFFER cli_buffer line = {0};

            cli_buffer_add(&line, text, size);
            add_words(out, cli_buffer_text(&line), 0, 0);
        }
        text += size + (text[size] == '\n' ? 1 : 0);
    }
}

void cli_help_command(const cli_command *command)
{
    CLI_CLEANUP_BUFFER cli_buffer out = {0};

    cli_buffer_format(&out, "stele %s - %s\n\n", command->name, command->summary);
    cli_add_styled(&out, CLI_BOLD, "usage:", 6);
    cli_buffer_format(&out, " stele %s %s\n\n", command->name, command->usage);
    add_about(&out, command->about);
    cli_buffer_add_byte(&out, '\n');
    print_heading(&out, "options:");
    cli_options_each(command, add_option, &out);
    if (command->examples) {
        cli_buffer_add_byte(&out, '\n');
        print_heading(&out, "examples:");
        cli_buffer_add_text(&out, command->examples);
    }
    cli_write(out.data, out.size);
}

void cli_help_overview(void)
{
    static const char *const groups[] = {"write", "read", "look after", "help"};
    CLI_CLEANUP_BUFFER cli_buffer out = {0};

    cli_buffer_add_text(&out, "stele - an event store in a folder\n\n");
    cli_add_styled(&out, CLI_BOLD, "usage:", 6);
    cli_buffer_add_text(&out, " stele COMMAND [ARGUMENTS] [OPTIONS]\n");
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        cli_buffer_add_byte(&out, '\n');
        print_heading(&out, groups[i]);
        for (const cli_command *const *at = cli_commands; *at; at++) {
            if (!(*at)->is_hidden && strcmp((*at)->group, groups[i]) == 0) {
                cli_buffer_format(&out, "  %-10s  %s\n", (*at)->name, (*at)->summary);
            }
        }
    }
    cli_buffer_add_text(
        &out, "\nThe store is the folder that --store DIR or the variable STELE_STORE names,\n"
              "or else ./ledger. stele help COMMAND tells more, with examples.\n");
    cli_write(out.data, out.size);
}

int cli_unknown_command(const char *name)
{
    CLI_CLEANUP_BUFFER cli_buffer hint = {0};
    cli_guess guess;

    cli_guess_begin(&guess, name, strlen(name));
    for (const cli_command *const *at = cli_commands; *at; at++) {
        if (!(*at)->is_hidden) {
            cli_guess_offer(&guess, (*at)->name);
        }
    }
    if (guess.best) {
        cli_buffer_format(&hint, "did you mean %s? ", guess.best);
    }
    cli_buffer_add_text(&hint, "stele help lists the commands");
    return cli_refuse(cli_buffer_text(&hint), "there is no command %s", name);
}

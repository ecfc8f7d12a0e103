/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a command line by a table of options, see options.h. */
#include "options.h"

#include "cli.h"
#include "text.h"

#include <string.h>

#define GUESS_SIZE_MAX 32

static bool wants_help;

const cli_option cli_common_options[] = {
    CLI_OPTION(CLI_TEXT, 's', "store", "DIR", &cli_given.store,
               "the store's folder; else STELE_STORE, else ./ledger", .words = CLI_WORDS_FOLDERS),
    CLI_OPTION_FLAG('j', "json", &cli_given.json, "for machines: one JSON object a line"),
    CLI_OPTION(CLI_TEXT, 0, "color", "WHEN", &cli_given.color,
               "auto, always or never; NO_COLOR is respected", .choices = "auto|always|never"),
    CLI_OPTION_FLAG('h', "help", &wants_help, "show this"),
    CLI_OPTION_END,
};

const cli_command *cli_command_find(const char *name)
{
    for (const cli_command *const *at = cli_commands; *at; at++) {
        if (strcmp((*at)->name, name) == 0) {
            return *at;
        }
    }
    return NULL;
}

/* ---- Looking up */

void cli_options_each(const cli_command *command,
                      void (*visit)(void *context, const cli_option *option), void *context)
{
    for (size_t table = 0; command && table < CLI_TABLES_MAX && command->tables[table]; table++) {
        for (const cli_option *option = command->tables[table]; option->kind != CLI_END; option++) {
            visit(context, option);
        }
    }
    for (const cli_option *option = cli_common_options; option->kind != CLI_END; option++) {
        if (!command || !command->needs_no_store || option->target != &cli_given.store) {
            visit(context, option);
        }
    }
}

typedef struct option_search {
    const char *name;
    size_t size;
    char letter;
    const cli_option *found;
} option_search;

static void match_option(void *context, const cli_option *option)
{
    option_search *search = context;

    if (search->name ? strlen(option->name) == search->size &&
                           memcmp(option->name, search->name, search->size) == 0
                     : option->letter == search->letter) {
        search->found = option;
    }
}

const cli_option *cli_option_find(const cli_command *command, const char *name, size_t size)
{
    option_search search = {.name = name, .size = size};

    cli_options_each(command, match_option, &search);
    return search.found;
}

const cli_option *cli_option_find_letter(const cli_command *command, char letter)
{
    option_search search = {.letter = letter};

    if (letter != 0) {
        cli_options_each(command, match_option, &search);
    }
    return search.found;
}

/* ---- Guessing what was meant */

void cli_guess_begin(cli_guess *guess, const char *word, size_t size)
{
    guess->word = word;
    guess->size = size;
    guess->best = NULL;
    guess->distance = size < 4 ? 2 : 3; /* what is that far away is no guess any more */
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many characters must be put in, left out or replaced to turn one word into the other. */
static size_t edit_distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
    size_t row[GUESS_SIZE_MAX + 1];

    for (size_t j = 0; j <= b_size; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a_size; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);

            diagonal = row[j];
            row[j] = least(replaced, least(row[j], row[j - 1]) + 1);
        }
    }
    return row[b_size];
}

void cli_guess_offer(cli_guess *guess, const char *candidate)
{
    const size_t size = strlen(candidate);
    size_t distance;

    if (size > GUESS_SIZE_MAX || guess->size > GUESS_SIZE_MAX) {
        return;
    }
    distance = edit_distance(guess->word, guess->size, candidate, size);
    if (guess->size >= 3 && size > guess->size &&
        memcmp(candidate, guess->word, guess->size) == 0) {
        distance = least(distance, 1); /* the beginning of a word means that word */
    }
    if (distance < guess->distance) {
        guess->distance = distance;
        guess->best = candidate;
    }
}

static void offer_option(void *context, const cli_option *option)
{
    cli_guess_offer(context, option->name);
}

static int refuse_option(const cli_command *command, const char *name, size_t size)
{
    CLI_CLEANUP_BUFFER cli_buffer hint = {0};
    cli_guess guess;

    cli_guess_begin(&guess, name, size);
    cli_options_each(command, offer_option, &guess);
    if (guess.best) {
        cli_buffer_format(&hint, "did you mean --%s? ", guess.best);
    }
    cli_buffer_format(&hint, "stele help%s%s shows what there is", command ? " " : "",
                      command ? command->name : "");
    return cli_refuse(cli_buffer_text(&hint), "there is no option --%.*s", (int)size, name);
}

/* ---- Values */

static bool is_choice(const char *choices, const char *value)
{
    const size_t size = strlen(value);

    for (const char *at = choices; *at != '\0';) {
        const size_t choice = strcspn(at, "|");

        if (choice == size && memcmp(at, value, size) == 0) {
            return true;
        }
        at += choice + (at[choice] == '|' ? 1 : 0);
    }
    return false;
}

static int refuse_choice(const cli_option *option, const char *value)
{
    CLI_CLEANUP_BUFFER cli_buffer hint = {0};

    cli_buffer_add_text(&hint, "it is one of ");
    for (const char *at = option->choices; *at != '\0'; at++) {
        if (*at == '|') {
            cli_buffer_add_text(&hint, strchr(at + 1, '|') ? ", " : " and ");
        } else {
            cli_buffer_add_byte(&hint, *at);
        }
    }
    return cli_refuse(cli_buffer_text(&hint), "--%s cannot be \"%s\"", option->name, value);
}

static int set_value(const cli_option *option, const char *value)
{
    if (option->choices && !is_choice(option->choices, value)) {
        return refuse_choice(option, value);
    }
    switch (option->kind) {
    case CLI_TEXT: {
        *(const char **)option->target = value;
        break;
    }
    case CLI_NUMBER: {
        cli_number *number = option->target;

        if (!cli_parse_number(value, &number->value)) {
            return cli_refuse(NULL, "--%s needs a number, not \"%s\"", option->name, value);
        }
        number->is_given = true;
        break;
    }
    case CLI_LIST: {
        cli_list *list = option->target;

        list->items = cli_arena_grow(&cli_forever, list->items, list->count, sizeof *list->items);
        list->items[list->count++] = value;
        break;
    }
    case CLI_FLAG:
    case CLI_END:
        break;
    }
    return -1;
}

/* ---- Reading */

typedef struct argument_reader {
    const cli_command *command; /* NULL in front of it */
    int count;
    char **arguments;
    int at;
    char **operands;
    size_t operand_count;
} argument_reader;

/* The value of an option: what is attached to it, or the next argument. */
static int take_value(argument_reader *reader, const cli_option *option, const char *attached)
{
    if (option->kind == CLI_FLAG) {
        *(bool *)option->target = true;
        return -1;
    }
    if (attached) {
        return set_value(option, attached);
    }
    if (reader->at >= reader->count) {
        return cli_refuse(NULL, "--%s needs a value: --%s %s", option->name, option->name,
                          option->value);
    }
    return set_value(option, reader->arguments[reader->at++]);
}

static int read_long(argument_reader *reader, const char *text)
{
    const size_t size = strcspn(text, "=");
    const cli_option *option = cli_option_find(reader->command, text, size);

    if (!option) {
        return refuse_option(reader->command, text, size);
    }
    if (option->kind == CLI_FLAG && text[size] == '=') {
        return cli_refuse(NULL, "--%s takes no value", option->name);
    }
    return take_value(reader, option, text[size] == '=' ? text + size + 1 : NULL);
}

static int read_letters(argument_reader *reader, const char *letters)
{
    for (; *letters != '\0'; letters++) {
        const cli_option *option = cli_option_find_letter(reader->command, *letters);
        int result;

        if (!option) {
            return cli_refuse(NULL, "there is no option -%c", *letters);
        }
        if (option->kind != CLI_FLAG) {
            return take_value(reader, option, letters[1] != '\0' ? letters + 1 : NULL);
        }
        result = take_value(reader, option, NULL);
        if (result >= 0) {
            return result;
        }
    }
    return -1;
}

/* Reads the option at reader->at. */
static int read_option(argument_reader *reader)
{
    const char *text = reader->arguments[reader->at++];

    return text[1] == '-' ? read_long(reader, text + 2) : read_letters(reader, text + 1);
}

static bool is_option(const char *argument)
{
    return argument[0] == '-' && argument[1] != '\0';
}

int cli_options_parse_front(int argument_count, char **arguments, int *at)
{
    argument_reader reader = {.count = argument_count, .arguments = arguments, .at = *at};

    while (reader.at < argument_count && is_option(arguments[reader.at]) &&
           strcmp(arguments[reader.at], "--version") != 0) {
        const int result = read_option(&reader);

        if (result >= 0) {
            return result;
        }
    }
    *at = reader.at;
    if (wants_help) {
        cli_help_overview();
        return CLI_EXIT_OK;
    }
    return -1;
}

static int check_operands(const cli_command *command, size_t count, const char *last)
{
    CLI_CLEANUP_BUFFER cli_buffer hint = {0};

    cli_buffer_format(&hint, "usage: stele %s %s", command->name, command->usage);
    if (count < command->operands_min) {
        return cli_refuse(cli_buffer_text(&hint), "%s needs %s", command->name,
                          command->operands_min == 1 ? "an argument"
                          : count == 0               ? "two arguments"
                                                     : "another argument");
    }
    if (count > command->operands_max) {
        return cli_refuse(cli_buffer_text(&hint), "there is one argument too many: \"%s\"", last);
    }
    return -1;
}

int cli_options_parse(const cli_command *command, int argument_count, char **arguments,
                      char *const **ret_operands, size_t *ret_operand_count)
{
    argument_reader reader = {.command = command, .count = argument_count, .arguments = arguments};
    bool only_operands = false;

    reader.operands =
        cli_arena_take(&cli_forever, ((size_t)argument_count + 1) * sizeof *reader.operands);
    while (reader.at < argument_count) {
        char *argument = arguments[reader.at];
        int result = -1;

        if (!only_operands && strcmp(argument, "--") == 0) {
            only_operands = true;
            reader.at++;
        } else if (!only_operands && is_option(argument)) {
            result = read_option(&reader);
        } else {
            reader.operands[reader.operand_count++] = argument;
            reader.at++;
        }
        if (result >= 0) {
            return result;
        }
    }
    if (wants_help) {
        cli_output_begin();
        cli_help_command(command);
        return CLI_EXIT_OK;
    }
    *ret_operands = reader.operands;
    *ret_operand_count = reader.operand_count;
    return check_operands(command, reader.operand_count,
                          reader.operand_count ? reader.operands[reader.operand_count - 1] : "");
}

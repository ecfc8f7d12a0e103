/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stele complete: what a shell may offer. Called with the words behind `stele` so far, the last of
 * them unfinished; prints a candidate a line, or ":files" or ":folders" when the shell knows
 * better. Never says what goes wrong: nobody has asked for that while pressing the tab key.
 */
#include "cli.h"
#include "commands.h"
#include "text.h"

#include <string.h>

#define NAMES_MAX 200

typedef struct completer {
    const char *const *words;
    size_t count;
    const cli_command *command; /* NULL: its name is what is being typed */
    const cli_option *option;   /* not NULL: its value is what is being typed */
    size_t operand;             /* else: which operand */
    const char *current;        /* what there is of it */
    const char *attached;       /* "--option=" in front of it, or "" */
} completer;

/* The shell shows what it is offered as it is, a word a line. */
static bool is_printable(const char *word, size_t size)
{
    CLI_CLEANUP_BUFFER cli_buffer shown = {0};

    cli_add_printable(&shown, word, size);
    return shown.size == size && (size == 0 || memcmp(shown.data, word, size) == 0);
}

static void offer(const completer *at_tab, const char *word, size_t size)
{
    const size_t typed = strlen(at_tab->current);

    if (size >= typed && memcmp(word, at_tab->current, typed) == 0 && is_printable(word, size)) {
        cli_print("%s%.*s\n", at_tab->attached, (int)size, word);
    }
}

/* ---- Names in the store */

static void offer_names(const completer *at_tab, stele_name_kind kind)
{
    stele_list list = {.kind = kind, .prefix = at_tab->current};
    const stele_name_entry *entry;
    stele_name_list *names = NULL;
    stele_store *store = NULL;
    const bool wants_system = at_tab->current[0] == '$';
    size_t count = 0;

    if (stele_open(cli_store_name(), &(stele_options){.access = STELE_READ_ONLY}, &store, NULL) !=
        STELE_OK) {
        return;
    }
    if (stele_names_open(store, &list, &names, NULL) == STELE_OK) {
        while (count < NAMES_MAX && (entry = stele_names_next(names, NULL))) {
            if (wants_system || entry->name.data[0] != '$') {
                offer(at_tab, entry->name.data, entry->name.size);
                count++;
            }
        }
        stele_names_free(names);
    }
    (void)stele_close(store, NULL);
}

static void offer_kind(const completer *at_tab, cli_words words)
{
    switch (words) {
    case CLI_WORDS_NONE:
        break;
    case CLI_WORDS_STREAMS:
        offer_names(at_tab, STELE_STREAM_NAMES);
        break;
    case CLI_WORDS_TYPES:
        offer_names(at_tab, STELE_TYPE_NAMES);
        break;
    case CLI_WORDS_TAGS:
        offer_names(at_tab, STELE_TAG_NAMES);
        break;
    case CLI_WORDS_CATEGORIES:
        offer_names(at_tab, STELE_CATEGORY_NAMES);
        break;
    case CLI_WORDS_FILES:
        cli_print(":files\n");
        break;
    case CLI_WORDS_FOLDERS:
        cli_print(":folders\n");
        break;
    case CLI_WORDS_COMMANDS:
        for (const cli_command *const *at = cli_commands; *at; at++) {
            if (!(*at)->is_hidden) {
                offer(at_tab, (*at)->name, strlen((*at)->name));
            }
        }
        break;
    }
}

/* ---- Options */

static void offer_option(void *context, const cli_option *option)
{
    char name[64] = "--";

    if (strlen(option->name) + 3 <= sizeof name) {
        memcpy(name + 2, option->name, strlen(option->name) + 1);
        offer(context, name, strlen(name));
    }
}

static void offer_list(const completer *at_tab, const char *list)
{
    while (*list != '\0') {
        const size_t size = strcspn(list, "|");

        offer(at_tab, list, size);
        list += size + (list[size] == '|' ? 1 : 0);
    }
}

static void offer_value(const completer *at_tab, const cli_option *option)
{
    if (option->choices || option->offers) {
        offer_list(at_tab, option->choices ? option->choices : option->offers);
    } else {
        offer_kind(at_tab, option->words);
    }
}

/* ---- Where the cursor is */

/* The option that a word names, if it takes a value. *ret_value is what is attached to it, or NULL.
 */
static const cli_option *option_with_value(const cli_command *command, const char *word,
                                           const char **ret_value)
{
    const cli_option *option = NULL;

    *ret_value = NULL;
    if (word[0] == '-' && word[1] == '-') {
        const size_t size = strcspn(word + 2, "=");

        option = cli_option_find(command, word + 2, size);
        *ret_value = word[2 + size] == '=' ? word + 2 + size + 1 : NULL;
    } else if (word[0] == '-' && word[1] != '\0' && word[2] == '\0') {
        option = cli_option_find_letter(command, word[1]);
    }
    return option && option->kind != CLI_FLAG ? option : NULL;
}

/* Goes over the words that are complete. */
static void find_place(completer *at_tab)
{
    for (size_t i = 0; i + 1 < at_tab->count; i++) {
        const char *word = at_tab->words[i];
        const char *value;
        const cli_option *option = option_with_value(at_tab->command, word, &value);

        if (option && !value) {
            i++;
            if (i + 1 == at_tab->count) {
                at_tab->option = option;
                return;
            }
            value = at_tab->words[i];
        }
        if (option && option->target == &cli_given.store) {
            cli_given.store = value;
        } else if (!option && word[0] != '-') {
            if (!at_tab->command) {
                at_tab->command = cli_command_find(word);
            } else {
                at_tab->operand++;
            }
        }
    }
}

static void complete(completer *at_tab)
{
    const cli_option *option;
    const char *value;

    find_place(at_tab);
    at_tab->current = at_tab->words[at_tab->count - 1];
    if (at_tab->option) {
        offer_value(at_tab, at_tab->option);
        return;
    }
    option = option_with_value(at_tab->command, at_tab->current, &value);
    if (option && value) {
        at_tab->attached =
            cli_arena_text(&cli_forever, at_tab->current, (size_t)(value - at_tab->current));
        at_tab->current = value;
        offer_value(at_tab, option);
    } else if (at_tab->current[0] == '-') {
        cli_options_each(at_tab->command, offer_option, at_tab);
    } else if (!at_tab->command) {
        offer_kind(at_tab, CLI_WORDS_COMMANDS);
    } else if (at_tab->operand < CLI_OPERANDS_MAX) {
        offer_kind(at_tab, at_tab->command->operand_words[at_tab->operand]);
    }
}

static int run_complete(char *const *operands, size_t operand_count)
{
    completer at_tab = {.words = (const char *const *)operands,
                        .count = operand_count,
                        .attached = ""};

    if (operand_count > 0) {
        complete(&at_tab);
    }
    return CLI_EXIT_OK;
}

const cli_command cli_command_complete = {
    .name = "complete",
    .group = "",
    .summary = "what a shell may offer at the tab key",
    .usage = "-- WORD...",
    .about = "For completion scripts: prints what may stand for the last word.",
    .tables = {NULL},
    .operands_min = 0,
    .operands_max = SIZE_MAX,
    .is_hidden = true,
    .run = run_complete,
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands and their options as data. One table says how a command line is read, what `--help`
 * prints and what the shell completes, so that the three cannot disagree.
 */
#ifndef STELE_CLI_OPTIONS_H
#define STELE_CLI_OPTIONS_H

#include "memory.h"

typedef enum cli_option_kind {
    CLI_END = 0, /* behind the last option of a table */
    CLI_FLAG,    /* bool */
    CLI_TEXT,    /* const char * */
    CLI_NUMBER,  /* cli_number */
    CLI_LIST     /* cli_list: may be given again and again */
} cli_option_kind;

/* What the shell offers in the place of a value. */
typedef enum cli_words {
    CLI_WORDS_NONE = 0,
    CLI_WORDS_STREAMS,
    CLI_WORDS_TYPES,
    CLI_WORDS_TAGS,
    CLI_WORDS_CATEGORIES,
    CLI_WORDS_FILES,
    CLI_WORDS_FOLDERS,
    CLI_WORDS_COMMANDS
} cli_words;

typedef struct cli_number {
    uint64_t value;
    bool is_given;
} cli_number;

typedef struct cli_list {
    const char **items;
    size_t count;
} cli_list;

typedef struct cli_option {
    cli_option_kind kind;
    char letter;       /* 0: none */
    const char *name;  /* without the dashes */
    const char *value; /* what stands for the value in the help; NULL for flags */
    const char *help;
    void *target;
    const char *choices; /* "full|os|none": nothing else is taken; NULL: anything */
    const char *offers;  /* as choices, but only offered by the shell */
    cli_words words;
} cli_option;

/* One line of a table; behind the help may follow .choices, .offers and .words. */
#define CLI_OPTION(kind_, letter_, name_, value_, target_, help_, ...)                             \
    {                                                                                              \
        .kind = (kind_), .letter = (letter_), .name = (name_), .value = (value_),                  \
        .target = (target_), .help = (help_), ##__VA_ARGS__                                        \
    }
#define CLI_OPTION_FLAG(letter_, name_, target_, help_)                                            \
    CLI_OPTION(CLI_FLAG, letter_, name_, NULL, target_, help_)
#define CLI_OPTION_END CLI_OPTION(CLI_END, 0, NULL, NULL, NULL, NULL)

#define CLI_TABLES_MAX 4
#define CLI_OPERANDS_MAX 3

typedef struct cli_command {
    const char *name;
    const char *group;                        /* the heading it stands under in the overview */
    const char *summary;                      /* a line without a full stop */
    const char *usage;                        /* what follows the name */
    const char *about;                        /* paragraphs; lines are broken when they are shown */
    const char *examples;                     /* lines as they are */
    const cli_option *tables[CLI_TABLES_MAX]; /* before the ones that every command has */
    size_t operands_min;
    size_t operands_max;
    cli_words operand_words[CLI_OPERANDS_MAX];
    bool is_hidden;      /* for the shell, not for people */
    bool needs_no_store; /* --store means nothing to it */
    int (*run)(char *const *operands, size_t operand_count);
} cli_command;

/* --store, --json, --color, --help. */
extern const cli_option cli_common_options[];

/* Every command, ended by one without a name. */
extern const cli_command *const cli_commands[];

/* The command of that name, or NULL. */
const cli_command *cli_command_find(const char *name);

/*
 * Reads the arguments behind a command's name into the targets of its options, and the operands
 * into an array that lives as long as the process. Answers -1 to go on, or an exit code: something
 * is wrong and has been said, or help was asked for.
 */
int cli_options_parse(const cli_command *command, int argument_count, char **arguments,
                      char *const **ret_operands, size_t *ret_operand_count);

/* Reads options in front of a command's name. *at moves to what is no option. Answers as
 * cli_options_parse(). */
int cli_options_parse_front(int argument_count, char **arguments, int *at);

/* The option called `name` (size bytes) of a command (NULL: only the common ones), or NULL. */
const cli_option *cli_option_find(const cli_command *command, const char *name, size_t size);
const cli_option *cli_option_find_letter(const cli_command *command, char letter);

/* Calls `visit` for every option of a command, the common ones last. */
void cli_options_each(const cli_command *command,
                      void (*visit)(void *context, const cli_option *option), void *context);

/* What is closest to a mistyped word, or NULL if nothing is close. Call begin, offer each
 * candidate, then take. */
typedef struct cli_guess {
    const char *word;
    size_t size;
    const char *best;
    size_t distance;
} cli_guess;

void cli_guess_begin(cli_guess *guess, const char *word, size_t size);
void cli_guess_offer(cli_guess *guess, const char *candidate);

/* ---- Help (help.c) */

void cli_help_overview(void);
void cli_help_command(const cli_command *command);
int cli_unknown_command(const char *name);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* stele streams: the names in a store, with what is known of each. */
#include "cli.h"
#include "commands.h"
#include "json.h"
#include "table.h"
#include "text.h"

#include <inttypes.h>
#include <string.h>

static struct {
    bool types;
    bool tags;
    bool categories;
    bool all;
    bool only_names;
    const char *category;
    const char *after;
    cli_number limit;
} given;

static const cli_option options[] = {
    CLI_OPTION(CLI_TEXT, 'c', "category", "C", &given.category, "only streams of this category",
               .words = CLI_WORDS_CATEGORIES),
    CLI_OPTION_FLAG(0, "types", &given.types, "list event types instead"),
    CLI_OPTION_FLAG(0, "tags", &given.tags, "list tags instead"),
    CLI_OPTION_FLAG(0, "categories", &given.categories, "list categories instead"),
    CLI_OPTION_FLAG('a', "all", &given.all, "also names that begin with $"),
    CLI_OPTION_FLAG('1', "names", &given.only_names, "only the names, one a line"),
    CLI_OPTION(CLI_NUMBER, 'n', "limit", "N", &given.limit, "at most so many"),
    CLI_OPTION(CLI_TEXT, 0, "after", "NAME", &given.after,
               "names behind this one, for the next page"),
    CLI_OPTION_END,
};

/* ---- What is listed */

static int fill_list(char *const *operands, size_t operand_count, stele_list *list)
{
    if ((given.types ? 1 : 0) + (given.tags ? 1 : 0) + (given.categories ? 1 : 0) > 1) {
        return cli_refuse(NULL, "--types, --tags and --categories exclude each other");
    }
    list->kind = given.types        ? STELE_TYPE_NAMES
                 : given.tags       ? STELE_TAG_NAMES
                 : given.categories ? STELE_CATEGORY_NAMES
                                    : STELE_STREAM_NAMES;
    if (given.category && list->kind != STELE_STREAM_NAMES) {
        return cli_refuse(NULL, "--category goes only with streams");
    }
    list->prefix = operand_count > 0 ? operands[0] : NULL;
    list->category = given.category;
    list->after = given.after;
    return -1;
}

static bool is_wanted(const stele_list *list, const stele_name_entry *entry)
{
    const bool is_system = entry->name.size > 0 && entry->name.data[0] == '$';

    return !is_system || given.all || (list->prefix && list->prefix[0] == '$');
}

static const char *state_name(const stele_name_entry *entry)
{
    return entry->state == STELE_IS_DELETED      ? "deleted"
           : entry->state == STELE_IS_TOMBSTONED ? "ended"
                                                 : "";
}

/* ---- How it is shown */

static void print_json(const stele_list *list, const stele_name_entry *entry)
{
    static const char *const members[] = {"stream", "category", "type", "tag"};
    CLI_CLEANUP_BUFFER cli_buffer out = {0};

    cli_buffer_format(&out, "{\"%s\":", members[list->kind]);
    cli_json_add_string(&out, entry->name.data, entry->name.size);
    cli_buffer_format(&out, ",\"events\":%" PRIu64 ",\"last_position\":%" PRIu64,
                      entry->event_count, entry->last_position);
    if (list->kind == STELE_STREAM_NAMES) {
        if (entry->event_count > 0) {
            cli_buffer_format(&out, ",\"last_revision\":%" PRIu64 ",\"first_revision\":%" PRIu64,
                              entry->last_revision, entry->first_revision);
        }
        cli_buffer_format(&out,
                          ",\"visible_events\":%" PRIu64 ",\"has_metadata\":%s,\"state\":\"%s\"",
                          entry->visible_count, entry->has_metadata ? "true" : "false",
                          *state_name(entry) ? state_name(entry) : "open");
    }
    cli_buffer_add_text(&out, "}\n");
    cli_write(out.data, out.size);
}

static void print_name(const stele_name_entry *entry)
{
    CLI_CLEANUP_BUFFER cli_buffer out = {0};

    cli_add_printable(&out, entry->name.data, entry->name.size);
    cli_buffer_add_byte(&out, '\n');
    cli_write(out.data, out.size);
}

static void begin_table(cli_table *table, const stele_list *list)
{
    static const char *const titles[] = {"STREAM", "CATEGORY", "TYPE", "TAG"};
    const cli_column columns[] = {
        {titles[list->kind], false, CLI_NAME, true},
        {"EVENTS", true, CLI_PLAIN, false},
        {"LAST POSITION", true, CLI_NUMERAL, false},
        {"LAST REVISION", true, CLI_NUMERAL, false},
        {"", false, CLI_BAD, false},
    };

    cli_table_begin(table, columns, list->kind == STELE_STREAM_NAMES ? 5 : 3);
}

static void add_row(cli_table *table, const stele_list *list, const stele_name_entry *entry)
{
    CLI_CLEANUP_BUFFER cli_buffer text = {0};

    cli_table_cell(table, entry->name.data, entry->name.size);
    cli_add_count(&text, entry->event_count);
    cli_table_cell(table, text.data, text.size);
    cli_buffer_clear(&text);
    cli_add_count(&text, entry->last_position);
    cli_table_cell(table, text.data, text.size);
    if (list->kind == STELE_STREAM_NAMES) {
        cli_buffer_clear(&text);
        if (entry->event_count > 0) {
            cli_add_count(&text, entry->last_revision);
        }
        cli_table_cell(table, text.data, text.size);
        cli_table_cell_text(table, state_name(entry));
    }
}

static int show_names(stele_store *store, const stele_list *list)
{
    stele_name_list *names = NULL;
    const stele_name_entry *entry;
    cli_table table;
    stele_error error = {0};
    uint64_t shown = 0;

    if (stele_names_open(store, list, &names, &error) != STELE_OK) {
        return cli_fail(&error);
    }
    begin_table(&table, list);
    while ((!given.limit.is_given || shown < given.limit.value) &&
           (entry = stele_names_next(names, &error))) {
        if (!is_wanted(list, entry)) {
            continue;
        }
        if (cli_given.json) {
            print_json(list, entry);
        } else if (given.only_names) {
            print_name(entry);
        } else {
            add_row(&table, list, entry);
        }
        shown++;
    }
    cli_table_end(&table);
    stele_names_free(names);
    return error.status == STELE_OK ? CLI_EXIT_OK : cli_fail(&error);
}

static int run_streams(char *const *operands, size_t operand_count)
{
    stele_store *store = NULL;
    stele_list list = {0};
    stele_error error;
    int result = fill_list(operands, operand_count, &list);

    if (result >= 0) {
        return result;
    }
    if (cli_open(STELE_READ_ONLY, NULL, &store, &error) != STELE_OK) {
        return cli_fail(&error);
    }
    result = show_names(store, &list);
    (void)stele_close(store, NULL);
    return result;
}

const cli_command cli_command_streams = {
    .name = "streams",
    .group = "read",
    .summary = "list streams, or types, tags, categories",
    .usage = "[PREFIX] [OPTIONS]",
    .about = "Lists the streams whose names begin with PREFIX, in order, with the number of "
             "their events. Names that begin with $ are shown when PREFIX does, or with --all. "
             "Deleted and ended streams are listed too, and say so. A stream of which there is "
             "only metadata is not: it has no events. Its metadata stream is, with --all.",
    .examples = "  stele streams account-\n"
                "  stele streams --category account --limit 100 --after account-ACC099\n"
                "  stele streams --types\n",
    .tables = {options},
    .operands_min = 0,
    .operands_max = 1,
    .operand_words = {CLI_WORDS_STREAMS},
    .run = run_streams,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* stele append: one event for one stream. */
#include "cli.h"
#include "commands.h"
#include "failure.h"
#include "json.h"
#include "query.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct {
    const char *expect;
    const char *id;
    cli_list tags;
    const char *metadata;
    const char *key;
    const char *format;
    const char *durability;
    const char *compress;
    const char *none_matching;
    cli_number after;
    bool is_strict;
} given;

static const cli_option options[] = {
    CLI_OPTION(CLI_TEXT, 'e', "expect", "WHAT", &given.expect,
               "any (the default), no-stream, exists, or the stream's last revision",
               .offers = "any|no-stream|exists"),
    CLI_OPTION(CLI_LIST, 0, "tag", "T", &given.tags, "a tag; may be given up to 32 times",
               .words = CLI_WORDS_TAGS),
    CLI_OPTION(CLI_TEXT, 'm', "metadata", "JSON", &given.metadata, "metadata of the event"),
    CLI_OPTION(CLI_TEXT, 0, "format", "F", &given.format,
               "what DATA is: json (the default) or binary", .choices = "json|binary"),
    CLI_OPTION(CLI_TEXT, 0, "id", "UUID", &given.id,
               "the event's id; appending the same id again changes nothing"),
    CLI_OPTION(CLI_TEXT, 'k', "key", "K", &given.key,
               "idempotency key: a second append with it is answered like the first, for ever"),
    CLI_OPTION(CLI_TEXT, 0, "none-matching", "Q", &given.none_matching,
               "append only if no event matches this query of types and tags"),
    CLI_OPTION(CLI_NUMBER, 0, "after", "N", &given.after,
               "with --none-matching: look only at positions above N"),
    CLI_OPTION_FLAG(0, "strict", &given.is_strict, "refuse a known id with other content"),
    CLI_OPTION(CLI_TEXT, 0, "durability", "D", &given.durability,
               "full (the default): on the disk; os: given to the operating system; none: soon",
               .choices = "full|os|none"),
    CLI_OPTION(CLI_TEXT, 0, "compress", "HOW", &given.compress,
               "compress what is sealed: fast or small (see stele compress)",
               .choices = "fast|small"),
    CLI_OPTION_END,
};

/* ---- What is appended */

static int read_input(cli_buffer *data)
{
    for (;;) {
        ssize_t size;

        cli_buffer_reserve(data, (size_t)64 << 10);
        size = read(STDIN_FILENO, data->data + data->size, (size_t)64 << 10);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size < 0) {
            return cli_fail_os(errno, "cannot read standard input");
        }
        if (size == 0) {
            return -1;
        }
        data->size += (size_t)size;
        if (data->size > STELE_EVENT_SIZE_MAX) {
            return cli_refuse(NULL,
                              "the data on standard input is larger than an event may be (16 MiB)");
        }
    }
}

/* The line break with which a text ends is not part of the JSON in it. */
static void drop_line_break(cli_buffer *data)
{
    while (data->size > 0 &&
           (data->data[data->size - 1] == '\n' || data->data[data->size - 1] == '\r')) {
        data->size--;
    }
}

/* JSON is checked here, because a shell's quotes are easily lost and the store takes any bytes. */
static int check_json(const char *what, const char *text, size_t size, const char *hint)
{
    stele__json_scanner scanner;
    stele__json_value value;

    stele__json_begin(&scanner, text, size);
    if (stele__json_take(&scanner, &value) && stele__json_finish(&scanner)) {
        return -1;
    }
    return cli_refuse(hint, "%s is no JSON: byte %zu: %s", what, scanner.error_at + 1,
                      scanner.message);
}

static int fill_id(stele_event *event)
{
    if (given.id && stele_uuid_parse(given.id, strlen(given.id), &event->id) != 0) {
        return cli_refuse("it looks like 01890f5c-7a3e-7c1a-9b1e-3f2d6c5b4a39",
                          "--id cannot be \"%s\"", given.id);
    }
    if (given.id && memcmp(&event->id, &(stele_uuid){{0}}, sizeof event->id) == 0) {
        return cli_refuse("a nil id identifies nothing; without --id the event gets a new one",
                          "--id cannot be the nil UUID");
    }
    return -1;
}

static int fill_event(char *const *operands, size_t operand_count, cli_buffer *data,
                      stele_event *event)
{
    const bool has_data = operand_count > 2;
    const bool is_binary = given.format && strcmp(given.format, "binary") == 0;
    int result = -1;

    if (*operands[0] == '\0' || *operands[1] == '\0') {
        return cli_refuse(NULL, "%s cannot be empty", *operands[0] == '\0' ? "STREAM" : "TYPE");
    }
    event->type = operands[1];
    if (has_data && strcmp(operands[2], "-") == 0) {
        result = read_input(data);
        if (!is_binary) {
            drop_line_break(data);
        }
    } else if (has_data) {
        cli_buffer_add_text(data, operands[2]);
    }
    if (result < 0 && has_data && !is_binary) {
        event->data_format = STELE_JSON;
        result = check_json(
            "DATA", data->data ? data->data : "", data->size,
            "quote it for the shell: '{\"owner\":\"ann\"}'; --format binary takes anything");
    }
    event->data = (stele_bytes){(const uint8_t *)data->data, data->size};
    if (result < 0 && given.metadata) {
        event->metadata_format = STELE_JSON;
        event->metadata = (stele_bytes){(const uint8_t *)given.metadata, strlen(given.metadata)};
        result = check_json("--metadata", given.metadata, event->metadata.size, NULL);
    }
    if (result < 0) {
        result = fill_id(event);
    }
    event->tags = given.tags.items;
    event->tag_count = given.tags.count;
    return result;
}

/* ---- Conditions and outcome */

static int fill_condition(stele_query *query, stele_condition *condition,
                          stele_append_options *append)
{
    if (!given.none_matching) {
        return given.after.is_given ? cli_refuse(NULL, "--after goes only with --none-matching")
                                    : -1;
    }
    if (!cli_query_take(given.none_matching, query)) {
        return CLI_EXIT_USAGE;
    }
    condition->no_event_matching = query;
    condition->after = given.after.value;
    append->conditions = condition;
    append->condition_count = 1;
    return -1;
}

static void print_receipt(const char *stream, const stele_receipt *receipt)
{
    CLI_CLEANUP_BUFFER cli_buffer out = {0};
    char time[STELE_TIME_TEXT_SIZE];

    if (cli_given.json) {
        stele_time_print(receipt->time, time);
        cli_buffer_add_text(&out, "{\"stream\":");
        cli_json_add_string(&out, stream, strlen(stream));
        cli_buffer_format(&out,
                          ",\"revision\":%" PRIu64 ",\"position\":%" PRIu64
                          ",\"time\":\"%s\",\"already_applied\":%s}\n",
                          receipt->revision, receipt->position, time,
                          receipt->already_applied ? "true" : "false");
    } else {
        cli_add_styled(&out, CLI_NAME, stream, strlen(stream));
        cli_buffer_format(&out, " @ %" PRIu64 "   position %" PRIu64 "%s\n", receipt->revision,
                          receipt->position, receipt->already_applied ? "   already there" : "");
    }
    cli_write(out.data, out.size);
}

static int append_event(const char *stream, stele_expected expected, const stele_event *event,
                        const stele_append_options *append)
{
    stele_store *store = NULL;
    stele_receipt receipt;
    stele_error error;
    int result = CLI_EXIT_OK;

    const stele_options store_options = {.compression = cli_compression_of(given.compress)};
    if (cli_open(STELE_READ_WRITE, &store_options, &store, &error) != STELE_OK) {
        return cli_fail(&error);
    }
    if (stele_append(store, stream, expected, event, 1, append, &receipt, &error) != STELE_OK) {
        result = cli_fail_write(&error, stream, given.key);
    } else {
        print_receipt(stream, &receipt);
    }
    const int closed = cli_close(store);
    return result != CLI_EXIT_OK ? result : closed;
}

static int run_append(char *const *operands, size_t operand_count)
{
    CLI_CLEANUP_BUFFER cli_buffer data = {0};
    stele_append_options append = {0};
    stele_condition condition = {0};
    stele_query query = {0};
    stele_event event = {0};
    stele_expected expected = STELE_ANY;
    int result;

    if (given.expect && !cli_parse_expected(given.expect, &expected)) {
        return cli_refuse("it is any, no-stream, exists, or a revision",
                          "--expect cannot be \"%s\"", given.expect);
    }
    result = fill_event(operands, operand_count, &data, &event);
    if (result < 0) {
        result = fill_condition(&query, &condition, &append);
    }
    if (result >= 0) {
        return result;
    }
    append.key = given.key;
    append.durability = cli_durability_of(given.durability);
    append.flags = given.is_strict ? STELE_STRICT : 0;
    return append_event(operands[0], expected, &event, &append);
}

const cli_command cli_command_append = {
    .name = "append",
    .group = "write",
    .summary = "append an event to a stream",
    .usage = "STREAM TYPE [DATA|-] [OPTIONS]",
    .about = "Appends one event and says at which revision of the stream and which position "
             "of the store it stands. DATA is JSON unless --format says otherwise; - takes "
             "it from standard input; without DATA the event has none. The store is made if "
             "there is none.\n"
             "\n"
             "When it returns, the event is on the disk. If the stream is not as --expect "
             "says, nothing is written and the exit code is 1.",
    .examples =
        "  stele append account-ACC001 account.opened '{\"owner\":\"ann\"}' --expect no-stream\n"
        "  stele append account-ACC001 money.deposited '{\"amount\":5}' --expect 0 --tag vip\n"
        "  stele append seat-c1-s1 StudentEnrolled --tag course:c1 --tag student:s1 \\\n"
        "        --none-matching 'type:StudentEnrolled tag:course:c1' --after 41\n",
    .tables = {options},
    .operands_min = 2,
    .operands_max = 3,
    .operand_words = {CLI_WORDS_STREAMS, CLI_WORDS_TYPES, CLI_WORDS_NONE},
    .run = run_append,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* stele metadata: what belongs to a stream as a whole. */
#include "cli.h"
#include "commands.h"
#include "failure.h"
#include "json.h"
#include "text.h"

#include <inttypes.h>
#include <string.h>

static struct {
    const char *set;
    const char *expect;
} given;

static const cli_option options[] = {
    CLI_OPTION(CLI_TEXT, 0, "set", "JSON", &given.set, "replace the metadata by this object"),
    CLI_OPTION(CLI_TEXT, 'e', "expect", "WHAT", &given.expect,
               "with --set: any (the default), no-stream, or the revision of the metadata",
               .offers = "any|no-stream"),
    CLI_OPTION_END,
};

/* ---- Showing */

static void print_json(const char *stream, const stele_metadata *metadata)
{
    CLI_CLEANUP_BUFFER cli_buffer out = {0};
    const char *text = (const char *)metadata->json.data;

    cli_buffer_add_text(&out, "{\"stream\":");
    cli_json_add_string(&out, stream, strlen(stream));
    cli_buffer_format(&out, ",\"revision\":%" PRIi64 ",\"metadata\":", metadata->revision);
    if (metadata->json.size > 0 && stele__json_is_valid(text, metadata->json.size)) {
        cli_json_add_line(&out, text, metadata->json.size);
    } else {
        cli_buffer_add_text(&out, "null");
    }
    cli_buffer_add_text(&out, "}\n");
    cli_write(out.data, out.size);
}

static void print_text(const char *stream, const stele_metadata *metadata)
{
    CLI_CLEANUP_BUFFER cli_buffer out = {0};
    const char *text = (const char *)metadata->json.data;

    if (metadata->revision < 0) {
        cli_add_printable(&out, stream, strlen(stream));
        cli_buffer_add_text(&out, " has no metadata");
    } else if (cli_columns() > 0 && stele__json_is_valid(text, metadata->json.size)) {
        cli_json_add_pretty(&out, text, metadata->json.size, 0);
    } else {
        cli_buffer_add(&out, text, metadata->json.size);
    }
    cli_buffer_add_byte(&out, '\n');
    cli_write(out.data, out.size);
}

static int show(const char *stream)
{
    stele_store *store = NULL;
    stele_metadata metadata = {0};
    stele_error error;
    int result = CLI_EXIT_OK;

    if (cli_open(STELE_READ_ONLY, NULL, &store, &error) != STELE_OK) {
        return cli_fail(&error);
    }
    if (stele_metadata_read(store, stream, &metadata, &error) != STELE_OK) {
        result = cli_fail(&error);
    } else if (cli_given.json) {
        print_json(stream, &metadata);
    } else {
        print_text(stream, &metadata);
    }
    stele_metadata_done(&metadata);
    (void)stele_close(store, NULL);
    return result;
}

/* ---- Setting */

static int set(const char *stream)
{
    CLI_CLEANUP_BUFFER cli_buffer out = {0};
    stele_expected expected = STELE_ANY;
    stele_store *store = NULL;
    stele_receipt receipt;
    stele_error error;
    int result = CLI_EXIT_OK;

    if (given.expect && !cli_parse_expected(given.expect, &expected)) {
        return cli_refuse("it is any, no-stream, or a revision", "--expect cannot be \"%s\"",
                          given.expect);
    }
    if (!stele__json_is_valid(given.set, strlen(given.set))) {
        return cli_refuse("quote it for the shell: '{\"$maxCount\":100}'",
                          "--set needs a JSON object");
    }
    if (cli_open(STELE_READ_WRITE, NULL, &store, &error) != STELE_OK) {
        return cli_fail(&error);
    }
    cli_buffer_format(&out, "the metadata of %s", stream);
    if (stele_metadata_write(store, stream, expected, given.set, strlen(given.set), NULL, &receipt,
                             &error) != STELE_OK) {
        result = cli_fail_write(&error, cli_buffer_text(&out), NULL);
    } else if (cli_given.json) {
        cli_print("{\"revision\":%" PRIu64 ",\"position\":%" PRIu64 "}\n", receipt.revision,
                  receipt.position);
    } else {
        cli_print("metadata @ %" PRIu64 "   position %" PRIu64 "\n", receipt.revision,
                  receipt.position);
    }
    const int closed = cli_close(store);
    return result != CLI_EXIT_OK ? result : closed;
}

static int run_metadata(char *const *operands, size_t operand_count)
{
    (void)operand_count;
    if (!given.set && given.expect) {
        return cli_refuse(NULL, "--expect goes only with --set");
    }
    return given.set ? set(operands[0]) : show(operands[0]);
}

const cli_command cli_command_metadata = {
    .name = "metadata",
    .group = "write",
    .summary = "show or set the metadata of a stream",
    .usage = "STREAM [--set JSON] [OPTIONS]",
    .about = "Shows the metadata of a stream, or replaces it. It is a JSON object of your "
             "own; Stele understands:\n"
             "\n"
             "  $maxCount   keep only the last so many events\n"
             "  $maxAge     keep events only for so many seconds\n"
             "  $tb         keep only events from this revision on",
    .examples = "  stele metadata account-ACC001\n"
                "  stele metadata sensor-17 --set '{\"$maxCount\":1000,\"room\":\"cellar\"}'\n",
    .tables = {options},
    .operands_min = 1,
    .operands_max = 1,
    .operand_words = {CLI_WORDS_STREAMS},
    .run = run_metadata,
};

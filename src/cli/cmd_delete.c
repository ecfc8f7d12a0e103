/* SPDX-License-Identifier: Apache-2.0 */
/* stele delete and stele tombstone: the two ways in which a stream ends. */
#include "cli.h"
#include "commands.h"
#include "failure.h"
#include "json.h"

#include <inttypes.h>
#include <string.h>

static struct {
    const char *expect;
} given;

static const cli_option options[] = {
    CLI_OPTION(CLI_TEXT, 'e', "expect", "WHAT", &given.expect,
               "any (the default), no-stream, exists, or the stream's last revision",
               .offers = "any|no-stream|exists"),
    CLI_OPTION_END,
};

typedef stele_status (*ending)(stele_store *store, const char *stream, stele_expected expected,
                               const stele_append_options *options, stele_receipt *ret_receipt,
                               stele_error *reterr);

static void print_receipt(const char *stream, const char *what, const stele_receipt *receipt)
{
    CLI_CLEANUP_BUFFER cli_buffer out = {0};

    if (cli_given.json) {
        cli_buffer_add_text(&out, "{\"stream\":");
        cli_json_add_string(&out, stream, strlen(stream));
        cli_buffer_format(&out, ",\"state\":\"%s\",\"position\":%" PRIu64 "}\n", what,
                          receipt->position);
    } else {
        cli_add_styled(&out, CLI_NAME, stream, strlen(stream));
        cli_buffer_format(&out, " %s   position %" PRIu64 "\n", what, receipt->position);
    }
    cli_write(out.data, out.size);
}

static int end_stream(const char *stream, ending end, const char *what)
{
    stele_expected expected = STELE_ANY;
    stele_store *store = NULL;
    stele_receipt receipt;
    stele_error error;
    int result = CLI_EXIT_OK;

    if (given.expect && !cli_parse_expected(given.expect, &expected)) {
        return cli_refuse("it is any, no-stream, exists, or a revision",
                          "--expect cannot be \"%s\"", given.expect);
    }
    if (cli_open(STELE_MUST_EXIST, NULL, &store, &error) != STELE_OK) {
        return cli_fail(&error);
    }
    if (end(store, stream, expected, NULL, &receipt, &error) != STELE_OK) {
        result = cli_fail_write(&error, stream, NULL);
    } else {
        print_receipt(stream, what, &receipt);
    }
    const int closed = cli_close(store);
    return result != CLI_EXIT_OK ? result : closed;
}

static int run_delete(char *const *operands, size_t operand_count)
{
    (void)operand_count;
    return end_stream(operands[0], stele_delete, "deleted");
}

static int run_tombstone(char *const *operands, size_t operand_count)
{
    (void)operand_count;
    return end_stream(operands[0], stele_tombstone, "ended");
}

const cli_command cli_command_delete = {
    .name = "delete",
    .group = "write",
    .summary = "delete a stream; the next append makes it anew",
    .usage = "STREAM [OPTIONS]",
    .about = "Deletes a stream: reading it says that it does not exist. Its events stay "
             "visible in reads of everything, and the next append makes the stream anew, with "
             "revisions that go on from the old ones. Its metadata is replaced.",
    .examples = "  stele delete account-ACC001 --expect 4\n",
    .tables = {options},
    .operands_min = 1,
    .operands_max = 1,
    .operand_words = {CLI_WORDS_STREAMS},
    .run = run_delete,
};

const cli_command cli_command_tombstone = {
    .name = "tombstone",
    .group = "write",
    .summary = "end a stream for ever",
    .usage = "STREAM [OPTIONS]",
    .about = "Ends a stream with a tombstone. There is no way back: the stream can never be "
             "read or written again. Its events stay visible in reads of everything. To delete "
             "a stream so that it can be made anew, use stele delete.",
    .examples = "  stele tombstone account-ACC001\n",
    .tables = {options},
    .operands_min = 1,
    .operands_max = 1,
    .operand_words = {CLI_WORDS_STREAMS},
    .run = run_tombstone,
};

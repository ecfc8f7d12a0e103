/* SPDX-License-Identifier: Apache-2.0 */
/* stele import: the events of a file. How it works stands in import.c; what a file looks like, in
 * stele-import(1). */
#include "cli.h"
#include "commands.h"
#include "import.h"
#include "text.h"

#include <inttypes.h>
#include <string.h>

static struct {
    const char *form;
    const char *stream_from;
    const char *stream;
    const char *time;
    const char *name;
    bool skips_bad;
    bool ignores_unknown;
    const char *compress;
    bool is_dry;
    bool is_quiet;
} given;

static const cli_option options[] = {
    CLI_OPTION(CLI_TEXT, 0, "format", "F", &given.form,
               "stele, cloudevents, or auto (the default): decided for each event",
               .choices = "auto|stele|cloudevents"),
    CLI_OPTION(
        CLI_TEXT, 0, "stream-from", "A", &given.stream_from,
        "CloudEvents: the attribute that names the stream: subject (the default), source or type",
        .choices = "subject|source|type"),
    CLI_OPTION(CLI_TEXT, 0, "stream", "NAME", &given.stream, "the stream of events that name none",
               .words = CLI_WORDS_STREAMS),
    CLI_OPTION(
        CLI_TEXT, 0, "time", "HOW", &given.time,
        "what becomes of the times in the file: record, metadata, drop, or auto (the default): "
        "record in an empty store, else metadata",
        .choices = "auto|record|metadata|drop"),
    CLI_OPTION_FLAG(0, "skip-bad", &given.skips_bad, "go on behind what is wrong, and count it"),
    CLI_OPTION_FLAG(0, "ignore-unknown", &given.ignores_unknown,
                    "drop members that mean nothing instead of refusing the event"),
    CLI_OPTION(CLI_TEXT, 0, "name", "NAME", &given.name,
               "import under a name: the same file under another name is imported again"),
    CLI_OPTION(CLI_TEXT, 0, "compress", "HOW", &given.compress,
               "compress what is sealed: fast or small (see stele compress)",
               .choices = "fast|small"),
    CLI_OPTION_FLAG(0, "dry-run", &given.is_dry, "check the file, write nothing"),
    CLI_OPTION_FLAG('q', "quiet", &given.is_quiet, "no progress"),
    CLI_OPTION_END,
};

/* The place of a word in a list that ends with NULL; 0 for none. */
static int place_of(const char *word, const char *const *words)
{
    for (int i = 0; word && words[i]; i++) {
        if (strcmp(word, words[i]) == 0) {
            return i;
        }
    }
    return 0;
}

static cli_import_options take_options(void)
{
    static const char *const forms[] = {"auto", "stele", "cloudevents", NULL};
    static const char *const attributes[] = {"subject", "source", "type", NULL};
    static const char *const times[] = {"auto", "record", "metadata", "drop", NULL};

    return (cli_import_options){
        .rules =
            {
                .form = (cli_event_form)place_of(given.form, forms),
                .stream_from = (cli_stream_from)place_of(given.stream_from, attributes),
                .stream = given.stream,
                .ignores_unknown = given.ignores_unknown,
            },
        .time = (cli_import_time)place_of(given.time, times),
        .skips_bad = given.skips_bad,
        .is_dry = given.is_dry,
        .is_quiet = given.is_quiet,
    };
}

static void add_text(cli_buffer *out, const cli_import_counts *counts, stele_duration elapsed)
{
    cli_add_things(out, counts->imported, "event");
    cli_buffer_add_text(out, given.is_dry ? " would be imported" : " imported in ");
    if (!given.is_dry) {
        cli_add_duration(out, elapsed);
        if (counts->imported >= 1000 && elapsed > 0) {
            cli_buffer_add_text(out, " (");
            cli_add_short_count(out, (double)counts->imported / ((double)elapsed / 1e9));
            cli_buffer_add_text(out, "/s)");
        }
    }
    if (counts->known > 0) {
        cli_buffer_add_text(out, "; ");
        cli_add_count(out, counts->known);
        cli_buffer_format(out, " %s already there", counts->known == 1 ? "was" : "were");
    }
    if (counts->bad > 0) {
        cli_buffer_add_text(out, "; ");
        cli_add_count(out, counts->bad);
        cli_buffer_add_text(out, given.is_dry ? " bad" : " bad skipped");
    }
    if (counts->untimed > 0) {
        cli_buffer_add_text(out, "; the times of ");
        cli_add_count(out, counts->untimed);
        cli_buffer_add_text(out, " could not be kept");
    }
    cli_buffer_add_byte(out, '\n');
}

static void print_counts(const cli_import_counts *counts, stele_duration elapsed)
{
    CLI_CLEANUP_BUFFER cli_buffer out = {0};

    if (cli_given.json) {
        cli_buffer_format(&out,
                          "{\"imported\":%" PRIu64 ",\"already_there\":%" PRIu64 ",\"bad\":%" PRIu64
                          ",\"seconds\":%.3f}\n",
                          counts->imported, counts->known, counts->bad, (double)elapsed / 1e9);
    } else {
        add_text(&out, counts, elapsed);
    }
    cli_write(out.data, out.size);
}

static int import_into_store(cli_source *source, const cli_import_options *import,
                             cli_import_counts *counts)
{
    static cli_import_clock clock; /* the store's threads use it until the store is closed */
    stele_store *store = NULL;
    stele_options store_options = {0};
    stele_error error;
    int result;

    cli_import_clock_init(&clock);
    store_options.clock = &clock.table;
    store_options.compression = cli_compression_of(given.compress);
    if (import->is_dry) {
        return cli_import(NULL, source, import, &clock, counts);
    }
    if (cli_open(STELE_READ_WRITE, &store_options, &store, &error) != STELE_OK) {
        return cli_fail(&error);
    }
    result = cli_import(store, source, import, &clock, counts);
    const int closed = cli_close(store);
    return result != CLI_EXIT_OK ? result : closed;
}

static int run_import(char *const *operands, size_t operand_count)
{
    const cli_import_options import = take_options();
    cli_source *source = cli_take_zero(sizeof *source);
    cli_import_counts counts = {0};
    const int64_t begun = cli_monotonic();
    int result;

    (void)operand_count;
    result = cli_source_open(source, operands[0], given.name ? given.name : "");
    if (result != 0) {
        result = cli_fail_os(result, "cannot open %s", operands[0]);
    } else {
        cli_catch_signals();
        result = import_into_store(source, &import, &counts);
        if (result == CLI_EXIT_OK || counts.imported > 0 || counts.known > 0) {
            print_counts(&counts, cli_monotonic() - begun);
        }
        cli_source_done(source);
    }
    cli_give_back(source, sizeof *source);
    return result == CLI_EXIT_OK && import.is_dry && counts.bad > 0 ? CLI_EXIT_USAGE : result;
}

const cli_command cli_command_import = {
    .name = "import",
    .group = "write",
    .summary = "append the events of a file, each exactly once",
    .usage = "FILE|- [OPTIONS]",
    .about = "Appends the events of a file: a JSON object a line, or a JSON array of such "
             "objects. The objects are what stele export writes, or CloudEvents 1.0. At "
             "least:\n"
             "\n"
             "  "
             "{\"stream\":\"account-1\",\"type\":\"account.opened\",\"data\":{\"owner\":\"ann\"}}\n"
             "\n"
             "An import that was stopped or killed is simply run again: it goes on where it "
             "was. A file that was imported is not imported twice, whatever it is called; when "
             "it has grown, only what is new is. At the first thing that is wrong the import "
             "ends; everything before it is imported. See stele-import(1) for the members of "
             "an event, and for what becomes of ids and times.",
    .examples = "  stele import history.jsonl\n"
                "  zstdcat history.jsonl.zst | stele import -\n"
                "  stele import --stream-from source --skip-bad events.json\n",
    .tables = {options},
    .operands_min = 1,
    .operands_max = 1,
    .operand_words = {CLI_WORDS_FILES},
    .run = run_import,
};

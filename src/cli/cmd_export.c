/* SPDX-License-Identifier: Apache-2.0 */
/* stele export: events into a file that stele import, or any reader of CloudEvents, takes. */
#include "cli.h"
#include "cloud_write.h"
#include "commands.h"
#include "json.h"
#include "output_file.h"
#include "progress.h"
#include "record.h"
#include "salvage.h"
#include "select.h"
#include "text.h"

#include <inttypes.h>
#include <string.h>

static struct {
    const char *stream;
    const char *form;
    const char *source;
    bool as_array;
    bool is_salvage;
    bool quiet;
} given;

static const cli_option options[] = {
    CLI_OPTION(CLI_TEXT, 0, "stream", "STREAM", &given.stream, "only this stream",
               .words = CLI_WORDS_STREAMS),
    CLI_OPTION(CLI_TEXT, 0, "format", "F", &given.form, "stele (the default) or cloudevents",
               .choices = "stele|cloudevents"),
    CLI_OPTION(CLI_TEXT, 0, "source", "URI", &given.source,
               "CloudEvents: the attribute source (default: urn:uuid: and the store's id)"),
    CLI_OPTION_FLAG(0, "array", &given.as_array, "one JSON array instead of an object a line"),
    CLI_OPTION_FLAG(
        0, "salvage", &given.is_salvage,
        "read what can be read of a damaged store; what is left out is told, and the exit "
        "code is 5"),
    CLI_OPTION_FLAG('q', "quiet", &given.quiet, "no progress"),
    CLI_OPTION_END,
};

/* ---- Writing */

typedef struct exporter {
    stele_cursor *cursor;
    cli_output_file file;
    cli_progress progress;
    cli_buffer text;
    const char *source; /* not NULL: CloudEvents */
    bool is_backwards;
    uint64_t count;
} exporter;

static int export_record(exporter *export, const stele_record *record)
{
    cli_buffer *text = &export->text;

    cli_buffer_clear(text);
    cli_buffer_add_text(text, !given.as_array ? "" : export->count == 0 ? "[\n" : ",\n");
    if (export->source) {
        cli_cloudevent_add(text, record, export->source);
    } else {
        cli_record_add_json(text, record, CLI_FOR_IMPORT);
    }
    cli_buffer_add_text(text, given.as_array ? "" : "\n");
    export->count++;
    if (export->file.is_standard_output && cli_columns() > 0) {
        CLI_CLEANUP_BUFFER cli_buffer safe = {0};

        cli_json_add_safe(&safe, text->data, text->size);
        return cli_output_file_add(&export->file, safe.data, safe.size);
    }
    return cli_output_file_add(&export->file, text->data, text->size);
}

static int export_records(exporter *export)
{
    const stele_position head = stele_cursor_head(export->cursor);
    const stele_record *record;
    stele_error error;
    int result = -1;

    while (result < 0 && (record = stele_cursor_next(export->cursor, &error))) {
        result = export_record(export, record);
        if (export->count % 1024 == 0) {
            cli_progress_show(&export->progress,
                              export->is_backwards ? head - record->position : record->position,
                              export->count);
            if (cli_caught_signal() != 0) {
                cli_progress_end(&export->progress);
                cli_complain("stopped before everything was exported", NULL);
                return CLI_EXIT_INTERRUPTED;
            }
        }
    }
    cli_progress_end(&export->progress);
    if (result < 0 && error.status != STELE_OK) {
        result = cli_fail(&error);
    }
    if (result < 0 && given.as_array) {
        const char *end = export->count == 0 ? "[]\n" : "\n]\n";

        result = cli_output_file_add(&export->file, end, strlen(end));
    }
    return result < 0 ? cli_output_file_finish(&export->file) : result;
}

static void say_done(const exporter *export)
{
    CLI_CLEANUP_BUFFER cli_buffer out = {0};

    if (export->file.is_standard_output) {
        return;
    }
    if (cli_given.json) {
        cli_buffer_format(&out, "{\"exported\":%" PRIu64 ",\"bytes\":%" PRIu64 "}\n", export->count,
                          export->file.size);
    } else {
        cli_add_things(&out, export->count, "event");
        cli_buffer_add_text(&out, " exported, ");
        cli_add_bytes(&out, export->file.size);
        cli_buffer_add_text(&out, " in ");
        cli_add_duration(&out, cli_progress_elapsed(&export->progress));
        cli_buffer_add_byte(&out, '\n');
    }
    cli_write(out.data, out.size);
}

/* ---- The command */

/* Whether a text has only what a URI reference is made of (RFC 3986, appendix A). */
static bool is_reference(const char *text)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "-._~:/?#[]@!$&'()*+,;=";
    static const char hexadecimal[] = "0123456789ABCDEFabcdef";

    for (;;) {
        text += strspn(text, plain);
        if (*text != '%' || strspn(text + 1, hexadecimal) < 2) {
            return *text == '\0';
        }
        text += 3;
    }
}

/* What CloudEvents demand of the attribute. Answers -1, or an exit code. */
static int check_source(const char *source)
{
    if (!source) {
        return -1;
    }
    if (*source == '\0') {
        return cli_refuse("leave it out for urn:uuid: and the store's id",
                          "--source cannot be empty");
    }
    if (strlen(source) > STELE_STREAM_NAME_SIZE_MAX) {
        return cli_refuse(NULL, "--source can have at most %d bytes", STELE_STREAM_NAME_SIZE_MAX);
    }
    if (!is_reference(source)) {
        return cli_refuse("it is a URI reference: letters, digits, -._~:/?#[]@!$&'()*+,;= and what "
                          "is escaped, like %20",
                          "--source cannot be \"%s\"", source);
    }
    return -1;
}

/* "urn:uuid:" and the store's id: the same for every export of a store and of its copies, and
 * different for every other. */
static stele_status find_source(stele_store *store, const char **ret_source, stele_error *reterr)
{
    CLI_CLEANUP_BUFFER cli_buffer urn = {0};
    char id[STELE_UUID_TEXT_SIZE];
    stele_info info;
    stele_status status;

    *ret_source = given.source;
    if (given.source) {
        return STELE_OK;
    }
    status = stele_describe(store, &info, reterr);
    if (status == STELE_OK) {
        stele_uuid_print(&info.store, id);
        cli_buffer_format(&urn, "urn:uuid:%s", id);
        *ret_source = cli_arena_text(&cli_forever, urn.data, urn.size);
    }
    return status;
}

static int export_store(stele_store *store, const char *path, const stele_read *read)
{
    exporter export = {.is_backwards = read->direction == STELE_BACKWARDS};
    const bool is_cloudevents = given.form && strcmp(given.form, "cloudevents") == 0;
    stele_error error;
    int result;

    if ((is_cloudevents && find_source(store, &export.source, &error) != STELE_OK) ||
        stele_read_open(store, read, &export.cursor, &error) != STELE_OK) {
        return cli_fail(&error);
    }
    result = cli_output_file_open(&export.file, path);
    if (result < 0) {
        cli_progress_begin(&export.progress, "event", stele_cursor_head(export.cursor),
                           given.quiet || (export.file.is_standard_output && cli_columns() > 0));
        result = export_records(&export);
        if (result < 0) {
            say_done(&export);
        }
        cli_output_file_done(&export.file);
    }
    stele_cursor_free(export.cursor);
    cli_buffer_done(&export.text);
    return result < 0 ? CLI_EXIT_OK : result;
}

static int run_export(char *const *operands, size_t operand_count)
{
    cli_selection selection;
    stele_store *store = NULL;
    stele_error error;
    int result = cli_select(given.stream, &selection);

    if (result < 0) {
        result = check_source(given.source);
    }
    if (result >= 0) {
        return result;
    }
    if (cli_open(given.is_salvage ? STELE_SALVAGE : STELE_READ_ONLY, NULL, &store, &error) !=
        STELE_OK) {
        return cli_fail(&error);
    }
    cli_catch_signals();
    result = export_store(store, operand_count > 0 ? operands[0] : NULL, &selection.read);
    if (result == CLI_EXIT_OK && given.is_salvage) {
        result = cli_salvage_end(store);
    }
    (void)stele_close(store, NULL);
    return result;
}

const cli_command cli_command_export = {
    .name = "export",
    .group = "read",
    .summary = "write events to a file, for import or as CloudEvents",
    .usage = "[FILE] [OPTIONS]",
    .about = "Writes events as JSON lines to a file, or to standard output: the whole store, "
             "or what the options select. The file appears when it is complete, and not "
             "before. What one stele exports, another imports: into an empty store with the "
             "same positions, revisions, times, tags, data and metadata, byte for byte. Only "
             "the ids of what the store makes itself (tombstones, and metadata that brings a "
             "deleted stream back) are new. CloudEvents come back with the same data, and "
             "with metadata of their origin. stele-import(1) tells more.",
    .examples = "  stele export ledger.jsonl\n"
                "  stele export --category account | zstd > accounts.jsonl.zst\n"
                "  stele export --format cloudevents --source /shop/ledger events.jsonl\n",
    .tables = {cli_select_what, cli_select_from, cli_select_range, options},
    .operands_min = 0,
    .operands_max = 1,
    .operand_words = {CLI_WORDS_FILES},
    .run = run_export,
};

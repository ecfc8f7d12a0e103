/* SPDX-License-Identifier: Apache-2.0 */
/* stele info: facts about a store. */
#include "cli.h"
#include "commands.h"
#include "json.h"
#include "text.h"

#include <inttypes.h>
#include <string.h>

static void add_label(cli_buffer *out, const char *label)
{
    cli_add_style(out, CLI_DIM);
    cli_buffer_format(out, "%-10s  ", label);
    cli_add_style_end(out, CLI_DIM);
}

static void add_line_time(cli_buffer *out, const char *label, stele_time time)
{
    char text[STELE_TIME_TEXT_SIZE];

    stele_time_print(time, text);
    add_label(out, label);
    cli_buffer_format(out, "%s\n", text);
}

static void add_files(cli_buffer *out, const stele_info *info)
{
    add_label(out, "log");
    cli_add_bytes(out, info->log_bytes);
    cli_buffer_add_text(out, " in ");
    cli_add_things(out, info->segment_count, "segment");
    if (info->compressed_segment_count > 0) {
        cli_buffer_add_text(out, "; ");
        cli_add_count(out, info->compressed_segment_count);
        cli_buffer_add_text(out, " compressed, from ");
        cli_add_bytes(out, info->compressed_from_bytes);
    }
    cli_buffer_add_byte(out, '\n');
    add_label(out, "index");
    cli_add_bytes(out, info->index_bytes);
    cli_buffer_add_text(out, " in ");
    cli_add_things(out, info->index_file_count, "file");
    cli_buffer_add_text(out, "; ");
    cli_add_things(out, info->unsealed_events, "event");
    cli_buffer_add_text(out, " indexed in memory\n");
    add_label(out, "on disk");
    cli_add_bytes(out, info->disk_bytes);
    cli_buffer_add_byte(out, '\n');
}

/* What is only worth a line when it is not as it should be. */
static void add_remarks(cli_buffer *out, const stele_info *info)
{
    if (info->recovered_bytes > 0) {
        add_label(out, "recovered");
        cli_add_bytes(out, info->recovered_bytes);
        cli_buffer_add_text(out, " of a torn end were dropped (nothing acknowledged)\n");
    }
    if (info->healed_index_files > 0) {
        add_label(out, "healed");
        cli_add_things(out, info->healed_index_files, "index file");
        cli_buffer_add_byte(out, '\n');
    }
    if (info->missing_index_files > 0) {
        add_label(out, "missing");
        cli_add_things(out, info->missing_index_files, "index file");
        cli_buffer_add_text(out, ", to be built again\n");
    }
    if (info->clock_behind > STELE_SECONDS(1)) {
        add_label(out, "clock");
        cli_add_duration(out, info->clock_behind);
        cli_buffer_add_text(out, " behind the last event\n");
    }
    if (info->is_poisoned) {
        add_label(out, "state");
        cli_add_styled(out, CLI_BAD, "a write failed: open it again",
                       strlen("a write failed: open it again"));
        cli_buffer_add_byte(out, '\n');
    }
}

static void print_text(const stele_info *info)
{
    CLI_CLEANUP_BUFFER cli_buffer out = {0};
    char id[STELE_UUID_TEXT_SIZE];

    stele_uuid_print(&info->store, id);
    add_label(&out, "store");
    cli_add_styled(&out, CLI_NAME, cli_store_name(), strlen(cli_store_name()));
    cli_buffer_format(&out, "  (%s)\n", info->backend);
    add_label(&out, "id");
    cli_buffer_format(&out, "%s, history %" PRIu64 "\n", id, info->epoch);
    add_label(&out, "events");
    cli_add_count(&out, info->head);
    cli_buffer_add_byte(&out, '\n');
    if (info->head > 0) {
        add_line_time(&out, "first", info->first_time);
        add_line_time(&out, "last", info->last_time);
    }
    add_files(&out, info);
    add_remarks(&out, info);
    cli_write(out.data, out.size);
}

static void add_number(cli_buffer *out, const char *name, uint64_t value)
{
    cli_buffer_format(out, ",\"%s\":%" PRIu64, name, value);
}

static void print_json(const stele_info *info)
{
    CLI_CLEANUP_BUFFER cli_buffer out = {0};
    char text[STELE_TIME_TEXT_SIZE];
    char id[STELE_UUID_TEXT_SIZE];

    stele_uuid_print(&info->store, id);
    cli_buffer_format(&out, "{\"backend\":\"%s\",\"store\":\"%s\"", info->backend, id);
    add_number(&out, "epoch", info->epoch);
    add_number(&out, "head", info->head);
    if (info->head > 0) {
        stele_time_print(info->first_time, text);
        cli_buffer_format(&out, ",\"first_time\":\"%s\"", text);
        stele_time_print(info->last_time, text);
        cli_buffer_format(&out, ",\"last_time\":\"%s\"", text);
    }
    add_number(&out, "log_bytes", info->log_bytes);
    add_number(&out, "index_bytes", info->index_bytes);
    add_number(&out, "disk_bytes", info->disk_bytes);
    add_number(&out, "segments", info->segment_count);
    add_number(&out, "compressed_segments", info->compressed_segment_count);
    add_number(&out, "compressed_from_bytes", info->compressed_from_bytes);
    add_number(&out, "index_files", info->index_file_count);
    add_number(&out, "unsealed_events", info->unsealed_events);
    add_number(&out, "recovered_bytes", info->recovered_bytes);
    add_number(&out, "healed_index_files", info->healed_index_files);
    add_number(&out, "missing_index_files", info->missing_index_files);
    cli_buffer_format(&out, ",\"clock_behind_seconds\":%.9f}\n", (double)info->clock_behind / 1e9);
    cli_write(out.data, out.size);
}

static int run_info(char *const *operands, size_t operand_count)
{
    stele_store *store = NULL;
    stele_info info;
    stele_error error;
    int result = CLI_EXIT_OK;

    (void)operands;
    (void)operand_count;
    if (cli_open(STELE_READ_ONLY, NULL, &store, &error) != STELE_OK) {
        return cli_fail(&error);
    }
    if (stele_describe(store, &info, &error) != STELE_OK) {
        result = cli_fail(&error);
    } else if (cli_given.json) {
        print_json(&info);
    } else {
        print_text(&info);
    }
    (void)stele_close(store, NULL);
    return result;
}

const cli_command cli_command_info = {
    .name = "info",
    .group = "look after",
    .summary = "facts about a store: events, times, sizes",
    .usage = "[OPTIONS]",
    .about = "Shows how many events a store has, from when to when, and what it takes on disk. "
             "\"history\" is 1, and one more each time that a recovery had to do without events "
             "that had been acknowledged or shown to readers: after a power cut, those that "
             "were appended with --durability os or none.",
    .examples = "  stele info\n"
                "  stele info --store /srv/ledger --json | jq .head\n",
    .tables = {NULL},
    .run = run_info,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* Records for eyes, see record.h. */
#include "record.h"

#include "json.h"
#include "text.h"

#include <inttypes.h>
#include <string.h>

#define BINARY_SHOWN 16
#define LABEL_COLUMNS 12
/* On narrower terminals, data is worth more than milliseconds. */
#define WIDE_COLUMNS 100
#define FRACTION_SIZE 4

/* ---- Pieces */

static bool is_readable(stele_bytes bytes)
{
    return cli_utf8_is_valid((const char *)bytes.data, bytes.size) &&
           !memchr(bytes.data, '\0', bytes.size);
}

/* Data on one line: JSON as it is, text as it is, else its first bytes and its size. Not yet made
 * printable. */
static void add_payload_line(cli_buffer *out, stele_bytes payload, stele_format format)
{
    if (payload.size == 0) {
        return;
    }
    if (format == STELE_JSON && stele__json_is_valid((const char *)payload.data, payload.size)) {
        cli_json_add_line(out, (const char *)payload.data, payload.size);
    } else if (format != STELE_PROTOBUF && format != STELE_AVRO && is_readable(payload)) {
        cli_buffer_add(out, payload.data, payload.size);
    } else {
        cli_buffer_format(out, "%s, ", cli_format_name(format));
        cli_add_bytes(out, payload.size);
        cli_buffer_add_byte(out, ':');
        for (size_t i = 0; i < payload.size && i < BINARY_SHOWN; i++) {
            cli_buffer_format(out, " %02x", payload.data[i]);
        }
        cli_buffer_add_text(out, payload.size > BINARY_SHOWN ? " \xe2\x80\xa6" : "");
    }
}

static void add_tags(cli_buffer *out, const stele_record *record)
{
    for (size_t i = 0; i < record->tag_count; i++) {
        cli_buffer_add_text(out, i > 0 ? " " : "");
        cli_buffer_add(out, record->tags[i].data, record->tags[i].size);
    }
}

/* ---- Table */

static void begin_table(cli_record_printer *printer)
{
    cli_column columns[CLI_TABLE_COLUMNS_MAX];
    size_t count = 0;

    if (printer->is_one_stream) {
        columns[count++] = (cli_column){"REV", true, CLI_NUMERAL, false};
    } else {
        columns[count++] = (cli_column){"POS", true, CLI_NUMERAL, false};
    }
    columns[count++] = (cli_column){"TIME (UTC)", false, CLI_PLAIN, false};
    if (!printer->is_one_stream) {
        columns[count++] = (cli_column){"STREAM", false, CLI_NAME, true};
    }
    columns[count++] = (cli_column){"TYPE", false, CLI_TYPE, true};
    if (printer->shows_tags) {
        columns[count++] = (cli_column){"TAGS", false, CLI_DIM, true};
    }
    columns[count++] = (cli_column){"DATA", false, CLI_PLAIN, false};
    cli_table_begin(&printer->table, columns, count);
}

static void print_row(cli_record_printer *printer, const stele_record *record)
{
    cli_buffer *text = &printer->text;

    cli_buffer_clear(text);
    if (printer->is_one_stream && record->revision == STELE_REVISION_TOMBSTONE) {
        cli_buffer_add_text(text, "end");
    } else {
        cli_buffer_format(text, "%" PRIu64,
                          printer->is_one_stream ? record->revision : record->position);
    }
    cli_table_cell(&printer->table, text->data, text->size);
    cli_buffer_clear(text);
    cli_add_time(text, record->time);
    if (printer->table.columns_shown > 0 && printer->table.columns_shown < WIDE_COLUMNS) {
        text->size -= FRACTION_SIZE;
    }
    cli_table_cell(&printer->table, text->data, text->size);
    if (!printer->is_one_stream) {
        cli_table_cell(&printer->table, record->stream.data, record->stream.size);
    }
    cli_table_cell(&printer->table, record->type.data, record->type.size);
    if (printer->shows_tags) {
        cli_buffer_clear(text);
        add_tags(text, record);
        cli_table_cell(&printer->table, text->data ? text->data : "", text->size);
    }
    cli_buffer_clear(text);
    add_payload_line(text, record->data, record->data_format);
    cli_table_cell(&printer->table, text->data ? text->data : "", text->size);
}

/* ---- Blocks */

static void add_label(cli_buffer *out, const char *label)
{
    cli_buffer_add_text(out, "  ");
    cli_add_style(out, CLI_DIM);
    cli_buffer_format(out, "%-10s", label);
    cli_add_style_end(out, CLI_DIM);
}

/* JSON stands on one line if it fits, else over several. */
static void add_json_block(cli_buffer *out, const char *text, size_t size)
{
    const size_t columns = cli_columns() > 0 ? cli_columns() : 80;
    CLI_CLEANUP_BUFFER cli_buffer line = {0};

    cli_json_add_line(&line, text, size);
    if (cli_text_width(line.data, line.size) + LABEL_COLUMNS <= columns) {
        cli_add_printable(out, line.data, line.size);
    } else {
        cli_json_add_pretty(out, text, size, LABEL_COLUMNS);
    }
}

static void add_payload_block(cli_buffer *out, const char *label, stele_bytes payload,
                              stele_format format)
{
    const char *text = (const char *)payload.data;

    if (payload.size == 0) {
        return;
    }
    add_label(out, label);
    if (format == STELE_JSON && stele__json_is_valid(text, payload.size)) {
        add_json_block(out, text, payload.size);
    } else {
        CLI_CLEANUP_BUFFER cli_buffer line = {0};

        add_payload_line(&line, payload, format);
        cli_add_printable(out, line.data, line.size);
    }
    cli_buffer_add_byte(out, '\n');
}

static void print_block(cli_record_printer *printer, const stele_record *record)
{
    cli_buffer *out = &printer->text;
    char time[STELE_TIME_TEXT_SIZE];
    char id[STELE_UUID_TEXT_SIZE];

    stele_time_print(record->time, time);
    stele_uuid_print(&record->id, id);
    cli_buffer_clear(out);
    cli_buffer_add_text(out, printer->count > 0 ? "\n" : "");
    cli_add_styled(out, CLI_NAME, record->stream.data, record->stream.size);
    if (record->revision == STELE_REVISION_TOMBSTONE) {
        cli_buffer_format(out, " @ end   position %" PRIu64 "\n", record->position);
    } else {
        cli_buffer_format(out, " @ %" PRIu64 "   position %" PRIu64 "\n", record->revision,
                          record->position);
    }
    add_label(out, "type");
    cli_add_styled(out, CLI_TYPE, record->type.data, record->type.size);
    cli_buffer_add_byte(out, '\n');
    add_label(out, "time");
    cli_buffer_format(out, "%s\n", time);
    add_label(out, "id");
    cli_buffer_format(out, "%s\n", id);
    if (record->tag_count > 0) {
        CLI_CLEANUP_BUFFER cli_buffer tags = {0};

        add_tags(&tags, record);
        add_label(out, "tags");
        cli_add_printable(out, tags.data, tags.size);
        cli_buffer_add_byte(out, '\n');
    }
    add_payload_block(out, "data", record->data, record->data_format);
    add_payload_block(out, "metadata", record->metadata, record->metadata_format);
    cli_write(out->data, out->size);
}

/* ---- The printer */

static bool has_tags(const stele_query *query)
{
    for (size_t i = 0; i < query->item_count; i++) {
        if (query->items[i].tags.count > 0) {
            return true;
        }
    }
    return false;
}

void cli_records_begin(cli_record_printer *printer, cli_layout layout, const stele_read *read)
{
    *printer = (cli_record_printer){.layout = layout};
    printer->is_one_stream = read->stream != NULL;
    printer->shows_tags = read->query != NULL && has_tags(read->query);
    if (layout == CLI_AS_TABLE) {
        begin_table(printer);
    }
}

void cli_records_print(cli_record_printer *printer, const stele_record *record)
{
    switch (printer->layout) {
    case CLI_AS_TABLE:
        print_row(printer, record);
        break;
    case CLI_AS_BLOCKS:
        print_block(printer, record);
        break;
    case CLI_AS_JSON:
        cli_buffer_clear(&printer->text);
        cli_record_add_json(&printer->text, record, CLI_FOR_READING);
        cli_write_json(&printer->text);
        break;
    }
    printer->count++;
}

void cli_records_flush(cli_record_printer *printer)
{
    if (printer->layout == CLI_AS_TABLE) {
        cli_table_flush(&printer->table);
    }
    cli_flush();
}

void cli_records_end(cli_record_printer *printer)
{
    if (printer->layout == CLI_AS_TABLE) {
        cli_table_end(&printer->table);
    }
    cli_buffer_done(&printer->text);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Showing records: as a table, as blocks with everything in them, or as a JSON object a line. */
#ifndef STELE_CLI_RECORD_H
#define STELE_CLI_RECORD_H

#include "table.h"

typedef enum cli_layout { CLI_AS_TABLE = 0, CLI_AS_BLOCKS = 1, CLI_AS_JSON = 2 } cli_layout;

typedef struct cli_record_printer {
    cli_layout layout;
    bool is_one_stream; /* then its name is left out of the table */
    bool shows_tags;
    uint64_t count;
    cli_table table;
    cli_buffer text;
} cli_record_printer;

/* `read` decides about columns: no name for one stream, tags when it asks for tags. */
void cli_records_begin(cli_record_printer *printer, cli_layout layout, const stele_read *read);
void cli_records_print(cli_record_printer *printer, const stele_record *record);
/* Lets everything so far be seen. */
void cli_records_flush(cli_record_printer *printer);
void cli_records_end(cli_record_printer *printer);

/* How a payload is written into JSON. */
typedef enum cli_exactness {
    CLI_FOR_READING, /* JSON data always as JSON: line breaks in it are left out */
    CLI_FOR_IMPORT   /* byte for byte: what has line breaks goes as base64 */
} cli_exactness;

/*
 * Adds the JSON object of a record, without a line break behind it:
 *
 *     {"position":1,"revision":0,"time":"…","id":"…","stream":"…","type":"…",
 *      "tags":["…"],"data":…,"metadata":…}
 *
 * `tags` is left out when there are none; `data` when it is empty and binary. Data that is not JSON
 * stands in `data_base64`. `format` says what the bytes are where the name of the member does not:
 * json in base64, protobuf, avro. Metadata likewise: `metadata_base64`, `metadata_format`.
 */
void cli_record_add_json(cli_buffer *out, const stele_record *record, cli_exactness exactness);

/* Whether JSON that stands in a line of JSON comes out of it with the same bytes. */
bool cli_json_survives_a_line(const char *text, size_t size);

/* "json", "binary", "protobuf", "avro". */
const char *cli_format_name(stele_format format);

#endif

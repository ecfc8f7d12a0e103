/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables for eyes. Columns are as wide as what they hold; because a table may never end, the first
 * rows are kept until their widths are known, and later rows may widen a column. On a terminal the
 * last column gets what is left of the line and is cut; elsewhere nothing is cut.
 */
#ifndef STELE_CLI_TABLE_H
#define STELE_CLI_TABLE_H

#include "cli.h"

#define CLI_TABLE_COLUMNS_MAX 8

typedef struct cli_column {
    const char *title;
    bool to_the_right;
    cli_style style;
    bool is_name; /* may be long: takes a third of a terminal at most */
} cli_column;

typedef struct cli_table {
    cli_column columns[CLI_TABLE_COLUMNS_MAX];
    size_t widths[CLI_TABLE_COLUMNS_MAX];
    size_t column_count;
    size_t rows;          /* kept */
    size_t cells;         /* of the row that is being filled */
    size_t columns_shown; /* of the terminal; 0: none */
    size_t name_width_max;
    bool has_begun;  /* the titles are printed */
    cli_buffer text; /* of the cells that are kept, one behind the other */
    cli_buffer ends; /* size_t: where each of them ends in `text` */
} cli_table;

void cli_table_begin(cli_table *table, const cli_column *columns, size_t column_count);
/* Adds a cell; the text is made printable. A row is complete when it has a cell for each column. */
void cli_table_cell(cli_table *table, const char *text, size_t size);
void cli_table_cell_text(cli_table *table, const char *text);
/* Prints the rows that are kept. */
void cli_table_flush(cli_table *table);
/* Prints what is left and frees the table. */
void cli_table_end(cli_table *table);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Tables for eyes, see table.h. */
#include "table.h"

#include "text.h"

#include <string.h>

#define ROWS_KEPT 200
#define BYTES_KEPT ((size_t)1 << 20)
#define GAP 2
#define LAST_WIDTH_MIN 12
#define NAME_WIDTH_MIN 6

void cli_table_begin(cli_table *table, const cli_column *columns, size_t column_count)
{
    *table = (cli_table){.column_count = column_count, .columns_shown = cli_columns()};
    for (size_t i = 0; i < column_count; i++) {
        table->columns[i] = columns[i];
        table->widths[i] = cli_text_width(columns[i].title, strlen(columns[i].title));
    }
}

/* ---- Widths */

/* What a line takes at least when no name in it is wider than `limit`. */
static size_t line_width(const cli_table *table, size_t limit)
{
    size_t used = LAST_WIDTH_MIN;

    for (size_t i = 0; i + 1 < table->column_count; i++) {
        const size_t width = table->widths[i];

        used += (table->columns[i].is_name && width > limit ? limit : width) + GAP;
    }
    return used;
}

/* Names can be a thousand characters long. They get a third of the line, or less if that is too
 * much for it. */
static size_t name_width_max(const cli_table *table)
{
    size_t limit = table->columns_shown / 3;

    while (limit > NAME_WIDTH_MIN && line_width(table, limit) > table->columns_shown) {
        limit--;
    }
    return limit;
}

static size_t widest(const cli_table *table, size_t column)
{
    const size_t width = table->widths[column];

    if (table->columns_shown == 0 || !table->columns[column].is_name) {
        return width;
    }
    return width > table->name_width_max ? table->name_width_max : width;
}

/* What is left for the last column; SIZE_MAX: all it wants. */
static size_t last_width(const cli_table *table)
{
    size_t used = 0;

    if (table->columns_shown == 0) {
        return SIZE_MAX;
    }
    for (size_t i = 0; i + 1 < table->column_count; i++) {
        used += widest(table, i) + GAP;
    }
    return used + LAST_WIDTH_MIN < table->columns_shown ? table->columns_shown - used
                                                        : LAST_WIDTH_MIN;
}

/* ---- Printing */

static void add_cell(const cli_table *table, cli_buffer *line, size_t column, cli_style style,
                     const char *text, size_t size)
{
    const bool is_last = column + 1 == table->column_count;
    const bool to_the_right = table->columns[column].to_the_right;
    const size_t width = is_last ? last_width(table) : widest(table, column);
    CLI_CLEANUP_BUFFER cli_buffer cell = {0};
    size_t padding = 0;

    cli_buffer_add(&cell, text, size);
    if (width < SIZE_MAX) {
        cli_clip(&cell, 0, width);
    }
    if (!is_last || to_the_right) {
        padding = (is_last ? table->widths[column] : width) - cli_text_width(cell.data, cell.size);
    }
    cli_buffer_add_times(line, ' ', to_the_right ? padding : 0);
    if (cell.size > 0) {
        cli_add_style(line, style);
        cli_buffer_add(line, cell.data, cell.size);
        cli_add_style_end(line, style);
    }
    cli_buffer_add_times(line, ' ', (to_the_right ? 0 : padding) + (is_last ? 0 : GAP));
}

static void end_line(cli_buffer *line)
{
    while (line->size > 0 && line->data[line->size - 1] == ' ') {
        line->size--;
    }
    cli_buffer_add_byte(line, '\n');
    cli_write(line->data, line->size);
    cli_buffer_clear(line);
}

static void print_titles(cli_table *table, cli_buffer *line)
{
    for (size_t i = 0; i < table->column_count; i++) {
        add_cell(table, line, i, CLI_BOLD, table->columns[i].title,
                 strlen(table->columns[i].title));
    }
    end_line(line);
    table->has_begun = true;
}

static size_t cell_end(const cli_table *table, size_t cell)
{
    size_t end;

    memcpy(&end, table->ends.data + cell * sizeof end, sizeof end);
    return end;
}

void cli_table_flush(cli_table *table)
{
    CLI_CLEANUP_BUFFER cli_buffer line = {0};
    size_t start = 0;

    if (table->rows == 0) {
        return;
    }
    table->name_width_max = name_width_max(table);
    if (!table->has_begun) {
        print_titles(table, &line);
    }
    for (size_t row = 0; row < table->rows; row++) {
        for (size_t column = 0; column < table->column_count; column++) {
            const size_t end = cell_end(table, row * table->column_count + column);

            add_cell(table, &line, column, table->columns[column].style, table->text.data + start,
                     end - start);
            start = end;
        }
        end_line(&line);
    }
    table->rows = 0;
    cli_buffer_clear(&table->text);
    cli_buffer_clear(&table->ends);
}

/* ---- Filling */

/* Widens the column of the cell whose text begins at `start`, if need be. */
static void measure(cli_table *table, size_t start)
{
    const size_t size = table->text.size - start;
    const size_t width = size > 0 ? cli_text_width(table->text.data + start, size) : 0;

    if (width > table->widths[table->cells]) {
        table->widths[table->cells] = width;
    }
}

void cli_table_cell(cli_table *table, const char *text, size_t size)
{
    const bool is_last = table->cells + 1 == table->column_count;
    /* More bytes than that never show on one line: no character has more than four, and few are
     * drawn over another. */
    const size_t seen = table->columns_shown * 8;
    const size_t start = table->text.size;

    if (table->columns_shown > 0 && size > seen) {
        size = seen;
        while (size > 0 && ((unsigned char)text[size] & 0xc0) == 0x80) {
            size--;
        }
    }
    cli_add_printable(&table->text, text, size);
    if (!is_last || table->columns[table->cells].to_the_right) {
        measure(table, start);
    }
    cli_buffer_add(&table->ends, &table->text.size, sizeof table->text.size);
    table->cells++;
    if (table->cells == table->column_count) {
        table->cells = 0;
        table->rows++;
        if (table->has_begun || table->rows >= ROWS_KEPT || table->text.size >= BYTES_KEPT) {
            cli_table_flush(table);
        }
    }
}

void cli_table_cell_text(cli_table *table, const char *text)
{
    cli_table_cell(table, text, strlen(text));
}

void cli_table_end(cli_table *table)
{
    cli_table_flush(table);
    cli_buffer_done(&table->text);
    cli_buffer_done(&table->ends);
}

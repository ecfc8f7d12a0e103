/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of events, cut into items: the lines of a file of JSON lines, or the elements of a JSON
 * array. Items come in windows, so that memory stays bounded whatever the file's size.
 *
 * Every item has a chain value: a hash of the item's bytes, keyed with the chain value of the item
 * before. It stands for the item, its place, and everything before it, and nothing else: not for
 * the file's name or time. Blank lines, the kind of line break and blanks between elements do not
 * count.
 */
#ifndef STELE_CLI_SOURCE_H
#define STELE_CLI_SOURCE_H

#include "chain.h"
#include "memory.h"

/* A window ends when it has so many items or bytes in them; it has at least one item if there is
 * one. */
#define CLI_WINDOW_ITEMS 4096
#define CLI_WINDOW_BYTES ((size_t)2 << 20)
/* An event of 16 MiB in base64 with its metadata fits. */
#define CLI_ITEM_SIZE_MAX ((size_t)32 << 20)

typedef struct cli_item {
    size_t at; /* in source->buffer */
    size_t size;
    size_t end;        /* where the next one may begin */
    uint64_t line;     /* 1, 2, … of its first byte */
    uint64_t column;   /* 1, 2, … in bytes */
    uint64_t line_end; /* line and column of `end` */
    uint64_t column_end;
    cli_chain chain;
} cli_item;

typedef enum cli_source_layout {
    CLI_LAYOUT_UNKNOWN = 0,
    CLI_LAYOUT_LINES,
    CLI_LAYOUT_ARRAY
} cli_source_layout;

/* What keeps a source from going on behind the items of its window. */
typedef struct cli_problem {
    const char *message; /* NULL: nothing */
    int os_error;        /* reading failed; then line and column mean nothing */
    uint64_t line;
    uint64_t column;
} cli_problem;

typedef struct cli_source {
    int descriptor;
    const char *name;  /* for messages */
    uint64_t size;     /* of the file; 0: unknown */
    uint64_t consumed; /* bytes that are dealt with */
    cli_source_layout layout;
    bool array_has_begun; /* an element was taken */
    bool array_has_ended;
    bool is_at_end; /* everything was read into the buffer */
    bool
        may_end_early; /* set by the importer: a window may end where a pipe has no more just now */
    bool is_waiting;   /* the window ended because nothing more has come yet */
    cli_buffer buffer;
    size_t start;  /* what is not dealt with yet */
    uint64_t line; /* of start */
    uint64_t column;
    cli_chain chain; /* of the last item that was dealt with */
    cli_item items[CLI_WINDOW_ITEMS];
    size_t item_count;
    cli_problem problem;
} cli_source;

/* Opens a file, or standard input for "-". `salt` begins the chain. Answers 0 or an errno. The
 * source is large: never on the stack. */
int cli_source_open(cli_source *source, const char *path, const char *salt);
/* Reads from a descriptor that stays open for the caller. */
void cli_source_begin(cli_source *source, int descriptor, const char *name, const char *salt);
/* Fills the window behind what was consumed. Afterwards: item_count items and perhaps a problem
 * behind them; no items and no problem is the end. */
void cli_source_fill(cli_source *source);
static inline const char *cli_item_text(const cli_source *source, size_t index)
{
    return source->buffer.data + source->items[index].at;
}
/* Deals with the first `count` items of the window; count may be 0 only at the end. */
void cli_source_consume(cli_source *source, size_t count);
/* Line and column of a byte of an item. */
void cli_source_place(const cli_source *source, size_t index, size_t offset, uint64_t *ret_line,
                      uint64_t *ret_column);
void cli_source_done(cli_source *source);

#endif

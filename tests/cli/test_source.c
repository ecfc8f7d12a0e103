/* SPDX-License-Identifier: Apache-2.0 */
/* Cutting files into items: lines and arrays, places, chain values, bounds. */
#include "cli/source.h"

#include "support/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static cli_source *source_of(const char *bytes, size_t size, const char *salt)
{
    const char *path = test_path(test_folder(), "file");
    const int descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    cli_source *source = test_memory(sizeof *source);

    expect_true(descriptor >= 0);
    for (size_t at = 0; at < size;) {
        const ssize_t written = write(descriptor, bytes + at, size - at);

        expect_true(written > 0);
        at += (size_t)written;
    }
    expect_true(lseek(descriptor, 0, SEEK_SET) == 0);
    cli_source_begin(source, descriptor, "file", salt);
    return source;
}

/* All items of a text as "line:column<item>", and a problem. */
static const char *items_of(const char *bytes, size_t size)
{
    cli_source *source = source_of(bytes, size, "");
    cli_buffer out = {0};
    char *copy;

    do {
        cli_source_fill(source);
        for (size_t i = 0; i < source->item_count; i++) {
            cli_buffer_format(&out, "%d:%d<%.*s>", (int)source->items[i].line,
                              (int)source->items[i].column, (int)source->items[i].size,
                              cli_item_text(source, i));
        }
        cli_source_consume(source, source->item_count);
    } while (source->item_count > 0);
    if (source->problem.message) {
        cli_buffer_format(&out, "!%d:%d %s", (int)source->problem.line, (int)source->problem.column,
                          source->problem.message);
    }
    copy = test_memory(out.size + 1);
    memcpy(copy, cli_buffer_text(&out), out.size);
    cli_buffer_done(&out);
    cli_source_done(source);
    return copy;
}

static const struct {
    const char *text;
    const char *items;
} files[] = {
    {"", ""},
    {"\n\n \t\r\n", ""},
    {"a\nb\n", "1:1<a>2:1<b>"},
    {"a\nb", "1:1<a>2:1<b>"},
    {"a\r\nb\r\n", "1:1<a>2:1<b>"},
    {"\n  a  \n\n b", "2:3<a>4:2<b>"},
    {"\xef\xbb\xbf"
     "a\n",
     "1:1<a>"},
    {"[]", ""},
    {" [ ] \n", ""},
    {"[{}]", "1:2<{}>"},
    {"[{},{}]", "1:2<{}>1:5<{}>"},
    {"[\n  {\"a\":\"]},[\"},\n  {\"b\":[1,{}]}\n]\n", "2:3<{\"a\":\"]},[\"}>3:3<{\"b\":[1,{}]}>"},
    {"[{\"a\":\"\\\"}\"} , 1 ,\"x\"]", "1:2<{\"a\":\"\\\"}\"}>1:16<1>1:19<\"x\">"},
    {"[{\n}\n,{}]", "1:2<{\n}>3:2<{}>"},
    {"[", "!1:2 the file ends within the array"},
    {"[{}", "1:2<{}>!1:4 the file ends within the array"},
    {"[{},", "1:2<{}>!1:5 the file ends within the array"},
    {"[{\"a\":1", "!1:8 the file ends within the array"},
    {"[{\"a\":\"\\", "!1:9 the file ends within the array"},
    {"[{} {}]", "1:2<{}>!1:5 ',' or ']' is expected"},
    {"[{},]", "1:2<{}>!1:5 an element is expected"},
    {"[,{}]", "!1:2 an element is expected"},
    {"[{}] {}", "1:2<{}>!1:6 nothing is expected behind the array"},
};

TEST_ROWS(a_file_is_cut_into_items, files)
{
    expect_text(items_of(files[row].text, strlen(files[row].text)), files[row].items);
}

/* ---- Windows */

/* The chain values of all items when `step` items are consumed at a time. */
static size_t chains_of(cli_source *source, size_t step, cli_chain *ret_chains)
{
    size_t count = 0;

    for (;;) {
        size_t taken;

        cli_source_fill(source);
        if (source->item_count == 0) {
            return count;
        }
        taken = step < source->item_count ? step : source->item_count;
        for (size_t i = 0; i < taken; i++) {
            ret_chains[count++] = source->items[i].chain;
        }
        cli_source_consume(source, taken);
    }
}

#define MANY 10000

static void add_lines(cli_buffer *text, const char *line_break)
{
    for (int i = 0; i < MANY; i++) {
        cli_buffer_format(text, "{\"n\":%d}%s", i, line_break);
    }
}

TEST(chain_values_do_not_depend_on_windows_or_line_breaks)
{
    cli_chain *whole = test_memory(MANY * sizeof *whole);
    cli_chain *pieces = test_memory(MANY * sizeof *pieces);
    cli_chain *other = test_memory(MANY * sizeof *other);
    cli_buffer text = {0};
    cli_buffer windows = {0};
    cli_source *source;

    add_lines(&text, "\n");
    add_lines(&windows, " \r\n\r\n");
    source = source_of(text.data, text.size, "");
    expect_uint(chains_of(source, SIZE_MAX, whole), MANY);
    cli_source_done(source);
    source = source_of(text.data, text.size, "");
    expect_uint(chains_of(source, 777, pieces), MANY);
    cli_source_done(source);
    source = source_of(windows.data, windows.size, "");
    expect_uint(chains_of(source, SIZE_MAX, other), MANY);
    cli_source_done(source);
    expect_bytes(pieces, MANY * sizeof *pieces, whole, MANY * sizeof *whole);
    expect_bytes(other, MANY * sizeof *other, whole, MANY * sizeof *whole);
    cli_buffer_done(&text);
    cli_buffer_done(&windows);
}

TEST(an_array_has_the_chain_of_its_elements)
{
    cli_chain lines[3];
    cli_chain elements[3];
    cli_source *source = source_of("{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n", 24, "");

    expect_uint(chains_of(source, SIZE_MAX, lines), 3);
    cli_source_done(source);
    source = source_of("[{\"a\":1},\n{\"b\":2} , {\"c\":3}]", 28, "");
    expect_uint(chains_of(source, 1, elements), 3);
    cli_source_done(source);
    expect_bytes(elements, sizeof elements, lines, sizeof lines);
}

TEST(chain_values_depend_on_salt_place_and_all_that_came_before)
{
    cli_chain plain[3];
    cli_chain salted[3];
    cli_chain changed[3];
    cli_source *source = source_of("x\nx\nx\n", 6, "");

    expect_uint(chains_of(source, SIZE_MAX, plain), 3);
    cli_source_done(source);
    source = source_of("x\nx\nx\n", 6, "again");
    expect_uint(chains_of(source, SIZE_MAX, salted), 3);
    cli_source_done(source);
    source = source_of("x\ny\nx\n", 6, "");
    expect_uint(chains_of(source, SIZE_MAX, changed), 3);
    cli_source_done(source);
    expect_true(memcmp(&plain[0], &plain[1], sizeof plain[0]) != 0);
    expect_true(memcmp(&plain[0], &salted[0], sizeof plain[0]) != 0);
    expect_bytes(&changed[0], sizeof changed[0], &plain[0], sizeof plain[0]);
    expect_true(memcmp(&plain[1], &changed[1], sizeof plain[0]) != 0);
    expect_true(memcmp(&plain[2], &changed[2], sizeof plain[0]) != 0);
}

TEST(windows_are_bounded)
{
    cli_buffer text = {0};
    cli_source *source;
    uint64_t items = 0;

    for (int i = 0; i < 40; i++) {
        cli_buffer_add_times(&text, 'x', (size_t)300 << 10);
        cli_buffer_add_byte(&text, '\n');
    }
    source = source_of(text.data, text.size, "");
    do {
        cli_source_fill(source);
        expect_true(source->item_count <= 8);
        expect_true(source->buffer.capacity <= (size_t)8 << 20);
        items += source->item_count;
        cli_source_consume(source, source->item_count);
    } while (source->item_count > 0);
    expect_uint(items, 40);
    expect_uint(source->consumed, text.size);
    cli_source_done(source);
    cli_buffer_done(&text);
}

TEST(a_sea_of_blank_lines_takes_no_memory)
{
    cli_buffer text = {0};
    cli_source *source;

    cli_buffer_add_times(&text, '\n', (size_t)20 << 20);
    cli_buffer_add_text(&text, "x\n");
    source = source_of(text.data, text.size, "");
    cli_source_fill(source);
    expect_uint(source->item_count, 1);
    expect_uint(source->items[0].line, ((uint64_t)20 << 20) + 1);
    expect_true(source->buffer.capacity <= (size_t)8 << 20);
    cli_source_done(source);
    cli_buffer_done(&text);
}

TEST(an_endless_line_is_refused)
{
    cli_buffer text = {0};
    cli_source *source;

    cli_buffer_add_text(&text, "a\n");
    cli_buffer_add_times(&text, 'x', CLI_ITEM_SIZE_MAX + 1);
    source = source_of(text.data, text.size, "");
    cli_source_fill(source);
    expect_uint(source->item_count, 1);
    expect_text(source->problem.message, "the line is longer than 32 MiB");
    expect_uint(source->problem.line, 2);
    cli_source_done(source);
    cli_buffer_done(&text);
}

TEST(a_place_within_an_item_has_line_and_column)
{
    static const char text[] = "[\n  {\"a\":1,\n   \"b\":x}]";
    cli_source *source = source_of(text, sizeof text - 1, "");
    uint64_t line;
    uint64_t column;

    cli_source_fill(source);
    cli_source_place(source, 0, 15, &line, &column);
    expect_uint(line, 3);
    expect_uint(column, 8);
    cli_source_done(source);
}

/* ---- The hash: the values that other implementations of SipHash-2-4 with 128 bits give. */

static const struct {
    size_t size;
    const char *hash;
} hashes[] = {
    {0, "a3817f04ba25a8e66df67214c7550293"},  {1, "da87c1d86b99af44347659119b22fc45"},
    {7, "a1f1ebbed8dbc153c0b84aa61ff08239"},  {8, "3b62a9ba6258f5610f83e264f31497b4"},
    {15, "5493e99933b0a8117e08ec0f97cfc3d9"}, {63, "5150d1772f50834a503e069a973fbd7c"},
};

TEST_ROWS(the_chain_is_siphash, hashes)
{
    cli_chain key;
    cli_chain hash;
    uint8_t bytes[64];
    char text[33];

    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)i;
    }
    memcpy(key.bytes, bytes, sizeof key.bytes);
    hash = cli_chain_next(&key, bytes, hashes[row].size);
    for (size_t i = 0; i < sizeof hash.bytes; i++) {
        (void)snprintf(text + 2 * i, 3, "%02x", hash.bytes[i]);
    }
    expect_text((const char *)text, hashes[row].hash);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading everything that a read returns, and texts of it.
 */
#include "suite.h"
#include "suite_inside.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

/* ---- reading */

stele_record copy_record(suite *s, const stele_record *record)
{
    stele_record copy = *record;
    copy.stream.data = suite_keep(s, record->stream.data, record->stream.size);
    copy.type.data = suite_keep(s, record->type.data, record->type.size);
    copy.data.data = (const uint8_t *)suite_keep(s, record->data.data, record->data.size);
    copy.metadata.data =
        (const uint8_t *)suite_keep(s, record->metadata.data, record->metadata.size);
    stele_text *tags = suite_allocate(s, (record->tag_count + 1) * sizeof *tags);
    for (size_t i = 0; i < record->tag_count; i++) {
        tags[i].size = record->tags[i].size;
        tags[i].data = suite_keep(s, record->tags[i].data, record->tags[i].size);
    }
    copy.tags = tags;
    return copy;
}

copies collect_rest(suite *s, stele_cursor *cursor)
{
    copies all = {.head = stele_cursor_head(cursor), .error = suite_soiled_error()};
    size_t room = 0;
    for (const stele_record *record; (record = stele_cursor_next(cursor, &all.error));) {
        if (all.count == room) {
            room = room ? 2 * room : 16;
            stele_record *more = suite_allocate(s, room * sizeof *more);
            if (all.count > 0) {
                memcpy(more, all.records, all.count * sizeof *more);
            }
            all.records = more;
        }
        all.records[all.count++] = copy_record(s, record);
    }
    all.status = all.error.status;
    suite_check_error(all.status, &all.error);
    return all;
}

copies collect(suite *s, stele_read read)
{
    stele_cursor *cursor = NULL;
    copies all = {.error = suite_soiled_error()};
    all.status = stele_read_open(on(s), &read, &cursor, &all.error);
    suite_check_error(all.status, &all.error);
    if (all.status == STELE_OK) {
        all = collect_rest(s, cursor);
        stele_cursor_free(cursor);
    } else {
        expect_null(cursor);
    }
    return all;
}

uint64_t count_of(suite *s, stele_read read)
{
    stele_error error = suite_soiled_error();
    stele_cursor *cursor = NULL;
    uint64_t count = 0;
    expect_ok(stele_read_open(on(s), &read, &cursor, &error), &error);
    while (stele_cursor_next(cursor, &error)) {
        count++;
    }
    expect_ok(error.status, &error);
    stele_cursor_free(cursor);
    return count;
}

/* The words that `word` makes of each record, or why there are none. */
static const char *words_of(suite *s, copies all,
                            const char *(*word)(suite *s, const stele_record *record))
{
    if (all.status != STELE_OK) {
        return error_text(s, &all.error);
    }
    stele__buffer text = {.alloc = stele_alloc_default()};
    for (size_t i = 0; i < all.count; i++) {
        suite_add_word(&text, word(s, &all.records[i]));
    }
    return suite_take_text(s, &text);
}

static const char *id_word(suite *s, const stele_record *record)
{
    unsigned n;
    return suite_number_of(&record->id, &n) ? suite_print(s, "e%u", n)
                                            : suite_keep(s, record->type.data, record->type.size);
}

static const char *revision_word(suite *s, const stele_record *record)
{
    return suite_revision_text(s, record->revision);
}

static const char *position_word(suite *s, const stele_record *record)
{
    return suite_print(s, "%" PRIu64, suite_place(s, record->position));
}

static const char *stream_word(suite *s, const stele_record *record)
{
    return suite_keep(s, record->stream.data, record->stream.size);
}

const char *ids_of(suite *s, copies all)
{
    return words_of(s, all, id_word);
}

const char *ids(suite *s, stele_read read)
{
    return words_of(s, collect(s, read), id_word);
}

const char *revisions(suite *s, stele_read read)
{
    return words_of(s, collect(s, read), revision_word);
}

const char *positions(suite *s, stele_read read)
{
    return words_of(s, collect(s, read), position_word);
}

const char *streams(suite *s, stele_read read)
{
    return words_of(s, collect(s, read), stream_word);
}

stele_position head_of(suite *s)
{
    stele_position head = 0;
    stele_error error = suite_soiled_error();
    expect_ok(stele_head(on(s), &head, &error), &error);
    return head;
}

stele_stream_info describe(suite *s, const char *stream)
{
    stele_stream_info info;
    stele_error error = suite_soiled_error();
    memset(&info, 0x5a, sizeof info);
    expect_ok(stele_stream_describe(on(s), stream, &info, &error), &error);
    expect_text(info.name, stream);
    return info;
}

const char *state_of(suite *s, const char *stream)
{
    stele_stream_info info;
    stele_error error = suite_soiled_error();
    const stele_status status = stele_stream_describe(on(s), stream, &info, &error);
    suite_check_error(status, &error);
    return status == STELE_OK ? suite_expected_text(s, info.state) : error_text(s, &error);
}

const char *canonical_json(suite *s, stele_bytes json)
{
    json_error_t ignored;
    json_t *value = json_loadb((const char *)json.data, json.size,
                               JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &ignored);
    if (!value) {
        test_fail("'%.*s' is not JSON", STELE_TEXT(json));
    }
    const size_t flags = JSON_SORT_KEYS | JSON_COMPACT | JSON_ENCODE_ANY;
    const size_t size = json_dumpb(value, NULL, 0, flags);
    char *text = suite_allocate(s, size + 1);
    expect_uint(json_dumpb(value, text, size, flags), size);
    json_decref(value);
    return text;
}

const char *metadata_of(suite *s, const char *stream)
{
    stele_metadata metadata;
    stele_error error = suite_soiled_error();
    memset(&metadata, 0x5a, sizeof metadata);
    const stele_status status = stele_metadata_read(on(s), stream, &metadata, &error);
    suite_check_error(status, &error);
    if (status != STELE_OK) {
        return error_text(s, &error);
    }
    const char *json = metadata.json.size > 0 ? canonical_json(s, metadata.json) : "";
    const char *text = suite_print(s, "%" PRId64 ": %s", metadata.revision, json);
    stele_metadata_done(&metadata);
    return text;
}

const char *names_of(suite *s, stele_list list)
{
    stele_name_list *names = NULL;
    stele_error error = suite_soiled_error();
    stele__buffer text = {.alloc = stele_alloc_default()};
    expect_ok(stele_names_open(on(s), &list, &names, &error), &error);
    for (const stele_name_entry *entry; (entry = stele_names_next(names, &error));) {
        suite_add_word(&text, suite_keep(s, entry->name.data, entry->name.size));
    }
    expect_ok(error.status, &error);
    stele_names_free(names);
    return suite_take_text(s, &text);
}

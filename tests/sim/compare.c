/* SPDX-License-Identifier: Apache-2.0 */
/* The same question to two stores. See compare.h. */
#include "sim/compare.h"

#include "base/base.h"

#include <inttypes.h>

/* Notes how the store failed: a caller that plays with faults lets some of that pass. An error that
 * does not say what happened never passes. */
static void note_status(const sim_pair *pair, stele_status status, const stele_error *error)
{
    sim_report *report = pair->report;
    if (status != STELE_OK && !sim_report_is_told(status, error)) {
        (void)sim_report_fail(report, "%s, and the error says %s: \"%s\"",
                              stele_status_name(status), stele_status_name(error->status),
                              error->message);
        return;
    }
    report->saw_io_error = report->saw_io_error || status == STELE_IO || status == STELE_NO_MEMORY;
    report->saw_corruption = report->saw_corruption || status == STELE_CORRUPT;
}

static bool same_bytes(const void *a, size_t a_size, const void *b, size_t b_size)
{
    return a_size == b_size && (a_size == 0 || memcmp(a, b, a_size) == 0);
}

/* What is different between two records, or NULL. */
static const char *differing_part(const sim_pair *pair, const stele_record *mine,
                                  const stele_record *theirs)
{
    bool is_given = true;
    if (mine->position != theirs->position) {
        return "the position";
    }
    if (mine->revision != theirs->revision) {
        return "the revision";
    }
    if (!same_bytes(mine->stream.data, mine->stream.size, theirs->stream.data,
                    theirs->stream.size)) {
        return "the stream";
    }
    if (!same_bytes(mine->type.data, mine->type.size, theirs->type.data, theirs->type.size)) {
        return "the type";
    }
    if (!pair->is_id_right(pair->context, mine->position, &mine->id, &is_given) ||
        (is_given && !stele__uuid_equal(&mine->id, &theirs->id))) {
        return "the id";
    }
    if (mine->time != theirs->time) {
        return "the time";
    }
    if (mine->data_format != theirs->data_format ||
        mine->metadata_format != theirs->metadata_format) {
        return "a format";
    }
    if (!same_bytes(mine->data.data, mine->data.size, theirs->data.data, theirs->data.size)) {
        return "the data";
    }
    if (!same_bytes(mine->metadata.data, mine->metadata.size, theirs->metadata.data,
                    theirs->metadata.size)) {
        return "the metadata";
    }
    if (mine->tag_count != theirs->tag_count) {
        return "the number of tags";
    }
    for (size_t i = 0; i < mine->tag_count; i++) {
        if (!stele__text_equal(mine->tags[i], theirs->tags[i])) {
            return "a tag";
        }
    }
    return NULL;
}

bool sim_compare_cursors(const sim_pair *pair, stele_cursor *store_cursor,
                         stele_cursor *oracle_cursor, uint64_t limit, const char *what)
{
    stele_position last = 0;
    for (uint64_t i = 0; limit == 0 || i < limit; i++) {
        stele_error error;
        stele_error oracle_error;
        const stele_record *mine = stele_cursor_next(store_cursor, &error);
        const stele_record *theirs = stele_cursor_next(oracle_cursor, &oracle_error);
        if (!mine && !theirs && error.status == STELE_DELETED &&
            oracle_error.status == STELE_DELETED) {
            return true;
        }
        if (!mine && error.status != STELE_OK) {
            note_status(pair, error.status, &error);
            return sim_report_fail(pair->report,
                                   "read of %s: failed behind position %" PRIu64 ": %s", what, last,
                                   error.message);
        }
        if (!theirs && oracle_error.status != STELE_OK) {
            return sim_report_fail(pair->report, "read of %s: the oracle failed: %s", what,
                                   oracle_error.message);
        }
        if (!mine || !theirs) {
            if (mine) {
                return sim_report_fail(pair->report,
                                       "read of %s: shows position %" PRIu64
                                       ", which should not be there",
                                       what, mine->position);
            }
            return !theirs ||
                   sim_report_fail(pair->report, "read of %s: position %" PRIu64 " is missing",
                                   what, theirs->position);
        }
        const char *part = differing_part(pair, mine, theirs);
        if (part) {
            return sim_report_fail(pair->report,
                                   "read of %s: %s is wrong; got position %" PRIu64
                                   " revision %" PRIu64
                                   " of %.*s type %.*s, expected position %" PRIu64
                                   " revision %" PRIu64 " of %.*s type %.*s",
                                   what, part, mine->position, mine->revision,
                                   STELE_TEXT(mine->stream), STELE_TEXT(mine->type),
                                   theirs->position, theirs->revision, STELE_TEXT(theirs->stream),
                                   STELE_TEXT(theirs->type));
        }
        last = mine->position;
    }
    return true;
}

bool sim_compare_read(const sim_pair *pair, const stele_read *read, const char *what)
{
    STELE_CLEANUP(cursor) stele_cursor *mine = NULL;
    STELE_CLEANUP(cursor) stele_cursor *theirs = NULL;
    stele_error error;
    stele_error oracle_error;
    const stele_status status = stele_read_open(pair->store, read, &mine, &error);
    const stele_status expected = stele_read_open(pair->oracle, read, &theirs, &oracle_error);
    if (status != expected) {
        note_status(pair, status, &error);
        return sim_report_fail(pair->report, "read of %s: answered %s (%s), expected %s (%s)", what,
                               stele_status_name(status), status ? error.message : "",
                               stele_status_name(expected), expected ? oracle_error.message : "");
    }
    if (status != STELE_OK) {
        return error.detail == oracle_error.detail ||
               sim_report_fail(pair->report, "read of %s: detail %#x (%s), expected %#x (%s)", what,
                               (unsigned)error.detail, error.message, (unsigned)oracle_error.detail,
                               oracle_error.message);
    }
    return sim_compare_cursors(pair, mine, theirs, 0, what);
}

bool sim_compare_rest(const sim_pair *pair, const stele_read *read, const char *what,
                      uint64_t *ret_missing)
{
    STELE_CLEANUP(cursor) stele_cursor *mine = NULL;
    STELE_CLEANUP(cursor) stele_cursor *theirs = NULL;
    stele_error error;
    *ret_missing = 0;
    const stele_status status = stele_read_open(pair->store, read, &mine, &error);
    if (stele_read_open(pair->oracle, read, &theirs, NULL) != STELE_OK && status != STELE_OK) {
        return true;
    }
    if (status != STELE_OK && status != STELE_NOT_FOUND) { /* not found: nothing is left of it */
        note_status(pair, status, &error);
        return sim_report_fail(pair->report, "read of %s: %s", what, error.message);
    }
    const stele_record *expected;
    const stele_record *record = NULL;
    if (status == STELE_OK) {
        record = stele_cursor_next(mine, &error);
    }
    while (theirs && (expected = stele_cursor_next(theirs, NULL)) != NULL) {
        if (!record || record->position != expected->position) {
            ++*ret_missing;
            continue;
        }
        const char *part = differing_part(pair, record, expected);
        if (part) {
            return sim_report_fail(pair->report, "read of %s: %s of position %" PRIu64 " is wrong",
                                   what, part, record->position);
        }
        record = stele_cursor_next(mine, &error);
    }
    if (record) {
        return sim_report_fail(pair->report,
                               "read of %s: shows position %" PRIu64
                               ", which is not there or out of order",
                               what, record->position);
    }
    if (status == STELE_OK && error.status != STELE_OK) {
        note_status(pair, error.status, &error);
        return sim_report_fail(pair->report, "read of %s: %s", what, error.message);
    }
    return true;
}

/* What is different between two descriptions of a stream, or NULL. */
static const char *differing_fact(const stele_stream_info *mine, const stele_stream_info *theirs)
{
    if (mine->state != theirs->state) {
        return "state";
    }
    if (mine->event_count != theirs->event_count) {
        return "event count";
    }
    if (mine->event_count > 0 && mine->last_revision != theirs->last_revision) {
        return "last revision";
    }
    /* Where a read shows nothing there is no first one. */
    if (mine->visible_count > 0 && mine->first_revision != theirs->first_revision) {
        return "first revision";
    }
    if (mine->visible_count != theirs->visible_count) {
        return "visible count";
    }
    if (mine->last_position != theirs->last_position) {
        return "last position";
    }
    return !mine->has_metadata == !theirs->has_metadata ? NULL : "having metadata";
}

static bool report_fact(const sim_pair *pair, const char *what, const char *fact,
                        const stele_stream_info *mine, const stele_stream_info *theirs)
{
    return sim_report_fail(pair->report,
                           "%s: the %s is wrong; got state %" PRIi64 " revisions %" PRIu64
                           " to %" PRIu64 " count %" PRIu64 " visible %" PRIu64
                           " last position %" PRIu64 ", expected state %" PRIi64
                           " revisions %" PRIu64 " to %" PRIu64 " count %" PRIu64
                           " visible %" PRIu64 " last position %" PRIu64,
                           what, fact, mine->state, mine->first_revision, mine->last_revision,
                           mine->event_count, mine->visible_count, mine->last_position,
                           theirs->state, theirs->first_revision, theirs->last_revision,
                           theirs->event_count, theirs->visible_count, theirs->last_position);
}

bool sim_compare_stream(const sim_pair *pair, const char *stream)
{
    stele_stream_info mine;
    stele_stream_info theirs;
    stele_error error;
    stele_error oracle_error;
    const stele_status status = stele_stream_describe(pair->store, stream, &mine, &error);
    const stele_status expected =
        stele_stream_describe(pair->oracle, stream, &theirs, &oracle_error);
    if (status != expected) {
        note_status(pair, status, &error);
        return sim_report_fail(pair->report, "description of %.60s: %s, expected %s", stream,
                               stele_status_name(status), stele_status_name(expected));
    }
    if (status != STELE_OK) {
        return true;
    }
    const char *fact = differing_fact(&mine, &theirs);
    return !fact || report_fact(pair, stream, fact, &mine, &theirs);
}

bool sim_compare_metadata(const sim_pair *pair, const char *stream)
{
    STELE_CLEANUP(metadata) stele_metadata mine = {0};
    STELE_CLEANUP(metadata) stele_metadata theirs = {0};
    stele_error error;
    stele_error oracle_error;
    const stele_status status = stele_metadata_read(pair->store, stream, &mine, &error);
    const stele_status expected = stele_metadata_read(pair->oracle, stream, &theirs, &oracle_error);
    if (status != expected) {
        note_status(pair, status, &error);
        return sim_report_fail(pair->report, "metadata of %.60s: %s (%s), expected %s", stream,
                               stele_status_name(status), status ? error.message : "",
                               stele_status_name(expected));
    }
    if (status != STELE_OK) {
        return true;
    }
    const bool is_same =
        mine.revision == theirs.revision && mine.truncate_before == theirs.truncate_before &&
        mine.max_count == theirs.max_count && mine.max_age_seconds == theirs.max_age_seconds &&
        same_bytes(mine.json.data, mine.json.size, theirs.json.data, theirs.json.size);
    return is_same || sim_report_fail(pair->report,
                                      "metadata of %.60s: revision %" PRIi64
                                      " %.*s, expected %" PRIi64 " %.*s",
                                      stream, mine.revision, STELE_TEXT(mine.json), theirs.revision,
                                      STELE_TEXT(theirs.json));
}

static bool compare_entry(const sim_pair *pair, const stele_list *list,
                          const stele_name_entry *mine, const stele_name_entry *theirs,
                          const char *what)
{
    if (!stele__text_equal(mine->name, theirs->name)) {
        return sim_report_fail(pair->report, "names of %s: got %.*s, expected %.*s", what,
                               STELE_TEXT(mine->name), STELE_TEXT(theirs->name));
    }
    if (list->kind == STELE_STREAM_NAMES) {
        const char *fact = differing_fact(mine, theirs);
        return !fact || report_fact(pair, what, fact, mine, theirs);
    }
    return (mine->event_count == theirs->event_count &&
            mine->last_position == theirs->last_position) ||
           sim_report_fail(pair->report,
                           "names of %s: %.*s has %" PRIu64 " events up to %" PRIu64
                           ", expected %" PRIu64 " up to %" PRIu64,
                           what, STELE_TEXT(mine->name), mine->event_count, mine->last_position,
                           theirs->event_count, theirs->last_position);
}

bool sim_compare_names(const sim_pair *pair, const stele_list *list, const char *what)
{
    STELE_CLEANUP(names) stele_name_list *mine = NULL;
    STELE_CLEANUP(names) stele_name_list *theirs = NULL;
    stele_error error;
    stele_error oracle_error;
    if (stele_names_open(pair->store, list, &mine, &error) != STELE_OK) {
        note_status(pair, error.status, &error);
        return sim_report_fail(pair->report, "names of %s: %s", what, error.message);
    }
    if (stele_names_open(pair->oracle, list, &theirs, &oracle_error) != STELE_OK) {
        return sim_report_fail(pair->report, "names of %s: the oracle: %s", what,
                               oracle_error.message);
    }
    for (;;) {
        const stele_name_entry *my_entry = stele_names_next(mine, &error);
        const stele_name_entry *their_entry = stele_names_next(theirs, &oracle_error);
        if (!my_entry && error.status != STELE_OK) {
            note_status(pair, error.status, &error);
            return sim_report_fail(pair->report, "names of %s: %s", what, error.message);
        }
        if (!my_entry || !their_entry) {
            const stele_name_entry *one = my_entry ? my_entry : their_entry;
            return !one ||
                   sim_report_fail(pair->report, "names of %s: %.*s is %s", what,
                                   STELE_TEXT(one->name), my_entry ? "too many" : "missing");
        }
        if (!compare_entry(pair, list, my_entry, their_entry, what)) {
            return false;
        }
    }
}

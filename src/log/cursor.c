/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cursors: a walk over positions (all of them, those of a stream, those that a search finds), the
 * events there, and what is left out.
 *
 * The walk is the same for every source: from a place, the next position upwards or downwards. A
 * stream is walked by its postings, bounded by revisions; the others by a search. Filters look at
 * the record that was read.
 */
#include "log/engine.h"

#include <inttypes.h>

typedef struct prefix_list {
    stele_text *prefixes;
    size_t count;
} prefix_list;

struct stele__log_cursor {
    stele_backend_cursor ready; /* of the batch, what was not handed out yet */
    stele__log *log;
    stele__view *view;
    stele_position head;  /* pinned */
    stele_position bound; /* head, or the point of as_of */
    stele_direction direction;
    bool must_exist;
    bool has_as_of;
    bool is_stream;
    bool is_everything;   /* each position is a match */
    bool is_unfiltered;   /* … and is shown, going up */
    bool is_plain_stream; /* nothing but revisions and `$maxAge` decides what of it is shown */
    bool is_done;  /* nothing below or above any more, whatever is appended (backwards, limit) */
    uint64_t left; /* records to return; UINT64_MAX: no limit */
    stele_position next;      /* where the walk goes on */
    stele_position walked_to; /* up to here every event is shown and stands in the same segment; 0:
                                 not known */
    stele_revision low;       /* streams: revisions that are shown */
    stele_revision high;
    stele_revision from_revision;  /* streams that are followed: nothing below this is shown */
    stele_revision as_of_revision; /* streams: nothing above this exists */
    stele_time oldest;             /* streams: `$maxAge` */
    stele_time from_time;          /* nothing recorded before this is shown: it had not come yet */
    stele_position left_out_from;  /* salvage: damaged events since the last good one; 0: none */
    stele_position left_out_to;
    uint64_t stream_hash;
    stele__postings postings;
    stele__entries entries; /* of the stream */
    stele__search *search;
    stele__locator locator;
    const stele__segment *announced; /* the segment that a walk over everything entered last */
    stele__reader reader;
    prefix_list stream_prefixes;
    prefix_list type_prefixes;
    stele_predicate predicate;
    void *predicate_context;
    stele_status failed;
    stele_error failure;
    stele__batch batch; /* read ahead; the walk stands behind all of it */
    size_t size;        /* of this piece of memory, which goes on with names and prefixes */
    stele_text stream;
};

/* ---- making */

static size_t prefixes_size(const char *const *prefixes, size_t count)
{
    size_t size = count * sizeof(stele_text);
    for (size_t i = 0; i < count; i++) {
        size += strlen(prefixes[i]);
    }
    return size;
}

static void copy_prefixes(const char *const *prefixes, size_t count, stele_text *to, char **text,
                          prefix_list *ret_list)
{
    for (size_t i = 0; i < count; i++) {
        const size_t size = strlen(prefixes[i]);
        memcpy(*text, prefixes[i], size);
        to[i] = (stele_text){*text, size};
        *text += size;
    }
    *ret_list = (prefix_list){to, count};
}

static stele_status make_cursor(stele__log *log, const stele_read *read,
                                stele__log_cursor **ret_cursor, stele_error *reterr)
{
    const size_t base = (sizeof(stele__log_cursor) + 15) & ~(size_t)15;
    const size_t size = base + prefixes_size(read->stream_prefixes, read->stream_prefix_count) +
                        prefixes_size(read->type_prefixes, read->type_prefix_count) +
                        (read->stream ? strlen(read->stream) : 0);
    stele__log_cursor *cursor = stele__allocate(log->alloc, size);
    if (!cursor) {
        return stele__fail_memory(reterr);
    }
    memset(cursor, 0, offsetof(stele__log_cursor, postings));
    cursor->search = NULL;
    cursor->locator.segment = NULL;
    cursor->announced = NULL;
    cursor->failed = STELE_OK;
    cursor->log = log;
    cursor->from_time = INT64_MIN;
    cursor->size = size;
    cursor->direction = read->direction;
    cursor->left = read->limit ? read->limit : UINT64_MAX;
    cursor->predicate = read->predicate;
    cursor->predicate_context = read->predicate_context;
    cursor->is_stream = read->stream != NULL;
    cursor->is_plain_stream = cursor->is_stream && !read->predicate &&
                              read->stream_prefix_count == 0 && read->type_prefix_count == 0;
    stele__batch_clear(&cursor->batch);
    stele_text *views = (stele_text *)((uint8_t *)cursor + base);
    char *text = (char *)(views + read->stream_prefix_count + read->type_prefix_count);
    copy_prefixes(read->stream_prefixes, read->stream_prefix_count, views, &text,
                  &cursor->stream_prefixes);
    copy_prefixes(read->type_prefixes, read->type_prefix_count, views + read->stream_prefix_count,
                  &text, &cursor->type_prefixes);
    if (read->stream) {
        cursor->stream = (stele_text){text, strlen(read->stream)};
        memcpy(text, read->stream, cursor->stream.size);
        cursor->stream_hash = stele__term_hash(&log->hash_key, STELE_TERM_STREAM, cursor->stream);
    }
    stele__reader_init(&cursor->reader, log->alloc);
    *ret_cursor = cursor;
    return STELE_OK;
}

void stele__log_read_free(stele__log_cursor *cursor)
{
    if (cursor) {
        stele__search_free(cursor->search);
        stele__reader_done(&cursor->reader);
        stele__view_unref(cursor->view);
        stele__release(cursor->log->alloc, cursor, cursor->size);
    }
}

static void pin(stele__log_cursor *cursor)
{
    stele__view_unref(cursor->view);
    cursor->view = stele__log_view(cursor->log, &cursor->head);
    cursor->bound = cursor->head;
    cursor->locator.segment = NULL;
    cursor->walked_to = 0;
}

/* The position of the last event at or before a point of as_of. */
static stele_status find_bound(stele__log_cursor *cursor, const stele_point *point,
                               stele_error *reterr)
{
    stele_position position = cursor->head;
    cursor->has_as_of = point->kind != STELE_POINT_DEFAULT && point->kind != STELE_POINT_END;
    cursor->as_of_revision =
        point->kind == STELE_POINT_REVISION ? point->value : STELE_REVISION_TOMBSTONE;
    if (point->kind == STELE_POINT_POSITION) {
        position = point->value;
    } else if (point->kind == STELE_POINT_TIME && (stele_time)point->value < INT64_MAX) {
        STELE_TRY(stele__view_time(cursor->view, &cursor->locator, &cursor->reader,
                                   (stele_time)point->value + 1, cursor->head, &position, reterr));
        position--;
    } else if (point->kind == STELE_POINT_START) {
        position = 0;
    }
    if (position < cursor->bound) {
        cursor->bound = position;
    }
    return STELE_OK;
}

/* ---- streams */

static stele_status fail_missing(const stele__log_cursor *cursor, const stele__stream_facts *facts,
                                 stele_error *reterr)
{
    if (facts->state.is_truncated_all) {
        return stele__fail(reterr, STELE_NOT_FOUND_DELETED, "the stream %.*s is deleted",
                           STELE_TEXT(cursor->stream));
    }
    return stele__fail(reterr, STELE_NOT_FOUND_STREAM, "there is no stream %.*s",
                       STELE_TEXT(cursor->stream));
}

static stele_status fail_tombstone(stele_text stream, stele_error *reterr)
{
    (void)stele__fail(reterr, STELE_DELETED_TOMBSTONE, "the stream %.*s is tombstoned",
                      STELE_TEXT(stream));
    if (reterr) {
        reterr->conflict.actual_revision = STELE_IS_TOMBSTONED;
    }
    return STELE_DELETED;
}

static stele_time oldest_shown(const stele__log_cursor *cursor, const stele__stream_facts *facts)
{
    const int64_t seconds = facts->metadata.max_age_seconds;
    int64_t span;
    int64_t oldest;
    if (seconds == 0 || __builtin_mul_overflow(seconds, INT64_C(1000000000), &span) ||
        __builtin_sub_overflow(cursor->log->clock->now(cursor->log->clock->context), span,
                               &oldest)) {
        return INT64_MIN;
    }
    return oldest;
}

/* A metadata stream cannot be read when the stream it belongs to has ended. */
static stele_status check_owner(stele__log_cursor *cursor, stele_error *reterr)
{
    if (!stele__core_is_metastream(cursor->stream)) {
        return STELE_OK;
    }
    stele__stream_facts facts;
    const stele_text owner = {cursor->stream.data + 2, cursor->stream.size - 2};
    STELE_TRY(stele__view_stream(cursor->view, &cursor->locator, &cursor->reader,
                                 &cursor->log->hash_key, owner, cursor->head, NULL, &facts,
                                 reterr));
    return facts.state.is_tombstoned ? fail_tombstone(cursor->stream, reterr) : STELE_OK;
}

/* Finds which revisions of the stream are shown as of the head. */
static stele_status find_range(stele__log_cursor *cursor, stele_error *reterr)
{
    stele__stream_facts facts;
    STELE_TRY(check_owner(cursor, reterr));
    STELE_TRY(stele__view_stream(cursor->view, &cursor->locator, &cursor->reader,
                                 &cursor->log->hash_key, cursor->stream, cursor->head,
                                 &cursor->entries, &facts, reterr));
    if (facts.state.is_tombstoned) {
        return fail_tombstone(cursor->stream, reterr);
    }
    const bool is_missing = facts.state.last_revision < 0 || facts.state.is_truncated_all;
    if (is_missing && cursor->must_exist) {
        return fail_missing(cursor, &facts, reterr);
    }
    cursor->low = is_missing ? (stele_revision)(facts.state.last_revision + 1)
                             : stele__first_revision(cursor->stream, &facts);
    cursor->high = (stele_revision)
                       facts.state.last_revision; /* -1 wraps; `is_missing` makes the range empty */
    if (!is_missing && cursor->high > cursor->as_of_revision) {
        cursor->high = cursor->as_of_revision;
    }
    cursor->oldest = oldest_shown(cursor, &facts);
    if (is_missing) {
        cursor->low = STELE_REVISION_TOMBSTONE;
        cursor->high = 0;
    }
    stele__postings_go_on(&cursor->postings, cursor->view, STELE_TERM_STREAM, cursor->stream,
                          cursor->stream_hash, cursor->bound, &cursor->entries);
    return STELE_OK;
}

/* The position from which a walk over a stream begins; 0: nowhere. */
static stele_status begin_stream(stele__log_cursor *cursor, const stele_point *from,
                                 stele_error *reterr)
{
    stele_revision revision = cursor->direction == STELE_FORWARDS ? cursor->low : cursor->high;
    if (from->kind == STELE_POINT_REVISION) {
        const bool is_inside =
            cursor->direction == STELE_FORWARDS ? from->value > revision : from->value < revision;
        revision = is_inside ? from->value : revision;
        cursor->from_revision = cursor->direction == STELE_FORWARDS ? from->value : 0;
    }
    if (cursor->low > cursor->high || revision > cursor->high || revision < cursor->low) {
        cursor->next = 0;
        return STELE_OK;
    }
    return stele__postings_revision(&cursor->postings, revision, cursor->direction, &cursor->next,
                                    reterr);
}

/* ---- opening */

static stele_status make_search(stele__log_cursor *cursor, const stele_read *read,
                                stele_error *reterr)
{
    const stele_alloc *alloc = cursor->log->alloc;
    const stele__hash_key *key = &cursor->log->hash_key;
    static const stele_query everything = {NULL, 0, 1};
    if (read->category) {
        return stele__search_term(alloc, key, STELE_TERM_CATEGORY, read->category, cursor->view,
                                  cursor->bound, &cursor->search, reterr);
    }
    if (read->event_type) {
        return stele__search_term(alloc, key, STELE_TERM_TYPE, read->event_type, cursor->view,
                                  cursor->bound, &cursor->search, reterr);
    }
    if (read->tag) {
        return stele__search_term(alloc, key, STELE_TERM_TAG, read->tag, cursor->view,
                                  cursor->bound, &cursor->search, reterr);
    }
    cursor->is_everything = !read->query || read->query->everything;
    cursor->is_unfiltered = cursor->is_everything && cursor->direction == STELE_FORWARDS &&
                            !cursor->predicate && cursor->stream_prefixes.count == 0 &&
                            cursor->type_prefixes.count == 0;
    return stele__search_query(alloc, key, read->query ? read->query : &everything, cursor->view,
                               cursor->bound, &cursor->search, reterr);
}

/* A point as a position to begin at, whatever the source. */
static stele_status begin_at(stele__log_cursor *cursor, const stele_point *from,
                             stele_error *reterr)
{
    const bool forwards = cursor->direction == STELE_FORWARDS;
    switch (from->kind) {
    case STELE_POINT_POSITION:
        cursor->next = from->value;
        if (forwards && cursor->next == 0) {
            cursor->next = 1;
        }
        break;
    case STELE_POINT_TIME: {
        stele_time time = (stele_time)from->value;
        if (!forwards && time < INT64_MAX) {
            time++;
        }
        STELE_TRY(stele__view_time(cursor->view, &cursor->locator, &cursor->reader, time,
                                   cursor->head, &cursor->next, reterr));
        if (!forwards) {
            cursor->next--;
        } else if (cursor->next > cursor->head) {
            cursor->from_time = time;
        }
        break;
    }
    case STELE_POINT_START:
        cursor->next = forwards ? 1 : 0; /* before the first event there is nothing */
        break;
    case STELE_POINT_END:
        cursor->next = forwards ? cursor->head + 1 : cursor->bound;
        break;
    default:
        cursor->next = forwards ? 1 : cursor->bound;
        break;
    }
    if (!forwards && cursor->next > cursor->bound) {
        cursor->next = cursor->bound;
    }
    return STELE_OK;
}

static stele_status begin(stele__log_cursor *cursor, const stele_read *read, stele_error *reterr)
{
    pin(cursor);
    STELE_TRY(find_bound(cursor, &read->as_of, reterr));
    if (!cursor->is_stream) {
        STELE_TRY(make_search(cursor, read, reterr));
        return begin_at(cursor, &read->from, reterr);
    }
    STELE_TRY(find_range(cursor, reterr));
    const stele_point *from = &read->from;
    const bool is_natural =
        from->kind == STELE_POINT_DEFAULT || from->kind == STELE_POINT_REVISION ||
        (from->kind == STELE_POINT_START && cursor->direction == STELE_FORWARDS) ||
        (from->kind == STELE_POINT_END && cursor->direction == STELE_BACKWARDS);
    if (is_natural) {
        STELE_TRY(begin_stream(cursor, from, reterr));
        if (cursor->direction == STELE_FORWARDS && cursor->next == 0) {
            cursor->next = cursor->head + 1; /* what comes may still match */
        }
        return STELE_OK;
    }
    return begin_at(cursor, from, reterr);
}

stele_status stele__log_read_open(stele__log *log, const stele_read *read, int must_exist,
                                  stele__log_cursor **ret_cursor, stele_error *reterr)
{
    if (!log->is_writer) {
        STELE_TRY(stele__follow(log, reterr));
    }
    stele__log_cursor *cursor = NULL;
    STELE_TRY(make_cursor(log, read, &cursor, reterr));
    cursor->must_exist = must_exist != 0;
    stele_status status = begin(cursor, read, reterr);
    for (unsigned heals = 0;
         status == STELE_CORRUPT && stele__maintain_again(log, &heals, reterr);) {
        stele__search_free(cursor->search);
        cursor->search = NULL;
        status = begin(cursor, read, reterr);
    }
    if (status != STELE_OK) {
        stele__log_read_free(cursor);
        return status;
    }
    *ret_cursor = cursor;
    return STELE_OK;
}

/* ---- walking */

static inline stele_status find_next(stele__log_cursor *cursor, stele_position *ret_position,
                                     stele_error *reterr)
{
    *ret_position = 0;
    if (cursor->next == 0 ||
        (cursor->direction == STELE_FORWARDS && cursor->next > cursor->bound)) {
        return STELE_OK;
    }
    if (cursor->is_everything) {
        *ret_position = cursor->next; /* going down, it begins at the bound or below */
        return STELE_OK;
    }
    if (cursor->is_stream) {
        return cursor->direction == STELE_FORWARDS
                   ? stele__postings_up(&cursor->postings, cursor->next, ret_position, reterr)
                   : stele__postings_down(&cursor->postings, cursor->next, ret_position, reterr);
    }
    return cursor->direction == STELE_FORWARDS
               ? stele__search_up(cursor->search, cursor->next, ret_position, reterr)
               : stele__search_down(cursor->search, cursor->next, ret_position, reterr);
}

static bool has_prefix(const prefix_list *list, stele_text text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (stele__text_has_prefix(text, list->prefixes[i])) {
            return true;
        }
    }
    return false;
}

/* Whether a stream shows the record; `*ret_is_over`: neither it nor what follows. */
static bool stream_shows(const stele__log_cursor *cursor, const stele_record *record,
                         bool *ret_is_over)
{
    const bool forwards = cursor->direction == STELE_FORWARDS;
    const bool is_below = record->revision < cursor->low ||
                          record->revision < cursor->from_revision || record->time < cursor->oldest;
    const bool is_above = cursor->low > cursor->high || record->revision > cursor->high;
    *ret_is_over = forwards ? is_above : is_below;
    return !is_below && !is_above;
}

static inline bool is_shown(const stele__log_cursor *cursor, const stele_record *record,
                            bool *ret_is_over)
{
    *ret_is_over = false;
    return record->time >= cursor->from_time &&
           (!cursor->is_stream || stream_shows(cursor, record, ret_is_over)) &&
           (cursor->stream_prefixes.count == 0 ||
            has_prefix(&cursor->stream_prefixes, record->stream)) &&
           (cursor->type_prefixes.count == 0 || has_prefix(&cursor->type_prefixes, record->type)) &&
           (!cursor->predicate || cursor->predicate(cursor->predicate_context, record));
}

static void step_behind(stele__log_cursor *cursor, stele_position position)
{
    cursor->next = cursor->direction == STELE_FORWARDS ? position + 1 : position - 1;
}

/* Salvage: remembers an event that cannot be read, … */
static void leave_out(stele__log_cursor *cursor, stele_position position)
{
    if (cursor->left_out_from == 0) {
        cursor->left_out_from = cursor->left_out_to = position;
    }
    cursor->left_out_from = position < cursor->left_out_from ? position : cursor->left_out_from;
    cursor->left_out_to = position > cursor->left_out_to ? position : cursor->left_out_to;
}

/* … and says so once for all of them when the walk has come behind them. */
static void tell_left_out(stele__log_cursor *cursor)
{
    if (cursor->left_out_from != 0) {
        stele__log_say(cursor->log, STELE_LOG_WARNING,
                       "left out: positions %" PRIu64 " to %" PRIu64, cursor->left_out_from,
                       cursor->left_out_to);
        cursor->left_out_from = 0;
    }
}

/* Notes how far the walk can go on without a look at anything but the log; see walk_ahead(). */
static inline void note_walk(stele__log_cursor *cursor)
{
    if (cursor->is_unfiltered) {
        const stele_position last = cursor->locator.last;
        cursor->walked_to = last < cursor->bound ? last : cursor->bound;
    }
}

/* A walk over everything entered a segment: what it will read there is asked for ahead. */
static void announce_walk(stele__log_cursor *cursor)
{
    enum { EVENT_SIZE = 512 }; /* as a guess, for a walk with a limit */
    cursor->announced = cursor->locator.segment;
    if (cursor->locator.index && cursor->direction == STELE_FORWARDS) { /* it is sealed */
        const uint64_t size =
            cursor->left < UINT64_MAX / EVENT_SIZE ? cursor->left * EVENT_SIZE : UINT64_MAX;
        stele__segment_will_read(cursor->announced, cursor->reader.next_code >> 1, size);
    }
}

static stele_status next_record(stele__log_cursor *cursor, const stele_record **ret_record,
                                stele_error *reterr)
{
    *ret_record = NULL;
    while (cursor->left > 0) {
        stele_position position;
        const stele__event *event;
        bool is_over;
        STELE_TRY(find_next(cursor, &position, reterr));
        if (position == 0) {
            tell_left_out(cursor);
            if (cursor->direction == STELE_FORWARDS && !cursor->has_as_of &&
                cursor->next <= cursor->head) {
                cursor->next =
                    cursor->head + 1; /* so that a refresh goes on behind what was searched */
            }
            return STELE_OK;
        }
        const stele_status status = stele__view_event(cursor->view, &cursor->locator,
                                                      &cursor->reader, position, &event, reterr);
        if (status == STELE_CORRUPT && cursor->log->is_salvage) {
            leave_out(cursor, position);
            step_behind(cursor, position);
            continue;
        }
        STELE_TRY(status);
        if (cursor->left_out_from != 0) {
            tell_left_out(cursor);
        }
        step_behind(cursor, position);
        if (cursor->is_everything && cursor->locator.segment != cursor->announced) {
            announce_walk(cursor);
        }
        if (is_shown(cursor, &event->record, &is_over)) {
            cursor->left -= cursor->left != UINT64_MAX;
            *ret_record = &event->record;
            note_walk(cursor);
            return STELE_OK;
        }
        if (is_over) {
            cursor->next = cursor->direction == STELE_FORWARDS ? cursor->head + 1 : 0;
            return STELE_OK;
        }
    }
    return STELE_OK;
}

/* Goes on, as of the same head, in a view whose index files are whole again. */
static void move_view(stele__log_cursor *cursor)
{
    stele_position head;
    stele__view *view = stele__log_view(cursor->log, &head);
    stele__view_unref(cursor->view);
    cursor->view = view;
    cursor->locator.segment = NULL;
    cursor->walked_to = 0;
    if (cursor->is_stream) {
        stele__entries_forget(&cursor->entries);
        stele__postings_go_on(&cursor->postings, view, STELE_TERM_STREAM, cursor->stream,
                              cursor->stream_hash, cursor->bound, &cursor->entries);
    } else {
        stele__search_move(cursor->search, view, cursor->bound);
    }
}

/* How many records may be read ahead. */
static inline size_t batch_max(const stele__log_cursor *cursor)
{
    return cursor->left < STELE_BATCH_SIZE ? (size_t)cursor->left : STELE_BATCH_SIZE;
}

/* Reads ahead in a walk over everything, as far as it stays in a segment. */
static void walk_ahead(stele__log_cursor *cursor)
{
    if (cursor->next - 1 >= cursor->walked_to) {
        return; /* a place of 0, which is nowhere, wraps */
    }
    const uint64_t room = cursor->walked_to - cursor->next + 1;
    const size_t max = batch_max(cursor);
    stele__batch_walk(&cursor->batch, &cursor->reader, cursor->next,
                      room < max ? (size_t)room : max);
    cursor->next += cursor->batch.count;
}

/* Reads ahead in a stream, wherever its events stand. Whatever goes wrong comes up again when
 * next_record() gets there, which then says so. */
static void gather_ahead(stele__log_cursor *cursor)
{
    stele_position positions[STELE_BATCH_SIZE];
    stele__place places[STELE_BATCH_SIZE];
    const bool forwards = cursor->direction == STELE_FORWARDS;
    size_t count;
    bool is_over;
    bool is_end;
    if (cursor->next == 0 || (forwards && cursor->next > cursor->bound) ||
        stele__postings_ahead(&cursor->postings, cursor->next, cursor->direction, batch_max(cursor),
                              positions, &count, &is_end, NULL) != STELE_OK ||
        stele__view_places(cursor->view, positions, count, places, NULL) != STELE_OK) {
        return;
    }
    stele__batch *batch = &cursor->batch;
    stele__batch_gather(batch, &cursor->reader, positions, places, count);
    is_end = is_end && batch->count == count;
    for (size_t i = 0; i < batch->count; i++) {
        if (!is_shown(cursor, &batch->records[i], &is_over)) {
            batch->count = i;
            is_end = false;
        }
    }
    if (is_end) { /* nobody needs to look for more */
        cursor->next = forwards ? cursor->bound + 1 : 0;
    } else if (batch->count > 0) {
        step_behind(cursor, positions[batch->count - 1]);
    }
}

/* What most reading is: the same as next_record(), many at once, with nothing to filter, to leave
 * out or to go wrong. False: it has to be done one by one. */
static __attribute__((noinline)) bool read_ahead(stele__log_cursor *cursor)
{
    stele__batch_clear(&cursor->batch);
    if (cursor->left == 0 || cursor->failed != STELE_OK || cursor->left_out_from != 0) {
        return false;
    }
    if (cursor->is_unfiltered) {
        walk_ahead(cursor);
    } else if (cursor->is_plain_stream) {
        gather_ahead(cursor);
    }
    if (cursor->left != UINT64_MAX) {
        cursor->left -= cursor->batch.count;
    }
    cursor->ready.next = cursor->batch.records;
    cursor->ready.end = cursor->batch.records + cursor->batch.count;
    return cursor->batch.count > 0;
}

/* Takes back what was read ahead and not handed out. */
static void take_back(stele__log_cursor *cursor)
{
    stele_backend_cursor *ready = &cursor->ready;
    if (ready->next != ready->end) {
        cursor->next = ready->next->position;
        if (cursor->left != UINT64_MAX) {
            cursor->left += (uint64_t)(ready->end - ready->next);
        }
    }
    *ready = (stele_backend_cursor){NULL, NULL};
}

static __attribute__((noinline)) const stele_record *search_next(stele__log_cursor *cursor,
                                                                 stele_error *reterr)
{
    const stele_record *record = NULL;
    if (cursor->failed == STELE_OK) {
        cursor->failed = next_record(cursor, &record, &cursor->failure);
        for (unsigned heals = 0; cursor->failed == STELE_CORRUPT &&
                                 stele__maintain_again(cursor->log, &heals, &cursor->failure);) {
            move_view(cursor);
            cursor->failed = next_record(cursor, &record, &cursor->failure);
        }
    }
    if (cursor->failed == STELE_OK) {
        (void)stele__succeed(reterr);
        return record;
    }
    if (reterr) {
        *reterr = cursor->failure;
    }
    return NULL;
}

const stele_record *stele__log_read_next(stele__log_cursor *cursor, stele_error *reterr)
{
    if (cursor->ready.next == cursor->ready.end && !read_ahead(cursor)) {
        return search_next(cursor, reterr);
    }
    (void)stele__succeed(reterr);
    return cursor->ready.next++;
}

stele_position stele__log_read_head(const stele__log_cursor *cursor)
{
    return cursor->head;
}

stele_status stele__log_read_refresh(stele__log_cursor *cursor, stele_error *reterr)
{
    take_back(cursor);
    if (!cursor->log->is_writer) {
        STELE_TRY(stele__follow(cursor->log, reterr));
    }
    const stele_position before = cursor->head;
    pin(cursor);
    if (!cursor->is_stream) {
        stele__search_move(cursor->search, cursor->view, cursor->bound);
        return STELE_OK;
    }
    cursor->must_exist = false;
    STELE_TRY(find_range(cursor, reterr));
    if (cursor->next == 0) {
        cursor->next = before + 1;
    }
    return STELE_OK;
}

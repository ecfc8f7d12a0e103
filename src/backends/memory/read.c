/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cursors. A cursor walks the positions in [low, high] that its source has, where low and high come
 * from `from`, `as_of`, what the stream's metadata hides, and the head it is pinned to. Revisions
 * and times grow with positions, so every bound can be turned into a position when the cursor is
 * opened or moved on.
 *
 * START stands before everything and END behind it: reading backwards from START shows nothing, as
 * does reading forwards from END.
 */
#include "backends/memory/model.h"

typedef enum source { SOURCE_ALL, SOURCE_TERM, SOURCE_QUERY } source;

/* A piece of memory that belongs to a cursor. */
typedef struct piece {
    struct piece *next;
    size_t size;
} piece;

typedef struct memory_cursor {
    stele_backend_cursor ready; /* nothing is read ahead */
    memory_store *store;
    piece *pieces;
    source source;
    memory_kind kind;        /* SOURCE_TERM */
    stele_text name;         /* SOURCE_TERM */
    const memory_term *term; /* SOURCE_TERM; NULL: there was none at the head */
    stele_query query;       /* SOURCE_QUERY */
    stele_direction direction;
    stele_point from;
    stele_point as_of;
    stele_position head;
    stele_position low;
    stele_position high;
    stele_position
        next; /* nothing before it, in the direction of reading, is of interest any more */
    bool has_limit;
    uint64_t left;
    const stele_text *stream_prefixes;
    size_t stream_prefix_count;
    const stele_text *type_prefixes;
    size_t type_prefix_count;
    stele_predicate predicate;
    void *predicate_context;
} memory_cursor;

static memory_cursor *cursor_of(stele_backend_cursor *cursor)
{
    return (memory_cursor *)cursor;
}

/* ---- What a cursor copies of its read. */

static void *take_piece(memory_cursor *cursor, size_t size)
{
    piece *memory = stele__allocate(cursor->store->alloc, sizeof *memory + size);
    if (!memory) {
        return NULL;
    }
    *memory = (piece){cursor->pieces, sizeof *memory + size};
    cursor->pieces = memory;
    return memory + 1;
}

static char *copy_name(memory_cursor *cursor, const char *name)
{
    const size_t size = strlen(name) + 1;
    char *copy = take_piece(cursor, size);
    return copy ? memcpy(copy, name, size) : NULL;
}

static bool copy_prefixes(memory_cursor *cursor, const char *const *prefixes, size_t count,
                          const stele_text **ret_texts)
{
    stele_text *texts = count > 0 ? take_piece(cursor, count * sizeof *texts) : NULL;
    for (size_t i = 0; i < count && texts; i++) {
        texts[i] = stele__text(copy_name(cursor, prefixes[i]));
        texts = texts[i].data ? texts : NULL;
    }
    *ret_texts = texts;
    return texts != NULL || count == 0;
}

static bool copy_names(memory_cursor *cursor, stele_names names, stele_names *ret_names)
{
    const char **copies = names.count > 0 ? take_piece(cursor, names.count * sizeof *copies) : NULL;
    for (size_t i = 0; i < names.count && copies; i++) {
        copies[i] = copy_name(cursor, names.names[i]);
        copies = copies[i] ? copies : NULL;
    }
    *ret_names = (stele_names){copies, names.count};
    return copies != NULL || names.count == 0;
}

static bool copy_query(memory_cursor *cursor, const stele_query *query)
{
    stele_query_item *items =
        query->item_count > 0 ? take_piece(cursor, query->item_count * sizeof *items) : NULL;
    cursor->query = (stele_query){items, query->item_count, query->everything};
    if (!items && query->item_count > 0) {
        return false;
    }
    for (size_t i = 0; i < query->item_count; i++) {
        if (!copy_names(cursor, query->items[i].types, &items[i].types) ||
            !copy_names(cursor, query->items[i].tags, &items[i].tags)) {
            return false;
        }
    }
    return true;
}

static bool copy_term(memory_cursor *cursor, memory_kind kind, const char *name)
{
    const char *copy = copy_name(cursor, name);
    cursor->source = SOURCE_TERM;
    cursor->kind = kind;
    cursor->name = stele__text(copy);
    return copy != NULL;
}

static bool copy_source(memory_cursor *cursor, const stele_read *read)
{
    if (read->stream) {
        return copy_term(cursor, MEMORY_STREAM, read->stream);
    }
    if (read->category) {
        return copy_term(cursor, MEMORY_CATEGORY, read->category);
    }
    if (read->event_type) {
        return copy_term(cursor, MEMORY_TYPE, read->event_type);
    }
    if (read->tag) {
        return copy_term(cursor, MEMORY_TAG, read->tag);
    }
    cursor->source = read->query ? SOURCE_QUERY : SOURCE_ALL;
    return !read->query || copy_query(cursor, read->query);
}

static bool copy_read(memory_cursor *cursor, const stele_read *read)
{
    cursor->direction = read->direction;
    cursor->from = read->from;
    cursor->as_of = read->as_of;
    cursor->has_limit = read->limit > 0;
    cursor->left = read->limit;
    cursor->stream_prefix_count = read->stream_prefix_count;
    cursor->type_prefix_count = read->type_prefix_count;
    cursor->predicate = read->predicate;
    cursor->predicate_context = read->predicate_context;
    return copy_source(cursor, read) &&
           copy_prefixes(cursor, read->stream_prefixes, read->stream_prefix_count,
                         &cursor->stream_prefixes) &&
           copy_prefixes(cursor, read->type_prefixes, read->type_prefix_count,
                         &cursor->type_prefixes);
}

/* ---- Bounds; with the lock held. */

static void raise_low(memory_cursor *cursor, stele_position position)
{
    cursor->low = position > cursor->low ? position : cursor->low;
}

static void lower_high(memory_cursor *cursor, stele_position position)
{
    cursor->high = position < cursor->high ? position : cursor->high;
}

/* The last position whose time is at or before `time`. */
static stele_position last_position_at(const memory_cursor *cursor, stele_time time)
{
    if (time == INT64_MAX) {
        return cursor->head;
    }
    return stele__memory_position_at(cursor->store, cursor->head, time + 1) - 1;
}

/* The position of a revision of the stream that is read; behind the head if it has no such
 * revision. */
static stele_position position_of(const memory_cursor *cursor, stele_revision revision)
{
    const memory_term *stream = cursor->term;
    return stream && revision < stream->event_count ? stream->positions[revision]
                                                    : cursor->head + 1;
}

/* `point` is the first thing that may be shown. */
static void apply_lower(memory_cursor *cursor, stele_point point)
{
    switch (point.kind) {
    case STELE_POINT_DEFAULT:
    case STELE_POINT_START:
        break;
    case STELE_POINT_END:
        raise_low(cursor, cursor->head + 1);
        break;
    case STELE_POINT_REVISION:
        raise_low(cursor, position_of(cursor, point.value));
        break;
    case STELE_POINT_POSITION:
        raise_low(cursor, point.value);
        break;
    case STELE_POINT_TIME:
        raise_low(cursor,
                  stele__memory_position_at(cursor->store, cursor->head, (stele_time)point.value));
        break;
    }
}

/* `point` is the last thing that may be shown. */
static void apply_upper(memory_cursor *cursor, stele_point point)
{
    switch (point.kind) {
    case STELE_POINT_DEFAULT:
    case STELE_POINT_END:
        break;
    case STELE_POINT_START:
        lower_high(cursor, 0);
        break;
    case STELE_POINT_REVISION:
        lower_high(cursor, position_of(cursor, point.value));
        break;
    case STELE_POINT_POSITION:
        lower_high(cursor, point.value);
        break;
    case STELE_POINT_TIME:
        lower_high(cursor, last_position_at(cursor, (stele_time)point.value));
        break;
    }
}

/* What the metadata of the stream hides. */
static void apply_retention(memory_cursor *cursor)
{
    const memory_term *stream = cursor->term;
    const stele_clock *clock = cursor->store->clock;
    if (!stream) {
        return;
    }
    raise_low(cursor, position_of(cursor, stele__memory_first_visible(stream)));
    if (stream->metadata.max_age_seconds > 0) {
        int64_t age;
        stele_time oldest;
        if (!__builtin_mul_overflow(stream->metadata.max_age_seconds, INT64_C(1000000000), &age) &&
            !__builtin_sub_overflow(clock->now(clock->context), age, &oldest)) {
            raise_low(cursor, stele__memory_position_at(cursor->store, cursor->head, oldest));
        }
    }
}

/* Pins the cursor to the present head. */
static void pin(memory_cursor *cursor)
{
    cursor->head = cursor->store->head;
    cursor->low = 1;
    cursor->high = cursor->head;
    if (cursor->source == SOURCE_TERM) {
        cursor->term = stele__memory_term_find(cursor->store, cursor->kind, cursor->name);
    }
    if (cursor->direction == STELE_FORWARDS) {
        apply_lower(cursor, cursor->from);
    } else {
        apply_upper(cursor, cursor->from);
    }
    apply_upper(cursor, cursor->as_of);
    if (cursor->source == SOURCE_TERM && cursor->kind == MEMORY_STREAM) {
        apply_retention(cursor);
    }
}

/* ---- Whether a stream can be read; with the lock held. */

static stele_status check_tombstone(const memory_cursor *cursor, stele_error *reterr)
{
    const memory_store *store = cursor->store;
    const stele_text described = stele__memory_described(cursor->name);
    const memory_term *owner =
        described.size > 0 ? stele__memory_term_find(store, MEMORY_STREAM, described) : NULL;
    if ((cursor->term && cursor->term->is_tombstoned) || (owner && owner->is_tombstoned)) {
        stele__fail(reterr, STELE_DELETED_TOMBSTONE, "%.*s has been ended by a tombstone",
                    STELE_TEXT(cursor->name));
        reterr->conflict.actual_revision = STELE_IS_TOMBSTONED;
        return STELE_DELETED;
    }
    return STELE_OK;
}

static stele_status check_stream(const memory_cursor *cursor, bool must_exist, stele_error *reterr)
{
    const memory_term *stream = cursor->term;
    STELE_TRY(check_tombstone(cursor, reterr));
    if (must_exist && stream && stream->metadata.is_deleted) {
        stele__fail(reterr, STELE_NOT_FOUND_DELETED, "%.*s is deleted", STELE_TEXT(cursor->name));
        stele__hint(reterr, "an append to it brings it back, without its old events");
        return STELE_NOT_FOUND;
    }
    if (must_exist && (!stream || stream->count == 0)) {
        return stele__fail(reterr, STELE_NOT_FOUND_STREAM, "there is no stream %.*s",
                           STELE_TEXT(cursor->name));
    }
    return STELE_OK;
}

/* ---- Walking. */

static stele_position next_of_term(const memory_cursor *cursor, stele_position low,
                                   stele_position high)
{
    const memory_term *term = cursor->term;
    if (!term) {
        return 0;
    }
    if (cursor->direction == STELE_FORWARDS) {
        const size_t index = stele__memory_term_lower(term, low);
        return index < term->count && term->positions[index] <= high ? term->positions[index] : 0;
    }
    const size_t index = stele__memory_term_lower(term, high + 1);
    return index > 0 && term->positions[index - 1] >= low ? term->positions[index - 1] : 0;
}

/* The next position of the source; 0: none is left. */
static stele_position next_position(const memory_cursor *cursor)
{
    stele_position low = cursor->low;
    stele_position high = cursor->high;
    stele_position found = 0;
    if (cursor->direction == STELE_FORWARDS) {
        low = cursor->next > low ? cursor->next : low;
    } else {
        high = cursor->next < high ? cursor->next : high;
    }
    if (low > high) {
        return 0;
    }
    if (cursor->source == SOURCE_ALL) {
        return cursor->direction == STELE_FORWARDS ? low : high;
    }
    stele__lock(&cursor->store->lock);
    if (cursor->source == SOURCE_TERM) {
        found = next_of_term(cursor, low, high);
    } else {
        found =
            stele__memory_query_find(cursor->store, &cursor->query, low, high, cursor->direction);
    }
    stele__unlock(&cursor->store->lock);
    return found;
}

static bool has_any_prefix(stele_text name, const stele_text *prefixes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (stele__text_has_prefix(name, prefixes[i])) {
            return true;
        }
    }
    return count == 0;
}

static bool passes_filters(const memory_cursor *cursor, const stele_record *record)
{
    return has_any_prefix(record->stream, cursor->stream_prefixes, cursor->stream_prefix_count) &&
           has_any_prefix(record->type, cursor->type_prefixes, cursor->type_prefix_count) &&
           (!cursor->predicate || cursor->predicate(cursor->predicate_context, record) != 0);
}

/* Whatever a forward cursor did not show up to its head, it will not show later either: not even
 * when metadata changes. */
static void pass_end(memory_cursor *cursor)
{
    if (cursor->direction == STELE_FORWARDS && cursor->next <= cursor->head) {
        cursor->next = cursor->head + 1;
    }
}

const stele_record *stele__memory_read_next(stele_backend_cursor *backend_cursor,
                                            stele_error *reterr)
{
    memory_cursor *cursor = cursor_of(backend_cursor);
    (void)stele__succeed(reterr);
    while (!cursor->has_limit || cursor->left > 0) {
        const stele_position position = next_position(cursor);
        if (!position) {
            pass_end(cursor);
            return NULL;
        }
        cursor->next = cursor->direction == STELE_FORWARDS ? position + 1 : position - 1;
        const stele_record *record = &stele__memory_record(cursor->store, position)->event;
        if (passes_filters(cursor, record)) {
            cursor->left -= cursor->has_limit ? 1 : 0;
            return record;
        }
    }
    return NULL;
}

stele_position stele__memory_read_head(const stele_backend_cursor *cursor)
{
    return ((const memory_cursor *)cursor)->head;
}

stele_status stele__memory_read_refresh(stele_backend_cursor *backend_cursor, stele_error *reterr)
{
    memory_cursor *cursor = cursor_of(backend_cursor);
    stele_status status = STELE_OK;
    stele__lock(&cursor->store->lock);
    pin(cursor);
    if (cursor->source == SOURCE_TERM && cursor->kind == MEMORY_STREAM) {
        status = check_tombstone(cursor, reterr);
    }
    stele__unlock(&cursor->store->lock);
    return status;
}

void stele__memory_read_free(stele_backend_cursor *backend_cursor)
{
    memory_cursor *cursor = cursor_of(backend_cursor);
    if (!cursor) {
        return;
    }
    const stele_alloc *alloc = cursor->store->alloc;
    for (piece *memory = cursor->pieces, *next; memory; memory = next) {
        next = memory->next;
        stele__release(alloc, memory, memory->size);
    }
    stele__release(alloc, cursor, sizeof *cursor);
}

static stele_status open_locked(memory_cursor *cursor, bool must_exist, stele_error *reterr)
{
    pin(cursor);
    cursor->next = cursor->direction == STELE_FORWARDS ? 1 : cursor->head;
    if (cursor->from.kind == STELE_POINT_END && cursor->direction == STELE_FORWARDS) {
        /* The end is that of now, also when the cursor moves on. */
        cursor->from = (stele_point){STELE_POINT_POSITION, cursor->head + 1};
    }
    if (cursor->source == SOURCE_TERM && cursor->kind == MEMORY_STREAM) {
        return check_stream(cursor, must_exist, reterr);
    }
    return STELE_OK;
}

stele_status stele__memory_read_open(stele_backend *backend, const stele_read *read, int must_exist,
                                     stele_backend_cursor **ret_cursor, stele_error *reterr)
{
    memory_store *store = memory_of(backend);
    memory_cursor *cursor = stele__allocate_zero(store->alloc, sizeof *cursor);
    if (!cursor) {
        return stele__fail_memory(reterr);
    }
    cursor->store = store;
    if (!copy_read(cursor, read)) {
        stele__memory_read_free(&cursor->ready);
        return stele__fail_memory(reterr);
    }
    stele__lock(&store->lock);
    const stele_status status = open_locked(cursor, must_exist != 0, reterr);
    stele__unlock(&store->lock);
    if (status != STELE_OK) {
        stele__memory_read_free(&cursor->ready);
        return status;
    }
    *ret_cursor = &cursor->ready;
    return STELE_OK;
}

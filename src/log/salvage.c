/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading what is left of a damaged store.
 *
 * Every good frame says at which position it stands, so that good frames behind a damaged place
 * have their positions, and what is missing between is counted. A missing position has an offset of
 * 0 in the tail, where no event can stand: whoever reads it is told that it is damaged, and a
 * cursor of STELE_SALVAGE leaves it out. Of a stream whose next event has a revision that is too
 * high, some of the missing ones were its own: it gets so many postings among them, because a tail
 * counts revisions by postings.
 *
 * An event cannot be read if one of its names was defined in a damaged place: it is missing, too.
 */
#include "log/salvage.h"

#include "log/recovery.h"

#include <inttypes.h>

enum { CHUNK = 1 << 16, EVENT_SIZE_MIN = 20 };

static const uint8_t zeroes[CHUNK];

/* ---- frames */

/* Whether a frame may begin in a place: its size is below 2^29 and it has few flags. */
static bool may_begin(const uint8_t *bytes, size_t size)
{
    return size <= STELE_FRAME_PREFIX || (bytes[3] < 0x20 && bytes[STELE_FRAME_PREFIX] <= 3 &&
                                          (bytes[0] | bytes[1] | bytes[2] | bytes[3]) != 0);
}

stele_status stele__salvage_find_frame(stele__reader *reader, uint64_t offset,
                                       stele_position position, stele__frame *ret_frame,
                                       bool *ret_found, stele_error *reterr)
{
    const stele__segment *segment = reader->segment;
    stele__buffer chunk = {.alloc = reader->alloc};
    stele_status status = STELE_OK;
    *ret_found = false;
    while (offset < segment->size && status == STELE_OK && !*ret_found) {
        const uint8_t *bytes;
        size_t size;
        status = stele__segment_bytes(segment, offset, CHUNK, &chunk, &bytes, &size, reterr);
        const bool is_empty = status == STELE_OK && memcmp(bytes, zeroes, size) == 0;
        for (size_t i = 0; status == STELE_OK && !is_empty && i < size && !*ret_found; i++) {
            stele__frame_result result;
            const char *why;
            if (!may_begin(bytes + i, size - i)) {
                continue;
            }
            status = stele__frame_read(reader, offset + i, 0, ret_frame, &result, &why, reterr);
            *ret_found =
                status == STELE_OK && result == STELE_FRAME_GOOD && ret_frame->first >= position;
        }
        if (status == STELE_OK && size == 0) {
            break; /* the file is shorter than it was */
        }
        offset += status == STELE_OK ? size : 0;
    }
    stele__buffer_done(&chunk);
    return status;
}

/* ---- what is missing */

/* Takes the positions up to `last` into a part as missing. History goes on at an offset of a
 * segment. */
static stele_status add_missing(stele__log *log, stele__part *part, stele_position last,
                                const stele__segment *segment, uint64_t offset, stele_error *reterr)
{
    const uint64_t count = last - part->last;
    if (count == 0) {
        return STELE_OK;
    }
    STELE_TRY(stele__tail_reserve_events(part->tail, (size_t)count, reterr));
    stele__log_say(log, STELE_LOG_WARNING,
                   "%" PRIu64 " positions are missing, %" PRIu64 " to %" PRIu64
                   ", in front of offset %" PRIu64 " of %s",
                   count, part->last + 1, last, offset, segment->path);
    part->is_salvaged = true;
    while (part->last < last) {
        stele__tail_add_event(part->tail, 0);
        part->last++;
    }
    return STELE_OK;
}

/* Adds one event of a damaged commit, if it is good. */
static stele_status take_event(stele__log *log, stele__part *part, stele__reader *reader,
                               stele_position position, uint32_t code, stele_error *reterr)
{
    const stele__event *event;
    stele_error error;
    const stele_status status = stele__event_read(reader, position, code, &event, &error);
    if (status == STELE_CORRUPT) {
        return STELE_OK;
    }
    if (status != STELE_OK) {
        if (reterr) {
            *reterr = error;
        }
        return status;
    }
    STELE_TRY(add_missing(log, part, position - 1, part->segment, code >> 1, reterr));
    part->is_salvaged = true;
    STELE_TRY(stele__tail_reserve_events(part->tail, 1, reterr));
    STELE_TRY(stele__scan_add_event(part, event, reterr));
    part->last = position;
    part->last_time = event->record.time;
    return STELE_OK;
}

stele_status stele__salvage_commit(stele__log *log, stele__part *part, stele__reader *reader,
                                   const stele__frame *frame, stele_error *reterr)
{
    enum { PREFIX = 8 }; /* in front of each event: its size and its checksum */
    uint64_t at = frame->offset + (uint64_t)(frame->events - frame->start);
    stele__buffer scratch = {.alloc = log->alloc};
    stele_status status = STELE_OK;
    if (frame->is_single || frame->first != part->last + 1 || frame->time < part->last_time) {
        return STELE_OK;
    }
    for (uint32_t i = 0; i < frame->count && status == STELE_OK; i++) {
        const uint8_t *bytes;
        size_t size;
        status = stele__segment_bytes(reader->segment, at, PREFIX, &scratch, &bytes, &size, reterr);
        if (status != STELE_OK || size < PREFIX || at + PREFIX > frame->end ||
            stele__load32(bytes) > frame->end - at - PREFIX) {
            break;
        }
        const uint64_t end = at + PREFIX + stele__load32(bytes);
        const uint64_t code = i == 0 ? frame->offset * 2 : at * 2 + 1;
        status = take_event(log, part, reader, frame->first + i, (uint32_t)code, reterr);
        part->end = part->last == frame->first + i ? end : part->end;
        at = end;
    }
    stele__buffer_done(&scratch);
    return status;
}

stele_status stele__salvage_skip(stele__log *log, stele__part *part, stele__reader *reader,
                                 stele_position target, bool *ret_found, stele_error *reterr)
{
    stele__frame frame;
    STELE_TRY(
        stele__salvage_find_frame(reader, part->end, part->last + 1, &frame, ret_found, reterr));
    /* There must have been room for what is missing. */
    *ret_found = *ret_found && frame.first <= target &&
                 frame.first - (part->last + 1) <= (frame.offset - part->end) / EVENT_SIZE_MIN;
    if (*ret_found) {
        STELE_TRY(add_missing(log, part, frame.first - 1, part->segment, frame.offset, reterr));
        part->end = frame.offset;
    }
    return STELE_OK;
}

/* ---- segments */

typedef struct number_search {
    uint64_t above;
    uint64_t found; /* the lowest above that; 0: none */
} number_search;

static void look_at_name(void *context, const char *name)
{
    number_search *search = context;
    uint64_t number;
    if ((stele__recover_file_number(name, ".log", &number) ||
         stele__recover_file_number(name, ".packed", &number)) &&
        number > search->above && (search->found == 0 || number < search->found)) {
        search->found = number;
    }
}

/* The lowest number of a segment above a number; 0: there is none. */
static stele_status next_number(stele__log *log, uint64_t above, uint64_t *ret_number,
                                stele_error *reterr)
{
    number_search search = {.above = above};
    const int error = log->vfs->list(log->vfs, log->folder, look_at_name, &search);
    *ret_number = search.found;
    return error ? stele__fail_os(reterr, STELE_IO, error, "cannot list %s", log->folder)
                 : STELE_OK;
}

/* Whether a status says that the file is no use, and not that it could not be read just now. */
static bool is_useless(stele_status status)
{
    return status == STELE_CORRUPT || status == STELE_NOT_FOUND || status == STELE_UNSUPPORTED;
}

/* Opens a segment; NULL: it is no use, which is said. */
static stele_status open_segment(stele__log *log, uint64_t number, stele__segment **ret_segment,
                                 stele_error *reterr)
{
    stele_error error;
    *ret_segment = NULL;
    stele_status status =
        stele__packing_open(log, number, true, log->options.mapping, ret_segment, &error);
    if (status == STELE_CORRUPT) { /* a crash may have left both forms */
        stele_error ignored;
        const stele_status plain =
            stele__segment_open(log->alloc, log->vfs, log->folder, number, log->options.mapping,
                                false, ret_segment, &ignored);
        status = plain == STELE_OK ? STELE_OK : status;
    }
    if (status == STELE_OK || is_useless(status)) {
        if (status != STELE_OK && status != STELE_NOT_FOUND) {
            stele__log_say(log, STELE_LOG_WARNING, "left out: %s", error.message);
        }
        return STELE_OK;
    }
    if (reterr) {
        *reterr = error;
    }
    return status;
}

/* A part whose first positions, those from `first` to the segment's own first one, are missing. */
static stele_status make_part(stele__log *log, stele__segment *segment, stele_position first,
                              stele__part **ret_part, stele_error *reterr)
{
    stele__part *part;
    STELE_TRY(stele__part_create(log->alloc, segment, &log->hash_key, &part, reterr));
    stele_status status = STELE_OK;
    if (first < part->first) {
        stele__tail_free(part->tail);
        part->tail = NULL;
        status = stele__tail_create(log->alloc, &log->hash_key, first, &part->tail, reterr);
        part->first = first;
        part->last = first - 1;
        if (status == STELE_OK) {
            status = add_missing(log, part, segment->header.first - 1, segment,
                                 STELE_SEGMENT_HEADER_SIZE, reterr);
        }
    }
    if (status != STELE_OK) {
        stele__part_unref(part);
        return status;
    }
    *ret_part = part;
    return STELE_OK;
}

/* Whether so many positions may be missing in front of a segment. Of the one just before it, `room`
 * bytes could not be read. */
static bool is_plausible(const stele__segment *segment, stele_position last, bool is_adjacent,
                         uint64_t room)
{
    const uint64_t missing = segment->header.first - last - 1;
    return missing <= (is_adjacent ? room / EVENT_SIZE_MIN : STELE_SEGMENT_SIZE_MAX);
}

stele_status stele__salvage_next(stele__log *log, uint64_t number, stele_position last,
                                 stele__part *part, stele__part **ret_part, stele_error *reterr)
{
    const uint64_t before = number;
    const uint64_t room = part ? part->segment->size - part->end : 0;
    *ret_part = NULL;
    for (;;) {
        stele__segment *segment;
        STELE_TRY(next_number(log, number, &number, reterr));
        if (number == 0) {
            return STELE_OK;
        }
        STELE_TRY(open_segment(log, number, &segment, reterr));
        const bool goes_on = segment && segment->header.first > last &&
                             is_plausible(segment, last, number == before + 1, room) &&
                             stele__uuid_equal(&segment->header.store, &log->store);
        stele_status status = STELE_OK;
        if (goes_on && part) {
            status = add_missing(log, part, segment->header.first - 1, segment,
                                 STELE_SEGMENT_HEADER_SIZE, reterr);
            last = part->last;
        }
        if (goes_on && status == STELE_OK) {
            status = make_part(log, segment, last + 1, ret_part, reterr);
        }
        stele__segment_unref(segment);
        if (goes_on || status != STELE_OK) {
            return status;
        }
    }
}

/* ---- what the manifest names */

stele_status stele__salvage_manifest(stele__log *log, stele__manifest *manifest,
                                     stele_error *reterr)
{
    for (uint64_t number = 0;;) {
        stele__segment *segment;
        STELE_TRY(next_number(log, number, &number, reterr));
        if (number == 0) {
            return stele__fail(reterr, STELE_NOT_FOUND_STORE,
                               "there is neither a manifest nor a segment in %s", log->folder);
        }
        STELE_TRY(open_segment(log, number, &segment, reterr));
        if (segment) {
            manifest->store = segment->header.store;
            manifest->hash_key = segment->header.hash_key;
            manifest->generation = 1;
            manifest->epoch = 1;
            stele__segment_unref(segment);
            if (!log->view) {
                stele__log_say(log, STELE_LOG_WARNING, "reading %s without its manifest",
                               log->folder);
            }
            return STELE_OK;
        }
    }
}

/* Adds the segments that an index file covers. *ret_whole: all of them are there. */
static stele_status add_segments(stele__log *log, const stele__manifest *manifest,
                                 const stele__manifest_index *entry, stele__view *view,
                                 bool *ret_whole, stele_error *reterr)
{
    *ret_whole = true;
    for (size_t i = 0; i < manifest->segment_count && *ret_whole; i++) {
        const stele__index_segment *info = &manifest->segments[i];
        if (info->first < entry->first || info->last > entry->last) {
            continue;
        }
        stele__segment *segment;
        STELE_TRY(open_segment(log, info->number, &segment, reterr));
        *ret_whole = segment && segment->header.first == info->first &&
                     stele__uuid_equal(&segment->header.store, &manifest->store);
        if (*ret_whole) {
            stele__view_add_sealed(view, info, segment);
        }
        stele__segment_unref(segment);
    }
    return STELE_OK;
}

static stele_status open_index(stele__log *log, const stele__manifest_index *entry,
                               stele__index **ret_index, stele_error *reterr)
{
    stele_error error;
    stele_status status = stele__maintain_open_index(log, entry, ret_index, &error);
    if (status == STELE_OK) { /* all of it: a page that is found bad later could not be left out */
        status = stele__index_check(*ret_index, NULL, NULL, &error);
        if (status == STELE_OK) {
            return STELE_OK;
        }
        stele__index_unref(*ret_index);
    }
    *ret_index = NULL;
    if (is_useless(status)) {
        stele__log_say(log, STELE_LOG_WARNING, "reading without an index file: %s", error.message);
        return STELE_OK;
    }
    if (reterr) {
        *reterr = error;
    }
    return status;
}

/* Adds one index file and its segments, or nothing. */
static stele_status add_index(stele__log *log, const stele__manifest *manifest,
                              const stele__manifest_index *entry, stele__view *view,
                              bool *ret_added, stele_error *reterr)
{
    stele__index *index;
    const size_t before = view->sealed_count;
    *ret_added = false;
    STELE_TRY(open_index(log, entry, &index, reterr));
    if (!index) {
        return STELE_OK;
    }
    const stele_status status = add_segments(log, manifest, entry, view, ret_added, reterr);
    if (*ret_added) {
        stele__view_add_index(view, index);
    }
    while (!*ret_added && view->sealed_count > before) {
        stele__segment_unref(view->sealed[--view->sealed_count].segment);
    }
    stele__index_unref(index);
    return status;
}

stele_status stele__salvage_view(stele__log *log, const stele__manifest *manifest,
                                 stele__view **ret_view, stele_error *reterr)
{
    stele__view *view;
    bool goes_on = true;
    stele_position next = 1;
    stele_status status = stele__view_create(log->alloc, manifest->segment_count,
                                             manifest->index_count, 0, &view, reterr);
    STELE_TRY(status);
    for (size_t i = 0; i < manifest->index_count && goes_on && status == STELE_OK; i++) {
        if (manifest->indexes[i].first != next) {
            break; /* one is missing here */
        }
        next = manifest->indexes[i].last + 1;
        status = add_index(log, manifest, &manifest->indexes[i], view, &goes_on, reterr);
    }
    if (status != STELE_OK) {
        stele__view_unref(view);
        return status;
    }
    *ret_view = view;
    return STELE_OK;
}

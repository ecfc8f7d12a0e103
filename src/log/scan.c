/* SPDX-License-Identifier: Apache-2.0 */
/* Adding the frames that stand in a segment to a part: for recovery, followers, and rebuilding an
 * index. */
#include "log/engine.h"

#include <inttypes.h>

/* Everything of one event that can fail; `handles` receives the terms to post. */
static stele_status intern_event(stele__part *part, const stele__event *event,
                                 stele__tail_handle *handles, size_t *ret_count,
                                 stele_error *reterr)
{
    stele__tail *tail = part->tail;
    const stele__hash_key *key = &part->segment->header.hash_key;
    const stele_record *record = &event->record;
    size_t count = 0;
    STELE_TRY(stele__tail_intern(tail, STELE_TERM_STREAM, record->stream,
                                 stele__term_hash(key, STELE_TERM_STREAM, record->stream),
                                 &handles[count++], reterr));
    stele__tail_term *term = stele__tail_at(tail, handles[0]);
    const stele_text category = stele_category(record->stream);
    if (category.size > 0) {
        STELE_TRY(stele__tail_intern(tail, STELE_TERM_CATEGORY, category,
                                     stele__term_hash(key, STELE_TERM_CATEGORY, category),
                                     &handles[count++], reterr));
        term->stream[0].category = handles[1];
    }
    STELE_TRY(stele__tail_intern(tail, STELE_TERM_TYPE, record->type,
                                 stele__term_hash(key, STELE_TERM_TYPE, record->type),
                                 &handles[count++], reterr));
    stele__tail_at(tail, handles[count - 1])->definition = event->facts.type_definition;
    term->definition = event->facts.stream_definition;
    for (size_t i = 0; i < record->tag_count; i++) {
        STELE_TRY(stele__tail_intern(tail, STELE_TERM_TAG, record->tags[i],
                                     stele__term_hash(key, STELE_TERM_TAG, record->tags[i]),
                                     &handles[count++], reterr));
        stele__tail_at(tail, handles[count - 1])->definition = event->tag_definitions[i];
    }
    *ret_count = count;
    return STELE_OK;
}

/* Salvage: of the positions that are missing since a stream's last event some were its own. */
static stele_status post_missing(stele__part *part, stele__tail_handle handle, uint64_t count,
                                 stele_position below, stele_error *reterr)
{
    const stele__tail_term *term = stele__tail_at(part->tail, handle);
    stele_position position =
        part->first + atomic_load_explicit(&term->last, memory_order_relaxed) + 1;
    for (; count > 0 && position < below; position++) {
        if (stele__tail_offset(part->tail, position) == 0) {
            STELE_TRY(stele__tail_promise(part->tail, handle, reterr));
            stele__tail_post(part->tail, handle, position);
            count--;
        }
    }
    return count == 0 ? STELE_OK
                      : stele__fail(reterr, STELE_CORRUPT,
                                    "event %" PRIu64 " in %s has a revision that is too high",
                                    below, part->segment->path);
}

stele_status stele__scan_add_event(stele__part *part, const stele__event *event,
                                   stele_error *reterr)
{
    stele__tail_handle handles[3 + STELE_EVENT_TAGS_MAX];
    size_t count;
    STELE_TRY(intern_event(part, event, handles, &count, reterr));
    stele__tail_term *term = stele__tail_at(part->tail, handles[0]);
    uint32_t postings = atomic_load_explicit(&term->count, memory_order_relaxed);
    const bool is_ended =
        atomic_load_explicit(&term->stream[0].tombstone, memory_order_relaxed) != 0;
    const stele_revision next = term->stream[0].base_revision + postings;
    if (part->is_salvaged && postings > 0 && event->facts.revision > next) {
        STELE_TRY(post_missing(part, handles[0], event->facts.revision - next,
                               event->record.position, reterr));
        postings = atomic_load_explicit(&term->count, memory_order_relaxed);
    }
    if (is_ended ||
        (postings > 0 && event->facts.revision != term->stream[0].base_revision + postings)) {
        return stele__fail(reterr, STELE_CORRUPT,
                           "event %" PRIu64 " in %s has revision %" PRIu64 " out of order",
                           event->record.position, part->segment->path, event->facts.revision);
    }
    if (postings == 0) {
        term->stream[0].base_revision = event->facts.revision;
    }
    if (event->facts.flags & STELE_EVENT_TOMBSTONE) {
        atomic_store_explicit(&term->stream[0].tombstone, postings + 1, memory_order_relaxed);
    }
    for (size_t i = 0; i < count; i++) {
        stele__tail_post(part->tail, handles[i], event->record.position);
    }
    stele__tail_add_event(part->tail, event->code);
    return STELE_OK;
}

stele_status stele__scan_add(stele__part *part, stele__reader *reader, const stele__frame *frame,
                             stele_error *reterr)
{
    stele__tail *tail = part->tail;
    const uint8_t *at = frame->events;
    if (frame->time < part->last_time) {
        return stele__fail(reterr, STELE_CORRUPT, "time goes back at position %" PRIu64 " in %s",
                           frame->first, part->segment->path);
    }
    STELE_TRY(stele__tail_reserve_events(tail, frame->count, reterr));
    if (frame->key.size > 0) {
        stele__tail_handle key;
        STELE_TRY(stele__tail_intern(tail, STELE_TERM_KEY, frame->key,
                                     stele__term_hash(&part->segment->header.hash_key,
                                                      STELE_TERM_KEY, frame->key),
                                     &key, reterr));
        if (!STELE_CANARY_IS(12)) {
            stele__tail_post(tail, key, frame->first);
        }
    }
    for (uint32_t i = 0; i < frame->count; i++) {
        const stele__event *event;
        STELE_TRY(stele__frame_next(reader, frame, i, &at, &event, reterr));
        STELE_TRY(stele__scan_add_event(part, event, reterr));
    }
    part->end = frame->end;
    part->last = frame->first + frame->count - 1;
    part->last_time = frame->time;
    return STELE_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing a commit that may be written: its time, the metadata events that come along when a
 * deleted stream is written again, and the records. Everything that can fail happens in drafting
 * (M3).
 *
 * Metadata events that come along:
 *
 * W1  A deleted stream that is written gets its metadata with `$tb` = its first new revision, in
 * front of the given events. Not if the commit writes the metadata stream as well: W2 covers that,
 * and the revisions stay what the caller expects.
 *
 * W2  Writing the metadata of a deleted stream that has events brings it back empty: behind the
 * given events follows the last given metadata with `$tb` = the first new revision, unless it
 * deletes the stream again.
 */
#include "backends/memory/model.h"

#include <inttypes.h>

#define CLOCK_JUMP_MAX (INT64_C(3600) * 1000000000)
#define CLOCK_BEHIND_NOTICED (INT64_C(1000000000))

typedef struct draft {
    memory_store *store;
    stele_time time;
    size_t count; /* records drafted behind the head */
} draft;

/* ---- Time. */

/* The time of the next commit: the clock's, but never before the last one's. */
static stele_status take_time(memory_store *store, stele_time *ret_time, stele_error *reterr)
{
    const stele_time now = store->clock->now(store->clock->context);
    const int64_t monotonic = store->clock->monotonic(store->clock->context);
    const stele_time due =
        stele__add_saturated(store->clock_seen,
                             stele__subtract_saturated(monotonic, store->monotonic_seen));
    const stele_time last =
        store->head ? stele__memory_record(store, store->head)->event.time : INT64_MIN;
    if (now > stele__add_saturated(due, CLOCK_JUMP_MAX)) {
        const stele_status status =
            stele__fail(reterr, STELE_INVALID_CLOCK, "the clock jumped ahead by %" PRIu64 " s",
                        ((uint64_t)now - (uint64_t)due) / 1000000000);
        stele__hint(reterr, "recorded time never goes back: set the clock right, or accept it with "
                            "stele_accept_clock()");
        return status;
    }
    if (now > due) {
        store->clock_seen = now;
        store->monotonic_seen = monotonic;
    }
    const bool is_behind = last > stele__add_saturated(now, CLOCK_BEHIND_NOTICED);
    if (is_behind && !store->is_clock_reported && store->options.log) {
        store->options.log(store->options.log_context, STELE_LOG_WARNING,
                           "the clock stands behind the last event; recorded time stands still "
                           "until it catches up");
    }
    store->is_clock_reported = is_behind;
    *ret_time = now > last ? now : last;
    return STELE_OK;
}

/* ---- Drafting. */

/* Makes sure that `term` can take one posting more. */
static bool touch_term(memory_store *store, memory_term *term)
{
    void *positions = term->positions;
    if (!stele__reserve(store->alloc, &positions, &term->capacity, term->count + term->pending + 1,
                        sizeof *term->positions)) {
        return false;
    }
    term->positions = positions;
    if (term->pending++ == 0) {
        term->next_touched = store->touched;
        store->touched = term;
    }
    return true;
}

static memory_term *file_under(memory_store *store, memory_kind kind, stele_text name)
{
    memory_term *term = stele__memory_term_make(store, kind, name);
    return term && touch_term(store, term) ? term : NULL;
}

static bool make_chunk(memory_store *store, stele_position position)
{
    const uint64_t number = (position - 1) / MEMORY_CHUNK_RECORDS + 1;
    const unsigned chunk = 63 - (unsigned)__builtin_clzll(number);
    if (!store->chunks[chunk]) {
        store->chunks[chunk] =
            stele__allocate(store->alloc, (MEMORY_CHUNK_RECORDS << chunk) * sizeof(memory_record));
    }
    return store->chunks[chunk] != NULL;
}

static size_t distinct_tags(const stele_event *event, stele_text ret_tags[STELE_EVENT_TAGS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < event->tag_count; i++) {
        const stele_text tag = stele__text(event->tags[i]);
        size_t j = 0;
        while (j < count && !stele__text_equal(ret_tags[j], tag)) {
            j++;
        }
        if (j == count && count < STELE_EVENT_TAGS_MAX) {
            ret_tags[count++] = tag;
        }
    }
    return count;
}

static stele_bytes copy_bytes(uint8_t *to, stele_bytes bytes)
{
    if (bytes.size > 0) {
        memcpy(to, bytes.data, bytes.size);
    }
    return (stele_bytes){to, bytes.size};
}

/* Tags, data and metadata of a record in one piece of memory. */
static bool fill_payload(memory_store *store, memory_record *record, const stele_event *event)
{
    stele_text tags[STELE_EVENT_TAGS_MAX];
    const size_t tag_count = distinct_tags(event, tags);
    record->payload_size = tag_count * sizeof *tags + event->data.size + event->metadata.size;
    record->payload = stele__allocate(store->alloc, record->payload_size);
    if (!record->payload) {
        return false;
    }
    stele_text *own_tags = record->payload;
    uint8_t *bytes = (uint8_t *)(own_tags + tag_count);
    record->event.tags = own_tags;
    record->event.tag_count = tag_count;
    record->event.data = copy_bytes(bytes, event->data);
    record->event.metadata = copy_bytes(bytes + event->data.size, event->metadata);
    for (size_t i = 0; i < tag_count; i++) {
        const memory_term *tag = file_under(store, MEMORY_TAG, tags[i]);
        if (!tag) {
            return false;
        }
        own_tags[i] = tag->name;
    }
    return true;
}

/* Only `$metadata` events say something; any other event in a metadata stream is empty metadata. */
static stele_bytes metadata_json(const stele_event *event)
{
    const bool speaks = strcmp(event->type, STELE_TYPE_METADATA) == 0;
    return speaks ? event->data : (stele_bytes){NULL, 0};
}

static stele_status fill_terms(draft *d, memory_record *record, const stele_event *event,
                               stele_text stream, stele_error *reterr)
{
    memory_store *store = d->store;
    const stele_text category = stele__memory_category(stream);
    const stele_text described = stele__memory_described(stream);
    const memory_term *type = file_under(store, MEMORY_TYPE, stele__text(event->type));
    record->stream = file_under(store, MEMORY_STREAM, stream);
    if (!type || !record->stream ||
        (category.size > 0 && !file_under(store, MEMORY_CATEGORY, category))) {
        return stele__fail_memory(reterr);
    }
    record->event.stream = record->stream->name;
    record->event.type = type->name;
    record->event.revision = record->is_tombstone
                                 ? STELE_REVISION_TOMBSTONE
                                 : record->stream->event_count + record->stream->pending - 1;
    if (described.size > 0) {
        record->describes = stele__memory_term_make(store, MEMORY_STREAM, described);
        if (!record->describes) {
            return stele__fail_memory(reterr);
        }
        STELE_TRY(stele__memory_metadata_parse(metadata_json(event), &record->metadata, reterr));
    }
    return STELE_OK;
}

static stele_status draft_event(draft *d, const stele_event *event, stele_text stream,
                                bool is_tombstone, stele_error *reterr)
{
    memory_store *store = d->store;
    const stele_position position = store->head + d->count + 1;
    if (!make_chunk(store, position)) {
        return stele__fail_memory(reterr);
    }
    memory_record *record = stele__memory_record(store, position);
    *record = (memory_record){.commit = store->commit_count, .is_tombstone = is_tombstone};
    d->count++; /* from here on undo_draft() sees it */
    STELE_TRY(fill_terms(d, record, event, stream, reterr));
    if (!fill_payload(store, record, event)) {
        return stele__fail_memory(reterr);
    }
    record->event.position = position;
    record->event.time = d->time;
    record->event.id =
        stele__uuid_is_none(&event->id) ? stele__uuid_v7(d->time, store->clock) : event->id;
    record->event.data_format = event->data_format;
    record->event.metadata_format = event->metadata_format;
    return STELE_OK;
}

/* A `$metadata` event for `metastream`: `json` with another `$tb`. */
static stele_status draft_metadata(draft *d, stele_text metastream, stele_bytes json,
                                   uint64_t truncate_before, stele_error *reterr)
{
    const stele_alloc *alloc = d->store->alloc;
    char *data = NULL;
    size_t size = 0;
    STELE_TRY(stele__memory_metadata_truncate(alloc, json, truncate_before, &data, &size, reterr));
    const stele_event event = {.type = STELE_TYPE_METADATA,
                               .data_format = STELE_JSON,
                               .metadata_format = STELE_BINARY,
                               .data = {(const uint8_t *)data, size}};
    const stele_status status = draft_event(d, &event, metastream, false, reterr);
    stele__release(alloc, data, size);
    return status;
}

/* W1. */
static stele_status draft_recreations(draft *d, const memory_target *targets, size_t target_count,
                                      stele_error *reterr)
{
    char name[STELE_STREAM_NAME_SIZE_MAX + 2] = "$$";
    for (size_t i = 0; i < target_count; i++) {
        const memory_term *stream = targets[i].stream;
        if (!targets[i].is_recreated) {
            continue;
        }
        memcpy(name + 2, stream->name.data, stream->name.size);
        const memory_term *metastream =
            stele__memory_term_find(d->store, MEMORY_STREAM,
                                    (stele_text){name, stream->name.size + 2});
        STELE_ASSERT(metastream && metastream->count > 0);
        if (!metastream->target) {
            const stele_position newest = metastream->positions[metastream->count - 1];
            STELE_TRY(draft_metadata(d, metastream->name,
                                     stele__memory_record(d->store, newest)->event.data,
                                     stream->event_count, reterr));
        }
    }
    return STELE_OK;
}

/* W2. */
static stele_status draft_returns(draft *d, const memory_target *targets, size_t target_count,
                                  stele_error *reterr)
{
    for (size_t i = 0; i < target_count; i++) {
        const memory_target *target = &targets[i];
        const stele_text described = stele__memory_described(target->stream->name);
        const memory_term *stream =
            described.size > 0 ? stele__memory_term_find(d->store, MEMORY_STREAM, described) : NULL;
        memory_metadata given;
        if (!stream || stream->is_tombstoned || !stream->metadata.is_deleted ||
            stream->event_count == 0) {
            continue;
        }
        const stele_bytes json = metadata_json(target->last);
        STELE_TRY(stele__memory_metadata_parse(json, &given, reterr));
        if (!given.is_deleted) {
            STELE_TRY(draft_metadata(d, target->stream->name, json, stream->event_count, reterr));
        }
    }
    return STELE_OK;
}

static stele_status draft_all(draft *d, const stele_request *request, const memory_target *targets,
                              size_t target_count, stele_position *ret_first_given,
                              stele_error *reterr)
{
    memory_store *store = d->store;
    const stele_commit *commit = &request->commit;
    const bool is_tombstone = request->intent == STELE_INTENT_TOMBSTONE;
    STELE_TRY(draft_recreations(d, targets, target_count, reterr));
    *ret_first_given = store->head + d->count + 1;
    for (size_t i = 0; i < commit->event_count; i++) {
        const stele_event *event = &commit->events[i];
        STELE_TRY(draft_event(d, event, stele__text(event->stream), is_tombstone, reterr));
    }
    STELE_TRY(draft_returns(d, targets, target_count, reterr));
    void *commits = store->commits;
    if (!stele__reserve(store->alloc, &commits, &store->commit_capacity, store->commit_count + 1,
                        sizeof *store->commits)) {
        return stele__fail_memory(reterr);
    }
    store->commits = commits;
    if (!stele__memory_ids_reserve(store, d->count) ||
        (commit->options->key &&
         !file_under(store, MEMORY_KEY, stele__text(commit->options->key)))) {
        return stele__fail_memory(reterr);
    }
    return STELE_OK;
}

static void forget_touched(memory_store *store)
{
    for (memory_term *term = store->touched, *next; term; term = next) {
        next = term->next_touched;
        term->pending = 0;
        term->next_touched = NULL;
    }
    store->touched = NULL;
}

static void undo_draft(draft *d)
{
    for (size_t i = 0; i < d->count; i++) {
        memory_record *record = stele__memory_record(d->store, d->store->head + i + 1);
        stele__release(d->store->alloc, record->payload, record->payload_size);
    }
    forget_touched(d->store);
}

/* ---- Publishing. */

static void add_posting(memory_store *store, memory_kind kind, stele_text name,
                        stele_position position)
{
    memory_term *term = stele__memory_term_find(store, kind, name);
    STELE_ASSERT(term && term->count < term->capacity);
    term->positions[term->count++] = position;
}

static void publish_record(memory_store *store, memory_record *record)
{
    const stele_record *event = &record->event;
    const stele_text category = stele__memory_category(event->stream);
    STELE_ASSERT(event->position == store->head + 1);
    add_posting(store, MEMORY_STREAM, event->stream, event->position);
    add_posting(store, MEMORY_TYPE, event->type, event->position);
    if (category.size > 0) {
        add_posting(store, MEMORY_CATEGORY, category, event->position);
    }
    for (size_t i = 0; i < event->tag_count; i++) {
        add_posting(store, MEMORY_TAG, event->tags[i], event->position);
    }
    if (record->is_tombstone) {
        record->stream->is_tombstoned = true;
    } else {
        STELE_ASSERT(event->revision == record->stream->event_count);
        record->stream->event_count++;
    }
    if (record->describes) {
        record->describes->has_metadata = true;
        record->describes->metadata = record->metadata;
    }
    store->head = event->position;
    store->bytes += event->stream.size + event->type.size + event->data.size + event->metadata.size;
    stele__memory_id_add(store, record);
}

static void publish(draft *d, const stele_request *request, stele_position first_given,
                    stele_receipt *ret_receipt)
{
    memory_store *store = d->store;
    const stele_commit *commit = &request->commit;
    const stele_position from = store->head + 1;
    for (size_t i = 0; i < d->count; i++) {
        publish_record(store, stele__memory_record(store, from + i));
    }
    store->commits[store->commit_count++] = (memory_commit){first_given, commit->event_count};
    if (commit->options->key) {
        add_posting(store, MEMORY_KEY, stele__text(commit->options->key), first_given);
    }
    for (size_t i = 0; i < commit->event_count && request->revisions; i++) {
        request->revisions[i] = stele__memory_record(store, first_given + i)->event.revision;
    }
    const stele_record *last =
        &stele__memory_record(store, first_given + commit->event_count - 1)->event;
    *ret_receipt = (stele_receipt){.first_position = first_given,
                                   .position = last->position,
                                   .revision = last->revision,
                                   .time = d->time};
    forget_touched(store);
    stele__memory_terms_keep(store);
    stele__condition_wake_all(&store->changed);
}

stele_status stele__memory_write(memory_store *store, const stele_request *request,
                                 const memory_target *targets, size_t target_count,
                                 stele_receipt *ret_receipt, stele_error *reterr)
{
    draft d = {.store = store};
    stele_position first_given = 0;
    STELE_TRY(take_time(store, &d.time, reterr));
    const stele_status status = draft_all(&d, request, targets, target_count, &first_given, reterr);
    if (status != STELE_OK) {
        undo_draft(&d);
        return status;
    }
    publish(&d, request, first_given, ret_receipt);
    return STELE_OK;
}

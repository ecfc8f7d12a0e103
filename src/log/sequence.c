/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sequencing: recorded time, beginning a new part, and giving a commit its place: positions,
 * revisions, terms, bytes. Part of the sequencer, whose invariants stand in append.c.
 */
#include "log/plan.h"

#include <inttypes.h>
#include <string.h>

#define CLOCK_JUMP_MAX (INT64_C(3600) * 1000000000)
#define CLOCK_BEHIND_MAX INT64_C(1000000000)

/* ---- time */

/* The wall is more than an hour ahead of where it was looked at last: either so much time has
 * passed, or it jumped. */
static stele_status check_clock(stele__log *log, stele_time wall, stele_error *reterr)
{
    const int64_t monotonic = log->clock->monotonic(log->clock->context);
    const stele_time expected =
        stele__add_saturated(log->clock_wall,
                             stele__subtract_saturated(monotonic, log->clock_monotonic));
    const stele_time ahead_of = expected > log->last_time ? expected : log->last_time;
    if (wall > stele__add_saturated(ahead_of, CLOCK_JUMP_MAX)) {
        (void)stele__fail(
            reterr, STELE_INVALID_CLOCK,
            "the clock jumped ahead by more than an hour; recorded time can never go back");
        stele__hint(reterr, "set the clock right, or accept it with stele_accept_clock()");
        return STELE_INVALID;
    }
    log->clock_wall = wall;
    log->clock_monotonic = monotonic;
    return STELE_OK;
}

static stele_status take_time(stele__log *log, stele_time *ret_time, stele_error *reterr)
{
    const stele_time wall = log->clock->now(log->clock->context);
    if (wall > stele__add_saturated(log->clock_wall, CLOCK_JUMP_MAX)) {
        STELE_TRY(check_clock(log, wall, reterr));
    }
    const int64_t behind = stele__subtract_saturated(log->last_time, wall);
    const bool is_behind = behind > CLOCK_BEHIND_MAX;
    if (is_behind && !log->is_clock_behind) {
        stele__log_say(log, STELE_LOG_WARNING,
                       "the clock is %" PRId64
                       " ms behind the last event; recorded time stands still",
                       behind / 1000000);
    }
    log->is_clock_behind = is_behind;
    *ret_time = wall > log->last_time ? wall : log->last_time;
    return STELE_OK;
}

stele_status stele__log_accept_clock(stele__log *log, stele_error *reterr)
{
    (void)reterr;
    stele__lock(&log->lock);
    log->clock_wall = log->clock->now(log->clock->context);
    log->clock_monotonic = log->clock->monotonic(log->clock->context);
    stele__unlock(&log->lock);
    return STELE_OK;
}

/* ---- rolling */

/* Lets go of the live part, if there is one. What is left of its segment is not going to be used:
 * if that is much, the next one will hardly need more. */
static void leave_live(stele__log *log)
{
    if (log->live) {
        const uint64_t used = log->live->end;
        log->zeroes_max = used < log->live->segment->size / 2 ? used * 2 : UINT64_MAX;
        stele__part_unref(log->live);
        log->live = NULL;
    }
}

/* Begins a new live part in the reserved segment. Lock held, nothing pending. */
static stele_status begin_part(stele__log *log, stele_error *reterr)
{
    stele_time time;
    STELE_TRY(take_time(log, &time, reterr));
    stele__segment *segment = log->reserve;
    const stele__segment_header header = {.store = log->store,
                                          .hash_key = log->hash_key,
                                          .number = log->reserve_number,
                                          .first = log->next_position,
                                          .base_time = time};
    stele__segment_begin(segment, &header);
    stele__part *part = NULL;
    stele__view *view = NULL;
    stele_status status = stele__part_create(log->alloc, segment, &log->hash_key, &part, reterr);
    if (status == STELE_OK) {
        /* Only who holds the sequencer's lock installs views. */
        status = stele__view_change_parts(log->view, log->view->part_count, part, &view, reterr);
    }
    if (status == STELE_OK) {
        part->last_time = time;
        part->end = 0; /* the first group writes the header, too */
        leave_live(log);
        log->live = stele__part_ref(part);
        log->reserve = NULL;
        stele__sequence_plan_zeroes(log);
        log->reserve_number++;
        log->roll_count++;
        stele__segment_unref(segment);
        stele__log_install(log, view);
        stele__maintain_kick(log);
    }
    stele__part_unref(part);
    return status;
}

/* A live part in which nothing stands: it was begun for a commit that failed after all. */
static bool is_unused(const stele__log *log)
{
    return log->live && log->live->last < log->live->first;
}

/* Takes it back, so that its number is that of the next segment again: history has no empty
 * segments. Lock held. */
static stele_status give_back(stele__log *log, stele_error *reterr)
{
    stele__view *view = NULL;
    STELE_TRY(stele__view_change_parts(log->view, log->view->part_count - 1, NULL, &view, reterr));
    log->reserve_number = log->live->segment->header.number;
    stele__segment_unref(log->reserve); /* its file is opened again in its turn */
    log->reserve = NULL;
    stele__sequence_plan_zeroes(log);
    stele__part_unref(log->live);
    log->live = NULL;
    log->roll_count++;
    stele__log_install(log, view);
    return STELE_OK;
}

stele_status stele__sequence_roll(stele__plan *plan, stele_error *reterr)
{
    stele__log *log = plan->log;
    const uint64_t needed = STELE_SEGMENT_HEADER_SIZE + plan->bytes_max;
    stele__lock(&log->lock);
    stele_status status = stele__commit_poisoned(log, reterr);
    if (status != STELE_OK || stele__append_is_pending(log) || !stele__look_must_roll(plan)) {
        stele__unlock(&log->lock);
        return status;
    }
    if (is_unused(log)) {
        status = give_back(log, reterr);
        stele__unlock(&log->lock);
        return status;
    }
    if (log->live && log->live->is_dirty && !STELE_CANARY_IS(4)) {
        return stele__commit_wait_all(log, true,
                                      reterr); /* a segment is synced before the next one begins */
    }
    if (log->reserve && log->reserve->size >= needed) {
        status = begin_part(log, reterr);
        stele__unlock(&log->lock);
        return status;
    }
    const uint64_t roll_count = log->roll_count;
    stele__unlock(&log->lock);
    return stele__maintain_reserve(log, needed, roll_count, reterr);
}

bool stele__sequence_wants_write_back(const stele__log *log)
{
    enum { WRITE_BACK_BYTES = 8 << 20 };
    return log->live && log->options.durability != STELE_DURABLE_FULL &&
           log->live->end - log->live->written_back >= WRITE_BACK_BYTES;
}

/* How many zeroes are written at once. A sync that comes meanwhile waits for them, so they are few
 * where there are syncs. */
static uint64_t zero_step(const stele__log *log)
{
    return log->options.durability == STELE_DURABLE_FULL ? (uint64_t)512 << 10 : (uint64_t)4 << 20;
}

static uint64_t lesser(uint64_t left, uint64_t right)
{
    return left < right ? left : right;
}

static uint64_t zeroes_left(const stele__log *log)
{
    const uint64_t size = log->reserve ? lesser(log->reserve->size, log->zeroes_max) : 0;
    return size > log->zeroed ? size - log->zeroed : 0;
}

/* The reserve gets its zeroes while the live part fills, in step with it, and has all when three
 * quarters of that are used: so they take a share of the disk that appending gives them, and never
 * all of it. */
void stele__sequence_plan_zeroes(stele__log *log)
{
    const uint64_t step = lesser(zero_step(log), zeroes_left(log));
    log->zeroes_due = UINT64_MAX;
    if (step > 0 && log->live) {
        const uint64_t live = lesser(log->live->segment->size, log->zeroes_max) / 4 * 3;
        const uint64_t size = lesser(log->reserve->size, log->zeroes_max);
        log->zeroes_due = (log->zeroed + step) * live / size;
    }
}

uint64_t stele__sequence_zeroes_due(const stele__log *log)
{
    const bool is_due = log->live && log->live->end >= log->zeroes_due;
    return is_due ? lesser(zero_step(log), zeroes_left(log)) : 0;
}

bool stele__sequence_is_heavy(const stele__log *log)
{
    return log->live && stele__tail_memory(log->live->tail) > log->tail_bytes_max;
}

static bool is_settled(const stele__log *log)
{
    return !stele__append_is_pending(log) && !log->live->is_dirty;
}

stele_status stele__sequence_leave(stele__log *log, stele_error *reterr)
{
    stele__lock(&log->lock);
    if (!stele__sequence_is_heavy(log) || stele__commit_poisoned(log, NULL) != STELE_OK) {
        stele__unlock(&log->lock);
        return STELE_OK;
    }
    if (!is_settled(log)) {
        STELE_TRY(stele__commit_wait_all(log, true, reterr));
        stele__lock(&log->lock);
    }
    if (stele__sequence_is_heavy(log) && is_settled(log)) {
        leave_live(log);
        log->roll_count++;
    }
    stele__unlock(&log->lock);
    return STELE_OK;
}

/* ---- accepting */

/* Terms of one commit, interned, in the order in which they are posted. */
typedef struct interned {
    stele__log *log;
    stele__tail *tail;
    size_t count; /* of promises in log->handles */
    size_t capacity;
    const char *type; /* the last one, which most often is the next one, too */
    stele__tail_handle type_handle;
} interned;

static stele_status intern(interned *terms, stele__term_kind kind, stele_text name, uint64_t hash,
                           stele_error *reterr)
{
    STELE_ASSERT(terms->count < terms->capacity);
    STELE_TRY(stele__tail_intern(terms->tail, kind, name, hash, &terms->log->handles[terms->count],
                                 reterr));
    terms->count++;
    return STELE_OK;
}

/* Tells the slot of a stream what is known of it, when the stream first comes to this tail. */
static stele_status fill_slot(stele__plan *plan, interned *terms, stele__plan_stream *stream,
                              stele_error *reterr)
{
    const stele__hash_key *key = &plan->log->hash_key;
    if (!stream->slot) { /* the look that let it pass has just not found it */
        STELE_TRY(stele__tail_touch(terms->tail, STELE_TERM_STREAM, stream->name, stream->hash,
                                    &stream->slot, reterr));
    }
    stele__tail_term *term = stele__tail_at(terms->tail, stream->slot);
    stele__tail_stream *slot = &term->stream[0];
    const stele_text category = stele_category(stream->name);
    if (category.size > 0 && !slot->category) {
        STELE_TRY(stele__tail_touch(terms->tail, STELE_TERM_CATEGORY, category,
                                    stele__term_hash(key, STELE_TERM_CATEGORY, category),
                                    &slot->category, reterr));
    }
    if (!slot->is_known) {
        if (atomic_load_explicit(&term->count, memory_order_relaxed) == 0) {
            slot->base_revision = (stele_revision)(stream->state.last_revision + 1);
        }
        slot->metadata_position = stream->metadata_position;
        slot->is_truncated_all = stream->state.is_truncated_all;
        slot->was_tombstoned = stream->state.is_tombstoned &&
                               atomic_load_explicit(&slot->tombstone, memory_order_relaxed) == 0;
        slot->is_known = true;
    }
    stream->next_revision = (stele_revision)(stream->state.last_revision + 1);
    return STELE_OK;
}

static stele_status intern_event(stele__plan *plan, interned *terms,
                                 const stele__plan_stream *stream, stele_text type,
                                 uint64_t type_hash, const stele__plan_name *tags, size_t tag_count,
                                 stele_error *reterr)
{
    const stele__tail_stream *slot = &stele__tail_at(terms->tail, stream->slot)->stream[0];
    (void)plan;
    STELE_TRY(stele__tail_promise(terms->tail, stream->slot, reterr));
    terms->log->handles[terms->count++] = stream->slot;
    if (slot->category) {
        STELE_TRY(stele__tail_promise(terms->tail, slot->category, reterr));
        terms->log->handles[terms->count++] = slot->category;
    }
    if (terms->type == type.data) {
        STELE_TRY(stele__tail_promise(terms->tail, terms->type_handle, reterr));
        terms->log->handles[terms->count++] = terms->type_handle;
    } else {
        STELE_TRY(intern(terms, STELE_TERM_TYPE, type, type_hash, reterr));
        terms->type = type.data;
        terms->type_handle = terms->log->handles[terms->count - 1];
    }
    for (size_t i = 0; i < tag_count; i++) {
        STELE_TRY(intern(terms, STELE_TERM_TAG, tags[i].name, tags[i].hash, reterr));
    }
    return STELE_OK;
}

/* Derived events: in front (recreated streams) or behind (revived ones). */
static bool is_derived(const stele__plan_stream *stream, bool in_front)
{
    return in_front ? stream->is_undeleted : stream->is_revived;
}

static stele_status intern_derived(stele__plan *plan, interned *terms, bool in_front,
                                   stele_error *reterr)
{
    const stele_text type = stele__text(STELE_TYPE_METADATA);
    for (size_t i = 0; i < plan->stream_count; i++) {
        const stele__plan_stream *stream = &plan->streams[i];
        if (is_derived(stream, in_front)) {
            STELE_TRY(intern_event(plan, terms, &plan->streams[stream->metastream], type,
                                   stele__term_hash(&plan->log->hash_key, STELE_TERM_TYPE, type),
                                   NULL, 0, reterr));
        }
    }
    return STELE_OK;
}

static stele_status intern_all(stele__plan *plan, interned *terms, stele_error *reterr)
{
    for (size_t i = 0; i < plan->stream_count; i++) {
        stele__plan_stream *stream = &plan->streams[i];
        if (stream->event_count > 0 || stream->is_watched || stream->writes_metadata ||
            stream->is_derived_to) {
            STELE_TRY(fill_slot(plan, terms, stream, reterr));
        }
    }
    if (plan->key.size > 0) {
        STELE_TRY(intern(terms, STELE_TERM_KEY, plan->key, plan->key_hash, reterr));
    }
    STELE_TRY(intern_derived(plan, terms, true, reterr));
    for (size_t i = 0; i < plan->event_count; i++) {
        const stele__plan_event *event = &plan->events[i];
        STELE_TRY(intern_event(plan, terms, &plan->streams[event->stream], event->type.name,
                               event->type.hash, plan->tags + event->first_tag, event->tag_count,
                               reterr));
    }
    return intern_derived(plan, terms, false, reterr);
}

static size_t derived_count(const stele__plan *plan)
{
    size_t count = 0;
    for (size_t i = 0; i < plan->stream_count; i++) {
        count += (size_t)plan->streams[i].is_undeleted + plan->streams[i].is_revived;
    }
    return count;
}

/* Everything of accepting that can fail (A7). On failure nothing is promised any more. */
static stele_status prepare(stele__plan *plan, interned *terms, size_t total,
                            stele__group **ret_group, bool has_note, stele_error *reterr)
{
    stele__log *log = plan->log;
    *terms = (interned){.log = log,
                        .tail = log->live->tail,
                        .capacity = total * 3 + plan->tag_count + 1};
    if (!stele__reserve(log->alloc, (void **)&log->handles, &log->handle_capacity, terms->capacity,
                        sizeof *log->handles)) {
        return stele__fail_memory(reterr);
    }
    STELE_TRY(stele__window_reserve(&log->window, total, reterr));
    STELE_TRY(stele__tail_reserve_events(terms->tail, total, reterr));
    stele__group *group = stele__commit_group(log, log->live, log->live->end);
    if (!group ||
        !stele__buffer_reserve(&group->bytes, plan->bytes_max + STELE_SEGMENT_HEADER_SIZE) ||
        (has_note && !stele__reserve(log->alloc, (void **)&group->notes, &group->note_capacity,
                                     group->note_count + 1, sizeof *group->notes))) {
        return stele__fail_memory(reterr);
    }
    const stele_status status = intern_all(plan, terms, reterr);
    if (status != STELE_OK) {
        for (size_t i = 0; i < terms->count; i++) {
            stele__tail_withdraw(terms->tail, log->handles[i]);
        }
        return status;
    }
    *ret_group = group;
    return STELE_OK;
}

/* Posts and encodes; knows where it stands. */
typedef struct writing {
    stele__plan *plan;
    stele__encoder encoder;
    stele_position position; /* of the next event */
    size_t next_handle;
    stele_time time;
} writing;

static void note_metadata(writing *at, const stele__plan_stream *owner, bool is_truncated_all)
{
    STELE_ASSERT(owner->slot); /* fill_slot was here */
    stele__tail_stream *slot = &stele__tail_at(at->encoder.tail, owner->slot)->stream[0];
    slot->metadata_position = at->position;
    slot->is_truncated_all = is_truncated_all;
}

static void write_event(writing *at, stele__plan_stream *stream, stele__draft *draft,
                        uint32_t print)
{
    stele__log *log = at->plan->log;
    stele__tail *tail = at->encoder.tail;
    stele__tail_term *term = stele__tail_at(tail, stream->slot);
    const stele__tail_handle *handles = log->handles + at->next_handle;
    const size_t fixed = term->stream[0].category ? 3 : 2;
    draft->stream = handles[0];
    draft->type = handles[fixed - 1];
    draft->tags = handles + fixed;
    draft->revision = stream->next_revision;
    stele__encode_event(&at->encoder, draft);
    if (draft->flags & STELE_EVENT_TOMBSTONE) {
        const uint32_t rank = atomic_load_explicit(&term->count, memory_order_relaxed);
        atomic_store_explicit(&term->stream[0].tombstone, rank + 1, memory_order_relaxed);
    } else {
        stream->next_revision++;
    }
    for (size_t i = 0; i < fixed + draft->tag_count; i++) {
        stele__tail_post(tail, handles[i], at->position);
    }
    at->next_handle += fixed + draft->tag_count;
    stele__window_put(&log->window, at->position, print);
}

static void write_derived(writing *at, bool in_front)
{
    stele__plan *plan = at->plan;
    for (size_t i = 0; i < plan->stream_count; i++) {
        stele__plan_stream *stream = &plan->streams[i];
        if (!is_derived(stream, in_front)) {
            continue;
        }
        const stele__buffer *json = in_front ? &stream->undelete : &stream->revive;
        const stele_event event = {.data_format = STELE_JSON, .data = {json->data, json->size}};
        stele__draft draft = {.event = &event,
                              .id = stele__uuid_v7(at->time, plan->log->clock),
                              .flags = STELE_EVENT_DERIVED};
        stele__plan_stream *metastream = &plan->streams[stream->metastream];
        write_event(at, metastream, &draft, stele__window_print(metastream->hash, &draft.id));
        note_metadata(at, stream, false);
        at->position++;
    }
}

static void write_given(writing *at, stele_receipt *ret_receipt)
{
    stele__plan *plan = at->plan;
    for (size_t i = 0; i < plan->event_count; i++) {
        stele__plan_event *planned = &plan->events[i];
        stele__plan_stream *stream = &plan->streams[planned->stream];
        const bool is_tombstone = plan->request->intent == STELE_INTENT_TOMBSTONE;
        if (!planned->has_id) {
            planned->id = stele__uuid_v7(at->time, plan->log->clock);
            planned->print = stele__window_print(stream->hash, &planned->id);
        }
        stele__draft draft = {.event = planned->event,
                              .id = planned->id,
                              .flags = is_tombstone ? STELE_EVENT_TOMBSTONE : 0,
                              .tag_count = planned->tag_count};
        write_event(at, stream, &draft, planned->print);
        const stele_revision revision = is_tombstone ? STELE_REVISION_TOMBSTONE : draft.revision;
        if (stream->owner != UINT32_MAX) {
            const stele__plan_stream *owner = &plan->streams[stream->owner];
            note_metadata(at, owner, owner->written_truncates_all);
        }
        if (plan->request->revisions) {
            plan->request->revisions[i] = revision;
        }
        ret_receipt->first_position = i == 0 ? at->position : ret_receipt->first_position;
        ret_receipt->position = at->position;
        ret_receipt->revision = revision;
        at->position++;
    }
}

static void begin_writing(writing *at, stele__plan *plan, stele__group *group, size_t total)
{
    stele__log *log = plan->log;
    stele__part *part = log->live;
    if (part->end == 0) {
        stele__segment_header_encode(&part->segment->header, group->bytes.data + group->bytes.size);
        group->bytes.size += STELE_SEGMENT_HEADER_SIZE;
        log->bytes_in_flight += STELE_SEGMENT_HEADER_SIZE;
        part->end = STELE_SEGMENT_HEADER_SIZE;
    }
    const stele__draft_commit commit = {.first = log->next_position,
                                        .time = at->time,
                                        .synced = STELE_CANARY_IS(18)
                                                      ? log->next_position - 1
                                                      : atomic_load_explicit(&log->durable,
                                                                             memory_order_relaxed),
                                        .key = plan->key.size > 0 ? log->handles[0] : 0,
                                        .count = total};
    at->plan = plan;
    at->position = log->next_position;
    at->next_handle = plan->key.size > 0;
    stele__encode_begin(&at->encoder, part->segment, part->tail, &commit, part->end,
                        group->bytes.data + group->bytes.size);
    if (plan->key.size > 0) {
        stele__tail_post(part->tail, log->handles[0], at->position);
    }
}

/* Only plans that are being made read it, to fetch names. */
static void hint_at(stele__log *log, const stele__tail *tail)
{
    const uint64_t hint = stele__tail_hint(tail);
    if (atomic_load_explicit(&log->terms_hint, memory_order_relaxed) != hint) {
        atomic_store_explicit(&log->terms_hint, hint, memory_order_relaxed);
    }
}

/* Gives the commit its place in history: nothing here can fail. Lock held. */
static void sequence(stele__plan *plan, stele__group *group, size_t total, stele_time time,
                     stele_receipt *ret_receipt)
{
    stele__log *log = plan->log;
    stele__part *part = log->live;
    writing at = {.time = time};
    begin_writing(&at, plan, group, total);
    *ret_receipt = (stele_receipt){.time = time};
    write_derived(&at, true);
    write_given(&at, ret_receipt);
    write_derived(&at, false);
    const size_t size = stele__encode_end(&at.encoder);
    STELE_ASSERT(size <= plan->bytes_max);
    STELE_ASSERT(at.position == log->next_position + total);
    group->bytes.size += size;
    group->last = at.position - 1;
    group->needs_sync |= plan->options->durability == STELE_DURABLE_FULL;
    log->bytes_in_flight += size;
    part->end += size;
    part->last = at.position - 1;
    part->last_time = time;
    hint_at(log, part->tail);
    log->next_position = at.position;
    log->last_time = time;
    if (!log->maintainer.is_wanted &&
        (part->end >= log->zeroes_due || stele__sequence_wants_write_back(log))) {
        stele__maintain_kick(log);
    }
    atomic_fetch_add_explicit(&log->commits, 1, memory_order_relaxed);
}

stele_status stele__sequence(stele__plan *plan, bool has_note, stele_receipt *ret_receipt,
                             stele__group **ret_group, stele_error *reterr)
{
    stele_time time;
    interned terms;
    const size_t total = plan->event_count + derived_count(plan);
    if (has_note || plan->options->durability == STELE_DURABLE_NONE) {
        STELE_TRY(stele__commit_start_thread(plan->log, reterr));
    }
    STELE_TRY(take_time(plan->log, &time, reterr));
    STELE_TRY(prepare(plan, &terms, total, ret_group, has_note, reterr));
    sequence(plan, *ret_group, total, time, ret_receipt);
    return STELE_OK;
}

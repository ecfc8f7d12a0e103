/* SPDX-License-Identifier: Apache-2.0 */
/* Making a plan of a commit: everything that needs neither lock nor disk. */
#include "log/plan.h"

enum { LINEAR_STREAMS_MAX = 16, STREAMS_AT_ONCE_MAX = 128 };

static bool names_equal(const stele__plan_stream *stream, stele_text name, uint64_t hash)
{
    return stream->hash == hash && stele__text_equal(stream->name, name);
}

static bool grow_streams(stele__plan *plan)
{
    if (plan->stream_count < plan->stream_capacity) {
        return true;
    }
    const stele_alloc *alloc = plan->log->alloc;
    const size_t capacity = plan->stream_capacity * 2;
    stele__plan_stream *larger = stele__allocate_array(alloc, capacity, sizeof *larger);
    if (!larger) {
        return false;
    }
    memcpy(larger, plan->streams, plan->stream_count * sizeof *larger);
    if (plan->streams != plan->inline_streams) {
        stele__release(alloc, plan->streams, plan->stream_capacity * sizeof *larger);
    }
    plan->streams = larger;
    plan->stream_capacity = capacity;
    return true;
}

/* Keeps a hash table of streams once there are many. */
static bool index_streams(stele__plan *plan)
{
    if (plan->stream_count < LINEAR_STREAMS_MAX || plan->stream_count * 2 < plan->bucket_count) {
        return true;
    }
    const stele_alloc *alloc = plan->log->alloc;
    const size_t count = plan->bucket_count ? plan->bucket_count * 4 : LINEAR_STREAMS_MAX * 8;
    uint32_t *buckets = stele__allocate_zero(alloc, count * sizeof *buckets);
    if (!buckets) {
        return false;
    }
    stele__release(alloc, plan->buckets, plan->bucket_count * sizeof *buckets);
    plan->buckets = buckets;
    plan->bucket_count = count;
    for (uint32_t i = 0; i < plan->stream_count; i++) {
        size_t place = plan->streams[i].hash & (count - 1);
        while (buckets[place]) {
            place = (place + 1) & (count - 1);
        }
        buckets[place] = i + 1;
    }
    return true;
}

static uint32_t find_stream(const stele__plan *plan, stele_text name, uint64_t hash,
                            size_t *ret_place)
{
    if (!plan->bucket_count) {
        for (uint32_t i = 0; i < plan->stream_count; i++) {
            if (names_equal(&plan->streams[i], name, hash)) {
                return i;
            }
        }
        return UINT32_MAX;
    }
    size_t place = hash & (plan->bucket_count - 1);
    while (plan->buckets[place]) {
        if (names_equal(&plan->streams[plan->buckets[place] - 1], name, hash)) {
            return plan->buckets[place] - 1;
        }
        place = (place + 1) & (plan->bucket_count - 1);
    }
    *ret_place = place;
    return UINT32_MAX;
}

/* Of a name that is going to be looked up under the lock. */
static uint64_t hash_name(const stele__plan *plan, stele__term_kind kind, stele_text name)
{
    const uint64_t hash = stele__term_hash(&plan->log->hash_key, kind, name);
    stele__tail_prefetch_name(atomic_load_explicit(&plan->log->terms_hint, memory_order_relaxed),
                              hash);
    return hash;
}

stele_status stele__plan_stream_of(stele__plan *plan, stele_text name, uint32_t *ret_stream,
                                   stele_error *reterr)
{
    const uint64_t hash = hash_name(plan, STELE_TERM_STREAM, name);
    size_t place = 0;
    *ret_stream = find_stream(plan, name, hash, &place);
    if (*ret_stream != UINT32_MAX) {
        return STELE_OK;
    }
    if (!grow_streams(plan)) {
        return stele__fail_memory(reterr);
    }
    const uint32_t index = (uint32_t)plan->stream_count++;
    plan->streams[index] = (stele__plan_stream){.name = name,
                                                .hash = hash,
                                                .expected = STELE_ANY,
                                                .check = UINT32_MAX,
                                                .owner = UINT32_MAX,
                                                .metastream = UINT32_MAX,
                                                .is_watched = true,
                                                .undelete = {.alloc = plan->log->alloc},
                                                .metastream_name = {.alloc = plan->log->alloc},
                                                .revive = {.alloc = plan->log->alloc}};
    if (plan->bucket_count) {
        plan->buckets[place] = index + 1;
    }
    if (!index_streams(plan)) {
        return stele__fail_memory(reterr);
    }
    *ret_stream = index;
    return STELE_OK;
}

/* Tags without duplicates, in the order given. */
static void plan_tags(stele__plan *plan, stele__plan_event *planned, const stele_event *event)
{
    planned->first_tag = (uint32_t)plan->tag_count;
    for (size_t i = 0; i < event->tag_count; i++) {
        const stele_text name = stele__text(event->tags[i]);
        bool is_known = false;
        for (size_t t = planned->first_tag; t < plan->tag_count && !is_known; t++) {
            is_known = stele__text_equal(plan->tags[t].name, name);
        }
        if (!is_known) {
            const uint64_t hash = hash_name(plan, STELE_TERM_TAG, name);
            plan->tags[plan->tag_count++] = (stele__plan_name){name, hash};
            plan->bytes_max += name.size + STELE_NAME_OVERHEAD;
        }
    }
    planned->tag_count = (uint32_t)(plan->tag_count - planned->first_tag);
}

/* Metadata is parsed here, once, by whoever appends it. */
static stele_status plan_metadata(stele__plan *plan, uint32_t stream, const stele_event *event,
                                  stele_error *reterr)
{
    const stele_text name = plan->streams[stream].name;
    const stele_text owner_name = {name.data + 2, name.size - 2};
    uint32_t owner;
    STELE_TRY(stele__plan_stream_of(plan, owner_name, &owner, reterr));
    plan->streams[stream].owner = owner;
    stele__core_metadata metadata = {.has_truncate_before = false};
    stele__plan_stream *s = &plan->streams[owner];
    s->writes_metadata = true;
    s->written_json = (stele_bytes){NULL, 0};
    if (strcmp(event->type, STELE_TYPE_METADATA) == 0) {
        s->written_json = event->data;
        (void)stele__core_metadata_parse(event->data.data, event->data.size, &metadata);
    }
    s->written_truncates_all =
        metadata.has_truncate_before && metadata.truncate_before == STELE_TRUNCATE_ALL;
    return STELE_OK;
}

/* The stream of an event. The one before often is of the same, by the very same pointer. */
static stele_status find_stream_of_event(stele__plan *plan, const char *name, uint32_t *ret_stream,
                                         stele_error *reterr)
{
    if (plan->event_count > 0) {
        *ret_stream = plan->events[plan->event_count - 1].stream;
        if (plan->streams[*ret_stream].name.data == name) {
            return STELE_OK;
        }
    }
    return stele__plan_stream_of(plan, stele__text(name), ret_stream, reterr);
}

static stele__plan_name plan_type(const stele__plan *plan, const char *type)
{
    if (plan->event_count > 0 && plan->events[plan->event_count - 1].type.name.data == type) {
        return plan->events[plan->event_count - 1].type;
    }
    const stele_text name = stele__text(type);
    return (stele__plan_name){name, hash_name(plan, STELE_TERM_TYPE, name)};
}

static stele_status plan_event(stele__plan *plan, const stele_event *event, stele_error *reterr)
{
    stele__plan_event *planned = &plan->events[plan->event_count];
    uint32_t stream;
    STELE_TRY(find_stream_of_event(plan, event->stream, &stream, reterr));
    *planned = (stele__plan_event){.event = event, .stream = stream, .id = event->id};
    planned->has_id = !stele__uuid_is_none(&event->id);
    planned->print = stele__window_print(plan->streams[stream].hash, &event->id);
    planned->type = plan_type(plan, event->type);
    plan->event_count++;
    stele__plan_stream *s = &plan->streams[stream];
    const stele_text name = s->name;
    s->is_watched = false;
    s->use =
        plan->request->intent == STELE_INTENT_TOMBSTONE ? STELE_USE_TOMBSTONED : STELE_USE_WRITTEN;
    s->has_ids |= planned->has_id;
    if (s->event_count++ == 0) {
        s->first_event = (uint32_t)plan->event_count - 1;
    }
    plan->bytes_max += STELE_EVENT_OVERHEAD + name.size + planned->type.name.size +
                       event->data.size + event->metadata.size;
    plan_tags(plan, planned, event);
    return stele__core_is_metastream(name) ? plan_metadata(plan, stream, event, reterr) : STELE_OK;
}

static stele_status plan_checks(stele__plan *plan, stele_error *reterr)
{
    const stele_commit *commit = &plan->request->commit;
    plan->check_streams = plan->inline_checks;
    if (commit->check_count > STELE_PLAN_STREAMS) {
        plan->check_streams = stele__allocate_array(plan->log->alloc, commit->check_count,
                                                    sizeof *plan->check_streams);
        if (!plan->check_streams) {
            return stele__fail_memory(reterr);
        }
    }
    for (uint32_t i = 0; i < commit->check_count; i++) {
        /* Checks often go along with the events, and name streams by the very same pointers. */
        uint32_t stream = i < plan->event_count ? plan->events[i].stream : 0;
        if (plan->stream_count == 0 ||
            plan->streams[stream].name.data != commit->checks[i].stream) {
            STELE_TRY(stele__plan_stream_of(plan, stele__text(commit->checks[i].stream), &stream,
                                            reterr));
        }
        stele__plan_stream *s = &plan->streams[stream];
        if (s->event_count == 0) {
            s->is_watched = false;
            s->use = plan->request->intent == STELE_INTENT_DELETE ? STELE_USE_DELETED
                                                                  : STELE_USE_CHECKED;
        }
        s->expected = commit->checks[i].expected;
        s->check = i;
        plan->check_streams[i] = stream;
    }
    return STELE_OK;
}

/* A name that a condition asks for: often one that the events of the commit have. */
static stele__plan_name plan_asked(const stele__plan *plan, stele__term_kind kind, const char *text)
{
    const stele_text name = stele__text(text);
    for (size_t i = 0; kind == STELE_TERM_TAG && i < plan->tag_count; i++) {
        if (stele__text_equal(plan->tags[i].name, name)) {
            return (stele__plan_name){name, plan->tags[i].hash};
        }
    }
    return (stele__plan_name){name, hash_name(plan, kind, name)};
}

/* The names of conditions, one after another: for each item its tags, then its types. */
static void plan_conditions(stele__plan *plan)
{
    const stele_append_options *options = plan->options;
    size_t count = 0;
    for (size_t i = 0; i < options->condition_count; i++) {
        const stele_query *query = options->conditions[i].no_event_matching;
        for (size_t j = 0; j < query->item_count; j++) {
            count += query->items[j].tags.count + query->items[j].types.count;
        }
    }
    if (count > STELE_PLAN_TAGS || plan->tag_count > STELE_PLAN_TAGS) {
        return;
    }
    stele__plan_name *next = plan->asked = plan->inline_asked;
    for (size_t i = 0; i < options->condition_count; i++) {
        const stele_query *query = options->conditions[i].no_event_matching;
        for (size_t j = 0; j < query->item_count; j++) {
            const stele_query_item *item = &query->items[j];
            for (size_t k = 0; k < item->tags.count; k++) {
                *next++ = plan_asked(plan, STELE_TERM_TAG, item->tags.names[k]);
            }
            for (size_t k = 0; k < item->types.count; k++) {
                *next++ = plan_asked(plan, STELE_TERM_TYPE, item->types.names[k]);
            }
        }
    }
}

static bool make_room(stele__plan *plan, const stele_commit *commit)
{
    const stele_alloc *alloc = plan->log->alloc;
    size_t tags = 0;
    for (size_t i = 0; i < commit->event_count; i++) {
        tags += commit->events[i].tag_count;
    }
    plan->streams = plan->inline_streams;
    plan->stream_capacity = STELE_PLAN_STREAMS;
    if (commit->event_count > STELE_PLAN_STREAMS) {
        /* Most often each event has a stream of its own; what is more is added while it comes. */
        const size_t wanted =
            commit->event_count < STREAMS_AT_ONCE_MAX ? commit->event_count : STREAMS_AT_ONCE_MAX;
        stele__plan_stream *streams = stele__allocate_array(alloc, wanted, sizeof *streams);
        if (!streams) {
            return false;
        }
        plan->streams = streams;
        plan->stream_capacity = wanted;
    }
    plan->events = plan->inline_events;
    plan->tags = plan->inline_tags;
    plan->tag_capacity = tags;
    if (commit->event_count > STELE_PLAN_EVENTS) {
        plan->events = stele__allocate_array(alloc, commit->event_count, sizeof *plan->events);
    }
    if (tags > STELE_PLAN_TAGS) {
        plan->tags = stele__allocate_array(alloc, tags, sizeof *plan->tags);
    }
    return plan->events && plan->tags;
}

/* Tells each event which one of the commit has its id first, in the same stream. */
static bool find_repeats(stele__plan *plan)
{
    const stele_alloc *alloc = plan->log->alloc;
    size_t size = 1;
    while (size < plan->event_count * 2) {
        size *= 2;
    }
    /* Numbers of events plus one, by their ids. */
    uint32_t few[2 * STELE_PLAN_EVENTS] = {0};
    uint32_t *buckets = plan->event_count > STELE_PLAN_EVENTS
                            ? stele__allocate_zero(alloc, size * sizeof *buckets)
                            : few;
    if (!buckets) {
        return false;
    }
    for (uint32_t i = 0; i < plan->event_count; i++) {
        stele__plan_event *planned = &plan->events[i];
        planned->same_as = i;
        if (!planned->has_id) {
            continue;
        }
        size_t place = planned->print & (size - 1);
        for (; buckets[place]; place = (place + 1) & (size - 1)) {
            const stele__plan_event *other = &plan->events[buckets[place] - 1];
            if (other->stream == planned->stream && stele__uuid_equal(&other->id, &planned->id)) {
                planned->same_as = buckets[place] - 1;
                break;
            }
        }
        if (!buckets[place]) {
            buckets[place] = i + 1;
        }
    }
    if (buckets != few) {
        stele__release(alloc, buckets, size * sizeof *buckets);
    }
    return true;
}

stele_status stele__plan_make(stele__plan *plan, stele__log *log, const stele_request *request,
                              bool can_wait, stele_error *reterr)
{
    memset(plan, 0, offsetof(stele__plan, reader));
    plan->log = log;
    plan->request = request;
    plan->options = request->commit.options;
    plan->can_wait = can_wait;
    plan->bytes_max = STELE_FRAME_OVERHEAD;
    stele__reader_init(&plan->reader, log->alloc);
    if (!make_room(plan, &request->commit)) {
        return stele__fail_memory(reterr);
    }
    for (size_t i = 0; i < request->commit.event_count; i++) {
        STELE_TRY(plan_event(plan, &request->commit.events[i], reterr));
    }
    STELE_TRY(plan_checks(plan, reterr));
    if (plan->event_count > 1 && !find_repeats(plan)) {
        return stele__fail_memory(reterr);
    }
    if (plan->options->condition_count > 0) {
        plan_conditions(plan);
    }
    if (plan->options->key) {
        plan->key = stele__text(plan->options->key);
        plan->key_hash = hash_name(plan, STELE_TERM_KEY, plan->key);
        plan->bytes_max += plan->key.size + STELE_NAME_OVERHEAD;
    }
    return STELE_OK;
}

void stele__plan_done(stele__plan *plan)
{
    const stele_alloc *alloc = plan->log->alloc;
    for (size_t i = 0; i < plan->stream_count; i++) {
        stele__buffer_done(&plan->streams[i].undelete);
        stele__buffer_done(&plan->streams[i].revive);
        stele__buffer_done(&plan->streams[i].metastream_name);
    }
    if (plan->streams != plan->inline_streams) {
        stele__release(alloc, plan->streams, plan->stream_capacity * sizeof *plan->streams);
    }
    if (plan->events != plan->inline_events) {
        stele__release(alloc, plan->events,
                       plan->request->commit.event_count * sizeof *plan->events);
    }
    if (plan->tags != plan->inline_tags) {
        stele__release(alloc, plan->tags, plan->tag_capacity * sizeof *plan->tags);
    }
    if (plan->check_streams && plan->check_streams != plan->inline_checks) {
        stele__release(alloc, plan->check_streams,
                       plan->request->commit.check_count * sizeof *plan->check_streams);
    }
    stele__release(alloc, plan->buckets, plan->bucket_count * sizeof *plan->buckets);
    for (size_t i = 0; plan->searches && i < plan->options->condition_count; i++) {
        stele__search_free(plan->searches[i]);
    }
    stele__release(alloc, plan->searches, plan->options->condition_count * sizeof *plan->searches);
    stele__release(alloc, plan->candidates, plan->candidate_capacity * sizeof *plan->candidates);
    stele__reader_done(&plan->reader);
    stele__view_unref(plan->view);
}

stele_position stele__plan_refresh_view(stele__plan *plan)
{
    stele_position head;
    stele__view *view = stele__log_view(plan->log, &head);
    stele__plan_drop_view(plan);
    plan->view = view;
    plan->view_head = head;
    return head;
}

void stele__plan_drop_view(stele__plan *plan)
{
    stele__view_unref(plan->view);
    plan->view = NULL;
    plan->locator.segment = NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "bed.h"

#include <errno.h>
#include <stdio.h>

/* ---- a file table over the image ---- */

static int read_image(stele_file *file, uint64_t offset, void *ret_bytes, size_t size,
                      size_t *ret_read)
{
    test_bed *bed = ((bed_file *)file)->bed;
    const size_t left = offset < bed->image_size ? bed->image_size - (size_t)offset : 0;
    *ret_read = size < left ? size : left;
    memcpy(ret_bytes, bed->image + offset, *ret_read);
    bed->bytes_read += *ret_read;
    bed->reads++;
    return 0;
}

static void close_image(stele_file *file)
{
    (void)file;
}

static const stele_vfs image_vfs = {.read = read_image, .close = close_image};

/* ---- beginning ---- */

static const char *make_name(const test_bed *bed, const char *beginning, size_t number,
                             size_t size_max)
{
    char *name = test_memory(STELE_STREAM_NAME_SIZE_MAX + 1);
    size_t size = (size_t)snprintf(name, 40, "%s%zu", beginning, number);
    /* Every fourth is as long as may be. */
    if (bed->taste.name_size_max && number % 4 == 3) {
        const size_t wanted =
            bed->taste.name_size_max < size_max ? bed->taste.name_size_max : size_max;
        for (; size < wanted; size++) {
            name[size] = (char)('a' + size % 26);
        }
        name[size] = 0;
    }
    return name;
}

static void make_names(test_bed *bed)
{
    for (size_t i = 0; i < BED_NAMES_MAX; i++) {
        /* Metadata streams are streams like others; some streams have no category. */
        static const char *const beginnings[] = {"account-", "order-", "lonely", "$$account-"};
        bed->streams[i] = make_name(bed, beginnings[i % 4], i, STELE_STREAM_NAME_SIZE_MAX);
        bed->types[i] = make_name(bed, "type.", i, STELE_TYPE_SIZE_MAX);
        bed->tags[i] = make_name(bed, "tag:", i, STELE_TAG_SIZE_MAX);
    }
}

static void begin_segment(test_bed *bed, uint64_t number)
{
    const stele__segment_header header = {.store = {{1, 2, 3, 4, 5}},
                                          .hash_key = bed->key,
                                          .number = number,
                                          .first = bed->next,
                                          .base_time = bed->time};
    uint8_t bytes[STELE_SEGMENT_HEADER_SIZE];
    stele_error error;
    bed->segment = (stele__segment){.alloc = stele_alloc_default(), .vfs = &image_vfs};
    bed->segment.path = test_memory(40);
    stele__segment_file_name(number, bed->segment.path);
    atomic_init(&bed->segment.refs, 1u << 30); /* it stands in the bed: nobody may free it */
    stele__segment_begin(&bed->segment, &header);
    stele__segment_header_encode(&header, bytes);
    bed->bytes = (stele__buffer){.alloc = stele_alloc_default()};
    expect_true(stele__buffer_append(&bed->bytes, bytes, sizeof bytes));
    expect_ok(stele__tail_create(stele_alloc_default(), &bed->key, bed->next, &bed->tail, &error),
              &error);
}

void bed_init(test_bed *bed, const bed_taste *taste, uint64_t seed)
{
    *bed = (test_bed){.taste = *taste, .key = {seed * 3 + 1, seed * 5 + 2}};
    stele__prng_seed(&bed->prng, seed);
    bed->taste.events_max = taste->events_max ? taste->events_max : 5;
    bed->taste.tags_max = taste->tags_max ? taste->tags_max : 4;
    bed->taste.payload_max = taste->payload_max ? taste->payload_max : 60;
    bed->taste.stream_count = taste->stream_count ? taste->stream_count : 8;
    bed->taste.tag_count = taste->tag_count ? taste->tag_count : 12;
    bed->next = 1;
    bed->time = INT64_C(1700000000000000000);
    make_names(bed);
    begin_segment(bed, 1);
}

void bed_init_behind(test_bed *bed, const test_bed *before)
{
    *bed = *before;
    bed->image = NULL;
    bed->image_size = 0;
    bed->events = NULL;
    bed->commits = NULL;
    bed->event_count = bed->event_capacity = bed->commit_count = bed->commit_capacity = 0;
    begin_segment(bed, before->segment.header.number + 1);
}

void bed_done(test_bed *bed)
{
    const stele_alloc *alloc = stele_alloc_default();
    for (size_t i = 0; i < bed->event_count; i++) {
        union {
            const uint8_t *borrowed;
            void *owned;
        } data = {.borrowed = bed->events[i].data.data},
          metadata = {.borrowed = bed->events[i].metadata.data};
        stele__release(alloc, data.owned, bed->events[i].data.size);
        stele__release(alloc, metadata.owned, bed->events[i].metadata.size);
    }
    stele__release(alloc, bed->events, bed->event_capacity * sizeof *bed->events);
    stele__release(alloc, bed->commits, bed->commit_capacity * sizeof *bed->commits);
    stele__release(alloc, bed->image, bed->image_size);
    stele__buffer_done(&bed->bytes);
    stele__tail_free(bed->tail);
}

/* ---- adding ---- */

static stele_bytes draw_payload(test_bed *bed)
{
    const size_t size = stele__prng_chance(&bed->prng, 1, 4)
                            ? 0
                            : (size_t)stele__prng_below(&bed->prng, bed->taste.payload_max + 1);
    uint8_t *bytes = stele__allocate(stele_alloc_default(), size);
    expect_not_null(bytes);
    stele__prng_fill(&bed->prng, bytes, size);
    return (stele_bytes){bytes, size};
}

/* A stream without a tombstone; there is always one: the first is never ended. */
static size_t draw_stream(test_bed *bed)
{
    const size_t stream = (size_t)stele__prng_below(&bed->prng, bed->taste.stream_count);
    return bed->is_ended[stream] ? 0 : stream;
}

static void draw_event(test_bed *bed, bed_event *event)
{
    *event = (bed_event){.stream = draw_stream(bed)};
    stele__prng_fill(&bed->prng, event->id.bytes, sizeof event->id.bytes);
    event->type = (size_t)stele__prng_below(&bed->prng, 5);
    event->data_format = (stele_format)stele__prng_below(&bed->prng, 4);
    event->metadata_format = (stele_format)stele__prng_below(&bed->prng, 3);
    event->revision = bed->revisions[event->stream];
    if (!bed->taste.has_no_tombstones && event->stream > 0 &&
        stele__prng_chance(&bed->prng, 1, 40)) {
        event->flags = STELE_EVENT_TOMBSTONE;
        bed->is_ended[event->stream] = true;
    } else {
        event->flags = stele__prng_chance(&bed->prng, 1, 20) ? STELE_EVENT_DERIVED : 0;
        bed->revisions[event->stream]++;
    }
    const size_t wanted = (size_t)stele__prng_below(&bed->prng, bed->taste.tags_max + 1);
    for (size_t i = 0; i < wanted && event->tag_count < BED_TAGS_MAX; i++) {
        const size_t tag = (size_t)stele__prng_below(&bed->prng, bed->taste.tag_count);
        if (!bed_has_tag(event, tag)) {
            event->tags[event->tag_count++] = tag;
        }
    }
    event->data = draw_payload(bed);
    event->metadata = draw_payload(bed);
}

typedef struct handles {
    stele__tail_handle all[3 + BED_TAGS_MAX]; /* stream, type, tags …, category */
    size_t count;
} handles;

static stele__tail_handle intern(test_bed *bed, stele__term_kind kind, stele_text name)
{
    stele__tail_handle handle;
    stele_error error;
    expect_ok(stele__tail_intern(bed->tail, kind, name, stele__term_hash(&bed->key, kind, name),
                                 &handle, &error),
              &error);
    return handle;
}

static void intern_event(test_bed *bed, const bed_event *event, handles *terms)
{
    const stele_text stream = stele__text(bed->streams[event->stream]);
    const stele_text category = stele_category(stream);
    terms->count = 0;
    terms->all[terms->count++] = intern(bed, STELE_TERM_STREAM, stream);
    terms->all[terms->count++] = intern(bed, STELE_TERM_TYPE, stele__text(bed->types[event->type]));
    for (size_t i = 0; i < event->tag_count; i++) {
        terms->all[terms->count++] =
            intern(bed, STELE_TERM_TAG, stele__text(bed->tags[event->tags[i]]));
    }
    if (category.size > 0) {
        terms->all[terms->count++] = intern(bed, STELE_TERM_CATEGORY, category);
    }
}

/* What recovery does with an event that it reads, and the sequencer with one that it writes. */
static void post_event(test_bed *bed, const bed_event *event, const handles *terms)
{
    stele__tail_term *term = stele__tail_at(bed->tail, terms->all[0]);
    const uint32_t count = atomic_load_explicit(&term->count, memory_order_relaxed);
    if (count == 0) {
        term->stream[0].base_revision = event->revision;
    }
    if (event->flags & STELE_EVENT_TOMBSTONE) {
        atomic_store_explicit(&term->stream[0].tombstone, count + 1, memory_order_relaxed);
    }
    for (size_t i = 0; i < terms->count; i++) {
        stele__tail_post(bed->tail, terms->all[i], event->position);
    }
}

static size_t bound_of(const bed_commit *commit, const test_bed *bed)
{
    size_t bound =
        STELE_FRAME_OVERHEAD + (commit->key ? strlen(commit->key) + STELE_NAME_OVERHEAD : 0);
    for (size_t i = 0; i < commit->event_count; i++) {
        const bed_event *event = &bed->events[commit->first_event + i];
        bound += STELE_EVENT_OVERHEAD + event->data.size + event->metadata.size +
                 2 * STELE_NAME_OVERHEAD + strlen(bed->streams[event->stream]) +
                 strlen(bed->types[event->type]);
        for (size_t k = 0; k < event->tag_count; k++) {
            bound += STELE_NAME_OVERHEAD + strlen(bed->tags[event->tags[k]]);
        }
    }
    return bound;
}

static void encode_one(test_bed *bed, stele__encoder *encoder, bed_event *event,
                       const handles *terms)
{
    const stele_event given = {.data_format = event->data_format,
                               .metadata_format = event->metadata_format,
                               .data = event->data,
                               .metadata = event->metadata};
    const stele__draft draft = {.event = &given,
                                .id = event->id,
                                .revision = event->revision,
                                .flags = event->flags,
                                .stream = terms->all[0],
                                .type = terms->all[1],
                                .tags = &terms->all[2],
                                .tag_count = event->tag_count};
    event->begin = encoder->offset + (uint64_t)(encoder->at - encoder->frame);
    stele__encode_event(encoder, &draft);
    event->end = encoder->offset + (uint64_t)(encoder->at - encoder->frame);
    event->code = stele__tail_offset(bed->tail, event->position);
    post_event(bed, event, terms);
}

static void encode_commit(test_bed *bed, bed_commit *commit)
{
    stele__draft_commit draft = {.first = commit->first,
                                 .time = commit->time,
                                 .synced = commit->synced,
                                 .count = commit->event_count};
    stele__encoder encoder;
    stele_error error;
    handles terms;
    const size_t bound = bound_of(commit, bed);
    expect_true(stele__buffer_reserve(&bed->bytes, bound));
    expect_ok(stele__tail_reserve_events(bed->tail, commit->event_count, &error), &error);
    if (commit->key) {
        draft.key = intern(bed, STELE_TERM_KEY, stele__text(commit->key));
        stele__tail_post(bed->tail, draft.key, commit->first);
    }
    commit->offset = bed->bytes.size;
    stele__encode_begin(&encoder, &bed->segment, bed->tail, &draft, commit->offset,
                        bed->bytes.data + commit->offset);
    commit->header_end = commit->offset + (uint64_t)(encoder.events - encoder.frame);
    for (size_t i = 0; i < commit->event_count; i++) {
        bed_event *event = &bed->events[commit->first_event + i];
        intern_event(bed, event, &terms);
        encode_one(bed, &encoder, event, &terms);
    }
    const size_t size = stele__encode_end(&encoder);
    expect_true(size <= bound);
    bed->bytes.size += size;
    commit->end = bed->bytes.size;
}

size_t bed_add(test_bed *bed, size_t event_count)
{
    const stele_alloc *alloc = stele_alloc_default();
    const size_t number = bed->commit_count;
    const size_t count = event_count
                             ? event_count
                             : 1 + (size_t)stele__prng_below(&bed->prng, bed->taste.events_max);
    expect_true(stele__reserve(alloc, (void **)&bed->events, &bed->event_capacity,
                               bed->event_count + count, sizeof *bed->events) &&
                stele__reserve(alloc, (void **)&bed->commits, &bed->commit_capacity, number + 1,
                               sizeof *bed->commits));
    /* Time stands still now and then. */
    bed->time += stele__prng_chance(&bed->prng, 1, 3)
                     ? 0
                     : (int64_t)stele__prng_below(&bed->prng, 2000000000);
    bed_commit *commit = &bed->commits[bed->commit_count++];
    *commit = (bed_commit){.first = bed->next,
                           .time = bed->time,
                           .synced = bed->next - 1 -
                                     stele__prng_below(&bed->prng, bed->next < 50 ? bed->next : 50),
                           .event_count = count,
                           .first_event = bed->event_count};
    for (size_t i = 0; i < count; i++) {
        bed_event *event = &bed->events[bed->event_count++];
        draw_event(bed, event);
        event->position = bed->next++;
        event->commit = number;
    }
    if (!bed->taste.has_no_keys && stele__prng_chance(&bed->prng, 1, 5)) {
        char *key = test_memory(STELE_KEY_SIZE_MAX + 1);
        (void)snprintf(key, STELE_KEY_SIZE_MAX, "key %zu of segment %llu", number,
                       (unsigned long long)bed->segment.header.number);
        commit->key = key;
    }
    encode_commit(bed, commit);
    return number;
}

void bed_add_many(test_bed *bed, size_t commit_count)
{
    for (size_t i = 0; i < commit_count; i++) {
        (void)bed_add(bed, 0);
    }
}

/* ---- reading ---- */

stele__segment *bed_lend(test_bed *bed, stele_mapping mapping)
{
    stele__release(stele_alloc_default(), bed->image, bed->image_size);
    bed->image_size = bed->bytes.size;
    bed->image = stele__allocate(stele_alloc_default(), bed->image_size);
    expect_not_null(bed->image);
    memcpy(bed->image, bed->bytes.data, bed->image_size);
    bed->segment.size = bed->image_size;
    bed->segment.map = mapping == STELE_MAP ? bed->image : NULL;
    bed->segment.map_size = mapping == STELE_MAP ? bed->image_size : 0;
    if (mapping == STELE_PREAD && !bed->segment.file) {
        bed->lent = (bed_file){.file = {&image_vfs}, .bed = bed};
        bed->segment.file = &bed->lent.file;
    }
    return &bed->segment;
}

stele_text bed_stream(const test_bed *bed, const bed_event *event)
{
    return stele__text(bed->streams[event->stream]);
}

stele_text bed_type(const test_bed *bed, const bed_event *event)
{
    return stele__text(bed->types[event->type]);
}

bool bed_has_tag(const bed_event *event, size_t tag)
{
    for (size_t i = 0; i < event->tag_count; i++) {
        if (event->tags[i] == tag) {
            return true;
        }
    }
    return false;
}

static bool is_bytes(stele_bytes a, stele_bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

bool bed_is_event(const test_bed *bed, const bed_event *expected, const stele__event *event)
{
    const stele_record *record = &event->record;
    const bool is_tombstone = expected->flags & STELE_EVENT_TOMBSTONE;
    bool same =
        record->position == expected->position && stele__uuid_equal(&record->id, &expected->id) &&
        record->time == bed->commits[expected->commit].time &&
        event->facts.revision == expected->revision &&
        record->revision == (is_tombstone ? STELE_REVISION_TOMBSTONE : expected->revision) &&
        event->facts.flags ==
            (expected->flags | (expected->tag_count ? STELE_EVENT_HAS_TAGS : 0)) &&
        event->code == expected->code && record->data_format == expected->data_format &&
        record->metadata_format == expected->metadata_format &&
        stele__text_equal(record->stream, bed_stream(bed, expected)) &&
        stele__text_equal(record->type, bed_type(bed, expected)) &&
        is_bytes(record->data, expected->data) && is_bytes(record->metadata, expected->metadata) &&
        record->tag_count == expected->tag_count;
    for (size_t i = 0; same && i < expected->tag_count; i++) {
        same = stele__text_equal(record->tags[i], stele__text(bed->tags[expected->tags[i]]));
    }
    return same;
}

void bed_expect_event(const test_bed *bed, const bed_event *expected, const stele__event *event)
{
    if (!bed_is_event(bed, expected, event)) {
        test_fail("event %llu is not as it was put in: position %llu, revision %llu, stream %.*s, "
                  "type %.*s, %zu tags, %zu bytes",
                  (unsigned long long)expected->position,
                  (unsigned long long)event->record.position,
                  (unsigned long long)event->facts.revision, STELE_TEXT(event->record.stream),
                  STELE_TEXT(event->record.type), event->record.tag_count, event->record.data.size);
    }
}

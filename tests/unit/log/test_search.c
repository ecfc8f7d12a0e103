/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Postings, searches, streams and times on a hand-made view, against filters over a plain array of
 * events. The view has sealed segments with single and merged index files, frozen parts, and a live
 * one that goes on beyond the head.
 */
#include "bed.h"

#include <stdio.h>
#include <stdlib.h>

enum { SEGMENTS = 7, SEALED = 5 };

/* Segments 0 … 2 share an index file, 3 and 4 have one each, 5 and 6 are parts. */
typedef struct test_world {
    test_bed beds[SEGMENTS];
    stele__part *parts[SEGMENTS];
    stele__log log; /* as much of one as building index files needs */
    stele__view *view;
    stele_position last;
    stele__prng prng;
} test_world;

static stele__index_segment describe(const test_world *world, size_t i)
{
    const stele__part *part = world->parts[i];
    return (stele__index_segment){.number = part->segment->header.number,
                                  .first = part->first,
                                  .last = part->last,
                                  .bytes = part->end,
                                  .first_time = part->segment->header.base_time,
                                  .last_time = part->last_time};
}

static stele__index *merge(test_world *world, stele__index *const *inputs, size_t count)
{
    stele__index *merged;
    uint64_t bytes;
    stele_error error;
    const stele__index_params params = {.alloc = stele_alloc_default(),
                                        .vfs = stele_vfs_system(),
                                        .path = test_path(world->log.folder, "merged.index"),
                                        .store = world->log.store,
                                        .hash_key = world->log.hash_key,
                                        .term_count_max = 10000};
    expect_ok(stele__index_merge(&params, inputs, count, NULL, &bytes, &error), &error);
    expect_ok(stele__index_open(stele_alloc_default(), stele_vfs_system(), params.path,
                                world->log.options.mapping, &world->log.store, &world->log.hash_key,
                                stele__index_first(inputs[0]), stele__index_last(inputs[count - 1]),
                                &merged, &error),
              &error);
    return merged;
}

static void build_segments(test_world *world, const bed_taste *taste, uint64_t seed,
                           stele_mapping mapping)
{
    stele_error error;
    for (size_t i = 0; i < SEGMENTS; i++) {
        test_bed *bed = &world->beds[i];
        if (i == 0) {
            bed_init(bed, taste, seed);
        } else {
            bed_init_behind(bed, &world->beds[i - 1]);
        }
        bed_add_many(bed, 30 + (size_t)stele__prng_below(&world->prng, 60));
        stele__segment *segment = bed_lend(bed, mapping);
        expect_ok(stele__part_create(stele_alloc_default(), segment, &bed->key, &world->parts[i],
                                     &error),
                  &error);
        /* The part's tail is that which the encoder filled. */
        stele__tail_free(world->parts[i]->tail);
        world->parts[i]->tail = bed->tail;
        bed->tail = NULL;
        world->parts[i]->last = bed->next - 1;
        world->parts[i]->end = bed->bytes.size;
        world->parts[i]->last_time = bed->time;
    }
    world->last = world->beds[SEGMENTS - 1].next - 1;
}

static void build_world(test_world *world, const bed_taste *taste, uint64_t seed,
                        stele_mapping mapping)
{
    stele__index *indexes[SEALED];
    stele_error error;
    memset(world, 0, sizeof *world);
    stele__prng_seed(&world->prng, seed * 77);
    build_segments(world, taste, seed, mapping);
    world->log.alloc = stele_alloc_default();
    world->log.vfs = stele_vfs_system();
    world->log.options.mapping = mapping;
    const char *folder = test_folder();
    char *copy = test_memory(strlen(folder) + 1);
    memcpy(copy, folder, strlen(folder) + 1);
    world->log.folder = copy;
    world->log.store = world->beds[0].segment.header.store;
    world->log.hash_key = world->beds[0].key;
    stele__manifest_init(&world->log.manifest, stele_alloc_default());
    expect_ok(stele__view_create(stele_alloc_default(), SEALED, 3, SEGMENTS - SEALED, &world->view,
                                 &error),
              &error);
    for (size_t i = 0; i < SEGMENTS; i++) {
        if (i < SEALED) {
            const stele__index_segment info = describe(world, i);
            expect_ok(stele__maintain_write_index(&world->log, world->parts[i],
                                                  &world->log.manifest, &indexes[i], &error),
                      &error);
            stele__view_add_sealed(world->view, &info, world->parts[i]->segment);
        } else {
            stele__view_add_part(world->view, world->parts[i]);
        }
    }
    stele__index *merged = merge(world, indexes, 3);
    stele__view_add_index(world->view, merged);
    stele__view_add_index(world->view, indexes[3]);
    stele__view_add_index(world->view, indexes[4]);
    stele__index_unref(merged);
    for (size_t i = 0; i < SEALED; i++) {
        stele__index_unref(indexes[i]);
    }
}

static void free_world(test_world *world)
{
    stele__view_unref(world->view);
    stele__manifest_done(&world->log.manifest);
    for (size_t i = 0; i < SEGMENTS; i++) {
        stele__part_unref(world->parts[i]);
        bed_done(&world->beds[i]);
    }
}

static const bed_event *event_at(const test_world *world, stele_position position,
                                 const test_bed **ret_bed)
{
    for (size_t i = 0; i < SEGMENTS; i++) {
        const test_bed *bed = &world->beds[i];
        if (position >= bed->events[0].position && position < bed->next) {
            *ret_bed = bed;
            return &bed->events[position - bed->events[0].position];
        }
    }
    test_fail("there is no event %llu", (unsigned long long)position);
}

/* What is sealed was published: heads are never below it, unless a read goes no further than a
 * point in the past, which steps heed. */
static stele_position draw_head(test_world *world)
{
    const stele_position sealed = world->parts[SEALED]->first - 1;
    return sealed + stele__prng_below(&world->prng, world->last - sealed + 1);
}

/* ---- terms ---- */

static bool has_term(const test_world *world, stele_position position, stele__term_kind kind,
                     stele_text name)
{
    const test_bed *bed;
    const bed_event *event = event_at(world, position, &bed);
    const bed_commit *commit = &bed->commits[event->commit];
    switch (kind) {
    case STELE_TERM_STREAM:
        return stele__text_equal(bed_stream(bed, event), name);
    case STELE_TERM_CATEGORY:
        return name.size > 0 && stele__text_equal(stele_category(bed_stream(bed, event)), name);
    case STELE_TERM_TYPE:
        return stele__text_equal(bed_type(bed, event), name);
    case STELE_TERM_TAG:
        for (size_t i = 0; i < event->tag_count; i++) {
            if (stele__text_equal(stele__text(bed->tags[event->tags[i]]), name)) {
                return true;
            }
        }
        return false;
    case STELE_TERM_KEY:
        return commit->key && position == commit->first &&
               stele__text_equal(stele__text(commit->key), name);
    }
    return false;
}

/* The nearest event with a term, at or above (below) a position and not above the head; 0: none. */
static stele_position naive_step(const test_world *world, stele__term_kind kind, stele_text name,
                                 stele_position from, stele_position head,
                                 stele_direction direction)
{
    if (direction == STELE_FORWARDS) {
        for (stele_position p = from ? from : 1; p <= head; p++) {
            if (has_term(world, p, kind, name)) {
                return p;
            }
        }
        return 0;
    }
    for (stele_position p = from < head ? from : head; p > 0; p--) {
        if (has_term(world, p, kind, name)) {
            return p;
        }
    }
    return 0;
}

static stele_text draw_term(test_world *world, stele__term_kind *ret_kind)
{
    const test_bed *bed = &world->beds[0];
    const size_t number = (size_t)stele__prng_below(&world->prng, 14);
    const char *key;
    *ret_kind = (stele__term_kind)(1 + stele__prng_below(&world->prng, 5));
    switch (*ret_kind) {
    case STELE_TERM_STREAM:
        return stele__text(bed->streams[number]);
    case STELE_TERM_CATEGORY:
        return stele__text(number % 3 == 0 ? "account" : number % 3 == 1 ? "order" : "nothing");
    case STELE_TERM_TYPE:
        return stele__text(bed->types[number % 6]);
    case STELE_TERM_TAG:
        return stele__text(bed->tags[number]);
    case STELE_TERM_KEY:
        bed = &world->beds[stele__prng_below(&world->prng, SEGMENTS)];
        key = bed->commits[stele__prng_below(&world->prng, bed->commit_count)].key;
        return stele__text(key ? key : "no key");
    }
    return stele__text("");
}

static void init_postings(stele__postings *postings, const test_world *world, stele__term_kind kind,
                          stele_text name, stele_position head)
{
    stele__postings_init(postings, world->view, kind, name,
                         stele__term_hash(&world->log.hash_key, kind, name), head);
}

static const stele_mapping mappings[] = {STELE_MAP, STELE_PREAD};

TEST_ROWS(postings_step_as_a_filter_over_all_events_does, mappings)
{
    test_world *world = test_memory(sizeof *world);
    build_world(world, &(bed_taste){.stream_count = 10}, test_seed(), mappings[row]);
    for (uint64_t round = 0; round < test_scaled(300); round++) {
        stele__term_kind kind;
        stele__postings postings;
        stele_error error;
        const stele_text name = draw_term(world, &kind);
        const stele_position head = stele__prng_below(&world->prng, world->last + 1);
        init_postings(&postings, world, kind, name, head);
        /* One struct is used for steps in both directions, near and far. */
        stele_position from = stele__prng_below(&world->prng, world->last + 3);
        for (int step = 0; step < 30; step++) {
            stele_position found;
            const stele_direction direction =
                stele__prng_chance(&world->prng, 1, 2) ? STELE_FORWARDS : STELE_BACKWARDS;
            expect_ok(direction == STELE_FORWARDS
                          ? stele__postings_up(&postings, from, &found, &error)
                          : stele__postings_down(&postings, from, &found, &error),
                      &error);
            expect_uint(found, naive_step(world, kind, name, from, head, direction));
            const uint64_t next = stele__prng_below(&world->prng, 4);
            from = next == 0   ? stele__prng_below(&world->prng, world->last + 3)
                   : next == 1 ? found
                   : next == 2 ? found + 1
                               : found - (found > 0);
        }
        const stele_position end = draw_head(world);
        stele_position last;
        uint64_t total;
        uint64_t wanted = 0;
        init_postings(&postings, world, kind, name, end);
        for (stele_position p = 1; p <= end; p++) {
            wanted += has_term(world, p, kind, name);
        }
        expect_ok(stele__postings_last(&postings, &last, &total, &error), &error);
        expect_uint(last, naive_step(world, kind, name, end, end, STELE_BACKWARDS));
        expect_uint(total, wanted);
        expect_ok(stele__postings_last(&postings, &last, NULL, &error), &error);
        expect_uint(last, naive_step(world, kind, name, end, end, STELE_BACKWARDS));
    }
    free_world(world);
}

TEST_ROWS(postings_walk_from_end_to_end, mappings)
{
    test_world *world = test_memory(sizeof *world);
    build_world(world, &(bed_taste){.stream_count = 4}, test_seed(), mappings[row]);
    for (stele__term_kind kind = STELE_TERM_STREAM; kind <= STELE_TERM_TAG; kind++) {
        for (size_t i = 0; i < 5; i++) {
            const test_bed *bed = &world->beds[0];
            const stele_text name = stele__text(kind == STELE_TERM_STREAM     ? bed->streams[i]
                                                : kind == STELE_TERM_CATEGORY ? "account"
                                                : kind == STELE_TERM_TYPE     ? bed->types[i]
                                                                              : bed->tags[i]);
            stele__postings postings;
            stele_position at = 0;
            stele_error error;
            init_postings(&postings, world, kind, name, world->last);
            for (stele_position p = 1; p <= world->last; p++) {
                if (has_term(world, p, kind, name)) {
                    expect_ok(stele__postings_up(&postings, at + 1, &at, &error), &error);
                    expect_uint(at, p);
                }
            }
            for (stele_position p = world->last; p > 0; p--) {
                if (has_term(world, p, kind, name)) {
                    expect_ok(stele__postings_down(&postings, at, &at, &error), &error);
                    expect_uint(at, p);
                    at--;
                }
            }
        }
    }
    free_world(world);
}

/* ---- revisions and streams ---- */

typedef struct naive_stream {
    int64_t last_revision;
    stele_position last_position;
    bool is_tombstoned;
} naive_stream;

static naive_stream look_at_stream(const test_world *world, stele_text name, stele_position head)
{
    naive_stream stream = {.last_revision = -1};
    for (stele_position p = 1; p <= head; p++) {
        if (has_term(world, p, STELE_TERM_STREAM, name)) {
            const test_bed *bed;
            const bed_event *event = event_at(world, p, &bed);
            stream.last_position = p;
            stream.is_tombstoned = event->flags & STELE_EVENT_TOMBSTONE;
            stream.last_revision += !stream.is_tombstoned;
        }
    }
    return stream;
}

/* The event with a revision, or the next above (below) it. */
static stele_position naive_revision(const test_world *world, stele_text name,
                                     stele_revision revision, stele_position head,
                                     stele_direction direction)
{
    stele_position below = 0;
    for (stele_position p = 1; p <= head; p++) {
        const test_bed *bed;
        const bed_event *event = event_at(world, p, &bed);
        if (!has_term(world, p, STELE_TERM_STREAM, name) ||
            (event->flags & STELE_EVENT_TOMBSTONE)) {
            continue;
        }
        if (event->revision == revision ||
            (direction == STELE_FORWARDS && event->revision > revision)) {
            return p;
        }
        below = event->revision < revision ? p : below;
    }
    return direction == STELE_FORWARDS ? 0 : below;
}

TEST_ROWS(revisions_are_found_in_whatever_file_they_stand, mappings)
{
    for (uint64_t seed = test_seed(); seed < test_seed() + 3; seed++) {
        test_world *world = test_memory(sizeof *world);
        build_world(world, &(bed_taste){.stream_count = 12}, seed, mappings[row]);
        for (uint64_t round = 0; round < test_scaled(600); round++) {
            const stele_text name =
                stele__text(world->beds[0].streams[stele__prng_below(&world->prng, 13)]);
            const stele_position head = draw_head(world);
            const naive_stream naive = look_at_stream(world, name, head);
            stele__postings postings;
            stele_position found;
            stele_error error;
            init_postings(&postings, world, STELE_TERM_STREAM, name, head);
            for (int i = 0; i < 5; i++) {
                const stele_revision revision =
                    stele__prng_below(&world->prng, (uint64_t)(naive.last_revision + 4));
                const stele_direction direction = i % 2 ? STELE_FORWARDS : STELE_BACKWARDS;
                expect_ok(stele__postings_revision(&postings, revision, direction, &found, &error),
                          &error);
                expect_uint(found, naive_revision(world, name, revision, head, direction));
            }
        }
        free_world(world);
    }
}

TEST_ROWS(what_is_known_of_a_stream_is_what_its_events_say, mappings)
{
    for (uint64_t seed = test_seed(); seed < test_seed() + 3; seed++) {
        test_world *world = test_memory(sizeof *world);
        stele__reader reader;
        stele__locator locator = {.index = NULL};
        build_world(world, &(bed_taste){.stream_count = 12}, seed, mappings[row]);
        stele__reader_init(&reader, stele_alloc_default());
        for (uint64_t round = 0; round < test_scaled(300); round++) {
            const stele_text name =
                stele__text(world->beds[0].streams[stele__prng_below(&world->prng, 13)]);
            const stele_position head = draw_head(world);
            const naive_stream naive = look_at_stream(world, name, head);
            stele__stream_facts facts;
            stele_error error;
            char meta[80];
            const size_t size = (size_t)snprintf(meta, sizeof meta, "$$%.*s", STELE_TEXT(name));
            const naive_stream metadata = look_at_stream(world, (stele_text){meta, size}, head);
            expect_ok(stele__view_stream(world->view, &locator, &reader, &world->log.hash_key, name,
                                         head, NULL, &facts, &error),
                      &error);
            expect_int(facts.state.last_revision, naive.last_revision);
            expect_int(facts.state.is_tombstoned, naive.is_tombstoned);
            expect_uint(facts.last_position, naive.last_position);
            expect_int(facts.state.has_metadata, metadata.last_position != 0);
            expect_uint(facts.metadata_position, metadata.last_position);
            expect_false(facts.state.is_truncated_all); /* no event here is of the type $metadata */
        }
        stele__reader_done(&reader);
        free_world(world);
    }
}

/* ---- events and times ---- */

TEST_ROWS(events_and_their_frames_are_found_by_position, mappings)
{
    test_world *world = test_memory(sizeof *world);
    stele__reader reader;
    stele__locator locator = {.index = NULL};
    stele_error error;
    build_world(world, &(bed_taste){.stream_count = 10}, test_seed(), mappings[row]);
    stele__reader_init(&reader, stele_alloc_default());
    for (uint64_t round = 0; round < 2000; round++) {
        /* In order first, then anywhere. */
        const stele_position position =
            round < world->last ? round + 1 : 1 + stele__prng_below(&world->prng, world->last);
        const test_bed *bed;
        const bed_event *wanted = event_at(world, position, &bed);
        const stele__event *event;
        stele__frame frame;
        expect_ok(stele__view_event(world->view, &locator, &reader, position, &event, &error),
                  &error);
        bed_expect_event(bed, wanted, event);
        expect_ok(stele__view_frame(world->view, &locator, &reader, position, &frame, &error),
                  &error);
        expect_uint(frame.offset, bed->commits[wanted->commit].offset);
    }
    stele__reader_done(&reader);
    free_world(world);
}

TEST_ROWS(a_time_becomes_the_first_position_at_or_after_it, mappings)
{
    test_world *world = test_memory(sizeof *world);
    stele__reader reader;
    stele__locator locator = {.index = NULL};
    stele_error error;
    build_world(world, &(bed_taste){.stream_count = 10}, test_seed(), mappings[row]);
    stele__reader_init(&reader, stele_alloc_default());
    for (uint64_t round = 0; round < test_scaled(600); round++) {
        const test_bed *bed;
        const stele_position head = draw_head(world);
        const bed_event *near =
            event_at(world, 1 + stele__prng_below(&world->prng, world->last), &bed);
        const stele_time time =
            bed->commits[near->commit].time + (stele_time)stele__prng_below(&world->prng, 3) - 1;
        stele_position wanted = 1;
        while (wanted <= head) {
            const bed_event *event = event_at(world, wanted, &bed);
            if (bed->commits[event->commit].time >= time) {
                break;
            }
            wanted++;
        }
        stele_position found;
        expect_ok(stele__view_time(world->view, &locator, &reader, time, head, &found, &error),
                  &error);
        expect_uint(found, wanted);
    }
    stele_position found;
    expect_ok(stele__view_time(world->view, &locator, &reader, 0, world->last, &found, &error),
              &error);
    expect_uint(found, 1);
    expect_ok(stele__view_time(world->view, &locator, &reader, INT64_MAX, world->last, &found,
                               &error),
              &error);
    expect_uint(found, world->last + 1);
    stele__reader_done(&reader);
    free_world(world);
}

/* ---- queries ---- */

typedef struct drawn_query {
    stele_query query;
    stele_query_item items[6];
    const char *names[6][2][6];
} drawn_query;

static void draw_query(test_world *world, drawn_query *drawn)
{
    const test_bed *bed = &world->beds[0];
    memset(drawn, 0, sizeof *drawn);
    drawn->query.items = drawn->items;
    drawn->query.item_count = 1 + (size_t)stele__prng_below(&world->prng, 5);
    drawn->query.everything = stele__prng_chance(&world->prng, 1, 40);
    for (size_t i = 0; i < drawn->query.item_count; i++) {
        stele_query_item *item = &drawn->items[i];
        item->types.count = (size_t)stele__prng_below(&world->prng, 4);
        item->tags.count = (size_t)stele__prng_below(&world->prng, 4);
        if (item->types.count + item->tags.count == 0 && !stele__prng_chance(&world->prng, 1, 10)) {
            item->tags.count = 1;
        }
        for (size_t k = 0; k < item->types.count; k++) {
            drawn->names[i][0][k] = bed->types[stele__prng_below(&world->prng, 6)];
        }
        for (size_t k = 0; k < item->tags.count; k++) {
            drawn->names[i][1][k] = bed->tags[stele__prng_below(&world->prng, 13)];
        }
        item->types.names = drawn->names[i][0];
        item->tags.names = drawn->names[i][1];
    }
}

static bool matches(const test_world *world, const stele_query *query, stele_position position)
{
    if (query->everything) {
        return true;
    }
    for (size_t i = 0; i < query->item_count; i++) {
        const stele_query_item *item = &query->items[i];
        bool is_type = item->types.count == 0;
        bool is_match = true;
        for (size_t k = 0; k < item->types.count; k++) {
            is_type |=
                has_term(world, position, STELE_TERM_TYPE, stele__text(item->types.names[k]));
        }
        for (size_t k = 0; k < item->tags.count; k++) {
            is_match &= has_term(world, position, STELE_TERM_TAG, stele__text(item->tags.names[k]));
        }
        if (is_type && is_match) {
            return true;
        }
    }
    return false;
}

static stele_position naive_search(const test_world *world, const stele_query *query,
                                   stele_position from, stele_position head,
                                   stele_direction direction)
{
    if (direction == STELE_FORWARDS) {
        for (stele_position p = from; p > 0 && p <= head; p++) {
            if (matches(world, query, p)) {
                return p;
            }
        }
        return 0;
    }
    for (stele_position p = from < head ? from : head; p > 0; p--) {
        if (matches(world, query, p)) {
            return p;
        }
    }
    return 0;
}

static void compare_search(test_world *world, stele__search *search, const stele_query *query,
                           stele_position head)
{
    for (int step = 0; step < 12; step++) {
        const stele_position from = 1 + stele__prng_below(&world->prng, world->last + 3);
        stele_position found;
        stele_error error;
        expect_ok(stele__search_up(search, from, &found, &error), &error);
        expect_uint(found, naive_search(world, query, from, head, STELE_FORWARDS));
        expect_ok(stele__search_down(search, from, &found, &error), &error);
        expect_uint(found, naive_search(world, query, from, head, STELE_BACKWARDS));
    }
}

static void walk_search(test_world *world, stele__search *search, const stele_query *query,
                        stele_position head)
{
    stele_position at = 0;
    stele_error error;
    for (stele_position p = 1; p <= head; p++) {
        if (matches(world, query, p)) {
            expect_ok(stele__search_up(search, at + 1, &at, &error), &error);
            expect_uint(at, p);
        }
    }
    stele_position found;
    expect_ok(stele__search_up(search, at + 1, &found, &error), &error);
    expect_uint(found, 0);
}

TEST_ROWS(queries_find_what_a_filter_over_all_events_finds, mappings)
{
    for (uint64_t seed = test_seed(); seed < test_seed() + 2; seed++) {
        test_world *world = test_memory(sizeof *world);
        test_alloc alloc;
        test_alloc_init(&alloc);
        build_world(world, &(bed_taste){.tag_count = 12, .tags_max = 6}, seed, mappings[row]);
        for (uint64_t round = 0; round < test_scaled(250); round++) {
            drawn_query drawn;
            stele__search *search;
            stele_error error;
            const stele_position head = stele__prng_below(&world->prng, world->last + 1);
            draw_query(world, &drawn);
            expect_ok(stele__search_query(&alloc.alloc, &world->log.hash_key, &drawn.query,
                                          world->view, head, &search, &error),
                      &error);
            compare_search(world, search, &drawn.query, head);
            walk_search(world, search, &drawn.query, head);
            /* The same search goes on with another head. */
            const stele_position later =
                head + stele__prng_below(&world->prng, world->last - head + 1);
            stele__search_move(search, world->view, later);
            compare_search(world, search, &drawn.query, later);
            stele__search_free(search);
        }
        expect_no_leak(&alloc);
        free_world(world);
    }
}

TEST_ROWS(a_search_for_one_term_finds_its_events, mappings)
{
    test_world *world = test_memory(sizeof *world);
    build_world(world, &(bed_taste){.stream_count = 10}, test_seed(), mappings[row]);
    for (uint64_t round = 0; round < test_scaled(200); round++) {
        stele__term_kind kind;
        stele__search *search;
        stele_error error;
        const stele_text name = draw_term(world, &kind);
        char text[STELE_STREAM_NAME_SIZE_MAX + 1];
        (void)snprintf(text, sizeof text, "%.*s", STELE_TEXT(name));
        const stele_position head = stele__prng_below(&world->prng, world->last + 1);
        expect_ok(stele__search_term(stele_alloc_default(), &world->log.hash_key, kind, text,
                                     world->view, head, &search, &error),
                  &error);
        for (int step = 0; step < 20; step++) {
            const stele_position from = 1 + stele__prng_below(&world->prng, world->last + 3);
            stele_position found;
            expect_ok(stele__search_up(search, from, &found, &error), &error);
            expect_uint(found, naive_step(world, kind, name, from, head, STELE_FORWARDS));
            expect_ok(stele__search_down(search, from, &found, &error), &error);
            expect_uint(found, naive_step(world, kind, name, from, head, STELE_BACKWARDS));
        }
        stele__search_free(search);
    }
    free_world(world);
}

TEST(a_view_without_anything_answers_nothing)
{
    static const stele__hash_key key = {1, 2};
    const stele_text name = stele__text("a-1");
    stele__view *view;
    stele__postings postings;
    stele__search *search;
    stele__stream_facts facts;
    stele__reader reader;
    stele__locator locator = {.index = NULL};
    stele_position found;
    uint64_t total;
    stele_error error;
    expect_ok(stele__view_create(stele_alloc_default(), 0, 0, 0, &view, &error), &error);
    stele__reader_init(&reader, stele_alloc_default());
    stele__postings_init(&postings, view, STELE_TERM_STREAM, name, 5, 0);
    expect_ok(stele__postings_up(&postings, 1, &found, &error), &error);
    expect_uint(found, 0);
    expect_ok(stele__postings_down(&postings, 1, &found, &error), &error);
    expect_uint(found, 0);
    expect_ok(stele__postings_last(&postings, &found, &total, &error), &error);
    expect_uint(found + total, 0);
    expect_ok(stele__postings_revision(&postings, 0, STELE_FORWARDS, &found, &error), &error);
    expect_uint(found, 0);
    const stele_query everything = {.everything = 1};
    expect_ok(stele__search_query(stele_alloc_default(), &key, &everything, view, 0, &search,
                                  &error),
              &error);
    expect_ok(stele__search_up(search, 1, &found, &error), &error);
    expect_uint(found, 0);
    expect_ok(stele__search_down(search, 1, &found, &error), &error);
    expect_uint(found, 0);
    stele__search_free(search);
    expect_ok(stele__view_stream(view, &locator, &reader, &key, name, 0, NULL, &facts, &error),
              &error);
    expect_int(facts.state.last_revision, -1);
    expect_false(facts.state.is_tombstoned || facts.state.has_metadata);
    expect_ok(stele__view_time(view, &locator, &reader, 5, 0, &found, &error), &error);
    expect_uint(found, 1);
    expect_uint(stele__view_memory(view), 0);
    stele__reader_done(&reader);
    stele__view_unref(view);
}

TEST(a_search_without_memory_says_so)
{
    static const stele__hash_key key = {1, 2};
    test_alloc alloc;
    stele__view *view;
    stele__search *search;
    stele_error error;
    const char *names[] = {"a", "b"};
    const stele_query_item item = {.tags = {names, 2}};
    const stele_query query = {.items = &item, .item_count = 1};
    test_alloc_init(&alloc);
    test_alloc_fail(&alloc, 1, TEST_ALLOC_ONCE);
    expect_error(stele__view_create(&alloc.alloc, 1, 1, 1, &view, &error), &error, STELE_NO_MEMORY);
    expect_ok(stele__view_create(stele_alloc_default(), 0, 0, 0, &view, &error), &error);
    test_alloc_fail(&alloc, 1, TEST_ALLOC_ONCE);
    expect_error(stele__search_query(&alloc.alloc, &key, &query, view, 0, &search, &error), &error,
                 STELE_NO_MEMORY);
    test_alloc_fail(&alloc, 1, TEST_ALLOC_ONCE);
    expect_error(stele__search_term(&alloc.alloc, &key, STELE_TERM_TAG, "a", view, 0, &search,
                                    &error),
                 &error, STELE_NO_MEMORY);
    expect_no_leak(&alloc);
    stele__view_unref(view);
}

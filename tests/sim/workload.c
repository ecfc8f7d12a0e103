/* SPDX-License-Identifier: Apache-2.0 */
/* What programs ask of a store, drawn at random. See workload.h. */
#include "sim/workload.h"

#include <inttypes.h>

const char *const sim_streams[SIM_STREAMS] = {
    "account-1", "account-2",
    "order-1",   "plain",
    "order-2",   "-dash",
    "$sys-1",    "package-x:any",
    "o",         "order-with-a-name-that-is-rather-long-and-has-dashes"};
const char *const sim_types[SIM_TYPES] = {"opened", "changed", "closed", "c",
                                          "changed.in.a.way.that.takes.words"};
const char *const sim_tags[SIM_TAGS] = {"a:1", "a:2",      "b:1",        "b:2",
                                        "c",   "course:1", "student:77", "x"};
const char *const sim_categories[SIM_CATEGORIES] = {"account", "order", "package", "none"};

static uint64_t choose(const sim_draw *draw, uint64_t bound)
{
    return sim_choose(draw->choice, bound);
}

static bool chance(const sim_draw *draw, uint64_t numerator, uint64_t denominator)
{
    return sim_chance(draw->choice, numerator, denominator);
}

static const char *draw_stream(const sim_draw *draw)
{
    const char *stream = sim_streams[choose(draw, draw->taste->stream_count)];
    stele_stream_info info;
    /* Where deletions are of interest, prefer what was deleted. */
    for (int i = 0; i < 4 && draw->taste->likes_deletion; i++) {
        if (stele_stream_describe(draw->history->oracle, stream, &info, NULL) == STELE_OK &&
            info.state == STELE_IS_DELETED) {
            break;
        }
        stream = sim_streams[choose(draw, draw->taste->stream_count)];
    }
    return stream;
}

/* What to expect of a stream: mostly something that holds. */
static stele_expected draw_expected(const sim_draw *draw, const char *stream)
{
    stele_stream_info info;
    stele_expected actual = STELE_NO_STREAM;
    if (stele_stream_describe(draw->history->oracle, stream, &info, NULL) == STELE_OK) {
        actual = info.state;
    }
    switch (choose(draw, 10)) {
    case 0:
        return STELE_NO_STREAM;
    case 1:
        return STELE_EXISTS;
    case 2:
        return (stele_expected)choose(draw, 12);
    case 3:
    case 4:
    case 5:
        return actual >= 0 ? actual
               : actual == STELE_IS_DELETED && chance(draw, 1, 2)
                   ? (stele_expected)info.last_revision
                   : STELE_NO_STREAM;
    default:
        return STELE_ANY;
    }
}

static size_t draw_size(const sim_draw *draw)
{
    switch (draw->taste->sizes) {
    case SIM_TINY:
        return choose(draw, 200);
    case SIM_BULK:
        return 1000 + choose(draw, 8000);
    case SIM_UNIFORM:
        return 600;
    case SIM_MIXED:
    case SIM_SIZES_COUNT:
        break;
    }
    const uint64_t kind = choose(draw, 100);
    return kind < 70   ? choose(draw, 300)
           : kind < 93 ? choose(draw, 4000)
           : kind < 99 ? choose(draw, 30000)
                       : choose(draw, 300000);
}

/* Bytes that no other event has, as far as there is room. */
static stele_bytes draw_bytes(const sim_draw *draw, size_t size, uint64_t salt)
{
    if (size == 0) {
        return (stele_bytes){0};
    }
    uint8_t *bytes = sim_arena_get(draw->arena, size);
    stele__prng prng;
    stele__prng_seed(&prng, sim_mix(draw->number, salt));
    if (size > 4096) {
        /* Long payloads need not be all different, only cheap. */
        stele__prng_fill(&prng, bytes, 256);
        for (size_t at = 256; at < size; at += 256) {
            memcpy(bytes + at, bytes, size - at < 256 ? size - at : 256);
        }
    } else {
        stele__prng_fill(&prng, bytes, size);
    }
    return (stele_bytes){bytes, size};
}

static stele_uuid make_id(uint64_t number, uint64_t index)
{
    stele_uuid id = {{0}};
    stele__store64(id.bytes, number + 1);
    stele__store32(id.bytes + 8, (uint32_t)index);
    id.bytes[15] = 0x51;
    return id;
}

static void draw_tags(const sim_draw *draw, stele_event *event)
{
    const size_t count = chance(draw, 1, 3) ? 0 : (size_t)choose(draw, 4);
    const char **tags = sim_arena_get(draw->arena, count * sizeof *tags);
    for (size_t i = 0; i < count; i++) {
        tags[i] = sim_tags[choose(draw, SIM_TAGS)];
    }
    event->tags = tags;
    event->tag_count = count;
}

static void draw_event(const sim_draw *draw, stele_event *event, const char *stream, uint64_t index,
                       bool has_ids)
{
    event->stream = stream;
    if (draw->taste->sizes == SIM_UNIFORM) {
        event->type = sim_types[0];
        event->id = make_id(draw->number, index);
        event->data = draw_bytes(draw, draw_size(draw), index);
        return;
    }
    event->type = sim_types[choose(draw, SIM_TYPES)];
    event->data_format = (stele_format)choose(draw, 4);
    event->metadata_format = (stele_format)choose(draw, 3);
    size_t size = draw_size(draw);
    if (has_ids) {
        event->id = make_id(draw->number, index);
    } else {
        /* Nothing else tells it apart when it turns up after a crash. */
        size = size < 16 ? 16 : size;
    }
    event->data = draw_bytes(draw, size, index);
    event->metadata =
        draw_bytes(draw, chance(draw, 1, 4) ? (size_t)choose(draw, 60) : 0, index + 1000);
    draw_tags(draw, event);
}

static stele_names draw_names(const sim_draw *draw, const char *const *from, uint64_t from_count,
                              uint64_t count_max)
{
    const size_t count = (size_t)choose(draw, count_max + 1);
    const char **names = sim_arena_get(draw->arena, count * sizeof *names);
    for (size_t i = 0; i < count; i++) {
        names[i] = from[choose(draw, from_count)];
    }
    return (stele_names){names, count};
}

const stele_query *sim_draw_query(const sim_draw *draw)
{
    stele_query *query = sim_arena_get(draw->arena, sizeof *query);
    if (chance(draw, 1, 16)) {
        query->everything = 1;
        return query;
    }
    query->item_count = 1 + (size_t)choose(draw, 3);
    stele_query_item *items = sim_arena_get(draw->arena, query->item_count * sizeof *items);
    for (size_t i = 0; i < query->item_count; i++) {
        items[i].types = draw_names(draw, sim_types, SIM_TYPES, 2);
        items[i].tags = draw_names(draw, sim_tags, SIM_TAGS, 2);
    }
    query->items = items;
    return query;
}

static void draw_conditions(const sim_draw *draw, stele_append_options *options)
{
    options->condition_count = 1 + (size_t)choose(draw, 2);
    stele_condition *conditions =
        sim_arena_get(draw->arena, options->condition_count * sizeof *conditions);
    for (size_t i = 0; i < options->condition_count; i++) {
        const stele_position head = draw->history->head;
        conditions[i].no_event_matching = sim_draw_query(draw);
        conditions[i].after = chance(draw, 2, 3) ? head : choose(draw, head + 4);
    }
    options->conditions = conditions;
}

static void draw_options(const sim_draw *draw, stele_append_options *options)
{
    if (chance(draw, draw->taste->weak_chance, 8)) {
        options->durability = chance(draw, 1, 2) ? STELE_DURABLE_OS : STELE_DURABLE_NONE;
    } else if (chance(draw, 1, 4)) {
        options->durability = STELE_DURABLE_FULL;
    }
    if (chance(draw, 1, 5)) {
        options->key = sim_arena_text(draw->arena, "key-%" PRIu64, draw->number);
    }
    if (chance(draw, 1, 8)) {
        options->flags = STELE_STRICT;
    }
    if (chance(draw, 1, 6)) {
        draw_conditions(draw, options);
    }
}

static sim_action *new_action(const sim_draw *draw, sim_action_kind kind)
{
    sim_action *action = sim_arena_get(draw->arena, sizeof *action);
    action->kind = kind;
    action->number = draw->number;
    return action;
}

static size_t draw_event_count(const sim_draw *draw)
{
    if (draw->taste->sizes == SIM_UNIFORM) {
        return 1;
    }
    return chance(draw, 1, 2)
               ? 1
               : 1 + (size_t)choose(draw,
                                    draw->taste->sizes == SIM_TINY ? SIM_ACTION_EVENTS_MAX : 4);
}

sim_action *sim_draw_append(const sim_draw *draw)
{
    sim_action *action = new_action(draw, SIM_DO_APPEND);
    const bool has_ids = chance(draw, 3, 4);
    action->stream = draw_stream(draw);
    action->expected = draw_expected(draw, action->stream);
    action->event_count = draw_event_count(draw);
    action->events = sim_arena_get(draw->arena, action->event_count * sizeof *action->events);
    const bool has_one_id = has_ids && chance(draw, 1, 30);
    for (size_t i = 0; i < action->event_count; i++) {
        draw_event(draw, &action->events[i], action->stream, has_one_id ? 0 : i, has_ids);
    }
    draw_options(draw, &action->options);
    return action;
}

static void draw_checks(const sim_draw *draw, sim_action *action)
{
    action->checks = sim_arena_get(draw->arena, SIM_STREAMS * sizeof *action->checks);
    for (uint32_t i = 0; i < draw->taste->stream_count; i++) {
        bool is_written = false;
        if (!chance(draw, 1, 4)) {
            continue;
        }
        for (size_t e = 0; e < action->event_count; e++) {
            is_written = is_written || action->events[e].stream == sim_streams[i];
        }
        stele_check *check = &action->checks[action->check_count++];
        check->stream = sim_streams[i];
        check->expected = draw_expected(draw, sim_streams[i]);
        if (!is_written && chance(draw, 1, 10)) {
            check->expected = chance(draw, 1, 2) ? STELE_IS_DELETED : STELE_IS_TOMBSTONED;
        }
    }
}

sim_action *sim_draw_commit(const sim_draw *draw)
{
    sim_action *action = new_action(draw, SIM_DO_COMMIT);
    const bool has_ids = chance(draw, 3, 4);
    const char *streams[3] = {draw_stream(draw), draw_stream(draw), draw_stream(draw)};
    action->event_count = draw_event_count(draw);
    action->events = sim_arena_get(draw->arena, action->event_count * sizeof *action->events);
    for (size_t i = 0; i < action->event_count; i++) {
        draw_event(draw, &action->events[i], streams[choose(draw, 3)], i, has_ids);
    }
    draw_checks(draw, action);
    draw_options(draw, &action->options);
    return action;
}

sim_action *sim_draw_delete(const sim_draw *draw)
{
    sim_action *action = new_action(draw, SIM_DO_DELETE);
    action->stream = sim_streams[choose(draw, draw->taste->stream_count)];
    action->expected = draw_expected(draw, action->stream);
    draw_options(draw, &action->options);
    action->options.key = NULL;
    return action;
}

sim_action *sim_draw_tombstone(const sim_draw *draw)
{
    sim_action *action = new_action(draw, SIM_DO_TOMBSTONE);
    /* Never the first stream: something must stay alive. */
    action->stream = sim_streams[1 + choose(draw, SIM_STREAMS - 1)];
    action->expected = draw_expected(draw, action->stream);
    draw_options(draw, &action->options);
    action->options.key = NULL;
    return action;
}

sim_action *sim_draw_metadata(const sim_draw *draw)
{
    sim_action *action = new_action(draw, SIM_DO_METADATA);
    action->stream = draw_stream(draw);
    const char *metastream = sim_arena_text(draw->arena, "$$%s", action->stream);
    action->expected = draw_expected(draw, metastream);
    const uint64_t number = draw->number;
    switch (choose(draw, 5)) {
    case 0:
        action->json = sim_arena_text(draw->arena, "{\"$maxCount\":%" PRIu64 ",\"n\":%" PRIu64 "}",
                                      1 + choose(draw, 6), number);
        break;
    case 1:
        action->json = sim_arena_text(draw->arena, "{\"n\":%" PRIu64 ",\"$tb\":%" PRIu64 "}",
                                      number, choose(draw, 8));
        break;
    case 2:
        action->json = sim_arena_text(draw->arena, "{\"$maxAge\":%" PRIu64 ",\"n\":%" PRIu64 "}",
                                      1000 * (1 + choose(draw, 4)), number);
        break;
    case 3:
        action->json =
            sim_arena_text(draw->arena, "{\"$tb\":9223372036854775807,\"n\":%" PRIu64 "}", number);
        break;
    default:
        action->json = sim_arena_text(draw->arena, "{\"who\":\"ann\",\"n\":%" PRIu64 "}", number);
        break;
    }
    draw_options(draw, &action->options);
    action->options.key = NULL;
    return action;
}

sim_action *sim_draw_retry(const sim_draw *draw)
{
    const sim_history *history = draw->history;
    if (history->all_count == 0) {
        return NULL;
    }
    /* Mostly one of the last ones, as programs do. */
    const uint64_t reach = chance(draw, 2, 3) && history->all_count > 6 ? 6 : history->all_count;
    const sim_action *old = history->all[history->all_count - 1 - choose(draw, reach)];
    sim_action *action = sim_action_again(draw->arena, old, draw->number);
    if (chance(draw, 1, 6) && action->event_count > 0) {
        stele_event *events = sim_arena_get(draw->arena, action->event_count * sizeof *events);
        memcpy(events, action->events, action->event_count * sizeof *events);
        events[choose(draw, action->event_count)].type = sim_types[choose(draw, SIM_TYPES)];
        action->events = events;
        action->options.flags = chance(draw, 1, 2) ? STELE_STRICT : 0;
    }
    if (chance(draw, 1, 4)) {
        action->expected = STELE_ANY;
    }
    return action;
}

bool sim_action_recreates(const sim_action *action, const sim_history *history)
{
    stele_stream_info info;
    for (size_t i = 0; i < action->event_count; i++) {
        if (stele_stream_describe(history->oracle, action->events[i].stream, &info, NULL) ==
                STELE_OK &&
            info.state == STELE_IS_DELETED) {
            return true;
        }
    }
    return action->kind == SIM_DO_METADATA &&
           stele_stream_describe(history->oracle, action->stream, &info, NULL) == STELE_OK &&
           info.state == STELE_IS_DELETED;
}

/* ---- reads */

static void draw_source(const sim_draw *draw, stele_read *read, const char **ret_what)
{
    switch (choose(draw, 7)) {
    case 0:
        *ret_what = "everything";
        break;
    case 1:
        read->category = sim_categories[choose(draw, SIM_CATEGORIES)];
        *ret_what = sim_arena_text(draw->arena, "category %s", read->category);
        break;
    case 2:
        read->event_type =
            chance(draw, 1, 4) ? STELE_TYPE_METADATA : sim_types[choose(draw, SIM_TYPES)];
        *ret_what = sim_arena_text(draw->arena, "type %s", read->event_type);
        break;
    case 3:
        read->tag = sim_tags[choose(draw, SIM_TAGS)];
        *ret_what = sim_arena_text(draw->arena, "tag %s", read->tag);
        break;
    case 4:
        read->query = sim_draw_query(draw);
        *ret_what = "a query";
        break;
    case 5:
        read->stream = sim_arena_text(draw->arena, "$$%s",
                                      sim_streams[choose(draw, draw->taste->stream_count)]);
        *ret_what = sim_arena_text(draw->arena, "stream %s", read->stream);
        break;
    default:
        read->stream = sim_streams[choose(draw, draw->taste->stream_count)];
        *ret_what = sim_arena_text(draw->arena, "stream %s", read->stream);
        break;
    }
}

static stele_point draw_point(const sim_draw *draw, bool is_stream)
{
    const stele_position head = draw->history->head;
    switch (choose(draw, 5)) {
    case 0:
        return STELE_AT_START;
    case 1:
        return STELE_AT_END;
    case 2:
        return STELE_AT_TIME(SIM_CLOCK_BEGIN + (stele_time)choose(draw, 600) * INT64_C(1000000000));
    case 3:
        return is_stream ? STELE_FROM_REVISION(choose(draw, 30))
                         : STELE_AT_POSITION(choose(draw, head + 3));
    default:
        return STELE_AT_POSITION(choose(draw, head + 3));
    }
}

const stele_read *sim_draw_read(const sim_draw *draw, const char **ret_what)
{
    stele_read *read = sim_arena_get(draw->arena, sizeof *read);
    draw_source(draw, read, ret_what);
    if (chance(draw, 1, 2)) {
        read->direction = STELE_BACKWARDS;
    }
    if (chance(draw, 1, 2)) {
        read->from = draw_point(draw, read->stream != NULL);
    }
    if (chance(draw, 1, 4)) {
        read->limit = 1 + choose(draw, 10);
    }
    if (chance(draw, 1, 8)) {
        read->stream_prefixes = &sim_streams[choose(draw, SIM_STREAMS)];
        read->stream_prefix_count = 1;
    }
    if (chance(draw, 1, 8)) {
        read->type_prefixes = &sim_types[choose(draw, SIM_TYPES)];
        read->type_prefix_count = 1;
    }
    if (chance(draw, 1, 8)) {
        read->as_of = STELE_AT_POSITION(choose(draw, draw->history->head + 2));
    }
    *ret_what =
        sim_arena_text(draw->arena,
                       "%s %s from kind %d value %" PRIu64 " limit %" PRIu64 " as of %" PRIu64,
                       *ret_what, read->direction == STELE_BACKWARDS ? "backwards" : "forwards",
                       (int)read->from.kind, read->from.value, read->limit, read->as_of.value);
    return read;
}

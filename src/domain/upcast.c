/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Upcasters: steps from one version of a kind of event to the next, and reading through them.
 *
 * A kind of event at a version is a node; a step leads from it to the next version, or to the kinds
 * and versions it says it becomes. U1 From a node at most one step leads away. U2 There is no way
 * round in a circle, so an event comes to its end. U3 Of one stored event at most MADE_MAX can
 * come.
 */
#include "base/json.h"
#include "domain/arena.h"
#include "domain/parts.h"

#include <stdio.h>
#include <stdlib.h>

enum { MADE_MAX = 4096, BECOMES_MAX = 32 };

/* A kind of event at a version. */
typedef struct node {
    stele_text type;
    uint32_t version;
} node;

typedef struct step {
    node from;
    stele_upcast_step run;
    size_t becomes_count; /* 0: the next version of the same type */
    node becomes[BECOMES_MAX];
    int mark; /* while circles are looked for: 1 on the way, 2 done */
} step;

struct stele_upcasters {
    const stele_alloc *alloc;
    stele__arena names;
    size_t count;
    step *steps; /* sorted by type and version */
};

/* ---- versions */

uint32_t stele_event_version(const stele_record *event)
{
    stele__json_scanner scanner;
    stele__json_value name;
    stele__json_value value;
    int64_t version;
    if (event->metadata_format != STELE_JSON || event->metadata.size == 0) {
        return 1;
    }
    stele__json_begin(&scanner, (const char *)event->metadata.data, event->metadata.size);
    if (!stele__json_enter(&scanner, '{')) {
        return 1;
    }
    for (bool is_first = true; stele__json_next_member(&scanner, is_first, &name, &value) > 0;
         is_first = false) {
        if (stele__json_is_text(&name, "$version")) {
            return stele__json_integer(&value, &version) && version >= 1 && version <= UINT32_MAX
                       ? (uint32_t)version
                       : 1;
        }
    }
    return 1;
}

/* ---- the graph */

static int compare_nodes(const node *a, const node *b)
{
    const int order = stele__text_compare(a->type, b->type);
    return order ? order : (a->version > b->version) - (a->version < b->version);
}

static int compare_steps(const void *a, const void *b)
{
    return compare_nodes(&((const step *)a)->from, &((const step *)b)->from);
}

static step *find_step(const stele_upcasters *upcasters, const node *from)
{
    size_t low = 0;
    size_t high = upcasters->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = compare_nodes(&upcasters->steps[middle].from, from);
        if (order == 0) {
            return &upcasters->steps[middle];
        }
        *(order < 0 ? &low : &high) = order < 0 ? middle + 1 : middle;
    }
    return NULL;
}

/* The first step of a type; NULL: it has none. */
static const step *first_step(const stele_upcasters *upcasters, stele_text type)
{
    size_t low = 0;
    size_t high = upcasters->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (stele__text_compare(upcasters->steps[middle].from.type, type) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < upcasters->count && stele__text_equal(upcasters->steps[low].from.type, type)
               ? &upcasters->steps[low]
               : NULL;
}

/* "name" or "name@3" */
static bool parse_node(stele_text text, node *ret_node)
{
    const char *at = memchr(text.data, '@', text.size);
    *ret_node = (node){text, 1};
    if (!at) {
        return text.size > 0;
    }
    const size_t digits = text.size - (size_t)(at - text.data) - 1;
    uint64_t version = 0;
    for (size_t i = 0; i < digits; i++) {
        if (at[1 + i] < '0' || at[1 + i] > '9' || version > UINT32_MAX) {
            return false;
        }
        version = version * 10 + (uint64_t)(at[1 + i] - '0');
    }
    *ret_node = (node){{text.data, (size_t)(at - text.data)}, (uint32_t)version};
    return at > text.data && digits > 0 && version >= 1 && version <= UINT32_MAX;
}

static stele_status parse_becomes(step *to, const char *names, stele_error *reterr)
{
    while (*names) {
        const size_t size = strcspn(names, " ");
        if (size > 0) {
            if (to->becomes_count == BECOMES_MAX) {
                return stele__fail(reterr, STELE_INVALID_LIMIT,
                                   "%.*s version %" PRIu32 " becomes more than %d kinds of event",
                                   STELE_TEXT(to->from.type), to->from.version, BECOMES_MAX);
            }
            if (!parse_node((stele_text){names, size}, &to->becomes[to->becomes_count++])) {
                return stele__fail(reterr, STELE_INVALID,
                                   "%.*s version %" PRIu32
                                   " becomes \"%.*s\", which is no name and "
                                   "no name@version",
                                   STELE_TEXT(to->from.type), to->from.version, (int)size, names);
            }
        }
        names += size + (names[size] == ' ');
    }
    return STELE_OK;
}

static bool is_become(const stele_upcasters *upcasters, stele_text type, uint32_t version_min)
{
    for (size_t i = 0; i < upcasters->count; i++) {
        for (size_t j = 0; j < upcasters->steps[i].becomes_count; j++) {
            const node *made = &upcasters->steps[i].becomes[j];
            if (stele__text_equal(made->type, type) && made->version >= version_min) {
                return true;
            }
        }
    }
    return false;
}

/* Each step once, and none missing between two. */
static stele_status check_chains(const stele_upcasters *upcasters, stele_error *reterr)
{
    for (size_t i = 0; i < upcasters->count; i++) {
        const node *here = &upcasters->steps[i].from;
        const node *before = i > 0 ? &upcasters->steps[i - 1].from : NULL;
        if (!before || !stele__text_equal(before->type, here->type)) {
            if (here->version > 1 && !is_become(upcasters, here->type, here->version)) {
                return stele__fail(reterr, STELE_INVALID,
                                   "%.*s has a step from version %" PRIu32
                                   ", but none from version 1",
                                   STELE_TEXT(here->type), here->version);
            }
        } else if (before->version == here->version) {
            return stele__fail(reterr, STELE_INVALID, "%.*s has two steps from version %" PRIu32,
                               STELE_TEXT(here->type), here->version);
        } else if (before->version + 1 != here->version) {
            return stele__fail(reterr, STELE_INVALID,
                               "%.*s has steps from versions %" PRIu32 " and %" PRIu32
                               ", but none from version %" PRIu32,
                               STELE_TEXT(here->type), before->version, here->version,
                               before->version + 1);
        }
    }
    return STELE_OK;
}

/* The i-th node that a step leads to. */
static node leads_to(const step *from, size_t i)
{
    return from->becomes_count > 0 ? from->becomes[i]
                                   : (node){from->from.type, from->from.version + 1};
}

/* Looks for circles, depth first. The depth is bounded by how many steps there are, so no stack of
 * calls: the way is kept in an array. */
typedef struct way {
    step *at;
    size_t next;
} way;

static stele_status check_circles(const stele_upcasters *upcasters, way *path, stele_error *reterr)
{
    for (size_t i = 0; i < upcasters->count; i++) {
        size_t depth = 0;
        if (upcasters->steps[i].mark == 2) {
            continue;
        }
        path[depth++] = (way){&upcasters->steps[i], 0};
        upcasters->steps[i].mark = 1;
        while (depth > 0) {
            way *here = &path[depth - 1];
            const size_t count = here->at->becomes_count > 0 ? here->at->becomes_count : 1;
            if (here->next == count) {
                here->at->mark = 2;
                depth--;
                continue;
            }
            const node to = leads_to(here->at, here->next++);
            step *next = find_step(upcasters, &to);
            if (next && next->mark == 1) {
                return stele__fail(reterr, STELE_INVALID,
                                   "%.*s version %" PRIu32 " becomes itself in the end",
                                   STELE_TEXT(to.type), to.version);
            }
            if (next && next->mark == 0) {
                next->mark = 1;
                path[depth++] = (way){next, 0};
            }
        }
    }
    return STELE_OK;
}

static stele_status copy_step(stele_upcasters *to, const stele_upcaster *from, stele_error *reterr)
{
    step *copy = &to->steps[to->count];
    if (!from->type || !*from->type || from->from == 0 || from->from == UINT32_MAX || !from->step) {
        return stele__fail(reterr, STELE_INVALID,
                           "an upcaster lacks its type, version or function");
    }
    const char *type = stele__arena_copy(&to->names, from->type, strlen(from->type));
    const char *becomes = stele__arena_copy(&to->names, from->becomes ? from->becomes : "",
                                            from->becomes ? strlen(from->becomes) : 0);
    if (!type || !becomes) {
        return stele__fail_memory(reterr);
    }
    *copy = (step){.from = {stele__text(type), from->from}, .run = from->step};
    to->count++;
    return parse_becomes(copy, becomes, reterr);
}

stele_status stele_upcasters_create(const stele_upcaster *steps, size_t count,
                                    stele_upcasters **ret_upcasters, stele_error *reterr)
{
    const stele_alloc *alloc = stele_alloc_default();
    stele_upcasters *made = stele__allocate_zero(alloc, sizeof *made);
    way *path = stele__allocate_array(alloc, count + 1, sizeof *path);
    stele_status status = STELE_OK;
    if (made) {
        *made = (stele_upcasters){.alloc = alloc, .names = {.alloc = alloc}};
        made->steps = stele__allocate_array(alloc, count + 1, sizeof *made->steps);
    }
    if (!made || !path || !made->steps) {
        status = stele__fail_memory(reterr);
    }
    for (size_t i = 0; i < count && status == STELE_OK; i++) {
        status = copy_step(made, &steps[i], reterr);
    }
    if (status == STELE_OK) {
        qsort(made->steps, made->count, sizeof *made->steps, compare_steps);
        status = check_chains(made, reterr);
    }
    if (status == STELE_OK) {
        status = check_circles(made, path, reterr);
    }
    stele__release(alloc, path, (count + 1) * sizeof *path);
    if (status != STELE_OK && made) {
        stele__release(alloc, made->steps, (count + 1) * sizeof *made->steps);
        stele__arena_done(&made->names);
        stele__release(alloc, made, sizeof *made);
        made = NULL;
    }
    if (status == STELE_OK) {
        *ret_upcasters = made;
    }
    return status;
}

void stele_upcasters_free(stele_upcasters *upcasters)
{
    if (upcasters) {
        const stele_alloc *alloc = upcasters->alloc;
        stele__release(alloc, upcasters->steps, (upcasters->count + 1) * sizeof *upcasters->steps);
        stele__arena_done(&upcasters->names);
        stele__release(alloc, upcasters, sizeof *upcasters);
    }
}

uint32_t stele_upcasters_newest(const stele_upcasters *upcasters, const char *type)
{
    const stele_text name = stele__text(type);
    const step *at = upcasters ? first_step(upcasters, name) : NULL;
    uint32_t newest = 1;
    for (; at && at < upcasters->steps + upcasters->count && stele__text_equal(at->from.type, name);
         at++) {
        newest = at->from.version + (at->becomes_count == 0);
    }
    return newest;
}

/* ---- reading */

struct stele_upcast {
    const step *step;
    const stele_record *old;
    stele__arena *arena;
    size_t count;
    struct made *first;
    struct made *last;
};

/* An event on its way. */
typedef struct made {
    struct made *next;
    uint32_t version;
    stele_record record;
} made;

struct stele_upcast_cursor {
    stele_cursor *below;
    stele__stored stored;
    const stele_alloc *alloc;
    const stele_upcasters *upcasters;
    const stele_wanted_version *wanted;
    size_t wanted_count;
    stele__arena arena; /* of what one stored event became */
    made *ready;        /* in order */
    stele_status failed;
    stele_error failure;
};

static bool may_become(const step *from, stele_text type, uint32_t *ret_version)
{
    const size_t count = from->becomes_count > 0 ? from->becomes_count : 1;
    for (size_t i = 0; i < count; i++) {
        const node to = leads_to(from, i);
        if (stele__text_equal(to.type, type)) {
            *ret_version = to.version;
            return true;
        }
    }
    return false;
}

stele_status stele_upcast_to(stele_upcast *into, const stele_event *event, stele_error *reterr)
{
    const stele_text type = stele__text(event->type);
    uint32_t version;
    if (!may_become(into->step, type, &version)) {
        return stele__fail(reterr, STELE_INVALID,
                           "%.*s version %" PRIu32 " became a %.*s, which its upcaster was not "
                           "registered for",
                           STELE_TEXT(into->step->from.type), into->step->from.version,
                           STELE_TEXT(type));
    }
    if (into->count == MADE_MAX) {
        return stele__fail(reterr, STELE_INVALID_LIMIT, "one event becomes more than %d", MADE_MAX);
    }
    made *it = stele__arena_take(into->arena, sizeof *it);
    const char *name = stele__arena_copy(into->arena, type.data, type.size);
    const char *data = stele__arena_copy(into->arena, event->data.data, event->data.size);
    if (!it || !name || !data) {
        return stele__fail_memory(reterr);
    }
    *it = (made){.version = version, .record = *into->old};
    it->record.type = (stele_text){name, type.size};
    it->record.data_format = event->data_format;
    it->record.data = (stele_bytes){(const uint8_t *)data, event->data.size};
    if (into->count > 0) {
        char number[24];
        const int size = snprintf(number, sizeof number, "%zu", into->count);
        it->record.id = stele_uuid_from_name(&into->old->id, number, (size_t)size);
    }
    *(into->last ? &into->last->next : &into->first) = it;
    into->last = it;
    into->count++;
    return STELE_OK;
}

static uint32_t wanted_version(const stele_upcast_cursor *cursor, stele_text type)
{
    for (size_t i = 0; i < cursor->wanted_count; i++) {
        if (stele__text_equal(stele__text(cursor->wanted[i].type), type)) {
            return cursor->wanted[i].version;
        }
    }
    return UINT32_MAX;
}

static const step *next_step(const stele_upcast_cursor *cursor, const made *it)
{
    const node here = {it->record.type, it->version};
    return it->version < wanted_version(cursor, it->record.type)
               ? find_step(cursor->upcasters, &here)
               : NULL;
}

/* Brings the first one that is not at its end one step further, until none is left. Those in front
 * are done. */
static stele_status expand(stele_upcast_cursor *cursor, made *first, stele_error *reterr)
{
    made **place = &cursor->ready;
    size_t count = 1;
    *place = first;
    while (*place) {
        made *it = *place;
        const step *taken = next_step(cursor, it);
        if (!taken) {
            place = &it->next;
            continue;
        }
        stele_upcast into = {.step = taken, .old = &it->record, .arena = &cursor->arena};
        stele_error inner = {.status = STELE_OK};
        const stele_status status = taken->run(&it->record, &into, &inner);
        if (status != STELE_OK) {
            return stele__fail(reterr, status,
                               "event %" PRIu64 " of %.*s (%.*s version %" PRIu32
                               ", position %" PRIu64 ") cannot be read as of today: %s",
                               it->record.revision, STELE_TEXT(it->record.stream),
                               STELE_TEXT(it->record.type), it->version, it->record.position,
                               inner.message);
        }
        count += into.count;
        if (count > MADE_MAX) {
            return stele__fail(reterr, STELE_INVALID_LIMIT,
                               "the event at position %" PRIu64 " becomes more than %d",
                               it->record.position, MADE_MAX);
        }
        if (into.last) {
            into.last->next = it->next;
            *place = into.first;
        } else {
            *place = it->next;
        }
    }
    return STELE_OK;
}

stele_status stele_upcast_open(stele_store *store, const stele_read *read,
                               const stele_upcasters *upcasters, const stele_wanted_version *wanted,
                               size_t wanted_count, stele_upcast_cursor **ret_cursor,
                               stele_error *reterr)
{
    const stele_alloc *alloc = stele_alloc_default();
    stele_upcast_cursor *cursor = stele__allocate_zero(alloc, sizeof *cursor);
    if (!cursor) {
        return stele__fail_memory(reterr);
    }
    *cursor = (stele_upcast_cursor){.alloc = alloc,
                                    .upcasters = upcasters,
                                    .wanted = wanted,
                                    .wanted_count = wanted_count,
                                    .arena = {.alloc = alloc}};
    const stele_status status = stele_read_open(store, read, &cursor->below, reterr);
    if (status != STELE_OK) {
        stele__release(alloc, cursor, sizeof *cursor);
        return status;
    }
    *ret_cursor = cursor;
    return STELE_OK;
}

/* Whether any step may concern it: most events have none, and are handed on as they are. */
static bool is_concerned(const stele_upcast_cursor *cursor, const stele_record *event)
{
    return cursor->upcasters && cursor->upcasters->count > 0 &&
           first_step(cursor->upcasters, event->type);
}

const stele_record *stele_upcast_next(stele_upcast_cursor *cursor, stele_error *reterr)
{
    while (cursor->failed == STELE_OK) {
        if (cursor->ready) {
            const stele_record *event = &cursor->ready->record;
            cursor->ready = cursor->ready->next;
            return event;
        }
        const stele_record *event = stele_cursor_next(cursor->below, reterr);
        if (event) {
            cursor->stored = (stele__stored){cursor->stored.count + 1, event->revision,
                                             event->position, event->time};
        }
        if (!event || !is_concerned(cursor, event)) {
            return event;
        }
        stele__arena_reset(&cursor->arena);
        made *it = stele__arena_take(&cursor->arena, sizeof *it);
        if (!it) {
            cursor->failed = stele__fail_memory(&cursor->failure);
            break;
        }
        *it = (made){.version = stele_event_version(event), .record = *event};
        cursor->failed = expand(cursor, it, &cursor->failure);
    }
    if (reterr) {
        *reterr = cursor->failure;
    }
    return NULL;
}

const stele__stored *stele__upcast_stored(const stele_upcast_cursor *cursor)
{
    return &cursor->stored;
}

stele_cursor *stele_upcast_below(stele_upcast_cursor *cursor)
{
    return cursor->below;
}

void stele_upcast_cursor_free(stele_upcast_cursor *cursor)
{
    if (cursor) {
        stele_cursor_free(cursor->below);
        stele__arena_done(&cursor->arena);
        stele__release(cursor->alloc, cursor, sizeof *cursor);
    }
}

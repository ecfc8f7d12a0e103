/* SPDX-License-Identifier: Apache-2.0 */
/* Parts and views: who owns them, and finding an event in a view by its position or its time. */
#include "log/engine.h"

#include <inttypes.h>

/* ---- parts */

stele_status stele__part_create(const stele_alloc *alloc, stele__segment *segment,
                                const stele__hash_key *key, stele__part **ret_part,
                                stele_error *reterr)
{
    stele__part *part = stele__allocate_zero(alloc, sizeof *part);
    if (!part) {
        return stele__fail_memory(reterr);
    }
    const stele_status status =
        stele__tail_create(alloc, key, segment->header.first, &part->tail, reterr);
    if (status != STELE_OK) {
        stele__release(alloc, part, sizeof *part);
        return status;
    }
    atomic_init(&part->refs, 1);
    part->alloc = alloc;
    part->segment = stele__segment_ref(segment);
    part->first = segment->header.first;
    part->last = part->first - 1;
    part->end = STELE_SEGMENT_HEADER_SIZE;
    part->last_time = segment->header.base_time;
    *ret_part = part;
    return STELE_OK;
}

stele__part *stele__part_ref(stele__part *part)
{
    atomic_fetch_add_explicit(&part->refs, 1, memory_order_relaxed);
    return part;
}

void stele__part_unref(stele__part *part)
{
    if (!part || atomic_fetch_sub_explicit(&part->refs, 1, memory_order_acq_rel) > 1) {
        return;
    }
    stele__tail_free(part->tail);
    stele__segment_unref(part->segment);
    stele__release(part->alloc, part, sizeof *part);
}

/* ---- views */

/* The arrays stand behind the struct, in one piece of memory; their capacities are kept in front of
 * them. */
typedef struct view_memory {
    size_t size;
    stele__view view;
} view_memory;

stele_status stele__view_create(const stele_alloc *alloc, size_t sealed, size_t indexes,
                                size_t parts, stele__view **ret_view, stele_error *reterr)
{
    const size_t size =
        sizeof(view_memory) + sealed * sizeof(stele__sealed) + (indexes + parts) * sizeof(void *);
    view_memory *memory = stele__allocate_zero(alloc, size);
    if (!memory) {
        return stele__fail_memory(reterr);
    }
    memory->size = size;
    stele__view *view = &memory->view;
    atomic_init(&view->refs, 1);
    view->alloc = alloc;
    view->sealed = (stele__sealed *)(memory + 1);
    view->indexes = (stele__index **)(view->sealed + sealed);
    view->parts = (stele__part **)(view->indexes + indexes);
    *ret_view = view;
    return STELE_OK;
}

stele__view *stele__view_ref(stele__view *view)
{
    atomic_fetch_add_explicit(&view->refs, 1, memory_order_relaxed);
    return view;
}

void stele__view_unref(stele__view *view)
{
    if (!view || atomic_fetch_sub_explicit(&view->refs, 1, memory_order_acq_rel) > 1) {
        return;
    }
    for (size_t i = 0; i < view->sealed_count; i++) {
        stele__segment_unref(view->sealed[i].segment);
    }
    for (size_t i = 0; i < view->index_count; i++) {
        stele__index_unref(view->indexes[i]);
    }
    for (size_t i = 0; i < view->part_count; i++) {
        stele__part_unref(view->parts[i]);
    }
    view_memory *memory = (view_memory *)((uint8_t *)view - offsetof(view_memory, view));
    stele__release(view->alloc, memory, memory->size);
}

void stele__view_add_sealed(stele__view *view, const stele__index_segment *info,
                            stele__segment *segment)
{
    view->sealed[view->sealed_count++] = (stele__sealed){*info, stele__segment_ref(segment)};
}

void stele__view_add_index(stele__view *view, stele__index *index)
{
    view->indexes[view->index_count++] = stele__index_ref(index);
}

void stele__view_add_part(stele__view *view, stele__part *part)
{
    view->parts[view->part_count++] = stele__part_ref(part);
}

stele_status stele__view_change_parts(const stele__view *old, size_t kept, stele__part *added,
                                      stele__view **ret_view, stele_error *reterr)
{
    stele__view *view;
    STELE_TRY(stele__view_create(old->alloc, old->sealed_count, old->index_count, kept + 1, &view,
                                 reterr));
    for (size_t i = 0; i < old->sealed_count; i++) {
        stele__view_add_sealed(view, &old->sealed[i].info, old->sealed[i].segment);
    }
    for (size_t i = 0; i < old->index_count; i++) {
        stele__view_add_index(view, old->indexes[i]);
    }
    for (size_t i = 0; i < kept; i++) {
        stele__view_add_part(view, old->parts[i]);
    }
    if (added) {
        stele__view_add_part(view, added);
    }
    *ret_view = view;
    return STELE_OK;
}

size_t stele__view_memory(const stele__view *view)
{
    size_t bytes = 0;
    for (size_t i = 0; i < view->index_count; i++) {
        bytes += stele__index_memory(view->indexes[i]);
    }
    for (size_t i = 0; i < view->part_count; i++) {
        bytes += stele__tail_memory(view->parts[i]->tail);
    }
    return bytes;
}

/* ---- locating */

static const stele__index *index_of(const stele__view *view, stele_position position)
{
    size_t low = 0;
    size_t high = view->index_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (stele__index_last(view->indexes[middle]) < position) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < view->index_count && stele__index_first(view->indexes[low]) <= position
               ? view->indexes[low]
               : NULL;
}

/* The first of the sealed segments that ends at a position or behind it; their number if none does.
 * Most are of one size, so it stands near the place that the position has among all: from there the
 * steps double until it is passed. */
static size_t sealed_number(const stele__view *view, stele_position position)
{
    const stele__sealed *sealed = view->sealed;
    const size_t count = view->sealed_count;
    if (count == 0 || sealed[count - 1].info.last < position) {
        return count;
    }
    const double share = (double)position / ((double)sealed[count - 1].info.last + 1);
    size_t low = (size_t)(share * (double)count);
    low = low < count ? low : count - 1;
    size_t high = low; /* afterwards: all before low end before it, and high does not */
    for (size_t step = 1; high < count - 1 && sealed[high].info.last < position; step *= 2) {
        low = high + 1;
        high = step < count - 1 - high ? high + step : count - 1;
    }
    for (size_t step = 1; low > 0 && sealed[low - 1].info.last >= position; step *= 2) {
        high = low - 1;
        low = step < low ? low - step : 0;
    }
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (sealed[middle].info.last < position) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static const stele__sealed *sealed_of(const stele__view *view, stele_position position)
{
    const size_t number = sealed_number(view, position);
    return number < view->sealed_count ? &view->sealed[number] : NULL;
}

/* Where the offset codes of a range of positions stand. */
typedef struct range {
    stele_position first;
    stele_position last; /* below first: nothing */
    stele__segment *segment;
    const stele__index *index;
    const stele__tail *tail;
} range;

/* The range in which a position stands. */
static stele_status range_of(const stele__view *view, stele_position position, range *ret_range,
                             stele_error *reterr)
{
    for (size_t i = view->part_count; i > 0; i--) {
        const stele__part *part = view->parts[i - 1];
        if (position >= part->first) {
            *ret_range = (range){
                .first = part->first,
                .last = i < view->part_count ? view->parts[i]->first - 1 : UINT64_MAX,
                .segment = part->segment,
                .tail = part->tail,
            };
            return STELE_OK;
        }
    }
    const stele__index *index = index_of(view, position);
    const stele__sealed *sealed = sealed_of(view, position);
    if (!index || !sealed) {
        return stele__fail(reterr, STELE_INTERNAL, "position %" PRIu64 " is in no segment",
                           position);
    }
    *ret_range = (range){.first = sealed->info.first,
                         .last = sealed->info.last,
                         .segment = sealed->segment,
                         .index = index};
    return STELE_OK;
}

/* Makes the reader enter the segment of the event, and finds its offset code: right behind the
 * event before, in the tail, or in the index file. */
static inline stele_status locate(const stele__view *view, stele__locator *locator,
                                  stele__reader *reader, stele_position position,
                                  uint32_t *ret_code, stele_error *reterr)
{
    if (!locator->segment || position > locator->last || position < locator->first ||
        reader->segment != locator->segment) {
        range at;
        STELE_TRY(range_of(view, position, &at, reterr));
        stele__reader_enter(reader, at.segment);
        *locator = (stele__locator){.segment = at.segment,
                                    .first = at.first,
                                    .last = at.last,
                                    .index = at.index,
                                    .tail = at.tail};
    } else if (position == reader->next_position) {
        *ret_code = reader->next_code;
        return STELE_OK;
    }
    if (locator->tail) {
        *ret_code = stele__tail_offset(locator->tail, position);
        return STELE_OK;
    }
    return stele__index_offset_of(locator->index, position, ret_code, reterr);
}

stele_status stele__view_places(const stele__view *view, const stele_position *positions,
                                size_t count, stele__place *ret_places, stele_error *reterr)
{
    range ranges[STELE_BATCH_SIZE];
    STELE_DEBUG_ASSERT(count <= STELE_BATCH_SIZE);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && positions[i] >= ranges[i - 1].first && positions[i] <= ranges[i - 1].last) {
            ranges[i] = ranges[i - 1];
        } else {
            STELE_TRY(range_of(view, positions[i], &ranges[i], reterr));
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (ranges[i].index) {
            stele__index_prefetch_offset(ranges[i].index, positions[i]);
        }
    }
    for (size_t i = 0; i < count; i++) {
        stele__place *place = &ret_places[i];
        place->segment = ranges[i].segment;
        if (ranges[i].tail) {
            place->code = stele__tail_offset(ranges[i].tail, positions[i]);
        } else {
            STELE_TRY(stele__index_offset_of(ranges[i].index, positions[i], &place->code, reterr));
        }
    }
    stele__event_prefetch(ret_places, count);
    return STELE_OK;
}

stele_status stele__view_event(const stele__view *view, stele__locator *locator,
                               stele__reader *reader, stele_position position,
                               const stele__event **ret_event, stele_error *reterr)
{
    uint32_t code;
    STELE_TRY(locate(view, locator, reader, position, &code, reterr));
    return stele__event_read(reader, position, code, ret_event, reterr);
}

stele_status stele__view_frame(const stele__view *view, stele__locator *locator,
                               stele__reader *reader, stele_position position,
                               stele__frame *ret_frame, stele_error *reterr)
{
    uint32_t code;
    STELE_TRY(locate(view, locator, reader, position, &code, reterr));
    return stele__event_frame(reader, position, code, ret_frame, reterr);
}

/* Narrows [*low, *high] to the sealed segment in which a time falls: their times are in the
 * manifest, in memory. */
static void narrow_to_segment(const stele__view *view, stele_time time, stele_position *low,
                              stele_position *high)
{
    for (size_t i = 0; i < view->sealed_count; i++) {
        const stele__index_segment *info = &view->sealed[i].info;
        if (info->last_time < time) {
            *low = info->last + 1;
        } else {
            *high = info->last < *high ? info->last : *high;
            return;
        }
    }
}

stele_status stele__view_time(const stele__view *view, stele__locator *locator,
                              stele__reader *reader, stele_time time, stele_position head,
                              stele_position *ret_position, stele_error *reterr)
{
    stele_position low = 1;
    stele_position high = head + 1;
    narrow_to_segment(view, time, &low, &high);
    while (low < high) {
        const stele_position middle = low + (high - low) / 2;
        const stele__event *event;
        STELE_TRY(stele__view_event(view, locator, reader, middle, &event, reterr));
        if (event->record.time < time) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *ret_position = low;
    return STELE_OK;
}

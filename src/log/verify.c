/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verification: every frame of every segment up to the head is read again (never through a
 * mapping), and what the index files say is compared with what the segments say, both ways: each
 * segment is indexed again in memory, one at a time, and every term of that must be in the index
 * file with the same positions; and the numbers of terms and postings must agree.
 */
#include "log/engine.h"

#include <inttypes.h>

/* An index file of the view, opened once more before anything else: a writer may merge it away at
 * any moment. */
typedef struct held_index {
    stele__index *again; /* NULL: could not be opened */
    bool is_absent;      /* it was not there */
    bool is_missing;     /* … and a manifest that was read afterwards names it all the same */
} held_index;

typedef struct hold {
    stele__view *view; /* a reference */
    held_index *indexes;
} hold;

typedef struct verification {
    stele__log *log;
    stele__view *view; /* of what is held */
    hold held;
    const stele_verify_options *options;
    stele_verify_result *result;
    stele_position head;
    uint64_t bytes_total;
    const char *file; /* being checked, for the callback */
} verification;

static void report(verification *check, const char *file, uint64_t offset, stele_position position,
                   bool is_index, const char *message)
{
    const char *slash = strrchr(file, '/');
    const stele_damage damage = {slash ? slash + 1 : file, offset, position, is_index, message};
    check->result->damage_count++;
    if (check->options->damage) {
        check->options->damage(check->options->context, &damage);
    }
}

static stele_status progress(const verification *check, stele_error *reterr)
{
    if (check->options->progress &&
        check->options->progress(check->options->context, check->result->bytes,
                                 check->result->bytes > check->bytes_total ? check->result->bytes
                                                                           : check->bytes_total)) {
        return stele__fail(reterr, STELE_CANCELLED, "stopped by the caller");
    }
    return STELE_OK;
}

/* Opens a segment of its own for reading without a mapping. */
static stele_status open_unmapped(const verification *check, const stele__segment *known,
                                  stele__segment **ret_segment, stele_error *reterr)
{
    return stele__packing_open(check->log, known->header.number, known->packed != NULL, STELE_PREAD,
                               ret_segment, reterr);
}

/* What a packed segment has beside the frames that were read. */
static stele_status check_packed(verification *check, const stele__sealed *sealed,
                                 const stele__segment *segment, stele_error *reterr)
{
    stele_status status = STELE_OK;
    if (segment->packed) {
        status = stele__packed_check(check->log->alloc, segment, reterr);
    }
    if (status == STELE_CORRUPT) {
        report(check, segment->path, 0, sealed->info.first, false, reterr->message);
        status = STELE_OK;
    }
    return status;
}

/* Reads the frames of a segment up to `end` bytes or the event at `last`, into a part. Stops at the
 * first damage, which is reported. */
static stele_status check_frames(verification *check, stele__segment *segment, uint64_t end,
                                 stele_position last, stele__part *part, stele_error *reterr)
{
    enum { FRAMES_BETWEEN_REPORTS = 4096 };
    stele__reader reader;
    stele_status status = STELE_OK;
    stele__reader_init(&reader, check->log->alloc);
    stele__reader_enter(&reader, segment);
    for (uint64_t frames = 1; status == STELE_OK && part->end < end && part->last < last;
         frames++) {
        stele__frame frame;
        stele__frame_result result;
        const char *why;
        const uint64_t before = part->end;
        status =
            stele__frame_read(&reader, part->end, part->last + 1, &frame, &result, &why, reterr);
        if (status == STELE_OK && result != STELE_FRAME_GOOD) {
            report(check, segment->path, part->end, part->last + 1, false,
                   *why ? why : "zeroes where a frame should be");
            break;
        }
        if (status == STELE_OK) {
            status = stele__scan_add(part, &reader, &frame, reterr);
        }
        if (status == STELE_CORRUPT) {
            report(check, segment->path, before, frame.first, false, reterr->message);
            status = STELE_OK;
            break;
        }
        if (status == STELE_OK) {
            check->result->commits++;
            check->result->events += frame.count;
            check->result->bytes += part->end - before;
            status = frames % FRAMES_BETWEEN_REPORTS == 0 ? progress(check, reterr) : STELE_OK;
        }
    }
    stele__reader_done(&reader);
    return status;
}

/* The postings of one term of a segment against those of the index file. */
static stele_status compare_term(const stele__part *part, const stele__tail_term *term,
                                 const stele__index *index, bool *ret_same, stele_error *reterr)
{
    const stele_text name = stele__tail_name(part->tail, term);
    stele__index_entry entry;
    bool found;
    *ret_same = false;
    STELE_TRY(stele__index_find(index, (stele__term_kind)term->kind, name, term->hash, &entry,
                                &found, reterr));
    if (!found) {
        return STELE_OK;
    }
    stele__index_postings there;
    stele__tail_postings here;
    uint32_t from;
    uint32_t to;
    stele__index_postings_init(&there, index, &entry);
    stele__tail_postings_init(&here, part->tail, term, part->last);
    STELE_TRY(stele__index_rank_of(&there, part->first, &from, reterr));
    STELE_TRY(stele__index_rank_of(&there, part->last + 1, &to, reterr));
    if (to - from != here.count || (term->kind == STELE_TERM_STREAM &&
                                    entry.base_revision + from != term->stream[0].base_revision)) {
        return STELE_OK;
    }
    for (uint32_t rank = 0; rank < here.count; rank++) {
        stele_position position;
        STELE_TRY(stele__index_position_at(&there, from + rank, &position, reterr));
        if (position != stele__tail_position_at(&here, rank)) {
            return STELE_OK;
        }
    }
    *ret_same = true;
    return STELE_OK;
}

static stele_status compare_offsets(const stele__part *part, const stele__index *index,
                                    bool *ret_same, stele_error *reterr)
{
    *ret_same = true;
    for (stele_position position = part->first; position <= part->last && *ret_same; position++) {
        uint32_t code;
        STELE_TRY(stele__index_offset_of(index, position, &code, reterr));
        *ret_same = code == stele__tail_offset(part->tail, position);
    }
    return STELE_OK;
}

static stele_status compare_with_index(const stele__log *log, const stele__part *part,
                                       const stele__index *index, uint64_t *ret_postings,
                                       bool *ret_same, stele_error *reterr)
{
    stele__tail_handle *terms;
    size_t count;
    STELE_TRY(compare_offsets(part, index, ret_same, reterr));
    STELE_TRY(stele__tail_sorted(part->tail, log->alloc, 0, part->last, &terms, &count, reterr));
    stele_status status = STELE_OK;
    for (size_t i = 0; i < count && status == STELE_OK && *ret_same; i++) {
        const stele__tail_term *term = stele__tail_at(part->tail, terms[i]);
        *ret_postings += atomic_load_explicit(&term->count, memory_order_relaxed);
        status = compare_term(part, term, index, ret_same, reterr);
    }
    stele__release(log->alloc, terms, count * sizeof *terms);
    return status;
}

static void index_damage(void *context, uint64_t offset, const char *message)
{
    verification *check = context;
    report(check, check->file, offset, 0, true, message);
}

/* Reads a segment again and compares it with the index file that covers it (NULL: none does). */
static stele_status check_segment(verification *check, const stele__sealed *sealed,
                                  const stele__index *index, uint64_t *ret_postings, bool *ret_same,
                                  stele_error *reterr)
{
    stele__segment *segment = NULL;
    stele__part *part = NULL;
    stele_status status = open_unmapped(check, sealed->segment, &segment, reterr);
    if (status == STELE_CORRUPT || status == STELE_NOT_FOUND) {
        report(check, sealed->segment->path, 0, sealed->info.first, false, reterr->message);
        *ret_same = false;
        return STELE_OK;
    }
    if (status == STELE_OK) {
        status =
            stele__part_create(check->log->alloc, segment, &check->log->hash_key, &part, reterr);
    }
    if (status == STELE_OK) {
        const uint64_t damage = check->result->damage_count;
        status = check_frames(check, segment, sealed->info.bytes, sealed->info.last, part, reterr);
        *ret_same = check->result->damage_count == damage;
        if (status == STELE_OK && *ret_same && part->last != sealed->info.last) {
            report(check, segment->path, part->end, part->last + 1, false,
                   "the segment ends before its last event");
            *ret_same = false;
        }
        if (status == STELE_OK && *ret_same) {
            status = check_packed(check, sealed, segment, reterr);
        }
    }
    if (status == STELE_OK && *ret_same &&
        (sealed->info.absent & ~stele__tail_absent(part->tail)) != 0) {
        report(check, segment->path, 0, sealed->info.first, true,
               "the manifest says that no such names occur in the segment as do");
        *ret_same = false;
    }
    if (status == STELE_OK && *ret_same) {
        status = compare_with_index(check->log, part, index, ret_postings, ret_same, reterr);
        if (status == STELE_CORRUPT || (status == STELE_OK && !*ret_same)) {
            *ret_same = false;
            report(check, check->file, 0, sealed->info.first, true,
                   status == STELE_CORRUPT ? reterr->message
                                           : "the index file does not agree with its segment");
            status = STELE_OK;
        }
    }
    stele__part_unref(part);
    stele__segment_unref(segment);
    return status;
}

/* The index file itself. *ret_sound: nothing is wrong with it. */
static stele_status check_index(verification *check, size_t number, bool *ret_sound,
                                stele_error *reterr)
{
    stele__index *index = check->view->indexes[number];
    stele_error error;
    check->file = stele__index_path(index);
    const held_index *held = &check->held.indexes[number];
    if (held->is_missing) {
        *ret_sound = false;
        report(check, check->file, 0, stele__index_first(index), true, "the index file is missing");
        return STELE_OK;
    }
    const stele_status status =
        held->again ? stele__index_check_again(held->again, index_damage, check, &error)
                    : stele__index_check(index, index_damage, check, &error);
    *ret_sound = status == STELE_OK;
    if (status == STELE_NOT_FOUND) {
        stele__log_say(check->log, STELE_LOG_NOTICE,
                       "verify: %s was replaced before it could be read", check->file);
    } else if (status != STELE_OK && status != STELE_CORRUPT) {
        if (reterr) {
            *reterr = error;
        }
        return status;
    }
    return STELE_OK;
}

static stele_status check_sealed(verification *check, stele_error *reterr)
{
    const stele__view *view = check->view;
    size_t s = 0;
    for (size_t i = 0; i < view->index_count; i++) {
        const stele__index *index = view->indexes[i];
        uint64_t postings = 0;
        bool is_sound;
        bool all_same = true;
        STELE_TRY(check_index(check, i, &is_sound, reterr));
        for (; s < view->sealed_count && view->sealed[s].info.last <= stele__index_last(index);
             s++) {
            bool same = true;
            STELE_TRY(check_segment(check, &view->sealed[s], index, &postings, &same, reterr));
            all_same &= same;
            STELE_TRY(progress(check, reterr));
        }
        if (is_sound && all_same && postings != stele__index_posting_count(index)) {
            report(check, check->file, 0, stele__index_first(index), true,
                   "the index file has postings that no event has");
        }
    }
    return STELE_OK;
}

static stele_status check_parts(verification *check, stele_error *reterr)
{
    const stele__view *view = check->view;
    for (size_t i = 0; i < view->part_count; i++) {
        stele__segment *segment = NULL;
        stele__part *part = NULL;
        if (view->parts[i]->first > check->head) {
            break;
        }
        stele_status status = open_unmapped(check, view->parts[i]->segment, &segment, reterr);
        if (status == STELE_CORRUPT || status == STELE_NOT_FOUND) {
            report(check, view->parts[i]->segment->path, 0, view->parts[i]->first, false,
                   reterr->message);
            continue;
        }
        STELE_TRY(status);
        status =
            stele__part_create(check->log->alloc, segment, &check->log->hash_key, &part, reterr);
        const stele_position wanted =
            i + 1 < view->part_count && view->parts[i + 1]->first <= check->head
                ? view->parts[i + 1]->first - 1
                : check->head;
        if (status == STELE_OK) {
            status = check_frames(check, segment, segment->size, wanted, part, reterr);
        }
        if (status == STELE_OK && part->last < wanted && check->result->damage_count == 0) {
            report(check, segment->path, part->end, part->last + 1, false,
                   "the segment ends before the head");
        }
        stele__part_unref(part);
        stele__segment_unref(segment);
        STELE_TRY(status);
        STELE_TRY(progress(check, reterr));
    }
    return STELE_OK;
}

static void let_go(const stele_alloc *alloc, hold *held)
{
    for (size_t i = 0; held->indexes && i < held->view->index_count; i++) {
        stele__index_unref(held->indexes[i].again);
    }
    if (held->indexes) {
        stele__release(alloc, held->indexes, held->view->index_count * sizeof(held_index));
    }
    stele__view_unref(held->view);
    *held = (hold){.view = NULL};
}

/* Takes over what was held of an index file before. */
static bool take_over(hold *before, const stele__index *index, held_index *held)
{
    for (size_t i = 0; before->indexes && i < before->view->index_count; i++) {
        if (before->view->indexes[i] == index) {
            *held = before->indexes[i];
            held->is_missing = held->is_absent;
            before->indexes[i].again = NULL;
            return true;
        }
    }
    return false;
}

/* Opens the index files of a view. *ret_has_vanished: one was not there that was not looked for
 * before. */
static stele_status open_indexes(hold *before, hold *held, bool *ret_has_vanished,
                                 stele_error *reterr)
{
    for (size_t i = 0; i < held->view->index_count; i++) {
        const stele__index *index = held->view->indexes[i];
        held_index *entry = &held->indexes[i];
        if (take_over(before, index, entry)) {
            continue;
        }
        const stele_status status = stele__index_reopen(index, &entry->again, reterr);
        entry->is_absent = status == STELE_NOT_FOUND;
        *ret_has_vanished |= entry->is_absent;
        if (status != STELE_OK && status != STELE_NOT_FOUND && status != STELE_CORRUPT) {
            return status;
        }
    }
    return STELE_OK;
}

/*
 * Takes the present view and opens its index files; those that are held already stay so, and a file
 * that was not there before and is still in the view is missing: who merges a file away writes that
 * down in the manifest first, and this view is of a manifest that was read since (or, with a
 * writer, installed).
 */
static stele_status take_hold(verification *check, bool *ret_has_vanished, stele_error *reterr)
{
    stele__log *log = check->log;
    hold held = {.view = NULL};
    *ret_has_vanished = false;
    if (!log->is_writer) {
        STELE_TRY(stele__follow_anew(log, reterr));
    }
    held.view = stele__log_view(log, &check->head);
    stele_status status = STELE_OK;
    if (held.view->index_count > 0) {
        held.indexes =
            stele__allocate_zero(log->alloc, held.view->index_count * sizeof(held_index));
        status = held.indexes ? open_indexes(&check->held, &held, ret_has_vanished, reterr)
                              : stele__fail_memory(reterr);
    }
    let_go(log->alloc, &check->held);
    check->held = held;
    check->view = held.view;
    return status;
}

static stele_status verify(verification *check, stele_error *reterr)
{
    /* Each round but the first needs a merge that replaced, meanwhile, a file of the round before,
     * and opens only what is new since. So there are seldom more than two, and who is outrun by so
     * many merges reads all but the index files that are gone by now. */
    enum { ROUNDS_MAX = 100 };
    bool has_vanished = true;
    if (check->log->is_writer) {
        STELE_TRY(stele__rebuild_all(check->log, reterr)); /* there is nothing to compare else */
    }
    for (unsigned round = 0; round < ROUNDS_MAX && has_vanished; round++) {
        STELE_TRY(take_hold(check, &has_vanished, reterr));
    }
    for (size_t i = 0; i < check->view->sealed_count; i++) {
        check->bytes_total += check->view->sealed[i].info.bytes;
    }
    STELE_TRY(check_sealed(check, reterr));
    return check_parts(check, reterr);
}

stele_status stele__log_verify(stele__log *log, const stele_verify_options *options,
                               stele_verify_result *ret_result, stele_error *reterr)
{
    stele_verify_result result = {.events = 0};
    verification check = {.log = log, .options = options, .result = &result};
    const stele_status status = verify(&check, reterr);
    let_go(log->alloc, &check.held);
    STELE_TRY(status);
    *ret_result = result;
    if (result.damage_count > 0) {
        (void)stele__fail(reterr, STELE_CORRUPT, "%" PRIu64 " damaged places", result.damage_count);
        stele__hint(
            reterr,
            "damaged index files are built again at the next opening for writing; damaged segments "
            "need a backup");
        return STELE_CORRUPT;
    }
    return STELE_OK;
}

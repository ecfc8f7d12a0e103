/* SPDX-License-Identifier: Apache-2.0 */
/* Recovery of the live segments: where the log ends, and whether that is a torn tail or rot. The
 * rules R1 … stand in recover.c. */
#include "log/recovery.h"

#include <errno.h>
#include <inttypes.h>

enum { SEGMENT_SIZE_FIRST = 1 << 20, ZERO_CHUNK = 1 << 16 };

/* ---- live segments */

static stele_status rot(const stele__segment *segment, uint64_t offset, stele_position position,
                        const char *why, stele_error *reterr)
{
    (void)stele__fail(reterr, STELE_CORRUPT,
                      "position %" PRIu64 " was durable and is damaged: %s, offset %" PRIu64 ": %s",
                      position, segment->path, offset, *why ? why : "zeroes");
    stele__hint(reterr, "restore a backup, or read what is left with `stele export --salvage`");
    return STELE_CORRUPT;
}

static const uint8_t zeroes[ZERO_CHUNK];

/* Looks behind a bad place for good frames, and whether one of them knew `position` to be durable.
 */
static stele_status find_evidence(stele__reader *reader, uint64_t offset, stele_position position,
                                  bool *ret_is_rot, bool *ret_good_frames, stele_error *reterr)
{
    const stele__segment *segment = reader->segment;
    stele__buffer chunk = {.alloc = reader->alloc};
    stele_status status = STELE_OK;
    while (offset < segment->size && status == STELE_OK && !*ret_is_rot) {
        const uint8_t *bytes;
        size_t size;
        status = stele__segment_bytes(segment, offset, ZERO_CHUNK, &chunk, &bytes, &size, reterr);
        uint64_t skip = size;
        const bool is_empty = status == STELE_OK && memcmp(bytes, zeroes, size) == 0;
        for (size_t i = 0; status == STELE_OK && !is_empty && i < size; i++) {
            /* Frames that follow have a size below 2^29 and few flags: most places drop out here.
             */
            if (i + STELE_FRAME_PREFIX < size &&
                (bytes[i + 3] >= 0x20 || bytes[i + STELE_FRAME_PREFIX] > 3 ||
                 (bytes[i] | bytes[i + 1] | bytes[i + 2] | bytes[i + 3]) == 0)) {
                continue;
            }
            stele__frame frame;
            stele__frame_result result;
            const char *why;
            status = stele__frame_read(reader, offset + i, 0, &frame, &result, &why, reterr);
            if (status == STELE_OK && result == STELE_FRAME_GOOD && frame.first > position) {
                *ret_good_frames = true;
                *ret_is_rot = frame.synced >= position;
                skip = frame.end - offset;
                break;
            }
        }
        offset += skip;
    }
    stele__buffer_done(&chunk);
    return status;
}

/* Scans one live segment up to its end. `*ret_why`: what is wrong with the place behind it. */
static stele_status scan_live(stele__recovery *state, stele__part *part, stele__reader *reader,
                              const char **ret_why, stele_error *reterr)
{
    for (;;) {
        stele__frame frame;
        stele__frame_result result;
        STELE_TRY(
            stele__frame_read(reader, part->end, part->last + 1, &frame, &result, ret_why, reterr));
        if (result != STELE_FRAME_GOOD) {
            return STELE_OK;
        }
        STELE_TRY(stele__scan_add(part, reader, &frame, reterr));
        state->synced = frame.synced > state->synced ? frame.synced : state->synced;
    }
}

/* Writes again what may not be on the disk (R3). */
static stele_status write_again(const stele__recovery *state, stele__part *part,
                                stele_error *reterr)
{
    const stele__log *log = state->log;
    stele__segment *segment = part->segment;
    stele__buffer chunk = {.alloc = log->alloc};
    uint64_t offset = 0;
    stele_status status = STELE_OK;
    int error = 0;
    if (state->synced >= part->last) {
        return STELE_OK;
    }
    if (state->synced >= part->first) {
        const uint32_t code = stele__tail_offset(part->tail, state->synced + 1);
        offset = code & 1 ? 0 : code >> 1;
    }
    while (offset < part->end && status == STELE_OK && !error) {
        const uint8_t *bytes;
        size_t size = ZERO_CHUNK < part->end - offset ? ZERO_CHUNK : (size_t)(part->end - offset);
        status = stele__segment_bytes(segment, offset, size, &chunk, &bytes, &size, reterr);
        if (status == STELE_OK) {
            error = log->vfs->write(segment->file, offset, bytes, size);
        }
        offset += size;
    }
    stele__buffer_done(&chunk);
    return error ? stele__fail_os(reterr, STELE_IO, error, "cannot write the tail of %s again",
                                  segment->path)
                 : status;
}

/* Overwrites with zeroes what stands behind the end of the log (R2). */
static stele_status wipe(stele__log *log, stele__part *part, stele_error *reterr)
{
    stele__segment *segment = part->segment;
    stele__buffer chunk = {.alloc = log->alloc};
    stele_status status = STELE_OK;
    int error = 0;
    for (uint64_t offset = part->end; offset < segment->size && status == STELE_OK && !error;
         offset += ZERO_CHUNK) {
        const uint8_t *bytes;
        size_t size;
        status = stele__segment_bytes(segment, offset, ZERO_CHUNK, &chunk, &bytes, &size, reterr);
        if (status == STELE_OK && memcmp(bytes, zeroes, size) != 0) {
            atomic_fetch_add_explicit(&log->recovered_bytes, size, memory_order_relaxed);
            error = log->vfs->write(segment->file, offset, zeroes, size);
        }
    }
    stele__buffer_done(&chunk);
    return error ? stele__fail_os(reterr, STELE_IO, error, "cannot clean the tail of %s",
                                  segment->path)
                 : status;
}

/* Makes room again in a segment that was trimmed when the store was closed. It is no loss if there
 * is no space. */
static void extend(stele__log *log, const char *name)
{
    stele__buffer path = {.alloc = log->alloc};
    stele_file *file = NULL;
    uint64_t size = 0;
    if (stele__log_path(log, name, &path, NULL) == STELE_OK &&
        log->vfs->open(log->vfs, (const char *)path.data, STELE_FILE_WRITE, &file) == 0) {
        uint64_t wanted = log->options.segment_bytes < SEGMENT_SIZE_FIRST
                              ? log->options.segment_bytes
                              : SEGMENT_SIZE_FIRST;
        if (log->vfs->size(file, &size) == 0) {
            while (wanted < size + size / 4 && wanted < log->options.segment_bytes) {
                wanted *= 2;
            }
            if (size < wanted && log->vfs->allocate(file, wanted) != 0) {
                (void)log->vfs->truncate(file, size);
            }
        }
        log->vfs->close(file);
    }
    stele__buffer_done(&path);
}

static stele_status add_part(stele__recovery *state, stele__part *part, stele_error *reterr)
{
    if (!stele__reserve(state->log->alloc, (void **)&state->parts, &state->part_capacity,
                        state->part_count + 1, sizeof *state->parts)) {
        return stele__fail_memory(reterr);
    }
    state->parts[state->part_count++] = stele__part_ref(part);
    return STELE_OK;
}

/* A header that makes no sense, where frames say what it should be: rebuilt, to look at the frames
 * behind it. */
static stele_status judge_header(stele__recovery *state, uint64_t number, const stele_error *found,
                                 stele_error *reterr)
{
    stele__log *log = state->log;
    stele__buffer path = {.alloc = log->alloc};
    stele__segment segment = {.alloc = log->alloc, .vfs = log->vfs};
    char name[STELE_FILE_NAME_SIZE];
    bool is_rot = false;
    bool good_frames = false;
    stele__segment_file_name(number, name);
    STELE_TRY(stele__log_path(log, name, &path, reterr));
    segment.path = (char *)path.data;
    const stele__segment_header header = {.store = log->store,
                                          .hash_key = log->hash_key,
                                          .number = number,
                                          .first = state->next};
    stele__segment_begin(&segment, &header);
    atomic_init(&segment.refs, 2); /* it stands on the stack: nobody may free it */
    int error = log->vfs->open(log->vfs, segment.path, STELE_FILE_READ, &segment.file);
    error = error ? error : log->vfs->size(segment.file, &segment.size);
    stele_status status =
        error ? stele__fail_os(reterr, STELE_IO, error, "cannot read %s", segment.path) : STELE_OK;
    if (status == STELE_OK) {
        stele__reader reader;
        stele__frame frame;
        stele__frame_result result;
        const char *why;
        stele__reader_init(&reader, log->alloc);
        stele__reader_enter(&reader, &segment);
        status = stele__frame_read(&reader, STELE_SEGMENT_HEADER_SIZE, state->next, &frame, &result,
                                   &why, reterr);
        is_rot = status == STELE_OK && result == STELE_FRAME_GOOD;
        if (status == STELE_OK && !is_rot) {
            status = find_evidence(&reader, STELE_SEGMENT_HEADER_SIZE, state->next, &is_rot,
                                   &good_frames, reterr);
        }
        stele__reader_done(&reader);
    }
    if (segment.file) {
        log->vfs->close(segment.file);
    }
    stele__buffer_done(&path);
    if (status == STELE_OK && is_rot) {
        return stele__fail(reterr, STELE_CORRUPT, "%s, but good frames follow its header",
                           found->message);
    }
    return status;
}

/* The number of the first segment that is not sealed. */
static uint64_t first_live(const stele__log *log)
{
    const stele__manifest *manifest = &log->manifest;
    return manifest->segment_count ? manifest->segments[manifest->segment_count - 1].number + 1 : 1;
}

/* Whether a segment behind the end of the log knew that the end was durable. */
static stele_status judge_follower(stele__recovery *state, uint64_t number, stele_position position,
                                   bool *ret_is_rot, stele_error *reterr)
{
    stele__log *log = state->log;
    stele__segment *segment = NULL;
    stele_error error;
    const stele_status opened = stele__segment_open(log->alloc, log->vfs, log->folder, number,
                                                    STELE_PREAD, false, &segment, &error);
    if (opened == STELE_NOT_FOUND || opened == STELE_CORRUPT) {
        return STELE_OK; /* unused, or itself torn */
    }
    if (opened != STELE_OK) {
        if (reterr) {
            *reterr = error;
        }
        return opened;
    }
    stele__reader reader;
    stele__reader_init(&reader, log->alloc);
    stele__reader_enter(&reader, segment);
    const stele_status status = find_evidence(&reader, STELE_SEGMENT_HEADER_SIZE, position,
                                              ret_is_rot, &state->lost_good_frames, reterr);
    stele__reader_done(&reader);
    stele__segment_unref(segment);
    return status;
}

/* Decides what the end of a part is. Everything behind it goes, unless it was durable. */
static stele_status judge_end(stele__recovery *state, stele__part *part, stele__reader *reader,
                              size_t next_file, const char *why, stele_error *reterr)
{
    stele__log *log = state->log;
    const stele_position position = part->last + 1;
    bool is_rot = log->manifest.is_clean && position <= log->manifest.end_position;
    if (!is_rot) { /* zeroes, too, may be a hole with durable frames behind it */
        STELE_TRY(
            find_evidence(reader, part->end, position, &is_rot, &state->lost_good_frames, reterr));
    }
    for (size_t i = next_file; i < state->log_count && !is_rot; i++) {
        STELE_TRY(judge_follower(state, state->logs[i], position, &is_rot, reterr));
    }
    return is_rot ? rot(part->segment, part->end, position, why, reterr) : STELE_OK;
}

/* Scans the live segment in file number `file` of the folder. `*ret_is_end`: the log ends in it or
 * before it. */
static stele_status recover_segment(stele__recovery *state, size_t file, bool *ret_is_end,
                                    stele_error *reterr)
{
    stele__log *log = state->log;
    const uint64_t number = state->logs[file];
    stele__segment *segment = NULL;
    stele__part *part = NULL;
    stele_error found;
    stele_status status = stele__segment_open(log->alloc, log->vfs, log->folder, number,
                                              log->options.mapping, true, &segment, &found);
    *ret_is_end = true;
    if (status == STELE_CORRUPT ||
        status == STELE_NOT_FOUND) { /* not found: reserved and unused, or so it looks */
        return judge_header(state, number, &found, reterr);
    }
    if (status != STELE_OK) {
        if (reterr) {
            *reterr = found;
        }
        return status;
    }
    status = stele__recover_check_header(log, segment, state->next, reterr);
    if (status == STELE_OK) {
        status = stele__part_create(log->alloc, segment, &log->hash_key, &part, reterr);
    }
    if (status == STELE_OK) {
        stele__reader reader;
        const char *why = "";
        stele__reader_init(&reader, log->alloc);
        stele__reader_enter(&reader, segment);
        stele__segment_will_read(segment, 0, UINT64_MAX);
        status = scan_live(state, part, &reader, &why, reterr);
        /* The log goes on in the next file if that begins where this one ends. */
        bool goes_on = false;
        if (status == STELE_OK && file + 1 < state->log_count && part->last >= part->first) {
            stele__segment *next = NULL;
            stele_error ignored;
            const stele_status opened =
                stele__segment_open(log->alloc, log->vfs, log->folder, state->logs[file + 1],
                                    STELE_PREAD, false, &next, &ignored);
            goes_on = opened == STELE_OK && next->header.first == part->last + 1;
            stele__segment_unref(next);
        }
        if (status == STELE_OK && !goes_on) {
            status = judge_end(state, part, &reader, file + 1, why, reterr);
        }
        *ret_is_end = !goes_on;
        stele__reader_done(&reader);
    }
    if (status == STELE_OK && part->last >= part->first) {
        state->next = part->last + 1;
        status = add_part(state, part, reterr);
    }
    stele__part_unref(part);
    stele__segment_unref(segment);
    return status;
}

stele_status stele__recover_remove_file(stele__log *log, const char *name, stele_error *reterr)
{
    stele__buffer path = {.alloc = log->alloc};
    stele_status status = stele__log_path(log, name, &path, reterr);
    if (status == STELE_OK) {
        const int error = log->vfs->remove(log->vfs, (const char *)path.data);
        if (error && error != ENOENT) {
            status = stele__fail_os(reterr, STELE_IO, error, "cannot remove %s",
                                    (const char *)path.data);
        }
    }
    stele__buffer_done(&path);
    return status;
}

/* Removes the segments behind the last part: reserved ones, and what a crash left of lost ones. */
static stele_status remove_followers(stele__recovery *state, stele_error *reterr)
{
    stele__log *log = state->log;
    const uint64_t last = state->part_count
                              ? state->parts[state->part_count - 1]->segment->header.number
                              : first_live(log) - 1;
    for (size_t i = 0; i < state->log_count; i++) {
        if (state->logs[i] > last) {
            char name[STELE_FILE_NAME_SIZE];
            stele__segment_file_name(state->logs[i], name);
            STELE_TRY(stele__recover_remove_file(log, name, reterr));
        }
    }
    log->reserve_number = last + 1;
    return STELE_OK;
}

stele_status stele__recover_live(stele__recovery *state, stele_error *reterr)
{
    stele__log *log = state->log;
    size_t file = 0;
    while (file < state->log_count && state->logs[file] < first_live(log)) {
        file++;
    }
    const size_t first_file = file;
    if (first_file < state->log_count) {
        char name[STELE_FILE_NAME_SIZE];
        stele__segment_file_name(state->logs[state->log_count - 1], name);
        extend(log, name);
    }
    bool is_end = false;
    for (; file < state->log_count && !is_end; file++) {
        STELE_TRY(recover_segment(state, file, &is_end, reterr));
    }
    if (log->manifest.is_clean && state->next - 1 < log->manifest.end_position) {
        (void)stele__fail(reterr, STELE_CORRUPT,
                          "the store was closed at position %" PRIu64
                          ", but its segments end with %" PRIu64,
                          log->manifest.end_position, state->next - 1);
        stele__hint(reterr, "a segment is missing; restore a backup");
        return STELE_CORRUPT;
    }
    for (size_t i = 0; i < state->part_count; i++) {
        stele__part *part = state->parts[i];
        STELE_TRY(STELE_CANARY_IS(8) ? STELE_OK : write_again(state, part, reterr));
        STELE_TRY(STELE_CANARY_IS(9) ? STELE_OK : wipe(log, part, reterr));
        const int error = STELE_CANARY_IS(5) ? 0 : log->vfs->sync(part->segment->file);
        if (error) {
            return stele__fail_os(reterr, STELE_IO, error, "cannot sync %s", part->segment->path);
        }
    }
    return remove_followers(state, reterr);
}

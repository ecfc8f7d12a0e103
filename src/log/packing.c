/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packed segments of a store: opening whichever form of a segment there is, and packing those that
 * are sealed, a piece at a time, so that who needs the maintenance lock does not wait for long.
 *
 * P1  A packed file is synced before the manifest says that the segment is packed, and its name is,
 * with that of the manifest, before the plain file is removed. So one of them is always there and
 * whole: the one that the manifest says, or, if that is not there, the other.
 *
 * P2  A segment that cannot be packed is left as it is and not tried again by this handle: one that
 * would not get smaller, one that is damaged, and one whose new manifest could not be written,
 * since that may stand on the disk all the same and name the file.
 */
#include "log/maintain.h"

#include <inttypes.h>

enum { PIECE = 256 << 10, SAMPLES_MAX = 64 };

stele_status stele__packing_open(stele__log *log, uint64_t number, bool is_packed,
                                 stele_mapping mapping, stele__segment **ret_segment,
                                 stele_error *reterr)
{
    stele_error error;
    stele_status status = STELE_OK;
    for (unsigned attempt = 0; attempt < 2; attempt++) {
        status = is_packed != (attempt > 0)
                     ? stele__packed_open(log->alloc, log->vfs, log->folder, number, mapping,
                                          &log->packed_cache, ret_segment, &error)
                     : stele__segment_open(log->alloc, log->vfs, log->folder, number, mapping,
                                           false, ret_segment, &error);
        if (status != STELE_NOT_FOUND || error.detail != STELE_NOT_FOUND_STORE) {
            break; /* it is there, or was reserved and not used */
        }
    }
    if (status != STELE_OK && reterr) {
        *reterr = error;
    }
    return status;
}

/* ---- which one */

stele__codec stele__packing_codec(stele_compression compression)
{
    return compression == STELE_COMPRESS_SMALL ? STELE_CODEC_ZSTD : STELE_CODEC_LZ4;
}

static const stele__sealed *find_plain(const stele__view *view)
{
    for (size_t i = 0; i < view->sealed_count; i++) {
        stele__segment *segment = view->sealed[i].segment;
        if (!segment->packed &&
            !atomic_load_explicit(&segment->is_unpackable, memory_order_relaxed)) {
            return &view->sealed[i];
        }
    }
    return NULL;
}

bool stele__packing_is_due(stele__log *log)
{
    stele__view *view = stele__maintain_view(log);
    const bool is_due = log->options.compression != STELE_NO_COMPRESSION && find_plain(view);
    stele__view_unref(view);
    return is_due;
}

/* The dictionary: what stands in places all over the segment. Where they are says the index file;
 * with a missing or damaged one there are fewer. */
static stele_status take_samples(const stele__log *log, const stele__view *view,
                                 const stele__sealed *sealed, stele_error *reterr)
{
    const stele__index_segment *info = &sealed->info;
    const uint64_t count = info->last - info->first + 1;
    stele__locator locator = {.segment = NULL};
    stele__reader reader;
    bool is_full = false;
    stele_status status =
        stele__packer_sample(log->packer, STELE_SEGMENT_HEADER_SIZE, &is_full, reterr);
    stele__reader_init(&reader, log->alloc);
    for (uint64_t i = 1; i < SAMPLES_MAX && i < count && !is_full && status == STELE_OK; i++) {
        stele_error error;
        stele__frame frame;
        status = stele__view_frame(view, &locator, &reader, info->first + count * i / SAMPLES_MAX,
                                   &frame, &error);
        if (status == STELE_OK) {
            status = stele__packer_sample(log->packer, frame.offset, &is_full, reterr);
        } else if (error.detail == STELE_CORRUPT_INDEX) {
            status = STELE_OK;
            break;
        } else if (reterr) {
            *reterr = error;
        }
    }
    stele__reader_done(&reader);
    return status;
}

static stele_status begin(stele__log *log, const stele__view *view, bool *ret_began,
                          stele_error *reterr)
{
    const stele__sealed *sealed = find_plain(view);
    *ret_began = sealed != NULL;
    if (!sealed) {
        return STELE_OK;
    }
    STELE_TRY(stele__packer_create(log->alloc, log->folder, sealed->segment, sealed->info.bytes,
                                   stele__packing_codec(log->options.compression), &log->packer,
                                   reterr));
    return take_samples(log, view, sealed, reterr);
}

/* ---- taking over */

/* The present view with the packed segment in the place of the plain one. Sequencer's lock held. */
static stele_status make_view(stele__log *log, const stele__view *old, stele__segment *packed,
                              stele__view **ret_view, stele_error *reterr)
{
    stele__view *view;
    STELE_TRY(stele__view_create(log->alloc, old->sealed_count, old->index_count, old->part_count,
                                 &view, reterr));
    for (size_t i = 0; i < old->sealed_count; i++) {
        stele__index_segment info = old->sealed[i].info;
        const bool is_it = info.number == packed->header.number;
        if (is_it) {
            info.packed_bytes = stele__packed_file_size(packed->packed);
        }
        stele__view_add_sealed(view, &info, is_it ? packed : old->sealed[i].segment);
    }
    for (size_t i = 0; i < old->index_count; i++) {
        stele__view_add_index(view, old->indexes[i]);
    }
    for (size_t i = 0; i < old->part_count; i++) {
        stele__view_add_part(view, old->parts[i]);
    }
    *ret_view = view;
    return STELE_OK;
}

static stele_status install(stele__log *log, stele__segment *packed, stele_error *reterr)
{
    stele__view *view = NULL;
    stele__lock(&log->lock);
    const stele_status status = make_view(log, log->view, packed, &view, reterr);
    if (status == STELE_OK) {
        stele__log_install(log, view);
    }
    stele__unlock(&log->lock);
    return status;
}

/* Makes the manifest name the packed file. */
static stele_status name_packed(stele__log *log, uint64_t bytes, stele_error *reterr)
{
    stele__segment *source = stele__packer_source(log->packer);
    stele__manifest next;
    stele__manifest_init(&next, log->alloc);
    STELE_TRY(stele__manifest_copy(&log->manifest, &next, reterr));
    stele__manifest_set_packed(&next, source->header.number, bytes);
    /* Whatever comes of it: the file must neither go nor be written again. */
    stele__packer_keep(log->packer);
    atomic_store_explicit(&source->is_unpackable, true, memory_order_relaxed);
    return stele__maintain_replace_manifest(log, &next, reterr);
}

static stele_status finish(stele__log *log, stele_error *reterr)
{
    stele__segment *source = stele__packer_source(log->packer);
    stele__segment *packed = NULL;
    uint64_t bytes = 0;
    STELE_TRY(stele__packer_finish(log->packer, &bytes, reterr));
    STELE_TRY(stele__packed_open(log->alloc, log->vfs, log->folder, source->header.number,
                                 log->options.mapping, &log->packed_cache, &packed, reterr));
    if (STELE_CANARY_IS(21)) {
        (void)log->vfs->remove(log->vfs, source->path);
    }
    stele_status status = name_packed(log, bytes, reterr);
    if (status == STELE_OK) {
        status = install(log, packed, reterr);
    }
    stele__segment_unref(packed);
    if (status == STELE_OK) {
        /* If this fails the file is an orphan, which the next opening removes. */
        (void)log->vfs->remove(log->vfs, source->path);
    }
    return status;
}

/* ---- steps */

static stele_status do_piece(stele__log *log, bool *ret_did, stele_error *reterr)
{
    bool more = true;
    *ret_did = true;
    if (!log->packer) {
        stele__view *view = stele__maintain_view(log);
        const stele_status status = begin(log, view, ret_did, reterr);
        stele__view_unref(view);
        return status;
    }
    STELE_TRY(stele__packer_step(log->packer, PIECE, &more, reterr));
    if (more) {
        return STELE_OK;
    }
    STELE_TRY(finish(log, reterr));
    stele__packer_free(log->packer);
    log->packer = NULL;
    return STELE_OK;
}

/* Maintenance lock held. */
static stele_status step(stele__log *log, bool *ret_did, stele_error *reterr)
{
    stele_error error;
    stele_status status = do_piece(log, ret_did, &error);
    if (status == STELE_OK) {
        return STELE_OK;
    }
    if (log->packer && (status == STELE_UNSUPPORTED || status == STELE_CORRUPT)) {
        atomic_store_explicit(&stele__packer_source(log->packer)->is_unpackable, true,
                              memory_order_relaxed);
        stele__log_say(log, status == STELE_CORRUPT ? STELE_LOG_WARNING : STELE_LOG_NOTICE,
                       "a segment is not packed: %s", error.message);
        status = STELE_OK;
    }
    stele__packer_free(log->packer);
    log->packer = NULL;
    if (status != STELE_OK && reterr) {
        *reterr = error;
    }
    return status;
}

stele_status stele__packing_step(stele__log *log, bool *ret_did, stele_error *reterr)
{
    *ret_did = false;
    if (log->options.compression == STELE_NO_COMPRESSION) {
        return STELE_OK;
    }
    stele__lock(&log->maintenance);
    const stele_status status = step(log, ret_did, reterr);
    stele__unlock(&log->maintenance);
    return status;
}

stele_status stele__packing_all(stele__log *log, stele_error *reterr)
{
    stele_status status = STELE_OK;
    for (bool did = true; did && status == STELE_OK;) {
        status = stele__packing_step(log, &did, reterr);
    }
    return status;
}

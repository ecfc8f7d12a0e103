/* SPDX-License-Identifier: Apache-2.0 */
/*
 * States that are kept, in the cache and in snapshots: the same bytes in both.
 *
 *      0  2  form, 1            40  8  time of the first event
 *      2  2  0                  48  8  time of the last event
 *      4  4  schema version     56  8  version of the newest snapshot
 *      8  8  version            64  8  time of the newest snapshot
 *     16  8  first revision     72  4  0
 *     24  8  revision           76  4  CRC-32C of all but this
 *     32  8  position           80     the state, as the fold saves it
 */
#include "domain/parts.h"

#include <stdio.h>

enum { FORM = 1, HEADER_SIZE = 80, CRC_AT = 76 };

#define SNAPSHOT_TYPE "$snapshot"

static bool write_kept(const stele_domain *domain, const stele_fold *fold, const void *state,
                       const stele__kept *kept, stele_writer *to)
{
    uint8_t header[HEADER_SIZE] = {FORM};
    stele_error error;
    (void)domain;
    stele__store32(header + 4, fold->schema_version);
    stele__store64(header + 8, kept->version);
    stele__store64(header + 16, kept->first_revision);
    stele__store64(header + 24, kept->revision);
    stele__store64(header + 32, kept->position);
    stele__store64(header + 40, (uint64_t)kept->first_time);
    stele__store64(header + 48, (uint64_t)kept->last_time);
    stele__store64(header + 56, kept->snapshot_version);
    stele__store64(header + 64, (uint64_t)kept->snapshot_time);
    (void)stele_write(to, header, sizeof header);
    if (stele_fold_save(fold, state, to, &error) != STELE_OK || to->has_failed) {
        return false;
    }
    uint32_t crc = stele__crc32c(0, to->data, CRC_AT);
    crc = stele__crc32c(crc, to->data + HEADER_SIZE, to->size - HEADER_SIZE);
    stele__store32((uint8_t *)to->data + CRC_AT, crc);
    return true;
}

typedef enum reading { USABLE, OUTDATED, DAMAGED } reading;

static reading read_kept(const stele_fold *fold, const void *bytes, size_t size, void *state,
                         stele__kept *ret_kept)
{
    const uint8_t *at = bytes;
    stele_error error;
    if (size < HEADER_SIZE || stele__load16(at) != FORM) {
        return DAMAGED;
    }
    const uint32_t crc = stele__crc32c(0, at, CRC_AT);
    if (stele__crc32c(crc, at + HEADER_SIZE, size - HEADER_SIZE) != stele__load32(at + CRC_AT)) {
        return DAMAGED;
    }
    if (stele__load32(at + 4) != fold->schema_version) {
        return OUTDATED;
    }
    *ret_kept = (stele__kept){.version = stele__load64(at + 8),
                              .first_revision = stele__load64(at + 16),
                              .revision = stele__load64(at + 24),
                              .position = stele__load64(at + 32),
                              .first_time = (stele_time)stele__load64(at + 40),
                              .last_time = (stele_time)stele__load64(at + 48),
                              .snapshot_version = stele__load64(at + 56),
                              .snapshot_time = (stele_time)stele__load64(at + 64)};
    return stele_fold_load(fold, state, at + HEADER_SIZE, size - HEADER_SIZE, &error) == STELE_OK
               ? USABLE
               : DAMAGED;
}

/* ---- the cache */

enum { KEY_SIZE = 2 * STELE_STREAM_NAME_SIZE_MAX + 2 };

static bool key_of(const stele_fold *fold, const char *stream, char ret_key[KEY_SIZE])
{
    const int size = snprintf(ret_key, KEY_SIZE, "%s/%s", fold->name, stream);
    return size > 0 && size < KEY_SIZE;
}

bool stele__kept_from_cache(stele_domain *domain, const stele_fold *fold, const char *stream,
                            void *state, stele__kept *ret_kept)
{
    char few[2048];
    char key[KEY_SIZE];
    stele_error error;
    if (!domain->cache || !key_of(fold, stream, key)) {
        return false;
    }
    stele_writer value = stele_writer_in(few, sizeof few);
    stele_status status = domain->cache->table->get(domain->cache, key, &value, &error);
    if (value.has_failed) { /* it is larger: once more, into memory that grows */
        value = stele_writer_on(domain->alloc);
        status = domain->cache->table->get(domain->cache, key, &value, &error);
    }
    bool is_usable = false;
    if (status == STELE_OK) {
        switch (read_kept(fold, value.data, value.size, state, ret_kept)) {
        case USABLE:
            STELE_COUNT(domain, cache_hits);
            is_usable = true;
            break;
        case OUTDATED:
            STELE_COUNT(domain, cache_outdated);
            break;
        case DAMAGED:
            STELE_COUNT(domain, cache_failures);
            break;
        }
    } else if (status != STELE_NOT_FOUND) {
        STELE_COUNT(domain, cache_failures);
    }
    if (!is_usable) {
        STELE_COUNT(domain, cache_misses);
    }
    stele_writer_done(&value);
    return is_usable;
}

static stele_state_info info_of(const stele_domain *domain, const stele_fold *fold,
                                const char *stream, const void *state, const stele__kept *kept)
{
    return (stele_state_info){.fold = fold,
                              .state = state,
                              .stream = stream,
                              .version = kept->version,
                              .snapshot_version = kept->snapshot_version,
                              .first_time = kept->first_time,
                              .last_time = kept->last_time,
                              .snapshot_time = kept->snapshot_time,
                              .now = domain->clock->now(domain->clock->context)};
}

static bool wants_cache(const stele_domain *domain, const stele_state_info *info)
{
    const stele_caching_policy *policy = &domain->caching;
    const stele_duration age = info->now - info->first_time;
    return info->version >= policy->length_min &&
           (policy->length_max == 0 || info->version <= policy->length_max) &&
           (policy->age_min <= 0 || age >= policy->age_min) &&
           (policy->age_max <= 0 || age <= policy->age_max) &&
           (!policy->wanted || policy->wanted(policy->context, info));
}

static void offer_to_cache(stele_domain *domain, const char *key, const stele_writer *value)
{
    stele_error error;
    if (domain->behind) {
        stele__behind_put(domain->behind, key, value->data, value->size);
    } else if (domain->cache->table->put(domain->cache, key, value->data, value->size, &error) ==
               STELE_OK) {
        STELE_COUNT(domain, cache_puts);
    } else {
        STELE_COUNT(domain, cache_failures);
    }
}

/* ---- snapshots */

static bool has_snapshots(const stele_domain *domain)
{
    const stele_snapshot_policy *policy = &domain->snapshots;
    return policy->every > 0 || policy->age > 0 || policy->wanted;
}

static bool snapshot_stream(const stele_fold *fold, const char *stream, const char *before,
                            char ret_name[STELE_STREAM_NAME_SIZE_MAX + 1])
{
    const int size = snprintf(ret_name, STELE_STREAM_NAME_SIZE_MAX + 1, "%s$snapshot-%s-%s", before,
                              fold->name, stream);
    return size > 0 && size <= STELE_STREAM_NAME_SIZE_MAX;
}

static bool is_after(const stele__kept *kept, const stele_point *as_of)
{
    if (!as_of) {
        return false;
    }
    switch (as_of->kind) {
    case STELE_POINT_START:
        return true;
    case STELE_POINT_REVISION:
        return kept->revision > as_of->value;
    case STELE_POINT_POSITION:
        return kept->position > as_of->value;
    case STELE_POINT_TIME:
        return kept->last_time > (stele_time)as_of->value;
    default:
        return false;
    }
}

bool stele__kept_from_snapshot(stele_domain *domain, const stele_fold *fold, const char *stream,
                               const stele_point *as_of, void *state, stele__kept *ret_kept)
{
    char name[STELE_STREAM_NAME_SIZE_MAX + 1];
    stele_error error;
    if (!has_snapshots(domain) || !snapshot_stream(fold, stream, "", name)) {
        return false;
    }
    const stele_read read = {.stream = name, .direction = STELE_BACKWARDS, .limit = 1};
    stele_cursor *cursor;
    const stele_status status = stele_read_open(domain->store, &read, &cursor, &error);
    if (status == STELE_NOT_FOUND) {
        return false;
    }
    bool is_usable = false;
    const stele_record *event = status == STELE_OK ? stele_cursor_next(cursor, &error) : NULL;
    if (event) {
        const reading result = read_kept(fold, event->data.data, event->data.size, state, ret_kept);
        ret_kept->snapshot_version = ret_kept->version;
        ret_kept->snapshot_time = event->time;
        is_usable = result == USABLE && !is_after(ret_kept, as_of);
        if (result == DAMAGED) {
            STELE_COUNT(domain, snapshot_failures);
        } else if (result == OUTDATED) {
            STELE_COUNT(domain, snapshots_outdated);
        } else if (is_usable) {
            STELE_COUNT(domain, snapshots_used);
        }
    } else if (status != STELE_OK || error.status != STELE_OK) {
        STELE_COUNT(domain, snapshot_failures);
    }
    if (status == STELE_OK) {
        stele_cursor_free(cursor);
    }
    return is_usable;
}

static bool wants_snapshot(const stele_domain *domain, const stele_state_info *info)
{
    const stele_snapshot_policy *policy = &domain->snapshots;
    const stele_time since = info->snapshot_version > 0 ? info->snapshot_time : info->first_time;
    if (info->version <= info->snapshot_version) {
        return false;
    }
    return (policy->every > 0 &&
            info->version / policy->every > info->snapshot_version / policy->every) ||
           (policy->age > 0 && info->now - since >= policy->age) ||
           (policy->wanted && policy->wanted(policy->context, info));
}

static bool keep_newest_only(stele_domain *domain, const stele_fold *fold, const char *stream)
{
    static const char json[] = "{\"$maxCount\":1}";
    const stele_append_options options = {.durability = STELE_DURABLE_NONE};
    char name[STELE_STREAM_NAME_SIZE_MAX + 1];
    stele_error error;
    return snapshot_stream(fold, stream, "", name) &&
           stele_metadata_write(domain->store, name, STELE_ANY, json, sizeof json - 1, &options,
                                NULL, &error) == STELE_OK;
}

static bool take_snapshot(stele_domain *domain, const stele_fold *fold, const char *stream,
                          const stele__kept *kept, const stele_writer *value)
{
    const stele_append_options options = {.durability = STELE_DURABLE_NONE};
    char name[STELE_STREAM_NAME_SIZE_MAX + 1];
    stele_error error;
    const stele_event event = stele_binary_event(SNAPSHOT_TYPE, value->data, value->size);
    return snapshot_stream(fold, stream, "", name) &&
           (kept->snapshot_version > 0 || keep_newest_only(domain, fold, stream)) &&
           stele_append(domain->store, name, STELE_ANY, &event, 1, &options, NULL, &error) ==
               STELE_OK;
}

/* ---- both */

void stele__kept_offer(stele_domain *domain, const stele_fold *fold, const char *stream,
                       const void *state, stele__kept *kept)
{
    if (kept->version == 0 || (!domain->cache && !has_snapshots(domain))) {
        return;
    }
    const stele_state_info info = info_of(domain, fold, stream, state, kept);
    const bool is_snapshot = wants_snapshot(domain, &info);
    char key[KEY_SIZE];
    const bool is_cached = domain->cache && wants_cache(domain, &info) && key_of(fold, stream, key);
    if (!is_snapshot && !is_cached) {
        return;
    }
    char few[2048];
    stele_writer value = stele_writer_in(few, sizeof few);
    if (is_snapshot) {
        kept->snapshot_version = kept->version;
        kept->snapshot_time = info.now;
    }
    bool is_written = write_kept(domain, fold, state, kept, &value);
    if (!is_written && value.has_failed) {
        value = stele_writer_on(domain->alloc);
        is_written = write_kept(domain, fold, state, kept, &value);
    }
    if (is_written && is_snapshot) {
        const stele__kept before = {.snapshot_version = info.snapshot_version};
        if (take_snapshot(domain, fold, stream, &before, &value)) {
            STELE_COUNT(domain, snapshots_taken);
        } else {
            STELE_COUNT(domain, snapshot_failures);
        }
    }
    if (is_written && is_cached) {
        offer_to_cache(domain, key, &value);
    }
    stele_writer_done(&value);
}

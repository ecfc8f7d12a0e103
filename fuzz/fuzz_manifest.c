/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as a manifest. The first byte chooses: the rest as the file; or as the text of both halves,
 * with the lines of checksums made right; or as the text of the second half alone behind a damaged
 * first one. What is accepted makes sense, and is read again as it was when it is written.
 */
#include "fuzz.h"
#include "memory_file.h"

#include "log/manifest.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- the file ---- */

static size_t put_half(memory_file *file, size_t at, const uint8_t *text, size_t size)
{
    char line[40];
    const int line_size =
        snprintf(line, sizeof line, "crc %08" PRIx32 " %zu\n", stele__crc32c(0, text, size), size);
    memcpy(file->bytes + at, text, size);
    memcpy(file->bytes + at + size, line, (size_t)line_size);
    return at + size + (size_t)line_size;
}

static void make_file(const uint8_t *data, size_t size)
{
    memory_file *file = memory_file_at("f/manifest");
    const uint8_t choice = size ? data[0] : 0;
    data += size > 0;
    size -= size > 0;
    size = size < MEMORY_FILE_BYTES_MAX / 16 ? size : MEMORY_FILE_BYTES_MAX / 16;
    if (choice % 4 == 0) {
        memcpy(file->bytes, data, size);
        file->size = size;
        return;
    }
    const size_t half = put_half(file, 0, data, size);
    file->size = put_half(file, half, data, size);
    if (choice % 4 == 2) {
        file->bytes[choice * 7u % half] ^= 0x11;
    }
}

/* ---- judging ---- */

static void check_sense(const stele__manifest *manifest)
{
    for (size_t i = 0; i < manifest->segment_count; i++) {
        const stele__index_segment *segment = &manifest->segments[i];
        STELE_ASSERT(segment->first >= 1 && segment->first <= segment->last &&
                     segment->first_time >= 0);
        STELE_ASSERT(i == 0 || (segment->number > segment[-1].number &&
                                segment->first == segment[-1].last + 1));
    }
    for (size_t i = 0; i < manifest->index_count; i++) {
        const stele__manifest_index *index = &manifest->indexes[i];
        STELE_ASSERT(index->first >= 1 && index->first <= index->last);
        STELE_ASSERT(i == 0 || index->first > index[-1].last);
    }
    STELE_ASSERT(manifest->cut_count <= STELE_MANIFEST_CUTS_MAX && manifest->epoch > 0);
}

static bool is_same(const stele__manifest *a, const stele__manifest *b)
{
    return stele__uuid_equal(&a->store, &b->store) && a->hash_key.k0 == b->hash_key.k0 &&
           a->hash_key.k1 == b->hash_key.k1 && a->epoch == b->epoch &&
           a->generation == b->generation && a->next_index == b->next_index &&
           a->is_clean == b->is_clean && memcmp(a->boot_id, b->boot_id, 16) == 0 &&
           a->end_segment == b->end_segment && a->end_offset == b->end_offset &&
           a->end_position == b->end_position && a->segment_count == b->segment_count &&
           a->index_count == b->index_count && a->cut_count == b->cut_count &&
           (a->segment_count == 0 ||
            memcmp(a->segments, b->segments, a->segment_count * sizeof *a->segments) == 0) &&
           (a->cut_count == 0 || memcmp(a->cuts, b->cuts, a->cut_count * sizeof *a->cuts) == 0);
}

/* What was accepted is written and read again. */
static void go_round(stele__manifest *manifest)
{
    stele__manifest again;
    stele_error error;
    bool is_healed;
    stele__manifest_init(&again, stele_alloc_default());
    /* Numbers that are longer in the new generation may not fit. */
    if (manifest->generation < UINT64_MAX &&
        stele__manifest_write(&memory_file_vfs, "f", manifest, &error) == STELE_OK) {
        STELE_ASSERT(stele__manifest_read(&memory_file_vfs, "f", &again, &is_healed, &error) ==
                         STELE_OK &&
                     !is_healed);
        if (manifest->is_clean) {
            STELE_ASSERT(is_same(manifest, &again));
        }
        stele__manifest_done(&again);
    }
    STELE_ASSERT(stele__manifest_copy(manifest, &again, &error) == STELE_OK &&
                 is_same(manifest, &again));
    for (stele_position cut = 0; cut < 5; cut++) {
        STELE_ASSERT(stele__manifest_add_cut(&again, cut * 3, &error) == STELE_OK);
        (void)stele__manifest_valid_until(&again, cut, 10);
    }
    stele__manifest_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    stele__manifest manifest;
    stele_error error;
    bool is_healed;
    make_file(data, size);
    stele__manifest_init(&manifest, stele_alloc_default());
    const stele_status status =
        stele__manifest_read(&memory_file_vfs, "f", &manifest, &is_healed, &error);
    STELE_ASSERT(status == STELE_OK || status == STELE_CORRUPT || status == STELE_UNSUPPORTED);
    if (status == STELE_OK) {
        check_sense(&manifest);
        go_round(&manifest);
    } else {
        STELE_ASSERT(error.status == status && error.message[0]);
    }
    stele__manifest_done(&manifest);
    return 0;
}

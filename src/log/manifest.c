/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manifest of manifest.h.
 *
 * The file holds the same text twice. Each half is lines of words, the first of which says what the
 * line is; the last line is the CRC32C, in hexadecimal, of all bytes of the half before it, and how
 * many they are:
 *
 *   stele-manifest 1
 *   store 0190c9a2-…            the store's id
 *   key <32 hex digits>         of its hash
 *   generation 17
 *   epoch 1
 *   next-index 9
 *   boot <32 hex digits>
 *   open                        or: closed <segment> <offset> <position>
 *   cut <epoch> <position>      any number, ascending
 *   segment <number> <first> <last> <bytes> <first time> <last time> [<absent> [<packed bytes>]]
 *   index <number> <level> <first> <last> <bytes>
 *   crc 1a2b3c4d 345
 */
#include "log/manifest.h"

#include "log/canary.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum {
    HEAD_SIZE = 256,
    LINE_SIZE_MAX = 256,
    MANIFEST_SIZE_MAX = 256 << 20,
    CRC_LINE_SIZE_MAX = 40
};

void stele__manifest_init(stele__manifest *manifest, const stele_alloc *alloc)
{
    *manifest = (stele__manifest){.alloc = alloc, .epoch = 1, .next_index = 1};
}

void stele__manifest_done(stele__manifest *manifest)
{
    const stele_alloc *alloc = manifest->alloc;
    stele__release(alloc, manifest->segments,
                   manifest->segment_capacity * sizeof *manifest->segments);
    stele__release(alloc, manifest->indexes, manifest->index_capacity * sizeof *manifest->indexes);
    stele__release(alloc, manifest->cuts, manifest->cut_capacity * sizeof *manifest->cuts);
    stele__manifest_init(manifest, alloc);
}

stele_status stele__manifest_copy(const stele__manifest *from, stele__manifest *to,
                                  stele_error *reterr)
{
    const stele_alloc *alloc = to->alloc;
    *to = *from;
    to->alloc = alloc;
    to->segments = NULL;
    to->indexes = NULL;
    to->cuts = NULL;
    to->segment_capacity = to->index_capacity = to->cut_capacity = 0;
    if (!stele__reserve(alloc, (void **)&to->segments, &to->segment_capacity,
                        from->segment_count + 1, sizeof *to->segments) ||
        !stele__reserve(alloc, (void **)&to->indexes, &to->index_capacity, from->index_count + 1,
                        sizeof *to->indexes) ||
        !stele__reserve(alloc, (void **)&to->cuts, &to->cut_capacity, from->cut_count + 1,
                        sizeof *to->cuts)) {
        stele__manifest_done(to);
        return stele__fail_memory(reterr);
    }
    if (from->segment_count) {
        memcpy(to->segments, from->segments, from->segment_count * sizeof *to->segments);
    }
    if (from->index_count) {
        memcpy(to->indexes, from->indexes, from->index_count * sizeof *to->indexes);
    }
    if (from->cut_count) {
        memcpy(to->cuts, from->cuts, from->cut_count * sizeof *to->cuts);
    }
    return STELE_OK;
}

stele_status stele__manifest_add_segment(stele__manifest *manifest,
                                         const stele__index_segment *segment, stele_error *reterr)
{
    if (manifest->segment_count > 0 &&
        manifest->segments[manifest->segment_count - 1].number == segment->number) {
        manifest->segments[manifest->segment_count - 1] = *segment;
        return STELE_OK;
    }
    if (!stele__reserve(manifest->alloc, (void **)&manifest->segments, &manifest->segment_capacity,
                        manifest->segment_count + 1, sizeof *manifest->segments)) {
        return stele__fail_memory(reterr);
    }
    manifest->segments[manifest->segment_count++] = *segment;
    return STELE_OK;
}

void stele__manifest_set_packed(stele__manifest *manifest, uint64_t number, uint64_t bytes)
{
    for (size_t i = 0; i < manifest->segment_count; i++) {
        if (manifest->segments[i].number == number) {
            manifest->segments[i].packed_bytes = bytes;
        }
    }
}

stele_status stele__manifest_put_index(stele__manifest *manifest,
                                       const stele__manifest_index *index, stele_error *reterr)
{
    if (!stele__reserve(manifest->alloc, (void **)&manifest->indexes, &manifest->index_capacity,
                        manifest->index_count + 1, sizeof *manifest->indexes)) {
        return stele__fail_memory(reterr);
    }
    size_t kept = 0;
    size_t place = 0;
    for (size_t i = 0; i < manifest->index_count; i++) {
        const stele__manifest_index old = manifest->indexes[i];
        if (old.first < index->first || old.last > index->last) {
            place += old.first < index->first;
            manifest->indexes[kept++] = old;
        }
    }
    memmove(&manifest->indexes[place + 1], &manifest->indexes[place],
            (kept - place) * sizeof *manifest->indexes);
    manifest->indexes[place] = *index;
    manifest->index_count = kept + 1;
    return STELE_OK;
}

stele_status stele__manifest_add_cut(stele__manifest *manifest, stele_position cut,
                                     stele_error *reterr)
{
    if (!stele__reserve(manifest->alloc, (void **)&manifest->cuts, &manifest->cut_capacity,
                        manifest->cut_count + 1, sizeof *manifest->cuts)) {
        return stele__fail_memory(reterr);
    }
    manifest->epoch++;
    /* Cuts at or above the new one say nothing more: who is older than they is bound by this one.
     */
    while (manifest->cut_count > 0 && manifest->cuts[manifest->cut_count - 1].cut >= cut) {
        manifest->cut_count--;
    }
    if (manifest->cut_count == STELE_MANIFEST_CUTS_MAX) {
        /* Epochs before the forgotten one are promised rather too little than too much. */
        manifest->cuts[1].cut = manifest->cuts[0].cut;
        memmove(manifest->cuts, manifest->cuts + 1,
                (STELE_MANIFEST_CUTS_MAX - 1) * sizeof *manifest->cuts);
        manifest->cut_count--;
    }
    manifest->cuts[manifest->cut_count++] = (stele__epoch_cut){manifest->epoch, cut};
    return STELE_OK;
}

stele_position stele__manifest_valid_until(const stele__manifest *manifest, uint64_t epoch,
                                           stele_position head)
{
    /* Ascending in both: the first cut that came after the epoch is the lowest. */
    for (size_t i = 0; i < manifest->cut_count; i++) {
        if (manifest->cuts[i].epoch > epoch) {
            return manifest->cuts[i].cut < head ? manifest->cuts[i].cut : head;
        }
    }
    return head;
}

/* ---- parsing */

/* A line cut into words. */
typedef struct line {
    const char *words[10];
    size_t count;
    char text[LINE_SIZE_MAX];
} line;

static bool cut_line(const char **at, const char *end, line *ret_line)
{
    const char *newline = memchr(*at, '\n', (size_t)(end - *at));
    if (!newline || newline - *at >= LINE_SIZE_MAX || newline == *at ||
        memchr(*at, 0, (size_t)(newline - *at))) {
        return false;
    }
    const size_t size = (size_t)(newline - *at);
    memcpy(ret_line->text, *at, size);
    ret_line->text[size] = 0;
    *at = newline + 1;
    ret_line->count = 0;
    char *word = ret_line->text;
    while (ret_line->count < sizeof ret_line->words / sizeof *ret_line->words) {
        ret_line->words[ret_line->count++] = word;
        char *blank = strchr(word, ' ');
        if (!blank) {
            return strlen(ret_line->text) > 0;
        }
        *blank = 0;
        word = blank + 1;
    }
    return false;
}

static bool read_number(const char *word, uint64_t *ret_value)
{
    uint64_t value = 0;
    if (!*word || (*word == '0' && word[1])) {
        return false;
    }
    for (; *word; word++) {
        if (*word < '0' || *word > '9' || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*word - '0'), &value)) {
            return false;
        }
    }
    *ret_value = value;
    return true;
}

static bool read_hex(const char *word, uint8_t *ret_bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    if (strlen(word) != size * 2) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        const char *high = strchr(digits, word[2 * i]);
        const char *low = strchr(digits, word[2 * i + 1]);
        if (!high || !low) {
            return false;
        }
        ret_bytes[i] = (uint8_t)((high - digits) << 4 | (low - digits));
    }
    return true;
}

static bool read_numbers(const line *words, uint64_t *ret_values, size_t count)
{
    if (words->count != count + 1) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!read_number(words->words[i + 1], &ret_values[i])) {
            return false;
        }
    }
    return true;
}

static bool is_line(const line *words, const char *name)
{
    return strcmp(words->words[0], name) == 0;
}

static bool parse_identity(const line *words, stele__manifest *manifest)
{
    uint8_t key[16];
    if (is_line(words, "store")) {
        return words->count == 2 &&
               stele_uuid_parse(words->words[1], strlen(words->words[1]), &manifest->store) == 0;
    }
    if (is_line(words, "key")) {
        if (words->count != 2 || !read_hex(words->words[1], key, sizeof key)) {
            return false;
        }
        manifest->hash_key = (stele__hash_key){stele__load64(key), stele__load64(key + 8)};
        return true;
    }
    return is_line(words, "boot") && words->count == 2 &&
           read_hex(words->words[1], manifest->boot_id, 16);
}

static bool parse_numbers(const line *words, stele__manifest *manifest)
{
    uint64_t values[3];
    if (is_line(words, "generation")) {
        return read_numbers(words, &manifest->generation, 1);
    }
    if (is_line(words, "epoch")) {
        return read_numbers(words, &manifest->epoch, 1) && manifest->epoch > 0;
    }
    if (is_line(words, "next-index")) {
        return read_numbers(words, &manifest->next_index, 1);
    }
    if (is_line(words, "open")) {
        manifest->is_clean = false;
        return words->count == 1;
    }
    if (!is_line(words, "closed") || !read_numbers(words, values, 3)) {
        return false;
    }
    manifest->is_clean = true;
    manifest->end_segment = values[0];
    manifest->end_offset = values[1];
    manifest->end_position = values[2];
    return true;
}

static bool parse_segment(const line *words, stele__manifest *manifest, stele_status *ret_status)
{
    uint64_t v[8] = {0};
    if (!(read_numbers(words, v, 6) || read_numbers(words, v, 7) ||
          (read_numbers(words, v, 8) && v[7] > 0)) ||
        v[6] > STELE_ABSENT_ALL || v[1] == 0 || v[1] > v[2] || v[4] > INT64_MAX ||
        v[5] > INT64_MAX) {
        return false;
    }
    if (manifest->segment_count > 0) {
        const stele__index_segment *before = &manifest->segments[manifest->segment_count - 1];
        if (v[0] <= before->number || v[1] != before->last + 1) {
            return false;
        }
    }
    const stele__index_segment segment = {
        v[0], v[1], v[2], v[3], (stele_time)v[4], (stele_time)v[5], v[6], v[7]};
    *ret_status = stele__manifest_add_segment(manifest, &segment, NULL);
    return *ret_status == STELE_OK;
}

static bool parse_index(const line *words, stele__manifest *manifest, stele_status *ret_status)
{
    uint64_t v[5];
    if (!read_numbers(words, v, 5) || v[1] > 64 || v[2] == 0 || v[2] > v[3]) {
        return false;
    }
    if (manifest->index_count > 0 && v[2] <= manifest->indexes[manifest->index_count - 1].last) {
        return false;
    }
    const stele__manifest_index index = {
        .number = v[0], .level = (uint32_t)v[1], .first = v[2], .last = v[3], .bytes = v[4]};
    *ret_status = stele__manifest_put_index(manifest, &index, NULL);
    return *ret_status == STELE_OK;
}

static bool parse_cut(const line *words, stele__manifest *manifest, stele_status *ret_status)
{
    uint64_t v[2];
    if (!read_numbers(words, v, 2) || manifest->cut_count >= STELE_MANIFEST_CUTS_MAX) {
        return false;
    }
    if (!stele__reserve(manifest->alloc, (void **)&manifest->cuts, &manifest->cut_capacity,
                        manifest->cut_count + 1, sizeof *manifest->cuts)) {
        *ret_status = STELE_NO_MEMORY;
        return false;
    }
    manifest->cuts[manifest->cut_count++] = (stele__epoch_cut){v[0], v[1]};
    return true;
}

/* 2 if a segment is packed, of which version 1 knew nothing. */
static unsigned version_of(const stele__manifest *manifest)
{
    for (size_t i = 0; i < manifest->segment_count; i++) {
        if (manifest->segments[i].packed_bytes > 0) {
            return 2;
        }
    }
    return 1;
}

/* What is absent from all segments of an index file. */
static void sum_up_absent(stele__manifest *manifest)
{
    size_t segment = 0;
    for (size_t i = 0; i < manifest->index_count; i++) {
        stele__manifest_index *index = &manifest->indexes[i];
        bool is_any = false;
        index->absent = STELE_ABSENT_ALL;
        for (; segment < manifest->segment_count && manifest->segments[segment].last <= index->last;
             segment++) {
            if (manifest->segments[segment].last >= index->first) {
                index->absent &= manifest->segments[segment].absent;
                is_any = true;
            }
        }
        index->absent = is_any ? index->absent : 0;
    }
}

bool stele__manifest_parse(const char *text, size_t size, stele__manifest *manifest,
                           stele_status *ret_status)
{
    const char *at = text;
    const char *end = text + size;
    line words;
    unsigned seen = 0;
    *ret_status = STELE_CORRUPT;
    if (!cut_line(&at, end, &words) || !is_line(&words, "stele-manifest") || words.count != 2) {
        return false;
    }
    const bool is_second = strcmp(words.words[1], "2") == 0;
    if (!is_second && strcmp(words.words[1], "1") != 0) {
        *ret_status = STELE_UNSUPPORTED;
        return false;
    }
    while (at < end) {
        if (!cut_line(&at, end, &words)) {
            return false;
        }
        stele_status status = STELE_CORRUPT;
        if (parse_identity(&words, manifest) || parse_numbers(&words, manifest)) {
            seen++;
        } else if (!(is_line(&words, "segment") && parse_segment(&words, manifest, &status)) &&
                   !(is_line(&words, "index") && parse_index(&words, manifest, &status)) &&
                   !(is_line(&words, "cut") && parse_cut(&words, manifest, &status))) {
            *ret_status = status;
            return false;
        }
    }
    sum_up_absent(manifest);
    *ret_status = seen == 7 && (is_second || version_of(manifest) == 1) ? STELE_OK : STELE_CORRUPT;
    return *ret_status == STELE_OK;
}

/* Finds the half that begins at `at`: its text without the checksum line. False: damaged. */
static bool check_half(const char *at, const char *end, const char **ret_text, size_t *ret_size,
                       const char **ret_next)
{
    const char *crc_line = at;
    while (crc_line < end && !(end - crc_line > 4 && memcmp(crc_line, "crc ", 4) == 0)) {
        const char *newline = memchr(crc_line, '\n', (size_t)(end - crc_line));
        crc_line = newline ? newline + 1 : end;
    }
    const char *rest = crc_line;
    line words;
    uint64_t size;
    uint8_t crc[4];
    if (crc_line == end || !cut_line(&rest, end, &words) || words.count != 3 ||
        !read_hex(words.words[1], crc, 4) || !read_number(words.words[2], &size) ||
        size != (uint64_t)(crc_line - at)) {
        return false;
    }
    *ret_text = at;
    *ret_size = (size_t)size;
    *ret_next = rest;
    return stele__crc32c(0, at, *ret_size) ==
           ((uint32_t)crc[0] << 24 | (uint32_t)crc[1] << 16 | (uint32_t)crc[2] << 8 | crc[3]);
}

/* ---- reading */

static stele_status load_file(const stele_vfs *vfs, const char *path, stele__buffer *text,
                              stele_error *reterr)
{
    stele_file *file = NULL;
    int error = vfs->open(vfs, path, STELE_FILE_READ, &file);
    if (error == ENOENT || error == ENOTDIR) {
        return stele__fail(reterr, STELE_NOT_FOUND_STORE, "there is no store at %s", path);
    }
    uint64_t size = 0;
    if (!error) {
        error = vfs->size(file, &size);
    }
    stele_status status = STELE_OK;
    if (!error && size > MANIFEST_SIZE_MAX) {
        status = stele__fail(reterr, STELE_CORRUPT, "%s is larger than a manifest can be", path);
    } else if (!error && !stele__buffer_reserve(text, (size_t)size + 1)) {
        status = stele__fail_memory(reterr);
    } else if (!error) {
        error = vfs->read(file, 0, text->data, (size_t)size, &text->size);
    }
    if (file) {
        vfs->close(file);
    }
    return error ? stele__fail_os(reterr, STELE_IO, error, "cannot read %s", path) : status;
}

static stele_status parse_halves(const char *path, const stele__buffer *text,
                                 stele__manifest *manifest, bool *ret_healed, stele_error *reterr)
{
    const char *at = (const char *)text->data;
    const char *end = at + text->size;
    const char *half;
    const char *next = NULL;
    size_t size;
    bool is_whole = false;
    const bool first_good = check_half(at, end, &half, &size, &next);
    if (first_good) {
        /* The second half must be its twin. */
        is_whole = (size_t)(end - next) == (size_t)(next - at) &&
                   memcmp(at, next, (size_t)(end - next)) == 0;
    } else {
        const char *middle = at + text->size / 2;
        if (text->size < 2 || !check_half(middle, end, &half, &size, &next) || next != end) {
            (void)stele__fail(reterr, STELE_CORRUPT,
                              "both halves of %s are damaged (offset 0, %zu bytes)", path,
                              text->size);
            stele__hint(
                reterr,
                "restore it from a backup, or read what is left with `stele export --salvage`");
            return STELE_CORRUPT;
        }
    }
    stele_status status;
    if (stele__manifest_parse(half, size, manifest, &status)) {
        *ret_healed = !is_whole;
        return STELE_OK;
    }
    if (status == STELE_NO_MEMORY) {
        return stele__fail_memory(reterr);
    }
    if (status == STELE_UNSUPPORTED) {
        return stele__fail(reterr, STELE_UNSUPPORTED_VERSION,
                           "%s has a newer format; this library reads 1 and 2", path);
    }
    return stele__fail(reterr, STELE_CORRUPT, "%s makes no sense", path);
}

stele_status stele__manifest_read(const stele_vfs *vfs, const char *folder,
                                  stele__manifest *manifest, bool *ret_healed, stele_error *reterr)
{
    stele__buffer path = {.alloc = manifest->alloc};
    stele__buffer text = {.alloc = manifest->alloc};
    stele_status status = STELE_OK;
    *ret_healed = false;
    if (!stele__buffer_append(&path, folder, strlen(folder)) ||
        !stele__buffer_append(&path, "/manifest", 10)) {
        status = stele__fail_memory(reterr);
    }
    if (status == STELE_OK) {
        status = load_file(vfs, (const char *)path.data, &text, reterr);
    }
    if (status == STELE_OK) {
        status = parse_halves((const char *)path.data, &text, manifest, ret_healed, reterr);
    }
    stele__buffer_done(&path);
    stele__buffer_done(&text);
    return status;
}

uint64_t stele__manifest_peek(const stele_vfs *vfs, const char *path)
{
    char head[HEAD_SIZE];
    size_t size = 0;
    stele_file *file = NULL;
    int error = vfs->open(vfs, path, STELE_FILE_READ, &file);
    if (!error) {
        error = vfs->read(file, 0, head, sizeof head, &size);
        vfs->close(file);
    }
    const char *at = head;
    line words;
    uint64_t generation;
    while (!error && cut_line(&at, head + size, &words)) {
        if (is_line(&words, "generation")) {
            return read_numbers(&words, &generation, 1) ? generation : 0;
        }
    }
    return 0;
}

stele_status stele__manifest_fail_lost(const char *folder, stele_error *reterr)
{
    (void)stele__fail(reterr, STELE_CORRUPT, "%s holds segments but no manifest", folder);
    stele__hint(reterr, "restore the file `manifest` from a backup, or read what is left with "
                        "`stele export --salvage`");
    return STELE_CORRUPT;
}

/* ---- writing */

static bool STELE_PRINTF(2, 3) put_line(stele__buffer *text, const char *format, ...)
{
    char bytes[LINE_SIZE_MAX];
    va_list arguments;
    va_start(arguments, format);
    const int size = vsnprintf(bytes, sizeof bytes, format, arguments);
    va_end(arguments);
    STELE_ASSERT(size > 0 && size < LINE_SIZE_MAX);
    return stele__buffer_append(text, bytes, (size_t)size);
}

static void print_hex(const uint8_t *bytes, char ret_text[33])
{
    for (int i = 0; i < 16; i++) {
        (void)snprintf(ret_text + 2 * i, 3, "%02x", bytes[i]);
    }
}

static bool print_segment(const stele__index_segment *segment, stele__buffer *text)
{
    return put_line(text,
                    "segment %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRId64 " %" PRId64
                    " %" PRIu64,
                    segment->number, segment->first, segment->last, segment->bytes,
                    segment->first_time, segment->last_time, segment->absent) &&
           (segment->packed_bytes > 0 ? put_line(text, " %" PRIu64 "\n", segment->packed_bytes)
                                      : put_line(text, "\n"));
}

static bool print_head(const stele__manifest *manifest, stele__buffer *text)
{
    char store[STELE_UUID_TEXT_SIZE];
    char key[33];
    char boot[33];
    uint8_t key_bytes[16];
    stele__store64(key_bytes, manifest->hash_key.k0);
    stele__store64(key_bytes + 8, manifest->hash_key.k1);
    stele_uuid_print(&manifest->store, store);
    print_hex(key_bytes, key);
    print_hex(manifest->boot_id, boot);
    if (!put_line(text, "stele-manifest %u\nstore %s\nkey %s\n", version_of(manifest), store,
                  key) ||
        !put_line(text,
                  "generation %" PRIu64 "\nepoch %" PRIu64 "\nnext-index %" PRIu64 "\nboot %s\n",
                  manifest->generation, manifest->epoch, manifest->next_index, boot)) {
        return false;
    }
    return manifest->is_clean
               ? put_line(text, "closed %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
                          manifest->end_segment, manifest->end_offset, manifest->end_position)
               : put_line(text, "open\n");
}

static bool print_manifest(const stele__manifest *manifest, stele__buffer *text)
{
    bool good = print_head(manifest, text);
    for (size_t i = 0; good && i < manifest->cut_count; i++) {
        good = put_line(text, "cut %" PRIu64 " %" PRIu64 "\n", manifest->cuts[i].epoch,
                        manifest->cuts[i].cut);
    }
    for (size_t i = 0; good && i < manifest->segment_count; i++) {
        good = print_segment(&manifest->segments[i], text);
    }
    for (size_t i = 0; good && i < manifest->index_count; i++) {
        const stele__manifest_index *index = &manifest->indexes[i];
        good = put_line(text, "index %" PRIu64 " %" PRIu32 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
                        index->number, index->level, index->first, index->last, index->bytes);
    }
    return good && put_line(text, "crc %08" PRIx32 " %zu\n",
                            stele__crc32c(0, text->data, text->size), text->size);
}

static int replace_file(const stele_vfs *vfs, const char *folder, const char *path,
                        const char *aside, const stele__buffer *text)
{
    stele_file *file = NULL;
    int error = vfs->open(vfs, aside, STELE_FILE_WRITE | STELE_FILE_CREATE, &file);
    if (!error) {
        error = vfs->truncate(file, 0);
    }
    for (uint64_t copy = 0; !error && copy < 2; copy++) {
        error = vfs->write(file, copy * text->size, text->data, text->size);
    }
    if (!error && !STELE_CANARY_IS(6)) {
        error = vfs->sync(file);
    }
    if (file) {
        vfs->close(file);
    }
    if (!error) {
        error = vfs->rename(vfs, aside, path);
    }
    return error || STELE_CANARY_IS(7) ? error : vfs->sync_folder(vfs, folder);
}

stele_status stele__manifest_write(const stele_vfs *vfs, const char *folder,
                                   stele__manifest *manifest, stele_error *reterr)
{
    stele__buffer text = {.alloc = manifest->alloc};
    stele__buffer path = {.alloc = manifest->alloc};
    stele__buffer aside = {.alloc = manifest->alloc};
    stele_status status = STELE_OK;
    manifest->generation++;
    if (!print_manifest(manifest, &text) || !stele__buffer_append(&path, folder, strlen(folder)) ||
        !stele__buffer_append(&path, "/manifest", 10) ||
        !stele__buffer_append(&aside, folder, strlen(folder)) ||
        !stele__buffer_append(&aside, "/manifest.new", 14)) {
        status = stele__fail_memory(reterr);
    } else {
        const int error =
            replace_file(vfs, folder, (const char *)path.data, (const char *)aside.data, &text);
        if (error) {
            status =
                stele__fail_os(reterr, STELE_IO, error, "cannot write %s", (const char *)path.data);
        }
    }
    stele__buffer_done(&text);
    stele__buffer_done(&path);
    stele__buffer_done(&aside);
    return status;
}

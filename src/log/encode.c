/* SPDX-License-Identifier: Apache-2.0 */
/* Writing frames, whose format is drawn in frame.c. */
#include "log/frame.h"

static uint8_t *put_bytes(uint8_t *to, const void *bytes, size_t size)
{
    if (size) {
        memcpy(to, bytes, size);
    }
    return to + size;
}

static uint64_t encoder_offset(const stele__encoder *encoder)
{
    return encoder->offset + (uint64_t)(encoder->at - encoder->frame);
}

/* Returns where the bytes begin: the definition. */
static uint32_t put_full_name(stele__encoder *encoder, stele_text name)
{
    encoder->at = stele__varint_put(encoder->at, (uint64_t)name.size * 2 + 1);
    const uint64_t definition = encoder_offset(encoder) + STELE_NAME_SUM;
    stele__store32(encoder->at, stele__name_sum(encoder->segment, definition,
                                                (const uint8_t *)name.data, name.size));
    encoder->at = put_bytes(encoder->at + STELE_NAME_SUM, name.data, name.size);
    return (uint32_t)definition;
}

/* Writes a name in full the first time, and a reference afterwards. */
static void put_name(stele__encoder *encoder, stele__tail_handle handle)
{
    stele__tail_term *term = stele__tail_at(encoder->tail, handle);
    const stele_text name = stele__tail_name(encoder->tail, term);
    if (!term->definition) {
        term->definition = put_full_name(encoder, name);
    } else {
        encoder->at = stele__varint_put(encoder->at, (uint64_t)name.size * 2);
        encoder->at = stele__varint_put(encoder->at, term->definition);
    }
}

void stele__encode_begin(stele__encoder *encoder, const stele__segment *segment, stele__tail *tail,
                         const stele__draft_commit *commit, uint64_t offset, uint8_t *to)
{
    *encoder = (stele__encoder){.segment = segment,
                                .tail = tail,
                                .commit = *commit,
                                .frame = to,
                                .at = to + STELE_FRAME_PREFIX,
                                .offset = offset};
    *encoder->at++ =
        (uint8_t)((commit->count > 1 ? STELE_FRAME_MANY : 0) | (commit->key ? STELE_FRAME_KEY : 0));
    if (commit->count > 1) {
        encoder->at = stele__varint_put(encoder->at, commit->count);
    }
    encoder->at = stele__varint_put(encoder->at, commit->first - segment->header.first);
    encoder->at =
        stele__varint_put(encoder->at, (uint64_t)(commit->time - segment->header.base_time));
    encoder->at = stele__varint_put(encoder->at, commit->first - 1 - commit->synced);
    if (commit->key) {
        (void)put_full_name(encoder, stele__tail_name(tail, stele__tail_at(tail, commit->key)));
    }
    encoder->events = encoder->at;
}

void stele__encode_event(stele__encoder *encoder, const stele__draft *draft)
{
    const stele_event *event = draft->event;
    uint8_t *begin = encoder->at;
    const uint64_t offset = encoder_offset(encoder);
    if (encoder->commit.count > 1) {
        encoder->at =
            stele__varint_put(begin + STELE_INNER_PREFIX, (uint64_t)(begin - encoder->frame));
    }
    *encoder->at++ = (uint8_t)(draft->flags | (draft->tag_count ? STELE_EVENT_HAS_TAGS : 0));
    *encoder->at++ =
        (uint8_t)((unsigned)event->data_format | (unsigned)event->metadata_format << 4);
    encoder->at = put_bytes(encoder->at, draft->id.bytes, 16);
    encoder->at = stele__varint_put(encoder->at, draft->revision);
    put_name(encoder, draft->stream);
    put_name(encoder, draft->type);
    if (draft->tag_count) {
        encoder->at = stele__varint_put(encoder->at, draft->tag_count);
        for (unsigned i = 0; i < draft->tag_count; i++) {
            put_name(encoder, draft->tags[i]);
        }
    }
    encoder->at = stele__varint_put(encoder->at, event->metadata.size);
    encoder->at = put_bytes(encoder->at, event->metadata.data, event->metadata.size);
    encoder->at = put_bytes(encoder->at, event->data.data, event->data.size);
    if (encoder->commit.count > 1) {
        /* The checksum goes on from that of the header, which is known only when the frame's size
         * is: see encode_end. */
        stele__store32(begin, (uint32_t)(encoder->at - begin) - STELE_INNER_PREFIX);
    }
    stele__tail_add_event(encoder->tail,
                          (uint32_t)(encoder->index ? offset * 2 + 1 : encoder->offset * 2));
    encoder->index++;
}

size_t stele__encode_end(stele__encoder *encoder)
{
    STELE_ASSERT(encoder->index == encoder->commit.count);
    const uint32_t size = (uint32_t)(encoder->at - encoder->frame) - STELE_FRAME_PREFIX;
    const uint8_t *header = encoder->frame + STELE_FRAME_PREFIX;
    const uint32_t place_crc = stele__frame_place(encoder->segment, encoder->offset, size);
    uint32_t seal;
    if (encoder->commit.count == 1) {
        seal = stele__crc32c(place_crc, header, size);
    } else {
        const uint32_t header_crc =
            stele__crc32c(place_crc, header, (size_t)(encoder->events - header));
        seal = header_crc;
        for (uint8_t *at = encoder->events; at < encoder->at;) {
            const uint32_t event_size = stele__load32(at);
            const uint32_t crc = stele__crc32c(header_crc, at + STELE_INNER_PREFIX, event_size);
            stele__store32(at + 4, crc);
            seal = stele__crc32c(seal, at + 4, 4);
            at += STELE_INNER_PREFIX + event_size;
        }
    }
    stele__store32(encoder->frame, size);
    stele__store32(encoder->frame + 4, seal);
    return (size_t)(encoder->at - encoder->frame);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Looking idempotency keys up. */
#include "log/engine.h"
#include "log/maintain.h"

/* The receipt of the commit that the event at `position` belongs to: of the events it was given,
 * not those that were derived. */
static stele_status receipt_at(stele__view *view, stele__reader *reader, stele_position position,
                               stele_receipt *ret_receipt, stele_error *reterr)
{
    stele__locator locator = {.segment = NULL};
    stele__frame frame;
    STELE_TRY(stele__view_frame(view, &locator, reader, position, &frame, reterr));
    const uint8_t *at = frame.events;
    *ret_receipt = (stele_receipt){.already_applied = 1};
    for (uint32_t i = 0; i < frame.count; i++) {
        const stele__event *event;
        STELE_TRY(stele__frame_next(reader, &frame, i, &at, &event, reterr));
        if (event->facts.flags & STELE_EVENT_DERIVED) {
            continue;
        }
        if (ret_receipt->first_position == 0) {
            ret_receipt->first_position = event->record.position;
        }
        ret_receipt->position = event->record.position;
        ret_receipt->revision = event->record.revision;
        ret_receipt->time = event->record.time;
    }
    return STELE_OK;
}

static stele_status find_key(stele__log *log, stele_text key, stele_receipt *ret_receipt,
                             stele_error *reterr)
{
    stele__reader reader;
    stele__postings postings;
    stele_position head;
    stele_position position = 0;
    stele__view *view = stele__log_view(log, &head);
    stele__reader_init(&reader, log->alloc);
    stele__postings_init(&postings, view, STELE_TERM_KEY, key,
                         stele__term_hash(&log->hash_key, STELE_TERM_KEY, key), head);
    stele_status status = stele__postings_last(&postings, &position, NULL, reterr);
    if (status == STELE_OK) {
        status = position ? receipt_at(view, &reader, position, ret_receipt, reterr)
                          : stele__fail(reterr, STELE_NOT_FOUND, "no commit has the key '%.*s'",
                                        STELE_TEXT(key));
    }
    stele__reader_done(&reader);
    stele__view_unref(view);
    return status;
}

stele_status stele__log_find_key(stele__log *log, const char *key, stele_receipt *ret_receipt,
                                 stele_error *reterr)
{
    if (!log->is_writer) {
        STELE_TRY(stele__follow(log, reterr));
    }
    const stele_text name = stele__text(key);
    stele_status status = find_key(log, name, ret_receipt, reterr);
    for (unsigned heals = 0;
         status == STELE_CORRUPT && stele__maintain_again(log, &heals, reterr);) {
        status = find_key(log, name, ret_receipt, reterr);
    }
    return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Folds: applying events to states, states as bytes and as JSON. */
#include "domain/parts.h"

stele_status stele_fold_check(const stele_fold *fold, stele_error *reterr)
{
    if (!fold || !fold->name || !*fold->name) {
        return stele__fail(reterr, STELE_INVALID, "a fold has no name");
    }
    if (fold->version != 0) {
        return stele__fail(reterr, STELE_INVALID,
                           "the fold %s is of version %" PRIu32 ", which this "
                           "library does not know",
                           fold->name, fold->version);
    }
    if (!fold->apply && !fold->apply_by && (!fold->handlers || fold->handler_count == 0)) {
        return stele__fail(reterr, STELE_INVALID, "the fold %s applies nothing", fold->name);
    }
    if (fold->state_size == 0 || fold->state_size > STELE_STATE_SIZE_MAX) {
        return stele__fail(reterr, STELE_INVALID_LIMIT,
                           "a state of %s has %zu bytes; 1 to %zu can be", fold->name,
                           fold->state_size, STELE_STATE_SIZE_MAX);
    }
    if (!fold->save != !fold->load) {
        return stele__fail(reterr, STELE_INVALID, "the fold %s has one of save and load",
                           fold->name);
    }
    if (fold->schema) {
        STELE_TRY(stele_schema_check(fold->schema(), reterr));
        if (fold->schema()->size != fold->state_size) {
            return stele__fail(reterr, STELE_INVALID, "the schema of %s describes another struct",
                               fold->name);
        }
    }
    for (size_t i = 0; !fold->apply && !fold->apply_by && i < fold->handler_count; i++) {
        const stele_handler *handler = &fold->handlers[i];
        const stele_schema *schema = handler->schema ? handler->schema() : NULL;
        if (!handler->when || (!handler->type && !schema)) {
            return stele__fail(reterr, STELE_INVALID, "handler %zu of %s has no function or type",
                               i, fold->name);
        }
        if (schema && schema->size > STELE_PAYLOAD_SIZE_MAX) {
            return stele__fail(reterr, STELE_INVALID_LIMIT,
                               "the payload %s is larger than %zu bytes", schema->name,
                               STELE_PAYLOAD_SIZE_MAX);
        }
        if (schema) {
            STELE_TRY(stele_schema_check(schema, reterr));
        }
    }
    return STELE_OK;
}

void stele_fold_init(const stele_fold *fold, void *ret_state)
{
    memset(ret_state, 0, fold->state_size);
    if (fold->init) {
        fold->init(ret_state);
    }
}

void stele_fold_done(const stele_fold *fold, void *state)
{
    if (state && fold->done) {
        fold->done(state);
    }
}

/* ---- events */

stele_status stele_payload_read(const stele_schema *schema, const stele_record *event,
                                void *ret_payload, stele_error *reterr)
{
    stele_error inner;
    memset(ret_payload, 0, schema->size);
    const stele_status status =
        event->data_format == STELE_JSON
            ? stele_schema_read_json(schema, (const char *)event->data.data, event->data.size,
                                     ret_payload, &inner)
            : stele_schema_read_binary(schema, event->data.data, event->data.size, ret_payload,
                                       &inner);
    return status == STELE_OK ? STELE_OK
                              : stele__fail(reterr, status, "event %" PRIu64 " of %.*s (%.*s): %s",
                                            event->revision, STELE_TEXT(event->stream),
                                            STELE_TEXT(event->type), inner.message);
}

stele_status stele_payload_event(const stele_schema *schema, const void *payload, stele_writer *to,
                                 stele_event *ret_event, stele_error *reterr)
{
    const size_t begin = to->size;
    STELE_TRY(stele_schema_write_json(schema, payload, to, reterr));
    *ret_event = (stele_event){.type = schema->name,
                               .data_format = STELE_JSON,
                               .data = {(const uint8_t *)to->data + begin, to->size - begin}};
    return STELE_OK;
}

static const stele_handler *find_handler(const stele_fold *fold, stele_text type)
{
    for (size_t i = 0; i < fold->handler_count; i++) {
        const stele_handler *handler = &fold->handlers[i];
        if (stele__text_equal(stele__text(handler->type ? handler->type : handler->schema()->name),
                              type)) {
            return handler;
        }
    }
    return NULL;
}

static stele_status handle(const stele_handler *handler, void *state, const stele_record *event,
                           stele_error *reterr)
{
    /* Aligned for any field. On the stack: it is bounded, and loading must not allocate. */
    union {
        max_align_t align;
        uint8_t bytes[STELE_PAYLOAD_SIZE_MAX];
    } payload;
    if (!handler->schema) {
        handler->when(state, NULL, event);
        return STELE_OK;
    }
    STELE_TRY(stele_payload_read(handler->schema(), event, &payload, reterr));
    handler->when(state, &payload, event);
    return STELE_OK;
}

stele_status stele_fold_apply(const stele_fold *fold, void *state, const stele_record *event,
                              stele_error *reterr)
{
    if (fold->apply) {
        return fold->apply(state, event, reterr);
    }
    if (fold->apply_by) {
        return fold->apply_by(fold, state, event, reterr);
    }
    const stele_handler *handler = find_handler(fold, event->type);
    if (handler) {
        return handle(handler, state, event, reterr);
    }
    return fold->flags & STELE_FOLD_STRICT
               ? stele__fail(reterr, STELE_UNSUPPORTED,
                             "the fold %s knows no %.*s, of which event %" PRIu64 " of %.*s is",
                             fold->name, STELE_TEXT(event->type), event->revision,
                             STELE_TEXT(event->stream))
               : STELE_OK;
}

/* ---- states */

stele_status stele_fold_save(const stele_fold *fold, const void *state, stele_writer *to,
                             stele_error *reterr)
{
    if (fold->save) {
        return fold->save(state, to, reterr);
    }
    if (fold->is_plain) {
        (void)stele_write(to, state, fold->state_size);
        return to->has_failed ? stele__fail_memory(reterr) : STELE_OK;
    }
    return fold->schema ? stele_schema_write_binary(fold->schema(), state, to, reterr)
                        : stele__fail(reterr, STELE_UNSUPPORTED,
                                      "states of %s cannot be saved: it has neither save and load "
                                      "nor a schema, and is not plain",
                                      fold->name);
}

static stele_status load(const stele_fold *fold, void *state, const void *bytes, size_t size,
                         stele_error *reterr)
{
    if (fold->load) {
        return fold->load(state, bytes, size, reterr);
    }
    if (fold->is_plain) {
        if (size != fold->state_size) {
            return stele__fail(reterr, STELE_INVALID, "a saved state of %s has %zu bytes, not %zu",
                               fold->name, size, fold->state_size);
        }
        memcpy(state, bytes, size);
        return STELE_OK;
    }
    return fold->schema ? stele_schema_read_binary(fold->schema(), bytes, size, state, reterr)
                        : stele__fail(reterr, STELE_UNSUPPORTED, "states of %s cannot be read back",
                                      fold->name);
}

stele_status stele_fold_load(const stele_fold *fold, void *state, const void *bytes, size_t size,
                             stele_error *reterr)
{
    const stele_status status = load(fold, state, bytes, size, reterr);
    if (status != STELE_OK) {
        stele_fold_done(fold, state);
        stele_fold_init(fold, state);
    }
    return status;
}

stele_status stele_fold_write_json(const stele_fold *fold, const void *state, stele_writer *to,
                                   stele_error *reterr)
{
    if (fold->write_json) {
        return fold->write_json(state, to, reterr);
    }
    return fold->schema
               ? stele_schema_write_json(fold->schema(), state, to, reterr)
               : stele__fail(reterr, STELE_UNSUPPORTED,
                             "states of %s cannot be printed: it has neither write_json nor "
                             "a schema",
                             fold->name);
}

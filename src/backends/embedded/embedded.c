/* SPDX-License-Identifier: Apache-2.0 */
/* The embedded backend: the table of a storage backend over the engine's functions, one for one. */
#include "backends/embedded/embedded.h"

#include "base/base.h"
#include "log/log.h"

typedef struct embedded {
    stele_backend backend; /* first */
    const stele_alloc *alloc;
    stele__log *log;
} embedded;

static stele__log *log_of(stele_backend *backend)
{
    return ((embedded *)backend)->log;
}

static stele_status embedded_close(stele_backend *backend, stele_error *reterr)
{
    embedded *self = (embedded *)backend;
    const stele_status status = stele__log_close(self->log, reterr);
    stele__release(self->alloc, self, sizeof *self);
    return status;
}

static stele_status embedded_append(stele_backend *backend, const stele_request *request,
                                    stele_receipt *ret_receipt, stele_error *reterr)
{
    return stele__log_append(log_of(backend), request, ret_receipt, reterr);
}

static stele_status embedded_submit(stele_backend *backend, const stele_request *request,
                                    stele_completion done, void *context, stele_error *reterr)
{
    return stele__log_submit(log_of(backend), request, done, context, reterr);
}

static stele_status embedded_sync(stele_backend *backend, stele_error *reterr)
{
    return stele__log_sync(log_of(backend), reterr);
}

static stele_status embedded_step(stele_backend *backend, int *ret_more, stele_error *reterr)
{
    return stele__log_step(log_of(backend), ret_more, reterr);
}

static stele_status embedded_head(stele_backend *backend, stele_position *ret_head,
                                  stele_error *reterr)
{
    return stele__log_head(log_of(backend), ret_head, reterr);
}

static stele_status embedded_wait(stele_backend *backend, stele_position after,
                                  stele_duration timeout, stele_position *ret_head,
                                  stele_error *reterr)
{
    return stele__log_wait(log_of(backend), after, timeout, ret_head, reterr);
}

static stele_status embedded_find_key(stele_backend *backend, const char *key,
                                      stele_receipt *ret_receipt, stele_error *reterr)
{
    return stele__log_find_key(log_of(backend), key, ret_receipt, reterr);
}

static stele_status embedded_describe_stream(stele_backend *backend, const char *stream,
                                             stele_stream_info *ret_info, stele_error *reterr)
{
    return stele__log_describe_stream(log_of(backend), stream, ret_info, reterr);
}

static stele_status embedded_read_open(stele_backend *backend, const stele_read *read,
                                       int must_exist, stele_backend_cursor **ret_cursor,
                                       stele_error *reterr)
{
    return stele__log_read_open(log_of(backend), read, must_exist, (stele__log_cursor **)ret_cursor,
                                reterr);
}

static const stele_record *embedded_read_next(stele_backend_cursor *cursor, stele_error *reterr)
{
    return stele__log_read_next((stele__log_cursor *)cursor, reterr);
}

static stele_position embedded_read_head(const stele_backend_cursor *cursor)
{
    return stele__log_read_head((const stele__log_cursor *)cursor);
}

static stele_status embedded_read_refresh(stele_backend_cursor *cursor, stele_error *reterr)
{
    return stele__log_read_refresh((stele__log_cursor *)cursor, reterr);
}

static void embedded_read_free(stele_backend_cursor *cursor)
{
    stele__log_read_free((stele__log_cursor *)cursor);
}

static stele_status embedded_names_open(stele_backend *backend, const stele_list *list,
                                        stele_backend_names **ret_names, stele_error *reterr)
{
    return stele__log_names_open(log_of(backend), list, (stele__log_names **)ret_names, reterr);
}

static const stele_name_entry *embedded_names_next(stele_backend_names *names, stele_error *reterr)
{
    return stele__log_names_next((stele__log_names *)names, reterr);
}

static void embedded_names_free(stele_backend_names *names)
{
    stele__log_names_free((stele__log_names *)names);
}

static stele_status embedded_describe(stele_backend *backend, stele_info *ret_info,
                                      stele_error *reterr)
{
    return stele__log_describe(log_of(backend), ret_info, reterr);
}

static stele_status embedded_checkpoint_check(stele_backend *backend,
                                              const stele_checkpoint *checkpoint,
                                              stele_position *ret_valid_until, stele_error *reterr)
{
    return stele__log_checkpoint_check(log_of(backend), checkpoint, ret_valid_until, reterr);
}

static stele_status embedded_accept_clock(stele_backend *backend, stele_error *reterr)
{
    return stele__log_accept_clock(log_of(backend), reterr);
}

static stele_status embedded_verify(stele_backend *backend, const stele_verify_options *options,
                                    stele_verify_result *ret_result, stele_error *reterr)
{
    return stele__log_verify(log_of(backend), options, ret_result, reterr);
}

static const stele_backend_table TABLE = {
    .name = "embedded",
    .close = embedded_close,
    .append = embedded_append,
    .submit = embedded_submit,
    .sync = embedded_sync,
    .step = embedded_step,
    .head = embedded_head,
    .wait = embedded_wait,
    .find_key = embedded_find_key,
    .describe_stream = embedded_describe_stream,
    .read_open = embedded_read_open,
    .read_next = embedded_read_next,
    .read_head = embedded_read_head,
    .read_refresh = embedded_read_refresh,
    .read_free = embedded_read_free,
    .names_open = embedded_names_open,
    .names_next = embedded_names_next,
    .names_free = embedded_names_free,
    .describe = embedded_describe,
    .checkpoint_check = embedded_checkpoint_check,
    .accept_clock = embedded_accept_clock,
    .verify = embedded_verify,
};

stele_status stele__embedded_open(const char *location, const stele_options *options,
                                  stele_backend **ret_backend, stele_error *reterr)
{
    embedded *self = stele__allocate_zero(options->alloc, sizeof *self);
    if (!self) {
        return stele__fail_memory(reterr);
    }
    self->backend.table = &TABLE;
    self->alloc = options->alloc;
    const stele_status status = stele__log_open(location, options, &self->log, reterr);
    if (status != STELE_OK) {
        stele__release(self->alloc, self, sizeof *self);
        return status;
    }
    *ret_backend = &self->backend;
    return STELE_OK;
}

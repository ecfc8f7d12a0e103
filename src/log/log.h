/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door of the room log: the embedded engine. One function for each thing that a storage backend
 * must do (their meaning stands in stele/store.h, cursor.h, admin.h and sys/backend.h); the
 * embedded backend is a thin table over them.
 *
 * A stele__log is internally locked. Cursors and name lists are confined to one thread each.
 */
#ifndef STELE_LOG_LOG_H
#define STELE_LOG_LOG_H

#include "base/base.h"

#include <stele/sys/backend.h>

typedef struct stele__log stele__log;
typedef struct stele__log_cursor stele__log_cursor;
typedef struct stele__log_names stele__log_names;

stele_status stele__log_open(const char *folder, const stele_options *options, stele__log **ret_log,
                             stele_error *reterr);
stele_status stele__log_close(stele__log *log, stele_error *reterr);

stele_status stele__log_append(stele__log *log, const stele_request *request,
                               stele_receipt *ret_receipt, stele_error *reterr);
stele_status stele__log_submit(stele__log *log, const stele_request *request, stele_completion done,
                               void *context, stele_error *reterr);
stele_status stele__log_sync(stele__log *log, stele_error *reterr);
stele_status stele__log_step(stele__log *log, int *ret_more, stele_error *reterr);
stele_status stele__log_head(stele__log *log, stele_position *ret_head, stele_error *reterr);
stele_status stele__log_wait(stele__log *log, stele_position after, stele_duration timeout,
                             stele_position *ret_head, stele_error *reterr);

stele_status stele__log_find_key(stele__log *log, const char *key, stele_receipt *ret_receipt,
                                 stele_error *reterr);
stele_status stele__log_describe_stream(stele__log *log, const char *stream,
                                        stele_stream_info *ret_info, stele_error *reterr);

stele_status stele__log_read_open(stele__log *log, const stele_read *read, int must_exist,
                                  stele__log_cursor **ret_cursor, stele_error *reterr);
const stele_record *stele__log_read_next(stele__log_cursor *cursor, stele_error *reterr);
stele_position stele__log_read_head(const stele__log_cursor *cursor);
stele_status stele__log_read_refresh(stele__log_cursor *cursor, stele_error *reterr);
void stele__log_read_free(stele__log_cursor *cursor);

stele_status stele__log_names_open(stele__log *log, const stele_list *list,
                                   stele__log_names **ret_names, stele_error *reterr);
const stele_name_entry *stele__log_names_next(stele__log_names *names, stele_error *reterr);
void stele__log_names_free(stele__log_names *names);

stele_status stele__log_describe(stele__log *log, stele_info *ret_info, stele_error *reterr);
stele_status stele__log_checkpoint_check(stele__log *log, const stele_checkpoint *checkpoint,
                                         stele_position *ret_valid_until, stele_error *reterr);
stele_status stele__log_accept_clock(stele__log *log, stele_error *reterr);
stele_status stele__log_verify(stele__log *log, const stele_verify_options *options,
                               stele_verify_result *ret_result, stele_error *reterr);

#endif

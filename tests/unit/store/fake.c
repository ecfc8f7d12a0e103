/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/store/fake.h"

#include "base/base.h"
#include "store/store.h"

#include <stdio.h>

fake the_fake;
stele_status answer_to_open;

static stele_status answer(stele_error *reterr)
{
    the_fake.calls++;
    if (the_fake.answer != STELE_OK) {
        return stele__fail(reterr, the_fake.answer, "the fake was told to fail");
    }
    return STELE_OK;
}

static stele_status fake_close(stele_backend *backend, stele_error *reterr)
{
    (void)backend;
    the_fake.closed++;
    the_fake.calls--;
    return answer(reterr);
}

static void remember(const stele_request *request)
{
    const stele_commit *commit = &request->commit;
    the_fake.intent = request->intent;
    the_fake.event_count = commit->event_count;
    the_fake.check_count = commit->check_count;
    the_fake.durability = commit->options->durability;
    the_fake.all_events_go_to_stream = 1;
    (void)snprintf(the_fake.stream, sizeof the_fake.stream, "%s", commit->events[0].stream);
    (void)snprintf(the_fake.type, sizeof the_fake.type, "%s", commit->events[0].type);
    (void)snprintf(the_fake.data, sizeof the_fake.data, "%.*s", STELE_TEXT(commit->events[0].data));
    if (commit->check_count > 0) {
        the_fake.check = commit->checks[0];
        (void)snprintf(the_fake.checked, sizeof the_fake.checked, "%s", commit->checks[0].stream);
    }
    for (size_t i = 0; i < commit->event_count; i++) {
        if (strcmp(commit->events[i].stream, the_fake.stream) != 0) {
            the_fake.all_events_go_to_stream = 0;
        }
    }
}

static stele_status fake_append(stele_backend *backend, const stele_request *request,
                                stele_receipt *ret_receipt, stele_error *reterr)
{
    (void)backend;
    the_fake.appends++;
    remember(request);
    STELE_TRY(answer(reterr));
    *ret_receipt = (stele_receipt){.first_position = 7, .position = 9};
    return STELE_OK;
}

static stele_status fake_submit(stele_backend *backend, const stele_request *request,
                                stele_completion done, void *context, stele_error *reterr)
{
    (void)backend;
    (void)done;
    (void)context;
    the_fake.submissions++;
    remember(request);
    return answer(reterr);
}

static stele_status fake_sync(stele_backend *backend, stele_error *reterr)
{
    (void)backend;
    return answer(reterr);
}

static stele_status fake_step(stele_backend *backend, int *ret_more, stele_error *reterr)
{
    (void)backend;
    *ret_more = 1;
    return answer(reterr);
}

static stele_status fake_head(stele_backend *backend, stele_position *ret_head, stele_error *reterr)
{
    (void)backend;
    *ret_head = the_fake.head;
    return answer(reterr);
}

static stele_status fake_wait(stele_backend *backend, stele_position after, stele_duration timeout,
                              stele_position *ret_head, stele_error *reterr)
{
    (void)backend;
    (void)after;
    (void)timeout;
    *ret_head = the_fake.head;
    return answer(reterr);
}

static stele_status fake_describe_stream(stele_backend *backend, const char *stream,
                                         stele_stream_info *ret_info, stele_error *reterr)
{
    (void)backend;
    *ret_info = (stele_stream_info){.name = stele__text(stream), .event_count = 3};
    return answer(reterr);
}

static stele_status fake_read_open(stele_backend *backend, const stele_read *read, int must_exist,
                                   stele_backend_cursor **ret_cursor, stele_error *reterr)
{
    (void)backend;
    STELE_TRY(answer(reterr));
    the_fake.cursors++;
    the_fake.must_exist = must_exist;
    the_fake.direction = read->direction;
    the_fake.limit = read->limit;
    (void)snprintf(the_fake.read_stream, sizeof the_fake.read_stream, "%s",
                   read->stream ? read->stream : "");
    *ret_cursor = &the_fake.cursor;
    return STELE_OK;
}

static const stele_record *fake_read_next(stele_backend_cursor *cursor, stele_error *reterr)
{
    static const stele_record record = {.position = 42, .data = {(const uint8_t *)"{}", 2}};
    (void)cursor;
    if (the_fake.records_left > 0) {
        the_fake.records_left--;
        (void)stele__succeed(reterr);
        return &record;
    }
    if (answer(reterr) == STELE_OK) {
        (void)stele__succeed(reterr);
    }
    return NULL;
}

static stele_position fake_read_head(const stele_backend_cursor *cursor)
{
    (void)cursor;
    return the_fake.head;
}

static stele_status fake_read_refresh(stele_backend_cursor *cursor, stele_error *reterr)
{
    (void)cursor;
    if (the_fake.refresh_answer != STELE_OK) {
        return stele__fail(reterr, the_fake.refresh_answer, "the fake was told to fail");
    }
    return STELE_OK;
}

static void fake_read_free(stele_backend_cursor *cursor)
{
    (void)cursor;
    the_fake.cursors--;
}

static stele_status fake_names_open(stele_backend *backend, const stele_list *list,
                                    stele_backend_names **ret_names, stele_error *reterr)
{
    (void)backend;
    (void)list;
    STELE_TRY(answer(reterr));
    the_fake.cursors++;
    *ret_names = (stele_backend_names *)(void *)&the_fake;
    return STELE_OK;
}

static const stele_name_entry *fake_names_next(stele_backend_names *names, stele_error *reterr)
{
    (void)names;
    if (answer(reterr) == STELE_OK) {
        (void)stele__succeed(reterr);
    }
    return NULL;
}

static void fake_names_free(stele_backend_names *names)
{
    (void)names;
    the_fake.cursors--;
}

static stele_status fake_describe(stele_backend *backend, stele_info *ret_info, stele_error *reterr)
{
    (void)backend;
    *ret_info = (stele_info){.backend = "fake", .head = the_fake.head};
    return answer(reterr);
}

static stele_status fake_checkpoint_check(stele_backend *backend,
                                          const stele_checkpoint *checkpoint,
                                          stele_position *ret_valid_until, stele_error *reterr)
{
    (void)backend;
    the_fake.calls++;
    *ret_valid_until = 5;
    return checkpoint->position > 5 ? stele__fail(reterr, STELE_INVALID_CHECKPOINT, "beyond 5")
                                    : STELE_OK;
}

static stele_status fake_accept_clock(stele_backend *backend, stele_error *reterr)
{
    (void)backend;
    return answer(reterr);
}

static stele_status fake_verify(stele_backend *backend, const stele_verify_options *options,
                                stele_verify_result *ret_result, stele_error *reterr)
{
    (void)backend;
    (void)options;
    *ret_result = (stele_verify_result){.events = 11};
    return answer(reterr);
}

static const stele_backend_table table = {
    .name = "fake",
    .close = fake_close,
    .append = fake_append,
    .submit = fake_submit,
    .sync = fake_sync,
    .step = fake_step,
    .head = fake_head,
    .wait = fake_wait,
    .describe_stream = fake_describe_stream,
    .read_open = fake_read_open,
    .read_next = fake_read_next,
    .read_head = fake_read_head,
    .read_refresh = fake_read_refresh,
    .read_free = fake_read_free,
    .names_open = fake_names_open,
    .names_next = fake_names_next,
    .names_free = fake_names_free,
    .describe = fake_describe,
    .checkpoint_check = fake_checkpoint_check,
    .accept_clock = fake_accept_clock,
    .verify = fake_verify,
};

static stele_status fake_open(const char *location, const stele_options *options,
                              stele_backend **ret_backend, stele_error *reterr)
{
    the_fake = (fake){.backend = {&table}, .opened = 1, .options = *options};
    (void)snprintf(the_fake.location, sizeof the_fake.location, "%s", location);
    if (answer_to_open != STELE_OK) {
        return stele__fail(reterr, answer_to_open, "the fake was told to fail");
    }
    *ret_backend = &the_fake.backend;
    return STELE_OK;
}

const stele__store_backend stele__store_backends[] = {
    {"fake", "for tests", fake_open},
    {"file", "a folder", fake_open},
    {NULL, NULL, NULL},
};

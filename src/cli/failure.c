/* SPDX-License-Identifier: Apache-2.0 */
/* Refused writes, see failure.h. */
#include "failure.h"

#include "text.h"

#include <inttypes.h>

static void add_state(cli_buffer *out, const stele_conflict *conflict)
{
    const stele_expected actual = conflict->actual_revision;

    if (actual == STELE_NO_STREAM) {
        cli_buffer_add_text(out, " does not exist");
    } else if (actual == STELE_IS_DELETED) {
        cli_buffer_add_text(out, " is deleted");
    } else if (actual == STELE_IS_TOMBSTONED) {
        cli_buffer_add_text(out, " has ended: it has a tombstone");
    } else if (conflict->expected_revision == STELE_NO_STREAM) {
        cli_buffer_format(out, " already exists (its last revision is %" PRIi64 ")", actual);
    } else {
        cli_buffer_format(out, " is at revision %" PRIi64, actual);
    }
}

static void fail_expectation(const stele_error *error, const char *stream)
{
    CLI_CLEANUP_BUFFER cli_buffer message = {0};

    cli_buffer_add_text(&message, stream);
    add_state(&message, &error->conflict);
    if (error->conflict.expected_revision != STELE_ANY) {
        cli_buffer_add_text(&message, "; expected ");
        cli_add_expected(&message, error->conflict.expected_revision);
    }
    cli_complain(cli_buffer_text(&message), error->hint);
}

static void fail_condition(const stele_error *error)
{
    CLI_CLEANUP_BUFFER cli_buffer message = {0};
    CLI_CLEANUP_BUFFER cli_buffer hint = {0};

    cli_buffer_format(&message, "an event at position %" PRIu64 " matches the query; expected none",
                      error->conflict.position);
    cli_buffer_format(&hint, "see it with: stele read --all --from %" PRIu64 " --limit 1",
                      error->conflict.position);
    cli_complain(cli_buffer_text(&message), cli_buffer_text(&hint));
}

static void fail_key(const stele_error *error, const char *key)
{
    CLI_CLEANUP_BUFFER cli_buffer message = {0};

    cli_buffer_format(&message, "the key \"%s\" belongs to another append, at position %" PRIu64,
                      key, error->conflict.position);
    cli_complain(cli_buffer_text(&message),
                 "the same key with the same event is a retry; with another event it is refused");
}

int cli_fail_write(const stele_error *error, const char *stream, const char *key)
{
    if ((unsigned)error->detail == STELE_CONFLICT_REVISION ||
        (error->status == STELE_DELETED && error->conflict.actual_revision < 0)) {
        fail_expectation(error, stream);
    } else if ((unsigned)error->detail == STELE_CONFLICT_CONDITION) {
        fail_condition(error);
    } else if ((unsigned)error->detail == STELE_CONFLICT_KEY && key) {
        fail_key(error, key);
    } else {
        return cli_fail(error);
    }
    return (int)cli_exit_of(error);
}

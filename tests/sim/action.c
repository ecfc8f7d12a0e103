/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that write, as values. See action.h. */
#include "sim/action.h"

#include "base/base.h"

#include <inttypes.h>

static stele_commit commit_of(const sim_action *action, const stele_append_options *options)
{
    return (stele_commit){.events = action->events,
                          .event_count = action->event_count,
                          .checks = action->checks,
                          .check_count = action->check_count,
                          .options = options};
}

void sim_action_run(const sim_action *action, stele_store *store, sim_answer *ret_answer)
{
    memset(ret_answer, 0, sizeof *ret_answer);
    stele_append_options options = action->options;
    options.violations = ret_answer->violations;
    options.violations_capacity = SIM_VIOLATIONS_MAX;
    const stele_commit commit = commit_of(action, &options);
    stele_receipt *receipt = &ret_answer->receipt;
    stele_error *error = &ret_answer->error;
    switch (action->kind) {
    case SIM_DO_APPEND:
        ret_answer->status = stele_append(store, action->stream, action->expected, action->events,
                                          action->event_count, &options, receipt, error);
        break;
    case SIM_DO_COMMIT:
        ret_answer->status =
            stele_append_commit(store, &commit, receipt, ret_answer->revisions, error);
        break;
    case SIM_DO_DELETE:
        ret_answer->status =
            stele_delete(store, action->stream, action->expected, &options, receipt, error);
        break;
    case SIM_DO_TOMBSTONE:
        ret_answer->status =
            stele_tombstone(store, action->stream, action->expected, &options, receipt, error);
        break;
    case SIM_DO_METADATA:
    case SIM_ACTION_KIND_COUNT:
        ret_answer->status =
            stele_metadata_write(store, action->stream, action->expected, action->json,
                                 strlen(action->json), &options, receipt, error);
        break;
    }
}

stele_status sim_action_submit(sim_action *action, stele_store *store, stele_completion done,
                               stele_error *reterr)
{
    const stele_commit commit = commit_of(action, &action->options);
    return stele_submit(store, &commit, done, action, reterr);
}

sim_action *sim_action_again(sim_arena *arena, const sim_action *action, uint64_t number)
{
    sim_action *again = sim_arena_get(arena, sizeof *again);
    *again = *action;
    again->number = number;
    again->is_submitted = false;
    again->is_completed = false;
    again->state = SIM_UNTRIED;
    again->first = 0;
    again->last = 0;
    return again;
}

stele_durability sim_action_durability(const sim_action *action, stele_durability store_default)
{
    return action->options.durability == STELE_DURABLE_DEFAULT ? store_default
                                                               : action->options.durability;
}

bool sim_action_gives_id(const sim_action *action, uint64_t place)
{
    const uint64_t count = action->last - action->first + 1;
    if (action->kind > SIM_DO_COMMIT || count < action->event_count) {
        return false;
    }
    /* Recreating streams puts metadata events in front of the user's. */
    const uint64_t derived = count - action->event_count;
    return place >= derived && !stele__uuid_is_none(&action->events[place - derived].id);
}

static const char *print_expected(sim_arena *arena, stele_expected expected)
{
    switch (expected) {
    case STELE_NO_STREAM:
        return "no stream";
    case STELE_ANY:
        return "any";
    case STELE_EXISTS:
        return "exists";
    case STELE_IS_DELETED:
        return "is deleted";
    case STELE_IS_TOMBSTONED:
        return "is tombstoned";
    default:
        return sim_arena_text(arena, "%" PRIi64, expected);
    }
}

static size_t bytes_of(const sim_action *action)
{
    size_t bytes = 0;
    for (size_t i = 0; i < action->event_count; i++) {
        bytes += action->events[i].data.size + action->events[i].metadata.size;
    }
    return bytes;
}

const char *sim_action_print(const sim_action *action, sim_arena *arena)
{
    static const char *const kinds[SIM_ACTION_KIND_COUNT] = {"append", "commit", "delete",
                                                             "tombstone", "metadata"};
    static const char *const durabilities[] = {"default", "full", "os", "none"};
    const char *stream = action->stream ? action->stream : "";
    return sim_arena_text(arena, "%" PRIu64 " %s%s %.40s at %s: %zu events, %zu bytes, %s%s%s%s",
                          action->number, action->is_submitted ? "submit " : "",
                          kinds[action->kind], stream, print_expected(arena, action->expected),
                          action->event_count, bytes_of(action),
                          durabilities[action->options.durability],
                          action->options.key ? ", key " : "",
                          action->options.key ? action->options.key : "",
                          action->options.condition_count > 0 ? ", with conditions" : "");
}

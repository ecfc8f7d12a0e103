/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that can be asked of a store, compared with the oracle: after every crash. Index
 * answers (streams, categories, types, tags, queries, names) are compared with those of a store
 * that has no index.
 */
#include "sim/story.h"

#include <inttypes.h>
#include <stele/admin.h>

static bool check_read(const sim_pair *pair, stele_read *read, const char *what)
{
    read->direction = STELE_FORWARDS;
    if (!sim_compare_read(pair, read, what)) {
        return false;
    }
    read->direction = STELE_BACKWARDS;
    return sim_compare_read(pair, read, what);
}

static bool check_streams(sim_story *story, const sim_pair *pair)
{
    for (size_t i = 0; i < SIM_STREAMS; i++) {
        char metastream[200] = "$$";
        memcpy(metastream + 2, sim_streams[i], strlen(sim_streams[i]) + 1);
        stele_read stream = {.stream = sim_streams[i]};
        stele_read metadata = {.stream = metastream};
        sim_history_set_time(&story->history, story->clock.wall);
        if (!check_read(pair, &stream, sim_streams[i]) ||
            !check_read(pair, &metadata, metastream) || !sim_compare_stream(pair, sim_streams[i]) ||
            !sim_compare_stream(pair, metastream) || !sim_compare_metadata(pair, sim_streams[i])) {
            return false;
        }
    }
    return true;
}

static bool check_terms(const sim_pair *pair)
{
    for (size_t i = 0; i < SIM_CATEGORIES; i++) {
        stele_read read = {.category = sim_categories[i]};
        if (!check_read(pair, &read, sim_categories[i])) {
            return false;
        }
    }
    for (size_t i = 0; i < SIM_TYPES; i++) {
        stele_read read = {.event_type = sim_types[i]};
        if (!check_read(pair, &read, sim_types[i])) {
            return false;
        }
    }
    for (size_t i = 0; i < SIM_TAGS; i++) {
        stele_read read = {.tag = sim_tags[i]};
        if (!check_read(pair, &read, sim_tags[i])) {
            return false;
        }
    }
    return true;
}

static bool check_queries(const sim_pair *pair)
{
    const stele_query_item items[] = {
        stele_item(stele_types("opened", "changed"), stele_tags("a:1")),
        stele_item(stele_any_type(), stele_tags("b:1", "course:1")),
        stele_item(stele_types(STELE_TYPE_METADATA), stele_any_tags()),
    };
    const stele_query first = {.items = items, .item_count = 2};
    const stele_query second = {.items = items + 1, .item_count = 2};
    stele_read reads[] = {{.query = &first}, {.query = &second}};
    return check_read(pair, &reads[0], "the first query") &&
           check_read(pair, &reads[1], "the second query");
}

static bool check_names(const sim_pair *pair)
{
    static const struct {
        stele_list list;
        const char *what;
    } lists[] = {
        {{.kind = STELE_STREAM_NAMES}, "streams"},
        {{.kind = STELE_STREAM_NAMES, .category = "order"}, "streams of a category"},
        {{.kind = STELE_STREAM_NAMES, .prefix = "account-", .after = "account-1"},
         "streams with a prefix"},
        {{.kind = STELE_CATEGORY_NAMES}, "categories"},
        {{.kind = STELE_TYPE_NAMES}, "types"},
        {{.kind = STELE_TAG_NAMES}, "tags"},
    };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        if (!sim_compare_names(pair, &lists[i].list, lists[i].what)) {
            return false;
        }
    }
    return true;
}

/* Every commit with a key answers with its first receipt, whatever happened since. */
static bool check_keys(sim_story *story, sim_report *report)
{
    const sim_history *history = &story->history;
    for (size_t i = 0; i < history->log_count; i++) {
        const sim_action *action = history->log[i];
        if (!action->options.key) {
            continue;
        }
        sim_answer mine;
        sim_answer theirs;
        sim_action_run(action, story->store, &mine);
        sim_action_run(action, history->oracle, &theirs);
        const bool is_right = mine.status == STELE_OK && theirs.status == STELE_OK &&
                              mine.receipt.already_applied &&
                              mine.receipt.first_position == theirs.receipt.first_position &&
                              mine.receipt.position == theirs.receipt.position &&
                              mine.receipt.revision == theirs.receipt.revision &&
                              mine.receipt.time == theirs.receipt.time;
        if (!is_right) {
            sim_report_saw(report, mine.status);
            return sim_report_fail(report,
                                   "the key of action %" PRIu64
                                   " is not answered with its receipt: %s, position %" PRIu64
                                   " for %" PRIu64,
                                   action->number, mine.status ? mine.error.message : "OK",
                                   mine.receipt.position, theirs.receipt.position);
        }
    }
    return true;
}

static void keep_damage(void *context, const stele_damage *damage)
{
    sim_report *report = context;
    (void)sim_report_fail(report, "verify: %s at %" PRIu64 ": %s", damage->file, damage->offset,
                          damage->message);
}

static bool check_bytes(sim_story *story)
{
    stele_verify_result result;
    stele_error error;
    const stele_verify_options options = {.damage = keep_damage, .context = &story->report};
    const stele_status status = stele_verify(story->store, &options, &result, &error);
    if (status != STELE_OK) {
        sim_report_saw(&story->report, status);
        return sim_report_fail(&story->report, "verify: %s", error.message);
    }
    return result.events == story->history.head ||
           sim_report_fail(&story->report, "verify counted %" PRIu64 " events of %" PRIu64,
                           result.events, story->history.head);
}

static bool check_facts(sim_story *story)
{
    stele_info info;
    stele_error error;
    if (stele_describe(story->store, &info, &error) != STELE_OK) {
        return sim_report_fail(&story->report, "describe: %s", error.message);
    }
    if (info.head != story->history.head || info.is_poisoned || !info.is_writer) {
        return sim_report_fail(&story->report,
                               "describe: head %" PRIu64 " of %" PRIu64 ", poisoned %d, writer %d",
                               info.head, story->history.head, info.is_poisoned, info.is_writer);
    }
    /* Without rot, what the manifest names is there and whole. */
    if (info.healed_index_files > 0 && !story->may_heal) {
        return sim_report_fail(&story->report, "%" PRIu64 " index files had to be healed",
                               info.healed_index_files);
    }
    if (info.memory_bytes > info.memory_bytes_max) {
        return sim_report_fail(&story->report,
                               "the budget is exceeded: %" PRIu64 " of %" PRIu64 " bytes",
                               info.memory_bytes, info.memory_bytes_max);
    }
    sim_counts *counts = &story->counts;
    counts->unindexed_checks += info.missing_index_files > 0;
    counts->segments_max =
        info.segment_count > counts->segments_max ? info.segment_count : counts->segments_max;
    counts->index_files_max = info.index_file_count > counts->index_files_max
                                  ? info.index_file_count
                                  : counts->index_files_max;
    return true;
}

bool sim_check_part(sim_story *story, size_t part, sim_report *report)
{
    sim_pair pair = sim_history_pair(&story->history, story->store);
    stele_read everything = {0};
    pair.report = report;
    switch (part) {
    case 0:
        return check_read(&pair, &everything, "everything");
    case 1:
        return check_streams(story, &pair);
    case 2:
        return check_terms(&pair);
    case 3:
        return check_queries(&pair);
    case 4:
        return check_names(&pair);
    default:
        return check_keys(story, report);
    }
}

bool sim_check_everything(sim_story *story)
{
    story->counts.events_compared += story->history.head;
    for (size_t part = 0; part < SIM_CHECK_PARTS; part++) {
        if (!sim_check_part(story, part, &story->report)) {
            return false;
        }
    }
    return check_facts(story) && check_bytes(story) &&
           sim_history_check_marks(&story->history, story->store);
}

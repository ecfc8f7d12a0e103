/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tour of Stele on real events: what dpkg did to the packages of a Debian machine.
 *
 *     dpkg_history [LOG [STORE]]
 *
 * Every line of LOG becomes an event in the store in the folder STORE, and every package a stream.
 * What its events say, folded, is the state of a package: now, and as of any moment before. All of
 * Stele is here; reading the log, asking dpkg and comparing tables is in dpkg.c.
 */
#include "dpkg.h"

#include <stele/stele.h>
#include <stele/sys/clock.h>

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static stele_error err;

/* Whatever can fail answers a status, and fills an error with a sentence and often a hint. */
static void must(stele_status status)
{
    if (status != STELE_OK) {
        fprintf(stderr, "dpkg_history: %s%s%s\n", err.message, err.hint[0] ? "; " : "", err.hint);
        exit(1);
    }
}

/* Stele records an event at the time that its clock shows: here, the time in the line. */
static _Atomic stele_time line_time;

static stele_time show_line_time(void *context)
{
    (void)context;
    return line_time;
}

/* Appends every line. The key of one that was appended before, in this run or another, is known. */
static void import_log(stele_store *store, FILE *log)
{
    size_t appended = 0, known = 0, strange = 0;
    char text[512], stream[256], tag[32];
    dpkg_line line = {.time = 0};
    while (fgets(text, sizeof text, log) != NULL) {
        text[strcspn(text, "\n")] = 0;
        if (!dpkg_parse(text, &line)) {
            strange++;
            continue;
        }
        line_time = STELE_SECONDS(line.time);
        snprintf(stream, sizeof stream, line.package[0] ? "package-%s" : "dpkg%s", line.package);
        snprintf(tag, sizeof tag, "day:%s", line.day);
        stele_event event = stele_json_event(line.action, line.json);
        event.tags = (const char *[]){tag};
        event.tag_count = 1;
        const stele_append_options options = {.key = line.key};
        stele_receipt receipt;
        must(stele_append(store, stream, STELE_ANY, &event, 1, &options, &receipt, &err));
        appended += !receipt.already_applied;
        known += !!receipt.already_applied;
    }
    must(stele_sync(store, &err)); /* the disk has now what the system had at each append */
    printf("  import    %zu lines appended, %zu known from before, %zu not understood\n", appended,
           known, strange);
}

/* Lists the types of events, and counts the streams. Names come sorted, lent until the next one. */
static void print_names(stele_store *store)
{
    stele_list list = {.kind = STELE_STREAM_NAMES};
    STELE_CLEANUP(names) stele_name_list *streams = NULL, *types = NULL;
    size_t count = 0;
    must(stele_names_open(store, &list, &streams, &err));
    while (stele_names_next(streams, &err) != NULL) {
        count++;
    }
    must(err.status); /* was that the end of the list, or a failure? */
    printf("  streams   %zu: one for each package, one for dpkg itself\n  types    ", count);
    list.kind = STELE_TYPE_NAMES;
    must(stele_names_open(store, &list, &types, &err));
    for (const stele_name_entry *type; (type = stele_names_next(types, &err)) != NULL;) {
        printf(" %.*s %" PRIu64, STELE_TEXT(type->name), type->event_count);
    }
    must(err.status);
    printf("\n");
}

/* Asks for the newest upgrade in all streams, then reads the stream that has it. */
static void print_history(stele_store *store)
{
    const stele_query upgrades = stele_query_of(stele_types("upgrade"), stele_any_tags());
    const stele_read newest = {.query = &upgrades, .direction = STELE_BACKWARDS, .limit = 1};
    STELE_CLEANUP(cursor) stele_cursor *search = NULL, *cursor = NULL;
    must(stele_read_open(store, &newest, &search, &err));
    const stele_record *event = stele_cursor_next(search, &err);
    must(err.status);
    if (event == NULL) {
        return;
    }
    char stream[256], time[20];
    snprintf(stream, sizeof stream, "%.*s", STELE_TEXT(event->stream));
    print_heading("The package upgraded last: ", stream);
    /* The other types are steps on the way. */
    const char *const types[] = {"install", "upgrade", "remove", "purge"};
    const stele_read history = {.stream = stream, .type_prefixes = types, .type_prefix_count = 4};
    must(stele_read_open(store, &history, &cursor, &err));
    while ((event = stele_cursor_next(cursor, &err)) != NULL) {
        printf("  revision %3" PRIu64 "   %s   %-8.*s %.*s\n", event->revision,
               local_time((time_t)(event->time / STELE_SECONDS(1)), time), STELE_TEXT(event->type),
               STELE_TEXT(event->data));
    }
    must(err.status);
}

/* The fold: what a package is after one event more. Only "status" events have a state. */
static void apply(package *state, const stele_record *event)
{
    char json[512];
    snprintf(json, sizeof json, "%.*s", STELE_TEXT(event->data));
    (void)sscanf(json, "{\"state\":\"%31[^\"]\",\"version\":\"%99[^\"]", state->state,
                 state->version);
}

/* Reads every stream of the category "package" up to a moment, and folds it. */
static table fold_packages(stele_store *store, stele_point as_of)
{
    table packages = {NULL, 0};
    STELE_CLEANUP(names) stele_name_list *names = NULL;
    must(stele_names_open(store, &(stele_list){.category = "package"}, &names, &err));
    for (const stele_name_entry *entry; (entry = stele_names_next(names, &err)) != NULL;) {
        package state = {.is_seen = 0};
        char stream[256];
        snprintf(stream, sizeof stream, "%.*s", STELE_TEXT(entry->name));
        snprintf(state.name, sizeof state.name, "%.199s", stream + strlen("package-"));
        STELE_CLEANUP(cursor) stele_cursor *cursor = NULL;
        const stele_read read = {.stream = stream, .as_of = as_of};
        must(stele_read_open(store, &read, &cursor, &err));
        for (const stele_record *event; (event = stele_cursor_next(cursor, &err)) != NULL;) {
            apply(&state, event);
        }
        must(err.status);
        table_add(&packages, &state);
    }
    must(err.status);
    return packages;
}

/* Folds up to the head, with which dpkg must agree, and up to a moment half-way. */
static void print_tables(stele_store *store, int is_machine, stele_time begin, stele_time end)
{
    char time[20];
    table now = fold_packages(store, (stele_point){STELE_POINT_DEFAULT, 0});
    print_heading("The packages now", ", folded from their streams");
    table_check(&now, is_machine, (time_t)(begin / STELE_SECONDS(1)));
    const stele_time moment = begin + (end - begin) / 2;
    table then = fold_packages(store, STELE_AT_TIME(moment));
    print_heading("The packages as of ", local_time((time_t)(moment / STELE_SECONDS(1)), time));
    table_print_changes(&then, &now);
    table_done(&then);
    table_done(&now);
}

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : dpkg_log_path();
    const int is_machine = strcmp(path, DPKG_MACHINE_LOG) == 0;
    const char *url = is_machine ? "build/dpkg-history" : "build/dpkg-history-carried";
    url = argc > 2                  ? argv[2]
          : argc > 1 && !is_machine ? "memory:"
                                    : url; /* lives until it is closed */
    FILE *log = fopen(path, "r");
    if (log == NULL) {
        perror(path);
        return 1;
    }
    stele_clock clock = *stele_clock_system();
    clock.now = clock.monotonic = show_line_time;
    const stele_options options = {.clock = &clock, .durability = STELE_DURABLE_OS};
    STELE_CLEANUP(store) stele_store *store = NULL;
    must(stele_open(url, &options, &store, &err));

    print_heading("What dpkg did", "");
    printf("  log       %s\n  store     %s\n", path, url);
    import_log(store, log);
    (void)fclose(log);
    stele_info info;
    must(stele_describe(store, &info, &err));
    printf("  events    %" PRIu64 "\n", info.head);
    print_names(store);
    print_history(store);
    print_tables(store, is_machine, info.first_time, info.last_time);
    return 0;
}

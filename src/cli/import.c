/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Importing, each event once.
 *
 * An import may be killed at any moment, run again, run twice, and other programs may write to the
 * store in between; each event of the file must end up in the store once. Event ids do not give
 * that: the store knows ids only over the last 262,144 positions. Idempotency keys do: the store
 * keeps them for ever, and a key becomes durable in the same commit as the events that it stands
 * for. So every commit of an import carries a key, and the key says how far the file has come:
 *
 *     key = "import/" + chain value of the last item that the commit deals with
 *
 * The chain value (source.h) is a hash over that item and all items before it. Hence:
 *
 * I1. A key that is in the store means that everything in the file up to that item is in the store.
 * (Commits are made one after the other, in the order of the file, and the log keeps a prefix of
 * them, whatever the durability.)
 *
 * I2. A key depends on content alone. The same file under another name, from a pipe, or with other
 * line breaks is the same file; a file that has grown is the same file up to where it grew; a file
 * that was changed in a line is a different file from that line on. (A path or an inode would say
 * neither.) --name salts the chain, for those who do want to import the same bytes twice.
 *
 * I3. An item without an id has an id made of its chain value: a UUIDv5 over what stands before it
 * and its own bytes. Two equal lines are two events, and the same line of the same file always has
 * the same id. But an item that brings an idempotency key is known by that: it gets an id from the
 * store, because with ids of ours the same event under the same key would be another one.
 *
 * *Finding the place to go on.* From what is known to be imported (at first: nothing) the source
 * fills a window of at most CLI_WINDOW_ITEMS items. If the key of its last item is in the store,
 * the whole window is; else the last item within it whose key is there ends what is. If there is
 * none, this is where to go on. That is right because of how keys are left:
 *
 * I4. From a key to the next one it is at most a window. For the end of every window has a key,
 * even if all its lines were bad; an import that was killed within a window goes on behind its last
 * key; and where a window ends is decided by content alone (I2). Only the last window of a file may
 * be without: when nothing of it was written, and there is no next key.
 *
 * I5. A window ends early where the file ends, or where a pipe has nothing more to say just now.
 * The latter never while keys are still looked for.
 *
 * Keys are looked for until something new was written: then, by I1, nothing behind it can be there.
 *
 * *Looking up a key* without writing: the store decides about keys before expectations. A commit
 * with the key in question, and an expectation that no stream can meet, is refused for its key if
 * the store knows it, and for the expectation if not.
 *
 * *Commits.* Events of a window are put into commits of one recorded time each, because a commit
 * has one time. When the source's times are recorded, that can mean a commit an event; therefore
 * they are appended with STELE_DURABLE_OS and synced every few seconds and at the end. A crash then
 * loses events together with their keys, never one without the other. Three kinds of items have a
 * commit to themselves: tombstones, items with an idempotency key of their own (that key makes them
 * idempotent; the next item's commit says that they are done), and, when a commit is refused
 * because of what is in it, every item in it: the commit is halved until the culprit is found, so
 * that all before it are written.
 *
 * *What the store adds.* When a deleted stream comes back, the store writes an event of its own,
 * and an export has it like all others. It is left out, and made anew by what stood in one commit
 * with it (derived.c). Therefore a window is cut in front of the last items of one time, which may
 * go on behind its end: they begin the next one. The key stands at the new end.
 *
 * *Ids still count.* Within a window a second item with the same stream and id is passed over, and
 * events whose ids the store knows are not written again: that is what the store does with a retry.
 * But then there is no commit to carry a key, and the store forgets ids. So when what stands at the
 * end of a window is known by ids alone, and wherever else I4 asks for a key that no commit
 * carries, a marker is written: an event of the stream $import that says nothing but its key.
 *
 * *Time.* Into a store that has no events the source's times go as recorded times, so that --as-of
 * works on imported history; they are clamped so as never to decrease. An import that goes on does
 * the same if nobody else has written meanwhile: then the last recorded time is not above the
 * latest time of the items that are already there. In all other cases, and where clamping changed
 * it, the source's time is kept in the event's metadata. Only the clock that the store was opened
 * with can set a recorded time; a jump of more than an hour must be accepted, because for the store
 * it is a clock that went wrong.
 */
#include "import.h"

#include "cli.h"
#include "derived.h"
#include "text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

#define SYNC_INTERVAL STELE_SECONDS(5)
#define REPORTED_MAX 20
#define CLOCK_TOLERANCE STELE_SECONDS(3600)
#define KEY_PREFIX "import/"
#define KEY_SIZE 32
/* More than twice the items of a window, a power of two. */
#define SEEN_SLOTS 16384

typedef struct importer {
    stele_store *store;
    cli_source *source;
    const cli_import_options *options;
    cli_import_clock *clock;
    cli_import_counts counts;
    cli_progress progress;
    cli_arena arena;     /* of the window */
    stele_event *events; /* that wait for their commit, */
    size_t *pending;     /* and which items of the window they come from */
    size_t pending_count;
    size_t dealt_with;        /* items of the window */
    size_t *seen;             /* SEEN_SLOTS hash slots: event of this window + 1 */
    cli_parsed_event *parsed; /* by item of the window */
    cli_parse_error *problems;
    bool *is_parsed;
    bool *is_derived;  /* the store makes it, see derived.h */
    size_t count;      /* of the window; fewer than the source has when it was cut */
    size_t commit_end; /* items before it must not stand in a later commit; 0: nothing is known */
    bool needs_more;   /* the first item of the window cannot be understood without what follows */
    stele_time latest; /* the largest time of the items so far */
    stele_time now;    /* when the import began */
    bool records_time;
    bool mode_is_known;
    bool looks_up;    /* keys may be in the store */
    bool has_resumed; /* some were */
    bool has_unsynced;
    bool needs_marker;   /* the store knows items only by what it will forget, see above */
    bool window_has_key; /* a commit of this window has left one */
    bool end_has_key;    /* ... for its last item */
    int64_t synced;      /* when */
    uint64_t reported;   /* bad items */
} importer;

/* ---- Keys and the clock */

static void set_clock(importer *import, stele_time time)
{
    if (import->records_time) {
        atomic_store_explicit(&import->clock->instead, time, memory_order_relaxed);
    }
}

static void key_of(const cli_item *item, char ret_key[KEY_SIZE])
{
    CLI_CLEANUP_BUFFER cli_buffer key = {0};

    cli_buffer_add_text(&key, KEY_PREFIX);
    cli_base64_add(&key, item->chain.bytes, sizeof item->chain.bytes);
    key.size -= 2; /* the padding */
    memcpy(ret_key, cli_buffer_text(&key), key.size + 1);
}

/* The id of an item that has none, see I3. */
static stele_uuid id_of(const cli_item *item)
{
    static const stele_uuid name_space = {{0x5e, 0x1e, 0x49, 0x6d, 0x70, 0x6f, 0x52, 0x74, 0x80,
                                           0x6c, 0x69, 0x6e, 0x65, 0x2e, 0x69, 0x64}};

    return stele_uuid_from_name(&name_space, item->chain.bytes, sizeof item->chain.bytes);
}

static bool has_id(const stele_event *event)
{
    return memcmp(&event->id, &(stele_uuid){{0}}, sizeof event->id) != 0;
}

/* Whether the store knows an item's key, see above. */
static stele_status is_known(importer *import, const cli_item *item, bool *ret_known,
                             stele_error *reterr)
{
    static const char probe_stream[] = "stele-import";
    const stele_check never = {probe_stream, INT64_MAX - 1};
    const stele_event event = {.type = "probe", .stream = probe_stream};
    char key[KEY_SIZE];
    stele_append_options append = {.key = key};
    const stele_commit commit = {
        .events = &event, .event_count = 1, .checks = &never, .check_count = 1, .options = &append};
    stele_status status;

    key_of(item, key);
    status = stele_append_commit(import->store, &commit, NULL, NULL, reterr);
    *ret_known = status == STELE_CONFLICT && (unsigned)reterr->detail == STELE_CONFLICT_KEY;
    if (status == STELE_CONFLICT || status == STELE_DELETED) {
        return STELE_OK;
    }
    return status;
}

/* Writes an event that has nothing to say but its key. */
static stele_status write_marker(importer *import, const cli_item *item, stele_error *reterr)
{
    CLI_CLEANUP_BUFFER cli_buffer data = {0};
    char key[KEY_SIZE];
    const stele_append_options append = {.key = key, .durability = STELE_DURABLE_OS};
    stele_event event;

    key_of(item, key);
    cli_buffer_add_text(&data, "{\"file\":");
    cli_json_add_string(&data, import->source->name, strlen(import->source->name));
    cli_buffer_format(&data, ",\"line\":%" PRIu64 "}", item->line);
    event = stele_json_event("$importPassed", cli_buffer_text(&data));
    import->has_unsynced = true;
    return stele_append(import->store, "$import", STELE_ANY, &event, 1, &append, NULL, reterr);
}

/* How many items of the window are in the store. */
static stele_status find_known(importer *import, size_t *ret_count, stele_error *reterr)
{
    const cli_source *source = import->source;

    *ret_count = 0;
    for (size_t count = source->item_count; count > 0 && import->looks_up; count--) {
        bool known;
        const stele_status status = is_known(import, &source->items[count - 1], &known, reterr);

        if (status != STELE_OK) {
            return status;
        }
        if (known) {
            *ret_count = count;
            return STELE_OK;
        }
    }
    return STELE_OK;
}

/* ---- What goes wrong */

static int say_store(importer *import, const stele_error *error)
{
    cli_progress_end(&import->progress);
    return cli_fail(error);
}

/* What has become of that which stands before a place. A line of an array may have many events, and
 * an event many lines: there they are counted. */
static void add_fate(cli_buffer *out, const importer *import, uint64_t line)
{
    const uint64_t count = import->counts.imported + import->counts.known;

    if (count == 0) {
        cli_buffer_add_text(out, "nothing was imported");
    } else if (import->source->layout != CLI_LAYOUT_ARRAY) {
        cli_buffer_format(out, "everything before line %" PRIu64 " is imported", line);
    } else if (count == 1) {
        cli_buffer_add_text(out, "the event before it is imported");
    } else {
        cli_buffer_add_text(out, "the ");
        cli_add_things(out, count, "event");
        cli_buffer_add_text(out, " before it are imported");
    }
}

/* Says what is wrong, where, and, if the import ends here, what has become of it. */
static void say_place(importer *import, uint64_t line, uint64_t column, const char *message,
                      const char *hint)
{
    CLI_CLEANUP_BUFFER cli_buffer text = {0};
    CLI_CLEANUP_BUFFER cli_buffer more = {0};

    cli_progress_end(&import->progress);
    cli_buffer_format(&text, "%s:%" PRIu64 ":%" PRIu64 ": %s", import->source->name, line, column,
                      message);
    if (hint) {
        add_fate(&more, import, line);
        cli_buffer_format(&more, "; correct it and run again%s", hint);
    }
    cli_complain(cli_buffer_text(&text), cli_buffer_text(&more));
}

/* Reports an item that cannot be imported. Answers -1 to go on behind it. */
static int say_bad(importer *import, uint64_t line, uint64_t column, const char *message)
{
    if (!import->options->skips_bad && !import->options->is_dry) {
        say_place(import, line, column, message, ", or give --skip-bad");
        return CLI_EXIT_USAGE;
    }
    import->counts.bad++;
    if (import->counts.bad <= REPORTED_MAX) {
        say_place(import, line, column, message, NULL);
    } else if (import->counts.bad == REPORTED_MAX + 1) {
        cli_progress_end(&import->progress);
        cli_complain("further bad lines are only counted", NULL);
    }
    return -1;
}

static int say_bad_item(importer *import, size_t item, size_t offset, const char *message)
{
    uint64_t line;
    uint64_t column;

    cli_source_place(import->source, item, offset, &line, &column);
    return say_bad(import, line, column, message);
}

/* ---- Commits */

/* Errors that are about what is in a commit, not about the store. */
static bool is_about_content(const stele_error *error)
{
    return error->status == STELE_CONFLICT || error->status == STELE_DELETED ||
           (error->status == STELE_INVALID && (unsigned)error->detail != STELE_INVALID_CLOCK &&
            (unsigned)error->detail != STELE_INVALID_READ_ONLY);
}

static stele_status append_once(importer *import, size_t first, size_t count, const char *key,
                                stele_receipt *ret_receipt, stele_error *reterr)
{
    const stele_append_options append = {.key = key, .durability = STELE_DURABLE_OS};
    const stele_event *event = &import->events[first];
    const stele_commit commit = {.events = event, .event_count = count, .options = &append};

    if (count == 1 && import->parsed[import->pending[first]].is_tombstone) {
        return stele_tombstone(import->store, event->stream, STELE_ANY, &append, ret_receipt,
                               reterr);
    }
    return stele_append_commit(import->store, &commit, ret_receipt, NULL, reterr);
}

/* The item that a commit of pending events stands for: of the last of them, all up to what was
 * dealt with. */
static const cli_item *item_of(const importer *import, size_t first, size_t count)
{
    const bool is_last = first + count == import->pending_count;

    return &import->source
                ->items[is_last ? import->dealt_with - 1 : import->pending[first + count - 1]];
}

/* Whether that is the last item of the window. */
static bool stands_for_end(const importer *import, size_t first, size_t count)
{
    return item_of(import, first, count) == &import->source->items[import->count - 1];
}

/* Appends pending events in one commit and counts them. */
static stele_status append_some(importer *import, size_t first, size_t count, stele_error *reterr)
{
    const char *own_key = import->parsed[import->pending[first]].key;
    char key[KEY_SIZE];
    stele_receipt receipt;
    stele_status status;

    key_of(item_of(import, first, count), key);
    status = append_once(import, first, count, own_key ? own_key : key, &receipt, reterr);
    if (status == STELE_INVALID && (unsigned)reterr->detail == STELE_INVALID_CLOCK) {
        status = stele_accept_clock(import->store, reterr);
        if (status == STELE_OK) {
            status = append_once(import, first, count, own_key ? own_key : key, &receipt, reterr);
        }
    }
    if (status != STELE_OK) {
        return status;
    }
    if (receipt.already_applied) {
        import->counts.known += count;
        import->needs_marker = import->needs_marker || !own_key;
    } else {
        import->counts.imported += count;
        import->looks_up = false;
        import->has_unsynced = true;
        if (!own_key) {
            import->needs_marker = false;
            import->window_has_key = true;
            import->end_has_key = stands_for_end(import, first, count);
        }
    }
    return STELE_OK;
}

static bool is_text(stele_text view, const char *text)
{
    return view.size == strlen(text) && memcmp(view.data, text, view.size) == 0;
}

static bool are_bytes(stele_bytes a, stele_bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static bool has_tag(const stele_record *record, const char *tag)
{
    for (size_t i = 0; i < record->tag_count; i++) {
        if (is_text(record->tags[i], tag)) {
            return true;
        }
    }
    return false;
}

/* Whether the record has an event's tags, of which the store drops what occurs twice. */
static bool has_tags(const stele_record *record, const stele_event *event)
{
    size_t distinct = 0;

    for (size_t i = 0; i < event->tag_count; i++) {
        bool is_again = false;

        for (size_t other = 0; other < i && !is_again; other++) {
            is_again = strcmp(event->tags[other], event->tags[i]) == 0;
        }
        distinct += is_again ? 0 : 1;
        if (!has_tag(record, event->tags[i])) {
            return false;
        }
    }
    return distinct == record->tag_count;
}

static bool is_event(const stele_record *record, const stele_event *event)
{
    return is_text(record->type, event->type) && record->data_format == event->data_format &&
           are_bytes(record->data, event->data) &&
           record->metadata_format == event->metadata_format &&
           are_bytes(record->metadata, event->metadata) && has_tags(record, event);
}

/* Whether a record is what an item says: by its id, or else with or without the time in its
 * metadata. */
static bool is_item(importer *import, const stele_record *record, size_t item)
{
    const stele_event *taken = &import->parsed[item].event;
    cli_parsed_event event;
    cli_parse_error error;

    if (!is_text(record->stream, taken->stream)) {
        return false;
    }
    if (has_id(taken)) {
        return memcmp(&record->id, &taken->id, sizeof taken->id) == 0;
    }
    return cli_event_parse(&import->arena, cli_item_text(import->source, item),
                           import->source->items[item].size, &import->options->rules, &event,
                           &error) &&
           (is_event(record, &event.event) ||
            (event.has_time && cli_event_keep_time(&import->arena, &event) &&
             is_event(record, &event.event)));
}

/* Whether an event whose own key belongs to another commit is nevertheless the one that has it: an
 * earlier run may have kept its time in another way. */
static bool is_same_event(importer *import, size_t item, const stele_error *error)
{
    const stele_read read = {.from = STELE_AT_POSITION(error->conflict.position), .limit = 1};
    stele_cursor *cursor = NULL;
    const stele_record *record;
    bool is_same = false;

    if ((unsigned)error->detail == STELE_CONFLICT_KEY &&
        stele_read_open(import->store, &read, &cursor, NULL) == STELE_OK) {
        record = stele_cursor_next(cursor, NULL);
        is_same = record && is_item(import, record, item);
        stele_cursor_free(cursor);
    }
    return is_same;
}

/* What becomes of an event that the store refuses. Answers -1 to go on, or an exit code. */
static int judge_refused(importer *import, size_t item, const stele_error *error)
{
    const cli_parsed_event *event = &import->parsed[item];

    if (event->is_tombstone && error->status == STELE_DELETED) {
        import->counts.known++; /* somebody else has ended the stream */
        import->needs_marker = true;
        return -1;
    }
    if (event->key && is_same_event(import, item, error)) {
        import->counts.known++;
        return -1;
    }
    return say_bad_item(import, item, 0, error->message);
}

/* Appends pending events, in halves if what is in them is refused. Answers -1, or an exit code. */
static int append_halving(importer *import, size_t first, size_t count)
{
    stele_error error;
    int result;

    if (append_some(import, first, count, &error) == STELE_OK) {
        return -1;
    }
    if (!is_about_content(&error)) {
        return say_store(import, &error);
    }
    if (count == 1) {
        return judge_refused(import, import->pending[first], &error);
    }
    result = append_halving(import, first, count / 2);
    return result >= 0 ? result : append_halving(import, first + count / 2, count - count / 2);
}

static int sync_store(importer *import)
{
    stele_error error;

    import->synced = cli_monotonic();
    if (!import->has_unsynced) {
        return -1;
    }
    import->has_unsynced = false;
    return stele_sync(import->store, &error) == STELE_OK ? -1 : say_store(import, &error);
}

/* Writes what is pending, when the first `dealt_with` items of the window are dealt with by it. */
static int flush(importer *import, size_t dealt_with)
{
    int result = -1;

    import->dealt_with = dealt_with;
    if (import->pending_count > 0) {
        if (import->options->is_dry) {
            import->counts.imported += import->pending_count;
        } else {
            result = append_halving(import, 0, import->pending_count);
        }
        import->pending_count = 0;
    }
    return result;
}

/* ---- Ids within a window */

/* Whether an event with this stream and id was taken in this window; remembers it if not. */
static bool was_seen(importer *import, size_t item)
{
    const stele_event *event = &import->parsed[item].event;
    uint64_t hash;

    memcpy(&hash, event->id.bytes + 8, sizeof hash);
    for (const char *at = event->stream; *at != '\0'; at++) {
        hash = (hash ^ (unsigned char)*at) * UINT64_C(0x100000001b3);
    }
    for (size_t slot = (size_t)(hash >> 20) % SEEN_SLOTS;; slot = (slot + 1) % SEEN_SLOTS) {
        const stele_event *other;

        if (import->seen[slot] == 0) {
            import->seen[slot] = item + 1;
            return false;
        }
        other = &import->parsed[import->seen[slot] - 1].event;
        if (memcmp(&other->id, &event->id, sizeof event->id) == 0 &&
            strcmp(other->stream, event->stream) == 0) {
            return true;
        }
    }
}

/* ---- Times */

/* Decides, at the first event that is to be written, whether the source's times become recorded
 * times. */
static stele_status decide_mode(importer *import, const cli_parsed_event *event,
                                stele_error *reterr)
{
    stele_info info = {0};
    stele_status status = STELE_OK;

    import->mode_is_known = true;
    if (import->store) {
        status = stele_describe(import->store, &info, reterr);
    }
    switch (import->options->time) {
    case CLI_TIME_AUTO:
        import->records_time =
            (info.head == 0 && event->has_time) ||
            (import->has_resumed && info.head > 0 && info.last_time <= import->latest);
        break;
    case CLI_TIME_RECORD:
        import->records_time = true;
        break;
    case CLI_TIME_METADATA:
    case CLI_TIME_DROP:
        import->records_time = false;
        break;
    }
    if (import->latest < info.last_time) {
        import->latest = info.last_time;
    }
    return status;
}

/* A recorded time holds for all that follows, so one mistake in the future would stop the store's
 * clock for ever. */
static bool is_in_future(const importer *import, const cli_parsed_event *event)
{
    return import->records_time && event->has_time && event->time > import->now + CLOCK_TOLERANCE;
}

/* What the event's time means: it moves the clock, or goes into the metadata. */
static void place_time(importer *import, cli_parsed_event *event)
{
    if (import->records_time && event->has_time && event->time > import->latest) {
        import->latest = event->time;
    }
    event->append_time = import->records_time ? import->latest : 0;
    if (event->has_time && import->options->time != CLI_TIME_DROP && !event->is_tombstone &&
        !(import->records_time && event->time == event->append_time) &&
        !cli_event_keep_time(&import->arena, event)) {
        import->counts.untimed++;
    }
}

/* ---- Items */

/* Puts an event behind those that are pending, which are written first if it cannot share their
 * commit. */
static int add_event(importer *import, size_t item)
{
    cli_parsed_event *event = &import->parsed[item];
    const bool is_alone = event->key || event->is_tombstone;
    int result = -1;

    if (import->pending_count > 0) {
        const cli_parsed_event *last = &import->parsed[import->pending[import->pending_count - 1]];

        if (is_alone || last->key || last->is_tombstone ||
            last->append_time != event->append_time) {
            result = flush(import, item);
        }
    }
    if (result >= 0) {
        return result;
    }
    set_clock(import, event->append_time);
    import->events[import->pending_count] = event->event;
    import->pending[import->pending_count] = item;
    import->pending_count++;
    return -1;
}

/* Reports an item after what is pending has been written. */
static int refuse_item(importer *import, size_t item, size_t offset, const char *message)
{
    /* If the import ends here, what came before is still to be written. */
    const int result = import->options->skips_bad ? -1 : flush(import, item);

    return result >= 0 ? result : say_bad_item(import, item, offset, message);
}

/* The event of an item, or NULL if it is bad. */
static const cli_parsed_event *parse_item(void *context, size_t item)
{
    importer *import = context;
    cli_parse_error *problem = &import->problems[item];

    if (!import->is_parsed[item]) {
        import->is_parsed[item] = true;
        problem->message = NULL;
        (void)cli_event_parse(&import->arena, cli_item_text(import->source, item),
                              import->source->items[item].size, &import->options->rules,
                              &import->parsed[item], problem);
    }
    return problem->message ? NULL : &import->parsed[item];
}

static bool is_last_window(const cli_source *source)
{
    return source->is_at_end && (source->array_has_ended ||
                                 source->items[source->item_count - 1].end == source->buffer.size);
}

/* What has one time may be one commit, and is not taken apart at the end of a window, unless it is
 * more than half of it. */
static void cut_window(importer *import)
{
    const cli_source *source = import->source;
    const cli_parsed_event *last = parse_item(import, source->item_count - 1);
    size_t cut = source->item_count - 1;

    if (is_last_window(source) || source->is_waiting || source->problem.message || !last ||
        !last->has_time) {
        return;
    }
    for (; cut > source->item_count / 2; cut--) {
        const cli_parsed_event *event = parse_item(import, cut - 1);

        if (event && (!event->has_time || event->time != last->time)) {
            import->count = cut;
            return;
        }
    }
}

/* Looks whether the store makes this item, or one that follows, when the others are appended. What
 * is pending is written if so. Cuts the window when its items cannot tell. */
static int find_commit(importer *import, size_t item)
{
    const cli_parsed_event *event = &import->parsed[item];
    const cli_source *source = import->source;
    const cli_lookahead items = {import->store, parse_item, import, import->count};
    cli_derivation found;
    int result = -1;

    if (item < import->commit_end || strncmp(event->event.stream, "$$", 2) != 0) {
        return -1;
    }
    if (import->pending_count > 0 && (!event->has_time || event->time > import->latest)) {
        result = flush(import, item); /* they would not share a commit anyway */
    }
    if (result >= 0 || !cli_derived_may_begin(import->store, &event->event)) {
        return result;
    }
    found = cli_derived_find(&items, item, import->is_derived, &import->commit_end);
    if (found == CLI_DERIVES && import->is_derived[item]) {
        return flush(import, item); /* the commit begins here */
    }
    if (found != CLI_DERIVES) {
        import->commit_end = 0;
    }
    if (found == CLI_DERIVES_UNKNOWN) {
        if (item > 0 ? !is_last_window(source) : source->is_waiting) {
            import->needs_more = item == 0;
            import->count = item;
        }
    }
    return result;
}

static int take_item(importer *import, size_t item)
{
    cli_parsed_event *event = &import->parsed[item];
    stele_error error;
    int result;

    if (!parse_item(import, item)) {
        return refuse_item(import, item, import->problems[item].at, import->problems[item].message);
    }
    if (!has_id(&event->event) && !event->key) {
        event->event.id = id_of(&import->source->items[item]);
    }
    if (!import->mode_is_known && decide_mode(import, event, &error) != STELE_OK) {
        return say_store(import, &error);
    }
    if (is_in_future(import, event)) {
        return refuse_item(
            import, item, 0,
            "its time lies in the future: recorded, it would stop the store's clock");
    }
    result = find_commit(import, item);
    if (result >= 0 || item >= import->count) {
        return result;
    }
    if (import->is_derived[item]) {
        import->counts.imported++;
        return -1;
    }
    if (!event->key && !event->is_tombstone && was_seen(import, item)) {
        import->counts.known++;
        import->needs_marker = true;
        return -1;
    }
    place_time(import, event);
    return add_event(import, item);
}

/* ---- Windows */

/* Counts items that an earlier run has dealt with, and notes the times of those that are in the
 * store: where the recorded time must not go below. */
static void pass_known(importer *import, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        cli_parsed_event event;
        cli_parse_error error;

        if (!cli_event_parse(&import->arena, cli_item_text(import->source, i),
                             import->source->items[i].size, &import->options->rules, &event,
                             &error)) {
            import->counts.bad++; /* --skip-bad has passed over it */
        } else {
            import->counts.known++;
            if (import->options->time == CLI_TIME_AUTO && event.has_time &&
                event.time > import->latest) {
                import->latest = event.time;
            }
        }
        cli_arena_reset(&import->arena);
    }
    import->has_resumed = true;
}

static void show_progress(importer *import)
{
    cli_progress_show(&import->progress, import->source->consumed,
                      import->counts.imported + import->counts.known + import->counts.bad);
}

/* Writes what is pending of a window, and sees to it that its end can be recognised for ever. */
static int leave_key(importer *import)
{
    const cli_source *source = import->source;
    const cli_item *last = &source->items[import->count - 1];
    const int result = flush(import, import->count);
    bool known = false;
    stele_error error;

    if (result >= 0 || import->options->is_dry || import->end_has_key ||
        (is_last_window(source) && !import->needs_marker && !import->window_has_key)) {
        return result;
    }
    if (is_known(import, last, &known, &error) != STELE_OK ||
        (!known && write_marker(import, last, &error) != STELE_OK)) {
        return say_store(import, &error);
    }
    import->needs_marker = false;
    return -1;
}

/* Deals with the items of the window. Answers -1, or an exit code. */
static int import_window(importer *import)
{
    cli_source *source = import->source;
    size_t known;
    stele_error error;
    int result = -1;

    if (find_known(import, &known, &error) != STELE_OK) {
        return say_store(import, &error);
    }
    if (known > 0) {
        pass_known(import, known);
        cli_source_consume(source, known);
        return -1;
    }
    memset(import->seen, 0, SEEN_SLOTS * sizeof *import->seen);
    memset(import->is_parsed, 0, source->item_count * sizeof *import->is_parsed);
    memset(import->is_derived, 0, source->item_count * sizeof *import->is_derived);
    import->window_has_key = false;
    import->end_has_key = false;
    import->needs_more = false;
    import->count = source->item_count;
    import->commit_end = 0;
    cut_window(import);
    for (size_t item = 0; item < import->count && result < 0; item++) {
        result = take_item(import, item);
        if (result < 0 && item + 1 == import->commit_end) {
            result = flush(import, item + 1);
        }
    }
    if (result < 0 && import->count > 0) {
        result = leave_key(import);
    }
    cli_source_consume(source, import->count);
    cli_arena_reset(&import->arena);
    if (result < 0 && import->store &&
        (source->is_waiting || cli_monotonic() - import->synced > SYNC_INTERVAL)) {
        result = sync_store(import);
    }
    return result;
}

static int say_stopped(importer *import)
{
    cli_progress_end(&import->progress);
    cli_complain("stopped; what was imported stays", "run it again to go on");
    return CLI_EXIT_INTERRUPTED;
}

static int say_problem(importer *import)
{
    const cli_problem *problem = &import->source->problem;

    if (problem->os_error == EINTR) {
        return say_stopped(import);
    }
    if (problem->os_error != 0) {
        cli_progress_end(&import->progress);
        return cli_fail_os(problem->os_error, "%s %s", import->source->name, problem->message);
    }
    /* What is cut wrongly cannot be skipped: nobody knows where the next item begins. */
    say_place(import, problem->line, problem->column, problem->message, "");
    return CLI_EXIT_USAGE;
}

static int import_all(importer *import)
{
    int result = -1;

    while (result < 0) {
        if (cli_caught_signal() != 0) {
            return say_stopped(import);
        }
        import->source->may_end_early = !import->looks_up && !import->needs_more;
        cli_source_fill(import->source);
        if (import->source->item_count == 0) {
            return import->source->problem.message ? say_problem(import) : CLI_EXIT_OK;
        }
        result = import_window(import);
        show_progress(import);
    }
    return result;
}

int cli_import(stele_store *store, cli_source *source, const cli_import_options *options,
               cli_import_clock *clock, cli_import_counts *ret_counts)
{
    importer *import = cli_take_zero(sizeof *import);
    stele_position head = 0;
    stele_error error;
    int result = CLI_EXIT_OK;

    *import = (importer){.store = store, .source = source, .options = options, .clock = clock};
    import->events = cli_take_zero(CLI_WINDOW_ITEMS * sizeof *import->events);
    import->pending = cli_take_zero(CLI_WINDOW_ITEMS * sizeof *import->pending);
    import->parsed = cli_take_zero(CLI_WINDOW_ITEMS * sizeof *import->parsed);
    import->seen = cli_take_zero(SEEN_SLOTS * sizeof *import->seen);
    import->problems = cli_take_zero(CLI_WINDOW_ITEMS * sizeof *import->problems);
    import->is_parsed = cli_take_zero(CLI_WINDOW_ITEMS * sizeof *import->is_parsed);
    import->is_derived = cli_take_zero(CLI_WINDOW_ITEMS * sizeof *import->is_derived);
    import->now = stele_clock_system()->now(stele_clock_system()->context);
    import->synced = cli_monotonic();
    cli_progress_begin(&import->progress, "event", source->size, options->is_quiet);
    if (store && stele_head(store, &head, &error) != STELE_OK) {
        result = say_store(import, &error);
    }
    import->looks_up = head > 0;
    if (result == CLI_EXIT_OK) {
        result = import_all(import);
    }
    cli_progress_end(&import->progress);
    if (store) {
        const int synced = sync_store(import);

        result = result == CLI_EXIT_OK && synced >= 0 ? synced : result;
    }
    *ret_counts = import->counts;
    cli_arena_done(&import->arena);
    cli_give_back(import->events, CLI_WINDOW_ITEMS * sizeof *import->events);
    cli_give_back(import->pending, CLI_WINDOW_ITEMS * sizeof *import->pending);
    cli_give_back(import->parsed, CLI_WINDOW_ITEMS * sizeof *import->parsed);
    cli_give_back(import->seen, SEEN_SLOTS * sizeof *import->seen);
    cli_give_back(import->problems, CLI_WINDOW_ITEMS * sizeof *import->problems);
    cli_give_back(import->is_parsed, CLI_WINDOW_ITEMS * sizeof *import->is_parsed);
    cli_give_back(import->is_derived, CLI_WINDOW_ITEMS * sizeof *import->is_derived);
    cli_give_back(import, sizeof *import);
    return result;
}

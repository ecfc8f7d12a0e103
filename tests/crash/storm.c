/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program `storm`: kills writers and judges what they leave. See storm.h. Prints what it did;
 * exit code 1 when something is wrong.
 */
#include "storm.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A store that has grown to this is left and a new one begun, so that judging stays fast. */
enum { POSITIONS_MAX = 1 << 20, POSITIONS_ENOUGH = 60000, LIFE_MS_MIN = 5, LIFE_MS_MAX = 150 };

typedef struct storm_run {
    double seconds;
    uint64_t seed;
    uint32_t threads; /* 0: 1, 16 and 64 in turn */
    bool has_follower;
    const char *folder;
    stele__prng prng;
    char store[400];
    uint32_t life;
    stele_position established;            /* judged right after some death: must stay */
    uint64_t *digests;                     /* by position */
    uint64_t announced[STORM_THREADS_MAX]; /* of this life: the last sequence */
    uint64_t found[STORM_THREADS_MAX];
    storm_note *acknowledged; /* of this life */
    size_t acknowledged_count;
    size_t acknowledged_capacity;
    pid_t follower;
    int follower_notes;
    stele_position followed; /* the follower has told so far */
    uint64_t *followed_digests;
    uint64_t deaths;
    uint64_t stores;
    uint64_t acknowledged_in_all;
    uint64_t events_in_all;
} storm_run;

static void fail(const storm_run *storm, const char *format, ...) STELE_PRINTF(2, 3)
    __attribute__((noreturn));

static void fail(const storm_run *storm, const char *format, ...)
{
    va_list arguments;
    (void)printf("FAILED in life %" PRIu32 " (--seed %" PRIu64 "), store %s: ", storm->life,
                 storm->seed, storm->store);
    va_start(arguments, format);
    (void)vprintf(format, arguments);
    va_end(arguments);
    (void)printf("\n");
    if (storm->follower > 0) {
        (void)kill(storm->follower, SIGKILL);
    }
    exit(1);
}

static double now_seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- notes */

static void take_note(storm_run *storm, const storm_note *note)
{
    if (note->kind == STORM_SEEN) {
        if (note->position != storm->followed + 1) {
            fail(storm, "the follower saw position %" PRIu64 " after %" PRIu64, note->position,
                 storm->followed);
        }
        storm->followed = note->position;
        storm->followed_digests[note->position] = note->digest;
        return;
    }
    if (note->kind == STORM_ANNOUNCED) {
        storm->announced[note->thread] = note->sequence;
        return;
    }
    if (!stele__reserve(stele_alloc_default(), (void **)&storm->acknowledged,
                        &storm->acknowledged_capacity, storm->acknowledged_count + 1,
                        sizeof *note)) {
        fail(storm, "out of memory");
    }
    storm->acknowledged[storm->acknowledged_count++] = *note;
}

/* Takes what is in a pipe. False: the other end is closed and everything was taken. */
static bool take_notes(storm_run *storm, int fd)
{
    storm_note notes[256];
    const ssize_t size = read(fd, notes, sizeof notes);
    if (size < 0) {
        return errno == EAGAIN || errno == EINTR;
    }
    if (size % (ssize_t)sizeof notes[0] != 0) {
        fail(storm, "a note was torn");
    }
    for (size_t i = 0; i < (size_t)size / sizeof notes[0]; i++) {
        take_note(storm, &notes[i]);
    }
    return size > 0;
}

/* Takes notes of the writer and the follower for so long, or until the writer is gone. */
static void listen_to(storm_run *storm, int writer_notes, double seconds)
{
    const double end = now_seconds() + seconds;
    for (double left = seconds; left > 0; left = end - now_seconds()) {
        struct pollfd fds[2] = {{.fd = writer_notes, .events = POLLIN},
                                {.fd = storm->follower_notes, .events = POLLIN}};
        (void)poll(fds, 2, (int)(left * 1000) + 1);
        if (fds[1].revents && !take_notes(storm, storm->follower_notes)) {
            fail(storm, "the follower has ended");
        }
        if (fds[0].revents && !take_notes(storm, writer_notes)) {
            return;
        }
    }
}

/* ---- children */

/* Starts a child with a pipe for its notes. */
static pid_t start_child(storm_run *storm, bool is_follower, uint32_t threads, int *ret_notes)
{
    int ends[2];
    if (pipe(ends) != 0) {
        fail(storm, "pipe: %d", errno);
    }
    (void)fflush(stdout);
    const pid_t child = fork();
    if (child < 0) {
        fail(storm, "fork: %d", errno);
    }
    if (child == 0) {
        (void)close(ends[0]);
        _exit(is_follower ? storm_follow(storm->store, ends[1])
                          : storm_write(storm->store, storm->life, threads, ends[1]));
    }
    (void)close(ends[1]);
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    *ret_notes = ends[0];
    return child;
}

static void live_and_die(storm_run *storm)
{
    static const uint32_t turns[] = {1, 16, 64};
    const uint32_t threads = storm->threads ? storm->threads : turns[storm->life % 3];
    int notes;
    int status;
    memset(storm->announced, 0, sizeof storm->announced);
    memset(storm->found, 0, sizeof storm->found);
    storm->acknowledged_count = 0;
    const pid_t writer = start_child(storm, false, threads, &notes);
    const uint64_t length =
        LIFE_MS_MIN + stele__prng_below(&storm->prng, LIFE_MS_MAX - LIFE_MS_MIN);
    listen_to(storm, notes, (double)length / 1000);
    (void)kill(writer, SIGKILL);
    if (waitpid(writer, &status, 0) != writer || !WIFSIGNALED(status)) {
        fail(storm, "the writer ended by itself with code %d", WEXITSTATUS(status));
    }
    while (take_notes(storm, notes)) {
    }
    (void)close(notes);
    storm->deaths++;
}

/* ---- judging */

/* What is expected of the next event: the rest of the commit that the last one began. */
typedef struct storm_judge {
    storm_commit commit;
    uint32_t life;
    uint32_t thread;
    uint64_t sequence;
    size_t next;
    uint8_t *data;
} storm_judge;

static void judge_content(const storm_run *storm, const storm_judge *judge,
                          const stele_record *record)
{
    const storm_commit *commit = &judge->commit;
    const size_t i = judge->next;
    storm_fill(&commit->ids[i], judge->data, commit->sizes[i]);
    if (!stele__uuid_equal(&commit->ids[i], &record->id) ||
        !stele__text_equal(record->stream, stele__text(commit->streams[i])) ||
        record->data.size != commit->sizes[i] ||
        memcmp(record->data.data, judge->data, commit->sizes[i]) != 0) {
        fail(storm,
             "position %" PRIu64 " is not what thread %" PRIu32
             " wrote as event %zu of its commit %" PRIu64,
             record->position, judge->thread, i, judge->sequence);
    }
}

/* An event behind what was established: of this life, announced, whole, in the order of its thread.
 */
static void judge_new(storm_run *storm, storm_judge *judge, const stele_record *record)
{
    uint32_t index;
    if (judge->next == judge->commit.event_count) {
        if (!storm_id_parse(&record->id, &judge->life, &judge->thread, &judge->sequence, &index) ||
            judge->life != storm->life || judge->thread >= STORM_THREADS_MAX ||
            judge->sequence > storm->announced[judge->thread]) {
            fail(storm, "position %" PRIu64 " was never submitted", record->position);
        }
        if (judge->sequence != storm->found[judge->thread] + 1) {
            fail(storm, "commit %" PRIu64 " of thread %" PRIu32 " follows on %" PRIu64,
                 judge->sequence, judge->thread, storm->found[judge->thread]);
        }
        storm->found[judge->thread] = judge->sequence;
        storm_commit_make(judge->life, judge->thread, judge->sequence, &judge->commit);
        judge->next = 0;
    }
    judge_content(storm, judge, record);
    judge->next++;
}

static void judge_record(storm_run *storm, storm_judge *judge, const stele_record *record,
                         stele_position expected)
{
    if (record->position != expected || expected >= POSITIONS_MAX) {
        fail(storm, "position %" PRIu64 " instead of %" PRIu64, record->position, expected);
    }
    const uint64_t digest = storm_digest(record);
    if (expected <= storm->established) {
        if (digest != storm->digests[expected]) {
            fail(storm, "position %" PRIu64 " has changed", expected);
        }
        return;
    }
    judge_new(storm, judge, record);
    storm->digests[expected] = digest;
}

static void judge_everything(storm_run *storm, stele_store *store, stele_position *ret_head)
{
    const stele_read everything = {0};
    STELE_CLEANUP(cursor) stele_cursor *cursor = NULL;
    stele_error error;
    storm_judge judge = {0};
    judge.data = stele__allocate(stele_alloc_default(), STORM_DATA_SIZE_MAX);
    if (!judge.data || stele_read_open(store, &everything, &cursor, &error) != STELE_OK) {
        fail(storm, "reading: %s", error.message);
    }
    stele_position expected = 0;
    const stele_record *record;
    while ((record = stele_cursor_next(cursor, &error)) != NULL) {
        judge_record(storm, &judge, record, ++expected);
    }
    if (error.status != STELE_OK) {
        fail(storm, "reading behind position %" PRIu64 ": %s", expected, error.message);
    }
    if (judge.next != judge.commit.event_count) {
        fail(storm, "the last commit is not whole");
    }
    stele__release(stele_alloc_default(), judge.data, STORM_DATA_SIZE_MAX);
    *ret_head = expected;
}

/* Every stream, read by itself, counts its revisions without gaps; all streams together have every
 * event. */
static void judge_streams(storm_run *storm, stele_store *store, stele_position head)
{
    STELE_CLEANUP(names) stele_name_list *names = NULL;
    const stele_list all = {0};
    stele_error error;
    uint64_t total = 0;
    if (stele_names_open(store, &all, &names, &error) != STELE_OK) {
        fail(storm, "names: %s", error.message);
    }
    for (const stele_name_entry *entry; (entry = stele_names_next(names, &error)) != NULL;) {
        char name[64];
        (void)snprintf(name, sizeof name, "%.*s", STELE_TEXT(entry->name));
        STELE_CLEANUP(cursor) stele_cursor *cursor = NULL;
        const stele_read read = {.stream = name};
        uint64_t count = 0;
        if (stele_read_open(store, &read, &cursor, &error) != STELE_OK) {
            fail(storm, "stream %s: %s", name, error.message);
        }
        for (const stele_record *record; (record = stele_cursor_next(cursor, &error)) != NULL;
             count++) {
            if (record->revision != count ||
                storm_digest(record) != storm->digests[record->position]) {
                fail(storm,
                     "stream %s shows position %" PRIu64 " as revision %" PRIu64 ", the %" PRIu64
                     ". event",
                     name, record->position, record->revision, count);
            }
        }
        if (error.status != STELE_OK || count != entry->event_count) {
            fail(storm, "stream %s has %" PRIu64 " events, listed are %" PRIu64, name, count,
                 entry->event_count);
        }
        total += count;
    }
    if (total != head) {
        fail(storm, "the streams have %" PRIu64 " events together, the store %" PRIu64, total,
             head);
    }
}

static void judge_acknowledged(const storm_run *storm, stele_store *store, stele_position head)
{
    for (size_t i = 0; i < storm->acknowledged_count; i++) {
        const storm_note *note = &storm->acknowledged[i];
        storm_commit commit;
        storm_commit_make(storm->life, note->thread, note->sequence, &commit);
        STELE_CLEANUP(cursor) stele_cursor *cursor = NULL;
        const stele_read read = {.from = STELE_AT_POSITION(note->position), .limit = 1};
        stele_error error = {0};
        const stele_record *record = NULL;
        if (note->position <= head && stele_read_open(store, &read, &cursor, &error) == STELE_OK) {
            record = stele_cursor_next(cursor, &error);
        }
        if (!record || !stele__uuid_equal(&record->id, &commit.ids[commit.event_count - 1]) ||
            record->revision != note->revision) {
            fail(storm,
                 "thread %" PRIu32 " was told position %" PRIu64 " revision %" PRIu64
                 " for its commit %" PRIu64 "; it is not there (head %" PRIu64 ")",
                 note->thread, note->position, note->revision, note->sequence, head);
        }
    }
}

static void judge_store(storm_run *storm)
{
    const stele_options options = {.background = STELE_NO_THREADS,
                                   .segment_bytes = 256 * 1024,
                                   .memory_bytes = STELE_MEMORY_MIN};
    stele_store *store = NULL;
    stele_position head = 0;
    stele_error error;
    if (stele_open(storm->store, &options, &store, &error) != STELE_OK) {
        fail(storm, "the store cannot be opened after a death: %s", error.message);
    }
    judge_everything(storm, store, &head);
    if (head < storm->established) {
        fail(storm, "the store ends at %" PRIu64 " and had %" PRIu64, head, storm->established);
    }
    judge_acknowledged(storm, store, head);
    if (storm->life % 8 == 0) {
        stele_verify_result result;
        judge_streams(storm, store, head);
        if (stele_verify(store, NULL, &result, &error) != STELE_OK || result.events != head) {
            fail(storm, "verify: %s, %" PRIu64 " events", error.message, result.events);
        }
    }
    if (stele_close(store, &error) != STELE_OK) {
        fail(storm, "closing: %s", error.message);
    }
    storm->events_in_all += head - storm->established;
    storm->acknowledged_in_all += storm->acknowledged_count;
    storm->established = head;
}

/* The follower has everything, once, in order, as it is in the store. */
static void judge_follower(storm_run *storm)
{
    const double end = now_seconds() + 20;
    while (storm->followed < storm->established && now_seconds() < end) {
        struct pollfd fd = {.fd = storm->follower_notes, .events = POLLIN};
        (void)poll(&fd, 1, 100);
        if (fd.revents && !take_notes(storm, storm->follower_notes)) {
            fail(storm, "the follower has ended");
        }
    }
    if (storm->followed != storm->established) {
        fail(storm, "the follower is at %" PRIu64 " of %" PRIu64, storm->followed,
             storm->established);
    }
    for (stele_position p = 1; p <= storm->established; p++) {
        if (storm->followed_digests[p] != storm->digests[p]) {
            fail(storm, "the follower saw something else at position %" PRIu64, p);
        }
    }
    (void)kill(storm->follower, SIGKILL);
    (void)waitpid(storm->follower, NULL, 0);
    (void)close(storm->follower_notes);
    storm->follower = 0;
    storm->follower_notes = -1;
}

/* ---- the storm */

static void remove_store(storm_run *storm)
{
    const pid_t child = fork();
    if (child == 0) {
        (void)execlp("rm", "rm", "-rf", storm->store, (char *)NULL);
        _exit(127);
    }
    (void)waitpid(child, NULL, 0);
}

static void begin_store(storm_run *storm)
{
    stele_store *store = NULL;
    stele_error error;
    storm->stores++;
    (void)mkdir(storm->folder, 0777); /* it may be there */
    (void)snprintf(storm->store, sizeof storm->store, "%s/storm-%" PRIu64, storm->folder,
                   storm->stores);
    remove_store(storm); /* a storm that was stopped left it */
    storm->established = 0;
    storm->followed = 0;
    /* So that there is something to follow. */
    const stele_options options = {.background = STELE_NO_THREADS, .segment_bytes = 256 * 1024};
    if (stele_open(storm->store, &options, &store, &error) != STELE_OK ||
        stele_close(store, &error) != STELE_OK) {
        fail(storm, "creating a store: %s", error.message);
    }
    if (storm->has_follower) {
        storm->follower = start_child(storm, true, 0, &storm->follower_notes);
    }
}

static void run(storm_run *storm)
{
    const double begin = now_seconds();
    while (now_seconds() - begin < storm->seconds) {
        begin_store(storm);
        while (storm->established < POSITIONS_ENOUGH && now_seconds() - begin < storm->seconds) {
            storm->life++;
            live_and_die(storm);
            judge_store(storm);
        }
        if (storm->has_follower) {
            judge_follower(storm);
        }
        remove_store(storm);
    }
    (void)printf("%" PRIu64 " deaths in %" PRIu64 " stores: %" PRIu64
                 " commits acknowledged and found, %" PRIu64 " events%s; %.1f s\n",
                 storm->deaths, storm->stores, storm->acknowledged_in_all, storm->events_in_all,
                 storm->has_follower ? ", all seen by the follower, once and in order" : "",
                 now_seconds() - begin);
}

static bool parse(storm_run *storm, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--follow") == 0) {
            storm->has_follower = true;
        } else if (i + 1 >= argc) {
            return false;
        } else if (strcmp(argv[i], "--folder") == 0) {
            storm->folder = argv[++i];
        } else {
            char *end;
            const unsigned long long number = strtoull(argv[i + 1], &end, 10);
            if (*end != '\0') {
                return false;
            }
            if (strcmp(argv[i], "--seconds") == 0) {
                storm->seconds = (double)number;
            } else if (strcmp(argv[i], "--threads") == 0 && number <= STORM_THREADS_MAX) {
                storm->threads = (uint32_t)number;
            } else if (strcmp(argv[i], "--seed") == 0) {
                storm->seed = number;
            } else {
                return false;
            }
            i++;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    static storm_run storm = {.seconds = 3, .folder = ".", .follower_notes = -1};
    storm.seed = (uint64_t)(now_seconds() * 1e6);
    if (!parse(&storm, argc, argv)) {
        (void)puts("storm [--seconds N] [--threads N] [--follow] [--seed N] [--folder PATH]");
        return 2;
    }
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    (void)signal(SIGPIPE, SIG_IGN);
    stele__prng_seed(&storm.prng, storm.seed);
    storm.digests =
        stele__allocate_zero(stele_alloc_default(), POSITIONS_MAX * sizeof *storm.digests);
    storm.followed_digests =
        stele__allocate_zero(stele_alloc_default(), POSITIONS_MAX * sizeof *storm.digests);
    if (!storm.digests || !storm.followed_digests) {
        return 2;
    }
    run(&storm);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program `sim`: runs stories from seeds until enough were run, enough time has passed or
 * enough crashes were survived; prints crashes by place; and on a failure the seed, what went
 * wrong, and the fewest steps that still go wrong.
 */
#include "sim/story.h"

#include "base/base.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#ifdef STELE_CANARY
#include "log/canary.h"
#endif

enum { EXIT_FOUND = 1, EXIT_USAGE = 2 };

typedef struct sim_command {
    sim_settings settings;
    uint64_t runs;       /* 0: no bound */
    double seconds;      /* 0: no bound */
    uint64_t crashes;    /* 0: no bound */
    bool is_every_place; /* `crashes` at each place */
    int canary;
    uint64_t budget;   /* of seeds, for the canary */
    const char *seeds; /* a file of seeds to replay, and nothing else */
    bool is_quiet;
    bool keeps_going;
} sim_command;

static const char usage[] =
    "sim [options]: the engine on a simulated disk, against the oracle\n"
    "  --seed N        the first seed (default: from the clock); the next runs take N + 1 …\n"
    "  --runs N        stop after so many runs\n"
    "  --seconds N     stop after so much time\n"
    "  --crashes N     stop after so many crashes that count\n"
    "  --every-place   so many at each place, one after another\n"
    "  --place NAME    crash there only: commit segment-roll index-install manifest-swap\n"
    "                  recovery undelete disk-full close compress\n"
    "  --steps N       steps in a run (default: drawn)\n"
    "  --calm          neither crashes nor faults\n"
    "  --no-faults     crashes only\n"
    "  --keep-pages    a sync that fails loses no pages\n"
    "  --plain         no run compresses sealed segments, …\n"
    "  --compress      … or every one (default: a quarter of them)\n"
    "  --lying         syncs lie: an intact prefix must be left, or the damage be told\n"
    "  --url URL       of the store: memory: compares the oracle with itself\n"
    "  --only A,B,C    leave out all steps but these\n"
    "  --replay FILE   run what each line of the file says, up to a #, and nothing else\n"
    "  --canary N      a build with canaries: the simulator must find canary N …\n"
    "  --budget N      … within so many seeds (default 2000)\n"
    "  --tell          print every step\n"
    "  --keep-going    tell of every failure in a line, and go on\n"
    "  --quiet         no table\n";

static double now_seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool parse_number(const char *text, uint64_t *ret_number)
{
    char *end;
    errno = 0;
    const unsigned long long number = strtoull(text, &end, 0);
    if (errno != 0 || end == text || *end != '\0') {
        return false;
    }
    *ret_number = number;
    return true;
}

/* The steps that are not in a list of numbers; NULL: it is none. Valid until the next call. */
static const bool *parse_only(const char *list)
{
    static bool left_out[SIM_STEPS_MAX];
    for (size_t i = 0; i < SIM_STEPS_MAX; i++) {
        left_out[i] = true;
    }
    while (*list != '\0') {
        char *end;
        const unsigned long step = strtoul(list, &end, 10);
        if (end == list || step >= SIM_STEPS_MAX || (*end != ',' && *end != '\0')) {
            return NULL;
        }
        left_out[step] = false;
        list = end + (*end == ',');
    }
    return left_out;
}

/* One option with a value; false: there is no such option, or its value is wrong. */
static bool parse_option(sim_command *command, const char *name, const char *value)
{
    uint64_t number = 0;
    if (strcmp(name, "--place") == 0) {
        command->settings.place = (int)sim_place_of_name(value);
        return command->settings.place < SIM_PLACE_COUNT;
    }
    if (strcmp(name, "--url") == 0) {
        command->settings.url = value;
        return true;
    }
    if (strcmp(name, "--replay") == 0) {
        command->seeds = value;
        return true;
    }
    if (strcmp(name, "--only") == 0) {
        command->settings.left_out = parse_only(value);
        return command->settings.left_out != NULL;
    }
    if (!parse_number(value, &number)) {
        return false;
    }
    if (strcmp(name, "--seed") == 0) {
        command->settings.seed = number;
    } else if (strcmp(name, "--runs") == 0) {
        command->runs = number;
    } else if (strcmp(name, "--seconds") == 0) {
        command->seconds = (double)number;
    } else if (strcmp(name, "--crashes") == 0) {
        command->crashes = number;
    } else if (strcmp(name, "--steps") == 0) {
        command->settings.step_count = (uint32_t)number;
    } else if (strcmp(name, "--canary") == 0) {
        command->canary = (int)number;
    } else if (strcmp(name, "--budget") == 0) {
        command->budget = number;
    } else {
        return false;
    }
    return true;
}

static bool parse_flag(sim_command *command, const char *name)
{
    static const struct {
        const char *name;
        size_t offset;
    } flags[] = {
        {"--calm", offsetof(sim_command, settings.is_calm)},
        {"--tell", offsetof(sim_command, settings.is_told)},
        {"--keep-pages", offsetof(sim_command, settings.keeps_pages)},
        {"--lying", offsetof(sim_command, settings.is_lying)},
        {"--plain", offsetof(sim_command, settings.is_plain)},
        {"--compress", offsetof(sim_command, settings.is_compressing)},
        {"--every-place", offsetof(sim_command, is_every_place)},
        {"--keep-going", offsetof(sim_command, keeps_going)},
        {"--quiet", offsetof(sim_command, is_quiet)},
    };
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (strcmp(name, flags[i].name) == 0) {
            *(bool *)((char *)command + flags[i].offset) = true;
            return true;
        }
    }
    if (strcmp(name, "--no-faults") == 0) {
        command->settings.has_faults = false;
        return true;
    }
    return false;
}

static sim_command command_default(void)
{
    return (sim_command){.settings = {.place = -1, .has_faults = true}, .budget = 2000};
}

static bool parse_command(int argc, char **argv, sim_command *command)
{
    for (int i = 1; i < argc; i++) {
        if (parse_flag(command, argv[i])) {
            continue;
        }
        if (i + 1 >= argc || !parse_option(command, argv[i], argv[i + 1])) {
            return false;
        }
        i++;
    }
    if (command->runs == 0 && command->seconds <= 0 && command->crashes == 0) {
        command->runs = 1;
    }
    return true;
}

/* ---- running */

/* One run takes milliseconds; who computes for so long has lost his way. */
enum { RUN_SECONDS_MAX = 20 };

/* Runs a story under a watch that counts processor time. */
static bool run_watched(sim_story *story, const sim_settings *settings)
{
    const struct itimerval watch = {.it_value.tv_sec = RUN_SECONDS_MAX};
    (void)setitimer(ITIMER_VIRTUAL, &watch, NULL);
    return sim_story_run(story, settings);
}

/* ---- shrinking */

static void print_settings(const sim_settings *settings)
{
    (void)printf("--seed %" PRIu64, settings->seed);
    if (settings->place >= 0) {
        (void)printf(" --place %s", sim_place_name((sim_place)settings->place));
    }
    if (settings->step_count > 0) {
        (void)printf(" --steps %" PRIu32, settings->step_count);
    }
    (void)printf("%s%s%s",
                 settings->is_plain         ? " --plain"
                 : settings->is_compressing ? " --compress"
                                            : "",
                 settings->is_calm    ? " --calm"
                 : settings->is_lying ? " --lying"
                                      : "",
                 settings->has_faults || settings->is_calm ? "" : " --no-faults");
}

/* Leaves out as many steps as possible so that the run still fails, first many at once, then one by
 * one. */
static void shrink(sim_story *story, const sim_settings *settings)
{
    static bool left_out[SIM_STEPS_MAX];
    sim_settings smaller = *settings;
    const uint32_t count = sim_story_step_count(settings);
    memset(left_out, 0, sizeof left_out);
    if (settings->left_out) {
        memcpy(left_out, settings->left_out, sizeof left_out);
    }
    smaller.left_out = left_out;
    smaller.is_told = false;
    for (uint32_t size = count / 2; size > 0; size /= 2) {
        for (uint32_t at = 0; at < count; at += size) {
            bool before[SIM_STEPS_MAX];
            memcpy(before, left_out, sizeof before);
            for (uint32_t i = at; i < count && i < at + size; i++) {
                left_out[i] = true;
            }
            if (run_watched(story, &smaller)) {
                memcpy(left_out, before, sizeof before);
            }
        }
    }
    (void)printf("the fewest steps that still fail: ");
    print_settings(settings);
    const char *separator = " --only ";
    for (uint32_t i = 0; i < count; i++) {
        if (!left_out[i]) {
            (void)printf("%s%" PRIu32, separator, i);
            separator = ",";
        }
    }
    (void)printf("\n");
    smaller.is_told = true;
    if (run_watched(story, &smaller)) {
        (void)printf("(they do not fail any more: the run is not a function of its seed)\n");
    } else {
        (void)printf("FAILED: %s\n", story->report.text);
    }
}

static int report_failure(sim_story *story, const sim_settings *settings)
{
    (void)printf("FAILED: ");
    print_settings(settings);
    (void)printf("\nat step %" PRIu32 ": %s\n", story->step, story->report.text);
    shrink(story, settings);
    return EXIT_FOUND;
}

/* ---- tables */

static uint64_t count_at(const sim_counts *counts, int place)
{
    return counts->crashes[place][0] + counts->crashes[place][1];
}

static uint64_t count_all(const sim_counts *counts)
{
    uint64_t all = 0;
    for (int i = 0; i < SIM_PLACE_COUNT; i++) {
        all += count_at(counts, i);
    }
    return all;
}

static void print_table(const sim_counts *counts, double seconds)
{
    (void)printf("%-14s %10s %10s %10s\n", "crashes at", "machine", "process", "both");
    for (int i = 0; i < SIM_PLACE_COUNT; i++) {
        (void)printf("%-14s %10" PRIu64 " %10" PRIu64 " %10" PRIu64 "\n",
                     sim_place_name((sim_place)i), counts->crashes[i][SIM_MACHINE_CRASH],
                     counts->crashes[i][SIM_PROCESS_CRASH], count_at(counts, i));
    }
    (void)printf("%-14s %10s %10s %10" PRIu64 "\n", "all", "", "", count_all(counts));
    (void)printf("%" PRIu64 " runs, %" PRIu64 " steps, %" PRIu64 " appends accepted, %" PRIu64
                 " refused, %" PRIu64 " recognised as retries, %" PRIu64 " faults, %" PRIu64
                 " openings, %" PRIu64 " crashes with nothing unsynced\n",
                 counts->runs, counts->steps, counts->accepted, counts->refused, counts->retried,
                 counts->faults, counts->reopened, counts->idle_crashes);
    (void)printf("%" PRIu64 " events compared, at most %" PRIu64 " segments and %" PRIu64
                 " index files, %" PRIu64 " lost, %" PRIu64
                 " looks while some were missing; %.1f s, %.0f crashes a minute\n",
                 counts->events_compared, counts->segments_max, counts->index_files_max,
                 counts->index_files_lost, counts->unindexed_checks, seconds,
                 60 * (double)count_all(counts) / (seconds > 0 ? seconds : 1));
}

/* ---- main */

static sim_story *running;

static int canary_hunted;

/* The process cannot go on, but the seed is told. With a canary that counts as finding it. */
static void tell_end(const char *what, const char *where, int number) __attribute__((noreturn));

static void tell_end(const char *what, const char *where, int number)
{
    (void)printf("%s: ", canary_hunted ? "found" : "FAILED");
    print_settings(&running->settings);
    (void)printf("\nat step %" PRIu32 ": %s %s %d\n", running->step, what, where, number);
    (void)fflush(stdout);
    if (canary_hunted) {
        _exit(0);
    }
    abort();
}

/* An invariant of the engine does not hold. */
static void tell_assertion(const char *expression, const char *file, int line)
    __attribute__((noreturn));

static void tell_assertion(const char *expression, const char *file, int line)
{
    (void)printf("assertion %s\n", expression);
    tell_end("assertion at", file, line);
}

/* A map was read where its file was cut away (or worse), or a call does not come back. */
static void tell_signal(int number)
{
    (void)signal(number, SIG_DFL);
    tell_end(number == SIGVTALRM ? "a call does not come back:" : "the process died:", "signal",
             number);
}

/* Runs until a bound is reached. Not 0: a failure was found and told. */
static int run_many(sim_story *story, const sim_command *command, sim_settings *settings,
                    double begin)
{
    const sim_counts before = story->counts;
    int result = 0;
    for (;;) {
        const sim_counts *now = &story->counts;
        const uint64_t crashes = settings->place < 0 ? count_all(now) - count_all(&before)
                                                     : count_at(now, settings->place) -
                                                           count_at(&before, settings->place);
        if ((command->runs > 0 && now->runs - before.runs >= command->runs) ||
            (command->seconds > 0 && now_seconds() - begin >= command->seconds) ||
            (command->crashes > 0 && crashes >= command->crashes)) {
            return result;
        }
        if (!run_watched(story, settings)) {
            if (!command->keeps_going) {
                return report_failure(story, settings);
            }
            (void)printf("FAILED: ");
            print_settings(settings);
            (void)printf(" at step %" PRIu32 ": %s\n", story->step, story->report.text);
            result = EXIT_FOUND;
        }
        settings->seed++;
    }
}

/* With a canary in the engine a failure is what is wanted. */
static int hunt_canary(sim_story *story, const sim_command *command, sim_settings *settings)
{
#ifdef STELE_CANARY
    stele__log_canary = command->canary;
#else
    (void)printf("this build has no canaries\n");
    return EXIT_USAGE;
#endif
    for (uint64_t i = 0; i < command->budget; i++, settings->seed++) {
        if (!run_watched(story, settings)) {
            (void)printf("canary %d: found with seed %" PRIu64 ", the %" PRIu64 ". seed: %s\n",
                         command->canary, settings->seed, i + 1, story->report.text);
            return 0;
        }
    }
    (void)printf("canary %d: NOT found within %" PRIu64 " seeds\n", command->canary,
                 command->budget);
    return EXIT_FOUND;
}

/* Splits a line at blanks, up to a #. The words stay in the line. */
static void split_words(char *line, char *arguments[32], int *argument_count)
{
    line[strcspn(line, "#\n")] = '\0';
    while (*argument_count < 32) {
        line += strspn(line, " ");
        if (*line == '\0') {
            return;
        }
        arguments[(*argument_count)++] = line;
        line += strcspn(line, " ");
        if (*line != '\0') {
            *line++ = '\0';
        }
    }
}

/* Runs what the lines of a file say. */
static int replay(sim_story *story, const char *path)
{
    char line[1000];
    int count = 0;
    FILE *file = fopen(path, "r");
    if (!file) {
        (void)printf("cannot open %s\n", path);
        return EXIT_USAGE;
    }
    int result = 0;
    while (result == 0 && fgets(line, sizeof line, file)) {
        char *arguments[32] = {NULL};
        int argument_count = 1;
        split_words(line, arguments, &argument_count);
        sim_command command = command_default();
        if (argument_count == 1) {
            continue;
        }
        if (!parse_command(argument_count, arguments, &command)) {
            result = EXIT_USAGE;
        } else if (!run_watched(story, &command.settings)) {
            result = report_failure(story, &command.settings);
        }
        count++;
    }
    (void)fclose(file);
    (void)printf("%d seeds of %s\n", count, path);
    return result;
}

/* A place after another, each with as many crashes as were asked for. */
static int run_places(sim_story *story, const sim_command *command, double begin)
{
    int result = 0;
    sim_settings settings = command->settings;
    for (int place = 0; place < SIM_PLACE_OTHER && result == 0; place++) {
        settings.place = place;
        result = run_many(story, command, &settings, begin);
    }
    return result;
}

int main(int argc, char **argv)
{
    sim_command command = command_default();
    command.settings.seed = (uint64_t)(now_seconds() * 1e6);
    if (!parse_command(argc, argv, &command)) {
        (void)fputs(usage, stdout);
        return EXIT_USAGE;
    }
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    sim_story *story = sim_story_new();
    running = story;
    stele__assert_hook(tell_assertion);
    (void)signal(SIGBUS, tell_signal);
    (void)signal(SIGSEGV, tell_signal);
    (void)signal(SIGVTALRM, tell_signal);
    canary_hunted = command.canary;
    const double begin = now_seconds();
    int result;
    (void)printf("sim ");
    print_settings(&command.settings);
    (void)printf("\n");
    if (command.seeds) {
        result = replay(story, command.seeds);
    } else if (command.canary > 0) {
        result = hunt_canary(story, &command, &command.settings);
    } else if (command.is_every_place) {
        result = run_places(story, &command, begin);
    } else {
        result = run_many(story, &command, &command.settings, begin);
    }
    if (!command.is_quiet && command.canary == 0) {
        print_table(&story->counts, now_seconds() - begin);
    }
    sim_story_free(story);
    return result;
}

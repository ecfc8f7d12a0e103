/* SPDX-License-Identifier: Apache-2.0 */
/* What was measured on, in lines for a page, and how busy the machine was with other things.
 * Nothing here names the machine, its user or its folders. */
#include "results.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define TEXT_SIZE 200
#define BUSY_PERCENT 10
#ifdef __clang__
#define COMPILER ""
#else
#define COMPILER "gcc "
#endif

typedef struct cpu_ticks {
    double total, busy, stolen;
} cpu_ticks;

static char measured_folder[1024];
static cpu_ticks ticks_before;
static double own_before;
static double load_before;

/* The rest of the first line of a file that begins with `key`, without quotes; "?": there is none.
 */
static void line_of(const char *path, const char *key, char ret_text[TEXT_SIZE])
{
    FILE *file = fopen(path, "re");
    char line[512];

    (void)snprintf(ret_text, TEXT_SIZE, "?");
    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, key, strlen(key)) == 0) {
            const char *at = line + strlen(key);
            at += strspn(at, " \t:=\"");
            (void)snprintf(ret_text, TEXT_SIZE, "%.*s", (int)strcspn(at, "\"\n"), at);
            break;
        }
    }
    if (file) {
        (void)fclose(file);
    }
}

/* User and nice, system, idle and waiting for the disk, interrupts, stolen; in ticks. */
static cpu_ticks ticks_now(void)
{
    char text[TEXT_SIZE];
    unsigned long long v[8] = {0};

    line_of("/proc/stat", "cpu ", text);
    (void)sscanf(text, "%llu %llu %llu %llu %llu %llu %llu %llu", &v[0], &v[1], &v[2], &v[3], &v[4],
                 &v[5], &v[6], &v[7]);
    const double busy = (double)(v[0] + v[1] + v[2] + v[5] + v[6]);
    return (cpu_ticks){busy + (double)(v[3] + v[4] + v[7]), busy, (double)v[7]};
}

/* Ticks that this process and the runs that have ended took. */
static double own_ticks(void)
{
    const int whose[] = {RUSAGE_SELF, RUSAGE_CHILDREN};
    double seconds = 0;

    for (size_t i = 0; i < sizeof whose / sizeof whose[0]; i++) {
        struct rusage used;
        if (getrusage(whose[i], &used) == 0) {
            seconds += (double)used.ru_utime.tv_sec + (double)used.ru_utime.tv_usec / 1e6 +
                       (double)used.ru_stime.tv_sec + (double)used.ru_stime.tv_usec / 1e6;
        }
    }
    return seconds * (double)sysconf(_SC_CLK_TCK);
}

void bench_machine_begin(const char *folder)
{
    char text[TEXT_SIZE];

    (void)snprintf(measured_folder, sizeof measured_folder, "%s", folder);
    line_of("/proc/loadavg", "", text);
    load_before = strtod(text, NULL);
    ticks_before = ticks_now();
    own_before = own_ticks();
}

/* A partition has its disk above it. */
static void write_cache_of(const char *device, char ret_text[TEXT_SIZE])
{
    char path[128];

    (void)snprintf(path, sizeof path, "/sys/dev/block/%s/queue/write_cache", device);
    line_of(path, "", ret_text);
    if (strcmp(ret_text, "?") == 0) {
        (void)snprintf(path, sizeof path, "/sys/dev/block/%s/../queue/write_cache", device);
        line_of(path, "", ret_text);
    }
}

static void print_disk(FILE *to)
{
    char device[64];
    char line[512];
    char filesystem[64] = "?";
    char cache[TEXT_SIZE];
    struct stat facts;
    FILE *mounts = fopen("/proc/self/mountinfo", "re");

    if (stat(measured_folder, &facts) != 0) {
        facts.st_dev = 0;
    }
    (void)snprintf(device, sizeof device, "%u:%u", major(facts.st_dev), minor(facts.st_dev));
    while (mounts && fgets(line, sizeof line, mounts)) {
        char of[64];
        const char *tail = strstr(line, " - ");
        if (sscanf(line, "%*s %*s %63s", of) == 1 && strcmp(of, device) == 0 && tail) {
            (void)sscanf(tail + 3, "%63s", filesystem);
            break;
        }
    }
    if (mounts) {
        (void)fclose(mounts);
    }
    write_cache_of(device, cache);
    (void)fprintf(to, "- disk: %s; its write cache is \"%s\"\n", filesystem, cache);
}

/* Whether the processor says that it is not alone with us. */
static bool is_virtual(void)
{
    FILE *file = fopen("/proc/cpuinfo", "re");
    char line[8192];
    bool is_found = false;

    while (file && !is_found && fgets(line, sizeof line, file)) {
        is_found = strncmp(line, "flags", 5) == 0 && strstr(line, " hypervisor") != NULL;
    }
    if (file) {
        (void)fclose(file);
    }
    return is_found;
}

static void print_hardware(FILE *to)
{
    char model[TEXT_SIZE];
    char memory[TEXT_SIZE];
    char cache[TEXT_SIZE];

    line_of("/proc/cpuinfo", "model name", model);
    line_of("/proc/cpuinfo", "cache size", cache);
    line_of("/proc/meminfo", "MemTotal", memory);
    (void)fprintf(to, "- processors: %ld × %s, cache %s%s\n", sysconf(_SC_NPROCESSORS_ONLN), model,
                  cache, is_virtual() ? "; a virtual machine" : "");
    (void)fprintf(to, "- memory: %.1f GiB\n", strtod(memory, NULL) / 1048576);
    print_disk(to);
}

static void print_software(FILE *to)
{
    char distribution[TEXT_SIZE];
    struct utsname name;

    line_of("/etc/os-release", "PRETTY_NAME", distribution);
    (void)fprintf(to, "- system: %s, Linux %s\n", distribution,
                  uname(&name) == 0 ? name.release : "?");
    (void)fprintf(to, "- compiler: %s%s; Stele %s", COMPILER, __VERSION__, stele_version());
    for (size_t i = 0; i < bench_system_count; i++) {
        if (bench_systems[i]->version) {
            (void)fprintf(to, ", %s %s", bench_systems[i]->name, bench_systems[i]->version());
        }
    }
    (void)fputc('\n', to);
}

void bench_machine_print(FILE *to)
{
    const cpu_ticks now = ticks_now();
    const double total = now.total - ticks_before.total;
    const double others = now.busy - ticks_before.busy - (own_ticks() - own_before);
    const struct timespec zero = {0};
    struct timespec today = zero;
    struct tm parts;
    char date[32] = "?";

    (void)clock_gettime(CLOCK_REALTIME, &today);
    if (gmtime_r(&today.tv_sec, &parts)) {
        (void)strftime(date, sizeof date, "%Y-%m-%d", &parts);
    }
    (void)fprintf(to, "- date: %s; %u round%s of %g s, %llu events in the stores that are read\n",
                  date, bench_set.rounds, bench_set.rounds == 1 ? "" : "s", bench_set.seconds,
                  (unsigned long long)bench_set.events);
    if (bench_set.rounds < BENCH_QUOTED_ROUNDS || bench_set.seconds < BENCH_QUOTED_SECONDS) {
        (void)fprintf(
            to, "- **a short run**: its ratios are rough; what is quoted has %d rounds of %g s\n",
            BENCH_QUOTED_ROUNDS, BENCH_QUOTED_SECONDS);
    }
    print_hardware(to);
    print_software(to);
    const double others_percent = total > 0 && others > 0 ? others / total * 100 : 0;
    const double stolen_percent = total > 0 ? (now.stolen - ticks_before.stolen) / total * 100 : 0;
    (void)fprintf(to,
                  "- meanwhile: other programs took %.0f %% of the processors, the host withheld "
                  "%.0f %%; load %.2f before the start\n",
                  others_percent, stolen_percent, load_before);
    if (others_percent + stolen_percent > BUSY_PERCENT) {
        (void)fprintf(
            to, "- **a busy machine**: rates are too low, and ratios to F mean little when others "
                "flush the same disk\n");
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* See dpkg.h. */
#include "dpkg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* How many equal lines came before in the same second: dpkg repeats itself. It does not matter
 * where in a second the log was cut when it was rotated. */
static unsigned count_equal(dpkg_line *line, const char *text)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    unsigned equal = 0;
    for (const char *at = text; *at != 0; at++) {
        hash = (hash ^ (unsigned char)*at) * 1099511628211u;
    }
    if (strncmp(text, line->second, 19) != 0) {
        snprintf(line->second, sizeof line->second, "%.19s", text);
        line->seen_count = 0;
    }
    for (size_t i = 0; i < line->seen_count; i++) {
        equal += line->seen[i] == hash;
    }
    if (line->seen_count < sizeof line->seen / sizeof line->seen[0]) {
        line->seen[line->seen_count++] = hash;
    }
    return equal;
}

int dpkg_parse(const char *text, dpkg_line *line)
{
    struct tm tm = {.tm_isdst = -1}; /* dpkg writes local time; mktime() finds out about summer */
    char a[200], b[200], c[200];
    const int fields =
        sscanf(text, "%4d-%2d-%2d %2d:%2d:%2d %15s %199s %199s %199s", &tm.tm_year, &tm.tm_mon,
               &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, line->action, a, b, c);
    const unsigned number = count_equal(line, text);
    if (fields < 9 || strpbrk(text, "\"\\") != NULL) {
        return 0;
    }
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    line->time = mktime(&tm);
    snprintf(line->day, sizeof line->day, "%.10s", text);
    snprintf(line->key, sizeof line->key, "%u %s", number, text);
    if (fields == 9) { /* startup archives unpack */
        line->package[0] = 0;
        snprintf(line->json, sizeof line->json, "{\"what\":\"%s %s\"}", a, b);
    } else if (strcmp(line->action, "status") == 0) { /* status installed tzdata:all 2025b-0 */
        snprintf(line->package, sizeof line->package, "%s", b);
        snprintf(line->json, sizeof line->json, "{\"state\":\"%s\",\"version\":\"%s\"}", a, c);
    } else { /* upgrade tzdata:all 2025b-0 2025b-1; install, configure, trigproc, remove, purge */
        snprintf(line->package, sizeof line->package, "%s", a);
        snprintf(line->json, sizeof line->json, "{\"from\":\"%s\",\"to\":\"%s\"}", b, c);
    }
    return 1;
}

void table_add(table *packages, const package *added)
{
    if (added->state[0] == 0 || strcmp(added->state, "not-installed") == 0) {
        return;
    }
    if ((packages->count & (packages->count + 1)) == 0) { /* room for 1, 3, 7, 15 ... */
        package *rows = realloc(packages->rows, (2 * packages->count + 1) * sizeof *rows);
        if (rows == NULL) {
            fputs("dpkg_history: out of memory\n", stderr);
            exit(1);
        }
        packages->rows = rows;
    }
    packages->rows[packages->count++] = *added;
}

void table_done(table *packages)
{
    free(packages->rows);
    *packages = (table){NULL, 0};
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(((const package *)left)->name, ((const package *)right)->name);
}

static package *find_package(const table *packages, const package *wanted)
{
    return packages->count == 0 ? NULL
                                : bsearch(wanted, packages->rows, packages->count,
                                          sizeof *packages->rows, compare_names);
}

/* Prints names behind each other, at most `limit` of them, in lines of the width of a terminal. */
static void print_names(const table *packages, size_t limit)
{
    size_t column = 0;
    for (size_t i = 0; i < packages->count && i < limit; i++) {
        const char *name = packages->rows[i].name;
        if (column == 0 || column + strlen(name) + 1 > 96) {
            printf("%s    ", column == 0 ? "" : "\n");
            column = 3;
        }
        column += (size_t)printf(" %s", name);
    }
    if (packages->count > limit) {
        printf(" and %zu more", packages->count - limit);
    }
    printf("%s", packages->count == 0 ? "" : "\n");
}

void table_print_changes(table *then, table *now)
{
    enum { EXAMPLES = 6, NAMES = 12 };
    table changed = {NULL, 0}, added = {NULL, 0}, gone = {NULL, 0};
    for (size_t i = 0; i < now->count; i++) {
        const package *before = find_package(then, &now->rows[i]);
        if (before == NULL) {
            table_add(&added, &now->rows[i]);
        } else if (strcmp(before->version, now->rows[i].version) != 0) {
            table_add(&changed, &now->rows[i]);
        }
    }
    for (size_t i = 0; i < then->count; i++) {
        if (find_package(now, &then->rows[i]) == NULL) {
            table_add(&gone, &then->rows[i]);
        }
    }
    printf("  %5zu packages by the log up to then\n", then->count);
    printf("  %5zu have another version today\n", changed.count);
    for (size_t i = 0; i < changed.count && i < EXAMPLES; i++) {
        printf("      %-30s %-24s -> %s\n", changed.rows[i].name,
               find_package(then, &changed.rows[i])->version, changed.rows[i].version);
    }
    if (changed.count > EXAMPLES) {
        printf("      and %zu more\n", changed.count - EXAMPLES);
    }
    printf("  %5zu came later\n", added.count);
    print_names(&added, NAMES);
    printf("  %5zu are gone today\n", gone.count);
    print_names(&gone, NAMES);
    table_done(&changed);
    table_done(&added);
    table_done(&gone);
}

/* Whether the table has the package under its name with an architecture: while a system is being
 * installed, dpkg does not know the architecture of what it finds, and leaves it out. */
static int goes_on_with_architecture(const table *packages, const package *row)
{
    const size_t size = strlen(row->name);
    int is_there = 0;
    for (size_t i = 0; i < packages->count && strchr(row->name, ':') == NULL; i++) {
        const char *name = packages->rows[i].name;
        is_there |= strncmp(name, row->name, size) == 0 && name[size] == ':';
    }
    return is_there;
}

void table_check(table *packages, int is_machine, time_t log_begin)
{
    printf("  %5zu packages by the log\n", packages->count);
    if (!is_machine) {
        printf("        nothing to compare them with: the log is not this machine's\n");
        return;
    }
    FILE *answer =
        popen("dpkg-query -W -f='${Package}:${Architecture} ${Version} ${db:Status-Status}"
              " ${db-fsys:Last-Modified}\\n' 2>/dev/null",
              "r");
    char line[512];
    long long modified;
    size_t total = 0, equal = 0, unexplained = 0, renamed = 0;
    table older = {NULL, 0};
    while (answer != NULL && fgets(line, sizeof line, answer) != NULL) {
        package row = {.is_seen = 0};
        if (sscanf(line, "%199s %99s %31s %lld", row.name, row.version, row.state, &modified) !=
            4) {
            continue;
        }
        total++;
        package *ours = find_package(packages, &row);
        if (ours != NULL) {
            ours->is_seen = 1;
        }
        if (ours != NULL && strcmp(ours->version, row.version) == 0 &&
            strcmp(ours->state, row.state) == 0) {
            equal++;
        } else if (ours == NULL && modified < (long long)log_begin) {
            table_add(&older, &row);
        } else {
            unexplained++;
            printf("      %s: dpkg-query says %s, %s; the log %s%s%s\n", row.name, row.version,
                   row.state, ours == NULL ? "nothing" : ours->version, ours == NULL ? "" : ", ",
                   ours == NULL ? "" : ours->state);
        }
    }
    if (answer != NULL) {
        (void)pclose(answer);
    }
    printf("  %5zu of the %zu packages that dpkg-query knows have the same version and state\n",
           equal, total);
    printf("  %5zu are not in the log: dpkg put them there before its first line\n", older.count);
    print_names(&older, 200);
    for (size_t i = 0; total != 0 && i < packages->count; i++) {
        const package *row = &packages->rows[i];
        if (!row->is_seen && goes_on_with_architecture(packages, row)) {
            renamed++;
        } else if (!row->is_seen) {
            unexplained++;
            printf("      %s: the log says %s, %s; dpkg-query nothing\n", row->name, row->version,
                   row->state);
        }
    }
    if (renamed != 0) {
        printf("  %5zu go on in the log under their names with the architecture\n", renamed);
    }
    printf("  %5zu differ without such an explanation%s\n", unexplained,
           unexplained == 0 ? "" : ", see above");
    table_done(&older);
}

const char *dpkg_log_path(void)
{
    struct stat facts;
    const int is_there = access(DPKG_MACHINE_LOG, R_OK) == 0 &&
                         stat(DPKG_MACHINE_LOG, &facts) == 0 && facts.st_size > 0;
    return is_there ? DPKG_MACHINE_LOG : DPKG_CARRIED_LOG;
}

void print_heading(const char *text, const char *more)
{
    const char *no_color = getenv("NO_COLOR");
    const int is_bold = isatty(STDOUT_FILENO) && (no_color == NULL || no_color[0] == 0);
    printf("\n%s%s%s%s\n", is_bold ? "\033[1m" : "", text, is_bold ? "\033[0m" : "", more);
}

const char *local_time(time_t time, char ret_text[20])
{
    struct tm tm;
    if (localtime_r(&time, &tm) == NULL || strftime(ret_text, 20, "%Y-%m-%d %H:%M:%S", &tm) == 0) {
        ret_text[0] = 0;
    }
    return ret_text;
}

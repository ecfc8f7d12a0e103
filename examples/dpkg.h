/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the example dpkg_history knows of dpkg, and nothing of Stele: the lines of its log, tables
 * of packages, and how a table differs from another one or from what dpkg-query answers.
 */
#ifndef EXAMPLE_DPKG_H
#define EXAMPLE_DPKG_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* A line of the log. */
typedef struct dpkg_line {
    time_t time;
    char day[11];      /* "2025-06-24" */
    char key[257];     /* the same in every run, and no other line has it */
    char action[16];   /* "status", "install", "upgrade", "startup" ... */
    char package[200]; /* "tzdata:all"; empty: the line is about dpkg itself */
    char json[512];    /* the rest */
    /* What dpkg_parse() remembers from one line to the next: begin with zeroes. */
    char second[20];
    size_t seen_count;
    uint64_t seen[1024];
} dpkg_line;

/* Answers 0 for a line that dpkg does not write. */
int dpkg_parse(const char *text, dpkg_line *line);

/* What is known of a package. */
typedef struct package {
    char name[200]; /* "tzdata:all" */
    char state[32]; /* "installed", "config-files" ...; empty: unknown */
    char version[100];
    int is_seen;
} package;

typedef struct table {
    package *rows; /* sorted by name. Owned: table_done() */
    size_t count;
} table;

/* Adds a package that sorts behind all others; leaves it out if it is not there. */
void table_add(table *packages, const package *added);
void table_done(table *packages);

/* Prints what happened between two tables, a few examples of each kind. */
void table_print_changes(table *then, table *now);

/* Prints how the table and dpkg-query -W differ, and why. A log of another machine's is only
 * counted. A package that the log does not name is older than the log if dpkg wrote its files down
 * before `log_begin`. Holds are no difference: a package on hold is installed. Nor are packages of
 * the architecture "all": dpkg names them so in both places. */
void table_check(table *packages, int is_machine, time_t log_begin);

/* The log to read if none is named: the machine's, or where it has none, the one that comes with
 * the sources. */
#define DPKG_MACHINE_LOG "/var/log/dpkg.log"
#define DPKG_CARRIED_LOG "examples/data/dpkg.log"
const char *dpkg_log_path(void);

/* Prints a headline of two parts, the first one bold where that can be seen. */
void print_heading(const char *text, const char *more);

/* Writes a time as dpkg does, and answers the text. */
const char *local_time(time_t time, char ret_text[20]);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* `bench plot` and `bench table`: from results that were kept, without measuring again. */
#include "results.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void usage(FILE *to)
{
    (void)
        fputs("bench plot FILE --out FOLDER         draw the results in FILE as SVG\n"
              "bench table FILE                     print them as a run does at its end\n"
              "bench table FILE --markdown NAME     one table for a page: readme, bars, systems\n",
              to);
    exit(to == stdout ? 0 : 2);
}

bool bench_is_command(const char *word)
{
    return strcmp(word, "plot") == 0 || strcmp(word, "table") == 0;
}

int bench_command(int argc, char **argv)
{
    enum { OUT = 1, MARKDOWN, HELP };
    static const struct option known[] = {{"out", required_argument, NULL, OUT},
                                          {"markdown", required_argument, NULL, MARKDOWN},
                                          {"help", no_argument, NULL, HELP},
                                          {NULL, 0, NULL, 0}};
    const bool is_plot = strcmp(argv[0], "plot") == 0;
    const char *markdown = NULL;
    const char *out = NULL;
    int option;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (option == HELP) {
            usage(stdout);
        } else if (option == OUT && is_plot) {
            out = optarg;
        } else if (option == MARKDOWN && !is_plot) {
            markdown = optarg;
        } else {
            usage(stderr);
        }
    }
    if (optind + 1 != argc || (is_plot && !out)) {
        usage(stderr);
    }
    bench_results_load(argv[optind]);
    if (is_plot) {
        bench_make_folder(out);
        bench_plot_all(out);
    } else if (markdown) {
        bench_print_markdown(stdout, markdown);
    } else {
        bench_print_report(stdout);
    }
    return 0;
}

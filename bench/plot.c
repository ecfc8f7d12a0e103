/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plots: what the tables say, as pictures. All but one are panels, one for each workload, two
 * beside each other, with a line for each system. Bars begin at zero and have a scale of their own
 * in each panel, as rates of different workloads span decades; latencies are dots on one
 * logarithmic scale for all panels. What was not measured is not drawn, and a plot without anything
 * is not written.
 */
#include "plot.h"

#include <math.h>
#include <string.h>

#define PANELS_TOP 84.0 /* below title and explanation */
#define PANEL_HEAD 24.0
#define LINE_HEIGHT 18.0
#define AXIS_HEIGHT 34.0
#define LEGEND_HEIGHT 30.0
#define NAME_WIDTH 80.0
#define BAR_WIDTH 186.0
#define DOTS_WIDTH 176.0

typedef struct plot {
    const char *file;
    const char *title;
    const char *lines[2];
    bool (*takes)(const bench_workload *workload);
    bench_figure figure; /* BENCH_P50: p50 and p99 as dots */
    bool is_less_better;
} plot;

static bool is_append(const bench_workload *workload)
{
    return workload->kind == BENCH_APPEND || workload->kind == BENCH_ASYNC ||
           workload->kind == BENCH_SUSTAINED;
}

static bool is_durable(const bench_workload *workload)
{
    return is_append(workload) && workload->durability == BENCH_FULL;
}

static bool is_not_durable(const bench_workload *workload)
{
    return is_append(workload) && workload->durability != BENCH_FULL;
}

static bool is_single(const bench_workload *workload)
{
    return workload->kind == BENCH_LAST ||
           (is_append(workload) && workload->kind != BENCH_SUSTAINED && workload->batch == 1);
}

static bool is_read(const bench_workload *workload)
{
    return workload->kind == BENCH_REPLAY || workload->kind == BENCH_STREAM ||
           workload->kind == BENCH_LAST;
}

static bool is_size(const bench_workload *workload)
{
    return workload->kind == BENCH_SIZE || workload->kind == BENCH_MEMORY;
}

#define ROUNDS_LINE                                                                                \
    "Median of all rounds, whiskers from p10 to p90. At the right: Stele's rate over that of the " \
    "line, paired by round."

static const plot plots[] = {
    {"durable.svg",
     "Durable appends: events per second, more is better",
     {"Every append was flushed to the disk before it was answered. Each panel has its own scale.",
      ROUNDS_LINE},
     is_durable,
     BENCH_RATE,
     false},
    {"not-durable.svg",
     "Appends without a flush: events per second, more is better",
     {"append-os survives the death of the process; append-none is answered from memory.",
      ROUNDS_LINE},
     is_not_durable,
     BENCH_RATE,
     false},
    {"latency.svg",
     "Latency of one operation, less is better",
     {"Filled dot: p50; open dot: p99; medians of all rounds. One logarithmic scale for all.",
      "fsync is the time of one flush of 512 bytes."},
     is_single,
     BENCH_P50,
     true},
    {"reads.svg",
     "Reads per second, more is better",
     {"From the page cache. read-last-10 counts reads, the others count events.", ROUNDS_LINE},
     is_read,
     BENCH_RATE,
     false},
    {"bytes.svg",
     "Bytes per event, less is better",
     {"On disk after closing, without logs that only recovery needs; in memory, not yet sealed.",
      "270 bytes of an event are content. At the right: Stele's bytes over those of the line."},
     is_size,
     BENCH_BYTES,
     true},
};

/* The lines of a panel from above: Stele, those it is compared with, the floors. */
static const bench_column order[] = {BENCH_STELE,   BENCH_SQLITE,     BENCH_LMDB,
                                     BENCH_ROCKSDB, BENCH_WIREDTIGER, BENCH_RAWLOG,
                                     BENCH_FSYNC,   BENCH_WRITE,      BENCH_SUM};
#define ORDER (sizeof order / sizeof order[0])

static bool is_floor(bench_column column)
{
    return column == BENCH_RAWLOG || column >= BENCH_FSYNC;
}

static const char *area_class(bench_column column)
{
    return column == BENCH_STELE ? "mine" : is_floor(column) ? "floor" : "peer";
}

static const char *dot_class(bench_column column)
{
    return column == BENCH_STELE ? "mine-dot" : is_floor(column) ? "floor-dot" : "peer-dot";
}

/* Whether there is something of it. */
static bool is_drawn(const plot *drawn, size_t row, bench_column column)
{
    return bench_summarize(row, column, drawn->figure).count > 0;
}

static size_t line_count(const plot *drawn, size_t row)
{
    size_t count = 0;

    for (size_t i = 0; i < ORDER; i++) {
        count += is_drawn(drawn, row, order[i]);
    }
    return count;
}

/* What a workload is, in few words. */
static void describe(const bench_workload *workload, char *ret_text, size_t size)
{
    switch (workload->kind) {
    case BENCH_APPEND:
        if (workload->batch > 1) {
            (void)snprintf(ret_text, size, "one writer, commits of %u", workload->batch);
        } else if (workload->writers > 1) {
            (void)snprintf(ret_text, size, "%u threads", workload->writers);
        } else {
            (void)snprintf(ret_text, size, "one writer");
        }
        break;
    case BENCH_ASYNC:
        if (workload->writers >= 1000) {
            (void)snprintf(ret_text, size, "%u,%03u in flight from one thread",
                           workload->writers / 1000, workload->writers % 1000);
        } else {
            (void)snprintf(ret_text, size, "%u in flight from one thread", workload->writers);
        }
        break;
    case BENCH_SUSTAINED:
        (void)snprintf(ret_text, size, "a long run");
        break;
    case BENCH_REPLAY:
        (void)snprintf(ret_text, size, "all events from the start");
        break;
    case BENCH_STREAM:
        (void)snprintf(ret_text, size, "one stream of 1,000");
        break;
    case BENCH_LAST:
        (void)snprintf(ret_text, size, "last 10 of a stream");
        break;
    case BENCH_SIZE:
        (void)snprintf(ret_text, size, "on disk");
        break;
    case BENCH_MEMORY:
        (void)snprintf(ret_text, size, "in memory");
        break;
    case BENCH_DCB:
    case BENCH_DCB_HOT:
        (void)snprintf(ret_text, size, "two tags");
        break;
    }
}

/* ---- One panel */

/* Grid and numbers of a horizontal scale. A logarithmic one has a line for each decade, but not
 * room for each number. */
static void draw_axis(const svg *page, const bench_scale *on, double x, double y, double width,
                      double height, bool is_time)
{
    char text[BENCH_NUMBER_SIZE];
    bench_scale lines = *on;
    double part;
    double value;

    lines.step = on->is_logarithmic && on->most - on->least <= 2 * PLOT_TICKS_MAX ? 1 : on->step;
    for (unsigned i = 0; bench_scale_tick(&lines, i, &part, &value); i++) {
        bench_svg_line(page, x + part * width, y, x + part * width, y + height,
                       i == 0 ? "axis" : "grid");
    }
    for (unsigned i = 0; bench_scale_tick(on, i, &part, &value); i++) {
        bench_tick_text(value, is_time, text);
        bench_svg_text(page, x + part * width, y + height + 14, "muted small", SVG_MIDDLE, text);
    }
}

static double panel_most(const plot *drawn, size_t row)
{
    double most = 0;

    for (size_t i = 0; i < ORDER; i++) {
        most = fmax(most, bench_summarize(row, order[i], drawn->figure).p90);
    }
    return most;
}

static void draw_bar(const svg *page, const plot *drawn, size_t row, bench_column column,
                     const bench_scale *on, double x, double y)
{
    const bench_summary values = bench_summarize(row, column, drawn->figure);
    const double left = x + NAME_WIDTH;
    const double length = bench_scale_place(on, values.median) * BAR_WIDTH;
    const double low = left + bench_scale_place(on, values.p10) * BAR_WIDTH;
    const double high = left + bench_scale_place(on, values.p90) * BAR_WIDTH;
    const double middle = y + LINE_HEIGHT / 2;
    const double ratio = bench_ratio(row, row, column, drawn->figure);
    char text[BENCH_NUMBER_SIZE];
    char times[BENCH_NUMBER_SIZE + 4];

    bench_svg_area(page, left, y + 3, fmax(length, 1), LINE_HEIGHT - 6, area_class(column));
    if (values.count > 1) {
        bench_svg_line(page, low, middle, high, middle, "whisker");
        bench_svg_line(page, low, middle - 3, low, middle + 3, "whisker");
        bench_svg_line(page, high, middle - 3, high, middle + 3, "whisker");
    }
    bench_number(values.median, text);
    bench_svg_text(page, fmax(left + length, high) + 5, middle + 4,
                   column == BENCH_STELE ? "strong small" : "small", SVG_START, text);
    if (column != BENCH_STELE && ratio > 0) {
        bench_number(ratio, text);
        (void)snprintf(times, sizeof times, "%s×", text);
        bench_svg_text(page, x + PLOT_HALF, middle + 4, "muted small", SVG_END, times);
    }
}

static void draw_dots(const svg *page, size_t row, bench_column column, const bench_scale *on,
                      double x, double y)
{
    const double p50 = bench_summarize(row, column, BENCH_P50).median;
    const double p99 = bench_summarize(row, column, BENCH_P99).median;
    const double left = x + NAME_WIDTH;
    const double middle = y + LINE_HEIGHT / 2;
    const double at = left + bench_scale_place(on, p50) * DOTS_WIDTH;
    char open[40];
    char first[BENCH_NUMBER_SIZE];
    char last[BENCH_NUMBER_SIZE];
    char text[2 * BENCH_NUMBER_SIZE + 4];

    bench_duration(p50, " µs", first);
    bench_duration(p99, " µs", last);
    (void)snprintf(text, sizeof text, "%s / %s", first, last);
    if (p99 > 0) {
        const double end = left + bench_scale_place(on, p99) * DOTS_WIDTH;
        (void)snprintf(open, sizeof open, "%s open", dot_class(column));
        bench_svg_line(page, at, middle, end, middle, column == BENCH_STELE ? "mine-line" : "axis");
        bench_svg_dot(page, end, middle, 3.5, open);
    }
    bench_svg_dot(page, at, middle, 4, dot_class(column));
    bench_svg_text(page, x + PLOT_HALF, middle + 4,
                   column == BENCH_STELE ? "strong small" : "small", SVG_END, text);
}

static void draw_panel(const svg *page, const plot *drawn, size_t row, const bench_scale *shared,
                       double x, double y)
{
    const bool is_dots = drawn->figure == BENCH_P50;
    const bench_scale on = is_dots ? *shared : bench_linear_scale(panel_most(drawn, row));
    const double top = y + PANEL_HEAD;
    double at = top;
    char words[80];

    describe(&bench_workloads[row], words, sizeof words);
    bench_svg_text(page, x, y + 14, "strong", SVG_START, bench_workloads[row].name);
    bench_svg_text(page, x + PLOT_HALF, y + 14, "muted small", SVG_END, words);
    draw_axis(page, &on, x + NAME_WIDTH, top, is_dots ? DOTS_WIDTH : BAR_WIDTH,
              (double)line_count(drawn, row) * LINE_HEIGHT, is_dots);
    for (size_t i = 0; i < ORDER; i++) {
        const bench_column column = order[i];
        if (!is_drawn(drawn, row, column)) {
            continue;
        }
        bench_svg_text(page, x + NAME_WIDTH - 6, at + LINE_HEIGHT / 2 + 4,
                       column == BENCH_STELE ? "strong small" : "small", SVG_END,
                       bench_column_words[column]);
        if (is_dots) {
            draw_dots(page, row, column, &on, x, at);
        } else {
            draw_bar(page, drawn, row, column, &on, x, at);
        }
        at += LINE_HEIGHT;
    }
}

/* ---- A page of panels */

static void draw_legend(const svg *page, double y)
{
    static const struct {
        const char *classes;
        const char *words;
        double width;
    } entries[] = {{"mine", "Stele", 64},
                   {"peer", "other stores", 102},
                   {"floor", "floors: what the disk, the system and plain C give without a store",
                    0}};
    double x = PLOT_MARGIN;

    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        bench_svg_area(page, x, y, 11, 11, entries[i].classes);
        bench_svg_text(page, x + 17, y + 9.5, "small", SVG_START, entries[i].words);
        x += entries[i].width;
    }
}

static size_t rows_of(const plot *drawn, size_t ret_rows[BENCH_WORKLOADS_MAX])
{
    size_t count = 0;

    for (size_t row = 0; row < bench_workload_count && row < BENCH_WORKLOADS_MAX; row++) {
        if (drawn->takes(&bench_workloads[row]) && line_count(drawn, row) > 0) {
            ret_rows[count++] = row;
        }
    }
    return count;
}

/* Of two panels beside each other the taller one decides. */
static double height_of(const plot *drawn, const size_t *rows, size_t count, size_t first)
{
    size_t lines = line_count(drawn, rows[first]);

    if (first + 1 < count && line_count(drawn, rows[first + 1]) > lines) {
        lines = line_count(drawn, rows[first + 1]);
    }
    return PANEL_HEAD + (double)lines * LINE_HEIGHT + AXIS_HEIGHT;
}

static bench_scale latency_scale(const size_t *rows, size_t count)
{
    double least = 0;
    double most = 0;

    for (size_t r = 0; r < count; r++) {
        for (size_t i = 0; i < ORDER; i++) {
            const double p50 = bench_summarize(rows[r], order[i], BENCH_P50).median;
            const double p99 = bench_summarize(rows[r], order[i], BENCH_P99).median;
            least = p50 > 0 && (least <= 0 || p50 < least) ? p50 : least;
            most = fmax(most, fmax(p50, p99));
        }
    }
    return bench_logarithmic_scale(least, most);
}

static void draw_plot(const plot *drawn, const char *folder)
{
    size_t rows[BENCH_WORKLOADS_MAX];
    const size_t count = rows_of(drawn, rows);
    double height = PANELS_TOP + LEGEND_HEIGHT;
    double y = PANELS_TOP;
    bench_scale shared = {0};
    char path[4096];

    if (count == 0) {
        (void)printf("%s: nothing of it was measured; not drawn\n", drawn->file);
        return;
    }
    for (size_t i = 0; i < count; i += 2) {
        height += height_of(drawn, rows, count, i);
    }
    if (drawn->figure == BENCH_P50) {
        shared = latency_scale(rows, count);
    }
    bench_join(path, sizeof path, folder, drawn->file);
    svg page = bench_svg_begin(path, PLOT_WIDTH, height, drawn->title, drawn->lines[0]);
    bench_draw_head(&page, drawn->title, drawn->lines);
    for (size_t i = 0; i < count; i++) {
        draw_panel(&page, drawn, rows[i], &shared,
                   PLOT_MARGIN + (i % 2 ? PLOT_HALF + PLOT_GUTTER : 0), y);
        if (i % 2 || i + 1 == count) {
            y += height_of(drawn, rows, count, i - i % 2);
        }
    }
    draw_legend(&page, y + 4);
    bench_svg_end(&page);
}

void bench_plot_all(const char *folder)
{
    for (size_t i = 0; i < sizeof plots / sizeof plots[0]; i++) {
        draw_plot(&plots[i], folder);
    }
    bench_draw_dcb(folder);
}

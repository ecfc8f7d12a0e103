/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plots: what the tables say, as pictures. All but one are panels, one for each workload, two
 * beside each other, with a line for each system. Bars begin at zero and have a scale of their own
 * in each panel, as rates of different workloads span decades; latencies are dots on one
 * logarithmic scale for all panels. What was not measured is not drawn, and a plot without anything
 * is not written.
 */
#include "results.h"
#include "svg.h"

#include <math.h>
#include <string.h>

#define PAGE_WIDTH 800.0
#define MARGIN 16.0
#define GUTTER 24.0
#define PANEL_WIDTH ((PAGE_WIDTH - 2 * MARGIN - GUTTER) / 2)
#define PANELS_TOP 84.0 /* below title and explanation */
#define PANEL_HEAD 24.0
#define LINE_HEIGHT 18.0
#define AXIS_HEIGHT 34.0
#define LEGEND_HEIGHT 30.0
#define NAME_WIDTH 80.0
#define BAR_WIDTH 186.0
#define DOTS_WIDTH 176.0
#define TICKS_MAX 5

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
     {"Filled dot: p50; open dot: p99; medians of all rounds. One logarithmic scale for all panels.",
      "fsync is the time of one flush of 512 bytes."},
     is_single,
     BENCH_P50,
     true},
    {"reads.svg",
     "Reads per second, more is better",
     {"From the page cache. replay-all and read-stream-1000 count events, read-last-10 counts reads.",
      ROUNDS_LINE},
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

/* ---- Scales */

typedef struct scale {
    double least, most; /* of a logarithmic one: exponents of ten */
    double step;
    bool is_logarithmic;
} scale;

/* From zero, in steps of 1, 2, 2.5 or 5, at most TICKS_MAX - 1 of them. */
static scale linear_scale(double most)
{
    static const double steps[] = {1, 2, 2.5, 5, 10};
    const double decade = pow(10, floor(log10(most / (TICKS_MAX - 1))));
    size_t i = 0;

    while (i + 1 < sizeof steps / sizeof steps[0] && steps[i] * decade * (TICKS_MAX - 1) < most) {
        i++;
    }
    return (scale){0, most, steps[i] * decade, false};
}

static scale logarithmic_scale(double least, double most)
{
    const double low = floor(log10(least));
    const double high = ceil(log10(most) + 1e-9);

    return (scale){low, high, ceil((high - low) / (TICKS_MAX - 1)), true};
}

/* From 0 to 1. */
static double place_on(const scale *on, double value)
{
    const double at = on->is_logarithmic ? log10(value) : value;
    const double part = (at - on->least) / (on->most - on->least);

    return part < 0 ? 0 : part > 1 ? 1 : part;
}

/* Where tick number `index` is, from 0 to 1, and its value; false: there are no more. */
static bool tick_of(const scale *on, unsigned index, double *ret_part, double *ret_value)
{
    const double at = on->least + index * on->step;

    if (index > 2 * TICKS_MAX || at > on->most + 1e-9 * fabs(on->most)) {
        return false;
    }
    *ret_part = (at - on->least) / (on->most - on->least);
    *ret_value = on->is_logarithmic ? pow(10, at) : at;
    return true;
}

static void tick_text(double value, bool is_time, char ret_text[BENCH_NUMBER_SIZE])
{
    static const char *const units[] = {"", "k", "M", "G", "T"};
    size_t unit = 0;

    if (is_time && value < 999.5) {
        (void)snprintf(ret_text, BENCH_NUMBER_SIZE, "%g µs", value);
    } else if (is_time) {
        (void)snprintf(ret_text, BENCH_NUMBER_SIZE, value < 999.5e3 ? "%g ms" : "%g s",
                       value < 999.5e3 ? value / 1e3 : value / 1e6);
    } else if (value <= 0) {
        (void)snprintf(ret_text, BENCH_NUMBER_SIZE, "0");
    } else {
        while (unit + 1 < sizeof units / sizeof units[0] && value >= 999.5) {
            value /= 1000;
            unit++;
        }
        (void)snprintf(ret_text, BENCH_NUMBER_SIZE, "%g%s", value, units[unit]);
    }
}

/* ---- One panel */

/* Grid and numbers of a horizontal scale. A logarithmic one has a line for each decade, but not
 * room for each number. */
static void draw_axis(const svg *page, const scale *on, double x, double y, double width,
                      double height, bool is_time)
{
    char text[BENCH_NUMBER_SIZE];
    scale lines = *on;
    double part;
    double value;

    lines.step = on->is_logarithmic && on->most - on->least <= 2 * TICKS_MAX ? 1 : on->step;
    for (unsigned i = 0; tick_of(&lines, i, &part, &value); i++) {
        bench_svg_line(page, x + part * width, y, x + part * width, y + height,
                       i == 0 ? "axis" : "grid");
    }
    for (unsigned i = 0; tick_of(on, i, &part, &value); i++) {
        tick_text(value, is_time, text);
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
                     const scale *on, double x, double y)
{
    const bench_summary values = bench_summarize(row, column, drawn->figure);
    const double left = x + NAME_WIDTH;
    const double length = place_on(on, values.median) * BAR_WIDTH;
    const double low = left + place_on(on, values.p10) * BAR_WIDTH;
    const double high = left + place_on(on, values.p90) * BAR_WIDTH;
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
        bench_svg_text(page, x + PANEL_WIDTH, middle + 4, "muted small", SVG_END, times);
    }
}

static void draw_dots(const svg *page, size_t row, bench_column column, const scale *on, double x,
                      double y)
{
    const double p50 = bench_summarize(row, column, BENCH_P50).median;
    const double p99 = bench_summarize(row, column, BENCH_P99).median;
    const double left = x + NAME_WIDTH;
    const double middle = y + LINE_HEIGHT / 2;
    const double at = left + place_on(on, p50) * DOTS_WIDTH;
    char open[40];
    char first[BENCH_NUMBER_SIZE];
    char last[BENCH_NUMBER_SIZE];
    char text[2 * BENCH_NUMBER_SIZE + 4];

    bench_duration(p50, " µs", first);
    bench_duration(p99, " µs", last);
    (void)snprintf(text, sizeof text, "%s / %s", first, last);
    if (p99 > 0) {
        const double end = left + place_on(on, p99) * DOTS_WIDTH;
        (void)snprintf(open, sizeof open, "%s open", dot_class(column));
        bench_svg_line(page, at, middle, end, middle, column == BENCH_STELE ? "mine-line" : "axis");
        bench_svg_dot(page, end, middle, 3.5, open);
    }
    bench_svg_dot(page, at, middle, 4, dot_class(column));
    bench_svg_text(page, x + PANEL_WIDTH, middle + 4,
                   column == BENCH_STELE ? "strong small" : "small", SVG_END, text);
}

static void draw_panel(const svg *page, const plot *drawn, size_t row, const scale *shared,
                       double x, double y)
{
    const bool is_dots = drawn->figure == BENCH_P50;
    const scale on = is_dots ? *shared : linear_scale(panel_most(drawn, row));
    const double top = y + PANEL_HEAD;
    double at = top;
    char words[80];

    describe(&bench_workloads[row], words, sizeof words);
    bench_svg_text(page, x, y + 14, "strong", SVG_START, bench_workloads[row].name);
    bench_svg_text(page, x + PANEL_WIDTH, y + 14, "muted small", SVG_END, words);
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

static void draw_head(const svg *page, const char *title, const char *const lines[2])
{
    bench_svg_text(page, MARGIN, 30, "title", SVG_START, title);
    bench_svg_text(page, MARGIN, 50, "muted", SVG_START, lines[0]);
    bench_svg_text(page, MARGIN, 67, "muted", SVG_START, lines[1]);
}

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
    double x = MARGIN;

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

static scale latency_scale(const size_t *rows, size_t count)
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
    return logarithmic_scale(least, most);
}

static void draw_plot(const plot *drawn, const char *folder)
{
    size_t rows[BENCH_WORKLOADS_MAX];
    const size_t count = rows_of(drawn, rows);
    double height = PANELS_TOP + LEGEND_HEIGHT;
    double y = PANELS_TOP;
    scale shared = {0};
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
    svg page = bench_svg_begin(path, PAGE_WIDTH, height, drawn->title, drawn->lines[0]);
    draw_head(&page, drawn->title, drawn->lines);
    for (size_t i = 0; i < count; i++) {
        draw_panel(&page, drawn, rows[i], &shared, MARGIN + (i % 2 ? PANEL_WIDTH + GUTTER : 0), y);
        if (i % 2 || i + 1 == count) {
            y += height_of(drawn, rows, count, i - i % 2);
        }
    }
    draw_legend(&page, y + 4);
    bench_svg_end(&page);
}

/* ---- Conditional appends against the length of history */

#define DCB_TOP 118.0
#define DCB_HEIGHT 210.0
#define DCB_LEFT 46.0
#define DCB_WIDTH (PANEL_WIDTH - DCB_LEFT)
#define DCB_PAD 30.0 /* so that the first and the last dot have room for their values */

typedef struct chart {
    double x; /* of its left edge; the frame is right of the numbers */
    scale across, up;
} chart;

static double chart_across(const chart *on, double part)
{
    return on->x + DCB_LEFT + DCB_PAD + part * (DCB_WIDTH - 2 * DCB_PAD);
}

static double chart_x(const chart *on, size_t row)
{
    return chart_across(on, place_on(&on->across, (double)bench_workloads[row].events));
}

static double chart_y(const chart *on, double value)
{
    return DCB_TOP + (1 - place_on(&on->up, value)) * DCB_HEIGHT;
}

static void draw_frame(const svg *page, const chart *on, const char *title, bool is_time)
{
    char text[BENCH_NUMBER_SIZE];
    double part;
    double value;

    bench_svg_text(page, on->x, DCB_TOP - 14, "strong", SVG_START, title);
    for (unsigned i = 0; tick_of(&on->up, i, &part, &value); i++) {
        const double y = DCB_TOP + (1 - part) * DCB_HEIGHT;
        bench_svg_line(page, on->x + DCB_LEFT, y, on->x + DCB_LEFT + DCB_WIDTH, y,
                       i == 0 ? "axis" : "grid");
        tick_text(value, is_time, text);
        bench_svg_text(page, on->x + DCB_LEFT - 6, y + 4, "muted small", SVG_END, text);
    }
    for (unsigned i = 0; tick_of(&on->across, i, &part, &value); i++) {
        const double x = chart_across(on, part);
        bench_svg_line(page, x, DCB_TOP + DCB_HEIGHT, x, DCB_TOP + DCB_HEIGHT + 4, "axis");
        tick_text(value, false, text);
        bench_svg_text(page, x, DCB_TOP + DCB_HEIGHT + 17, "muted small", SVG_MIDDLE, text);
    }
    bench_svg_text(page, on->x + DCB_LEFT + DCB_WIDTH / 2, DCB_TOP + DCB_HEIGHT + 34, "muted small",
                   SVG_MIDDLE, "events in the store before (logarithmic)");
}

/* A line over all lengths of history, with its values; those of dots that are open stand below. */
static void draw_series(const svg *page, const chart *on, const size_t *rows, size_t count,
                        bench_figure figure, const char *dots, double label_distance)
{
    char text[BENCH_NUMBER_SIZE];

    for (size_t i = 0; i < count; i++) {
        const bench_summary values = bench_summarize(rows[i], BENCH_STELE, figure);
        const double x = chart_x(on, rows[i]);
        const double y = chart_y(on, values.median);
        if (i > 0) {
            const double before = bench_summarize(rows[i - 1], BENCH_STELE, figure).median;
            bench_svg_line(page, chart_x(on, rows[i - 1]), chart_y(on, before), x, y, "mine-line");
        }
        if (values.count > 1) {
            bench_svg_line(page, x, chart_y(on, values.p10), x, chart_y(on, values.p90), "whisker");
        }
        if (figure == BENCH_RATE) {
            bench_number(values.median, text);
        } else {
            bench_duration(values.median, " µs", text);
        }
        const double above = chart_y(on, values.p90) - label_distance;
        const double below = chart_y(on, values.p10) - label_distance;
        bench_svg_text(page, x, label_distance > 0 ? above : below, "strong small halo", SVG_MIDDLE,
                       text);
    }
    for (size_t i = 0; i < count; i++) {
        const double value = bench_summarize(rows[i], BENCH_STELE, figure).median;
        bench_svg_dot(page, chart_x(on, rows[i]), chart_y(on, value), 4, dots);
    }
}

static size_t dcb_rows(size_t ret_rows[BENCH_WORKLOADS_MAX])
{
    size_t count = 0;

    for (size_t row = 0; row < bench_workload_count && row < BENCH_WORKLOADS_MAX; row++) {
        if (bench_workloads[row].kind == BENCH_DCB &&
            bench_summarize(row, BENCH_STELE, BENCH_RATE).count > 0 &&
            bench_summarize(row, BENCH_STELE, BENCH_P50).count > 0 &&
            bench_summarize(row, BENCH_STELE, BENCH_P99).count > 0) {
            ret_rows[count++] = row;
        }
    }
    return count;
}

/* The appends without a condition, and the part of their rate that must be reached. */
static void draw_plain(const svg *page, const chart *on, double plain, double bar)
{
    const double left = on->x + DCB_LEFT;
    char text[80];

    if (plain > 0) {
        bench_svg_line(page, left, chart_y(on, plain), left + DCB_WIDTH, chart_y(on, plain),
                       "dashed");
        bench_svg_line(page, left, chart_y(on, plain * bar), left + DCB_WIDTH,
                       chart_y(on, plain * bar), "dashed");
        (void)snprintf(text, sizeof text, "dashed: without a condition, and %g of it", bar);
        bench_svg_text(page, left + DCB_WIDTH, DCB_TOP - 14, "muted small", SVG_END, text);
    }
}

static void draw_dcb(const char *folder)
{
    static const char *const lines[2] = {
        "Each append goes through only if no event with both of two tags came after the head; 1 % "
        "are refused.",
        "Flat is good: the cost does not depend on how much is stored. Medians, whiskers from p10 to "
        "p90."};
    static const char title[] = "Conditional append against the length of history";
    size_t rows[BENCH_WORKLOADS_MAX];
    const size_t count = dcb_rows(rows);
    double most = 0;
    double least_time = 0;
    double most_time = 0;
    double plain = 0;
    size_t plain_row;
    char path[4096];

    if (count == 0) {
        (void)printf("dcb.svg: nothing of it was measured; not drawn\n");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const double p50 = bench_summarize(rows[i], BENCH_STELE, BENCH_P50).p10;
        most = fmax(most, bench_summarize(rows[i], BENCH_STELE, BENCH_RATE).p90);
        least_time = i == 0 ? p50 : fmin(least_time, p50);
        most_time = fmax(most_time, bench_summarize(rows[i], BENCH_STELE, BENCH_P99).p90);
    }
    if (bench_find_row("append-os-1", &plain_row)) {
        plain = bench_summarize(plain_row, BENCH_STELE, BENCH_RATE).median;
    }
    const scale across = logarithmic_scale((double)bench_workloads[rows[0]].events,
                                           (double)bench_workloads[rows[count - 1]].events * 0.999);
    chart rate = {MARGIN, across, linear_scale(fmax(most, plain) * 1.12)};
    chart time = {MARGIN + PANEL_WIDTH + GUTTER, across, logarithmic_scale(least_time, most_time)};
    bench_join(path, sizeof path, folder, "dcb.svg");
    svg page = bench_svg_begin(path, PAGE_WIDTH, DCB_TOP + DCB_HEIGHT + 52, title, lines[1]);
    draw_head(&page, title, lines);
    draw_frame(&page, &rate, "appends per second", false);
    draw_plain(&page, &rate, plain, bench_workloads[rows[0]].bar);
    draw_series(&page, &rate, rows, count, BENCH_RATE, "mine-dot", 8);
    draw_frame(&page, &time, "latency: p50 filled, p99 open", true);
    draw_series(&page, &time, rows, count, BENCH_P99, "mine-dot open", 8);
    draw_series(&page, &time, rows, count, BENCH_P50, "mine-dot", -16);
    bench_svg_end(&page);
}

void bench_plot_all(const char *folder)
{
    for (size_t i = 0; i < sizeof plots / sizeof plots[0]; i++) {
        draw_plot(&plots[i], folder);
    }
    draw_dcb(folder);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The plot of conditional appends against the length of history: one chart of rates, from zero, and
 * one of latencies. Both have the length on a logarithmic scale. */
#include "plot.h"

#include <math.h>

#define DCB_TOP 118.0
#define DCB_HEIGHT 210.0
#define DCB_LEFT 46.0
#define DCB_WIDTH (PLOT_HALF - DCB_LEFT)
#define DCB_PAD 30.0 /* so that the first and the last dot have room for their values */

typedef struct chart {
    double x; /* of its left edge; the frame is right of the numbers */
    bench_scale across, up;
} chart;

static double chart_across(const chart *on, double part)
{
    return on->x + DCB_LEFT + DCB_PAD + part * (DCB_WIDTH - 2 * DCB_PAD);
}

static double chart_x(const chart *on, size_t row)
{
    return chart_across(on, bench_scale_place(&on->across, (double)bench_workloads[row].events));
}

static double chart_y(const chart *on, double value)
{
    return DCB_TOP + (1 - bench_scale_place(&on->up, value)) * DCB_HEIGHT;
}

static void draw_frame(const svg *page, const chart *on, const char *title, bool is_time)
{
    char text[BENCH_NUMBER_SIZE];
    double part;
    double value;

    bench_svg_text(page, on->x, DCB_TOP - 14, "strong", SVG_START, title);
    for (unsigned i = 0; bench_scale_tick(&on->up, i, &part, &value); i++) {
        const double y = DCB_TOP + (1 - part) * DCB_HEIGHT;
        bench_svg_line(page, on->x + DCB_LEFT, y, on->x + DCB_LEFT + DCB_WIDTH, y,
                       i == 0 ? "axis" : "grid");
        bench_tick_text(value, is_time, text);
        bench_svg_text(page, on->x + DCB_LEFT - 6, y + 4, "muted small", SVG_END, text);
    }
    for (unsigned i = 0; bench_scale_tick(&on->across, i, &part, &value); i++) {
        const double x = chart_across(on, part);
        bench_svg_line(page, x, DCB_TOP + DCB_HEIGHT, x, DCB_TOP + DCB_HEIGHT + 4, "axis");
        bench_tick_text(value, false, text);
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

void bench_draw_dcb(const char *folder)
{
    static const char *const lines[2] = {
        "Each append goes through only if no event with both of two tags came after the head; 1 % "
        "are refused.",
        "Flat is good: the cost does not depend on how much is stored. Medians, whiskers from p10 "
        "to p90."};
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
    const bench_scale across =
        bench_logarithmic_scale((double)bench_workloads[rows[0]].events,
                                (double)bench_workloads[rows[count - 1]].events * 0.999);
    chart rate = {PLOT_MARGIN, across, bench_linear_scale(fmax(most, plain) * 1.12)};
    chart time = {PLOT_MARGIN + PLOT_HALF + PLOT_GUTTER, across,
                  bench_logarithmic_scale(least_time, most_time)};
    bench_join(path, sizeof path, folder, "dcb.svg");
    svg page = bench_svg_begin(path, PLOT_WIDTH, DCB_TOP + DCB_HEIGHT + 52, title, lines[1]);
    bench_draw_head(&page, title, lines);
    draw_frame(&page, &rate, "appends per second", false);
    draw_plain(&page, &rate, plain, bench_workloads[rows[0]].bar);
    draw_series(&page, &rate, rows, count, BENCH_RATE, "mine-dot", 8);
    draw_frame(&page, &time, "latency: p50 filled, p99 open", true);
    draw_series(&page, &time, rows, count, BENCH_P99, "mine-dot open", 8);
    draw_series(&page, &time, rows, count, BENCH_P50, "mine-dot", -16);
    bench_svg_end(&page);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Scales of plots, and the head of a page. Whatever is put on a scale stays on it. */
#include "plot.h"

#include <math.h>

/* From zero, in steps of 1, 2, 2.5 or 5, at most PLOT_TICKS_MAX - 1 of them. */
bench_scale bench_linear_scale(double most)
{
    static const double steps[] = {1, 2, 2.5, 5, 10};
    const double decade = pow(10, floor(log10(most / (PLOT_TICKS_MAX - 1))));
    size_t i = 0;

    while (i + 1 < sizeof steps / sizeof steps[0] &&
           steps[i] * decade * (PLOT_TICKS_MAX - 1) < most) {
        i++;
    }
    return (bench_scale){0, most, steps[i] * decade, false};
}

bench_scale bench_logarithmic_scale(double least, double most)
{
    const double low = floor(log10(least));
    /* Never empty, also if there is one value only. */
    const double high = fmax(ceil(log10(most)), low + 1);

    return (bench_scale){low, high, ceil((high - low) / (PLOT_TICKS_MAX - 1)), true};
}

/* From 0 to 1. */
double bench_scale_place(const bench_scale *on, double value)
{
    const double at = on->is_logarithmic ? log10(value) : value;
    const double part = (at - on->least) / (on->most - on->least);

    return part < 0 ? 0 : part > 1 ? 1 : part;
}

/* Where tick number `index` is, from 0 to 1, and its value; false: there are no more. */
bool bench_scale_tick(const bench_scale *on, unsigned index, double *ret_part, double *ret_value)
{
    const double at = on->least + index * on->step;

    if (index > 2 * PLOT_TICKS_MAX || at > on->most + 1e-9 * fabs(on->most)) {
        return false;
    }
    *ret_part = (at - on->least) / (on->most - on->least);
    *ret_value = on->is_logarithmic ? pow(10, at) : at;
    return true;
}

void bench_tick_text(double value, bool is_time, char ret_text[BENCH_NUMBER_SIZE])
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

void bench_draw_head(const svg *page, const char *title, const char *const lines[2])
{
    bench_svg_text(page, PLOT_MARGIN, 30, "title", SVG_START, title);
    bench_svg_text(page, PLOT_MARGIN, 50, "muted", SVG_START, lines[0]);
    bench_svg_text(page, PLOT_MARGIN, 67, "muted", SVG_START, lines[1]);
}

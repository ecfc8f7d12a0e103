/* SPDX-License-Identifier: Apache-2.0 */
/* What the plots share: a page of their own width, and scales. Confined to one thread. */
#ifndef BENCH_PLOT_H
#define BENCH_PLOT_H

#include "results.h"
#include "svg.h"

#define PLOT_WIDTH 800.0
#define PLOT_MARGIN 16.0
#define PLOT_GUTTER 24.0 /* between what stands beside each other */
#define PLOT_HALF ((PLOT_WIDTH - 2 * PLOT_MARGIN - PLOT_GUTTER) / 2)
#define PLOT_TICKS_MAX 5

typedef struct bench_scale {
    double least, most; /* of a logarithmic one: exponents of ten */
    double step;
    bool is_logarithmic;
} bench_scale;

/* From zero to `most`, which is more than zero. */
bench_scale bench_linear_scale(double most);
/* Whole decades around both; never empty. */
bench_scale bench_logarithmic_scale(double least, double most);
/* From 0 to 1. */
double bench_scale_place(const bench_scale *on, double value);
/* Where tick number `index` is, from 0 to 1, and its value; false: there are no more. */
bool bench_scale_tick(const bench_scale *on, unsigned index, double *ret_part, double *ret_value);
/* Microseconds, or a count. */
void bench_tick_text(double value, bool is_time, char ret_text[BENCH_NUMBER_SIZE]);

/* Title and two lines of explanation. */
void bench_draw_head(const svg *page, const char *title, const char *const lines[2]);
/* dcb.svg: plot_dcb.c. */
void bench_draw_dcb(const char *folder);

#endif

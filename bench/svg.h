/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drawing: a page of SVG with a background and colours of its own for light and dark surroundings,
 * and a few shapes whose looks are the classes of its style sheet. The colours are told apart with
 * every kind of colour blindness, and nothing is said by colour alone. Numbers have one decimal, so
 * the same picture is the same bytes. Confined to one thread.
 */
#ifndef BENCH_SVG_H
#define BENCH_SVG_H

#include "bench.h"

#include <stdio.h>

typedef enum svg_anchor { SVG_START, SVG_MIDDLE, SVG_END } svg_anchor;

typedef struct svg {
    FILE *file;
    const char *path;
} svg;

/* Classes: title, strong, muted, small, halo (what is behind does not touch it) for text; mine,
 * peer, floor for areas; grid, axis, whisker, dashed, mine-line for lines; mine-dot, peer-dot,
 * floor-dot for circles, with open too.
 */
svg bench_svg_begin(const char *path, double width, double height, const char *title,
                    const char *description);
void bench_svg_text(const svg *page, double x, double y, const char *classes, svg_anchor anchor,
                    const char *text);
void bench_svg_area(const svg *page, double x, double y, double width, double height,
                    const char *classes);
void bench_svg_line(const svg *page, double x1, double y1, double x2, double y2,
                    const char *classes);
void bench_svg_dot(const svg *page, double x, double y, double radius, const char *classes);
/* Ends the process if the file could not be written. */
void bench_svg_end(svg *page);

#endif

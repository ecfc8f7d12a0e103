/* SPDX-License-Identifier: Apache-2.0 */
/* A page of SVG. Text is escaped here and nowhere else. */
#include "svg.h"

#include <errno.h>
#include <string.h>

/* Orange stands out from blue-grey in every kind of sight; the floors have an outline. */
static const char style[] =
    "<style>\n"
    "text{font:12px system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;fill:#1f2328}\n"
    ".title{font-size:18px;font-weight:600}.strong{font-weight:600}\n"
    ".muted{fill:#59636e}.small{font-size:11px}\n"
    ".halo{stroke:#fff;stroke-width:4px;stroke-linejoin:round;paint-order:stroke}\n"
    ".paper{fill:#fff;stroke:#d1d9e0}\n"
    ".mine{fill:#d55e00}.peer{fill:#8fa6bd}.floor{fill:#eef1f4;stroke:#8b949e}\n"
    ".grid{stroke:#e4e8ec}.axis{stroke:#9aa4ae}.whisker{stroke:#1f2328}\n"
    ".dashed{stroke:#59636e;stroke-dasharray:4 3}\n"
    ".mine-line{stroke:#d55e00;stroke-width:2}\n"
    ".mine-dot{fill:#d55e00;stroke:#d55e00}.peer-dot{fill:#6f8aa5;stroke:#6f8aa5}\n"
    ".floor-dot{fill:#8b949e;stroke:#8b949e}.open{fill:#fff}\n"
    "@media(prefers-color-scheme:dark){\n"
    "text{fill:#e6edf3}.muted{fill:#9da7b1}.halo{stroke:#0d1117}\n"
    ".paper{fill:#0d1117;stroke:#3d444d}\n"
    ".mine{fill:#f0883e}.peer{fill:#5b7591}.floor{fill:#20262d;stroke:#7d8590}\n"
    ".grid{stroke:#262c33}.axis{stroke:#6e7681}.whisker{stroke:#e6edf3}.dashed{stroke:#9da7b1}\n"
    ".mine-line{stroke:#f0883e}.mine-dot{fill:#f0883e;stroke:#f0883e}\n"
    ".peer-dot{fill:#7f9bb8;stroke:#7f9bb8}.floor-dot{fill:#7d8590;stroke:#7d8590}\n"
    ".open{fill:#0d1117}}\n"
    "</style>\n";

/* What means something to XML is written as a name; what no document may hold is left out. */
static void put_text(const svg *page, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '&':
            (void)fputs("&amp;", page->file);
            break;
        case '<':
            (void)fputs("&lt;", page->file);
            break;
        case '>':
            (void)fputs("&gt;", page->file);
            break;
        case '"':
            (void)fputs("&quot;", page->file);
            break;
        default:
            if ((unsigned char)*text >= ' ') {
                (void)fputc(*text, page->file);
            }
        }
    }
}

svg bench_svg_begin(const char *path, double width, double height, const char *title,
                    const char *description)
{
    const svg page = {fopen(path, "we"), path};

    if (!page.file) {
        bench_die("cannot write %s: %s", path, strerror(errno));
    }
    (void)fprintf(page.file,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
                  "viewBox=\"0 0 %.0f %.0f\" role=\"img\">\n<title>",
                  width, height, width, height);
    put_text(&page, title);
    (void)fputs("</title>\n<desc>", page.file);
    put_text(&page, description);
    (void)fprintf(page.file, "</desc>\n%s", style);
    (void)fprintf(page.file,
                  "<rect class=\"paper\" x=\"0.5\" y=\"0.5\" width=\"%.0f\" height=\"%.0f\" "
                  "rx=\"6\"/>\n",
                  width - 1, height - 1);
    return page;
}

void bench_svg_text(const svg *page, double x, double y, const char *classes, svg_anchor anchor,
                    const char *text)
{
    static const char *const anchors[] = {"start", "middle", "end"};

    (void)fprintf(page->file, "<text x=\"%.1f\" y=\"%.1f\"", x, y);
    if (classes[0]) {
        (void)fprintf(page->file, " class=\"%s\"", classes);
    }
    if (anchor != SVG_START) {
        (void)fprintf(page->file, " text-anchor=\"%s\"", anchors[anchor]);
    }
    (void)fputc('>', page->file);
    put_text(page, text);
    (void)fputs("</text>\n", page->file);
}

void bench_svg_area(const svg *page, double x, double y, double width, double height,
                    const char *classes)
{
    (void)fprintf(page->file,
                  "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n",
                  classes, x, y, width, height);
}

void bench_svg_line(const svg *page, double x1, double y1, double x2, double y2,
                    const char *classes)
{
    (void)fprintf(page->file,
                  "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", classes,
                  x1, y1, x2, y2);
}

void bench_svg_dot(const svg *page, double x, double y, double radius, const char *classes)
{
    (void)fprintf(page->file, "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"/>\n",
                  classes, x, y, radius);
}

void bench_svg_end(svg *page)
{
    (void)fputs("</svg>\n", page->file);
    if (ferror(page->file) | fclose(page->file)) {
        bench_die("cannot write %s", page->path);
    }
}

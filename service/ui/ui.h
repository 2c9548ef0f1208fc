/* The pages: HTML shell, script modules, style sheets and drawing libraries, built into the
 * program.
 *
 * The bytes are compressed at build time and live in read-only memory as long as the program, so a
 * reply may point at them. The drawing libraries (graph-view.js, chart-view.js) come from npm;
 * where npm was not reached at build time they are absent, ui_has_drawing() says so, and the pages
 * show their tables. */
#ifndef IG_UI_UI_H
#define IG_UI_UI_H

#include <stdbool.h>
#include <stddef.h>

#include "libs/core/str.h"

struct ui_asset {
    const char *name;         /* "app.3f2a91c04d5e.js": what follows "/assets/" */
    const char *content_type; /* with charset where it is text */
    const unsigned char *data;
    size_t len;
    bool gzipped;     /* send Content-Encoding: gzip; never larger than 8 MiB inflated */
    const char *etag; /* with its quotes */
    bool immutable;   /* the name changes with the bytes: may be kept for a year */
};

/* Exact name, case counts; NULL when there is none. The HTML shell is not among them. */
const struct ui_asset *ui_asset_find(struct str name);

/* The shell, the same for every page. Never immutable. */
const struct ui_asset *ui_page(void);

/* Whether the libraries that draw graphs and charts are in this build. */
bool ui_has_drawing(void);

#endif

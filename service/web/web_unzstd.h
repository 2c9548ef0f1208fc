/* zstd as it comes (RFC 8878): frames one after the other, in pieces. service/web alone names
 * libzstd, and this file alone in it.
 *
 * A stream takes the memory of its window, at most WEB_ZSTD_WINDOW_MAX (RFC 9659), and some
 * 200 KiB; web_unzstd_held tells it. */
#ifndef IG_WEB_WEB_UNZSTD_H
#define IG_WEB_WEB_UNZSTD_H

#include <stdbool.h>
#include <stddef.h>

#include "libs/core/fault.h"
#include "libs/core/str.h"

enum {
    WEB_ZSTD_WINDOW_LOG = 23,
    WEB_ZSTD_WINDOW_MAX = 1 << WEB_ZSTD_WINDOW_LOG,
    WEB_ZSTD_FRAMES_MAX = 4096 /* a million empty ones would fit into a body */
};

struct web_unzstd;

enum fault_code web_unzstd_new(struct web_unzstd **out, struct fault *fault) MUST_USE;
void web_unzstd_free(struct web_unzstd *taken); /* takes NULL */

/* Reads from the front of *data, which it shortens, into `room` bytes at `out`; *out_made of them
 * are filled. FAULT_INPUT for what is no zstd, FAULT_LIMIT for too large a window or too many
 * frames. */
enum fault_code web_unzstd_step(struct web_unzstd *unzstd, struct str *data, char *out, size_t room,
                                size_t *out_made, struct fault *fault) MUST_USE;

/* The last frame is complete: the data may end here. */
bool web_unzstd_ended(const struct web_unzstd *unzstd);

size_t web_unzstd_held(const struct web_unzstd *unzstd); /* bytes */

#endif

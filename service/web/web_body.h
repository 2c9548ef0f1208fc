/* Bodies: one coming in, inflated as it comes and held to its limits; one going out, deflated. */
#ifndef IG_WEB_WEB_BODY_H
#define IG_WEB_WEB_BODY_H

#include "service/web/web.h"

enum { WEB_GZIP_RATIO_MAX = 100, WEB_GZIP_SLACK = 64 * 1024 };

struct web_inflater;

struct web_body {
    struct buf bytes;  /* inflated */
    uint64_t received; /* as sent */
    uint64_t consumed; /* of them, inflated */
    uint64_t limit;
    struct web_inflater *inflater; /* NULL: identity */
    bool ended;                    /* the last gzip member is complete */
};

/* `limit` counts for the bytes as sent and as inflated. */
enum fault_code web_body_init(struct web_body *body, size_t limit, bool gzip,
                              struct fault *fault) MUST_USE;
void web_body_done(struct web_body *body); /* takes one that was never initialised but zeroed */

/* FAULT_LIMIT over the limit or WEB_GZIP_RATIO_MAX; FAULT_INPUT when it is not gzip. */
enum fault_code web_body_add(struct web_body *body, struct str data, struct fault *fault) MUST_USE;

/* FAULT_INPUT for a gzip stream that was cut. */
enum fault_code web_body_end(struct web_body *body, struct fault *fault) MUST_USE;

/* Adds `data` as gzip to `out`; false (out cleared) when it cannot, or is not worth it. */
bool web_body_deflate(struct str data, struct buf *out);

#endif

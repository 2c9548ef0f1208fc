/* Bodies: one coming in, inflated as it comes and held to its limits; one going out, deflated. */
#ifndef IG_WEB_WEB_BODY_H
#define IG_WEB_WEB_BODY_H

#include "service/web/web.h"

enum { WEB_RATIO_MAX = 100, WEB_RATIO_SLACK = 64 * 1024 };

enum web_coding { WEB_IDENTITY, WEB_GZIP, WEB_ZSTD };

struct web_inflater;
struct web_unzstd;

struct web_body {
    struct buf bytes;  /* inflated */
    uint64_t received; /* as sent */
    uint64_t consumed; /* of them, inflated */
    uint64_t limit;
    struct web_inflater *inflater; /* of gzip, else NULL */
    struct web_unzstd *unzstd;     /* of zstd, else NULL */
    bool ended;                    /* the last gzip member or zstd frame is complete */
};

/* `limit` counts for the bytes as sent and as inflated. */
enum fault_code web_body_init(struct web_body *body, size_t limit, enum web_coding coding,
                              struct fault *fault) MUST_USE;
void web_body_done(struct web_body *body); /* takes one that was never initialised but zeroed */

/* FAULT_LIMIT over the limit or WEB_RATIO_MAX; FAULT_INPUT when it is not what it is said to be. */
enum fault_code web_body_add(struct web_body *body, struct str data, struct fault *fault) MUST_USE;

/* FAULT_INPUT for a gzip or zstd stream that was cut. FAULT_LIMIT for zstd over WEB_RATIO_MAX: its
 * library takes more or less of its input before it gives a piece, by how the bytes came, so that
 * the ratio is the same only at the end. */
enum fault_code web_body_end(struct web_body *body, struct fault *fault) MUST_USE;

/* Bytes of memory that it takes now. */
size_t web_body_held(const struct web_body *body);

/* Adds `data` as gzip to `out`; false (out cleared) when it cannot, or is not worth it. */
bool web_body_deflate(struct str data, struct buf *out);

#endif

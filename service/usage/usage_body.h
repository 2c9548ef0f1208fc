/* The forms in which a request brings events (CloudEvents HTTP binding 1.0.2): one structured
 * event, one in binary mode, a batch, or lines of NDJSON. */
#ifndef IG_USAGE_BODY_H
#define IG_USAGE_BODY_H

#include "service/usage/usage_ingest.h"
#include "service/web/web.h"

/* Adds each event of the request to the batch. FAULT_INPUT and FAULT_LIMIT are of the request as a
 * whole: then nothing of it is taken. */
enum fault_code usage_body_read(struct web_request *request, struct usage_batch *batch,
                                struct fault *fault) MUST_USE;

/* The next element of an array's text, at its commas and brackets only: whether it is JSON is told
 * when it is read. *rest begins right behind the bracket that opens the array. false at its end;
 * then *out_good tells whether the end was one. */
bool usage_body_next(struct str *rest, struct str *out, bool *out_good);

#endif

/* Asking the service for something: one GET, its answer in JSON or its refusal in a sentence. */
#ifndef IG_NATIVE_SERVICE_H
#define IG_NATIVE_SERVICE_H

#include "libs/core/arena.h"
#include "libs/http/client.h"

/* The body of a 200, in the arena; `path` is encoded already and has no leading slash.
 *   FAULT_INPUT, UNSIGNED, DENIED, NOT_FOUND   what the service said of 400, 401, 403, 404
 *   FAULT_LIMIT                                413, or an answer over HTTP_REPLY_MAX
 *   FAULT_UNAVAILABLE                          any other answer, or none */
enum fault_code service_get(struct http_client *client, const char *path, struct arena *arena,
                            struct str *out, struct fault *fault) MUST_USE;

/* Adds "&name=value" to a query, or "?name=value" to what has none; nothing for an empty value. */
void service_add_query(struct buf *path, const char *name, struct str value);

/* Adds one part of a path or a query, whatever is not plain encoded. */
void service_add_part(struct buf *path, struct str value);

#endif

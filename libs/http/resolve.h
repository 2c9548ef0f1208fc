/* Looking names up, with a limit of time. For this room and its tests; others: http_resolve. */
#ifndef IG_HTTP_RESOLVE_H
#define IG_HTTP_RESOLVE_H

#include "libs/http/probe.h"

/* As getaddrinfo: 0 or EAI_*. Called in a thread of its own, which it may keep as long as it likes.
 */
typedef int resolve_lookup(const char *host, struct http_addresses *out);
resolve_lookup resolve_by_system;

enum fault_code resolve_with(resolve_lookup *lookup, struct str host, int timeout_ms,
                             struct http_addresses *out, struct fault *fault) MUST_USE;

#endif

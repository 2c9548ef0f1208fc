/* What every handler gets as `service`: the running parts, wired together once by main. */
#ifndef IG_SERVICE_SERVICE_H
#define IG_SERVICE_SERVICE_H

#include <stdint.h>

#include "libs/core/str.h"

struct audit;
struct identity;
struct store_pool;
struct web_server;

struct service {
    struct store_pool *pool;
    struct audit *audit;
    struct identity *identity;
    struct web_server *server; /* for /metrics; NULL until it has started */
    struct str public_url;     /* with a final slash; "" derives it from the request's Host */
    int64_t started_us;
};

#endif

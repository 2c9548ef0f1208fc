#include "service/web/web_routes.h"

#include <string.h>

static bool takes(const struct web_route *route, struct str method)
{
    return str_equal(method, str_of(route->method)) ||
           (str_equal(method, STR("HEAD")) && str_equal(str_of(route->method), STR("GET")));
}

const struct web_route *web_routes_find(const struct web_route *const *tables, size_t table_count,
                                        const struct web_target *target,
                                        struct web_request *request, bool *out_matched,
                                        struct buf *allowed)
{
    *out_matched = false;
    for (size_t t = 0; t < table_count; t++)
        for (const struct web_route *each = tables[t]; each->method; each++) {
            struct str parts[WEB_PARTS_MAX];
            if (!web_target_matches(target, each->pattern, parts))
                continue;
            *out_matched = true;
            if (takes(each, request->method)) {
                memcpy(request->parts, parts, sizeof parts);
                return each;
            }
            buf_addf(allowed, "%s%s%s", allowed->len ? ", " : "", each->method,
                     str_equal(str_of(each->method), STR("GET")) ? ", HEAD" : "");
        }
    return NULL;
}

/* The tables of routes, looked up. */
#ifndef IG_WEB_WEB_ROUTES_H
#define IG_WEB_WEB_ROUTES_H

#include "service/web/web_target.h"

/* The route for the request's method at that target; fills request->parts. NULL: there is none;
 * *out_matched then tells whether other methods are taken there, and `allowed` which ones (it may
 * lack memory for them). */
const struct web_route *web_routes_find(const struct web_route *const *tables, size_t table_count,
                                        const struct web_target *target,
                                        struct web_request *request, bool *out_matched,
                                        struct buf *allowed);

#endif

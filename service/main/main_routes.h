/* All tables of routes, and those that belong to no slice. */
#ifndef IG_MAIN_MAIN_ROUTES_H
#define IG_MAIN_MAIN_ROUTES_H

#include "service/web/web.h"

extern const struct web_route *const main_tables[];
extern const size_t main_table_count;

/* Large bodies are taken from who has a credential. */
web_admission main_admit;

extern const struct web_route main_status_routes[]; /* health, the OpenAPI document */
extern const struct web_route main_metrics_routes[];
extern const struct web_route main_whoami_routes[]; /* who asks, and what answers */
extern const struct web_route main_audit_routes[];  /* the audit log, read; here and not in
                                                       service/audit, which the gate stands upon */

/* docs/api/openapi.yaml, as it was when the program was built. */
struct str main_openapi(void);

#endif

/* Usage that is out of the ordinary: found by a job, kept until somebody says why, told once. */
#ifndef IG_ANOMALIES_ANOMALIES_H
#define IG_ANOMALIES_ANOMALIES_H

#include "service/jobs/jobs.h"
#include "service/web/web.h"

enum { ANOMALIES_EVERY_S = 600 };

/* A jobs_run, context the struct service: looks at every tenant's meters, at the last three days
 * and at today so far. */
enum fault_code anomalies_look_at_all(struct jobs_turn *turn, void *context, struct fault *fault);

/* /v1/usage/anomalies and /v1/usage/anomaly-settings. */
extern const struct web_route anomalies_routes[];

#endif

/* The job that looks at budgets every few seconds: thresholds that were crossed, overrides whose
 * time is over. A tenant is looked at when events or changes have come since the last time, and
 * else once a minute, since levels add up, forecasts move and periods end without any. */
#ifndef IG_BUDGETS_THRESHOLD_WATCH_H
#define IG_BUDGETS_THRESHOLD_WATCH_H

#include "service/jobs/jobs.h"

struct service;
struct budgets_watch;

enum { BUDGETS_WATCH_EVERY_S = 2, BUDGETS_WATCH_ALWAYS_S = 60 };

/* Borrows the service. */
enum fault_code budgets_watch_new(struct service *service, struct budgets_watch **out,
                                  struct fault *fault) MUST_USE;
void budgets_watch_free(struct budgets_watch *taken); /* takes NULL */

/* A round of the job; `context` is the watch. */
jobs_run budgets_watch_run;

/* One tenant, whether or not anything has come. `turn` NULL: without a lease, as the keys of
 * crossings and overrides allow. *out_told: how many crossings it was the one to tell. */
enum fault_code budgets_watch_tenant(struct service *service, struct jobs_turn *turn,
                                     struct str tenant, int64_t now_us, size_t *out_told,
                                     struct fault *fault) MUST_USE;

#endif

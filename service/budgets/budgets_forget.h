/* What is kept of decisions for a time only: refusals for as long as the service's option
 * --refusals-expire says, settlements for as long as a late event may still name their time.
 * Budgets' history, the count of allowed decisions and the audit log are kept for good. */
#ifndef IG_BUDGETS_FORGET_H
#define IG_BUDGETS_FORGET_H

#include "service/jobs/jobs.h"

enum {
    BUDGETS_FORGET_EVERY_S = 3600,
    BUDGETS_FORGET_AT_ONCE = 500, /* rows of one transaction: others write between two */
};

struct budgets_forgetting {
    int64_t refusals_expire_s; /* 0: never */
};

/* A jobs_run; the context is a struct budgets_forgetting. Ends early when the service stops; the
 * rest is removed by the next run. */
enum fault_code budgets_forget(struct jobs_turn *turn, void *context, struct fault *fault);

#endif

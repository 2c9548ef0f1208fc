/* Entries of the DLQ that were replayed or discarded are forgotten a time after their end, which
 * the service's option --dlq-expire says; open ones never are. What goes is on record in the
 * tenant's audit log, in the transaction that removes it. */
#ifndef IG_USAGE_DLQ_FORGET_H
#define IG_USAGE_DLQ_FORGET_H

#include "service/audit/audit.h"
#include "service/jobs/jobs.h"

enum {
    USAGE_DLQ_FORGET_EVERY_S = 3600,
    USAGE_DLQ_FORGET_AT_ONCE = 500, /* rows of one transaction: others write between two */
};

struct usage_dlq_forgetting {
    struct audit *audit;
    int64_t expire_s; /* 0: never */
};

/* A jobs_run; the context is a struct usage_dlq_forgetting. */
enum fault_code usage_dlq_forget(struct jobs_turn *turn, void *context, struct fault *fault);

#endif

/* The table of leases. For this room only. */
#ifndef IG_JOBS_JOBS_LEASE_H
#define IG_JOBS_JOBS_LEASE_H

#include "service/jobs/jobs.h"

struct jobs_lease {
    char holder[JOBS_HOLDER_MAX]; /* "": nobody */
    int64_t fence;
    int64_t beat;
    int64_t began_us;
};

/* A job that never had a lease is one that nobody holds. */
enum fault_code jobs_lease_read(struct store_pool *pool, const char *name, struct jobs_lease *out,
                                struct fault *fault) MUST_USE;

/* From the state `seen`. *out_taken is false when it is another one by now; else *out_fence is
 * ours. */
enum fault_code jobs_lease_take(struct store_pool *pool, const char *name,
                                const struct jobs_lease *seen, const char *holder, bool *out_taken,
                                int64_t *out_fence, struct fault *fault) MUST_USE;

/* Hands it back after a run that began at turn->now_us; `error` is "" when it went well. */
enum fault_code jobs_lease_give(struct jobs_turn *turn, const char *error,
                                struct fault *fault) MUST_USE;

#endif

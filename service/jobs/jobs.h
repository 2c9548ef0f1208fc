/* Jobs: what the service does by itself, by one process at a time, however many share the store.
 *
 * A job has a lease with a number, the fence, one more with each holder. A holder writes by
 * jobs_write alone: in that very transaction the fence is compared, and the lease's beat raised.
 * Who was stopped for a while and comes back is refused there, since another one has a higher fence
 * by then. Correctness rests on that, never on a clock.
 *
 * When a lease may be taken from its holder: its beat has stood still for JOBS_LEASE_S of the
 * watcher's own monotonic clock. No two clocks are compared, so neither skew nor a jump matters;
 * the price is that after a crash the others wait for that long. A clean stop hands the lease back.
 *
 * When a job is due: `every_s` after the last finished run began, by the wall clock of who looks. A
 * clock that was set back makes it run early, which a job must bear: what may happen only once is
 * taken by jobs_claim. */
#ifndef IG_JOBS_JOBS_H
#define IG_JOBS_JOBS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "libs/core/fault.h"
#include "libs/core/str.h"
#include "libs/store/store_pool.h"

enum {
    JOBS_MAX = 16,
    JOBS_LEASE_S = 15,
    JOBS_HOLDER_MAX = 33, /* hexadecimal and a NUL */
    JOBS_NAME_MAX = 64,
};

/* A holder's turn at a job; the runner makes it. */
struct jobs_turn {
    struct store_pool *pool;
    const char *name;
    int64_t fence;
    int64_t now_us;            /* when the turn began */
    const atomic_bool *ending; /* the service stops: come to an end soon */
};

typedef enum fault_code jobs_run(struct jobs_turn *turn, void *context, struct fault *fault);

struct job {
    const char *name; /* "anomalies.look": a lease of its own */
    int64_t every_s;
    jobs_run *run; /* a fault is logged, and the next run is at its time */
    void *context;
};

struct jobs_runner;

/* A thread for each job. `jobs` is borrowed and must outlive the runner. `lease_ms` is JOBS_LEASE_S
 * in all processes of a store; tests have less patience. */
enum fault_code jobs_start(struct store_pool *pool, const struct job *jobs, size_t count,
                           int lease_ms, struct jobs_runner **out, struct fault *fault) MUST_USE;
void jobs_stop(struct jobs_runner *taken); /* waits for the runs under way; takes NULL */

/* What this process did of job `index`, for /metrics. */
struct jobs_stats {
    const char *name;
    uint64_t done;
    uint64_t failed;
    uint64_t lost; /* the lease went to another process in the middle of a run */
};

size_t jobs_count(const struct jobs_runner *runner);
struct jobs_stats jobs_stats(const struct jobs_runner *runner, size_t index);

/* As store_pool_write, after the fence was found to hold in the same transaction. FAULT_CONFLICT:
 * another process has the job now, nothing was written; end the run. */
enum fault_code jobs_write(struct jobs_turn *turn, store_work *work, void *context,
                           struct fault *fault) MUST_USE;

/* Says that the holder lives, for a run that reads longer than a third of JOBS_LEASE_S. */
enum fault_code jobs_renew(struct jobs_turn *turn, struct fault *fault) MUST_USE;

/* What is done once by all processes and for all time. */
struct jobs_result {
    struct str tenant;
    struct str kind;
    int64_t period_us; /* the first moment of the period that it is about */
    int64_t revision;  /* 0, or one more where it is done again on purpose */
};

/* Within the transaction that does it: *out_first is false when it was done before. */
enum fault_code jobs_claim(struct store *store, const struct jobs_turn *turn,
                           const struct jobs_result *result, bool *out_first,
                           struct fault *fault) MUST_USE;

#endif

/* The deliverer: a job that hands what is due to the courier and keeps what became of it. */
#ifndef IG_NOTIFY_NOTIFY_DELIVER_H
#define IG_NOTIFY_NOTIFY_DELIVER_H

#include "service/jobs/jobs.h"
#include "service/notify/notify.h"
#include "service/service.h"

enum {
    NOTIFY_AT_ONCE = 32,         /* attempts under way, one a recipient */
    NOTIFY_FAILING_AT_ONCE = 16, /* of these to recipients that did not answer last time */
    NOTIFY_ATTEMPTS = 10,        /* then a delivery is dead: some three days */
    NOTIFY_TIMEOUT_MS = 15000,
};

struct audit;
struct notify_deliverer;

/* Borrows the courier's socket, which must not block, and the counters. `from`: of the mails. */
enum fault_code notify_deliverer_new(int fd, struct str from, const struct audit *audit,
                                     struct service_counters *counters,
                                     struct notify_deliverer **out, struct fault *fault) MUST_USE;
void notify_deliverer_free(struct notify_deliverer *taken);

/* A jobs_run, context the deliverer: goes on until the service ends or the lease is lost. */
enum fault_code notify_deliver(struct jobs_turn *turn, void *context, struct fault *fault);

/* How long to wait after that many attempts (1, 2 ...), in seconds: 5 s, 5 min, 30 min, 2 h, 5 h,
 * 10 h, 14 h, 20 h, 24 h, each up to a tenth more by `jitter` (0..65535); at least `retry_after_s`.
 * -1: no further one. */
int64_t notify_wait_s(int64_t attempts, unsigned jitter, int retry_after_s);

#endif

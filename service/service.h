/* What every handler gets as `service`: the running parts, wired together once by main. */
#ifndef IG_SERVICE_SERVICE_H
#define IG_SERVICE_SERVICE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "libs/core/str.h"

struct audit;
struct budgets;
struct identity;
struct jobs_runner;
struct store_pool;
struct usage_batch;
struct web_server;

/* What /metrics tells of the slices; each slice counts its own. */
struct service_counters {
    atomic_uint_fast64_t handoffs_committed;
    atomic_uint_fast64_t handoffs_duplicate;
    atomic_uint_fast64_t handoffs_refused;
    atomic_uint_fast64_t handoffs_opened; /* clicks on their links */
    atomic_uint_fast64_t decisions_allowed;
    atomic_uint_fast64_t decisions_throttled; /* answered with 429 */
    atomic_uint_fast64_t decisions_blocked;   /* answered with 402 */
    atomic_uint_fast64_t decisions_shadowed;  /* allowed, as the budget that says no only watches */
    atomic_uint_fast64_t notices_delivered;
    atomic_uint_fast64_t notices_failed; /* attempts */
    atomic_uint_fast64_t notices_dead;   /* given up */
    atomic_uint_fast64_t anomalies_found;
};

struct service {
    struct store_pool *pool;
    struct audit *audit;
    struct identity *identity;
    struct budgets *budgets; /* NULL: nothing is decided here */
    /* Told of events that were committed here; NULL: nobody is. */
    void (*events_kept)(struct service *service, const struct usage_batch *batch);
    _Atomic(struct web_server *) server; /* for /metrics; NULL until it has started */
    struct str public_url; /* with a final slash; "" derives it from the request's Host */
    struct str data;       /* the data folder */
    int64_t started_us;
    _Atomic(struct jobs_runner *) jobs; /* for /metrics; NULL while there are none */
    bool sends_webhooks;                /* there is a way out for them */
    bool sends_mail;
    struct service_counters counters;
};

#endif

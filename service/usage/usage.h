/* Metering: what each tenant uses, counted once, and what it adds up to.
 *
 *     POST /v1/events            CloudEvents in, each with its outcome
 *     GET  /v1/meters            what can be counted
 *     GET  /v1/usage             by hour, day, month or billing period; JSON or CSV
 *     GET  /v1/usage/provenance  how much of its origin each source's usage tells
 *     GET  /v1/usage/dlq ...     what could not be taken: look, mend and replay, discard */
#ifndef IG_USAGE_USAGE_H
#define IG_USAGE_USAGE_H

#include "libs/store/store_pool.h"
#include "service/audit/audit.h"
#include "service/usage/usage_rebuild.h"
#include "service/web/web.h"

extern const struct web_route usage_routes[];     /* events and reports */
extern const struct web_route usage_dlq_routes[]; /* the DLQ's inspector */
extern const struct web_route usage_provenance_routes[];

/* A hand-off that was committed, counted within its own transaction: hand-offs and their usage
 * cannot come to differ. Its id is the event's, so that it counts once. */
struct usage_handoff {
    struct str tenant;
    struct str id;
    struct str analyst;
    int64_t committed_us;
};
enum fault_code usage_count_handoff(struct store *store, const struct usage_handoff *handoff,
                                    struct arena *arena, struct fault *fault) MUST_USE;

/* What else is counted as it goes on record: uses and issues of tokens, and links from Splunk to
 * what is known of an entity or hand-off. By the actions of the records; NULL ends. */
enum { USAGE_OPERATIONS = 4 };
extern const char *const usage_operations[USAGE_OPERATIONS + 1];

/* Counts a record of the tenant's audit log, when it is one of those, in the transaction that
 * appended it; its index is the event's id. An audit_watch. */
enum fault_code usage_count_recorded(void *context, struct store *store,
                                     const struct audit_record *record, int64_t time_us,
                                     int64_t index, struct fault *fault) MUST_USE;

/* Hand-offs of the tenant in the store, in its audit log, and in its usage; operations in its audit
 * log and in its usage. Equal, or something was changed behind the service's back. */
struct usage_reconciled_operation {
    const char *name;
    int64_t on_record;
    int64_t counted;
};
struct usage_reconciled {
    int64_t handoffs;
    int64_t counted;
    int64_t on_record; /* committed hand-offs in the audit log */
    struct usage_reconciled_operation operations[USAGE_OPERATIONS];
    int64_t strange; /* counted as operations that there are not */
};
enum fault_code usage_reconcile(struct store *store, struct str tenant,
                                struct usage_reconciled *out, struct fault *fault) MUST_USE;
bool usage_reconciles(const struct usage_reconciled *reconciled);

/* Sets where the tenant's days and billing periods begin and counts all of it anew. */
enum fault_code usage_set_zone(struct store_pool *pool, struct str tenant, struct str zone,
                               int anchor_day, struct usage_rebuilt *out,
                               struct fault *fault) MUST_USE;

#endif

/* Finds hand-off records by who, which search and when. What is found is the record as it was
 * logged; that nothing is left out is not proved by finding, only by reading the whole log. */
#ifndef IG_AUDIT_FIND_H
#define IG_AUDIT_FIND_H

#include "service/audit/audit.h"

/* Empty texts do not narrow. Times are half-open. */
struct audit_find {
    struct str tenant;
    struct str subject; /* who handed off */
    struct str sid;
    struct str token; /* the public id of the token that brought it */
    int64_t from_us;
    int64_t to_us;
    int64_t size;         /* only records of an index below it */
    int64_t before_us;    /* only those that come after this one in the order of the answer: */
    int64_t before_index; /* newest first */
    int64_t most;
};

struct audit_found {
    int64_t index;
    int64_t time_us;
    struct str entry;   /* the record's bytes; as all texts, until the visit returns */
    struct str handoff; /* its id */
    bool committed;     /* the receipt that went out holds the head of index + 1 records */
};

/* *out_stop ends the visits without a fault. */
typedef enum fault_code audit_visit(void *context, const struct audit_found *found, bool *out_stop,
                                    struct fault *fault);

/* Records whose action begins with "handoff.", newest first. */
enum fault_code audit_find_handoffs(struct store *store, const struct audit_find *find,
                                    audit_visit *visit, void *context,
                                    struct fault *fault) MUST_USE;

/* How many records a log has; 0 when there is none. */
enum fault_code audit_size(struct store *store, struct str log, int64_t *out,
                           struct fault *fault) MUST_USE;

#endif

/* The Splunk side's audit record: one JSON line a hand-off in var/log/splunk/intelgraph_audit.log,
 * which Splunk itself indexes into _internal. It carries the receipt's checkpoint, so that the head
 * of the service's log is also held by another administrator. */
#ifndef IG_NATIVE_TRAIL_H
#define IG_NATIVE_TRAIL_H

#include "integrations/splunk-app/native/record/refusal.h"
#include "integrations/splunk-app/native/settings/places.h"
#include "libs/graph/graph.h"
#include "libs/wire/handoff.h"

struct trail_entry {
    const char *result; /* "sent", "duplicate", "queued", "refused", "failed" */
    bool late;          /* delivered from the outbox by a later search */
    const struct wire_handoff *handoff;
    const struct wire_commit *commit;
    const struct wire_receipt *receipt; /* NULL without one */
    struct str instance;                /* of intelgraph.conf, that it went or would have gone to */
    const struct graph *graph; /* to count its entities by kind; NULL when it is not at hand */
    struct str link;
    int64_t latency_ms;            /* what the delivery took; negative: none was tried */
    int64_t bytes;                 /* of the request's lines, before compression */
    int64_t outbox_waiting;        /* hand-offs in the outbox afterwards; negative: not known */
    const struct refusal *refusal; /* the budget that was in the way, at last or for a while; NULL
                                      or of no verdict: none was */
    bool is_refused;               /* at last: `fault` is its doing */
    int64_t waited_ms;             /* of the latency, for the budget; 0: not at all */
    const struct fault *fault;     /* what did not work; NULL or FAULT_NONE: nothing */
};

/* A token that was not given: "action":"token.refused". Empty texts are left out. */
struct trail_refusal {
    struct str user; /* as splunkd names the caller */
    struct str instance;
    struct str tenant;
    struct str scope;       /* that was asked for */
    struct str search_head; /* as splunkd names itself */
    int status;             /* of the answer */
    const struct fault *fault;
};

/* Both append and flush to disk. */
enum fault_code trail_append_refusal(const struct places *places, const struct trail_refusal *entry,
                                     struct fault *fault) MUST_USE;
enum fault_code trail_append(const struct places *places, const struct trail_entry *entry,
                             struct fault *fault) MUST_USE;

#endif

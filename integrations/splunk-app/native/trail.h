/* The Splunk side's audit record: one JSON line a hand-off in var/log/splunk/intelgraph_audit.log,
 * which Splunk itself indexes into _internal. It carries the receipt's checkpoint, so that the head
 * of the service's log is also held by another administrator. */
#ifndef IG_NATIVE_TRAIL_H
#define IG_NATIVE_TRAIL_H

#include "integrations/splunk-app/native/places.h"
#include "libs/wire/handoff.h"

struct trail_entry {
    const char *result; /* "sent", "duplicate", "queued", "refused", "failed" */
    bool late;          /* delivered from the outbox by a later search */
    const struct wire_handoff *handoff;
    const struct wire_commit *commit;
    const struct wire_receipt *receipt; /* NULL without one */
    struct str link;
    struct str reason; /* of what did not work */
};

/* Appends and flushes to disk. */
enum fault_code trail_append(const struct places *places, const struct trail_entry *entry,
                             struct fault *fault) MUST_USE;

#endif

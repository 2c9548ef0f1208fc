/* All that is derived from a tenant's events, made anew from them. */
#ifndef IG_USAGE_REBUILD_H
#define IG_USAGE_REBUILD_H

#include "libs/core/fault.h"
#include "libs/store/store.h"

struct usage_rebuilt {
    int64_t events;
    /* Rows that were not what the events say: 0 unless something was wrong, or the tenant's time
     * zone has changed since. */
    int64_t differences;
};

/* Within a write transaction. FAULT_CORRUPT when an event is not what was taken (usage_verify.h):
 * nothing is counted anew from it. */
enum fault_code usage_rebuild(struct store *store, struct str tenant, struct usage_rebuilt *out,
                              struct fault *fault) MUST_USE;

#endif

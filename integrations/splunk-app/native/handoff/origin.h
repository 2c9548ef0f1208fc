/* Where a hand-off comes from: who, from which search, by which command or action. From it follows
 * its identity, the same way for whoever brings the rows. */
#ifndef IG_NATIVE_ORIGIN_H
#define IG_NATIVE_ORIGIN_H

#include "integrations/splunk-app/native/settings/settings.h"
#include "libs/wire/handoff.h"

struct origin {
    struct str sid;     /* empty: a search that cannot be recognised when it comes again */
    struct str command; /* one canonical spelling; with tenant, sid and target it is the identity */
    struct str user;
    struct str app;
    struct str
        search; /* its text, of which only a digest leaves this machine; ptr NULL: not known */
    struct str title;
    struct str investigation;
    int64_t earliest_us; /* 0: not given */
    int64_t latest_us;
};

/* Checks what is said against the wire's limits and derives the id. `out_id` and the arena hold
 * texts of *out; sha256_ready has said yes. */
enum fault_code origin_name(const struct origin *origin, const struct settings *settings,
                            struct arena *arena, char out_id[WIRE_ID_HEX + 1],
                            struct wire_handoff *out, struct fault *fault) MUST_USE;

#endif

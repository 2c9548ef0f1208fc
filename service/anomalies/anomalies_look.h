/* Looks at one meter of one tenant. */
#ifndef IG_ANOMALIES_LOOK_H
#define IG_ANOMALIES_LOOK_H

#include "service/anomalies/anomalies_store.h"

enum { ANOMALIES_FOUND_MAX = 4 }; /* three days that are complete, and today */

/* Within a read transaction. Finds what is out of the ordinary by `rule`: of the last three
 * complete days, either way; of today so far, what is above the same hours of the days before.
 * Texts are in the arena. */
enum fault_code anomalies_look(struct store *store, struct str tenant,
                               const struct usage_meter *meter, const struct anomalies_rule *rule,
                               int64_t now_us, struct arena *arena,
                               struct anomalies_row out[ANOMALIES_FOUND_MAX], size_t *out_count,
                               struct fault *fault) MUST_USE;

#endif

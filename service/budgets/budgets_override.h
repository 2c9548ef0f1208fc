/* Overrides: more than the limit for a while, or nothing refused, with a reason and an end. An
 * override ends by itself at its moment, whatever was noted when. */
#ifndef IG_BUDGETS_OVERRIDE_H
#define IG_BUDGETS_OVERRIDE_H

#include "service/budgets/budgets_admin.h"

enum { BUDGETS_OVERRIDE_MAX_DAYS = 31, BUDGETS_OVERRIDES_SHOWN = 100 };

struct budgets_override_given {
    enum budgets_override_kind kind;
    struct str amount; /* as text: its unit is the budget's */
    struct str reason;
    int64_t expires_us;
};

/* Texts are borrowed from the JSON. FAULT_INPUT names the member; an end that is not ahead of
 * `now_us`, or more than BUDGETS_OVERRIDE_MAX_DAYS. */
enum fault_code budgets_override_read(const struct json *body, int64_t now_us,
                                      struct budgets_override_given *out,
                                      struct fault *fault) MUST_USE;

/* Tells the budget's recipients of a step: `what` is asked, approved, revoked or expired; once
 * each, within the transaction that makes it true. */
enum fault_code budgets_override_tell(struct store *store, struct str tenant,
                                      const struct budgets_row *row,
                                      const struct budgets_override *override, const char *what,
                                      int64_t now_us, struct fault *fault) MUST_USE;

/* Notes those of the tenant that have expired: in the history and the audit log, by the service
 * itself. Within a write transaction. */
enum fault_code budgets_override_expire(struct store *store, struct audit *audit, struct str tenant,
                                        int64_t now_us, struct arena *arena, size_t *out_count,
                                        struct fault *fault) MUST_USE;

#endif

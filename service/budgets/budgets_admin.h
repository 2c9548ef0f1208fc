/* What administrators do to budgets, and what everybody reads of them.
 *
 *     GET  POST        /v1/budgets
 *     GET  PUT  DELETE /v1/budgets/{id}
 *     GET              /v1/budgets/{id}/history
 *     GET  POST        /v1/budgets/{id}/overrides
 *          POST        /v1/budgets/{id}/overrides/{id}/approve, .../revoke
 *
 * Each change goes on record and into the budget's history in its own transaction, and holds from
 * its commit on: here at once, in other processes of the store within a second. */
#ifndef IG_BUDGETS_ADMIN_H
#define IG_BUDGETS_ADMIN_H

#include "service/budgets/budgets_admin_state.h"
#include "service/identity/identity.h"
#include "service/web/web.h"

struct service;

extern const struct web_route budgets_admin_routes[];
extern const struct web_route budgets_override_routes[];
extern const struct web_route budgets_history_routes[];

enum { BUDGETS_BODY_MAX = 64 * 1024, BUDGETS_REASON_MAX = 256, BUDGETS_DETAIL_MAX = 4096 };

/* A request for a change, and who made it. */
struct budgets_act {
    struct service *service;
    struct web_request *request;
    struct identity_caller caller;
    int64_t now_us;
};

/* The gate, and the clock. */
enum fault_code budgets_act_begin(struct budgets_act *act, enum identity_permission permission,
                                  struct fault *fault) MUST_USE;

/* Within the transaction of the change: history, audit log, generation. `kind` as the history has
 * it: "created", "override.asked". */
enum fault_code budgets_act_note(const struct budgets_act *act, struct store *store,
                                 struct str budget, const char *kind, struct str detail,
                                 struct fault *fault) MUST_USE;

/* After the commit: what decides learns of it. */
void budgets_act_done(const struct budgets_act *act);

/* 22 characters that nobody has drawn before, behind the four of `prefix`; in the arena. */
enum fault_code budgets_id_draw(struct arena *arena, const char *prefix, struct str *out,
                                struct fault *fault) MUST_USE;

/* A reason: 1 to BUDGETS_REASON_MAX bytes on one line. */
enum fault_code budgets_reason_read(const struct json *body, struct str *out,
                                    struct fault *fault) MUST_USE;

/* The members of an object that are known, besides which there are none. */
enum fault_code budgets_members_check(const struct json *object, const char *const *known,
                                      size_t count, struct fault *fault) MUST_USE;

/* A page of a budget's history, that of a deleted one too. */
enum fault_code budgets_existed_check(struct store *store, struct str tenant, struct str id,
                                      struct fault *fault) MUST_USE;

#endif

/* One request under way: what its handlers hand down to the rest of the room. */
#ifndef IG_HANDOFFS_CALL_H
#define IG_HANDOFFS_CALL_H

#include "libs/text/json_write.h"
#include "libs/wire/handoff.h"
#include "service/audit/audit_receipt.h"
#include "service/budgets/budgets.h"
#include "service/handoffs/handoffs_store.h"
#include "service/identity/identity.h"
#include "service/service.h"

struct handoffs_call {
    struct service *service;
    struct web_request *request;
    struct web_reply *reply;
    struct identity_caller caller;
    struct store *store;                 /* while work on it is under way */
    struct wire_handoff manifest;        /* all empty until it is read and is the caller's own */
    struct str link;                     /* handoffs_call_link */
    struct budgets_reservation reserved; /* of what the commit will cost; number 0: nothing */
};

/* Runs a handler that reads, on a connection of its own (handoffs_call.c). */
typedef enum fault_code handoffs_work(struct handoffs_call *call, struct fault *fault);
enum fault_code handoffs_call_run(struct handoffs_call *call, handoffs_work *work,
                                  struct fault *fault) MUST_USE;

/* A step of one that does more: reading, or writing in a transaction that ends with the step. See
 * store_pool_write for what a step that writes may not do: what must not happen for a transaction
 * that is taken back (counting, logging, replying) comes after it. */
typedef enum fault_code handoffs_step(struct handoffs_call *call, void *context,
                                      struct fault *fault);
enum fault_code handoffs_call_read(struct handoffs_call *call, handoffs_step *step, void *context,
                                   struct fault *fault) MUST_USE;
enum fault_code handoffs_call_write(struct handoffs_call *call, handoffs_step *step, void *context,
                                    struct fault *fault) MUST_USE;

/* Whether a person is there to be led on, not a program that wants its answer. */
bool handoffs_call_is_browser(const struct web_request *request);

/* Sets call->link for the hand-off `id`, before anything is changed: a link that cannot be made is
 * a refusal of the request. */
enum fault_code handoffs_call_link(struct handoffs_call *call, struct str id,
                                   struct fault *fault) MUST_USE;

/* --- records (handoffs_audit.c) --------------------------------------------------------------- */

struct handoffs_event {
    const char *action;
    const char *result;
    struct str handoff;
    struct str content_sha256;
    struct str title_sha256;
    struct str reason;
    const struct audit_count *counts;
    size_t count_count;
};

/* Appends to the log of the caller's tenant within the open transaction. */
enum fault_code handoffs_audit_append(struct handoffs_call *call,
                                      const struct handoffs_event *event, int64_t *out_index,
                                      struct buf *out_checkpoint, struct fault *fault) MUST_USE;

/* Appends to the log of the tenant's receipts, likewise. */
enum fault_code handoffs_audit_receipt(struct handoffs_call *call,
                                       const struct audit_receipt *receipt,
                                       struct fault *fault) MUST_USE;

/* Puts the refusal on record in a transaction of its own. When that fails too it is logged: the
 * caller is refused either way. */
void handoffs_audit_refusal(struct handoffs_call *call, const struct fault *refusal);

/* The same for a hand-off that a budget refuses; not again within a minute for the same one, when
 * the next record counts what came between. */
void handoffs_audit_over_budget(struct handoffs_call *call,
                                const struct budgets_decision *decision);

/* --- the commit (handoffs_commit.c) ----------------------------------------------------------- */

struct handoffs_content;

struct handoffs_commit {
    struct wire_commit claims;
    /* Of a hand-off in one, read and checked against the claims; NULL for a staged one. */
    const struct handoffs_content *content;
    int64_t parts; /* of a staged one */
};

struct handoffs_outcome {
    struct handoffs_row row;
    bool duplicate;
    bool same_content;
};

/* Commits the hand-off of call->manifest, or finds that it is committed already. */
enum fault_code handoffs_commit_run(struct handoffs_call *call,
                                    const struct handoffs_commit *commit,
                                    struct handoffs_outcome *out, struct fault *fault) MUST_USE;

/* Looks for call->manifest's id among the committed ones, within a write transaction. When it is
 * there, the duplicate goes on record and *out_found is true. The content is the same when it has
 * the digest that is given; "" is never the same. */
enum fault_code handoffs_commit_find(struct handoffs_call *call, struct str content_sha256,
                                     bool *out_found, struct handoffs_outcome *out,
                                     struct fault *fault) MUST_USE;

/* What the commit line claims is what the content is, now that all of it has come. */
enum fault_code handoffs_commit_check(const struct wire_commit *claims,
                                      struct handoffs_content *content,
                                      struct fault *fault) MUST_USE;

/* --- budgets (handoffs_budget.c) -------------------------------------------------------------- */

/* Whether a hand-off would be let through now, before its parts are sent. *out_refused: the reply
 * is the refusal. */
enum fault_code handoffs_budget_look(struct handoffs_call *call, bool *out_refused,
                                     struct fault *fault) MUST_USE;
/* Reserves what the commit costs, likewise; then _done must follow, whatever comes of it. */
enum fault_code handoffs_budget_reserve(struct handoffs_call *call, bool *out_refused,
                                        struct fault *fault) MUST_USE;
/* Within the commit's transaction. */
enum fault_code handoffs_budget_settle(struct handoffs_call *call, struct fault *fault) MUST_USE;
void handoffs_budget_done(struct handoffs_call *call, enum fault_code code, bool duplicate);

/* --- replies (handoffs_json.c) ---------------------------------------------------------------- */

void handoffs_put_row(struct json_out *out, const char *name, const struct handoffs_row *row);

/* 201, or 200 for a duplicate, with the receipt and call->link. */
enum fault_code handoffs_reply_receipt(struct handoffs_call *call,
                                       const struct handoffs_outcome *outcome,
                                       struct fault *fault) MUST_USE;

#endif

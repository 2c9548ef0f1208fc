#include "service/budgets/budgets_forget.h"

#include "libs/core/log.h"
#include "service/budgets/budgets.h"
#include "service/usage/usage_ingest.h"

#define SECOND_US INT64_C(1000000)

enum { TENANT_SIZE = 68 };

/* A transaction's worth of either table. */
struct forget_step {
    struct str tenant;
    char before_id[BUDGETS_DECISION_ID_SIZE]; /* decisions' names grow with time */
    int64_t before_us;
    int64_t removed;
};

static enum fault_code remove_refusals(struct store *store, void *context, struct fault *fault)
{
    static const char sql[] =
        "DELETE FROM budgets_decisions WHERE tenant = $1 AND id <= (SELECT max(o.id) FROM"
        " (SELECT id FROM budgets_decisions WHERE tenant = $1 AND id < $2"
        " ORDER BY id LIMIT $3) AS o)";
    struct forget_step *step = context;
    struct statement *statement;
    enum fault_code code = store_prepare(store, sql, &statement, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(statement, 1, step->tenant);
    store_bind_text(statement, 2, str_of(step->before_id));
    store_bind_whole(statement, 3, BUDGETS_FORGET_AT_ONCE);
    code = store_run(statement, fault);
    if (code == FAULT_NONE)
        step->removed = store_changes(store);
    return code;
}

static enum fault_code remove_settled(struct store *store, void *context, struct fault *fault)
{
    static const char sql[] =
        "DELETE FROM budgets_settled WHERE at_us <= (SELECT max(o.at_us) FROM"
        " (SELECT at_us FROM budgets_settled WHERE at_us < $1 ORDER BY at_us LIMIT $2) AS o)";
    struct forget_step *step = context;
    struct statement *statement;
    enum fault_code code = store_prepare(store, sql, &statement, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_whole(statement, 1, step->before_us);
    store_bind_whole(statement, 2, BUDGETS_FORGET_AT_ONCE);
    code = store_run(statement, fault);
    if (code == FAULT_NONE)
        step->removed = store_changes(store);
    return code;
}

/* Step by step until nothing is left to remove, or the service stops. */
static enum fault_code remove_all(struct jobs_turn *turn, store_work *work,
                                  struct forget_step *step, int64_t *total, struct fault *fault)
{
    enum fault_code code = FAULT_NONE;
    do {
        step->removed = 0;
        if (turn->ending && atomic_load(turn->ending))
            return FAULT_NONE;
        code = jobs_write(turn, work, step, fault);
        *total += code == FAULT_NONE ? step->removed : 0;
    } while (code == FAULT_NONE && step->removed > 0);
    return code;
}

/* The first tenant after `tenant` that has been refused something; "" when there is none. Reads
 * one place of the key, however many refusals there are. */
static enum fault_code next_tenant(struct jobs_turn *turn, char tenant[TENANT_SIZE],
                                   struct fault *fault)
{
    static const char sql[] =
        "SELECT COALESCE(min(tenant), '') FROM budgets_decisions WHERE tenant > $1";
    struct store *store;
    struct statement *query;
    bool row = false;
    enum fault_code code = store_pool_take(turn->pool, &store, fault);
    if (code != FAULT_NONE)
        return code;
    code = store_prepare(store, sql, &query, fault);
    if (code == FAULT_NONE) {
        store_bind_text(query, 1, str_of(tenant));
        code = store_step(query, &row, fault);
    }
    if (code == FAULT_NONE && row) {
        if (!str_to_c(store_text(query, 0), tenant, TENANT_SIZE))
            code = fault_set(fault, FAULT_CORRUPT, "a tenant's name in the store is too long");
        store_reset(query);
    }
    store_pool_give(turn->pool, store);
    return code;
}

static enum fault_code forget_refusals(struct jobs_turn *turn, int64_t before_us, int64_t *total,
                                       struct fault *fault)
{
    char tenant[TENANT_SIZE] = "";
    struct forget_step step = {0};
    budgets_decision_id(&(struct budgets_decision){.at_us = before_us}, step.before_id);
    enum fault_code code = next_tenant(turn, tenant, fault);
    while (code == FAULT_NONE && tenant[0]) {
        step.tenant = str_of(tenant);
        code = remove_all(turn, remove_refusals, &step, total, fault);
        if (code == FAULT_NONE)
            code = next_tenant(turn, tenant, fault);
    }
    return code;
}

enum fault_code budgets_forget(struct jobs_turn *turn, void *context, struct fault *fault)
{
    const struct budgets_forgetting *forgetting = context;
    const int64_t settled_s = (int64_t)USAGE_LATE_MAX_S + BUDGETS_TTL_MAX_S;
    struct forget_step step = {.before_us = turn->now_us - settled_s * SECOND_US};
    int64_t refusals_us = turn->now_us - forgetting->refusals_expire_s * SECOND_US;
    int64_t settlements = 0;
    int64_t refusals = 0;
    enum fault_code code = remove_all(turn, remove_settled, &step, &settlements, fault);
    /* A clock that stands before the first refusal could be has nothing to say. */
    if (code == FAULT_NONE && forgetting->refusals_expire_s > 0 && refusals_us > 0)
        code = forget_refusals(turn, refusals_us, &refusals, fault);
    if (refusals > 0 || settlements > 0)
        log_event(LOG_INFO, "budgets.forgot", LOG_NUMBER("refusals", refusals),
                  LOG_NUMBER("settlements", settlements));
    return code;
}

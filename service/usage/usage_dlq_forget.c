#include "service/usage/usage_dlq_forget.h"

#include "libs/core/buf.h"
#include "libs/core/log.h"
#include "libs/store/store_rows.h"
#include "libs/text/time.h"

#define SECOND_US INT64_C(1000000)

enum { NAMES_MAX = 16 << 20, REASON_MAX = 200, CHECKPOINT_MAX = 64 * 1024 };

/* A transaction's worth of one tenant's. */
struct step {
    struct audit *audit;
    struct str tenant;
    int64_t before_us;
    int64_t removed; /* by the last run of the work */
};

static enum fault_code remove_ended(const struct step *step, struct store *store,
                                    struct fault *fault)
{
    static const char sql[] =
        "DELETE FROM usage_dlq WHERE tenant = $1 AND id IN (SELECT id FROM usage_dlq"
        " WHERE tenant = $1 AND state <> 'open' AND ended_us < $2 ORDER BY ended_us, id LIMIT $3)";
    struct statement *statement;
    enum fault_code code = store_prepare(store, sql, &statement, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(statement, 1, step->tenant);
    store_bind_whole(statement, 2, step->before_us);
    store_bind_whole(statement, 3, USAGE_DLQ_FORGET_AT_ONCE);
    return store_run(statement, fault);
}

static enum fault_code record(const struct step *step, struct store *store, struct fault *fault)
{
    const struct audit_count counts[] = {{"entries", step->removed}};
    struct buf reason;
    struct buf checkpoint;
    int64_t index;
    buf_init(&reason, REASON_MAX);
    buf_init(&checkpoint, CHECKPOINT_MAX);
    buf_add(&reason, STR("replayed or discarded before "));
    time_add_rfc3339(&reason, step->before_us);
    const struct audit_record entry = {
        .action = "usage.dlq_expired",
        .result = "success",
        .tenant = step->tenant,
        .subject = STR("intelgraphd"),
        .reason = buf_str(&reason),
        .counts = counts,
        .count_count = 1,
    };
    enum fault_code code = audit_append(step->audit, store, &entry, &index, &checkpoint, fault);
    buf_done(&reason);
    buf_done(&checkpoint);
    return code;
}

static enum fault_code step_in(struct store *store, void *context, struct fault *fault)
{
    struct step *step = context;
    enum fault_code code = remove_ended(step, store, fault);
    step->removed = code == FAULT_NONE ? store_changes(store) : 0;
    return code == FAULT_NONE && step->removed > 0 ? record(step, store, fault) : code;
}

static enum fault_code forget_of(struct jobs_turn *turn, struct step *step, int64_t *total,
                                 struct fault *fault)
{
    enum fault_code code = FAULT_NONE;
    do {
        step->removed = 0;
        if (atomic_load(turn->ending))
            return FAULT_NONE;
        code = jobs_write(turn, step_in, step, fault);
        *total += code == FAULT_NONE ? step->removed : 0;
    } while (code == FAULT_NONE && step->removed == USAGE_DLQ_FORGET_AT_ONCE);
    return code;
}

static enum fault_code read_tenant(struct store_row *row, void *out, struct fault *fault)
{
    (void)fault;
    *(struct str *)out = store_row_text(row, 0);
    return FAULT_NONE;
}

/* Those that have something to forget. */
static enum fault_code list_tenants(struct store_pool *pool, int64_t before_us, struct arena *arena,
                                    struct store_list *out, struct fault *fault)
{
    static const char sql[] =
        "SELECT b.tenant FROM usage_dlq_books AS b WHERE EXISTS (SELECT 1 FROM usage_dlq AS d"
        " WHERE d.tenant = b.tenant AND d.state <> 'open' AND d.ended_us < $1) ORDER BY b.tenant";
    struct store *store;
    struct statement *query;
    enum fault_code code = store_pool_take(pool, &store, fault);
    if (code != FAULT_NONE)
        return code;
    code = store_prepare(store, sql, &query, fault);
    if (code == FAULT_NONE) {
        store_bind_whole(query, 1, before_us);
        code = store_list(query, arena, sizeof(struct str), read_tenant, out, fault);
    }
    store_pool_give(pool, store);
    return code;
}

enum fault_code usage_dlq_forget(struct jobs_turn *turn, void *context, struct fault *fault)
{
    const struct usage_dlq_forgetting *forgetting = context;
    struct store_list tenants = {0};
    struct arena names;
    int64_t total = 0;
    struct step step = {
        .audit = forgetting->audit,
        .before_us = turn->now_us - forgetting->expire_s * SECOND_US,
    };
    if (forgetting->expire_s == 0)
        return FAULT_NONE;
    arena_init(&names, NAMES_MAX);
    enum fault_code code = list_tenants(turn->pool, step.before_us, &names, &tenants, fault);
    for (size_t i = 0; i < tenants.count && code == FAULT_NONE; i++) {
        step.tenant = ((const struct str *)tenants.rows)[i];
        code = forget_of(turn, &step, &total, fault);
    }
    arena_done(&names);
    if (total > 0)
        log_event(LOG_INFO, "usage.dlq_forgot", LOG_NUMBER("entries", total));
    return code;
}

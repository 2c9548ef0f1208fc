#include "service/jobs/jobs_lease.h"

#include <string.h>

enum fault_code jobs_lease_read(struct store_pool *pool, const char *name, struct jobs_lease *out,
                                struct fault *fault)
{
    static const char sql[] =
        "SELECT holder, fence, beat, began_us FROM jobs_leases WHERE name = $1";
    struct jobs_lease lease = {.holder = ""};
    struct store *store;
    struct statement *query;
    bool found = false;
    enum fault_code code = store_pool_take(pool, &store, fault);
    if (code != FAULT_NONE)
        return code;
    code = store_prepare(store, sql, &query, fault);
    if (code == FAULT_NONE) {
        store_bind_text(query, 1, str_of(name));
        code = store_step(query, &found, fault);
    }
    if (code == FAULT_NONE && found) {
        if (!str_to_c(store_text(query, 0), lease.holder, sizeof lease.holder))
            code =
                fault_set(fault, FAULT_CORRUPT, "the lease of the job %s names no process", name);
        lease.fence = store_whole(query, 1);
        lease.beat = store_whole(query, 2);
        lease.began_us = store_whole(query, 3);
        store_reset(query);
    }
    store_pool_give(pool, store);
    if (code == FAULT_NONE)
        *out = lease;
    return code;
}

/* --- taking --------------------------------------------------------------------------------- */

struct taking {
    const char *name;
    const struct jobs_lease *seen;
    const char *holder;
    bool taken;
};

static enum fault_code make_row(struct store *store, const char *name, struct fault *fault)
{
    static const char sql[] = "INSERT INTO jobs_leases (name, holder, fence, beat, began_us, error)"
                              " VALUES ($1, '', 0, 0, 0, '') ON CONFLICT (name) DO NOTHING";
    struct statement *insert;
    enum fault_code code = store_prepare(store, sql, &insert, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(insert, 1, str_of(name));
    return store_run(insert, fault);
}

static enum fault_code take_in(struct store *store, void *context, struct fault *fault)
{
    static const char sql[] = "UPDATE jobs_leases SET holder = $1, fence = fence + 1,"
                              " beat = beat + 1 WHERE name = $2 AND fence = $3 AND beat = $4";
    struct taking *taking = context;
    struct statement *update;
    enum fault_code code = make_row(store, taking->name, fault);
    if (code == FAULT_NONE)
        code = store_prepare(store, sql, &update, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(update, 1, str_of(taking->holder));
    store_bind_text(update, 2, str_of(taking->name));
    store_bind_whole(update, 3, taking->seen->fence);
    store_bind_whole(update, 4, taking->seen->beat);
    code = store_run(update, fault);
    taking->taken = code == FAULT_NONE && store_changes(store) == 1;
    return code;
}

enum fault_code jobs_lease_take(struct store_pool *pool, const char *name,
                                const struct jobs_lease *seen, const char *holder, bool *out_taken,
                                int64_t *out_fence, struct fault *fault)
{
    struct taking taking = {.name = name, .seen = seen, .holder = holder};
    enum fault_code code = store_pool_write(pool, take_in, &taking, fault);
    if (code != FAULT_NONE)
        return code;
    *out_taken = taking.taken;
    if (taking.taken)
        *out_fence = seen->fence + 1;
    return FAULT_NONE;
}

/* --- holding -------------------------------------------------------------------------------- */

struct guarded {
    struct jobs_turn *turn;
    store_work *work; /* NULL: none */
    void *context;
};

/* One statement says both: that the fence holds, and that the holder lives. */
static enum fault_code write_in(struct store *store, void *context, struct fault *fault)
{
    static const char sql[] =
        "UPDATE jobs_leases SET beat = beat + 1 WHERE name = $1 AND fence = $2";
    const struct guarded *guarded = context;
    struct statement *update;
    enum fault_code code = store_prepare(store, sql, &update, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(update, 1, str_of(guarded->turn->name));
    store_bind_whole(update, 2, guarded->turn->fence);
    code = store_run(update, fault);
    if (code == FAULT_NONE && store_changes(store) != 1)
        code = fault_field(fault, FAULT_CONFLICT, "fence",
                           "the job %s was taken over by another process; fence %lld holds no more",
                           guarded->turn->name, (long long)guarded->turn->fence);
    if (code == FAULT_NONE && guarded->work)
        code = guarded->work(store, guarded->context, fault);
    return code;
}

enum fault_code jobs_write(struct jobs_turn *turn, store_work *work, void *context,
                           struct fault *fault)
{
    struct guarded guarded = {.turn = turn, .work = work, .context = context};
    return store_pool_write(turn->pool, write_in, &guarded, fault);
}

enum fault_code jobs_renew(struct jobs_turn *turn, struct fault *fault)
{
    return jobs_write(turn, NULL, NULL, fault);
}

struct giving {
    struct jobs_turn *turn;
    const char *error;
};

static enum fault_code give_in(struct store *store, void *context, struct fault *fault)
{
    static const char sql[] = "UPDATE jobs_leases SET holder = '', began_us = $1, error = $2"
                              " WHERE name = $3";
    const struct giving *giving = context;
    struct statement *update;
    enum fault_code code = store_prepare(store, sql, &update, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_whole(update, 1, giving->turn->now_us);
    store_bind_text(update, 2, str_of(giving->error));
    store_bind_text(update, 3, str_of(giving->turn->name));
    return store_run(update, fault);
}

enum fault_code jobs_lease_give(struct jobs_turn *turn, const char *error, struct fault *fault)
{
    struct giving giving = {.turn = turn, .error = error};
    return jobs_write(turn, give_in, &giving, fault);
}

/* --- once and for all ----------------------------------------------------------------------- */

enum fault_code jobs_claim(struct store *store, const struct jobs_turn *turn,
                           const struct jobs_result *result, bool *out_first, struct fault *fault)
{
    static const char sql[] =
        "INSERT INTO jobs_results (tenant, kind, period_us, revision, fence, done_us)"
        " VALUES ($1, $2, $3, $4, $5, $6)"
        " ON CONFLICT (tenant, kind, period_us, revision) DO NOTHING";
    struct statement *insert;
    enum fault_code code = store_prepare(store, sql, &insert, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(insert, 1, result->tenant);
    store_bind_text(insert, 2, result->kind);
    store_bind_whole(insert, 3, result->period_us);
    store_bind_whole(insert, 4, result->revision);
    store_bind_whole(insert, 5, turn->fence);
    store_bind_whole(insert, 6, turn->now_us);
    code = store_run(insert, fault);
    if (code == FAULT_NONE)
        *out_first = store_changes(store) == 1;
    return code;
}

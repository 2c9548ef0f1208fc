#include "service/budgets/budgets_slices.h"

#include <string.h>

#include "libs/core/os.h"
#include "libs/store/store_rows.h"

/* A row of whole numbers and keys: prepared, bound in order. */
static enum fault_code prepare(struct store *store, const char *sql, const struct str *texts,
                               int text_count, const int64_t *wholes, int whole_count,
                               struct statement **out, struct fault *fault)
{
    enum fault_code code = store_prepare(store, sql, out, fault);
    if (code != FAULT_NONE)
        return code;
    for (int i = 0; i < text_count; i++)
        store_bind_text(*out, i + 1, texts[i]);
    for (int i = 0; i < whole_count; i++)
        store_bind_whole(*out, text_count + i + 1, wholes[i]);
    return FAULT_NONE;
}

/* Runs a text whose places are first texts, then whole numbers. */
#define RUN(store, sql, texts, wholes, fault)                                                      \
    run(store, sql, texts, (int)(sizeof(texts) / sizeof *(texts)), wholes,                         \
        (int)(sizeof(wholes) / sizeof *(wholes)), fault)

static enum fault_code run(struct store *store, const char *sql, const struct str *texts,
                           int text_count, const int64_t *wholes, int whole_count,
                           struct fault *fault)
{
    struct statement *statement;
    enum fault_code code =
        prepare(store, sql, texts, text_count, wholes, whole_count, &statement, fault);
    return code == FAULT_NONE ? store_run(statement, fault) : code;
}

/* --- processes ------------------------------------------------------------------------------ */

/* Row 0 counts the numbers that were given. */
enum fault_code budgets_node_register(struct store *store, int64_t grace_s, int64_t now_us,
                                      int64_t *out, struct fault *fault)
{
    static const char count[] =
        "INSERT INTO budgets_nodes (node, beat, grace_s, started_us) VALUES (0, 1, 0, 0)"
        " ON CONFLICT (node) DO UPDATE SET beat = budgets_nodes.beat + 1";
    static const char last[] = "SELECT beat FROM budgets_nodes WHERE node = 0";
    static const char insert[] =
        "INSERT INTO budgets_nodes (node, beat, grace_s, started_us) VALUES ($1, 1, $2, $3)";
    struct statement *statement;
    int64_t node = 0;
    enum fault_code code = run(store, count, NULL, 0, NULL, 0, fault);
    if (code == FAULT_NONE)
        code = store_prepare(store, last, &statement, fault);
    if (code == FAULT_NONE)
        code = store_read_whole(statement, &node, fault);
    const int64_t wholes[] = {node, grace_s, now_us};
    if (code == FAULT_NONE)
        code = run(store, insert, NULL, 0, wholes, 3, fault);
    if (code == FAULT_NONE)
        *out = node;
    return code;
}

enum fault_code budgets_node_beat(struct store *store, int64_t node, bool *out_alive,
                                  struct fault *fault)
{
    static const char sql[] = "UPDATE budgets_nodes SET beat = beat + 1 WHERE node = $1";
    enum fault_code code = run(store, sql, NULL, 0, &node, 1, fault);
    if (code == FAULT_NONE)
        *out_alive = store_changes(store) > 0;
    return code;
}

enum fault_code budgets_node_tell(struct store *store, int64_t node, int64_t grace_s,
                                  bool *out_alive, struct fault *fault)
{
    static const char sql[] =
        "UPDATE budgets_nodes SET beat = beat + 1, grace_s = $1 WHERE node = $2";
    const int64_t wholes[] = {grace_s, node};
    enum fault_code code = run(store, sql, NULL, 0, wholes, 2, fault);
    if (code == FAULT_NONE)
        *out_alive = store_changes(store) > 0;
    return code;
}

enum fault_code budgets_node_is_there(struct store *store, int64_t node, bool *out,
                                      struct fault *fault)
{
    static const char sql[] = "SELECT COUNT(*) FROM budgets_nodes WHERE node = $1";
    struct statement *select;
    int64_t count;
    enum fault_code code = prepare(store, sql, NULL, 0, &node, 1, &select, fault);
    if (code == FAULT_NONE)
        code = store_read_whole(select, &count, fault);
    if (code == FAULT_NONE)
        *out = count > 0;
    return code;
}

enum fault_code budgets_node_remove(struct store *store, int64_t node, int64_t beat,
                                    bool *out_removed, struct fault *fault)
{
    static const char remove[] = "DELETE FROM budgets_nodes WHERE node = $1 AND beat = $2";
    static const char slices[] = "DELETE FROM budgets_slices WHERE node = $1";
    static const char ended[] = "DELETE FROM budgets_ended WHERE node = $1";
    const int64_t wholes[] = {node, beat};
    enum fault_code code = run(store, remove, NULL, 0, wholes, 2, fault);
    if (code != FAULT_NONE)
        return code;
    bool removed = store_changes(store) > 0;
    if (removed)
        code = run(store, slices, NULL, 0, wholes, 1, fault);
    if (removed && code == FAULT_NONE)
        code = run(store, ended, NULL, 0, wholes, 1, fault);
    if (code == FAULT_NONE)
        *out_removed = removed;
    return code;
}

struct node_list {
    struct budgets_node *out;
    size_t count;
};

static enum fault_code add_node(struct statement *row, void *context, struct fault *fault)
{
    struct node_list *list = context;
    (void)fault;
    list->out[list->count++] =
        (struct budgets_node){store_whole(row, 0), store_whole(row, 1), store_whole(row, 2)};
    return FAULT_NONE;
}

enum fault_code budgets_node_list(struct store *store, struct budgets_node *out, size_t *out_count,
                                  struct fault *fault)
{
    static const char sql[] = "SELECT node, beat, grace_s FROM budgets_nodes WHERE node > 0"
                              " ORDER BY node LIMIT $1";
    const int64_t most = BUDGETS_NODES_MAX;
    struct statement *select;
    struct node_list list = {.out = out};
    enum fault_code code = prepare(store, sql, NULL, 0, &most, 1, &select, fault);
    if (code == FAULT_NONE)
        code = store_each(select, add_node, &list, fault);
    if (code == FAULT_NONE)
        *out_count = list.count;
    return code;
}

/* --- slices --------------------------------------------------------------------------------- */

struct claiming {
    int64_t node;
    struct budgets_claims claims;
};

/* The store's own SUM has 64 bits. */
static enum fault_code add_claim(struct statement *row, void *context, struct fault *fault)
{
    struct claiming *claiming = context;
    bool is_own = store_whole(row, 0) == claiming->node;
    int64_t held = store_whole(row, 1);
    int64_t reserved = store_whole(row, 2);
    (void)fault;
    claiming->claims.all += is_own || held > reserved ? held : reserved;
    claiming->claims.reserved += is_own ? 0 : reserved;
    return FAULT_NONE;
}

enum fault_code budgets_slice_claims(struct store *store, const struct budgets_slice_key *key,
                                     int64_t node, struct budgets_claims *out, struct fault *fault)
{
    static const char sql[] = "SELECT node, held, reserved FROM budgets_slices"
                              " WHERE tenant = $1 AND budget = $2 AND period_from_us = $3";
    const struct str texts[] = {key->tenant, key->budget};
    struct claiming claiming = {.node = node};
    struct statement *select;
    enum fault_code code = prepare(store, sql, texts, 2, &key->period_from_us, 1, &select, fault);
    if (code == FAULT_NONE)
        code = store_each(select, add_claim, &claiming, fault);
    if (code == FAULT_NONE)
        *out = claiming.claims;
    return code;
}

enum fault_code budgets_slice_add(struct store *store, const struct budgets_slice_key *key,
                                  int64_t node, int64_t held, bool *out_there, struct fault *fault)
{
    static const char more[] =
        "INSERT INTO budgets_slices"
        " (tenant, budget, period_from_us, node, held, reserved, recalled)"
        " VALUES ($1, $2, $3, $4, $5, 0, 0) ON CONFLICT (tenant, budget, period_from_us, node)"
        " DO UPDATE SET held = budgets_slices.held + excluded.held";
    static const char less[] =
        "UPDATE budgets_slices SET held = held - CAST($1 AS BIGINT)"
        " WHERE node = $2 AND period_from_us = $3 AND tenant = $4 AND budget = $5";
    const struct str texts[] = {key->tenant, key->budget};
    const int64_t wholes[] = {key->period_from_us, node, held};
    struct statement *statement;
    enum fault_code code = FAULT_NONE;
    if (held > 0) {
        code = run(store, more, texts, 2, wholes, 3, fault);
    } else {
        code = store_prepare(store, less, &statement, fault);
        if (code != FAULT_NONE)
            return code;
        store_bind_whole(statement, 1, -held);
        store_bind_whole(statement, 2, node);
        store_bind_whole(statement, 3, key->period_from_us);
        store_bind_text(statement, 4, key->tenant);
        store_bind_text(statement, 5, key->budget);
        code = store_run(statement, fault);
    }
    if (code == FAULT_NONE)
        *out_there = store_changes(store) > 0;
    return code;
}

enum fault_code budgets_slice_set(struct store *store, const struct budgets_slice_key *key,
                                  const struct budgets_slice *slice, struct fault *fault)
{
    static const char set[] =
        "INSERT INTO budgets_slices"
        " (tenant, budget, period_from_us, node, held, reserved, recalled)"
        " VALUES ($1, $2, $3, $4, $5, $6, 0) ON CONFLICT (tenant, budget, period_from_us, node)"
        " DO UPDATE SET held = excluded.held, reserved = excluded.reserved, recalled = 0";
    static const char remove[] = "DELETE FROM budgets_slices WHERE tenant = $1 AND budget = $2"
                                 " AND period_from_us = $3 AND node = $4";
    const struct str texts[] = {key->tenant, key->budget};
    const int64_t wholes[] = {key->period_from_us, slice->node, slice->held, slice->reserved};
    bool is_empty = slice->held == 0 && slice->reserved == 0;
    return run(store, is_empty ? remove : set, texts, 2, wholes, is_empty ? 2 : 4, fault);
}

enum fault_code budgets_slice_give(struct store *store, const struct budgets_slice_key *key,
                                   int64_t node, int64_t back, int64_t reserved,
                                   struct fault *fault)
{
    static const char give[] =
        "INSERT INTO budgets_slices"
        " (tenant, budget, period_from_us, node, held, reserved, recalled)"
        " VALUES ($1, $2, $3, $4, 0, $5, 0) ON CONFLICT (tenant, budget, period_from_us, node)"
        " DO UPDATE SET held = budgets_slices.held - CAST($6 AS BIGINT),"
        " reserved = excluded.reserved, recalled = 0";
    static const char remove[] = "DELETE FROM budgets_slices WHERE tenant = $1 AND budget = $2"
                                 " AND period_from_us = $3 AND node = $4"
                                 " AND held = 0 AND reserved = 0";
    const struct str texts[] = {key->tenant, key->budget};
    const int64_t wholes[] = {key->period_from_us, node, reserved, back};
    enum fault_code code = run(store, give, texts, 2, wholes, 4, fault);
    return code == FAULT_NONE ? run(store, remove, texts, 2, wholes, 2, fault) : code;
}

enum fault_code budgets_slice_recall(struct store *store, const struct budgets_slice_key *key,
                                     int64_t node, struct fault *fault)
{
    static const char sql[] =
        "UPDATE budgets_slices SET recalled = 1 WHERE tenant = $1 AND budget = $2"
        " AND period_from_us = $3 AND node <> $4 AND held > 0 AND recalled = 0";
    const struct str texts[] = {key->tenant, key->budget};
    const int64_t wholes[] = {key->period_from_us, node};
    return RUN(store, sql, texts, wholes, fault);
}

struct recalled_visit {
    budgets_slice_visit *visit;
    void *context;
};

static enum fault_code visit_recalled(struct statement *row, void *context, struct fault *fault)
{
    const struct recalled_visit *recalled = context;
    const struct budgets_slice_key key = {store_text(row, 0), store_text(row, 1),
                                          store_whole(row, 2)};
    (void)fault;
    recalled->visit(recalled->context, &key);
    return FAULT_NONE;
}

enum fault_code budgets_slice_recalled(struct store *store, int64_t node,
                                       budgets_slice_visit *visit, void *context,
                                       struct fault *fault)
{
    static const char sql[] = "SELECT tenant, budget, period_from_us FROM budgets_slices"
                              " WHERE node = $1 AND recalled = 1";
    struct statement *select;
    struct recalled_visit recalled = {visit, context};
    enum fault_code code = prepare(store, sql, NULL, 0, &node, 1, &select, fault);
    return code == FAULT_NONE ? store_each(select, visit_recalled, &recalled, fault) : code;
}

enum fault_code budgets_slice_reserved(struct store *store, struct str tenant, struct str budget,
                                       int64_t period_from_us, int64_t *out, struct fault *fault)
{
    const struct budgets_slice_key key = {tenant, budget, period_from_us};
    struct budgets_claims claims;
    enum fault_code code = budgets_slice_claims(store, &key, 0, &claims, fault);
    if (code == FAULT_NONE)
        *out = claims.reserved > INT64_MAX ? INT64_MAX : (int64_t)claims.reserved;
    return code;
}

/* --- reservations that have ended ----------------------------------------------------------- */

enum fault_code budgets_settled_find(struct store *store, struct str tenant, int64_t node,
                                     int64_t number, bool *out_found, int64_t *out_quantity,
                                     struct fault *fault)
{
    static const char sql[] = "SELECT quantity FROM budgets_settled"
                              " WHERE tenant = $1 AND node = $2 AND number = $3";
    const int64_t wholes[] = {node, number};
    struct statement *select;
    bool row = false;
    enum fault_code code = prepare(store, sql, &tenant, 1, wholes, 2, &select, fault);
    if (code == FAULT_NONE)
        code = store_step(select, &row, fault);
    if (code != FAULT_NONE)
        return code;
    *out_found = row;
    if (row) {
        *out_quantity = store_whole(select, 0);
        store_reset(select);
    }
    return FAULT_NONE;
}

enum fault_code budgets_settled_put(struct store *store, struct str tenant,
                                    const struct budgets_settled_row *row, int64_t now_us,
                                    bool *out_new, int64_t *out_quantity, struct fault *fault)
{
    static const char sql[] =
        "INSERT INTO budgets_settled (tenant, node, number, quantity, at_us)"
        " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant, node, number) DO NOTHING";
    const int64_t wholes[] = {row->node, row->number, row->quantity, now_us};
    bool found;
    enum fault_code code = run(store, sql, &tenant, 1, wholes, 4, fault);
    if (code != FAULT_NONE)
        return code;
    *out_new = store_changes(store) > 0;
    return *out_new ? FAULT_NONE
                    : budgets_settled_find(store, tenant, row->node, row->number, &found,
                                           out_quantity, fault);
}

enum fault_code budgets_ended_put(struct store *store, struct str tenant, int64_t node,
                                  int64_t number, bool settled, struct fault *fault)
{
    static const char sql[] =
        "INSERT INTO budgets_ended (tenant, node, number, settled) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (node, tenant, number) DO UPDATE SET settled = excluded.settled";
    const int64_t wholes[] = {node, number, settled};
    bool is_there = false;
    enum fault_code code = budgets_node_is_there(store, node, &is_there, fault);
    if (code != FAULT_NONE || !is_there)
        return code;
    return run(store, sql, &tenant, 1, wholes, 3, fault);
}

struct ended_visit {
    budgets_ended_visit *visit;
    void *context;
};

static enum fault_code visit_ended(struct statement *row, void *context, struct fault *fault)
{
    const struct ended_visit *visiting = context;
    const struct budgets_ended ended = {store_text(row, 0), store_whole(row, 1),
                                        store_whole(row, 2) != 0};
    return visiting->visit(visiting->context, &ended, fault);
}

enum fault_code budgets_ended_each(struct store *store, int64_t node, int64_t most,
                                   budgets_ended_visit *visit, void *context, struct fault *fault)
{
    static const char sql[] = "SELECT tenant, number, settled FROM budgets_ended WHERE node = $1"
                              " ORDER BY tenant, number LIMIT $2";
    const int64_t wholes[] = {node, most};
    struct statement *select;
    struct ended_visit ended = {visit, context};
    enum fault_code code = prepare(store, sql, NULL, 0, wholes, 2, &select, fault);
    return code == FAULT_NONE ? store_each(select, visit_ended, &ended, fault) : code;
}

enum fault_code budgets_ended_remove(struct store *store, int64_t node, struct str tenant,
                                     int64_t number, struct fault *fault)
{
    static const char sql[] = "DELETE FROM budgets_ended"
                              " WHERE tenant = $1 AND node = $2 AND number = $3";
    const int64_t wholes[] = {node, number};
    return run(store, sql, &tenant, 1, wholes, 2, fault);
}

/* --- the key of reservations' names --------------------------------------------------------- */

enum fault_code budgets_key_find(struct store *store, uint8_t out[BUDGETS_SECRET_SIZE],
                                 struct fault *fault)
{
    static const char insert_sql[] = "INSERT INTO budgets_key (id, secret) VALUES (1, $1)"
                                     " ON CONFLICT (id) DO NOTHING";
    static const char find[] = "SELECT secret FROM budgets_key WHERE id = 1";
    uint8_t fresh[BUDGETS_SECRET_SIZE];
    struct statement *statement;
    bool row = false;
    if (os_random(fresh, sizeof fresh) != 0)
        return fault_set(fault, FAULT_IO, "the system gives no random numbers");
    enum fault_code code = store_prepare(store, insert_sql, &statement, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_bytes(statement, 1, (struct str){(const char *)fresh, sizeof fresh});
    code = store_run(statement, fault);
    if (code == FAULT_NONE)
        code = store_prepare(store, find, &statement, fault);
    if (code == FAULT_NONE)
        code = store_step(statement, &row, fault);
    if (code != FAULT_NONE)
        return code;
    struct str secret = row ? store_text(statement, 0) : STR("");
    if (secret.len == sizeof fresh)
        memcpy(out, secret.ptr, sizeof fresh);
    else
        code = fault_set(fault, FAULT_CORRUPT, "the key of reservations is %zu bytes, not %d",
                         secret.len, BUDGETS_SECRET_SIZE);
    if (row)
        store_reset(statement);
    return code;
}

/* This process among those that share the store: it beats, and watches the others' beats on its own
 * steady clock, so that no wall clock decides who lives. */
#include "service/budgets/budgets_internal.h"

#include <assert.h>

#include "libs/core/log.h"
#include "libs/core/os.h"

bool budgets_node_trusts(struct budgets *budgets, int64_t monotonic_us)
{
    return atomic_load_explicit(&budgets->node, memory_order_relaxed) != 0 &&
           monotonic_us - atomic_load_explicit(&budgets->beat_us, memory_order_relaxed) <
               NODE_TRUST_S * SECOND_US;
}

/* --- graces --------------------------------------------------------------------------------- */

static const int64_t graces_s[GRACES] = {GRACE_LEAST_S, BUDGETS_TTL_DEFAULT_S, BUDGETS_TTL_MAX_S};

int budgets_grace_index(int64_t ttl_s)
{
    int i = 0;
    while (i < GRACES - 1 && graces_s[i] < ttl_s)
        i++;
    return i;
}

int64_t budgets_grace_at(int index)
{
    return graces_s[index];
}

/* --- beating -------------------------------------------------------------------------------- */

struct renewal {
    struct budgets *budgets;
    int64_t node; /* 0: to be registered */
    int64_t grace_s;
    bool is_alive;
};

static enum fault_code renew_in(struct store *store, void *context, struct fault *fault)
{
    struct renewal *renewal = context;
    if (atomic_load(&renewal->budgets->node) == 0) {
        renewal->is_alive = true;
        return budgets_node_register(store, renewal->grace_s, os_now_us(), &renewal->node, fault);
    }
    renewal->node = atomic_load(&renewal->budgets->node);
    return budgets_node_tell(store, renewal->node, renewal->grace_s, &renewal->is_alive, fault);
}

/* Others have taken this process for dead (it stood still, or was cut off): what it held is not its
 * own any more. */
static void forget_all(struct budgets *budgets, int64_t node)
{
    log_event(
        LOG_WARN, "budgets.fenced", LOG_NUMBER("node", node),
        LOG_TEXT("advice", STR("this process stood still, or had no store, for so long that others "
                               "took over what it held of budgets; it goes on with nothing held")));
    for (int i = 0; i < TENANT_BUCKETS; i++)
        for (struct tenant *tenant = atomic_load(&budgets->tenants[i]); tenant;
             tenant = tenant->next) {
            pthread_mutex_lock(&tenant->lock);
            budgets_hold_soften(tenant);
            pthread_mutex_unlock(&tenant->lock);
        }
}

/* With node_lock held, which every change of the store's grace is made under: what is in memory is
 * never more than that. */
static enum fault_code renew(struct budgets *budgets, int64_t grace_s, struct fault *fault)
{
    int64_t known_s = atomic_load(&budgets->grace_s);
    struct renewal renewal = {.budgets = budgets, .grace_s = known_s > grace_s ? known_s : grace_s};
    int64_t asked_us = os_monotonic_us();
    enum fault_code code = store_pool_write(budgets->pool, renew_in, &renewal, fault);
    if (code == FAULT_NONE && !renewal.is_alive) {
        /* In this order: nothing is lent from memory while what was lent is taken back. */
        atomic_store(&budgets->node, 0);
        forget_all(budgets, renewal.node);
        asked_us = os_monotonic_us();
        code = store_pool_write(budgets->pool, renew_in, &renewal, fault);
    }
    if (code != FAULT_NONE)
        return code;
    atomic_store(&budgets->grace_s, renewal.grace_s);
    atomic_store(&budgets->beat_us, asked_us);
    atomic_store(&budgets->node, renewal.node);
    return FAULT_NONE;
}

enum fault_code budgets_node_renew(struct budgets *budgets, int64_t grace_s, struct fault *fault)
{
    pthread_mutex_lock(&budgets->node_lock);
    enum fault_code code = renew(budgets, grace_s, fault);
    pthread_mutex_unlock(&budgets->node_lock);
    return code;
}

/* Several threads may find at once that a beat is due: one of them sends it. */
enum fault_code budgets_node_ready(struct budgets *budgets, int64_t *out, struct fault *fault)
{
    enum fault_code code = FAULT_NONE;
    pthread_mutex_lock(&budgets->node_lock);
    if (!budgets_node_trusts(budgets, os_monotonic_us()))
        code = renew(budgets, GRACE_LEAST_S, fault);
    if (code == FAULT_NONE)
        *out = atomic_load(&budgets->node);
    pthread_mutex_unlock(&budgets->node_lock);
    return code;
}

/* --- watching ------------------------------------------------------------------------------- */

/* When this process first saw that one beat as it last did. */
static int64_t seen_since(const struct budgets *budgets, const struct budgets_node *node,
                          int64_t now_us)
{
    for (size_t i = 0; i < budgets->seen_count; i++)
        if (budgets->seen[i].node.node == node->node)
            return budgets->seen[i].node.beat == node->beat &&
                           budgets->seen[i].node.grace_s == node->grace_s
                       ? budgets->seen[i].seen_us
                       : now_us;
    return now_us;
}

struct removal {
    const struct budgets_node *node;
    bool removed;
};

static enum fault_code remove_in(struct store *store, void *context, struct fault *fault)
{
    struct removal *removal = context;
    return budgets_node_remove(store, removal->node->node, removal->node->beat, &removal->removed,
                               fault);
}

static enum fault_code bury(struct budgets *budgets, const struct budgets_node *node,
                            struct fault *fault)
{
    struct removal removal = {.node = node};
    enum fault_code code = store_pool_write(budgets->pool, remove_in, &removal, fault);
    if (code == FAULT_NONE && removal.removed)
        log_event(LOG_INFO, "budgets.process_gone", LOG_NUMBER("node", node->node));
    return code;
}

enum fault_code budgets_node_watch(struct budgets *budgets, struct fault *fault)
{
    struct budgets_node nodes[BUDGETS_NODES_MAX];
    int64_t seen_us[BUDGETS_NODES_MAX];
    size_t count = 0;
    struct store *store;
    enum fault_code code = store_pool_take(budgets->pool, &store, fault);
    if (code != FAULT_NONE)
        return code;
    code = budgets_node_list(store, nodes, &count, fault);
    store_pool_give(budgets->pool, store);
    int64_t now_us = os_monotonic_us();
    int64_t self = atomic_load(&budgets->node);
    int64_t others = 0;
    for (size_t i = 0; i < count && code == FAULT_NONE; i++) {
        seen_us[i] = seen_since(budgets, &nodes[i], now_us);
        if (nodes[i].node == self)
            continue;
        if (now_us - seen_us[i] > (nodes[i].grace_s + NODE_DEAD_S) * SECOND_US)
            code = bury(budgets, &nodes[i], fault);
        else
            others++;
    }
    if (code != FAULT_NONE)
        return code;
    for (size_t i = 0; i < count; i++) {
        budgets->seen[i].node = nodes[i];
        budgets->seen[i].seen_us = seen_us[i];
    }
    budgets->seen_count = count;
    atomic_store(&budgets->others, others);
    return FAULT_NONE;
}

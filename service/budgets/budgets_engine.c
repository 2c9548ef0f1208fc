/* The engine made, kept in order and ended; the thread that keeps house. */
#include "service/budgets/budgets_internal.h"

#include <assert.h>
#include <string.h>
#include <time.h>

#include "libs/core/log.h"
#include "libs/core/os.h"
#include "service/usage/usage_store.h"

enum { ENDED_AT_ONCE = 256, ACTIVE_S = 60 };

/* --- made and ended ------------------------------------------------------------------------- */

static void init_locks(struct budgets *budgets)
{
    pthread_condattr_t attributes;
    int rc = pthread_mutex_init(&budgets->growing, NULL);
    rc |= pthread_mutex_init(&budgets->node_lock, NULL);
    rc |= pthread_mutex_init(&budgets->keep_lock, NULL);
    rc |= pthread_condattr_init(&attributes);
    rc |= pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    rc |= pthread_cond_init(&budgets->keep_wake, &attributes);
    assert(rc == 0);
    pthread_condattr_destroy(&attributes);
}

static enum fault_code find_key(struct store *store, void *context, struct fault *fault)
{
    struct budgets *budgets = context;
    return budgets_key_find(store, budgets->secret, fault);
}

enum fault_code budgets_new(struct store_pool *pool, struct audit *audit, struct budgets **out,
                            struct fault *fault)
{
    struct budgets *budgets = os_alloc(sizeof *budgets);
    if (!budgets)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for budgets");
    budgets->pool = pool;
    budgets->audit = audit;
    init_locks(budgets);
    uint32_t drawn;
    if (os_random(&drawn, sizeof drawn) != 0) {
        budgets_free(budgets);
        return fault_set(fault, FAULT_IO, "the system gives no random numbers");
    }
    budgets->origin = INT64_C(1) << 31 | drawn;
    atomic_store(&budgets->grace_s, GRACE_LEAST_S);
    enum fault_code code = store_pool_write(pool, find_key, budgets, fault);
    if (code == FAULT_NONE)
        code = budgets_refusals_new(pool, audit, &budgets->refusals, fault);
    if (code == FAULT_NONE)
        code = budgets_repeats_new(&budgets->repeats, fault);
    if (code != FAULT_NONE) {
        budgets_free(budgets);
        return code;
    }
    *out = budgets;
    return FAULT_NONE;
}

/* --- what others have ended ----------------------------------------------------------------- */

struct ended_list {
    struct {
        char tenant[68];
        int64_t number;
        bool settled;
        int part_count;
        struct {
            char id[BUDGETS_ID_MAX + 1];
            int64_t period_from_us;
            int64_t amount;
        } parts[BUDGETS_APPLY_MAX];
    } items[ENDED_AT_ONCE];
    size_t count;
    int64_t node;
};

static enum fault_code collect_ended(void *context, const struct budgets_ended *ended,
                                     struct fault *fault)
{
    struct ended_list *list = context;
    (void)fault;
    bool fits = str_to_c(ended->tenant, list->items[list->count].tenant,
                         sizeof list->items[list->count].tenant);
    assert(fits);
    list->items[list->count].number = ended->number;
    list->items[list->count].settled = ended->settled;
    list->items[list->count].part_count = 0;
    list->count++;
    return FAULT_NONE;
}

/* Memory first: what a settlement held is lent no more, and then it is taken from the store. What
 * was released is free again at once. */
static void end_in_memory(struct budgets *budgets, struct ended_list *list, size_t i)
{
    struct tenant *tenant = budgets_tenant_known(budgets, str_of(list->items[i].tenant));
    if (!tenant)
        return;
    pthread_mutex_lock(&tenant->lock);
    struct hold *hold = budgets_hold_find(tenant, list->node, list->items[i].number);
    if (hold && list->items[i].settled)
        for (int part = 0; part < hold->count; part++) {
            if (!hold->parts[part].is_held)
                continue;
            struct state *state = hold->parts[part].state;
            int at = list->items[i].part_count++;
            memcpy(list->items[i].parts[at].id, state->id, sizeof state->id);
            list->items[i].parts[at].period_from_us = state->period.from_us;
            list->items[i].parts[at].amount = hold->parts[part].amount;
        }
    /* A settlement of it that is under way here finds it settled, and leaves it to this. */
    if (hold)
        budgets_hold_end(tenant, hold, !list->items[i].settled);
    pthread_mutex_unlock(&tenant->lock);
}

static enum fault_code end_in_store(struct store *store, void *context, struct fault *fault)
{
    struct ended_list *list = context;
    enum fault_code code = FAULT_NONE;
    for (size_t i = 0; i < list->count && code == FAULT_NONE; i++) {
        struct str tenant = str_of(list->items[i].tenant);
        for (int part = 0; part < list->items[i].part_count && code == FAULT_NONE; part++) {
            bool there;
            struct budgets_slice_key key = {tenant, str_of(list->items[i].parts[part].id),
                                            list->items[i].parts[part].period_from_us};
            code = budgets_slice_add(store, &key, list->node, -list->items[i].parts[part].amount,
                                     &there, fault);
        }
        if (code == FAULT_NONE)
            code = budgets_ended_remove(store, list->node, tenant, list->items[i].number, fault);
    }
    return code;
}

/* A write of unknown outcome: memory has less than the store, which is safe; to be made equal. */
static void doubt_all(struct budgets *budgets, const struct ended_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        struct tenant *tenant = budgets_tenant_known(budgets, str_of(list->items[i].tenant));
        if (!tenant)
            continue;
        pthread_mutex_lock(&tenant->lock);
        for (struct state *state = tenant->states; state; state = state->next)
            state->doubtful = true;
        pthread_mutex_unlock(&tenant->lock);
    }
}

/* *out_full: there may be more. */
static enum fault_code take_ended(struct budgets *budgets, struct ended_list *list, bool *out_full,
                                  struct fault *fault)
{
    struct store *store;
    list->count = 0;
    list->node = atomic_load(&budgets->node);
    *out_full = false;
    enum fault_code code = store_pool_take(budgets->pool, &store, fault);
    if (code != FAULT_NONE)
        return code;
    code = budgets_ended_each(store, list->node, ENDED_AT_ONCE, collect_ended, list, fault);
    store_pool_give(budgets->pool, store);
    if (code != FAULT_NONE || list->count == 0)
        return code;
    for (size_t i = 0; i < list->count; i++)
        end_in_memory(budgets, list, i);
    code = store_pool_write(budgets->pool, end_in_store, list, fault);
    if (code != FAULT_NONE)
        doubt_all(budgets, list);
    *out_full = list->count == ENDED_AT_ONCE;
    return code;
}

static enum fault_code take_all_ended(struct budgets *budgets, struct fault *fault)
{
    bool full = true;
    struct ended_list *list = os_alloc(sizeof *list);
    enum fault_code code = FAULT_NONE;
    if (!list)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for what others have ended");
    while (full && code == FAULT_NONE)
        code = take_ended(budgets, list, &full, fault);
    os_free(list);
    return code;
}

/* --- one round ------------------------------------------------------------------------------ */

/* What all tenants together need of the store this time. */
struct round {
    struct budgets *budgets;
    int64_t now_us;  /* monotonic, before anything was read */
    bool holds;      /* something is held or reserved */
    int64_t grace_s; /* of what is open, or may soon be asked for again */
    bool is_asked;   /* there is a tenant at all */
};

static void look_at(struct round *round, struct tenant *tenant)
{
    pthread_mutex_lock(&tenant->lock);
    round->is_asked = true;
    round->holds = round->holds || tenant->hold_count > 0;
    for (const struct state *state = tenant->states; state; state = state->next)
        round->holds = round->holds || state->free > 0 || state->open > 0 || state->surplus > 0 ||
                       state->told > 0 || state->doubtful;
    bool is_quiet =
        tenant->hold_count == 0 && round->now_us - tenant->asked_us > GRACE_LOWER_S * SECOND_US;
    for (int i = 0; i < GRACES && !is_quiet; i++)
        if (tenant->until_us[i] > round->now_us && budgets_grace_at(i) > round->grace_s)
            round->grace_s = budgets_grace_at(i);
    pthread_mutex_unlock(&tenant->lock);
}

static void each_tenant(struct round *round, void (*visit)(struct round *, struct tenant *))
{
    for (int i = 0; i < TENANT_BUCKETS; i++)
        for (struct tenant *tenant = atomic_load(&round->budgets->tenants[i]); tenant;
             tenant = tenant->next)
            visit(round, tenant);
}

static void tell_fault(const char *what, const struct fault *fault)
{
    log_event(LOG_WARN, "budgets.keeping", LOG_TEXT("at", str_of(what)),
              LOG_TEXT("fault", str_of(fault->text)));
}

static void mark_recalled(void *context, const struct budgets_slice_key *key)
{
    struct round *round = context;
    char id[BUDGETS_ID_MAX + 1];
    struct tenant *tenant = budgets_tenant_known(round->budgets, key->tenant);
    if (!tenant || !str_to_c(key->budget, id, sizeof id))
        return;
    pthread_mutex_lock(&tenant->lock);
    struct state *state = budgets_state(tenant, id, key->period_from_us);
    if (state)
        state->recalled = true;
    pthread_mutex_unlock(&tenant->lock);
}

static enum fault_code find_recalled(struct round *round, struct fault *fault)
{
    struct store *store;
    enum fault_code code = store_pool_take(round->budgets->pool, &store, fault);
    if (code != FAULT_NONE)
        return code;
    code = budgets_slice_recalled(store, atomic_load(&round->budgets->node), mark_recalled, round,
                                  fault);
    store_pool_give(round->budgets->pool, store);
    return code;
}

/* Expiry comes after what others have ended was read: what they settled in time is not free. */
static void expire(struct round *round, struct tenant *tenant)
{
    pthread_mutex_lock(&tenant->lock);
    budgets_hold_expire(tenant, round->now_us);
    pthread_mutex_unlock(&tenant->lock);
}

struct allowing {
    struct str tenant;
    int64_t day_us;
    int64_t count;
};

static enum fault_code allow_in(struct store *store, void *context, struct fault *fault)
{
    const struct allowing *allowing = context;
    return budgets_allowed_add(store, allowing->tenant, allowing->day_us, allowing->count, fault);
}

/* With the lock held. */
static enum fault_code write_allowed(struct budgets *budgets, struct tenant *tenant,
                                     struct fault *fault)
{
    struct allowing allowing = {.tenant = str_of(tenant->name), .count = tenant->allowed};
    if (allowing.count == 0 || !tenant->config)
        return FAULT_NONE;
    allowing.day_us = tenant->config->day_us;
    pthread_mutex_unlock(&tenant->lock);
    enum fault_code code = store_pool_write(budgets->pool, allow_in, &allowing, fault);
    pthread_mutex_lock(&tenant->lock);
    if (code == FAULT_NONE)
        tenant->allowed -= allowing.count;
    return code;
}

static void keep_tenant(struct round *round, struct tenant *tenant)
{
    struct fault fault;
    struct budgets *budgets = round->budgets;
    enum fault_code code = FAULT_NONE;
    pthread_mutex_lock(&tenant->lock);
    bool is_active = round->now_us - tenant->asked_us < ACTIVE_S * SECOND_US;
    bool is_due = round->now_us - tenant->refreshed_us >= REFRESH_S * SECOND_US;
    if (tenant->config && (tenant->states || tenant->allowed > 0 || is_active) &&
        budgets_slow_begin(tenant)) {
        if (tenant->stale)
            code = budgets_config_read(budgets, tenant, os_now_us(), &fault);
        else if (is_active && is_due)
            code = budgets_config_refresh(budgets, tenant, &fault);
        if (code == FAULT_NONE)
            code = budgets_give_back(budgets, tenant, false, &fault);
        if (code == FAULT_NONE && is_due)
            code = write_allowed(budgets, tenant, &fault);
        budgets_slow_end(tenant);
    }
    pthread_mutex_unlock(&tenant->lock);
    if (code != FAULT_NONE)
        tell_fault(tenant->name, &fault);
}

/* Who holds nothing writes nothing, but looks at the others: what a dead one held may be wanted. */
static enum fault_code watch(struct round *round, struct fault *fault)
{
    struct budgets *budgets = round->budgets;
    if (!round->is_asked || round->now_us - budgets->watched_us < NODE_BEAT_S * SECOND_US)
        return FAULT_NONE;
    budgets->watched_us = round->now_us;
    return budgets_node_watch(budgets, fault);
}

/* Memory first, and then another look: who gives a reservation has the tenant's lock from reading
 * the grace on. What was given meanwhile is seen, and whatever follows keeps to the lower one. */
static void lower_grace(struct round *round)
{
    if (round->grace_s >= atomic_load(&round->budgets->grace_s))
        return;
    atomic_store(&round->budgets->grace_s, round->grace_s);
    each_tenant(round, look_at);
}

static enum fault_code keep_node(struct round *round, struct fault *fault)
{
    struct budgets *budgets = round->budgets;
    bool is_due = round->now_us - atomic_load(&budgets->beat_us) >= NODE_BEAT_S * SECOND_US;
    enum fault_code code = watch(round, fault);
    if (code != FAULT_NONE || atomic_load(&budgets->node) == 0)
        return code;
    if (round->holds && is_due) {
        lower_grace(round);
        code = budgets_node_renew(budgets, round->grace_s, fault);
    }
    if (code == FAULT_NONE && round->holds)
        code = find_recalled(round, fault);
    if (code == FAULT_NONE && round->holds)
        code = take_all_ended(budgets, fault);
    return code;
}

void budgets_keep(struct budgets *budgets)
{
    struct fault fault;
    struct round round = {
        .budgets = budgets, .now_us = os_monotonic_us(), .grace_s = GRACE_LEAST_S};
    if (budgets_refusals_flush(budgets->refusals, &fault) != FAULT_NONE)
        tell_fault("refusals", &fault);
    each_tenant(&round, look_at);
    if (keep_node(&round, &fault) != FAULT_NONE)
        tell_fault("processes", &fault);
    else
        each_tenant(&round, expire);
    each_tenant(&round, keep_tenant);
}

/* --- the thread ----------------------------------------------------------------------------- */

static void *keep_house(void *context)
{
    struct budgets *budgets = context;
    pthread_mutex_lock(&budgets->keep_lock);
    while (!budgets->ending) {
        int64_t until_us = os_monotonic_us() + KEEP_MS * INT64_C(1000);
        const struct timespec until = {.tv_sec = until_us / SECOND_US,
                                       .tv_nsec = until_us % SECOND_US * 1000};
        pthread_cond_timedwait(&budgets->keep_wake, &budgets->keep_lock, &until);
        pthread_mutex_unlock(&budgets->keep_lock);
        budgets_keep(budgets);
        pthread_mutex_lock(&budgets->keep_lock);
    }
    pthread_mutex_unlock(&budgets->keep_lock);
    return NULL;
}

enum fault_code budgets_start(struct budgets *budgets, struct fault *fault)
{
    int rc = pthread_create(&budgets->keeper, NULL, keep_house, budgets);
    if (rc != 0)
        return fault_errno(fault, rc, "cannot start the thread that keeps budgets");
    budgets->has_keeper = true;
    return FAULT_NONE;
}

static void give_all_back(struct round *round, struct tenant *tenant)
{
    struct fault fault;
    pthread_mutex_lock(&tenant->lock);
    enum fault_code code = FAULT_NONE;
    if (tenant->config && budgets_slow_begin(tenant)) {
        code = budgets_give_back(round->budgets, tenant, true, &fault);
        if (code == FAULT_NONE)
            code = write_allowed(round->budgets, tenant, &fault);
        budgets_slow_end(tenant);
    }
    pthread_mutex_unlock(&tenant->lock);
    if (code != FAULT_NONE)
        tell_fault("ending", &fault);
}

static void end_keeper(struct budgets *budgets)
{
    if (!budgets->has_keeper)
        return;
    pthread_mutex_lock(&budgets->keep_lock);
    budgets->ending = true;
    pthread_cond_signal(&budgets->keep_wake);
    pthread_mutex_unlock(&budgets->keep_lock);
    pthread_join(budgets->keeper, NULL);
}

void budgets_free(struct budgets *taken)
{
    if (!taken)
        return;
    struct fault fault;
    struct round round = {.budgets = taken, .now_us = os_monotonic_us()};
    end_keeper(taken);
    if (taken->refusals && budgets_refusals_end(taken->refusals, &fault) != FAULT_NONE)
        tell_fault("refusals", &fault);
    if (atomic_load(&taken->node) != 0 && take_all_ended(taken, &fault) != FAULT_NONE)
        tell_fault("ended", &fault);
    each_tenant(&round, give_all_back);
    budgets_tenants_free(taken);
    budgets_refusals_free(taken->refusals);
    budgets_repeats_free(taken->repeats);
    pthread_cond_destroy(&taken->keep_wake);
    pthread_mutex_destroy(&taken->keep_lock);
    pthread_mutex_destroy(&taken->node_lock);
    pthread_mutex_destroy(&taken->growing);
    os_free(taken);
}

void budgets_reload(struct budgets *budgets, struct str tenant)
{
    struct tenant *known = budgets ? budgets_tenant_known(budgets, tenant) : NULL;
    if (!known)
        return; /* nothing of it is in memory */
    pthread_mutex_lock(&known->lock);
    known->stale = true;
    pthread_mutex_unlock(&known->lock);
}

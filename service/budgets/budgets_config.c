/* What holds for a tenant now: budgets with their overrides, periods and prices, read from the
 * store and good until the day ends, an override expires, or an administrator changes something. */
#include "service/budgets/budgets_internal.h"

#include <assert.h>
#include <string.h>

#include "libs/core/os.h"
#include "service/budgets/budgets_used.h"
#include "service/usage/usage_store.h"

enum { CONFIG_MAX = 16 << 20, SCRATCH_MAX = 16 << 20 };

void budgets_config_free(struct config *taken)
{
    if (!taken)
        return;
    arena_done(&taken->arena);
    os_free(taken);
}

/* What the store says of one budget. */
struct standing {
    struct zone_period period;
    int64_t used;
    int64_t others;
};

static enum fault_code read_standing(struct budgets *budgets, struct store *store,
                                     struct tenant *tenant, const struct budgets_row *row,
                                     const struct prices_table *prices, struct standing *standing,
                                     struct arena *scratch, struct fault *fault)
{
    struct budgets_claims claims = {0};
    struct budgets_slice_key key = {str_of(tenant->name), row->id, standing->period.from_us};
    enum fault_code code = budgets_used_read(store, key.tenant, row, prices, standing->period,
                                             os_now_us(), scratch, &standing->used, fault);
    if (code == FAULT_NONE)
        code = budgets_slice_claims(store, &key, atomic_load(&budgets->node), &claims, fault);
    standing->others = budgets_cap(claims.reserved);
    arena_reset(scratch);
    return code;
}

/* --- reading -------------------------------------------------------------------------------- */

struct reading {
    struct budgets *budgets;
    struct tenant *tenant;
    struct config *config;
    struct standing *standings;
    struct arena scratch;
    int64_t now_us;
};

static void bound_by_override(struct config *config, const struct budgets_row *row, int64_t now_us)
{
    if (row->override && row->override->expires_us > now_us &&
        row->override->expires_us < config->to_us)
        config->to_us = row->override->expires_us;
}

/* What has no price costs nothing: no cost budget can say anything of it. */
static void add_to_meters(struct config *config, struct applies *applies, int64_t now_us)
{
    bool is_cost = applies->row->definition.basis == BUDGETS_COST;
    for (int i = 0; usage_meter_at(i); i++) {
        const struct prices_price *price = NULL;
        int64_t until_us;
        assert(i < METERS_MAX);
        if (!budgets_has_meter(&applies->row->definition, usage_meter_at(i)))
            continue;
        if (is_cost)
            price = prices_at(&config->prices, usage_meter_at(i), now_us, &until_us);
        if (is_cost && !price)
            continue;
        if (config->meters[i].count == BUDGETS_APPLY_MAX) {
            config->meters[i].too_many = true;
            continue;
        }
        config->meters[i].prices[config->meters[i].count] = price;
        config->meters[i].budgets[config->meters[i].count++] = applies;
    }
}

static enum fault_code read_budgets(struct reading *reading, struct store *store, struct zone *zone,
                                    struct fault *fault)
{
    struct config *config = reading->config;
    struct zone_period day = zone_period_at(zone, ZONE_DAY, reading->now_us);
    config->from_us = day.from_us;
    config->to_us = day.to_us;
    config->day_us = day.from_us;
    size_t count = config->loaded.count;
    config->all = arena_alloc(&config->arena, (count + 1) * sizeof *config->all);
    reading->standings = arena_alloc(&config->arena, (count + 1) * sizeof *reading->standings);
    if (!config->all || !reading->standings)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for a tenant's budgets");
    enum fault_code code = FAULT_NONE;
    for (size_t i = 0; i < count && code == FAULT_NONE; i++) {
        const struct budgets_row *row = &config->loaded.rows[i];
        bool bypass = false;
        config->all[i].row = row;
        config->all[i].limit = budgets_limit(row, reading->now_us, &bypass);
        config->all[i].refuses = !bypass && row->definition.mode != BUDGETS_NOTIFY;
        bound_by_override(config, row, reading->now_us);
        add_to_meters(config, &config->all[i], reading->now_us);
        reading->standings[i].period =
            zone_period_at(zone, row->definition.period, reading->now_us);
        code = read_standing(reading->budgets, store, reading->tenant, row, &config->prices,
                             &reading->standings[i], &reading->scratch, fault);
    }
    return code;
}

static enum fault_code read_all(struct reading *reading, struct store *store, struct fault *fault)
{
    struct str name;
    int anchor_day;
    struct zone *zone = NULL;
    struct config *config = reading->config;
    struct str tenant = str_of(reading->tenant->name);
    enum fault_code code = store_begin_read(store, fault);
    if (code == FAULT_NONE)
        code = usage_store_zone(store, tenant, &config->arena, &name, &anchor_day, fault);
    if (code == FAULT_NONE)
        code = zone_open(name, anchor_day, &zone, fault);
    if (code == FAULT_NONE)
        code = budgets_load(store, tenant, reading->now_us, &config->arena, &config->loaded, fault);
    if (code == FAULT_NONE)
        code = prices_load(store, tenant, &config->arena, &config->prices, fault);
    if (code == FAULT_NONE)
        code = read_budgets(reading, store, zone, fault);
    zone_free(zone);
    return code;
}

/* --- putting in place: with the lock held ----------------------------------------------------- */

bool budgets_state_is_current(const struct tenant *tenant, const struct state *state)
{
    const struct config *config = tenant->config;
    for (size_t i = 0; config && i < config->loaded.count; i++)
        if (config->all[i].state == state)
            return true;
    return false;
}

static void drop_old_states(struct tenant *tenant)
{
    struct state **link = &tenant->states;
    while (*link) {
        struct state *state = *link;
        if (state->holds > 0 || state->free > 0 || state->surplus > 0 || state->told > 0 ||
            state->doubtful || budgets_state_is_current(tenant, state)) {
            link = &state->next;
            continue;
        }
        *link = state->next;
        os_free(state);
    }
}

static void take_standing(struct state *state, const struct standing *standing, __int128 counted)
{
    state->used = standing->used;
    state->counted -= counted; /* what came meanwhile may be counted twice until the next time */
    state->others = standing->others;
}

static enum fault_code put_in_place(struct reading *reading, struct fault *fault)
{
    struct tenant *tenant = reading->tenant;
    struct config *config = reading->config;
    for (size_t i = 0; i < config->loaded.count; i++) {
        char id[BUDGETS_ID_MAX + 1];
        bool fits = str_to_c(config->loaded.rows[i].id, id, sizeof id);
        assert(fits);
        struct state *state = budgets_state(tenant, id, reading->standings[i].period.from_us);
        if (!state) {
            state = os_alloc(sizeof *state);
            if (!state)
                return fault_set(fault, FAULT_NO_MEMORY, "no memory left for a budget");
            memcpy(state->id, id, sizeof id);
            state->next = tenant->states;
            tenant->states = state;
        }
        state->period = reading->standings[i].period;
        state->exhausted_until_us = 0;
        take_standing(state, &reading->standings[i], state->counted);
        config->all[i].state = state;
    }
    budgets_config_free(tenant->config);
    tenant->config = config;
    reading->config = NULL;
    budgets_trim(tenant);
    drop_old_states(tenant);
    return FAULT_NONE;
}

enum fault_code budgets_config_read(struct budgets *budgets, struct tenant *tenant, int64_t now_us,
                                    struct fault *fault)
{
    struct reading reading = {.budgets = budgets, .tenant = tenant, .now_us = now_us};
    struct store *store;
    assert(tenant->slow);
    tenant->stale = false;
    pthread_mutex_unlock(&tenant->lock);
    arena_init(&reading.scratch, SCRATCH_MAX);
    reading.config = os_alloc(sizeof *reading.config);
    enum fault_code code = FAULT_NONE;
    if (!reading.config)
        code = fault_set(fault, FAULT_NO_MEMORY, "no memory left for a tenant's budgets");
    else
        arena_init(&reading.config->arena, CONFIG_MAX);
    if (code == FAULT_NONE)
        code = store_pool_take(budgets->pool, &store, fault);
    if (code == FAULT_NONE) {
        code = read_all(&reading, store, fault);
        store_pool_give(budgets->pool, store);
    }
    if (code == FAULT_NONE)
        reading.config->generation = reading.config->loaded.generation;
    arena_done(&reading.scratch);
    pthread_mutex_lock(&tenant->lock);
    if (code == FAULT_NONE)
        code = put_in_place(&reading, fault);
    if (code == FAULT_NONE)
        tenant->refreshed_us = os_monotonic_us();
    else
        tenant->stale = true;
    budgets_config_free(reading.config);
    return code;
}

/* --- refreshing ----------------------------------------------------------------------------- */

static enum fault_code refresh_from(struct budgets *budgets, struct tenant *tenant,
                                    struct store *store, struct standing *standings,
                                    bool *out_changed, struct fault *fault)
{
    struct config *config = tenant->config; /* stays: `slow` is ours */
    struct arena scratch;
    int64_t generation = 0;
    enum fault_code code = store_begin_read(store, fault);
    if (code == FAULT_NONE)
        code = budgets_generation(store, str_of(tenant->name), &generation, fault);
    if (code != FAULT_NONE)
        return code;
    *out_changed = generation != config->generation;
    arena_init(&scratch, SCRATCH_MAX);
    for (size_t i = 0; i < config->loaded.count && !*out_changed && code == FAULT_NONE; i++) {
        standings[i].period = config->all[i].state->period;
        code = read_standing(budgets, store, tenant, config->all[i].row, &config->prices,
                             &standings[i], &scratch, fault);
    }
    arena_done(&scratch);
    return code;
}

enum fault_code budgets_config_refresh(struct budgets *budgets, struct tenant *tenant,
                                       struct fault *fault)
{
    struct standing standings[BUDGETS_MAX] = {{.used = 0}};
    __int128 counted[BUDGETS_MAX] = {0};
    struct config *config = tenant->config;
    struct store *store;
    bool changed = false;
    assert(tenant->slow && config->loaded.count <= BUDGETS_MAX);
    for (size_t i = 0; i < config->loaded.count; i++)
        counted[i] = config->all[i].state->counted;
    pthread_mutex_unlock(&tenant->lock);
    enum fault_code code = store_pool_take(budgets->pool, &store, fault);
    if (code == FAULT_NONE) {
        code = refresh_from(budgets, tenant, store, standings, &changed, fault);
        store_pool_give(budgets->pool, store);
    }
    pthread_mutex_lock(&tenant->lock);
    if (code != FAULT_NONE)
        return code;
    if (changed)
        return budgets_config_read(budgets, tenant, os_now_us(), fault);
    for (size_t i = 0; i < config->loaded.count; i++)
        take_standing(config->all[i].state, &standings[i], counted[i]);
    budgets_trim(tenant);
    tenant->refreshed_us = os_monotonic_us();
    return FAULT_NONE;
}
